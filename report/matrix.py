"""The matrix of each partner as the page draws it: cells with totals, and the accounts behind each cell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from .charts import STATUSES, label, money
from .marts import Marts, Row

# How matrices count: the rollup, the column, and whether the rollup's open pipeline is that of what is counted.
MEASURES: Mapping[str, tuple[str, str, bool]] = {
    "records": ("account", "our_accounts", True),
    "companies": ("account", "companies", False),
    "families": ("parent", "our_accounts", True),
}
PALE, DEEP = (242, 247, 251), (15, 76, 129)
# Pairs listed behind a cell, and behind all cells together: as many as a page can carry. The marts hold the others.
MOST_PER_CELL = (200, 100, 50, 20, 10, 5, 1)
MOST_LISTED = 20_000
# What is listed of a pair.
PAIR = (
    "account_name", "our_status", "our_owner", "our_open_amount", "partner_account_name", "partner_status",
    "partner_owner", "relationship",
)  # fmt: skip

Cell = dict[str, Any]


def colours(shade: float) -> tuple[str, str]:
    """Background and text of a cell whose count is `shade` (0 to 1) of the largest one.

    The text is black or white, whichever has the better contrast by WCAG's relative luminance: at least 4.5.
    """
    mixed = [round(pale + (deep - pale) * shade) for pale, deep in zip(PALE, DEEP, strict=True)]
    parts = [part / 255 for part in mixed]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return f"#{mixed[0]:02x}{mixed[1]:02x}{mixed[2]:02x}", "#000000" if luminance > 0.179 else "#ffffff"


def added_up(cells: Sequence[Row], column: str) -> tuple[str, int]:
    """Text and number of what several cells hold together; what is not known is never a zero.

    A cell that is not counted adds what is known of it. Where a count is withheld the sum is a least one; where no cell
    is counted it is what is linked, or a dash.
    """
    number = sum(cell[column] or 0 for cell in cells)
    withheld = [cell for cell in cells if cell["cell_state"] == "suppressed"]
    if withheld:
        return ("withheld" if len(withheld) == len(cells) else f"≥ {number:,}"), number
    if all(cell["cell_state"] != "counted" for cell in cells):
        return (f"{number:,} linked" if number else "–"), number
    return f"{number:,}", number


def drawn(cells: Sequence[Row], column: str, currency: str | None) -> Cell:
    """Cells as one: the text of the count, the open pipeline (none without a currency), and the plain number."""
    text, number = added_up(cells, column)
    amount = sum(cell["open_pipeline_amount"] or 0 for cell in cells) if currency else 0
    states = {cell["cell_state"] for cell in cells}
    return {
        "text": text,
        "number": number,
        "amount": money(amount, currency),
        "exact": f"{currency} {amount:,.0f} open" if amount else "",
        "known": "counted" in states and "suppressed" not in states,
    }


def matrices(cells: Sequence[Row], names: Mapping[str, str], currency: str) -> dict[str, list[dict[str, Any]]]:
    """partner_id -> its matrix under each measure, with the totals of rows and columns.

    cells: rows of account_mapping__overlap_matrix. names: partner_id -> what people call it. Each unit lies in one
    cell, so that cells may be added up. The open pipeline belongs to records and families; none is told of companies.
    """
    by_partner: dict[tuple[str, str], dict[tuple[str, str], Row]] = defaultdict(dict)
    for cell in cells:
        by_partner[cell["partner_id"], cell["rollup"]][cell["our_status"], cell["partner_status"]] = cell
    found: dict[str, list[dict[str, Any]]] = {}
    for partner_id in names:
        for measure, (rollup, column, has_amount) in MEASURES.items():
            placed = by_partner.get((partner_id, rollup))
            if not placed:
                continue
            ours = [status for status in STATUSES if any(status == key[0] for key in placed)]
            theirs = [status for status in STATUSES if any(status == key[1] for key in placed)]
            told = currency if has_amount else None
            most = max((c[column] or 0 for c in placed.values() if c["cell_state"] == "counted"), default=0) or 1
            rows = []
            for our_status in ours:
                row = []
                for their_status in theirs:
                    made = drawn([placed[our_status, their_status]], column, told)
                    made["background"], made["ink"] = colours(made["number"] / most if made["known"] else 0)
                    made["key"] = " ".join((partner_id, measure, our_status, their_status))
                    row.append(made)
                total = drawn([placed[our_status, status] for status in theirs], column, told)
                rows.append({"status": label(our_status), "cells": row, "total": total})
            found.setdefault(partner_id, []).append(
                {
                    "measure": measure,
                    "columns": [label(status) for status in theirs],
                    "rows": rows,
                    "totals": [drawn([placed[s, status] for s in ours], column, told) for status in theirs],
                    "total": drawn(list(placed.values()), column, told),
                }
            )
    return found


def companies(links: Iterable[tuple[str, str, str]]) -> dict[tuple[str, str], str]:
    """Connected groups of linked accounts: (partner_id, account_id) -> least account_id of ours in its group.

    links: partner_id, account_id and partner_account_id of links between records of the same company.
    """
    above: dict[tuple[str, str, str], tuple[str, str, str]] = {}

    def top(node: tuple[str, str, str]) -> tuple[str, str, str]:
        while above.setdefault(node, node) != node:
            above[node] = above[above[node]]
            node = above[node]
        return node

    for partner_id, account_id, partner_account_id in links:
        # "o" sorts before "t": the top of a group is its least account of ours
        least, other = sorted((top((partner_id, "o", account_id)), top((partner_id, "t", partner_account_id))))
        above[other] = least
    return {(node[0], node[2]): top(node)[2] for node in list(above) if node[1] == "o"}


# What lies in which cell, by the rules of the matrix: a record by its primary link, a family or a group of records of
# one company by the best status of each side.
BEHIND = """
    with

    links as (

        select
            known_links.*,
            coalesce(company_groups.unit_id, known_links.account_id) as company_id,
            list_position({statuses}, known_links.our_status) as our_rank,
            list_position({statuses}, known_links.partner_status) as partner_rank,
            list_position({statuses}, known_links.partner_family_status) as partner_family_rank

        from account_mapping__overlaps as known_links
        left join company_groups
            on known_links.partner_id = company_groups.partner_id and known_links.account_id = company_groups.account_id

    ),

    placed as (

        select
            'records' as measure,
            account_id as unit_id,
            our_open_amount as unit_amount,
            our_rank as cell_our_rank,
            partner_rank as cell_partner_rank,
            links.*
        from links
        where is_primary and relationship = 'same'

        union all

        select
            'companies' as measure,
            company_id as unit_id,
            max(our_open_amount) over (partition by partner_id, company_id) as unit_amount,
            min(our_rank) over (partition by partner_id, company_id) as cell_our_rank,
            min(partner_rank) over (partition by partner_id, company_id) as cell_partner_rank,
            links.*
        from links
        where relationship = 'same'

        union all

        select
            'families' as measure,
            our_ultimate_parent_account_id as unit_id,
            our_family_open_amount as unit_amount,
            list_position({statuses}, our_family_status) as cell_our_rank,
            min(partner_family_rank) over (partition by partner_id, our_ultimate_parent_account_id)
                as cell_partner_rank,
            links.*
        from links

    )

    select
        *,
        {statuses}[cell_our_rank] as cell_our_status,
        {statuses}[cell_partner_rank] as cell_partner_status,
        row_number() over (
            partition by measure, partner_id, cell_our_rank, cell_partner_rank
            order by unit_amount desc, unit_id, our_open_amount desc, account_id, partner_account_id
        ) as place
    from placed
