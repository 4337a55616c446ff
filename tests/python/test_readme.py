"""README and the pages beside it: their figures are those of the demo, the seeds and the results; links lead somewhere.

usage: python tests/python/test_readme.py

writes the figures of benchmarks/results.csv into the tables of benchmarks/README.md.
"""

from __future__ import annotations

import csv
import re
from datetime import date
from pathlib import Path

import pytest
import yaml

PACKAGE = Path(__file__).resolve().parents[2]
README = PACKAGE / "README.md"
BENCHMARKS = PACKAGE / "benchmarks" / "README.md"
RESULTS = PACKAGE / "benchmarks" / "results.csv"
SETTINGS = PACKAGE / "docs" / "settings.md"
PAGES = sorted(path for folder in (".", "docs", "demo", "benchmarks") for path in (PACKAGE / folder).glob("*.md"))
# Columns of the benchmark tables as (method, measure); without a method the row names it.
COLUMNS = {
    "this package": ("ours", "f1"),
    "trigram tf-idf": ("tfidf", "f1"),
    "EMM": ("emm", "f1"),
    "Splink": ("splink", "f1"),
    "logic-v2": ("logic", "f1"),
    "equal names": ("exact", "f1"),
    "right": ("ours", "precision"),
    "found": ("ours", "recall"),
    "off by (ECE)": ("ours", "ece"),
    "F1, fitted without it": ("ours, fitted without the set", "f1"),
    "right, fitted without it": ("ours, fitted without the set", "precision"),
    "found, fitted without it": ("ours, fitted without the set", "recall"),
    "seconds": ("", "seconds"),
    "own list, seconds": ("", "own_seconds"),
    "partner's list, seconds": ("", "partner_seconds"),
    "MB": ("", "megabytes"),
}
METHODS = {
    "readable list": "ours",
    "hashed keys": "ours, keys",
    "hashed keys and typo keys": "ours, keys + typo",
    "intersection": "ours, psi",
    "intersection and typo keys": "ours, psi + typo",
}
# The set of a table's rows, by the heading of its first column, where the rows name methods.
SETS = {"step": "publish_keys", "of a million keys": "psi"}

Results = dict[tuple[str, str, str], str]


def results() -> Results:
    """Values by (set, method, measure), as written in the file."""
    with RESULTS.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    values = {(row["set"], row["method"], row["measure"]): row["value"] for row in rows}
    assert len(values) == len(rows), "a figure stands twice"
    return values


def shown(measure: str, value: str) -> str:
    """A figure as the pages write it: rates as .9698, whole numbers with separators, seconds as they are."""
    if measure.endswith("seconds"):
        return value
    if "." not in value:
        return f"{int(value):,}"
    return "1.0" if float(value) == 1 else value.lstrip("0")


def filled(page: str, values: Results) -> str:
    """The page with every cell of its tables of figures as the results say; other tables stay."""
    header: list[str] = []
    lines = []
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if not cells:
            header = []
        elif not header:
            header = cells
        elif name := re.match(r"`(\w+)`", cells[0]):
            for place, column in enumerate(header):
                if column in COLUMNS:
                    method, measure = COLUMNS[column]
                    label = cells[1] if header[1] == "method" else ""
                    key = (name[1], METHODS.get(label, method), measure)
                    if header[0] in SETS:
                        key = (SETS[header[0]], name[1], measure)
                    cells[place] = shown(measure, values[key])
            line = f"| {' | '.join(cells)} |"
        lines.append(line)
    return "\n".join(lines) + "\n"


def test_the_tables_of_the_benchmarks_are_those_of_the_results() -> None:
    page = BENCHMARKS.read_text()
    assert filled(page, results()) == page
    figures = re.findall(r"(?<=\| )(?:[\d,]*\.?\d+)(?= \|)", page)
    assert len(figures) > 40


def test_a_figure_that_differs_is_seen() -> None:
    page = "| set | right |\n|---|---|\n| `a`: names | .5 |\n\n| set | other |\n|---|---|\n| `a` | 1 |\n"
    values = {("a", "ours", "precision"): "0.9698"}
    assert filled(page, values) == page.replace(".5", ".9698")


def test_figures_in_sentences_are_those_of_the_results() -> None:
    values = results()

    def one(*key: str) -> str:
        return shown(key[-1], values[key])

    pages = {path: " ".join(path.read_text().split()) for path in (README, BENCHMARKS, PACKAGE / "SECURITY.md")}
    methods = ("ours, fitted without the set", "tfidf")
    f1 = [f"{float(values['listings', method, 'f1']):.3f}".lstrip("0") for method in methods]
    assert f"F1 is {f1[0]}, where trigram tf-idf reaches {f1[1]}" in pages[README]
    linked, named, right, strict, links = (
        one("hierarchy", "ours", name)
        for name in ("named_pairs_linked", "named_pairs", "links_right", "links_right_strictly", "links")
    )
    assert f"{linked} of {named} are linked" in pages[BENCHMARKS]
    assert f"{right} of {links} are right" in pages[BENCHMARKS]
    assert f"{strict} of {links}, if it does not" in pages[BENCHMARKS]
    live = tuple(one("psi", f"spu_{protocol}", "seconds") for protocol in ("ecdh", "rr22"))
    assert f"takes {live[0]} seconds (ECDH) or {live[1]} (RR22)" in pages[BENCHMARKS]
    accounts = one("domains", "accounts", "tokens")
    for reader in ("partner", "file", "file and frequencies"):
        assert f"| {one('domains', reader, 'tokens_read')} of {accounts}" in pages[PACKAGE / "SECURITY.md"], reader


