"""A small dbt project that installs this package, for tests: raw tables in, models out.

A test makes a project, writes raw tables as Python rows or SQL, has models made and queries them:

    project = Project(tmp_path, variables={"account_mapping__crms": ["generic"]})
    project.write_table("generic.accounts", [{"account_id": "1", "account_name": "Acme"}])
    project.make("+int_account_mapping__crm_accounts")
    project.query("select * from int_account_mapping__crm_accounts")

`run` is one dbt command, as a user gives it. `make` leaves the same tables in less time, and runs no data test:
test_harness.py compares both.
"""

from __future__ import annotations

import atexit
import copy
import csv
import fcntl
import hashlib
import json
import pickle
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import pyarrow as pa
import yaml
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest
from dbt.contracts.graph.nodes import ModelNode, SeedNode

from exchange.dbt_project import DbtProject, close_database

PACKAGE = Path(__file__).resolve().parents[2]
PROJECT_NAME = "account_mapping_test"
# Where models lie that are not public: the target's schema and the package's own.
INTERMEDIATES = "main_account_mapping"
BESIDE_MARTS = {
    f"int_account_mapping__{name}"
    for name in (
        "scored_pairs",
        "build",
        "overlap_first_seen",
        "account_changes",
        "history",
        "deal_history",
        "frozen_counts",
        "company_register",
    )
}

Rows = Sequence[Mapping[str, Any]]

# A folder in which the processes of one test session share what dbt parsed; None where there is one process.
SHARED: Path | None = None
# What dbt parsed, by all that a parse depends on. Most projects of the tests differ in rows only, and parsing takes
# longer than running a dozen models: https://docs.getdbt.com/reference/programmatic-invocations
_PARSED: dict[str, Manifest] = {}
# What dbt compiled in this process, by all that the compiled code depends on, and the seeds that it loaded.
_COMPILED: dict[tuple[Any, ...], Compiled] = {}
_SEEDS: dict[tuple[str, bytes], pa.Table] = {}
# Vars that dbt reads when it compiles a model: projects that differ in them have one parse. test_harness.py looks
# whether a file reads one of them while dbt parses.
AS_OF = "account_mapping__as_of"
COMPILED_VARS = {
    AS_OF,
    "account_mapping__accept_threshold",
    "account_mapping__churn_after_days",
    "account_mapping__company_id",
    "account_mapping__currency",
    "account_mapping__pass_through_columns",
    "account_mapping__quality_pairs",
    "account_mapping__review_pairs",
    "account_mapping__review_threshold",
}
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


@dataclass(frozen=True)
class Compiled:
    """Models that dbt compiled and built, in that order.

    as_of: the day for which it did. tables: the statement that makes a table, by the name of each model whose contract
    puts constraints on its rows.
    """

    models: list[ModelNode]
    as_of: str | None
    tables: dict[str, str]


