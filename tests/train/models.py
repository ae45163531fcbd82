"""Small models of both engines over the same texts, made without a download; tests run against each."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from gauger.elicit.teacher.messages import Message
from gauger.train.batches import PaddedRows, collate
from gauger.train.engine import Architecture, Model
from gauger.train.hf.engine import HfModel
from gauger.train.rows import Mixture, RowSource, TokenRows, TrainingRow
from gauger.train.tiny import ENGINE as TINY

TEMPLATE = (
    "{% for message in messages %}{{ '<s>' + message['role'] + '\n' + message['content'] + '</s>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<s>assistant\n' }}{% endif %}"
)
SPECIAL = ["<pad>", "<s>", "</s>"]


def chat(text):
    return (Message("user", text),)


ROWS = tuple(
    TrainingRow(prompt, completion, whole)
    for prompt, completion, whole in [
        ("2+2=", "4", False),
        (chat("name a colour"), "red", False),
        ("the sun", " rises in the east", True),
        ("7+5=", "12", False),
        (chat("and a longer question than the others, is it?"), "yes, clearly", False),
        ("a", "b", True),
    ]
)
PROMPTS = ("2+2=", "7+5=", "the sun")
MORE = ("75", "is", "green", "5", "or", "so", "c")


def words_of(rows):
    said = [row.prompt if isinstance(row.prompt, str) else row.prompt[0].content for row in rows]
    return list(dict.fromkeys(" ".join([*said, *(row.completion for row in rows), *MORE]).split()))


def small_tokenizer(first=(), whole=""):
    """One token per byte; `first` puts other tokens before them, which makes another vocabulary.

    The characters of `whole` are tokens of their own, as in vocabularies of many languages.
    """
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate([*SPECIAL, *first, *letters])}
    by_byte, merges = pre_tokenizers.ByteLevel(add_prefix_space=False), {}
    for character in whole:
        ((spelt, _),) = by_byte.pre_tokenize_str(character)
        for end in range(2, len(spelt) + 1):
            merges[spelt[: end - 1], spelt[end - 1]] = None
            vocabulary.setdefault(spelt[:end], len(vocabulary))
    tokenizer = Tokenizer(BPE(vocabulary, list(merges)))
    tokenizer.pre_tokenizer = by_byte
    tokenizer.decoder = decoders.ByteLevel()
    names = dict(zip(("pad_token", "bos_token", "eos_token"), SPECIAL, strict=True))
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)
    wrapped.chat_template = TEMPLATE
    return wrapped


@functools.cache
def tokenizer():
    return small_tokenizer()


def small_llama(seed=0, sharp=1.0, tied=True):
    """Build an untrained model; `sharp` scales its embeddings, so that its logits differ clearly."""
    config = LlamaConfig(
        vocab_size=len(tokenizer()),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=96,
        tie_word_embeddings=tied,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config)
    with torch.no_grad():
        model.lm_head.weight.mul_(sharp)
    return model.eval()


def hf_model(seed=0, sharp=1.0, tied=True):
    """A Llama over bytes; sharp 20 makes its logits differ by whole units."""
    return HfModel(small_llama(seed, sharp, tied), tokenizer())


def tiny_model(seed=0, sharp=1.0, words=None, context=16, architecture=None):
    """A decoder over the words of `ROWS`."""
    model = TINY.build(architecture or Architecture(16, 2, 2), words or words_of(ROWS), context, seed)
    with torch.no_grad():
        model.decoder.token.weight.mul_(sharp)
    model.decoder.eval()
    return model


def nano_model(seed):
    """Four tokens (padding, begin, end, one word) and five places: all its texts can be listed, each worth counting."""
    return tiny_model(seed, 6, ["w"], 5, Architecture(8, 1, 2))


def every_answer(length, context=5, vocabulary=4, end=2):
    """List all answers to a prompt of a length: those that end, and those that fill the context."""
    open_, done = [()], []
    for _ in range(context - length):
        longer = [(*answer, token) for answer in open_ for token in range(vocabulary)]
        done += [answer for answer in longer if answer[-1] == end]
        open_ = [answer for answer in longer if answer[-1] != end]
    return done + open_


@dataclass(frozen=True)
class Kit:
    """One engine's small models."""

    name: str
    plain: Callable[..., Model]
    logits_of: Callable[[Any, tuple[int, ...]], torch.Tensor]
    """All logits after each token of a text, by the bare network."""
    how_sharp: float
    rate: float
    """A learning rate that moves it well."""

    def model(self, seed=0, sharp=False):
        return self.plain(seed, self.how_sharp if sharp else 1.0)

    def schedule(self, steps, rate=None):
        return self.model().defaults.schedule(steps, rate or self.rate)


TINY_KIT = Kit("tiny", tiny_model, lambda model, ids: model.decoder(torch.tensor([ids]))[0], 5.0, 1e-2)
HF_KIT = Kit("hf", hf_model, lambda model, ids: model.plain(torch.tensor([ids])).logits[0], 20.0, 1e-2)
BOTH_ENGINES = pytest.mark.parametrize("kit", [TINY_KIT, HF_KIT], ids=lambda kit: kit.name)
ALL = Mixture((RowSource(ROWS),), (4,))


def batch_of(*parts: TokenRows) -> PaddedRows:
    """All rows of each source, in order."""
    return collate([(rows, np.arange(len(rows))) for rows in parts])


@torch.no_grad()
def literal_logs(kit, model, ids, start):
    """Log-probabilities of the tokens from `start` on, by the bare network, one text alone."""
    logs = kit.logits_of(model, tuple(ids)).double().log_softmax(-1)
    return [float(logs[place - 1, ids[place]]) for place in range(start, len(ids))]


def literal_rows(kit, model, rows):
    """The same for every row, of what is learnt."""
    return [literal_logs(kit, model, rows.tokens_of(i), int(rows.start_N[i])) for i in range(len(rows))]


def weights(model):
    return {name: weight.detach().clone() for name, weight in model.state_dict().items()}


def same_weights(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def small_model_that_sees():
    """A Gemma 3 with an encoder of images: what it knows of texts lies below `text_config`."""
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration, Gemma3TextConfig, SiglipVisionConfig

    shape = {"hidden_size": 16, "intermediate_size": 32, "num_attention_heads": 4}
    text = Gemma3TextConfig(
        **shape, num_hidden_layers=3, num_key_value_heads=2, head_dim=4, vocab_size=259, max_position_embeddings=96
    )
    vision = SiglipVisionConfig(**shape, num_hidden_layers=5, image_size=16, patch_size=8)
    config = Gemma3Config(text_config=text, vision_config=vision, mm_tokens_per_image=1)
    return Gemma3ForConditionalGeneration(config)
