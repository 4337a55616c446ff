"""Write the demo's raw tables, settings and truth, the same at every run.

usage: python -m demo.generator.make_demo COMPANIES.csv

COMPANIES.csv holds real companies (name, domain, country, city). Everything
that links them here - who is whose customer, the owners, amounts, contacts,
subsidiaries and identifiers - is drawn at random from a fixed seed.
Writes project/data/, project/seeds/ and truth/ in the demo's folder. Needs only Python.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from .cast import ALIASES, PARTNERS
from .contacts import contact_rows
from .crms import choose_ours, hubspot_tables, salesforce_tables
from .deals import deal_rows, recent_deal_rows
from .leads import lead_rows
from .partners import partner_rows, spoil_list, unknown_partner_rows
from .pipedrive import PARTNER as PIPEDRIVE_PARTNER
from .pipedrive import pipedrive_tables
from .settings import settings
from .truth import truth_rows
from .world import Record, generator, read_companies, special_names

DEMO = Path(__file__).resolve().parent.parent
PROJECT = DEMO / "project"


def exclude(records: Iterable[Record], domains: set[str], ids: Iterable[str] = ()) -> None:
    """Mark the records that the demo's exclusions take out."""
    ids = set(ids)
    for record in records:
        if record.web_domains & domains or record.record_id in ids:
            record.is_excluded = True


def write_csv(path: Path, rows: list[dict[str, object]]) -> None:
    """Rows as UTF-8 CSV with a header and line feeds; booleans lower case."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({k: str(v).lower() if isinstance(v, bool) else v for k, v in row.items()})


def build(path: Path) -> None:
    """Make the world and write it."""
    companies = read_companies(path)
    dirt: dict[str, int] = defaultdict(int)
    in_salesforce, in_hubspot = choose_ours(companies)
    tables, ours = salesforce_tables(in_salesforce, companies, dirt)
    hubspot, hubspot_records = hubspot_tables(in_hubspot, companies, dirt)
    tables |= hubspot
    ours += hubspot_records
    our_entities = {record.company.entity for record in ours}

    rng = generator("exclusions")
    plain = [c for c in in_salesforce if c.family == c.entity and c.size > 1.5]
    aliased = {canonical for _, canonical, _ in ALIASES}
    plain = [company for company in plain if company.name not in special_names() and company.domain not in aliased]
    investors = rng.sample(plain, 4)
    live = [r for r in ours if r.is_live and r.record_id.startswith("salesforce:")]
    held = [r.record_id for r in rng.sample(live, 2)]
    theirs: dict[str, list[Record]] = {}
    listed: list[dict[str, object]] = []
    for profile in PARTNERS:
        rows, records = partner_rows(profile, companies, our_entities, dirt)
        theirs[profile.partner_id] = records
        if profile.exchange == "list":
            rows = spoil_list(profile, rows, records, dirt)
        else:
            generator("order", profile.partner_id).shuffle(rows)
        if profile.partner_id == "quillfjord_systems":
            name = f"partner_lists/{profile.partner_id}"
            tables[name] = [{k: v for k, v in row.items() if k != "partner_id"} for row in rows]
        elif profile.exchange == "list":
            listed += rows
        elif profile.partner_id == PIPEDRIVE_PARTNER:
            in_pipedrive, pipedrive_profile = rows, profile
        else:
            name = f"keys_partners/{profile.partner_id}/generic/accounts"
            tables[name] = [{k: v for k, v in row.items() if k != "partner_id"} for row in rows]
    listed += unknown_partner_rows(companies)
    dirt["rows of an unknown partner"] += 6
    generator("order", "partner_accounts").shuffle(listed)
    tables["partners/partner_accounts"] = listed
    tables["partners/partner_deals"] = deal_rows(listed)

    overlapping = {r.company.entity for r in theirs["lumen_data"]}
    shared = [r for r in live if r.company.entity in overlapping]
    hidden = [("lumen_data", r.record_id) for r in rng.sample(shared, 3)]
    domains = {company.domain for company in investors}
    exclude(ours, domains, held)
    for profile in PARTNERS:
        # A keys partner's websites are unknown to us: only our side excludes.
        if profile.exchange == "list":
            exclude(theirs[profile.partner_id], domains)
    truth = truth_rows(ours, theirs, set(hidden))
    tables["partners/partner_contacts"] = contact_rows(truth, tables["salesforce/contact"])
    tables["partners/partner_deals"] += recent_deal_rows(tables["partners/partner_deals"], listed, ours, truth)
    tables["salesforce/lead"] = lead_rows(ours, tables["salesforce/user"], companies)
    of_pipedrive = pipedrive_tables(
        pipedrive_profile, in_pipedrive, theirs[PIPEDRIVE_PARTNER], truth, tables["salesforce/contact"]
    )
    tables |= {f"keys_partners/{PIPEDRIVE_PARTNER}/pipedrive/{name}": rows for name, rows in of_pipedrive.items()}

    for folder in (PROJECT / "data", PROJECT / "seeds", DEMO / "truth"):
        shutil.rmtree(folder, ignore_errors=True)
    for name, rows in tables.items():
        write_csv(PROJECT / "data" / f"{name}.csv", rows)
    seeds = settings(ours, theirs, investors, hidden, held, companies)
    for name, rows in seeds.items():
        write_csv(PROJECT / "seeds" / f"account_mapping__{name}.csv", rows)
    write_csv(DEMO / "truth" / "truth.csv", truth)
    report(tables, truth, ours, theirs, dirt)


def report(
    tables: dict[str, list[dict[str, object]]],
    truth: list[dict[str, object]],
    ours: list[Record],
    theirs: dict[str, list[Record]],
    dirt: dict[str, int],
) -> None:
    """Print what was written."""
    for name, rows in tables.items():
        print(f"{name:42} {len(rows):6,} rows")
    usable = {r.record_id for r in ours if r.is_live and not r.is_excluded}
    print(f"our live, not excluded accounts {len(usable):,}")
    same = [row for row in truth if row["relationship"] == "same"]
    for partner_id in theirs:
        mine = [row for row in truth if row["partner_id"] == partner_id]
        pairs = [row for row in mine if row["relationship"] == "same"]
        covered = {row["account_id"] for row in pairs}
        easy = sum(row["shares_unambiguous_domain"] for row in mine)
        print(
            f"  {partner_id:20} same {len(pairs):5,}  family {len(mine) - len(pairs):4,}"
            f"  unambiguous domain {easy:5,}  covered {len(covered) / len(usable):5.1%}"
        )
    covered = {row["account_id"] for row in same}
    print(f"  combined coverage {len(covered) / len(usable):.1%}; pairs {len(truth):,}")
    for kind in sorted(dirt):
        print(f"  {kind}: {dirt[kind]:,}")
    size = sum(f.stat().st_size for f in DEMO.rglob("*.csv"))
    print(f"csv files {size / 1e6:.2f} MB")


def main() -> int:
    """Read the arguments, write the demo."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("companies", type=Path, help="CSV: name, domain, country, city")
    arguments = parser.parse_args()
    if not arguments.companies.is_file():
        print(f"no such file: {arguments.companies}", file=sys.stderr)
        return 2
    build(arguments.companies)
    return 0


if __name__ == "__main__":
    sys.exit(main())
