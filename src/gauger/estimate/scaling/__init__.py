"""Fits scaling laws to points and to a study's scale."""
