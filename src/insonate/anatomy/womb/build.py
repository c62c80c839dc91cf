"""How a womb is built: the fetus is placed, then the cavity grows until the fluid is right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from insonate.anatomy.fetus.plan import Plan
from insonate.anatomy.findings import check_findings
from insonate.anatomy.implicit import Shape
from insonate.anatomy.implicit.program import distance
from insonate.anatomy.mother.plan import MotherPlan
from insonate.anatomy.womb.cavity import NECK_HEIGHT, Room, usual_radii
from insonate.anatomy.womb.cervix import Cervix
from insonate.anatomy.womb.chamber import Chamber, Design, Size, Solver
from insonate.anatomy.womb.fluid import POCKET_WIDTH
from insonate.anatomy.womb.norms import by_week
from insonate.anatomy.womb.placenta import INWARD, Site, site_of
from insonate.anatomy.womb.position import bulk_of, place
from insonate.anatomy.womb.uterus import DIRECTIONS, Contraction, Fibroid, fibroids
from insonate.anatomy.womb.womb import Womb
from insonate.errors import InputError

__all__ = ["AFI_RANGE", "build_womb", "fluid_index"]

Vector = NDArray[np.float64]

#: What can be asked for [mm].
AFI_RANGE = (10.0, 400.0)
#: Room between the internal os and the fetus, and what a placenta there adds, of its thickness.
_ROOM_BELOW, _ROOM_FOR_PLACENTA = 5.0, 0.9
#: What a pocket has to be wider beside a cord that moves, of its diameter, by weeks (E: so that
#: the fluid's volume is as usual).
_COILS = ((18.0, 36.0), (0.05, 0.3))
#: How far the placenta moves the fetus to the other side, of its thickness.
_ASIDE = 0.3
#: The fetus rests behind the axis of the uterus, of the usual depth (E).
_RESTS = 0.06
#: Smallest cavity, of the usual size.
_SMALLEST = 0.45
#: Diameter of a Nabothian cyst over how far its variation is above 0.4 (E) [mm].
_CYST = 10.0
#: Thickness of a full focal contraction (E: 20-30) [mm].
_CONTRACTION = 26.0
#: Fibroids beside the largest: their diameter over its.
_SMALLER = (0.55, 0.38)
#: Corrections of the placenta's size and edge.
_ROUNDS = 2
#: Share by which the fluid may be missed until they are made.
_ROUGH = 0.06


def build_womb(
    mother: MotherPlan,
    fetus: Plan,
    skin: Shape,
    *,
    presentation: str = "cephalic",
    back: str = "left",
    placenta: str = "anterior",
    afi: float | None = None,
    contraction: float = 0.0,
    findings: Mapping[str, float] | None = None,
    variation: Mapping[str, float] | None = None,
) -> Womb:
    """Build the uterus around a fetus.

    Args:
        mother: where her uterus lies.
        fetus: how old it is, and its long axis.
        skin: outer surface of the fetus, fetal frame.
        presentation: cephalic, breech or transverse.
        back: where the fetal back lies: left, right, anterior or posterior.
        placenta: its site, one of `SITES`.
        afi: amniotic fluid index [mm]; if None that of the findings "oligohydramnios" and
            "polyhydramnios", or the median at this age.
        contraction: of the myometrium, 0 (none) to 1 (26 mm thick).
        findings: degree of what deviates, by name; those of the fetus if None.
        variation: numbers in [-1, 1] by name; those of the fetus if None.

    Raises:
        InputError: something unknown or outside its range.
    """
    findings = fetus.findings if findings is None else findings
    vary = fetus.variation if variation is None else variation
    check_findings(findings)
    if not 0.0 <= contraction <= 1.0:
        raise InputError(f"contraction: expected 0 to 1, got {contraction}")
    weeks = fetus.sizes.weeks
    wanted = fluid_index(fetus, afi, findings)
    site = site_of(placenta, findings.get("placenta_praevia", 0.0), vary)
    room = _room(fetus, skin, presentation, back, site, vary)
    cervix = _cervix(weeks, mother, findings, vary)
    frame = mother.uterine_frame.copy()
    frame[:3, 3] = mother.external_os + cervix.length * mother.cervical_axis
    body = skin.moved(room.placement.matrix)
    design = _contracted(_design(weeks, room, cervix, site, vary), body, contraction)
    coils = float(np.interp(weeks, *_COILS)) * fetus.sizes["cord_diameter"]
    chamber, solver = _solved(design, body, frame[:3, :3], wanted, POCKET_WIDTH + coils)
    depth = solver.depth(chamber)
    lumps = _fibroids(chamber, findings.get("fibroid", 0.0), vary)
    return Womb(
        weeks=weeks,
        frame=frame,
        matrix=frame @ room.placement.matrix,
        chamber=chamber,
        fluid=solver.lattice.examine(depth, chamber.pear.top),
        lattice=solver.lattice,
        depth=depth,
        lumps=lumps,
        lake_count=round(2.0 + 2.0 * vary.get("placental_lakes", 0.0)),
        lake_seed=vary.get("placental_lake_place", 0.3),
        facts=_facts(chamber, solver, lumps),
    )


def fluid_index(
    fetus: Plan, afi: float | None, findings: Mapping[str, float] | None = None
) -> float:
    """The amniotic fluid index that is asked for [mm]; see `build_womb`.

    Raises:
        InputError: it is outside its range.
    """
    if afi is not None:
        if not AFI_RANGE[0] <= afi <= AFI_RANGE[1]:
            raise InputError(f"afi: expected {AFI_RANGE[0]:g} to {AFI_RANGE[1]:g} mm, got {afi}")
        return afi
    findings = fetus.findings if findings is None else findings
    degree = max(findings.get(name, 0.0) for name in ("oligohydramnios", "polyhydramnios"))
    return degree or by_week("amniotic_fluid_index", fetus.sizes.weeks)


def _thickness(weeks: float, vary: Mapping[str, float]) -> float:
    return by_week("placenta_thickness", weeks) * (1.0 + 0.08 * vary.get("placenta", 0.0))


def _room(
    fetus: Plan, skin: Shape, presentation: str, back: str, site: Site, vary: Mapping[str, float]
) -> Room:
    """Room around the placed fetus, which makes way for the placenta."""
    weeks = fetus.sizes.weeks
    thickness = _thickness(weeks, vary)
    side = site.direction(site.colatitude)
    usual = usual_radii(weeks, 0 if presentation == "transverse" else 2)
    bulge = (1.0 - INWARD) * thickness + by_week("retroplacental_zone", weeks)
    crown, bulge = np.maximum(side[[2, 1]], 0.0) * [INWARD * thickness, bulge]
    at = -_ASIDE * thickness * side[:2] + np.array([0.0, _RESTS * usual[1] - bulge])
    low = NECK_HEIGHT + _ROOM_BELOW + (_ROOM_FOR_PLACENTA * thickness if site.exact else 0.0)
    bulk = bulk_of(fetus, skin)
    placement = place(fetus, bulk, presentation, back, at, low)
    if placement.long_axis == 0:
        low = max(low, NECK_HEIGHT + float(usual[2] - placement.half[2]))
        placement = place(fetus, bulk, presentation, back, at, low)
    return Room(usual, placement, float(crown), float(bulge))


def _design(
    weeks: float, room: Room, cervix: Cervix, site: Site, vary: Mapping[str, float]
) -> Design:
    share = 1.0 + 0.12 * vary.get("placenta_size", 0.0)
    return Design(
        room=room,
        cervix=cervix,
        site=site,
        thickness=_thickness(weeks, vary),
        radius=float(np.sqrt(share * by_week("placenta_area", weeks) / np.pi)),
        volume=share * by_week("placenta_volume", weeks),
        zone=by_week("retroplacental_zone", weeks),
        phase=3.0 * vary.get("placental_lobes", 0.0),
    )


def _cervix(
    weeks: float, mother: MotherPlan, findings: Mapping[str, float], vary: Mapping[str, float]
) -> Cervix:
    length = by_week("cervix_length", weeks) * (1.0 + 0.06 * vary.get("cervix_length", 0.0))
    axis = mother.uterine_frame[:3, :3].T @ mother.cervical_axis
    return Cervix(
        axis=axis,
        length=length,
        closed=min(findings.get("short_cervix", 0.0) or length, length),
        radius=0.5 * by_week("cervix_diameter", weeks) * (1 + 0.08 * vary.get("cervix", 0.0)),
        cyst=_CYST * max(0.0, vary.get("nabothian_cyst", 0.0) - 0.4),
    )


def _contracted(design: Design, body: Shape, share: float) -> Design:
    """The design with a contraction where the fetus and the placenta are far away."""
    if share == 0.0:
        return design
    pear = design.room.pear(1.0)
    walls = np.array([pear.wall(way) for way in DIRECTIONS])
    clear = np.linalg.norm(walls - design.disc(pear).centre, axis=1) - design.radius
    room = np.minimum(distance(body, walls), clear)
    way = DIRECTIONS[int(room.argmax())]
    return replace(design, contraction=Contraction(way, _CONTRACTION * share))


def _solved(
    design: Design, body: Shape, axes: Vector, wanted: float, width: float
) -> tuple[Chamber, Solver]:
    """The cavity with the fluid, the placental volume and the placental edge asked for."""
    room = design.room
    need = (room.placement.half[1] + wanted / 8.0 + 0.5 * design.thickness) / room.usual[1]
    bounds = _SMALLEST, max(1.25, 0.95 * float(need))
    solver = Solver.around(body, room.pear(bounds[1]), axes, width)
    size = solver.size(design, wanted, bounds, (1.0, None), _ROUGH)
    for _ in range(_ROUNDS):
        tissue = solver.placenta_volume(solver.chamber(design, size))
        grown = float(np.clip(design.volume / tissue, 0.6, 1.6)) ** 0.5
        design = replace(design, radius=grown * design.radius)
    if design.site.exact:
        design = _with_edge(design, solver, size)
    size = solver.size(design, wanted, bounds, size)
    return solver.chamber(design, size), solver


def _with_edge(design: Design, solver: Solver, size: Size) -> Design:
    """The design whose placenta ends where its site says, as it is measured."""
    wanted = design.site.edge
    for _ in range(2 * _ROUNDS):
        missed = solver.chamber(design, size).edge()[0] - wanted
        design = replace(design, site=design.site.moved(-missed))
    return design


def _fibroids(chamber: Chamber, largest: float, vary: Mapping[str, float]) -> tuple[Fibroid, ...]:
    if largest == 0.0:
        return ()
    more = round(1.0 + vary.get("fibroids", 0.0))
    sizes = [largest] + [max(5.0, share * largest) for share in _SMALLER[:more]]
    first = round(3.0 + 3.0 * vary.get("fibroid_place", 0.0))
    return fibroids(sizes, chamber.pear, chamber.lining, chamber.disc.centre, first)


def _facts(chamber: Chamber, solver: Solver, lumps: tuple[Fibroid, ...]) -> dict[str, float]:
    """What is measured on the finished womb [mm], volumes [ml]."""
    disc, cervix = chamber.disc, chamber.design.cervix
    facts = {
        "placenta_thickness": disc.measured(
            chamber.sac, chamber.placenta, disc.surface(chamber.sac)
        ),
        "placenta_volume": solver.placenta_volume(chamber),
        "placenta_edge_to_os": chamber.edge()[0],
        "cervix_length": cervix.closed,
        "funnel_length": cervix.length - cervix.closed,
        "funnel_width": cervix.funnel_width,
    }
    return facts | {f"fibroid_{n + 1}": lump.diameter for n, lump in enumerate(lumps)}
