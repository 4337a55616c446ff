"""int_account_mapping__normalized: names, places and identifiers in one comparable spelling.

`python tests/python/test_normalized.py` writes the golden vectors anew: only together with a new NORMALISER_VERSION.
"""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from loading import PACKAGE, load_model

GOLDEN = Path(__file__).with_name("golden") / "normaliser.csv"
SEED = PACKAGE / "seeds" / "account_mapping__legal_forms.csv"
PLACEHOLDERS_SEED = PACKAGE / "seeds" / "account_mapping__placeholders.csv"
ALIASES_SEED = PACKAGE / "seeds" / "account_mapping__name_aliases.csv"
WORDS_SEED = PACKAGE / "seeds" / "account_mapping__name_words.csv"


normalized = load_model("int_account_mapping__normalized")

with SEED.open(newline="", encoding="utf-8") as handle:
    SEED_ROWS = list(csv.DictReader(handle))
FORMS = normalized.compile_legal_forms(SEED_ROWS)
with PLACEHOLDERS_SEED.open(newline="", encoding="utf-8") as handle:
    PLACEHOLDER_ROWS = list(csv.DictReader(handle))
NOBODY = normalized.compile_placeholders(PLACEHOLDER_ROWS, FORMS)
with WORDS_SEED.open(newline="", encoding="utf-8") as handle:
    WORDS = normalized.compile_name_words(list(csv.DictReader(handle)), ["logistics"])

CLASSES = {
    "association",
    "company",
    "cooperative",
    "incorporated",
    "investment_fund",
    "limited",
    "limited_liability_partnership",
    "limited_partnership",
    "mutual",
    "partnership",
    "professional",
    "public_limited",
    "sole_trader",
    "state_enterprise",
}

INPUT_COLUMNS = (
    "side",
    "partner_id",
    "account_id",
    "account_name",
    "country",
    "state",
    "city",
    "lei",
    "duns",
    "vat_id",
    "linkedin_url",
    "website",
)
NAME_COLUMNS = (
    "display_name",
    "name",
    "name_key",
    "name_sorted",
    "name_short",
    "name_folded",
    "name_core",
    "name_initials",
    "legal_form",
    "name_kind",
)


def batch_of(*rows: dict) -> pa.RecordBatch:
    filled = [{"side": "ours", "partner_id": "*", "account_id": str(number), **row} for number, row in enumerate(rows)]
    return pa.record_batch(
        [pa.array([row.get(column) for row in filled], pa.string()) for column in INPUT_COLUMNS],
        names=list(INPUT_COLUMNS),
    )


def normalise(**row: str | None) -> dict:
    return normalized.normalise_batch(batch_of(row), FORMS, NOBODY, WORDS).to_pylist()[0]


def normalise_any(**row: str | None) -> dict:
    """With no seed of what names nobody: `Beispiel GmbH` is an example here."""
    return normalized.normalise_batch(batch_of(row), FORMS).to_pylist()[0]


