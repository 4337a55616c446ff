"""Random small CRMs, from a seed: rows whose meaning is known, and the same rows as loaders write them.

A world is one of a few SHAPES: two instances, each with the tables and columns of a loader. So that dbt compiles once
per shape, all columns are text. Records get versions, deletes, merges, references that dangle, and any notation. What
has no single answer under the rules is not made: two versions that differ in nothing but their content, a merge whose
survivor is lost and whose loser is not.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
from crm_oracle import ACCOUNTS, CONTACTS, DEALS, OWNERS, Instance, Row, Settings

AS_OF = "2026-06-01"
RULES = (
    ("salesforce", "account_type", "Customer", "customer"),
    ("salesforce", "account_type", "Prospect", "prospect"),
    ("salesforce", "account_type", "Former Customer", "churned"),
    ("salesforce", "account_type", "Do Not Contact", "excluded"),
    ("salesforce", "account_type", "Gold", "prospect"),
    ("sf_emea", "account_type", "Gold", "customer"),
    ("hubspot", "lifecycle_stage", "customer", "customer"),
    ("hubspot", "lifecycle_stage", "opportunity", "open_opportunity"),
    ("hubspot", "lifecycle_stage", "lead", "prospect"),
    ("hs_two", "lifecycle_stage", "lead", "open_opportunity"),
    ("dynamics_365", "account_type", "Customer", "customer"),
    ("dynamics_365", "account_type", "Prospect", "prospect"),
    ("generic", "status", "gold", "customer"),
)
RATES = {"EUR": Decimal("1.1"), "GBP": Decimal("1.2755"), "JPY": Decimal("0.00645")}
BLOCKED = "Blocked Works"
SETTINGS = Settings(
    rules={(system, field, value.lower()): status for system, field, value, status in RULES},
    rates=RATES,
    currency="USD",
    excluded_names=frozenset({BLOCKED.lower()}),
)
SEEDS: dict[str, list[Row]] = {
    "account_mapping__status_rules": [
        dict(zip(("source_system", "field", "raw_value", "status"), rule, strict=True)) for rule in RULES
    ],
    "account_mapping__currency_rates": [{"currency": name, "rate": str(rate)} for name, rate in RATES.items()],
    "account_mapping__exclusions": [{"kind": "name", "value": BLOCKED, "partner_id": "*", "reason": "blocked"}],
}

TYPES = {
    "salesforce": [
        None,
        None,
        None,
        "Customer",
        "Prospect",
        "Former Customer",
        "Do Not Contact",
        "Gold",
        "Odd",
    ],
    "hubspot": [None, None, None, "customer", "opportunity", "Lead", "90210"],
    "pipedrive": [None],
    "dynamics_365": [None, None, "3", "4", "9"],
    "generic": [None, None, "customer", "Open_Opportunity", "churned", "prospect", "gold", "excluded", "odd"],
}
TYPE_FIELDS = {"hubspot": "lifecycle_stage", "generic": "status"}

# By (kind, loader) and table: the raw table, and the columns in which it holds each thing. Of several columns of one
# thing, a row fills one.
Layout = dict[str, tuple[str, dict[str, str]]]


def layout(text: str) -> Layout:
    """A layout from lines such as `account account: id=id name=name`, each of which may go on in further ones.

    Columns of one thing are parted by `|`; a blank in a column's name is written `~`.
    """
    found: Layout = {}
    for line in text.strip().splitlines():
        head, colon, columns = line.partition(": ")
        if colon:
            table, raw = head.split()
            found[table] = (raw, {})
        found[table][1].update(part.split("=") for part in (columns or line).split())
    return found


LOADERS: dict[tuple[str, str], Layout] = {
    ("salesforce", "fivetran"): layout("""
        account account: id=id name=name website=website parent=parent_id master=master_record_id account_type=type
            owner=owner_id person=is_person_account updated=last_modified_date extracted=_fivetran_synced
            current=_fivetran_active deleted=is_deleted|_fivetran_deleted
        opportunity opportunity: id=id account=account_id amount=amount currency=currency_iso_code stage=stage_name
            closed=is_closed won=is_won updated=last_modified_date extracted=_fivetran_synced
            current=_fivetran_active deleted=is_deleted|_fivetran_deleted
        contact contact: id=id account=account_id email=email master=master_record_id updated=last_modified_date
            extracted=_fivetran_synced current=_fivetran_active deleted=is_deleted|_fivetran_deleted
        user user: id=id name=name email=email updated=last_modified_date extracted=_fivetran_synced
            current=_fivetran_active
    """),
    ("salesforce", "airbyte"): layout("""
        account Account: id=Id name=Name website=Website parent=ParentId|parent_id master=MasterRecordId
            account_type=Type owner=OwnerId person=IsPersonAccount updated=SystemModstamp
            extracted=_airbyte_extracted_at deleted=IsDeleted|_ab_cdc_deleted_at
        opportunity Opportunity: id=Id account=AccountId amount=Amount currency=CurrencyIsoCode stage=StageName
            closed=IsClosed won=IsWon updated=SystemModstamp extracted=_airbyte_extracted_at
            deleted=IsDeleted|_ab_cdc_deleted_at
        contact Contact: id=Id account=AccountId email=Email master=MasterRecordId updated=SystemModstamp
            extracted=_airbyte_extracted_at deleted=IsDeleted|_ab_cdc_deleted_at
        user User: id=Id name=Name email=Email updated=SystemModstamp extracted=_airbyte_extracted_at
    """),
    ("salesforce", "report"): layout("""
        account accounts: id=\ufeffAccount~ID name=Account~Name website=Website parent=Parent~Account~ID
            account_type=account_type owner=Owner~ID updated=Last~Modified~Date
        opportunity opportunities: id=\ufeffOpportunity~ID account=Account~ID amount=Amount~(converted) stage=Stage
            closed=Closed won=Won updated=Last~Modified~Date
        contact contacts: id=\ufeffContact~ID account=Account~ID email=Email updated=Last~Modified~Date
        user users: id=\ufeffUser~ID name=Full~Name email=Email
    """),
    ("hubspot", "fivetran"): layout("""
        company company: id=id name=property_name website=property_domain parent=property_hs_parent_company_id
            merged=property_hs_merged_object_ids lifecycle_stage=property_lifecyclestage
            owner=property_hubspot_owner_id updated=property_hs_lastmodifieddate extracted=_fivetran_synced
            deleted=is_deleted|_fivetran_deleted
        deal deal: id=deal_id pipeline=deal_pipeline_id stage=deal_pipeline_stage_id amount=property_amount
            currency=property_deal_currency_code merged=property_hs_merged_object_ids
            updated=property_hs_lastmodifieddate extracted=_fivetran_synced deleted=is_deleted|_fivetran_deleted
        contact contact: id=id account=property_associatedcompanyid email=property_email
            merged=property_hs_merged_object_ids updated=property_lastmodifieddate extracted=_fivetran_synced
            deleted=_fivetran_deleted
        deal_company deal_company: deal=deal_id company=company_id type=type_id category=category
            extracted=_fivetran_synced deleted=_fivetran_deleted
        deal_pipeline_stage deal_pipeline_stage: id=stage_id pipeline=pipeline_id label=label closed=is_closed
            won=closed_won extracted=_fivetran_synced deleted=_fivetran_deleted
        owner owner: id=owner_id email=email first=first_name last=last_name updated=updated_at
            extracted=_fivetran_synced deleted=_fivetran_deleted
    """),
    ("hubspot", "airbyte"): layout("""
        company companies: id=id name=properties_name website=properties_domain
            parent=properties_hs_parent_company_id merged=properties_hs_merged_object_ids
            lifecycle_stage=properties_lifecyclestage owner=properties_hubspot_owner_id updated=updatedAt
            extracted=_airbyte_extracted_at deleted=archived
        deal deals: id=id companies=companies stage=properties_dealstage closed=properties_hs_is_closed
            won=properties_hs_is_closed_won amount=properties_amount currency=properties_deal_currency_code
            merged=properties_hs_merged_object_ids updated=updatedAt extracted=_airbyte_extracted_at
            deleted=archived
        contact contacts: id=id account=properties_associatedcompanyid|companies email=properties_email
            merged=properties_hs_merged_object_ids updated=updatedAt extracted=_airbyte_extracted_at
            deleted=archived
        owner owners: id=id email=email first=firstName last=lastName updated=updatedAt
            extracted=_airbyte_extracted_at
    """),
    ("pipedrive", "v1"): layout("""
        organizations organizations: id=id name=name owner=owner_id updated=update_time
            extracted=_airbyte_extracted_at active=active_flag deleted=delete_time
        deals deals: id=id account=org_id status=status amount=value currency=currency updated=update_time
            extracted=_airbyte_extracted_at deleted=deleted
        persons persons: id=id account=org_id email=email updated=update_time extracted=_airbyte_extracted_at
            active=active_flag deleted=delete_time
        users users: id=id name=name email=email extracted=_airbyte_extracted_at
    """),
    ("pipedrive", "v2"): layout("""
        organizations organizations: id=id name=name owner=owner_id updated=update_time
            extracted=__hevo__ingested_at deleted=is_deleted|__hevo__marked_deleted
        deals deals: id=id account=org_id status=status archived=is_archived amount=value currency=currency
            updated=update_time extracted=__hevo__ingested_at deleted=is_deleted|__hevo__marked_deleted
        persons persons: id=id account=org_id email=emails updated=update_time extracted=__hevo__ingested_at
            deleted=is_deleted|__hevo__marked_deleted
        users users: id=id name=name email=email extracted=__hevo__ingested_at deleted=__hevo__marked_deleted
    """),
    ("dynamics_365", "fivetran"): layout("""
        account account: id=accountid name=name website=websiteurl parent=parentaccountid master=masterid
            account_type=customertypecode owner=ownerid updated=modifiedon extracted=_fivetran_synced
            deleted=_fivetran_deleted
        opportunity opportunity: id=opportunityid account=parentaccountid|customerid state=statecode
            amount=estimatedvalue currency=transactioncurrencyid updated=modifiedon extracted=_fivetran_synced
            deleted=_fivetran_deleted
        contact contact: id=contactid account=parentcustomerid email=emailaddress1 master=masterid
            updated=modifiedon extracted=_fivetran_synced deleted=_fivetran_deleted
        systemuser systemuser: id=systemuserid name=fullname email=internalemailaddress updated=modifiedon
            extracted=_fivetran_synced deleted=_fivetran_deleted
        stringmap stringmap: object=objecttypecode attribute=attributename id=attributevalue label=value
            language=langid extracted=_fivetran_synced deleted=_fivetran_deleted
        transactioncurrency transactioncurrency: id=transactioncurrencyid code=isocurrencycode
            extracted=_fivetran_synced deleted=_fivetran_deleted
    """),
    ("dynamics_365", "synapse"): layout("""
        account accounts: id=accountid name=name website=websiteurl parent=_parentaccountid_value|parentaccountid
            master=_masterid_value account_type=customertypecode owner=_ownerid_value updated=modifiedon
            extracted=SinkModifiedOn deleted=IsDelete
        opportunity opportunities: id=opportunityid account=_parentaccountid_value|_customerid_value state=statecode
            amount=estimatedvalue currency=_transactioncurrencyid_value updated=modifiedon extracted=SinkModifiedOn
            deleted=IsDelete
        contact contacts: id=contactid account=_parentcustomerid_value email=emailaddress1 master=_masterid_value
            updated=modifiedon extracted=SinkModifiedOn deleted=IsDelete
        systemuser systemusers: id=systemuserid name=fullname email=internalemailaddress updated=modifiedon
            extracted=SinkModifiedOn deleted=IsDelete
        transactioncurrency transactioncurrencies: id=transactioncurrencyid code=isocurrencycode
            extracted=SinkModifiedOn deleted=IsDelete
    """),
    ("generic", "stitch"): layout("""
        accounts accounts: id=account_id name=account_name website=website parent=parent_account_id status=status
            open_amount=open_amount currency=currency updated=updated_at extracted=_sdc_extracted_at
            deleted=is_deleted|_sdc_deleted_at
    """),
    ("generic", "plain"): layout("""
        accounts account: id=Account~ID name=Account~Name website=Website parent=parent_account_id status=Status
            open_amount=Open~Amount currency=Currency updated=Updated~At
    """),
}  # fmt: skip

# the same columns, with values of their own types and lists of objects
LOADERS |= {
    (kind, "typed"): LOADERS[kind, loader]
    for kind, loader in (("salesforce", "fivetran"), ("hubspot", "airbyte"), ("pipedrive", "v1"))
}

# (name, kind, loader) of the instances of each shape.
SHAPES = (
    (("salesforce", "salesforce", "fivetran"), ("generic", "generic", "stitch")),
    (("sf_emea", "salesforce", "airbyte"), ("pipedrive", "pipedrive", "v2")),
    (("hubspot", "hubspot", "fivetran"), ("hs_two", "hubspot", "airbyte")),
    (("dynamics_365", "dynamics_365", "fivetran"), ("sf_report", "salesforce", "report")),
    (("pd_old", "pipedrive", "v1"), ("dynamics_emea", "dynamics_365", "synapse"), ("plain", "generic", "plain")),
    (("sf_typed", "salesforce", "typed"), ("hs_typed", "hubspot", "typed"), ("pd_typed", "pipedrive", "typed")),
)

IDS = {
    "id", "parent", "master", "owner", "account", "deal", "company", "pipeline", "language", "type",
}  # fmt: skip
DATES = {"updated", "extracted"}
FLAGS = {"person", "closed", "won", "archived", "current", "active"}
AMOUNTS = {"amount", "open_amount"}
TRUE = ("true", "TRUE", "t", "yes", "Y", "1", "1.0", "1.00", "on", "X", "checked", "wahr", "ja", "vrai", "oui", "si")
FALSE = ("false", "FALSE", "f", "no", "N", "0", "0.0", "off")
FOOTERS = (
    "Confidential Information - Do Not Distribute",
    "Generated By:  Ann Lee  01/12/2026 10:15",
    "Grand Total (12 records)",
    "Copyright (c) 2000-2026 Our Company",
)
DATE_MARKS = ("_deleted_at", "delete_time")


def instances_of(shape: int) -> list[str | dict[str, str]]:
    """The instances of a shape as var account_mapping__crms names them."""
    return [name if name == kind else {"name": name, "kind": kind, "schema": name} for name, kind, _ in SHAPES[shape]]


@dataclass(frozen=True)
class CrmWorld:
    """A world: which shape, what its rows mean, and its raw tables."""

    shape: int
    instances: list[Instance]
    tables: dict[str, pa.Table]


def make_world(seed: int) -> CrmWorld:
    """The world of a seed."""
    shape = seed % len(SHAPES)
    rng = random.Random(f"crm world {seed}")
    instances, tables = [], {}
    for name, kind, loader in SHAPES[shape]:
        is_typed = loader == "typed"
        grown = _Grown(rng, name, kind, LOADERS[kind, loader], is_typed)
        instances.append(grown.instance)
        for table, (raw, columns) in grown.layout.items():
            writer = _TypedWriter if is_typed else _Writer
            rows = writer(rng, kind, columns).write(grown.instance.tables[table])
            tables[f"{name}.{raw}"] = rows
    return CrmWorld(shape, instances, tables)


def salesforce_id(rng: random.Random, prefix: str) -> str:
    """A made-up Salesforce id of 18 characters: the last three tell which of the others are capitals."""
    short = prefix + "".join(rng.choice("ABCDEFGHJKLMNPabcdefghjkmnp0123456789") for _ in range(12))
    tail = ""
    for start in (0, 5, 10):
        bits = [character.isupper() for character in short[start : start + 5]]
        tail += "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[sum(bit << place for place, bit in enumerate(bits))]
    return short + tail


class _Grown:
    """One instance, grown at random: `instance` holds what its rows mean."""

    def __init__(self, rng: random.Random, name: str, kind: str, layout: Layout, is_typed: bool) -> None:
        self.rng, self.kind, self.layout, self.is_typed = rng, kind, layout, is_typed
        self.used: set[str] = set()
        self.serial = 0
        self.instance = Instance(name, kind, {table: [] for table in layout})
        self.now = datetime(2026, 1, 5)
        self._owners()
        self._stages()
        self._labels()
        self._currencies()
        self._accounts()
        if kind in DEALS:
            self._deals()
            self._contacts()
        for table in (ACCOUNTS[kind], DEALS.get(kind), CONTACTS.get(kind)):
            if table:
                self._waste(table)
        for rows in self.instance.tables.values():
            rng.shuffle(rows)

    # ---------------------------------------------------------------- small things

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def new_id(self, prefix: str) -> str:
        rng = self.rng
        while True:
            if self.kind == "salesforce":
                found = salesforce_id(rng, prefix)
            elif self.kind == "dynamics_365":
                found = f"{rng.randrange(16**8):08x}-{rng.randrange(16**4):04x}-4000-8000-{rng.randrange(16**12):012x}"
            elif self.kind == "generic":
                found = rng.choice(["G-{}", "{}", "acc_{}"]).format(rng.randrange(100, 10**5))
            else:
                found = str(rng.choice([rng.randrange(101, 9999), rng.randrange(10**8, 10**12)]))
            if found.lower() not in self.used:
                self.used.add(found.lower())
                return found

    def new_name(self) -> str:
        self.serial += 1
        syllables = [self.rng.choice("bdfgklmnprstvz") + self.rng.choice("aeiou") for _ in range(6)]
        return f"{''.join(syllables[:3]).title()} {''.join(syllables[3:]).title()}"

    def add(self, table: str, rows: list[Row]) -> None:
        self.instance.tables[table].extend(rows)

    def has(self, table: str, thing: str) -> bool:
        return thing in self.layout[table][1]

    def can_go(self, table: str) -> bool:
        return self.has(table, "deleted") or self.has(table, "active")

    def versions(self, table: str, final: Row, former: Callable[[], Row] = dict) -> list[Row]:
        """The rows of one record, of which `final` is the latest."""
        rng = self.rng
        has_updated, has_extracted = self.has(table, "updated"), self.has(table, "extracted")
        has_current = self.has(table, "current")
        day = self.now + timedelta(days=rng.randrange(60, 90))
        final = final | {
            "updated": day if has_updated else None,
            "extracted": day + timedelta(hours=5) if has_extracted else None,
            "current": True,
        }
        closed = has_current and not final.get("deleted") and final.pop("may_close", True) and self.chance(0.08)
        if closed:
            final["current"] = False
        number = rng.choice([0, 0, 0, 1, 2])
        ways = ["reload"]
        ways += ["updated"] * 3 if has_updated else []
        ways += ["extracted"] * 2 if has_extracted else []
        ways += ["archived"] * 4 if final.get("deleted") else []
        ways += ["history"] * 4 if has_current and not closed else []
        rows = [final]
        way = rng.choice(ways)
        for turn in range(number):
            row = final | {"master": None, "merged": None} | former()
            days, hours = timedelta(days=rng.randrange(1, 20) + turn * 20), timedelta(hours=turn + 1)
            if self.can_go(table):
                row["deleted"] = self.chance(0.3)
            if way == "reload":
                row = dict(final)
            elif way == "updated":
                row["updated"] = rng.choice([day - days, day - days, None])
                if has_extracted:
                    row["extracted"] += rng.choice([-1, 1]) * hours
            elif way == "extracted":
                row["extracted"] = rng.choice([final["extracted"] - hours, None])
            elif way == "archived":
                row["deleted"] = False
            else:
                row["current"] = False
                if has_updated:
                    row["updated"] = day - days
            rows.append(row)
        return rows

    # ---------------------------------------------------------------- tables that are looked up

    def _owners(self) -> None:
        self.owners = []
        table = OWNERS.get(self.kind)
        if not table:
            return
        for number in range(3):
            # letters only, so that no name looks like an id or a mailbox
            row = {"id": self.new_id("005"), "name": self.new_name(), "email": f"o{number}@ours.example"}
            if self.has(table, "deleted"):
                row["deleted"] = self.chance(0.2)
            self.owners.append(row["id"])
            self.add(table, self.versions(table, row, lambda: {"name": self.new_name()}))

    def _stages(self) -> None:
        self.stages = []
        table = "deal_pipeline_stage"
        if table not in self.layout:
            return
        for pipeline in ("sales", "renewals"):
            for number, state in enumerate(self.rng.sample(["open", "won", "lost", "open"], 4)):
                row = {"id": f"{number + 5}", "pipeline": pipeline, "state": state, "deleted": self.chance(0.1)}
                self.stages.append((pipeline, row["id"]))
                self.add(table, self.versions(table, row, lambda: {"state": self.rng.choice(["open", "won", "lost"])}))

    def _labels(self) -> None:
        table = "stringmap"
        if table not in self.layout:
            return
        labels = [("account", "customertypecode", "3", "Customer"), ("account", "customertypecode", "4", "Prospect")]
        labels += [("opportunity", "statecode", str(code), word) for code, word in enumerate(("Open", "Won", "Lost"))]
        for item, attribute, code, label in labels:
            for language in ("1033", "1031"):
                row = {"object": item, "attribute": attribute, "id": code, "language": language, "deleted": False}
                row["label"] = label if language == "1033" else f"{label}-de"
                row["deleted"] = item == "account" and self.chance(0.15)
                self.add(table, self.versions(table, row, lambda: {"label": "Other"}))

    def _currencies(self) -> None:
        self.currencies: list[str | None] = [None, "USD", "USD", "EUR", "GBP", "JPY", "XTS"]
        table = "transactioncurrency"
        if table not in self.layout:
            return
        codes, self.currencies = self.currencies, [None]
        for code in filter(None, codes[1:]):
            row = {"id": self.new_id(""), "code": code, "deleted": self.chance(0.1)}
            self.currencies.append(row["id"])
            self.add(table, self.versions(table, row, lambda: {"code": self.rng.choice(["USD", "EUR"])}))
        self.currencies.append(self.new_id(""))

    # ---------------------------------------------------------------- accounts

    def _accounts(self) -> None:
        rng, table = self.rng, ACCOUNTS[self.kind]
        names = [self.new_id("001") for _ in range(rng.randrange(6, 12))]
        fates = dict.fromkeys(names, "live")
        if self.can_go(table):
            fates |= {name: "deleted" for name in names if self.chance(0.15)}
        into, absent = self._merges(table, names, fates)
        self.accounts = [*names, self.new_id("001")]
        field = TYPE_FIELDS.get(self.kind, "account_type")
        parents = [*self.accounts]
        for name in names:
            if name in absent:
                continue
            word = self.new_name()
            row: Row = {
                "id": name,
                "name": BLOCKED if self.chance(0.05) else word,
                "website": f"{word.replace(' ', '').lower()}.com" if self.chance(0.8) else None,
                "parent": rng.choice(parents) if self.has(table, "parent") and self.chance(0.35) else None,
                "master": self._master(table, name, into, fates),
                "merged": [loser for loser, end in into.items() if end == name] if self.has(table, "merged") else None,
                "owner": rng.choice([*self.owners, self.new_id("005")]) if self.owners and self.chance(0.7) else None,
                "person": self.has(table, "person") and self.chance(0.07),
                "deleted": fates[name] == "deleted",
                "may_close": not into,
                field: rng.choice(TYPES[self.kind]),
            }
            if self.has(table, "open_amount"):
                row |= {"open_amount": self.amount(), "currency": rng.choice(self.currencies)}
            self.add(table, self.versions(table, row, lambda: {"name": self.new_name(), "parent": None}))

    def _master(self, table: str, name: str, into: dict[str, str], fates: dict[str, str]) -> str | None:
        """Into whom a record was merged; of one that was deleted perhaps into one that is not there."""
        if not self.has(table, "master"):
            return None
        lost = name not in into and fates[name] == "deleted" and name not in into.values() and self.chance(0.2)
        return self.new_id("001") if lost else into.get(name)

    def _merges(self, table: str, names: list[str], fates: dict[str, str]) -> tuple[dict[str, str], set[str]]:
        """Who was merged into whom, by the loser, and which losers have no row any more; fates are set for losers."""
        into: dict[str, str] = {}
        absent: set[str] = set()
        if not (self.has(table, "master") or self.has(table, "merged")):
            return into, absent
        for place, name in enumerate(names):
            # only into later ones, so that no merges go round
            later = names[place + 1 :]
            if later and self.chance(0.25):
                into[name] = self.rng.choice(later)
        for name in reversed(names):
            if name not in into:
                continue
            end = name
            while end in into:
                end = into[end]
            lost = fates[end] == "deleted"
            fates[name] = "deleted" if lost or self.chance(0.6) else "live"
            if self.has(table, "merged") and self.chance(0.5):
                absent.add(name)
        # a loser without a row cannot list whom it took in before: its survivor does
        for name in list(into):
            while into[name] in absent:
                into[name] = into[into[name]]
        return into, absent

    def amount(self) -> Decimal | None:
        if self.chance(0.1):
            return None
        cents = self.rng.choice([0, 0, 5, 15, 50, 99])
        value = Decimal(self.rng.randrange(1, 200000)) + Decimal(cents) / 100
        return -value if self.chance(0.05) else value

    # ---------------------------------------------------------------- what belongs to accounts

    def reference(self) -> str | None:
        return None if self.chance(0.06) else self.rng.choice(self.accounts)

    def _deals(self) -> None:
        rng, table = self.rng, DEALS[self.kind]
        names = [self.new_id("006") for _ in range(rng.randrange(8, 15))]
        fates = {name: "deleted" if self.can_go(table) and self.chance(0.15) else "live" for name in names}
        into, absent = self._merges(table, names, fates)
        accounts = {name: self.reference() for name in names}
        for name in reversed(names):
            accounts[name] = accounts[into[name]] if name in into else accounts[name]
        for name in names:
            if name not in absent:
                merged = [loser for loser, end in into.items() if end == name]
                row = {"id": name, "account": accounts[name], "merged": merged, "deleted": fates[name] == "deleted"}
                currency = rng.choice(self.currencies) if self.has(table, "currency") else None
                row |= {"amount": self.amount(), "currency": currency, "may_close": not into}
                row |= {"others": self._others(accounts[name]), **self._state()}
                self.add(table, self.versions(table, row, lambda: {"amount": self.amount(), **self._state()}))
        if "deal_company" in self.layout:
            self._pairs([name for name in names if name not in absent], accounts)

    def _others(self, account: str | None) -> list[str]:
        """Other companies of a deal, beside that to which it belongs."""
        if self.kind != "hubspot" or account is None or not self.chance(0.4):
            return []
        return [name for name in self.rng.sample(self.accounts, 2) if name != account]

    def _state(self) -> Row:
        if self.stages:
            pipeline, stage = self.rng.choice(self.stages)
            return {"pipeline": pipeline, "stage": stage}
        return {"state": self.rng.choice(["open", "open", "open", "won", "lost"])}

    def _pairs(self, deals: list[str], accounts: dict[str, str | None]) -> None:
        """The table of deals and companies: primary is what HubSpot itself so calls; else the least id is first."""
        table = "deal_company"
        for deal in deals:
            account = accounts[deal]
            others = self._others(account)
            by_order = bool(account) and all(int(other) > int(account) for other in others) and self.chance(0.5)
            for company in [account, *others] if account else []:
                row = {"deal": deal, "company": company, "primary": company == account and not by_order}
                row |= {"deleted": False, **self._way(row["primary"])}
                self.add(table, self.versions(table, row))
            if self.chance(0.2):
                gone = self.rng.choice(self.accounts)
                if gone not in (account, *others):
                    row = {"deal": deal, "company": gone, "primary": True, "deleted": True, **self._way(True)}
                    self.add(table, self.versions(table, row))
        lost = {"deal": self.new_id("006"), "company": self.accounts[0], "primary": True, "deleted": False}
        self.add(table, self.versions(table, lost | self._way(True)))

    def _way(self, primary: bool) -> Row:
        """Type and category of a pair, which are a part of what it is."""
        if primary:
            return {"type": "5", "category": self.rng.choice(["HUBSPOT_DEFINED", None])}
        if self.chance(0.3):
            return {"type": "5", "category": "USER_DEFINED"}
        return {"type": "341", "category": "HUBSPOT_DEFINED"}

    def _contacts(self) -> None:
        table = CONTACTS[self.kind]
        names = [self.new_id("003") for _ in range(self.rng.randrange(4, 10))]
        fates = {name: "deleted" if self.can_go(table) and self.chance(0.15) else "live" for name in names}
        into, absent = self._merges(table, names, fates)
        for name in names:
            if name in absent:
                continue
            row = {
                "id": name,
                "account": self.reference(),
                "email": f"p{name[-4:].lower()}@{self.new_name().replace(' ', '').lower()}.com",
                "master": into.get(name) if self.has(table, "master") else None,
                "merged": [loser for loser, end in into.items() if end == name] if self.has(table, "merged") else None,
                "deleted": fates[name] == "deleted",
                "may_close": not into,
            }
            self.add(table, self.versions(table, row, lambda: {"account": self.reference()}))

    def _waste(self, table: str) -> None:
        """Rows that are no records: blank ones, what stands below reports, and ids of which digits are lost."""
        rows: list[Row] = [
            {"id": None, "waste": "blank_rows", "text": None} for _ in range(self.rng.choice([0, 0, 1, 3]))
        ]
        if self.is_typed:
            self.add(table, rows)
            return
        rows += [
            {"id": None, "waste": "footer_rows", "text": text}
            for text in self.rng.sample(FOOTERS, self.rng.choice([0, 0, 1, 2]))
        ]
        if self.kind in ("hubspot", "pipedrive") and self.chance(0.3):
            rows.append({"id": None, "waste": "id_lost_digits", "text": "4.46643e+11", "name": self.new_name()})
        self.add(table, rows)


class _Writer:
    """Writes rows of one raw table in the notations that are met."""

    def __init__(self, rng: random.Random, kind: str, columns: dict[str, str]) -> None:
        self.rng, self.kind = rng, kind
        self.columns = {thing: raw.replace("~", " ").split("|") for thing, raw in columns.items()}
        self.slashed = rng.choice(["", "day", "month"])

    def write(self, rows: list[Row]) -> pa.Table:
        written = [self.row(row) for row in rows]
        if self.slashed == "day" and "updated" in self.columns:
            [column] = self.columns["updated"]
            # one value that can be no month tells what all are
            if not any("/" in (row[column] or "") and int(row[column][:2]) > 12 for row in written):
                for row in written:
                    if "/" in (row[column] or ""):
                        day, month, year = row[column].split("/")
                        row[column] = f"{year}-{month}-{day}"
        names = [name for columns in self.columns.values() for name in columns]
        names = list(dict.fromkeys(names))
        return pa.table({name: pa.array([row.get(name) for row in written], pa.string()) for name in names})

    def row(self, row: Row) -> dict[str, str | None]:
        if "text" in row:
            found = dict.fromkeys((name for columns in self.columns.values() for name in columns), None)
            found[self.columns["id"][0]] = row["text"]
            if "name" in self.columns and row.get("name"):
                found[self.columns["name"][0]] = row["name"]
            return found
        things = row | self.derived(row)
        found = {}
        for thing, columns in self.columns.items():
            value = things.get(thing)
            filled = self.rng.choice(columns)
            for column in columns:
                if thing == "deleted":
                    found[column] = self.deleted(column, bool(value) and column == filled)
                elif column == filled and value not in (None, []):
                    found[column] = self.nested(thing, self.value(thing, column, value))
                else:
                    found.setdefault(column, self.rng.choice([None, None, "", " "]))
        return found

    def derived(self, row: Row) -> Row:
        """What raw tables hold of what a row means."""
        found: Row = {}
        state = row.get("state")
        if "closed" in self.columns and state:
            tells = self.rng.choice(["flags", "stage", "both"] if "stage" in self.columns else ["flags"])
            if tells != "stage":
                found |= {"closed": state != "open", "won": state == "won"}
            if tells != "flags":
                found["stage"] = self.stage(state)
        if "status" in self.columns and state:
            found["status"] = state
            if "archived" in self.columns:
                # an open deal that was put away is no pipeline; a deal that was won stays won
                shelved = self.rng.random() < (0.5 if state == "lost" else 0.2 if state == "won" else 0)
                found["archived"] = shelved
                if shelved and state == "lost":
                    found["status"] = self.rng.choice(["open", "lost"])
        if "state" in self.columns and state:
            code = {"open": "0", "won": "1", "lost": "2"}[state]
            found["state"] = self.rng.choice([code, code, f"{code}.0", state.title()])
        if "first" in self.columns:
            found["first"], found["last"] = row["name"].split()
        if "active" in self.columns:
            found["active"] = not row.get("deleted")
            if row.get("deleted") and self.rng.random() < 0.5:
                found["deleted"] = False
            elif row.get("deleted"):
                found["active"] = True
        if "companies" in self.columns and row.get("account"):
            found["companies"] = [row["account"], *row["others"]]
        return found

    def stage(self, state: str) -> str:
        words = {"won": ["Closed Won"], "lost": ["Closed Lost"], "open": ["Proposal", "3 - Qualify"]}[state]
        if self.kind == "salesforce" and state != "open":
            words += [f"{words[0]} - Expansion", f"5 - {words[0]}", words[0].replace(" ", "-"), words[0].upper()]
        elif self.kind == "hubspot":
            words = [{"won": "closedwon", "lost": "closedlost", "open": "qualifiedtobuy"}[state]]
        return self.rng.choice(words)

    # ---------------------------------------------------------------- notations

    def nested(self, thing: str, text: str) -> str:
        if thing in ("companies", "merged") or text.startswith(("{", "[")) or "/" in text or self.rng.random() > 0.06:
            return text
        return json.dumps({"value": text, "timestamp": "2026-01-01"} if self.rng.random() < 0.5 else {"value": text})

    def value(self, thing: str, column: str, value: Any) -> str:
        if thing == "companies" or (thing == "account" and column == "companies"):
            return self.companies(value if isinstance(value, list) else [value])
        if thing == "merged":
            return self.listed(value)
        if thing in IDS:
            return self.id(thing, value)
        if thing == "updated":
            return self.date(value)
        if thing == "extracted":
            return self.rng.choice([f"{value:%Y-%m-%d %H:%M:%S.%f}", f"{value:%Y-%m-%dT%H:%M:%SZ}"])
        if thing in FLAGS:
            return self.rng.choice(TRUE if value else FALSE)
        if thing in AMOUNTS:
            return self.amount(value)
        if thing == "email" and self.kind == "pipedrive" and self.rng.random() < 0.6:
            return json.dumps([{"label": "work", "value": value, "primary": True}])
        return self.rng.choice([value, value, f" {value} "])

    def deleted(self, column: str, value: bool) -> str | None:
        if column.lower().endswith(DATE_MARKS):
            return "2026-02-01T00:00:00Z" if value else self.rng.choice([None, ""])
        return self.rng.choice(TRUE) if value else self.rng.choice([None, "", *FALSE])

    def id(self, thing: str, value: str) -> str:
        rng = self.rng
        ways = [value, value, value, f" {value} "]
        if self.kind == "salesforce" and len(value) == 18:
            ways += [value[:15], value[:15]]
        elif self.kind == "dynamics_365" and "-" in value:
            ways += [value.upper(), f"{{{value}}}", f"{{{value.upper()}}}"]
        elif value.isdigit() and self.kind in ("hubspot", "pipedrive"):
            ways += [f"{value}.0"]
            if thing not in ("language", "type", "pipeline") and value[0] != "0" and len(value) > 1:
                ways.append(f"{value[0]}.{value[1:]}e+{len(value) - 1:02d}")
            if self.kind == "pipedrive" and thing in ("account", "owner"):
                ways += [json.dumps({"id": int(value)}), json.dumps({"value": int(value)})]
        return rng.choice(ways)

    def listed(self, values: list[str]) -> str:
        way = self.rng.choice(["json", "python", "braces", ";", ",", "|", "; "])
        if way == "json":
            return json.dumps(values)
        if way == "python":
            return str(values)
        return f"{{{','.join(values)}}}" if way == "braces" else way.join(values)

    def companies(self, values: list[str]) -> str:
        """A deal's companies, the first of which is its own."""
        key = self.rng.choice(["id", "toObjectId", "company_id", "companies_id", "companyId", "objectId"])
        if len(values) == 1 or self.rng.random() < 0.5:
            if self.rng.random() < 0.6:
                return self.listed(values)
            return json.dumps([{key: value} for value in values])
        own = [{"category": "HUBSPOT_DEFINED", "typeId": 5, "label": "Primary"}]
        other = [{"category": self.rng.choice(["HUBSPOT_DEFINED", "USER_DEFINED"]), "typeId": 341, "label": None}]
        custom = [{"category": "USER_DEFINED", "typeId": 5, "label": "Primary"}]
        objects = [
            {key: value, "associationTypes": other + own if place == 0 else self.rng.choice([other, custom])}
            for place, value in enumerate(values)
        ]
        self.rng.shuffle(objects)
        return json.dumps(objects)

    def date(self, value: datetime) -> str:
        stamp = int((value - datetime(1970, 1, 1)).total_seconds())
        day = f"{value.day} {value:%b %Y}"
        ways = [
            f"{value:%Y-%m-%d}",
            f"{value:%Y-%m-%dT%H:%M:%S.000+0000}",
            f"{value + timedelta(hours=2):%Y-%m-%d %H:%M:%S+02:00}",
            str(stamp),
            str(stamp * 1000),
            f"{value:%Y%m%d}",
            f"{value:%d.%m.%Y}",
            f"{value:%b} {value.day}, {value.year}",
            day,
            day.replace(" ", "-"),
        ]
        if self.slashed:
            ways += [f"{value:%d/%m/%Y}" if self.slashed == "day" else f"{value:%m/%d/%Y}"] * 3
        return self.rng.choice(ways)

    def amount(self, value: Decimal) -> str:
        plain = f"{value:.2f}"
        ways = [plain, plain, f"{value:,.2f}", f"$ {plain}" if value > 0 else plain]
        ways += [plain.replace(".", ","), f"{value:,.2f}".replace(",", "'"), f"{value:,.2f}".replace(",", " ")]
        if abs(value) >= 1000:
            ways.append(f"{value:,.2f}".replace(",", "_").replace(".", ",").replace("_", "."))
        if value < 0:
            ways.append(f"({-value:,.2f})")
        return self.rng.choice(ways)


