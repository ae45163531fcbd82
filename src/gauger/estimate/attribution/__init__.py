"""Attributes a pipeline's gain to its ingredients.

amounts.py      From the `factorial` of a study file to what the estimator must know of it
estimates.py    The registry of attributions: what each ingredient of a pipeline added, as contrasts over the cells
                of a factorial
ingredients.py  The ingredients of a pipeline as the estimator sees them: which arm has which of them, and how the
                cells were chosen
plan.py         Which attributions a study asks for, each with its weights over arms and benchmarks or the reason why
                it has none
scheme.py       Which weights over the cells each kind of attribution has, by how the cells were chosen, and what
                must be said of it
"""
