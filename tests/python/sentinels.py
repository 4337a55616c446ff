"""Sentinels: texts that must not leave, and the search for them in everything that does.

    findings = scan_file(path, needles({"our name": "Zqvex 01 GmbH"}))

A text is looked for as it is, in lower and upper case, reversed, in UTF-16, hexadecimal and base64 (whatever stands
before it in the same string), and as its unsalted SHA-256 and MD5. A file is searched byte by byte, and, if it is
Parquet, value by value (compression hides values from a byte search), in its column statistics (which hold raw extremes
even where the values are compressed) and in its key-value metadata. Its name is searched too.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

PARQUET = b"PAR1"


@dataclass(frozen=True)
class Needle:
    """Bytes to look for: `what` they stand for, and the `form` in which they do. folded: case does not count."""

    what: str
    form: str
    data: bytes
    folded: bool = False


@dataclass(frozen=True)
class Finding:
    """Where a needle was found: `place` is name, bytes, value, statistics or metadata."""

    file: str
    place: str
    what: str
    form: str


def base64_cores(data: bytes) -> list[bytes]:
    """The characters that base64 gives `data` for sure, at each of the three places it can have in a longer string.

    Characters that also hold bits of a neighbour are left out. Standard and URL-safe alphabet, without doubles.
    """
    cores = {}
    for before in range(3):
        whole = (before + len(data)) * 8 // 6
        first = -(-before * 8 // 6)
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            cores[encode(bytes(before) + data)[first:whole]] = None
    return list(cores)


def forms(data: bytes) -> Iterator[tuple[str, bytes, bool]]:
    """(form, bytes, whether case does not count) of bytes that are looked for as they are, hexadecimal or in base64."""
    yield "plain", data, False
    yield "reversed", data[::-1], False
    yield "hexadecimal", data.hex().encode(), True
    for core in base64_cores(data):
        yield "base64", core, False


def needles(texts: Mapping[str, Iterable[str] | str]) -> list[Needle]:
    """Every form of each text, by what it stands for. Texts below six characters would be found by chance: an error."""
    found: dict[bytes, Needle] = {}
    for what, given in texts.items():
        for text in [given] if isinstance(given, str) else given:
            if len(text) < 6:
                raise ValueError(f"{what}: {text!r} is too short to be looked for")
            for spelling in dict.fromkeys((text, text.lower(), text.upper(), text.strip())):
                for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
                    label = "" if encoding == "utf-8" else f" {encoding}"
                    for form, data, folded in forms(spelling.encode(encoding)):
                        found.setdefault(data, Needle(what, form + label, data, folded))
                for algorithm in ("sha256", "md5"):
                    digest = hashlib.new(algorithm, spelling.encode()).digest()
                    for form, data, folded in forms(digest):
                        found.setdefault(data, Needle(what, f"{algorithm} {form}", data, folded))
    return list(found.values())


def secret_needles(what: str, secret: bytes) -> list[Needle]:
    """Every form of a secret: its bytes, and the hexadecimal text in which it is given."""
    raw = [Needle(what, form, data, folded) for form, data, folded in forms(secret)]
    return [*raw, *needles({what: secret.hex()})]


def search(haystack: bytes, wanted: Iterable[Needle]) -> list[Needle]:
    """The needles that `haystack` holds."""
    folded = haystack.lower()
    return [needle for needle in wanted if needle.data in (folded if needle.folded else haystack)]


def as_bytes(value: object) -> bytes:
    """A value of a column as the bytes that a reader gets: text in UTF-8, numbers and dates as they are written."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


def parquet_parts(path: Path) -> dict[str, bytes]:
    """What a Parquet file holds besides its bytes: decoded `value`s, `statistics` of columns, and `metadata`."""
    file = pq.ParquetFile(path)
    values, statistics = [], []
    for batch in file.iter_batches():
        for column in batch.columns:
            values.extend(as_bytes(value) for value in column.unique().to_pylist())
    for group in range(file.metadata.num_row_groups):
        for index in range(file.metadata.num_columns):
            kept = file.metadata.row_group(group).column(index).statistics
            if kept is not None and kept.has_min_max:
                statistics += [as_bytes(kept.min), as_bytes(kept.max), as_bytes(kept.min_raw), as_bytes(kept.max_raw)]
    schema: pa.Schema = file.schema_arrow
    metadata = [as_bytes(part) for pair in (file.metadata.metadata or {}).items() for part in pair]
    metadata += [as_bytes(name) for name in schema.names]
    metadata += [as_bytes(part) for field in schema for pair in (field.metadata or {}).items() for part in pair]
    return {name: b"\n".join(parts) for name, parts in
            {"value": values, "statistics": statistics, "metadata": metadata}.items()}  # fmt: skip


def scan_file(path: Path, wanted: Iterable[Needle], root: Path | None = None) -> list[Finding]:
    """Every place of `path` that holds a needle; its name is taken below `root`, folders included."""
    wanted = list(wanted)
    name = str(path.relative_to(root)) if root else path.name
    content = path.read_bytes()
    places = {"name": name.encode(), "bytes": content}
    if content.startswith(PARQUET):
        places |= parquet_parts(path)
    return [
        Finding(name, place, needle.what, needle.form)
        for place, haystack in places.items()
        for needle in search(haystack, wanted)
    ]


def scan_folder(folder: Path, wanted: Iterable[Needle]) -> list[Finding]:
    """`scan_file` of every file below `folder`."""
    wanted = list(wanted)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return [finding for path in files for finding in scan_file(path, wanted, folder)]
