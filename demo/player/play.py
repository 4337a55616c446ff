"""The steps of the demo: install, load, play the partners, build, show."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import secrets
import shutil
import sys
import time
from pathlib import Path

from exchange.dbt_project import DbtError, DbtProject
from exchange.text import printable_lines

from . import load, show

DEMO = Path(__file__).resolve().parent.parent
PACKAGE = DEMO.parent
PROJECT = DEMO / "project"
PARTNER_SIDE = DEMO / "partner_side"
PARTNER_DATABASES = PROJECT / "target" / "partner_side"
SETTINGS = PROJECT / "seeds" / "account_mapping__partners.csv"
OUR_STATEMENT = PROJECT / "seeds" / "account_mapping__sharing_agreements.csv"
THEIR_STATEMENT = PARTNER_SIDE / "seeds" / "account_mapping__sharing_agreements.csv"
# What a partner calls us.
US = "our_company"
KEY_COLUMNS = (
    "agreement_id", "epoch", "normaliser_version", "key_type", "token",
    "account_token", "parent_account_token", "status",
)  # fmt: skip
FIELD_COLUMNS = ("agreement_id", "epoch", "account_token", "partner_account_token", "field", "value")
# What travels with the keys; other fields that we agree to follow once both sides have each other's keys.
WITH_KEYS = {"status", "person", "person_rows"}

# Import names of what requirements.txt installs.
LIBRARIES = (
    "dbt.cli.main", "dbt.adapters.duckdb", "duckdb", "pyarrow", "numpy", "scipy",
    "rapidfuzz", "sparse_dot_topn", "tldextract", "anyascii", "stdnum", "pycountry",
    "babel", "python_calamine", "charset_normalizer",
)  # fmt: skip

# A build that makes tables and checks nothing.
UNTESTED = ("build", "--exclude-resource-type", "test", "unit_test")


class DemoError(Exception):
    """A step that failed; the message says what to do."""


def missing_libraries() -> list[str]:
    """Import names that this Python does not have."""
    missing = []
    for name in LIBRARIES:
        try:
            found = importlib.util.find_spec(name)
        except ModuleNotFoundError:
            found = None
        if found is None:
            missing.append(name)
    return missing


def keys_partners() -> list[dict[str, str]]:
    """Settings rows of the partners that exchange keys."""
    with SETTINGS.open(newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["exchange"] == "keys"]


def secret_name(partner: dict[str, str]) -> str:
    """Name of the environment variable that holds the pair's secret."""
    return partner["secret_env"] or f"ACCOUNT_MAPPING_SECRET_{partner['partner_id'].upper()}"


