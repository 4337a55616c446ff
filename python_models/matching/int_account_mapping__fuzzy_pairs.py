"""Account pairs whose names could mean one company, each with its evidence.

For every partner who sent a readable list, in six steps:

1. Block. Candidates share rare letter trigrams or rare words (also first
   letters, acronyms and glued words) by sparse cosine; never all pairs.
2. Weigh. Evidence of a pair (string similarities, share of the
   informative words, numbers, country, city, legal form) times the weights of
   the seed `account_mapping__match_weights`: a logistic regression.
3. Compare with rivals, twice. How far the pair is ahead of the best other name,
   seen from our account and from the partner's, corrects the first estimate;
   then once more with the corrected estimates, since `samsung electronics`, which
   has its own match, is no rival of `samsung`.
4. Add families: `mitsubishi group` and the names that begin with `mitsubishi`.
5. Say what the two rows hold against one company, such as other numbers of a
   series. It does not change the probability: it limits, later and after all
   calibration, what the pair may reach.
6. Hand the pairs out in batches.

A partner's pairs depend on our names, its own, the keys that both share, the seeds and this code, and on no other
partner. The rows carry a hash of all these: where a run finds the same hash as the last one, it keeps the rows.

Names come in normalised (`[a-z0-9 ]`). Both sides are held as Arrow and numpy
arrays, our side passes through in chunks of names, so that memory is bounded by
the chunk and by the number of plausible pairs. Every sum has a fixed order and
every cut-off sees rounded numbers: neither row order nor thread count changes
the result.
"""

import hashlib
import os
import re
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import NamedTuple, TypeVar

INSTALL = "pip install -r dbt_packages/account_mapping/requirements.txt"

try:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc
    from rapidfuzz import fuzz, process
    from rapidfuzz.distance import OSA, LCSseq, Levenshtein, Prefix
    from scipy import sparse
    from sparse_dot_topn import sp_matmul_topn
except ImportError as error:
    raise ImportError(
        f"int_account_mapping__fuzzy_pairs needs the library {error.name}: "
        f"run `{INSTALL}` in the environment that runs dbt"
    ) from error

SCHEMA = pa.schema(
    [
        ("partner_id", pa.string()),
        ("account_id", pa.string()),
        ("partner_account_id", pa.string()),
        ("name_similarity", pa.float64()),
        ("name_probability", pa.float64()),
        ("country_agreement", pa.string()),
        ("city_agreement", pa.string()),
        ("shared_words", pa.string()),
        ("our_other_words", pa.string()),
        ("partner_other_words", pa.string()),
        ("rival_similarity", pa.float64()),
        ("relationship_by_name", pa.string()),
        ("state_agreement", pa.string()),
        ("name_likeness", pa.string()),
        ("is_common_name", pa.bool_()),
        ("is_region_name", pa.bool_()),
        ("is_part_name", pa.bool_()),
        ("is_other_company", pa.bool_()),
        ("contradiction", pa.string()),
        ("inputs_hash", pa.string()),
    ]
)
# Begins what dbt adds to a model's file.
DBT_CODE = "\n# This part is user provided model code"
# What computes; another version may round or rank otherwise.
LIBRARIES = ("numpy", "pyarrow", "rapidfuzz", "scipy", "sparse-dot-topn")

RECORD_COLUMNS = (
    "side",
    "partner_id",
    "account_id",
    "name",
    "name_kind",
    "legal_form",
    "country_code",
    "state",
    "city",
)
KEY_COLUMNS = ("partner_id", "account_id", "partner_account_id")

# Distinct names of ours scored at a time.
CHUNK_NAMES = 3_072
# And looked through for abbreviations: of a list from one city nearly all are in few blocks.
ACRONYM_NAMES = 49_152
# Account pairs weighed, and rows written, at a time.
SLICE_PAIRS = 65_536
# Candidates a name gets from its trigrams, and from its words.
TOP_TRIGRAM = 8
TOP_WORD = 6
# And how many if the last of these is as good as CLOSE_COSINE of the first.
TOP_WIDE = 64
CLOSE_COSINE = 0.9
MINIMUM_TRIGRAM_COSINE = 0.2
MINIMUM_WORD_COSINE = 0.2
# Our names are looked up one by one among the partner's, unless they are this many times as many: then the partner's
# are looked up among ours.
LONGER = 2
# Of letters modulo 2^64; the table that most words are told by before they are looked up.
HASH_BASE = np.uint64(1_000_003)
HASH_BITS = 20
# Partner names that one name looks at by its trigrams, and by its words, the rarest of them first: the work stays in
# proportion to the names, however common their words.
LOOKED_AT = 2_000
# The same of our names, where they are many more. With 8,000 of a million, as many true pairs are accepted as by
# looking up each of ours.
LOOKED_AT_LONGER = 8_000
# Partner accounts of one and the same name that one account is compared with.
MAXIMUM_NAMESAKES = 20
# Log-odds below which a pair is neither written nor anybody's rival.
FLOOR = -6.0
MINIMUM_PROBABILITY = 0.01

LEAST_NAMES = 1_000
# Rows are multiplied independently of each other: no result depends on this.
THREADS = os.cpu_count() or 1
# More would need more memory, and take turns in what Python does one at a time.
CHUNKS_AT_ONCE = min(THREADS, 4)
# Partners' lists: each has steps that take one processor only.
LISTS_AT_ONCE = min(THREADS, 2)

# Cities whose names are this alike are one city, 0 to 100.
ALIKE_CITIES = 88
# A word counts as shared, in the text shown to people, from this quality on.
SHARED_QUALITY = 0.5
AGREEMENT = pa.array(["unknown", "same", "different"])
UNKNOWN, SAME, DIFFERENT = 0, 1, 2
# How two names agree: all letters; all words but for such as group or of; some words shortened; letters that differ;
# words that only one has.
LIKENESS = pa.array(["equal", "added", "shortened", "letters", "words"])
EQUAL, ADDED, SHORTENED, LETTERS, WORDS = range(5)
# What a pair's own rows say against it, the gravest first.
CONTRADICTION = pa.array(
    [None, "series", "person", "order", "letters", "words", "place", "country", "institution", "short"]
)
NO_CONTRADICTION, SERIES, PERSON, ORDER, OTHER_LETTERS, OTHER_WORDS, PLACE, COUNTRY, INSTITUTION, SHORT = range(10)
KINDS = pa.array(["company", "institution", "person"])
COMPANY_KIND, INSTITUTION_KIND, PERSON_KIND = range(3)

# A name that ends like this says that it stands for a family of companies.
GROUP_WORDS = "group groupe grp grupo gruppe gruppo holding holdings"
GROUP_ONLY = re.compile(f"( ({GROUP_WORDS.replace(' ', '|')}))+")
# Letters and rarity that the rest of such a name needs to be a family's own.
GROUP_LETTERS = 4
GROUP_RARITY = 0.94
# Names, or accounts, of the other side that begin with the family's name.
GROUP_NAMES = 2
GROUP_ACCOUNTS = 3
# Countries in which one list holds a name that so many unlike companies could not bear by chance.
BRAND_COUNTRIES = 3
# What is left of the doubt about short and common names where that many accounts bear it.
BRANCHES_DOUBT = 0.25
# A name whose rarest word is rarer at large by less than this is common.
COMMON_RARITY = 0.05
# That a pair found so is of one family. Set by judgement: 32 of 32 on the set of families; on the other sets nine more,
# none of them one company, whose labels do not tell families (some are, as Mitsubishi; some are not, as Liberty).
GROUP_PROBABILITY = 0.93
RELATIONSHIP = pa.array([None, "subsidiary", "parent"], pa.string())
STOPWORDS = "the and of for de la le les du des der die das und et e y da do del di"
# Words by which one name may be longer than the other and still be the same name.
ADDED_WORDS = (
    f"{GROUP_WORDS} co company corp corporation inc incorporated ltd limited intl international global worldwide "
    # kinds of shares, as lists of securities have them
    "adr ads inh nom ord pref share shares"
)
# A single letter or number behind one of these tells one of a series.
SERIES_WORDS = "series class fund tranche portfolio trust unit phase building block lot plan part volume no number"
NUMBER_WORDS = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
ORDINAL_WORDS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
ROMAN_NUMBERS = "ii iii iv vi vii viii ix xi xii xiii xiv xv xvi xvii xviii xix xx"
ROMAN_VALUES = (2, 3, 4, 6, 7, 8, 9, *range(11, 21))
ORDINAL = re.compile("([0-9]{1,3})(st|nd|rd|th)")

# Letters, added or missing, by which a misspelt word may differ.
TYPO_LETTERS = 4
# A letter left out, doubled or exchanged with its neighbour is a slip of the fingers in a word this long; in a shorter
# one, and where a letter is another one, it may make another name (`henkel`, `henkell`; `sterling`, `stirling`).
SLIP_LETTERS = 8
# German umlauts before a consonant, as typed without them: `draeger` is `drager`.
UMLAUTS = "([a-z][aou])e([b-df-hj-np-tv-z])", r"\1\2"
# So few letters are anybody's.
SHORT_NAME = 2
# A word this rare at large tells companies apart by itself.
TELLING_RARITY = 0.97
# What words of the seed `account_mapping__name_words` are worth: many unlike companies choose or inherit them.
CHOSEN_RARITY = 0.9
LONGEST_ACRONYM = 6
# Letters of a word that may abbreviate the whole name: `crico`.
LONGEST_ABBREVIATION = 8
# Of names with more words than an abbreviation may have letters none is asked for.
BLOCK_LENGTHS = 16
# Letter codes: a space, 26 letters, 10 digits.
ALPHABET = 37
NAME_PATTERN = "^[a-z0-9]+( [a-z0-9]+)*$"
# Of each word the first letter, and no spaces.
INITIALS = "([a-z0-9])[a-z0-9]* ?", r"\1"

Item = TypeVar("Item")
Result = TypeVar("Result")

NAME_FEATURES = (
    "bias",
    "word_sort_ratio_over_80",
    "word_set_ratio",
    "partial_ratio",
    "trigram_cosine",
    "trigram_cosine_over_50",
    "equal",
    "abbreviated_ours",
    "abbreviated_partner",
    "least_word_ours",
    "least_word_partner",
    "shared_information",
    "rarest_other_ours",
    "rarest_other_both",
    "first_word_rarity",
    "first_word_equal",
    "number_conflict",
    "acronym_length",
    "near_acronym_length",
    "one_word",
)
PLACE_FEATURES = (
    "country_same",
    "country_different",
    "city_same",
    "city_different",
    "city_same_and_near_acronym",
    "country_different_and_short",
    "country_different_and_common",
    "legal_form_different",
)
RIVAL_FEATURES = (
    "rival_bias",
    "rival_evidence",
    "rival_ours_ahead",
    "rival_ours_behind",
    "rival_partner_ahead",
    "rival_partner_behind",
    "rival_evidence_alone",
)
# The same once more, now that a rival which is itself behind another name counts less.
SETTLED_FEATURES = tuple(feature.replace("rival", "settled") for feature in RIVAL_FEATURES)
FEATURES = NAME_FEATURES + PLACE_FEATURES + RIVAL_FEATURES + SETTLED_FEATURES
# What keys alone are worth, which int_account_mapping__scored_pairs reads: probabilities and factors of odds, 0 to 1.
KEY_SETTINGS = (
    "probability_other_company",
    "probability_contradicted",
    "probability_identifier",
    "probability_hierarchy",
    "probability_own_website",
    "probability_own_website_by_name",
    "probability_group_website",
    "probability_group_website_by_name",
    "probability_alias",
    "probability_shared_website",
    "probability_shared_website_by_name",
    "probability_own_mail_domain",
    "probability_own_mail_domain_by_name",
    "probability_shared_mail_domain",
    "probability_shared_mail_domain_by_name",
    "odds_other_website",
    "odds_settled_elsewhere",
    "probability_name_and_country",
    "probability_name",
    "probability_name_other_country",
    "probability_name_of_several",
    "probability_folded_name_and_country",
    "probability_folded_name",
    "probability_better_name_elsewhere",
    "probability_core_name_and_country",
    "probability_core_name",
    "probability_core_name_other_country",
    "probability_core_name_of_several",
    "probability_initials",
    "probability_initials_of_several",
    "probability_near_name",
    "probability_near_name_of_several",
)


# ---------------------------------------------------------------- weights


def read_weights(weights: Mapping[str, float | None]) -> dict[str, float]:
    """The weights by feature, the whole seed being checked against FEATURES and KEY_SETTINGS.

    weights: the seed's rows as {feature: weight}.
    Raises ValueError naming the features that are missing, unknown, without
    a finite number or, of KEY_SETTINGS, not between 0 and 1.
    """
    expected = set(FEATURES + KEY_SETTINGS)
    missing = sorted(expected - set(weights))
    unknown = sorted(set(weights) - expected)
    bad = sorted(
        feature for feature in expected & set(weights) if weights[feature] is None or not np.isfinite(weights[feature])
    )
    outside = sorted(
        feature for feature in set(KEY_SETTINGS) & set(weights) - set(bad) if not 0 <= weights[feature] <= 1
    )
    problems = [
        f"{what}: {', '.join(features)}"
        for what, features in (
            ("missing", missing),
            ("unknown", unknown),
            ("not a number", bad),
            ("not between 0 and 1", outside),
        )
        if features
    ]
    if problems:
        raise ValueError(
            "account_mapping__match_weights does not fit this version of "
            f"int_account_mapping__fuzzy_pairs ({'; '.join(problems)}): run "
            "`dbt seed`, or fit the weights again with "
            "benchmarks/fit_match_weights.py"
        )
    return {feature: float(weights[feature]) for feature in FEATURES}


