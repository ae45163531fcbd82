"""Measuring in every world: one row per item, each reading with an outcome, a score only where there is an answer."""

from dataclasses import dataclass, field, replace

import polars as pl
import pytest
from tests.worlds.small import small_world

from gauger.elicit.teacher.messages import Reply, ReplyOutcome
from gauger.errors import UserError
from gauger.estimate.compare.sensitivity import ScoredBenchmark, sensitivity
from gauger.estimate.design import Design
from gauger.estimate.estimator import estimate_study
from gauger.measure.answers import SCHEMA, Answering, further_readings, measure, read_as, readings, schema_of
from gauger.records import ArmInfo, Outcome
from gauger.spec import LanguageWorld
from gauger.worlds.items import Benchmark, Item, VerifierError
from gauger.worlds.language.world import TextWorld

SUMS = {"kind": "reasoning-gym", "task": "chain_sum", "train": 40, "test": 8, "new": 8}
SHORT = {"min_terms": 2, "max_terms": 2, "min_digits": 1, "max_digits": 1}


def text_world():
    tasks = {"sums": SUMS | {"settings": SHORT}}
    return TextWorld(
        LanguageWorld.model_validate({"kind": "language", "tasks": tasks, "benchmark_items": 6}, strict=False)
    )


WORLDS = {"atlas": small_world, "language": text_world}
NAMES = {"atlas": ("max-quiz", "sort-cloze-new"), "language": ("sums-qa", "sums-tagged-new")}


@pytest.fixture(scope="module", params=WORLDS)
def world(request):
    return WORLDS[request.param]()


@pytest.fixture
def benchmarks(world):
    return [world.benchmark(name) for name in NAMES[world.settings.kind]]


@dataclass
class Scripted:
    """Says what the test decides of a prompt and a seed (a text, or a whole reply), and remembers what it was asked."""

    says: object
    asked: list = field(default_factory=list)
    name, terms = "scripted", None

    def ask(self, requests):
        for index, request in reversed(list(enumerate(requests))):  # in whatever order replies come
            self.asked.insert(0, request)
            said = self.says(request.messages[-1].content, request.seed)
            if said is not None:
                yield index, said if isinstance(said, Reply) else answered(said)


def answered(text, *, ended=True):
    outcome = ReplyOutcome.ANSWERED if ended else ReplyOutcome.TRUNCATED
    return Reply(outcome, text, tokens_in=5, tokens_out=len(text.split()) + 1)


def knowing(benchmarks):
    answers = {item.prompt: item.answer for benchmark in benchmarks for item in benchmark.items}
    return Scripted(lambda prompt, _: answers[prompt])


# --- what holds in every world -----------------------------------------------------------------------------------


def test_one_row_per_item_of_every_benchmark_in_order(world, benchmarks):
    found = measure(knowing(benchmarks), benchmarks, Answering(), world)
    items = [(b.name, item.id, item.cluster, 0) for b in benchmarks for item in b.items]
    assert found.select("benchmark", "item", "cluster", "sample").rows() == items
    assert found.schema == pl.Schema(schema_of(world))
    assert [*found.schema][: len(SCHEMA)] == [*SCHEMA]
    assert found["said"].to_list() == [item.answer for b in benchmarks for item in b.items]


def test_who_knows_the_answers_of_a_world_scores_one_everywhere(world, benchmarks):
    found = measure(knowing(benchmarks), benchmarks, Answering(), world)
    assert found["score"].to_list() == [1.0] * len(found)
    assert found["outcome"].to_list() == ["scored"] * len(found)


def test_a_wrong_answer_is_scored_nothing(world, benchmarks):
    first = benchmarks[0].items[0]
    wrong = next(item.answer for item in benchmarks[0].items if item.answer != first.answer)
    row = measure(Scripted(lambda *_: wrong), benchmarks[:1], Answering(), world).row(0, named=True)
    assert (row["outcome"], row["score"]) == ("scored", 0.0)