"""


def behind(marts: Marts) -> dict[str, Any]:
    """The pairs behind each cell, those of the largest open amounts first.

    `pairs`: account, our status, our owner, open amount, their account, their status, their owner, relationship.
    `cells`: "partner_id measure our_status partner_status" -> how many units and pairs it has, and the numbers of the
    pairs that are listed. `most`: how many are listed of a cell.
    """
    branching = marts.connection.execute(
        "select partner_id, account_id, partner_account_id from account_mapping__overlaps where relationship = 'same' "
        "qualify count(*) over (partition by partner_id, account_id) > 1 "
        "or count(*) over (partition by partner_id, partner_account_id) > 1"
    ).fetchall()
    groups = companies(branching)
    columns = {
        "partner_id": [partner_id for partner_id, _ in groups],
        "account_id": [account_id for _, account_id in groups],
        "unit_id": list(groups.values()),
    }
    text = pa.schema([(name, pa.string()) for name in columns])
    marts.connection.register("company_groups", pa.table(columns, schema=text))
    marts.connection.execute("create or replace temp table cell_pairs as " + BEHIND.format(statuses=list(STATUSES)))
    counts = marts.rows(
        "select partner_id, measure, cell_our_status, cell_partner_status, count(distinct unit_id) as units, "
        "count(*) as pairs from cell_pairs group by all order by all"
    )
    totals = {most: sum(min(row["pairs"], most) for row in counts) for most in MOST_PER_CELL}
    most = next((most for most, total in totals.items() if total <= MOST_LISTED), MOST_PER_CELL[-1])
    cells = {key(row): [row["units"], row["pairs"], []] for row in counts}
    pairs: list[list[Any]] = []
    numbers: dict[tuple[str, str, str], int] = {}
    for row in marts.rows(
        f"select * from cell_pairs where place <= {most} "
        "order by partner_id, measure, cell_our_rank, cell_partner_rank, place"
    ):
        pair = row["partner_id"], row["account_id"], row["partner_account_id"]
        if pair not in numbers:
            numbers[pair] = len(pairs)
            pairs.append([row[name] for name in PAIR])
        cells[key(row)][2].append(numbers[pair])
    return {"pairs": pairs, "cells": cells, "most": most}


def key(row: Row) -> str:
    """The name of a cell, in the page and in what lies behind it. Ids of partners and statuses hold no blank."""
    return " ".join((row["partner_id"], row["measure"], row["cell_our_status"], row["cell_partner_status"]))
