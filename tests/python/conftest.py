"""Shared fixtures of the Python tests."""

from __future__ import annotations

import gc
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness import PACKAGE, Project

# dbt keeps millions of small objects: looking for garbage among them as often as by default takes a tenth of its time.
gc.set_threshold(100_000, 50, 100)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a file on one worker, with its fixtures, unless a test has a group of its own."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


@pytest.fixture
def make_project(tmp_path: Path) -> Callable[..., Project]:
    """A function that makes dbt projects below this test's own folder.

    make_project(variables=..., settings=..., threads=..., name="project") -> Project.
    """

    def make(name: str = "project", **arguments: object) -> Project:
        return Project(tmp_path / name, **arguments)

    return make


@dataclass(frozen=True)
class Demo:
    """A copy of the demo, built by its own command.

    folder: the copied demo; database: what it built; output: what it printed; environment: with the pairs' secrets.
    """

    folder: Path
    database: Path
    output: str
    environment: dict[str, str]

    def dbt(self, *arguments: str, database: Path | None = None) -> None:
        """Run dbt in the demo's project, into `database` instead of the demo's own."""
        environment = self.environment | {"ACCOUNT_MAPPING_DEMO_DATABASE": str(database or self.database)}
        command = [sys.executable, "-c", "from dbt.cli.main import cli; cli()", "--quiet", *arguments]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The demo, run once for all tests of one worker, with secrets that the tests know."""
    package = tmp_path_factory.mktemp("demo") / "account_mapping"
    rubbish = shutil.ignore_patterns("target", "logs", "dbt_packages", "*.duckdb*", "__pycache__")
    for room in ("demo", "macros", "models", "python_models", "seeds", "tests"):
        shutil.copytree(PACKAGE / room, package / room, ignore=rubbish)
    for file in ("dbt_project.yml", ".dbtignore"):
        shutil.copy(PACKAGE / file, package / file)
    names = ("ACCOUNT_MAPPING_SECRET_PAPERMOON_PAYMENTS", "ACCOUNT_MAPPING_SECRET_BRASSHELM_SECURITY")
    environment = os.environ | {name: secrets.token_hex(32) for name in names}
    environment |= {"DBT_PROFILES_DIR": str(package / "demo"), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    command = [sys.executable, "demo/run_demo.py"]
    done = subprocess.run(command, cwd=package, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    folder = package / "demo"
    return Demo(folder, folder / "account_mapping_demo.duckdb", done.stdout, environment)