def test_tokens_are_those_of_the_reply(world, benchmarks):
    row = measure(Scripted(lambda *_: " a b"), benchmarks, Answering(), world).row(0, named=True)
    assert (row["tokens_in"], row["tokens_out"]) == (5, 3)


def test_who_is_asked_once_is_asked_greedily(world, benchmarks):
    teacher = Scripted(lambda *_: "")
    measure(teacher, benchmarks[:1], Answering(max_new_tokens=5), world)
    stops = world.forms[benchmarks[0].form].stops
    assert {(one.temperature, one.max_tokens, one.seed, one.stop) for one in teacher.asked} == {(0.0, 5, 0, stops)}


def test_samples_are_drawn_with_seeds_of_their_own(world, benchmarks):
    teacher = Scripted(lambda prompt, seed: str(seed))
    found = measure(teacher, benchmarks, Answering(max_new_tokens=7, temperature=0.5, samples=3, seed=4), world)
    sizes = {b.name: len(b.items) for b in benchmarks}
    assert found.group_by("benchmark", "sample").len().rows_by_key("benchmark").keys() == sizes.keys()
    for (name, _), rows in found.group_by("benchmark", "sample"):
        assert len(rows) == sizes[name]
        assert rows["said"].n_unique() == 1
    assert found["said"].n_unique() == 6
    assert {(one.max_tokens, one.temperature) for one in teacher.asked} == {(7, 0.5)}
    other = measure(Scripted(lambda prompt, seed: str(seed)), benchmarks, Answering(7, 0.5, 3, seed=5), world)
    assert not set(other["said"]) & set(found["said"])


def test_greedy_answers_are_not_drawn_twice():
    with pytest.raises(UserError, match="greedy"):
        Answering(samples=2)


def test_no_benchmarks_are_no_rows_in_the_same_columns(world):
    found = measure(Scripted(lambda *_: ""), [], Answering(), world)
    assert found.is_empty()
    assert found.schema == pl.Schema(schema_of(world))


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (None, Outcome.FAILED),  # the budget did not allow it
        (Reply(ReplyOutcome.FAILED, error="gone"), Outcome.FAILED),
        (Reply(ReplyOutcome.REFUSED, "I would rather not"), Outcome.REFUSED),
    ],
)
def test_what_was_not_answered_has_no_score_in_any_reading(world, benchmarks, reply, outcome):
    found = measure(Scripted(lambda *_: reply), benchmarks, Answering(), world)
    for reading in ("", *(f"{name}_" for name in world.readings[1:])):
        assert set(found[f"{reading}outcome"]) == {str(outcome)}
        assert found[f"{reading}score"].null_count() == len(found)


# --- the embedded world: words alone -----------------------------------------------------------------------------

ATLAS = small_world()
OF_ATLAS = ATLAS.benchmark("max-quiz").items[0]


def of_words(*answers):
    """Items whose right answers are words of the embedded world; their prompts are p1, p2, ..."""
    question = OF_ATLAS.question
    return tuple(
        Item(f"{n}", f"cluster of {n}", f"p{n}", f" {answer}", 0.0, "quiz", replace(question, answer=answer))
        for n, answer in enumerate(answers, start=1)
    )


ONE = Benchmark("one", "sort", "quiz", "", of_words("a", "a b", "a b c"))


def words_of(**answers):
    """Rows of answers that were cut off after so many tokens, their end among them."""
    limit = answers.pop("limit", 4)

    def says(prompt, _):
        words = answers.get(prompt, "").split()
        return answered(" ".join(words[:limit]), ended=len(words) < limit)

    return measure(Scripted(says), [ONE], Answering(limit), ATLAS).to_dicts()


@pytest.mark.parametrize("said", ["b", "a a", "", "b a"])
def test_an_answer_is_right_only_where_it_equals_the_right_one_word_by_word(said):
    row = words_of(p1=said)[0]
    assert (row["outcome"], row["score"]) == ("scored", 0.0)


def test_the_order_of_the_words_counts():
    assert [row["score"] for row in words_of(p1="a", p2="b a", p3="a b")] == [1.0, 0.0, 0.0]


