"""A run of private set intersection with one partner: what is kept of it, what follows from what came, what can leave.

One run for each agreement and epoch, in a folder of its own below psi/ of the partner's state, where no partner writes:

- ours/: round 1 of our list, as it was begun: `run.json` (mode, nonce, commitments) and `points.parquet` (each point
  with the token that it hides; none for padding). It appears whole, in one step, so that a nonce belongs to one list
  for ever;
- commitments.json: the partner's, as they came first;
- answers.parquet: the partner's points, with what we answer, in the order of the points;
- matched.json: how many matched, by key type; matched.parquet, in `reveal`: which, by our token and both points.

What arrives later than the first time has to be the same. Scalars are derived when they are used, and kept nowhere.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from . import files, psi
from .protocol import COUNT, PSI_KINDS, REVEAL, Party, Refused, load_model

FOLDER = "psi"
NONCE_BYTES = psi.NONCE_BYTES
MASTER = "ACCOUNT_MAPPING_PSI_SECRET"
OURS, RUN, POINTS = "ours", "run.json", "points.parquet"
THEIRS, ANSWERS, NUMBERS, MATCHED = "commitments.json", "answers.parquet", "matched.json", "matched.parquet"
BEGUN = ".unfinished-ours"
LEAST_MASTER_BYTES = 32
MOST_JSON_BYTES = 1_000_000
# Rows of a file that is being written.
GROUP_ROWS = 131_072

Stated = dict[str, tuple[int, str]]


# ---------------------------------------------------------------- text columns and bytes


def digits_of(rows: np.ndarray) -> pa.Array:
    """Rows of bytes as text of hexadecimal digits."""
    width = rows.shape[1] * 2
    data = np.ascontiguousarray(rows).tobytes().hex().encode()
    offsets = np.arange(0, (len(rows) + 1) * width, width, dtype=np.int32)
    return pa.StringArray.from_buffers(len(rows), pa.py_buffer(offsets), pa.py_buffer(data))


def bytes_of(column: pa.ChunkedArray, width: int) -> np.ndarray:
    """Text of hexadecimal digits, `width` bytes in each value, as rows of bytes."""
    parts = []
    for chunk in column.chunks:
        ends = np.frombuffer(chunk.buffers()[1], np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
        digits = chunk.buffers()[2][int(ends[0]) : int(ends[-1])].to_pybytes() if len(chunk) else b""
        parts.append(bytes.fromhex(digits.decode("ascii")))
    return psi.rows_of(b"".join(parts), width)


def by_type(table: pa.Table) -> dict[str, pa.Table]:
    """The rows of each key type, in their order; in the order of the types' first rows."""
    codes = table.column("key_type").combine_chunks().dictionary_encode()
    if isinstance(codes, pa.ChunkedArray):
        codes = codes.combine_chunks()
    indices = codes.indices.to_numpy(zero_copy_only=False)
    return {
        key_type: table.take(pa.array(np.flatnonzero(indices == place)))
        for place, key_type in enumerate(codes.dictionary.to_pylist())
    }


def binary(rows: np.ndarray) -> pa.Array:
    """Rows of bytes as a column of values of that width."""
    width = rows.shape[1]
    return pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(width), len(rows), [None, pa.py_buffer(np.ascontiguousarray(rows))]
    )


def rows_in(column: pa.ChunkedArray, width: int) -> np.ndarray:
    """The reverse of `binary`, for a column without nulls."""
    chunks = (chunk for chunk in column.chunks if len(chunk))
    parts = [chunk.buffers()[1][chunk.offset * width : (chunk.offset + len(chunk)) * width] for chunk in chunks]
    return psi.rows_of(b"".join(parts), width)


# ---------------------------------------------------------------- what is kept


