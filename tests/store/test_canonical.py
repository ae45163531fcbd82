"""JSON in one spelling."""

import json
from enum import StrEnum
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.store.canonical import NotJSONError, canonical_bytes, document_bytes, fingerprint, plain

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def shuffled(value):
    if isinstance(value, dict):
        return {key: shuffled(value[key]) for key in reversed(list(value))}
    return [shuffled(element) for element in value] if isinstance(value, list) else value


@given(JSON)
def test_both_spellings_read_back_as_the_value(value):
    assert json.loads(canonical_bytes(value)) == value
    assert json.loads(document_bytes(value)) == value
    assert repr(json.loads(document_bytes(value))) == repr(value), "types and the last bit of floats are kept"


@given(JSON)
def test_the_order_of_keys_does_not_matter_at_any_depth(value):
    assert canonical_bytes(shuffled(value)) == canonical_bytes(value)


@given(JSON, JSON)
def test_equal_spellings_mean_equal_values(one, two):
    if canonical_bytes(one) == canonical_bytes(two):
        assert repr(shuffled(one)) == repr(shuffled(two)) or one == two
    else:
        assert repr(one) != repr(two)


@pytest.mark.parametrize(
    ("one", "other"), [(1, 1.0), (1, True), (0.0, -0.0), (None, "null"), ("a", ["a"]), ([], {}), ("\ud800", "\\ud800")]
)
def test_what_looks_alike_differs(one, other):
    assert canonical_bytes(one) != canonical_bytes(other)


def test_the_canonical_spelling():
    value = {"b": (1, 2.50, None), "a": {"é": True, "z": 1e-7}}
    assert canonical_bytes(value) == '{"a":{"z":1e-07,"é":true},"b":[1,2.5,null]}'.encode()


def test_the_document_spelling_keeps_the_order():
    assert document_bytes({"schema": "s", "a": [0.1]}) == b'{\n "schema": "s",\n "a": [\n  0.1\n ]\n}\n'


def test_a_document_is_valid_utf_8_whatever_a_teacher_wrote():
    assert json.loads(document_bytes(["\ud800 x"]).decode("utf-8")) == ["\ud800 x"]


def test_a_fingerprint_is_the_hash_of_the_canonical_spelling():
    # printf '{"a":1}' | sha256sum
    assert fingerprint({"a": 1}) == "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"


class Colour(StrEnum):
    RED = "red"


def test_mappings_enums_and_numpy_floats_are_taken():
    value = MappingProxyType({"c": Colour.RED, "x": np.float64(0.1)})
    assert canonical_bytes(value) == b'{"c":"red","x":0.1}'


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"estimates": [{"se": float("nan")}]}, r"value\.estimates\[0\]\.se is nan"),
        ([float("inf")], r"value\[0\] is inf"),
        ({"a": {1}}, r"value\.a is a set"),
        ({"a": b"x"}, r"value\.a is a bytes"),
        ({"a": np.int64(1)}, r"value\.a is a int64"),
        ({1: "x"}, r"value has the key 1"),
        ({"a": {None: 1}}, r"value\.a has the key None"),
    ],
)
def test_what_json_cannot_say_is_refused_with_its_place(value, message):
    with pytest.raises(NotJSONError, match=message):
        plain(value)
