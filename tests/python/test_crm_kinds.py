"""Every kind of dirt, in every CRM and table in which it can occur, gives the right answer in the public marts.

One generator per kind writes raw rows into a table, in its CRM's spelling, and says what the marts must hold; or it
says why the kind cannot occur there. The rows of all kinds lie side by side in one build, each around accounts of its
own. `python tests/python/test_crm_kinds.py` prints the matrix.
"""

from __future__ import annotations

import json
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

# as a command, the package's root is not where Python looks
sys.path.append(str(Path(__file__).resolve().parents[2]))

import pyarrow as pa
import pytest
from crm_builds import Marts, assert_adds_up, make_marts
from harness import Project

Raw = dict[str, str | None]

CRMS = ["salesforce", "hubspot", "pipedrive", "dynamics_365", "generic"]
TABLES = ["accounts", "opportunities", "contacts", "associations", "owners", "labels", "currencies"]
KINDS = {
    "K1": "versions and reloads",
    "K2": "states without English labels",
    "K3": "currencies by look-up table",
    "K4": "delete flags of every loader",
    "K5": "two spellings of one column",
    "K6": "stage ids of several pipelines",
    "K7": "merged records",
    "K8": "the primary company of a deal",
    "K9": "versions with equal update times",
    "K10": "an account that is null, nested or elsewhere",
    "K11": "a table whose columns are not recognised",
    "K12": "an empty table beside a full one",
    "K13": "values inside objects",
    "K14": "dates and flags in other notations",
    "K15": "settings that name nothing",
    "K16": "report headers in snake case",
    "K17": "values nested as {value: ...}",
    "K18": "footers and blank rows",
    "K19": "GUIDs by other case or braces",
    "K20": "ids and lists in other notations",
    "K21": "a byte order mark in a header",
    "K22": "stages by their label",
}
LATER, EARLIER = "2026-03-01T00:00:00Z", "2026-01-01T00:00:00Z"
NOTHING_HERE = "nothing_here"


@dataclass(frozen=True)
class Table:
    """A raw table.

    name: the package's; empty: its first usual name, under which an empty one lies; full: another usual name, under
    which the rows lie. columns: for each thing the raw columns: the usual, another spelling, a report's in snake case
    (which default to the former). flags: delete flags of the CRM itself with the value that says deleted. staged: the
    staging column that a candidate inside an object fills, and for which thing. other: another staging column.
    """

    name: str
    empty: str
    full: str
    columns: dict[str, tuple[str, ...]]
    flags: dict[str, str] = field(default_factory=dict)
    staged: tuple[str, str] = ("", "")
    other: str = "updated_at"

    def column(self, thing: str, spelling: int = 0) -> str:
        names = self.columns[thing]
        return names[min(spelling, len(names) - 1)]


LOADER_FLAGS = {
    "_fivetran_deleted": "true",
    "_sdc_deleted_at": "2026-02-02T00:00:00Z",
    "_ab_cdc_deleted_at": "2026-02-02T00:00:00Z",
    "__hevo__marked_deleted": "true",
    "IsDelete": "true",
    "__deleted": "true",
}


def columns(text: str) -> dict[str, tuple[str, ...]]:
    """Columns from text such as `id: Id|Account ID|account_id; name: Name`."""
    parts = (part.strip().partition(": ") for part in text.split(";"))
    return {thing: tuple(names.split("|")) for thing, _, names in parts}


