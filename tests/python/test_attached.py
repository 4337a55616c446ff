"""A PostgreSQL that DuckDB has attached: read from and written to, the demo's marts are those of a DuckDB file.

A real server is started on loopback, in a folder of its own. What builds is the environment `.venvs/attached`, since
the locked DuckDB has no wheel of the extension (`make attached-check` makes it). What compares is the locked DuckDB, so
both versions have to agree. Without server or environment the tests are skipped, but where CI_POSTGRES forbids it.

As a script it measures both places on the demo, once that is built, for docs/engines.md: wall seconds of `dbt build`,
CPU seconds with the server's, and the most memory that dbt took.

usage: PYTHONPATH=.:tests/python python tests/python/test_attached.py
"""

from __future__ import annotations

import json
import os
import pwd
import resource
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from conftest import Demo
from harness import BESIDE_MARTS, INTERMEDIATES, PACKAGE, opened
from test_demo import MARTS, RAW_SCHEMAS

from report.export import public_marts
from report.marts import Marts

PYTHON = PACKAGE / ".venvs/attached/bin/python"
# what keeps rows from run to run lies beside the marts
KEPT = sorted(BESIDE_MARTS - {"int_account_mapping__scored_pairs", "int_account_mapping__build"})
AGAIN = ["tag:account_mapping_public", "int_account_mapping__accounts_with_partners", *KEPT]
NEXT_DAY = ["--vars", json.dumps({"account_mapping__as_of": "2026-11-16"})]
SECRETS = ("ACCOUNT_MAPPING_SECRET_PAPERMOON_PAYMENTS", "ACCOUNT_MAPPING_SECRET_BRASSHELM_SECURITY")
# tables that a model of the project reads elsewhere, and the var that names it
ELSEWHERE = {
    "owners": ("hubspot_owner_model", "read_parquet('{folder}/hubspot.owners.parquet')"),
    "users": ("salesforce_user_model", "files.main.users"),
}
# a name that some step might take for syntax; PostgreSQL's text holds all but chr(0)
ODD = r"""O''Odd "quoted" \N \t {0} %s $block$ NULL; é 😀 عربي """

Rows = list[tuple[Any, ...]]


def programs() -> Path | None:
    """Where PostgreSQL's programs are; Debian keeps them out of the path."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), default=None)


@dataclass
class Server:
    """A PostgreSQL of the tests on a free port, with nothing to lose: killed and started as a test likes."""

    folder: Path
    programs: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    def _as_user(self) -> dict[str, Any]:
        """Whose processes they are: PostgreSQL refuses to be root's."""
        if os.geteuid() != 0:
            return {}
        for name in ("postgres", "nobody"):
            with suppress(KeyError):
                user = pwd.getpwnam(name)
                return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        raise AssertionError("root cannot run PostgreSQL, and there is neither a user postgres nor nobody")

    def make(self) -> None:
        """Make an empty database cluster."""
        options = self._as_user()
        if options:
            os.chown(self.folder, options["user"], options["group"])
        command = [self.programs / "initdb", "-D", self.folder / "data", "-U", "account_mapping", "--auth=trust"]
        command += ["--encoding=UTF8", "--no-locale", "--no-sync"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False, **options)
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self) -> None:
        """Start, and wait until it answers."""
        settings = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": ""}
        settings |= {"log_timezone": "UTC", "TimeZone": "America/New_York"}
        command: list[Any] = [self.programs / "postgres", "-D", self.folder / "data"]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, stdout=log, stderr=subprocess.STDOUT, **self._as_user()
            )
        ready = [self.programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        for _ in range(600):
            if subprocess.run(ready, check=False).returncode == 0:
                return
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.1)
                break
        raise AssertionError((self.folder / "log").read_text())

    def stop(self) -> None:
        """End it in order."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        self.process.wait()

    def kill(self) -> None:
        """Pull the plug: the server and its connections are gone at once, nothing is tidied up."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()


