"""Bindings, and where the page of a queue leads to make and take them away."""
