"""Gauger."""
