"""The forms of accounts and tokens."""
