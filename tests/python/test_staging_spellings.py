"""The same companies in every spelling of every CRM give the same rows, and bad input one clear error.

A dozen companies are written the way each loader writes them; what the unions of the CRMs must hold is computed here
from the companies themselves, sharing nothing with the package.
"""

from __future__ import annotations

import json
import random
import string
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from harness import Project, Result

Row = dict[str, Any]
Tables = dict[str, list[Row]]

MODELS = ["crm_accounts", "account_ids", "opportunities", "contact_hosts"]
SELECTION = ["--select", *(f"+int_account_mapping__{model}" for model in MODELS)]

CRMS = ["salesforce", "hubspot", "pipedrive", "dynamics_365", "generic"]

# Columns that tell versions and merges apart, which the loaders write each in its own way.
OF_VERSIONS = (
    "source_table", "extracted_at", "is_current_version", "merged_into_source_account_id", "merged_source_account_ids",
    "row_problem", "notes", "has_unknown_owner", "is_person_account",
)  # fmt: skip


# ---------------------------------------------------------------- the companies


@dataclass(frozen=True)
class Owner:
    name: str
    email: str


@dataclass(frozen=True)
class Company:
    """One account; parent and merged_into are indexes into COMPANIES, owner into OWNERS."""

    name: str
    domain: str | None = None
    extra_domains: tuple[str, ...] = ()
    country: str | None = None
    state: str | None = None
    city: str | None = None
    postal_code: str | None = None
    kind: str | None = None
    stage: str | None = None
    industry: str | None = None
    revenue: Decimal | None = None
    employees: int | None = None
    owner: int | None = None
    parent: int | None = None
    merged_into: int | None = None
    is_deleted: bool = False
    updated_at: datetime = datetime(2026, 1, 2)


@dataclass(frozen=True)
class Deal:
    companies: tuple[int, ...]
    status: str
    amount: Decimal | None
    currency: str | None
    close_date: date
    is_deleted: bool = False
    created_date: date = date(2022, 11, 5)
    name: str | None = None
    stage: str = "Qualify"
    owner: int | None = None


@dataclass(frozen=True)
class Contact:
    company: int | None
    emails: tuple[str, ...]
    is_deleted: bool = False


OWNERS = [Owner("Ann Lee", "ann@ours.example"), Owner("Bo Öz", "bo@ours.example")]

COMPANIES = [
    Company(
        "Siemens AG",
        domain="siemens.com",
        extra_domains=("siemens.de", "siemens.at"),
        country="Germany",
        state="Bavaria",
        city="München",
        postal_code="80333",
        kind="Customer - Direct",
        stage="customer",
        industry="Manufacturing",
        revenue=Decimal("77769000000.50"),
        employees=311000,
        owner=0,
    ),
    Company(
        "Siemens Energy",
        domain="siemens-energy.com",
        country="Germany",
        city="München",
        postal_code="81739",
        kind="Prospect",
        stage="lead",
        industry="Energy",
        revenue=Decimal("31119000000.00"),
        employees=94000,
        owner=1,
        parent=0,
    ),
    Company(
        "Volkswagen",
        domain="volkswagen.de",
        extra_domains=("vw.com",),
        country="Germany",
        state="Niedersachsen",
        city="Wolfsburg",
        postal_code="38440",
        kind="Prospect",
        stage="opportunity",
        industry="Automotive",
        owner=0,
    ),
    Company("VW (old)", domain="vw.example", kind="Other", stage="lead", owner=0, merged_into=2, is_deleted=True),
    Company("VW (older)", merged_into=2, is_deleted=True),
    Company(
        "ACME, Inc.",
        domain="acme.example",
        country="United States",
        state="CA",
        city="San José",
        postal_code="94016",
        kind="Customer - Channel",
        stage="customer",
        industry="Retail",
        revenue=Decimal("0.00"),
        employees=0,
        owner=1,
    ),
    Company(
        "Acme Nordic",
        domain="acme.example",
        country="Sweden",
        city="Malmö",
        postal_code="21120",
        employees=12,
        parent=5,
    ),
    Company(
        "株式会社日立製作所",
        domain="hitachi.co.jp",
        country="Japan",
        city="東京",
        postal_code="100-8280",
        kind="Technology Partner",
        stage="other",
        owner=1,
    ),
    Company(
        'Quotes "and", commas; Ltd',
        domain="quotes.example",
        country="United Kingdom",
        city="London",
        postal_code="EC1A 1BB",
        kind="Prospect",
        stage="lead",
        owner=0,
    ),
    Company(
        "Gone GmbH",
        domain="gone.example",
        country="Germany",
        city="Köln",
        postal_code="50667",
        kind="Other",
        stage="lead",
        is_deleted=True,
    ),
    Company("No domain plc", country="Ireland", city="Dublin", postal_code="D02", kind="Prospect", owner=0, parent=11),
    Company(
        "Holding SE",
        domain="holding.example",
        country="France",
        city="Paris",
        postal_code="75001",
        kind="Other",
        industry="Finance",
        revenue=Decimal("1234567.89"),
        employees=3,
        owner=1,
        updated_at=datetime(2025, 12, 31),
    ),
]
# how likely a deal of each stage is won
STAGES = {
    "Qualify": Decimal("0.1000"),
    "Propose": Decimal("0.6050"),
    "Closed Won": Decimal("1.0000"),
    "Closed Lost": Decimal("0.0000"),
}
DEALS = [
    Deal(
        (0,), "won", Decimal("12500.00"), "EUR", date(2025, 3, 1), name="Turbines, 2nd lot", owner=1, stage="Closed Won"
    ),
    Deal((1, 2), "open", Decimal("1200.50"), "USD", date(2026, 9, 30), name="Netz für Süd", owner=0),
    Deal((5,), "lost", Decimal("99.99"), "USD", date(2024, 2, 29), name="Anvils", owner=1, stage="Closed Lost"),
    Deal((3,), "open", Decimal("7.00"), None, date(2026, 5, 5), name='"Old" deal', stage="Propose"),
    Deal((7,), "open", None, "JPY", date(2026, 5, 6)),
    Deal((11,), "won", Decimal("1000000.00"), "EUR", date(2023, 1, 1), is_deleted=True, stage="Closed Won"),
    Deal((), "open", Decimal("5.00"), "EUR", date(2026, 6, 1), name="Nobody's", stage="Propose"),
]
CONTACTS = [
    Contact(0, ("a@siemens.com",)),
    Contact(0, ("B@Siemens.de",)),
    Contact(1, ("c@gmail.com",)),
    Contact(5, ("d@acme.example",), is_deleted=True),
    Contact(None, ("e@nowhere.example",)),
    Contact(7, ()),
]


def salesforce_id(prefix: str, number: int) -> tuple[str, str]:
    """A made-up Salesforce id as (15 characters, 18 characters), always the same for the same arguments."""
    letters = random.Random(f"{prefix}{number}").choices(string.ascii_letters + string.digits, k=12)
    short = prefix + "".join(letters)
    return short, short + suffix(short)


