"""What coverage, matrix and curve cost with many partners, from accepted links on.

usage: python -m benchmarks.ecosystem [--accounts 1000000] [--partners 50] [--overlaps 20000000] [--folder FOLDER]

Makes what matching leaves behind (accounts that count, accepted links, keys, target lists) in a DuckDB file, then has
dbt build the package's own models from there on, without tests: units, their links, connected groups, the overlap
matrix, partner coverage, the order of the curve, and the marts of all three. Prints the seconds of each model, of the
whole command (start of dbt and parsing included), and the largest resident set of any of its processes.

Partners differ in size: the largest has thirteen times the overlaps of the smallest. One account in nine is known to
no partner, one in five belongs to a family, a quarter of each partner's list is not ours, and one target list names a
tenth of our accounts. Exits with 1 when it took three minutes or more, or held 8 GB or more.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import duckdb

from .ours import INTERMEDIATES, Project

MOST_SECONDS = 180
MOST_MEGABYTES = 8000
# What DuckDB may hold by itself; the process holds more, which is what is measured.
ENGINE = {"memory_limit": "5GB", "preserve_insertion_order": "false"}
MODELS = (
    "int_account_mapping__units",
    "int_account_mapping__our_units",
    "int_account_mapping__unit_links",
    "int_account_mapping__group_edges",
    "int_account_mapping__groups",
    "int_account_mapping__company_links",
    "int_account_mapping__compared_statuses",
    "int_account_mapping__overlap_matrix",
    "int_account_mapping__partner_coverage",
    "int_account_mapping__ecosystem_links",
    "int_account_mapping__partner_order",
    "int_account_mapping__ecosystem_coverage",
    "account_mapping__overlap_matrix",
    "account_mapping__partner_coverage",
    "account_mapping__ecosystem_coverage",
)
# Sizes rise evenly from 1 to 13, so 7 on average.
SIZES = """
    select
        range as partner, 'partner_' || lpad(cast(range + 1 as varchar), 3, '0') as partner_id,
        (1 + 12.0 * range / greatest({partners} - 1, 1)) / 7 * {overlaps} / {partners} / ({accounts} * 8 / 9.0) as share
    from range({partners})
