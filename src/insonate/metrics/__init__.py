"""Scores of images and of sets of images, and whether they differ by more than chance."""
