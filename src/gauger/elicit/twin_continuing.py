"""Asking a model that continues text: one stage's corpus in a language world, from start to end.

label, rationale   the benchmark's own training questions, as they are (the forms decide whether steps are asked for)
expand             the model goes on from the cut-off beginning of a seed question, and so writes a new one
textbook           the beginning of a form alone, on any subject of the targeted tasks' forms
seedless           as textbook, without the targeted tasks as a condition on what is kept

Teachers that chat, and so follow instructions, are asked through `chat/`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gauger.elicit.teacher.messages import ChatReply, ChatRequest, ChatTeacher, Message, ReplyOutcome
from gauger.elicit.twin_text_samples import TextSample
from gauger.worlds.language import FORMS, TextWorld
from gauger.worlds.language.forms import asked_in

ROUND = 64
"""Prompts written in one round."""
MOST_ROUNDS = 40
MOST_PROMPT_TOKENS = 48
"""Longest prompt that the teacher may write."""
_STATEMENT = re.compile(r".*?(?: is|=)(?= |$)")
IN_ORDER = ("form", "topic", "overlap", "duplicate")


@dataclass(frozen=True)
class WantedTexts:
    """What a stage asks for."""

    strategy: str
    forms: tuple[str, ...]
    samples: int
    tasks: tuple[str, ...]
    """Tasks of the targeted benchmarks."""
    max_new_tokens: int
    """Longest answer."""


def elicit_texts(
    world: TextWorld, teacher: ChatTeacher, wanted: WantedTexts, seed: int
) -> tuple[list[TextSample], tuple[str, ...]]:
    """Ask a teacher until enough samples are kept, its seeds or its budget are used up, or `MOST_ROUNDS` have passed.

    Returns
    -------
    samples : list of TextSample
        Every sample that was asked for, with the filter that dropped it.
    notes : tuple of str
        Why there are fewer than wanted, if there are.
    """
    filters = TextFilters(world, wanted.forms, None if wanted.strategy == "seedless" else wanted.tasks)
    rounds = _rounds(world, teacher, wanted, np.random.default_rng(seed))
    samples: list[TextSample] = []
    n_kept, why = 0, f"given up after {MOST_ROUNDS} rounds"
    for number in range(MOST_ROUNDS):
        fresh = next(rounds, None)
        if fresh is None:
            why = "nothing new was left to ask"
            break
        written = filters.prompts(fresh)
        ready = [sample for sample in written if sample.dropped is None]
        asked = ready[: wanted.samples - n_kept]
        answered = filters.texts(answer_texts(teacher, asked, wanted.max_new_tokens, seed + number))
        samples += [sample for sample in written if sample.dropped is not None] + answered
        samples += _paid_in_vain(ready, answered)
        n_kept += sum(sample.dropped is None for sample in answered)
        if n_kept >= wanted.samples:
            return samples, ()
        if len(answered) < len(asked) or not fresh:
            why = "the budget is spent"
            break
    return samples, (f"{n_kept} of {wanted.samples} samples: {why}",)


def _paid_in_vain(ready: Sequence[TextSample], answered: Sequence[TextSample]) -> list[TextSample]:
    """Keep the prompts that the teacher wrote and nobody asked: what was spent on them must stand in the ledger."""
    done = {sample.prompt for sample in answered}
    return [replace(sample, dropped="unasked") for sample in ready if sample.queries and sample.prompt not in done]


def answer_texts(
    teacher: ChatTeacher, samples: Sequence[TextSample], max_new_tokens: int, seed: int
) -> list[TextSample]:
    """Have a teacher answer prompts, each in its form; what the budget does not allow is left out."""
    requests = [_request(s.prompt, max_new_tokens, stops=_stops(s.prompt), seed=seed) for s in samples]
    replies = dict(teacher.ask(requests))
    return [_answered(samples[i], replies[i], teacher.name) for i in sorted(replies)]


def _answered(sample: TextSample, reply: ChatReply, name: str) -> TextSample:
    form = (asked_in(sample.prompt) or ("qa", ""))[0]
    said = reply.text.strip()
    text = said if form == "tagged" or not said else f" {said}"
    done = replace(sample, answer=text, teacher=name).spend(reply.tokens_in, reply.tokens_out)
    return done if reply.outcome is ReplyOutcome.ANSWERED else replace(done, dropped=str(reply.outcome))


def _request(
    prompt: str, max_tokens: int, *, temperature: float = 0.0, stops: Sequence[str] = (), seed: int = 0
) -> ChatRequest:
    return ChatRequest((Message("user", prompt),), max_tokens, temperature, seed, tuple(stops))


def _stops(prompt: str) -> tuple[str, ...]:
    found = asked_in(prompt)
    return FORMS[found[0]].stops if found else ("\n",)


def _rounds(
    world: TextWorld, teacher: ChatTeacher, wanted: WantedTexts, rng: np.random.Generator
) -> Iterator[list[TextSample]]:
    seeds = {task: world.word(world.benchmark_train[task], wanted.forms) for task in wanted.tasks}
    if wanted.strategy in ("label", "rationale"):
        texts = [text for of_task in seeds.values() for text in of_task]
        yield [
            TextSample(texts[i].prompt, "", wanted.strategy, "teacher", seed_ids=(texts[i].question.key,))
            for i in rng.permutation(len(texts))
        ]
        return
    tasks = [of_task for of_task in seeds.values() if of_task]
    while tasks:
        if wanted.strategy == "expand":
            picks = [
                of_task[rng.integers(len(of_task))]
                for of_task in (tasks[i] for i in rng.integers(len(tasks), size=ROUND))
            ]
            openings = [_cut(pick.prompt, pick.form, rng) for pick in picks]
            yield _written(teacher, wanted, openings, [pick.question.key for pick in picks], rng)
        else:
            forms = [wanted.forms[i] for i in rng.integers(len(wanted.forms), size=ROUND)]
            yield _written(teacher, wanted, [(FORMS[form].before, form) for form in forms], [None] * ROUND, rng)


def _cut(prompt: str, form: str, rng: np.random.Generator) -> tuple[str, str]:
    """Keep the first words of a question, at least the form's beginning and at most all but one word."""
    before = FORMS[form].before
    asked = prompt[len(before) : len(prompt) - len(FORMS[form].after)]
    words = asked.split(" ")
    return before + " ".join(words[: rng.integers(0, len(words))]), form


