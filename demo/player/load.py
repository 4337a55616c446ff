"""Load the demo's raw tables into DuckDB, as a loader would leave them.

usage: python -m demo.player.load [DATABASE]

Replaces the tables of the schemas salesforce, hubspot and partners; running it
again gives the same. DATABASE: default demo/account_mapping_demo.duckdb.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

DEMO = Path(__file__).resolve().parent.parent
DATA = DEMO / "project" / "data"
DATABASE = DEMO / "account_mapping_demo.duckdb"
SCHEMAS = ("salesforce", "hubspot", "partners")
STATEMENT_COLUMNS = (
    "direction", "our_status", "partner_status", "level", "fields",
    "minimum_count", "valid_from", "valid_until",
)  # fmt: skip

# Columns that loaders type; all others stay text.
TYPES: dict[str, dict[str, str]] = {
    "salesforce.account": {
        "annual_revenue": "double",
        "number_of_employees": "bigint",
        "is_deleted": "boolean",
        "created_date": "timestamp",
        "last_modified_date": "timestamp",
        "_fivetran_deleted": "boolean",
        "_fivetran_synced": "timestamp",
    },
    "salesforce.opportunity": {
        "amount": "double",
        "is_closed": "boolean",
        "is_won": "boolean",
        "close_date": "timestamp",
        "is_deleted": "boolean",
        "_fivetran_deleted": "boolean",
    },
    "salesforce.contact": {"is_deleted": "boolean", "_fivetran_deleted": "boolean"},
    "salesforce.user": {"is_active": "boolean", "_fivetran_synced": "timestamp"},
    "hubspot.companies": {
        "archived": "boolean",
        "properties_annualrevenue": "decimal(28, 2)",
        "properties_numberofemployees": "bigint",
    },
    "hubspot.deals": {
        "archived": "boolean",
        "properties_amount": "decimal(28, 2)",
        "properties_hs_is_closed": "boolean",
        "properties_hs_is_closed_won": "boolean",
        "companies": "json",
    },
    "hubspot.contacts": {"archived": "boolean"},
    "hubspot.owners": {"archived": "boolean"},
    "salesforce.lead": {
        "is_converted": "boolean",
        "is_deleted": "boolean",
        "created_date": "timestamp",
        "last_modified_date": "timestamp",
        "_fivetran_deleted": "boolean",
        "_fivetran_synced": "timestamp",
    },
    "pipedrive.organizations": {"active_flag": "boolean", "update_time": "timestamp"},
    "pipedrive.deals": {
        "value": "double",
        "add_time": "timestamp",
        "won_time": "timestamp",
        "lost_time": "timestamp",
        "expected_close_date": "date",
        "update_time": "timestamp",
        "active": "boolean",
    },
    "pipedrive.persons": {"email": "json", "active_flag": "boolean", "update_time": "timestamp"},
    "partners.partner_accounts": {"updated_at": "timestamp"},
    "partners.partner_deals": {"updated_at": "timestamp"},
    "generic.accounts": {"updated_at": "timestamp"},
}


def quoted(name: str) -> str:
    """An SQL identifier in quotes: `user` is a reserved word."""
    return '"' + name.replace('"', '""') + '"'


def load_table(connection: DuckDBPyConnection, schema: str, table: str, path: Path) -> int:
    """Replace one table by a CSV file's rows; returns their number."""
    types = TYPES.get(f"{schema}.{table}", {})
    with path.open(encoding="utf-8") as file:
        columns = file.readline().rstrip("\n").split(",")
    expressions = []
    for column in columns:
        expression = f"cast({quoted(column)} as {types.get(column, 'varchar')})"
        if schema == "hubspot" and column not in types:
            # HubSpot leaves an empty text where others leave a null.
            expression = f"coalesce({expression}, '')"
        expressions.append(f"{expression} as {quoted(column)}")
    target = f"{quoted(schema)}.{quoted(table)}"
    connection.execute(f"create schema if not exists {quoted(schema)}")
    connection.execute(
        f"create or replace table {target} as select {', '.join(expressions)} "
        "from read_csv(?, header = true, all_varchar = true, delim = ',', "
        "quote = '\"', escape = '\"')",
        [str(path)],
    )
    return connection.execute(f"select count(*) from {target}").fetchall()[0][0]


def load(database: Path = DATABASE) -> dict[str, int]:
    """Load every raw table of ours; returns rows per table."""
    import duckdb

    counts = {}
    with duckdb.connect(str(database)) as connection:
        for schema in SCHEMAS:
            for path in sorted((DATA / schema).glob("*.csv")):
                counts[f"{schema}.{path.stem}"] = load_table(connection, schema, path.stem, path)
    return counts


def partner_crms(partner_id: str) -> list[str]:
    """The CRMs that a keys partner has, which are the folders of its data."""
    return sorted(path.name for path in (DATA / "keys_partners" / partner_id).iterdir() if path.is_dir())


def load_partner(database: Path, partner_id: str) -> int:
    """Load a keys partner's own CRM into its own database; returns its rows."""
    import duckdb

    with duckdb.connect(str(database)) as connection:
        return sum(
            load_table(connection, crm, path.stem, path)
            for crm in partner_crms(partner_id)
            for path in sorted((DATA / "keys_partners" / partner_id / crm).glob("*.csv"))
        )


def load_statement(database: Path, partner_id: str, statement: Path, addressee: str) -> int:
    """Load what a partner states about us, as receiving it would; returns its rules.

    statement: the partner's own sharing agreements. addressee: what the partner calls us there.
    """
    import duckdb

    columns = ", ".join(STATEMENT_COLUMNS)
    with duckdb.connect(str(database)) as connection:
        connection.execute("create schema if not exists partners")
        typed = ", ".join(f"{column} varchar" for column in ("partner_id", *STATEMENT_COLUMNS))
        connection.execute(f"create table if not exists partners.partner_agreements ({typed})")
        connection.execute("delete from partners.partner_agreements where partner_id = ?", [partner_id])
        connection.execute(
            f"insert into partners.partner_agreements select ?, {columns} "
            "from read_csv(?, header = true, all_varchar = true) where partner_id = ?",
            [partner_id, str(statement), addressee],
        )
        query = "select count(*) from partners.partner_agreements where partner_id = ?"
        return connection.execute(query, [partner_id]).fetchall()[0][0]


def main() -> int:
    """Load and print how many rows each table has."""
    database = Path(sys.argv[1]) if len(sys.argv) > 1 else DATABASE
    for table, rows in load(database).items():
        print(f"{table:28} {rows:6,} rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
