"""int_account_mapping__groups: connected groups of duplicates and of linked units."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from loading import load_model

groups = load_model("int_account_mapping__groups")

EDGES = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")), min_size=1, max_size=12)


def group(edges: list[tuple[str, str]]) -> dict[str, str]:
    nodes, others = zip(*edges, strict=True)
    distinct, leasts = groups.group_nodes(pa.array(nodes), pa.array(others))
    return dict(zip(distinct.to_pylist(), leasts.to_pylist(), strict=True))


def test_a_chain_is_one_group_named_after_its_least_node():
    assert group([("d", "c"), ("c", "b"), ("x", "y")]) == {"b": "b", "c": "b", "d": "b", "x": "x", "y": "x"}


@given(EDGES, st.randoms())
def test_groups_are_the_closure_of_the_edges_in_any_order(edges, random):
    expected = {node: {node} for edge in edges for node in edge}
    for left, right in edges:
        union = expected[left] | expected[right]
        for node in union:
            expected[node] = union
    shuffled = [edge[:: random.choice([1, -1])] for edge in random.sample(edges, len(edges))]
    assert group(shuffled) == {node: min(nodes) for node, nodes in expected.items()}
