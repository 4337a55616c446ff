"""A stranger's Parquet file is read in a jail: what aborts, fills the memory or never ends, ends a child and no more.

Each bad file is refused with its own sentence and lies in quarantine; the next delivery is received as if nothing had
been. What the child may do is asked of a child. Memory is measured, of the command and of all that it starts.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from harness import PACKAGE
from test_exchange_refusals import Delivery, delivery, keys_table, token  # noqa: F401, a fixture

from benchmarks import mutated_deliveries as soak
from exchange import command as exchange
from exchange import files, gates, jail, jailed, protocol

IS_LINUX = sys.platform == "linux"
SENTENCE = re.compile(r"[A-Z][^\n]*\.")
KEYS = jailed.Wanted("keys", protocol.COLUMNS["keys"], 5, gates.MAX_ROW_BYTES["keys"])


def parquet_of(table: pa.Table, **options: Any) -> bytes:
    return soak.packed(table, **options)


def refused_again(it: Delivery, data: bytes, table: pa.Table | None = None) -> str:
    """The code by which a file is refused; a good delivery is then received by the same process."""
    if table is not None:
        it.tables = {"keys": table}
    it.change_bytes = lambda _: data
    it.deliver()
    code, sentence = it.refused()
    assert SENTENCE.fullmatch(sentence), sentence
    it.change_bytes, it.tables = lambda good: good, {"keys": keys_table()}
    it.deliver()
    _, checked = exchange.accept(it.work, it.now)
    assert [file.rows for file in checked] == [5, 2, 1]
    return code


# ---------------------------------------------------------------- files that end a process


def test_a_plaintext_footer_with_an_encrypted_column_ends_the_child_and_no_more(delivery):  # noqa: F811
    assert refused_again(delivery, soak.encrypted(keys_table())) == "reader_died"


def test_an_encrypted_footer_is_refused(delivery):  # noqa: F811
    data = soak.encrypted(keys_table(), plaintext_footer=False)
    assert refused_again(delivery, data) in ("unreadable_parquet", "reader_died")


def test_an_altered_size_statistic_is_refused(delivery):  # noqa: F811
    data = soak.altered_size_statistic(parquet_of(keys_table(), use_dictionary=False))
    assert refused_again(delivery, data) in ("unreadable_parquet", "reader_died")


@pytest.mark.parametrize("size", [30_000, 900_000])
def test_one_value_that_is_repeated_takes_no_more_than_the_rows_may(delivery, size):  # noqa: F811
    """A few kilobytes that unpack to gigabytes: 250,000 rows of 30 kB are 7.5 GB."""
    table = keys_table([("domain", number) for number in range(2_000)])
    values = pa.DictionaryArray.from_arrays(pa.array([0] * 2_000, pa.int32()), ["A" * size])
    data = parquet_of(table.set_column(7, "status", values), compression="zstd")
    assert len(data) < 2_000 * 200
    assert refused_again(delivery, data, table) in ("unpacked_size", "reader_limit")


# ---------------------------------------------------------------- what a child may do


def child(tmp_path: Path, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have files be read by a child that does something else."""
    script = tmp_path / "reader.py"
    begin = "import json, os, sys\nrequest = json.loads(sys.argv[1])\nsys.path[:] = request['paths']\n"
    script.write_text(f"{begin}sys.path.insert(0, {str(PACKAGE)!r})\nfrom exchange import jailed\n{code}\n")
    monkeypatch.setattr(jail, "READER", script)


def answers(told: str, code: int = 0) -> str:
    return f"sys.stderr.write('noise\\n' + {told!r} + '\\n'); sys.stderr.flush(); os._exit({code})"