@dataclass
class Attached:
    """The demo's project with the server attached as `crm`, and the process that builds it."""

    folder: Path
    server: Server | None
    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)

    @property
    def working(self) -> Path:
        """The DuckDB file of all that is not public."""
        return self.folder / "working.duckdb"

    def ask(self, kind: str, request: Sequence[str], kill_at: str = "") -> Rows:
        """One request, see attached_worker.py; returns its rows. AssertionError with all that was said if it fails.

        kill_at: the server is killed at the first line that holds this.
        """
        assert self.process.stdin and self.process.stdout
        self.said = []
        self.process.stdin.write(json.dumps({kind: list(request)}) + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith('{"done"'):
                return [tuple(row) for row in json.loads(line)["done"]]
            self.said.append(line.rstrip())
            if kill_at and kill_at in line and self.server:
                self.server.kill()
                kill_at = ""
            if line.startswith('{"failed"'):
                break
        raise AssertionError("\n".join(self.said))

    def end(self) -> None:
        """Let the process end, and wait for it."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()

    def dbt(self, *arguments: str, kill_at: str = "") -> None:
        self.ask("dbt", arguments, kill_at)

    def sql(self, *statements: str) -> Rows:
        return self.ask("sql", statements)

    def tables(self) -> dict[str, tuple[Rows, Rows]]:
        """All tables of the target's schema on the server, by name: columns with types, and rows as sorted text."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        listed = self.sql(
            "select table_name, column_name, data_type from duckdb_columns() "
            "where database_name = 'crm' and schema_name = 'main' order by table_name, column_index"
        )
        columns: dict[str, Rows] = {}
        for table, *column in listed:
            columns.setdefault(table, []).append(tuple(column))
        self.sql(
            *(
                f"copy (select columns(*)::varchar from crm.main.{name}) to '{folder / name}.parquet'"
                for name in columns
            )
        )
        with duckdb.connect() as connection:
            rows = {
                name: connection.sql(f"from read_parquet('{folder / name}.parquet') order by all").fetchall()
                for name in columns
            }
        return {name: (columns[name], rows[name]) for name in columns}


def local_tables(database: Path) -> dict[str, tuple[Rows, Rows]]:
    """The same tables of a DuckDB file, where some are views."""
    found = {}
    with opened(database) as connection:
        for name in [*MARTS, *KEPT, "account_mapping__build"]:
            columns = connection.sql(f"select column_name, column_type from (describe main.{name})").fetchall()
            rows = connection.sql(f"select columns(*)::varchar from main.{name} order by all").fetchall()
            found[name] = columns, rows
    return found


def compared(tables: dict[str, tuple[Rows, Rows]]) -> dict[str, tuple[Rows, Rows]]:
    """Tables without what names the run, and where inputs lie."""
    found = {name: value for name, value in tables.items() if name != "account_mapping__build"}
    types, rows = found["account_mapping__inputs"]
    there = [name not in ("relation_name", "kind") for name, _ in types]
    return found | {"account_mapping__inputs": (types, sorted((tuple(compress(row, there)) for row in rows), key=str))}


def assert_equal(found: dict[str, tuple[Rows, Rows]], expected: dict[str, tuple[Rows, Rows]]) -> None:
    """Each table has the columns, types and rows that it should; the message names those that do not."""
    found, expected = compared(found), compared(expected)
    assert found.keys() == expected.keys()
    unlike = {
        name: (found[name][0] == expected[name][0], sorted(set(found[name][1]) ^ set(expected[name][1]), key=str)[:4])
        for name in found
        if found[name] != expected[name]
    }
    assert unlike == {}


@contextmanager
def started() -> Iterator[Server]:
    """A server that is up, and gone afterwards."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        found = programs()
        assert found is not None
        server = Server(Path(folder), found, port)
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server; the test is skipped where there can be none."""
    missing = "" if programs() else "PostgreSQL's server is not installed"
    if not (PYTHON.parent.parent / "installed").exists():
        missing = missing or "`make attached-check` has not made the environment"
    if missing and os.environ.get("CI_POSTGRES"):
        pytest.fail(f"CI_POSTGRES is set, but {missing}")
    if missing:
        pytest.skip(missing)
    with started() as server:
        yield server


