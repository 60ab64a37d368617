"""What comes from the inbox's address, from its dialogs and from the pages that change letters and rules."""
