"""Connections and the channels inside them."""
