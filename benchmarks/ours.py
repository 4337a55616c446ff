"""Projects that install this package and match two CSV lists with its own dbt models.

A side is a CSV file with id, name, country and city; other columns, such as a domain, are not read unless a run gives
websites. Our side becomes the table generic.accounts, the other side a partner's list in a file, or the accounts of a
project of its own when the partner sends hashed keys only.
"""

from __future__ import annotations

import csv
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import duckdb

from .scoring import Link, Pair

ROOT = Path(__file__).resolve().parent.parent
MEASURE = Path(__file__).resolve().with_name("measure.py")
PARTNER = "benchmark"
SECRET = f"ACCOUNT_MAPPING_SECRET_{PARTNER.upper()}"
LIST = f"lists/{PARTNER}.csv"  # a file speaks for the partner that it is named after
DBT = (sys.executable, "-c", "from dbt.cli.main import cli; cli()")
# The columns of account_mapping__shared_keys that a partner's table of keys has, after partner_id.
KEY_COLUMNS = (
    "agreement_id", "epoch", "normaliser_version", "key_type", "token",
    "account_token", "parent_account_token", "status",
)  # fmt: skip
# What is built to get matches, and to get scores alone.
MATCHES = "+account_mapping__matches"
# The keys whose points are intersected.
BLINDED = "int_account_mapping__blinded_keys"
SCORES = "+int_account_mapping__scored_pairs"
# The schema of models that are not public.
INTERMEDIATES = "main_account_mapping"
# A side as the package's layout of accounts; `?` is its path. Account ids become `generic:<id>`.
SIDE = """
    select id as account_id, name as account_name, country, city
    from read_csv(?, header = true, all_varchar = true, delim = ',', quote = '"', escape = '"')
"""
# The same with the website that the column `domain` holds.
SIDE_WITH_WEBSITES = SIDE.replace("city\n", "city, domain as website\n")
# A file that has the package's columns of accounts already.
ACCOUNTS = """
    select account_id, account_name, website, email_domain, country, state, city, lei, duns, vat_id, linkedin_url
    from read_csv(?, header = true, all_varchar = true, delim = ',', quote = '"', escape = '"')
"""
BARE_ID = "regexp_replace(account_id, '^generic:', '')"
# Lines of a failed command's output that its error shows.
OUTPUT_LINES = 40


def quoted(path: Path) -> str:
    """A path inside an SQL literal."""
    return str(path).replace("'", "''")


class BenchmarkError(Exception):
    """A step that failed; the message says which and why."""


class Cost(NamedTuple):
    """What one process and its children took; see measure.py. megabytes: of 2^20 bytes."""

    seconds: float
    cpu_seconds: float
    megabytes: float


def run_measured(
    command: Sequence[str | Path], report: Path, folder: Path, environment: Mapping[str, str] | None = None
) -> Cost:
    """Run one command in `folder` and say what it cost. Raises BenchmarkError with the end of its output."""
    done = subprocess.run(
        [sys.executable, MEASURE, report, *command],
        cwd=folder,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-OUTPUT_LINES:])
        raise BenchmarkError(f"{tail}\nfailed in {folder}: {' '.join(map(str, command))}")
    return Cost(**json.loads(report.read_text(encoding="utf-8")))


def settings_seeds(exchange: str) -> dict[str, list[dict[str, str]]]:
    """Rows of the settings seeds of a project whose one partner exchanges `list`, `keys` or `psi`."""
    partner = {"partner_id": PARTNER, "partner_name": "Benchmark", "exchange": exchange, "is_active": "true"}
    if exchange == "list":
        return {"account_mapping__partners": [partner]}
    everything = {"partner_id": PARTNER, "our_status": "*", "partner_status": "*", "level": "all", "fields": ""}
    dates = {"minimum_count": "", "valid_from": "", "valid_until": ""}
    return {
        "account_mapping__partners": [{**partner, "agreement_id": "benchmark", "epoch": "1"}],
        "account_mapping__sharing_agreements": [
            {**everything, **dates, "direction": direction} for direction in ("offered", "accepted")
        ],
    }


