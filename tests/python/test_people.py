"""People: whom a partner knows at an account that both have.

- Random lists of contacts, compared in plain and as hashes, give what the generator knows of each person. The oracle
  has no code in common with the package: it spells persons, and never reads an address. Persons are told one by one
  where the statements of both sides say so, and nowhere else.
- With the option off no address, part of one or hash of one is in a table, a file or a log; with it on the same search
  finds them.
- One person is erased by a command, which writes the address nowhere.
"""

from __future__ import annotations

import hashlib
import hmac
import inspect
import random
from collections import Counter
from collections.abc import Callable, Iterator

import duckdb
import pytest
from harness import Project
from loading import load_model, properties
from sentinels import Needle, scan_folder, search
from test_sentinels import Commands

people = load_model("int_account_mapping__people")
domains = load_model("int_account_mapping__domains")

AGREEMENT, EPOCH = "pact", "1"
VERSION = properties("int_account_mapping__match_keys")["config"]["meta"]["normaliser_version"]
TERMS = {"agreement_id": AGREEMENT, "epoch": EPOCH, "is_active": "true"}
ON = {"account_mapping__people": True}
VARIABLES = {"account_mapping__crms": ["salesforce"], "account_mapping__as_of": "2026-11-15"}
MARTS = (
    *("+account_mapping__people", "+account_mapping__known_people", "+account_mapping__shared_keys"),
    *(f"+int_account_mapping__{name}" for name in ("identity_issues", "partners_issues", "agreed_fields")),
)
# what has to be made again when contacts change
OF_PERSONS = (
    *(f"int_account_mapping__{name}" for name in ("people_inputs", "people", "account_people", "offered_keys")),
    *("int_account_mapping__match_keys", "account_mapping__shared_keys", "int_account_mapping__people_links"),
    *("account_mapping__people", "account_mapping__known_people"),
)
PEOPLE = "select * from account_mapping__people order by all"


# ------------------------------------------------------------------ addresses


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("ann@kudu.com", "ann@kudu.com"),
        ("  Ann.Lee@KUDU.com\t", "ann.lee@kudu.com"),
        ("ann+news@kudu.com", "ann+news@kudu.com"),
        ("\uff41\uff4e\uff4e\uff20kudu.com", "ann@kudu.com"),
        ("ann\u200b@kudu.com", "ann@kudu.com"),
        ("jose\u0301@kudu.com", "jos\xe9@kudu.com"),
        ("jos\xe9@kudu.com", "jos\xe9@kudu.com"),
        ("ann@b\xfccher-kudu.de", "ann@xn--bcher-kudu-9db.de"),
        ("ann@XN--BCHER-KUDU-9DB.de", "ann@xn--bcher-kudu-9db.de"),
        ("ann@mail.kudu.co.uk", "ann@mail.kudu.co.uk"),
        ("ann", None),
        ("", None),
        ("@kudu.com", None),
        ("ann@", None),
        ("ann@kudu", None),
        ("ann@co.uk", None),
        ("ann@127.0.0.1", None),
        ("ann@lee@kudu.com", None),
        ("ann lee@kudu.com", None),
        ("ann@kudu.com; bo@kudu.com", None),
        (".ann@kudu.com", None),
        ("an..n@kudu.com", None),
        ("ann@-kudu.com", None),
        ("ann@ku_du.kudu.com", None),
        (f"{'a' * 65}@kudu.com", None),
        (f"ann@{'.'.join(['a' * 60] * 4)}.kudu.com", None),
        ("Ann Lee <ann@kudu.com>", None),
    ],
)
def test_an_address_has_one_spelling_or_is_none(written: str, expected: str | None) -> None:
    found = people.normalised_email(written)
    assert (found and found[0]) == expected
    if expected:
        assert found == (expected, expected.partition("@")[2])
        assert people.normalised_email(expected) == found


def test_hosts_are_read_by_the_same_code_as_websites() -> None:
    """Python models cannot share a function: the copies are compared."""
    for name in ("ascii_host", "split_host", "extractor"):
        assert inspect.getsource(getattr(people, name)) == inspect.getsource(getattr(domains, name))
    for name in ("DOMAIN", "INVISIBLE", "MAX_HOST_LENGTH"):
        assert getattr(people, name) == getattr(domains, name)


