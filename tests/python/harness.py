"""A small dbt project that installs this package, for tests: raw tables in, models out.

A test makes a project, writes raw tables as Python rows or SQL, runs dbt in this process and queries the result:

    project = Project(tmp_path, variables={"account_mapping__crms": ["generic"]})
    project.write_table("generic.accounts", [{"account_id": "1", "account_name": "Acme"}])
    result = project.run("run", "--select", "+int_account_mapping__crm_accounts")
    assert result.success, result.text
    project.query("select * from int_account_mapping__crm_accounts")
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import pyarrow as pa
import yaml
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest
from dbt.contracts.graph.nodes import ModelNode, SeedNode

PACKAGE = Path(__file__).resolve().parents[2]
PROJECT_NAME = "account_mapping_test"

Rows = Sequence[Mapping[str, Any]]

# What dbt parsed in this process, by all that a parse depends on. Most projects of the tests differ in rows only, and
# parsing takes longer than running a dozen models: https://docs.getdbt.com/reference/programmatic-invocations
_PARSED: dict[tuple[str, ...], Manifest] = {}
# Read when a model is compiled, and by nothing that dbt parses.
_COMPILED_VARS = {"account_mapping__as_of"}
_FLAGS = (
    *("--quiet", "--log-level", "none", "--log-level-file", "none"),
    *("--no-write-json", "--no-send-anonymous-usage-stats"),
)


@dataclass
class Result:
    """What one dbt command did.

    success: True when dbt ended with exit code 0.
    messages: every line dbt logged at level info or above, in order.
    statuses: status by node name (`success`, `error`, `skipped`, `pass`, `fail`, ...).
    errors: message by name of each node that failed; under `` (no node) what stopped the whole command.
    models: the models that ran, compiled, in the order in which they ended: parents before children.
    """

    success: bool
    messages: list[str] = field(default_factory=list)
    statuses: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    models: list[ModelNode] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All messages as one text, for assertions and for showing why a run failed."""
        return "\n".join([*self.messages, *self.errors.values()])


