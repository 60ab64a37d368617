"""Taps and journeys in words, for pages and API."""
