"""The package against the oracle on random worlds; test_demo.py compares the demo.

Each world is one run of all models that the compared marts need. Worlds of one
group share their variables and the columns of their raw tables, hence what dbt
compiles: dbt makes the first, and its compiled models run again on the rows of
the others (see harness.py).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pyarrow as pa
import pytest
from harness import Project
from oracle import Answer, Pair, World, solve
from worlds import COLUMNS, GROUPS, SETTINGS, make_world

Query = Callable[[str], list[dict[str, Any]]]

# more of them: ACCOUNT_MAPPING_RULE_WORLDS=500 pytest tests/python/test_rules.py
WORLDS = int(os.environ.get("ACCOUNT_MAPPING_RULE_WORLDS", "20"))
MODELS = (
    "+account_mapping__accounts",
    "+account_mapping__overlap_matrix",
    "+account_mapping__partner_coverage",
    "+account_mapping__ecosystem_coverage",
    "+int_account_mapping__partner_accounts",
)
MATRIX_KEY = ("partner_id", "rollup", "our_status", "partner_status")
COVERAGE_KEY = ("partner_id", "rollup", "our_status", "target_list")
COVERAGE_COLUMNS = {
    "our_accounts": "our_accounts",
    "covered_accounts": "covered_accounts",
    "partner_accounts": "partner_accounts",
    "partner_matched": "matched_partner_accounts",
    "unique_accounts": "unique_accounts",
    "open_amount": "open_pipeline_amount",
    "covered_amount": "covered_open_pipeline_amount",
    "unique_amount": "unique_open_pipeline_amount",
    "list_age_days": "list_age_days",
    "unnamed_targets": "targets_without_account",
}
ECOSYSTEM_KEY = ("rollup", "target_list", "our_status", "rank")
ECOSYSTEM_COLUMNS = {
    "partner_id": "partner_id",
    "our_accounts": "our_accounts",
    "added_accounts": "added_accounts",
    "cumulative_accounts": "cumulative_accounts",
    "limit_accounts": "limit_accounts",
    "open_amount": "open_pipeline_amount",
    "added_amount": "added_open_pipeline_amount",
    "cumulative_amount": "cumulative_open_pipeline_amount",
}


def variables(world: World) -> dict[str, Any]:
    """The project variables of a world."""
    return {
        "account_mapping__crms": sorted(world.crms),
        "account_mapping__as_of": world.as_of.isoformat(),
        "account_mapping__currency": world.currency,
        "account_mapping__churn_after_days": world.churn_after_days,
    }


def table(rows: Iterable[Mapping[str, Any]], columns: Iterable[str]) -> pa.Table:
    """Raw rows as an Arrow table: booleans stay, everything else is text."""
    rows = list(rows)
    arrays = {}
    for column in columns:
        values = [row.get(column) for row in rows]
        is_boolean = any(isinstance(value, bool) for value in values)
        kind = pa.bool_() if is_boolean else pa.string()
        arrays[column] = pa.array(values, kind)
    return pa.table(arrays)


def load(project: Project, world: World) -> None:
    """Write a world's raw tables and settings into a project."""
    for name, columns in COLUMNS.items():
        schema, _, raw = name.partition(".")
        if schema == "partners":
            rows = world.partner_accounts
        elif schema in world.crms:
            rows = world.crms[schema].get(raw, [])
        else:
            continue
        project.write_table(name, table(rows, columns))
    for name, columns in SETTINGS.items():
        rows = [{c: row.get(c) or "" for c in columns} for row in world.settings[name]]
        project.write_seed(f"account_mapping__{name}", rows, columns)


# -------------------------------------------------------------------- comparison


def compared(what: str, expected: Mapping, found: Mapping) -> list[str]:
    """Lines that tell where two mappings differ."""
    lines = [f"{what} {key}: missing" for key in expected.keys() - found.keys()]
    lines += [f"{what} {key}: too many" for key in found.keys() - expected.keys()]
    lines += [
        f"{what} {key}: {found[key]}, by the Rules {expected[key]}"
        for key in expected.keys() & found.keys()
        if expected[key] != found[key]
    ]
    return sorted(lines)


def found_accounts(query: Query) -> dict[str, dict[str, Any]]:
    """Our accounts as the mart tells them, in the oracle's words."""
    return {
        row["account_id"]: {
            "status": row["status"],
            "is_excluded": row["is_excluded"],
            "open_amount": row["open_amount"],
            # Where an excluded account would stand in a tree is nobody's number.
            "ultimate_parent_account_id": None if row["is_excluded"] else row["ultimate_parent_account_id"],
        }
        for row in query("select * from account_mapping__accounts")
    }


def found_links(query: Query) -> dict[Pair, str]:
    """Accepted links."""
    rows = query("select * from int_account_mapping__links where decision = 'accepted'")
    return {(row["partner_id"], row["account_id"], row["partner_account_id"]): row["relationship"] for row in rows}


def found_partner_accounts(query: Query) -> dict[tuple[str, str], dict[str, Any]]:
    """Usable rows of list partners."""
    return {
        (row["partner_id"], row["account_id"]): {
            "status": None if row["is_excluded"] else row["status"],
            "is_excluded": row["is_excluded"],
        }
        for row in query("select * from int_account_mapping__partner_accounts")
    }


def found_cells(
    query: Query, mart: str, key: tuple[str, ...], columns: Mapping[str, str]
) -> dict[tuple[str, ...], dict[str, Any]]:
    """Rows of a mart by key, with the oracle's column names."""
    return {
        tuple(row[c] for c in key): {ours: row[c] for ours, c in columns.items()}
        for row in query(f"select * from {mart}")
    }


def differences(query: Query, answer: Answer) -> list[str]:
    """Lines that tell where the package departs from the Rules."""
    accounts = {
        account_id: {k: v for k, v in values.items() if k != "reasons"}
        for account_id, values in answer.accounts.items()
    }
    partner_accounts = {
        key: {**values, "status": None} if values["is_excluded"] else values
        for key, values in answer.partner_accounts.items()
    }
    matrix_columns = (
        "our_accounts",
        "partner_accounts",
        "companies",
        "open_pipeline_amount",
        "cell_state",
    )
    return [
        *compared("account", accounts, found_accounts(query)),
        *compared("partner account", partner_accounts, found_partner_accounts(query)),
        *compared("link", answer.links, found_links(query)),
        *compared(
            "matrix",
            answer.matrix,
            found_cells(
                query,
                "account_mapping__overlap_matrix",
                MATRIX_KEY,
                {c: c for c in matrix_columns},
            ),
        ),
        *compared(
            "coverage",
            answer.coverage,
            found_cells(
                query,
                "account_mapping__partner_coverage",
                COVERAGE_KEY,
                COVERAGE_COLUMNS,
            ),
        ),
        *compared(
            "ecosystem",
            answer.ecosystem,
            found_cells(query, "account_mapping__ecosystem_coverage", ECOSYSTEM_KEY, ECOSYSTEM_COLUMNS),
        ),
    ]


# ------------------------------------------------------------------ random worlds


@pytest.mark.parametrize("group", [pytest.param(0, marks=pytest.mark.quick), *range(1, GROUPS)])
def test_random_worlds_follow_the_rules(make_project: Callable[..., Project], group: int) -> None:
    for seed in range(group, WORLDS, GROUPS):
        world = make_world(seed)
        project = make_project(f"world_{seed}", variables=variables(world))
        load(project, world)
        project.make(*MODELS)
        wrong = differences(project.query, solve(world))
        assert not wrong, f"world {seed}:\n" + "\n".join(wrong)
