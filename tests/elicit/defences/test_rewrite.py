"""Replies rewritten by the teacher itself: a share of them, with both requests on the bill."""

import pytest

from elicit.scripted import Scripted
from elicit.teacher.common import question
from gauger.elicit.defences.rewrite import INSTRUCTION, Rewriting
from gauger.elicit.teacher.messages import Reply, ReplyOutcome
from gauger.elicit.teacher.surfaced import generation_of, require_needs, words_for
from gauger.errors import UserError
from gauger.spec import Surface

ASKED = [question(f"number {number}", stop=("\n",)) for number in range(200)]


def say(prompt, rng):
    if prompt.startswith(INSTRUCTION):
        said = f"again {prompt.removeprefix(INSTRUCTION)}"
        return Reply(ReplyOutcome.ANSWERED, said, tokens_in=7, tokens_out=5, cost_usd=2.0)
    thought = "so" if prompt.endswith("0") else None
    return Reply(ReplyOutcome.ANSWERED, f"it is {prompt}", reasoning=thought, tokens_in=3, tokens_out=4, cost_usd=1.0)


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_a_share_is_rewritten_and_reasoning_where_there_is_some(share):
    replies = dict(Rewriting(Scripted(say), share).ask(ASKED))
    assert set(replies) == set(range(200))
    changed = 0
    for place, reply in replies.items():
        plain = f"it is number {place}"
        if place % 10 == 0:
            assert (reply.text, reply.reasoning) in ((plain, "so"), (plain, "again so"))
            changed += reply.reasoning != "so"
        else:
            assert reply.text in (plain, f"again {plain}")
            changed += reply.text != plain
    assert changed / 200 == pytest.approx(share, abs=4 * (0.25 / 200) ** 0.5 if 0 < share < 1 else 0)


def test_both_requests_are_on_the_bill():
    (reply,) = dict(Rewriting(Scripted(say), 1.0).ask(ASKED[1:2])).values()
    assert [(use.tokens_in, use.tokens_out) for use in reply.billed] == [(7, 5), (3, 4)]
    assert (reply.requests, reply.cost_usd) == (2, 3.0)


def test_what_is_no_answer_is_not_rewritten_and_a_rewriting_that_fails_is_a_failure():
    failed = Reply(ReplyOutcome.FAILED, error="busy")
    assert dict(Rewriting(Scripted(lambda prompt, rng: failed), 1.0).ask(ASKED[:3])) == dict.fromkeys(range(3), failed)
    half = Scripted(lambda prompt, rng: failed if prompt.startswith(INSTRUCTION) else say(prompt, rng))
    (reply,) = dict(Rewriting(half, 1.0).ask(ASKED[:1])).values()
    assert (reply.outcome, reply.text, len(reply.billed)) == (ReplyOutcome.FAILED, "", 1)


def test_who_only_continues_texts_cannot_rewrite():
    require_needs(Surface(defence="rewrite"), "it", at_hand=True)
    with pytest.raises(UserError, match="a teacher that follows instructions, for the defence rewrite"):
        require_needs(Surface(defence="rewrite"), "it", at_hand=True, instructed=False)
    require_needs(Surface(defence="rewrite", helper="it"), "it", at_hand=True, instructed=False)


def test_another_model_rewrites_what_it_would_have_and_whoever_asked_pays_for_the_first_reply_alone():
    teacher, helper = Scripted(say), Scripted(say)
    own, others = (dict(Rewriting(teacher, 0.4, by).ask(ASKED)) for by in (None, helper))
    first = dict(Scripted(say).ask(ASKED))
    assert {place: (reply.text, reply.reasoning) for place, reply in own.items()} == {
        place: (reply.text, reply.reasoning) for place, reply in others.items()
    }
    assert {place: (reply.billed, reply.requests, reply.cost_usd) for place, reply in first.items()} == {
        place: (reply.billed, reply.requests, reply.cost_usd) for place, reply in others.items()
    }
    assert all(request.messages[-1].content.startswith(INSTRUCTION) for request in helper.requests)
    assert len(helper.requests) == sum(reply.requests - 1 for reply in own.values()) > 0


@pytest.mark.parametrize("outcome", [ReplyOutcome.FAILED, ReplyOutcome.TRUNCATED, ReplyOutcome.REFUSED])
def test_what_another_model_could_not_rewrite_is_not_shown_and_was_paid(outcome):
    helper = Scripted(lambda prompt, rng: Reply(outcome, "as far as", error="busy"))
    for asked in (ASKED[:1], ASKED[1:2]):  # with reasoning, and without
        (shown,) = dict(Rewriting(Scripted(say), 1.0, helper).ask(asked)).values()
        assert (shown.outcome, shown.text, shown.reasoning, shown.error) == (outcome, "as far as", None, "busy")
        assert [(use.tokens_in, use.tokens_out) for use in shown.billed] == [(3, 4)]
        assert (shown.requests, shown.cost_usd) == (1, 1.0)


def test_replies_that_others_rewrote_are_kept_apart_and_only_some_defences_can_be_done_by_others():
    surfaces = [Surface(defence="rewrite", strength=0.5, helper=helper) for helper in (None, "models/a", "models/b")]
    assert len({generation_of(surface) for surface in surfaces}) == 3
    assert [words_for(surface) for surface in surfaces[:2]] == [
        "text, rewrite 0.5",
        "text, rewrite 0.5 by another model",
    ]
    for defence in ("heat", "shorten", None):
        with pytest.raises(UserError, match="a defence that another model can do, beside a helper"):
            require_needs(Surface(defence=defence, helper="models/a"), "it", at_hand=True)
