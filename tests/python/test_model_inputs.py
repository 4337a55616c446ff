"""A project's own model in place of a raw table, and two Salesforce orgs, in a project that installs the package.

`dbt build` is run twice, as a user does it: the first time nothing is there yet, so that only an edge in the DAG makes
the project's model come first.
"""

from __future__ import annotations

from typing import Any

import pytest
from harness import PROJECT_NAME, Project, Result

SHARED_ID, EMEA_ID = "0015g00000AAA01AAH", "0015g00000AAA02AAH"
# Accounts of the project's own: renamed, as a model that cleans a raw table leaves them.
MY_ACCOUNTS = """
select number as "Account ID", label as "Account Name", site as "Website", kind as "Account Type"
from {{ ref('my_companies') }}
"""
MY_COMPANIES = f"""
select '{SHARED_ID}' as number, 'Alpha Tools' as label, 'alphatools.com' as site, 'Gold' as kind
union all
select '{EMEA_ID}', 'Beta Tools', 'betatools.com', 'Silver'
"""
RULES = [
    ("salesforce", "account_type", "Gold", "prospect"),
    ("salesforce", "account_type", "Silver", "open_opportunity"),
    ("sf_emea", "account_type", "Gold", "customer"),
]
VARIABLES = {
    "account_mapping__crms": ["salesforce", {"name": "sf_emea", "kind": "salesforce", "schema": "emea_raw"}],
    "salesforce_account_model": "my_accounts",
    "account_mapping__as_of": "2026-06-01",
}


def marts(project: Project) -> dict[str, list[dict[str, Any]]]:
    names = ("accounts", "data_issues", "inputs")
    return {name: project.query(f"from account_mapping__{name} order by all") for name in names}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, list[Result], list[dict[str, Any]]]:
    """The project, what both builds did, and the marts after each."""
    project = Project(tmp_path_factory.mktemp("model_inputs"), variables=VARIABLES, threads=4)
    models = project.folder / "models"
    models.mkdir()
    (models / "my_accounts.sql").write_text(MY_ACCOUNTS)
    (models / "my_companies.sql").write_text(MY_COMPANIES)
    columns = ("source_system", "field", "raw_value", "status")
    project.write_seed("account_mapping__status_rules", [dict(zip(columns, rule, strict=True)) for rule in RULES])
    project.write_tables(
        {
            "emea_raw.account": [
                {"id": SHARED_ID, "name": "Gamma Works", "website": "gammaworks.com", "type": "Gold"},
                {"id": EMEA_ID, "name": "Delta Works", "website": "deltaworks.com", "type": "Silver"},
            ],
            "emea_raw.opportunity": [
                {"id": "0065g00000AAA01AAH", "account_id": EMEA_ID, "amount": 70, "is_closed": False, "is_won": False}
            ],
            "salesforce.opportunity": [
                {"id": "0065g00000AAA01AAH", "account_id": EMEA_ID, "amount": 5, "is_closed": False, "is_won": False}
            ],
        }
    )
    results, seen = [], []
    for _ in range(2):
        results.append(project.run("build"))
        assert results[-1].success, results[-1].text
        seen.append(marts(project))
    return project, results, seen


def test_both_orgs_have_accounts_of_their_own(built: tuple[Project, list[Result], list[Any]]) -> None:
    got = {
        row["account_id"]: (row["source_relation"], row["source_account_id"], row["name"], str(row["open_amount"]))
        for row in built[2][0]["accounts"]
    }
    assert got == {
        f"salesforce:{SHARED_ID}": ("salesforce", SHARED_ID, "Alpha Tools", "0.00"),
        f"salesforce:{EMEA_ID}": ("salesforce", EMEA_ID, "Beta Tools", "5.00"),
        f"sf_emea:{SHARED_ID}": ("sf_emea", SHARED_ID, "Gamma Works", "0.00"),
        f"sf_emea:{EMEA_ID}": ("sf_emea", EMEA_ID, "Delta Works", "70.00"),
    }


def test_a_rule_of_an_instance_beats_that_of_its_kind(built: tuple[Project, list[Result], list[Any]]) -> None:
    got = {row["account_id"]: row["status"] for row in built[2][0]["accounts"]}
    assert got[f"salesforce:{SHARED_ID}"] == "prospect"
    assert got[f"sf_emea:{SHARED_ID}"] == "customer"
    assert got[f"salesforce:{EMEA_ID}"] == got[f"sf_emea:{EMEA_ID}"] == "open_opportunity"


def test_a_second_build_changes_nothing(built: tuple[Project, list[Result], list[Any]]) -> None:
    first, second = built[2]
    assert first == second


def test_the_census_names_the_model_and_both_orgs(built: tuple[Project, list[Result], list[Any]]) -> None:
    inputs = {row["input"]: row for row in built[2][0]["inputs"]}
    own = inputs["salesforce.account"]
    assert (own["kind"], own["source_relation"], own["rows_read"], own["rows_used"]) == ("model", "salesforce", 2, 2)
    assert "my_accounts" in own["relation_name"]
    other = inputs["sf_emea.account"]
    assert (other["kind"], other["source_relation"], other["rows_read"]) == ("table", "sf_emea", 2)
    assert "emea_raw" in other["relation_name"]
    assert (inputs["salesforce.opportunity"]["rows_used"], inputs["sf_emea.opportunity"]["rows_used"]) == (1, 1)


def test_the_model_comes_before_what_reads_it(built: tuple[Project, list[Result], list[Any]]) -> None:
    project, results, _ = built
    nodes = project.manifest()["nodes"]
    mine = f"model.{PROJECT_NAME}.my_accounts"
    readers = {node["name"] for node in nodes.values() if mine in node.get("depends_on", {}).get("nodes", [])}
    assert "stg_account_mapping__salesforce_accounts" in readers
    order = [model.name for model in results[0].models]
    assert {order.index("my_accounts") < order.index(name) for name in readers} == {True}
