"""Keyed hashes of the keys of offered accounts, one row per partner, account, key type and key.

The keys tier: whoever lacks the pair's secret learns nothing from a token; the partner, who holds it, can test guesses.
Per partner, agreement, epoch, key type and normaliser version a key is derived with HKDF-SHA-256 (RFC 5869), and each
value becomes HMAC-SHA-256 (RFC 2104) under that key. Secrets are read from the environment by name and stay in memory.
"""

import hashlib
import hmac
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import pairwise

MISSING_LIBRARY = (
    "account_mapping needs {}: run `pip install -r dbt_packages/account_mapping/requirements.txt` "
    "in the environment of dbt"
)

try:
    import duckdb
    import pyarrow as pa
except ImportError as error:
    raise ImportError(MISSING_LIBRARY.format(error.name)) from error

PROTOCOL = b"account-mapping/v1"
SECRET_PREFIX = "ACCOUNT_MAPPING_SECRET_"  # noqa: S105, the beginning of a variable's name
MINIMUM_SECRET_BYTES = 32
# Of 32 random bytes 30 differ; fewer than 20 do once in 10^12 times. Five bytes that occur twice: once in 10^9 times.
LEAST_DISTINCT_BYTES = 20
REPEATED_BYTES = 5
BATCH_ROWS = 131_072
# The optimizer takes a stream for one row and would hold all of it as the hash table of the join, in place of the pads.
HASHING_SETTINGS = {
    "temp_directory": "",
    "disabled_optimizers": "join_order,build_side_probe_side",
    "preserve_insertion_order": "false",
}
INPUT = pa.schema(
    [
        ("partner_id", pa.string()),
        ("account_id", pa.string()),
        ("key_type", pa.string()),
        ("key_value", pa.string()),
        ("person_number", pa.int64()),
    ]
)

SCHEMA = pa.schema(
    [
        ("partner_id", pa.string()),
        ("account_id", pa.string()),
        ("key_type", pa.string()),
        ("token", pa.string()),
        ("person_number", pa.int64()),
    ]
)

# The two nested hashes of RFC 2104. Padded keys arrive as a table, so that no statement text ever holds one.
HMAC_QUERY = """
    select
        batch.partner_id,
        batch.account_id,
        batch.key_type,
        sha256(pads.outer_pad || unhex(sha256(pads.inner_pad || encode(batch.key_value)))) as token,
        batch.person_number
    from batch
    inner join pads on batch.partner_id = pads.partner_id and batch.key_type = pads.key_type
"""


def weakness(secret: bytes) -> str | None:
    """Why nobody should trust that a secret was made at random, or None.

    Each rule is about what happens to 32 random bytes less than once in a billion times; longer ones likewise.
    """
    size = len(secret)
    if sum(32 <= byte < 127 or byte in b"\t\n\r" for byte in secret) * 10 >= size * 9:
        return "is a text, spelt in hexadecimal"
    blocks = [secret[place : place + REPEATED_BYTES] for place in range(size - REPEATED_BYTES + 1)]
    if len(blocks) != len(set(blocks)):
        return "repeats a part of itself"
    if max(Counter(secret).values()) > size // 4 or len(set(secret)) < LEAST_DISTINCT_BYTES:
        return "repeats few bytes"
    steps = Counter((after - before) % 256 for before, after in pairwise(secret))
    if max(steps.values()) > size // 4:
        return "counts up or down"
    return None


def read_secret(variable: str, others: Iterable[str] = ()) -> bytes:
    """The pair secret as bytes.

    variable: name of the environment variable that holds at least 32 bytes in hex. others: the variables of other
    partners; those whose names begin as usual are looked at in any case.
    Raises ValueError naming the variable and the remedy; the message never holds the value.
    """
    text = os.environ.get(variable)
    if not text:
        raise ValueError(
            f"{variable} is not set: it holds the secret that you and this partner share. "
            "Generate one with `openssl rand -hex 32` and give your partner the same value over a safe channel"
        )
    try:
        secret = bytes.fromhex(text)
    except ValueError:
        raise ValueError(f"{variable} is not hexadecimal: generate a secret with `openssl rand -hex 32`") from None
    if len(secret) < MINIMUM_SECRET_BYTES:
        raise ValueError(
            f"{variable} holds {len(secret)} bytes, at least {MINIMUM_SECRET_BYTES} are needed: "
            "generate a secret with `openssl rand -hex 32`"
        )
    weak = weakness(secret)
    if weak:
        raise ValueError(
            f"the secret in {variable} {weak}, so it can be guessed: generate one with `openssl rand -hex 32` "
            "and give your partner the same value over a safe channel"
        )
    others = set(others)
    if variable in others:
        raise ValueError(
            f"{variable} is named for two partners, and what leaves could be compared between them: "
            "give each partner a secret of its own, from `openssl rand -hex 32`"
        )
    for other in sorted(others | {name for name in os.environ if name.startswith(SECRET_PREFIX)} - {variable}):
        # spelt otherwise, in capitals or with blanks, it is the same secret
        theirs = "".join(os.environ.get(other, "").split()).lower().encode("utf-8", "surrogateescape")
        if hmac.compare_digest(theirs, secret.hex().encode()):
            raise ValueError(
                f"{variable} and {other} hold the same secret, and what leaves could be compared between two partners: "
                "give each partner a secret of its own, from `openssl rand -hex 32`"
            )
    return secret


