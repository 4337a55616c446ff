"""Private set intersection under fire: commands killed at random moments, and deliveries of a hostile partner.

usage: python -m benchmarks.psi_soak [--kills 50] [--deliveries 20000] [--seed 20] [--quick] [--folder FOLDER]

Two sides (`benchmarks.psi_sides`) play all rounds with the exchange command as it is, but for dbt.

Kills: each command of each side is started in a process of its own and killed (SIGKILL) at a random moment, then run
again. It has to go on; the outbox names whole files at every moment; a nonce stands for one list for ever; both sides
end with the matches of a plain join.

Deliveries: a good one of each round is changed, in bytes of a file, in its rows or in its manifest, which is signed
anew most of the time, as a partner can do. Each is refused with a message of its own, all that we keep being as it was,
or taken, and then nothing is matched that both sides do not have. No traceback, and no error that the command does not
know. With --quick they do without Great Expectations, and without the child process that reads what came; a delivery
by which the reader dies is then given to the command as it is. `benchmarks.mutated_deliveries` is about both.

Exits with 1 where something else is found. Needs Linux.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from exchange import files, protocol

from . import psi_sides
from .mutated_deliveries import edit_manifest, edited, mutated, packed, spelt

ROOT = Path(__file__).resolve().parent.parent
TURNS = 5
SHARED = {"domain": ["acme.com", "acme.de", "birch.com"], "name": ["acme"]}
ACCOUNTS = {
    side: [
        {"id": "1", "keys": SHARED, "status": "customer", "parent": "2"},
        {"id": "2", "keys": {"domain": [f"{side}-{n}.com" for n in range(20)], "name": [side]}, "status": "prospect"},
    ]
    for side in psi_sides.SIDES
}
TOKENS = {(kind, psi_sides.token(value)) for kind, values in SHARED.items() for value in values}


class Finding(Exception):
    """Something that must never be."""


def make(folder: Path) -> dict[str, psi_sides.Project]:
    """Both sides, before anything was published."""
    return {
        side: psi_sides.make_side(folder, side, psi_sides.rows_of(side, ACCOUNTS[side])) for side in psi_sides.SIDES
    }


def runs(folder: Path) -> dict[str, str]:
    """Of every run that either side keeps: its nonce, and the commitments that were made under it."""
    found = {}
    for path in folder.glob("*/exchange_state/*/psi/*/ours/run.json"):
        facts = json.loads(path.read_text())
        found[facts["nonce"]] = json.dumps(facts["stated"], sort_keys=True)
    return found


def check_outbox(folder: Path, side: str) -> None:
    """Raises Finding unless the manifest, if any, names whole files."""
    outbox = folder / side / "outbox" / psi_sides.SIDES[side]
    if not (outbox / files.MANIFEST).exists():
        return
    manifest = protocol.parse_manifest((outbox / files.MANIFEST).read_bytes())
    for entry in manifest["files"]:
        if hashlib.sha256((outbox / entry["name"]).read_bytes()).hexdigest() != entry["sha256"]:
            raise Finding(f"{entry['name']} in the outbox of {side} is not whole")


def matched_keys(project: psi_sides.Project) -> set[tuple[str, str]]:
    return {
        (row["key_type"], row["token"]) for row in project.warehouse.get("keys", ()) if row["key_type"] != "account"
    }


# ---------------------------------------------------------------- kills


def started(folder: Path, side: str, name: str) -> subprocess.Popen:
    arguments = [sys.executable, "-m", "benchmarks.psi_sides", str(folder), side, name]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(arguments, cwd=ROOT, start_new_session=True, **quiet)


def kill_at_random(folder: Path, kills: int, draw: random.Random) -> Counter[str]:
    """Games in which every command is killed once before it may end; as many as have so many kills."""
    told: Counter[str] = Counter()
    game = 0
    while told["killed"] < kills:
        game += 1
        place = folder / f"game-{game}"
        sides = make(place)
        seen: dict[str, str] = {}
        longest = 3.0
        for turn in range(TURNS):
            for name in ("publish", "receive"):
                for side in sides:
                    if told["killed"] < kills:
                        process = started(place, side, name)
                        time.sleep(draw.uniform(0.3, longest))
                        is_over = process.poll() is not None
                        with contextlib.suppress(ProcessLookupError):
                            os.killpg(process.pid, signal.SIGKILL)
                        process.wait()
                        told["ended before" if is_over else "killed"] += 1
                        check_outbox(place, side)
                        for nonce, stated in runs(place).items():
                            if seen.setdefault(nonce, stated) != stated:
                                raise Finding(f"game {game}: one nonce stands for two lists")
                    # our list has changed meanwhile: a run that was begun keeps its own
                    rows = psi_sides.rows_of(side, [*ACCOUNTS[side], {"id": "9", "keys": {"domain": [f"{turn}.com"]}}])
                    psi_sides.set_list(sides[side], rows)
                    said = io.StringIO()
                    began = time.monotonic()
                    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                        code = psi_sides.exchange(sides[side], name)
                    longest = max(longest, 2 + time.monotonic() - began)
                    if code:
                        raise Finding(
                            f"game {game}, turn {turn}, {side} {name}: does not go on: {said.getvalue()[:500]}"
                        )
                    check_outbox(place, side)
                    for nonce, stated in runs(place).items():
                        if seen.setdefault(nonce, stated) != stated:
                            raise Finding(f"game {game}: one nonce stands for two lists")
                if name == "publish":
                    for side in sides:
                        psi_sides.send(place, side)
        for side, project in sides.items():
            if not matched_keys(project) >= TOKENS:
                raise Finding(f"game {game}: {side} did not find what both have")
        told["games"] += 1
        shutil.rmtree(place)
    return told


# ---------------------------------------------------------------- hostile deliveries


def snapshots(folder: Path) -> list[Path]:
    """The north before it receives each turn's delivery of the south, in folders of their own."""
    sides = make(folder / "game")
    kept = []
    for turn in range(TURNS):
        for project in sides.values():
            assert psi_sides.exchange(project, "publish") == 0
        for side in sides:
            psi_sides.send(folder / "game", side)
        kept.append(folder / f"turn-{turn}")
        shutil.copytree(folder / "game", kept[-1])
        for project in sides.values():
            assert psi_sides.exchange(project, "receive") == 0
    return kept


