#!/usr/bin/env python3
"""Run the demo from raw tables to the overlap matrix.

usage: python demo/run_demo.py

Loads the raw tables, plays the two partners that send hashed keys (each with a database of its own), builds the marts
and prints them. The secret that each of these pairs shares is made anew at every run and lives only in this process and
its children, unless the environment has it already.
"""

from __future__ import annotations

import sys

from player.play import main

sys.exit(main())