def name_of(text: str | None) -> str | None:
    return normalise(account_name=text)["name"]


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    "text, name, legal_form",
    [
        # Punctuation, articles and acronyms
        ("McDonald's Corp.", "mcdonalds", "incorporated"),
        ("L’Oréal S.A.", "loreal", "public_limited"),
        ("AT&T Inc.", "at and t", "incorporated"),
        ("I.B.M.", "ibm", None),
        ("A.P. Moller - Mærsk A/S", "ap moller maersk", "public_limited"),
        ("A P MOLLER", "ap moller", None),
        ("J.P.Morgan", "jp morgan", None),
        ("INTERN.CONS.AIRL.GR.", "intern cons airl gr", None),
        ("Coca-Cola Company (The)", "coca cola", "company"),
        ("The Home Depot, Inc.", "home depot", "incorporated"),
        ("The The", "the", None),
        ("3M Company", "3m", "company"),
        ("Yahoo! Inc", "yahoo", "incorporated"),
        ("FOO CORP /DE/", "foo", "incorporated"),
        ("McKinsey & Company", "mckinsey", "company"),
        ("Acme Ltd. (UK)", "acme uk", "limited"),
        ("Foo™ Group®", "foo group", None),
        ("Acme\u00a0\u2003Corp", "acme", "incorporated"),
        # Europe
        ("Müller GmbH & Co. KG", "muller", "limited_partnership"),
        ("Robert Bosch Ges.m.b.H.", "robert bosch", "limited"),
        ("CEWE Stiftung & Co. KGaA", "cewe", "public_limited"),
        ("Volkswagen Aktiengesellschaft", "volkswagen", "public_limited"),
        ("Beispiel UG (haftungsbeschränkt)", "beispiel", "limited"),
        ("Société Générale S.A.", "societe generale", "public_limited"),
        ("Exemple S.à r.l.", "exemple", "limited"),
        ("Eni S p A", "eni", "public_limited"),
        ("Ferrero S.r.l.", "ferrero", "limited"),
        ("Telefónica, S.A.", "telefonica", "public_limited"),
        ("Mercadona, S.A.U.", "mercadona", "public_limited"),
        ("Ejemplo, S.L.", "ejemplo", "limited"),
        ("Sonae SGPS, S.A.", "sonae", "public_limited"),
        ("Exemplo Lda.", "exemplo", "limited"),
        ("Koninklijke Philips N.V.", "koninklijke philips", "public_limited"),
        ("Anheuser-Busch InBev SA/NV", "anheuser busch inbev", "public_limited"),
        ("Ericsson AB (publ)", "ericsson", "public_limited"),
        ("Oy Karl Fazer Ab", "karl fazer", "limited"),
        ("Nokia Oyj", "nokia", "public_limited"),
        ("Equinor ASA", "equinor", "public_limited"),
        ("Eksempel ApS", "eksempel", "limited"),
        ("Marel hf.", "marel", "public_limited"),
        ("Allegro Sp. z o.o.", "allegro", "limited"),
        ("Przyklad Sp. z o.o. Sp. k.", "przyklad", "limited_partnership"),
        ("Škoda Auto a.s.", "skoda auto", "public_limited"),
        ("Kaufland Česká republika v.o.s.", "kaufland ceska republika", "partnership"),
        ("Priklad spol. s r. o.", "priklad", "limited"),
        ("OTP Bank Nyrt.", "otp bank", "public_limited"),
        ("Pelda Kft.", "pelda", "limited"),
        ("Krka, d.d.", "krka", "public_limited"),
        ("Primjer d.o.o.", "primjer", "limited"),
        ("ΔΕΗ Α.Ε.", "dei", "public_limited"),
        ("Ромашка ЕООД", "romashka", "limited"),
        ("Maxima LT, UAB", "maxima lt", "limited"),
        ("Latvijas Piens SIA", "latvijas piens", "limited"),
        ("Bolt Technology OÜ", "bolt technology", "limited"),
        ("Öz Gıda San. ve Tic. A.Ş.", "oz gida", "public_limited"),
        ("ООО «Ромашка»", "romashka", "limited"),
        ("АО Тандер", "tander", "public_limited"),
        ("A.O. Smith Corporation", "ao smith", "incorporated"),
        ("Ромашка, ТОВ", "romashka", "limited"),
        # Asia, Pacific, Africa, America
        ("株式会社トヨタ", "toyota", "public_limited"),
        ("トヨタ株式会社", "toyota", "public_limited"),
        ("㈱トヨタ", "toyota", "public_limited"),
        ("Toyota Kabushiki Kaisha", "toyota", "limited"),
        ("華為技術有限公司", "huaweijishu", "limited"),
        ("台灣積體電路製造股份有限公司", "taiwanjitidianluzhizao", "public_limited"),
        ("주식회사 카카오", "kakao", "public_limited"),
        ("(주)카카오", "kakao", "public_limited"),
        ("Hyundai Motor Co., Ltd.", "hyundai motor", "limited"),
        ("Morio Denki Co., Ltd. (Japan)", "morio denki japan", "limited"),
        ("Grab Holdings Pte. Ltd.", "grab holdings", "limited"),
        ("Petronas Sdn. Bhd.", "petronas", "limited"),
        ("Maybank Berhad", "maybank", "public_limited"),
        ("PT Telkom Indonesia (Persero) Tbk", "telkom indonesia", "public_limited"),
        ("PTT Public Company Limited", "ptt", "public_limited"),
        ("บริษัท ปตท. จำกัด (มหาชน)", "ptth", "public_limited"),
        ("Công ty TNHH Ví Dụ", "vi du", "limited"),
        ("Infosys Private Limited", "infosys", "limited"),
        ("Tata (P) Ltd", "tata", "limited"),
        ("BHP Pty Ltd", "bhp", "limited"),
        ("Naspers (Pty) Ltd", "naspers", "limited"),
        ('שרה בע"מ', "srh", "limited"),
        ("Ooredoo Q.P.S.C.", "ooredoo", "public_limited"),
        ("Emirates PJSC", "emirates", "public_limited"),
        ("Grupo Bimbo, S.A.B. de C.V.", "grupo bimbo", "public_limited"),
        ("Ejemplo S. de R.L. de C.V.", "ejemplo", "limited"),
        ("Magazine Luiza S/A", "magazine luiza", "public_limited"),
        ("Exemplo Ltda.", "exemplo", "limited"),
        ("Ecopetrol S.A. E.S.P.", "ecopetrol", "public_limited"),
        # What is not a legal form stays
        ("Limited Brands Inc", "limited brands", "incorporated"),
        ("The Limited", "limited", None),
        ("Inc", "inc", None),
        ("SAS", "sas", None),
        ("BT plc", "bt", "public_limited"),
        ("Plan B S A", "plan b", "public_limited"),
        ("Krka d.o.o., Novo mesto", "krka novo mesto", "limited"),
        ("LLC Primer", "primer", "limited"),
        ("UAB Medicine", "uab medicine", None),
        ("Foo Holdings Group", "foo holdings group", None),
    ],
)
def test_known_names(text, name, legal_form):
    row = normalise_any(account_name=text)
    assert (row["name"], row["legal_form"]) == (name, legal_form)


@pytest.mark.parametrize(
    "left, right",
    [
        ("Johnson & Johnson", "JOHNSON AND JOHNSON"),
        ("Müller AG", "MUELLER A.G."),
        ("Acme International Technologies Inc", "ACME INTL TECH"),
        ("Smith Brothers Manufacturing Co.", "Smith Bros Mfg"),
        ("Bank of the West", "Bank West"),
    ],
)
def test_abbreviated_spellings_share_name_short(left, right):
    assert normalise(account_name=left)["name_short"] == normalise(account_name=right)["name_short"]


