"""Every finding is seen in its plane, by what a reader of the image would go by.

Each measure is taken in the image of the finding and in the normal one beside it; a test that
found the finding in the normal image would fail. Slow: fifteen patients are built.
"""

import runpy
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import binary_closing, binary_erosion, label

from insonate.anatomy.findings import FINDINGS
from insonate.anatomy.womb.fluid import POCKET_WIDTH

pytestmark = pytest.mark.slow

EXAMPLE = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "findings.py"))
CASES = EXAMPLE["CASES"]
#: Grey below which a reader calls it fluid, after the speckle is smoothed over 1 mm.
BLACK = 0.10
#: How far the valves blur the septa at the crux [mm].
VALVE = 1.5


@cache
def images(name):
    """Plane, B-mode smoothed over a millimetre, and frame: normal and with the finding."""
    planes = [plane for plane, _ in EXAMPLE["places"](name)]
    frames = EXAMPLE["frames"](name)
    return [(p, smooth(f), f) for p, f in zip(planes, frames, strict=True)]


def smooth(frame):
    """B-mode averaged over a square of a millimetre."""
    half = max(round(0.5 / frame.spacing), 1)
    image = np.pad(frame.bmode, half, mode="edge").astype(np.float64)
    for axis in (0, 1):
        image = np.lib.stride_tricks.sliding_window_view(image, 2 * half + 1, axis).mean(-1)
    return image


def pixel(frame, point):
    """Row and column of a point of the world."""
    column, row = (np.linalg.inv(frame.image_to_world()) @ [*point, 1.0])[:2]
    return row, column


def disc(frame, point, radius):
    """Pixels within `radius` [mm] of a point of the world."""
    row, column = pixel(frame, point)
    rows, columns = np.indices(frame.bmode.shape)
    return np.hypot(rows - row, columns - column) * frame.spacing < radius


def labelled(frame, *regions):
    """Pixels of regions."""
    return np.isin(frame.labels, [frame.region_names.index(r) for r in regions
                                  if r in frame.region_names])  # fmt: skip


def assert_darker(dark, grey, place):
    """A place is clearly darker in one image, but for its rim, where the smoothing reaches."""
    place = binary_erosion(place)
    dark, grey = dark[place], grey[place]
    share, ratio = (dark < np.quantile(grey, 0.1)).mean(), np.median(dark) / np.median(grey)
    assert share > 0.5, f"{share:.2f} of the place is darker than the other image has it"
    assert ratio < 0.65, f"{ratio:.2f} of the other's grey"


#: Fluid where there was none: regions that the finding widens.
WIDENED = {
    "ventriculomegaly": ("fetal_ventricle",),
    "enlarged_cisterna_magna": ("fetal_cisterna_magna",),
    "hydronephrosis": ("fetal_renal_pelvis_left",),
    "hydronephrosis_right": ("fetal_renal_pelvis_right",),
    "double_bubble": ("fetal_duodenum",),
    "cleft_lip": ("amniotic_fluid",),
    "cleft_lip_right": ("amniotic_fluid",),
    "short_cervix": ("amniotic_fluid",),
}


@pytest.mark.parametrize("name", WIDENED)
def test_black_where_the_normal_is_grey(name):
    (plane, normal, frame), (_, found, widened) = images(name)
    place = labelled(widened, *WIDENED[name]) & ~labelled(frame, *WIDENED[name])
    place &= disc(widened, plane.origin, plane.reach)
    assert place.sum() * widened.spacing**2 > 8.0  # mm2
    assert_darker(found, normal, place)


def test_an_absent_stomach_leaves_no_bubble():
    (_, normal, frame), (_, found, _) = images("absent_stomach")
    place = labelled(frame, "fetal_stomach")
    assert_darker(normal, found, place)


def septa(which):
    """Grey of the walls that leave the crux to atria and ventricles, and of the chambers beside."""
    name = "atrioventricular_septal_defect"
    _, image, frame = images(name)[which]
    normal, found = EXAMPLE["pair"](name)
    marks, half = normal.landmarks, 0.5 * found.truth["atrioventricular_septal_gap"]
    crux, apex = (np.array(pixel(frame, marks[f"cardiac_{end}"])) for end in ("crux", "apex"))
    along = (apex - crux) / np.linalg.norm(apex - crux)
    away = np.linspace(VALVE, half, 9)[:, None, None]
    beside = np.linspace(-2.5, 2.5, 21)[:, None]
    walls = []
    for way in (-along, along):
        at = crux + (away * way + beside * [along[1], -along[0]]) / frame.spacing
        rows, columns = at.round().astype(int).transpose(2, 0, 1)
        walls.append(image[rows, columns].max(axis=1).mean())
    return np.array(walls)


def test_a_septal_defect_leaves_no_cross_in_the_middle_of_the_heart():
    normal, found = septa(0), septa(1)
    assert (normal > 0.12).all(), f"{normal} of the septa are seen in the normal heart"
    assert (found < 0.75 * normal).all(), f"{found} where the normal has {normal}"
    assert found.mean() < 0.65 * normal.mean()


