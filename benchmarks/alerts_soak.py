"""Is each alert told once when `report send-alerts` is killed, and when deliveries are refused?

usage: python -m benchmarks.alerts_soak [--kills 30] [--alerts 150] [--seed 5]

Alerts go to an HTTP server, an SMTP server and a file on this machine. One run after the other is killed (SIGKILL) at a
moment drawn at random: while a delivery is on its way, when it was accepted and not answered yet, or after a time that
may lie before, between or after all deliveries. Of the others some are refused, and some are accepted and never
answered. Then runs follow until one ends with 0. After that

- each alert has arrived, and none that is not in the mart;
- what came twice is no more than what was killed or left without an answer when it had been accepted, and both have one
  id, also as Message-ID; a refused one was not counted as told;
- the file has each alert once;
- the ledger says of each that it was told, once, and one more run tells nobody anything.

Needs requirements-alerts.txt. Exits with 1 at the first finding.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import duckdb

from .alert_receivers import ACCEPT, REFUSE, SILENT, Inbox, receivers

ROOT = Path(__file__).resolve().parent.parent
COLUMNS = (
    "alert_id varchar, partner_id varchar, account_id varchar, kind varchar, severity varchar, recipient varchar, "
    "channel varchar, title varchar, text varchar, happened_on date"
)
CHANNELS = """
default: team
managers: {Ann@us.example: ann}
channels:
  team: {url_env: ALERTS_TEAM_URL}
  ann: {url_env: ALERTS_ANN_URL}
  log: {file: told.jsonl}
