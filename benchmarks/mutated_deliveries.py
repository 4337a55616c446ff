"""Thousands of deliveries that a hostile partner could make: is anything taken that is not what it should be?

usage: python -m benchmarks.mutated_deliveries [--deliveries 5000] [--seed 31] [--jobs 2] [--folder FOLDER]

Each delivery is a good one that was changed: bytes of a file flipped, cut, doubled or put elsewhere; Parquet files of
nine encodings, pages and codecs, encrypted ones and bombs; fields of the manifest. The manifest is signed anew with the
pair's secret most of the time, as a partner can do. Kinds of what is changed (keys, counts, fields, manifest) and
commands (receive, room) take turns. Each is given to the command as it is, but for dbt: in its place settings are
written as the package's macros write them, and what would be loaded is looked at:

- rows are those that were delivered before the change, or a file that a second reader (DuckDB, in a process of its own)
  reads alike and that keeps all rules of the protocol, told here once more;
- a manifest that was changed and signed anew is taken only where the partner may say so: a number, a day, a name;
- no traceback, no error that the command does not know, no process of ours that dies, each within 10 seconds;
- memory: of the command, with all libraries, and of every process that it starts, below 1 GB.

Exits with 1 where something else is found, and keeps the delivery in FOLDER. Needs Linux.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import copy
import functools
import hashlib
import importlib
import io
import itertools
import json
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from exchange import command, files, protocol

SECRET = hashlib.sha256(b"south, protects nothing").digest()
VARIABLE = "ACCOUNT_MAPPING_SECRET_SOUTH"
AS_OF = "2026-11-15"
RULES = tuple(
    protocol.Rule(direction, "*", "*", "overlapping", "country;status") for direction in ("accepted", "offered")
)
SEEDS = {
    "legal_forms": {"form": "gmbh", "class": "limited", "position": "end", "script": "", "jurisdictions": ""},
    "placeholders": {"kind": "name", "value": "nobody"},
    "name_words": {"word": "the", "kind": "article"},
    "common_words": {"word": "services"},
}
GROUPS = tuple((name, kind) for name in ("receive", "room") for kind in ("keys", "counts", "fields", "manifest"))
MOST_SECONDS = 10
MOST_BYTES = 1_000_000_000
TOKEN = re.compile("[0-9a-f]{64}")


class Finding(Exception):
    """Something that must never be."""


# ---------------------------------------------------------------- good deliveries


def token(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def table_of(kind: str, rows: int) -> pa.Table:
    """A good file of a kind, as a table."""
    base = {"agreement_id": "pact", "epoch": "2026"}
    if kind == "keys":
        made = [
            base
            | {"normaliser_version": "3", "key_type": "domain" if n % 3 else "name", "token": token(f"token {n}")}
            | {"account_token": token(f"account {n // 2}"), "status": "customer" if n % 4 else None}
            for n in range(rows)
        ]
    elif kind == "counts":
        # how the columns of numbers are called is the protocol's matter
        numbers = [name for name in protocol.COLUMNS["counts"] if name.endswith(("accounts", "companies"))]
        made = [
            base
            | {"rollup": rollup, "our_status": ours, "partner_status": theirs, "cell_state": "counted"}
            | dict.fromkeys(numbers, "25")
            for rollup in ("account", "parent")
            for ours in protocol.STATUSES
            for theirs in protocol.STATUSES
        ]
    else:
        made = [
            base
            | {"account_token": token(f"account {n}"), "partner_account_token": token(f"theirs {n}")}
            | {"field": "country", "value": ("Österreich", "France")[n % 2]}
            for n in range(rows)
        ]
    made.sort(key=lambda row: tuple(row[name] for name in protocol.GRAIN[kind]))
    return pa.Table.from_pylist(made, schema=pa.schema([(name, pa.string()) for name in protocol.COLUMNS[kind]]))


def packed(table: pa.Table, **options: Any) -> bytes:
    """A table as a Parquet file."""
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **options)
    return buffer.getvalue()


def by_encoding(name: str, **options: Any) -> Callable[[pa.Table], bytes]:
    """A writer that gives every column one encoding."""

    def write(table: pa.Table) -> bytes:
        return packed(table, use_dictionary=False, column_encoding=dict.fromkeys(table.column_names, name), **options)

    return write


def encrypted(table: pa.Table, plaintext_footer: bool = True) -> bytes:
    """A Parquet file with one encrypted column; without the key nobody reads it."""
    from pyarrow.parquet import encryption

    class Keys(encryption.KmsClient):
        def wrap_key(self, key: bytes, name: str) -> bytes:
            return base64.b64encode(key)

    settings = encryption.EncryptionConfiguration(
        footer_key="footer", column_keys={"column": [table.column_names[-1]]}, plaintext_footer=plaintext_footer
    )
    factory = encryption.CryptoFactory(lambda _: Keys())
    properties = factory.file_encryption_properties(encryption.KmsConnectionConfig(), settings)
    buffer = io.BytesIO()
    with pq.ParquetWriter(buffer, table.schema, encryption_properties=properties) as writer:
        writer.write_table(table)
    return buffer.getvalue()


ENCODINGS: dict[str, Callable[[pa.Table], bytes]] = {
    "plain": lambda table: packed(table, use_dictionary=False, compression="none"),
    "dictionary": lambda table: packed(table, data_page_version="2.0", compression="zstd"),
    "dictionary and plain": lambda table: packed(table, dictionary_pagesize_limit=200, write_page_index=True),
    "groups of rows": lambda table: packed(table, row_group_size=7, compression="lz4"),
    "small pages": lambda table: packed(table, max_rows_per_page=3, write_page_checksum=True, compression="gzip"),
    "delta length": by_encoding("DELTA_LENGTH_BYTE_ARRAY", data_page_version="2.0", compression="gzip"),
    "delta": by_encoding("DELTA_BYTE_ARRAY", compression="brotli"),
    "delta, unpacked": by_encoding("DELTA_BYTE_ARRAY", data_page_version="2.0", compression="none"),
    "encrypted column": encrypted,
}


# ---------------------------------------------------------------- bad files


def widened(kind: str, size: int, rows: int = 4_000) -> pa.Table:
    """A table whose last column holds one value of `size` characters in each row."""
    table = table_of(kind, rows)
    values = pa.DictionaryArray.from_arrays(pa.array([0] * table.num_rows, pa.int32()), ["A" * size])
    return table.set_column(table.num_columns - 1, table.column_names[-1], values)


def bomb_of_one_value(kind: str, size: int = 100_000, rows: int = 4_000) -> bytes:
    """A small file whose rows repeat one long value: it is written once."""
    return packed(widened(kind, size, rows), compression="zstd")


def bomb_of_groups(kind: str) -> bytes:
    """The same, with each row in a group of its own."""
    return packed(widened(kind, 3_000_000, 30), compression="gzip", row_group_size=1)


def varint(number: int) -> bytes:
    """Zigzag variable-length integer of Thrift's compact protocol, for a number that is not negative."""
    number, made = number * 2, b""
    while number > 127:
        made += bytes([number & 127 | 128])
        number >>= 7
    return made + bytes([number])


