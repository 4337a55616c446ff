"""Cases of two lists, as public bug reports tell of them, with made-up values: what is decided on each.

matching_cases.csv holds the records of both sides; `expected` is what a person would decide on a case:
none              no pair of the case is accepted or left to a person
review            nothing is accepted, and a person is asked
not accepted      nothing is accepted
accepted          a pair of the case is accepted; `accepted same`: one of them as the same company, `accepted family`:
                  none of them as the same company, `accepted subsidiary`: each as a subsidiary,
                  `accepted by domain`: one of them by its website
first accepted    a pair of our first record is; `all accepted`: a pair of each of our records
No pair of two cases is accepted. The demo's companies are on both lists too, so that words are as rare as in real ones.
"""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path
from typing import Any

import pytest
from harness import PACKAGE, Project

Row = dict[str, Any]
# Rows of account_mapping__matches by the case that both records belong to.
Pairs = dict[str, list[Row]]

DEMO = PACKAGE / "demo" / "project" / "data"
RECORD = (
    *("account_id", "account_name", "website", "email_domain", "country", "state", "city"),
    *("lei", "duns", "vat_id", "linkedin_url"),
)
PAIR_SECRET = hashlib.sha256(b"a pair under test").hexdigest()
ENVIRONMENT = "MATCHING_CASES_SECRET"
EVERYTHING = {
    "partner_id": "peer",
    "our_status": "*",
    "partner_status": "*",
    "level": "overlapping",
    "fields": "",
    "valid_from": "2026-01-01",
    "valid_until": "2026-12-31",
}
AGREEMENT = [{**EVERYTHING, "direction": direction} for direction in ("offered", "accepted")]


def read(path: Path) -> list[Row]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


CASES = read(Path(__file__).with_name("matching_cases.csv"))
EXPECTED = {row["case"]: row["expected"] for row in CASES}
KINDS = tuple(dict.fromkeys(row["kind"] for row in CASES))
# What hashed keys may not accept either: there are no contradicting details to see across hashes.
KINDS_OF_KEYS = (
    *("placeholder_names", "dummy_identifiers", "homonyms_by_place", "homonyms_by_website"),
    *("persons", "hosts", "public_bodies", "series"),
)


def case_of(account_id: str) -> str:
    """The case that an id of records() belongs to; empty for the demo's companies."""
    case, _, number = account_id.removeprefix("generic:").rpartition(".")
    return case if number else ""


def records(side: str) -> list[Row]:
    """The cases' records of one side, ids `<case>.<number within the case and side>`, and the demo's companies."""
    numbers: dict[str, int] = {}
    result = []
    for row in CASES:
        if row["side"] == side:
            numbers[row["case"]] = numbers.get(row["case"], 0) + 1
            result.append({**row, "account_id": f"{row['case']}.{numbers[row['case']]}"})
    if side == "ours":
        columns = {"account_id": "id", "account_name": "name", "country": "billing_country", "city": "billing_city"}
        path = DEMO / "salesforce" / "account.csv"
    else:
        columns = {column: column for column in ("account_id", "account_name", "country", "city")}
        path = DEMO / "partners" / "partner_accounts.csv"
    result += [{column: row[source] for column, source in columns.items()} for row in read(path)]
    return [{column: row.get(column) or None for column in RECORD} for row in result]


def test_every_case_is_one() -> None:
    assert len({(row["kind"], row["case"], row["expected"]) for row in CASES}) == len(EXPECTED)
    assert all({row["side"] for row in CASES if row["case"] == case} == {"ours", "theirs"} for case in EXPECTED)
    assert set(KINDS_OF_KEYS) < set(KINDS)


def by_case(rows: list[Row]) -> tuple[Pairs, list[Row]]:
    """Pairs by case, and accepted pairs of two cases. Partner accounts are given by their ids."""
    pairs: Pairs = {}
    crossing = []
    for row in rows:
        ours, theirs = case_of(row["account_id"]), case_of(row["partner_account_id"])
        if ours and ours == theirs:
            pairs.setdefault(ours, []).append(row)
        elif ours and theirs and row["decision"] == "accepted":
            crossing.append(row)
    return pairs, crossing