"""
TABLES = {
    "int_account_mapping__partners": """
        select
            partner_id, 'list' as exchange, '*' as account_scope, '' as agreement_id, '' as epoch,
            timestamp '2026-11-01' as last_updated_at
        from sizes
    """,
    # of ten accounts the second belongs to the first
    "ours": """
        with accounts as (
            select
                range as number, range - cast(range % 10 = 1 as bigint) as top,
                case
                    when hash(range, 1) % 100 < 15 then 1 when hash(range, 1) % 100 < 25 then 2
                    when hash(range, 1) % 100 < 30 then 3 else 4
                end as status_rank,
                cast(case when hash(range, 1) % 100 between 15 and 24 then hash(range, 2) % 10000000 else 0 end / 100
                    as decimal(28, 2)) as open_amount
            from range({accounts})
        )
        select
            number, 'salesforce:0015g' || lpad(cast(number as varchar), 10, '0') || 'AAA' as account_id,
            'salesforce:0015g' || lpad(cast(top as varchar), 10, '0') || 'AAA' as unit_id, status_rank, open_amount,
            min(status_rank) over (partition by top) as unit_status_rank,
            cast(sum(open_amount) over (partition by top) as decimal(28, 2)) as unit_open_amount
        from accounts
    """,
    "int_account_mapping__links": """
        select
            partner_id, ours.account_id,
            '0015g' || lpad(cast(ours.number as varchar), 8, '0') || lpad(cast(partner as varchar), 3, '0') || 'QA'
                as partner_account_id,
            '*' as account_scope, ours.unit_id as our_unit_id,
            '0015g' || lpad(cast(ours.number as varchar), 8, '0') || lpad(cast(partner as varchar), 3, '0') || 'QA'
                as partner_unit_id,
            case when hash(number, partner, 3) % 100 < 94 then 'same' else 'subsidiary' end as relationship,
            case when hash(number, partner, 4) % 100 < 97 then 'accepted' else 'review' end as decision,
            ours.status_rank as our_status_rank, ours.open_amount as our_open_amount,
            ours.unit_status_rank as our_unit_status_rank, ours.unit_open_amount as our_unit_open_amount,
            1 + cast(hash(number, partner, 8) % 5 as integer) as partner_status_rank,
            1 + cast(hash(number, partner, 8) % 5 as integer) as partner_unit_status_rank
        from ours cross join sizes
        where number % 9 <> 4 and hash(number, partner) % 1000000 < share * 1000000
    """,
    "int_account_mapping__members": """
        select
            'ours' as side, '*' as scope, account_id, unit_id, status_rank, open_amount, unit_status_rank,
            unit_open_amount
        from ours
        union all
        select
            'partner', partner_id, partner_account_id, partner_account_id, partner_status_rank, 0,
            partner_unit_status_rank, 0
        from int_account_mapping__links
        union all
        select 'partner', partner_id, 'x' || partner_account_id, 'x' || partner_account_id, partner_status_rank, 0,
            partner_unit_status_rank, 0
        from int_account_mapping__links where hash(partner_account_id, 5) % 3 = 0
    """,
    "int_account_mapping__account_keys": "select 'ours' as side, account_id from ours where hash(number, 6) % 50 > 0",
    "int_account_mapping__hashed_keys": """
        select '' as partner_id, '' as account_id, '' as key_type, '' as token where false
    """,
    "int_account_mapping__target_accounts": """
        select 'ideal customers' as list_name, account_id as target_account_id, '' as target_domain, account_id
        from ours where hash(number, 7) % 10 = 0
    """,
    "int_account_mapping__agreements_in_force": """
        select
            '' as partner_id, '' as direction, '' as our_status, '' as partner_status, '' as sharing_level,
            '' as shared_fields, 0 as minimum_count
        where false
    """,
    "int_account_mapping__key_rows": """
        select '' as side, '' as partner_id, '' as status, '' as problem where false
    """,
    "int_account_mapping__duplicate_pairs": """
        select '' as account_id, '' as other_account_id where false
    """,
}


def make_links(database: Path, accounts: int, partners: int, overlaps: int) -> None:
    """Write what matching leaves behind, made up, to a DuckDB file."""
    sizes = {"accounts": accounts, "partners": partners, "overlaps": overlaps}
    with duckdb.connect(str(database)) as connection:
        connection.execute(f"create temp table sizes as {SIZES.format(**sizes)}")
        connection.execute(f"create schema {INTERMEDIATES}; use {INTERMEDIATES}")
        for name, query in TABLES.items():
            connection.execute(f"create table {name} as {query.format(**sizes)}")


def seconds_by_model(folder: Path) -> dict[str, float]:
    """Seconds of each model of the project's last command."""
    results = json.loads((folder / "target" / "run_results.json").read_text(encoding="utf-8"))["results"]
    return {result["unique_id"].split(".")[2]: result["execution_time"] for result in results}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=1_000_000)
    parser.add_argument("--partners", type=int, default=50)
    parser.add_argument("--overlaps", type=int, default=20_000_000)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as made:
        project = Project(Path(made) / "project", "list", engine=ENGINE)
        make_links(project.database, options.accounts, options.partners, options.overlaps)
        cost = project.build(" ".join(MODELS))
        links = project.query(
            f"select count(*) from {INTERMEDIATES}.int_account_mapping__links where decision = 'accepted'"
        )[0][0]
        steps = seconds_by_model(project.folder)
    print(
        f"{options.partners} partners, {options.accounts:,} accounts, {links:,} overlaps, {os.cpu_count()} processors,"
        f" load {os.getloadavg()[0]:.1f}"
    )
    for name, seconds in steps.items():
        print(f"{name:<42} {seconds:>7.1f} s")
    print(f"{'all, with the start of dbt':<42} {cost.seconds:>7.1f} s")
    print(f"processors {cost.cpu_seconds:,.1f} s, memory {cost.megabytes:,.0f} MB")
    return int(cost.seconds >= MOST_SECONDS or cost.megabytes >= MOST_MEGABYTES)


if __name__ == "__main__":
    sys.exit(main())