def test_titles_are_compared_folded() -> None:
    assert people.normalised_role(" Head  of\tIT ") == people.normalised_role("head of it") == "head of it"
    assert people.normalised_role("  ") is people.normalised_role(None) is None


# --------------------------------------------------- random lists, hashed and in plain


ACCOUNTS = {f"00000000000000{number}": f"kudu-{'abcdefghij'[number]}works.com" for number in range(10)}
PARTNERS = [f"p{number}" for number in range(10)]
# a host as people write it, and as it is hashed
HOSTS = {"kudu.com": "kudu.com", "m\xfcller-kudu.de": "xn--mller-kudu-9db.de", "mail.ibex.co.uk": "mail.ibex.co.uk"}
LOCALS = ("ann", "bo.li", "cy+news", "jos\xe9", "info", "d-e_f", "o\u2019neil", "+sales")
PERSONS = [(local, host) for local in LOCALS for host in HOSTS]
FREE = [("ann", "gmail.com"), ("bo", "gmx.de")]
NOBODY = ("ann@", "n/a", "ann at kudu.com", "ann@example.com")
TITLES = ("CFO", "Head of IT", "Buyer")


def secret_of(partner: str) -> bytes:
    return hashlib.sha256(f"the secret of {partner} in this test".encode()).digest()


def token(partner: str, key_type: str, value: str) -> str:
    """A keyed hash as SECURITY.md describes it, from the standard library alone."""
    parts = [b"account-mapping/v1", *(part.encode() for part in (AGREEMENT, EPOCH, key_type, VERSION))]
    info = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    key = hmac.digest(hmac.digest(bytes(32), secret_of(partner), "sha256"), info + b"\1", "sha256")
    return hmac.digest(key, value.encode(), "sha256").hex()


def spelled(rng: random.Random, person: tuple[str, str]) -> str:
    """One of the ways in which people write an address."""
    local, host = person
    text = f"{local}@{rng.choice([host, HOSTS.get(host, host)])}"
    text = rng.choice([str, str.upper, str.title])(text)
    if rng.random() < 0.2:
        text = text.replace("@", "\uff20").replace("\xe9", "e\u0301").replace("\xc9", "E\u0301")
    return rng.choice(["", " ", "\t"]) + text + rng.choice(["", " "])


def contact_list(rng: random.Random, one_title: bool) -> list[tuple[tuple[str, str], str | None]]:
    """Persons with their title: some twice, some with a mail provider's address; at times nobody.

    one_title: whether a person who is there twice has the same title.
    """
    known = rng.choices([*PERSONS, *FREE], k=rng.choice([0, 3, 8, 16, 24]))
    titles = {person: rng.choice([*TITLES, None]) for person in known}
    return [(person, titles[person] if one_title else rng.choice([*TITLES, None])) for person in known]


# how partners agree to tell persons one by one; each also as a partner with a readable list
AGREEING = {"p0": "both", "p1": "both", "p2": "both", "p3": "both", "p4": "both, of the partner's customers"}
OTHERS = {"p5": "nobody", "p6": "we", "p7": "the partner", "p8": "both, for what we tell", "p9": "the partner, once"}


def statements(partner: str) -> tuple[list[dict], list[dict]]:
    """The rules of both sides, each in the words of its writer: all but one list's name `person` in both directions."""
    how = (AGREEING | OTHERS)[partner.removesuffix("_list")]

    def rule(direction: str, names_rows: bool, **others: str) -> dict:
        return {
            "partner_id": partner, "direction": direction, "our_status": "*", "partner_status": "*",
            "level": "overlapping", "fields": "person;person_rows" if names_rows else "person", "valid_until": None,
        } | others  # fmt: skip

    outward = how == "both, for what we tell"
    ours = [rule("offered", outward), rule("accepted", how in ("both", "we", "the partner, once"))]
    theirs = [rule("accepted", outward), rule("offered", how.startswith(("both", "the partner")) and not outward)]
    if how == "both, of the partner's customers":
        ours.append(rule("accepted", True, partner_status="customer"))
    if how == "the partner, once":
        theirs[1]["valid_until"] = "2026-11-14"
        theirs.append(rule("offered", False))
    if partner == "p5_list":
        for said in (ours[1], theirs[1]):
            said["fields"] = "person_rows"
    # a partner's statuses count where both let them be told
    for said in [*ours[1:], *theirs[1:]]:
        said["fields"] += ";status"
    return ours, theirs


