"""Consumer processes are forked from one warmed process of this host, which has imported all that they need."""
