"""Statistics of the scatterers, before any engine touches them.

Speckle theory: Wagner et al. 1983 (Rayleigh: SNR 1.913, sd 5.57 dB); for sparse scatterers
the excess of the normalised second moment of intensity falls with their number per cell.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from insonate.acoustics.scattering import TABLE_SIZE, hash_voxel, mix, scatterer_table


def speckle(occupancy, kappa=0.0, sigma=1.587, shape=(160, 160, 160), seed=3, part=lambda s: s):
    """Samples of complex speckle: hashed scatterers under a Gaussian resolution cell."""
    voxels = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    table = scatterer_table(occupancy, kappa)
    field = part(table[hash_voxel(voxels, seed) & (TABLE_SIZE - 1)])
    smooth = gaussian_filter(field.real, sigma) + 1j * gaussian_filter(field.imag, sigma)
    return smooth[4:-4:2, 4:-4:2, 4:-4:2].ravel()


def snr(envelope):
    return envelope.mean() / envelope.std()


def test_k16_fully_developed_speckle():
    envelope = np.abs(speckle(1.0))
    db = 20 * np.log10(envelope)
    rms = 10 * np.log10(np.mean(envelope**2))
    assert snr(envelope) == pytest.approx(1.913, rel=0.03)
    assert db.std() == pytest.approx(5.570, abs=0.2)
    assert db.mean() - rms == pytest.approx(-2.507, abs=0.15)


@pytest.mark.parametrize(("occupancy", "ratio"), [(0.05, 2.61), (0.02, 3.55)])
def test_k17_sparse_speckle(occupancy, ratio):
    # a Gaussian cell of sigma 1.587 voxels holds (sum h^2)^2 / sum h^4 = 62.9 voxels: N_eff
    # is 3.14 and 1.26
    intensity = np.abs(speckle(occupancy)) ** 2
    measured = np.mean(intensity**2) / np.mean(intensity) ** 2
    assert measured == pytest.approx(ratio, rel=0.08)


def test_k18_phases_must_be_complex():
    assert snr(np.abs(speckle(1.0, shape=(96, 96, 96)))) > 1.85
    real = speckle(1.0, shape=(96, 96, 96), part=np.real)
    assert snr(np.abs(real)) < 1.40  # the guard bites: without phases, half-normal speckle


@given(st.floats(0.01, 1.0), st.floats(0.0, 4.0))
def test_mean_power_of_every_texture_is_one(occupancy, kappa):
    table = scatterer_table(occupancy, kappa, size=4096)
    assert np.mean(np.abs(table) ** 2) == pytest.approx(1.0, abs=1e-5)
    assert np.count_nonzero(table) == round(occupancy * 4096)


def test_empty_texture_is_silent():
    assert not scatterer_table(0.0, 0.0).any()


def test_kappa_makes_scatterers_alike():
    spread = [np.std(np.abs(scatterer_table(1.0, kappa))) for kappa in (0.0, 1.0, 4.0)]
    assert spread[0] > spread[1] > spread[2]


def test_phases_are_uniform():
    phase = np.angle(scatterer_table(1.0, 2.0))
    assert_uniform(np.histogram(phase, bins=64, range=(-np.pi, np.pi))[0])


def assert_uniform(counts):
    expected = counts.mean()
    chi2 = np.sum((counts - expected) ** 2) / expected
    freedom = counts.size - 1
    assert chi2 < freedom + 4 * np.sqrt(2 * freedom)


@pytest.mark.parametrize("seed", [0, 1, 12345, -7])
def test_hash_is_uniform_over_the_table(seed):
    lattice = np.stack(np.meshgrid(*[np.arange(-50, 50)] * 3, indexing="ij"), axis=-1)
    index = hash_voxel(lattice, seed) & (TABLE_SIZE - 1)
    assert_uniform(np.bincount(index.ravel() >> 5, minlength=TABLE_SIZE >> 5))
    high = hash_voxel(lattice, seed) >> np.uint32(22)
    assert_uniform(np.bincount(high.ravel(), minlength=1024))


def test_neighbouring_voxels_are_independent():
    table = scatterer_table(1.0, 0.0)
    lattice = np.stack(np.meshgrid(*[np.arange(-40, 40)] * 3, indexing="ij"), axis=-1)
    field = table[hash_voxel(lattice, 9) & (TABLE_SIZE - 1)]
    for axis in range(3):
        shifted = np.roll(field, 1, axis)
        correlation = abs(np.vdot(field, shifted)) / np.vdot(field, field).real
        assert correlation < 4 / np.sqrt(field.size)
    # a stencil that meets the plane at an angle must find no diagonal pattern either
    diagonal = np.roll(field, (1, 1, -1), (0, 1, 2))
    assert abs(np.vdot(field, diagonal)) / np.vdot(field, field).real < 4 / np.sqrt(field.size)


def test_seeds_give_independent_textures():
    table = scatterer_table(1.0, 0.0)
    lattice = np.stack(np.meshgrid(*[np.arange(40)] * 3, indexing="ij"), axis=-1)
    one, two = (table[hash_voxel(lattice, s) & (TABLE_SIZE - 1)] for s in (1, 2))
    assert abs(np.vdot(one, two)) / np.vdot(one, one).real < 4 / np.sqrt(one.size)


def test_every_input_bit_moves_every_output_bit():
    base = np.random.default_rng(1).integers(0, 2**32, 4096, dtype=np.uint32)
    for bit in range(32):
        changed = mix(base) ^ mix(base ^ np.uint32(1 << bit))
        flips = [(changed >> np.uint32(out) & np.uint32(1)).mean() for out in range(32)]
        assert np.all(np.abs(np.array(flips) - 0.5) < 0.1)