def footer_of(data: bytes) -> tuple[bytes, bytes]:
    """What stands before the footer, and the footer."""
    length = int.from_bytes(data[-8:-4], "little")
    return data[: -8 - length], data[-8 - length : -8]


def with_footer(body: bytes, footer: bytes) -> bytes:
    return body + footer + len(footer).to_bytes(4, "little") + b"PAR1"


def altered_size_statistic(data: bytes) -> bytes:
    """The file with a size statistic (field 16 of a column's metadata) that has one more level than there is."""
    body, footer = footer_of(data)
    # its field 3, a list of two numbers of 64 bits: how many values are empty, and how many are not
    changed = re.sub(rb"\x19\x26(?=[\x00-\x7f]{2}\x00)", b"\x19\x36\x02", footer, count=1)
    if changed == footer:
        raise ValueError("the file has no size statistics")
    return with_footer(body, changed)


def claims(data: bytes, unpacked: int) -> bytes:
    """The file with a footer that says that its first column unpacks to `unpacked` bytes."""
    chunk = pq.read_metadata(pa.BufferReader(data)).row_group(0).column(0)

    def sizes(size: int) -> bytes:
        # fields 5, 6 and 7 of ColumnMetaData, each a 64-bit number
        return b"".join(b"\x16" + varint(n) for n in (chunk.num_values, size, chunk.total_compressed_size))

    body, footer = footer_of(data)
    return with_footer(body, footer.replace(sizes(chunk.total_uncompressed_size), sizes(unpacked), 1))


