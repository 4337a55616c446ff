"""The report: what stands in it, that it is safe and always the same, and how it works in a browser without network.

usage: python tests/python/test_report.py REPORT.html PICTURE.png [HEIGHT]

takes the picture of a report's upper part, 1280 pixels wide, for the documentation.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pytest
from loading import PACKAGE, properties

from report import charts, marts, matrix, page

REPORT = PACKAGE / "report"
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
STATUSES = ("customer", "open_opportunity", "churned", "prospect")
WORDS = [status.replace("_", " ") for status in STATUSES]
BUILD = {"build_id": "b", "as_of": "2026-11-15", "currency": "EUR"}
EVIL = "</script><script>document.title='broken'</script>"
CHARTS = {"curve", "contribution", "changes", "quality"}
INPUT_ROWS = (
    *("rows_read", "rows_used", "rows_merged", "rows_older", "rows_deleted", "rows_excluded", "rows_rejected"),
    "rows_repaired",
)


INPUTS = {
    **dict.fromkeys(("input", "source_relation", "relation_name", "kind"), "varchar"),
    **dict.fromkeys(INPUT_ROWS, "bigint"),
    **dict.fromkeys(("columns_read", "columns_unread"), "varchar"),
    "newest_change": "timestamp",
    "age_days": "bigint",
}


def an_input(name: str, read: int, rejected: int = 0, age: int | None = 3, kind: str = "table") -> dict[str, Any]:
    """A row of the census: what is not rejected is used, but for one row that is deleted."""
    set_aside = min(1, read - rejected)
    counts = {"rows_read": read, "rows_used": read - rejected - set_aside, "rows_rejected": rejected}
    return {
        **dict.fromkeys(INPUT_ROWS, 0), **counts, "rows_deleted": set_aside, "input": name, "kind": kind,
        "newest_change": "2026-11-12 09:30:00" if age is not None else None, "age_days": age,
    }  # fmt: skip


def a_link(partner: str, ours: str, theirs: str, **others: Any) -> dict[str, Any]:
    """A row of the overlaps: one company on both sides, in families of their own."""
    row = {
        "partner_id": partner, "partner_name": partner, "account_id": ours, "partner_account_id": theirs,
        "account_name": f"Our {ours}", "partner_account_name": f"Their {theirs}", "our_status": "prospect",
        "partner_status": "customer", "our_open_amount": 0, "relationship": "same", "is_primary": True,
        "our_ultimate_parent_account_id": ours, "partner_ultimate_parent_account_id": theirs,
        "our_family_open_amount": 0,
    } | others  # fmt: skip
    return {"our_family_status": row["our_status"], "partner_family_status": row["partner_status"]} | row


def contract(mart: str) -> dict[str, str]:
    """Columns of a mart with their types, as its contract has them."""
    return {column["name"]: column["data_type"] for column in properties(f"account_mapping__{mart}")["columns"]}


def write_mart(connection: duckdb.DuckDBPyConnection, mart: str, rows: list[dict[str, Any]]) -> None:
    """A mart with all columns of its contract; what the rows do not name is null."""
    columns = INPUTS if mart == "inputs" else contract(mart)
    connection.execute(
        f"create table account_mapping__{mart} ({', '.join(f'{name} {type_}' for name, type_ in columns.items())})"
    )
    connection.begin()
    for row in rows:
        assert row.keys() <= columns.keys()
        connection.execute(
            f"insert into account_mapping__{mart} ({', '.join(row)}) values ({', '.join('?' * len(row))})",
            list(row.values()),
        )
    connection.commit()


def make_marts(database: Path, partners: int, with_history: bool = True) -> Path:
    """Marts of made-up partners, the first of which withholds a status; a cell of the last one is withheld."""
    ids = [f"partner_{number:02}" for number in range(1, partners + 1)]
    with duckdb.connect(str(database)) as connection:
        write_mart(connection, "build", [BUILD])
        write_mart(
            connection,
            "overlap_matrix",
            [
                {
                    "partner_id": partner,
                    "rollup": rollup,
                    "our_status": ours,
                    "partner_status": theirs,
                    "our_accounts": None if theirs == "not_shared" and ours == "churned" else number + 10 * place,
                    "partner_accounts": number,
                    "companies": number,
                    "open_pipeline_amount": 1_500_000 if ours == "open_opportunity" else 0,
                    "cell_state": "not_shared"
                    if theirs == "not_shared"
                    else "suppressed"
                    if (partner, ours, theirs) == (ids[-1], "churned", "churned")
                    else "counted",
                }
                for number, partner in enumerate(ids, 1)
                for rollup in ("account", "parent")
                for place, ours in enumerate(STATUSES)
                for theirs in (*STATUSES, *(["not_shared"] if number == 1 else []))
            ],
        )
        write_mart(
            connection,
            "partner_coverage",
            [
                {
                    "partner_id": partner,
                    "partner_name": f"Partner {number:02}",
                    "rollup": "account",
                    "our_status": "all",
                    "target_list": "all",
                    "our_accounts": 1000,
                    "covered_accounts": 400 // number,
                    "unique_accounts": 100 // number,
                    "partner_accounts": 500,
                    "matched_partner_accounts": 400 // number,
                    "open_pipeline_amount": 5_000_000,
                    "covered_open_pipeline_amount": 1_000_000,
                    "list_age_days": 40 if number == 1 else number,
                }
                for number, partner in enumerate(ids, 1)
            ],
        )
        reached = [sum(400 // number for number in range(1, rank + 1)) // 4 for rank in range(1, partners + 1)]
        write_mart(
            connection,
            "ecosystem_coverage",
            [
                {
                    "rollup": "account",
                    "target_list": target_list,
                    "our_status": status,
                    "rank": rank,
                    "partner_id": partner,
                    "our_accounts": 1000,
                    "added_accounts": reached[rank - 1] - (reached[rank - 2] if rank > 1 else 0),
                    "cumulative_accounts": reached[rank - 1],
                    "cumulative_rate": reached[rank - 1] / 1000,
                    "limit_accounts": reached[-1],
                    "limit_rate": reached[-1] / 1000,
                    "open_pipeline_amount": 5_000_000,
                    "limit_open_pipeline_amount": 2_500_000,
                    "cumulative_pipeline_rate": min(1, reached[rank - 1] / 900),
                }
                for target_list in ("all", "icp")
                for status in ("all", "customer")
                for rank, partner in enumerate(ids, 1)
            ],
        )
        write_mart(
            connection,
            "match_quality",
            [
                {
                    "partner_id": partner,
                    "match_method": method,
                    "accepted_pairs": 100,
                    "review_pairs": 5,
                    "estimated_precision": 0.98,
                    "estimated_recall": 0.9,
                    "how_estimated": "match_probabilities",
                    "labelled_pairs": 0,
                }
                for partner in ids
                for method in ("all", "domain")
            ],
        )
        names = [EVIL, "=cmd()", "Äpfel & Söhne", "株式会社", *(f"Firm {number}" for number in range(60))]
        write_mart(
            connection,
            "plays",
            [
                {
                    "partner_id": ids[number % partners],
                    "account_id": f"crm:{number}",
                    "account_name": name,
                    "partner_account_name": name,
                    "play": ["warm_introduction", "co_sell"][number % 2],
                    "why": f"{name} is shared.",
                    "ask": "Ask them",
                    "give_back": None,
                    "our_status": "prospect",
                    "partner_status": "customer",
                    "our_owner": None if number % 7 == 0 else f"Owner {number % 3}",
                    "score": 100 - number,
                    "our_open_amount": (number * 37) % 50 * 1000,
                }
                for number, name in enumerate(names)
            ],
        )
        write_mart(
            connection,
            "overlaps",
            [
                a_link(
                    ids[0],
                    f"crm:{number}",
                    f"{number}",
                    account_name=name,
                    our_status="open_opportunity",
                    our_open_amount=1000 - number,
                    partner_account_name=None if number == 2 else name,
                )
                for number, name in enumerate(names[:12])
            ],
        )
        write_mart(
            connection,
            "data_issues",
            [
                {"data_issue_id": str(number), "source": source, "problem": problem, "action": action, "n_rows": rows}
                for number, (source, problem, action, rows) in enumerate(
                    (
                        ("hubspot", "unknown_status_value", "gives no evidence", 3),
                        ("hubspot", "unknown_status_value", "gives no evidence", 4),
                        (EVIL, "no_identity", EVIL, 1200),
                    )
                )
            ],
        )
        write_mart(
            connection,
            "inputs",
            [
                an_input("salesforce.account", 5000),
                an_input("refused.xlsx", 40, rejected=40, kind="file"),
                an_input(EVIL, 900, age=31, kind="file"),
                an_input("hubspot.deals", 0, age=None, kind="missing"),
                *(an_input(f"quiet_{number}.csv", 10, kind="file") for number in range(partners)),
            ],
        )
        if with_history:
            write_mart(
                connection,
                "overlap_changes",
                [
                    {
                        "partner_id": partner,
                        "account_id": f"{day} {number}",
                        "changed_on": day,
                        "change": change,
                        "is_primary": True,
                    }
                    for partner in ids
                    for day, kinds in (
                        ("2026-09-01", ["first_run"] * 5),
                        ("2026-10-01", ["entered"] * 3 + ["left"]),
                        ("2026-11-01", ["left"] * 2 + ["returned", "status_changed"]),
                    )
                    for number, change in enumerate(kinds)
                ],
            )
    return database


def run(source: Path, output: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(REPORT), "html", str(source), "--output", str(output), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_marts(tmp_path_factory.mktemp("report") / "marts.duckdb", 20)


# ------------------------------------------------------------------- what stands in it


def test_the_same_marts_give_the_same_small_file_from_a_database_and_from_parquet(
    database: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "marts"
    folder.mkdir()
    with duckdb.connect(str(database), read_only=True) as connection:
        for (table,) in connection.sql("select table_name from duckdb_tables()").fetchall():
            connection.execute(f"copy (select * from {table} order by all desc) to '{folder}/{table}.parquet'")
    first = run(database, tmp_path / "first.html")
    assert first.returncode == 0, first.stderr
    assert re.search(r"first\.html: 20 partners, marts of 2026-11-15, \d\.\d MB in \d+\.\d s", first.stdout)
    assert run(folder, tmp_path / "second.html").returncode == 0
    written = (tmp_path / "first.html").read_bytes()
    assert written == (tmp_path / "second.html").read_bytes()
    assert len(written) < 3 * 2**20
    ours = written.replace(page.vl_convert.javascript_bundle().encode(), b"")
    assert len(ours) < len(written) / 2
    assert not re.search(rb"<(script|link|img|iframe)[^>]*(src|href)=", ours), "something would be loaded"


class Tags(HTMLParser):
    """What a page is made of: each tag with the names of its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: Counter[tuple[str, ...]] = Counter()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found[tag, *(name for name, _ in attrs)] += 1


