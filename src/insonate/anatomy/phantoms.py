"""Analytic phantoms: blocks of known geometry, to test the simulator and to show it.

Every phantom is a block in world coordinates (patient LPS, mm): x lateral, y depth, z along
the elevation. Its surface is at y = 0, where `phantom_pose` puts the probe's face. The block
goes on behind y = 0 as if the probe were pressed into it, so that the scanlines of a curved
face start inside it too. Bodies nest strictly; no two surfaces coincide.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from insonate.acoustics import Tissue, TissueTable, load_tissues
from insonate.anatomy.solids import Solid, box, cylinder, sphere, trough
from insonate.errors import InputError
from insonate.geometry import look_at
from insonate.scene import Body, PointTargets, Scene, assemble

__all__ = [
    "PHANTOMS",
    "cysts",
    "half_plane",
    "homogeneous",
    "layers",
    "phantom_pose",
    "phantom_tissues",
    "plate",
    "qa",
    "wires",
]

#: The block [mm]: lateral, elevation, depth, and how far it goes on behind the probe's face.
WIDTH, HEIGHT, DEPTH, BEHIND = 320.0, 80.0, 190.0, 16.0
#: By how much each layer of a stack is narrower than the one around it [mm].
INSET = 0.5

Material = Tissue | str
Item = tuple[str, Solid, Tissue, int]  # region, surface, tissue, priority


def phantom_pose(x: float = 0.0, z: float = 0.0) -> NDArray[np.float64]:
    """Pose `(4, 4)` of a probe on the block at lateral `x` and elevation `z` [mm], looking in."""
    return look_at((x, 0.0, z), (x, 10.0, z))


@cache
def phantom_tissues() -> TissueTable:
    """The shipped tissues and those that tissue-mimicking phantoms are made of."""
    table = load_tissues().extended(
        {
            "phantom_background": {
                "speed_of_sound": 1540.0,
                "density": 1050.0,
                "attenuation": 0.5,
                "roughness": 3000.0,
                "thickness": 0.0,
                "source": "tissue-mimicking agar of quality-assurance phantoms, as specified",
            },
            "phantom_bone": {"like": "cortical_bone_adult"},
        }
    )
    fluid = {"density": 1010.0, "attenuation": 0.05, "occupancy": 0.0, "echogenicity": -90.0}
    return table.extended(
        {
            "phantom_fluid": {"like": "phantom_background", **fluid},
            "phantom_hyper": {"like": "phantom_background", "echogenicity": 15.0},
            "phantom_hypo": {"like": "phantom_background", "echogenicity": -15.0},
        }
    )


def _tissue(material: Material) -> Tissue:
    return phantom_tissues()[material] if isinstance(material, str) else material


def _slab(top: float, bottom: float = DEPTH, inset: float = 0.0) -> Solid:
    """A slab across the block from `top` to `bottom` [mm], `inset` mm narrower on every side."""
    x, z = WIDTH / 2.0 - inset, HEIGHT / 2.0 - inset
    return box((-x, top, -z), (x, bottom - inset, z))


def _scene(
    name: str, block: Material, items: Sequence[Item] = (), targets: PointTargets | None = None
) -> Scene:
    """A block with things in it, in gel, with the exact normals of all surfaces."""
    first = ("block", _slab(-BEHIND), _tissue(block), -1)
    ranked = sorted([first, *items], key=lambda item: item[3])
    bodies = [Body(n, s.vertices, s.faces, tissue, p) for n, s, tissue, p in ranked]
    scene = assemble(bodies, phantom_tissues()["gel"], targets=targets, name=name)
    normals = np.concatenate([item[1].normals for item in ranked])  # in assemble's vertex order
    made = "analytic phantom of this package"
    return dataclasses.replace(scene, normals=normals[scene.faces], provenance=made)


def homogeneous(tissue: Material = "phantom_background") -> Scene:
    """A block of one tissue."""
    return _scene("homogeneous", tissue)


def _wires(at: Sequence[tuple[float, float]], level: float) -> PointTargets:
    """Wires along the elevation at (lateral, depth) `at` [mm], `level` dB."""
    positions = np.array([(x, y, 0.0) for x, y in at], np.float32).reshape(-1, 3)
    levels = np.full(len(positions), level, np.float32)
    return PointTargets(positions, levels, np.array([0.0, 0.0, 1.0], np.float32))


def wires(
    depths: Sequence[float] = (20.0, 40.0, 60.0, 80.0, 100.0, 120.0, 140.0),
    laterals: Sequence[float] = (-30.0, 0.0, 30.0),
    tissue: Material = "phantom_background",
    level: float = -20.0,
) -> Scene:
    """Columns of wires across the image plane.

    Args:
        depths: of the wires in every column [mm].
        laterals: of the columns [mm].
        tissue: around them.
        level: echo relative to a perfect plane reflector [dB].
    """
    at = [(x, y) for x in laterals for y in depths]
    return _scene("wires", tissue, targets=_wires(at, level))


def cysts(
    diameters: Sequence[float] = (4.0, 8.0, 12.0),
    depths: Sequence[float] = (30.0, 65.0, 105.0),
    fillings: Sequence[Material] = ("phantom_fluid", "phantom_hypo", "phantom_hyper"),
    tissue: Material = "phantom_background",
    shape: Literal["sphere", "cylinder"] = "sphere",
    pitch: float = 22.0,
) -> Scene:
    """Rows of spheres or of cylinders along the elevation, in a block.

    Args:
        diameters: in every row, from left to right, one group of them for each filling [mm].
        depths: of the rows' centres [mm].
        fillings: tissues of the groups.
        tissue: around them.
        shape: of all.
        pitch: lateral distance of neighbours [mm]; rows shallower than `depths[-1]` shrink it
            as a fan narrows towards the probe.

    Raises:
        InputError: two of them would touch.
    """
    items: list[Item] = []
    count = len(diameters) * len(fillings)
    for row, depth in enumerate(depths):
        step = pitch * (depth + 50.0) / (depths[-1] + 50.0)
        for i in range(count):
            group, size = divmod(i, len(diameters))
            radius = diameters[size] / 2.0
            if i + 1 < count and radius + diameters[(size + 1) % len(diameters)] / 2.0 >= step:
                raise InputError(f"cysts: pitch of {pitch:g} mm makes neighbours touch")
            centre = ((i - (count - 1) / 2.0) * step, depth, 0.0)
            solid = _cyst(centre, radius, shape)
            name = f"cyst {row + 1}.{i + 1}"
            items.append((name, solid, _tissue(fillings[group]), 1))
    return _scene("cysts", tissue, items)


def _cyst(centre: tuple[float, float, float], radius: float, shape: str) -> Solid:
    if shape == "sphere":
        return sphere(centre, radius)
    return cylinder(centre, radius, HEIGHT - 10.0)


def layers(
    stack: Sequence[tuple[Material, float]] = (
        ("skin", 2.0),
        ("fat_subcutaneous", 20.0),
        ("muscle_abdominal", 10.0),
        ("uterus_myometrium", 10.0),
        ("amniotic_fluid", 50.0),
    ),
    bottom: Material = "phantom_background",
) -> Scene:
    """Flat layers, the first one at the probe's face.

    Args:
        stack: tissues with their thickness [mm], from the face on.
        bottom: what lies behind the last one.
    """
    tissues = [_tissue(material) for material, _ in stack] + [_tissue(bottom)]
    tops = np.cumsum([thickness for _, thickness in stack])
    items: list[Item] = [
        (f"{k + 2} {tissue.name}", _slab(float(top), inset=(k + 1) * INSET), tissue, k)
        for k, (tissue, top) in enumerate(zip(tissues[1:], tops, strict=True))
    ]
    return _scene("layers", tissues[0], items)


def half_plane(
    depth: float = 60.0,
    thickness: float = 2.0,
    occluder: Material = "phantom_bone",
    tissue: Material = "phantom_background",
    edge: float = 0.0,
) -> Scene:
    """A slab that covers the half x < `edge` of the beam.

    Args:
        depth: of its face [mm].
        thickness: [mm].
        occluder: its tissue.
        tissue: around it.
        edge: lateral position of its edge [mm].
    """
    x, z = WIDTH / 2.0 - INSET, HEIGHT / 2.0 - INSET
    slab = box((-x, depth, -z), (edge, depth + thickness, z))
    return _scene("half_plane", tissue, [("occluder", slab, _tissue(occluder), 0)])


def plate(
    depth: float = 77.0,
    thickness: float | None = None,
    reflector: Material = "iud_metal_needle",
    tissue: Material = "phantom_background",
) -> Scene:
    """A flat reflector across the image.

    Args:
        depth: of its face [mm].
        thickness: [mm]; None lets it go on to the end of the block. Where sound is fast and not
            attenuated, that end may still show.
        reflector: its tissue.
        tissue: around it.
    """
    bottom = DEPTH if thickness is None else depth + thickness + INSET
    slab = _slab(depth, bottom, inset=INSET)
    return _scene("plate", tissue, [("plate", slab, _tissue(reflector), 0)])


def qa(face_radius: float | None = 49.57) -> Scene:
    """A quality-assurance phantom: everything that a picture is judged by, in one block.

    Under an abdominal wall of skin, fat and muscle: a column of wires and a row of wire pairs
    that close up to half a millimetre (resolution), gray-scale targets from -9 to +6 dB and a
    bright one (contrast), fluid spheres of several diameters (clearing, slice thickness,
    enhancement), and a bone rod with its shadow.

    Args:
        face_radius: of the probe whose face the wall follows [mm]; None makes it flat.
    """
    gray = zip((-9.0, -6.0, -3.0, 3.0, 6.0, 15.0), (-26, -17.5, -9, 9, 17.5, 26), strict=True)
    items: list[Item] = _wall(face_radius)
    for level, degrees in gray:
        tissue = dataclasses.replace(_tissue("phantom_background"), echogenicity=level)
        solid = cylinder(_polar(58.0, degrees), 6.0, HEIGHT - 10.0)
        items.append((f"gray {level:+g} dB", solid, tissue, 1))
    for diameter, degrees in ((16.0, -28.0), (11.0, -19.5), (7.0, -12.5), (4.0, -7.0)):
        solid = sphere(_polar(92.0, degrees), diameter / 2.0)
        items.append((f"cyst {diameter:g} mm", solid, _tissue("phantom_fluid"), 1))
    rod = cylinder(_polar(88.0, 18.0), 4.0, HEIGHT - 10.0)
    items.append(("bone rod", rod, _tissue("phantom_bone"), 1))
    column = [(0.0, y) for y in (40.0, 60.0, 80.0, 100.0, 120.0, 140.0)]
    gaps = ((-26.0, 5.0), (-15.0, 3.0), (-6.0, 2.0), (6.0, 1.5), (15.0, 1.0), (26.0, 0.5))
    pairs = [(x + side * gap / 2.0, 34.0) for x, gap in gaps for side in (-1.0, 1.0)]
    return _scene("qa", "phantom_background", items, _wires(column + pairs, -6.0))


def _polar(depth: float, degrees: float) -> tuple[float, float, float]:
    """The point `depth` mm deep on the scanline of a c5_2v at an angle."""
    radius, angle = 49.57, math.radians(degrees)
    reach = radius + depth
    return reach * math.sin(angle), reach * math.cos(angle) - radius, 0.0


def _wall(face_radius: float | None) -> list[Item]:
    """Skin, fat and muscle between the face and 20 mm, flat or following a curved face."""
    items: list[Item] = []
    stack = (("muscle_abdominal", 20.0), ("fat_subcutaneous", 11.0), ("skin", 2.0))
    for k, (name, depth) in enumerate(stack, start=1):
        x, z, top = WIDTH / 2.0 - k * INSET, HEIGHT / 2.0 - k * INSET, k * INSET - BEHIND
        if face_radius is None:
            solid = box((-x, top, -z), (x, depth, z))
        else:
            solid = trough((0.0, -face_radius, 0.0), face_radius + depth, top, 2.0 * z)
        items.append((name, solid, _tissue(name), k))
    return items


#: Ready-made phantoms by name.
PHANTOMS: dict[str, Callable[[], Scene]] = {
    "homogeneous": homogeneous,
    "wires": wires,
    "cysts": cysts,
    "layers": layers,
    "half_plane": half_plane,
    "plate": plate,
    "qa": qa,
}
