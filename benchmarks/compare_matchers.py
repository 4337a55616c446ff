#!/usr/bin/env python3
"""Measure this package's own dbt models beside public matchers on labelled sets.

usage: python -m benchmarks.compare_matchers SETS_DIR [options]

SETS_DIR holds one folder per set: left.csv and right.csv (id, name, country, city;
other columns are not read, so that a domain stays hidden) and truth.csv (left_id,
right_id). A truth.csv with name_relation (same_name, name_contains_parent, ...)
makes a set of families, which only this package is measured on; `relation` says
there whether a pair is the `same` company. Websites are a set's column `domain`, or
its websites.csv (side, id, domain). SETS_DIR/scale holds names.csv (name).

Every method runs on every set as a process of its own, one after the other, which
gives its wall time, the processor time of all cores and the most memory it held;
all three include the start of Python and the reading of the files. `ours` is `dbt build --select
+account_mapping__matches` without tests, in a new project that installs this
package with default settings; installing (`dbt deps`) is not counted.

Columns: F1, the best over all cuts of the score; R@P99, recall at 99 % precision;
P and R, of the pairs that ours accepts (decision `accepted`), the best per left
record; P links, of all pairs accepted; ECE, expected calibration error of the best
pair of each left record (Splink's weights are turned into probabilities); ECE acc,
of all pairs accepted. peers.py says what the other methods do.

--websites also matches each set that has websites on both sides with the websites
given, and says how many true pairs are accepted, as what.

--scale adds `run s`, the wall time without the start of the process: of ours what
dbt counts as the run of its nodes, which reads the partner's file and writes every
table on the way; of tf-idf the way from lists in memory to pairs in memory.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from . import ours
from .ours import BenchmarkError, Cost
from .scoring import (
    Families,
    Pair,
    Quality,
    Related,
    Relations,
    Relative,
    Truth,
    families,
    quality,
    relations,
)

HERE = Path(__file__).resolve().parent
PEERS = ("exact", "tfidf", "emm", "splink")
# A peer that runs only where --methods names it, as it needs one more environment.
LOGIC = "logic"
DEFAULT_METHODS = (*PEERS, "ours")
METHODS = (*PEERS, LOGIC, "ours")
# The set on which an exchange of keys is played.
KEYS_SET = "listings"
# The var that offers keys of misspelt names.
TYPO_KEYS = "account_mapping__typo_keys"
PEERS_ENVIRONMENT = HERE / ".venv-peers"
LOGIC_ENVIRONMENT = HERE / ".venv-logic"

Row = dict[str, str]


class Labelled(NamedTuple):
    """One set. truth: rows of truth.csv."""

    name: str
    folder: Path
    truth: list[Row]

    @property
    def left(self) -> Path:
        return self.folder / "left.csv"

    @property
    def right(self) -> Path:
        return self.folder / "right.csv"

    @property
    def has_families(self) -> bool:
        return bool(self.truth) and "name_relation" in self.truth[0]

    @property
    def is_whole(self) -> bool:
        """Whether a left record without a true pair has none, rather than one that nobody has told."""
        return not (self.truth and "relation" in self.truth[0])

    @property
    def partners(self) -> Truth:
        """Right ids by left id."""
        result: dict[str, set[str]] = {}
        for row in self.truth:
            result.setdefault(row["left_id"], set()).add(row["right_id"])
        return result

    @property
    def related(self) -> list[Related]:
        """True pairs with what they are; without a column `relation` the same company."""
        return [
            Related(
                row["left_id"], row["right_id"], row.get("relation", "same") == "same", row.get("name_relation", "")
            )
            for row in self.truth
        ]


class Measured(NamedTuple):
    """One line of the table of qualities."""

    set_name: str
    method: str
    quality: Quality
    cost: Cost


class MeasuredFamilies(NamedTuple):
    set_name: str
    families: Families
    cost: Cost


class MeasuredWebsites(NamedTuple):
    """One set with its websites given."""

    set_name: str
    relations: Relations
    cost: Cost


class MeasuredScale(NamedTuple):
    """names: on each side. run_seconds: without the start of the process, where that is known."""

    names: int
    method: str
    cost: Cost
    run_seconds: float | None = None


Line = Measured | MeasuredFamilies | MeasuredWebsites | MeasuredScale
Job = Callable[[], Line | list[Measured] | list[MeasuredScale]]


def say(text: str) -> None:
    """Progress, apart from the tables."""
    print(text, file=sys.stderr, flush=True)


# ---------------------------------------------------------------- files


def read_csv(path: Path) -> list[Row]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write_pairs(path: Path, pairs: list[Pair]) -> None:
    """Pairs as left_id, right_id, score, so that another scorer can read them; equal scores in the order given."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Pair._fields)
        writer.writerows(sorted(pairs, key=lambda pair: (pair.left_id, -pair.score)))


