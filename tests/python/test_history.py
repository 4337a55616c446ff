"""History: the matrix of any past day is the one that was built for that day, in whatever order the runs came."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from harness import Project

MART = "account_mapping__overlap_matrix"
STATUSES = ("customer", "open_opportunity", "churned", "prospect")
HISTORY = "select * exclude (valid_to), valid_to from int_account_mapping__history order by all"
# without what only a former run of the same day saw, and with which days were seen
LASTING = "select * from int_account_mapping__history where valid_to is null or valid_to > valid_from order by all"


def csv(project: Project, table: str) -> bytes:
    """A table as a sorted CSV export."""
    path = project.folder / "export.csv"
    with duckdb.connect(str(project.database), read_only=True) as connection:
        connection.execute(f"copy (select * from {table} order by all) to '{path}' (header)")
    return path.read_bytes()


def first_of(month: int) -> date:
    """Day of a monthly run; months count from 0."""
    return date(2024 + month // 12, month % 12 + 1, 1)


# a day between two runs, one before the first, and those of runs in any order
BETWEEN, BEFORE = first_of(3) + timedelta(days=9), first_of(0) - timedelta(days=1)
WEEKS = [date(2026, 1, 1) + timedelta(days=7 * week) for week in range(5)]


def matrix_of(day: date) -> str:
    """Name of the model that rebuilds a day's matrix."""
    return f"matrix_{day:%Y_%m_%d}"


def write_models(project: Project) -> None:
    """Models of the user's own project that rebuild the matrix of each day of these tests from history."""
    folder = project.folder / "models"
    folder.mkdir()
    for day in (*map(first_of, range(24)), BETWEEN, BEFORE, *WEEKS):
        query = f"{{{{ account_mapping.account_mapping__overlap_matrix_as_of('{day}') }}}}"
        (folder / f"{matrix_of(day)}.sql").write_text(f"{{{{ config(materialized='table') }}}}\n{query}\n")


def rebuilt(project: Project, days: Iterable[date]) -> dict[date, bytes]:
    """The matrix of each day, rebuilt from history."""
    result = project.run("run", "--select", *map(matrix_of, days))
    assert result.success, result.text
    return {day: csv(project, matrix_of(day)) for day in days}


# --------------------------------------------------------- two years of a small world


def word(number: int) -> str:
    """A name that is like no other one's."""
    rng = random.Random(f"name {number}")
    return "".join(rng.choice("bdfgklmnprstvz") + rng.choice("aeiou") for _ in range(5)).capitalize()


def is_there(who: str, number: int, month: int) -> bool:
    """Whether an account is in a list: most come once and stay, some leave, some return."""
    rng = random.Random(f"{who} {number}")
    enters, leaves, returns = rng.choice([0, 0, 0, rng.randrange(24)]), rng.randrange(48), rng.randrange(36)
    return month >= enters and not leaves <= month < max(leaves, returns)


def draw(who: str, what: str, number: int, month: int, odds: float) -> random.Random:
    """Draws that stay the same from month to month until, by `odds` a month, something changes."""
    changes = sum(random.Random(f"{who} {what} {number} {past}").random() < odds for past in range(1, month + 1))
    return random.Random(f"{who} {what} {number} value {changes}")


def account(who: str, number: int, month: int) -> dict[str, Any]:
    """One row of a list, ours or a partner's."""
    rng = draw(who, "amount", number, month, 0.15)
    status = draw(who, "status", number, month, 0.08).choice(STATUSES)
    family = draw(who, "family", number, month, 0.02).random() < 0.4
    return {
        "account_id": f"{who}{number}",
        "account_name": word(number),
        # every third company has a website in common with the one before: several links, and companies that merge
        "website": f"{word(number - (number % 3 == 2)).lower()}.com",
        "status": status,
        "open_amount": str(rng.randrange(1, 100_000)) if status == "open_opportunity" else None,
        "parent_account_id": f"{who}{number - 1}" if family and number % 4 == 1 else None,
    }


def accounts(who: str, numbers: Iterable[int], month: int) -> list[dict[str, Any]]:
    return [account(who, number, month) for number in numbers if is_there(who, number, month)]


NUMBERS = {"nimbus": range(0, 30), "stratus": range(15, 45), "cirrus": range(10, 25)}