SPECS: dict[tuple[str, str], Table] = {
    ("salesforce", "accounts"): Table(
        "account",
        "account",
        "accounts",
        columns(
            "id: Id|Account ID|account_id; name: Name|Account Name|account_name; parent: ParentId; owner: OwnerId;"
            "master: MasterRecordId; updated: LastModifiedDate; extracted: _airbyte_extracted_at"
        ),
        {"IsDeleted": "true"},
        ("account_name", "name"),
    ),
    ("salesforce", "opportunities"): Table(
        "opportunity",
        "opportunity",
        "opportunities",
        columns(
            "id: Id|Opportunity ID|opportunity_id; account: AccountId|Account ID|account_id;"
            "amount: Amount|Amount (converted)|amount_converted; closed: IsClosed; won: IsWon; stage: StageName;"
            "updated: LastModifiedDate; extracted: _airbyte_extracted_at"
        ),
        {"IsDeleted": "true"},
        ("amount", "amount"),
    ),
    ("salesforce", "contacts"): Table(
        "contact",
        "contact",
        "contacts",
        columns(
            "id: Id|Contact ID|contact_id; account: AccountId|Account ID|account_id; email: Email;"
            "master: MasterRecordId; updated: LastModifiedDate; extracted: _airbyte_extracted_at"
        ),
        {"IsDeleted": "true"},
        ("emails", "email"),
    ),
    ("salesforce", "owners"): Table(
        "user",
        "user",
        "users",
        columns(
            "id: Id|User ID|user_id; name: Name|Full Name|full_name; updated: LastModifiedDate;"
            "extracted: _airbyte_extracted_at"
        ),
        {},
        ("owner_name", "name"),
    ),
    ("hubspot", "accounts"): Table(
        "company",
        "company",
        "companies",
        columns(
            "id: id|Record ID|record_id; name: property_name|Company name|company_name;"
            "parent: property_hs_parent_company_id; owner: property_hubspot_owner_id;"
            "merged: property_hs_merged_object_ids; updated: property_hs_lastmodifieddate; extracted: _fivetran_synced"
        ),
        {"archived": "true", "is_deleted": "true"},
        ("account_name", "name"),
    ),
    ("hubspot", "opportunities"): Table(
        "deal",
        "deal",
        "deals",
        columns(
            "id: deal_id|Record ID|record_id; account: companies|Associated Company IDs|associated_company_ids;"
            "amount: property_amount|Amount|amount_; closed: property_hs_is_closed; won: property_hs_is_closed_won;"
            "stage: deal_pipeline_stage_id; pipeline: deal_pipeline_id; merged: property_hs_merged_object_ids;"
            "updated: property_hs_lastmodifieddate; extracted: _fivetran_synced"
        ),
        {"archived": "true", "is_deleted": "true"},
        ("amount", "amount"),
    ),
    ("hubspot", "contacts"): Table(
        "contact",
        "contact",
        "contacts",
        columns(
            "id: id|Record ID|record_id;"
            "account: property_associatedcompanyid|Primary Associated Company ID|primary_associated_company_id;"
            "email: property_email|Email|email_; merged: property_hs_merged_object_ids;"
            "updated: property_lastmodifieddate; extracted: _fivetran_synced"
        ),
        {"archived": "true", "is_deleted": "true"},
        ("emails", "email"),
    ),
    ("hubspot", "associations"): Table(
        "deal_company",
        "deal_company",
        "deal_companies",
        columns(
            "id: deal_id|dealId; company: company_id|companyId; type: type_id; category: category;"
            "extracted: _fivetran_synced"
        ),
        {},
        ("source_account_id", "company"),
        other="is_primary",
    ),
    ("hubspot", "owners"): Table(
        "owner",
        "owner",
        "owners",
        columns(
            "id: owner_id|id; name: first_name|firstName; last: last_name; updated: updated_at;"
            "extracted: _fivetran_synced"
        ),
        {},
        ("first_name", "name"),
    ),
    ("hubspot", "labels"): Table(
        "deal_pipeline_stage",
        "deal_pipeline_stage",
        "deal_pipeline_stages",
        columns(
            "id: stage_id|id; pipeline: pipeline_id|pipelineId; label: label; closed: is_closed;"
            "won: closed_won|is_closed_won; extracted: _fivetran_synced"
        ),
        {},
        ("is_won", "won"),
    ),
    ("pipedrive", "accounts"): Table(
        "organizations",
        "organizations",
        "organization",
        columns(
            "id: id; name: name; owner: owner_id; country: country_code|address_country_code; address: address;"
            "updated: update_time; extracted: _airbyte_extracted_at"
        ),
        {"active_flag": "false", "delete_time": "2026-02-02 00:00:00", "is_deleted": "true"},
        ("account_name", "name"),
    ),
    ("pipedrive", "opportunities"): Table(
        "deals",
        "deals",
        "deal",
        columns(
            "id: id; account: org_id|orgId; amount: value; status: status; archived: is_archived;"
            "updated: update_time; extracted: _airbyte_extracted_at"
        ),
        {"deleted": "true", "is_deleted": "true"},
        ("amount", "amount"),
    ),
    ("pipedrive", "contacts"): Table(
        "persons",
        "persons",
        "person",
        columns(
            "id: id; account: org_id|orgId; email: email|emails; updated: update_time; extracted: _airbyte_extracted_at"
        ),
        {"active_flag": "false", "delete_time": "2026-02-02 00:00:00", "is_deleted": "true"},
        ("emails", "email"),
    ),
    ("pipedrive", "owners"): Table(
        "users",
        "users",
        "user",
        columns("id: id; name: name; updated: modified; extracted: _airbyte_extracted_at"),
        {},
        ("owner_name", "name"),
    ),
    ("dynamics_365", "accounts"): Table(
        "account",
        "account",
        "accounts",
        columns(
            "id: accountid|Id|account_id; name: name; parent: parentaccountid; owner: ownerid; master: masterid;"
            "type: customertypecode; updated: modifiedon; extracted: SinkModifiedOn"
        ),
        {},
        ("account_name", "name"),
    ),
    ("dynamics_365", "opportunities"): Table(
        "opportunity",
        "opportunity",
        "opportunities",
        columns(
            "id: opportunityid|Id|opportunity_id; account: parentaccountid|_parentaccountid_value|parent_account_id;"
            "amount: estimatedvalue|estimatedvalue|estimated_value; state: statecode; currency: transactioncurrencyid;"
            "updated: modifiedon; extracted: SinkModifiedOn"
        ),
        {},
        ("amount", "amount"),
    ),
    ("dynamics_365", "contacts"): Table(
        "contact",
        "contact",
        "contacts",
        columns(
            "id: contactid|Id|contact_id; account: parentcustomerid|_parentcustomerid_value|parent_customer_id;"
            "email: emailaddress1; master: masterid; updated: modifiedon; extracted: SinkModifiedOn"
        ),
        {},
        ("emails", "email"),
    ),
    ("dynamics_365", "owners"): Table(
        "systemuser",
        "systemuser",
        "systemusers",
        columns(
            "id: systemuserid|Id|system_user_id; name: fullname|fullname|full_name; updated: modifiedon;"
            "extracted: SinkModifiedOn"
        ),
        {},
        ("owner_name", "name"),
    ),
    ("dynamics_365", "labels"): Table(
        "stringmap",
        "stringmap",
        "stringmaps",
        columns(
            "id: attributevalue|attributevalue|attribute_value; object: objecttypecode; attribute: attributename;"
            "label: value; language: langid; extracted: SinkModifiedOn"
        ),
        {},
        ("label", "label"),
    ),
    ("dynamics_365", "currencies"): Table(
        "transactioncurrency",
        "transactioncurrency",
        "transactioncurrencies",
        columns(
            "id: transactioncurrencyid|transactioncurrencyid|transaction_currency_id;"
            "code: isocurrencycode|isocurrencycode|iso_currency_code; extracted: SinkModifiedOn"
        ),
        {},
        ("currency", "code"),
        other="exchange_rate",
    ),
    ("generic", "accounts"): Table(
        "accounts",
        "accounts",
        "account",
        columns(
            "id: account_id|Account ID|accountid; name: account_name|Account Name|accountname;"
            "parent: parent_account_id; updated: updated_at; extracted: _sdc_extracted_at"
        ),
        {"is_deleted": "true"},
        ("account_name", "name"),
    ),
}

