"""Layers that give their inputs a mean and a variance."""
