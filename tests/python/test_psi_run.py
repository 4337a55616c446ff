"""Private set intersection by files: both sides' commands play all rounds, end alike, and refuse what is wrong."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
from contextlib import nullcontext
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks import psi_sides, psi_soak
from exchange import files, gates, protocol, psi, psi_run

OURS = [
    {"id": "1", "keys": {"domain": ["acme.com", "acme.de"], "name": ["acme"]}, "status": "customer"},
    {"id": "2", "keys": {"domain": ["birch.com"]}, "status": "prospect", "parent": "9"},
    {"id": "3", "keys": {"domain": ["north-only.com"], "name": ["only"], "lei": ["n"]}, "status": "churned"},
    {"id": "4", "keys": {"name": ["birch"]}, "parent": "5"},
    {"id": "5", "keys": {}, "status": "customer"},
    {"id": "9", "keys": {"name": ["group of the north"]}, "status": "customer"},
    {"id": "7", "keys": {"domain": ["counted.com"]}, "is_shared": False},
]
THEIRS = [
    {"id": "a", "keys": {"domain": ["acme.com"], "name": ["acme"], "duns": ["s"]}, "status": "open_opportunity"},
    {"id": "b", "keys": {"domain": ["birch.com", "south-only.com"], "name": ["birch"]}, "status": "customer"},
    {"id": "c", "keys": {"domain": ["acme.de", "counted.com"]}, "parent": "a"},
]
SHARED = {"domain": {"acme.com", "acme.de", "birch.com"}, "name": {"acme", "birch"}}


def make(folder: Path, **settings) -> dict[str, psi_sides.Project]:
    lists = {"north": OURS, "south": THEIRS}
    return {
        side: psi_sides.make_side(folder, side, psi_sides.rows_of(side, accounts), **settings)
        for side, accounts in lists.items()
    }


def turn(folder: Path, sides: dict[str, psi_sides.Project]) -> None:
    """Both publish, both send, both receive."""
    for side in sides.values():
        assert psi_sides.exchange(side, "publish") == 0
    for side in sides:
        psi_sides.send(folder, side)
    for side in sides.values():
        assert psi_sides.exchange(side, "receive") == 0


def kinds(folder: Path, side: str) -> list[str]:
    outbox = folder / side / "outbox" / psi_sides.SIDES[side]
    return [entry["kind"] for entry in json.loads((outbox / "manifest.json").read_text())["files"]]


def run_of(folder: Path, side: str) -> psi_run.Run:
    party = protocol.Party("", "pact", "1", "", (), protocol.Normaliser("", (), ""))
    return psi_run.open_run(folder / side / "exchange_state" / psi_sides.SIDES[side], party)


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    folder = tmp_path_factory.mktemp("psi") / "played"
    sides = make(folder)
    seen = []
    for number in range(6):
        # the fifth brings all rounds, through everything that is in the way
        with psi_sides.quickly() if number != 4 else nullcontext():
            turn(folder, sides)
        seen.append([sorted(kinds(folder, side)) for side in sides])
    return folder, sides, seen


def test_each_turn_brings_one_round_and_then_nothing_new(played):
    _, _, seen = played
    rounds = [sorted(protocol.PSI_KINDS[:number]) for number in range(5)]
    assert seen == [[now, now] for now in [*rounds, rounds[-1]]]


def test_both_sides_find_the_shared_keys_and_load_nothing_else(played):
    folder, sides, _ = played
    statuses = {side: {row["id"]: row.get("status") for row in rows} for side, rows in
                (("north", OURS), ("south", THEIRS))}  # fmt: skip
    for side, partner in psi_sides.SIDES.items():
        assert run_of(folder, side).numbers["numbers"] == {kind: len(values) for kind, values in SHARED.items()}
        keys = sides[side].warehouse["keys"]
        assert {(row["key_type"], row["token"]) for row in keys if row["key_type"] != "account"} == {
            (kind, psi_sides.token(value)) for kind, values in SHARED.items() for value in values
        }
        told = {row["account_token"]: row["status"] for row in keys}
        names = {psi_sides.account_token(partner, name): status for name, status in statuses[partner].items()}
        assert all(names[name] == status for name, status in told.items() if status is not None)
    south = {row["account_token"]: row for row in sides["south"].warehouse["keys"]}
    # north's second account is told with its parent, which has no match of its own; of its fourth's the same
    for account, parent in (("2", "9"), ("4", "5")):
        token = psi_sides.account_token("north", parent)
        assert south[psi_sides.account_token("north", account)]["parent_account_token"] == token
        assert (south[token]["key_type"], south[token]["token"], south[token]["status"]) == ("account", token, None)
    assert psi_sides.account_token("north", "3") not in south
    assert psi_sides.account_token("north", "7") not in south


def test_no_file_that_left_holds_a_token_of_a_key_or_tells_how_long_a_list_is(played):
    folder, _, _ = played
    tokens = {
        psi_sides.token(value)
        for account in (*OURS, *THEIRS)
        for values in account["keys"].values()
        for value in values
    }
    for side, partner in psi_sides.SIDES.items():
        for path in (folder / side / "outbox" / partner).glob("*.parquet"):
            table = pq.read_table(path)
            values = {value for column in table.columns for value in column.to_pylist()}
            assert not values & tokens
            if path.name.startswith("points"):
                counts = table.group_by("key_type").aggregate([([], "count_all")]).to_pydict()
                assert dict(zip(counts["key_type"], counts["count_all"], strict=True)) == {"domain": 256, "name": 256}


def test_an_attacker_with_all_files_and_the_whole_list_as_a_dictionary_identifies_nobody(played):
    """Whoever has a side's files, the pair's secret and a dictionary tries all tokens, and all hashes to the group."""
    folder, _, _ = played
    one = (1).to_bytes(32, "little")
    for side, accounts in (("north", OURS), ("south", THEIRS)):
        outbox = folder / side / "outbox" / psi_sides.SIDES[side]
        found = {
            value
            for path in outbox.glob("*.parquet")
            for column in pq.read_table(path).columns
            for value in column.to_pylist()
        }
        guesses = set()
        for kind in ("domain", "name", "lei", "duns"):
            words = [bytes.fromhex(psi_sides.token(v)) for a in accounts for v in a["keys"].get(kind, ())]
            made = psi.ristretto.blind(words, psi.Scope("pact", "1", kind).tag, one)
            guesses |= {made[place : place + 32].hex() for place in range(0, len(made), 32)} | {
                word.hex() for word in words
            }
        assert guesses and not guesses & found


def test_secrets_and_scalars_are_in_no_file(played):
    folder, _, _ = played
    hidden = {bytes.fromhex(secret) for secret in (psi_sides.PAIR_SECRET, *psi_sides.MASTERS.values())}
    for side in psi_sides.SIDES:
        run = run_of(folder, side)
        master = bytes.fromhex(psi_sides.MASTERS[side])
        hidden |= {psi.scalar_of(master, run.scope(kind), bytes.fromhex(run.facts["nonce"])) for kind in run.ours}
    assert len(hidden) > 8
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert not any(secret in data or secret.hex().encode() in data.lower() for secret in hidden), path
            if path.suffix == ".parquet":
                told = b"".join(
                    value if isinstance(value, bytes) else str(value).encode()
                    for column in pq.read_table(path).columns for value in column.to_pylist()
                )  # fmt: skip
                assert not any(secret in told or secret.hex().encode() in told for secret in hidden), path


def test_a_run_is_one_list_a_changed_one_needs_a_new_epoch(played, tmp_path, capsys):
    folder = tmp_path / "again"
    shutil.copytree(played[0], folder)
    sides = {side: psi_sides.Project(folder, side) for side in psi_sides.SIDES}
    before = {side: run_of(folder, side).facts for side in sides}
    psi_sides.set_list(
        sides["north"], psi_sides.rows_of("north", [*OURS, {"id": "8", "keys": {"domain": ["new.com"]}}])
    )
    with psi_sides.quickly():
        turn(folder, sides)
    assert {side: run_of(folder, side).facts for side in sides} == before
    for side in sides.values():
        psi_sides.set_settings(side, epoch="2")
    with psi_sides.quickly():
        turn(folder, sides)
        turn(folder, sides)
    party = protocol.Party("", "pact", "2", "", (), protocol.Normaliser("", (), ""))
    new = psi_run.open_run(folder / "north/exchange_state/south", party)
    assert new.facts["nonce"] != before["north"]["nonce"]
    # the lists of the first epoch are not kept: it cannot be gone on with
    for side in sides.values():
        psi_sides.set_settings(side, epoch="1")
    capsys.readouterr()
    (sides["north"].folder / "outbox/south/manifest.json").unlink()
    warehouse = sides["north"].warehouse
    warehouse["accepted"][0]["epoch"] = "1"
    sides["north"].store(**warehouse)
    assert psi_sides.exchange(sides["north"], "publish") == 3
    assert "epoch_over" in capsys.readouterr().err


def test_under_counts_alone_both_learn_a_number_per_key_type_and_nothing_more(tmp_path, capsys):
    sides = make(tmp_path / "count", level="counts")
    with psi_sides.quickly():
        for _ in range(5):
            turn(tmp_path / "count", sides)
    said = capsys.readouterr().out
    assert "mode count, matched: 4 domain, 2 name" in said
    for side, project in sides.items():
        assert sorted(kinds(tmp_path / "count", side)) == ["answers", "commitments", "points"]
        assert project.warehouse["keys"] == []
        run = run_of(tmp_path / "count", side)
        assert run.numbers["numbers"] == {"domain": 4, "name": 2} and not run.has(psi_run.MATCHED)
        outbox = tmp_path / "count" / side / "outbox" / psi_sides.SIDES[side]
        answers = pq.read_table(next(outbox.glob("answers-*")))
        for part in psi_run.by_type(answers).values():
            values = part.column("answer").to_pylist()
            assert values == sorted(values)


def test_where_nothing_is_agreed_nothing_is_begun(tmp_path, capsys):
    sides = make(tmp_path / "none", level="hidden")
    for _ in range(2):
        turn(tmp_path / "none", sides)
    assert "nothing is compared" in capsys.readouterr().out
    assert not (tmp_path / "none/north/exchange_state/south/psi").exists()


@pytest.mark.parametrize(
    ("settings", "code"),
    [({"most_points": 2_048}, "other_cap"), ({"exchange": "keys"}, "other_exchange"), ({"epoch": "2"}, "other_epoch"),
     ({"agreement_id": "other"}, "other_agreement")],
)  # fmt: skip
def test_sides_that_did_not_agree_are_told_so(tmp_path, capsys, settings, code):
    folder = tmp_path / "sides"
    sides = make(folder)
    turn(folder, sides)
    assert psi_sides.exchange(sides["south"], "publish") == 0
    psi_sides.send(folder, "south")
    psi_sides.set_settings(sides["north"], **settings)
    capsys.readouterr()
    assert psi_sides.exchange(sides["north"], "receive") == 3
    assert f"Refused ({code})" in capsys.readouterr().err


def test_too_large_a_list_is_never_begun(tmp_path, capsys):
    folder = tmp_path / "sides"
    sides = make(folder, most_points=255)
    turn(folder, sides)
    assert psi_sides.exchange(sides["north"], "publish") == 3
    assert "list_too_large" in capsys.readouterr().err
    assert not (folder / "north/exchange_state/south/psi").exists()


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "is not set"), ("zz", "not hexadecimal"), ("ab" * 8, "at least 32"), ("ab" * 32, "can be guessed"),
     (psi_sides.PAIR_SECRET, "share with this partner")],
)  # fmt: skip
def test_a_master_secret_that_protects_nothing_is_refused(monkeypatch, value, words):
    monkeypatch.setenv(psi_run.MASTER, value) if value else monkeypatch.delenv(psi_run.MASTER, raising=False)
    with pytest.raises(ValueError, match=words) as caught:
        psi_run.read_master(bytes.fromhex(psi_sides.PAIR_SECRET))
    assert value is None or value not in str(caught.value)


# ---------------------------------------------------------------- a partner that does not keep to it


def good(folder: Path) -> dict[str, dict[str, pa.Table]]:
    """What each side's rounds are, as tables."""
    return {
        side: {
            path.name.split("-")[0]: pq.read_table(path)
            for path in (folder / side / "outbox" / partner).glob("*.parquet")
        }
        for side, partner in psi_sides.SIDES.items()
    }


