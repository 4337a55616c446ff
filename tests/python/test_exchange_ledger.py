"""The ledger of what left: one chain in a file and in the warehouse, whatever is killed, cut, altered or forgotten.

No dbt runs here: the package's own macros run on a DuckDB file (benchmarks).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path

import duckdb
import pytest
from loading import package_file
from test_exchange_folders import made, run, set_secrets, simulated  # noqa: F401, fixtures among them

from benchmarks import exchange_soak
from exchange import command as exchange
from exchange import files, ledger, protocol

FILE = "exchange_state/ledger.jsonl"
TOKEN = re.compile(rb"[0-9a-f]{64}")


def entries_of(project: Path) -> list[dict]:
    return [json.loads(line) for line in (project / FILE).read_bytes().splitlines()]


def in_warehouse(project: Path, query: str = "select entry from partners.exchange_ledger order by number") -> list:
    with duckdb.connect(str(project / "warehouse.duckdb")) as connection:
        return connection.execute(query).fetchall()


def ledger_of(project: Path, capsys, *words: str, expected: int = 0) -> str:
    """What the command tells of the ledger, errors too."""
    capsys.readouterr()
    assert run(project, "ledger", *words) == expected
    told = capsys.readouterr()
    return told.out + told.err


@pytest.fixture(scope="module")
def published_once(made, tmp_path_factory) -> Path:  # noqa: F811
    """Two publications to one partner, and a first one to another that is not known yet."""
    project = tmp_path_factory.mktemp("published") / "project"
    shutil.copytree(made, project)
    with pytest.MonkeyPatch.context() as patch:
        set_secrets(patch)
        assert run(project, "publish", "south") == 0
        change_keys(project)
        assert run(project, "publish", "south", "--valid-days", "20") == 0
        assert run(project, "publish", "east") == 0
    return project


@pytest.fixture
def published(published_once, tmp_path, monkeypatch) -> Path:
    """A copy of it for one test."""
    set_secrets(monkeypatch)
    shutil.copytree(published_once, tmp_path / "project")
    return tmp_path / "project"


def change_keys(project: Path) -> None:
    """One key less, so that the next publication is another one."""
    in_warehouse(
        project,
        "delete from account_mapping__shared_keys where token = (select max(token) from account_mapping__shared_keys)",
    )


def test_an_entry_tells_what_left_to_whom_when_and_under_which_agreement(published, capsys):
    first, second, third = entries_of(published)
    assert [(e["number"], e["event"], e["partner_id"], e["sequence"]) for e in (first, second, third)] == [
        *((1, "publish", "south", 1), (2, "publish", "south", 2), (3, "publish", "east", 1)),
    ]
    assert third["files"] == [] and third["partner_statement_hash"] is None
    manifest = protocol.parse_manifest((published / "outbox/south/manifest.json").read_bytes())
    assert second["files"] == manifest["files"] and second["files"][0]["rows_per_key_type"] == {"domain": 49}
    for name in ("agreement_id", "epoch", "statement_hash", "partner_statement_hash", "created_on", "expires_on"):
        assert second[name] == manifest[name]
    assert (second["company_id"], second["as_of"]) == ("north", "2026-11-15")
    assert second["manifest_hash"] == files.sha256_of(published / "outbox/south/manifest.json")
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", second["recorded_at"])
    # a chain, and the same in the warehouse
    assert [e["previous"] for e in (first, second, third)] == [ledger.NO_ENTRY, first["hash"], second["hash"]]
    assert [json.loads(entry) for (entry,) in in_warehouse(published)] == [first, second, third]
    rows = "select number, partner_id, rows_of_keys, rows_of_counts, rows_of_fields from partners.exchange_ledger"
    assert in_warehouse(published, rows) == [(1, "south", 50, 0, 0), (2, "south", 49, 0, 0), (3, "east", 0, 0, 0)]
    assert stat.S_IMODE((published / FILE).stat().st_mode) == 0o600
    told = ledger_of(published, capsys)
    assert "published to south, number 2 under pact, epoch 2026: 49 keys" in told
    assert "published to east, number 1 under pact, epoch 2026: a statement and no rows" in told
    assert f"49 keys (49 domain), sha256 {second['files'][0]['sha256']}" in told
    assert (
        f"Whole: file and warehouse agree, each entry follows the one before; the last hash is {third['hash']}" in told
    )
    of_east = ledger_of(published, capsys, "east")
    assert "3 entries, 1 about east" in of_east and "to south" not in of_east and "Whole:" in of_east


def test_an_entry_holds_no_secret_no_signature_and_no_row(published):
    data = (published / FILE).read_bytes() + "".join(entry for (entry,) in in_warehouse(published)).encode()
    for partner in exchange_soak.PARTNERS:
        assert exchange_soak.secret_of(partner).hex().encode() not in data
        manifest = protocol.parse_manifest((published / "outbox" / partner / "manifest.json").read_bytes())
        for name in ("mac", "key_id"):
            assert manifest[name].encode() not in data
    tokens = in_warehouse(published, "select token, account_token from account_mapping__shared_keys")
    assert len(tokens) > 40
    assert not set(TOKEN.findall(data)) & {text.encode() for row in tokens for text in row}


def test_what_changes_nothing_adds_no_entry(published):
    before = (published / FILE).read_bytes()
    for command in ("publish", "status", "receive"):
        assert run(published, command, "south") == 0
    assert (published / FILE).read_bytes() == before


def lines_without(number: int):
    return lambda lines: lines[: number - 1] + lines[number:]


def altered(lines: list[bytes]) -> list[bytes]:
    return [lines[0].replace(b'"rows":50', b'"rows":40'), *lines[1:]]


def rehashed(lines: list[bytes]) -> list[bytes]:
    """An entry altered by somebody who knows how entries are hashed."""
    entry = json.loads(lines[0]) | {"partner_id": "nobody"}
    return [ledger.line_of(entry | {"hash": ledger.hash_of(entry)}).strip(), *lines[1:]]


def renumbered(lines: list[bytes]) -> list[bytes]:
    entry = json.loads(lines[2]) | {"number": 2}
    return [lines[0], ledger.line_of(entry | {"hash": ledger.hash_of(entry)}).strip()]


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lines_without(3), "The file lacks entry 3, which the other copy has: it was cut at its end"),
        (lines_without(2), "In the file: Entry 2 is missing."),
        (lines_without(1), "In the file: Entry 1 is missing."),
        (altered, "In the file: Entry 1 was altered after it was written"),
        (rehashed, "In the file: Entry 2 does not hold the hash of the entry before it"),
        (renumbered, "In the file: Entry 2 does not hold the hash of the entry before it"),
        (lambda lines: [lines[1], lines[0], lines[2]], "In the file: Entry 1 stands at the place of entry 3"),
        (lambda lines: [lines[0], b"{", lines[2]], "In the file: The line number 2 is no entry"),
        (lambda lines: [lines[0], lines[1][:-20], lines[2]], "In the file: The line number 2 is no entry"),
        (lambda lines: [lines[0].replace(b'":', b'": ', 1), *lines[1:]], "In the file: The line number 1 is no entry"),
        (lambda lines: [], "The file lacks entries 1 to 3"),
        (lambda lines: [*lines, b"\xff\x1b[2J"], "In the file: The line number 4 is no entry"),
        (lambda lines: [*lines, b'{"number":"x"}'], "In the file: The line number 4 is no entry"),
        (lambda lines: [*lines, lines[2]], "In the file: Entry 3 stands at the place of entry 4"),
    ],
)
def test_what_was_done_to_the_file_is_told_in_a_sentence(published, spoil, sentence, capsys):
    path = published / FILE
    path.write_bytes(b"".join(line + b"\n" for line in spoil(path.read_bytes().splitlines())))
    told = ledger_of(published, capsys, expected=3)
    assert sentence in told
    assert "Whole" not in told and "\x1b" not in told


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("delete from {} where number = 3", "The warehouse lacks entry 3, which the other copy has: it was cut"),
        ("delete from {} where number = 2", "In the warehouse: Entry 2 is missing."),
        ("delete from {}", "The warehouse lacks entries 1 to 3"),
        ("drop table {}", "The warehouse lacks entries 1 to 3"),
        ("update {} set rows_of_keys = 1 where number = 1", "The columns of entry 1 do not say what the entry itself"),
        ("update {} set partner_id = 'east' where number = 1", "The columns of entry 1 do not say what the entry"),
        ("update {} set entry = replace(entry, '\"rows\":50', '\"rows\":5')", "Entry 1 was altered after it was"),
        ("update {} set entry = null where number = 2", "In the warehouse: The row number 2 is no entry"),
    ],
)
def test_what_was_done_to_the_warehouse_is_told_in_a_sentence(published, statement, sentence, capsys):
    in_warehouse(published, statement.format("partners.exchange_ledger"))
    assert sentence in ledger_of(published, capsys, expected=3)


def cut_both(project: Path) -> None:
    lines = (project / FILE).read_bytes().splitlines(keepends=True)
    (project / FILE).write_bytes(b"".join(lines[:-2]))
    in_warehouse(project, "delete from partners.exchange_ledger where number > 1")


def test_a_chain_that_is_cut_on_both_sides_is_seen_by_the_outbox_and_by_a_hash_that_was_kept(published, capsys):
    kept = entries_of(published)[2]["hash"]
    assert "is of entry 3: no entry up to it was changed" in ledger_of(published, capsys, "--head", kept)
    cut_both(published)
    told = ledger_of(published, capsys, "--head", kept, expected=3)
    assert "No entry has the hash that you kept: entries were cut off or replaced since." in told
    assert "The outbox of south holds number 2" in told and "instead of what entry 1 tells of" in told
    assert "The outbox of east holds number 1" in told and "of which no entry tells" in told
    # what a chain cannot show: without the outboxes and without a hash that was kept, the rest looks whole
    for partner in exchange_soak.PARTNERS:
        files.remove(published / "outbox" / partner)
    assert "is empty, and entry 1 says" in ledger_of(published, capsys, expected=3)


def test_publications_without_an_entry_are_found_later(published, capsys):
    cut_both(published)
    change_keys(published)
    assert run(published, "publish", "south") == 0
    assert [(e["event"], e["sequence"], e["about"]) for e in entries_of(published)] == [
        *(("publish", 1, None), ("not_in_outbox", None, 1), ("found", 2, None), ("publish", 3, None)),
    ]
    assert run(published, "publish", "east") == 0
    assert [e["event"] for e in entries_of(published)][4:] == ["found"]
    assert "found in the outbox of east, with no entry of its own, number 1" in ledger_of(published, capsys)


@pytest.mark.parametrize("lost", ["file", "warehouse", "end of the file", "end of the warehouse"])
def test_a_copy_that_is_lost_or_behind_is_made_again_from_the_other(published, lost, capsys):
    before = entries_of(published)
    if lost == "file":
        (published / FILE).unlink()
    elif lost == "warehouse":
        in_warehouse(published, "drop table partners.exchange_ledger")
    elif lost == "end of the file":
        (published / FILE).write_bytes((published / FILE).read_bytes().splitlines(keepends=True)[0])
    else:
        in_warehouse(published, "delete from partners.exchange_ledger where number > 1")
    assert run(published, "publish", "south") == 0
    assert entries_of(published) == before
    assert "Whole" in ledger_of(published, capsys)


def test_nothing_leaves_while_the_copies_tell_different_things(published, capsys):
    path = published / FILE
    path.write_bytes(b"".join(line + b"\n" for line in altered(path.read_bytes().splitlines())))
    change_keys(published)
    before = (published / "outbox/south/manifest.json").read_bytes()
    capsys.readouterr()
    assert run(published, "publish", "south") == 3
    told = capsys.readouterr().err
    assert "are not one whole chain, so nothing was published: `exchange ledger` says where" in told
    assert (published / "outbox/south/manifest.json").read_bytes() == before
    # forgetting goes on all the same, and says so
    assert run(published, "forget", "south") == 0
    assert "the ledger does not tell that south was forgotten" in capsys.readouterr().out
    # the remedy
    path.unlink()
    assert run(published, "forget", "south") == 0
    assert [e["event"] for e in entries_of(published)][3:] == ["not_in_outbox", "forget"]
    assert "Whole" in ledger_of(published, capsys)


def test_what_left_stays_known_when_a_partner_is_forgotten(published, capsys):
    capsys.readouterr()
    assert run(published, "forget", "south") == 0
    assert "The ledger keeps 3 entries about south: that things left" in capsys.readouterr().out
    assert [e["event"] for e in entries_of(published)] == ["publish", "publish", "publish", "forget"]
    assert in_warehouse(published, "select count(*) from partners.exchange_ledger where partner_id = 'south'") == [(3,)]
    told = ledger_of(published, capsys)
    assert "forgot south" in told and "Whole" in told
    # again is nothing new to tell that is not true
    assert run(published, "forget", "nobody") == 0
    assert len(entries_of(published)) == 4


def test_a_leak_that_was_stopped_is_told_without_what_it_held(published, capsys):
    in_warehouse(published, "update account_mapping__shared_keys set token = 'acme.com' where partner_id = 'south'")
    assert run(published, "publish", "south") == 3
    *_, last = entries_of(published)
    assert (last["event"], last["reason"], last["sequence"], last["files"]) == ("withheld", "readable_value", None, [])
    assert b"acme" not in (published / FILE).read_bytes()
    told = ledger_of(published, capsys)
    assert "withheld from south under pact, epoch 2026: a check refused it (readable_value), nothing left" in told


# ---------------------------------------------------------------- killed


KILLED_AT = {
    "before the entry": (exchange, "note_down"),
    "between entry and manifest": (files, "replace_outbox"),
    "between manifest and warehouse": (exchange, "bring_up_to_date"),
}


def in_a_process(function: Callable[[], None]) -> int:
    """The number of a child process that does it; it ends with 0 unless it fails."""
    child = os.fork()
    if not child:
        code = 1
        try:
            function()
            code = 0
        finally:
            os._exit(code)
    return child


def end_of(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("moment", KILLED_AT)
def test_a_kill_at_any_step_loses_no_entry_and_the_next_command_repairs(published, moment, capsys):
    change_keys(published)

    def publish() -> None:
        setattr(*KILLED_AT[moment], lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
        run(published, "publish", "south")

    assert end_of(in_a_process(publish)) == -signal.SIGKILL
    number = protocol.parse_manifest((published / "outbox/south/manifest.json").read_bytes())["sequence"]
    known = [(e["event"], e["sequence"]) for e in entries_of(published)][3:]
    expected = {
        "before the entry": (2, [], 0),
        "between entry and manifest": (2, [("publish", 3)], 3),
        "between manifest and warehouse": (3, [("publish", 3)], 3),
    }[moment]
    assert (number, known) == expected[:2]
    # whatever lies in the outbox has an entry, at this moment too
    hashes = {e["manifest_hash"] for e in entries_of(published)}
    assert files.sha256_of(published / "outbox/south/manifest.json") in hashes
    ledger_of(published, capsys, expected=expected[2])
    assert run(published, "publish", "south") == 0
    after = [(e["event"], e["sequence"]) for e in entries_of(published)][3:]
    stopped = [("publish", 3), ("not_in_outbox", 2)] if moment == "between entry and manifest" else []
    assert after == [*stopped, ("publish", 3)]
    assert "Whole" in ledger_of(published, capsys)


def test_commands_for_two_partners_at_once_keep_one_chain(simulated, capsys):  # noqa: F811
    def publish(partner: str) -> None:
        for days in range(10, 14):
            assert run(simulated, "publish", partner, "--valid-days", str(days)) == 0
            (simulated / "outbox" / partner / "manifest.json").unlink()

    children = [in_a_process(partial(publish, partner)) for partner in exchange_soak.PARTNERS]
    assert [end_of(child) for child in children] == [0, 0]
    events = [(e["partner_id"], e["event"]) for e in entries_of(simulated)]
    for partner in exchange_soak.PARTNERS:
        assert [event for who, event in events if who == partner] == ["publish", *["not_in_outbox", "publish"] * 3]
        assert run(simulated, "publish", partner) == 0
    assert "Whole" in ledger_of(simulated, capsys)


def test_columns_of_the_table_are_the_same_in_sql_and_python():
    text = package_file("account_mapping__export_ledger.sql").read_text()
    written = re.findall(r"'(\w+)': '(?:bigint|varchar)'", text)
    assert tuple(written) == ledger.COLUMNS
