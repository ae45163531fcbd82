"""Plans models that are elsewhere: behind an interface, or recorded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gauger.elicit import journal_in
from gauger.jobs import Asked, endpoint_address
from gauger.spec import (
    TEACHER,
    EndpointTeacher,
    ReplayTeacher,
    Surface,
)
from gauger.store import file_digest
from gauger.study.checkpoints import template_settings
from gauger.study.makers import Made, Maker
from gauger.worlds import World

if TYPE_CHECKING:
    from gauger.study.planner import Planner

_APART = frozenset({"surface", "templates", "terms", "kind", "answer_tokens"})
"""Settings of an endpoint that reach its jobs under names of their own."""


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
        """Plan nothing; refuse a recording that is not there."""
        self._journal()
        return Made("")

    def _journal(self) -> Path:
        return journal_in((self.folder / self.settings.directory).resolve())

    def asked(self, name: str, surface: Surface, world: World) -> Asked:  # noqa: ARG002
        """By instruction, as it was recorded."""
        journal = self._journal()
        templates = template_settings(self.folder, self.settings.templates if name == TEACHER else None)
        about = {"directory": str(journal), "identity": file_digest(journal)}
        return Asked(name=name, kind="replay", settings=about, surface=surface, instructed=True, **templates)
