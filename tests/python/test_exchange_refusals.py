"""What an inbox refuses, what an outbox never lets out, and that both are whole at every moment.

No dbt runs here: a delivery is checked before anything is loaded, so a refusal that is raised leaves every table alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from harness import PACKAGE

from exchange import command as exchange
from exchange import files, gates, protocol

SECRET = hashlib.sha256(b"a secret of a test").digest()
NORMALISER = protocol.Normaliser("3", ("canary",), "tldextract 5.4.0, sha256 0123456789abcdef")
RULES = tuple(
    protocol.Rule(direction, "*", "*", "overlapping", "country;status") for direction in ("accepted", "offered")
)
US = protocol.Party("north", "pact", "2026", "2026-11-15", RULES, NORMALISER)
THEM = replace(US, company_id="south")
ROWS = [("domain", 1), ("domain", 2), ("domain", 3), ("name", 1), ("name", 2)]
COUNTS = {"rollup": "account", "our_status": "customer", "partner_status": "customer", "cell_state": "counted"}

Table = pa.Table
Change = Callable[..., Any]


def token(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def keys_table(rows: list[tuple[str, int]] = ROWS, **columns: list[Any]) -> Table:
    """A sorted table of keys; `columns` replace whole columns."""
    made = [
        {
            "agreement_id": "pact",
            "epoch": "2026",
            "normaliser_version": "3",
            "key_type": key_type,
            "token": token(f"{key_type} {number}"),
            "account_token": token(f"account {number}"),
            "parent_account_token": None,
            "status": "customer",
        }
        for key_type, number in rows
    ]
    made.sort(key=lambda row: (row["key_type"], row["token"], row["account_token"]))
    schema = pa.schema([(name, pa.string()) for name in protocol.COLUMNS["keys"]])
    table = pa.Table.from_pylist(made, schema=schema)
    for name, values in columns.items():
        table = table.set_column(table.schema.get_field_index(name), name, [pa.array(values)])
    return table


def table_of(kind: str, rows: list[dict[str, Any]]) -> Table:
    schema = pa.schema([(name, pa.string()) for name in protocol.COLUMNS[kind]])
    return pa.Table.from_pylist([{"agreement_id": "pact", "epoch": "2026", **row} for row in rows], schema=schema)


class Delivery:
    """A partner's delivery in an inbox of ours, as it should be until a test changes it."""

    def __init__(self, folder: Path) -> None:
        self.work = exchange.Work("south", folder, folder / "outbox/south", folder / "inbox/south")
        self.work.staging.mkdir(parents=True)
        self.work.inbox.mkdir(parents=True)
        self.now = exchange.Situation(US, SECRET, None, None)
        self.them, self.secret, self.sequence = THEM, SECRET, 5
        self.tables: dict[str, Table] = {"keys": keys_table()}
        self.change_bytes: Callable[[bytes], bytes] = lambda data: data
        self.entry: dict[str, Any] = {}
        self.change_manifest: Callable[[dict], dict] = lambda manifest: manifest

    def deliver(self) -> dict[str, Any]:
        """Write the files and a manifest that fits them."""
        entries = []
        for kind, table in self.tables.items():
            path = self.work.inbox / "written"
            pq.write_table(table, path)
            data = self.change_bytes(path.read_bytes())
            path.unlink()
            per_type = table.column("key_type").value_counts().to_pylist() if "key_type" in table.column_names else []
            sha256 = hashlib.sha256(data).hexdigest()
            entry = protocol.FileEntry(
                f"{kind}-{sha256[:12]}.parquet",
                kind,
                table.num_rows,
                sha256,
                {row["values"]: row["counts"] for row in per_type} if kind == "keys" else {},
            )
            entries.append(replace(entry, **self.entry))
            (self.work.inbox / entry.name).write_bytes(data)
        manifest = protocol.make_manifest(
            self.secret, self.them, entries, protocol.statement_hash(RULES), self.sequence
        )
        manifest = self.change_manifest(manifest)
        (self.work.inbox / "manifest.json").write_bytes(protocol.canonical_json(manifest))
        return manifest

    def refused(self) -> tuple[str, str]:
        """Code and sentence of the refusal; asserts that all that was delivered went to quarantine, with the reason."""
        before = sorted(path.name for path in self.work.inbox.iterdir())
        with pytest.raises(protocol.Refused) as caught:
            exchange.accept(self.work, self.now)
        sentence, rest = str(caught.value).split(" Nothing was loaded; what was delivered is in ")
        place = Path(rest)
        assert place == self.work.state / "quarantine/1"
        assert sorted(path.name for path in place.iterdir()) == sorted([*before, "checks.html", "reason.txt"])
        assert list(self.work.inbox.iterdir()) == []
        assert (place / "reason.txt").read_text() == sentence + "\n"
        page = (place / "checks.html").read_text()
        assert 'class="bad"' in page
        assert not re.search(r"https?:|src=|<link|<script", page)
        # nothing lies ready to be loaded
        assert list(self.work.staging.iterdir()) == []
        return caught.value.code, sentence


