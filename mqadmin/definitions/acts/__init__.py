"""What is done with definitions: planned, restored, exported; who did it is written to the audit log."""
