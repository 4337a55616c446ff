"""Files of the package by their names, and Python models as modules, whose functions are tested without dbt."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

PACKAGE = Path(__file__).resolve().parents[2]


def package_file(name: str) -> Path:
    """The one file of this name among the package's models and macros, in whatever folder."""
    rooms = ("models", "python_models", "macros", "tests/generic")
    (path,) = [path for room in rooms for path in (PACKAGE / room).rglob(name)]
    return path


def load_model(name: str) -> ModuleType:
    """The Python model `name`, loaded by its path: to dbt models are files of their own, not modules of a package."""
    spec = importlib.util.spec_from_file_location(name, package_file(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
