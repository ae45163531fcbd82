from __future__ import annotations

import json
from typing import Any

import pytest

from gauger.errors import InputError
from gauger.report.document_view import View


def test_another_schema_is_refused_by_name(study: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"gauger\.estimates/2.*gauger\.estimates/9"):
        View({**study, "schema": "gauger.estimates/9"})


def test_half_a_surrogate_pair_is_replaced_everywhere(hostile: dict[str, Any]) -> None:
    assert "\\ud800" in json.dumps(hostile)
    assert "\\ud800" not in json.dumps(View(hostile).document)
    assert View({**hostile, "limits": ["\U0001f600"]}).rows("limits") == ["\U0001f600"]


def test_the_judged_arm_comes_first(study: dict[str, Any]) -> None:
    view = View(study)
    assert view.headline_arm == "expand"
    assert list(view.distilled) == ["expand", "label", "seedless", "logits"]


def test_benchmarks_come_in_the_order_of_roles(compare: dict[str, Any]) -> None:
    view = View(compare)
    assert next(iter(view.benchmark_roles.items())) == ("gsm8k", "targeted")
    assert list(view.roles) == ["targeted", None]


def test_a_benchmark_only_estimates_know_of_is_not_lost(study: dict[str, Any]) -> None:
    assert View({**study, "benchmarks": []}).benchmark_roles == View(study).benchmark_roles


def test_the_headline_is_the_mean_and_else_the_only_benchmark(study: dict[str, Any], compare: dict[str, Any]) -> None:
    mean = View(study).headline("uplift", "expand", "near")
    assert mean is not None
    assert (mean["benchmark"], mean["over"]) == (None, "near")
    single = View(compare).headline("uplift", "distilled", "targeted")
    assert single is not None
    assert single["benchmark"] == "gsm8k"
    assert View(compare).headline("uplift", "distilled", None) is None


def test_arms_without_a_description_are_still_found_by_their_estimates(study: dict[str, Any]) -> None:
    view = View({**study, "arms": [], "verdict": None})
    assert "expand" in view.distilled
    assert view.arm("expand")["description"] == ""
    assert view.matched_of("seedless") == "matched-forms"
