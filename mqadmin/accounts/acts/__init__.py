"""What is done to accounts and tokens: each act with its guards, audited."""
