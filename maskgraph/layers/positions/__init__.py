"""Layers that tell where a step stands, counting the steps that exist."""
