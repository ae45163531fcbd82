"""Comparisons of logs: the numbers a plain loop gives, and every doubt in the document."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from gauger.errors import InputError, UserError
from gauger.estimate.compare.logs import ComparisonQuestion, compare
from gauger.estimate.compare.sensitivity import WITHOUT_UNPARSED, Scoring, disagreements
from gauger.measure.importers.arm import ArmLogs, arms_of_table, gather_arm
from gauger.measure.importers.measures import Wish
from gauger.records import Document, Estimate
from measure.importers.lm_eval_logs import choice_line, write_generation_log, write_lines

N = 120


def draw(rng: np.random.Generator, rate: float, n: int = N) -> list[float]:
    return (rng.random(n) < rate).astype(float).tolist()


def write_arm(folder: Path, rate: float, seeds: range, **changes: object) -> dict[int, list[float]]:
    found = {}
    for seed in seeds:
        found[seed] = draw(np.random.default_rng(seed), rate)
        model = {"model": f"{folder.name}-{seed}", **changes}
        write_generation_log(folder / str(seed) / "m", found[seed], found[seed], **model)
    return found


def gather(folder: Path, *kinds: str) -> list[ArmLogs]:
    return [gather_arm(kind, kind, [str(folder / kind)]) for kind in kinds]


def find(document: Document, estimand: str, benchmark: str | None = "gsm8k") -> Estimate:
    (one,) = (e for e in document.estimates if (e.estimand, e.benchmark, e.over) == (estimand, benchmark, None))
    return one


def test_without_replicates_uplift_is_the_paired_difference_with_its_t_interval(tmp_path: Path) -> None:
    d = np.array(write_arm(tmp_path / "distilled", 0.7, range(1))[0])
    c = np.array(write_arm(tmp_path / "control", 0.5, range(9, 10))[9])
    compared = compare(gather(tmp_path, "distilled", "control"), ComparisonQuestion())
    uplift = find(compared, "uplift")
    assert uplift.value == pytest.approx((d - c).mean(), abs=1e-9)
    # The engine widens discrete scores by less than one item in N and may take fewer degrees of freedom than N - 1.
    # Unpaired it would be 0.0631 instead of 0.0653, three in a hundred less, so one in N = 120 tells the two apart.
    assert uplift.se == pytest.approx((d - c).std(ddof=1) / np.sqrt(N), rel=1 / N)
    assert 30 < uplift.df <= N - 1
    half = stats.t.ppf(0.975, uplift.df) * uplift.se
    assert (uplift.low, uplift.high) == pytest.approx(((d - c).mean() - half, (d - c).mean() + half), abs=1e-8)
    assert uplift.n_items == N


def test_without_replicates_every_interval_says_what_it_covers(tmp_path: Path) -> None:
    for arm, seed in (("distilled", 0), ("control", 1), ("teacher", 2), ("base", 3)):
        score = 0.9 if arm == "teacher" else 0.2 + 0.2 * (4 - seed) / 4
        write_arm(tmp_path / arm, score, range(seed, seed + 1))
    compared = compare(gather(tmp_path, "distilled", "control", "teacher", "base"), ComparisonQuestion())
    estimated = [one for one in compared.estimates if one.value is not None]
    assert {one.estimand for one in estimated} >= {"score", "gain", "uplift", "gap_recovered"}
    assert all("item sampling alone" in (one.note or "") for one in estimated)
    assert "every interval covers item sampling alone" in compared.warnings[0]


def test_replicates_are_averaged_and_a_single_control_is_pointed_out(tmp_path: Path) -> None:
    d = write_arm(tmp_path / "distilled", 0.7, range(4))
    c = write_arm(tmp_path / "control", 0.5, range(9, 10))
    compared = compare(gather(tmp_path, "distilled", "control"), ComparisonQuestion())
    uplift = find(compared, "uplift")
    assert uplift.value == pytest.approx(np.mean(list(d.values())) - np.mean(c[9]), abs=1e-9)
    assert uplift.n_replicates == 4
    assert "item sampling alone" not in (uplift.note or "")
    assert "control was trained once: the noise of its training is taken for twice the other arm's" in compared.warnings
    assert "control was trained once; it is taken for twice as noisy as the replicated arms" in (uplift.note or "")


def test_replicates_counted_from_files_are_independent_unless_the_user_says_otherwise(tmp_path: Path) -> None:
    write_arm(tmp_path / "distilled", 0.7, range(3))
    write_arm(tmp_path / "control", 0.5, range(10, 13))
    arms = gather(tmp_path, "distilled", "control")
    default, paired = compare(arms, ComparisonQuestion()), compare(arms, ComparisonQuestion(paired=True))
    assert default.study["paired"] is False
    assert find(default, "uplift").value == find(paired, "uplift").value
    assert find(default, "uplift").se != find(paired, "uplift").se


def table_arms(tmp_path: Path, seeds: int = 3) -> list[ArmLogs]:
    rng = np.random.default_rng(3)
    rows = ["arm,replicate,benchmark,role,item,score"]
    for benchmark, role in (("quiz", "targeted"), ("twin", "parallel"), ("cloze", "near"), ("sort", "far")):
        for arm, rate in (("student", 0.8 if role == "targeted" else 0.5), ("plain", 0.3)):
            for seed in range(seeds):
                scores = draw(rng, rate, 60)
                rows += [f"{arm},{seed},{benchmark},{role},i{i},{score}" for i, score in enumerate(scores)]
    path = tmp_path / "records.csv"
    path.write_text("\n".join(rows) + "\n")
    return arms_of_table(path, [("distilled", "student"), ("control", "plain")])


def mean(arm: ArmLogs, benchmark: str) -> float:
    return float(np.mean([log.rows["score"].mean() for _, log in arm.on(benchmark)]))


def test_roles_give_carryover_and_memorisation(tmp_path: Path) -> None:
    arms = table_arms(tmp_path)
    compared = compare(arms, ComparisonQuestion())
    lift = {b: mean(arms[0], b) - mean(arms[1], b) for b in ("quiz", "twin", "cloze", "sort")}
    averages = {(e.estimand, e.over): e.value for e in compared.estimates if not e.benchmark and e.scale == "points"}
    assert averages["carryover", "near"] == pytest.approx(lift["cloze"] / lift["quiz"], abs=1e-9)
    assert averages["carryover", "far"] == pytest.approx(lift["sort"] / lift["quiz"], abs=1e-9)
    assert averages["memorisation", "targeted"] == pytest.approx(lift["quiz"] - lift["twin"], abs=1e-9)
    assert compared.study["paired"] is True
    assert compared.threats[2]["stands"] == "partly"


@pytest.mark.parametrize(
    ("roles", "stands"),
    [({"*": "near", "quiz": "targeted"}, "partly"), ({"*": "targeted"}, "open"), ({"*": "near"}, "open")],
)
def test_benchmarks_are_kept_apart_where_a_targeted_one_has_another_beside_it(
    tmp_path: Path, roles: dict[str, str], stands: str
) -> None:
    compared = compare(table_arms(tmp_path), ComparisonQuestion(roles=roles))
    assert compared.threats[2]["stands"] == stands


def test_the_users_roles_win_and_may_be_patterns(tmp_path: Path) -> None:
    compared = compare(table_arms(tmp_path), ComparisonQuestion(roles={"*": "near", "quiz": "targeted"}))
    assert {info.name: info.role for info in compared.benchmarks} == {
        "quiz": "targeted",
        "twin": "near",
        "cloze": "near",
        "sort": "near",
    }


@pytest.mark.parametrize(
    ("question", "says"),
    [
        (ComparisonQuestion(roles={"quizz": "near"}), "Did you mean 'quiz'"),
        (ComparisonQuestion(roles={"quiz": "neer"}), "Did you mean 'near'"),
        (ComparisonQuestion(wish=Wish(metrics=("scores",))), "Did you mean 'score'"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(tmp_path: Path, question: ComparisonQuestion, says: str) -> None:
    with pytest.raises(UserError, match=says):
        compare(table_arms(tmp_path), question)


def test_a_benchmark_of_one_side_is_told_and_none_in_common_is_refused(tmp_path: Path) -> None:
    write_arm(tmp_path / "distilled", 0.7, range(1))
    write_arm(tmp_path / "control", 0.5, range(9, 10))
    lines = [choice_line(i, 1.0, 1.0) for i in range(3)]
    write_lines(tmp_path / "distilled" / "0" / "m" / "samples_arc.jsonl", lines)
    compared = compare(gather(tmp_path, "distilled", "control"), ComparisonQuestion())
    assert "arc is not compared: only distilled has it" in compared.warnings
    write_lines(tmp_path / "lone" / "samples_arc.jsonl", lines)
    lone = gather_arm("distilled", "distilled", [str(tmp_path / "lone")])
    with pytest.raises(InputError, match="a benchmark that the distilled arm and its control both have"):
        compare([lone, *gather(tmp_path, "control")], ComparisonQuestion())


def strict_hurts(tmp_path: Path, **changes: object) -> list[ArmLogs]:
    """Two models as good as each other; the control's answers often miss the format that strict matching needs."""
    rng = np.random.default_rng(8)
    good = draw(rng, 0.6, 300)
    tidy, loose = (np.array(draw(rng, rate, 300)) for rate in (0.98, 0.6))
    for arm, in_format in (("distilled", tidy), ("control", loose)):
        write_generation_log(tmp_path / arm / "m", (np.array(good) * in_format).tolist(), good, model=arm, **changes)
    return gather(tmp_path, "distilled", "control")


