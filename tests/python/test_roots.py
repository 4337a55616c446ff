"""int_account_mapping__merge_roots and int_account_mapping__family_roots: where chains of merges and of parents end."""

from __future__ import annotations

from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from loading import load_model, package_file

NAMES = ("int_account_mapping__merge_roots", "int_account_mapping__family_roots")
merge_roots, family_roots = (load_model(name) for name in NAMES)

PARENTS = st.dictionaries(st.sampled_from("abcdefghijklmn"), st.sampled_from("abcdefghijklmn"), min_size=1).map(
    lambda parents: {node: parent for node, parent in parents.items() if node != parent}
)


def found(parents: dict[str, str]) -> dict[str, tuple[str, bool]]:
    roots, is_cyclic = family_roots.find_roots(
        pa.array(list(parents), pa.string()), pa.array(list(parents.values()), pa.string())
    )
    return dict(zip(parents, zip(roots.to_pylist(), is_cyclic.to_pylist(), strict=True), strict=True))


def walked(parents: dict[str, str], node: str) -> tuple[str, bool]:
    """The same, step by step."""
    path = [node]
    while path[-1] in parents:
        if parents[path[-1]] in path:
            return min(path[path.index(parents[path[-1]]) :]), True
        path.append(parents[path[-1]])
    return path[-1], False


def test_a_chain_ends_at_its_last_node_and_what_runs_into_a_cycle_at_the_least_of_that():
    parents = {"d": "c", "c": "b", "x": "z", "z": "y", "y": "z", "a": "x"}
    assert found(parents) == {
        **{"d": ("b", False), "c": ("b", False)},
        **{"x": ("y", True), "z": ("y", True), "y": ("y", True), "a": ("y", True)},
    }


@given(PARENTS, st.randoms())
def test_roots_are_those_of_a_walk_in_any_order(parents, random):
    shuffled = dict(random.sample(list(parents.items()), len(parents)))
    assert found(shuffled) == {node: walked(parents, node) for node in shuffled}


@pytest.mark.parametrize("steps", [1, 2, 3, 1023, 1024, 1025, 5000])
@pytest.mark.parametrize("closed", [False, True])
def test_a_path_may_be_of_any_length(steps: int, closed: bool):
    """`steps` edges in a row, or in a circle with as many edges that lead to it."""
    names = [f"{7919 * number % 20011:05}" for number in range(2 * steps + 2)]
    path, tail = names[: steps + 1], names[steps + 1 :]
    parents = dict(pairwise(path))
    expected = (path[-1], False)
    if closed:
        parents |= {path[-1]: path[0]} | dict(zip(tail, [*tail[1:], path[0]], strict=True))
        expected = (min(path), True)
    assert found(parents) == dict.fromkeys(parents, expected)


def test_both_models_find_roots_in_the_same_lines():
    lines = []
    for name in NAMES:
        code = package_file(f"{name}.py").read_text()
        lines.append(code[code.index("def find_roots(") : code.index("def model(")])
    assert lines[0] == lines[1]


class Session:
    """A stand-in for what dbt hands a model on DuckDB."""

    def __init__(self, **relations):
        self.ref = relations.get


def test_hierarchies_are_apart_and_read_one_at_a_time(monkeypatch):
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(
            """create table edges as from (values
                ('ours', '*', 'a', 'b'), ('ours', '*', 'b', 'c'), ('ours', '*', 'c', null),
                ('ours', 'nimbus', 'a', 'b'), ('partner', 'nimbus', 'a', 'z'), ('partner', 'nimbus', 'z', 'a')
            ) as edges (side, scope, account_id, parent_account_id)"""
        )
        sizes = []
        find = family_roots.find_roots
        monkeypatch.setattr(
            family_roots, "find_roots", lambda nodes, parents: (sizes.append(len(nodes)), find(nodes, parents))[1]
        )
        made = family_roots.model(Session(int_account_mapping__scoped_accounts=connection.table("edges")), connection)
        rows = [tuple(row.values()) for row in made.read_all().to_pylist()]
    assert rows == [
        ("ours", "*", "a", "c", False),
        ("ours", "*", "b", "c", False),
        ("ours", "nimbus", "a", "b", False),
        ("partner", "nimbus", "a", "a", True),
        ("partner", "nimbus", "z", "a", True),
    ]
    assert sizes == [2, 1, 2]
