"""Runs after random edits, and runs that are killed: are the marts those of a whole build, and never of two runs?

usage: python -m benchmarks.rerun_soak [--steps 200] [--kills 30] [--seed 18]

A project has three partners with readable lists and one that exchanges keys. Each step changes something: rows of ours
or of a list, two accounts that become one, a parent, a status, an override, an exclusion, an alias, an agreement, its
epoch, a partner, a play's rule, keys of misspelt names, a threshold, a weight, or the version of what compares names.
Then the project is built as it stands, and a copy of it, made just before, with `--full-refresh`: all marts have to be
the same, byte by byte. What is kept for good (history, first days, frozen counts, ids) both have from the copy.

In each kill `rerun` is started after such a change and killed (SIGKILL) at a random moment. The marts have to be those
of before, or all those of the new run; then `rerun` has to end with 0 and the marts of a whole build. What had ended
before is no kill, and is tried again. Exits with 1 at the first finding.
"""

from __future__ import annotations

import argparse
import csv
import gc
import json
import os
import random
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import duckdb

from exchange.dbt_project import DbtProject

from .ours import ROOT, Project

MODELS_ONLY = ("--exclude-resource-type", "test", "unit_test")
PUBLIC = "account_mapping_public"
# It names the run.
NOT_COMPARED = {"account_mapping__build"}
LISTS = ("aster", "birch", "cedar")
STATUSES = ("customer", "open_opportunity", "churned", "prospect")
LEVELS = ("hidden", "counts", "overlapping", "all")
FIRST = ("kudu", "ibex", "okapi", "bison", "eland", "oryx", "gazelle", "impala", "nyala", "serow", "takin", "saola")
SECOND = ("dental", "works", "bank", "logistics", "services", "foods", "energy", "systems")
FORMS = ("", " GmbH", " Inc.", " Ltd", " Group")
CITIES = ("Oslo", "Bern", "Rome", "Lima")
ACCOUNT = ("account_id", "account_name", "website", "status", "city", "parent_account_id")
SEEDS: dict[str, tuple[str, ...]] = {
    "account_mapping__partners": (
        "partner_id", "partner_name", "exchange", "is_active", "agreement_id", "epoch",
    ),
    "account_mapping__match_overrides": ("partner_id", "account_id", "partner_account_id", "decision"),
    "account_mapping__exclusions": ("kind", "value", "partner_id", "reason"),
    "account_mapping__domain_aliases": ("domain", "canonical_domain", "relation"),
    "account_mapping__sharing_agreements": (
        "partner_id", "direction", "our_status", "partner_status", "level", "fields", "minimum_count", "valid_from",
        "valid_until",
    ),
    "account_mapping__match_weights": ("feature", "weight"),
    "account_mapping__play_rules": (
        "our_status", "partner_status", "play", "base_score", "ask", "give_back", "recent_win_points",
        "long_customer_points", "new_overlap_points", "owners_known_points", "open_amount_points", "recent_days",
        "long_customer_days", "full_amount",
    ),
}  # fmt: skip
# Of the package what dbt reads, so that a step may change its code.
READ_BY_DBT = ("dbt_project.yml", "macros", "models", "python_models", "seeds", "tests")
SCORER = Path("python_models", "matching", "int_account_mapping__fuzzy_pairs.py")