@dataclass(frozen=True)
class Run:
    """A run as it stands. facts: of our round 1; theirs: the partner's commitments; numbers: what matched, by type."""

    folder: Path
    us: Party
    facts: Mapping[str, Any] | None
    theirs: Stated | None
    numbers: Mapping[str, Any] | None

    @property
    def ours(self) -> Stated:
        return {name: tuple(stated) for name, stated in self.facts["stated"].items()} if self.facts else {}

    @property
    def common(self) -> list[str]:
        """Key types of which both sides have a list: only these are compared."""
        return sorted({*self.ours} & {*(self.theirs or {})})

    def scope(self, key_type: str) -> psi.Scope:
        return psi.Scope(self.us.agreement_id, self.us.epoch, key_type)

    def has(self, name: str) -> bool:
        return (self.folder / name).is_file()

    def read(self, name: str) -> pa.Table:
        return pq.read_table(self.folder / name)

    def scalar(self, master: bytes, key_type: str) -> bytes:
        return psi.scalar_of(master, self.scope(key_type), bytes.fromhex(self.facts["nonce"]))

    @property
    def waits_for(self) -> str:
        """What has to come, or to be done, next; for people."""
        if self.facts is None:
            return "round 0: we have not committed to a list yet; `publish` does"
        if self.theirs is None:
            return "round 0: waiting for the partner's commitments"
        if not self.common:
            return "ended: both sides have no key type in common"
        if not self.has(ANSWERS):
            return "round 1: waiting for the partner's points"
        if self.numbers is None:
            return "round 2: waiting for the partner's answers"
        found = ", ".join(f"{number:,} {name}" for name, number in sorted(self.numbers["numbers"].items()))
        return f"matched: {found}"


def folder_of(state: Path, us: Party) -> Path:
    """Where the run of our agreement and epoch lies."""
    scope = psi.framed(us.agreement_id.encode(), us.epoch.encode())
    return state / FOLDER / hashlib.sha256(scope).hexdigest()[:24]


def read_master(pair_secret: bytes) -> bytes:
    """The secret of which scalars are made, ours and no partner's; ValueError says what is wrong, never its value."""
    text = os.environ.get(MASTER)
    remedy = "generate a secret of your own with `openssl rand -hex 32`, which no partner gets"
    if not text:
        raise ValueError(f"{MASTER} is not set: {remedy}, and keep it at least as long as an epoch lasts")
    try:
        master = bytes.fromhex(text)
    except ValueError:
        raise ValueError(f"{MASTER} is not hexadecimal: {remedy}") from None
    if len(master) < LEAST_MASTER_BYTES:
        raise ValueError(f"{MASTER} holds {len(master)} bytes, at least {LEAST_MASTER_BYTES} are needed: {remedy}")
    weak = load_model("int_account_mapping__match_keys").weakness(master)
    if weak:
        raise ValueError(f"the secret in {MASTER} {weak}, so it can be guessed: {remedy}")
    if hmac.compare_digest(master, pair_secret):
        raise ValueError(f"{MASTER} holds the secret that you share with this partner: {remedy}")
    return master


def read_json(path: Path) -> Any:
    data = files.read_at_most(path, MOST_JSON_BYTES)
    return None if data is None else json.loads(data)


def open_run(state: Path, us: Party) -> Run:
    """The run of our agreement and epoch, begun or not."""
    folder = folder_of(state, us)
    theirs = read_json(folder / THEIRS)
    return Run(
        folder,
        us,
        read_json(folder / OURS / RUN),
        {name: tuple(stated) for name, stated in theirs.items()} if theirs is not None else None,
        read_json(folder / NUMBERS),
    )


def list_of(blinded: Path, mode: str) -> pa.Table:
    """What of our hashed keys is compared: those that may leave once they matched; in `count` all that may count."""
    rows = pq.read_table(blinded, columns=["key_type", "token", "is_shared"])
    wanted = pc.not_equal(rows.column("key_type"), "account")
    if mode == REVEAL:
        wanted = pc.and_(wanted, pc.equal(rows.column("is_shared"), "true"))
    return rows.filter(wanted)