def test_a_conclusion_that_hangs_on_the_answer_extraction_is_a_warning(tmp_path: Path) -> None:
    compared = compare(strict_hurts(tmp_path), ComparisonQuestion())
    by_measure = {one["measure"]: one for one in compared.study["extraction"]}
    assert by_measure["exact_match, strict-match"]["conclusion"] == "gain"
    assert by_measure["exact_match, strict-match"]["primary"] is True
    assert by_measure["exact_match, flexible-extract"]["value"] == 0.0
    assert by_measure["exact_match, flexible-extract"]["conclusion"] == "unclear"
    assert by_measure[f"exact_match, strict-match, {WITHOUT_UNPARSED}"]["n_items"] < 300
    (warning,) = (one for one in compared.warnings if "depends on the scoring" in one)
    assert warning.startswith("distilled on gsm8k: the conclusion on uplift depends on the scoring")
    assert "strict-match +" in warning
    assert "flexible-extract +0.0 points" in warning


def test_the_user_may_choose_the_extraction(tmp_path: Path) -> None:
    arms = strict_hurts(tmp_path)
    chosen = compare(arms, ComparisonQuestion(wish=Wish(filters=("flexible-extract",))))
    assert chosen.study["measures"] == {"gsm8k": "exact_match, flexible-extract"}
    assert find(chosen, "uplift").value == 0.0
    missing = compare(arms, ComparisonQuestion(unparsed_wrong=False))
    assert find(missing, "uplift").n_items < 300
    assert any("without a score in control, left out on every side" in one for one in missing.warnings)


