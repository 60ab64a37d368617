"""What the pages and calls show of accounts and tokens."""
