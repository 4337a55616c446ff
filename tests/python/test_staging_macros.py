"""Known answers of the cleaning macros, all asked in one dbt run, and what the test of a grain finds."""

from __future__ import annotations

import json
import math
import random
import string
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from harness import Project
from hypothesis import given, settings
from hypothesis import strategies as st
from loading import load_model
from test_staging_spellings import suffix

KNOWN: dict[str, dict[str | None, Any]] = {
    "clean_text": {
        None: None,
        "": None,
        "  \t\n\u00a0": None,
        " a b ": "a b",
        "\u00a0x\r\n": "x",
        "a\x00b": "a\x00b",
        "🙂 ": "🙂",
    },
    "spreadsheet_safe": {
        None: None,
        "": "",
        "Acme": "Acme",
        "a+b @ c = d - e": "a+b @ c = d - e",
        "+plus": "'+plus",
        "-ing": "'-ing",
        "@Home": "'@Home",
        "=mc2": "'=mc2",
        "'=mc2": "'=mc2",
        "+cmd|' /C calc'!A0": "'+cmd|' /C calc'!A0",
        "-2+3+cmd|' /C calc'!A0": "'-2+3+cmd|' /C calc'!A0",
        "@SUM(1+1)*cmd|' /C calc'!A0": "'@SUM(1+1)*cmd|' /C calc'!A0",
        '=HYPERLINK("https://evil.example";"Acme")': '\'=HYPERLINK("https://evil.example";"Acme")',
        '"=1+1': "'\"=1+1",
        " \u00a0=1": "' \u00a0=1",
        "\t=1": "' =1",
        "\r\n+1": "' +1",
        "Acme\n=1": "Acme =1",
        "Acme\t=1": "Acme =1",
        "\u202e\u200b=1": "'\u202e\u200b=1",
        "\uff1d1": "'\uff1d1",
        "\uff0b1": "'\uff0b1",
        "\uff0d1": "'\uff0d1",
        "\uff201": "'\uff201",
        "\u201c \u2212 1": "'\u201c \u2212 1",
        **{name: name for name in ("' =1", "'\u202e=1", "O'Neil", "'s-Gravenhage", "\u2018s-Gravenhage")},
    },
    "clean_id": {
        "12345678901.0": "12345678901",
        "7": "7",
        " 007 ": "007",
        "1.00": "1",
        "1.5": "1.5",
        "G-1.0": "G-1.0",
        "": None,
        None: None,
        "0032000001abcDEAAY": "0032000001abcDEAAY",
    },
    "to_boolean": {
        "true": True,
        " TRUE ": True,
        "1": True,
        "1.0": True,
        "yes": True,
        "Y": True,
        "t": True,
        "false": False,
        "0": False,
        "No": False,
        "F": False,
        "": None,
        "maybe": None,
        "2": None,
        None: None,
    },
    "to_decimal": {
        "12,500.00": "12500",
        "$1,200": "1200",
        "1200": "1200",
        "-5.5": "-5.5",
        "-$1,200.50": "-1200.5",
        "$-3": "-3",
        "(1,200)": "-1200",
        "USD 1,234,567.891": "1234567.89",
        "1.005": "1.01",
        "12.500,00": "12500",
        "12,5": "12.5",
        "1 200,50": "1200.5",
        "1\u00a0200": "1200",
        "1'200.00": "1200",
        "€ 99": "99",
        "99 €": "99",
        "US$7": "7",
        "5 EUR": "5",
        "1.25e+16": "12500000000000000",
        "12,50,000": "1250000",
        ".5": "0.5",
        "7.": "7",
        "+4": "4",
        "0": "0",
        "": None,
        "abc": None,
        "1,2345": None,
        "12 apples": None,
        "n/a": None,
        "NaN": None,
        "Infinity": None,
        "--1": None,
        "1.2M": None,
        "1" * 27: None,
        None: None,
        "$": None,
        ".": None,
    },
    "to_integer": {"12": 12, "1,000": 1000, "12.0": 12, "many": None, None: None},
    "to_timestamp": {
        "2020-10-22T21:03:23.000+0000": datetime(2020, 10, 22, 21, 3, 23),
        "2020-10-22T21:03:23.250Z": datetime(2020, 10, 22, 21, 3, 23, 250000),
        "2020-10-22T21:03:23+02:00": datetime(2020, 10, 22, 19, 3, 23),
        "2020-10-22 21:03:23-05": datetime(2020, 10, 23, 2, 3, 23),
        "2020-10-22 21:03:23.5": datetime(2020, 10, 22, 21, 3, 23, 500000),
        "2020-10-22 21:03": datetime(2020, 10, 22, 21, 3),
        "2020-10-22": datetime(2020, 10, 22),
        "20201022": datetime(2020, 10, 22),
        "1603400603000": datetime(2020, 10, 22, 21, 3, 23),
        "1603400603000.0": datetime(2020, 10, 22, 21, 3, 23),
        "1603400603": datetime(2020, 10, 22, 21, 3, 23),
        "10/2/2020": datetime(2020, 10, 2),
        "10/22/2020 9:03 PM": datetime(2020, 10, 22, 21, 3),
        "22.10.2020": datetime(2020, 10, 22),
        "22/10/2020": datetime(2020, 10, 22),
        "2020-13-45": None,
        "soon": None,
        "": None,
        None: None,
        "5": None,
        "infinity": None,
        "2020-10-22T99:03:23Z": None,
    },
    "to_date": {"2020-10-22T23:30:00-05:00": date(2020, 10, 23), "2020-02-29": date(2020, 2, 29), "2021-02-29": None},
    "salesforce_id_18": {
        "001A0000006Vm9r": "001A0000006Vm9rIAC",
        "001A0000006Vm9rIAC": "001A0000006Vm9rIAC",
        " 001A0000006Vm9r ": "001A0000006Vm9rIAC",
        "short": "short",
        "001A0000006Vm9!": "001A0000006Vm9!",
        "": None,
        None: None,
    },
    "letters_only": {"Closed won (Sales Pipeline)": "closedwon", "closed-LOST ": "closedlost", "42": "", None: None},
}