def test_every_result_has_its_day_and_a_command_that_is_there() -> None:
    with RESULTS.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        float(row["value"])
        date.fromisoformat(row["date"])
        command = re.match(r"python -m benchmarks\.(\w+)", row["command"])
        assert command and (PACKAGE / "benchmarks" / f"{command[1]}.py").is_file(), row


# -------------------------------------------------------------------- the demo


def demo_lines() -> list[str]:
    """What README says that `make demo` prints."""
    block = re.search(r"^\$ make demo\n(.*?)^\$ make test\n", README.read_text(), re.MULTILINE | re.DOTALL)
    assert block
    return [line for line in block[1].splitlines() if line != "..."]


def matrix_cells() -> dict[tuple[str, str], tuple[str, str]]:
    """The matrix that README prints: (our status, theirs) to accounts and pipeline, as text."""
    lines = demo_lines()
    start = next(place for place, line in enumerate(lines) if line.startswith("we \\ they"))
    theirs = re.split(r" {2,}", lines[start])[1:]
    cells = {}
    for line in lines[start + 2 : start + 6]:
        ours, *values = re.split(r" {2,}", line)
        for status, value in zip(theirs, values, strict=True):
            accounts, _, pipeline = value.partition(" / ")
            cells[ours, status] = accounts, pipeline
    return cells


def masked(line: str) -> str:
    """A line without durations."""
    return re.sub(r" *\d+\.\d s\b", "#", line)


def test_the_demo_prints_what_readme_shows(demo) -> None:
    printed = iter([masked(line.rstrip()) for line in demo.output.splitlines()])
    for line in demo_lines():
        assert masked(line) in printed, f"not printed, or not in this order: {line}"


def test_the_sentence_and_the_picture_are_those_of_the_matrix() -> None:
    cells = matrix_cells()
    accounts, pipeline = cells["open opportunity", "customer"]
    text = " ".join(README.read_text().split())
    assert f"{accounts} of our open opportunities, worth {pipeline}, are customers of Northwind Cloud" in text
    texts = re.findall(r">([^<>]+)</text>", (PACKAGE / "docs/overlap_matrix.svg").read_text())
    covered = 0
    for ours in dict.fromkeys(status for status, _ in cells):
        row = {theirs: cell for (status, theirs), cell in cells.items() if status == ours}
        total = sum(int(count) for count, _ in row.values())
        covered += total
        # the pipeline of accounts whose status is not told is left out of the picture
        drawn = [part for theirs, cell in row.items() for part in cell[: 1 if theirs == "not shared" else 2] if part]
        start = max(place for place, found in enumerate(texts) if found == ours)
        assert texts[start + 1 :][: len(drawn) + 1] == [*drawn, str(total)], ours
    assert f"{covered:,} of 3,624" in " ".join(texts)
    assert any(line.split()[:4] == ["Northwind", "Cloud", "3,624", f"{covered:,}"] for line in demo_lines())


# -------------------------------------------------------------------- settings


def test_settings_says_how_much_each_default_holds() -> None:
    page = SETTINGS.read_text()
    seeds = {path.stem: list(csv.DictReader(path.open())) for path in (PACKAGE / "seeds").glob("*.csv")}
    told = dict(re.findall(r"^\| `(account_mapping__\w+)` \| [^|]+ \| ([^|]+) \|$", page, re.MULTILINE))
    assert set(seeds) <= set(told)
    for name, rows in seeds.items():
        numbers = re.findall(r"\d[\d,]*", told[name])
        if told[name] != "fitted":
            assert (numbers or ["0"]) == [f"{len(rows):,}"], name
    assert seeds["account_mapping__match_weights"]


def test_settings_says_the_default_of_each_var() -> None:
    page = SETTINGS.read_text()
    defaults = yaml.safe_load((PACKAGE / "dbt_project.yml").read_text())["vars"]
    told = dict(re.findall(r"^\| `(account_mapping__\w+)` \| `([^`]*)`", page, re.MULTILINE))
    assert len(defaults) > 10
    for name, value in defaults.items():
        assert yaml.safe_load(told[name]) == value, name


# -------------------------------------------------------------------- form


def anchors(page: str) -> set[str]:
    """What a link into the page may name: its headings, as GitHub writes them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_links_lead_to_files_and_headings(path: Path) -> None:
    page = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", page):
        if target.startswith(("http:", "https:")):
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        assert file.exists(), target
        assert not anchor or anchor in anchors(file.read_text()), target


def test_pages_are_as_short_as_they_promise() -> None:
    assert len(README.read_text().split()) <= 1500
    assert len((PACKAGE / "CONTRIBUTING.md").read_text().split()) < 900
    records = re.split(r"^## ", (PACKAGE / "DECISIONLOG.md").read_text(), flags=re.MULTILINE)[1:]
    assert len(records) > 40
    long = [record.splitlines()[0] for record in records if len([line for line in record.splitlines() if line]) > 6]
    assert long == []


if __name__ == "__main__":
    BENCHMARKS.write_text(filled(BENCHMARKS.read_text(), results()))
