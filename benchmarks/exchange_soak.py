"""Several exchange commands at once, and commands that are killed: is anything ever emptied, or a success without rows?

usage: python -m benchmarks.exchange_soak [--rounds 300] [--kills 100] [--real 10] [--seed 16] [--no-gates]

A project has two partners. In each round the partners deliver anew, or not, and two or three commands start at once. In
each kill one command is killed (SIGKILL) at a random moment. After each:

- the outbox holds a signed manifest and the files that it names, whole, of which an entry of the ledger tells;
- of each partner the warehouse holds the keys, the statement and the manifest of one delivery: the former or the new;
- a `receive` that ended with 0 left the rows of what was delivered;
- the next command, alone, ends with 0 and leaves the new rows, no staging folder and no lock that is held.

In all but `--real` of the rounds and kills dbt is left out: the package's own macros of the exchange run, on a DuckDB
file that each statement opens and closes as dbt does; only parsing and building are not done. The real ones are
`python exchange ...` on a dbt project. Needs a system with `fork`. Exits with 1 at the first finding.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import jinja2
import pyarrow as pa
import pyarrow.parquet as pq

from exchange import command, files, gates, ledger, protocol
from exchange.dbt_project import DbtError

ROOT = Path(__file__).resolve().parent.parent
PARTNERS = ("south", "east")
US = "north"
AS_OF = "2026-11-15"
COMMANDS = ("publish", "receive", "status", "receive", "reveal")
RULES = tuple(protocol.Rule(direction, "*", "*", "overlapping", "status") for direction in ("accepted", "offered"))
SEEDS = {
    "legal_forms": "'gmbh' as form, 'limited' as class, 'end' as position, '' as script, '' as jurisdictions",
    "placeholders": "'name' as kind, 'nobody' as value",
    "name_words": "'the' as word, 'article' as kind",
    "common_words": "'services' as word",
}


class Finding(Exception):
    """Something that must never be."""


def secret_of(partner: str) -> bytes:
    return hashlib.sha256(f"{partner}, protects nothing".encode()).digest()


def variable_of(partner: str) -> str:
    return f"ACCOUNT_MAPPING_SECRET_{partner.upper()}"


# ---------------------------------------------------------------- the package's macros, without dbt


class Returned(Exception):
    """What `return` in a macro does."""


@dataclass(frozen=True)
class Relation:
    """As much of dbt's relation as the macros use."""

    database: str
    schema: str
    identifier: str | None = None

    def __str__(self) -> str:
        return ".".join(f'"{part}"' for part in (self.database, self.schema, self.identifier) if part)

    def without_identifier(self) -> Relation:
        return replace(self, identifier=None)


@cache
def compiled() -> tuple[jinja2.Template, list[str]]:
    """All macros of the exchange as one template, and their names."""
    source = "\n".join(path.read_text() for path in sorted((ROOT / "macros/exchange").glob("account_mapping__*.sql")))
    names = re.findall(r"{%-? macro (\w+)", source)
    # a module has no names that begin with an underscore
    source = re.sub(r"({%-? macro )(\w+)", r"\1macro\2", source)
    environment = jinja2.Environment(extensions=["jinja2.ext.do"], autoescape=False)  # noqa: S701, SQL and no page
    return environment.from_string(source), names


