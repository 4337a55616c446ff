"""The fuzzy pairs' functions: what is found, how it is scored, what never changes it."""

import csv
import sys

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loading import PACKAGE, load_model, package_file

SEED = PACKAGE / "seeds" / "account_mapping__match_weights.csv"
COMMON_SEED = PACKAGE / "seeds" / "account_mapping__common_words.csv"
NAME_SEED = PACKAGE / "seeds" / "account_mapping__name_words.csv"


fuzzy = load_model("int_account_mapping__fuzzy_pairs")
USUAL, LONGER = fuzzy.LONGER, 0


@pytest.fixture(scope="module", params=[USUAL, LONGER], ids=["each of ours", "each of theirs"], autouse=True)
def longer(request):
    """Which names are looked up among the others; what is found must not depend on it."""
    fuzzy.LONGER = request.param
    yield request.param
    fuzzy.LONGER = USUAL


def seed() -> dict[str, float]:
    with SEED.open(encoding="utf-8", newline="") as file:
        return {row["feature"]: float(row["weight"]) for row in csv.DictReader(file)}


WEIGHTS = fuzzy.read_weights(seed())


def read_pairs(path, columns):
    with path.open(encoding="utf-8", newline="") as file:
        return [[row[column] for column in columns] for row in csv.DictReader(file)]


COMMON = {word: int(count) for word, count in read_pairs(COMMON_SEED, ("word", "names_per_million"))}
LEXICON = fuzzy.build_lexicon(COMMON, dict(read_pairs(NAME_SEED, ("word", "kind"))))
ACCEPT = 0.92


def record(side, partner_id, account_id, name, country=None, state=None, city=None, legal_form=None, kind="company"):
    values = (side, partner_id, account_id, name, kind, legal_form, country, state, city)
    return dict(zip(fuzzy.RECORD_COLUMNS, values, strict=True))


def ours(account_id, name, **place):
    return record("ours", "*", account_id, name, **place)


def theirs(account_id, name, partner_id="p", **place):
    return record("partner", partner_id, account_id, name, **place)


def table(rows, columns):
    return pa.Table.from_pylist(list(rows), pa.schema([(c, pa.string()) for c in columns]))


def pairs_of(rows, keys=()):
    """The batches of the model's core."""
    records, keys = table(rows, fuzzy.RECORD_COLUMNS), table(keys, fuzzy.KEY_COLUMNS)
    return fuzzy.fuzzy_pairs(records, keys, WEIGHTS, LEXICON, fuzzy.inputs_hashes(records, keys, ()))


def run(rows, keys=()):
    """All output rows of the model's core but for the hash of the inputs, sorted by their ids."""
    batches = pairs_of(rows, [dict(zip(fuzzy.KEY_COLUMNS, key, strict=True)) for key in keys])
    found = pa.Table.from_batches(batches, fuzzy.SCHEMA).drop_columns("inputs_hash").to_pylist()
    return sorted(found, key=lambda row: [row[column] for column in fuzzy.KEY_COLUMNS])


def by_pair(rows):
    return {(row["account_id"], row["partner_account_id"]): row for row in rows}


# A background of unrelated companies, so that common words are common.
FILLER = [
    "northwind trading",
    "contoso pharmaceuticals group",
    "fabrikam international holdings",
    "adatum bank",
    "litware telecom",
    "proseware airlines group",
    "tailspin brewing",
    "wingtip energy",
    "fourth coffee",
    "margie travel",
    "lucerne publishing",
    "trey research",
    "graphic design institute",
    "humongous insurance",
    "consolidated messenger",
    "blue yonder airlines",
    "coho winery",
    "city power and light",
    "school of fine art",
    "southridge video",
    "general bank",
    "international trading group",
    "deutsche holdings",
]


def background():
    rows = [ours(f"f{k}", name) for k, name in enumerate(FILLER[::2])]
    return rows + [theirs(f"g{k}", name) for k, name in enumerate(FILLER[1::2])]


@pytest.mark.parametrize(
    ("our_name", "partner_name"),
    [
        ("intern cons airl gr", "international consolidated airlines group"),
        ("dt telekom", "deutsche telekom"),
        ("anheuser busch inbev", "ab inbev"),
        ("jp morgan chase", "jpmorgan chase"),
        ("ibm", "international business machines"),
        ("univ health serv", "universal health services"),
        ("shang fos pharm gr", "shanghai fosun pharmaceutical group"),
        ("mongolian mining", "mining mongolian"),
        ("simens", "siemens"),
    ],
)
def test_hard_case_is_the_best_of_its_account(our_name, partner_name):
    rows = [*background(), ours("a", our_name), theirs("b", partner_name)]
    scored = [row for row in run(rows) if row["account_id"] == "a"]
    assert scored, "not a candidate"
    best = max(scored, key=lambda row: row["name_probability"])
    assert best["partner_account_id"] == "b"


