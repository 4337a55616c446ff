"""Raw CRM tables as they are met in the field give the right accounts, data issues and census, in any order of rows.

All cases are in one build, each as an instance of its own. It is made twice: with the rows as the case gives them, and
with the last one first; both must leave the same marts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from crm_builds import PARTS, Marts, assert_adds_up, make_marts
from crm_cases import CASES, KNOWN, Case
from harness import Project

VARIABLES = {
    "account_mapping__crms": [{"name": case.name, "kind": case.crm, "schema": case.name} for case in CASES],
    "account_mapping__as_of": "2026-06-01",
    # no CRM has this name
    "account_mapping__column_candidates": {"salesforces": {"account": {"segment": ["tier__c"]}}}
    | {case.name: case.candidates for case in CASES if case.candidates},
    "account_mapping__pass_through_columns": [{"crm": "salesforce", "name": "Health_Score__c", "alias": "health"}],
}


def write(project: Project, turned: bool) -> None:
    """Write the raw tables of all cases, with rows as given or the last one first."""
    for case in CASES:
        for table, sql in case.tables.items():
            with duckdb.connect() as connection:
                rows = connection.sql(sql).to_arrow_table()
            order = range(rows.num_rows)
            project.write_table(
                f"{case.name}.{table}", rows.take(pa.array(order[::-1] if turned else order, pa.int64()))
            )


@pytest.fixture(scope="module")
def marts(tmp_path_factory: pytest.TempPathFactory) -> Marts:
    """The marts, the same for both orders of rows."""
    project = Project(tmp_path_factory.mktemp("crm_cases"), variables=VARIABLES)
    seen = []
    for turned in (False, True):
        write(project, turned)
        seen.append(make_marts(project))
    for mart, rows in seen[0].items():
        assert rows == seen[1][mart]
    return seen[0]


def of_case(rows: list[dict[str, Any]], column: str, case: Case) -> list[dict[str, Any]]:
    """Rows of one case: whose source is it, one of its tables, or something of it."""
    return [
        row for row in rows if row[column] == case.name or row[column].startswith((f"{case.name}.", f"{case.name} "))
    ]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_a_case_gives_the_right_marts(marts: Marts, case: Case) -> None:
    accounts = {
        row["source_account_id"]: row for row in of_case(marts["account_mapping__accounts"], "source_relation", case)
    }
    got = {
        key: {column: as_text(row[column]) for column in case.accounts.get(key, row)} for key, row in accounts.items()
    }
    assert got == {
        key: {
            column: f"{case.name}:{value}" if column == "ultimate_parent_account_id" else value
            for column, value in row.items()
        }
        for key, row in case.accounts.items()
    }
    excluded = {key for key, row in case.accounts.items() if row.get("is_excluded") == "True"}
    assert {key for key, row in accounts.items() if row["is_excluded"]} == excluded
    assert_issues(of_case(marts["account_mapping__data_issues"], "source", case), case)
    inputs = {row["input"]: row for row in of_case(marts["account_mapping__inputs"], "source_relation", case)}
    for table, numbers in case.census.items():
        row = inputs[f"{case.name}.{table}"]
        assert {part: row[f"rows_{part}"] for part in PARTS} == dict.fromkeys(PARTS, 0) | numbers, table


def test_the_census_adds_up(marts: Marts) -> None:
    assert {row["source_relation"] for row in marts["account_mapping__inputs"]} >= {case.name for case in CASES}
    for row in marts["account_mapping__inputs"]:
        assert_adds_up(row)


def as_text(value: Any) -> Any:
    return value if value is None else str(value)


def assert_issues(issues: list[dict[str, Any]], case: Case) -> None:
    """The data issues of known problems are those that the case names, and no others."""
    found = [row for row in issues if row["problem"] in KNOWN]
    for source, row_key, problem, n_rows in case.issues:
        same = [
            row
            for row in found
            if (row["source"], row["problem"]) == (case.name + source, problem)
            and row_key in (None, row["row_key"])
            and n_rows in (None, row["n_rows"])
        ]
        assert same, f"no issue {source} {row_key} {problem} {n_rows} in {issues}"
        found = [row for row in found if row not in same]
    assert found == []


def issues_of(marts: Marts, problem: str) -> list[dict[str, Any]]:
    return [row for row in marts["account_mapping__data_issues"] if row["problem"] == problem]


def test_a_currency_without_rate_is_named(marts: Marts) -> None:
    [issue] = issues_of(marts, "currency_without_rate")
    assert (issue["source"], issue["detail"]) == ("k03_dy opportunities", "EUR")


def test_columns_that_are_not_recognised_are_named(marts: Marts) -> None:
    [issue] = issues_of(marts, "unrecognised_columns")
    assert "account" in issue["row_key"]
    for column in ("id", "account_c", "amount", "stage_name"):
        assert column in issue["detail"]


def test_settings_that_name_nothing_are_named(marts: Marts) -> None:
    paths = [row["row_key"] for row in issues_of(marts, "setting_names_nothing")]
    for part in ("salesforces", "k15_sf: accounts", "k15_sf: account: industry", "health"):
        assert [path for path in paths if path.endswith(part)], (part, paths)
    # `Tier_c` is not `tier__c`, and no object has a field `nowhere`
    assert [path for path in paths if path.endswith("k13_pd: organizations: segment")], paths
    assert len(paths) == 5, paths


def test_a_list_of_schemas_is_an_error_that_names_the_var(make_project: Callable[..., Project]) -> None:
    project = make_project(variables={"account_mapping__crms": ["salesforce"], "salesforce_schema": ["sf_us", "sf_eu"]})
    result = project.run("run", "--select", "+account_mapping__accounts")
    assert not result.success
    assert "salesforce_schema" in result.text


def test_person_accounts_are_kept_where_a_var_says_so(make_project: Callable[..., Project]) -> None:
    project = make_project(
        variables={"account_mapping__crms": ["salesforce"], "account_mapping__person_accounts": True}
    )
    case = next(case for case in CASES if case.name == "persons_sf")
    project.write_table("salesforce.account", case.tables["account"])
    project.make("+account_mapping__accounts")
    assert {row["is_excluded"] for row in project.query("from account_mapping__accounts")} == {False}
