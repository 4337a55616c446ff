"""Reads one Parquet file, in a process that can do little else: the child that `jail.py` starts.

usage: python -I -S jailed.py REQUEST < the file > its rows, as an Arrow stream

It knows nothing of the exchange but what the request says, and holds no secret. Limits come first, then pyarrow, then
the file. The last line on stderr is the answer, in JSON: {"rows": number} or why there are none, and "peak", the
bytes that it held.

The functions that look at a footer are used by the gate as well, for files of our own.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

MAX_FOOTER_BYTES = 16_000_000
MAX_FOOTER_ITEMS = 1_000_000
# What a file may hold beyond its rows: page headers, dictionaries.
SPARE_BYTES = 1_000_000
MAX_UNPACKED_BYTES = 64_000_000_000
# A batch is decoded as a whole; what its rows may take at most in the mean decides how many it has.
BATCH_BYTES = 16 << 20
BATCH_ROWS = 16_384
# Read ahead of each column, compressed.
BUFFER_BYTES = 1 << 20


class Unfit(Exception):
    """A file that is refused; code: a short name of the check, the message a sentence."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True)
class Wanted:
    """What a file has to be. row_bytes: what one of its rows may take, in the mean."""

    kind: str
    columns: tuple[str, ...]
    rows: int
    row_bytes: int

    @property
    def most_bytes(self) -> int:
        """What all its values may take together."""
        return min(self.rows * self.row_bytes + SPARE_BYTES, MAX_UNPACKED_BYTES)

    def request(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def of(cls, request: Mapping[str, Any]) -> Wanted:
        """From JSON."""
        return cls(request["kind"], tuple(request["columns"]), request["rows"], request["row_bytes"])


# ---------------------------------------------------------------- the file


def unreadable(wanted: Wanted) -> Unfit:
    """What is told of a file that makes no sense, whatever it is."""
    return Unfit("unreadable_parquet", f"The file of {wanted.kind} is no readable Parquet file.")


def open_parquet(source: Any, size: int, wanted: Wanted) -> pq.ParquetFile:
    """A Parquet file, of which only the footer was read, and found to be what is wanted.

    source: a path or an open file of `size` bytes. Raises Unfit: unreadable_parquet, nested_column, extra_column,
    wrong_type, missing_column, row_count, claimed_size.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(
            source,
            # never a whole group of rows at once: a few pages of each column
            pre_buffer=False,
            buffer_size=BUFFER_BYTES,
            thrift_string_size_limit=MAX_FOOTER_BYTES,
            thrift_container_size_limit=MAX_FOOTER_ITEMS,
            page_checksum_verification=False,
        )
        metadata = file.metadata
        names = [metadata.schema.column(i).path for i in range(metadata.num_columns)]
    except MemoryError:
        raise
    except (pa.ArrowException, OSError, ValueError):
        raise unreadable(wanted) from None
    for i, name in enumerate(names):
        column = metadata.schema.column(i)
        if column.max_repetition_level or column.max_definition_level > 1 or "." in name:
            raise Unfit(
                "nested_column",
                f"The file of {wanted.kind} has a nested column, {_column(name)}: the protocol knows flat text only.",
            )
        if name not in wanted.columns:
            raise Unfit(
                "extra_column",
                f"The file of {wanted.kind} has a column that the protocol does not know, {_column(name)}: it may "
                "hold what was not agreed.",
            )
        if column.physical_type != "BYTE_ARRAY" or column.logical_type.type not in ("STRING", "NONE"):
            raise Unfit(
                "wrong_type",
                f"The file of {wanted.kind} has the column {_column(name)} of the type {column.physical_type}, not "
                "text.",
            )
    if tuple(names) != wanted.columns:
        missing = sorted(set(wanted.columns) - set(names))
        found = f"no column {missing[0]}" if missing else "its columns in another order than the protocol"
        raise Unfit("missing_column", f"The file of {wanted.kind} has {found}.")
    if metadata.num_rows != wanted.rows:
        raise Unfit(
            "row_count",
            f"The file of {wanted.kind} has {metadata.num_rows:,} rows, its manifest states {wanted.rows:,}.",
        )
    _check_sizes(metadata, size, wanted)
    return file


def _column(name: str) -> str:
    return ascii(name)[:60]


def _check_sizes(metadata: pq.FileMetaData, size: int, wanted: Wanted) -> None:
    """Raises Unfit where the footer claims that the file unpacks to more than its rows can need."""
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    chunks = [group.column(i) for group in groups for i in range(group.num_columns)]
    claimed = max(
        sum(chunk.total_uncompressed_size for chunk in chunks), sum(group.total_byte_size for group in groups)
    )
    if claimed > wanted.most_bytes or any(chunk.total_uncompressed_size < 0 for chunk in chunks):
        raise Unfit(
            "claimed_size",
            f"The file of {wanted.kind} claims to unpack to {claimed:,} bytes, its {wanted.rows:,} rows may take "
            f"{wanted.most_bytes:,} at most.",
        )
    if sum(group.num_rows for group in groups) != metadata.num_rows or any(
        chunk.num_values != group.num_rows for group in groups for chunk in [group.column(0)]
    ):
        raise Unfit("row_count", f"The file of {wanted.kind} contradicts itself about its number of rows.")
    if any(chunk.total_compressed_size > size for chunk in chunks):
        raise unreadable(wanted)


def batches_of(file: pq.ParquetFile, wanted: Wanted) -> Iterator[pa.RecordBatch]:
    """The rows as text, a few thousand at a time. Raises Unfit: unreadable_parquet, unpacked_size, row_count.

    A value that is written once and repeated takes no room in the file, but does in the rows: what they take is counted
    as they are read, and no more of it is read than they may take.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    schema = pa.schema([(column, pa.string()) for column in wanted.columns])
    taken, rows = 0, 0
    try:
        for found in file.iter_batches(max(1, min(BATCH_ROWS, BATCH_BYTES // wanted.row_bytes)), use_threads=False):
            batch = found.cast(schema)
            batch.validate(full=True)
            rows += batch.num_rows
            taken += sum(pc.sum(pc.binary_length(column)).as_py() or 0 for column in batch.columns)
            if taken > wanted.most_bytes:
                raise Unfit(
                    "unpacked_size",
                    f"The file of {wanted.kind} unpacks to more than the {wanted.most_bytes:,} bytes that its "
                    f"{wanted.rows:,} rows may take.",
                )
            if rows > wanted.rows:
                break
            yield batch
    except MemoryError:
        raise
    except (pa.ArrowException, OSError, ValueError):
        raise unreadable(wanted) from None
    if rows != wanted.rows:
        more = "more" if rows > wanted.rows else "fewer"
        raise Unfit("row_count", f"The file of {wanted.kind} has {more} rows than its manifest states.")


# ---------------------------------------------------------------- the jail, from within


def confine(limits: Mapping[str, int]) -> None:
    """Take from this process what it does not need, before it has read anything.

    limits: bytes of memory, seconds of computing, bytes of a file. Where the system has no such limits, as Windows,
    only the timeout of the parent is left.
    """
    confine_core()
    with contextlib.suppress(ImportError):
        import resource

        for name, most in (
            ("RLIMIT_AS", limits["memory"]),
            ("RLIMIT_DATA", limits["memory"]),
            ("RLIMIT_CPU", limits["seconds"]),
            ("RLIMIT_FSIZE", limits["file"]),
            ("RLIMIT_NOFILE", 64),
        ):
            if hasattr(resource, name):
                limit = getattr(resource, name)
                hard = resource.getrlimit(limit)[1]
                least = most if hard == resource.RLIM_INFINITY else min(most, hard)
                # some systems know a limit and do not let it be set (macOS: memory)
                with contextlib.suppress(ValueError, OSError):
                    resource.setrlimit(limit, (least, least))
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError, ImportError):
            _leave_the_network()


def confine_core() -> None:
    """Let no dump be made of this process; on Linux neither by what collects dumps, and no other process looks in."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError, ImportError):
            import ctypes

            dumpable = 4
            ctypes.CDLL(None).prctl(dumpable, 0, 0, 0, 0)


def _leave_the_network() -> None:
    """Linux: an end with the parent, no more rights, and a network of nothing."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    die_with_parent, no_new_privileges = 1, 38
    libc.prctl(die_with_parent, 9, 0, 0, 0)
    libc.prctl(no_new_privileges, 1, 0, 0, 0)
    new_user, new_network = 0x10000000, 0x40000000
    # a system may forbid it; nothing in this process opens a connection by itself
    libc.unshare(new_user | new_network)


def close_the_disk() -> None:
    """Linux 5.13 and later: from now on no file can be opened (Landlock), only those used that are open."""
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError, AttributeError, ImportError):
        import ctypes

        libc = ctypes.CDLL(None, use_errno=True)
        create_ruleset, restrict_self = 444, 446
        every_right_of_version_1 = ctypes.c_uint64((1 << 13) - 1)
        rules = libc.syscall(create_ruleset, ctypes.byref(every_right_of_version_1), ctypes.c_size_t(8), 0)
        if rules >= 0:
            libc.syscall(restrict_self, rules, 0)
            os.close(rules)


def open_status() -> BinaryIO | None:
    """Where the system tells what this process takes (Linux)."""
    with contextlib.suppress(OSError):
        return open("/proc/self/status", "rb")
    return None


def peak_bytes(status: BinaryIO | None) -> int:
    """The most memory that this process held at once; 0 where the system does not tell."""
    if status is not None:
        status.seek(0)
        for line in status:
            if line.startswith(b"VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def copy_rows(source: BinaryIO, target: BinaryIO, wanted: Wanted) -> int:
    """Write the rows of a Parquet file as an Arrow stream; returns how many."""
    import pyarrow as pa

    file = open_parquet(source, os.fstat(source.fileno()).st_size, wanted)
    rows = 0
    schema = pa.schema([(column, pa.string()) for column in wanted.columns])
    with pa.ipc.new_stream(target, schema) as writer:
        for batch in batches_of(file, wanted):
            writer.write_batch(batch)
            rows += batch.num_rows
    target.flush()
    return rows


def answer(do: Callable[[], dict[str, Any]]) -> tuple[dict[str, Any], int]:
    """Do it; returns what came of it, and the exit code."""
    try:
        return do(), 0
    except Unfit as unfit:
        return {"refused": [unfit.code, str(unfit)]}, 3
    except MemoryError:
        return {"limit": "memory"}, 4
    except OSError as error:
        # what is written is bounded; a full disk is no fault of the file's
        if error.errno == errno.EFBIG:
            return {"limit": "file"}, 4
        return {"system": [error.errno, str(error.strerror or error)]}, 5
    except ImportError as error:
        return {"missing": error.name}, 6


def main() -> None:
    """Do what the request on the command line says, and end."""
    request = json.loads(sys.argv[1])
    confine(request["limits"])
    sys.path[:] = request["paths"]
    status = open_status()

    def do() -> dict[str, Any]:
        # whatever is needed of it is loaded before the disk is closed
        import pyarrow.compute
        import pyarrow.parquet  # noqa: F401

        close_the_disk()
        return {"rows": copy_rows(sys.stdin.buffer, sys.stdout.buffer, Wanted.of(request["wanted"]))}

    told, code = answer(do)
    sys.stderr.write("\n" + json.dumps(told | {"peak": peak_bytes(status)}) + "\n")
    sys.stderr.flush()
    # without tidying up, which what was read may have broken
    os._exit(code)


if __name__ == "__main__":
    main()
