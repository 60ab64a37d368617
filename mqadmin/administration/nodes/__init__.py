"""Nodes and the cluster they are."""