class Project:
    """A dbt project in a new folder that installs this package, with default settings but for the one partner.

    exchange: how the partner exchanges, `list`, `keys` or `psi`. variables: vars of the package to set. engine:
    settings of DuckDB, such as memory_limit. seeds: rows of the settings seeds, for other than the one partner.
    """

    def __init__(
        self,
        folder: Path,
        exchange: str,
        variables: Mapping[str, object] | None = None,
        engine: Mapping[str, str] | None = None,
        seeds: Mapping[str, list[dict[str, str]]] | None = None,
    ) -> None:
        self.folder = folder
        self.database = folder / "warehouse.duckdb"
        seeds = seeds or settings_seeds(exchange)
        lists = {"account_mapping__partner_lists_path": LIST} if exchange == "list" else {}
        project = {
            "name": "benchmark",
            "version": "1.0.0",
            "profile": "benchmark",
            "vars": {"account_mapping__crms": ["generic"], **lists, **(variables or {})},
            "seeds": {"account_mapping": {name: {"+enabled": False} for name in seeds}},
            # settings of the project stand in for the package's on purpose
            "flags": {"warn_error_options": {"silence": ["PackageNodeDependsOnRootProjectNode"]}},
        }
        output = {"type": "duckdb", "path": str(self.database), "threads": os.cpu_count() or 1}
        if engine:
            output["settings"] = dict(engine)
        (folder / "seeds").mkdir(parents=True)
        # JSON is YAML
        for name, content in {
            "dbt_project.yml": project,
            "packages.yml": {"packages": [{"local": str(ROOT)}]},
            "profiles.yml": {"benchmark": {"target": "dev", "outputs": {"dev": output}}},
        }.items():
            (folder / name).write_text(json.dumps(content, indent=2), encoding="utf-8")
        for name, rows in seeds.items():
            with (folder / "seeds" / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)

    def load_accounts(self, path: Path, side: str = SIDE) -> None:
        """Make one side our accounts. side: the query that reads it, such as SIDE_WITH_WEBSITES."""
        with duckdb.connect(str(self.database)) as connection:
            connection.execute("create schema generic")
            connection.execute(f"create table generic.accounts as {side}", [str(path)])

    def load_list(self, path: Path, side: str = SIDE) -> None:
        """Make one side the partner's readable list."""
        target = self.folder / LIST
        target.parent.mkdir()
        with duckdb.connect() as connection:
            rows = connection.execute(f"select '{PARTNER}' as partner_id, * from ({side})", [str(path)])
            with target.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow([column[0] for column in rows.description])
                writer.writerows(rows.fetchall())

    def load_statement(self) -> None:
        """What the partner states, as receiving it would load it: the same as we do."""
        path = self.folder / "seeds" / "account_mapping__sharing_agreements.csv"
        with duckdb.connect(str(self.database)) as connection:
            connection.execute("create schema if not exists partners")
            rows = "read_csv(?, header = true, all_varchar = true)"
            connection.execute(f"create table partners.partner_agreements as select * from {rows}", [str(path)])

    def load_keys(self, partner: Project) -> None:
        """Take what the partner's own project shares as the partner's keys."""
        columns = ", ".join(KEY_COLUMNS)
        with duckdb.connect(str(self.database)) as connection:
            connection.execute(f"attach '{quoted(partner.database)}' as partner_side (read_only)")
            connection.execute("create schema if not exists partners")
            connection.execute(
                f"create table partners.partner_keys as select partner_id, {columns} "
                "from partner_side.account_mapping__shared_keys"
            )

    def load_intersection(self, partner: Project) -> None:
        """Take of the partner's keys what private set intersection finds: those that we have too.

        Points are equal where keys are, as tests of the exchange show, so this needs none.
        """
        columns = ", ".join(KEY_COLUMNS)
        with duckdb.connect(str(partner.database), read_only=True) as connection:
            offered = connection.sql(f"select partner_id, {columns} from {INTERMEDIATES}.{BLINDED}").to_arrow_table()
        with duckdb.connect(str(self.database)) as connection:
            connection.register("offered", offered)
            connection.execute("create schema if not exists partners")
            connection.execute(
                f"""
                create table partners.partner_keys as
                select partner_id, {columns} from offered
                semi join {INTERMEDIATES}.{BLINDED} as own
                    on offered.key_type = own.key_type and offered.token = own.token
                where offered.key_type <> 'account'
                """
            )

    def build(
        self, select: str, secret: str = "", exclude: str = "", variables: Mapping[str, object] | None = None
    ) -> Cost:
        """Install the package and build what `select` names, without its tests; the cost is the build's.

        secret: the pair's, in hex, where the partner exchanges keys. variables: vars of this build alone.
        """
        environment = {
            "DBT_PROFILES_DIR": str(self.folder),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "DBT_USE_COLORS": "false",
            "PYTHONUTF8": "1",
            SECRET: secret,
        }
        report = self.folder / "cost.json"
        run_measured([*DBT, "deps"], report, self.folder, environment)
        command = [*DBT, "build", "--select", select, "--exclude-resource-type", "test", "unit_test"]
        command += ["--exclude", *exclude.split()] * bool(exclude) + ["--vars", json.dumps(dict(variables or {}))]
        return run_measured(command, report, self.folder, environment)

    def run_seconds(self) -> float:
        """Of the last build, what dbt counts as the run of its nodes: without the start of dbt and the parse."""
        results = self.folder / "target" / "run_results.json"
        return float(json.loads(results.read_text(encoding="utf-8"))["elapsed_time"])

    def query(self, sql: str) -> list[tuple]:
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def scored(self) -> list[Pair]:
        """Every scored pair, before any threshold, with the ids of the CSV files; a keys partner's are tokens.

        In a total order, which decides between a left record's equal best pairs: by id.
        """
        rows = self.query(
            f"select {BARE_ID}, partner_account_id, cast(match_probability as double) "
            "from int_account_mapping__scored_pairs order by 1, 3 desc, 2"
        )
        return [Pair(*row) for row in rows]

    def accepted(self) -> list[Pair]:
        """The pairs that the package accepts by itself, with the ids of the CSV files; a keys partner's are tokens."""
        rows = self.query(
            f"select {BARE_ID}, partner_account_id, cast(match_probability as double) "
            "from account_mapping__matches where decision = 'accepted' order by 1, 3 desc, 2"
        )
        return [Pair(*row) for row in rows]

    def links(self) -> list[Link]:
        """As accepted(), with the relationship."""
        rows = self.query(
            f"select {BARE_ID}, partner_account_id, relationship "
            "from account_mapping__matches where decision = 'accepted'"
        )
        return [Link(*row) for row in rows]

    def account_tokens(self) -> dict[str, str]:
        """The CSV file's id of each account token that this project shares."""
        rows = self.query(
            f"select token, {BARE_ID} from {INTERMEDIATES}.int_account_mapping__match_keys where key_type = 'account'"
        )
        return dict(rows)