def begin(run: Run, rows: pa.Table, mode: str, most_points: int, master: bytes, nonce: bytes) -> None:
    """Blind our list and keep that as round 1 of the run.

    rows: of our hashed keys, key_type and token at least. nonce: new, random. Raises Refused where a list is too large.
    """
    scopes, parts, stated = {}, [], {}
    for key_type, part in sorted(by_type(rows).items()):
        tokens = sorted({bytes.fromhex(token) for token in part.column("token").to_pylist()})
        if psi.band(len(tokens)) > most_points:
            raise Refused(
                "list_too_large",
                f"Our list of {key_type} has {len(tokens):,} keys, padded to {psi.band(len(tokens)):,} points, and the "
                f"var account_mapping__psi_most_points allows {most_points:,}: offer fewer accounts, or agree on more.",
            )
        scopes[key_type] = run.scope(key_type)
        blinded = psi.blind(tokens, scopes[key_type], psi.scalar_of(master, scopes[key_type], nonce))
        stated[key_type] = (len(blinded.points), psi.commitment(blinded.points, scopes[key_type]))
        hidden = [tokens[place] if place >= 0 else None for place in blinded.tokens.tolist()]
        parts.append(
            pa.table(
                {
                    "key_type": pa.array([key_type] * len(blinded.points), pa.string()),
                    "point": binary(blinded.points),
                    "token": pa.array(hidden, pa.binary(32)),
                }
            )
        )
    facts = {
        "agreement_id": run.us.agreement_id,
        "epoch": run.us.epoch,
        "begun_on": run.us.as_of,
        "mode": mode,
        "most_points": most_points,
        "nonce": nonce.hex(),
        "stated": stated,
    }
    with files.open_folder(run.folder, create=True) as folder:
        files.remove_entry(folder, BEGUN, files.Removed())
        folder.make(BEGUN)
        pq.write_table(pa.concat_tables(parts), run.folder / BEGUN / POINTS)
        with folder.sub(BEGUN) as begun:
            begun.write_whole(RUN, json.dumps(facts).encode())
        # whoever is killed before this has used the nonce for nothing that anybody saw
        folder.move(BEGUN, folder, OURS)
        folder.sync()


def own_points(run: Run) -> dict[str, tuple[np.ndarray, list[bytes | None]]]:
    """Round 1 of our list by key type: points, and the tokens that they hide."""
    return {
        key_type: (rows_in(part.column("point"), 32), part.column("token").to_pylist())
        for key_type, part in by_type(run.read(f"{OURS}/{POINTS}")).items()
    }


# ---------------------------------------------------------------- what can leave


def outgoing(run: Run, blinded: Path, staging: Path, mode: str) -> list[str]:
    """Write the files of the rounds that may leave now to `staging`, as `<kind>.parquet`; returns their kinds.

    blinded: our hashed keys as they are today, of which `matches` tells the matched ones.
    """
    if run.facts is None or run.facts["mode"] != mode:
        return []
    if not run.has(f"{OURS}/{POINTS}"):
        raise Refused(
            "epoch_over",
            f"The run of epoch {run.us.epoch} ended when a later one began, its list is gone: agree on a new epoch.",
        )
    made = {"commitments": _commitments(run)}
    if run.theirs is not None and run.common:
        made["points"] = _points(run)
        if run.has(ANSWERS):
            made["answers"] = _answers(run)
            if run.numbers is not None and mode == REVEAL:
                made["matches"] = _matches(run, blinded)
    for kind, table in made.items():
        pq.write_table(table, staging / f"{kind}.parquet", row_group_size=GROUP_ROWS)
    return list(made)


def _scoped(run: Run, columns: Mapping[str, pa.Array]) -> pa.Table:
    """A table with agreement and epoch before `columns`."""
    rows = len(next(iter(columns.values())))
    terms = {name: pa.array([value] * rows, pa.string()) for name, value in
             (("agreement_id", run.us.agreement_id), ("epoch", run.us.epoch))}  # fmt: skip
    return pa.table({**terms, **columns})


def _commitments(run: Run) -> pa.Table:
    stated = sorted(run.ours.items())
    return _scoped(
        run,
        {
            "mode": pa.array([run.facts["mode"]] * len(stated), pa.string()),
            "most_points": pa.array([str(run.facts["most_points"])] * len(stated), pa.string()),
            "key_type": pa.array([name for name, _ in stated], pa.string()),
            "points": pa.array([str(number) for _, (number, _) in stated], pa.string()),
            "commitment": pa.array([commitment for _, (_, commitment) in stated], pa.string()),
        },
    )