@pytest.mark.parametrize(
    ("name", "folded", "core", "initials"),
    [
        ("Desenio Group AB (publ)", "desenio grp", "desenio", "desenio g"),
        ("DESENIO HOLDING AB", "desenio hldg", "desenio", "desenio h"),
        ("Grupo Bimbo", "grp bimbo", "bimbo", "grp b"),
        # the first word is no addition, and three letters are too few to stand alone
        ("International Paper Company", "intl paper", "intlpaper", "intl p"),
        ("CEZ Group", "cez grp", None, "cez g"),
        ("OLD DOMIN.FR.LINE", "old domin fr line", "olddominfrline", "old dfl"),
        ("Old Dominion Freight Line, Inc.", "old dominion freight line", "olddominionfreightline", "old dfl"),
        ("Skylark", "skylark", "skylark", "skylark"),
        ("Fund Holdings III 2020", "fund hldg 3 2020", "fund32020", "fund h32020"),
        ("Muenchener Rueck", "munchener ruck", "munchenerruck", "munchener r"),
    ],
)
def test_core_and_initials(name, folded, core, initials):
    row = normalise(account_name=name)
    assert (row["name_folded"], row["name_core"], row["name_initials"]) == (folded, core, initials)


def test_derived_keys_of_a_name():
    row = normalise(account_name="The Walt Disney Company")
    assert (row["name"], row["name_key"], row["name_sorted"]) == ("walt disney", "waltdisney", "disneywalt")
    assert normalise(account_name="Disney, Walt")["name_sorted"] == row["name_sorted"]


def test_nothing_in_nothing_out():
    row = normalise()
    assert all(row[column] is None for column in row if column not in ("side", "partner_id", "account_id"))
    assert normalise(account_name="  ")["problems"] is None


@pytest.mark.parametrize(
    "text, display, problems",
    [
        ("Acme\x00 Corp", "Acme Corp", "name_control_characters"),
        ("\u202eAcme\u202c", "Acme", "name_control_characters"),
        ("Acme\t\nCorp", "Acme Corp", None),
        ("🚀 Rocket", "🚀 Rocket", "name_emoji"),
        ("שרה", "שרה", "name_right_to_left"),
        ("شركة المثال", "شركة المثال", "name_right_to_left"),
        ('=HYPERLINK("http://evil.example";"Acme")', '\'=HYPERLINK("http://evil.example";"Acme")', "name_formula"),
        ("@SUM(A1)", "'@SUM(A1)", "name_formula"),
        ("+Acme", "'+Acme", "name_formula"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0", "name_formula"),
        ("\u201c \uff1dSUM(A1)", "'\u201c \uff1dSUM(A1)", "name_formula"),
        ("'=mc2", "'=mc2", None),
        ("A=B", "A=B", None),
        ("!!!", "!!!", "name_empty_after_cleaning"),
        ("😀", "😀", "name_emoji;name_empty_after_cleaning"),
        ("\x00", None, "name_control_characters;name_empty_after_cleaning"),
        ("é" * 255, "é" * 255, None),
        ("A" * 256, "A" * 255, "name_too_long"),
        ("=" + "A" * 10_000, "'=" + "A" * 253, "name_formula;name_too_long"),
    ],
)
def test_dirty_names_are_repaired_and_reported(text, display, problems):
    row = normalise(account_name=text)
    assert (row["display_name"], row["problems"]) == (display, problems)


NAMES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=300),
    st.lists(
        st.sampled_from(
            [row["form"] for row in SEED_ROWS]
            + [
                "the",
                "and",
                "&",
                "A.",
                "B.",
                "c",
                "d",
                "株式会社",
                "(주)",
                "АО",
                "ООО",
                "有限公司",
                "トヨタ",
                "acme",
                "Straße",
                ".",
                "/",
                "/DE/",
                "'",
                '"',
                'בע"מ',
                "Inc.",
                "S.A.",
                "จำกัด",
                "٣",
                "½",
                "﷽",
                "㏇",
                "İ",
            ]
        ),
        max_size=12,
    ).map(" ".join),
)


@settings(max_examples=500)
@example("x" * 10_000)
@example("株" * 10_000)
@example("\u202e\u0000 =1+1")
@example("&" * 255)
@example("﷽" * 255)
@given(NAMES)
def test_any_text_gives_clean_words_and_is_its_own_normal_form(text):
    row = normalise(account_name=text)
    name = row["name"]
    assert row["display_name"] is None or len(row["display_name"]) <= 255
    if name is None:
        assert all(row[column] is None for column in NAME_COLUMNS[1:])
        assert {"name_names_nobody", "name_empty_after_cleaning"} & set(
            (row["problems"] or "").split(";")
        ) or not text.strip()
        return
    assert re.fullmatch("[a-z0-9]+( [a-z0-9]+)*", name) and len(name) <= 255
    assert row["name_key"] == name.replace(" ", "")
    assert sorted(row["name_sorted"]) == sorted(row["name_key"])
    assert re.fullmatch("[a-z0-9]+", row["name_short"])
    assert row["name_folded"].split()[0] == row["name_initials"].split()[0]
    assert row["name_core"] is None or re.fullmatch("[a-z0-9]{4,}", row["name_core"])
    # A legal form says that somebody is named so: `000 Ltd`, but not `000`.
    assert normalized.normalise_name(name, FORMS)[0] == name.split()


