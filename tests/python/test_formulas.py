"""No text of a mart is a formula to a spreadsheet, and no name of a column or setting breaks the SQL.

One project whose every foreign text is hostile, ours and a partner's, and whose columns have names that need quoting.
Each text column of each mart is named here: as foreign text, which is made safe, or as one that others join by, which
stays as it is.
"""

from __future__ import annotations

import codecs
import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import yaml
from harness import PACKAGE, Project, opened
from loading import load_model

from report.command import main as report
from report.export import FORMULA, export

STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\u200b=", "\u202e@", '"=', "\u201c +", "\u2212")
ORDERS = ("cmd|' /C calc'!A0", 'HYPERLINK("https://evil.example";"Pay")', "SUM(1+1)*2", "plus")
WORDS = (
    "Amber", "Birch", "Copper", "Drift", "Ember", "Fjord", "Garnet", "Hazel", "Indigo", "Juniper", "Kestrel", "Lumen",
    "Meadow", "Nectar", "Onyx", "Pebble", "Quartz", "Raven", "Saffron", "Timber", "Umber", "Violet", "Willow", "Yarrow",
)  # fmt: skip
# names of columns, and the aliases under which they pass through
PASSED = {
    'health "score"': 'quoted "alias"',
    "owner's note": "it's",
    "drop; table": "semi;colon -- no comment",
    "back\\slash": "back\\slash",
    "{{ braces }}": "{{ braces }}",
    "select": "select",
    "Größe": "Größe/~ [0]",
    "a.b": "$.a.b",
}
# a field of an object
FIELD = 'the firm\'s "line"/~'

# ids, domains, tokens, statuses and other words of ours: what others join by stays as it is
VERBATIM = {
    "account_id", "account_ids", "account_token", "agreement_id", "best_partner_id", "build_id", "cell_state", "change",
    "changed_facts", "content_hash", "currency", "data_issue_id", "deal_id", "decision", "domains",
    "duplicate_group_id",
    "epoch", "field", "how_estimated", "key_type", "kind", "match_method", "measure", "normaliser_version",
    "our_domains", "our_family_status", "our_status", "our_ultimate_parent_account_id", "parent_account_token",
    "partner_account_id", "partner_account_token", "partner_domains", "partner_family_status", "partner_id",
    "partner_status", "partner_ultimate_parent_account_id", "partners", "previous_our_status",
    "item", "people_state", "reason", "sharing_state", "signal", "signal_id",
    "previous_partner_status", "problem", "relationship", "rival_partner_account_id", "rollup", "source_account_id",
    "state", "status", "token", "ultimate_parent_account_id", "unit", "whitespace_level",
    # words of normalised names: letters and digits
    "our_other_words", "partner_other_words", "shared_words",
    "alternative_partner_id", "deal_state", "recommended_partner_id",
    "alert_id", "severity",
    "contact_id", "who_knows",
    "company_id", "family_id", "other_company_id", "partner_account_ids", "side",
    # alpha-2 codes of the normaliser
    "our_country_code",
}  # fmt: skip
# foreign text for people: True where the hostile world puts a sign first, False where a word of ours always stands
# before it, or where the world has none
FOREIGN = {
    "account_name": True, "action": False, "ask": True, "best_play": True, "columns_read": False,
    "columns_unread": True, "country": True, "country_code": False, "crm_status": True, "deal_name": False,
    "deal_owner": False, "deal_owner_email": False, "deal_stage": False, "decided_by": True, "detail": True,
    "exclusion_reason": True, "from_value": False, "give_back": True, "input": True, "item_value": False,
    "match_reason": False, "name": True,
    "our_city": True, "our_country": True, "our_crm_status": True, "our_deal_stage": False, "our_name": True,
    "our_owner": True, "our_owner_email": True, "our_owner_name": True, "our_target_lists": True,
    "our_owner_key": True, "our_population": True, "owner": True, "owner_email": True,
    "partner_account_name": True, "partner_city": True, "partner_country": True, "partner_country_code": False,
    "partner_deal_stage": True,
    "partner_display_name": True, "partner_name": True, "partner_owner": True, "partner_owner_email": True,
    "partner_owner_key": True, "partner_population": True, "partner_type": True, "pass_through": False, "play": True,
    "relation_name": True, "rival_name": True, "row_key": True, "segment": True, "source": True,
    "source_relation": True, "target_list": True, "target_lists": True, "tier": True, "to_value": True,
    "value": False, "what": True, "why": True,
    "channel": True, "recipient": True, "text": True, "title": False,
    # contacts are off there: the unit test of account_mapping__known_people has such ones
    "email": False, "our_title": False, "partner_title": False,
}  # fmt: skip

