"""Counts that may leave: small cells suppressed, others with them so that no total gives one away, the rest rounded.

One row per partner, rollup, our status and partner status. Cell suppression as official statistics practise it for
two-way tables: a small cell is withheld (primary), and further cells (complementary) until none of the withheld can be
computed from the others and the totals of rows and columns. See Hundepool et al., Statistical Disclosure Control
(2012), chapter 4, and Kelly, Golden and Assad, Cell suppression (Networks 22, 1992) for cycles as protection.
"""

import heapq
from itertools import groupby

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
MEASURES = ("our_accounts", "partner_accounts", "companies")
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in (*MATRIX, *CELL)),
        *((name, pa.int64()) for name in MEASURES),
        ("cell_state", pa.string()),
        ("minimum_count", pa.int64()),
    ]
)
ROUNDING = 5


def cheapest_detour(cell: tuple[int, int], costs: np.ndarray, is_given: np.ndarray) -> list[tuple[int, int]] | None:
    """Cells that close a cycle with `cell`: the cheapest way from its row to its column by other given cells.

    costs, is_given: (rows, columns). A row and a column are neighbours by the cell that they share. Of equally cheap
    ways the one of fewer, then of first cells. None where there is no way.
    """
    rows, columns = costs.shape
    row, column = cell
    queue: list[tuple[int, int, tuple[tuple[int, int], ...], int]] = [(0, 0, (), row)]
    seen = set()
    while queue:
        cost, length, path, node = heapq.heappop(queue)
        if node == rows + column:
            return list(path)
        if node in seen:
            continue
        seen.add(node)
        if node < rows:
            steps = [((node, c), rows + c) for c in range(columns)]
        else:
            steps = [((r, node - rows), r) for r in range(rows)]
        for step, other in steps:
            if is_given[step] and step != cell and other not in seen:
                heapq.heappush(queue, (cost + int(costs[step]), length + 1, (*path, step), other))
    return None


def alone_in_line(cell: tuple[int, int], is_suppressed: np.ndarray, costs: np.ndarray, is_given: np.ndarray):
    """For a row and a column in which `cell` is the only suppressed one, their cheapest other given cell; a list."""
    row, column = cell
    lines = (
        [(row, c) for c in range(costs.shape[1]) if c != column],
        [(r, column) for r in range(costs.shape[0]) if r != row],
    )
    found = []
    for line in lines:
        others = [other for other in line if is_given[other]]
        if others and not any(is_suppressed[other] for other in others):
            found.append(min(others, key=lambda other: (int(costs[other]), other)))
    return found


def suppress(counts: np.ndarray, minimum: np.ndarray | int, is_given: np.ndarray | None = None) -> np.ndarray:
    """Which cells of a two-way table must be withheld.

    counts: (rows, columns) integers >= 0. minimum: k, for all cells or of the table's shape: a cell below it is
    withheld. is_given: cells that are shared at all, default all; others are withheld anyhow and help nobody.
    Returns booleans of the table's shape. Afterwards each withheld cell lies on a cycle of withheld cells, along which
    its count can be shifted without changing any total, so that totals do not tell it; wherever the given cells
    allow a cycle at all, which they do in every full table of at least two rows and two columns. In a single row or
    column at least two cells are withheld or none, if it has two.
    """
    counts = np.asarray(counts, np.int64)
    is_given = np.ones(counts.shape, bool) if is_given is None else np.asarray(is_given, bool)
    is_suppressed = (counts < minimum) & is_given
    is_growing = True
    while is_growing:
        is_growing = False
        for cell in [(int(row), int(column)) for row, column in np.argwhere(is_suppressed)]:
            costs = np.where(is_suppressed, 0, counts)
            detour = cheapest_detour(cell, costs, is_given)
            if detour is None:
                detour = alone_in_line(cell, is_suppressed, costs, is_given)
            for other in detour:
                is_growing |= not is_suppressed[other]
                is_suppressed[other] = True
    return is_suppressed


def rounded(count: int) -> int:
    """To the nearest multiple of ROUNDING, which is odd: no count lies half-way."""
    return ROUNDING * ((count + ROUNDING // 2) // ROUNDING)


def publish(cells: list[dict]) -> list[dict]:
    """The cells of one matrix as they may leave, in the same order.

    cells: mappings of CELL, MEASURES (integers >= 0) and minimum_count; other keys are kept. A cell is withheld with
    all its measures when any of them is too small. Rows of SCHEMA: measures rounded, or None where withheld.
    """
    our_statuses = sorted({cell["our_status"] for cell in cells})
    partner_statuses = sorted({cell["partner_status"] for cell in cells})
    shape = (len(our_statuses), len(partner_statuses))
    counts, minimum, is_given = np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape, bool)
    places = [
        (our_statuses.index(cell["our_status"]), partner_statuses.index(cell["partner_status"])) for cell in cells
    ]
    for place, cell in zip(places, cells, strict=True):
        counts[place] = min(cell[measure] for measure in MEASURES)
        minimum[place] = cell["minimum_count"]
        is_given[place] = True
    is_suppressed = suppress(counts, minimum, is_given)
    return [
        {
            **cell,
            **{measure: None if is_suppressed[place] else rounded(cell[measure]) for measure in MEASURES},
            "cell_state": state(cell["partner_status"], bool(is_suppressed[place])),
        }
        for place, cell in zip(places, cells, strict=True)
    ]


def state(partner_status: str, is_suppressed: bool) -> str:
    """What the reader is told of a cell; `not_shared` is the partner's own silence, never a zero."""
    if is_suppressed:
        return "suppressed"
    return "not_shared" if partner_status == "not_shared" else "counted"


def fetch(relation, columns: list[str]) -> list[dict]:
    """All rows of a small relation, sorted by `columns`, as mappings; the relation tells the engine."""
    if hasattr(relation, "mapInArrow"):
        rows = [tuple(row) for row in relation.select(*columns).collect()]
    else:
        rows = relation.project(", ".join(columns)).fetchall()
    return [dict(zip(columns, row, strict=True)) for row in sorted(rows)]


def model(dbt, session):
    cells = fetch(dbt.ref("int_account_mapping__counted_cells"), [*MATRIX, *CELL, *MEASURES, "minimum_count"])
    matrices = groupby(cells, key=lambda cell: tuple(cell[name] for name in MATRIX))
    rows = [row for _, matrix in matrices for row in publish(list(matrix))]
    return pa.Table.from_pylist(rows, schema=SCHEMA)
