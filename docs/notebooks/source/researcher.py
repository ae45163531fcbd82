# %% [markdown]
# # What did my student really learn?
#
# For researchers who have evaluation logs, and want a number that survives review: over a control, with intervals that
# know of items and training seeds. A made-up table stands for the logs; `gauger.compare({"distilled": "logs/student-*",
# "control": "logs/plain-*"})` reads those of lm-eval, Inspect and others.

# %%
import numpy as np
import polars as pl

import gauger

draw = np.random.default_rng(0)
levels = {
    "student": {"quiz": 0.75, "essay": 0.55},
    "plain": {"quiz": 0.5, "essay": 0.5},
    "raw": {"quiz": 0.4, "essay": 0.48},
    "boss": {"quiz": 0.9, "essay": 0.85},
}
rows = [
    (arm, seed, benchmark, f"{benchmark}{item}", float(draw.random() < level + wobble))
    for arm, by_benchmark in levels.items()
    for seed in range(1 if arm in ("raw", "boss") else 5)
    for wobble in [draw.normal(0, 0.03)]
    for benchmark, level in by_benchmark.items()
    for item in range(250)
]
records = pl.DataFrame(rows, ["arm", "replicate", "benchmark", "item", "score"], orient="row")
roles = {"quiz": "targeted", "essay": "far"}
found = gauger.compare(records, distilled="student", control="plain", base="raw", teacher="boss", roles=roles)
print(found.headline)

# %% [markdown]
# The gain over the untouched base is not the teacher's: part of it any training would have brought. The uplift is what
# is left over the control, and carry-over says how much of it is more than the benchmark's own form.

# %%
wanted = ["gain", "uplift", "gap_recovered", "carryover"]
found.estimates.filter(pl.col("estimand").is_in(wanted), scale="points").select(
    "estimand", "benchmark", "over", "value", "low", "high", "reason"
)

# %%
found.figure("uplift")

# %% [markdown]
# Several experiments together: a meta-analysis of any table of effects with their variances.

# %%
table = pl.DataFrame(
    {
        "paper": list("aabbccddee"),
        "uplift": [0.21, 0.18, 0.05, 0.09, 0.30, 0.27, 0.11, 0.14, 0.02, 0.06],
        "variance": [0.002] * 10,
    }
)
gauger.meta(table, effect="uplift", variance="variance", within=["paper"], test="knapp-hartung")

# %% [markdown]
# A table for the paper, and the report for its appendix:

# %%
print("\n".join(found.to_latex().splitlines()[4:12]))

# %%
print(found.report("report.html"))