@pytest.fixture
def delivery(tmp_path: Path) -> Delivery:
    return Delivery(tmp_path)


def test_a_good_delivery_is_laid_ready_and_the_page_says_what_was_checked(delivery):
    delivery.deliver()
    text, checked = exchange.accept(delivery.work, delivery.now)
    assert [(file.kind, file.rows) for file in checked] == [("keys", 5), ("statement", 2), ("accepted", 1)]
    assert all(files.sha256_of(file.path) == file.sha256 for file in checked)
    assert "number 5: 5 keys" in text
    staged = delivery.work.staging
    assert pq.read_table(staged / "keys.parquet") == keys_table()
    assert json.loads((staged / "accepted.json").read_text())[0]["sequence"] == 5
    assert [row["direction"] for row in json.loads((staged / "statement.json").read_text())] == ["accepted", "offered"]
    page = (delivery.work.state / "checks.html").read_text()
    assert 'class="bad"' not in page
    assert "keys: compound columns to be unique" in page
    assert keys_table().column("token")[0].as_py() not in page


def test_what_is_loaded_already_is_nothing_to_do(delivery):
    manifest = delivery.deliver()
    accepted = protocol.Accepted("pact", "2026", 5, manifest["mac"], manifest["statement_hash"])
    delivery.now = replace(delivery.now, accepted=accepted)
    assert exchange.accept(delivery.work, delivery.now)[1] is None


# ---------------------------------------------------------------- the manifest


def other_secret(it: Delivery) -> None:
    it.secret = bytes(32)


def other_normaliser(it: Delivery) -> None:
    it.them = replace(THEM, normaliser=replace(NORMALISER, version="1"))


def other_spelling(it: Delivery) -> None:
    it.them = replace(THEM, normaliser=replace(NORMALISER, outputs=("kanari",)))


def other_epoch(it: Delivery) -> None:
    it.them = replace(THEM, epoch="2025")


def other_agreement(it: Delivery) -> None:
    it.them = replace(THEM, agreement_id="treaty")


def hashed_anew(it: Delivery) -> None:
    def edit(manifest: dict) -> dict:
        edited = manifest | {"expires_on": "2036-01-01"}
        return edited | {"mac": protocol.digest({key: value for key, value in edited.items() if key != "mac"})}

    it.change_manifest = edit


def own_file(it: Delivery) -> None:
    it.them = US
    it.work.outbox.mkdir(parents=True)
    ours = protocol.make_manifest(SECRET, US, [], None, 5)
    (it.work.outbox / "manifest.json").write_bytes(protocol.canonical_json(ours))
    it.change_manifest = lambda manifest: ours


def older_own_file(it: Delivery) -> None:
    it.them = US


def expired(it: Delivery) -> None:
    it.them = replace(THEM, as_of="2026-10-01")


def replayed(it: Delivery) -> None:
    it.now = replace(it.now, accepted=protocol.Accepted("pact", "2026", 6, "ff" * 32, "ff" * 32))


