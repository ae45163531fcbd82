"""Whatever becomes of a valid file, the outcome is a study, or messages that each name a line of the file."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.errors import StudyError
from gauger.spec import Study, expand_arms, fingerprint, frozen_rule, parse_study
from gauger.spec.yaml_tree import read_tree

from .study_files import DOCUMENTED, FORMS, FULL, KNOWN
from .test_fingerprint import leaves

WORDS = "-1 0 1e999 .nan null true yes [] {} base label soft mixed kind quiz label.stages text-distill"
ODD = st.text(max_size=8) | st.sampled_from(["", *WORDS.split()])
PLACES = list(leaves(read_tree(FULL).data))


def load(text: str, *overrides: str) -> Study | StudyError:
    try:
        return parse_study(text, overrides, file="f.yaml", benchmarks_known=KNOWN, forms_known=FORMS)
    except StudyError as error:
        return error


def settle(text: str, *overrides: str) -> None:
    """Load a text: a study must have arms, a fingerprint and a rule, an error must have messages with their lines."""
    outcome = load(text, *overrides)
    if isinstance(outcome, Study):
        assert expand_arms(outcome)
        assert fingerprint(outcome)
        assert frozen_rule(outcome)
        return
    assert outcome.problems
    n_lines = max(1, len(text.splitlines()))
    for problem in outcome.problems:
        from_file = problem.where.file == "f.yaml"
        assert from_file or (problem.where.file or "").startswith("--set")
        assert not from_file or 1 <= (problem.where.line or 0) <= n_lines
        assert "\n" not in str(problem)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([FULL, DOCUMENTED]), st.data())
def test_text_cut_and_pasted(text: str, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 30)))
        text = text[:start] + data.draw(ODD) + text[end:]
    settle(text)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_lines_dropped_doubled_and_indented(data: st.DataObject) -> None:
    lines = FULL.splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        change = data.draw(st.sampled_from(["drop", "double", "indent", "outdent", "swap"]))
        if change == "drop" and len(lines) > 1:
            lines.pop(at)
        elif change == "double":
            lines.insert(at, lines[at])
        elif change == "swap":
            lines[at], lines[at - 1] = lines[at - 1], lines[at]
        else:
            lines[at] = f" {lines[at]}" if change == "indent" else lines[at].removeprefix(" ")
    settle("\n".join(lines))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ODD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ODD, inner, max_size=3),
    max_leaves=4,
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), st.integers(1, 9), VALUES), min_size=1, max_size=4))
def test_values_replaced(changes: list[tuple[tuple[str | int, ...], int, Any]]) -> None:
    data = read_tree(FULL).data
    for path, depth, value in changes:
        place = data
        for key in path[: min(depth, len(path)) - 1]:
            inside = isinstance(place, dict) and key in place
            inside |= isinstance(place, list) and isinstance(key, int) and key < len(place)
            if not inside or not isinstance(place[key], dict | list):
                break
            place = place[key]
        else:
            key = path[min(depth, len(path)) - 1]
            if isinstance(place, dict) or (isinstance(key, int) and key < len(place)):
                place[key] = value
    settle(yaml.safe_dump(data, allow_unicode=True))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(PLACES), min_size=1, max_size=3), st.data())
def test_overrides_of_any_kind(paths: list[tuple[str | int, ...]], data: st.DataObject) -> None:
    overrides = []
    for path in paths:
        keys = [str(key) for key in path[: data.draw(st.integers(1, len(path)))]]
        if data.draw(st.booleans()):
            keys[data.draw(st.integers(0, len(keys) - 1))] = data.draw(ODD)
        overrides.append(f"{'.'.join(keys)}={data.draw(ODD)}")
    settle(FULL, *overrides)


def test_the_files_that_the_mutations_start_from_are_studies() -> None:
    assert isinstance(load(FULL), Study)
    assert isinstance(load(DOCUMENTED), Study)
