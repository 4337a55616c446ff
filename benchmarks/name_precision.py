#!/usr/bin/env python3
"""How many of the pairs that this package accepts by similar names are right.

usage: python -m benchmarks.name_precision SETS_DIR [options]

Every set of SETS_DIR that has websites on both sides (see compare_matchers.py) is
matched with its websites given, as lists come in life; what is left to similar names
(match method `name_fuzzy`) is the hard part. A pair is right if the set's truth has
it, wrong if the truth tells the left record's partners and it is none of them, and
unknown if the truth has nothing of the left record: sets leave out true pairs that
their makers could not see. Precision is of the known ones, with Wilson's 95 %
interval. `same` is the same of what is called one company: the truth has the pair,
and says that it is one, not two of a group.

--out FILE writes every pair that is not right, for counting by hand: put `right` or
`wrong` into the column `label` of a copy and give it as --judged, which goes before
what the sets say. --demo DATABASE adds the demo's list partners, as run_demo.py left
them.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import duckdb

from .compare_matchers import build_with_websites, find_sets, rate, read_csv, say, sides_with_websites, table
from .ours import BARE_ID, ROOT, BenchmarkError
from .scoring import Related, label, wilson

DEMO_TRUTH = ROOT / "demo" / "truth" / "truth.csv"
LABELS = ("right", "wrong", "unknown")
MATCHES = """
    select
        matches.partner_id, {account_id} as account_id, matches.partner_account_id,
        cast(matches.match_probability as double), matches.relationship, matches.match_reason
    from account_mapping__matches as matches
    where
        matches.match_method = 'name_fuzzy'
        and matches.decision = 'accepted'
        -- of a keys partner there is no name to judge by
        and matches.partner_account_name is not null
    order by all
"""


class NamePair(NamedTuple):
    """A pair accepted by similar names. label: right, wrong or unknown, of the link; same_label: the same of its being
    one company, empty where the package calls it a family.
    """

    set_name: str
    left_id: str
    right_id: str
    label: str
    same_label: str
    probability: float
    relationship: str
    reason: str


Judged = Mapping[tuple[str, str, str], str]


def read_judged(path: Path | None) -> Judged:
    """Labels by set and pair; rows that are still unknown are left out. Raises BenchmarkError for any other word."""
    rows = read_csv(path) if path else []
    strange = sorted({row["label"] for row in rows} - {*LABELS, ""})
    if strange:
        raise BenchmarkError(f"{path} has the label {', '.join(strange)}: `right` and `wrong` are known")
    return {
        (row["set_name"], row["left_id"], row["right_id"]): row["label"]
        for row in rows
        if row["label"] in ("right", "wrong")
    }


def labelled_pairs(
    set_name: str, rows: Iterable[tuple], truth: Collection[Related], is_whole: bool, judged: Judged
) -> list[NamePair]:
    """Rows of MATCHES with their labels, in their order. is_whole: what the truth does not have is wrong."""
    partners: dict[str, set[str]] = {}
    for pair in truth:
        partners.setdefault(pair.left_id, set()).add(pair.right_id)
    is_same = {(pair.left_id, pair.right_id): pair.is_same for pair in truth}
    pairs = []
    for _, left_id, right_id, probability, relationship, reason in rows:
        known = judged.get((set_name, left_id, right_id)) or label(left_id, right_id, partners, is_whole)
        # whoever judged a link by hand did not say what kind it is
        kinds = {True: "right", False: "wrong", None: "wrong" if known == "wrong" else "unknown"}
        same = kinds[is_same.get((left_id, right_id))] if relationship == "same" else ""
        pairs.append(NamePair(set_name, left_id, right_id, known, same, probability, relationship, reason))
    return pairs


def demo_pairs(database: Path, judged: Judged) -> list[NamePair]:
    """The demo's pairs; one set a partner. Its truth is whole: the demo's companies are made with it."""
    truth: dict[str, list[Related]] = {}
    for row in read_csv(DEMO_TRUTH):
        pair = Related(row["account_id"], row["partner_account_id"], row["relationship"] == "same")
        truth.setdefault(row["partner_id"], []).append(pair)
    with duckdb.connect(str(database), read_only=True) as connection:
        rows = connection.execute(MATCHES.format(account_id="account_id")).fetchall()
    return [
        pair
        for partner_id in sorted({row[0] for row in rows})
        for pair in labelled_pairs(
            f"demo, {partner_id}",
            [row for row in rows if row[0] == partner_id],
            truth.get(partner_id, []),
            is_whole=True,
            judged=judged,
        )
    ]


def report(pairs: list[NamePair], names: list[str]) -> str:
    """A line a set, in the order of `names`, and one of all."""
    lines = []
    for name, held in [*((name, [p for p in pairs if p.set_name == name]) for name in names), ("all", pairs)]:
        counts = Counter(pair.label for pair in held)
        known = counts["right"] + counts["wrong"]
        same = Counter(pair.same_label for pair in held)
        known_same = same["right"] + same["wrong"]
        interval = wilson(counts["right"], known)
        lines.append(
            [
                name,
                "name_fuzzy",
                *(str(counts[word]) for word in LABELS),
                rate(counts["right"] / known if known else None),
                f"{interval[0]:.4f} to {interval[1]:.4f}" if interval else "-",
                *(str(same[word]) for word in LABELS),
                rate(same["right"] / known_same if known_same else None),
            ]
        )
    return table(
        ["set", "method", *LABELS, "precision", "95 %", *(f"same: {word}" for word in LABELS), "precision"], lines
    )


def write_pairs(path: Path, pairs: Iterable[NamePair]) -> None:
    """What is not right, with the reason that names both."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(NamePair._fields)
        writer.writerows(pair for pair in pairs if pair.label != "right" or pair.same_label not in ("right", ""))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets_dir", type=Path, metavar="SETS_DIR")
    parser.add_argument("--sets", nargs="+", metavar="SET", help="sets to run (default: all in SETS_DIR)")
    parser.add_argument("--demo", type=Path, metavar="DATABASE", help="also the demo's matches in this database")
    parser.add_argument("--judged", type=Path, metavar="FILE", help="labels given by hand")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the pairs that are not right")
    parser.add_argument("--work", type=Path, metavar="FOLDER", help="keep projects in this new folder")
    arguments = parser.parse_args()
    pairs: list[NamePair] = []
    names: list[str] = []
    try:
        judged = read_judged(arguments.judged)
        with tempfile.TemporaryDirectory(prefix="account_mapping_names_") as temporary:
            work = arguments.work.resolve() if arguments.work else Path(temporary)
            for labelled in find_sets(arguments.sets_dir.resolve(), arguments.sets):
                sides = sides_with_websites(labelled)
                if sides is None:
                    say(f"{labelled.name} has no websites on both sides")
                    continue
                project, cost = build_with_websites(sides, work / labelled.name)
                rows = project.query(MATCHES.format(account_id=BARE_ID))
                pairs += labelled_pairs(labelled.name, rows, labelled.related, is_whole=False, judged=judged)
                names.append(labelled.name)
                say(f"{cost.seconds:7.1f} s  {labelled.name}")
        if arguments.demo:
            found = demo_pairs(arguments.demo, judged)
            names += sorted({pair.set_name for pair in found})
            pairs += found
    except BenchmarkError as error:
        print(f"\nThe benchmark stopped: {error}", file=sys.stderr)
        return 1
    print(report(pairs, names))
    if arguments.out:
        write_pairs(arguments.out, pairs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