@settings(max_examples=100)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "account_name": st.none() | NAMES,
                **{
                    column: st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
                    for column in INPUT_COLUMNS[4:]
                },
            }
        ),
        max_size=8,
    ),
    st.integers(0, 8),
)
def test_batches_and_order_change_no_value(rows, cut):
    batch = batch_of(*rows)
    whole = normalized.normalise_batch(batch, FORMS, NOBODY, WORDS)
    assert whole.schema == normalized.SCHEMA
    halves = [normalized.normalise_batch(part, FORMS, NOBODY, WORDS).to_pylist() for part in (batch[:cut], batch[cut:])]
    assert whole.to_pylist() == halves[0] + halves[1]
    turned = batch.take(pa.array(range(len(rows))[::-1], pa.int64()))
    backwards = normalized.normalise_batch(turned, FORMS, NOBODY, WORDS)
    assert whole.to_pylist() == backwards.to_pylist()[::-1]


@settings(max_examples=300)
@given(
    st.sampled_from(["DE", "FR", "GB", "EL", "GR", "CHE", "NO", "IN", "MX", "BR", "US", "XI", "UK"])
    | st.text("ABX", max_size=3),
    st.text("0123456789AB -.", max_size=15),
    st.sampled_from([None, "DE", "GR", "MX", "US", "Norway"]),
)
def test_any_identifier_gives_a_value_or_a_problem(prefix, rest, country):
    text = prefix + rest
    row = normalise(vat_id=text, lei=text, duns=text, country=country)
    problems = row["problems"] or ""
    for column in ("vat_id", "lei", "duns"):
        reported = f"invalid_{column}" in problems
        if row[column] is None and text.strip():
            assert reported or "identifier_names_nobody" in problems
        else:
            assert not reported


@settings(max_examples=500)
@given(
    st.text("0123456789 -.'E+,", max_size=16)
    | st.integers(0, 10**11).map(str)
    | st.integers(10**6, 10**9 - 1).map(lambda number: f"{number:E}")
    | st.builds("{}{}".format, st.sampled_from(["DUNS: ", "D-U-N-S® ", "'", "duns no. ", "#"]), st.integers(0, 10**10)),
)
def test_an_accepted_duns_has_the_digits_that_were_given(text):
    duns = normalise(duns=text)["duns"]
    if duns is None:
        return
    assert re.fullmatch("[0-9]{9}", duns)
    given_digits = re.sub("[^0-9]", "", text)
    scientific = re.search("([0-9.,]+)E", text)
    if scientific:
        digits = re.sub("[^0-9]", "", scientific[1])
        assert duns == digits.zfill(9) and len(digits) == int(re.search("E.*?([0-9]+)", text)[1]) + 1
    elif re.fullmatch(r".*[0-9][.,]0+\W*", text) and duns != given_digits.zfill(9):
        assert duns == re.sub("[^0-9]", "", re.split("[.,]0+", text)[0]).zfill(9)
    else:
        assert duns == given_digits.zfill(9)


# ----------------------------------------------------------- countries


@pytest.mark.parametrize(
    "text, code",
    [
        ("DE", "DE"), ("deu", "DE"), ("Germany", "DE"), ("Deutschland", "DE"), ("Germany (DE)", "DE"), ("276", "DE"),
        ("USA", "US"), ("U.S.", "US"), ("United States", "US"), ("UNITED STATES OF AMERICA", "US"), ("US-CA", "US"),
        ("UK", "GB"), ("England", "GB"), ("Great Britain", "GB"), ("U.K.", "GB"), ("Northern Ireland", "GB"),
        ("Holland", "NL"), ("The Netherlands", "NL"), ("Países Bajos", "NL"), ("België", "BE"), ("Suisse", "CH"),
        ("South Korea", "KR"), ("Korea, Republic of", "KR"), ("North Korea", "KP"), ("대한민국", "KR"),
        ("Russia", "RU"), ("Россия", "RU"), ("Taiwan", "TW"), ("臺灣", "TW"), ("中国", "CN"), ("日本", "JP"),
        ("Turkey", "TR"), ("Türkiye", "TR"), ("Czech Republic", "CZ"), ("Česko", "CZ"), ("Slovak Republic", "SK"),
        ("Côte d’Ivoire", "CI"), ("Ivory Coast", "CI"), ("Hong Kong", "HK"), ("UAE", "AE"), ("Viet Nam", "VN"),
        ("Brasil", "BR"), ("Kosovo", "XK"), ("Georgia", "GE"), ("NA", "NA"), ("مصر", "EG"), ("السعودية", "SA"),
        ("Áo", "AT"), ("AO", "AO"), ("Bỉ", "BE"), ("Российская Федерация", "RU"), ("ישראל", "IL"),
        ("Congo, The Democratic Republic of the", "CD"), ("Niger", "NE"), ("Nigeria", "NG"),
        ("N/A", None), ("Mordor", None), ("XX", None), ("-", None), ("EU", None), ("US / CA", None),
    ],
)  # fmt: skip
def test_countries(text, code):
    row = normalise(country=text)
    assert (row["country_code"], row["problems"]) == (code, None if code else "unknown_country")


def test_every_iso_code_names_its_own_country():
    for country in normalized.pycountry.countries:
        codes = (country.alpha_2, country.alpha_3, country.numeric, country.name)
        assert {normalized.country_code(code) for code in codes} == {country.alpha_2}


@pytest.mark.parametrize(
    "text, city",
    [
        ("München", "munchen"),
        ("St. Gallen", "st gallen"),
        ("The Hague", "the hague"),
        ("東京", "dongjing"),
        ("--", None),
    ],
)
def test_cities(text, city):
    assert normalise(city=text)["city"] == city


# --------------------------------------------------------- identifiers


