"""Names, places and identifiers of every account in one comparable spelling.

Both sides of a comparison, and both partners of an exchange of hashed keys, must write a company the same way, so each
value depends on its own row and the seeds only: never on row order, batch size, or the rest of the table.

Changing any output, here or in the seed, needs a new NORMALISER_VERSION: keys made by another version match nothing.
tests/python/golden/normaliser.csv freezes the outputs, so that a change is noticed.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from html import unescape
from itertools import repeat
from typing import NamedTuple
from urllib.parse import unquote

try:
    import babel
    import ftfy
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc
    import pycountry
    import stdnum
    import stdnum.exceptions
    import stdnum.fr.siren
    import stdnum.fr.siret
    import stdnum.lei
    from anyascii import anyascii
except ImportError as error:
    raise ImportError(
        f"account_mapping needs the Python library {error.name}, which is not "
        "installed where dbt runs. Install all it needs by "
        "`pip install -r dbt_packages/account_mapping/requirements.txt`"
    ) from error

NORMALISER_VERSION = "3"

MAX_NAME_LENGTH = 255

SCHEMA = pa.schema(
    [
        (column, pa.string())
        for column in (
            "side",
            "partner_id",
            "account_id",
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
            "country_code",
            "state",
            "city",
            "lei",
            "duns",
            "vat_id",
            "linkedin",
            "problems",
        )
    ]
)

# ---------------------------------------------------------------- text

ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
# C0 and C1 controls but white space, soft hyphen, zero-width space, word
# joiner, byte-order mark, and all that steers the direction of text. Joiners
# (200C, 200D) stay: Persian spelling and emoji need them.
CONTROLS = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]"
)
EMOJI = re.compile("[\u20e3\u2600-\u27bf\u2b00-\u2bff\ufe0e\ufe0f\U0001f000-\U0001faff\U000e0020-\U000e007f]")
RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefe\U00010800-\U00010fff\U0001e800-\U0001efff]")
NOT_LATIN = re.compile(
    "[\u0370-\u1dff\u1f00-\u1fff\u2c80-\ua71f\ua800-\uab2f\uab70-\ufaff"
    "\ufb13-\ufeff\U00010000-\U0001efff\U00020000-\U0003ffff]"
)
# Nearly every accented Latin name holds none of what comes here.
ABOVE_LATIN = re.compile("[\u00a0-\u00bf\u02b0-\U0010ffff]")
SIGNS = re.compile("[\u00ae\u00a9\u2117\u2120\u2122]")
# Accents that stand alone are apostrophes typed on the wrong key. NFKC would
# turn some of them into a space.
APOSTROPHES = re.compile("['`\u00b4\u02b9-\u02bf\u02c8\u2018-\u201b\u2032\u2035\u055a\u05f3\uff07]")
QUOTES = re.compile('["\u00ab\u00bb\u201c-\u201f\u2033\u2039\u203a\u300c-\u300f\uff02]')
# The double mark before the last letter of a Hebrew abbreviation.
GERSHAYIM = re.compile('(?<=[\u05d0-\u05ea])["\u05f4](?=[\u05d0-\u05ea])')
# East Asian abbreviations of legal forms, where one character in brackets
# stands for the form: as letters they would be part of the name.
BRACKETED = {
    "(\u682a)": " \u682a\u5f0f\u4f1a\u793e ",
    "(\u6709)": " \u6709\u9650\u4f1a\u793e ",
    "(\u540c)": " \u5408\u540c\u4f1a\u793e ",
    "(\uc8fc)": " \uc8fc\uc2dd\ud68c\uc0ac ",
    "(\uc720)": " \uc720\ud55c\ud68c\uc0ac ",
}
EAST_ASIAN = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
WITHOUT_SPACES = re.compile(f"[\u0e00-\u0e7f{EAST_ASIAN}]")
SCRIPT_CHANGE = re.compile(f"(?<=[A-Za-z0-9])(?=[{EAST_ASIAN}])|(?<=[{EAST_ASIAN}])(?=[A-Za-z0-9])")
# UTF-8 read as Latin-1 or Windows-1252: a lead byte as a letter, then the bytes that continue it as signs.
DOUBLE_ENCODED = re.compile(
    "[\u00c2\u00c3\u00c5\u00c4\u00ce\u00cf\u00d0\u00d1\u00e2-\u00ec]"
    "[\x80-\xbf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]"
)
# What people write around a name of a record that they no longer use; it is no part of the name.
MARKS = (
    "old|(?:do )?not use|don'?t use|dnu|inactive|in-active|duplicate|dup|dupe|closed|closed down|obsolete|deleted"
    "|archived|deprecated|defunct|out of business|merged|to be deleted|delete|expired|dormant|veraltet|inaktiv|gesperrt"
    "|gel\u00f6scht|nicht verwenden|nicht benutzen|doppelt|dublette|alt|ne pas utiliser|doublon|inactif|ferm\u00e9"
    "|supprim\u00e9|no usar|inactivo|cerrado|duplicado|n\u00e3o usar|inativo|encerrado|non usare|inattivo|duplicato"
    "|chiuso|niet gebruiken|inactief|dubbel|gesloten|nie u\u017cywa\u0107|nieaktywny|anv\u00e4nd ej|inaktivt|ikke brug"
    "|ikke bruk"
)
# In brackets or asterisks anywhere, or set off by a stroke at either end. (Two braces in a row would be a template's.)
MARKED = re.compile(
    r"[\[(\x7b<]+\s*(?:MARKS)\s*[\])\x7d>]+|\*+\s*(?:MARKS)\s*\*+|^(?:MARKS)(?:\s*[_:*|#]+\s*|\s+-+\s+)"
    r"|^zzz?[_*]+(?=\w)|(?:\s*[_*|#]+\s*|\s+-+\s+)(?:MARKS)[\s*!]*$|^\*\*+|\*\*+$".replace("MARKS", MARKS),
    re.IGNORECASE,
)
MARK_SIGNS = re.compile("[\\[({<*_:|#]| -|^[zZ]{2}")
# A legal form written without a space at the end: a small letter, then the form in its usual capitals. Short forms need
# a word of five letters before them.
LONG_GLUED = ("GmbH", "mbH", "KGaA", "LLC", "LLP", "PLC", "SpA", "SARL", "SRL", "Ltd", "Inc", "Corp")
GLUED = (*LONG_GLUED, "AG", "KG", "BV", "NV", "AB", "SA", "SAS", "OHG", "ASA")
GLUED_FORM = re.compile(
    r"(?:(?<=[^\W\d_A-Z])(?=(?:LONG)(?:\s*(?:&|\+|und)\s*Co\b.*)?$)|(?<=[^\W\d_]{4}[^\W\d_A-Z])(?=(?:ANY)$))".replace(
        "LONG", "|".join(LONG_GLUED)
    ).replace("ANY", "|".join(GLUED))
)
# A website as a name. Suffixes that are also legal forms or words that follow initials are not among them.
SUFFIXES = frozenset(
    """com net org io ai app dev biz info eu de fr it es nl ch at uk pl pt cz dk fi no ru ua jp cn us ca tv shop store
    online tech cloud""".split()  # noqa: SIM905
)
WEBSITE = re.compile(
    r"\b[^\W_][\w-]{2,}\.(?:(?:co|com|org|net)\.[a-z]{2}|SUFFIX)(?=$|[\s,/)])".replace(
        "SUFFIX", "|".join(sorted(SUFFIXES))
    ),
    re.IGNORECASE,
)
ANDS = frozenset(["und", "et", "och", "og"])
# `1&1` and `1und1`: tokenise sets the signs apart, this the letters.
NUMBERS_AND = re.compile(r"(?<![^\W_])([0-9]{1,3})(?:und|and|et)([0-9]{1,3})(?![^\W_])", re.IGNORECASE)
# Single letters with dots between them: S.A., I.B.M., J.P.Morgan.
ACRONYM = re.compile(r"\b[^\W\d_](?:\.[^\W\d_])+\b\.?")
# EDGAR appends the state of incorporation: `FOO CORP /DE/`, sometimes without the last slash.
EDGAR_STATE = re.compile(r"\s*[/\\][A-Za-z]{2,3}[/\\]\s*$|\s+[/\\][A-Z]{2,3}\s*$")
# The start of a formula: one of = + - @, also full-width or small, behind blanks, invisible characters and quotation
# marks (not behind an apostrophe, which makes text of it). Character by character as in macro spreadsheet_safe.
FORMULA = re.compile(
    "[\x00-\x20\x22\x60\x7f-\xa0\xab\xad\xb4\xbb\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f"
    "\u2000-\u200f\u2018-\u201f\u2028-\u202f\u205f-\u206f\u2039\u203a\u2800\u3000\u300c-\u300f\u3164"
    "\ufe00-\ufe0f\ufeff\uff02\uff07\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]*"
    "[=+@\u2212\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20-]"
)
# By byte: letters in lower case, digits, all else a space.
ASCII_FOLD = bytes(ord(chr(code).lower()) if code < 128 and chr(code).isalnum() else ord(" ") for code in range(256))
UMLAUT = re.compile("(?<=[a-z])([aou])e(?=[b-df-hj-np-tv-z])")


class Transliteration(dict):
    """anyascii by code point, remembered: a table for str.translate."""

    def __missing__(self, code: int) -> str:
        self[code] = anyascii(chr(code))
        return self[code]


TRANSLITERATION = Transliteration()


def clean_text(value: str) -> str:
    """`value` without HTML entities and control characters, white space collapsed and trimmed.

    Lists copied from web pages hold `Moody&#8217;s`; a `&` without a closing semicolon stays what it is.
    """
    if "&" in value and ";" in value:
        value = ENTITY.sub(lambda entity: unescape(entity[0]), value)
    if not value.isprintable():
        value = CONTROLS.sub("", value)
    return " ".join(value.split())


def display_name(text: str) -> str:
    """Cleaned `text` for people: at most 255 characters, never a formula.

    A spreadsheet runs a cell that starts with `=`, `+`, `-` or `@`; a leading
    apostrophe makes it text (OWASP, CSV injection).
    """
    if is_formula(text):
        text = "'" + text
    return text[:MAX_NAME_LENGTH].rstrip()


def is_formula(text: str) -> bool:
    """Would a spreadsheet run `text`?"""
    return FORMULA.match(text) is not None


def join_acronym(match: re.Match) -> str:
    return match[0].replace(".", "") + " "


def to_ascii(text: str, unspaced: re.Pattern | None = None) -> str:
    """Transliterate to ASCII; a legal form inside an unspaced run gets spaces.

    unspaced: legal forms in scripts written without spaces, as anyascii spells
    them (each Chinese or Korean character begins with a capital).
    """
    if ABOVE_LATIN.search(text):
        text = EMOJI.sub(" ", SIGNS.sub("", text))
        text = GERSHAYIM.sub("", text)
        text = APOSTROPHES.sub("", text)
    text = QUOTES.sub(" ", text)
    if not unicodedata.is_normalized("NFKC", text):
        text = unicodedata.normalize("NFKC", text)
    if "." in text:
        # Before transliteration: one letter may become two.
        text = ACRONYM.sub(join_acronym, text)
    if WITHOUT_SPACES.search(text):
        for short, full in BRACKETED.items():
            text = text.replace(short, full)
        text = SCRIPT_CHANGE.sub(" ", text).translate(TRANSLITERATION)
        if unspaced is not None:
            text = unspaced.sub(r" \g<0> ", text)
    else:
        text = text.translate(TRANSLITERATION)
    # What is left of these are soft signs and glottal stops.
    return text.replace('"', "").replace("`", "").replace("'", "")


def tokenise(text: str) -> list[str]:
    """Words [a-z0-9]+ of an ASCII text; no word is empty."""
    if "'" in text or "`" in text:
        text = text.replace("'", "").replace("`", "")
    if "." in text:
        text = ACRONYM.sub(join_acronym, text)
    if "&" in text:
        text = text.replace("&", " and ")
    return text.encode("ascii").translate(ASCII_FOLD).decode("ascii").split()


# --------------------------------------------------------- legal forms


@dataclass(frozen=True)
class LegalForms:
    """The legal-forms seed, ready for look-up. Forms are joined: `sadecv`.

    last, first: class by form that may end or begin a name; native_last and
    native_first add those that count only in names not in Latin letters.
    endings, beginnings: every tail of a form in native_last, every head of a
    form in native_first. inner: words that are a legal form even amid a name;
    anywhere: those that are one even as its first word. capitals: class by form of those that begin a name only when
    written in capitals, with the countries where they do (all, if none is given).
    unspaced: finds the forms of scripts written without spaces.
    """

    last: dict[str, str]
    native_last: dict[str, str]
    first: dict[str, str]
    native_first: dict[str, str]
    endings: frozenset[str]
    beginnings: frozenset[str]
    inner: frozenset[str]
    anywhere: frozenset[str]
    capitals: dict[str, tuple[str, frozenset[str]]]
    unspaced: re.Pattern | None


POSITIONS = ("end", "start", "both", "after_first", "anywhere", "capitals")
SCRIPTS = ("", "native", "unspaced")


def compile_legal_forms(rows: list[dict]) -> LegalForms:
    """LegalForms of the seed's rows (form, class, position?, script?).

    Raises ValueError when a column is missing, or a position or script unknown.
    """
    last, native_last, first, native_first, capitals = {}, {}, {}, {}, {}
    inner, anywhere, unspaced = set(), set(), set()
    for row in rows:
        if "form" not in row or "class" not in row:
            raise ValueError("account_mapping__legal_forms needs the columns form and class")
    # Should a form occur twice, the result does not depend on the rows' order.
    for row in sorted(rows, key=lambda row: [row[column] or "" for column in sorted(row)]):
        tokens = tokenise(anyascii(row["form"] or ""))
        if not tokens:
            continue
        position, script = row.get("position") or "end", row.get("script") or ""
        for column, value, known in (("position", position, POSITIONS), ("script", script, SCRIPTS)):
            if value not in known:
                raise ValueError(
                    f"account_mapping__legal_forms: {column} of `{row['form']}` is `{value}`, "
                    f"not one of {', '.join(filter(None, known))}"
                )
        form = "".join(tokens)
        if position != "start":
            native_last[form] = row["class"]
            if script != "native":
                last[form] = row["class"]
        if position in ("start", "both", "anywhere"):
            native_first[form] = row["class"]
            if script != "native":
                first[form] = row["class"]
        # INC stays: what begins with it is hardly ever a legal form.
        if position == "capitals":
            capitals[form] = row["class"], frozenset((row.get("jurisdictions") or "").split())
        elif position == "after_first" and row["class"] == "limited":
            capitals[form] = row["class"], frozenset()
        if position in ("after_first", "anywhere"):
            inner.add(form)
        if position == "anywhere":
            anywhere.add(form)
        if script == "unspaced":
            # anyascii: one capitalised syllable a character, else plain.
            spell = str.capitalize if len(tokens) > 1 else str
            unspaced.add("".join(map(spell, tokens)))
    longest_first = sorted(unspaced, key=lambda form: (-len(form), form))
    return LegalForms(
        last=last,
        native_last=native_last,
        first=first,
        native_first=native_first,
        endings=frozenset(f[i:] for f in native_last for i in range(len(f))),
        beginnings=frozenset(f[: i + 1] for f in native_first for i in range(len(f))),
        inner=frozenset(inner),
        anywhere=frozenset(anywhere),
        capitals=capitals,
        unspaced=re.compile("|".join(longest_first)) if unspaced else None,
    )


def strip_last(tokens: list[str], last: dict[str, str], endings: frozenset[str]) -> tuple[list[str], str | None]:
    """`tokens` without the longest legal form at their end, and its class.

    The words are compared joined, so that `s p a`, `sp a` and `spa` are one.
    Never strips all.
    """
    text, best, found = "", 0, None
    for n in range(1, len(tokens)):
        text = tokens[-n] + text
        if text not in endings:
            break
        if text in last:
            best, found = n, last[text]
    return (tokens[:-best], found) if best else (tokens, None)


def strip_first(tokens: list[str], first: dict[str, str], beginnings: frozenset[str]) -> tuple[list[str], str | None]:
    """`tokens` without the longest legal form they begin with; never all."""
    text, best, found = "", 0, None
    for n in range(1, len(tokens)):
        text += tokens[n - 1]
        if text not in beginnings:
            break
        if text in first:
            best, found = n, first[text]
    return (tokens[best:], found) if best else (tokens, None)


def strip_inner(
    tokens: list[str],
    last: dict[str, str],
    forms: LegalForms,
) -> tuple[list[str], str | None]:
    """Drop legal forms amid a name, with what belongs to them: `co ltd japan`."""
    for i in range(1, len(tokens) - 1):
        if tokens[i] in forms.inner:
            head, found = strip_last(tokens[: i + 1], last, forms.endings)
            return head + tokens[i + 1 :], found
    if len(tokens) > 1 and tokens[0] in forms.anywhere:
        return tokens[1:], last[tokens[0]]
    return tokens, None


def join_letters(tokens: list[str]) -> list[str]:
    """Runs of single letters become one word: `j p morgan`, `i b m`."""
    joined, run = [], False
    for token in tokens:
        letter = len(token) == 1 and token.isalpha()
        if letter and run:
            joined[-1] += token
        else:
            joined.append(token)
        run = letter
    return joined


def strip_legal_forms(tokens: list[str], forms: LegalForms, native: bool = False) -> tuple[list[str], str | None]:
    """Name words, and the class of the outermost legal form, or None.

    Repeated until nothing changes, so that the result is its own normal form:
    `gmbh & co kg`, `pt ... tbk`, articles and spaced-out letters included.
    A name made of legal forms alone keeps its last one.

    tokens: from tokenise. native: the name holds letters that are not Latin.
    """
    last = forms.native_last if native else forms.last
    first = forms.native_first if native else forms.first
    legal_form = None
    while True:
        before = tokens
        if len(tokens) > 1:
            if tokens[0] == "the":
                tokens = tokens[1:]
            elif tokens[-1] == "the":
                tokens = tokens[:-1]
        if len(tokens) > 1:
            found = None
            if tokens[-1] in forms.endings:
                tokens, found = strip_last(tokens, last, forms.endings)
            if not found and tokens[0] in forms.beginnings:
                tokens, found = strip_first(tokens, first, forms.beginnings)
            if not found and not forms.inner.isdisjoint(tokens):
                tokens, found = strip_inner(tokens, last, forms)
            legal_form = legal_form or found
            if not found and 1 in map(len, tokens):
                tokens = join_letters(tokens)
        if tokens == before:
            return tokens, legal_form


# A word in capitals, such as SIA or S.R.L., before a name that is quoted or not in capitals.
LEADING_CAPITALS = re.compile(r"\s*([^\W\d_](?:\.?[^\W\d_]){1,5})\.?(\s*[\"\u00ab\u201c-\u201f].*|\s.*)", re.DOTALL)


def leading_capitals(text: str, forms: LegalForms, country: str | None) -> tuple[str, str | None]:
    """A name without the legal form in capitals that it begins with, and that form's class.

    `SIA Foo` of Latvia and `SIA "Foo"`, but not `SIA FOO`, `Sia Foo` or `SIA Foo` of elsewhere, which may be names.
    """
    match = LEADING_CAPITALS.fullmatch(text)
    if not match or not match[1][-1].isupper() or sum(map(str.isupper, match[1])) < 2:
        return text, None
    quoted = match[2].lstrip()[:1] in '"\u00ab\u201c\u201d\u201e\u201f'
    if not quoted and not any(map(str.islower, match[2])):
        return text, None
    word = match[1].replace(".", "")
    form = (word if word.isascii() else to_ascii(word)).lower()
    if form not in forms.capitals:
        return text, None
    legal_form, countries = forms.capitals[form]
    return (match[2], legal_form) if quoted or not countries or country in countries else (text, None)


def normalise_name(text: str, forms: LegalForms, country: str | None = None) -> tuple[list[str], str | None]:
    """Name words and legal-form class of a cleaned name; no words if none.

    " ".join(words) is at most 255 characters and is its own normal form. country: alpha-2 code, which tells whether a
    word in capitals in front is a legal form.
    """
    text = text[:MAX_NAME_LENGTH]
    if "/" in text or "\\" in text:
        text = EDGAR_STATE.sub("", text) or text
    if "GmbH & Co" in text or (text.endswith(GLUED) and " " not in text[-5:-2]):
        text = GLUED_FORM.sub(" ", text)
    if not text[1:3].islower():
        named, leading = leading_capitals(text, forms, country)
        if leading:
            words, legal_form = name_words(named, forms)
            # A second legal form at the end: the first is part of the name, as in SIA Foo Company.
            if words and not legal_form:
                return words, leading
    return name_words(text, forms)


def name_words(text: str, forms: LegalForms) -> tuple[list[str], str | None]:
    """normalise_name of a text without a form in front that depends on its country."""
    native = False
    if not text.isascii():
        native = NOT_LATIN.search(text) is not None
        text = to_ascii(text, forms.unspaced)
    if text[:1].isdigit():
        text = NUMBERS_AND.sub(r"\1 and \2", text)
    tokens = tokenise(text)
    if len(text) > MAX_NAME_LENGTH // 3:
        # Transliterated and spelt out, 255 characters may have become more.
        tokens = " ".join(tokens)[:MAX_NAME_LENGTH].split()
    tokens, legal_form = strip_legal_forms(tokens, forms, native)
    shorter = tokens
    if "." in text and len(tokens) > 1 and tokens[-1] in SUFFIXES and WEBSITE.search(text):
        shorter = without_suffix(tokens)
    if not ANDS.isdisjoint(shorter):
        shorter = [
            "and" if word in ANDS and 0 < place < len(shorter) - 1 else word for place, word in enumerate(shorter)
        ]
    while shorter != tokens:
        # What has become another last word may be a legal form.
        tokens, found = strip_legal_forms(shorter, forms, native)
        legal_form = legal_form or found
        shorter = tokens
    if len(" ".join(tokens)) > MAX_NAME_LENGTH:
        # `et` has become `and`.
        tokens, _ = strip_legal_forms(" ".join(tokens)[:MAX_NAME_LENGTH].split(), forms, native)
    return tokens, legal_form


def without_suffix(tokens: list[str]) -> list[str]:
    """Words of a website's name without `www` and its public suffix."""
    tokens = tokens[:-1]
    if len(tokens) > 1 and tokens[-1] in ("co", "com", "org", "net"):
        tokens = tokens[:-1]
    return tokens[1:] if tokens[0] == "www" and len(tokens) > 1 else tokens


