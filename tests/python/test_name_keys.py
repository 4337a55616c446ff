"""Keys of parts of names: what two spellings have in common, and what a partner who sends keys only is matched by."""

from __future__ import annotations

import hashlib

import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from loading import load_model

variants = load_model("int_account_mapping__name_variants")
normalized = load_model("int_account_mapping__normalized")

# ------------------------------------------------- spellings without a letter


def test_known_spellings():
    # not without the first letter, the digit, or a letter of a short word
    assert variants.name_variants("north 4th bay") == [
        "norh4thbay",
        "nort4thbay",
        "north4thbay",
        "noth4thbay",
        "nrth4thbay",
    ]
    assert variants.name_variants("mizuno") == []
    assert (
        len(variants.name_variants("steeldynamics")) == 12
    )  # the name, and 12 letters left out, of which `ee` are one


def test_the_number_of_a_series_is_no_typing_error():
    second, third = variants.name_variants("concord acq corp ii"), variants.name_variants("concord acq corp iii")
    assert not set(second) & set(third)
    assert not set(variants.name_variants("fund holdings 21")) & set(variants.name_variants("fund holdings 22"))


LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORD = st.text(LETTERS, min_size=6, max_size=12).filter(lambda word: not variants.NUMBER.search(word))


@given(st.lists(WORD, min_size=1, max_size=3), st.data())
def test_two_names_one_letter_apart_share_a_spelling(words, data):
    """Any letter but the name's first, inserted, left out, replaced or exchanged with the next one."""
    which = data.draw(st.integers(0, len(words) - 1))
    word = words[which]
    at = data.draw(st.integers(1, len(word) - 2))
    letter = data.draw(st.sampled_from(LETTERS))
    edited = data.draw(
        st.sampled_from(
            [
                word[:at] + letter + word[at:],
                word[:at] + word[at + 1 :],
                word[:at] + letter + word[at + 1 :],
                word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            ]
        )
    )
    assume(not variants.NUMBER.search(edited))
    other = [*words[:which], edited, *words[which + 1 :]]
    assume(min(len("".join(words)), len("".join(other))) >= variants.MIN_NAME_LENGTH)
    assert set(variants.name_variants(" ".join(words))) & set(variants.name_variants(" ".join(other)))


@given(st.lists(st.text(LETTERS + "0123456789", min_size=1, max_size=12), min_size=1, max_size=4))
def test_spellings_are_few_distinct_and_keep_the_first_letter(words):
    found = variants.name_variants(" ".join(words))
    name = "".join(words)
    assert len(found) <= len(name) and len(set(found)) == len(found)
    assert all(spelling[0] == name[0] and len(name) - len(spelling) <= 1 for spelling in found)
    assert (name in found) == (len(name) >= variants.MIN_NAME_LENGTH)


def test_a_name_without_a_country_has_no_spelling():
    batch = pa.record_batch(
        {
            "account_id": pa.array(["a", "b", "c"], pa.string()),
            "name_folded": pa.array(["northern bay", None, "northern bay"], pa.string()),
            "country_code": pa.array([None, "DE", "DE"], pa.string()),
        }
    )
    found = variants.variants_batch(batch).to_pylist()
    assert {row["account_id"] for row in found} == {"c"}
    assert {"account_id": "c", "key_value": "northernbay|DE"} in found
    assert variants.variants_batch(batch.slice(0, 2)).num_rows == 0


# --------------------------------------------------------- through the build

