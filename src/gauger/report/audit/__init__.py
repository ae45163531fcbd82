"""Draws the page of an audit.

chapters.py  Orders the chapters of the audit page: shares, error rates, worst matches, what each net misses
page.py      Writes the page of an audit: one self-contained HTML file with the look of a study report
"""
