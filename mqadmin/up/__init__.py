"""`mqadmin up` and `make up`: set everything up, run it in the foreground, and leave nothing behind."""
