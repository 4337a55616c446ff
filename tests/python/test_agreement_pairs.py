"""Pairs of random agreements: what is not shared between us and a partner appears nowhere.

One project, many partners that exchange hashed keys, each with two random statements. Every value is a sentinel: of
ours owners, amounts, deals and contacts; of the partners', who deliver more than is agreed, fields, hashed persons,
statuses, deals and contacts. An oracle, which has no code in common with the package, says what both agreed.

- Out: what leaves to a partner holds exactly what is agreed, by account and field.
- In: every public mart holds of a partner's values those that are agreed, each in a row of its partner and account.
- A second build, in which only differs what is not agreed, gives the same marts: values, rows, counts, alerts, order.
- Models that leak a value, a hash, an order, a count or by a missing row are found by the same checks.

More of them: ACCOUNT_MAPPING_AGREEMENT_PAIRS=200 pytest tests/python/test_agreement_pairs.py
"""

from __future__ import annotations

import copy
import hashlib
import hmac
import os
import random
import re
from collections import ChainMap, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
import pytest
from harness import Project
from loading import properties
from test_agreements import LEVELS, OURS, RULE, THEIRS, Rule, in_force

from exchange import command as exchange

PAIRS = int(os.environ.get("ACCOUNT_MAPPING_AGREEMENT_PAIRS", "40"))
AS_OF = date(2026, 11, 15)
FIRST_RUN = AS_OF - timedelta(days=7)
VERSION = properties("int_account_mapping__match_keys")["config"]["meta"]["normaliser_version"]
VARIABLES = {
    "account_mapping__crms": ["salesforce"],
    "account_mapping__history": True,
    "account_mapping__people": True,
    "account_mapping__as_of": str(AS_OF),
}
SIZES = {"customer": 14, "open_opportunity": 5, "churned": 4, "prospect": 5}
TYPES = {"customer": "Customer", "churned": "Former Customer"}
# what a partner may send of an account, and we of ours
FIELDS = ("name", "owner_name", "owner_email", "open_amount", "deal_stage", "deal_close_date", "last_won_on")
AGREEABLE = (*FIELDS, "status", "person")
SHARED_MODELS = tuple(f"account_mapping__shared_{name}" for name in ("keys", "counts", "fields"))
KEPT_MODELS = ("int_account_mapping__history", "int_account_mapping__deal_history")
PUBLIC = "account_mapping_public"
STRANGERS = ("x0", "x1")

Row = dict[str, Any]


class What(NamedTuple):
    """What a sentinel stands for: whose it is (`us` or a partner), of which of our accounts or its own, which field."""

    owner: str
    account: str
    field: str


# ---------------------------------------------------------------- sentinels


class Mint:
    """Makes values that occur once, and remembers what each stands for, as the text in which it is found."""

    def __init__(self) -> None:
        self.found: dict[str, What] = {}
        # amounts in no order, so that an order by them tells
        self.rng = random.Random(9)

    def word(self, what: What) -> str:
        digits = f"{len(self.found):06d}"
        word = "zq" + "".join("bcdfghklmn"[int(digit)] + "aeiouyaeio"[int(digit)] for digit in digits)
        self.found[word] = what
        for algorithm in ("sha256", "md5"):
            for text in (word, f"{word}@{word}.com"):
                self.found[hashlib.new(algorithm, text.encode()).hexdigest()] = what
        return word

    def day(self, what: What, first: date, step: int = 1) -> str:
        day = first
        while str(day) in self.found:
            day += timedelta(days=step)
        self.found[str(day)] = what
        return str(day)

    def amount(self, what: What) -> str:
        amount = str(100_000_000 + self.rng.randrange(800_000_000))
        while amount in self.found:
            amount = str(100_000_000 + self.rng.randrange(800_000_000))
        self.found[amount] = what
        return amount

    def value(self, what: What) -> str:
        """A value of a partner's field, in the layout that the field has."""
        if what.field == "open_amount":
            return f"{self.amount(what)}.00 USD"
        if what.field == "deal_close_date":
            return self.day(what, date(2030, 1, 1))
        if what.field == "last_won_on":
            return self.day(what, date(1930, 1, 1))
        word = self.word(what)
        return f"{word}@{word}.com" if what.field == "owner_email" else f"{word.title()} {what.field}"


PATTERN = re.compile(
    r"zq[a-z]{12}|\d{4}-\d\d-\d\d|(?<![0-9a-z])\d{9,10}(?![0-9a-z])|(?<![0-9a-f])(?:[0-9a-f]{32}){1,2}"
)


def sentinels(text: str, found: Mapping[str, What]) -> set[What]:
    """What of `found` a text holds, whatever stands around it and in whatever case."""
    return {found[part] for part in PATTERN.findall(text.lower()) if part in found}


# ---------------------------------------------------------------- the world


@dataclass
class Account:
    """An account of ours. `open_deals` and `wins` have the one first of which the stage, day or win is told."""

    key: str
    status: str
    domain: str
    values: dict[str, str | None]
    open_deals: list[Row] = field(default_factory=list)
    wins: list[Row] = field(default_factory=list)
    losses: list[Row] = field(default_factory=list)
    contacts: list[str] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)
    segment: str = "small"

    @property
    def account_id(self) -> str:
        return f"salesforce:{self.key}IAA"


@dataclass
class Known:
    """An account of a partner, under the key of ours or of nobody's: told status, fields, persons, deals, contacts."""

    status: str | None
    fields: dict[str, str]
    persons: list[str]
    deals: list[Row] = field(default_factory=list)
    contacts: list[str] = field(default_factory=list)


@dataclass
class Partner:
    """A partner that exchanges hashes: what we say to it, what it says, and what it delivers."""

    partner_id: str
    ours: list[Rule]
    theirs: list[Rule]
    is_active: bool
    accounts: dict[str, Known]
    # accounts that it does not have yet at the first run
    late: set[str]


@dataclass
class World:
    accounts: dict[str, Account]
    partners: dict[str, Partner]
    mint: Mint


