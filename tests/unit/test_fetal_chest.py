"""Heart, vessels and lungs: they fit, they are as large as tables say, the heart beats."""

import itertools

import numpy as np
import pytest

from insonate.anatomy.fetus.chest import (
    CHEST_TISSUES,
    chest_landmarks,
    chest_parts,
    chest_planes,
    chest_truth,
)
from insonate.anatomy.fetus.diaphragm import body_cavity, diaphragm_dome, wall_depth
from insonate.anatomy.fetus.great_vessels import VESSELS, vessel_path
from insonate.anatomy.fetus.heart import MITRAL, TRICUSPID, heart_outline
from insonate.anatomy.fetus.heart_frame import FOUR_CHAMBER_S, heart_frame
from insonate.anatomy.fetus.heartbeat import heart_displacement, ventricular_contraction
from insonate.anatomy.fetus.plan import Plan, Posture
from insonate.anatomy.fetus.sizes import Sizes
from insonate.anatomy.implicit import Shape
from insonate.anatomy.implicit.mesh import region_tissues
from insonate.anatomy.implicit.program import distance
from insonate.biometry import dimension, load_law

AVSD = "atrioventricular_septal_defect"
CHAMBERS = [
    f"fetal_{side}_{what}" for side in ("left", "right") for what in ("ventricle", "atrium")
]
#: What continues what; blood of all others is kept apart by a wall.
CONTINUOUS = {
    ("fetal_aorta", "fetal_left_ventricle"),
    ("fetal_pulmonary_artery", "fetal_right_ventricle"),
    ("fetal_ductus_arteriosus", "fetal_pulmonary_artery"),
    ("fetal_aorta", "fetal_ductus_arteriosus"),
    ("fetal_right_atrium", "fetal_superior_vena_cava"),
    ("fetal_inferior_vena_cava", "fetal_right_atrium"),
    ("fetal_left_atrium", "fetal_pulmonary_veins"),
}


def fetus(weeks: float = 22.0, factors=None, **rest) -> Plan:
    law = load_law("intergrowth")
    bpd, ofd, ac, fl = (law.value(name, weeks) for name in ("BPD", "OFD", "AC", "FL"))
    return Plan(Sizes(weeks, bpd, ofd, ac, fl, factors or {}), **rest)


def individuals():
    rng = np.random.default_rng(5)
    for weeks in (14.0, 19.3, 22.0, 30.7, 40.0):
        posture = Posture(trunk=rng.uniform(0.35, 1.4), trunk_left=rng.uniform(-0.17, 0.17))
        factors = {"cardiac_circumference": rng.uniform(0.94, 1.06)}
        axis = {"heart_axis": rng.uniform(-1, 1)}
        finding = {AVSD: 0.4} if weeks in (19.3, 30.7) else {}
        yield fetus(weeks, factors, posture=posture, findings=finding, variation=axis)


def within(shape: Shape, points: np.ndarray) -> np.ndarray:
    """Whether `points` lie inside `shape`; only those in its box are looked at."""
    low, high = shape.bounds()
    inside = ((points > low) & (points < high)).all(axis=1)
    inside[inside] = distance(shape, points[inside]) < 0.0
    return inside


def painted(plan: Plan, points: np.ndarray) -> np.ndarray:
    """Names of the regions at `points`."""
    names = np.full(len(points), "", object)
    for part in chest_parts(plan):
        names[within(part.shape, points)] = part.region
    return names


def grid(plan: Plan, half: float = 0.75, n: int = 150, z: float = 0.0) -> np.ndarray:
    """Points of the four-chamber plane around the heart, `(n, n, 3)` [mm]: rows along a."""
    frame, along = heart_frame(plan), np.linspace(-half, half, n)
    a, r = np.meshgrid(along + 0.15, along, indexing="ij")
    plane = a[..., None] * frame.direction(1, 0, 0) + r[..., None] * frame.direction(0, 1, 0)
    return frame.point(0.0, 0.0, z) + plane * frame.unit