def find_sets(folder: Path, wanted: list[str] | None) -> list[Labelled]:
    """The wanted sets, or all that the folder holds. Raises BenchmarkError where one is missing."""
    names = wanted or sorted(path.parent.name for path in folder.glob("*/truth.csv"))
    missing = [name for name in names if not (folder / name / "truth.csv").is_file()]
    if missing or not names:
        raise BenchmarkError(f"{folder} has no set {', '.join(missing)}" if missing else f"{folder} has no set")
    return [Labelled(name, folder / name, read_csv(folder / name / "truth.csv")) for name in names]


def sides_with_websites(labelled: Labelled) -> tuple[list[Row], list[Row]] | None:
    """Both sides with their websites in `domain`; None where a side has none."""
    sides = read_csv(labelled.left), read_csv(labelled.right)
    path = labelled.folder / "websites.csv"
    if path.is_file():
        domains = {(row["side"], row["id"]): row["domain"] for row in read_csv(path)}
        for name, side in zip(("left", "right"), sides, strict=True):
            for row in side:
                row["domain"] = domains.get((name, row["id"]), "")
    return sides if all(any(row.get("domain") for row in side) for side in sides) else None


def write_side(path: Path, rows: list[Row]) -> None:
    """One side with its websites."""
    with path.open("w", newline="", encoding="utf-8") as file:
        columns = ["id", "name", "domain", "country", "city"]
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write_names(path: Path, side: str, names: list[str]) -> None:
    """A side without places, for runs of scale."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id", "name", "country", "city"])
        writer.writerows((f"{side}{position}", name, "", "") for position, name in enumerate(names))


# ---------------------------------------------------------------- runs


def made_python(environment: Path) -> str:
    """A Python in an environment that is made here on the first run.

    environment: its folder `.venv-<name>`, made from `requirements-<name>.txt` beside it. Raises BenchmarkError where
    something cannot be installed.
    """
    name = environment.name.removeprefix(".venv-")
    requirements = environment.with_name(f"requirements-{name}.txt")
    python = environment / "bin" / "python"
    done = environment / "installed"
    if not done.exists():
        say(f"installing {requirements.name} into {environment} (once) ...")
        commands = (
            [sys.executable, "-m", "venv", "--clear", environment],
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements],
        )
        for command in commands:
            if subprocess.run(command, check=False).returncode:
                raise BenchmarkError(
                    f"{requirements.name} could not be installed; the file says what it needs. Name another Python "
                    f"that has it (--{name}-python), or leave its methods out (--methods ours)"
                )
        done.touch()
    return str(python)


def peers_pythons(arguments: argparse.Namespace) -> dict[str, str]:
    """The Python that runs each peer which was asked for."""
    pythons = {}
    asked = set(arguments.methods)
    if asked & set(PEERS):
        pythons = dict.fromkeys(PEERS, arguments.peers_python or made_python(PEERS_ENVIRONMENT))
    if LOGIC in asked:
        pythons[LOGIC] = arguments.logic_python or made_python(LOGIC_ENVIRONMENT)
    return pythons


def run_peer(python: str, method: str, left: Path, right: Path, work: Path) -> tuple[list[Pair], Cost]:
    """One peer on two files: its pairs and what it cost."""
    found = work / f"{method}.raw.csv"
    command = [python, HERE / "peers.py", method, left, right, found]
    cost = ours.run_measured(command, work / f"{method}.cost.json", work)
    return [Pair(row["left_id"], row["right_id"], float(row["score"])) for row in read_csv(found)], cost


def probability(weight: float) -> float:
    """Splink's match weight, base-2 log odds, as a probability."""
    return 1.0 / (1.0 + 2.0 ** min(-weight, 1_000.0))


