"""Compares the logs of several arms, without a study."""