def write_month(project: Project, month: int, late: str = "", is_corrected: bool = False) -> None:
    """What lies in the warehouse in a month.

    late: a partner whose file of the month has not come, so that its former one is still there. is_corrected: our
    amounts after somebody has mended them. Cirrus joins in month 9, and pauses in 13 and 14.
    """
    ours = accounts("a", range(45), month)
    if is_corrected:
        ours = [row | {"status": "customer"} if row["account_id"] == "a3" else row for row in ours]
        ours = [row | {"open_amount": "1"} if row["open_amount"] else row for row in ours]
    partners = ["nimbus", "stratus", *(["cirrus"] if month >= 9 else [])]
    rows = [
        {"partner_id": partner} | row
        for partner in partners
        for row in accounts(partner[0], NUMBERS[partner], month - (partner == late))
    ]
    project.write_table("generic.accounts", ours)
    project.write_table("partners.partner_accounts", rows)
    project.write_seed(
        "account_mapping__partners",
        [
            {
                "partner_id": partner,
                "partner_name": partner.title(),
                "exchange": "list",
                "is_active": str(partner != "cirrus" or month not in (13, 14)).lower(),
            }
            for partner in partners
        ],
    )


def test_two_years_of_runs_can_be_rebuilt_month_by_month(make_project: Callable[..., Project]) -> None:
    """24 monthly runs; partner stratus' file of month 6 comes after month 8, month 11 is run again with corrected rows,
    month 15 is left out and run after month 17, month 20 is run twice, the second time as a full refresh."""
    project = make_project(variables={"account_mapping__crms": ["generic"], "account_mapping__history": True})
    write_models(project)
    built: dict[date, bytes] = {}
    models = (
        *(f"+{MART}", "+account_mapping__overlaps", "+account_mapping__overlap_changes"),
        "+account_mapping__overlap_history",
        "+account_mapping__companies",
        "+account_mapping__company_changes",
    )

    def run(month: int, is_refreshed: bool = False, **state: Any) -> None:
        write_month(project, month, **state)
        as_of = {"account_mapping__as_of": first_of(month).isoformat()}
        if is_refreshed:
            left_out = ("--exclude-resource-type", "test")
            result = project.run("build", "--select", *models, *left_out, "--full-refresh", variables=as_of)
            assert result.success, result.text
        else:
            project.make(*models, variables=as_of)
        built[first_of(month)] = csv(project, MART)

    def changes() -> dict[str, int]:
        rows = project.query(
            "select change, count(*) as n from account_mapping__overlap_changes where is_latest_run group by all"
        )
        return {row["change"]: row["n"] for row in rows}

    for month in range(24):
        if month == 15:
            continue
        run(month, **({"late": "stratus"} if month == 6 else {}))
        if month == 0:
            assert set(changes()) == {"first_run"}
        elif month == 8:
            late = built[first_of(6)]
            run(6)
            assert built[first_of(6)] != late
            run(8)
        elif month == 11:
            wrong = built[first_of(11)]
            run(11, is_corrected=True)
            assert built[first_of(11)] != wrong
        elif month == 17:
            run(15)
            run(17)
        elif month == 20:
            before = project.query(HISTORY)
            run(20, is_refreshed=True)
            assert project.query(HISTORY) == before
    assert len(built) == 24 and len(set(built.values())) > 12
    assert_ids_are_kept(project, sorted(built))

    later = rebuilt(project, sorted(built))
    assert [day for day in built if later[day] != built[day]] == []
    everything = project.query(
        "select change, count(*) as n from account_mapping__overlap_changes group by all order by all"
    )
    assert {row["change"] for row in everything} == {
        "first_run", "entered", "returned", "left", "status_changed", "changed",
    }  # fmt: skip

    # a day between two runs is as the run before it left it, and before the first run there is nothing
    again = rebuilt(project, [BETWEEN, BEFORE])
    assert again[BETWEEN] == built[first_of(3)]
    assert again[BEFORE].count(b"\n") == 1
    current = project.query("select * exclude (first_seen_at) from account_mapping__overlaps order by all")
    open_now = project.query("select * from account_mapping__overlap_history where valid_to is null")
    assert {key(row) for row in open_now} == {key(row) for row in current}
    for column in ("our_status", "partner_status", "is_primary", "relationship", "our_open_amount"):
        assert {(*key(row), row[column]) for row in open_now} == {(*key(row), row[column]) for row in current}, column


