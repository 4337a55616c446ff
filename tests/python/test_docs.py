"""What dbt docs shows: every model, column, seed, source and macro is described, and nothing that is not there.

One project reads every source, so that every relation of the package exists; its columns are compared with the
manifest.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import duckdb
import pytest
import yaml
from harness import PACKAGE, Project
from test_staging_spellings import MINIMAL_TABLES

OWN_KEY = {
    "partner_id": "nimbus",
    "agreement_id": "a",
    "epoch": "1",
    "normaliser_version": "1",
    "key_type": "account",
    "token": "0" * 64,
    "account_token": "0" * 64,
}


# marts whose columns had to change
SECOND = {"account_mapping__shared_counts": 2}


@dataclass(frozen=True)
class Documented:
    """The manifest, and the columns of every relation by its name, in lower case."""

    manifest: dict
    columns: dict[str, list[str]]

    def own(self, kind: str) -> list[dict]:
        """The package's models, seeds, ... of a kind."""
        return [
            node
            for node in self.manifest["nodes"].values()
            if node["package_name"] == "account_mapping" and node["resource_type"] == kind
        ]


@pytest.fixture(scope="module")
def documented(tmp_path_factory: pytest.TempPathFactory) -> Documented:
    project = Project(
        tmp_path_factory.mktemp("docs"),
        variables={
            "account_mapping__crms": [*MINIMAL_TABLES, "shared_keys"],
            "account_mapping__history": True,
            "account_mapping__semantic_layer": True,
        },
        own_seeds=False,
    )
    for crm, tables in MINIMAL_TABLES.items():
        project.write_tables({f"{crm}.{table}": rows for table, rows in tables.items()})
    project.write_table("own.shared_keys", [OWN_KEY])
    result = project.run("build", "--exclude-resource-type", "test")
    assert result.success, result.text
    columns: dict[str, list[str]] = {}
    with duckdb.connect(str(project.database), read_only=True) as connection:
        for table, column in connection.sql("select table_name, column_name from duckdb_columns()").fetchall():
            columns.setdefault(table, []).append(column)
    return Documented(project.manifest(), columns)


def test_columns_described_are_the_columns_that_there_are(documented):
    """Public columns all are described. A column below the marts may go without where another place tells it."""
    nodes = [*documented.own("model"), *documented.own("seed")]
    assert len(nodes) > 100
    told = {column for node in nodes for column in node["columns"]}
    told |= {block["name"].removeprefix("account_mapping__") for block in documented.manifest["docs"].values()}
    wrong = {}
    for node in nodes:
        described, real = set(node["columns"]), set(documented.columns[node["alias"]])
        is_public = node["name"].startswith("account_mapping__")
        untold = real - described if is_public else real - described - told
        if untold or described - real:
            wrong[node["name"]] = {"not described": sorted(untold), "not there": sorted(described - real)}
    assert wrong == {}, json.dumps(wrong)


def test_every_model_seed_and_column_says_what_it_is(documented):
    nodes = [*documented.own("model"), *documented.own("seed")]
    assert [node["name"] for node in nodes if not node["description"].strip()] == []
    models = documented.own("model")
    assert [model["name"] for model in models if not re.search(r"[Oo]ne row", model["description"])] == []
    empty = [
        f"{node['name']}.{name}"
        for node in nodes
        for name, column in node["columns"].items()
        # not the name once more
        if len(column["description"]) < 5 or column["description"].strip(" .").lower() == name.replace("_", " ")
    ]
    assert empty == [], json.dumps(empty)


def test_every_source_group_and_metric_says_what_it_is(documented):
    for kind in ("sources", "groups", "metrics", "semantic_models"):
        nodes = [node for node in documented.manifest[kind].values() if node["package_name"] == "account_mapping"]
        assert nodes, kind
        assert [node["name"] for node in nodes if not node["description"]] == [], kind
    assert all(source["source_description"] for source in documented.manifest["sources"].values())
    for model in documented.manifest["semantic_models"].values():
        for kind in ("entities", "dimensions", "measures"):
            assert [part["name"] for part in model[kind] if not part["description"]] == [], model["name"]


