"""What definitions were: asked for, packed, kept when they changed, dropped when they are old."""
