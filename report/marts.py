"""What the pages read: marts in a DuckDB file, or as Parquet files, one per mart, from any warehouse."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

PREFIX = "account_mapping__"
# the columns that the report needs; a mart of OPTIONAL may be absent
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "build": ("as_of", "currency"),
    "overlap_matrix": (
        "partner_id", "rollup", "our_status", "partner_status", "our_accounts", "partner_accounts", "companies",
        "open_pipeline_amount", "cell_state",
    ),
    "partner_coverage": (
        "partner_id", "partner_name", "rollup", "our_status", "target_list", "our_accounts", "covered_accounts",
        "unique_accounts", "partner_accounts", "matched_partner_accounts", "open_pipeline_amount",
        "covered_open_pipeline_amount", "list_age_days",
    ),
    "ecosystem_coverage": (
        "rollup", "target_list", "our_status", "rank", "partner_id", "our_accounts", "added_accounts",
        "cumulative_accounts", "cumulative_rate", "limit_accounts", "limit_rate", "open_pipeline_amount",
        "cumulative_pipeline_rate", "limit_open_pipeline_amount",
    ),
    "match_quality": (
        "partner_id", "match_method", "accepted_pairs", "review_pairs", "estimated_precision", "estimated_recall",
        "how_estimated", "labelled_pairs",
    ),
    "plays": (
        "partner_id", "account_id", "account_name", "partner_account_name", "play", "why", "ask", "give_back",
        "our_status", "partner_status", "our_owner", "partner_owner", "score", "our_open_amount",
    ),
    "overlaps": (
        "partner_id", "account_id", "partner_account_id", "account_name", "partner_account_name", "our_status",
        "partner_status", "our_owner", "partner_owner", "our_open_amount", "relationship", "is_primary",
        "our_ultimate_parent_account_id", "our_family_status", "partner_family_status", "our_family_open_amount",
    ),
    "data_issues": ("source", "problem", "action", "n_rows"),
}  # fmt: skip
OPTIONAL: Mapping[str, tuple[str, ...]] = {
    "overlap_changes": ("partner_id", "changed_on", "change", "is_primary"),
    "inputs": (
        "input", "kind", "rows_read", "rows_used", "rows_merged", "rows_older", "rows_deleted", "rows_excluded",
        "rows_rejected", "newest_change", "age_days",
    ),
}  # fmt: skip
# what the page for decisions needs
REVIEW: Mapping[str, tuple[str, ...]] = {
    "build": ("as_of", "currency"),
    "match_review": (
        "partner_id", "account_id", "partner_account_id", "partner_display_name", "our_name", "partner_name",
        "our_domains", "partner_domains", "our_country", "partner_country", "our_city", "partner_city", "our_status",
        "partner_status", "our_owner", "match_probability", "match_method", "match_reason", "shared_words",
        "our_other_words", "partner_other_words", "rival_partner_account_id", "rival_name", "rival_probability",
        "is_account_already_matched", "pairs_waiting", "our_open_amount",
    ),
}  # fmt: skip

Row = dict[str, Any]


class ReportError(Exception):
    """What is wrong with the input, and what to do, in one sentence."""


def simple(value: Any) -> Any:
    """A value as JSON knows it: decimals as numbers, days as text."""
    if isinstance(value, Decimal):
        return float(value)
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


class Marts:
    """The marts of one source, to be queried by SQL under their full names.

    source: a DuckDB file, read only, or a folder of files such as account_mapping__plays.parquet. schema: where the
    marts are in the file. required, optional: columns by mart; no other mart is read. Raises ReportError when the
    source cannot be read, or lacks a mart or column.
    """

    def __init__(
        self,
        source: Path,
        schema: str = "main",
        required: Mapping[str, tuple[str, ...]] = REQUIRED,
        optional: Mapping[str, tuple[str, ...]] = OPTIONAL,
    ) -> None:
        self.connection = duckdb.connect()
        if source.is_dir():
            found = {path.stem: f"read_parquet('{quoted(path)}')" for path in sorted(source.glob(f"{PREFIX}*.parquet"))}
        else:
            found = attach(self.connection, source, schema)
        self.names = {
            name
            for name, columns in {**required, **optional}.items()
            if self._view(name, columns, found.get(PREFIX + name), source, name in optional)
        }

    def _view(self, name: str, columns: tuple[str, ...], relation: str | None, source: Path, is_optional: bool) -> bool:
        """Make a mart readable under its name. Returns whether it is there."""
        if relation is None:
            if is_optional:
                return False
            raise ReportError(f"{source} has no {PREFIX}{name}: run dbt build, or export all marts.")
        try:
            self.connection.execute(f"create view {PREFIX}{name} as select * from {relation}")
            there = {row[0] for row in self.connection.execute(f"describe {PREFIX}{name}").fetchall()}
        except duckdb.Error as error:
            raise ReportError(f"{PREFIX}{name} of {source} cannot be read: {str(error).splitlines()[0]}") from error
        missing = sorted(set(columns) - there)
        if missing:
            raise ReportError(
                f"{PREFIX}{name} of {source} has no column {', '.join(missing)}: "
                "build it with this version of the package."
            )
        return True

    def rows(self, sql: str) -> list[Row]:
        """The rows of a query, as JSON knows them."""
        table = self.connection.sql(sql).to_arrow_table()
        return [{name: simple(value) for name, value in row.items()} for row in table.to_pylist()]


def attach(connection: duckdb.DuckDBPyConnection, source: Path, schema: str) -> dict[str, str]:
    """Attach a DuckDB file read only. Returns the tables and views of its schema with how SQL names them."""
    if not source.is_file():
        raise ReportError(f"There is no file or folder {source}: name a DuckDB file, or a folder of Parquet files.")
    try:
        connection.execute(f"attach '{quoted(source)}' as source (read_only)")
    except duckdb.Error as error:
        if "lock" in str(error):
            raise ReportError(f"{source} is being written by another process: try again when it is done.") from error
        raise ReportError(f"{source} cannot be read as a DuckDB file: {str(error).splitlines()[0]}") from error
    tables = connection.execute(
        "select table_name from information_schema.tables where table_catalog = 'source' and table_schema = ?",
        [schema],
    ).fetchall()
    return {table: f"source.{identifier(schema)}.{identifier(table)}" for (table,) in tables}


def identifier(name: str) -> str:
    """A name as SQL takes it, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


def quoted(path: Path) -> str:
    """A path within an SQL literal."""
    return str(path).replace("'", "''")