CODE = "an amount carries its currency's code"
NO_TABLE = {
    ("salesforce", "associations"): "opportunities and contacts name their account themselves",
    ("salesforce", "labels"): "a stage is its own label, and nothing is looked up",
    ("salesforce", "currencies"): CODE,
    ("hubspot", "currencies"): CODE,
    ("pipedrive", "associations"): "deals and persons name their organisation themselves",
    ("pipedrive", "labels"): "a deal's status is a word, and stages are not read",
    ("pipedrive", "currencies"): CODE,
    ("dynamics_365", "associations"): "opportunities and contacts name their account themselves",
} | {("generic", table): "this source has one table, of accounts" for table in TABLES[1:]}


@dataclass(frozen=True)
class Expectation:
    """What one cell of the matrix asserts.

    accounts: (account_id, column, value); column `name` of None: there is no such account. issues: (source, problem,
    part of the row key, rows), None where any will do.
    """

    accounts: list[tuple[str, str, Any]] = field(default_factory=list)
    issues: list[tuple[str, str, str, int | None]] = field(default_factory=list)


class Book:
    """Raw rows of all cells, and what each cell asserts."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], list[Raw]] = {place: [] for place in SPECS}
        self.serial = 0

    def number(self) -> int:
        self.serial += 1
        return self.serial


class Cell:
    """A kind in a table of a CRM: what a generator writes and asserts with."""

    def __init__(self, book: Book, kind: str, crm: str, table: str) -> None:
        self.book, self.kind, self.crm, self.table = book, kind, crm, table
        self.spec = SPECS[crm, table]
        self.expects = Expectation()
        self.source = f"{crm}.{self.spec.name}"

    def new_id(self, prefix: str = "001") -> str:
        number = self.book.number()
        if self.crm == "salesforce":
            # no capitals in the first 15 characters: the last three are AAA
            return f"{prefix}{number:012d}AAA"
        if self.crm == "dynamics_365":
            return f"{number:08x}-0000-4000-8000-00000000000a"
        return f"G{number}" if self.crm == "generic" else str(1000 + number)

    def write(self, table: str, row: Raw) -> None:
        self.book.rows[self.crm, table].append(row)

    def raw(self, table: str, things: Raw, spelling: int = 0) -> Raw:
        return {SPECS[self.crm, table].column(thing, spelling): value for thing, value in things.items()}

    def account(self, **things: str) -> str:
        """A plain account that the cell needs; its id."""
        name = self.new_id()
        self.write("accounts", self.raw("accounts", {"id": name, "name": f"Account {self.book.serial}", **things}))
        return name

    def deal(self, account: str | None, amount: str = "10", **things: str) -> str:
        """A plain open deal that the cell needs; its id."""
        name = self.new_id("006")
        self.write("opportunities", self.raw("opportunities", self.open_deal(name, account, amount) | things))
        return name

    def open_deal(self, name: str, account: str | None, amount: str) -> Raw:
        states = {
            "salesforce": {"closed": "false", "won": "false"},
            "hubspot": {"closed": "false", "won": "false"},
            "pipedrive": {"status": "open"},
            "dynamics_365": {"state": "0"},
        }
        return {"id": name, "account": account, "amount": amount, **states[self.crm]}

    def expect(self, account: str, column: str, value: Any) -> None:
        self.expects.accounts.append((f"{self.crm}:{account}", column, value))

    def expect_issue(self, problem: str, row_key: str = "", n_rows: int | None = None) -> None:
        self.expects.issues.append((self.source, problem, row_key, n_rows))

    def probe(self) -> Probe:
        return PROBES[self.table](self)


class Probe(ABC):
    """A record of a table, and an account that shows what became of it.

    rows(right) are the things of the record's rows, with content that is right or wrong; of versions that are equal
    in all else the wrong ones would count, which come first in the order of their content. `right` and `gone` note what
    the account must show where the right record counts, and where none does.
    """

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.start()

    @abstractmethod
    def start(self) -> None:
        """Make what the record hangs on."""

    @abstractmethod
    def rows(self, right: bool = True) -> list[Raw]:
        """The things of the record's rows."""

    @abstractmethod
    def right(self) -> None:
        """Note what the account must show where the right record counts."""

    @abstractmethod
    def gone(self) -> None:
        """Note what the account must show where no record counts."""

    def deleted(self) -> None:
        """Note what the account must show where the record was deleted."""
        self.gone()

    def write(
        self,
        right: bool = True,
        spelling: int = 0,
        change: Callable[[Raw], Raw] = lambda row: row,
        **raw: str,
    ) -> None:
        """Write the record: `change` gets its things, `raw` are raw columns beside them."""
        for row in self.rows(right):
            self.cell.write(self.cell.table, self.cell.raw(self.cell.table, change(row), spelling) | raw)


class AccountProbe(Probe):
    def start(self) -> None:
        self.id = self.cell.new_id()

    def rows(self, right: bool = True) -> list[Raw]:
        return [{"id": self.id, "name": f"{'Right' if right else 'Other'} Works"}]

    def right(self) -> None:
        self.cell.expect(self.id, "name", "Right Works")

    def gone(self) -> None:
        self.cell.expect(self.id, "name", None)


class DealProbe(Probe):
    def start(self) -> None:
        self.account, self.id = self.cell.account(), self.cell.new_id("006")

    def rows(self, right: bool = True) -> list[Raw]:
        return [self.cell.open_deal(self.id, self.account, "10" if right else "1")]

    def right(self) -> None:
        self.cell.expect(self.account, "open_amount", Decimal("10.00"))

    def gone(self) -> None:
        self.cell.expect(self.account, "open_amount", Decimal("0.00"))


