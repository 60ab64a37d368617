"""Definitions as objects by their key: read, made comparable, without secrets, told apart. Pure."""
