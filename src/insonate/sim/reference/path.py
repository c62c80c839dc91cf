"""One path through the anatomy, brute force over all triangles."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from insonate.acoustics import interface
from insonate.acoustics.attenuation import two_way_decay
from insonate.acoustics.pulse import DISPLAY_SPEED
from insonate.acoustics.scattering import HASH_X, HASH_Y, HASH_Z, hash_voxel, mix
from insonate.probe import Probe
from insonate.scene import Scene, Sheet
from insonate.sim.settings import Settings

__all__ = ["Echo", "Segment", "Surfaces", "stratum", "trace_path", "uniform"]

Vector = NDArray[np.float64]
NUDGE = 5e-4  # [mm]
SMOOTH = 3000.0
SLIVER = 0.3  # [mm]
GAS, MATCHED = 0.1, 1.6  # [MRayl]


@dataclass
class Segment:
    """A stretch of a path inside one region; depths as a scanner shows them [mm]."""

    start: float
    end: float
    amplitude: float
    decay: float
    region: int
    reflections: int
    rest: Vector
    rest_step: Vector


@dataclass
class Echo:
    """What an interface returns to the probe; depths as a scanner shows them [mm]."""

    surface: float
    depth: float
    coherent: float
    incoherent: float
    phase: float


@dataclass
class Path:
    """Where a path has got to; display depth in mm."""

    origin: Vector
    direction: Vector
    depth: float
    amplitude: float = 1.0
    survival: float = 1.0
    region: int = -1
    reflections: int = 0
    skew: Vector = field(default_factory=lambda: np.zeros(3))  #: direction less the beam's
    rest: Vector | None = None  #: tissue-fixed position, before the nudge off a surface


@dataclass
class Hit:
    """A surface met: its distance, its normals facing the ray, the regions on its sides."""

    distance: float
    face: int
    normal: Vector
    geometric: Vector
    front: int
    back: int
    curvature: float  # sum of the principal ones, convex to the ray [1/mm]


def uniform(seed: int, ray: int, bounce: int, use: int) -> float:
    """The uniform deviate in (0, 1) that ray `ray` draws at bounce `bounce` for `use`."""
    bits = mix(hash_voxel([ray, bounce, use], seed))
    return (float(np.uint32(bits) >> np.uint32(8)) + 0.5) * 2.0**-24


def stratum(seed: int, path: int, rays: int, bounce: int, use: int) -> float:
    """The same from the stratum of a path among the `rays` of its beam (:eq:`strata`)."""
    within = uniform(seed, path, bounce, use)
    if rays == 1:
        return within
    key = int(mix(hash_voxel([path // rays, bounce, -use], seed)))
    low = (1 << (rays - 1).bit_length()) - 1
    x = path % rays
    while True:
        x = (x + key) * HASH_X & low
        x ^= x >> 3
        x = (x ^ key >> 8) * HASH_Y & low
        x ^= x >> 2
        x = (x + (key >> 16)) * HASH_Z & low
        x ^= x >> 1
        if x < rays:
            return ((x + (key >> 4)) % rays + within) / rays


class Surfaces:
    """The triangles of a scene, to be searched one ray at a time."""

    def __init__(self, scene: Scene, centre: NDArray[np.float64]):
        self.scene = scene
        self.corners = (scene.vertices.astype(np.float64) - centre)[scene.faces]
        a, b, c = self.corners[:, 0], self.corners[:, 1], self.corners[:, 2]
        self.area_normal = np.cross(b - a, c - a)
        self.normals = self._smooth() if scene.normals is None else scene.normals

    def _smooth(self) -> NDArray[np.float64]:
        """Area-weighted normals of corners that share a vertex and a pair of regions."""
        scene, normals = self.scene, np.zeros((self.scene.triangles, 3, 3))
        key = np.concatenate(
            [scene.faces[..., None], np.repeat(scene.pairs[:, None], 3, axis=1)], axis=2
        ).reshape(-1, 3)
        _, wedge = np.unique(key, axis=0, return_inverse=True)
        total = np.zeros((wedge.max() + 1, 3))
        np.add.at(total, wedge.ravel(), np.repeat(self.area_normal, 3, axis=0))
        total /= np.linalg.norm(total, axis=1, keepdims=True)
        normals[:] = total[wedge.ravel()].reshape(-1, 3, 3)
        return normals

    def first(self, origin: Vector, direction: Vector) -> Hit | None:
        """The first surface along a ray (Moeller and Trumbore), or None."""
        a = self.corners[:, 0]
        e1, e2 = self.corners[:, 1] - a, self.corners[:, 2] - a
        p = np.cross(direction, e2)
        determinant = np.einsum("fk,fk->f", e1, p)
        flat = np.abs(determinant) < 1e-12  # a triangle seen edge on
        inverse = 1.0 / np.where(flat, 1.0, determinant)
        s = origin - a
        u = np.einsum("fk,fk->f", s, p) * inverse
        q = np.cross(s, e1)
        v = (q @ direction) * inverse
        t = np.einsum("fk,fk->f", e2, q) * inverse
        hit = ~flat & (u >= 0) & (v >= 0) & (u + v <= 1) & (t > 0)
        t = np.where(hit, t, np.inf)
        f = int(np.argmin(t))
        if not np.isfinite(t[f]):
            return None
        n0, n1, n2 = self.normals[f]
        smooth = (1 - u[f] - v[f]) * n0 + u[f] * n1 + v[f] * n2
        geometric = self.area_normal[f] / np.linalg.norm(self.area_normal[f])
        front, back = self.scene.pairs[f]
        turn = np.roll(self.normals[f], -1, axis=0) - self.normals[f]
        edge = np.roll(self.corners[f], -1, axis=0) - self.corners[f]
        curvature = np.sum(turn * edge, axis=1) / np.sum(edge**2, axis=1)
        if direction @ geometric > 0:
            smooth, geometric, front, back = -smooth, -geometric, back, front
            curvature = -curvature
        smooth = smooth / np.linalg.norm(smooth)
        if direction @ smooth > -1e-3:
            smooth = geometric
        bent = float(curvature.mean()) * 2.0
        return Hit(float(t[f]), f, smooth, geometric, int(front), int(back), bent)


def trace_path(
    surfaces: Surfaces,
    probe: Probe,
    settings: Settings,
    origin: Vector,
    direction: Vector,
    tilt: float,
    start: float = 0.0,
    index: int = 0,
    seed: int = 0,
    axis: Vector | None = None,
) -> tuple[list[Segment], list[Echo]]:
    """Follow one path, without reverberation at the probe's face.

    Args:
        surfaces: the anatomy.
        probe: gives depth, frequencies and acceptance.
        settings: branching, bounces and reflection gain.
        origin: `(3,)`, in the coordinates of `surfaces` [mm].
        direction: unit, `(3,)`.
        tilt: cosine between the ray and its scanline.
        start: display depth of the origin [mm].
        index: of the ray, for its random numbers.
        seed: of fuzziness, phases and branches.
        axis: direction of the beam that the ray belongs to, unit, `(3,)`; the ray's if None.
    """
    path = Path(np.asarray(origin, float), np.asarray(direction, float), start)
    path.skew = np.zeros(3) if axis is None else path.direction - axis
    segments: list[Segment] = []
    echoes: list[Echo] = []
    for b in range(1, settings.bounces + 2):
        hit = surfaces.first(path.origin, path.direction)
        first = path.region < 0
        sliver = first or path.depth - segments[-1].start < SLIVER
        if hit and sliver and (first or surfaces.scene.sheet_of[hit.face] < 0):
            path.region = hit.front
        path.region = max(path.region, 0)
        tissue = surfaces.scene.regions[path.region].tissue
        if first and tissue.impedance < GAS:  # air does not touch the face
            gamma = interface.pressure_reflection(MATCHED, tissue.impedance, 1.0, 1.0)
            path.amplitude = 1.0 - float(gamma) ** 2
        stretch = DISPLAY_SPEED / tissue.speed * tilt
        length = hit.distance * stretch if hit else math.inf
        decay = float(two_way_decay(tissue.attenuation_at(probe.attenuation_frequency_mhz)))
        end = min(path.depth + length, probe.depth)
        rest = path.origin if path.rest is None else path.rest
        step = path.direction / stretch
        if hit:
            step = (path.origin + hit.distance * path.direction - rest) / length
        segments.append(
            Segment(path.depth, end, path.amplitude, decay / stretch, path.region,
                    path.reflections, rest, step)
        )  # fmt: skip
        if echoes:
            echoes[-1].depth = min(echoes[-1].depth, path.depth + 0.5 * length)
        if hit is None or path.depth + length >= probe.depth:
            break
        path = replace(
            path,
            depth=path.depth + length,
            origin=path.origin + hit.distance * path.direction,
            amplitude=path.amplitude * math.exp(-decay * hit.distance),
        )
        if path.amplitude < 1e-7:
            break
        echoes.append(_echo(surfaces.scene, probe, settings, path, hit, (index, b), seed, length))
        at = path.origin
        path = _branch(surfaces.scene, probe, settings, path, hit, (index, b), seed)
        path.rest = at
    return segments, echoes


def _echo(
    scene: Scene, probe: Probe, settings: Settings, path: Path, hit: Hit,
    draw: tuple[int, int], seed: int, length: float,
) -> Echo:  # fmt: skip
    before, behind = scene.regions[hit.front].tissue, scene.regions[hit.back].tissue
    roughness = min(before.roughness, behind.roughness)
    thickness = max(before.thickness, behind.thickness)
    gamma = float(interface.pressure_reflection(before.impedance, behind.impedance, 1.0, 1.0))
    if scene.sheet_of[hit.face] >= 0:
        sheet = scene.sheets[scene.sheet_of[hit.face]]
        roughness, thickness = SMOOTH, 0.0
        gamma = float(_sheet_gamma(before.impedance, sheet, probe))
    returned = path.amplitude * _lifted(gamma, settings.reflection_gain)
    f_number = float(probe.receive_f_numbers(np.array(path.depth)))
    acceptance = interface.acceptance_slope(f_number)
    axis = path.direction - path.skew
    cos = -axis @ hit.normal / np.linalg.norm(axis)
    lobe = interface.specular_lobe(cos, roughness, acceptance)
    k = 2.0 * math.pi * probe.frequency / DISPLAY_SPEED
    coherence = math.exp(-2.0 * (k * thickness) ** 2)
    scrambled = math.sqrt((1.0 - coherence**2) * path.survival)
    phase = 2.0 * math.pi * uniform(seed, *draw, 5)
    depth = path.depth + max(_fuzz(seed, draw, thickness), -0.5 * length)
    amplitude = returned * float(lobe)
    return Echo(path.depth, depth, amplitude * coherence, amplitude * scrambled, phase)


def _sheet_gamma(impedance: float, sheet: Sheet, probe: Probe) -> NDArray[np.float64]:
    tissue, thickness = sheet.tissue, sheet.thickness
    return interface.sheet_reflection(
        impedance, tissue.impedance, tissue.speed, thickness, probe.frequency
    )


def _lifted(gamma: float, exponent: float) -> float:
    return math.copysign(0.4 * (abs(gamma) / 0.4) ** exponent, gamma)


def _fuzz(seed: int, draw: tuple[int, int], thickness: float) -> float:
    key = mix(hash_voxel([*draw, 4], seed))
    other = np.uint32((int(key) * 747796405 + 1) & 0xFFFFFFFF)
    u, v = ((float(np.uint32(k) >> np.uint32(8)) + 0.5) * 2.0**-24 for k in (key, other))
    n = math.sqrt(-2.0 * math.log(u)) * math.cos(2.0 * math.pi * v)
    return thickness * min(max(n, -3.0), 3.0)


def _branch(
    scene: Scene, probe: Probe, settings: Settings, path: Path, hit: Hit,
    draw: tuple[int, int], seed: int,
) -> Path:  # fmt: skip
    """Through the interface, or back; a membrane is always crossed."""
    before, behind = scene.regions[hit.front].tissue, scene.regions[hit.back].tissue
    if scene.sheet_of[hit.face] >= 0:
        gamma = float(_sheet_gamma(before.impedance, scene.sheets[scene.sheet_of[hit.face]], probe))
        amplitude = path.amplitude * (1.0 - gamma**2)
        return replace(path, origin=path.origin - NUDGE * hit.geometric, amplitude=amplitude)
    facet, stochastic = hit.normal, settings.branching == "stochastic"
    if stochastic and min(before.roughness, behind.roughness) < SMOOTH:
        raise ValueError("the reference draws branches at smooth interfaces only")
    cos1 = float(-path.direction @ facet)
    cos2 = float(interface.snell_cosine(before.speed, behind.speed, cos1))
    gamma = interface.pressure_reflection(before.impedance, behind.impedance, cos1, cos2)
    power = float(gamma) ** 2
    amplitude, survival, skew = path.amplitude, path.survival, path.skew
    if not stochastic:
        back = power >= 0.5
        amplitude *= power if back else 1.0 - power
    else:
        back = stratum(seed, draw[0], settings.rays, draw[1], 8) < power
        survival *= power if back else 1.0 - power
    if back:
        amplitude *= float(interface.mirror_spreading(hit.curvature))
        direction = path.direction + 2.0 * cos1 * facet
        skew = skew - 2.0 * (skew @ facet) * facet
        origin, region = path.origin + NUDGE * hit.geometric, hit.front
    else:
        ratio = behind.speed / before.speed
        direction = ratio * path.direction + (ratio * cos1 - cos2) * facet
        origin, region = path.origin - NUDGE * hit.geometric, hit.back
    return Path(
        origin=origin,
        direction=direction / np.linalg.norm(direction),
        depth=path.depth,
        amplitude=amplitude,
        survival=survival,
        region=region,
        reflections=path.reflections + int(back),
        skew=skew,
    )