class ContactProbe(Probe):
    """Two contacts: an account learns a domain from no fewer."""

    def start(self) -> None:
        self.account = self.cell.account()
        self.ids = [self.cell.new_id("003"), self.cell.new_id("003")]

    def domain(self, right: bool) -> str:
        letters = str(self.cell.book.serial).translate(str.maketrans("0123456789", "abcdefghij"))
        self.word = getattr(self, "word", letters)
        return f"{'right' if right else 'other'}{self.word}works.com"

    def rows(self, right: bool = True) -> list[Raw]:
        return [
            {"id": name, "account": self.account, "email": f"p{place}@{self.domain(right)}"}
            for place, name in enumerate(self.ids)
        ]

    def right(self) -> None:
        self.cell.expect(self.account, "domains", self.domain(True))

    def gone(self) -> None:
        self.cell.expect(self.account, "domains", None)


class AssociationProbe(Probe):
    """A deal and a company. The wrong version of a pair is one that was taken back: another company is another pair."""

    def start(self) -> None:
        self.account, self.deal = self.cell.account(), self.cell.deal(None)

    def rows(self, right: bool = True) -> list[Raw]:
        return [{"id": self.deal, "company": self.account, "type": "5", "category": "HUBSPOT_DEFINED"}]

    def write(self, right: bool = True, **arguments: Any) -> None:
        super().write(right, **arguments, **({} if right else {"_fivetran_deleted": "true"}))

    def right(self) -> None:
        self.cell.expect(self.account, "open_amount", Decimal("10.00"))

    def gone(self) -> None:
        self.cell.expect(self.account, "open_amount", Decimal("0.00"))


class LookedUpProbe(Probe):
    """A record that tells what an id means: so it does for those that name it, also after it was deleted."""

    def deleted(self) -> None:
        self.right()


class OwnerProbe(LookedUpProbe):
    def start(self) -> None:
        self.id = self.cell.new_id("005")
        self.account = self.cell.account(owner=self.id)

    def rows(self, right: bool = True) -> list[Raw]:
        name = "Rita" if right else "Ada"
        return [{"id": self.id, "name": name, "last": "Lee"} if "last" in self.cell.spec.columns else
                {"id": self.id, "name": f"{name} Lee"}]  # fmt: skip

    def right(self) -> None:
        self.cell.expect(self.account, "owner", "Rita Lee")

    def gone(self) -> None:
        self.cell.expect(self.account, "owner", None)


class StageProbe(LookedUpProbe):
    """A stage of HubSpot: a deal in it is won."""

    def start(self) -> None:
        self.account, self.id = self.cell.account(), self.cell.new_id()
        self.cell.deal(self.account, stage=self.id, pipeline="sales", closed="", won="")

    def rows(self, right: bool = True) -> list[Raw]:
        flag = "true" if right else "false"
        return [{"id": self.id, "pipeline": "sales", "label": "Stage", "closed": flag, "won": flag}]

    def right(self) -> None:
        self.cell.expect(self.account, "status", "customer")

    def gone(self) -> None:
        self.cell.expect(self.account, "status", "open_opportunity")


class LabelProbe(Probe):
    """A label of Dynamics: an account of this type is a customer."""

    def start(self) -> None:
        self.id = str(100000 + self.cell.book.number())
        self.account = self.cell.account(type=self.id)

    def rows(self, right: bool = True) -> list[Raw]:
        label = "Customer" if right else "Consultant"
        row = {"id": self.id, "object": "account", "attribute": "customertypecode", "language": "1033"}
        return [row | {"label": label}]

    def right(self) -> None:
        self.cell.expect(self.account, "status", "customer")

    def gone(self) -> None:
        self.cell.expect(self.account, "status", "prospect")


class CurrencyProbe(LookedUpProbe):
    def start(self) -> None:
        self.account, self.id = self.cell.account(), self.cell.new_id()
        self.cell.deal(self.account, currency=self.id)

    def rows(self, right: bool = True) -> list[Raw]:
        return [{"id": self.id, "code": "EUR" if right else "AUD"}]

    def right(self) -> None:
        self.cell.expect(self.account, "open_amount", Decimal("20.00"))

    def gone(self) -> None:
        self.cell.expect(self.account, "open_amount", Decimal("0.00"))


PROBES: dict[str, type[Probe] | Callable[[Cell], Probe]] = {
    "accounts": AccountProbe,
    "opportunities": DealProbe,
    "contacts": ContactProbe,
    "associations": AssociationProbe,
    "owners": OwnerProbe,
    "labels": lambda cell: StageProbe(cell) if cell.crm == "hubspot" else LabelProbe(cell),
    "currencies": CurrencyProbe,
}
RATES = [{"currency": "EUR", "rate": "2"}, {"currency": "AUD", "rate": "3"}]

# ---------------------------------------------------------------- one generator per kind; text: why it cannot occur

LOOKED_UP = ("associations", "owners", "labels", "currencies")


def k1(cell: Cell) -> str | None:
    clock = cell.spec.column("updated" if "updated" in cell.spec.columns else "extracted")
    probe = cell.probe()
    for right, time in ((True, LATER), (False, EARLIER), (True, LATER)):
        probe.write(right, **{clock: time})
    probe.right()
    probe = cell.probe()
    for right, current in ((True, "true"), (False, "false")):
        # a version that was closed is none, however late
        probe.write(right, **{clock: EARLIER if right else LATER, "_fivetran_active": current})
    probe.right()
    return None


