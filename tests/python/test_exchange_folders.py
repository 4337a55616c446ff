"""A hostile channel: what lies in an inbox, what is printed of it, commands at once, and folders that lead elsewhere.

No dbt runs here. Where a command needs a warehouse, the package's own macros run on a DuckDB file (benchmarks).
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import re
import shutil
import socket
import stat
import subprocess
import sys
import threading
import time
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from harness import PACKAGE
from test_exchange_refusals import (
    SECRET,
    THEM,
    Delivery,
    delivery,  # noqa: F401, a fixture
    keys_file,
    room,  # noqa: F401, a fixture
)

from benchmarks import exchange_soak
from exchange import command as exchange
from exchange import dbt_project, files, gates, locks, protocol
from exchange.dbt_project import DbtError, DbtProject
from exchange.text import printable, printable_lines
from report import page as report_page

ESCAPES = "\x1b[2J\x1b]0;owned\x07 \u202egnp.exe \u2066x\u2069 \x9b31m a\nb\rc\td \u200b \ud800 \u2028"
CODE = re.compile(r"\b(?:[0-9A-HJKMNP-TV-Z]{4}-){5}[0-9A-HJKMNP-TV-Z]{4}\b")


# ---------------------------------------------------------------- the code of a delivery


def codes(told: str) -> list[str]:
    """The codes of a room, by what stands behind the word: the last one is the partner's."""
    return re.findall(r"code ([0-9A-Za-z-]+)", told)


def test_a_thief_who_keeps_the_mac_gives_another_code(room):  # noqa: F811
    """Files and expiry are the thief's, the authentication code is the partner's: a room cannot check it."""
    work, us = room
    honest = codes(exchange.accept_pair(work, us)[0])
    assert all(CODE.fullmatch(code) for code in honest)
    manifest = json.loads((work.inbox / "manifest.json").read_bytes())
    thief = Delivery(work.project / "thief")
    thief.tables["keys"] = thief.tables["keys"].slice(0, 4)
    stolen = thief.deliver()
    shutil.copy(keys_file(thief), work.inbox)
    forged = manifest | {"files": stolen["files"], "expires_on": "2036-01-01"}
    assert forged["mac"] == manifest["mac"]
    (work.inbox / "manifest.json").write_bytes(protocol.canonical_json(forged))
    exchange.clear_staging(work)
    told = codes(exchange.accept_pair(work, us)[0])
    assert told[0] == honest[0]
    assert told[1] != honest[1]


def test_every_command_tells_the_same_code_and_none_tells_the_mac(simulated, capsys):
    exchange_soak.deliver(simulated, "south", party(simulated), 2, 70)
    sent = protocol.parse_manifest((simulated / "inbox/south/manifest.json").read_bytes())
    assert run(simulated, "receive", "south") == 0
    received = capsys.readouterr().out
    assert CODE.findall(received) == [protocol.delivery_code(sent)]
    assert run(simulated, "publish", "south") == 0
    published = capsys.readouterr().out
    ours = protocol.parse_manifest((simulated / "outbox/south/manifest.json").read_bytes())
    assert CODE.findall(published) == [protocol.delivery_code(ours)]
    assert run(simulated, "status", "south") == 0
    status = capsys.readouterr().out
    assert CODE.findall(status) == [protocol.delivery_code(ours), protocol.delivery_code(sent)]
    pages = "".join(path.read_text() for path in (simulated / "exchange_state/south").glob("*.html"))
    assert protocol.delivery_code(sent) in pages
    for mac in (sent["mac"], ours["mac"]):
        assert mac[:16] not in received + published + status + pages


def test_any_changed_part_of_a_manifest_changes_its_code():
    entry = protocol.FileEntry(f"keys-{'a' * 12}.parquet", "keys", 3, "a" * 64, {"domain": 3})
    manifest = protocol.make_manifest(SECRET, THEM, [entry], None, 1)
    changed = [manifest]
    for name, value in manifest.items():
        other = {str: f"{value}x", int: 7, dict: {"raw": "x"}, list: [], type(None): "x"}[type(value)]
        changed.append(manifest | {name: other})
    for name, value in {"name": "x", "kind": "x", "rows": 4, "sha256": "b" * 64, "rows_per_key_type": {}}.items():
        changed.append(manifest | {"files": [manifest["files"][0] | {name: value}]})
    told = [protocol.delivery_code(each) for each in changed]
    assert len(set(told)) == len(manifest) + 6
    assert all(CODE.fullmatch(code) for code in told)


def test_a_code_is_the_beginning_of_a_hash_in_crockfords_base_32():
    made = hashlib.sha256(b'account-mapping/v1 delivery code\x00{"a":1}').digest()
    bits = "".join(f"{byte:08b}" for byte in made)[:120]
    spelt = "".join("0123456789ABCDEFGHJKMNPQRSTVWXYZ"[int(bits[i : i + 5], 2)] for i in range(0, 120, 5))
    assert protocol.delivery_code({"a": 1}).replace("-", "") == spelt