GRAINS = {
    "sound": "(1, 'x', 'f'), (1, 'y', 'f'), (2, null, 'f')",
    "doubled": "(1, 'x', 'f'), (1, 'x', 'f')",
    "twice_null": "(1, null, 'f'), (1, null, 'f')",
    "without_key": "(null, 'x', 'f')",
    "unfilled": "(1, 'x', 'f'), (2, 'x', null)",
}


def before_signs() -> list[str]:
    """Every character below U+10000 and some above before a sign, but line breaks, which become blanks."""
    codes = [*range(1, 0xD800), *range(0xE000, 0x10000), *range(0xE0000, 0xE1001), 0x1F600]
    return [f"{chr(code)}=x" for code in codes if chr(code) not in "'\t\n\v\f\r\x85\u2028\u2029"]


def made_up_ids() -> list[str]:
    """15-character ids that hypothesis makes, and the ends of the suffix's alphabet."""
    made = {"A" * 15, "a" * 15, "0" * 15, "Z" * 15, "AbCdEfGhIjKlMnO", "aBcDeFgHiJkLmNo"}

    @settings(max_examples=300, derandomize=True, database=None)
    @given(st.text(string.ascii_letters + string.digits, min_size=15, max_size=15))
    def keep(identifier: str) -> None:
        made.add(identifier)

    keep()
    return sorted(made)


