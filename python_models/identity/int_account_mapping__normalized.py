"""Names, places and identifiers of every account in one comparable spelling.

Both sides of a comparison, and both partners of an exchange of hashed keys, must write a company the same way, so each
value depends on its own row and the legal-forms seed only: never on row order, batch size, or the rest of the table.

Changing any output, here or in the seed, needs a new NORMALISER_VERSION: keys made by another version match nothing.
tests/python/golden/normaliser.csv freezes the outputs, so that a change is noticed.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from html import unescape
from itertools import repeat
from typing import NamedTuple
from urllib.parse import unquote

try:
    import babel
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc
    import pycountry
    import stdnum
    import stdnum.exceptions
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
            "country_code",
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
# Single letters with dots between them: S.A., I.B.M., J.P.Morgan.
ACRONYM = re.compile(r"\b[^\W\d_](?:\.[^\W\d_])+\b\.?")
# EDGAR appends the state of incorporation: `FOO CORP /DE/`, sometimes without the last slash.
EDGAR_STATE = re.compile(r"\s*[/\\][A-Za-z]{2,3}[/\\]\s*$|\s+[/\\][A-Z]{2,3}\s*$")
FORMULA_STARTS = ("=", "+", "-", "@")
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

    A spreadsheet runs a cell that starts with `=`, and with `+`, `-` or `@`
    where a function call follows; a leading apostrophe makes it text
    (OWASP, CSV injection).
    """
    if is_formula(text):
        text = "'" + text
    return text[:MAX_NAME_LENGTH].rstrip()


def is_formula(text: str) -> bool:
    """Would a spreadsheet run `text`?"""
    return text.startswith(FORMULA_STARTS) and (text[0] == "=" or "(" in text)


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
GLUED_FORM = re.compile(
    r"(?<=[a-z\u00df-\u00f6\u00f8-\u00ff]{3})(?=(?:GmbH|AG|KGaA|KG|OHG|LLC|LLP|LTD|Ltd|Inc|PLC|SARL|SRL|ApS|Oyj)"
    r"\.?(?:\s*(?:&|\+|und)\s*Co\b.*)?\s*$)"
)


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
    text = GLUED_FORM.sub(" ", text)
    named, leading = leading_capitals(text, forms, country)
    words, legal_form = name_words(named, forms)
    if leading and (legal_form or not words):
        # A second legal form at the end: the first is part of the name, as in SIA Foo Company.
        words, legal_form = name_words(text, forms)
    else:
        legal_form = legal_form or leading
    return words, legal_form


def name_words(text: str, forms: LegalForms) -> tuple[list[str], str | None]:
    """normalise_name of a text without glued forms or forms in capitals before it."""
    native = False
    if not text.isascii():
        native = NOT_LATIN.search(text) is not None
        text = to_ascii(text, forms.unspaced)
    tokens = tokenise(text)
    if len(text) > MAX_NAME_LENGTH // 3:
        # Transliterated and spelt out, 255 characters may have become more.
        tokens = " ".join(tokens)[:MAX_NAME_LENGTH].split()
    return strip_legal_forms(tokens, forms, native)


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
    short: with abbreviations folded and small words dropped (a name of small words alone keeps them), then umlauts
    folded. folded: the same word by word, by spaces.
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
    only_small = np.bincount(row, ~small, minlength=len(lists)) == 0
    kept = np.flatnonzero(~small | only_small[row])
    first = np.zeros(len(word), bool)
    first[kept] = np.diff(row[kept], prepend=-1) > 0
    abbreviated = [ABBREVIATIONS.get(text, text) for text in words]
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


# --------------------------------------------------------- identifiers