def test_abbreviation_without_a_shared_word_is_found_in_one_city():
    rows = [
        *background(),
        ours("a", "controlled risk insurance company", country="US", city="boston"),
        theirs("b", "crico", country="US", city="boston"),
        theirs("c", "crico", country="US", city="denver"),
    ]
    found = by_pair(run(rows))
    assert found["a", "b"]["name_probability"] > 0.3
    assert found.get(("a", "c"), {"name_probability": 0.0})["name_probability"] < 0.1


def test_equal_rare_names_are_accepted_and_unlike_ones_left_out():
    rows = [
        *background(),
        ours("a", "zebrafish dynamics", country="DE"),
        theirs("b", "zebrafish dynamics", country="DE"),
        theirs("c", "quartzite bakery", country="DE"),
    ]
    found = by_pair(run(rows))
    assert found["a", "b"]["name_probability"] > 0.95
    assert found["a", "b"]["name_similarity"] == 100.0
    assert ("a", "c") not in found


def test_short_lists_are_scored_like_long_ones():
    [row] = run([ours("a", "zebrafish dynamics"), theirs("b", "zebrafish dynamics")])
    assert row["name_probability"] > 0.95


def test_another_country_and_another_number_speak_against_a_pair():
    here = [ours("a", "zebrafish dynamics 3", country="DE")]

    def probability(name, country):
        rows = background() + here + [theirs("b", name, country=country)]
        return by_pair(run(rows))["a", "b"]["name_probability"]

    same = probability("zebrafish dynamics 3", "DE")
    assert probability("zebrafish dynamics 3", "FR") < same
    assert probability("zebrafish dynamics 4", "DE") < same


def test_equal_acronyms_of_two_countries_are_not_accepted():
    rows = [*background(), ours("a", "msd", country="US"), theirs("b", "msd", country="RS")]
    assert by_pair(run(rows)).get(("a", "b"), {"name_probability": 0.0})["name_probability"] < ACCEPT
    branches = [ours(f"a{i}", "msd", country=country) for i, country in enumerate(("US", "FR", "JP"))]
    found = by_pair(run([*background(), *branches, theirs("b", "msd", country="RS")]))
    assert found["a0", "b"]["name_probability"] >= ACCEPT


def test_one_rare_name_in_two_countries_is_accepted_and_one_of_common_words_is_not():
    rows = [
        *background(),
        ours("a", "zebrafish", country="US"),
        theirs("b", "zebrafish", country="RS"),
        ours("c", "ministry of agriculture", country="TR"),
        theirs("d", "ministry of agriculture", country="FI"),
    ]
    found = by_pair(run(rows))
    assert found["a", "b"]["name_probability"] >= ACCEPT
    assert found["c", "d"]["name_probability"] < ACCEPT


def test_common_words_tell_little_and_unknown_words_much():
    frequency, background = fuzzy.background_rarity(pa.array(["of", "bank", "apex", "zebrafish"]), LEXICON)
    [of, bank, apex, zebrafish] = background
    assert 0 < of < bank < apex < zebrafish == 1.0
    assert list(frequency) == [of, bank, 1.0, 1.0]
    assert [list(level) for level in fuzzy.background_rarity(pa.array(["of"]), fuzzy.build_lexicon({}, {}))] == [
        [1.0]
    ] * 2


def test_common_words_are_cut_at_will_and_rare_ones_are_not():
    names = pa.array(["merit", "meritor", "intern", "international", "zeb", "zebrafish"])
    index = fuzzy.build_index(names, names, LEXICON)
    at = {word: i for i, word in enumerate(index.vocabulary.to_pylist())}
    short, _, risky = fuzzy.word_quality(
        index,
        *(fuzzy.np.array([at[w] for w in words]) for words in (("intern", "zeb"), ("international", "zebrafish"))),
    )
    assert short[0] == 0.9
    assert short[1] < 0.7
    assert not risky[0]
    assert list(fuzzy.word_quality(index, *[fuzzy.np.array([at["merit"]])] * 2)[0]) == [1.0]


def family(our_names, partner_name, **place):
    rows = [ours(f"a{i}", name, **place) for i, name in enumerate(our_names)]
    return by_pair(run([*background(), *rows, theirs("b", partner_name, country="JP")]))


def test_a_group_and_names_that_begin_with_it_are_a_family():
    found = family(["zebrafish motors", "zebrafish electric", "zebra motors"], "zebrafish group", country="DE")
    for account in ("a0", "a1"):
        assert found[account, "b"]["relationship_by_name"] == "subsidiary"
        assert found[account, "b"]["name_probability"] >= ACCEPT
    assert found.get(("a2", "b"), {}).get("relationship_by_name") is None


def test_the_group_in_another_spelling_is_no_member_of_itself():
    found = family(["zebrafish grp", "zebrafish electric", "zebrafish motors"], "zebrafish group", country="JP")
    assert found["a0", "b"]["relationship_by_name"] is None
    assert found["a1", "b"]["relationship_by_name"] == "subsidiary"


def test_the_group_may_be_ours():
    rows = [ours("a", "zebrafish holdings"), theirs("b", "zebrafish motors"), theirs("c", "zebrafish electric")]
    found = by_pair(run([*background(), *rows]))
    assert {found["a", other]["relationship_by_name"] for other in "bc"} == {"parent"}


