"""Definitions as files."""
