"""Limits of virtual hosts and users."""
