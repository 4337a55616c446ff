"""The Rules computed a second time, in plain Python.

An independent reading of the package's Rules: it imports nothing but the
standard library and shares no code with the models. Small and slow on purpose
(a pair of accounts is looked at in a Python loop), so that each rule can be
read beside the sentence that it follows.

Input is a `World`: raw rows as a loader leaves them (Salesforce in Fivetran's
spelling, HubSpot in Airbyte's, `generic`), partner lists and settings, each a
list of plain dicts. `solve` returns an `Answer`.

Links come in two ways. `solve(world)` computes them, for worlds in which only
identifiers, domains and overrides can match; where the Rules leave the result
to a name similarity it raises `Undefined` instead of guessing. `solve(world,
links=...)` takes accepted links as given and checks everything else.

Interpretations, where the Rules can be read in two ways
--------------------------------------------------------
- Rows of an unknown or inactive partner count nowhere. Partner rows without an
  account id, or without any of name, website, e-mail domain, LEI, DUNS, VAT id
  and LinkedIn page, are dropped.
- A partner-specific exclusion also takes the account out of the hierarchy of
  that partner's numbers: its children become roots there.
- An `account_id` exclusion hits partner rows only where its partner_id is that
  partner; `domain` and `name` exclusions of `*` hit rows of every partner.
- The terminal survivor of a merge chain survives only if it is a live row; a
  merge cycle's survivor is its least id in text order.
- A churn window looks at the latest win whose close date is known; without any
  known close date nothing has churned.
- Amounts are rounded half away from zero to cents, each before it is added. An
  unknown rate counts 0; a null currency is the reporting currency, whose rate
  is 1 whatever the settings say.
- Free-mail, hosting and excluded domains link nothing, as subsidiaries neither.
- Aliases are applied once (chains are not followed), to both sides, and to the
  domains that exclusions and target lists name.
- LEI or DUNS known on both sides and different: never the same company, unless
  an override says so; with a common domain of the family all the same.
- Business mail is mail outside free-mail domains.
- A domain is unambiguous where its carriers on a side are one family, have one
  name (duplicates), or have heads of one name (duplicates of a family).
- Overrides and equal identifiers mean `same`. The other pairs of one unit of
  ours and one of the partner's that share a domain are contested: a pair is
  `same` when their names are equal, or each is the other's best fit (settled
  pairs fit best, then equal names); the others get their relationship from where they stand in the tree
  around the best fit. Links by a subsidiary's domain stay outside of that
  contest.
- A pair of unlike names that only shares a domain, while one of the two is
  settled with, or has the name of, somebody else: a branch, hence `sibling`.
- Target entries are counted once each however often they are listed.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

Row = Mapping[str, Any]
Pair = tuple[str, str, str]
"""(partner_id, account_id, partner_account_id)"""

STATUS_ORDER = ("customer", "open_opportunity", "churned", "prospect", "not_shared")
"""Best first."""
STANDARD_WORDS = frozenset(STATUS_ORDER) - {"not_shared"}
KEY_ONLY_REASONS = frozenset({"free_mail", "hosting"})
"""Reasons that keep a domain from becoming a key and exclude nobody."""
CENT = Decimal("0.01")


class Undefined(Exception):
    """The Rules leave the result to something that this module cannot see."""


@dataclass
class World:
    """Everything a build reads, as plain rows.

    `crms` is {crm: {table: rows}} with the tables `account`, `opportunity`,
    `contact` (salesforce), `companies`, `deals`, `contacts` (hubspot) and
    `accounts` (generic). `settings` is {seed name without prefix: rows}.
    `partner_keys` are what partners sent instead of a readable list; links with
    them can only be given.
    """

    as_of: date
    crms: dict[str, dict[str, list[Row]]]
    partner_accounts: list[Row]
    settings: dict[str, list[Row]]
    currency: str = "USD"
    churn_after_days: int = 0
    partner_keys: list[Row] = field(default_factory=list)

    def setting(self, name: str) -> list[Row]:
        """Return the rows of one seed; an absent seed is empty."""
        return self.settings.get(name, [])


@dataclass
class Account:
    """One live account, of ours or of a partner's, after staging."""

    account_id: str
    source: str
    bare_id: str
    parent_id: str | None = None
    name: str | None = None
    websites: frozenset[str] = frozenset()
    mail_domains: frozenset[str] = frozenset()
    lei: str | None = None
    duns: str | None = None
    vat_id: str | None = None
    linkedin: str | None = None
    status: str = "prospect"
    is_status_excluded: bool = False
    open_amount: Decimal = Decimal(0)
    updated_on: date | None = None

    @property
    def name_key(self) -> str:
        """Name as compared for equality: case and surplus spaces do not count."""
        return " ".join((self.name or "").casefold().split())


@dataclass
class Answer:
    """What the Rules say about a world. Keys are ids, amounts Decimals.

    `accounts`: account_id -> status, is_excluded, reasons (set of kinds),
    open_amount, ultimate_parent_account_id (of non-excluded accounts).
    `partner_accounts`: (partner_id, account_id) -> status, is_excluded.
    `links`: (partner_id, account_id, partner_account_id) -> relationship.
    `matrix`: (partner_id, rollup, our_status, partner_status) -> measures.
    `coverage`: (partner_id, rollup, our_status, target_list) -> measures.
    `ecosystem`: (rollup, target_list, our_status, rank) -> partner and measures.
    """

    accounts: dict[str, dict[str, Any]] = field(default_factory=dict)
    partner_accounts: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    links: dict[Pair, str] = field(default_factory=dict)
    matrix: dict[tuple[str, str, str, str], dict[str, Any]] = field(default_factory=dict)
    coverage: dict[tuple[str, str, str, str], dict[str, Any]] = field(default_factory=dict)
    ecosystem: dict[tuple[str, str, str, int], dict[str, Any]] = field(default_factory=dict)


# ---------------------------------------------------------------- plain values


