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


def model(dbt, session):
    edges = dbt.ref("int_account_mapping__group_edges")
    keys = sorted(row[0] for row in edges.project("grouping_key").distinct().fetchall())

    # one grouping (a partner's links under one rollup) is in memory at a time
    def batches():
        for key in keys:
            part = edges.filter(f"grouping_key = '{key}'").project("node, other_node").to_arrow_table()
            yield group_batch(key, part)

    return pa.RecordBatchReader.from_batches(SCHEMA, batches())
