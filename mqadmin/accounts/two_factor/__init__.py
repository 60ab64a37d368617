"""Second factors of accounts with a password: codes of an app, recovery codes, passkeys."""