def unilateral(it: Delivery) -> None:
    it.now = replace(it.now, us=replace(US, statement=RULES[1:]))


def expired_agreement(it: Delivery) -> None:
    it.now = replace(it.now, us=replace(US, statement=(replace(RULES[0], valid_until="2026-11-14"), RULES[1])))


# ---------------------------------------------------------------- the files


def table(change: Callable[[Table], Table]) -> Change:
    def apply(it: Delivery) -> None:
        it.tables["keys"] = change(it.tables["keys"])

    return apply


def entry(**values: Any) -> Change:
    def apply(it: Delivery) -> None:
        it.entry = values

    return apply


def one_token(value: str) -> Change:
    tokens = keys_table().column("token").to_pylist()
    return table(lambda _: keys_table(token=[*tokens[:-1], value]))


def varint(number: int) -> bytes:
    """Zigzag variable-length integer of Thrift's compact protocol, for a number that is not negative."""
    number, made = number * 2, b""
    while number > 127:
        made += bytes([number & 127 | 128])
        number >>= 7
    return made + bytes([number])


def claim_10_gb(data: bytes) -> bytes:
    """The file with a footer that says that its first column unpacks to 10 GB."""
    chunk = pq.read_metadata(pa.BufferReader(data)).row_group(0).column(0)

    def sizes(unpacked: int) -> bytes:
        # fields 5, 6 and 7 of ColumnMetaData, each a 64-bit number
        return b"".join(b"\x16" + varint(n) for n in (chunk.num_values, unpacked, chunk.total_compressed_size))

    length = int.from_bytes(data[-8:-4], "little")
    body, footer = data[: -8 - length], data[-8 - length : -8]
    changed = footer.replace(sizes(chunk.total_uncompressed_size), sizes(10_000_000_000), 1)
    assert changed != footer
    return body + changed + len(changed).to_bytes(4, "little") + b"PAR1"


def hostile(change: Callable[[bytes], bytes]) -> Change:
    def apply(it: Delivery) -> None:
        it.change_bytes = change

    return apply


def nested(it: Delivery) -> None:
    it.tables["keys"] = keys_table(status=[["customer"]] * len(ROWS))


def counts(**values: str) -> Change:
    """A file of one cell, of a partner who hides the cells of our churned accounts."""

    def apply(it: Delivery) -> None:
        hidden = protocol.Rule("offered", "*", "churned", "hidden")
        it.them = replace(THEM, statement=tuple(sorted((*RULES, hidden))))
        numbers = {"companies": "20"}
        it.tables = {"counts": table_of("counts", [COUNTS | numbers | values])}

    return apply


def fields(field: str) -> Change:
    def apply(it: Delivery) -> None:
        row = {"account_token": token("a"), "partner_account_token": token("b"), "field": field, "value": "x"}
        it.tables = {"fields": table_of("fields", [row])}

    return apply


