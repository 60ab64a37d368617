"""What people do with alerts. Each takes keyword arguments and `by=`, is audited, and raises Refusal in words.

Values of rules and channels are the names of their fields in `models`; faults come as `Refusal.fields`.
"""
