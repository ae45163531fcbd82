"""Draws the page of the published evidence.

answer.py    The front of the evidence page: the answer in one sentence, one figure, the claims, the explorer, the
             downloads
chapters.py  The chapters of the evidence page, from the headline to every row
figures.py   Charts of the evidence page: forest plots, carry-over, funnel, dose, restrictions, risk of bias
method.py    The chapter on how the review was made: flow of rows, agreement of coders, what each release moved
page.py      The page of the published evidence: one self-contained HTML file with the look of a study report
tables.py    Tables of the evidence page: pooled estimates, restrictions, influence, swaps, findings, every row with
             its link
"""
