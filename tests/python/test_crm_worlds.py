"""Random CRMs against an oracle: the mart of accounts and the census are what the rows mean, however they are written.

`python tests/python/test_crm_worlds.py 200` looks at that many worlds and prints where they differ.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

# as a command, the package's root is not where Python looks
sys.path.append(str(Path(__file__).resolve().parents[2]))

import pytest
from crm_builds import Marts, assert_adds_up, make_marts
from crm_oracle import solve
from crm_worlds import AS_OF, SEEDS, SETTINGS, SHAPES, CrmWorld, instances_of, make_world
from harness import Project

WORLDS = int(os.environ.get("ACCOUNT_MAPPING_CRM_WORLDS", "12"))
# One build reads a world of each shape: their instances have names of their own.
BUILD = len(SHAPES)

# Data issues of which the oracle knows the number of rows.
PROBLEMS = {"blank_rows", "footer_rows", "id_lost_digits", "opportunity_without_account", "unknown_owner"}


def make_project(folder: Path) -> Project:
    settings = {"account_mapping__crms": [instance for shape in range(BUILD) for instance in instances_of(shape)]}
    project = Project(folder, variables=settings | {"account_mapping__as_of": AS_OF})
    for name, rows in SEEDS.items():
        project.write_seed(name, rows)
    return project


def differences(project: Project, turn: int) -> dict[int, list[str]]:
    """Build a world of each shape; for each seed where the marts say something else than the oracle."""
    worlds = {seed: make_world(seed) for seed in range(turn * BUILD, (turn + 1) * BUILD)}
    for world in worlds.values():
        project.write_tables(world.tables)
    marts = make_marts(project)
    return {seed: compared(world, marts) for seed, world in worlds.items()}


def compared(world: CrmWorld, marts: Marts) -> list[str]:
    """Where the marts say something else of a world than the oracle."""
    accounts, census, issues = solve(world.instances, SETTINGS)
    names = {instance.name for instance in world.instances}
    got = {row["account_id"]: row for row in marts["account_mapping__accounts"] if row["source_relation"] in names}
    found = [f"{name} is {where}" for where, those in sides(accounts, got).items() for name in those]
    for name in sorted(accounts.keys() & got.keys()):
        found += [
            f"{name}: {column} is {got[name][column]}, not {value}"
            for column, value in accounts[name].items()
            if got[name][column] != value
        ]
    inputs = {row["input"]: row for row in marts["account_mapping__inputs"]}
    for name, numbers in census.items():
        has = {part: inputs[name][f"rows_{part}"] for part in numbers} if name in inputs else "not there"
        if has != numbers:
            found.append(f"input {name} is {has}, not {numbers}")
    for row in marts["account_mapping__inputs"]:
        assert_adds_up(row)
    told: Counter[tuple[str, str]] = Counter()
    for row in marts["account_mapping__data_issues"]:
        if row["problem"] in PROBLEMS and row["source"].partition(".")[0] in names:
            told[row["source"], row["problem"]] += row["n_rows"]
    for source, problem in sorted(issues | told):
        has, should = told[source, problem], issues[source, problem]
        if has != should:
            found.append(f"{source} has {problem} of {has} rows, not {should}")
    return found


def sides(expected: dict[str, Any], got: dict[str, Any]) -> dict[str, list[str]]:
    return {"missing": sorted(expected.keys() - got.keys()), "too much": sorted(got.keys() - expected.keys())}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], list[str]]:
    """A function from a seed to where its world differs; worlds are built when first asked for."""
    project = make_project(tmp_path_factory.mktemp("crm_worlds"))

    @cache
    def build(turn: int) -> dict[int, list[str]]:
        return differences(project, turn)

    return lambda seed: build(seed // BUILD)[seed]


# Not named as the random worlds that the scheduler spreads over workers: each would compile the same project.
@pytest.mark.parametrize("seed", range(WORLDS))
def test_crms_are_read_as_the_oracle_reads_them(found: Callable[[int], list[str]], seed: int) -> None:
    assert found(seed) == []


@pytest.mark.quick
def test_a_world_is_the_same_whenever_it_is_made() -> None:
    assert make_world(3) == make_world(3)


def main(worlds: range) -> int:
    """Look at worlds and print what differs; in how many."""
    wrong = looked = 0
    with tempfile.TemporaryDirectory() as folder:
        project = make_project(Path(folder))
        for turn in range(worlds.start // BUILD, -(-worlds.stop // BUILD)):
            for seed, lines in differences(project, turn).items():
                looked += 1
                wrong += bool(lines)
                for line in lines:
                    print(f"world {seed}: {line}", flush=True)
            print(f"{looked} worlds, {wrong} differ", flush=True)
    return wrong


if __name__ == "__main__":
    first, last = (0, int(sys.argv[1])) if len(sys.argv) == 2 else map(int, sys.argv[1:3])
    sys.exit(bool(main(range(first, last))))
