"""What the same build costs on DuckDB and on Spark, and whether all models come out alike, of one made world.

usage: python -m benchmarks.engines [--accounts 20000] [--partners 5] [--list 5000] [--cores N ...] [--workers N ...]
       [--second] [--engines-python PATH] [--json FILE]

The world is that of benchmarks.scale, all partners with readable lists. Each --cores is a Spark in one process with so
many threads (1 and 2 by default); each --workers a standalone master with so many workers of one core on this machine.
--second: a second run too, of the next day, on changed rows and on what the first one kept. DuckDB has the processors
that there are. --engines-python: of the environment that `make engines-check` makes. --json: add a line for each build
to that file. Ends with 1 if a node fails or a model differs, beyond those that the page on engines names.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from .ours import ROOT
from .scale import Built, World

BUILD = ROOT / "tests" / "python" / "engines_build.py"


def compare(built: Built, place: Path, python: Path, options: list[str]) -> tuple[dict, bool]:
    """What engines_build.py says of the world, built in folder `place`, and whether both engines gave the same."""
    command = [python, BUILD, built.project.database, built.project.folder, place, *options]
    done = subprocess.run(
        command, env=os.environ | built.environment(), stdout=subprocess.PIPE, encoding="utf-8", check=False
    )
    return json.loads(done.stdout), done.returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=20_000)
    parser.add_argument("--partners", type=int, default=5)
    parser.add_argument("--list", type=int, default=5_000)
    parser.add_argument("--cores", type=int, action="append", default=[])
    parser.add_argument("--workers", type=int, action="append", default=[])
    parser.add_argument("--second", action="store_true")
    parser.add_argument("--engines-python", type=Path, default=ROOT / ".venvs" / "engines" / "bin" / "python")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if not options.engines_python.exists():
        parser.error(f"{options.engines_python} is not there: `make engines-check` makes it, or name one")
    cores = options.cores or ([] if options.workers else [1, 2])
    world = World(options.accounts, options.partners, options.list, 0, 0.85, "none")
    is_well = True
    print(f"{world}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    print(f"{'run':<12} {'engine':<16} {'wall s':>8} {'CPU s':>8}  models that differ")
    with tempfile.TemporaryDirectory() as made:
        built = Built(Path(made), world, "")
        kinds = [("cores", number) for number in cores] + [("workers", number) for number in options.workers]
        for kind, number in kinds:
            arguments = [f"--{kind}", f"{number}", *([] if options.second else ["--first"])]
            said, is_alike = compare(built, Path(made) / "engines", options.engines_python, arguments)
            is_well &= is_alike
            for day, run in said.items():
                for engine, (seconds, used) in run["cost"].items():
                    name = f"Spark, {number} {kind}" if engine == "spark" else "DuckDB"
                    differ = "" if engine == "duckdb" else ", ".join([*run["failed"], *run["differ"]])
                    print(f"{day:<12} {name:<16} {seconds:>8.0f} {used:>8.0f}  {differ}", flush=True)
                if options.json:
                    line = {"accounts": world.accounts, "partners": world.partners, "list": world.list_rows}
                    line |= {"kind": kind, "number": number, "day": day, **run}
                    with options.json.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(line) + "\n")
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
