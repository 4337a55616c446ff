"""A made ecosystem over real companies, and whether ecosystem coverage is what counting by hand gives.

usage: python -m benchmarks.market [COMPANIES.csv] [--companies 20000] [--partners 20] [--folder FOLDER]

COMPANIES.csv holds real companies (name, domain; others columns are not read); without it those of the demo are taken,
which are fewer. Who knows whom is invented: 87 % of our accounts are known to some partner, a few partners know many,
most know few, one knows nobody else's accounts, one knows none; a fifth of each list is not ours. Names and websites
are written differently in the lists, a tenth without a website. One in twenty accounts has a parent, a target list
names a third of them.

The package matches all this from raw tables on, with default settings. Then every row of ecosystem coverage, and every
unique account of partner coverage, is computed once more in plain Python from account_mapping__accounts and
account_mapping__overlaps: at each rank every partner left is tried. Prints the curve; exits with 1 when one row
differs, or the partners together do not cover 80 to 90 % of our accounts.
"""

from __future__ import annotations

import argparse
import csv
import random
import re
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from .ours import ROOT, Project

SEED = "account-mapping-market-1"
PLANTED_COVERAGE = 0.87
LEAST_COVERAGE, MOST_COVERAGE = 0.80, 0.90
TARGET_LIST = "ideal customers"
STATUSES = ("customer", "open_opportunity", "churned", "prospect")
ALL = "all"
MODELS = (
    "+account_mapping__accounts",
    "+account_mapping__overlaps",
    "+account_mapping__partner_coverage",
    "+account_mapping__ecosystem_coverage",
)
# where the demo's companies are: file, column of the name, column of the website
BUNDLED = (
    ("data/salesforce/account.csv", "name", "website"),
    ("data/hubspot/companies.csv", "properties_name", "properties_domain"),
    ("data/partners/partner_accounts.csv", "account_name", "website"),
    ("data/partner_lists/quillfjord_systems.csv", "account_name", "website"),
    ("data/keys_partners/papermoon_payments/generic/accounts.csv", "account_name", "website"),
    ("data/keys_partners/brasshelm_security/pipedrive/organizations.csv", "name", "website"),
)
DOMAIN = re.compile(r"(?:https?://)?(?:www\.)?([a-z0-9-]+(?:\.[a-z0-9-]+)+)(?:/.*)?")


# ------------------------------------------------------------------- the ecosystem


