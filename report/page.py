"""One HTML page of what the marts hold, which needs no network. The same marts give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import vl_convert

from . import charts
from .marts import Marts, Row

HERE = Path(__file__).resolve().parent
# Plays that the table holds; all of them are in the mart.
MOST_PLAYS = 500
WHOLE = "our_status = 'all' and target_list = 'all'"
PLAY_COLUMNS = (
    "score", "play", "account_name", "partner", "our_status", "partner_status", "our_open_amount", "our_owner",
    "partner_owner", "why", "ask", "give_back",
)  # fmt: skip


def embedded(value: Any) -> str:
    """A value as JSON that may stand in a script element: no text in it can end the element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def partner_names(ids: Sequence[str]) -> dict[str, str]:
    """Partners as people read their ids; two that would read alike keep them."""
    names = {partner_id: partner_id.replace("_", " ").title() for partner_id in ids}
    taken = list(names.values())
    return {partner_id: name if taken.count(name) == 1 else partner_id for partner_id, name in names.items()}


def percent(part: float | None, whole: float | None) -> str:
    """A share as text; a dash where there is no whole."""
    return f"{part / whole:.1%}" if whole and part is not None else "–"


def tiles(coverage: Sequence[Row], limit: Row | None, review: int) -> list[tuple[str, str]]:
    """The headline figures with what they are: limit is the first row of the curve, over all lists and statuses."""
    if limit is None:
        return [("0", "partners with accounts")]
    amount, reached = limit["open_pipeline_amount"], limit["limit_open_pipeline_amount"]
    return [
        (f"{limit['limit_accounts']:,}", f"of our {limit['our_accounts']:,} accounts are known to a partner"),
        (percent(limit["limit_accounts"], limit["our_accounts"]), "covered by all partners together"),
        (charts.money(reached) or "0", f"open pipeline on them, of {charts.money(amount) or '0'}"),
        (str(len(coverage)), "partners"),
        (f"{review:,}", "pairs await a person"),
    ]


def read(marts: Marts) -> dict[str, Any]:
    """All that the page shows, from the marts."""
    coverage = marts.rows(
        f"select * from account_mapping__partner_coverage where rollup = 'account' and {WHOLE} order by partner_id"
    )
    curve = marts.rows("select * from account_mapping__ecosystem_coverage where rollup = 'account' order by all")
    order = [row["partner_id"] for row in curve if row["target_list"] == row["our_status"] == "all"]
    ids = sorted(
        (row["partner_id"] for row in coverage),
        key=lambda partner_id: (order.index(partner_id) if partner_id in order else len(order), partner_id),
    )
    names = partner_names(ids)
    by_id = {row["partner_id"]: row for row in coverage}
    titles = {}
    for partner_id in ids:
        covered, accounts = by_id[partner_id]["covered_accounts"], by_id[partner_id]["our_accounts"]
        titles[partner_id] = f"{names[partner_id]}: {covered:,} of {accounts:,} ({percent(covered, accounts)})"
    cells = marts.rows("select * from account_mapping__overlap_matrix order by all")
    quality = marts.rows("select * from account_mapping__match_quality where match_method = 'all' order by partner_id")
    plays = marts.rows(
        "select * from account_mapping__plays "
        "order by score desc, our_open_amount desc nulls last, partner_id, account_id "
        f"limit {MOST_PLAYS}"
    )
    all_plays = marts.rows("select count(*) as plays from account_mapping__plays")[0]["plays"]
    changes = []
    if "overlap_changes" in marts.names:
        changes = marts.rows(
            "select cast(changed_on as varchar) as day, partner_id, "
            "sum(case when change in ('entered', 'returned') then 1 else 0 end) as gained, "
            "sum(case when change = 'left' then 1 else 0 end) as lost "
            "from account_mapping__overlap_changes where is_primary group by all order by all"
        )
    limit = next((row for row in curve if row["target_list"] == row["our_status"] == "all"), None)
    return {
        "as_of": marts.rows("select cast(as_of as varchar) as day from account_mapping__build")[0]["day"],
        "tiles": tiles(coverage, limit, sum(row["review_pairs"] for row in quality)),
        "names": names,
        "titles": titles,
        "coverage": [{**by_id[partner_id], "partner": names[partner_id]} for partner_id in ids],
        "cells": [cell for cell in cells if cell["partner_id"] in titles],
        "curve": [{**row, "partner": names.get(row["partner_id"], row["partner_id"])} for row in curve],
        "quality": [{**row, "partner": names.get(row["partner_id"], row["partner_id"])} for row in quality],
        "changes": [{**row, "partner": names.get(row["partner_id"], row["partner_id"])} for row in changes],
        "has_history": "overlap_changes" in marts.names,
        "plays": [{**row, "partner": names.get(row["partner_id"], row["partner_id"])} for row in plays],
        "all_plays": all_plays,
    }


def drawn(data: Mapping[str, Any]) -> dict[str, charts.Spec]:
    """The charts by the id of their place on the page; one without data is left out."""
    specs = {}
    if data["cells"]:
        titles = list(data["titles"].values())
        specs["matrix"] = charts.matrix(charts.matrix_rows(data["cells"], data["titles"]), titles)
    if data["curve"]:
        lists = sorted({row["target_list"] for row in data["curve"]}, key=lambda name: (name != "all", name))
        statuses = ["all", *(s for s in charts.STATUSES if any(row["our_status"] == s for row in data["curve"]))]
        specs["curve"] = charts.curve(data["curve"], lists, statuses)
    if data["coverage"]:
        specs["contribution"] = charts.contribution(
            [
                {
                    "partner": row["partner"],
                    "covered": row["covered_accounts"],
                    "unique": row["unique_accounts"],
                    "shared": row["covered_accounts"] - row["unique_accounts"],
                }
                for row in data["coverage"]
            ]
        )
    if any(row["gained"] or row["lost"] for row in data["changes"]):
        specs["changes"] = charts.changes(data["changes"], sorted({row["partner"] for row in data["changes"]}))
    if any(row["estimated_precision"] is not None for row in data["quality"]):
        specs["quality"] = charts.quality(data["quality"])
    return specs


def page(data: Mapping[str, Any]) -> str:
    """The whole page as HTML."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    environment.globals |= {"money": charts.money, "label": charts.label, "percent": percent}
    specs = drawn(data)
    return environment.get_template("page.html").render(
        **data,
        specs={name: embedded(spec) for name, spec in specs.items()},
        plays_json=embedded([{name: row[name] for name in PLAY_COLUMNS} for row in data["plays"]]),
        library=vl_convert.javascript_bundle(),
    )