# --------------------------------------------- values that name nobody


@dataclass(frozen=True)
class Placeholders:
    """The seed of values that name nobody, ready for look-up.

    names: their words. first_words: what they begin with. identifiers: by column, in capitals without
    separators, of LinkedIn the slug.
    """

    names: frozenset[str]
    first_words: frozenset[str]
    identifiers: Mapping[str, frozenset[str]]


PLACEHOLDER_KINDS = ("name", "lei", "duns", "vat_id", "linkedin")
NO_PLACEHOLDERS = Placeholders(frozenset(), frozenset(), {})
KEY_ROWS = ("qwertyuiop", "qwertzuiop", "azertyuiop", "asdfghjkl", "zxcvbnm", "yxcvbnm")
KEYBOARD_RUNS = frozenset(
    row[:length] * times
    for row in KEY_ROWS
    for length in range(5 if row[0] == "a" and row[1] == "z" else 4, len(row) + 1)
    for times in (1, 2, 3)
)
ONE_LETTER = re.compile(r"([xz])\1{2,20}|([a-z])\2{3,20}")
EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
NOT_GIVEN = re.compile(
    r"(?:n\s*/\s*a|n\.a|na|none|null|nil|not (?:available|applicable|known|given|registered)|unknown|pending|exempt|tbd"
    r"|tba|applied for|keine?|unbekannt|inconnu|aucun|desconocido|ninguno|nessuno|geen|brak|ingen)\b(?!\w)[^0-9]*"
    r"(?:[0-9]{1,4})?",
    re.IGNORECASE,
)