SEPARATORS = re.compile(r"[\s.\-/_:\u2010-\u2015]+")
# Prefixes in use that are not the ISO code, and the one VAT systems write.
VAT_PREFIXES = {"GR": "EL", "UK": "GB"}
VAT_COUNTRIES = {"EL": "gr", "XI": "gb"}
# What may follow the number; the first one is what its check asks for.
VAT_ENDINGS = {"CH": ("MWST", "TVA", "IVA", "TPV"), "NO": ("MVA",)}
VAT_MODULES: dict = {}
DUNS = re.compile(r"(?:D-?U-?N-?S)?[\s:#]*([0-9][0-9\s.\-]*)", re.IGNORECASE)
LINKEDIN = re.compile(
    r"(?:^|linkedin\.[a-z.]+/(?:[^/]+/)?|^/)(?:company(?:-beta)?|school|showcase)"
    r"/([^/?#\s]+)",
    re.IGNORECASE,
)


def normalise_lei(text: str) -> str | None:
    """Legal Entity Identifier (ISO 17442), 20 characters, or None."""
    try:
        return stdnum.lei.validate(SEPARATORS.sub("", text))
    except stdnum.exceptions.ValidationError:
        return None


def normalise_duns(text: str) -> str | None:
    """D-U-N-S number, 9 digits, or None. It has no check digit.

    Spreadsheets drop leading zeros: 7 and 8 digits get them back.
    """
    match = DUNS.fullmatch(text)
    digits = re.sub("[^0-9]", "", match[1]) if match else ""
    return digits.zfill(9) if 7 <= len(digits) <= 9 and int(digits) else None


def is_vat_number(number: str, country: str) -> bool | None:
    """Does `number` fit the check of `country` (lower case)? None: unknown."""
    if country not in VAT_MODULES:
        VAT_MODULES[country] = stdnum.get_cc_module(country, "vat")
    module = VAT_MODULES[country]
    return module.is_valid(number) if module else None


def normalise_vat_id(text: str, country: str | None = None) -> str | None:
    """VAT number: compact, upper case, with its prefix; None if invalid.

    country: alpha-2 code of the account. A number with the prefix of a country
    whose check is known must pass it, or that of the account's own country (a
    Mexican RFC may begin with DE). One without prefix gets that of the
    account's country where it passes there; else any with a digit and at least
    6 characters will do.
    """
    number = SEPARATORS.sub("", text).upper()
    if len(number) < 6 or not number.isascii() or not number.isalnum() or number.isalpha():
        return None
    prefix = number[:2]
    if not prefix.isalpha():
        if country and is_vat_number(number, country.lower()):
            number = VAT_PREFIXES.get(country, country) + number
        return number
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
    return own if country and is_vat_number(own, country.lower()) else None


def normalise_linkedin(text: str) -> str | None:
    """`company/<slug>` of a LinkedIn page's address, lower case, or None."""
    match = LINKEDIN.search(text)
    slug = unquote(match[1], errors="ignore") if match else ""
    slug = "".join(clean_text(slug).lower().split())
    return f"company/{slug}" if slug else None


# -------------------------------------------------------------- batches


def read_name(
    value: str | None, forms: LegalForms, country: str | None = None
) -> tuple[str | None, str | None, str | None, list[str]]:
    """Of one raw name what people see, its words by spaces, its legal-form class, each None where there is none, and a
    list of problems.
    """
    if value is None or not value or value.isspace():
        return None, None, None, []
    problems = []
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
    tokens, legal_form = normalise_name(text, forms, country)
    if not tokens:
        problems.append("name_empty_after_cleaning")
    return display or None, " ".join(tokens) or None, legal_form if tokens else None, problems


def normalise_names(
    values: Iterable[str | None], forms: LegalForms, countries: Iterable[str | None] | None = None
) -> tuple[list[pa.Array], dict[int, list[str]]]:
    """All that is made of raw names: the columns display_name to legal_form of SCHEMA, and the problems of each row
    that has some. countries: alpha-2 codes, one a name, if known.
    """
    display: list[str | None] = []
    name: list[str | None] = []
    legal_form: list[str | None] = []
    problems: dict[int, list[str]] = {}
    pairs = zip(values, repeat(None)) if countries is None else zip(values, countries, strict=True)
    # Only text is kept: of tuples or lists, one a row, the garbage collector would make more work than all the rest.
    for row, (value, country) in enumerate(pairs):
        shown, words, form, found = read_name(value, forms, country)
        display.append(shown)
        name.append(words)
        legal_form.append(form)
        if found:
            problems[row] = found
    columns = [pa.array(column, pa.string()) for column in (display, name, legal_form)]
    return [*columns[:2], *spell(columns[1]), columns[2]], problems