@pytest.mark.parametrize(
    "text", ['" onmouseover="alert(1)" x="', "' onfocus='alert(1)", "<img src=x onerror=alert(1)>", EVIL]
)
def test_a_name_adds_no_tag_and_no_attribute(database: Path, tmp_path: Path, text: str) -> None:
    plain = Tags(page.page(page.read(marts.Marts(database)))).found
    shutil.copy(database, tmp_path / "marts.duckdb")
    with duckdb.connect(tmp_path / "marts.duckdb") as connection:
        for (mart,) in connection.sql(
            "select table_name from duckdb_columns() where column_name = 'partner_name'"
        ).fetchall():
            connection.execute(f"update {mart} set partner_name = partner_name || ?", [text])
        connection.execute("update account_mapping__data_issues set source = ?, action = ?", [text, text])
        connection.execute("update account_mapping__inputs set input = input || ?", [text])
    spoilt = page.page(page.read(marts.Marts(tmp_path / "marts.duckdb")))
    assert Tags(spoilt).found.keys() == plain.keys()


def test_text_of_the_marts_cannot_become_part_of_the_page(database: Path) -> None:
    text = page.page(page.read(marts.Marts(database)))
    assert EVIL not in text
    play = json.loads(re.search(r'id="plays-data">(.*?)</script>', text).group(1))[0]
    assert play["account_name"] == EVIL
    assert page.embedded("<&>\u2028") == '"\\u003c\\u0026\\u003e\u2028"'


