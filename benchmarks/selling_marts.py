"""What the marts of deals, signals, people and alerts add to a build, with many partners.

usage: python -m benchmarks.selling_marts [--accounts 1000000] [--partners 50] [--list 20000] [--folder FOLDER]

Makes a Salesforce org (accounts with websites, an opportunity for one in five), lists of partners that hold a part of
them and as many companies of their own, and deals of those partners, and has dbt build the package twice, a month
apart, with history: first all models but the new ones, then those alone, without tests. Similar names are not looked
for (the model is left out, as its cost per partner would hide all others), so that the share is an upper bound. Prints
the processor seconds of both, those of starting dbt taken off, and the seconds of each new model in the second run.
Exits with 1 when the new marts add more than a quarter.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import duckdb

from exchange.protocol import load_model

from .ecosystem import seconds_by_model
from .ours import INTERMEDIATES, Project

MOST_SHARE = 0.25
ENGINE = {"memory_limit": "8GB", "preserve_insertion_order": "false"}
# What data issues read is made with all others too, and counts twice.
READ_BY_OTHERS = ("int_account_mapping__partner_deals",)
NEW = (
    "int_account_mapping__deal_history",
    "int_account_mapping__deal_signals",
    "account_mapping__deals",
    "account_mapping__signals",
    "account_mapping__give_and_get",
    "int_account_mapping__alert_events",
    "int_account_mapping__alerts",
    "account_mapping__alerts",
)
NAMES = "int_account_mapping__fuzzy_pairs"
FIRST_DAY, SECOND_DAY = "2026-10-01", "2026-11-01"
TABLES = {
    "salesforce.account": """
        select
            '0015g' || lpad(cast(range as varchar), 10, '0') || 'AAA' as id, 'Company ' || range as name,
            'https://www.company-' || range || '.com' as website, case range % 3 when 0 then 'Customer' end as type,
            '0055g0000000' || lpad(cast(range % 200 as varchar), 3, '0') || 'AAA' as owner_id,
            false as is_deleted, timestamp '2024-01-01' as created_date, timestamp '2026-09-01' as system_modstamp
        from range({accounts})
    """,
    "salesforce.user": """
        select
            '0055g0000000' || lpad(cast(range as varchar), 3, '0') || 'AAA' as id, 'Owner ' || range as name,
            'owner' || range || '@example.com' as email
        from range(200)
    """,
    "salesforce.opportunity": """
        select
            '0065g' || lpad(cast(range as varchar), 10, '0') || 'AAA' as id,
            '0015g' || lpad(cast(range * 5 as varchar), 10, '0') || 'AAA' as account_id, 'Deal ' || range as name,
            ['Discovery', 'Proposal', 'Negotiation'][1 + range % 3] as stage_name, 20 + 30 * (range % 3) as probability,
            hash(range) % 100000 as amount, date '2026-09-01' + cast(range % 120 as integer) as close_date,
            range % 4 = 3 as is_closed, range % 8 = 3 as is_won, false as is_deleted,
            timestamp '2026-01-01' as created_date, timestamp '2026-09-01' as system_modstamp
        from range({accounts} // 5)
    """,
    # half of a list is ours
    "partners.partner_accounts": """
        select
            'partner_' || lpad(cast(partner as varchar), 3, '0') as partner_id, cast(range as varchar) as account_id,
            'Company ' || number as account_name, 'company-' || number || '.com' as website,
            case when hash(number, partner) % 3 = 0 then 'customer' else 'prospect' end as status,
            'Stage ' || hash(number, partner) % 4 as deal_stage
        from (
            select
                p.range as partner, n.range,
                case when n.range % 2 = 0 then hash(p.range, n.range) % {accounts}
                    else {accounts} + p.range * {list} + n.range end as number
            from range({partners}) as p cross join range({list}) as n
        )
        qualify row_number() over (partition by partner, number order by range) = 1
    """,
    # one account in three has a deal, which is another one a month later
    "partners.partner_deals": """
        select
            partner_id, account_id, account_id || '-' || month as deal_id,
            'Stage ' || hash(account_id, month) % 4 as stage, date '2026-08-01' as opened_on,
            case when month = 1 then date '2026-09-15' end as closed_on,
            case when month = 1 then hash(account_id, partner_id) % 2 = 0 end as is_won
        from partners.partner_accounts cross join (select unnest([1, 2]) as month)
        where hash(account_id, partner_id) % 3 = 0
    """,
}


def make_inputs(database: Path, accounts: int, partners: int, rows: int) -> None:
    """Write the CRM and the partners' tables, made up, to a DuckDB file, and that no name is similar."""
    similar_names = load_model(NAMES).SCHEMA.empty_table()
    with duckdb.connect(str(database)) as connection:
        for schema in ("salesforce", "partners", INTERMEDIATES):
            connection.execute(f"create schema {schema}")
        for name, query in TABLES.items():
            connection.execute(
                f"create table {name} as {query.format(accounts=accounts, partners=partners, list=rows)}"
            )
        connection.register("similar_names", similar_names)
        connection.execute(f"create table {INTERMEDIATES}.{NAMES} as select * from similar_names")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=1_000_000)
    parser.add_argument("--partners", type=int, default=50)
    parser.add_argument("--list", type=int, default=20_000)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    print(
        f"{options.partners} partners of {options.list:,} rows, {options.accounts:,} accounts, {os.cpu_count()} cores"
    )
    with tempfile.TemporaryDirectory(dir=options.folder) as made:
        partners = [
            {"partner_id": f"partner_{n:03}", "partner_name": f"Partner {n}", "exchange": "list", "is_active": "true"}
            for n in range(options.partners)
        ]
        variables = {"account_mapping__crms": ["salesforce"], "account_mapping__history": True}
        project = Project(
            Path(made) / "project", "list", variables, engine=ENGINE, seeds={"account_mapping__partners": partners}
        )
        make_inputs(project.database, options.accounts, options.partners, options.list)
        # The first start of all is dearest, one with other vars parses again, and one with the same does not.
        project.build("account_mapping__partners")
        starts = [
            project.build("account_mapping__partners", variables={"account_mapping__as_of": SECOND_DAY}).cpu_seconds
            for _ in range(2)
        ]
        for day in (FIRST_DAY, SECOND_DAY):
            as_of = {"account_mapping__as_of": day}
            left_out = " ".join((NAMES, *NEW))
            others = project.build("package:account_mapping package:benchmark", exclude=left_out, variables=as_of)
            added = project.build(" ".join((*READ_BY_OTHERS, *NEW)), variables=as_of)
            base, more = others.cpu_seconds - starts[0], added.cpu_seconds - starts[1]
            print(f"{day}: {base:,.0f} processor seconds without them, {more:,.0f} for them: {more / base:.1%}")
        for name, seconds in seconds_by_model(project.folder).items():
            print(f"{name:<42} {seconds:>7.1f} s")
        for mart in ("overlaps", "deals", "signals"):
            rows = project.query(f"select count(*) from account_mapping__{mart}")[0][0]
            print(f"account_mapping__{mart:<25} {rows:>12,} rows")
    return int(more / base > MOST_SHARE)


if __name__ == "__main__":
    sys.exit(main())
