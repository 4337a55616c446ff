"""benchmarks.cost_model: factors are found again in costs that were made from them; how work is shared out."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import cost_model
from benchmarks.cost_model import Size

FACTORS = {"a build": 12.0, "ours": 200.0, "ours x lists": 30.0, "ours x keys": 90.0, "listed": 350.0, "as keys": 0.0}
SIZES = [
    Size(50_000, 5, 100_000, 0, 0),
    Size(25_000, 5, 50_000, 0, 0),
    Size(50_000, 5, 60_000, 40_000, 2),
    Size(100_000, 2, 40_000, 0, 0),
    Size(20_000, 10, 200_000, 0, 0),
    Size(20_000, 10, 140_000, 60_000, 3),
    Size(10_000, 4, 0, 80_000, 4),
]


def line(size: Size, seconds: float, **other: object) -> str:
    """A build as benchmarks.scale writes it."""
    world = {
        "accounts": size.accounts,
        "partners": size.partners,
        "list_rows": (size.list_rows + size.keys_rows) // size.partners,
        "keys_partners": size.keys_partners,
        "skew": "none",
        "changed": None,
        "rooms": {"all": {"cpu_seconds": seconds}},
        "total": {"megabytes": 500 + size.accounts / 100},
    }
    return json.dumps(world | other)


def test_factors_are_found_again():
    costs = [cost_model.foretold(FACTORS, size) for size in SIZES]
    assert cost_model.fitted(SIZES, costs) == pytest.approx(FACTORS, abs=1e-6)


def test_no_factor_is_negative():
    costs = [1_000 - size.accounts / 1_000 for size in SIZES]
    assert min(cost_model.fitted(SIZES, costs).values()) >= 0


def test_a_room_that_one_build_had_not_is_fitted_to_the_others():
    costs = [0.0, *(cost_model.foretold(FACTORS, size) for size in SIZES[1:])]
    assert cost_model.fitted(SIZES, costs) == cost_model.fitted(SIZES[1:], costs[1:])
    assert set(cost_model.fitted(SIZES, [0.0] * len(SIZES)).values()) == {0.0}


def test_the_longest_jobs_come_first():
    # Graham's example: six would do
    assert cost_model.makespan([2, 2, 2, 3, 3], 2) == 7
    assert cost_model.makespan([], 3) == 0


@given(st.sampled_from(SIZES), st.integers(0, 2**32))
def test_one_machine_does_all_and_several_are_never_slower(size: Size, seed: int):
    lasts = [cost_model.shared_out(FACTORS, size, workers, random.Random(seed)) for workers in (1, 2, 8)]
    assert lasts[0] == pytest.approx(cost_model.foretold(FACTORS, size))
    assert lasts == sorted(lasts, reverse=True)


def test_changed_and_skewed_worlds_are_left_out_and_too_few_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "builds.jsonl"
    lines = [line(size, cost_model.foretold(FACTORS, size)) for size in SIZES]
    path.write_text("\n".join([*lines[:4], line(SIZES[0], 1, changed=0.01), line(SIZES[0], 1, skew="name")]))
    monkeypatch.setattr(sys, "argv", ["cost_model", str(path)])
    assert cost_model.main() == 1
    assert "4 builds of even worlds; a fit needs more than 6" in capsys.readouterr().err
    path.write_text("\n".join(lines))
    assert cost_model.main() == 0
    printed = capsys.readouterr().out
    assert "foretold" in printed and "100,000,000" in printed
