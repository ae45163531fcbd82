"""Evaluators of others, run through their own Python interfaces, offline; their logs are read by `importers`."""