@pytest.mark.parametrize(
    ("our_names", "partner_name"),
    [
        (["argosy gold"], "argosy group"),  # one alone may bear the name by chance
        (["national motors", "national electric"], "national group"),  # a common word is nobody's
        (["abc motors", "abc electric"], "abc group"),  # nor are three letters
        (["zebrafish motors", "zebrafish electric"], "zebrafish"),  # does not say that it is a group
        (["zebrafishes motors", "zebrafishes electric"], "zebrafish group"),  # another word
    ],
)
def test_no_family_without_several_rare_names_and_a_group(our_names, partner_name):
    found = family(our_names, partner_name, country="DE")
    assert not any(row["relationship_by_name"] for row in found.values())


def test_three_accounts_of_one_name_make_a_family_too():
    found = family(["zebrafish nordisk"] * 3, "zebrafish holdings", country="DE")
    assert {found[f"a{i}", "b"]["relationship_by_name"] for i in range(3)} == {"subsidiary"}
    assert not any(
        row["relationship_by_name"]
        for row in family(["zebrafish nordisk"] * 2, "zebrafish holdings", country="DE").values()
    )


@pytest.mark.parametrize(
    ("our_name", "their_name", "is_part"),
    [
        ("zebrafish", "zebrafish fantasy", True),
        ("zebrafish fantasy", "zebrafish", True),
        ("zebrafish", "zebrafish group", False),  # says nothing
        ("zebrafish", "zebrafish reno", False),  # says where it is
        ("zebrafish", "zebrafish italia", False),  # is_region_name says so
        ("zebrafish oyster", "zebrafish fantasy", False),  # neither is the other with more
        ("zebrafish", "zebrafish solutions", False),  # many add this one
        ("zebrafish", "zebrafish corporationn", False),  # and this one, spelt right
        ("zebrafish fantasy", "zebrafish fantsay", False),  # a slip
    ],
)
def test_a_name_with_a_telling_word_more_is_a_part_s(our_name, their_name, is_part):
    place = {"country": "US", "state": "NV", "city": "reno"}
    found = by_pair(run([*background(), ours("a", our_name, **place), theirs("b", their_name, **place)]))
    assert found["a", "b"]["is_part_name"] is is_part


def test_a_close_rival_lowers_the_probability():
    alone = [
        *background(),
        ours("a", "zebrafish dynamic"),
        theirs("b", "zebrafish dynamics"),
    ]
    rival = [*alone, theirs("c", "zebrafish dynamik")]
    first, second = by_pair(run(alone)), by_pair(run(rival))
    assert first["a", "b"]["rival_similarity"] is None
    assert second["a", "b"]["rival_similarity"] == second["a", "c"]["name_similarity"]
    assert second["a", "b"]["name_probability"] < first["a", "b"]["name_probability"]


def test_accounts_of_one_name_are_no_rivals():
    rows = [*background(), ours("a", "zebrafish dynamics")]
    single = [*rows, theirs("b", "zebrafish dynamics")]
    double = [*single, theirs("c", "zebrafish dynamics")]
    first, second = by_pair(run(single)), by_pair(run(double))
    assert first["a", "b"] == second["a", "b"]
    assert second["a", "c"]["name_probability"] == first["a", "b"]["name_probability"]


def compared(pairs, odds, equal=()):
    """Log-odds after both comparisons of pairs (ours, partner), each account with a name of its own."""
    i, j = np.array(pairs).T
    groups = fuzzy.group_pairs(i, j), fuzzy.group_pairs(j, i)
    found = fuzzy.compared(np.array(odds, float), *groups, np.array([pair in equal for pair in pairs]), WEIGHTS)
    return dict(zip(pairs, found, strict=True))


def test_an_equal_name_has_no_rival_and_is_one():
    alone = compared([(0, 0)], [3.0], equal=[(0, 0)])
    # a longer name, or a misspelt duplicate of our own
    other = compared([(0, 0), (1, 0)], [3.0, 2.9], equal=[(0, 0)])
    assert other[0, 0] == alone[0, 0]
    assert other[1, 0] < compared([(1, 0)], [2.9])[1, 0]


def test_rivals_are_those_that_a_loop_over_all_pairs_finds():
    random = np.random.default_rng(3)
    for _ in range(50):
        codes = np.unique(random.integers(0, 40, random.integers(1, 30)))
        i, j = codes // 8, codes % 8
        # some accounts share a name
        name_i, name_j = i // 2, j // 2
        odds = np.round(random.normal(0, 4, len(codes)), 1)
        equal = random.random(len(codes)) < 0.3
        groups = fuzzy.group_pairs(i, name_j), fuzzy.group_pairs(j, name_i)
        found = fuzzy.rival_evidence(odds, *groups, equal)
        level = np.clip(odds, fuzzy.FLOOR, -fuzzy.FLOOR)
        for side, owner, name in (("ours", i, name_j), ("partner", j, name_i)):
            for pair in range(len(codes)):
                rivals = (owner == owner[pair]) & (name != name[pair]) & ~equal[pair]
                ahead = level[pair] - max([fuzzy.FLOOR, *level[rivals]])
                assert found[f"rival_{side}_ahead"][pair] == np.clip(ahead, 0.0, 4.0)
                assert found[f"rival_{side}_behind"][pair] == np.clip(ahead, -4.0, 0.0)