def shaft(name, which):
    """Length of the bright line along the left femur [mm], and the true one."""
    patient = EXAMPLE["pair"](name)[which]
    _, image, frame = images(name)[which]
    ends = [patient.landmarks[f"femur_{end}_left"] for end in ("proximal", "distal")]
    (r0, c0), (r1, c1) = (pixel(frame, end) for end in ends)
    true = np.linalg.norm(ends[1] - ends[0])
    along = np.linspace(-0.4, 1.4, 400)
    across = np.arange(-2.5, 2.6, 0.25) / frame.spacing
    way = np.array([r1 - r0, c1 - c0]) / np.hypot(r1 - r0, c1 - c0)
    rows = r0 + along[:, None] * (r1 - r0) + across * way[1]
    columns = c0 + along[:, None] * (c1 - c0) - across * way[0]
    profile = image[rows.round().astype(int), columns.round().astype(int)].max(axis=1)
    inside = np.median(profile[(along > 0.2) & (along < 0.8)])
    beside = np.median(profile[(along < -0.15) | (along > 1.15)])
    bright = profile > 0.5 * (inside + beside)
    bright = binary_closing(bright, np.ones(21))  # speckle leaves gaps of 1 to 3 mm
    edges = np.flatnonzero(np.diff(np.concatenate([[0], bright.astype(int), [0]])))
    return (edges[1::2] - edges[::2]).max() / len(along) * 1.8 * true, true


def test_a_short_femur_has_a_short_bright_shaft():
    normal, found = (shaft("short_femur", which) for which in (0, 1))
    for seen, true in (normal, found):
        assert seen == pytest.approx(true, rel=0.25)
    assert found[0] < 0.75 * normal[0]


def test_a_missing_artery_leaves_one_black_lumen_fewer():
    assert [lumens(*seen) for seen in images("single_umbilical_artery")] == [3, 2]


def lumens(plane, image, frame):
    """How many vessels of the cord hold a dark spot of their own."""
    near = disc(frame, plane.origin, 0.5 * plane.reach)
    vessels = [near & labelled(frame, f"cord_{n}") for n in ("vein", "artery_left", "artery_right")]
    wall = near & labelled(frame, "cord_vessel_wall")
    cord = near & labelled(frame, "cord_jelly") | wall | np.any(vessels, axis=0)
    spots, count = label(near & (image < 0.5 * np.median(image[wall])))
    large = np.bincount(spots.ravel(), minlength=count + 1) * frame.spacing**2 > 1.0  # mm2
    large[np.unique(spots[~cord])] = False  # the fluid, and what runs out into it
    inside = [np.bincount(spots[vessel], minlength=count + 1) * large for vessel in vessels]
    return len({int(np.argmax(share)) for share in inside if share.any()})


def test_more_and_less_fluid_is_a_deeper_and_a_shallower_pocket():
    seen = [("oligohydramnios", 1), ("polyhydramnios", 0), ("polyhydramnios", 1)]
    little, normal, much = (pocket(name, which) for name, which in seen)
    assert much > 1.4 * normal
    assert little < 0.8 * normal
    for deep, (name, which) in zip((little, normal, much), seen, strict=True):
        assert deep == pytest.approx(EXAMPLE["pair"](name)[which].truth["deepest_pocket"], rel=0.2)


def pocket(name, which):
    """Depth of the deepest pocket [mm]: black over the width that one has to have.

    Measured to the woman's back, as a sonographer holds the probe, however the beam is tilted.
    """
    plane, image, frame = images(name)[which]
    start = np.array(pixel(frame, plane.origin))
    way = np.array(pixel(frame, plane.origin + np.array([0.0, 1.0, 0.0]))) - start
    way /= np.linalg.norm(way)
    along = np.arange(-90.0, 90.0, 0.25)
    across = np.arange(-0.5, 0.51, 0.05)[:, None] * POCKET_WIDTH * [way[1], -way[0]]
    at = start + (along[:, None, None] * way + across) / frame.spacing
    rows, columns = np.clip(at.round().astype(int), 0, np.array(image.shape) - 1).transpose(2, 0, 1)
    black = (image[rows, columns] < BLACK).mean(axis=1) > 0.9
    middle = len(along) // 2
    return 0.25 * (np.argmin(black[middle:]) + np.argmin(black[middle::-1]))


def test_a_praevia_lies_grey_on_the_inner_os():
    (plane, normal, before), (_, found, after) = images("placenta_praevia")
    place = labelled(after, "placenta") & labelled(before, "amniotic_fluid")
    place &= disc(after, plane.origin, plane.reach)
    assert place.sum() * after.spacing**2 > 50.0  # mm2
    fluid, grey = normal[place], found[place]
    assert (grey < np.quantile(fluid, 0.9)).mean() < 0.4
    assert np.median(grey) > 1.4 * np.median(fluid)


@pytest.mark.parametrize("name", ["fibroid", "ovarian_cyst"])
def test_a_mass_is_a_dark_disc_of_its_diameter(name):
    darkness = []
    for plane, image, frame in images(name):
        inside, inner, outer = (
            disc(frame, plane.origin, share * CASES[name].degree) & frame.mask
            for share in (0.4, 0.55, 0.65)
        )
        darkness.append(image[inside].mean() / image[outer & ~inner].mean())
    normal, found = darkness
    assert found < 0.8
    assert found < 0.85 * normal, f"{found:.2f} of the ring's grey, {normal:.2f} in the normal"


@pytest.mark.parametrize("name", CASES)
def test_the_truth_records_the_finding(name):
    normal, found = (patient.truth.get(FINDINGS[name].truth, 0.0)
                     for patient in EXAMPLE["pair"](name))  # fmt: skip
    degree, most = CASES[name].degree, max(normal, found)
    wanted = {
        "short_femur": degree * normal,
        "absent_stomach": (1.0 - degree) * normal,
        "double_bubble": found,
        "atrioventricular_septal_defect": found,
        "single_umbilical_artery": (1.0 - degree) * normal,
        "placenta_praevia": -degree,
    }.get(name, degree)
    assert found == pytest.approx(wanted, abs=0.15 * most + 1e-6)
    assert abs(found - normal) > 0.2 * most


def test_every_finding_has_a_case():
    assert set(CASES) == set(FINDINGS)