def status_of(account: str) -> str:
    """The partners' status of an account."""
    return ("customer", "prospect")[[*ACCOUNTS].index(account) % 2]


@pytest.fixture(scope="module")
def random_lists(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, dict, dict]]:
    """A project with ten accounts and ten partners, each twice: as `p0` with hashes and as `p0_list` in plain."""
    rng = random.Random(20261115)
    ours = {account: contact_list(rng, one_title=False) for account in ACCOUNTS}
    theirs = {(partner, account): contact_list(rng, one_title=True) for partner in PARTNERS for account in ACCOUNTS}
    project = Project(tmp_path_factory.mktemp("people"), VARIABLES | ON)
    contacts = [
        {"id": f"c{n}", "account_id": account, "email": spelled(rng, person), "title": title}
        for n, (account, person, title) in enumerate(
            (account, *contact) for account, known in ours.items() for contact in known
        )
    ]
    contacts += [
        {"id": f"x{n}", "account_id": rng.choice([*ACCOUNTS]), "email": text, "title": "CEO"}
        for n, text in enumerate(NOBODY)
    ]
    keys = [
        {
            "partner_id": partner, "agreement_id": AGREEMENT, "epoch": EPOCH, "normaliser_version": VERSION,
            "key_type": key_type, "token": token(partner, key_type, value),
            "account_token": token(partner, "account", f"theirs {account}"), "parent_account_token": None,
            "status": status_of(account),
        }
        for (partner, account), known in theirs.items()
        for key_type, value in [
            ("domain", ACCOUNTS[account]),
            *{("person", f"{local}@{HOSTS[host]}") for (local, host), _ in known if host in HOSTS},
        ]
    ]  # fmt: skip
    project.write_tables(
        {
            "salesforce.account": [
                {"id": account, "name": f"Kudu {domain}", "website": domain, "type": "Customer"}
                for account, domain in ACCOUNTS.items()
            ],
            "salesforce.contact": contacts,
            "partners.partner_accounts": [
                {"partner_id": f"{partner}_list", "account_id": account, "website": domain,
                 "status": status_of(account), "account_name": None}
                for partner in PARTNERS
                for account, domain in ACCOUNTS.items()
            ],
            "partners.partner_contacts": [
                {"partner_id": f"{partner}_list", "account_id": account, "Email Address": spelled(rng, person),
                 "title": title}
                for (partner, account), known in theirs.items()
                for person, title in known
            ],
            "partners.partner_keys": keys,
        }
    )  # fmt: skip
    stated = [statements(partner + suffix) for partner in PARTNERS for suffix in ("", "_list")]
    project.write_seed("account_mapping__sharing_agreements", [rule for ours_of_it, _ in stated for rule in ours_of_it])
    project.write_table("partners.partner_agreements", [rule for _, theirs_of_it in stated for rule in theirs_of_it])
    project.write_seed(
        "account_mapping__partners",
        [
            {"partner_id": partner + suffix, "partner_name": partner, "exchange": exchange, **TERMS}
            for partner in PARTNERS
            for suffix, exchange in (("", "keys"), ("_list", "list"))
        ],
    )
    with pytest.MonkeyPatch.context() as patch:
        for partner in PARTNERS:
            patch.setenv(f"ACCOUNT_MAPPING_SECRET_{partner.upper()}", secret_of(partner).hex())
        project.make(*MARTS)
        yield project, ours, theirs


def test_people_across_hashes_equal_the_plain_join_of_a_hundred_pairs_of_lists(random_lists) -> None:
    project, ours, theirs = random_lists
    found = {
        (row["partner_id"], row["account_id"].removeprefix("salesforce:")[:15]): row for row in project.query(PEOPLE)
    }
    assert len(found) == 2 * len(theirs) == 200
    shared = Counter()
    for (partner, account), list_of_theirs in theirs.items():
        we = {person for person, _ in ours[account] if person not in FREE}
        they = {person for person, _ in list_of_theirs if person not in FREE}
        our_titles = {title for person, title in ours[account] if person in we}
        their_titles = {title for person, title in list_of_theirs if person in they} - {None}
        expected = {
            "people_state": "counted", "our_contacts": len(we), "partner_contacts": len(they),
            "shared_contacts": len(we & they), "only_our_contacts": len(we - they),
            "only_partner_contacts": len(they - we),
        }  # fmt: skip
        for suffix, roles in (("", None), ("_list", len(their_titles - our_titles))):
            row = found[partner + suffix, account]
            assert {name: row[name] for name in expected} == expected, (partner, suffix, account)
            assert row["only_partner_roles"] == roles
        shared[len(we & they)] += 1
    # the lists are neither all alike nor all apart
    assert len(shared) > 4


