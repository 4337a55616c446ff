"""Spellings of our accounts' names with one letter left out: keys that two names share despite a typing error.

The deletion neighbourhood of SymSpell (Garbe, 2012): two names that differ by one letter inserted, left out, replaced
or exchanged with its neighbour share at least one spelling. Only equality is compared, so it works on hashes.
Opt-in by var `account_mapping__typo_keys`: without it the model has no row.
"""

import re

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


def map_arrow(relation, function, schema):
    """Apply `function` to every record batch of `relation`, without holding the whole table.

    The relation tells the engine, not the session: PySpark has mapInArrow, DuckDB a record-batch reader.
    """
    if hasattr(relation, "mapInArrow"):
        from pyspark.sql.pandas.types import from_arrow_schema

        mapped = relation.mapInArrow(lambda batches: map(function, batches), from_arrow_schema(schema))
    else:
        mapped = pa.RecordBatchReader.from_batches(schema, map(function, relation.to_arrow_reader(BATCH_ROWS)))
    return mapped


def model(dbt, session):
    meta = dbt.config.get("meta") or {}
    names = dbt.ref("int_account_mapping__normalized")
    wanted = "side = 'ours'" if str(meta["typo_keys"]).lower() == "true" else "1 = 0"
    return map_arrow(names.filter(wanted), variants_batch, SCHEMA)