REFUSALS = {
    "wrong secret": (other_secret, "wrong_secret"),
    "other normaliser version": (other_normaliser, "other_normaliser_version"),
    "same version, other spelling": (other_spelling, "other_normaliser"),
    "other epoch": (other_epoch, "other_epoch"),
    "other agreement": (other_agreement, "other_agreement"),
    "manifest edited and hashed anew": (hashed_anew, "altered_manifest"),
    "our own file sent back": (own_file, "own_file"),
    "an older file of ours sent back": (older_own_file, "own_name"),
    "expired manifest": (expired, "expired"),
    "old outbox replayed": (replayed, "replayed"),
    "unilateral agreement": (unilateral, "unilateral"),
    "expired agreement": (expired_agreement, "unilateral"),
    "extra column": (table(lambda t: t.append_column("account_name", [["Acme"] * t.num_rows])), "extra_column"),
    "missing column": (table(lambda t: t.drop_columns(["status"])), "missing_column"),
    "columns in another order": (table(lambda t: t.select(t.column_names[::-1])), "missing_column"),
    "duplicated rows": (table(lambda t: pa.concat_tables([t, t.slice(0, 1)])), "duplicated_rows"),
    "rows in another order": (table(lambda t: t.take([4, 3, 2, 1, 0])), "not_sorted"),
    "malformed token": (one_token("f" * 63), "malformed_token"),
    "token in capitals": (one_token("F" * 64), "malformed_token"),
    "token with a line break": (one_token("f" * 64 + "\n"), "malformed_token"),
    "empty token": (one_token(None), "missing_values"),
    "name as key type": (table(lambda t: keys_table(key_type=["domain"] * 4 + ["x"])), "malformed_manifest"),
    "rows of another epoch": (table(lambda t: keys_table(epoch=["2025"] * 5)), "other_epoch"),
    "unknown status": (table(lambda t: keys_table(status=["vip"] * 5)), "status_not_agreed"),
    "more rows stated than there are": (
        entry(rows=6, rows_per_key_type={"domain": 4, "name": 2}),
        "row_count",
    ),
    "other rows per key type": (entry(rows_per_key_type={"domain": 1, "name": 4}), "row_count"),
    "10 GB claimed": (hostile(claim_10_gb), "claimed_size"),
    "nested type": (nested, "nested_column"),
    "wrong type": (table(lambda t: keys_table(status=[1, 2, 3, 4, 5])), "wrong_type"),
    "no Parquet at all": (hostile(lambda data: b"PK\x03\x04" * 100), "unreadable_parquet"),
    "data pages overwritten": (hostile(lambda data: b"PAR1" + bytes(300) + data[304:]), "unreadable_parquet"),
    "counts of a small cell": (counts(companies="5"), "small_count"),
    "counts of a cell that is not in force": (counts(partner_status="churned"), "cell_not_agreed"),
    "counts that are none": (counts(companies="1e9"), "count_not_allowed"),
    "field that was not agreed": (fields("owner_email"), "field_not_agreed"),
}


@pytest.mark.parametrize(("spoil", "code"), REFUSALS.values(), ids=REFUSALS)
def test_a_bad_delivery_is_refused_with_its_own_reason(delivery, spoil, code):
    spoil(delivery)
    delivery.deliver()
    found, sentence = delivery.refused()
    print(f"{found}: {sentence}")
    assert found == code
    assert sentence.endswith(".")
    assert "\n" not in sentence


def keys_file(delivery: Delivery) -> Path:
    return next(delivery.work.inbox.glob("keys-*.parquet"))


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-100]), "other_hash"),
        (lambda path: path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:]), "other_hash"),
        (lambda path: path.write_bytes(path.read_bytes() + bytes(2_000_000)), "file_too_large"),
    ],
    ids=["truncated", "one flipped bit", "blown up"],
)
def test_a_file_that_changed_on_its_way_is_refused(delivery, spoil, code):
    delivery.deliver()
    spoil(keys_file(delivery))
    found, sentence = delivery.refused()
    print(f"{found}: {sentence}")
    assert found == code


@pytest.mark.parametrize("as_link", [False, True])
def test_a_file_that_is_missing_or_a_link_is_refused(delivery, tmp_path, as_link):
    delivery.deliver()
    path = keys_file(delivery)
    if as_link:
        path.rename(tmp_path / "elsewhere")
        path.symlink_to(tmp_path / "elsewhere")
    else:
        path.unlink()
    found, sentence = delivery.refused()
    print(f"{found}: {sentence}")
    assert found == ("no_plain_file" if as_link else "missing_file")


def test_an_inbox_without_manifest_is_not_delivered_yet(delivery):
    delivery.deliver()
    (delivery.work.inbox / "manifest.json").unlink()
    with pytest.raises(exchange.ExchangeError, match="not all of it yet"):
        exchange.accept(delivery.work, delivery.now)
    assert keys_file(delivery).exists()