def cells_of(data: dict[str, Any], partner: str, measure: str = "records") -> dict[tuple[str, str], Any]:
    """Cells of a partner's matrix by our status and theirs, `total` among them."""
    made = next(made for made in data["matrices"][partner] if made["measure"] == measure)
    found = {
        (row["status"], column): cell
        for row in made["rows"]
        for column, cell in zip([*made["columns"], "total"], [*row["cells"], row["total"]], strict=True)
    }
    totals = zip([*made["columns"], "total"], [*made["totals"], made["total"]], strict=True)
    return found | {("total", column): total for column, total in totals}


def test_what_is_not_known_is_never_a_zero(database: Path) -> None:
    data = page.read(marts.Marts(database))
    first, last = cells_of(data, "partner_01"), cells_of(data, "partner_20")

    def told(cell: dict[str, Any]) -> tuple[str, bool]:
        return cell["text"], cell["known"]

    assert told(first["churned", "not shared"]) == ("–", False)
    assert told(first["customer", "not shared"]) == ("1 linked", False)
    assert told(last["churned", "churned"]) == ("withheld", False)
    assert last["prospect", "churned"]["background"] == "#0f4c81"
    assert last["open opportunity", "churned"]["amount"] == "EUR 1.5M"


def test_rows_and_columns_add_up_as_far_as_they_are_known(database: Path) -> None:
    data = page.read(marts.Marts(database))
    first, last = cells_of(data, "partner_01"), cells_of(data, "partner_20")
    assert first["customer", "total"]["text"] == "5"
    assert first["open opportunity", "total"] | {"known": True} == {
        "text": "55", "number": 55, "amount": "EUR 7.5M", "exact": "EUR 7,500,000 open", "known": True,
    }  # fmt: skip
    # the column has no cell that is counted
    assert first["total", "not shared"]["text"] == "43 linked"
    assert first["total", "total"]["number"] == sum(first[ours, "total"]["number"] for ours in WORDS)
    assert first["total", "total"]["number"] == sum(first["total", c]["number"] for c in (*WORDS, "not shared"))
    assert last["churned", "total"]["text"].startswith("≥ ") and last["total", "churned"]["text"].startswith("≥ ")
    assert last["prospect", "total"]["text"] == "200"


