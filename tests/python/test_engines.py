"""The package on engines other than DuckDB: what has a version of its own there, what parses, what gives the same.

What needs other adapters runs in the environment `.venvs/engines`, which `make engines-check` makes; without it such
tests are skipped, but where CI_ENGINES forbids it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness import PACKAGE

PYTHON = PACKAGE / ".venvs/engines/bin/python"
# Macros whose default__ is right on every engine.
FOR_ALL = {"attached_type", "check_engine", "keys_as_indexes", "materialized", "schema_tables", "text_literal"}
# No server is asked while dbt parses.
PROFILES: dict[str, dict[str, Any]] = {
    "duckdb": {"type": "duckdb", "path": ":memory:"},
    "spark": {"type": "spark", "method": "session", "host": "NA", "schema": "account_mapping"},
    "databricks": {
        "type": "databricks",
        "host": "nowhere.invalid",
        "http_path": "/sql/1.0/warehouses/none",
        "token": "none",
        "catalog": "main",
        "schema": "account_mapping",
    },
    "snowflake": {
        "type": "snowflake",
        "account": "none",
        "user": "none",
        "password": "none",
        "warehouse": "none",
        "database": "crm",
        "schema": "account_mapping",
    },
}
# Whatever a var switches on.
ALL_ON = {
    "account_mapping__crms": ["salesforce", "hubspot", "pipedrive", "dynamics_365", "generic", "shared_keys"],
    "account_mapping__history": True,
    "account_mapping__leads": "evidence",
    "account_mapping__people": True,
}


@pytest.fixture(scope="session")
def engines() -> Path:
    """Python of the environment that has the adapters; the test is skipped where there is none."""
    if not PYTHON.exists():
        missing = "`make engines-check` has not made the environment"
        if os.environ.get("CI_ENGINES"):
            pytest.fail(f"CI_ENGINES is set, but {missing}")
        pytest.skip(missing)
    return PYTHON


def dispatched(folder: Path) -> dict[str, set[str]]:
    """The macros below a folder that differ by engine, and the adapters that each has a version for."""
    code = "\n".join(path.read_text() for path in sorted(folder.rglob("*.sql")))
    found: dict[str, set[str]] = {name: set() for name in re.findall(r"adapter\.dispatch\(\s*'(\w+)'", code)}
    for adapter, name in re.findall(r"\{%-? macro (default|duckdb|spark)__(\w+)\(", code):
        found.setdefault(name, set()).add(adapter)
    return found


def lacking(folder: Path) -> dict[str, str]:
    """What the dispatched macros below a folder lack, by name: a version for Spark, or a default that fails by name.

    Commands of the exchange and of `rerun` are DuckDB's alone: their default is an error that tells what to do instead.
    """
    code = "\n".join(path.read_text() for path in sorted(folder.rglob("*.sql")))
    wrong = {}
    for name, adapters in dispatched(folder).items():
        default = re.search(r"\{%-? macro default__" + name + r"\(.*?endmacro", code, re.DOTALL)
        body = default[0] if default else ""
        if not default:
            wrong[name] = "default__"
        elif name.startswith("account_mapping__"):
            if "raise_compiler_error" not in body or "target.type" not in body:
                wrong[name] = "error"
        elif name not in FOR_ALL:
            if "spark" not in adapters:
                wrong[name] = "spark__"
            elif f"_engine_lacks('{name}')" not in body:
                wrong[name] = "error"
    return wrong


def test_every_dispatched_macro_has_a_version_for_spark_and_fails_by_name_elsewhere():
    found = dispatched(PACKAGE / "macros")
    assert len(found) > 35 and found.keys() > FOR_ALL
    assert lacking(PACKAGE / "macros") == {}


@pytest.mark.parametrize(
    ("fault", "lacks"),
    [
        (
            ("macro spark__trim_whitespace(", "macro spark__other("),
            {"trim_whitespace": "spark__", "other": "default__"},
        ),
        (("_engine_lacks('trim_whitespace')", ""), {"trim_whitespace": "error"}),
        (("macro default__trim_whitespace(", "macro _other("), {"trim_whitespace": "default__"}),
    ],
)
def test_a_macro_that_lacks_one_is_named(tmp_path: Path, fault: tuple[str, str], lacks: dict[str, str]):
    code = (PACKAGE / "macros/cleaning/trim_whitespace.sql").read_text()
    assert fault[0] in code
    (tmp_path / "trim_whitespace.sql").write_text(code.replace(*fault))
    assert lacking(tmp_path) == lacks


def dbt(engines: Path, folder: Path, target: str, *arguments: str, variables: Mapping[str, Any] | None = None) -> str:
    """One dbt command on the package as a project of its own; returns what it said, after its exit code."""
    (folder / "profiles.yml").write_text(yaml.safe_dump({"account_mapping": {"target": target, "outputs": PROFILES}}))
    command = [engines, "-c", "from dbt.cli.main import cli; cli()", *arguments, "--vars", json.dumps(variables or {})]
    command += ["--project-dir", PACKAGE, "--profiles-dir", folder, "--target-path", folder, "--log-path", folder]
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "0"},
    )
    return f"{done.returncode}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("target", PROFILES)
def test_dbt_parses_for_an_engine_without_a_server(engines: Path, tmp_path: Path, target: str):
    said = dbt(engines, tmp_path, target, "parse", variables=ALL_ON)
    assert said.startswith("0\n"), said
    nodes = json.loads((tmp_path / "manifest.json").read_text())["nodes"]
    marts = {node["database"] for node in nodes.values() if node["name"] == "account_mapping__overlaps"}
    assert marts == {{"duckdb": "memory", "spark": None, "databricks": "main", "snowflake": "crm"}[target]}
    if target == "snowflake":
        inline = ["--inline", "select {{ account_mapping.trim_whitespace('x') }}"]
        said = dbt(engines, tmp_path, target, "compile", "--no-populate-cache", *inline, variables=ALL_ON)
        assert not said.startswith("0\n")
        assert "there is no version of the macro trim_whitespace for snowflake" in said
