"""Orders the chapters of the evidence page, from the headline to every row."""

from __future__ import annotations

from collections.abc import Callable

from gauger.evidence import Evidence
from gauger.report.blocks import Section
from gauger.report.evidence.answer import answer, claim_section, downloads, explorer_section
from gauger.report.evidence.method import method
from gauger.report.evidence.other_questions import cannot_tell, consistency, others
from gauger.report.evidence.trust_chapters import moderators, trust
from gauger.report.evidence.uplift_chapters import carried, contrasts, forests, headline

CHAPTERS: tuple[Callable[[Evidence], Section], ...] = (
    answer, claim_section, explorer_section, headline, forests, contrasts, carried, moderators, trust, others,
    cannot_tell, consistency, method, downloads,
)  # fmt: skip
