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
# from this share of the largest cell on, a cell is so dark that its text is white
DARK = 0.55
CELL_WIDTH, CELL_HEIGHT = 58, 38
COLUMNS = 3
CHART_WIDTH = 1000


def label(name: str) -> str:
    """An id or status as people read it: `open_opportunity` is `open opportunity`."""
    return name.replace("_", " ")


def money(amount: float | None) -> str:
    """An amount in few characters: 7.9M, 714k, 12; empty for none."""
    if not amount:
        return ""
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(amount) >= size:
            scaled = amount / size
            return f"{scaled:.0f}{letter}" if abs(scaled) >= 99.95 or letter == "k" else f"{scaled:.1f}{letter}"
    return f"{amount:.0f}"


def stripes() -> alt.Gradient:
    """Diagonal stripes: how a cell looks whose count is not known."""
    stops = []
    for number in range(12):
        colour = "#ffffff" if number % 2 else "#d9dfe5"
        stops += [
            alt.GradientStop(offset=number / 12, color=colour),
            alt.GradientStop(offset=(number + 1) / 12, color=colour),
        ]
    return alt.Gradient(gradient="linear", stops=stops, x1=0, y1=0, x2=1, y2=0.6)


def matrix_rows(cells: Sequence[Row], titles: dict[str, str]) -> list[Row]:
    """Cells as they are drawn: shade from 0 to 1 within partner and rollup, and the two lines of text.

    cells: rows of account_mapping__overlap_matrix. titles: partner_id -> the heading of its matrix. A cell that is not
    counted shows what is known, as `18 linked`, or a dash; a withheld one shows `withheld`.
    """
    most: dict[tuple[str, str], int] = {}
    for cell in cells:
        key = cell["partner_id"], cell["rollup"]
        most[key] = max(most.get(key, 1), cell["our_accounts"] or 0)
    rows = []
    for cell in cells:
        count, is_known = cell["our_accounts"], cell["cell_state"] == "counted"
        if cell["cell_state"] == "suppressed":
            first = "withheld"
        elif is_known:
            first = f"{count:,}"
        else:
            first = f"{count:,} linked" if count else "–"
        rows.append(
            {
                "partner": titles[cell["partner_id"]],
                "rollup": cell["rollup"],
                "ours": label(cell["our_status"]),
                "theirs": label(cell["partner_status"]),
                "shade": (count or 0) / most[cell["partner_id"], cell["rollup"]] if is_known else 0,
                "known": is_known,
                "first": first,
                "second": money(cell["open_pipeline_amount"]),
                "state": {"not_shared": "not shared", "suppressed": "withheld"}.get(cell["cell_state"], ""),
                "companies": cell["companies"],
                "partner_accounts": cell["partner_accounts"],
            }
        )
    return rows


def matrix(rows: Sequence[Row], titles: Sequence[str]) -> Spec:
    """Heatmaps of all partners, in the order of titles; rows: as of matrix_rows."""
    rollup = alt.param(
        name="rollup",
        value="account",
        bind=alt.binding_select(options=["account", "parent"], labels=["records", "families"], name="Count "),
    )
    order = [label(status) for status in STATUSES]
    # a word a line, so that the labels are narrow
    words = alt.Axis(domain=False, labelExpr="split(datum.label, ' ')", labelAngle=0, labelLineHeight=12, ticks=False)
    x = alt.X("theirs:N", sort=order, title=None, axis=alt.Axis(**words.to_dict(), orient="top", labelPadding=15))
    y = alt.Y("ours:N", sort=order, title=None, axis=alt.Axis(**words.to_dict(), labelPadding=6))
    base = alt.Chart().encode(x=x, y=y)
    tooltip = [
        alt.Tooltip("ours:N", title="ours"),
        alt.Tooltip("theirs:N", title="theirs"),
        alt.Tooltip("first:N", title="our accounts"),
        alt.Tooltip("partner_accounts:Q", title="their accounts", format=","),
        alt.Tooltip("companies:Q", title="companies", format=","),
        alt.Tooltip("second:N", title="open pipeline"),
        alt.Tooltip("state:N", title="state"),
    ]
    colour = alt.Color("shade:Q", scale=alt.Scale(domain=[0, 1], range=["#f2f7fb", "#0f4c81"]), legend=None)
    known = base.transform_filter("datum.known").mark_rect(stroke="#ffffff").encode(color=colour, tooltip=tooltip)
    unknown = (
        base.transform_filter("!datum.known")
        .mark_rect(fill=stripes(), stroke=GREY, strokeDash=[3, 2])
        .encode(tooltip=tooltip)
    )
    ink = alt.condition(f"datum.shade >= {DARK}", alt.value("#ffffff"), alt.value(INK))
    count = base.mark_text(fontSize=12, dy=-6).encode(text="first:N", color=ink)
    amount = base.mark_text(fontSize=10, dy=9).encode(text="second:N", color=ink)
    height = CELL_HEIGHT * len({row["ours"] for row in rows} or {""})
    layers = alt.layer(known, unknown, count, amount).properties(
        width=CELL_WIDTH * len({row["theirs"] for row in rows} or {""}), height=height
    )
    header = alt.Header(title=None, labelFontSize=13, labelFontWeight="bold", labelAnchor="start", labelColor=INK)
    chart = (
        layers.facet(
            facet=alt.Facet("partner:N", sort=list(titles), header=header),
            columns=min(COLUMNS, max(1, len(titles))),
            data=alt.Data(values=list(rows)),
        )
        .add_params(rollup)
        .transform_filter("datum.rollup == rollup")
        .resolve_axis(x="independent", y="independent")
    )
    return finished(chart)


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
    y = alt.Y("rate:Q", title="reached", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1]))
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
        x=alt.X("accounts:Q", title="covered accounts of ours", stack="zero"),
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
    return finished(alt.layer(bars, totals).properties(width=CHART_WIDTH - 60, height=max(70, 24 * len(rows))))


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
            y=alt.Y("sum(accounts):Q", title="shared accounts"),
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
    least = min((part["rate"] for part in parts), default=0)
    chart = (
        alt.Chart(alt.Data(values=parts))
        .mark_point(filled=True, size=110, opacity=1)
        .encode(
            y=alt.Y("partner:N", sort=[row["partner"] for row in rows], title=None, axis=alt.Axis(grid=True)),
            x=alt.X(
                "rate:Q",
                title=None,
                axis=alt.Axis(format="%"),
                scale=alt.Scale(domain=[max(0, min(0.8, int(least * 10) / 10)), 1]),
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