def test_large_files_are_checked_batch_by_batch_and_across_batches(delivery, monkeypatch):
    monkeypatch.setattr(gates, "BATCH_ROWS", 2)
    delivery.deliver()
    exchange.accept(delivery.work, delivery.now)
    assert pq.read_table(delivery.work.staging / "keys.parquet") == keys_table()
    again = keys_table()
    delivery.tables["keys"] = pa.concat_tables([again.slice(0, 2), again.slice(1)])
    delivery.deliver()
    with pytest.raises(protocol.Refused) as caught:
        exchange.accept(delivery.work, delivery.now)
    assert caught.value.code == "duplicated_rows"


# ---------------------------------------------------------------- a clean room


@pytest.fixture
def room(tmp_path: Path) -> tuple[exchange.Work, protocol.Party]:
    """A room that both sides delivered to: `north`, whose view is wanted, and `south`."""
    sides = [Delivery(tmp_path / "made" / name) for name in ("north", "south")]
    sides[0].them = US
    work = exchange.Work("south", tmp_path / "room", tmp_path / "room/outbox/south", tmp_path / "room/inbox/south")
    work.staging.mkdir(parents=True)
    for name, side in zip(("north", "south"), sides, strict=True):
        side.deliver()
        shutil.copytree(side.work.inbox, work.inbox.parent / name)
    return work, replace(US, statement=())


def test_a_room_lays_the_keys_of_both_sides_ready_and_needs_no_secret(room):
    work, us = room
    told, checked, senders = exchange.accept_pair(work, us)
    assert told.count(": 5 keys of ") == 2
    assert [(file.kind, file.rows) for file in checked] == [("own", 5), ("keys", 5)]
    assert senders == {"north": "north", "south": "south"}
    assert sorted(path.name for path in work.staging.glob("*.parquet")) == ["keys.parquet", "own.parquet"]
    for name in ("keys", "own"):
        assert pq.read_table(work.staging / f"{name}.parquet") == keys_table()
    assert "All checks passed" in (work.state / files.PAGE).read_text()


def truncate(inbox: Path) -> None:
    path = next(inbox.glob("keys-*"))
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda inbox: (inbox / "fields-0123456789ab.parquet").write_bytes(b"readable"), "readable_fields"),
        (truncate, "other_hash"),
        (lambda inbox: (inbox / "manifest.json").write_bytes(b"{}"), "unknown_protocol"),
        (lambda inbox: shutil.copy(inbox.parent / "north/manifest.json", inbox), "one_sender"),
    ],
    ids=["readable fields", "cut off", "no manifest of ours", "one side twice"],
)
def test_a_room_refuses_what_it_should_not_have_and_keeps_all_in_quarantine(room, spoil, code):
    work, us = room
    spoil(work.inbox)
    with pytest.raises(protocol.Refused) as caught:
        exchange.accept_pair(work, us)
    assert caught.value.code == code
    for name in ("north", "south"):
        assert list((work.inbox.parent / name).iterdir()) == []
        assert (work.state_of(name) / "quarantine/1/manifest.json").exists()
    assert list(work.staging.iterdir()) == []


def test_a_room_waits_for_the_second_side(room):
    work, us = room
    (work.inbox / "manifest.json").unlink()
    with pytest.raises(exchange.ExchangeError, match="not all of it yet"):
        exchange.accept_pair(work, us)
    assert (work.inbox.parent / "north/manifest.json").exists()


# ---------------------------------------------------------------- what may not leave


def leaving(tmp_path: Path, kind: str, rows: Table, rules: tuple[protocol.Rule, ...] = RULES) -> None:
    """Send a table through the gate out."""
    source = tmp_path / f"{kind}.parquet"
    pq.write_table(rows, source)
    permitted = protocol.allowed(protocol.cells_in_force(rules, rules, US.as_of))
    gate = gates.Gate(gates.expectations(kind, "pact", "2026", "3", permitted, True))
    gates.sift(source, tmp_path / "out", protocol.FileEntry("", kind, rows.num_rows, ""), gate, permitted, True)


