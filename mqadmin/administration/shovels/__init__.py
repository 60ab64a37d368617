"""Shovels."""