def compile_placeholders(rows: list[dict], forms: LegalForms) -> Placeholders:
    """Placeholders of the seed's rows (kind, value).

    Raises ValueError when a column is missing or a kind unknown.
    """
    names, first_words = set(), set()
    identifiers: dict[str, set[str]] = {kind: set() for kind in PLACEHOLDER_KINDS[1:]}
    for row in rows:
        if "kind" not in row or "value" not in row:
            raise ValueError("account_mapping__placeholders needs the columns kind and value")
        # the seeds of most adapters have no value where the file says null
        kind, value = row["kind"], clean_text("null" if row["value"] is None else row["value"])
        if kind not in PLACEHOLDER_KINDS:
            raise ValueError(
                f"account_mapping__placeholders: kind of `{value}` is `{kind}`, "
                f"not one of {', '.join(PLACEHOLDER_KINDS)}"
            )
        if kind == "name":
            tokens = tokenise(to_ascii(value, forms.unspaced))
            if tokens:
                names.add(" ".join(tokens))
                # What begins it, with and without a legal form in front.
                first_words.update((tokens[0], normalise_name(value, forms)[0][0]))
        elif kind == "linkedin":
            identifiers[kind].add(value.lower())
        else:
            identifiers[kind].add(SEPARATORS.sub("", value).upper())
    return Placeholders(
        frozenset(names), frozenset(first_words), {kind: frozenset(values) for kind, values in identifiers.items()}
    )


