"""What else people do to letters: edit, discard, restore, export, import; and how long letters are kept."""
