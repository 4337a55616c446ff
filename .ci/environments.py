#!/usr/bin/env python3
"""Build with the newest and with the oldest versions that the package allows.

usage: python .ci/environments.py [newest | oldest]

Makes an environment for each below .venvs/. In each, a new project outside of the repository installs the package and
runs `dbt build`, and the demo is run. Fails when a command does, and when a line of output is a warning.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# What each environment holds; the oldest versions are locked, with hashes.
INSTALLED = {
    "newest": ("--upgrade", "-r", "requirements-environments.in"),
    "oldest": ("--require-hashes", "-r", "requirements-oldest.txt"),
}
# A line like these is a warning, of dbt or of Python; `WARN=0` is not, nor is a test named after the value `warning`.
WARNING = re.compile(r"\bWARN\b(?!=0)|(?<!_)warning(?!_)", re.IGNORECASE)
PACKAGE = ("demo", "exchange", "macros", "models", "python_models", "seeds", "tests", "dbt_project.yml", ".dbtignore")
LEFT_BEHIND = shutil.ignore_patterns("target", "logs", "dbt_packages", "*.duckdb*", "__pycache__")

PROJECT = {
    "name": "somebody",
    "version": "1.0.0",
    "profile": "somebody",
    "vars": {"account_mapping__crms": ["generic"]},
    "seeds": {"account_mapping": {"account_mapping__partners": {"+enabled": False}}},
    "flags": {"warn_error_options": {"silence": ["PackageNodeDependsOnRootProjectNode"]}},
}
OUTPUT = {"type": "duckdb", "path": "warehouse.duckdb", "schema": "main", "threads": 2}
PROFILES = {"somebody": {"target": "dev", "outputs": {"dev": OUTPUT}}}
PARTNERS = "partner_id,partner_name,exchange,is_active\nnimbus,Nimbus,list,true\n"
RAW_TABLES = """
import duckdb
with duckdb.connect("warehouse.duckdb") as connection:
    connection.execute("create schema generic")
    connection.execute("create schema partners")
    accounts = "select 'a' || range as account_id, 'Firm ' || range as account_name, 'firm' || range || '.com' as website"
    connection.execute(f"create table generic.accounts as {accounts} from range(50)")
    connection.execute(f"create table partners.partner_accounts as select 'nimbus' as partner_id, * from ({accounts} from range(25, 75))")
"""  # noqa: E501
SHARED = "select count(*) from account_mapping__overlaps"


class Failed(Exception):
    """A command that failed or warned; the message holds its output."""


def run(*command: str | Path, folder: Path, may_warn: bool = False) -> str:
    """Run one command in `folder`; returns its output. Raises Failed."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    warnings = [] if may_warn else [line for line in done.stdout.splitlines() if WARNING.search(line)]
    if done.returncode or warnings:
        told = done.stdout if done.returncode else "\n".join(warnings)
        raise Failed(f"{told}\n`{' '.join(map(str, command))}` ended with {done.returncode}, {len(warnings)} warnings")
    return done.stdout


def make_environment(name: str) -> Path:
    """The folder of the environment's programs, with all installed: by uv where there is one, else by pip."""
    folder = ROOT / ".venvs" / name
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    python = programs / "python"
    uv = shutil.which("uv")
    if not python.exists():
        making = (uv, "venv", "--python", sys.executable) if uv else (sys.executable, "-m", "venv")
        run(*making, folder, folder=ROOT, may_warn=True)
    pip = (uv, "pip", "install", "--python", python) if uv else (python, "-m", "pip", "install", "--no-input")
    run(*pip, "--quiet", *INSTALLED[name], folder=ROOT, may_warn=True)
    return programs


def build_outside_project(programs: Path, package: Path, folder: Path) -> None:
    """What a new user does: raw tables, a project, `dbt deps`, `dbt build`, and a run more."""
    (folder / "seeds").mkdir(parents=True)
    (folder / "seeds" / "account_mapping__partners.csv").write_text(PARTNERS, encoding="utf-8")
    # JSON is YAML too
    for file, content in (
        ("dbt_project.yml", PROJECT),
        ("profiles.yml", PROFILES),
        ("packages.yml", {"packages": [{"local": str(package)}]}),
    ):
        (folder / file).write_text(json.dumps(content, indent=2), encoding="utf-8")
    run(programs / "python", "-c", RAW_TABLES, folder=folder)
    run(programs / "dbt", "deps", folder=folder)
    # twice: what is kept between runs is made by the first, and added to by the second
    run(programs / "dbt", "--no-use-colors", "build", folder=folder)
    run(programs / "dbt", "--no-use-colors", "run", folder=folder)
    query = f"import duckdb; print(duckdb.connect('warehouse.duckdb', read_only=True).sql('{SHARED}').fetchall()[0][0])"
    found = run(programs / "python", "-c", query, folder=folder).strip()
    if found != "25":
        raise Failed(f"The outside project found {found} shared accounts of 25.")


def check(name: str) -> str:
    """Build all in one environment; returns what to tell. Raises Failed."""
    start = time.monotonic()
    programs = make_environment(name)
    installed = time.monotonic() - start
    versions = "from importlib.metadata import version as v; print('dbt-core', v('dbt-core'), 'dbt-duckdb', v('dbt-duckdb'), 'duckdb', v('duckdb'))"  # noqa: E501
    told = run(programs / "python", "-c", versions, folder=ROOT).strip()
    with tempfile.TemporaryDirectory() as made:
        package = Path(made) / "account_mapping"
        package.mkdir()
        for item in PACKAGE:
            if (ROOT / item).is_dir():
                shutil.copytree(ROOT / item, package / item, ignore=LEFT_BEHIND)
            else:
                shutil.copy(ROOT / item, package / item)
        build_outside_project(programs, package, Path(made) / "project")
        run(programs / "python", "demo/run_demo.py", folder=package)
    return f"{name}: {told}; installed in {installed:.0f} s, built in {time.monotonic() - start - installed:.0f} s"


def main() -> int:
    names = sys.argv[1:] or list(INSTALLED)
    failed = 0
    with ThreadPoolExecutor() as pool:
        for name, result in [(name, pool.submit(check, name)) for name in names]:
            try:
                print(result.result(), flush=True)
            except Failed as error:
                print(f"{error}\n{name}: failed", file=sys.stderr)
                failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
