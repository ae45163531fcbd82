"""Small decoders and rows for tests."""

import numpy as np
import torch

from gauger.train.tiny.model import DecoderConfig
from gauger.train.tiny.rows import Rows, SoftTargets

VOCABULARY, CONTEXT = 13, 9
CONFIG = DecoderConfig(VOCABULARY, CONTEXT, width=16, layers=2, heads=2)


def small_model(seed=0, sharp=1.0):
    """Build an untrained decoder; `sharp` scales its embeddings, so that its logits differ clearly."""
    model = CONFIG.build(seed)
    with torch.no_grad():
        model.token.weight.mul_(sharp)
    return model.eval()


def random_rows(n_rows, rng, soft_k=None, context=CONTEXT):
    """Draw texts of 3 to `context` tokens, learnt from a random place on; soft targets with k tokens if wanted."""
    lengths = rng.integers(3, context + 1, size=n_rows)
    tokens = np.zeros((n_rows, context), dtype=np.int64)
    for row, length in enumerate(lengths):
        tokens[row, :length] = rng.integers(1, VOCABULARY, size=length)
    starts = np.array([rng.integers(1, length) for length in lengths])
    return Rows(tokens, starts, None if soft_k is None else random_soft(lengths - starts, soft_k, rng))


def random_soft(counts, k, rng):
    """Draw a teacher's distribution for every learnt position and show its k most likely tokens."""
    logits = torch.from_numpy(rng.normal(size=(int(counts.sum()), VOCABULARY)))
    values, tokens = logits.log_softmax(-1).topk(k, dim=-1)
    first = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)
    return SoftTargets(first, tokens.numpy(), values.numpy().astype(np.float32))


NANO = DecoderConfig(4, 5, width=8, layers=1, heads=2)
"""Four tokens (padding, begin, end, one word) and five places: all its texts can be listed."""


def nano_model(seed):
    """Build a decoder whose every text has a chance worth counting."""
    model = NANO.build(seed)
    with torch.no_grad():
        model.token.weight.mul_(6)
    return model.eval()


def every_answer(prompt, config=NANO, end=2):
    """List all answers to a prompt: those that end, and those that fill the context."""
    open_, done = [()], []
    for _ in range(config.context - len(prompt)):
        longer = [(*answer, token) for answer in open_ for token in range(config.vocabulary)]
        done += [answer for answer in longer if answer[-1] == end]
        open_ = [answer for answer in longer if answer[-1] != end]
    return done + open_


def literal_log(model, prompt, answer):
    """Add up the log-probabilities of an answer's tokens, one forward pass for each."""
    text, total = list(prompt), 0.0
    for token in answer:
        total += float(model(torch.tensor([text]))[0, -1].detach().double().log_softmax(-1)[token])
        text.append(token)
    return total
