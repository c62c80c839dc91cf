"""Trained methods put to use: images of any size, sweeps, films, other programs."""