def scoring(measure: str, low: float | None, high: float | None, primary: bool = False) -> Scoring:
    value = None if low is None or high is None else (low + high) / 2
    return Scoring("b", measure, primary, "uplift", "d", "c", value, low, high, 9)


@pytest.mark.parametrize(
    ("low", "high", "warned"),
    [(0.1, 0.4, False), (-0.1, 0.4, True), (-0.4, -0.1, True), (0.0, 0.4, True), (None, None, False)],
)
def test_a_conclusion_is_the_side_of_0_that_the_interval_lies_on(
    low: float | None, high: float | None, warned: bool
) -> None:
    assert bool(disagreements([scoring("strict", 0.1, 0.2, primary=True), scoring("flexible", low, high)])) is warned


def test_a_base_without_a_control_gives_gain_alone(tmp_path: Path) -> None:
    write_arm(tmp_path / "distilled", 0.7, range(1))
    write_arm(tmp_path / "base", 0.5, range(9, 10))
    compared = compare(gather(tmp_path, "distilled", "base"), ComparisonQuestion())
    assert {one.estimand for one in compared.estimates} == {"score", "gain"}
    assert compared.threats[1]["stands"] == "open"


def test_the_document_is_the_same_wherever_the_logs_lie_and_holds_no_path(tmp_path: Path) -> None:
    texts = []
    for place in ("here", "there"):
        write_arm(tmp_path / place / "distilled", 0.7, range(3))
        write_arm(tmp_path / place / "control", 0.5, range(10, 13), shots=0)
        compared = compare(gather(tmp_path / place, "distilled", "control"), ComparisonQuestion())
        texts.append(json.dumps(compared.to_dict(), allow_nan=False))
    assert texts[0] == texts[1]
    assert re.fullmatch(r"[0-9a-f]{16}", compared.study["fingerprint"])
    assert str(tmp_path) not in texts[0]
    assert "few-shot examples differ: distilled 5; control 0, on gsm8k" in texts[0]


def test_items_that_repeat_a_document_are_one_cluster(tmp_path: Path) -> None:
    lines = [{**choice_line(i % 30, float((i % 30) % 3 == 0), 1.0), "doc_id": i} for i in range(60)]
    other = [{**line, "acc": 0.0} for line in lines]
    write_lines(tmp_path / "distilled" / "samples_arc.jsonl", lines)
    write_lines(tmp_path / "control" / "samples_arc.jsonl", other)
    uplift = find(compare(gather(tmp_path, "distilled", "control"), ComparisonQuestion()), "uplift", "arc")
    assert (uplift.n_items, uplift.n_clusters) == (60, 30)


def test_other_prompts_are_a_warning(tmp_path: Path) -> None:
    write_generation_log(tmp_path / "distilled" / "m", [1.0] * 9 + [0.0], [1.0] * 10, head="Think. ")
    write_generation_log(tmp_path / "control" / "m", [0.0] * 9 + [1.0], [1.0] * 10)
    compared = compare(gather(tmp_path, "distilled", "control"), ComparisonQuestion())
    assert any(
        "shown different prompts for 10 items (doc 0, doc 1, doc 2, ...) of 10" in one for one in compared.warnings
    )