def weigh(
    columns: Mapping[str, np.ndarray],
    features: tuple[str, ...],
    weights: Mapping[str, float],
) -> np.ndarray:
    """Log-odds: the sum of feature times weight, (n,) float64.

    One addition per feature instead of a matrix product, whose order of sums
    depends on the number of threads and rows.
    """
    total = np.zeros(len(columns[features[0]]))
    for feature in features:
        total += columns[feature] * weights[feature]
    return total


# ---------------------------------------------------------------- records


class Side(NamedTuple):
    """The named accounts of one side, sorted by (name, country, city, id).

    account_ids: (accounts,) strings. name_of: (accounts,) index of the name.
    country, state, city, legal: (accounts,) codes, -1 unknown; the codes are
    comparable between the two sides. kind: (accounts,) position in KINDS.
    names: (names,) distinct, sorted.
    first: (names + 1,) offsets of each name's accounts.
    """

    account_ids: pa.Array
    name_of: np.ndarray
    country: np.ndarray
    state: np.ndarray
    city: np.ndarray
    legal: np.ndarray
    kind: np.ndarray
    names: pa.Array
    first: np.ndarray


class Places(NamedTuple):
    """What the codes of both sides stand for: distinct sorted strings each."""

    countries: pa.Array
    states: pa.Array
    cities: pa.Array
    legals: pa.Array


def codes(column: pa.ChunkedArray, values: pa.Array) -> np.ndarray:
    """Position of each value in `values` as int32; null or absent is -1."""
    return pc.fill_null(pc.index_in(column, values), -1).to_numpy().astype(np.int32)


def distinct(*columns: pa.ChunkedArray) -> pa.Array:
    """The sorted distinct values of the columns, without null."""
    chunks = [chunk for column in columns for chunk in column.chunks]
    values = pa.chunked_array(chunks, pa.string()).drop_null().unique()
    return values.take(pc.sort_indices(values))


def word_numbers() -> dict[str, str]:
    """What a word counts as, in digits: `two`, `second` and `ii` are `2`."""
    numbers = {}
    for words in (NUMBER_WORDS, ORDINAL_WORDS):
        numbers |= {word: str(value) for value, word in enumerate(words.split(), 1)}
    return numbers | {word: str(value) for word, value in zip(ROMAN_NUMBERS.split(), ROMAN_VALUES, strict=True)}


WORD_NUMBERS = word_numbers()
LONE_NUMERALS = {"i": "1", "v": "5", "x": "10"}


def in_digits(names: pa.Array) -> pa.Array:
    """Names with all numbers in digits, whatever their notation: `fund ii`, `fund two` and `fund 2nd` become `fund 2`.

    A letter alone is a Roman number at the end of a name only, or behind a word such as series.
    """
    lists = pc.split_pattern(names, " ")
    encoded = lists.flatten().dictionary_encode()
    texts = encoded.dictionary.to_pylist()
    plain = [WORD_NUMBERS.get(text, text) if text.isalpha() else ORDINAL.sub(r"\1", text) for text in texts]
    known = {text: code for code, text in enumerate(plain)}
    words = encoded.indices.to_numpy().copy()
    place = {text: code for code, text in enumerate(texts)}
    first = lists.offsets.to_numpy()
    position = np.arange(len(words))
    is_last = np.zeros(len(words), bool)
    is_last[first[1:] - 1] = np.diff(first) > 1
    is_first = np.zeros(len(words), bool)
    is_first[first[:-1]] = True
    series = np.array([place[word] for word in SERIES_WORDS.split() if word in place], np.int64)
    follows = ~is_first & np.isin(words[np.maximum(position - 1, 0)], series)
    for letter, number in LONE_NUMERALS.items():
        if letter in place:
            if number not in known:
                known[number] = len(plain)
                plain.append(number)
            words[(words == place[letter]) & (is_last | follows)] = known[number]
    changed = pa.array(plain, pa.string()).take(pa.array(words))
    return pc.binary_join(pa.ListArray.from_arrays(lists.offsets, changed), " ")


def build_side(records: pa.Table, places: Places) -> Side:
    """The accounts of `records` that have a name, ready to be compared.

    Raises ValueError at a name that is not normalised.
    """
    records = records.filter(pc.is_valid(records["name"]))
    records = records.set_column(
        records.schema.get_field_index("name"), "name", in_digits(records["name"].combine_chunks())
    ).sort_by([(c, "ascending") for c in ("name", "country_code", "city", "state", "account_id")])
    names = distinct(records["name"])
    bad = names.filter(pc.invert(pc.match_substring_regex(names, NAME_PATTERN)))
    if len(bad):
        raise ValueError(
            "int_account_mapping__normalized holds names that are not words of "
            f"[a-z0-9] separated by single spaces, such as {bad[0].as_py()!r}"
        )
    name_of = codes(records["name"], names)
    return Side(
        account_ids=records["account_id"].combine_chunks(),
        name_of=name_of,
        country=codes(records["country_code"], places.countries),
        state=codes(records["state"], places.states),
        city=codes(records["city"], places.cities),
        legal=codes(records["legal_form"], places.legals),
        kind=np.maximum(codes(records["name_kind"], KINDS), COMPANY_KIND),
        names=names,
        first=np.searchsorted(name_of, np.arange(len(names) + 1)),
    )


def build_places(*records: pa.Table) -> Places:
    """The places and legal forms of all given records."""
    return Places(
        *(distinct(*(table[column] for table in records)) for column in ("country_code", "state", "city", "legal_form"))
    )


def build_sides(ours: pa.Table, partner: pa.Table) -> tuple[Side, Side, Places]:
    """Both sides with common codes, and what the codes stand for."""
    places = build_places(ours, partner)
    return build_side(ours, places), build_side(partner, places), places


def part_of(side: Side, names: np.ndarray) -> tuple[Side, np.ndarray]:
    """The accounts of some of a side's names, (n,) sorted indexes; and the position of each, (accounts,)."""
    row, position = ragged(side.first[names + 1] - side.first[names])
    kept = side.first[names][row] + position
    return (
        Side(
            side.account_ids.take(pa.array(kept)),
            row,
            *(field[kept] for field in (side.country, side.state, side.city, side.legal, side.kind)),
            side.names.take(pa.array(names)),
            offsets(np.bincount(row, minlength=len(names))),
        ),
        kept,
    )


# ---------------------------------------------------------------- words


def rows_of(lengths: np.ndarray) -> np.ndarray:
    """Row of every element of rows with the given lengths."""
    return np.repeat(np.arange(len(lengths)), lengths)