def arguments(macro_sql: str) -> list[str]:
    """Names of a macro's arguments, from its own text."""
    signature = re.search(r"\{%-?\s*(?:macro|test)\s+\w+\s*\((.*?)\)\s*-?%\}", macro_sql, re.DOTALL)
    return re.findall(r"(\w+)\s*(?:=[^,]*)?(?:,|$)", " ".join(signature[1].split())) if signature else []


def test_arguments_are_read_from_a_macro_with_defaults():
    assert arguments("{% macro f(a, b=[], c='x' , d = none) %}") == ["a", "b", "c", "d"]
    assert arguments("{%- test t(model,\n  column_name=none\n) -%}") == ["model", "column_name"]
    assert arguments("{% macro f() %}") == []


def test_every_macro_and_its_arguments_are_described(documented):
    helper = re.compile(r"^(_|default__|duckdb__|spark__|databricks__)")
    macros = [
        macro
        for macro in documented.manifest["macros"].values()
        if macro["package_name"] == "account_mapping" and not helper.search(macro["name"])
    ]
    assert len(macros) > 50
    wrong = {}
    for macro in macros:
        described = [argument["name"] for argument in macro["arguments"] if argument["description"]]
        if not macro["description"] or described != arguments(macro["macro_sql"]):
            wrong[macro["name"]] = described, arguments(macro["macro_sql"])
    assert wrong == {}, json.dumps(wrong)


def test_every_mart_has_an_owner_a_contract_a_version_and_a_checked_grain(documented):
    nodes = documented.manifest["nodes"]
    groups = {
        group["name"]: group["owner"]
        for group in documented.manifest["groups"].values()
        if group["package_name"] == "account_mapping"
    }
    checked = {
        nodes[test["attached_node"]]["name"]
        for test in documented.own("test")
        if (test.get("test_metadata") or {}).get("name") == "account_mapping__grain"
    }
    marts = [model for model in documented.own("model") if model["name"].startswith("account_mapping__")]
    assert len(marts) >= 14
    for mart in marts:
        name = mart["name"]
        assert mart["config"]["contract"]["enforced"], name
        assert all(column["data_type"] for column in mart["columns"].values()), name
        assert mart["access"] == "public", name
        assert groups[mart["group"]]["name"], name
        keys = [constraint for constraint in mart["constraints"] if constraint["type"] == "primary_key"]
        assert keys or checked & {name, f"int_{name}"}, name
        # the version is in the key, not in the name that SQL and BI tools read
        version = SECOND.get(name, 1)
        assert (mart["version"], mart["latest_version"]) == (version, version) and mart["alias"] == name, name


def test_nothing_below_the_marts_is_shut_off_from_a_users_project(documented):
    """Private models could not be referred to by a project that installs the package, which does so today."""
    others = [model for model in documented.own("model") if not model["name"].startswith("account_mapping__")]
    assert {model["access"] for model in others} == {"protected"}
    assert {model["group"] for model in others} == {"account_mapping"}


def test_the_demos_exposures_name_every_mart_but_what_the_others_are_made_of(documented):
    """They stand in the demo's project: a user's catalogue holds none of the package."""
    exposures = yaml.safe_load((PACKAGE / "demo/project/models/_exposures.yml").read_text())["exposures"]
    assert all(exposure["description"] for exposure in exposures)
    exposed = {re.fullmatch(r"ref\('(\w+)'\)", ref)[1] for exposure in exposures for ref in exposure["depends_on"]}
    marts = {model["name"] for model in documented.own("model") if model["access"] == "public"}
    assert exposed <= marts
    assert {name for name in marts - exposed if not name.startswith("account_mapping__matches")} == set()
    assert documented.manifest["exposures"] == {}


def test_doc_blocks_are_used(documented):
    paths = [path for room in ("models", "python_models") for path in (PACKAGE / room).rglob("*.yml")]
    properties = "\n".join(path.read_text() for path in paths)
    docs = documented.manifest["docs"].values()
    blocks = [block["name"] for block in docs if block["package_name"] == "account_mapping"]
    assert len(blocks) > 50
    assert [name for name in blocks if f'doc("{name}")' not in properties] == []
