"""What the inbox shows: causes, lists, one letter as a person reads it, what an edit changed, saved views."""