def text(value: object) -> str | None:
    """Return trimmed text, None for null or empty."""
    if value is None:
        return None
    return str(value).strip() or None


def fold(value: object) -> str | None:
    """Return text as settings compare it: trimmed, without regard to case."""
    trimmed = text(value)
    return trimmed.casefold() if trimmed else None


def boolean(value: object) -> bool | None:
    """Read a boolean as a loader writes it (typed or text), None for null."""
    word = fold(value)
    return None if word is None else word in {"true", "t", "1", "yes"}


def money(value: object) -> Decimal | None:
    """Read an amount, rounded half away from zero to cents; None if unreadable."""
    trimmed = text(value)
    if trimmed is None:
        return None
    try:
        return Decimal(trimmed).quantize(CENT, rounding=ROUND_HALF_UP)
    except InvalidOperation:
        return None


def day(value: object) -> date | None:
    """Read the calendar day of a date, timestamp or ISO text."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    trimmed = text(value)
    return date.fromisoformat(trimmed[:10]) if trimmed else None


def moment(value: object) -> str:
    """Return a timestamp as text that sorts by time; null sorts first."""
    if isinstance(value, (date, datetime)):
        value = value.isoformat()
    return (text(value) or "").replace("T", " ")


def salesforce_id(value: object) -> str | None:
    """Return the 18-character form of a Salesforce id.

    The suffix says which of each five characters are upper case, lowest bit
    first, in the alphabet A-Z 0-5. Source: Salesforce, "How to convert a
    15-character id to 18 characters".
    """
    trimmed = text(value)
    if trimmed is None or not re.fullmatch(r"[A-Za-z0-9]{15}", trimmed):
        return trimmed
    suffix = ""
    for start in (0, 5, 10):
        bits = sum(
            1 << position
            for position, letter in enumerate(trimmed[start : start + 5])
            if letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        )
        suffix += "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[bits]
    return trimmed + suffix


_SECOND_LEVEL = frozenset({"ac", "co", "com", "edu", "gov", "ne", "net", "nom", "or", "org", "plc"})
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")


def registrable(raw: str) -> str | None:
    """Return the registrable domain of one website, host or e-mail host.

    Knows the public suffixes that the tests use: single labels, and `co.uk`-
    like pairs below a country. None if the text is no domain.
    """
    host = re.sub(r"^[a-z][a-z0-9+.-]*://", "", raw.strip().lower())
    host = re.split(r"[/?#]", host, maxsplit=1)[0].rsplit("@", 1)[-1]
    host = host.split(":", 1)[0].strip(".")
    try:
        labels = host.encode("idna").decode("ascii").split(".")
    except UnicodeError:
        return None
    if len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels):
        return None
    if labels[-1].isdigit():
        return None
    size = 3 if len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL else 2
    return ".".join(labels[-size:]) if len(labels) >= size else None


def domains_of(*values: object) -> frozenset[str]:
    """Return the registrable domains in texts that hold one or several."""
    parts = (p for v in values for p in re.split(r"[;,\s]+", text(v) or "") if p)
    return frozenset(d for d in map(registrable, parts) if d)


def mail_domain(email: object) -> str | None:
    """Return the registrable domain of an e-mail address."""
    trimmed = text(email)
    if trimmed is None or "@" not in trimmed:
        return None
    return registrable(trimmed.rsplit("@", 1)[1])


def compact(value: object) -> str | None:
    """Return an identifier without separators, upper case."""
    return re.sub(r"[^0-9A-Z]", "", (text(value) or "").upper()) or None


def linkedin_page(value: object) -> str | None:
    """Return the slug of a LinkedIn company page."""
    found = re.search(r"company/([^/?#\s]+)", (text(value) or "").lower())
    return found[1] if found else None


def best(statuses: Iterable[str]) -> str:
    """Return the best of some statuses."""
    return min(statuses, key=STATUS_ORDER.index)


# -------------------------------------------------------------------- settings


class Settings:
    """Settings in the form that the rules ask for."""

    def __init__(self, world: World) -> None:
        self.partners = {str(row["partner_id"]) for row in world.setting("partners") if boolean(row["is_active"])}
        self._rules = {
            (text(r["source_system"]), text(r["field"]), fold(r["raw_value"])): str(r["status"])
            for r in world.setting("status_rules")
        }
        self._aliases: dict[str, str] = {}
        self.subsidiaries: dict[str, set[str]] = defaultdict(set)
        for row in world.setting("domain_aliases"):
            (domain,) = domains_of(row["domain"])
            (canonical,) = domains_of(row["canonical_domain"])
            if row["relation"] == "alias":
                self._aliases[domain] = canonical
            else:
                self.subsidiaries[domain].add(canonical)
        self._rates = {str(row["currency"]): Decimal(str(row["rate"])) for row in world.setting("currency_rates")} | {
            world.currency: Decimal(1)
        }
        self._currency = world.currency
        self._exclusions = [
            (
                str(row["kind"]),
                str(row["value"]),
                text(row.get("partner_id")) or "*",
                text(row.get("reason")),
            )
            for row in world.setting("exclusions")
        ]

    def status(self, sources: Sequence[str], column: str, raw: object) -> str | None:
        """Return the status of the first source that has a rule for the value."""
        for source in sources:
            found = self._rules.get((source, column, fold(raw)))
            if found:
                return found
        return None

    def canonical(self, domains: Iterable[str]) -> frozenset[str]:
        """Replace aliases by the domain that they stand for."""
        return frozenset(self._aliases.get(d, d) for d in domains)

    def in_reporting_currency(self, amount: Decimal | None, currency: object) -> Decimal:
        """Convert one amount, rounded to cents; what cannot be counted is 0."""
        rate = self._rates.get(text(currency) or self._currency)
        if amount is None or rate is None:
            return Decimal(0)
        return (amount * rate).quantize(CENT, rounding=ROUND_HALF_UP)

    def excluded_values(self, kind: str, partner_ids: Iterable[str]) -> set[str]:
        """Return the values that exclude accounts, as written."""
        scope = set(partner_ids)
        return {
            value
            for a_kind, value, partner_id, reason in self._exclusions
            if a_kind == kind and partner_id in scope and reason not in KEY_ONLY_REASONS
        }

    def excluded_domains(self, partner_ids: Iterable[str]) -> frozenset[str]:
        """Return the website domains that exclude accounts."""
        return self.canonical(domains_of(*self.excluded_values("domain", partner_ids)))

    def excluded_names(self, partner_ids: Iterable[str]) -> set[str | None]:
        """Return the folded names that exclude accounts."""
        return {fold(v) for v in self.excluded_values("name", partner_ids)}

    def keyless_domains(self, partner_ids: Iterable[str]) -> frozenset[str]:
        """Return domains that never are keys: of any reason."""
        scope = set(partner_ids)
        return self.canonical(
            domains_of(
                *(value for kind, value, partner_id, _ in self._exclusions if kind == "domain" and partner_id in scope)
            )
        )

    def free_mail_domains(self) -> frozenset[str]:
        """Return the domains whose mail is no business mail."""
        return domains_of(
            *(value for kind, value, _, reason in self._exclusions if kind == "domain" and reason == "free_mail")
        )


# ---------------------------------------------------------- reading our records


@dataclass
class _Raw:
    """One current row of a CRM's account table."""

    crm: str
    bare_id: str
    parent: str | None
    merged_into: list[tuple[str, str]]
    is_deleted: bool
    updated_at: str
    row: dict[str, Any]


