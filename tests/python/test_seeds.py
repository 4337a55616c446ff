"""Seeds that a user replaces after a first build, each in the same database, without `--full-refresh`.

A replacement may have the required columns only, in any order, or no rows. It loads without a warning, and no text in
it is read as a number.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from harness import PACKAGE, Project

SEEDS = sorted(path.stem for path in (PACKAGE / "seeds").glob("*.csv"))
SELECTION = ("--select", "resource_type:seed", "+stg_account_mapping__settings_*")
# what a replacement may leave out
OPTIONAL = {
    "deal_stages": ("stage_name", "stage_rank", "probability"),
    "hosts": ("pages",),
    "legal_forms": ("position", "script", "jurisdictions"),
    "match_overrides": ("decided_by", "decided_on"),
    "partners": ("partner_type", "tier", "secret_env", "agreement_id", "epoch", "count_noise_budget"),
    "play_rules": (
        "ask", "give_back", "recent_win_points", "long_customer_points", "new_overlap_points", "owners_known_points",
        "open_amount_points", "recent_days", "long_customer_days", "full_amount",
    ),
    "placeholders": ("note",),
    "populations": ("field", "value"),
    "sharing_agreements": ("minimum_count", "valid_from", "valid_until"),
    "target_accounts": ("account_id", "domain"),
}  # fmt: skip
# what a careless reader takes for a separator, a quote or nothing; and for numbers
TRICKY = ("a;b|c, \"d\" and 'e'", "x;y", "null", " spaced ")
NUMBER_LIKE = ("007", "010", "1.10", "1_000")
# by type, where not any text will do
VALUES = {
    "date": ("2026-01-01", "2026-01-02", "2026-12-31", "2026-02-28"),
    "boolean": ("true", "false", "true", "false"),
    "integer": ("1", "2", "3", "4"),
    "double": ("0.5", "-2", "3", "4"),
    "decimal(18,8)": ("0.5", "1", "3", "4"),
    "decimal(5,4)": ("0.5", "1", "0", "0.0625"),
}


def types_of(name: str) -> dict[str, str]:
    """Types of a seed's columns, as its properties say."""
    properties = yaml.safe_load((PACKAGE / "seeds" / f"{name}.yml").read_text())["seeds"][0]
    stated = {column["name"]: column["data_type"] for column in properties["columns"] if "data_type" in column}
    return {**properties["config"]["column_types"], **stated}


def required_of(name: str) -> list[str]:
    """Required columns, in another order than the package's."""
    optional = OPTIONAL.get(name.removeprefix("account_mapping__"), ())
    return sorted((column for column in types_of(name) if column not in optional), reverse=True)


def rows_of(name: str, columns: list[str], texts: tuple[str, ...]) -> list[dict[str, str]]:
    """Four rows; `texts` where a column takes any."""
    types = types_of(name)
    return [{column: VALUES.get(types[column], texts)[number] for column in columns} for number in range(len(texts))]


@dataclass(frozen=True)
class Loaded:
    """What each seed held after a build, as text, and the warnings of that build."""

    rows: Mapping[str, list[dict[str, str]]]
    warned: list[str]


def load(project: Project, files: Mapping[str, list[dict[str, str]]], columns: Mapping[str, list[str]]) -> Loaded:
    for name in SEEDS:
        project.write_seed(name, files[name], columns[name])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", RuntimeWarning)
        result = project.run("build", *SELECTION, "--exclude-resource-type", "test", "unit_test")
    assert result.success, result.text
    found: dict[str, list[dict[str, Any]]] = {
        name: project.query(f"select coalesce(columns(*)::varchar, '') from {name} order by all") for name in SEEDS
    }
    told = [str(warning.message) for warning in caught if issubclass(warning.category, RuntimeWarning)]
    return Loaded(found, told)


@pytest.fixture(scope="module")
def replaced(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Loaded]:
    """The builds after the first one, which had the package's own seeds."""
    project = Project(tmp_path_factory.mktemp("seeds"))
    first = project.run("build", *SELECTION, "--exclude-resource-type", "test", "unit_test")
    assert first.success, first.text
    assert project.query("select count(*) > 40 as many from account_mapping__status_rules") == [{"many": True}]
    required = {name: required_of(name) for name in SEEDS}
    every = {name: sorted(types_of(name)) for name in SEEDS}
    tricky, number_like, none = (
        {name: rows_of(name, columns[name], texts) for name in SEEDS}
        for columns, texts in ((required, TRICKY), (every, NUMBER_LIKE), (required, ()))
    )
    return {
        "required": load(project, tricky, required),
        "empty": load(project, none, required),
        "every": load(project, number_like, every),
    }


def normal(name: str, rows: list[dict[str, str]]) -> list[tuple]:
    """Rows in one order, numbers as numbers."""
    types = types_of(name)
    numeric = ("integer", "double", "decimal(18,8)", "decimal(5,4)")
    return sorted(
        tuple((column, float(row[column]) if types[column] in numeric else row[column]) for column in sorted(row))
        for row in rows
    )


@pytest.mark.parametrize("name", SEEDS)
def test_a_replacement_with_the_required_columns_only_is_loaded_as_it_is(replaced, name):
    written = rows_of(name, required_of(name), TRICKY)
    assert normal(name, replaced["required"].rows[name]) == normal(name, written)
    assert replaced["empty"].rows[name] == []


@pytest.mark.parametrize("name", SEEDS)
def test_a_replacement_with_every_column_keeps_each_text(replaced, name):
    written = rows_of(name, sorted(types_of(name)), NUMBER_LIKE)
    assert normal(name, replaced["every"].rows[name]) == normal(name, written)


@pytest.mark.parametrize("build", ["required", "empty", "every"])
def test_no_replacement_makes_dbt_warn(replaced, build):
    assert replaced[build].warned == []
