"""The package as a project: parses without deprecations, installs in another project, and is documented."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import dbt.jsonschemas.jsonschemas
import duckdb
import pytest
import yaml
from dbt.cli.main import dbtRunner
from harness import PACKAGE

CRMS = ["salesforce", "hubspot", "pipedrive", "dynamics_365", "generic", "shared_keys"]
PROFILE = {
    "outputs": {"dev": {"type": "duckdb", "path": "warehouse.duckdb", "schema": "main", "threads": 2}},
    "target": "dev",
}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """The package's own manifest with every CRM in use, parsed with dbt's schema checks forced on.

    dbt skips those checks on DuckDB, so that deprecations would stay unseen; here one fails the fixture. No table
    exists: parsing must not need any.
    """
    folder = tmp_path_factory.mktemp("parse")
    (folder / "profiles.yml").write_text(yaml.safe_dump({"account_mapping": PROFILE}))
    deprecations = []

    def collect(event) -> None:
        if "Deprecation" in event.info.name:
            deprecations.append(event.info.msg)

    patch = pytest.MonkeyPatch()
    patch.setattr(dbt.jsonschemas.jsonschemas, "_can_run_validations", lambda: True)
    try:
        outcome = dbtRunner(callbacks=[collect]).invoke(
            [
                *("--quiet", "--log-level-file", "none", "parse", "--no-partial-parse", "--show-all-deprecations"),
                *(
                    "--project-dir",
                    str(PACKAGE),
                    "--profiles-dir",
                    str(folder),
                    "--target-path",
                    str(folder / "target"),
                ),
                *("--vars", json.dumps({"account_mapping__crms": CRMS})),
            ]
        )
    finally:
        patch.undo()
    assert outcome.success, outcome.exception
    assert deprecations == []
    return json.loads((folder / "target/manifest.json").read_text())


def own(nodes: dict) -> list[dict]:
    return [node for node in nodes.values() if node["package_name"] == "account_mapping"]


def test_marts_never_read_staging(manifest):
    for node in own(manifest["nodes"]):
        if node["resource_type"] == "model" and node["path"].startswith(("marts", "shared")):
            assert not [parent for parent in node["depends_on"]["nodes"] if ".stg_" in parent], node["name"]


def test_every_public_var_is_in_the_page_of_settings(manifest):
    page = (PACKAGE / "docs" / "settings.md").read_text()
    code = "\n".join(
        path.read_text()
        for folder in ("models", "macros", "python_models")
        for path in (PACKAGE / folder).rglob("*")
        if path.suffix in (".sql", ".yml")
    )
    names = set(re.findall(r"""var\(\s*['"](\w+)['"]""", code)) | set(
        yaml.safe_load((PACKAGE / "dbt_project.yml").read_text())["vars"]
    )
    ours = {name for name in names if name.startswith("account_mapping__")}
    assert len(ours) >= 9
    assert [name for name in sorted(ours) if f"`{name}`" not in page] == []
    for kind in ("database", "schema", "identifier"):
        assert kind in page


def test_another_project_installs_the_package_and_builds(tmp_path: Path):
    """By the README's steps: packages.yml, vars, own settings, dbt deps, dbt build; nothing of the demo is seen."""
    (tmp_path / "dbt_project.yml").write_text(
        yaml.safe_dump(
            {
                "name": "somebody_elses_project",
                "version": "1.0.0",
                "profile": "somebody",
                "vars": {"account_mapping__crms": ["generic"], "generic_schema": "raw", "partners_schema": "raw"},
                "seeds": {"account_mapping": {"account_mapping__partners": {"+enabled": False}}},
            }
        )
    )
    (tmp_path / "profiles.yml").write_text(yaml.safe_dump({"somebody": PROFILE}))
    (tmp_path / "packages.yml").write_text(yaml.safe_dump({"packages": [{"local": str(PACKAGE)}]}))
    (tmp_path / "models").mkdir()
    (tmp_path / "models/account_mapping__partners.sql").write_text(
        "select 'nimbus' as partner_id, 'Nimbus' as partner_name, 'list' as exchange, true as is_active"
    )
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute("create schema raw")
        connection.execute(
            "create table raw.accounts as select 1 as account_id, 'Acme GmbH' as account_name, 'acme.de' as website"
        )
        connection.execute(
            "create table raw.partner_accounts as select 'nimbus' as partner_id, 'n1' as account_id, "
            "'ACME' as account_name, 'https://www.acme.de/en' as website, 'Customer' as status"
        )
    for command in ("deps", "build"):
        arguments = [sys.executable, "-c", "from dbt.cli.main import cli; cli()", command]
        done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as connection:
        cells = connection.sql(
            "select our_status, partner_status, companies from account_mapping__overlap_matrix where rollup = 'account'"
        ).fetchall()
        tables = connection.sql("select table_name from duckdb_tables() where table_name ilike '%demo%'").fetchall()
    assert cells == [("prospect", "customer", 1)]
    assert tables == []
