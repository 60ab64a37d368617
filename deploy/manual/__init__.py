"""`make manual`: the manual as pages, from `docs/` and from the code itself, built strictly."""
