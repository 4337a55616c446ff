"""How the names of a website's accounts go with its domain, and with each other.

A company's own domain resembles its name; the names of a host's customers resemble neither the domain nor each other.
Each row depends on the names of its own domain, on one side, only.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import NamedTuple

MISSING_LIBRARY = (
    "account_mapping needs {}: run `pip install -r dbt_packages/account_mapping/requirements.txt` "
    "in the environment of dbt"
)

try:
    import idna
    import pyarrow as pa
    import pyarrow.compute as pc
    from anyascii import anyascii
    from rapidfuzz import fuzz
    from rapidfuzz.process import cpdist
except ImportError as error:
    raise ImportError(MISSING_LIBRARY.format(error.name)) from error

SCHEMA = pa.schema(
    [
        ("side", pa.string()),
        ("partner_id", pa.string()),
        ("key_domain", pa.string()),
        ("name", pa.string()),
        ("fits", pa.bool_()),
        ("company", pa.int64()),
    ]
)

# Letters from which words and initials are in a label by more than chance.
MINIMUM_WORD = 4
LONG_WORD = 5
MINIMUM_INITIALS = 3
# Similarity (0 to 100) from which a label is a name spelt otherwise, two names are one spelt otherwise (on one website
# few are by chance), and two names are one company's by their words.
CLOSE_SPELLING = 85.0
CLOSE_NAMES = 80.0
ALIKE = 90.0
# Of names that may be a longer one shortened.
MOST_SHORT_LETTERS = 8
# Pairs of names grow with their square. Of more names, first words alone tell companies apart.
MOST_NAMES_IN_PAIRS = 50
# fmt: off
SMALL_WORDS = frozenset((
    "a", "al", "and", "at", "by", "co", "d", "da", "das", "de", "del", "den", "der", "des", "di", "do", "dos", "du",
    "e", "el", "et", "for", "i", "im", "in", "l", "la", "las", "le", "les", "los", "n", "o", "of", "on", "op", "s",
    "the", "to", "u", "und", "van", "vom", "von", "y", "zu", "zum", "zur",
))
# Legal forms that owners add to their initials.
# fmt: off
FORMS = frozenset((
    "ab", "ag", "bv", "c", "cl", "co", "corp", "g", "i", "inc", "kk", "l", "ltd", "pl", "plc", "sa", "se",
))
# fmt: on
# What owners put before and after their names in a domain, the longest first.
PREFIXES = (
    "weare",
    "hello",
    "visit",
    "gruppo",
    "groupe",
    "grupo",
    "join",
    "meet",
    "team",
    "shop",
    "get",
    "the",
    "try",
    "use",
    "app",
    "go",
    "my",
    "we",
    "e",
    "i",
)
SUFFIXES = (
    "international",
    "technologies",
    "technology",
    "solutions",
    "holdings",
    "official",
    "partners",
    "software",
    "services",
    "ventures",
    "company",
    "digital",
    "holding",
    "systems",
    "africa",
    "agency",
    "america",
    "brasil",
    "energy",
    "europe",
    "global",
    "groupe",
    "gruppe",
    "health",
    "online",
    "studio",
    "china",
    "cloud",
    "group",
    "india",
    "japan",
    "media",
    "store",
    "world",
    "asia",
    "corp",
    "gmbh",
    "intl",
    "labs",
    "shop",
    "site",
    "tech",
    "app",
    "grp",
    "inc",
    "llc",
    "ltd",
    "net",
    "plc",
    "spa",
    "srl",
    "usa",
    "web",
    "ab",
    "ae",
    "ag",
    "ai",
    "as",
    "at",
    "au",
    "be",
    "br",
    "bv",
    "ca",
    "ch",
    "cn",
    "co",
    "cz",
    "de",
    "dk",
    "es",
    "eu",
    "fi",
    "fr",
    "gp",
    "hk",
    "hq",
    "ie",
    "in",
    "io",
    "it",
    "jp",
    "kg",
    "kr",
    "mx",
    "nl",
    "no",
    "nv",
    "nz",
    "oy",
    "pl",
    "pt",
    "ru",
    "sa",
    "se",
    "sg",
    "tr",
    "uk",
    "us",
    "za",
)
# fmt: on
LABEL_PARTS = re.compile(r"[^a-z0-9]+")


class Label(NamedTuple):
    """What a domain says of its owner.

    texts: spellings without separators, the fullest first. parts: between hyphens. whole: with the suffix.
    """

    texts: tuple[str, ...]
    parts: tuple[str, ...]
    whole: str


def label_of(key_domain: str) -> Label:
    """The telling label of a domain, or of a page: `t.me/acme` and `acme.co.uk` both say acme."""
    host, _, path = key_domain.partition("/")
    text = path.rpartition("/")[2] if path else host.partition(".")[0]
    if text.startswith("xn--"):
        with suppress(UnicodeError):
            text = idna.decode(text)
    parts = tuple(part for part in LABEL_PARTS.split(anyascii(text).lower()) if part)
    label = "".join(parts)
    texts = [label]
    for prefix in PREFIXES:
        if label.startswith(prefix) and len(label) - len(prefix) >= MINIMUM_WORD:
            texts.append(label.removeprefix(prefix))
            break
    # `emisgroupplc` has two; what is appended is looked at again.
    for text in texts:
        for suffix in SUFFIXES:
            least = MINIMUM_INITIALS if len(suffix) > 2 else MINIMUM_WORD
            if text.endswith(suffix) and len(text) - len(suffix) >= least:
                texts.append(text.removesuffix(suffix))
                break
    whole = LABEL_PARTS.sub("", host) if not path else label
    return Label(tuple(dict.fromkeys(texts)), parts, whole)


def initials(words: Iterable[str]) -> str:
    """First letters of words; numbers stay whole."""
    return "".join(word if word.isdigit() else word[0] for word in words)


def made_of_beginnings(text: str, words: tuple[str, ...]) -> bool:
    """Whether `text` is made of the beginnings of `words` in order, none left out: fedex of federal express."""
    ends = {0}
    for word in words:
        ends = {
            start + length
            for start in ends
            for length in range(1, len(word) + 1)
            if text.startswith(word[:length], start)
        }
        if not ends:
            return False
    return len(text) in ends


def initials_of(words: tuple[str, ...], large: tuple[str, ...]) -> set[str]:
    """Ways to shorten a name of several words to its initials: jj, jaj and jnj of johnson and johnson.

    large: the words without small ones.
    """
    if len(words) == 1:
        return set()
    spoken = ["n" if word == "and" else word for word in words]
    return {initials(large), initials(words), initials(spoken)}


def fits_by_letters(label: Label, words: tuple[str, ...], common: frozenset[str]) -> bool:
    """Whether a name is the label, begins with it or is shortened to it.

    words: of the normalised name. common: words that say little in a name.
    """
    key = "".join(words)
    telling = [word for word in words if word not in common and word not in SMALL_WORDS]
    large = tuple(word for word in words if word not in SMALL_WORDS) or words
    beginnings = {"".join(words[:count]) for count in range(1, len(words) + 1)}
    shortened = initials_of(words, large)
    # Nobody else begins with the same two words, or with a word that says which company it is.
    openings = [text for text in beginnings if len(text) > len(words[0]) and len(text) >= LONG_WORD]
    if words[0] in telling and len(words[0]) >= MINIMUM_INITIALS:
        openings.append(words[0])
    if key == label.whole or any(len(word) >= MINIMUM_WORD and word in label.whole for word in telling):
        return True
    if len(label.parts) > 1 and (
        key == initials(label.parts)
        or (len(label.parts[0]) >= 2 and label.parts[0] == words[0] and words[0] in telling)
        or any(len(part) >= MINIMUM_INITIALS and part in shortened for part in label.parts)
    ):
        return True
    for text in label.texts:
        if len(text) >= 2 and text in beginnings and (text not in common or text in (key, words[0])):
            return True
        if len(text) >= (MINIMUM_INITIALS if words[0] in telling else MINIMUM_WORD) and key.startswith(text):
            return True
        if len(text) >= LONG_WORD and text not in common and any(word.startswith(text) for word in telling):
            return True
        if text.startswith(tuple(openings)):
            return True
        if len(text) >= 2 and text in shortened:
            return True
        # Last words are left out of initials as of names.
        if len(text) >= MINIMUM_INITIALS and any(short.startswith(text) for short in shortened):
            return True
        if any(
            len(text) >= MINIMUM_INITIALS and len(short) >= 2 and text.startswith(short) and text[len(short) :] in FORMS
            for short in (shortened | {words[0]} if words[0] in telling else shortened)
        ):
            return True
        if len(text) >= MINIMUM_INITIALS and len(large) > 1 and made_of_beginnings(text, large):
            return True
        # Trailing words are left out where the beginning is long enough to tell.
        if len(text) >= LONG_WORD and any(made_of_beginnings(text, large[:count]) for count in range(2, len(large))):
            return True
    return False


def plainly_fits(key_domain: str, name: str, common: frozenset[str]) -> bool:
    """Whether a look at the first letters shows what fits_by_letters would: most names of most lists.

    False tells nothing. key_domain, name: as in judge_batch.
    """
    label, _, _ = key_domain.partition(".")
    first, _, others = name.partition(" ")
    if "/" in key_domain or not (label.isascii() and label.isalnum()):
        return False
    if label.startswith(first) and len(first) >= MINIMUM_INITIALS and first not in common and first not in SMALL_WORDS:
        return True
    key = name.replace(" ", "")
    return (len(label) >= MINIMUM_WORD and key.startswith(label)) or (
        bool(others) and len(key) >= LONG_WORD and label.startswith(key)
    )


def find(parents: list[int], item: int) -> int:
    """The root of `item`, halving the path to it."""
    while parents[item] != item:
        parents[item] = parents[parents[item]]
        item = parents[item]
    return item


def telling_words(words: tuple[str, ...], common: frozenset[str]) -> tuple[str, ...]:
    """Words that say which company it is; all of them where none does."""
    return tuple(word for word in words if word not in common and word not in SMALL_WORDS) or words


def shortens(short: tuple[str, ...], words: tuple[str, ...], common: frozenset[str]) -> bool:
    """Whether a name is another one shortened: m and s of marks and spencer."""
    if len(words) == 1 or len(words) < len(short):
        return False
    letters = "".join(word for word in short if word not in SMALL_WORDS)
    if not 2 <= len(letters) <= MOST_SHORT_LETTERS:
        return False
    return fits_by_letters(Label(tuple({letters, "".join(short)}), (), letters), words, common)


class Use(NamedTuple):
    """The names on one domain. label: None where it has one name, which plainly fits. first: position of the first
    among all names of the batch."""

    label: Label | None
    words: list[tuple[str, ...]]
    first: int


def similar(score, pairs: list[tuple[str, str]], cutoff: float) -> Iterator[bool]:
    """Whether each pair of texts is at least as similar as `cutoff` (0 to 100)."""
    if not pairs:
        return iter(())
    left, right = zip(*pairs, strict=True)
    return iter((cpdist(left, right, scorer=score, score_cutoff=cutoff) >= cutoff).tolist())


def fit_names(uses: list[Use], common: frozenset[str]) -> list[bool]:
    """For each name of each domain, in order, whether it resembles the label."""
    fits, open_rows, pairs = [], [], []
    for use in uses:
        if use.label is None:
            fits.append(True)
            continue
        for words in use.words:
            fits.append(fits_by_letters(use.label, words, common))
            if not fits[-1]:
                near = [
                    (text, other)
                    for text in use.label.texts
                    if len(text) >= LONG_WORD
                    for other in {"".join(words), "".join(telling_words(words, common)), *telling_words(words, common)}
                    if len(other) >= LONG_WORD
                ]
                open_rows += [len(fits) - 1] * len(near)
                pairs += near
    for row, is_close in zip(open_rows, similar(fuzz.ratio, pairs, CLOSE_SPELLING), strict=True):
        fits[row] = fits[row] or is_close
    return fits


def companies(uses: list[Use], fits: list[bool], common: frozenset[str]) -> list[int]:
    """For each name of each domain, in order, the number of its company there, counted from 1.

    Names are one company's if they share their first telling word or first two words, if one is the other shortened,
    if they are spelt nearly alike, or if both resemble the domain.
    """
    parents = list(range(len(fits)))

    def join(left: int, right: int) -> None:
        low, high = sorted((find(parents, left), find(parents, right)))
        parents[high] = low

    rows, words_alike, words_spelt, keys_spelt = [], [], [], []
    for use in uses:
        if len(use.words) == 1:
            continue
        representatives: dict[str, int] = {}
        telling = [telling_words(words, common) for words in use.words]
        keys = ["".join(words) for words in use.words]
        for number in range(len(use.words)):
            row = use.first + number
            handles = {"word:" + telling[number][0], "key:" + keys[number]}
            if len(use.words[number]) > 1:
                handles.add("words:" + " ".join(use.words[number][:2]))
            if fits[row]:
                handles.add("fits")
            for handle in handles:
                join(representatives.setdefault(handle, row), row)
        if len(use.words) > MOST_NAMES_IN_PAIRS:
            continue
        for left in range(len(use.words)):
            for right in range(left + 1, len(use.words)):
                if find(parents, use.first + left) == find(parents, use.first + right):
                    continue
                names = use.words[left], use.words[right]
                if shortens(*names, common) or shortens(*names[::-1], common):
                    join(use.first + left, use.first + right)
                else:
                    rows.append((use.first + left, use.first + right))
                    words_alike.append((" ".join(telling[left]), " ".join(telling[right])))
                    words_spelt.append(("".join(telling[left]), "".join(telling[right])))
                    keys_spelt.append((keys[left], keys[right]))
    for pair, *answers in zip(
        rows,
        similar(fuzz.token_set_ratio, words_alike, ALIKE),
        similar(fuzz.ratio, words_spelt, CLOSE_NAMES),
        similar(fuzz.ratio, keys_spelt, ALIKE),
        strict=True,
    ):
        if any(answers):
            join(*pair)

    numbers = []
    for use in uses:
        if len(use.words) == 1:
            numbers.append(1)
            continue
        found: dict[int, int] = {}
        for row in range(use.first, use.first + len(use.words)):
            numbers.append(found.setdefault(find(parents, row), len(found) + 1))
    return numbers


def judge_batch(batch: pa.RecordBatch, common: frozenset[str]) -> pa.RecordBatch:
    """SCHEMA: one row per domain and name.

    batch: columns side, partner_id, key_domain, names (names separated by `;`, or null). common: words that say little.
    """
    named = batch.filter(pc.is_valid(batch.column("names")))
    names, counts, uses = [], [], []
    for key_domain, text in zip(named.column("key_domain").to_pylist(), named.column("names").to_pylist(), strict=True):
        found = sorted(text.split(";"))
        is_plain = len(found) == 1 and plainly_fits(key_domain, text, common)
        label = None if is_plain else label_of(key_domain)
        uses.append(Use(label, [tuple(name.split(" ")) for name in found], len(names)))
        names += found
        counts.append(len(found))
    fits = fit_names(uses, common)
    take = pa.array([row for row, count in enumerate(counts) for _ in range(count)], pa.int64())
    return pa.record_batch(
        [
            *(named.column(key).cast(pa.string()).take(take) for key in ("side", "partner_id", "key_domain")),
            pa.array(names, pa.string()),
            pa.array(fits, pa.bool_()),
            pa.array(companies(uses, fits, common), pa.int64()),
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
    words = rows(dbt.ref("account_mapping__common_words"))
    common = frozenset(row["word"] for row in words)
    judge = partial(map, partial(judge_batch, common=common))
    return mapped(dbt.ref("int_account_mapping__domain_uses"), judge, SCHEMA)