class _TypedWriter(_Writer):
    """Writes rows with values of their own types, objects and lists, as loaders do that know the CRM's schema."""

    def write(self, rows: list[Row]) -> pa.Table:
        written = [self.row(row) for row in rows]
        fields = {name: self.type(thing, name) for thing, names in self.columns.items() for name in names}
        return pa.table({name: pa.array([row.get(name) for row in written], kind) for name, kind in fields.items()})

    def type(self, thing: str, column: str) -> pa.DataType:
        text, flag = pa.string(), pa.bool_()
        if thing == "companies" or column == "companies":
            association = pa.struct({"category": text, "typeId": pa.int64()})
            return pa.list_(pa.struct({"id": text, "associationTypes": pa.list_(association)}))
        if thing == "merged":
            return pa.list_(text)
        if thing == "account" and self.kind == "pipedrive":
            return pa.struct({"value": pa.int64(), "name": text})
        if thing == "email" and self.kind == "pipedrive":
            return pa.list_(pa.struct({"label": text, "value": text, "primary": flag}))
        if thing == "name" and self.kind != "salesforce":
            return pa.struct({"value": text, "timestamp": text})
        if thing in DATES or (thing == "deleted" and column.lower().endswith(DATE_MARKS)):
            return pa.timestamp("us", "UTC") if thing == "updated" else pa.timestamp("us")
        if thing in FLAGS or thing == "deleted":
            return flag
        if thing in AMOUNTS:
            return pa.decimal128(18, 2)
        if self.kind == "salesforce" or thing not in IDS:
            return text
        # a column of numbers with gaps is one of floats
        return pa.int64() if thing == "id" else pa.float64()

    def deleted(self, column: str, value: bool) -> Any:
        if column.lower().endswith(DATE_MARKS):
            return datetime(2026, 2, 1) if value else None
        return True if value else self.rng.choice([None, False])

    def nested(self, thing: str, text: Any) -> Any:
        return text

    def row(self, row: Row) -> dict[str, Any]:
        found = super().row(row)
        return {name: None if isinstance(value, str) and not value.strip() else value for name, value in found.items()}

    def value(self, thing: str, column: str, value: Any) -> Any:
        kind = self.type(thing, column)
        if column == "companies":
            values = value if isinstance(value, list) else [value]
            own, other = ({"category": who, "typeId": 5} for who in ("HUBSPOT_DEFINED", "USER_DEFINED"))
            items = [
                {"id": item, "associationTypes": [own if place == 0 else other]} for place, item in enumerate(values)
            ]
            return self.rng.sample(items, len(items))
        if thing == "account" and pa.types.is_struct(kind):
            return {"value": int(value), "name": "Somebody"}
        if thing == "email" and pa.types.is_list(kind):
            return [{"label": "work", "value": value, "primary": True}]
        if pa.types.is_struct(kind):
            return {"value": value, "timestamp": "2026-01-01"}
        if pa.types.is_integer(kind):
            return int(value)
        return float(value) if pa.types.is_floating(kind) else value