@pytest.mark.parametrize(
    "column, text, country, value",
    [
        ("lei", "5299 00t8-bm49 aursdo55", None, "529900T8BM49AURSDO55"),
        ("lei", "529900T8BM49AURSDO56", None, None),
        ("duns", "12-345-6798", None, "123456798"),
        ("duns", "'031459872", None, "031459872"),
        ("duns", "1.45872369E8", None, "145872369"),
        ("duns", "1.4587E8", None, None),
        ("duns", "14587236.0", None, "014587236"),
        ("duns", "D-U-N-S® 08-146-6849", None, "081466849"),
        ("duns", "D-U-N-S: 080123456", None, "080123456"),
        ("duns", "1234567", None, "001234567"),
        ("duns", "12345678", None, "012345678"),
        ("duns", "123456", None, None),
        ("duns", "1234567890", None, None),
        ("vat_id", "DE 136 695 976", None, "DE136695976"),
        ("vat_id", "136695976", "Germany", "DE136695976"),
        ("vat_id", "DE136695977", None, None),
        ("vat_id", "GR094259216", None, "EL094259216"),
        ("vat_id", "094259216", "Greece", "EL094259216"),
        ("vat_id", "GB 980 7806 84", None, "GB980780684"),
        ("vat_id", "UK980780684", None, "GB980780684"),
        ("vat_id", "XI980780684", None, "XI980780684"),
        ("vat_id", "CHE-107.787.577 IVA", None, "CHE107787577"),
        ("vat_id", "CHE107787577", None, "CHE107787577"),
        ("vat_id", "NO 995 525 828 MVA", None, "NO995525828"),
        ("vat_id", "DEC680524P76", "Mexico", "DEC680524P76"),
        ("vat_id", "12-3456798", "USA", "123456798"),
        ("vat_id", "VAT: DE811569869", None, "DE811569869"),
        ("vat_id", "USt-IdNr. DE 811 569 869", "Germany", "DE811569869"),
        ("vat_id", "ABN 53 004 085 616", "Australia", "AU53004085616"),
        ("vat_id", "53004085616", "AU", "AU53004085616"),
        ("vat_id", "FR 40 303 265 045", None, "FR40303265045"),
        ("vat_id", "SIREN 303 265 045", "France", "FR40303265045"),
        ("vat_id", "303 265 045 00001", "France", "30326504500001"),
        ("vat_id", "743110157", "Italy", "IT00743110157"),
        ("vat_id", "IT743110157", None, "IT00743110157"),
        ("vat_id", "IT743110158", None, None),
        ("vat_id", "12345", None, None),
        ("linkedin_url", "https://www.linkedin.com/company/Acme-Corp/about/", None, "company/acme-corp"),
        ("linkedin_url", "linkedin.com/company/12345?trk=x", None, "company/12345"),
        ("linkedin_url", "company/acme", None, "company/acme"),
        ("linkedin_url", "https://fr.linkedin.com/company/caf%C3%A9", None, "company/café"),
        ("linkedin_url", "https://www.linkedin.com/companies/acme", None, "company/acme"),
        ("linkedin_url", "https://no.linkedin.com/company/acme/about?trk=nav", None, "company/acme"),
        ("linkedin_url", "https://www.linkedin.com/in/somebody", None, None),
        ("linkedin_url", "https://www.linkedin.com/search/results/all/?keywords=acme", None, None),
    ],
)
def test_identifiers(column, text, country, value):
    row = normalise(country=country, **{column: text})
    output = column.removesuffix("_url")
    reported = None if value else f"invalid_{output}"
    assert (row[output], row["problems"]) == (value, reported)


@pytest.mark.parametrize(
    "column, text, country",
    [
        ("duns", "000000000", None), ("duns", "999-999-999", None), ("duns", "123456789", None),
        ("duns", "n/a", None), ("lei", "00000000000000000000", None), ("vat_id", "none", None),
        ("vat_id", "N/A 2023", "US"), ("vat_id", "XAXX010101000", "Mexico"), ("vat_id", "9999999999999", "Ecuador"),
        ("vat_id", "222222222222", "Colombia"), ("vat_id", "000000000", "US"), ("vat_id", "DE999999999", None),
        ("linkedin_url", "https://www.linkedin.com/company/unavailable/", None), ("linkedin_url", "unknown", None),
        ("linkedin_url", "linkedin.com/company/stealth-startup?trk=x", None),
    ],
)  # fmt: skip
def test_identifiers_that_name_nobody(column, text, country):
    row = normalise(country=country, **{column: text})
    assert (row[column.removesuffix("_url")], row["problems"]) == (None, "identifier_names_nobody")


def test_a_linkedin_page_typed_as_website_is_an_identifier():
    page = "https://www.linkedin.com/company/acme-tools/"
    assert normalise(website=page)["linkedin"] == "company/acme-tools"
    assert normalise(website=page, linkedin_url="linkedin.com/company/acme")["linkedin"] == "company/acme"
    assert normalise(website="acme.example")["problems"] is None
    assert normalise(website="https://www.linkedin.com/in/somebody")["problems"] is None


# -------------------------------------------------------------- states


