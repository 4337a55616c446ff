"""Another side of a private set intersection, from docs/exchange_protocol.md alone: plain Python, no code of ours.

Slow, not in constant time, and for tests only.
"""

from __future__ import annotations

import hashlib
import hmac
import json

# ---------------------------------------------------------------- ristretto255 by the letter of RFC 9496

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)


def is_negative(x: int) -> bool:
    return x % P % 2 == 1


def absolute(x: int) -> int:
    return -x % P if is_negative(x) else x % P


def sqrt_ratio(u: int, v: int) -> tuple[bool, int]:
    """SQRT_RATIO_M1 of 4.2."""
    r = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    check = v * r * r % P
    correct, flipped, flipped_i = check == u % P, check == -u % P, check == -u * SQRT_M1 % P
    if flipped or flipped_i:
        r = r * SQRT_M1 % P
    return correct or flipped, absolute(r)


A_MINUS_D = (-1 - D) % P
# of both roots the one that 4.1 names
SQRT_AD_MINUS_ONE = 25063068953384623474111414158702152701244531502492656460079210482610430750235
INVSQRT_A_MINUS_D = sqrt_ratio(1, A_MINUS_D)[1]

Point = tuple[int, int, int, int]
NEUTRAL: Point = (0, 1, 1, 0)


def decode(data: bytes) -> Point | None:
    """4.3.1; None for what is no encoding."""
    s = int.from_bytes(data, "little")
    if len(data) != 32 or s >= P or is_negative(s):
        return None
    u1, u2 = (1 - s * s) % P, (1 + s * s) % P
    v = (-D * u1 * u1 - u2 * u2) % P
    was_square, root = sqrt_ratio(1, v * u2 * u2)
    x = absolute(2 * s * root * u2)
    y = u1 * root * root * u2 * v % P
    t = x * y % P
    if not was_square or is_negative(t) or y == 0:
        return None
    return x, y, 1, t


def encode(point: Point) -> bytes:
    """4.3.2."""
    x, y, z, t = point
    u1, u2 = (z + y) * (z - y) % P, x * y % P
    root = sqrt_ratio(1, u1 * u2 * u2)[1]
    d1, d2 = root * u1 % P, root * u2 % P
    z_inverse = d1 * d2 * t % P
    if is_negative(t * z_inverse):
        x, y, d = y * SQRT_M1 % P, x * SQRT_M1 % P, d1 * INVSQRT_A_MINUS_D % P
    else:
        d = d2
    if is_negative(x * z_inverse):
        y = -y % P
    return absolute(d * (z - y)).to_bytes(32, "little")


def add(p: Point, q: Point) -> Point:
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c = 2 * p[3] * q[3] * D % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number: int, point: Point) -> Point:
    made = NEUTRAL
    while number:
        if number & 1:
            made = add(made, point)
        point = add(point, point)
        number >>= 1
    return made


def map_to_point(t: int) -> Point:
    """MAP of 4.3.4."""
    r = SQRT_M1 * t * t % P
    u = (r + 1) * (1 - D * D) % P
    v = (-1 - r * D) * (r + D) % P
    was_square, s = sqrt_ratio(u, v)
    if not was_square:
        s = -absolute(s * t) % P
    c = -1 if was_square else r
    n = (c * (r - 1) * pow(D - 1, 2, P) - v) % P
    w0, w1 = 2 * s * v % P, n * SQRT_AD_MINUS_ONE % P
    w2, w3 = (1 - s * s) % P, (1 + s * s) % P
    return w0 * w3 % P, w2 * w1 % P, w1 * w3 % P, w0 * w2 % P


def derive(uniform: bytes) -> Point:
    """Element derivation of 4.3.4."""
    halves = (int.from_bytes(uniform[place : place + 32], "little") % 2**255 % P for place in (0, 32))
    return add(*map(map_to_point, halves))


# ---------------------------------------------------------------- the specification


def framed(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def expand(message: bytes, tag: bytes) -> bytes:
    """expand_message_xmd of RFC 9380 with SHA-512, 64 bytes."""
    if len(tag) > 255:
        tag = hashlib.sha512(b"H2C-OVERSIZE-DST-" + tag).digest()
    tag += bytes([len(tag)])
    first = hashlib.sha512(bytes(128) + message + (64).to_bytes(2, "big") + b"\0" + tag).digest()
    return hashlib.sha512(first + b"\1" + tag).digest()


def scope_of(agreement_id: str, epoch: str, key_type: str) -> bytes:
    return framed(agreement_id.encode(), epoch.encode(), key_type.encode())


def hash_to_group(token: bytes, scope: bytes) -> Point:
    tag = b"account-mapping/psi/v1/ristretto255_XMD:SHA-512_R255MAP_RO_/" + scope
    return derive(expand(token, tag))


def scalar_of(master: bytes, scope: bytes, nonce: bytes) -> int:
    info = framed(b"account-mapping/psi/v1", b"scalar") + scope
    made = hmac.digest(hmac.digest(nonce, master, "sha512"), info + b"\1", "sha512")
    return int.from_bytes(made, "little") % ORDER


def commitment(points: list[bytes], scope: bytes) -> str:
    start = framed(b"account-mapping/psi/v1", b"commitment") + scope
    return hashlib.sha256(start + len(points).to_bytes(8, "big") + b"".join(points)).hexdigest()


def answer(point: bytes, scalar: int, scope: bytes) -> bytes:
    found = decode(point)
    assert found is not None and point != bytes(32)
    start = framed(b"account-mapping/psi/v1", b"answer") + scope
    return hashlib.sha256(start + encode(times(scalar, found))).digest()[:16]


def hkdf(secret: bytes, *parts: str) -> bytes:
    info = framed(b"account-mapping/v1", *(part.encode() for part in parts))
    return hmac.digest(hmac.digest(bytes(32), secret, "sha256"), info + b"\1", "sha256")


def token_of(secret: bytes, agreement_id: str, epoch: str, key_type: str, version: str, value: str) -> bytes:
    return hmac.digest(hkdf(secret, agreement_id, epoch, key_type, version), value.encode(), "sha256")


def canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def mac_of(secret: bytes, manifest: dict) -> str:
    content = {name: value for name, value in manifest.items() if name != "mac"}
    key = hkdf(secret, manifest["agreement_id"], manifest["epoch"], "manifest", "")
    return hmac.digest(key, canonical(content), "sha256").hex()


def code_of(manifest: dict) -> str:
    number = int.from_bytes(
        hashlib.sha256(b"account-mapping/v1 delivery code\0" + canonical(manifest)).digest()[:15], "big"
    )
    signs = "".join("0123456789ABCDEFGHJKMNPQRSTVWXYZ"[number >> shift & 31] for shift in range(115, -1, -5))
    return "-".join(signs[place : place + 4] for place in range(0, 24, 4))


def key_id_of(secret: bytes, agreement_id: str, epoch: str) -> str:
    return hmac.digest(hkdf(secret, agreement_id, epoch, "key_id", ""), b"account-mapping key id", "sha256").hex()[:32]
