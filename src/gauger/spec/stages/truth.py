"""Defines `continue` and `sft`: training on text that no teacher wrote."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from gauger.spec.base import Names
from gauger.spec.stages.base import KeptIn, Samples
from gauger.spec.stages.resolved import ResolvedStage, TextSource


class _Written(KeptIn):
    """Text that is there already."""

    source: Literal["web", "reference"] = "web"
    """`web`: text of the kind that the base was trained on. `reference`: true text about the whole world."""
    forms: Names | None = None
    """Forms of the text."""
    samples: Samples | None = None
    """Distinct samples; null: as many as the steps take, none twice."""

    def resolve(self) -> ResolvedStage:
        """Return it with its source."""
        source = TextSource.WEB if self.source == "web" else TextSource.TRUTH
        stage = replace(super().resolve(), source=source, web_share=self.web_share)
        return replace(stage, forms=self.forms, samples=self.samples)


class ContinueStage(_Written):
    """Continued pre-training on text that no teacher wrote."""

    kind: Literal["continue"]
    """Continued pre-training."""
    source: Literal["web", "reference"] = "web"
    """`web`: more of the text that the base was trained on. `reference`: true text about the whole world."""
    forms: Names | None = None
    """Forms of the text, learnt whole; null: the source's own mixture."""


class SftStage(_Written):
    """Supervised fine-tuning on questions and answers that no teacher wrote."""

    kind: Literal["sft"]
    """Supervised fine-tuning."""
    source: Literal["web", "reference"] = "web"
    """`web`: questions that the web text answers. `reference`: true answers from the whole world."""
    forms: Names
    """Forms in which the questions are put."""
