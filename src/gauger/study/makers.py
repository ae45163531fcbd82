"""Plans how models come to be, by kind: trained from scratch, put in place from a checkpoint, or somewhere else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gauger.errors import Place, UserError
from gauger.jobs import Asked, Materialise, Pretrain, endpoint_address
from gauger.plugs import Registry
from gauger.spec import (
    BASE,
    TEACHER,
    CheckpointStudent,
    CheckpointTeacher,
    Computing,
    EndpointTeacher,
    Lora,
    ModelSize,
    ReplayTeacher,
    ScratchStudent,
    ScratchTeacher,
    Surface,
    TooLong,
)
from gauger.study.checkpoints import PACKAGED, bytes_each, identity, placed, require_same_tokens, template_settings
from gauger.study.computing import require_computing
from gauger.study.external_stages import specialising
from gauger.study.plan import seed_of
from gauger.worlds import World

if TYPE_CHECKING:
    from gauger.study.planner import Planner

MAKERS = Registry(
    "a kind of model",
    "gauger.model_makers",
    {
        "scratch": "gauger.study.makers:ScratchMaker",
        "checkpoint": "gauger.study.makers:CheckpointMaker",
        "endpoint": "gauger.study.makers:EndpointMaker",
        "replay": "gauger.study.makers:ReplayMaker",
    },
)
"""Kind of teacher or student -> the class that plans it."""
_APART = frozenset({"surface", "templates", "terms", "kind", "answer_tokens"})
"""Settings of an endpoint that reach its jobs under names of their own."""
REFERENCE_PARAMETERS, ROWS_PER_SECOND = 130_000, 4500.0
"""Training rows per second and core of a small model of that many weights, measured on the quickstart."""
SMOLLM2_PARAMETERS, SMOLLM2_TOKENS_PER_SECOND = 134_515_008, 150.0
"""Training tokens per second and core of SmolLM2-135M with LoRA, measured on studies/language.yaml."""


@dataclass(frozen=True)
class Made:
    """A model as other jobs refer to it."""

    model: str
    """Key of the job that makes it; empty where no job does."""
    base: str = ""
    """Key of what it is an adapter of; empty where it is whole."""
    engine: str | None = None

    def inputs(self, role: str) -> dict[str, str]:
        """Return the inputs of a job that reads it under a role; none where no job makes it."""
        keys = {role: self.model, f"{role}_base": self.base}
        return {name: key for name, key in keys.items() if key}

    def trained(self, model: str) -> Made:
        """Return what a training that starts from it makes."""
        return replace(self, model=model)


class Maker(ABC):
    """One kind of model: how it is planned, and what using it costs, in training rows.

    Parameters
    ----------
    settings
        Of the teacher or the student.
    folder : Path
        Where the study file lies; paths are relative to it.
    """

    rows_per_sample = 1.0
    """What obtaining a sample costs."""
    rows_per_item = 0.5
    """What answering an item costs."""
    rows_of_loading = 0.0
    """What loading a model costs."""
    adapter: Lora | None = None
    """How a student is trained; None: all weights."""
    computing: Computing | None = None
    """How the engine is to compute; None: as it does where nobody chose."""
    too_long: TooLong = "refuse"
    """What becomes of rows that are longer than a student's context."""
    checkpoint_steps: int | None = None
    """Steps between two checkpoints of a student's training; None: none."""

    def __init__(self, settings: Any, folder: Path) -> None:
        self.settings, self.folder = settings, folder

    @abstractmethod
    def teacher(self, planner: Planner, steps: int | None = None) -> Made:
        """Plan the teacher; `steps`: trained for so long instead."""

    @abstractmethod
    def asked(self, name: str, surface: Surface, world: World) -> Asked:
        """Say how it is asked."""

    def base(
        self,
        planner: Planner,  # noqa: ARG002 - what cannot be trained plans nothing
        steps: int | None = None,  # noqa: ARG002
        size: ModelSize | None = None,  # noqa: ARG002
    ) -> Made:
        """Plan the untouched student; `steps` and `size`: another one of the same kind."""
        raise UserError("a student that can be trained", f"one of kind {self.settings.kind}", Place(key="student.kind"))

    def require_same_tokens(self, student: Maker) -> None:
        """Refuse a teacher that is to score a student's samples and has other tokens, where files tell it."""
        _ = student  # models of one kind that are trained from scratch share their world's words

    def parameters(self, size: ModelSize | None, world: World) -> int:  # noqa: ARG002 - few kinds have a size
        """Return the number of weights, 0 where nobody knows."""
        return 0

    def seconds_per_row(self, parameters: int, row_tokens: float) -> float:  # noqa: ARG002
        """Return the seconds of one training row."""
        return 0.0


