"""The benchmarks of hashed keys run, count right, and fail when what they promise does not hold."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import dictionary_attack
import publish_keys

BENCHMARKS = Path(publish_keys.__file__).parent


def test_with_the_secret_every_token_is_read_and_without_it_none(tmp_path: Path):
    path = tmp_path / "domains.csv"
    path.write_text("name,domain\n" + "".join(f"Firm {number},Firm{number}.com\n" for number in range(400)))
    command = [sys.executable, str(BENCHMARKS / "dictionary_attack.py"), str(path), "--accounts", "150"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "150 tokens, dictionary of 400 domains" in lines
    assert "partner, holds the secret 150 of 150" in lines
    assert "file alone, dictionary hashed without key 0 of 150" in lines


def test_domains_are_read_with_and_without_a_header(tmp_path: Path):
    path = tmp_path / "domains.csv"
    path.write_text("name,Domain\nAcme,ACME.com\nAcme, acme.com\nOther,other.com\nNone,\n")
    assert dictionary_attack.read_domains(path) == ["acme.com", "other.com"]
    path.write_text("acme.com\nother.com\n")
    assert dictionary_attack.read_domains(path) == ["acme.com", "other.com"]


def test_a_frequency_attack_reads_what_frequencies_alone_tell_apart():
    """Where every domain has a frequency of its own and all lists are alike, ranks name every domain."""
    counts = {f"{number}.com": float(number) for number in range(1, 50)}
    ranks = [dictionary_attack.ranked(counts, random.Random(seed)) for seed in (1, 2)]
    assert ranks[0] == ranks[1] == sorted(counts, key=counts.get, reverse=True)


def test_equal_frequencies_tell_nothing_apart():
    counts = dict.fromkeys((f"{number}.com" for number in range(50)), 1.0)
    assert dictionary_attack.ranked(counts, random.Random(1)) != dictionary_attack.ranked(counts, random.Random(2))


@pytest.mark.parametrize(("hashing", "megabytes", "code"), [(1.4, 500, 0), (1.6, 500, 1), (1.4, 2000, 1)])
def test_slow_hashing_or_much_memory_fails_the_benchmark(monkeypatch, capsys, tmp_path, hashing, megabytes, code):
    costs = {
        "floor": {"rows": 22, "seconds": 1.0, "megabytes": 100},
        "hashing": {"rows": 22, "seconds": hashing, "megabytes": 100},
        "published": {"rows": 20, "seconds": 3.0, "megabytes": megabytes},
    }
    monkeypatch.setattr(publish_keys, "run", lambda step, folder: costs[step])
    monkeypatch.setattr(sys, "argv", ["publish_keys.py", "--accounts", "2", "--folder", str(tmp_path)])
    assert publish_keys.main() == code
    assert f"hashing / floor: {hashing:.2f}" in capsys.readouterr().out


@pytest.mark.parametrize("step", ["floor", "hashing", "published"])
def test_each_step_goes_through_every_key(tmp_path, step):
    publish_keys.make_keys(tmp_path, 50)
    assert publish_keys.run(step, tmp_path)["rows"] == 50 * 11