def random_statement(rng: random.Random, partner_id: str, is_generous: bool) -> list[Rule]:
    """A side's rules: from nothing to all but one or two fields, with exceptions for single statuses and days."""
    # -1 ends a rule between the two runs
    shifts = (-300, -8, -1, -1, 0, 1, 300)

    def rule(direction: str, own: str, other: str, levels: tuple[str, ...], least: int) -> Rule:
        return {
            "partner_id": partner_id,
            "direction": direction,
            "our_status": own,
            "partner_status": other,
            "level": rng.choice(levels),
            "fields": ";".join(rng.sample(AGREEABLE, rng.randint(least, len(AGREEABLE)))),
            "minimum_count": rng.choice(("", "10", "11")),
            "valid_from": str(AS_OF + timedelta(days=rng.choice(shifts))) if rng.random() < 0.1 else "",
            "valid_until": str(AS_OF + timedelta(days=rng.choice(shifts))) if rng.random() < 0.15 else "",
        }

    rules = []
    for direction in ("offered", "accepted"):
        if is_generous:
            rules.append(rule(direction, "*", "*", ("overlapping", "all", "all"), len(AGREEABLE) - 1))
        elif rng.random() < 0.9:
            rules.append(rule(direction, "*", "*", (*LEVELS, "overlapping", "all"), len(AGREEABLE) - 3))
        for _ in range(rng.choice((0, 0, 1) if is_generous else (0, 1, 2, 4))):
            own, other = rng.choice(("*", *OURS)), rng.choice(("*", *THEIRS))
            rules.append(rule(direction, own, other, (*LEVELS, "overlapping", "all"), 2))
    return rules


def our_account(number: int, status: str, mint: Mint) -> Account:
    key = f"001A{number:011d}"

    def what(name: str) -> What:
        return What("us", key, name)

    def win() -> Row:
        return {"stage": mint.word(what("stage of a win")), "amount": mint.amount(what("amount of a win"))}

    owner = mint.word(what("owner_email"))
    made = Account(
        key,
        status,
        f"{mint.word(what('website'))}.com",
        {
            "name": f"{mint.word(what('name')).title()} Works",
            "owner_name": mint.word(what("owner_name")),
            "owner_email": f"{owner}@{owner}.com",
        },
    )
    if status in ("customer", "open_opportunity"):
        for place in range(2):
            kind = "" if place == 0 else " of another deal"
            made.open_deals.append(
                {
                    "stage": mint.word(what(f"deal_stage{kind}")),
                    "amount": mint.amount(what("amount of one deal")),
                    "close_date": mint.day(what(f"deal_close_date{kind}"), date(2060, 1, 1)),
                    "probability": 80 - 60 * place,
                }
            )
    if status in ("customer", "churned"):
        made.wins = [
            win() | {"close_date": mint.day(what("last_won_on"), date(1929, 12, 31), -1)},
            win() | {"close_date": mint.day(what("an earlier win"), date(1899, 12, 31), -1)},
        ]
    if status == "prospect":
        made.losses = [win() | {"close_date": mint.day(what("a loss"), date(1899, 12, 31), -1)}]
    for _ in range(3):
        person = mint.word(what("person"))
        made.contacts.append(f"{person}@{person}.com")
        made.titles.append(mint.word(what("title of a person")))
    tell_deals(made, mint)
    return made


def tell_deals(account: Account, mint: Mint) -> None:
    """What is told of an account's deals, from its deals: the leading open one, the sum of all, the last win."""
    leading, last = account.open_deals[:1], account.wins[:1]
    total = sum(Decimal(deal["amount"]) for deal in account.open_deals)
    account.values |= {
        "open_amount": f"{total:.2f} USD",
        "deal_stage": leading[0]["stage"] if leading else None,
        "deal_close_date": leading[0]["close_date"] if leading else None,
        "last_won_on": last[0]["close_date"] if last else None,
    }
    if total:
        mint.found[str(total)] = What("us", account.key, "open_amount")


def partner_account(partner_id: str, key: str, world: World, rng: random.Random) -> Known:
    """An account as a partner delivers it: every field, whatever is agreed."""
    mint = world.mint
    ours = world.accounts[key].contacts if key in world.accounts else []
    made = Known(
        rng.choice(("customer", "customer", "customer", "open_opportunity", "prospect", "churned", None)),
        {name: mint.value(What(partner_id, key, name)) for name in FIELDS if rng.random() < 0.9},
        [*rng.sample(ours, rng.randint(0, len(ours))), *strangers(rng)],
    )
    add_readable(made, partner_id, key, mint, rng)
    return made


def strangers(rng: random.Random) -> list[str]:
    """Addresses that only the partner has; their hashes alone are delivered."""
    return [f"p{rng.getrandbits(60):x}@stranger.com" for _ in range(rng.randint(0, 3))]


def add_readable(known: Known, partner_id: str, key: str, mint: Mint, rng: random.Random) -> None:
    """Deals and contacts in plain, which no agreement on hashes lets in."""
    known.deals, known.contacts = [], []
    if rng.random() < 0.3:
        known.deals = [
            {
                "deal_id": f"D{key}",
                "stage": mint.word(What(partner_id, key, "stage of a partner's deal")),
                "amount": mint.amount(What(partner_id, key, "amount of a partner's deal")),
                "is_won": rng.choice(("true", "false", "")),
                "opened_on": "2026-11-01",
            }
        ]
        known.contacts = [mint.word(What(partner_id, key, "contact"))]


def make_world(pairs: int) -> World:
    rng = random.Random(20261115)
    mint = Mint()
    accounts, number = {}, 0
    for status, size in SIZES.items():
        for _ in range(size):
            number += 1
            account = our_account(number, status, mint)
            accounts[account.key] = account
    world = World(accounts, {}, mint)
    for place in range(pairs):
        partner_id = f"p{place:03d}"
        partner = Partner(
            partner_id,
            random_statement(rng, partner_id, place % 3 == 1),
            random_statement(rng, partner_id, place % 3 == 1),
            place % 20 != 7,
            {},
            set(),
        )
        kept = [key for key in accounts if rng.random() < 0.92]
        for key in (*kept, *STRANGERS):
            partner.accounts[key] = partner_account(partner_id, key, world, rng)
        partner.late = set(rng.sample(kept, 3))
        world.partners[partner_id] = partner
    return world


