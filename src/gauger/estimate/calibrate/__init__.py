"""Scores the estimators on simulated studies whose truth is planted."""
