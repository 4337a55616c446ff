"""Partner lists that arrive as files, as text: one row per row of a list, per problem, and per file looked at.

Each file is read alone: one that cannot be read is one row that says so, and the others go on. A file is gone through
twice: what its columns mean, where a report's footer begins and how it writes dates is known before a row is passed on.
A plain CSV or Parquet file goes through as Arrow batches; what people and report tools make of one is read row by row.
Parquet, workbooks and gzip are read by a child process with limits (CHILD), which hands over all rows of a file or
none: libraries for these can be made to abort, or to fill the memory. Plain text is read here, block by block.
"""

import codecs
import csv
import errno
import glob
import gzip
import hashlib
import json
import os
import re
import signal
import stat
import subprocess
import sys
import tempfile
import unicodedata
import zipfile
import zlib
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import chain, islice

MISSING_LIBRARY = (
    "account_mapping needs {}: run `pip install -r dbt_packages/account_mapping/requirements.txt` "
    "in the environment of dbt"
)

try:
    import charset_normalizer
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.csv as pa_csv
    import pyarrow.parquet as pq
    import python_calamine
except ImportError as error:
    raise ImportError(MISSING_LIBRARY.format(error.name)) from error

COLUMNS = [
    "partner_id",
    "account_id",
    "account_name",
    "website",
    "email_domain",
    "country",
    "state",
    "city",
    "postal_code",
    "status",
    "segment",
    "owner_name",
    "owner_email",
    "open_amount",
    "currency",
    "customer_since",
    "deal_stage",
    "deal_close_date",
    "last_won_on",
    "annual_revenue",
    "employee_count",
    "industry",
    "lei",
    "duns",
    "vat_id",
    "linkedin_url",
    "parent_account_id",
    "updated_at",
]
SCHEMA = pa.schema(
    [
        ("file_name", pa.string()),
        ("row_number", pa.int64()),
        ("kind", pa.string()),
        ("problem", pa.string()),
        ("detail", pa.string()),
        ("n_rows", pa.int64()),
        ("is_repair", pa.bool_()),
        ("columns_read", pa.string()),
        ("columns_unread", pa.string()),
    ]
    + [(column, pa.string()) for column in COLUMNS]
)
IDENTITY = ("account_name", "website", "email_domain", "lei", "duns", "vat_id", "linkedin_url")
# what an id made from content is made of: what a company is, never what a partner knows or does about it
CONTENT = (*IDENTITY, "country", "state", "city", "postal_code")
DATES = ("customer_since", "deal_close_date", "last_won_on", "updated_at")
NUMBERS = ("open_amount", "annual_revenue", "employee_count")

# Of several columns with one meaning: these are clearer than the layout's own name (Dynamics' `Status` is `Active`
# wherever a record is), and these say less than any other.
CLEARER = {"lifecyclestage", "relationshiptype", "lifecyclephase", "beziehungstyp", "typederelation", "tipoderelacion"}
VAGUE = {
    *("id", "name", "nom", "nombre", "type", "typ", "tipo", "number", "nummer", "email", "amount", "category"),
    *("customernumber", "kundennr", "kundennummer", "accountnumber"),
}
VAGUE_PREFIXES = ("shipping", "mailing", "other", "liefer", "livraison", "envio")
# Headers that may as well be a value of a list; alone they do not make a header row.
ALSO_VALUES = {"customer", "client", "cliente", "kunde", "account", "partner", "prospect"}

# Limits, so that no file takes what the machine has. docs/partner_file.md tells them.
SAMPLE_ROWS = 60
SAMPLE_CHARACTERS = 1 << 20
MAX_LINE = 32 << 20
MAX_FIELD = 1 << 20
MAX_LINES_OF_A_ROW = 100
MAX_UNPACKED = 2 << 30
MAX_WORKBOOK = 512 << 20
MAX_CELLS = 15_000_000
MAX_SECONDS = 300
# Of the child: all that it may hold, a workbook as a whole among it (16 million short cells took 1.8 GB), and what it
# may write, in bytes.
MAX_MEMORY = 2 << 30
MAX_WRITTEN = 3 * MAX_UNPACKED
# What the child has to know of these; tests lower them.
CHILD_LIMITS = ("MAX_UNPACKED", "MAX_WORKBOOK", "MAX_SECONDS", "MAX_MEMORY", "MAX_WRITTEN")
MAX_SINGLE_PROBLEMS = 100
TAIL_ROWS = 200
BLOCK_BYTES = 4 << 20
BATCH_ROWS = 16_384

TEXT_SUFFIXES = (".csv", ".tsv", ".txt", ".tab")
SHEET_SUFFIXES = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
PARQUET_SUFFIXES = (".parquet", ".pq")
USUAL_DELIMITERS = ",;\t|"
OTHER_DELIMITERS = ":^~¦§\x01\x02\x1c\x1d\x1e\x1f"
ERROR_CELLS = ["#N/A", "#N/A!", "#NV", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!", "#BEZUG!", "#WERT!"]

# Runs in the child: limits first, then this file, then the list. Where the system has no limits for a process (Windows)
# the timeout is left, and what is counted while reading; macOS does not keep to the one of memory.
CHILD = """
import contextlib
import json
import sys
import types

request = json.load(sys.stdin)
limits = request["limits"]
with contextlib.suppress(ImportError):
    import resource

    for name, most in (
        ("RLIMIT_CORE", 0),
        ("RLIMIT_AS", limits["MAX_MEMORY"]),
        ("RLIMIT_DATA", limits["MAX_MEMORY"]),
        ("RLIMIT_CPU", limits["MAX_SECONDS"]),
        ("RLIMIT_FSIZE", limits["MAX_WRITTEN"]),
        ("RLIMIT_NOFILE", 64),
    ):
        if hasattr(resource, name):
            hard = resource.getrlimit(getattr(resource, name))[1]
            least = most if hard == resource.RLIM_INFINITY else min(most, hard)
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(getattr(resource, name), (least, least))
if sys.platform == "linux":
    with contextlib.suppress(OSError, AttributeError, ImportError):
        import ctypes

        libc = ctypes.CDLL(None)
        # ends with its parent, is not looked into, gets no more rights; and is without a network, where that is allowed
        for option, value in ((1, 9), (4, 0), (38, 1)):
            libc.prctl(option, value, 0, 0, 0)
        libc.unshare(0x10000000 | 0x40000000)
        # Landlock: starts no program, and writes, makes and removes no file
        rights = ctypes.c_uint64(((1 << 13) - 1) & ~(1 << 2) & ~(1 << 3))
        rules = libc.syscall(444, ctypes.byref(rights), ctypes.c_size_t(8), 0)
        if rules >= 0:
            libc.syscall(446, rules, 0)
sys.path[:] = request["paths"]
module = types.ModuleType("partner_files")
sys.modules["partner_files"] = module
exec(compile(request["source"], "partner_files", "exec"), module.__dict__)
module.write_file(request, sys.stdout.buffer)
"""
# What the child runs: dbt removes this file while it may still be in use.
try:
    with open(__file__, encoding="utf-8") as own_file:
        OWN_SOURCE = own_file.read()
except (NameError, OSError):
    OWN_SOURCE = None
# What an iterator of lines ends with.
END = object()
# Without a limit of its own, csv refuses a file for one long cell.
csv.field_size_limit(max(csv.field_size_limit(), MAX_LINE))

# The arrow of a sorted or grouped column; in windows-1252 it is a question mark.
ARROW = re.compile(r"[↑↓▲▼⬆⬇]|\s\?$")
NOT_IN_KEY = re.compile(r"[\W_]+")
# What report tools write below a list, in four languages.
FOOTER = re.compile(
    r"\s*(copyright\b|\(c\) |©|confidential\b|.*confidential information|.*do not distribute|.*all rights reserved|"
    r"(generated|exported|created|filtered|run|prepared|report generated|report run)\s+(by|on|at|from)\b|"
    r"(report name|report date|as of|as at|stand|date du rapport|fecha del informe)\s*:?\s.*\d|"
    r"(erstellt|exportiert|generiert)\s+(von|am|durch)\b|vertraulich|alle rechte vorbehalten|"
    r"(généré|exporté|créé)e?\s+(par|le)\b|confidentiel|tous droits réservés|"
    r"(generado|exportado|creado)\s+(por|el)\b|confidencial|todos los derechos reservados|"
    r"(page|seite|página)\s+\d+|"
    r"\d[\d.,]*\s+(total\s+)?(records?|rows?|accounts?|companies|datensätze|zeilen|enregistrements|lignes|registros|filas)\s*$|"
    r"(total |number of )?(records?|rows|datensätze|enregistrements|registros)\s*:?\s*\d*\s*$)",
    re.IGNORECASE,
)
TOTAL = re.compile(
    r"\s*((grand|sub|report|overall)?[ -]?totals?|sum|count|average|record count|gesamt(summe|ergebnis)?|"
    r"(zwischen|teil)?summe|anzahl|(sous-?)?total( général)?|somme|(sub)?total( general)?|suma|recuento)"
    r"\s*(\([^)]*\))?\s*:?\s*(\d[\d.,]*)?\s*$",
    re.IGNORECASE,
)
GROUP_LINE = re.compile(r".*\(\d+ (records?|datens(atz|ätze)|enregistrements?|registros?)\)\s*$", re.IGNORECASE)
NUMBER = re.compile(r"[\s(+-]*(?:[A-Z]{3}\s*|[^\w\s]\s*)?-?[\d.,'’\s%]+\)?(?:\s*[A-Z]{3}|\s*[€$£¥])?$")
SHORT_DATE = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})(?:(?:,\s*|\s+|T)(\S.*))?$")
SLASHED = re.compile(r"(?<![\d/-])\d{1,2}([/-])\d{1,2}\1(?:\d{4}|\d{2})(?![\d/-])")
TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*(?:([AaPp])\.?\s?[Mm]\.?)?$")
DOTTED_GROUPS = re.compile(r"[+-]?\d{1,3}(\.\d{3})+$")
CONTINENTAL = re.compile(r"[^\d]*(\d{1,3}(\.\d{3})+,\d+|\d+,\d{1,2}|\d{1,3}(\.\d{3}){2,})[^\d]*$")
ENGLISH = re.compile(r"[^\d]*(\d{1,3}(,\d{3})+\.\d+|\d+\.\d{1,2}|\d+\.\d{4,}|\d{1,3}(,\d{3}){2,})[^\d]*$")
SCIENTIFIC = re.compile(r"(\d)(?:[.,](\d+))?[eE]\+?(\d{1,3})$")


