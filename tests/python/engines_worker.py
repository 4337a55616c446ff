"""What test_engines.py has done on an engine: macros rendered for it, and queries run there.

Runs in the environment of that engine. Reads a JSON object from the standard input: target (a profile's name), folder
(a project with its profiles), rows ([[number, text]], what the queries read as `inputs`) and queries (SQL with
Jinja by name, of rows (number, text)). Writes {name: {number: text}} for each setting of the engine, as JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dbt.cli.main import dbtRunner

MARK = "/* query: {} */"

Rows = Sequence[Sequence[Any]]


def rendered(folder: str, target: str, queries: Mapping[str, str]) -> dict[str, str]:
    """Each query as dbt compiles it for the target, without asking the engine."""
    inline = "\n".join(f"{MARK.format(name)}\n{query}" for name, query in queries.items())
    arguments = [
        "compile",
        "--no-populate-cache",
        "--inline",
        inline,
        "--project-dir",
        folder,
        "--profiles-dir",
        folder,
    ]
    arguments += ["--target", target, "--quiet", "--no-send-anonymous-usage-stats", "--log-level", "none"]
    outcome = dbtRunner().invoke(arguments)
    if not outcome.success:
        raise SystemExit(f"{outcome.exception or outcome.result.results[0].message}")
    code = outcome.result.results[0].node.compiled_code
    compiled = {}
    for name, after in zip(queries, [*list(queries)[1:], ""], strict=True):
        part = code.split(MARK.format(name))[1]
        compiled[name] = part.split(MARK.format(after))[0] if after else part
    return compiled


def on_duckdb(rows: Rows) -> dict[str, Callable[[str], Rows]]:
    import duckdb

    connection = duckdb.connect()
    connection.execute("create table inputs (id bigint, x varchar)")
    connection.executemany("insert into inputs values (?, ?)", [list(row) for row in rows])
    return {"duckdb": lambda query: connection.sql(query).fetchall()}


def on_spark(rows: Rows) -> dict[str, Callable[[str], Rows]]:
    """Both with the errors of ANSI mode and without."""
    from engines_spark import session

    spark = session()
    spark.createDataFrame([tuple(row) for row in rows], "id bigint, x string").createOrReplaceTempView("inputs")

    def run(query: str, ansi: str) -> Rows:
        spark.conf.set("spark.sql.ansi.enabled", ansi)
        return [tuple(row) for row in spark.sql(query).collect()]

    return {
        "spark": lambda query: run(query, "false"),
        "spark in ANSI mode": lambda query: run(query, "true"),
    }


def main() -> None:
    request = json.load(sys.stdin)
    target = request["target"]
    queries = rendered(request["folder"], target, request["queries"])
    engines = {"duckdb": on_duckdb, "spark": on_spark}[target](request["rows"])
    found: dict[str, dict[str, dict[int, str] | str]] = {}
    for engine, run in engines.items():
        found[engine] = {}
        for name, query in queries.items():
            try:
                found[engine][name] = dict(sorted(run(query)))
            except Exception as error:
                found[engine][name] = f"{error}"[:2000] + f"\n{query}"
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