CHILDREN = {
    "aborts": ("os.abort()", "reader_died"),
    "is killed": ("import signal; os.kill(os.getpid(), signal.SIGKILL)", "reader_limit"),
    "fails": ("raise KeyError('x')", "reader_died"),
    "says nothing": ("", "reader_died"),
    "says that all is well and writes nothing": (answers('{"rows": 5}'), "reader_died"),
    "says what is no answer": (answers("[" * 5_000, 3), "reader_died"),
    "tells a code of its own": (answers('{"refused": ["own_code", "Call 555-1234."]}', 3), "reader_died"),
    "tells a text with escape codes": (
        answers('{"refused": ["row_count", "\\u001b[2J"]}', 3),
        "reader_died",
    ),
    "waits": ("import time; time.sleep(600)", "reader_timeout"),
    "computes for ever": ("jailed.confine(request['limits'])\nwhile True: pass", "reader_limit"),
    "takes all memory": (
        "jailed.confine(request['limits'])\n"
        "told, code = jailed.answer(lambda: {'rows': len(bytes(4_000_000_000))})\n"
        "sys.stderr.write('\\n' + json.dumps(told)); sys.stderr.flush(); os._exit(code)",
        "reader_limit",
    ),
    "writes for ever": (
        "jailed.confine(request['limits'])\n"
        "def write():\n    while True: os.write(1, bytes(1 << 20))\n"
        "told, code = jailed.answer(write)\n"
        "sys.stderr.write('\\n' + json.dumps(told)); sys.stderr.flush(); os._exit(code)",
        "reader_limit",
    ),
}


@pytest.mark.skipif(not IS_LINUX, reason="limits of Linux")
@pytest.mark.parametrize(("code", "expected"), CHILDREN.values(), ids=CHILDREN)
def test_whatever_a_child_does_ends_in_a_sentence(tmp_path, monkeypatch, delivery, code, expected):  # noqa: F811
    child(tmp_path, code, monkeypatch)
    monkeypatch.setattr(jail, "SECONDS", 1)
    monkeypatch.setattr(jail, "PATIENCE", 4)
    delivery.deliver()
    found, sentence = delivery.refused()
    assert (found, bool(SENTENCE.fullmatch(sentence))) == (expected, True), sentence
    assert "555" not in sentence


def test_a_full_disk_is_no_fault_of_the_file(tmp_path, monkeypatch, delivery):  # noqa: F811
    child(tmp_path, answers('{"system": [28, "No space left on device"]}', 5), monkeypatch)
    delivery.deliver()
    with pytest.raises(OSError, match="No space left"):
        exchange.accept(delivery.work, delivery.now)
    assert (delivery.work.inbox / files.MANIFEST).exists()


def test_where_no_child_can_be_started_nothing_is_read(monkeypatch, delivery):  # noqa: F811
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    delivery.deliver()
    with pytest.raises(OSError, match="temporarily"):
        exchange.accept(delivery.work, delivery.now)
    assert (delivery.work.inbox / files.MANIFEST).exists()


PROBE = """
import json, os, socket, sys
request = json.loads(sys.argv[1])
sys.path[:] = request["paths"]
sys.path.insert(0, PACKAGE)
from exchange import jailed
import resource
jailed.confine(request["limits"])
import pyarrow.parquet
found = {"environment": sorted(os.environ), "session": os.getsid(0) == os.getpid()}
found["limits"] = {n: resource.getrlimit(getattr(resource, n))[1] for n in dir(resource) if n.startswith("RLIMIT_")}
found["handles"] = sorted(int(n) for n in os.listdir("/proc/self/fd"))
found["interfaces"] = [line.split(":")[0].strip() for line in open("/proc/self/net/dev").readlines()[2:]]
found["dumpable"] = __import__("ctypes").CDLL(None).prctl(3, 0, 0, 0, 0)
jailed.close_the_disk()
try:
    open(request["secret"]).read()
    found["disk"] = "open"
except OSError as error:
    found["disk"] = error.strerror
try:
    socket.socket().connect(("127.0.0.1", request["port"]))
    found["network"] = "open"
except OSError as error:
    found["network"] = error.strerror
sys.stderr.write(json.dumps(found))
"""


