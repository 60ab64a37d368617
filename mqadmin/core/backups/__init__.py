"""A backup of the database in one file, and what a restored one must not do by itself."""
