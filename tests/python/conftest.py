"""Shared fixtures of the Python tests."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness import Project


@pytest.fixture
def make_project(tmp_path: Path) -> Callable[..., Project]:
    """A function that makes dbt projects below this test's own folder.

    make_project(variables=..., settings=..., threads=..., name="project") -> Project.
    """

    def make(name: str = "project", **arguments: object) -> Project:
        return Project(tmp_path / name, **arguments)

    return make