def mutated(data: bytes, draw: random.Random) -> bytes:
    """The file with a few bytes changed: anywhere, in its footer, or at the beginning of a page."""
    changed = bytearray(data)
    footer = max(0, len(data) - 8 - int.from_bytes(data[-8:-4], "little"))
    places = {"anywhere": (0, len(data)), "footer": (footer, len(data)), "pages": (4, footer), "first": (4, 60)}
    first, last = places[draw.choice(list(places))]
    for _ in range(draw.choice((1, 1, 1, 2, 5, 20))):
        if len(changed) < 4:
            break
        at = min(draw.randrange(first, max(first + 1, last)), len(changed) - 1)
        size = draw.choice((1, 2, 4, 16, 100))
        other = draw.randrange(len(changed))
        action = draw.randrange(8)
        if action <= 2:
            changed[at] ^= 1 << draw.randrange(8)
        elif action == 3:
            changed[at] = draw.choice((0, 1, 0x7F, 0x80, 0xFF, draw.randrange(256)))
        elif action == 4:
            del changed[at : at + size]
        elif action == 5:
            changed[at:at] = changed[other : other + size]
        elif action == 6:
            changed[at : at + size] = changed[other : other + size]
        else:
            changed[at:at] = bytes(draw.randrange(256) for _ in range(size))
    return bytes(changed)


def edited(table: pa.Table, draw: random.Random) -> pa.Table:
    """The table with one thing changed that a partner could write."""
    column = draw.randrange(table.num_columns)
    name = table.column_names[column]
    values = table.column(column).to_pylist()
    row = draw.randrange(len(values))
    action = draw.randrange(9)
    if action == 0:
        return table.take(draw.sample(range(table.num_rows), table.num_rows))
    if action == 1:
        return pa.concat_tables([table, table.slice(row, 1)])
    if action == 2:
        return table.slice(0, row)
    if action == 3:
        return table.drop_columns([name])
    if action == 4:
        return table.append_column("account_name", [["Acme"] * table.num_rows])
    if action == 5:
        return table.set_column(column, name, [pa.array(range(table.num_rows))])
    odd = (
        "",
        None,
        "x" * 20_000,
        "é\u202e",
        "Acme Ltd",
        "a@b.example",
        "f" * 63,
        "F" * 64,
        "churned",
        "0",
        "1e9",
        "-5",
    )
    values[row] = draw.choice((*odd, values[draw.randrange(len(values))]))
    return table.set_column(column, name, [pa.array(values, pa.string())])


# ---------------------------------------------------------------- bad manifests


ODD = ("", "x", "\x1b[2J", "\ud800", "9" * 400, -1, 0, 1, 2**63, 10**30, 1.5, float("nan"), True, None, [], {}, [[]])


def edit_manifest(manifest: dict[str, Any], draw: random.Random) -> dict[str, Any]:
    """A manifest with one to three of its values changed, taken away or added, at any depth."""
    changed = copy.deepcopy(manifest)
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        place: Any = changed
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = draw.choice(keys)
            if isinstance(place[key], (dict, list)) and place[key] and draw.random() < 0.8:
                place = place[key]
                continue
            value = place[key]
            action = draw.randrange(6)
            if action == 0:
                del place[key]
            elif action == 1 and isinstance(place, dict):
                place[f"{key}x"] = value
            elif action == 1:
                place.append(copy.deepcopy(value))
            elif action == 2 and isinstance(value, str) and value:
                at = draw.randrange(len(value))
                place[key] = value[:at] + draw.choice("0a9Z-/é ") + value[at + 1 :]
            elif action == 2 and isinstance(value, int):
                place[key] = value + draw.choice((-1, 1, 10, 10**9))
            elif action == 3:
                place[key] = draw.choice(("2026-11-14", "2026-11-15", "2036-01-01", "2026-02-30", "10000-01-01"))
            else:
                place[key] = draw.choice(ODD)
            break
    return changed


def spelt(manifest: dict[str, Any], draw: random.Random) -> bytes:
    """A manifest as bytes, mostly in the one spelling of the protocol."""
    try:
        data = protocol.canonical_json(manifest)
    except (ValueError, TypeError):
        data = json.dumps(manifest).encode()
    kind = draw.randrange(20)
    if kind == 0:
        return mutated(data, draw)
    if kind == 1:
        return json.dumps(manifest, indent=1).encode()
    if kind == 2:
        return b"[" * draw.choice((10, 100_000)) + data
    return data


