"""Draws the page of the published evidence.

answer.py           Draws the front of the evidence page: the answer in a sentence, one figure, claims, explorer,
                    downloads
chapters.py         Orders the chapters of the evidence page, from the headline to every row
findings.py         Titles the figures of the evidence page with what their pooled numbers say, by the rules of a
                    report's findings
figures.py          Draws charts of the evidence page: forest plots, carry-over, funnel, dose, restrictions, risk of
                    bias
method.py           Shows how the review was made: flow of rows, agreement of coders, what each release moved
other_questions.py  Draws what else the table answers, what it cannot tell, and where published tables disagree with
                    themselves
panels.py           Draws several interval charts on one stretch of the axis, and single charts of points, as panels of
                    a figure
page.py             Writes the page of the published evidence: one self-contained HTML file with the look of a study
                    report
tables.py           Tabulates the evidence: pooled estimates, restrictions, influence, swaps, findings, every row with
                    its link
trust_chapters.py   Draws what moves the pooled numbers: moderators and dose, restrictions, small benchmarks, risk of
                    bias
uplift_chapters.py  Draws what the literature measured: headline, every study, kinds of control, what carries over
"""
