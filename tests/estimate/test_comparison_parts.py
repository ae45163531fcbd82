"""What a comparison says besides uplift: averages by name, pairs and ranks, series, sub-groups, flips, errors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from gauger.errors import UserError
from gauger.estimate.compare.logs import ComparisonQuestion, compare, compare_items
from gauger.estimate.compare.pairs import ranks
from gauger.estimate.compare.series import changes, in_order, is_series, step_of
from gauger.measure.importers.arm import ArmLogs, arms_of_table, gather_arm
from gauger.measure.importers.log import Wants
from gauger.records import Document, Estimate
from measure.importers.inspect_logs import sample, write_inspect
from measure.importers.lm_eval_logs import choice_line, write_lines


def table(folder: Path, arms: dict[str, dict[str, np.ndarray]], extra: str = "") -> Path:
    """Write one table; arms: name -> benchmark -> (R, I) scores. `extra` makes a column of the item's parity."""
    rows = [f"arm,replicate,benchmark,item,score{',' + extra if extra else ''}"]
    for arm, benchmarks in arms.items():
        for benchmark, scores in benchmarks.items():
            for r, found in enumerate(scores):
                for i, score in enumerate(found):
                    rows.append(
                        f"{arm},{r},{benchmark},i{i},{score:g}"
                        + (f",{'even' if i % 2 == 0 else 'odd'}" if extra else "")
                    )
    path = folder / "records.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def gather(path: Path, *students: str, by: str | None = None) -> list[ArmLogs]:
    names = [("distilled", name) for name in students] + [("control", "plain")]
    return arms_of_table(path, names, Wants(by=by))


def drawn(seed: int, rate: float, n: int, replicates: int = 1) -> np.ndarray:
    return (np.random.default_rng(seed).random((replicates, n)) < rate).astype(float)


def over(document: Document, estimand: str, label: str, arm: str = "student") -> Estimate:
    (one,) = (e for e in document.estimates if (e.estimand, e.over, e.arm) == (estimand, label, arm))
    return one


def test_averages_by_items_and_by_benchmarks_are_literal_means_with_their_names(tmp_path: Path) -> None:
    scores = {"student": {"big": drawn(1, 0.8, 300), "small": drawn(2, 0.4, 20)}}
    scores["plain"] = {"big": drawn(3, 0.4, 300), "small": drawn(4, 0.8, 20)}
    compared = compare(gather(table(tmp_path, scores), "student"), ComparisonQuestion())
    big, small = (scores["student"][b].mean() - scores["plain"][b].mean() for b in ("big", "small"))
    assert over(compared, "uplift", "all").value == pytest.approx((big + small) / 2, abs=1e-9)
    by_items = over(compared, "uplift", "all, weighted by items")
    assert by_items.value == pytest.approx((300 * big + 20 * small) / 320, abs=1e-9)
    parts = [(scores["student"][b] - scores["plain"][b])[0] for b in ("big", "small")]
    # Benchmarks are fixed strata: sum of (n / N)^2 s^2 / n. The engine widens the part of 20 items by less than 1 / 20.
    assert by_items.se == pytest.approx(np.sqrt(sum(len(d) * d.var(ddof=1) for d in parts)) / 320, rel=0.02)


def test_with_roles_each_role_has_its_average_by_items(tmp_path: Path) -> None:
    scores = {
        arm: {b: drawn(k, 0.5, n) for k, (b, n) in enumerate((("x", 40), ("y", 10), ("t", 30)))}
        for arm in ("student", "plain")
    }
    scores["student"]["y"] = np.ones((1, 10))
    scores["plain"]["x"] = drawn(9, 0.3, 40)
    roles = {"x": "near", "y": "near", "t": "targeted"}
    compared = compare(gather(table(tmp_path, scores), "student"), ComparisonQuestion(roles=roles))
    labels = {one.over for one in compared.estimates if one.over}
    assert "near, weighted by items" in labels
    assert not {"targeted, weighted by items", "all, weighted by items"} & labels