# Tables of (a, b) and the arguments of their test.
RULES: dict[str, tuple[str, dict[str, Any]]] = {
    "kept_rule": (
        "(1, 'x1'), (2, null)",
        {"rules": ["a > 0", "b <> 'y'"], "patterns": {"b": "^x[0-9]$"}, "filled": ["a"]},
    ),
    "broken_rule": ("(1, 'x'), (0, 'x')", {"rules": ["b = 'x'", "a > 0"]}),
    "broken_pattern": ("(1, 'x1'), (2, '1x')", {"patterns": {"b": "^x[0-9]$"}}),
    "not_filled": ("(1, 'x'), (2, null)", {"filled": ["b"]}),
    "kept_rule_of_grain": ("(1, 'x'), (2, null)", {"columns": ["a"], "rules": ["b = 'x'"], "patterns": {"b": "^x"}}),
    "broken_rule_of_grain": ("(1, 'x'), (2, 'y')", {"columns": ["a"], "rules": ["a > 0", "b = 'x'"]}),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with all models of these tests, so that dbt parses them once."""
    project = Project(tmp_path_factory.mktemp("macros"), variables={"account_mapping__crms": []})
    models = project.folder / "models"
    models.mkdir()
    for macro in KNOWN:
        answer = f"{{{{ account_mapping.{macro}('value') }}}} as answer"
        (models / f"answers_{macro}.sql").write_text(f"select value, {answer} from raw.asked where macro = '{macro}'")
    exploded = "{{ account_mapping.explode_items('lists', 'cell', keep=['id']) }}"
    value = "{{ account_mapping.object_field('item', ['nothing', 'value'], otherwise_itself=true) }}"
    (models / "items.sql").write_text(
        f"with lists as (select * from raw.lists), items as ({exploded}) "
        f"select id, position, {value} as item from items"
    )
    for table, rows in GRAINS.items():
        (models / f"{table}.sql").write_text(f"select * from (values {rows}) as rows(a, b, c)")
    grain = {"arguments": {"columns": ["a", "b"], "nullable": ["b"], "filled": ["c"]}}
    tested = [{"name": table, "data_tests": [{"account_mapping.account_mapping__grain": grain}]} for table in GRAINS]
    for table, (rows, arguments) in RULES.items():
        (models / f"{table}.sql").write_text(f"select * from (values {rows}) as rows(a, b)")
        kind = "grain" if "columns" in arguments else "rules"
        test = {f"account_mapping.account_mapping__{kind}": {"arguments": arguments}}
        tested.append({"name": table, "data_tests": [test]})
    (models / "shares.sql").write_text(
        "select top, bottom, {{ account_mapping.share('top', 'bottom') }} as share,"
        " {{ account_mapping.share('top', 'bottom', input_decimals=2, decimals=8) }} as long_share"
        " from raw.fractions"
    )
    (models / "tables.yml").write_text(json.dumps({"models": tested}))
    return project


@pytest.fixture(scope="module")
def answers(project: Project) -> dict[tuple[str, str | None], Any]:
    """What each macro gives for each of its values."""
    asked = {macro: list(known) for macro, known in KNOWN.items()}
    asked["salesforce_id_18"] += made_up_ids()
    asked["spreadsheet_safe"] += before_signs()
    project.write_table(
        "raw.asked", [{"macro": macro, "value": value} for macro, values in asked.items() for value in values]
    )
    result = project.run("run", "--select", "answers_*")
    assert result.success, result.text
    return {
        (macro, row["value"]): row["answer"]
        for macro in asked
        for row in project.query(f"select * from answers_{macro}")
    }


def test_macros_give_the_known_answers(answers) -> None:
    wanted = {(macro, value): answer for macro, known in KNOWN.items() for value, answer in known.items()}
    for (macro, value), answer in wanted.items():
        if macro == "to_decimal" and answer is not None:
            wanted[macro, value] = Decimal(answer).quantize(Decimal("0.01"))
    assert {key: answers[key] for key in wanted} == wanted


def test_text_and_names_are_formulas_by_the_same_rule(answers) -> None:
    """Each character before a sign, and each as the sign: SQL for text and Python for names say the same, once."""
    is_formula = load_model("int_account_mapping__normalized").is_formula
    marked = {value: answers["spreadsheet_safe", value].startswith("'") for value in before_signs()}
    assert marked == {value: is_formula(value) for value in marked}
    assert 90 < sum(marked.values()) < 5000
    assert not any(is_formula(answers["spreadsheet_safe", value]) for value in marked)


def test_salesforce_suffix_agrees_with_an_independent_computation(answers) -> None:
    ids = [
        value
        for macro, value in answers
        if macro == "salesforce_id_18" and value and len(value) == 15 and value.isalnum()
    ]
    assert len(ids) > 100
    assert {value: answers["salesforce_id_18", value] for value in ids} == {
        value: value + suffix(value) for value in ids
    }


def test_items_of_lists_in_any_shape(project: Project) -> None:
    lists = {
        "a": "1;2, 3",
        "b": '["x","y"]',
        "c": '[{"value":"p"},{"value":"q"}]',
        "d": '{"value":"only"}',
        "e": "",
        "f": None,
        "g": "[]",
        "h": '["", null, " z "]',
        "i": "[broken",
        "j": "[1, 2]",
    }
    project.write_table("raw.lists", [{"id": key, "cell": cell} for key, cell in lists.items()])
    result = project.run("run", "--select", "items")
    assert result.success, result.text
    got: dict[str, list[str]] = {}
    for row in project.query("select * from items order by id, position"):
        got.setdefault(row["id"], []).append(row["item"])
    assert got == {
        "a": ["1", "2", "3"],
        "b": ["x", "y"],
        "c": ["p", "q"],
        "d": ["only"],
        "h": ["z"],
        "i": ["[broken"],
        "j": ["1", "2"],
    }


def test_a_share_is_the_fraction_rounded_half_away_from_zero(project: Project) -> None:
    rng = random.Random(1)
    ties = [(2 * number + 1, 20_000) for number in range(0, 20_000, 37)]
    fractions = {(15, 17), (88_235, 100_000), (-1, 32), (3, 0), (0, 7), (10**14, 3), *ties}
    fractions |= {(rng.randint(-(10**9), 10**9), rng.randint(1, 10**6)) for _ in range(2_000)}
    project.write_table(
        "raw.fractions",
        "select cast(top as decimal(20, 2)) as top, cast(bottom as decimal(20, 2)) as bottom from (values "
        + ", ".join(map(str, sorted(fractions)))
        + ") as rows(top, bottom)",
    )
    result = project.run("run", "--select", "shares")
    assert result.success, result.text
    rows = project.query("select * from shares")
    assert len(rows) == len(fractions)
    for row in rows:
        for column, decimals in (("share", 4), ("long_share", 8)):
            if row["bottom"] == 0:
                assert row[column] is None
                continue
            exact = Fraction(row["top"]) / Fraction(row["bottom"]) * 10**decimals
            rounded = math.floor(abs(exact) + Fraction(1, 2)) * (1 if exact >= 0 else -1)
            assert row[column] == Decimal(rounded) / 10**decimals, row


def test_the_rules_of_a_table_are_told_from_what_breaks_them(project: Project) -> None:
    result = project.run("build", "--select", *RULES)
    found = {table for table in RULES for test, status in result.statuses.items() if table in test and status == "fail"}
    assert found == {"broken_rule", "broken_pattern", "not_filled", "broken_rule_of_grain"}, result.text


def test_the_grain_finds_doubles_and_gaps(project: Project) -> None:
    result = project.run("build", "--select", *GRAINS)
    found = {
        table for table in GRAINS for test, status in result.statuses.items() if table in test and status == "fail"
    }
    assert found == {"doubled", "twice_null", "without_key", "unfilled"}, result.text