@pytest.mark.parametrize(
    "text, country, state",
    [
        ("TN", "US", "US-TN"), ("Tennessee", "USA", "US-TN"), ("Tenn.", "US", "US-TN"), ("US-TN", None, "US-TN"),
        ("Calif.", "US", "US-CA"), ("D.C.", "US", "US-DC"), ("Ontario", "Canada", "CA-ON"), ("Qué.", "CA", "CA-QC"),
        ("Québec", "CA", "CA-QC"), ("NSW", "AU", "AU-NSW"), ("New South Wales", "AU", "AU-NSW"),
        ("Bayern", "DE", "DE-BY"), ("Bavaria", "DE", "DE-BY"), ("BY", "DE", "DE-BY"), ("Wien", "AT", "AT-9"),
        ("Lombardia", "IT", "IT-25"), ("São Paulo", "BR", "BR-SP"), ("TN", None, "tn"), ("Nowhere", "US", "nowhere"),
        ("n/a", "US", None), ("--", "US", None), (None, "US", None),
    ],
)  # fmt: skip
def test_states(text, country, state):
    assert normalise(state=text, country=country)["state"] == state


# ------------------------------------------------- names that name nobody


@pytest.mark.parametrize(
    "text",
    [
        "Unknown", "unknown inc", "N/A", "n.a.", "Test", "Test GmbH", "TEST ACCOUNT", "Test 1", "Test Account 2",
        "Privat",
        "Self-Employed", "self employed", "No Company", "Cash Customer", "Walk-in customer", "тест", "не указано",
        "テスト",
        "テスト株式会社", "测试公司", "个人", "테스트", "غير معروف", "לא ידוע", "άγνωστο",
        "không có", "Auto-entrepreneur",
        "Público en general", "Selbstständig", "0", "000", "-0-", "+49 (0)30 1234567", "xxx", "aaaa", "asdf", "ASDFGH",
        "qwertz", "asdfasdf", "info@acme.example", "DO NOT USE",
    ],
)  # fmt: skip
def test_names_that_name_nobody(text):
    row = normalise(account_name=text)
    assert "name_names_nobody" in row["problems"].split(";")
    assert row["display_name"] is not None
    assert all(row[column] is None for column in NAME_COLUMNS[1:])


@pytest.mark.parametrize(
    "text",
    [
        "3M", "1&1", "X Corp", "AAA", "Target", "Private Media Group", "Student Loan Corp", "Home Depot", "7-11",
        "24-7",
        "Test Rite International", "360 Ltd", "Unknown Worlds Entertainment", "Personal Systems GmbH", "Guest Services",
        "Example Farms Inc", "Independent Bank", "No Limits Gym", "Home 24 SE", "Nil Return Studios", "XX Large",
        "Zzz Beds",
    ],
)  # fmt: skip
def test_only_a_whole_name_names_nobody(text):
    assert name_of(text) is not None


def test_every_row_of_the_placeholders_names_nobody():
    for row in PLACEHOLDER_ROWS:
        column = {"name": "account_name", "linkedin": "linkedin_url"}.get(row["kind"], row["kind"])
        value = f"linkedin.com/company/{row['value']}" if row["kind"] == "linkedin" else row["value"]
        read = normalise(**{column: value})
        assert "names_nobody" in (read["problems"] or "") or not normalized.normalise_name(value, FORMS)[0], row


@pytest.mark.parametrize(
    "row, message",
    [
        ({"kind": "nome", "value": "x"}, "kind of `x` is `nome`, not one of name, lei"),
        ({"value": "x"}, "columns kind and value"),
    ],
)
def test_bad_placeholders_are_named(row, message):
    with pytest.raises(ValueError, match=message):
        normalized.compile_placeholders([row], FORMS)


# ------------------------------------------------------- spellings of names


@pytest.mark.parametrize(
    "text, name",
    [
        ("MÃ¼hlenhofer GmbH", "muhlenhofer"), ("CafÃ© BrÃ»lerie Montclar", "cafe brulerie montclar"),
        ("Johnsonâ€™s", "johnsons"),
    ],
)  # fmt: skip
def test_double_encoded_names_are_read(text, name):
    row = normalise(account_name=text)
    assert (row["name"], row["problems"]) == (name, "name_double_encoded")


@pytest.mark.parametrize("text", ["Müller", "São Paulo", "CAFÉ®", "BLÅ®", "ÄÖÜ", "Žďár", "Société Générale"])
def test_accents_are_no_double_encoding(text):
    row = normalise(account_name=text)
    assert (row["display_name"], row["problems"]) == (text, None)


@pytest.mark.parametrize(
    "text, name",
    [
        ("Moët et Chandelle", "moet and chandelle"), ("Kohl und Rübe", "kohl and rube"),
        ("Berg og Dal", "berg and dal"),
        ("1und1", "1 and 1"), ("1&1", "1 and 1"), ("Ilkeston.com", "ilkeston"), ("www.ilkeston.co.uk", "ilkeston"),
        ("Grindlebox.com, Inc.", "grindlebox"), ("St.Co", "st"), ("U.S. Net", "us net"),
        ("Dot Com Ventures", "dot com ventures"),
        ("[OLD] Fernhollow Inc", "fernhollow"), ("Fernhollow (inactive)", "fernhollow"),
        ("zz_Fernhollow", "fernhollow"),
        ("DO NOT USE - Fernhollow", "fernhollow"), ("*** DUPLICATE *** Fernhollow", "fernhollow"), ("ZZ Top", "zz top"),
        ("Old-World Imports", "old world imports"), ("Alt & Neu", "alt and neu"), ("Fernhollow_old", "fernhollow"),
        ("FernhollowAG", "fernhollow"), ("FernhollowGmbH", "fernhollow"), ("FernhollowLLC", "fernhollow"),
        ("OpAG", "opag"), ("eBay", "ebay"), ("Fernhollow AG", "fernhollow"),
    ],
)  # fmt: skip
def test_spellings_of_one_name(text, name):
    assert name_of(text) == name


