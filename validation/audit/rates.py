"""Checks an audit against planted truth: recall and false alarms of each class, and whether stated intervals hold them.

    python validation/audit/rates.py > validation/audit/results.txt

Part 1: one benchmark of 3,600 items, 600 of them planted in a corpus, 100 of each class; 3,000 are in no text. Beside
the audit stands the field's plain net: an item is touched where one of its runs of 13 words stands in a text.
Part 2: 24 benchmarks of 240 items, each with its own corpus; a fifth of the items is planted, all as one class.
Counted is how often the stated intervals hold the truth: the recall of the class over all of them, the false alarms
of all clean items, and the very share that was planted.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gauger.audit import AuditQuestion, AuditResult, audit_corpora
from gauger.audit.benchmarks import AuditItem
from gauger.audit.planting import CASE, EMBEDDED, HALF, MIRRORED, NUMBERS, OPTIONS, plant
from gauger.stats import binomial_interval
from gauger.store import write_bytes

CLASSES = (EMBEDDED, CASE, HALF, NUMBERS, OPTIONS, MIRRORED)
NET_OF = {NUMBERS: "n-grams, any numbers"}
FRAME = "Read the question below with care and answer it with a single word or number only. "
"""Stands before one item in four, and in one text of fifty. Half of such an item is mostly frame: none is planted."""
_LETTERS = np.array(list("aaabcdeeefghiiiklmnooopqrstuuuvwz"))


class Language:
    """Writes texts that repeat themselves as people do: words and set phrases, the commonest most of the time."""

    def __init__(self, rng: np.random.Generator, n_words: int = 4_000, n_phrases: int = 1_500) -> None:
        self.rng = rng
        words = ["".join(rng.choice(_LETTERS, rng.integers(2, 9))) for _ in range(n_words)]
        self.words, self.p_word = words, _zipf(n_words)
        self.phrases = [" ".join(self._words(int(n))) for n in rng.integers(2, 6, n_phrases)]
        self.p_phrase = _zipf(n_phrases)

    def _words(self, n: int) -> list[str]:
        return [self.words[k] for k in self.rng.choice(len(self.words), n, p=self.p_word)]

    def sentence(self) -> str:
        """Write a sentence: words, a phrase, words and now and then a number."""
        parts = self._words(int(self.rng.integers(2, 6)))
        parts.append(self.phrases[self.rng.choice(len(self.phrases), p=self.p_phrase)])
        parts += self._words(int(self.rng.integers(2, 6)))
        if self.rng.random() < 0.6:
            parts.insert(int(self.rng.integers(1, len(parts))), str(self.rng.integers(2, 500)))
        return " ".join(parts).capitalize()

    def text(self, n: int) -> str:
        """Write n sentences."""
        return ". ".join(self.sentence() for _ in range(n)) + "."

    def item(self, number: int, framed: bool = True) -> AuditItem:
        """Write a question of some 30 words, every other one with options; one in four stands in one frame."""
        frame = FRAME if framed and number % 4 == 0 else ""
        first, second = self.sentence(), self.sentence()
        question = f"{frame}{first} {self.rng.integers(2, 99)}. {second} {self.rng.integers(2, 99)}?"
        n_options = 4 * int(self.rng.integers(2))
        return AuditItem("made up", str(number), question, tuple(" ".join(self._words(2)) for _ in range(n_options)))


def _zipf(n: int) -> np.ndarray:
    chances = 1 / np.arange(2, n + 2)
    return chances / chances.sum()


@dataclass(frozen=True)
class Case:
    """A benchmark with its corpus, and what was planted."""

    items: Sequence[AuditItem]
    planted: dict[int, str]
    texts: Sequence[str]


def make(rng: np.random.Generator, n_items: int, planted: dict[int, str], n_texts: int, framed: bool = True) -> Case:
    """Make items and a corpus that holds copies of some of them."""
    language = Language(rng)
    items = [language.item(k, framed) for k in range(n_items)]
    texts = [language.text(int(rng.integers(5, 30))) for _ in range(n_texts)]
    texts[::50] = [f"{FRAME}{text}" for text in texts[::50]]
    for k, kind in planted.items():
        copy = None
        while copy is None:  # an item without options has no copy with options in another order
            copy = plant(items[k], kind, [texts[int(rng.integers(n_texts))]], rng)
            items[k] = language.item(k, framed) if copy is None else items[k]
        texts.append(copy)
    return Case(items, planted, [texts[k] for k in rng.permutation(len(texts))])


def audited(case: Case, seed: int, n_planted: int) -> AuditResult:
    """Write the case as files and audit them."""
    import json

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = [json.dumps({"text": text}) + "\n" for text in case.texts]
        write_bytes(folder / "corpus.jsonl", "".join(lines).encode())
        rows = [{"id": one.id, "question": one.question, "choices": list(one.options)} for one in case.items]
        write_bytes(folder / "items.jsonl", "".join(json.dumps(row) + "\n" for row in rows).encode())
        question = AuditQuestion(
            {"c": [folder / "corpus.jsonl"]}, [(None, folder / "items.jsonl")], (), n_planted, seed=seed, workers=1
        )
        return audit_corpora(question)


def plain_13(case: Case) -> set[int]:
    """Return the items of which one run of 13 words stands in a text: case and punctuation taken away."""

    def words(text: str) -> list[str]:
        return re.sub(r"[^\w\s]", "", text.lower()).split()

    runs: dict[tuple[str, ...], list[int]] = {}
    for k, item in enumerate(case.items):
        found = words(item.text)
        for at in range(len(found) - 12):
            runs.setdefault(tuple(found[at : at + 13]), []).append(k)
    touched: set[int] = set()
    for text in case.texts:
        found = words(text)
        for at in range(len(found) - 12):
            touched.update(runs.get(tuple(found[at : at + 13]), ()))
    return touched


def one_large(rng: np.random.Generator) -> None:
    """Part 1."""
    chosen = [int(k) for k in rng.permutation(3_600) if k % 4][:600]
    planted = {k: CLASSES[place % len(CLASSES)] for place, k in enumerate(chosen)}
    case = make(rng, 3_600, planted, 12_000)
    result = audited(case, 1, 300)
    naive = plain_13(case)
    flags = {net: {k for k in range(3_600) if (k, net) in result.found} for net in result.nets}
    union = set().union(*flags.values())
    rates = {(one.net, one.kind): one for one in result.rates}
    print("class                 planted  found by either net   by the plain 13-gram set   stated recall")
    for kind in CLASSES:
        mine = [k for k, planted_kind in planted.items() if planted_kind == kind]
        stated = rates[NET_OF.get(kind, "n-grams"), kind].recall
        assert stated.low is not None
        assert stated.high is not None
        found, plain = np.mean([k in union for k in mine]), np.mean([k in naive for k in mine])
        print(f"{kind:22s} {len(mine):6d} {found:15.1%} {plain:24.1%}          {stated.low:.3f} to {stated.high:.3f}")
    clean = [k for k in range(3_600) if k not in planted]
    for name, found in (*flags.items(), ("either net", union), ("plain 13-gram set", naive)):
        wrong = sum(k in found for k in clean)
        reach = binomial_interval(wrong, len(clean))
        print(f"false alarms, {name:24s} {wrong:4d} of {len(clean)} clean items ({reach.low:.2%} to {reach.high:.2%})")
    stated = result.rates[0].false_positive_rate
    print(f"stated false alarms of n-grams, by twins: {stated.value:.3%} ({stated.low:.3%} to {stated.high:.3%})")


def many_small(seed: int, n_draws: int = 24) -> None:
    """Part 2."""
    stated, truth, alarms, shares = [], {}, [], []
    for draw in range(n_draws):
        rng = np.random.default_rng([seed, draw])
        kind = CLASSES[draw % len(CLASSES)]
        net = NET_OF.get(kind, "n-grams")
        planted = dict.fromkeys([int(k) for k in rng.permutation(240)[:48]], kind)
        case = make(rng, 240, planted, 600, framed=False)
        result = audited(case, draw, 100)
        found = {k for k in range(240) if (k, net) in result.found}
        rate = next(one for one in result.rates if (one.net, one.kind) == (net, kind))
        stated.append((kind, rate))
        hits = truth.setdefault(kind, [])
        hits += [k in found for k in planted]
        alarms += [k in found for k in range(240) if k not in planted]
        shares.append(rate.corrected(len(found), 240))
    inside = [_holds(rate.recall, float(np.mean(truth[kind]))) for kind, rate in stated]
    quiet = [_holds(rate.false_positive_rate, float(np.mean(alarms))) for _, rate in stated]
    print(f"\nstated recall holds that of all draws      {np.mean(inside):.1%} of {n_draws}")
    print(
        f"stated false alarms hold those of all      {np.mean(quiet):.1%} of {n_draws}   (all: {np.mean(alarms):.3%})"
    )
    print(
        f"corrected share holds what was planted     {np.mean([_holds(one, 0.2) for one in shares]):.1%} of {n_draws}"
    )


def _holds(estimate: object, value: float) -> bool:
    low, high = getattr(estimate, "low"), getattr(estimate, "high")  # noqa: B009
    return low is not None and low - 1e-12 <= value <= high + 1e-12


if __name__ == "__main__":
    one_large(np.random.default_rng(7))
    sys.stdout.flush()
    many_small(11)