def test_companies_have_no_pipeline_and_families_their_own(database: Path) -> None:
    data = page.read(marts.Marts(database))
    companies = cells_of(data, "partner_02", "companies")
    assert {cell["amount"] for cell in companies.values()} == {""}
    assert companies["total", "total"]["number"] == 2 * 16
    assert cells_of(data, "partner_02", "families")["open opportunity", "total"]["amount"] == "EUR 6.0M"


@pytest.mark.parametrize("shade", [step / 50 for step in range(51)])
def test_the_text_of_a_cell_can_be_read(shade: float) -> None:
    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted(map(luminance, matrix.colours(shade)), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5


# ---------------------------------------------------------------- what lies behind a cell


def pairs_behind(links: Sequence[dict[str, Any]], tmp_path: Path) -> dict[str, Any]:
    """What the report lists behind the cells, when these are the overlaps."""
    path = tmp_path / "behind.duckdb"
    with duckdb.connect(str(path)) as connection:
        for mart in marts.REQUIRED:
            write_mart(connection, mart, list(links) if mart == "overlaps" else [])
    return matrix.behind(marts.Marts(path))


def listed(found: dict[str, Any], cell: str) -> tuple[int, list[str]]:
    """How many units a cell has, and the pairs that are listed, as `1=a`."""
    units, _, numbers = found["cells"].get(cell, (0, 0, []))
    pairs = [found["pairs"][number] for number in numbers]
    return units, [f"{pair[0].removeprefix('Our ')}={pair[4].removeprefix('Their ')}" for pair in pairs]


def test_an_account_lies_behind_the_cell_of_its_primary_link(tmp_path: Path) -> None:
    found = pairs_behind(
        [
            a_link("p", "1", "a", our_open_amount=5),
            a_link("p", "1", "b", is_primary=False, partner_status="prospect", our_open_amount=5),
            a_link("p", "2", "c", our_open_amount=9),
            a_link("p", "3", "c", relationship="subsidiary"),
            a_link("q", "1", "a"),
        ],
        tmp_path,
    )
    assert listed(found, "p records prospect customer") == (2, ["2=c", "1=a"])
    assert listed(found, "p records prospect prospect") == (0, [])
    assert listed(found, "q records prospect customer") == (1, ["1=a"])


def test_companies_are_connected_groups_in_the_cell_of_the_best_status_of_each_side(tmp_path: Path) -> None:
    found = pairs_behind(
        [
            a_link("p", "1", "a", our_status="customer", partner_status="prospect"),
            a_link("p", "2", "a", partner_status="prospect"),
            a_link("p", "2", "b", partner_status="churned", is_primary=False),
            a_link("p", "3", "z"),
            a_link("p", "3", "a", relationship="parent", is_primary=False),
        ],
        tmp_path,
    )
    assert listed(found, "p companies customer churned") == (1, ["1=a", "2=a", "2=b"])
    assert listed(found, "p companies prospect customer") == (1, ["3=z"])
    assert matrix.companies([("p", "2", "b"), ("p", "1", "a"), ("p", "2", "a"), ("q", "2", "a")]) == {
        ("p", "1"): "1",
        ("p", "2"): "1",
        ("q", "2"): "2",
    }


def test_a_family_lies_in_the_cell_of_its_status_by_the_best_family_it_is_linked_with(tmp_path: Path) -> None:
    family = {"our_ultimate_parent_account_id": "1", "our_family_status": "customer", "our_family_open_amount": 7}
    found = pairs_behind(
        [
            a_link("p", "1", "a", **family, partner_family_status="churned"),
            a_link("p", "2", "b", **family, partner_family_status="open_opportunity", relationship="subsidiary"),
        ],
        tmp_path,
    )
    assert listed(found, "p families customer open_opportunity") == (1, ["1=a", "2=b"])
    assert not [cell for cell in found["cells"] if cell.startswith("p families customer churned")]


def test_lists_behind_cells_are_bounded_and_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    links = [a_link("p", f"{number:03}", f"{number:03}", our_open_amount=number) for number in range(250)]
    found = pairs_behind(links, tmp_path)
    units, pairs, numbers = found["cells"]["p records prospect customer"]
    assert (units, pairs, len(numbers), found["most"]) == (250, 250, 200, 200)
    assert found["pairs"][numbers[0]][0] == "Our 249"
    # a pair stands once in the page, whatever the cells that it lies behind
    assert len(found["pairs"]) <= 400
    monkeypatch.setattr(matrix, "MOST_LISTED", 60)
    (tmp_path / "less").mkdir()
    assert pairs_behind(links, tmp_path / "less")["most"] == 20


def test_behind_each_cell_of_the_demo_lie_as_many_as_it_counts(demo: Any) -> None:
    data = page.read(marts.Marts(demo.database))
    wrong, counted = {}, 0
    for made in (made for of_partner in data["matrices"].values() for made in of_partner):
        for cell in (cell for row in made["rows"] for cell in row["cells"]):
            units = data["behind"]["cells"].get(cell["key"], [0])[0]
            counted += units
            if units != cell["number"]:
                wrong[cell["key"]] = cell["text"], units
    assert wrong == {} and counted > 10_000
    assert max(len(numbers) for _, _, numbers in data["behind"]["cells"].values()) <= data["behind"]["most"]


# ------------------------------------------------------------------------- what was read


def test_what_was_read_comes_first_and_what_is_wrong_with_it_before_the_rest(database: Path) -> None:
    data = page.read(marts.Marts(database))
    told = {row["input"]: row["faults"] for row in data["census"]["loud"]}
    assert list(told.items()) == [
        ("refused.xlsx", ["40 rejected", "no row is used"]),
        (EVIL, ["31 days old"]),
        ("hubspot.deals", ["missing"]),
    ]
    quiet = [row["input"] for row in data["census"]["quiet"]]
    assert len(quiet) == 21 and quiet[-1] == "salesforce.account" and quiet == sorted(quiet)
    assert {row["set_aside"] for row in data["census"]["quiet"]} == {1}
    text = page.page(data)
    places = [text.index(part) for part in ("What was read?", "refused.xlsx", "<details>", "quiet_0", 'class="tiles"')]
    assert places == sorted(places)
    assert places[-1] < text.index("Who do we share?")


def test_few_inputs_are_not_folded_away(tmp_path: Path) -> None:
    text = page.page(page.read(marts.Marts(make_marts(tmp_path / "few.duckdb", 2))))
    assert "<details>" not in text and text.count("quiet_") == 2


def test_marts_without_a_census_say_so(database: Path, tmp_path: Path) -> None:
    old = tmp_path / "old.duckdb"
    shutil.copy(database, old)
    with duckdb.connect(str(old)) as connection:
        connection.execute("drop table account_mapping__inputs")
    assert "have no account_mapping__inputs" in page.page(page.read(marts.Marts(old)))


def test_lists_have_dates_and_old_ones_stand_out(database: Path) -> None:
    data = page.read(marts.Marts(database))
    lists = {row["partner_id"]: row["list"] for row in data["coverage"]}
    assert lists["partner_01"] == {"day": "2026-10-06", "text": "list of 2026-10-06, 40 days old", "is_stale": True}
    assert lists["partner_02"]["is_stale"] is False
    assert page.list_date("2026-11-15", None) == {"day": "", "text": "without dates", "is_stale": False}
    assert page.list_date("2026-11-15", 30)["is_stale"] is False
    assert '<span class="fault">list of 2026-10-06, 40 days old</span>' in page.page(data)


def test_issues_are_added_up_by_problem_and_place(database: Path) -> None:
    data = page.read(marts.Marts(database))
    assert [(row["problem"], row["source"], row["n_rows"]) for row in data["issues"]] == [
        ("no_identity", EVIL, 1200),
        ("unknown_status_value", "hubspot", 7),
    ]
    assert data["tiles"][-1] == ("1,207", "rows of input with an issue") and len(data["tiles"]) == 6


def test_a_partner_without_accounts_has_a_place_that_says_so(database: Path, tmp_path: Path) -> None:
    path = tmp_path / "none.duckdb"
    shutil.copy(database, path)
    with duckdb.connect(str(path)) as connection:
        connection.execute("delete from account_mapping__overlap_matrix where partner_id = 'partner_03'")
    text = page.page(page.read(marts.Marts(path)))
    assert text.count("No account has come from this partner") == 1
    assert text.index("<h3>Partner 03</h3>") < text.index("No account has come") < text.index("<h3>Partner 04</h3>")


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (None, ""),
        (0, ""),
        (7, "USD 7"),
        (999, "USD 999"),
        (1499, "USD 1k"),
        (2_349_000, "USD 2.3M"),
        (123_400_000, "USD 123M"),
        (5e9, "USD 5.0B"),
    ],
)
def test_amounts_are_short(amount: float | None, text: str) -> None:
    assert charts.money(amount, "USD") == text


