"""Forecasts what a scenario would give, from the published literature, and decides under stated losses.

Every forecast is scored on studies that it has not seen (`back_test.py`); what is chosen is chosen inside the training.

__main__.py       Runs ``python -m gauger.forecast docs/answer.md``: writes the page of the answer today
answer.py         Writes docs/answer.md: the five threats, what literature, studies and forecast say on each, and what
                  would change it
back_test.py      Back-tests the forecast: groups of studies it has not seen, and years that had not come
choose.py         Chooses a form for each role, and how wide and long-tailed its forecasts must be, by held-out groups
                  of the training
context.py        Sets the uplift beside a laboratory's other methods: what distillation adds to them, and its share of
                  the whole gain
controlled.py     Reads finished runs as further studies: their uplifts over matched arms, with covariance and what they
                  are not
decision.py       Decides under stated losses: accept, matched defence or aggressive defence, and how much the choice
                  hangs on values
designs.py        Builds the design matrix of a form: which columns its predictors give, and which are pooled together
distance.py       Measures how far a scenario lies from the studies, and where the literature can no longer say anything
document.py       Puts a forecast together: learns from the literature, forecasts the scenario, decides, and says it as
                  a document
entered.py        Enters controlled studies: what finished runs teach is added to the forecast that the literature gave
equivalents.py    Expresses an uplift as months of progress and as a factor of training compute, from a table of scores
                  by date
experiment.py     Writes the experiment that would settle most as a study file that `gauger plan` accepts
extrapolation.py  Back-tests forecasts beyond the data: fits to the lower doses (starts, sizes), forecasts the higher
                  ones
forms.py          Defines the forms that a forecast can take, and fits them: baselines and regressions, one interface
groups.py         Finds which studies hang together, and divides them into folds
imagine.py        Turns a scenario into rows that a form can forecast: what is stated stands, what is unknown is drawn
later.py          Back-tests forecasts of later dates: fits to what was known by a date, forecasts what came in the year
                  after
literature.py     Reads the literature's rows as arrays: effects, their sampling covariance, and predictors
load.py           Loads a scenario file: safe YAML, every mistake one message with file, line and key
mixture.py        Mixes the forecasts of a scenario's draws into one distribution
nearest.py        Finds the studies nearest to a scenario, and what each of them found
planted.py        Simulates literatures with planted effects, so that what a forecast finds can be held against what is
                  true
predict.py        Forecasts a scenario: for every role, control and dose a distribution, its distance from the data, and
                  an answer
predictive.py     Holds predictive distributions of a score's change: a location, a width and a tail on some scale, read
                  in points
predictors.py     Defines the predictors: what of a study is known before it is run, and what a gap means
scenario.py       Defines the scenario file: a described case for which a forecast is wanted
scores.py         Scores forecasts against what was found: coverage, PIT, width, CRPS and log score, every group
                  counting once
sensitivity.py    Measures which input moves the answer most: one field at a time, all else as the scenario has it
sentences.py      Words a forecast from its numbers by rules
stored.py         Keeps what the back-test of the shipped table chose and found, with a digest of all that it depends on
worth.py          Values experiments: which one would reduce the expected loss of the decision most, for what it costs
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