def _points(run: Run) -> pa.Table:
    own = by_type(run.read(f"{OURS}/{POINTS}"))
    parts = [
        _scoped(
            run,
            {
                "key_type": pa.array([key_type] * own[key_type].num_rows, pa.string()),
                "point": digits_of(rows_in(own[key_type].column("point"), 32)),
            },
        )
        for key_type in run.common
    ]
    return pa.concat_tables(parts)


def _answers(run: Run) -> pa.Table:
    kept = by_type(run.read(ANSWERS))
    parts = []
    for key_type in run.common:
        answers = psi.in_mode(rows_in(kept[key_type].column("answer"), psi.ANSWER_BYTES), run.facts["mode"])
        parts.append(
            _scoped(
                run,
                {
                    "key_type": pa.array([key_type] * len(answers), pa.string()),
                    "answered": pa.array([run.theirs[key_type][1]] * len(answers), pa.string()),
                    "answer": digits_of(answers),
                },
            )
        )
    return pa.concat_tables(parts)


# A parent is named where its own keys may leave too, by its token alone, so that families hold together. Its row has
# that token in the place of a point.
MATCHES = """
    with shared as (select * from read_parquet($blinded) where is_shared = 'true'),
    rows_of_matches as (
        select
            shared.key_type, lower(hex(found.their_point)) as point, shared.account_token,
            parents.account_token as parent_account_token, shared.status
        from shared
        inner join read_parquet($matched) as found
            on shared.key_type = found.key_type and shared.token = lower(hex(found.token))
        left join (select distinct account_token from shared) as parents
            on shared.parent_account_token = parents.account_token
    )
    select * from rows_of_matches
    union all
    select distinct 'account', parent_account_token, parent_account_token, cast(null as varchar), cast(null as varchar)
    from rows_of_matches
    where parent_account_token is not null and parent_account_token not in (select account_token from rows_of_matches)
    order by 1, 2, 3
"""


def _matches(run: Run, blinded: Path) -> pa.Table:
    with duckdb.connect(":memory:") as connection:
        arguments = {"blinded": str(blinded), "matched": str(run.folder / MATCHED)}
        found = connection.sql(MATCHES, params=arguments).to_arrow_table()
    return _scoped(run, {name: found.column(name).cast(pa.string()) for name in found.column_names})


# ---------------------------------------------------------------- what came


@dataclass(frozen=True)
class Came:
    """What follows from a delivery. kept: complete files, by the names under which the run keeps them. keys: rows of
    partner_keys, None where the delivery has no matches."""

    kept: Mapping[str, Path]
    keys: pa.Table | None


def incoming(
    run: Run, delivered: Mapping[str, Path], staging: Path, mode: str, most_points: int, master: bytes, version: str
) -> Came:
    """Check the files of the rounds that came, and compute what follows; writes to `staging` only. Raises Refused.

    delivered: checked files by kind. version: of the normaliser.
    """
    later = [kind for kind in PSI_KINDS if kind in delivered]
    for kind, before in zip(PSI_KINDS[1:], PSI_KINDS, strict=False):
        if kind in later and before not in later:
            raise Refused("round_missing", f"The partner sends {kind} without {before}, which come before.")
    kept: dict[str, Path] = {}
    if not later:
        return Came(kept, None)
    stated = _their_commitments(run, pq.read_table(delivered["commitments"]), mode, most_points)
    now = Run(run.folder, run.us, run.facts, stated, run.numbers)
    if run.theirs is None:
        kept[THEIRS] = staging / THEIRS
        kept[THEIRS].write_text(json.dumps(stated), encoding="utf-8")
    if "points" not in delivered:
        return Came(kept, None)
    if run.facts is None:
        raise Refused("round_too_early", "The partner sends points, and we have not committed to a list yet.")
    if not run.has(f"{OURS}/{POINTS}"):
        raise Refused("epoch_over", "Our run of this epoch ended when a later one began: agree on a new epoch.")
    if run.facts["mode"] != mode:
        raise Refused("other_mode", f"Our run began in the mode `{run.facts['mode']}`, and the agreement now asks for "
                      f"`{mode}`: agree on a new epoch.")  # fmt: skip
    own = own_points(run)
    answers = _answer(now, by_type(pq.read_table(delivered["points"])), own, most_points, master)
    if not run.has(ANSWERS):
        kept[ANSWERS] = staging / f"kept-{ANSWERS}"
        pq.write_table(answers, kept[ANSWERS])
    if "answers" not in delivered:
        return Came(kept, None)
    found, numbers = _match(now, by_type(pq.read_table(delivered["answers"])), by_type(answers), own)
    if run.numbers is not None and dict(run.numbers) != numbers:
        raise Refused("second_answers", "The partner answered our points before, and otherwise: agree on a new epoch.")
    if run.numbers is None:
        # the numbers last: they tell that the rest is there
        if found is not None:
            kept[MATCHED] = staging / f"kept-{MATCHED}"
            pq.write_table(found, kept[MATCHED])
        kept[NUMBERS] = staging / NUMBERS
        kept[NUMBERS].write_text(json.dumps(numbers), encoding="utf-8")
    keys = _their_keys(delivered["matches"], found, version) if "matches" in delivered else None
    return Came(kept, keys)


