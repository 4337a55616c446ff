"""Starts the command: `python dbt_packages/account_mapping/rerun [OPTION ...]`, from the folder of your dbt project."""

from __future__ import annotations

import sys
from pathlib import Path

# Python looks for modules in the folder that it runs; they are imported by their full names, from the folder above.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from rerun.command import main  # noqa: E402

sys.exit(main())
