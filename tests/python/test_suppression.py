"""What of a matrix of counts may leave: known answers at the threshold, and properties that keep small cells hidden."""

from __future__ import annotations

import math
import random
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from loading import load_model
from scipy.optimize import linprog
from scipy.stats import chisquare

counts = load_model("int_account_mapping__suppressed_counts")

K = 10


def is_computable(cell: tuple[int, int], is_suppressed: np.ndarray) -> bool:
    """Whether the totals of rows and columns settle the cell: is its unit vector a combination of their equations?

    The unknowns are the suppressed cells; every total less what is known is one linear equation in them.
    """
    unknown = [tuple(place) for place in np.argwhere(is_suppressed)]
    equations = [[float(place[axis] == line) for place in unknown] for axis in (0, 1) for line in range(9)]
    unit = [float(place == cell) for place in unknown]
    return np.linalg.matrix_rank(np.array([*equations, unit])) == np.linalg.matrix_rank(np.array(equations))


def cells_of(table: list[list[int]], minimum: int = K) -> list[dict]:
    return [
        {
            "our_status": f"o{row}",
            "partner_status": f"p{column}",
            "companies": value,
            "minimum_count": minimum,
        }
        for row, line in enumerate(table)
        for column, value in enumerate(line)
    ]


@pytest.mark.parametrize(("value", "is_withheld"), [(0, True), (K - 1, True), (K, False), (K + 1, False)])
def test_a_cell_is_withheld_below_the_minimum_and_not_at_it(value, is_withheld):
    table = np.full((4, 5), 50)
    table[1, 2] = value
    found = counts.suppress(table, K)
    assert found[1, 2] == is_withheld
    assert found.sum() == (4 if is_withheld else 0)


def test_the_cheapest_cells_that_hide_a_small_one_go_with_it():
    table = np.array([[3, 80, 70], [60, 90, 20], [50, 40, 25]])
    # rectangles through the small cell: by 60+90+80, 60+20+70, 50+40+80 or 50+25+70
    assert counts.suppress(table, K).tolist() == [[True, False, True], [False] * 3, [True, False, True]]


def test_two_small_cells_in_every_line_are_not_enough_when_a_third_links_two_blocks():
    """Rows 0 and 1 with columns 0 and 1 form one block, rows 2 and 3 with columns 2 and 3 another; the cell between
    them is what is left of the first block's totals."""
    table = np.full((4, 4), 90)
    table[:2, :2] = table[2:, 2:] = table[1, 2] = 1
    naive = table < K
    assert min(*naive.sum(0), *naive.sum(1)) >= 2 and is_computable((1, 2), naive)
    assert not is_computable((1, 2), counts.suppress(table, K))


def interval(table: np.ndarray, is_suppressed: np.ndarray, cell: tuple[int, int]) -> float:
    """How far apart the least and the greatest count are that the cell can have, by a linear programme.

    Unknown are the withheld counts, none negative; known are the others and the totals of all rows and columns.
    """
    unknown = [tuple(place) for place in np.argwhere(is_suppressed)]
    equations, totals = [], []
    for axis in (0, 1):
        for line in range(table.shape[axis]):
            equations.append([float(place[axis] == line) for place in unknown])
            totals.append(sum(int(table[place]) for place in unknown if place[axis] == line))
    aim = np.array([float(place == cell) for place in unknown])
    least, greatest = (linprog(sign * aim, A_eq=np.array(equations), b_eq=totals).fun for sign in (1, -1))
    return -greatest - least


def assert_protected(table: np.ndarray, minimum: np.ndarray | int, is_given: np.ndarray | None = None) -> np.ndarray:
    """Every withheld cell lies in an interval k wide, if it does where the whole table is withheld."""
    given_cells = np.ones(table.shape, bool) if is_given is None else is_given
    known = np.where(given_cells, table, 0)
    found = counts.suppress(table, minimum, is_given)
    limits = np.broadcast_to(minimum, table.shape)
    assert not (found & ~given_cells).any()
    assert (found >= ((table < limits) & given_cells)).all()
    for cell in map(tuple, np.argwhere(found)):
        wide = interval(known, found, cell) > limits[cell] - 1e-6
        assert wide or interval(known, given_cells, cell) < limits[cell] - 1e-6
    return found


def random_table(rng: np.random.Generator) -> np.ndarray:
    """Counts as matrices have them: of all sizes, a fifth of them none."""
    shape = rng.integers(1, 6), rng.integers(1, 6)
    table = rng.poisson(rng.gamma(0.5, rng.choice([5, 20, 100, 600]), shape))
    return np.where(rng.random(shape) < 0.2, 0, table)


@pytest.mark.parametrize("seed", range(5))
def test_every_withheld_cell_lies_in_an_interval_as_wide_as_the_least_count(seed):
    rng = np.random.default_rng(seed)
    for _ in range(20):
        table = random_table(rng)
        minimum = rng.choice([10, 10, 15, 20], table.shape) if rng.random() < 0.3 else int(rng.choice([10, 15]))
        is_given = rng.random(table.shape) < 0.8 if rng.random() < 0.3 else None
        assert_protected(table, minimum, is_given)