"""
MOMENTS = ("on its way", "accepted", "any time")


def write_alerts(database: Path, number: int) -> list[str]:
    """A database with so many alerts, for the three channels in turn; returns their ids."""
    ids = [f"{place:032x}" for place in range(1, number + 1)]
    rows = [
        (
            alert_id, "nimbus", None, "review_queue", ("info", "warning", "critical")[place % 3],
            "ann@us.example" if place % 3 == 1 else None, "log" if place % 3 == 2 else None,
            f"Alert {place}", f"Kudu & Söhne number {place}.", "2026-11-15",
        )
        for place, alert_id in enumerate(ids)
    ]  # fmt: skip
    with duckdb.connect(str(database)) as connection:
        connection.execute(f"create table account_mapping__alerts ({COLUMNS})")
        connection.executemany(f"insert into account_mapping__alerts values ({', '.join('?' * 10)})", rows)
    return ids


class Soak:
    """Runs of the command in a folder, and what became of them."""

    def __init__(self, folder: Path, alerts: int, seed: int) -> None:
        self.folder, self.rng = folder, random.Random(seed)
        self.ids = write_alerts(folder / "marts.duckdb", alerts)
        (folder / "channels.yml").write_text(CHANNELS)
        self.inbox = Inbox(self.plan, self.kept)
        self.addresses: dict[str, str] = {}
        self.process: subprocess.Popen[str] | None = None
        self.deadly: str | None = None
        self.moment, self.countdown = "", 0
        self.is_calm = False
        self.killed = Counter[str]()
        self.start_seconds = 0.0

    def plan(self, alert_id: str) -> str:
        """What the receivers do with a delivery; kills the sender where that is due."""
        self.countdown -= 1
        if self.countdown == 0 and self.moment == "on its way":
            self.kill(alert_id)
            return REFUSE
        if self.countdown == 0 and self.moment == "accepted":
            self.deadly = alert_id
            return ACCEPT
        draw = self.rng.random()
        if self.is_calm or draw > 0.15:
            return ACCEPT
        return REFUSE if draw > 0.03 else SILENT

    def kept(self, alert_id: str) -> None:
        if self.deadly == alert_id:
            self.kill(alert_id)
            self.deadly = None

    def kill(self, _: str) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        # until it is dead, no answer reaches it
        self.process.wait()

    def measure_start(self) -> None:
        """How long the command takes until it delivers, on this machine now: a dry run delivers nothing."""
        start = time.monotonic()
        self.run("", "--dry-run")
        self.start_seconds = time.monotonic() - start

    def run(self, moment: str = "", *options: str) -> int:
        """Run the command, and kill it at a moment; returns its exit code."""
        self.moment, self.countdown = moment, self.rng.randint(1, 6)
        self.process = subprocess.Popen(
            [
                *(sys.executable, str(ROOT / "report"), "send-alerts", "marts.duckdb"),
                *("--channels", "channels.yml", *options),
            ],
            cwd=self.folder,
            env=os.environ | {"ALERTS_TEAM_URL": self.addresses["http"], "ALERTS_ANN_URL": self.addresses["smtp"]},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if moment == "any time":
            try:
                # most often amid the deliveries, which follow the start
                self.process.wait(self.start_seconds * self.rng.uniform(0.6, 1.4))
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.said, _ = self.process.communicate()
        if self.process.returncode == -signal.SIGKILL:
            self.killed[moment] += 1
        return self.process.returncode

    def findings(self) -> list[str]:
        """What is wrong in the end, in sentences."""
        wrong = []
        by_id = Counter(delivery.alert_id for delivery in self.inbox.deliveries)
        lines = [json.loads(line) for line in (self.folder / "told.jsonl").read_text().splitlines()]
        in_file = Counter(line["alert_id"] for line in lines)
        if missing := set(self.ids) - set(by_id) - set(in_file):
            wrong.append(f"{len(missing)} alerts were never told")
        if foreign := (set(by_id) | set(in_file)) - set(self.ids):
            wrong.append(f"{len(foreign)} came that are no alerts")
        if set(in_file.values()) != {1} or set(in_file) & set(by_id):
            wrong.append("an alert is twice in the file, or in the file and elsewhere")
        twice = sum(by_id.values()) - len(by_id)
        allowed = self.inbox.silent + self.killed["accepted"] + self.killed["any time"]
        if twice > allowed:
            wrong.append(f"{twice} came twice, and only {allowed} were not answered")
        for delivery in self.inbox.deliveries:
            if delivery.kind == "smtp" and not delivery.message_id.startswith(f"<{delivery.alert_id}@"):
                wrong.append(f"an e-mail of {delivery.alert_id} has another Message-ID")
            if f"alert {delivery.alert_id}" not in delivery.body:
                wrong.append(f"the text of {delivery.alert_id} does not hold its id")
        ledger = (self.folder / "marts.duckdb.alerts.jsonl").read_text().splitlines()
        told = Counter(entry["alert_id"] for entry in map(json.loads, ledger) if entry["event"] == "told")
        if told != Counter(self.ids):
            wrong.append("the ledger does not tell of each alert once")
        return wrong


def soak(folder: Path, kills: int, alerts: int, seed: int) -> tuple[list[str], str]:
    """Kill so many runs, then let them end. Returns findings and a sentence of what was done."""
    trial = Soak(folder, alerts, seed)
    runs = 0
    with receivers(trial.inbox) as trial.addresses:
        trial.measure_start()
        while sum(trial.killed.values()) < kills and runs < 4 * kills:
            runs += 1
            trial.run(MOMENTS[runs % 3])
        n_killed = sum(trial.killed.values())
        trial.moment = ""
        for _ in range(50):
            runs += 1
            if trial.run() == 0:
                break
            # after some runs nothing is refused any more
            trial.is_calm = _ > 5
        wrong = trial.findings()
        before = len(trial.inbox.deliveries)
        if trial.run() != 0 or len(trial.inbox.deliveries) != before or not trial.said.startswith("0 alerts told"):
            wrong.append("one more run told something again")
    if n_killed < kills:
        wrong.append(f"only {n_killed} runs could be killed: there are too few alerts")
    twice = len(trial.inbox.deliveries) - len({delivery.alert_id for delivery in trial.inbox.deliveries})
    how = ", ".join(f"{number} {moment}" for moment, number in sorted(trial.killed.items()))
    return wrong, (
        f"{alerts} alerts, {runs} runs, {n_killed} killed ({how}), {trial.inbox.refused} deliveries refused, "
        f"{trial.inbox.silent} accepted without an answer; {twice} came twice, each with its id"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--alerts", type=int, default=150)
    parser.add_argument("--seed", type=int, default=5)
    options = parser.parse_args(arguments)
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        wrong, done = soak(Path(folder), options.kills, options.alerts, options.seed)
    print(f"{done}; {time.monotonic() - start:.0f} s")
    for sentence in wrong:
        print(f"WRONG: {sentence}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