# A problem that rejects no row: its code, what it is, and how many rows it is about; None: the whole file.
Note = tuple[str, str, int | None]
REPAIRS = {
    "error_cells": "cells such as #N/A count as empty",
    "filled_down": "a group's value stands in its first row only",
    "short_rows": "fewer cells than the header has: the last columns count as empty",
    "stray_quotes": "a quoted cell that does not end",
    "id_lost_digits": "ids such as 9.1E+06",
    "ids_from_content": "ids made of name, website, country and the like",
}


class NotPlain(Exception):
    """A file that Arrow does not read row by row as it was written."""


class UnusableFile(Exception):
    """A file that gives no rows: `problem` is its code, the message why, `n_rows` how many it has, if known."""

    def __init__(self, problem: str, detail: str, n_rows: int | None = None):
        super().__init__(detail)
        self.problem = problem
        self.n_rows = n_rows


@dataclass(frozen=True)
class Settings:
    """What the project says of partners' files.

    meanings: meaning by (partner_id or `*`, key of a header). partners: (key of) known partner_ids; None: any name
    is a partner. several: names of files that hold lists of several partners, in lower case.
    """

    meanings: dict[tuple[str, str], str] = field(default_factory=dict)
    partners: frozenset[str] | None = None
    several: frozenset[str] = frozenset()

    def meaning(self, partner: str, header: str) -> tuple[str | None, int]:
        """What a column holds, and its place among columns of one meaning: the least is asked first."""
        key = column_key(header)
        if not key:
            return None, 0
        own = self.meanings.get((partner, key))
        if own:
            return own, 0
        found = self.meanings.get(("*", key)) or LAYOUT.get(key)
        if found is None:
            return None, 0
        if key in CLEARER:
            return found, 1
        if key in VAGUE or key.startswith(VAGUE_PREFIXES):
            return found, 4
        return found, 2 if key in LAYOUT else 3


@dataclass(frozen=True)
class Header:
    """The columns of a list.

    names: as written. places: for each meaning the columns that hold it, the one that counts most first.
    """

    names: list[str]
    places: dict[str, list[int]]
    ignored: frozenset[int] = frozenset()

    @property
    def has_identity(self) -> bool:
        return any(name in self.places for name in ("account_id", *IDENTITY))


@dataclass
class Row:
    """One row below the header: its cells, or why it cannot be told into cells (`bad`). No cells: an empty line.

    is_mended: a stray quote was set aside. is_grid: an empty row is a row, not the end of a line. is_short: its last
    cells were missing. is_subtotal: it holds totals.
    """

    number: int
    cells: list[str | None]
    bad: str | None = None
    is_mended: bool = False
    is_grid: bool = False
    is_short: bool = False
    is_subtotal: bool = False


@dataclass
class Source:
    """A list that is read row by row.

    rows: gives the rows from the first one on, as often as it is called. batches: the same as Arrow, where that is the
    short way. notes: problems that reject no row, as (problem, detail, number of rows or None). is_text: whether
    numbers and dates are text as somebody wrote it. is_report: whether a report may have written lines
    below the list.
    """

    header: Header
    rows: Callable[[], Iterator[Row]]
    batches: Callable[[], Iterator[pa.RecordBatch]] | None = None
    notes: list[Note] = field(default_factory=list)
    is_text: bool = True
    is_report: bool = True


@dataclass
class Survey:
    """What the first pass found out.

    fill: columns that a report fills in the first row of a group only. day_first: by column, whether it writes days
    before months; None: nothing tells. continental: number columns whose dots group thousands. used: columns that hold
    anything.
    """

    n_rows: int = 0
    fill: set[int] = field(default_factory=set)
    day_first: dict[int, bool | None] = field(default_factory=dict)
    continental: set[int] = field(default_factory=set)
    used: set[int] = field(default_factory=set)
    notes: list[Note] = field(default_factory=list)


def column_key(name: str) -> str:
    """A header as headers are compared: letters and digits only, without case and accents."""
    bare = unicodedata.normalize("NFKD", name).casefold()
    return NOT_IN_KEY.sub("", "".join(character for character in bare if not unicodedata.combining(character)))


LAYOUT = {column_key(column): column for column in COLUMNS} | {"name": "account_name", "domain": "website"}


def partner_of(path: str) -> str:
    """The partner that a file's name tells: `nimbus.csv` is nimbus's list."""
    return os.path.basename(path).split(".")[0].strip().lower()


def clean(value: str | None) -> str | None:
    """A cell without blanks around it; the empty one as None."""
    if value is None:
        return None
    return value.strip("\ufeff\u200b \t\r\n\xa0\v\f") or None


def shown(text: str, limit: int = 200) -> str:
    """A piece of a file as a line of a report, cut."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


# ---------- header


def header_of(cells: list[str | None], partner: str, settings: Settings) -> Header:
    """The columns that a row of cells names."""
    found: dict[str, list[tuple[int, int]]] = {}
    ignored = set()
    for place, cell in enumerate(cells):
        meaning, rank = settings.meaning(partner, cell or "")
        if meaning == "ignore":
            ignored.add(place)
        if meaning in COLUMNS:
            found.setdefault(meaning, []).append((rank, place))
    names = [shown(cell or "", 100) for cell in cells]
    places = {meaning: [place for _, place in sorted(some)] for meaning, some in found.items()}
    return Header(names, places, frozenset(ignored))


def header_score(cells: list[str | None], partner: str, settings: Settings, is_first: bool) -> tuple[int, int]:
    """How much a row looks like a header: (known columns, filled cells); (0, 0) for one that cannot be."""
    header = header_of(cells, partner, settings)
    if not header.has_identity:
        return 0, 0
    filled = sum(cell is not None for cell in cells)
    if len(header.places) == 1 and not is_first:
        (place, *_), *_ = header.places.values()
        if filled == 1 or column_key(cells[place] or "") in ALSO_VALUES:
            return 0, 0
    return len(header.places), min(filled, 3)


def find_header(rows: list[list[str | None]], partner: str, settings: Settings) -> tuple[int, tuple[int, int]]:
    """Index of the row that names most known columns, the first of those, and its score; (-1, ...) if none does."""
    best, best_score, is_first = -1, (0, 0), True
    for index, cells in enumerate(rows):
        if not any(cells):
            continue
        score = header_score(cells, partner, settings, is_first)
        is_first = False
        if score > best_score:
            best, best_score = index, score
    return best, best_score


def no_header(rows: list[list[str | None]], n_rows: int | None) -> UnusableFile:
    first = next((cells for cells in rows if any(cells)), [])
    names = ", ".join(cell for cell in first if cell)
    return UnusableFile(
        "missing_column", f"no row names a column with a name, a website or an id: {shown(names, 500)}", n_rows
    )


def title_note(rows: list[list[str | None]]) -> list[Note]:
    """What stands above the header, as a note."""
    titles = [" ".join(cell for cell in cells if cell) for cells in rows if any(cells)]
    if not titles:
        return []
    return [("title_rows", f"{len(titles)} above the header: {shown(' | '.join(titles))}", None)]


# ---------- text files


def kind_of(path: str) -> str:
    """`text`, `gzip`, `sheets` or `parquet`: by a file's first bytes, and by its name where they do not tell."""
    with open(path, "rb") as file:
        start = file.read(8)
    name = path.lower()
    suffix = os.path.splitext(name)[1]
    if not start:
        raise UnusableFile("empty_file", "the file has no content")
    if start.startswith(b"\x1f\x8b"):
        return "gzip"
    if start.startswith(b"PAR1") or suffix in PARQUET_SUFFIXES:
        return "parquet"
    if start.startswith(b"\xd0\xcf\x11\xe0") or (start.startswith(b"PK\x03\x04") and suffix != ".zip"):
        return "sheets"
    if suffix == ".xls" and start.lstrip().startswith((b"<", b"\xef\xbb\xbf<")):
        raise UnusableFile("unreadable_file", "a web page that is called .xls: open it and save it as .xlsx")
    if suffix in SHEET_SUFFIXES and suffix != ".xls":
        raise UnusableFile("unreadable_file", "no workbook, though its name says so")
    if suffix in TEXT_SUFFIXES or suffix == ".xls":
        return "text"
    raise UnusableFile("unknown_file_type", f"`{suffix}` is no CSV, workbook or Parquet")


