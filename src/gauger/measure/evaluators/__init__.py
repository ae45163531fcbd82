"""Evaluators of others, run through their own Python interfaces without a network; their logs are read by `importers`."""