def keep(run: Run, came: Came) -> None:
    """Keep what follows from a delivery, each file in one step; what is there already stays as it is."""
    if came.kept:
        with files.open_folder(run.folder, create=True) as folder:
            for name, path in came.kept.items():
                folder.copy_whole(path, name)


def _their_commitments(run: Run, rows: pa.Table, mode: str, most_points: int) -> Stated:
    stated: Stated = {}
    for row in rows.to_pylist():
        if row["mode"] != mode:
            raise Refused(
                "other_mode",
                f"The partner compares in the mode `{row['mode']}`, the agreement in force asks for `{mode}`.",
            )
        if int(row["most_points"]) != most_points:
            raise Refused(
                "other_cap",
                f"The partner allows {int(row['most_points']):,} points of a key type, our var "
                f"account_mapping__psi_most_points {most_points:,}: both sides need the same number.",
            )
        number = int(row["points"])
        if number > most_points:
            raise Refused(
                "list_too_large",
                f"The partner's list of {row['key_type']} has {number:,} points, and both sides agreed on "
                f"{most_points:,} at most.",
            )
        if number == 0 or psi.band(number) != number:
            raise Refused(
                "points_band",
                f"The partner's list of {row['key_type']} has {number:,} points, which is no size that lists are "
                "padded to.",
            )
        stated[row["key_type"]] = (number, row["commitment"])
    if run.theirs is not None and run.theirs != stated:
        raise Refused(
            "second_run",
            "The partner committed to another list in this epoch before: one epoch is one run, so that nobody tries "
            "list after list; for a new one agree on a new epoch.",
        )
    return stated


def _check_types(kind: str, found: Mapping[str, Any], run: Run) -> None:
    if sorted(found) != run.common:
        raise Refused(
            "other_key_types", f"The partner's {kind} are not of the key types of which both sides committed to a list."
        )


def _answer(
    run: Run, came: Mapping[str, pa.Table], own: Mapping[str, tuple[np.ndarray, Any]], most_points: int, master: bytes
) -> pa.Table:
    """The partner's points with our answers, in their order; what is kept is read, and compared with what came."""
    _check_types("points", came, run)
    points = {key_type: bytes_of(came[key_type].column("point"), 32) for key_type in run.common}
    for key_type in run.common:
        number, committed = run.theirs[key_type]
        psi.check_points(points[key_type], own[key_type][0], run.scope(key_type), committed, number, most_points)
    if run.has(ANSWERS):
        # of the same points, to which the partner is bound
        return run.read(ANSWERS)
    parts = []
    for key_type in run.common:
        answers = psi.answer(points[key_type], run.scope(key_type), run.scalar(master, key_type))
        parts.append(
            pa.table(
                {
                    "key_type": pa.array([key_type] * len(answers), pa.string()),
                    "point": binary(points[key_type]),
                    "answer": binary(answers),
                }
            )
        )
    return pa.concat_tables(parts)


