"""Sub-wavelength scatterers: hashed, complex, fixed to the tissue.

A voxel's scatterer is looked up, not stored: its integer coordinates and a seed are hashed
to an index into a small table of complex deviates drawn once per texture. The table carries
occupancy and size distribution; its mean power is exactly 1, so that brightness and texture
are independent knobs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "HASH_X",
    "HASH_Y",
    "HASH_Z",
    "LATTICE",
    "MIX_1",
    "MIX_2",
    "TABLE_SIZE",
    "VOXEL_EDGE",
    "hash_voxel",
    "mix",
    "scatterer_table",
    "shared_power",
]

#: Edge of a scatterer voxel [mm]; at most the axial resolution cell.
VOXEL_EDGE = 0.15
#: Position of the scene's origin in its voxel [edges]. Planes of symmetry, such as the image
#: plane of a phantom, would otherwise run between voxels, and rounding would choose.
LATTICE = (0.31, 0.43, 0.37)
#: Entries of a texture's table of complex deviates; a power of two, small enough for L2 cache.
TABLE_SIZE = 8192

# Odd 32-bit multipliers: coordinates (Teschner et al. 2003, large primes) and the
# finaliser "lowbias32" (Wellons 2018).
HASH_X, HASH_Y, HASH_Z = 73856093, 19349663, 83492791
MIX_1, MIX_2 = 0x7FEB352D, 0x846CA68B


def mix(bits: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Finalise a 32-bit hash so that every input bit moves every output bit."""
    bits = np.asarray(bits, dtype=np.uint32)
    with np.errstate(over="ignore"):  # wrapping around is the point
        bits = (bits ^ (bits >> np.uint32(16))) * np.uint32(MIX_1)
        bits = (bits ^ (bits >> np.uint32(15))) * np.uint32(MIX_2)
    return bits ^ (bits >> np.uint32(16))


def hash_voxel(voxel: ArrayLike, seed: int) -> NDArray[np.uint32]:
    """Hash integer voxel coordinates `(..., 3)` and a seed to 32 bits `(...)`."""
    v = np.asarray(voxel, dtype=np.int64).astype(np.uint32)
    # A sum, not the usual exclusive or: products of small integers collide under the latter
    # (39 % of the voxels of a 18 mm cube share their hash, some 0.4 mm apart); under the sum
    # no two within 0.23 m do.
    with np.errstate(over="ignore"):
        bits = v[..., 0] * np.uint32(HASH_X) + v[..., 1] * np.uint32(HASH_Y)
        bits = bits + v[..., 2] * np.uint32(HASH_Z)
    return mix(bits ^ np.uint32(seed & 0xFFFFFFFF))


def scatterer_table(
    occupancy: float, kappa: float, size: int = TABLE_SIZE
) -> NDArray[np.complex64]:
    """Complex scatterers of one texture, mean power 1 (:eq:`scatterer`).

    Args:
        occupancy: share of voxels that hold a scatterer, 0 to 1.
        kappa: mean over standard deviation of a scatterer's strength; 0 makes strengths
            Rayleigh-distributed (complex normal), large values equal.
        size: entries, a power of two.

    Returns:
        Complex deviates `(size,)`; all zero when `occupancy` is 0. The phases are uniform:
        real-valued scatterers would make half-normal speckle at this sampling.
    """
    table = np.zeros(size, dtype=np.complex128)
    filled = round(occupancy * size)
    if filled == 0:
        return table.astype(np.complex64)
    rng = np.random.Generator(np.random.Philox(key=[filled, round(kappa * 4096)]))
    # Rayleigh magnitudes at even quantiles: a small table keeps the moments of a large one.
    magnitude = np.sqrt(-np.log1p(-(np.arange(filled) + 0.5) / filled))
    turn, phase = np.exp(1j * rng.uniform(0.0, 2.0 * np.pi, (2, filled)))
    table[rng.permutation(size)[:filled]] = (kappa + magnitude * turn) * phase
    table /= np.sqrt(np.mean(np.abs(table) ** 2))
    return table.astype(np.complex64)


def shared_power(sigma: ArrayLike, spacing: ArrayLike) -> NDArray[np.float64]:
    """Speckle power under Gaussian weights of unit energy, where samples share voxels.

    Samples closer than a voxel see the same scatterer and add up in phase; without this
    correction twice the samples would make speckle 3 dB brighter (:eq:`shared`).

    Args:
        sigma: of the weights [mm].
        spacing: of the samples [mm].

    Returns:
        Power relative to independent samples, at least 1.
    """
    width, step = np.broadcast_arrays(np.asarray(sigma, float), np.asarray(spacing, float))
    lag = np.arange(1, 17).reshape(-1, *[1] * step.ndim) * step
    overlap = np.maximum(1.0 - lag / VOXEL_EDGE, 0.0)
    coarse = 1.0 + 2.0 * np.sum(overlap * np.exp(-((lag / (2.0 * width)) ** 2)), axis=0)
    lag = (np.arange(64).reshape(-1, *[1] * step.ndim) + 0.5) / 64 * VOXEL_EDGE
    overlap = (1.0 - lag / VOXEL_EDGE) * np.exp(-((lag / (2.0 * width)) ** 2))
    fine = 2.0 * VOXEL_EDGE / np.maximum(step, 1e-9) * overlap.mean(axis=0)
    return np.where(step > VOXEL_EDGE / 16, coarse, fine)