def suffix(short: str) -> str:
    """The 3 characters that make a 15-character Salesforce id safe where case is folded.

    Method: Salesforce help, "Understanding 18-digit case-safe ids": a 5-bit number per five characters, lowest bit
    first, set where a character is upper case, written in A-Z and 0-5.
    """
    alphabet = string.ascii_uppercase + "012345"
    chunks = [short[start : start + 5] for start in (0, 5, 10)]
    return "".join(
        alphabet[sum(1 << bit for bit, c in enumerate(chunk) if c in string.ascii_uppercase)] for chunk in chunks
    )


# ---------------------------------------------------------------- what must come out


@dataclass(frozen=True)
class Ids:
    """How one CRM names the rows: functions from an index (none: null) to the id as text."""

    account: Callable[[int | None], str | None]
    deal: Callable[[int], str]
    contact: Callable[[int], str]


def numbered(base: int) -> Callable[[int | None], str | None]:
    return lambda index: None if index is None else str(base + index)


def long_id(prefix: str) -> Callable[[int | None], str | None]:
    return lambda index: None if index is None else salesforce_id(prefix, index)[1]


def short_id(prefix: str) -> Callable[[int | None], str | None]:
    return lambda index: None if index is None else salesforce_id(prefix, index)[0]


def guid(prefix: str) -> Callable[[int | None], str | None]:
    return lambda index: None if index is None else f"{prefix}-0000-4000-8000-{index:012d}"


IDS = {
    "salesforce": Ids(long_id("001"), long_id("006"), long_id("003")),
    "hubspot": Ids(numbered(9_000_000_000), numbered(700), numbered(800)),
    "pipedrive": Ids(numbered(1), numbered(100), numbered(200)),
    "dynamics_365": Ids(guid("aaaaaaaa"), guid("bbbbbbbb"), guid("cccccccc")),
    "generic": Ids(lambda i: None if i is None else f"G-{i}", str, str),
}


@dataclass(frozen=True)
class Spelling:
    """One way of writing the companies.

    tables: the raw tables of the source by name. drops_deleted: deleted and merged rows are not in it (exports), nor
    are merges. stages: what a stage is called in it, where that is not its own name; null where it does not say.
    """

    crm: str
    tables: Callable[[], Tables]
    drops_deleted: bool = False
    stages: Mapping[str, str | None] = field(default_factory=dict)


COMMON = "owner address updated_at"
CAN_SAY = {
    "salesforce": f"{COMMON} parent website account_type industry size merges deals contacts",
    "hubspot": f"{COMMON} parent website account_type lifecycle_stage industry size merges deals contacts",
    "pipedrive": f"{COMMON} deals contacts",
    "dynamics_365": f"{COMMON} parent website email_domain account_type industry size merges deals contacts",
    "generic": f"{COMMON} parent website status industry size",
}


def expected_accounts(spelling: Spelling) -> list[Row]:
    """The rows of crm_accounts that a spelling must give, without the columns that hold raw text."""
    says = CAN_SAY[spelling.crm].split()
    ids = IDS[spelling.crm]
    rows = []
    for index, company in enumerate(COMPANIES):
        if company.is_deleted and spelling.drops_deleted:
            continue
        owner = OWNERS[company.owner] if company.owner is not None and "owner" in says else None
        website = company.domain and f"https://www.{company.domain}/"
        row: Row = dict.fromkeys(ACCOUNT_COLUMNS)
        row |= {
            "source_relation": spelling.crm,
            "source_account_id": ids.account(index),
            "parent_source_account_id": ids.account(company.parent) if "parent" in says else None,
            "owner_name": owner and owner.name,
            "owner_email": owner and owner.email,
            "account_name": company.name,
            "website": website if "website" in says else None,
            "country": company.country,
            "state": company.state,
            "city": company.city,
            "postal_code": company.postal_code,
            "account_type": company.kind if "account_type" in says else None,
            "status": company.kind if "status" in says else None,
            "lifecycle_stage": company.stage if "lifecycle_stage" in says else None,
            "industry": company.industry if "industry" in says else None,
            "annual_revenue": company.revenue if "size" in says else None,
            "employee_count": company.employees if "size" in says else None,
            "updated_at": company.updated_at,
            "is_deleted": company.is_deleted,
        }
        if spelling.crm == "hubspot":
            row["website"] = company.domain
            row["additional_domains"] = ";".join([website, *company.extra_domains]) if website else None
        if spelling.crm == "generic":
            row["open_amount"] = Decimal("1200.50") if index == 0 else None
            row["currency"] = "USD" if index == 0 else None
            row["is_deleted"] = False
        if "email_domain" in says:
            row["email_domain"] = company.domain
        rows.append(row)
    return rows


ACCOUNT_COLUMNS = [
    "source_relation",
    "source_account_id",
    "parent_source_account_id",
    "owner_name",
    "owner_email",
    "account_name",
    "website",
    "additional_domains",
    "email_domain",
    "country",
    "state",
    "city",
    "postal_code",
    "account_type",
    "lifecycle_stage",
    "status",
    "segment",
    "industry",
    "annual_revenue",
    "employee_count",
    "lei",
    "duns",
    "vat_id",
    "linkedin_url",
    "customer_since",
    "open_amount",
    "currency",
    "pass_through",
    "updated_at",
    "is_deleted",
]


def survivor(spelling: Spelling, index: int | None) -> int | None:
    """As which company one counts; none for a company that is deleted, absent or not known."""
    if index is None or spelling.crm == "generic":
        return index
    company = COMPANIES[index]
    if company.merged_into is not None and "merges" in CAN_SAY[spelling.crm] and not spelling.drops_deleted:
        return company.merged_into
    return None if company.is_deleted else index


def account_id(spelling: Spelling, index: int | None) -> str | None:
    survives = survivor(spelling, index)
    return None if survives is None else f"{spelling.crm}:{IDS[spelling.crm].account(survives)}"


def expected_ids(spelling: Spelling) -> list[Row]:
    return [
        {
            "source_relation": spelling.crm,
            "source_account_id": IDS[spelling.crm].account(index),
            "account_id": account_id(spelling, index),
            "is_merged": survivor(spelling, index) != index,
            "is_merge_cycle": False,
        }
        for index in range(len(COMPANIES))
        if survivor(spelling, index) is not None
    ]