def measure_peer(python: str, method: str, labelled: Labelled, work: Path) -> Measured:
    pairs, cost = run_peer(python, method, labelled.left, labelled.right, work)
    write_pairs(work / f"{method}.csv", pairs)
    figures = quality(pairs, labelled.partners)
    if method == "splink":
        chances = [pair._replace(score=probability(pair.score)) for pair in pairs]
        calibration = quality(chances, labelled.partners, are_probabilities=True).calibration
        figures = figures._replace(calibration=calibration)
    return Measured(labelled.name, method, figures, cost)


def measure_ours(labelled: Labelled, work: Path) -> Measured | MeasuredFamilies:
    project = ours.list_project(work / "ours", labelled.left, labelled.right)
    cost = project.build(ours.MATCHES)
    pairs = project.scored()
    write_pairs(work / "ours.csv", pairs)
    if not labelled.has_families:
        figures = quality(pairs, labelled.partners, project.accepted(), are_probabilities=True)
        return Measured(labelled.name, "ours", figures, cost)
    truth = [Relative(row["left_id"], row["right_id"], row["name_relation"]) for row in labelled.truth]
    records = [{row.pop("id"): row for row in read_csv(path)} for path in (labelled.left, labelled.right)]
    return MeasuredFamilies(labelled.name, families(truth, project.links(), *records), cost)


def build_with_websites(sides: tuple[list[Row], list[Row]], work: Path) -> tuple[ours.Project, Cost]:
    """This package's project of two sides whose websites are given, built in the new folder `work`."""
    work.mkdir(parents=True)
    paths = work / "left.csv", work / "right.csv"
    for path, rows in zip(paths, sides, strict=True):
        write_side(path, rows)
    project = ours.list_project(work / "ours", *paths, side=ours.SIDE_WITH_WEBSITES)
    return project, project.build(ours.MATCHES)


def measure_websites(labelled: Labelled, sides: tuple[list[Row], list[Row]], work: Path) -> MeasuredWebsites:
    project, cost = build_with_websites(sides, work)
    return MeasuredWebsites(labelled.name, relations(labelled.related, project.links(), labelled.is_whole), cost)


def measure_keys(labelled: Labelled, work: Path) -> list[Measured]:
    """The same set when only hashed keys cross, or are intersected: our build and the partner's."""
    runs: list[tuple[str, str, dict[str, object]]] = [
        (f"ours, {exchange}{' + typo' if options else ''}", exchange, options)
        for exchange in ("keys", "psi")
        for options in ({}, {TYPO_KEYS: True})
    ]
    result = []
    for position, (method, exchange, variables) in enumerate(runs):
        side, partner, cost, partner_cost = ours.keys_projects(
            work / f"keys_{position}", labelled.left, labelled.right, variables, exchange
        )
        ids = partner.account_tokens()
        scored, accepted = (
            [pair._replace(right_id=ids[pair.right_id]) for pair in pairs] for pairs in (side.scored(), side.accepted())
        )
        write_pairs(work / f"keys_{position}.csv", scored)
        figures = quality(scored, labelled.partners, accepted, are_probabilities=True)
        result.append(Measured(labelled.name, method, figures, cost))
        say(f"{labelled.name}, {method}: the partner's side took {partner_cost.seconds:.1f} s")
    return result


