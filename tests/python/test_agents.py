"""What agents get: llms.txt is true and short, and the set-up of docs/agents.md shows the marts and nothing else.

DuckDB itself is asked here as the page's server asks it. With ACCOUNT_MAPPING_AGENTS_SERVER, the server's program, the
server is asked too, over its standard input and output; `make agents-check` installs it and sets that.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from report.export import DATABASE, export, public_marts

PACKAGE = Path(__file__).resolve().parents[2]
LLMS = (PACKAGE / "llms.txt").read_text(encoding="utf-8")
PAGE = (PACKAGE / "docs" / "agents.md").read_text(encoding="utf-8")
QUESTIONS = PACKAGE / "docs" / "evaluation_questions.jsonl"
SERVER = os.environ.get("ACCOUNT_MAPPING_AGENTS_SERVER")
# what llms.txt sets in backticks and is no column: values, and the beginning of names
WORDS = {"account", "parent", "all", "not_shared", "review", "same", "shared_"}
ENDLESS = "range(10000000) a(i), range(10000000) b(i)"
INTERMEDIATE = "main_account_mapping.int_account_mapping__normalized"


def columns() -> dict[str, set[str]]:
    """Columns of every public mart, by the package's YAML; those that may leave, too."""
    models = [
        model
        for path in (PACKAGE / "models").rglob("account_mapping__*.yml")
        for model in yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
        if model["config"]["access"] == "public"
    ]
    return {model["name"]: {column["name"] for column in model["columns"] if "name" in column} for model in models}


def keys() -> dict[str, list[str]]:
    """Each mart that llms.txt lists, and its key there."""
    lines = re.findall(r"^- (account_mapping__\w+): .*\(([\w, ]+)\)$", LLMS, re.MULTILINE)
    return {mart: key.split(", ") for mart, key in lines}


def settings() -> list[str]:
    """The server's arguments as the page has them."""
    block = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert block
    server = json.loads(block[1])["mcpServers"]["account_mapping"]
    assert server["command"].endswith("/bin/mcp-server-motherduck")
    return server["args"]


def init_sql() -> str:
    """What runs before each query of the agent."""
    arguments = settings()
    return arguments[arguments.index("--init-sql") + 1]


# -------------------------------------------------------------------- llms.txt


def test_llms_txt_is_short_and_names_every_mart() -> None:
    assert len(LLMS.encode()) <= 4000
    assert keys().keys() == columns().keys() and len(keys()) >= 22


def test_every_column_in_llms_txt_exists() -> None:
    there = columns()
    for mart, key in keys().items():
        assert set(key) <= there[mart], mart
    quoted = [word for text in re.findall(r"`([^`]+)`", LLMS) for word in re.findall(r"\w+", text)]
    assert len(quoted) > 15
    assert {word for word in quoted if word not in WORDS} <= set.union(*there.values())


def test_the_keys_in_llms_txt_are_the_grains(demo) -> None:
    with duckdb.connect(str(demo.database), read_only=True) as connection:
        for mart, key in keys().items():
            sql = f"select count(*), count(distinct row({', '.join(key)})) from {mart}"
            rows, different = connection.sql(sql).fetchall()[0]
            # persons are told only where both sides wrote that down
            assert rows == different and (rows or mart == "account_mapping__known_people"), mart


def test_files_that_llms_txt_names_are_there() -> None:
    for name in re.findall(r"[\w/*]+\.(?:md|yml)", LLMS):
        assert list(PACKAGE.glob(name)), name


# -------------------------------------------------------------------- the copy, without a server