def expected_opportunities(spelling: Spelling) -> list[Row]:
    ids = IDS[spelling.crm]
    if "deals" not in CAN_SAY[spelling.crm]:
        return []
    rows = []
    for index, deal in enumerate(DEALS):
        company = deal.companies[0] if deal.companies else None
        currency = None if spelling.crm == "dynamics_365" else deal.currency
        is_rated = currency in (None, "USD")
        owner = None if deal.owner is None else OWNERS[deal.owner]
        row: Row = {
            "source_relation": spelling.crm,
            "source_opportunity_id": ids.deal(index),
            "owner_name": owner and owner.name,
            "owner_email": owner and owner.email,
            "source_account_id": ids.account(company),
            "account_id": account_id(spelling, company),
            "deal_name": deal.name,
            "stage": spelling.stages.get(deal.stage, deal.stage),
            "probability": STAGES[deal.stage],
            "stage_rank": None,
            "amount": deal.amount,
            "converted_amount": deal.amount if is_rated else None,
            "currency": currency,
            "is_open": deal.status == "open",
            "is_won": deal.status == "won",
            "close_date": deal.close_date,
            "created_date": deal.created_date,
            "lacks_rate": deal.amount is not None and not is_rated,
        }
        if not deal.is_deleted:
            rows.append(row)
    return rows


def expected_contacts(spelling: Spelling) -> list[Row]:
    if "contacts" not in CAN_SAY[spelling.crm]:
        return []
    return [
        {
            "account_id": account_id(spelling, contact.company),
            "source_contact_id": IDS[spelling.crm].contact(index),
            "email_host": email.partition("@")[2].lower(),
        }
        for index, contact in enumerate(CONTACTS)
        for email in contact.emails
        if not contact.is_deleted and account_id(spelling, contact.company)
    ]


EXPECTED = {
    "crm_accounts": expected_accounts,
    "account_ids": expected_ids,
    "opportunities": expected_opportunities,
    "contact_hosts": expected_contacts,
}


# ---------------------------------------------------------------- how loaders write


def as_text(tables: Tables, grouped: Iterable[str] = ()) -> Tables:
    """Tables with every value as text, as from a CSV file without types; null becomes the empty text.

    grouped: columns whose numbers get a dollar sign and commas.
    """
    amounts = set(grouped)

    def text(name: str, value: Any) -> str:
        if value is None:
            return ""
        if isinstance(value, bool):
            return "TRUE" if value else "FALSE"
        if isinstance(value, datetime):
            return value.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
        if isinstance(value, (dict, list)):
            return json.dumps(value)
        if name in amounts:
            return f"${value:,}"
        return f" {value} " if isinstance(value, str) else str(value)

    return {
        table: [{name: text(name, value) for name, value in row.items()} for row in rows]
        for table, rows in tables.items()
    }


def renamed(rows: list[Row], names: Mapping[str, str]) -> list[Row]:
    """Rows with only the columns in `names`, under their new names."""
    return [{new: row.get(old) for old, new in names.items()} for row in rows]


def website(company: Company) -> str | None:
    return company.domain and f"https://www.{company.domain}/"


def salesforce_fivetran(ids: Ids = IDS["salesforce"]) -> Tables:
    owner = long_id("005")
    return {
        "account": [
            {
                "id": ids.account(index),
                "name": company.name,
                "type": company.kind,
                "parent_id": ids.account(company.parent),
                "master_record_id": ids.account(company.merged_into),
                "owner_id": owner(company.owner),
                "industry": company.industry,
                "website": website(company),
                "annual_revenue": company.revenue,
                "number_of_employees": company.employees,
                "billing_city": company.city,
                "billing_state": company.state,
                "billing_postal_code": company.postal_code,
                "billing_country": company.country,
                "last_modified_date": company.updated_at,
                "is_deleted": company.is_deleted,
            }
            for index, company in enumerate(COMPANIES)
        ],
        "opportunity": [
            {
                "id": ids.deal(index),
                "account_id": ids.account(item.companies[0]) if item.companies else None,
                "owner_id": owner(item.owner),
                "name": item.name,
                "stage_name": item.stage,
                "probability": STAGES[item.stage] * 100,
                "amount": item.amount,
                "currency_iso_code": item.currency,
                "is_closed": item.status != "open",
                "is_won": item.status == "won",
                "close_date": item.close_date,
                "created_date": datetime.combine(item.created_date, datetime.min.time()),
                "is_deleted": item.is_deleted,
            }
            for index, item in enumerate(DEALS)
        ],
        "contact": [
            {
                "id": ids.contact(index),
                "account_id": ids.account(item.company),
                "email": item.emails[0] if item.emails else None,
                "is_deleted": item.is_deleted,
            }
            for index, item in enumerate(CONTACTS)
        ],
        "user": [{"id": owner(index), "name": item.name, "email": item.email} for index, item in enumerate(OWNERS)],
    }


def salesforce_history() -> Tables:
    """Fivetran's history mode: each row also in a former version that differs."""
    tables = salesforce_fivetran()
    former = {
        "account": {"name": "Before", "website": None},
        "opportunity": {"amount": Decimal("1.00"), "name": "Before", "stage_name": "Before", "probability": 33},
    }
    former |= {"contact": {"email": "before@x.example"}, "user": {"name": "Before"}}
    return {
        name: [
            version
            for row in rows
            for version in ({**row, **former[name], "_fivetran_active": False}, {**row, "_fivetran_active": True})
        ]
        for name, rows in tables.items()
    }


def api_name(name: str) -> str:
    special = {"currency_iso_code": "CurrencyIsoCode"}
    return special.get(name, "".join(part.capitalize() for part in name.split("_")))


def salesforce_api(case: Callable[[str], str] = str) -> Tables:
    tables = as_text(salesforce_fivetran())
    return {
        name: [{case(api_name(key)): value for key, value in row.items()} for row in rows]
        for name, rows in tables.items()
    }


def salesforce_airbyte() -> Tables:
    tables = salesforce_api()
    for rows in tables.values():
        for number, row in enumerate(rows):
            row["_airbyte_raw_id"] = str(number)
    return {{"account": "Account", "user": "User"}.get(name, name): rows for name, rows in tables.items()}


def salesforce_report() -> Tables:
    """Exports of reports: labels, 15-character ids, local dates, amounts with signs, no deleted rows."""
    tables = salesforce_fivetran(Ids(short_id("001"), short_id("006"), short_id("003")))
    kept = {name: [row for row in rows if not row.get("is_deleted")] for name, rows in tables.items()}
    for row in kept["account"]:
        row["last_modified_date"] = f"{row['last_modified_date']:%m/%d/%Y}"
        row["owner_id"] = row["owner_id"] and row["owner_id"][:15]
    for row in kept["opportunity"]:
        row["owner_id"] = row["owner_id"] and row["owner_id"][:15]
        row["close_date"] = f"{row['close_date']:%m/%d/%Y}"
        row["created_date"] = f"{row['created_date']:%m/%d/%Y}"
    labels = {
        "account": {
            "id": "Account ID",
            "name": "Account Name",
            "type": "Account Type",
            "parent_id": "Parent Account ID",
            "owner_id": "Owner ID",
            "industry": "Industry",
            "website": "Website",
            "annual_revenue": "Annual Revenue",
            "number_of_employees": "Employees",
            "billing_city": "Billing City",
            "billing_state": "Billing State/Province",
            "billing_postal_code": "Billing Zip/Postal Code",
            "billing_country": "Billing Country",
            "last_modified_date": "Last Modified Date",
        },
        "opportunity": {
            "id": "Opportunity ID",
            "account_id": "Account ID",
            "owner_id": "Owner ID",
            "name": "Opportunity Name",
            "stage_name": "Stage",
            "probability": "Probability (%)",
            "amount": "Amount",
            "currency_iso_code": "Amount Currency",
            "close_date": "Close Date",
            "created_date": "Created Date",
        },
        "contact": {"id": "Contact ID", "account_id": "Account ID", "email": "Email"},
        "user": {"id": "User ID", "name": "Full Name", "email": "Email"},
    }
    exported = {name: renamed(rows, labels[name]) for name, rows in kept.items()}
    for row in exported["opportunity"]:
        row["Closed"] = {"Closed Won": 1, "Closed Lost": 1}.get(row["Stage"], 0)
        row["Won"] = 1 if row["Stage"] == "Closed Won" else 0
    return as_text(exported, grouped=["Annual Revenue", "Amount"])