def read_companies(path: Path | None) -> list[tuple[str, str]]:
    """Distinct (name, domain) of a file, or of the demo; one name and one domain each, in order of the domain."""
    files = (
        [(path, "name", "domain")]
        if path
        else [(ROOT / "demo" / "project" / file, *columns) for file, *columns in BUNDLED]
    )
    by_domain: dict[str, str] = {}
    for file, name_column, domain_column in files:
        with file.open(newline="", encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                found = DOMAIN.fullmatch((row[domain_column] or "").strip().lower())
                if found and row[name_column]:
                    by_domain.setdefault(found[1], row[name_column].strip())
    by_name: dict[str, str] = {}
    for domain, name in sorted(by_domain.items()):
        by_name.setdefault(name.casefold(), domain)
    return sorted((by_domain[domain], domain) for domain in by_name.values())


@dataclass
class Market:
    """Raw rows: our accounts, partners' lists, and settings. covers: what was planted, partner -> our account ids."""

    accounts: list[dict[str, str | None]]
    lists: list[dict[str, str | None]]
    seeds: dict[str, list[dict[str, str]]]
    covers: dict[str, set[str]] = field(default_factory=dict)


def make_market(companies: list[tuple[str, str]], partners: int) -> Market:
    """An ecosystem in which PLANTED_COVERAGE of our accounts are known to some partner."""
    rng = random.Random(SEED)
    companies = rng.sample(companies, len(companies))
    ours, strangers = companies[: len(companies) * 5 // 6], companies[len(companies) * 5 // 6 :]
    ids = [f"a{number:06}" for number in range(len(ours))]
    accounts = []
    for number, (name, domain) in enumerate(ours):
        status = rng.choices(STATUSES, [15, 10, 5, 70])[0]
        accounts.append(
            {
                "account_id": ids[number],
                "account_name": name,
                "website": domain if rng.random() < 0.95 else None,
                "status": status,
                "open_amount": str(rng.randrange(1_000, 500_000)) if status == "open_opportunity" else None,
                "parent_account_id": ids[number - 1] if number and rng.random() < 0.05 else None,
            }
        )
    names = [f"partner_{number + 1:02}" for number in range(partners)]
    known = rng.sample(range(len(ours)), round(PLANTED_COVERAGE * len(ours)))
    covers: dict[str, set[int]] = {name: set() for name in names}
    # the first partner knows a third of all, the n-th a third / n; the one before last repeats the first's, the last
    # knows none
    for place, name in enumerate(names[:-2]):
        covers[name] = set(rng.sample(known, len(known) // (3 * (place + 1))))
    for number in known:
        if not any(number in covered for covered in covers.values()):
            covers[rng.choice(names[:-2])].add(number)
    covers[names[-2]] = set(rng.sample(sorted(covers[names[0]]), len(covers[names[0]]) // 2))
    lists = []
    for name, covered in covers.items():
        rows = [ours[number] for number in sorted(covered)] + rng.sample(strangers, len(strangers) // 5)
        lists += [partner_row(rng, name, row, *company) for row, company in enumerate(rows)]
    return Market(
        accounts,
        lists,
        {
            "account_mapping__partners": [
                {"partner_id": name, "partner_name": name, "exchange": "list", "is_active": "true"} for name in names
            ],
            "account_mapping__target_accounts": [
                {"list_name": TARGET_LIST, "account_id": f"generic:{account_id}"}
                for account_id in rng.sample(ids, len(ids) // 3)
            ],
        },
        {name: {f"generic:{ids[number]}" for number in covered} for name, covered in covers.items()},
    )


def partner_row(rng: random.Random, partner_id: str, row: int, name: str, domain: str) -> dict[str, str | None]:
    """One company as a partner writes it: name in another case, address in another form or missing."""
    spelt = rng.choice([name, name.upper(), name.lower(), f" {name} "])
    address = rng.choice([domain, f"www.{domain}", f"https://www.{domain}/en?from=list", f"HTTP://{domain.upper()}"])
    return {
        "partner_id": partner_id,
        "account_id": f"{partner_id}-{row:06}",
        "account_name": spelt,
        "website": None if rng.random() < 0.1 else address,
        "status": rng.choice([*STATUSES, None]),
    }


def build(folder: Path, market: Market) -> Project:
    """A project that has matched and counted the market."""
    project = Project(folder, "list", {"account_mapping__partner_lists_path": ""}, seeds=market.seeds)
    with duckdb.connect(str(project.database)) as connection:
        for table, rows in (("generic.accounts", market.accounts), ("partners.partner_accounts", market.lists)):
            connection.execute(f"create schema {table.partition('.')[0]}")
            connection.register("made_rows", pa.Table.from_pylist(rows))
            connection.execute(f"create table {table} as select * from made_rows")
    project.build(" ".join(MODELS))
    return project


# ------------------------------------------------------------------------- by hand


@dataclass
class Unit:
    """A record, or a family: its accounts, best status and open amount."""

    members: set[str] = field(default_factory=set)
    rank: int = len(STATUSES)
    open_amount: Decimal = Decimal(0)


def rows_of(project: Project, mart: str) -> list[dict[str, Any]]:
    """All rows of a mart."""
    with duckdb.connect(str(project.database), read_only=True) as connection:
        return connection.sql(f"select * from {mart}").to_arrow_table().to_pylist()


def units_of(accounts: Iterable[Mapping[str, Any]], rollup: str) -> dict[str, Unit]:
    """Our units that count, by id."""
    units: dict[str, Unit] = {}
    for row in accounts:
        if row["is_excluded"]:
            continue
        unit = units.setdefault(row["ultimate_parent_account_id" if rollup == "parent" else "account_id"], Unit())
        unit.members.add(row["account_id"])
        unit.rank = min(unit.rank, STATUSES.index(row["status"]))
        unit.open_amount += row["open_amount"]
    return units


def by_hand(
    accounts: list[dict[str, Any]], overlaps: list[dict[str, Any]], partners: list[str], listed: set[str]
) -> tuple[dict[tuple, tuple], dict[tuple, int]]:
    """What the marts should say, from accounts and overlaps alone.

    partners: every active one; listed: account ids that TARGET_LIST names. Returns (rollup, target list, our status,
    rank) -> (partner, our, added, cumulative and all reachable accounts, their amounts likewise), and (partner, rollup,
    our status, target list) -> unique accounts.
    """
    curve: dict[tuple, tuple] = {}
    unique: dict[tuple, int] = {}
    for rollup in ("account", "parent"):
        units = units_of(accounts, rollup)
        unit_of = {member: unit_id for unit_id, unit in units.items() for member in unit.members}
        linked: dict[str, set[str]] = {partner: set() for partner in partners}
        for row in overlaps:
            if rollup == "parent" or row["relationship"] == "same":
                linked[row["partner_id"]].add(unit_of[row["account_id"]])

        def amount(unit_ids: Iterable[str], units: dict[str, Unit] = units) -> Decimal:
            return sum((units[unit_id].open_amount for unit_id in unit_ids), Decimal(0))

        for target_list in (ALL, TARGET_LIST):
            for status in (ALL, *STATUSES):
                wanted = {
                    unit_id
                    for unit_id, unit in units.items()
                    if status in (ALL, STATUSES[unit.rank]) and (target_list == ALL or unit.members & listed)
                }
                covers = {partner: linked[partner] & wanted for partner in partners}
                everything = set().union(*covers.values())
                for partner in partners:
                    others = set().union(*(covers[other] for other in partners if other != partner))
                    unique[partner, rollup, status, target_list] = len(everything) - len(others)
                reached: set[str] = set()
                left = set(partners)
                for rank in range(1, len(partners) + 1):
                    best = min(left, key=lambda partner: (-len(covers[partner] - reached), partner))
                    added = covers[best] - reached
                    reached |= added
                    left.remove(best)
                    sets = (wanted, added, reached, everything)
                    curve[rollup, target_list, status, rank] = (best, *map(len, sets), *map(amount, sets))
    return curve, unique


def differences(project: Project, market: Market) -> list[str]:
    """Rows of the marts that are not what counting by hand gives."""
    partners = sorted(row["partner_id"] for row in market.seeds["account_mapping__partners"])
    listed = {row["account_id"] for row in market.seeds["account_mapping__target_accounts"]}
    accounts, overlaps = rows_of(project, "account_mapping__accounts"), rows_of(project, "account_mapping__overlaps")
    curve, unique = by_hand(accounts, overlaps, partners, listed)
    found_curve = {
        (row["rollup"], row["target_list"], row["our_status"], row["rank"]): (
            row["partner_id"],
            *(row[f"{of}_accounts"] for of in ("our", "added", "cumulative", "limit")),
            *(row[f"{of}open_pipeline_amount"] for of in ("", "added_", "cumulative_", "limit_")),
        )
        for row in rows_of(project, "account_mapping__ecosystem_coverage")
    }
    found_unique = {
        (row["partner_id"], row["rollup"], row["our_status"], row["target_list"]): row["unique_accounts"]
        for row in rows_of(project, "account_mapping__partner_coverage")
    }
    return [
        f"{key}: {found.get(key)}, by hand {expected.get(key)}"
        for found, expected in ((found_curve, curve), (found_unique, unique))
        for key in sorted(found.keys() | expected.keys())
        if found.get(key) != expected.get(key)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path, nargs="?", metavar="COMPANIES.csv")
    parser.add_argument("--companies", type=int, default=20_000, help="our accounts")
    parser.add_argument("--partners", type=int, default=20)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    companies = read_companies(options.path)
    companies = random.Random(SEED).sample(companies, min(len(companies), options.companies * 6 // 5))
    market = make_market(companies, options.partners)
    with tempfile.TemporaryDirectory(dir=options.folder) as made:
        project = build(Path(made) / "project", market)
        wrong = differences(project, market)
        steps = [
            row
            for row in rows_of(project, "account_mapping__ecosystem_coverage")
            if (row["rollup"], row["target_list"], row["our_status"]) == ("account", ALL, ALL)
        ]
    planted = len(set().union(*market.covers.values())) / len(market.accounts)
    print(f"{len(market.accounts):,} accounts, {len(market.lists):,} rows in {options.partners} lists")
    print(f"{'rank':>4}  {'partner':<12} {'added':>7} {'reached':>8}  {'rate':>6}  {'pipeline':>8}")
    for row in sorted(steps, key=lambda row: row["rank"]):
        print(
            f"{row['rank']:>4}  {row['partner_id']:<12} {row['added_accounts']:>7,} {row['cumulative_accounts']:>8,}"
            f"  {row['cumulative_rate']:>6.1%}  {row['cumulative_pipeline_rate']:>8.1%}"
        )
    print(
        f"planted {planted:.1%}, found {steps[0]['limit_rate']:.1%}, "
        f"rows that differ from counting by hand: {len(wrong)}"
    )
    print(*wrong[:20], sep="\n", end="\n" if wrong else "")
    return int(bool(wrong) or not LEAST_COVERAGE <= steps[0]["limit_rate"] <= MOST_COVERAGE)


if __name__ == "__main__":
    sys.exit(main())
