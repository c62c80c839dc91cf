"""K1, K2, K5 and K39 again, on rendered frames: the kernels' own Snell and reflection.

The probe is tilted against flat interfaces; the complement of the shadow map is the two-way
transmission 1 - Gamma^2, and the edge of a black body's shadow tells where the rays went.
"""

import dataclasses

import numpy as np
import pytest
from rendered import CLEAR, LINEAR_DISPLAY, PROBE, level_db, lines, rows, simulator

from insonate.acoustics import Tissue
from insonate.anatomy import phantoms
from insonate.anatomy.solids import box, cylinder
from insonate.geometry import look_at
from insonate.scene import Body, assemble


def medium(name, speed, density, **changes):
    return dataclasses.replace(CLEAR, name=name, speed_of_sound=speed, density=density, **changes)


FAT = medium("fat", 1450.0, 950.0)
MUSCLE = medium("muscle", 1580.0, 1050.0)
SOFT = medium("soft", 1540.0, 1050.0)
CORTICAL = medium("cortical", 3200.0, 1900.0)
DENSE = PROBE.replace(scanlines=384)


def tilted(degrees):
    angle = np.deg2rad(degrees)
    return look_at((0, 0, 0), (np.sin(angle), np.cos(angle), 0))


def transmission(front: Tissue, back: Tissue, degrees, quality="fast", **settings):
    """Mean two-way amplitude behind a flat interface at 40 mm that the probe is tilted to."""
    engine = simulator(phantoms.plate(40.0, None, back, front), quality=quality, **settings)
    frame = engine.frame(tilted(degrees))
    return 1 - frame.shadow[150:160].mean()


@pytest.mark.parametrize(
    ("front", "back", "degrees", "gamma"),
    [
        (FAT, MUSCLE, 0, 0.09270),
        (FAT, MUSCLE, 30, 0.10866),
        (FAT, MUSCLE, 45, 0.14383),
        (SOFT, CORTICAL, 20, 0.66791),
    ],
)
def test_k5_oblique_transmission(front, back, degrees, gamma):
    assert transmission(front, back, degrees) == pytest.approx(1 - gamma**2, abs=3e-4)


@pytest.mark.parametrize(("degrees", "gamma"), [(0, 0.57983), (10, 0.60003), (20, 0.66791)])
def test_k5_oblique_transmission_by_chance(degrees, gamma):
    # one ray a line looks along the scanline; passes average its random branches
    settings = {"quality": "fine", "rays": 1, "layers": 1, "scatterers": False}
    engine = simulator(phantoms.plate(40.0, None, CORTICAL, SOFT), **settings)
    frame = engine.frame(tilted(degrees), passes=64)
    measured = 1 - frame.shadow[150].mean()
    error = np.sqrt(gamma**2 * (1 - gamma**2) / (64 * 64))
    assert measured == pytest.approx(1 - gamma**2, abs=3 * error)


def test_k2_nothing_passes_beyond_the_critical_angle():
    probe = PROBE.replace(scanlines=16, elements=96, depth=140.0)
    engine = simulator(phantoms.plate(20.0, None, MUSCLE, FAT), probe, scatterers=False)
    below, above = (1 - engine.frame(tilted(66.595 + d)).shadow[200] for d in (-1.0, 0.05))
    assert below.min() > 0.5
    assert above.max() == 0


def block_of(base, *items):
    """A block with solids in it: (solid, tissue), later ones win."""
    items = [(box((-160, -16, -40), (160, 190, 40)), base), *items]
    bodies = [
        Body(f"body {k}", solid.vertices, solid.faces, material, k)
        for k, (solid, material) in enumerate(items)
    ]
    return assemble(bodies, CLEAR)


def shadow_edges(scene, pose, depth):
    """Lateral positions where the light of the central rays ends or begins [mm]."""
    display = dataclasses.replace(LINEAR_DISPLAY, rows=1500)
    frame = simulator(scene, DENSE, scatterers=False, display=display).frame(pose)
    lit = frame.shadow[round(10 * depth)] < 0.5
    return DENSE.line_coordinates()[np.flatnonzero(np.diff(lit.astype(int)))] + 0.05


