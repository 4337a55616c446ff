"""The harness itself: what it leaves out of a parse and runs again without dbt is what dbt makes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import yaml
from harness import AS_OF, COMPILED_VARS, PACKAGE, Project

PARTNERS = [
    {"partner_id": "nimbus", "partner_name": "Nimbus", "exchange": "list", "is_active": "true"},
    {"partner_id": "stratus", "partner_name": "Stratus", "exchange": "list", "is_active": "true"},
]


def write(project: Project, names: str, partner_names: str) -> None:
    """Companies by their initials, and which of them each of two partners knows."""

    def rows(prefix: str, initials: str) -> list[dict[str, Any]]:
        return [
            {
                "account_id": f"{prefix}{initial}",
                "account_name": f"{initial * 3}orth Works",
                "website": f"{initial}orth-works.com",
                "status": "customer" if initial in "ace" else "prospect",
                "open_amount": "12.50" if initial in "bc" else None,
            }
            for initial in initials
        ]

    project.write_table("generic.accounts", rows("", names))
    project.write_table(
        "partners.partner_accounts",
        [
            {"partner_id": partner, **row}
            for partner, initials in zip(("nimbus", "stratus"), partner_names.split(), strict=True)
            for row in rows("p", initials)
        ],
    )


def tables(project: Project) -> dict[str, list[dict[str, Any]]]:
    """Rows of every table and view of the main schemas, but the id of the run, and of each column its type."""
    found = {}
    for row in project.query(
        "select schema_name, table_name, "
        "string_agg(column_name || ' ' || data_type || is_nullable order by column_index) as columns "
        "from duckdb_columns() where starts_with(schema_name, 'main') and not internal group by all"
    ):
        name = f'"{row["schema_name"]}"."{row["table_name"]}"'
        rows = project.query(f"select * exclude (build_id) from {name} order by all" if "build_id" in row["columns"]
                             else f"from {name} order by all")  # fmt: skip
        found[name] = [{"columns": row["columns"]}, *rows]
    return found


def test_models_made_again_are_what_dbt_makes(make_project: Callable[..., Project]) -> None:
    """Every model, with its history: first made, made again with other rows and settings, and so for an earlier day."""
    by_dbt, again = (
        make_project(name=name, variables={"account_mapping__crms": ["generic"], "account_mapping__history": True})
        for name in ("by_dbt", "again")
    )
    steps = [
        ("2026-03-01", "abcd", "bc cd", PARTNERS),
        ("2026-03-05", "acdef", "bcf d", PARTNERS),
        ("2026-03-03", "acde", "bf ad", [PARTNERS[0] | {"is_active": "false"}, PARTNERS[1]]),
    ]
    for project in (by_dbt, again):
        for number, (day, names, partner_names, partners) in enumerate(steps):
            write(project, names, partner_names)
            project.write_seed("account_mapping__partners", partners)
            if project is again or number < 2:
                project.make("*", variables={AS_OF: day})
            else:
                left_out = ("--exclude-resource-type", "test", "saved_query")
                result = project.run("build", *left_out, variables={AS_OF: day})
                assert result.success, result.text
    wanted, found = tables(by_dbt), tables(again)
    assert len(wanted) > 100
    assert [name for name in wanted if found[name] != wanted[name]] == []
    assert found.keys() == wanted.keys()


def test_a_row_that_a_contract_refuses_is_refused_by_a_model_made_again(make_project: Callable[..., Project]) -> None:
    project = make_project(variables={"account_mapping__crms": ["generic"]})
    folder = project.folder / "models"
    folder.mkdir()
    (folder / "kept.sql").write_text("{{ config(materialized='table') }} select id from raw.rows")
    column = {"name": "id", "data_type": "integer", "constraints": [{"type": "not_null"}]}
    kept = {"name": "kept", "config": {"contract": {"enforced": True}}, "columns": [column]}
    (folder / "kept.yml").write_text(yaml.safe_dump({"models": [kept]}))
    for rows in ("1", "2"):
        project.write_table("raw.rows", f"select {rows}::integer as id")
        project.make("kept")
        assert project.query("from kept") == [{"id": int(rows)}]
    project.write_table("raw.rows", "select null::integer as id")
    with pytest.raises(Exception, match="NOT NULL constraint failed"):
        project.make("kept")


def read_by_parser(text: str, suffix: str) -> str:
    """What of a file dbt renders while it parses: YAML but for descriptions, and the calls of config()."""
    if suffix == ".sql":
        return " ".join(re.findall(r"\bconfig\(.*?\)\s*(?:-?\}\})", text, re.DOTALL))

    def told(value: Any) -> str:
        if isinstance(value, Mapping):
            return " ".join(told(part) for name, part in value.items() if name != "description")
        return " ".join(map(told, value)) if isinstance(value, list) else str(value)

    return told(yaml.safe_load(text))


def with_macros(text: str, macros: Mapping[str, str]) -> str:
    """A text with the text of every macro that it calls."""
    seen: set[str] = set()
    while called := {name for name in macros if re.search(rf"\b{name}\(", text)} - seen:
        seen |= called
        text += " ".join(macros[name] for name in called)
    return text


@pytest.mark.quick
def test_vars_that_are_left_out_of_a_parse_are_read_after_it() -> None:
    """A ref that depends on one would be an error of dbt's when it compiles."""
    files = [
        path
        for room in ("models", "python_models", "seeds", "tests/generic", "tests/singular")
        for path in (PACKAGE / room).rglob("*")
        if path.suffix in (".sql", ".yml")
    ]
    macros = {path.stem: path.read_text() for path in (PACKAGE / "macros").rglob("*.sql")}
    texts = {path.name: with_macros(read_by_parser(path.read_text(), path.suffix), macros) for path in files}
    assert any("account_mapping__history" in text for text in texts.values())
    assert "column_candidates" in texts["__generic__sources.yml"], "a macro in YAML"
    read = {var: [name for name, text in texts.items() if re.search(rf"\b{var}\b", text)] for var in COMPILED_VARS}
    assert {var: names for var, names in read.items() if names} == {}
    assert set(COMPILED_VARS) <= set(yaml.safe_load((PACKAGE / "dbt_project.yml").read_text())["vars"])
