"""Protected texts are found where they stand, and shared wording alone is not taken for them."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.elicit.filters.protected import Protected

GCD = {
    f"g{a}-{b}": f"What is the greatest common divisor of {a} and {b}?" for a in range(12, 20) for b in range(30, 40)
}
LONG = "A farmer sells nine crates of pears and six crates of plums at the market and keeps the rest for winter."


def test_items_are_found_whatever_their_case_and_punctuation():
    protected = Protected(GCD | {"farm": LONG})
    assert protected.found_in("Tell me: WHAT is the greatest common divisor of **12** and 38") == ("g12-38",)
    assert protected.found_in(f"Once. {LONG.upper()} The end.") == ("farm",)


def test_wording_that_items_share_is_no_overlap():
    protected = Protected(GCD | {"farm": LONG})
    assert protected.found_in("What is the greatest common divisor of 21 and 35?") == ()
    assert protected.found_in("A farmer sells nine crates of apples and goes home.") == ()


def test_half_of_an_item_is_enough_and_the_share_matters():
    half = " ".join(LONG.split()[:14])
    assert Protected({"farm": LONG}).found_in(half) == ("farm",)
    assert Protected({"farm": LONG}, share=0.95).found_in(half) == ()


def test_short_items_are_found_whole():
    protected = Protected({"sum": "12 + 7 =", "tiny": "9 9", "empty": "?!"})
    assert protected.found_in("we know that 12 + 7 = 19") == ("sum",)
    assert protected.found_in("we know that 12 - 7 = 5") == ()
    assert protected.found_in("9 9") == ("tiny",)
    assert protected.found_in("9 9 9") == ()


def test_equal_items_are_both_found():
    assert Protected({"a": LONG, "b": LONG}).found_in(LONG) == ("a", "b")
    assert not Protected({})
    assert not Protected({"empty": "?!"})


WORDS = st.lists(st.sampled_from("abcdefghijklmnop"), min_size=3, max_size=20)


@settings(max_examples=40, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=5), WORDS, WORDS)
def test_every_item_is_found_inside_another_text(items, before, after):
    protected = Protected({str(n): " ".join(words) for n, words in enumerate(items)})
    for number, words in enumerate(items):
        assert str(number) in protected.found_in(" ".join([*before, *words, *after]))
