"""Spellings of our accounts' names with one letter left out: keys that two names share despite a typing error.

The deletion neighbourhood of SymSpell (Garbe, 2012): two names that differ by one letter inserted, left out, replaced
or exchanged with its neighbour share at least one spelling. Only equality is compared, so it works on hashes.
Opt-in by var `account_mapping__typo_keys`: without it the model has no row.
"""

import re
from functools import partial

MISSING_LIBRARY = (
    "account_mapping needs {}: run `pip install -r dbt_packages/account_mapping/requirements.txt` "
    "in the environment of dbt"
)

try:
    import pyarrow as pa
except ImportError as error:
    raise ImportError(MISSING_LIBRARY.format(error.name)) from error

BATCH_ROWS = 16_384
MIN_NAME_LENGTH = 7
MIN_WORD_LENGTH = 4
# A number, in either notation, tells companies apart: Acquisition Corp II is not Acquisition Corp III.
NUMBER = re.compile("[0-9]|^[ivx]+$")

SCHEMA = pa.schema([("account_id", pa.string()), ("key_value", pa.string())])


def name_variants(folded: str) -> list[str]:
    """The name without spaces, and with one letter left out, distinct and sorted.

    folded: lower-case words with single spaces. Names below MIN_NAME_LENGTH letters have none (Mizuno is not Mizuho).
    No letter is left out of a number or of a word below MIN_WORD_LENGTH, where one letter makes another word, nor is a
    name's first, which people seldom mistype: of ten wrong pairs of names one letter apart five differed there, of 43
    right ones none (measured; DECISIONLOG).
    """
    name = folded.replace(" ", "")
    if len(name) < MIN_NAME_LENGTH:
        return []
    variants, start = {name}, 0
    for word in folded.split():
        if len(word) >= MIN_WORD_LENGTH and not NUMBER.search(word):
            variants.update(name[:i] + name[i + 1 :] for i in range(max(start, 1), start + len(word)))
        start += len(word)
    return sorted(variants)


def variants_batch(batch: pa.RecordBatch) -> pa.RecordBatch:
    """SCHEMA, one row per account with a name and a country, and spelling.

    batch: account_id, name_folded, country_code (strings, the last two may be null).
    """
    columns = (batch.column(name).to_pylist() for name in ("account_id", "name_folded", "country_code"))
    rows = [
        (account_id, f"{variant}|{country}")
        for account_id, name, country in zip(*columns, strict=True)
        if name and country
        for variant in name_variants(name)
    ]
    accounts, values = zip(*rows, strict=True) if rows else ((), ())
    return pa.record_batch([pa.array(accounts, pa.string()), pa.array(values, pa.string())], schema=SCHEMA)


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
    names = dbt.ref("int_account_mapping__normalized")
    wanted = "side = 'ours'" if str(meta["typo_keys"]).lower() == "true" else "1 = 0"
    return mapped(names.filter(wanted), partial(map, variants_batch), SCHEMA, BATCH_ROWS)
