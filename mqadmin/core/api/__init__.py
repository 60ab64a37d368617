"""The JSON API that the apps hang their calls on, and the core's own calls; metrics for Prometheus."""