class Bounded:
    """A gzip file that is read to a limit, so that a bomb does not go off."""

    def __init__(self, path: str):
        self.file = gzip.open(path, "rb")  # noqa: SIM115
        self.left = MAX_UNPACKED

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def read(self, size: int) -> bytes:
        block = self.file.read(size)
        self.left -= len(block)
        if self.left < 0:
            raise UnusableFile("too_large_file", f"more than {MAX_UNPACKED >> 20} MB when unpacked")
        return block


@contextmanager
def opened(path: str, is_gzip: bool):
    """The bytes of a text file."""
    with Bounded(path) if is_gzip else open(path, "rb") as file:
        yield file


@dataclass(frozen=True)
class Encoding:
    """How a file writes text: a name that Python knows, what is to be told of it, and the number of line ends.

    n_lines is None where Arrow does not read the file.
    """

    name: str
    note: str | None
    n_lines: int | None = None
    ends_with_line: bool = True


def western_score(text: str) -> int:
    """How much the letters beyond ASCII look like those of Western and Central European names; below 0: they do not."""
    usual = "àáâãäåæçèéêëíîïñóôõöøùúûüßœÄÅÆÇÉÈÊÑÖØÜÀÁÂÍÎÓÔÚŠšŽžłŁąęśćńźżŻŚŹĆřŘčČěůťďňőűŐŰ–—‘’“”„…€®™©°·«»\xa0"
    score = 0
    for before, letter, after in zip(" " + text, text, text[1:] + " ", strict=False):
        if letter < "\x80":
            continue
        if letter in usual:
            # a capital amid small letters is a sign of a wrong guess
            score += -1 if letter.isupper() and before.islower() else 1
        else:
            score -= 1
        # runs of three are words of another script, read wrongly
        if before >= "\x80" and after >= "\x80" and before.isalpha() and after.isalpha():
            score -= 2
    return score


def guess_encoding(sample: bytes) -> str:
    """The encoding of text that is no UTF-8.

    windows-1252, as most such lists are, where its letters make sense; else what charset-normalizer takes for the
    likeliest; else latin-1, in which every byte means something.
    """
    lines = [line for line in re.split(rb"[\r\n]+", sample) if any(byte > 127 for byte in line)][:2000]
    telling = b"\n".join(lines)
    # bytes that an encoding does not know count against it
    texts = {name: telling.decode(name, errors="replace") for name in ("cp1252", "cp1250", "mac_roman", "cp850")}
    scores = {name: western_score(text) for name, text in texts.items()}
    western = "iso-8859-1" if "\ufffd" in texts["cp1252"] else "cp1252"
    if scores["cp1252"] >= 0 and scores["cp1252"] == max(scores.values()):
        return western
    best = max(scores, key=scores.get)
    if scores[best] > 0:
        return best
    others = ["cp1251", "koi8_r", "cp932", "euc_jp", "gb18030", "big5", "cp949", "cp1253", "cp1254", "cp1255", "cp1256"]
    found = charset_normalizer.from_bytes(telling, cp_isolation=others).best()
    if found is not None:
        return found.encoding
    return western


def marked_encoding(head: bytes) -> str | None:
    """UTF-16 or UTF-32 by a byte-order mark, or by the zeros that Western text has in every second byte of UTF-16."""
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    even, odd = head[::2], head[1::2]
    if odd.count(0) > 0.4 * len(odd) and even.count(0) < 0.1 * len(even):
        return "utf-16-le"
    if even.count(0) > 0.4 * len(even) and odd.count(0) < 0.1 * len(odd):
        return "utf-16-be"
    return None


def blocks_of(file) -> Iterator[bytes]:
    while block := file.read(BLOCK_BYTES):
        yield block


def detect_encoding(path: str, is_gzip: bool) -> Encoding:
    """How a text file is encoded: by its byte-order mark, else by what its bytes are good for.

    It is read to its end, so that one that is cut off is found out here.
    """
    with opened(path, is_gzip) as file:
        first = file.read(BLOCK_BYTES)
        name = marked_encoding(first[:4096])
        if name:
            for _ in blocks_of(file):
                pass
            return Encoding(name, f"read as {name}" if name.startswith("utf-16-") else None)
        decoder, n_lines, last = codecs.getincrementaldecoder("utf-8")(), 0, b""
        try:
            for block in chain([first], blocks_of(file)):
                n_lines += block.count(b"\n")
                last = block[-1:]
                decoder.decode(block)
            decoder.decode(b"", final=True)
            return Encoding("utf-8-sig", None, n_lines, last == b"\n")
        except UnicodeDecodeError:
            pass
    good, bad, sample = 0, 0, bytearray()
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    with opened(path, is_gzip) as file:
        for block in blocks_of(file):
            if not block.isascii() and len(sample) < BLOCK_BYTES:
                sample += block
            foreign = "".join(re.findall(r"[^\x00-\x7f]+", decoder.decode(block)))
            wrong = foreign.count("\ufffd")
            good, bad = good + len(foreign) - wrong, bad + wrong
    if good >= 10 * bad:
        # a few broken letters in a file that otherwise makes sense
        return Encoding("utf-8-sig", f"read as UTF-8, though {max(bad, 1)} of its letters are none")
    name = guess_encoding(bytes(sample))
    return Encoding(name, f"read as {name.replace('_', '-')}")


