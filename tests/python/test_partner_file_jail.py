"""Partner lists in Parquet, Excel or gzip are read by a child: one that ends or fills a process is one problem.

The other files are read, the process of the build goes on, and nothing of a file is used that is not read to its end.
"""

from __future__ import annotations

import gzip
import io
import os
import resource
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from test_partner_files import adds_up, every, partner_files

from benchmarks import mutated_deliveries as soak

TABLE = pa.table({"account_id": ["1", "2"], "account_name": ["Acme", "Globex"], "website": ["acme.com", "globex.com"]})


def workbook(text: str = "Acme") -> bytes:
    book = openpyxl.Workbook()
    for row in (["account_id", "account_name"], ["1", text]):
        book.active.append(row)
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def with_shared_text(size: int, cells: int) -> bytes:
    """A workbook of a few kilobytes, of whose cells each one repeats one long text."""
    made = io.BytesIO()
    rows = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(2, cells))
    with (
        zipfile.ZipFile(io.BytesIO(workbook("z" * 40))) as book,
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for part in book.namelist():
            data = book.read(part)
            if part.endswith("sharedStrings.xml"):
                data = b"<sst><si><t>" + b"z" * size + b"</t></si></sst>"
            if part.endswith("sheet1.xml"):
                head = '<row r="1"><c r="A1" t="inlineStr"><is><t>account_name</t></is></c></row>'
                data = f"<worksheet><sheetData>{head}{rows}</sheetData></worksheet>".encode()
            bomb.writestr(part, data)
    return made.getvalue()


def repeated_value() -> bytes:
    values = pa.DictionaryArray.from_arrays(pa.array([0] * 50_000, pa.int32()), ["A" * 500_000])
    table = pa.table({"account_id": pa.array(range(50_000)).cast(pa.string()), "account_name": values})
    return soak.packed(table, compression="zstd")


BAD: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "an encrypted column": ("nimbus.parquet", lambda: soak.encrypted(TABLE), "unreadable_file"),
    "an altered size statistic": (
        "nimbus.parquet",
        lambda: soak.altered_size_statistic(soak.packed(TABLE, use_dictionary=False)),
        "unreadable_file",
    ),
    "one value repeated": ("nimbus.parquet", repeated_value, "too_large_file"),
    # the library for workbooks ends its process where there is no memory
    "one text in every cell": ("nimbus.xlsx", lambda: with_shared_text(3_000_000, 5_000), "unreadable_file"),
    "a bomb in gzip": (
        "nimbus.csv.gz",
        lambda: gzip.compress(b"account_id,account_name\n1," + b"A" * (120 << 20), 1),
        "too_large_file",
    ),
}


@pytest.mark.parametrize(("name", "make", "problem"), BAD.values(), ids=BAD)
def test_a_file_that_ends_or_fills_a_process_is_one_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, make: Callable[[], bytes], problem: str
) -> None:
    if name.endswith(".gz"):
        # what unpacks to 2 GB takes its time
        monkeypatch.setattr(partner_files, "MAX_UNPACKED", 100 << 20)
    (tmp_path / name).write_bytes(make())
    (tmp_path / "cirrus.parquet").write_bytes(soak.packed(TABLE))
    (tmp_path / "stratus.csv").write_text("account_id,account_name\n1,Acme\n")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rows = every(tmp_path)
    told = [(row["file_name"], row["problem"]) for row in rows if row["kind"] == "problem" and not row["is_repair"]]
    assert told == [(name, problem)]
    used = [(row["file_name"], row["account_name"]) for row in rows if row["kind"] == "row"]
    assert used == [("cirrus.parquet", "Acme"), ("cirrus.parquet", "Globex"), ("stratus.csv", "Acme")]
    # in kilobytes: the build itself holds next to nothing of it
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000


