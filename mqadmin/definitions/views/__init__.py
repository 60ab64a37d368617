"""Pages below /definitions/."""
