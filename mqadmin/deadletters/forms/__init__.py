"""What comes from the inbox's address and from its dialogs."""
