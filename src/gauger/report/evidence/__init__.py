"""Draws the page of the published evidence."""
