#!/usr/bin/env python3
"""Copy the public marts, and nothing else, out of the DuckDB file that dbt built, for BI tools.

usage: python report/export_marts.py SOURCE FOLDER [--schema main]

FOLDER gets one Parquet file per mart, named like it, and marts.duckdb, which readers on DuckDB 1.4 and later open.
Each file is replaced in one step, so that a reader sees the former or the new one; what is shared with partners, and
all that lies below the marts, stays behind. The same marts give the same Parquet files.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import duckdb
from marts import ReportError, attach, quoted

MARTS = Path(__file__).resolve().parents[1] / "models" / "marts"
# the oldest DuckDB whose readers open the file
STORAGE = "v1.4.0"
DATABASE = "marts.duckdb"


def public_marts() -> list[str]:
    """Names of the package's public marts, as its models say."""
    return sorted(path.stem for path in MARTS.glob("account_mapping__*.sql"))


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


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--schema", default="main")
    options = parser.parse_args(arguments)
    try:
        rows = export(options.source, options.folder, options.schema)
    except ReportError as error:
        print(error, file=sys.stderr)
        return 1
    for name, number in rows.items():
        print(f"{number:>9,}  {name}")
    print(f"{len(rows)} marts in {options.folder}, as Parquet and in {DATABASE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
