"""The order in which partners add most reach. One row per rollup, target list, our status and rank.

Greedy maximum coverage: each step takes the partner that covers most of what no partner before it covers. Gains only
shrink from step to step, so a partner whose gain was computed in an earlier step is computed again only when it comes
first in the queue ("lazy greedy": Minoux, Accelerated greedy algorithms for maximizing submodular set functions,
1978). That saves work and changes nothing: the result is that of computing every gain in every step.
"""

import heapq
from collections.abc import Iterable, Iterator
from decimal import Decimal

MISSING_LIBRARY = (
    "account_mapping needs {}: run `pip install -r dbt_packages/account_mapping/requirements.txt` "
    "in the environment of dbt"
)

try:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc
except ImportError as error:
    raise ImportError(MISSING_LIBRARY.format(error.name)) from error

AMOUNT = pa.decimal128(28, 2)
SCHEMA = pa.schema(
    [
        ("rollup", pa.string()),
        ("target_list", pa.string()),
        ("status_rank", pa.int64()),
        ("rank", pa.int64()),
        ("partner_id", pa.string()),
        ("added_accounts", pa.int64()),
        ("added_amount", AMOUNT),
        ("our_accounts", pa.int64()),
        ("our_amount", AMOUNT),
    ]
)
ROLLUPS = ("account", "parent")
# status_rank of the rows that count every status
ALL_STATUSES = 0
# rows of one batch that a query hands over
BATCH_ROWS = 131_072
# 128-bit amounts are added in words of 32 bits, of which 2^31 fit into a sum of 64 bits
WORD_BITS = 32


class Amounts:
    """Amounts of units as exact integers of cents, to be added for any set of units.

    amounts: decimal128 array of scale 2, one per unit, none null. Only units whose amount is not 0 are held.
    """

    def __init__(self, amounts: pa.Array) -> None:
        words = np.frombuffer(amounts.buffers()[1], "<u4").reshape(-1, 4)[
            amounts.offset : amounts.offset + len(amounts)
        ]
        self.places = np.flatnonzero(words.any(axis=1))
        held = words[self.places].astype(np.int64)
        # two's complement: the sign is that of the last word
        held[:, 3] = held[:, 3].astype(np.uint32).astype(np.int32)
        self.words = held

    def total(self, units: np.ndarray) -> Decimal:
        """Sum over a set of units, given as bits; see pack."""
        octets = units.view(np.uint8)
        is_in = (octets[self.places >> 3] >> (self.places & 7).astype(np.uint8) & 1).astype(bool)
        sums = self.words[is_in].sum(axis=0)
        return Decimal(sum(int(word) << (WORD_BITS * place) for place, word in enumerate(sums))).scaleb(-2)


