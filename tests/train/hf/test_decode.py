"""Decoding: against the model asked one token at a time, whatever stands beside a prompt in its batch."""

from copy import copy

import pytest
import torch
from tests.train.models import chat, small_llama, small_tokenizer, tokenizer

from gauger.train.engine import Continuation
from gauger.train.hf import decode
from gauger.train.hf.decode import _shared_length
from gauger.train.hf.tokens import encode_prompt

PROMPTS = ["2+2=", "2+", chat("name a colour"), "2+2=", "the sun rises in the east and sets in the"]
MODEL = small_llama(3, sharp=20.0)


def complete(model, prompts, decoding, seeds=0, stops=()):
    """Decode with one seed and the same stops for all, or a seed for each."""
    each = [seeds] * len(prompts) if isinstance(seeds, int) else seeds
    return decode.complete(model, tokenizer(), prompts, decoding, each, [stops] * len(prompts))


def slowly(prompt, n):
    """Continue one prompt greedily, reading everything again for every token."""
    ids, new = encode_prompt(tokenizer(), prompt), []
    while len(new) < n and (not new or new[-1] != tokenizer().eos_token_id):
        new.append(int(MODEL(torch.tensor([[*ids, *new]])).logits[0, -1].argmax()))
    return tuple(new)


@pytest.mark.parametrize("batch", [1, 2, 64])
def test_greedy_answers_are_those_of_one_prompt_at_a_time(batch):
    found = complete(MODEL, PROMPTS, Continuation(12, batch=batch))
    assert [answer.ids for answer in found] == [slowly(prompt, 12) for prompt in PROMPTS]
    assert [answer.tokens_in for answer in found] == [len(encode_prompt(tokenizer(), prompt)) for prompt in PROMPTS]
    assert [answer.tokens_out for answer in found] == [len(answer.ids) for answer in found]


@pytest.mark.parametrize("batch", [1, 3])
def test_what_is_shared_is_read_once_and_changes_nothing(batch):
    prompts = ["shared beginning, " + end for end in ("a", "another", "shared", "")]
    together = complete(MODEL, prompts, Continuation(6, batch=batch))
    assert [answer.ids for answer in together] == [slowly(prompt, 6) for prompt in prompts]


def test_a_sampled_answer_depends_on_its_seed_and_prompt_alone():
    decoding = Continuation(8, temperature=1.0)
    together = complete(MODEL, PROMPTS, decoding, seeds=[1, 2, 3, 4, 5])
    alone = [complete(MODEL, [PROMPTS[place]], decoding, seeds=place + 1)[0] for place in range(5)]
    assert [answer.ids for answer in together] == [answer.ids for answer in alone]
    assert together[0].ids != together[3].ids  # one prompt, two seeds
    again = complete(MODEL, PROMPTS, decoding, seeds=7)
    assert again[0].ids == again[3].ids


class Scripted(torch.nn.Module):
    """Writes a given text whatever it is asked."""

    def __init__(self, text):
        super().__init__()
        self.ids = [*tokenizer()(text).input_ids, tokenizer().eos_token_id]
        self.config, self.generation_config, self.device = MODEL.config, MODEL.generation_config, torch.device("cpu")
        self.step = 0

    def forward(self, input_ids, past_key_values, **_):
        logits = torch.zeros(len(input_ids), 1, len(tokenizer()))
        logits[:, :, self.ids[min(self.step, len(self.ids) - 1)]] = 1
        self.step += 1
        return type("Output", (), {"logits": logits})()


@pytest.mark.parametrize(
    ("stops", "n", "text", "ended", "tokens_out"),
    [
        ((), 99, "one, two; three", True, 16),
        ((), 16, "one, two; three", True, 16),
        ((), 15, "one, two; three", False, 15),
        ((), 3, "one", False, 3),
        ((";",), 99, "one, two", True, 9),
        ((";", ","), 99, "one", True, 4),
        (("ne, t",), 99, "o", True, 6),
        (("one",), 99, "", True, 3),
        (("absent",), 99, "one, two; three", True, 16),
    ],
)
def test_an_answer_ends_at_its_end_mark_a_stop_or_the_limit(stops, n, text, ended, tokens_out):
    (answer,) = complete(Scripted("one, two; three"), ["?"], Continuation(n), stops=stops)
    assert (answer.text, answer.ended, answer.tokens_out) == (text, ended, tokens_out)
    stopped = ended and tokens_out < 16
    assert answer.stop == ({"one, two": ";", "one": ",", "o": "ne, t", "": "one"}[text] if stopped else None)


def test_a_prompt_that_fills_the_context_gets_no_answer_and_others_do():
    context = MODEL.config.max_position_embeddings
    found = complete(MODEL, ["x" * context, "x" * (context - 2), "x"], Continuation(5))
    assert (found[0].tokens_out, found[0].ended) == (0, False)
    assert 1 <= found[1].tokens_out <= 2
    assert found[2].ids == slowly("x", 5)


def test_no_prompts_no_answers():
    assert complete(MODEL, [], Continuation(5)) == []