class World:
    """All that is read: our accounts and the lists by their ids, settings by seed, vars."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.next_id = 0
        self.tables: dict[str, dict[str, dict[str, str | None]]] = {name: {} for name in ("ours", *LISTS)}
        self.seeds: dict[str, list[dict[str, str]]] = {name: [] for name in SEEDS}
        self.variables: dict[str, object] = {
            "account_mapping__crms": ["generic"],
            "account_mapping__partner_lists_path": "",
            "account_mapping__history": True,
            "account_mapping__as_of": "2026-11-15",
        }
        self.seeds["account_mapping__partners"] = [
            {"partner_id": name, "partner_name": name.title(), "exchange": "list", "is_active": "true",
             "agreement_id": "", "epoch": ""}
            for name in LISTS
        ] + [
            {"partner_id": "keyed", "partner_name": "Keyed", "exchange": "keys", "is_active": "true",
             "agreement_id": "pact", "epoch": "1"}
        ]  # fmt: skip
        self.seeds["account_mapping__sharing_agreements"] = [
            self.rule(direction) for direction in ("offered", "accepted")
        ]
        for name in ("account_mapping__match_weights", "account_mapping__play_rules"):
            with (ROOT / "seeds" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
                self.seeds[name] = list(csv.DictReader(file))
        self.scorer_version = 0
        for name in self.tables:
            for _ in range(80 if name == "ours" else 50):
                self.insert(name)

    def rule(self, direction: str) -> dict[str, str]:
        return dict.fromkeys(SEEDS["account_mapping__sharing_agreements"], "") | {
            "partner_id": "keyed", "direction": direction, "our_status": "*", "partner_status": "*",
            "level": self.rng.choice(LEVELS), "fields": "status",
        }  # fmt: skip

    def words(self) -> tuple[str, str]:
        return self.rng.choice(FIRST), self.rng.choice(SECOND)

    def row(self, key: str) -> dict[str, str | None]:
        words = self.words()
        name = " ".join(words) if self.rng.random() < 0.9 else words[0]
        return {
            "account_id": key,
            "account_name": name.title() + self.rng.choice(FORMS) if self.rng.random() < 0.95 else None,
            "website": f"{words[0]}-{words[1]}.com" if self.rng.random() < 0.6 else None,
            "status": self.rng.choice(STATUSES),
            "city": self.rng.choice((*CITIES, None)),
            "parent_account_id": None,
        }

    # -------- edits, each with the table it is of

    def insert(self, table: str) -> None:
        self.next_id += 1
        key = f"{table[0]}{self.next_id}"
        self.tables[table][key] = self.row(key)

    def some(self, table: str) -> dict[str, str | None]:
        return self.tables[table][self.rng.choice(sorted(self.tables[table]))]

    def update(self, table: str) -> None:
        row = self.some(table)
        row |= self.row(str(row["account_id"]))

    def delete(self, table: str) -> None:
        del self.tables[table][str(self.some(table)["account_id"])]

    def merge(self, table: str) -> None:
        """Two accounts become one, to which the other's daughters belong then."""
        stays, goes = (str(self.some(table)["account_id"]) for _ in range(2))
        if stays != goes:
            del self.tables[table][goes]
            for row in self.tables[table].values():
                if row["parent_account_id"] == goes:
                    row["parent_account_id"] = stays if row["account_id"] != stays else None

    def status(self, table: str) -> None:
        self.some(table)["status"] = self.rng.choice(STATUSES)

    def parent(self, table: str) -> None:
        self.some(table)["parent_account_id"] = self.rng.choice((None, self.some(table)["account_id"]))

    def toggle(self, seed: str, row: dict[str, str]) -> None:
        """Add a row to a seed, or take an older one away."""
        rows = self.seeds[seed]
        if len(rows) > 3 or (rows and self.rng.random() < 0.3):
            rows.pop(self.rng.randrange(len(rows)))
        elif row not in rows:
            rows.append(row)

    def override(self, table: str) -> None:
        partner = self.rng.choice(LISTS)
        self.toggle(
            "account_mapping__match_overrides",
            {"partner_id": partner, "account_id": str(self.some("ours")["account_id"]),
             "partner_account_id": str(self.some(partner)["account_id"]),
             "decision": self.rng.choice(("match", "no_match"))},
        )  # fmt: skip

    def exclusion(self, table: str) -> None:
        first, second = self.words()
        self.toggle(
            "account_mapping__exclusions",
            {"kind": "domain", "value": f"{first}-{second}.com", "partner_id": self.rng.choice(("*", *LISTS)),
             "reason": self.rng.choice(("hosting", "competitor"))},
        )  # fmt: skip

    def alias(self, table: str) -> None:
        (a, b), (c, d) = self.words(), self.words()
        if (a, b) != (c, d):
            self.toggle(
                "account_mapping__domain_aliases",
                {"domain": f"{a}-{b}.com", "canonical_domain": f"{c}-{d}.com", "relation": "alias"},
            )

    def agreement(self, table: str) -> None:
        rules = self.seeds["account_mapping__sharing_agreements"]
        place = self.rng.randrange(len(rules))
        rules[place] = self.rule(rules[place]["direction"])

    def partner(self, table: str) -> None:
        row = self.rng.choice(self.seeds["account_mapping__partners"][: len(LISTS)])
        row["is_active"] = "false" if row["is_active"] == "true" else "true"

    def epoch(self, table: str) -> None:
        self.seeds["account_mapping__partners"][-1]["epoch"] = self.rng.choice(("1", "2", "3"))

    def play_rule(self, table: str) -> None:
        self.rng.choice(self.seeds["account_mapping__play_rules"])["base_score"] = str(self.rng.randint(10, 90))

    def typo_keys(self, table: str) -> None:
        self.variables["account_mapping__typo_keys"] = self.rng.random() < 0.5

    def version(self, table: str) -> None:
        self.scorer_version += 1

    def threshold(self, table: str) -> None:
        self.variables["account_mapping__accept_threshold"] = self.rng.choice((0.9, 0.92, 0.95))

    def weight(self, table: str) -> None:
        row = next(row for row in self.seeds["account_mapping__match_weights"] if row["feature"] == "bias")
        row["weight"] = str(round(float(row["weight"]) + self.rng.choice((-0.01, 0.01)), 6))

    def edits(self) -> dict[str, Callable[[str], None]]:
        rows = (self.insert, self.update, self.delete, self.merge, self.status, self.parent)
        rules = (self.override, self.exclusion, self.alias, self.agreement, self.epoch, self.partner, self.play_rule)
        settings = (self.typo_keys, self.threshold, self.weight, self.version)
        return {edit.__name__: edit for edit in (*rows, *rules, *settings)}

    def change(self) -> str:
        """One to three edits; their names."""
        edits = self.edits()
        chosen = [self.rng.choice(sorted(edits)) for _ in range(self.rng.randint(1, 3))]
        for name in chosen:
            edits[name](self.rng.choice(sorted(self.tables)))
        return " ".join(chosen)

    # -------- where dbt reads it

    def write_settings(self, folder: Path) -> None:
        path = folder / "dbt_project.yml"
        project = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps(project | {"vars": self.variables}), encoding="utf-8")
        for name, rows in self.seeds.items():
            with (folder / "seeds" / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, SEEDS[name], lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)

    def write_rows(self, database: Path) -> None:
        with duckdb.connect(str(database)) as connection:
            for schema in ("generic", "partners"):
                connection.execute(f"create schema if not exists {schema}")
            columns = ", ".join(f"{name} varchar" for name in ACCOUNT)
            connection.execute(f"create or replace table generic.accounts ({columns})")
            connection.execute(f"create or replace table partners.partner_accounts (partner_id varchar, {columns})")
            rules = SEEDS["account_mapping__sharing_agreements"]
            connection.execute(
                "create or replace table partners.partner_agreements ("
                + ", ".join(f"{name} varchar" for name in rules)
                + ")"
            )
            # what the partner states, as we do
            connection.executemany(
                f"insert into partners.partner_agreements values ({', '.join('?' * len(rules))})",
                [[row[name] or None for name in rules] for row in self.seeds["account_mapping__sharing_agreements"]],
            )
            for name, rows in self.tables.items():
                values = [[row[column] for column in ACCOUNT] for row in rows.values()]
                self.rng.shuffle(values)
                if name != "ours":
                    values = [[name, *row] for row in values]
                table = "generic.accounts" if name == "ours" else "partners.partner_accounts"
                marks = ", ".join("?" * (len(ACCOUNT) + (name != "ours")))
                connection.executemany(f"insert into {table} values ({marks})", values)


