"""Random small worlds that mix every rule, from a seed.

`make_world(seed)` returns the raw rows of two or three CRMs, partner lists and
settings. Worlds of one `group_of(seed)` share what dbt keeps in variables (date,
currency, churn window, CRMs), so that a project parses once for all of them.
Names are invented words that no fuzzy comparison takes for each
other; a domain is carried by one company, its family, or its duplicates. A
world grows step by step, and a step that would make the oracle raise
`Undefined` is taken back: what remains has one answer under the Rules.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from oracle import Undefined, World, salesforce_id, solve

Row = dict[str, Any]

CONSONANTS = "bdfgjklmnprstvxz"
VOWELS = "aeiou"
TOP_LEVELS = ("com", "de", "io", "fr", "co.uk", "com.au")
FREE_MAIL = ("gmail.com", "gmx.de")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

OUR_STATUS_RULES = (
    ("salesforce", "account_type", "Customer - Direct", "customer"),
    ("salesforce", "account_type", "Prospect", "prospect"),
    ("salesforce", "account_type", "Former Customer", "churned"),
    ("salesforce", "account_type", "Pipeline", "open_opportunity"),
    ("salesforce", "account_type", "Do Not Contact", "excluded"),
    ("hubspot", "lifecycle_stage", "customer", "customer"),
    ("hubspot", "lifecycle_stage", "opportunity", "open_opportunity"),
    ("hubspot", "lifecycle_stage", "lead", "prospect"),
    ("hubspot", "account_type", "PAST_CLIENT", "churned"),
    ("hubspot", "account_type", "VENDOR", "excluded"),
    ("hubspot", "account_type", "Pipeline", "prospect"),
    ("generic", "status", "gold", "customer"),
    ("generic", "status", "prospect", "open_opportunity"),
)
PARTNER_STATUS_RULES = (
    ("partner", "status", "Active Client", "customer"),
    ("partner", "status", "Negotiation", "open_opportunity"),
    ("partner", "status", "Blocked", "excluded"),
    ("partner", "status", "Secret", "not_shared"),
    ("alpha", "status", "Active Client", "churned"),
    ("alpha", "status", "churned", "customer"),
    ("beta", "status", "Blocked", "prospect"),
    ("beta", "status", "Negotiation", "excluded"),
)
SALESFORCE_TYPES = (
    *[None] * 6,
    "Customer - Direct",
    "customer - direct ",
    "Prospect",
    "Former Customer",
    "Pipeline",
    "Do Not Contact",
    "Mystery",
)
LIFECYCLE_STAGES = (None, None, "customer", "opportunity", "Lead", "lead", "90210")
HUBSPOT_TYPES = (*[None] * 8, "PAST_CLIENT", "Pipeline", "VENDOR", "Customer - Direct")
GENERIC_STATUSES = (None, "customer", "gold", "prospect", " Churned", "curious")
PARTNER_STATUSES = (
    None,
    "customer",
    "Customer ",
    "open_opportunity",
    "churned",
    "prospect",
    "prospect",
    "active client",
    "Negotiation",
    "Secret",
    "not_shared",
    "who knows",
)

COLUMNS: dict[str, tuple[str, ...]] = {
    "salesforce.account": (
        "id",
        "name",
        "type",
        "parent_id",
        "master_record_id",
        "website",
        "duns_number",
        "is_deleted",
        "last_modified_date",
    ),
    "salesforce.opportunity": (
        "id",
        "account_id",
        "amount",
        "currency_iso_code",
        "is_closed",
        "is_won",
        "close_date",
        "is_deleted",
    ),
    "salesforce.contact": ("id", "account_id", "email", "is_deleted"),
    "hubspot.companies": (
        "id",
        "properties_name",
        "properties_domain",
        "properties_hs_additional_domains",
        "properties_hs_merged_object_ids",
        "properties_hs_parent_company_id",
        "properties_lifecyclestage",
        "properties_type",
        "archived",
        "updatedat",
    ),
    "hubspot.deals": (
        "id",
        "companies",
        "properties_amount",
        "properties_deal_currency_code",
        "properties_hs_is_closed",
        "properties_hs_is_closed_won",
        "properties_closedate",
        "archived",
    ),
    "hubspot.contacts": (
        "id",
        "properties_associatedcompanyid",
        "properties_email",
        "archived",
    ),
    "generic.accounts": (
        "account_id",
        "account_name",
        "website",
        "email_domain",
        "status",
        "open_amount",
        "currency",
        "lei",
        "duns",
        "vat_id",
        "linkedin_url",
        "parent_account_id",
        "updated_at",
    ),
    "partners.partner_accounts": (
        "partner_id",
        "account_id",
        "account_name",
        "website",
        "email_domain",
        "status",
        "lei",
        "duns",
        "vat_id",
        "linkedin_url",
        "parent_account_id",
        "updated_at",
    ),
}
"""Raw tables and their columns; every row may leave any out (null)."""

SETTINGS: dict[str, tuple[str, ...]] = {
    "partners": ("partner_id", "partner_name", "exchange", "is_active"),
    "status_rules": ("source_system", "field", "raw_value", "status"),
    "exclusions": ("kind", "value", "partner_id", "reason"),
    "match_overrides": (
        "partner_id",
        "account_id",
        "partner_account_id",
        "decision",
        "decided_by",
        "decided_on",
    ),
    "domain_aliases": ("domain", "canonical_domain", "relation"),
    "target_accounts": ("list_name", "account_id", "domain"),
    "currency_rates": ("currency", "rate"),
}
"""Seeds (without `account_mapping__`) and the columns that worlds fill."""


GROUPS = 10


def group_of(seed: int) -> int:
    """Return the group of a seed; its worlds share their variables."""
    return seed % GROUPS


@dataclass
class Company:
    """A company of the invented market, as both sides may know it."""

    name: str
    domain: str | None
    parent: int | None
    shares_domain: bool
    identifiers: dict[str, str]


def lei(rng: random.Random) -> str:
    """Return a legal entity identifier with valid check digits (ISO 17442)."""
    stem = "".join(rng.choice(LETTERS) for _ in range(18))
    digits = "".join(str(int(letter, 36)) for letter in stem + "00")
    return f"{stem}{98 - int(digits) % 97:02d}"


def german_vat_id(rng: random.Random) -> str:
    """Return a German VAT id with a valid check digit (ISO 7064 MOD 11,10)."""
    digits = [rng.randint(1, 9), *(rng.randint(0, 9) for _ in range(7))]
    product = 10
    for digit in digits:
        product = 2 * ((digit + product) % 10 or 10) % 11
    return "DE" + "".join(map(str, digits)) + str((11 - product) % 10)


class _Growing:
    """A world under construction."""

    def __init__(self, seed: int) -> None:
        self.rng = rng = random.Random(seed)
        common = random.Random(f"group {group_of(seed)}")
        self.words: list[set[str]] = []
        self.serial = 0
        self.as_of = date(2026, 1, 1) + timedelta(days=common.randrange(300))
        self.partner_ids = ["alpha", "beta", "gamma", "delta"][: rng.randint(1, 4)]
        self.world = World(
            as_of=self.as_of,
            crms={
                "salesforce": {"account": [], "opportunity": [], "contact": []},
                "hubspot": {"companies": [], "deals": [], "contacts": []},
            },
            partner_accounts=[],
            settings={name: [] for name in SETTINGS},
            currency=common.choice(["USD", "USD", "EUR"]),
            churn_after_days=common.choice([0, 0, 90, 365]),
        )
        if common.random() < 0.6:
            self.world.crms["generic"] = {"accounts": []}
        self._basic_settings()

    # ---------------------------------------------------------------- invention

    def word(self) -> str:
        """A pronounceable word unlike every word so far."""
        while True:
            syllables = self.rng.choice([3, 3, 4])
            word = "".join(
                self.rng.choice(CONSONANTS) + self.rng.choice(VOWELS) for _ in range(syllables)
            ) + self.rng.choice(CONSONANTS)
            pieces = {word[i : i + 3] for i in range(len(word) - 2)}
            if all(len(pieces & other) < 2 for other in self.words):
                self.words.append(pieces)
                return word

    def name(self) -> str:
        return f"{self.word().title()} {self.word().title()}"

    def domain(self) -> str:
        return f"{self.word()}.{self.rng.choice(TOP_LEVELS)}"

    def number(self) -> int:
        self.serial += 1
        return self.serial

    def new_salesforce_id(self, prefix: str = "001") -> str:
        tail = "".join(self.rng.choice(LETTERS + LETTERS.lower()) for _ in range(8))
        found = salesforce_id(f"{prefix}{self.number():04d}{tail}")
        assert found is not None
        return found

    def written(self, salesforce: str | None) -> str | None:
        """A Salesforce id as some foreign key holds it: 18 or 15 characters."""
        short = self.rng.random() < 0.3
        return salesforce[:15] if salesforce and short else salesforce

    def site(self, domain: str | None) -> str | None:
        """A website cell that names a domain."""
        if domain is None:
            return self.rng.choice([None, None, ""])
        shape = self.rng.choice(["{}", "www.{}", "https://www.{}/", "http://shop.{}/en?x=1", " HTTPS://{} "])
        return shape.format(domain)

    def stamp(self, days_ago: int | None = None) -> str:
        days = self.rng.randrange(400) if days_ago is None else days_ago
        day = self.as_of - timedelta(days=days)
        return f"{day.isoformat()} {self.rng.randrange(24):02d}:15:00"

    def some_day(self) -> str | None:
        """A close date, often close to the churn window's edge."""
        window = self.world.churn_after_days
        edge = [window - 1, window, window + 1, window + 2] if window else []
        days = self.rng.choice([self.rng.randrange(900), *edge])
        day = (self.as_of - timedelta(days=days)).isoformat()
        return self.rng.choice([None, day, day, day, day])

    def amount(self) -> str | None:
        kind = self.rng.random()
        if kind < 0.15:
            return None
        if kind < 0.4:
            return f"{self.rng.randrange(100)}.{self.rng.choice(['05', '15', '35'])}"
        return str(self.rng.randrange(100000))

    def currency(self) -> str | None:
        return self.rng.choice([None, None, "USD", "EUR", "GBP", "JPY", "XTS"])

    # ----------------------------------------------------------------- settings

    def _basic_settings(self) -> None:
        rng, settings = self.rng, self.world.settings
        settings["partners"] = [
            {
                "partner_id": partner_id,
                "partner_name": partner_id.title(),
                "exchange": "list",
                "is_active": "true",
            }
            for partner_id in self.partner_ids
        ]
        if rng.random() < 0.7:
            settings["partners"].append(
                {
                    "partner_id": "idle",
                    "partner_name": "Idle",
                    "exchange": "list",
                    "is_active": "false",
                }
            )
        settings["status_rules"] = [
            dict(zip(SETTINGS["status_rules"], rule, strict=True))
            for rule in (*OUR_STATUS_RULES, *PARTNER_STATUS_RULES)
        ]
        settings["exclusions"] = [
            {
                "kind": "domain",
                "value": domain,
                "partner_id": "*",
                "reason": "free_mail",
            }
            for domain in FREE_MAIL
        ]
        settings["currency_rates"] = [
            {"currency": "EUR", "rate": "1.1"},
            {"currency": "GBP", "rate": "1.2755"},
            {"currency": "JPY", "rate": "0.00645"},
            {"currency": "USD", "rate": "0.9"},
        ]

    # ------------------------------------------------------------------ reading

    def rows(self, table: str) -> list[Row]:
        """Rows of a raw table, `crm.table` or `partners.partner_accounts`."""
        crm, _, name = table.partition(".")
        if crm == "partners":
            return self.world.partner_accounts
        return self.world.crms.get(crm, {}).get(name, [])

    def our_ids(self, crm: str | None = None) -> list[tuple[str, str]]:
        """(crm, id) of every row of ours, dead ones included."""
        found = [("salesforce", r["id"]) for r in self.rows("salesforce.account")]
        found += [("hubspot", r["id"]) for r in self.rows("hubspot.companies")]
        found += [("generic", r["account_id"]) for r in self.rows("generic.accounts")]
        return sorted({pair for pair in found if crm in (None, pair[0])})

    def seed_id(self, crm: str, bare_id: str) -> str:
        """An id as a person writes it into a seed."""
        if crm == "salesforce" and self.rng.random() < 0.3:
            bare_id = bare_id[:15]
        return bare_id if self.rng.random() < 0.4 else f"{crm}:{bare_id}"

    def any_our_id(self) -> str:
        if self.rng.random() < 0.06:
            return self.rng.choice(["salesforce:001nobody", "4242424242", "ghost"])
        return self.seed_id(*self.rng.choice(self.our_ids()))

    def known_domains(self) -> list[str]:
        """Every domain that a record of either side has as its website."""
        found = set()
        for table, columns in [
            ("salesforce.account", ["website"]),
            ("hubspot.companies", ["properties_domain"]),
            ("generic.accounts", ["website", "email_domain"]),
            ("partners.partner_accounts", ["website", "email_domain"]),
        ]:
            for row in self.rows(table):
                for column in columns:
                    for part in (row.get(column) or "").split(";"):
                        found.add(part.strip().lower())
        return sorted(found - {""})

    def partner_rows(self) -> list[Row]:
        """Usable rows of partners, unknown and inactive ones included."""
        return [row for row in self.world.partner_accounts if row.get("account_id") and row.get("account_name")]

    # ------------------------------------------------------------------ records

    def family(self) -> None:
        """A family of companies, put into our CRMs and partners' lists."""
        rng = self.rng
        size = rng.choice([1, 1, 1, 1, 1, 2, 2, 3, 4])
        shared = size > 1 and rng.random() < 0.4
        companies: list[Company] = []
        for number in range(size):
            parent = rng.randrange(number) if number else None
            follows = shared and parent is not None and rng.random() < 0.8
            domain = companies[parent].domain if follows else self.domain()
            if not shared and rng.random() < 0.12:
                domain = None
            identifiers = {
                "lei": lei(rng),
                "duns": f"0{rng.randrange(10**8):08d}",
                "vat_id": german_vat_id(rng),
                "linkedin_url": f"https://www.linkedin.com/company/{self.word()}/",
            }
            companies.append(Company(self.name(), domain, parent, shared, identifiers))
        crms = {rng.choice(["salesforce", "salesforce", "hubspot"])}
        if rng.random() < 0.25:
            crms = {"salesforce", "hubspot"}
        if "generic" in self.world.crms and rng.random() < 0.3:
            crms = {"generic"} if rng.random() < 0.7 else crms | {"generic"}
        if rng.random() < 0.1:
            crms = set()
        for crm in sorted(crms):
            self._into_crm(crm, companies)
        for partner_id in [*self.partner_ids, "idle", "unknown_partner"]:
            chance = 0.55 if partner_id in self.partner_ids else 0.12
            if rng.random() < chance:
                self._into_list(partner_id, companies)

    def _into_crm(self, crm: str, companies: list[Company]) -> None:
        rng = self.rng
        ids: list[str] = []
        for company in companies:
            if crm == "salesforce":
                ids.append(self.new_salesforce_id())
            elif crm == "hubspot":
                ids.append(str(rng.choice([9, 90, 900, 9000]) * 1000 + self.number()))
            else:
                ids.append(f"G-{self.number()}")
            parent_id = ids[company.parent] if company.parent is not None else None
            if not company.shares_domain and rng.random() < 0.1:
                continue
            # A website learnt from contacts only, or none.
            by_mail = company.domain and rng.random() < 0.2
            domain = None if by_mail else company.domain
            if domain is None and company.shares_domain is False and not by_mail:
                domain = rng.choice([None, FREE_MAIL[0]])
            self.record(crm, ids[-1], company, domain, parent_id)
            if company.domain:
                self.contacts(crm, ids[-1], company.domain, bool(by_mail))

    def record(
        self,
        crm: str,
        bare_id: str,
        company: Company,
        domain: str | None,
        parent_id: str | None,
    ) -> None:
        """One live record of ours, with its opportunities."""
        rng = self.rng
        known = {key: value if rng.random() < 0.35 else None for key, value in company.identifiers.items()}
        if crm == "salesforce":
            self.rows("salesforce.account").append(
                {
                    "id": bare_id,
                    "name": company.name,
                    "type": rng.choice(SALESFORCE_TYPES),
                    "parent_id": self.written(parent_id),
                    "website": self.site(domain),
                    "duns_number": None if company.shares_domain else known["duns"],
                    "is_deleted": rng.choice([False, False, None]),
                    "last_modified_date": self.stamp(rng.randrange(50)),
                }
            )
        elif crm == "hubspot":
            more = domain and rng.random() < 0.2
            self.rows("hubspot.companies").append(
                {
                    "id": bare_id,
                    "properties_name": company.name,
                    "properties_domain": domain and domain.title(),
                    "properties_hs_additional_domains": (f"{self.domain()};{self.domain()}" if more else None),
                    "properties_hs_parent_company_id": parent_id,
                    "properties_lifecyclestage": rng.choice(LIFECYCLE_STAGES),
                    "properties_type": rng.choice(HUBSPOT_TYPES),
                    "archived": False,
                    "updatedat": self.stamp(rng.randrange(50)),
                }
            )
        else:
            self.rows("generic.accounts").append(
                {
                    "account_id": bare_id,
                    "account_name": company.name,
                    "website": self.site(domain),
                    "status": rng.choice(GENERIC_STATUSES),
                    "open_amount": self.amount(),
                    "currency": self.currency(),
                    "parent_account_id": parent_id,
                    "updated_at": self.stamp(rng.randrange(50)),
                    **({} if company.shares_domain else known),
                }
            )
        for _ in range(rng.choice([0, 0, 1, 1, 2])):
            self.opportunity(crm, bare_id)

    def opportunity(self, crm: str, bare_id: str) -> None:
        rng = self.rng
        closed, won = rng.choice(
            [
                (False, False),
                (False, None),
                (None, None),
                (None, True),
                (True, True),
                (True, False),
                (True, None),
            ]
        )
        if crm == "salesforce":
            self.rows("salesforce.opportunity").append(
                {
                    "id": self.new_salesforce_id("006"),
                    "account_id": self.written(bare_id),
                    "amount": self.amount(),
                    "currency_iso_code": self.currency(),
                    "is_closed": closed,
                    "is_won": won,
                    "close_date": self.some_day(),
                    "is_deleted": rng.random() < 0.08,
                }
            )
        elif crm == "hubspot":
            others = [i for c, i in self.our_ids("hubspot")]
            second = rng.choice(others) if others and rng.random() < 0.2 else None
            listed = [f'"{i}"' for i in (bare_id, second) if i]
            self.rows("hubspot.deals").append(
                {
                    "id": str(self.number()),
                    "companies": f"[{', '.join(listed)}]",
                    "properties_amount": self.amount(),
                    "properties_deal_currency_code": self.currency(),
                    "properties_hs_is_closed": closed,
                    "properties_hs_is_closed_won": won,
                    "properties_closedate": self.some_day(),
                    "archived": rng.random() < 0.08,
                }
            )

    def contacts(self, crm: str, bare_id: str, domain: str, is_source: bool) -> None:
        """Contacts with mail of a domain, at and below the threshold."""
        rng = self.rng
        if crm == "generic":
            if is_source:
                self.rows("generic.accounts")[-1]["email_domain"] = domain
            return
        own = rng.choice([2, 2, 3, 1]) if is_source else rng.choice([0, 0, 1, 2])
        hosts = [f"mail.{domain}" if rng.random() < 0.2 else domain] * own
        hosts += [self.domain() for _ in range(rng.choice([0, 0, 1, 2, 3]))]
        hosts += [rng.choice(FREE_MAIL) for _ in range(rng.choice([0, 0, 2, 3]))]
        for host in hosts:
            email = rng.choice([f"{self.word()}@{host}", f"{self.word()}@{host}".upper()])
            self.contact(crm, bare_id, email)
        if rng.random() < 0.2:
            self.contact(crm, bare_id, rng.choice([None, "not an address"]))

    def contact(self, crm: str, bare_id: str, email: str | None) -> None:
        deleted = self.rng.random() < 0.05
        if crm == "salesforce":
            self.rows("salesforce.contact").append(
                {
                    "id": self.new_salesforce_id("003"),
                    "account_id": self.written(bare_id),
                    "email": email,
                    "is_deleted": deleted,
                }
            )
        else:
            self.rows("hubspot.contacts").append(
                {
                    "id": str(self.number()),
                    "properties_associatedcompanyid": bare_id,
                    "properties_email": email,
                    "archived": deleted,
                }
            )

    def _into_list(self, partner_id: str, companies: list[Company]) -> None:
        rng = self.rng
        ids: list[str] = []
        for company in companies:
            ids.append(f"{rng.choice('aAbB')}{self.number()}")
            if rng.random() < 0.2:
                continue
            known = {
                key: value
                for key, value in company.identifiers.items()
                if not company.shares_domain and rng.random() < 0.35
            }
            if "duns" in known and rng.random() < 0.5:
                digits = known["duns"]
                known["duns"] = f"{digits[:2]}-{digits[2:5]}-{digits[5:]}"
            kind = rng.random()
            website = company.domain if kind < 0.8 else None
            email_domain = company.domain if 0.7 < kind < 0.95 else None
            same_name = company.shares_domain or (company.domain and kind < 0.3)
            sites = [self.site(website)] if website else []
            if sites and rng.random() < 0.15:
                sites.append(self.domain())
            parent = company.parent
            row = {
                "partner_id": partner_id,
                "account_id": ids[-1],
                "account_name": company.name if same_name else self.name(),
                "website": ";".join(filter(None, sites)) or None,
                "email_domain": email_domain,
                "status": rng.choice(PARTNER_STATUSES),
                "parent_account_id": None if parent is None else ids[parent],
                "updated_at": rng.choice([None, self.stamp(), self.stamp()]),
                **known,
            }
            if same_name and rng.random() < 0.3:
                row["account_name"] = str(row["account_name"]).upper()
            self.world.partner_accounts.append(row)
            if rng.random() < 0.06:
                again = {**row, "account_id": f"dup-{row['account_id']}"}
                self.world.partner_accounts.append(again)

    # ------------------------------------------------------------- merges, deaths

    def merged_salesforce(self) -> None:
        """A merged row, perhaps merged on, whose children move to the survivor."""
        into = self.rng.choice(self.rows("salesforce.account"))
        merged = {
            **into,
            "id": self.new_salesforce_id(),
            "name": self.name(),
            "website": self.site(self.domain()),
            "type": "Customer - Direct",
            "master_record_id": self.written(into["id"]),
            "is_deleted": self.rng.random() < 0.9,
        }
        self.rows("salesforce.account").append(merged)
        self._children_of(("salesforce", merged["id"]))

    def merged_hubspot(self) -> None:
        """A merged company, with its archived row or without any."""
        into = self.rng.choice(self.rows("hubspot.companies"))
        merged_id = str(70000 + self.number())
        listed = into.get("properties_hs_merged_object_ids")
        into["properties_hs_merged_object_ids"] = f"{listed};{merged_id}" if listed else merged_id
        if self.rng.random() < 0.6:
            self.rows("hubspot.companies").append(
                {
                    **into,
                    "id": merged_id,
                    "properties_name": self.name(),
                    "properties_domain": self.domain(),
                    "properties_hs_merged_object_ids": None,
                    "archived": self.rng.random() < 0.8,
                }
            )
        self._children_of(("hubspot", merged_id))

    def _children_of(self, dead: tuple[str, str]) -> None:
        """Opportunities, contacts and subsidiaries that still name a dead row."""
        crm, bare_id = dead
        for _ in range(self.rng.randint(0, 2)):
            self.opportunity(crm, bare_id)
        if self.rng.random() < 0.4:
            host = self.domain()
            for _ in range(self.rng.choice([1, 2, 3])):
                self.contact(crm, bare_id, f"{self.word()}@{host}")
        if self.rng.random() < 0.4:
            self._set_parent(crm, bare_id)

    def _set_parent(self, crm: str, parent_id: str) -> None:
        if crm == "salesforce":
            child = self.rng.choice(self.rows("salesforce.account"))
            child["parent_id"] = self.written(parent_id)
        elif crm == "hubspot":
            child = self.rng.choice(self.rows("hubspot.companies"))
            child["properties_hs_parent_company_id"] = parent_id
        else:
            child = self.rng.choice(self.rows("generic.accounts"))
            child["parent_account_id"] = parent_id

    def merge_cycle(self) -> None:
        """Two live rows that each claim to be merged into the other."""
        rows = self.rows("salesforce.account")
        first, second = self.rng.sample(rows, 2)
        first["master_record_id"] = second["id"]
        second["master_record_id"] = first["id"]

    def deleted(self) -> None:
        """A deleted row that others still name as parent, or merged into."""
        company = Company(self.name(), self.domain(), None, False, {})
        crm = self.rng.choice(["salesforce", "hubspot"])
        if crm == "salesforce":
            dead_id = self.new_salesforce_id()
            row = {"id": dead_id, "name": company.name, "is_deleted": True}
            self.rows("salesforce.account").append(
                {**row, "website": company.domain, "last_modified_date": self.stamp()}
            )
            if self.rng.random() < 0.4:
                self.merged_salesforce()
                self.rows("salesforce.account")[-1]["master_record_id"] = dead_id
        else:
            dead_id = str(50000 + self.number())
            row = {"id": dead_id, "properties_name": company.name, "archived": True}
            self.rows("hubspot.companies").append(
                {**row, "properties_domain": company.domain, "updatedat": self.stamp()}
            )
        self._children_of((crm, dead_id))
        self._set_parent(crm, dead_id)

    def deleted_account(self) -> None:
        """One of our accounts dies, whatever hangs on it."""
        self.rng.choice(self.rows("salesforce.account"))["is_deleted"] = True

    def unknown_parent(self) -> None:
        crm, _ = self.rng.choice(self.our_ids())
        unknown = self.new_salesforce_id() if crm == "salesforce" else "31337"
        self._set_parent(crm, unknown)

    def any_parent(self) -> None:
        """A parent at random: a self, a cycle, a chain, a row of a merge."""
        crm, bare_id = self.rng.choice(self.our_ids())
        self._set_parent(crm, bare_id)

    def parent_cycle(self) -> None:
        crm = self.rng.choice(["salesforce", "hubspot"])
        table, column = {
            "salesforce": ("salesforce.account", "parent_id"),
            "hubspot": ("hubspot.companies", "properties_hs_parent_company_id"),
        }[crm]
        rows = self.rng.sample(self.rows(table), min(3, len(self.rows(table))))
        for row, above in zip(rows, rows[1:] + rows[:1], strict=True):
            row[column] = above["id"]

    def older_version(self) -> None:
        """The same id twice: the older row says other things."""
        if self.rng.random() < 0.5:
            row = self.rng.choice(self.rows("salesforce.account"))
            older = {
                **row,
                "name": self.name(),
                "type": "Do Not Contact",
                "parent_id": None,
                "website": self.site(self.domain()),
                "last_modified_date": self.rng.choice([None, self.stamp(500)]),
            }
            self.rows("salesforce.account").append(older)
        else:
            row = self.rng.choice(self.rows("hubspot.companies"))
            older = {
                **row,
                "properties_name": self.name(),
                "properties_type": "VENDOR",
                "properties_domain": self.domain(),
                "updatedat": self.stamp(500),
            }
            self.rows("hubspot.companies").append(older)

    # ------------------------------------------------------------ partners' dirt

    def partner_older_version(self) -> None:
        row = self.rng.choice(self.partner_rows())
        row["updated_at"] = row["updated_at"] or self.stamp(30)
        older = {
            **row,
            "account_name": self.name(),
            "website": self.domain(),
            "status": "Blocked",
            "updated_at": self.rng.choice([None, self.stamp(600)]),
        }
        self.world.partner_accounts.append(older)

    def partner_parent(self) -> None:
        """A parent at random within one list: self, cycle, chain or unknown."""
        row = self.rng.choice(self.partner_rows())
        siblings = [r["account_id"] for r in self.partner_rows() if r["partner_id"] == row["partner_id"]]
        row["parent_account_id"] = self.rng.choice([*siblings, "never-heard"])

    def partner_cycle(self) -> None:
        partner_id = self.rng.choice(self.partner_ids)
        rows = [r for r in self.partner_rows() if r["partner_id"] == partner_id]
        rows = self.rng.sample(rows, min(3, len(rows)))
        for row, above in zip(rows, rows[1:] + rows[:1], strict=True):
            row["parent_account_id"] = above["account_id"]

    def partner_blocked(self) -> None:
        self.rng.choice(self.partner_rows())["status"] = "blocked"

    def partner_unusable(self) -> None:
        partner_id = self.rng.choice(self.partner_ids)
        self.world.partner_accounts += [
            {
                "partner_id": partner_id,
                "account_id": f"empty{self.number()}",
                "status": "customer",
                "updated_at": self.stamp(0),
            },
            {
                "partner_id": partner_id,
                "account_name": self.name(),
                "website": self.domain(),
                "status": "customer",
            },
        ]

    def bare_id_of_two(self) -> None:
        """A generic account with the id of a HubSpot company."""
        if "generic" in self.world.crms and self.rows("hubspot.companies"):
            _, bare_id = self.rng.choice(self.our_ids("hubspot"))
            company = Company(self.name(), self.domain(), None, False, {})
            company.identifiers = dict.fromkeys(("lei", "duns", "vat_id", "linkedin_url"), "")
            self.record("generic", bare_id, company, company.domain, None)
            self.world.settings["target_accounts"] += [
                {"list_name": "icp", "account_id": bare_id},
                {"list_name": "icp", "account_id": f"hubspot:{bare_id}"},
            ]

    # ------------------------------------------------------------------- settings

    def exclusion(self) -> None:
        rng = self.rng
        scope = rng.choice(["*", "*", *self.partner_ids, "idle"])
        kind = rng.choice(["domain", "domain", "account_id", "name"])
        reason = rng.choice(["competitor", "internal", "", "legal"])
        if kind == "domain":
            value = rng.choice(self.known_domains())
            if rng.random() < 0.25:
                reason = "hosting"
        elif kind == "account_id":
            # For `*` too: there a partner's id names nobody.
            theirs = [row["account_id"] for row in self.partner_rows() if scope in ("*", row["partner_id"])]
            is_theirs = theirs and rng.random() < 0.5
            value = rng.choice(theirs) if is_theirs else self.any_our_id()
        else:
            value = self._some_name()
            value = rng.choice([value, value.upper(), f"  {value.lower()} "])
        self.world.settings["exclusions"].append({"kind": kind, "value": value, "partner_id": scope, "reason": reason})

    def _some_name(self) -> str:
        names = [r["name"] for r in self.rows("salesforce.account")]
        names += [r["properties_name"] for r in self.rows("hubspot.companies")]
        names += [r["account_name"] for r in self.partner_rows()]
        return self.rng.choice(names)

    def override(self) -> None:
        rng = self.rng
        row = rng.choice(self.partner_rows())
        decision = {
            "partner_id": row["partner_id"],
            "account_id": self.any_our_id(),
            "partner_account_id": rng.choice([row["account_id"]] * 12 + ["nowhere"]),
            "decision": rng.choice(["match", "match", "no_match"]),
            "decided_by": "test",
            "decided_on": rng.choice(["", "2025-03-01", "2025-12-31"]),
        }
        self.world.settings["match_overrides"].append(decision)
        if rng.random() < 0.3:
            again = {**decision, "decision": rng.choice(["match", "no_match"])}
            again["decided_on"] = rng.choice([decision["decided_on"], "2025-12-31"])
            self.world.settings["match_overrides"].append(again)

    def override_a_link(self) -> None:
        """A person denies, or confirms, what the package finds by itself."""
        links = sorted(solve(self.world).links)
        if links:
            partner_id, account_id, other = self.rng.choice(links)
            self.world.settings["match_overrides"].append(
                {
                    "partner_id": partner_id,
                    "account_id": account_id,
                    "partner_account_id": other,
                    "decision": self.rng.choice(["no_match", "no_match", "match"]),
                    "decided_on": self.rng.choice(["", "2025-06-01"]),
                }
            )

    def exclude_a_link(self) -> None:
        """An exclusion that hits a linked account, perhaps one overridden."""
        links = sorted(solve(self.world).links)
        if links:
            partner_id, account_id, other = self.rng.choice(links)
            scope = self.rng.choice(["*", partner_id, *self.partner_ids])
            value = account_id
            if scope == partner_id and self.rng.random() < 0.5:
                value = other
            self.world.settings["exclusions"].append(
                {
                    "kind": "account_id",
                    "value": value,
                    "partner_id": scope,
                    "reason": "competitor",
                }
            )

    def conflicting_identifier(self) -> None:
        """A linked pair gets DUNS numbers that differ."""
        links = sorted(solve(self.world).links)
        if not links:
            return
        partner_id, account_id, other = self.rng.choice(links)
        for row in self.rows("salesforce.account"):
            if f"salesforce:{row['id']}" == account_id:
                row["duns_number"] = "001234567"
        for row in self.rows("generic.accounts"):
            if f"generic:{row['account_id']}" == account_id:
                row["duns"] = "001234567"
        for row in self.partner_rows():
            if (row["partner_id"], row["account_id"]) == (partner_id, other):
                row["duns"] = "007654321"

    def alias(self) -> None:
        """A partner writes another domain of the same company."""
        row = self.rng.choice(self.partner_rows())
        domain = self._own_domain(row)
        if domain:
            other = self.domain()
            row["website"] = self.site(other)
            self.world.settings["domain_aliases"].append(
                {"domain": other, "canonical_domain": domain, "relation": "alias"}
            )

    def subsidiary_domain(self) -> None:
        """A domain of ours belongs to a company of a partner's, or vice versa."""
        theirs = self._own_domain(self.rng.choice(self.partner_rows()))
        row = self.rng.choice(self.rows("salesforce.account"))
        mine = row["website"]
        taken = {r["domain"] for r in self.world.settings["domain_aliases"]}
        taken |= {r["canonical_domain"] for r in self.world.settings["domain_aliases"]}
        if self.rng.random() < 0.5 or mine is None:
            mine = self.domain()
            row["website"] = mine
        if theirs and mine.strip() and mine in self.known_domains():
            below, above = self.rng.sample([mine, theirs], 2)
            if below != above and not {below, above} & taken:
                self.world.settings["domain_aliases"].append(
                    {
                        "domain": below,
                        "canonical_domain": above,
                        "relation": "subsidiary",
                    }
                )

    def _own_domain(self, row: Row) -> str | None:
        """A partner's only website, as a bare domain."""
        website = (row.get("website") or "").strip().lower()
        for noise in ("https://", "http://", "www.", "shop.", "/en?x=1", "/"):
            website = website.replace(noise, "")
        return website if website and ";" not in website else None

    def target(self) -> None:
        rng = self.rng
        row: Row = {"list_name": rng.choice(["icp", "named", "old"])}
        if rng.random() < 0.5:
            row["account_id"] = self.any_our_id()
        else:
            row["domain"] = rng.choice([*self.known_domains(), self.domain()])
        self.world.settings["target_accounts"].append(row)

    # ---------------------------------------------------------------------- steps

    def attempt(self, step: Callable[[], None]) -> bool:
        """Take one step, or take it back if it leaves the Rules' ground."""
        before = copy.deepcopy(self.world)
        try:
            step()
            solve(self.world)
        except Undefined:
            self.world = before
            return False
        return True

    def shuffle(self) -> None:
        """Put every table and seed into random order."""
        for tables in self.world.crms.values():
            for rows in tables.values():
                self.rng.shuffle(rows)
        self.rng.shuffle(self.world.partner_accounts)
        for rows in self.world.settings.values():
            self.rng.shuffle(rows)


