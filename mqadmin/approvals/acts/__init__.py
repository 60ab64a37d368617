"""What people do with an act that waits: agree, refuse, take it back; and how it expires."""
