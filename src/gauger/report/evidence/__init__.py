"""Draws the page of the published evidence.

answer.py    Draws the front of the evidence page: the answer in a sentence, one figure, claims, explorer, downloads
chapters.py  Orders the chapters of the evidence page, from the headline to every row
findings.py  Titles the figures of the evidence page with what their pooled numbers say, by the rules of a report's
             findings
figures.py   Draws charts of the evidence page: forest plots, carry-over, funnel, dose, restrictions, risk of bias
method.py    Shows how the review was made: flow of rows, agreement of coders, what each release moved
page.py      Writes the page of the published evidence: one self-contained HTML file with the look of a study report
tables.py    Tabulates the evidence: pooled estimates, restrictions, influence, swaps, findings, every row with its
             link
"""