# ---------------------------------------------------------------- foreign text


def is_harmless(text: str, breaks: str = "") -> bool:
    return all(sign in breaks or unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
               for sign in text)  # fmt: skip


def test_no_character_that_steers_or_hides_is_printable():
    signs = [chr(number) for number in range(0x110000)]
    shown = [printable(sign) for sign in signs]
    assert is_harmless("".join(shown))
    # what stays is seen, and what is replaced is told by its number
    changed = [(sign, text) for sign, text in zip(signs, shown, strict=True) if sign != text]
    assert all(int(text[2:], 16) == ord(sign) for sign, text in changed)
    for kept in ("Société Générale", "Канарейка ООО", "カナリア株式会社", "🦆", "a b", "العربية", "हिन्दी", "é"):
        assert printable(kept) == kept
    for hidden in "\u115f\u3164\u2800\ufe0f\u034f\u00a0":
        assert printable(hidden) != hidden


def test_long_and_piled_up_text_is_cut():
    assert printable("x" * 10**6) == "x" * 200 + "... (1,000,000 characters)"
    assert printable("a" + "\u0301" * 50).count("\u0301") == 0
    assert printable_lines("one\ntwo\tthree") == "one\ntwo    three"
    assert len(printable_lines("x" * 10**6)) < 2_100


class Failing:
    """A project in which dbt fails, and quotes a row."""

    def run(self, *_: str) -> None:
        raise DbtError(f"a row: {ESCAPES}")


def test_what_dbt_says_of_rows_reaches_the_terminal_harmless(simulated, capsys):
    arguments = ["status", "south", "--project-dir", str(simulated)]
    assert exchange.main(arguments, Failing()) == 1
    told = capsys.readouterr().err
    assert "a row: \\u001b[2J" in told
    assert is_harmless(told, "\n")


def test_lines_of_dbt_are_harmless_for_every_caller(tmp_path, monkeypatch):
    """The demo shows them as they come; the exchange command tells those of errors."""
    from dbt.cli import main as dbt_main

    when = SimpleNamespace(ToDatetime=lambda: __import__("datetime").datetime(2026, 11, 15))
    event = SimpleNamespace(info=SimpleNamespace(level="error", ts=when, msg=ESCAPES.replace("\ud800", "")))

    class Runner:
        def __init__(self, manifest: object, callbacks: list[Callable]) -> None:
            self.hear = callbacks[0]

        def invoke(self, arguments: list[str]) -> SimpleNamespace:
            self.hear(event)
            return SimpleNamespace(exception=None, success=False, result=None)

    monkeypatch.setattr(dbt_main, "dbtRunner", Runner)
    lines: list[str] = []
    with pytest.raises(DbtError) as caught:
        DbtProject(tmp_path).run("deps")
    with pytest.raises(DbtError):
        DbtProject(tmp_path).run("deps", tell=lines.append)
    assert "\\u001b[2J" in str(caught.value) and "\\u202e" in lines[0]
    assert is_harmless(str(caught.value), "\n") and is_harmless("".join(lines))
    assert dbt_project.printable_lines is printable_lines


def test_pages_show_foreign_text_harmless():
    checks = gates.Checks(f"What came from {ESCAPES}")
    checks.passed(ESCAPES, ESCAPES)
    page = checks.page(ESCAPES)
    assert is_harmless(page, "\n") and "\\u202e" in page
    shown = report_page.shown({"plays": [{"partner": ESCAPES, "score": 1.5, "owner": None}], "behind": (ESCAPES,)})
    assert shown["plays"][0] == {"partner": printable(ESCAPES), "score": 1.5, "owner": None}
    assert is_harmless(shown["behind"][0])


def test_a_terminal_of_few_characters_gets_what_it_can_show(monkeypatch):
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    exchange.tell("Société \u202e")
    assert out.buffer.getvalue() == b"Soci\\xe9t\\xe9 \\u202e\n"


@pytest.mark.parametrize("field", ["sender", "key_id", "mac", "golden_vectors", "partner_statement_hash", "epoch",
                                   "public_suffix_list", "protocol", "normaliser_version"])  # fmt: skip
@pytest.mark.parametrize("side", ["receive", "room"])
def test_no_field_of_a_manifest_reaches_a_reader_raw(delivery, room, field, side, capsys):  # noqa: F811
    """Signed as it should be, or, in a room, not at all."""
    text = ESCAPES.replace("\ud800", "")
    if side == "receive":
        delivery.deliver()
        work = delivery.work
    else:
        work, us = room
    path = work.inbox / "manifest.json"
    manifest = json.loads(path.read_bytes()) | {field: text}
    if field != "mac":
        manifest |= {"mac": protocol.authentication_code(SECRET, manifest)}
    path.write_bytes(protocol.canonical_json(manifest))
    try:
        told = exchange.accept(work, delivery.now)[0] if side == "receive" else exchange.accept_pair(work, us)[0]
    except protocol.Refused as refused:
        told = str(refused)
    exchange.tell(told)
    shown = capsys.readouterr().out
    written = [path.read_text() for path in work.state.rglob("*") if path.name in ("checks.html", "reason.txt")]
    assert written
    assert all(is_harmless(each, "\n") for each in (shown, told, *written))


