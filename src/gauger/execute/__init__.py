"""Runs jobs somewhere and keeps their results; knows no model, no world and no study."""
