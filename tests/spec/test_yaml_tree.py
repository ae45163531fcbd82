from __future__ import annotations

import math

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.spec.yaml_tree import MAX_DEPTH, read_tree


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("off", "off"),
        ("on", "on"),
        ("12", 12),
        ("-7", -7),
        ("0x1f", 31),
        ("0o17", 15),
        ("012", 12),
        ("1e-3", 0.001),
        ("1E3", 1000.0),
        (".5", 0.5),
        ("-.inf", -math.inf),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("2024-01-01", "2024-01-01"),
        ("~", None),
        ("null", None),
        ("'12'", "12"),
        ("!!str 12", "12"),
        ("!!float 12", 12.0),
        ("=", "="),
    ],
)
def test_plain_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    """Source of the types: YAML 1.2.2, section 10.3.2 (core schema)."""
    tree = read_tree(f"key: {text}")
    assert tree.problems == ()
    assert tree.data == {"key": value}
    assert type(tree.data["key"]) is type(value)


def test_nan_is_a_float() -> None:
    assert math.isnan(read_tree("key: .nan").data["key"])


def test_every_value_knows_its_line() -> None:
    tree = read_tree("a: 1\nb:\n  - x\n  - {c: 2,\n     d: 3}\n", "f.yaml")
    lines = {path: place.line for path, place in tree.places.items()}
    assert lines == {(): 1, ("a",): 1, ("b",): 2, ("b", 0): 3, ("b", 1): 4, ("b", 1, "c"): 4, ("b", 1, "d"): 5}


def test_a_place_that_is_not_there_is_told_by_the_nearest_above() -> None:
    place = read_tree("a:\n  b: 1\nc:\n  d: 1\n", "f.yaml").place(("c", "x", 0))
    assert str(place) == "f.yaml:3: c.x.0"


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_line_ending_counts_as_one_line(newline: str) -> None:
    tree = read_tree(newline.join(["a: 1", "b: 2", "b: 3"]), "f.yaml")
    assert [problem.where.line for problem in tree.problems] == [3]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: 1\na: 2", 2, "f.yaml:2: a: expected each key once, got it a second time. It stands in line 1 too."),
        ("a:\n  - {b: 1, b: 1}", 2, "a.0.b: expected each key once"),
        ("a: 1\n1: 2", 2, "expected a name as key, got '1'"),
        ("a: 1\ntrue: 2", 2, "expected a name as key, got 'true'"),
        ("? [a]\n: 2", 1, "expected a name as key, got a list or mapping"),
        ("a: &x {b: 1}\nc: {<<: *x}", 2, "the merge key <<"),
        ("a: !!python/object:os.system x", 1, "the tag tag:yaml.org,2002:python/object:os.system"),
        ("a: !mine {b: 1}", 1, "the tag !mine"),
        ("a: !!set [b]", 1, "the tag tag:yaml.org,2002:set"),
        ("a: !!int x", 1, "the tag tag:yaml.org,2002:int"),
        ("a: 1\nb: 12345678901234567890", 2, "expected a number of at most 18 digits"),
        ('a: "\\u0007"', 1, "the character '\\x07'"),
        ('a: "\\ud800"', 1, "the character '\\ud800'"),
        ('"\\e": 1', 1, "the character '\\x1b'"),
        ("a: 1\nb: \x00", 2, "f.yaml:2: expected visible text, got the character '\\x00'. Remove it."),
        ("a: 1\nb: [", 2, "not readable as YAML"),
        ("a: 1\n b: 2", 2, "not readable as YAML"),
        ("a:\n\tb: 2", 2, "Indent with spaces, never with tabs."),
        ("a: 1\n---\nb: 1", 2, "a second document begins"),
        ("a: *nowhere", 1, "undefined alias"),
        ('a: "\\UFFFFFFFF"', 1, "an escape that is no character"),
        ("a: " + "[" * (MAX_DEPTH + 1), 1, "nested more than 32 levels deep"),
        ("a: &a [*a]", 1, "aliases that grow without end"),
        ("a: &a {b: 1, c: *a}", 1, "aliases that grow without end"),
    ],
)
def test_what_is_wrong_with_the_text_is_told_with_its_line(text: str, line: int, message: str) -> None:
    tree = read_tree(text, "f.yaml")
    assert message in str(tree.problems[0])
    assert [problem.where.line for problem in tree.problems] == [line]


def test_all_problems_of_a_text_are_told() -> None:
    tree = read_tree("a: 1\na: 2\nb: !x 3\nc: 4", "f.yaml")
    assert [problem.where.line for problem in tree.problems] == [2, 3]
    assert tree.data == {"a": 1, "c": 4}
    assert tree.unread == (("b",),)


def test_nested_aliases_cannot_grow_without_end() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    tree = read_tree("\n".join(lines))
    assert len(tree.problems) == 1
    assert "aliases that grow without end" in str(tree.problems[0])


def test_an_alias_repeats_a_value() -> None:
    assert read_tree("a: &a [1, 2]\nb: *a").data == {"a": [1, 2], "b": [1, 2]}


def test_a_value_without_a_file_has_no_line() -> None:
    assert str(read_tree("[1", "--set x=[1", numbered=False).problems[0]).startswith("--set x=[1: not readable")


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text("abc: -#'\"[]{}\nα", max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc-1", max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(PLAIN)
def test_what_a_yaml_writer_writes_is_read_back(data: object) -> None:
    tree = read_tree(yaml.safe_dump({"data": data}))
    assert tree.problems == ()
    assert tree.data == {"data": data}


@settings(deadline=None)
@given(st.text(max_size=60) | st.text("ab:-#'\"[]{}&*!|>%@\n \t,?<.1", max_size=60))
def test_any_text_is_read_or_told(text: str) -> None:
    tree = read_tree(text, "f.yaml")
    n_lines = max(1, len(text.splitlines()))
    assert all(1 <= (problem.where.line or 0) <= n_lines for problem in tree.problems)