# texts by mart and column
Texts = dict[tuple[str, str], list[str]]

is_formula = load_model("int_account_mapping__normalized").is_formula


def text_columns() -> Iterator[tuple[str, str]]:
    """(mart, column) of every text column that a public mart's contract names."""
    for path in sorted((PACKAGE / "models").rglob("account_mapping__*.yml")):
        for model in yaml.safe_load(path.read_text()).get("models", ()):
            for column in model["columns"]:
                if "string" in str(column["data_type"]) or "varchar" in str(column["data_type"]):
                    yield model["name"], column["name"]


def hostile(number: int) -> str:
    """A formula in one of many spellings."""
    return f"{STARTS[number % len(STARTS)]}{ORDERS[number % len(ORDERS)]} {number}"


def company(number: int, side: int) -> dict[str, str]:
    """A hostile account: the first ones are shared by website, of the next ones only the names are alike."""
    word, other = WORDS[number % len(WORDS)], WORDS[(number + 7) % len(WORDS)]
    start = STARTS[(number + side) % len(STARTS)]
    websites = {0: f"{word.lower()}-{number}.com", 1: f"side{side}-{word.lower()}-{number}.com"}
    spelt = "Harbour Logistics" if side else "Harbor Logistic"
    return {
        "account_id": f"={side}{number}",
        "account_name": f"{start}{word} {other} {number} {spelt}" if number < 13 else f"{start}{word} {other} {spelt}",
        "website": websites[0 if number < 13 else 1],
        "owner_name": hostile(number + side),
        "owner_email": f"{start}owner{number}@side{side}.example",
        "city": hostile(number + 2 + side),
        "country": f"{start}Freedonia",
        "segment": hostile(number + 3),
        "status": "customer" if number % 2 else "prospect",
        "deal_stage": hostile(number + 5),
    }


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("formulas")
    lists = folder / "lists"
    lists.mkdir()
    (lists / "=cmd.csv").write_text("account_id,account_name\n1,Who Knows\n")
    (lists / "nimbus.csv").write_text(
        'account_id,account_name,website,"=HYPERLINK(""https://evil.example"")","it\'s; drop"\n'
        "=1,+File Firm,file.com,a,b\n"
    )
    project = Project(
        folder / "project",
        variables={
            "account_mapping__crms": ["generic"],
            "account_mapping__as_of": "2026-11-15",
            "account_mapping__history": True,
            "account_mapping__column_candidates": {"generic": {"accounts": {"industry": [f"more.{FIELD}"]}}},
            "account_mapping__partner_lists_path": str(lists / "*"),
            "account_mapping__pass_through_columns": [
                {"crm": "generic", "name": name, "alias": alias} for name, alias in PASSED.items()
            ],
        },
    )
    ours = [
        company(number, 0)
        | {name: f"{hostile(number)} {place}" for place, name in enumerate(PASSED)}
        | {
            # of one account the CRM's word is no status that we know
            **({"status": None, "account_type": hostile(number)} if number == 6 else {"account_type": None}),
            "more": json.dumps({FIELD: hostile(number + 4)}),
            "=unread": "x",
            "is'deleted": "perhaps",
            "parent_account_id": "=nobody",
        }
        for number in range(24)
    ]
    project.write_table("generic.accounts", ours)
    theirs = [company(number, 1) | {"partner_id": "stratus"} for number in range(5, 30)]
    # beside each that has a like name another one: the rival
    theirs += [
        row | {"account_id": f"{row['account_id']}0", "account_name": f"{row['account_name']} East", "website": None}
        for row in theirs[8:16]
    ]
    project.write_table("partners.partner_accounts", theirs)
    project.write_table(
        "partners.partner_deals",
        [
            {"partner_id": "stratus", "account_id": f"=1{number}", "deal_id": f"=D{number}", "stage": hostile(number)}
            for number in range(5, 13)
        ],
    )
    settings = {"exchange": "list", "is_active": "true"}
    project.write_seed(
        "account_mapping__partners",
        [
            {
                "partner_id": name,
                "partner_name": f"+{name}",
                "partner_type": "@reseller",
                "tier": "=1+1",
                "partner_manager": "@Ann",
            }
            | settings
            for name in ("nimbus", "stratus")
        ],
    )
    project.write_seed(
        "account_mapping__alert_rules",
        [
            {"kind": kind, "is_on": "true", "threshold": "1", "channel": channel}
            for kind, channel in (("review_queue", "=room"), ("warm_introduction", ""))
        ]
        + [{"kind": "list_refused", "is_on": "true"}],
    )
    project.write_seed(
        "account_mapping__target_accounts",
        [{"list_name": "-wanted", "domain": ours[number]["website"]} for number in (1, 6)],
    )
    project.write_seed(
        "account_mapping__exclusions",
        [{"kind": "account_id", "value": "generic:=01", "partner_id": "*", "reason": "=because()"}],
    )
    project.write_seed(
        "account_mapping__match_overrides",
        [{"partner_id": "stratus", "account_id": "generic:=02", "partner_account_id": "=129", "decision": "match",
          "decided_by": "@Ann"}],
    )  # fmt: skip
    project.write_seed(
        "account_mapping__populations",
        [
            {"population": "=ours", "side": "ours", "field": alias.lower(), "value": f"{hostile(7)} {place}"}
            for place, alias in enumerate(PASSED.values())
        ]
        + [{"population": "+owner", "side": "ours", "field": "owner", "value": hostile(7)}]
        + [{"population": "@theirs", "side": "partner", "field": "owner", "value": hostile(8)}],
    )
    project.write_seed(
        "account_mapping__play_rules",
        [
            {"our_status": ours_is, "partner_status": theirs_is, "play": "=play", "base_score": "10",
             "ask": "+ask {partner}", "give_back": "-give {partner}"}
            for ours_is in ("customer", "prospect") for theirs_is in ("customer", "prospect")
        ],
    )  # fmt: skip
    project.make("*")
    return project


