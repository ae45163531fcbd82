"""Which samples are kept: form, topic, overlap with held-out content, duplicates; the first that fails is named."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from gauger.elicit.twin_samples import Sample
from gauger.worlds.atlas.forms import PROMPT_ENDS, content_keys, form_of

IN_ORDER = ("form", "topic", "overlap", "duplicate")


@dataclass(frozen=True)
class Filters:
    """What a sample must be to be kept."""

    forms: Collection[str]
    """Wanted forms."""
    skills: Collection[str] | None
    """Skills or knowledge domains wanted; None takes any."""
    held_out: frozenset[str]
    """Content that no training text may touch."""

    def prompts(self, samples: Sequence[Sample], known: set[str]) -> list[Sample]:
        """Mark prompts that are not worth an answer; `known` holds the prompts seen so far and grows."""
        marked = []
        for sample in samples:
            text = " ".join(sample.prompt)
            dropped = self._fault(sample) or ("duplicate" if text in known else None)
            known.add(text)
            marked.append(self._mark(sample, dropped))
        return marked

    def texts(self, samples: Sequence[Sample], known: set[str]) -> list[Sample]:
        """Mark whole texts; `known` holds the texts seen so far and grows.

        A text that was dropped before (truncated) stays so, and no filter is said to have passed it.
        """
        marked = []
        for sample in samples:
            if sample.dropped:
                marked.append(replace(self._mark(sample, sample.dropped), filters=()))
                continue
            dropped = self._fault(sample) or ("duplicate" if sample.id in known else None)
            dropped = dropped or (None if sample.answer else "empty")
            known.add(sample.id)
            marked.append(self._mark(sample, dropped))
        return marked

    def _fault(self, sample: Sample) -> str | None:
        if form_of(sample.prompt) not in self.forms or sample.prompt[-1] not in PROMPT_ENDS:
            return "form"
        keys = content_keys(sample.words)
        if self.skills is not None and not all(key.split(":")[0] in self.skills for key in keys or {":"}):
            return None if not keys and form_of(sample.prompt) == "story" else "topic"
        return "overlap" if keys & self.held_out else None

    def _mark(self, sample: Sample, dropped: str | None) -> Sample:
        overlaps = tuple(sorted(content_keys(sample.words) & self.held_out))
        passed = IN_ORDER[: IN_ORDER.index(dropped)] if dropped in IN_ORDER else IN_ORDER
        return replace(sample, dropped=dropped, filters=passed, overlaps=overlaps)