def lines_of(path: str, is_gzip: bool, encoding: str) -> Iterator[str | None]:
    """The lines of a text file without their ends; None for one that is too long to be a row."""
    with opened(path, is_gzip) as file:
        decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        rest, is_skipping, ended_with_return = "", False, False
        while True:
            block = file.read(BLOCK_BYTES)
            text = decoder.decode(block, final=not block)
            if ended_with_return and text.startswith("\n"):
                text = text[1:]
            ended_with_return = text.endswith("\r") if text else ended_with_return
            # not splitlines(), which takes separators inside of names for ends of lines
            parts = (rest + text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
            rest = parts.pop()
            for part in parts:
                yield None if is_skipping else part
                is_skipping = False
            if len(rest) > MAX_LINE:
                rest, is_skipping = "", True
            if not block:
                if rest or is_skipping:
                    yield None if is_skipping else rest
                return


def split_line(line: str, delimiter: str) -> list[str] | None:
    """Cells of a row; None for a line in which a quoted cell begins and does not end."""
    if '"' not in line:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            return None
    # a quote within a quoted cell, as in "the "Acme" works"
    cells = next(csv.reader([line], delimiter=delimiter), [])
    return None if line.count('"') % 2 else cells


def parse(lines: Iterable[str | None], delimiter: str, n_before: int = 0, width: int = 0) -> Iterator[Row]:
    """The rows of a text file, numbered from 1; a line without text is a row without cells and takes no number.

    n_before: how many rows stand above the list, the header included; width: cells of a row of the list, if known.
    A quoted cell may go over several lines. One that does not end, or only where it makes no row, is taken for a stray
    quote: its line is a bad row, and the next lines are rows of their own.
    """
    pending: deque[str | None] = deque()
    source = iter(lines)
    number, seen = 0, 0
    while True:
        line = pending.popleft() if pending else next(source, END)
        if line is END:
            return
        needed = width if seen >= n_before else 0
        seen += 1
        if line is not None and not line.strip():
            yield Row(number, [])
            continue
        number += 1
        if line is None:
            yield Row(number, [], f"a line of more than {MAX_LINE >> 20} million characters")
            continue
        cells = split_line(line, delimiter)
        if cells is not None:
            yield checked(number, cells)
            continue
        # more lines, as long as they make a row
        joined, taken, length = [line], [], len(line)
        while cells is None and len(joined) < MAX_LINES_OF_A_ROW and length < MAX_LINE:
            more = pending.popleft() if pending else next(source, END)
            if more is END:
                break
            taken.append(more)
            if more is None:
                break
            joined.append(more)
            length += len(more)
            if '"' in more:
                cells, is_broken = whole_record("\n".join(joined), delimiter)
                if is_broken:
                    break
        if cells is not None and (not needed or len(cells) == needed):
            yield checked(number, cells)
            continue
        pending.extendleft(reversed(taken))
        cells = line.split(delimiter)
        if needed and len(cells) == needed:
            row = checked(number, [re.sub(r'^\s*"|"\s*$', "", cell) for cell in cells])
            row.is_mended = True
            yield row
        else:
            yield Row(number, [], f"a quoted cell that does not end: {shown(line)}")


def whole_record(text: str, delimiter: str) -> tuple[list[str] | None, bool]:
    """Cells of a row over several lines, if its last quote closes; and whether no further line can mend it."""
    try:
        rows = list(csv.reader([f"{line}\n" for line in text.split("\n")], delimiter=delimiter, strict=True))
    except csv.Error as error:
        return None, "unexpected end of data" not in str(error)
    return (rows[0], False) if len(rows) == 1 else (None, True)


def checked(number: int, cells: list[str]) -> Row:
    """A row of cleaned cells; a bad one where a cell is longer than any value."""
    longest = max(map(len, cells), default=0)
    if longest > MAX_FIELD:
        return Row(number, [], f"a cell of {longest} characters")
    return Row(number, [clean(cell) for cell in cells])


def sample_lines(path: str, is_gzip: bool, encoding: str) -> list[str | None]:
    """The first lines of a file, in which its header is looked for."""
    found, length = [], 0
    for line in lines_of(path, is_gzip, encoding):
        found.append(line)
        length += len(line or "")
        if len(found) >= SAMPLE_ROWS or length > SAMPLE_CHARACTERS:
            break
    return found


def text_source(path: str, is_gzip: bool, partner: str, settings: Settings) -> Source | None:
    """A text file as a list; None for one without any text."""
    encoding = detect_encoding(path, is_gzip)
    lines = sample_lines(path, is_gzip, encoding.name)
    if not any(line is None or clean(line) for line in lines):
        return None
    notes: list[Note] = []
    if encoding.note:
        notes.append(("not_utf_8", encoding.note, None))
    told = re.fullmatch(r'\s*"?sep=(.)"?\s*', lines[0] or "", re.IGNORECASE)
    skipped = 1 if told else 0
    best: tuple[tuple, str, int, list[Row]] | None = None
    for order, delimiter in enumerate(told[1] if told else USUAL_DELIMITERS + OTHER_DELIMITERS):
        rows = list(parse(lines[skipped:], delimiter))
        index, score = find_header([row.cells for row in rows], partner, settings)
        width = len(rows[index].cells) if index >= 0 else 0
        # of delimiters that tell as many columns, the one that makes most of them
        rank = (score[0], width, -order)
        if best is None or rank > best[0]:
            best = (rank, delimiter, index, rows)
    _, delimiter, index, rows = best
    if index < 0:
        raise no_header(
            [row.cells for row in rows], sum(1 for row in parse(lines_of(path, is_gzip, encoding.name), ","))
        )
    cells = rows[index].cells
    header = header_of(cells, partner, settings)
    notes += title_note([row.cells for row in rows[:index]])
    n_above, first_number = index + 1, rows[index].number

    def rows_below() -> Iterator[Row]:
        every = islice(lines_of(path, is_gzip, encoding.name), skipped, None)
        for row in islice(parse(every, delimiter, n_above, len(cells)), n_above, None):
            row.number -= first_number
            yield row

    batches = None
    if (
        index == 0
        and not told
        and not is_gzip
        and encoding.n_lines is not None
        and delimiter.isascii()
        and all(header.names)
        and not any(map(ARROW.search, header.names))
    ):
        n_rows = encoding.n_lines - (1 if encoding.ends_with_line else 0)

        def batches() -> Iterator[pa.RecordBatch]:
            return csv_batches(path, delimiter, len(header.names), n_rows)

    return Source(header, rows_below, batches, notes)


def csv_batches(path: str, delimiter: str, width: int, n_rows: int) -> Iterator[pa.RecordBatch]:
    """A plain CSV file in Arrow, every column as text. NotPlain unless each of its lines is one row of that width."""
    names = [str(place) for place in range(width)]
    found = 0
    try:
        reader = pa_csv.open_csv(
            path,
            read_options=pa_csv.ReadOptions(
                block_size=BLOCK_BYTES, column_names=names, skip_rows_after_names=1, use_threads=False
            ),
            parse_options=pa_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
            ),
        )
        for batch in reader:
            found += batch.num_rows
            yield batch
    except pa.ArrowException as error:
        raise NotPlain from error
    if found != n_rows:
        raise NotPlain


# ---------- Parquet


def parquet_source(path: str, partner: str, settings: Settings) -> Source:
    """A Parquet file as a list, values as text."""
    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow
    cells = [clean(name) for name in schema.names]
    header = header_of(cells, partner, settings)
    if not header.has_identity:
        raise no_header([cells], None)
    wanted = sorted(place for places in header.places.values() for place in places)
    for place in wanted:
        if pa.types.is_nested(schema.field(place).type):
            raise UnusableFile("nested_column", f"column {schema.names[place]} is nested: write plain values")

    def batches() -> Iterator[pa.RecordBatch]:
        unpacked = 0
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=BLOCK_BYTES) as file:
            # by place: a name may stand twice
            for group in file.iter_batches(BATCH_ROWS, use_threads=False):
                # a value that is written once and repeated takes no room in the file
                unpacked += group.nbytes
                if unpacked > MAX_UNPACKED:
                    raise UnusableFile("too_large_file", f"more than {MAX_UNPACKED >> 20} MB when unpacked")
                empty = pa.nulls(group.num_rows, pa.string())
                yield pa.record_batch(
                    [
                        group.column(place).cast(pa.string()) if place in wanted else empty
                        for place in range(len(cells))
                    ],
                    names=[str(place) for place in range(len(cells))],
                )

    def rows() -> Iterator[Row]:
        number = 0
        for batch in batches():
            for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                number += 1
                yield checked(number, [value or "" for value in values])

    is_text = all(
        pa.types.is_string(schema.field(place).type) or pa.types.is_large_string(schema.field(place).type)
        for name in (*DATES, *NUMBERS)
        for place in header.places.get(name, ())
    )
    return Source(header, rows, batches, is_text=is_text, is_report=False)


# ---------- workbooks


def check_workbook(path: str) -> None:
    """Raises UnusableFile for a workbook that would fill the memory: by what it unpacks to, or its farthest cell."""
    if not zipfile.is_zipfile(path):
        if os.path.getsize(path) > MAX_WORKBOOK:
            raise UnusableFile("too_large_file", f"a workbook of more than {MAX_WORKBOOK >> 20} MB: send it as CSV")
        return
    with zipfile.ZipFile(path) as book:
        entries = book.infolist()
        if sum(entry.file_size for entry in entries) > MAX_WORKBOOK:
            raise UnusableFile(
                "too_large_file", f"a workbook of more than {MAX_WORKBOOK >> 20} MB when unpacked: send it as CSV"
            )
        for entry in entries:
            # read to its end: sizes that lie are found out here
            with book.open(entry) as part:
                name = entry.filename.lower()
                if re.search(r"worksheets/[^/]*\.xml$", name):
                    rows, columns = xlsx_extent(part)
                elif re.search(r"worksheets/[^/]*\.bin$", name):
                    rows, columns = xlsb_extent(part.read())
                elif name == "content.xml":
                    rows, columns = ods_extent(part)
                else:
                    rows, columns = 0, 0
                    while part.read(BLOCK_BYTES):
                        pass
                if rows * columns > MAX_CELLS:
                    raise UnusableFile(
                        "too_large_file", f"a sheet of {rows} rows and {columns} columns, more than {MAX_CELLS} cells"
                    )


def tags(part, pattern: re.Pattern[bytes]) -> Iterator[re.Match[bytes]]:
    """Matches of a pattern in XML that is read block by block; it must match within one tag."""
    rest = b""
    while block := part.read(BLOCK_BYTES):
        data = rest + block
        end = data.rfind(b">") + 1
        yield from pattern.finditer(data, 0, end)
        rest = data[end:]


def xlsx_extent(part) -> tuple[int, int]:
    """Last row and last column that a cell of a sheet lies in."""
    rows, columns = 0, 0
    for found in tags(part, re.compile(rb"<(?:\w+:)?c\b[^>]*?\br=[\"']([A-Z]{1,3})(\d{1,7})[\"'][^>]*?(/?)>")):
        if found[3]:  # a cell with a format and no value
            continue
        rows = max(rows, int(found[2]))
        column = 0
        for letter in found[1]:
            column = column * 26 + letter - 64
        columns = max(columns, column)
    return rows, columns


