"""What each dispatched macro gives: (macro, input, expected), the same on every engine; and which models differ there.

test_engines.py runs them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# Models whose rows differ, each alone on DuckDB's rows of the models before it.
EXCEPTED_ALONE = {
    "int_account_mapping__build": "the run's own id and time",
    "int_account_mapping__input_tables": "the engine's names of tables",
    "int_account_mapping__kept_pairs": "on Spark no pairs are kept between builds",
    "stg_account_mapping__hubspot_deals": "the engine's spaces in a list as text",
    "stg_account_mapping__salesforce_opportunities": "how the engine spells a floating point number",
}
# And in a whole build, what is made of these, and seeds.
EXCEPTED = EXCEPTED_ALONE | {
    "account_mapping__build": "the run's own id and time",
    "account_mapping__inputs": "the engine's names of tables",
    "account_mapping__placeholders": "Spark's seeds have no value where the file says null",
    "int_account_mapping__opportunities": "the same amount",
    "int_account_mapping__opportunity_versions": "the same amount",
}
ONE = "select id, cast({{{{ {} }}}} as {{{{ dbt.type_string() }}}}) from inputs where id between {} and {}"
TEXT = "api.Column.create('x', 'STRING' if target.type == 'spark' else 'VARCHAR')"
STRUCT = "api.Column.create('made', 'STRUCT')"
LIST = "api.Column.create('made', 'ARRAY<STRING>' if target.type == 'spark' else 'VARCHAR[]')"
MADE = {
    # one field is null; the other has the input
    "struct": "named_struct('value', x, 'other', cast(null as string))|struct_pack(value := x, other := null::varchar)",
    "list": "array(x, null, 'b')|[x, null, 'b']",
    "number": "cast(x as double)|x::double",
    "flag": "cast(x as boolean)|x::boolean",
    "day": "cast(x as date)|x::date",
    "time": "cast(x as timestamp)|x::timestamp",
}


@dataclass(frozen=True)
class Case:
    """What a macro gives for each input, as text or null.

    call: the macro with `x` as its input, in Jinja. made: the column that it reads is made of x in each engine's words.
    query: in place of call, a select of (id, text) from `inputs`, with {first} and {last} as the ids of its rows.
    """

    macro: str
    expected: dict[str | None, str | None]
    call: str = ""
    made: str = ""
    query: str = ""

    def sql(self, first: int, last: int) -> str:
        """A query with Jinja for the rows of these numbers."""
        if self.query:
            return self.query.replace("{first}", str(first)).replace("{last}", str(last))
        query = ONE.format(self.call, first, last)
        if self.made:
            spark, duckdb = MADE[self.made].split("|")
            made = f'{{{{ "{spark}" if target.type == "spark" else "{duckdb}" }}}}'
            query = query.replace("from inputs", f"from (select id, x, {made} as made from inputs) as inputs")
        return query


def case(macro: str, call: str, expected: dict[str | None, str | None], **others: Any) -> Case:
    return Case(macro, expected, f"account_mapping.{call}", **others)


CASES = [
    case(
        "trim_whitespace",
        "trim_whitespace('x')",
        {
            " \t\u00a0a b\u000b\u000c\r\n ": "a b",
            "": "",
            "  ": "",
            None: None,
            "\u2003a": "\u2003a",
            "a\x1f": "a\x1f",
            "~": "~",
            "é\u00a0": "é",
            "\ta": "a",
            "a\t": "a",
            "e\u0301 ": "e\u0301",
            "a\r\n": "a",
        },
    ),
    case(
        "clean_id",
        "clean_id('x')",
        {
            " 201.0 ": "201",
            "201.50": "201.50",
            "0012": "0012",
            "{0F8FAD5B-D9CB-469F-A165-70867728950E}": "0f8fad5b-d9cb-469f-a165-70867728950e",
            "(0F8FAD5B-D9CB-469F-A165-70867728950E)": "0f8fad5b-d9cb-469f-a165-70867728950e",
            "0F8FAD5B-D9CB-469F-A165-70867728950E\n": "0f8fad5b-d9cb-469f-a165-70867728950e",
            "1.25E+2": "125",
            "1.234567E+12": "1.234567E+12",
            "5e12": "5e12",
            "12.0\n0": "12.0\n0",
            "  ": None,
            None: None,
        },
    ),
    case(
        "id_lost_digits",
        "id_lost_digits('x')",
        {
            "1.25E+2": "false",
            "1.23E+12": "true",
            "5e12": "false",
            "5e+12": "true",
            "5e+00": "false",
            "125": "false",
            None: "false",
        },
    ),
    case(
        "letters_and_digits",
        "letters_and_digits('x')",
        {"Ärzte GmbH & Co. 2": "rztegmbhco2", "É-9": "9", "": "", None: None},
    ),
    case(
        "letters_only",
        "letters_only('x')",
        {
            "Closed Won (EMEA) ": "closedwon",
            "(a) Closed (b)\n": "aclosed",
            "Won (a) b": "wonab",
            "(a) (b": "ab",
            "Geschlossen & verloren 2": "geschlossenverloren",
            None: None,
        },
    ),
    case(
        "month_first",
        "month_first('x')",
        {
            "31/12/2025": "12/31/2025",
            "1-2-25": "1/2/25",
            "13-1-2025 10:00": "1/13/2025 10:00",
            "2025-01-02": "2025-01-02",
        },
    ),
    case(
        "month_first", "month_first('x', day_first='id > 0')", {"1-2-25": "2/1/25", "x 1/2/25": "x 1/2/25", None: None}
    ),
    case(
        "salesforce_id_18",
        "salesforce_id_18('x')",
        {
            "001A000000abcDE": "001A000000abcDEIAY",
            "001000000000000": "001000000000000AAA",
            "001ABCDEFGHIJKL": "001ABCDEFGHIJKLY55",
            "001A000000abcDEIAY": "001A000000abcDEIAY",
            "001A000000abcDé": "001A000000abcDé",
            "001A000000abcDE\n": "001A000000abcDEIAY",
            "": None,
        },
    ),
    case(
        "spreadsheet_safe",
        "spreadsheet_safe('x')",
        {
            "=1+1": "'=1+1",
            "a=1": "a=1",
            " \u200b\U000e0020\uff1dA1": "' \u200b\U000e0020\uff1dA1",
            "'-1": "'-1",
            "a\r\n\tb\u0085\u2028c": "a b c",
            "\n@x": "' @x",
            "😀 = 1": "😀 = 1",
            "back\\slash \\1 $1": "back\\slash \\1 $1",
            None: None,
        },
    ),
    case(
        "to_decimal",
        "to_decimal('x')",
        {
            "1200": "1200.00",
            "$1,200.50": "1200.50",
            "1200 EUR": "1200.00",
            "€ 12.500,00": "12500.00",
            "12,5": "12.50",
            "12,500": "12500.00",
            "(1,200)": "-1200.00",
            "-$5": "-5.00",
            "US$-5": "-5.00",
            "1 234 567,89": "1234567.89",
            "1’234.5": "1234.50",
            "1.005": "1.01",
            "-1.005": "-1.01",
            "2.5E+3": "2500.00",
            "1E-3": "0.00",
            "1e30": None,
            "1e99999999": None,
            "1e-99999999": None,
            ".5": "0.50",
            "5.": "5.00",
            ".": None,
            "": None,
            "12.5.3": None,
            "1,20,000": "120000.00",
            "99999999999999999999999999.994": "99999999999999999999999999.99",
            "99999999999999999999999999.995": None,
            "n/a": None,
            "5\n": "5.00",
            "₹5": "5.00",
            "5%": None,
            None: None,
        },
    ),
    case(
        "to_timestamp",
        "to_timestamp('x')",
        {
            "2020-10-22T21:03:23.000+0000": "2020-10-22 21:03:23",
            "2020-10-22T21:03:23.1234567Z": "2020-10-22 21:03:23.123456",
            "2020-10-22 21:03:23+02:00": "2020-10-22 19:03:23",
            "2020-10-22 21:03:23-05": "2020-10-23 02:03:23",
            "2020-10-22T21:03:23+0530": "2020-10-22 15:33:23",
            "2020-10-22T21:03:23 +0530": None,
            "2020-10-22 21:03:23 UTC": "2020-10-22 21:03:23",
            "2020-10-22": "2020-10-22 00:00:00",
            "2020-1-2": "2020-01-02 00:00:00",
            "2020-10-22 7:05": "2020-10-22 07:05:00",
            "2020-10-22T21:03": "2020-10-22 21:03:00",
            "2020-02-30": None,
            "2020-10": None,
            "2020-10-22T": None,
            "2020-10-22 25:00:00": None,
            "1603400603": "2020-10-22 21:03:23",
            "1603400603000.0": "2020-10-22 21:03:23",
            "1603400603123": "2020-10-22 21:03:23.123",
            "20201022": "2020-10-22 00:00:00",
            "20201322": None,
            "10/22/2020": "2020-10-22 00:00:00",
            "22/10/2020": "2020-10-22 00:00:00",
            "1/2/20": "2020-01-02 00:00:00",
            "1/2/2020 9:05 PM": "2020-01-02 21:05:00",
            "1/2/2020, 9:05\u202fpm": "2020-01-02 21:05:00",
            "1/2/2020 12:05:06 AM": "2020-01-02 00:05:06",
            "1/2/2020 13:05 PM": None,
            "1/2/2020 13:05": "2020-01-02 13:05:00",
            "22.10.2020": "2020-10-22 00:00:00",
            "22.10.20 8:30": "2020-10-22 08:30:00",
            "Jan 31, 2026": "2026-01-31 00:00:00",
            "january 31, 2026": "2026-01-31 00:00:00",
            "Sep 1, 2026, 3:04 PM": "2026-09-01 15:04:00",
            "May 1, 2026 15:04": "2026-05-01 15:04:00",
            "31 Jan 2026": "2026-01-31 00:00:00",
            "31 SEPTEMBER 2026": None,
            "30 September 2026": "2026-09-30 00:00:00",
            "31-Jan-2026": "2026-01-31 00:00:00",
            "31-JAN-26": "2026-01-31 00:00:00",
            "31-Jan-75": "2075-01-31 00:00:00",
            "31 Jan 2026 07:08": "2026-01-31 07:08:00",
            "2/29/2023": None,
            "2/29/2024": "2024-02-29 00:00:00",
            "2020/3/4": "2020-03-04 00:00:00",
            "2020/03/04 05:06:07": "2020-03-04 05:06:07",
            "0": None,
            "soon": None,
            "": None,
            None: None,
        },
    ),
    case("to_timestamp", "to_timestamp('x', day_first='true')", {"1/2/2020": "2020-02-01 00:00:00"}),
    case(
        "iso_timestamp",
        "iso_timestamp('x')",
        {
            "2020-10-22 21:03:23.5": "2020-10-22 21:03:23.5",
            "2020-10-22 21:03:23+02": "2020-10-22 19:03:23",
            "2020-10-22": "2020-10-22 00:00:00",
            None: None,
        },
    ),
    case(
        "share",
        "share('cast(x as bigint)', '6')",
        {"1": "0.1667", "2": "0.3333", "3": "0.5000", "-1": "-0.1667", "0": "0.0000", "15": "2.5000", None: None},
    ),
    case("share", "share('1', 'cast(x as bigint)', decimals=1)", {"20": "0.1", "-20": "-0.1", "21": "0.0", "0": None}),
    case(
        "share",
        "share('cast(x as decimal(20, 2))', 'cast(0.07 as decimal(3, 2))', input_decimals=2)",
        {"0.01": "0.1429", "123456789.01": "1763668414.4286"},
    ),
    case(
        "scale_odds",
        "scale_odds('cast(x as decimal(5, 4))', 'cast(2.5 as decimal(9, 8))')",
        {"0.5": "0.7143", "0": "0.0000"},
    ),
    case(
        "json_object",
        "json_object({'a \"b\\\\': 'x', \"it's\": \"'1'\"})",
        {
            "plain": '{"a \\"b\\\\":"plain","it\'s":"1"}',
            'q"\\/\n\t\x01é😀\u2028': '{"a \\"b\\\\":"q\\"\\\\/\\n\\t\\u0001é😀\u2028","it\'s":"1"}',
            "": '{"a \\"b\\\\":"","it\'s":"1"}',
            None: '{"a \\"b\\\\":null,"it\'s":"1"}',
        },
    ),
    case(
        "json_value",
        "json_value('x', \"a.b/~'c\")",
        {
            '{"a.b/~\'c": "1 \\u00e9 \\"q\\""}': '1 é "q"',
            '{"a.b/~\'c": null}': None,
            '{"a.b/~\'c": 1.5}': "1.5",
            '{"a.b/~\'c": true, "z": [1]}': "true",
            '{"a.b/~\'c": ""}': "",
            '{"a": {"b/~\'c": 1}}': None,
            None: None,
        },
    ),
    case(
        "matches_pattern",
        "matches_pattern('x', '^[0-9]+$')",
        {"12": "true", "12\n": "false", "a12": "false", "": "false", "٣": "false", None: None},
    ),
    case("matches_pattern", "matches_pattern('x', '^a.b')", {"a\rb": "true", "a\nb": "false", "a\u2028b": "true"}),
    case("matches_pattern", "matches_pattern('x', '^a\\\\s*b[\\\\s]c$')", {"a \tb\nc": "true", "a\u000bb c": "false"}),
    case(
        "object_field",
        "object_field('x', ['id', 'value'])",
        {
            '{"id": 5, "value": "v"}': "5",
            '{"id": null, "value": "v"}': "v",
            '{"id": {"a": 1}}': '{"a":1}',
            '{"value": "v"': None,
            '{"value": "v"} x': None,
            "{'value': 'v'}": None,
            "v": None,
            "[1]": None,
            None: None,
        },
    ),
    case(
        "object_field",
        "object_field('x', ['id'], otherwise_itself=true)",
        {"v": "v", '{"id": "5"}': "5", '{"a": 1}': None, "{v": "{v", None: None},
    ),
    case(
        "first_item",
        "first_item('x')",
        {'["201", "202"]': "201", "a; b": "a", "['x', None]": "x", "{7,8}": "7", "": None, ";b": None, None: None},
    ),
    case("column_as_text", f"column_as_text({TEXT})", {"a": "a", "": "", None: None}),
    case(
        "column_as_text",
        f"column_as_text({STRUCT})",
        {'a "b"': '{"value":"a \\"b\\"","other":null}', None: '{"value":null,"other":null}'},
        made="struct",
    ),
    case("column_as_text", f"column_as_text({LIST})", {"a": '["a",null,"b"]'}, made="list"),
    case(
        "column_as_text",
        "column_as_text(api.Column.create('made', 'double'))",
        {"1": "1.0", "1.5": "1.5", "-0.25": "-0.25", "1234567": "1234567.0", None: None},
        made="number",
    ),
    case("column_as_text", "column_as_text(api.Column.create('made', 'boolean'))", {"true": "true"}, made="flag"),
    case(
        "column_as_text", "column_as_text(api.Column.create('made', 'date'))", {"2020-01-02": "2020-01-02"}, made="day"
    ),
    case(
        "column_as_text",
        "column_as_text(api.Column.create('made', 'timestamp'))",
        {"2020-01-02 03:04:05.600": "2020-01-02 03:04:05.6", "2020-01-02": "2020-01-02 00:00:00"},
        made="time",
    ),
    case(
        "unwrapped_value",
        f"unwrapped_value({TEXT}, ['value', 'id'])",
        {
            '{"value": "v", "id": "i"}': "v",
            '{"id": "i"}': "i",
            '{"value": null, "id": "i"}': None,
            '{"a": 1}': '{"a": 1}',
            "{a": "{a",
            "plain": "plain",
            None: None,
        },
    ),
    case("unwrapped_value", f"unwrapped_value({STRUCT})", {"a": "a", None: None}, made="struct"),
    case(
        "object_path",
        f"object_path({TEXT}, ['address', 'the \"city\"'])",
        {
            '{"address": {"the \\"city\\"": "Bonn"}}': "Bonn",
            '{"address": {"the \\"city\\"": {"value": "Bonn"}}}': "Bonn",
            '{"address": "Bonn"}': None,
            '{"address": {"the \\"city\\"": 5}}': "5",
            "Bonn": None,
            None: None,
        },
    ),
    Case(
        "list_text",
        {"b": "a; b", "a": None, None: None},
        query="""select min(id), {{ account_mapping.list_text('x') }} from (
            select id, x, 'b' as of from inputs where id between {first} and {last}) as inputs group by of
            union all select {first} + 1, {{ account_mapping.list_text('nullif(x, x)') }} from inputs
            union all select {first} + 2, {{ account_mapping.list_text('x', "'|") }} from inputs where x is null""",
    ),
    Case(
        "explode_items",
        {
            '["201", null, {"a": 1}, 3.5, true]': '1 201, 3 {"a":1}, 4 3.5, 5 true',
            '{"a": 1}': '1 {"a": 1}',
            "['x', 'y', None, True]": "1 x, 2 y, 4 true",
            "{201,202}": "1 201, 2 202",
            "a; b |c,,d": "1 a, 2 b, 3 c, 5 d",
            "[a, b": "1 [a, 2 b",
            "[]": None,
            "": None,
            None: None,
        },
        query="""select inputs.id, max(listed.items) from inputs left join (
            select id,
            {{ "array_join(array_sort(collect_list(position || ' ' || item)), ', ')" if target.type == 'spark' else
                "string_agg(position || ' ' || item, ', ' order by position)" }} as items
            from ({{ account_mapping.explode_items('inputs', 'x', ['id']) }}) as exploded group by id
            ) as listed on inputs.id = listed.id where inputs.id between {first} and {last} group by inputs.id""",
    ),
    Case(
        "each_note",
        {
            "number_not_readable|amount|b|c\x1fflag_not_readable|flag|x\x1f": "s.t flag flag_not_readable such as: x 1",
            "number_not_readable|amount|a\x1f": "s.t amount number_not_readable such as: a 2",
            None: None,
        },
        query="""select {first} + row_number() over (order by row_key desc) - 1,
            source || ' ' || row_key || ' ' || problem || ' ' || detail || ' '
            || cast(n_rows as {{ dbt.type_string() }}) from (with noted as (
            select 's' as source_relation, 't' as source_table, x as notes from inputs
            where id between {first} and {last}) {{ account_mapping.staged_notes('noted') }}) as notes
            union all select {last}, cast(null as {{ dbt.type_string() }})""",
    ),
    # nothing is kept by the hash itself
    Case(
        "row_hash",
        {"a": "true", "b": "false"},
        query="""select id, cast(
            {{ account_mapping.row_hash(['id', 'x']) }} = {{ account_mapping.row_hash(['id', "'a'"]) }}
            as {{ dbt.type_string() }}) from inputs where id between {first} and {last}""",
    ),
    case("text_literal", '_text_literal("it\'s a \\\\ and \\n\\"q\\" $1")', {"x": 'it\'s a \\ and \n"q" $1'}),
    case(
        "content_hash",
        "content_hash(['x', \"'b'\"])",
        {"a": "a2679b2ad03c7c77dc6595778c1c042d", None: "f1e2bb998fa928e5027dc909d8a423a8"},
    ),
    case(
        "is_report_footer",
        "is_report_footer('x')",
        {"Grand Total: 5": "true", "TOTAL GÉNÉRAL": "true", "Total": "true", "Totality": "false"},
    ),
    case(
        "to_boolean",
        "to_boolean('x')",
        {" Ja": "true", "1,00": "true", "✓": "true", "SÍ": "true", "0.0": "false", "?": None},
    ),
]