# ---------------------------------------------------------------- the oracle


class Agreed:
    """What one pair of statements lets cross on a day, as docs/agreements_and_exchange.md and docs/people.md say it."""

    def __init__(self, world: World, partner: Partner, as_of: date = AS_OF) -> None:
        self.world, self.partner = world, partner
        self.cells = in_force(partner.ours, partner.theirs, as_of)
        self.is_active = partner.is_active

    def cell(self, direction: str, ours: str, theirs: str) -> tuple[int, set[str]]:
        level, fields, _ = self.cells[direction, ours, theirs]
        return LEVELS.index(level), set(fields.split(";")) - {""}

    def open_cells(self, direction: str, ours: str | None = None, theirs: str | None = None) -> list[set[str]]:
        """The fields of each cell of a status in which keys cross."""
        return [
            self.cell(direction, our, their)[1]
            for our in OURS
            for their in THEIRS
            if ours in (None, our) and theirs in (None, their) and self.cell(direction, our, their)[0] >= 2
        ]

    # -------- out

    def is_hashed(self, key: str) -> bool:
        """Whether an account is compared with the partner's at all: under counts it is, here."""
        status = self.world.accounts[key].status
        return self.is_active and any(self.cell("out", status, their)[0] >= 1 for their in THEIRS)

    def keys_leave(self, key: str) -> bool:
        return self.is_active and bool(self.open_cells("out", ours=self.world.accounts[key].status))

    def leaves_with_keys(self, key: str, name: str) -> bool:
        """Whether `status` or `person` goes along with an account's keys: every cell that lets them leave names it."""
        cells = self.open_cells("out", ours=self.world.accounts[key].status)
        return self.is_active and bool(cells) and all(name in fields for fields in cells)

    def fields_that_leave(self, key: str) -> set[str]:
        if not self.keys_leave(key):
            return set()
        status = self.world.accounts[key].status
        if key in self.partner.accounts:
            level, fields = self.cell("out", status, self.told_status(key))
            return fields if level >= 2 else set()
        cells = [self.cell("out", status, their) for their in THEIRS]
        return set.intersection(*(fields if level == 3 else set() for level, fields in cells))

    # -------- in

    def is_status_agreed(self, status: str) -> bool:
        """Whether the partner may tell a status: every cell that lets its keys come names it, or it is counted only."""
        levels = [self.cell("in", our, status)[0] for our in OURS]
        return max(levels) >= 1 and all("status" in fields for fields in self.open_cells("in", theirs=status))

    def told_status(self, key: str) -> str:
        status = self.partner.accounts[key].status
        return status if status and self.is_status_agreed(status) else "not_shared"

    def is_linked(self, key: str) -> bool:
        return key in self.partner.accounts and key in self.world.accounts and self.is_hashed(key)

    def fields_that_come(self, key: str) -> set[str]:
        if not self.is_active:
            return set()
        told = self.told_status(key)
        if key in STRANGERS:
            cells = [self.cell("in", our, told) for our in OURS]
            return set.intersection(*(fields if level == 3 else set() for level, fields in cells))
        if not self.is_linked(key):
            return set()
        ours = self.world.accounts[key].status
        if told == "not_shared":
            # any of the partner's statuses may be meant
            return set().union(*self.open_cells("in", ours=ours))
        level, fields = self.cell("in", ours, told)
        return fields if level >= 2 else set()

    def persons_come(self, key: str) -> bool:
        if not self.is_linked(key):
            return False
        level, fields = self.cell("in", self.world.accounts[key].status, self.told_status(key))
        return level >= 2 and "person" in fields and self.leaves_with_keys(key, "person")


def agreed_in(world: World) -> dict[str, Agreed]:
    return {partner_id: Agreed(world, partner) for partner_id, partner in world.partners.items()}


# ---------------------------------------------------------------- worlds that differ in what is not agreed


def with_other_hidden_input(world: World) -> World:
    """The same world but for what partners deliver beyond what is agreed: other values, more of them, or none."""
    made = copy.deepcopy(world)
    rng = random.Random(5)
    before = {
        partner_id: (Agreed(world, partner, FIRST_RUN), Agreed(world, partner))
        for partner_id, partner in world.partners.items()
    }
    for place, (partner_id, partner) in enumerate(made.partners.items()):
        days = before[partner_id]
        removes = place % 3 == 0
        for key, known in partner.accounts.items():
            for name in FIELDS:
                if not any(name in day.fields_that_come(key) for day in days):
                    known.fields.pop(name, None)
                    if not removes:
                        known.fields[name] = made.mint.value(What(partner_id, key, name))
            if not any(day.persons_come(key) for day in days):
                ours = made.accounts[key].contacts if key in made.accounts else []
                known.persons = [] if removes else [*rng.sample(ours, rng.randint(0, len(ours))), *strangers(rng)]
            told = known.status
            hidden = [status for status in OURS if not any(day.is_status_agreed(status) for day in days)]
            if told is None or told in hidden:
                known.status = None if removes else rng.choice([None, *hidden])
            add_readable(known, partner_id, key, made.mint, rng)
            if removes:
                known.deals, known.contacts = [], []
    return made


CHANGED_STATUSES = ("open_opportunity", "churned")
CHANGED_FIELDS = ("owner_name", "owner_email", "open_amount", "deal_stage", "deal_close_date", "last_won_on")