# ---------------------------------------------------------------- one at a time


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A project whose macros run without dbt, with a delivery of 50 keys of the partner that was received."""
    project = tmp_path_factory.mktemp("made") / "project"
    exchange_soak.make_simulated(project, 50)
    with pytest.MonkeyPatch.context() as patch:
        set_secrets(patch)
        exchange_soak.deliver(project, "south", party(project), 1, 50)
        assert run(project, "receive", "south") == 0
    return project


@pytest.fixture
def simulated(made, tmp_path, monkeypatch) -> Path:
    """A copy of it for one test."""
    set_secrets(monkeypatch)
    shutil.copytree(made, tmp_path / "project")
    return tmp_path / "project"


def set_secrets(patch: pytest.MonkeyPatch) -> None:
    for partner in exchange_soak.PARTNERS:
        patch.setenv(exchange_soak.variable_of(partner), exchange_soak.secret_of(partner).hex())


def run(project: Path, *words: str) -> int:
    arguments = [*words, "--project-dir", str(project)]
    if "--wait" not in words:
        arguments += ["--wait", "60"]
    return exchange.main(arguments, exchange_soak.MacroProject(project))


def party(project: Path) -> protocol.Party:
    work = exchange.Work("south", project, project / "o", project / "i", build=False)
    work = replace(work, parsed=exchange_soak.MacroProject(project))
    with exchange.own_staging(work):
        exchange.operation(work, "account_mapping__export_shared", kinds=[])
        return exchange.read_party(work)[0]


def test_status_beside_receive_empties_nothing(simulated, monkeypatch, capsys):
    """`status` starts when the delivery is checked and not loaded yet: the moment in which it took all files away."""
    exchange_soak.deliver(simulated, "south", party(simulated), 2, 70)
    load, codes_of_status = exchange_soak.MacroProject.run, []

    def loading(project: object, *arguments: str) -> None:
        if "load_shared" in str(arguments):
            codes_of_status.append(run(simulated, "status", "south", "--wait", "0"))
        load(project, *arguments)

    monkeypatch.setattr(exchange_soak.MacroProject, "run", loading)
    assert run(simulated, "receive", "south") == 0
    assert exchange_soak.stored(simulated, "south") == (2, 70, 2)
    assert codes_of_status == [1]
    assert re.search(
        rf"Partner `south` is in use by `receive south` \(process {os.getpid()}, since 20[^)]+\): run this again when",
        capsys.readouterr().err,
    )


def test_who_waits_goes_on_when_the_other_has_ended(simulated, capsys):
    work = exchange.Work("south", simulated, simulated / "o", simulated / "i", command="publish south")
    done: list[int] = []
    with exchange.alone(work):
        waiting = threading.Thread(target=lambda: done.append(run(simulated, "status", "south")))
        waiting.start()
        time.sleep(0.4)
        assert not done
        # another partner's command does not wait, but for the warehouse
        assert run(simulated, "forget", "east", "--wait", "0") == 0
        with exchange.warehouse(work):
            assert run(simulated, "status", "east", "--wait", "0") == 1
    waiting.join()
    assert done == [0]
    told = capsys.readouterr().err
    assert "Partner `south` is in use by `publish south`" in told and "waiting for at most 60 seconds" in told
    assert "The warehouse is in use by `publish south`" in told


@pytest.mark.parametrize("name", ["publish", "reveal", "receive", "room", "status", "forget"])
def test_every_command_takes_the_lock_of_its_partner(simulated, name, capsys):
    work = exchange.Work("south", simulated, simulated / "o", simulated / "i")
    with exchange.alone(work):
        assert run(simulated, name, "south", "--wait", "0") == 1
    assert "is in use by `exchange`" in capsys.readouterr().err
    assert exchange_soak.stored(simulated, "south") == (1, 50, 2)


def test_a_lock_file_that_was_removed_meanwhile_locks_nobody_out(tmp_path):
    """`forget` removes it: who waited for it holds a file without a name, and must not be alone with another."""
    path, order = tmp_path / "locks/partner.lock", []

    def next_one() -> None:
        with locks.held(path, "second", "It", 5, order.append):
            order.append("second")
            assert path.exists()

    with locks.held(path, "first", "It", 0, order.append, forget=True):
        thread = threading.Thread(target=next_one)
        thread.start()
        time.sleep(0.3)
    thread.join()
    assert order[-1] == "second"
    with locks.held(path, "third", "It", 0, order.append), pytest.raises(locks.Busy, match="`third`"):
        locks.held(path, "fourth", "It", 0, order.append).__enter__()


@pytest.mark.parametrize("what", ["link", "pipe"])
def test_a_lock_that_is_no_file_is_told_in_a_sentence(simulated, tmp_path, what, capsys):
    lock = simulated / "exchange_state/.locks/partner-south.lock"
    lock.unlink()
    target = tmp_path / "elsewhere"
    lock.symlink_to(target) if what == "link" else os.mkfifo(lock)
    assert run(simulated, "status", "south") == 1
    assert "Traceback" not in capsys.readouterr().err
    assert not target.exists()


def test_staging_of_dead_processes_goes_and_of_living_ones_stays(simulated):
    below = simulated / "target/account_mapping_exchange/south"
    (below / "99-dead/deeper").mkdir(parents=True)
    (below / "99-dead/keys.parquet").write_text("left")
    (below / "keys.parquet").write_text("left by a former version")
    (below / "98-living").mkdir()
    with files.open_folder(below / "98-living") as living:
        assert living.lock(locks.try_lock)
        assert run(simulated, "status", "south") == 0
        assert [path.name for path in below.iterdir()] == ["98-living"]
    assert run(simulated, "status", "south") == 0
    assert list(below.iterdir()) == []


@pytest.mark.parametrize("spoil", ["changed", "emptied", "gone"])
def test_what_changes_between_check_and_load_is_not_loaded(simulated, monkeypatch, spoil, capsys):
    exchange_soak.deliver(simulated, "south", party(simulated), 2, 70)
    accept = exchange.accept

    def accepted(work: exchange.Work, now: exchange.Situation) -> tuple:
        result = accept(work, now)
        path = work.staging / "keys.parquet"
        if spoil == "gone":
            path.unlink()
        else:
            path.write_bytes(b"" if spoil == "emptied" else path.read_bytes() + b"x")
        return result

    monkeypatch.setattr(exchange, "accept", accepted)
    assert run(simulated, "receive", "south") == 1
    assert "Traceback" not in capsys.readouterr().err
    assert exchange_soak.stored(simulated, "south") == (1, 50, 2)


def test_a_load_without_its_rows_is_rolled_back(simulated, monkeypatch, capsys):
    """The macro itself counts, whatever the command believes that it has checked."""
    exchange_soak.deliver(simulated, "south", party(simulated), 2, 70)
    load = exchange.load

    def more(work: exchange.Work, macro: str, checked: list[exchange.Checked]) -> None:
        load(work, macro, [replace(checked[0], rows=71), *checked[1:]])

    monkeypatch.setattr(exchange, "load", more)
    assert run(simulated, "receive", "south") == 1
    assert "partner_keys did not get the 71 rows that were checked" in capsys.readouterr().err
    assert exchange_soak.stored(simulated, "south") == (1, 50, 2)


def test_commands_at_once_and_killed_ones_lose_nothing(tmp_path):
    """A few rounds of `python -m benchmarks.exchange_soak`, in a process of its own, which forks."""
    soak = [sys.executable, "-m", "benchmarks.exchange_soak", "--rounds", "5", "--kills", "3", "--real", "0"]
    done = subprocess.run(
        [*soak, "--no-gates", "--seed", str(random.randrange(10**6)), "--folder", str(tmp_path / "soak")],
        cwd=PACKAGE,
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout, done.stderr)
    assert done.returncode == 0
    assert done.stdout.count("nothing lost") == 2


# ---------------------------------------------------------------- no foreign paths


def as_pipe(path: Path, _: Path) -> None:
    os.mkfifo(path)


def as_folder(path: Path, _: Path) -> None:
    path.mkdir()
    (path / "deeper").write_text("x")


def as_socket(path: Path, _: Path) -> None:
    here = Path.cwd()
    # the path of a socket is short
    os.chdir(path.parent)
    socket.socket(socket.AF_UNIX).bind(path.name)
    os.chdir(here)


def as_link(path: Path, kept: Path) -> None:
    path.symlink_to(kept)


def as_broken_link(path: Path, _: Path) -> None:
    path.symlink_to("nowhere")


def as_device(path: Path, _: Path) -> None:
    path.symlink_to("/dev/zero")


KINDS = {"pipe": as_pipe, "folder": as_folder, "socket": as_socket, "link": as_link, "broken link": as_broken_link,
         "link to a device": as_device}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("which", ["manifest", "keys"])
def test_what_is_no_file_is_refused_without_waiting_and_goes_to_quarantine(delivery, tmp_path, kind, which):  # noqa: F811
    delivery.deliver()
    path = delivery.work.inbox / "manifest.json" if which == "manifest" else keys_file(delivery)
    kept = path.rename(tmp_path / "kept")
    before = kept.read_bytes()
    KINDS[kind](path, kept)
    code, sentence = delivery.refused()
    print(sentence)
    assert code == "no_plain_file"
    assert sentence.endswith((f"is a {kind}.", "is a link."))
    assert kept.read_bytes() == before


@pytest.mark.parametrize("which", ["inbox", "outbox", "exchange_state"])
@pytest.mark.parametrize("what", ["link", "file", "pipe"])
def test_a_partners_folder_that_is_none_is_told_in_a_sentence(simulated, tmp_path, which, what, capsys):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "manifest.json").write_text("theirs")
    folder = simulated / which / "south"
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(exist_ok=True)
    {"link": lambda: folder.symlink_to(outside), "file": folder.touch, "pipe": lambda: os.mkfifo(folder)}[what]()
    for name in ("publish", "receive", "status"):
        assert run(simulated, name, "south") in (0, 1)
        told = capsys.readouterr()
        assert "does not know" not in told.err
        assert not re.search("Traceback", told.err + told.out)
    assert [path.name for path in outside.iterdir()] == ["manifest.json"]
    assert (outside / "manifest.json").read_text() == "theirs"


def test_a_link_in_the_outbox_is_replaced_and_never_written_through(simulated, tmp_path):
    assert run(simulated, "publish", "south") == 0
    outbox = simulated / "outbox/south"
    keys = next(outbox.glob("keys-*"))
    kept = tmp_path / "kept"
    kept.write_text("mine")
    for name in (keys.name, ".unfinished-manifest.json", f".unfinished-{keys.name}"):
        (outbox / name).unlink(missing_ok=True)
        (outbox / name).symlink_to(kept)
    assert run(simulated, "publish", "south") == 0
    assert kept.read_text() == "mine"
    assert sorted(path.name for path in outbox.iterdir()) == sorted(["manifest.json", keys.name])
    assert not any(path.is_symlink() for path in outbox.iterdir())


def test_a_file_is_opened_once_and_what_was_read_is_what_is_checked(delivery, monkeypatch):  # noqa: F811
    """It is swapped for another between its copy and its check, in every way that its name allows."""
    delivery.deliver()
    take, opened = files.Folder.take, []

    def swapped(folder: files.Folder, name: str, target: Path, limit: int) -> str | None:
        found = take(folder, name, target, limit)
        opened.append(name)
        (folder.path / name).write_bytes(b"PAR1 another")
        return found

    monkeypatch.setattr(files.Folder, "take", swapped)
    _, checked = exchange.accept(delivery.work, delivery.now)
    assert len(opened) == 1
    assert checked[0].rows == 5


def test_a_file_that_grows_while_it_is_read_is_cut_off_at_its_limit(tmp_path, monkeypatch):
    """By a partner that appends for as long as we read."""
    (tmp_path / "file").write_bytes(bytes(100))
    monkeypatch.setattr(files, "BLOCK", 64)
    fdopen, size = os.fdopen, []

    class Growing:
        def __init__(self, file: io.BufferedReader) -> None:
            self.file = file

        def __enter__(self) -> Growing:
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def read(self, size_of_block: int) -> bytes:
            with (tmp_path / "file").open("ab") as more:
                more.write(bytes(1000))
            size.append(size_of_block)
            return self.file.read(size_of_block)

    monkeypatch.setattr(os, "fdopen", lambda h, mode: Growing(fdopen(h, mode)) if mode == "rb" else fdopen(h, mode))
    with files.open_folder(tmp_path) as folder, pytest.raises(files.TooLarge):
        folder.take("file", tmp_path / "copy", 1000)
    assert len(size) < 20
    assert (tmp_path / "copy").stat().st_size <= 1000


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_folders_and_files_are_ours_alone_from_the_start(simulated, umask):
    shutil.rmtree(simulated / "exchange_state")
    (simulated / "outbox/south").mkdir(parents=True)
    (simulated / "outbox/south").chmod(0o777)
    (simulated / "inbox/south").chmod(0o755)
    exchange_soak.deliver(simulated, "south", party(simulated), 2, 70)
    before = os.umask(umask)
    try:
        assert run(simulated, "receive", "south") == 0
        assert run(simulated, "publish", "south") == 0
        for path in (simulated / "outbox/south").glob("keys-*"):
            path.chmod(0o644)
        exchange_soak.deliver(simulated, "south", party(simulated), 1, 60)
        assert run(simulated, "receive", "south") == 3
        assert run(simulated, "publish", "south") == 0
    finally:
        os.umask(before)
    modes = {
        path.relative_to(simulated): stat.S_IMODE(path.lstat().st_mode)
        for folder in ("outbox/south", "exchange_state", "inbox/south")
        for path in (simulated / folder, *(simulated / folder).rglob("*"))
        # what was delivered keeps the mode that it came with, below a folder of ours
        if not {"inbox", "quarantine"} & set(path.relative_to(simulated).parts[:-1]) or path.is_dir()
    }
    assert len(modes) > 8
    assert {path: oct(mode) for path, mode in modes.items() if mode not in (0o700, 0o600)} == {}


def test_own_files_lie_outside_of_inbox_and_outbox(simulated):
    exchange_soak.deliver(simulated, "south", party(simulated), 1, 60)
    assert run(simulated, "receive", "south") == 3
    assert run(simulated, "publish", "south") == 0
    assert list((simulated / "inbox/south").iterdir()) == []
    assert sorted(re.sub("-.*", "", path.name) for path in (simulated / "outbox/south").iterdir()) == [
        "keys",
        "manifest.json",
    ]
    assert {path.name for path in (simulated / "exchange_state/south").iterdir()} == {
        "checks.html",
        "quarantine",
        "sent.html",
    }


@pytest.mark.parametrize("folder", ["inbox", "outbox", "inbox/south"])
def test_the_state_does_not_lie_where_a_partner_writes(simulated, folder, capsys):
    assert run(simulated, "status", "south", "--state", str(simulated / folder)) == 1
    assert "choose folders that do not lie in each other" in capsys.readouterr().err


# ---------------------------------------------------------------- quarantine


def fill(inbox: Path, number: int, size: int = 10) -> None:
    inbox.mkdir(exist_ok=True)
    (inbox / "manifest.json").write_text(str(number))
    (inbox / "keys").write_bytes(bytes(size))


def test_quarantine_is_bounded_in_number_and_says_what_went(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MOST_DELIVERIES", 3)
    inbox, state = tmp_path / "inbox", tmp_path / "state"
    for number in range(1, 6):
        fill(inbox, number)
        kept = files.quarantine(inbox, state, "a reason.", "page")
        assert (kept.place / "manifest.json").read_text() == str(number)
        assert bool(kept.notes) == (number > 3)
    assert kept.notes == ("Quarantine keeps 3 deliveries and 2,147,483,648 bytes at most: number 2 went.",)
    assert sorted(path.name for path in (state / "quarantine").iterdir()) == ["3", "4", "5"]


def test_quarantine_is_bounded_in_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MOST_BYTES", 3_000)
    inbox, state = tmp_path / "inbox", tmp_path / "state"
    for number in range(1, 5):
        fill(inbox, number, 1_200)
        kept = files.quarantine(inbox, state, "a reason.", "page")
    assert sorted(path.name for path in (state / "quarantine").iterdir()) == ["3", "4"]
    fill(inbox, 9, 50_000)
    kept = files.quarantine(inbox, state, "a reason.", "page")
    assert sorted(path.name for path in kept.place.iterdir()) == ["checks.html", "manifest.json", "reason.txt"]
    assert "keys of number 5 went" in kept.notes[0]


ODD_NAMES = [b"a\nb", b"\xff\xfe", b"\x1b[31m", "\u202etxt.exe".encode(), b" ", b"-rf", b"x" * 255, b".hidden",
             b"delivered-1", b"reason.txt", b"checks.html", b"quarantine"]  # fmt: skip


def test_odd_names_become_plain_ones_in_quarantine(tmp_path):
    inbox, state = tmp_path / "inbox", tmp_path / "state"
    fill(inbox, 1)
    for name in ODD_NAMES:
        (Path(os.fsencode(inbox).decode("utf-8", "surrogateescape")) / os.fsdecode(name)).write_bytes(name)
    place = files.quarantine(inbox, state, "a reason.", "page").place
    assert list(inbox.iterdir()) == []
    found = [path for path in place.iterdir() if path.name not in ("manifest.json", "keys")]
    assert all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", path.name) for path in found)
    assert {path.read_bytes() for path in found} >= set(ODD_NAMES)
    reason = (place / "reason.txt").read_text()
    assert reason.startswith("a reason.\n") and is_harmless(reason, "\n")
    assert "was named a\\u000ab\n" in reason and "was named \\udcff\\udcfe\n" in reason


def test_a_delivery_with_odd_names_is_accepted_or_refused_in_one_sentence(simulated, capsys):
    for name in ODD_NAMES:
        (simulated / "inbox/south" / os.fsdecode(name)).write_bytes(b"x")
    assert run(simulated, "receive", "south") == 0
    exchange_soak.deliver(simulated, "south", replace(party(simulated), epoch="2027"), 2, 60)
    assert run(simulated, "receive", "south") == 3
    assert capsys.readouterr().err.count("\n") == 1
    assert list((simulated / "inbox/south").iterdir()) == []


@pytest.mark.parametrize("reason", ["EROFS", "EACCES", "EXDEV"])
def test_an_inbox_that_cannot_be_emptied_is_refused_all_the_same(simulated, monkeypatch, reason, capsys):
    """Read-only, another user's, or on another disk: from which what came is copied."""
    import errno

    exchange_soak.deliver(simulated, "south", replace(party(simulated), epoch="2027"), 2, 60)
    inbox = simulated / "inbox/south"
    before = {path.name: path.read_bytes() for path in inbox.iterdir()}
    move = files.Folder.move

    def failing(folder: files.Folder, name: str, target: files.Folder, new_name: str) -> None:
        if folder.path == inbox:
            raise OSError(getattr(errno, reason), os.strerror(getattr(errno, reason)))
        move(folder, name, target, new_name)

    monkeypatch.setattr(files.Folder, "move", failing)
    assert run(simulated, "receive", "south") == 3
    told = capsys.readouterr().err
    print(told)
    assert told.startswith("Refused (other_epoch): ") and told.count("\n") == 1
    place = simulated / "exchange_state/south/quarantine/1"
    assert (place / "reason.txt").exists()
    if reason == "EXDEV":
        assert list(inbox.iterdir()) == []
        assert {path.name: path.read_bytes() for path in place.iterdir() if path.name in before} == before
    else:
        assert "2 of what was delivered could not be moved" in told
        assert {path.name: path.read_bytes() for path in inbox.iterdir()} == before


