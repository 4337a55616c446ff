"""Ecosystem coverage: the order of partners is that of trying every partner at every rank, on sets and on a market."""

from __future__ import annotations

import random
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loading import load_model

from benchmarks import market

order = load_model("int_account_mapping__partner_order")


def packed(sets: list[set[int]], units: int) -> np.ndarray:
    """Sets as the model holds them, members added in a shuffled order, each twice."""
    members = [(row, unit) for row, members in enumerate(sets) for unit in members] * 2
    random.Random(0).shuffle(members)
    rows = order.empty_sets(len(sets), units)
    order.add_members(
        rows, np.array([row for row, _ in members], np.int64), np.array([unit for _, unit in members], np.int64)
    )
    return rows


@settings(max_examples=200)
@given(st.integers(1, 200).flatmap(lambda units: st.tuples(
    st.just(units),
    st.lists(st.sets(st.integers(0, units - 1), max_size=40), max_size=12),
    st.sets(st.integers(0, units - 1)),
)))  # fmt: skip
def test_the_lazy_order_is_the_greedy_one(world: tuple[int, list[set[int]], set[int]]) -> None:
    units, sets, wanted = world
    found = list(order.greedy(packed(sets, units), order.pack(np.isin(np.arange(units), list(wanted)))))
    reached: set[int] = set()
    left = set(range(len(sets)))
    for number, gain, added in found:
        best = min(left, key=lambda row: (-len((sets[row] & wanted) - reached), row))
        new = (sets[best] & wanted) - reached
        assert (number, gain) == (best, len(new))
        assert np.array_equal(added, order.pack(np.isin(np.arange(units), list(new))))
        reached |= new
        left.remove(best)
    assert not left


def test_amounts_are_added_exactly() -> None:
    values = [Decimal("0.00"), Decimal("-12.34"), Decimal("99999999999999999999999999.99"), None, Decimal("0.01")]
    amounts = pa.array([Decimal("7.00"), *(value or Decimal("0.00") for value in values)], order.AMOUNT).slice(1)
    total = order.Amounts(amounts).total
    assert total(order.pack(np.ones(5, bool))) == Decimal("99999999999999999999999987.66")
    assert total(order.pack(np.array([True, True, False, True, True]))) == Decimal("-12.33")
    assert total(order.pack(np.zeros(5, bool))) == 0


def test_a_list_without_accounts_and_no_partners_are_no_error() -> None:
    wanted = list(order.wanted_sets(np.zeros(0, np.int64), pa.array([], pa.string()), {}, ["all", "none"], [0]))
    rows = list(
        order.order_rows("account", ["a"], order.empty_sets(1, 0), order.Amounts(pa.array([], order.AMOUNT)), wanted)
    )
    assert [(row["target_list"], row["partner_id"], row["added_accounts"], row["our_accounts"]) for row in rows] == [
        ("all", "a", 0, 0),
        ("none", "a", 0, 0),
    ]
    assert (
        list(order.order_rows("account", [], order.empty_sets(0, 0), order.Amounts(pa.array([], order.AMOUNT)), wanted))
        == []
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory):
    """A market of 20 partners over 1,500 real companies, matched and counted."""
    companies = random.Random(market.SEED).sample(market.read_companies(None), 1_800)
    made = market.make_market(companies, 20)
    return market.build(tmp_path_factory.mktemp("market") / "project", made), made


def test_ecosystem_coverage_is_what_counting_by_hand_gives(made) -> None:
    project, planted = made
    assert market.differences(project, planted) == []


def test_partners_reach_what_was_planted(made) -> None:
    project, planted = made
    rows = market.rows_of(project, "account_mapping__ecosystem_coverage")
    steps = [row for row in rows if (row["rollup"], row["target_list"], row["our_status"]) == ("account", "all", "all")]
    steps.sort(key=lambda row: row["rank"])
    assert [row["rank"] for row in steps] == list(range(1, 21))
    assert 0.80 <= steps[-1]["cumulative_rate"] <= 0.90
    # it reaches what it should for the right reason: nearly all links are planted ones
    linked = {
        (row["partner_id"], row["account_id"])
        for row in market.rows_of(project, "account_mapping__overlaps")
        if row["relationship"] == "same"
    }
    true = {(partner, account) for partner, accounts in planted.covers.items() for account in accounts}
    assert len(linked & true) >= 0.97 * max(len(linked), len(true))
    # one partner repeats the largest one's accounts, one knows none: they are listed, and add next to nothing
    added = {row["partner_id"]: row["added_accounts"] for row in steps}
    assert added["partner_20"] <= 0.01 * len(planted.accounts)
    assert steps[0]["partner_id"] == "partner_01"


def test_unique_accounts_sum_to_what_one_partner_alone_covers(made) -> None:
    project, _ = made
    covering: dict[str, set[str]] = {}
    for row in market.rows_of(project, "account_mapping__overlaps"):
        if row["relationship"] == "same":
            covering.setdefault(row["account_id"], set()).add(row["partner_id"])
    unique = sum(
        row["unique_accounts"]
        for row in market.rows_of(project, "account_mapping__partner_coverage")
        if (row["rollup"], row["our_status"], row["target_list"]) == ("account", "all", "all")
    )
    assert unique == sum(len(partners) == 1 for partners in covering.values()) > 0
