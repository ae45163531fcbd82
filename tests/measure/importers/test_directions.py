"""Which values of a metric are better: as the log or the user says, else by names that are certain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gauger.api import compare
from gauger.errors import UserError
from gauger.measure.importers.directions import doubtful_among, errors_among
from measure.importers.inspect_logs import sample, write_inspect

ERRORS = (
    "perplexity", "word_perplexity", "ppl_wikitext", "bits_per_byte", "brier_score", "wer", "nll", "mse_loss", "loss",
    "train/loss", "eval_loss_mean", "mean_squared_error", "judge/error", "detection_error", "error_rate",
    "word_error_rate", "toxicity", "hallucination_rate", "edit_distance", "false_positive_rate",
)  # fmt: skip
SCORES = (
    "exact_match", "acc", "error_detection", "error_correction_acc", "win_loss", "loss_acc", "toxicity_detection",
    "errors/f1", "wer_acc", "gloss", "bleu",
)  # fmt: skip
DOUBTFUL = ("attack_success_rate", "refusal_rate", "error_span", "tokens_of_loss_kind", "levels_of_bias")


def test_names_that_are_certain() -> None:
    assert errors_among((*ERRORS, *SCORES, *DOUBTFUL)) == set(ERRORS)
    assert doubtful_among((*ERRORS, *SCORES, *DOUBTFUL)) == set(DOUBTFUL)


def test_what_the_log_says_goes_before_the_name() -> None:
    assert errors_among(["loss", "acc"], {"loss": True, "acc": False}) == {"acc"}
    assert doubtful_among(["refusal_rate", "bias"], {"refusal_rate": True, "bias": None}) == {"bias"}


def arms(folder: Path, scorer: str) -> dict[str, list[Path]]:
    """A student that is right on four items in five, and a control on two."""
    paths = {}
    for arm, right in (("distilled", 4), ("control", 2)):
        samples = [sample(i, {scorer: "C" if i % 5 < right else "I"}) for i in range(100)]
        paths[arm] = [write_inspect(folder / f"{arm}.json", samples)]
    return paths


def own_scale(compared: Any) -> list[tuple[str, str]]:
    rows = compared.to_dict()["study"]["other_scales"]
    return [(row["better"], row["conclusion"]) for row in rows if row["estimand"] == "uplift"]


def uplift(compared: Any) -> float | None:
    rows = compared.to_dict()["estimates"]
    return next((row["value"] for row in rows if row["estimand"] == "uplift"), None)


def test_a_scorer_about_errors_gains_where_more_of_them_are_seen(tmp_path: Path) -> None:
    compared = compare(arms(tmp_path, "error_detection"))
    assert (uplift(compared), own_scale(compared)) == (pytest.approx(0.4), [])
    assert "is taken as a score" not in " ".join(compared.warnings)


def test_the_user_says_which_values_are_better(tmp_path: Path) -> None:
    paths = arms(tmp_path, "attack_success_rate")
    doubt = "addition: attack_success_rate is taken as a score, higher is better, although its name suggests otherwise"
    assert doubt in " ".join(compare(paths).warnings)
    lower = compare(paths, better={"attack_success_rate": "lower"})
    assert (uplift(lower), own_scale(lower)) == (None, [("lower", "loss")])
    higher = compare(paths, better={"attack_success_rate": "higher"})
    assert (uplift(higher), own_scale(higher)) == (pytest.approx(0.4), [])
    assert doubt not in " ".join(higher.warnings)


def test_the_users_word_goes_before_the_name(tmp_path: Path) -> None:
    paths = arms(tmp_path, "error_rate")
    assert own_scale(compare(paths)) == [("lower", "loss")]
    assert uplift(compare(paths, better={"error_rate": "higher"})) == pytest.approx(0.4)


def test_another_direction_and_an_unknown_metric_are_refused(tmp_path: Path) -> None:
    paths = arms(tmp_path, "error_rate")
    with pytest.raises(UserError, match="Did you mean 'lower'"):
        compare(paths, better={"error_rate": "lowr"})
    with pytest.raises(UserError, match="Did you mean 'error_rate'"):
        compare(paths, better={"eror_rate": "lower"})
