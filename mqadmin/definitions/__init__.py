"""What a broker was defined as, kept over time: compared, restored, checked against a file."""