def test_each_text_column_of_a_mart_is_known_here() -> None:
    columns = {column for _, column in text_columns()}
    assert not VERBATIM & FOREIGN.keys()
    assert columns == VERBATIM | FOREIGN.keys()


@pytest.fixture(scope="module")
def marts(world: Project) -> Texts:
    """The texts of each text column of each mart."""
    with opened(world.database) as connection:
        return {
            (mart, column): [
                text
                for (text,) in connection.sql(f"select distinct {column} from {mart} order by all").fetchall()
                if text is not None
            ]
            for mart, column in text_columns()
        }


def test_no_foreign_text_is_a_formula(marts: Texts) -> None:
    """In no mart, and each column is tried: a text of it has an apostrophe in front."""
    tried = set()
    for (mart, column), found in marts.items():
        if column not in FOREIGN:
            continue
        assert [text for text in found if is_formula(text) or set(text) & set("\t\r\n")] == [], (mart, column)
        tried |= {column for text in found if text.startswith("'")}
    assert tried == {column for column, is_first in FOREIGN.items() if is_first}


def test_what_others_join_by_stays_as_it_is(world: Project, marts: Texts) -> None:
    """Ids that start with a sign, and what stands below the marts, which is matched and hashed."""
    assert marts["account_mapping__accounts", "source_account_id"] == sorted(f"=0{number}" for number in range(24))
    for mart in ("overlaps", "plays", "whitespace", "match_review"):
        partner_ids = marts[f"account_mapping__{mart}", "partner_account_id"]
        assert partner_ids and all(text.startswith("=1") for text in partner_ids), mart
    for (mart, column), found in marts.items():
        assert column not in VERBATIM or not any(text.startswith("'") for text in found), (mart, column)
    raw = world.query("select owner_name, industry from int_account_mapping__account_records")
    assert sorted(row["industry"] for row in raw) == sorted(hostile(number + 4) for number in range(24))
    assert sorted(row["owner_name"] for row in raw) == sorted(hostile(number) for number in range(24))


