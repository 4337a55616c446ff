"""Families: the account that each one's chain of parents leads to. One row per side, scope and account with a parent.

SQL would need a recursion of unknown depth, or a join for each doubling of the longest chain.
"""

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

SCHEMA = pa.schema(
    [
        ("side", pa.string()),
        ("scope", pa.string()),
        ("account_id", pa.string()),
        ("root_account_id", pa.string()),
        ("is_cyclic", pa.bool_()),
    ]
)


def find_roots(nodes: pa.Array, parents: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Where the path of each node ends, by pointer jumping.

    nodes, parents: one edge upwards per node (strings, equal length, none null, no node its own parent).
    Returns, for each of `nodes`, the last node of its path or, where that runs into a cycle, the least node of the
    cycle; and whether it runs into one.
    """
    encoded = pa.chunked_array([nodes, parents]).combine_chunks()
    distinct = pc.unique(encoded)
    distinct = distinct.take(pc.sort_indices(distinct))
    codes = pc.index_in(encoded, value_set=distinct).to_numpy(zero_copy_only=False)
    lower, upper = codes[: len(nodes)], codes[len(nodes) :]
    has_parent = np.zeros(len(distinct), bool)
    has_parent[lower] = True
    pointer = np.arange(len(distinct))
    pointer[lower] = upper
    # codes ascend as their nodes do; `least` is that of all nodes which the pointer has passed
    least = pointer.copy()
    # with every round a pointer reaches twice as far, in the end farther than any path is long
    for _ in range(len(distinct).bit_length()):
        if not has_parent[pointer].any():
            break
        least = np.minimum(least, least[pointer])
        pointer = pointer[pointer]
    ends = pointer[lower]
    # a pointer that still has a parent goes round a cycle
    is_cyclic = has_parent[ends]
    return distinct.take(pa.array(np.where(is_cyclic, least[ends], ends))), pa.array(is_cyclic)


def root_batch(first: str, second: str, edges: pa.Table) -> pa.RecordBatch:
    """The roots of one hierarchy as SCHEMA. first, second: what it is of; edges: columns of nodes and of parents."""
    nodes, parents = (column.combine_chunks().cast(pa.string()) for column in edges.columns)
    roots, is_cyclic = find_roots(nodes, parents)
    keys = [pa.repeat(pa.scalar(key, pa.string()), len(nodes)) for key in (first, second)]
    return pa.record_batch([*keys, nodes, roots, is_cyclic], schema=SCHEMA)


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
    edges = dbt.ref("int_account_mapping__scoped_accounts").filter("parent_account_id is not null")
    hierarchies = sorted(tuple(row.values()) for row in rows(edges.select("side", "scope").distinct()))

    # the hierarchy of one side in one scope is in memory at a time
    def batches():
        for side, scope in hierarchies:
            part = edges.filter(f"side = '{side}' and scope = '{scope}'")
            yield root_batch(side, scope, read(part.select("account_id", "parent_account_id")).read_all())

    return result(session, SCHEMA, batches())