def test_partners_of_one_name_keep_their_ids() -> None:
    def named(**names: str) -> dict[str, str]:
        return page.partner_names([{"partner_id": key, "partner_name": name} for key, name in names.items()])

    assert named(a="Acme", b="Bolt") == {"a": "Acme", "b": "Bolt"}
    assert named(a="Acme", b="Acme", c="Bolt") == {"a": "Acme (a)", "b": "Acme (b)", "c": "Bolt"}


def test_a_project_without_partners_and_history_has_a_report_too(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "empty.duckdb")) as connection:
        for mart in marts.REQUIRED:
            rows = [BUILD] if mart == "build" else []
            write_mart(connection, mart, rows)
    text = page.page(page.read(marts.Marts(tmp_path / "empty.duckdb")))
    assert "No partner has accounts yet" in text and "No history is kept" in text


def test_what_is_wrong_with_the_source_is_one_sentence(database: Path, tmp_path: Path) -> None:
    (tmp_path / "text.duckdb").write_text("no database")
    (tmp_path / "folder").mkdir()
    old = tmp_path / "old.duckdb"
    shutil.copy(database, old)
    with duckdb.connect(str(old)) as connection:
        connection.execute("alter table account_mapping__plays drop column score")
    for source, message in (
        (tmp_path / "none", "There is no file or folder"),
        (tmp_path / "text.duckdb", "cannot be read as a DuckDB file"),
        (tmp_path / "folder", "has no account_mapping__build: run dbt build"),
        (old, "account_mapping__plays of .* has no column score"),
    ):
        done = run(source, tmp_path / "x.html")
        assert done.returncode == 1 and re.search(message, done.stderr), done.stderr
        assert done.stderr.count("\n") == 1 and not (tmp_path / "x.html").exists()
    writer = duckdb.connect(str(database))
    try:
        assert "being written by another process" in run(database, tmp_path / "x.html").stderr
    finally:
        writer.close()


