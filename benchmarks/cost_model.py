"""What a build of any size is to cost: a model fitted to builds that were measured, and what it says of larger ones.

usage: python -m benchmarks.cost_model BUILDS.jsonl [--workers 1 4 16 64] [--seed 18]

BUILDS.jsonl has a line for each build, as `benchmarks.scale --json` adds them; those of a changed or a skewed world are
left out. For each room the processor seconds are a sum of terms, each a size of the world times a factor that is not
negative (least squares of the relative errors, Lawson and Hanson 1974); memory likewise, for the largest room.

Terms: a build itself; our accounts; our accounts for each partner with a readable list, and for each with keys; rows of
readable lists; accounts that come as keys. Prints the factors; the error of each build when it is foretold from the
others; what worlds of up to 100,000,000 accounts and 1,000 partners would take; and how long that lasts on several
machines, each with some of the partners. For this it draws partners' lists of unlike sizes (log-normal) and gives the
longest first to whoever is free (Graham 1969). Our own accounts are normalised and hashed once, before.
"""

from __future__ import annotations

import argparse
import heapq
import json
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import nnls

PROCESSORS = 2
SPREAD = 1.5  # of the logarithm of the lists' sizes: one in forty is twenty times as long as the middle one
LARGER = (
    (50_000, 5, 20_000, 1),
    (200_000, 10, 50_000, 2),
    (1_000_000, 20, 100_000, 5),
    (10_000_000, 100, 200_000, 25),
    (100_000_000, 1_000, 500_000, 250),
)


@dataclass(frozen=True)
class Size:
    """Of a world: our accounts, partners, rows of readable lists and of lists that come as keys, and those partners."""

    accounts: int
    partners: int
    list_rows: float
    keys_rows: float
    keys_partners: int

    def terms(self) -> dict[str, float]:
        """What a room's cost may grow with: a build itself, and rows in millions."""
        lists = self.partners - self.keys_partners
        return {
            "a build": 1.0,
            "ours": self.accounts / 1e6,
            "ours x lists": self.accounts * lists / 1e6,
            "ours x keys": self.accounts * self.keys_partners / 1e6,
            "listed": self.list_rows / 1e6,
            "as keys": self.keys_rows / 1e6,
        }


@dataclass(frozen=True)
class Build:
    size: Size
    cpu_seconds: Mapping[str, float]
    megabytes: float


def size_of(world: Mapping[str, Any]) -> Size:
    keys = world["keys_partners"]
    readable = (world["partners"] - keys) * world["list_rows"]
    return Size(world["accounts"], world["partners"], readable, keys * world["list_rows"], keys)


def read(path: Path) -> list[Build]:
    """The builds of even worlds, first builds only."""
    worlds = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [
        Build(
            size_of(world),
            {room: cost["cpu_seconds"] for room, cost in world["rooms"].items()},
            world["total"]["megabytes"],
        )
        for world in worlds
        if world["changed"] is None and world["skew"] == "none"
    ]


def fitted(sizes: Sequence[Size], costs: Sequence[float]) -> dict[str, float]:
    """Factors by term, none negative, with the least sum of squared relative errors; what cost nothing is left out."""
    names = list(sizes[0].terms())
    paid = np.array([[*size.terms().values(), cost] for size, cost in zip(sizes, costs, strict=True) if cost > 0])
    if not len(paid):
        return dict.fromkeys(names, 0.0)
    factors, _ = nnls(paid[:, :-1] / paid[:, -1:], np.ones(len(paid)))
    return dict(zip(names, factors.tolist(), strict=True))


def foretold(factors: Mapping[str, float], size: Size) -> float:
    return sum(factor * size.terms()[name] for name, factor in factors.items())


def makespan(jobs: Sequence[float], workers: int) -> float:
    """When the last of some jobs ends, the longest first given to whoever is free: in the unit of the jobs."""
    free = [0.0] * workers
    for job in sorted(jobs, reverse=True):
        heapq.heappush(free, heapq.heappop(free) + job)
    return max(free)


def shared_out(factors: Mapping[str, float], size: Size, workers: int, rng: random.Random) -> float:
    """Processor seconds until the last of `workers` machines has its partners done, our own side being done before."""
    first = foretold(factors, Size(size.accounts, 0, 0, 0, 0))
    drawn = [rng.lognormvariate(0, SPREAD) for _ in range(size.partners)]
    jobs = []
    for shares, rows, is_keys in (
        (drawn[: size.keys_partners], size.keys_rows, 1),
        (drawn[size.keys_partners :], size.list_rows, 0),
    ):
        for share in shares:
            own = rows * share / sum(shares)
            one = Size(size.accounts, 1, 0 if is_keys else own, own if is_keys else 0, is_keys)
            jobs.append(foretold(factors, one) - first)
    return first + makespan(jobs, workers)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("builds", type=Path)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 4, 16, 64])
    parser.add_argument("--seed", type=int, default=18)
    options = parser.parse_args()
    builds = read(options.builds)
    sizes = [build.size for build in builds]
    totals = [sum(build.cpu_seconds.values()) for build in builds]
    terms = sizes[0].terms() if sizes else {}
    if len(builds) <= len(terms):
        print(f"{len(builds)} builds of even worlds; a fit needs more than {len(terms)}", file=sys.stderr)
        return 1
    print(f"{'processor seconds for':<24}" + "".join(f"{name:>14}" for name in terms))
    for room in sorted({room for build in builds for room in build.cpu_seconds}):
        factors = fitted(sizes, [build.cpu_seconds.get(room, 0.0) for build in builds])
        print(f"{room:<24}" + "".join(f"{factor:>14,.1f}" for factor in factors.values()))
    seconds, memory = fitted(sizes, totals), fitted(sizes, [build.megabytes for build in builds])
    print(f"{'all rooms':<24}" + "".join(f"{factor:>14,.1f}" for factor in seconds.values()))
    print(f"{'memory, MB':<24}" + "".join(f"{factor:>14,.0f}" for factor in memory.values()))
    print("(of a build each, of rows a million)\n\neach build, foretold from the others:")
    for place, build in enumerate(builds):
        others = [other for other in range(len(builds)) if other != place]
        said = foretold(fitted([sizes[other] for other in others], [totals[other] for other in others]), build.size)
        print(f"  {build.size}: {totals[place]:,.0f} s, foretold {said:,.0f} ({said / totals[place] - 1:+.0%})")
    print(f"\n{'accounts':>12} {'partners':>9} {'rows each':>10} {'keys':>5} {'CPU hours':>10} {'GB':>8}", end="")
    print("".join(f"{f'h on {workers}':>10}" for workers in options.workers), f" ({PROCESSORS} processors each)")
    for accounts, partners, rows, keys in LARGER:
        size = Size(accounts, partners, (partners - keys) * rows, keys * rows, keys)
        print(f"{accounts:>12,} {partners:>9,} {rows:>10,} {keys:>5}", end="")
        print(f" {foretold(seconds, size) / 3600:>10,.2f} {foretold(memory, size) / 1000:>8,.1f}", end="")
        for workers in options.workers:
            lasts = shared_out(seconds, size, workers, random.Random(options.seed))
            print(f"{lasts / PROCESSORS / 3600:>10,.2f}", end="")
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
