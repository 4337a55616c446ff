"""int_account_mapping__domains: registrable domains of websites and e-mail hosts."""

from __future__ import annotations

import csv
import re
import sys
from types import SimpleNamespace

import duckdb
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from loading import PACKAGE, load_model

domains = load_model("int_account_mapping__domains")
SEED = PACKAGE / "seeds" / "account_mapping__hosts.csv"
with SEED.open() as file:
    HOSTS = domains.compile_hosts(list(csv.DictReader(file)))


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


@pytest.mark.parametrize(
    "text, expected",
    [
        # Separators and dots
        (r"http:\\www.quillfen.com", ["quillfen.com"]),
        ("https//:www.quillfen.com", ["quillfen.com"]),
        ("www.quillfen,com", ["quillfen.com"]),
        ("quillfen.co,uk", ["quillfen.co.uk"]),
        ("www,quillfen.com", ["quillfen.com"]),
        ("quillfen.com+quillfen.de", ["quillfen.com", "quillfen.de"]),
        ("www.quillfen..com", ["quillfen.com"]),
        ("quillfen. com", ["quillfen.com"]),
        ("quillfen .com", ["quillfen.com"]),
        ("www. quillfen.com", ["quillfen.com"]),
        ("quillfen[.]com", ["quillfen.com"]),
        ("quillfen dot com", ["quillfen.com"]),
        ("http://www.http://quillfen.com", ["quillfen.com"]),
        ("quillfen.com (old shop)", ["quillfen.com"]),
        # Markup
        ("[quillfen.com](http://quillfen.com)", ["quillfen.com"]),
        ("[Quill & Fen](https://quillfen.com/)", ["quillfen.com"]),
        ('<a href="http://quillfen.com">shop</a>', ["quillfen.com"]),
        # Mistyped endings, but no country's
        ("quillfen.con", ["quillfen.com"]),
        ("www.quillfen.cmo/shop", ["quillfen.com"]),
        ("quillfen.ner", ["quillfen.net"]),
        ("quillfen.rog", ["quillfen.org"]),
        ("quillfen.couk", ["quillfen.co.uk"]),
        ("quillfen.cm", ["quillfen.cm"]),
        ("quillfen.co", ["quillfen.co"]),
        # Mail filters and portals lead on
        (
            "https://nam02.safelinks.protection.outlook.com/?url=https%3A%2F%2Fwww.quillfen.com%2Fa&data=05%7C01",
            ["quillfen.com"],
        ),
        ("https://l.facebook.com/l.php?u=https://quillfen.com", ["quillfen.com"]),
        ("https://www.google.com/url?sa=t&url=https%3A%2F%2Fquillfen.com&usg=x", ["quillfen.com"]),
        ("https://urldefense.com/v3/__https://www.quillfen.com/a__;!!abc$", ["quillfen.com"]),
        ("https://urldefense.proofpoint.com/v2/url?u=https-3A__www.quillfen.com_a&d=DwM", ["quillfen.com"]),
        (
            "https://l.facebook.com/l.php?u=https%3A%2F%2Fwww.google.com%2Furl%3Fq%3Dhttps%253A%252F%252Fquillfen.com",
            ["quillfen.com"],
        ),
        # Sentences are no addresses
        ("Quill Co. Ltd", []),
        ("see the brochure. Thanks", []),
    ],
)
def test_slips_are_mended_where_no_address_is_found(text, expected):
    assert domains.domains_of(text, HOSTS) == expected


@pytest.mark.parametrize(
    "text, domain, host_kind",
    [
        # Pages
        ("https://t.me/Quillfen", "t.me/quillfen", None),
        ("m.facebook.com/Quillfen/?ref=1", "facebook.com/quillfen", None),
        ("https://www.facebook.com/pages/Quillfen/123", "facebook.com/pages/quillfen", None),
        ("crunchbase.com/organization/quillfen/people", "crunchbase.com/organization/quillfen", None),
        ("https://www.booking.com/hotel/gb/quillfen-inn.en-gb.html", "booking.com/hotel/gb/quillfen-inn", None),
        ("quillfen.sharepoint.com/sites/x", "quillfen.sharepoint.com", None),
        ("www.quillfen.jimdofree.com", "quillfen.jimdofree.com", None),
        ("quillfen.blogspot.co.uk", "quillfen.blogspot.co.uk", None),
        ("quillfen.wixsite.com/main", "quillfen.wixsite.com", None),
        ("sites.google.com/view/quillfen/home", "sites.google.com/view/quillfen", None),
        ("google.com/maps/place/quillfen", "google.com/maps/place/quillfen", None),
        ("quillfen.free.fr", "quillfen.free.fr", None),
        # The host alone
        ("facebook.com", "facebook.com", "host"),
        ("https://www.facebook.com/profile.php?id=1", "facebook.com", "host"),
        ("facebook.com/pages/category/bakery/1", "facebook.com", "host"),
        ("docs.google.com/document/d/1", "docs.google.com", "host"),
        ("de.wordpress.com", "wordpress.com", "host"),
        ("www.yell.com/leeds/quillfen", "yell.com", "host"),
        ("gmail.com", "gmail.com", "mail"),
        ("info@hotmail.se", "hotmail.se", "mail"),
        ("yahoo.com.mx", "yahoo.com.mx", "mail"),
        ("test.com", "test.com", "dummy"),
        # Public bodies by their full names
        ("www.dmv.ca.gov", "dmv.ca.gov", None),
        ("dot.state.tx.us", "dot.state.tx.us", None),
        ("balliol.ox.ac.uk", "balliol.ox.ac.uk", None),
        ("https://www.bfs.admin.ch/bfs/de", "bfs.admin.ch", None),
        ("health.nsw.gov.au", "health.nsw.gov.au", None),
        ("ca.gov", "ca.gov", "public"),
        ("state.tx.us", "state.tx.us", "public"),
        ("mit.edu", "mit.edu", None),
        # No host
        ("google.com", "google.com", None),
        ("myhotmail.com", "myhotmail.com", None),
        ("go.com", "go.com", None),
    ],
)
def test_pages_of_hosts(text, domain, host_kind):
    (found,) = domains.read_value(text, HOSTS)
    assert (found.domain, found.host_kind) == (domain, host_kind)


