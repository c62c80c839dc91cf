"""A small dataset with known content, for what looks at datasets and exports them."""

import numpy as np

from insonate.data.dataset import Attributes, Layout, create

REGIONS = ("outside", "liver", "kidney")
ROWS, COLUMNS = 24, 20


def sample(k, rows=ROWS, columns=COLUMNS):
    """Label 1 above and 2 in a box that moves; a sweep of parallel frames 2 mm apart."""
    rng = np.random.default_rng(k)
    mask = np.ones((rows, columns), np.uint8)
    mask[:, :2] = 0
    labels = np.zeros((rows, columns), np.uint8)
    labels[2:10, 2:] = 1
    labels[12:18, 4 + k % 5 : 9 + k % 5] = 2
    pose = np.eye(4)
    pose[:3, :3] = [[0, 0, 1], [0, 1, 0], [-1, 0, 0]]
    pose[:3, 3] = [5.0, 2.0 * k, -7.0]
    return {
        "bmode": (rng.integers(1, 256, (rows, columns)) * mask).astype(np.uint8),
        "labels": labels,
        "mask": mask,
        "pose": pose,
        "spacing": [0.5, 0.25],
        "origin": [-2.5, 1.0],
        "patient": k // 4,
        "sequence": k // 4,
        "plane": k % 2,
        "split": min(k // 4, 2),
        "seed": k,
        "metadata": {"number": k},
    }


def make_dataset(where, count=12, change=None, images=("bmode", "labels", "mask"), **about):
    """Frames of three patients, one a split; `change` maps a number to a sample's changes."""
    said = {"regions": REGIONS, "planes": ("long", "short"), "licence": "CC0", "provenance": "made",
            "tissues": {"liver": "parenchyma"}} | about  # fmt: skip
    layout = Layout(count, ROWS, COLUMNS, images, shard=4)
    with create(where, layout, Attributes(**said)) as writer:
        for block in range(layout.blocks):
            samples = [sample(k) | (change or {}).get(k, {}) for k in layout.block(block)]
            kept = (*images, "pose", "spacing", "origin", "patient", "sequence", "plane", "split",
                    "seed", "metadata")  # fmt: skip
            writer.write(block, [{k: s[k] for k in kept} for s in samples])
    return where