# ---------------------------------------------------------------- one delivery after the other


class Project:
    """In the place of DbtProject: writes settings as the macros do, and keeps what would be loaded, if it has to."""

    def __init__(self, folder: Path, keeps: bool = True) -> None:
        self.folder, self.keeps = folder, keeps
        self.loaded: dict[str, Any] | None = None

    def run(self, *arguments: str) -> None:
        if arguments[0] != "run-operation":
            return
        given = json.loads(arguments[3])
        folder = Path(given["folder"])
        if arguments[1] == "account_mapping.account_mapping__export_shared":
            settings = {
                **{"partner_id": "south", "exchange": "keys", "is_active": True, "agreement_id": "pact"},
                **{"epoch": "2026", "secret_env": VARIABLE, "other_secret_envs": None, "as_of": AS_OF},
                **{"normaliser_version": "3", "company_id": "north"},
            }
            rules = [rule | {"is_readable": True} for rule in protocol.statement_rows(RULES)]
            for name, rows in {"settings": [settings], "our_statement": rules}.items():
                (folder / f"{name}.json").write_text(json.dumps(rows))
            for seed, row in SEEDS.items():
                (folder / f"{seed}.json").write_text(json.dumps([row]))
        elif self.keeps:
            self.loaded = {
                kind: pq.read_table(folder / file["name"])
                if file["name"].endswith(".parquet")
                else json.loads((folder / file["name"]).read_text())
                for kind, file in given["files"].items()
            }


@dataclass
class Told:
    """What became of deliveries. slowest: seconds; own and children: most memory, in bytes."""

    outcomes: Counter[str] = field(default_factory=Counter)
    groups: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)
    slowest: float = 0.0
    own: int = 0
    children: int = 0

    def add(self, other: Told) -> None:
        self.outcomes += other.outcomes
        self.groups += other.groups
        self.findings += other.findings
        self.slowest = max(self.slowest, other.slowest)
        self.own, self.children = max(self.own, other.own), max(self.children, other.children)


