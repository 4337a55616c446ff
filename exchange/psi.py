"""The rounds of private set intersection (ECDH-PSI over ristretto255), as functions of bytes: no files, no settings.

Both sides do the same. x are tokens of the keys tier, H hashes to the group, a and b are the sides' scalars:
1. each sends sort{a H(x)}, padded with random points to a band of sizes, after both have committed to theirs;
2. each multiplies what came by its own scalar, and sends of each product a hash, cut to 16 bytes: in the order of what
   came (`reveal`), or sorted (`count`);
3. each compares the hashes that came back with those that it sent: equal ones are of tokens that both have.

Arrays are of numpy, uint8, a row per point (32 bytes) or answer (16 bytes).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from . import ristretto
from .protocol import COUNT, REVEAL, Refused

PROTOCOL = b"account-mapping/psi/v1"
MODES = (REVEAL, COUNT)
NONCE_BYTES = 16
ANSWER_BYTES = 16
# The smallest band of sizes; the others are twice, and one and a half times, the one before but one.
LEAST_BAND = 256


def framed(*parts: bytes) -> bytes:
    """Parts with their length in four bytes, big-endian, so that no two lists of parts are the same bytes."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


@dataclass(frozen=True)
class Scope:
    """What the points of one key type hold for: nothing of one scope can be compared with what is of another."""

    agreement_id: str
    epoch: str
    key_type: str

    @property
    def tag(self) -> bytes:
        """The domain-separation tag of hashing to the group."""
        return PROTOCOL + b"/ristretto255_XMD:SHA-512_R255MAP_RO_/" + self._parts()

    def _parts(self) -> bytes:
        return framed(*(part.encode() for part in (self.agreement_id, self.epoch, self.key_type)))

    def bound(self, purpose: bytes) -> bytes:
        """What is hashed or derived for `purpose` in this scope begins so."""
        return framed(PROTOCOL, purpose) + self._parts()


def scalar_of(master: bytes, scope: Scope, nonce: bytes) -> bytes:
    """The scalar of one key type of one run: HKDF-SHA-512 (RFC 5869) of the master secret, 64 bytes, modulo the order.

    nonce: of the run, drawn at random for one list and never used for another.
    """
    if len(nonce) != NONCE_BYTES:
        raise ValueError(f"a run's nonce has {NONCE_BYTES} bytes")
    extracted = hmac.digest(nonce, master, "sha512")
    scalar = ristretto.reduce_scalar(hmac.digest(extracted, scope.bound(b"scalar") + b"\1", "sha512"))
    if scalar == bytes(ristretto.SCALAR_BYTES):
        raise ArithmeticError("the scalar is 0")
    return scalar


def band(number: int) -> int:
    """The size that a list of `number` tokens is padded to: 256, 384, 512, 768, 1,024 and so on; 0 for none."""
    if number == 0:
        return 0
    size = LEAST_BAND
    while size < number:
        if size * 3 // 2 >= number:
            return size * 3 // 2
        size *= 2
    return size


def rows_of(data: bytes, width: int) -> np.ndarray:
    """Bytes as an array, `width` to a row."""
    return np.frombuffer(data, np.uint8).reshape(-1, width)


def as_keys(rows: np.ndarray) -> np.ndarray:
    """One comparable value per row. Rows have one width, so that zeros at the end, which these leave out, are equal."""
    rows = np.ascontiguousarray(rows)
    return rows.view(f"S{rows.shape[1]}").reshape(-1)


@dataclass(frozen=True)
class Blinded:
    """Round 1 of one key type. points: sorted, padded. tokens: of each point its place in the list; -1 for padding."""

    points: np.ndarray
    tokens: np.ndarray


def blind(tokens: Sequence[bytes], scope: Scope, scalar: bytes) -> Blinded:
    """Round 1 of our list. tokens: distinct."""
    if len(set(tokens)) != len(tokens):
        raise ValueError("the tokens are not distinct")
    padding = band(len(tokens)) - len(tokens)
    points = rows_of(
        ristretto.blind(tokens, scope.tag, scalar) + ristretto.random_points(padding), ristretto.POINT_BYTES
    )
    # sorting by bytes is the shuffle
    order = np.argsort(as_keys(points), kind="stable")
    places = np.concatenate([np.arange(len(tokens)), np.full(padding, -1)]).astype(np.int64)
    return Blinded(points[order], places[order])


def commitment(points: np.ndarray, scope: Scope) -> str:
    """SHA-256 in hex by which a side is bound to its points before it sees the other's."""
    hashed = hashlib.sha256(scope.bound(b"commitment"))
    hashed.update(len(points).to_bytes(8, "big"))
    hashed.update(np.ascontiguousarray(points))
    return hashed.hexdigest()