def address(person: tuple[str, str]) -> str:
    """A person's address as a mart spells it: a spreadsheet shall not run it."""
    local, host = person
    return ("'" if local.startswith("+") else "") + f"{local}@{HOSTS[host]}"


def persons_told(ours: dict, theirs: dict) -> Iterator[tuple]:
    """Who is to be told: partner, account, address, who knows, our contact, both titles."""
    contacts: dict[tuple[str, tuple[str, str]], list] = {}
    of_ours = [(account, *contact) for account, known in ours.items() for contact in known]
    for number, (account, person, title) in enumerate(of_ours):
        contacts.setdefault((account, person), []).append(
            (title is None, (title or "").lower() or None, f"salesforce:c{number}")
        )
    for (partner, account), list_of_theirs in theirs.items():
        how = AGREEING.get(partner)
        if how == "both" or (how and status_of(account) == "customer"):
            for person, title in {contact for contact in list_of_theirs if contact[0] not in FREE}:
                if (account, person) in contacts:
                    _, our_title, contact_id = min(contacts[account, person])
                    yield partner, account, address(person), "both", contact_id, our_title, None
                    known = ("both", contact_id, our_title)
                else:
                    known = ("partner", None, None)
                yield f"{partner}_list", account, address(person), *known, title and title.lower()


def test_persons_are_told_one_by_one_where_both_statements_say_so_and_nowhere_else(random_lists) -> None:
    project, ours, theirs = random_lists
    found = [
        (row["partner_id"], row["account_id"].removeprefix("salesforce:")[:15],
         *(row[name] for name in ("email", "who_knows", "contact_id", "our_title", "partner_title")))
        for row in project.query("select * from account_mapping__known_people")
    ]  # fmt: skip
    expected = list(persons_told(ours, theirs))
    assert sorted(found, key=str) == sorted(expected, key=str)
    assert found == sorted(found, key=lambda row: tuple(text.encode() for text in row[:3]))
    # all cases are there: shared and not, titles of one side and of both, a sign that would be a formula
    assert {row[3] for row in found} == {"both", "partner"} and {row[0] for row in found} == {
        partner + suffix for partner in AGREEING for suffix in ("", "_list")
    }
    assert any(row[5] and row[6] and row[5] != row[6] for row in found) and any(row[2][0] == "'" for row in found)
    result = project.run("test", "--select", "account_mapping__known_people_are_counted")
    assert result.statuses == {"account_mapping__known_people_are_counted": "pass"}


def test_rows_that_are_not_agreed_are_an_issue_and_let_nothing_leave(random_lists) -> None:
    project, ours, _ = random_lists
    issues = project.query(
        "select row_key, n_rows from int_account_mapping__partners_issues where problem = 'person_rows_not_agreed'"
    )
    assert {row["row_key"]: row["n_rows"] for row in issues} == {
        partner + suffix: 1 for partner in ("p6", "p9") for suffix in ("", "_list")
    }
    issues = project.query(
        "select source, row_key, problem, n_rows from int_account_mapping__partners_issues "
        "where problem in ('unknown_field', 'person_rows_without_person') order by source"
    )
    assert [tuple(row.values()) for row in issues] == [
        (source, "p5_list", "person_rows_without_person", 1)
        for source in ("account_mapping__sharing_agreements", "partners.partner_agreements")
    ]
    # as many hashes for each partner, whether it agreed to rows or not, and no field for any
    leaves = project.query(
        "select partner_id, count(*) as n from account_mapping__shared_keys where key_type = 'person' group by all"
    )
    persons = sum(len({person for person, _ in known if person not in FREE}) for known in ours.values())
    assert {row["partner_id"]: row["n"] for row in leaves} == dict.fromkeys(PARTNERS, persons)
    fields = project.query("select distinct direction, field from int_account_mapping__agreed_fields")
    assert fields == [{"direction": "in", "field": "status"}]