def xlsb_extent(data: bytes) -> tuple[int, int]:
    """The same of a binary sheet (MS-XLSB 2.1.4: a record is its type, its size and its content)."""
    at, row, rows, columns = 0, 0, 0, 0
    while at < len(data):
        kind, shift = data[at], 0
        at += 1
        if kind & 0x80 and at < len(data):
            kind = (kind & 0x7F) | (data[at] & 0x7F) << 7
            at += 1
        size = 0
        while at < len(data):
            byte = data[at]
            at += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80 or shift > 21:
                break
        if kind == 0 and size >= 4:
            row = int.from_bytes(data[at : at + 4], "little") + 1
        elif 2 <= kind <= 11 and size >= 4:
            rows, columns = max(rows, row), max(columns, int.from_bytes(data[at : at + 4], "little") + 1)
        at += size
    return rows, columns


def ods_extent(part) -> tuple[int, int]:
    """The same of an OpenDocument file: of any of its sheets."""
    row, rows, column, columns, is_filled, repeated = 0, 0, 0, 0, False, 1

    def times(attributes: bytes, name: bytes) -> int:
        found = re.search(name + rb"=[\"'](\d{1,9})[\"']", attributes)
        return int(found[1]) if found else 1

    pattern = re.compile(rb"<(/?)table:(table-row|table-cell|covered-table-cell|table)\b([^>]*)>")
    for found in tags(part, pattern):
        closes, tag, attributes = bool(found[1]), found[2], found[3]
        if tag == b"table" and not closes:
            row = 0
        elif tag == b"table-row" and not closes:
            column, is_filled, repeated = 0, False, times(attributes, b"number-rows-repeated")
            row += repeated
        elif tag == b"table-row":
            rows = max(rows, row) if is_filled else rows
        elif not closes:
            column += times(attributes, b"number-columns-repeated")
            if b"value-type" in attributes:
                is_filled, columns = True, max(columns, column)
    return rows, columns


