"""Tokens of language models: what is learnt of a row, and what a chat template makes of messages."""

import numpy as np
import pytest
from tests.train.models import chat, small_tokenizer, tokenizer
from tokenizers import AddedToken

from gauger.elicit import Message
from gauger.errors import GaugerError, UserError
from gauger.train.hf.tokens import added_texts, encode, encode_prompt, end_marks
from gauger.train.rows import TrainingRow


def one(row, longest=99):
    """Return a row's tokens and what of them is learnt."""
    rows = encode(tokenizer(), [row], longest)
    ids = list(rows.tokens_of(0))
    return ids, ids[int(rows.start_N[0]) :], int(rows.start_N[0])


def test_a_completion_is_learnt_with_its_end_mark_and_its_prompt_is_not():
    ids, learnt, _ = one(TrainingRow("2+2=", "4"))
    assert tokenizer().decode(ids) == "2+2=4</s>"
    assert tokenizer().decode(learnt) == "4</s>"
    assert len(learnt) == 2


def test_a_whole_row_is_learnt_from_its_second_token_on():
    _, learnt, start = one(TrainingRow("ab", "c", whole=True))
    assert (start, len(learnt)) == (1, 3)


def test_messages_go_through_the_chat_template():
    ids, learnt, _ = one(TrainingRow(chat("hi"), "yo"))
    assert tokenizer().decode(ids) == "<s>user\nhi</s>\n<s>assistant\nyo</s>"
    assert tokenizer().decode(learnt) == "yo</s>"


def test_an_empty_prompt_learns_from_the_second_token_on():
    assert one(TrainingRow("", "abc"))[2] == 1


REFUSES = (
    "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    "<s>{{ m.role }}\n{{ m.content }}</s>\n{% endfor %}"
)


def test_the_systems_words_stand_before_the_users_where_the_template_takes_none():
    other = small_tokenizer()
    other.chat_template = REFUSES  # Gemma 2
    asked = (Message("system", "Be brief."), *chat("hi"))
    assert other.decode(encode_prompt(other, asked)) == "<s>user\nBe brief.\n\nhi</s>\n"
    assert "system\nBe brief." in tokenizer().decode(encode_prompt(tokenizer(), asked))


def test_messages_that_a_template_refuses_are_the_users_mistake():
    other = small_tokenizer()
    other.chat_template = "{{ raise_exception('roles must alternate') }}"
    with pytest.raises(UserError, match=r"user, user, which the template .* refuses: roles must alternate"):
        encode_prompt(other, chat("a") + chat("b"))


@pytest.mark.parametrize(
    ("completion", "longer"),
    [("four", (len("\n</think>\n\n"), 8)), ("<think>\nR\n</think>\n\nfour", (-8, -7)), ("R</think>four", (0, 0))],
)
def test_what_the_templates_thought_adds_to_a_row_is_known(completion, longer):
    other = small_tokenizer()
    other.chat_template = other.chat_template.replace("<s>assistant\n", "<s>assistant\n<think>\n")
    rows = encode(other, [TrainingRow(chat("2+2?"), completion), TrainingRow("2+2=", completion)], 99)
    assert rows.thought_N2.tolist() == [list(longer), [0, 0]]
    assert rows.take(np.array([1, 0])).n_thought.tolist() == [0, longer[0]]
    plain = encode(tokenizer(), [TrainingRow(chat("2+2?"), completion)], 99)
    assert (plain.n_thought.tolist(), len(plain.thought_N2)) == ([0], 0)
    assert rows.n_learnt[0] - plain.n_learnt[0] == longer[0]


@pytest.mark.parametrize("text", ["né à l'été", "日本語 is", "a\ufffdb", ""])
def test_what_each_token_adds_makes_up_the_text(text):
    ids = tokenizer()(text).input_ids
    added = added_texts(tokenizer(), ids)
    assert "".join(part or "" for part in added) == text
    before = [len(tokenizer().decode(ids[: place + 1])) for place, part in enumerate(added) if part is not None]
    assert before == [
        len("".join(part or "" for part in added[: n + 1])) for n, part in enumerate(added) if part is not None
    ]


def test_what_is_too_long_loses_its_end():
    assert tokenizer().decode(one(TrainingRow("abc", "def"), 5)[0]) == "abcde"


