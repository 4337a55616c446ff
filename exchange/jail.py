"""Has a stranger's Parquet file read by a child process with limits, so that a bad one ends the child and no more.

The child (`jailed.py`) gets the file as an open handle, reads it in small batches, and writes its rows as a plain Arrow
stream, which is then read here with every value checked. What holds the child:

- everywhere: an environment without secrets, no handles but the file and its rows, a session of its own, a timeout, and
  an end with a sentence, whatever it says or does;
- where the system has limits for a process (Linux, macOS, BSD): computing time, bytes written, open files, no core
  dump. Memory: on Linux by the size of its address space; macOS knows that limit and does not keep to it;
- on Linux, where the kernel lets it: no network (a namespace of its own), no other file (Landlock), no more rights,
  and nobody looks into its memory.

Windows has none of these limits: there a file that takes too much memory is stopped by the count of its bytes and by
the timeout only.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .jailed import Wanted, confine_core
from .protocol import Refused

if TYPE_CHECKING:
    import pyarrow as pa

READER = Path(__file__).with_name("jailed.py")
# All that the child may hold, with Python and pyarrow, which take a third of it without using it.
MEMORY_BYTES = 1_000_000_000
# Of an Arrow stream: for each value where it ends and whether it is there; and what says that.
BYTES_OF_A_VALUE = 9
# Seconds of computing: to start with, and for each million rows (it takes one or two).
SECONDS, SECONDS_PER_MILLION = 6, 30
# By the clock: the same, where others are at work.
PATIENCE = 10
MOST_TOLD = 10_000
CODES = frozenset(
    {
        *("unreadable_parquet", "nested_column", "extra_column", "wrong_type", "missing_column", "row_count"),
        *("claimed_size", "unpacked_size"),
    }
)


def unpack(source: Path, target: Path, wanted: Wanted) -> int:
    """Write the rows of a stranger's file to `target`, as an Arrow stream; returns the most memory the child held.

    Raises Refused: what the file is not (CODES), or reader_limit, reader_timeout, reader_died. OSError where the child
    cannot be started or the disk is full, which is nobody's fault but the system's.
    """
    seconds = SECONDS + SECONDS_PER_MILLION * wanted.rows // 1_000_000
    limits = {
        "memory": MEMORY_BYTES,
        "seconds": seconds,
        "file": wanted.most_bytes + BYTES_OF_A_VALUE * len(wanted.columns) * wanted.rows + (16 << 20),
    }
    request = {"wanted": wanted.request(), "limits": limits, "paths": sys.path}
    with source.open("rb") as file, target.open("xb") as rows, tempfile.TemporaryFile() as told:
        code = run([str(READER), json.dumps(request)], file, rows, told, PATIENCE * seconds)
        told.seek(max(0, told.seek(0, os.SEEK_END) - MOST_TOLD))
        said = last_line(told.read())
    where = f"The file of {wanted.kind}"
    if code is None:
        raise Refused("reader_timeout", f"{where} was not read after {PATIENCE * seconds:,} seconds, and given up.")
    if code == 0 and isinstance(said.get("rows"), int):
        return int(said.get("peak") or 0)
    if "limit" in said or -code in LIMIT_SIGNALS:
        raise Refused(
            "reader_limit",
            f"{where} takes more memory, time or room to be read than its {wanted.rows:,} rows may: the partner should "
            "write it anew.",
        )
    if code == 3 and is_refusal(said.get("refused")):
        raise Refused(*said["refused"])
    if code == 5 and isinstance(said.get("system"), list):
        raise OSError(*said["system"][:2])
    if code == 6 and said.get("missing") in ("pyarrow", "numpy"):
        raise ImportError(name=said["missing"])
    raise Refused(
        "reader_died", f"{where} made the process that read it die ({ending(code)}): the partner should write it anew."
    )


# What the system sends to a process that goes over a limit.
LIMIT_SIGNALS = {int(getattr(signal, name)) for name in ("SIGXCPU", "SIGXFSZ", "SIGKILL") if hasattr(signal, name)}


def run(arguments: list[str], source: Any, rows: Any, told: Any, timeout: float) -> int | None:
    """Run Python with nothing of ours but these handles; its exit code, below 0 for a signal; None after a timeout."""
    # Windows starts no program without these
    kept = {name: os.environ[name] for name in ("SYSTEMROOT", "SYSTEMDRIVE") if name in os.environ}
    # one heap, which gives back what it does not use
    environment = kept | {"ARROW_DEFAULT_MEMORY_POOL": "system", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
    child = subprocess.Popen(
        # neither the environment nor the user's folder of packages says what is run
        [sys.executable, "-I", "-S", "-B", *arguments],
        stdin=source,
        stdout=rows,
        stderr=told,
        env=environment,
        cwd=os.path.abspath(os.sep),
        close_fds=True,
        start_new_session=True,
    )
    try:
        return child.wait(timeout)
    except subprocess.TimeoutExpired:
        return None
    finally:
        # also when we are interrupted
        if child.poll() is None:
            child.kill()
            child.wait()


def last_line(told: bytes) -> dict[str, Any]:
    """The child's answer; nothing where there is none. What else it or a library said is never shown."""
    with contextlib.suppress(ValueError, IndexError, RecursionError):
        answer = json.loads(told.splitlines()[-1])
        if isinstance(answer, dict):
            return answer
    return {}


def is_refusal(found: Any) -> bool:
    """Whether a child says what it may say: a child that was taken over may say anything."""
    return (
        isinstance(found, list)
        and len(found) == 2
        and found[0] in CODES
        and isinstance(found[1], str)
        and len(found[1]) < 1_000
        and found[1].isprintable()
    )


def ending(code: int) -> str:
    """How a process ended, for people."""
    with contextlib.suppress(ValueError):
        return signal.Signals(-code).name
    return f"exit code {code}"


def rows_of(path: Path, wanted: Wanted) -> Iterator[pa.RecordBatch]:
    """The rows that the child wrote, each value checked. Raises Refused: reader_died, for what is no such stream."""
    import pyarrow as pa

    schema = pa.schema([(column, pa.string()) for column in wanted.columns])
    try:
        with path.open("rb") as file, pa.ipc.open_stream(file) as stream:
            if not stream.schema.equals(schema, check_metadata=True):
                raise ValueError("another schema")
            for batch in stream:
                batch.validate(full=True)
                yield batch
    except MemoryError:
        raise
    except (pa.ArrowException, ValueError):
        raise Refused(
            "reader_died", f"The file of {wanted.kind} was not read to its end: the partner should write it anew."
        ) from None


def leave_no_core() -> None:
    """Let no dump be made of this process, which will hold a secret, should it ever crash."""
    confine_core()
