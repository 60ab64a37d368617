"""Copies that leave in place of an original: built, published, confirmed before the original is acked."""