@pytest.mark.parametrize(
    "one, other",
    [
        ("Seven-Eleven", "7-Eleven"), ("Fund II", "Fund 2"), ("Second Street Bakers", "2nd Street Bakers"),
        ("Dolce e Gabbiana", "Dolce & Gabbiana"), ("Twelve Oaks", "12 Oaks"),
    ],
)  # fmt: skip
def test_numbers_and_small_words_share_a_short_spelling(one, other):
    assert normalise(account_name=one)["name_short"] == normalise(account_name=other)["name_short"]


@pytest.mark.parametrize(
    "one, other",
    [
        ("Fund II", "Fund III"),
        ("One Bank", "First Bank"),
        ("E-Plus", "Plus"),
        ("Fund V", "Fund 5"),
        ("Xi Tools", "11 Tools"),
    ],
)
def test_numbers_and_letters_that_differ_stay_apart(one, other):
    assert normalise(account_name=one)["name_short"] != normalise(account_name=other)["name_short"]


@pytest.mark.parametrize(
    "text, kind",
    [
        ("John Smith", "person"), ("Dr. Thomas Weber", "person"), ("Weber, Thomas", "person"),
        ("María García", "person"),
        ("Thomas A. Weber", "person"), ("Weber GmbH", "common"), ("Thomas Weber GmbH", "common"),
        ("Weber", "common"), ("Quillfen Logistics", "company"),
        ("Circuit City Stores Inc", "company"), ("Weber & Smith", "company"), ("Apex Logistics", "common"),
        ("St. Mary's Hospital", "institution"),
        ("Lincoln Elementary School", "institution"), ("Mairie", "institution"), ("City of Franklin", "institution"),
        ("Apotheke am Markt", "institution"), ("Rotary Club", "institution"),
        ("University of Washington", "institution"),
    ],
)  # fmt: skip
def test_kinds_of_names(text, kind):
    kinds = {
        "given_name": "john thomas maria", "surname": "smith weber garcia", "title": "dr",
        "institution": "hospital school mairie apotheke university", "institution_alone": "city club", "stock": "apex",
    }  # fmt: skip
    rows = [{"word": word, "kind": kind} for kind, words in kinds.items() for word in words.split()]
    words = normalized.compile_name_words(rows, ["logistics"])
    assert normalized.normalise_names([text], FORMS, NOBODY, words)[0][-1].to_pylist() == [kind]


def test_name_words_without_a_column_are_named():
    with pytest.raises(ValueError, match="columns word and kind"):
        normalized.compile_name_words([{"word": "x"}])


# ---------------------------------------------------------------- seed


def test_seed_forms_are_spelt_as_the_normaliser_spells_them():
    assert {row["class"] for row in SEED_ROWS} == CLASSES
    assert all(" ".join(normalized.tokenise(row["form"])) == row["form"] for row in SEED_ROWS)
    keys = [("".join(row["form"].split()), row["script"] == "native") for row in SEED_ROWS]
    assert len(keys) == len(set(keys))
    assert len({code for row in SEED_ROWS for code in row["jurisdictions"].split()}) >= 60


def test_every_form_of_the_seed_is_removed():
    for row in SEED_ROWS:
        forms = normalized.compile_legal_forms([row])
        tokens = ["zzz", *row["form"].split()] if row["position"] != "start" else [*row["form"].split(), "zzz"]
        assert normalized.strip_legal_forms(tokens, forms, native=True) == (["zzz"], row["class"]), row


@pytest.mark.parametrize(
    "text, country, name, legal_form",
    [
        ("V\u0161\u012e Fernhollow", "LT", "fernhollow", "association"),
        ("UAB Fernhollow", "LT", "fernhollow", "limited"),
        ("UAB Fernhollow", "US", "uab fernhollow", None),
        ("SIA Fernhollow", None, "sia fernhollow", None),
        ('SIA "Fernhollow"', None, "fernhollow", "limited"),
        ("SIA FERNHOLLOW", "LV", "sia fernhollow", None),
        ("Sia Fernhollow", "LV", "sia fernhollow", None),
        ("SIA Fernhollow Company", "LV", "sia fernhollow", "company"),
        ("TOV Fernhollow", "UA", "fernhollow", "limited"),
        ("D.O.O. Fernhollow", None, "fernhollow", "limited"),
        ("EOOD Fernhollow", None, "fernhollow", "limited"),
        ("S.R.L. Fernhollow", None, "fernhollow", "limited"),
        ("LTD Fernhollow", None, "fernhollow", "limited"),
        ("INC Fernhollow", None, "inc fernhollow", None),
        ("FernhollowAG", None, "fernhollow", "public_limited"),
        ("FernhollowGmbH & Co. KG", None, "fernhollow", "limited_partnership"),
        ("FERNHOLLOWAG", None, "fernhollowag", None),
        ("Fernhollowag", None, "fernhollowag", None),
        ("C\u00f4ng ty C\u1ed5 ph\u1ea7n Fernhollow", None, "fernhollow", "public_limited"),
        ("Societatea cu R\u0103spundere Limitat\u0103 Fernhollow", None, "fernhollow", "limited"),
        ("Sociedad An\u00f3nima de Capital Variable Fernhollow", None, "fernhollow", "public_limited"),
        ("Fernhollow Sp\u00f3\u0142ka z ograniczon\u0105 odpowiedzialno\u015bci\u0105", None, "fernhollow", "limited"),
        ("Gesellschaft mit beschr\u00e4nkter Haftung Fernhollow", None, "fernhollow", "limited"),
    ],
)
def test_legal_forms_in_front_and_glued(text, country, name, legal_form):
    row = normalise(account_name=text, country=country)
    assert (row["name"], row["legal_form"]) == (name, legal_form)


