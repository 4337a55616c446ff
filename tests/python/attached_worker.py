"""Runs in an environment of its own, on a DuckDB for which there is a wheel of the PostgreSQL extension.

usage: python attached_worker.py PACKAGE EXTENSIONS CONNECTION

Reads one request a line, as JSON: `{"dbt": [arguments]}` for the project in the current folder, which is parsed once,
`{"sql": [statements]}` on a connection that has the server as `crm`, `{"environment": [variable, value]}`, or
`{"memory": []}` for the most that this process took, in MB. Prints what dbt says as it comes, and at the end of each
request one line of JSON: `{"done": rows of the last statement}` or `{"failed": message}`.

PACKAGE: folder of this package. EXTENSIONS: DuckDB's extension directory, filled here from the wheel. CONNECTION: how
to reach the server, as libpq takes it; empty where there is none.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import duckdb_extension_postgres_scanner

EXTENSION = "postgres_scanner.duckdb_extension"


def fill(extensions: Path) -> None:
    """Put the wheel's extension where DuckDB looks for it."""
    version, platform = (duckdb.sql(f"pragma {name}").fetchall()[0][0] for name in ("version", "platform"))
    folder = extensions / version / platform
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(Path(duckdb_extension_postgres_scanner.__path__[0]) / "extensions" / version / EXTENSION, folder)


def answers(statements: Sequence[str], extensions: str, connection: str) -> list[tuple[Any, ...]]:
    """Rows of the last one of some SQL statements."""
    with duckdb.connect(config={"extension_directory": extensions}) as database:
        if connection:
            database.execute(f"attach '{connection}' as crm (type postgres)")
        for statement in statements:
            rows = database.execute(statement).fetchall()
        return rows


def main(package: str, extensions: str, connection: str) -> None:
    sys.path.insert(0, package)
    from exchange.dbt_project import DbtError, DbtProject

    fill(Path(extensions))
    project = DbtProject(Path.cwd())
    for line in sys.stdin:
        request = json.loads(line)
        try:
            rows = []
            if "environment" in request:
                name, value = request["environment"]
                os.environ[name] = value
            elif "memory" in request:
                rows = [(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,)]
            elif "dbt" in request:
                project.run(*request["dbt"], tell=lambda said: print(said, flush=True))
            else:
                rows = answers(request["sql"], extensions, connection)
            print(json.dumps({"done": rows}, default=str), flush=True)
        except (DbtError, duckdb.Error) as error:
            print(json.dumps({"failed": str(error)}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
