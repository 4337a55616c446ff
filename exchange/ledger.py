"""What left to whom: entries of which each holds the hash of the one before, one JSON line each.

Pure functions, no files, no database. An entry holds names of companies and agreements, numbers, days and hashes; never
a secret and never a value of a row. It is written before the manifest is replaced, so that nothing leaves without one.
Who can write both the file and the warehouse can make the whole chain anew: a hash that is kept elsewhere shows it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .protocol import KINDS, canonical_json, delivery_code

# The file, in the folder of all partners' states.
FILE = "ledger.jsonl"
TABLE = "exchange_ledger"
MOST_BYTES = 1 << 30
NO_ENTRY = "0" * 64
# not_in_outbox: what an entry tells of was not found where it should be. found: something without an entry was.
EVENTS = ("publish", "reveal", "found", "not_in_outbox", "withheld", "forget")
# Those after which the outbox holds what the entry names.
LEFT = ("publish", "reveal", "found")
FIELDS = (
    *("number", "previous", "recorded_at", "as_of", "event", "company_id", "partner_id", "agreement_id", "epoch"),
    *("sequence", "code", "manifest_hash", "statement_hash", "partner_statement_hash", "created_on", "expires_on"),
    *("files", "about", "reason", "hash"),
)
# Columns of the table that repeat a part of the entry, for those who query it.
COLUMNS = (
    *("number", "recorded_at", "as_of", "event", "company_id", "partner_id", "agreement_id", "epoch", "sequence"),
    *("rows_of_keys", "rows_of_counts", "rows_of_fields", "manifest_hash", "entry_hash", "entry"),
)

Entry = Mapping[str, Any]


# ---------------------------------------------------------------- entries


def hash_of(entry: Entry) -> str:
    """SHA-256 in hex of the canonical JSON of all of an entry but its `hash`; the former entry's hash is in it."""
    content = {name: value for name, value in entry.items() if name != "hash"}
    return hashlib.sha256(b"account-mapping/v1 ledger\x00" + canonical_json(content)).hexdigest()


def hash_of_manifest(manifest: Mapping[str, Any]) -> str:
    """SHA-256 in hex of a manifest's file, which holds nothing but its canonical JSON."""
    return hashlib.sha256(canonical_json(manifest)).hexdigest()


