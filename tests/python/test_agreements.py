"""Agreements: 1,000 random pairs of statements against an oracle, and what leaves when either side changes its mind."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import date, timedelta

import pytest
from harness import Project

AS_OF = date(2026, 11, 15)
OURS = ("customer", "open_opportunity", "churned", "prospect")
THEIRS = (*OURS, "not_shared")
LEVELS = ("hidden", "counts", "overlapping", "all")
FIELDS = ("name", "status", "owner_name", "owner_email", "open_amount")
SETTINGS = ("partner_id", "direction", "our_status", "partner_status", "level", "fields", "minimum_count")
RULE = (*SETTINGS, "valid_from", "valid_until")

Rule = dict[str, str]


# ------------------------------------------------------------------------ oracle


class Side:
    """One side's statement, asked cell by cell; `own` is the writer's own status, `other` the counterpart's."""

    def __init__(self, rules: Iterable[Rule], as_of: date) -> None:
        self.rules = [rule for rule in rules if self.is_valid(rule, as_of)]

    @staticmethod
    def is_valid(rule: Rule, as_of: date) -> bool:
        begins = date.fromisoformat(rule["valid_from"]) if rule["valid_from"] else date.min
        ends = date.fromisoformat(rule["valid_until"]) if rule["valid_until"] else date.max
        return begins <= as_of <= ends

    def answer(self, direction: str, own: str, other: str) -> tuple[int, frozenset[str], int] | None:
        """Level, fields and minimum of a cell, or None without a rule: ask for the most specific rules first."""
        for wanted in ((own, other), (own, "*"), ("*", other), ("*", "*")):
            named = [
                rule
                for rule in self.rules
                if rule["direction"] == direction and (rule["our_status"], rule["partner_status"]) == wanted
            ]
            if named:
                fields = frozenset.intersection(*(frozenset(split(rule["fields"])) for rule in named))
                level = min(LEVELS.index(rule["level"]) for rule in named)
                return level, fields, max(int(rule["minimum_count"] or 0) for rule in named)
        return None


def split(fields: str) -> list[str]:
    return [field.strip() for field in fields.split(";") if field.strip()]


def in_force(ours: list[Rule], theirs: list[Rule], as_of: date = AS_OF) -> dict[tuple[str, str, str], tuple]:
    """(direction, our status, their status) -> level, fields and minimum that hold between two sides."""
    us, them = Side(ours, as_of), Side(theirs, as_of)
    found = {}
    for our_status in OURS:
        for their_status in THEIRS:
            for direction, giver, taker in (
                (
                    "out",
                    us.answer("offered", our_status, their_status),
                    them.answer("accepted", their_status, our_status),
                ),
                (
                    "in",
                    them.answer("offered", their_status, our_status),
                    us.answer("accepted", our_status, their_status),
                ),
            ):
                if giver is None or taker is None:
                    agreed = ("hidden", "", 10)
                else:
                    fields = ";".join(sorted(giver[1] & taker[1]))
                    agreed = (LEVELS[min(giver[0], taker[0])], fields, max(giver[2], taker[2], 10))
                found[direction, our_status, their_status] = agreed
    return found


def random_statement(rng: random.Random, partner_id: str) -> list[Rule]:
    """Up to a dozen rules; few statuses, so that rules meet in one cell, and days around today."""
    days = ["", *(str(AS_OF + timedelta(days=shift)) for shift in (-300, -1, 0, 1, 300))]
    rules = []
    for _ in range(rng.choice((0, 1, 2, 4, 8, 12))):
        spelled = [f" {field} " if rng.random() < 0.1 else field for field in rng.sample(FIELDS, rng.randrange(5))]
        rules.append(
            {
                "partner_id": partner_id,
                "direction": rng.choice(("offered", "accepted")),
                "our_status": rng.choice(("*", "*", *OURS)),
                "partner_status": rng.choice(("*", "*", *THEIRS)),
                "level": rng.choice(LEVELS),
                "fields": ";".join(spelled),
                "minimum_count": rng.choice(("", "1", "10", "11", "50")),
                "valid_from": rng.choice(("", "", *days)),
                "valid_until": rng.choice(("", "", *days)),
            }
        )
    # rules of one cell that contradict each other
    rules += [{**rule, "level": rng.choice(LEVELS), "fields": "name;status"} for rule in rules if rng.random() < 0.2]
    return rules


def test_a_thousand_random_pairs_of_statements_agree_with_the_oracle(make_project):
    rng = random.Random(20261115)
    ids = [f"p{number:04d}" for number in range(1_000)]
    ours = {partner_id: random_statement(rng, partner_id) for partner_id in ids}
    theirs = {partner_id: random_statement(rng, partner_id) for partner_id in ids}
    variables = {"account_mapping__crms": ["generic"], "account_mapping__as_of": str(AS_OF)}
    project = make_project(variables=variables)
    settings = [{"partner_id": i, "partner_name": i, "exchange": "keys", "is_active": "true"} for i in ids]
    project.write_seed("account_mapping__partners", settings)
    project.write_seed("account_mapping__sharing_agreements", [rule for rules in ours.values() for rule in rules], RULE)
    project.write_table("partners.partner_agreements", [rule for rules in theirs.values() for rule in rules])
    selection = "+int_account_mapping__agreements_in_force"
    result = project.run("build", "--select", selection, "--exclude-resource-type", "unit_test")
    assert result.success, result.text

    found: dict[str, dict] = {}
    for row in project.query("select * from int_account_mapping__agreements_in_force"):
        cell = (row["direction"], row["our_status"], row["partner_status"])
        answer = (row["sharing_level"], row["shared_fields"], row["minimum_count"])
        found.setdefault(row["partner_id"], {})[cell] = answer
    wrong = [partner_id for partner_id in ids if found[partner_id] != in_force(ours[partner_id], theirs[partner_id])]
    assert wrong == []
    levels = [answer[0] for cells in found.values() for answer in cells.values()]
    assert min(levels.count(level) for level in LEVELS) > 500


def test_the_oracle_sees_both_sides_alike():
    """What leaves us is what comes to them, in every pair: an agreement has one reading."""
    rng = random.Random(7)
    for _ in range(200):
        ours, theirs = random_statement(rng, "them"), random_statement(rng, "us")
        here, there = in_force(ours, theirs), in_force(theirs, ours)
        for our_status in OURS:
            for their_status in OURS:
                cell, mirrored = (our_status, their_status), (their_status, our_status)
                assert here["out", *cell] == there["in", *mirrored]