def k2(cell: Cell) -> str | None:
    if cell.crm != "dynamics_365":
        return "this CRM writes no codes of states"
    if cell.table == "opportunities":
        for state, status in (("1", "customer"), ("2", "prospect"), ("0.0", "open_opportunity"), ("Won", "customer")):
            account = cell.account()
            cell.deal(account, state=state)
            cell.expect(account, "status", status)
        account = cell.account()
        cell.deal(account, state="7")
        cell.expect(account, "status", "open_opportunity")
        cell.expect_issue("unknown_state")
    elif cell.table == "labels":
        for code, label in (("0", "Offen"), ("1", "Gewonnen"), ("2", "Verloren")):
            things = {"id": code, "object": "opportunity", "attribute": "statecode", "language": "1031"}
            cell.write("labels", cell.raw("labels", things | {"label": label}))
        for label, status in (("Gewonnen", "customer"), ("Verloren", "prospect"), ("Offen", "open_opportunity")):
            account = cell.account()
            cell.deal(account, state=label)
            cell.expect(account, "status", status)
    else:
        return "only an opportunity has a state that counts"
    return None


def k3(cell: Cell) -> str | None:
    if cell.crm != "dynamics_365":
        return CODE
    account = cell.account()
    if cell.table == "opportunities":
        cell.deal(account, currency=cell.new_id())
    elif cell.table == "currencies":
        currency = cell.new_id()
        cell.deal(account, currency=currency)
        cell.write("currencies", cell.raw("currencies", {"id": currency, "code": "XTS"}))
    else:
        return "only opportunities have amounts"
    cell.deal(account, amount="30")
    cell.expect(account, "open_amount", Decimal("30.00"))
    cell.expects.issues.append(("dynamics_365 opportunities", "currency_without_rate", "", None))
    return None


def k4(cell: Cell) -> str | None:
    for flag, value in (LOADER_FLAGS | cell.spec.flags).items():
        probe = cell.probe()
        probe.write(**{flag: value})
        probe.deleted()
    return None


def k5(cell: Cell) -> str | None:
    if (cell.crm, cell.table) == ("pipedrive", "owners"):
        return "Pipedrive writes each column of a user in one way"
    if (cell.crm, cell.table) == ("pipedrive", "accounts"):
        for spelling in (0, 1):
            probe = cell.probe()
            probe.write(**{cell.spec.column("country", spelling): "SE", cell.spec.column("country", 1 - spelling): ""})
            cell.expect(probe.id, "country_code", "SE")
        return None
    for spelling in (0, 1):
        probe = cell.probe()
        # the other spelling is there, and empty
        others = {cell.spec.column(thing, 1 - spelling) for row in probe.rows() for thing in row}
        mine = {cell.spec.column(thing, spelling) for row in probe.rows() for thing in row}
        probe.write(spelling=spelling, **dict.fromkeys(others - mine, ""))
        probe.right()
    return None


def k6(cell: Cell) -> str | None:
    if cell.crm != "hubspot" or cell.table not in ("opportunities", "labels"):
        return "only HubSpot's deals are read by stages of pipelines"
    stage = cell.new_id()
    for pipeline, flag in (("renewals", "true"), ("upsell", "false")):
        things = {"id": stage, "pipeline": pipeline, "label": "Stage", "closed": flag, "won": flag}
        cell.write("labels", cell.raw("labels", things))
    for pipeline, status in (("renewals", "customer"), ("upsell", "open_opportunity")):
        account = cell.account()
        cell.deal(account, stage=stage, pipeline=pipeline, closed="", won="")
        cell.expect(account, "status", status)
    if cell.table == "opportunities":
        cell.deal(cell.account(), stage=stage, closed="", won="")
        cell.expect_issue("ambiguous_stage")
    return None


def merge(cell: Cell, losers: list[str], survivor: str) -> list[tuple[str, Raw]]:
    """For each record of a chain, the last the survivor: its id, and what says that it was merged."""
    chain = [*losers, survivor]
    if "master" in cell.spec.columns:
        return [(name, {"master": end}) for name, end in zip(chain, [*chain[1:], ""], strict=True)]
    return [(name, {"merged": loser}) for name, loser in zip(chain, ["", *chain[:-1]], strict=True)]


def k7(cell: Cell) -> str | None:
    if cell.table in ("owners", "labels", "currencies"):
        return "such records are not merged"
    if cell.table == "associations":
        survivor, loser = cell.new_id(), cell.new_id()
        things = {"id": survivor, "name": "Right Works", "merged": loser}
        cell.write("accounts", cell.raw("accounts", things))
        cell.write("associations", cell.raw("associations", {"id": cell.deal(None), "company": loser, "type": "5"}))
        cell.expect(survivor, "open_amount", Decimal("10.00"))
        return None
    if not {"master", "merged"} & set(cell.spec.columns):
        return "this CRM keeps no pointer from a merged record" if cell.crm != "generic" else "accounts come merged"
    if cell.table == "accounts":
        names = [cell.new_id() for _ in range(3)]
        for name, things in merge(cell, names[:2], names[2]):
            cell.write("accounts", cell.raw("accounts", {"id": name, "name": "Right Works"} | things))
        cell.deal(names[0])
        cell.expect(names[2], "open_amount", Decimal("10.00"))
        for name in names[:2]:
            cell.expect(name, "name", None)
    elif cell.table == "opportunities":
        account, names = cell.account(), [cell.new_id() for _ in range(3)]
        for name, things in merge(cell, names[:2], names[2]):
            cell.write(cell.table, cell.raw(cell.table, cell.open_deal(name, account, "10") | things))
        cell.expect(account, "open_amount", Decimal("10.00"))
    else:
        probe = cell.probe()
        losers = [cell.new_id("003") for _ in range(3)]
        told = dict(merge(cell, losers, probe.ids[0]))
        probe.write(change=lambda row: row | told.get(row["id"], {}))
        for name in losers:
            things = {"id": name, "account": probe.account, "email": f"{name[-6:]}@{probe.domain(False)}"}
            cell.write("contacts", cell.raw("contacts", things | told[name]))
        probe.right()
    return None


