"""Asking a model that follows instructions: one stage's corpus in a language world, by the strategies of `chat/`.

The teacher sees the bare question, or the seed in its form; the student learns the question in the stage's forms with
what the teacher said. Held-out content is kept out as everywhere, whatever wording the teacher found for it: a filter
of the collection, which goes on asking for what it dropped.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from gauger.elicit.collect import Setting, collect_corpus
from gauger.elicit.corpus import ChatCorpus
from gauger.elicit.filters.filters import Filters
from gauger.elicit.sample import ChatSample
from gauger.elicit.strategies.registry import program
from gauger.elicit.strategies.seeds import Seed
from gauger.elicit.teacher.messages import ChatTeacher, Message
from gauger.elicit.twin_continuing import WantedTexts
from gauger.worlds.language import FORMS, TextWorld
from gauger.worlds.language.forms import asked_in, has_form, render

IN_FORM = ("label", "rationale")
"""Strategies whose seeds are asked as the benchmark asks them."""


def elicit_by_instruction(
    world: TextWorld,
    teacher: ChatTeacher,
    wanted: WantedTexts,
    seed: int,
    surface: str = "text",
    templates: Path | None = None,
) -> ChatCorpus:
    """Ask a teacher by a strategy until enough is kept, and put what it said into the stage's forms.

    Parameters
    ----------
    world : TextWorld
        Seeds, forms and held-out content.
    teacher : ChatTeacher
        Who is asked, behind its budget.
    wanted : WantedTexts
        Strategy, forms, number of samples, targeted tasks, longest answer.
    seed : int
        Source of randomness.
    surface : str
        What the interface shows, for the ledger.
    templates : Path, optional
        Folder with prompts in place of our own.

    Returns
    -------
    ChatCorpus
        What touches held-out content is dropped as `overlap`, or as `prompt-overlap` where the teacher wrote the
        problem, which it is then not asked; `overlaps` names the content, in rows that another filter dropped too.
    """
    strategy = program(wanted.strategy, templates).limited(max_tokens=wanted.max_new_tokens)
    shape = partial(put_in_form, forms=wanted.forms)
    held_out = HeldOut(world, wanted.forms, tagged=strategy.tagged)
    filters = Filters(
        verify=False,
        near_duplicates=None,
        further=(held_out,),
        further_prompts=(replace(held_out, name="prompt-overlap"),),
    )
    setting = Setting(surface, shape=shape)
    corpus = collect_corpus(teacher, strategy, _seeds(world, wanted), wanted.samples, filters, seed, setting)
    return replace(corpus, samples=tuple(held_out.marked(sample) for sample in corpus.samples))


def _seeds(world: TextWorld, wanted: WantedTexts) -> list[Seed]:
    """Make seeds; their ids are content keys, the same in every form, so that lineage ends in them."""
    questions = [question for task in wanted.tasks for question in world.benchmark_train[task]]
    bare = wanted.strategy not in IN_FORM
    asked = (
        [(q, q.text) for q in questions]
        if bare
        else [
            (question, render(question, form).prompt)
            for form in wanted.forms
            for question in questions
            if has_form(question, form)
        ]
    )
    return [Seed(id=q.key, prompt=prompt, answer=q.answer, benchmark=q.task, split="train") for q, prompt in asked]


def put_in_form(sample: ChatSample, forms: tuple[str, ...]) -> ChatSample:
    """Put a problem that the teacher wrote into one of the forms, and its answer as the form begins one.

    Which form is a function of the problem alone; a sentence to complete (`cloze`) is no problem, so `qa` stands for
    it. A prompt that is of a form stays as it is.
    """
    prompt, said = sample.prompt_text, sample.answer.strip()
    if asked_in(prompt) is None:
        form = forms[int(sample.prompt_hash, 16) % len(forms)]
        shape = FORMS[form if form != "cloze" else "qa"]
        prompt = shape.before + prompt + shape.after
    return replace(sample, prompt=(Message("user", prompt),), answer=said if prompt.endswith("\n") else f" {said}")


@dataclass(frozen=True)
class HeldOut:
    """Overlap of what the student would learn with the world's held-out content: a filter."""

    world: TextWorld
    forms: tuple[str, ...]
    tagged: bool = False
    """Whether reasoning that was shown is trained on too."""
    name: str = "overlap"

    def __call__(self, sample: ChatSample) -> ChatSample:
        """Name the content that it touches, and drop it if there is any."""
        marked = self.marked(put_in_form(sample.tagged if self.tagged else sample, self.forms))
        return replace(sample, overlaps=marked.overlaps).fails(self.name) if marked.overlaps else sample

    def marked(self, sample: ChatSample) -> ChatSample:
        """Name the content that a text touches as it stands."""
        found = self.world.overlaps(sample.text) | set(sample.overlaps)
        return replace(sample, overlaps=tuple(sorted(found)))
