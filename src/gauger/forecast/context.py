"""Sets the uplift beside a laboratory's other methods: what distillation adds to them, and its share of the whole gain.

Where a study prints one distilled model over its untouched start and over reinforcement learning of the same start, on
the same benchmark, gain and uplift over RL are paired, and their ratio is the share of the whole gain that RL would not
have given. Rows over an earlier stage are not used: in most of them the control is itself distilled, or the later stage
is RL on a distilled model, so their increment is not what distillation adds to a pipeline.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from gauger.evidence import rows_of
from gauger.forecast.predictors import ROLES
from gauger.stats import fieller

FEWEST = 3
_KEY = ("study_id", "model", "base", "bench", "metric", "benchmark_role")


def share_of_gain(prepared: pl.DataFrame) -> list[dict[str, Any]]:
    """Estimate per role the share of the whole gain that reinforcement learning would not have given.

    Ratio of means over studies (uplift over RL / gain over the untouched start) with Fieller's set, studies being the
    sampling unit.

    Parameters
    ----------
    prepared : DataFrame
        All rows, from `evidence.prepare`.
    """
    rows = rows_of(prepared).with_columns(change=pl.col("score_distilled") - pl.col("score_control"))
    gain = rows.filter(pl.col("contrast") == "untouched-base").select(*_KEY, gain="change")
    over = rows.filter(pl.col("contrast") == "rl-instead").select(*_KEY, uplift="change")
    pairs = (
        gain.join(over, on=list(_KEY))
        .group_by("benchmark_role", "study_id")
        .agg(pl.col("gain").mean(), pl.col("uplift").mean(), pl.len())
    )
    lines = []
    for role in ROLES:
        mine = pairs.filter(pl.col("benchmark_role") == role).sort("study_id")
        n = len(mine)
        line: dict[str, Any] = {
            "role": role,
            "studies": n,
            "rows": int(mine["len"].sum()),
            "share": None,
            "low": None,
            "high": None,
            "kind": "none",
            "answer": "cannot_say",
            "reason": None,
            "gain": None,
            "uplift": None,
        }
        if n < FEWEST:
            line["reason"] = f"{n} studies print one model over both its start and RL, fewer than {FEWEST}"
        else:
            values = mine.select("gain", "uplift").to_numpy()
            means, v = values.mean(axis=0), np.cov(values.T) / n
            top, bottom, covariance = float(means[1]), float(means[0]), float(v[0, 1])
            ratio = fieller(top, bottom, float(v[1, 1]), float(v[0, 0]), covariance, n - 1)
            line |= {
                "gain": float(means[0]),
                "uplift": float(means[1]),
                "share": ratio.value,
                "low": ratio.low,
                "high": ratio.high,
                "kind": ratio.kind,
                "text": ratio.text,
                "answer": "yes",
            }
            if ratio.kind != "bounded":
                line["answer"], line["reason"] = "cannot_say", "the whole gain itself cannot be told from zero"
        lines.append(line)
    return lines


EARLIER_STAGE = (
    "Over an earlier stage of the same pipeline the literature cannot say: in most of those rows the control is itself "
    "distilled, or the later stage is reinforcement learning on a distilled model. A factorial study of a pipeline can."
)
