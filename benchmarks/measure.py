"""Run one command and write how long it took and how much memory it held.

usage: python benchmarks/measure.py REPORT.json COMMAND [ARGUMENT ...]

REPORT.json gets `seconds` (wall clock, from start to end of the command),
`cpu_seconds` (all cores, user and system; other load on the machine hardly
shows in it) and `megabytes` (2^20 bytes; the largest resident set that any
process of the command's tree had). Output and exit code are the command's.

A process of its own, since a child's peak begins at what the process that
starts it holds: this one holds next to nothing. Unix only.
"""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

# ru_maxrss is in bytes on macOS and in KiB elsewhere.
UNITS_PER_MEGABYTE = 2**20 if sys.platform == "darwin" else 2**10


def main() -> int:
    if len(sys.argv) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    start = time.monotonic()
    code = subprocess.run(sys.argv[2:], check=False).returncode
    seconds = time.monotonic() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cost = {
        "seconds": seconds,
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "megabytes": used.ru_maxrss / UNITS_PER_MEGABYTE,
    }
    Path(sys.argv[1]).write_text(json.dumps(cost), encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main())
