"""What can be read from a message: its body under its encodings, why it died, which framework said so."""