def salesforce_report_with_owner_names() -> Tables:
    """A report of accounts that names the owner and leaves out closed and won, which the stage tells."""
    tables = salesforce_report()
    names = {salesforce_id("005", index)[0]: owner.name for index, owner in enumerate(OWNERS)}
    for row in tables["account"]:
        row["Account Owner"] = names.get(row.pop("Owner ID").strip(), "")
    for row in tables["opportunity"]:
        row["Opportunity Owner"] = names.get(row.pop("Owner ID").strip(), "")
        row.pop("Closed"), row.pop("Won")
        if "Closed" not in row["Stage"]:
            row["Stage"] = ""
    return tables


def hubspot_company_values(index: int, company: Company) -> Row:
    """The properties of a company by internal name, ids as numbers."""
    account = IDS["hubspot"].account
    merged = [account(other) for other, item in enumerate(COMPANIES) if item.merged_into == index]
    return {
        "name": company.name,
        "domain": company.domain,
        "website": website(company),
        "lifecyclestage": company.stage,
        "type": company.kind,
        "industry": company.industry,
        "annualrevenue": company.revenue,
        "numberofemployees": company.employees,
        "city": company.city,
        "state": company.state,
        "country": company.country,
        "zip": company.postal_code,
        "hubspot_owner_id": None if company.owner is None else 50 + company.owner,
        "hs_parent_company_id": None if company.parent is None else int(account(company.parent)),
        "hs_additional_domains": ";".join(company.extra_domains) or None,
        "hs_merged_object_ids": ";".join(merged) or None,
        "hs_lastmodifieddate": company.updated_at,
    }


def prefixed(prefix: str, values: Row) -> Row:
    return {prefix + name: value for name, value in values.items()}


HUBSPOT_STAGES = {"Qualify": "1001", "Propose": "1002", "Closed Won": "closedwon", "Closed Lost": "closedlost"}


def hubspot_fivetran(with_type: bool = True) -> Tables:
    account, deal, contact = (
        lambda i, f=f: None if i is None else int(f(i))
        for f in (IDS["hubspot"].account, IDS["hubspot"].deal, IDS["hubspot"].contact)
    )
    bridge = [
        {
            "deal_id": deal(index),
            "company_id": account(company),
            **({"type_id": 5 if rank == 0 else 341} if with_type else {}),
        }
        for index, item in enumerate(DEALS)
        for rank, company in enumerate(item.companies)
    ]
    return {
        "company": [
            {
                "id": account(index),
                "is_deleted": company.is_deleted,
                **prefixed("property_", hubspot_company_values(index, company)),
            }
            for index, company in enumerate(COMPANIES)
        ],
        "deal": [
            {
                "deal_id": deal(index),
                "deal_pipeline_id": "default",
                "deal_pipeline_stage_id": HUBSPOT_STAGES[item.stage],
                "property_dealname": item.name,
                "property_hubspot_owner_id": None if item.owner is None else 50 + item.owner,
                "property_amount": item.amount,
                "property_deal_currency_code": item.currency,
                "property_closedate": datetime.combine(item.close_date, datetime.min.time()),
                "property_createdate": datetime.combine(item.created_date, datetime.min.time()),
                "is_deleted": item.is_deleted,
            }
            for index, item in enumerate(DEALS)
        ],
        "deal_company": bridge[::-1],
        "deal_pipeline_stage": [
            {
                "stage_id": HUBSPOT_STAGES[stage],
                "pipeline_id": "default",
                "label": stage,
                "probability": probability,
                "closed_won": stage == "Closed Won",
                "is_closed": stage.startswith("Closed"),
            }
            for stage, probability in STAGES.items()
        ],
        "contact": [
            {
                "id": contact(index),
                "property_email": item.emails[0] if item.emails else None,
                "property_associatedcompanyid": account(item.company),
                "_fivetran_deleted": item.is_deleted,
            }
            for index, item in enumerate(CONTACTS)
        ],
        "owner": [
            {
                "owner_id": 50 + index,
                "email": item.email,
                "first_name": item.name.split()[0],
                "last_name": item.name.split()[1],
            }
            for index, item in enumerate(OWNERS)
        ],
    }


def hubspot_airbyte(as_json: bool = False) -> Tables:
    """Airbyte: properties_ columns, ids and numbers as text or floats, associations as a list or its JSON text."""
    account, deal, contact = IDS["hubspot"].account, IDS["hubspot"].deal, IDS["hubspot"].contact
    companies = []
    for index, company in enumerate(COMPANIES):
        values = hubspot_company_values(index, company)
        parent = values["hs_parent_company_id"]
        values["hs_parent_company_id"] = None if parent is None else float(parent)
        values["hubspot_owner_id"] = None if company.owner is None else str(50 + company.owner)
        updated = f"{values.pop('hs_lastmodifieddate'):%Y-%m-%dT%H:%M:%S.000Z}"
        companies.append(
            {
                "id": account(index),
                "archived": company.is_deleted,
                "updatedAt": updated,
                **prefixed("properties_", values),
            }
        )
    deals = [
        {
            "id": deal(index),
            "archived": item.is_deleted,
            "companies": [account(company) for company in item.companies] or None,
            "properties_dealname": item.name,
            "properties_hubspot_owner_id": None if item.owner is None else str(50 + item.owner),
            "properties_pipeline": "default",
            "properties_dealstage": HUBSPOT_STAGES[item.stage],
            "properties_hs_deal_stage_probability": float(STAGES[item.stage]),
            "properties_amount": None if item.amount is None else str(item.amount),
            "properties_deal_currency_code": item.currency,
            "properties_closedate": f"{item.close_date}T00:00:00.000Z",
            "createdAt": f"{item.created_date}T00:00:00.000Z",
            "properties_hs_is_closed": item.status != "open",
            "properties_hs_is_closed_won": item.status == "won",
        }
        for index, item in enumerate(DEALS)
    ]
    stages: Any = [
        {"stageId": HUBSPOT_STAGES[stage], "label": stage, "metadata": {"isClosed": str("Closed" in stage).lower()}}
        for stage in STAGES
    ]
    if as_json:
        stages = json.dumps(stages)
        for row in deals:
            row["companies"] = json.dumps(row["companies"] or [])
    return {
        "companies": companies,
        "deals": deals,
        "deal_pipelines": [{"pipelineId": "default", "label": "Sales", "stages": stages}],
        "contacts": [
            {
                "id": contact(index),
                "archived": item.is_deleted,
                "properties_email": item.emails[0] if item.emails else "",
                "properties_associatedcompanyid": account(item.company),
            }
            for index, item in enumerate(CONTACTS)
        ],
        "owners": [
            {
                "id": str(50 + index),
                "email": item.email,
                "firstName": item.name.split()[0],
                "lastName": item.name.split()[1],
                "userId": index,
            }
            for index, item in enumerate(OWNERS)
        ],
    }


