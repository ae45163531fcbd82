"""Reasoning is found in every form in which models write it, and what is of no known form is flagged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.elicit.replies.finish_reasons import KNOWN, Ending, ending_of
from gauger.elicit.replies.raw_reply import BrokenOffError, read_raw
from gauger.elicit.replies.reasoning_fields import FIELDS, PARTS
from gauger.elicit.replies.reasoning_marks import FORMS, divided, unknown_marks
from gauger.elicit.replies.token_logs import logs_of_end
from gauger.elicit.teacher.messages import TokenChoices


def chat(message, finish="stop", **more):
    return {"choices": [{"index": 0, "finish_reason": finish, "message": {"role": "assistant", **message}} | more]}


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_every_known_form_is_taken_apart(form):
    assert divided(form.example) == ("A", "R.")
    assert divided(f"\n {form.example}") == ("A", "R."), "servers put white space before it"
    assert unknown_marks(divided(form.example).answer) == ()


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_no_form_touches_a_plain_answer(form):
    for text in ("The answer is 42.", "I think, therefore 4 < 5 and 6 > 2.", "[1] x\n\n  y ", "analysis of a sum: 4"):
        assert form.divide(text) == (text, None)


MARKED = [form for form in FORMS if form.example.endswith("A") and "process" not in form.example[:25]][1:]


@pytest.mark.parametrize(
    "form", [one for one in FORMS if one.divide.__qualname__.startswith("marked")], ids=lambda f: f.name
)
def test_marks_may_lack_the_opening_or_the_closing_one_and_come_twice(form):
    opening, closing = form.example.replace("\n", "").removesuffix("A").split("R.")
    assert divided(f"First I wonder.\nSo 42.\n{closing}\n\nA") == ("A", "First I wonder.\nSo 42.")
    assert divided(f"{opening}R. and then") == ("", "R. and then"), "cut off amid the thought"
    assert divided(f"{opening}1{closing}\nA {opening}2{closing}B") == ("A B", "1\n\n2"), "between two calls of thought"
    assert divided(f"{opening}I write {opening} first{closing}A") == ("A", f"I write {opening} first")
    assert divided(f"R.{closing}So{closing}A") == ("A", "R.\n\nSo"), "all before the last closing mark"
    assert divided(f"{opening}\n\n{closing}\n\nA") == ("A", ""), "a thought that was switched off"
    amid = f"Write {opening} to begin."
    assert divided(amid) == (amid, None)
    assert unknown_marks(amid), "nobody can say: flagged"


def test_channels_of_harmony_that_are_not_final_are_no_answer():
    text = "<|channel|>commentary<|message|>I call.<|call|><|start|>assistant<|channel|>final<|message|>A"
    assert divided(text) == ("A", "I call.")
    assert divided("<|channel|>analysis<|message|>only thou") == ("", "only thou")
    assert divided("<|start|>assistant<|channel|>final<|message|>A<|return|>") == ("A", "")


@pytest.mark.parametrize(
    "text", ["<reflection>r</reflection> A", "<scratchpad>\nr", "[REASONING] r [/REASONING] A", "A </inner_thoughts>"]
)
def test_a_mark_that_nobody_knows_is_flagged(text):
    assert divided(text) == (text, None)
    reply = read_raw(chat({"content": text}))
    assert reply.text == text
    assert any("unknown mark" in flag for flag in reply.flags)


@given(st.text())
def test_no_text_whatever_breaks_the_table(text):
    answer, thought = divided(text)
    assert thought is not None or answer == text
    assert divided(answer).reasoning is None or thought is not None


@given(st.sampled_from(FORMS), st.text(alphabet="abc xyz.", min_size=1).filter(str.strip))
def test_what_was_thought_is_never_in_the_answer(form, thought):
    secret = f"SECRET {thought}"
    reply = read_raw(chat({"content": form.example.replace("R.", f"R {secret}.")}))
    assert "SECRET" not in reply.text
    assert secret.strip() in reply.reasoning
    assert reply.text == "A"


@pytest.mark.parametrize("name", FIELDS)
def test_every_known_field_is_read(name):
    for value in (
        "R.",
        [{"type": "reasoning.text", "text": "R."}],
        {"summary": [{"type": "summary_text", "text": "R."}]},
    ):
        reply = read_raw(chat({"content": "A", name: value}))
        assert (reply.text, reply.reasoning, reply.flags) == ("A", "R.", ())


@pytest.mark.parametrize("kind", PARTS)
def test_every_known_part_is_read(kind):
    said = {"thinking": [{"type": "text", "text": "R."}]} if kind == "thinking" else {"text": "R."}
    reply = read_raw(chat({"content": [{"type": kind, **said}, {"type": "text", "text": "A"}]}))
    assert (reply.text, reply.reasoning, reply.flags) == ("A", "R.", ())


def test_the_same_reasoning_in_two_fields_is_kept_once_and_an_encrypted_one_not_at_all():
    details = [{"type": "reasoning.summary", "summary": "R."}, {"type": "reasoning.encrypted", "data": "AAAA"}]
    reply = read_raw(chat({"content": "A", "reasoning": "R.", "reasoning_details": details}))
    assert (reply.text, reply.reasoning) == ("A", "R.")


@pytest.mark.parametrize(
    ("message", "flag"),
    [
        ({"content": "A", "chain_of_thought": "R."}, "unknown field chain_of_thought"),
        ({"content": [{"type": "text", "text": "A"}, {"type": "reflection", "text": "R."}]}, "unknown part reflection"),
    ],
)
def test_a_field_or_part_that_nobody_knows_is_flagged_and_no_answer(message, flag):
    reply = read_raw(chat(message))
    assert (reply.text, reply.flags) == ("A", (flag,))


@pytest.mark.parametrize("name", ["reasoning_tokens", "thinking_signature", "reasoning_effort", "thought_signature"])
def test_what_only_speaks_of_reasoning_is_not_flagged(name):
    assert read_raw(chat({"content": "A", name: "12"})).flags == ()


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        *((word, "answered") for word in KNOWN[Ending.WHOLE]),
        *((word, "truncated") for word in KNOWN[Ending.CUT]),
        *((word, "refused") for word in KNOWN[Ending.DECLINED]),
        *((word, "empty") for word in KNOWN[Ending.TOOL]),
        *((word, "truncated") for word in ("MAX_TOKENS", "FinishReason.MAX_TOKENS", "Max Tokens", "model-length")),
        *((word, "refused") for word in ("SAFETY", "RECITATION", "ContentFilter.SAFETY")),
        *((word, "answered") for word in (None, "", "STOP", "EOS")),
    ],
)
def test_every_reason_for_ending_has_its_outcome(reason, outcome):
    reply = read_raw(chat({"content": "A"}, reason))
    assert (str(reply.outcome), reply.flags) == (outcome, ())


@pytest.mark.parametrize("reason", KNOWN[Ending.BROKEN])
def test_a_server_that_failed_amid_its_reply_is_a_fault(reason):
    with pytest.raises(BrokenOffError, match=reason):
        read_raw(chat({"content": "half"}, reason))


@pytest.mark.parametrize("reason", ["whatever", "STOPPED_BY_MAGIC", 7, "other"])
def test_a_reason_that_nobody_knows_is_flagged_and_never_taken_for_whole(reason):
    reply = read_raw(chat({"content": "A"}, reason))
    assert str(reply.outcome) == "truncated"
    assert reply.flags == (f"unknown finish reason {str(reason)!r}",)


def test_no_reason_means_two_things():
    words = [word for words in KNOWN.values() for word in words]
    assert len(words) == len(set(words))
    assert all(ending_of(word.upper()) is ending for ending, words in KNOWN.items() for word in words)


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ({"content": None}, "no content"),
        ({"content": " "}, "no content"),
        ({"content": None, "reasoning": "R."}, "reasoning and no answer"),
        ({"content": "<think>R.</think>"}, "reasoning and no answer"),
    ],
)
def test_a_whole_reply_without_an_answer_is_empty_and_says_why(message, why):
    reply = read_raw(chat(message))
    assert str(reply.outcome) == "empty"
    assert why in reply.error


def tokens(*words):
    return tuple(TokenChoices(word, -0.1) for word in words)


def test_log_probabilities_of_hidden_reasoning_are_cut_with_it():
    logs = tokens("<think>", "R.", "</think>", "\n\n", "The ", "answer")
    assert logs_of_end(logs, "The answer") == logs[4:]
    assert logs_of_end(logs, "another text") == ()
    assert logs_of_end(logs[4:], "The answer") == logs[4:]
    assert logs_of_end((), "A") == ()
    assert logs_of_end(tokens("x", "", "A"), "A") == tokens("A"), (
        "a token of no characters may belong to what was hidden"
    )