def test_a_state_folder_that_cannot_be_written_does_not_hide_the_refusal(simulated, monkeypatch, capsys):
    exchange_soak.deliver(simulated, "south", replace(party(simulated), epoch="2027"), 2, 60)

    def failing(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "quarantine", failing)
    assert run(simulated, "receive", "south") == 3
    told = capsys.readouterr().err
    assert "Refused (other_epoch)" in told and "could not be written: [Errno 28] No space left on device" in told


# ---------------------------------------------------------------- forgetting


def test_forget_follows_no_link_and_says_what_it_left(simulated, tmp_path, capsys):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("mine")
    inbox = simulated / "inbox/south"
    (inbox / "to_a_folder").symlink_to(outside)
    (inbox / "to\na_file").symlink_to(outside / "precious")
    (inbox / "deep").mkdir()
    (inbox / "deep/link").symlink_to(outside)
    shutil.rmtree(simulated / "outbox", ignore_errors=True)
    (simulated / "outbox").mkdir()
    (simulated / "outbox/south").symlink_to(outside)
    shutil.rmtree(simulated / "exchange_state/south")
    (simulated / "exchange_state/south").symlink_to(outside)
    assert run(simulated, "forget", "south") == 0
    told = capsys.readouterr().out
    print(told)
    assert (outside / "precious").read_text() == "mine"
    assert f"what a link in {simulated}/outbox/south points at: south -> {outside}" in told
    assert not (simulated / "outbox/south").is_symlink()
    for link in (f"to_a_folder -> {outside}", f"to\\u000aa_file -> {outside}/precious", f"link -> {outside}"):
        assert link in told
    assert not inbox.exists() and not (simulated / "exchange_state/south").exists()
    assert not list((simulated / "exchange_state/.locks").glob("*south*"))
    assert exchange_soak.stored(simulated, "south") == (0, 0, 0)