class Macros:
    """The macros below macros/exchange, run on a DuckDB file with as much of dbt as they use.

    dbt's graph is all tables of the schema `main`.
    """

    def __init__(self, database: Path) -> None:
        self.database = database

    def run(self, name: str, **arguments: Any) -> None:
        """Run one macro; duckdb.Error where a statement fails."""
        with duckdb.connect(str(self.database)) as connection:
            self._call(connection)(name, **arguments)

    def _call(self, connection: duckdb.DuckDBPyConnection) -> Callable[..., Any]:
        template, names = compiled()
        name = self.database.stem
        package = SimpleNamespace(
            as_of=lambda: f"date '{AS_OF}'",
            normaliser_version=lambda: "3",
            # a macro of another room
            _text_literal=lambda text: "'" + str(text).replace("'", "''") + "'",
        )

        def returned(value: Any) -> None:
            raise Returned(value)

        def refuse(text: str) -> None:
            raise DbtError(text)

        def call(macro: str, *values: Any, **named: Any) -> Any:
            try:
                return str(getattr(module, f"macro{macro}")(*values, **named))
            except Returned as found:
                return found.args[0]

        def query(statement: str) -> Any:
            # each statement of a text by itself, as the adapter sends it
            result = connection.execute(statement)
            return SimpleNamespace(rows=result.fetchall() if result.description else [])

        def relation(database: str, schema: str, identifier: str) -> Relation | None:
            found = Relation(database, schema, identifier)
            return found if exists(found) else None

        def exists(found: Relation) -> bool:
            counted = "select count(*) from duckdb_tables() where schema_name = ? and table_name = ?"
            return bool(connection.execute(counted, [found.schema, found.identifier]).fetchone()[0])

        def columns(found: Relation) -> list[Any]:
            return [SimpleNamespace(name=row[0]) for row in connection.execute(f"describe {found}").fetchall()]

        tables = connection.execute("select table_name from duckdb_tables() where schema_name = 'main'").fetchall()
        node = {"resource_type": "model", "package_name": "account_mapping", "database": name, "schema": "main"}
        module = template.make_module(
            {
                "account_mapping": package,
                "adapter": SimpleNamespace(
                    dispatch=lambda macro, _: partial(call, f"duckdb__{macro}"),
                    get_relation=relation,
                    get_columns_in_relation=columns,
                ),
                "api": SimpleNamespace(Relation=SimpleNamespace(create=Relation)),
                "exceptions": SimpleNamespace(raise_compiler_error=refuse),
                "execute": True,
                "graph": SimpleNamespace(
                    nodes={table: SimpleNamespace(**node, name=table, alias=table) for (table,) in tables}
                ),
                "load_relation": exists,
                "return": returned,
                "run_query": query,
                "source": lambda schema, table: Relation(name, schema, table),
                "target": SimpleNamespace(type="duckdb", database=name, schema="main"),
                "var": lambda variable, default=None: US if variable == "account_mapping__company_id" else default,
            }
        )
        for macro in names:
            setattr(package, macro, partial(call, macro))
        return call