@pytest.mark.parametrize(
    ("prompts", "shared"),
    [([[1, 2, 3]], 0), ([[1, 2, 3], [1, 2, 4]], 2), ([[1, 2], [1, 2]], 1), ([[1], [1, 2]], 0), ([[3, 1], [2, 1]], 0)],
)
def test_shared_length_leaves_a_token_for_each(prompts, shared):
    assert _shared_length(prompts) == shared


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("\n</think>\n\n42\nQuestion", "42"),  # what a student has learnt that was taught answers alone
        ("\nsix\nseven\n</think>\n\n42\nQuestion", "\nsix\nseven\n</think>\n\n42"),
        ("\nsix\nseven", "\nsix\nseven"),  # never closed: there is no answer in which to look for a stop
    ],
)
def test_stops_are_looked_for_behind_the_thought_that_a_template_opens(written, text):
    other = small_tokenizer()
    other.chat_template = other.chat_template.replace("<s>assistant\n", "<s>assistant\n<think>\n")
    (answer,) = decode.complete(Scripted(written), other, [chat("6 * 7?")], Continuation(40), [0], [("\n",)])
    assert (answer.text, answer.ended) == (text, True)
    (plain,) = decode.complete(Scripted(written), tokenizer(), [chat("6 * 7?")], Continuation(40), [0], [("\n",)])
    assert plain.text == "", "a template that opens no thought: the first line is what counts"


@pytest.mark.parametrize("stops", [("\n",), ("\n\n", "\nQuestion")])
@pytest.mark.parametrize("asked", ["6 * 7?", chat("6 * 7?")])
@pytest.mark.parametrize(
    ("written", "text", "n"),
    [
        ("<think>\nsix\n\nseven\n</think>\n\n42\n\nQuestion", "<think>\nsix\n\nseven\n</think>\n\n42", None),
        ("\n\n[THINK]six\n\nseven[/THINK]42\n\nQ", "\n\n[THINK]six\n\nseven[/THINK]42", None),
        ("<think>\n\n</think>\n\n42\n\nQuestion", "42", None),  # Qwen3, told not to think
        ("<think>\nsix\n\nseven", "<think>\nsix\n\nseven", None),  # never closed
        ("\n\n<b>\n\n", "", 1),  # no thought after all: what was read to see that is no part of the answer
        ("<thin ice\n\nmore", "<thin ice", 10),
        ("a <think>\n\nb</think>", "a <think>", 10),  # amid an answer no thought begins
    ],
)
def test_stops_are_looked_for_behind_a_thought_that_the_model_opens(stops, asked, written, text, n):
    (answer,) = complete(scripted(written), [asked], Continuation(80), stops=stops)
    assert (answer.text, answer.ended) == (text, True)
    if n is not None:
        assert answer.tokens_out == len(answer.ids) == n + len(stops[0]) - 1


def test_special_tokens_that_are_marks_of_a_thought_are_part_of_the_text():
    special = ["[THINK]", "[/THINK]", "<|other|>"]
    other = small_tokenizer(special)
    other.add_special_tokens({"additional_special_tokens": special})
    ids = other("[THINK]six\nseven[/THINK]4<|other|>2\nmore").input_ids
    script = scripted("")
    script.ids = ids
    (answer,) = decode.complete(script, other, [chat("6 * 7?")], Continuation(40), [0], [("\n",)])
    assert answer.text == "[THINK]six\nseven[/THINK]42"


@pytest.mark.parametrize("stops", [(), ("\n",)])
def test_channels_are_told_apart_where_their_marks_are_special(stops):
    special = ["<|start|>", "<|end|>", "<|message|>", "<|channel|>"]
    other = small_tokenizer(special)
    other.add_special_tokens({"additional_special_tokens": special})
    written = "<|channel|>analysis<|message|>six\n7<|end|><|start|>assistant<|channel|>final<|message|>42"
    script = scripted("")
    script.ids = [*other(written + "\n" * bool(stops)).input_ids, other.eos_token_id]
    (answer,) = decode.complete(script, other, [chat("6 * 7?")], Continuation(80), [0], [stops])
    assert answer.text == written


LONG = "né à l'été, 日本語 " * 40  # a byte a token: most characters take several


def scripted(text):
    """One that has room for a long text."""
    script = Scripted(text)
    script.config = copy(script.config)
    script.config.max_position_embeddings = 1000
    return script


@pytest.mark.parametrize("stops", [(), ("語 n",), ("été", "日"), ("never",), (",",), ("é",)])
def test_stops_are_found_as_in_the_whole_text_decoded_at_every_token(stops):
    """The naive way, which the decoder must agree with: spell everything after every token."""
    script = scripted(LONG)
    (found,) = complete(script, ["?"], Continuation(400), stops=stops)
    ids, text, stop = [], "", None
    for token in script.ids[:400]:
        ids.append(token)
        text = tokenizer().decode(ids, skip_special_tokens=True)
        if places := [(place, one) for one in stops if (place := text.find(one)) >= 0]:
            place, stop = min(places)
            text = text[:place]
            break
    assert (found.text, found.stop, list(found.ids)) == (text, stop, ids)


@pytest.mark.parametrize("stops", [(), ("never",)])
def test_twice_as_many_tokens_take_twice_the_spelling(monkeypatch, stops):
    """Adversary: spelling the whole answer at every token takes four times as much."""

    def spelled(n):
        counted = []
        monkeypatch.setattr(
            tokenizer(),
            "decode",
            lambda ids, **how: counted.append(len(ids)) or type(tokenizer()).decode(tokenizer(), ids, **how),
        )
        complete(scripted(LONG), ["?"], Continuation(n), stops=stops)
        return sum(counted)

    few, many = spelled(200), spelled(400)
    assert many < 2.2 * few
    assert sum(range(400)) > 3.9 * sum(range(200))
