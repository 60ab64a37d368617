"""Signing on at an OpenID provider: the way there and back, what it signed, whose account that is."""
