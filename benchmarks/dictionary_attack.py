"""How many hashed domains an attacker reads, with the pair's secret and without it.

usage: python -m benchmarks.dictionary_attack DOMAINS.csv [--accounts 20000] [--lists 40] [--seed 1]

DOMAINS.csv has a column `domain` (or is one domain a line): the dictionary that the attacker has, and from which the
accounts of the victim are drawn. The tokens are made as int_account_mapping__match_keys makes them. Three attackers:

- the partner, who holds the secret: hashes the whole dictionary and looks every token up;
- somebody with the file alone: hashes the dictionary without a key, and under a key of his own making;
- somebody with the file and statistics: several accounts share a domain (subsidiaries, branches), so tokens differ in
  how many accounts have them. He knows how often each domain occurs in CRMs like this one (counted on other lists
  drawn alike, more than he can hope for), ranks both by frequency and pairs rank with rank.

Prints how many tokens each reads, and what the first costs for a million candidates on this machine. Exits with 1
when the partner misses any token, or the file alone gives any away.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import itertools
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pyarrow as pa

from exchange.protocol import load_model

MODEL = "int_account_mapping__match_keys"
AGREEMENT, EPOCH, VERSION = "attack", "1", "2"
# Of accounts that share a domain, most share it with one other, few with many.
BRANCHES = [1] * 80 + [2] * 12 + [3] * 5 + [6] * 2 + [15]


def read_domains(path: Path) -> list[str]:
    """Distinct domains of a CSV file, in lower case and in order: of its column `domain`, else of its first one."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    header = [name.strip().lower() for name in rows[0]]
    place = header.index("domain") if "domain" in header else 0
    values = (row[place].strip().lower() for row in rows["domain" in header :] if len(row) > place)
    return list(dict.fromkeys(value for value in values if value))


def hashed(values: list[str], secret: bytes, model: ModuleType) -> Iterator[pa.RecordBatch]:
    """Batches with the `token` of each domain, made from this secret as the package does; `account_id` is its place."""
    key = model.derive_key(secret, AGREEMENT, EPOCH, "domain", VERSION)
    inner, outer = model.hmac_pads(key)
    pads = pa.table({"partner_id": ["p"], "key_type": ["domain"], "inner_pad": [inner], "outer_pad": [outer]})

    def batches() -> Iterator[pa.RecordBatch]:
        for start in range(0, len(values), model.BATCH_ROWS):
            part = values[start : start + model.BATCH_ROWS]
            place = [str(start + offset) for offset in range(len(part))]
            columns = [["p"] * len(part), place, ["domain"] * len(part), part, [None] * len(part)]
            yield pa.RecordBatch.from_arrays(list(map(pa.array, columns, model.INPUT.types)), schema=model.INPUT)

    yield from model.hash_batches(pa.RecordBatchReader.from_batches(model.INPUT, batches()), pads)


def tokens_of(values: list[str], secret: bytes, model: ModuleType) -> list[str]:
    """The token of each domain, in order."""
    found = [""] * len(values)
    for batch in hashed(values, secret, model):
        for place, token in zip(batch["account_id"].to_pylist(), batch["token"].to_pylist(), strict=True):
            found[int(place)] = token
    return found


def accounts_by_domain(weighted: list[tuple[str, int]], accounts: int, rng: random.Random) -> Counter[str]:
    """How many accounts of one CRM have each domain. weighted: each domain with the accounts it has where it occurs."""
    held: Counter[str] = Counter()
    for domain, branches in rng.sample(weighted, min(accounts, len(weighted))):
        # a CRM knows some of a company's branches, not the same ones everywhere
        held[domain] = 1 + sum(rng.random() < 0.7 for _ in range(branches - 1))
    return held


def ranked(counts: dict[str, float], rng: random.Random) -> list[str]:
    """Keys by descending count; equal counts in random order, since nothing tells them apart."""
    return sorted(counts, key=lambda name: (-counts[name], rng.random()))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("domains", type=Path)
    parser.add_argument("--accounts", type=int, default=20_000, help="domains in the victim's list")
    parser.add_argument("--lists", type=int, default=40, help="other lists that tell the attacker the frequencies")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    model = load_model(MODEL)
    dictionary = read_domains(options.domains)
    weighted = [(domain, rng.choice(BRANCHES)) for domain in dictionary]
    victim = accounts_by_domain(weighted, options.accounts, rng)
    secret = hashlib.sha256(b"the secret of a made-up pair").digest()
    truth = dict(zip(tokens_of(list(victim), secret, model), victim, strict=True))

    guesses = dict(zip(tokens_of(dictionary, secret, model), dictionary, strict=True))
    read = sum(guesses.get(token) == domain for token, domain in truth.items())
    candidates = list(itertools.islice(itertools.cycle(dictionary), 1_000_000))
    start = time.monotonic()
    assert sum(batch.num_rows for batch in hashed(candidates, secret, model)) == len(candidates)
    seconds = time.monotonic() - start

    unkeyed = {hashlib.sha256(domain.encode()).hexdigest() for domain in dictionary}
    own_key = set(tokens_of(dictionary, hashlib.sha256(b"another secret").digest(), model))
    without = sum(token in unkeyed or token in own_key for token in truth)

    known: Counter[str] = Counter()
    for _ in range(options.lists):
        known.update(accounts_by_domain(weighted, options.accounts, rng))
    seen = {token: float(victim[domain]) for token, domain in truth.items()}
    order = zip(ranked(seen, rng), ranked({domain: float(n) for domain, n in known.items()}, rng), strict=False)
    paired = [(token, domain) for token, domain in order]
    hits = sum(truth[token] == domain for token, domain in paired)
    frequent = sum(truth[token] == domain for token, domain in paired[:100])

    print(f"{len(truth):,} tokens, dictionary of {len(dictionary):,} domains")
    print(f"{'attacker':<44} {'tokens read':>22}")
    print(f"{'partner, holds the secret':<44} {f'{read:,} of {len(truth):,}':>22}")
    print(f"{'file alone, dictionary hashed without key':<44} {f'{without:,} of {len(truth):,}':>22}")
    print(f"{'file and frequencies':<44} {f'{hits:,} of {len(truth):,} ({hits / len(truth):.3%})':>22}")
    print(f"{'  the 100 most frequent tokens':<44} {f'{frequent} of {min(100, len(paired))}':>22}")
    print(f"a million candidates are hashed in {seconds:.1f} s")
    return int(read != len(truth) or without > 0)


if __name__ == "__main__":
    sys.exit(main())
