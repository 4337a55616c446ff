"""Python models as modules, so that their functions can be tested by themselves, without dbt."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

PACKAGE = Path(__file__).resolve().parents[2]


def load_model(name: str) -> ModuleType:
    """The Python model `name`, loaded by its path: to dbt models are files of their own, not modules of a package."""
    spec = importlib.util.spec_from_file_location(name, PACKAGE / "python_models" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