def names_nobody(text: str, tokens: list[str], legal_form: str | None, nobody: Placeholders) -> bool:
    """Does a name stand where nobody is named? Only the whole name counts, its legal form set aside.

    text: cleaned. tokens, legal_form: what normalise_name makes of it, at least one word.
    """
    if len(tokens) == 1:
        word = tokens[0]
        if word in nobody.names or word in KEYBOARD_RUNS:
            return True
        if legal_form is None and ONE_LETTER.fullmatch(word):
            return True
        # `The 519` is a name, 519 none.
        if legal_form is None and word.isdigit() and not any(map(str.isalpha, text)):
            return True
    elif legal_form is None and all(map(str.isdigit, tokens)):
        digits = "".join(tokens)
        # `7-11` is a name, a telephone number none.
        if len(digits) > 4 or not int(digits):
            return True
    if tokens[0] in nobody.first_words and len(tokens) <= 8:
        if " ".join(tokens) in nobody.names:
            return True
        words = tokenise(text if text.isascii() else to_ascii(text))
        if " ".join(words) in nobody.names:
            return True
        if legal_form is None and len(tokens) > 1 and len(tokens[-1]) < 4 and tokens[-1].isdigit():
            return " ".join(tokens[:-1]) in nobody.names
    return "@" in text and EMAIL.fullmatch(text) is not None


# -------------------------------------------------------- kinds of names


@dataclass(frozen=True)
class NameWords:
    """The seed of words by kind, ready for look-up: persons' names, titles, and what institutions are called.

    alone: institutions' words that companies use as well; they count only in a name without a legal form.
    common: all words that tell little about which company is meant.
    """

    given_names: frozenset[str]
    surnames: frozenset[str]
    titles: frozenset[str]
    institutions: frozenset[str]
    alone: frozenset[str]
    common: frozenset[str]


NO_NAME_WORDS = NameWords(*[frozenset()] * 6)
LONGEST_PERSON = 7


def compile_name_words(rows: list[dict], common: Iterable[str | None] = ()) -> NameWords:
    """NameWords of the seed's rows (word, kind) and of the words of account_mapping__common_words.

    Raises ValueError when a column is missing.
    """
    of_kind: dict[str, set[str]] = {}
    for row in rows:
        if "kind" not in row or "word" not in row:
            raise ValueError("account_mapping__name_words needs the columns word and kind")
        of_kind.setdefault(row["kind"] or "", set()).add(row["word"] or "")
    kinds = ("given_name", "surname", "title", "institution", "institution_alone")
    telling_little = frozenset().union(common, *(words for kind, words in of_kind.items() if kind != "region"))
    return NameWords(*(frozenset(of_kind.get(kind, ())) for kind in kinds), frozenset(filter(None, telling_little)))


def name_kind(text: str, tokens: list[str], legal_form: str | None, words: NameWords) -> str:
    """`person`, `institution`, `common` or `company`: what a name is by its words. `common` holds none that tells
    companies apart.

    A person's name is made of two to four known names and initials, titles set aside, and begins with a given name, or
    with a surname and a comma.
    """
    if not words.institutions.isdisjoint(tokens) or (legal_form is None and not words.alone.isdisjoint(tokens)):
        return "institution"
    if legal_form is None and 1 < len(tokens) <= LONGEST_PERSON:
        start, end = 0, len(tokens)
        while start < end and tokens[start] in words.titles:
            start += 1
        while start < end and tokens[end - 1] in words.titles:
            end -= 1
        names = tokens[start:end]
        if (
            2 <= len(names) <= 4
            and all(name in words.given_names or name in words.surnames or len(name) == 1 for name in names)
            and any(len(name) > 1 for name in names[1:])
            and (names[0] in words.given_names or ("," in text and names[0] in words.surnames))
            and (start or not text.isupper() or len(names[0]) > 2)
        ):
            reversed_order = names[0] not in words.given_names
            if not reversed_order or not words.given_names.isdisjoint(names[1:]):
                return "person"
    return "common" if words.common.issuperset(tokens) else "company"


# ------------------------------------------------------- abbreviations

# One short spelling for each family of words, as directories and ERP exports
# abbreviate them.
ABBREVIATIONS = {
    long: words.split()[0]
    for words in (
        "intl international internat internatl internacional internationale",
        "mfg manufacturing manuf manufg manufacturers manufacturer mfrs mfr",
        "tech technology technologies technol techs technologie technologia",
        "grp group groupe gruppe grupo gruppo",
        "hldg holding holdings hldgs hld hlds hldngs",
        "ind industry industries industrial inds indus industrie industria",
        "pharma pharmaceutical pharmaceuticals pharm pharmaceut pharmac",
        "lab labs laboratory laboratories laboratoire laboratoires",
        "svc service services svcs svce serv servs",
        "sys system systems syst systs systeme systemes",
        "res resource resources resrc resrcs",
        "mgmt management mgt mngmt",
        "dev development developments devel devt develop",
        "eng engineering engr engrg engrs engineers",
        "elec electric electrical elect electr",
        "eltn electronic electronics electron elecs",
        "assoc associate associates association assocs assn assocn",
        "bro brothers brother bros",
        "univ university universitaet universite universidad universita",
        "inst institute institut instituto inst institution",
        "natl national nat nacional nationale",
        "amer american america americas",
        "fin financial finance fincl finl financials",
        "ins insurance insur insce",
        "inv investment investments invest invs invt invmt invts",
        "ent enterprise enterprises entp entps enterp enterpr",
        "comm communication communications comms commun",
        "telecom telecommunication telecommunications telecoms telecomm",
        "transp transport transportation transports trans transpt",
        "chem chemical chemicals chems chemie",
        "prod product products prods production productions",
        "prop property properties props ppty",
        "ptnr partner partners ptnrs prtnrs",
        "co company companies cos cie cia compagnie",
        "corp corporation corporations corpn",
        "inc incorporated incorp",
        "ltd limited",
        "dept department",
        "ctr center centre centers centres cntr",
        "govt government gov",
        "hosp hospital hospitals",
        "med medical medicine medicals",
        "fdn foundation found fndn",
        "soc society societe sociedad",
        "st saint sankt ste sainte",
        "mt mount",
        "ft fort",
        "soln solution solutions solns sols",
        "sw software softw",
        "consult consulting consultants consultancy consultant",
        "constr construction constructions const construct",
        "expl exploration explorations explor",
        "acq acquisition acquisitions acquis acqn",
        "mat material materials matls matl mater",
        "equip equipment equipments eqpt",
        "mach machinery machine machines",
        "thera therapeutics therapeutic therap",
        "biotech biotechnology biotechnologies biotechs",
        "entmt entertainment entertain",
        "distr distribution distributors distributor distrib dist",
        "comp computer computers computing",
        "info information",
        "sci science sciences scientific",
        "infra infrastructure infrastructures infrastr",
        "bldg building buildings bldgs",
        "env environmental environment enviro",
        "adv advanced advance advd",
        "gen general genl",
        "auto automotive automobile automobiles automob",
        "log logistics logistic",
        "sec security securities secs",
        "cap capital",
        "prec precision",
        "petro petroleum petrol petr",
        "min mining mines",
        "agri agricultural agriculture agric",
        "us usa",
    )
    for long in words.split()
}
# Numbers in words and Roman numerals; single letters may be anything. Ordinals stay ordinals.
CARDINALS = """one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen twenty"""
ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth"
ROMAN_NUMBERS = {"ii": 2, "iii": 3, "iv": 4, "vi": 6, "vii": 7, "viii": 8, "ix": 9, "xi": 11, "xii": 12, "xiii": 13}
NUMBERS = {
    **{word: str(number) for number, word in enumerate(CARDINALS.split(), 1)},
    **dict(zip(ORDINALS.split(), ("1st", "2nd", "3rd", *(f"{n}th" for n in range(4, 11))), strict=True)),
    **{word: str(number) for word, number in ROMAN_NUMBERS.items()},
}
FOLDED_WORDS = ABBREVIATIONS | NUMBERS
STOPWORDS = frozenset(
    ["the", "and", "of", "und", "et", "y", "och", "og", "for", "de", "del", "la", "der", "die", "das"]
)