def _is_deleted(row: Row, column: str) -> bool:
    """Tell whether the CRM or the loader says that a row is gone."""
    return bool(boolean(row.get(column)) or boolean(row.get("_fivetran_deleted")))


def _salesforce_accounts(rows: Iterable[Row]) -> Iterable[_Raw]:
    for row in rows:
        bare_id = salesforce_id(row["id"])
        master = salesforce_id(row.get("master_record_id"))
        if bare_id is None:
            continue
        yield _Raw(
            "salesforce",
            bare_id,
            salesforce_id(row.get("parent_id")),
            [(bare_id, master)] if master else [],
            _is_deleted(row, "is_deleted"),
            moment(row.get("last_modified_date")),
            {
                "name": row.get("name"),
                "websites": domains_of(row.get("website")),
                "account_type": row.get("type"),
                "lei": row.get("lei"),
                "duns": row.get("duns_number"),
            },
        )


def _hubspot_accounts(rows: Iterable[Row]) -> Iterable[_Raw]:
    for row in rows:
        bare_id = text(row["id"])
        if bare_id is None:
            continue
        merged = text(row.get("properties_hs_merged_object_ids")) or ""
        yield _Raw(
            "hubspot",
            bare_id,
            text(row.get("properties_hs_parent_company_id")),
            [(m.strip(), bare_id) for m in merged.split(";") if m.strip()],
            _is_deleted(row, "archived"),
            moment(row.get("properties_hs_lastmodifieddate") or row.get("updatedat")),
            {
                "name": row.get("properties_name"),
                "websites": domains_of(
                    row.get("properties_domain"),
                    row.get("properties_website"),
                    row.get("properties_hs_additional_domains"),
                ),
                "account_type": row.get("properties_type"),
                "lifecycle_stage": row.get("properties_lifecyclestage"),
            },
        )


def _generic_accounts(rows: Iterable[Row]) -> Iterable[_Raw]:
    for row in rows:
        bare_id = text(row.get("account_id"))
        if bare_id is None:
            continue
        yield _Raw(
            "generic",
            bare_id,
            text(row.get("parent_account_id")),
            [],
            False,
            moment(row.get("updated_at")),
            {
                "name": row.get("account_name"),
                "websites": domains_of(row.get("website")),
                "mail_domains": domains_of(row.get("email_domain")),
                "status": row.get("status"),
                "lei": row.get("lei"),
                "duns": row.get("duns"),
                "vat_id": row.get("vat_id"),
                "linkedin": row.get("linkedin_url"),
                "open_amount": row.get("open_amount"),
                "currency": row.get("currency"),
            },
        )


@dataclass
class _Deal:
    """One live opportunity of an account."""

    amount: Decimal | None
    currency: str | None
    is_won: bool
    is_open: bool
    closed_on: date | None


def _deal(amount: object, currency: object, closed: object, won: object, on: object):
    is_won = bool(boolean(won))
    return _Deal(
        money(amount),
        text(currency),
        is_won,
        not is_won and not boolean(closed),
        day(on),
    )


def _first_listed(companies: object) -> str | None:
    """Return the first company of a HubSpot deal (an array or its JSON text)."""
    listed = json.loads(companies) if isinstance(companies, str) else companies
    return text(listed[0]) if listed else None


