"""int_account_mapping__domain_names: how the names on a website go with its domain and with each other."""

from __future__ import annotations

import csv
import random
import sys
from types import SimpleNamespace

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loading import PACKAGE, load_model

model = load_model("int_account_mapping__domain_names")
SEED = PACKAGE / "seeds" / "account_mapping__common_words.csv"
with SEED.open() as file:
    COMMON = frozenset(row["word"] for row in csv.DictReader(file))
INPUT = pa.schema([(name, pa.string()) for name in ("side", "partner_id", "key_domain", "names")])


def judged(*uses: tuple[str, list[str] | None]) -> list[tuple]:
    """(key_domain, name, fits, company) of each name."""
    rows = [("ours", "*", domain, ";".join(names) if names else None) for domain, names in uses]
    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    found = model.judge_batch(pa.record_batch(columns, schema=INPUT), COMMON)
    assert found.schema == model.SCHEMA
    assert set(found.column("side").to_pylist()) <= {"ours"}
    return [(row["key_domain"], row["name"], row["fits"], row["company"]) for row in found.to_pylist()]


@pytest.mark.parametrize(
    "domain, name",
    [
        ("quillfen.com", "quillfen"),
        ("quillfen.com", "quillfen shipping"),
        ("quillfenshipping.com", "quillfen"),
        ("quill-fen.co.uk", "quill fen"),
        ("quillfenhq.com", "quillfen"),
        ("getquillfen.com", "quillfen"),
        ("quillfengroupplc.com", "quillfen"),
        ("quillfen.de", "hafen quillfen"),
        ("quilfen.com", "quillfen"),
        ("muellerquast.de", "muller quast"),
        ("home.quillfen", "quillfen"),
        ("xn--mnchenquast-thb.de", "munchenquast"),
        # Initials, with and without small words and the legal form
        ("bqw.com", "bright quarry works"),
        ("bqwl.com", "bright quarry works"),
        ("bqo.com", "bank of quillfen oslo"),
        ("jnq.com", "jarrow and quast"),
        ("bq-india.com", "bq"),
        ("bright-quarry-works.com", "bqw"),
        ("br.co.uk", "britannic reeds"),
        # Beginnings of words
        ("fenex.com", "fennel express"),
        ("natquill.com", "national quillfen bank"),
        # Short names that say which company it is
        ("pqzpeople.com", "pqz"),
        # A page
        ("t.me/quillfen", "quillfen"),
        ("crunchbase.com/organization/quillfen", "quillfen"),
        ("quillfen.sharepoint.com", "quillfen"),
    ],
)
def test_names_that_resemble_the_domain(domain, name):
    assert judged((domain, [name])) == [(domain, name, True, 1)]


@pytest.mark.parametrize(
    "domain, name",
    [
        ("quillfen.com", "brambling shipping"),
        ("t.me", "quillfen"),
        ("facebook.com", "bookbinders"),
        # Words that say little
        ("energygroup.com", "quillfen energy group"),
        ("university.com", "quillfen university"),
        # Initials of two letters inside a longer label
        ("brquest.com", "britannic reeds"),
        ("sites.google.com/view/other", "google"),
    ],
)
def test_names_that_do_not(domain, name):
    assert judged((domain, [name])) == [(domain, name, False, 1)]


@pytest.mark.parametrize(
    "names, companies",
    [
        (["quillfen", "quillfen energy", "quillfen shipping"], 1),
        (["bqw", "bright quarry works"], 1),
        (["j and q", "jarrow and quast"], 1),
        (["brambling", "bramblings"], 1),
        (["brambling quast", "quast brambling"], 1),
        (["oehim int", "oheim int"], 1),
        (["medical data japan", "medical data services"], 1),
        (["brambling", "tarn", "wexcombe"], 3),
        # A common word makes no company
        (["brambling energy", "tarn energy"], 2),
        (["brambling consulting group international", "tarn consulting group international"], 2),
    ],
)
def test_names_are_one_companys_if_they_are_alike(names, companies):
    assert max(row[3] for row in judged(("zzyx.com", names))) == companies


