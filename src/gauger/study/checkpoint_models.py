"""Plans language models from local files: put in place, and made specialists where that is wanted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gauger.errors import UserError
from gauger.jobs import Asked, Materialise
from gauger.spec import (
    TEACHER,
    CheckpointStudent,
    CheckpointTeacher,
    ModelSize,
    Surface,
)
from gauger.study.checkpoints import PACKAGED, bytes_each, identity, placed, require_same_tokens, template_settings
from gauger.study.computing import require_computing
from gauger.study.external_stages import specialising
from gauger.study.makers import Made, Maker
from gauger.study.plan import seed_of
from gauger.worlds import World

if TYPE_CHECKING:
    from gauger.study.planner import Planner

SMOLLM2_PARAMETERS, SMOLLM2_TOKENS_PER_SECOND = 134_515_008, 150.0
"""Training tokens per second and core of SmolLM2-135M with LoRA, measured on studies/language.yaml."""


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
