"""Asks OpenAI-compatible endpoints: requests, retries, limits, the format, both ways."""
