"""What a dishonest partner reads from published counts about single accounts of ours.

usage: python -m benchmarks.count_attack [--builds 10] [--folder FOLDER]

A partner with the agreed level `counts` plants targets in its list: companies that it wants to know our status of. In
each of its own statuses it holds target i in 20 x b^i copies (b from 1 to 3), by website, LEI, alias, in families, in
rows that carry the websites of the target and of a company that it knows, under two partner ids, or as hashed keys. It
knows the algorithm and no status of ours. Of each matrix it sees what account_mapping__shared_counts publishes.

Three guessers name our status of every target: `weights` takes the numbers apart by the weights, the greatest first;
`two ids` subtracts the matrices of two partner ids whose lists differ by one target; `shares` only names the most
frequent status in the target's column. For comparison `formerly` is what `weights` reads from the numbers that a former
version published besides: the partner's accounts and connected groups of each cell, rounded.

Exits with 1 when a guesser is right more often than `shares` by .02 or more.
"""

from __future__ import annotations

import argparse
import hmac
import random
import secrets
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa
import stdnum.iso7064.mod_97_10 as check_digits

from exchange.protocol import load_model

from .ours import SECRET, Project

STATUSES = ("customer", "open_opportunity", "churned", "prospect")
COMPANIES, KNOWN, COPIES = 1_500, 400, 20
# (base of the weights, targets in each of the partner's statuses): at most some 10,000 rows a list
BASES = ((1, 8), (2, 7), (3, 5))
WAYS = ("website", "lei", "alias", "family", "bridge", "two_ids")
LISTS_A_BUILD = 20
AGREEMENT, EPOCH = "attack", "1"
BOUND = 0.02
Row = dict[str, str | None]
Cells = Mapping[tuple[str, str], int]


@dataclass
class Attack:
    """One list. weights: the partner's status -> target -> copies."""

    partner_id: str
    way: str
    weights: dict[str, dict[int, int]]
    rows: list[Row] = field(default_factory=list)
    # the list of another partner id that lacks one target
    twin_of: str | None = None
    missing: int | None = None


def lei_of(company: int) -> str:
    """A LEI with right check digits."""
    number = f"5299{company:014d}"
    return number + check_digits.calc_check_digits(number)


def make_list(rng: random.Random, partner_id: str, way: str, base: int, targets: int) -> Attack:
    """A list that knows KNOWN companies once each and plants targets in every status."""
    chosen = rng.sample(range(COMPANIES), KNOWN + targets * len(STATUSES))
    known, planted = chosen[:KNOWN], chosen[KNOWN:]
    weights = {
        status: {target: COPIES * base**place for place, target in enumerate(planted[number * targets :][:targets])}
        for number, status in enumerate(STATUSES)
    }
    attack = Attack(partner_id, way, weights)
    for place, company in enumerate(known):
        status = STATUSES[place % len(STATUSES)]
        attack.rows.append({"account_id": f"k{company}", "website": f"d{company}.com", "status": status})
    for status, target, copies in ((s, t, copies) for s, column in weights.items() for t, copies in column.items()):
        for copy in range(copies):
            row: Row = {"account_id": f"t{target}-{copy}", "website": f"d{target}.com", "status": status}
            if way == "lei":
                row |= {"website": None, "lei": lei_of(target)}
            elif way == "alias":
                row |= {"website": f"a{target}.com"}
            elif way == "family":
                row |= {"parent_account_id": f"k{rng.choice(known)}" if copy else None}
            elif way == "bridge" and copy % 2:
                row |= {"email_domain": f"d{rng.choice(known)}.com"}
            attack.rows.append(row)
    return attack


def make_attacks(rng: random.Random, build: int) -> list[Attack]:
    """The lists of one build: LISTS_A_BUILD, of which one comes as keys."""
    attacks: list[Attack] = []
    while len(attacks) < LISTS_A_BUILD - 1:
        place = len(attacks)
        way = WAYS[place % len(WAYS)]
        base, targets = BASES[(place + build) % len(BASES)]
        attack = make_list(rng, f"p{place:02}", way, base, targets)
        attacks.append(attack)
        if way == "two_ids" and len(attacks) < LISTS_A_BUILD - 1:
            missing = next(iter(attack.weights["customer"]))
            rows = [row for row in attack.rows if not (row["account_id"] or "").startswith(f"t{missing}-")]
            less = {target: copies for target, copies in attack.weights["customer"].items() if target != missing}
            weights = {**attack.weights, "customer": less}
            attacks.append(Attack(f"p{place:02}b", way, weights, rows, attack.partner_id, missing))
    base, targets = BASES[build % len(BASES)]
    return [*attacks, make_list(rng, "keys", "keys", base, targets)]