def test_what_is_no_business_address_is_counted_and_never_told(random_lists) -> None:
    project, ours, _ = random_lists
    issues = {
        (row["source"], row["problem"]): (row["n_rows"], row["detail"])
        for row in project.query("select * from int_account_mapping__identity_issues where row_key = 'e-mail'")
    }
    free = {(account, person) for account, known in ours.items() for person, _ in known if person in FREE}
    assert free
    assert issues == {
        ("salesforce.contact", "invalid_email"): (3, None),
        ("salesforce.contact", "dummy_email"): (1, None),
        ("salesforce.contact", "free_mail_contacts"): (len(free), None),
    }
    told = "\n".join(map(str, project.query("select * from int_account_mapping__identity_issues")))
    assert "@" not in told and "ann at" not in told


def test_persons_are_no_keys_of_companies(random_lists) -> None:
    """Else two companies with one consultant would be one company."""
    project, *_ = random_lists
    types = {row["key_type"] for row in project.query("select distinct key_type from int_account_mapping__key_matches")}
    assert "domain" in types and "person" not in types
    leaves = {row["key_type"] for row in project.query("select distinct key_type from account_mapping__shared_keys")}
    assert "person" in leaves


# ------------------------------------------------------- off, on, off, and one person


# of the user's own: where the originals are
ORIGINALS = ("salesforce", "partners")
SENTINELS = {
    # a spreadsheet would run it: a mart has an apostrophe before it
    "shared": "+zqvanselma.tarn@kudu-zq.com",
    "ours": "zqvbrunhild.fell@kudu-zq.com",
    "theirs": "zqvcorwinna.moor@kudu-zq.com",
    "free": "zqvdagobert.lea@gmail.com",
    "invalid": "zqveusebius.dale(at)kudu-zq.com",
    "title": "Zqvfalconer in Chief",
}
AGREED = [
    {"partner_id": "aster", "direction": direction, "our_status": "*", "partner_status": "*", "level": "overlapping",
     "fields": "person"}
    for direction in ("offered", "accepted")
]  # fmt: skip
# with the partner that sends a list also that persons are told: we accept, it offers
ROWS = {
    "partner_id": "nimbus", "our_status": "*", "partner_status": "*", "level": "all", "fields": "person;person_rows",
}  # fmt: skip
ASTER = hashlib.sha256(b"no byte sequence that a database writes by itself").digest()


def hashes(address: str) -> list[str]:
    """The address as the partners' secret hashes it, under the key of each type."""
    parts = [b"account-mapping/v1", *(part.encode() for part in (AGREEMENT, EPOCH, "person", VERSION))]
    info = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    key = hmac.digest(hmac.digest(bytes(32), ASTER, "sha256"), info + b"\1", "sha256")
    return [hmac.digest(key, address.encode(), "sha256").hex()]


def wanted() -> list[Needle]:
    """Each sentinel and what stands before its @, in any case, with the hashes that a database makes and the partner's.

    Fewer forms than the search of what leaves has: here all that dbt wrote is searched, time and again.
    """
    found = []
    for name, address in SENTINELS.items():
        for text in {address, address.lower(), address.partition("@")[0]}:
            found.append(Needle(name, "plain", text.lower().encode(), folded=True))
            for algorithm in ("md5", "sha1", "sha256"):
                digest = hashlib.new(algorithm, text.encode()).hexdigest()
                found.append(Needle(name, algorithm, digest.encode(), folded=True))
        found += [Needle(name, "keyed", digest.encode(), folded=True) for digest in hashes(address)]
    return found


def found_in_tables(project: Project) -> dict[str, set[str]]:
    """The sentinels in each table of the package and of the project, whatever schema it lies in."""
    found = {}
    needle_list = wanted()
    with duckdb.connect(str(project.database), read_only=True) as connection:
        tables = connection.sql("select schema_name, table_name from duckdb_tables()").fetchall()
        for schema, table in tables:
            if schema not in ORIGINALS:
                rows = connection.sql(f'from "{schema}"."{table}"').fetchall()
                hits = {needle.what for needle in search(str(rows).encode(), needle_list)}
                if hits:
                    found[table] = hits
    return found


def found_in_files(project: Project) -> set[tuple[str, str]]:
    places = [folder for folder in (project.folder / "target", project.folder / "logs") if folder.exists()]
    assert len(places) == 2
    return {(finding.file, finding.what) for place in places for finding in scan_folder(place, wanted())}