def with_other_accounts_of_ours(world: World) -> World:
    """Other deals that are never told and other titles everywhere; other owners, deals and persons for two statuses."""
    made = copy.deepcopy(world)
    mint = made.mint
    for key, account in made.accounts.items():

        def what(name: str, key: str = key) -> What:
            return What("us", key, name)

        for deal in (*account.open_deals[1:], *account.wins[1:], *account.losses):
            deal["stage"] = mint.word(what("stage of another deal"))
        for deal in (*account.wins, *account.losses):
            deal["amount"] = mint.amount(what("amount of a win"))
        account.losses = account.losses * 2
        account.titles = [mint.word(what("title of a person")) for _ in account.titles]
        account.segment = "large"
        if account.status in CHANGED_STATUSES:
            owner = mint.word(what("owner_email"))
            account.values |= {"owner_name": mint.word(what("owner_name")), "owner_email": f"{owner}@{owner}.com"}
            for deal in account.open_deals:
                deal["amount"] = mint.amount(what("amount of one deal"))
            for deal in account.open_deals[:1]:
                deal["stage"] = mint.word(what("deal_stage"))
                deal["close_date"] = mint.day(what("deal_close_date"), date(2060, 1, 1))
            for deal in account.wins[:1]:
                deal["close_date"] = mint.day(what("last_won_on"), date(1929, 12, 31), -1)
            person = mint.word(what("person"))
            account.contacts = [f"{person}@{person}.com"]
            tell_deals(account, mint)
    return made


# ---------------------------------------------------------------- the project


def secret_of(partner_id: str) -> str:
    return hashlib.sha256(f"the secret of {partner_id} in this test".encode()).hexdigest()


class Tokens:
    """Keyed hashes as SECURITY.md describes them, from the standard library alone."""

    def __init__(self) -> None:
        self.keys: dict[tuple[str, str], bytes] = {}

    def __call__(self, partner_id: str, key_type: str, value: str) -> str:
        pair = (partner_id, key_type)
        if pair not in self.keys:
            parts = [b"account-mapping/v1", *(part.encode() for part in ("pact", "1", key_type, VERSION))]
            info = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
            extracted = hmac.digest(bytes(32), bytes.fromhex(secret_of(partner_id)), "sha256")
            self.keys[pair] = hmac.digest(extracted, info + b"\1", "sha256")
        return hmac.digest(self.keys[pair], value.encode(), "sha256").hex()


token = Tokens()


def their_token(partner_id: str, key: str) -> str:
    return token(partner_id, "account", f"theirs {key}")


def write_settings(project: Project, world: World) -> None:
    lists = [{"partner_id": "nimbus", "partner_name": "Nimbus", "exchange": "list", "is_active": "true"}]
    project.write_seed(
        "account_mapping__partners",
        [
            *(
                {"partner_id": i, "partner_name": f"Partner {i}", "exchange": "keys", "agreement_id": "pact",
                 "epoch": "1", "is_active": str(partner.is_active).lower()}
                for i, partner in world.partners.items()
            ),
            *lists,
        ],
    )  # fmt: skip
    rules = [rule for partner in world.partners.values() for rule in partner.ours]
    project.write_seed("account_mapping__sharing_agreements", rules, RULE)


def salesforce_tables(world: World) -> dict[str, list[Row]]:
    accounts, users, deals, contacts = [], [], [], []
    for number, account in enumerate(world.accounts.values()):
        user = f"005A{number:011d}AAA"
        users.append({"id": user, "name": account.values["owner_name"], "email": account.values["owner_email"]})
        accounts.append(
            {"id": account.key, "name": account.values["name"], "website": account.domain, "owner_id": user,
             "type": TYPES.get(account.status, "Prospect"), "segment": account.segment}
        )  # fmt: skip
        for kind, rows in (("open", account.open_deals), ("won", account.wins), ("lost", account.losses)):
            for row in rows:
                deals.append(
                    {
                        "id": f"006A{len(deals):011d}",
                        "account_id": account.key,
                        "owner_id": user,
                        "name": f"Deal {len(deals)}",
                        "stage_name": row["stage"],
                        "amount": row["amount"],
                        "close_date": row["close_date"],
                        "probability": str(row.get("probability", "")),
                        "is_closed": str(kind != "open").lower(),
                        "is_won": str(kind == "won").lower(),
                    }
                )
        for place, (email, title) in enumerate(zip(account.contacts, account.titles, strict=False)):
            contacts.append(
                {"id": f"003A{number:09d}{place:02d}", "account_id": account.key, "email": email, "title": title}
            )
    return {
        "salesforce.account": accounts,
        "salesforce.user": users,
        "salesforce.opportunity": deals,
        "salesforce.contact": contacts,
    }


def partner_tables(world: World, is_first_run: bool) -> dict[str, list[Row]]:
    """What the partners delivered until a run, beyond all agreements; and Nimbus's readable list, handed over."""
    keys, fields, deals, contacts = [], [], [], []
    for partner_id, partner in world.partners.items():
        common = {"partner_id": partner_id, "agreement_id": "pact", "epoch": "1"}
        for key, known in partner.accounts.items():
            if is_first_run and key in partner.late:
                continue
            account = their_token(partner_id, key)
            domain = world.accounts[key].domain if key in world.accounts else f"{partner_id}{key}.com"
            tokens = [("domain", domain), *(("person", person) for person in known.persons)]
            keys += [
                {**common, "normaliser_version": VERSION, "key_type": key_type, "status": known.status,
                 "token": token(partner_id, key_type, value), "account_token": account, "parent_account_token": None}
                for key_type, value in tokens
            ]  # fmt: skip
            ours = token(partner_id, "account", world.accounts[key].account_id) if key in world.accounts else None
            fields += [
                {**common, "account_token": account, "partner_account_token": ours, "field": name, "value": value}
                for name, value in known.fields.items()
            ]
            deals += [{"partner_id": partner_id, "account_id": account, **deal} for deal in known.deals]
            contacts += [
                {"partner_id": partner_id, "account_id": account, "email": f"{word}@{word}.com", "title": word}
                for word in known.contacts
            ]
    listed = [
        {"partner_id": "nimbus", "account_id": key, "website": account.domain, "status": "customer",
         "owner_email": "eve@nimbus.com"}
        for place, (key, account) in enumerate(world.accounts.items())
        if not is_first_run or place % 3
    ]  # fmt: skip
    deals += [
        {"partner_id": "nimbus", "account_id": row["account_id"], "deal_id": f"N{place}", "stage": "Offer",
         "amount": "500", "is_won": "" if is_first_run else "true", "opened_on": "2026-11-01"}
        for place, row in enumerate(listed)
        if place % 4 == 1
    ]  # fmt: skip
    contacts += [
        {"partner_id": "nimbus", "account_id": row["account_id"], "email": f"n{place}@stranger.com", "title": "Buyer"}
        for place, row in enumerate(listed)
    ]
    return {
        "partners.partner_agreements": [
            rule | {"minimum_count": int(rule["minimum_count"]) if rule["minimum_count"] else None}
            for partner in world.partners.values()
            for rule in partner.theirs
        ],
        "partners.partner_keys": keys,
        "partners.partner_fields": fields,
        "partners.partner_deals": deals,
        "partners.partner_contacts": contacts,
        "partners.partner_accounts": listed,
    }


