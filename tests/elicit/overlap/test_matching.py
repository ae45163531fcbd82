"""Items are found where a slow, literal search finds them, weighed by how rare their words are."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.elicit.overlap.index import FOUND, FOUND_SHORT, index_items, run_length
from gauger.elicit.overlap.matching import find_items
from gauger.elicit.overlap.words import words_of

LONG = "A farmer sells nine crates of pears and six crates of plums at the market and keeps the rest for winter"


def weights_by_hand(items):
    """The module's formula, word by word."""
    runs = [run_length(len(item)) for item in items]
    found = []
    for item, n in zip(items, runs, strict=True):
        weights = []
        for p, word in enumerate(item):
            holding = sum(word in other for other in items)
            rarity = math.log1p(len(items) / holding)
            least = 1.0
            for start in range(max(0, p - n + 1), min(p, len(item) - n) + 1):
                run = item[start : start + n]
                sharing = sum(
                    any(other[k : k + n] == run for k in range(len(other) - n + 1))
                    for other, m in zip(items, runs, strict=True)
                    if m == n
                )
                least = min(least, (math.log((len(items) + 1) / sharing) / math.log(len(items) + 1)) ** 2)
            weights.append(rarity * least)
        total = sum(weights)
        found.append([one / total for one in weights])
    return found


WORDS = st.lists(st.sampled_from("abcdefgh"), min_size=3, max_size=22)


@settings(max_examples=60, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=6))
def test_weights_are_those_of_the_formula(items):
    index = index_items({str(k): " ".join(item) for k, item in enumerate(items)})
    for weights, wanted in zip(index.exact.weights, weights_by_hand(items), strict=True):
        assert weights == pytest.approx(wanted, abs=1e-12)


def score_by_hand(item, text, weights):
    """Weight of the item's words that stand in shared runs, within the best stretch that begins at a shared run."""
    n = run_length(len(item))
    shared = [
        (at, p)
        for at in range(len(text) - n + 1)
        for p in range(len(item) - n + 1)
        if text[at : at + n] == item[p : p + n]
    ]
    best = 0.0
    for first, _ in shared:
        covered = {p + k for at, p in shared if first <= at < first + 2 * len(item) + 16 for k in range(n)}
        best = max(best, sum(weights[p] for p in covered))
    return best


@settings(max_examples=80, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=4), st.lists(st.sampled_from("abcdefghij"), max_size=60), st.data())
def test_scores_are_those_of_a_literal_search(items, text, data):
    quoted = data.draw(st.sampled_from(items))
    place = data.draw(st.integers(0, len(text)))
    text = [*text[:place], *quoted, *text[place:]]
    index = index_items({str(k): " ".join(item) for k, item in enumerate(items)})
    found = {one.item: one.exact for one in find_items(index, words_of([" ".join(text)]), index.needed(0.01))}
    for k, (item, weights) in enumerate(zip(items, weights_by_hand(items), strict=True)):
        by_hand = score_by_hand(item, text, weights)
        assert found.get(k, 0.0) <= by_hand + 1e-9
        if item == quoted:
            assert found[k] == pytest.approx(1.0)


def find(items, texts, share=None):
    index = index_items(items)
    words = words_of(texts)
    return {(one.text, index.ids[one.item]): one for one in find_items(index, words, index.needed(share))}


def test_half_of_a_long_item_is_found_and_half_of_a_short_one_not():
    half = " ".join(LONG.split()[:10])
    assert FOUND < 0.5 < FOUND_SHORT
    assert list(find({"farm": LONG}, ["nothing", half])) == [(1, "farm")]
    short = "name the largest city of northern europe please today"
    assert find({"city": short}, [" ".join(short.split()[:5])]) == {}
    assert list(find({"city": short}, [f"so {short} ok"])) == [(0, "city")]


def test_other_numbers_count_only_where_numbers_count():
    item = "Tom buys 12 red apples and 7 green pears at the old market for 30 coins in town today"
    found = find({"tom": item}, [item.replace("12", "45").replace("30", "99").replace("7", "8")])[0, "tom"]
    assert found.masked == pytest.approx(1.0)
    assert found.exact < FOUND


def test_runs_scattered_over_a_long_text_do_not_add_up():
    words = LONG.split()
    filler = " ".join(f"w{k} x{k}" for k in range(400)).split()
    near, far = [*words[:9], "x", *words[9:18]], [*words[:9], *filler, *words[9:18]]
    index = index_items({"farm": LONG})
    least = index.needed(0.01)
    (close,) = find_items(index, words_of([" ".join(near)]), least)
    (apart,) = find_items(index, words_of([" ".join(far)]), least)
    assert close.exact > 0.8
    assert apart.exact < 0.6


def test_places_say_what_both_share():
    text = f"once upon a time {LONG}. The end."
    found = find({"farm": LONG}, [text])[0, "farm"]
    assert found.places == ((4, 0, 21),)


def test_wording_that_all_items_share_weighs_next_to_nothing():
    names = ["Ada", "Bob", "Cleo", "Dora", "Egon", "Finn", "Gwen", "Hugo", "Ines", "Jack"]
    items = {
        f"{a}{b}": f"Answer the following question about a picture with one word only {a} has a {b} dog that barks at"
        for a in names
        for b in ["tall", "loud", "grey", "calm"]
    }
    assert find(items, ["Answer the following question about a picture with one word only Zoe eats a pie"]) == {}
    assert (0, "Adatall") in find(items, [items["Adatall"]])


def test_made_up_items_beside_real_ones_change_nothing_about_them():
    items = {"farm": LONG, "b": "one two three four five six seven eight nine ten eleven twelve"}
    alone = index_items(items)
    more = index_items(items | {f"not {k}": LONG for k in range(50)}, [0] * 52, 2)
    for k in range(2):
        assert more.exact.weights[k] == pytest.approx(alone.exact.weights[k])


def test_items_are_found_across_many_texts_at_once():
    rng = np.random.default_rng(3)
    vocabulary = ["".join(rng.choice(list("abcdefghij"), 5)) for _ in range(500)]
    items = {str(k): " ".join(rng.choice(vocabulary, 30)) for k in range(40)}
    texts = [" ".join(rng.choice(vocabulary, 200)) for _ in range(60)]
    for k in range(40):
        texts[k] += " " + items[str(k)].upper()
    assert set(find(items, texts)) == {(k, str(k)) for k in range(40)}
