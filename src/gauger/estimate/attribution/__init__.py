"""Attributes a pipeline's gain to its ingredients."""
