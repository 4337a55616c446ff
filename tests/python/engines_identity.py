"""Each model alone on Spark: compiled for it, run on what DuckDB's models left, compared with DuckDB's own rows.

Runs in the environment `.venvs/engines`, in one local Spark session: dbt compiles there too, so that it looks up tables
and columns as it would in a build.

usage: python engines_identity.py DATABASE PROJECT FOLDER [MODEL ...]

DATABASE is what DuckDB built of PROJECT; FOLDER, which is new, takes a copy of the project and the tables. Prints one
JSON object: {model: {seconds, error, types, rows, n_rows}}, where types are columns whose type differs as [column,
DuckDB's, Spark's] and rows are up to six of the n_rows that one side has alone, as [side, row].
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import redirect_stdout
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
from dbt.cli.main import dbtRunner
from engines_spark import PACKAGE, copy_project, session
from pyspark.sql import DataFrame, SparkSession

# where models lie; raw tables lie in others
SCHEMAS = ("main", "main_account_mapping")
# of these the values name versions of libraries, which may differ between the environments
VERSIONED = ("inputs_hash",)
# what Parquet or Spark has not
WRITTEN_AS = {"HUGEINT": "bigint", "UBIGINT": "decimal(20, 0)", "JSON": "varchar"}


def export(
    database: Path, folder: Path, models: bool = True, raw: bool = True
) -> dict[tuple[str, str], dict[str, str]]:
    """The models and the raw tables of the database as folder/<schema>.<table>.parquet; columns and types of each."""
    folder.mkdir(parents=True, exist_ok=True)
    tables: dict[tuple[str, str], dict[str, str]] = {}
    with duckdb.connect(str(database), read_only=True) as connection:
        columns = connection.sql(
            f"select schema_name, table_name, column_name, data_type from duckdb_columns() where not internal "
            f"and database_name = current_database() and if(schema_name in {SCHEMAS}, {models}, {raw}) "
            f"order by column_index"
        ).fetchall()
        for schema, table, column, kind in columns:
            tables.setdefault((schema, table), {})[column] = kind
        for (schema, table), kinds in tables.items():
            select = ", ".join(
                f'cast("{column}" as {WRITTEN_AS[kind]}) as "{column}"' if kind in WRITTEN_AS else f'"{column}"'
                for column, kind in kinds.items()
            )
            place = folder / f"{schema}.{table}.parquet"
            place.mkdir(exist_ok=True)
            connection.execute(f"copy (select {select} from {schema}.{table}) to '{place}/0.parquet'")
    return tables


def compared(connection: duckdb.DuckDBPyConnection, expected: Path, found: Path) -> dict[str, Any]:
    """How two folders of Parquet differ, in types and in rows of text."""
    kinds = []
    for name, place in (("expected", expected), ("found", found)):
        connection.execute(f"create or replace view {name} as from read_parquet('{place}/*.parquet')")
        kinds.append(dict(connection.sql(f"select column_name, column_type from (describe {name})").fetchall()))
    kinds[1] = {column: kind.replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMP") for column, kind in kinds[1].items()}
    if list(kinds[0]) != list(kinds[1]):
        return {"error": f"columns differ: {sorted(kinds[0].keys() ^ kinds[1].keys())}"}
    select = ", ".join(
        f'"{column}"::timestamp::varchar as "{column}"' if kind == "TIMESTAMP" else f'"{column}"::varchar as "{column}"'
        for column, kind in kinds[0].items()
        if column not in VERSIONED
    )
    rows = connection.sql(
        f"""select 'DuckDB', l from (select {select} from expected except all select {select} from found) as l
        union all
        select 'Spark', l from (select {select} from found except all select {select} from expected) as l"""
    ).fetchall()
    sample = [row for side in ("DuckDB", "Spark") for row in sorted(rows, key=str) if row[0] == side][:400]
    first = [row for row in sample if row[0] == "DuckDB"][:3] + [row for row in sample if row[0] == "Spark"][:3]
    return {
        "types": [[name, kind, kinds[1][name]] for name, kind in kinds[0].items() if kind != kinds[1][name]],
        "rows": first,
        "n_rows": len(rows),
    }


def python_model(node: Any, places: dict[str, str], spark: SparkSession) -> DataFrame:
    """What a model that is written in Python gives: its own file, with a stand-in for what dbt hands it."""
    # as the main module, so that its functions travel to the workers by value
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(node.raw_code, PACKAGE / node.original_file_path, "exec"), space)  # noqa: S102
    config = {"meta": node.config.meta}
    dbt = SimpleNamespace(ref=lambda name: spark.table(places[name]), config=SimpleNamespace(get=config.get))
    return space["model"](dbt, spark)


def main(database: Path, project: Path, folder: Path, only: list[str]) -> None:
    tables = export(database, folder)
    print(len(tables), "tables exported", file=sys.stderr, flush=True)
    spark = session(folder / "warehouse")
    spark.conf.set("spark.sql.parquet.inferTimestampNTZ.enabled", "false")
    spark.conf.set("spark.sql.shuffle.partitions", "1")
    for schema in {schema for schema, _ in tables}:
        spark.sql(f"create database if not exists {schema}")
    kept = {path.stem for path in (PACKAGE / "models").rglob("*.sql") if "='incremental'" in path.read_text()}

    def create(chosen: bool) -> None:
        for schema, table in tables:
            if (table in kept) == chosen:
                spark.sql(
                    f"create table {schema}.`{table}` using parquet location '{folder / f'{schema}.{table}.parquet'}'"
                )

    # while dbt compiles there is nothing that an earlier run kept: else it would compile a second run
    create(False)
    print("tables created", file=sys.stderr, flush=True)
    project = copy_project(project, folder)
    os.chdir(project)
    started = time.monotonic()
    arguments = ["compile", "--target", "spark", "--project-dir", str(project), "--profiles-dir", str(project)]
    arguments += ["--quiet", "--threads", "1", "--select", *(only or ["resource_type:model"])]
    # of a few models dbt shows what it compiled
    with redirect_stdout(sys.stderr):
        outcome = dbtRunner().invoke(arguments)
    if outcome.exception:
        raise outcome.exception
    print("compiled", round(time.monotonic() - started), "s", file=sys.stderr, flush=True)
    create(True)
    places = {table: f"{schema}.{table}" for schema, table in tables}
    found: dict[str, dict[str, Any]] = {}
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        for result in outcome.result.results:
            node = result.node
            if node.resource_type != "model":
                continue
            started = time.monotonic()
            try:
                if not node.compiled_code:
                    raise ValueError(result.message)
                place = folder / "spark" / f"{node.name}.parquet"
                frame = spark.sql(node.compiled_code) if node.language == "sql" else python_model(node, places, spark)
                frame.coalesce(1).write.mode("overwrite").parquet(str(place))
                found[node.name] = compared(connection, folder / f"{node.schema}.{node.name}.parquet", place)
            except Exception as error:
                found[node.name] = {"error": str(error).split("JVM stacktrace")[0][:1500]}
            found[node.name]["seconds"] = round(time.monotonic() - started, 1)
            print(node.name, json.dumps(found[node.name], default=str)[:300], file=sys.stderr, flush=True)
    json.dump(found, sys.stdout, default=str)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]).resolve(), Path(sys.argv[3]).resolve(), sys.argv[4:])