def k8(cell: Cell) -> str | None:
    if cell.crm != "hubspot":
        return "a deal has one account"
    own, custom = ({"category": f"{who}_DEFINED", "typeId": 5} for who in ("HUBSPOT", "USER"))
    if cell.table == "opportunities":
        other, account = cell.account(), cell.account()
        items = [
            {"toObjectId": other, "associationTypes": [custom]},
            {"toObjectId": account, "associationTypes": [own]},
        ]
        cell.deal(json.dumps(items))
        listed, primary = cell.account(), cell.account()
        name = cell.deal(f"{listed};{primary}", amount="7")
        row = next(row for row in cell.book.rows["hubspot", "opportunities"] if row.get("deal_id") == name)
        row["Associated Company IDs (Primary)"] = primary
        cell.expect(primary, "open_amount", Decimal("7.00"))
        cell.expect(listed, "open_amount", Decimal("0.00"))
    elif cell.table == "associations":
        deal, other, account = cell.deal(None), cell.account(), cell.account()
        for company, kind, category in ((other, "5", "USER_DEFINED"), (account, "5", "HUBSPOT_DEFINED")):
            things = {"id": deal, "company": company, "type": kind, "category": category}
            cell.write("associations", cell.raw("associations", things))
    else:
        return "only a deal lists several companies"
    cell.expect(account, "open_amount", Decimal("10.00"))
    cell.expect(other, "open_amount", Decimal("0.00"))
    return None


def k9(cell: Cell) -> str | None:
    updated = {cell.spec.column("updated"): EARLIER} if "updated" in cell.spec.columns else {}
    extracted = cell.spec.column("extracted")
    probe = cell.probe()
    for right in (True, False):
        probe.write(right, **updated, **{extracted: LATER if right else EARLIER})
    probe.right()
    probe = cell.probe()
    for flag in ("true", "false"):
        probe.write(**updated, **{extracted: LATER, "_fivetran_deleted": flag})
    probe.deleted()
    return None


def k10(cell: Cell) -> str | None:
    if cell.table == "opportunities":
        cell.deal(None, amount="901")
        cell.expect_issue("opportunity_without_account", "(all)", 1 if cell.crm != "hubspot" else None)
    elif cell.table != "contacts":
        return "such a record belongs to no account" if cell.table != "associations" else "a pair names both its sides"
    elif cell.crm == "salesforce":
        return "a contact names its account in AccountId only"
    nested = {
        "hubspot": [("companies", '[{{"value": "1", "companies_id": "{}"}}]'), ("companies", '[{{"objectId": "{}"}}]')],
        "pipedrive": [("org_id", '{{"value": {}, "name": "x"}}'), ("org_id", '{{"id": {}}}')],
        "dynamics_365": [("customerid" if cell.table == "opportunities" else "accountid", "{}")],
        "salesforce": [],
    }
    for column, notation in nested[cell.crm]:
        probe = cell.probe()
        probe.write(change=lambda row: row | {"account": None}, **{column: notation.format(probe.account)})
        probe.right()
    return None


def k11(cell: Cell) -> str | None:
    return "the table is required: columns that are missing are an error" if cell.table == "accounts" else None


def k12(cell: Cell) -> str | None:
    # the empty table lies beside the full one in the whole build
    probe = cell.probe()
    probe.write()
    probe.right()
    return None


def k13(cell: Cell) -> str | None:
    staged, thing = cell.spec.staged
    probe = cell.probe()
    # a setting says that the column may be inside this object
    for row in probe.rows():
        raw = cell.raw(cell.table, {key: value for key, value in row.items() if key != thing})
        cell.write(cell.table, raw | {"extra": json.dumps({"of": {staged: row[thing]}})})
    probe.right()
    if (cell.crm, cell.table) == ("pipedrive", "accounts"):
        account = cell.account(address=json.dumps({"value": "Storgatan 1, Malmo", "country": "Sweden"}))
        cell.expect(account, "country_code", "SE")
    elif (cell.crm, cell.table) == ("pipedrive", "opportunities"):
        account, customer = cell.account(), cell.account()
        cell.deal(account, archived="true")
        cell.expect(account, "status", "prospect")
        cell.deal(customer, archived="true", status="won")
        cell.expect(customer, "status", "customer")
    return None


def k14(cell: Cell) -> str | None:
    flag = next(iter(cell.spec.flags), "_fivetran_deleted")
    yes, no = ("nein", "ja") if flag == "active_flag" else ("ja", "nein")
    for word in (yes, "X", "on", "1.00") if yes == "ja" else (yes, "off", "0.00"):
        probe = cell.probe()
        probe.write(**{flag: word})
        probe.deleted()
    for word in (no, "perhaps"):
        probe = cell.probe()
        probe.write(**{flag: word})
        probe.right()
    cell.expect_issue("flag_not_readable", "", 2 if cell.table == "contacts" else 1)
    if "updated" not in cell.spec.columns:
        return None
    clock = cell.spec.column("updated")
    # 20 can be no month: all slashed dates of the column begin with the day
    pairs = [("31-Mar-2026", EARLIER), ("Mar 31, 2026", EARLIER), ("31.03.2026", EARLIER), ("01/02/2026", "20/01/2026")]
    for late, early in [*pairs, (EARLIER, "someday")]:
        probe = cell.probe()
        probe.write(True, **{clock: late})
        probe.write(False, **{clock: early})
        probe.right()
    cell.expect_issue("date_not_readable", "", 2 if cell.table == "contacts" else 1)
    return None


