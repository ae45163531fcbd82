"""Defines the `student` of a study: which model is the base of every arm, and what its kind can do."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from gauger.plugs import Registry
from gauger.spec.base import Count, Name, OptIn, Reference, SpecPart
from gauger.spec.computing import Computing
from gauger.spec.models import FromScratch, Lora, ModelSize, TooLong, Training, in_words
from gauger.spec.serving import Serving


class StudentSettings(SpecPart):
    """Any student; the class variables say what its kind can do."""

    kind: str
    """Which student."""
    has_files: ClassVar[bool] = False
    """Whether it lies in files that programs of others read and train."""

    @property
    def from_scratch(self) -> FromScratch | None:
        """How its base is trained from scratch, so that a scale can grow others; None where it is not."""
        return None

    @property
    def in_words(self) -> str:
        """Which model it is, for the first screen of a report."""
        return in_words(self.from_scratch, getattr(self, "model", None) or f"of kind {self.kind}")


class ScratchStudent(StudentSettings):
    """A small student whose base is trained from scratch on the web text of an embedded world."""

    kind: Literal["scratch"] = "scratch"
    """Trained from scratch."""
    engine: Name = "tiny"
    """Which engine trains it."""
    model: ModelSize
    """Size of the student."""
    training: Training
    """How the base student is trained on the web text."""

    @property
    def from_scratch(self) -> FromScratch | None:
        """On the web."""
        return FromScratch(self.engine, self.model, self.training)


class CheckpointStudent(StudentSettings):
    """A language model from local files; it is the base of every arm."""

    has_files: ClassVar[bool] = True
    kind: Literal["checkpoint"]
    """A local checkpoint."""
    engine: Name = "hf"
    """Which engine trains it."""
    model: Reference
    """`packaged:smollm2-135m-instruct`, or a directory with a checkpoint in safetensors."""
    lora: Lora | None = Lora()
    """How it is trained; null: all weights."""
    computing: Annotated[Computing | None, OptIn()] = None
    """How it is run and trained; null: as the engine does."""
    too_long: TooLong = "refuse"
    """What becomes of training rows that are longer than its context. `refuse`: the training fails and says how many.
    `cut`: they lose their end, and rows of which nothing to learn is left are left out; the report counts both."""
    serve: Annotated[Serving | None, OptIn()] = None
    """The command that serves it when it is measured or asked; null: it is asked in the process of the job."""
    checkpoint_steps: Count | None = None
    """Steps between two checkpoints, from which a killed run goes on, in stages whose rows are known beforehand (not
    those in which the student writes); null: a killed training begins anew. It changes no result."""


STUDENTS = Registry(
    "a kind of student",
    "gauger.student_settings",
    {"scratch": "gauger.spec.students:ScratchStudent", "checkpoint": "gauger.spec.students:CheckpointStudent"},
)
"""Kind -> the class with its settings."""