def installed(folder: Path, demo: Path, variables: Mapping[str, str], server: Server | None) -> Attached:
    """The demo's project in `folder`, with the server attached; without one, all is in one file."""
    project = folder / "project"
    shutil.copytree(demo / "project", project, ignore=shutil.ignore_patterns("target", "logs", "dbt_packages"))
    (project / "dbt_packages").mkdir()
    (project / "dbt_packages/account_mapping").symlink_to(demo.parent, target_is_directory=True)
    profiles = yaml.safe_load((project / "profiles.yml").read_text())
    output = profiles["account_mapping_demo"]["outputs"]["dev"]
    output["path"] = str(folder / "working.duckdb")
    where = ""
    if server:
        where = f"host=127.0.0.1 port={server.port} user=account_mapping dbname=postgres"
        output["config_options"] = {"extension_directory": str(folder / "extensions")}
        output["attach"] = [
            {"path": where, "type": "postgres", "alias": "crm"},
            {"path": str(folder / "files.duckdb"), "alias": "files", "read_only": True},
        ]
        settings = yaml.safe_load((project / "dbt_project.yml").read_text())
        settings["vars"] |= {f"{schema}_database": "crm" for schema in RAW_SCHEMAS}
        settings["vars"] |= {"account_mapping__marts_database": "crm"}
        for model, (var, relation) in ELSEWHERE.items():
            settings["vars"][var] = model
            (project / f"models/{model}.sql").write_text(f"select * from {relation.format(folder=folder)}")
        (project / "dbt_project.yml").write_text(yaml.safe_dump(settings))
    (project / "profiles.yml").write_text(yaml.safe_dump(profiles))
    process = subprocess.Popen(
        [PYTHON, Path(__file__).with_name("attached_worker.py"), PACKAGE, folder / "extensions", where],
        cwd=project,
        env=os.environ
        | variables
        | {"DBT_PROFILES_DIR": str(project), "TZ": "Asia/Tokyo", "DBT_SEND_ANONYMOUS_USAGE_STATS": "0"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return Attached(folder, server, process)


@pytest.fixture(scope="module")
def built(demo: Demo, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attached]:
    """The demo with its CRM and its partners' tables on the server, built and tested there once."""
    attached = installed(tmp_path_factory.mktemp("attached"), demo.folder, demo.secrets, server)
    load(attached, demo.database)
    attached.dbt("build")
    yield attached
    attached.end()


def load(attached: Attached, database: Path) -> None:
    """The demo's raw tables on the server, in the types that loaders write there, but two of them."""
    schemas = tuple(RAW_SCHEMAS)
    columns = f"from duckdb_columns() where schema_name in {schemas} order by all"
    with opened(database) as connection:
        tables = connection.sql(f"select distinct schema_name, table_name {columns}").fetchall()
        for schema, table in tables:
            connection.execute(f"copy {schema}.{table} to '{attached.folder / f'{schema}.{table}.parquet'}'")
        kinds = connection.sql(f"select schema_name, table_name, column_name, data_type {columns}").fetchall()
    assert len(tables) == 15
    home, elsewhere = "working", set()
    statements = [f"attach '{attached.working}' as working"]
    if attached.server:
        home, elsewhere = "crm", {("salesforce", "user"), ("hubspot", "owners")}
        statements = [
            f"attach '{attached.folder / 'files.duckdb'}' as files",
            f"create table files.main.users as from '{attached.folder / 'salesforce.user.parquet'}'",
        ]
    for schema, table in tables:
        statements.append(f"create schema if not exists {home}.{schema}")
        if (schema, table) not in elsewhere:
            file = attached.folder / f"{schema}.{table}.parquet"
            statements.append(f"create table {home}.{schema}.{table} as from '{file}'")
    native = {"TIMESTAMP": "timestamptz using {0} at time zone ''UTC''", "JSON": "jsonb", "DOUBLE": "numeric"}
    for schema, table, column, kind in kinds:
        if attached.server and kind in native and (schema, table) not in elsewhere:
            name = f'"{column}"'
            statements.append(
                f"call postgres_execute('crm', 'alter table {schema}.{table} alter column {name} "
                f"type {native[kind].format(name)}')"
            )
    attached.sql(*statements)


@pytest.fixture(scope="module")
def former(built: Attached) -> dict[str, tuple[Rows, Rows]]:
    """The tables on the server after the first run."""
    return built.tables()


def test_all_marts_lie_in_postgres_and_equal_those_of_a_duckdb_file(
    built: Attached, demo: Demo, former: dict[str, tuple[Rows, Rows]]
) -> None:
    """Types too, and what is kept from run to run; dbt's own tests of them ran in the build.

    The tables are read from the server too, but one from another DuckDB file and one from Parquet.
    """
    assert_equal(former, local_tables(demo.database))
    assert sum(len(rows) for _, rows in former.values()) > 100_000
    kinds = built.sql("from postgres_query('crm', 'select table_type, count(*) from information_schema.tables "
                      "where table_schema = ''main'' group by 1')")  # fmt: skip
    assert kinds == [("BASE TABLE", len(former))]
    with opened(built.working) as connection:
        there = connection.sql("select table_name from duckdb_tables() where schema_name = 'main'").fetchall()
    assert {name for (name,) in there}.isdisjoint(former)


@pytest.fixture(scope="module")
def changed(built: Attached, demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Rows, Rows]]:
    """What a DuckDB file holds after a second run, a day later, with overlaps gone and a name of odd characters.

    The same change is made in the working file of the attached one. It is made below the marts, so that only they run.
    """
    folder = tmp_path_factory.mktemp("second")
    database = Path(shutil.copy(demo.database, folder))
    with duckdb.connect(str(database)) as connection:
        links = f"{INTERMEDIATES}.int_account_mapping__links"
        (gone,) = connection.sql(f"select min(account_id) from {links} where decision = 'accepted'").fetchall()[0]
        (odd,) = connection.sql(f"select max(account_id) from {links} where decision = 'accepted'").fetchall()[0]
        changes = [
            f"delete from {links} where account_id = '{gone}'",
            f"update {INTERMEDIATES}.int_account_mapping__accounts set name = '{ODD}' where account_id = '{odd}'",
        ]
        for change in changes:
            connection.execute(change)
    demo.dbt("run", "--select", *AGAIN, *NEXT_DAY, folder=folder)
    built.sql(
        f"attach '{built.working}' as working", *(c.replace(INTERMEDIATES, f"working.{INTERMEDIATES}") for c in changes)
    )
    return local_tables(database)


def test_a_server_killed_during_the_build_keeps_the_former_marts(
    built: Attached, server: Server, former: dict[str, tuple[Rows, Rows]], changed: dict[str, tuple[Rows, Rows]]
) -> None:
    """Each mart is the former one or, of those that were done before, the new one; none is missing, none is a part."""
    with pytest.raises(AssertionError):
        built.dbt("run", "--select", *AGAIN, *NEXT_DAY, kill_at="OK created sql table model crm.")
    done = [line for line in built.said if " OK created sql table model crm." in line]
    failed = [line for line in built.said if " ERROR creating sql " in line]
    server.start()
    # a former table that was about to be dropped: the next run does so
    found = {name: table for name, table in built.tables().items() if not name.endswith("__dbt_backup")}
    assert found.keys() == former.keys()
    assert found["account_mapping__build"] == former["account_mapping__build"]
    found, old, new = compared(found), compared(former), compared(changed)
    assert [name for name in found if found[name] not in (old[name], new[name])] == []
    # the server may have heard of one more than dbt
    assert len([name for name in found if found[name] != old[name]]) <= len(done) + 1
    assert 1 <= len(done) < 5 < len(failed)


def test_the_next_run_replaces_them_and_goes_on_with_what_is_kept(
    built: Attached, former: dict[str, tuple[Rows, Rows]], changed: dict[str, tuple[Rows, Rows]]
) -> None:
    """On the same day, after the run that broke off: as if that had not been."""
    built.dbt("run", "--select", *AGAIN, *NEXT_DAY)
    found = built.tables()
    assert_equal(found, changed)
    for name in (
        "account_mapping__accounts",
        "account_mapping__overlap_history",
        "int_account_mapping__account_changes",
    ):
        assert found[name] != former[name], name
    names = {value for row in found["account_mapping__accounts"][1] for value in row}
    assert ODD.replace("''", "'") in names
    left = built.sql("select table_name from duckdb_tables() where database_name = 'crm' and table_name like '%dbt%'")
    assert left == []
    keys = built.sql(
        "select count(*) from postgres_query('crm', 'select 1 from pg_indexes where schemaname = ''main''')"
    )
    assert keys[0][0] >= 10


def test_what_leaves_and_what_bi_reads_are_files_of_the_same_rows(built: Attached) -> None:
    """The exchange's export, and copies of the marts that the report reads."""
    partner, files, marts = "papermoon_payments", built.folder / "files", built.folder / "marts"
    files.mkdir()
    marts.mkdir()
    for macro, arguments in (
        ("export_shared", {"partner_id": partner, "folder": str(files), "kinds": ["keys"]}),
        ("export_marts", {"folder": str(marts)}),
    ):
        built.dbt("run-operation", f"account_mapping__{macro}", "--args", json.dumps(arguments))
    counts = (f"select '{name}', count(*) from crm.main.{name}" for name in public_marts())
    found = dict(built.sql(" union all ".join(counts)))
    keys = built.sql(f"select count(*) from crm.main.account_mapping__shared_keys where partner_id = '{partner}'")
    with duckdb.connect() as connection:
        assert connection.sql(f"select count(*) from '{files / 'keys.parquet'}'").fetchall() == [tuple(keys[0])]
        copied = {
            path.stem: connection.sql(f"select count(*) from '{path}'").fetchall()[0][0] for path in marts.iterdir()
        }
    assert copied == found
    assert len(Marts(marts).rows("select * from account_mapping__plays")) == found["account_mapping__plays"]


def holding(built: Attached, address: str, partner: str) -> tuple[set[str], set[str]]:
    """Tables, on the server and in the working file, that have an address, and those that have a partner."""
    attach = f"attach if not exists '{built.working}' as working (read_only)"
    tables = built.sql(
        attach,
        "select database_name || '.' || schema_name || '.' || table_name from duckdb_columns() "
        "inner join duckdb_tables() using (database_name, schema_name, table_name) where column_name = 'partner_id' "
        "and (schema_name = 'partners' or table_name like 'int_account_mapping%' or database_name = 'crm')",
    )
    queries = (
        f"select '{table}', bool_or(contains(lower(part::varchar), '{address}')), bool_or(partner_id = '{partner}') "
        f"from {table} as part"
        for (table,) in tables
    )
    found = built.sql(attach, " union all ".join(queries))
    return {name for name, yes, _ in found if yes}, {name for name, _, yes in found if yes}


def test_a_person_and_a_partner_are_forgotten_in_both_databases(built: Attached) -> None:
    """PostgreSQL tells no row ids, and a transaction writes to one database: nothing may stay behind for that."""
    partner = "lumen_data"
    owner = f"select min(owner_email) from crm.partners.partner_accounts where partner_id = '{partner}'"
    address = built.sql(owner)[0][0]
    for names in holding(built, address, partner):
        assert {name.partition(".")[0] for name in names} == {"crm", "working"}
    built.ask("environment", ["ACCOUNT_MAPPING_PERSON", address.upper()])
    built.dbt("run-operation", "account_mapping__forget_person")
    of_person, of_partner = holding(built, address, partner)
    assert of_person == set() != of_partner
    arguments = {"partner_id": partner, "folder": str(built.folder / "files")}
    built.dbt("run-operation", "account_mapping__forget_partner", "--args", json.dumps(arguments))
    assert holding(built, address, partner) == (set(), set())


def test_values_at_the_ends_of_their_types_come_back_as_they_went(built: Attached) -> None:
    """And the one text that PostgreSQL cannot hold is refused by name, or replaced where a setting says so."""
    ends = (
        "select -99999999999999999999999999.99::decimal(28, 2) as amount, date '0001-01-01' as early, "
        "date '9999-12-31' as late, timestamp '2026-02-28 23:59:59.999999' as moment, false as no, "
        "cast(null as boolean) as unknown, '' as empty, 9223372036854775807::bigint as big, "
        "chr(10) || chr(9) || chr(13) || chr(1) || chr(8239) || chr(128512) as signs"
    )
    built.sql(f"create table crm.partners.ends as {ends}")
    assert built.sql("from crm.partners.ends") == built.sql(ends)
    nothing = "create table crm.partners.zero as select 'a' || chr(0) || 'b' as text"
    with pytest.raises(AssertionError, match="pg_null_byte_replacement"):
        built.sql(nothing)
    assert built.sql("set pg_null_byte_replacement = '?'", nothing, "from crm.partners.zero") == [("a?b",)]


def children() -> float:
    """CPU seconds of all processes that were started here and have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measured(place: str) -> str:
    """One `dbt build` of the demo, as it was built last, with its data in a place; a row of docs/engines.md."""
    demo = PACKAGE / "demo"
    with started() if place == "PostgreSQL" else nullcontext() as server, tempfile.TemporaryDirectory() as folder:
        before = children()
        attached = installed(Path(folder), demo, os.environ, server)
        load(attached, demo / "account_mapping_demo.duckdb")
        began = time.monotonic()
        attached.dbt("build")
        wall = time.monotonic() - began
        ((memory,),) = attached.ask("memory", [])
        attached.end()
    return f"| {place} | {wall:.0f} s | {children() - before:.0f} s | {memory} MB |"


if __name__ == "__main__":
    os.environ |= {secret: secrets.token_hex(32) for secret in SECRETS if secret not in os.environ}
    for held in ("a DuckDB file", "PostgreSQL"):
        print(measured(held), flush=True)
