"""What would leave under the present rules, for people: by account, field and count, beside what was published last.

Reads files of ours in the staging folder only: what would leave, what did, and our own names of what both hold.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from . import protocol

SIGNS = {(True, False): "+", (False, True): "-", (True, True): "~"}
REASONS = {
    "no_statement": "the partner has stated nothing yet",
    "not_accepted": "we offer them, the partner does not accept them",
    "counts_only": "our rules let them be counted, no more",
    "hidden": "a rule of ours hides them",
    "no_rule": "no rule of ours for their status",
    "excluded": "excluded from what this partner may see",
}


@dataclass(frozen=True)
class Line:
    """One account, pair or cell. sign: `+` new, `-` gone, `~` changed, a blank for what stays as it was published."""

    sign: str
    text: str


@dataclass(frozen=True)
class Difference:
    """One kind of file. added, removed: rows against what was published. lines: all, by sign and name."""

    kind: str
    rows: int
    added: int
    removed: int
    lines: tuple[Line, ...]

    @property
    def changed(self) -> list[Line]:
        return [line for line in self.lines if line.sign != " "]


class Preview:
    """The files of one preview.

    folder: holds preview.parquet, rows of account_mapping__sharing_preview of one partner. files: by kind, what would
    leave; former: by kind, what was published last. token_key: by which ids of our accounts become tokens.
    """

    def __init__(
        self, folder: Path, files: Mapping[str, Path], former: Mapping[str, Path], token_key: bytes | None
    ) -> None:
        self._database = duckdb.connect(":memory:")
        self._read("preview", folder / "preview.parquet")
        for kind in protocol.KINDS:
            columns = protocol.COLUMNS[kind]
            for name, paths in ((kind, files), (f"former_{kind}", former)):
                if kind in paths:
                    self._read(name, paths[kind])
                else:
                    self._query(f"create table {name} ({', '.join(f'{column} varchar' for column in columns)})")
        self._query("""
            create table accounts as
            select account_id, any_value(account_name) as account_name, any_value(our_status) as our_status,
                max(account_token) as account_token
            from preview where account_id is not null group by account_id
        """)
        if token_key is not None:
            self._name_former_tokens(token_key)

    def __enter__(self) -> Preview:
        return self

    def __exit__(self, *error: object) -> None:
        self._database.close()

    def _query(self, sql: str, values: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        return self._database.execute(sql, list(values)).fetchall()

    def _read(self, name: str, path: Path) -> None:
        self._query(f"create table {name} as from read_parquet($1)", [path.as_posix()])

    def _name_former_tokens(self, key: bytes) -> None:
        """Know accounts that were published and would leave no more: their tokens are made anew of our ids."""
        unknown = "select account_token from former_keys union select account_token from former_fields"
        if not self._query(f"{unknown} except select account_token from accounts limit 1"):
            return
        rows = [
            (hmac.digest(key, account_id.encode(), "sha256").hex(), account_id)
            for (account_id,) in self._query("select account_id from accounts where account_token is null")
        ]
        if rows:
            self._query("create table made (account_token varchar, account_id varchar)")
            self._query(
                "insert into made select unnest($1), unnest($2)", [[row[0] for row in rows], [row[1] for row in rows]]
            )
            self._query(
                "update accounts set account_token = made.account_token from made "
                "where accounts.account_id = made.account_id"
            )

    # ------------------------------------------------------------ what would leave

    def differences(self) -> Iterator[Difference]:
        """What would leave against what was published, by kind."""
        describe = {"keys": self._keys, "counts": self._counts, "fields": self._fields}
        for kind in protocol.KINDS:
            compared = ", ".join(protocol.COLUMNS[kind])
            rows, added, removed = self._query(f"""
                select
                    (select count(*) from {kind}),
                    (select count(*) from (select {compared} from {kind} except select {compared} from former_{kind})),
                    (select count(*) from (select {compared} from former_{kind} except select {compared} from {kind}))
            """)[0]
            lines = sorted(describe[kind](), key=lambda line: ("+-~ ".index(line.sign), line.text))
            yield Difference(kind, rows, added, removed, tuple(lines))

    def _both(self, kind: str) -> str:
        """Rows of either file, with whether they would leave, and whether they did."""
        columns = ", ".join(protocol.COLUMNS[kind])
        return (
            f"select {columns}, bool_or(leaves) as leaves, not bool_and(leaves) as left_before from ("
            f"select distinct {columns}, true as leaves from {kind} union all "
            f"select distinct {columns}, false as leaves from former_{kind}) group by {columns}"
        )

    def _keys(self) -> Iterator[Line]:
        found = self._query(f"""
            with both_sides as ({self._both("keys")}), types as (
                select account_token, key_type,
                    count(*) filter (leaves) as n, count(*) filter (left_before) as n_former,
                    count(*) filter (leaves and not left_before) as added,
                    count(*) filter (left_before and not leaves) as removed,
                    max(status) filter (leaves) as status, max(status) filter (left_before) as former_status
                from both_sides group by account_token, key_type
            )
            select account_token, sum(n) > 0, sum(n_former) > 0, sum(added) + sum(removed) > 0,
                coalesce(nullif(sum(n), 0), sum(n_former)),
                string_agg(case when n > 0 then n else n_former end || ' ' || key_type, ', ' order by key_type)
                    filter (n > 0 or total_is_former),
                max(status), max(former_status)
            from (select types.*, sum(n) over (partition by account_token) = 0 as total_is_former from types)
            group by account_token
        """)
        for token, is_now, was, is_changed, n, types, status, former_status in found:
            sign = SIGNS[is_now, was] if is_changed else " "
            told = status if is_now else former_status
            shown = f"status {told} told" if told else "status not told"
            text = f"{self._name(token)}: {_keys_text(n, types)}, {shown}"
            if sign == "~" and status != former_status:
                text += f" (before {former_status or 'not told'})"
            yield Line(sign, text)

    def _fields(self) -> Iterator[Line]:
        found = self._query(f"""
            select account_token, partner_account_token, bool_or(leaves), bool_or(left_before),
                bool_or(leaves <> left_before),
                string_agg(field || ' = ' || value, '; ' order by field) filter (leaves),
                string_agg(field || ' = ' || value, '; ' order by field) filter (left_before)
            from ({self._both("fields")}) group by account_token, partner_account_token
        """)
        for token, theirs, is_now, was, is_changed, values, former_values in found:
            sign = SIGNS[is_now, was] if is_changed else " "
            beside = f" for their {theirs[:12]}" if theirs else ""
            text = f"{self._name(token)}{beside}: {values if is_now else former_values}"
            yield Line(sign, f"{text} (before {former_values})" if sign == "~" else text)

    def _counts(self) -> Iterator[Line]:
        columns = protocol.COLUMNS["counts"]
        grain = protocol.GRAIN["counts"]
        counted = [name for name in columns if name not in (*grain, "agreement_id", "epoch", "cell_state")]
        shown = " || ', ' || ".join(f"coalesce({name}, 'withheld')" for name in counted)
        if len(counted) > 1:
            shown = " || ', ' || ".join(f"coalesce({name} || ' {name}', '{name} withheld')" for name in counted)
        found = self._query(f"""
            select {", ".join(grain)}, bool_or(leaves), bool_or(left_before), bool_or(leaves <> left_before),
                max({shown}) filter (leaves), max({shown}) filter (left_before)
            from ({self._both("counts")}) group by {", ".join(grain)}
        """)
        for rollup, ours, theirs, is_now, was, is_changed, value, former in found:
            sign = SIGNS[is_now, was] if is_changed else " "
            text = f"{rollup}, our {ours} x their {theirs}: {value if is_now else former}"
            yield Line(sign, f"{text} (before {former})" if sign == "~" else text)

    def _name(self, token: str) -> str:
        found = self._known().get(token)
        return found if found else f"an account that we no longer have ({token[:12]})"

    def _known(self) -> dict[str, str]:
        if not hasattr(self, "_names"):
            rows = self._query("select account_token, account_name, account_id, our_status from accounts")
            self._names = {token: _account_text(*rest) for token, *rest in rows if token}
        return self._names

    # ------------------------------------------------------------ what would not

    def if_accepted(self) -> tuple[int, list[Line]]:
        """Keys that would leave once the partner accepts all that we offer, and their accounts."""
        found = self._query("""
            with types as (
                select account_id, any_value(account_name) as account_name, any_value(our_status) as our_status, item,
                    count(*) as n
                from preview where kind = 'keys' and sharing_state in ('if_accepted', 'leaves')
                group by account_id, item
            )
            select any_value(account_name), account_id, any_value(our_status), sum(n),
                string_agg(n || ' ' || item, ', ' order by item)
            from types group by account_id
        """)
        lines = [Line("+", f"{_account_text(*row[:3])}: {_keys_text(*row[3:])}") for row in found]
        return sum(row[3] for row in found), sorted(lines, key=lambda line: line.text)

    def staying(self) -> list[Line]:
        """Accounts none of whose keys would leave, by reason, and how many of them by status."""
        found = self._query("""
            select reason, sum(n), string_agg(n || ' ' || our_status, ', ' order by our_status) from (
                select reason, our_status, count(*) as n from preview where sharing_state = 'stays'
                group by reason, our_status
            ) group by reason order by reason
        """)
        return [Line(" ", f"{n:,}: {REASONS[reason]} ({statuses})") for reason, n, statuses in found]


def _account_text(name: str | None, account_id: str, status: str | None) -> str:
    return f"{name or 'no name'} ({account_id}), {status or 'no status'}"


def _keys_text(number: int, types: str) -> str:
    if types == "1 account":
        return "no key but its own token"
    return f"{number:,} key{'s' if number != 1 else ''} ({types})"


def shown_lines(lines: Iterable[Line], most: int | None) -> list[str]:
    """Lines for a terminal; `most` of them, and how many there are besides."""
    every = list(lines)
    kept = every if most is None else every[:most]
    told = [f"    {line.sign} {line.text}" for line in kept]
    if len(kept) < len(every):
        told.append(f"      and {len(every) - len(kept):,} more: give --all, or read account_mapping__sharing_preview")
    return told
