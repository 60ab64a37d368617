"""Exchanges, with what is bound to each."""
