"""What a change of policies, limits, bindings, exchanges or queues would touch, before it is made. Pure."""