HUBSPOT_LABELS = {stage: f"{stage} (Sales Pipeline)" for stage in STAGES} | {"Closed Lost": "Closed lost"}


def hubspot_export() -> Tables:
    """HubSpot's own export: labels, owners and parents by name, lists of ids, no deleted rows."""
    labels = {
        "id": "Record ID",
        "name": "Company name",
        "domain": "Company Domain Name",
        "website": "Website URL",
        "owner": "Company owner",
        "city": "City",
        "country": "Country/Region",
        "state": "State/Region",
        "zip": "Postal Code",
        "industry": "Industry",
        "lifecyclestage": "Lifecycle Stage",
        "type": "Type",
        "parent": "Parent Company",
        "numberofemployees": "Number of Employees",
        "annualrevenue": "Annual Revenue",
        "hs_additional_domains": "Additional Domains",
        "updated": "Last Modified Date",
    }
    companies = []
    for index, company in enumerate(COMPANIES):
        if not company.is_deleted:
            row = {"id": IDS["hubspot"].account(index), **hubspot_company_values(index, company)}
            row["owner"] = None if company.owner is None else OWNERS[company.owner].name
            row["parent"] = None if company.parent is None else COMPANIES[company.parent].name
            row["updated"] = f"{company.updated_at:%Y-%m-%d %H:%M}"
            companies.append(row)
    deals = [
        {
            "Record ID": IDS["hubspot"].deal(index),
            "Deal Name": item.name,
            "Deal owner": None if item.owner is None else OWNERS[item.owner].name,
            "Deal Stage": HUBSPOT_LABELS[item.stage],
            "Deal probability": STAGES[item.stage],
            "Amount": item.amount,
            "Currency": item.currency,
            "Close Date": f"{item.close_date} 00:00",
            "Create Date": f"{item.created_date} 00:00",
            "Associated Company IDs": (";" if index % 2 else ", ").join(
                IDS["hubspot"].account(company) for company in item.companies
            ),
        }
        for index, item in enumerate(DEALS)
        if not item.is_deleted
    ]
    contacts = [
        {
            "Record ID": IDS["hubspot"].contact(index),
            "Email": item.emails[0] if item.emails else None,
            "Associated Company IDs": IDS["hubspot"].account(item.company),
        }
        for index, item in enumerate(CONTACTS)
        if not item.is_deleted
    ]
    tables = {"company": renamed(companies, labels), "deal": deals, "contact": contacts}
    tables["owner"] = [
        {"id": 50 + index, "email": item.email, "firstName": item.name.split()[0], "lastName": item.name.split()[1]}
        for index, item in enumerate(OWNERS)
    ]
    return as_text(tables, grouped=["Annual Revenue", "Amount"])


def pipedrive(shape: str) -> Tables:
    """Airbyte's tables; owners, organizations and e-mails as `object`, `json` text of it, or a plain `number`."""
    account, deal, contact = (
        lambda i, f=f: None if i is None else int(f(i))
        for f in (IDS["pipedrive"].account, IDS["pipedrive"].deal, IDS["pipedrive"].contact)
    )

    def reference(value: Row | None, key: str) -> Any:
        if value is None or shape == "object":
            return value
        return json.dumps(value) if shape == "json" else value[key]

    def owner(index: int | None) -> Any:
        if index is None:
            return None
        return reference({"id": 70 + index, "name": OWNERS[index].name, "email": OWNERS[index].email}, "id")

    def organization(index: int | None) -> Any:
        return None if index is None else reference({"value": account(index), "name": COMPANIES[index].name}, "value")

    def emails(item: Contact) -> Any:
        listed = [{"label": "work", "value": email, "primary": rank == 0} for rank, email in enumerate(item.emails)]
        if shape == "number":
            return item.emails[0] if item.emails else None
        return (listed or None) if shape == "object" else json.dumps(listed)

    tables = {
        "organizations": [
            {
                "id": account(index),
                "name": company.name,
                "owner_id": owner(company.owner),
                "active_flag": not company.is_deleted,
                "address_locality": company.city,
                "address_admin_area_level_1": company.state,
                "address_country": company.country,
                "address_postal_code": company.postal_code,
                "update_time": f"{company.updated_at:%Y-%m-%d %H:%M:%S}",
            }
            for index, company in enumerate(COMPANIES)
        ],
        "deals": [
            {
                "id": deal(index),
                "org_id": organization(item.companies[0] if item.companies else None),
                "title": item.name,
                "user_id": owner(item.owner),
                "stage_id": list(STAGES).index(item.stage) + 1,
                "probability": float(STAGES[item.stage] * 100) if shape == "number" else None,
                "value": None if item.amount is None else float(item.amount),
                "currency": item.currency,
                "status": item.status,
                "won_time": f"{item.close_date} 10:00:00" if item.status == "won" else None,
                "lost_time": f"{item.close_date} 10:00:00" if item.status == "lost" else None,
                "expected_close_date": str(item.close_date) if item.status == "open" else "2030-01-01",
                "add_time": f"{item.created_date} 08:00:00",
                "deleted": item.is_deleted,
            }
            for index, item in enumerate(DEALS)
        ],
        "persons": [
            {
                "id": contact(index),
                "org_id": organization(item.company),
                "email": emails(item),
                "active_flag": not item.is_deleted,
            }
            for index, item in enumerate(CONTACTS)
        ],
    }
    # a deal that says no probability of its own has that of its stage
    tables["stages"] = [
        {"id": number, "name": stage, "deal_probability": 50 if shape == "number" else float(probability * 100)}
        for number, (stage, probability) in enumerate(STAGES.items(), start=1)
    ]
    if shape == "number":
        tables["users"] = [
            {"id": 70 + index, "name": item.name, "email": item.email} for index, item in enumerate(OWNERS)
        ]
    return tables