def kept_state(project: psi_sides.Project) -> str:
    """A hash of all that the north knows: what was loaded, and its runs."""
    hashed = hashlib.sha256(json.dumps(project.warehouse, sort_keys=True).encode())
    for path in sorted((project.folder / "exchange_state").rglob("psi/**/*")):
        if path.is_file():
            hashed.update(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}".encode())
    return hashed.hexdigest()


def change(inbox: Path, draw: random.Random) -> str:
    """Change a delivery; returns what was done to it."""
    manifest = json.loads((inbox / files.MANIFEST).read_bytes())
    secret = bytes.fromhex(psi_sides.PAIR_SECRET)
    if not manifest["files"] or draw.random() < 0.25:
        changed: dict[str, Any] = edit_manifest(manifest, draw)
        if draw.random() < 0.8 and isinstance(changed.get("mac"), str):
            with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError):
                changed["mac"] = protocol.authentication_code(secret, changed)
        (inbox / files.MANIFEST).write_bytes(spelt(changed, draw))
        return "manifest"
    entry = draw.choice(manifest["files"])
    path = inbox / entry["name"]
    action = draw.random()
    if action < 0.4:
        data = mutated(path.read_bytes(), draw)
        rows = entry["rows"]
        per_type = entry["rows_per_key_type"]
    else:
        table = pq.read_table(path)
        if action < 0.7:
            table = edited(table, draw)
        else:
            # what passes every gate: good digits elsewhere
            column = draw.choice([n for n in table.column_names if n in ("point", "answer", "answered", "commitment")])
            values = table.column(column).to_pylist()
            row = draw.randrange(len(values))
            digits = draw.choice([values[draw.randrange(len(values))], "0" * len(values[row]), "f" * len(values[row]),
                                  draw.randbytes(len(values[row]) // 2).hex()])  # fmt: skip
            values[row] = digits
            table = table.set_column(table.column_names.index(column), column, pa.array(values, pa.string()))
            if draw.random() < 0.7 and entry["kind"] != "answers":
                table = table.sort_by([(name, "ascending") for name in protocol.GRAIN[entry["kind"]]])
        data, rows = packed(table), table.num_rows
        types = table.column("key_type").to_pylist() if "key_type" in table.column_names else []
        per_type = dict(Counter(map(str, types)))
    sha256 = hashlib.sha256(data).hexdigest()
    path.unlink()
    name = f"{entry['kind']}-{sha256[:12]}.parquet"
    (inbox / name).write_bytes(data)
    entry.update(name=name, rows=rows, sha256=sha256, rows_per_key_type=per_type)
    manifest["files"].sort(key=lambda entry: entry["name"])
    manifest["mac"] = protocol.authentication_code(secret, manifest)
    (inbox / files.MANIFEST).write_bytes(protocol.canonical_json(manifest))
    return f"{entry['kind']}, {'bytes' if action < 0.4 else 'rows' if action < 0.7 else 'digits'}"


def receive(project: psi_sides.Project) -> tuple[int | None, str]:
    """Have a side receive, in a copy of this process; its exit code, None if it died, and what it said."""
    said = project.folder / "said.txt"
    child = os.fork()
    if not child:
        code = 70
        try:
            with said.open("w") as file, contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
                try:
                    code = psi_sides.exchange(project, "receive")
                except BaseException:
                    traceback.print_exc()
        finally:
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else None, said.read_text()


def deliver_hostile(folder: Path, deliveries: int, draw: random.Random, is_quick: bool) -> Counter[str]:
    """So many changed deliveries to the north, of all rounds in turn; how often each outcome was."""
    told: Counter[str] = Counter()
    quickly = psi_sides.quickly if is_quick else contextlib.nullcontext
    with quickly():
        turns = snapshots(folder)
    for number in range(deliveries):
        place = folder / "now"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(turns[number % len(turns)], place)
        project = psi_sides.Project(place, "north")
        what = change(place / "north/inbox/south", draw)
        before, has_died = kept_state(project), False
        with quickly():
            code, words = receive(project)
        if code is None and is_quick:
            has_died = True
            shutil.copytree(place / "north/inbox/south", folder / "inbox")
            shutil.rmtree(place)
            shutil.copytree(turns[number % len(turns)], place)
            shutil.rmtree(place / "north/inbox/south")
            shutil.move(folder / "inbox", place / "north/inbox/south")
            code, words = receive(project)
        where = f"delivery {number} (turn {number % len(turns)}, {what})"
        if code not in (0, 3) or "Traceback" in words or "error that it does not know" in words:
            raise Finding(f"{where}: ended with {code}: {words[:500]}")
        if code == 3:
            if kept_state(project) != before:
                raise Finding(f"{where}: was refused, and something was kept")
            told[f"refused: {re.search(r'Refused .([a-z_]+)', words)[1]}{', the reader died' if has_died else ''}"] += 1
        elif matched_keys(project) - TOKENS:
            raise Finding(f"{where}: was taken, and matched what both do not have")
        else:
            told[f"taken: {what}"] += 1
    return told


def main(arguments: Sequence[str] | None = None) -> int:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--kills", type=int, default=50)
    made.add_argument("--deliveries", type=int, default=20_000)
    made.add_argument("--seed", type=int, default=20)
    made.add_argument("--quick", action="store_true")
    made.add_argument("--folder", type=Path)
    options = made.parse_args(arguments)
    folder = options.folder or Path(tempfile.mkdtemp(prefix="psi-soak-"))
    draw = random.Random(options.seed)
    try:
        told = {"kills": Counter(), "deliveries": Counter()}
        if options.kills:
            with psi_sides.quickly() if options.quick else contextlib.nullcontext():
                told["kills"] = kill_at_random(folder / "kills", options.kills, draw)
        if options.deliveries:
            told["deliveries"] = deliver_hostile(folder / "deliveries", options.deliveries, draw, options.quick)
        for name, outcomes in told.items():
            for outcome, times in sorted(outcomes.items()):
                print(f"{name:<12}{outcome:<60}{times:>8,}", flush=True)
    except Finding as finding:
        print(f"FOUND: {finding}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