def test_a_rival_that_has_its_own_match_counts_less():
    alone = compared([(0, 0)], [2.0])
    rival = compared([(0, 0), (1, 0)], [2.0, 1.9])
    settled = compared([(0, 0), (1, 0), (1, 1)], [2.0, 1.9, 6.0])
    assert rival[0, 0] < settled[0, 0] < alone[0, 0]


def test_words_are_told_apart():
    rows = [
        *background(),
        ours("a", "intl zebrafish dynamics norway"),
        theirs("b", "international zebrafish dynamics lab"),
    ]
    row = by_pair(run(rows))["a", "b"]
    assert row["shared_words"] == "intl zebrafish dynamics"
    assert row["our_other_words"] == "norway"
    assert row["partner_other_words"] == "lab"


def test_place_agreement():
    rows = [
        *background(),
        ours("a", "zebrafish dynamics", country="DE", city="frankfurt"),
        theirs("b", "zebrafish dynamics", country="DE", city="frankfurt am main"),
        theirs("c", "zebrafish dynamics", country="FR", city="paris"),
        theirs("d", "zebrafish dynamics"),
    ]
    found = by_pair(run(rows))
    places = {
        pair[1]: (row["country_agreement"], row["city_agreement"]) for pair, row in found.items() if pair[0] == "a"
    }
    assert places["b"] == ("same", "same")
    assert places["c"] == ("different", "different")
    assert places["d"] == ("unknown", "unknown")


def test_key_pairs_are_always_scored():
    rows = [
        *background(),
        ours("a", "zebrafish dynamics", country="DE"),
        ours("n", None, country="DE"),
        theirs("b", "quartzite bakery", country="DE"),
    ]
    found = by_pair(run(rows, [("p", "a", "b"), ("p", "n", "b"), ("p", "a", "b")]))
    assert found["a", "b"]["name_probability"] < 0.1
    assert found["a", "b"]["name_similarity"] < 60
    assert found["a", "b"]["shared_words"] is None
    unnamed = found["n", "b"]
    assert unnamed["name_similarity"] is None and unnamed["name_probability"] is None
    assert unnamed["country_agreement"] == "same"


def test_keys_of_partners_without_a_list_and_of_unknown_accounts_are_ignored():
    rows = [*background(), ours("a", "zebrafish dynamics"), theirs("b", "quartzite bakery")]
    assert run(rows, [("keys_partner", "a", "x"), ("p", "a", "gone")]) == run(rows)


def test_one_row_per_pair_within_the_namesake_limit():
    n = 3 * fuzzy.MAXIMUM_NAMESAKES
    rows = [*background(), ours("a", "zebrafish dynamics", country="DE", city="ulm")]
    rows += [theirs(f"b{k:03}", "zebrafish dynamics", country="DE", city=f"city{k:03}") for k in range(n)]
    rows.append(theirs("z", "zebrafish dynamics", country="DE", city="ulm"))
    found = [row for row in run(rows) if row["account_id"] == "a"]
    pairs = [row["partner_account_id"] for row in found]
    assert len(pairs) == len(set(pairs)) <= fuzzy.MAXIMUM_NAMESAKES
    best = max(found, key=lambda row: row["name_probability"])
    assert best["partner_account_id"] == "z"


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [ours("a", "zebrafish dynamics")],
        [theirs("b", "zebrafish dynamics")],
        [ours("a", None), theirs("b", None)],
        [ours("a", None), theirs("b", "zebrafish dynamics")],
    ],
    ids=["nothing", "no partner", "no accounts", "no names", "no names of ours"],
)
def test_empty_inputs_give_an_empty_table(rows):
    batches = pairs_of(rows)
    result = pa.Table.from_batches(batches, fuzzy.SCHEMA)
    assert len(result) == 0 and result.schema == fuzzy.SCHEMA


def test_a_name_that_is_not_normalised_is_a_clear_error():
    with pytest.raises(ValueError, match=r"int_account_mapping__normalized.*'Ünlü'"):
        run([ours("a", "Ünlü"), theirs("b", "unlu")])


WORDS = ["acme", "acm", "zebra", "zeb", "bank", "of", "north", "group", "gr", "a", "1", "2"]
NAMES = st.none() | st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join)
PLACES = st.sampled_from([None, "x", "y"])
ACCOUNTS = st.lists(st.tuples(NAMES, PLACES, PLACES), max_size=14)


