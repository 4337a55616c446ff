"""The exchange's manifest and agreement rule: known answers, one spelling of JSON, and no change that goes unseen."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange import protocol

SECRET = bytes(range(32))
NORMALISER = protocol.Normaliser("2", ("canary", "canary.co.uk"), "tldextract 5.4.0, sha256 0123456789abcdef")
EVERYTHING = tuple(protocol.Rule(direction, "*", "*", "all", "name;status") for direction in ("accepted", "offered"))
US = protocol.Party("north", "pact", "2026", "2026-11-15", EVERYTHING, NORMALISER)
THEM = replace(US, company_id="south")
FILE = protocol.FileEntry("keys-" + "ab" * 6 + ".parquet", "keys", 3, "ab" * 32, {"domain": 1, "name": 2})
MANIFEST = protocol.make_manifest(SECRET, THEM, [FILE], protocol.statement_hash(EVERYTHING), 7)
DATA = protocol.canonical_json(MANIFEST)


def refusal(data: bytes, secret: bytes = SECRET, **arguments: object) -> str:
    """Code by which a manifest is refused."""
    with pytest.raises(protocol.Refused) as caught:
        manifest = protocol.parse_manifest(data)
        protocol.check_manifest(manifest, secret, US, **arguments)
    assert str(caught.value).endswith(".")
    return caught.value.code


# ---------------------------------------------------------------- known answers


def expand(secret: bytes, *parts: str) -> bytes:
    """HKDF-SHA-256 of 32 bytes by the letter of RFC 5869, written here anew."""
    info = b"".join(
        len(part).to_bytes(4, "big") + part for part in (b"account-mapping/v1", *(p.encode() for p in parts))
    )
    extracted = hmac.new(bytes(32), secret, hashlib.sha256).digest()
    return hmac.new(extracted, info + b"\x01", hashlib.sha256).digest()


def test_key_id_and_authentication_code_are_what_the_standards_say():
    key = expand(SECRET, "pact", "2026", "key_id", "")
    named = hmac.new(key, b"account-mapping key id", hashlib.sha256).hexdigest()[:32]
    assert protocol.key_id(SECRET, "pact", "2026") == named == "f902f68e4110fef86f3910ecd62087f7"
    content = {"agreement_id": "pact", "epoch": "2026", "z": [1, None, True], "a": "é"}
    text = b'{"a":"\\u00e9","agreement_id":"pact","epoch":"2026","z":[1,null,true]}'
    assert protocol.canonical_json(content) == text
    code = hmac.new(expand(SECRET, "pact", "2026", "manifest", ""), text, hashlib.sha256).hexdigest()
    assert (
        protocol.authentication_code(SECRET, content | {"mac": "left out"})
        == code
        == "d9f7f156730e556f362806e49fd99bd1d205f11b956d984d88d386d33db09d5d"
    )


def test_every_purpose_has_a_key_of_its_own():
    keys = {protocol.derive_key(SECRET, "pact", "2026", purpose) for purpose in ("manifest", "key_id", "canary")}
    assert len(keys) == 3
    assert protocol.key_id(SECRET, "pact", "2026") != protocol.key_id(SECRET, "pact2026", "")


def test_a_manifest_tells_nothing_of_the_secret():
    assert SECRET.hex() not in DATA.decode()
    assert hashlib.sha256(SECRET).hexdigest() not in DATA.decode()


# ---------------------------------------------------------------- one spelling

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(PLAIN)
def test_canonical_json_comes_back_unchanged_and_has_one_spelling(value):
    data = protocol.canonical_json(value)
    assert json.loads(data) == value
    assert protocol.canonical_json(json.loads(data)) == data
    assert data.isascii()


@given(st.dictionaries(st.text(), st.integers(), min_size=2), st.randoms())
def test_the_order_in_which_keys_were_added_does_not_matter(value, random):
    items = list(value.items())
    random.shuffle(items)
    assert protocol.canonical_json(dict(items)) == protocol.canonical_json(value)


@pytest.mark.parametrize("value", [1.0, float("nan"), b"bytes", {1: "number as key"}, {"nested": [{1, 2}]}])
def test_what_has_several_spellings_is_no_canonical_json(value):
    with pytest.raises(TypeError):
        protocol.canonical_json(value)


# ---------------------------------------------------------------- tampering


def test_a_manifest_as_it_was_written_is_accepted():
    assert protocol.check_manifest(protocol.parse_manifest(DATA), SECRET, US) == []


@settings(max_examples=400)
@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_any_changed_byte_is_refused(place, change):
    altered = bytearray(DATA)
    altered[place] ^= change
    refusal(bytes(altered))


@given(st.integers(0, len(DATA)), st.binary(min_size=1, max_size=3))
def test_any_added_byte_is_refused(place, added):
    refusal(DATA[:place] + added + DATA[place:])


@given(st.integers(0, len(DATA) - 1))
def test_a_manifest_that_was_cut_off_is_no_json(length):
    assert refusal(DATA[:length]) == "not_json"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"sequence": 8}, "altered_manifest"),
        ({"expires_on": "2036-01-01"}, "altered_manifest"),
        ({"statement": [], "statement_hash": protocol.digest([])}, "altered_manifest"),
        ({"files": []}, "altered_manifest"),
        ({"key_id": "0" * 32}, "wrong_secret"),
        ({"epoch": "2027"}, "other_epoch"),
        ({"agreement_id": "other"}, "other_agreement"),
        ({"sender": "north"}, "own_name"),
        ({"protocol": "account-mapping/v9"}, "unknown_protocol"),
        ({"sequence": 0}, "malformed_manifest"),
        ({"sequence": True}, "malformed_manifest"),
        ({"created_on": "yesterday"}, "malformed_manifest"),
        ({"note": "hello"}, "malformed_manifest"),
    ],
)
def test_an_edited_manifest_is_refused_also_when_hashed_anew_without_the_secret(change, code):
    edited = MANIFEST | change
    guessed = protocol.authentication_code(bytes(32), edited)
    assert refusal(protocol.canonical_json(edited | {"mac": guessed})) == code


@pytest.mark.parametrize(
    "entry",
    [
        {"name": "../../../etc/passwd"},
        {"name": "keys-000000000000.parquet"},
        {"kind": "secrets"},
        {"rows": -1},
        {"rows": 10**18},
        {"rows": "3"},
        {"rows_per_key_type": {"domain": 4}},
        {"rows_per_key_type": [1]},
        {"rows_per_key_type": {"=HYPERLINK": 3}},
        {"sha256": "AB" * 32},
    ],
)
def test_an_entry_of_a_file_that_is_not_as_it_should_be_is_refused_though_signed(entry):
    signed = MANIFEST | {"files": [MANIFEST["files"][0] | entry]}
    signed["mac"] = protocol.authentication_code(SECRET, signed)
    assert refusal(protocol.canonical_json(signed)) == "malformed_manifest"


def test_doubled_keys_deep_nesting_and_size_are_refused():
    assert refusal(DATA.replace(b'"epoch":', b'"epoch":"2026","epoch":', 1)) == "not_json"
    assert refusal(b"[" * 100_000) == "not_json"
    assert refusal(b" " * (protocol.MAX_MANIFEST_BYTES + 1)) == "manifest_too_large"
    assert refusal(json.dumps(MANIFEST, indent=1).encode()) == "not_canonical"


# ---------------------------------------------------------------- told apart


def test_secret_epoch_agreement_and_normaliser_are_told_apart():
    assert refusal(DATA, secret=bytes(32)) == "wrong_secret"
    for change, code in (
        ({"epoch": "2027"}, "other_epoch"),
        ({"agreement_id": "other"}, "other_agreement"),
        ({"normaliser": replace(NORMALISER, version="1")}, "other_normaliser_version"),
        ({"normaliser": replace(NORMALISER, outputs=("kanari", "canary.co.uk"))}, "other_normaliser"),
    ):
        manifest = protocol.make_manifest(SECRET, replace(THEM, **change), [], None, 1)
        assert refusal(protocol.canonical_json(manifest)) == code


def test_another_suffix_list_is_worth_a_note_and_no_refusal():
    normaliser = replace(NORMALISER, suffix_list="tldextract 5.3.0, sha256 fedcba9876543210")
    manifest = protocol.make_manifest(SECRET, replace(THEM, normaliser=normaliser), [], None, 1)
    notes = protocol.check_manifest(manifest, SECRET, US)
    assert len(notes) == 2
    assert "Public Suffix List is another" in notes[0]
    assert "not yet received our present sharing agreement" in notes[1]


def test_the_installed_normaliser_is_known_by_what_it_does():
    nothing = {seed: [] for seed in protocol.NORMALISER_SEEDS}
    form = {"form": "gmbh", "class": "limited", "position": "end", "script": "", "jurisdictions": "DE"}
    seeds = {
        **{"legal_forms": [form], "placeholders": [{"kind": "name", "value": "unknown"}]},
        "name_words": [{"word": "church", "kind": "institution"}],
        "common_words": [{"word": "bank"}],
    }
    without = protocol.installed_normaliser("2", nothing)
    assert "canary.co.uk" in without.outputs
    for seed, rows in seeds.items():
        with_rows = protocol.installed_normaliser("2", {**nothing, seed: rows})
        assert with_rows == protocol.installed_normaliser("2", {**nothing, seed: rows})
        assert with_rows.vectors != without.vectors, seed
        canaries = [protocol.canaries(SECRET, "pact", "2026", normaliser) for normaliser in (with_rows, without)]
        assert canaries[0]["raw"] == canaries[1]["raw"]
        assert canaries[0]["normalised"] != canaries[1]["normalised"], seed


# ---------------------------------------------------------------- time and order


@pytest.mark.parametrize(("as_of", "is_expired"), [("2026-12-15", False), ("2026-12-16", True)])
def test_a_manifest_is_good_through_its_last_day(as_of, is_expired):
    manifest = protocol.parse_manifest(DATA)
    assert manifest["expires_on"] == "2026-12-15"
    if is_expired:
        with pytest.raises(protocol.Refused) as caught:
            protocol.check_manifest(manifest, SECRET, replace(US, as_of=as_of))
        assert caught.value.code == "expired"
    else:
        protocol.check_manifest(manifest, SECRET, replace(US, as_of=as_of))


def test_an_older_number_is_a_replay_in_its_own_epoch_only():
    latest = protocol.Accepted("pact", "2026", 8, "ff" * 32, "ff" * 32)
    assert refusal(DATA, accepted=latest) == "replayed"
    assert refusal(DATA, accepted=replace(latest, sequence=7)) == "replayed"
    manifest = protocol.parse_manifest(DATA)
    for good in (
        replace(latest, sequence=7, mac=MANIFEST["mac"]),
        replace(latest, sequence=6),
        replace(latest, epoch="2025"),
    ):
        protocol.check_manifest(manifest, SECRET, US, accepted=good)


def test_our_own_manifest_is_known_again():
    ours = protocol.make_manifest(SECRET, US, [], None, 1)
    assert refusal(protocol.canonical_json(ours), own_mac=ours["mac"]) == "own_file"
    assert refusal(protocol.canonical_json(ours)) == "own_name"


# ---------------------------------------------------------------- the agreement

rules = st.builds(
    protocol.Rule,
    direction=st.sampled_from(["offered", "accepted"]),
    our_status=st.sampled_from(["*", *protocol.STATUSES]),
    partner_status=st.sampled_from(["*", *protocol.PARTNER_STATUSES]),
    level=st.sampled_from(protocol.LEVELS),
    fields=st.sets(st.sampled_from(protocol.FIELDS)).map(lambda fields: ";".join(sorted(fields))),
    minimum_count=st.integers(0, 30),
    valid_from=st.sampled_from(["", "2026-01-01", "2026-11-15", "2026-11-16"]),
    valid_until=st.sampled_from(["", "2026-11-14", "2026-11-15", "2026-12-31"]),
)
statements = st.lists(rules, max_size=8)


@given(statements)
def test_without_a_word_of_the_other_side_nothing_is_in_force(statement):
    for sender, receiver in ((statement, []), ([], statement)):
        cells = protocol.cells_in_force(sender, receiver, "2026-11-15")
        assert {cell.level for cell in cells} == {"hidden"}
        assert protocol.allowed(cells).kinds == frozenset()


@given(statements, statements)
def test_no_cell_exceeds_what_either_side_says_anywhere(sender, receiver):
    offered = [rule for rule in sender if rule.direction == "offered" and rule.is_valid("2026-11-15")]
    accepted = [rule for rule in receiver if rule.direction == "accepted" and rule.is_valid("2026-11-15")]
    for cell in protocol.cells_in_force(sender, receiver, "2026-11-15"):
        for rules_of_side in (offered, accepted):
            levels = [protocol.LEVELS.index(rule.level) for rule in rules_of_side]
            assert protocol.LEVELS.index(cell.level) <= max(levels, default=0)
            assert cell.fields <= {name for rule in rules_of_side for name in rule.fields.split(";")}


def test_the_most_specific_rule_decides_and_of_equals_the_least():
    offered = [
        protocol.Rule("offered", "*", "*", "all", "name;status"),
        protocol.Rule("offered", "customer", "*", "counts", "", 12),
        protocol.Rule("offered", "*", "churned", "hidden"),
        protocol.Rule("offered", "customer", "customer", "overlapping", "name;status"),
        protocol.Rule("offered", "customer", "customer", "all", "status;website", 15),
        protocol.Rule("offered", "prospect", "*", "all", "", 0, "2026-11-16", ""),
    ]
    accepted = [protocol.Rule("accepted", "*", "*", "overlapping", "name;status")]
    cells = {
        (cell.sender_status, cell.receiver_status): (cell.level, sorted(cell.fields), cell.minimum_count)
        for cell in protocol.cells_in_force(offered, accepted, "2026-11-15")
    }
    assert cells["prospect", "prospect"] == ("overlapping", ["name", "status"], 10)
    assert cells["customer", "prospect"] == ("counts", [], 12)
    assert cells["customer", "churned"] == ("counts", [], 12)
    assert cells["prospect", "churned"] == ("hidden", [], 10)
    assert cells["customer", "customer"] == ("overlapping", ["status"], 15)
    assert len(cells) == 20


def test_files_without_consent_are_unilateral():
    manifest = protocol.parse_manifest(DATA)
    assert protocol.check_consent(manifest, US).kinds == {"keys", "counts", "fields"}
    with pytest.raises(protocol.Refused) as caught:
        protocol.check_consent(manifest, replace(US, statement=EVERYTHING[1:]))
    assert caught.value.code == "unilateral"


@pytest.mark.parametrize(
    ("fields", "kinds"),
    [
        ("person_rows", {"keys", "counts"}),
        ("person;person_rows", {"keys", "counts"}),
        ("name;person_rows", {"keys", "counts", "fields"}),
    ],
)
def test_what_agreements_name_beside_fields_lets_no_file_of_fields_leave(fields, kinds):
    offered = [protocol.make_rule({"direction": "offered", "level": "overlapping", "fields": fields})]
    accepted = [protocol.make_rule({"direction": "accepted", "level": "overlapping", "fields": fields})]
    assert protocol.allowed(protocol.cells_in_force(offered, accepted, "2026-11-15")).kinds == kinds


def test_a_status_is_told_only_if_every_cell_in_force_tells_it():
    offered = [
        protocol.Rule("offered", "*", "*", "overlapping", "status"),
        protocol.Rule("offered", "customer", "churned", "overlapping", ""),
    ]
    accepted = [protocol.Rule("accepted", "*", "*", "all", "status")]
    cells = protocol.cells_in_force(offered, accepted, "2026-11-15")
    assert protocol.allowed(cells).statuses == {"open_opportunity", "churned", "prospect"}


def test_a_cell_whose_status_the_receiver_does_not_tell_may_be_counted():
    cells = protocol.cells_in_force(EVERYTHING, EVERYTHING, "2026-11-15")
    assert ("customer", "not_shared") in protocol.allowed(cells).minimum_counts
    assert ("not_shared", "customer") not in protocol.allowed(cells).minimum_counts


# ---------------------------------------------------------------- a clean room, which has no secret


def pair(**changes: object) -> tuple[dict, dict]:
    """Two manifests that belong together; `changes` replace what the second side knows, or its secret."""
    secret = changes.pop("secret", SECRET)
    knows = changes.pop("knows", protocol.statement_hash(EVERYTHING))
    them = replace(THEM, **changes)
    own = protocol.make_manifest(SECRET, US, [FILE], protocol.statement_hash(them.statement), 3)
    return own, protocol.make_manifest(secret, them, [FILE], knows, 7)


def test_a_room_takes_two_manifests_that_belong_together():
    for permitted in protocol.check_pair(*pair(), US):
        assert "keys" in permitted.kinds
        assert permitted.statuses == set(protocol.STATUSES)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"company_id": "north"}, "one_sender"),
        ({"secret": bytes(32)}, "wrong_secret"),
        ({"epoch": "2025"}, "other_epoch"),
        ({"agreement_id": "treaty"}, "other_agreement"),
        ({"normaliser": replace(NORMALISER, version="1")}, "other_normaliser_version"),
        ({"normaliser": replace(NORMALISER, outputs=("kanari",))}, "other_normaliser"),
        ({"as_of": "2026-10-01"}, "expired"),
        ({"knows": None}, "other_statement"),
        ({"knows": "ab" * 32}, "other_statement"),
        ({"statement": EVERYTHING[1:]}, "unilateral"),
        ({"statement": EVERYTHING[:1]}, "unilateral"),
    ],
)
def test_a_room_refuses_two_manifests_that_do_not(changes, code):
    own, other = pair(**changes)
    for manifests in ((own, other), (other, own)):
        with pytest.raises(protocol.Refused) as caught:
            protocol.check_pair(*manifests, US)
        assert caught.value.code == code
        assert str(caught.value).endswith(".")