def hkdf_sha256(secret: bytes, info: bytes, salt: bytes = b"", length: int = 32) -> bytes:
    """HKDF with SHA-256 (RFC 5869): `length` bytes of key material from `secret`, bound to `info`."""
    extracted = hmac.digest(salt or bytes(32), secret, "sha256")
    material, block = b"", b""
    for counter in range(1, -(-length // 32) + 1):
        block = hmac.digest(extracted, block + info + bytes([counter]), "sha256")
        material += block
    return material[:length]


def key_info(agreement_id: str, epoch: str, key_type: str, normaliser_version: str) -> bytes:
    """The `info` of the derivation: every part with its length in four bytes, big-endian, so that no two lists of parts
    spell the same bytes."""
    parts = [PROTOCOL, *(part.encode() for part in (agreement_id, epoch, key_type, normaliser_version))]
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def derive_key(secret: bytes, agreement_id: str, epoch: str, key_type: str, normaliser_version: str) -> bytes:
    """The 32-byte HMAC key of one key type of one epoch of one agreement."""
    return hkdf_sha256(secret, key_info(agreement_id, epoch, key_type, normaliser_version))


def hmac_pads(key: bytes) -> tuple[bytes, bytes]:
    """Inner and outer padded key of RFC 2104 for SHA-256 (64-byte blocks)."""
    block = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    return bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)


def pad_table(scopes: list[tuple[str, str, str, str, str]], normaliser_version: str) -> pa.Table:
    """Padded keys by partner and key type.

    scopes: distinct (partner_id, agreement_id, epoch, secret_env, key_type). Reads each secret once.
    """
    partners = {variable: {scope[0] for scope in scopes if scope[3] == variable} for _, _, _, variable, _ in scopes}
    secrets = {
        # a variable that is named for two partners is another's too
        variable: read_secret(variable, [other for other in partners if other != variable or len(partners[other]) > 1])
        for variable in sorted(partners)
    }
    pads = [
        hmac_pads(derive_key(secrets[variable], agreement_id, epoch, key_type, normaliser_version))
        for _, agreement_id, epoch, variable, key_type in scopes
    ]
    return pa.table(
        {
            "partner_id": pa.array([scope[0] for scope in scopes], pa.string()),
            "key_type": pa.array([scope[4] for scope in scopes], pa.string()),
            "inner_pad": pa.array([inner for inner, _ in pads], pa.binary()),
            "outer_pad": pa.array([outer for _, outer in pads], pa.binary()),
        }
    )


def hash_batches(batches: Iterable[pa.RecordBatch], pads: pa.Table) -> Iterator[pa.RecordBatch]:
    """HMAC-SHA-256 of each `key_value` under the key of its partner and key type.

    batches: of INPUT; null is only person_number, which tells of a person's key whose it is, and passes through.
    Yields batches of SCHEMA, one row per input row in any order; a token is 64 lower-case hex digits.
    The hashing is one vectorised query over all batches as they come, on every processor, in a private database in
    memory, which may not spill to disk.
    """
    with duckdb.connect(":memory:", config=HASHING_SETTINGS) as connection:
        is_reader = isinstance(batches, pa.RecordBatchReader)
        connection.register("batch", batches if is_reader else pa.RecordBatchReader.from_batches(INPUT, batches))
        connection.register("pads", pads)
        yield from connection.sql(HMAC_QUERY).to_arrow_reader(BATCH_ROWS).cast(SCHEMA)


# The engine, in the same lines in every model: the relation tells which one it is, since dbt wraps a session.
def read(relation, size: int = 65_536) -> pa.RecordBatchReader:
    """The rows of a relation as record batches; on DuckDB they come as they are read."""
    return relation.toArrow().to_reader() if hasattr(relation, "mapInArrow") else relation.to_arrow_reader(size)


def rows(relation) -> list[dict]:
    """The rows of a small relation."""
    return read(relation).read_all().to_pylist()


def mapped(relation, function, schema: pa.Schema, size: int = 65_536):
    """`function`, from record batches to batches of `schema`, over a relation that need not fit into memory."""
    if not hasattr(relation, "mapInArrow"):
        return pa.RecordBatchReader.from_batches(schema, function(read(relation, size)))
    from pyspark.sql.pandas.types import from_arrow_schema

    # Spark looks at the signature, which a partial of a built-in has not
    return relation.mapInArrow(lambda batches: function(batches), from_arrow_schema(schema))


def result(session, schema: pa.Schema, batches):
    """Record batches of `schema` as what a model gives back."""
    if not hasattr(session, "createDataFrame"):
        return pa.RecordBatchReader.from_batches(schema, batches)
    # in one batch: PySpark 4.3 loses whatever follows an empty one
    return session.createDataFrame(pa.Table.from_batches(batches, schema).combine_chunks())


def model(dbt, session):
    meta = dbt.config.get("meta") or {}
    offered = dbt.ref("int_account_mapping__offered_keys")
    scopes = offered.select("partner_id", "agreement_id", "epoch", "secret_env", "key_type").distinct()
    pads = pad_table(sorted(tuple(row.values()) for row in rows(scopes)), str(meta["normaliser_version"]))
    return mapped(offered.select(*INPUT.names), partial(hash_batches, pads=pads), SCHEMA, BATCH_ROWS)
