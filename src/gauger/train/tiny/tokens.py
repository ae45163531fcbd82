"""Turns texts into token ids and back: a closed vocabulary of whole words, divided by spaces."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gauger.errors import UserError, nearest
from gauger.train.rows import Prompt, TokenRows, TrainingRow, token_rows

PAD, BEGIN, END = 0, 1, 2
_SPECIAL = ("<pad>", "<begin>", "<end>")


class Words:
    """A closed vocabulary.

    Parameters
    ----------
    words : iterable of str
        Every word, each once, in a fixed order; three marks come before them.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self.own = tuple(words)
        self.words = (*_SPECIAL, *self.own)
        self.numbers = {word: number for number, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.words)

    def ids(self, text: str) -> list[int]:
        """Return the token ids of a text.

        Raises
        ------
        UserError
            Where a word is not in the vocabulary.
        """
        words = text.split()
        try:
            return list(map(self.numbers.__getitem__, words))
        except KeyError:
            unknown = next(word for word in words if word not in self.numbers)
            known = nearest(unknown, self.words) if len(self) < 100 else ""  # more are no help
            raise UserError(
                f"a text in the {len(self)} words of the model's vocabulary", f"the word {unknown!r}", hint=known
            ) from None

    def prompt_ids(self, prompt: Prompt) -> list[int]:
        """Return the begin mark and the ids of a prompt; the contents of messages follow each other."""
        return [BEGIN, *self.ids(prompt if isinstance(prompt, str) else " ".join(turn.content for turn in prompt))]

    def text(self, ids: Sequence[int], after: Prompt) -> str:
        """Return what follows a prompt; a mark in a word's place is written out, so that all can see it."""
        written = " ".join([self.words[token] for token in ids])
        return f" {written}" if written and after else written

    def encode(self, rows: Sequence[TrainingRow], context: int) -> TokenRows:
        """Return rows with begin and end marks, cut to the context."""
        flat: list[int] = []
        lengths, starts, lost = [], [], []
        for row in rows:
            first = len(flat)
            flat += self.prompt_ids(row.prompt)
            starts.append(1 if row.whole else len(flat) - first)
            flat += self.ids(row.completion)
            flat.append(END)
            lost.append(max(0, len(flat) - first - context))
            del flat[first + context :]
            lengths.append(len(flat) - first)
        return token_rows(flat, lengths, starts, lost)
