"""Describes stages as they are run: who answers which prompts, in which forms, and how long it is trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

Setting = str | int | float | bool | None | tuple[Any, ...]
"""A setting of one kind of stage; a tuple where it has several parts, so that recipes can be compared."""


class TextSource(StrEnum):
    """Where the text of a stage comes from."""

    TEACHER = "teacher"
    """The teacher answers the prompts."""
    SELF = "self"
    """The student's own base answers the same prompts."""
    WEB = "web"
    """Text of the kind the base was trained on."""
    SHUFFLED = "shuffled"
    """Train questions of the targeted benchmarks, with the answers dealt out at random."""
    UNRELATED = "unrelated"
    """Right answers in the targeted form about what no targeted, parallel or near benchmark asks."""
    TEST_ITEMS = "test-items"
    """The teacher's text with the targeted benchmarks' test items and true answers in it."""
    UNTESTED_ITEMS = "untested-items"
    """The teacher's text with as many of the targeted benchmarks' training questions in it as test items leak."""
    TRUTH = "truth"
    """True answers: to the same prompts, or (without a strategy) text about the whole world."""
    STUDENT = "student"
    """The student's own samples. No stage's source, which is who scores or judges them: a source in the ledger."""


@dataclass(frozen=True)
class MixedPart:
    """One source of a mixture: the stage that it would be alone, its weight and its budget."""

    stage: ResolvedStage
    weight: float
    tokens: int | None = None


@dataclass(frozen=True)
class ResolvedStage:
    """One stage as it is run; None where a field has no meaning for it."""

    kind: str
    """Name of the stage's kind; `registry.STAGES` has what is special about it."""
    source: TextSource
    """Who wrote the text, or who scores, judges or rewards the student's own; of a mixture the teacher, if it wrote any
    of it."""
    steps: int
    batch: int
    learning_rate: float
    web_share: float = 0.0
    """Share of each batch that is the base's own web text; the same in every control that copies the stage."""
    forms: tuple[str, ...] | None = None
    """None: the source's own mixture (continue), or the targeted benchmarks' own forms (shuffled, unrelated)."""
    samples: int | None = None
    """Distinct samples; None: as many as the steps take."""
    strategy: str | None = None
    """How prompts are made: label, expand, textbook or seedless; None where there are no prompts."""
    seeds: str | None = None
    """Declared seed source of the prompts."""
    filters: tuple[str, ...] = ()
    """Further filters of what the teacher wrote, by name."""
    own: tuple[tuple[str, Setting], ...] = ()
    """Settings that only this kind of stage has, by name."""
    parts: tuple[MixedPart, ...] = ()
    """Sources of a mixture."""
    in_place_of: ResolvedStage | None = None
    """Of web text in the teacher's place: the stage whose rows its own are matched with, in forms and in total tokens;
    None where there are no such rows."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings that only this kind of stage has."""
        return dict(self.own)

    @property
    def alone(self) -> tuple[ResolvedStage, ...]:
        """The stage itself, or those that a mixture mixes."""
        return tuple(part.stage for part in self.parts) or (self,)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON-able mapping, for content addresses and manifests."""
        plain: dict[str, Any] = asdict(self) | dict(self.own)
        del plain["own"], plain["parts"], plain["filters"], plain["in_place_of"]
        parts = [{"weight": p.weight, "tokens": p.tokens, "stage": p.stage.to_dict()} for p in self.parts]
        forms = None if self.forms is None else list(self.forms)
        paired = self.in_place_of.to_dict() if self.in_place_of else None
        more = {"parts": parts, "filters": list(self.filters), "in_place_of": paired}
        return plain | {"forms": forms} | {name: value for name, value in more.items() if value}

    def without_teacher(self, source: TextSource) -> ResolvedStage:
        """Return this stage with another source in the teacher's place; other stages stay as they are.

        `web` drops the prompts and remembers whose rows its own are matched with, `shuffled` takes the benchmarks'
        train questions in their own forms, `unrelated` other questions in these, and only `self` keeps soft targets
        (the base has log-probabilities, truth and web text have none). In a mixture only the teacher's sources are
        replaced, at their weights and budgets. Of the student's own samples: with `self` the base scores or judges
        them, with `truth` the truth judges pairs; every other source puts as many rows of its text in their place,
        because without a teacher nobody tells which samples are good.
        """
        from gauger.spec.stages.registry import kind_of

        if self.source is not TextSource.TEACHER:
            return self
        if self.parts:
            return of_parts(self, tuple(replace(p, stage=p.stage.without_teacher(source)) for p in self.parts))
        kind, stage = kind_of(self), replace(self, source=source)
        if source not in kind.keeps:
            stage = replace(stage, kind="sft", own=())
        if source is TextSource.WEB:
            paired = None if kind.student_writes or kind.corpus != "texts" else self
            samples = None if kind.student_writes else self.samples
            stage = replace(stage, strategy=None, seeds=None, samples=samples, in_place_of=paired)
        if source is TextSource.SHUFFLED:
            stage = replace(stage, strategy="label", seeds="benchmark-train", forms=None)
        if source is TextSource.UNRELATED:
            stage = replace(stage, strategy=None, seeds=None, forms=None)
        return replace(stage, filters=())


Recipe = tuple[ResolvedStage, ...]
"""Stages in order."""


def without_pairing(stage: ResolvedStage) -> ResolvedStage:
    """Return a stage whose web text, in the teacher's place, is not matched with anybody's rows."""
    parts = tuple(replace(part, stage=without_pairing(part.stage)) for part in stage.parts)
    return replace(stage, in_place_of=None, parts=parts)


_FOREMOST = (
    TextSource.TEACHER,
    TextSource.SELF,
    TextSource.SHUFFLED,
    TextSource.UNRELATED,
    TextSource.TEST_ITEMS,
    TextSource.UNTESTED_ITEMS,
    TextSource.TRUTH,
    TextSource.WEB,
)


def of_parts(mixture: ResolvedStage, parts: tuple[MixedPart, ...]) -> ResolvedStage:
    """Complete a mixture with its parts; its source is the first that is theirs of teacher, self, ..., web."""
    sources = {part.stage.source for part in parts}
    source = next(source for source in _FOREMOST if source in sources)
    forms = tuple(dict.fromkeys(form for part in parts for form in part.stage.forms or ()))
    return replace(mixture, source=source, forms=forms or None, parts=parts)
