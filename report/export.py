"""Copies of the public marts, and of nothing else, for BI tools: Parquet files and a DuckDB file.

Each file is replaced in one step, so that a reader sees the former or the new one; what is shared with partners, and
all that lies below the marts, stays behind. The same marts give the same Parquet files.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from .marts import ReportError, attach, quoted

MODELS = Path(__file__).resolve().parents[1] / "models"
# the oldest DuckDB whose readers open the file
STORAGE = "v1.4.0"
DATABASE = "marts.duckdb"


def public_marts() -> list[str]:
    """Names of the package's public marts, as its models say."""
    paths = MODELS.rglob("account_mapping__*.sql")
    return sorted(path.stem for path in paths if path.parent.name != "shared")


def export(source: Path, folder: Path, schema: str = "main") -> dict[str, int]:
    """Write the marts that `source` has into `folder`. Returns rows by mart. Raises ReportError when there is none."""
    with duckdb.connect() as connection:
        there = attach(connection, source, schema)
        names = [name for name in public_marts() if name in there]
        if not names:
            raise ReportError(f"{source} has no mart in schema {schema}: run dbt build, or name another --schema.")
        folder.mkdir(parents=True, exist_ok=True)
        database = folder / f".{DATABASE}.new"
        database.unlink(missing_ok=True)
        connection.execute(f"attach '{quoted(database)}' as target (storage_version '{STORAGE}')")
        rows = {}
        for name in names:
            connection.execute(f"create table target.{name} as select * from {there[name]} order by all")
            rows[name] = connection.sql(f"select count(*) from target.{name}").fetchall()[0][0]
            written = folder / f".{name}.parquet.new"
            connection.execute(f"copy target.{name} to '{quoted(written)}' (format parquet)")
        connection.execute("detach target")
    for name in names:
        (folder / f".{name}.parquet.new").replace(folder / f"{name}.parquet")
    database.replace(folder / DATABASE)
    return rows
