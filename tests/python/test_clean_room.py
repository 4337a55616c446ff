"""A clean room between two companies: only hashed keys go in, and it counts what both sides count.

Two companies build this package on a made world and share keys with each other. A third project gets their two tables
of keys and nothing else. The companies in each cell of the matrix, in both rollups, must be the same three times.
`test_exchange_demo.py` plays the same world without names, by files, beside a readable list.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import pytest
from harness import Project

Row = dict[str, Any]

STATUSES = ["customer", "open_opportunity", "churned", "prospect"]
COUNTRIES = ["DE", "FR", "US", None]
SECRET = sha256(b"a pair under test").hexdigest()
MARTS = ["account_mapping__overlap_matrix", "account_mapping__partner_coverage", "account_mapping__overlaps"]
SELECTION = [*(f"+{mart}" for mart in MARTS), "+account_mapping__data_issues"]
KEYS = "+account_mapping__shared_keys"


def company(number: int, rng: random.Random) -> Row:
    """What is true of one company: its name, country, website and, at times, a D-U-N-S number."""
    syllables = ["ka", "lo", "mir", "ten", "vos", "bra", "quil", "dor", "fen", "zu"]
    stem = "".join(syllables[int(digit)] for digit in f"{number:04d}")
    return {
        "account_name": f"{stem.capitalize()} {rng.choice(['Systems', 'Foods', 'Labs'])}",
        "country": rng.choice(COUNTRIES),
        "website": f"https://www.{stem}.com",
        "duns": f"{100_000_000 + number}" if rng.random() < 0.2 else None,
    }


def crm_of(prefix: str, seed: int, companies: int = 160) -> list[Row]:
    """A CRM over half of the companies: duplicates, subsidiaries on the parent's website, gaps, and rows of no key."""
    world = random.Random(4)
    all_companies = [company(number, world) for number in range(companies)]
    rng = random.Random(seed)
    rows: list[Row] = []
    for known in rng.sample(all_companies, companies * 9 // 16):
        row = known | {
            "account_id": f"{prefix}{rng.randrange(10**6):06d}{len(rows):04d}",
            "status": rng.choice(STATUSES),
        }
        if rng.random() < 0.25:
            row["website"] = None
        rows.append(row)
        if rng.random() < 0.15:
            rows.append(row | {"account_id": f"{prefix}d{rng.randrange(10**6):06d}", "status": rng.choice(STATUSES)})
        for branch in range(rng.choice([0, 0, 0, 1, 2])):
            rows.append(
                {
                    "account_id": f"{prefix}b{rng.randrange(10**6):06d}{branch}",
                    "account_name": f"{known['account_name']} {['North', 'South'][branch]}",
                    "country": known["country"],
                    "website": known["website"],
                    "status": rng.choice(STATUSES),
                    "parent_account_id": row["account_id"],
                }
            )
    # a parent that no key can be made of still holds its family together
    holding = {"account_id": f"{prefix}holding", "account_name": "---", "status": "prospect"}
    for row in rows[:2]:
        row["parent_account_id"] = holding["account_id"]
    return [*rows, holding]


def write_settings(project: Project, partner_id: str, **partner: str) -> None:
    """The settings of one company: its partner, and what both offer and accept (all statuses, and say them)."""
    project.write_seed(
        "account_mapping__partners",
        [{"partner_id": partner_id, "partner_name": partner_id, "is_active": "true", **partner}],
    )
    rule = {"partner_id": partner_id, "our_status": "*", "partner_status": "*", "level": "overlapping"}
    rules = [rule | {"direction": direction, "fields": "status"} for direction in ("offered", "accepted")]
    project.write_seed("account_mapping__sharing_agreements", rules)
    project.write_table("partners.partner_agreements", rules)


def build(project: Project, *selection: str) -> None:
    """Build models, and test their rows."""
    project.make(*selection)
    project.check(*selection, options=("--indirect-selection", "cautious"))


def keys_for(project: Project, partner_id: str, called: str):
    """What `project` shares with `partner_id`, under the name that the receiver has for the sender."""
    return project.arrow(
        f"select * replace ('{called}' as partner_id) from account_mapping__shared_keys "
        f"where partner_id = '{partner_id}'"
    )


def matrix(project: Project, mirrored: bool = False) -> dict[tuple[str, str, str], tuple[int, int, int]]:
    """(our accounts, theirs, companies) by (rollup, our status, their status), as the first company sees it."""
    ours, theirs = ("partner_", "our_") if mirrored else ("our_", "partner_")
    rows = project.query("select * from account_mapping__overlap_matrix")
    return {
        (row["rollup"], row[f"{ours}status"], row[f"{theirs}status"]): (
            row[f"{ours}accounts"],
            row[f"{theirs}accounts"],
            row["companies"],
        )
        for row in rows
    }


def coverage(project: Project) -> list[Row]:
    return project.query(
        "select * exclude (partner_id, partner_name, partner_type, tier, list_age_days) "
        "from account_mapping__partner_coverage "
        "order by rollup, our_status, target_list"
    )


def own_environment(patch: pytest.MonkeyPatch, partner_id: str | None) -> None:
    """The environment of one side, which knows its secret with one partner; the clean room knows none."""
    for name in ("aster", "birch"):
        patch.delenv(f"ACCOUNT_MAPPING_SECRET_{name.upper()}", raising=False)
    if partner_id:
        patch.setenv(f"ACCOUNT_MAPPING_SECRET_{partner_id.upper()}", SECRET)


@pytest.fixture(scope="module")
def parties(tmp_path_factory) -> Mapping[str, Project]:
    """Aster, Birch, and a clean room that sees Aster as its own side; all built."""
    folder = tmp_path_factory.mktemp("parties")
    terms = {"exchange": "keys", "agreement_id": "aster-birch", "epoch": "1"}
    projects = {
        name: Project(folder / name, {"account_mapping__crms": ["generic"], "account_mapping__as_of": "2026-11-15"})
        for name in ("aster", "birch")
    }
    with pytest.MonkeyPatch.context() as patch:
        for seed, (name, other) in enumerate([("aster", "birch"), ("birch", "aster")], start=1):
            own_environment(patch, other)
            projects[name].write_table("generic.accounts", crm_of(name, seed))
            write_settings(projects[name], other, **terms)
            projects[name].make(KEYS)
        for name, other in [("aster", "birch"), ("birch", "aster")]:
            own_environment(patch, other)
            projects[name].write_table("partners.partner_keys", keys_for(projects[other], name, other))
            build(projects[name], *SELECTION, KEYS)
        own_environment(patch, None)
        room = Project(
            folder / "room", {"account_mapping__crms": ["shared_keys"], "account_mapping__as_of": "2026-11-15"}
        )
        room.write_seed(
            "account_mapping__partners",
            [{"partner_id": "birch", "partner_name": "Birch", "is_active": "true", **terms}],
        )
        room.write_table("own.shared_keys", keys_for(projects["aster"], "birch", "birch"))
        room.write_table("partners.partner_keys", keys_for(projects["birch"], "aster", "birch"))
        build(room, *SELECTION)
    return {**projects, "room": room}


def test_both_sides_and_the_clean_room_count_alike(parties):
    ours = matrix(parties["aster"])
    assert matrix(parties["room"]) == ours
    assert matrix(parties["birch"], mirrored=True) == ours
    for rollup in ("account", "parent"):
        assert sum(cell[2] for key, cell in ours.items() if key[0] == rollup) > 20


def test_the_clean_room_has_the_coverage_of_its_own_side(parties):
    assert coverage(parties["room"]) == coverage(parties["aster"])


def test_the_clean_room_knows_tokens_only(parties):
    room = parties["room"]
    overlaps = room.query("select * from account_mapping__overlaps")
    assert len(overlaps) > 20
    for row in overlaps:
        relation, _, token = row["account_id"].partition(":")
        assert relation == "shared_keys"
        assert len(token) == len(row["partner_account_id"]) == 64
        assert (row["account_name"], row["partner_account_name"]) == (row["account_id"], None)
    assert room.query("select * from int_account_mapping__match_keys") == []


def test_an_account_without_name_or_website_is_no_issue_of_the_clean_room(parties):
    issues = {
        row["problem"]: row["n"]
        for row in parties["room"].query(
            "select problem, count(*) as n from account_mapping__data_issues group by problem"
        )
    }
    expected = parties["aster"].query(
        "select count(*) as n from account_mapping__data_issues where problem = 'nothing_to_match_by'"
    )
    assert issues == {"nothing_to_match_by": expected[0]["n"]}


def test_own_keys_for_two_partners_are_refused(make_project):
    """An account has another token for each partner: together they would count it twice."""
    project = make_project(variables={"account_mapping__crms": ["shared_keys"]})
    names = ("birch", "cedar")
    terms = {"agreement_id": "aster-birch", "epoch": "1"}
    partner = {"exchange": "keys", "is_active": "true", **terms}
    project.write_seed("account_mapping__partners", [partner | {"partner_id": n, "partner_name": n} for n in names])
    key = {"normaliser_version": "3", "key_type": "domain", "token": "a" * 64, "account_token": "b" * 64, **terms}
    project.write_table("own.shared_keys", [key | {"partner_id": name} for name in names])
    result = project.run("build", "--select", "+account_mapping__overlaps")
    assert not result.success
    assert [name for name in result.errors if name.startswith("account_mapping__single_value")]
    assert not project.query("select 1 from duckdb_tables() where table_name = 'account_mapping__overlaps'")


def test_a_whole_build_needs_no_secret_and_shows_a_withheld_status_apart(make_project):
    """Own accounts whose status is not agreed are `not_shared`, never prospects and never zero; every model builds."""
    project = make_project(variables={"account_mapping__crms": ["shared_keys"], "account_mapping__as_of": "2026-11-15"})
    terms = {"partner_id": "birch", "agreement_id": "aster-birch", "epoch": "1"}
    project.write_seed(
        "account_mapping__partners",
        [{"partner_name": "Birch", "exchange": "keys", "is_active": "true", **terms}],
    )

    def key(account: str, key_type: str, value: str, status: str | None) -> Row:
        token, account_token = (sha256(text.encode()).hexdigest() for text in (key_type + value, account))
        made = {"normaliser_version": "3", "key_type": key_type, "token": token, "account_token": account_token}
        return {**terms, **made, "parent_account_token": None, "status": status}

    # the table may keep the name that it had at its maker
    own = [
        key("1", "domain", "a.com", "customer"),
        key("2", "name_short", "bolt", None),
        key("3", "account", "3", None),
    ]
    project.write_table("own.account_mapping__shared_keys", [*own, key("3", "account", "3", None)])
    theirs = [key("x", "domain", "a.com", "prospect"), key("y", "name_short", "bolt", "customer")]
    project.write_table("partners.partner_keys", theirs)
    result = project.run("build")
    assert result.success, result.text
    rows = project.query("select * from account_mapping__overlap_matrix where rollup = 'account'")
    cells = {(row["our_status"], row["partner_status"]): (row["companies"], row["cell_state"]) for row in rows}
    assert cells == {
        ("customer", "prospect"): (1, "counted"),
        ("customer", "customer"): (0, "counted"),
        ("not_shared", "customer"): (1, "not_shared"),
        ("not_shared", "prospect"): (None, "not_shared"),
    }
    assert project.query("select * from account_mapping__shared_keys") == []