def test_groups_that_the_logs_name_get_both_averages(tmp_path: Path) -> None:
    for arm, rate in (("distilled", 0.7), ("control", 0.4)):
        for k, (task, n) in enumerate((("mmlu_law", 60), ("mmlu_art", 30), ("gsm8k", 30))):
            found = drawn(10 * k + len(arm), rate, n)[0]
            lines = [{**choice_line(1000 * k + i, float(s), 1.0), "metrics": ["acc"]} for i, s in enumerate(found)]
            write_lines(tmp_path / arm / f"samples_{task}_2025-01-01T00-00-00.0.jsonl", lines)
        results = {"group_subtasks": {"mmlu": ["mmlu_hum"], "mmlu_hum": ["mmlu_law", "mmlu_art"]}, "model_name": arm}
        (tmp_path / arm / "results_2025-01-01T00-00-00.0.json").write_text(json.dumps(results))
    compared = compare([gather_arm(k, k, [str(tmp_path / k)]) for k in ("distilled", "control")], ComparisonQuestion())
    lift = {e.benchmark: e.value for e in compared.estimates if e.estimand == "uplift" and e.benchmark}
    by_items = over(compared, "uplift", "mmlu, weighted by items", "distilled").value
    assert by_items == pytest.approx((60 * lift["mmlu_law"] + 30 * lift["mmlu_art"]) / 90, abs=1e-9)
    by_benchmarks = over(compared, "uplift", "mmlu_hum, benchmarks alike", "distilled").value
    assert by_benchmarks == pytest.approx((lift["mmlu_law"] + lift["mmlu_art"]) / 2, abs=1e-9)


def test_a_group_of_which_a_task_is_missing_says_so(tmp_path: Path) -> None:
    for arm, rate in (("distilled", 0.7), ("control", 0.4)):
        for k, (task, n) in enumerate((("mmlu_law", 60), ("mmlu_art", 30), ("mmlu_bio", 30))):
            lines = [{**choice_line(1000 * k + i, float(s), 1.0), "metrics": ["acc"]}
                     for i, s in enumerate(drawn(10 * k + len(arm), rate, n)[0])]  # fmt: skip
            if (arm, task) != ("control", "mmlu_law"):
                write_lines(tmp_path / arm / f"samples_{task}_2025-01-01T00-00-00.0.jsonl", lines)
        results = {"group_subtasks": {"mmlu": ["mmlu_law", "mmlu_art", "mmlu_bio"]}, "model_name": arm}
        (tmp_path / arm / "results_2025-01-01T00-00-00.0.json").write_text(json.dumps(results))
    compared = compare([gather_arm(k, k, [str(tmp_path / k)]) for k in ("distilled", "control")], ComparisonQuestion())
    labels = {e.over for e in compared.estimates if e.over and e.over.startswith("mmlu")}
    assert labels == {"mmlu (2 of 3 tasks), weighted by items", "mmlu (2 of 3 tasks), benchmarks alike"}


def several(tmp_path: Path, rates: dict[str, float], n: int = 400) -> Document:
    """Students of these rates beside a control and a teacher, which adds estimates that are no scores."""
    every = {**rates, "plain": 0.3, "boss": 0.95}
    scores = {name: {"b": drawn(k, rate, n)} for k, (name, rate) in enumerate(every.items())}
    names = [*(("distilled", name) for name in rates), ("control", "plain"), ("teacher", "boss")]
    return compare(arms_of_table(table(tmp_path, scores), names), ComparisonQuestion())


def test_several_students_are_held_against_the_control_and_every_other(tmp_path: Path) -> None:
    compared = several(tmp_path, {"small": 0.4, "large": 0.8, "twin": 0.8})
    uplifts = {e.arm: e.control for e in compared.estimates if e.estimand == "uplift"}
    assert uplifts == dict.fromkeys(("small", "large", "twin"), "plain")
    pairs = {(e.arm, e.control): e for e in compared.estimates if e.estimand == "difference"}
    assert set(pairs) == {("small", "large"), ("small", "twin"), ("large", "twin")}
    scores = {e.arm: e.value for e in compared.estimates if e.estimand == "score"}
    one = pairs["small", "large"]
    assert one.value == pytest.approx(scores["small"] - scores["large"], abs=1e-9)
    assert one.simultaneous_low < one.low < one.high < one.simultaneous_high
    assert {row["arm"]: row["score"] for row in compared.study["ranks"]} == {arm: scores[arm] for arm in uplifts}
    ranked = {row["arm"]: (row["low"], row["high"]) for row in compared.study["ranks"]}
    assert ranked == {"small": (3, 3), "large": (1, 2), "twin": (1, 2)}


def test_one_student_has_no_rank(tmp_path: Path) -> None:
    assert "ranks" not in several(tmp_path, {"small": 0.4}).study


