"""The benchmarks of hashed keys run, count right, and fail when what they promise does not hold."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import dictionary_attack, publish_keys
from benchmarks.publish_keys import ROOT


def test_with_the_secret_every_token_is_read_and_without_it_none(tmp_path: Path):
    path = tmp_path / "domains.csv"
    path.write_text("name,domain\n" + "".join(f"Firm {number},Firm{number}.com\n" for number in range(400)))
    command = [sys.executable, "-m", "benchmarks.dictionary_attack", str(path), "--accounts", "150"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
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


def broken(folder: Path, kills: int) -> dict[str, int]:
    raise ValueError("an outbox that is not whole")


@pytest.mark.parametrize(
    ("hashing", "megabytes", "kill", "code"),
    [
        (1.4, 500, lambda folder, kills: {"former": kills, "new": 0}, 0),
        (1.6, 500, lambda folder, kills: {"former": kills, "new": 0}, 1),
        (1.4, 2000, lambda folder, kills: {"former": kills, "new": 0}, 1),
        (1.4, 500, broken, 1),
    ],
)
def test_slow_hashing_much_memory_or_half_an_outbox_fails_the_benchmark(
    monkeypatch, capsys, tmp_path, hashing, megabytes, kill, code
):
    costs = {
        "floor": {"rows": 22, "seconds": 1.0, "megabytes": 100},
        "hashing": {"rows": 22, "seconds": hashing, "megabytes": 100},
        "published": {"rows": 20, "seconds": 3.0, "megabytes": megabytes},
        "gated": {"rows": 20, "seconds": 3.0, "megabytes": 500},
    }
    monkeypatch.setattr(publish_keys, "run", lambda step, folder: costs[step])
    monkeypatch.setattr(publish_keys, "kill_publications", kill)
    monkeypatch.setattr(sys, "argv", ["publish_keys.py", "--accounts", "2", "--folder", str(tmp_path)])
    assert publish_keys.main() == code
    printed = capsys.readouterr().out
    assert f"hashing / floor: {hashing:.2f}" in printed
    assert ("broken: an outbox that is not whole" in printed) == (kill is broken)


def test_each_step_goes_through_every_key_and_a_killed_writing_leaves_a_whole_outbox(tmp_path):
    publish_keys.make_keys(tmp_path, 50)
    assert [publish_keys.run(step, tmp_path)["rows"] for step in ("floor", "hashing")] == [50 * 11] * 2
    # the key of an account's own id does not leave
    assert [publish_keys.run(step, tmp_path)["rows"] for step in ("published", "gated")] == [50 * 10] * 2
    assert sum(publish_keys.kill_publications(tmp_path, 2).values()) == 2
    manifest = next((tmp_path / "outbox_killed").glob("manifest*"))
    manifest.write_bytes(manifest.read_bytes()[:-1])
    with pytest.raises(ValueError, match="manifest"):
        publish_keys.outbox_number(tmp_path / "outbox_killed")