def is_right(case: str, pairs: list[Row]) -> bool:
    """Whether what was decided on a case is what is expected. pairs: the case's, of account_mapping__matches."""
    accepted = [row for row in pairs if row["decision"] == "accepted"]
    relationships = {row["relationship"] for row in accepted}
    linked = {row["account_id"] for row in accepted}
    ours = [row for row in CASES if row["case"] == case and row["side"] == "ours"]
    return {
        "none": not pairs,
        "review": bool(pairs) and not accepted,
        "not accepted": not accepted,
        "accepted": bool(accepted),
        "accepted same": "same" in relationships,
        "accepted family": bool(accepted) and "same" not in relationships,
        "accepted subsidiary": relationships == {"subsidiary"},
        "accepted by domain": any(row["match_method"] == "domain" for row in accepted),
        "first accepted": f"generic:{case}.1" in linked,
        "all accepted": len(linked) == len(ours),
    }[EXPECTED[case]]


def text(row: Row) -> str:
    """A pair, for a test that fails."""
    columns = ("account_id", "partner_account_id", "match_probability", "match_method", "relationship", "decision")
    return " ".join(str(row[column]) for column in (*columns, "match_reason"))


def told(wrong: dict[str, list[Row]]) -> str:
    return "\n".join(
        line
        for case, pairs in wrong.items()
        for line in (f"{case}, expected: {EXPECTED[case]}", *(f"    {text(row)}" for row in pairs))
    )


def side(folder: Path, exchange: str, accounts: list[Row]) -> Project:
    """A project with these accounts and one partner."""
    project = Project(folder, {"account_mapping__crms": ["generic"], "account_mapping__as_of": "2026-11-15"})
    partner = {"partner_id": "peer", "partner_name": "Peer", "exchange": exchange, "is_active": "true"}
    if exchange == "keys":
        partner |= {"secret_env": ENVIRONMENT, "agreement_id": "pilot", "epoch": "1"}
        project.write_seed("account_mapping__sharing_agreements", AGREEMENT)
        project.write_table("partners.partner_agreements", AGREEMENT)
    project.write_seed("account_mapping__partners", [partner])
    project.write_table("generic.accounts", accounts)
    return project


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Pairs, list[Row]]:
    """What is found where the partner sends a readable list."""
    project = side(tmp_path_factory.mktemp("listed"), "list", records("ours"))
    project.write_table("partners.partner_accounts", [{"partner_id": "peer"} | row for row in records("theirs")])
    project.make("+account_mapping__matches")
    return by_case(project.query("select * from account_mapping__matches order by all"))


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Pairs, list[Row]]:
    """What is found where nothing but hashed keys crosses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ENVIRONMENT, PAIR_SECRET)
        theirs = side(tmp_path_factory.mktemp("theirs"), "keys", records("theirs"))
        theirs.make("+account_mapping__shared_keys")
        ours = side(tmp_path_factory.mktemp("ours"), "keys", records("ours"))
        keys = theirs.arrow("select 'peer' as partner_id, * exclude (partner_id) from account_mapping__shared_keys")
        ours.write_table("partners.partner_keys", keys)
        ours.make("+account_mapping__matches")
    ids = {
        row["token"]: row["account_id"]
        for row in theirs.query("select * from int_account_mapping__match_keys where key_type = 'account'")
    }
    rows = ours.query("select * from account_mapping__matches order by all")
    return by_case([{**row, "partner_account_id": ids[row["partner_account_id"]]} for row in rows])


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_of_case_is_decided_as_by_a_person(listed: tuple[Pairs, list[Row]], kind: str) -> None:
    pairs, _ = listed
    cases = dict.fromkeys(row["case"] for row in CASES if row["kind"] == kind)
    wrong = {case: pairs.get(case, []) for case in cases if not is_right(case, pairs.get(case, []))}
    assert not wrong, told(wrong)


def test_no_pair_of_two_cases_is_accepted(listed: tuple[Pairs, list[Row]]) -> None:
    assert not listed[1], "\n".join(map(text, listed[1]))


@pytest.mark.parametrize("kind", KINDS_OF_KEYS)
def test_hashed_keys_accept_no_case_that_names_nobody_or_two(keyed: tuple[Pairs, list[Row]], kind: str) -> None:
    pairs, _ = keyed
    cases = dict.fromkeys(row["case"] for row in CASES if row["kind"] == kind)
    wrong = {
        case: accepted
        for case in cases
        if (accepted := [row for row in pairs.get(case, []) if row["decision"] == "accepted"])
    }
    assert not wrong, told(wrong)


def test_hashed_keys_accept_no_pair_of_two_cases(keyed: tuple[Pairs, list[Row]]) -> None:
    assert not keyed[1], "\n".join(map(text, keyed[1]))