# Each leaks in one way what is not agreed; the names say which.
LEAKY_MODELS = {
    "leaky_stage": """
        select partner_id, field_value as stage from {{ ref('stg_account_mapping__partner_fields') }}
        where field = 'deal_stage'
    """,
    "leaky_sentence": """
        select partner_id, 'It won ' || upper(stage) || ' there.' as what
        from {{ ref('stg_account_mapping__partner_deals') }} where partner_id <> 'nimbus'
    """,
    "leaky_order": """
        select shared.partner_id, shared.account_id
        from {{ ref('account_mapping__overlaps') }} as shared
        left join {{ ref('stg_account_mapping__partner_fields') }} as fields
            on
                shared.partner_id = fields.partner_id
                and shared.partner_account_id = fields.account_token
                and fields.field = 'open_amount'
        order by shared.partner_id, fields.field_value, shared.account_id
    """,
    "leaky_count": """
        select partner_id, count(*) as persons from {{ ref('stg_account_mapping__partner_keys') }}
        where key_type = 'person' group by partner_id
    """,
    "leaky_alert": """
        select shared.partner_id, shared.account_id, 'Look at this account.' as text
        from {{ ref('account_mapping__overlaps') }} as shared
        inner join {{ ref('stg_account_mapping__partner_deals') }} as deals
            on shared.partner_id = deals.partner_id and shared.partner_account_id = deals.account_id
        where deals.partner_id <> 'nimbus'
    """,
    "leaky_missing_row": """
        select shared.partner_id, shared.account_id from {{ ref('account_mapping__overlaps') }} as shared
        left join {{ ref('stg_account_mapping__partner_fields') }} as fields
            on
                shared.partner_id = fields.partner_id
                and shared.partner_account_id = fields.account_token
                and fields.field = 'name'
        where fields.field is null
    """,
}
LEAKY_OUT = {
    "leaky_out_stage": """
        select tokens.partner_id, tokens.token as account_token, progress.deal_stage as value
        from {{ ref('int_account_mapping__match_keys') }} as tokens
        inner join {{ ref('int_account_mapping__account_progress') }} as progress
            on tokens.account_id = progress.account_id
        where tokens.key_type = 'account'
    """,
    "leaky_out_hash": """
        select tokens.partner_id, tokens.token as account_token, sha256(people.email) as value
        from {{ ref('int_account_mapping__match_keys') }} as tokens
        inner join {{ ref('int_account_mapping__account_people') }} as people
            on tokens.account_id = people.account_id
        where tokens.key_type = 'account' and people.side = 'ours'
    """,
    "leaky_out_order": """
        select tokens.partner_id, tokens.token as account_token
        from {{ ref('int_account_mapping__match_keys') }} as tokens
        inner join {{ ref('int_account_mapping__account_statuses') }} as statuses
            on tokens.account_id = statuses.account_id
        where tokens.key_type = 'account'
        order by tokens.partner_id, statuses.open_amount, tokens.token
    """,
}


def build(folder: Path, world: World) -> Project:
    """The world in a project of its own, after its first run and today's."""
    project = Project(folder, VARIABLES)
    models = project.folder / "models"
    models.mkdir()
    for name, sql in (LEAKY_MODELS | LEAKY_OUT).items():
        (models / f"{name}.sql").write_text("{{ config(materialized='table') }}\n" + sql)
    write_settings(project, world)
    rng = random.Random(f"{folder} rows")
    kept = [f"+{name}" for name in KEPT_MODELS]
    for as_of, selection in ((FIRST_RUN, kept), (AS_OF, [f"+tag:{PUBLIC}", *LEAKY_MODELS, *LEAKY_OUT])):
        for name, rows in (salesforce_tables(world) | partner_tables(world, as_of == FIRST_RUN)).items():
            # in whatever order rows arrive
            rng.shuffle(rows)
            project.write_table(name, rows)
        project.make(*selection, variables={"account_mapping__as_of": str(as_of)})
    return project


@dataclass(frozen=True)
class Built:
    """A world, the same with other input that is not agreed, and the same with other accounts of ours; each built."""

    worlds: tuple[World, World, World]
    projects: tuple[Project, ...]
    marts: tuple[str, ...]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    world = make_world(PAIRS)
    worlds = (world, with_other_hidden_input(world), with_other_accounts_of_ours(world))
    folder = tmp_path_factory.mktemp("pairs")
    with pytest.MonkeyPatch.context() as patch:
        for partner_id in world.partners:
            patch.setenv(f"ACCOUNT_MAPPING_SECRET_{partner_id.upper()}", secret_of(partner_id))
        projects = tuple(build(folder / f"project{place}", made) for place, made in enumerate(worlds))
        nodes = projects[0].parsed().nodes.values()
        marts = sorted(node.alias for node in nodes if PUBLIC in node.tags and node.resource_type == "model")
        assert len(marts) > 20
        yield Built(worlds, projects, tuple(marts))


def rows_in_order(project: Project, model: str, where: str = "true") -> list[Row]:
    return project.query(f'select * from "{model}" where {where}')


# ---------------------------------------------------------------- what leaves