PAIR_SECRET = hashlib.sha256(b"a pair under test").hexdigest()
PARTNER = {
    "partner_id": "peer",
    "partner_name": "Peer",
    "exchange": "keys",
    "is_active": "true",
    "secret_env": "NAME_KEYS_SECRET",
    "agreement_id": "pilot",
    "epoch": "1",
}
EVERYTHING = {
    "partner_id": "peer",
    "our_status": "*",
    "partner_status": "*",
    "level": "overlapping",
    "fields": "",
    "valid_from": "2026-01-01",
    "valid_until": "2026-12-31",
}
# what either side states, so that it is in force
AGREEMENT = [{**EVERYTHING, "direction": direction} for direction in ("offered", "accepted")]
# what one CRM calls a company, how the partner spells it, where, and how it should be found: the decision, or None
COMPANIES = {
    "exact": ("Alder & Birch GmbH", "Alder and Birch", "DE", ("accepted", "name_exact")),
    "core": ("Quillwood Holding AB", "Quillwood Group", "SE", ("accepted", "name_fuzzy")),
    "initials": ("Old Dominion Freight Line, Inc.", "OLD DOMIN.FR.LINE", "US", ("accepted", "name_fuzzy")),
    "typo": ("Steelwright Dynamics Inc", "Steelwrihgt Dynamics", "US", ("accepted", "name_fuzzy")),
    "short": ("Mizuno Corporation", "Mizuho", "JP", None),
    "series": ("Concord Acquisition Corp II", "Concord Acquisition Corp III", "US", None),
    # two of ours begin with this word: its initials name neither
    "sister": ("Formosa Plastics", "Formosa Petrochemical", "TW", None),
    "other sister": ("Formosa Textiles", None, "TW", None),
    # many places have one of them: the name counts with its place only
    "church": ("Ravenswood Lutheran Church", "Ravenswood Lutheran Church", "US", ("accepted", "name_exact")),
    "school": ("Pinewick Elementary School", "Pinewick Elementary School", "US", None),
    "chapel": ("Ottermere Chapel", "Ottermere Chapel", "US", None),
    "person": ("John Smith", "John Smith", "US", None),
    "nobody": ("Unknown Inc", "Unknown", "US", None),
}
# the city that either side writes
CITIES = {"church": ("Reno", "Reno"), "school": ("Boise", "Salem")}


@pytest.fixture
def exchange(make_project, monkeypatch):
    """A function that builds both sides, each with or without typo keys, and returns our project."""
    monkeypatch.setenv("NAME_KEYS_SECRET", PAIR_SECRET)

    def side(name: str, typo_keys: bool):
        variables = {
            "account_mapping__crms": ["generic"],
            "account_mapping__as_of": "2026-11-15",
            "account_mapping__typo_keys": typo_keys,
        }
        project = make_project(name=name, variables=variables)
        project.write_seed("account_mapping__partners", [PARTNER])
        project.write_seed("account_mapping__sharing_agreements", AGREEMENT)
        project.write_table("partners.partner_agreements", AGREEMENT)
        return project

    def play(our_typo_keys: bool, partner_typo_keys: bool):
        theirs = side("theirs", partner_typo_keys)
        theirs.write_table(
            "generic.accounts",
            [
                {
                    "account_id": key,
                    "account_name": spelling,
                    "country": country,
                    "city": CITIES.get(key, (None, None))[1],
                }
                for key, (_, spelling, country, _) in COMPANIES.items()
                if spelling
            ],
        )
        theirs.make("+account_mapping__shared_keys")
        received = "select 'peer' as partner_id, * exclude (partner_id) from account_mapping__shared_keys"
        keys = theirs.arrow(received).to_pylist()
        # a later version may send more kinds of key than we know
        keys += [{**keys[0], "key_type": "name_of_a_later_version", "token": "0" * 64}]
        ours = side("ours", our_typo_keys)
        ours.write_table(
            "generic.accounts",
            [
                {
                    "account_id": key,
                    "account_name": name,
                    "country": country,
                    "city": CITIES.get(key, (None, None))[0],
                }
                for key, (name, _, country, _) in COMPANIES.items()
            ],
        )
        ours.write_table("partners.partner_keys", keys)
        ours.make("+account_mapping__matches")
        names = {
            row["token"]: row["account_id"].removeprefix("generic:")
            for row in theirs.query("select * from int_account_mapping__match_keys where key_type = 'account'")
        }
        found = {
            row["account_id"].removeprefix("generic:"): row
            for row in ours.query("select * from account_mapping__matches")
        }
        assert all(names[row["partner_account_id"]] == key for key, row in found.items())
        return ours, found

    return play