def token(secret: str, key_type: str, value: str) -> str:
    """What the partner makes of a value."""
    match_keys = load_model("int_account_mapping__match_keys")
    version = load_model("int_account_mapping__normalized").NORMALISER_VERSION
    key = match_keys.derive_key(bytes.fromhex(secret), AGREEMENT, EPOCH, key_type, version)
    return hmac.digest(key, value.encode(), "sha256").hex()


def load(project: Project, table: str, rows: Sequence[Mapping[str, str | None]]) -> None:
    with duckdb.connect(str(project.database)) as connection:
        names = dict.fromkeys(name for row in rows for name in row)
        made_rows = pa.table({name: pa.array([row.get(name) for row in rows], pa.string()) for name in names})
        connection.execute(f"create schema if not exists {table.partition('.')[0]}")
        connection.register("made_rows", made_rows)
        connection.execute(f"create table {table} as select * from made_rows")


def build(folder: Path, attacks: list[Attack], statuses: Sequence[str]) -> Project:
    """Our project, with every list loaded, and the counts that leave."""
    secret = secrets.token_hex(32)
    rule = {"our_status": "*", "partner_status": "*", "level": "counts", "fields": "", "minimum_count": ""}
    rules = [
        {"partner_id": attack.partner_id, "direction": direction, **rule, "valid_from": "", "valid_until": ""}
        for attack in attacks
        for direction in ("offered", "accepted")
    ]
    partners = [
        {
            "partner_id": attack.partner_id, "partner_name": attack.partner_id, "is_active": "true",
            "exchange": "keys" if attack.way == "keys" else "list", "agreement_id": AGREEMENT, "epoch": EPOCH,
            "secret_env": SECRET if attack.way == "keys" else "",
        }
        for attack in attacks
    ]  # fmt: skip
    columns = [column for attack in attacks if attack.way == "alias" for column in attack.weights.values()]
    planted = sorted({target for column in columns for target in column})
    aliases = [
        {"domain": f"a{target}.com", "canonical_domain": f"d{target}.com", "relation": "alias"} for target in planted
    ]
    seeds = {
        "account_mapping__partners": partners,
        "account_mapping__sharing_agreements": rules,
        "account_mapping__domain_aliases": aliases,
        "account_mapping__status_rules": [
            {"source_system": source, "field": "status", "raw_value": status, "status": status}
            for source in ("generic", "partner")
            for status in STATUSES
        ],
    }
    project = Project(folder, "list", {"account_mapping__partner_lists_path": ""}, seeds=seeds)
    load(
        project,
        "generic.accounts",
        [
            {"account_id": f"c{n}", "website": f"d{n}.com", "lei": lei_of(n), "status": status}
            for n, status in enumerate(statuses)
        ],
    )
    load(project, "partners.partner_agreements", rules)
    rows = [
        {"partner_id": attack.partner_id, **row} for attack in attacks if attack.way != "keys" for row in attack.rows
    ]
    load(project, "partners.partner_accounts", rows)
    version = load_model("int_account_mapping__normalized").NORMALISER_VERSION
    common = {"partner_id": "keys", "agreement_id": AGREEMENT, "epoch": EPOCH, "normaliser_version": version}
    load(
        project,
        "partners.partner_keys",
        [
            {
                **common, "key_type": "domain", "token": token(secret, "domain", row["website"] or ""),
                "account_token": token(secret, "account", row["account_id"] or ""), "status": row["status"],
            }
            for attack in attacks if attack.way == "keys"
            for row in attack.rows
        ],
    )  # fmt: skip
    project.build("+account_mapping__shared_counts +account_mapping__overlap_matrix", secret)
    return project


def published(project: Project) -> dict[str, Cells]:
    """What each partner gets: companies by our status and the partner's, of records."""
    found: dict[str, dict[tuple[str, str], int]] = defaultdict(dict)
    sql = (
        "select partner_id, our_status, partner_status, companies from account_mapping__shared_counts "
        "where rollup = 'account' and companies is not null"
    )
    for partner_id, ours, theirs, companies in project.query(sql):
        found[partner_id][ours, theirs] = companies
    return found


