"""Attributes a pipeline's gain to its ingredients.

amounts.py      Turns the `factorial` of a study file into what the estimator must know of it
estimates.py    Attributes a gain to ingredients: the registry of contrasts over the cells of a factorial
ingredients.py  Describes a pipeline's ingredients: which arm has which of them, and how the cells were chosen
plan.py         Plans a study's attributions, each with its weights over arms and benchmarks or the reason why it has
                none
scheme.py       Chooses the weights over the cells for each kind of attribution, and says what must be known of them
"""
