"""Knows of which metrics lower is better, so that an error is never read as a score, nor a score as an error.

A log says it (lm-eval's `higher_is_better`), or the user does (`--better`); else the metric's name does, where it is
certain. Where it only suggests an error, the metric is taken as a score and the doubt is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from gauger.errors import UserError, nearest
from gauger.measure.importers.log import Log

HIGHER, LOWER = "higher", "lower"
_EDGE = r"(?:$|[_/ ,.@:-])"
_AFTER = r"(?:^|[_/ ,.@:-])"
_ERRORS = re.compile(
    rf"(?i){_AFTER}(\w*perplexity|perplexities|ppl|bits_per_(?:byte|character)|bpb|bpc|\w*brier\w*|ter|wer|cer|nll|ece|"
    r"mae|mse|rmse|toxicity|toxic_frac(?:tion)?|cross_entropy|edit_distance|levenshtein\w*|hamming_(?:distance|loss)|"
    rf"(?:error|hallucination|false_positive|false_negative)_rate){_EDGE}"
)
"""Names that metrics of errors have in the harnesses, with whatever beside them."""
_LAST = re.compile(rf"(?i){_AFTER}(?:loss|error|errors)(?:[_/ ,.@:-](?:mean|avg|average|total|sum|\d+))*$")
"""Words that mean an error at the end of a name alone: of "error_detection" higher is better."""
_SUCCESS = re.compile(
    rf"(?i){_AFTER}(?:acc|accuracy|f1|precision|recall|auc|auroc|win|wins|win_rate|match|em|detection|detected|"
    rf"correction|corrected|reduction|improvement|identification|classification|avoidance|resistance){_EDGE}"
)
"""Words by which a name that also holds an error's is a score."""
_SUGGESTED = re.compile(
    rf"(?i){_AFTER}(?:error|loss|mistake|hallucinat|attack|jailbreak|toxic|harm(?!less)|unsafe|violation|refus|stereotyp|bias|leak|"
    r"fail|distance|divergence|entropy|regret|penalty|perplex)"
)


def errors_among(metrics: Iterable[str], higher_is_better: Mapping[str, Any] | None = None) -> frozenset[str]:
    """Return the metrics of which lower is better: as the log says, else by their usual names.

    Parameters
    ----------
    metrics : iterable of str
    higher_is_better : mapping of str -> bool, optional
        What the log says of its metrics.
    """
    known = higher_is_better or {}
    return frozenset(m for m in metrics if known.get(m) is False or (known.get(m) is not True and _is_error(m)))


def doubtful_among(metrics: Iterable[str], higher_is_better: Mapping[str, Any] | None = None) -> frozenset[str]:
    """Return the metrics that are taken as scores although their names suggest an error.

    Parameters
    ----------
    metrics : iterable of str
    higher_is_better : mapping of str -> bool, optional
        What the log says of its metrics; of these there is no doubt.
    """
    known = higher_is_better or {}
    return frozenset(
        m
        for m in metrics
        if not isinstance(known.get(m), bool) and not _is_error(m) and _SUGGESTED.search(m) and not _SUCCESS.search(m)
    )


def _is_error(metric: str) -> bool:
    if _LAST.search(metric):
        return not re.search(rf"(?i){_AFTER}wins?{_EDGE}", metric)
    usual = _ERRORS.search(metric)
    return usual is not None and not _SUCCESS.search(metric, usual.end(1))


def directed(log: Log, better: Mapping[str, str]) -> Log:
    """Return a log whose metrics have the directions that the user states.

    Parameters
    ----------
    log : Log
    better : mapping of str -> {"higher", "lower"}
        Metric -> which of its values are better; metrics of other logs do no harm.

    Raises
    ------
    UserError
        Another word than these two.
    """
    for metric, direction in better.items():
        if direction not in (HIGHER, LOWER):
            wanted = f"higher or lower for {metric} (--better)"
            raise UserError(wanted, repr(direction), hint=nearest(direction, (HIGHER, LOWER)))
    own = {measure.metric for measure in (*log.measures, *log.refused)}
    lower = {metric for metric, direction in better.items() if direction == LOWER} & own
    errors = (log.errors - better.keys()) | lower
    return replace(log, errors=errors, doubtful=log.doubtful - better.keys())
