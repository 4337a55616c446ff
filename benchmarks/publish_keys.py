"""What publishing the keys of a million accounts to one partner costs, and that a killed publication is none.

usage: python -m benchmarks.publish_keys [--accounts 1000000] [--rounds 3] [--kills 10] [--folder FOLDER]

Makes accounts with ten keys each (and the account's own id, which is hashed too) in a DuckDB file, then measures, in
turn and each in a process of its own:

- floor: the two nested `sha256` calls that HMAC needs, as one query of DuckDB over the same values;
- hashing: the package's model `int_account_mapping__match_keys` over the same values;
- published: the model's rows written as a table of a DuckDB file and from there, with the tokens of their accounts and
  sorted, as the Parquet file that the exchange command exports;
- gated: that file through the exchange command's gate (Great Expectations) into an outbox with a signed manifest;
- killed: the writing of that outbox again and again, over an outbox of former content, killed (SIGKILL) at random
  moments. After each the manifest that stands there must be signed and name whole files.

floor and hashing hand their rows over as Arrow batches, which are drained and counted. The figure that counts is the
ratio of hashing to floor, each the best of the rounds; memory is the largest resident set of the process. All use the
processors there are. Exits with 1 when the ratio is above 1.5, a step held 2 GB or more, or an outbox was half-written.
Needs requirements-exchange.txt.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import duckdb

from exchange import files, protocol
from exchange.protocol import load_model

ROOT = Path(__file__).resolve().parent.parent
MODEL = "int_account_mapping__match_keys"
STEPS = ("floor", "hashing", "published", "gated")
MOST_RATIO = 1.5
MOST_MEGABYTES = 2000
SECRET_VARIABLE = "ACCOUNT_MAPPING_SECRET_BENCHMARK"  # noqa: S105, the name of a variable
SECRET = hashlib.sha256(b"a benchmark's, protects nothing").digest()
# Rows of one batch that a query hands over, as the model has it.
BATCH_ROWS = 131_072
# ru_maxrss is in bytes on macOS and in KiB elsewhere.
UNITS_PER_MEGABYTE = 2**20 if sys.platform == "darwin" else 2**10

# Values as long as real ones: domains of about 14 letters, names of about 20.
KEYS = """
    create table offered_keys as
    select
        'benchmark' as partner_id, 'benchmark' as agreement_id, '1' as epoch,
        '{variable}' as secret_env, account_id, key_type,
        case
            when key_type = 'account' then account_id
            when key_type in ('domain', 'email_domain') then left(word, 10) || '.com'
            when key_type = 'duns' then lpad(cast(number as varchar), 9, '0')
            when key_type like '%country' then left(word, 20) || '|DE'
            else left(word, 20)
        end as key_value,
        cast(null as bigint) as person_number
    from (
        select
            range as number, 'crm:' || lpad(cast(range as varchar), 18, '0') as account_id,
            md5(cast(range as varchar)) as word
        from range({accounts})
    )
    cross join (
        select unnest([
            'account', 'domain', 'email_domain', 'name', 'name_country', 'name_sorted', 'name_sorted_country',
            'name_short', 'name_short_country', 'name_core', 'duns'
        ]) as key_type
    )
"""

FLOOR = """
    select
        partner_id, account_id, key_type,
        sha256($outer || unhex(sha256($inner || encode(key_value)))) as token
    from offered_keys
"""

# As account_mapping__shared_keys and the macro account_mapping__export_shared do it.
SHARED = """
    create table published.shared_keys as
    select
        'benchmark' as agreement_id, '1' as epoch, 'benchmark' as normaliser_version, match_keys.key_type,
        match_keys.token, account_tokens.token as account_token, cast(null as varchar) as parent_account_token,
        'customer' as status
    from published.match_keys
    inner join published.match_keys as account_tokens
        on match_keys.account_id = account_tokens.account_id and account_tokens.key_type = 'account'
    where match_keys.key_type <> 'account'
"""
EXPORTED = """
    copy (select {columns} from published.shared_keys order by {grain})
    to '{path}' (format parquet, compression zstd)
"""


class Dbt:
    """What the model sees as `dbt`: its settings, and the table of keys in place of the model that it reads."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.config = {"meta": {"normaliser_version": "benchmark"}}

    def ref(self, _: str) -> duckdb.DuckDBPyRelation:
        return self.connection.sql("select * from offered_keys")