def given(folder: Path, staging: Path, tables: dict[str, pa.Table], until: str = "matches", mode: str = "reveal",
          fresh: bool = False) -> psi_run.Came:  # fmt: skip
    """North's answer to rounds of the south up to `until`, beyond the gates. fresh: before anything had come."""
    staging.mkdir(exist_ok=True)
    paths = {}
    for kind in protocol.PSI_KINDS[: protocol.PSI_KINDS.index(until) + 1]:
        paths[kind] = staging / f"{kind}.parquet"
        pq.write_table(tables[kind], paths[kind])
    run = run_of(folder, "north")
    if fresh:
        place = staging / "state"
        if not place.exists():
            with files.open_folder(place, create=True):
                shutil.copytree(run.folder / psi_run.OURS, place / psi_run.OURS)
        run = psi_run.Run(place, run.us, run.facts, None, None)
    master = bytes.fromhex(psi_sides.MASTERS["north"])
    return psi_run.incoming(run, paths, staging, mode, 4_096, master, "3")


def changed(table: pa.Table, column: str, row: int, value: str | None) -> pa.Table:
    values = table.column(column).to_pylist()
    values[row] = value
    return table.set_column(table.column_names.index(column), column, pa.array(values, pa.string()))


def refused(call, *arguments, **options) -> str:
    with pytest.raises(protocol.Refused) as caught:
        call(*arguments, **options)
    assert str(caught.value).endswith(".")
    return caught.value.code