def test_a_prompt_that_fills_the_context_teaches_nothing():
    ids, learnt, _ = one(TrainingRow("abcdef", "g"), 5)
    assert (len(ids), learnt) == (5, [])


def test_the_end_of_a_turn_comes_first_among_the_end_marks():
    other = small_tokenizer()
    other.chat_template = other.chat_template.replace("</s>", "<pad>")
    assert end_marks(other) == (0, 2)
    assert end_marks(tokenizer()) == (2,)


def test_a_tokenizer_without_an_end_mark_is_refused():
    other = small_tokenizer()
    other.eos_token, other.chat_template = None, None
    with pytest.raises(GaugerError, match="ends a text"):
        end_marks(other)


def test_an_end_mark_that_the_tokenizer_adds_is_taken_off_a_prompt():
    assert encode_prompt(tokenizer(), "ab</s>") == encode_prompt(tokenizer(), "ab")


def test_messages_to_a_tokenizer_without_a_chat_template_say_what_to_do():
    other = small_tokenizer()
    other.chat_template = None
    assert encode_prompt(other, "hi")
    with pytest.raises(UserError, match="a model with a chat template") as error:
        encode_prompt(other, chat("hi"))
    assert "--plain" in str(error.value.hint)


GEMMA = (
    "{% for m in messages %}<start>{{ m['role'] }}\n{{ m['content'] }}<stop>\n{% endfor %}"
    "{% if add_generation_prompt %}<start>model\n{% endif %}"
)
"""Turns end with a mark that is special in the vocabulary, and that the tokenizer does not name (Gemma, Phi)."""


def with_own_marks(template=GEMMA):
    other = small_tokenizer()
    other.add_tokens([AddedToken(mark, special=True, normalized=False) for mark in ("<start>", "<stop>")])
    other.chat_template = template
    return other


def texts_of(other, rows):
    made = encode(other, rows, 99)
    return [other.decode(made.tokens_of(place)) for place in range(len(rows))]


def test_the_templates_own_end_mark_is_learnt_where_the_tokenizer_does_not_name_it():
    other = with_own_marks()
    stop = other.convert_tokens_to_ids("<stop>")
    assert stop not in {other.eos_token_id, other.bos_token_id, other.pad_token_id}
    assert end_marks(other) == (stop, other.eos_token_id)
    assert texts_of(other, [TrainingRow(chat("q"), "42")]) == ["<start>user\nq<stop>\n<start>model\n42<stop>"]


@pytest.mark.parametrize(("opening", "closing"), [("<think>", "</think>"), ("[THINK]", "[/THINK]")])
def test_an_answer_is_not_learnt_inside_the_thought_that_a_template_opens(opening, closing):
    other = with_own_marks(GEMMA.replace("<start>model\n", f"<start>model\n{opening}\n"))
    said = ["42", f"{opening}\nsix times seven\n{closing}\n\n42", f"six times seven\n{closing}\n\n42"]
    short, tagged, bare = texts_of(other, [TrainingRow(chat("q"), text) for text in said])
    begin = f"<start>user\nq<stop>\n<start>model\n{opening}\n"
    assert short == f"{begin}\n{closing}\n\n42<stop>"
    assert tagged == bare == f"{begin}six times seven\n{closing}\n\n42<stop>"


def test_plain_text_and_templates_that_open_no_thought_are_left_as_they_are():
    other = with_own_marks(GEMMA.replace("<start>model\n", "<start>model\n<think>\n"))
    assert texts_of(other, [TrainingRow("q", "42")]) == ["q42</s>"]
    closed = with_own_marks(GEMMA.replace("<start>model\n", "<start>model\n<think>\n\n</think>\n\n"))
    assert texts_of(closed, [TrainingRow(chat("q"), "42")])[0].endswith("<think>\n\n</think>\n\n42<stop>")


def test_a_student_learns_to_close_the_thought_itself():
    other = with_own_marks(GEMMA.replace("<start>model\n", "<start>model\n<think>\n"))
    rows = encode(other, [TrainingRow(chat("q"), "42")], 99)
    assert other.decode(rows.tokens_of(0)[int(rows.start_N[0]) :]) == "\n</think>\n\n42<stop>"