def make_keys(folder: Path, accounts: int) -> None:
    """Write the keys of made-up accounts, eleven rows each, to keys.duckdb in `folder`."""
    with duckdb.connect(str(folder / "keys.duckdb")) as connection:
        connection.execute(KEYS.format(accounts=accounts, variable=SECRET_VARIABLE))


def drain(reader) -> int:
    """Rows of a reader of Arrow batches."""
    return sum(batch.num_rows for batch in reader)


def measure(step: str, folder: Path) -> dict[str, float]:
    """Run one step in this process. Returns rows, seconds (wall clock) and megabytes (2^20 bytes, largest held)."""
    if step == "gated":
        start = time.monotonic()
        rows = gate(folder)
        return {"rows": rows, "seconds": time.monotonic() - start, "megabytes": megabytes_held()}
    module = load_model(MODEL)
    os.environ[SECRET_VARIABLE] = SECRET.hex()
    with duckdb.connect(str(folder / "keys.duckdb")) as connection:
        start = time.monotonic()
        if step == "floor":
            inner, outer = module.hmac_pads(bytes(32))
            rows = drain(connection.sql(FLOOR, params={"inner": inner, "outer": outer}).to_arrow_reader(BATCH_ROWS))
        elif step == "hashing":
            rows = drain(module.model(Dbt(connection), connection))
        else:
            rows = publish(module, connection, folder)
        seconds = time.monotonic() - start
    return {"rows": rows, "seconds": seconds, "megabytes": megabytes_held()}


def megabytes_held() -> float:
    """The largest resident set of this process so far, in 2^20 bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / UNITS_PER_MEGABYTE


def publish(module: ModuleType, connection: duckdb.DuckDBPyConnection, folder: Path) -> int:
    """Write the hashed keys as tables, as dbt does, then as a sorted Parquet file. Returns the rows of the file."""
    database, path = folder / "published.duckdb", folder / "keys.parquet"
    database.unlink(missing_ok=True)
    columns = ", ".join(protocol.COLUMNS["keys"])
    grain = ", ".join(f"coalesce({column}, '')" for column in protocol.GRAIN["keys"])
    # what a modest warehouse machine gives; sorting spills beyond it
    connection.execute("set memory_limit = '1GB'")
    connection.execute(f"attach '{database}' as published")
    tokens = module.model(Dbt(connection), connection)
    with connection.cursor() as writer:
        writer.register("tokens", tokens)
        writer.execute("create table published.match_keys as select * from tokens")
        writer.execute(SHARED)
        writer.execute(EXPORTED.format(columns=columns, grain=grain, path=path))
        return writer.sql(f"select count(*) from '{path}'").fetchall()[0][0]


def gate(folder: Path) -> int:
    """Bring the Parquet file through the gate into the outbox. Returns the rows that passed."""
    from exchange import gates

    source, target = folder / "keys.parquet", folder / "checked.parquet"
    permitted = protocol.Allowed(frozenset({"keys"}), frozenset({"customer"}), frozenset(), {})
    rules = gates.expectations("keys", "benchmark", "1", "benchmark", permitted, True)
    rows = gates.row_count(source)
    per_key_type = gates.sift(
        source, target, protocol.FileEntry("", "keys", rows, ""), gates.Gate(rules), permitted, True
    )
    write_outbox(folder / "outbox", target, rows, per_key_type, 1)
    return rows


def write_outbox(outbox: Path, path: Path, rows: int, per_key_type: Mapping[str, int], sequence: int) -> None:
    """Make `outbox` hold the checked file `path` and a signed manifest, as the exchange command does."""
    from exchange import gates

    entry = gates.seal(path, "keys", rows, per_key_type)
    normaliser = protocol.Normaliser("benchmark", (), "none")
    party = protocol.Party("benchmark", "benchmark", "1", "2026-11-15", (), normaliser)
    manifest = protocol.make_manifest(SECRET, party, [entry], None, sequence)
    files.replace_outbox(outbox, [(path, entry.name)], protocol.canonical_json(manifest))


def outbox_number(outbox: Path) -> int:
    """The number of the manifest in `outbox`; ValueError where it is not signed or names a file that is not whole."""
    try:
        manifest = protocol.parse_manifest((outbox / files.MANIFEST).read_bytes())
    except (OSError, protocol.Refused) as error:
        raise ValueError(f"{outbox} has no manifest: {error}") from error
    if manifest["mac"] != protocol.authentication_code(SECRET, manifest):
        raise ValueError(f"{outbox} has a manifest that is not signed")
    for entry in manifest["files"]:
        path = outbox / entry["name"]
        if not path.is_file() or files.sha256_of(path) != entry["sha256"]:
            raise ValueError(f"{path} is missing or not whole")
    return manifest["sequence"]


def step_command(step: str, folder: Path) -> list[str]:
    """What runs one step in a process of its own, from the repository's folder."""
    return [sys.executable, "-m", "benchmarks.publish_keys", "--step", step, "--folder", str(folder.resolve())]