def test_where_folders_have_no_handles_all_goes_by_paths(simulated, monkeypatch, capsys):
    """As on Windows: links are looked for before a file is opened."""
    monkeypatch.setattr(files, "HAS_HANDLES", False)
    exchange_soak.deliver(simulated, "south", party(simulated), 2, 70)
    assert run(simulated, "receive", "south") == 0
    assert exchange_soak.stored(simulated, "south") == (2, 70, 2)
    assert run(simulated, "publish", "south") == 0
    keys = next((simulated / "inbox/south").glob("keys-*"))
    keys.rename(simulated / "kept")
    keys.symlink_to(simulated / "kept")
    exchange_soak.deliver(simulated, "south", party(simulated), 3, 70)
    assert run(simulated, "receive", "south") == 3
    assert "is a link" in capsys.readouterr().err
    assert (simulated / "kept").exists()
    assert run(simulated, "forget", "south") == 0
    assert not any((simulated / name / "south").exists() for name in ("inbox", "outbox", "exchange_state"))


def test_folders_of_any_depth_are_removed(tmp_path):
    """Deeper than a path may be long, and than a function may call itself."""
    top = tmp_path / "inbox"
    top.mkdir()
    here = os.open(top, os.O_RDONLY)
    for _ in range(1_500):
        os.mkdir("deep", dir_fd=here)
        below = os.open("deep", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)
    removed = files.remove(top)
    assert (removed.files, removed.left, top.exists()) == (1, [], False)