def plant(project: Project) -> None:
    contacts = [("shared", 1), ("ours", 1), ("free", 1), ("invalid", 1)]
    project.write_tables(
        {
            "salesforce.account": [
                {"id": f"00000000000000{n}", "name": f"Kudu {n}", "website": f"kudu{n}works.com", "type": "Customer"}
                for n in range(3)
            ],
            "salesforce.contact": [
                {"id": f"c{n}", "account_id": f"00000000000000{account}", "email": SENTINELS[name],
                 "title": SENTINELS["title"]}
                for n, (name, account) in enumerate(contacts)
            ],
            "partners.partner_accounts": [
                {"partner_id": "nimbus", "account_id": str(n), "account_name": f"Kudu {n}",
                 "website": f"kudu{n}works.com", "owner_email": "owner@nimbus-zq.com"}
                for n in range(3)
            ],
            "partners.partner_contacts": [
                {"partner_id": partner, "account_id": account, "email": SENTINELS[name], "title": SENTINELS["title"]}
                for partner, account, name in [
                    ("nimbus", "1", "shared"), ("nimbus", "1", "theirs"), ("nimbus", "1", "free"),
                    ("nimbus", "1", "invalid"), ("nimbus", "9", "theirs"), ("nobody", "1", "theirs"),
                    ("aster", "1", "theirs"), ("nimbus", None, "theirs"), ("nimbus", "1", "shared"),
                ]
            ] + [{"partner_id": "nimbus", "account_id": "2", "email": None, "title": None}],
            "partners.partner_keys": [
                {"partner_id": "aster", "agreement_id": AGREEMENT, "epoch": EPOCH, "normaliser_version": VERSION,
                 "key_type": key_type, "token": value, "account_token": "ab" * 32, "parent_account_token": None,
                 "status": "customer"}
                for key_type, value in [
                    ("domain", "cd" * 32),
                    *(("person", hashes(SENTINELS[name])[0]) for name in ("shared", "theirs")),
                ]
            ],
            "partners.partner_agreements": [*AGREED, ROWS | {"direction": "offered"}],
        }
    )  # fmt: skip
    project.write_seed("account_mapping__sharing_agreements", [*AGREED, ROWS | {"direction": "accepted"}])
    project.write_seed(
        "account_mapping__partners",
        [
            {"partner_id": "nimbus", "partner_name": "Nimbus", "exchange": "list", **TERMS},
            {"partner_id": "aster", "partner_name": "Aster", "exchange": "keys", **TERMS},
        ],
    )
    # links the partner's account that has no key in common
    project.write_seed(
        "account_mapping__match_overrides",
        [{"partner_id": "aster", "account_id": "salesforce:000000000000001AAA", "partner_account_id": "ab" * 32,
          "decision": "match"}],
    )  # fmt: skip


def issues(project: Project) -> dict[tuple[str, str, str], int]:
    rows = project.query("select source, row_key, problem, n_rows from account_mapping__data_issues")
    return {(row["source"], row["row_key"], row["problem"]): row["n_rows"] for row in rows}


OFF_ISSUES = {
    ("partners.partner_contacts", "nimbus", "contacts_without_people"): 4,
    ("partners.partner_contacts", "nimbus", "contact_of_unknown_account"): 1,
    ("partners.partner_contacts", "nimbus", "contact_names_no_account"): 1,
    ("partners.partner_contacts", "nimbus", "contact_without_email"): 1,
    ("partners.partner_contacts", "nimbus", "duplicate_contact"): 1,
    ("partners.partner_contacts", "nobody", "unknown_partner"): 1,
    ("partners.partner_contacts", "aster", "readable_rows_of_hashed_partner"): 1,
    ("account_mapping__sharing_agreements", "aster", "person_without_people"): 2,
    ("account_mapping__sharing_agreements", "nimbus", "person_without_people"): 1,
    ("partners.partner_keys", "aster", "person_keys_not_used"): 1,
}


