"""The example of docs/your_crm.md: its tables give what the page says was read, and its data issues.

usage: python tests/python/test_your_crm.py

writes the outputs into the page anew.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import duckdb
from harness import PACKAGE, Project
from test_questions import shown

PAGE = PACKAGE / "docs" / "your_crm.md"
TABLES = re.compile(r"```sql\n(create .*?)\n```", re.DOTALL)
QUERY = re.compile(r"```sql\n(?P<sql>select .*?)\n```\n```text\n(?P<shown>.*?)```", re.DOTALL)


def rewritten(page: str, folder: Path) -> str:
    """The page with the output of each of its queries on its own tables."""
    project = Project(
        folder, variables={"account_mapping__crms": ["salesforce"], "account_mapping__as_of": "2026-11-15"}
    )
    project.execute(TABLES.search(page)[1])
    project.make("+account_mapping__inputs", "+account_mapping__data_issues")
    with duckdb.connect(str(project.database), read_only=True) as connection:
        return QUERY.sub(
            lambda block: f"```sql\n{block['sql']}\n```\n```text\n{shown(connection, block['sql'])}\n```", page
        )


def test_the_page_shows_what_is_read(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert len(QUERY.findall(page)) == 2
    assert rewritten(page, tmp_path / "project") == page


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8"), Path(place) / "project"), encoding="utf-8")
