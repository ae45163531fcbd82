"""Decides which samples a corpus keeps, and names the filter that dropped each of the others."""