@pytest.mark.parametrize(
    ("kind", "rows", "code"),
    [
        ("keys", keys_table(token=["acme.com", "b@acme.com", "Acme GmbH", "acme", "x y"]), "readable_value"),
        ("keys", keys_table(status=["Acme GmbH"] * 5), "readable_value"),
        ("keys", keys_table(parent_account_token=["acme"] * 5), "malformed_token"),
        ("keys", keys_table(status=["lost"] * 5), "status_not_agreed"),
        ("keys", keys_table(agreement_id=["acme.com"] * 5), "other_agreement_id"),
        ("keys", keys_table().append_column("name", [["Acme"] * 5]), "extra_column"),
        ("counts", table_of("counts", [COUNTS | {"companies": "9"}]), "count_not_allowed"),
        ("counts", table_of("counts", [COUNTS | {"companies": "11"}]), "count_not_allowed"),
        ("fields", table_of("fields", [{"account_token": token("a"), "field": "name", "value": "Acme"}]),
         "field_not_agreed"),
    ],
)  # fmt: skip
def test_what_was_not_agreed_or_can_be_read_does_not_leave(tmp_path, kind, rows, code):
    with pytest.raises(protocol.Refused) as caught:
        leaving(tmp_path, kind, rows)
    print(f"{caught.value.code}: {caught.value}")
    assert caught.value.code == code
    assert "Acme" not in str(caught.value)


@pytest.mark.parametrize(("minimum_count", "told", "leaves"), [(0, "10", True), (20, "20", True), (20, "15", False)])
def test_counts_leave_from_the_least_count_of_their_cell_on(tmp_path, minimum_count, told, leaves):
    rules = tuple(replace(rule, minimum_count=minimum_count) for rule in RULES)
    rows = table_of("counts", [COUNTS | {"companies": told}])
    if leaves:
        leaving(tmp_path, "counts", rows, rules)
    else:
        with pytest.raises(protocol.Refused) as caught:
            leaving(tmp_path, "counts", rows, rules)
        assert caught.value.code == "small_count"


def test_a_leak_is_kept_where_no_partner_gets_it(delivery):
    (delivery.work.staging / "keys.parquet").write_bytes(b"leak")
    told = exchange.stop_leak(delivery.work, gates.Checks("out"), "The keys that were about to leave: a reason.")
    place = delivery.work.state / "withheld/quarantine/1"
    assert str(place) in told
    assert (place / "keys.parquet").read_bytes() == b"leak"
    assert not delivery.work.outbox.exists()


# ---------------------------------------------------------------- whole at every moment

KILLED = """
import os, signal, sys
from pathlib import Path
from exchange import files

left = int(sys.argv[1])

def step(function):
    def counted(*arguments, **named):
        global left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return function(*arguments, **named)
    return counted

class Halves:
    # a file that is written in two steps
    def __init__(self, file):
        self.file = file

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def __getattr__(self, name):
        return getattr(self.file, name)

    def write(self, data):
        self.file.write(data[: len(data) // 2])
        self.file.flush()
        step(lambda: None)()
        self.file.write(data[len(data) // 2 :])

for name in ("replace", "fsync", "open", "unlink"):
    setattr(os, name, step(getattr(os, name)))
fdopen = os.fdopen
os.fdopen = lambda handle, mode: Halves(fdopen(handle, mode)) if mode == "wb" else fdopen(handle, mode)
# the system's handles of folders are known by the functions as they were
files.HAS_HANDLES = True
folder, made = Path(sys.argv[2]), Path(sys.argv[3])
files.replace_outbox(folder, [(path, path.name) for path in sorted(made.iterdir())], sys.argv[4].encode())
print(left)
"""


def publication(folder: Path, texts: list[str]) -> tuple[Path, bytes]:
    """Files named by their content, and a manifest that names them."""
    folder.mkdir()
    names = []
    for text in texts:
        names.append(f"keys-{token(text)[:12]}.parquet")
        (folder / names[-1]).write_text(text)
    return folder, json.dumps(sorted(names)).encode()


