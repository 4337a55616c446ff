"""Correction of the probability by names on the user's own data, one row per partner.

Platt scaling (Platt 1999: a logistic regression on the log-odds) against free truth: pairs that share a website which
nobody else uses are one company, and the other candidates of such accounts are not. A Gaussian prior holds the line at
"no correction" unless the list speaks clearly.
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
        ("partner_id", pa.string()),
        ("pairs", pa.int64()),
        ("same_pairs", pa.int64()),
        ("intercept", pa.float64()),
        ("slope", pa.float64()),
    ]
)

# Fewer pairs, or fewer of either kind, correct nothing.
MINIMUM_PAIRS = 200
MINIMUM_OF_KIND = 50
# Strength of the prior, in units of the log-likelihood's curvature: about that of 100 pairs of even odds.
PRIOR = 25.0
# Accounts with a website that a partner shares have a counterpart for certain, others may have none: the truth flatters
# names, so it may raise odds by little.
INTERCEPT_RANGE = (-2.0, 0.5)
SLOPE_RANGE = (0.5, 1.5)
STEPS = 50


def log_odds(probability: np.ndarray) -> np.ndarray:
    """Log-odds of probabilities, which are kept within .0001 and .9999."""
    kept = np.clip(probability, 0.0001, 0.9999)
    return np.log(kept / (1.0 - kept))


def fit_line(probability: np.ndarray, pairs: np.ndarray, same_pairs: np.ndarray) -> tuple[float, float]:
    """Intercept and slope, 4 decimals each, that make probabilities fit what was seen.

    probability: (n,) before correction; pairs, same_pairs: (n,) how many were seen and how many were one company.
    Newton's method on the penalised log-likelihood, which has one maximum.
    """
    level = log_odds(probability)
    inputs = np.column_stack([np.ones_like(level), level])
    start = np.array([0.0, 1.0])
    line = start.copy()
    for _ in range(STEPS):
        expected = 1.0 / (1.0 + np.exp(-np.clip(inputs @ line, -30.0, 30.0)))
        gradient = inputs.T @ (same_pairs - pairs * expected) - PRIOR * (line - start)
        curvature = (inputs.T * (pairs * expected * (1.0 - expected))) @ inputs + PRIOR * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        line = line + np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < 1e-9:
            break
    intercept = float(np.clip(line[0], *INTERCEPT_RANGE))
    slope = float(np.clip(line[1], *SLOPE_RANGE))
    return round(intercept, 4), round(slope, 4)


def calibrate(truth: pa.Table) -> pa.Table:
    """SCHEMA of the partners with enough truth.

    truth: columns partner_id, name_probability, pairs, same_pairs; one row per partner and probability.
    """
    rows = []
    for partner_id in sorted(set(truth["partner_id"].to_pylist())):
        part = truth.filter(pc.equal(truth["partner_id"], partner_id)).sort_by("name_probability")
        probability, pairs, same_pairs = (
            part[column].to_numpy().astype(float) for column in ("name_probability", "pairs", "same_pairs")
        )
        n_pairs, n_same = int(pairs.sum()), int(same_pairs.sum())
        if n_pairs >= MINIMUM_PAIRS and min(n_same, n_pairs - n_same) >= MINIMUM_OF_KIND:
            rows.append((partner_id, n_pairs, n_same, *fit_line(probability, pairs, same_pairs)))
    columns = zip(*rows, strict=True) if rows else [[]] * len(SCHEMA)
    return pa.table(
        [pa.array(list(column), field.type) for column, field in zip(columns, SCHEMA, strict=True)], schema=SCHEMA
    )


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
    truth = read(dbt.ref("int_account_mapping__name_truth")).read_all()
    return result(session, SCHEMA, calibrate(truth).to_batches())
