"""One HTML page of what the marts hold, which needs no network. The same marts give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import jinja2
import vl_convert

from exchange.text import printable

from . import charts, matrix
from .marts import Marts, Row

HERE = Path(__file__).resolve().parent
# Plays that the table holds; all of them are in the mart.
MOST_PLAYS = 500
# A list or table without a change for more days than these stands out.
STALE_DAYS = 30
# As many inputs without a fault are told at once; more are folded away.
MOST_QUIET_INPUTS = 8
LONGEST_TEXT = 10_000
WHOLE = "our_status = 'all' and target_list = 'all'"
PLAY_COLUMNS = (
    "score", "play", "account_name", "partner", "our_status", "partner_status", "our_open_amount", "our_owner",
    "partner_owner", "why", "ask", "give_back",
)  # fmt: skip


def embedded(value: Any) -> str:
    """A value as JSON that may stand in a script element: no text in it can end the element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def partner_names(coverage: Sequence[Row]) -> dict[str, str]:
    """partner_id -> the partner's name; those of one name have their ids behind it."""
    names = {row["partner_id"]: row["partner_name"] for row in coverage}
    taken = list(names.values())
    return {
        partner_id: name if taken.count(name) == 1 else f"{name} ({partner_id})" for partner_id, name in names.items()
    }


def percent(part: float | None, whole: float | None) -> str:
    """A share as text; a dash where there is no whole."""
    return f"{part / whole:.1%}" if whole and part is not None else "–"


def list_date(as_of: str, age_days: int | None) -> dict[str, Any]:
    """When a list was last changed, as text, and whether that is long ago."""
    if age_days is None:
        return {"day": "", "text": "without dates", "is_stale": False}
    day = str(date.fromisoformat(as_of) - timedelta(days=age_days))
    return {
        "day": day,
        "text": f"list of {day}" + (f", {age_days:,} days old" if age_days > 1 else ""),
        "is_stale": age_days > STALE_DAYS,
    }


def faults(row: Row) -> list[str]:
    """Why an input stands out: it is missing, rows of it were rejected, none was used, or nothing changed for long."""
    if row["kind"] == "missing":
        return ["missing"]
    found = []
    if row["rows_rejected"]:
        found.append(f"{row['rows_rejected']:,} rejected")
    if not row["rows_used"]:
        found.append("no row is used")
    if row["age_days"] is not None and row["age_days"] > STALE_DAYS:
        found.append(f"{row['age_days']:,} days old")
    return found


def urgency(row: Row) -> int:
    """The order of inputs that stand out: lists refused as a whole first, tables that may be missing by intent last."""
    if row["kind"] == "missing":
        return 4
    if not row["rows_used"]:
        return 0 if row["rows_read"] else 2
    return 1 if row["rows_rejected"] else 3


def inputs(rows: Sequence[Row]) -> dict[str, list[dict[str, Any]]]:
    """Inputs that stand out (`loud`), by urgency, and the others (`quiet`), by name.

    rows: of account_mapping__inputs. `set_aside`: rows that were neither used nor rejected.
    """
    told = [
        {
            **row,
            "faults": faults(row),
            "day": (row["newest_change"] or "")[:10],
            "set_aside": sum(row[f"rows_{name}"] or 0 for name in ("merged", "older", "deleted", "excluded")),
        }
        for row in sorted(rows, key=lambda row: row["input"])
    ]
    return {
        "loud": sorted((row for row in told if row["faults"]), key=urgency),
        "quiet": [row for row in told if not row["faults"]],
    }


def tiles(coverage: Sequence[Row], limit: Row | None, review: int, issues: int, currency: str) -> list[tuple[str, str]]:
    """The headline figures with what they are: limit is the first row of the curve, over all lists and statuses."""
    last = (f"{issues:,}", "rows of input with an issue")
    if limit is None:
        return [("0", "partners with accounts"), last]
    amount, reached = limit["open_pipeline_amount"], limit["limit_open_pipeline_amount"]
    return [
        (f"{limit['limit_accounts']:,}", f"of our {limit['our_accounts']:,} accounts are known to a partner"),
        (percent(limit["limit_accounts"], limit["our_accounts"]), "covered by all partners together"),
        (
            charts.money(reached, currency) or "0",
            f"open pipeline on them, of {charts.money(amount, currency) or '0'}",
        ),
        (str(len(coverage)), "partners"),
        (f"{review:,}", "pairs await a person"),
        last,
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
    by_id = {row["partner_id"]: row for row in coverage}
    names = partner_names([by_id[partner_id] for partner_id in ids])
    build = marts.rows("select cast(as_of as varchar) as day, currency from account_mapping__build")[0]
    as_of, currency = build["day"], build["currency"]
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
    issues = marts.rows(
        "select problem, source, cast(sum(n_rows) as bigint) as n_rows, min(action) as action "
        "from account_mapping__data_issues group by problem, source order by n_rows desc, problem, source"
    )
    census = None
    if "inputs" in marts.names:
        census = inputs(marts.rows("select * from account_mapping__inputs"))
    limit = next((row for row in curve if row["target_list"] == row["our_status"] == "all"), None)

    def named(rows: Sequence[Row]) -> list[Row]:
        return [{**row, "partner": names.get(row["partner_id"], row["partner_id"])} for row in rows]

    return {
        "as_of": as_of,
        "currency": currency,
        "tiles": tiles(
            coverage,
            limit,
            sum(row["review_pairs"] for row in quality),
            sum(row["n_rows"] for row in issues),
            currency,
        ),
        "names": names,
        "census": census,
        "coverage": [
            {**row, "list": list_date(as_of, row["list_age_days"])}
            for row in named([by_id[partner_id] for partner_id in ids])
        ],
        "matrices": matrix.matrices(cells, names, currency),
        "behind": matrix.behind(marts),
        "curve": named(curve),
        "quality": named(quality),
        "changes": named(changes),
        "has_history": "overlap_changes" in marts.names,
        "issues": issues,
        "plays": named(plays),
        "all_plays": all_plays,
    }


def drawn(data: Mapping[str, Any]) -> dict[str, charts.Spec]:
    """The charts by the id of their place on the page; one without data is left out."""
    specs = {}
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


def shown(value: Any) -> Any:
    """A value whose texts are fit to be shown: names and owners are what partners wrote, or people in a CRM."""
    if isinstance(value, str):
        return printable(value, LONGEST_TEXT)
    if isinstance(value, Mapping):
        return {key: shown(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(shown, value))
    return value


def page(data: Mapping[str, Any]) -> str:
    """The whole page as HTML."""
    data = shown(data)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    environment.globals |= {
        "money": charts.money,
        "label": charts.label,
        "percent": percent,
        "measures": list(matrix.MEASURES),
        "stale_days": STALE_DAYS,
        "most_quiet_inputs": MOST_QUIET_INPUTS,
    }
    specs = drawn(data)
    return environment.get_template("page.html").render(
        **data,
        specs={name: embedded(spec) for name, spec in specs.items()},
        plays_json=embedded([{name: row[name] for name in PLAY_COLUMNS} for row in data["plays"]]),
        behind_json=embedded({**data["behind"], "names": data["names"]}),
        library=vl_convert.javascript_bundle(),
    )
