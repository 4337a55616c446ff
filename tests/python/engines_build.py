"""The whole package built by dbt on Spark, twice, beside DuckDB on the same tables; compares every model of each run.

Runs in the environment `.venvs/engines`, with one Spark session in this process.

usage: python engines_build.py DATABASE PROJECT FOLDER [--workers N] [--cores N] [--first] [--tests]

DATABASE has the raw tables that PROJECT reads. FOLDER takes a copy of the project, a DuckDB file with the
reference, and the warehouse of Spark; what it held before is deleted. The second run is of the next day, when some
accounts, contacts and partners' accounts have left and others have changed.

--workers N: a standalone master with N workers of one core on loopback, started and stopped here. --cores N: without
one, Spark's threads in this process; 1 by default. --first: the first run only. --tests: dbt's data and unit tests on
Spark after the last run.

Prints one JSON object by run: failed ({node: message}), differ ({model: what engines_identity.compared found}, of
models that do) and cost ({engine: [seconds, processor seconds]} of seeds and models). Ends with 1 if a node failed, or
a model differs beyond the rows of EXCEPTED.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import sys
import tempfile
import time
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.base import PythonJobHelper
from dbt.adapters.spark.impl import SparkAdapter
from dbt.cli.main import dbtRunner
from engine_cases import EXCEPTED
from engines_identity import SCHEMAS, compared, export
from engines_spark import PACKAGE, cluster, copy_project, session
from pyspark.sql import SparkSession

sys.path.append(str(PACKAGE))

from exchange.dbt_project import close_database

DAYS = ("2026-11-15", "2026-11-16")
# What another day brings, in the raw tables that there are.
NEXT_DAY = {
    "salesforce.account": (
        "delete from {} where hash(id) % 17 = 0",
        "update {} set name = name || ' Group' where hash(id) % 19 = 0",
    ),
    "generic.accounts": (
        "delete from {} where hash(account_id) % 17 = 0",
        "update {} set account_name = account_name || ' Group' where hash(account_id) % 19 = 0",
    ),
    "partners.partner_accounts": (
        "delete from {} where hash(account_id) % 13 = 0",
        "update {} set status = 'customer' where hash(account_id) % 11 = 0",
    ),
}


class InThisProcess(PythonJobHelper):
    """Submission of a Python model to the session: dbt-spark itself knows Databricks' ways only."""

    def __init__(self, parsed_model: dict[str, Any], credentials: Any) -> None:
        self.name = parsed_model["alias"]

    def submit(self, compiled_code: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            # a model may read its own file
            path = Path(folder) / f"{self.name}.py"
            path.write_text(compiled_code, encoding="utf-8")
            # as the main module, so that its functions travel to the workers by value
            space = {"__name__": "__main__", "spark": SparkSession.builder.getOrCreate()}
            exec(compile(compiled_code, str(path), "exec"), space)  # noqa: S102


def submit_in_this_process() -> None:
    SparkAdapter.python_submission_helpers = property(lambda _: {"session": InThisProcess})
    SparkAdapter.default_python_submission_method = property(lambda _: "session")


def dbt(project: Path, target: str, command: str, day: str) -> dict[str, str]:
    """One dbt command as of a day; what failed, by target and name."""
    started = time.monotonic()
    variables = {"account_mapping__as_of": day, "account_mapping__unit_tests": command == "test"}
    arguments = [command, "--target", target, "--project-dir", str(project), "--profiles-dir", str(project)]
    arguments += ["--vars", json.dumps(variables), "--quiet", "--no-partial-parse", "--log-level-file", "debug"]
    outcome = dbtRunner().invoke(arguments)
    if outcome.exception:
        raise outcome.exception
    failed = {
        f"{target} {result.node.name}": f"{result.status}: {result.message}"[:1500]
        for result in outcome.result.results
        if result.status not in ("success", "pass", "warn", "no-op")
    }
    told = f"{day} {target} {command}: {len(outcome.result.results)} nodes, {len(failed)} not well"
    print(told, f"{time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    return failed


def used_by_this_and_children() -> float:
    """Processor seconds of this process and of all that it started, such as Spark's Java."""
    ticks, children = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            ticks[int(stat.parent.name)] = sum(map(int, fields[11:15]))
            children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, seconds = [os.getpid()], 0.0
    while found:
        process = found.pop()
        seconds += ticks.get(process, 0) / os.sysconf("SC_CLK_TCK")
        found += children.get(process, ())
    return seconds


def next_day(reference: Path) -> None:
    with duckdb.connect(str(reference)) as connection:
        found = connection.sql("select schema_name || '.' || table_name from duckdb_tables()").fetchall()
        for (table,) in found:
            for statement in NEXT_DAY.get(table, ()):
                connection.execute(statement.format(table))


def copy_raw(database: Path, reference: Path) -> None:
    """The raw tables of a DuckDB file in a new one."""
    with duckdb.connect(str(reference)) as connection:
        connection.execute(f"attach '{database}' as raw (read_only)")
        for schema, table in connection.sql(
            f"select schema_name, table_name from duckdb_tables() where database_name = 'raw' "
            f"and schema_name not in {SCHEMAS}"
        ).fetchall():
            connection.execute(f'create schema if not exists "{schema}"')
            connection.execute(f'create table "{schema}"."{table}" as from raw."{schema}"."{table}"')


def load_raw(reference: Path, folder: Path, spark: SparkSession) -> None:
    """The raw tables of the DuckDB file as tables of Spark, in place of those that it has."""
    for schema, table in export(reference, folder, models=False):
        spark.sql(f"create database if not exists {schema}")
        spark.sql(f"drop table if exists {schema}.`{table}`")
        spark.sql(f"create table {schema}.`{table}` using parquet location '{folder / f'{schema}.{table}.parquet'}'")


def compare(reference: Path, folder: Path, spark: SparkSession) -> dict[str, dict[str, Any]]:
    """Every model of the reference beside the same one on Spark: how they differ, by name."""
    close_database()
    found = {}
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        for schema, table in sorted(export(reference, folder / "expected", raw=False)):
            place = folder / "found" / f"{schema}.{table}.parquet"
            try:
                spark.table(f"{schema}.`{table}`").coalesce(1).write.mode("overwrite").parquet(str(place))
                differs = compared(connection, folder / "expected" / f"{schema}.{table}.parquet", place)
            except Exception as error:
                differs = {"error": str(error).split("JVM stacktrace")[0][:1500]}
            if any(differs.values()):
                found[table] = differs
    return found


def built(master: str, arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """What differs after each run, and which tests fail."""
    reference = folder / "reference.duckdb"
    copy_raw(arguments.database.resolve(), reference)
    project = copy_project(arguments.project.resolve(), folder)
    for row in (project / "seeds/account_mapping__partners.csv").read_text().splitlines()[1:]:
        os.environ.setdefault(f"ACCOUNT_MAPPING_SECRET_{row.split(',')[0].upper()}", secrets.token_hex(32))
    # where a project looks for files of its own
    os.chdir(project)
    submit_in_this_process()
    spark = session(
        folder / "warehouse",
        {
            "spark.master": master,
            "spark.sql.parquet.inferTimestampNTZ.enabled": "false",
            "spark.sql.shuffle.partitions": f"{arguments.workers or arguments.cores}",
        },
    )
    said: dict[str, Any] = {}
    for day in DAYS[: 1 if arguments.first else 2]:
        if said:
            next_day(reference)
        load_raw(reference, folder / "raw", spark)
        failed: dict[str, str] = {}
        cost = {}
        for target in ("duckdb", "spark"):
            started, used = time.monotonic(), used_by_this_and_children()
            for command in ("seed", "run"):
                failed |= dbt(project, target, command, day)
            cost[target] = [time.monotonic() - started, used_by_this_and_children() - used]
        said[day] = {"failed": failed, "differ": compare(reference, folder, spark), "cost": cost}
        print(day, len(failed), "failed,", len(said[day]["differ"]), "differ", file=sys.stderr, flush=True)
    if arguments.tests:
        said["tests"] = {"failed": dbt(project, "spark", "test", day), "differ": {}}
    spark.stop()
    return said


def main(arguments: argparse.Namespace) -> int:
    folder = arguments.folder.resolve()
    if folder.exists():
        if not (folder / "reference.duckdb").exists():
            raise SystemExit(f"{folder} is there already, and not made by this command")
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
    local = nullcontext(f"local[{arguments.cores}]")
    with cluster(arguments.workers, folder / "cluster") if arguments.workers else local as master:
        said = built(master, arguments, folder)
    json.dump(said, sys.stdout, default=str, indent=1)
    # where rows may differ, columns and types may not
    differ = [found for run in said.values() for found in run["differ"].items()]
    wrong = [name for name, how in differ if name not in EXCEPTED or how.get("error") or how.get("types")]
    return 1 if wrong or any(run["failed"] for run in said.values()) else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("database", type=Path)
    parser.add_argument("project", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--first", action="store_true")
    parser.add_argument("--tests", action="store_true")
    sys.exit(main(parser.parse_args()))
