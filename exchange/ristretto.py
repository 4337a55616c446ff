"""The group ristretto255 (RFC 9496), by libsodium: hash to a point, and multiply points, on all processors.

libsodium does all arithmetic of curves: the copy in the package `rbcl`, where that is installed, else the system's.
Both let go of Python's lock while they compute, so threads use every core.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import hashlib
import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache

REQUIREMENTS = "pip install -r dbt_packages/account_mapping/requirements-psi.txt"
POINT_BYTES = 32
SCALAR_BYTES = 32
UNIFORM_BYTES = 64
IDENTITY = bytes(POINT_BYTES)
# RFC 9380 for SHA-512: its block, and the longest tag that is used as it is.
BLOCK_BYTES = 128
LONGEST_TAG = 255
# Points of one task of a thread: half a second of computing.
CHUNK = 8_192
FUNCTIONS = {
    "sodium_init": 0,
    "crypto_core_ristretto255_is_valid_point": 1,
    "crypto_core_ristretto255_from_hash": 2,
    "crypto_core_ristretto255_scalar_reduce": 2,
    "crypto_scalarmult_ristretto255": 3,
    "crypto_scalarmult_ristretto255_base": 2,
}


class NoLibrary(Exception):
    """There is no libsodium with ristretto255; the message is a sentence with the remedy."""


class BadPoint(ValueError):
    """A point that cannot be multiplied; place: its number in what was given, from 0."""

    def __init__(self, place: int) -> None:
        super().__init__(f"point {place} is not canonical, or is the identity")
        self.place = place


# ---------------------------------------------------------------- the library


def _of_system() -> ctypes.CDLL | None:
    """The system's libsodium; None where there is none, or one from before ristretto255 (1.0.18)."""
    name = ctypes.util.find_library("sodium")
    try:
        found = ctypes.CDLL(name) if name else None
        return found if found is not None and all(hasattr(found, function) for function in FUNCTIONS) else None
    except OSError:
        return None


def _of_package() -> ctypes.CDLL | None:
    """The libsodium in `rbcl`, which writes a file of it at each import: that goes as soon as it is loaded."""
    former = tempfile.tempdir
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        tempfile.tempdir = folder
        try:
            from rbcl._sodium import _sodium as found
        except ImportError:
            return None
        finally:
            tempfile.tempdir = former
    return found


@cache
def library() -> ctypes.CDLL:
    """libsodium, ready for use. Raises NoLibrary."""
    found = _of_package() or _of_system()
    if found is None:
        raise NoLibrary(
            "A partner with exchange `psi` needs libsodium 1.0.18 or later, or the package rbcl: run "
            f"`{REQUIREMENTS}` in the environment of dbt."
        )
    for name, arguments in FUNCTIONS.items():
        function = getattr(found, name)
        function.argtypes, function.restype = [ctypes.c_void_p] * arguments, ctypes.c_int
    if found.sodium_init() < 0:
        raise NoLibrary("libsodium could not be started on this machine.")
    return found


# ---------------------------------------------------------------- hash to group (RFC 9380)


