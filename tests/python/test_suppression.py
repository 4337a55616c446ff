"""What of a matrix of counts may leave: known answers at the threshold, and properties that keep small cells hidden."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from loading import load_model

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
            **dict.fromkeys(counts.MEASURES, value),
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


@settings(deadline=None, max_examples=300)
@given(
    st.tuples(st.integers(2, 4), st.integers(2, 5)).flatmap(
        lambda shape: arrays(np.int64, shape, elements=st.integers(0, 40))
    ),
    st.integers(1, 20),
)
def test_no_withheld_cell_can_be_computed_from_totals(table, minimum):
    found = counts.suppress(table, minimum)
    assert (found >= (table < minimum)).all()
    assert 1 not in {*found.sum(0).tolist(), *found.sum(1).tolist()}
    assert not any(is_computable(tuple(cell), found) for cell in np.argwhere(found))
    if (table >= minimum).all():
        assert not found.any()


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(0, 40), min_size=2, max_size=6), st.booleans())
def test_a_single_line_never_lacks_just_one_cell(values, is_column):
    table = np.array([values])
    found = counts.suppress(table.T if is_column else table, K)
    assert found.sum() != 1


@settings(deadline=None, max_examples=200)
@given(
    arrays(np.int64, (4, 5), elements=st.integers(0, 40)),
    arrays(np.bool_, (4, 5)),
)
def test_cells_that_are_not_shared_at_all_are_left_alone(table, is_given):
    found = counts.suppress(table, K, is_given)
    assert not (found & ~is_given).any()
    assert (found >= ((table < K) & is_given)).all()
    for lines in (zip(found, is_given, strict=True), zip(found.T, is_given.T, strict=True)):
        assert all(line.sum() != 1 or given_line.sum() == 1 for line, given_line in lines)


def test_each_cell_may_have_a_minimum_of_its_own():
    table, minimum = np.full((3, 3), 30), np.full((3, 3), K)
    assert not counts.suppress(table, minimum).any()
    minimum[0, 0] = 31
    assert counts.suppress(table, minimum)[0, 0]


@pytest.mark.parametrize(("count", "expected"), [(10, 10), (12, 10), (13, 15), (17, 15), (18, 20), (1_002, 1_000)])
def test_counts_are_rounded_to_five(count, expected):
    assert counts.rounded(count) == expected


def test_a_cell_goes_as_a_whole_when_one_of_its_measures_is_small():
    cells = cells_of([[50, 50], [50, 52]])
    cells[3]["companies"] = K - 1
    assert [row["cell_state"] for row in counts.publish(cells)] == ["suppressed"] * 4
    cells[3]["companies"] = K
    published = counts.publish(cells)
    assert [row["cell_state"] for row in published] == ["counted"] * 4
    assert [published[3][measure] for measure in counts.MEASURES] == [50, 50, 10]


def test_a_status_that_is_not_shared_is_no_ordinary_cell():
    cells = cells_of([[50, 60]])
    cells[1]["partner_status"] = "not_shared"
    assert [row["cell_state"] for row in counts.publish(cells)] == ["counted", "not_shared"]
    cells[1]["companies"] = 0
    assert [row["companies"] for row in counts.publish(cells)] == [None, None]
