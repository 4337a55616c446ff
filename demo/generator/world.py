"""Draws that every table of the demo shares: companies, cells, ids, dates."""

from __future__ import annotations

import csv
import datetime as dt
import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import spellings
from .cast import (
    ALIASES,
    BASE62,
    FIRST_NAMES,
    HOME_SCRIPT,
    LAST_NAMES,
    NEAR_NAMES,
    RATES,
    REAL_FAMILIES,
    REGION_OF,
    SECTOR_WORDS,
    SUBSIDIARIES,
    UNUSABLE_DOMAINS,
    Company,
    PartnerProfile,
)

SEED = "account-mapping-demo-1"
AS_OF = dt.datetime(2026, 11, 15, 6, 0, 0)


@dataclass
class Record:
    """One account as a system holds it; what truth and checks need to know."""

    record_id: str
    company: Company
    web_domains: frozenset[str]
    mail_domains: set[str] = field(default_factory=set)
    is_live: bool = True
    is_excluded: bool = False
    spelling: str = "as_source"


def generator(*parts: object) -> random.Random:
    """A random generator of its own per purpose, so that changes stay local."""
    return random.Random("/".join((SEED, *map(str, parts))))


def read_companies(path: Path) -> list[Company]:
    """Usable companies of the file, in its order, with invented weights."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows or {"name", "domain", "country", "city"} - set(rows[0]):
        raise SystemExit(f"{path}: expected columns name, domain, country, city")
    families = {n: group[0] for group in REAL_FAMILIES for n in group}
    companies = []
    for number, row in enumerate(rows):
        if row["domain"] in UNUSABLE_DOMAINS:
            continue
        rng = generator("company", row["domain"])
        lower = row["name"].lower()
        sector = next((s for s, words in SECTOR_WORDS if any(w in lower for w in words)), "other")
        companies.append(
            Company(
                entity=row["name"],
                family=families.get(row["name"], row["name"]),
                name=row["name"],
                domain=row["domain"].lower(),
                country=row["country"],
                city=row["city"],
                region=REGION_OF.get(row["country"], "other"),
                sector=sector,
                size=math.exp(rng.gauss(0, 1)),
                affinity=rng.gauss(0, 1),
                # D-U-N-S numbers are invented: real ones are not public.
                duns=f"{1_000_000 + number * 97:09d}",
            )
        )
    return companies


def pick(
    rng: random.Random,
    companies: Iterable[Company],
    weight: Callable[[Company], float],
    count: int,
) -> list[Company]:
    """`count` companies without replacement (Efraimidis and Spirakis 2006)."""
    keyed = []
    for company in companies:
        draw = rng.random()
        chance = weight(company)
        if chance > 0:
            keyed.append((math.log(draw) / chance, company.entity, company))
    keyed.sort(key=lambda item: (-item[0], item[1]))
    return [company for _, _, company in keyed[:count]]


def subsidiary_of(parent: Company, kind: int) -> Company:
    """An invented country subsidiary of a listed company."""
    shape, country, city, _ = SUBSIDIARIES[kind]
    words = spellings.core_name(parent.name).split()[:3]
    while words[-1].lower() in ("&", "and", "of", "-"):
        words.pop()
    name = shape.format(" ".join(words).rstrip(",-"))
    return Company(
        entity=f"{parent.entity} > {country}", family=parent.family, name=name,
        domain=parent.domain, country=country, city=city,
        region=REGION_OF.get(country, "other"), sector=parent.sector,
        size=parent.size, affinity=parent.affinity,
        duns=f"{500_000_000 + int(parent.duns) // 97 * 11 + kind:09d}",
    )  # fmt: skip


def subsidiary_kind(rng: random.Random, parent: Company) -> int:
    """A country subsidiary other than at home."""
    kinds = [k for k, s in enumerate(SUBSIDIARIES) if s[1] != parent.country]
    return rng.choice(kinds)


def salesforce_id(number: int, prefix: str = "001") -> str:
    """An 18-character id: 15 case-sensitive characters and their check suffix."""
    body = f"{prefix}5g00000"
    digits = ""
    for _ in range(5):
        digits = BASE62[number % 62] + digits
        number //= 62
    body += digits
    return body + salesforce_suffix(body)


def salesforce_suffix(body: str) -> str:
    """Which letters of each five are upper case, as three base-32 digits."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
    groups = (body[i : i + 5] for i in (0, 5, 10))
    return "".join(alphabet[sum(1 << i for i, c in enumerate(g) if "A" <= c <= "Z")] for g in groups)


def maybe_short(rng: random.Random, identifier: str, rate: float = 0.08) -> str:
    """The 15-character form of an id now and then, as reports export it."""
    return identifier[:15] if identifier and rng.random() < rate else identifier


