"""Defines what a teacher offers, its budget, and the journal of what it replied."""
