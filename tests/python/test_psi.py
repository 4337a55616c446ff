"""Private set intersection, the rounds: known answers, agreement with a plain join, and every refusal."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from exchange import psi, ristretto
from exchange.protocol import Refused

VECTORS = json.loads((Path(__file__).parent / "vectors" / "ristretto255.json").read_text(encoding="utf-8"))
SCOPE = psi.Scope("pact", "1", "domain")
MASTERS = {"north": hashlib.sha256(b"north").digest(), "south": hashlib.sha256(b"south").digest()}
CAP = 10_000


def token(value: str) -> bytes:
    return hashlib.sha256(value.encode()).digest()


def scalar(side: str, scope: psi.Scope = SCOPE, nonce: bytes = bytes(16)) -> bytes:
    return psi.scalar_of(MASTERS[side], scope, nonce)


def refusal(call, *arguments) -> str:
    with pytest.raises(Refused) as caught:
        call(*arguments)
    assert str(caught.value).endswith(".")
    return caught.value.code


# ---------------------------------------------------------------- known answers


def test_multiples_of_the_generator_are_those_of_rfc_9496():
    assert len(VECTORS["multiples"]) == 16
    for number, point in enumerate(VECTORS["multiples"]):
        assert ristretto.base_multiple(number.to_bytes(32, "little")).hex() == point
    generator = bytes.fromhex(VECTORS["multiples"][1])
    for number, point in enumerate(VECTORS["multiples"][1:], 1):
        assert b"".join(ristretto.multiply(generator, number.to_bytes(32, "little"))).hex() == point


def test_no_invalid_encoding_of_rfc_9496_is_a_point_and_none_is_multiplied():
    assert len(VECTORS["invalid"]) == 29
    good = bytes.fromhex(VECTORS["multiples"][5])
    for spelt in [*VECTORS["invalid"], "00" * 32]:
        assert not ristretto.is_point(bytes.fromhex(spelt))
        with pytest.raises(ristretto.BadPoint) as caught:
            list(ristretto.multiply(good + bytes.fromhex(spelt), scalar("north")))
        assert caught.value.place == 1
    assert ristretto.is_point(good)


def test_elements_are_derived_as_in_rfc_9496():
    assert len(VECTORS["derived"]) == 11
    for uniform, point in VECTORS["derived"]:
        assert ristretto.from_uniform(bytes.fromhex(uniform)).hex() == point


def test_messages_are_expanded_as_in_rfc_9380():
    assert len(VECTORS["expanded"]) == 10
    for message, length, uniform in VECTORS["expanded"]:
        expand = ristretto.expander(b"QUUX-V01-CS02-with-expander-SHA512-256", length)
        assert expand(message.encode()).hex() == uniform


def test_a_tag_that_is_too_long_is_hashed():
    tag = b"x" * 256
    hashed = hashlib.sha512(b"H2C-OVERSIZE-DST-" + tag).digest()
    assert ristretto.expander(tag)(b"message") == ristretto.expander(hashed)(b"message")
    assert ristretto.expander(b"x" * 255)(b"message") != ristretto.expander(b"x" * 254)(b"message")


def test_importing_the_package_leaves_no_file_behind(tmp_path):
    code = "from exchange import ristretto; print(ristretto._of_package() is not None)"
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    root = Path(__file__).resolve().parents[2]
    subprocess.run([sys.executable, "-c", code], cwd=root, env=environment, check=True, capture_output=True)
    assert list(tmp_path.iterdir()) == []


def test_without_a_library_the_message_names_the_remedy(monkeypatch):
    ristretto.library.cache_clear()
    monkeypatch.setattr(ristretto, "_of_package", lambda: None)
    monkeypatch.setattr(ristretto, "_of_system", lambda: None)
    try:
        with pytest.raises(ristretto.NoLibrary, match=r"requirements-psi\.txt"):
            ristretto.blind([token("a")], SCOPE.tag, scalar_without_library())
    finally:
        monkeypatch.undo()
        ristretto.library.cache_clear()


def scalar_without_library() -> bytes:
    return (7).to_bytes(32, "little")


# ---------------------------------------------------------------- whole runs


def run(ours: list[str], theirs: list[str], scope: psi.Scope = SCOPE, mode: str = psi.REVEAL) -> tuple[set, set]:
    """What each side finds: the values that matched; in `count`, as many numbers."""
    scalars = {side: scalar(side, scope) for side in MASTERS}
    lists = {"north": ours, "south": theirs}
    blinded = {side: psi.blind(list(map(token, lists[side])), scope, scalars[side]) for side in lists}
    other = {"north": "south", "south": "north"}
    answers = {}
    for side in lists:
        points = blinded[other[side]].points
        psi.check_points(points, blinded[side].points, scope, psi.commitment(points, scope), len(points), CAP)
        answers[side] = psi.answer(points, scope, scalars[side])
    found = []
    for side in lists:
        committed = psi.commitment(blinded[side].points, scope)
        came = psi.in_mode(answers[other[side]], mode)
        psi.check_answers(came, scope, committed, committed, len(blinded[side].points), mode)
        places, others = psi.matched(came, answers[side])
        if mode == psi.COUNT:
            found.append(set(range(len(places))))
        else:
            tokens = blinded[side].tokens[places]
            named = blinded[other[side]].tokens[others]
            assert [lists[other[side]][n] for n in named] == [lists[side][n] for n in tokens]
            assert (tokens >= 0).all(), "padding matched"
            found.append({lists[side][place] for place in tokens})
    return tuple(found)


ALPHABET = [
    f"{word}{n}.{end}" for word in ("acme", "müller", "例え", "канарейка") for n in range(20) for end in ("com", "de")
]


def pairs() -> list[tuple[list[str], list[str]]]:
    """200 random pairs of lists, with the borders among them."""
    rng = random.Random(20)
    made = [([], []), ([], ["a"]), (["a"], ["a"]), (["a"], ["b"]), (ALPHABET, ALPHABET), (ALPHABET, ["a"])]
    while len(made) < 200:
        # drawn with repetition, as lists have it, and made distinct as the keys are
        lists = [dict.fromkeys(rng.choices(ALPHABET, k=rng.choice([0, 1, 2, 9, 40]))) for _ in range(2)]
        made.append(tuple(list(values) for values in lists))
    return made


def test_both_sides_find_what_a_plain_join_finds_in_200_pairs_of_lists(monkeypatch):
    # padding has a test of its own, and takes most of the time
    monkeypatch.setattr(psi, "LEAST_BAND", 4)
    seen = set()
    for number, (ours, theirs) in enumerate(pairs()):
        scope = psi.Scope("pact", str(number), "domain")
        shared = set(ours) & set(theirs)
        mode = psi.MODES[number % 4 == 3]
        expected = set(range(len(shared))) if mode == psi.COUNT else shared
        assert run(ours, theirs, scope, mode) == (expected, expected)
        seen.add((mode, bool(shared)))
    assert len(seen) == 4


def test_openmined_psi_finds_the_same(monkeypatch):
    oracle = pytest.importorskip("private_set_intersection.python", reason="openmined-psi is not installed")
    monkeypatch.setattr(psi, "LEAST_BAND", 4)
    for ours, theirs in pairs():
        if not ours or not theirs:
            continue
        client = oracle.client.CreateWithNewKey(True)
        server = oracle.server.CreateWithNewKey(True)
        setup = server.CreateSetupMessage(0.0, len(ours), theirs, oracle.DataStructure.RAW)
        response = server.ProcessRequest(client.CreateRequest(ours))
        expected = {ours[place] for place in client.GetIntersection(setup, response)}
        assert run(ours, theirs)[0] == expected


def test_one_side_alone_decides_nothing_scalars_tags_and_epochs_keep_points_apart():
    tokens = [token("acme.com")]
    first, again = (psi.blind(tokens, SCOPE, scalar("north")) for _ in range(2))
    assert np.array_equal(first.points[first.tokens >= 0], again.points[again.tokens >= 0])
    others = [
        psi.blind(tokens, SCOPE, scalar("north", nonce=b"1" * 16)),
        psi.blind(tokens, SCOPE, scalar("south")),
        *(
            psi.blind(tokens, scope, scalar("north", scope))
            for scope in (
                psi.Scope("pact", "2", "domain"),
                psi.Scope("pact2", "1", "domain"),
                psi.Scope("pact", "1", "lei"),
            )
        ),
    ]
    seen = {first.points[first.tokens >= 0].tobytes(), *(made.points[made.tokens >= 0].tobytes() for made in others)}
    assert len(seen) == 6


def test_the_hash_to_the_group_alone_depends_on_the_scope():
    one = (1).to_bytes(32, "little")
    tags = [
        psi.Scope(*parts).tag for parts in (("a", "1", "lei"), ("a", "2", "lei"), ("a1", "", "lei"), ("a", "1", "duns"))
    ]
    assert len({ristretto.blind([token("x")], tag, one) for tag in tags}) == 4


def test_sizes_are_padded_to_bands():
    assert [psi.band(n) for n in (0, 1, 256, 257, 385, 512, 513, 769)] == [0, 256, 256, 384, 512, 512, 768, 1024]
    assert all(n <= psi.band(n) <= max(256, 1.5 * n) and psi.band(psi.band(n)) == psi.band(n) for n in range(1, 5_000))
    made = psi.blind([token(str(n)) for n in range(10)], SCOPE, scalar("north"))
    assert len(made.points) == 256 and (made.tokens >= 0).sum() == 10
    assert all(ristretto.is_point(point.tobytes()) for point in made.points)


# ---------------------------------------------------------------- refusals

OURS = psi.blind([token(f"{n}.com") for n in range(20)], SCOPE, scalar("north"))
THEIRS = psi.blind([token(f"{n}.com") for n in range(10, 30)], SCOPE, scalar("south"))


def checked(points: np.ndarray, ours: np.ndarray = OURS.points, committed: str | None = None, stated: int | None = None,
            cap: int = CAP) -> None:  # fmt: skip
    """Points through all that stands before the answer, and the answer."""
    committed = committed or psi.commitment(points, SCOPE)
    psi.check_points(points, ours, SCOPE, committed, len(points) if stated is None else stated, cap)
    psi.answer(points, SCOPE, scalar("north"))


def with_point(spelt: bytes) -> np.ndarray:
    """The partner's points with one of them replaced, sorted again."""
    rows = [THEIRS.points[n].tobytes() for n in range(1, len(THEIRS.points))]
    return psi.rows_of(b"".join(sorted([*rows, spelt])), 32)