@settings(max_examples=25)
@given(
    ACCOUNTS,
    ACCOUNTS,
    st.integers(1, 5),
    st.integers(1, 7),
    st.integers(1, 4),
    st.randoms(),
)
def test_row_order_chunks_and_threads_change_nothing(left, right, chunk, part, threads, mixer):
    rows = [
        make(f"{k}", name, country=country, city=city)
        for make, side in ((ours, left), (theirs, right))
        for k, (name, country, city) in enumerate(side)
    ]
    keys = [("p", "0", "0"), ("p", "1", "0"), ("p", "2", "3")]
    expected = run(rows, keys)
    pairs = [tuple(row[column] for column in fuzzy.KEY_COLUMNS) for row in expected]
    assert len(pairs) == len(set(pairs))
    for row in expected:
        assert row["name_probability"] is None or 0 <= row["name_probability"] <= 1
    mixer.shuffle(rows)
    mixer.shuffle(keys)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fuzzy, "CHUNK_NAMES", chunk)
        patch.setattr(fuzzy, "SLICE_PAIRS", part)
        patch.setattr(fuzzy, "THREADS", threads)
        assert run(rows, keys) == expected


def test_common_keys_do_not_hide_equal_names(monkeypatch):
    rows = [*background(), ours("a", "jp morgan"), theirs("b", "jpmorgan")]
    rows += [ours("c", "zeppelin works"), theirs("d", "zeppelin work")]
    assert {("a", "b"), ("c", "d")} <= set(by_pair(run(rows)))
    monkeypatch.setattr(fuzzy, "LOOKED_AT", 0)
    monkeypatch.setattr(fuzzy, "LOOKED_AT_LONGER", 0)
    found = by_pair(run(rows))
    assert ("a", "b") in found
    assert ("c", "d") not in found


def test_names_are_found_by_what_their_words_spell():
    names = ["bank of orvale", "jp morgan", "korea telecom", "orvale", "the bank of the orvale savings"]
    records = [table(map(ours, names, names), fuzzy.RECORD_COLUMNS), table([], fuzzy.RECORD_COLUMNS)]
    side = fuzzy.build_sides(*records)[0]
    words = ["bo", "bos", "jpmorgan", "kt", "ktx", "morgan"]
    found = fuzzy.spelt(fuzzy.build_long_list(side, LEXICON), pa.array(words))
    assert {(names[name], words[word]) for name, word in found} == {
        ("bank of orvale", "bo"),
        ("the bank of the orvale savings", "bo"),
        ("the bank of the orvale savings", "bos"),
        ("jp morgan", "jpmorgan"),
        ("korea telecom", "kt"),
    }


def test_a_longer_list_weighs_its_names_as_a_short_one():
    counts = fuzzy.trigrams(pa.array(["kudu", "kudu dental", "ibex works"]))
    weight = np.random.default_rng(3).random(counts.shape[1])
    columns = fuzzy.Columns(counts.T.tocsr(), fuzzy.column_counts(counts))
    assert (columns.weighed(weight).T.tocsr() != fuzzy.weighted(counts, weight)).nnz == 0


def test_only_the_names_that_were_found_are_compared_and_count_as_in_the_whole_list():
    rows = [*background(), ours("a", "zeppelin works"), theirs("b", "zeppelin work")]
    records = [[row for row in rows if row["side"] == side] for side in ("ours", "partner")]
    sides = fuzzy.build_sides(*(table(part, fuzzy.RECORD_COLUMNS) for part in records))
    whole = fuzzy.build_long_list(sides[0], LEXICON)
    kept = np.flatnonzero([name.startswith("z") for name in sides[0].names.to_pylist()])
    some, accounts = fuzzy.part_of(sides[0], kept)
    assert some.names.to_pylist() == ["zeppelin works"] and some.account_ids.to_pylist() == ["a"]
    assert sides[0].account_ids.take(pa.array(accounts)) == some.account_ids
    part = fuzzy.build_index(some.names, sides[1].names, LEXICON, whole)
    full = fuzzy.build_index(sides[0].names, sides[1].names, LEXICON)
    rare = dict(zip(full.vocabulary.to_pylist(), full.rarity, strict=True))
    assert dict(zip(part.vocabulary.to_pylist(), part.rarity, strict=True)).items() <= rare.items()
    assert (part.trigrams_ours != full.trigrams_ours[kept]).nnz == 0


def test_a_name_is_looked_up_by_its_rarest_keys():
    #                                  holders:  5  1  3  2  0
    names = fuzzy.sparse.csr_matrix(np.array([[9, 8, 7, 6, 0], [1, 0, 2, 0, 3], [0, 0, 0, 0, 0], [4, 0, 0, 0, 0]]))
    holders = np.array([5, 1, 3, 2, 0])
    assert fuzzy.rarest(names, holders, 6).toarray().tolist() == [
        [0, 8, 7, 6, 0],
        [0, 0, 2, 0, 3],
        [0, 0, 0, 0, 0],
        [4, 0, 0, 0, 0],
    ]
    assert fuzzy.rarest(names, holders, 5).toarray().tolist()[0] == [0, 8, 0, 6, 0]
    assert (fuzzy.rarest(names, holders, 99) != names).nnz == 0
    assert fuzzy.rarest(names[:0], holders, 5).shape == (0, 5)