def dynamics_fivetran() -> Tables:
    ids = IDS["dynamics_365"]
    owner = guid("dddddddd")
    kinds = sorted({company.kind for company in COMPANIES if company.kind})
    industries = sorted({company.industry for company in COMPANIES if company.industry})
    states = {"open": 0, "won": 1, "lost": 2}
    options = [("account", "customertypecode", kinds.index(kind) + 7, kind) for kind in kinds]
    options += [("account", "industrycode", industries.index(name) + 3, name) for name in industries]
    options += [("opportunity", "statecode", code, label.capitalize()) for label, code in states.items()]
    options += [("opportunity", "salesstage", code, stage) for code, stage in enumerate(STAGES)]
    options += [("account", "statecode", 0, "Active"), ("lead", "statecode", 1, "Qualified")]
    return {
        "account": [
            {
                "accountid": ids.account(index),
                "name": company.name,
                "websiteurl": website(company),
                "emailaddress1": company.domain and f"info@{company.domain}",
                "parentaccountid": ids.account(company.parent),
                "masterid": ids.account(company.merged_into),
                "customertypecode": company.kind and kinds.index(company.kind) + 7,
                "industrycode": company.industry and industries.index(company.industry) + 3,
                "revenue": company.revenue,
                "numberofemployees": company.employees,
                "address1_city": company.city,
                "address1_stateorprovince": company.state,
                "address1_postalcode": company.postal_code,
                "address1_country": company.country,
                "ownerid": owner(company.owner),
                "statecode": 0,
                "modifiedon": company.updated_at,
                "_fivetran_deleted": company.is_deleted,
            }
            for index, company in enumerate(COMPANIES)
        ],
        "opportunity": [
            {
                "opportunityid": ids.deal(index),
                "parentaccountid": ids.account(item.companies[0] if item.companies else None),
                "name": item.name,
                "ownerid": owner(item.owner),
                "salesstage": list(STAGES).index(item.stage),
                "closeprobability": STAGES[item.stage] * 100,
                "estimatedvalue": item.amount,
                "estimatedclosedate": item.close_date,
                "createdon": datetime.combine(item.created_date, datetime.min.time()),
                "statecode": states[item.status],
                "_fivetran_deleted": item.is_deleted,
            }
            for index, item in enumerate(DEALS)
        ],
        "contact": [
            {
                "contactid": ids.contact(index),
                "parentcustomerid": ids.account(item.company),
                "emailaddress1": item.emails[0] if item.emails else None,
                "_fivetran_deleted": item.is_deleted,
            }
            for index, item in enumerate(CONTACTS)
        ],
        "systemuser": [
            {"systemuserid": owner(index), "fullname": item.name, "internalemailaddress": item.email}
            for index, item in enumerate(OWNERS)
        ],
        "stringmap": [
            {
                "objecttypecode": table,
                "attributename": column,
                "attributevalue": code,
                "value": text,
                "langid": language,
            }
            for table, column, code, label in options
            for language, text in ((1031, "Anders"), (1033, label))
        ],
    }


def generic() -> Tables:
    return {
        "accounts": [
            {
                "account_id": IDS["generic"].account(index),
                "account_name": company.name,
                "website": website(company),
                "country": company.country,
                "state": company.state,
                "city": company.city,
                "postal_code": company.postal_code,
                "status": company.kind,
                "owner_name": None if company.owner is None else OWNERS[company.owner].name,
                "owner_email": None if company.owner is None else OWNERS[company.owner].email,
                "open_amount": Decimal("1200.50") if index == 0 else None,
                "currency": "USD" if index == 0 else None,
                "annual_revenue": company.revenue,
                "employee_count": company.employees,
                "industry": company.industry,
                "parent_account_id": IDS["generic"].account(company.parent),
                "updated_at": company.updated_at,
            }
            for index, company in enumerate(COMPANIES)
        ]
    }


SPELLINGS = {
    "salesforce fivetran": Spelling("salesforce", salesforce_fivetran),
    "salesforce fivetran history": Spelling("salesforce", salesforce_history),
    "salesforce airbyte": Spelling("salesforce", salesforce_airbyte),
    "salesforce data loader": Spelling("salesforce", lambda: salesforce_api(str.upper)),
    "salesforce report": Spelling("salesforce", salesforce_report, drops_deleted=True),
    "salesforce report with owner names": Spelling(
        "salesforce",
        salesforce_report_with_owner_names,
        drops_deleted=True,
        stages={"Qualify": None, "Propose": None},
    ),
    "hubspot fivetran": Spelling("hubspot", hubspot_fivetran),
    "hubspot fivetran without association types": Spelling("hubspot", lambda: hubspot_fivetran(with_type=False)),
    "hubspot fivetran as text": Spelling("hubspot", lambda: as_text(hubspot_fivetran())),
    "hubspot airbyte": Spelling("hubspot", hubspot_airbyte),
    "hubspot airbyte with json text": Spelling("hubspot", lambda: hubspot_airbyte(as_json=True)),
    "hubspot export": Spelling("hubspot", hubspot_export, drops_deleted=True, stages=HUBSPOT_LABELS),
    "pipedrive objects": Spelling("pipedrive", lambda: pipedrive("object")),
    "pipedrive json text": Spelling("pipedrive", lambda: pipedrive("json")),
    "pipedrive numbers": Spelling("pipedrive", lambda: pipedrive("number")),
    "dynamics fivetran": Spelling("dynamics_365", dynamics_fivetran),
    "dynamics fivetran as text": Spelling("dynamics_365", lambda: as_text(dynamics_fivetran())),
    "generic": Spelling("generic", generic),
    "generic as text": Spelling("generic", lambda: as_text(generic(), grouped=["open_amount", "annual_revenue"])),
}


def rounds() -> list[dict[str, str]]:
    """The spellings dealt into builds: one spelling per CRM each, {crm: spelling}."""
    by_crm: dict[str, list[str]] = {crm: [] for crm in CRMS}
    for name, spelling in SPELLINGS.items():
        by_crm[spelling.crm].append(name)
    count = max(map(len, by_crm.values()))
    # a CRM that has run out repeats its last spelling, so that all builds are one project with one set of vars
    return [{crm: names[min(turn, len(names) - 1)] for crm, names in by_crm.items()} for turn in range(count)]


def ordered(rows: Iterable[Row]) -> list[str]:
    return sorted(repr(sorted(row.items())) for row in rows)


# ---------------------------------------------------------------- tests


