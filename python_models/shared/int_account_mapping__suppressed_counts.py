"""Counts that may leave: small cells withheld, others with them so that no total gives one away, the rest rounded.

One row per partner, rollup, our status and partner status. Cell suppression as official statistics practise it for
two-way tables: a small cell is withheld (primary), and further cells (complementary) until whoever knows the rest and
the totals can tell each withheld count no closer than to an interval as wide as the least count that may leave. The
interval is that of the linear programme over all tables of counts that fit, which in a two-way table is a maximum flow.
See Hundepool et al., Statistical Disclosure Control (2012), chapter 4; Kelly, Golden and Assad, Cell suppression
(Networks 22, 1992); Edmonds and Karp, Theoretical improvements in algorithmic efficiency (JACM 19, 1972).
"""

import heapq
import random
from collections.abc import Callable
from fractions import Fraction
from itertools import groupby, pairwise

MISSING_LIBRARY = (
    "account_mapping needs {}: run `pip install -r dbt_packages/account_mapping/requirements.txt` "
    "in the environment of dbt"
)

try:
    import numpy as np
    import pyarrow as pa
except ImportError as error:
    raise ImportError(MISSING_LIBRARY.format(error.name)) from error

MATRIX = ("partner_id", "agreement_id", "epoch", "rollup")
CELL = ("our_status", "partner_status")
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in (*MATRIX, *CELL)),
        ("companies", pa.int64()),
        ("cell_state", pa.string()),
        ("minimum_count", pa.int64()),
    ]
)
ROUNDING = 5


Entry = tuple[int, int]


# ---------------------------------------------------------------- how closely a count can be told


def with_totals(counts: np.ndarray) -> np.ndarray:
    """The table with totals as a last row and column, all but the grand total negative: each line sums to zero."""
    table = np.zeros((counts.shape[0] + 1, counts.shape[1] + 1), np.int64)
    table[:-1, :-1] = counts
    table[:-1, -1], table[-1, :-1] = -counts.sum(axis=1), -counts.sum(axis=0)
    table[-1, -1] = counts.sum()
    return table


