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

# Import names of what requirements.txt installs.
LIBRARIES = (
    "dbt.cli.main", "dbt.adapters.duckdb", "duckdb", "pyarrow", "numpy", "scipy",
    "rapidfuzz", "sparse_dot_topn", "tldextract", "anyascii", "stdnum", "pycountry",
    "babel", "python_calamine", "charset_normalizer",
)  # fmt: skip


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


def play_partner(partner: dict[str, str], project: DbtProject) -> Path:
    """Run the package in a partner's place; returns the partner's database.

    project: of all partners. It is parsed once, so that their databases have one name, in folders of their own.
    """
    partner_id = partner["partner_id"]
    folder = PARTNER_DATABASES / partner_id
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    database = folder / "warehouse.duckdb"
    load.load_partner(database, partner_id)
    load.load_statement(database, US, OUR_STATEMENT, partner_id)
    settings = {
        "demo_agreement_id": partner["agreement_id"],
        "demo_epoch": partner["epoch"],
        "demo_secret_env": secret_name(partner),
    }
    os.environ["ACCOUNT_MAPPING_DEMO_PARTNER_DATABASE"] = str(database)
    dbt(
        project,
        *("build", "--select", "+account_mapping__shared_keys"),
        *("--exclude-resource-type", "test", "unit_test"),
        *("--vars", json.dumps(settings)),
    )
    return database


def receive_keys(databases: dict[str, Path]) -> dict[str, int]:
    """Copy what each partner shares into our partners.partner_keys, and its statement; returns keys per partner."""
    import duckdb

    columns = ", ".join(KEY_COLUMNS)
    counts = {}
    with duckdb.connect(str(load.DATABASE)) as connection:
        connection.execute("create schema if not exists partners")
        typed = ", ".join(f"{c} varchar" for c in ("partner_id", *KEY_COLUMNS))
        connection.execute(f"create or replace table partners.partner_keys ({typed})")
        for partner_id, database in databases.items():
            path = str(database).replace("'", "''")
            connection.execute(f"attach '{path}' as partner_side (read_only)")
            # The file says who it is for; we write down whom it is from.
            connection.execute(
                f"insert into partners.partner_keys select ?, {columns} "
                "from partner_side.main.account_mapping__shared_keys",
                [partner_id],
            )
            connection.execute("detach partner_side")
            counts[partner_id] = connection.execute(
                "select count(*) from partners.partner_keys where partner_id = ?",
                [partner_id],
            ).fetchall()[0][0]
    for partner_id in databases:
        load.load_statement(load.DATABASE, partner_id, THEIR_STATEMENT, US)
    return counts


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
    partner_side = DbtProject(PARTNER_SIDE)
    databases = [play_partner(partner, partner_side) for partner in partners]
    ids = [p["partner_id"] for p in partners]
    received = receive_keys(dict(zip(ids, databases, strict=True)))
    done(start, ", ".join(f"{rows:,} keys of {p}" for p, rows in received.items()))
    if not all(received.values()):
        raise DemoError("a partner shared no key: its agreement offers nothing")

    start = step(4, "dbt build")
    dbt(DbtProject(PROJECT), "build", quiet=False)
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