def scale_sizes(wanted: int, n_names: int) -> tuple[int, int]:
    """Names per side of the two runs: wanted and twice that, or half of it and wanted where the file has too few."""
    if n_names < 2 * wanted:
        raise BenchmarkError(f"names.csv has {n_names:,} names: too few for two sides of {wanted:,}")
    return (wanted, 2 * wanted) if n_names >= 4 * wanted else (wanted // 2, wanted)


def measure_scale(python: str | None, names: list[str], methods: list[str], work: Path) -> list[MeasuredScale]:
    """len(names) / 2 names against as many: ours in whole dbt runs, its Python models alone, and tf-idf."""
    half = len(names) // 2
    left, right = work / "left.csv", work / "right.csv"
    write_names(left, "l", names[:half])
    write_names(right, "r", names[half:])
    result = []
    if "ours" in methods:
        project = ours.list_project(work / "ours", left, right)
        # dbt reads the whole project at the first build only
        for method in ("ours (first build)", "ours (built again)"):
            cost = project.build(ours.SCORES)
            result.append(MeasuredScale(half, method, cost, project.run_seconds()))
        manifest = project.folder / "target" / "manifest.json"
        command = [sys.executable, "-m", "benchmarks.models_alone", manifest, project.database]
        alone = ours.run_measured(command, work / "alone.json", ours.ROOT)
        result.append(MeasuredScale(half, "ours (models alone)", alone))
    if "tfidf" in methods and python:
        cost = run_peer(python, "tfidf", left, right, work)[1]
        seconds = float((work / "tfidf.seconds").read_text(encoding="utf-8"))
        result.append(MeasuredScale(half, "tfidf", cost, seconds))
    return result


# ---------------------------------------------------------------- tables


def rate(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def table(header: list[str], rows: list[list[str]]) -> str:
    """Markdown: text to the left, figures to the right."""
    # a rule of Markdown is at least `-:`
    widths = [max(2, *(len(line[column]) for line in [header, *rows])) for column in range(len(header))]
    texts = [column < 2 for column in range(len(header))]

    def line(cells: list[str]) -> str:
        padded = [
            cell.ljust(width) if is_text else cell.rjust(width)
            for cell, width, is_text in zip(cells, widths, texts, strict=True)
        ]
        return f"| {' | '.join(padded)} |"

    rule = ["-" * width if is_text else "-" * (width - 1) + ":" for width, is_text in zip(widths, texts, strict=True)]
    return "\n".join([line(header), line(rule), *(line(row) for row in rows)])


COST_HEADER = ["seconds", "CPU s", "MB"]


def cost_cells(cost: Cost) -> list[str]:
    return [f"{cost.seconds:.1f}", f"{cost.cpu_seconds:.1f}", f"{cost.megabytes:.0f}"]


def quality_table(lines: list[Measured]) -> str:
    header = ["set", "method", "F1", "R@P99", "P", "R", "P links", "ECE", "ECE acc", *COST_HEADER]
    rows = [[m.set_name, m.method, *map(rate, m.quality), *cost_cells(m.cost)] for m in lines]
    return table(header, rows)


def share(part: int, whole: int) -> str:
    return f"{part} of {whole}" + (f" ({part / whole:.4f})" if whole else "")


def families_text(measured: MeasuredFamilies) -> str:
    """What is measured on a set of families, as lines of text."""
    found = measured.families
    seconds, cpu_seconds, megabytes = cost_cells(measured.cost)
    return "\n".join(
        [
            f"{measured.set_name}, ours ({seconds} s, {cpu_seconds} s of processors, {megabytes} MB)",
            f"  linked, of pairs whose name equals or contains the parent's: {share(found.linked, found.named)}",
            f"  precision of all accepted links: {share(found.true_links + found.one_record, found.links)}",
            f"  the same, if one record in both lists were wrong: {share(found.true_links, found.links)}",
            "  links by relationship: " + ", ".join(f"{n} {kind}" for kind, n in found.relationships.items()),
            f"  one name in two countries, called `same`: {share(found.abroad_same, found.abroad)}",
        ]
    )


def websites_text(measured: MeasuredWebsites) -> str:
    """What is measured on a set whose websites are given, as lines of text."""
    found = measured.relations
    seconds, cpu_seconds, megabytes = cost_cells(measured.cost)
    lines = [
        f"{measured.set_name}, ours, websites given ({seconds} s, {cpu_seconds} s of processors, {megabytes} MB)",
        f"  true pairs linked: {share(*found.linked_recall)}; of the links right: {share(*found.linked_precision)}",
    ]
    for kind, recall, precision in (
        ("same", found.same_recall, found.same_precision),
        ("family", found.family_recall, found.family_precision),
    ):
        if recall.whole or precision.whole:
            lines.append(f"  {kind}: found {share(*recall)}; of the links right: {share(*precision)}")
    lines.append(f"  `same` pairs accepted as anything: {share(found.same_accepted, found.same_recall.whole)}")
    if found.family_recall.whole:
        lines.append(f"  family pairs called `same`: {found.family_called_same}")
        by_name = ", ".join(f"{name or 'unnamed'} {share(*part)}" for name, part in found.family_by_name.items())
        lines.append(f"  family found, by how the names go together: {by_name}")
    return "\n".join(lines)


def keys_text(readable: Measured, keyed: list[Measured]) -> str:
    """What is lost when only keys cross."""
    lines = [f"{readable.set_name}: accepted pairs when only hashed keys cross"]
    whole = readable.quality.accepted_recall
    for measured in [readable, *keyed]:
        found = measured.quality
        kept = rate(found.accepted_recall / whole if whole else None)
        lines.append(
            f"  {measured.method:<18} precision {rate(found.accepted_precision)} (all links "
            f"{rate(found.links_precision)}), recall {rate(found.accepted_recall)}, {kept} of the readable run's"
        )
    return "\n".join(lines)


def scale_table(lines: list[MeasuredScale]) -> str:
    """Cost by size, and by how much it grew when both lists doubled."""
    header = ["names", "method", "run s", *COST_HEADER, "growth", "CPU growth"]
    former: dict[str, Cost] = {}
    rows = []
    for m in lines:
        growth = ["-", "-"]
        if m.method in former:
            growth = [f"{now / before:.2f}" for now, before in zip(m.cost[:2], former[m.method][:2], strict=True)]
        former[m.method] = m.cost
        run = "-" if m.run_seconds is None else f"{m.run_seconds:.1f}"
        rows.append([f"{m.names:,} x {m.names:,}", m.method, run, *cost_cells(m.cost), *growth])
    return table(header, rows)


# ---------------------------------------------------------------- command


def plan(arguments: argparse.Namespace, pythons: Mapping[str, str], work: Path) -> list[tuple[str, Job]]:
    """Every run that was asked for, by name, in the order of the tables. pythons: of peers_pythons."""

    def folder(*parts: str) -> Path:
        path = work.joinpath(*parts)
        path.mkdir(parents=True)
        return path

    jobs: list[tuple[str, Job]] = []
    sets = find_sets(arguments.sets_dir, arguments.sets)
    if arguments.websites and "ours" not in arguments.methods:
        raise BenchmarkError("--websites measures this package: it needs the method ours")
    if arguments.keys and ("ours" not in arguments.methods or KEYS_SET not in [labelled.name for labelled in sets]):
        raise BenchmarkError(f"--keys compares with the readable run: it needs the method ours and the set {KEYS_SET}")
    for labelled in sets:
        place = folder(labelled.name)
        for method in arguments.methods:
            if method == "ours":
                jobs.append((f"{labelled.name}, ours", lambda s=labelled, w=place: measure_ours(s, w)))
            elif not labelled.has_families:
                python = pythons[method]
                jobs.append(
                    (
                        f"{labelled.name}, {method}",
                        lambda p=python, m=method, s=labelled, w=place: measure_peer(p, m, s, w),
                    )
                )
        sides = sides_with_websites(labelled) if arguments.websites else None
        if sides:
            jobs.append(
                (
                    f"{labelled.name}, websites",
                    lambda s=labelled, both=sides, w=place: measure_websites(s, both, w / "websites"),
                )
            )
        if arguments.keys and labelled.name == KEYS_SET:
            jobs.append((f"{labelled.name}, keys", lambda s=labelled, w=place: measure_keys(s, w)))
    if arguments.scale:
        source = arguments.sets_dir / "scale" / "names.csv"
        if not source.is_file():
            raise BenchmarkError(f"--scale needs {source}")
        names = [row["name"] for row in read_csv(source)]
        tfidf = pythons.get("tfidf")
        for size in scale_sizes(arguments.scale, len(names)):
            part, place = names[: 2 * size], folder("scale", str(size))
            jobs.append((f"{size:,} names", lambda p=part, w=place: measure_scale(tfidf, p, arguments.methods, w)))
    return jobs


def run(jobs: list[tuple[str, Job]], at_once: int) -> list[Line]:
    """All runs' results in the plan's order, saying on stderr what is done."""
    start = time.monotonic()

    def announced(name: str, job: Job) -> list[Line]:
        result = job()
        say(f"{time.monotonic() - start:7.1f} s  {name}")
        return result if isinstance(result, list) else [result]

    with ThreadPoolExecutor(at_once) as pool:
        waiting = [pool.submit(announced, name, job) for name, job in jobs]
        try:
            return [line for future in waiting for line in future.result()]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def report(results: list[Line]) -> str:
    """The tables."""
    measured = [line for line in results if isinstance(line, Measured)]
    parts = [quality_table(measured)] if measured else []
    parts += [families_text(line) for line in results if isinstance(line, MeasuredFamilies)]
    parts += [websites_text(line) for line in results if isinstance(line, MeasuredWebsites)]
    keyed = [line for line in measured if line.method.startswith(("ours, keys", "ours, psi"))]
    readable = [line for line in measured if line.set_name == KEYS_SET and line.method == "ours"]
    if keyed and readable:
        parts.append(keys_text(readable[0], keyed))
    scale = [line for line in results if isinstance(line, MeasuredScale)]
    if scale:
        parts.append(scale_table(scale))
    return "\n\n".join(parts)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets_dir", type=Path, metavar="SETS_DIR")
    parser.add_argument("--sets", nargs="+", metavar="SET", help="sets to run (default: all in SETS_DIR)")
    parser.add_argument(
        "--methods", nargs="+", choices=METHODS, default=list(DEFAULT_METHODS), metavar="METHOD",
        help=f"methods to run, of {', '.join(METHODS)} (default: all but {LOGIC})",
    )  # fmt: skip
    parser.add_argument("--keys", action="store_true", help=f"also {KEYS_SET} when only hashed keys cross, or points")
    parser.add_argument("--websites", action="store_true", help="also the sets that have websites, with them")
    parser.add_argument(
        "--scale", type=int, metavar="N",
        help="also N x N names of SETS_DIR/scale, and twice as many (or half, where there are too few): ours and tfidf",
    )  # fmt: skip
    parser.add_argument("--jobs", type=int, default=1, help="processes at once; more than 1 spoils times (default: 1)")
    parser.add_argument(
        "--peers-python", metavar="PATH",
        help=f"a Python with the peers (default: made once in {PEERS_ENVIRONMENT.relative_to(HERE.parent)})",
    )  # fmt: skip
    parser.add_argument(
        "--logic-python", metavar="PATH",
        help=f"a Python with {LOGIC} (default: made once in {LOGIC_ENVIRONMENT.relative_to(HERE.parent)})",
    )  # fmt: skip
    parser.add_argument("--work", type=Path, metavar="FOLDER", help="keep projects and pairs in this new folder")
    return parser.parse_args(arguments)


def main() -> int:
    arguments = parse()
    arguments.sets_dir = arguments.sets_dir.resolve()
    try:
        pythons = peers_pythons(arguments)
        with tempfile.TemporaryDirectory(prefix="account_mapping_benchmark_") as temporary:
            work = arguments.work.resolve() if arguments.work else Path(temporary)
            if work.exists() and any(work.iterdir()):
                raise BenchmarkError(f"{work} is not empty")
            print(report(run(plan(arguments, pythons, work), arguments.jobs)))
    except BenchmarkError as error:
        print(f"\nThe benchmark stopped: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
