"""Where an image lies on its tracked probe, from scans of one pinhead that stays where it is.

The pinhead is seen at pixel (u, v) by a probe that is at T = (R, t). Wherever the probe is, that
pixel is the same place p of the world:

    R (sx u e1 + sy v e2 + c) + t = p

with the image's directions e1, e2 and its corner c in the frame of the tracked probe, and the
size sx, sy of a pixel: eleven numbers, and three equations for every image. Left free in length
and direction, sx e1 and sy e2 make the equations linear; that is where the fit begins.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from insonate.errors import InputError

__all__ = ["LEAST_IMAGES", "Calibration", "calibrate"]

#: Images that a calibration needs; the pose paper took 87.
LEAST_IMAGES = 8
#: How much of a change by 1 mm in the worst combination of unknowns must show [mm].
_LEAST_SHOWN = 0.02
_LEAST_SPREAD = 5.0  # pixels
#: Outliers are beyond this many standard deviations.
_OUTLIER = 4.0
#: Median length of a vector of three normal numbers with deviation 1.
_MEDIAN_LENGTH = 1.5382
_TINY = 1e-9  # mm


@dataclass(frozen=True)
class Calibration:
    """What a scan of a pinhead says.

    Attributes:
        image_to_probe: `(4, 4)`, from (column, row, 0, 1) [pixels] to the tracked probe [mm].
        spacing: of rows and of columns [mm].
        point: where the pinhead is in the world `(3,)` [mm].
        residuals: distance of every image's pinhead from there `(images,)` [mm].
        used: images that are no outliers `(images,)`.
        uncertainty: largest standard error of a place in the part of the image where the
            pinhead was seen [mm]; of random errors only.
    """

    image_to_probe: NDArray[np.float64]
    spacing: tuple[float, float]
    point: NDArray[np.float64]
    residuals: NDArray[np.float64]
    used: NDArray[np.bool_]
    uncertainty: float

    @property
    def residual(self) -> float:
        """Root mean square distance of the images that were used [mm]."""
        return float(np.sqrt(np.mean(self.residuals[self.used] ** 2)))


@dataclass(frozen=True)
class _Scan:
    """Measurements, moved so that all unknowns are of a size.

    Attributes:
        pixels: from their mean, in standard deviations `(n, 2)`.
        mean: of the pixels `(2,)`.
        deviation: of the pixels `(2,)`.
        turns: of the probe `(n, 3, 3)`.
        places: of the probe, from their mean `(n, 3)` [mm].
        middle: mean of the places `(3,)` [mm].
    """

    pixels: NDArray[np.float64]
    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    turns: NDArray[np.float64]
    places: NDArray[np.float64]
    middle: NDArray[np.float64]

    def only(self, chosen: NDArray[np.bool_]) -> _Scan:
        """The same scale, fewer images."""
        parts = (self.pixels[chosen], self.mean, self.deviation)
        return _Scan(*parts, self.turns[chosen], self.places[chosen], self.middle)


def calibrate(pixels: ArrayLike, poses: ArrayLike) -> Calibration:
    """Find ImageToProbe by least squares over a pinhead scan, robustly.

    Args:
        pixels: column and row of the pinhead in every image `(images, 2)`.
        poses: of the tracked probe, to the frame in which the pinhead rests `(images, 4, 4)`
            [mm].

    Raises:
        InputError: too few images, numbers that are none, or a scan that leaves the result
            open: the probe hardly turned, or the pinhead was seen in one place of the image.
    """
    scan = _prepared(pixels, poses)
    start = _linear(scan)
    rough = _fit(scan, start, _scale(np.linalg.norm(_misses(start, scan), axis=1)))
    lengths = np.linalg.norm(_misses(rough, scan), axis=1)
    used = lengths <= _OUTLIER * _scale(lengths)
    if used.sum() < LEAST_IMAGES:
        raise InputError(f"calibration: only {used.sum()} of {len(used)} images agree")
    kept = scan.only(used)
    _refuse_open(kept)
    found = _fit(kept, rough, None)
    return Calibration(
        _matrix(found, scan),
        (float(found[4] / scan.deviation[1]), float(found[3] / scan.deviation[0])),
        found[8:] + scan.middle,
        np.linalg.norm(_misses(found, scan), axis=1),
        used,
        _uncertainty(found, kept),
    )


def _prepared(pixels: ArrayLike, poses: ArrayLike) -> _Scan:
    pixels, poses = np.asarray(pixels, np.float64), np.asarray(poses, np.float64)
    if pixels.ndim != 2 or pixels.shape[1] != 2 or poses.shape != (len(pixels), 4, 4):
        raise InputError(
            "calibration: expected a column, a row and a pose for every image, got "
            f"{pixels.shape} and {poses.shape}"
        )
    if len(pixels) < LEAST_IMAGES:
        raise InputError(
            f"calibration: expected at least {LEAST_IMAGES} images of the pinhead, got "
            f"{len(pixels)}"
        )
    turns = poses[:, :3, :3]
    off = np.abs(turns.transpose(0, 2, 1) @ turns - np.eye(3)).max(axis=(1, 2))
    bad = np.flatnonzero(~((off < 1e-2) & np.isfinite(pixels).all(axis=1)))
    if len(bad) or not np.isfinite(poses).all():
        at = bad[0] if len(bad) else np.flatnonzero(~np.isfinite(poses).all(axis=(1, 2)))[0]
        raise InputError(f"calibration: image {at}: expected a rigid pose and finite pixels")
    spread = np.linalg.svd(pixels - pixels.mean(axis=0), compute_uv=False) / np.sqrt(len(pixels))
    if spread[1] < _LEAST_SPREAD:
        raise InputError(
            "calibration: the pinhead was seen along one line of the image only (spread of "
            f"{spread[1]:.1f} pixels across it); expected it all over the image"
        )
    mean, deviation, middle = pixels.mean(axis=0), pixels.std(axis=0), poses[:, :3, 3].mean(axis=0)
    return _Scan(
        (pixels - mean) / deviation, mean, deviation, turns, poses[:, :3, 3] - middle, middle
    )


def _equations(scan: _Scan) -> NDArray[np.float64]:
    """Matrix `(n, 3, 12)` of the linear problem; unknowns in mm: two edges, middle, point."""
    u, v = scan.pixels[:, 0, None, None], scan.pixels[:, 1, None, None]
    still = np.broadcast_to(-np.eye(3), scan.turns.shape)
    return np.concatenate([u * scan.turns, v * scan.turns, scan.turns, still], axis=2)


def _refuse_open(scan: _Scan) -> None:
    matrix = _equations(scan).reshape(-1, 12)
    shown = np.linalg.svd(matrix, compute_uv=False)[-1] / np.sqrt(len(scan.pixels))
    if shown < _LEAST_SHOWN:
        raise InputError(
            "calibration: the scan leaves the result open: the probe must be turned about two "
            "axes by tens of degrees while the pinhead is seen all over the image (of 1 mm in "
            f"the worst direction {shown:.3f} mm show, expected {_LEAST_SHOWN:g})"
        )


def _linear(scan: _Scan) -> NDArray[np.float64]:
    """Eleven unknowns near the answer, by linear least squares that mistrust what is far off."""
    _refuse_open(scan)
    matrix, weight = _equations(scan), np.ones(len(scan.pixels))
    solution = np.zeros(12)
    for _ in range(30):
        root = np.sqrt(weight)
        left = (matrix * root[:, None, None]).reshape(-1, 12)
        solution = np.linalg.lstsq(left, -(scan.places * root[:, None]).ravel(), rcond=None)[0]
        lengths = np.linalg.norm(matrix @ solution + scan.places, axis=1)
        weight = 1.0 / (1.0 + (lengths / _scale(lengths)) ** 2)
    return _orthogonal(np.asarray(solution, np.float64), scan)


def _orthogonal(solution: NDArray[np.float64], scan: _Scan) -> NDArray[np.float64]:
    """Unknowns of the fit: turn vector, two lengths, middle of the image, point."""
    from scipy.spatial.transform import Rotation

    edges = np.stack([solution[:3], solution[3:6]], axis=1)
    lengths = np.linalg.norm(edges, axis=0)
    left, _, right = np.linalg.svd(edges / lengths, full_matrices=False)
    across, down = (left @ right).T
    turn = Rotation.from_matrix(np.stack([across, down, np.cross(across, down)], axis=1))
    return np.concatenate([turn.as_rotvec(), lengths, solution[6:]])


def _places(unknowns: NDArray[np.float64], pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where pixels `(n, 2)`, in deviations from the mean, are on the probe `(n, 3)` [mm]."""
    from scipy.spatial.transform import Rotation

    directions = Rotation.from_rotvec(unknowns[:3]).as_matrix()[:, :2]
    return pixels @ (directions * unknowns[3:5]).T + unknowns[5:8]


