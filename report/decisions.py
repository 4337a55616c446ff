"""Decisions that people downloaded, merged into the seed account_mapping__match_overrides of a project.

A download is made for people, who may open it in a spreadsheet: there a text that would be run as a formula has an
apostrophe in front. The seed has ids as they are, since the models join by them.
"""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from exchange.text import printable

from .export import FORMULA
from .marts import ReportError

SEED = "account_mapping__match_overrides"
# columns of the seed, in its order
REQUIRED = ("partner_id", "account_id", "partner_account_id", "decision")
OPTIONAL = ("decided_by", "decided_on")
COLUMNS = (*REQUIRED, *OPTIONAL)
DECISIONS = ("match", "no_match")
MARK = "\ufeff"
# what a spreadsheet would run, with any apostrophes in front: so each one that a download adds can be told again
RUN = re.compile(
    "^'*" + re.sub(r"\\x\{([0-9a-f]+)\}", lambda found: rf"\U{int(found[1], 16):08x}", FORMULA.removeprefix("^"))
)

Pair = tuple[str, str, str]


@dataclass(frozen=True)
class Decision:
    """What one person said of one pair. by and on may be empty; on: a day as the seed writes it."""

    pair: Pair
    decision: str
    by: str
    on: str

    @property
    def strength(self) -> tuple[str, bool]:
        """Of two people's the greater counts, as in the models: the later, and of one day `no_match`, the safer."""
        return self.on, self.decision == "no_match"

    def __str__(self) -> str:
        return f"{self.decision} by {printable(self.by) or 'nobody named'} on {self.on or 'no day'}"


@dataclass
class Table:
    """A CSV file, record by record.

    header: names of columns. records: text as it stands in the file, with its line's end, and cells; a blank line has
    no cells. end: how its lines end.
    """

    path: Path
    marked: bool
    header: list[str]
    head: str
    records: list[tuple[str, int, list[str]]]
    end: str


@dataclass
class Merged:
    """What a merge did. text: the seed's new content. conflicts: a line each."""

    text: str
    conflicts: list[str] = field(default_factory=list)
    added: int = 0
    changed: int = 0
    same: int = 0
    dropped: int = 0
    kept: int = 0
    columns: list[str] = field(default_factory=list)


def safe(text: str) -> str:
    """A text as a download has it: with an apostrophe in front where a spreadsheet would run it."""
    return f"'{text}" if RUN.match(text) else text


def unsafe(text: str) -> str:
    """The text that `safe` was given."""
    return text[1:] if text.startswith("'") and RUN.match(text[1:]) else text


def read(path: Path, remedy: str) -> Table:
    """A CSV file with the seed's columns. Raises ReportError, with the remedy, where it is none."""
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise ReportError(f"There is no file {path}: {remedy}") from None
    except OSError as error:
        raise ReportError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError:
        raise ReportError(f"{path} is not in UTF-8, so a program has changed it: {remedy}") from None
    marked = text.startswith(MARK)
    lines = list(io.StringIO(text.removeprefix(MARK), newline=""))
    reader = csv.reader(lines, strict=True)
    records, last = [], 0
    try:
        for cells in reader:
            records.append(("".join(lines[last : reader.line_num]), last + 1, cells))
            last = reader.line_num
    except csv.Error as error:
        raise ReportError(f"Line {last + 1} of {path} is no CSV ({error}): {remedy}") from error
    if not records or not records[0][2]:
        raise ReportError(f"The first line of {path} has no columns: {remedy}")
    head, _, header = records[0]
    missing = [name for name in REQUIRED if name not in header]
    if missing:
        raise ReportError(
            f"{path} has no column {', '.join(missing)}. It needs {', '.join(REQUIRED)}, and may have "
            f"{', '.join(OPTIONAL)}, with commas between: {remedy}"
        )
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise ReportError(f"{path} has column {printable(', '.join(twice))} twice: take one away.")
    for _, line, cells in records[1:]:
        if cells and len(cells) != len(header):
            raise ReportError(
                f"Line {line} of {path} has {len(cells)} cells where the header has {len(header)}: {remedy}"
            )
    end = head[len(head.rstrip("\r\n")) :] or "\n"
    return Table(path, marked, header, head, records[1:], end)


def decision_of(cells: Mapping[str, str], path: Path, line: int) -> Decision:
    """One row as a decision. Raises ReportError where it is none."""
    values = {name: cells.get(name, "").strip(" ") for name in COLUMNS}
    place = f"Line {line} of {path}"
    for name in REQUIRED[:3]:
        if not values[name]:
            raise ReportError(f"{place} has no {name}: fill it in, or take the row out.")
    decision = values["decision"].lower()
    if decision not in DECISIONS:
        raise ReportError(
            f"{place} has the decision `{printable(values['decision'])}`: write `match` or `no_match`, "
            "or take the row out."
        )
    if values["decided_on"]:
        try:
            is_day = date.fromisoformat(values["decided_on"]).isoformat() == values["decided_on"]
        except ValueError:
            is_day = False
        if not is_day:
            raise ReportError(
                f"{place} was decided on `{printable(values['decided_on'])}`, which is no day: write it as 2026-11-15. "
                "Spreadsheets write days anew when they save."
            )
    pair = (values["partner_id"], values["account_id"], values["partner_account_id"])
    return Decision(pair, decision, values["decided_by"], values["decided_on"])


def downloaded(path: Path) -> list[Decision]:
    """Decisions of one download, in its order. Raises ReportError where it has a column or decision that is unknown."""
    table = read(path, "download the decisions again from the page, and merge them as they are.")
    unknown = [name for name in table.header if name not in COLUMNS]
    if unknown:
        raise ReportError(
            f"{path} has the unknown column {printable(', '.join(unknown))}: take it out. "
            f"Known are {', '.join(COLUMNS)}."
        )
    return [
        decision_of(dict(zip(table.header, map(unsafe, cells), strict=True)), path, line)
        for _, line, cells in table.records
        if cells
    ]