def assert_ids_are_kept(project: Project, days: list[date]) -> None:
    """From each run to the next: at least 99.9 % of the ids that records had stay, and the log tells of all others.

    An id that goes into another one at a merge is not kept, but told.
    """
    rows = project.query("select * from int_account_mapping__company_register where record = 'member'")
    ids: dict[date, dict[tuple[str, str], str]] = {
        day: {
            (row["partner_id"], row["account_id"]): row["company_id"]
            for row in rows
            if row["valid_from"] <= day and (row["valid_to"] is None or day < row["valid_to"])
        }
        for day in days
    }
    told = {
        (row["changed_on"], row["change"], row["company_id"], row["other_company_id"])
        for row in project.query("select * from account_mapping__company_changes")
    }
    companies, ended = 0, Counter()
    for before, day in pairwise(days):
        was, now = ids[before], ids[day]
        stay = was.keys() & now.keys()
        moves = {(was[record], now[record]) for record in stay if was[record] != now[record]}
        for old, new in moves:
            assert told & {
                (day, "merged_into", old, new), (day, "split_from", new, old), (day, "moved_from", new, old),
            }  # fmt: skip
        companies += len({was[record] for record in stay})
        for old in {old for old, _ in moves} - set(now.values()):
            # two companies that become one have one id to give up
            ended["merged" if any(new in was.values() for end, new in moves if end == old) else "lost"] += 1
    assert companies > 500 and ended["merged"] > 0
    assert ended["lost"] <= companies / 1000