class Deliveries:
    """A project, and what its partner delivers to it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.seed = folder, seed
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "dbt_project.yml").write_text("name: mutated\n")
        os.environ[VARIABLE] = SECRET.hex()
        # what is loaded once takes its seconds before anything is measured
        importlib.import_module("exchange.gates")
        self.project = Project(folder)
        work = command.Work("south", folder, folder / "outbox/south", folder / "inbox/south", parsed=self.project)
        with command.own_staging(work):
            command.operation(work, "account_mapping__export_shared", kinds=[])
            self.us = command.read_party(work)[0]

    @functools.cached_property
    def good(self) -> dict[tuple[str, str], tuple[pa.Table, bytes]]:
        """By kind and encoding: a good file, as a table and as bytes."""
        tables = {"keys": table_of("keys", 40), "counts": table_of("counts", 0), "fields": table_of("fields", 30)}
        return {
            (kind, name): (table, write(table)) for kind, table in tables.items() for name, write in ENCODINGS.items()
        }

    def entry(self, kind: str, table: pa.Table, data: bytes) -> protocol.FileEntry:
        """What a manifest says of a file."""
        sha256 = hashlib.sha256(data).hexdigest()
        types = table.column("key_type").to_pylist() if kind == "keys" and "key_type" in table.column_names else []
        per_type = Counter(str(name) for name in types)
        return protocol.FileEntry(f"{kind}-{sha256[:12]}.parquet", kind, table.num_rows, sha256, dict(per_type))

    def bad_file(self, kind: str, draw: random.Random) -> tuple[pa.Table, bytes, str]:
        """The table that was meant, the bytes of the file, and what was done to it."""
        encoding = draw.choice(list(ENCODINGS))
        table, data = self.good[kind, encoding]
        action = draw.random()
        if action < 0.02:
            return table, data, f"{encoding}, unchanged"
        if action < 0.72:
            return table, mutated(data, draw), f"{encoding}, bytes"
        if action < 0.92:
            other = edited(table, draw)
            try:
                return other, ENCODINGS[encoding](other), f"{encoding}, edited"
            except (pa.ArrowException, OSError, ValueError):
                return other, packed(other), "edited"
        bombs = {
            "one value": lambda: (
                table_of(kind, 4_000),
                bomb_of_one_value(kind, draw.choice((3_000, 100_000, 1_000_000))),
            ),
            "groups": lambda: (table_of(kind, 30), bomb_of_groups(kind)),
            "claims": lambda: (table, claims(self.good[kind, "plain"][1], draw.choice((10**10, 2**62, 0, 1)))),
            "statistic": lambda: (table, altered_size_statistic(self.good[kind, "plain"][1])),
        }
        name = draw.choice(list(bombs))
        meant, made = bombs[name]()
        return meant, made, name

    def deliver(self, name: str, what: str, draw: random.Random) -> tuple[dict[str, pa.Table], str, dict[str, Any]]:
        """Fill the inbox; returns the tables that were meant, what was done, and the partner's good manifest."""
        for folder in ("inbox", "exchange_state"):
            shutil.rmtree(self.folder / folder, ignore_errors=True)
        kinds = {"keys": ["keys"], "counts": ["counts"], "fields": ["fields"], "manifest": ["keys"]}[what]
        if name == "room" and kinds != ["keys"]:
            kinds = ["keys", *kinds]
        meant, delivered, how = {}, {}, ""
        for kind in kinds:
            if kind == what:
                meant[kind], delivered[kind], how = self.bad_file(kind, draw)
            else:
                meant[kind], delivered[kind] = self.good[kind, "dictionary"]
        entries = [self.entry(kind, meant[kind], delivered[kind]) for kind in kinds]
        them = replace(self.us, company_id="south")
        statement = protocol.statement_hash(RULES)
        good = protocol.make_manifest(SECRET, them, entries, statement, 5)
        manifest = good
        if what != "manifest" and draw.random() < 0.1:
            # somebody on the way, without the secret: the manifest is about the file as it was
            how = f"{how}, not signed anew"
            entries = [self.entry(kind, *self.good[kind, "dictionary"]) for kind in kinds]
            manifest = good = protocol.make_manifest(SECRET, them, entries, statement, 5)
        names = {entry.kind: entry.name for entry in entries}
        if what == "manifest":
            manifest, how = edit_manifest(good, draw), "manifest"
            if draw.random() < 0.8 and isinstance(manifest.get("mac"), str):
                how = "manifest, signed anew"
                with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError):
                    if draw.random() < 0.5:
                        manifest["statement_hash"] = protocol.digest(manifest["statement"])
                    manifest["mac"] = protocol.authentication_code(SECRET, manifest)
        inbox = self.folder / "inbox/south"
        inbox.mkdir(parents=True)
        for kind in kinds:
            (inbox / names[kind]).write_bytes(delivered[kind])
        data = spelt(manifest, draw) if what == "manifest" else protocol.canonical_json(manifest)
        (inbox / files.MANIFEST).write_bytes(data)
        if name == "room":
            self._deliver_own_side()
        return meant, how, good

    def _deliver_own_side(self) -> None:
        """What the other side of the room delivered, which is good."""
        table, data = self.good["keys", "dictionary"]
        inbox = self.folder / "inbox/north"
        inbox.mkdir(parents=True)
        entry = self.entry("keys", table, data)
        manifest = protocol.make_manifest(SECRET, self.us, [entry], protocol.statement_hash(RULES), 3)
        (inbox / entry.name).write_bytes(data)
        (inbox / files.MANIFEST).write_bytes(protocol.canonical_json(manifest))

    def one(self, number: int, told: Told) -> None:
        """Make and receive delivery `number`; raises Finding."""
        name, what = GROUPS[number % len(GROUPS)]
        draw = random.Random(f"{self.seed} {number}")
        meant, how, good = self.deliver(name, what, draw)
        self.project.loaded = None
        said = io.StringIO()
        began = time.monotonic()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = command.main([name, "south", "--project-dir", str(self.folder), "--no-build"], self.project)
        seconds = time.monotonic() - began
        words = said.getvalue()
        told.slowest = max(told.slowest, seconds)
        told.groups[f"{name}, {what}"] += 1
        where = f"delivery {number} ({name}, {what}: {how})"
        if "Traceback" in words or "error that it does not know" in words or code not in (0, 3):
            raise Finding(f"{where}: ended with {code}: {words[:500]}")
        if seconds > MOST_SECONDS:
            raise Finding(f"{where}: took {seconds:.1f} seconds")
        if code == 3:
            if self.project.loaded is not None:
                raise Finding(f"{where}: was refused and loaded")
            if name == "receive" and not (self.folder / "exchange_state/south/quarantine/1/reason.txt").exists():
                raise Finding(f"{where}: was refused and is not in quarantine")
            told.outcomes[f"refused: {re.match(r'Refused .([a-z_]+)', words)[1]}"] += 1
            return
        told.outcomes[self._why_taken(name, what, meant, how, good, where)] += 1

    def _why_taken(
        self, name: str, what: str, meant: dict[str, pa.Table], how: str, good: dict[str, Any], where: str
    ) -> str:
        """Why a delivery was rightly taken, in words; raises Finding."""
        loaded = self.project.loaded
        if loaded is None:
            raise Finding(f"{where}: was taken and not loaded")
        wanted = set(meant)
        # a room loads each side's keys and counts under a name of their own
        kinds = {"keys_counts": "counts"} if name == "room" else {}
        tables = {kinds.get(kind, kind): table for kind, table in loaded.items() if isinstance(table, pa.Table)}
        found = set(tables) - {"own"}
        # the partner may take a file away
        if found != wanted and (what != "manifest" or found - wanted):
            raise Finding(f"{where}: {sorted(tables)} would be loaded, not {sorted(wanted)}")
        if "not signed anew" in how and not all(
            tables[kind].equals(self.good[kind, "dictionary"][0]) for kind in wanted
        ):
            raise Finding(f"{where}: was taken without a signature")
        if what == "manifest":
            manifest = json.loads((self.folder / "inbox/south" / files.MANIFEST).read_bytes())
            problem = problem_of(manifest, good, has_secret=name != "room")
            if problem:
                raise Finding(f"{where}: was taken, though {problem}")
        kind = "keys" if what == "manifest" else what
        if kind not in tables or tables[kind].equals(meant[kind]):
            return f"taken: {'the manifest says what a partner may say' if what == 'manifest' else 'means the same'}"
        (path,) = (self.folder / "inbox/south").glob(f"{kind}-*.parquet")
        if not tables[kind].equals(second_reading(path, kind)):
            raise Finding(f"{where}: another reader reads other rows")
        broken = broken_rule(kind, tables[kind].to_pylist())
        if broken:
            raise Finding(f"{where}: was taken, though {broken}")
        return "taken: another file that keeps all rules, read alike by DuckDB"