def outbox_state(folder: Path) -> list[str]:
    """The texts of the files that the manifest names; fails where one is missing or not as its name says."""
    names = json.loads((folder / "manifest.json").read_bytes())
    texts = [(folder / name).read_text() for name in names]
    assert names == sorted(f"keys-{token(text)[:12]}.parquet" for text in texts)
    return sorted(texts)


def test_whenever_a_publication_is_killed_the_outbox_is_the_former_or_the_new_one(tmp_path):
    former, former_manifest = publication(tmp_path / "former", ["kept" * 9, "old" * 9])
    made, manifest = publication(tmp_path / "made", ["kept" * 9, "new" * 9, "more" * 9])
    states = []
    for moment in range(100):
        outbox = tmp_path / f"outbox{moment}"
        files.replace_outbox(outbox, [(path, path.name) for path in former.iterdir()], former_manifest)
        command = [sys.executable, "-c", KILLED, str(moment), outbox, made, manifest.decode()]
        done = subprocess.run(command, cwd=PACKAGE, capture_output=True, text=True, check=False)
        states.append(outbox_state(outbox))
        # the next run ends what was begun, and clears up
        files.replace_outbox(outbox, [(path, path.name) for path in made.iterdir()], manifest)
        assert outbox_state(outbox) == sorted(["kept" * 9, "new" * 9, "more" * 9])
        assert len(list(outbox.iterdir())) == 4
        if done.returncode == 0:
            break
        assert done.returncode == -9, done.stderr
    else:
        pytest.fail("the publication never ended")
    assert moment >= 10
    switch = states.index(sorted(["kept" * 9, "new" * 9, "more" * 9]))
    assert switch > 5
    assert states == [sorted(["kept" * 9, "old" * 9])] * switch + [states[-1]] * (len(states) - switch)


# A process that has imported everything, and forks a publication for each line it reads: the moments are then of the
# publication itself, not of its imports. dbt's part, the export, is a copy of files that were made before.
PUBLISHING = """
import os, shutil, sys
from pathlib import Path
from exchange import command as exchange, gates

exported, project = Path(sys.argv[1]), Path(sys.argv[2])
work = exchange.Work("south", project, project / "outbox/south", project / "inbox/south", build=False)
exchange.operation = lambda work, name, **_: shutil.copytree(exported, work.staging, dirs_exist_ok=True)
for _ in sys.stdin:
    child = os.fork()
    if not child:
        with exchange.alone(work):
            exchange.publish(work)
        os._exit(0)
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""


def write_export(folder: Path, rows: Table) -> None:
    """What the macro account_mapping__export_shared writes, after the partner's statement was accepted."""
    folder.mkdir(parents=True)
    settings = {
        **{"partner_id": "south", "exchange": "keys", "is_active": True, "agreement_id": "pact", "epoch": "2026"},
        **{"secret_env": "SECRET_OF_THE_PAIR", "as_of": US.as_of, "normaliser_version": "3", "company_id": "north"},
    }
    statement = protocol.statement_rows(RULES)
    ours = [{**rule, "is_readable": True} for rule in statement]
    hashed = protocol.statement_hash(RULES)
    accepted = {"agreement_id": "pact", "epoch": "2026", "sequence": 1, "mac": "ff" * 32, "statement_hash": hashed}
    for name, value in (
        ("settings", [settings]),
        ("our_statement", ours),
        ("partner_statement", statement),
        ("legal_forms", [{"form": "gmbh", "class": "limited", "position": "end", "script": ""}]),
        ("placeholders", []),
        ("name_words", []),
        ("common_words", []),
        ("accepted", [accepted]),
    ):
        (folder / f"{name}.json").write_text(json.dumps(value))
    pq.write_table(rows, folder / "keys.parquet")


def number_of(outbox: Path) -> int:
    """The number of the manifest in an outbox; fails where it is not signed, or names a file that is not whole."""
    manifest = protocol.parse_manifest((outbox / files.MANIFEST).read_bytes())
    assert manifest["mac"] == protocol.authentication_code(SECRET, manifest)
    assert [entry["kind"] for entry in manifest["files"]] == ["keys"]
    for entry in manifest["files"]:
        assert files.sha256_of(outbox / entry["name"]) == entry["sha256"]
        assert pq.read_table(outbox / entry["name"]).num_rows == entry["rows"]
    return manifest["sequence"]