def test_seed_has_exactly_the_features_that_the_code_computes():
    assert list(seed()) == [*fuzzy.FEATURES, *fuzzy.KEY_SETTINGS]
    sides = fuzzy.build_sides(
        table([ours("a", "zebra bank")], fuzzy.RECORD_COLUMNS),
        table([theirs("b", "zebra")], fuzzy.RECORD_COLUMNS),
    )
    index = fuzzy.build_index(sides[0].names, sides[1].names, LEXICON)
    none = np.zeros((0, 2), np.int64)
    [pairs] = fuzzy.pair_chunks(*sides, index, none)
    groups = fuzzy.group_pairs(pairs.ours, pairs.partner)
    equal = np.zeros(len(pairs.ours), bool)
    rivals, settled = (
        fuzzy.rival_evidence(pairs.ours.astype(float), groups, groups, equal, features)
        for features in (fuzzy.RIVAL_FEATURES, fuzzy.SETTLED_FEATURES)
    )
    assert set(pairs.names) == {
        *fuzzy.NAME_FEATURES,
        "near_acronym",
        "shortness",
        "commonness",
        "similarity",
        "likeness",
        "series",
        "more_numbers",
        "other_letters",
        "reordered",
        "turned",
        "common",
        "chosen",
        "short",
        "region",
    }
    assert set(pairs.places) == set(fuzzy.PLACE_FEATURES)
    assert set(rivals) == set(fuzzy.RIVAL_FEATURES)
    assert set(settled) == set(fuzzy.SETTLED_FEATURES)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bias": None}, "not a number: bias"),
        ({"bias": float("nan")}, "not a number: bias"),
        ({"unheard_of": 1.0}, "unknown: unheard_of"),
    ],
)
def test_weights_that_do_not_fit_are_a_clear_error(change, message):
    with pytest.raises(ValueError, match=message) as error:
        fuzzy.read_weights(seed() | change)
    assert "account_mapping__match_weights" in str(error.value)
    without = {name: weight for name, weight in seed().items() if name != "bias"}
    with pytest.raises(ValueError, match="missing: bias"):
        fuzzy.read_weights(without)


def test_missing_library_names_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "sparse_dot_topn", None)
    with pytest.raises(ImportError, match=r"sparse_dot_topn.*pip install -r"):
        load_model("int_account_mapping__fuzzy_pairs")


class Dbt:
    """What dbt gives a Python model, over one DuckDB connection."""

    def __init__(self, connection):
        self.connection = connection

    def ref(self, name):
        return self.connection.table(name)


def warehouse(rows, keys=()):
    """A DuckDB connection with the tables that the model reads, the first run's."""
    connection = duckdb.connect()
    load(connection, rows, keys)
    for name, path, columns in (
        ("match_weights", SEED, "feature, weight::double as weight"),
        ("common_words", COMMON_SEED, "word, names_per_million::integer as names_per_million"),
        ("name_words", NAME_SEED, "*"),
    ):
        connection.execute(f"create table account_mapping__{name} as select {columns} from read_csv('{path}')")
    connection.execute("create table int_account_mapping__kept_pairs as select cast(null as varchar) as former")
    return connection


def load(connection, rows, keys=()):
    given_records = table(rows, fuzzy.RECORD_COLUMNS)
    given_keys = table([dict(zip(fuzzy.KEY_COLUMNS, key, strict=True)) for key in keys], fuzzy.KEY_COLUMNS)
    connection.register("given_records", given_records)
    connection.register("given_keys", given_keys)
    connection.execute("create or replace table int_account_mapping__normalized as from given_records")
    connection.execute("create or replace table int_account_mapping__key_matches as from given_keys")


def build(connection):
    """Run the model as dbt does, and give its rows to the next run; returns the rows, sorted."""
    result = fuzzy.model(Dbt(connection), connection)
    if isinstance(result, pa.RecordBatchReader):
        assert result.schema == fuzzy.SCHEMA
        connection.register("result", result)
        connection.execute("create or replace table made as from result")
    else:
        result.create("made_with_former")
        connection.execute("create or replace table made as from made_with_former; drop table made_with_former")
    connection.execute("update int_account_mapping__kept_pairs set former = 'made'")
    return sorted(connection.table("made").to_arrow_table().to_pylist(), key=str)


def test_model_reads_and_writes_duckdb_tables():
    rows = [*background(), ours("a", "zebra bank 9"), theirs("b", "zebra bank 9")]
    written = build(warehouse(rows))
    assert len({row.pop("inputs_hash") for row in written}) == 1
    assert sorted(written, key=str) == sorted(run(rows), key=str)


