"""Definitions as files: exported, imported, and the file in a repository that is the truth."""
