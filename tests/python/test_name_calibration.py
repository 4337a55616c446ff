"""The correction of name probabilities by free truth: what it learns, and when it leaves all as it was."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from loading import load_model

calibration = load_model("int_account_mapping__name_calibration")


def truth(rows):
    names = ("partner_id", "name_probability", "pairs", "same_pairs")
    columns = list(zip(*rows, strict=True)) if rows else [[]] * 4
    types = (pa.string(), pa.float64(), pa.int64(), pa.int64())
    return pa.table([pa.array(list(c), t) for c, t in zip(columns, types, strict=True)], names=list(names))


def observed(line, pairs=2_000):
    """What a list would show on which the true log-odds are line(log-odds before)."""
    before = np.round(np.arange(0.05, 1.0, 0.05), 3)
    after = 1 / (1 + np.exp(-(line[0] + line[1] * calibration.log_odds(before))))
    return before, np.full(len(before), float(pairs)), after * pairs


@pytest.mark.parametrize("line", [(0.0, 1.0), (-1.0, 0.8), (0.4, 1.3), (-0.5, 1.0)])
def test_a_line_is_found_again(line):
    assert calibration.fit_line(*observed(line)) == pytest.approx(line, abs=0.03)


def test_the_prior_holds_against_few_pairs():
    intercept, slope = calibration.fit_line(*observed((-1.0, 1.0), pairs=2))
    assert -0.5 < intercept < 0
    assert 0.9 < slope < 1.1


@pytest.mark.parametrize(("line", "kept"), [((3.0, 1.0), 0.5), ((-4.0, 1.0), -2.0)])
def test_corrections_stay_within_their_range(line, kept):
    assert calibration.fit_line(*observed(line))[0] == kept


@given(
    st.lists(
        st.tuples(st.floats(0, 1), st.integers(1, 500), st.floats(0, 1)),
        min_size=1,
        max_size=30,
        unique_by=lambda r: r[0],
    )
)
def test_any_truth_gives_a_line_that_keeps_the_order(rows):
    probability, pairs, share = (np.array(column, float) for column in zip(*rows, strict=True))
    intercept, slope = calibration.fit_line(probability, pairs, np.floor(pairs * share))
    assert calibration.INTERCEPT_RANGE[0] <= intercept <= calibration.INTERCEPT_RANGE[1]
    assert slope >= calibration.SLOPE_RANGE[0] > 0


def test_partners_are_corrected_one_by_one_and_only_with_enough_truth():
    rows = [
        ("many", 0.9, 300, 150),
        ("many", 0.1, 100, 0),
        ("few", 0.9, 150, 60),
        ("no_other", 0.9, 300, 260),
    ]
    result = calibration.calibrate(truth(rows)).to_pylist()
    assert [(row["partner_id"], row["pairs"], row["same_pairs"]) for row in result] == [("many", 400, 150)]
    assert result[0]["intercept"] < 0
    assert calibration.calibrate(truth(rows[::-1])).to_pylist() == result


def test_no_truth_gives_an_empty_table():
    result = calibration.calibrate(truth([]))
    assert result.num_rows == 0 and result.schema == calibration.SCHEMA