def set_environment(partners: list[dict[str, str]]) -> None:
    """Give this process a secret per pair, 32 random bytes as hex, and dbt its settings."""
    for partner in partners:
        if not os.environ.get(secret_name(partner)):
            os.environ[secret_name(partner)] = secrets.token_hex(32)
    os.environ |= {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DBT_PROFILES_DIR": str(PROJECT)}


def dbt(project: DbtProject, *arguments: str, quiet: bool = True) -> None:
    """Run dbt in a project; raise with its output when it fails.

    Unless quiet, its lines are shown as they come, but for the start of each node and the tests that pass.
    """

    def tell(line: str) -> None:
        if not any(word in line for word in (" START ", " PASS ", " NO-OP exposure ")):
            print(f"      {line}".rstrip(), flush=True)

    try:
        project.run(*arguments, tell=None if quiet else tell)
    except DbtError as error:
        told = f"`dbt {arguments[0]}` failed in {project.folder}; the whole log is in {project.folder / 'logs'}"
        raise DemoError(f"{error}\n{told}") from None


def install_package() -> None:
    """`dbt deps` in both projects, unless they have the package already."""
    for folder in (PROJECT, PARTNER_SIDE):
        if (folder / "dbt_packages/account_mapping").resolve() != PACKAGE:
            dbt(DbtProject(folder), "deps")


def tells_fields(partner: dict[str, str]) -> bool:
    """Whether we accept fields of the partner that follow after the keys."""
    with OUR_STATEMENT.open(newline="", encoding="utf-8") as file:
        return any(
            set(row["fields"].split(";")) - WITH_KEYS
            for row in csv.DictReader(file)
            if row["partner_id"] == partner["partner_id"] and row["direction"] == "accepted"
        )


def partner_database(partner_id: str) -> Path:
    """Where a partner's own warehouse is."""
    return PARTNER_DATABASES / partner_id / "warehouse.duckdb"


def share_our_keys(project: DbtProject, partners: list[dict[str, str]]) -> None:
    """Make our own hashed keys in `project`, and hand each partner's to it."""
    for partner in partners:
        load.load_statement(load.DATABASE, partner["partner_id"], THEIR_STATEMENT, US)
    dbt(project, *UNTESTED, "--select", "+account_mapping__shared_keys")
    for partner in partners:
        database = partner_database(partner["partner_id"])
        copy_shared(load.DATABASE, database, "keys", partner["partner_id"], US)


def play_partner(partner: dict[str, str], ours: bool) -> None:
    """Run the package in a partner's place, in a database of its own.

    ours: whether our keys are there, so that the fields that are agreed for shared accounts are made too.
    """
    partner_id = partner["partner_id"]
    crms = load.partner_crms(partner_id)
    settings = {
        "account_mapping__crms": crms,
        "demo_agreement_id": partner["agreement_id"],
        "demo_epoch": partner["epoch"],
        "demo_secret_env": secret_name(partner),
    }
    os.environ["ACCOUNT_MAPPING_DEMO_PARTNER_DATABASE"] = str(partner_database(partner_id))
    shared = ("+account_mapping__shared_keys", *(("+account_mapping__shared_fields",) if ours else ()))
    # what is parsed depends on the CRM, so that each partner's project is one of its own
    project = DbtProject(PARTNER_SIDE, ("--vars", json.dumps(settings)))
    dbt(project, *UNTESTED, "--select", *shared)


def copy_shared(source: Path, target: Path, kind: str, addressee: str, sender: str) -> int:
    """Copy what `source` shares with one partner into the table of partners' rows in `target`; returns its rows.

    kind: `keys` or `fields`. addressee: whom the rows are for, in the words of `source`. sender: from whom they are, in
    those of `target`: the rows say whom they are for, and the receiver writes down whom they are from.
    """
    import duckdb

    columns = KEY_COLUMNS if kind == "keys" else FIELD_COLUMNS
    table = f"partners.partner_{kind}"
    with duckdb.connect(str(target)) as connection:
        connection.execute("create schema if not exists partners")
        typed = ", ".join(f"{column} varchar" for column in ("partner_id", *columns))
        connection.execute(f"create table if not exists {table} ({typed})")
        connection.execute(f"delete from {table} where partner_id = ?", [sender])
        path = str(source).replace("'", "''")
        connection.execute(f"attach '{path}' as sender (read_only)")
        connection.execute(
            f"insert into {table} select ?, {', '.join(columns)} from sender.main.account_mapping__shared_{kind} "
            "where partner_id = ?",
            [sender, addressee],
        )
        connection.execute("detach sender")
        return connection.execute(f"select count(*) from {table} where partner_id = ?", [sender]).fetchall()[0][0]


def play_partners(project: DbtProject, partners: list[dict[str, str]]) -> dict[str, tuple[int, int]]:
    """All that partners with hashed keys do; returns how many keys, and how many fields, we have of each.

    project: our own one.
    """
    telling = [partner for partner in partners if tells_fields(partner)]
    for partner in partners:
        database = partner_database(partner["partner_id"])
        shutil.rmtree(database.parent, ignore_errors=True)
        database.parent.mkdir(parents=True)
        load.load_partner(database, partner["partner_id"])
        load.load_statement(database, US, OUR_STATEMENT, partner["partner_id"])
    share_our_keys(project, telling)
    received = {}
    for partner in partners:
        partner_id = partner["partner_id"]
        play_partner(partner, partner in telling)
        load.load_statement(load.DATABASE, partner_id, THEIR_STATEMENT, US)
        keys, fields = (
            copy_shared(partner_database(partner_id), load.DATABASE, kind, US, partner_id) if is_sent else 0
            for kind, is_sent in (("keys", True), ("fields", partner in telling))
        )
        received[partner_id] = keys, fields
    return received


def step(number: int, text: str) -> float:
    """Announce a step; returns its start."""
    print(f"[{number}/5] {text}", flush=True)
    return time.monotonic()


def done(start: float, text: str = "") -> None:
    """Say how long a step took."""
    print(f"      {time.monotonic() - start:5.1f} s  {text}".rstrip(), flush=True)


def run() -> None:
    """All steps in order."""
    began = time.monotonic()
    partners = keys_partners()
    set_environment(partners)

    start = step(1, "install the package in the demo's projects (dbt deps)")
    install_package()
    done(start)

    start = step(2, "load raw CRM tables and partner lists")
    counts = load.load()
    done(start, f"{sum(counts.values()):,} rows in {len(counts)} tables")

    names = ", ".join(p["partner_name"] for p in partners)
    start = step(3, f"make hashed keys in the place of {names}")
    project = DbtProject(PROJECT)
    received = play_partners(project, partners)
    told = (
        f"{keys:,} keys" + (f" and {fields:,} fields" if fields else "") + f" of {partner_id}"
        for partner_id, (keys, fields) in received.items()
    )
    done(start, ", ".join(told))
    if not all(keys for keys, _ in received.values()):
        raise DemoError("a partner shared no key: its agreement offers nothing")

    start = step(4, "dbt build")
    dbt(project, "build", quiet=False)
    done(start)

    start = step(5, "results")
    print(f"\n{printable_lines(show.show())}\n")
    done(start)
    print(f"done in {time.monotonic() - began:.0f} s; the marts are in {load.DATABASE}")


def main() -> int:
    """Check the libraries, run, and turn a failure into a message."""
    if missing := missing_libraries():
        print(
            f"{sys.executable} has no {', '.join(missing)}.\nRun `make demo`, which"
            " installs what is needed, or `pip install -r requirements.txt`"
            " in the repository's folder.",
            file=sys.stderr,
        )
        return 2
    try:
        run()
    except DemoError as error:
        print(f"\nThe demo stopped: {printable_lines(error)}", file=sys.stderr)
        return 1
    return 0
