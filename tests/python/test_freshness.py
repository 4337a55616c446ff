"""`dbt source freshness`: by whatever column tells when a table was loaded, in every spelling; off where none does."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from harness import Project

NOW = datetime.now(UTC)


def iso(hours: float) -> str:
    return (NOW - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(
        tmp_path_factory.mktemp("freshness"),
        variables={
            "account_mapping__crms": ["salesforce", "hubspot", "pipedrive", "dynamics_365", "generic"],
            "account_mapping__column_candidates": {"generic": {"accounts": {"loaded_at": ["Loaded On"]}}},
        },
    )
    extracted = [NOW - timedelta(hours=hours) for hours in (300, 2)]
    # by the loader's column, and by the latest of its rows: a row changed long ago tells nothing
    project.write_table(
        "salesforce.Account",
        pa.table(
            {
                "Id": ["1", "2"],
                "Name": ["Acme", "Birch"],
                "LastModifiedDate": [iso(9000), iso(9000)],
                "_airbyte_extracted_at": pa.array(extracted, pa.timestamp("us", "UTC")),
            }
        ),
    )
    # two days old: a warning
    synced = pa.array([(NOW - timedelta(hours=48)).replace(tzinfo=None)], pa.timestamp("us"))
    project.write_table("salesforce.opportunity", pa.table({"id": ["7"], "_fivetran_synced": synced}))
    # an export has nothing but the CRM's own column
    project.write_table("hubspot.companies", [{"id": "1", "name": "Acme", "Last modified date": iso(200)[:16]}])
    project.write_table("pipedrive.organizations", [{"id": "1", "name": "Acme"}])
    project.write_table("dynamics_365.accounts", [{"accountid": "1", "name": "Acme", "modifiedon": None}])
    loaded_on = (NOW - timedelta(hours=1)).strftime("%Y-%m-%d %H:%M:%S")
    project.write_table("generic.accounts", [{"account_id": "1", "account_name": "Acme", "loaded on": loaded_on}])
    return project


def test_each_table_is_as_fresh_as_its_column_says(project):
    result = project.run("source", "freshness")
    lines = [line for line in result.messages if " freshness of " in line and "START" not in line]
    ended = [re.search(r"^\d+ of \d+ (.*) freshness of ([\w.]+)", line) for line in lines]
    told = {found[2]: found[1] for found in ended if found}
    assert told == {
        "salesforce.account": "PASS",
        "salesforce.opportunity": "WARN",
        "hubspot.company": "ERROR STALE",
        "hubspot.deal": "PASS",
        "pipedrive.organizations": "PASS",
        "pipedrive.deals": "PASS",
        # a column that holds nothing: never loaded
        "dynamics_365.account": "ERROR STALE",
        "dynamics_365.opportunity": "PASS",
        "generic.accounts": "PASS",
    }
    assert not result.success
    unknown = {line.split("freshness of ")[1].split(" ")[0]: line for line in lines if "not known" in line}
    assert set(unknown) == {"hubspot.deal", "pipedrive.organizations", "pipedrive.deals", "dynamics_365.opportunity"}
    assert "no column tells" in unknown["pipedrive.organizations"] and "no such table" in unknown["hubspot.deal"]


def test_limits_are_settings(project):
    limits = {"account_mapping__freshness_warn_hours": 100, "account_mapping__freshness_error_hours": 400}
    result = project.run("source", "freshness", "--select", "source:salesforce", "source:hubspot", variables=limits)
    assert result.success, result.text
    assert result.statuses == {"account": "pass", "opportunity": "pass", "company": "warn", "deal": "pass"}


def test_the_column_named_for_freshness_is_none_of_staging(project):
    result = project.run("run", "--select", "stg_account_mapping__generic_accounts")
    assert result.success, result.text