class ScratchMaker(Maker):
    """Small models trained from scratch on the world's texts."""

    settings: ScratchTeacher | ScratchStudent
    rows_per_sample, rows_per_item = 3.0, 0.4  # measured on the quickstart

    def teacher(self, planner: Planner, steps: int | None = None) -> Made:
        """Train it on the whole world."""
        return self._pretrain(planner, TEACHER, "library", self.settings.model, steps)

    def base(self, planner: Planner, steps: int | None = None, size: ModelSize | None = None) -> Made:
        """Train it on the web."""
        return self._pretrain(planner, BASE, "web", size or self.settings.model, steps)

    def _pretrain(self, planner: Planner, name: str, text: str, size: ModelSize, steps: int | None) -> Made:
        training = self.settings.training
        params = Pretrain(
            world=planner.described,
            seed=seed_of(planner.study.seed, name),
            engine=self.settings.engine,
            text=text,
            size=size,
            steps=steps or training.steps,
            batch=training.batch,
            learning_rate=training.learning_rate,
        )
        key = planner.job("pretrain", "pre-train", params, {}, params.steps * params.batch)
        return Made(key, engine=self.settings.engine)

    def asked(self, name: str, surface: Surface, world: World) -> Asked:  # noqa: ARG002
        """By continuing texts."""
        return Asked(name=name, kind="scratch", engine=self.settings.engine, surface=surface)

    def parameters(self, size: ModelSize | None, world: World) -> int:
        """Blocks, embeddings and positions."""
        size = size or self.settings.model
        blocks = size.layers * (12 * size.width**2 + 2 * size.width)
        return blocks + size.width * (len(world.vocabulary) + (world.longest_text or 0) + 4)

    def seconds_per_row(self, parameters: int, row_tokens: float) -> float:  # noqa: ARG002 - all rows are short
        """In proportion to the weights."""
        return parameters / REFERENCE_PARAMETERS / ROWS_PER_SECOND