def of_manifest(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What an entry tells of a manifest: no `mac`, no key id, no canaries."""
    names = ("agreement_id", "epoch", "sequence", "statement_hash", "partner_statement_hash", "created_on")
    return {
        **{name: manifest[name] for name in (*names, "expires_on", "files")},
        "company_id": manifest["sender"],
        "code": delivery_code(manifest),
        "manifest_hash": hash_of_manifest(manifest),
    }


def following(entries: Sequence[Entry], event: str, partner_id: str, recorded_at: str, **values: Any) -> dict[str, Any]:
    """The entry that comes after `entries`. values: of FIELDS; what is not given is null."""
    last = entries[-1] if entries else None
    entry = dict.fromkeys(FIELDS) | {"files": []} | values
    entry |= {
        "number": last["number"] + 1 if last else 1,
        "previous": last["hash"] if last else NO_ENTRY,
        "recorded_at": recorded_at,
        "event": event,
        "partner_id": partner_id,
    }
    return entry | {"hash": hash_of(entry)}


def line_of(entry: Entry) -> bytes:
    """An entry as the file holds it."""
    return canonical_json(entry) + b"\n"


def row_of(entry: Entry) -> dict[str, Any]:
    """An entry as the table holds it."""
    rows = {f"rows_of_{kind}": sum(file["rows"] for file in entry["files"] if file["kind"] == kind) for kind in KINDS}
    texts = {"entry_hash": entry["hash"], "entry": canonical_json(entry).decode()}
    return {name: {**entry, **rows, **texts}[name] for name in COLUMNS}


# ---------------------------------------------------------------- reading and verifying


@dataclass(frozen=True)
class Read:
    """What one copy of the ledger holds. entries: those that can be read. problems: sentences, none for a whole one."""

    entries: tuple[Entry, ...]
    problems: tuple[str, ...]

    @property
    def head(self) -> str:
        return self.entries[-1]["hash"] if self.entries else NO_ENTRY


def parse(text: str | bytes) -> dict[str, Any]:
    """One entry of its canonical JSON; ValueError for anything else. It may have been altered all the same."""
    entry = json.loads(text)
    if not isinstance(entry, dict) or tuple(sorted(entry)) != tuple(sorted(FIELDS)):
        raise ValueError("no entry")
    whole = ("number",) if entry["sequence"] is None else ("number", "sequence")
    if any(type(entry[name]) is not int for name in whole) or entry["event"] not in EVENTS:
        raise ValueError("no entry")
    if any(not isinstance(entry[name], str) for name in ("partner_id", "previous", "recorded_at", "hash")):
        raise ValueError("no entry")
    if not isinstance(entry["files"], list) or not all(
        isinstance(file, dict) and type(file.get("rows")) is int and isinstance(file.get("kind"), str)
        and isinstance(file.get("rows_per_key_type"), dict) and {"name", "sha256"} <= set(file)
        for file in entry["files"]
    ):  # fmt: skip
        raise ValueError("no entry")
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    if canonical_json(entry) != raw:
        raise ValueError("not in its only spelling")
    return entry


def read_lines(data: bytes) -> Read:
    """The file's content, verified."""
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return _verified(lines, "line")


def read_rows(rows: Iterable[Mapping[str, Any]]) -> Read:
    """The table's rows, verified: its readable columns have to say what the entry says."""
    rows = sorted(rows, key=lambda row: (row["number"] is None, row["number"]))
    read = _verified([row["entry"] or "" for row in rows], "row")
    problems = list(read.problems)
    by_hash = {entry["hash"]: entry for entry in read.entries}
    for row in rows:
        entry = by_hash.get(row["entry_hash"])
        if entry is None or {name: row[name] for name in COLUMNS} != row_of(entry):
            problems.append(f"The columns of entry {row['number']} do not say what the entry itself says.")
    return Read(read.entries, tuple(problems))


def _verified(texts: Sequence[str | bytes], unit: str) -> Read:
    entries: list[dict[str, Any]] = []
    problems: list[str] = []
    expected, previous, is_known = 1, NO_ENTRY, True
    for place, text in enumerate(texts, 1):
        try:
            entry = parse(text)
        except (ValueError, TypeError, RecursionError):
            problems.append(f"The {unit} number {place} is no entry: it was altered, or is not whole.")
            expected, is_known = expected + 1, False
            continue
        number = entry["number"]
        if number > expected:
            missing = f"Entry {expected} is" if number == expected + 1 else f"Entries {expected} to {number - 1} are"
            problems.append(f"{missing} missing.")
        elif number < expected:
            problems.append(f"Entry {number} stands at the place of entry {expected}.")
        if hash_of(entry) != entry["hash"]:
            problems.append(f"Entry {number} was altered after it was written: its hash is another one.")
        if number == expected and is_known and entry["previous"] != previous:
            problems.append(f"Entry {number} does not hold the hash of the entry before it: one of both was replaced.")
        expected, previous, is_known = number + 1, entry["hash"], True
        entries.append(entry)
    return Read(tuple(entries), tuple(problems))


def differences(file: Sequence[Entry], table: Sequence[Entry]) -> list[str]:
    """Where both copies do not agree, in sentences."""
    ours, theirs = ({entry["number"]: entry for entry in entries} for entries in (file, table))
    found = [
        f"Entry {number} is another one in the file than in the warehouse."
        for number in sorted(set(ours) & set(theirs))
        if ours[number] != theirs[number]
    ]
    for here, there, name in ((ours, theirs, "warehouse"), (theirs, ours, "file")):
        lacking = sorted(set(here) - set(there))
        if not lacking:
            continue
        is_end = not there or lacking[0] > max(there)
        which = f"entry {lacking[0]}" if len(lacking) == 1 else f"entries {_spans(lacking)}"
        why = "cut at its end, or not brought up to date by a command that was stopped" if is_end else "altered"
        found.append(f"The {name} lacks {which}, which the other copy has: it was {why}.")
    return found


def _spans(numbers: Sequence[int]) -> str:
    """Sorted numbers in words: 2, 5 to 7."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(str(first) if first == last else f"{first} to {last}" for first, last in spans)


def longer(file: Read, table: Read) -> tuple[Entry, ...] | None:
    """The copy to go on with: one of both that are whole, where it goes on where the other ends; else None."""
    if file.problems or table.problems:
        return None
    common = min(len(file.entries), len(table.entries))
    if file.entries[:common] != table.entries[:common]:
        return None
    return max(file.entries, table.entries, key=len)


def in_force(entries: Iterable[Entry], partner_id: str) -> Entry | None:
    """The entry of what a partner's outbox should hold; None before the first, and where it should hold nothing."""
    last = None
    for entry in entries:
        if entry["partner_id"] != partner_id:
            continue
        if entry["event"] in LEFT:
            last = entry
        elif entry["event"] == "not_in_outbox":
            # tells what was there instead
            last = entry if entry["manifest_hash"] else None
        elif entry["event"] == "forget":
            last = None
    return last


def catching_up(
    entries: Sequence[Entry], partner_id: str, manifest: Mapping[str, Any] | None
) -> list[tuple[str, dict[str, Any]]]:
    """Entries that are missing, given what lies in a partner's outbox: (event, values) for `following`.

    A command that is killed between its entry and the manifest leaves an entry of what did not leave. A manifest
    without any entry left by a former version, or while another ledger was kept.
    """
    last = in_force(entries, partner_id)
    there = hash_of_manifest(manifest) if manifest else None
    if (last["manifest_hash"] if last else None) == there:
        return []
    of_this_partner = [entry for entry in entries if entry["partner_id"] == partner_id]
    is_known = there in {entry["manifest_hash"] for entry in of_this_partner if entry["event"] in LEFT}
    missing: list[tuple[str, dict[str, Any]]] = []
    if last:
        missing.append(("not_in_outbox", {"about": last["number"]} | (of_manifest(manifest) if is_known else {})))
    if manifest and not (is_known and last):
        missing.append(("found", of_manifest(manifest)))
    return missing


def outbox_problem(entries: Sequence[Entry], partner_id: str, manifest: Mapping[str, Any] | None) -> str | None:
    """What a partner's outbox tells against the ledger, in a sentence, or None."""
    missing = catching_up(entries, partner_id, manifest)
    if not missing:
        return None
    last = in_force(entries, partner_id)
    if manifest is None:
        return (
            f"The outbox of {partner_id} is empty, and entry {last['number']} says what should lie there: a command "
            "was stopped, or somebody emptied it. The next `publish` or `forget` notes it."
        )
    instead = f" instead of what entry {last['number']} tells of" if last else ""
    why = "a command was stopped, or somebody changed it" if last else "the ledger was cut, or began later"
    return (
        f"The outbox of {partner_id} holds number {manifest['sequence']}, code {delivery_code(manifest)},{instead}"
        f"{'' if last else ' of which no entry tells'}: {why}. The next `publish` or `forget` notes it."
    )


# ---------------------------------------------------------------- for people


def described(entry: Entry) -> list[str]:
    """An entry in lines."""
    day = entry["as_of"] or entry["recorded_at"][:10]
    number = f", number {entry['sequence']}" if entry["sequence"] is not None else ""
    under = f" under {entry['agreement_id']}, epoch {entry['epoch']}" if entry["agreement_id"] else ""
    rows = ", ".join(f"{file['rows']:,} {file['kind']}" for file in entry["files"])
    what = {
        "publish": f"published to {entry['partner_id']}{number}{under}",
        "reveal": f"revealed to {entry['partner_id']}{number}{under}",
        "found": f"found in the outbox of {entry['partner_id']}, with no entry of its own{number}{under}",
        "not_in_outbox": (
            f"what entry {entry['about']} tells of was not in the outbox of {entry['partner_id']} when the next "
            "command looked: stopped before it left, or taken away"
        ),
        "withheld": f"withheld from {entry['partner_id']}{under}: a check refused it ({entry['reason']}), nothing left",
        "forget": f"forgot {entry['partner_id']}",
    }[entry["event"]]
    if entry["event"] in LEFT:
        what += f": {rows or 'a statement and no rows'}"
    lines = [f"{entry['number']:>5}  {day}  {what}", f"       written {entry['recorded_at']}, hash {entry['hash']}"]
    if entry["event"] in LEFT:
        theirs = entry["partner_statement_hash"]
        lines += [
            f"       code {entry['code']}, manifest {entry['manifest_hash']}",
            f"       statement {entry['statement_hash']}, partner's {theirs or 'not known yet'}",
        ]
        for file in entry["files"]:
            per_type = ", ".join(f"{rows:,} {key_type}" for key_type, rows in sorted(file["rows_per_key_type"].items()))
            detail = f" ({per_type})" if per_type else ""
            lines.append(f"       {file['rows']:,} {file['kind']}{detail}, sha256 {file['sha256']}")
    return lines