def has_duplicates(rows: np.ndarray) -> bool:
    """Whether a row occurs twice."""
    keys = np.sort(as_keys(rows))
    return bool(np.any(keys[1:] == keys[:-1]))


def check_points(points: np.ndarray, ours: np.ndarray, scope: Scope, committed: str, stated: int, cap: int) -> None:
    """Raises Refused for points that are not what the partner is bound to; whether each is a point `answer` finds.

    ours: our own points. committed: the partner's commitment. stated: how many it committed to.
    """
    where = f"The partner's points of {scope.key_type}"
    if stated > cap:
        raise Refused("list_too_large", f"{where}: {stated:,}, and both sides agreed on {cap:,} at most.")
    if len(points) != stated:
        raise Refused("points_count", f"{where}: {len(points):,}, and it committed to {stated:,}.")
    if len(points) != band(len(points)):
        raise Refused("points_band", f"{where}: {len(points):,} is no size that lists are padded to.")
    keys = as_keys(points)
    if np.any(keys[1:] <= keys[:-1]):
        if has_duplicates(points):
            raise Refused("duplicated_points", f"{where}: points occur more than once.")
        raise Refused("points_not_sorted", f"{where}: they are not sorted, so their order could tell something.")
    if np.isin(keys, as_keys(ours)).any():
        raise Refused("reflected_points", f"{where}: points of ours were sent back.")
    if not hmac.compare_digest(commitment(points, scope), committed):
        raise Refused(
            "other_points", f"{where}: not those that it committed to before it saw ours: both sides need a new epoch."
        )


def answer(points: np.ndarray, scope: Scope, scalar: bytes) -> np.ndarray:
    """Round 2: of each of the partner's points, times our scalar, a hash of 16 bytes, in the order of the points.

    Raises Refused for what is no canonical point, and for the identity.
    """
    if not len(points):
        return np.empty((0, ANSWER_BYTES), np.uint8)
    start = hashlib.sha256(scope.bound(b"answer"))

    def cut(point: bytes) -> bytes:
        hashed = start.copy()
        hashed.update(point)
        return hashed.digest()[:ANSWER_BYTES]

    parts = []
    try:
        # bytes first: every slice of them is a copy for a thread of its own
        for part in ristretto.multiply(points.tobytes(), scalar):
            parts.append(
                b"".join(
                    cut(part[place : place + ristretto.POINT_BYTES])
                    for place in range(0, len(part), ristretto.POINT_BYTES)
                )
            )
    except ristretto.BadPoint as bad:
        is_identity = points[bad.place].tobytes() == ristretto.IDENTITY
        raise Refused(
            "identity_point" if is_identity else "no_point",
            f"The partner's points of {scope.key_type}: number {bad.place + 1:,} is "
            + ("the identity, which hides nothing." if is_identity else "no canonical point of ristretto255."),
        ) from None
    return rows_of(b"".join(parts), ANSWER_BYTES)


def in_mode(answers: np.ndarray, mode: str) -> np.ndarray:
    """Answers as they leave: in the order of the points that they answer, or sorted, which tells numbers only."""
    return answers if mode == REVEAL else answers[np.argsort(as_keys(answers), kind="stable")]


def check_answers(answers: np.ndarray, scope: Scope, answered: str, ours: str, sent: int, mode: str) -> None:
    """Raises Refused for answers that do not answer our round 1.

    answered: the commitment to the points that the partner says it answers; ours: to those that we sent, `sent` many.
    """
    where = f"The partner's answers of {scope.key_type}"
    if answered != ours:
        raise Refused("other_question", f"{where}: they answer other points than those that we sent.")
    if len(answers) != sent:
        raise Refused("answers_count", f"{where}: {len(answers):,}, and we sent {sent:,} points.")
    if has_duplicates(answers):
        raise Refused("duplicated_answers", f"{where}: answers occur more than once, so they are not of our points.")
    if mode == COUNT and np.any(as_keys(answers)[1:] < as_keys(answers)[:-1]):
        raise Refused(
            "answers_not_sorted", f"{where}: they are not sorted, which they have to be to tell numbers only."
        )


def matched(answers: np.ndarray, sent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which of the partner's answers are equal to which that we sent: places in `answers`, and in `sent`.

    In `reveal` these are places in our own points and in the partner's; in `count` only their number means anything.
    """
    _, ours, theirs = np.intersect1d(as_keys(answers), as_keys(sent), assume_unique=True, return_indices=True)
    return ours, theirs
