"""Teachers whose words are decided by the test, and that count what they are asked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from gauger.elicit.teacher.messages import Reply, ReplyOutcome, Request


def last(request: Request) -> str:
    """What is continued."""
    return request.messages[-1].content


def by_words(request: Request) -> int:
    """Count a prompt as the scripted teacher does: words and a begin mark."""
    return len(last(request).split()) + 1


@dataclass
class Scripted:
    """Continues each prompt with `say(prompt, rng)`; offers `Teacher`.

    Tokens are words, a stop string and an end mark. A text longer than the limit is cut off and has not ended; one with
    a stop in it ends there. What `say` returns may leave out the space after the prompt.
    """

    say: Callable[[str, np.random.Generator], str | Reply | None]
    name: str = "scripted"
    terms: str | None = None
    requests: list[Request] = field(default_factory=list)

    def ask(self, requests: Sequence[Request]):
        """Yield replies in order; None ends them, as where a budget is spent."""
        for index, request in enumerate(requests):
            self.requests.append(request)
            said = self.say(last(request), np.random.default_rng(request.seed))
            if said is None:
                return
            yield index, said if isinstance(said, Reply) else self._reply(request, said)

    @staticmethod
    def _reply(request: Request, said: str) -> Reply:
        prompt = last(request)
        if not prompt or prompt[-1].isspace():
            said = said.lstrip(" ")
        elif said and not said[0].isspace():
            said = f" {said}"
        stop, at = min(
            ((stop, said.find(stop)) for stop in request.stop if stop in said),
            key=lambda found: found[1],
            default=(None, len(said)),
        )
        words = said[:at].split()
        fits = len(words) < request.max_tokens
        text = said[:at].rstrip(" ") if fits else " ".join(words[: request.max_tokens])
        if not fits and said.startswith(" "):
            text = f" {text}"
        outcome = ReplyOutcome.ANSWERED if fits else ReplyOutcome.TRUNCATED
        used = min(len(words) + 1, request.max_tokens)
        return Reply(outcome, text, tokens_in=by_words(request), tokens_out=used, stop=stop if fits else None)


def texts_teacher(texts: Sequence[str], world, **more) -> Scripted:
    """Write one of `texts` at random from nothing or after an opening, and answer whole prompts with what follows.

    A prompt that stands in no text is answered truly, so that nothing is lost by not knowing it.
    """
    by_opening: dict[str, list[str]] = {}
    for text in dict.fromkeys(texts):
        words = text.split(" ")
        for length in range(len(words) + 1):
            by_opening.setdefault(" ".join(words[:length]), []).append(" ".join(words[length:]))

    def say(prompt: str, rng: np.random.Generator) -> str:
        found = by_opening.get(prompt.rstrip(" "))
        if found:
            return found[rng.integers(len(found))]
        if world.form_of(prompt):
            return world.true_answer(prompt) or ""
        everything = by_opening[""]
        return everything[rng.integers(len(everything))]

    return Scripted(say, **more)