def terminal_survivors(merges: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Follow merges to their end: merged id -> last survivor.

    A cycle's survivor is its least id. Raises Undefined where an id was merged
    into several accounts that do not end in the same one.
    """
    into: dict[str, set[str]] = defaultdict(set)
    for merged, survivor in merges:
        if merged != survivor:
            into[merged].add(survivor)

    def ends(start: str, path: tuple[str, ...]) -> set[str]:
        if start in path:
            return {min(path[path.index(start) :])}
        if start not in into:
            return {start}
        return {e for nxt in into[start] for e in ends(nxt, (*path, start))}

    survivors = {}
    for merged in into:
        found = ends(merged, ())
        if len(found) > 1:
            raise Undefined(f"{merged} was merged into several accounts")
        survivors[merged] = found.pop()
    return survivors


class OurSide:
    """Our canonical accounts, with status, amount and exclusions."""

    def __init__(self, world: World, settings: Settings) -> None:
        self.settings = settings
        self._free_mail = settings.free_mail_domains()
        raw: list[_Raw] = []
        tables = world.crms.get("salesforce", {})
        raw.extend(_salesforce_accounts(tables.get("account", [])))
        tables = world.crms.get("hubspot", {})
        raw.extend(_hubspot_accounts(tables.get("companies", [])))
        tables = world.crms.get("generic", {})
        raw.extend(_generic_accounts(tables.get("accounts", [])))

        latest: dict[tuple[str, str], _Raw] = {}
        for row in raw:
            key = (row.crm, row.bare_id)
            if key not in latest or latest[key].updated_at < row.updated_at:
                latest[key] = row
        self._survivors: dict[tuple[str, str], str] = {}
        for crm in ("salesforce", "hubspot"):
            merges = [m for row in raw if row.crm == crm for m in row.merged_into]
            for merged, survivor in terminal_survivors(merges).items():
                self._survivors[crm, merged] = survivor
        self._live = {
            key for key, row in latest.items() if not row.is_deleted and self._survivors.get(key, key[1]) == key[1]
        }

        deals, mails = self._read_children(world)
        self.accounts: dict[str, Account] = {}
        for key in self._live:
            row = latest[key]
            account = self._account(row, deals[key], mails[key], world)
            self.accounts[account.account_id] = account
        for account in self.accounts.values():
            parent = self.resolve_in(account.source, account.parent_id)
            account.parent_id = parent

        self._by_bare_id: dict[str, set[str]] = defaultdict(set)
        for crm, bare_id in {*self._live, *self._survivors}:
            found = self.resolve_in(crm, bare_id)
            if found:
                self._by_bare_id[bare_id].add(f"{crm}:{bare_id}")

    def resolve_in(self, crm: str, bare_id: str | None) -> str | None:
        """Return the live account that an id of one CRM means, if any."""
        if bare_id is None:
            return None
        bare_id = self._survivors.get((crm, bare_id), bare_id)
        return f"{crm}:{bare_id}" if (crm, bare_id) in self._live else None

    def resolve(self, seed_id: object) -> str | None:
        """Return the live account that a seed's id means, if any.

        Full ids (`salesforce:001...`) and bare ids of exactly one CRM, of 15
        or 18 characters for Salesforce; a merged record means its survivor.
        """
        written = text(seed_id)
        if written is None:
            return None
        crm, colon, bare_id = written.partition(":")
        if colon:
            if crm == "salesforce":
                bare_id = salesforce_id(bare_id) or ""
            return self.resolve_in(crm, bare_id)
        found = self._by_bare_id.get(written, set()) | self._by_bare_id.get(salesforce_id(written) or "", set())
        if len(found) != 1:
            return None
        crm, _, bare_id = next(iter(found)).partition(":")
        return self.resolve_in(crm, bare_id)

    def _read_children(self, world: World):
        """Return live deals and e-mail addresses by surviving (crm, id)."""
        deals: dict[tuple[str, str], list[_Deal]] = defaultdict(list)
        mails: dict[tuple[str, str], list[str]] = defaultdict(list)

        def key(crm: str, bare_id: str | None) -> tuple[str, str]:
            return crm, self._survivors.get((crm, bare_id or ""), bare_id or "")

        tables = world.crms.get("salesforce", {})
        for row in tables.get("opportunity", []):
            if not _is_deleted(row, "is_deleted"):
                deals[key("salesforce", salesforce_id(row.get("account_id")))].append(
                    _deal(
                        row.get("amount"),
                        row.get("currency_iso_code"),
                        row.get("is_closed"),
                        row.get("is_won"),
                        row.get("close_date"),
                    )
                )
        for row in tables.get("contact", []):
            if not _is_deleted(row, "is_deleted"):
                mails[key("salesforce", salesforce_id(row.get("account_id")))].append(str(row.get("email") or ""))
        tables = world.crms.get("hubspot", {})
        for row in tables.get("deals", []):
            if not _is_deleted(row, "archived"):
                deals[key("hubspot", _first_listed(row.get("companies")))].append(
                    _deal(
                        row.get("properties_amount"),
                        row.get("properties_deal_currency_code"),
                        row.get("properties_hs_is_closed"),
                        row.get("properties_hs_is_closed_won"),
                        row.get("properties_closedate"),
                    )
                )
        for row in tables.get("contacts", []):
            if not _is_deleted(row, "archived"):
                company = text(row.get("properties_associatedcompanyid"))
                mails[key("hubspot", company)].append(str(row.get("properties_email") or ""))
        return deals, mails

    def _account(self, raw: _Raw, deals: list[_Deal], mails: list[str], world: World) -> Account:
        values = raw.row
        settings = self.settings
        evidence: set[str] = set()
        for column in ("account_type", "lifecycle_stage", "status"):
            value = values.get(column)
            found = settings.status((raw.crm,), column, value)
            if found is None and column == "status" and fold(value) in STANDARD_WORDS:
                found = fold(value)
            if found:
                evidence.add(found)
        wins = [deal for deal in deals if deal.is_won]
        known = [deal.closed_on for deal in wins if deal.closed_on]
        churned = "churned" in evidence
        if churned:
            evidence.discard("customer")
        elif wins:
            if world.churn_after_days and known and (world.as_of - max(known)).days > world.churn_after_days:
                evidence.add("churned")
            else:
                evidence.add("customer")
        if any(deal.is_open for deal in deals):
            evidence.add("open_opportunity")
        amount = sum(
            (settings.in_reporting_currency(deal.amount, deal.currency) for deal in deals if deal.is_open),
            settings.in_reporting_currency(money(values.get("open_amount")), values.get("currency")),
        )
        business = [
            domain for domain in settings_domains(settings, map(mail_domain, mails)) if domain not in self._free_mail
        ]
        learnt = {
            domain for domain in business if business.count(domain) >= 2 and 2 * business.count(domain) >= len(business)
        }
        return Account(
            account_id=f"{raw.crm}:{raw.bare_id}",
            source=raw.crm,
            bare_id=raw.bare_id,
            parent_id=raw.parent,
            name=text(values.get("name")),
            websites=settings.canonical(values["websites"]),
            mail_domains=settings.canonical(learnt | values.get("mail_domains", frozenset())),
            lei=compact(values.get("lei")),
            duns=compact(values.get("duns")),
            vat_id=compact(values.get("vat_id")),
            linkedin=linkedin_page(values.get("linkedin")),
            status=best((evidence & STANDARD_WORDS) or {"prospect"}),
            is_status_excluded="excluded" in evidence,
            open_amount=amount,
        )

    def exclusion_kinds(self, partner_ids: Sequence[str]) -> dict[str, set[str]]:
        """Return account_id -> why it is excluded, under exclusions of a scope."""
        domains = self.settings.excluded_domains(partner_ids)
        names = self.settings.excluded_names(partner_ids)
        ids = {self.resolve(value) for value in self.settings.excluded_values("account_id", partner_ids)}
        reasons: dict[str, set[str]] = defaultdict(set)
        for account in self.accounts.values():
            if account.is_status_excluded:
                reasons[account.account_id].add("status")
            if account.account_id in ids:
                reasons[account.account_id].add("account_id")
            if account.websites & domains:
                reasons[account.account_id].add("domain")
            if account.name and fold(account.name) in names:
                reasons[account.account_id].add("name")
        return reasons


def settings_domains(settings: Settings, domains: Iterable[str | None]) -> list[str]:
    """Return known domains, aliases replaced, one per contact."""
    return [next(iter(settings.canonical([d]))) for d in domains if d]


# ------------------------------------------------------------- partners' records


def usable_partner_rows(world: World, settings: Settings) -> dict[str, dict[str, Account]]:
    """Return partner_id -> account_id -> the partner's usable record.

    Status rules that exclude are kept as a flag; exclusions are applied later.
    """
    latest: dict[tuple[str, str], Row] = {}
    for row in world.partner_accounts:
        partner_id, account_id = text(row["partner_id"]), text(row.get("account_id"))
        named = ("account_name", "website", "email_domain", "lei", "duns", "vat_id")
        if (
            partner_id not in settings.partners
            or account_id is None
            or not any(text(row.get(c)) for c in (*named, "linkedin_url"))
        ):
            continue
        key = (str(partner_id), account_id)
        if key not in latest or moment(latest[key].get("updated_at")) < moment(row.get("updated_at")):
            latest[key] = row
    found: dict[str, dict[str, Account]] = {p: {} for p in settings.partners}
    for (partner_id, account_id), row in latest.items():
        status, is_excluded = _partner_status(partner_id, row.get("status"), settings)
        found[partner_id][account_id] = Account(
            account_id=account_id,
            source=partner_id,
            bare_id=account_id,
            parent_id=text(row.get("parent_account_id")),
            name=text(row.get("account_name")),
            websites=settings.canonical(domains_of(row.get("website"))),
            mail_domains=settings.canonical(domains_of(row.get("email_domain"))),
            lei=compact(row.get("lei")),
            duns=compact(row.get("duns")),
            vat_id=compact(row.get("vat_id")),
            linkedin=linkedin_page(row.get("linkedin_url")),
            status=status,
            is_status_excluded=is_excluded,
            updated_on=day(row.get("updated_at")),
        )
    for row in world.partner_keys:
        if row["partner_id"] in settings.partners:
            partner_id, token = str(row["partner_id"]), str(row["account_token"])
            status, is_excluded = _partner_status(partner_id, row.get("status"), settings)
            found[partner_id][token] = Account(
                account_id=token,
                source=partner_id,
                bare_id=token,
                parent_id=text(row.get("parent_account_token")),
                status=status,
                is_status_excluded=is_excluded,
            )
    return found


def _partner_status(partner_id: str, value: object, settings: Settings) -> tuple[str, bool]:
    """Return a partner account's status, and whether its rule excludes it."""
    raw = fold(value)
    status = settings.status((partner_id, "partner"), "status", raw) or raw
    known = status if status in STANDARD_WORDS else "not_shared"
    return str(known), status == "excluded"


def excluded_partner_rows(partner_id: str, rows: Mapping[str, Account], settings: Settings) -> set[str]:
    """Return the ids of one partner's rows that leave every count."""
    scope = ("*", partner_id)
    domains = settings.excluded_domains(scope)
    names = settings.excluded_names(scope)
    ids = {text(v) for v in settings.excluded_values("account_id", (partner_id,))}
    return {
        row.account_id
        for row in rows.values()
        if row.is_status_excluded
        or row.account_id in ids
        or row.websites & domains
        or (row.name and fold(row.name) in names)
    }


# ------------------------------------------------------------ hierarchy and units


def roots(parents: Mapping[str, str | None]) -> dict[str, str]:
    """Return account -> ultimate parent.

    `parents` holds every account that counts; a parent outside of it, or the
    account itself, makes a root. A cycle's root is its least id.
    """
    found = {}
    for start in parents:
        path = [start]
        while True:
            nxt = parents[path[-1]]
            if nxt is None or nxt not in parents or nxt == path[-1]:
                found[start] = path[-1]
                break
            if nxt in path:
                found[start] = min(path[path.index(nxt) :])
                break
            path.append(nxt)
    return found


def descends(below: str, above: str, parents: Mapping[str, str | None]) -> bool:
    """Tell whether `above` is reached by following parents from `below`."""
    seen = {below}
    at = parents.get(below)
    while at is not None and at in parents and at not in seen:
        if at == above:
            return True
        seen.add(at)
        at = parents[at]
    return False


# -------------------------------------------------------------------------- links


@dataclass
class _Sides:
    """Both sides of one partner's numbers: accounts that count, and trees."""

    partner_id: str
    ours: dict[str, Account]
    theirs: dict[str, Account]

    def __post_init__(self) -> None:
        self.our_parents = {a: x.parent_id for a, x in self.ours.items()}
        self.their_parents = {b: x.parent_id for b, x in self.theirs.items()}
        self.our_roots = roots(self.our_parents)
        self.their_roots = roots(self.their_parents)


def override_decisions(
    world: World, partner_id: str, resolve: Callable[[object], str | None]
) -> dict[tuple[str, str], str]:
    """Return (account_id, partner_account_id) -> the decision that holds."""
    latest: dict[tuple[str, str], tuple[date, int, str]] = {}
    for row in world.setting("match_overrides"):
        account_id = resolve(row.get("account_id"))
        other = text(row.get("partner_account_id"))
        if row["partner_id"] != partner_id or account_id is None or other is None:
            continue
        decision = str(row["decision"])
        rank = (
            day(row.get("decided_on")) or date.min,
            int(decision == "no_match"),
            decision,
        )
        pair = (account_id, other)
        latest[pair] = max(latest.get(pair, rank), rank)
    return {pair: rank[2] for pair, rank in latest.items()}


def _identifier_evidence(a: Account, b: Account) -> str | None:
    """Return `conflict`, `equal` or None for what two records' identifiers say."""
    pairs = [(a.lei, b.lei), (a.duns, b.duns)]
    conflict = any(x and y and x != y for x, y in pairs)
    pairs += [(a.vat_id, b.vat_id), (a.linkedin, b.linkedin)]
    equal = any(x and x == y for x, y in pairs)
    if conflict and equal:
        raise Undefined(f"{a.account_id}, {b.account_id}: identifiers at odds")
    return "conflict" if conflict else "equal" if equal else None


def _alias_relationship(a: Account, b: Account, settings: Settings, keyless: frozenset[str]) -> str | None:
    """Return `subsidiary` or `parent` where a domain of one belongs to the other."""
    ours, theirs = a.websites - keyless, b.websites - keyless
    if any(settings.subsidiaries.get(domain, set()) & theirs for domain in ours):
        return "subsidiary"
    if any(settings.subsidiaries.get(domain, set()) & ours for domain in theirs):
        return "parent"
    return None


def _refuse_strangers(side: Mapping[str, Account], root_of: Mapping[str, str], keyless: frozenset[str]) -> None:
    """Raise Undefined if strangers carry one domain, which leaves it ambiguous.

    One family may share a domain; so may duplicates, which have one name, and
    duplicates of a family, whose heads have one name.
    """
    carriers: dict[str, list[Account]] = defaultdict(list)
    for account in side.values():
        for domain in (account.websites | account.mail_domains) - keyless:
            carriers[domain].append(account)
    for domain, accounts in carriers.items():
        units = {root_of[a.account_id] for a in accounts}
        names = {a.name_key for a in accounts}
        heads = {side[unit].name_key for unit in units}
        if min(len(units), len(names), len(heads)) > 1:
            raise Undefined(f"{domain} is carried by strangers")


def compute_links(world: World, our_side: OurSide, settings: Settings, sides: _Sides) -> dict[Pair, str]:
    """Return the accepted links of one partner with their relationship."""
    decisions = override_decisions(world, sides.partner_id, our_side.resolve)
    keyless = settings.keyless_domains(("*", sides.partner_id))
    _refuse_strangers(sides.ours, sides.our_roots, keyless)
    _refuse_strangers(sides.theirs, sides.their_roots, keyless)
    links: dict[tuple[str, str], str] = {}
    contested: set[tuple[str, str]] = set()
    for a in sides.ours.values():
        for b in sides.theirs.values():
            pair = (a.account_id, b.account_id)
            evidence = _identifier_evidence(a, b)
            alias = _alias_relationship(a, b, settings, keyless)
            shares_domain = bool(((a.websites | a.mail_domains) & (b.websites | b.mail_domains)) - keyless)
            if pair in decisions:
                if decisions[pair] == "match":
                    links[pair] = "same"
            elif evidence == "conflict" and not shares_domain and not alias:
                if a.name_key and a.name_key == b.name_key:
                    raise Undefined(f"{pair}: equal names at odds with their numbers")
            elif evidence == "conflict" and shares_domain:
                links[pair] = "sibling"
            elif evidence == "equal":
                links[pair] = "same"
            elif shares_domain:
                contested.add(pair)
            elif alias:
                links[pair] = alias
                if a.name_key == b.name_key:
                    raise Undefined(f"{pair}: equal names beside an alias")
            elif a.name_key and a.name_key == b.name_key:
                raise Undefined(f"{pair}: equal names and nothing else")
    settled = {pair for pair, relationship in links.items() if relationship == "same"}
    links.update(_settle(contested, settled, sides))
    return {(sides.partner_id, a, b): r for (a, b), r in links.items()}


def _settle(
    contested: set[tuple[str, str]], settled: set[tuple[str, str]], sides: _Sides
) -> dict[tuple[str, str], str]:
    """Return the relationship of pairs that share a domain, family by family.

    `settled` pairs are the same by an override or identifier. Raises Undefined
    where a best fit hangs on how similar unequal names are.
    """
    families: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    for a, b in contested | settled:
        families[sides.our_roots[a], sides.their_roots[b]].add((a, b))

    def has_one_name(pair: tuple[str, str]) -> bool:
        return sides.ours[pair[0]].name_key == sides.theirs[pair[1]].name_key

    def best_fit(pairs: set[tuple[str, str]], chooser: str, place: int) -> str:
        """Return the best fit of the account at one place of the pairs."""
        mine = {pair for pair in pairs if pair[place] == chooser}
        mine = mine & settled or mine
        if len(mine) > 1:
            mine = set(filter(has_one_name, mine))
        if len(mine) != 1:
            raise Undefined(f"no name decides for {chooser}")
        return mine.pop()[1 - place]

    relationships = {
        (a, b): _relationship(a, b, best_fit(pairs, a, 0), best_fit(pairs, b, 1), sides)
        for pairs in families.values()
        for a, b in pairs & contested
    }
    found = set(filter(has_one_name, contested | settled))
    found_ours, found_theirs = {a for a, _ in found}, {b for _, b in found}
    for a, b in contested & found:
        relationships[a, b] = "same"
    for a, b in contested - found:
        is_branch = a in found_ours or b in found_theirs
        if relationships[a, b] == "same" and is_branch:
            relationships[a, b] = "sibling"
    return relationships


def _relationship(a: str, b: str, best_b: str, best_a: str, sides: _Sides) -> str:
    """Return what a is to b, given the best fit of each in the other family."""
    if best_a == a and best_b == b:
        return "same"
    if best_a != a:
        mine, other, parents, below, above = (
            a,
            best_a,
            sides.our_parents,
            "subsidiary",
            "parent",
        )
    else:
        mine, other, parents, below, above = (
            b,
            best_b,
            sides.their_parents,
            "parent",
            "subsidiary",
        )
    goes_up = descends(mine, other, parents)
    goes_down = descends(other, mine, parents)
    if goes_up and goes_down:
        raise Undefined(f"{mine}, {other}: each above the other on a cycle")
    return below if goes_up else above if goes_down else "sibling"


# ------------------------------------------------------------- matrix and coverage


@dataclass
class _Unit:
    """A record, or an ultimate parent with its members."""

    members: frozenset[str]
    status: str
    open_amount: Decimal


def _units(
    side: Mapping[str, Account], root_of: Mapping[str, str], rollup: str
) -> tuple[dict[str, _Unit], dict[str, str]]:
    """Return unit id -> unit, and member -> unit id, under a rollup."""
    unit_of = {a: root_of[a] if rollup == "parent" else a for a in side}
    members: dict[str, set[str]] = defaultdict(set)
    for account_id, unit_id in unit_of.items():
        members[unit_id].add(account_id)
    units = {
        unit_id: _Unit(
            frozenset(ids),
            best(side[i].status for i in ids),
            sum((side[i].open_amount for i in ids), Decimal(0)),
        )
        for unit_id, ids in members.items()
    }
    return units, unit_of


@dataclass
class _Rolled:
    """One partner's numbers under one rollup."""

    our_units: dict[str, _Unit]
    their_units: dict[str, _Unit]
    pairs: set[tuple[str, str]]

    @property
    def covered(self) -> set[str]:
        """Ids of our linked units."""
        return {a for a, _ in self.pairs}

    @property
    def covered_members(self) -> set[str]:
        """Ids of the accounts in our linked units."""
        return {m for a in self.covered for m in self.our_units[a].members}


def _roll_up(sides: _Sides, links: Mapping[Pair, str], rollup: str) -> _Rolled:
    our_units, our_unit_of = _units(sides.ours, sides.our_roots, rollup)
    their_units, their_unit_of = _units(sides.theirs, sides.their_roots, rollup)
    pairs = {
        (our_unit_of[a], their_unit_of[b])
        for (p, a, b), relationship in links.items()
        if p == sides.partner_id and (rollup == "parent" or relationship == "same")
    }
    return _Rolled(our_units, their_units, pairs)


def companies(pairs: Iterable[tuple[str, str]]) -> list[tuple[set[str], set[str]]]:
    """Return the connected groups of linked units, as (ours, theirs)."""
    neighbours: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    for a, b in pairs:
        neighbours["ours", a].add(("theirs", b))
        neighbours["theirs", b].add(("ours", a))
    groups = []
    seen: set[tuple[str, str]] = set()
    for start in neighbours:
        if start in seen:
            continue
        group, waiting = {start}, [start]
        while waiting:
            fresh = neighbours[waiting.pop()] - group
            group |= fresh
            waiting.extend(fresh)
        seen |= group
        groups.append(
            (
                {unit for side, unit in group if side == "ours"},
                {unit for side, unit in group if side == "theirs"},
            )
        )
    return groups


def _matrix(sides: _Sides, rollup: str, rolled: _Rolled) -> dict:
    """Return the cells of one partner and rollup, dense over both sides' statuses."""
    linked_to: dict[str, set[str]] = defaultdict(set)
    linked_from: dict[str, set[str]] = defaultdict(set)
    for a, b in rolled.pairs:
        linked_to[a].add(rolled.their_units[b].status)
        linked_from[b].add(rolled.our_units[a].status)
    cells: dict = {
        (sides.partner_id, rollup, ours, theirs): {
            "our_accounts": 0,
            "partner_accounts": 0,
            "companies": 0,
            "open_pipeline_amount": Decimal(0),
            "cell_state": "counted",
        }
        for ours in {a.status for a in sides.ours.values()}
        for theirs in {b.status for b in sides.theirs.values()}
    }

    def cell(our_status: str, partner_status: str) -> dict:
        return cells[sides.partner_id, rollup, our_status, partner_status]

    for a, statuses in linked_to.items():
        unit = rolled.our_units[a]
        at = cell(unit.status, best(statuses))
        at["our_accounts"] += 1
        at["open_pipeline_amount"] += unit.open_amount
    for b, statuses in linked_from.items():
        at = cell(best(statuses), rolled.their_units[b].status)
        at["partner_accounts"] += 1
    for ours, theirs in companies(rolled.pairs):
        at = cell(
            best(rolled.our_units[a].status for a in ours),
            best(rolled.their_units[b].status for b in theirs),
        )
        at["companies"] += 1
    for key, at in cells.items():
        if key[3] == "not_shared":
            for measure in list(at):
                at[measure] = at[measure] or None
            at["cell_state"] = "not_shared"
    return cells


@dataclass
class _Target:
    """One target list: the accounts it names and how many entries name none."""

    accounts: set[str]
    unnamed: int


def _targets(world: World, our_side: OurSide, settings: Settings) -> dict[str, _Target]:
    """Return list name -> what it names."""
    entries: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for row in world.setting("target_accounts"):
        account_id, domain = text(row.get("account_id")), text(row.get("domain"))
        if account_id:
            entries[str(row["list_name"])].add(("account_id", account_id))
        if domain:
            known = registrable(domain)
            entries[str(row["list_name"])].add(("domain", known or domain))
    targets = {}
    for list_name, listed in entries.items():
        named: set[str] = set()
        unnamed = 0
        for kind, value in listed:
            if kind == "account_id":
                hit = {a for a in (our_side.resolve(value),) if a}
            else:
                wanted = settings.canonical([value])
                hit = {a.account_id for a in our_side.accounts.values() if wanted & (a.websites | a.mail_domains)}
            named |= hit
            unnamed += not hit
        targets[list_name] = _Target(named, unnamed)
    return targets


def _coverage(
    sides: _Sides,
    rollup: str,
    rolled: _Rolled,
    covered_elsewhere: set[str],
    targets: Mapping[str, _Target],
    list_age_days: int | None,
) -> dict:
    """Return one partner's coverage rows under one rollup."""
    rows: dict = {}
    statuses = {a.status for a in sides.ours.values()} | {"all"}
    for status in statuses:
        for list_name in {*targets, "all"}:
            wanted = {
                unit_id
                for unit_id, unit in rolled.our_units.items()
                if status in ("all", unit.status) and (list_name == "all" or unit.members & targets[list_name].accounts)
            }
            covered = wanted & rolled.covered
            unique = {a for a in covered if not rolled.our_units[a].members & covered_elsewhere}

            def amount(units: Iterable[str]) -> Decimal:
                return sum((rolled.our_units[a].open_amount for a in units), Decimal(0))

            rows[sides.partner_id, rollup, status, list_name] = {
                "our_accounts": len(wanted),
                "covered_accounts": len(covered),
                "partner_accounts": len(rolled.their_units),
                "partner_matched": len({b for a, b in rolled.pairs if a in wanted}),
                "unique_accounts": len(unique),
                "open_amount": amount(wanted),
                "covered_amount": amount(covered),
                "unique_amount": amount(unique),
                "list_age_days": list_age_days,
                "unnamed_targets": 0 if list_name == "all" else targets[list_name].unnamed,
            }
    return rows


def _ecosystem(
    rollup: str,
    units: Mapping[str, _Unit],
    statuses: Iterable[str],
    covered_members: Mapping[str, set[str]],
    targets: Mapping[str, _Target],
) -> dict:
    """Return the greedy order of partners under one rollup: at each rank every partner left is tried.

    `units`: ours that count for all partners; `statuses`: those of our accounts; `covered_members`: partner ->
    accounts in units that it covers.
    """
    rows: dict = {}
    for status in {*statuses, "all"}:
        for list_name in {*targets, "all"}:
            wanted = {
                unit_id
                for unit_id, unit in units.items()
                if status in ("all", unit.status) and (list_name == "all" or unit.members & targets[list_name].accounts)
            }
            covers = {p: {u for u in wanted if units[u].members & members} for p, members in covered_members.items()}
            reached: set[str] = set()
            left = set(covers)
            for rank in range(1, len(covers) + 1):
                partner_id = min(left, key=lambda p: (-len(covers[p] - reached), p))
                added = covers[partner_id] - reached
                reached |= added
                left.remove(partner_id)
                rows[rollup, list_name, status, rank] = {
                    "partner_id": partner_id,
                    "our_accounts": len(wanted),
                    "added_accounts": len(added),
                    "cumulative_accounts": len(reached),
                    "limit_accounts": len(set().union(*covers.values())),
                    "open_amount": sum((units[u].open_amount for u in wanted), Decimal(0)),
                    "added_amount": sum((units[u].open_amount for u in added), Decimal(0)),
                    "cumulative_amount": sum((units[u].open_amount for u in reached), Decimal(0)),
                }
    return rows


# -------------------------------------------------------------------------- solve


def solve(world: World, links: Mapping[Pair, str] | None = None) -> Answer:
    """Return what the Rules say about a world.

    `links`: accepted links with relationship, taken as given; None computes
    them, and raises Undefined where names would have to be compared.
    """
    settings = Settings(world)
    our_side = OurSide(world, settings)
    partner_rows = usable_partner_rows(world, settings)
    targets = _targets(world, our_side, settings)
    answer = Answer()

    excluded = our_side.exclusion_kinds(("*",))
    counted = {a: x for a, x in our_side.accounts.items() if a not in excluded}
    ultimate = roots({a: x.parent_id for a, x in counted.items()})
    for account_id, account in our_side.accounts.items():
        answer.accounts[account_id] = {
            "status": account.status,
            "is_excluded": account_id in excluded,
            "reasons": excluded.get(account_id, set()),
            "open_amount": account.open_amount,
            "ultimate_parent_account_id": ultimate.get(account_id),
        }

    all_sides = {}
    for partner_id, rows in partner_rows.items():
        left = excluded_partner_rows(partner_id, rows, settings)
        for account_id, row in rows.items():
            answer.partner_accounts[partner_id, account_id] = {
                "status": row.status,
                "is_excluded": account_id in left,
            }
        ours_left = our_side.exclusion_kinds(("*", partner_id))
        all_sides[partner_id] = _Sides(
            partner_id,
            {a: x for a, x in our_side.accounts.items() if a not in ours_left},
            {b: x for b, x in rows.items() if b not in left},
        )
    if links is None:
        for sides in all_sides.values():
            answer.links |= compute_links(world, our_side, settings, sides)
    else:
        answer.links = dict(links)

    for rollup in ("account", "parent"):
        rolled = {p: _roll_up(sides, answer.links, rollup) for p, sides in all_sides.items()}
        for partner_id, sides in all_sides.items():
            elsewhere = set().union(*(r.covered_members for p, r in rolled.items() if p != partner_id))
            updated = [row.updated_on for row in partner_rows[partner_id].values() if row.updated_on]
            age = (world.as_of - max(updated)).days if updated else None
            answer.matrix |= _matrix(sides, rollup, rolled[partner_id])
            answer.coverage |= _coverage(sides, rollup, rolled[partner_id], elsewhere, targets, age)
        covered_members = {p: r.covered_members for p, r in rolled.items()}
        units, _ = _units(counted, ultimate, rollup)
        statuses = {a.status for a in counted.values()}
        answer.ecosystem |= _ecosystem(rollup, units, statuses, covered_members, targets)
    return answer