def _written(
    teacher: ChatTeacher,
    wanted: WantedTexts,
    openings: Sequence[tuple[str, str]],
    seeds: Sequence[str | None],
    rng: np.random.Generator,
) -> list[TextSample]:
    """Have the teacher write prompts that begin as given, up to where the form's answer begins."""
    draws = rng.integers(2**31, size=len(openings))
    requests = [
        _request(opening, MOST_PROMPT_TOKENS, temperature=1.0, stops=[FORMS[form].after or "\n"], seed=int(draw))
        for (opening, form), draw in zip(openings, draws, strict=True)
    ]
    samples = []
    for index, reply in sorted(dict(teacher.ask(requests)).items()):
        (opening, form), key = openings[index], seeds[index]
        prompt = _up_to_answer(opening + reply.text, form)
        sample = TextSample(prompt, "", wanted.strategy, "teacher", seed_ids=(key,) if key else ())
        cut_off = None if reply.outcome is ReplyOutcome.ANSWERED else str(reply.outcome)
        samples.append(replace(sample, dropped=cut_off).spend(reply.tokens_in, reply.tokens_out))
    return samples


def _up_to_answer(text: str, form: str) -> str:
    """End a prompt where its answer begins: a statement, which has no mark of its own, after "is" or "="."""
    if FORMS[form].after:
        return text + FORMS[form].after
    found = _STATEMENT.match(text)
    return found[0] if found else text


class TextFilters:
    """Which samples are kept: form, topic, overlap with held-out content, duplicates; the first that fails is named.

    Parameters
    ----------
    world : TextWorld
        Reads questions out of texts, and knows what is held out.
    forms : tuple of str
        Wanted forms.
    tasks : tuple of str, optional
        Tasks wanted; None takes any.
    """

    def __init__(self, world: TextWorld, forms: tuple[str, ...], tasks: tuple[str, ...] | None) -> None:
        self.world, self.forms, self.tasks = world, forms, tasks
        self._prompts: set[str] = set()
        self._texts: set[str] = set()

    def prompts(self, samples: Sequence[TextSample]) -> list[TextSample]:
        """Mark prompts that are not worth an answer."""
        marked = []
        for sample in samples:
            fault = sample.dropped or self._fault(sample)
            fault = fault or ("duplicate" if sample.prompt in self._prompts else None)
            self._prompts.add(sample.prompt)
            marked.append(self._mark(sample, fault))
        return marked

    def texts(self, samples: Sequence[TextSample]) -> list[TextSample]:
        """Mark whole texts; one that was dropped before stays so."""
        marked = []
        for sample in samples:
            fault = sample.dropped or self._fault(sample) or ("duplicate" if sample.id in self._texts else None)
            fault = fault or (None if sample.answer else "empty")
            self._texts.add(sample.id)
            marked.append(self._mark(sample, fault))
        return marked

    def _fault(self, sample: TextSample) -> str | None:
        found = self.world.read(sample.prompt)
        if found is None or found[0] not in self.forms:
            return "form"
        if self.tasks is not None and found[1].task not in self.tasks:
            return "topic"
        return "overlap" if self.world.overlaps(sample.text) else None

    def _mark(self, sample: TextSample, dropped: str | None) -> TextSample:
        overlaps = tuple(sorted(self.world.overlaps(sample.text)))
        passed = IN_ORDER[: IN_ORDER.index(dropped)] if dropped in IN_ORDER else () if dropped else IN_ORDER
        return replace(sample, dropped=dropped, filters=passed, overlaps=overlaps)