class Project:
    """A dbt project in `folder` that has this package installed, with its own DuckDB file.

    variables: the project's vars. settings: further keys of its dbt_project.yml, such as {"seeds": {...}}.
    """

    def __init__(
        self,
        folder: Path,
        variables: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
        threads: int = 2,
    ) -> None:
        self.folder = Path(folder)
        self.database = self.folder / "warehouse.duckdb"
        self.variables = dict(variables or {})
        self.settings = dict(settings or {})
        self.threads = threads
        packages = self.folder / "dbt_packages"
        packages.mkdir(parents=True, exist_ok=True)
        if not (packages / "account_mapping").exists():
            # What `dbt deps` does for a local package, without the seconds it takes.
            (packages / "account_mapping").symlink_to(PACKAGE, target_is_directory=True)
        self._write_settings()

    def write_table(self, name: str, rows: Rows | pa.Table | str) -> None:
        """Write raw table `name` ("schema.table"), replacing what was there.

        rows: mappings (missing keys are null; types follow the values), an Arrow table, or a SQL query.
        A table of no rows needs an Arrow table or SQL, which say its columns.
        """
        schema, _, table = name.rpartition(".")
        with duckdb.connect(str(self.database)) as connection:
            if schema:
                connection.execute(f'create schema if not exists "{schema}"')
            target = f'"{schema or "main"}"."{table}"'
            if isinstance(rows, str):
                connection.execute(f"create or replace table {target} as {rows}")
            else:
                arrow = rows if isinstance(rows, pa.Table) else _arrow(rows)
                connection.register("raw_rows", arrow)
                connection.execute(f"create or replace table {target} as select * from raw_rows")

    def write_tables(self, tables: Mapping[str, Rows | pa.Table | str]) -> None:
        """Write several raw tables: {"schema.table": rows}."""
        for name, rows in tables.items():
            self.write_table(name, rows)

    def write_seed(self, name: str, rows: Rows, columns: Iterable[str] | None = None) -> None:
        """Write settings seed `name` as CSV of this project and disable the package's own.

        columns: the header, needed where there are no rows.
        """
        header = list(columns or dict.fromkeys(key for row in rows for key in row))
        folder = self.folder / "seeds"
        folder.mkdir(exist_ok=True)
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, header, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        seeds = self.settings.setdefault("seeds", {})
        seeds.setdefault("account_mapping", {})[name] = {"+enabled": False}
        self._write_settings()

    def run(self, *arguments: str, variables: Mapping[str, Any] | None = None) -> Result:
        """Run one dbt command, such as run("build", "--select", "..."), in this process.

        variables: vars of this command only, as `--vars`.
        """
        overrides = ("--vars", json.dumps(dict(variables))) if variables else ()
        if arguments[0] in ("parse", "docs"):
            return self._invoke(None, *arguments, *overrides)[0]
        parsed_with = {name: value for name, value in (variables or {}).items() if name not in _COMPILED_VARS}
        parsed_from = (json.dumps(parsed_with), *self._parsed_files())
        if parsed_from not in _PARSED:
            result, manifest = self._invoke(None, "parse", *overrides)
            if not result.success:
                return result
            _PARSED[parsed_from] = manifest
        for node in _PARSED[parsed_from].nodes.values():
            if isinstance(node, SeedNode):
                own = node.package_name == PROJECT_NAME
                node.root_path = str(self.folder if own else self.folder / "dbt_packages" / node.package_name)
        return self._invoke(_PARSED[parsed_from], *arguments, *overrides)[0]

    def _parsed_files(self) -> list[str]:
        """Names and contents of the project's own files that dbt parses; of CSV, which it reads later, the names."""
        paths = [self.folder / "dbt_project.yml"]
        for room in ("models", "seeds", "macros", "tests"):
            paths += sorted(path for path in (self.folder / room).rglob("*") if path.is_file())
        return [
            f"{path.relative_to(self.folder)}\n{'' if path.suffix == '.csv' else path.read_text()}" for path in paths
        ]

    def _invoke(self, manifest: Manifest | None, *arguments: str) -> tuple[Result, Any]:
        """Run one dbt command, parsing first unless there is a manifest; what it did, and what dbt returned."""
        messages: list[str] = []

        def keep(event: Any) -> None:
            if event.info.level not in ("debug", "test"):
                messages.append(event.info.msg)

        folders = ("--project-dir", str(self.folder), "--profiles-dir", str(self.folder))
        try:
            outcome = dbtRunner(manifest, callbacks=[keep]).invoke([*_FLAGS, *arguments, *folders])
        finally:
            _close_database()
        return _result(outcome, messages), outcome.result

    def replay(self, models: Iterable[ModelNode]) -> None:
        """Run compiled models of a former command again, on the rows that there are now, without dbt's cost per node.

        models: of a Result of this project, built into an empty database: an incremental model is made anew.
        """
        with duckdb.connect(str(self.database)) as connection:
            for model in models:
                if model.language == "python":
                    module = sys.modules[f"replayed_{model.name}"] = ModuleType(f"replayed_{model.name}")
                    exec(model.compiled_code, module.__dict__)  # noqa: S102
                    # A model may stream what it reads, which keeps a connection busy until the rows are written.
                    with connection.cursor() as reader:
                        session = module.dbtObj(partial(_read, reader))
                        connection.register("python_rows", module.model(session, reader))
                        connection.execute(f"create or replace table {model.relation_name} as from python_rows")
                        connection.unregister("python_rows")
                else:
                    kind = "view" if model.config.materialized == "view" else "table"
                    connection.execute(f"create or replace {kind} {model.relation_name} as {model.compiled_code}")

    def execute(self, sql: str) -> None:
        """Run one SQL statement on the project's database, such as an update of raw rows."""
        with duckdb.connect(str(self.database)) as connection:
            connection.execute(sql)

    def query(self, sql: str) -> list[dict[str, Any]]:
        """Rows of `sql` on the project's database, as dictionaries."""
        return self.arrow(sql).to_pylist()

    def arrow(self, sql: str) -> pa.Table:
        """Result of `sql` on the project's database, as an Arrow table."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.sql(sql).to_arrow_table()

    def _write_settings(self) -> None:
        project = {
            "name": PROJECT_NAME,
            "version": "1.0.0",
            "config-version": 2,
            "profile": "account_mapping_test",
            "flags": {"send_anonymous_usage_stats": False},
            "vars": self.variables,
            **self.settings,
        }
        profile = {
            "account_mapping_test": {
                "target": "test",
                "outputs": {
                    "test": {
                        "type": "duckdb",
                        "path": str(self.database),
                        "schema": "main",
                        "threads": self.threads,
                    }
                },
            }
        }
        (self.folder / "dbt_project.yml").write_text(yaml.safe_dump(project))
        (self.folder / "profiles.yml").write_text(yaml.safe_dump(profile, sort_keys=False))


def _read(connection: duckdb.DuckDBPyConnection, relation: str) -> duckdb.DuckDBPyRelation:
    """What dbt.ref() and dbt.source() give a Python model."""
    return connection.sql(f"select * from {relation}")


def _arrow(rows: Rows) -> pa.Table:
    """Rows as an Arrow table with a column for each key of any row, in order of first appearance."""
    names = dict.fromkeys(name for row in rows for name in row)
    return pa.table({name: pa.array([row.get(name) for row in rows]) for name in names})


def _close_database() -> None:
    """Let go of the DuckDB file, which dbt-duckdb keeps open for as long as the process lives."""
    environment = DuckDBConnectionManager._ENV
    if environment is not None:
        environment.close()
    DuckDBConnectionManager.close_all_connections()


def _result(outcome: dbtRunnerResult, messages: list[str]) -> Result:
    """dbt's outcome as a Result."""
    result = Result(success=outcome.success, messages=messages)
    if outcome.exception is not None:
        result.errors[""] = str(outcome.exception)
    nodes = getattr(outcome.result, "results", None) or []
    for node in nodes:
        if getattr(node, "node", None) is None:
            continue
        result.statuses[node.node.name] = str(node.status)
        if isinstance(node.node, ModelNode):
            result.models.append(node.node)
        if str(node.status) in ("error", "fail", "runtime error"):
            result.errors[node.node.name] = node.message or ""
    return result