def _misses(unknowns: NDArray[np.float64], scan: _Scan) -> NDArray[np.float64]:
    """How far every image puts the pinhead from the point `(n, 3)` [mm]."""
    on_probe = _places(unknowns, scan.pixels)
    return np.einsum("nij,nj->ni", scan.turns, on_probe) + scan.places - unknowns[8:]


def _fit(scan: _Scan, start: NDArray[np.float64], scale: float | None) -> NDArray[np.float64]:
    """Least squares, or with a scale [mm] a sum that grows linearly for what is further off."""
    from scipy.optimize import least_squares

    loss = {} if scale is None else {"loss": "soft_l1", "f_scale": scale}
    found = least_squares(
        lambda x: _misses(x, scan).ravel(), start, x_scale="jac", xtol=1e-12, ftol=1e-12, **loss
    )
    return found.x


def _scale(lengths: NDArray[np.float64]) -> float:
    """Standard deviation per coordinate [mm] that the median of distances speaks for."""
    return max(float(np.median(lengths)) / _MEDIAN_LENGTH, _TINY)


def _matrix(unknowns: NDArray[np.float64], scan: _Scan) -> NDArray[np.float64]:
    corners = (np.array([[0, 0], [1, 0], [0, 1]]) - scan.mean) / scan.deviation
    corner, right, below = _places(unknowns, corners)
    across, down = right - corner, below - corner
    normal = np.cross(across, down)
    matrix = np.eye(4)
    matrix[:3, 0], matrix[:3, 1], matrix[:3, 3] = across, down, corner
    # as thick as a pixel is wide, as PLUS has it
    matrix[:3, 2] = normal / np.sqrt(np.linalg.norm(normal))
    return matrix


def _uncertainty(unknowns: NDArray[np.float64], scan: _Scan) -> float:
    """Largest standard error of the corners of the box in which the pinhead was seen [mm]."""
    misses = _misses(unknowns, scan).ravel()
    slope = _slope(lambda x: _misses(x, scan).ravel(), unknowns)
    variance = misses @ misses / max(len(misses) - len(unknowns), 1)
    covariance = variance * np.linalg.pinv(slope.T @ slope)
    low, high = scan.pixels.min(axis=0), scan.pixels.max(axis=0)
    corners = np.array([low, high, [low[0], high[1]], [high[0], low[1]]])
    moves = _slope(lambda x: _places(x, corners).ravel(), unknowns).reshape(4, 3, -1)
    spread = np.einsum("kij,jl,kil->k", moves, covariance, moves)
    return float(np.sqrt(spread.max()))


def _slope(function, at: NDArray[np.float64], step: float = 1e-6) -> NDArray[np.float64]:
    """Derivative by central differences `(values, unknowns)`."""
    columns = [
        (function(at + step * unit) - function(at - step * unit)) / (2.0 * step)
        for unit in np.eye(len(at))
    ]
    return np.stack(columns, axis=1)
