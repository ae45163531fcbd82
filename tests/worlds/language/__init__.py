"""Tests of the worlds for language models."""