# ------------------------------------------------------------------------- in a browser


def started(folder: Path) -> Any:
    """Chromium without a window and without network, which keeps what it has to keep in `folder`."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (
        "headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "no-first-run", "disable-sync",
        "disable-background-networking", "disable-component-update", "window-size=1280,1000",
        "host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        f"user-data-dir={folder}",
    ):  # fmt: skip
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options, webdriver.ChromeService(DRIVER))


def chromium(folder: Path) -> Iterator[Any]:
    """A browser, ended afterwards; without one the test is skipped, but where CI_BROWSER forbids it."""
    if not (CHROMIUM and DRIVER):
        if os.environ.get("CI_BROWSER"):
            pytest.fail("CI_BROWSER is set, but chromium and chromedriver are not installed")
        pytest.skip("chromium and chromedriver are not installed")
    driver = started(folder)
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    yield from chromium(tmp_path_factory.mktemp("chromium"))


def opened(browser: Any, path: Path) -> None:
    """Open a report and wait until all charts are drawn; nothing may be wrong on the console."""
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get(path.as_uri())
    WebDriverWait(browser, 60).until(
        lambda driver: driver.execute_script(
            "const all = [...document.querySelectorAll('.chart')];"
            "return all.length > 0 && all.every(place => place.hasAttribute('data-drawn'))"
        )
    )
    assert browser.get_log("browser") == []


def marks(browser: Any, place: str) -> int:
    """Shapes that a chart draws for data: what vega calls marks, without axes and legends."""
    return browser.execute_script(
        "return document.querySelectorAll('#' + arguments[0] + ' svg '"
        " + ':is(.mark-rect, .mark-symbol, .mark-line, .mark-rule).role-mark > *').length",
        place,
    )


@pytest.fixture(scope="module", params=[20, 1])
def shown(request: pytest.FixtureRequest, browser: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, int]:
    folder = tmp_path_factory.mktemp("shown")
    assert run(make_marts(folder / "marts.duckdb", request.param), folder / "report.html").returncode == 0
    opened(browser, folder / "report.html")
    return browser, request.param


def test_every_chart_shows_marks_and_fits_the_page(shown: tuple[Any, int]) -> None:
    browser, partners = shown
    places = {place.get_attribute("id") for place in browser.find_elements("css selector", ".chart")}
    assert places == CHARTS
    # two lines with a point each a partner, and the limit
    assert marks(browser, "curve") == 2 + 2 * partners + 1
    assert marks(browser, "contribution") == 2 * partners
    assert marks(browser, "changes") == 4
    assert marks(browser, "quality") == 2 * partners
    assert browser.execute_script(
        "return document.documentElement.scrollWidth <= innerWidth"
        " && [...document.querySelectorAll('.chart')].every(place => place.scrollWidth <= place.clientWidth + 1)"
    )


def test_axes_end_where_the_data_does(shown: tuple[Any, int]) -> None:
    browser, _ = shown
    # the highest point of the curve lies on the upper edge of the plot, the longest bar ends at the right one
    edge = "const edge = document.querySelector('#' + arguments[0] + ' .role-frame.root path.background')" \
        ".getBoundingClientRect();"  # fmt: skip
    distance = browser.execute_script(
        edge + "const tops = [...document.querySelectorAll('#curve .mark-symbol.role-mark > path')]"
        ".map(point => point.getBoundingClientRect()).map(box => (box.top + box.bottom) / 2);"
        "return Math.min(...tops) - edge.top",
        "curve",
    )
    assert abs(distance) < 3
    distance = browser.execute_script(
        edge + "const ends = [...document.querySelectorAll('#contribution .mark-rect.role-mark > path')]"
        ".map(bar => bar.getBoundingClientRect().right); return edge.right - Math.max(...ends)",
        "contribution",
    )
    assert abs(distance) < 3


def test_six_tiles_stand_in_one_row(shown: tuple[Any, int]) -> None:
    browser, _ = shown
    tops, heights, fits = browser.execute_script(
        "const tiles = [...document.querySelectorAll('.tile')];"
        "return [tiles.map(tile => tile.offsetTop), tiles.map(tile => tile.querySelector('b').offsetHeight),"
        " tiles.every(tile => tile.scrollWidth <= tile.clientWidth)]"
    )
    assert len(tops) == 6 and len(set(tops)) == 1 and len(set(heights)) == 1 and fits


def test_matrices_are_tables_of_which_one_measure_is_shown(shown: tuple[Any, int]) -> None:
    from selenium.webdriver.support.ui import Select

    browser, partners = shown
    assert len(browser.find_elements("css selector", ".matrix")) == 3 * partners
    chosen = Select(browser.find_element("id", "measure"))
    for measure in ("companies", "families", "records"):
        chosen.select_by_visible_text(measure)
        assert [
            table.get_attribute("class")
            for table in browser.find_elements("css selector", ".matrix")
            if table.is_displayed()
        ] == [f"matrix {measure}"] * partners
    texts = browser.find_element("id", "matrix").text
    assert "withheld" in texts and "1 linked" in texts and "–" in texts and "EUR 1.5M" in texts
    unknown = browser.find_elements("css selector", ".matrix.records td.unknown")
    assert len(unknown) == 5
    assert all("repeating-linear-gradient" in cell.value_of_css_property("background-image") for cell in unknown)
    # no text is wider than its cell
    wide = browser.execute_script(
        "return [...document.querySelectorAll('.matrix td')].filter(cell => cell.scrollWidth > cell.clientWidth + 1)"
        ".map(cell => cell.textContent)"
    )
    assert wide == []


def test_a_cell_leads_to_its_accounts_and_back(shown: tuple[Any, int]) -> None:
    from selenium.webdriver.common.keys import Keys

    browser, _ = shown
    listing = browser.find_element("id", "behind")
    assert not listing.is_displayed()
    cell = browser.find_element("css selector", "[data-cell='partner_01 records open_opportunity customer']")
    cell.send_keys(Keys.ENTER)
    assert listing.is_displayed() and cell.get_attribute("aria-expanded") == "true"
    assert browser.switch_to.active_element.get_attribute("id") == "behind-title"
    assert browser.find_element("id", "behind-title").text == "Partner 01: our open opportunity by their customer"
    assert browser.find_element("id", "behind-note").text.startswith("12 accounts of ours")
    found = browser.execute_script(
        "return [...document.querySelectorAll('#behind tbody tr')].map(row => [...row.cells].map(c => c.textContent))"
    )
    assert len(found) == 12
    assert found[0] == [EVIL, "open opportunity", "", "1,000", EVIL, "customer", "", "same company"]
    assert found[2][4] == "known by its hash only"
    assert browser.title.startswith("Account mapping")
    browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert not listing.is_displayed() and browser.switch_to.active_element == cell
    cell.click()
    cell.click()
    assert not listing.is_displayed() and cell.get_attribute("aria-expanded") == "false"


def test_inputs_that_ask_for_a_look_are_seen_first(shown: tuple[Any, int]) -> None:
    browser, partners = shown
    census = browser.find_element("id", "census")
    assert census.text.startswith("What was read?") and f"3 of {partners + 4} inputs ask for a look" in census.text
    loud = census.find_elements("css selector", "tr.loud")
    assert [row.find_element("css selector", "td").text for row in loud] == ["refused.xlsx", EVIL, "hubspot.deals"]
    assert all(row.is_displayed() for row in loud)
    bottom = "return document.querySelector('#census').offsetTop + document.querySelector('#census').offsetHeight"
    assert browser.execute_script(bottom) < browser.find_element("id", "matrix").location["y"]


def test_lists_change_what_a_chart_counts(shown: tuple[Any, int]) -> None:
    from selenium.webdriver.support.ui import Select

    browser, partners = shown
    chosen = Select(browser.find_element("css selector", "#changes select"))
    assert len(chosen.options) == partners + 1
    height = "return Math.max(...[...document.querySelectorAll('#changes .mark-rect.role-mark > path')]" \
        ".map(bar => +(bar.getAttribute('aria-label').match(/shared accounts: (-?\\d+)/) || [0, 0])[1]))"  # fmt: skip
    assert browser.execute_script(height) == 3 * partners
    chosen.select_by_visible_text("Partner 01")
    assert browser.execute_script(height) == 3
    chosen.select_by_index(0)


def rows(browser: Any) -> list[list[str]]:
    """Texts of the cells of the table of plays, as shown."""
    return browser.execute_script(
        "return [...document.querySelectorAll('#plays tbody tr')]"
        ".map(row => [...row.cells].map(cell => cell.textContent))"
    )


def test_the_table_sorts_and_filters(shown: tuple[Any, int]) -> None:
    from selenium.webdriver.support.ui import Select

    browser, partners = shown
    assert [row[0] for row in rows(browser)] == [str(100 - number) for number in range(64)]
    assert rows(browser)[0][2] == EVIL and browser.title.startswith("Account mapping")

    def click(column: str) -> None:
        browser.find_element("css selector", f"#plays th[data-column={column}] button").click()

    click("our_open_amount")
    amounts = [int(row[4].replace(",", "") or 0) for row in rows(browser)]
    assert amounts == sorted(amounts, reverse=True) and len(set(amounts)) > 10
    click("our_open_amount")
    assert [int(row[4].replace(",", "") or 0) for row in rows(browser)] == sorted(amounts)
    click("our_owner")
    owners = [row[5] for row in rows(browser)]
    assert owners == sorted(owners, key=lambda owner: (owner == "", owner)) and owners[-1] == ""
    click("score")

    search = browser.find_element("id", "search")
    search.send_keys("söhne")
    assert [row[2] for row in rows(browser)] == ["Äpfel & Söhne"]
    assert browser.find_element("id", "shown").text == "1 shown"
    browser.execute_script("arguments[0].value = ''; arguments[0].dispatchEvent(new Event('input'))", search)
    Select(browser.find_element("id", "by-play")).select_by_visible_text("co sell")
    Select(browser.find_element("id", "by-partner")).select_by_visible_text("Partner 01")
    assert {(row[1], row[3]) for row in rows(browser)} <= {("co sell", "Partner 01")}
    assert len(rows(browser)) == (32 if partners == 1 else 0)
    Select(browser.find_element("id", "by-partner")).select_by_index(0)
    assert {row[1] for row in rows(browser)} == {"co sell"} and len(rows(browser)) == 32
    Select(browser.find_element("id", "by-play")).select_by_index(0)
    assert len(rows(browser)) == 64


def test_on_paper_there_are_no_controls_and_the_whole_table(shown: tuple[Any, int]) -> None:
    browser, _ = shown
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        looks = browser.execute_script(
            "const style = (selector, name) => getComputedStyle(document.querySelector(selector))[name];"
            "return [style('.controls', 'display'), style('form.vega-bindings', 'display'),"
            " style('.scroll', 'overflowY'), style('.scroll', 'maxHeight')]"
        )
        assert looks == ["none", "none", "visible", "none"]
        printed = browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"]
        assert len(printed) > 10_000
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def take_picture(report: Path, picture: Path, height: int) -> None:
    """The upper part of a report as an image."""
    with tempfile.TemporaryDirectory() as folder:
        driver = started(Path(folder))
        try:
            opened(driver, report.resolve())
            clip = {"x": 0, "y": 0, "width": 1280, "height": height, "scale": 1}
            shot = driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
            picture.write_bytes(base64.b64decode(shot["data"]))
        finally:
            driver.quit()


if __name__ == "__main__":
    take_picture(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 1900)
