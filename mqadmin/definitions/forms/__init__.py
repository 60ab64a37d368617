"""What is asked before definitions are restored."""
