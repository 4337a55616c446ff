"""Run one dbt command and write what each of its nodes took.

usage: python -m benchmarks.measure_nodes REPORT.json DBT_ARGUMENT ...

One node runs at a time, as its seconds could not be told from another's. REPORT.json gets `total` and by name of the
node `nodes`, each with `seconds` (wall clock), `cpu_seconds` (all cores, user and system, children that ended
included) and `megabytes` (2^20 bytes; the most that the process held meanwhile). Linux only: it asks the kernel to
count the peak anew before each node.
"""

from __future__ import annotations

import json
import re
import resource
import sys
import time
from pathlib import Path

from dbt.cli.main import dbtRunner
from dbt_common.events.base_types import EventMsg


def cpu_seconds() -> float:
    return sum(
        used.ru_utime + used.ru_stime
        for used in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


def peak_megabytes() -> float:
    """The largest resident set of this process since `forget_peak`."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    return int(found[1]) / 1024 if found else 0.0


def forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


class Nodes:
    """Listens to dbt's events and keeps what each node took."""

    def __init__(self) -> None:
        self.began: dict[str, tuple[float, float]] = {}
        self.cost: dict[str, dict[str, float]] = {}
        self.peak = 0.0

    def __call__(self, event: EventMsg) -> None:
        if event.info.name == "NodeStart":
            self.peak = max(self.peak, peak_megabytes())
            forget_peak()
            self.began[event.data.node_info.unique_id] = (time.monotonic(), cpu_seconds())
        elif event.info.name == "NodeFinished":
            seconds, cpu = self.began.pop(event.data.node_info.unique_id)
            self.cost[event.data.node_info.unique_id] = {
                "seconds": time.monotonic() - seconds,
                "cpu_seconds": cpu_seconds() - cpu,
                "megabytes": peak_megabytes(),
            }


def main() -> int:
    if len(sys.argv) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    nodes = Nodes()
    start = time.monotonic()
    outcome = dbtRunner(callbacks=[nodes]).invoke([*sys.argv[2:], "--threads", "1"])
    total = {
        "seconds": time.monotonic() - start,
        "cpu_seconds": cpu_seconds(),
        "megabytes": max(nodes.peak, peak_megabytes()),
    }
    Path(sys.argv[1]).write_text(json.dumps({"total": total, "nodes": nodes.cost}), encoding="utf-8")
    if outcome.exception:
        print(outcome.exception, file=sys.stderr)
    return 0 if outcome.success else 1


if __name__ == "__main__":
    sys.exit(main())
