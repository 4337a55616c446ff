"""Random CRMs against an oracle: the mart of accounts and the census are what the rows mean, however they are written.

`python tests/python/test_crm_worlds.py 200` looks at that many worlds and prints where they differ.
"""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

import pytest
from crm_oracle import solve
from crm_worlds import SEEDS, SETTINGS, SHAPES, make_world, settings_of
from harness import Project

WORLDS = int(os.environ.get("ACCOUNT_MAPPING_CRM_WORLDS", "12"))
SELECTION = ("+account_mapping__accounts", "+account_mapping__data_issues", "+account_mapping__inputs")
PARTS = ("used", "merged", "older", "deleted", "excluded", "rejected")


def project_of(shape: int, folder: Path) -> Project:
    project = Project(folder, variables=settings_of(shape))
    for name, rows in SEEDS.items():
        project.write_seed(name, rows)
    return project


def differences(project: Project, seed: int) -> list[str]:
    """Build a world; where the marts say something else than the oracle."""
    world = make_world(seed)
    project.write_tables(world.tables)
    project.make(*SELECTION)
    accounts, census = solve(world.instances, SETTINGS)
    got = {row["account_id"]: row for row in project.query("from account_mapping__accounts")}
    found = [f"{name} is {where}" for where, names in sides(accounts, got).items() for name in names]
    for name in sorted(accounts.keys() & got.keys()):
        found += [
            f"{name}: {column} is {got[name][column]}, not {value}"
            for column, value in accounts[name].items()
            if got[name][column] != value
        ]
    inputs = {row["input"]: row for row in project.query("from account_mapping__inputs")}
    for name, numbers in census.items():
        if name not in inputs:
            found.append(f"input {name} is not there")
            continue
        has = {part: inputs[name][f"rows_{part}"] for part in numbers}
        if has != numbers:
            found.append(f"input {name} is {has}, not {numbers}")
    for name, row in inputs.items():
        if row["rows_read"] != sum(row[f"rows_{part}"] for part in PARTS):
            found.append(f"input {name} does not add up: {row}")
    return found


def sides(expected: dict[str, Any], got: dict[str, Any]) -> dict[str, list[str]]:
    return {"missing": sorted(expected.keys() - got.keys()), "too much": sorted(got.keys() - expected.keys())}


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Project]:
    """The project of each shape, made when first asked for."""
    made: dict[int, Project] = {}

    class Made(dict):
        def __missing__(self, shape: int) -> Project:
            made[shape] = self[shape] = project_of(shape, tmp_path_factory.mktemp("crm_worlds"))
            return made[shape]

    return Made()


@pytest.mark.parametrize("seed", range(WORLDS))
def test_random_worlds_of_crms_are_read_as_the_oracle_reads_them(projects: dict[int, Project], seed: int) -> None:
    assert differences(projects[seed % len(SHAPES)], seed) == []


def test_a_world_is_the_same_whenever_it_is_made() -> None:
    assert make_world(3) == make_world(3)


def main(seeds: range) -> int:
    """Look at worlds and print what differs; how many did."""
    made: dict[int, Project] = {}
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            shape = seed % len(SHAPES)
            if shape not in made:
                made[shape] = project_of(shape, Path(folder) / str(shape))
            try:
                found = differences(made[shape], seed)
            except Exception:
                found = [traceback.format_exc()[-3000:]]
            wrong += bool(found)
            for line in found:
                print(f"world {seed}: {line}", flush=True)
    print(f"{len(seeds)} worlds, {wrong} differ")
    return wrong


if __name__ == "__main__":
    first, last = (0, int(sys.argv[1])) if len(sys.argv) == 2 else map(int, sys.argv[1:3])
    sys.exit(bool(main(range(first, last))))
