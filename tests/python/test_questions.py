"""Pages of queries: each runs on the demo and prints what its page says. BI tools: the export, and SQLAlchemy on it.

usage: python tests/python/test_questions.py DATABASE

writes what the queries give on a demo's database into the pages.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import duckdb
import pytest

from report.export import export, public_marts
from report.marts import ReportError

PACKAGE = Path(__file__).resolve().parents[2]
PAGES = [PACKAGE / "docs" / name for name in ("questions.md", "why_another_number.md")]
BLOCK = re.compile(r"```sql\n(?P<sql>.*?)\n```\n(?:```text\n(?P<shown>.*?)\n```\n)?", re.DOTALL)


def shown(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """The rows of a query as an aligned table; numbers to the right."""
    relation = connection.sql(sql)
    rows = [["" if value is None else str(value) for value in row] for row in relation.fetchall()]
    assert rows, f"no rows: {sql}"
    numbers = [
        str(kind) in ("BIGINT", "INTEGER", "DOUBLE", "HUGEINT") or "DECIMAL" in str(kind) for kind in relation.types
    ]
    widths = [max(map(len, column)) for column in zip(relation.columns, *rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if is_number else cell.ljust(width)
            for cell, width, is_number in zip(row, widths, numbers, strict=True)
        ).rstrip()
        for row in (relation.columns, *rows)
    )


def rewritten(page: str, connection: duckdb.DuckDBPyConnection) -> str:
    """The page with the output of each of its queries."""
    return BLOCK.sub(
        lambda block: f"```sql\n{block['sql']}\n```\n```text\n{shown(connection, block['sql'])}\n```\n", page
    )


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_the_page_shows_what_its_queries_give(demo, path: Path) -> None:
    page = path.read_text()
    blocks = list(BLOCK.finditer(page))
    assert blocks and all(block["shown"] for block in blocks)
    with duckdb.connect(str(demo.database), read_only=True) as connection:
        assert rewritten(page, connection) == page


def test_every_mart_answers_a_question() -> None:
    asked = "\n".join(path.read_text() for path in PAGES)
    missing = [mart for mart in public_marts() if mart not in asked]
    # what changed is read from the changes, made of the intervals
    assert missing == ["account_mapping__overlap_history"]


def test_the_numbers_of_the_other_number_page_belong_together(demo) -> None:
    sql = BLOCK.search(PAGES[1].read_text())["sql"]
    with duckdb.connect(str(demo.database), read_only=True) as connection:
        steps = {step: number for step, _, number in connection.sql(sql).fetchall()}
        covered, matched = connection.sql(
            "select covered_accounts, matched_partner_accounts from account_mapping__partner_coverage "
            "where partner_id = 'northwind_cloud' and rollup = 'account' and our_status = 'all' and target_list = 'all'"
        ).fetchall()[0]
    assert (steps[3], steps[4]) == (covered, matched)
    assert steps[5] <= min(steps[3], steps[4]) and steps[2] >= max(steps[3], steps[4])
    assert steps[1] >= steps[2] and steps[8] <= steps[3] and steps[10] <= steps[3]


@pytest.fixture(scope="module")
def published(demo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    export(demo.database, folder)
    return folder


def test_the_export_holds_the_public_marts_and_nothing_else(demo, published: Path) -> None:
    marts = public_marts()
    assert len(marts) >= 17 and not any("shared" in mart for mart in marts)
    assert sorted(path.name for path in published.iterdir()) == sorted(
        [*(f"{mart}.parquet" for mart in marts), "marts.duckdb"]
    )
    with duckdb.connect(str(demo.database), read_only=True) as source, duckdb.connect() as target:
        target.execute(f"attach '{published}/marts.duckdb' as marts (read_only)")
        assert sorted(name for (name,) in target.sql("select table_name from duckdb_tables()").fetchall()) == marts
        for mart in marts:
            count = source.sql(f"select count(*) from {mart}").fetchall()
            assert target.sql(f"select count(*) from marts.{mart}").fetchall() == count
            assert target.sql(f"select count(*) from '{published}/{mart}.parquet'").fetchall() == count
        tags = target.sql(
            "select tags['storage_version'] from duckdb_databases() where database_name = 'marts'"
        ).fetchall()
        assert tags[0][0].startswith("v1.4"), "readers on DuckDB 1.4 open no newer file"


def test_a_failed_export_leaves_the_former_one(published: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in published.iterdir()}
    with duckdb.connect(str(tmp_path / "none.duckdb")) as connection:
        connection.execute("create table other as select 1 as one")
    for source, message in (
        (tmp_path / "none.duckdb", "has no mart in schema main"),
        (tmp_path / "missing.duckdb", "There is no file"),
    ):
        with pytest.raises(ReportError, match=message):
            export(source, published)
    assert {path.name: path.read_bytes() for path in published.iterdir()} == before


def test_the_same_marts_give_the_same_parquet_files(demo, published: Path, tmp_path: Path) -> None:
    export(demo.database, tmp_path)
    for path in published.glob("*.parquet"):
        assert path.read_bytes() == (tmp_path / path.name).read_bytes(), path.name


def test_sqlalchemy_reads_the_marts_as_superset_does(published: Path) -> None:
    import sqlalchemy

    engine = sqlalchemy.create_engine(f"duckdb:///{published}/marts.duckdb", connect_args={"read_only": True})
    try:
        inspector = sqlalchemy.inspect(engine)
        assert sorted(inspector.get_table_names()) == public_marts()
        tables = sqlalchemy.MetaData()
        tables.reflect(engine)
        with engine.connect() as connection:
            for table in tables.sorted_tables:
                columns = [column["name"] for column in inspector.get_columns(table.name)]
                assert [column.name for column in table.columns] == columns and columns
                rows = connection.execute(sqlalchemy.select(table).limit(5)).fetchall()
                assert rows and len(rows[0]) == len(columns), table.name
            matrix = tables.tables["account_mapping__overlap_matrix"]
            counted = sqlalchemy.select(matrix.c.partner_id, sqlalchemy.func.sum(matrix.c.our_accounts)).where(
                matrix.c.rollup == "account"
            )
            rows = connection.execute(counted.group_by(matrix.c.partner_id).order_by(matrix.c.partner_id)).fetchall()
            assert [partner for partner, _ in rows][:2] == ["brasshelm_security", "lumen_data"] and len(rows) == 5
            assert all(count > 100 for _, count in rows)
    finally:
        engine.dispose()


if __name__ == "__main__":
    with duckdb.connect(sys.argv[1], read_only=True) as demo_database:
        for page_path in PAGES:
            page_path.write_text(rewritten(page_path.read_text(), demo_database))