def test_where_no_child_can_be_started_no_such_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nimbus.parquet").write_bytes(soak.packed(TABLE))
    (tmp_path / "stratus.csv").write_text("account_id,account_name\n1,Acme\n")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(11, "Resource temporarily unavailable")

    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "run", refuse)
        refused, *rest = every(tmp_path)
    assert (refused["problem"], "temporarily" in refused["detail"]) == ("unreadable_file", True)
    assert [row["account_name"] for row in rest if row["kind"] == "row"] == ["Acme"]
    monkeypatch.setattr(partner_files, "OWN_SOURCE", None)
    assert "ask for it as CSV" in every(tmp_path)[0]["detail"]


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("os.abort()", "unreadable_file"),
        ("os.kill(os.getpid(), 9)", "too_large_file"),
        ("pass", "unreadable_file"),
        ("sys.stdout.write('x' * 1000)", "unreadable_file"),
        # rows, and then the end: a part of a list that would look like a list
        (
            "w = pa.ipc.new_stream(sys.stdout.buffer, pa.schema([('x', pa.string())]));"
            "w.write_batch(pa.record_batch([['1']], names=['x'])); sys.stdout.flush(); os.abort()",
            "unreadable_file",
        ),
        ("w = pa.ipc.new_stream(sys.stdout.buffer, pa.schema([('x', pa.string())])); w.close()", "unreadable_file"),
    ],
    ids=["aborts", "is killed", "says nothing", "says what is no stream", "ends half-way", "writes other columns"],
)
def test_whatever_a_child_does_is_one_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, problem: str
) -> None:
    (tmp_path / "nimbus.parquet").write_bytes(soak.packed(TABLE))
    begin = "import json, os, sys\nsys.path[:] = json.load(sys.stdin)['paths']\nimport pyarrow as pa\n"
    monkeypatch.setattr(partner_files, "CHILD", begin + code)
    rows = every(tmp_path)
    assert [(row["kind"], row["problem"]) for row in rows] == [("problem", problem), ("file", None)]
    # the library for workbooks aborts where memory ends, pyarrow on a damaged file: nobody can tell which it was
    assert ("damaged, or fills 2048 MB" in rows[0]["detail"]) == ("os.abort()" in code)
    adds_up(rows)


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="limits of Linux")
def test_a_child_has_no_secret_no_network_and_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked of a child in the place where it would read: what it finds is the text of the problem."""
    monkeypatch.setenv("ACCOUNT_MAPPING_SECRET_NIMBUS", "ab" * 32)
    probe = """
def read_file(path, *_, **__):
    import resource, socket
    names = ("CORE", "AS", "CPU", "NOFILE")
    found = [str(resource.getrlimit(getattr(resource, "RLIMIT_" + name))[1]) for name in names]
    found.append(",".join(name for name in os.environ if "SECRET" in name) or "no secret")
    for attempt in (lambda: socket.socket().connect(("127.0.0.1", 9)), lambda: open(path + ".new", "w")):
        try:
            attempt()
            found.append("open")
        except OSError as error:
            found.append(error.strerror)
    yield told_batch("x", "x", [{"problem": "found", "detail": "; ".join(found)}])
"""
    (tmp_path / "nimbus.parquet").write_bytes(soak.packed(TABLE))
    monkeypatch.setattr(partner_files, "OWN_SOURCE", partner_files.OWN_SOURCE + probe)
    (row,) = every(tmp_path)
    core, memory, seconds, handles, environment, network, disk = row["detail"].split("; ")
    assert (core, memory, seconds, handles) == ("0", str(partner_files.MAX_MEMORY), "300", "64")
    assert environment == "no secret"
    if subprocess.run(["unshare", "-Un", "true"], check=False, capture_output=True).returncode == 0:  # noqa: S607
        assert network == "Network is unreachable"
    assert disk == "Permission denied" or not os.path.exists("/sys/kernel/security/landlock")
    assert network != "open"


def test_a_file_that_turns_into_another_kind_is_not_read_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nimbus.csv").write_bytes(soak.packed(TABLE))
    monkeypatch.setattr(partner_files, "needs_jail", lambda *_: False)
    assert every(tmp_path)[0]["detail"] == "it changed while it was being read"


def test_a_good_list_is_read_alike_by_the_child(tmp_path: Path) -> None:
    pq.write_table(TABLE, tmp_path / "nimbus.parquet")
    (tmp_path / "cirrus.xlsx").write_bytes(workbook())
    (tmp_path / "stratus.csv.gz").write_bytes(gzip.compress(b"account_id,account_name\n1,Acme\n"))
    rows = every(tmp_path)
    adds_up(rows)
    assert sorted((row["partner_id"], row["account_name"]) for row in rows if row["kind"] == "row") == [
        ("cirrus", "Acme"),
        ("nimbus", "Acme"),
        ("nimbus", "Globex"),
        ("stratus", "Acme"),
    ]