def test_forget_begins_a_partner_anew_and_nothing_before_does(simulated, capsys):
    """What a partner calls itself is pinned by its first delivery, through epochs too."""
    them = party(simulated)

    def deliver(sender: str, sequence: int) -> None:
        exchange_soak.deliver(simulated, "south", them, sequence, 60)
        path = simulated / "inbox/south/manifest.json"
        manifest = json.loads(path.read_bytes()) | {"sender": sender}
        secret = exchange_soak.secret_of("south")
        manifest |= {"mac": protocol.authentication_code(secret, manifest)}
        path.write_bytes(protocol.canonical_json(manifest))

    deliver("other\u0301s", 2)
    assert run(simulated, "receive", "south") == 3
    told = capsys.readouterr().err
    assert "Refused (other_sender)" in told
    assert "'other\\u0301s'" in told and "'south'" in told
    deliver("south", 3)
    assert run(simulated, "receive", "south") == 0
    with exchange_soak.duckdb.connect(str(simulated / "warehouse.duckdb")) as connection:
        connection.execute("update stg_account_mapping__settings_partners set epoch = '2027'")
    them = replace(them, epoch="2027")
    deliver("other", 1)
    capsys.readouterr()
    assert run(simulated, "receive", "south") == 3
    assert "Refused (other_sender)" in capsys.readouterr().err
    assert run(simulated, "forget", "south") == 0