def cell_text(value: object) -> str | None:
    """A cell of a workbook as text: days and times in ISO, whole numbers without a point."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        if value.is_integer() and abs(value) < 1e18:
            return str(int(value))
        text = repr(value)
        # three decimals of a number are no group of thousands
        return text + "0" if DOTTED_GROUPS.match(text) else text
    if isinstance(value, datetime):
        return value.isoformat(sep=" ") if value.time().isoformat() != "00:00:00" else value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return None if value is None else str(value)


def sheet_rows(sheet) -> Iterator[list[str | None]]:
    """The rows of a sheet as text; what is merged over several rows stands in each of them."""
    merged = {}
    left = (sheet.start or (0, 0))[1]
    for (top, first), (bottom, last) in sheet.merged_cell_ranges or ():
        # over a whole sheet, such as a heading, or over columns: no value of rows
        if bottom > top and first == last and bottom - top < 100_000:
            merged[(top, first - left)] = bottom
    open_cells: dict[int, tuple[int, str | None]] = {}
    for number, values in enumerate(sheet.iter_rows()):
        cells = [cell_text(value) for value in values]
        for place, (bottom, value) in list(open_cells.items()):
            if number > bottom:
                del open_cells[place]
            elif 0 <= place < len(cells) and cells[place] is None:
                cells[place] = value
        if merged:
            for place in range(len(cells)):
                if (number, place) in merged:
                    open_cells[place] = (merged[(number, place)], cells[place])
        yield cells


def workbook_source(path: str, partner: str, settings: Settings) -> Source | None:
    """The sheet of a workbook that has the best header; None for a workbook without any cell."""
    check_workbook(path)
    try:
        with open(path, "rb") as file:
            book = python_calamine.load_workbook(file)
    except python_calamine.CalamineError as error:
        raise UnusableFile("unreadable_file", shown(str(error), 500)) from error
    sheets = []
    for order, sheet in enumerate(book.sheets_metadata):
        if sheet.typ != python_calamine.SheetTypeEnum.WorkSheet:
            continue
        try:
            found = book.get_sheet_by_name(sheet.name)
        except python_calamine.CalamineError as error:
            raise UnusableFile("unreadable_file", f"sheet {sheet.name}: {shown(str(error), 400)}") from error
        head = list(islice(sheet_rows(found), SAMPLE_ROWS))
        if not any(any(cells) for cells in head):
            continue
        index, score = find_header(head, partner, settings)
        is_seen = sheet.visible == python_calamine.SheetVisibleEnum.Visible
        sheets.append(((index >= 0, is_seen, score, -order), sheet.name, index, head, found.height))
    if not sheets:
        return None
    rank, name, index, head, height = max(sheets)
    if index < 0:
        raise no_header(head, height)
    notes: list[Note] = title_note(head[:index])
    for other_rank, other, _, _, n_rows in sheets:
        if other_rank != rank:
            what = "with a header too" if other_rank[0] else "without a known header"
            notes.append(("sheet_not_read", f"sheet {shown(other, 100)}: {n_rows} rows, {what}", None))
    header = header_of(head[index], partner, settings)
    sheet = book.get_sheet_by_name(name)

    def rows() -> Iterator[Row]:
        for number, cells in enumerate(islice(sheet_rows(sheet), index + 1, None), start=1):
            row = checked(number, [cell or "" for cell in cells])
            row.is_grid = True
            yield row

    return Source(header, rows, None, notes)


# ---------- what a row is


def is_total(header: Header, cells: list[str | None], filled: list[int]) -> bool:
    """Whether a row holds totals of a report: a word for them first, and numbers or such words behind it."""
    if len(header.names) < 2 or len(filled) > 12:
        return False
    first, *others = (cells[place] for place in filled)
    if GROUP_LINE.match(first) and not others:
        return True
    return bool(TOTAL.match(first)) and all(NUMBER.match(other) or TOTAL.match(other) for other in others)


def has_identity(header: Header, cells: list[str | None]) -> bool:
    return any(cells[place] is not None for name in IDENTITY for place in header.places.get(name, ()))


def footer_start(tail: list[Row]) -> int:
    """Where a report's footer begins among the last rows of a file; their number if there is none.

    It begins with a line that only report tools write, or with the lines of one cell above it, after an empty line.
    """
    sizes = [sum(cell is not None for cell in row.cells) for row in tail]
    texts = [next((cell for cell in row.cells if cell is not None), "") for row in tail]
    strong = next((at for at, text in enumerate(texts) if sizes[at] <= 2 and FOOTER.match(text)), len(tail))
    if strong == len(tail):
        return strong
    for at in range(strong):
        if sizes[at] == 0 and all(size <= 1 for size in sizes[at:strong]):
            return at
    return strong


def classified(source: Source) -> Iterator[tuple[Row, str]]:
    """Each row with what it is: `row`, or the problem for which it is left out; empty lines are passed over.

    What may be a footer is held back until the next whole row, or the file's end.
    """
    if not source.is_report:
        yield from ((row, "malformed_row" if row.bad else "row") for row in source.rows())
        return
    header = source.header
    width = len(header.names)
    tail: deque[Row] = deque()

    def settled(row: Row) -> tuple[Row, str] | None:
        if any(row.cells):
            return row, "row"
        return (row, "blank_rows") if row.is_grid else None

    for row in source.rows():
        if row.bad is not None:
            yield row, "malformed_row"
            continue
        was_wide = len(row.cells) > 1
        if len(row.cells) > width:
            if any(row.cells[width:]):
                row.bad = f"{len(row.cells)} cells instead of {width}: {shown(', '.join(c or '' for c in row.cells))}"
                yield row, "malformed_row"
                continue
            row.cells = row.cells[:width]
        elif len(row.cells) < width and row.cells:
            row.is_short = True
            row.cells = row.cells + [None] * (width - len(row.cells))
        filled = [place for place, cell in enumerate(row.cells) if cell is not None]
        row.is_grid = row.is_grid or was_wide
        if filled and is_total(header, row.cells, filled):
            row.is_subtotal = True
            yield row, "footer_rows"
            continue
        if len(filled) > 2 or (filled and len(filled) == width > 1):
            while tail:
                if held := settled(tail.popleft()):
                    yield held
            again = (row.cells[0] or "") == header.names[0] and [cell or "" for cell in row.cells] == header.names
            yield row, "footer_rows" if again else "row"
            continue
        tail.append(row)
        if len(tail) > TAIL_ROWS and (held := settled(tail.popleft())):
            yield held
    last = list(tail)
    start = footer_start(last)
    end = len(last)
    if start == end:
        # no words that are known; still, what names no company below the list is no part of it
        while start and (not any(last[start - 1].cells) or not has_identity(header, last[start - 1].cells)):
            start -= 1
    for at, row in enumerate(last):
        n_filled = sum(cell is not None for cell in row.cells)
        if (
            at >= start
            and n_filled
            and (
                n_filled <= 1
                or not has_identity(header, row.cells)
                or FOOTER.match(next(cell for cell in row.cells if cell is not None))
            )
        ):
            yield row, "footer_rows"
        elif held := settled(row):
            yield held


# ---------- dates, numbers and ids


def settled_date(text: str, day_first: bool | None) -> str:
    """A date of three numbers as ISO: with dots the day comes first, else as the column has it."""
    found = SHORT_DATE.match(text)
    if not found:
        return text
    first, mark, second, year, rest = found.groups()
    first, second = int(first), int(second)
    # a value that leaves no choice is read as it is, whatever the column does
    is_day_first = mark == "." or first > 12 or (bool(day_first) and second <= 12)
    day, month = (first, second) if is_day_first else (second, first)
    if len(year) == 2:
        year = ("20" if int(year) < 70 else "19") + year
    try:
        result = date(int(year), month, day).isoformat()
    except ValueError:
        return text
    if not rest:
        return result
    time = TIME.match(rest)
    if not time:
        return text
    hour, minute, second_text, half = time.groups()
    hour = int(hour)
    if half:
        hour = hour % 12 + (12 if half.lower() == "p" else 0)
    return f"{result} {hour:02}:{minute}:{second_text or '00'}"


@dataclass
class DateSigns:
    """What the slashed and dashed dates of a column tell: how many have the day first, the month first, or either."""

    day_first: int = 0
    month_first: int = 0
    either: int = 0
    example: str = ""

    def add(self, text: str) -> None:
        found = SHORT_DATE.match(text)
        if not found or found[2] == ".":
            return
        first, second = int(found[1]), int(found[3])
        if first > 12:
            self.day_first += 1
        elif second > 12:
            self.month_first += 1
        elif first != second:
            self.either += 1
            self.example = self.example or text

    def add_certain(self, text: str) -> None:
        """Count a date that leaves no choice."""
        if SHORT_DATE.match(text) and max(map(int, re.split("[/-]", text)[:2])) > 12:
            self.add(text)

    @property
    def order(self) -> bool | None:
        """Whether the day comes first; None where values contradict each other or nothing tells."""
        return self.day_first > 0 if (self.day_first > 0) != (self.month_first > 0) else None


@dataclass
class NumberSigns:
    """What the numbers of a column tell: how many are certainly continental, certainly not, or `1.234`."""

    continental: int = 0
    english: int = 0
    either: int = 0
    example: str = ""

    def add(self, text: str) -> None:
        if "." not in text and "," not in text:
            return
        if CONTINENTAL.match(text):
            self.continental += 1
        elif ENGLISH.match(text):
            self.english += 1
        elif DOTTED_GROUPS.match(text):
            self.either += 1
            self.example = self.example or text


def whole_id(text: str) -> str | None:
    """An id without what a spreadsheet made of it; None where it cut digits off."""
    found = SCIENTIFIC.match(text)
    if not found:
        return text
    digits, power = found[1] + (found[2] or ""), int(found[3])
    if len(digits) - 1 > power or len(digits.rstrip("0")) > power + 1 or power > 40:
        return text
    # 2.01E+02 has all its digits; 9.1E+06 may have lost some
    return digits if len(digits) == power + 1 else None


def content_id(values: dict[str, str | None]) -> str | None:
    """An id made of what a row says a company is; None where it says nothing. Equal companies have equal ids."""

    def bare(name: str) -> str:
        text = " ".join(unicodedata.normalize("NFKC", values.get(name) or "").casefold().split())
        if name in ("website", "linkedin_url"):
            text = re.sub(r"^[a-z]+://|^www\.", "", re.sub(r"^[a-z]+://", "", text)).rstrip("/")
        return text

    parts = [bare(name) for name in CONTENT]
    if not any(parts[: len(IDENTITY)]):
        return None
    return "row_" + hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()[:24]


# ---------- first pass


def is_plain(source: Source, partner: str, is_several: bool) -> int | None:
    """Number of rows of a list whose batches can be passed on as they are; None where a row needs a second look."""
    places = source.header.places
    if "account_id" not in places or any(len(some) > 1 for some in places.values()) or source.batches is None:
        return None
    if is_several or not any(name in places for name in IDENTITY):
        return None
    (id_place,) = places["account_id"]
    identities = [place for name in IDENTITY for place in places.get(name, ())]
    odd = pa.array([*ERROR_CELLS, "-"])
    n_rows = 0
    try:
        for batch in source.batches():
            n_rows += batch.num_rows
            ids = pc.utf8_trim_whitespace(batch.column(id_place))
            columns = [batch.column(place) for (place,) in places.values()]
            checks = [
                lambda ids=ids: ids.null_count or pc.any(pc.equal(ids, "")).as_py(),
                lambda batch=batch: pc.coalesce(*(batch.column(place) for place in identities)).null_count,
                lambda ids=ids: pc.any(
                    pc.match_substring_regex(ids, r"^[0-9]([.,][0-9]+)?[eE]\+?[0-9]+$|^[A-Za-z -]*$")
                ).as_py(),
                lambda columns=columns: any(pc.any(pc.is_in(column, odd)).as_py() for column in columns),
            ]
            for name in DATES:
                checks += [
                    lambda batch=batch, place=place: pc.any(
                        pc.match_substring_regex(batch.column(place), r"^\s*[0-9]{1,2}[/.-][0-9]{1,2}[/.-]")
                    ).as_py()
                    for place in places.get(name, ())
                ]
            for name in NUMBERS:
                checks += [
                    lambda batch=batch, place=place: pc.any(
                        pc.match_substring_regex(batch.column(place), r"^\s*[+-]?[0-9]{1,3}([.][0-9]{3})+\s*$")
                    ).as_py()
                    for place in places.get(name, ())
                    if source.is_text
                ]
            if "partner_id" in places:
                named = pc.unique(pc.utf8_lower(pc.utf8_trim_whitespace(batch.column(places["partner_id"][0]))))
                checks.append(lambda named=named: bool(set(named.to_pylist()) - {partner, None}))
            for place in {place for (place,) in places.values()} - {id_place}:
                checks.append(
                    lambda batch=batch, place=place: (
                        (pc.max(pc.utf8_length(batch.column(place))).as_py() or 0) > MAX_FIELD
                    )
                )
            if any(check() for check in checks):
                return None
    except NotPlain:
        return None
    return n_rows


def look_through(source: Source) -> Survey:
    """What a list's rows tell together: groups, dates, numbers, and where report lines are."""
    header, survey = source.header, Survey()
    meaning_at = {place: name for name, places in header.places.items() for place in places}
    arrows = {place for place, name in enumerate(header.names) if ARROW.search(name)}
    dates = {place: DateSigns() for place, name in meaning_at.items() if name in DATES}
    numbers = {place: NumberSigns() for place, name in meaning_at.items() if name in NUMBERS and source.is_text}
    keepable = [place for place, name in meaning_at.items() if name not in (*IDENTITY, "account_id")]
    last: dict[int, str] = {}
    blanks: Counter[int] = Counter()
    repeats: set[int] = set()
    n_totals, has_subtotals = 0, False
    for row, outcome in classified(source):
        if row.is_subtotal:
            n_totals += 1
        if outcome == "footer_rows":
            # the day on which a report was made is written as its other days are
            for cell in filter(None, row.cells):
                for found in SLASHED.finditer(cell):
                    for signs in dates.values():
                        signs.add_certain(found[0])
        if outcome != "row":
            continue
        # totals between rows are those of groups; those at the end may be of a list without any
        has_subtotals = has_subtotals or (n_totals > 0 and survey.n_rows > 0)
        survey.n_rows += 1
        if len(survey.used) < len(row.cells):
            survey.used.update(place for place, cell in enumerate(row.cells) if cell is not None)
        for place, signs in dates.items():
            if row.cells[place] is not None:
                signs.add(row.cells[place])
        for place, signs in numbers.items():
            if row.cells[place] is not None:
                signs.add(row.cells[place])
        for place in keepable:
            value = row.cells[place]
            if value is None:
                blanks[place] += 1
                if place not in last:
                    repeats.add(place)  # empty from the first row on: no group
            else:
                if last.get(place) == value:
                    repeats.add(place)
                last[place] = value
    for place in keepable:
        # an arrow may as well tell how a list is sorted, with what has no day or amount at its end
        is_sorted = meaning_at[place] in (*DATES, *NUMBERS)
        is_group = (place in arrows and not is_sorted) or (has_subtotals and place in (min(meaning_at), *arrows))
        if is_group and blanks[place] and place not in repeats:
            survey.fill.add(place)
    for place, signs in dates.items():
        survey.day_first[place] = signs.order
        if signs.either and signs.order is None:
            survey.notes.append(("ambiguous_dates", f"{header.names[place]}, such as {signs.example}", signs.either))
    for place, signs in numbers.items():
        if signs.continental and not signs.english:
            survey.continental.add(place)
        elif signs.either and not signs.english:
            survey.notes.append(("ambiguous_numbers", f"{header.names[place]}, such as {signs.example}", signs.either))
    return survey


# ---------- second pass


@dataclass
class Told:
    """What is told of a file besides its rows: rows left out, counted, and repairs."""

    rejected: Counter = field(default_factory=Counter)
    details: dict[tuple[str, str], str] = field(default_factory=dict)
    single: list[tuple[int, str, str]] = field(default_factory=list)
    repairs: Counter = field(default_factory=Counter)

    def reject(self, problem: str, key: str, detail: str) -> None:
        """Count a row that is left out; the detail of the first one is kept."""
        self.rejected[problem, key] += 1
        self.details.setdefault((problem, key), detail)

    def reject_one(self, row: int, problem: str, detail: str) -> None:
        """A row that is left out and told alone; from a hundred on, they are counted."""
        if len(self.single) < MAX_SINGLE_PROBLEMS:
            self.single.append((row, problem, detail))
        else:
            self.reject(problem, "", f"and more, such as row {row}: {detail}")