def test_zeros_around_a_small_count_do_not_protect_it():
    """Where the others of its rectangles are none, no count can be shifted along them: the cell is what is left."""
    table = np.array([[4, 0, 80], [0, 30, 90], [70, 60, 50]])
    corners = np.zeros(table.shape, bool)
    corners[:2, :2] = True
    assert not is_computable((0, 0), corners) and interval(table, corners, (0, 0)) < K
    assert interval(table, assert_protected(table, K), (0, 0)) >= K


def test_a_row_too_small_to_hide_in_takes_others_along():
    """With its total known, its counts nearly are, and so would be those of one neighbour, which needs another one."""
    table = np.array([[3, 0, 1], [40, 50, 60], [70, 80, 90], [95, 99, 97]])
    assert counts.suppress(table, K).all(axis=1).tolist() == [True, True, True, False]


def test_no_cell_goes_that_need_not():
    rng = np.random.default_rng(7)
    for _ in range(30):
        table = rng.integers(10, 90, (4, 4))
        table[0, 0] = 3
        found = counts.suppress(table, K)
        for cell in map(tuple, np.argwhere(found & (table >= K))):
            less = found.copy()
            less[cell] = False
            assert min(interval(table, less, other) for other in map(tuple, np.argwhere(less))) < K


@settings(max_examples=100)
@given(st.lists(st.integers(0, 40), min_size=2, max_size=6), st.booleans())
def test_a_single_line_never_lacks_just_one_cell(values, is_column):
    table = np.array([values])
    found = counts.suppress(table.T if is_column else table, K)
    assert found.sum() != 1


@settings(max_examples=50)
@given(
    arrays(np.int64, (4, 5), elements=st.integers(0, 40)),
    arrays(np.bool_, (4, 5)),
)
def test_cells_that_are_not_shared_at_all_are_left_alone(table, is_given):
    assert_protected(table, K, is_given)


def test_each_cell_may_have_a_minimum_of_its_own():
    table, minimum = np.full((3, 3), 30), np.full((3, 3), K)
    assert not counts.suppress(table, minimum).any()
    minimum[0, 0] = 31
    assert counts.suppress(table, minimum)[0, 0]


@pytest.mark.parametrize(("count", "expected"), [(10, 10), (12, 10), (13, 15), (17, 15), (18, 20), (1_002, 1_000)])
def test_counts_are_rounded_to_five(count, expected):
    assert counts.rounded(count) == expected


@pytest.mark.parametrize("epsilon", [Fraction(1, 2), Fraction(7, 3)])
def test_noise_has_the_distribution_of_discrete_laplace(epsilon):
    """By a chi-square test; its source of randomness is seeded here, and the system's elsewhere."""
    rng, draws = random.Random(5), 20_000
    drawn = Counter(counts.discrete_laplace(epsilon, rng) for _ in range(draws))
    ratio = math.exp(-epsilon)
    expected = {z: draws * (1 - ratio) / (1 + ratio) * ratio ** abs(z) for z in range(-40, 41)}
    frequent = [z for z, number in expected.items() if number > 20]
    rest = draws - sum(expected[z] for z in frequent)
    observed = [*(drawn[z] for z in frequent), draws - sum(drawn[z] for z in frequent)]
    assert chisquare(observed, [*(expected[z] for z in frequent), rest]).pvalue > 0.001
    assert chisquare(observed, [*(rest if z == 0 else expected[z] for z in frequent), expected[0]]).pvalue < 1e-9


def test_noise_comes_before_all_else_and_only_where_a_budget_is_set():
    cells = cells_of([[50, 9], [50, 50]])
    assert [row["companies"] for row in counts.publish(cells)] == [None] * 4
    noise = iter([1, 1, -3, 3])
    assert [row["companies"] for row in counts.publish(cells, lambda: next(noise))] == [50, 10, 45, 55]
    noise = iter([0, -20, 0, 0])
    assert [row["cell_state"] for row in counts.publish(cells, lambda: next(noise))] == ["suppressed"] * 4
    assert counts.noise_of(None) is None
    assert counts.read_budget("nimbus", " ") is None
    assert counts.read_budget("nimbus", "0.5") == Fraction(1, 2)
    assert {type(counts.noise_of(Fraction(1))()) for _ in range(5)} == {int}


@pytest.mark.parametrize("text", ["0", "-1", "none", "nan", "inf", "1e9", "0,5", "1/0"])
def test_a_budget_that_cannot_be_is_no_counts_without_noise(text):
    with pytest.raises(ValueError, match=r"count_noise_budget of `nimbus` is no number from 0\.01 to 100: correct it"):
        counts.read_budget("nimbus", text)


def test_a_status_that_is_not_shared_is_no_ordinary_cell():
    cells = cells_of([[50, 60]])
    cells[1]["partner_status"] = "not_shared"
    assert [row["cell_state"] for row in counts.publish(cells)] == ["counted", "not_shared"]
    cells[1]["companies"] = 0
    assert [row["companies"] for row in counts.publish(cells)] == [None, None]