def settled(decisions: Sequence[Decision]) -> tuple[Decision, list[Decision]]:
    """The decision on one pair that counts, and the last one of each person.

    decisions: on one pair, in the order in which they were given. Of one person's the latest counts, of one day the one
    that was given last; of several people's the latest, of one day `no_match`. The first of equals stays.
    """
    last: dict[object, Decision] = {}
    for place, decision in enumerate(decisions):
        # whoever gave no name may be anybody
        person = decision.by or place
        if person not in last or decision.on >= last[person].on:
            last[person] = decision
    voices = list(last.values())
    return max(voices, key=lambda voice: voice.strength), voices


def conflict(counts: Decision, voices: Iterable[Decision]) -> str | None:
    """What two people said differently of one pair, on one line; None where they agree."""
    others = sorted({str(voice) for voice in voices if voice.decision != counts.decision})
    if not others:
        return None
    return f"conflict: {printable(' '.join(counts.pair))}: {counts}, which counts; {'; '.join(others)}"


def row_text(cells: Sequence[str], end: str) -> str:
    """A record as CSV."""
    made = io.StringIO(newline="")
    csv.writer(made, lineterminator=end).writerow(cells)
    return made.getvalue()


def merge(seed: Table, downloads: Sequence[Sequence[Decision]]) -> Merged:
    """The seed with the decisions of all downloads.

    A pair of theirs has one row then, where its first one stood; new pairs follow at the end in the order in which they
    were given. Rows of other pairs stay as they are, byte by byte, with empty cells where a column is new.
    """
    given: dict[Pair, list[Decision]] = {}
    for decision in (decision for download in downloads for decision in download):
        given.setdefault(decision.pair, []).append(decision)
    added_columns = [name for name in OPTIONAL if name not in seed.header] if given else []
    header = [*seed.header, *added_columns]

    places: dict[Pair, list[tuple[int, Decision]]] = {}
    for place, (_, line, cells) in enumerate(seed.records):
        values = dict(zip(seed.header, cells, strict=False))
        pair = tuple(values.get(name, "").strip(" ") for name in REQUIRED[:3])
        if pair in given:
            places.setdefault(pair, []).append((place, decision_of(values, seed.path, line)))

    merged = Merged("", columns=added_columns)
    written: dict[int, str] = {}
    appended = []
    for pair, decisions in given.items():
        former = places.get(pair, [])
        counts, voices = settled([*(decision for _, decision in former), *decisions])
        told = conflict(counts, voices)
        if told:
            merged.conflicts.append(told)
        values = dict(zip(COLUMNS, (*pair, counts.decision, counts.by, counts.on), strict=True))
        if not former:
            merged.added += 1
            appended.append(row_text([values.get(name, "") for name in header], seed.end))
            continue
        first = former[0][0]
        merged.dropped += len(former) - 1
        written |= {place: "" for place, _ in former[1:]}
        if len(former) == 1 and former[0][1] == counts:
            merged.same += 1
        else:
            merged.changed += 1
            # cells of columns that are the project's own belong to the pair
            own = dict(zip(seed.header, seed.records[first][2], strict=True))
            written[first] = row_text([values.get(name, own.get(name, "")) for name in header], seed.end)
    touched = sum(map(len, places.values()))
    merged.kept = sum(bool(cells) for *_, cells in seed.records) - touched

    lines = [widened(seed.head, added_columns)]
    for place, (text, _, cells) in enumerate(seed.records):
        lines.append(written[place] if place in written else widened(text, [""] * len(added_columns) if cells else []))
    body = "".join(lines)
    if appended and not body.endswith(("\n", "\r")):
        body += seed.end
    merged.text = (MARK if seed.marked else "") + body + "".join(appended)
    return merged


def widened(text: str, cells: Sequence[str]) -> str:
    """A record's text with cells added before its line's end."""
    body = text.rstrip("\r\n")
    return body + "".join(f",{cell}" for cell in cells) + text[len(body) :]


def replace(path: Path, text: str) -> None:
    """Give a file new content, whole or not at all, and the rights that it has."""
    target = path.resolve()
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with open(handle, "wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        shutil.copymode(target, name)
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def merge_files(seed: Path, downloads: Sequence[Path], dry_run: bool = False) -> str:
    """Merge downloads into a seed file; returns what to tell. Raises ReportError, and then nothing is changed."""
    table = read(
        seed,
        f"write one with the line `{','.join(COLUMNS)}` as seeds/{SEED}.csv of your project, and switch off the "
        f"package's in dbt_project.yml (seeds: account_mapping: {SEED}: +enabled: false).",
    )
    given = [downloaded(path) for path in downloads]
    merged = merge(table, given)
    lines = list(merged.conflicts)
    if merged.columns:
        lines.append(f"columns added: {', '.join(merged.columns)}")
    if merged.dropped:
        lines.append(f"former rows of the same pairs taken out: {merged.dropped:,}")
    is_new = merged.text.encode("utf-8") != seed.read_bytes()
    if is_new and not dry_run:
        try:
            replace(seed, merged.text)
        except OSError as error:
            raise ReportError(f"{seed} cannot be written: {error.strerror}. It is as it was.") from error
    ending = ("; nothing is written, since this is a dry run" if dry_run else "") if is_new else "; nothing to change"
    lines.append(
        f"{seed}: {merged.added:,} added, {merged.changed:,} changed, {merged.same:,} as they were, "
        f"{merged.kept:,} other rows kept, {len(merged.conflicts):,} conflicts{ending}"
    )
    return "\n".join(lines)