def decisions(found: dict) -> dict:
    return {key: (row["decision"], row["match_method"]) for key, row in found.items()}


def test_typo_keys_find_a_mistyped_name_and_say_that_it_is_a_suggestion(exchange):
    _, found = exchange(True, True)
    assert decisions(found) == {key: company[3] for key, company in COMPANIES.items() if company[3]}
    assert found["exact"]["match_reason"].startswith("Same name (compared as keyed hashes)")
    assert "words such as group or holding" in found["core"]["match_reason"]
    assert found["initials"]["match_reason"].startswith("A suggestion: same first word")
    assert found["typo"]["match_reason"].startswith("A suggestion: names equal but for a letter")
    surest_first = sorted((key for key in found if key != "church"), key=lambda key: -found[key]["match_probability"])
    assert surest_first == ["exact", "core", "initials", "typo"]


def test_typo_keys_work_only_where_both_sides_switch_them_on(exchange):
    """A partner that sends them unasked is matched by the other keys; ours, by default, has none."""
    project, found = exchange(False, True)
    assert decisions(found) == {key: company[3] for key, company in COMPANIES.items() if company[3] and key != "typo"}
    kinds = {row["key_type"] for row in project.query("select distinct key_type from int_account_mapping__match_keys")}
    assert kinds == {
        "account",
        *(
            f"{kind}{place}"
            for kind in ("name", "name_sorted", "name_short", "name_core")
            for place in ("", "_country")
        ),
        "name_initials_country",
        "name_place",
    }
    generic = project.query(
        "select distinct account_id, key_type from int_account_mapping__match_keys where account_id in "
        "('generic:church', 'generic:school', 'generic:chapel', 'generic:person', 'generic:nobody')"
    )
    assert {(row["account_id"].removeprefix("generic:"), row["key_type"]) for row in generic} == {
        *((key, "account") for key in ("church", "school", "chapel", "person", "nobody")),
        *((key, "name_place") for key in ("church", "school")),
    }


# ----------------------------------------------------------------- aliases


def test_a_row_of_the_seed_of_aliases_links_two_names(make_project):
    project = make_project(name="aliases", variables={"account_mapping__crms": ["generic"]})
    project.write_seed("account_mapping__partners", [{**PARTNER, "exchange": "list", "secret_env": ""}])
    rows = [
        {"name": "Velmoor Works of Dunholt", "alias": "VWD", "kind": "short_name"},
        {"name": "VELMOOR WORKS OF DUNHOLT", "alias": "Dunholt Forge", "kind": "former_name"},
        {"name": "Ambervale", "alias": "Both", "kind": "alias"},
        {"name": "Silverwick", "alias": "Both", "kind": "alias"},
    ]
    project.write_seed("account_mapping__name_aliases", rows)
    ours = {"1": "VWD Inc", "2": "Both Ltd", "3": "Otterby Tools"}
    theirs = {"a": "Velmoor Works of Dunholt", "b": "Ambervale", "c": "Otterby Tools", "d": "Dunholt Forge LLC"}
    project.write_table(
        "generic.accounts", [{"account_id": key, "account_name": name, "country": "US"} for key, name in ours.items()]
    )
    project.write_table(
        "partners.partner_accounts",
        [
            {"partner_id": "peer", "account_id": key, "account_name": name, "country": "US"}
            for key, name in theirs.items()
        ],
    )
    project.make("+account_mapping__matches")
    keys = project.query("select account_id, key_value from int_account_mapping__account_keys where key_type = 'alias'")
    assert {(row["account_id"].removeprefix("generic:"), row["key_value"]) for row in keys} == {
        (account, "VELMOOR WORKS OF DUNHOLT") for account in ("1", "a", "d")
    }
    found = {
        (row["account_id"], row["partner_account_id"]): row["match_method"]
        for row in project.query("select * from account_mapping__matches where decision = 'accepted'")
    }
    assert found[("generic:1", "a")] == found[("generic:1", "d")] == "alias"
    assert not any(account == "generic:2" for account, _ in found)