@pytest.mark.skipif(not IS_LINUX, reason="limits of Linux")
def test_a_child_has_no_secret_no_network_no_other_file_and_limits(tmp_path, monkeypatch):
    import ctypes
    import socket

    monkeypatch.setenv("ACCOUNT_MAPPING_SECRET_SOUTH", "ab" * 32)
    script, secret, source = tmp_path / "probe.py", tmp_path / "secret", tmp_path / "source"
    script.write_text(PROBE.replace("PACKAGE", repr(str(PACKAGE))))
    secret.write_text("a secret")
    source.write_bytes(b"")
    limits = {"memory": jail.MEMORY_BYTES, "seconds": 6, "file": 1_000_000}
    with socket.create_server(("127.0.0.1", 0)) as server, tempfile.TemporaryFile() as told:
        request = {
            **{"limits": limits, "paths": sys.path, "secret": str(secret)},
            **{"port": server.getsockname()[1]},
        }
        with source.open("rb") as file, (tmp_path / "rows").open("wb") as rows:
            assert jail.run([str(script), json.dumps(request)], file, rows, told, 60) == 0
        told.seek(0)
        found = json.loads(told.read())
    assert not [name for name in found["environment"] if "SECRET" in name or "TOKEN" in name]
    assert set(found["environment"]) <= {"ARROW_DEFAULT_MEMORY_POOL", "OMP_NUM_THREADS", "MALLOC_ARENA_MAX", "LC_CTYPE"}
    assert found["session"]
    # the fourth is the folder that was listed
    assert len(found["handles"]) == 4
    assert found["limits"]["RLIMIT_CORE"] == 0
    assert found["limits"]["RLIMIT_AS"] == found["limits"]["RLIMIT_DATA"] == jail.MEMORY_BYTES
    assert (found["limits"]["RLIMIT_CPU"], found["limits"]["RLIMIT_FSIZE"]) == (6, 1_000_000)
    assert found["limits"]["RLIMIT_NOFILE"] == 64
    assert found["dumpable"] == 0
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(444, None, ctypes.c_size_t(0), 1) > 0:
        assert found["disk"] == "Permission denied"
    if subprocess.run(["unshare", "-Un", "true"], check=False, capture_output=True).returncode == 0:  # noqa: S607
        assert found["network"] in ("Network is unreachable", "Cannot assign requested address")
        assert found["interfaces"] == ["lo"]


def test_without_limits_of_the_system_a_file_is_read_and_bombs_are_counted(tmp_path, monkeypatch, delivery):  # noqa: F811
    """As on Windows, which has no `resource`."""
    code = (
        "sys.modules['resource'] = None\njailed._leave_the_network = jailed.close_the_disk = lambda: None\n"
        "jailed.open_status = lambda: None\njailed.main()"
    )
    child(tmp_path, code, monkeypatch)
    delivery.deliver()
    assert exchange.accept(delivery.work, delivery.now)[1][0].rows == 5
    table = keys_table([("domain", number) for number in range(300)])
    values = pa.DictionaryArray.from_arrays(pa.array([0] * 300, pa.int32()), ["A" * 30_000])
    delivery.tables = {"keys": table}
    delivery.change_bytes = lambda _: parquet_of(table.set_column(7, "status", values))
    delivery.work.staging.joinpath("keys.parquet").unlink()
    delivery.deliver()
    assert delivery.refused()[0] == "unpacked_size"


def test_the_command_leaves_no_core_and_is_not_looked_into(tmp_path):
    code = (
        "import ctypes, resource, sys; from exchange import command; command.main(['status', 'No Id']);"
        "print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    )
    if not IS_LINUX:
        pytest.skip("asks the kernel of Linux")
    done = subprocess.run([sys.executable, "-c", code], cwd=PACKAGE, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[0] == "(0, 0) 0"


# ---------------------------------------------------------------- memory

MEASURE = """
import os, resource, sys
from pathlib import Path
from benchmarks.mutated_deliveries import Project, SECRET, VARIABLE
from exchange import command, jail, jailed
os.environ[VARIABLE] = SECRET.hex()
children = []
def unpack(*given):
    children.append(found := real(*given))
    return found
real, jail.unpack = jail.unpack, unpack
folder = Path(sys.argv[1])
arguments = ["receive", "south", "--project-dir", str(folder), "--no-build"]
code = command.main(arguments, Project(folder, keeps=False))
print(code, jailed.peak_bytes(jailed.open_status()), max(children, default=0),
      resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
"""


def measured(folder: Path, kind: str, table: pa.Table, data: bytes) -> tuple[int, int, int, int]:
    """Exit code of a `receive`, and bytes: of the command, of the child as it says, of any child."""
    made = soak.Deliveries(folder, 1)
    entry = made.entry(kind, table, data)
    them = soak.replace(made.us, company_id="south")
    manifest = protocol.make_manifest(soak.SECRET, them, [entry], protocol.statement_hash(soak.RULES), 5)
    inbox = folder / "inbox/south"
    inbox.mkdir(parents=True)
    (inbox / entry.name).write_bytes(data)
    (inbox / files.MANIFEST).write_bytes(protocol.canonical_json(manifest))
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(folder)], cwd=PACKAGE, capture_output=True, text=True, check=False
    )
    print(done.stdout, done.stderr)
    return tuple(map(int, done.stdout.splitlines()[-1].split()))