def k15(cell: Cell) -> str | None:
    # a setting names a column of this table that it has not
    path = f"account_mapping__column_candidates: {cell.crm}: {cell.spec.name}: {cell.spec.other}"
    cell.expects.issues.append(("", "setting_names_nothing", path, 1))
    return None


def k16(cell: Cell) -> str | None:
    if cell.crm == "pipedrive":
        return "its columns are in snake case anyway"
    if cell.crm == "hubspot" and cell.table in LOOKED_UP:
        return "no report shows this table"
    if (cell.crm, cell.table) == ("dynamics_365", "currencies"):
        pass
    probe = cell.probe()
    probe.write(spelling=2)
    probe.right()
    return None


def k17(cell: Cell) -> str | None:
    probe = cell.probe()
    probe.write(change=lambda row: {thing: json.dumps({"value": value}) for thing, value in row.items()})
    probe.right()
    return None


def k18(cell: Cell) -> str | None:
    if cell.table in LOOKED_UP:
        return "no report with a footer shows this table"
    for text in ("Confidential Information - Do Not Distribute", "Grand Total (12 records)", None):
        cell.write(cell.table, cell.raw(cell.table, {"id": text}))
    cell.expect_issue("footer_rows", "(all)", 2)
    cell.expect_issue("blank_rows", "(all)", 1)
    return None


def k19(cell: Cell) -> str | None:
    if cell.crm == "generic":
        name, child = "AAAAAAAA-0000-4000-8000-00000000000A", cell.new_id()
        things = {"id": child, "name": "Child Works", "parent": f"{{{name}}}"}
        for row in ({"id": name, "name": "Right Works"}, things):
            cell.write("accounts", cell.raw("accounts", row))
        cell.expect(child, "ultimate_parent_account_id", f"generic:{name.lower()}")
        return None
    if cell.crm != "dynamics_365":
        return "its ids are no GUIDs"
    if cell.table == "labels":
        return "a label is known by names and numbers"
    for notation in ("{}", "{{{}}}"):
        probe = cell.probe()
        probe.write(change=lambda row, notation=notation: row | {"id": notation.format(row["id"].upper())})
        probe.right()
    return None


def scientific(name: str) -> str:
    return f"{name[0]}.{name[1:]}e+{len(name) - 1:02d}"


def k20(cell: Cell) -> str | None:
    notations: list[Callable[[str], str]] = [" {} ".format]
    if cell.crm == "salesforce":
        notations.append(lambda name: name[:15])
    elif cell.crm in ("hubspot", "pipedrive") or cell.table == "labels":
        notations += ["{}.0".format, scientific]
    for notation in notations:
        probe = cell.probe()
        probe.write(change=lambda row, notation=notation: row | {"id": notation(row["id"])})
        probe.right()
    if cell.crm == "hubspot" and cell.table in ("opportunities", "contacts"):
        for text in ("['{0}']", "{{{0},1}}", "{0}|1", "{0};1", '["{0}"]', "[{0}]"):
            probe = cell.probe()
            listed = text.format(probe.account)
            probe.write(change=lambda row: row | {"account": None}, companies=listed)
            probe.right()
    if cell.crm in ("hubspot", "pipedrive") and cell.table == "accounts":
        # digits are lost: nobody knows whose id it is
        cell.write("accounts", cell.raw("accounts", {"id": "4.46643e+11", "name": "Lost Works"}))
        cell.expect("446643000000", "name", None)
        cell.expect("4.46643e+11", "name", None)
    return None


def k21(cell: Cell) -> str | None:
    probe = cell.probe()
    for row in probe.rows():
        raw = cell.raw(cell.table, row)
        name = cell.spec.column("id")
        cell.write(cell.table, raw | {f"\ufeff{name}": raw[name], name: None})
    probe.right()
    return None


def k22(cell: Cell) -> str | None:
    if cell.crm not in ("salesforce", "hubspot") or cell.table not in ("opportunities", "labels"):
        return "its states are no labels that people write"
    for stage, status in (
        ("Closed Won - Expansion", "customer"),
        ("5 - Closed Lost", "prospect"),
        ("closed-won", "customer"),
        ("3 - Proposal", "open_opportunity"),
    ):
        account = cell.account()
        if cell.table == "labels":
            name = cell.new_id()
            cell.write("labels", cell.raw("labels", {"id": name, "pipeline": "sales", "label": stage}))
            cell.deal(account, stage=name, pipeline="sales", closed="", won="")
        else:
            cell.deal(account, stage=stage, closed="", won="")
        cell.expect(account, "status", status)
    return None


GENERATORS: dict[str, Callable[[Cell], str | None]] = {kind: globals()[kind.lower()] for kind in KINDS}


def candidates() -> dict[str, Any]:
    """The setting that K13 and K15 need: for each table a column inside an object, and one that no table has."""
    found: dict[str, Any] = {}
    for (crm, _), spec in SPECS.items():
        staged = spec.staged[0]
        found.setdefault(crm, {})[spec.name] = {staged: [f"extra.of.{staged}"], spec.other: [NOTHING_HERE]}
    return found


Matrix = dict[tuple[str, str, str], Expectation | str]


def write_book() -> tuple[Book, Matrix]:
    """The raw rows of all cells, and for each cell what it asserts or why it cannot occur."""
    book, matrix = Book(), {}
    for kind in KINDS:
        for crm in CRMS:
            for table in TABLES:
                if (crm, table) in NO_TABLE:
                    matrix[kind, crm, table] = NO_TABLE[crm, table]
                    continue
                cell = Cell(book, kind, crm, table)
                matrix[kind, crm, table] = GENERATORS[kind](cell) or cell.expects
    return book, matrix


BOOK, MATRIX = write_book()


