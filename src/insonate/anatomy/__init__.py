"""Where scenes come from: analytic phantoms, meshes, label volumes."""