def key(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return row["partner_id"], row["account_id"], row["partner_account_id"]


# ------------------------------------------------------------- any order of any runs


LINKS = pa.schema(
    [
        *((name, pa.string()) for name in ("partner_id", "account_id", "partner_account_id", "account_scope")),
        *((name, pa.string()) for name in ("our_unit_id", "partner_unit_id", "relationship", "decision")),
        ("match_probability", pa.decimal128(5, 4)),
        ("is_primary", pa.bool_()),
        *((name, pa.int32()) for name in ("our_status_rank", "our_unit_status_rank")),
        *((name, pa.int32()) for name in ("partner_status_rank", "partner_unit_status_rank")),
        *((name, pa.decimal128(28, 2)) for name in ("our_open_amount", "our_unit_open_amount")),
    ]
)
STATES = pa.schema(
    [("partner_id", pa.string()), ("side", pa.string()), ("status_rank", pa.int32()), ("is_hidden", pa.bool_())]
)
FROM_LINKS = (
    "int_account_mapping__unit_links", "int_account_mapping__group_edges", "int_account_mapping__groups",
    "int_account_mapping__company_links", "int_account_mapping__overlap_matrix", MART,
    "int_account_mapping__history",
)  # fmt: skip


def write_links(project: Project, rng: random.Random) -> None:
    """Random accepted links of two partners, and random statuses of both sides, some of them hidden."""
    links, states = [], []
    for partner in ("nimbus", "stratus"):
        if rng.random() < 0.15:
            continue
        states += [
            {"partner_id": partner, "side": side, "status_rank": rank, "is_hidden": rng.random() < 0.2}
            for side in ("ours", "partner")
            for rank in range(1, 6)
            if rng.random() < 0.8
        ]
        for ours in range(4):
            for theirs in range(4):
                if rng.random() < 0.7:
                    continue
                links.append(
                    {
                        "partner_id": partner,
                        "account_id": f"crm:{ours}",
                        "partner_account_id": str(theirs),
                        "account_scope": "*",
                        "our_unit_id": f"crm:{ours // 2 * 2}",
                        "partner_unit_id": str(theirs // 2 * 2),
                        "relationship": rng.choice(["same", "same", "subsidiary"]),
                        "decision": "accepted",
                        "match_probability": rng.choice([0.95, 0.99]),
                        "our_status_rank": ours + 1,
                        "our_unit_status_rank": ours // 2 * 2 + 1,
                        "partner_status_rank": theirs + 1,
                        "partner_unit_status_rank": theirs // 2 * 2 + 1,
                        "our_open_amount": rng.choice([0, 10]),
                        "our_unit_open_amount": ours // 2 * 15,
                    }
                )
    best: dict[tuple[str, str], tuple] = {}
    for link in links:
        place = (link["relationship"] != "same", link["partner_status_rank"])
        best[link["partner_id"], link["account_id"]] = min(
            place, best.get((link["partner_id"], link["account_id"]), place)
        )
    for link in links:
        place = (link["relationship"] != "same", link["partner_status_rank"])
        link["is_primary"] = best[link["partner_id"], link["account_id"]] == place
    for name, rows, schema in (("links", links, LINKS), ("compared_statuses", states, STATES)):
        columns = {
            field.name: pa.array([row[field.name] for row in rows]).cast(field.type)
            if not pa.types.is_decimal(field.type)
            else pa.array([str(row[field.name]) for row in rows], pa.string()).cast(field.type)
            for field in schema
        }
        project.write_table(f"int_account_mapping__{name}", pa.table(columns, schema=schema))
    project.write_table(
        "int_account_mapping__duplicate_pairs",
        "select '' as account_id, '' as other_account_id, '' as unit_id, '' as other_unit_id where false",
    )
    project.write_table(
        "int_account_mapping__members",
        "select 'ours' as side, '*' as scope, '' as account_id, '' as unit_id where false",
    )
    # one partner that the settings name, and one that they do not
    for name in ("partners", "named_partners"):
        project.write_table(
            f"int_account_mapping__{name}",
            "select 'nimbus' as partner_id, 'Nimbus' as partner_name, 'reseller' as partner_type, 'gold' as tier",
        )


def run_links(project: Project, day: date, seed: str) -> bytes:
    """One run of a day on the random links of `seed`; the matrix that it built."""
    write_links(project, random.Random(seed))
    project.make(*FROM_LINKS, variables={"account_mapping__as_of": day.isoformat()})
    return csv(project, MART)


@pytest.mark.parametrize("seed", range(2))
def test_history_does_not_depend_on_the_order_in_which_days_were_run(
    make_project: Callable[..., Project], seed: int
) -> None:
    variables = {"account_mapping__crms": ["generic"], "account_mapping__history": True}
    rng = random.Random(seed)
    order = [*WEEKS, *rng.choices(WEEKS, k=3)]
    rng.shuffle(order)
    project, ordered = (make_project(name=name, variables=variables) for name in ("shuffled", "ordered"))
    for each in (project, ordered):
        write_models(each)
    last: dict[date, str] = {}
    built: dict[date, bytes] = {}
    for number, day in enumerate(order):
        last[day] = f"{seed} {number // 2}"
        built[day] = run_links(project, day, last[day])
    assert rebuilt(project, WEEKS) == built

    for day in WEEKS:
        assert run_links(ordered, day, last[day]) == built[day]
    assert ordered.query(LASTING) == project.query(LASTING)

    partners = "select distinct partner_id from int_account_mapping__history where record <> 'run' order by all"
    assert len(project.query(partners)) == 2
    # a table that a former version of the package left, and one that is none of the package's
    for table in ("main.int_account_mapping__links", "main.notes"):
        project.execute(f"create table {table} as select unnest(['nimbus', 'stratus']) as partner_id")
    folder = project.folder / "removed"
    folder.mkdir()
    arguments = json.dumps({"partner_id": "nimbus", "folder": str(folder)})
    result = project.run("run-operation", "account_mapping.account_mapping__forget_partner", "--args", arguments)
    assert result.success, result.text
    assert project.query(partners) == [{"partner_id": "stratus"}]
    assert project.query("select * from main.int_account_mapping__links") == [{"partner_id": "stratus"}]
    assert len(project.query("select * from main.notes")) == 2
    assert len(project.query("select * from int_account_mapping__history where record = 'run'")) == len(WEEKS)


def test_the_matrix_of_a_past_day_needs_history_and_a_day(make_project: Callable[..., Project]) -> None:
    project = make_project(variables={"account_mapping__crms": ["generic"]})
    folder: Path = project.folder / "models"
    folder.mkdir()
    model = folder / "past.sql"
    model.write_text("{{ account_mapping.account_mapping__overlap_matrix_as_of('2026-08-01') }}")
    result = project.run("compile", "--select", "past")
    assert not result.success and "account_mapping__history" in result.text
    model.write_text("{{ account_mapping.account_mapping__overlap_matrix_as_of('August') }}")
    result = project.run("compile", "--select", "past", variables={"account_mapping__history": True})
    assert not result.success and "YYYY-MM-DD" in result.text
