"""Copies of the public marts, and of nothing else, for BI tools and agents: Parquet files and a DuckDB file.

In the DuckDB file each mart and column has its description as a comment.

Each file is replaced in one step, so that a reader sees the former or the new one; what is shared with partners,
account_mapping__known_people, and all that lies below the marts, stay behind. The same marts give the same Parquet
files.

Parquet and DuckDB say that a column is text, and nothing runs it: ids stay as they are. A CSV says nothing, so a
spreadsheet would take an id such as `=1` or `-1` for a formula, as it would a name. In CSV every text that starts like
one has an apostrophe in front; take that away to have the id.
"""

from __future__ import annotations

import codecs
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import yaml

from .marts import ReportError, attach, identifier, quoted

MODELS = Path(__file__).resolve().parents[1] / "models"
# the oldest DuckDB whose readers open the file
STORAGE = "v1.4.0"
DATABASE = "marts.duckdb"
# contacts by their addresses: a copy of it would stay when a person is forgotten
KEPT_BACK = {"account_mapping__known_people"}
# the start of a formula, as macro spreadsheet_safe has it
FORMULA = (
    r"^[\x{00}-\x{20}\x22\x60\x{7f}-\x{a0}\x{ab}\x{ad}\x{b4}\x{bb}\x{34f}\x{61c}\x{115f}\x{1160}\x{1680}"
    r"\x{17b4}\x{17b5}\x{180b}-\x{180f}\x{2000}-\x{200f}\x{2018}-\x{201f}\x{2028}-\x{202f}\x{205f}-"
    r"\x{206f}\x{2039}\x{203a}\x{2800}\x{3000}\x{300c}-\x{300f}\x{3164}\x{fe00}-\x{fe0f}\x{feff}\x{ff02}"
    r"\x{ff07}\x{ffa0}\x{fff0}-\x{fffb}\x{e0000}-\x{e0fff}]*[=+@\x{2212}\x{fe62}\x{fe63}\x{fe66}\x{fe6b}"
    r"\x{ff0b}\x{ff0d}\x{ff1d}\x{ff20}-]"
)


def public_marts() -> list[str]:
    """Names of the package's public marts that are copied, as its models say."""
    paths = MODELS.rglob("account_mapping__*.sql")
    return sorted(path.stem for path in paths if path.parent.name != "shared" and path.stem not in KEPT_BACK)


def described(marts: list[str]) -> Iterator[tuple[str, str | None, str]]:
    """Mart, column (None: the mart itself) and description of each, as the package's YAML has it."""
    block = r"\{% docs (\w+) %\}(.*?)\{% enddocs %\}"
    docs = dict(re.findall(block, (MODELS / "docs.md").read_text(encoding="utf-8"), re.DOTALL))
    for path in sorted(MODELS.rglob("account_mapping__*.yml")):
        for model in yaml.safe_load(path.read_text(encoding="utf-8"))["models"]:
            if model["name"] in marts:
                for column in ({"description": model["description"]}, *model["columns"]):
                    text = re.sub(r'\{\{ doc\("(\w+)"\) \}\}', lambda doc: docs[doc[1]], column["description"])
                    yield model["name"], column.get("name"), " ".join(text.split())


def write_comments(connection: duckdb.DuckDBPyConnection, database: str, marts: list[str]) -> None:
    """Put descriptions on the marts of an attached database and on those of their columns that are there."""
    there = set(
        connection.execute(
            "select table_name, column_name from duckdb_columns() where database_name = ?", [database]
        ).fetchall()
    )
    for mart, column, text in described(marts):
        literal = "'" + text.replace("'", "''") + "'"
        if column is None:
            connection.execute(f"comment on table {database}.{identifier(mart)} is {literal}")
        elif (mart, column) in there:
            connection.execute(f"comment on column {database}.{identifier(mart)}.{identifier(column)} is {literal}")


def write_csv(connection: duckdb.DuckDBPyConnection, table: str, path: Path) -> None:
    """Write a table for spreadsheets: UTF-8 with a byte order mark, by which Excel knows it, and no text a formula."""
    columns = []
    for name, kind, *_ in connection.execute(f"describe {table}").fetchall():
        column = identifier(name)
        if kind == "VARCHAR":
            column = f"if(regexp_matches({column}, '{FORMULA}'), '''' || {column}, {column}) as {column}"
        columns.append(column)
    connection.execute(
        f"copy (select {', '.join(columns)} from {table} order by all) to '{quoted(path)}' (format csv, header)"
    )
    with path.open("rb") as written, path.with_suffix(".marked").open("wb") as marked:
        marked.write(codecs.BOM_UTF8)
        shutil.copyfileobj(written, marked)
    path.with_suffix(".marked").replace(path)


def export(source: Path, folder: Path, schema: str = "main", csv: bool = False) -> dict[str, int]:
    """Write the marts that `source` has into `folder`. Returns rows by mart. Raises ReportError when there is none.

    csv: whether a CSV for spreadsheets stands beside each Parquet file.
    """
    kinds = ("parquet", "csv") if csv else ("parquet",)
    with duckdb.connect() as connection:
        there = attach(connection, source, schema)
        names = [name for name in public_marts() if name in there]
        if not names:
            raise ReportError(f"{source} has no mart in schema {schema}: run dbt build, or name another --schema.")
        folder.mkdir(parents=True, exist_ok=True)
        database = folder / f".{DATABASE}.new"
        database.unlink(missing_ok=True)
        connection.execute(f"attach '{quoted(database)}' as target (storage_version '{STORAGE}')")
        rows = {}
        for name in names:
            connection.execute(f"create table target.{name} as select * from {there[name]} order by all")
            rows[name] = connection.sql(f"select count(*) from target.{name}").fetchall()[0][0]
            written = folder / f".{name}.parquet.new"
            connection.execute(f"copy target.{name} to '{quoted(written)}' (format parquet)")
            if csv:
                write_csv(connection, f"target.{name}", folder / f".{name}.csv.new")
        write_comments(connection, "target", names)
        connection.execute("detach target")
    for name in names:
        for kind in kinds:
            (folder / f".{name}.{kind}.new").replace(folder / f"{name}.{kind}")
    database.replace(folder / DATABASE)
    return rows