def test_points_that_are_as_they_should_be_pass():
    checked(THEIRS.points)


def test_the_identity_is_refused():
    assert refusal(checked, with_point(ristretto.IDENTITY)) == "identity_point"


@pytest.mark.parametrize("spelt", VECTORS["invalid"])
def test_what_is_no_canonical_point_is_refused(spelt):
    assert refusal(checked, with_point(bytes.fromhex(spelt))) == "no_point"


def test_reflected_duplicated_and_unsorted_points_are_refused():
    assert refusal(checked, with_point(OURS.points[7].tobytes())) == "reflected_points"
    assert refusal(checked, OURS.points) == "reflected_points"
    assert refusal(checked, with_point(THEIRS.points[9].tobytes())) == "duplicated_points"
    assert refusal(checked, THEIRS.points[::-1]) == "points_not_sorted"


def test_wrong_counts_sizes_and_commitments_are_refused():
    assert refusal(checked, THEIRS.points[:-1], OURS.points, None, 256) == "points_count"
    assert refusal(checked, THEIRS.points[:-1]) == "points_band"
    assert refusal(checked, THEIRS.points, OURS.points, None, None, 255) == "list_too_large"
    assert refusal(checked, THEIRS.points, OURS.points, "0" * 64) == "other_points"
    other = psi.Scope("pact", "2", "domain")
    assert refusal(checked, THEIRS.points, OURS.points, psi.commitment(THEIRS.points, other)) == "other_points"


