"""Pooling: over all of time, and through windows."""
