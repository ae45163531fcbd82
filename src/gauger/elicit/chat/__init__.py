"""Asking language models: real endpoints, local checkpoints and recorded answers, all behind one protocol.

messages.py    a request, a reply, and what every teacher offers
"""