def empty_sets(count: int, units: int) -> np.ndarray:
    """`count` empty sets of units 0 to units - 1, as (count, words) unsigned 64-bit words; unit u is bit u of a row."""
    return np.zeros((count, -(-units // 64)), "<u8")


def pack(members: np.ndarray) -> np.ndarray:
    """One set from booleans, one per unit."""
    packed = empty_sets(1, len(members))
    octets = np.packbits(members, bitorder="little")
    packed.view(np.uint8)[0, : len(octets)] = octets
    return packed[0]


def add_members(sets: np.ndarray, rows: np.ndarray, units: np.ndarray) -> None:
    """Put units[i] into set rows[i], for all i; a member may come twice. sets: as of empty_sets, changed in place."""
    octets = sets.view(np.uint8)
    places = rows * octets.shape[1] + (units >> 3)
    np.bitwise_or.at(octets.reshape(-1), places, np.left_shift(1, units & 7).astype(np.uint8))


def size(units: np.ndarray) -> int:
    """Members of one set."""
    return int(np.bitwise_count(units).sum(dtype=np.int64))


def greedy(sets: np.ndarray, wanted: np.ndarray) -> Iterator[tuple[int, int, np.ndarray]]:
    """Sets in the order in which they add most members of `wanted` to those before them.

    sets: (count, words); wanted: (words,). Yields row, members added and the set of these, for every row; of equal
    gains the lower row comes first, also among those that add nothing.
    """
    remaining = wanted.copy()
    queue = [(-size(row & remaining), number) for number, row in enumerate(sets)]
    heapq.heapify(queue)
    while queue:
        stale, number = heapq.heappop(queue)
        added = sets[number] & remaining
        gain = size(added)
        if -gain != stale:
            heapq.heappush(queue, (-gain, number))
            continue
        remaining &= ~added
        yield number, gain, added


def wanted_sets(
    status_ranks: np.ndarray,
    lists: pa.Array,
    names_by_lists: dict[str, set[str]],
    target_lists: list[str],
    statuses: list[int],
) -> Iterator[tuple[str, int, np.ndarray]]:
    """Every target list and status with its units, as (target list, status rank, set).

    status_ranks, lists: one per unit; lists is a text that names_by_lists resolves to names of target lists.
    target_lists: every name, `all` included; statuses: every rank, ALL_STATUSES included. What no unit has is an
    empty set.
    """
    encoded = lists.dictionary_encode()
    codes = encoded.indices.to_numpy()
    texts = encoded.dictionary.to_pylist()
    for target_list in target_lists:
        is_named = np.array([target_list in names_by_lists[text] for text in texts], bool)
        is_listed = is_named[codes] if texts else np.zeros(0, bool)
        for status_rank in statuses:
            is_wanted = is_listed if status_rank == ALL_STATUSES else is_listed & (status_ranks == status_rank)
            yield target_list, status_rank, pack(is_wanted)


def order_rows(
    rollup: str, partners: list[str], sets: np.ndarray, amounts: Amounts, wanted: Iterable[tuple[str, int, np.ndarray]]
) -> Iterator[dict]:
    """Rows of SCHEMA of one rollup. sets: one per partner, in the order of `partners`, which ascends."""
    for target_list, status_rank, units in wanted:
        group = {
            "rollup": rollup,
            "target_list": target_list,
            "status_rank": status_rank,
            "our_accounts": size(units),
            "our_amount": amounts.total(units),
        }
        for rank, (number, gain, added) in enumerate(greedy(sets, units), start=1):
            yield group | {
                "rank": rank,
                "partner_id": partners[number],
                "added_accounts": gain,
                "added_amount": amounts.total(added) if gain else Decimal(0),
            }


def list_names(text: str) -> set[str]:
    """The target lists that a text of int_account_mapping__our_units names, `all` included.

    Names are separated by ` | `; a bar within a name is doubled.
    """
    return {"all"} | {name.replace("||", "|") for name in text.split(" | ") if name}


def values(relation, column: str) -> list:
    """Distinct values of a column, in ascending order."""
    return sorted(row[column] for row in rows(relation.select(column).distinct()))


def column(table: pa.Table, name: str) -> pa.Array:
    """A column as one array, also of a table without rows."""
    return pa.concat_arrays([*table.column(name).chunks, pa.array([], table.schema.field(name).type)])


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
    partners = values(dbt.ref("int_account_mapping__partners"), "partner_id")
    target_lists = ["all", *values(dbt.ref("int_account_mapping__target_accounts"), "list_name")]
    our_units = dbt.ref("int_account_mapping__our_units")
    names_by_lists = {text: list_names(text) for text in values(our_units, "lists")}
    links = dbt.ref("int_account_mapping__ecosystem_links")

    statuses = [ALL_STATUSES, *values(our_units.filter("scope = '*'"), "status_rank")]

    ordered = []
    for rollup in ROLLUPS:
        units = our_units.filter(f"scope = '*' and rollup = '{rollup}'").sort("unit_number")
        units = read(units.select("status_rank", "open_amount", "lists")).read_all().combine_chunks()
        sets = empty_sets(len(partners), units.num_rows)
        known = pa.array(partners, pa.string())
        for batch in read(links.filter(f"rollup = '{rollup}'").select("partner_id", "unit_number"), BATCH_ROWS):
            codes = pc.index_in(batch.column("partner_id"), value_set=known).to_numpy(zero_copy_only=False)
            add_members(sets, codes.astype(np.int64), batch.column("unit_number").to_numpy().astype(np.int64))
        wanted = wanted_sets(
            units.column("status_rank").to_numpy(), column(units, "lists"), names_by_lists, target_lists, statuses
        )
        ordered += order_rows(rollup, partners, sets, Amounts(column(units, "open_amount")), wanted)
    return result(session, SCHEMA, pa.Table.from_pylist(ordered, schema=SCHEMA).to_batches())
