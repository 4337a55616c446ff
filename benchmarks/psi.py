"""What a private set intersection of a million keys a side costs, beside the library's own operations and a peer.

usage: python -m benchmarks.psi [--keys 10000 100000 1000000] [--rounds 2] [--spu PYTHON]

Measures, in turn and each in a process of its own:

- floor: the calls of libsodium that a list needs and nothing else, on all processors: derive a point and multiply it
  (own list), multiply (partner's list);
- psi: `psi.blind` of our list, with its padding, sorted; and `psi.check_points` and `psi.answer` of the partner's;
- matched: `psi.matched`, and what round 1 and round 2 take as files;
- openmined: the same two steps of openmined-psi (hash and encrypt a list; encrypt what came), where it is installed;
- spu: with --spu, the Python of an environment that has SecretFlow's spu, both lists together of the busier party, by
  two protocols over a live connection (benchmarks/psi_spu.py).

Lists are half equal. Seconds are by the clock and of computing, the best of the rounds; on a machine where others are
at work only those of computing mean anything. Memory is the largest resident set of the process. Exits with 1 where a
list costs more than 1.15 of the floor in seconds of computing, a process held 1.5 GB or more, or a million keys are
blinded less than twice, or answered less than 1.5 times, as fast as by openmined-psi.
Needs requirements-exchange.txt and requirements-psi.txt.
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from exchange import psi, ristretto

ROOT = Path(__file__).resolve().parent.parent
STEPS = ("floor", "psi", "matched", "openmined")
MOST_RATIO = 1.15
MOST_MEGABYTES = 1_500
# By the clock, at a million keys and on two processors, of which the peer uses one.
LEAST_FASTER = {"own": 2.0, "partner": 1.5}
SCOPE = psi.Scope("benchmark", "1", "domain")
# ru_maxrss is in bytes on macOS and in KiB elsewhere.
UNITS_PER_MEGABYTE = 2**20 if sys.platform == "darwin" else 2**10


def tokens_of(first: int, number: int) -> list[bytes]:
    return [hashlib.sha256(str(n).encode()).digest() for n in range(first, first + number)]


def scalar_of(side: str) -> bytes:
    return psi.scalar_of(hashlib.sha256(side.encode()).digest(), SCOPE, bytes(psi.NONCE_BYTES))


def timed(function: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """What a function returns, with its seconds by the clock and of computing."""
    wall, cpu = time.perf_counter(), time.process_time()
    made = function()
    return made, {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def in_threads(function: Callable[[int], None], number: int) -> None:
    """`function` of the numbers of CHUNK calls each, on all processors."""
    sizes = (min(ristretto.CHUNK, number - place) for place in range(0, number, ristretto.CHUNK))
    list(ristretto._in_threads(function, sizes))


def floor(keys: int) -> dict[str, Any]:
    """As many calls of the library as our list and the partner's have points."""
    sodium = ristretto.library()
    derive, multiply = sodium.crypto_core_ristretto255_from_hash, sodium.crypto_scalarmult_ristretto255
    uniform, scalar = hashlib.sha512(b"x").digest(), scalar_of("ours")

    def derived(number: int) -> None:
        point = ctypes.create_string_buffer(32)
        place = ctypes.addressof(point)
        for _ in range(number):
            derive(place, uniform)

    def both(number: int) -> None:
        point = ctypes.create_string_buffer(32)
        place = ctypes.addressof(point)
        for _ in range(number):
            derive(place, uniform)
            multiply(place, scalar, place)

    def multiplied(number: int) -> None:
        point = ctypes.create_string_buffer(ristretto.from_uniform(uniform), 32)
        place = ctypes.addressof(point)
        for _ in range(number):
            multiply(place, scalar, place)

    points = psi.band(keys)

    def own() -> None:
        in_threads(both, keys)
        # padding is derived, and not multiplied
        in_threads(derived, points - keys)

    return {"own": timed(own)[1], "partner": timed(lambda: in_threads(multiplied, points))[1]}


def of_psi(keys: int) -> dict[str, Any]:
    """Our list blinded, and the partner's checked and answered."""
    ours, own = timed(lambda: psi.blind(tokens_of(0, keys), SCOPE, scalar_of("ours")))
    # the partner's points need be no more than points for this
    theirs = psi.Blinded(psi.rows_of(ristretto.random_points(psi.band(keys)), 32), ours.tokens)
    theirs = theirs.points[psi.as_keys(theirs.points).argsort()]
    committed = psi.commitment(theirs, SCOPE)

    def partner() -> None:
        psi.check_points(theirs, ours.points, SCOPE, committed, len(theirs), 2 * len(theirs))
        psi.answer(theirs, SCOPE, scalar_of("ours"))

    return {"own": own, "partner": timed(partner)[1], "points": len(theirs)}


