"""Raw CRM tables as they are met in the field give the right accounts, data issues and census, in any order of rows.

Cases of several CRMs share a build, one per CRM. Each build is made twice: with the rows as the case gives them, and
turned round; both must leave the same marts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from crm_cases import CASES, CRMS, KNOWN, NOTHING, OTHER_ROWS, Case
from harness import Project

MARTS = ("account_mapping__accounts", "account_mapping__data_issues", "account_mapping__inputs")
SELECTION = tuple(f"+{mart}" for mart in MARTS)
AS_OF = "2026-06-01"
# The settings that name nothing: a source that does not exist, and a column that no table has.
PASS_THROUGH = [{"crm": "salesforce", "name": "Health_Score__c", "alias": "health"}]
UNKNOWN_SOURCE = {"salesforces": {"account": {"segment": ["tier__c"]}}}

Marts = dict[str, list[dict[str, Any]]]


def rounds(cases: Iterable[Case]) -> list[list[Case]]:
    """Cases dealt into builds: at most one per CRM each."""
    by_crm: dict[str, list[Case]] = {}
    for case in cases:
        by_crm.setdefault(case.crm, []).append(case)
    return [
        [mine[turn] for mine in by_crm.values() if turn < len(mine)] for turn in range(max(map(len, by_crm.values())))
    ]


PLAIN = rounds(case for case in CASES if not case.candidates)
# One setting for all: of these a CRM has one case in all, but for Salesforce.
SETTINGS = [[case for case in CASES if case.candidates and case.name != "k15_sf"]]
NAMING_NOTHING = [[case for case in CASES if case.name == "k15_sf"]]
BUILDS = {
    case.name: tuple(other.name for other in build) for build in PLAIN + SETTINGS + NAMING_NOTHING for case in build
}
BY_NAME = {case.name: case for case in CASES}


def variables(build: Iterable[Case]) -> dict[str, Any]:
    found = {"account_mapping__crms": CRMS, "account_mapping__as_of": AS_OF}
    candidates = {case.crm: case.candidates for case in build if case.candidates}
    if any(case.name == "k15_sf" for case in build):
        candidates |= UNKNOWN_SOURCE
        found["account_mapping__pass_through_columns"] = PASS_THROUGH
    return found | ({"account_mapping__column_candidates": candidates} if candidates else {})


def write(project: Project, build: Iterable[Case], turned: bool) -> None:
    """Write the raw tables of a build, with rows as given or the last one first."""
    of_crm = {case.crm: case for case in build}
    for crm in CRMS:
        project.execute(f'drop schema if exists "{crm}" cascade')
        for table, sql in (of_crm[crm].tables if crm in of_crm else NOTHING[crm]).items():
            with duckdb.connect() as connection:
                rows = connection.sql(sql).to_arrow_table()
            order = range(rows.num_rows)
            project.write_table(f"{crm}.{table}", rows.take(pa.array(order[::-1] if turned else order, pa.int64())))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Marts, Marts]]:
    """A function from a case's name to the marts of its build: rows as given, and turned round."""
    projects: dict[str, Project] = {}
    made: dict[tuple[str, ...], tuple[Marts, Marts] | AssertionError] = {}

    def build(names: tuple[str, ...]) -> tuple[Marts, Marts]:
        cases = [BY_NAME[name] for name in names]
        settings = variables(cases)
        project = projects.get(str(settings))
        if project is None:
            folder = tmp_path_factory.mktemp("crm_cases")
            project = projects[str(settings)] = Project(folder, variables=settings)
        marts = []
        for turned in (False, True):
            write(project, cases, turned)
            project.make(*SELECTION)
            marts.append({mart: project.query(f"from {mart} order by all") for mart in MARTS})
        return marts[0], marts[1]

    def look_up(name: str) -> tuple[Marts, Marts]:
        names = BUILDS[name]
        if names not in made:
            try:
                made[names] = build(names)
            except AssertionError as error:
                made[names] = error
        found = made[names]
        if isinstance(found, AssertionError):
            raise found
        return found

    return look_up


