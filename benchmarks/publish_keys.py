"""What hashing the keys of a million accounts for one partner costs.

usage: python benchmarks/publish_keys.py [--accounts 1000000] [--rounds 3] [--folder FOLDER]

Makes accounts with ten keys each (and the account's own id, which is hashed too) in a DuckDB file, then measures, in
turn and each in a process of its own:

- floor: the two nested `sha256` calls that HMAC needs, as one query of DuckDB over the same values;
- hashing: the package's model `int_account_mapping__match_keys` over the same values;
- published: the model's rows written as a table of a DuckDB file and from there, sorted, as Parquet.

floor and hashing hand their rows over as Arrow batches, which are drained and counted. The figure that counts is the
ratio of hashing to floor, each the best of the rounds; memory is the largest resident set of the process. All use the
processors there are. Exits with 1 when the ratio is above 1.5 or publishing held 2 GB or more.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType

import duckdb

PYTHON_MODELS = Path(__file__).resolve().parent.parent / "python_models"
MODEL = "int_account_mapping__match_keys"
MOST_RATIO = 1.5
MOST_MEGABYTES = 2000
SECRET_VARIABLE = "ACCOUNT_MAPPING_SECRET_BENCHMARK"  # noqa: S105, the name of a variable
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
        end as key_value
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

PUBLISHED = """
    copy (
        select partner_id, key_type, token, account_id from published.match_keys
        order by partner_id, key_type, token, account_id
    )
    to '{path}' (format parquet, compression zstd)
"""


class Dbt:
    """What the model sees as `dbt`: its settings, and the table of keys in place of the model that it reads."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.config = {"meta": {"normaliser_version": "benchmark"}}

    def ref(self, _: str) -> duckdb.DuckDBPyRelation:
        return self.connection.sql("select * from offered_keys")


def load_model() -> ModuleType:
    """The model as a module; to dbt it is a file of its own."""
    spec = importlib.util.spec_from_file_location(MODEL, PYTHON_MODELS / f"{MODEL}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make_keys(folder: Path, accounts: int) -> None:
    """Write the keys of made-up accounts, eleven rows each, to keys.duckdb in `folder`."""
    with duckdb.connect(str(folder / "keys.duckdb")) as connection:
        connection.execute(KEYS.format(accounts=accounts, variable=SECRET_VARIABLE))


def drain(reader) -> int:
    """Rows of a reader of Arrow batches."""
    return sum(batch.num_rows for batch in reader)


def measure(step: str, folder: Path) -> dict[str, float]:
    """Run one step in this process. Returns rows, seconds (wall clock) and megabytes (2^20 bytes, largest held)."""
    module = load_model()
    os.environ[SECRET_VARIABLE] = hashlib.sha256(b"a benchmark's, protects nothing").hexdigest()
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
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / UNITS_PER_MEGABYTE
    return {"rows": rows, "seconds": seconds, "megabytes": held}


def publish(module: ModuleType, connection: duckdb.DuckDBPyConnection, folder: Path) -> int:
    """Write the hashed keys as a table, as dbt does, then as a sorted Parquet file. Returns the rows of the file."""
    database, path = folder / "published.duckdb", folder / "keys.parquet"
    database.unlink(missing_ok=True)
    # what a modest warehouse machine gives; sorting spills beyond it
    connection.execute("set memory_limit = '1GB'")
    connection.execute(f"attach '{database}' as published")
    tokens = module.model(Dbt(connection), connection)
    with connection.cursor() as writer:
        writer.register("tokens", tokens)
        writer.execute("create table published.match_keys as select * from tokens")
        writer.execute(PUBLISHED.format(path=path))
        return writer.sql(f"select count(*) from '{path}'").fetchall()[0][0]


def run(step: str, folder: Path) -> dict[str, float]:
    """`measure` in a process of its own, so that no step's memory counts for another."""
    command = [sys.executable, __file__, "--step", step, "--folder", str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--step", choices=["floor", "hashing", "published"], help=argparse.SUPPRESS)
    options = parser.parse_args()
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
        best["published"] = run("published", folder)
    print(f"{options.accounts:,} accounts, {int(best['hashing']['rows']):,} keys, {os.cpu_count()} processors")
    print(f"{'step':<10} {'rows':>12} {'seconds':>8} {'MB':>6}")
    for step, cost in best.items():
        print(f"{step:<10} {int(cost['rows']):>12,} {cost['seconds']:>8.1f} {cost['megabytes']:>6.0f}")
    ratio = best["hashing"]["seconds"] / best["floor"]["seconds"]
    print(f"hashing / floor: {ratio:.2f} (at most {MOST_RATIO})")
    return int(ratio > MOST_RATIO or best["published"]["megabytes"] >= MOST_MEGABYTES)


if __name__ == "__main__":
    sys.exit(main())