def expander(tag: bytes, length: int = UNIFORM_BYTES) -> Callable[[bytes], bytes]:
    """expand_message_xmd with SHA-512 (RFC 9380, 5.3.1) for one domain-separation tag, of `length` bytes."""
    if len(tag) > LONGEST_TAG:
        tag = hashlib.sha512(b"H2C-OVERSIZE-DST-" + tag).digest()
    blocks = -(-length // 64)
    if not tag or blocks > 255 or length > 65_535:
        raise ValueError("the tag is empty, or the length out of bounds")
    suffix = tag + bytes([len(tag)])
    start = hashlib.sha512(bytes(BLOCK_BYTES))
    end = length.to_bytes(2, "big") + b"\0" + suffix

    def expand(message: bytes) -> bytes:
        begun = start.copy()
        begun.update(message + end)
        first = begun.digest()
        block = hashlib.sha512(first + b"\1" + suffix).digest()
        made = block
        for number in range(2, blocks + 1):
            mixed = bytes(x ^ y for x, y in zip(first, block, strict=True))
            block = hashlib.sha512(mixed + bytes([number]) + suffix).digest()
            made += block
        return made[:length]

    return expand


def from_uniform(uniform: bytes) -> bytes:
    """The point of 64 uniform bytes: element derivation of RFC 9496, 4.3.4."""
    if len(uniform) != UNIFORM_BYTES:
        raise ValueError("a point is derived from 64 bytes")
    point = ctypes.create_string_buffer(POINT_BYTES)
    library().crypto_core_ristretto255_from_hash(point, uniform)
    return point.raw


def reduce_scalar(wide: bytes) -> bytes:
    """64 uniform bytes as a scalar modulo the order of the group."""
    if len(wide) != UNIFORM_BYTES:
        raise ValueError("a scalar is reduced from 64 bytes")
    scalar = ctypes.create_string_buffer(SCALAR_BYTES)
    library().crypto_core_ristretto255_scalar_reduce(scalar, wide)
    return scalar.raw


# ---------------------------------------------------------------- points


def is_point(data: bytes) -> bool:
    """Whether 32 bytes are the canonical encoding of a point that is not the identity."""
    return (
        len(data) == POINT_BYTES
        and data != IDENTITY
        and library().crypto_core_ristretto255_is_valid_point(bytes(data)) == 1
    )


def base_multiple(scalar: bytes) -> bytes:
    """`scalar` times the generator; IDENTITY for 0."""
    point = ctypes.create_string_buffer(POINT_BYTES)
    failed = library().crypto_scalarmult_ristretto255_base(point, scalar)
    return IDENTITY if failed else point.raw


def _blind_chunk(messages: Sequence[bytes], expand: Callable[[bytes], bytes], scalar: bytes) -> bytes:
    sodium = library()
    derive, multiply = sodium.crypto_core_ristretto255_from_hash, sodium.crypto_scalarmult_ristretto255
    made = ctypes.create_string_buffer(POINT_BYTES * len(messages))
    place = ctypes.addressof(made)
    for message in messages:
        derive(place, expand(message))
        # fails for the identity only, to which no known message leads
        if multiply(place, scalar, place):
            raise ArithmeticError("a message is hashed to the identity")
        place += POINT_BYTES
    return made.raw


def _multiply_chunk(points: bytes, scalar: bytes) -> bytes:
    multiply = library().crypto_scalarmult_ristretto255
    given = ctypes.create_string_buffer(points, len(points))
    made = ctypes.create_string_buffer(len(points))
    source, target = ctypes.addressof(given), ctypes.addressof(made)
    for offset in range(0, len(points), POINT_BYTES):
        if multiply(target + offset, scalar, source + offset):
            raise BadPoint(offset // POINT_BYTES)
    return made.raw


def _random_chunk(number: int) -> bytes:
    return b"".join(from_uniform(os.urandom(UNIFORM_BYTES)) for _ in range(number))


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _in_threads(function: Callable, tasks: Iterable[Sequence]) -> Iterator[bytes]:
    """`function` of each task, in order; never more tasks begun than threads can work on soon."""
    threads = processors()
    with ThreadPoolExecutor(threads) as pool:
        begun: deque = deque()
        try:
            for task in tasks:
                begun.append(pool.submit(function, task))
                if len(begun) > 2 * threads:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            for waiting in begun:
                waiting.cancel()


def blind(messages: Sequence[bytes], tag: bytes, scalar: bytes) -> bytes:
    """`scalar` times the hash of each message, in order, 32 bytes each."""
    library()
    expand = expander(tag)
    tasks = (messages[place : place + CHUNK] for place in range(0, len(messages), CHUNK))
    return b"".join(_in_threads(lambda task: _blind_chunk(task, expand, scalar), tasks))


def multiply(points: bytes, scalar: bytes) -> Iterator[bytes]:
    """`scalar` times each of `points`, in order, CHUNK points at a time. Raises BadPoint for what is no point."""
    library()
    if len(points) % POINT_BYTES:
        raise ValueError("points have 32 bytes each")
    size = CHUNK * POINT_BYTES
    tasks = (points[place : place + size] for place in range(0, len(points), size))
    made = _in_threads(lambda task: _multiply_chunk(task, scalar), tasks)
    number = 0
    try:
        for part in made:
            yield part
            number += len(part) // POINT_BYTES
    except BadPoint as bad:
        raise BadPoint(number + bad.place) from None


def random_points(number: int) -> bytes:
    """`number` points of which nobody knows anything, 32 bytes each."""
    library()
    tasks = (min(CHUNK, number - place) for place in range(0, number, CHUNK))
    return b"".join(_in_threads(_random_chunk, tasks))