@pytest.mark.parametrize(
    "text, has_page",
    [
        ("quillfen.com", False),
        ("https://www2.quillfen.com/", False),
        ("https://quillfen.com/en-gb/index.html", False),
        ("https://de.quillfen.com/about-us", False),
        ("info@mail.quillfen.com", False),
        ("https://quillfen.com/stores/leeds", True),
        ("leeds.quillfen.com", True),
        ("leeds.quillfen.com; quillfen.com", False),
    ],
)
def test_a_page_is_more_than_the_first_page(text, has_page):
    (found,) = domains.read_value(text, HOSTS)
    assert found == ("quillfen.com", has_page, None)


def test_linkedin_pages_are_identifiers_and_no_websites():
    assert rows_of("https://www.linkedin.com/company/quillfen", hosts=HOSTS) == []
    assert rows_of("no.linkedin.com/company/quillfen; quillfen.com", hosts=HOSTS) == [
        ("no.linkedin.com/company/quillfen; quillfen.com", "quillfen.com", None)
    ]


def test_every_row_of_the_seed_is_recognised():
    with SEED.open() as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if row["kind"] == "public" and row["domain"].startswith("*"):
            continue
        address = row["domain"].replace(".*", ".dk") if row["domain"].endswith("*") else row["domain"]
        found = domains.read_value(address.replace("*", "tx"), HOSTS)
        assert [answer.host_kind for answer in found] == [row["kind"]], row


@pytest.mark.parametrize(
    "row",
    [
        {"domain": "quillfen.com", "kind": "other"},
        {"domain": "quillfen.com", "kind": "host", "pages": "path3"},
        {"domain": "quill*.com", "kind": "host"},
        {"domain": "quillfen", "kind": "host"},
    ],
)
def test_wrong_rows_of_the_seed_are_named(row):
    with pytest.raises(ValueError, match=re.escape(row["domain"])):
        domains.compile_hosts([row])


def test_a_seed_without_rows_or_pages_is_no_error():
    assert domains.domains_of("t.me/quillfen", domains.compile_hosts([])) == ["t.me"]
    hosts = domains.compile_hosts([{"domain": "T.me ", "kind": "host"}, {"domain": None, "kind": "host"}])
    assert domains.read_value("t.me/quillfen", hosts) == [("t.me", False, "host")]


def rows_of(*values: str | None, hosts=domains.NO_HOSTS) -> list[tuple]:
    batch = pa.record_batch([pa.array(values, pa.string())], names=["raw_value"])
    found = domains.extract_batch(batch, hosts)
    assert found.schema == domains.SCHEMA
    return [(row["raw_value"], row["domain"], row["problem"]) for row in found.to_pylist()]


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
                "t.me",
                "facebook.com/pages/",
                "sites.google.com",
                ".state.tx.us",
                ".edu",
                ",",
                "..",
                ".con",
                "dot",
                " ",
            ]
        )
    ).map("".join),
)


@settings(max_examples=500)
@example("x" * 10_000 + ".com")
@example("." * 10_000)
@example("é" * 10_000 + ".com")
@example("a." * 5_000 + "com")
@example("?" + "x" * 10_000)
@example("x" * 3_900 + "?url=" + "y" * 90)
@example(" " * 10_000 + "dot")
@example("x" + " " * 10_000 + ".")
@example("x," * 5_000)
@given(TEXTS)
def test_any_text_gives_domains_that_are_their_own_domain(text):
    for hosts in (domains.NO_HOSTS, HOSTS):
        found = domains.domains_of(text, hosts)
        assert found == sorted(set(found))
        for domain in found:
            assert re.fullmatch(r"[a-z0-9\-]+(\.[a-z0-9\-]+)+(/\S+)?", domain)
            assert domains.domains_of(domain, hosts) == [domain]


@settings(max_examples=100)
@given(st.lists(st.none() | TEXTS, max_size=8), st.integers(0, 8))
def test_batches_change_no_value(values, cut):
    assert rows_of(*values) == rows_of(*values[:cut]) + rows_of(*values[cut:])


@pytest.mark.parametrize("n_rows", [0, 70_000])
def test_model_streams_a_duckdb_relation(n_rows):
    connection = duckdb.connect()
    inputs = connection.sql(f"select 'https://www.a' || range || '.com/' as raw_value from range({n_rows})")
    connection.execute(f"create table hosts as from read_csv('{SEED}', all_varchar = true)")
    relations = {"account_mapping__hosts": connection.table("hosts"), "int_account_mapping__domain_inputs": inputs}
    reader = domains.model(SimpleNamespace(ref=relations.__getitem__), connection)
    assert reader.schema == domains.SCHEMA
    table = reader.read_all()
    assert table.column("domain").to_pylist() == [f"a{n}.com" for n in range(n_rows)]


def test_missing_library_names_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "tldextract", None)
    with pytest.raises(ImportError, match=r"tldextract.*pip install -r dbt_packages/account_mapping/requirements\.txt"):
        load_model("int_account_mapping__domains")


def test_same_normaliser_version_as_names():
    assert domains.NORMALISER_VERSION == load_model("int_account_mapping__normalized").NORMALISER_VERSION