def test_rank_intervals_cover_the_true_ranks_and_naive_ranks_do_not() -> None:
    """Five arms alike but one: pairs with known normal errors. At least 95 % of draws have every true rank inside."""
    rng = np.random.default_rng(7)
    names, truth = list("abcde"), np.array([0.0, 0.0, 0.0, 0.0, 0.5])
    critical = 2.73 * np.sqrt(2)  # studentised range over sqrt 2: 3.86 / sqrt 2 = 2.73 at five means and 95 %
    assert stats.studentized_range.ppf(0.95, 5, np.inf) / np.sqrt(2) == pytest.approx(2.73, abs=0.005)
    covered = naive = 0
    for _ in range(400):
        means = truth + rng.normal(0, 0.1, 5)
        pairs = [
            Estimate(
                "difference",
                names[i],
                names[j],
                "b",
                value=means[i] - means[j],
                simultaneous_low=means[i] - means[j] - 0.1 * critical,
                simultaneous_high=means[i] - means[j] + 0.1 * critical,
            )
            for i in range(5)
            for j in range(i + 1, 5)
        ]
        scores = [
            Estimate("score", name, benchmark="b", value=float(mean)) for name, mean in zip(names, means, strict=True)
        ]
        rows = ranks(pairs, scores, names)
        # Arms that are truly alike may take any of their ranks; an interval must hold all of 2 to 5 for them.
        covered += all(
            (row["low"] <= 1 <= row["high"]) if row["arm"] == "e" else (row["low"] <= 2 and row["high"] >= 5)
            for row in rows
        )
        naive += all(row["rank"] in (1,) if row["arm"] == "e" else False for row in rows)
    # 400 draws at 95 %: three standard errors are 0.033
    assert covered / 400 >= 0.95 - 0.033
    assert naive == 0


def test_a_series_of_checkpoints_says_between_which_two_a_change_begins(tmp_path: Path) -> None:
    rates = {"step-1000": 0.3, "step-500": 0.3, "step-2000": 0.7, "step-4000": 0.75}
    compared = several(tmp_path, rates)
    (row,) = compared.study["series"]
    assert (row["direction"], row["begins_after"], row["begins_by"]) == ("up", 1000.0, 2000.0)
    flat = several(tmp_path, dict.fromkeys(rates, 0.3))
    assert flat.study["series"][0]["direction"] == "none"


def test_only_names_that_end_in_numbers_of_steps_are_a_series() -> None:
    assert [step_of(name) for name in ("2T-tokens", "step-1.5k", "x")] == [("", 2e12), ("step-", 1500.0), None]
    assert is_series(["tokens-1B", "tokens-500M", "tokens-2B"])
    assert is_series(["1B-tokens", "500M-tokens", "2B-tokens"])
    assert is_series(["run-global_step100", "run-global_step200", "run-global_step1.5k"])
    assert is_series(["checkpoint-2", "checkpoint-10", "checkpoint-1"])
    assert in_order(["1B", "500M", "2B"]) == ["500M", "1B", "2B"]
    assert not is_series(["small", "large", "huge"])
    assert not is_series(["a-1", "b-2", "a-3"])
    assert not is_series(["step-1", "step-2"])


@pytest.mark.parametrize(
    "names",
    [
        ["qwen-1.5B", "qwen-7B", "qwen-14B"],
        ["1B", "500M", "2B"],
        ["v1", "v2", "v3"],
        ["seed-1", "seed-2", "seed-3"],
        ["a1", "a2", "a3"],
        ["footsteps1", "footsteps2", "footsteps3"],
        ["step-1", "step-2", "final-3"],
    ],
)
def test_sizes_versions_and_seeds_are_no_moments_of_one_training(names: list[str]) -> None:
    assert not is_series(names)


def test_a_change_that_goes_back_has_not_begun() -> None:
    def difference(later: str, low: float, high: float) -> Estimate:
        return Estimate(
            "difference", later, "s1", "b", value=(low + high) / 2, simultaneous_low=low, simultaneous_high=high
        )

    back = [difference("s2", 0.1, 0.3), difference("s3", -0.1, 0.1)]
    assert changes(back, ["s1", "s2", "s3"])[0]["direction"] == "none"
    down = [difference("s2", -0.3, -0.1), difference("s3", -0.4, -0.2)]
    assert changes(down, ["s1", "s2", "s3"])[0] == {
        "benchmark": "b", "over": None, "direction": "down", "begins_after": 1.0, "begins_by": 2.0,
    }  # fmt: skip