def test_an_answer_that_never_ends_has_no_score():
    """Four tokens leave room for `a b c` and its end: who writes on rambles."""
    rows = words_of(p1="a x x x x", p2="a b x x", p3="a b c d e")
    assert [row["outcome"] for row in rows] == ["unparsed"] * 3
    assert [row["score"] for row in rows] == [None] * 3


def test_where_the_limit_leaves_no_room_the_limit_is_to_blame():
    rows = words_of(p1="a", p2="a b", p3="a b c", limit=2)
    assert [row["outcome"] for row in rows] == ["scored", "truncated", "truncated"]
    assert [row["score"] for row in rows] == [1.0, None, None]
    rows = words_of(p1="a", p2="a b", p3="a b c", limit=3)
    assert [row["outcome"] for row in rows] == ["scored", "scored", "truncated"]


def test_a_wrong_answer_that_ends_in_time_is_scored_even_where_the_right_one_would_not_fit():
    row = words_of(p3="z", limit=2)[2]
    assert (row["outcome"], row["score"]) == ("scored", 0.0)


# --- worlds of text: two readings --------------------------------------------------------------------------------


def sums(form, n=4):
    """Items on 0 + 1, 1 + 1, ...: their right answers are 1, 2, ..."""
    world = text_world()
    question = world.benchmark("sums-qa").items[0].question
    asked = [replace(question, text=f"What is {i} + 1?", answer=str(i + 1), key=f"sums:{i}") for i in range(n)]
    items = tuple(Item(f"{form}:{q.key}", q.key, q.text, f" {q.answer}", 1.0, form, q) for q in asked)
    return world, Benchmark(f"sums-{form}", "sums", form, "", items)


@pytest.fixture
def by_equality(monkeypatch):
    def verify(_, question, answer):
        if answer == "break":
            raise VerifierError("broken")
        return float(answer == question.answer)

    monkeypatch.setattr(TextWorld, "verify", verify)


@pytest.mark.usefixtures("by_equality")
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
def test_outcomes_of_both_readings(form, said, strict, flexible):
    world, benchmark = sums(form)
    text, ended = said if isinstance(said, tuple) else (said, True)
    row = measure(Scripted(lambda *_: answered(text, ended=ended)), [benchmark], Answering(), world).row(0, named=True)
    assert (row["outcome"], row["score"]) == strict
    assert (row["flexible_outcome"], row["flexible_score"]) == flexible


@pytest.mark.usefixtures("by_equality")
def test_the_sensitivity_check_takes_both_readings():
    """A model that knows, but talks: a loss where read strictly, none where read flexibly."""
    world, benchmark = sums("qa", n=40)

    def of_arm(arm, says):
        found = measure(Scripted(says), [benchmark], Answering(), world)
        return found.with_columns(arm=pl.lit(arm), replicate=pl.lit(0, pl.Int64), role=pl.lit("targeted"))

    def number(prompt):
        return int(prompt.split()[2]) + 1

    talks = of_arm("talks", lambda p, _: f"It is {number(p)}" if number(p) % 3 else f" {number(p)}")
    records = pl.concat([talks, of_arm("plain", lambda p, _: f" {number(p)}")])
    arms = (ArmInfo("talks", "distilled", "", matched="plain"), ArmInfo("plain", "matched", ""))
    design = Design(arms=arms, roles={"sums-qa": "targeted"}, paired=False, moderated=False, level=0.95)
    further = further_readings(records.columns)
    assert further == ("flexible",)
    choices = readings(["sums-qa"], further)
    primary = records.drop("flexible_outcome", "flexible_score")
    flexible = read_as(records, "flexible").select(primary.columns)
    others = [ScoredBenchmark("sums-qa", choices["sums-qa"].others[0], flexible)]
    found = sensitivity(primary, estimate_study(primary, design).estimates, design, others, choices)
    told = {(one.measure, one.primary): one.value for one in found if one.estimand == "uplift"}
    assert told["verified, strict", True] == pytest.approx(-27 / 40)
    assert told["verified, flexible", False] == pytest.approx(0.0)
