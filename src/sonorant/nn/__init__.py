"""Blocks used by two or more systems; no block knows a system."""