def test_what_is_as_it_should_be_is_taken_again_and_gives_the_same(played, tmp_path):
    folder, sides, _ = played
    came = given(folder, tmp_path, good(folder)["south"])
    assert came.kept == {}
    assert came.keys.to_pylist() == sides["north"].warehouse["keys"]
    first = given(folder, tmp_path / "fresh", good(folder)["south"], fresh=True)
    assert set(first.kept) == {psi_run.THEIRS, psi_run.ANSWERS, psi_run.MATCHED, psi_run.NUMBERS}


def test_rounds_that_contradict_what_came_before_are_refused(played, tmp_path):
    folder, _, _ = played
    tables = good(folder)["south"]

    def code(kind: str, table: pa.Table, until: str | None = None, **options) -> str:
        return refused(given, folder, tmp_path, tables | {kind: table}, until or kind, **options)

    commitments, points, answers, matches = (tables[kind] for kind in protocol.PSI_KINDS)
    assert code("commitments", changed(commitments, "commitment", 0, "0" * 64)) == "second_run"
    assert code("commitments", commitments.slice(1)) == "second_run"
    assert code("commitments", changed(commitments, "points", 0, "300")) == "points_band"
    assert code("commitments", changed(commitments, "points", 0, "8192")) == "list_too_large"
    assert code("commitments", changed(commitments, "mode", 0, "count")) == "other_mode"
    assert code("commitments", commitments, mode="count") == "other_mode"
    assert code("points", changed(points, "point", 3, "00" * 32)) in ("other_points", "points_not_sorted")
    assert code("points", points.slice(1)) == "points_count"
    assert code("points", points.slice(0, 256)) == "other_key_types"
    assert code("points", good(folder)["north"]["points"]) == "reflected_points"
    assert code("answers", answers.slice(1)) == "answers_count"
    assert code("answers", changed(answers, "answered", 0, "0" * 64)) == "other_question"
    assert code("answers", changed(answers, "answer", 0, answers.column("answer")[1].as_py())) == "duplicated_answers"
    assert code("answers", changed(answers, "answer", 0, "0" * 32)) == "second_answers"
    assert code("answers", answers.slice(0, 256)) == "other_key_types"
    assert code("matches", changed(matches, "point", 1, "0" * 64)) == "unmatched_points"
    foreign = pa.concat_tables([matches, changed(matches.slice(0, 1), "key_type", 0, "account")])
    assert code("matches", foreign) == "unmatched_accounts"