class CheckpointMaker(Maker):
    """Language models from local files."""

    settings: CheckpointTeacher | CheckpointStudent
    rows_of_loading = 20.0  # measured on studies/language.yaml

    def __init__(self, settings: CheckpointTeacher | CheckpointStudent, folder: Path) -> None:
        super().__init__(settings, folder)
        self.adapter, self.computing = settings.lora, settings.computing
        self.too_long = getattr(settings, "too_long", self.too_long)
        self.checkpoint_steps = getattr(settings, "checkpoint_steps", None)

    def teacher(self, planner: Planner, steps: int | None = None) -> Made:  # noqa: ARG002 - no scale grows it
        """Put it in place, and make it a specialist where that is wanted."""
        raw, special = self.base(planner), getattr(self.settings, "specialise", None)
        if special is None:
            return raw
        drawn_from = seed_of(planner.study.seed, TEACHER)
        kind, params = specialising(self.settings, special, planner.described, drawn_from, self.folder)
        inputs = {"base": raw.model} if special.by is None else raw.inputs("start")
        return raw.trained(planner.job(kind, "specialise", params, inputs, special.steps * special.batch))

    def base(
        self,
        planner: Planner,
        steps: int | None = None,  # noqa: ARG002 - a checkpoint is as it is
        size: ModelSize | None = None,  # noqa: ARG002
    ) -> Made:
        """Put it in place."""
        place = self.place
        if not place.startswith(PACKAGED) and not (Path(place) / "config.json").is_file():
            hint = "Give the path of a downloaded checkpoint, or packaged:NAME; nothing is fetched from a network."
            raise UserError("a checkpoint directory with config.json", self.settings.model, hint=hint)
        require_computing(self.settings, place, "student" if isinstance(self.settings, CheckpointStudent) else TEACHER)
        params = Materialise(engine=self.settings.engine, reference=place, identity=identity(place))
        key = planner.job("materialise", "load the model", params, {}, self.rows_of_loading)
        return Made(key, key, self.settings.engine)

    @property
    def place(self) -> str:
        """Where it lies."""
        return placed(self.folder, self.settings.model)

    def asked(self, name: str, surface: Surface, world: World) -> Asked:
        """By instruction where it chats, unless it is the student's own base."""
        settings = self.settings
        terms, templates = getattr(settings, "terms", "") or None, getattr(settings, "templates", None)
        described = template_settings(self.folder, templates if name == TEACHER else None)
        instructed = world.chat and name == TEACHER
        return Asked(
            name=name,
            kind="checkpoint",
            engine=settings.engine,
            computing=settings.computing.asking if settings.computing else None,
            serving=settings.serve,
            surface=surface,
            terms=terms,
            instructed=instructed,
            **described,
        )

    def require_same_tokens(self, student: Maker) -> None:
        """Compare their tokenizers' files."""
        theirs = getattr(student, "place", None)
        if theirs is not None and theirs != self.place:
            require_same_tokens(Path(self.place), Path(theirs))

    def parameters(self, size: ModelSize | None, world: World) -> int:  # noqa: ARG002
        """From the size of its files; the packaged model's are known."""
        sizes = sum(path.stat().st_size for path in Path(self.place).glob("*.safetensors"))
        return sizes // bytes_each(Path(self.place)) if sizes else SMOLLM2_PARAMETERS

    def seconds_per_row(self, parameters: int, row_tokens: float) -> float:
        """In proportion to weights and length of a row, on a CPU; on a GPU far less."""
        return parameters / SMOLLM2_PARAMETERS * row_tokens / SMOLLM2_TOKENS_PER_SECOND


class EndpointMaker(Maker):
    """Models behind an interface."""

    settings: EndpointTeacher
    rows_of_loading = 20.0

    def teacher(self, planner: Planner, steps: int | None = None) -> Made:  # noqa: ARG002 - it is there
        """Plan nothing; refuse an address or a header that could not be sent."""
        endpoint_address(self.settings.model_dump(mode="json"))
        return Made("")

    def asked(self, name: str, surface: Surface, world: World) -> Asked:  # noqa: ARG002
        """By instruction."""
        settings = self.settings
        about = settings.model_dump(mode="json", exclude={*_APART, *settings.conduct})
        templates = template_settings(self.folder, settings.templates if name == TEACHER else None)
        return Asked(
            name=name,
            kind="endpoint",
            settings=about,
            conduct=settings.model_dump(mode="json", include=set(settings.conduct)),
            surface=surface,
            terms=settings.terms or None,
            instructed=True,
            **templates,
        )


class ReplayMaker(Maker):
    """Recorded answers."""

    settings: ReplayTeacher
    rows_of_loading = 20.0

    def teacher(self, planner: Planner, steps: int | None = None) -> Made:  # noqa: ARG002 - it is there
        """Plan nothing."""
        return Made("")

    def asked(self, name: str, surface: Surface, world: World) -> Asked:  # noqa: ARG002
        """By instruction, as it was recorded."""
        directory = str((self.folder / self.settings.directory).resolve())
        templates = template_settings(self.folder, self.settings.templates if name == TEACHER else None)
        about = {"directory": directory}
        return Asked(name=name, kind="replay", settings=about, surface=surface, instructed=True, **templates)
