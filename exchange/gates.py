"""The gates at the boundary: what a file must look like to come in, and to go out.

A file is read in batches; each passes one checkpoint of Great Expectations, and what passed is written anew: sorted
text columns without statistics, which would tell the least and greatest value, and without any metadata beyond the
schema. So neither the partner nor the warehouse ever opens a file that did not pass.
"""

from __future__ import annotations

import os

# Before the import, which would otherwise set up a connection that reports the use of the library.
os.environ["GX_ANALYTICS_ENABLED"] = "false"

import html
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import great_expectations as gx
import great_expectations.expectations as gxe
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from great_expectations.data_context.types.base import ProgressBarsConfig

from . import jail, protocol
from .files import sha256_of
from .jailed import Unfit, Wanted, batches_of, open_parquet
from .protocol import Allowed, FileEntry, Refused
from .text import LONGEST_LINE, printable

# What is checked at once: rows, and bytes, which Great Expectations takes several times over.
BATCH_ROWS = 250_000
BATCH_BYTES = 32 << 20
# A token has 64 bytes; the longest row of keys has three, and a few short words.
MAX_ROW_BYTES = {
    **{"keys": 600, "counts": 400, "fields": 4_000},
    **{"commitments": 600, "points": 400, "answers": 400, "matches": 600},
}
MAX_VALUE_LENGTH = 10_000
HEX_64 = "^[0-9a-f]{64}$"
HEX_32 = "^[0-9a-f]{32}$"
# Columns that hold nothing but such digits, and how many.
DIGITS = {
    **dict.fromkeys(("token", "account_token", "parent_account_token", "point", "commitment", "answered"), 64),
    "partner_account_token": 64,
    "answer": 32,
}
# What e-mail addresses, domains and names have, and words of the protocol and tokens never: dots, capitals, blanks.
READABLE = "[^a-z0-9_]"
# A count that may leave: a multiple of 5, and 10 at least.
ROUNDED_COUNT = "^[1-9][0-9]*[05]$"
COUNT = "^[0-9]{1,12}$"


@dataclass
class Checks:
    """What was checked so far, for the page. rows: (what, what was found, whether it passed)."""

    title: str
    rows: list[tuple[str, str, bool]] = field(default_factory=list)

    def passed(self, what: str, found: str = "") -> None:
        self.rows.append((what, found, True))

    def failed(self, what: str, found: str = "") -> None:
        self.rows.append((what, found, False))

    def passed_file(self, entry: FileEntry, rules: Sequence[Any]) -> None:
        """A file that came through the gate: its name, hash and size, and every rule that its rows fulfil."""
        self.passed(f"{entry.name}: SHA-256, Parquet footer, sizes, order", f"{entry.rows:,} rows, {entry.sha256}")
        for rule in rules:
            words = rule.expectation_type.removeprefix("expect_").replace("_", " ")
            self.passed(f"{entry.kind}: {words}", getattr(rule, "column", None) or ", ".join(rule_columns(rule)))

    def page(self, verdict: str) -> str:
        """The checks as one HTML page that needs no network. Values of rows never stand in it, only counts."""
        lines = "".join(
            f'<tr class="{"ok" if ok else "bad"}"><td>{"passed" if ok else "failed"}</td>'
            f"<td>{_on_page(what)}</td><td>{_on_page(found)}</td></tr>\n"
            for what, found, ok in self.rows
        )
        return PAGE.format(title=_on_page(self.title), verdict=_on_page(verdict), lines=lines)


def _on_page(text: str) -> str:
    """Text that a stranger may have written, for a page."""
    return html.escape(printable(text, LONGEST_LINE))


PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #ddd }}
.ok td:first-child {{ color: #0a6b2d }} .bad td:first-child {{ color: #a80f0f; font-weight: bold }}
</style>
<h1>{title}</h1>
<p>{verdict}</p>
<table>
<tr><th>result</th><th>what was checked</th><th>found</th></tr>
{lines}</table>
</html>
"""


# ---------------------------------------------------------------- expectations


def expectations(kind: str, agreement_id: str, epoch: str, version: str, permitted: Allowed, outgoing: bool) -> list:
    """What every batch of a file of `kind` must fulfil, one list for each direction.

    permitted: what may cross, in the words of the sender. Runtime parameter `rows`: how many rows the batch has.
    """

    def one_of(column: str, values: Sequence[str]) -> gxe.ExpectColumnValuesToBeInSet:
        # an empty set would let everything pass
        return gxe.ExpectColumnValuesToBeInSet(column=column, value_set=list(values) or ["(none)"])

    def tokens(column: str) -> list:
        return [
            gxe.ExpectColumnValuesToMatchRegex(column=column, regex={64: HEX_64, 32: HEX_32}[DIGITS[column]]),
            gxe.ExpectColumnValueLengthsToEqual(column=column, value=DIGITS[column]),
        ]

    columns = protocol.COLUMNS[kind]
    filled = {
        "keys": ("normaliser_version", "key_type", "token", "account_token"),
        "counts": ("rollup", "our_status", "partner_status", "cell_state"),
        "fields": ("account_token", "field", "value"),
        "matches": ("key_type", "point", "account_token"),
    }.get(kind, columns)
    rules = [
        gxe.ExpectTableColumnsToMatchOrderedList(column_list=list(columns)),
        gxe.ExpectTableRowCountToEqual(value={"$PARAMETER": "rows"}),
        *(gxe.ExpectColumnValuesToNotBeNull(column=column) for column in ("agreement_id", "epoch", *filled)),
        # of a single column the order of rows tells
        *(
            gxe.ExpectCompoundColumnsToBeUnique(column_list=list(grain), ignore_row_if="never")
            for grain in (protocol.GRAIN[kind],)
            if len(grain) > 1
        ),
        one_of("agreement_id", [agreement_id]),
        one_of("epoch", [epoch]),
    ]
    if kind == "keys":
        rules += [
            one_of("normaliser_version", [version]),
            one_of("key_type", [*protocol.KEY_TYPES, *permitted.fields & {protocol.PERSON}]),
            one_of("status", sorted(permitted.statuses)),
            *(rule for column in ("token", "account_token", "parent_account_token") for rule in tokens(column)),
        ]
    elif kind == "counts":
        rules += [
            one_of("rollup", ["account", "parent"]),
            one_of("our_status", protocol.STATUSES),
            one_of("partner_status", protocol.PARTNER_STATUSES),
            one_of("cell_state", ["counted", "not_shared", "suppressed"]),
            gxe.ExpectColumnValuesToMatchRegex(column="companies", regex=ROUNDED_COUNT if outgoing else COUNT),
        ]
    elif kind in protocol.PSI_KINDS:
        rules += [
            # only matches name accounts, parents of those that matched
            one_of("key_type", [name for name in protocol.KEY_TYPES if name != "account" or kind == "matches"]),
            *(rule for column in columns if column in DIGITS for rule in tokens(column)),
        ]
        if kind == "matches":
            rules.append(one_of("status", sorted(permitted.statuses)))
        if kind == "commitments":
            rules += [
                one_of("mode", [protocol.REVEAL, protocol.COUNT]),
                *(gxe.ExpectColumnValuesToMatchRegex(column=name, regex=COUNT) for name in ("most_points", "points")),
            ]
    else:
        rules += [
            *(rule for column in ("account_token", "partner_account_token") for rule in tokens(column)),
            one_of("field", sorted(permitted.fields & set(protocol.FIELDS))),
            gxe.ExpectColumnValueLengthsToBeBetween(column="value", max_value=MAX_VALUE_LENGTH),
        ]
    if outgoing:
        # the agreement's and the epoch's names are the two texts that people choose; the partner has both already
        rules += [
            gxe.ExpectColumnValuesToNotMatchRegex(column=column, regex=READABLE)
            for column in columns
            if column not in ("agreement_id", "epoch", "value")
        ]
    return rules


def rule_columns(rule: Any) -> list[str]:
    """The columns of a rule about several."""
    return list(getattr(rule, "column_list", None) or ())


class Gate:
    """One suite and one checkpoint, run once for each batch. Nothing of it is written to disk."""

    def __init__(self, rules: Sequence[Any]) -> None:
        logging.getLogger("great_expectations").setLevel(logging.ERROR)
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        batches = context.data_sources.add_pandas("exchange").add_dataframe_asset("rows")
        definition = batches.add_batch_definition_whole_dataframe("batch")
        suite = context.suites.add(gx.ExpectationSuite(name="boundary", expectations=list(rules)))
        validation = context.validation_definitions.add(
            gx.ValidationDefinition(name="boundary", data=definition, suite=suite)
        )
        self.checkpoint = context.checkpoints.add(
            gx.Checkpoint(name="boundary", validation_definitions=[validation], result_format="BASIC")
        )

    def failures(self, batch: pa.Table, rows: int) -> list[tuple[str, str, int]]:
        """(expectation, column, number of rows) of each check that `batch` fails. rows: how many it must have."""
        outcome = self.checkpoint.run(
            batch_parameters={"dataframe": batch.to_pandas()}, expectation_parameters={"rows": rows}
        )
        found = []
        for validation in outcome.run_results.values():
            for result in validation.results:
                if not result.success:
                    config = result.expectation_config
                    found.append(
                        (config.type, config.kwargs.get("column", ""), int(result.result.get("unexpected_count") or 0))
                    )
        return sorted(found, key=lambda failure: (ORDER.index(failure[0]), failure[1]))


# Which failure is told, should several be found: the one that explains the others.
ORDER = (
    "expect_table_columns_to_match_ordered_list",
    "expect_table_row_count_to_equal",
    "expect_column_values_to_not_be_null",
    "expect_compound_columns_to_be_unique",
    "expect_column_values_to_not_match_regex",
    "expect_column_values_to_match_regex",
    "expect_column_value_lengths_to_equal",
    "expect_column_value_lengths_to_be_between",
    "expect_column_values_to_be_in_set",
)


def _sentence(kind: str, failure: tuple[str, str, int], outgoing: bool) -> tuple[str, str]:
    """(code, sentence) of a failed expectation. Values are never told: they may be what must not be told."""
    what, column, rows = failure
    where = f"The file of {kind}" if not outgoing else f"The {kind} that were about to leave"
    count = f"{rows:,} row{'s' if rows != 1 else ''}"
    value = f"value{'s' if rows != 1 else ''}"
    if what == "expect_table_columns_to_match_ordered_list":
        return "wrong_columns", f"{where}: the columns are not those of the protocol."
    if what == "expect_table_row_count_to_equal":
        return "row_count", f"{where}: the number of rows is not the one that the manifest states."
    if what == "expect_column_values_to_not_be_null":
        return "missing_values", f"{where}: {column} is empty in {count}."
    if what == "expect_compound_columns_to_be_unique":
        return (
            "duplicated_rows",
            f"{where}: {count} {'occurs' if rows == 1 else 'occur'} more than once, by "
            f"{', '.join(protocol.GRAIN[kind])}.",
        )
    if what == "expect_column_values_to_not_match_regex":
        return "readable_value", f"{where}: {column} looks like a domain, an e-mail address or a name in {count}."
    if column in DIGITS:
        digits = f"{DIGITS[column]} lower-case hexadecimal digits"
        return "malformed_token", f"{where}: {column} is not {digits} in {count}."
    if what == "expect_column_value_lengths_to_be_between":
        return "long_value", f"{where}: {column} is longer than {MAX_VALUE_LENGTH:,} characters in {count}."
    if what == "expect_column_values_to_match_regex":
        rule = "is below 10 or not rounded to 5" if outgoing and kind == "counts" else "is no count"
        return "count_not_allowed", f"{where}: {column} {rule} in {count}."
    if column in ("agreement_id", "epoch", "normaliser_version"):
        return f"other_{column}", f"{where}: {column} in {count} is not the one that both sides agreed on."
    if column in ("status", "field"):
        return (
            f"{column}_not_agreed",
            f"{where}: {count} {'has' if rows == 1 else 'have'} a {column} that the agreement in force does not share.",
        )
    return "unknown_value", f"{where}: {column} has {rows:,} {value} that the protocol does not know."


# ---------------------------------------------------------------- Parquet from strangers


def wanted(entry: FileEntry) -> Wanted:
    """What the protocol asks of a file."""
    return Wanted(entry.kind, protocol.COLUMNS[entry.kind], entry.rows, MAX_ROW_BYTES[entry.kind])


def most_bytes(entry: FileEntry) -> int:
    """What a file with the rows of `entry` may have, packed or not."""
    return wanted(entry).most_bytes


def row_count(path: Path) -> int:
    """Rows of a Parquet file of ours."""
    return pq.read_metadata(path).num_rows


@contextmanager
def tables_of(source: Path, entry: FileEntry, foreign: bool) -> Iterator[Iterator[pa.Table]]:
    """The rows of a file as text, in tables of BATCH_ROWS rows and BATCH_BYTES at most; the last has what is left.

    foreign: it is a stranger's, so only a process of its own opens it. Raises Refused, while it is read too.
    """
    unpacked = source.with_name(f"{source.name}.rows")
    try:
        if foreign:
            jail.unpack(source, unpacked, wanted(entry))
            batches = jail.rows_of(unpacked, wanted(entry))
        else:
            batches = own_batches(source, entry)
        yield together(batches, entry.kind)
    finally:
        unpacked.unlink(missing_ok=True)


def own_batches(source: Path, entry: FileEntry) -> Iterator[pa.RecordBatch]:
    """The rows of a file that we wrote; raises Refused where it is not as it has to be."""
    try:
        yield from batches_of(open_parquet(source, source.stat().st_size, wanted(entry)), wanted(entry))
    except Unfit as unfit:
        raise Refused(unfit.code, str(unfit)) from None


def together(batches: Iterator[pa.RecordBatch], kind: str) -> Iterator[pa.Table]:
    """Batches of rows as tables of BATCH_ROWS rows, or of fewer where these take BATCH_BYTES."""
    schema = pa.schema([(column, pa.string()) for column in protocol.COLUMNS[kind]])
    held, size, count = [], 0, 0
    for batch in batches:
        begin = 0
        while begin < batch.num_rows:
            part = batch.slice(begin, BATCH_ROWS - count)
            begin += part.num_rows
            held.append(part)
            size, count = size + part.nbytes, count + part.num_rows
            if count >= BATCH_ROWS or size >= BATCH_BYTES:
                yield pa.Table.from_batches(held, schema).combine_chunks()
                held, size, count = [], 0, 0
    if held:
        yield pa.Table.from_batches(held, schema).combine_chunks()


# ---------------------------------------------------------------- through the gate


def sift(source: Path, target: Path, entry: FileEntry, gate: Gate, permitted: Allowed, outgoing: bool) -> Counter:
    """Write to `target` what is in `source`, if every row of it passes; returns the rows per key type.

    entry: what the manifest states, or will state. Raises Refused at the first batch that fails, having written part of
    `target`, which nobody uses then.
    """
    kind = entry.kind
    schema = pa.schema([(column, pa.string()) for column in protocol.COLUMNS[kind]])
    left, last, per_key_type = entry.rows, None, Counter()
    with (
        tables_of(source, entry, foreign=not outgoing) as tables,
        pq.ParquetWriter(
            target,
            schema,
            compression="zstd",
            write_statistics=False,
            store_schema=False,
            write_page_index=False,
            use_dictionary=[c for c in schema.names if c not in ("token", "value", "point", "answer")],
            # lengths apart from the digits, which then take half a byte each
            column_encoding={c: "DELTA_LENGTH_BYTE_ARRAY" for c in schema.names if c in ("point", "answer")} or None,
        ) as writer,
    ):
        for batch in tables:
            failures = gate.failures(batch, min(left, batch.num_rows))
            if failures:
                raise Refused(*_sentence(kind, failures[0], outgoing))
            if kind != "answers":
                last = _check_order(batch, kind, last)
            if "key_type" in schema.names:
                counts = pc.value_counts(batch.column("key_type"))
                per_key_type.update({str(row["values"]): row["counts"] for row in counts.to_pylist()})
            elif kind == "counts":
                _check_minimum_counts(batch, permitted, outgoing)
            left -= batch.num_rows
            writer.write_table(batch, row_group_size=BATCH_ROWS)
    if left:
        raise Refused("row_count", f"The file of {kind} has fewer rows than its manifest states.")
    return per_key_type


def _check_order(batch: pa.Table, kind: str, last: str | None) -> str | None:
    """The last row's place in the order; raises Refused where a row repeats an earlier one or stands before it.

    Each batch alone is free of duplicates, so a file whose rows only ever ascend is so too.
    """
    parts = [pc.fill_null(batch.column(column), "") for column in protocol.GRAIN[kind]]
    places = pc.binary_join_element_wise(*parts, "\x00").combine_chunks()
    before = pa.concat_arrays([pa.array([last or ""], pa.string()), places[:-1].cast(pa.string())])
    if not pc.all(pc.greater(places, before)).as_py():
        if pc.any(pc.equal(places, before)).as_py():
            raise Refused("duplicated_rows", f"The file of {kind}: rows occur more than once.")
        raise Refused(
            "not_sorted",
            f"The file of {kind}: its rows are not sorted by {', '.join(protocol.GRAIN[kind])}, so their order "
            "could tell "
            "something.",
        )
    return places[-1].as_py()


def _check_minimum_counts(batch: pa.Table, permitted: Allowed, outgoing: bool) -> None:
    """Raises Refused where a count is told of a cell that is not in force, or below the least count of its cell."""
    where = "The counts that were about to leave" if outgoing else "The file of counts"
    for row in batch.to_pylist():
        told = row["companies"]
        least = permitted.minimum_counts.get((row["our_status"], row["partner_status"]))
        cell = f"{row['our_status']} x {row['partner_status']}"
        if least is None:
            raise Refused("cell_not_agreed", f"{where}: the cell {cell} is not in force at the level counts.")
        # the rule is about the count before it was rounded to 5, so here it is rounded likewise
        if told is not None and (row["cell_state"] == "suppressed" or int(told) < (least + 2) // 5 * 5):
            raise Refused("small_count", f"{where}: the cell {cell} tells a count below {least}.")


def seal(path: Path, kind: str, rows: int, per_key_type: Mapping[str, int]) -> FileEntry:
    """The manifest's entry of a complete file."""
    sha256 = sha256_of(path)
    return FileEntry(f"{kind}-{sha256[:12]}.parquet", kind, rows, sha256, dict(sorted(per_key_type.items())))