def timestamp(moment: dt.datetime) -> str:
    """ISO text as loaders write it, seconds, UTC."""
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def days_ago(rng: random.Random, least: int, most: int) -> dt.datetime:
    """A moment of that many days before the demo's date."""
    seconds = rng.randint(0, 86_399)
    return AS_OF - dt.timedelta(days=rng.randint(least, most), seconds=seconds)


def amount(rng: random.Random, size: float, currency: str) -> str:
    """A round deal amount in the currency."""
    dollars = min(25_000 * size**0.6 * math.exp(rng.gauss(0, 0.7)), 900_000)
    value = dollars / float(RATES.get(currency, "1"))
    return str(round(value / 500) * 500 or 500)


def person(rng: random.Random) -> tuple[str, str]:
    """An invented first and last name."""
    return rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)


def web_presence(
    rng: random.Random,
    company: Company,
    rate: float,
    everyone: Sequence[Company],
    dirt: dict[str, int],
) -> tuple[str, frozenset[str]]:
    """A website cell and the registrable domains that it truly holds.

    About 2 % of the cells are wrong: a page on a portal, text that is no
    address, or another company's site.
    """
    # A subsidiary mostly has a page on its parent's site.
    if rng.random() >= (max(rate, 0.92) if " > " in company.entity else rate):
        dirt["website missing"] += 1
        return "", frozenset()
    roll = rng.random()
    label = company.domain.split(".")[0]
    if roll < 0.008:
        dirt["website is a page on a portal"] += 1
        return rng.choice(spellings.HOSTING).format(label), frozenset()
    if roll < 0.013:
        dirt["website is no address"] += 1
        return rng.choice(spellings.BROKEN_WEBSITES), frozenset()
    if roll < 0.017:
        dirt["website of another company"] += 1
        other = rng.choice(everyone).domain
        return f"www.{other}", frozenset({other})
    domain = company.domain
    aliases = [alias for alias, canonical, _ in ALIASES if canonical == domain]
    if aliases and rng.random() < 0.5:
        domain = rng.choice(aliases)
        dirt["website under an alias domain"] += 1
    if " > " in company.entity and rng.random() < 0.5:
        code = next(s[3] for s in SUBSIDIARIES if s[1] == company.country)
        return f"https://www.{domain}/{code}/", frozenset({canonical_domain(domain)})
    cell = spellings.website(rng, domain)
    dirt["website with path or tracking"] += "/" in cell.split("//")[-1].rstrip("/")
    dirt["several websites in one cell"] += ";" in cell
    return cell, frozenset({canonical_domain(domain)})


def canonical_domain(domain: str) -> str:
    """The domain that its alias stands for."""
    return next((c for alias, c, _ in ALIASES if alias == domain), domain)


def account_name(rng: random.Random, company: Company, dirt_rate: float, dirt: dict[str, int]) -> tuple[str, str]:
    """A spelling of the company's name and its kind, counted."""
    home = HOME_SCRIPT.get(company.entity)
    if home and rng.random() < 0.45:
        dirt["name in another script"] += 1
        return home, "other_script"
    name, kind = spellings.spelled(rng, company.name, company.city, dirt_rate)
    if name == company.name:
        kind = "as_source"
    if kind != "as_source":
        dirt[f"name: {kind.replace('_', ' ')}"] += 1
    return name, kind


def place(
    rng: random.Random,
    company: Company,
    country_rate: float,
    style: str,
    city_rate: float,
    dirt: dict[str, int],
) -> tuple[str, str]:
    """Country and city cells, sometimes empty, in 1 % of another country."""
    country = company.country
    if rng.random() < 0.01:
        dirt["country wrong or unknown"] += 1
        country = rng.choice(("United States", "United Kingdom", "EMEA", "Europe"))
    cell = spellings.country(rng, country, style)
    if rng.random() >= country_rate:
        cell = ""
    city = spellings.city(rng, company.city) if rng.random() < city_rate else ""
    return cell, city


def our_stage(company: Company) -> str:
    """Our status with the company, drawn from its affinity."""
    rng = generator("stage", company.entity)
    score = 0.75 * company.affinity + 0.66 * rng.gauss(0, 1)
    if score > 0.95:
        return "customer"
    if score > 0.5:
        return "open_opportunity"
    return "churned" if score > 0.38 else "prospect"


def partner_stage(profile: PartnerProfile, company: Company) -> str:
    """A partner's status with the company: correlated with ours."""
    rng = generator("stage", profile.partner_id, company.entity)
    score = 0.6 * company.affinity + 0.8 * rng.gauss(0, 1)
    if score > 0.45:
        return "customer"
    if score > 0.1:
        return "open_opportunity"
    return "churned" if score > -0.05 else "prospect"


def special_names() -> set[str]:
    """Names of companies that are in the demo for a reason of their own."""
    names = {name for pair in NEAR_NAMES for name in pair}
    names |= {name for group in REAL_FAMILIES for name in group}
    return names | set(HOME_SCRIPT)


def iso(moment: dt.datetime) -> str:
    """ISO text as HubSpot's interface gives it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