def problem_of(manifest: dict[str, Any], good: dict[str, Any], has_secret: bool) -> str | None:
    """Why a manifest that differs from the partner's own must not be taken; None where a partner may say so.

    A room has no secret: that a manifest is the partner's own, its code shows to the people who compare it.
    """
    may_differ = {"sender", "created_on", "expires_on", "sequence", "mac", "statement", "statement_hash", "files"}
    may_differ |= {"partner_statement_hash", "golden_vectors", "public_suffix_list"}
    for name in set(manifest) | set(good):
        if manifest.get(name) != good.get(name) and name not in may_differ:
            return f"{name} is another"
    if has_secret and manifest["mac"] != protocol.authentication_code(SECRET, manifest):
        return "it is not signed"
    if not has_secret and manifest != good and protocol.delivery_code(manifest) == protocol.delivery_code(good):
        return "its code is the one of another"
    if manifest["expires_on"] < AS_OF or manifest["sequence"] < 1 or not manifest["sender"]:
        return "it is expired, has no number or no sender"
    if manifest["statement_hash"] != protocol.digest(manifest["statement"]):
        return "its statement is not the one that it names"
    known = {entry["sha256"]: entry for entry in good["files"]}
    for entry in manifest["files"]:
        if entry["sha256"] not in known or entry["rows"] != known[entry["sha256"]]["rows"]:
            return "it names a file that was not delivered so"
    return None


def second_reading(path: Path, kind: str) -> pa.Table:
    """The rows of a file as DuckDB reads them, in a process of its own."""
    columns = protocol.COLUMNS[kind]
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.parquet", Path(folder) / "out.parquet"
        shutil.copy(path, source)
        chosen = ", ".join(f'"{column}"::varchar as "{column}"' for column in columns)
        statement = f"copy (select {chosen} from '{source}') to '{target}' (format parquet)"
        code = "import duckdb, sys; duckdb.execute('set preserve_insertion_order = true'); duckdb.execute(sys.argv[1])"
        done = subprocess.run([sys.executable, "-c", code, statement], capture_output=True, text=True, check=False)
        if done.returncode:
            raise Finding(f"DuckDB does not read {path.name}: {done.stderr[-300:]}")
        schema = pa.schema([(name, pa.string()) for name in columns])
        return pq.read_table(target).cast(schema)


