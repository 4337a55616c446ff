#!/usr/bin/env python3
"""Judge this package's matches on cases of which a person has said what is right.

usage: python -m benchmarks.cases CASES_DIR SETS_DIR [--work FOLDER]

CASES_DIR holds ours.csv and partner.csv (account_id and the package's columns of
accounts) and expected.csv (kind, case, expected, note). An id is `<case>.<record>`.
Both lists are mixed with those of SETS_DIR/listings, so that words are as rare as
in life, and matched once, with default settings.

`expected` is read by its words:
  none                 the case has no pair, accepted or in review
  review, none/review  no pair of the case is accepted
  accepted             a pair is accepted; with `same`, `family` or `subsidiary` as
                       that, with `o1` the account o1, with `both` two accounts,
                       with `by domain` by its website
A wrong accept is an accepted pair where none is expected. Accepted pairs of two
cases, or of a case and an ordinary row, are listed apart for a person to judge: both
may name one company.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from . import ours
from .compare_matchers import read_csv, table
from .ours import BenchmarkError

ORDINARY_SET = "listings"
COLUMNS = (
    "account_id", "account_name", "website", "email_domain", "country", "state", "city",
    "lei", "duns", "vat_id", "linkedin_url",
)  # fmt: skip

Row = dict[str, str]


class Match(NamedTuple):
    """A pair that the package accepts or puts into review."""

    account_id: str
    partner_account_id: str
    decision: str
    relationship: str
    method: str
    probability: float
    reason: str


class Verdict(NamedTuple):
    """One case. wrong: its accepted pairs where none is expected."""

    kind: str
    case: str
    expected: str
    is_right: bool
    wrong: list[Match]
    matches: list[Match]


def case_of(record_id: str) -> str:
    return record_id.split(".", 1)[0]


def is_as_expected(expected: str, matches: list[Match]) -> bool:
    """Whether the matches of one case are what a person expects. Raises BenchmarkError for words that say nothing."""
    accepted = [match for match in matches if match.decision == "accepted"]
    if expected == "none":
        return not matches
    if "accepted" not in expected:
        if "none" in expected or "review" in expected:
            return not accepted
        raise BenchmarkError(f"expected `{expected}` is neither none, review nor accepted")
    relationships = {match.relationship for match in accepted}
    if "same" in expected and "same" not in relationships:
        return False
    if "family" in expected and "same" in relationships:
        return False
    if "subsidiary" in expected and relationships != {"subsidiary"}:
        return False
    if "by domain" in expected and all(match.method != "domain" for match in accepted):
        return False
    if "o1" in expected and all(not match.account_id.endswith(".o1") for match in accepted):
        return False
    least = 2 if "both" in expected else 1
    return len({match.account_id for match in accepted}) >= least


def judge(expectations: Iterable[Row], matches: Iterable[Match]) -> list[Verdict]:
    """One verdict a case, in the order given."""
    by_case: dict[str, list[Match]] = {}
    for match in matches:
        if case_of(match.account_id) == case_of(match.partner_account_id):
            by_case.setdefault(case_of(match.account_id), []).append(match)
    verdicts = []
    for row in expectations:
        expected, held = row["expected"], by_case.get(row["case"], [])
        wrong = [] if "accepted" in expected else [match for match in held if match.decision == "accepted"]
        verdicts.append(Verdict(row["kind"], row["case"], expected, is_as_expected(expected, held), wrong, held))
    return verdicts


def across(cases: set[str], matches: Iterable[Match]) -> list[Match]:
    """Accepted pairs of two cases, or of a case and an ordinary row."""
    return [
        match
        for match in matches
        if match.decision == "accepted"
        and case_of(match.account_id) != case_of(match.partner_account_id)
        and cases & {case_of(match.account_id), case_of(match.partner_account_id)}
    ]


def summary(verdicts: list[Verdict]) -> str:
    """A table by kind, with a last line of all."""
    kinds = sorted({verdict.kind for verdict in verdicts})
    rows = []
    for name, held in [*((kind, [v for v in verdicts if v.kind == kind]) for kind in kinds), ("all", verdicts)]:
        right = sum(verdict.is_right for verdict in held)
        wrong = sum(bool(verdict.wrong) for verdict in held)
        rows.append([name, "", str(len(held)), str(right), str(len(held) - right), str(wrong)])
    return table(["kind", "", "cases", "right", "not right", "wrong accepts"], rows)


def match_line(match: Match) -> str:
    return (
        f"    {match.account_id} = {match.partner_account_id}: {match.decision} at {match.probability:.4f}, "
        f"{match.relationship} by {match.method}. {match.reason}"
    )


def faults(verdicts: list[Verdict]) -> str:
    """Every case that is not right, with its pairs."""
    lines = []
    for verdict in verdicts:
        if not verdict.is_right:
            lines.append(f"{verdict.kind} {verdict.case}: expected {verdict.expected}")
            lines += [match_line(match) for match in verdict.matches] or ["    no pair"]
    return "\n".join(lines)


def as_account(row: Row) -> Row:
    """A row of a labelled set in the columns of an account, without its website."""
    return {
        "account_id": row["id"],
        "account_name": row["name"],
        "country": row["country"],
        "city": row["city"],
    }


def write_side(path: Path, cases: list[Row], ordinary: list[Row]) -> None:
    """One list: the cases among ordinary rows."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows([*cases, *map(as_account, ordinary)])


def read_matches(project: ours.Project) -> list[Match]:
    """What account_mapping__matches holds, with the ids of the files."""
    rows = project.query(
        f"select {ours.BARE_ID}, partner_account_id, decision, relationship, match_method, "
        "cast(match_probability as double), match_reason "
        "from account_mapping__matches where decision in ('accepted', 'review') order by all"
    )
    return [Match(*row) for row in rows]


def run(cases_dir: Path, sets_dir: Path, work: Path) -> tuple[list[Verdict], list[Match]]:
    """Match the cases among ordinary rows: a verdict a case, and the accepted pairs that join cases."""
    sides = []
    for name, other in (("ours", "left"), ("partner", "right")):
        path = work / f"{name}.csv"
        write_side(path, read_csv(cases_dir / f"{name}.csv"), read_csv(sets_dir / ORDINARY_SET / f"{other}.csv"))
        sides.append(path)
    project = ours.list_project(work / "project", *sides, side=ours.ACCOUNTS)
    project.build(ours.MATCHES)
    matches = read_matches(project)
    verdicts = judge(read_csv(cases_dir / "expected.csv"), matches)
    return verdicts, across({verdict.case for verdict in verdicts}, matches)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases_dir", type=Path, metavar="CASES_DIR")
    parser.add_argument("sets_dir", type=Path, metavar="SETS_DIR")
    parser.add_argument("--work", type=Path, metavar="FOLDER", help="keep the project in this new folder")
    arguments = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="account_mapping_cases_") as temporary:
            work = arguments.work.resolve() if arguments.work else Path(temporary)
            work.mkdir(parents=True, exist_ok=True)
            verdicts, joined = run(arguments.cases_dir.resolve(), arguments.sets_dir.resolve(), work)
    except BenchmarkError as error:
        print(f"\nThe benchmark stopped: {error}", file=sys.stderr)
        return 1
    print("\n\n".join(part for part in (summary(verdicts), faults(verdicts)) if part))
    if joined:
        print("\naccepted across cases:")
        print("\n".join(map(match_line, joined)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