def kill_publications(folder: Path, kills: int) -> dict[str, int]:
    """Kill the writing of an outbox `kills` times, each at a random moment of it.

    The outbox has number 1 before, of a part of the rows, and number 2 after a writing that ends. Returns how many
    left the former one, and how many the new one. Raises ValueError for an outbox that is neither.
    """
    import pyarrow.parquet as pq

    former, whole = folder / "former.parquet", folder / "checked.parquet"
    pq.write_table(pq.ParquetFile(whole).read_row_group(0).slice(1), former)
    rows = pq.read_metadata(former).num_rows
    write_outbox(folder / "outbox_before", former, rows, {"domain": rows}, 1)
    left = {"former": 0, "new": 0}
    took = 0.0
    for number in range(kills + 1):
        outbox = folder / "outbox_killed"
        shutil.rmtree(outbox, ignore_errors=True)
        shutil.copytree(folder / "outbox_before", outbox)
        with subprocess.Popen(step_command("outbox", folder), cwd=ROOT, stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            start = time.monotonic()
            if number:
                time.sleep(random.uniform(0, took))
                process.kill()
            process.stdout.read()
            # the first one is not killed, and tells how long it takes
            took = took or time.monotonic() - start
        found = outbox_number(outbox)
        if number:
            left["former" if found == 1 else "new"] += 1
        elif found != 2:
            raise ValueError("a publication that was left alone did not end")
    return left


def write_outbox_when_ready(folder: Path) -> None:
    """The step that is killed: says when everything is imported, then writes the outbox."""
    from exchange import gates

    path = folder / "checked.parquet"
    rows = gates.row_count(path)
    print("ready", flush=True)
    write_outbox(folder / "outbox_killed", path, rows, {"domain": rows}, 2)
    os.close(sys.stdout.fileno())


def run(step: str, folder: Path) -> dict[str, float]:
    """`measure` in a process of its own, so that no step's memory counts for another."""
    done = subprocess.run(step_command(step, folder), cwd=ROOT, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--step", choices=[*STEPS, "outbox"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step == "outbox":
        write_outbox_when_ready(options.folder)
        return 0
    if options.step:
        print(json.dumps(measure(options.step, options.folder)))
        return 0
    with tempfile.TemporaryDirectory(dir=options.folder) as made:
        folder = Path(made)
        make_keys(folder, options.accounts)
        best: dict[str, dict[str, float]] = {}
        for _ in range(options.rounds):
            for step in ("floor", "hashing"):
                cost = run(step, folder)
                best[step] = min(best.get(step, cost), cost, key=lambda one: one["seconds"])
        for step in ("published", "gated"):
            best[step] = run(step, folder)
        try:
            left = kill_publications(folder, options.kills)
            kept = f"{left['former']} left the former outbox, {left['new']} the new one, none half of one"
        except ValueError as error:
            left, kept = None, f"broken: {error}"
    print(f"{options.accounts:,} accounts, {int(best['hashing']['rows']):,} keys, {os.cpu_count()} processors")
    print(f"{'step':<10} {'rows':>12} {'seconds':>8} {'MB':>6}")
    for step, cost in best.items():
        print(f"{step:<10} {int(cost['rows']):>12,} {cost['seconds']:>8.1f} {cost['megabytes']:>6.0f}")
    ratio = best["hashing"]["seconds"] / best["floor"]["seconds"]
    print(f"hashing / floor: {ratio:.2f} (at most {MOST_RATIO})")
    print(f"killed while writing the outbox, {options.kills} times: {kept}")
    too_much = max(best[step]["megabytes"] for step in ("published", "gated")) >= MOST_MEGABYTES
    return int(ratio > MOST_RATIO or too_much or left is None)


if __name__ == "__main__":
    sys.exit(main())
