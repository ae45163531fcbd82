"""A tiny Llama with random weights and a byte tokenizer with a chat template, made without a download."""

import functools

import torch
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from gauger.elicit.teacher.messages import Message
from gauger.train.hf.rows import Row

TEMPLATE = (
    "{% for message in messages %}{{ '<s>' + message['role'] + '\n' + message['content'] + '</s>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<s>assistant\n' }}{% endif %}"
)
SPECIAL = ["<pad>", "<s>", "</s>"]


def small_tokenizer(first=()):
    """One token per byte; `first` puts other tokens before them, which makes another vocabulary."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate([*SPECIAL, *first, *letters])}
    tokenizer = Tokenizer(BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    names = dict(zip(("pad_token", "bos_token", "eos_token"), SPECIAL, strict=True))
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)
    wrapped.chat_template = TEMPLATE
    return wrapped


@functools.cache
def tokenizer():
    return small_tokenizer()


def small_model(seed=0, sharp=1.0, tied=True):
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


def chat(text):
    return (Message("user", text),)


ROWS = tuple(
    Row(prompt, completion, whole)
    for prompt, completion, whole in [
        ("2+2=", "4", False),
        (chat("name a colour"), "red", False),
        ("the sun", " rises in the east", True),
        ("7+5=", "12", False),
        (chat("and a longer question than the others, is it?"), "yes, clearly", False),
        ("a", "b", True),
    ]
)


def weights(model):
    return {name: weight.detach().clone() for name, weight in model.state_dict().items()}


def same_weights(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