def rows_that_leave(project: Project, models: tuple[str, ...] = SHARED_MODELS) -> dict[str, dict[str, list[Row]]]:
    """The rows of each model, in order, by partner."""
    found: dict[str, dict[str, list[Row]]] = defaultdict(lambda: {model: [] for model in models})
    for model in models:
        for row in rows_in_order(project, model):
            found[row["partner_id"]][model].append(row)
    return found


def agreed_to_leave(world: World, agreed: Agreed) -> tuple[set, set, set]:
    """(field rows, accounts by status that keys tell, tokens of persons) that should leave to a partner."""
    partner_id = agreed.partner.partner_id
    fields, accounts, persons = set(), set(), set()
    for key, account in world.accounts.items():
        ours = token(partner_id, "account", account.account_id)
        theirs = their_token(partner_id, key) if key in agreed.partner.accounts else None
        values = account.values | {"status": account.status}
        for name in agreed.fields_that_leave(key) - {"person"}:
            if values[name] is not None:
                fields.add((ours, theirs, name, values[name]))
        if agreed.keys_leave(key):
            accounts.add((ours, account.status if agreed.leaves_with_keys(key, "status") else None))
            if agreed.leaves_with_keys(key, "person"):
                persons |= {(ours, token(partner_id, "person", person)) for person in account.contacts}
    return fields, accounts, persons


def found_to_leave(rows: dict[str, list[Row]]) -> tuple[set, set, set]:
    keys = rows["account_mapping__shared_keys"]
    return (
        {
            (row["account_token"], row["partner_account_token"], row["field"], row["value"])
            for row in rows["account_mapping__shared_fields"]
        },
        {(row["account_token"], row["status"]) for row in keys},
        {(row["account_token"], row["token"]) for row in keys if row["key_type"] == "person"},
    )


def leaks_to(world: World, agreed: Agreed, rows: dict[str, list[Row]]) -> list[tuple]:
    """Sentinels and hashes of persons in what leaves to a partner that are not agreed, or stand at another account."""
    partner_id = agreed.partner.partner_id
    accounts = {token(partner_id, "account", account.account_id): key for key, account in world.accounts.items()}
    persons = {
        token(partner_id, "person", person): What("us", key, "person")
        for key, account in world.accounts.items()
        for person in account.contacts
    }
    known = ChainMap(persons, world.mint.found)
    allowed = {key: agreed.fields_that_leave(key) - {"person"} for key in world.accounts}
    for key in world.accounts:
        if agreed.leaves_with_keys(key, "person"):
            allowed[key] |= {"person"}
    return [
        (model, *what)
        for model, made in rows.items()
        for row in made
        for what in sentinels(repr(tuple(row.values())), known)
        if what.owner != "us"
        or what.account != accounts.get(row.get("account_token"))
        or what.field not in allowed[what.account]
        or (what.field == "person" and row.get("key_type") != "person")
    ]


def test_the_pairs_hold_something_of_all(built):
    """Else a test that finds nothing would mean nothing."""
    agreed = agreed_in(built.worlds[0])
    accounts = built.worlds[0].accounts
    linked = [(each, key) for each in agreed.values() for key in accounts if each.is_linked(key)]
    for direction in ("fields_that_leave", "fields_that_come"):
        sizes = [len(getattr(each, direction)(key)) for each, key in linked]
        assert min(sizes) == 0 and max(sizes) == len(AGREEABLE)
        assert sizes.count(0) > len(sizes) / 10 and sum(size > 3 for size in sizes) > len(sizes) / 10
    assert sum(each.persons_come(key) for each, key in linked) > PAIRS
    assert sum(not each.persons_come(key) for each, key in linked) > PAIRS
    assert any(each.fields_that_come(key) for each in agreed.values() for key in STRANGERS)
    assert any(
        each.fields_that_leave(key) for each in agreed.values() for key in accounts.keys() - each.partner.accounts
    )
    assert {each.is_active for each in agreed.values()} == {True, False}
    days = {each: Agreed(built.worlds[0], each.partner, FIRST_RUN).cells != each.cells for each in agreed.values()}
    assert sum(days.values()) > PAIRS / 20


@pytest.mark.parametrize("which", range(3))
def test_what_leaves_is_what_both_agreed_to_by_account_and_field(built, which):
    project, world = built.projects[which], built.worlds[which]
    leaving = rows_that_leave(project)
    assert leaving.keys() <= world.partners.keys()
    assert sum(len(rows) for models in leaving.values() for rows in models.values()) > 100 * PAIRS
    for partner_id, agreed in agreed_in(world).items():
        rows = leaving[partner_id]
        assert leaks_to(world, agreed, rows) == [], partner_id
        assert found_to_leave(rows) == agreed_to_leave(world, agreed), partner_id
        cells = {(row["our_status"], row["partner_status"]) for row in rows["account_mapping__shared_counts"]}
        assert all(agreed.cell("out", *cell)[0] >= 1 for cell in cells), partner_id


def test_counts_leave_rounded_of_agreed_cells_and_some_do(built):
    counts = rows_in_order(built.projects[0], "account_mapping__shared_counts")
    told = [row["companies"] for row in counts if row["companies"] is not None]
    assert told and all(count >= 10 and count % 5 == 0 for count in told)


# ---------------------------------------------------------------- what comes


def agreed_to_come(agreed: Agreed) -> dict[tuple[str, str], set[str]]:
    """Fields of each account of each partner that may be read."""
    return {key: agreed.fields_that_come(key) - {"person", "status"} for key in agreed.partner.accounts}


# Hashes leave with the keys, and our own preview says whose, as docs/people.md tells.
OF_OUR_PERSONS = ("account_mapping__shared_keys", "account_mapping__sharing_preview")