def marts(database: Path, manifest: Path) -> dict[str, list[tuple]]:
    """Every public mart's rows as text, sorted."""
    nodes = json.loads(manifest.read_text(encoding="utf-8"))["nodes"].values()
    public = {
        node["alias"]: node["relation_name"]
        for node in nodes
        if node["resource_type"] == "model" and PUBLIC in node["tags"] and node["alias"] not in NOT_COMPARED
    }
    with duckdb.connect(str(database), read_only=True) as connection:
        return {
            name: connection.execute(f"select columns(*)::varchar from {relation} order by all").fetchall()
            for name, relation in sorted(public.items())
        }


class Soak:
    """The project that is built as it stands, `kept`, and the one that is built whole, `full`."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.world = World(seed)
        self.parsed: dict[Path, tuple[str, DbtProject]] = {}
        self.package = folder / "package"
        self.package.mkdir()
        for name in READ_BY_DBT:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, self.package / name)
        self.kept, self.full = (
            Project(
                folder / name,
                "list",
                engine={"threads": "1"},
                seeds={name: [dict.fromkeys(columns, "")] for name, columns in SEEDS.items()},
            )
            for name in ("kept", "full")
        )
        for project in (self.kept, self.full):
            self.write_settings(project)
            DbtProject(project.folder).run("deps")
        self.world.write_rows(self.kept.database)
        self.build(self.kept)
        self.manifest = self.kept.folder / "target" / "manifest.json"

    def build(self, project: Project, *options: str) -> None:
        # what is parsed: rows, of seeds too, are read when they are built
        code = f"{(project.folder / 'dbt_project.yml').read_text(encoding='utf-8')} {self.world.scorer_version}"
        if self.parsed.get(project.folder, ("",))[0] != code:
            self.parsed[project.folder] = (
                code,
                DbtProject(project.folder, ("--profiles-dir", str(project.folder), "--threads", "1"), is_logged=False),
            )
        self.parsed[project.folder][1].run("build", *MODELS_ONLY, *options)

    def write_settings(self, project: Project) -> None:
        self.world.write_settings(project.folder)
        packages = json.dumps({"packages": [{"local": str(self.package)}]})
        (project.folder / "packages.yml").write_text(packages, encoding="utf-8")
        code = (ROOT / SCORER).read_text(encoding="utf-8")
        (self.package / SCORER).write_text(f"{code}\n\n# {self.world.scorer_version}\n", encoding="utf-8")

    def change(self) -> str:
        """Change something, and leave a copy of the database, as it was built last, to the other project."""
        edits = self.world.change()
        for project in (self.kept, self.full):
            self.write_settings(project)
        self.world.write_rows(self.kept.database)
        shutil.copyfile(self.kept.database, self.full.database)
        return edits

    def whole(self) -> dict[str, list[tuple]]:
        self.build(self.full, "--full-refresh")
        return marts(self.full.database, self.manifest)

    def step(self) -> tuple[str, list[str]]:
        """The edits, and the marts that differ."""
        edits = self.change()
        self.build(self.kept)
        found, expected = marts(self.kept.database, self.manifest), self.whole()
        return edits, [name for name in expected if found[name] != expected[name]]

    def rerun(self) -> list[str]:
        folder = str(self.kept.folder)
        command = [str(ROOT / "rerun"), "--project-dir", folder, "--profiles-dir", folder, *MODELS_ONLY]
        return [sys.executable, *command]

    def kill(self, seconds: float) -> tuple[bool, list[str]]:
        """Whether it was killed before its end, and what was wrong."""
        before = marts(self.kept.database, self.manifest)
        self.change()
        with subprocess.Popen(self.rerun(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            time.sleep(self.world.rng.uniform(0, seconds))
            was_running = process.poll() is None
            process.kill()
        after, expected = marts(self.kept.database, self.manifest), self.whole()
        wrong = [] if after in (before, expected) else ["marts of two runs"]
        done = subprocess.run(self.rerun(), capture_output=True, text=True, check=False)
        if done.returncode:
            wrong.append(f"the next run ended with {done.returncode}: {done.stderr[-300:]}")
        elif marts(self.kept.database, self.manifest) != expected:
            wrong.append("the next run left other marts than a whole build")
        return was_running, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=18)
    options = parser.parse_args()
    # dbt keeps millions of small objects, among which there is next to no garbage
    gc.set_threshold(100_000, 50, 100)
    os.environ["ACCOUNT_MAPPING_SECRET_KEYED"] = secrets.token_hex(32)
    edits: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        start = time.monotonic()
        soak = Soak(Path(folder), options.seed)
        for number in range(options.steps):
            done, different = soak.step()
            edits.update(done.split())
            if number % 10 == 9:
                print(f"{number + 1} steps after {time.monotonic() - start:.0f} s", flush=True)
            if different:
                print(f"step {number} ({done}): {', '.join(different)} differ")
                return 1
        print(f"{options.steps} steps, 0 marts differ; edits: {dict(sorted(edits.items()))}", flush=True)
        begin = time.monotonic()
        if options.kills:
            subprocess.run([*soak.rerun(), "--all"], capture_output=True, check=True)
        seconds = time.monotonic() - begin
        tries = killed = 0
        while killed < options.kills:
            was_running, wrong = soak.kill(seconds)
            tries += 1
            killed += was_running
            print(f"{killed} kills in {tries} runs after {time.monotonic() - start:.0f} s", flush=True)
            if wrong:
                print(f"run {tries}: {'; '.join(wrong)}")
                return 1
        print(f"{killed} kills before the end: marts old or new, each next run right")
        print(f"{time.monotonic() - start:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
