"""Partner lists that arrive as CSV or Parquet files, as text, one row per row of a file, or per problem of one.

Each file is read alone: one that cannot be read is one row that says so, and the others go on. Batches are streamed.
"""

import codecs
import csv
import glob
import os
from collections.abc import Iterator

MISSING_LIBRARY = (
    "account_mapping needs {}: run `pip install -r dbt_packages/account_mapping/requirements.txt` "
    "in the environment of dbt"
)

try:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.csv as pa_csv
    import pyarrow.parquet as pq
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
    [("file_name", pa.string()), ("row_number", pa.int64()), ("problem", pa.string()), ("detail", pa.string()), ("kind", pa.string()), ("n_rows", pa.int64()), ("columns_read", pa.string()), ("columns_unread", pa.string()), ("is_repair", pa.bool_())]
    + [(column, pa.string()) for column in COLUMNS]
)
OTHER_SPELLINGS = {"name": "account_name", "domain": "website"}
BLOCK_BYTES = 4 << 20
BATCH_ROWS = 65_536


class UnusableFile(Exception):
    """A file that gives no rows: `problem` is its code, the message says why."""

    def __init__(self, problem: str, detail: str):
        super().__init__(detail)
        self.problem = problem


def column_key(name: str) -> str:
    """A header cell as a column of the layout: lower case, blanks and hyphens as underscores."""
    key = name.strip().lower().replace(" ", "_").replace("-", "_")
    return OTHER_SPELLINGS.get(key, key)


def detect_encoding(path: str) -> str:
    """utf-16 by its byte-order mark; else the first of utf-8, windows-1252 and latin-1 that every byte makes sense in.

    Western lists that are not UTF-8 are windows-1252 in practice; in latin-1 every byte means something.
    """
    with open(path, "rb") as file:
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
        for encoding in ("utf-8", "cp1252"):
            file.seek(0)
            decoder = codecs.getincrementaldecoder(encoding)()
            try:
                while block := file.read(BLOCK_BYTES):
                    decoder.decode(block)
                decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                continue
            return encoding
    return "iso-8859-1"


def read_header(path: str, encoding: str) -> tuple[list[str], str]:
    """Column names of a CSV file, and its delimiter: the one of `,` `;` tab `|` that the first line has most of."""
    with open(path, newline="", encoding="utf-8-sig" if encoding == "utf-8" else encoding, errors="replace") as file:
        first_line = file.readline()
    delimiter = max(",;\t|", key=first_line.count)
    names = next(csv.reader([first_line], delimiter=delimiter), [])
    return [column_key(name) for name in names], delimiter


def partner_of(path: str) -> str:
    """The partner that a file's name tells: `nimbus.csv` is nimbus's list."""
    return os.path.basename(path).split(".")[0].lower()


def check_columns(names: list[str]) -> None:
    """Raises UnusableFile when a list's columns cannot be told apart or its ids are missing."""
    if "account_id" not in names:
        raise UnusableFile("missing_column", f"no column account_id among: {', '.join(names)[:500]}")
    doubled = sorted({name for name in names if names.count(name) > 1 and name in COLUMNS})
    if doubled:
        raise UnusableFile("doubled_column", f"more than one column {', '.join(doubled)}")


def csv_batches(path: str, encoding: str, bad_rows: list[tuple[int | None, str]]) -> Iterator[pa.RecordBatch]:
    """Record batches of a CSV file, every column as text. Rows of another width go to `bad_rows` as (row, text)."""
    names, delimiter = read_header(path, encoding)
    if not names:
        return
    check_columns(names)

    def keep(row):
        bad_rows.append(
            (row.number, f"{row.actual_columns} columns instead of {row.expected_columns}: {row.text[:200]}")
        )
        return "skip"

    reader = pa_csv.open_csv(
        path,
        read_options=pa_csv.ReadOptions(
            block_size=BLOCK_BYTES, encoding=encoding, column_names=names, skip_rows_after_names=1, use_threads=False
        ),
        parse_options=pa_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=keep),
        convert_options=pa_csv.ConvertOptions(
            column_types={name: pa.string() for name in names}, strings_can_be_null=True, null_values=[""]
        ),
    )
    yield from reader


