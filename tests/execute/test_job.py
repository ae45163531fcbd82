"""The content address of a job: what changes it and what does not."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.errors import JobError
from gauger.execute.job import make_job
from gauger.store.canonical import NotJSONError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
PARAMS = st.dictionaries(st.text(), JSON, max_size=5)
LABELS = {"cost": 1.0, "arm": "a", "replicate": 0, "stage": "train"}


def key(params=None, kind="train", inputs=None, version="1", **labels):
    return make_job(kind, "name", params or {}, inputs or {}, version=version, **(LABELS | labels)).key


@given(PARAMS, st.randoms())
def test_order_of_params_does_not_matter(params, random):
    names = list(params)
    random.shuffle(names)
    assert key(params) == key({name: params[name] for name in names})


@given(PARAMS, st.data(), JSON)
def test_any_other_value_changes_the_key(params, data, value):
    name = data.draw(st.sampled_from(sorted(params)) if params else st.text())
    changed = params | {name: value}
    same = name in params and repr(changed[name]) == repr(params[name])  # repr tells 1, 1.0, True and -0.0 apart
    if not same and sorted_repr(changed) != sorted_repr(params):
        assert key(params) != key(changed)
    else:
        assert key(params) == key(changed)


def sorted_repr(value):
    """A literal spelling of a value in which the order of keys is lost and types are kept."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{name!r}:{sorted_repr(value[name])}" for name in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(sorted_repr, value)) + "]"
    return repr(value)


def test_every_part_of_the_address_matters():
    keys = [
        key(),
        key({"steps": 1}),
        key({"steps": 2}),
        key({"steps": 1.0}),
        key(kind="measure"),
        key(inputs={"model": "k1"}),
        key(inputs={"model": "k2"}),
        key(inputs={"corpus": "k1"}),
        key(version="2"),
    ]
    assert len(set(keys)) == len(keys)


def test_labels_do_not_matter_so_that_arms_share_work():
    assert key() == key(arm="b") == key(replicate=None) == key(stage="sft") == key(cost=9.0)


def test_the_spelling_that_is_hashed_is_pinned():
    # A change of this spelling makes every stored result of every user unreachable: change the code version instead.
    spelling = '{"inputs":{"model":"k"},"kind":"train","params":{"a":"é","b":[1,2.5,null,true]},"version":"1"}'
    assert key({"b": [1, 2.5, None, True], "a": "é"}, inputs={"model": "k"}) == sha256(spelling.encode()).hexdigest()


def test_params_are_copied():
    params = {"mixture": {"web": 1}}
    job = make_job("train", "name", params, {}, version="1", **LABELS)
    params["mixture"]["web"] = 2
    assert job.params == {"mixture": {"web": 1}}


def test_nan_is_refused_with_its_place():
    with pytest.raises(NotJSONError, match=r"params\.rates\[1\] is nan"):
        key({"rates": [0.1, float("nan")]})


@pytest.mark.parametrize("cost", [-1.0, float("nan"), float("inf")])
def test_cost_must_be_a_finite_number(cost):
    with pytest.raises(JobError, match="cost"):
        key(cost=cost)