def of_match(keys: int) -> dict[str, Any]:
    """What is left once all is multiplied, and the files that cross."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from exchange import gates, psi_run
    from exchange.protocol import COLUMNS, Allowed, FileEntry

    rng = np.random.default_rng(1)
    size = psi.band(keys)
    sent = rng.integers(0, 256, (size, psi.ANSWER_BYTES), np.uint8)
    came = np.concatenate([sent[: size // 2], rng.integers(0, 256, (size - size // 2, psi.ANSWER_BYTES), np.uint8)])
    (found, _), seconds = timed(lambda: psi.matched(came, sent))
    assert len(found) == size // 2
    told: dict[str, Any] = {"matched": seconds}
    permitted = Allowed(frozenset(), frozenset(), frozenset(), {})
    values = {"agreement_id": "benchmark", "epoch": "1", "key_type": "domain", "answered": "0" * 64}
    with tempfile.TemporaryDirectory() as folder:
        for kind, column, width in (("points", "point", 32), ("answers", "answer", 16)):
            digits = rng.integers(0, 256, (size, width), np.uint8)
            digits = psi_run.digits_of(digits[psi.as_keys(digits).argsort()])
            names = COLUMNS[kind]
            table = pa.table({n: digits if n == column else pa.array([values[n]] * size, pa.string()) for n in names})
            raw, made = Path(folder) / "raw.parquet", Path(folder) / "made.parquet"
            pq.write_table(table, raw, row_group_size=psi_run.GROUP_ROWS)
            gate = gates.Gate(gates.expectations(kind, "benchmark", "1", "", permitted, True))
            entry = FileEntry("", kind, size, "")
            _, seconds = timed(lambda raw=raw, made=made, entry=entry, gate=gate: gates.sift(
                raw, made, entry, gate, permitted, outgoing=True))  # fmt: skip
            told[kind] = seconds | {"bytes": made.stat().st_size / size}
    return told


def of_openmined(keys: int) -> dict[str, Any]:
    """The peer's steps: a client blinds its list, a server answers it."""
    import private_set_intersection.python as peer

    ours = [token.hex() for token in tokens_of(0, keys)]
    client, server = peer.client.CreateWithNewKey(True), peer.server.CreateWithNewKey(True)
    request, own = timed(lambda: client.CreateRequest(ours))
    return {"own": own, "partner": timed(lambda: server.ProcessRequest(request))[1]}


def of_spu(python: str, keys: int) -> None:
    """Print what the live peer takes, by both of its protocols."""
    for protocol in ("ECDH", "RR22"):
        command = [python, str(ROOT / "benchmarks" / "psi_spu.py"), "--keys", str(keys), "--protocol", protocol]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"spu failed:\n{done.stderr[-2000:]}")
        told = json.loads(done.stdout.splitlines()[-1])
        both = f"{told['cpu']:.1f} ({told['wall']:.1f}) both lists"
        print(f"{keys:>9,} {'spu ' + protocol:<10}{both:>36}{told['megabytes']:>7,.0f} MB")


def measured(step: str, keys: int) -> dict[str, Any]:
    """One step in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.psi", "--step", step, "--keys", str(keys)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{step} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def best(rounds: Sequence[dict[str, Any]], *place: str) -> float:
    """The least of one figure over the rounds."""
    found = []
    for told in rounds:
        for name in place:
            told = told[name]
        found.append(told)
    return min(found)


def main(arguments: Sequence[str] | None = None) -> int:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--keys", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    made.add_argument("--rounds", type=int, default=2)
    made.add_argument("--spu", metavar="PYTHON", help="the Python of an environment that has spu")
    made.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    options = made.parse_args(arguments)
    if options.step:
        steps = {"floor": floor, "psi": of_psi, "matched": of_match, "openmined": of_openmined}
        told = steps[options.step](options.keys[0])
        told["megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / UNITS_PER_MEGABYTE
        print(json.dumps(told))
        return 0
    has_peer = importlib.util.find_spec("private_set_intersection") is not None
    has_gates = importlib.util.find_spec("great_expectations") is not None
    failed = False
    print(f"{ristretto.processors()} processors, load {os.getloadavg()[0]:.1f}; seconds of computing (by the clock)")
    print(f"{'keys':>9} {'step':<10}{'own list':>18}{'partner list':>18}{'memory':>10}")
    for keys in options.keys:
        steps = [step for step in STEPS if (step != "openmined" or has_peer) and (step != "matched" or has_gates)]
        rounds = {step: [] for step in steps}
        for _ in range(options.rounds):
            for step in steps:
                if step != "matched" or not rounds[step]:
                    rounds[step].append(measured(step, keys))
        for step in steps:
            memory = max(told["megabytes"] for told in rounds[step])
            failed |= memory >= MOST_MEGABYTES and step in ("psi", "matched")
            if step == "matched":
                told = rounds[step][0]
                print(
                    f"{keys:>9,} {step:<10}{told['matched']['cpu']:>11.2f} s match"
                    f"{told['points']['bytes']:>9.1f} bytes a point, {told['answers']['bytes']:.1f} an answer; gates "
                    f"{told['points']['cpu']:.1f} and {told['answers']['cpu']:.1f} s; {memory:,.0f} MB"
                )
                continue
            figures = [
                f"{best(rounds[step], part, 'cpu'):.1f} ({best(rounds[step], part, 'wall'):.1f})"
                for part in ("own", "partner")
            ]
            print(f"{keys:>9,} {step:<10}{figures[0]:>18}{figures[1]:>18}{memory:>7,.0f} MB")
        ratios = {
            part: best(rounds["psi"], part, "cpu") / best(rounds["floor"], part, "cpu") for part in ("own", "partner")
        }
        failed |= max(ratios.values()) > MOST_RATIO
        print(f"{keys:>9,} ratio of psi to floor: own {ratios['own']:.3f}, partner {ratios['partner']:.3f}", flush=True)
        if has_peer:
            faster = {
                part: best(rounds["openmined"], part, "wall") / best(rounds["psi"], part, "wall")
                for part in LEAST_FASTER
            }
            failed |= keys >= 1_000_000 and any(faster[part] < least for part, least in LEAST_FASTER.items())
            told = ", ".join(f"{part} {ratio:.2f}" for part, ratio in faster.items())
            print(f"{keys:>9,} times faster than openmined by the clock: {told}", flush=True)
        if options.spu:
            of_spu(options.spu, keys)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