def broken_rule(kind: str, rows: Sequence[dict[str, Any]]) -> str | None:
    """A rule of the protocol that rows do not keep, told without the package's own code; None where they keep all."""
    places = [tuple(row[name] or "" for name in protocol.GRAIN[kind]) for row in rows]
    if any(first >= second for first, second in itertools.pairwise(places)):
        return "rows are not sorted, or stand twice"
    for row in rows:
        if (row["agreement_id"], row["epoch"]) != ("pact", "2026"):
            return "a row is of another agreement or epoch"
        for name, value in row.items():
            is_needed = name not in ("parent_account_token", "partner_account_token", "status") and kind != "counts"
            if value is None and is_needed:
                return f"{name} is empty"
            if name.endswith("token") and value is not None and not TOKEN.fullmatch(value):
                return f"{name} is no token"
            if name.endswith("status") and value not in (None, *protocol.PARTNER_STATUSES):
                return f"{name} is no status"
            if name == "value" and len(value) > 10_000:
                return "a value is too long"
            if name in ("our_accounts", "partner_accounts", "companies") and value is not None and int(value) < 10:
                return "a count is below 10"
        if kind == "keys" and (row["normaliser_version"] != "3" or row["key_type"] not in protocol.KEY_TYPES):
            return "a key is of another version or type"
        if kind == "fields" and row["field"] not in ("country", "status"):
            return "a field was not agreed"
    return None


def work_through(folder: Path, seed: int, numbers: Sequence[int]) -> Told:
    """Make and receive some deliveries, in this process."""
    told = Told()
    deliveries = Deliveries(folder, seed)
    for number in numbers:
        try:
            deliveries.one(number, told)
        except Exception as finding:
            # whatever it is, the others go on
            words = str(finding) if isinstance(finding, Finding) else f"delivery {number}: {finding!r}"
            told.findings.append(words)
            kept = folder.parent / f"finding-{number}"
            shutil.copytree(folder, kept, dirs_exist_ok=True)
    told.own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    told.children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    if max(told.own, told.children) > MOST_BYTES:
        told.findings.append(f"memory: {told.own:,} bytes, of processes that were started {told.children:,}")
    return told


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--deliveries", type=int, default=5_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first delivery, to see one again")
    parser.add_argument("--seed", type=int, default=31)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--folder", type=Path)
    chosen = parser.parse_args(arguments)
    folder = chosen.folder or Path(tempfile.mkdtemp(prefix="mutated-"))
    numbers = range(chosen.first, chosen.first + chosen.deliveries)
    told, began = Told(), time.monotonic()
    # of many small parts, so that the end of one process does not hide what the others found
    parts = [numbers[at : at + 100] for at in range(0, len(numbers), 100)]
    for at in range(0, len(parts), chosen.jobs):
        with ProcessPoolExecutor(chosen.jobs) as pool:
            started = [
                pool.submit(work_through, folder / f"part-{at + n}", chosen.seed, part)
                for n, part in enumerate(parts[at : at + chosen.jobs])
            ]
            for part in started:
                try:
                    told.add(part.result())
                except BrokenProcessPool:
                    told.findings.append(f"a process of ours died in part {at} to {at + chosen.jobs}")
        for path in folder.glob("part-*"):
            shutil.rmtree(path, ignore_errors=True)
        print(f"{sum(told.groups.values()):,} deliveries, {len(told.findings)} findings", file=sys.stderr, flush=True)
    minutes = (time.monotonic() - began) / 60
    print(f"{sum(told.groups.values()):,} deliveries in {minutes:.0f} minutes, seed {chosen.seed}")
    for title, found in (("By command and what was changed", told.groups), ("What became of them", told.outcomes)):
        print(f"\n{title}")
        for name, count in found.most_common():
            print(f"  {count:>6,}  {name}")
    print(f"\nslowest: {told.slowest:.1f} seconds")
    print(f"most memory: the command {told.own / 1e6:,.0f} MB, processes that it started {told.children / 1e6:,.0f} MB")
    print(f"findings: {len(told.findings)}")
    for finding in told.findings:
        print(f"  {finding}")
    return 1 if told.findings else 0


if __name__ == "__main__":
    sys.exit(main())
