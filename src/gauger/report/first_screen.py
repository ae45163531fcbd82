"""Says under a conclusion what must be known with it: what was studied, what the threshold means, what is open.

The same lines stand on the page and in the terminal.
"""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

from gauger.report.document_view import Row, View
from gauger.report.wording import ROLE_WORDS, codes, estimand, fill, listing, with_unit

DEFAULT_RULE = ("gap_recovered", "near", 0.25)
"""Estimand, role and threshold of a study that chose none (`spec.VerdictRule`)."""
MADE_UP = ("atlas",)
"""Kinds of worlds that are known to be made up where a document of an earlier version does not say so."""

OUTCOMES = {
    "works": "works",
    "does_not": "does not work",
    "undetermined": "is undetermined",
    "not_powered": "could not be judged",
}
"""Outcome of a defence -> the same as a verb."""
MEANINGS = {
    "gap_recovered": "0 % is a student trained as long without this teacher, 100 % the teacher itself",
    "uplift": "counted from a student trained as long without this teacher",
    "gain": "counted from the untouched student, so that any training counts, not the teacher's alone",
    "carryover": "100 % is the uplift on the targeted benchmarks themselves",
}
"""Estimand -> what its threshold is measured from."""


def about(view: View) -> list[Markup]:
    """Return the lines under the conclusion, each only where the document can say it."""
    return [*_what_it_is(view), *_threshold(view), *_defences(view), *_open_threats(view)]


def _defences(view: View) -> Iterator[Markup]:
    """Say every defence's outcome, and against whom."""
    entries = view.rows("defences")
    if entries:
        outcomes = "; ".join(f"{entry['defence']} {OUTCOMES[entry['outcome']]}" for entry in entries)
        attackers = dict.fromkeys(name for entry in entries for name in entry["against"])
        text = "<strong>Defences</strong> against these attackers ({attackers}): {said}."
        yield fill(text, attackers=codes(attackers), said=outcomes)


def _what_it_is(view: View) -> Iterator[Markup]:
    text = _logs(view) if view.is_compare else view.study.get("setting") or _earlier(view)
    if text:
        yield fill("<strong>What this is:</strong> {text}", text=text)


def _logs(view: View) -> Markup:
    models = codes(arm["name"] for arm in view.arms)
    text = "Evaluation logs that already existed, of {models}. What they were trained on is not in them."
    return fill(text, models=models)


def _earlier(view: View) -> str:
    """Word the world of a document that does not describe its setting; nothing where its kind is not known."""
    world = view.study.get("world")
    kind = world.get("kind") if isinstance(world, dict) else None
    return "A made-up world; sizes of effects do not carry over to language models." if kind in MADE_UP else ""


def _threshold(view: View) -> Iterator[Markup]:
    if view.verdict is None:
        return
    rule = view.verdict["rule"]
    unit, role = estimand(rule["estimand"]).unit, rule.get("role") or ""
    where = f"{role} benchmarks ({ROLE_WORDS[role]})" if role in ROLE_WORDS else role or "its benchmarks"
    meaning = MEANINGS.get(rule["estimand"], "")
    text = "<strong>Threshold:</strong> major begins at {at} {of} on {where}{meaning}. {source}"
    yield fill(
        text,
        at=with_unit(rule["threshold"], unit, digits=0 if unit == "percent" else 1),
        of="of the distance to the teacher"
        if rule["estimand"] == "gap_recovered"
        else estimand(rule["estimand"]).label,
        where=where,
        meaning=f"; {meaning}" if meaning else "",
        source=_source(rule),
    )


def _source(rule: Row) -> str:
    """Say who set the threshold, and when."""
    usual = (rule["estimand"], rule.get("role"), rule["threshold"]) == DEFAULT_RULE
    whose = "Gauger's usual one, a convention and no finding" if usual else "this study's own"
    if rule.get("post_hoc"):
        return f"It is {whose}; what can move the verdict was changed after results were there, the warnings say what."
    return f"It is {whose}, fixed before the run."


def _open_threats(view: View) -> Iterator[Markup]:
    """Sort the threats by how the study stands on them, the open ones first."""
    stands: dict[str, list[str]] = {"open": [], "partly": [], "controlled": []}
    for row in view.rows("threats"):
        stands.setdefault(row.get("stands", ""), []).append(str(row.get("threat", "")).lower())
    if not any(stands.values()):
        return
    parts = [f"{_are(stands['open'])} open here"] if stands["open"] else []
    parts += [f"{_are(stands['partly'])} controlled in part only"] if stands["partly"] else []
    parts += [f"{_are(stands['controlled'])} controlled"] if stands["controlled"] else []
    text = '<strong>Open threats:</strong> of the <a href="#threats">five ways such numbers mislead</a>, {said}.'
    yield fill(text, said="; ".join(parts) if stands["open"] else f"none is open; {'; '.join(parts)}")


def _are(names: list[str]) -> str:
    return f"{listing(names)} {'is' if len(names) == 1 else 'are'}"
