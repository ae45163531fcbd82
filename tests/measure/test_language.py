"""Measuring language models: two readings of every answer, and a score only where there is one."""

from dataclasses import dataclass, field

import polars as pl
import pytest

from gauger.errors import UserError
from gauger.estimate.compare.sensitivity import Scored, sensitivity
from gauger.estimate.design import Design
from gauger.estimate.estimator import estimate_study
from gauger.measure.answers import SCHEMA, Decoding, flexible_records, measure, readings
from gauger.measure.decoder import Said
from gauger.records import ArmInfo
from gauger.worlds.language.items import TextBenchmark, TextItem
from gauger.worlds.language.questions import Question
from gauger.worlds.language.sources import VerifierError


@dataclass
class Scripted:
    """Says what the test decides, and remembers what it was asked."""

    says: object
    asked: list = field(default_factory=list)

    def complete(self, prompts, max_new_tokens, temperature, seed, stops):
        self.asked.append((list(prompts), max_new_tokens, temperature, seed, tuple(stops)))
        return [self._said(self.says(prompt, seed)) for prompt in prompts]

    @staticmethod
    def _said(said):
        text, ended = said if isinstance(said, tuple) else (said, True)
        return Said(text, ended, 5, len(text))


class Exact:
    """A verifier that breaks on one answer."""

    def verify(self, question, answer):
        if answer == "break":
            raise VerifierError("broken")
        return float(answer == question.answer)


def benchmark(form="qa", n=4, name="sums-qa"):
    questions = [Question("sums", f"What is {i} + 1?", str(i + 1), f"sums:{i}") for i in range(n)]
    items = tuple(TextItem(f"{form}:{q.key}", q.key, q.text, f" {q.answer}", 1.0, q) for q in questions)
    return TextBenchmark(name, "sums", form, "", items)


def rows(says, form="qa"):
    return measure(Scripted(says), [benchmark(form)], Decoding(), Exact()).to_dicts()


def test_one_row_per_item_with_identity_and_tokens():
    found = rows(lambda prompt, seed: " 1")
    assert [row["item"] for row in found] == [f"qa:sums:{i}" for i in range(4)]
    assert found[0] == {
        "benchmark": "sums-qa",
        "item": "qa:sums:0",
        "cluster": "sums:0",
        "sample": 0,
        "outcome": "scored",
        "score": 1.0,
        "tokens_in": 5,
        "tokens_out": 2,
        "flexible_outcome": "scored",
        "flexible_score": 1.0,
        "said": " 1",
    }
    assert [row["score"] for row in found] == [1.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("form", "said", "strict", "flexible"),
    [
        ("qa", " 1", ("scored", 1.0), ("scored", 1.0)),
        ("qa", " It is 1", ("scored", 0.0), ("scored", 1.0)),
        ("qa", "", ("unparsed", None), ("unparsed", None)),
        ("tagged", "1", ("unparsed", None), ("scored", 1.0)),
        ("tagged", ("I think that", False), ("truncated", None), ("truncated", None)),
        ("tagged", ("<answer>1</answer> so", False), ("scored", 1.0), ("scored", 1.0)),
        ("qa", "break", ("failed", None), ("unparsed", None)),
    ],
)
def test_outcomes(form, said, strict, flexible):
    row = rows(lambda prompt, seed: said, form)[0]
    assert (row["outcome"], row["score"]) == strict
    assert (row["flexible_outcome"], row["flexible_score"]) == flexible


def test_samples_are_drawn_with_seeds_of_their_own():
    decoder = Scripted(lambda prompt, seed: str(seed))
    decoding = Decoding(max_new_tokens=7, temperature=0.5, samples=3, seed=4)
    found = measure(decoder, [benchmark(), benchmark("tagged", name="sums-tagged")], decoding, Exact())
    assert found.group_by("benchmark", "sample").len()["len"].to_list() == [4] * 6
    assert len({seed for *_, seed, _ in decoder.asked}) == 6
    assert {(tokens, warmth) for _, tokens, warmth, _, _ in decoder.asked} == {(7, 0.5)}
    assert decoder.asked[0][4] == ("\n",)


def test_greedy_answers_are_not_drawn_twice():
    with pytest.raises(UserError, match="greedy"):
        Decoding(samples=2)


def test_no_benchmark_gives_an_empty_table():
    found = measure(Scripted(lambda prompt, seed: ""), [], Decoding(), Exact())
    assert found.is_empty()
    assert dict(found.schema) == {name: found.schema[name] for name in SCHEMA}


def test_the_sensitivity_check_takes_both_readings():
    """A model that knows, but talks: a loss where read strictly, none where read flexibly."""

    def of_arm(arm, says):
        found = measure(Scripted(says), [benchmark(n=40)], Decoding(), Exact())
        return found.with_columns(arm=pl.lit(arm), replicate=pl.lit(0, pl.Int64), role=pl.lit("targeted"))

    def number(prompt):
        return int(prompt.split()[2]) + 1

    records = pl.concat(
        [
            of_arm("talks", lambda p, s: f"It is {number(p)}" if number(p) % 3 else f" {number(p)}"),
            of_arm("plain", lambda p, s: f" {number(p)}"),
        ]
    )
    arms = (
        ArmInfo("talks", "distilled", "", matched="plain"),
        ArmInfo("plain", "matched", ""),
    )
    design = Design(arms=arms, roles={"sums-qa": "targeted"}, paired=False, moderated=False, level=0.95)
    choices = readings(["sums-qa"])
    others = [Scored("sums-qa", choices["sums-qa"].others[0], flexible_records(records))]
    primary = records.drop("flexible_outcome", "flexible_score")
    found = sensitivity(primary, estimate_study(primary, design).estimates, design, others, choices)
    told = {(one.measure, one.primary): one.value for one in found if one.estimand == "uplift"}
    assert told["verified, strict", True] == pytest.approx(-27 / 40)
    assert told["verified, flexible", False] == pytest.approx(0.0)
