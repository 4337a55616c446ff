"""Questions by which an agent is judged: each has SQL on the marts and its answer on the demo, which a test compares.

usage: PYTHONPATH=.:tests/python python tests/python/test_evaluation_questions.py DATABASE

writes what the SQL gives on a demo's database into docs/evaluation_questions.jsonl.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest
from sqlglot import exp, parse_one

from report.export import DATABASE, export, public_marts
from report.marts import simple

PAGE = Path(__file__).resolve().parents[2] / "docs" / "evaluation_questions.jsonl"
TOPICS = {
    *("coverage", "ecosystem", "overlap", "plays", "owners", "whitespace", "history", "quality", "issues", "freshness"),
    *("why_not_matched", "exclusions", "families", "sharing", "impact", "populations", "deals"),
}
# what is not in the copy that an agent gets
WAREHOUSE_ONLY = {
    f"account_mapping__{name}" for name in ("shared_keys", "shared_counts", "shared_fields", "sharing_preview")
}


def questions() -> list[dict[str, Any]]:
    """The page's questions, in its order."""
    return [json.loads(line) for line in PAGE.read_text(encoding="utf-8").splitlines()]


def tables(sql: str) -> set[str]:
    """The tables that a query reads, common table expressions aside."""
    parsed = parse_one(sql, dialect="duckdb")
    return {table.name for table in parsed.find_all(exp.Table)} - {cte.alias for cte in parsed.find_all(exp.CTE)}


def answer(connection: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    """The rows of a query as JSON knows them; a sum of whole numbers is one too."""
    relation = connection.sql(sql)
    whole = {name for name, kind in zip(relation.columns, relation.types, strict=True) if str(kind) == "HUGEINT"}
    return [
        {name: int(value) if name in whole and value is not None else simple(value) for name, value in row.items()}
        for row in relation.to_arrow_table().to_pylist()
    ]


def answered(database: Path, folder: Path) -> list[dict[str, Any]]:
    """Every question with its answer now: on the copy of the marts, made in `folder`, or on the warehouse."""
    export(database, folder)
    sources = {"copy": folder / DATABASE, "warehouse": database}
    found = []
    for question in questions():
        with duckdb.connect(str(sources[question["reads"]]), read_only=True) as connection:
            found.append(question | {"answer": answer(connection, question["sql"])})
    return found


def written(asked: list[dict[str, Any]]) -> str:
    """The page: one question a line."""
    return "".join(json.dumps(question, ensure_ascii=False) + "\n" for question in asked)


@pytest.fixture(scope="module")
def answers(demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[dict[str, Any]]]:
    yield answered(demo.database, tmp_path_factory.mktemp("copy"))


def test_every_answer_is_that_of_the_demo(answers: list[dict[str, Any]]) -> None:
    for asked, now in zip(questions(), answers, strict=True):
        assert asked["answer"] and now["answer"] == asked["answer"], asked["id"]
    assert written(answers) == PAGE.read_text(encoding="utf-8")


def test_the_questions_differ_and_are_as_many_as_the_page_says() -> None:
    asked = questions()
    for part in ("id", "question", "sql"):
        assert len({question[part] for question in asked}) == len(asked) >= 60, part
    page = (PAGE.parent / "agents.md").read_text(encoding="utf-8")
    numbers = re.findall(r"(?:has|runs all) (\d+)", page)
    assert numbers == [str(len(asked))] * 2
    topics = Counter(question["topic"] for question in asked)
    assert topics.keys() == TOPICS and min(topics.values()) >= 2
    for question in asked:
        assert list(question) == ["id", "topic", "question", "reads", "sql", "answer"], question["id"]
        assert question["question"].endswith((".", "?")) and not question["question"].startswith("select")


def test_a_question_reads_public_marts_and_says_where_they_are() -> None:
    asked: set[str] = set()
    for question in questions():
        read = tables(question["sql"])
        asked |= read
        assert read <= {*public_marts(), *WAREHOUSE_ONLY}, question["id"]
        assert question["reads"] == ("warehouse" if read & WAREHOUSE_ONLY else "copy"), question["id"]
    assert set(public_marts()) <= asked, "a mart that no question asks"
    # docs/agents.md says how many
    assert [question["reads"] for question in questions()].count("warehouse") == 2


def test_a_query_of_an_intermediate_is_seen() -> None:
    assert tables("with a as (select * from int_x) select * from a, b") == {"int_x", "b"}


if __name__ == "__main__":
    with TemporaryDirectory() as made:
        renewed = written(answered(Path(sys.argv[1]), Path(made)))
    PAGE.write_text(renewed, encoding="utf-8")
