"""Builds of the marts that tests of raw CRM tables look at."""

from __future__ import annotations

from typing import Any

from harness import Project

MARTS = ("account_mapping__accounts", "account_mapping__data_issues", "account_mapping__inputs")
SELECTION = tuple(f"+{mart}" for mart in MARTS)
# What the rows of an input are; they add up to those read.
PARTS = ("used", "merged", "older", "deleted", "excluded", "rejected")

Marts = dict[str, list[dict[str, Any]]]


def make_marts(project: Project) -> Marts:
    """Build the marts from the raw tables that there are now, as for the first time.

    A project that knows earlier runs would be compiled anew, which takes longer than everything else.
    """
    for name in project.query(
        "select table_name from duckdb_tables() where schema_name = 'main' and table_name like 'int\\_%' escape '\\'"
    ):
        project.execute(f'drop table main."{name["table_name"]}"')
    project.make(*SELECTION)
    return {mart: project.query(f"from {mart} order by all") for mart in MARTS}


def assert_adds_up(row: dict[str, Any]) -> None:
    """The rows of an input are each used, or told what became of them."""
    parts = [row[f"rows_{part}"] for part in PARTS]
    assert row["rows_read"] == sum(parts), row
    assert min(parts) >= 0, row
    assert 0 <= row["rows_repaired"] <= row["rows_used"], row