def test_names_like_the_domain_are_one_companys():
    assert judged(("bqw.com", ["bqw labs", "bright quarry works", "tarn"])) == [
        ("bqw.com", "bqw labs", True, 1),
        ("bqw.com", "bright quarry works", True, 1),
        ("bqw.com", "tarn", False, 2),
    ]


def test_of_many_names_first_words_tell_companies_apart():
    many = [f"{first} {second}" for first in ("brambling", "quillfen", "tarn") for second in map(str, range(100, 130))]
    assert {(name.split()[0], company) for _, name, _, company in judged(("zzyx.com", many))} == {
        ("brambling", 1),
        ("quillfen", 2),
        ("tarn", 3),
    }


def test_a_domain_without_names_has_no_row():
    assert judged(("zzyx.com", None), ("quillfen.com", ["quillfen"])) == [("quillfen.com", "quillfen", True, 1)]
    assert judged(("zzyx.com", None)) == []


WORDS = st.sampled_from(
    (
        "quillfen",
        "tarn",
        "bqw",
        "bright",
        "quarry",
        "works",
        "energy",
        "group",
        "of",
        "and",
        "7",
        "1879",
        "a",
        "brambling",
    )
)
NAMES = st.lists(st.lists(WORDS, min_size=1, max_size=4).map(" ".join), min_size=1, max_size=8, unique=True)
DOMAINS = st.sampled_from(["quillfen.com", "bqw.co.uk", "t.me/tarn", "a.de", "xn--a.com", "7.com", "quarry-works.org"])


@settings(max_examples=150)
@given(st.lists(st.tuples(DOMAINS, NAMES), min_size=1, max_size=6), st.integers(0, 6), st.randoms())
def test_no_row_depends_on_another_domain_or_on_order(uses, cut, chance: random.Random):
    whole = judged(*uses)
    assert whole == [row for use in uses for row in judged(use)]
    mixed = [(domain, chance.sample(names, len(names))) for domain, names in uses]
    assert judged(*mixed) == whole
    for domain, names in uses:
        rows = judged((domain, names))
        numbers = [row[3] for row in rows]
        assert [row[1] for row in rows] == sorted(names)
        assert sorted(set(numbers)) == list(range(1, max(numbers) + 1))
        assert len({number for number, row in zip(numbers, rows, strict=True) if row[2]}) <= 1


@settings(max_examples=400)
@given(
    st.lists(WORDS, min_size=1, max_size=4).map("".join),
    st.sampled_from(["", "x", "hq", "-fen"]),
    st.sampled_from([".com", ".co.uk", ".com/quillfen", ""]),
    st.lists(WORDS, min_size=1, max_size=4).map(" ".join),
)
def test_what_the_first_letters_show_holds(label, more, rest, name):
    domain = label + more + rest
    slowly = model.fits_by_letters(model.label_of(domain), tuple(name.split(" ")), COMMON)
    if model.plainly_fits(domain, name, COMMON):
        assert slowly
    # the look spares time, and changes nothing
    assert judged((domain, [name]))[0][2] or not slowly


def test_model_streams_a_duckdb_relation():
    connection = duckdb.connect()
    connection.execute(f"create table words as from read_csv('{SEED}')")
    uses = connection.sql(
        "select 'ours' as side, '*' as partner_id, 'a' || range || '.com' as key_domain, 'a' || range as names "
        "from range(70000)"
    )
    relations = {"account_mapping__common_words": connection.table("words"), "int_account_mapping__domain_uses": uses}
    reader = model.model(SimpleNamespace(ref=relations.__getitem__), connection)
    assert reader.schema == model.SCHEMA
    table = reader.read_all()
    assert table.column("key_domain").to_pylist() == [f"a{n}.com" for n in range(70_000)]
    assert all(table.column("fits").to_pylist())


def test_missing_library_names_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "rapidfuzz", None)
    with pytest.raises(ImportError, match=r"rapidfuzz.*pip install -r dbt_packages/account_mapping/requirements\.txt"):
        load_model("int_account_mapping__domain_names")
