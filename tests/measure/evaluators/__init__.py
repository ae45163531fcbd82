"""Tests of evaluators of others."""
