"""Hashing of keys: published test vectors, our own frozen ones, and what a person gets when a secret is wrong."""

from __future__ import annotations

import hashlib
import hmac
import random
import re

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loading import load_model, package_file, properties

from exchange import protocol

match_keys = load_model("int_account_mapping__match_keys")

SECRET = bytes(range(32))
BATCH = match_keys.INPUT


def pads_of(key: bytes) -> pa.Table:
    inner, outer = match_keys.hmac_pads(key)
    return pa.table({"partner_id": ["p"], "key_type": ["t"], "inner_pad": [inner], "outer_pad": [outer]})


def tokens(values: list[str], key: bytes) -> list[str]:
    """Tokens in the order of `values`: the account id holds the place."""
    rows = [
        {"partner_id": "p", "account_id": f"{i:09d}", "key_type": "t", "key_value": v} for i, v in enumerate(values)
    ]
    batches = pa.RecordBatchReader.from_batches(BATCH, [pa.RecordBatch.from_pylist(rows, schema=BATCH)])
    hashed = pa.Table.from_batches(match_keys.hash_batches(batches, pads_of(key)), match_keys.SCHEMA)
    return hashed.sort_by("account_id").column("token").to_pylist()


def test_rows_are_hashed_as_they_come_and_not_held():
    """A list of any length goes through: tokens come out while most of the list has not been asked for."""
    n_batches, asked = 60, []

    def batches():
        for number in range(n_batches):
            asked.append(number)
            values = [f"{number} {row}" for row in range(20_000)]
            same = [["p"] * len(values), values, ["t"] * len(values), values, [None] * len(values)]
            yield pa.RecordBatch.from_arrays(list(map(pa.array, same, BATCH.types)), schema=BATCH)

    hashed = match_keys.hash_batches(pa.RecordBatchReader.from_batches(BATCH, batches()), pads_of(bytes(32)))
    first = next(hashed).num_rows
    assert len(asked) < n_batches / 2
    assert first + sum(batch.num_rows for batch in hashed) == n_batches * 20_000


# RFC 4231, cases 1 to 4, 6 and 7. Data that is no UTF-8 text goes past the text column, through the pads alone.
RFC_4231 = [
    (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    (b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    (
        bytes(range(1, 26)),
        b"\xcd" * 50,
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
    ),
    (
        b"\xaa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
    (
        b"\xaa" * 131,
        b"This is a test using a larger than block-size key and a larger than block-size data. "
        b"The key needs to be hashed before being used by the HMAC algorithm.",
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    ),
]


@pytest.mark.parametrize(("key", "data", "expected"), RFC_4231, ids=["1", "2", "3", "4", "6", "7"])
def test_hmac_equals_rfc_4231(key, data, expected):
    inner, outer = match_keys.hmac_pads(key)
    sql = "select sha256($outer || unhex(sha256($inner || $data)))"
    assert duckdb.execute(sql, {"outer": outer, "inner": inner, "data": data}).fetchall() == [(expected,)]
    if data.isascii():
        assert tokens([data.decode()], key) == [expected]


# RFC 5869, cases 1 to 3.
RFC_5869 = [
    (
        "0b" * 22,
        "000102030405060708090a0b0c",
        "f0f1f2f3f4f5f6f7f8f9",
        42,
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    ),
    (
        bytes(range(0x00, 0x50)).hex(),
        bytes(range(0x60, 0xB0)).hex(),
        bytes(range(0xB0, 0x100)).hex(),
        82,
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
        "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
    ),
    (
        "0b" * 22,
        "",
        "",
        42,
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    ),
]


@pytest.mark.parametrize(("secret", "salt", "info", "length", "expected"), RFC_5869, ids=["1", "2", "3"])
def test_hkdf_equals_rfc_5869(secret, salt, info, length, expected):
    material = match_keys.hkdf_sha256(bytes.fromhex(secret), bytes.fromhex(info), bytes.fromhex(salt), length)
    assert material.hex() == expected


def test_own_vectors_are_frozen():
    """Two installations of different versions must notice each other: these values never change within a version."""
    key = match_keys.derive_key(SECRET, "acme-2026", "2026q4", "domain", "1")
    assert key.hex() == "97d3d4a20e24180228978df8e3bb3a4dc4a1e31026713ff16d5b76e53be5c682"
    assert tokens(["example.com"], key) == ["ac3536700d2109b85ebc47076d59c74e9e1f3833cba551ae326f5b0af7b8ca45"]


def test_every_part_of_the_derivation_changes_the_key():
    parts = ["agreement", "epoch", "domain", "1"]
    keys = {match_keys.derive_key(SECRET, *parts)}
    keys |= {match_keys.derive_key(SECRET, *parts[:i], parts[i] + "x", *parts[i + 1 :]) for i in range(4)}
    keys |= {match_keys.derive_key(bytes(32), *parts), match_keys.derive_key(SECRET, "agreementepoch", "", *parts[2:])}
    assert len(keys) == 7


@settings(max_examples=25)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1), max_size=20))
def test_tokens_equal_the_standard_library(values):
    assert tokens(values, SECRET) == [hmac.digest(SECRET, value.encode(), "sha256").hex() for value in values]


