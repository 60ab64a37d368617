"""The pages of taps, and of a journey."""
