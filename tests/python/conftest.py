"""Shared fixtures of the Python tests."""

from __future__ import annotations

import gc
import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import harness
import jinja2
import pytest
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from dbt_common.events.base_types import BaseEvent, EventLevel
from dbt_common.events.event_manager import EventManager
from dbt_common.tests import enable_test_caching
from harness import PACKAGE, Project
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from exchange.dbt_project import close_database

# dbt keeps millions of small objects: looking for garbage among them as often as by default takes a tenth of its time.
gc.set_threshold(100_000, 50, 100)

# Most of what dbt gives to Jinja is the same in all projects: what Jinja made of a text is kept.
_JINJA: dict[tuple[Any, ...], Any] = {}
_compile = jinja2.Environment.compile


def _compiled(self: jinja2.Environment, source: Any, *options: Any, **named: Any) -> Any:
    """As jinja2.Environment.compile: https://jinja.palletsprojects.com/en/stable/api/"""
    if not isinstance(source, str):
        return _compile(self, source, *options, **named)
    key = (type(self), *sorted(self.extensions), source, options, *sorted(named.items()))
    if key not in _JINJA:
        _JINJA[key] = _compile(self, source, *options, **named)
    return _JINJA[key]


jinja2.Environment.compile = _compiled
# What dbt itself made of a text is kept as well.
enable_test_caching()

# An event that nobody hears costs dbt as much as one that is written down; tests hear none below level info.
_fire = EventManager.fire_event


def _fire_heard(self: EventManager, event: BaseEvent, level: EventLevel | None = None, *others: Any, **named: Any):
    if self.loggers or (level or event.level_tag()) not in (EventLevel.DEBUG, EventLevel.TEST):
        _fire(self, event, level, *others, **named)


EventManager.fire_event = _fire_heard

# A busy machine is no fault: no test has a time to keep.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


# Files that take long, the longest first, so that no worker is left with one at the end; but those that only read the
# demo come late, when it is there. `make check` leaves them out.
LONG_FILES = (
    "test_demo", "test_exchange_demo", "test_attached", "test_engines", "test_rules", "test_history", "test_project",
    "test_guide", "test_rerun", "test_signals", "test_alerts", "test_company_ids", "test_people", "test_leads",
    "test_agreements", "test_agreement_pairs", "test_harness", "test_sentinels", "test_bad_input",
    "test_semantic_layer", "test_clean_room", "test_exchange_end_to_end", "test_staging_spellings", "test_docs",
    "test_seeds", "test_match_quality", "test_matching_cases", "test_name_keys", "test_ecosystem", "test_plays",
    "test_partner_impact", "test_exchange_preview", "test_psi_run", "test_deal_worlds", "test_benchmarks",
    "test_report", "test_review_page", "test_questions", "test_evaluation_questions", "test_agents", "test_readme",
    "test_crm_kinds", "test_crm_worlds", "test_crm_cases", "test_model_inputs",
)  # fmt: skip


class ByFile(LoadScopeScheduling):
    """Tests of a file stay on one worker, for what they have in common, but random worlds each alone.

    Files are begun in the order in which tests were collected.
    """

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if "random_worlds" in nodeid else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFile:
    config.option.loadscopereorder = False
    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {name: number for number, name in enumerate(LONG_FILES)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))
    for item in items:
        if item.path.stem in order and not item.get_closest_marker("quick"):
            item.add_marker("slow")


@pytest.fixture
def make_project(tmp_path: Path) -> Callable[..., Project]:
    """A function that makes dbt projects below this test's own folder.

    make_project(variables=..., threads=..., own_seeds=..., name="project") -> Project.
    """

    def make(name: str = "project", **arguments: object) -> Project:
        return Project(tmp_path / name, **arguments)

    return make


@pytest.fixture(scope="session", autouse=True)
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this session that all workers have in common."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"
    folder.mkdir(exist_ok=True)
    harness.SHARED = folder
    return folder


@dataclass(frozen=True)
class Demo:
    """A copy of the demo, built by its own command. All tests share it: none writes to it.

    folder: the copied demo; output: what the command printed; secrets: the pairs' secrets by the variable's name.
    """

    folder: Path
    output: str
    secrets: dict[str, str]
    _parsed: list[Manifest] = field(default_factory=list)

    @property
    def database(self) -> Path:
        return self.folder / "account_mapping_demo.duckdb"

    @property
    def project(self) -> Path:
        return self.folder / "project"

    def dbt(self, *arguments: str, folder: Path) -> None:
        """Run dbt in the demo's project, on the database of the demo's name in `folder`."""
        if not self._parsed:
            self._parsed.append(Manifest.from_msgpack((self.project / "target/partial_parse.msgpack").read_bytes()))
        flags = ("--quiet", "--log-level-file", "none", "--no-write-json", "--no-send-anonymous-usage-stats")
        flags += ("--project-dir", str(self.project), "--profiles-dir", str(self.project), "--target-path", str(folder))
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.project)
            patch.setenv("ACCOUNT_MAPPING_DEMO_DATABASE", str(folder / self.database.name))
            for name, value in self.secrets.items():
                patch.setenv(name, value)
            try:
                outcome = dbtRunner(self._parsed[0]).invoke([*arguments, *flags])
            finally:
                close_database()
        assert outcome.success, outcome.exception


@pytest.fixture(scope="session")
def demo(shared: Path) -> Demo:
    """The demo, run once for all tests by the first worker that needs it, with secrets that the tests know."""
    package, told = shared / "account_mapping", shared / "demo.json"
    with harness.held(shared / "demo.lock"):
        if not told.exists():
            rubbish = shutil.ignore_patterns("target", "logs", "dbt_packages", "*.duckdb*", "__pycache__")
            for room in ("demo", "exchange", "macros", "models", "python_models", "seeds", "tests"):
                shutil.copytree(PACKAGE / room, package / room, ignore=rubbish)
            for file in ("dbt_project.yml", ".dbtignore"):
                shutil.copy(PACKAGE / file, package / file)
            names = ("ACCOUNT_MAPPING_SECRET_PAPERMOON_PAYMENTS", "ACCOUNT_MAPPING_SECRET_BRASSHELM_SECURITY")
            made = {name: secrets.token_hex(32) for name in names}
            command = [sys.executable, "demo/run_demo.py"]
            environment = os.environ | made
            done = subprocess.run(command, cwd=package, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
            told.write_text(json.dumps({"output": done.stdout, "secrets": made}))
    return Demo(package / "demo", **json.loads(told.read_text()))
