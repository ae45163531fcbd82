"""Estimates contrasts of cell means with items and training replicates crossed."""
