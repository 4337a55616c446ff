"""Leads, in every spelling of Salesforce and HubSpot: off they are not read, as evidence they count at the accounts of
their domains, as records they are prospects. A converted lead counts once, as its account.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import duckdb
import pytest
from harness import Project

Row = dict[str, Any]
MODELS = tuple(
    f"+int_account_mapping__{name}"
    for name in ("accounts", "accounts_issues", "identity_issues", "members_issues", "input_counts", "input_tables")
)
ACCOUNTS = {"1": ("Kudu", "kudu-zq.com"), "2": ("Ibex", "www.ibex-zq.com/de")}
# number: company, website, e-mail, converted to, deleted
LEADS: dict[str, tuple[str | None, str | None, str | None, str | None, bool]] = {
    "1": ("Kudu", None, "Ann@Kudu-zq.com", None, False),
    "2": ("Ibex", "https://ibex-zq.com", "bo@gmail.com", None, False),
    "3": ("Bison Trading", None, "cy@gmail.com", None, False),
    "4": (None, None, "di@gmail.com", None, False),
    "5": ("Kudu", None, "ed@kudu-zq.com", "1", False),
    "6": ("Gone", None, "flo@gone-zq.com", "9", False),
    "7": ("Kudu", None, "gus@kudu-zq.com", None, True),
    "8": ("Newco", None, "hal@newco-zq.com", None, False),
    "9": ("Oryx", None, None, None, False),
}
CONVERTED = {"5", "6"}
PROBLEMS = {
    "evidence": {"free_mail_leads": 2, "lead_without_account": 1, "lead_without_domain": 1},
    "records": {"free_mail_leads": 1},
}


def account_of(number: str | None) -> str | None:
    return number and f"00100000000000{number}"


def lead_of(number: str) -> str:
    return f"00Q00000000000{number}"


# --------------------------------------------------------------------- spellings


def salesforce(names: Mapping[str, str], flag: Callable[[bool], Any]) -> dict[str, list[Row]]:
    """Accounts and leads under the names of one loader. names: by Fivetran's."""
    accounts = [{"id": account_of(n), "name": name, "website": site} for n, (name, site) in ACCOUNTS.items()]
    leads = [
        {
            "id": lead_of(number), "company": company, "website": website, "email": email,
            "is_converted": flag(number in CONVERTED), "converted_account_id": account_of(account),
            "is_deleted": flag(deleted),
        }
        for number, (company, website, email, account, deleted) in LEADS.items()
    ]  # fmt: skip
    return {"account": spelled(accounts, names), "lead": spelled(leads, names)}


def hubspot(names: Mapping[str, str], flag: Callable[[bool], Any]) -> dict[str, list[Row]]:
    """Companies and contacts under the names of one loader: contacts without a company, and one with."""
    companies = [{"id": n, "name": name, "website": site} for n, (name, site) in ACCOUNTS.items()]
    contacts = [
        {"id": number, "company": company, "website": website, "email": email, "associatedcompanyid": None,
         "is_deleted": flag(deleted)}
        for number, (company, website, email, _, deleted) in LEADS.items()
        if number not in CONVERTED
    ] + [{"id": "20", "company": "Kudu", "website": None, "email": "ivy@kudu-zq.com", "associatedcompanyid": "1",
          "is_deleted": flag(False)}]  # fmt: skip
    return {"company": spelled(companies, names), "contact": spelled(contacts, names)}


def spelled(rows: Iterable[Row], names: Mapping[str, str]) -> list[Row]:
    return [{names.get(name, name): value for name, value in row.items()} for row in rows]


API = {
    "id": "Id", "name": "Name", "website": "Website", "company": "Company", "email": "Email",
    "is_converted": "IsConverted", "converted_account_id": "ConvertedAccountId", "is_deleted": "IsDeleted",
}  # fmt: skip
REPORT = {
    "name": "Account Name", "website": "Website", "company": "Company / Account", "email": "Email",
    "is_converted": "Converted", "converted_account_id": "Converted Account ID", "is_deleted": "Deleted",
}  # fmt: skip
PROPERTIES = ("name", "website", "company", "email", "associatedcompanyid")
EXPORT = {
    "id": "Record ID", "name": "Company name", "website": "Website URL", "company": "Company Name", "email": "Email",
    "associatedcompanyid": "Primary Associated Company ID", "is_deleted": "archived",
}  # fmt: skip


def text(flag: bool) -> str:
    return "true" if flag else "false"


def report() -> dict[str, list[Row]]:
    """A report names each object's id after the object."""
    tables = salesforce(REPORT, lambda flag: "1" if flag else "0")
    for table, name in (("account", "Account ID"), ("lead", "Lead ID")):
        tables[table] = spelled(tables[table], {"id": name})
    return tables


SPELLINGS: dict[str, tuple[str, dict[str, list[Row]]]] = {
    "sf_fivetran": ("salesforce", salesforce({}, bool)),
    "sf_airbyte": ("salesforce", salesforce(API, text)),
    "sf_report": ("salesforce", report()),
    "hs_fivetran": ("hubspot", hubspot({name: f"property_{name}" for name in PROPERTIES}, bool)),
    "hs_airbyte": (
        "hubspot",
        hubspot({name: f"properties_{name}" for name in PROPERTIES} | {"is_deleted": "archived"}, text),
    ),
    "hs_export": ("hubspot", hubspot(EXPORT, text)),
}
SALESFORCE = [name for name, (kind, _) in SPELLINGS.items() if kind == "salesforce"]