def test_sub_groups_are_estimated_on_their_own_items(tmp_path: Path) -> None:
    scores = {"student": {"b": drawn(1, 0.7, 80)}, "plain": {"b": drawn(2, 0.4, 80)}}
    compared = compare(
        gather(table(tmp_path, scores, "parity"), "student", by="parity"), ComparisonQuestion(by="parity")
    )
    rows = {row["group"]: row for row in compared.study["by"]["estimates"] if row["estimand"] == "uplift"}
    difference = (scores["student"]["b"] - scores["plain"]["b"])[0]
    assert rows["even"]["value"] == pytest.approx(difference[::2].mean(), abs=1e-9)
    assert rows["odd"]["value"] == pytest.approx(difference[1::2].mean(), abs=1e-9)
    assert rows["odd"]["simultaneous_low"] < rows["odd"]["low"]
    assert "\x1f" not in str(rows)
    with pytest.raises(UserError, match=r"items with a value of 'subject' \(--by\)"):
        compare(gather(table(tmp_path, scores), "student", by="subject"), ComparisonQuestion(by="subject"))


def test_sub_groups_of_documents_and_of_inspects_metadata(tmp_path: Path) -> None:
    for arm in ("distilled", "control"):
        lines = [choice_line(i, float((i + len(arm)) % 3 == 0), 1.0) for i in range(12)]
        for i, line in enumerate(lines):
            line["doc"]["subject"] = "law" if i < 6 else "art"
        write_lines(tmp_path / arm / "samples_mmlu.jsonl", lines)
        samples = [
            sample(i, {"match": "CI"[(i + len(arm)) % 2]}, metadata={"subject": "law" if i < 4 else "art"})
            for i in range(8)
        ]
        write_inspect(tmp_path / arm / "sums.eval", samples, model=arm)
    wants = Wants(by="subject")
    compared = compare(
        [gather_arm(k, k, [str(tmp_path / k)], wants) for k in ("distilled", "control")],
        ComparisonQuestion(by="subject"),
    )
    counts = {
        (r["benchmark"], r["group"]): r["n_items"]
        for r in compared.study["by"]["estimates"]
        if r["estimand"] == "uplift"
    }
    assert counts == {("mmlu", "law"): 6, ("mmlu", "art"): 6, ("addition", "law"): 4, ("addition", "art"): 4}


def test_items_won_and_lost_are_counted_named_and_tabled(tmp_path: Path) -> None:
    scores = {
        "student": {"b": np.array([[1, 1, 0, 0, 1.0], [1, 0, 0, 0, 1.0]])},
        "plain": {"b": np.array([[0, 1, 1, 0, 1.0]] * 2)},
    }
    compared = compare_items(gather(table(tmp_path, scores), "student"), ComparisonQuestion())
    (row,) = compared.document.study["flips"]
    assert (row["won"], row["lost"], row["same"]) == (1, 2, 2)
    assert (row["items_won"], row["items_lost"]) == (["item i0"], ["item i2", "item i1"])
    found = {r["item"]: (r["score student"], r["score plain"]) for r in compared.items.iter_rows(named=True)}
    assert found["item i1"] == (0.5, 1.0)
    assert compared.items.columns == ["benchmark", "item", "group", "score student", "score plain"]


