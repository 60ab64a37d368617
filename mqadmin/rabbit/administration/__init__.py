"""What an administrator asks of a broker, and has it change: one module for each noun, functions over a client."""