def formerly_published(project: Project) -> dict[str, Cells]:
    """What a former version gave away: by how many the partner's accounts of a cell are more than its groups."""
    suppression = load_model("int_account_mapping__suppressed_counts")
    found: dict[str, dict[tuple[str, str], int]] = defaultdict(dict)
    sql = (
        "select partner_id, our_status, partner_status, our_accounts, partner_accounts, companies "
        "from account_mapping__overlap_matrix where rollup = 'account'"
    )
    for partner_id, ours, theirs, *numbers in project.query(sql):
        if min(number or 0 for number in numbers) >= 10:
            found[partner_id][ours, theirs] = suppression.rounded(numbers[1]) - suppression.rounded(numbers[2])
    return found


def column_of(cells: Cells, status: str) -> dict[str, int]:
    """The published numbers of one status of the partner, by ours."""
    return {ours: number for (ours, theirs), number in cells.items() if theirs == status}


def by_shares(column: Mapping[str, int]) -> str:
    """The most frequent status of ours."""
    return max(sorted(column), key=lambda status: column[status])


def by_weights(column: Mapping[str, int], weights: Mapping[int, int]) -> dict[int, str]:
    """Each target goes, the heaviest first, to the status with the most left over."""
    left = dict(column)
    guesses: dict[int, str] = {}
    for target, copies in sorted(weights.items(), key=lambda item: (-item[1], item[0])):
        guesses[target] = by_shares(left)
        left[guesses[target]] -= copies - 1
    return guesses


def by_two_ids(column: Mapping[str, int], twin: Mapping[str, int]) -> str:
    """The status whose count is lower in the list that lacks the target, or else the most frequent one."""
    lower = [status for status, number in column.items() if twin.get(status, number) < number]
    return lower[0] if len(lower) == 1 else by_shares(column)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--builds", type=int, default=10, help=f"of {LISTS_A_BUILD} lists each (default: %(default)s)")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    right: dict[tuple[str, str], list[bool]] = defaultdict(list)
    lists = silent = 0
    for number in range(options.builds):
        rng = random.Random(f"count-attack-{number}")
        statuses = rng.choices(STATUSES, [35, 20, 10, 35], k=COMPANIES)
        attacks = make_attacks(rng, number)
        with tempfile.TemporaryDirectory(dir=options.folder) as made:
            project = build(Path(made) / "project", attacks, statuses)
            now, before = published(project), formerly_published(project)
        lists += len(attacks)
        columns = [(attack, status, weights) for attack in attacks for status, weights in attack.weights.items()]
        for attack, status, weights in columns:
            column = column_of(now.get(attack.partner_id, {}), status)
            if not column:
                silent += 1
                continue
            share, taken = by_shares(column), by_weights(column, weights)
            formerly = by_weights(column_of(before[attack.partner_id], status), weights)
            for target in weights:
                for guesser, guess in (("shares", share), ("weights", taken[target]), ("formerly", formerly[target])):
                    right[attack.way, guesser].append(guess == statuses[target])
        for twin in attacks:
            if twin.twin_of is None or twin.missing is None:
                continue
            column = column_of(now.get(twin.twin_of, {}), "customer")
            if column:
                guess = by_two_ids(column, column_of(now.get(twin.partner_id, {}), "customer"))
                right["the one of two ids", "shares"].append(by_shares(column) == statuses[twin.missing])
                right["the one of two ids", "two ids"].append(guess == statuses[twin.missing])
    print(f"{lists} lists; {silent} columns with targets have no published cell")
    print(f"{'way':<18}{'targets':>8}{'shares':>9}{'weights':>9}{'two ids':>9}{'formerly':>10}")
    total: dict[str, list[bool]] = defaultdict(list)
    for way in dict.fromkeys(way for way, _ in right):
        cells_of = {guesser: right[way, guesser] for guesser in ("shares", "weights", "two ids", "formerly")}
        texts = [f"{sum(hits) / len(hits):.3f}" if hits else "-" for hits in cells_of.values()]
        print(f"{way:<18}{len(cells_of['shares']):>8}{texts[0]:>9}{texts[1]:>9}{texts[2]:>9}{texts[3]:>10}")
        if cells_of["weights"]:
            for guesser, hits in cells_of.items():
                total[guesser] += hits
    rates = {guesser: sum(hits) / len(hits) for guesser, hits in total.items() if hits}
    print(
        f"all targets: shares {rates['shares']:.3f}, weights {rates['weights']:.3f}, formerly {rates['formerly']:.3f}"
    )
    gain = rates["weights"] - rates["shares"]
    print(f"the weights tell {gain:+.3f} more than the published shares")
    return int(gain >= BOUND)


if __name__ == "__main__":
    sys.exit(main())