def make_world(seed: int) -> World:
    """Return the world of a seed: 15 to 60 accounts of ours, 1 to 4 partners."""
    growing = _Growing(seed)
    wanted = growing.rng.randint(15, 55)
    while len(growing.our_ids()) < wanted or not (
        len(growing.our_ids("salesforce")) > 3
        and len(growing.our_ids("hubspot")) > 3
        and len(growing.partner_rows()) > 3
    ):
        growing.attempt(growing.family)
    steps = [
        *[growing.merged_salesforce] * 3,
        *[growing.merged_hubspot] * 2,
        growing.merge_cycle,
        *[growing.deleted] * 2,
        growing.deleted_account,
        growing.unknown_parent,
        *[growing.any_parent] * 3,
        growing.parent_cycle,
        *[growing.older_version] * 2,
        *[growing.partner_older_version] * 2,
        *[growing.partner_parent] * 2,
        growing.partner_cycle,
        *[growing.partner_blocked] * 2,
        growing.partner_unusable,
        growing.bare_id_of_two,
        *[growing.conflicting_identifier] * 2,
        *[growing.alias] * 2,
        *[growing.subsidiary_domain] * 3,
    ]
    growing.rng.shuffle(steps)
    decisions = [
        *[growing.exclusion] * 7,
        *[growing.exclude_a_link] * 2,
        *[growing.override] * 4,
        *[growing.override_a_link] * 3,
        *[growing.target] * 8,
    ]
    growing.rng.shuffle(decisions)
    for step in (*steps, *decisions):
        if growing.rng.random() < 0.8:
            growing.attempt(step)
    growing.shuffle()
    return growing.world
