"""Handlers: how they are registered, their options, and those that need no code."""