@pytest.mark.skipif(not IS_LINUX, reason="bytes of memory as Linux counts them")
def test_a_legal_file_of_the_longest_rows_takes_less_than_a_gigabyte(tmp_path):
    """Rows of 4,000 bytes, in one group of rows and one page a column: as much as a partner may send at once."""
    rows = 40_000
    table = soak.table_of("fields", rows)
    values = pa.array([f"{number:06}" + "é" * 1_830 for number in range(rows)])
    table = table.set_column(5, "value", values)
    data = parquet_of(table, use_dictionary=False, compression="zstd", row_group_size=rows, data_page_size=1 << 30)
    assert pq.read_metadata(pa.BufferReader(data)).row_group(0).total_byte_size > 0.95 * rows * 4_000
    code, own, own_child, any_child = measured(tmp_path, "fields", table, data)
    assert code == 0
    assert 0 < own_child <= any_child
    assert max(own, any_child) < 1_000_000_000


@pytest.mark.skipif(not IS_LINUX, reason="bytes of memory as Linux counts them")
def test_a_bomb_takes_less_than_a_gigabyte(tmp_path):
    table = soak.table_of("fields", 250_000)
    data = soak.bomb_of_one_value("fields", 1_000_000, 250_000)
    code, own, _, any_child = measured(tmp_path, "fields", table, data)
    assert code == 3
    assert max(own, any_child) < 1_000_000_000


def test_a_batch_is_bounded_by_bytes(monkeypatch):
    """The gate sees no more than BATCH_BYTES at once, however long rows are, and every row once."""
    table = soak.table_of("fields", 1_000).set_column(
        5, "value", pa.array([f"{n:04}" + "x" * 3_000 for n in range(1_000)])
    )
    monkeypatch.setattr(gates, "BATCH_BYTES", 500_000)
    seen = list(gates.together(iter(table.to_batches(max_chunksize=50)), "fields"))
    assert pa.concat_tables(seen) == table
    assert all(part.nbytes < 700_000 for part in seen)
    assert len(seen) >= 5


# ---------------------------------------------------------------- thousands, a few of them


def test_a_few_mutated_deliveries_do_no_harm(tmp_path):
    """Five thousand: python -m benchmarks.mutated_deliveries."""
    told = soak.work_through(tmp_path / "part", 7, range(24))
    # the process of the tests is larger than the command's: memory is measured above
    assert [finding for finding in told.findings if not finding.startswith("memory:")] == []
    assert sum(told.groups.values()) == 24
    assert len(told.groups) == 8
    assert sum(count for name, count in told.outcomes.items() if name.startswith("refused")) > 8


@pytest.mark.parametrize("encoding", [name for name in soak.ENCODINGS if not name.startswith("encrypted")])
def test_every_encoding_of_a_good_file_is_read_alike(tmp_path, encoding):
    table = soak.table_of("keys", 40)
    source = tmp_path / "keys.parquet"
    source.write_bytes(soak.ENCODINGS[encoding](table))
    wanted = jailed.Wanted("keys", protocol.COLUMNS["keys"], 40, gates.MAX_ROW_BYTES["keys"])
    jail.unpack(source, tmp_path / "rows", wanted)
    assert pa.Table.from_batches(jail.rows_of(tmp_path / "rows", wanted)) == table
