"""Trained methods measured on held-out frames, and set beside each other."""
