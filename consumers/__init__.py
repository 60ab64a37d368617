"""Managed consumers: their definitions, the processes that run them, the record of every message handled."""
