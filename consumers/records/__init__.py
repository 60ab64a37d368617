"""The record of every message handled: written in groups, found, replayed, deleted; who handles what."""
