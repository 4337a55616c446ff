"""The package on engines other than DuckDB: what has a version of its own there, what parses, what gives the same.

What needs other adapters runs in the environment `.venvs/engines`, which `make engines-check` makes; without it such
tests are skipped, but where CI_ENGINES forbids it.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from conftest import Demo
from dbt.parser.models import PythonParseVisitor
from engine_cases import CASES, EXCEPTED_ALONE
from harness import PACKAGE

PYTHON = PACKAGE / ".venvs/engines/bin/python"
# Macros whose default__ is right on every engine.
FOR_ALL = {"attached_type", "check_engine", "keys_as_indexes", "materialized", "schema_tables", "text_literal"}
# Those of incremental models, whose default__ replaces rows in place.
KEEPING = {"replace_strategy", "former_rows", "keep_former", "drop_former", "with_former"}
# Macros of dbt itself that the package has another version of, for a project that asks for it.
OF_DBT = {"load_csv_rows"}
# No server is asked while dbt parses.
PROFILES: dict[str, dict[str, Any]] = {
    "duckdb": {"type": "duckdb", "path": ":memory:"},
    "spark": {"type": "spark", "method": "session", "host": "NA", "schema": "account_mapping"},
    "databricks": {
        "type": "databricks",
        "host": "nowhere.invalid",
        "http_path": "/sql/1.0/warehouses/none",
        "token": "none",
        "catalog": "main",
        "schema": "account_mapping",
    },
    "snowflake": {
        "type": "snowflake",
        "account": "none",
        "user": "none",
        "password": "none",
        "warehouse": "none",
        "database": "crm",
        "schema": "account_mapping",
    },
}
# Whatever a var switches on.
ALL_ON = {
    "account_mapping__crms": ["salesforce", "hubspot", "pipedrive", "dynamics_365", "generic", "shared_keys"],
    "account_mapping__history": True,
    "account_mapping__leads": "evidence",
    "account_mapping__people": True,
}


@pytest.fixture(scope="session")
def engines() -> Path:
    """Python of the environment that has the adapters; the test is skipped where there is none."""
    if not PYTHON.exists():
        missing = "`make engines-check` has not made the environment"
        if os.environ.get("CI_ENGINES"):
            pytest.fail(f"CI_ENGINES is set, but {missing}")
        pytest.skip(missing)
    return PYTHON


def dispatched(folder: Path) -> dict[str, set[str]]:
    """The macros below a folder that differ by engine, and the adapters that each has a version for."""
    code = "\n".join(path.read_text() for path in sorted(folder.rglob("*.sql")))
    found: dict[str, set[str]] = {name: set() for name in re.findall(r"adapter\.dispatch\(\s*'(\w+)'", code)}
    for adapter, name in re.findall(r"\{%-? macro (default|duckdb|spark)__(\w+)\(", code):
        found.setdefault(name, set()).add(adapter)
    return {name: adapters for name, adapters in found.items() if name not in OF_DBT}


def lacking(folder: Path) -> dict[str, str]:
    """What the dispatched macros below a folder lack, by name: a version for Spark, or a default that fails by name.

    Commands of the exchange and of `rerun` are DuckDB's alone: their default is an error that tells what to do instead.
    """
    code = "\n".join(path.read_text() for path in sorted(folder.rglob("*.sql")))
    wrong = {}
    for name, adapters in dispatched(folder).items():
        default = re.search(r"\{%-? macro default__" + name + r"\(.*?endmacro", code, re.DOTALL)
        body = default[0] if default else ""
        if not default:
            wrong[name] = "default__"
        elif name.startswith("account_mapping__"):
            if "raise_compiler_error" not in body or "target.type" not in body:
                wrong[name] = "error"
        elif name not in FOR_ALL | KEEPING:
            if "spark" not in adapters:
                wrong[name] = "spark__"
            elif f"_engine_lacks('{name}')" not in body:
                wrong[name] = "error"
    return wrong


def test_every_dispatched_macro_has_a_version_for_spark_and_fails_by_name_elsewhere():
    found = dispatched(PACKAGE / "macros")
    assert len(found) > 35 and found.keys() > FOR_ALL | KEEPING
    assert lacking(PACKAGE / "macros") == {}


@pytest.mark.parametrize(
    ("fault", "lacks"),
    [
        (
            ("macro spark__trim_whitespace(", "macro spark__other("),
            {"trim_whitespace": "spark__", "other": "default__"},
        ),
        (("_engine_lacks('trim_whitespace')", ""), {"trim_whitespace": "error"}),
        (("macro default__trim_whitespace(", "macro _other("), {"trim_whitespace": "default__"}),
    ],
)
def test_a_macro_that_lacks_one_is_named(tmp_path: Path, fault: tuple[str, str], lacks: dict[str, str]):
    code = (PACKAGE / "macros/cleaning/trim_whitespace.sql").read_text()
    assert fault[0] in code
    (tmp_path / "trim_whitespace.sql").write_text(code.replace(*fault))
    assert lacking(tmp_path) == lacks


def dbt(engines: Path, folder: Path, target: str, *arguments: str, variables: Mapping[str, Any] | None = None) -> str:
    """One dbt command on the package as a project of its own; returns what it said, after its exit code."""
    (folder / "profiles.yml").write_text(yaml.safe_dump({"account_mapping": {"target": target, "outputs": PROFILES}}))
    command = [engines, "-c", "from dbt.cli.main import cli; cli()", *arguments, "--vars", json.dumps(variables or {})]
    command += ["--project-dir", PACKAGE, "--profiles-dir", folder, "--target-path", folder, "--log-path", folder]
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "0"},
    )
    return f"{done.returncode}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("target", PROFILES)
def test_dbt_parses_for_an_engine_without_a_server(engines: Path, tmp_path: Path, target: str):
    said = dbt(engines, tmp_path, target, "parse", variables=ALL_ON)
    assert said.startswith("0\n"), said
    nodes = json.loads((tmp_path / "manifest.json").read_text())["nodes"]
    marts = {node["database"] for node in nodes.values() if node["name"] == "account_mapping__overlaps"}
    assert marts == {{"duckdb": "memory", "spark": None, "databricks": "main", "snowflake": "crm"}[target]}
    if target == "snowflake":
        inline = ["--inline", "select {{ account_mapping.trim_whitespace('x') }}"]
        said = dbt(engines, tmp_path, target, "compile", "--no-populate-cache", *inline, variables=ALL_ON)
        assert not said.startswith("0\n")
        assert "there is no version of the macro trim_whitespace for snowflake" in said


# --- the same macros on every engine


def asked(engine: str, python: Path | str, folder: Path) -> dict[str, dict[str, dict[str, str | None] | str]]:
    """What all CASES give, by setting of the engine and number of the case: text by the input's number, or an error."""
    (folder / "profiles.yml").write_text(yaml.safe_dump({"account_mapping": {"target": engine, "outputs": PROFILES}}))
    rows, queries = [], {}
    for number, case in enumerate(CASES):
        first = len(rows)
        rows += [(first + place, text) for place, text in enumerate(case.expected)]
        queries[str(number)] = case.sql(first, len(rows) - 1)
    # the macros alone, without the models, are parsed in no time
    project = {"name": "account_mapping", "profile": "account_mapping", "macro-paths": ["macros"]}
    (folder / "dbt_project.yml").write_text(yaml.safe_dump(project))
    (folder / "macros").symlink_to(PACKAGE / "macros", target_is_directory=True)
    request = {"target": engine, "folder": str(folder), "rows": rows, "queries": queries}
    done = subprocess.run(
        [python, Path(__file__).with_name("engines_worker.py")],
        input=json.dumps(request),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def unlike(found: dict[str, dict[str, str | None] | str]) -> list[tuple[Any, ...]]:
    """The cases that give something else than expected: (macro, input, found, expected)."""
    wrong: list[tuple[Any, ...]] = []
    first = 0
    for number, case in enumerate(CASES):
        given = found[str(number)]
        for place, (text, expected) in enumerate(case.expected.items()):
            if isinstance(given, str):
                wrong.append((case.macro, given))
                break
            if given.get(str(first + place)) != expected:
                wrong.append((case.macro, text, given.get(str(first + place)), expected))
        first += len(case.expected)
    return wrong


def test_every_macro_with_a_version_for_spark_has_a_case():
    tried = {case.macro for case in CASES}
    written = {name for name, adapters in dispatched(PACKAGE / "macros").items() if "spark" in adapters}
    # what these give depends on the profile, on the catalogue or on what a former run left: the builds show it
    assert written - tried == {"list_items", "attached_type", "check_engine", "schema_tables"} | KEEPING


def test_macros_give_what_is_expected_on_duckdb(tmp_path: Path):
    found = asked("duckdb", sys.executable, tmp_path)
    assert list(found) == ["duckdb"]
    assert unlike(found["duckdb"]) == []


def test_macros_give_what_is_expected_on_spark(engines: Path, tmp_path: Path):
    found = asked("spark", engines, tmp_path)
    assert list(found) == ["spark", "spark in ANSI mode"]
    for engine, given in found.items():
        assert unlike(given) == [], engine


# Of a varchar Spark wants to know the length.
TYPES = re.compile(r"string|integer|bigint|double|boolean|date|timestamp|decimal\(\d+, ?\d+\)")


def told_types(text: str) -> list[str]:
    """The types that a YAML file of models or seeds states."""
    told = yaml.safe_load(text)
    nodes = [*told.get("seeds", ()), *told.get("models", ())]
    types = [kind for node in nodes for kind in node.get("config", {}).get("column_types", {}).values()]
    described = [*nodes, *(version for node in nodes for version in node.get("versions", ()))]
    return types + [
        column["data_type"] for node in described for column in node.get("columns", ()) if "data_type" in column
    ]


def test_columns_have_types_that_every_engine_knows():
    files = [path for room in ("seeds", "models", "python_models") for path in (PACKAGE / room).rglob("*.yml")]
    wrong = {path.name: [kind for kind in told_types(path.read_text()) if not TYPES.fullmatch(kind)] for path in files}
    assert {name: kinds for name, kinds in wrong.items() if kinds} == {}
    fault = "seeds: [{name: x, config: {column_types: {a: varchar}}, columns: [{name: b, data_type: text}]}]"
    assert not any(TYPES.fullmatch(kind) for kind in told_types(fault))


# --- seeds

SEED = """key,note,amount,day,flag
1,,2.5,2026-01-31,true
2,"O'Brien \\ ""Söhne"" $1",,,
3,None,100,2024-02-29,false
"""
# A model that keeps rows: those of its key are replaced, and it reads what it had.
KEPT = """
{%- set key = ['item'] -%}
{{ config(
    materialized='incremental', incremental_strategy=account_mapping.replace_strategy(), unique_key=key,
    file_format='parquet', full_refresh=false, pre_hook="{{ account_mapping.keep_former(this) }}",
    post_hook="{{ account_mapping.drop_former(this) }}"
) }}
with final as (
    select
        seen.item,
        seen.amount {{ '+ coalesce(former.amount, 0)' if is_incremental() }} as amount
    from (
        {%- for item, amount in var('seen').items() %}
        select '{{ item }}' as item, {{ amount }} as amount {{ 'union all' if not loop.last }}
        {%- endfor %}
    ) as seen
    {% if is_incremental() -%}
    left join {{ account_mapping.former_rows(this) }} as former on seen.item = former.item
    {%- endif %}
)
{{ account_mapping.with_former('final', key, this) }}
"""
# run in a project with SEED and KEPT; prints what there is in the end
BUILT = """
import json, sys
target = sys.argv[1]
if target == "spark":
    from engines_spark import session
    spark = session()
    ask = lambda query: [tuple(row) for row in spark.sql(query).collect()]
    place = "account_mapping."
else:
    import duckdb
    def ask(query):
        with duckdb.connect("warehouse.duckdb") as connection:
            return connection.sql(query).fetchall() if query.startswith("select") else connection.execute(query)
    place = ""
from dbt.cli.main import dbtRunner
def dbt(*arguments):
    flags = ["--target", target, "--quiet", "--profiles-dir", ".", "--log-level", "none", "--project-dir", "."]
    outcome = dbtRunner().invoke([*arguments, *flags])
    assert outcome.success, outcome.exception or outcome.result.results[0].message
said = []
dbt("seed")
said.append(ask(f"select * from {place}lines order by 1"))
for seen in ({"a": 1, "b": 2}, {"b": 3, "c": 4}):
    dbt("run", "--vars", json.dumps({"seen": seen}))
    said.append(ask(f"select item, amount from {place}kept order by 1"))
if target == "spark":
    # a run that broke off while it wrote: what it had copied is the last whole state
    spark.sql(f"create table {place}kept__former using parquet as select * from {place}kept")
    spark.sql(f"truncate table {place}kept")
dbt("run", "--vars", json.dumps({"seen": {"c": 5}}))
said.append(ask(f"select item, amount from {place}kept order by 1"))
if target == "spark":
    said.append([row[1] for row in ask("show tables in account_mapping") if "former" in row[1]])
print(json.dumps(said, default=str))
"""


@pytest.mark.parametrize("target", ["duckdb", "spark"])
def test_seeds_keep_their_nulls_and_tables_their_rows(request: pytest.FixtureRequest, tmp_path: Path, target: str):
    """dbt-spark itself writes an empty cell as the text None, and cannot replace single rows of a table of Parquet."""
    python = request.getfixturevalue("engines") if target == "spark" else sys.executable
    outputs = {"duckdb": {"type": "duckdb", "path": "warehouse.duckdb"}, "spark": PROFILES["spark"]}
    (tmp_path / "profiles.yml").write_text(yaml.safe_dump({"account_mapping": {"outputs": outputs}}))
    # as the package itself, whose macros come before dbt's
    project: dict[str, Any] = {"name": "account_mapping", "profile": "account_mapping", "macro-paths": ["macros"]}
    project["seeds"] = {"+file_format": "parquet", "+column_types": {"key": "string"}}
    (tmp_path / "dbt_project.yml").write_text(yaml.safe_dump(project))
    (tmp_path / "macros").symlink_to(PACKAGE / "macros", target_is_directory=True)
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds/lines.csv").write_text(SEED)
    (tmp_path / "models").mkdir()
    (tmp_path / "models/kept.sql").write_text(KEPT)
    done = subprocess.run(
        [python, "-c", BUILT, target],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent), "DBT_SEND_ANONYMOUS_USAGE_STATS": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines, first, second, third, *left = json.loads(done.stdout.splitlines()[-1])
    assert lines == [
        ["1", None, 2.5, "2026-01-31", True],
        ["2", 'O\'Brien \\ "Söhne" $1', None, None, None],
        ["3", "None", 100.0, "2024-02-29", False],
    ]
    assert first == [["a", 1], ["b", 2]]
    assert second == [["a", 1], ["b", 5], ["c", 4]]
    assert third == [["a", 1], ["b", 5], ["c", 9]]
    assert left == ([[]] if target == "spark" else [])


# --- models that are written in Python


def engine_lines(code: str) -> str:
    """What a Python model says of the engine: from its comment to the model itself."""
    return code[code.index("# The engine, ") : code.index("def model(dbt, session):")]


def test_every_python_model_reads_and_writes_in_the_same_lines():
    models = {path.stem: path.read_text() for path in (PACKAGE / "python_models").rglob("*.py")}
    assert len(models) >= 12
    assert len({engine_lines(code) for code in models.values()}) == 1
    # and in no other way
    for name, code in models.items():
        rest = code.replace(engine_lines(code), "")
        own = re.findall(r"toArrow|mapInArrow|to_arrow_table|from_arrow_schema|fetchall|\.project\(|\.order\(", rest)
        assert own == [], name


# run beside engines_spark.py; prints how many of three rows are left of batches that have an empty one among them
EMPTY_BATCH = """
import sys
import pyarrow as pa
from engines_spark import session

space = {"__name__": "__main__"}
exec(open(sys.argv[1]).read(), space)
spark, schema = session(), space["SCHEMA"]
rows = [{name: f"{number}" for name in schema.names} for number in range(3)]
batches = [pa.RecordBatch.from_pylist(part, schema) for part in (rows[:1], [], rows[1:])]
print(space["result"](spark, schema, iter(batches)).count(), space["result"](spark, schema, iter([])).count())
print(spark.createDataFrame(pa.Table.from_batches(batches, schema)).count())
"""


@pytest.mark.parametrize("path", sorted((PACKAGE / "python_models").rglob("*.py")), ids=lambda path: path.stem)
def test_dbt_finds_every_reference_of_a_python_model(path: Path):
    """dbt looks for them in the text, and not everywhere: one inside a comprehension is unknown when the model runs."""
    text = path.read_text()
    visitor = PythonParseVisitor(SimpleNamespace(language="python"))
    visitor.visit(ast.parse(text))
    found = {arguments[0] for function, arguments, _ in visitor.dbt_function_calls if function == "ref"}
    assert found == set(re.findall(r"dbt\.ref\(\"(\w+)\"\)", text)) != set()


def test_an_empty_batch_takes_no_rows_with_it_on_spark(engines: Path, tmp_path: Path):
    done = subprocess.run(
        [engines, "-c", EMPTY_BATCH, PACKAGE / "python_models/counting/int_account_mapping__groups.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # the last: once all three are left, `result` need not combine them any more
    assert done.stdout.split() == ["3", "0", "1"]


# --- models


def test_each_model_alone_gives_on_spark_what_it_gives_on_duckdb(engines: Path, demo: Demo, tmp_path: Path):
    """Each reads what DuckDB made of the models before it, so that what differs is named where it begins."""
    done = subprocess.run(
        [engines, Path(__file__).with_name("engines_identity.py"), demo.database, demo.project, tmp_path / "compared"],
        env=os.environ | demo.secrets | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-5000:]
    found = json.loads(done.stdout)
    assert len(found) > 200
    assert {name: said for name, said in found.items() if said.get("error") or said.get("types")} == {}
    differ = {name: said["rows"] for name, said in found.items() if said["rows"]}
    # neither more nor fewer: what no more differs is no exception
    assert {name: rows for name, rows in differ.items() if name not in EXCEPTED_ALONE} == {}
    assert differ.keys() == EXCEPTED_ALONE.keys()