def normalise_city(text: str) -> str | None:
    """City in ASCII lower-case words, or None."""
    text = text[:MAX_NAME_LENGTH]
    return " ".join(tokenise(text if text.isascii() else to_ascii(text))) or None


def normalise_batch(batch: pa.RecordBatch, forms: LegalForms) -> pa.RecordBatch:
    """SCHEMA, one row per row of `batch` and in its order.

    batch: side, partner_id, account_id, account_name, country, city, lei,
    duns, vat_id, linkedin_url; strings, any of them null.
    """

    def texts(column: str) -> list[str | None]:
        return batch.column(column).cast(pa.string()).to_pylist()

    # Few distinct values each; they live as long as the batch.
    countries, cities = texts("country"), texts("city")
    country_of = {raw: country_code(clean_text(raw)) if raw else None for raw in dict.fromkeys(countries)}
    city_of = {raw: normalise_city(clean_text(raw)) if raw else None for raw in dict.fromkeys(cities)}
    codes = [country_of[raw] for raw in countries]

    names, problems = normalise_names(texts("account_name"), forms, codes)

    def add_problem(row: int, problem: str) -> None:
        problems.setdefault(row, []).append(problem)

    unknown = {raw for raw, code in country_of.items() if code is None and raw and clean_text(raw)}
    for row, raw in enumerate(countries if unknown else ()):
        if raw in unknown:
            add_problem(row, "unknown_country")

    identifiers = []
    for column, function, problem in (
        ("lei", normalise_lei, "invalid_lei"),
        ("duns", normalise_duns, "invalid_duns"),
        ("vat_id", normalise_vat_id, "invalid_vat_id"),
        ("linkedin_url", normalise_linkedin, None),
    ):
        if batch.column(column).null_count == len(batch):
            identifiers.append(pa.nulls(len(batch), pa.string()))
            continue
        values: list[str | None] = []
        for row, raw in enumerate(texts(column)):
            text = clean_text(raw) if raw else ""
            value = None
            if text:
                value = function(text, codes[row]) if column == "vat_id" else function(text)
                if value is None and problem:
                    add_problem(row, problem)
            values.append(value)
        identifiers.append(pa.array(values, pa.string()))

    return pa.record_batch(
        [
            *(batch.column(key).cast(pa.string()) for key in ("side", "partner_id", "account_id")),
            *names,
            pa.array(codes, pa.string()),
            pa.array([city_of[raw] for raw in cities], pa.string()),
            *identifiers,
            pa.array([";".join(sorted(problems.get(row, ()))) or None for row in range(len(batch))], pa.string()),
        ],
        schema=SCHEMA,
    )


def read_rows(relation) -> list[dict]:
    """A small relation as a list of dicts, on Spark as on DuckDB."""
    if hasattr(relation, "mapInArrow"):
        rows = [row.asDict() for row in relation.collect()]
    else:
        rows = relation.to_arrow_table().to_pylist()
    return rows


def map_arrow(relation, function, schema):
    """Apply `function` to every record batch of `relation`, without holding the whole table.

    The relation tells the engine, not the session: PySpark has mapInArrow, DuckDB a record-batch reader.
    """
    if hasattr(relation, "mapInArrow"):
        from pyspark.sql.pandas.types import from_arrow_schema

        mapped = relation.mapInArrow(lambda batches: map(function, batches), from_arrow_schema(schema))
    else:
        mapped = pa.RecordBatchReader.from_batches(schema, map(function, relation.to_arrow_reader(65_536)))
    return mapped


def model(dbt, session):
    # Before the stream opens: DuckDB holds one open result per connection.
    forms = compile_legal_forms(read_rows(dbt.ref("account_mapping__legal_forms")))
    return map_arrow(
        dbt.ref("int_account_mapping__records"),
        partial(normalise_batch, forms=forms),
        SCHEMA,
    )
