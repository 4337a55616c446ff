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
from harness import PACKAGE, Project
from xdist.scheduler import LoadScopeScheduling

# dbt keeps millions of small objects: looking for garbage among them as often as by default takes a tenth of its time.
gc.set_threshold(100_000, 50, 100)


# Files whose tests read the demo that one worker builds; longest first, so that no worker is left with one at the end.
DEMO_FILES = ("test_demo", "test_partner_impact", "test_questions")
LONG_FILES = (
    "test_exchange_demo", "test_history", *DEMO_FILES, "test_guide", "test_agreements", "test_rules", "test_plays",
    "test_exchange_end_to_end", "test_clean_room", "test_bad_input", "test_sentinels", "test_semantic_layer",
)  # fmt: skip


def scope_of(nodeid: str) -> str:
    """Which tests stay together on one worker: those of a file, for its fixtures, but random worlds each alone."""
    name = Path(nodeid.partition("::")[0]).stem
    if "random_worlds" in nodeid:
        return nodeid
    return DEMO_FILES[0] if name in DEMO_FILES else name


class ByFile(LoadScopeScheduling):
    """pytest-xdist's scheduling by scope, with scopes of our own, in the order in which tests were collected."""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFile:
    config.option.loadscopereorder = False
    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {name: number for number, name in enumerate(LONG_FILES)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


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
    project: the dbt project in it.
    """

    folder: Path
    database: Path
    output: str
    environment: dict[str, str]

    @property
    def project(self) -> Path:
        return self.folder / "project"

    def dbt(self, *arguments: str, database: Path | None = None) -> None:
        """Run dbt in the demo's project, into `database` instead of the demo's own."""
        environment = self.environment | {"ACCOUNT_MAPPING_DEMO_DATABASE": str(database or self.database)}
        command = [sys.executable, "-c", "from dbt.cli.main import cli; cli()", "--quiet", *arguments]
        done = subprocess.run(command, cwd=self.project, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The demo, run once for all tests of one worker, with secrets that the tests know."""
    package = tmp_path_factory.mktemp("demo") / "account_mapping"
    rubbish = shutil.ignore_patterns("target", "logs", "dbt_packages", "*.duckdb*", "__pycache__")
    for room in ("demo", "exchange", "macros", "models", "python_models", "seeds", "tests"):
        shutil.copytree(PACKAGE / room, package / room, ignore=rubbish)
    for file in ("dbt_project.yml", ".dbtignore"):
        shutil.copy(PACKAGE / file, package / file)
    names = ("ACCOUNT_MAPPING_SECRET_PAPERMOON_PAYMENTS", "ACCOUNT_MAPPING_SECRET_BRASSHELM_SECURITY")
    environment = os.environ | {name: secrets.token_hex(32) for name in names}
    environment |= {"DBT_PROFILES_DIR": str(package / "demo/project"), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    command = [sys.executable, "demo/run_demo.py"]
    done = subprocess.run(command, cwd=package, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    folder = package / "demo"
    return Demo(folder, folder / "account_mapping_demo.duckdb", done.stdout, environment)