def built(project: Project, names: Iterable[str] = SPELLINGS) -> Project:
    for name in names:
        for table, rows in SPELLINGS[name][1].items():
            project.write_table(f"{name}.{table}", rows)
    project.make(*MODELS)
    return project


@pytest.fixture(scope="module", params=["evidence", "records"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Project]:
    """A project of all spellings side by side, and what becomes of its leads."""
    crms = [{"name": name, "kind": kind, "schema": name} for name, (kind, _) in SPELLINGS.items()]
    variables = {
        "account_mapping__crms": crms,
        "account_mapping__as_of": "2026-11-15",
        "account_mapping__leads": request.param,
    }
    return request.param, built(Project(tmp_path_factory.mktemp(request.param), variables))


def accounts(project: Project, spelling: str) -> dict[str, tuple]:
    """Name, status, leads and exclusion of each account of one spelling, by its bare id."""
    rows = project.query(f"select * from int_account_mapping__accounts where source_relation = '{spelling}'")
    return {
        row["source_account_id"][:15]: (row["name"], row["status"], row["leads"], row["exclusion_reason"])
        for row in rows
    }


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_leads_count_at_their_accounts_or_are_records_in_every_spelling(world, spelling: str) -> None:
    mode, project = world
    is_salesforce = spelling in SALESFORCE
    own = account_of if is_salesforce else str
    # a domain names every account that carries it, in whatever CRM
    shared = len(SPELLINGS) if mode == "evidence" else None
    expected = {own(n): (name, "prospect", shared, None) for n, (name, _) in ACCOUNTS.items()}
    if mode == "records":
        for number, (company, *_) in LEADS.items():
            if number not in CONVERTED | {"7"}:
                name = lead_of(number) if is_salesforce else f"contact:{number}"
                shown = company or f"{spelling}:{name}" + ("" if not is_salesforce else suffix(project, spelling, name))
                expected[name] = (shown, "prospect", None, None if company else "free_mail_lead")
    assert accounts(project, spelling) == expected


def suffix(project: Project, spelling: str, short: str) -> str:
    """The three letters that Salesforce puts behind an id of fifteen."""
    rows = project.query(
        "select source_lead_id from int_account_mapping__lead_rows"
        f" where source_relation = '{spelling}' and source_lead_id like '{short}%'"
    )
    assert len(rows) == 1 and len(rows[0]["source_lead_id"]) == 18
    return rows[0]["source_lead_id"][15:]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_lead_is_used_or_told_of(world, spelling: str) -> None:
    mode, project = world
    table = "lead" if spelling in SALESFORCE else "contact"
    (census,) = project.query(f"select * from int_account_mapping__input_counts where input = '{spelling}.{table}'")
    left = 1 if mode == "records" else 0
    expected = {"used": 6 - left, "merged": 1, "older": 0, "deleted": 1, "excluded": left, "rejected": 1}
    if table == "contact":
        # one has a company, none is converted
        expected |= {"used": 7 - left, "merged": 0, "rejected": 0}
    assert {name: census[f"rows_{name}"] for name in expected} == expected
    issues = project.query(
        "select problem, n_rows from int_account_mapping__accounts_issues"
        f" where source like '{spelling}%' and problem like '%lead%' or source = '{spelling}.contact'"
    )
    converted = [{"problem": "converted_lead_without_account", "n_rows": 1}] if spelling in SALESFORCE else []
    assert issues == converted


def test_leads_of_mail_providers_are_counted_and_never_told(world) -> None:
    mode, project = world
    found: dict[str, int] = {}
    for model in ("identity", "members"):
        for row in project.query(f"select * from int_account_mapping__{model}_issues where problem like '%lead%'"):
            assert row["detail"] is None
            found[row["problem"]] = found.get(row["problem"], 0) + row.get("n_rows", 1)
    assert found == {problem: rows * len(SPELLINGS) for problem, rows in PROBLEMS[mode].items()}


def test_no_address_of_a_lead_is_in_a_table(world) -> None:
    _, project = world
    with duckdb.connect(str(project.database), read_only=True) as connection:
        tables = connection.sql("select schema_name, table_name from duckdb_tables()").fetchall()
        rows = "\n".join(
            str(connection.sql(f'from "{schema}"."{table}"').fetchall())
            for schema, table in tables
            if schema not in SPELLINGS
        ).lower()
    assert "kudu-zq.com" in rows
    for _, _, email, *_ in LEADS.values():
        assert not email or email.lower() not in rows


def test_off_changes_nothing(make_project: Callable[..., Project]) -> None:
    """A table of leads that nobody asked for is as if it were not there, and contacts stay contacts."""
    crms = [{"name": name, "kind": SPELLINGS[name][0], "schema": name} for name in ("sf_fivetran", "hs_fivetran")]
    variables = {"account_mapping__crms": crms, "account_mapping__as_of": "2026-11-15"}
    project = built(make_project(variables=variables), [crm["name"] for crm in crms])
    names = [model.rpartition("+")[2] for model in MODELS]

    def content() -> dict[str, list[Row]]:
        return {name: project.query(f"from {name} order by all") for name in names}

    before = content()
    assert not any("lead" in row["input"] for row in before["int_account_mapping__input_counts"])
    assert {row["leads"] for row in before["int_account_mapping__accounts"]} == {None}
    told = {row["problem"]: row["n_rows"] for row in before["int_account_mapping__accounts_issues"]}
    assert told["contact_without_account"] == 6
    project.execute("drop table sf_fivetran.lead")
    project.make(*MODELS)
    assert content() == before