class Project:
    """A dbt project in `folder` that has this package installed, with its own DuckDB file.

    variables: the project's vars. own_seeds: whether the settings seeds are the project's own, at first copies of the
    package's, which are switched off then; so projects that differ in seeds have one parse.
    """

    def __init__(
        self,
        folder: Path,
        variables: Mapping[str, Any] | None = None,
        threads: int = 2,
        own_seeds: bool = True,
    ) -> None:
        self.folder = Path(folder)
        self.database = self.folder / "warehouse.duckdb"
        self.variables = dict(variables or {})
        self.threads = threads
        self.own_seeds = own_seeds
        self._loaded: dict[str, bytes] = {}
        packages = self.folder / "dbt_packages"
        packages.mkdir(parents=True, exist_ok=True)
        if not (packages / "account_mapping").exists():
            # What `dbt deps` does for a local package, without the seconds it takes.
            (packages / "account_mapping").symlink_to(PACKAGE, target_is_directory=True)
        if own_seeds and not (self.folder / "seeds").exists():
            (self.folder / "seeds").mkdir()
            for name, content in _package_seeds().items():
                (self.folder / "seeds" / f"{name}.csv").write_bytes(content)
        self._write_settings()

    def write_table(self, name: str, rows: Rows | pa.Table | str) -> None:
        """Write raw table `name` ("schema.table"), or one in the place of a model ("model"), replacing what was there.

        rows: mappings (missing keys are null; types follow the values), an Arrow table, or a SQL query.
        A table of no rows needs an Arrow table or SQL, which say its columns.
        """
        schema, _, table = name.rpartition(".")
        if not schema:
            schema = INTERMEDIATES if table.startswith("int_") and table not in BESIDE_MARTS else "main"
        with duckdb.connect(str(self.database)) as connection:
            connection.execute(f'create schema if not exists "{schema}"')
            target = f'"{schema}"."{table}"'
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
        """Write settings seed `name` as CSV of this project, in place of the package's.

        columns: the header, needed where there are no rows.
        """
        assert self.own_seeds
        header = list(columns or dict.fromkeys(key for row in rows for key in row))
        with (self.folder / "seeds" / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, header, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    def run(self, *arguments: str, variables: Mapping[str, Any] | None = None) -> Result:
        """Run one dbt command, such as run("build", "--select", "..."), in this process.

        variables: vars of this command only, as `--vars`.
        """
        overrides = ("--vars", json.dumps(dict(variables))) if variables else ()
        if arguments[0] in ("parse", "docs"):
            return self._invoke(None, *arguments, *overrides)[0]
        manifest = self.parsed(variables)
        return manifest if isinstance(manifest, Result) else self._invoke(manifest, *arguments, *overrides)[0]

    def parsed(self, variables: Mapping[str, Any] | None = None) -> Manifest | Result:
        """What dbt parses of this project; where that fails, what it said.

        Projects share it: read it, and before the next command of any project.
        """
        key = self._parse_key(variables)
        if key not in _PARSED:
            with held(SHARED and SHARED / f"{key}.lock"):
                file = SHARED and SHARED / f"{key}.pickle"
                if file and file.exists():
                    _PARSED[key] = Manifest(**pickle.loads(file.read_bytes()))  # noqa: S301
                else:
                    overrides = ("--vars", json.dumps(dict(variables))) if variables else ()
                    result, manifest = self._invoke(None, "parse", *overrides)
                    if not result.success:
                        return result
                    _PARSED[key] = manifest
                    if file:
                        file.write_bytes(pickle.dumps(_parts(manifest)))
        manifest = _PARSED[key]
        for node in manifest.nodes.values():
            if isinstance(node, SeedNode):
                own = node.package_name == PROJECT_NAME
                node.root_path = str(self.folder if own else self.folder / "dbt_packages" / node.package_name)
        return manifest

    def for_scripts(self) -> DbtProject:
        """This project as the package's scripts take one, parsed already."""
        made = DbtProject(self.folder)
        made._manifest = self.parsed()
        return made

    def manifest(self) -> dict[str, Any]:
        """What dbt writes as manifest.json of this project."""
        parsed = self.parsed()
        assert isinstance(parsed, Manifest), parsed.text
        file = self.folder / "target" / "manifest.json"
        parsed.writable_manifest().write(str(file))
        return json.loads(file.read_text())

    def make(self, *selection: str, variables: Mapping[str, Any] | None = None) -> None:
        """Make the selected models as `dbt build` does without its tests; AssertionError with its messages if it fails.

        selection: as after `--select`. variables: as for `run`. Seeds are loaded that are new or have changed. Models
        that dbt compiled before in this process, for these vars, columns of raw tables and seeds and existing history,
        run again on the rows that there are now, without dbt's cost per node.
        """
        self.load_seeds()
        options = self.variables | dict(variables or {})
        as_of = options.pop(AS_OF, None)
        manifest = self.parsed(variables)
        assert isinstance(manifest, Manifest), manifest.text
        known = (self._parse_key(variables), json.dumps(options, sort_keys=True), bool(as_of), selection)
        known += self._seen_by_compiler(manifest)
        if known in _COMPILED:
            self._replay(_COMPILED[known], as_of)
            return
        seeds = ("--exclude", "resource_type:seed")
        result = self.run("run", "--select", *selection, *seeds, variables=variables)
        assert result.success, result.text
        with duckdb.connect(str(self.database), read_only=True) as connection:
            made = connection.sql("select table_name, sql from duckdb_tables()").fetchall()
        names = {model.alias for model in result.models if model.config.materialized == "table"}
        constrained = {name: sql for name, sql in made if name in names and (" NOT NULL" in sql or "CHECK(" in sql)}
        _COMPILED[known] = Compiled(result.models, as_of, constrained)

    def check(self, *selection: str, options: Sequence[str] = ()) -> None:
        """Run the data tests of the selected models; AssertionError with dbt's messages if one fails."""
        result = self.run("test", "--select", *selection, *options)
        assert result.success, result.text

    def load_seeds(self) -> None:
        """Load the project's seeds that are not in the database as they are now, by dbt if no project had them so."""
        seeds = {path.stem: path.read_bytes() for path in (self.folder / "seeds").glob("*.csv")}
        changed = {name: content for name, content in seeds.items() if self._loaded.get(name) != content}
        unknown = [name for name, content in changed.items() if (name, content) not in _SEEDS]
        if unknown:
            result = self.run("seed", "--full-refresh", "--select", *unknown)
            assert result.success, result.text
            for name in unknown:
                _SEEDS[name, seeds[name]] = self.arrow(f'from "{name}"')
        with duckdb.connect(str(self.database)) as connection:
            for name in changed.keys() - unknown:
                connection.register("seed_rows", _SEEDS[name, seeds[name]])
                connection.execute(f'create or replace table "{name}" as from seed_rows')
                connection.unregister("seed_rows")
        self._loaded = seeds

    def _seen_by_compiler(self, manifest: Manifest) -> tuple[Any, ...]:
        """What dbt looks up when it compiles: columns of raw tables and of seeds, and which tables of history exist."""
        models = [node for node in manifest.nodes.values() if isinstance(node, ModelNode)]
        kept = {model.alias for model in models if model.config.materialized == "incremental"}
        seeds = {path.stem for path in (self.folder / "seeds").glob("*.csv")}
        made = {model.alias for model in models} - seeds
        with duckdb.connect(str(self.database), read_only=True) as connection:
            columns = connection.sql(
                "select schema_name, table_name, column_name, data_type from duckdb_columns() order by all"
            ).fetchall()
        raw = tuple(column for column in columns if column[1] not in made)
        return raw, tuple(sorted({table for _, table, *_ in columns} & kept))

    def _parse_key(self, variables: Mapping[str, Any] | None) -> str:
        """A hash of all that a parse of this project depends on: its settings, and its own files.

        Of CSV, which dbt reads later, the names.
        """
        defaults = _package_vars()
        options = {
            name: value
            for name, value in (self.variables | dict(variables or {})).items()
            if name not in COMPILED_VARS and (name not in defaults or value != defaults[name])
        }
        parts = [json.dumps([self._settings(), options], sort_keys=True)]
        for room in ("models", "seeds", "macros", "tests"):
            for path in sorted(path for path in (self.folder / room).rglob("*") if path.is_file()):
                parts += [str(path.relative_to(self.folder)), "" if path.suffix == ".csv" else path.read_text()]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

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
            close_database()
        return _result(outcome, messages), outcome.result

    def _replay(self, compiled: Compiled, as_of: str | None) -> None:
        """Run compiled models on the rows that there are now, as of another day.

        An incremental model that was compiled to be added to, and so reads its own table, is added to. A view becomes a
        table, so that what reads it is planned in less time.
        """
        with duckdb.connect(str(self.database)) as connection:
            # rows are few
            connection.execute("set threads = 1")
            for schema in sorted({model.schema for model in compiled.models}):
                connection.execute(f'create schema if not exists "{schema}"')
            views = connection.sql("select schema_name, view_name from duckdb_views() where not internal").fetchall()
            for schema, view in set(views) & {(model.schema, model.alias) for model in compiled.models}:
                connection.execute(f'drop view "{schema}"."{view}"')
            for model in compiled.models:
                name, code = model.relation_name, model.compiled_code
                if as_of:
                    code = code.replace(f"cast('{compiled.as_of}' as date)", f"cast('{as_of}' as date)")
                if model.language == "python":
                    module = _module(model.name, code)
                    # A model may stream what it reads, which keeps a connection busy until the rows are written.
                    with connection.cursor() as reader:
                        session = module.dbtObj(partial(_read, reader))
                        connection.register("python_rows", module.model(session, reader))
                        connection.execute(f"create or replace table {name} as from python_rows")
                        connection.unregister("python_rows")
                elif model.alias in compiled.tables:
                    statement = compiled.tables[model.alias].replace("CREATE TABLE", "create or replace table", 1)
                    connection.execute(statement)
                    connection.execute(f"insert into {name} {code}")
                elif model.config.materialized == "incremental" and name in code:
                    connection.execute(f"create or replace temp table added as {code}")
                    if model.config.incremental_strategy != "append":
                        key = model.config.unique_key
                        columns = ", ".join([key] if isinstance(key, str) else key)
                        connection.execute(f"delete from {name} where ({columns}) in (select ({columns}) from added)")
                    connection.execute(f"insert into {name} by name from added")
                else:
                    connection.execute(f"create or replace table {name} as {code}")

    def execute(self, sql: str) -> None:
        """Run one SQL statement on the project's database, such as an update of raw rows."""
        with duckdb.connect(str(self.database)) as connection:
            search(connection)
            connection.execute(sql)

    def query(self, sql: str) -> list[dict[str, Any]]:
        """Rows of `sql` on the project's database, as dictionaries."""
        return self.arrow(sql).to_pylist()

    def arrow(self, sql: str) -> pa.Table:
        """Result of `sql` on the project's database, as an Arrow table."""
        with opened(self.database) as connection:
            return connection.sql(sql).to_arrow_table()

    def _settings(self) -> dict[str, Any]:
        """The keys of dbt_project.yml without vars."""
        settings = {
            "name": PROJECT_NAME,
            "version": "1.0.0",
            "config-version": 2,
            "profile": "account_mapping_test",
            "flags": {"send_anonymous_usage_stats": False},
        }
        return settings | ({"seeds": {"account_mapping": {"+enabled": False}}} if self.own_seeds else {})

    def _write_settings(self) -> None:
        project = self._settings() | {"vars": self.variables}
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


def opened(database: Path) -> duckdb.DuckDBPyConnection:
    """A database that is read, in which names without a schema are found in the schemas of the package's models."""
    connection = duckdb.connect(str(database), read_only=True)
    search(connection)
    return connection


def search(connection: duckdb.DuckDBPyConnection) -> None:
    """Let names without a schema be found in the schemas of the package's models, public ones first."""
    there = {name for (name,) in connection.sql("select schema_name from duckdb_schemas()").fetchall()}
    names = [name for name in ("main", INTERMEDIATES) if name in there]
    connection.execute(f"set search_path = '{','.join(names)}'")


@cache
def _package_vars() -> dict[str, Any]:
    """The package's vars with their defaults. Reading them takes longer than some models do."""
    return yaml.safe_load((PACKAGE / "dbt_project.yml").read_text())["vars"]


def _package_seeds() -> dict[str, bytes]:
    """The package's seeds as CSV, by name."""
    return {path.stem: path.read_bytes() for path in (PACKAGE / "seeds").glob("*.csv")}


def _parts(manifest: Manifest) -> dict[str, Any]:
    """What a manifest is made of. dbt's own way to pickle one forgets a part of it."""
    return {part.name: getattr(manifest, part.name) for part in fields(manifest) if not part.name.startswith("_")}


@contextmanager
def held(path: Path | None) -> Iterator[None]:
    """Hold a lock that is a file, so that one process at a time goes on; without a path, nobody waits."""
    if path is None:
        yield
        return
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@cache
def _module(name: str, code: str) -> ModuleType:
    """A Python model as dbt imports it, from a file, since it may read its own code. Importing takes a while."""
    module = sys.modules[f"replayed_{name}"] = ModuleType(f"replayed_{name}")
    folder = Path(tempfile.mkdtemp(prefix="account_mapping_"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    file = folder / f"{name}.py"
    file.write_text(code, encoding="utf-8")
    exec(compile(code, str(file), "exec"), module.__dict__)  # noqa: S102
    return module


def _read(connection: duckdb.DuckDBPyConnection, relation: str) -> duckdb.DuckDBPyRelation:
    """What dbt.ref() and dbt.source() give a Python model."""
    return connection.sql(f"select * from {relation}")


def _arrow(rows: Rows) -> pa.Table:
    """Rows as an Arrow table with a column for each key of any row, in order of first appearance."""
    names = dict.fromkeys(name for row in rows for name in row)
    return pa.table({name: pa.array([row.get(name) for row in rows]) for name in names})


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
            # the node is shared by all commands on one manifest, and each compiles it anew
            result.models.append(copy.copy(node.node))
        if str(node.status) in ("error", "fail", "runtime error"):
            result.errors[node.node.name] = node.message or ""
    return result
