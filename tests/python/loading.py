"""Files of the package by their names, and Python models as modules, whose functions are tested without dbt."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

PACKAGE = Path(__file__).resolve().parents[2]


def package_file(name: str) -> Path:
    """The one file of this name among the package's models and macros, in whatever folder."""
    rooms = ("models", "python_models", "macros", "tests/generic")
    (path,) = [path for room in rooms for path in (PACKAGE / room).rglob(name)]
    return path


def properties(model: str) -> dict[str, Any]:
    """What the YAML of the package says of a model."""
    for room in ("models", "python_models"):
        for path in (PACKAGE / room).rglob("*.yml"):
            for described in yaml.safe_load(path.read_text()).get("models", ()):
                if described["name"] == model:
                    return described
    raise KeyError(model)


def load_model(name: str) -> ModuleType:
    """The Python model `name`, loaded by its path: to dbt models are files of their own, not modules of a package."""
    spec = importlib.util.spec_from_file_location(name, package_file(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
