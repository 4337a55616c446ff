"""Connected groups: which duplicates belong together, which linked units are one company. One row per group and node.

Two nodes are in one group when a chain of edges joins them. SQL would need a recursion of unknown depth.
"""

MISSING_LIBRARY = (
    "account_mapping needs {}: run `pip install -r dbt_packages/account_mapping/requirements.txt` "
    "in the environment of dbt"
)

try:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
except ImportError as error:
    raise ImportError(MISSING_LIBRARY.format(error.name)) from error

SCHEMA = pa.schema([("grouping_key", pa.string()), ("node", pa.string()), ("group_id", pa.string())])


def group_nodes(nodes: pa.Array, other_nodes: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Group the nodes of one grouping.

    nodes, other_nodes: the two ends of each edge (strings, equal length, none null).
    Returns the distinct nodes in ascending order and, for each, the least node of its connected component.
    """
    encoded = pa.chunked_array([nodes, other_nodes]).combine_chunks()
    distinct = pc.unique(encoded)
    distinct = distinct.take(pc.sort_indices(distinct))
    codes = pc.index_in(encoded, value_set=distinct).to_numpy(zero_copy_only=False)
    left, right = codes[: len(nodes)], codes[len(nodes) :]
    graph = coo_array((np.ones(len(left), np.int8), (left, right)), shape=(len(distinct), len(distinct)))
    count, labels = connected_components(graph, directed=False)
    # nodes ascend, so the first of each component is its least
    least = np.full(count, len(distinct), np.int64)
    np.minimum.at(least, labels, np.arange(len(distinct)))
    return distinct, distinct.take(pa.array(least[labels]))


def group_batch(grouping_key: str, edges: pa.Table) -> pa.RecordBatch:
    """All groups of one grouping as SCHEMA. edges: columns node, other_node."""
    nodes, groups = group_nodes(
        edges.column("node").combine_chunks().cast(pa.string()),
        edges.column("other_node").combine_chunks().cast(pa.string()),
    )
    return pa.record_batch([pa.array([grouping_key] * len(nodes), pa.string()), nodes, groups], schema=SCHEMA)


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
    edges = dbt.ref("int_account_mapping__group_edges")
    keys = sorted(row["grouping_key"] for row in rows(edges.select("grouping_key").distinct()))

    # one grouping (a partner's links under one rollup) is in memory at a time
    def batches():
        for key in keys:
            part = edges.filter(f"grouping_key = '{key}'").select("node", "other_node")
            yield group_batch(key, read(part).read_all())

    return result(session, SCHEMA, batches())
