"""int_account_mapping__domains: registrable domains of websites and e-mail hosts."""

from __future__ import annotations

import re
import sys
from types import SimpleNamespace

import duckdb
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from loading import load_model

domains = load_model("int_account_mapping__domains")


@pytest.mark.parametrize(
    "text, expected",
    [
        ("https://www.x.example.co.uk/path?q", ["example.co.uk"]),
        ("example.com", ["example.com"]),
        ("WWW.EXAMPLE.COM.", ["example.com"]),
        ("http://user:secret@shop.example.com:8080/a@b?c=d.org", ["example.com"]),
        ("joe@mail.example.com", ["example.com"]),
        ("mailto:joe@example.com", ["example.com"]),
        ("http//example.com", ["example.com"]),
        ("https:example.com", ["example.com"]),
        ("https://https://example.com", ["example.com"]),
        ("//example.com/x", ["example.com"]),
        ("https.com", ["https.com"]),
        ("*.example.com", ["example.com"]),
        ("foo_bar.example.com", ["example.com"]),
        ("(example.com)", ["example.com"]),
        ("exam\x00ple.com\u200b", ["example.com"]),
        # Other scripts
        ("münchen.de", ["xn--mnchen-3ya.de"]),
        ("https://WWW.MÜNCHEN.DE/", ["xn--mnchen-3ya.de"]),
        ("xn--mnchen-3ya.de", ["xn--mnchen-3ya.de"]),
        ("пример.рф", ["xn--e1afmkfd.xn--p1ai"]),
        ("食狮.公司.cn", ["xn--85x722f.xn--55qx5d.cn"]),
        ("ｅｘａｍｐｌｅ．ｃｏｍ", ["example.com"]),
        # Private suffixes: the subdomain is the registrant
        ("foo.github.io", ["foo.github.io"]),
        ("https://acme.blogspot.com", ["acme.blogspot.com"]),
        # Several
        ("b.com; a.com,https://www.c.de/x | a.com d.fr", ["a.com", "b.com", "c.de", "d.fr"]),
        ("https://example.com/?next=a,b.com", ["example.com"]),
        ("see example.com for more", ["example.com"]),
        ("localhost;example.com", ["example.com"]),
        # None
        ("co.uk", []),
        ("https://www.co.uk", []),
        ("github.io", []),
        ("localhost", []),
        ("example", []),
        ("www.expressl&t.net", []),
        ("foo_bar.com", []),
        ("-foo.com", []),
        ("foo.invalid", []),
        ("192.168.0.1", []),
        ("http://192.168.0.1:8080/x", []),
        ("http://[::1]/", []),
        ("a" * 64 + ".com", []),
        ("n/a", []),
        ("http://", []),
        ("", []),
    ],
)
def test_known_addresses(text, expected):
    assert domains.domains_of(text) == expected


def rows_of(*values: str | None) -> list[tuple]:
    batch = pa.record_batch([pa.array(values, pa.string())], names=["raw_value"])
    found = domains.extract_batch(batch)
    assert found.schema == domains.SCHEMA
    return [tuple(row.values()) for row in found.to_pylist()]


def test_one_row_per_domain_or_one_with_the_problem():
    assert rows_of("b.com;a.com", "co.uk", None, "c.com") == [
        ("b.com;a.com", "a.com", None),
        ("b.com;a.com", "b.com", None),
        ("co.uk", None, "invalid_domain"),
        ("c.com", "c.com", None),
    ]


TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=200),
    st.lists(
        st.sampled_from(
            [
                "https://",
                "www.",
                "example",
                ".com",
                ".",
                ".co.uk",
                "@",
                ":",
                "/",
                ";",
                "☃",
                "xn--",
                "-",
                "_",
                "münchen",
                ".de",
                ".рф",
                "1",
                "\x00",
                "\u202e",
                "[",
                "]",
                "github.io",
            ]
        )
    ).map("".join),
)


@settings(max_examples=500, deadline=None)
@example("x" * 10_000 + ".com")
@example("." * 10_000)
@example("é" * 10_000 + ".com")
@example("a." * 5_000 + "com")
@given(TEXTS)
def test_any_text_gives_domains_that_are_their_own_domain(text):
    found = domains.domains_of(text)
    assert found == sorted(set(found))
    for domain in found:
        assert re.fullmatch(r"[a-z0-9\-]+(\.[a-z0-9\-]+)+", domain)
        assert domains.domains_of(domain) == [domain]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.none() | TEXTS, max_size=8), st.integers(0, 8))
def test_batches_change_no_value(values, cut):
    assert rows_of(*values) == rows_of(*values[:cut]) + rows_of(*values[cut:])


@pytest.mark.parametrize("n_rows", [0, 70_000])
def test_model_streams_a_duckdb_relation(n_rows):
    connection = duckdb.connect()
    inputs = connection.sql(f"select 'https://www.a' || range || '.com/' as raw_value from range({n_rows})")
    reader = domains.model(SimpleNamespace(ref={"int_account_mapping__domain_inputs": inputs}.__getitem__), connection)
    assert reader.schema == domains.SCHEMA
    table = reader.read_all()
    assert table.column("domain").to_pylist() == [f"a{n}.com" for n in range(n_rows)]


def test_missing_library_names_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "tldextract", None)
    with pytest.raises(ImportError, match=r"tldextract.*pip install -r dbt_packages/account_mapping/requirements\.txt"):
        load_model("int_account_mapping__domains")


def test_same_normaliser_version_as_names():
    assert domains.NORMALISER_VERSION == load_model("int_account_mapping__normalized").NORMALISER_VERSION