def test_a_room_pins_both_senders(room):  # noqa: F811
    work, us = room
    _, _, senders = exchange.accept_pair(work, us)
    files.write_whole(work.state / exchange.ROOM, protocol.canonical_json(senders))
    exchange.clear_staging(work)
    exchange.accept_pair(work, us)
    path = work.inbox / "manifest.json"
    path.write_bytes(protocol.canonical_json(json.loads(path.read_bytes()) | {"sender": "stranger"}))
    exchange.clear_staging(work)
    with pytest.raises(protocol.Refused, match=r"'stranger'.*'south'") as caught:
        exchange.accept_pair(work, us)
    assert caught.value.code == "other_sender"


# ---------------------------------------------------------------- every refusal is a refusal


@pytest.mark.parametrize("field", ["sender", "agreement_id", "epoch", "key_id", "mac", "normaliser_version",
                                   "public_suffix_list"])  # fmt: skip
def test_half_a_character_in_a_manifest_is_refused(delivery, field):  # noqa: F811
    delivery.deliver()
    path = delivery.work.inbox / "manifest.json"
    manifest = json.loads(path.read_bytes()) | {field: "\ud800"}
    path.write_bytes(json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode())
    code, sentence = delivery.refused()
    assert (code, "lone surrogate" in sentence) == ("broken_text", True)