def leaks_in(world: World, project: Project, marts: tuple[str, ...]) -> list[tuple]:
    """Partners' sentinels in marts that are not agreed or stand in a row of another partner or account; and contacts.

    A row that names no partner may hold none at all, and one that names no account only if it is of a pair of owners.
    """
    agreed = {partner_id: agreed_to_come(each) for partner_id, each in agreed_in(world).items()}
    ours = {account.account_id: key for key, account in world.accounts.items()}
    theirs = {
        their_token(partner_id, key): key for partner_id, partner in world.partners.items() for key in partner.accounts
    }
    found = []
    for mart in marts:
        for row in rows_in_order(project, mart):
            for what in sentinels(repr(tuple(row.values())), world.mint.found):
                if what.owner == "us":
                    # our own tables may tell of our own accounts, but of nobody whom we know there
                    is_leak = what.field in ("person", "title of a person") and mart not in OF_OUR_PERSONS
                else:
                    named = {ours.get(row.get("account_id")), theirs.get(row.get("partner_account_id"))} - {None}
                    is_leak = (
                        what.field not in agreed[what.owner][what.account]
                        or row.get("partner_id") != what.owner
                        or (named != {what.account} and mart != "account_mapping__owner_pairs")
                    )
                if is_leak:
                    found.append((mart, *what))
    return found


@pytest.mark.parametrize("which", [0, 1])
def test_nothing_of_a_partner_is_in_a_mart_but_what_both_agreed_to(built, which):
    assert leaks_in(built.worlds[which], built.projects[which], built.marts) == []


def test_what_both_agreed_to_is_there(built):
    """By our accounts: the fields, told status and persons of each overlap."""
    world = built.worlds[0]
    ours = {key: account.account_id for key, account in world.accounts.items()}
    overlaps = {
        (row["partner_id"], row["account_id"], row["partner_account_id"]): row
        for row in rows_in_order(built.projects[0], "account_mapping__overlaps", "partner_id <> 'nimbus'")
    }
    people = {
        (row["partner_id"], row["account_id"]): row
        for row in rows_in_order(built.projects[0], "account_mapping__people", "partner_id <> 'nimbus'")
    }
    expected, expected_people = {}, {}
    for partner_id, agreed in agreed_in(world).items():
        sends_persons = any(
            agreed.persons_come(key) and known.persons for key, known in agreed.partner.accounts.items()
        )
        for key, known in agreed.partner.accounts.items():
            if not agreed.is_linked(key):
                continue
            fields = agreed.fields_that_come(key)
            told = {name: value for name, value in known.fields.items() if name in fields}
            expected[partner_id, ours[key], their_token(partner_id, key)] = {
                "partner_status": agreed.told_status(key),
                "partner_account_name": told.get("name"),
                "partner_owner": told.get("owner_name", told.get("owner_email")),
                "partner_owner_email": told.get("owner_email"),
                # a missing amount counts 0
                "partner_open_amount": told.get("open_amount", "0.00").removesuffix(" USD"),
                **{f"partner_{name}": told.get(name) for name in ("deal_stage", "deal_close_date", "last_won_on")},
            }
            we, they = set(world.accounts[key].contacts), set(known.persons)
            state = "counted" if sends_persons else "not_sent"
            numbers = (len(they), len(we & they), len(we - they), len(they - we))
            expected_people[partner_id, ours[key]] = (
                (state, *(numbers if sends_persons else [None] * 4))
                if agreed.persons_come(key)
                else ("not_agreed", *[None] * 4)
            )
    columns = next(iter(expected.values()))
    found = {
        key: {name: None if row[name] is None else str(row[name]) for name in columns} for key, row in overlaps.items()
    }
    assert found == expected
    numbers = ("people_state", "partner_contacts", "shared_contacts", "only_our_contacts", "only_partner_contacts")
    assert {key: tuple(row[name] for name in numbers) for key, row in people.items()} == expected_people


def told_on(agreed: Agreed, key: str, name: str, as_of: date) -> bool:
    """Whether a run of a day sees a field of an overlap."""
    day = Agreed(agreed.world, agreed.partner, as_of)
    is_there = as_of == AS_OF or key not in agreed.partner.late
    return is_there and day.is_linked(key) and name in day.fields_that_come(key)


def test_signals_of_agreed_fields_are_those_that_are_agreed_today_since_the_first_run_that_saw_them(built):
    """Stages and wins of hashed partners, by our accounts; and some that the first run saw are not agreed any more."""
    world = built.worlds[0]
    expected, ended = set(), 0
    for partner_id, agreed in agreed_in(world).items():
        for key, account in world.accounts.items():
            if key not in agreed.partner.accounts:
                continue
            fields, theirs = agreed.partner.accounts[key].fields, their_token(partner_id, key)
            for name, signal in (("deal_stage", "deal_opened"), ("last_won_on", "deal_won")):
                value = fields.get(name)
                days = [day for day in (FIRST_RUN, AS_OF) if told_on(agreed, key, name, day)]
                if value is None or not days:
                    continue
                if days[-1] != AS_OF:
                    ended += 1
                    continue
                told = (value, None) if name == "deal_stage" else (None, value)
                expected.add((partner_id, account.account_id, theirs, signal, *told, str(days[0])))
    found = {
        (row["partner_id"], row["account_id"], row["partner_account_id"], row["signal"], row["to_value"],
         row["happened_on"] and str(row["happened_on"]), str(row["first_seen_on"]))
        for row in rows_in_order(
            built.projects[0], "account_mapping__signals", "partner_id <> 'nimbus' and deal_id is not null"
        )
    }  # fmt: skip
    assert found == expected
    assert len(expected) > 5 * PAIRS and ended > 0


# ---------------------------------------------------------------- nothing depends on what is not agreed


# What is for our own eyes and tells, with a number, that rows were delivered which are not used. It never leaves.
NUMBERS_OF_UNUSED_ROWS = {
    "account_mapping__data_issues": """
        problem not in (
            'field_not_agreed', 'person_keys_not_used', 'status_not_agreed', 'readable_rows_of_hashed_partner',
            'inactive_partner'
        )
    """,
    "account_mapping__inputs": """
        input not in ('partners.partner_keys', 'partners.partner_fields', 'partners.partner_deals',
            'partners.partner_contacts')
    """,
}


