"""Warp kernels, one source for CPU and CUDA; `insonate.sim.reference` is their readable twin.

Every kernel takes `first` as its first argument: launches are sliced over their first
dimension, because a CPU launch runs on one thread.
"""