def ragged(lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Row and position of every element of rows with the given lengths."""
    rows = rows_of(lengths)
    starts = np.cumsum(lengths) - lengths
    return rows, np.arange(len(rows)) - np.repeat(starts, lengths)


def unique(values: np.ndarray) -> np.ndarray:
    """The distinct values, (n,) sorted.

    As np.unique, whose hash table takes twenty times as long and lets no other thread run.
    """
    values = np.sort(values)
    return values[np.concatenate([np.ones(min(len(values), 1), bool), values[1:] != values[:-1]])]


def offsets(lengths: np.ndarray) -> np.ndarray:
    """Where each row of the given lengths begins, and the end: (rows + 1,)."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


class Words(NamedTuple):
    """The words of each name, and the words that runs of them spell.

    first: (names + 1,) offsets into word; word: ids in the vocabulary.
    A span is a run of `span_length` words from position `span_start` on whose
    initials (`span_acronym`) or letters form one word of the vocabulary:
    `jp morgan` spells `jpmorgan`, `korea telecom` spells `kt`.
    span_first: (names + 1,) offsets into the span arrays.
    serial: whether each of `word` is a number, or a letter that tells one of a series.
    """

    first: np.ndarray
    word: np.ndarray
    serial: np.ndarray
    span_first: np.ndarray
    span_word: np.ndarray
    span_start: np.ndarray
    span_length: np.ndarray
    span_acronym: np.ndarray


def split_words(names: pa.Array) -> pa.ListArray:
    """The words of each name."""
    return pc.split_pattern(names, " ")


def word_code(letters: list[np.ndarray]) -> np.ndarray:
    """One number per word of a fixed length, from its letters' codes."""
    code = np.zeros(len(letters[0]), np.int64)
    for letter in letters:
        code = code * (ALPHABET + 1) + letter + 1
    return code


def short_word_codes(vocabulary: pa.Array, length: int) -> tuple[np.ndarray, ...]:
    """Codes of the words that have `length` letters, sorted, and their ids."""
    ids = np.flatnonzero(pc.utf8_length(vocabulary).to_numpy() == length)
    text = "".join(vocabulary.take(pa.array(ids)).to_pylist()).encode()
    letters = LETTER[np.frombuffer(text, np.uint8)].reshape(-1, length)
    code = word_code(list(letters.T.astype(np.int64)))
    order = np.argsort(code)
    return code[order], ids[order]


def runs(length: int, position: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Where a run of `length` words of one name begins.

    position: of each word in its name; last: of its name's last word.
    """
    return np.flatnonzero(position + length - 1 <= last)


def acronyms(
    initial: np.ndarray, start: np.ndarray, length: int, vocabulary: pa.Array
) -> tuple[np.ndarray, np.ndarray]:
    """Which runs have initials that form a word of the vocabulary, and which.

    initial: letter code of each word; start: (runs,) first words of the runs.
    Returns indexes into `start`, and the words' ids.
    """
    known, ids = short_word_codes(vocabulary, length)
    if not len(known) or not len(start):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    code = word_code([initial[start + k] for k in range(length)])
    at = np.minimum(np.searchsorted(known, code), len(known) - 1)
    hit = np.flatnonzero(known[at] == code)
    return hit, ids[at[hit]]


def build_words(names: pa.Array, vocabulary: pa.Array) -> Words:
    """Words and spans of `names`; every word must be in the vocabulary."""
    lists = split_words(names)
    first = lists.offsets.to_numpy().astype(np.int64)
    texts = lists.flatten()
    word = codes(pa.chunked_array([texts]), vocabulary).astype(np.int64)
    n_words = np.diff(first)
    row, position = ragged(n_words)
    last = n_words[row] - 1
    initial = initials(vocabulary)[word].astype(np.int64)

    # Initials of the whole name without its small words.
    small = pa.chunked_array([STOPWORDS.split(" ")])
    full = np.flatnonzero(~np.isin(word, codes(small, vocabulary)))
    n_full = np.bincount(row[full], minlength=len(names))
    heads = offsets(n_full)[:-1]

    # Columns: name, first word, number of words, word spelt, is an acronym.
    none = np.zeros(0, np.int64)
    spans: list[tuple[np.ndarray, ...]] = [(none, none, none, none, none)]
    for length in range(2, LONGEST_ACRONYM + 1):
        start = runs(length, position, last)
        hit, ids = acronyms(initial, start, length, vocabulary)
        at = start[hit]
        spans.append((row[at], position[at], np.full_like(at, length), ids, ids * 0 + 1))
        name = np.flatnonzero((n_full == length) & (n_words > length))
        hit, ids = acronyms(initial[full], heads[name], length, vocabulary)
        name = name[hit]
        spans.append((name, name * 0, n_words[name], ids, ids * 0 + 1))
    for length in (2, 3):
        start = runs(length, position, last)
        parts = [texts.take(pa.array(start + k)) for k in range(length)]
        glued = pc.binary_join_element_wise(*parts, "")
        ids = codes(pa.chunked_array([glued]), vocabulary).astype(np.int64)
        at, ids = start[ids >= 0], ids[ids >= 0]
        spans.append((row[at], position[at], np.full_like(at, length), ids, ids * 0))

    columns = [np.concatenate(column) for column in zip(*spans, strict=True)]
    order = np.lexsort(columns[::-1])
    span_row, span_start, span_length, span_word, span_acronym = (column[order] for column in columns)
    is_number, is_letter, is_series = (
        pc.match_substring_regex(vocabulary, "^[0-9]+$").to_numpy(False)[word],
        pc.match_substring_regex(vocabulary, "^[a-z]$").to_numpy(False)[word],
        is_word_of(vocabulary, SERIES_WORDS.split())[word],
    )
    follows = np.concatenate([[False], is_series[:-1]]) & (position > 0)
    return Words(
        first=first,
        word=word,
        serial=is_number | (is_letter & (follows | ((position == last) & (position > 0)))),
        span_first=np.searchsorted(span_row, np.arange(len(names) + 1)),
        span_word=span_word,
        span_start=span_start,
        span_length=span_length,
        span_acronym=span_acronym.astype(bool),
    )


def sort_words(words: Words, vocabulary: pa.Array) -> pa.Array:
    """Each name with its words in the order of the (sorted) vocabulary."""
    row = rows_of(np.diff(words.first))
    in_order = np.sort(row * np.int64(max(len(vocabulary), 1)) + words.word) - row * max(len(vocabulary), 1)
    lists = pa.ListArray.from_arrays(pa.array(words.first.astype(np.int32)), vocabulary.take(pa.array(in_order)))
    return pc.binary_join(lists, " ")


def document_counts(words: Words, n_words: int) -> np.ndarray:
    """In how many names each word occurs."""
    row = rows_of(np.diff(words.first))
    pairs = unique(row * np.int64(n_words) + words.word)
    return np.bincount(pairs % max(n_words, 1), minlength=n_words)


def rarity(counts: np.ndarray, n_names: int) -> np.ndarray:
    """How much a word tells, 0 (in every name) to 1 (in a single one).

    The inverse document frequency as a share of its maximum, so that weights
    learnt on lists of one size serve lists of another; short lists count as parts
    of one with LEAST_NAMES names, for what both hold is not common by that.
    """
    n = max(n_names, LEAST_NAMES)
    return np.log((n + 1) / (np.maximum(counts, 1) + 1)) / np.log((n + 1) / 2)


class Lexicon(NamedTuple):
    """What is known about words at large.

    common: names per million that hold a common word. chosen: words that tell little though few names hold them: given
    names, surnames, kinds of institutions, and words that many unlike companies choose (`apex`, `phoenix`).
    stock: those that companies choose. regions: words that name a country or a part of the world.
    """

    common: Mapping[str, int]
    chosen: frozenset[str]
    stock: frozenset[str]
    regions: frozenset[str]


def build_lexicon(common: Mapping[str, int], kinds: Mapping[str, str]) -> Lexicon:
    """kinds: the rows of account_mapping__name_words as {word: kind}."""
    stock, regions = (
        frozenset(word for word, kind in kinds.items() if kind == wanted) for wanted in ("stock", "region")
    )
    return Lexicon(common, frozenset(kinds) - regions, stock, regions)


def background_rarity(vocabulary: pa.Array, lexicon: Lexicon) -> tuple[np.ndarray, np.ndarray]:
    """How much a word tells by its use in organisation names at large, (words,): by its frequency, and with what is
    known of chosen words, which have CHOSEN_RARITY at most.

    The rarest of the common words, and every word that is not among them, has 1; a short list alone would take `bank`
    or `institute` for telling.
    """
    level = np.ones(len(vocabulary))
    words = pa.chunked_array([vocabulary])
    if lexicon.common:
        known = codes(words, pa.array(lexicon.common))
        per_million = np.fromiter(lexicon.common.values(), float, len(lexicon.common))
        of_common = np.log(1e6 / per_million) / np.log(1e6 / per_million.min())
        level = np.where(known >= 0, of_common[known], level)
    is_chosen = is_word_of(vocabulary, lexicon.chosen)
    return level, np.where(is_chosen, np.minimum(level, CHOSEN_RARITY), level)


def is_word_of(vocabulary: pa.Array, words: Iterable[str]) -> np.ndarray:
    """Which words of the vocabulary are among others, (words,) bool."""
    return codes(pa.chunked_array([vocabulary]), pa.array(sorted(words), pa.string())) >= 0


# ---------------------------------------------------------------- letters


def letter_codes() -> np.ndarray:
    """Code of each byte: 0 for a space or anything unexpected, 1 to 36."""
    table = np.zeros(256, np.uint8)
    for code, letter in enumerate(b"abcdefghijklmnopqrstuvwxyz0123456789", 1):
        table[letter] = code
    return table


LETTER = letter_codes()


def initials(vocabulary: pa.Array) -> np.ndarray:
    """Letter code of the first letter of each word."""
    text = "".join(pc.utf8_slice_codeunits(vocabulary, 0, 1).to_pylist()).encode()
    return LETTER[np.frombuffer(text, np.uint8)]


def trigrams(names: pa.Array) -> sparse.csr_matrix:
    """Counts of letter trigrams of the space-padded words, (names, 37³)."""
    padded = pc.binary_join_element_wise("", names, "", " ").cast(pa.large_string())
    n = len(padded)
    shape = (n, ALPHABET**3)
    if not n:
        return sparse.csr_matrix(shape, dtype=np.float32)
    buffers = padded.buffers()
    starts = np.frombuffer(buffers[1], np.int64)[padded.offset : padded.offset + n + 1]
    letters = LETTER[np.frombuffer(buffers[2], np.uint8)[starts[0] : starts[-1]]]
    # A space in the middle would join two words, or two names: each begins and ends with one.
    middle = np.flatnonzero(letters[1:-1]) + 1
    cell = np.repeat(np.arange(n), np.diff(starts))[middle]
    for place in (-1, 0, 1):
        cell *= ALPHABET
        cell += letters[middle + place]
    cell, count = np.unique(cell, return_counts=True)
    return sparse.csr_matrix(
        (
            count.astype(np.float32),
            (cell % shape[1]).astype(np.int32),
            np.searchsorted(cell // shape[1], np.arange(n + 1)).astype(np.int32),
        ),
        shape=shape,
    )


def weighted(matrix: sparse.csr_matrix, weight: np.ndarray) -> sparse.csr_matrix:
    """Rows times column weights, scaled to length 1, float32.

    matrix: counts; weight: (columns,); columns of weight 0 are dropped.
    """
    row = rows_of(np.diff(matrix.indptr))
    value = matrix.data * weight[matrix.indices]
    square = np.bincount(row, value * value, minlength=matrix.shape[0])
    value = value / np.sqrt(np.maximum(square, 1e-12))[row]
    kept = value > 0
    first = np.searchsorted(row[kept], np.arange(matrix.shape[0] + 1))
    return sparse.csr_matrix(
        (
            value[kept].astype(np.float32),
            matrix.indices[kept].astype(np.int32),
            first.astype(np.int32),
        ),
        shape=matrix.shape,
    )


def rarest(matrix: sparse.csr_matrix, holders: np.ndarray, limit: int) -> sparse.csr_matrix:
    """Of each row the rarest columns, as many as have no more than `limit` holders together.

    holders: (columns,) rows of the other matrix that hold each column. Of columns with equally many the first ones.
    """
    rows = rows_of(np.diff(matrix.indptr))
    held = holders[matrix.indices].astype(np.int64)
    order = np.argsort(rows * (held.max(initial=0) + 1) + held, kind="stable")
    total = np.concatenate([[0], np.cumsum(held[order])])
    kept = np.sort(order[total[1:] - total[matrix.indptr[:-1]][rows] <= limit])
    return sparse.csr_matrix(
        (
            matrix.data[kept],
            matrix.indices[kept],
            offsets(np.bincount(rows[kept], minlength=matrix.shape[0])).astype(np.int32),
        ),
        shape=matrix.shape,
    )


def column_counts(matrix: sparse.csr_matrix) -> np.ndarray:
    """In how many rows each column occurs."""
    return np.bincount(matrix.indices, minlength=matrix.shape[1])


# ---------------------------------------------------------------- blocking


class Index(NamedTuple):
    """Everything about the names of both sides that a chunk needs.

    vocabulary: distinct words of both sides; rarity, background (rarity
    at large), frequency (the same without chosen words), numeric, initial, letters (their number), added (may be left
    out of a name), small (such as of), stock, region (see Lexicon): (words,).
    trigrams_ours, trigrams_partner, keys_ours: (names, keys), rows of length 1;
    trigrams_columns, keys_columns: the partner's, transposed.
    equal: (n, 2) name pairs of the same letters, sorted.
    sorted_ours, sorted_partner: the names, their words sorted.
    heads_ours, heads_partner: the names' initials.
    """

    vocabulary: pa.Array
    rarity: np.ndarray
    background: np.ndarray
    frequency: np.ndarray
    initial: np.ndarray
    letters: np.ndarray
    numeric: np.ndarray
    stock: np.ndarray
    region: np.ndarray
    added: np.ndarray
    small: np.ndarray
    ours: Words
    partner: Words
    trigrams_ours: sparse.csr_matrix
    trigrams_partner: sparse.csr_matrix
    trigrams_columns: sparse.csr_matrix
    keys_ours: sparse.csr_matrix
    keys_columns: sparse.csr_matrix
    equal: np.ndarray
    sorted_ours: pa.Array
    sorted_partner: pa.Array
    heads_ours: pa.Array
    heads_partner: pa.Array


def join(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indexes of all pairs of equal elements, in order of the left."""
    order = np.argsort(right, kind="stable")
    low, high = (np.searchsorted(right[order], left, side) for side in ("left", "right"))
    row, step = ragged(high - low)
    return row, order[low[row] + step]


def equal_names(ours: pa.Array, partner: pa.Array) -> np.ndarray:
    """Name pairs, (n, 2), that differ in spaces at most."""
    glued = [pa.chunked_array([pc.replace_substring(names, " ", "")]) for names in (ours, partner)]
    values = distinct(*glued)
    return np.column_stack(join(*(codes(names, values) for names in glued)))


def word_keys(words: Words, prefix_of: np.ndarray, width: int) -> sparse.csr_matrix:
    """What a name can be found by: its words, what its spans spell, prefixes.

    prefix_of: column of the prefix of each word; width: number of columns.
    Returns (names, width) with 1 for a word, .8 for a span, .5 for a prefix.
    """
    n = len(words.first) - 1
    row = rows_of(np.diff(words.first))
    span_row = rows_of(np.diff(words.span_first))
    rows = np.concatenate([row, span_row, row])
    columns = np.concatenate([words.word, words.span_word, prefix_of[words.word]])
    value = np.repeat([1.0, 0.8, 0.5], [len(row), len(span_row), len(row)])
    cell = rows * np.int64(width) + columns
    order = np.lexsort((-value, cell))
    cell, value = cell[order], value[order]
    kept = np.concatenate([[True], cell[1:] != cell[:-1]]) if len(cell) else slice(0)
    cell, value = cell[kept], value[kept]
    return sparse.csr_matrix(
        (
            value.astype(np.float32),
            (cell % width).astype(np.int32),
            np.searchsorted(cell // width, np.arange(n + 1)).astype(np.int32),
        ),
        shape=(n, width),
    )


def build_index(ours: pa.Array, partner: pa.Array, lexicon: Lexicon, longer: "LongList | None" = None) -> Index:
    """Index the distinct names of both sides, arrays of strings.

    longer: the whole list of which `ours` are some names, whose counts say what is rare.
    """
    vocabulary = distinct(pa.chunked_array([split_words(ours).flatten(), split_words(partner).flatten()]))
    n_words, n_names = len(vocabulary), len(ours if longer is None else longer.names) + len(partner)
    names = ours, partner
    words = [build_words(side, vocabulary) for side in names]
    counts = [document_counts(side, n_words) for side in words]
    with ThreadPoolExecutor(2) as pool:
        grams = list(pool.map(trigrams, names))
    gram_counts = [column_counts(side) for side in grams]
    if longer is not None:
        counts[0] = longer.count_words(vocabulary)
        gram_counts[0] = longer.trigrams.counts
    counts = sum(counts)
    gram_weight = rarity(sum(gram_counts), n_names)
    trigrams_ours, trigrams_partner = (weighted(side, gram_weight) for side in grams)

    prefixes = pc.utf8_slice_codeunits(vocabulary, 0, 4).dictionary_encode()
    prefix_of = n_words + prefixes.indices.to_numpy()
    width = n_words + len(prefixes.dictionary)
    keys = [word_keys(side, prefix_of, width) for side in words]
    key_weight = rarity(sum(map(column_counts, keys)), n_names)
    keys_ours, keys_partner = (weighted(side, key_weight) for side in keys)
    sorted_ours, sorted_partner = (sort_words(side, vocabulary) for side in words)
    heads_ours, heads_partner = (pc.replace_substring_regex(side, *INITIALS) for side in names)
    frequency, background = background_rarity(vocabulary, lexicon)
    letters = pc.utf8_length(vocabulary).to_numpy()
    numeric = pc.match_substring_regex(vocabulary, "^[0-9]+$").to_numpy(False)
    small = is_word_of(vocabulary, STOPWORDS.split())
    region = is_word_of(vocabulary, lexicon.regions)
    return Index(
        vocabulary=vocabulary,
        rarity=np.minimum(rarity(counts, n_names), background),
        background=background,
        frequency=frequency,
        initial=initials(vocabulary),
        letters=letters,
        numeric=numeric,
        stock=is_word_of(vocabulary, lexicon.stock),
        region=region,
        added=small | is_word_of(vocabulary, ADDED_WORDS.split()) | ((letters <= 2) & ~numeric & ~region),
        small=small,
        ours=words[0],
        partner=words[1],
        trigrams_ours=trigrams_ours,
        trigrams_partner=trigrams_partner,
        trigrams_columns=trigrams_partner.T.tocsr(),
        keys_ours=keys_ours,
        keys_columns=keys_partner.T.tocsr(),
        equal=equal_names(ours, partner),
        sorted_ours=sorted_ours,
        sorted_partner=sorted_partner,
        heads_ours=heads_ours,
        heads_partner=heads_partner,
    )


def near_acronym(words: pa.Array, heads: pa.Array) -> np.ndarray:
    """How well a word abbreviates a name of several words, of which `heads` has the initials, 0 to 1, (n,).

    The share of the word's letters that are initials of the name in their order,
    0 where more than one letter is not (`crico`: controlled risk insurance
    company), the first letters differ or the name has more than two words over.
    """
    length, n_heads = (pc.utf8_length(texts).to_numpy() for texts in (words, heads))
    words, heads = words.to_pylist(), heads.to_pylist()
    common, same_start = (
        process.cpdist(words, heads, scorer=measure.similarity, dtype=np.int32) for measure in (LCSseq, Prefix)
    )
    good = (same_start > 0) & (common >= np.maximum(length - 1, 2)) & (n_heads <= length + 2)
    return np.where(good & (n_heads >= 2), common / np.maximum(length, 1), 0.0)


class CityBlocks(NamedTuple):
    """The accounts of one side that have a city, in blocks of one city, one first letter and one length.

    words, phrases: the accounts whose name is one short word, and those whose name has several words, each (n,) sorted.
    word_blocks, phrase_blocks: the block of each; a word of n letters and a name of n words are of one length.
    """

    words: np.ndarray
    phrases: np.ndarray
    word_blocks: np.ndarray
    phrase_blocks: np.ndarray


def city_blocks(side: Side, words: Words, initial: np.ndarray) -> CityBlocks:
    """words: of the side's names; initial: letter code of each word of the vocabulary."""
    initial = initial[words.word[words.first[:-1]]]
    n_words = np.diff(words.first)
    letters = pc.utf8_length(side.names).to_numpy()
    is_word = (n_words == 1) & (letters >= 2) & (letters <= LONGEST_ABBREVIATION)
    has_city = side.city >= 0
    block = (side.city.astype(np.int64) * 64 + initial[side.name_of]) * BLOCK_LENGTHS
    of_word, of_phrase = (
        np.flatnonzero(has_city & chosen[side.name_of])
        for chosen in (is_word, (n_words > 1) & (n_words < BLOCK_LENGTHS))
    )
    return CityBlocks(
        words=of_word,
        phrases=of_phrase,
        word_blocks=block[of_word] + letters[side.name_of[of_word]],
        phrase_blocks=block[of_phrase] + n_words[side.name_of[of_phrase]],
    )


def acronym_candidates(
    ours: Side,
    partner: Side,
    heads: tuple[pa.Array, pa.Array],
    blocks: tuple[CityBlocks, CityBlocks],
    start: int,
    stop: int,
) -> np.ndarray:
    """Name pairs, (n, 2), of an abbreviation and a full name in one city, for our names start..stop-1.

    heads: the names' initials; blocks: both of our side and of the partner's. Such names need not share a trigram or a
    word; one city and one first letter make the block small.
    """
    found = [np.zeros((0, 2), np.int64)]
    texts = [(ours.names, heads[0]), (partner.names, heads[1])]
    width = np.int64(max(len(partner.names), 1))
    ours_blocks, theirs = blocks
    for word_side, a, a_blocks, b, b_blocks in (
        (0, ours_blocks.words, ours_blocks.word_blocks, theirs.phrases, theirs.phrase_blocks),
        (1, ours_blocks.phrases, ours_blocks.phrase_blocks, theirs.words, theirs.word_blocks),
    ):
        low, high = np.searchsorted(a, [ours.first[start], ours.first[stop]])
        a, a_blocks = ours.name_of[a[low:high]].astype(np.int64), a_blocks[low:high]
        codes_found = [np.zeros(0, np.int64)]
        # near_acronym is 0 for a name with two words less than the word has letters, or three more
        for more_words in (-1, 0, 1, 2):
            i, j = join(a_blocks + (more_words if word_side == 0 else -more_words), b_blocks)
            codes_found.append(a[i] * width + partner.name_of[b[j]])
        pair = np.column_stack(np.divmod(unique(np.concatenate(codes_found)), width))
        words = texts[word_side][0].take(pa.array(pair[:, word_side]))
        heads = texts[1 - word_side][1].take(pa.array(pair[:, 1 - word_side]))
        found.append(pair[near_acronym(words, heads) > 0])
    return np.concatenate(found)


class Texts(NamedTuple):
    """A sorted array for bisect, which makes those texts only that are looked at."""

    names: pa.Array

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, position: int) -> str:
        return self.names[position].as_py()


def family_names(groups: Side, members: Side, words: Words, frequency: np.ndarray) -> np.ndarray:
    """Name pairs, (n, 2), of a group and a name that begins with the group's: `mitsubishi group`, `mitsubishi motors`.

    groups: the side of the first column, with its `words` and their rarity at large. Only rare names count, and only
    those that several names or accounts of the other side begin with: `argo group` alone does not own `argo gold`.
    """
    tail = f" ({GROUP_WORDS.replace(' ', '|')})$"
    is_group = pc.match_substring_regex(groups.names, tail).to_numpy(False)
    # to look for a group twice takes less than 64 steps
    texts = members.names.to_pylist() if is_group.sum() * 64 > len(members.names) else Texts(members.names)
    found = [np.zeros((0, 2), np.int64)]
    for group in np.flatnonzero(is_group):
        stem = groups.names[int(group)].as_py().rsplit(" ", 1)[0]
        own = words.word[words.first[group] : words.first[group + 1] - 1]
        low, high = bisect_left(texts, stem + " "), bisect_left(texts, stem + "!")
        accounts = members.first[high] - members.first[low]
        several = high - low >= GROUP_NAMES or accounts >= GROUP_ACCOUNTS
        if several and len(stem) >= GROUP_LETTERS and frequency[own].max() >= GROUP_RARITY:
            # What only adds such words is the group itself: `mitsubishi grp`.
            names = members.names.slice(low, high - low).to_pylist()
            member = np.arange(low, high)[[not GROUP_ONLY.fullmatch(name, len(stem)) for name in names]]
            found.append(np.column_stack([np.full(len(member), group), member]))
    return np.concatenate(found)


def families(
    ours: Side, partner: Side, words: tuple[Words, Words], frequency: tuple[np.ndarray, np.ndarray], equal: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Name pairs of one family, (n,) as ours * partner names + partner, sorted; and what ours is, 1 or 2.

    words, frequency: of our names and of the partner's, see family_names; equal: see Index. The second array holds
    positions in RELATIONSHIP.
    """
    width = np.int64(max(len(partner.names), 1))
    ours_above = family_names(ours, partner, words[0], frequency[0])
    partner_above = family_names(partner, ours, words[1], frequency[1])[:, ::-1]
    pair = np.concatenate([partner_above, ours_above])
    kind = np.repeat([1, 2], [len(partner_above), len(ours_above)])
    code, first = np.unique(pair[:, 0] * width + pair[:, 1], return_index=True)
    unlike = ~np.isin(code, equal[:, 0] * width + equal[:, 1])
    return code[unlike], kind[first][unlike]


def nearest(
    names: sparse.csr_matrix, columns: sparse.csr_matrix, top: int, least: float, looked_at: int
) -> tuple[np.ndarray, np.ndarray]:
    """For each of some names the others whose cosine is best, as pairs of rows and of columns, (n,) each.

    names: (names, keys); columns: (keys, others).
    """
    names = rarest(names, np.diff(columns.indptr), looked_at)
    best = sp_matmul_topn(names, columns, top_n=top, threshold=least, n_threads=THREADS)
    # Where the last of the best is nearly as good as the first, more may be: a wider look misses none of them.
    full = np.flatnonzero(np.diff(best.indptr) == top)
    cosine = best.data[best.indptr[full][:, None] + np.arange(top)].astype(np.float64)
    close = full[cosine.min(axis=1) >= CLOSE_COSINE * cosine.max(axis=1)]
    wide = sp_matmul_topn(names[close], columns, top_n=TOP_WIDE, threshold=least, n_threads=THREADS)
    return (
        np.concatenate([rows_of(np.diff(best.indptr)), close[rows_of(np.diff(wide.indptr))]]),
        np.concatenate([best.indices, wide.indices]),
    )


def candidates(index: Index, start: int, stop: int, extra: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Name pairs worth scoring for our names start..stop-1, sorted.

    extra: (n, 2) name pairs that are scored in any case.
    Returns (pairs,) indexes of our names and of the partner's.
    """
    width = np.int64(max(index.trigrams_columns.shape[1], 1))
    low, high = np.searchsorted(index.equal[:, 0], [start, stop])
    sure = np.concatenate([extra, index.equal[low:high]])
    found = [sure[:, 0] * width + sure[:, 1]]
    for left, right, top, least in (
        (index.trigrams_ours, index.trigrams_columns, TOP_TRIGRAM, MINIMUM_TRIGRAM_COSINE),
        (index.keys_ours, index.keys_columns, TOP_WORD, MINIMUM_WORD_COSINE),
    ):
        row, column = nearest(left[start:stop], right, top, least, LOOKED_AT)
        found.append((row + start) * width + column)
    pair = unique(np.concatenate(found))
    return pair // width, pair % width


# ---------------------------------------------------------------- a much longer list


class Columns(NamedTuple):
    """By what a longer list's names can be found: turned once, weighed for each partner.

    matrix: counts, (keys, names); counts: (keys,) names that hold each.
    """

    matrix: sparse.csr_matrix
    counts: np.ndarray

    def weighed(self, weight: np.ndarray) -> sparse.csr_matrix:
        """As `weighted` of the names would be, turned. weight: (keys,)."""
        matrix = self.matrix
        value = matrix.data * np.repeat(weight, np.diff(matrix.indptr))
        square = np.bincount(matrix.indices, value * value, minlength=matrix.shape[1])
        value /= np.sqrt(np.maximum(square, 1e-12))[matrix.indices]
        return sparse.csr_matrix((value.astype(np.float32), matrix.indices, matrix.indptr), shape=matrix.shape)


class LongList(NamedTuple):
    """Our names, made ready once for all partners whose lists are much shorter.

    names: distinct, sorted. glued: without spaces. heads: initials. vocabulary: distinct words, sorted. counts:
    (words,) names that hold each; hashes: (words,) of their letters; frequency: see Index. prefixes: distinct, sorted.
    words: of the names. blocks: see CityBlocks. trigrams, keys: see Columns.
    """

    names: pa.Array
    glued: pa.Array
    heads: pa.Array
    vocabulary: pa.Array
    counts: np.ndarray
    hashes: np.ndarray
    frequency: np.ndarray
    prefixes: pa.Array
    words: Words
    blocks: CityBlocks
    trigrams: Columns
    keys: Columns

    def count_words(self, vocabulary: pa.Array) -> np.ndarray:
        """How many of the names hold each word of another vocabulary."""
        return counted(self.counts, codes(pa.chunked_array([vocabulary]), self.vocabulary))


def counted(counts: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The counts of some positions, 0 where the position is -1."""
    return np.where(known >= 0, counts[known], 0) if len(counts) else np.zeros(len(known), np.int64)


def first_letters(words: pa.Array) -> pa.Array:
    return pc.utf8_slice_codeunits(words, 0, 4)


def letter_hashes(words: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Of each word a polynomial of its letters modulo 2^64, and the factor by which it moves what stands before it."""
    lengths = pc.utf8_length(words).to_numpy().astype(np.int64)
    letters = LETTER[np.frombuffer("".join(words.to_pylist()).encode(), np.uint8)].astype(np.uint64)
    total, power = np.zeros(len(words), np.uint64), np.ones(len(words), np.uint64)
    start = offsets(lengths)[:-1]
    for place in range(int(lengths.max(initial=0))):
        here = np.flatnonzero(lengths > place)
        total[here] = total[here] * HASH_BASE + letters[start[here] + place]
        power[here] *= HASH_BASE
    return total, power


def build_long_list(side: Side, lexicon: Lexicon) -> LongList:
    names = side.names
    vocabulary = distinct(pa.chunked_array([split_words(names).flatten()]))
    words = build_words(names, vocabulary)
    prefixes = distinct(pa.chunked_array([first_letters(vocabulary)]))
    n_words = len(vocabulary)
    prefix_of = n_words + codes(pa.chunked_array([first_letters(vocabulary)]), prefixes)
    keys = word_keys(words, prefix_of, n_words + len(prefixes))
    grams = trigrams(names)
    return LongList(
        names=names,
        glued=pc.replace_substring(names, " ", ""),
        heads=pc.replace_substring_regex(names, *INITIALS),
        vocabulary=vocabulary,
        counts=document_counts(words, n_words),
        hashes=letter_hashes(vocabulary)[0],
        frequency=background_rarity(vocabulary, lexicon)[0],
        prefixes=prefixes,
        words=words,
        blocks=city_blocks(side, words, initials(vocabulary)),
        trigrams=Columns(grams.T.tocsr(), column_counts(grams)),
        keys=Columns(keys.T.tocsr(), column_counts(keys)),
    )


def spelt(longer: LongList, words: pa.Array) -> np.ndarray:
    """Names of the longer list that spell a word which none of them holds, (n, 2) of names and of `words`, sorted.

    By the initials of a run of words or of all but the small ones (`korea telecom` spells `kt`), or by the letters of
    two or three words (`jp morgan` spells `jpmorgan`). Words that more than TOP_WIDE names spell are left out.
    """
    own = longer.words
    n_own = np.diff(own.first)
    row, position = ragged(n_own)
    last = n_own[row] - 1
    initial = initials(longer.vocabulary)[own.word].astype(np.uint64)
    powers = letter_hashes(longer.vocabulary)[1][own.word]
    hashes = longer.hashes[own.word]
    wanted, _ = letter_hashes(words)
    order = np.argsort(wanted, kind="stable")
    in_order = wanted[order]
    bits = np.uint64(2**HASH_BITS - 1)
    may_be = np.zeros(2**HASH_BITS, bool)
    may_be[wanted & bits] = True
    found = [np.zeros((0, 2), np.int64)]

    def look(name: np.ndarray, value: np.ndarray) -> None:
        near = np.flatnonzero(may_be[value & bits])
        low, high = (np.searchsorted(in_order, value[near], side) for side in ("left", "right"))
        at, step = ragged(high - low)
        found.append(np.column_stack([name[near][at], order[low[at] + step]]))

    def read(letters: np.ndarray, start: np.ndarray, length: int) -> np.ndarray:
        value = letters[start]
        for k in range(1, length):
            value = value * HASH_BASE + letters[start + k]
        return value

    small = codes(pa.chunked_array([STOPWORDS.split(" ")]), longer.vocabulary)
    full = np.flatnonzero(~np.isin(own.word, small))
    n_full = np.bincount(row[full], minlength=len(longer.names))
    heads = offsets(n_full)[:-1]
    for length in range(2, LONGEST_ACRONYM + 1):
        start = runs(length, position, last)
        look(row[start], read(initial, start, length))
        name = np.flatnonzero((n_full == length) & (n_own > length))
        look(name, read(initial[full], heads[name], length))
    for length in (2, 3):
        start = runs(length, position, last)
        value = hashes[start]
        for k in range(1, length):
            value = value * powers[start + k] + hashes[start + k]
        look(row[start], value)
    pair = np.unique(np.concatenate(found), axis=0)
    return pair[np.bincount(pair[:, 1], minlength=len(words))[pair[:, 1]] <= TOP_WIDE]


def found_in_longer(longer: LongList, ours: Side, partner: Side, lexicon: Lexicon, keys: np.ndarray) -> np.ndarray:
    """Name pairs worth scoring, (n,) sorted as ours * partner names + partner, for a list of ours that is much longer.

    For each of the partner's names what is like it among ours, as `candidates` does for each of ours among the
    partner's: the work is in proportion to the shorter list. keys: (n, 2) account indexes of pairs that are scored in
    any case.
    """
    vocabulary = distinct(pa.chunked_array([longer.vocabulary, split_words(partner.names).flatten()]))
    words = build_words(partner.names, vocabulary)
    n_words, n_names = len(vocabulary), len(longer.names) + len(partner.names)
    width = np.int64(len(partner.names))
    glued = [pa.chunked_array([longer.glued]), pa.chunked_array([pc.replace_substring(partner.names, " ", "")])]
    known = distinct(glued[1])
    equal = np.column_stack(join(codes(glued[0], known), codes(glued[1], known)))
    frequency = background_rarity(vocabulary, lexicon)[0]
    family, _ = families(ours, partner, (longer.words, words), (longer.frequency, frequency), equal)
    heads = longer.heads, pc.replace_substring_regex(partner.names, *INITIALS)
    blocks = longer.blocks, city_blocks(partner, words, initials(vocabulary))
    sure = np.concatenate(
        [
            equal,
            np.column_stack([ours.name_of[keys[:, 0]], partner.name_of[keys[:, 1]]]),
            *in_order(
                lambda start: acronym_candidates(
                    ours, partner, heads, blocks, start, min(start + ACRONYM_NAMES, len(longer.names))
                ),
                range(0, len(longer.names), ACRONYM_NAMES),
            ),
        ]
    )
    found = [family, sure[:, 0] * width + sure[:, 1]]

    # What the partner's names can be found by, in the columns of ours; the rest only makes them longer.
    own_words = codes(pa.chunked_array([vocabulary]), longer.vocabulary)
    prefixes = distinct(pa.chunked_array([first_letters(vocabulary)]))
    own_prefixes = codes(pa.chunked_array([prefixes]), longer.prefixes)
    column_of = np.concatenate([own_words, np.where(own_prefixes < 0, -1, len(longer.vocabulary) + own_prefixes)])
    prefix_of = n_words + codes(pa.chunked_array([first_letters(vocabulary)]), prefixes)
    theirs = word_keys(words, prefix_of, len(column_of))
    key_counts = column_counts(theirs)
    theirs = weighted(theirs, rarity(key_counts + counted(longer.keys.counts, column_of), n_names))
    kept = column_of[theirs.indices] >= 0
    theirs = sparse.csr_matrix(
        (
            theirs.data[kept],
            column_of[theirs.indices][kept].astype(np.int32),
            offsets(np.bincount(rows_of(np.diff(theirs.indptr))[kept], minlength=int(width))).astype(np.int32),
        ),
        shape=(int(width), longer.keys.matrix.shape[0]),
    )
    own_counts = longer.keys.counts.copy()
    own_counts[column_of[column_of >= 0]] += key_counts[column_of >= 0]
    grams = trigrams(partner.names)
    gram_weight = rarity(longer.trigrams.counts + column_counts(grams), n_names)
    for left, right, top, least in (
        (weighted(grams, gram_weight), longer.trigrams.weighed(gram_weight), TOP_TRIGRAM, MINIMUM_TRIGRAM_COSINE),
        (theirs, longer.keys.weighed(rarity(own_counts, n_names)), TOP_WORD, MINIMUM_WORD_COSINE),
    ):

        def look(start: int, left=left, right=right, top=top, least=least) -> np.ndarray:
            row, column = nearest(left[start : start + CHUNK_NAMES], right, top, least, LOOKED_AT_LONGER)
            return column.astype(np.int64) * width + row + start

        found += in_order(look, range(0, int(width), CHUNK_NAMES))

    # Words that no name of ours holds, and some spell.
    unknown = np.flatnonzero(own_words < 0)
    name, word = spelt(longer, vocabulary.take(pa.array(unknown))).T
    at, holder = join(unknown[word], words.word)
    found.append(name[at] * width + rows_of(np.diff(words.first))[holder])
    return unique(np.concatenate(found))


# ---------------------------------------------------------------- evidence


def word_quality(index: Index, ours: np.ndarray, partner: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How surely two words are one: 1 equal, 0 unlike, (n,) float64; and two masks of the likeness of unequal words.

    .9 the start of the other (`intern` / `international`), less for one to three
    letters; .6 letters of the other in their order, same first letter
    (`mfg` / `manufacturing`); or, for a misspelling, the ratio of equal letters.
    The masks: spelt differently rather than shortened; and likely to be another word: what is neither a slip of the
    fingers in a long word nor the short form of a common one.
    ours, partner: (n,) ids of words.
    """
    quality = (ours == partner).astype(np.float64)
    is_misspelt, is_risky = np.zeros((2, len(quality)), bool)
    size = np.int64(len(index.vocabulary))
    near = np.flatnonzero((quality == 0) & (index.initial[ours] == index.initial[partner]))
    near = near[~(index.numeric[ours[near]] | index.numeric[partner[near]])]
    pair, back = np.unique(ours[near] * size + partner[near], return_inverse=True)
    a = index.vocabulary.take(pa.array(pair // size)).to_pylist()
    b = index.vocabulary.take(pa.array(pair % size)).to_pylist()
    length_a, length_b = index.letters[pair // size], index.letters[pair % size]
    short = np.minimum(length_a, length_b)
    long = np.maximum(length_a, length_b)
    # These two take less time than to start threads for them.
    common, begun = (process.cpdist(a, b, scorer=measure.similarity, dtype=np.int32) for measure in (LCSseq, Prefix))
    alike = 2.0 * common / np.maximum(short + long, 1)
    starts = begun == short
    # A misspelling changes few letters, however long the word.
    typo = ~starts & (alike >= 0.8) & (short >= 4) & (short + long - 2 * common <= TYPO_LETTERS)
    value = np.where(typo, alike, 0.0)
    value = np.maximum(value, np.where((common == short) & (short >= 2), 0.6, 0.0))
    begin = np.select([short >= 4, short == 3, short == 2], [0.9, 0.8, 0.6], 0.4)
    # People cut common words at will (`intl`), but of a rare one they leave most: `meritor` is not `merit`.
    usual = np.where(length_a > length_b, index.background[pair // size], index.background[pair % size]) < 1.0
    begin = np.where(usual, begin, begin * (0.3 + 0.7 * np.minimum(short / np.maximum(0.85 * long, 1), 1.0)))
    value = np.maximum(value, np.where(starts, begin, 0.0))
    quality[near] = value[back]
    # Of two letters that changed places the count of single changes says two.
    turned = np.flatnonzero(typo & (short == long) & (short >= SLIP_LETTERS))
    texts = [[words[k] for k in turned.tolist()] for words in (a, b)]
    steps, changes = (process.cpdist(*texts, scorer=measure.distance, dtype=np.int32) for measure in (OSA, Levenshtein))
    is_slip = (short + long - 2 * common == 1) & (short >= SLIP_LETTERS)
    is_slip[turned[(steps == 1) & (changes == 2)]] = True
    is_misspelt[near] = (typo | (starts & (long - short == 1)))[back]
    # A rare word that lacks a few letters is another word as easily as a short form.
    cut = ~usual & (long - short <= 3)
    is_risky[near] = ((typo | (starts & cut) | (~starts & ~usual)) & ~is_slip)[back]
    return quality, is_misspelt, is_risky


class Alignment(NamedTuple):
    """Which words of a pair's names have a counterpart in the other name.

    ours_first, partner_first: (pairs + 1,) offsets; *_word: ids;
    *_quality: 0..1; head_quality: (pairs,) of the two first words as one;
    acronym: (pairs,) letters of the longest matched acronym.
    misspelt: (pairs,) bool, some word has none but a misspelt counterpart.
    risky: (pairs,) bool, some word that tells companies apart has none but one that is likely to be another word.
    """

    ours_first: np.ndarray
    ours_word: np.ndarray
    ours_quality: np.ndarray
    partner_first: np.ndarray
    partner_word: np.ndarray
    partner_quality: np.ndarray
    head_quality: np.ndarray
    acronym: np.ndarray
    misspelt: np.ndarray
    risky: np.ndarray


def gather(first: np.ndarray, values: np.ndarray, rows: np.ndarray):
    """The elements of the given rows: their offsets and values."""
    lengths = first[rows + 1] - first[rows]
    row, position = ragged(lengths)
    return offsets(lengths), values[first[rows][row] + position]


def match_spans(
    spans: Words,
    rows: np.ndarray,
    quality: np.ndarray,
    first: np.ndarray,
    other_first: np.ndarray,
    other_word: np.ndarray,
    other_quality: np.ndarray,
    acronym: np.ndarray,
    n_words: int,
) -> None:
    """Raise the qualities of words that a run of the other name spells.

    spans, rows: names whose runs are looked up, one row per pair;
    quality, first: of these names' words; other_*: of the words compared with;
    acronym: (pairs,) raised to the length of a matched acronym. All in place.
    n_words: in the vocabulary.
    """
    begin = spans.span_first[rows]
    pair, position = ragged(spans.span_first[rows + 1] - begin)
    span = begin[pair] + position
    # Most runs spell a word that no name here holds.
    is_other = np.zeros(n_words, bool)
    is_other[other_word] = True
    held = is_other[spans.span_word[span]]
    pair, span = pair[held], span[held]
    row, position = ragged(np.diff(other_first)[pair])
    other = other_first[pair][row] + position
    hit = np.flatnonzero(spans.span_word[span][row] == other_word[other])
    pair, span, other = pair[row[hit]], span[row[hit]], other[hit]
    is_acronym = spans.span_acronym[span]
    value = np.where(is_acronym, np.minimum(0.2 * spans.span_length[span], 0.8), 1.0)
    np.maximum.at(other_quality, other, value)
    run, step = ragged(spans.span_length[span])
    at = first[pair][run] + spans.span_start[span][run] + step
    np.maximum.at(quality, at, value[run])
    np.maximum.at(acronym, pair, np.where(is_acronym, spans.span_length[span], 0))


def align(index: Index, ours: np.ndarray, partner: np.ndarray) -> Alignment:
    """Align the words of name pairs; ours, partner: (pairs,) name indexes."""
    first_a, word_a = gather(index.ours.first, index.ours.word, ours)
    first_b, word_b = gather(index.partner.first, index.partner.word, partner)
    n_a, n_b = np.diff(first_a), np.diff(first_b)
    pair, i = ragged(n_a)
    row, j = ragged(n_b[pair])
    other = word_b[first_b[pair][row] + j]
    quality, is_misspelt, is_risky = word_quality(index, word_a[row], other)
    is_telling = np.maximum(index.background[word_a[row]], index.background[other]) >= TELLING_RARITY
    begin = offsets(n_a * n_b)[:-1]
    turned = (begin[pair] + i)[row] + j * n_a[pair][row]

    def best(value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The greatest value of each word of ours, and of theirs."""
        if not len(value):
            return np.zeros(len(word_a)), np.zeros(len(word_b))
        theirs = np.empty_like(value)
        theirs[turned] = value
        return (
            np.maximum.reduceat(value, offsets(n_b[pair])[:-1]),
            np.maximum.reduceat(theirs, offsets(np.repeat(n_a, n_b))[:-1]),
        )

    quality_a, quality_b = best(quality)
    pair_a, pair_b = pair, rows_of(n_b)
    # Few words are spelt nearly as another one is.
    near = np.flatnonzero((quality > 0) & (quality < 1))
    near_a, near_b = row[near], first_b[pair][row[near]] + j[near]
    ends = ((near_a, pair_a, quality_a), (near_b, pair_b, quality_b))
    tops = [(word, owner, quality[near] == whole[word]) for word, owner, whole in ends]

    def any_only(mask: np.ndarray) -> np.ndarray:
        """The pairs in which a word's best counterparts all are in the mask."""
        result = np.zeros(len(ours), bool)
        for word, owner, is_top in tops:
            is_else = np.zeros(len(owner), bool)
            is_else[word[is_top & ~mask[near]]] = True
            found = word[is_top & mask[near]]
            result[owner[found[~is_else[found]]]] = True
        return result

    misspelt, risky = any_only(is_misspelt), any_only(is_risky & is_telling)
    acronym = np.zeros(len(ours))
    n_words = len(index.vocabulary)
    match_spans(index.ours, ours, quality_a, first_a, first_b, word_b, quality_b, acronym, n_words)
    match_spans(index.partner, partner, quality_b, first_b, first_a, word_a, quality_a, acronym, n_words)
    # No name is without words.
    head = quality[begin]
    return Alignment(first_a, word_a, quality_a, first_b, word_b, quality_b, head, acronym, misspelt, risky)


def over(value: np.ndarray, knee: float) -> np.ndarray:
    """0 up to the knee, then rising to 1 where the value is 1."""
    return np.maximum(value - knee, 0.0) / (1.0 - knee)


def spellings(
    names: pa.Array, in_order: pa.Array, rows: np.ndarray
) -> tuple[list[str], list[str], list[str], np.ndarray]:
    """Of the given names: as they are, without spaces, with the words sorted, and the number of letters, each (n,).

    in_order: the names with sorted words. rows: (n,) indexes, of which many are equal: each text is made once.
    """
    chosen, back = np.unique(rows, return_inverse=True)
    plain = names.take(pa.array(chosen))
    glued = pc.replace_substring_regex(pc.replace_substring(plain, " ", ""), *UMLAUTS)
    texts = (plain, glued, in_order.take(pa.array(chosen)))
    return (
        *(text.to_numpy(zero_copy_only=False)[back].tolist() for text in texts),
        pc.utf8_length(glued).to_numpy()[back].astype(float),
    )


def compared_words(
    names_ours: pa.Array, names_partner: pa.Array, ours: np.ndarray, partner: np.ndarray, asked: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which name pairs among those asked for are equal but for small words, which have the same words in another order,
    and which of the latter also differ in small words (`bank of orvale`, `orvale bank`), (pairs,) bool each.
    """
    found = np.zeros((3, len(ours)), bool)
    at = np.flatnonzero(asked)
    small = frozenset(STOPWORDS.split())
    texts = [
        [name.split() for name in names.take(pa.array(rows[at])).to_pylist()]
        for names, rows in ((names_ours, ours), (names_partner, partner))
    ]
    for row, a, b in zip(at, *texts, strict=True):
        plain_a, plain_b = ([word for word in words if word not in small] for words in (a, b))
        is_reordered = plain_a != plain_b and sorted(plain_a) == sorted(plain_b)
        found[:, row] = bool(plain_a) and plain_a == plain_b, is_reordered, is_reordered and len(a) != len(b)
    return found[0], found[1], found[2]


def name_evidence(
    index: Index,
    names_ours: pa.Array,
    names_partner: pa.Array,
    ours: np.ndarray,
    partner: np.ndarray,
) -> dict[str, np.ndarray]:
    """Evidence that the names alone give, each (pairs,) float64.

    ours, partner: (pairs,) indexes of names. Returns NAME_FEATURES, `similarity` (0..100, rounded to 2 decimals),
    `likeness` (position in LIKENESS), `region` (only one names a country or region), and what may speak against the
    pair, bool: `series` (other numbers), `more_numbers` (only one has a number), `other_letters` (all that tells them
    from others is a word that is spelt differently), `reordered` (the same words in another order), `turned` (so, and
    with other small words), `common` (no word that tells companies apart), `chosen` (a word that many unlike
    companies choose is what they share), `short`.
    """
    a, glued_a, sorted_a, length_a = spellings(names_ours, index.sorted_ours, ours)
    b, glued_b, sorted_b, length_b = spellings(names_partner, index.sorted_partner, partner)

    def compare(scorer, x: list[str], y: list[str]) -> np.ndarray:
        return process.cpdist(x, y, scorer=scorer, dtype=np.float64, workers=-1)

    sort = compare(fuzz.ratio, sorted_a, sorted_b) / 100
    glued = compare(fuzz.ratio, glued_a, glued_b) / 100
    shortest = np.minimum(length_a, length_b)

    cosine = (
        np.asarray(index.trigrams_ours[ours].multiply(index.trigrams_partner[partner]).sum(axis=1))
        .ravel()
        .astype(np.float64)
    )

    found = align(index, ours, partner)
    rows_a = rows_of(np.diff(found.ours_first))
    rows_b = rows_of(np.diff(found.partner_first))
    rarity_a, rarity_b = index.rarity[found.ours_word], index.rarity[found.partner_word]
    n = len(a)

    def total(rows: np.ndarray, value: np.ndarray) -> np.ndarray:
        return np.bincount(rows, value, minlength=n)

    def greatest(first: np.ndarray, value: np.ndarray) -> np.ndarray:
        # No name is without words.
        return np.maximum.reduceat(value, first[:-1]) if n else np.zeros(0)

    def any_of(rows: np.ndarray, mask: np.ndarray) -> np.ndarray:
        result = np.zeros(n, bool)
        result[rows[mask]] = True
        return result

    # A floor keeps a name of common words only from dividing by nothing.
    all_a = np.maximum(total(rows_a, rarity_a), 0.05)
    all_b = np.maximum(total(rows_b, rarity_b), 0.05)
    known_a = total(rows_a, rarity_a * found.ours_quality)
    known_b = total(rows_b, rarity_b * found.partner_quality)
    exact_a = total(rows_a, rarity_a * (found.ours_quality >= 1)) / all_a
    exact_b = total(rows_b, rarity_b * (found.partner_quality >= 1)) / all_b
    share_a, share_b = known_a / all_a, known_b / all_b
    least = np.minimum(share_a, share_b)
    information = np.minimum(np.minimum(known_a, known_b), 3.0)
    at_large_a, at_large_b = index.background[found.ours_word], index.background[found.partner_word]
    rarest = np.minimum(
        greatest(found.ours_first, at_large_a * found.ours_quality),
        greatest(found.partner_first, at_large_b * found.partner_quality),
    )
    other_a = greatest(found.ours_first, rarity_a * (1 - found.ours_quality))
    other_b = greatest(found.partner_first, rarity_b * (1 - found.partner_quality))

    head_a, head_b = found.ours_first[:-1], found.partner_first[:-1]
    head_quality = np.maximum(
        found.head_quality,
        np.minimum(found.ours_quality[head_a], found.partner_quality[head_b]),
    )
    head_rarity = np.minimum(
        index.rarity[found.ours_word[head_a]],
        index.rarity[found.partner_word[head_b]],
    )
    serial_a = gather(index.ours.first, index.ours.serial, ours)[1]
    serial_b = gather(index.partner.first, index.partner.serial, partner)[1]
    loose_a = any_of(rows_a, serial_a & (found.ours_quality < 1.0)).astype(float)
    loose_b = any_of(rows_b, serial_b & (found.partner_quality < 1.0)).astype(float)
    n_words_a, n_words_b = np.diff(found.ours_first), np.diff(found.partner_first)
    near = np.zeros(n)
    word_a = (n_words_a == 1) & (n_words_b > 1) & (length_a <= LONGEST_ABBREVIATION)
    word_b = (n_words_b == 1) & (n_words_a > 1) & (length_b <= LONGEST_ABBREVIATION)
    for rows, words, word, heads, name in (
        (word_a, names_ours, ours, index.heads_partner, partner),
        (word_b, names_partner, partner, index.heads_ours, ours),
    ):
        near[rows] = near_acronym(words.take(pa.array(word[rows])), heads.take(pa.array(name[rows])))
    equal = (glued == 1.0).astype(float)
    has_more_a, has_more_b = (
        any_of(rows, ~index.added[words] & (quality < SHARED_QUALITY))
        for rows, words, quality in (
            (rows_a, found.ours_word, found.ours_quality),
            (rows_b, found.partner_word, found.partner_quality),
        )
    )
    is_whole = ~any_of(rows_a, ~index.added[found.ours_word] & (found.ours_quality < 1.0))
    is_whole &= ~any_of(rows_b, ~index.added[found.partner_word] & (found.partner_quality < 1.0))
    likeness = np.select(
        [equal > 0, has_more_a | has_more_b, found.misspelt, ~is_whole], [EQUAL, WORDS, LETTERS, SHORTENED], ADDED
    )
    alike, reordered, turned = compared_words(names_ours, names_partner, ours, partner, (likeness == ADDED) & is_whole)
    equal[alike] = 1.0
    likeness[alike] = EQUAL
    surest = np.minimum(
        greatest(found.ours_first, at_large_a * (found.ours_quality >= 1.0)),
        greatest(found.partner_first, at_large_b * (found.partner_quality >= 1.0)),
    )
    is_word_alone = (n_words_a == 1) & (n_words_b == 1)
    is_cut_long = (likeness == SHORTENED) & (shortest > SLIP_LETTERS)
    least_a = 1.0 - greatest(found.ours_first, 1.0 - found.ours_quality)
    least_b = 1.0 - greatest(found.partner_first, 1.0 - found.partner_quality)
    n_words = np.minimum(n_words_a, n_words_b)
    similarity = np.maximum(np.maximum(sort, glued), 0.98 * least)
    return {
        "bias": np.ones(n),
        "word_sort_ratio_over_80": over(sort, 0.8),
        "word_set_ratio": compare(fuzz.token_set_ratio, a, b) / 100,
        "partial_ratio": compare(fuzz.partial_ratio, a, b) / 100,
        "trigram_cosine": cosine,
        "trigram_cosine_over_50": over(cosine, 0.5),
        "equal": equal,
        "abbreviated_ours": share_a - exact_a,
        "abbreviated_partner": share_b - exact_b,
        "least_word_ours": least_a,
        "least_word_partner": least_b,
        "shared_information": information,
        "rarest_other_ours": other_a,
        "rarest_other_both": np.minimum(other_a, other_b),
        "first_word_rarity": head_quality * head_rarity,
        "first_word_equal": (head_quality >= 1.0) * head_rarity,
        "number_conflict": loose_a * loose_b,
        "acronym_length": np.maximum(found.acronym - 2.0, 0.0),
        "near_acronym": near,
        "near_acronym_length": near * np.maximum(shortest - 2.0, 0.0),
        "shortness": np.clip((7.0 - shortest) / 4.0, 0.0, 1.0),
        "commonness": np.minimum((1.0 - rarest) / COMMON_RARITY, 1.0),
        "one_word": (n_words == 1).astype(float),
        "likeness": likeness,
        "region": any_of(rows_a, index.region[found.ours_word] & (found.ours_quality < SHARED_QUALITY))
        | any_of(rows_b, index.region[found.partner_word] & (found.partner_quality < SHARED_QUALITY)),
        "series": loose_a * loose_b > 0,
        "more_numbers": (likeness == WORDS) & (loose_a + loose_b > 0),
        "other_letters": (found.risky & (surest < TELLING_RARITY)) | (is_word_alone & (equal < 1.0) & ~is_cut_long),
        "reordered": reordered,
        "turned": turned,
        "common": rarest < TELLING_RARITY,
        "chosen": any_of(rows_a, index.stock[found.ours_word] & (found.ours_quality >= SHARED_QUALITY)),
        "short": shortest <= SHORT_NAME,
        "similarity": np.round(100 * similarity, 2),
    }


def agreement(ours: np.ndarray, partner: np.ndarray) -> np.ndarray:
    """SAME, DIFFERENT or UNKNOWN for pairs of codes, (n,) int8."""
    state = np.where(ours == partner, SAME, DIFFERENT)
    return np.where((ours < 0) | (partner < 0), UNKNOWN, state).astype(np.int8)


def city_agreement(ours: np.ndarray, partner: np.ndarray, cities: pa.Array) -> np.ndarray:
    """Like `agreement`; `frankfurt` and `frankfurt am main` are the same."""
    state = agreement(ours, partner)
    unlike = np.flatnonzero(state == DIFFERENT)
    size = np.int64(max(len(cities), 1))
    pair, back = np.unique(ours[unlike] * size + partner[unlike], return_inverse=True)
    a, b = (cities.take(pa.array(x)).to_pylist() for x in (pair // size, pair % size))
    alike = process.cpdist(a, b, scorer=fuzz.token_set_ratio, score_cutoff=ALIKE_CITIES, dtype=np.float64, workers=-1)
    state[unlike[alike[back] >= ALIKE_CITIES]] = SAME
    return state


def pair_kind(ours: np.ndarray, partner: np.ndarray) -> np.ndarray:
    """What two names are together, positions in KINDS, (n,): one institution is enough; of persons it takes two, since
    a legal form on one side makes a company of the name.
    """
    is_person = (ours == PERSON_KIND) & (partner == PERSON_KIND)
    is_institution = (ours == INSTITUTION_KIND) | (partner == INSTITUTION_KIND)
    return np.select([is_person, is_institution], [PERSON_KIND, INSTITUTION_KIND], COMPANY_KIND)


def contradictions(
    names: dict[str, np.ndarray],
    pair: np.ndarray,
    kind: np.ndarray,
    country: np.ndarray,
    state: np.ndarray,
    city: np.ndarray,
    is_family: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """What the rows of account pairs say against one company, as positions in CONTRADICTION; and whether it says that
    they are two rather than that a person should look, bool; both (n,).

    names: evidence of the name pairs; pair: (n,) name pair of each account pair. kind: (n,) see
    pair_kind. country, state, city: (n,) agreements. is_family: (n,) bool, the names tell a family.
    An equal name in another city is nearly always right of companies, and seldom of institutions, persons and names
    made of words that anybody may choose: these need a second agreement, or at least no contradiction.
    """
    likeness, series, numbers, letters, reordered, turned, common, chosen, short = (
        names[name][pair]
        for name in (
            *("likeness", "series", "more_numbers", "other_letters", "reordered", "turned"),
            *("common", "chosen", "short"),
        )
    )
    here = (city == SAME) & (state != DIFFERENT)
    elsewhere = (city == DIFFERENT) | (state == DIFFERENT)
    abroad = country == DIFFERENT
    is_person, is_institution = kind == PERSON_KIND, kind == INSTITUTION_KIND
    is_usual = common | is_institution | is_person
    is_loose = likeness >= SHORTENED
    found = {
        SERIES: series,
        PERSON: is_person & ~here,
        ORDER: reordered & (is_usual | turned) & ~here & ~is_family,
        OTHER_LETTERS: ~is_family & ((letters & ~here) | ((likeness == LETTERS) & (elsewhere | abroad))),
        OTHER_WORDS: ~is_family & (likeness == WORDS) & (~here | numbers),
        PLACE: elsewhere & ~is_family & (is_usual | is_loose),
        COUNTRY: abroad & np.where(is_family, chosen, is_usual | is_loose),
        INSTITUTION: is_institution & common & ~is_family & ~here & (state != SAME),
        SHORT: short & (country != SAME) & ~here,
    }
    return (
        np.select(list(found.values()), list(found), NO_CONTRADICTION).astype(np.int8),
        series | (is_person & (elsewhere | abroad)),
    )


def place_evidence(
    names: dict[str, np.ndarray],
    pair: np.ndarray,
    country: np.ndarray,
    city: np.ndarray,
    legal: np.ndarray,
) -> dict[str, np.ndarray]:
    """PLACE_FEATURES of account pairs, each (n,) float64.

    names: evidence of the name pairs; pair: (n,) name pair of each account pair;
    country, city, legal: (n,) agreements.
    """
    same_city = (city == SAME).astype(float)
    different_country = (country == DIFFERENT).astype(float)
    return {
        "country_same": (country == SAME).astype(float),
        "country_different": different_country,
        "city_same": same_city,
        "city_different": (city == DIFFERENT).astype(float),
        "city_same_and_near_acronym": same_city * names["near_acronym"][pair],
        "country_different_and_short": different_country * names["shortness"][pair],
        "country_different_and_common": different_country * names["commonness"][pair],
        "legal_form_different": (legal == DIFFERENT).astype(float),
    }


# ---------------------------------------------------------------- pairs


class Pairs(NamedTuple):
    """Account pairs, each field (n,); name fields per name pair.

    ours, partner: account indexes. pair: index of the name pair.
    names: name evidence (name pairs,). places: place evidence (n,).
    country, state, city: agreements. is_key: a matching key asks for this pair.
    relationship: position in RELATIONSHIP that the names alone tell.
    contradiction: position in CONTRADICTION; is_other: it says two companies.
    """

    ours: np.ndarray
    partner: np.ndarray
    pair: np.ndarray
    names: dict[str, np.ndarray]
    places: dict[str, np.ndarray]
    country: np.ndarray
    state: np.ndarray
    city: np.ndarray
    is_key: np.ndarray
    relationship: np.ndarray
    contradiction: np.ndarray
    is_other: np.ndarray


def place_order(side: Side, name: np.ndarray, country: np.ndarray, city: np.ndarray):
    """A number that sorts accounts as `Side` does: name, country, city."""
    far = np.int64(2**28)
    place = [np.where(code < 0, far - 1, code).astype(np.int64) for code in (country, city)]
    return (name.astype(np.int64) * 1_024 + np.minimum(place[0], 1_023)) * far + place[1]


def expand(ours: Side, partner: Side, name_ours: np.ndarray, name_partner: np.ndarray) -> np.ndarray:
    """The account pairs of name pairs as sorted ours * partner accounts + partner.

    Of more than MAXIMUM_NAMESAKES partner accounts of one name an account sees
    those next to its own country and city.
    """
    n_ours = ours.first[name_ours + 1] - ours.first[name_ours]
    pair, position = ragged(n_ours)
    account = ours.first[name_ours][pair] + position
    name = name_partner[pair]
    start, stop = partner.first[name], partner.first[name + 1]
    many = np.flatnonzero(stop - start > MAXIMUM_NAMESAKES)
    if len(many):
        here = np.searchsorted(
            place_order(partner, partner.name_of, partner.country, partner.city),
            place_order(partner, name[many], ours.country[account[many]], ours.city[account[many]]),
        )
        start[many] = np.maximum(start[many], np.minimum(here, stop[many] - MAXIMUM_NAMESAKES))
    row, step = ragged(np.minimum(stop - start, MAXIMUM_NAMESAKES))
    found = account[row] * np.int64(len(partner.name_of)) + start[row] + step
    return unique(found)


def countries_of(side: Side) -> np.ndarray:
    """In how many countries a side has each of its names, (names,)."""
    here = np.flatnonzero(side.country >= 0)
    pairs = np.unique(np.column_stack([side.name_of[here], side.country[here]]), axis=0)
    return np.bincount(pairs[:, 0], minlength=len(side.names))


def in_order(
    function: Callable[[Item], Result], items: Iterable[Item], at_once: int = CHUNKS_AT_ONCE
) -> Iterator[Result]:
    """The function of each item, in the items' order; `at_once` are worked on, and no more than that wait."""
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(at_once) as pool:
        for item in items:
            if len(waiting) == at_once:
                yield waiting.popleft().result()
            waiting.append(pool.submit(function, item))
        while waiting:
            yield waiting.popleft().result()


def pair_chunks(
    ours: Side,
    partner: Side,
    places: Places,
    index: Index,
    keys: np.ndarray,
    found_names: np.ndarray | None = None,
) -> Iterator[Pairs]:
    """The candidate account pairs with their evidence, in order of our names.

    keys: (n, 2) account indexes of pairs that are scored in any case. found_names: the name pairs, where they have been
    looked for already; see found_in_longer.
    """
    width = np.int64(max(len(partner.name_of), 1))
    key_codes = np.unique(keys[:, 0] * width + keys[:, 1])
    key_names = ours.name_of[key_codes // width], partner.name_of[key_codes % width]
    n_names = np.int64(max(len(partner.names), 1))
    family, family_role = families(
        ours, partner, (index.ours, index.partner), (index.frequency, index.frequency), index.equal
    )
    countries = countries_of(ours), countries_of(partner)
    blocks = city_blocks(ours, index.ours, index.initial), city_blocks(partner, index.partner, index.initial)
    heads = index.heads_ours, index.heads_partner

    def chunk(start: int) -> list[Pairs]:
        stop = min(start + CHUNK_NAMES, len(ours.names))
        here = (key_names[0] >= start) & (key_names[0] < stop)
        if found_names is None:
            family_here = np.searchsorted(family, [start * n_names, stop * n_names])
            extra = np.concatenate(
                [
                    np.column_stack([names[here] for names in key_names]).astype(np.int64),
                    acronym_candidates(ours, partner, heads, blocks, start, stop),
                    np.column_stack(np.divmod(family[slice(*family_here)], n_names)),
                ]
            )
            name_a, name_b = candidates(index, start, stop, extra)
        else:
            found_here = np.searchsorted(found_names, [start * n_names, stop * n_names])
            name_a, name_b = np.divmod(found_names[slice(*found_here)], n_names)
        names = name_evidence(index, ours.names, partner.names, name_a, name_b)
        # A name that a list holds several times belongs to a company with branches: `skf` of six countries.
        bearers = np.maximum(np.diff(ours.first)[name_a], np.diff(partner.first)[name_b])
        doubt = np.where(bearers >= GROUP_ACCOUNTS, BRANCHES_DOUBT, 1.0)
        names["shortness"] *= doubt
        names["commonness"] *= doubt
        # And one that a list holds in several countries is a brand, whatever its words: `total`, `western digital`.
        is_brand = np.maximum(countries[0][name_a], countries[1][name_b]) >= BRAND_COUNTRIES
        names["common"] &= ~is_brand
        names["short"] &= ~is_brand
        name_codes = name_a * n_names + name_b
        at = np.minimum(np.searchsorted(family, name_codes), len(family) - 1)
        relationship = np.where(family[at] == name_codes, family_role[at], 0) if len(family) else name_codes * 0
        codes_here = unique(np.concatenate([expand(ours, partner, name_a, name_b), key_codes[here]]))
        found = []
        for begin in range(0, len(codes_here), SLICE_PAIRS):
            code = codes_here[begin : begin + SLICE_PAIRS]
            i, j = code // width, code % width
            pair = np.searchsorted(name_codes, ours.name_of[i] * n_names + partner.name_of[j])
            country = agreement(ours.country[i], partner.country[j])
            state = agreement(ours.state[i], partner.state[j])
            city = city_agreement(ours.city[i], partner.city[j], places.cities)
            legal = agreement(ours.legal[i], partner.legal[j])
            evidence = place_evidence(names, pair, country, city, legal)
            is_key = np.isin(code, key_codes[here])
            kind = pair_kind(ours.kind[i], partner.kind[j])
            against = contradictions(names, pair, kind, country, state, city, relationship[pair] > 0)
            found.append(Pairs(i, j, pair, names, evidence, country, state, city, is_key, relationship[pair], *against))
        return found

    for chunks in in_order(chunk, range(0, len(ours.names), CHUNK_NAMES)):
        yield from chunks


class Groups(NamedTuple):
    """Pairs grouped by owner and, within an owner, by the other side's name; each field is made once for many looks.

    order: (n,) the pairs, sorted so. group: (n,) number of each sorted pair's group. starts: (groups,) where each
    begins. owner: (groups,) number of its owner. heads: (owners,) first group of each.
    """

    order: np.ndarray
    group: np.ndarray
    starts: np.ndarray
    owner: np.ndarray
    heads: np.ndarray


def group_pairs(owner: np.ndarray, name: np.ndarray) -> Groups:
    """owner, name: (n,) integers."""
    order = np.lexsort((name, owner))
    o, m = owner[order], name[order]
    first = np.ones(min(len(o), 1), bool)
    new_owner = np.concatenate([first, o[1:] != o[:-1]])
    new_group = new_owner | np.concatenate([first, m[1:] != m[:-1]])
    return Groups(
        order=order.astype(np.int32),
        group=np.cumsum(new_group, dtype=np.int32) - 1,
        starts=np.flatnonzero(new_group),
        owner=np.cumsum(new_owner[new_group], dtype=np.int32) - 1,
        heads=np.flatnonzero(new_owner[new_group]),
    )


def best_rival(groups: Groups, value: np.ndarray) -> np.ndarray:
    """The owner's greatest value under any other name; -inf where none.

    value: (n,). Accounts of one name are no rivals of each other.
    """
    if not len(value):
        return np.zeros(0)
    best = np.maximum.reduceat(value[groups.order], groups.starts)
    top = np.maximum.reduceat(best, groups.heads)[groups.owner]
    # The first group that holds the top is the winner, all others meet the top.
    winners = np.flatnonzero(best == top)
    first_winner = winners[np.flatnonzero(np.diff(groups.owner[winners], prepend=-1))]
    rest = best.copy()
    rest[first_winner] = -np.inf
    rival = top.copy()
    rival[first_winner] = np.maximum.reduceat(rest, groups.heads)
    result = np.empty(len(value))
    result[groups.order] = rival[groups.group]
    return result


def rival_evidence(
    log_odds: np.ndarray,
    ours: Groups,
    partner: Groups,
    equal: np.ndarray,
    features: tuple[str, ...] = RIVAL_FEATURES,
) -> dict[str, np.ndarray]:
    """RIVAL_FEATURES of account pairs, or SETTLED_FEATURES, each (n,) float64.

    log_odds: (n,) of the estimate before, not below FLOOR for rivals to count.
    ours: the pairs by our account and the partner's name; partner: the other way round.
    equal: (n,) bool, one name: it has no rival. What else is like it is a relative's name or a misspelt duplicate.
    """
    level = np.clip(log_odds, FLOOR, -FLOOR)

    def ahead(groups: Groups) -> np.ndarray:
        return level - np.where(equal, FLOOR, np.maximum(best_rival(groups, level), FLOOR))

    ahead_ours, ahead_partner = ahead(ours), ahead(partner)
    columns = (
        np.ones(len(level)),
        level,
        np.clip(ahead_ours, 0.0, 4.0),
        np.clip(ahead_ours, -4.0, 0.0),
        np.clip(ahead_partner, 0.0, 4.0),
        np.clip(ahead_partner, -4.0, 0.0),
        np.where((ahead_ours > 4.0) & (ahead_partner > 4.0), level, 0.0),
    )
    return dict(zip(features, columns, strict=True))


def compared(
    log_odds: np.ndarray,
    ours: Groups,
    partner: Groups,
    equal: np.ndarray,
    weights: Mapping[str, float],
) -> np.ndarray:
    """Log-odds after both comparisons with rivals, (n,); see rival_evidence."""
    for features in (RIVAL_FEATURES, SETTLED_FEATURES):
        rivals = rival_evidence(log_odds, ours, partner, equal, features)
        # Rounded again: equal evidence has to tie exactly.
        log_odds = np.round(weigh(rivals, features, weights), 6)
    return log_odds


def sigmoid(log_odds: np.ndarray) -> np.ndarray:
    """Probability from log-odds, rounded to 4 decimals."""
    return np.round(1.0 / (1.0 + np.exp(-np.clip(log_odds, -30.0, 30.0))), 4)


class Scores(NamedTuple):
    """Plausible account pairs, each field (n,): see SCHEMA for the meanings."""

    ours: np.ndarray
    partner: np.ndarray
    similarity: np.ndarray
    probability: np.ndarray
    rival_similarity: np.ndarray
    country: np.ndarray
    state: np.ndarray
    city: np.ndarray
    relationship: np.ndarray
    likeness: np.ndarray
    common: np.ndarray
    region: np.ndarray
    contradiction: np.ndarray
    is_other: np.ndarray


def score(ours: Side, partner: Side, chunks: Iterator[Pairs], weights: Mapping[str, float]) -> Scores:
    """Probability of every plausible pair, rivals on both sides considered."""
    kept: list[tuple[np.ndarray, ...]] = []
    for pairs in chunks:
        log_odds = weigh(pairs.names, NAME_FEATURES, weights)[pairs.pair]
        log_odds += weigh(pairs.places, PLACE_FEATURES, weights)
        # Rounded, so that equal evidence is equal and rivals tie exactly.
        log_odds = np.round(log_odds, 6)
        here = (log_odds > FLOOR) | pairs.is_key | (pairs.relationship > 0)
        kept.append(
            (
                pairs.ours[here].astype(np.int32),
                pairs.partner[here].astype(np.int32),
                pairs.names["similarity"][pairs.pair][here],
                log_odds[here],
                pairs.names["likeness"][pairs.pair][here].astype(np.int8),
                pairs.names["common"][pairs.pair][here],
                pairs.names["region"][pairs.pair][here],
                *(
                    field[here]
                    for field in (
                        pairs.country,
                        pairs.state,
                        pairs.city,
                        pairs.is_key,
                        pairs.relationship,
                        pairs.contradiction,
                        pairs.is_other,
                    )
                ),
            )
        )
    if not kept:
        return Scores(*[np.zeros(0, int)] * 2, *[np.zeros(0)] * 3, *[np.zeros(0, int)] * 5, *[np.zeros(0, bool)] * 4)
    (
        i,
        j,
        similarity,
        log_odds,
        likeness,
        common,
        region,
        country,
        state,
        city,
        is_key,
        relationship,
        against,
        is_other,
    ) = map(np.concatenate, zip(*kept, strict=True))
    # Nothing of this size is held twice.
    kept.clear()
    by_ours, by_partner = group_pairs(i, partner.name_of[j]), group_pairs(j, ours.name_of[i])
    probability = sigmoid(compared(log_odds, by_ours, by_partner, likeness == EQUAL, weights))
    probability = np.where(relationship > 0, np.maximum(probability, GROUP_PROBABILITY), probability)
    rival_similarity = best_rival(by_ours, similarity)
    here = (probability >= MINIMUM_PROBABILITY) | is_key
    fields = (
        i,
        j,
        similarity,
        probability,
        rival_similarity,
        country,
        state,
        city,
        relationship,
        likeness,
        common,
        region,
        against,
        is_other,
    )
    return Scores(*(field[here] for field in fields))


# ---------------------------------------------------------------- output


def join_words(vocabulary: pa.Array, first: np.ndarray, word: np.ndarray, kept: np.ndarray) -> pa.Array:
    """The kept words of each row in their order, by spaces; null where none."""
    row = rows_of(np.diff(first))
    n_kept = np.bincount(row[kept], minlength=len(first) - 1)
    lists = pa.ListArray.from_arrays(
        pa.array(offsets(n_kept).astype(np.int32)),
        vocabulary.take(pa.array(word[kept])),
    )
    text = pc.binary_join(lists, " ")
    return pc.if_else(pa.array(n_kept > 0), text, pa.scalar(None, pa.string()))


def place_words(cities: pa.Array, vocabulary: pa.Array) -> np.ndarray:
    """Which words stand in which city's name: sorted city * words in the vocabulary + word, (n,)."""
    if not len(cities):
        return np.zeros(0, np.int64)
    words = split_words(cities)
    city, word = pc.list_parent_indices(words).to_numpy(), codes(words.flatten(), vocabulary)
    return unique(city[word >= 0].astype(np.int64) * len(vocabulary) + word[word >= 0])


def misspelt_additions(index: Index, words: np.ndarray) -> np.ndarray:
    """Which of some words, (n,) ids, are an addition with a slip in it: `corporationn`, (n,) bool."""
    texts = index.vocabulary.take(pa.array(words)).to_pylist()
    additions = [word for word in ADDED_WORDS.split() if len(word) >= SLIP_LETTERS]
    steps = process.cdist(texts, additions, scorer=OSA.distance, score_cutoff=1, dtype=np.int32)
    return (steps <= 1).any(axis=1)


def part_names(index: Index, found: Alignment, cities: tuple[np.ndarray, np.ndarray], places: np.ndarray) -> np.ndarray:
    """Which pairs are a name and the same with a telling word more, as a company of a group has it, (pairs,) bool.

    `kudu` and `kudu dental`; not `kudu reno` of Reno, nor `kudu uk`, which is_region_name tells. cities: codes of both
    sides, (pairs,) each, -1 without; places: see place_words.
    """
    size = np.int64(len(index.vocabulary))
    here = tuple(np.unique(places[np.isin(places // size, side)]) for side in cities)
    others, telling = [], []
    for first, word, quality in (
        (found.ours_first, found.ours_word, found.ours_quality),
        (found.partner_first, found.partner_word, found.partner_quality),
    ):
        row = rows_of(np.diff(first))
        is_other = quality < SHARED_QUALITY
        is_place = np.zeros(len(word), bool)
        for city, known in zip(cities, here, strict=True):
            is_place |= np.isin(city[row].astype(np.int64) * size + word, known)
        is_telling = is_other & ~is_place & ~index.added[word] & ~index.region[word]
        is_telling &= index.background[word] >= TELLING_RARITY
        is_telling[is_telling] = ~misspelt_additions(index, word[is_telling])
        for masks, chosen in ((others, is_other), (telling, is_telling)):
            mask = np.zeros(len(first) - 1, bool)
            mask[row[chosen]] = True
            masks.append(mask)
    return (others[0] ^ others[1]) & (telling[0] | telling[1])


def output_batches(
    partner_id: str, ours: Side, partner: Side, places: Places, index: Index, scores: Scores, inputs_hash: str
) -> Iterator[pa.RecordBatch]:
    """The scored pairs as batches of SCHEMA."""
    in_cities = place_words(places.cities, index.vocabulary)
    for start in range(0, len(scores.ours), SLICE_PAIRS):
        part = Scores(*(field[start : start + SLICE_PAIRS] for field in scores))
        found = align(index, ours.name_of[part.ours], partner.name_of[part.partner])
        known_a = found.ours_quality >= SHARED_QUALITY
        known_b = found.partner_quality >= SHARED_QUALITY
        sides = (
            (found.ours_first, found.ours_word),
            (found.partner_first, found.partner_word),
        )
        rival = part.rival_similarity
        yield pa.record_batch(
            [
                pa.repeat(pa.scalar(partner_id, pa.string()), len(part.ours)),
                ours.account_ids.take(pa.array(part.ours)),
                partner.account_ids.take(pa.array(part.partner)),
                pa.array(part.similarity),
                pa.array(part.probability),
                AGREEMENT.take(pa.array(part.country)),
                AGREEMENT.take(pa.array(part.city)),
                join_words(index.vocabulary, *sides[0], known_a),
                join_words(index.vocabulary, *sides[0], ~known_a),
                join_words(index.vocabulary, *sides[1], ~known_b),
                pa.array(rival, mask=np.isinf(rival)),
                RELATIONSHIP.take(pa.array(part.relationship)),
                AGREEMENT.take(pa.array(part.state)),
                LIKENESS.take(pa.array(part.likeness)),
                pa.array(part.common),
                pa.array(part.region),
                pa.array(part_names(index, found, (ours.city[part.ours], partner.city[part.partner]), in_cities)),
                pa.array(part.is_other),
                CONTRADICTION.take(pa.array(part.contradiction)),
                pa.repeat(pa.scalar(inputs_hash, pa.string()), len(part.ours)),
            ],
            schema=SCHEMA,
        )


def unnamed_batch(
    partner_id: str, ours: pa.Table, partner: pa.Table, keys: pa.Table, inputs_hash: str
) -> pa.RecordBatch:
    """Key pairs of which one side has no name: places only, the rest null."""
    # few accounts have no name, and to look for all ids takes longer than all that follows
    unnamed = [
        pc.is_in(keys[column], side["account_id"].filter(pc.is_null(side["name"])).combine_chunks())
        for column, side in (("account_id", ours), ("partner_account_id", partner))
    ]
    keys = keys.filter(pc.or_(*unnamed))
    ours, partner = (
        side.filter(pc.is_in(side["account_id"], keys[column].combine_chunks()))
        for column, side in (("account_id", ours), ("partner_account_id", partner))
    )
    i = codes(keys["account_id"], ours["account_id"].combine_chunks())
    j = codes(keys["partner_account_id"], partner["account_id"].combine_chunks())
    pair = np.unique(np.column_stack([i, j])[(i >= 0) & (j >= 0)], axis=0)
    a, b = ours.take(pa.array(pair[:, 0])), partner.take(pa.array(pair[:, 1]))
    unnamed = pc.or_(pc.is_null(a["name"]), pc.is_null(b["name"]))
    a, b = a.filter(unnamed), b.filter(unnamed)
    countries, states, cities = (distinct(a[c], b[c]) for c in ("country_code", "state", "city"))
    country = agreement(*(codes(t["country_code"], countries) for t in (a, b)))
    state = agreement(*(codes(t["state"], states) for t in (a, b)))
    city = city_agreement(*(codes(t["city"], cities) for t in (a, b)), cities)
    columns = {
        "partner_id": pa.repeat(pa.scalar(partner_id, pa.string()), len(a)),
        "account_id": a["account_id"].combine_chunks(),
        "partner_account_id": b["account_id"].combine_chunks(),
        "country_agreement": AGREEMENT.take(pa.array(country)),
        "state_agreement": AGREEMENT.take(pa.array(state)),
        "city_agreement": AGREEMENT.take(pa.array(city)),
        "inputs_hash": pa.repeat(pa.scalar(inputs_hash, pa.string()), len(a)),
    }
    return pa.record_batch([columns.get(f.name, pa.nulls(len(a), f.type)) for f in SCHEMA], schema=SCHEMA)


def named_keys(ours: np.ndarray, partner: Side, keys: pa.Table) -> np.ndarray:
    """Key pairs as (n, 2) account indexes; those without a name left out. ours: of each key, -1 for none."""
    j = codes(keys["partner_account_id"], partner.account_ids)
    return np.column_stack([ours, j]).astype(np.int64)[(ours >= 0) & (j >= 0)]


def table_hash(rows: pa.Table, columns: tuple[str, ...]) -> str:
    """A hash of the distinct rows, whatever their order: hex, 64 digits."""
    found = rows.group_by(list(columns), use_threads=False).aggregate([]).select(columns)
    found = found.sort_by([(column, "ascending") for column in columns]).combine_chunks()
    total = hashlib.sha256()
    for column in found.columns:
        for chunk in column.chunks:
            # lengths and letters: what lies beside them in memory may differ for equal values
            total.update(pc.fill_null(pc.binary_length(chunk), -1).to_numpy(zero_copy_only=False).tobytes())
            total.update(pc.fill_null(chunk, "").cast(pa.large_string()).buffers()[2] or b"")
    return total.hexdigest()


def inputs_hashes(records: pa.Table, keys: pa.Table, settings: Iterable[str]) -> dict[str, str]:
    """By list partner a hash of all that its pairs depend on: hex, 64 digits.

    records and keys: as fuzzy_pairs has them. settings: texts of what is the same for all partners.
    """
    sides = {side: records.filter(pc.equal(records["side"], side)) for side in ("ours", "partner")}
    common = [*settings, table_hash(sides["ours"], RECORD_COLUMNS)]
    hashes = {}
    for partner_id in distinct(sides["partner"]["partner_id"]).to_pylist():
        own = (
            table_hash(rows.filter(pc.equal(rows["partner_id"], partner_id)), columns)
            for rows, columns in ((sides["partner"], RECORD_COLUMNS), (keys, KEY_COLUMNS))
        )
        hashes[partner_id] = hashlib.sha256("\n".join((*common, *own)).encode()).hexdigest()
    return hashes


def fuzzy_pairs(
    records: pa.Table,
    keys: pa.Table,
    weights: Mapping[str, float],
    lexicon: Lexicon,
    hashes: Mapping[str, str],
) -> Iterator[pa.RecordBatch]:
    """Scored pairs of list partners, as batches of SCHEMA.

    records: RECORD_COLUMNS, one row per side, partner_id and account_id.
    keys: KEY_COLUMNS of pairs that share a key; rows of other partners are
    ignored. weights: see read_weights. hashes: by each partner that is asked
    for what its rows carry as inputs_hash.
    """
    if not hashes:
        return
    our_records, partner_records = (records.filter(pc.equal(records["side"], side)) for side in ("ours", "partner"))
    places = build_places(records)
    ours = build_side(our_records, places)
    keys = keys.filter(pc.is_in(keys["partner_id"], pa.array(hashes, pa.string())))
    our_keys = codes(keys["account_id"], ours.account_ids)
    # a list of ours that is much longer is made ready when the first partner asks for it
    made: list[LongList] = []
    making = Lock()

    def long_list() -> LongList:
        with making:
            if not made:
                made.append(build_long_list(ours, lexicon))
        return made[0]

    def pairs_of(partner_id: str) -> list[pa.RecordBatch]:
        theirs = partner_records.filter(pc.equal(partner_records["partner_id"], partner_id))
        is_asked = pc.equal(keys["partner_id"], partner_id)
        asked = keys.filter(is_asked)
        partner = build_side(theirs, places)
        pairs = named_keys(our_keys[is_asked.to_numpy()], partner, asked)
        if len(ours.names) > LONGER * len(partner.names):
            longer = long_list()
            found = found_in_longer(longer, ours, partner, lexicon, pairs)
            n_names = np.int64(max(len(partner.names), 1))
            chosen, name = np.unique(found // n_names, return_inverse=True)
            some, kept = part_of(ours, chosen)
            index = build_index(some.names, partner.names, lexicon, longer)
            pairs = np.column_stack([np.searchsorted(kept, pairs[:, 0]), pairs[:, 1]])
            chunks = pair_chunks(some, partner, places, index, pairs, name * n_names + found % n_names)
        else:
            some = ours
            index = build_index(ours.names, partner.names, lexicon)
            chunks = pair_chunks(ours, partner, places, index, pairs)
        scores = score(some, partner, chunks, weights)
        return [
            *output_batches(partner_id, some, partner, places, index, scores, hashes[partner_id]),
            unnamed_batch(partner_id, our_records, theirs, asked, hashes[partner_id]),
        ]

    for batches in in_order(pairs_of, hashes, LISTS_AT_ONCE):
        yield from batches


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
    records = read(dbt.ref("int_account_mapping__normalized").select(*RECORD_COLUMNS), SLICE_PAIRS).read_all()
    keys = read(dbt.ref("int_account_mapping__key_matches").select(*KEY_COLUMNS), SLICE_PAIRS).read_all()
    former = rows(dbt.ref("int_account_mapping__kept_pairs"))[0]["former"]
    if hasattr(session, "createDataFrame"):
        # Spark's adapter drops the former table before this one is written
        former = None
    seeds = (
        dbt.ref("account_mapping__match_weights").select("feature", "weight"),
        dbt.ref("account_mapping__common_words").select("word", "names_per_million"),
        dbt.ref("account_mapping__name_words").select("word", "kind"),
    )
    weights, common, kinds = ({key: value for key, value in map(dict.values, rows(seed))} for seed in seeds)
    # without what dbt writes behind it, which names tables
    code = Path(model.__code__.co_filename).read_text(encoding="utf-8").partition(DBT_CODE)[0].strip()
    settings = [code, *(f"{name} {version(name)}" for name in LIBRARIES)]
    settings += [repr(sorted(seed.items())) for seed in (weights, common, kinds)]
    hashes = inputs_hashes(records, keys, settings)
    # each partner's is the same in all rows; a partner without a pair has no rows, and none here
    query = f"select distinct partner_id, inputs_hash from {former}"
    known = {row["partner_id"]: row["inputs_hash"] for row in rows(session.sql(query))} if former else {}
    kept = sorted(hashes[partner_id] for partner_id in hashes if hashes[partner_id] == known.get(partner_id))
    changed = {partner_id: found for partner_id, found in hashes.items() if found not in kept}
    batches = fuzzy_pairs(records, keys, read_weights(weights), build_lexicon(common, kinds), changed)
    found = result(session, SCHEMA, batches)
    if not kept:
        return found
    literals = ", ".join(f"'{inputs_hash}'" for inputs_hash in kept)
    stay = session.sql(f"select {', '.join(SCHEMA.names)} from {former} where inputs_hash in ({literals})")
    return stay.union(session.from_arrow(found))