def cells(kinds: Iterator[str] | list[str]) -> list[Any]:
    """The cells that are tested, as parameters of a test."""
    return [
        pytest.param(place, id="-".join(place))
        for place, expects in MATRIX.items()
        if place[0] in kinds and isinstance(expects, Expectation)
    ]


# ---------------------------------------------------------------- tests


def write_raw(project: Project, turned: bool) -> None:
    for crm in CRMS:
        project.execute(f'drop schema if exists "{crm}" cascade')
    for (crm, table), rows in BOOK.rows.items():
        spec = SPECS[crm, table]
        names = list(dict.fromkeys(name for row in rows for name in row))
        order = rows[::-1] if turned else rows
        text = pa.table({name: pa.array([row.get(name) for row in order], pa.string()) for name in names})
        project.write_table(f"{crm}.{spec.full}", text)
        # left over by a former connector
        project.write_table(f"{crm}.{spec.empty}", text.slice(0, 0).select([spec.column("id")]))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    settings = {
        "account_mapping__crms": CRMS,
        "account_mapping__as_of": "2026-06-01",
        "account_mapping__column_candidates": candidates(),
    }
    made = Project(tmp_path_factory.mktemp("crm_kinds"), variables=settings)
    made.write_seed("account_mapping__currency_rates", RATES)
    return made


@pytest.fixture(scope="module")
def marts(project: Project) -> Marts:
    """The marts of the one build; the same when the rows of each table come in reverse."""
    seen = []
    for turned in (False, True):
        write_raw(project, turned)
        seen.append(make_marts(project))
    for mart, rows in seen[0].items():
        assert rows == seen[1][mart]
    return seen[0]


@pytest.fixture(scope="module")
def accounts(marts: Marts) -> dict[str, dict[str, Any]]:
    return {row["account_id"]: row for row in marts["account_mapping__accounts"]}


@pytest.mark.parametrize("place", cells([kind for kind in KINDS if kind != "K11"]))
def test_a_kind_gives_the_right_marts(
    marts: Marts, accounts: dict[str, dict[str, Any]], place: tuple[str, str, str]
) -> None:
    expects = MATRIX[place]
    assert expects.accounts or expects.issues
    got = [(name, column, accounts.get(name, {}).get(column)) for name, column, _ in expects.accounts]
    assert got == expects.accounts
    for source, problem, row_key, n_rows in expects.issues:
        issues = [row for row in marts["account_mapping__data_issues"] if row["problem"] == problem]
        found = [
            row
            for row in issues
            if source in ("", row["source"]) and row_key in row["row_key"] and n_rows in (None, row["n_rows"])
        ]
        assert found, (source, problem, row_key, n_rows, issues)


def test_the_census_adds_up(marts: Marts) -> None:
    inputs = {row["input"]: row for row in marts["account_mapping__inputs"]}
    for (crm, table), rows in BOOK.rows.items():
        spec = SPECS[crm, table]
        row = inputs[f"{crm}.{spec.name}"]
        assert row["rows_read"] == len(rows)
        assert_adds_up(row)
        assert spec.full in row["relation_name"]


@pytest.fixture(scope="module")
def unread(project: Project) -> list[dict[str, Any]]:
    """The data issues where no column of an optional table is one that is known."""
    for crm in CRMS:
        project.execute(f'drop schema if exists "{crm}" cascade')
    for (crm, table), spec in SPECS.items():
        if table == "accounts":
            rows = {spec.column(thing): pa.array(["x"], pa.string()) for thing in ("id", "name")}
        else:
            rows = {name: pa.array(["x", "y"], pa.string()) for name in ("foo_c", "bar_c")}
        project.write_table(f"{crm}.{spec.empty}", pa.table(rows))
    issues = make_marts(project)["account_mapping__data_issues"]
    return [row for row in issues if row["problem"] == "unrecognised_columns"]


@pytest.mark.parametrize("place", cells(["K11"]))
def test_a_table_that_is_not_recognised_is_named(unread: list[dict[str, Any]], place: tuple[str, str, str]) -> None:
    _, crm, table = place
    [issue] = [row for row in unread if row["source"] == f"{crm}.{SPECS[crm, table].name}"]
    assert "foo_c" in issue["detail"] and "bar_c" in issue["detail"]
    assert issue["row_key"]


@pytest.mark.quick
def test_no_cell_of_the_matrix_is_empty() -> None:
    assert set(MATRIX) == {(kind, crm, table) for kind in KINDS for crm in CRMS for table in TABLES}
    for place, expects in MATRIX.items():
        tested = isinstance(expects, Expectation) and (expects.accounts or expects.issues or place[0] == "K11")
        assert tested or (isinstance(expects, str) and expects), place
    for kind in KINDS:
        assert any(isinstance(MATRIX[kind, crm, table], Expectation) for crm in CRMS for table in TABLES), kind


def matrix_text() -> str:
    """The matrix: `test` where a kind is tested, a number where it cannot occur, and below what the numbers mean."""
    reasons: dict[str, int] = {}
    lines = []
    for crm in CRMS:
        lines += ["", crm, " ".join([f"{'':48}", *(f"{table:13}" for table in TABLES)]).rstrip()]
        for kind, title in KINDS.items():
            marks = []
            for table in TABLES:
                expects = MATRIX[kind, crm, table]
                is_reason = isinstance(expects, str)
                marks.append(str(reasons.setdefault(expects, len(reasons) + 1)) if is_reason else "test")
            lines.append(" ".join([f"{kind:4}{title:44}", *(f"{mark:13}" for mark in marks)]).rstrip())
    lines += ["", "Cannot occur, because:", *(f"{number}: {reason}" for reason, number in reasons.items())]
    return "\n".join(lines[1:])


if __name__ == "__main__":
    print(matrix_text())
