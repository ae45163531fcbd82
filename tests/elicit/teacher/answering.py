"""A teacher whose replies are a function of the request, for the tests of strategies and corpora."""

from dataclasses import dataclass, field

from gauger.elicit.strategies.seeds import Seed
from gauger.elicit.teacher.messages import Reply, ReplyOutcome

WORDS = ("apples", "boats", "candles", "drums", "engines", "flags", "gates", "hats")


@dataclass
class Answering:
    """`say` makes text, or a whole reply, of a request; None gives no reply, as where a budget is spent."""

    say: object
    name: str = "answering"
    terms: str | None = "for tests"
    asked: list = field(default_factory=list)
    backwards: bool = True
    """Replies come in the reverse order of the requests."""

    def ask(self, requests):
        self.asked += requests
        order = list(enumerate(requests))
        for place, request in reversed(order) if self.backwards else order:
            said = self.say(request)
            if isinstance(said, str):
                said = Reply(ReplyOutcome.ANSWERED, said, tokens_in=10, tokens_out=3, cost_usd=0.001, seconds=0.5)
            if said is not None:
                yield place, said


def last(request):
    """The user's last words."""
    return request.messages[-1].content


def plain(request):
    """Answers everything that our templates ask."""
    text, mark = last(request), request.key[:8]
    if "numbered list" in text:
        count = int(text.split("Write ")[1].split()[0])
        return "\n".join(
            f"{n}. How many {WORDS[int(mark[n], 16) % 8]} are {mark[n : n + 3]} {WORDS[n]} and {mark} more of kind {n}?"
            for n in range(1, count + 1)
        )
    if "Ranking:" in text:
        return f"Some are clearer.\nRanking: {', '.join(str(n) for n in range(text.count('Answer '), 0, -1))}"
    if "CORRECT" in text:
        return "The corrected answer."
    if "Name in two to eight words" in text:
        return "**Sums of small numbers.**"
    return f"A long answer by {mark} with seed {request.seed}."


def seeds(count, **more):
    return [
        Seed(id=f"s{n}", prompt=f"What is {n} plus {n * n}?", benchmark="sums", split="train", **more)
        for n in range(count)
    ]
