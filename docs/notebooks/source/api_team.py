# %% [markdown]
# # Does a narrower interface help?
#
# For teams that run an API and wonder what a change of its surface (fewer queries, no log-probabilities, hidden
# reasoning) takes from somebody who distils it. The same study is run under both surfaces; here two small tables of
# made-up records stand for the two runs. With real runs the call is `gauger.compare_runs(["runs/open", "runs/capped"])`.

# %%
import numpy as np
import polars as pl

import gauger

hard = np.random.default_rng(1).normal(0, 0.15, 300)


def records(student: float) -> pl.DataFrame:
    """Make records of a student, its control and the teacher, on one benchmark of 300 items."""
    rows = []
    for arm, level, seed in (("student", student, 5), ("plain", 0.42, 6), ("teacher", 0.85, 7)):
        own = np.random.default_rng(seed)
        for replicate in range(1 if arm == "teacher" else 4):
            right = own.random(300) < np.clip(level + hard + own.normal(0, 0.02), 0, 1)
            rows += [(arm, replicate, "maths", "near", f"m{k}", float(one)) for k, one in enumerate(right)]
    return pl.DataFrame(rows, ["arm", "replicate", "benchmark", "role", "item", "score"], orient="row")


records(0.66).write_parquet("open.parquet")
records(0.58).write_parquet("capped.parquet")

# %% [markdown]
# Each run by itself:

# %%
gauger.compare("open.parquet", distilled="student", control="plain", teacher="teacher")

# %% [markdown]
# Side by side. The control and the teacher are the same models in both runs, so they cancel; the interval knows that.

# %%
both = gauger.compare_runs(["open.parquet", "capped.parquet"], distilled="student", control="plain", teacher="teacher")
print(both.headline)

# %%
both.estimates.select("estimand", "benchmark", "value", "low", "high", "unpaired_low", "unpaired_high", "reason")

# %% [markdown]
# `unpaired_low` and `unpaired_high` are what two separate reports would give: the same difference, drowned in the noise
# that both runs share.

# %%
both.figure("differences-1")

# %% [markdown]
# From here the numbers go where the team keeps its own: `both.to_csv()`, `both.report("open-against-capped")`, or
# `gauger.api.track(both, "mlflow:surfaces")`.