def leeway(table: np.ndarray, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """By how much each entry of a table with totals could be higher, and lower, at most limit: no count is negative."""
    is_total = np.zeros(table.shape, bool)
    is_total[-1, :-1] = is_total[:-1, -1] = True
    free, bounded = np.full(table.shape, limit), np.minimum(np.abs(table), limit)
    return np.where(is_total, bounded, free), np.where(is_total, free, bounded)


def most_flow(capacity: list[list[int]], start: int, end: int, limit: int) -> int:
    """The maximum flow between two nodes, at most `limit`, by shortest augmenting paths. capacity is used up."""
    flow = 0
    while flow < limit:
        came, queue = {start: start}, [start]
        for node in queue:
            for other, open_capacity in enumerate(capacity[node]):
                if open_capacity > 0 and other not in came:
                    came[other] = node
                    queue.append(other)
        if end not in came:
            break
        path = [end]
        while path[-1] != start:
            path.append(came[path[-1]])
        steps = list(pairwise(reversed(path)))
        step = min(limit - flow, *(capacity[a][b] for a, b in steps))
        for a, b in steps:
            capacity[a][b] -= step
            capacity[b][a] += step
        flow += step
    return flow


def width(table: np.ndarray, is_unknown: np.ndarray, cell: Entry, limit: int) -> int:
    """Width of the interval in which the cell must lie for whoever knows all entries but the unknown; at most limit.

    table: with totals. Raising an entry by one is a step from its row to its column, lowering it one back. As every
    line keeps its sum, the cell can be raised by what can flow from its column to its row by other unknown entries.
    """
    rows, columns = table.shape
    higher, lower = (np.where(is_unknown, room, 0) for room in leeway(table, limit))
    capacity = np.zeros((rows + columns, rows + columns), np.int64)
    capacity[:rows, rows:], capacity[rows:, :rows] = higher, lower.T
    row, column = cell[0], rows + cell[1]
    capacity[row, column] = capacity[column, row] = 0
    up = most_flow(capacity.tolist(), column, row, limit)
    down = most_flow(capacity.tolist(), row, column, limit - up) if up < limit else 0
    return up + min(down, int(table[cell]))


# ---------------------------------------------------------------- which cells to withhold


def cheapest_detour(
    table: np.ndarray, cost: np.ndarray, is_usable: np.ndarray, cell: Entry, least: int
) -> list[Entry] | None:
    """Entries by which the cell could be `least` higher, each by as much higher or lower itself; None if none are.

    cost: of each entry, (rows, columns). Of equally cheap ways the one of fewer, then of first entries.
    """
    rows, columns = table.shape
    higher, lower = leeway(table, least)
    is_open = is_usable.copy()
    is_open[cell] = False
    queue: list[tuple[int, int, tuple[Entry, ...], int]] = [(0, 0, (), rows + cell[1])]
    seen = set()
    while queue:
        so_far, length, path, node = heapq.heappop(queue)
        if node == cell[0]:
            return list(path)
        if node in seen:
            continue
        seen.add(node)
        if node >= rows:
            steps = [((row, node - rows), row) for row in range(rows) if lower[row, node - rows] >= least]
        else:
            steps = [((node, column), rows + column) for column in range(columns) if higher[node, column] >= least]
        for entry, other in steps:
            if is_open[entry] and other not in seen:
                heapq.heappush(queue, (so_far + int(cost[entry]), length + 1, (*path, entry), other))
    return None


def further(table: np.ndarray, is_unknown: np.ndarray, is_usable: np.ndarray, cell: Entry, limit: int) -> list[Entry]:
    """Entries to withhold next, so that the cell can be told less closely.

    A way that leaves the whole width is looked for first, then one of half of it, and so on: several can add up.
    """
    # a total is not published, yet many know it: it counts as unknown only where cells do not suffice
    cost = np.abs(table) + 1
    cost[-1, :] += table[-1, -1] + 1
    cost[:, -1] += table[-1, -1] + 1
    least = limit
    while least:
        path = cheapest_detour(table, np.where(is_unknown, 0, cost), is_usable, cell, least)
        found = [entry for entry in path or () if not is_unknown[entry]]
        if found:
            return found
        least //= 2
    rest = [(int(row), int(column)) for row, column in np.argwhere(is_usable & ~is_unknown)]
    return [min(rest, key=lambda entry: (int(cost[entry]), entry))]


def suppress(counts: np.ndarray, minimum: np.ndarray | int, is_given: np.ndarray | None = None) -> np.ndarray:
    """Which cells of a two-way table must be withheld.

    counts: (rows, columns) integers >= 0. minimum: k, for all cells or of the table's shape: a cell below it is
    withheld. is_given: cells that are shared at all, default all; others are withheld anyhow and help nobody.
    Returns booleans of the table's shape. Afterwards each withheld cell can be told from the others and all totals no
    closer than to an interval k wide, wherever withholding the whole table would give one. Where it would not, as in a
    row whose total is below k, totals below k count as unknown too, and of the others as many as the width needs.
    """
    is_given = np.ones(np.shape(counts), bool) if is_given is None else np.asarray(is_given, bool)
    counts = np.where(is_given, np.asarray(counts, np.int64), 0)
    limits = np.where(is_given, np.broadcast_to(np.asarray(minimum, np.int64), counts.shape), 0)
    is_suppressed = counts < limits
    if not is_suppressed.any():
        return is_suppressed
    table = with_totals(counts)
    is_cell, is_anything = np.zeros(table.shape, bool), np.ones(table.shape, bool)
    is_cell[:-1, :-1] = is_anything[:-1, :-1] = is_given
    is_unknown = np.abs(table) < limits.max()
    is_unknown[:-1, :-1] = is_suppressed
    # a cell whose line is too small is protected by totals that count as unknown, too
    usable_of = {}

    def is_protected(cell: Entry) -> bool:
        limit = int(limits[cell])
        if cell not in usable_of:
            usable_of[cell] = is_cell if width(table, is_cell, cell, limit) >= limit else is_anything
        return width(table, is_unknown & usable_of[cell], cell, limit) >= limit

    def withheld() -> list[Entry]:
        return [(int(row), int(column)) for row, column in np.argwhere(is_unknown[:-1, :-1])]

    open_cells = True
    while open_cells:
        open_cells = False
        for cell in withheld():
            while not is_protected(cell):
                open_cells = True
                for entry in further(table, is_unknown, usable_of[cell], cell, int(limits[cell])):
                    is_unknown[entry] = True
    # one that later ones made needless is given after all, the largest first
    spare = sorted((cell for cell in withheld() if not is_suppressed[cell]), key=lambda cell: (-table[cell], cell))
    for cell in spare:
        is_unknown[cell] = False
        if not all(is_protected(other) for other in withheld()):
            is_unknown[cell] = True
    return is_unknown[:-1, :-1]


def rounded(count: int) -> int:
    """To the nearest multiple of ROUNDING, which is odd: no count lies half-way."""
    return ROUNDING * ((count + ROUNDING // 2) // ROUNDING)


# ---------------------------------------------------------------- noise


def read_budget(partner_id: str, text: str | None) -> Fraction | None:
    """The budget (epsilon) of a partner's epoch, None where none is set. Raises ValueError unless from 0.01 to 100."""
    if text is None or not text.strip():
        return None
    try:
        budget = Fraction(text.strip())
    except (ValueError, ZeroDivisionError):
        budget = Fraction(0)
    if not Fraction(1, 100) <= budget <= 100:
        raise ValueError(
            f"account_mapping__partners: count_noise_budget of `{partner_id}` is no number from 0.01 to 100: "
            "correct it, or leave it empty for counts without noise"
        )
    return budget


def happens_exp(power: Fraction, rng: random.Random) -> bool:
    """True with the probability exp(-power), power >= 0, without any rounding."""
    while power > 1:
        if not happens_exp(Fraction(1), rng):
            return False
        power -= 1
    trials = 1
    while rng.randrange(power.denominator * trials) < power.numerator:
        trials += 1
    return trials % 2 == 1


def discrete_laplace(epsilon: Fraction, rng: random.Random) -> int:
    """An integer z with a probability proportional to exp(-epsilon |z|), exactly.

    Algorithm 2 of Canonne, Kamath and Steinke, The discrete Gaussian for differential privacy (NeurIPS 2020).
    """
    while True:
        rest = rng.randrange(epsilon.denominator)
        if not happens_exp(Fraction(rest, epsilon.denominator), rng):
            continue
        whole = 0
        while happens_exp(Fraction(1), rng):
            whole += 1
        size = (rest + whole * epsilon.denominator) // epsilon.numerator
        is_negative = rng.randrange(2) == 1
        if size or not is_negative:
            return -size if is_negative else size


def publish(cells: list[dict], noise: Callable[[], int] | None = None) -> list[dict]:
    """The cells of one matrix as they may leave, in the same order.

    cells: mappings of CELL, `companies` (integer >= 0) and minimum_count; other keys are kept. noise: draws what is
    added to each count before anything else, so that all that follows tells no more than the noisy counts do.
    Rows of SCHEMA: companies rounded, or None where withheld.
    """
    our_statuses = sorted({cell["our_status"] for cell in cells})
    partner_statuses = sorted({cell["partner_status"] for cell in cells})
    shape = (len(our_statuses), len(partner_statuses))
    counts, minimum, is_given = np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape, bool)
    places = [
        (our_statuses.index(cell["our_status"]), partner_statuses.index(cell["partner_status"])) for cell in cells
    ]
    for place, cell in zip(places, cells, strict=True):
        counts[place] = max(0, cell["companies"] + (noise() if noise else 0))
        minimum[place] = cell["minimum_count"]
        is_given[place] = True
    is_suppressed = suppress(counts, minimum, is_given)
    return [
        {
            **cell,
            "companies": None if is_suppressed[place] else rounded(int(counts[place])),
            "cell_state": state(cell["partner_status"], bool(is_suppressed[place])),
        }
        for place, cell in zip(places, cells, strict=True)
    ]


def state(partner_status: str, is_suppressed: bool) -> str:
    """What the reader is told of a cell; `not_shared` is the partner's own silence, never a zero."""
    if is_suppressed:
        return "suppressed"
    return "not_shared" if partner_status == "not_shared" else "counted"


def noise_of(budget: Fraction | None) -> Callable[[], int] | None:
    """What draws the noise of one count. The two rollups of an epoch share the budget: each has half of it."""
    system = random.SystemRandom()
    return None if budget is None else lambda: discrete_laplace(budget / 2, system)


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
    columns = [*MATRIX, *CELL, "companies", "minimum_count"]
    cells = rows(dbt.ref("int_account_mapping__counted_cells").select(*columns))
    cells.sort(key=lambda cell: tuple("" if value is None else value for value in cell.values()))
    partners = rows(dbt.ref("int_account_mapping__partners").select("partner_id", "count_noise_budget"))
    budgets = {row["partner_id"]: read_budget(row["partner_id"], row["count_noise_budget"]) for row in partners}
    matrices = groupby(cells, key=lambda cell: tuple(cell[name] for name in MATRIX))
    leaving = [row for scope, matrix in matrices for row in publish(list(matrix), noise_of(budgets[scope[0]]))]
    return result(session, SCHEMA, pa.Table.from_pylist(leaving, schema=SCHEMA).to_batches())