def test_only_partners_of_which_something_has_changed_are_compared_again(monkeypatch):
    asked, compare = [], fuzzy.fuzzy_pairs

    def counted(records, keys, weights, lexicon, hashes):
        asked.append(sorted(hashes))
        yield from compare(records, keys, weights, lexicon, hashes)

    monkeypatch.setattr(fuzzy, "fuzzy_pairs", counted)
    rows = [*background(), ours("a", "zebra bank 9"), ours("c", "kudu dental")]
    rows += [theirs("b", "zebra bank 9", partner_id=partner) for partner in ("p", "q", "r")]
    rows += [theirs("z", "quite another", partner_id="without a pair")]
    keys = [("p", "c", "b")]
    again = warehouse(rows, keys)
    build(again)

    def changed(new_rows, new_keys=keys):
        """The partners that are compared when this is what lies there now; the rows are those of a first run."""
        load(again, new_rows, new_keys)
        asked.clear()
        kept = build(again)
        partners = asked[-1]
        assert kept == build(warehouse(new_rows, new_keys))
        return [partner for partner in partners if partner != "without a pair"]

    assert changed(rows) == []
    assert changed(rows[::-1], keys * 2) == []
    assert changed([*rows, theirs("d", "kudu dental", partner_id="q")]) == ["q"]
    assert changed([row for row in rows if row["account_id"] != "d"], [*keys, ("r", "a", "b")]) == ["q", "r"]
    assert changed([*rows, theirs("b", "zebra bank 9", partner_id="s")]) == ["r", "s"]
    # a partner that has gone leaves nothing
    assert changed(rows) == []
    assert changed([*rows, ours("e", "okapi")]) == ["p", "q", "r"]
    again.execute("update account_mapping__match_weights set weight = weight + 0.001 where feature = 'bias'")
    load(again, [*rows, ours("e", "okapi")], keys)
    build(again)
    assert asked[-1] == ["p", "q", "r", "without a pair"]
    again.execute("update int_account_mapping__kept_pairs set former = null")
    build(again)
    assert asked[-1] == ["p", "q", "r", "without a pair"]


def test_the_whole_code_of_the_model_is_part_of_the_hash():
    text = package_file("int_account_mapping__fuzzy_pairs.py").read_text(encoding="utf-8")
    assert text.partition(fuzzy.DBT_CODE)[0] == text
    postfix = text + "\n\n# This part is user provided model code\n# you will need to copy the next section"
    assert postfix.partition(fuzzy.DBT_CODE)[0].strip() == text.strip()


@settings(max_examples=12)
@given(ACCOUNTS, ACCOUNTS, ACCOUNTS, st.lists(st.sampled_from([("p", "0", "0"), ("q", "1", "1"), ("q", "0", "2")])))
def test_the_pairs_of_a_partner_depend_on_no_other_partner(mine, first, second, keys):
    def rows_of(**sides):
        return [
            record("ours" if partner == "us" else "partner", "*" if partner == "us" else partner, f"{k}", name,
                   country=country, city=city)
            for partner, side in sides.items()
            for k, (name, country, city) in enumerate(side)
        ]  # fmt: skip

    both = run(rows_of(us=mine, p=first, q=second), keys)
    alone = [run(rows_of(us=mine, **{partner: side}), keys) for partner, side in (("p", first), ("q", second))]
    assert both == alone[0] + alone[1]


@settings(max_examples=30)
@given(st.lists(st.tuples(*[st.none() | st.text("ab\x1f=", max_size=2)] * 3), max_size=4), st.randoms())
def test_a_table_has_the_hash_of_its_distinct_rows(rows, mixer):
    columns = ("x", "y", "z")

    def hashed(values):
        parts = [
            table([dict(zip(columns, row, strict=True)) for row in part], columns) for part in (values[:1], values[1:])
        ]
        return fuzzy.table_hash(pa.concat_tables(parts), columns)

    mixed = [*rows, *rows[:1]]
    mixer.shuffle(mixed)
    assert hashed(mixed) == hashed(rows)
    for place, row in enumerate(rows):
        for column in range(3):
            other = list(row)
            other[column] = None if row[column] == "" else (row[column] or "") + "a"
            changed = [*rows[:place], tuple(other), *rows[place + 1 :]]
            assert (hashed(changed) == hashed(rows)) == (set(changed) == set(rows))


def test_more_candidates_are_looked_at_where_the_last_is_as_good_as_the_first(monkeypatch, longer):
    one, other = (ours, theirs) if longer == USUAL else (theirs, ours)
    monkeypatch.setattr(fuzzy, "TOP_TRIGRAM", 1)
    monkeypatch.setattr(fuzzy, "TOP_WORD", 1)
    twins = [other(f"b{i}", f"zebrafish dynamics {place}") for i, place in enumerate(("oslo", "rome", "bern", "kyiv"))]
    rows = [*background(), one("a", "zebrafish dynamics"), *twins]
    pairs = {("a", f"b{i}") if longer == USUAL else (f"b{i}", "a") for i in range(4)}
    assert pairs <= set(by_pair(run(rows)))
    monkeypatch.setattr(fuzzy, "CLOSE_COSINE", 1.1)
    assert not pairs <= set(by_pair(run(rows)))


def test_the_data_issue_of_many_namesakes_has_the_same_limit():
    text = package_file("int_account_mapping__identity_issues.sql").read_text(encoding="utf-8")
    assert f"set most_namesakes = {fuzzy.MAXIMUM_NAMESAKES} " in text