@pytest.fixture(scope="module")
def published(demo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("agents") / "published"
    export(demo.database, folder)
    return folder


@pytest.fixture
def agent(published: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection as the page's server makes it."""
    with duckdb.connect(str(published / DATABASE), read_only=True) as connection:
        connection.execute(init_sql())
        yield connection


def break_outs(demo: Any, published: Path, spoils: Path) -> dict[str, str]:
    """Queries that an agent must not get through, by what they try. Those that write would write to `spoils`."""
    return {
        "an intermediate": f"select * from {INTERMEDIATE}",
        "what is shared": "select * from account_mapping__shared_keys",
        "for us only": "select * from account_mapping__sharing_preview",
        "the warehouse": f"attach '{demo.database}' as warehouse (read_only)",
        "a file": f"select * from read_text('{demo.project}/dbt_project.yml')",
        "a Parquet file": f"select * from '{published}/account_mapping__plays.parquet'",
        "the folder": f"select * from glob('{published}/*')",
        "a table": "create table mine as select 1 as one",
        "a delete": "delete from account_mapping__overlaps",
        "a change": "update account_mapping__overlaps set our_status = 'customer'",
        "a drop": "drop table account_mapping__plays",
        "a copy": f"copy account_mapping__overlaps to '{spoils}/overlaps.csv'",
        "an export": f"export database '{spoils}/everything'",
        "a new database": f"attach '{spoils}/new.duckdb' as new",
        "a log": f"set log_query_path = '{spoils}/log'",
        "a secret": "create persistent secret s (type http, bearer_token 'x')",
        "an extension": "install httpfs",
        "the network": "select * from 'https://nobody.example/list.csv'",
        "the fence": "set enable_external_access = true",
        "the fence again": "reset enable_external_access",
        "folders": "set allowed_directories = ['/']",
    }


def test_the_copy_shows_every_mart_with_its_descriptions(agent: duckdb.DuckDBPyConnection) -> None:
    tables = agent.sql("select table_name, comment from duckdb_tables() order by all").fetchall()
    assert [name for name, _ in tables] == public_marts()
    found = agent.sql("select table_name, column_name, comment from duckdb_columns() where not internal").fetchall()
    assert len(found) > 200
    for text in [*(comment for _, comment in tables), *(comment for *_, comment in found)]:
        assert text and "{" not in text and "doc(" not in text
    there = columns()
    assert all(column in there[mart] for mart, column, _ in found)
    assert agent.sql("select count(*) from duckdb_databases() where not internal").fetchall() == [(1,)]


def test_nothing_gets_out_or_in(
    demo, published: Path, agent: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path.name: path.read_bytes() for path in published.iterdir()}
    monkeypatch.setenv("HOME", str(tmp_path))
    for what, sql in break_outs(demo, published, tmp_path).items():
        with pytest.raises(duckdb.Error):
            agent.execute(sql)
            pytest.fail(f"got through: {what}", pytrace=False)
    assert {path.name: path.read_bytes() for path in published.iterdir()} == before
    assert list(tmp_path.iterdir()) == []


def test_read_only_alone_lets_files_be_read_and_written(published: Path, tmp_path: Path) -> None:
    """Why the page has a line of SQL beside it. Should this fail one day, the page may be shorter."""
    with duckdb.connect(str(published / DATABASE), read_only=True) as connection:
        connection.execute(f"copy (select 1 as one) to '{tmp_path}/spoils.csv'")
        assert connection.sql(f"select * from '{tmp_path}/spoils.csv'").fetchall() == [(1,)]


def test_the_page_asks_for_nothing_that_opens_the_set_up() -> None:
    assert not {"--read-write", "--allow-switch-databases", "--no-ephemeral-connections"} & set(settings())
    assert {"--query-timeout", "--max-rows", "--db-path"} <= set(settings())
    pinned = [line for line in (PACKAGE / "requirements-agents.txt").read_text().splitlines() if line[0] != "#"]
    assert all(re.fullmatch(r"[\w-]+==[\d.]+", line) for line in pinned)


def test_the_smaller_copy_leaves_columns_out(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    block = re.search(r"```sql\n(.*?)```", PAGE, re.DOTALL)
    assert block
    (tmp_path / "published").symlink_to(published)
    monkeypatch.chdir(tmp_path)
    with duckdb.connect() as connection:
        connection.execute(block[1])
    with duckdb.connect(str(tmp_path / "for_agents.duckdb"), read_only=True) as connection:
        found = {name for (name,) in connection.sql("select column_name from duckdb_columns()").fetchall()}
        assert connection.sql("select count(*) from account_mapping__plays").fetchall()[0][0] > 1000
    assert {"our_owner", "cell_state", "coverage_rate"} <= found
    assert [name for name in found if name.endswith("email") or name == "partner_owner"] == []


# -------------------------------------------------------------------- the server


@dataclass
class Client:
    """Speaks MCP with a server over its standard input and output: one JSON-RPC message a line."""

    process: subprocess.Popen[str]
    asked: int = 0
    waiting: dict[int, dict[str, Any]] = field(default_factory=dict)

    def send(self, method: str, **params: Any) -> int:
        """Ask without waiting; returns the number of the question. What begins with notifications/ has no answer."""
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        if not method.startswith("notifications/"):
            self.asked += 1
            message["id"] = self.asked
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()
        return self.asked

    def receive(self, number: int) -> dict[str, Any]:
        """The result of a question."""
        while number not in self.waiting:
            line = self.process.stdout.readline()
            assert line, "the server has ended"
            message = json.loads(line)
            if "id" in message:
                self.waiting[message["id"]] = message
        answer = self.waiting.pop(number)
        assert "result" in answer, answer
        return answer["result"]

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        return self.receive(self.send(method, **params))

    def call(self, tool: str, **arguments: Any) -> tuple[bool, str]:
        """Call a tool; returns whether it failed and what it said."""
        answer = self.ask("tools/call", name=tool, arguments=arguments)
        return bool(answer.get("isError")), answer["content"][0]["text"]

    def query(self, sql: str) -> list[list[Any]]:
        failed, told = self.call("execute_query", sql=sql)
        assert not failed, told
        return json.loads(told)["rows"]


@pytest.fixture
def client(published: Path, tmp_path: Path) -> Iterator[Client]:
    if not SERVER:
        pytest.skip("make agents-check installs the server and asks it")
    arguments = settings()
    arguments[arguments.index("--db-path") + 1] = str(published / DATABASE)
    # as the page has it, but in less time
    arguments[arguments.index("--query-timeout") + 1] = "5"
    (tmp_path / "home").mkdir()
    process = subprocess.Popen(
        [str(PACKAGE / SERVER), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home")},
        text=True,
        encoding="utf-8",
    )
    try:
        client = Client(process)
        told = client.ask(
            "initialize",
            protocolVersion="2025-06-18",
            capabilities={},
            clientInfo={"name": "test", "version": "1"},
        )
        assert told["serverInfo"]["name"] == "mcp-server-motherduck"
        client.send("notifications/initialized")
        yield client
    finally:
        process.stdin.close()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def test_the_server_lists_the_marts_and_describes_them(client: Client) -> None:
    tools = client.ask("tools/list")["tools"]
    assert sorted(tool["name"] for tool in tools) == ["execute_query", "list_columns", "list_databases", "list_tables"]
    assert all(tool["annotations"]["readOnlyHint"] for tool in tools)
    told = json.loads(client.call("list_tables")[1])
    assert [table["name"] for table in told["tables"]] == public_marts() and all(t["comment"] for t in told["tables"])
    told = json.loads(client.call("list_columns", table="account_mapping__overlap_matrix")[1])
    assert {"our_accounts", "companies"} <= {column["name"] for column in told["columns"] if column["comment"]}
    assert json.loads(client.call("list_databases")[1])["databaseCount"] == 1


def number(value: Any) -> Any:
    """The server writes decimals as text."""
    return float(value) if isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value) else value


def test_the_server_answers_the_questions_of_the_copy(client: Client) -> None:
    asked = [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    for question in asked:
        if question["reads"] == "copy":
            rows = client.query(question["sql"])
            wanted = [list(row.values()) for row in question["answer"]]
            assert [[number(value) for value in row] for row in rows] == [[number(v) for v in w] for w in wanted], (
                question["id"]
            )


def test_nothing_gets_out_of_the_server_or_in(demo, published: Path, client: Client, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in published.iterdir()}
    (tmp_path / "spoils").mkdir()
    # the server itself has a folder in its home
    around = sorted(tmp_path.rglob("*"))
    for what, sql in break_outs(demo, published, tmp_path / "spoils").items():
        failed, _ = client.call("execute_query", sql=sql)
        assert failed, f"got through: {what}"
    client.call("execute_query", sql="set lock_configuration = true; select 1")
    assert client.query("select count(*) > 1000 from account_mapping__overlaps") == [[True]]
    assert {path.name: path.read_bytes() for path in published.iterdir()} == before
    assert sorted(tmp_path.rglob("*")) == around


def test_the_server_answers_many_at_once_and_gives_up_in_time(client: Client) -> None:
    slow = client.send("tools/call", name="execute_query", arguments={"sql": "select sum(a.i * b.i) from " + ENDLESS})
    quick = [
        client.send(
            "tools/call", name="execute_query", arguments={"sql": f"select {n}, count(*) from account_mapping__matches"}
        )
        for n in range(20)
    ]
    for n, asked in enumerate(quick):
        answer = client.receive(asked)
        assert not answer.get("isError") and json.loads(answer["content"][0]["text"])["rows"][0][0] == n
    assert client.receive(slow)["isError"]
