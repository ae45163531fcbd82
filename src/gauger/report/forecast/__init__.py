"""Draws the two pages of a forecast: one for a decision, one for the statistics behind it.

chapters.py    Writes the chapters of both pages, from the answer to the back-test
figures.py     Draws charts of a forecast: probability bars, distributions, decision regions, sensitivity, calibration
page.py        Writes the pages of a forecast: self-contained HTML with the look of a study report
statistics.py  Writes the chapters of the statistics: distributions, nearest studies, distance, back-test, inputs
"""