# Words, as folded, that companies add to their name or leave out of it.
ADDED_WORDS = frozenset(["co", "corp", "ent", "grp", "hldg", "inc", "intl", "ltd"])
MIN_CORE_LENGTH = 4
ROMAN = "ivx"


def fold_umlauts(text: str) -> str:
    """ae, oe, ue before a consonant as a, o, u.

    German ae, oe, ue are how ä, ö, ü (transliterated a, o, u) are typed
    without them.
    """
    if "ae" in text or "oe" in text or "ue" in text:
        text = UMLAUT.sub(r"\1", text)
    return text


def word_initial(word: str) -> str:
    """What stands for a word behind the first: its first letter.

    Numbers stay whole, in either notation: Acquisition II is not Acquisition III.
    """
    return word[0] if word.isalpha() and word.strip(ROMAN) else word


class Spellings(NamedTuple):
    """Spellings of names for keys, (names,) strings each, null where there is none.

    key: all words joined. sorted_key: in alphabetical order.
    short: with abbreviations and number words folded and small words dropped (a name of small words alone keeps them),
    then umlauts folded. folded: the same word by word, by spaces.
    core: the folded words joined, without ADDED_WORDS but for a first one (International Paper is not Paper) that is
    not a group (Grupo, Gruppo); null where fewer than MIN_CORE_LENGTH letters are left.
    initials: the first folded word, then what word_initial makes of the others: `monster b`.
    """

    key: pa.Array
    sorted_key: pa.Array
    short: pa.Array
    folded: pa.Array
    core: pa.Array
    initials: pa.Array


def spell(names: pa.Array) -> Spellings:
    """The spellings of names, (n,) strings of words [a-z0-9]+ with single spaces, or null.

    Each distinct word is spelt once, however many names hold it.
    """
    rows = pc.cumulative_sum(pc.is_valid(names).cast(pa.int64())).to_numpy() - 1
    everywhere = pa.array(rows, mask=pc.is_null(names).to_numpy(zero_copy_only=False))
    lists = pc.split_pattern(names.drop_null(), " ")
    encoded = lists.flatten().dictionary_encode()
    words, word = encoded.dictionary.to_pylist(), encoded.indices.to_numpy()
    row = np.repeat(np.arange(len(lists)), np.diff(lists.offsets.to_numpy()))

    def joined(texts: pa.Array, chosen: np.ndarray, separator: str = "") -> pa.Array:
        """The texts of the chosen words of each name."""
        first = np.searchsorted(row[chosen], np.arange(len(lists) + 1))
        parts = texts.take(pa.array(word[chosen]))
        return pc.binary_join(pa.ListArray.from_arrays(pa.array(first.astype(np.int32)), parts), separator)

    rank = np.argsort(pc.sort_indices(encoded.dictionary).to_numpy())
    in_order = np.argsort(row * np.int64(max(len(words), 1)) + rank[word])
    sorted_key = joined(encoded.dictionary, in_order)

    small = np.array([text in STOPWORDS for text in words], bool)[word]
    # Italian and Portuguese `e` between two words; elsewhere it is an initial or a name (E-Plus).
    amid = (np.diff(row, prepend=-1) == 0) & (np.diff(row, append=-1) == 0)
    small |= np.array([text == "e" for text in words], bool)[word] & amid
    only_small = np.bincount(row, ~small, minlength=len(lists)) == 0
    kept = np.flatnonzero(~small | only_small[row])
    # As the first word, Roman letters are a name (Xi, Vi): looked up among the words as they are, behind the folded.
    roman = np.array([text in ROMAN_NUMBERS for text in words], bool)[word] & (np.diff(row, prepend=-1) > 0)
    word = np.where(roman, word + len(words), word)
    first = np.zeros(len(word), bool)
    first[kept] = np.diff(row[kept], prepend=-1) > 0
    abbreviated = [*(FOLDED_WORDS.get(text, text) for text in words), *words]
    folds = [fold_umlauts(text) for text in abbreviated]
    folded = pa.array(folds, pa.string())

    short = joined(pa.array(abbreviated, pa.string()), kept)
    typed_out = pc.match_substring_regex(short, "[aou]e")
    short = pc.replace_with_mask(
        short, typed_out, pa.array([fold_umlauts(text) for text in short.filter(typed_out).to_pylist()], pa.string())
    )

    added = np.array([text in ADDED_WORDS for text in folds], bool)[word]
    group = np.array([text == "grp" for text in folds], bool)[word]
    core = joined(folded, kept[(~added | (first & ~group))[kept]])
    core = pc.if_else(pc.greater_equal(pc.utf8_length(core), MIN_CORE_LENGTH), core, pa.scalar(None, pa.string()))

    heads = folded.take(pa.array(word[first]))
    others = joined(pa.array([word_initial(text) for text in folds], pa.string()), kept[~first[kept]])
    initials = pc.if_else(pc.equal(others, ""), heads, pc.binary_join_element_wise(heads, others, " "))

    return Spellings(
        pc.replace_substring(names, " ", ""),
        *(column.take(everywhere) for column in (sorted_key, short, joined(folded, kept, " "), core, initials)),
    )


# ----------------------------------------------------------- countries

# In this order: where two languages give one spelling to two countries, the
# first language wins.
LANGUAGES = (
    "en de fr es it pt nl sv da nb fi pl cs sk hu ro bg hr sr sl et lv lt el tr ru uk ar he fa hi zh zh_Hant ja ko "
    "th vi id ms ca"
)
COUNTRY_ALIASES = {
    "AE": "UAE; Emirates; Dubai; Abu Dhabi; الإمارات",
    "BA": "Bosnia",
    "BO": "Bolivia",
    "BN": "Brunei",
    "CD": "DRC; DR Congo; Democratic Republic of Congo; Congo Kinshasa; Zaire",
    "CG": "Congo; Republic of Congo; Congo Republic; Congo Brazzaville",
    "CH": "Schweiz Suisse Svizzera; Swiss",
    "CI": "Ivory Coast",
    "CN": "PRC; PR China; P.R. China; People's Republic of China; Mainland China",
    "CV": "Cape Verde",
    "CZ": "Czech Republic; Czech; Czechia; Ceska republika",
    "DE": "Germany West; Federal Republic of Germany; BRD; GER",
    "DK": "DEN",
    "DO": "Dominican Rep",
    "FK": "Falklands",
    "GB": "UK; Great Britain; Britain; England; Scotland; Wales; "
    "Northern Ireland; U.K. of Great Britain and Northern Ireland; "
    "United Kingdom of Great Britain; GB UKM; Vereinigtes Konigreich",
    "GR": "EL; Hellas; Hellenic Republic",
    "HK": "Hong Kong; Hongkong; Hong Kong SAR; Hong Kong China",
    "IE": "Republic of Ireland; Eire; Irish Republic",
    "IR": "Iran; Islamic Republic of Iran",
    "KP": "North Korea; DPRK",
    "KR": "South Korea; Korea; Republic of Korea; Korea South; Korea Republic; Korea Rep; ROK; S Korea",
    "LA": "Laos",
    "MD": "Moldova; Republic of Moldova",
    "MK": "Macedonia; North Macedonia; FYROM",
    "MM": "Burma; Myanmar Burma",
    "MO": "Macau; Macao; Macau SAR; Macao SAR",
    "NL": "Holland; The Netherlands; Netherland; Nederlands; NED",
    "PH": "Phillipines; Philippine",
    "PS": "Palestine; Palestinian Territories; State of Palestine",
    "RU": "Russia; Russian Fed; Российская Федерация; РФ",
    "SA": "KSA; Kingdom of Saudi Arabia; Saudi; السعودية",
    "SG": "Republic of Singapore",
    "SK": "Slovak Republic",
    "ST": "Sao Tome",
    "SY": "Syria",
    "SZ": "Swaziland",
    "TL": "East Timor",
    "TR": "Turkey; Turkiye; Republic of Turkey; Republic of Turkiye",
    "TW": "Taiwan; 臺灣; 中華民國; Taiwan ROC; Republic of China; Taiwan Province of China; Chinese Taipei",
    "TZ": "Tanzania",
    "US": "USA; U.S.; U.S.A.; United States of America; America; Estados Unidos "
    "de America; Unites States; The States; United State",
    "VA": "Vatican; Holy See; Vatican City",
    "VE": "Venezuela",
    "VG": "BVI; British Virgin Islands",
    "VI": "USVI; US Virgin Islands",
    "VN": "Vietnam; Viet Nam",
    "XK": "Kosovo; XKX",
    "ZA": "RSA; Republic of South Africa; S Africa",
}
# Written where a country is not known; some of them read as a code (NA).
NO_COUNTRY = frozenset(("n/a", "n.a.", "n.a", "#n/a", "n\\a"))
SUBDIVISION = re.compile("([A-Za-z]{2})-[A-Za-z0-9]{1,3}")
COUNTRY_SEPARATOR = re.compile(r"[-,/()|;:\[\]\u2013\u2014]")
COUNTRY_CODES: dict[str, str] = {}
COUNTRY_NAMES: dict[str, str] = {}
UNREAD_LANGUAGES = LANGUAGES.split()