def run_lengths(values: np.ndarray, of: str) -> list[tuple[int, int]]:
    """Starts and ends of the runs of `of`."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], values == of, [0]]).astype(int)))
    return list(zip(edges[::2], edges[1::2], strict=True))


@pytest.mark.parametrize("plan", list(individuals()), ids=lambda p: f"{p.sizes.weeks:g}")
def test_nothing_leaves_the_chest(plan):
    rng = np.random.default_rng(1)
    low, high = plan.trunk.outline(0.1, 0.65).bounds()
    points = rng.uniform(low, high, (40_000, 3))
    in_wall = distance(body_cavity(plan), points) > 0.05
    abdominal = distance(diaphragm_dome(plan), points) > 0.0
    for part in chest_parts(plan):
        inside = within(part.shape, points)
        assert not (inside & in_wall).any(), part.region
        if "lung" in part.region or part.region in (*CHAMBERS, "fetal_myocardium"):
            assert not (inside & abdominal).any(), part.region


@pytest.mark.parametrize("plan", list(individuals()), ids=lambda p: f"{p.sizes.weeks:g}")
def test_blood_is_kept_apart_by_walls(plan):
    defect = bool(plan.finding(AVSD))
    for z in (0.0, 0.12, -0.1):
        n, half = 150, 0.75
        names = painted(plan, grid(plan, half, n, z).reshape(-1, 3)).reshape(n, n)
        bloods = {r for r in map(str, np.unique(names)) if CHEST_TISSUES.get(r) == BLOOD}
        for one, two in itertools.combinations(sorted(bloods), 2):
            if (one, two) in CONTINUOUS or (defect and {one, two} <= set(CHAMBERS)):
                continue
            if {one, two} == {"fetal_left_atrium", "fetal_right_atrium"} and abs(z) < 0.12:
                continue  # the foramen ovale
            assert not touch(names == one, names == two), (one, two, z)


BLOOD = CHEST_TISSUES["fetal_left_ventricle"]


def touch(one: np.ndarray, two: np.ndarray) -> bool:
    """Whether two masks have neighbouring pixels."""
    return bool(
        (one[1:] & two[:-1]).any() or (one[:-1] & two[1:]).any()
        or (one[:, 1:] & two[:, :-1]).any() or (one[:, :-1] & two[:, 1:]).any()
    )  # fmt: skip


@pytest.mark.parametrize("weeks", [14, 22, 40])
def test_the_section_of_the_heart_is_as_long_as_its_circumference(weeks):
    plan = fetus(weeks)
    frame, outline = heart_frame(plan), heart_outline(plan, heart_frame(plan))
    angle, radius = np.linspace(0, 2 * np.pi, 361), np.linspace(0.2, 0.8, 1201)
    ways = np.stack([np.cos(angle), np.sin(angle), 0 * angle], 1) @ frame.matrix[:3, :3].T
    rays = frame.point(0.15, 0, 0) + radius[None, :, None] * ways[:, None] * frame.unit
    d = distance(outline, rays.reshape(-1, 3)).reshape(len(angle), -1)
    rim = rays[np.arange(len(angle)), np.argmax(d > 0, axis=1)]
    length = np.linalg.norm(rim[4::4] - rim[:-4:4], axis=1).sum()
    assert length == pytest.approx(chest_truth(plan)["cardiac_circumference"], rel=0.02)


@pytest.mark.parametrize("weeks", [16, 22, 34])
def test_the_heart_fills_a_third_of_the_chest(weeks):
    plan = fetus(weeks)
    heart = (distance(heart_outline(plan, heart_frame(plan)), grid(plan).reshape(-1, 3)) < 0).mean()
    area = heart * (1.5 * heart_frame(plan).unit) ** 2
    a, b = (half - wall_depth(plan) for half in plan.trunk.half(FOUR_CHAMBER_S))
    assert 0.28 < area / (np.pi * a * b) < 0.42


def test_truth_is_what_a_caliper_finds():
    plan = fetus(26.0)
    frame, truth = heart_frame(plan), chest_truth(plan)
    r = np.linspace(-0.6, 0.6, 4801)
    line = frame.point(0.16, 0, 0) + r[:, None] * frame.direction(0, 1, 0) * frame.unit
    names = painted(plan, line)
    step = (r[1] - r[0]) * frame.unit
    left = run_lengths(names, "fetal_left_ventricle")[0]
    right = run_lengths(names, "fetal_right_ventricle")[0]
    assert (left[1] - left[0]) * step == pytest.approx(truth["left_ventricle_width"], abs=0.02)
    assert (right[1] - right[0]) * step == pytest.approx(truth["right_ventricle_width"], rel=0.03)
    assert (right[0] - left[1]) * step == pytest.approx(truth["interventricular_septum"], rel=0.02)
    assert truth["interventricular_septum"] == pytest.approx(
        dimension("septum_thickness", 26.0), rel=0.05
    )
    assert truth["left_ventricle_width"] == pytest.approx(
        dimension("ventricle_inner_width", 26.0), rel=0.03
    )


def test_the_tricuspid_valve_is_nearer_to_the_apex():
    plan = fetus(20.0)
    points = chest_landmarks(plan)
    towards = heart_frame(plan).direction(1, 0, 0)
    mitral, tricuspid = (points[f"{v}_septal_hinge"] for v in ("mitral", "tricuspid"))
    assert 0.7 < (tricuspid - mitral) @ towards < 1.3
    assert TRICUSPID.a > MITRAL.a


@pytest.mark.parametrize("degree", [0.1, 0.25, 0.4])
def test_a_septal_defect_is_as_wide_as_its_degree(degree):
    plan = fetus(24.0, findings={AVSD: degree})
    frame = heart_frame(plan)
    a = np.linspace(-0.24, 0.4, 6401)
    line = frame.point(0, 0.004, 0) + a[:, None] * frame.direction(1, 0, 0) * frame.unit
    muscle = painted(plan, line) == "fetal_myocardium"
    middle = np.searchsorted(a, 0.03)
    above = a[middle:][muscle[middle:]].min()
    below = a[:middle][muscle[:middle]].max()
    gap = (above - below) * frame.unit
    assert gap == pytest.approx(degree * plan.sizes.heart_diameter, rel=0.02)
    assert gap == pytest.approx(chest_truth(plan)["atrioventricular_septal_gap"], rel=0.02)


def test_no_gap_without_the_defect():
    plan = fetus(24.0)
    frame = heart_frame(plan)
    line = frame.point(0, 0, 0) + np.linspace(-0.02, 0.3, 801)[:, None] * (
        frame.direction(1, 0, 0) * frame.unit
    )
    assert set(painted(plan, line)) <= {"fetal_myocardium", "fetal_heart_valves"}


@pytest.mark.parametrize("weeks", [14, 22, 40])
def test_vessels_that_are_not_joined_do_not_meet(weeks):
    plan = fetus(weeks)
    frame = heart_frame(plan)
    joined = {
        frozenset(pair)
        for pair in (
            ("pulmonary_trunk", "duct"), ("pulmonary_trunk", "right_pulmonary_artery"),
            ("duct", "right_pulmonary_artery"), ("aorta", "duct"),
        )
    }  # fmt: skip
    paths = {name: vessel_path(plan, frame, vessel) for name, vessel in VESSELS.items()}
    for one, two in itertools.combinations(paths, 2):
        if frozenset((one, two)) in joined:
            continue
        (p, r), (q, t) = paths[one], paths[two]
        apart = np.linalg.norm(p[:, None] - q[None], axis=2) - r[:, None] - t[None]
        assert apart.min() > 0.0, (one, two, apart.min())


def test_the_lungs_have_their_volume_and_the_right_one_is_larger():
    plan = fetus(24.0)
    low, high = plan.trunk.outline(0.15, 0.62).bounds()
    points = np.random.default_rng(2).uniform(low, high, (60_000, 3))
    names = painted(plan, points)
    volume = np.prod(high - low) * 1e-3 / len(points)
    right, left = (volume * (names == f"fetal_lung_{side}").sum() for side in ("right", "left"))
    assert 0.55 < left / right < 0.95
    assert left + right == pytest.approx(dimension("lung_volume", 24.0), rel=0.4)


@pytest.mark.parametrize("weeks", [14, 22, 36])
def test_planes_cut_what_they_show_and_beams_lie_in_them(weeks):
    plan = fetus(weeks)
    for name, plane in chest_planes(plan).items():
        x = np.cross(plane.normal, [0.3, 0.9, 0.1])
        x /= np.linalg.norm(x)
        y = np.cross(plane.normal, x)
        along = np.linspace(-1, 1, 121) * plan.sizes.trunk_radius
        points = plane.origin + along[:, None, None] * x + along[None, :, None] * y
        seen = set(painted(plan, points.reshape(-1, 3)))
        assert set(plane.shows) <= seen, (name, set(plane.shows) - seen)
        assert not set(plane.hides) & seen
        for beam in plane.beams:
            assert np.linalg.norm(beam) == pytest.approx(1.0)
            assert beam @ plane.normal == pytest.approx(0.0, abs=1e-9)
            assert beam @ plan.trunk.axes(FOUR_CHAMBER_S)[:, 1] > -0.3


def test_three_vessels_shrink_from_left_front_to_right_back():
    plan = fetus(22.0)
    frame = heart_frame(plan)
    axes, centre = plan.trunk.axes(0.33), plan.trunk.centre(0.33)
    places, bores = [], []
    for name in ("pulmonary_trunk", "aorta", "superior_caval_vein"):
        points, radii = vessel_path(plan, frame, VESSELS[name])
        half = len(points) // 2 if name == "aorta" else len(points)
        near = np.argmin(np.abs((points[:half] - centre) @ axes[:, 2]))
        places.append((points[near] - centre) @ axes)
        bores.append(radii[near])
    left, back = np.array(places)[:, 0], np.array(places)[:, 1]
    assert (np.diff(left) < 0).all()
    assert (np.diff(back) > 0).all()
    assert (np.diff(bores) < 0).all()


def test_every_region_has_a_tissue():
    tissues = region_tissues(CHEST_TISSUES)
    assert {part.region for part in chest_parts(fetus(22.0))} == set(tissues)
    assert {part.region for part in chest_parts(fetus(22.0, findings={AVSD: 0.3}))} < set(tissues)


def jacobian(plan: Plan, points: np.ndarray, phase: float) -> np.ndarray:
    """Determinant of the deformation at `points`."""
    h = 1e-3
    columns = [
        heart_displacement(plan, points + h * e, phase)
        - heart_displacement(plan, points - h * e, phase)
        for e in np.eye(3)
    ]
    return np.linalg.det(np.eye(3) + np.stack(columns, axis=2) / (2 * h))


@pytest.mark.parametrize("weeks", [14, 30])
def test_the_heartbeat_never_folds(weeks):
    plan = fetus(weeks)
    around = heart_frame(plan).unit * np.random.default_rng(3).uniform(-0.9, 0.9, (4000, 3))
    for phase in (0.15, 0.36, 0.55, 0.9):
        assert jacobian(plan, heart_frame(plan).point(0.15, 0, 0) + around, phase).min() > 0.3


def test_ventricles_empty_while_atria_fill():
    plan = fetus(22.0)
    frame, rng = heart_frame(plan), np.random.default_rng(4)
    points = frame.point(0.1, 0, 0) + frame.unit * rng.uniform(-0.55, 0.55, (20_000, 3))
    names, volume = painted(plan, points), jacobian(plan, points, 0.37)
    for side in ("left", "right"):
        assert 0.45 < volume[names == f"fetal_{side}_ventricle"].mean() < 0.75
        assert 1.05 < volume[names == f"fetal_{side}_atrium"].mean() < 1.4


def test_the_heartbeat_is_periodic_smooth_and_stays_in_the_heart():
    plan = fetus(22.0)
    frame = heart_frame(plan)
    points = frame.point(0.15, 0, 0) + frame.unit * np.random.default_rng(6).uniform(
        -0.6, 0.6, (500, 3)
    )
    rest = heart_displacement(plan, points, 0.0)
    assert np.abs(rest).max() < 1e-12
    phases = np.linspace(0.0, 1.0, 101)
    path = np.array([heart_displacement(plan, points, phase) for phase in phases])
    np.testing.assert_allclose(path[0], path[-1], atol=1e-9)
    assert np.abs(np.diff(path, axis=0)).max() < 0.1 * np.abs(path).max() + 1e-9
    assert np.abs(path).max() > 0.03 * plan.sizes.heart_diameter
    far = frame.point(0.15, 0, 0) + 1.2 * plan.sizes.heart_diameter * np.eye(3)
    assert np.abs(heart_displacement(plan, far, 0.36)).max() == 0.0
    assert ventricular_contraction([0.0, 0.36, 1.0]).tolist() == [0.0, 1.0, 0.0]
