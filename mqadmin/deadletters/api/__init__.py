"""The API's calls for dead letters."""