def country_key(text: str) -> str:
    """Spelling without case, accents, spaces and punctuation.

    Other scripts stay as they are: transliterated without vowels, Egypt would
    read as the code of Montserrat.
    """
    if NOT_LATIN.search(text):
        text = unicodedata.normalize("NFKC", text).casefold()
        return "".join(filter(str.isalnum, text))
    tokens = tokenise(text if text.isascii() else to_ascii(text))
    return "".join(tokens[1:] if tokens[:1] == ["the"] else tokens)


def load_countries() -> None:
    """Fill COUNTRY_CODES and COUNTRY_NAMES: ISO 3166 alpha-2 by country_key.

    Codes are alpha-2, alpha-3 and numeric ones. Names are aliases, then English
    names. Kosovo is XK, as in Unicode CLDR.
    """
    countries = list(pycountry.countries)
    for field in ("alpha_2", "alpha_3", "numeric"):
        for country in countries:
            code = getattr(country, field).lower()
            COUNTRY_CODES.setdefault(code, country.alpha_2)
    COUNTRY_CODES["xk"] = "XK"
    names: dict[str, str] = {}
    for code, aliases in COUNTRY_ALIASES.items():
        for alias in aliases.split(";"):
            names.setdefault(country_key(alias), code)
    for field in ("name", "common_name", "official_name"):
        for country in countries:
            name = getattr(country, field, None)
            if name:
                names.setdefault(country_key(name), country.alpha_2)
    names.pop("", None)
    COUNTRY_NAMES.update(names)


def load_language(language: str) -> None:
    """Add the names of a language (Unicode CLDR) that COUNTRY_NAMES does not have yet."""
    territories = babel.Locale.parse(language).territories
    for code in sorted(set(COUNTRY_CODES.values()) & set(territories)):
        key = country_key(territories[code])
        if key:
            COUNTRY_NAMES.setdefault(key, code)


def find_country(text: str) -> str | None:
    """Code of exactly one code or name, or None."""
    if not COUNTRY_NAMES:
        load_countries()
    key = country_key(text)
    # A code has no accents: Vietnamese calls Austria so that it folds to ao.
    code = (COUNTRY_CODES.get(key) if text.isascii() else None) or COUNTRY_NAMES.get(key)
    # Most lists write codes or English names: reading every language costs more than normalising a short list.
    while code is None and key and UNREAD_LANGUAGES:
        load_language(UNREAD_LANGUAGES.pop(0))
        code = COUNTRY_NAMES.get(key)
    return code


def country_code(text: str) -> str | None:
    """ISO 3166-1 alpha-2 code of a cleaned country code or name, or None.

    Takes any code, the name in about forty languages, a subdivision code
    (`US-CA`), and several spellings of one country (`Germany (DE)`).
    """
    if text.lower() in NO_COUNTRY:
        return None
    code = find_country(text)
    if code:
        return code
    subdivision = SUBDIVISION.fullmatch(text)
    if subdivision:
        return find_country(subdivision[1])
    parts = [part for part in COUNTRY_SEPARATOR.split(text) if part.strip()]
    found = {find_country(part) for part in parts} - {None}
    return found.pop() if len(found) == 1 else None


# -------------------------------------------------------------- states

# Names and abbreviations that ISO 3166-2 does not have.
STATE_ALIASES = {
    "US": "AL Ala; AK Alas; AZ Ariz; AR Ark; CA Calif,Cal; CO Colo; CT Conn; DE Del; DC Washington DC,Wash DC,D.C.; "
    "FL Fla; IL Ill; IN Ind; KS Kans,Kan; LA La; MD Md; MA Mass; MI Mich; MN Minn; MS Miss; MO Mo; MT Mont; "
    "NE Nebr,Neb; NV Nev; NH N Hampshire; NM N Mex; NY New York State,NYS; "
    "NC N Carolina; ND N Dakota,N Dak; OK Okla; OR Ore,Oreg; "
    "PA Penn,Penna; RI Rhode Isl; SC S Carolina; SD S Dakota,S Dak; TN Tenn; TX Tex; VT Vt; VA Va; WA Wash,"
    "Washington State; WV W Va,W Virginia; WI Wis,Wisc; WY Wyo",
    "CA": "AB Alta; BC Brit Columbia,Colombie Britannique; MB Man; NB Nouveau Brunswick; NL Newfoundland,Labrador; "
    "NS Nouvelle Ecosse; NT NWT; ON Ont; PE PEI,Prince Edward Isl; QC Que,PQ,Québec; SK Sask; YT Yukon Territory",
    "AU": "ACT Canberra,Capital Territory; NSW N S W,New S Wales; NT N Territory; QLD Qld,Queensl; SA S Australia; "
    "TAS Tas; VIC Vic,Vict; WA W Australia",
    "DE": "BW Baden Wurttemberg; BY Bavaria; HE Hesse; MV Mecklenburg Western Pomerania; NI Lower Saxony; "
    "NW NRW,North Rhine Westphalia; RP Rhineland Palatinate; SN Saxony; ST Saxony Anhalt; TH Thuringia",
    "AT": "2 Carinthia; 3 Lower Austria; 4 Upper Austria; 6 Styria; 7 Tyrol; 9 Vienna",
    "CH": "GE Geneva,Genf; LU Lucerne; VD Waadt; VS Wallis; NE Neuenburg; FR Freiburg; TI Tessin; GR Grisons,Grigioni; "
    "BS Basel; ZH Zurich",
    "ES": "CT Catalonia; AN Andalusia; PV Basque Country,Euskadi; NC Navarre; VC Valencia",
    "IT": "25 Lombardy; 21 Piedmont; 52 Tuscany; 75 Apulia; 88 Sardinia; 82 Sicily; 62 Latium",
    "GB": "ENG England; SCT Scotland; WLS Wales; NIR Northern Ireland; LND London,Greater London",
}
STATES: dict[str, dict[str, str]] = {}


def load_states(country: str) -> dict[str, str]:
    """ISO 3166-2 codes of a country's subdivisions by country_key of their codes and names."""
    divisions = sorted(pycountry.subdivisions.get(country_code=country) or (), key=lambda division: division.code)
    codes = {division.code for division in divisions}
    states: dict[str, str] = {}
    for division in divisions:
        states[country_key(division.code.partition("-")[2])] = division.code
    for group in filter(None, STATE_ALIASES.get(country, "").split("; ")):
        code, _, aliases = group.partition(" ")
        if f"{country}-{code}" in codes:
            for alias in aliases.split(","):
                states.setdefault(country_key(alias), f"{country}-{code}")
    for division in divisions:
        states.setdefault(country_key(division.name), division.code)
        for part in re.split(r"[\[\]/()]", division.name):
            if part.strip():
                states.setdefault(country_key(part), division.code)
    states.pop("", None)
    return states


def normalise_state(text: str, country: str | None) -> str | None:
    """ISO 3166-2 code (`US-TN`) of a cleaned state, else its ASCII lower-case words, or None.

    country: alpha-2 code of the account; a code with the prefix of a country needs none.
    """
    if text.lower() in NO_COUNTRY:
        return None
    prefix, _, rest = text.partition("-")
    if SUBDIVISION.fullmatch(text) and prefix.upper() in COUNTRY_CODES.values() and country in (None, prefix.upper()):
        country, text = prefix.upper(), rest
    if country:
        if country not in STATES:
            STATES[country] = load_states(country)
        key = country_key(text)
        state = STATES[country].get(key) or STATES[country].get(key.removesuffix(country.lower()))
        if state:
            return state
    return normalise_city(text)


