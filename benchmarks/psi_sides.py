"""Two sides of a private set intersection that run the exchange command as it is, with lists in place of dbt.

usage: python -m benchmarks.psi_sides FOLDER SIDE COMMAND [OPTION ...]

FOLDER/<side> is a project whose warehouse is two files: `list.json`, the hashed keys that are offered, and
`warehouse.json`, which holds what was loaded. Settings are written as the package's macros write them. Used by tests
and by `benchmarks.psi_soak`, which kill the command and change what is delivered.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from exchange import command, ledger, protocol

AS_OF = "2026-11-15"
SIDES = {"north": "south", "south": "north"}
PAIR_SECRET = hashlib.sha256(b"north and south, protects nothing").hexdigest()
MASTERS = {side: hashlib.sha256(f"{side} alone, protects nothing".encode()).hexdigest() for side in SIDES}
SEEDS = {
    "legal_forms": {"form": "gmbh", "class": "limited", "position": "end", "script": "", "jurisdictions": ""},
    "placeholders": {"kind": "name", "value": "nobody"},
    "name_words": {"word": "the", "kind": "article"},
    "common_words": {"word": "services"},
}


def token(text: str) -> str:
    """A keyed hash, as both sides make it of one value."""
    return hashlib.sha256(f"token of {text}".encode()).hexdigest()


def account_token(side: str, account: str) -> str:
    return hashlib.sha256(f"{side}'s {account}".encode()).hexdigest()


def rows_of(side: str, accounts: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of int_account_mapping__blinded_keys.

    accounts: with `id`, and maybe `keys` (by key type), `parent`, `status` and `is_shared`.
    """
    rows = []
    for account in accounts:
        base = {
            "normaliser_version": "3",
            "account_token": account_token(side, account["id"]),
            "parent_account_token": account_token(side, account["parent"]) if account.get("parent") else None,
            "status": account.get("status"),
            "is_shared": str(account.get("is_shared", True)).lower(),
        }
        keys = [(kind, token(value)) for kind, values in account.get("keys", {}).items() for value in values]
        rows += [
            base | {"key_type": kind, "token": made} for kind, made in keys or [("account", base["account_token"])]
        ]
    return rows


class Project:
    """In the place of DbtProject."""

    def __init__(self, folder: Path, side: str) -> None:
        self.folder, self.side = folder / side, side

    @property
    def settings(self) -> dict[str, Any]:
        return json.loads((self.folder / "settings.json").read_text())

    @property
    def warehouse(self) -> dict[str, Any]:
        path = self.folder / "warehouse.json"
        return json.loads(path.read_text()) if path.exists() else {"ledger": []}

    def store(self, **values: Any) -> None:
        """All or nothing, as a transaction."""
        path = self.folder / "warehouse.json"
        path.with_suffix(".new").write_text(json.dumps(self.warehouse | values))
        os.replace(path.with_suffix(".new"), path)

    def run(self, *arguments: str) -> None:
        if arguments[0] != "run-operation":
            return
        given = json.loads(arguments[3])
        folder, name = Path(given["folder"]), arguments[1].rpartition("account_mapping__")[2]
        if name == "export_shared":
            self._export(folder)
        elif name == "record_ledger":
            known = self.warehouse["ledger"]
            new = json.loads((folder / "new_entries.json").read_text())
            self.store(ledger=[*known, *new[max(0, len(known) - new[0]["number"] + 1) :]])
        elif name == "load_shared":
            found = given["files"]
            loaded = {
                kind: pq.read_table(folder / found[kind]["name"]).to_pylist() if kind in found else []
                for kind in protocol.KINDS
            }
            for kind in ("statement", "accepted"):
                loaded[kind] = json.loads((folder / found[kind]["name"]).read_text())
            self.store(**loaded)
        else:
            raise ValueError(f"the command runs a macro that has no stand-in here: {name}")

    def _export(self, folder: Path) -> None:
        settings = {
            **{"partner_id": SIDES[self.side], "exchange": "psi", "is_active": True, "agreement_id": "pact"},
            **{"epoch": "1", "secret_env": f"ACCOUNT_MAPPING_SECRET_{SIDES[self.side].upper()}", "as_of": AS_OF},
            **{"other_secret_envs": None, "normaliser_version": "3", "company_id": self.side, "most_points": 4_096},
        }
        known = self.settings
        level, fields = known.pop("level"), known.pop("fields")
        settings |= known
        rules = [protocol.Rule(direction, "*", "*", level, fields) for direction in ("accepted", "offered")]
        warehouse = self.warehouse
        made = {
            "settings": [settings],
            "our_statement": [rule | {"is_readable": True} for rule in protocol.statement_rows(rules)],
            **{seed: [row] for seed, row in SEEDS.items()},
            **({"accepted": warehouse["accepted"]} if "accepted" in warehouse else {}),
            **({ledger.TABLE: warehouse["ledger"]} if warehouse["ledger"] else {}),
        }
        if "statement" in warehouse:
            names = protocol.Rule.__dataclass_fields__
            made["partner_statement"] = [{name: row[name] for name in names} for row in warehouse["statement"]]
        for name, rows in made.items():
            (folder / f"{name}.json").write_text(json.dumps(rows))
        rows = json.loads((self.folder / "list.json").read_text())
        terms = {"agreement_id": settings["agreement_id"], "epoch": settings["epoch"]}
        columns = (*protocol.COLUMNS["keys"], "is_shared")
        schema = pa.schema([(column, pa.string()) for column in columns])
        table = pa.Table.from_pylist([{**row, **terms} for row in rows], schema)
        pq.write_table(table, folder / "blinded.parquet")


