"""Trying a handler on one message, in a process of its own: nothing is consumed, recorded or dead-lettered."""