# Secrets that are long enough, and that somebody could guess.
RANDOM = hashlib.sha256(b"as good as random").digest()
WEAK_SECRETS = [
    ("5a" * 32, "is a text"),
    ("fa" * 32, "repeats a part"),
    ((bytes(24) + RANDOM[:8]).hex(), "repeats a part"),
    (b"".join(n.to_bytes(2, "big") for n in range(256, 272)).hex(), "repeats few bytes"),
    ((RANDOM[:16] * 2).hex(), "repeats a part"),
    ((RANDOM[:11] * 3)[:32].hex(), "repeats a part"),
    ((RANDOM + RANDOM[:5]).hex(), "repeats a part"),
    (bytes(range(32)).hex(), "counts"),
    (bytes(range(255, 223, -1)).hex(), "counts"),
    (bytes(7 * n % 256 for n in range(40)).hex(), "counts"),
    (bytes((*range(10), *RANDOM[10:])).hex(), "counts"),
    (b"Correct horse, battery & staple!".hex(), "is a text"),
    (b"Correct horse, battery & staple!".hex().upper(), "is a text"),
]


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "is not set"),
        ("", "is not set"),
        ("zz" * 32, "not hexadecimal"),
        ("00" * 8, "at least 32"),
        *WEAK_SECRETS,
    ],
)
def test_a_bad_secret_names_the_variable_and_the_remedy_and_never_the_value(monkeypatch, value, problem):
    monkeypatch.delenv("SOME_SECRET", raising=False)
    if value is not None:
        monkeypatch.setenv("SOME_SECRET", value)
    with pytest.raises(ValueError, match=problem) as error:
        match_keys.read_secret("SOME_SECRET")
    assert "SOME_SECRET" in str(error.value)
    assert "openssl rand -hex 32" in str(error.value)
    assert not value or value not in str(error.value)


@pytest.mark.parametrize("spell", [str, str.upper, lambda text: " ".join(text[i : i + 4] for i in range(0, 64, 4))])
def test_one_secret_for_two_partners_is_refused_however_it_is_spelt(monkeypatch, spell):
    monkeypatch.setenv("ACCOUNT_MAPPING_SECRET_NIMBUS", RANDOM.hex())
    assert match_keys.read_secret("ACCOUNT_MAPPING_SECRET_NIMBUS", ["NOT_SET"]) == RANDOM
    for name, others in (("ACCOUNT_MAPPING_SECRET_CUMULUS", []), ("OF_ITS_OWN_NAME", ["OF_ITS_OWN_NAME"])):
        with monkeypatch.context() as patch:
            patch.setenv(name, spell(RANDOM.hex()))
            with pytest.raises(ValueError, match=f"NIMBUS and {name} hold the same secret.*openssl") as error:
                match_keys.read_secret("ACCOUNT_MAPPING_SECRET_NIMBUS", others)
            assert RANDOM.hex()[:4] not in str(error.value).lower()


def test_two_partners_of_one_variable_or_one_secret_are_hashed_for_by_no_model(monkeypatch):
    """The model reads secrets itself, of all partners at once."""
    monkeypatch.setenv("FIRST", RANDOM.hex())
    monkeypatch.setenv("SECOND", hashlib.sha256(RANDOM).hexdigest())
    scope = ("pact", "1")
    pads = match_keys.pad_table([("a", *scope, "FIRST", "domain"), ("a", *scope, "FIRST", "name")], "3")
    assert pads.num_rows == 2
    assert match_keys.pad_table([("a", *scope, "FIRST", "name"), ("b", *scope, "SECOND", "name")], "3").num_rows == 2
    with pytest.raises(ValueError, match="named for two partners"):
        match_keys.pad_table([("a", *scope, "FIRST", "name"), ("b", *scope, "FIRST", "name")], "3")
    monkeypatch.setenv("SECOND", RANDOM.hex())
    with pytest.raises(ValueError, match="FIRST and SECOND hold the same secret"):
        match_keys.pad_table([("a", *scope, "FIRST", "name"), ("b", *scope, "SECOND", "name")], "3")


def test_the_command_and_the_model_refuse_the_same_secrets(monkeypatch):
    rng = random.Random(16)
    for value in (*(weak for weak, _ in WEAK_SECRETS), *(rng.randbytes(32).hex() for _ in range(100))):
        monkeypatch.setenv("SOME_SECRET", value)
        said = []
        for read in (match_keys.read_secret, protocol.read_secret):
            try:
                said.append(read("SOME_SECRET"))
            except ValueError as error:
                said.append(str(error))
        assert said[0] == said[1]
        assert isinstance(said[0], str) == (value in dict(WEAK_SECRETS))


def test_random_secrets_are_never_called_weak():
    rng = random.Random(16)
    assert not any(match_keys.weakness(rng.randbytes(size)) for size in (32, 33, 48, 64) for _ in range(5_000))


def test_one_normaliser_version_everywhere():
    macro = package_file("normaliser_version.sql").read_text()
    versions = {
        properties("int_account_mapping__match_keys")["config"]["meta"]["normaliser_version"],
        re.search(r"-#}\s*(\S+)\s*{%- endmacro", macro).group(1),
        load_model("int_account_mapping__normalized").NORMALISER_VERSION,
    }
    assert len(versions) == 1