def make_side(folder: Path, side: str, rows: Sequence[dict[str, Any]], **settings: Any) -> Project:
    """A project with a list. settings: what is other than usual, also `level` and `fields` of the agreement."""
    project = Project(folder, side)
    project.folder.mkdir(parents=True)
    (project.folder / "dbt_project.yml").write_text("name: psi_sides\n")
    set_list(project, rows)
    set_settings(project, **settings)
    return project


def set_list(project: Project, rows: Sequence[dict[str, Any]]) -> None:
    (project.folder / "list.json").write_text(json.dumps(rows))


def set_settings(project: Project, **settings: Any) -> None:
    known = {"level": "overlapping", "fields": "status"} | settings
    (project.folder / "settings.json").write_text(json.dumps(known))


def environment(side: str) -> dict[str, str]:
    """The secrets of a side, by variable."""
    return {f"ACCOUNT_MAPPING_SECRET_{SIDES[side].upper()}": PAIR_SECRET, "ACCOUNT_MAPPING_PSI_SECRET": MASTERS[side]}


def exchange(project: Project, name: str, *options: str) -> int:
    """Run one command as the side would; its exit code."""
    former = dict(os.environ)
    os.environ.update(environment(project.side))
    try:
        arguments = [name, SIDES[project.side], "--project-dir", str(project.folder), *options]
        return command.main(arguments, project)
    finally:
        os.environ.clear()
        os.environ.update(former)


class PlainRules:
    """The gate's rules about single values, without Great Expectations, which takes most of the time of a turn."""

    def __init__(self, rules: Sequence[Any]) -> None:
        self.rules = rules

    def failures(self, batch: pa.Table, rows: int) -> list[tuple[str, str, int]]:
        found = [] if batch.num_rows == rows else [("expect_table_row_count_to_equal", "", 0)]
        for rule in self.rules:
            column = getattr(rule, "column", None)
            if column is None:
                continue
            values, name = batch.column(column).combine_chunks(), rule.expectation_type
            good = None
            if name == "expect_column_values_to_not_be_null":
                good = pc.is_valid(values)
            elif name == "expect_column_values_to_match_regex":
                good = pc.match_substring_regex(values, rule.regex)
            elif name == "expect_column_values_to_be_in_set":
                good = pc.if_else(pc.is_null(values), True, pc.is_in(values, value_set=pa.array(rule.value_set)))
            bad = pc.sum(pc.invert(pc.fill_null(good, True))).as_py() if good is not None else 0
            if bad:
                found.append((name, column, bad))
        return found


@contextmanager
def quickly() -> Iterator[None]:
    """Commands with plain rules at the gate, and without a process of its own for each file that came."""
    from exchange import gates

    former = gates.Gate, gates.tables_of
    gates.Gate, gates.tables_of = PlainRules, lambda source, entry, foreign: former[1](source, entry, False)
    try:
        yield
    finally:
        gates.Gate, gates.tables_of = former


def send(folder: Path, side: str) -> None:
    """The side's outbox becomes its partner's inbox."""
    inbox = folder / SIDES[side] / "inbox" / side
    shutil.rmtree(inbox, ignore_errors=True)
    shutil.copytree(folder / side / "outbox" / SIDES[side], inbox)


def main(arguments: Sequence[str] | None = None) -> int:
    folder, side, name, *options = sys.argv[1:] if arguments is None else arguments
    return exchange(Project(Path(folder), side), name, *options)


if __name__ == "__main__":
    sys.exit(main())
