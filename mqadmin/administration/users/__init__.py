"""Users of a broker."""
