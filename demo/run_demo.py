#!/usr/bin/env python3
"""Run the demo from raw tables to the overlap matrix.

usage: python demo/run_demo.py

Loads the raw tables, plays the two partners that send hashed keys (each with a database of its own), builds the marts
and prints them. The secret that each of these pairs shares is made anew at every run and lives only in this process,
unless the environment has it already.
"""

from __future__ import annotations

import sys
from pathlib import Path

# Python looks for modules in the folder of the script; they are imported by their full names, from the folder above.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from demo.player.play import main  # noqa: E402

sys.exit(main())