def parquet_batches(path: str) -> Iterator[pa.RecordBatch]:
    """Record batches of a Parquet file, the layout's columns as text."""
    with pq.ParquetFile(path) as file:
        names = [column_key(name) for name in file.schema_arrow.names]
        check_columns(names)
        wanted = [index for index, name in enumerate(names) if name in COLUMNS]
        for index in wanted:
            if pa.types.is_nested(file.schema_arrow.field(index).type):
                raise UnusableFile("nested_column", f"column {names[index]} is nested: write plain values")
        columns = [file.schema_arrow.names[index] for index in wanted]
        for batch in file.iter_batches(BATCH_ROWS, columns=columns):
            arrays = [batch.column(column).cast(pa.string()) for column in columns]
            yield pa.record_batch(arrays, names=[column_key(column) for column in columns])


def as_rows(batch: pa.RecordBatch, path: str, first_row: int) -> pa.RecordBatch:
    """A batch of a file in SCHEMA; the first row is number `first_row`. Missing columns are null."""
    rows = batch.num_rows
    data = {name: batch.column(index) for index, name in enumerate(batch.schema.names)}
    partner_id = data.get("partner_id")
    named = pa.array([partner_of(path)] * rows, pa.string())
    data["partner_id"] = named if partner_id is None else pc.coalesce(partner_id, named)
    return pa.record_batch(
        [
            pa.array([os.path.basename(path)] * rows, pa.string()),
            pa.array(range(first_row, first_row + rows), pa.int64()),
            pa.nulls(rows, pa.string()),
            pa.nulls(rows, pa.string()),
            pa.array(["row"] * rows, pa.string()),
            pa.nulls(rows, pa.int64()),
            pa.nulls(rows, pa.string()),
            pa.nulls(rows, pa.string()),
            pa.array([False] * rows, pa.bool_()),
            *(data.get(column, pa.nulls(rows, pa.string())) for column in COLUMNS),
        ],
        schema=SCHEMA,
    )


def problem_rows(path: str, problems: list[tuple[int | None, str, str]]) -> pa.RecordBatch:
    """Problems of a file as (row number or None, code, detail) in SCHEMA."""
    data = {
        "file_name": [os.path.basename(path)] * len(problems),
        "row_number": [row for row, _, _ in problems],
        "problem": [problem for _, problem, _ in problems],
        "detail": [detail for _, _, detail in problems],
        "partner_id": [partner_of(path)] * len(problems),
    }
    return pa.record_batch(
        [pa.array(data.get(field.name, [None] * len(problems)), field.type) for field in SCHEMA], schema=SCHEMA
    )


def read_file(path: str) -> Iterator[pa.RecordBatch]:
    """Rows and problems of one file in SCHEMA.

    The file is read through once before its first row is passed on: a file that is cut off gives one problem, not a
    part of a list that would look like a list.
    """
    suffix = os.path.splitext(path)[1].lower()
    repairs: list[tuple[int | None, str, str]] = []
    bad_rows: list[tuple[int | None, str]] = []
    encoding = "utf-8"

    def batches() -> Iterator[pa.RecordBatch]:
        bad_rows.clear()
        return parquet_batches(path) if suffix in (".parquet", ".pq") else csv_batches(path, encoding, bad_rows)

    try:
        if suffix not in (".csv", ".tsv", ".txt", ".parquet", ".pq"):
            raise UnusableFile("unknown_file_type", f"`{suffix}` is neither CSV nor Parquet")
        if suffix not in (".parquet", ".pq"):
            encoding = detect_encoding(path)
            if encoding in ("cp1252", "iso-8859-1"):
                repairs.append((None, "not_utf_8", f"read as {encoding}"))
        for _ in batches():
            pass
    except UnusableFile as error:
        yield problem_rows(path, [(None, error.problem, str(error))])
        return
    except (pa.ArrowException, OSError, ValueError, UnicodeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        yield problem_rows(path, [(None, "unreadable_file", reason[:500])])
        return

    row = 1
    for batch in batches():
        yield as_rows(batch, path, row)
        row += batch.num_rows
    repairs += [(number, "malformed_row", text) for number, text in bad_rows]
    if repairs:
        yield problem_rows(path, repairs)


def read_files(pattern: str) -> Iterator[pa.RecordBatch]:
    """Rows and problems of all files that the glob names, in order of their paths. No file is an empty list."""
    for path in sorted(glob.glob(pattern, recursive=True)) if pattern else []:
        if os.path.isfile(path):
            yield from read_file(path)


def model(dbt, session):
    meta = dbt.config.get("meta") or {}
    return pa.RecordBatchReader.from_batches(SCHEMA, read_files(str(meta["partner_lists_path"] or "")))