def values_of(row: Row, source: Source, survey: Survey, told: Told) -> dict[str, str | None]:
    """A row by meaning: of several columns with one meaning the first that is filled."""
    values: dict[str, str | None] = {}
    for meaning, places in source.header.places.items():
        value, at = None, places[0]
        for place in places:
            value = row.cells[place]
            if value in ERROR_CELLS:
                told.repairs["error_cells"] += 1
                value = None
            if value is not None and value != "-":
                at = place
                break
            value = None
        if value is None:
            continue
        if meaning in DATES:
            value = settled_date(value, survey.day_first.get(at))
        elif at in survey.continental and DOTTED_GROUPS.match(value):
            value = value.replace(".", "")
        values[meaning] = value
    return values


def list_rows(
    source: Source, survey: Survey, partner: str, is_several: bool, settings: Settings, told: Told
) -> Iterator[tuple[int, dict[str, str | None]]]:
    """The rows of a list that are used, by meaning; what happened to the others is told."""
    is_partner = settings.partners is None or partner in settings.partners
    group: dict[int, str] = {}
    for row, outcome in classified(source):
        text = shown(" ".join(cell for cell in row.cells if cell))
        if outcome == "malformed_row":
            told.reject_one(row.number, outcome, row.bad)
            continue
        if outcome != "row":
            told.reject(outcome, "", text)
            continue
        was_filled = False
        for place in survey.fill:
            if row.cells[place] is None and place in group:
                row.cells[place] = group[place]
                was_filled = True
            elif row.cells[place] is not None:
                group[place] = row.cells[place]
        values = values_of(row, source, survey, told)
        named = (values.get("partner_id") or "").lower() or None
        if is_several:
            values["partner_id"] = named or (partner if is_partner else None)
        elif named not in (None, partner):
            told.reject("row_of_another_partner", named, f"rows that name {shown(named, 100)}")
            continue
        else:
            values["partner_id"] = partner
        if was_filled:
            told.repairs["filled_down"] += 1
        if row.is_short:
            told.repairs["short_rows"] += 1
        if row.is_mended:
            told.repairs["stray_quotes"] += 1
        if values.get("account_id"):
            whole = whole_id(values["account_id"])
            if whole is None:
                told.repairs["id_lost_digits"] += 1
            values["account_id"] = whole
        if not values.get("account_id"):
            values["account_id"] = content_id(values)
            if values["account_id"]:
                told.repairs["ids_from_content"] += 1
        yield row.number, values


def row_batch(name: str, numbers: list[int], data: dict[str, list | pa.Array]) -> pa.RecordBatch:
    """Rows of a list in SCHEMA."""
    n = len(numbers)
    known = {
        "file_name": pa.array([name] * n, pa.string()),
        "row_number": pa.array(numbers, pa.int64()),
        "kind": pa.array(["row"] * n, pa.string()),
        "is_repair": pa.array([False] * n, pa.bool_()),
        **data,
    }
    arrays = [known.get(column.name) for column in SCHEMA]
    arrays = [
        pa.nulls(n, column.type)
        if array is None
        else pa.array(array, column.type)
        if isinstance(array, list)
        else array
        for array, column in zip(arrays, SCHEMA, strict=True)
    ]
    return pa.record_batch(arrays, schema=SCHEMA)


def told_batch(name: str, partner: str, rows: list[dict[str, object]]) -> pa.RecordBatch:
    """Problems of a file, and the file itself, in SCHEMA."""
    base = {"file_name": name, "partner_id": partner, "kind": "problem", "is_repair": False}
    return pa.record_batch(
        [pa.array([(base | row).get(column.name) for row in rows], column.type) for column in SCHEMA], schema=SCHEMA
    )


def plain_batches(source: Source, name: str, partner: str) -> Iterator[pa.RecordBatch]:
    """The batches of a plain list in SCHEMA."""
    first = 1
    for batch in source.batches():
        n = batch.num_rows
        data = {meaning: batch.column(place) for meaning, (place, *_) in source.header.places.items()}
        data["partner_id"] = pa.array([partner] * n, pa.string())
        yield row_batch(name, range(first, first + n), data)
        first += n


def mended_batches(rows: Iterator[tuple[int, dict[str, str | None]]], name: str) -> Iterator[pa.RecordBatch]:
    """Rows by meaning in batches of SCHEMA."""
    while some := list(islice(rows, BATCH_ROWS)):
        data = {column: [values.get(column) for _, values in some] for column in COLUMNS}
        yield row_batch(name, [number for number, _ in some], data)


def columns_told(source: Source, used: set[int] | None) -> tuple[str, str, list[str]]:
    """The columns read and as what, and those that are not, as text; the latter also as a list.

    A column that the project's rules say to ignore is neither. used: columns with a value; None: all.
    """
    meaning_at = {place: meaning for meaning, places in source.header.places.items() for place in places}
    read, unread = [], []
    for place, name in enumerate(source.header.names):
        if place in meaning_at:
            read.append(f"{name} as {meaning_at[place]}")
        elif place not in source.header.ignored and (name or used is None or place in used):
            unread.append(name or f"(column {place + 1})")
    return "; ".join(read), "; ".join(unread), unread


def doubled_note(header: Header) -> list[Note]:
    """Headers that stand twice and are read, as a note."""
    read = {place for places in header.places.values() for place in places}
    counts = Counter(column_key(name) for place, name in enumerate(header.names) if place in read)
    doubled = sorted({name for name in header.names if name and counts[column_key(name)] > 1})
    return [("doubled_column", shown(", ".join(doubled), 500), None)] if doubled else []


def open_list(path: str, partner: str, settings: Settings, is_jailed: bool) -> Source | None:
    """A file as a list; None for one without content that could be rows. is_jailed: whether this is the child."""
    kind = kind_of(path)
    if kind != "text" and not is_jailed:
        raise UnusableFile("unreadable_file", "it changed while it was being read")
    if kind == "parquet":
        return parquet_source(path, partner, settings)
    if kind == "sheets":
        return workbook_source(path, partner, settings)
    return text_source(path, kind == "gzip", partner, settings)


def refuse_place(path: str, root: str) -> None:
    """Raises UnusableFile for what is no file in the folder; nothing is opened, for a pipe would wait forever."""
    if not os.path.exists(path):
        raise UnusableFile("not_a_file", "a link to nothing")
    if not os.path.realpath(path).startswith(os.path.join(os.path.realpath(root), "")):
        raise UnusableFile("link_leaves_folder", f"it leads out of {os.path.basename(os.path.realpath(root)) or root}")
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode):
        kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
        raise UnusableFile("not_a_file", kinds.get(stat.S_IFMT(mode), "a device"))