@pytest.fixture(scope="module")
def five_crms(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that reads all CRMs, its tables still to be written; parsed once."""
    return Project(tmp_path_factory.mktemp("five_crms"), variables={"account_mapping__crms": CRMS})


@pytest.mark.parametrize("spellings", rounds(), ids=lambda spellings: spellings["salesforce"])
def test_every_spelling_gives_the_same_rows(five_crms: Project, spellings: dict[str, str]) -> None:
    for crm, name in spellings.items():
        five_crms.execute(f'drop schema if exists "{crm}" cascade')
        five_crms.write_tables({f"{crm}.{table}": rows for table, rows in SPELLINGS[name].tables().items()})
    result = run(five_crms)
    assert result.success, result.text
    for model in MODELS:
        for crm, name in spellings.items():
            got = five_crms.query(
                f"select columns(lambda name: not starts_with(name, 'raw_') and name not in {OF_VERSIONS}) "
                f"from int_account_mapping__{model} where {'is_current_version and ' * (model == 'crm_accounts')}"
                + (f"starts_with(account_id, '{crm}:')" if model == "contact_hosts" else f"source_relation = '{crm}'")
            )
            assert ordered(got) == ordered(EXPECTED[model](SPELLINGS[name])), f"{name}: {model}"


def test_raw_amounts_are_kept_as_loaded(five_crms: Project) -> None:
    tables = {"salesforce": salesforce_report(), "generic": as_text(generic(), grouped=["open_amount"])}
    for crm in CRMS:
        five_crms.execute(f'drop schema if exists "{crm}" cascade')
        written = tables.get(crm, MINIMAL_TABLES[crm])
        five_crms.write_tables({f"{crm}.{table}": rows for table, rows in written.items()})
    result = run(five_crms)
    assert result.success, result.text
    deals = five_crms.query("select raw_amount from int_account_mapping__opportunities")
    assert "$12,500.00" in {row["raw_amount"] for row in deals}
    accounts = five_crms.query(
        "select distinct raw_open_amount from int_account_mapping__crm_accounts where source_relation = 'generic'"
    )
    assert {row["raw_open_amount"] for row in accounts} == {"$1,200.50", None}


def minimal(**arguments: Any) -> dict[str, Any]:
    """Arguments of a project that reads nothing but generic accounts, changed by `arguments`."""
    return {"variables": {"account_mapping__crms": ["generic"], **arguments}}


def run(project: Project, **arguments: Any) -> Result:
    project.load_seeds()
    return project.run("run", *SELECTION, **arguments)


def one_error(result: Result, model: str) -> str:
    """The one error of a run, which must be that of `model`; nothing else may fail by itself."""
    assert not result.success
    assert set(result.errors) == {model}, result.errors
    return result.errors[model]


MINIMAL_TABLES = {
    "salesforce": {"account": [{"Id": "001A0000006Vm9r", "Name": "Acme"}]},
    "hubspot": {"companies": [{"id": 1, "properties_domain": "acme.example"}]},
    "pipedrive": {"organizations": [{"id": 1, "name": "Acme"}]},
    "dynamics_365": {"account": [{"accountid": "a", "websiteurl": "acme.example"}]},
    "generic": {"account": [{"account_id": "1", "email_domain": "acme.example"}]},
}


def test_optional_columns_and_tables_may_be_missing(five_crms: Project) -> None:
    project = five_crms
    for crm, tables in MINIMAL_TABLES.items():
        project.execute(f'drop schema if exists "{crm}" cascade')
        project.write_tables({f"{crm}.{table}": rows for table, rows in tables.items()})
    result = run(project)
    assert result.success, result.text
    accounts = project.query(
        "select source_relation, source_account_id, is_deleted from int_account_mapping__crm_accounts order by all"
    )
    assert [(row["source_relation"], row["source_account_id"]) for row in accounts] == [
        ("dynamics_365", "a"),
        ("generic", "1"),
        ("hubspot", "1"),
        ("pipedrive", "1"),
        ("salesforce", "001A0000006Vm9rIAC"),
    ]
    assert not any(row["is_deleted"] for row in accounts)
    for model in ("opportunities", "contact_hosts"):
        assert project.query(f"select * from int_account_mapping__{model}") == []


def test_absent_tables_let_parse_and_docs_work_and_stop_a_run_with_one_error(make_project) -> None:
    project = make_project(variables={"account_mapping__crms": ["salesforce"]})
    project.execute("create schema salesforce")
    project.execute("create table salesforce.contact (id text)")
    for command in (["parse"], ["docs", "generate"]):
        result = project.run(*command)
        assert result.success, result.text
    error = one_error(run(project), "stg_account_mapping__salesforce_accounts")
    assert "the table `account` of salesforce was not found" in error
    assert "warehouse.salesforce for: account, accounts" in error
    for remedy in ("salesforce_database", "salesforce_schema", "salesforce_account_identifier"):
        assert remedy in error


@pytest.mark.parametrize(
    "columns, missing",
    [
        ("'1' as number, 'Acme' as name", ["source_account_id", "accepted spellings: id, account id", "your_column"]),
        ("'1' as id, 'Prospect' as type", ["account_name", "website", "accepted spellings: name, account name"]),
    ],
)
def test_a_missing_required_column_is_one_error(make_project, columns: str, missing: list[str]) -> None:
    project = make_project(variables={"account_mapping__crms": ["salesforce"]})
    project.write_table("salesforce.account", f"select {columns}")
    error = one_error(run(project), "stg_account_mapping__salesforce_accounts")
    assert "has no column for" in error and "account_mapping__column_candidates" in error
    for part in missing:
        assert part in error


@pytest.mark.parametrize("crms, says", [([], "no CRM is named"), (["salesfroce"], "names `salesfroce`")])
def test_a_wrong_crm_is_one_error(make_project, crms: list[str], says: str) -> None:
    project = make_project(variables={"account_mapping__crms": crms})
    error = one_error(run(project), "int_account_mapping__crm_accounts")
    assert says in error
    assert "salesforce, hubspot, pipedrive, dynamics_365, generic" in error


@pytest.mark.parametrize(
    "name, says", [("salesforce", "twice"), ("partners", "taken"), ("hubspot", "taken"), ("EU", "cannot")]
)
def test_a_second_crm_needs_a_name_of_its_own(make_project, name: str, says: str) -> None:
    second = {"name": name, "kind": "salesforce", "schema": "salesforce"}
    project = make_project(variables={"account_mapping__crms": ["salesforce", second]})
    project.write_table("salesforce.account", [{"id": "1", "name": "Acme"}])
    error = one_error(run(project), "int_account_mapping__crm_accounts")
    assert says in error and f"`{name}`" in error


def test_a_candidate_for_no_staging_column_is_an_error(make_project) -> None:
    project = make_project(**minimal(account_mapping__column_candidates={"generic": {"accounts": {"web_site": ["x"]}}}))
    project.write_table("generic.accounts", [{"account_id": "1", "website": "acme.example"}])
    error = one_error(run(project), "stg_account_mapping__generic_accounts")
    assert "names `web_site` for generic.accounts" in error


def test_pass_through_columns_come_as_json_by_alias(make_project) -> None:
    declared = [
        {"crm": "generic", "name": "Tier", "alias": "zone"},
        {"crm": "generic", "name": "Score"},
        {"crm": "generic", "name": "absent"},
        {"crm": "hubspot", "name": "property_x", "alias": "Ä'x"},
        {"crm": "hubspot", "name": "property_list", "alias": "zone"},
        {"crm": "salesforce", "name": "not_in_use"},
    ]
    project = make_project(
        variables={"account_mapping__crms": ["generic", "hubspot"], "account_mapping__pass_through_columns": declared}
    )
    project.write_table("generic.accounts", [{"account_id": "1", "website": "a.example", "tier": 'A"', "score": 5}])
    project.write_table(
        "hubspot.company", [{"id": 1, "property_name": "n", "property_x": True, "property_list": ["a", "b"]}]
    )
    result = run(project)
    assert result.success, result.text
    texts = project.query("select source_relation, pass_through from int_account_mapping__crm_accounts order by 1")
    generic_row, hubspot_row = (json.loads(row["pass_through"]) for row in texts)
    assert generic_row == {"absent": None, "score": "5", "zone": 'A"', "Ä'x": None}
    assert hubspot_row == {"absent": None, "score": None, "zone": '["a","b"]', "Ä'x": "true"}
    assert list(generic_row) == list(hubspot_row) == sorted(generic_row)


@pytest.mark.parametrize(
    "declared, says",
    [
        ([{"crm": "generic"}], "takes a list of {crm, name, alias}"),
        (["tier"], "takes a list of {crm, name, alias}"),
        (
            [{"crm": "generic", "name": "a", "alias": "x"}, {"crm": "generic", "name": "x"}],
            "names `x` twice for generic",
        ),
    ],
)
def test_malformed_pass_through_is_an_error(make_project, declared: list[Any], says: str) -> None:
    project = make_project(**minimal(account_mapping__pass_through_columns=declared))
    project.write_table("generic.accounts", [{"account_id": "1", "website": "acme.example"}])
    assert says in run(project).text


@pytest.mark.parametrize(
    "variables, says",
    [
        (
            {"generic_accounts_identifier": 'accounts"; drop'},
            "generic_accounts_identifier holds a double quotation mark",
        ),
        ({"account_mapping__currency": "US'D"}, "takes a currency code of three letters, such as USD, but holds: US'D"),
    ],
)
def test_a_setting_that_would_break_the_sql_is_refused_by_name(
    make_project, variables: dict[str, str], says: str
) -> None:
    project = make_project(**minimal(**variables))
    project.write_table("generic.accounts", [{"account_id": "1", "website": "acme.example"}])
    assert says in run(project).text


@pytest.fixture(scope="module")
def corner_cases(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A built project with one odd case or two per CRM."""
    project = Project(
        tmp_path_factory.mktemp("corner_cases"),
        variables={
            "account_mapping__crms": ["salesforce", "hubspot", "pipedrive", "dynamics_365"],
            "pipedrive_schema": "raw",
            "pipedrive_organizations_identifier": "pd_orgs_v2",
            "account_mapping__column_candidates": {
                "pipedrive": {"organizations": {"website": ["0a1b_domain"], "account_name": "Handelsname"}},
                "dynamics_365": {"account": {"account_type": ["new_tier"]}},
            },
        },
    )
    companies = [
        {"id": 1, "property_name": "n", "property_hs_merged_object_ids": "1;7;7; 8"},
        {"id": 2, "property_name": "n", "property_hs_merged_object_ids": "8"},
        {"id": 3, "property_name": "n", "property_hs_merged_object_ids": ""},
    ]
    pairs = [(1, 9, 341), (1, 11, 5), (2, 10, 341), (2, 9, 341), (3, 11, None)]
    stringmaps = [("customertypecode", 3, "Customer"), ("new_tier", 3, "Gold"), ("new_tier", 4, "Silver")]
    project.write_tables(
        {
            "salesforce.account": [
                {"Id": "1", "Name": "a", "BillingCountry": "Germany", "BillingCountryCode": "DE"},
                {"Id": "2", "Name": "b", "BillingCountry": "France"},
            ],
            "hubspot.company": companies,
            "hubspot.deal": [{"deal_id": number} for number in (1, 2, 3)],
            "hubspot.deal_company": [{"deal_id": d, "company_id": c, "type_id": t} for d, c, t in pairs],
            "raw.pd_orgs_v2": [
                {"ID": 1.0, "name": "no", "handelsname": " Acme ", "0A1B_Domain": "acme.example"},
                {"ID": 2.0, "handelsname": "Gone", "delete_time": "2026-01-01 00:00:00"},
            ],
            "dynamics_365.account": [
                {"accountid": "a", "name": "n", "customertypecode": 3, "new_tier": 3},
                {"accountid": "b", "name": "n", "customertypecode": 3, "new_tier": 5},
            ],
            "dynamics_365.opportunity": [{"opportunityid": "o", "parentaccountid": "a", "statecode": 1}],
            "dynamics_365.stringmap": [
                {"objecttypecode": 1, "attributename": name, "attributevalue": code, "value": label}
                for name, code, label in stringmaps
            ],
        }
    )
    result = run(project)
    assert result.success, result.text
    return project


def ask(project: Project, columns: str, model: str, crm: str) -> list[tuple[Any, ...]]:
    """The columns of one CRM in a model of all CRMs, in the order of all of them."""
    sql = f"select {columns} from int_account_mapping__{model} where source_relation = '{crm}' order by all"
    return [tuple(row.values()) for row in project.query(sql)]


def test_tables_are_found_by_vars_and_columns_by_candidates(corner_cases: Project) -> None:
    organizations = ask(
        corner_cases, "source_account_id, account_name, website, is_deleted", "crm_accounts", "pipedrive"
    )
    assert organizations == [("1", "Acme", "acme.example", False), ("2", "Gone", None, True)]


def test_country_codes_win_over_names_row_by_row(corner_cases: Project) -> None:
    assert ask(corner_cases, "country", "crm_accounts", "salesforce") == [("DE",), ("France",)]


def test_the_primary_company_of_a_hubspot_deal_wins(corner_cases: Project) -> None:
    deals = ask(corner_cases, "source_opportunity_id, source_account_id", "opportunities", "hubspot")
    assert deals == [("1", "11"), ("2", "9"), ("3", "11")]


def test_a_merge_into_itself_or_into_two_leaves_one_row(corner_cases: Project) -> None:
    ids = ask(corner_cases, "source_account_id, account_id, is_merged", "account_ids", "hubspot")
    own = [(number, f"hubspot:{number}", False) for number in ("1", "2", "3")]
    assert ids == [*own, ("7", "hubspot:1", True), ("8", "hubspot:1", True)]


def test_states_need_no_label(corner_cases: Project) -> None:
    assert ask(corner_cases, "is_open, is_won", "opportunities", "dynamics_365") == [(False, True)]


def test_codes_are_decoded_by_the_column_they_come_from(corner_cases: Project) -> None:
    types = ask(corner_cases, "source_account_id, account_type", "crm_accounts", "dynamics_365")
    assert types == [("a", "Gold"), ("b", "5")]