CONTRADICTED = [
    # our name, theirs, our other columns, theirs, what contradicts, are they two
    ("blackmoor fund ii", "blackmoor fund iii", {}, {}, "series", True),
    ("blackmoor fund two", "blackmoor fund 3rd", {}, {}, "series", True),
    ("hartsdale series a", "hartsdale series b", {}, {}, "series", True),
    ("hartsdale acquisition i", "hartsdale acquisition iv", {}, {}, "series", True),
    ("hartsdale fund", "hartsdale fund ii", {"city": "york"}, {"city": "york"}, "words", False),
    ("henkell", "henkel", {}, {}, "letters", False),
    ("novarix", "navarix", {}, {}, "letters", False),
    ("sterling bancorp", "stirling bancorp", {}, {}, "letters", False),
    ("quillmarsh instruments", "quilmarsh instruments", {"city": "york"}, {"city": "bath"}, "letters", False),
    ("penhallow", "penhallow dental", {}, {}, "words", False),
    ("quillmarsh semiconductor", "quillmarsh semiconductors trading", {}, {}, "words", False),
    ("apex", "apex", {"city": "reno"}, {"city": "akron"}, "place", False),
    ("apex logistics", "apex logistics", {"state": "US-TN"}, {"state": "US-WI"}, "place", False),
    ("apex logistics", "apex logistics", {"country": "GB"}, {"country": "US"}, "country", False),
    ("eq", "eq", {"country": None}, {}, "short", False),
    ("john smith", "john smith", {"kind": "person"}, {"kind": "person"}, "person", False),
    (
        "john smith",
        "john smith",
        {"kind": "person", "city": "reno"},
        {"kind": "person", "city": "waco"},
        "person",
        True,
    ),
    ("mercy hospital", "mercy hospital", {"kind": "institution"}, {"kind": "institution"}, "institution", False),
    (
        "zebrafish hospital",
        "zebrafish hospital",
        {"kind": "institution", "city": "ulm"},
        {"city": "hof"},
        "place",
        False,
    ),
    ("bank of orvale", "orvale bank", {}, {}, "order", False),
    ("university of washington", "washington university", {"kind": "institution"}, {}, "order", False),
]


@pytest.mark.parametrize(("our_name", "partner_name", "our_place", "their_place", "contradiction", "two"), CONTRADICTED)
def test_what_the_rows_say_against_a_pair(our_name, partner_name, our_place, their_place, contradiction, two):
    place = {"country": "US"}
    rows = [*background(), ours("a", our_name, **place | our_place), theirs("b", partner_name, **place | their_place)]
    found = by_pair(run(rows, keys=[("p", "a", "b")]))["a", "b"]
    assert (found["contradiction"], found["is_other_company"]) == (contradiction, two)


UNCONTRADICTED = [
    ("quillmarsh instruments", "quilmarsh instruments", {}, {}, "letters"),
    ("quillmarsh", "quillmarsh", {"city": "reno"}, {"city": "akron"}, "equal"),
    ("quillmarsh", "quillmarsh", {"country": "DE"}, {"country": "IN"}, "equal"),
    ("quillmarsh group", "quillmarsh", {}, {}, "added"),
    ("quillmarsh fund 2", "quillmarsh fund ii", {}, {}, "equal"),
    ("seven eleven", "7 eleven", {}, {}, "equal"),
    ("quillmarsh mfg", "quillmarsh manufacturing", {}, {}, "shortened"),
    ("henkell", "henkel", {"city": "ulm"}, {"city": "ulm"}, "letters"),
    ("mercy hospital", "mercy hospital", {"kind": "institution", "city": "ulm"}, {"city": "ulm"}, "equal"),
    ("john smith", "john smith", {"kind": "person", "city": "ulm"}, {"kind": "person", "city": "ulm"}, "equal"),
    ("apex", "apex", {}, {}, "equal"),
]


@pytest.mark.parametrize(("our_name", "partner_name", "our_place", "their_place", "likeness"), UNCONTRADICTED)
def test_what_stays_true_is_not_contradicted(our_name, partner_name, our_place, their_place, likeness):
    place = {"country": "US"}
    rows = [*background(), ours("a", our_name, **place | our_place), theirs("b", partner_name, **place | their_place)]
    found = by_pair(run(rows, keys=[("p", "a", "b")]))["a", "b"]
    assert (found["contradiction"], found["is_other_company"], found["name_likeness"]) == (None, False, likeness)


def test_a_common_name_of_three_countries_in_one_list_is_a_brand():
    places = ("DE", "FR", "IT")
    rows = [*background(), theirs("b", "apex logistics", country="US")]
    one = by_pair(run([*rows, ours("a", "apex logistics", country="DE")]))
    many = by_pair(run([*rows, *(ours(place, "apex logistics", country=place) for place in places)]))
    assert one["a", "b"]["contradiction"] == "country"
    assert many["DE", "b"]["contradiction"] is None


@given(
    st.lists(st.sampled_from(("fund", "two", "ii", "i", "series", "second", "2nd", "7", "x")), min_size=1, max_size=5)
)
def test_numbers_are_written_in_digits_and_stay_so(words):
    [once] = fuzzy.in_digits(pa.array([" ".join(words)])).to_pylist()
    assert len(once.split()) == len(words)
    assert fuzzy.in_digits(pa.array([once])).to_pylist() == [once]
    assert not {"two", "ii", "second", "2nd"} & set(once.split())
