"""The consumers' pages, a module per page; `actions` are the buttons."""