def test_answers_that_do_not_answer_our_points_are_refused():
    committed = psi.commitment(OURS.points, SCOPE)
    answers = psi.answer(OURS.points, SCOPE, scalar("south"))

    def check(made: np.ndarray, answered: str = committed, mode: str = psi.REVEAL) -> None:
        psi.check_answers(made, SCOPE, answered, committed, len(OURS.points), mode)

    check(answers)
    check(psi.in_mode(answers, psi.COUNT), mode=psi.COUNT)
    assert refusal(check, answers, "0" * 64) == "other_question"
    assert refusal(check, answers[:-1]) == "answers_count"
    assert refusal(check, np.concatenate([answers[:-1], answers[:1]])) == "duplicated_answers"
    assert refusal(check, answers, committed, psi.COUNT) == "answers_not_sorted"


def test_a_list_with_a_token_twice_is_not_blinded():
    with pytest.raises(ValueError, match="distinct"):
        psi.blind([token("a"), token("a")], SCOPE, scalar("north"))


def test_points_of_a_known_dictionary_cannot_be_told_without_the_scalar():
    """Whoever has all that leaves, and a dictionary with the whole list, tries what can be tried: equality."""
    dictionary = [f"{n}.com" for n in range(30)]
    points = {point.tobytes() for point in THEIRS.points}
    one = (1).to_bytes(32, "little")
    hashed = ristretto.blind(list(map(token, dictionary)), SCOPE.tag, one)
    guessed = {hashed[place : place + 32] for place in range(0, len(hashed), 32)}
    own = {point.tobytes() for point in psi.blind(list(map(token, dictionary)), SCOPE, scalar("north")).points}
    assert not points & guessed and not points & own