class MacroProject:
    """In the place of exchange.dbt_project.DbtProject: runs operations, and builds nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *arguments: str) -> None:
        if arguments[0] != "run-operation":
            return
        name = arguments[1].removeprefix("account_mapping.")
        try:
            Macros(self.folder / "warehouse.duckdb").run(name, **json.loads(arguments[3]))
        except duckdb.Error as error:
            raise DbtError(str(error)) from None


class Open:
    """In the place of exchange.gates.Gate: lets everything pass."""

    def __init__(self, rules: Sequence[Any]) -> None:
        pass

    def failures(self, batch: pa.Table, rows: int) -> list[Any]:
        return []


# ---------------------------------------------------------------- the world


def keys_table(rows: int, version: str = "3") -> pa.Table:
    """A sorted table of keys."""
    made = [
        {
            **{"agreement_id": "pact", "epoch": "2026", "normaliser_version": version, "key_type": "domain"},
            **{name: hashlib.sha256(f"{name} {n}".encode()).hexdigest() for name in ("token", "account_token")},
            **{"parent_account_token": None, "status": "customer"},
        }
        for n in range(rows)
    ]
    made.sort(key=lambda row: (row["key_type"], row["token"], row["account_token"]))
    return pa.Table.from_pylist(made, schema=pa.schema([(name, pa.string()) for name in protocol.COLUMNS["keys"]]))


def make_simulated(folder: Path, rows: int) -> None:
    """A project without dbt: what the macros read is a table each, of our accounts there are `rows` keys."""
    folder.mkdir(parents=True)
    (folder / "dbt_project.yml").write_text("name: soak\n")
    partners = " union all ".join(
        f"select '{partner}' as partner_id, 'keys' as exchange, true as is_active, 'pact' as agreement_id, "
        f"'2026' as epoch, '{variable_of(partner)}' as secret_env"
        for partner in PARTNERS
    )
    rules = " union all ".join(
        f"select '{partner}' as partner_id, '{rule.direction}' as direction, '*' as our_status, '*' as partner_status, "
        "'overlapping' as sharing_level, 'status' as shared_fields, null::bigint as minimum_count, "
        "null::date as valid_from, null::date as valid_until, true as is_readable"
        for partner in PARTNERS
        for rule in RULES
    )
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        connection.execute(f"create table stg_account_mapping__settings_partners as {partners}")
        connection.execute(f"create table stg_account_mapping__settings_sharing_agreements as {rules}")
        for seed, columns in SEEDS.items():
            connection.execute(f"create table account_mapping__{seed} as select {columns}")
        keys = keys_table(rows)
        connection.register("keys", keys)
        connection.execute(
            "create table account_mapping__shared_keys as "
            f"select unnest({list(PARTNERS)}) as partner_id, * from keys order by all"
        )


def deliver(project: Path, partner: str, party: protocol.Party, sequence: int, rows: int) -> dict[str, Any]:
    """Put what a partner published into its inbox, the manifest last; returns the manifest."""
    inbox = project / "inbox" / partner
    inbox.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    pq.write_table(keys_table(rows, party.normaliser.version), buffer, compression="zstd", write_statistics=False)
    sha256 = hashlib.sha256(buffer.getvalue()).hexdigest()
    entry = protocol.FileEntry(f"keys-{sha256[:12]}.parquet", "keys", rows, sha256, {"domain": rows})
    them = replace(party, company_id=partner)
    manifest = protocol.make_manifest(
        secret_of(partner), them, [entry], protocol.statement_hash(party.statement), sequence
    )
    (inbox / entry.name).write_bytes(buffer.getvalue())
    (inbox / "new").write_bytes(protocol.canonical_json(manifest))
    (inbox / "new").replace(inbox / files.MANIFEST)
    for path in inbox.glob("keys-*"):
        if path.name != entry.name:
            path.unlink()
    return manifest


def stored(project: Path, partner: str) -> tuple[int, int, int]:
    """(sequence, rows of keys, rules) that the warehouse holds of a partner; zeros before the first delivery."""
    with duckdb.connect(str(project / "warehouse.duckdb"), read_only=True) as connection:
        manifests = "select 1 from duckdb_tables() where schema_name = 'partners' and table_name = 'partner_manifests'"
        # the ledger of what left may be there before anything came
        if not connection.execute(manifests).fetchone():
            return 0, 0, 0
        counted = "(select {} from partners.partner_{} where partner_id = '" + partner + "')"
        parts = (("coalesce(max(sequence), 0)", "manifests"), ("count(*)", "keys"), ("count(*)", "agreements"))
        return connection.execute("select " + ", ".join(counted.format(*part) for part in parts)).fetchone()


def check_outbox(folder: Path, partner: str) -> None:
    """Raises Finding unless the outbox is empty, or holds a signed manifest and the whole files that it names."""
    path = folder / "outbox" / partner / files.MANIFEST
    if not path.exists():
        return
    manifest = protocol.parse_manifest(path.read_bytes())
    if manifest["mac"] != protocol.authentication_code(secret_of(partner), manifest):
        raise Finding(f"the manifest for {partner} is not signed")
    for entry in manifest["files"]:
        if files.sha256_of(path.parent / entry["name"]) != entry["sha256"]:
            raise Finding(f"{entry['name']} for {partner} is not whole")
    told = ledger.read_lines((folder / "exchange_state" / ledger.FILE).read_bytes())
    if told.problems or ledger.hash_of_manifest(manifest) not in {each["manifest_hash"] for each in told.entries}:
        raise Finding(f"what left to {partner} has no entry in a whole ledger: {told.problems}")


# ---------------------------------------------------------------- running commands


@dataclass
class Started:
    """A command that runs. output: a file with all that it says."""

    process: int
    words: tuple[str, ...]
    output: Path
    code: int | None = None

    def wait(self) -> int:
        """Its exit code; minus the signal that ended it."""
        if self.code is None:
            self.code = os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])
        return self.code

    def said(self) -> str:
        return self.output.read_text(encoding="utf-8", errors="replace")


class Soak:
    """One project with its partners' deliveries, on which commands are run and killed.

    simulated: whether dbt is left out. rules: how many rules a statement has.
    """

    def __init__(self, folder: Path, rng: random.Random, simulated: bool, rows: int = 2_000) -> None:
        self.folder, self.rng, self.simulated, self.rows = folder, rng, simulated, rows
        self.project, self.number = folder / "project", 0
        self.sequence = dict.fromkeys(PARTNERS, 0)
        self.expected = dict.fromkeys(PARTNERS, (0, 0, 0))
        self.codes: Counter[str] = Counter()
        os.environ |= {variable_of(partner): secret_of(partner).hex() for partner in PARTNERS}
        (make_simulated if simulated else make_real)(self.project, rows)
        self.party = self._party()
        for partner in PARTNERS:
            self.deliver(partner)
            self.repair(partner)

    def _party(self) -> protocol.Party:
        """What both sides know, as the command reads it."""
        work = command.Work("south", self.project, self.project / "out", self.project / "in")
        project = MacroProject(self.project) if self.simulated else None
        work = replace(work, parsed=project, build=False) if project else replace(work, build=False)
        with command.own_staging(work):
            command.operation(work, "account_mapping__export_shared", kinds=[])
            return command.read_party(work)[0]

    def deliver(self, partner: str) -> None:
        """The partner publishes anew."""
        self.sequence[partner] += 1
        rows = self.rng.randint(self.rows // 2, self.rows)
        deliver(self.project, partner, self.party, self.sequence[partner], rows)
        self.expected[partner] = (self.sequence[partner], rows, len(RULES))

    def start(self, *words: str) -> Started:
        """Start a command in a process of its own."""
        self.number += 1
        output = self.folder / f"said-{self.number}"
        arguments = [*words, "--project-dir", str(self.project), "--no-build", "--wait", "300"]
        sys.stdout.flush()
        process = os.fork()
        if process:
            return Started(process, words, output)
        # the child never comes back
        try:
            handle = os.open(output, os.O_WRONLY | os.O_CREAT)
            os.dup2(handle, 1)
            os.dup2(handle, 2)
            if not self.simulated:
                os.execv(sys.executable, [sys.executable, str(ROOT / "exchange"), *arguments])  # noqa: S606
            code = command.main(arguments, MacroProject(self.project))
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        except BaseException as error:
            os.write(2, f"Traceback: {error!r}".encode())
            os._exit(99)

    def check(self, before: dict[str, tuple[int, int, int]], done: Sequence[Started]) -> None:
        """Raises Finding where a command left what must not be. before: what was stored of each partner."""
        for one in done:
            code, said = one.wait(), one.said()
            self.codes[f"{one.words[0]} {code}"] += 1
            if "Traceback" in said or code not in (0, -signal.SIGKILL):
                raise Finding(f"{' '.join(one.words)} ended with {code}: {said[-2_000:]}")
        for partner in PARTNERS:
            check_outbox(self.project, partner)
            found = stored(self.project, partner)
            if found not in (before[partner], self.expected[partner]):
                raise Finding(
                    f"of {partner} the warehouse has {found}, not {before[partner]}, {self.expected[partner]}"
                )
            received = any(one.words == ("receive", partner) and one.code == 0 for one in done)
            if received and found != self.expected[partner]:
                raise Finding(f"receive {partner} ended with 0 and left {found}, not {self.expected[partner]}")

    def repair(self, partner: str) -> None:
        """The next command, alone: ends with 0, and nothing of the former is left."""
        before = {name: stored(self.project, name) for name in PARTNERS}
        self.check(before, [self.start("receive", partner)])
        left = list((self.project / "target/account_mapping_exchange" / partner).glob("*"))
        if left:
            raise Finding(f"{[path.name for path in left]} is left in the staging folder of {partner}")

    def round(self) -> None:
        """Two or three commands at once, and the next one."""
        before = {partner: stored(self.project, partner) for partner in PARTNERS}
        one = self.rng.choice(PARTNERS)
        if self.rng.random() < 0.7:
            self.deliver(one)
        words = [(self.rng.choice(COMMANDS), one) for _ in range(self.rng.choice((2, 2, 3)))]
        if self.rng.random() < 0.3:
            words[-1] = (self.rng.choice(COMMANDS), next(other for other in PARTNERS if other != one))
        started = [self.start(*each) for each in words]
        for each in started:
            each.wait()
        self.check(before, started)
        self.repair(one)

    def kill(self, longest: float) -> bool:
        """A command that is killed, and the next one; whether it was killed before it had ended."""
        before = {partner: stored(self.project, partner) for partner in PARTNERS}
        one = self.rng.choice(PARTNERS)
        self.deliver(one)
        started = self.start(self.rng.choice(("receive", "receive", "publish")), one)
        time.sleep(self.rng.uniform(0, longest))
        with contextlib.suppress(ProcessLookupError):
            os.kill(started.process, signal.SIGKILL)
        is_killed = started.wait() == -signal.SIGKILL
        self.check(before, [started])
        self.repair(one)
        return is_killed


# ---------------------------------------------------------------- a project with dbt


def make_real(folder: Path, rows: int) -> None:
    """A dbt project that installs this package, built; `rows` of our accounts."""
    (folder / "dbt_packages").mkdir(parents=True)
    (folder / "dbt_packages/account_mapping").symlink_to(ROOT, target_is_directory=True)
    (folder / "packages.yml").write_text(f"packages:\n  - local: {ROOT}\n")
    variables = {
        "account_mapping__crms": ["generic"],
        "account_mapping__company_id": US,
        "account_mapping__as_of": AS_OF,
    }
    seeds = {name: {"+enabled": False} for name in ("account_mapping__partners", "account_mapping__sharing_agreements")}
    project = {
        **{"name": "soak", "version": "1.0.0", "profile": "soak", "vars": variables},
        **{"seeds": {"account_mapping": seeds}},
    }
    output = {"type": "duckdb", "path": str(folder / "warehouse.duckdb"), "schema": "main", "threads": 2}
    (folder / "dbt_project.yml").write_text(json.dumps(project))
    (folder / "profiles.yml").write_text(json.dumps({"soak": {"target": "soak", "outputs": {"soak": output}}}))
    (folder / "seeds").mkdir()
    lines = [f"{partner},{partner},keys,true,pact,2026,{variable_of(partner)}" for partner in PARTNERS]
    head = "partner_id,partner_name,exchange,is_active,agreement_id,epoch,secret_env"
    (folder / "seeds/account_mapping__partners.csv").write_text("\n".join([head, *lines, ""]))
    lines = [f"{partner},{rule.direction},*,*,overlapping,status" for partner in PARTNERS for rule in RULES]
    head = "partner_id,direction,our_status,partner_status,level,fields"
    (folder / "seeds/account_mapping__sharing_agreements.csv").write_text("\n".join([head, *lines, ""]))
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        connection.execute("create schema generic")
        connection.execute(
            "create table generic.accounts as select 'a' || i as account_id, 'Company ' || i as account_name, "
            f"'company' || i || '.com' as website, 'customer' as status from range({min(rows, 200)}) as t(i)"
        )
    for partner in PARTNERS:
        # publishing builds the settings and what is shared
        done = subprocess.run(
            [sys.executable, str(ROOT / "exchange"), "publish", partner, "--project-dir", str(folder)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Finding(f"the project cannot be built: {done.stdout}{done.stderr}")


# ---------------------------------------------------------------- the soak


def soak(
    folder: Path, rounds: int, kills: int, seed: int, simulated: bool = True, tell: Callable[[str], None] = print
) -> None:
    """Rounds and kills on one project. Raises Finding."""
    kind = "dbt's part by the macros alone" if simulated else "with dbt"
    start = time.monotonic()
    it = Soak(folder, random.Random(seed), simulated)
    for _ in range(rounds):
        it.round()
    at_once = dict(sorted(it.codes.items()))
    took = time.monotonic() - start
    tell(f"{kind}: {rounds} rounds of two or three commands in {took:.0f} s, nothing lost; endings {at_once}")
    start = time.monotonic()
    it.deliver(PARTNERS[0])
    it.repair(PARTNERS[0])
    longest = time.monotonic() - start
    killed = sum(it.kill(longest) for _ in range(kills))
    took = time.monotonic() - start
    tell(
        f"{kind}: {kills} commands killed within {longest:.2f} s of their start ({killed} before they had ended) in "
        f"{took:.0f} s, nothing lost, each next command ended with 0 and all rows"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--real", type=int, default=10, help="of each, how many with dbt (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=16)
    parser.add_argument(
        "--no-gates", action="store_true", help="leave the rules about rows out, for more rounds a minute"
    )
    parser.add_argument("--folder", type=Path, help="default: a temporary one, which is removed")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="exchange_soak_"))
    # before the first fork, so that a command's time is its own
    gates.Gate([])
    if options.no_gates:
        gates.Gate = Open
    try:
        real = min(options.real, options.rounds, options.kills)
        soak(folder / "simulated", options.rounds - real, options.kills - real, options.seed)
        if real:
            soak(folder / "real", real, real, options.seed, simulated=False)
    except Finding as finding:
        print(f"FOUND: {finding}", file=sys.stderr)
        return 1
    finally:
        if not options.folder:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