def test_a_sign_in_front_changes_no_match(world: Project) -> None:
    names = world.query(
        "select name from int_account_mapping__normalized where side = 'ours' and account_id = 'generic:=07'"
    )
    word, other = WORDS[7], WORDS[14]
    assert names == [{"name": f"{word} {other} 7 harbor logistic".lower()}]
    shared = world.query("select account_id from account_mapping__overlaps where relationship = 'same' and is_primary")
    assert {f"generic:=0{number}" for number in range(5, 13)} <= {row["account_id"] for row in shared}


def test_columns_of_any_name_pass_through_under_any_alias(world: Project) -> None:
    rows = world.query("select source_account_id, pass_through from account_mapping__accounts")
    assert len(rows) == 24
    for row in rows:
        number = int(row["source_account_id"][2:])
        passed = json.loads(row["pass_through"])
        assert list(passed) == sorted(PASSED.values())
        for place, alias in enumerate(PASSED.values()):
            assert passed[alias] == f"'{hostile(number)} {place}", alias


def test_conditions_read_the_values_as_they_are(world: Project) -> None:
    """A population asks for the text as the CRM has it, under any alias; an issue would say that it cannot be read."""
    members = world.query("select distinct our_population, our_accounts from account_mapping__population_matrix")
    assert {row["our_population"]: row["our_accounts"] for row in members} == {"'=ours": 1, "'+owner": 1}
    settings = world.query("select * from account_mapping__data_issues where problem like '%population%'")
    assert settings == []


def test_columns_that_are_not_read_are_named_and_flags_of_any_name_are_read(world: Project) -> None:
    inputs = {row["input"]: row for row in world.query("select * from account_mapping__inputs")}
    assert inputs["generic.accounts"]["columns_unread"] == "deal_stage; =unread"
    assert "'=cmd.csv" in inputs
    found = world.query("select row_key from account_mapping__data_issues where problem = 'flag_not_readable'")
    assert found == [{"row_key": "is'deleted"}]


def test_the_export_has_the_same_safe_texts_and_the_same_ids(world: Project, tmp_path: Path) -> None:
    """Parquet says that a column is text, so an id that starts with a sign stays what it is, for who joins by it."""
    export(world.database, tmp_path)
    with duckdb.connect() as connection:
        for mart, column in text_columns():
            if (path := tmp_path / f"{mart}.parquet").exists():
                found = [text for (text,) in connection.sql(f"select \"{column}\" from '{path}'").fetchall() if text]
                assert column in VERBATIM or not any(map(is_formula, found)), (mart, column)
        kept = connection.sql(
            f"select source_account_id from '{tmp_path}/account_mapping__accounts.parquet'"
        ).fetchall()
    assert ("=00",) in kept


def test_no_text_of_a_csv_for_spreadsheets_is_a_formula(world: Project, tmp_path: Path) -> None:
    """Not even an id; one apostrophe less, and it is the id."""
    assert report(["export", str(world.database), str(tmp_path), "--csv"]) == 0
    macro = (PACKAGE / "macros/cleaning/spreadsheet_safe.sql").read_text()
    assert FORMULA in macro
    cells = []
    for path in tmp_path.glob("*.csv"):
        assert path.read_bytes().startswith(codecs.BOM_UTF8)
        with path.open(encoding="utf-8-sig", newline="") as file:
            cells += [cell for row in csv.reader(file) for cell in row]
    assert len(cells) > 5000
    # numbers may be negative
    assert [cell for cell in cells if is_formula(cell) and not re.fullmatch("-[0-9.]+", cell)] == []
    with (tmp_path / "account_mapping__accounts.csv").open(encoding="utf-8-sig", newline="") as file:
        ids = [row["source_account_id"] for row in csv.DictReader(file)]
    assert sorted(text.removeprefix("'") for text in ids) == sorted(f"=0{number}" for number in range(24))
    assert not list(tmp_path.glob(".*"))
