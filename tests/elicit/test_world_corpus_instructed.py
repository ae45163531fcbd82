"""Corpora of teachers that follow instructions: held-out content is kept out while asking goes on; lineage holds."""

from dataclasses import replace
from itertools import count

import pytest

from elicit.teacher.answering import Answering, last
from gauger.elicit.lineage import lineage
from gauger.elicit.teacher.budget import QueryBudget
from gauger.elicit.teacher.journalled import Journalled
from gauger.elicit.teacher.limited import Limited
from gauger.elicit.teacher.messages import Reply, ReplyOutcome
from gauger.elicit.teacher.replay import Replay
from gauger.elicit.world_corpus import Wanted, elicit_by_instruction, in_form
from gauger.worlds.language.forms import asked_in
from worlds.language.small import small_world

WORLD = small_world()
HELD_OUT = WORLD.sources["sums"].questions["test"]
TRAIN = WORLD.benchmark_train["sums"]


def wanted(strategy, samples, forms=("qa",)):
    return Wanted(strategy, forms, samples, ("sums",), 32)


def leaking_first(leaks):
    """Repeat test items in its first answers, then answer soberly."""
    left = iter(range(leaks))
    return lambda request: f"4. As {HELD_OUT[0].text}" if next(left, None) is not None else "4"


def writing(items):
    """Write problems from a stream, four at a time, and answer them."""
    return lambda request: (
        "\n".join(f"{n}. {next(items)}" for n in range(1, 5)) if "numbered list" in last(request) else "So it is 7."
    )


def fresh():
    """Problems with operands of their own, longer than any test item's."""
    return (f"What is {n} + {n * 7}?" for n in count(1001))


@pytest.mark.parametrize("strategy", ["label", "rationale"])
def test_asking_goes_on_until_enough_without_held_out_content_is_there(strategy):
    corpus = elicit_by_instruction(WORLD, Answering(leaking_first(9), backwards=False), wanted(strategy, 20), 1)
    assert len(corpus.kept) == 20
    dropped = [sample for sample in corpus.samples if sample.dropped is not None]
    assert [(sample.dropped, sample.overlaps) for sample in dropped] == [("overlap", (HELD_OUT[0].key,))] * 9
    assert all("refusal" in sample.filters and "overlap" not in sample.filters for sample in dropped)
    assert all(sample.filters[-2:] == ("overlap", "duplicate") and not sample.overlaps for sample in corpus.kept)
    assert corpus.notes == ()


def test_a_replayed_teacher_that_leaks_gives_the_same_corpus(tmp_path):
    teacher = Journalled(Answering(leaking_first(9), backwards=False), tmp_path / "replies.jsonl")
    first = elicit_by_instruction(WORLD, teacher, wanted("label", 20), 1)
    again = elicit_by_instruction(WORLD, Replay(tmp_path), wanted("label", 20), 1)
    assert len(again.kept) == 20
    assert [(s.id, s.dropped) for s in again.samples] == [(s.id, s.dropped) for s in first.samples]


def test_where_every_answer_touches_held_out_content_the_seeds_end_it():
    corpus = elicit_by_instruction(WORLD, Answering(leaking_first(10**6)), wanted("label", 20), 1)
    fell = f"{len(TRAIN)} of {len(TRAIN)} answers fell to the filter 'overlap'"
    assert corpus.notes == ("0 of 20 samples: nothing new was left to ask", fell)
    assert len(corpus.samples) == len(TRAIN)


def test_the_budget_ends_it_too():
    teacher = Limited(Answering(leaking_first(9), backwards=False), QueryBudget(max_queries=12))
    corpus = elicit_by_instruction(WORLD, teacher, wanted("label", 20), 1)
    assert len(corpus.kept) == 3
    assert corpus.notes == (
        "3 of 20 samples: the budget is spent",
        "9 of 12 answers fell to the filter 'overlap'",
    )


def test_a_written_problem_with_held_out_content_is_never_asked():
    items = fresh()
    leaking = (HELD_OUT[n].text if n % 4 == 0 else next(items) for n in count())
    teacher = Answering(writing(leaking), backwards=False)
    corpus = elicit_by_instruction(WORLD, teacher, wanted("expand", 12), 1)
    assert len(corpus.kept) == 12
    held = [sample for sample in corpus.samples if sample.dropped == "prompt-overlap"]
    assert held
    assert all(len(sample.overlaps) == 1 and sample.took.queries == 0 for sample in held)
    assert not {last(request) for request in teacher.asked} & {question.text for question in HELD_OUT}
    assert not any(WORLD.overlaps(sample.text) for sample in corpus.kept)


def test_every_parent_of_two_generations_resolves(tmp_path):
    corpus = elicit_by_instruction(WORLD, Answering(writing(fresh())), wanted("expand", 60, ("qa", "tagged")), 1)
    assert {sample.generation for sample in corpus.kept} >= {1, 2}
    ids = {sample.id for sample in corpus.samples}
    assert {parent for sample in corpus.samples for parent in sample.parents} <= ids
    assert {asked_in(sample.prompt_text)[0] for sample in corpus.kept} == {"qa", "tagged"}
    corpus.write(tmp_path)
    found = lineage(tmp_path)
    assert set(found["id"]) == {sample.id for sample in corpus.kept}
    assert set(found["benchmark"]) == {"sums"}
    assert set(found["seed"]) <= {question.key for question in TRAIN}


def test_what_a_seed_of_the_benchmark_gives_goes_back_to_it_alone(tmp_path):
    corpus = elicit_by_instruction(WORLD, Answering(leaking_first(0)), wanted("label", 30, ("qa", "tagged")), 1)
    assert all(sample.parents == () for sample in corpus.samples)
    corpus.write(tmp_path)
    assert set(lineage(tmp_path).select("benchmark", "split").iter_rows()) == {("sums", "train")}


def test_reasoning_that_is_trained_on_is_guarded_too(tmp_path):
    text = "name: mine\nversion: 1\nreasoning: {}\nparts:\n  answer:\n    messages:\n      - role: user\n"
    text += "        content: '{{{{prompt}}}}'\n"
    said = Reply(ReplyOutcome.ANSWERED, "4", reasoning=f"Like {HELD_OUT[0].text}", tokens_in=1, tokens_out=1)
    for mode, expected in (("tags", {"overlap"}), ("drop", {None})):
        (tmp_path / "label.yaml").write_text(text.format(mode))
        corpus = elicit_by_instruction(
            WORLD, Answering(lambda _: said), replace(wanted("label", 5), templates=tmp_path), 1
        )
        assert {sample.dropped for sample in corpus.samples} == expected


def test_a_problem_always_takes_the_same_form_and_never_half_a_sentence():
    items = fresh()
    corpus = elicit_by_instruction(WORLD, Answering(writing(items)), wanted("seedless", 10, ("cloze",)), 1)
    assert {asked_in(sample.prompt_text)[0] for sample in corpus.kept} == {"qa"}
    assert all(in_form(WORLD, sample, ("tagged",)) == sample for sample in corpus.kept)
