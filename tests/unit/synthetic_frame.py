"""Frames with known content, so that writers are tested without a simulator."""

from __future__ import annotations

import numpy as np

from insonate.geometry import look_at
from insonate.probe import load_probe
from insonate.sim.frame import Frame

REGIONS = ("outside", "liver", "kidney")
SPACING = 0.4


def make_frame(pose=None, seed=1, rows=24, columns=32, **changes) -> Frame:
    """Gray ramp along columns, labels 1 left and 2 right, rows 0 to 1 outside the fan."""
    bmode = np.tile(np.linspace(0.0, 1.0, columns, dtype=np.float32), (rows, 1))
    labels = np.full((rows, columns), 1, np.uint8)
    labels[:, columns // 2 :] = 2
    labels[:2] = 0
    depth = np.linspace(0.0, 1.0, rows, dtype=np.float32)[:, None]
    values = dict(
        bmode=bmode * (labels > 0),
        labels=labels,
        attenuation=np.tile(depth, (1, columns)),
        shadow=np.zeros((rows, columns), np.float32),
        mask=labels > 0,
        pose=look_at([10.0, -20.0, 30.0], [40.0, 60.0, 35.0], 0.4) if pose is None else pose,
        spacing=SPACING,
        origin=(-6.3, -1.05),
        region_names=REGIONS,
        probe=load_probe("c5_2v"),
        seed=seed,
    )
    return Frame(**(values | changes))


def sweep(count=3, step=2.0) -> list[Frame]:
    """Parallel frames, `step` mm apart along the probe's elevation axis."""
    first = make_frame()
    frames = []
    for index in range(count):
        pose = first.pose.copy()
        pose[:3, 3] += index * step * pose[:3, 1]
        labels = np.full(first.labels.shape, index, np.uint8)
        frames.append(make_frame(pose, seed=index, labels=labels))
    return frames
