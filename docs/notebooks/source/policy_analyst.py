# %% [markdown]
# # What does the published literature say?
#
# For readers who decide about rules, and have no models of their own. Everything is computed from the table of published
# results that comes with Gauger; nothing is downloaded.

# %%
import gauger

known = gauger.evidence()
print(known.headline)

# %% [markdown]
# The means behind the sentence, in percentage points: over the untouched base, over every control that is not itself
# distilled, and over the same training without a teacher. `prediction_low` and `prediction_high` say where a new result
# would fall: far wider than the interval of the mean.

# %%
known.estimates.select("over", "name", "n_studies", "estimate", "low", "high", "prediction_low", "prediction_high")

# %% [markdown]
# Every claim has a certainty, and says what would change it.

# %%
for claim in known.claims()[:4]:
    row = claim.to_dict()
    print(f"[{row['certainty']}] {row['sentence']}")

# %% [markdown]
# What stays out of the means is counted, with its reason.

# %%
known.excluded()

# %% [markdown]
# `known.report("evidence.html")` writes the whole page; `known.multiverse()` fits every combination of the defensible
# choices (about 20 seconds) and says how far they move the answer.