@pytest.mark.parametrize("where", ["canaries", "statement", "files"])
def test_half_a_character_deeper_down_is_refused_too(delivery, where):  # noqa: F811
    delivery.deliver()
    path = delivery.work.inbox / "manifest.json"
    manifest = json.loads(path.read_bytes())
    part = manifest[where] if where == "canaries" else manifest[where][0]
    part["\udfff"] = "x"
    path.write_bytes(json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode())
    assert delivery.refused()[0] == "broken_text"


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "a\x00b", "a\nb", "\u202eabc", "a\u200bb", "a\u00a0b"])
def test_a_sender_that_cannot_be_read_is_refused_and_none_of_ours_leaves(
    delivery,  # noqa: F811
    simulated,
    name,
    capsys,
    monkeypatch,
):
    delivery.them = replace(THEM, company_id=name)
    delivery.deliver()
    code, sentence = delivery.refused()
    assert (code, "the name of its sender" in sentence) == ("malformed_manifest", True)
    monkeypatch.setattr(exchange_soak, "US", name)
    assert run(simulated, "publish", "south") == 1
    assert "The var account_mapping__company_id has" in capsys.readouterr().err
    assert not (simulated / "outbox/south").exists()


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (PermissionError(13, "Permission denied", "/x/\x1b[31m\nname"), 1, "The system refused: Permission denied"),
        (OSError(28, "No space left on device"), 1, "No space left on device"),
        (
            UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates"),
            1,
            "an error that it does not know (UnicodeEncodeError",
        ),
        (ValueError("a row: secret"), 1, "(ValueError"),
        (KeyError("a row: secret"), 1, "(KeyError"),
        (RecursionError("deep"), 1, "(RecursionError"),
        (MemoryError(), 1, "not enough memory"),
        (KeyboardInterrupt(), 130, "Stopped."),
        (files.NotPlain("a\nname", "a link", "/x\x1b"), 1, "a\\u000aname in /x\\u001b is a link"),
    ],
)
@pytest.mark.parametrize("name", ["publish", "reveal", "receive", "room", "status", "forget"])
def test_whatever_happens_a_command_ends_in_one_sentence(simulated, monkeypatch, error, code, told, name, capsys):
    class Broken:
        def run(self, *_: str) -> None:
            raise error

    assert exchange.main([name, "south", "--project-dir", str(simulated)], Broken()) == code
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1 and is_harmless(said, "\n") and "secret" not in said
    assert not list((simulated / "target/account_mapping_exchange/south").glob("*"))


def test_a_weak_secret_or_one_of_two_partners_stops_the_command(simulated, monkeypatch, capsys):
    variable = exchange_soak.variable_of("south")
    with monkeypatch.context() as patch:
        patch.setenv(variable, "fa" * 32)
        assert run(simulated, "publish", "south") == 1
        assert "repeats a part of itself, so it can be guessed" in capsys.readouterr().err
    with monkeypatch.context() as patch:
        patch.setenv("ACCOUNT_MAPPING_SECRET_SOMEBODY", os.environ[variable].upper())
        assert run(simulated, "publish", "south") == 1
        assert "hold the same secret" in capsys.readouterr().err
    # under a name of its own, which only the settings know
    monkeypatch.setenv("OF_ITS_OWN_NAME", os.environ[variable])
    with exchange_soak.duckdb.connect(str(simulated / "warehouse.duckdb")) as connection:
        connection.execute(
            "update stg_account_mapping__settings_partners set secret_env = 'OF_ITS_OWN_NAME' where partner_id = 'east'"
        )
    for name in ("publish", "receive", "status"):
        assert run(simulated, name, "south") == 1
        assert f"{variable} and OF_ITS_OWN_NAME hold the same secret" in capsys.readouterr().err
    assert not (simulated / "outbox/south").exists()
