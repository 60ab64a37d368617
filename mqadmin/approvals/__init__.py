"""Four eyes: acts above a size on a production broker wait until a second person agrees."""