# --------------------------------------------------------- identifiers

SEPARATORS = re.compile(r"[\s.\-/_:\u2010-\u2015]+")
# Prefixes in use that are not the ISO code, and the one VAT systems write.
VAT_PREFIXES = {"GR": "EL", "UK": "GB"}
VAT_COUNTRIES = {"EL": "gr", "XI": "gb"}
# What may follow the number; the first one is what its check asks for.
VAT_ENDINGS = {"CH": ("MWST", "TVA", "IVA", "TPV"), "NO": ("MVA",)}
VAT_MODULES: dict = {}
# What people write in front of a number: what it is, and a mark that keeps a spreadsheet from reading it.
LABEL = re.compile(
    r"['\u2019`\"=#\s]*(?:(?:D-?U-?N-?S|LEI|VAT|GST|ABN|TVA|IVA|P\.?\s?IVA|Partita IVA|UST|MWST|BTW|UID|NIF|CIF|NIP"
    r"|CNPJ|RFC|RUT|RUC|NIT|SIREN|SIRET|EIN|TIN|Tax|Company|USt-?\s?Id|Steuer-?nummer|Moms|Momsnr|Org)(?![A-Za-z0-9])"
    r"[\s\u00ae\u2122.:#\-]*(?:(?:Reg(?:istration)?|ID|Ident|Id-?Nr|number|code|no|nr|num)(?![A-Za-z0-9])[\s.:#\-]*)*"
    r"|[\s:#]*)",
    re.IGNORECASE,
)
DUNS = re.compile(r"[0-9][0-9\s.\-]*")
DECIMALS = re.compile(r"([0-9]+)[.,]0+")
SCIENTIFIC = re.compile(r"([1-9])[.,]?([0-9]*)E\+?0*([0-9]{1,2})", re.IGNORECASE)
# Digits of the numbers of countries whose numbers may begin with zeros, and whose check tells a wrong one.
VAT_LENGTHS = {"IT": 11, "BE": 10, "EL": 9, "FI": 8, "HR": 11, "PL": 10, "BR": 14}
LOST_ZEROS = 3
LINKEDIN = re.compile(
    r"(?:^|linkedin\.[a-z.]+/(?:[^/]+/)?|^/)(?:compan(?:y|ies)(?:-beta)?|school|showcase)"
    r"/([^/?#\s]+)",
    re.IGNORECASE,
)
LINKEDIN_PAGE = re.compile(
    r"(?:https?://)?(?:[a-z-]+\.)*linkedin\.[a-z.]+/(?:mycompany/|[a-z]{2}/)?(?:compan(?:y|ies)|school|showcase)/",
    re.IGNORECASE,
)


def plain_number(text: str) -> str:
    """`text` without label and quotes, and as a number where a spreadsheet has rewritten it with all its digits.

    Digits that were cut off stay cut off: the text then reads as no number.
    """
    text = text[LABEL.match(text).end() :].strip("'\"\u2019 ")
    decimals = DECIMALS.fullmatch(text)
    if decimals:
        return decimals[1]
    scientific = SCIENTIFIC.fullmatch(text)
    if scientific:
        digits = scientific[1] + scientific[2]
        return digits if len(digits) == int(scientific[3]) + 1 else ""
    return text


def normalise_lei(text: str) -> str | None:
    """Legal Entity Identifier (ISO 17442), 20 characters, or None."""
    try:
        return stdnum.lei.validate(SEPARATORS.sub("", plain_number(text)))
    except stdnum.exceptions.ValidationError:
        return None


def normalise_duns(text: str) -> str | None:
    """D-U-N-S number, 9 digits, or None. It has no check digit.

    Spreadsheets drop leading zeros: 7 and 8 digits get them back.
    """
    text = plain_number(text)
    digits = re.sub("[^0-9]", "", text) if DUNS.fullmatch(text) else ""
    return digits.zfill(9) if 7 <= len(digits) <= 9 and int(digits) else None


def has_wrong_digits(number: str, country: str) -> bool:
    """Is `number` as long as a VAT number of `country` (lower case) and yet none, by its check digits?"""
    if is_vat_number(number, country) is not False:
        return False
    try:
        VAT_MODULES[country].validate(number)
    except (stdnum.exceptions.InvalidChecksum, stdnum.exceptions.InvalidComponent):
        return True
    except stdnum.exceptions.ValidationError:
        return False
    return False


def is_vat_number(number: str, country: str) -> bool | None:
    """Does `number` fit the check of `country` (lower case)? None: unknown."""
    if country not in VAT_MODULES:
        VAT_MODULES[country] = stdnum.get_cc_module(country, "vat")
    module = VAT_MODULES[country]
    return module.is_valid(number) if module else None


def fill_vat_number(digits: str, country: str) -> str | None:
    """The number with its country's prefix, of digits alone that hold the country's check digits, or None.

    country: alpha-2 code. A French SIREN or SIRET gives the VAT number of its company; zeros that a spreadsheet
    dropped come back.
    """
    prefix = VAT_PREFIXES.get(country, country)
    if is_vat_number(digits, country.lower()):
        return prefix + digits
    if not digits.isdigit():
        return None
    if country == "FR" and len(digits) in (9, 14):
        module = stdnum.fr.siren if len(digits) == 9 else stdnum.fr.siret
        return "FR" + stdnum.fr.siren.to_tva(digits[:9]).replace(" ", "") if module.is_valid(digits) else None
    length = VAT_LENGTHS.get(prefix, 0)
    if 0 < length - len(digits) <= LOST_ZEROS and is_vat_number(digits.zfill(length), country.lower()):
        return prefix + digits.zfill(length)
    return None


def normalise_vat_id(text: str, country: str | None = None) -> str | None:
    """VAT number: compact, upper case, with its prefix; None if invalid.

    country: alpha-2 code of the account. A number with the prefix of a country
    whose check is known must pass it, or that of the account's own country (a
    Mexican RFC may begin with DE). One without prefix gets that of the
    account's country where it passes there, and none is made of one that is as long
    and fails; else any with a digit and at least 6 characters will do.
    """
    number = SEPARATORS.sub("", plain_number(text)).upper()
    if len(number) < 6 or not number.isascii() or not number.isalnum() or number.isalpha():
        return None
    prefix = number[:2]
    if not prefix.isalpha():
        found = fill_vat_number(number, country) if country else None
        return found or (None if country and has_wrong_digits(number, country.lower()) else number)
    own = number
    prefix = VAT_PREFIXES.get(prefix, prefix)
    number = prefix + number[2:]
    checked = number[2:] if prefix in VAT_COUNTRIES else number
    endings = VAT_ENDINGS.get(prefix)
    if endings:
        for ending in endings:
            number = number.removesuffix(ending)
        checked = number + endings[0]
    iso_prefix = VAT_COUNTRIES.get(prefix, prefix.lower())
    if is_vat_number(checked, iso_prefix) is not False:
        return number
    if prefix in VAT_LENGTHS and number[2:].isdigit():
        filled = fill_vat_number(number[2:], iso_prefix.upper())
        if filled:
            return filled
    return own if country and is_vat_number(own, country.lower()) else None


def normalise_linkedin(text: str) -> str | None:
    """`company/<slug>` of a LinkedIn page's address, lower case, or None."""
    match = LINKEDIN.search(text)
    slug = unquote(match[1], errors="ignore") if match else ""
    slug = "".join(clean_text(slug).lower().split())
    return f"company/{slug}" if slug else None


def identifies_nobody(text: str, column: str, nobody: Placeholders) -> bool:
    """Is a cleaned identifier what people write for want of one: `n/a`, one digit repeated, or a value of the seed?

    column: lei, duns, vat_id or linkedin.
    """
    known = nobody.identifiers.get(column, frozenset())
    if NOT_GIVEN.fullmatch(text):
        return True
    if column == "linkedin":
        page = normalise_linkedin(text)
        return (page.removeprefix("company/") if page else text.lower()) in known
    number = SEPARATORS.sub("", plain_number(text)).upper()
    digits = number[2:] if number[:2].isalpha() else number
    if number in known or digits in known:
        return True
    return len(digits) > 4 and digits.isdigit() and len(set(digits)) == 1


# -------------------------------------------------------------- batches