def differences(one: Project, other: Project, marts: tuple[str, ...]) -> dict[str, int]:
    """Marts that are not the same rows in both projects, with how many rows differ; 0 where only the order does.

    A view has no order of its own, so that its rows are compared sorted.
    """
    found = {}
    views = {row["view_name"] for row in one.query("select view_name from duckdb_views()")}
    for mart in marts:
        where = NUMBERS_OF_UNUSED_ROWS.get(mart, "true")
        left, right = ([repr(row) for row in rows_in_order(each, mart, where)] for each in (one, other))
        if mart in views:
            left, right = sorted(left), sorted(right)
        if left != right:
            found[mart] = len(set(left) ^ set(right))
    return found


def apart_from_what_changed(
    world: World, partner_id: str, leaving: dict[str, list[Row]]
) -> tuple[list[tuple[str, Row]], int]:
    """What leaves to a partner, in order, without the values and persons that `with_other_accounts_of_ours` changed and
    that are agreed; and how many rows tell of such."""
    changed = {
        token(partner_id, "account", account.account_id)
        for account in world.accounts.values()
        if account.status in CHANGED_STATUSES
    }
    kept, touched = [], 0
    for model, rows in leaving.items():
        for row in rows:
            is_value = row.get("field") in CHANGED_FIELDS
            if row.get("account_token") in changed and (is_value or row.get("key_type") == "person"):
                touched += 1
                if not is_value:
                    continue
                row = row | {"value": ""}
            kept.append((model, row))
    return kept, touched


def changed_for(built: Built, models: tuple[str, ...]) -> tuple[set[str], set[str]]:
    """Partners that see from `models` that our accounts differ in what is not agreed; those that may see nothing."""
    seeing, blind = set(), set()
    leaving = [rows_that_leave(built.projects[which], models) for which in (0, 2)]
    for partner_id in built.worlds[0].partners:
        before, touched = apart_from_what_changed(built.worlds[0], partner_id, leaving[0][partner_id])
        after, _ = apart_from_what_changed(built.worlds[2], partner_id, leaving[1][partner_id])
        if before != after:
            seeing.add(partner_id)
        if before and not touched:
            blind.add(partner_id)
    return seeing, blind


def test_other_values_persons_and_deals_that_are_not_agreed_change_no_mart(built):
    assert differences(built.projects[0], built.projects[1], built.marts) == {}


def test_other_deals_owners_and_persons_of_ours_that_are_not_agreed_change_nothing_that_leaves(built):
    seeing, blind = changed_for(built, SHARED_MODELS)
    assert seeing == set()
    # to these exactly the same rows left, in the same order, before and after
    assert len(blind) > PAIRS / 10


def test_signals_and_alerts_told_something(built):
    """The second run has news to tell, of partners with hashes too: else no difference in them would mean nothing."""
    for mart in (
        "account_mapping__signals",
        "account_mapping__alerts",
        "account_mapping__deals",
        "account_mapping__plays",
    ):
        partners = {row["partner_id"] for row in rows_in_order(built.projects[0], mart)}
        assert "nimbus" in partners and len(partners) > PAIRS / 5, mart


# ---------------------------------------------------------------- the files of the exchange


def test_the_files_of_the_exchange_hold_the_same_rows(built):
    """Of the partner to which most leaves."""
    world, project = built.worlds[0], built.projects[0]
    sizes = {
        partner_id: len(agreed_to_leave(world, agreed)[0])
        for partner_id, agreed in agreed_in(world).items()
        if agreed.open_cells("out")
    }
    partner_id = max(sizes, key=sizes.get)
    accepted = {"partner_id": partner_id, "sender": partner_id, "agreement_id": "pact", "epoch": "1", "sequence": 1}
    hashes = {name: "ff" * 32 for name in ("mac", "statement_hash", "partner_statement_hash")}
    days = {"created_on": AS_OF, "expires_on": AS_OF + timedelta(days=30)}
    project.write_table("partners.partner_manifests", [accepted | hashes | days])
    assert exchange.main(["reveal", partner_id, "--no-build", "--project-dir", str(project.folder)]) == 0
    outbox = project.folder / "outbox" / partner_id
    rows = {
        f"account_mapping__shared_{re.sub('-.*', '', path.name)}": pq.read_table(path).to_pylist()
        for path in outbox.glob("*.parquet")
    }
    agreed = Agreed(world, world.partners[partner_id])
    assert leaks_to(world, agreed, rows) == []
    assert found_to_leave(rows) == agreed_to_leave(world, agreed)
    told = (outbox / "manifest.json").read_text()
    assert sentinels(told, world.mint.found) == set()


# ---------------------------------------------------------------- leaks are found


@pytest.mark.parametrize("model", ["leaky_stage", "leaky_sentence"])
def test_a_value_that_is_not_agreed_is_found_in_a_model(built, model):
    partners = {owner for _, owner, _, _ in leaks_in(built.worlds[0], built.projects[0], (model,))}
    assert len(partners) > PAIRS / 2


@pytest.mark.parametrize("model", ["leaky_order", "leaky_count", "leaky_alert", "leaky_missing_row"])
def test_an_order_a_count_or_a_row_that_tells_of_what_is_not_agreed_is_found(built, model):
    assert leaks_in(built.worlds[0], built.projects[0], (model,)) == []
    assert list(differences(built.projects[0], built.projects[1], (model,))) == [model]


@pytest.mark.parametrize("model", ["leaky_out_stage", "leaky_out_hash"])
def test_a_value_or_hash_that_is_not_agreed_is_found_in_what_leaves(built, model):
    leaving = rows_that_leave(built.projects[0], (model,))
    agreed = agreed_in(built.worlds[0])
    leaks = [leaks_to(built.worlds[0], agreed[partner_id], rows) for partner_id, rows in leaving.items()]
    assert sum(map(bool, leaks)) > PAIRS / 4


def test_an_order_that_tells_of_what_is_not_agreed_is_found_in_what_leaves(built):
    seeing, _ = changed_for(built, ("leaky_out_order",))
    assert len(seeing) > PAIRS / 4