def test_a_partner_that_claims_all_our_points_is_caught_by_the_padding(played, tmp_path):
    """It knows what we sent of its own points, and may say that ours are those."""
    folder, _, _ = played
    tables = good(folder)["south"]
    known = psi_run.by_type(good(folder)["north"]["answers"])
    claimed = pa.concat_tables(
        [part.set_column(
            part.column_names.index("answer"), "answer", known[key_type].column("answer"))
         for key_type, part in psi_run.by_type(tables["answers"]).items()]
    )  # fmt: skip
    assert refused(given, folder, tmp_path, tables | {"answers": claimed}, "answers", fresh=True) == "padding_matched"


def test_a_round_without_the_one_before_is_refused(played, tmp_path):
    folder, _, _ = played
    tables = good(folder)["south"]
    for kind in protocol.PSI_KINDS[1:]:
        path = tmp_path / f"{kind}.parquet"
        pq.write_table(tables[kind], path)
        run = run_of(folder, "north")
        assert refused(psi_run.incoming, run, {kind: path}, tmp_path, "reveal", 4_096, b"", "3") == "round_missing"
    bare = psi_run.Run(tmp_path / "bare", run_of(folder, "north").us, None, None, None)
    paths = {kind: tmp_path / f"{kind}.parquet" for kind in ("commitments", "points")}
    pq.write_table(tables["commitments"], paths["commitments"])
    assert refused(psi_run.incoming, bare, paths, tmp_path, "reveal", 4_096, b"", "3") == "round_too_early"


