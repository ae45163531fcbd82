"""Takes tasks of reasoning-gym: fresh items by seed, checked by the task's own verifier; untrusted ones are refused.

Found in reasoning-gym 0.1.25 (106 tasks, up to 50 items each):

- `boxnet`, `graph_color`, `propositional_logic`, `rubiks_cube` and `rush_hour` come without a right answer: nothing can
  be trained on, and their verifiers give the oracle 0. Found on load, as the first items' own answers must score 1.
- `binary_matrix`, `n_queens`, `spiral_matrix` and `string_insertion` hand the model's answer to `eval`, `countdown`,
  `intermediate_integration`, `polynomial_multiplication`, `puzzle24` and `simple_integration` to SymPy's parser, which
  evaluates it as well: a model's answer would be run as a program. Refused by name.
- `isomorphic_strings`, `polynomial_multiplication`, `ransom_note` and `word_ladder` draw other items in every process
  from the same seed. Refused by name.
- `composite` is no task but a mixture of tasks: give them one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from gauger.errors import MissingExtraError, Place, UserError, nearest
from gauger.spec import ReasoningGymTask
from gauger.worlds.items import Question, VerifierError
from gauger.worlds.language.arithmetic import ARITHMETIC
from gauger.worlds.language.gym_wordings import SHORT, ArithmeticWording, GymWording, PlainWording
from gauger.worlds.language.sources import ALL_FORMS, NEW, PLAIN_FORMS, TEST, TRAIN, divide, generator, stream_number

_RUNS_ANSWERS = "its verifier runs the model's answer as a program"
_IRREPRODUCIBLE = "it draws other items in every process from the same seed"
REFUSED: Mapping[str, str] = {
    **dict.fromkeys(("binary_matrix", "n_queens", "spiral_matrix", "string_insertion"), _RUNS_ANSWERS),
    **dict.fromkeys(("countdown", "intermediate_integration", "puzzle24", "simple_integration"), _RUNS_ANSWERS),
    "polynomial_multiplication": _RUNS_ANSWERS,
    **dict.fromkeys(("isomorphic_strings", "ransom_note", "word_ladder"), _IRREPRODUCIBLE),
    "composite": "it is a mixture of tasks, to be given one by one",
}
"""Task -> why it is refused before anything is drawn."""
CHECKED = 20
"""Items of each level whose own answer must score 1."""
MOST_ROUNDS = 20
"""Rounds of drawing, each as many items as are needed, after which the contents count as exhausted."""
_RIGHT = 1 - 1e-9
_FAULTS = (AssertionError, TypeError, ValueError, KeyError, AttributeError, IndexError)


class GymSource:
    """One task of reasoning-gym.

    Parameters
    ----------
    name : str
        Name of the task in the study.
    task : ReasoningGymTask
    seed : int
        The world's seed; the task's own items are drawn from it and `name`.

    Raises
    ------
    UserError
        Unknown or refused task, settings that it does not accept, too few different contents.
    """

    settings_type: ClassVar[type[ReasoningGymTask]] = ReasoningGymTask

    def __init__(self, name: str, task: ReasoningGymTask, seed: int, folder: Path | None = None) -> None:  # noqa: ARG002
        self.name, self.task, self.seed = name, task, seed
        self._check_name()

    @staticmethod
    def forms(task: ReasoningGymTask) -> tuple[str, ...]:
        """Every form where we can solve it step by step, else those that need no statement."""
        return ALL_FORMS if task.task in ARITHMETIC else PLAIN_FORMS

    @property
    def told(self) -> str:
        """Name the task of reasoning-gym."""
        return f"reasoning-gym {self.task.task}"

    @cached_property
    def questions(self) -> Mapping[str, Sequence[Question]]:
        """Draw contents level by level, each level with its part of every split."""
        levels = self.task.levels or ({},)
        seen: set[str] = set()
        splits: dict[str, list[Question]] = {TRAIN: [], TEST: [], NEW: []}
        for number, level in enumerate(levels):
            sizes = {split: _part(getattr(self.task, split), number, len(levels)) for split in splits}
            drawn = self._draw(number, level, sum(sizes.values()), seen)
            rng = generator(self.seed, self.name, "split", str(number))
            for split, chosen in divide(drawn, sizes, rng).items():
                splits[split] += chosen
        return splits

    def score(self, question: Question, answer: str) -> float:
        """Ask the task's own verifier.

        Raises
        ------
        VerifierError
            Where the verifier breaks on the answer.
        """
        try:
            return float(self._verifier.score_answer(answer, dict(question.entry)))
        except Exception as error:
            raise VerifierError(f"the verifier of {self.task.task} broke on an answer: {error!r}") from error

    def keys_in(self, text: str) -> frozenset[str]:
        """Find operands anywhere in a text; where the task is no arithmetic, whole questions."""
        return self._wording.keys_in(text)

    def read(self, asked: str) -> Question | None:
        """Read any problem of arithmetic, drawn or not; of other tasks the questions that were drawn."""
        return self._wording.read(asked)

    @cached_property
    def _wording(self) -> GymWording:
        own = self.task.wording == "own"
        plain = PlainWording(self.name, None if own else SHORT.get(self.task.task), self._drawn)
        kind = ARITHMETIC.get(self.task.task)
        return plain if kind is None else ArithmeticWording(self.name, kind, plain, own=own)

    def _drawn(self) -> list[Question]:
        return [question for chosen in self.questions.values() for question in chosen]

    # --- drawing ------------------------------------------------------------------------------------------------

    def _draw(self, number: int, level: Mapping[str, Any], n_wanted: int, seen: set[str]) -> list[Question]:
        """Draw questions of different contents, none of them in `seen`, which grows."""
        drawn: list[Question] = []
        difficulty = float(number + 1) if self.task.levels else None
        for round_ in range(MOST_ROUNDS):
            for question in self._items(number, level, n_wanted, round_):
                if question.key not in seen:
                    seen.add(question.key)
                    drawn.append(question if difficulty is None else replace(question, difficulty=difficulty))
                if len(drawn) == n_wanted:
                    return drawn
        hint = "Ask for fewer, or widen the task's settings."
        where = f" of level {number + 1}" if self.task.levels else ""
        raise self._error(f"{n_wanted} different contents{where} of {self.task.task}", f"only {len(drawn)}", hint=hint)

    def _items(self, number: int, level: Mapping[str, Any], size: int, round_: int) -> Iterator[Question]:
        seed = stream_number(str(self.seed), self.name, str(number), str(round_))
        dataset = self._dataset(level, max(size, CHECKED), seed)
        entries = (dataset[i] for i in range(size))
        for i, entry in enumerate(entries):
            if round_ == 0 and i < CHECKED:
                self._check_oracle(dataset, entry)
            yield self._wording.question(entry)

    # --- reasoning-gym ------------------------------------------------------------------------------------------

    @cached_property
    def _verifier(self) -> Any:
        return self._dataset((self.task.levels or ({},))[0], 1, 0)

    def _dataset(self, level: Mapping[str, Any], size: int, seed: int) -> Any:
        from reasoning_gym.factory import DATASETS, create_dataset  # type: ignore[import-untyped]

        settings = {**self.task.settings, **level}
        known = {field.name for field in fields(DATASETS[self.task.task][1])} - {"seed", "size"}
        for name in settings:
            if name not in known:
                raise self._error(f"a setting of {self.task.task}", repr(name), "settings", nearest(name, known))
        try:
            return create_dataset(self.task.task, **settings, seed=seed, size=size)
        except _FAULTS as error:
            raise self._error(
                f"settings that {self.task.task} accepts", str(error) or repr(error), "settings"
            ) from None

    def _check_name(self) -> None:
        try:
            from reasoning_gym.factory import DATASETS
        except ImportError:
            raise MissingExtraError("a task of reasoning-gym", "hf") from None
        name = self.task.task
        if name not in DATASETS:
            raise self._error(
                "a task of reasoning-gym", repr(name), "task", nearest(name, set(DATASETS) - set(REFUSED))
            )
        if name in REFUSED:
            raise self._error(
                "a task that can be trusted", f"{name!r}: {REFUSED[name]}", "task", "Choose another task."
            )

    def _check_oracle(self, dataset: Any, entry: Mapping[str, Any]) -> None:
        """Refuse a task that does not accept its own answer."""
        answer = entry["answer"]
        given = f"{self.task.task!r}, which gives no answer" if not isinstance(answer, str) else ""
        if not given:
            score = float(dataset.score_answer(answer, dict(entry)))
            given = "" if score >= _RIGHT else f"{self.task.task!r}, which gives its own answer {score:g}"
        if given:
            raise self._error("a task whose own answer scores 1", given, "task", "Choose another task.")

    def _error(self, wanted: str, given: str, key: str = "", hint: str = "") -> UserError:
        path = f"world.tasks.{self.name}" + (f".{key}" if key else "")
        return UserError(wanted, given, Place(key=path), hint)


def _part(total: int, number: int, n_parts: int) -> int:
    """Return the size of one of nearly equal parts."""
    return total * (number + 1) // n_parts - total * number // n_parts
