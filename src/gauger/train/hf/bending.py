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


def bending(config: Any) -> tuple[float, float | None]:
    """Return by what logits are multiplied, and their soft cap (None: none).

    Parameters
    ----------
    config : PretrainedConfig
        The model's settings.

    Raises
    ------
    UserError
        A setting that changes logits, of a model of which it is not known how: another model would be trained.

    Notes
    -----
    Proof: tests/train/hf/test_bending.py, against the logits that transformers' own models give.
    """
    kind, scale = str(config.model_type), 1.0
    for name in _SCALES:
        value = getattr(config, name, None)
        if value is None or float(value) == 1:
            continue
        if _MULTIPLIED.get(kind) == name:
            scale = float(value)
        elif _DIVIDED.get(kind) == name:
            scale = 1 / float(value)
        else:
            wanted = "a model of which it is known what it does to its logits"
            raise UserError(wanted, f"{kind} with {name} {value}", hint=f"Known: {', '.join(_MULTIPLIED | _DIVIDED)}.")
    cap = getattr(config, CAP, None)
    return scale, None if cap is None else float(cap)
