"""The report's charts, as Vega-Lite specifications made by Altair. Pure: rows in, specification out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

Row = dict[str, Any]
Spec = dict[str, Any]

STATUSES = ("customer", "open_opportunity", "churned", "prospect", "not_shared")
INK, PALE_INK, GRID = "#1b2733", "#5b6b7a", "#e3e8ed"
BLUE, ORANGE, RED, GREY = "#1f6fb2", "#c8641b", "#b3392f", "#9aa7b2"
CHART_WIDTH = 1000


def label(name: str) -> str:
    """An id or status as people read it: `open_opportunity` is `open opportunity`."""
    return name.replace("_", " ")


def money(amount: float | None, currency: str) -> str:
    """An amount in few characters: USD 7.9M, USD 714k, USD 12; empty for none."""
    return f"{currency} {short(amount)}" if amount else ""


def short(amount: float) -> str:
    """A number in few characters: 7.9M, 714k, 12."""
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(amount) >= size:
            scaled = amount / size
            return f"{scaled:.0f}{letter}" if abs(scaled) >= 99.95 or letter == "k" else f"{scaled:.1f}{letter}"
    return f"{amount:.0f}"


def select(name: str, values: Sequence[str], text: str) -> alt.Parameter:
    """A list to choose one of the values from; the first one is chosen."""
    return alt.param(
        name=name,
        value=values[0],
        bind=alt.binding_select(options=list(values), labels=[label(v) for v in values], name=text),
    )


def curve(steps: Sequence[Row], lists: Sequence[str], statuses: Sequence[str]) -> Spec:
    """Cumulative coverage by accounts and pipeline, in the order in which partners add most, and the limit.

    steps: rows of account_mapping__ecosystem_coverage of one rollup, with `partner`.
    """
    measures = (("cumulative_rate", "accounts"), ("cumulative_pipeline_rate", "open pipeline"))
    rows = [
        {
            **{
                name: step[name]
                for name in (
                    "target_list",
                    "our_status",
                    "rank",
                    "partner",
                    "added_accounts",
                    "cumulative_accounts",
                    "limit_rate",
                )
            },
            "measure": text,
            "rate": step[column],
        }
        for step in steps
        for column, text in measures
    ]
    chosen = "datum.target_list == target_list && datum.our_status == our_status"
    base = alt.Chart(alt.Data(values=rows)).transform_filter(chosen)
    x = alt.X(
        "partner:N",
        sort=alt.EncodingSortField("rank", op="min"),
        title=None,
        axis=alt.Axis(labelAngle=-35, labelLimit=160),
    )
    y = alt.Y("rate:Q", title="reached", axis=alt.Axis(format=".1~%"), scale=alt.Scale(zero=True, nice=False))
    colour = alt.Color(
        "measure:N",
        scale=alt.Scale(domain=["accounts", "open pipeline"], range=[BLUE, ORANGE]),
        legend=alt.Legend(title=None, orient="top"),
    )
    tooltip = [
        alt.Tooltip("rank:Q"), alt.Tooltip("partner:N"), alt.Tooltip("measure:N"), alt.Tooltip("rate:Q", format=".1%"),
        alt.Tooltip("added_accounts:Q", title="accounts added", format=","),
        alt.Tooltip("cumulative_accounts:Q", title="accounts reached", format=","),
    ]  # fmt: skip
    line = base.mark_line(point=alt.OverlayMarkDef(size=55, filled=True)).encode(
        x=x, y=y, color=colour, tooltip=tooltip
    )
    added = (
        base.transform_filter("datum.measure == 'accounts'")
        .transform_calculate(text="'+' + format(datum.added_accounts, ',')")
        .mark_text(dy=16, fontSize=11, color=PALE_INK)
        .encode(x=x, y=y, text="text:N")
    )
    limit = (
        base.transform_filter("datum.measure == 'accounts'")
        .transform_aggregate(limit_rate="max(limit_rate)")
        .mark_rule(strokeDash=[5, 4], color=GREY)
        .encode(
            y=alt.Y("limit_rate:Q"), tooltip=alt.Tooltip("limit_rate:Q", title="all partners together", format=".1%")
        )
    )
    chart = alt.layer(limit, line, added).properties(width=CHART_WIDTH, height=260)
    return finished(
        chart.add_params(select("target_list", lists, "Target list "), select("our_status", statuses, "Our status "))
    )


def contribution(rows: Sequence[Row]) -> Spec:
    """Accounts that each partner covers, and of these the ones that no other partner covers.

    rows: partner, shared (with another partner), unique and covered accounts.
    """
    longest = [row["partner"] for row in sorted(rows, key=lambda row: (-row["covered"], row["partner"]))]
    parts = [
        {"partner": row["partner"], "part": part, "place": place, "accounts": row[name], "covered": row["covered"]}
        for row in rows
        for place, (name, part) in enumerate((("unique", "only this partner"), ("shared", "others too")))
    ]
    y = alt.Y("partner:N", sort=longest, title=None)
    base = alt.Chart(alt.Data(values=parts))
    bars = base.mark_bar().encode(
        y=y,
        x=alt.X(
            "accounts:Q",
            title="covered accounts of ours",
            stack="zero",
            axis=alt.Axis(format=",d", tickMinStep=1),
            scale=alt.Scale(nice=False),
        ),
        order=alt.Order("place:Q"),
        color=alt.Color(
            "part:N",
            scale=alt.Scale(domain=["only this partner", "others too"], range=[BLUE, "#b9d3e8"]),
            legend=alt.Legend(title=None, orient="top"),
        ),
        tooltip=[
            alt.Tooltip("partner:N"),
            alt.Tooltip("part:N", title="known to"),
            alt.Tooltip("accounts:Q", format=","),
        ],
    )
    totals = (
        base.transform_filter("datum.place == 0")
        .transform_calculate(text="format(datum.covered, ',') + ', only here ' + format(datum.accounts, ',')")
        .mark_text(align="left", dx=5, fontSize=11, color=PALE_INK)
        .encode(y=y, x="covered:Q", text="text:N")
    )
    # the texts stand right of the bars, outside of the axis
    return finished(alt.layer(bars, totals).properties(width=CHART_WIDTH - 180, height=max(70, 24 * len(rows))))


def changes(rows: Sequence[Row], partners: Sequence[str]) -> Spec:
    """Shared accounts that were gained (above the line) and lost (below it) by day of a run.

    rows: day, partner, gained, lost.
    """
    kinds = (("gained", "new", 1), ("lost", "lost", -1))
    parts = [
        {"day": row["day"], "partner": row["partner"], "kind": text, "accounts": sign * row[name]}
        for row in rows
        for name, text, sign in kinds
        if row[name]
    ]
    partner = select("partner", ["all partners", *partners], "Partner ")
    chart = (
        alt.Chart(alt.Data(values=parts))
        .transform_filter("partner == 'all partners' || datum.partner == partner")
        .mark_bar(size=16)
        .encode(
            x=alt.X("day:O", title=None, axis=alt.Axis(labelAngle=-35)),
            y=alt.Y(
                "sum(accounts):Q",
                title="shared accounts",
                axis=alt.Axis(format=",d", tickMinStep=1),
                scale=alt.Scale(nice=False),
            ),
            color=alt.Color(
                "kind:N",
                scale=alt.Scale(domain=["new", "lost"], range=[BLUE, RED]),
                legend=alt.Legend(title=None, orient="top"),
            ),
            tooltip=[alt.Tooltip("day:O"), alt.Tooltip("kind:N"), alt.Tooltip("sum(accounts):Q", title="accounts")],
        )
        .properties(width=CHART_WIDTH, height=220)
    )
    return finished(chart.add_params(partner))


def quality(rows: Sequence[Row]) -> Spec:
    """Estimated precision and recall per partner. rows: of account_mapping__match_quality, with `partner`."""
    measures = (("estimated_precision", "right of those accepted"), ("estimated_recall", "found of those there are"))
    parts = [
        {"partner": row["partner"], "measure": text, "rate": row[name], "how": label(row["how_estimated"] or "")}
        for row in rows
        for name, text in measures
        if row[name] is not None
    ]
    least, most = (end((part["rate"] for part in parts), default=0) for end in (min, max))
    # so much room that a point does not lie on the edge
    room = max(0.005, (most - least) * 0.05)
    chart = (
        alt.Chart(alt.Data(values=parts))
        .mark_point(filled=True, size=110, opacity=1)
        .encode(
            y=alt.Y("partner:N", sort=[row["partner"] for row in rows], title=None, axis=alt.Axis(grid=True)),
            x=alt.X(
                "rate:Q",
                title=None,
                axis=alt.Axis(format=".1~%", tickCount=8),
                scale=alt.Scale(domain=[max(0, least - room), min(1, most + room)], nice=False),
            ),
            color=alt.Color(
                "measure:N",
                scale=alt.Scale(domain=[text for _, text in measures], range=[BLUE, ORANGE]),
                legend=alt.Legend(title=None, orient="top", labelLimit=300),
            ),
            shape=alt.Shape("measure:N", legend=None),
            tooltip=[
                alt.Tooltip("partner:N"),
                alt.Tooltip("measure:N"),
                alt.Tooltip("rate:Q", format=".1%"),
                alt.Tooltip("how:N", title="estimated by"),
            ],
        )
        .properties(width=CHART_WIDTH - 60, height=max(70, 24 * len(rows)))
    )
    return finished(chart)


def finished(chart: alt.TopLevelMixin) -> Spec:
    """The specification in the report's look."""
    return (
        chart.configure_view(stroke=None)
        .configure_axis(
            labelColor=INK,
            titleColor=PALE_INK,
            gridColor=GRID,
            tickColor=GRID,
            domainColor=GREY,
            labelFontSize=11,
            titleFontWeight="normal",
            labelLimit=200,
        )
        .configure_legend(labelColor=INK, labelFontSize=12)
        .configure(font="Helvetica, Arial, sans-serif", background="#ffffff")
        .to_dict()
    )