@pytest.mark.parametrize(
    ("text", "country", "vat_id"),
    [
        ("811569860", "DE", None),
        ("53004085617", "AU", None),
        ("53004085616", "AU", "AU53004085616"),
        # no VAT number of the country by its length: another kind of number
        ("12893045671", "DE", "12893045671"),
        ("912845678", "US", "912845678"),
    ],
)
def test_a_number_that_fails_its_check_digits_is_none_and_reported(text, country, vat_id):
    row = normalise(vat_id=text, country=country)
    assert row["vat_id"] == vat_id
    assert (row["problems"] == "invalid_vat_id") == (vat_id is None)


def test_aliases_are_written_as_names_are_compared():
    """The model compares letters and digits: each value must be what the normaliser makes of it."""
    with ALIASES_SEED.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))

    def key(text: str) -> str:
        return re.sub("[^a-z0-9]", "", text.lower())

    for row in rows:
        for text in (row["name"], row["alias"]):
            assert normalise_any(account_name=text)["name_key"] == key(text), text
    names, aliases = ({key(row[column]) for row in rows} for column in ("name", "alias"))
    assert names.isdisjoint(aliases) and len(aliases) == len(rows)
    assert {row["kind"] for row in rows} == {"alias", "former_name", "short_name"}


def test_order_of_the_seed_changes_nothing():
    twice = [{"form": "foo", "class": "limited"}, {"form": "f o o", "class": "company"}]
    assert normalized.compile_legal_forms(twice) == normalized.compile_legal_forms(twice[::-1])


def test_replaced_seed_may_omit_optional_columns():
    forms = normalized.compile_legal_forms([{"form": "S.r.l.", "class": "limited"}, {"form": None, "class": "x"}])
    assert normalized.strip_legal_forms(["foo", "s", "r", "l"], forms) == (["foo"], "limited")
    assert normalized.compile_legal_forms([]).unspaced is None


@pytest.mark.parametrize(
    "row, message",
    [
        ({"form": "x", "class": "y", "position": "left"}, "position of `x` is `left`, not one of end"),
        ({"form": "x", "class": "y", "script": "han"}, "script of `x` is `han`, not one of native"),
        ({"form": "x"}, "columns form and class"),
    ],
)
def test_bad_seed_is_named(row, message):
    with pytest.raises(ValueError, match=message):
        normalized.compile_legal_forms([row])


# ------------------------------------------------------ the whole model


@pytest.mark.parametrize("n_rows", [0, 1, 70_000])
def test_model_streams_a_duckdb_relation(n_rows):
    connection = duckdb.connect()
    connection.execute(
        f"create table records as select 'ours' as side, '*' as partner_id, range::text as account_id, "
        f"'Acme ' || range || ' Ltd' as account_name, null as country, 'Paris' as city, null as lei, null as duns, "
        f"null as vat_id, null as linkedin_url, null as state, null as website from range({n_rows})"
    )
    connection.execute(f"create table legal_forms as from read_csv('{SEED}', all_varchar = true)")
    connection.execute(f"create table placeholders as from read_csv('{PLACEHOLDERS_SEED}', all_varchar = true)")
    connection.execute(f"create table name_words as from read_csv('{WORDS_SEED}', all_varchar = true)")
    tables = {
        "int_account_mapping__records": connection.table("records"),
        "account_mapping__placeholders": connection.table("placeholders"),
        "account_mapping__name_words": connection.table("name_words"),
        "account_mapping__common_words": connection.sql("select 'logistics' as word"),
        "account_mapping__legal_forms": connection.table("legal_forms"),
    }
    reader = normalized.model(SimpleNamespace(ref=tables.__getitem__), connection)
    assert reader.schema == normalized.SCHEMA
    table = reader.read_all()
    assert table.num_rows == n_rows
    assert table.column("name").to_pylist() == [f"acme {n}" for n in table.column("account_id").to_pylist()]


def test_missing_library_names_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "stdnum", None)
    with pytest.raises(ImportError, match=r"stdnum.*pip install -r dbt_packages/account_mapping/requirements\.txt"):
        load_model("int_account_mapping__normalized")


# ------------------------------------------------------ golden vectors


def golden_row(name: str, country: str) -> dict:
    outputs = normalise_any(account_name=name, country=country or None)
    kept = (*NAME_COLUMNS[:-1], "country_code", "problems")
    return {"account_name": name, "country": country, **{column: outputs[column] or "" for column in kept}}


def read_golden() -> list[dict]:
    with GOLDEN.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


@pytest.mark.parametrize("row", read_golden(), ids=lambda row: row["account_name"][:30])
def test_golden_vectors(row):
    """A failure means: hashed keys made by another installation no longer match. Bump NORMALISER_VERSION."""
    assert row.pop("normaliser_version") == normalized.NORMALISER_VERSION
    assert golden_row(row["account_name"], row["country"]) == row


def write_golden() -> None:
    rows = [
        {"normaliser_version": normalized.NORMALISER_VERSION, **golden_row(row["account_name"], row["country"])}
        for row in read_golden()
    ]
    with GOLDEN.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    write_golden()
