"""Teachers whose words are decided by the test, and that count what they are asked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from gauger.elicit.twin_teacher import Answer, Request, Shown, Words
from gauger.worlds.atlas.forms import PROMPT_ENDS
from gauger.worlds.atlas.truth import true_answer


@dataclass
class Scripted:
    """Continues each prompt with `say(prompt, rng)`; a text longer than the limit is cut off and has not ended."""

    say: Callable[[Words, np.random.Generator], Sequence[str]]
    name: str = "scripted"
    vocabulary: int = 20
    requests: list[tuple[Words, Request]] = field(default_factory=list)

    def complete(self, prompts: Sequence[Words], request: Request) -> list[Answer]:
        rng = np.random.default_rng(request.seed)
        self.requests += [(prompt, request) for prompt in prompts]
        return [self._answer(prompt, tuple(self.say(prompt, rng)), request) for prompt in prompts]

    @staticmethod
    def _answer(prompt: Words, words: Words, request: Request) -> Answer:
        stop = next((place for place, word in enumerate(words) if word in request.stops), None)
        if stop is not None and stop < request.max_new_tokens:
            return Answer(words[: stop + 1], True, len(prompt) + 1, stop + 1)
        if len(words) < request.max_new_tokens:
            return Answer(words, True, len(prompt) + 1, len(words) + 1)
        return Answer(words[: request.max_new_tokens], False, len(prompt) + 1, request.max_new_tokens)

    def log_probabilities(self, prompts: Sequence[Words], answers: Sequence[Words], top_k: int | None) -> list[Shown]:
        k = self.vocabulary if top_k is None else min(top_k, self.vocabulary)
        return [
            Shown(
                np.tile(np.arange(k), (len(answer) + 1, 1)),
                np.full((len(answer) + 1, k), -np.log(self.vocabulary), dtype=np.float32),
            )
            for answer in answers
        ]


def texts_teacher(texts: Sequence[Words], atlas, **more) -> Scripted:
    """Write one of `texts` at random from nothing or after an opening, and answer whole prompts with what follows.

    A prompt that stands in no text is answered truly, so that nothing is lost by not knowing it.
    """
    by_opening: dict[Words, list[Words]] = {}
    for text in dict.fromkeys(texts):
        for length in range(len(text) + 1):
            by_opening.setdefault(text[:length], []).append(text[length:])

    def say(prompt: Words, rng: np.random.Generator) -> Words:
        found = by_opening.get(prompt)
        if found:
            return found[rng.integers(len(found))]
        if prompt and prompt[-1] in PROMPT_ENDS:
            return true_answer(atlas, prompt, ()) or ()
        everything = by_opening[()]
        return everything[rng.integers(len(everything))]

    return Scripted(say, **more)