def test_a_publication_killed_at_ten_random_moments_leaves_a_whole_outbox(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_PAIR", SECRET.hex())
    exported, project = tmp_path / "exported", tmp_path / "project"
    outbox, former = project / "outbox/south", tmp_path / "former"
    rows = [(key_type, number) for key_type in ("domain", "name") for number in range(5_000)]
    write_export(exported, keys_table(rows[1:]))
    command = [sys.executable, "-c", PUBLISHING, exported, project]
    rng = random.Random()
    with subprocess.Popen(command, cwd=PACKAGE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def publish(kill_after: float | None) -> float:
            process.stdin.write("\n")
            process.stdin.flush()
            child, start = int(process.stdout.readline()), time.monotonic()
            if kill_after is not None:
                time.sleep(kill_after)
                # it may have ended before its time
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            assert int(process.stdout.readline()) in ((0,) if kill_after is None else (0, signal.SIGKILL))
            return time.monotonic() - start

        publish(None)
        shutil.copytree(outbox, former)
        pq.write_table(keys_table(rows), exported / "keys.parquet")
        took = publish(None)
        assert number_of(outbox) == 2
        left = []
        for _ in range(10):
            shutil.rmtree(outbox)
            shutil.copytree(former, outbox)
            publish(rng.uniform(0, took))
            left.append(number_of(outbox))
        print(f"left after being killed within {took:.2f} s: {left}")
        assert set(left) <= {1, 2}
        publish(None)
        assert number_of(outbox) == 2
        assert len(list(outbox.iterdir())) == 2
        assert not any(path.is_file() for path in (project / "target").rglob("*"))
        process.stdin.close()


def test_quarantine_that_was_killed_half_way_is_ended_by_the_next(tmp_path, monkeypatch):
    inbox, state = tmp_path / "inbox", tmp_path / "state"
    inbox.mkdir()
    for name in ("manifest.json", "keys-1.parquet", "reason.txt"):
        (inbox / name).write_text(name)
    moved = []

    def killed(source: files.Folder, name: str, target: files.Folder, new_name: str) -> None:
        if source.path == inbox:
            if moved:
                raise KeyboardInterrupt
            moved.append(name)
        move(source, name, target, new_name)

    move = files.Folder.move
    monkeypatch.setattr(files.Folder, "move", killed)
    with pytest.raises(KeyboardInterrupt):
        files.quarantine(inbox, state, "a reason.", "<p>page</p>")
    assert moved == ["manifest.json"]
    assert not (inbox / "manifest.json").exists()
    assert (inbox / "keys-1.parquet").exists()
    monkeypatch.undo()
    place = files.quarantine(inbox, state, "another.", "<p>page</p>").place
    assert place.name == "2"
    assert sorted(path.name for path in place.iterdir()) == sorted(
        ["checks.html", "delivered-reason.txt", "keys-1.parquet", "reason.txt"]
    )
    assert (place / "reason.txt").read_text() == "another.\ndelivered-reason.txt was named reason.txt\n"


# ---------------------------------------------------------------- the command


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["publish", "No Id"], 1, "'No Id' is no partner_id"),
        (["publish", "south"], 1, "holds no dbt_project.yml"),
        (["publish"], 2, "usage: exchange publish"),
    ],
)
def test_the_folder_is_the_command_wherever_it_is_called_from(tmp_path, arguments, code, told):
    """As in a user's project, which has the package as a link, and modules with the names of ours."""
    (tmp_path / "dbt_packages").mkdir()
    (tmp_path / "dbt_packages/account_mapping").symlink_to(PACKAGE, target_is_directory=True)
    (tmp_path / "protocol.py").write_text("raise SystemExit('a stranger')")
    command = [sys.executable, "dbt_packages/account_mapping/exchange", *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, told in done.stderr) == (code, True), done.stderr