def list_project(folder: Path, left: Path, right: Path, side: str = SIDE) -> Project:
    """A project whose partner sent a readable list, not yet built. side: the query that reads either file."""
    project = Project(folder, "list")
    project.load_accounts(left, side)
    project.load_list(right, side)
    return project


def keys_projects(
    folder: Path, left: Path, right: Path, variables: Mapping[str, object] | None = None, exchange: str = "keys"
) -> tuple[Project, Project, Cost, Cost]:
    """Both sides of an exchange of keys, built: ours, the partner's, and what each build cost.

    exchange: `keys`, or `psi`. No name crosses: ours gets nothing but the partner's account_mapping__shared_keys, or
    those of its blinded keys that it has too.
    """
    secret = secrets.token_hex(32)
    partner = Project(folder / "partner", exchange, variables)
    partner.load_accounts(right)
    partner.load_statement()
    partner_cost = partner.build("+account_mapping__shared_keys" if exchange == "keys" else f"+{BLINDED}", secret)
    ours = Project(folder / "ours", exchange, variables)
    ours.load_accounts(left)
    ours.load_statement()
    if exchange == "keys":
        ours.load_keys(partner)
    else:
        ours.build(f"+{BLINDED}", secret)
        ours.load_intersection(partner)
    return ours, partner, ours.build(MATCHES, secret), partner_cost