def read_file(
    path: str, settings: Settings, root: str | None = None, name: str | None = None, is_jailed: bool = False
) -> Iterator[pa.RecordBatch]:
    """Rows and problems of one file in SCHEMA, and a row that says what was read. is_jailed: whether this is the child.

    The file is read through once before its first row is passed on: a file that is cut off gives one problem, not a
    part of a list that would look like a list.
    """
    name = name or os.path.basename(path)
    partner = partner_of(path)
    is_several = os.path.basename(path).lower() in settings.several or partner in settings.several
    told, rows, survey, n_rows = Told(), [], None, 0
    try:
        refuse_place(path, root or os.path.dirname(os.path.abspath(path)))
        source = open_list(path, partner, settings, is_jailed)
        if source is None:
            raise UnusableFile("empty_file", "the file has no row")
        plain = is_plain(source, partner, is_several)
        if plain is None:
            survey = look_through(source)
        if not is_several and settings.partners is not None and partner not in settings.partners:
            n_rows = plain if plain is not None else survey.n_rows
            raise UnusableFile(
                "file_of_unknown_partner",
                f"`{partner}` is no partner_id of account_mapping__partners: name the file after one, or add it there; "
                f"a file for several partners is named in account_mapping__files_of_several_partners",
                n_rows,
            )
    except UnusableFile as error:
        n_rows = error.n_rows or 0
        yield told_batch(
            name,
            partner,
            [
                {"problem": error.problem, "detail": str(error), "n_rows": error.n_rows},
                {"kind": "file", "n_rows": n_rows},
            ],
        )
        return
    except (pa.ArrowException, OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        if is_jailed and isinstance(error, MemoryError):
            # Arrow's own; the limit of the child, which tells it to its parent
            raise
        reason = shown(str(error).splitlines()[0] if str(error) else type(error).__name__, 500)
        yield told_batch(
            name, partner, [{"problem": "unreadable_file", "detail": reason}, {"kind": "file", "n_rows": 0}]
        )
        return

    if plain is not None:
        emitted = plain
        yield from plain_batches(source, name, partner)
    else:
        emitted = 0
        for batch in mended_batches(list_rows(source, survey, partner, is_several, settings, told), name):
            emitted += batch.num_rows
            yield batch
    read, unread, names = columns_told(source, survey and survey.used)
    notes = [*source.notes, *doubled_note(source.header), *(survey.notes if survey else [])]
    if names:
        notes.append(
            ("unread_columns", f"{len(names)} of {len(source.header.names)}: {shown('; '.join(names), 2000)}", None)
        )
    rows += [
        {"row_number": number, "problem": problem, "detail": detail, "n_rows": 1}
        for number, problem, detail in told.single
    ]
    rows += [
        {"problem": key[0], "detail": told.details[key], "n_rows": count}
        for key, count in sorted(told.rejected.items())
    ]
    rows += [
        {"problem": problem, "detail": REPAIRS[problem], "n_rows": count, "is_repair": True}
        for problem, count in sorted(told.repairs.items())
    ]
    rows += [
        {"problem": problem, "detail": detail, "n_rows": count, "is_repair": True} for problem, detail, count in notes
    ]
    n_rows = emitted + len(told.single) + sum(told.rejected.values())
    rows.append({"kind": "file", "n_rows": n_rows, "columns_read": read, "columns_unread": unread or None})
    yield told_batch(name, partner, rows)


# ---------- files that only a child reads


def needs_jail(path: str, root: str) -> bool:
    """Whether a file is one that only a child reads; what is no file, or of no known kind, is not read at all."""
    try:
        refuse_place(path, root)
        return kind_of(path) != "text"
    except (UnusableFile, OSError):
        return False


def write_file(request: dict, target) -> None:
    """In the child: write the batches of one file as an Arrow stream."""
    globals().update(request["limits"])
    settings = Settings(
        {(partner, key): meaning for partner, key, meaning in request["meanings"]},
        None if request["partners"] is None else frozenset(request["partners"]),
        frozenset(request["several"]),
    )
    try:
        with pa.ipc.new_stream(target, SCHEMA) as writer:
            for batch in read_file(request["path"], settings, request["root"], request["name"], is_jailed=True):
                writer.write_batch(batch)
        target.flush()
        code = 0
    except MemoryError:
        code = 4
    except OSError as error:
        code = 4 if error.errno == errno.EFBIG else 5
    # without tidying up, which what was read may have broken
    os._exit(code)


def in_jail(path: str, settings: Settings, root: str, name: str) -> Iterator[pa.RecordBatch]:
    """The batches of one file, read by a child: all of them, or one problem."""
    with tempfile.TemporaryFile() as rows:
        try:
            run_child(path, settings, root, name, rows)
            rows.seek(0)
            # all are looked at before the first is passed on
            for batch in pa.ipc.open_stream(rows):
                batch.validate(full=True)
            rows.seek(0)
            stream = pa.ipc.open_stream(rows)
            if stream.schema != SCHEMA:
                raise UnusableFile("unreadable_file", "the process that read it wrote something else than rows")
        except UnusableFile as error:
            problem = {"problem": error.problem, "detail": str(error)}
        except (pa.ArrowException, ValueError, OSError) as error:
            detail = "the process that read it was not done" if not isinstance(error, OSError) else shown(str(error))
            problem = {"problem": "unreadable_file", "detail": detail}
        else:
            yield from stream
            return
    yield told_batch(name, partner_of(path), [problem, {"kind": "file", "n_rows": 0}])


def run_child(path: str, settings: Settings, root: str, name: str, rows) -> None:
    """Have a child write a file's batches to `rows`; raises UnusableFile for whatever else it does."""
    if OWN_SOURCE is None or not sys.executable:
        raise UnusableFile("unreadable_file", "no process can be started to read it here: ask for it as CSV")
    limits = {limit: globals()[limit] for limit in CHILD_LIMITS}
    request = {
        **{"source": OWN_SOURCE, "paths": sys.path, "limits": limits},
        **{"path": os.path.abspath(path), "root": os.path.abspath(root), "name": name},
        "meanings": [[*key, meaning] for key, meaning in settings.meanings.items()],
        "partners": None if settings.partners is None else sorted(settings.partners),
        "several": sorted(settings.several),
    }
    # nothing of ours, and no secret; Windows starts no program without these two
    kept = {key: os.environ[key] for key in ("SYSTEMROOT", "SYSTEMDRIVE") if key in os.environ}
    environment = kept | {"ARROW_DEFAULT_MEMORY_POOL": "system", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-B", "-c", CHILD],
            input=json.dumps(request).encode(),
            stdout=rows,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
            timeout=MAX_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise UnusableFile("unreadable_file", f"it is not read after {MAX_SECONDS} seconds") from error
    except OSError as error:
        raise UnusableFile("unreadable_file", f"no process can be started to read it: {error.strerror}") from error
    limit_signals = {getattr(signal, sign, None) for sign in ("SIGKILL", "SIGXCPU", "SIGXFSZ")}
    if done.returncode == 4 or (done.returncode < 0 and -done.returncode in limit_signals):
        raise UnusableFile(
            "too_large_file",
            f"more than {MAX_MEMORY >> 20} MB of memory or {MAX_SECONDS} seconds are needed to read it",
        )
    if done.returncode == 5:
        raise UnusableFile("unreadable_file", "what was read of it could not be written: the disk may be full")
    if done.returncode:
        detail = f"it ends the process that reads it ({done.returncode}): it is damaged, or fills {MAX_MEMORY >> 20} MB"
        raise UnusableFile("unreadable_file", detail)


def folder_of(pattern: str) -> str:
    """The folder of a glob: what stands before its first wildcard."""
    parts = pattern.split("/")
    fixed = next((at for at, part in enumerate(parts) if glob.has_magic(part)), len(parts) - 1)
    return "/".join(parts[:fixed]) or ("/" if pattern.startswith("/") else ".")


def read_files(pattern: str, settings: Settings | None = None) -> Iterator[pa.RecordBatch]:
    """Rows and problems of all files that the glob names, in order of their paths. No file is an empty list."""
    paths = sorted(glob.glob(pattern, recursive=True)) if pattern else []
    root = folder_of(pattern)
    if os.path.basename(pattern) == "**":
        paths = [path for path in paths if not os.path.isdir(path)]
    twice = {name for name, count in Counter(map(os.path.basename, paths)).items() if count > 1}
    for path in paths:
        path = path.rstrip("/")
        base = os.path.basename(path)
        # two files of one name are told apart by their folders
        name = os.path.relpath(path, root) if base in twice else base
        read = in_jail if needs_jail(path, root) else read_file
        yield from read(path, settings or Settings(), root, name)


def names_of(value: object) -> list[str]:
    """A list of names from `meta`, which may hold it as text."""
    if isinstance(value, str):
        value = json.loads(value) if value.strip().startswith("[") else [value]
    return [str(name) for name in value or [] if str(name).strip()]


# The engine, in the same lines in every model: the relation tells which one it is, since dbt wraps a session.
def read(relation, size: int = 65_536) -> pa.RecordBatchReader:
    """The rows of a relation as record batches; on DuckDB they come as they are read."""
    return relation.toArrow().to_reader() if hasattr(relation, "mapInArrow") else relation.to_arrow_reader(size)


def rows(relation) -> list[dict]:
    """The rows of a small relation."""
    return read(relation).read_all().to_pylist()


def mapped(relation, function, schema: pa.Schema, size: int = 65_536):
    """`function`, from record batches to batches of `schema`, over a relation that need not fit into memory."""
    if not hasattr(relation, "mapInArrow"):
        return pa.RecordBatchReader.from_batches(schema, function(read(relation, size)))
    from pyspark.sql.pandas.types import from_arrow_schema

    # Spark looks at the signature, which a partial of a built-in has not
    return relation.mapInArrow(lambda batches: function(batches), from_arrow_schema(schema))


def result(session, schema: pa.Schema, batches):
    """Record batches of `schema` as what a model gives back."""
    if not hasattr(session, "createDataFrame"):
        return pa.RecordBatchReader.from_batches(schema, batches)
    # in one batch: PySpark 4.3 loses whatever follows an empty one
    return session.createDataFrame(pa.Table.from_batches(batches, schema).combine_chunks())


def model(dbt, session):
    meta = dbt.config.get("meta") or {}
    columns = rows(dbt.ref("stg_account_mapping__settings_partner_columns"))
    partners = rows(dbt.ref("stg_account_mapping__settings_partners"))
    settings = Settings(
        meanings={(row["partner_id"], column_key(row["column_name"])): row["meaning"] for row in columns},
        partners=frozenset(row["partner_id"] for row in partners),
        several=frozenset(name.lower() for name in names_of(meta["files_of_several_partners"])),
    )
    return result(session, SCHEMA, read_files(str(meta["partner_lists_path"] or ""), settings))