def of_crm(rows: Iterable[dict[str, Any]], column: str, crm: str) -> list[dict[str, Any]]:
    """Rows of one CRM: whose source is it, one of its tables, or something of it."""
    return [row for row in rows if row[column] == crm or row[column].startswith((f"{crm}.", f"{crm} "))]


@pytest.mark.parametrize("name", [case.name for case in CASES])
def test_a_case_gives_the_right_marts(built: Callable[[str], tuple[Marts, Marts]], name: str) -> None:
    case = BY_NAME[name]
    given, turned = built(name)
    assert given == turned
    accounts = {
        row["source_account_id"]: row for row in of_crm(given["account_mapping__accounts"], "source_relation", case.crm)
    }
    got = {
        key: {column: as_text(row[column]) for column in case.accounts.get(key, row)} for key, row in accounts.items()
    }
    assert got == case.accounts
    assert not any(row["is_excluded"] for row in accounts.values())
    issues = of_crm(given["account_mapping__data_issues"], "source", case.crm)
    if name != "k15_sf":
        assert_issues(issues, case)
    inputs = {row["input"]: row for row in of_crm(given["account_mapping__inputs"], "source_relation", case.crm)}
    for table in case.census:
        row = inputs[f"{case.crm}.{table}"]
        census = dict.fromkeys(OTHER_ROWS, 0) | case.census[table]
        assert {kind: row[f"rows_{kind}"] for kind in census} == census, table


@pytest.mark.parametrize("name", sorted({names[0] for names in BUILDS.values()}))
def test_the_census_of_a_build_adds_up(built: Callable[[str], tuple[Marts, Marts]], name: str) -> None:
    inputs = built(name)[0]["account_mapping__inputs"]
    assert inputs
    for row in inputs:
        parts = [row[f"rows_{kind}"] for kind in ("used", *OTHER_ROWS)]
        assert row["rows_read"] == sum(parts), row
        assert min(parts) >= 0, row
        assert 0 <= row["rows_repaired"] <= row["rows_used"], row


def as_text(value: Any) -> Any:
    return value if value is None else str(value)


def assert_issues(issues: list[dict[str, Any]], case: Case) -> None:
    """The data issues of known problems are those that the case names, and no others."""
    found = [row for row in issues if row["problem"] in KNOWN]
    for source, row_key, problem, n_rows in case.issues:
        same = [
            row
            for row in found
            if (row["source"], row["problem"]) == (source, problem)
            and row_key in (None, row["row_key"])
            and n_rows in (None, row["n_rows"])
        ]
        assert same, f"no issue {source} {row_key} {problem} {n_rows} in {issues}"
        found = [row for row in found if row not in same]
    assert found == []


def test_a_currency_without_rate_is_named(built: Callable[[str], tuple[Marts, Marts]]) -> None:
    issues = of_crm(built("k03_dy")[0]["account_mapping__data_issues"], "source", "dynamics_365")
    assert [row["detail"] for row in issues if row["problem"] == "currency_without_rate"] == ["EUR"]


def test_columns_that_are_not_recognised_are_named(built: Callable[[str], tuple[Marts, Marts]]) -> None:
    issues = of_crm(built("k11_sf")[0]["account_mapping__data_issues"], "source", "salesforce")
    [issue] = [row for row in issues if row["problem"] == "unrecognised_columns"]
    assert "account" in issue["row_key"]
    for column in ("id", "account_c", "amount", "stage_name"):
        assert column in issue["detail"]


def test_settings_that_name_nothing_are_named(built: Callable[[str], tuple[Marts, Marts]]) -> None:
    issues = [
        row for row in built("k15_sf")[0]["account_mapping__data_issues"] if row["problem"] == "setting_names_nothing"
    ]
    keys = [row["row_key"] for row in issues]
    for part in ("salesforces", "salesforce.accounts", "health_score__c"):
        assert [key for key in keys if part in key.lower()], (part, keys)
    assert len(keys) == 3, keys


def test_a_list_of_schemas_is_an_error_that_names_the_var(make_project: Callable[..., Project]) -> None:
    project = make_project(variables={"account_mapping__crms": ["salesforce"], "salesforce_schema": ["sf_us", "sf_eu"]})
    result = project.run("run", "--select", "+account_mapping__accounts")
    assert not result.success
    assert "salesforce_schema" in result.text
