"""Frames and poses: rigid 4x4 matrices in mm, probe to world."""

from insonate.geometry.pose import check_pose, look_at, rotation_about

__all__ = ["check_pose", "look_at", "rotation_about"]