@pytest.mark.parametrize(
    ("degrees", "refracted"), [(10, 10.907), (20, 21.881), (30, 33.013), (45, 50.399)]
)
def test_k1_refraction_moves_the_shadow_of_a_black_edge(degrees, refracted):
    # fat down to 30 mm, muscle below, in it a black half plane at 60 mm whose edge is at x = 0
    muscle = box((-159, 30, -39), (159, 189, 39))
    edge = box((-150, 60, -35), (0, 60.2, 35))
    black = dataclasses.replace(MUSCLE, attenuation=1000.0)
    scene = block_of(FAT, (muscle, MUSCLE), (edge, black))
    pose = tilted(degrees)
    pose[0, 3] = -30 * (np.tan(np.deg2rad(degrees)) + np.tan(np.deg2rad(refracted)))
    # the central scanline then meets the edge; a degree would move it by 0.5 mm
    assert shadow_edges(scene, pose, 110) == pytest.approx([0.0], abs=0.06)


def refracted(d, n, ratio):
    """Direction behind a surface with normal `n` towards the ray; `ratio` is c2/c1."""
    cos1 = -d @ n
    cos2 = np.sqrt(1 - ratio**2 * (1 - cos1**2))
    return ratio * d + (ratio * cos1 - cos2) * n


@pytest.mark.parametrize(("c1", "c2", "bend"), [(1570, 1500, -9.712), (1540, 1600, 10.161)])
def test_k39_refraction_at_the_rim_of_a_round_cyst(c1, c2, bend):
    # the ray that passes a cylinder at 0.9 of its radius, followed to a plane 60 mm behind
    radius, floor = 10.0, 60.0
    enter = radius * np.array([0.9, -np.sqrt(1 - 0.81)])
    within = refracted(np.array([0.0, 1.0]), enter / radius, c2 / c1)
    leave = enter - 2 * (enter @ within) * within
    out = refracted(within, -leave / radius, c1 / c2)
    assert np.rad2deg(np.arctan2(out[0], out[1])) == pytest.approx(bend, abs=1e-3)
    x = leave[0] + (floor - leave[1]) * out[0] / out[1]
    fluid, around = medium("in", c2, 1050.0 * c1 / c2), medium("around", c1, 1050.0)
    black = dataclasses.replace(around, attenuation=1000.0)
    cyst = cylinder((0, 40, 0), radius, 60.0, segments=4096)
    edge = box((x, 40 + floor, -35), (150, 40 + floor + 0.2, 35))
    scene = block_of(around, (cyst, fluid), (edge, black))
    edges = shadow_edges(scene, tilted(0), 120)
    assert np.abs(edges - 0.9 * radius).min() < 0.06


def speckle_behind(scene, pose, depths, across):
    """Level of speckle between display depths, on lines between two positions [dB]."""
    frame = simulator(scene, DENSE).frame(pose, seed=1)
    return level_db(rows(frame, *depths)[lines(DENSE, *across)])


def test_a_rib_casts_a_shadow_as_wide_as_itself():
    # beyond 28.8 degrees its flanks reflect all, but their curvature spreads what they mirror
    rib = dataclasses.replace(CORTICAL, attenuation=6.9)
    scene = block_of(SOFT, (cylinder((0, 40, 0), 4.0, 60.0, segments=256), rib))
    lit = speckle_behind(scene, tilted(0), (60, 100), (7.0, 15.0))
    middle = speckle_behind(scene, tilted(0), (60, 100), (-1.5, 1.5))
    flanks = speckle_behind(scene, tilted(0), (60, 100), (2.3, 3.7))
    assert middle < lit - 30
    assert flanks < lit - 12


def test_a_flat_mirror_keeps_its_mirror_image():
    scene = phantoms.plate(40.0, None, CORTICAL, SOFT)
    front = speckle_behind(scene, tilted(35), (20, 40), (-5.0, 5.0))
    mirrored = speckle_behind(scene, tilted(35), (60, 80), (-5.0, 5.0))
    assert mirrored == pytest.approx(front, abs=0.5)  # all is reflected beyond 28.8 degrees
