# ruff: noqa: E501 - the page's sentences stand whole
"""Writes docs/answer.md: the five threats, what literature, studies and forecast say on each, and what would change it.

Every number comes from the claims of the evidence, from the forecast of the packaged campaign and from its back-test; the
words around them are fixed. `python -m gauger.forecast docs/answer.md` writes the page, and a test holds it to that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gauger.evidence import Claim
from gauger.forecast.sentences import OVER, exchanges_in_words, signed, whole

HEAD = """# The answer today

How much knowledge and capability can one distil from a (frontier, often API-only) model? This page is generated from the
table of published results, the forecast of the packaged campaign, and its back-test (`python -m gauger.forecast
docs/answer.md`). It says what is known on each of the five ways in which published answers go wrong, and what would
change it. Intervals are 95 %.
"""

STUDIES: Mapping[str, str] = {
    "seeds": "A study declares the seed source of every arm and reports uplift per source. The packaged studies run in the "
    "embedded world: they show that the instrument sees such an effect, not how large it is for language models.",
    "mixture": "Matched arms (same tokens and steps, no teacher) stand beside every recipe, and a mixture is attributed to its "
    "ingredients. No study of a large model has been run with this instrument yet.",
    "benchmarks": "Every benchmark has a role, carry-over has an interval, and planted leaks must be seen. In the embedded world "
    "they are.",
    "context": "Pipelines run as factorials with attribution to every stage. The packaged one is of the embedded world.",
    "scale": "Scales with held-out cells give curves with scored forecasts, in the embedded world and for small language models.",
}
THREATS: tuple[tuple[str, str, tuple[str, ...], tuple[str, ...]], ...] = (
    (
        "seeds",
        "1. Seeds: is the teacher asked with the benchmark's own material?",
        ("targeted", "fresh"),
        ("targeted", "fresh"),
    ),
    (
        "mixture",
        "2. Mixture: is the teacher credited with what other training gave?",
        ("no-teacher",),
        ("targeted",),
    ),
    ("benchmarks", "3. Benchmarks: is it capability, or the benchmark?", ("fresh", "held-out"), ("fresh", "held-out")),
    ("context", "4. Context: what does it add to a laboratory's other methods?", ("rl",), ("fresh",)),
    ("scale", "5. Scale: strong students, hard benchmarks, millions of exchanges", ("strong", "dose"), ("fresh",)),
)
"""Threat, heading, claims by what their question holds, and roles of the forecast."""
_ASKS: Mapping[str, str] = {
    "targeted": "what it aims at",
    "fresh": "fresh items",
    "held-out": "help elsewhere",
    "no-teacher": "without a teacher",
    "rl": "reinforcement learning",
    "strong": "strong students",
    "dose": "number of samples",
}


def answer_page(document: Mapping[str, Any], claims: Sequence[Claim]) -> str:
    """Return the page.

    Parameters
    ----------
    document : mapping
        Forecast of the packaged campaign (`gauger.forecast/1`).
    claims : sequence of Claim
        From `evidence.answer_claims`.
    """
    parts = [HEAD, "## In one sentence\n", document["sentence"] + "\n", document["decision"]["sentence"] + "\n"]
    parts.append(document["warnings"][0] + "\n")
    for key, title, asked, roles in THREATS:
        parts += [f"## {title}\n", *_literature(claims, asked), f"**Studies.** {STUDIES[key]}\n"]
        parts += [*_forecast(document, key, roles), *_change(claims, asked, document, key)]
    return "\n".join(parts)


def _found(claims: Sequence[Claim], asked: Sequence[str]) -> list[Claim]:
    return [claim for name in asked for claim in claims if _ASKS[name] in claim.question]


def _literature(claims: Sequence[Claim], asked: Sequence[str]) -> list[str]:
    sentences = " ".join(claim.sentence for claim in _found(claims, asked))
    return [f"**Literature.** {sentences}\n"]


def _forecast(document: Mapping[str, Any], key: str, roles: Sequence[str]) -> list[str]:
    if key == "context":
        return [f"**Forecast.** {_shares(document['context'])}\n"]
    lines = []
    for role in roles:
        mine = [prediction for prediction in document["predictions"] if prediction["role"] == role]
        answered = [prediction for prediction in mine if prediction["answer"] == "yes"]
        if answered:
            dose = max(prediction["exchanges"] or 0.0 for prediction in answered)
            for prediction in (prediction for prediction in answered if (prediction["exchanges"] or 0.0) == dose):
                lines.append(
                    f"On {role} benchmarks {OVER[prediction['control']]}, at {exchanges_in_words(prediction['exchanges'])}: "
                    f"{signed(prediction['mean'])} points [{prediction['low']:.0f}, {prediction['high']:.0f}] in a new study; minor "
                    f"{whole(prediction['probability_minor'])}, major {whole(prediction['probability_major'])}."
                )
        refused = [prediction for prediction in mine if prediction["answer"] != "yes"]
        if refused:
            lines.append(
                f"On {role} benchmarks at {exchanges_in_words(refused[0]['exchanges'])} it cannot say: {refused[0]['reason']}."
            )
    return [f"**Forecast** (the reported campaigns). {' '.join(lines)}\n"]


def _shares(context: Mapping[str, Any]) -> str:
    lines = []
    for share in context["shares"]:
        if share["answer"] == "yes":
            lines.append(
                f"On {share['role']} benchmarks {100 * share['share']:.0f} % [{100 * share['low']:.0f}, {100 * share['high']:.0f}] of "
                f"the whole gain come on top of reinforcement learning ({share['studies']} studies)."
            )
        else:
            lines.append(
                f"On {share['role']} benchmarks it cannot say what share comes on top of RL: {share['reason']}."
            )
    return " ".join([*lines, context["earlier_stage"]])


def _change(claims: Sequence[Claim], asked: Sequence[str], document: Mapping[str, Any], key: str) -> list[str]:
    changes = dict.fromkeys(text for claim in _found(claims, asked) for text in claim.would_change)
    words = "; ".join(changes).capitalize() + "."
    if key == "scale" and document["decision"].get("settles"):
        best = next(
            experiment
            for experiment in document["decision"]["experiments"]
            if experiment["name"] == document["decision"]["settles"]
        )
        words += (
            f" For the decision itself: {best['what'][0].lower()}{best['what'][1:]} (about {best['flops']:.1e} FLOPs and "
            f"{best['usd']:,.0f} dollars at round prices) would save {best['value']:.2f} of {document['decision']['worth_of_perfect_knowledge']:.2f} "
            "that perfect knowledge would."
        )
    return [f"**What would change it.** {words}\n"]