def _match(
    run: Run,
    came: Mapping[str, pa.Table],
    sent: Mapping[str, pa.Table],
    own: Mapping[str, tuple[np.ndarray, Sequence[bytes | None]]],
) -> tuple[pa.Table | None, dict[str, Any]]:
    """Which points matched (None in `count`), and how many, with a hash of the answers, by which they are known."""
    _check_types("answers", came, run)
    mode, numbers, parts, hashed = run.facts["mode"], {}, [], hashlib.sha256()
    for key_type in run.common:
        number, committed = run.ours[key_type]
        rows = came[key_type]
        answered = rows.column("answered").unique().to_pylist()
        answers = bytes_of(rows.column("answer"), psi.ANSWER_BYTES)
        psi.check_answers(
            *(answers, run.scope(key_type), answered[0] if len(answered) == 1 else ""), committed, number, mode
        )
        ours, theirs = psi.matched(answers, rows_in(sent[key_type].column("answer"), psi.ANSWER_BYTES))
        numbers[key_type] = len(ours)
        hashed.update(answers)
        if mode == COUNT:
            continue
        points, tokens = own[key_type]
        hidden = [tokens[place] for place in ours.tolist()]
        if None in hidden:
            raise Refused(
                "padding_matched",
                f"The partner's answers of {key_type} say that it has what only pads our list: they are not of our "
                "points.",
            )
        parts.append(
            pa.table(
                {
                    "key_type": pa.array([key_type] * len(ours), pa.string()),
                    "token": pa.array(hidden, pa.binary(32)),
                    "our_point": binary(points[ours]),
                    "their_point": sent[key_type].column("point").take(pa.array(theirs)),
                }
            )
        )
    return pa.concat_tables(parts) if parts else None, {"answers": hashed.hexdigest(), "numbers": numbers}


THEIR_KEYS = """
    select
        came.agreement_id, came.epoch, $version as normaliser_version, came.key_type,
        case when came.key_type = 'account' then came.account_token else lower(hex(found.token)) end as token,
        came.account_token, came.parent_account_token, came.status
    from came
    left join found on came.key_type = found.key_type and came.point = lower(hex(found.our_point))
    order by came.key_type, token, came.account_token
"""


def _their_keys(delivered: Path, found: pa.Table, version: str) -> pa.Table:
    """The partner's matches as rows of partner_keys, each with our own token of the point that it names."""
    came = pq.read_table(delivered)
    with duckdb.connect(":memory:") as connection:
        connection.register("came", came)
        connection.register("found", found)
        keys = connection.sql(THEIR_KEYS, params={"version": version}).to_arrow_table()
    unknown = sum(token is None for token in keys.column("token").to_pylist())
    if unknown:
        raise Refused(
            "unmatched_points",
            f"The partner's matches name {unknown:,} points that did not match, or are none of ours.",
        )
    rows = came.to_pylist()
    parents = {row["parent_account_token"] for row in rows if row["key_type"] != "account"}
    if any(
        row["key_type"] == "account"
        and (row["account_token"] not in parents or row["point"] != row["account_token"] or row["status"] is not None
             or row["parent_account_token"] is not None)
        for row in rows
    ):  # fmt: skip
        raise Refused(
            "unmatched_accounts", "The partner's matches tell of accounts that are no parents of matched ones."
        )
    return keys.cast(pa.schema([(name, pa.string()) for name in keys.column_names]))


def write_keys(keys: pa.Table, path: Path) -> None:
    """Write rows of partner_keys for loading."""
    pq.write_table(keys, path, row_group_size=GROUP_ROWS)


def end_former(state: Path, us: Party) -> None:
    """Remove the lists of runs of other epochs; their commitments stay, so that no epoch is begun twice."""
    place = state / FOLDER
    if not place.is_dir():
        return
    for folder in place.iterdir():
        if folder != folder_of(state, us):
            for name in (ANSWERS, MATCHED, f"{OURS}/{POINTS}"):
                (folder / name).unlink(missing_ok=True)
            shutil.rmtree(folder / BEGUN, ignore_errors=True)