def test_no_address_and_no_hash_of_one_is_anywhere_while_people_is_off_and_one_person_can_be_forgotten(
    make_project: Callable[..., Project], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    project = make_project(variables=VARIABLES)
    plant(project)
    Commands(project).run("build", "--exclude-resource-type", "test", "unit_test")
    assert found_in_tables(project) == {}
    assert found_in_files(project) == set()
    told = issues(project)
    assert {key: told.get(key) for key in OFF_ISSUES} == OFF_ISSUES
    census = project.query("select * from account_mapping__inputs where input = 'partners.partner_contacts'")[0]
    assert (census["rows_read"], census["rows_used"], census["rows_older"], census["rows_rejected"]) == (10, 4, 1, 5)
    states = project.query("select distinct people_state, our_contacts from account_mapping__people")
    assert states == [{"people_state": "off", "our_contacts": None}]

    # on: the same search finds them where they should be
    project.variables |= ON
    project._write_settings()
    dbt = Commands(project)
    dbt.run("run", "--select", *MARTS)
    everybody = {"shared", "ours", "theirs", "free", "title"}
    assert found_in_tables(project) == {
        "int_account_mapping__people": everybody,
        "int_account_mapping__account_people": everybody,
        "int_account_mapping__match_keys": {"shared", "ours"},
        "account_mapping__shared_keys": {"shared", "ours"},
        "account_mapping__known_people": {"shared", "theirs", "title"},
    }
    persons = project.query("select * from account_mapping__known_people order by email")
    assert [(row["partner_id"], row["email"], row["who_knows"], row["contact_id"]) for row in persons] == [
        ("nimbus", f"'{SENTINELS['shared']}", "both", "salesforce:c0"),
        ("nimbus", SENTINELS["theirs"], "partner", None),
    ]
    assert found_in_files(project) == set()
    rows = project.query("select * from account_mapping__people where account_id like '%1AAA'")
    assert [
        (row["partner_id"], row["people_state"], row["our_contacts"], row["shared_contacts"],
         row["only_partner_contacts"], row["only_partner_roles"])
        for row in rows
    ] == [("aster", "counted", 2, 1, 1, None), ("nimbus", "counted", 2, 1, 1, 0)]  # fmt: skip
    told = project.query("select source, row_key, problem, n_rows from int_account_mapping__identity_issues")
    assert {tuple(row.values()) for row in told if "mail" in row["problem"]} == {
        ("salesforce.contact", "e-mail", "invalid_email", 1),
        ("salesforce.contact", "e-mail", "free_mail_contacts", 1),
        ("partners.partner_contacts", "nimbus", "invalid_email", 1),
        ("partners.partner_contacts", "nimbus", "free_mail_contacts", 1),
    }

    # one person is erased, by an address
    monkeypatch.setenv("ACCOUNT_MAPPING_PERSON", "Anselma Tarn")
    capfd.readouterr()
    with pytest.raises(AssertionError):
        dbt.run("run-operation", "account_mapping__forget_person")
    said = capfd.readouterr().out
    assert "holds no e-mail address" in said and "Anselma" not in said
    monkeypatch.setenv("ACCOUNT_MAPPING_PERSON", f" {SENTINELS['shared'].upper()} ")
    dbt.run("run-operation", "account_mapping__forget_person")
    found = found_in_tables(project)
    assert all("shared" not in hits for hits in found.values()) and "account_mapping__shared_keys" not in found
    assert found["int_account_mapping__people"] == everybody - {"shared"}
    assert found["account_mapping__known_people"] == {"theirs", "title"}
    assert found_in_files(project) == set()
    left = project.query("select partner_id, email from partners.partner_contacts")
    assert len(left) == 8 and SENTINELS["shared"] not in {row["email"] for row in left}
    log = max((project.folder / "logs").glob("*.log"), key=lambda path: path.stat().st_mtime).read_text()
    assert "salesforce.contact still has the person, as contact c0" in log
    assert "2 hashes of persons at the same accounts" in log
    assert "2 rows of main_account_mapping.int_account_mapping__people" in log
    assert "1 rows of main.account_mapping__known_people" in log
    assert "may hold the person: nimbus" in log
    assert "2 rows of partners.partner_contacts" in log

    # the person is gone at the source, the others are made anew
    project.execute("delete from salesforce.contact where id = 'c0'")
    dbt.run("run", "--select", *OF_PERSONS)
    found = found_in_tables(project)
    assert all("shared" not in hits for hits in found.values())
    assert found["account_mapping__shared_keys"] == {"ours"}

    # off again: nothing stays behind
    project.variables |= {"account_mapping__people": False}
    project._write_settings()
    Commands(project).run("run", "--select", *OF_PERSONS)
    assert found_in_tables(project) == {}