def read_name(
    value: str | None, country: str | None, forms: LegalForms, nobody: Placeholders, words: NameWords
) -> tuple[str | None, str | None, str | None, str | None, list[str]]:
    """Of one raw name what people see, its words by spaces, its legal-form class and its kind, each None where there is
    none, and a list of problems.
    """
    if value is None or not value or value.isspace():
        return None, None, None, None, []
    problems = []
    if not value.isascii() and DOUBLE_ENCODED.search(value):
        repaired = ftfy.fix_encoding(value)
        if repaired != value:
            problems.append("name_double_encoded")
            value = repaired
    text = clean_text(value)
    if not value.isprintable() and CONTROLS.search(value):
        problems.append("name_control_characters")
    if not text.isascii() and ABOVE_LATIN.search(text):
        if EMOJI.search(text):
            problems.append("name_emoji")
        if RIGHT_TO_LEFT.search(text):
            problems.append("name_right_to_left")
    display = text
    if len(text) > MAX_NAME_LENGTH:
        problems.append("name_too_long")
        display = display_name(text)
    if is_formula(text):
        problems.append("name_formula")
        display = display_name(text)
    if MARK_SIGNS.search(text):
        text = " ".join(MARKED.sub(" ", text).split()) or text
    tokens, legal_form = normalise_name(text, forms, country)
    if not tokens:
        problems.append("name_empty_after_cleaning")
    elif names_nobody(text, tokens, legal_form, nobody):
        problems.append("name_names_nobody")
        tokens = []
    if not tokens:
        return display or None, None, None, None, problems
    kind = name_kind(text, tokens, legal_form, words)
    return display or None, " ".join(tokens), legal_form, kind, problems


def normalise_names(
    values: Iterable[str | None],
    forms: LegalForms,
    nobody: Placeholders = NO_PLACEHOLDERS,
    words: NameWords = NO_NAME_WORDS,
    countries: Iterable[str | None] | None = None,
) -> tuple[list[pa.Array], dict[int, list[str]]]:
    """All that is made of raw names: the columns display_name to name_kind of SCHEMA, and the problems of each row that
    has some. countries: alpha-2 codes, one a name, if known.
    """
    columns: list[list[str | None]] = [[], [], [], []]
    display, name, legal_form, kind = columns
    problems: dict[int, list[str]] = {}
    # Only text is kept: of tuples or lists, one a row, the garbage collector would make more work than all the rest.
    named_in = zip(values, repeat(None)) if countries is None else zip(values, countries, strict=True)
    for row, (value, country) in enumerate(named_in):
        shown, spelt, form, sort, found = read_name(value, country, forms, nobody, words)
        display.append(shown)
        name.append(spelt)
        legal_form.append(form)
        kind.append(sort)
        if found:
            problems[row] = found
    shown_names, named, classes, kinds = (pa.array(column, pa.string()) for column in columns)
    return [shown_names, named, *spell(named), classes, kinds], problems


def normalise_city(text: str) -> str | None:
    """City in ASCII lower-case words, or None."""
    text = text[:MAX_NAME_LENGTH]
    return " ".join(tokenise(text if text.isascii() else to_ascii(text))) or None


def normalise_batch(
    batch: pa.RecordBatch,
    forms: LegalForms,
    nobody: Placeholders = NO_PLACEHOLDERS,
    words: NameWords = NO_NAME_WORDS,
) -> pa.RecordBatch:
    """SCHEMA, one row per row of `batch` and in its order.

    batch: side, partner_id, account_id, account_name, country, city, lei, duns, vat_id, linkedin_url, and perhaps state
    and website; strings, any of them null.
    """

    def texts(column: str) -> list[str | None]:
        return batch.column(column).cast(pa.string()).to_pylist()

    # Few distinct values each; they live as long as the batch.
    countries, cities = texts("country"), texts("city")
    country_of = {raw: country_code(clean_text(raw)) if raw else None for raw in dict.fromkeys(countries)}
    city_of = {raw: normalise_city(clean_text(raw)) if raw else None for raw in dict.fromkeys(cities)}
    codes = [country_of[raw] for raw in countries]
    names, problems = normalise_names(texts("account_name"), forms, nobody, words, codes)
    states = pa.nulls(len(batch), pa.string())
    if "state" in batch.schema.names and batch.column("state").null_count < len(batch):
        placed = list(zip(texts("state"), codes, strict=True))
        state_of = {
            (raw, code): normalise_state(clean_text(raw), code) if raw else None for raw, code in dict.fromkeys(placed)
        }
        states = pa.array([state_of[place] for place in placed], pa.string())

    def add_problem(row: int, problem: str) -> None:
        problems.setdefault(row, []).append(problem)

    unknown = {raw for raw, code in country_of.items() if code is None and raw and clean_text(raw)}
    for row, raw in enumerate(countries if unknown else ()):
        if raw in unknown:
            add_problem(row, "unknown_country")

    # A page typed as the website is an identifier all the same.
    pages: list[str | None] = []
    if "website" in batch.schema.names:
        pages = [page if page and LINKEDIN_PAGE.match(page.strip()) else None for page in texts("website")]

    identifiers = []
    for column, function in (
        ("lei", normalise_lei),
        ("duns", normalise_duns),
        ("vat_id", normalise_vat_id),
        ("linkedin", normalise_linkedin),
    ):
        source = "linkedin_url" if column == "linkedin" else column
        instead = pages if column == "linkedin" else []
        if batch.column(source).null_count == len(batch) and not any(instead):
            identifiers.append(pa.nulls(len(batch), pa.string()))
            continue
        values: list[str | None] = []
        for row, raw in enumerate(texts(source)):
            text = clean_text(raw) if raw else ""
            if not text and instead and instead[row]:
                text = clean_text(instead[row])
            value = None
            if text:
                if identifies_nobody(text, column, nobody):
                    add_problem(row, "identifier_names_nobody")
                else:
                    value = function(text, codes[row]) if column == "vat_id" else function(text)
                    if value is None:
                        add_problem(row, f"invalid_{column}")
            values.append(value)
        identifiers.append(pa.array(values, pa.string()))

    return pa.record_batch(
        [
            *(batch.column(key).cast(pa.string()) for key in ("side", "partner_id", "account_id")),
            *names,
            pa.array(codes, pa.string()),
            states,
            pa.array([city_of[raw] for raw in cities], pa.string()),
            *identifiers,
            pa.array([";".join(sorted(set(problems.get(row, ())))) or None for row in range(len(batch))], pa.string()),
        ],
        schema=SCHEMA,
    )


# The engine, in the same lines in every model: the relation tells which one it is, since dbt wraps a session.
def read(relation, size: int = 65_536) -> pa.RecordBatchReader:
    """The rows of a relation as record batches; on DuckDB they come as they are read."""
    return relation.toArrow().to_reader() if hasattr(relation, "mapInArrow") else relation.to_arrow_reader(size)


def rows(relation) -> list[dict]:
    """The rows of a small relation."""
    return read(relation).read_all().to_pylist()


def mapped(relation, function, schema: pa.Schema, size: int = 65_536):
    """`function`, from record batches to batches of `schema`, over a relation that need not fit into memory."""
    if not hasattr(relation, "mapInArrow"):
        return pa.RecordBatchReader.from_batches(schema, function(read(relation, size)))
    from pyspark.sql.pandas.types import from_arrow_schema

    # Spark looks at the signature, which a partial of a built-in has not
    return relation.mapInArrow(lambda batches: function(batches), from_arrow_schema(schema))


def result(session, schema: pa.Schema, batches):
    """Record batches of `schema` as what a model gives back."""
    if not hasattr(session, "createDataFrame"):
        return pa.RecordBatchReader.from_batches(schema, batches)
    # in one batch: PySpark 4.3 loses whatever follows an empty one
    return session.createDataFrame(pa.Table.from_batches(batches, schema).combine_chunks())


def model(dbt, session):
    # Before the stream opens: DuckDB holds one open result per connection.
    forms = compile_legal_forms(rows(dbt.ref("account_mapping__legal_forms")))
    nobody = compile_placeholders(rows(dbt.ref("account_mapping__placeholders")), forms)
    common = rows(dbt.ref("account_mapping__common_words"))
    words = compile_name_words(rows(dbt.ref("account_mapping__name_words")), [row["word"] for row in common])
    normalise = partial(map, partial(normalise_batch, forms=forms, nobody=nobody, words=words))
    return mapped(dbt.ref("int_account_mapping__records"), normalise, SCHEMA)