def test_errors_stand_in_a_table_of_their_own_with_their_direction(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    values = {arm: rng.normal(mean, 0.5, 60) for arm, mean in (("distilled", 3.0), ("control", 4.0))}
    for arm, bits in values.items():
        lines = [
            {
                **choice_line(i, float(i % 2), 1.0),
                "metrics": ["acc", "bits_per_byte"],
                "bits_per_byte": [-b * 100 * np.log(2), 100],
            }
            for i, b in enumerate(bits)
        ]
        write_lines(tmp_path / arm / "samples_text.jsonl", lines)
    compared = compare([gather_arm(k, k, [str(tmp_path / k)]) for k in values], ComparisonQuestion())
    (row,) = compared.study["other_scales"]
    difference = values["distilled"] - values["control"]
    assert (row["measure"], row["better"], row["conclusion"]) == ("bits_per_byte", "lower", "gain")
    assert row["value"] == pytest.approx(difference.mean(), abs=1e-8)
    assert row["score_arm"] == pytest.approx(values["distilled"].mean(), abs=1e-8)
    half = stats.t.ppf(0.975, 59) * difference.std(ddof=1) / np.sqrt(60)
    # The engine may take fewer degrees of freedom and widens by less than one item in 60.
    assert row["high"] - row["low"] == pytest.approx(2 * half, rel=1 / 60)
    assert {one.benchmark for one in compared.estimates} == {"text"}
    assert all(0 <= one.value <= 1 for one in compared.estimates if one.estimand == "score")


def test_a_benchmark_of_errors_alone_enters_no_average(tmp_path: Path) -> None:
    for arm, mean in (("distilled", 3.0), ("control", 4.0)):
        lines = [
            {**choice_line(i, 0, 0), "metrics": ["bits_per_byte"], "bits_per_byte": [-mean - i % 3, 2]}
            for i in range(20)
        ]
        write_lines(tmp_path / arm / "samples_wikitext.jsonl", lines)
        write_lines(
            tmp_path / arm / "samples_arc.jsonl", [choice_line(i, float((i + mean) % 2), 1.0) for i in range(20)]
        )
    both = compare([gather_arm(k, k, [str(tmp_path / k)]) for k in ("distilled", "control")], ComparisonQuestion())
    assert {one.over for one in both.estimates} == {None}
    assert (
        "wikitext is compared on its own scale alone (bits_per_byte, lower is better) and enters no average"
        in both.warnings
    )
    alone = compare(
        [gather_arm(k, k, [str(tmp_path / k / "samples_wikitext.jsonl")]) for k in ("distilled", "control")],
        ComparisonQuestion(),
    )
    assert (alone.estimates, alone.study["other_scales"][0]["conclusion"]) == ((), "gain")


def test_a_reducer_that_nobody_asked_for_and_that_does_not_fit_ends_no_comparison(tmp_path: Path) -> None:
    """One item has a single sample, so there is no pass@2 of it; asked for, it is refused, else it is left out."""
    lines = ["arm,replicate,benchmark,item,sample,score"]
    for arm in ("student", "plain"):
        lines += [f"{arm},0,b,i{i},{s},{int((i + s) % 3 == 0)}" for i in range(20) for s in range(1 if i == 0 else 3)]
    path = tmp_path / "records.csv"
    path.write_text("\n".join(lines) + "\n")
    compared = compare(gather(path, "student"), ComparisonQuestion())
    assert [line for line in compared.warnings if "not shown under pass@2" in line]
    with pytest.raises(UserError, match="pass@2"):
        compare(gather(path, "student"), ComparisonQuestion(reduce="pass@2"))


def test_the_logs_own_reducer_is_said_and_shown(tmp_path: Path) -> None:
    from inspect_ai.log import EvalConfig

    rng = np.random.default_rng(1)
    found = {}
    for arm, rate in (("distilled", 0.6), ("control", 0.4)):
        draws = rng.random((30, 4)) < rate
        found[arm] = draws
        samples = [sample(i, {"match": "IC"[int(draws[i, e])]}, epoch=e + 1) for i in range(30) for e in range(4)]
        path = write_inspect(tmp_path / f"{arm}.json", samples, model=arm)
        text = path.read_text().replace('"epochs": 1', '"epochs": 4,\n"epochs_reducer": ["max"]')
        assert EvalConfig(epochs=4, epochs_reducer=["max"]).epochs_reducer == ["max"]
        path.write_text(text)
    arms = [gather_arm(k, k, [str(tmp_path / f"{k}.json")]) for k in ("distilled", "control")]
    mean = compare(arms, ComparisonQuestion())
    assert "addition: the log's own headline is the max over 4 samples of an item" in " ".join(mean.warnings)
    by_measure = {one["measure"]: one["value"] for one in mean.study["extraction"]}
    top = found["distilled"].max(axis=1).mean() - found["control"].max(axis=1).mean()
    assert by_measure["match, max of 4 samples"] == pytest.approx(top, abs=1e-9)
    assert by_measure["match"] == pytest.approx(found["distilled"].mean() - found["control"].mean(), abs=1e-9)
    maximum = compare(arms, ComparisonQuestion(reduce="max"))
    assert next(e for e in maximum.estimates if e.estimand == "uplift").value == pytest.approx(top, abs=1e-9)
    assert not any("headline" in one for one in maximum.warnings)
    with pytest.raises(UserError, match="a reducer of samples"):
        compare(arms, ComparisonQuestion(reduce="best"))