def test_points_take_32_bytes_and_answers_16_beside_the_file_itself(tmp_path):
    draw = random.Random(1)
    rows = 20_000
    for kind, width in (("points", 32), ("answers", 16)):
        column = "point" if kind == "points" else "answer"
        digits = sorted(draw.randbytes(width).hex() for _ in range(rows))
        values = {"agreement_id": "pact", "epoch": "1", "key_type": "domain", "answered": "0" * 64}
        table = pa.table({name: digits if name == column else [values[name]] * rows for name in protocol.COLUMNS[kind]})
        pq.write_table(table, tmp_path / "raw.parquet")
        entry = protocol.FileEntry("", kind, rows, "")
        permitted = protocol.Allowed(frozenset(), frozenset(), frozenset(), {})
        rules = gates.expectations(kind, "pact", "1", "3", permitted, True)
        gates.sift(
            tmp_path / "raw.parquet", tmp_path / "out.parquet", entry, gates.Gate(rules), permitted, outgoing=True
        )
        assert (tmp_path / "out.parquet").stat().st_size / rows < width * 1.06


def test_hostile_deliveries_of_all_rounds_are_refused_or_change_nothing(tmp_path):
    """A few of what `python -m benchmarks.psi_soak` makes by the thousand."""
    told = psi_soak.deliver_hostile(tmp_path, 60, random.Random(7), is_quick=True)
    assert sum(told.values()) == 60
    assert len([outcome for outcome in told if outcome.startswith("refused")]) > 8


def test_a_delivery_by_which_the_reader_dies_is_refused_by_the_command_as_it_is(tmp_path, monkeypatch):
    exchange, plain = psi_sides.exchange, psi_sides.PlainRules

    def dies_in_our_process(project, name, *options):
        if name == "receive" and gates.Gate is plain and os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return exchange(project, name, *options)

    here = os.getpid()
    monkeypatch.setattr(psi_sides, "exchange", dies_in_our_process)
    told = psi_soak.deliver_hostile(tmp_path, 4, random.Random(7), is_quick=True)
    refused = {outcome for outcome in told if outcome.startswith("refused")}
    assert sum(told.values()) == 4 and refused and all(outcome.endswith(", the reader died") for outcome in refused)


def test_a_command_that_is_killed_is_gone_on_with(tmp_path):
    told = psi_soak.kill_at_random(tmp_path, 2, random.Random(3))
    assert told["killed"] == 2 and told["games"] == 1


@pytest.mark.parametrize("kind", protocol.COLUMNS)
@pytest.mark.parametrize("outgoing", [True, False])
def test_every_kind_of_file_has_a_gate_for_each_of_its_columns(kind, outgoing):
    permitted = protocol.Allowed(frozenset(), frozenset(), frozenset(), {})
    rules = gates.expectations(kind, "pact", "1", "3", permitted, outgoing)
    looked_at = {getattr(rule, "column", None) for rule in rules}
    assert set(protocol.COLUMNS[kind]) <= looked_at
