"""The exchange protocol as written down: a second side, in plain Python, finds all vectors and the same matches."""

from __future__ import annotations

import json
import re

import pytest
from harness import PACKAGE
from psi_reader import (
    ORDER,
    answer,
    code_of,
    commitment,
    decode,
    derive,
    encode,
    hash_to_group,
    key_id_of,
    mac_of,
    scalar_of,
    scope_of,
    times,
    token_of,
)
from test_psi import VECTORS as RFC

from exchange import protocol, psi

PAGE = (PACKAGE / "docs" / "exchange_protocol.md").read_text(encoding="utf-8")
VECTORS = json.loads(re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)[1])
TERMS = (VECTORS["agreement_id"], VECTORS["epoch"], VECTORS["key_type"])
SCOPE = scope_of(*TERMS)


def test_the_second_side_does_arithmetic_as_rfc_9496_says():
    generator = decode(bytes.fromhex(RFC["multiples"][1]))
    assert [encode(times(number, generator)).hex() for number in range(16)] == RFC["multiples"]
    assert not any(decode(bytes.fromhex(spelt)) for spelt in RFC["invalid"])
    assert all(encode(derive(bytes.fromhex(uniform))).hex() == point for uniform, point in RFC["derived"])


def test_the_second_side_finds_the_vectors_of_the_page():
    secret = bytes.fromhex(VECTORS["secret"])
    tokens = [token_of(secret, *TERMS, VECTORS["normaliser_version"], value) for value in VECTORS["values"]]
    assert [token.hex() for token in tokens] == VECTORS["tokens"]
    hashed = [hash_to_group(token, SCOPE) for token in tokens]
    assert [encode(point).hex() for point in hashed] == VECTORS["hashed_to_group"]
    for side, other in (("north", "south"), ("south", "north")):
        told = VECTORS["sides"][side]
        scalar = scalar_of(bytes.fromhex(told["master"]), SCOPE, bytes.fromhex(told["nonce"]))
        assert scalar.to_bytes(32, "little").hex() == told["scalar"]
        points = [encode(times(scalar, point)) for point in hashed]
        assert [point.hex() for point in points] == told["points"]
        assert commitment(sorted(points), SCOPE) == told["commitment_to_its_sorted_points"]
        theirs = sorted(map(bytes.fromhex, VECTORS["sides"][other]["points"]))
        answers = [answer(point, scalar, SCOPE).hex() for point in theirs]
        assert answers == told["answers_to_the_others_sorted_points"]
    manifest = VECTORS["manifest"]
    assert manifest["mac"] == mac_of(secret, manifest)
    assert manifest["key_id"] == VECTORS["key_id"] == key_id_of(secret, *TERMS[:2])
    assert code_of(manifest) == VECTORS["delivery_code"]


def test_the_package_reads_the_manifest_of_the_page_and_writes_the_columns_that_it_lists():
    data = protocol.canonical_json(VECTORS["manifest"])
    assert protocol.parse_manifest(data) == VECTORS["manifest"]
    assert protocol.delivery_code(VECTORS["manifest"]) == VECTORS["delivery_code"]
    for kind, columns in protocol.COLUMNS.items():
        row = re.search(rf"^\| `{kind}` \| ([^;|]*)", PAGE, re.MULTILINE)[1]
        assert row.replace("*", "").strip() == ", ".join(columns)
        bold = re.findall(r"\*\*(\w+)\*\*", row)
        assert bold == list(protocol.GRAIN[kind]) or kind == "answers"
    assert f"`{protocol.PROTOCOL}`" in PAGE
    sizes = [
        int(number.replace(",", "")) for number in re.search(r"next size of ([\d, ]*)", PAGE)[1].strip(", ").split(", ")
    ]
    assert sizes == sorted({psi.band(number) for number in range(1, 1_500)})


@pytest.mark.parametrize("mode", psi.MODES)
def test_a_side_of_plain_python_and_the_package_find_the_same(monkeypatch, mode):
    monkeypatch.setattr(psi, "LEAST_BAND", 4)
    scope = psi.Scope(*TERMS)
    ours = [bytes([number]) * 32 for number in range(1, 6)]
    theirs = [bytes([number]) * 32 for number in range(4, 8)]
    nonce, master = bytes(16), b"m" * 32
    mine = psi.scalar_of(master, scope, nonce)
    blinded = psi.blind(ours, scope, mine)
    scalar = scalar_of(b"n" * 32, SCOPE, nonce)
    hidden = {encode(times(scalar, hash_to_group(token, SCOPE))): token for token in theirs}
    sent = sorted(hidden)
    # their round 1 through our checks, and our round 2
    points = psi.rows_of(b"".join(sent), 32)
    psi.check_points(points, blinded.points, scope, commitment(sent, SCOPE), len(sent), 10)
    answers = psi.answer(points, scope, mine)
    # their round 2, and what both find
    back = [answer(point.tobytes(), scalar, SCOPE) for point in blinded.points]
    came = psi.rows_of(b"".join(back if mode == psi.REVEAL else sorted(back)), 16)
    committed = psi.commitment(blinded.points, scope)
    psi.check_answers(came, scope, committed, committed, len(blinded.points), mode)
    places, others = psi.matched(came, answers)
    told = [made.tobytes() for made in psi.in_mode(answers, mode)]
    known = set(back)
    shared = set(ours) & set(theirs)
    assert len(places) == len(shared) == sum(made in known for made in told)
    if mode == psi.REVEAL:
        assert {ours[place] for place in blinded.tokens[places]} == shared
        assert {hidden[sent[place]] for place in others} == shared
        assert {hidden[point] for point, made in zip(sent, told, strict=True) if made in known} == shared
    assert 0 < scalar < ORDER
