"""Reads from a model's settings what it does to its logits after the head's matrix product.

Losses make logits of the head alone, so what stands in a model's `forward` behind it has to be known here. A setting
with one name means different things in different models (Granite divides by `logits_scaling`, HyperCLOVA X multiplies),
so the table is by model; what is not in it is refused.
"""

from __future__ import annotations

from typing import Any

from gauger.errors import UserError

CAP = "final_logit_softcapping"
"""Gemma 2 and those after it: c tanh(logits / c), in every model that has it."""
_SCALES = ("logit_scale", "logits_scaling", "output_multiplier", "lm_head_multiplier")
_MULTIPLIED = {
    "cohere": "logit_scale",
    "cohere2": "logit_scale",
    "falcon_h1": "lm_head_multiplier",
    "hyperclovax": "logits_scaling",
}
"""Model type -> the setting by which it multiplies its logits."""
_DIVIDED = {"granite": "logits_scaling", "granitemoe": "logits_scaling", "granitemoeshared": "logits_scaling"}
_AROUND = frozenset({"gemma3n", "gemma4", "gemma4_unified"})
"""Models of text and pictures that do to their logits what the settings of their text part say; others leave it out
(Aya Vision, PaliGemma)."""


def bending(config: Any) -> tuple[float, float | None]:
    """Return by what logits are multiplied, and their soft cap (None: none).

    Parameters
    ----------
    config : PretrainedConfig
        The model's settings; those of its text part are read where it takes pictures or sound too.

    Raises
    ------
    UserError
        A setting that changes logits, of a model of which it is not known how: another model would be trained.

    Notes
    -----
    Proof: tests/train/hf/test_bending.py, against the logits that transformers' own models give.
    """
    text = config.get_text_config()
    if text.model_type != config.model_type and config.model_type not in _AROUND:
        _require_none(config, text)
        return 1.0, None
    kind, config, scale = str(text.model_type), text, 1.0
    for name in _SCALES:
        value = getattr(config, name, None)
        if value is None or float(value) == 1:
            continue
        if _MULTIPLIED.get(kind) == name:
            scale = float(value)
        elif _DIVIDED.get(kind) == name:
            scale = 1 / float(value)
        else:
            raise _unknown(kind, name, value)
    cap = getattr(config, CAP, None)
    return scale, None if cap is None else float(cap)


def _require_none(config: Any, text: Any) -> None:
    """Refuse settings of a text part of which nobody knows whether the model around it heeds them."""
    for name in (*_SCALES, CAP):
        value = getattr(text, name, None)
        if value is not None and float(value) != 1:
            raise _unknown(f"{config.model_type} around {text.model_type}", name, value)


def _unknown(kind: str, name: str, value: object) -> UserError:
    wanted = "a model of which it is known what it does to its logits"
    return UserError(wanted, f"{kind} with {name} {value}", hint=f"Known: {', '.join(_MULTIPLIED | _DIVIDED)}.")
