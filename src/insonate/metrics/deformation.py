"""Deformation score: how far an image has to be bent to look like another.

A free-form deformation by cubic B-splines (Rueckert et al. 1999) is fitted by squared differences
and bending energy; the score is the mean of |det J - 1|, 0 if nothing is bent (the measure of
anatomical fidelity of Jiao et al. 2020). What cannot be registered at all is not bent either,
and gets a good score: noise does. So every score comes with the similarity after registration,
with the share of folded pixels, and with a flag.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from insonate.errors import InputError
from insonate.metrics.bspline import Lattice
from insonate.metrics.gray import check_pair, masked_mean, matching_mask
from insonate.metrics.score import Made

__all__ = ["Deformation", "Registration", "deformation", "local_correlation", "min_max_pooled"]


@dataclasses.dataclass(frozen=True)
class Registration:
    """How images are registered.

    Attributes:
        grid: spacing of control points [pixels].
        bending: weight of the bending energy, in units of control points.
        rate: first learning rate of Adam [pixels]; it falls to 0 along a cosine.
        steps: of Adam.
        window: side of the window of local correlation [pixels].
        similar: local correlation after registration below which a score is flagged.
    """

    grid: int = 16
    bending: float = 0.02
    rate: float = 0.3
    steps: int = 120
    window: int = 9
    similar: float = 0.1

    @property
    def made(self) -> Made:
        """What makes the score."""
        settings = dataclasses.asdict(self)
        return Made("deformation", {name: settings[name] for name in _SHAPING})


#: Settings that change the score.
_SHAPING = ("grid", "bending", "rate", "steps")


@dataclasses.dataclass(frozen=True, eq=False)
class Deformation:
    """Deformation of every pair of images.

    Attributes:
        score: mean of |det J - 1|, `(n,)` float64, no unit; lower is more faithful.
        similarity: local correlation after registration, `(n,)`, -1 to 1.
        folded: share of pixels at which det J is not positive, `(n,)`.
        flagged: `(n,)` booleans: too dissimilar for the score to mean anything.
    """

    score: Tensor
    similarity: Tensor
    folded: Tensor
    flagged: Tensor


# Fitting needs gradients, wherever it is called from.
@torch.inference_mode(False)
def deformation(
    image: Tensor,
    target: Tensor,
    mask: Tensor | None = None,
    settings: Registration = Registration(),
) -> Deformation:
    """Bends images onto their targets and measures by how much.

    Args:
        image: `(n, rows, columns)`, gray levels.
        target: the same shape.
        mask: pixels whose differences and determinants count; without, all.
        settings: of the registration.

    Raises:
        InputError: shapes that differ, images smaller than two cells of control points, an
            empty mask, or settings that are not positive.
    """
    _check(settings)
    image, target = check_pair(image, target, smallest=2 * settings.grid)
    inside = None if mask is None else matching_mask(mask, image)
    moving, fixed = (_standardised(x, inside).float() for x in (image, target))
    lattice = Lattice.over(image.shape[1], image.shape[2], settings.grid, image.device)
    control = _fitted(moving, fixed, inside, lattice, settings)
    with torch.no_grad():
        determinant = lattice.determinant(control).double()
        similarity = local_correlation(
            _warped(moving, lattice.displacement(control)), fixed, settings.window, inside
        )
        score = masked_mean((determinant - 1.0).abs(), inside)
        folded = masked_mean((determinant <= 0).double(), inside)
    return Deformation(score, similarity, folded, similarity < settings.similar)


def local_correlation(
    image: Tensor, target: Tensor, window: int = 9, mask: Tensor | None = None
) -> Tensor:
    """Mean of the correlation coefficients of square windows, over windows that vary.

    Args:
        image: `(n, rows, columns)`.
        target: the same shape.
        window: side, odd [pixels].
        mask: centres of windows that count; without, all.

    Returns:
        `(n,)` float64, -1 to 1; 0 where nothing varies.

    Raises:
        InputError: shapes that differ, or images smaller than the window.
    """
    image, target = check_pair(image, target, smallest=window)
    means = [_boxed(x, window) for x in (image, target, image**2, target**2, image * target)]
    covariance = means[4] - means[0] * means[1]
    variances = means[2] - means[0] ** 2, means[3] - means[1] ** 2
    # Even windows vary by rounding only.
    varies = torch.ones_like(covariance, dtype=torch.bool)
    for values, variance in zip((image, target), variances, strict=True):
        varies &= variance > 1e-6 * values.square().flatten(1).mean(1)[:, None, None]
    counted = varies if mask is None else varies & matching_mask(mask, image)
    floor = torch.finfo(torch.float64).tiny
    coefficient = covariance / (variances[0] * variances[1]).clamp_min(floor).sqrt()
    coefficient = torch.where(counted, coefficient.clamp(-1.0, 1.0), 0.0)
    return coefficient.flatten(1).sum(1) / counted.flatten(1).sum(1).clamp_min(1)


def min_max_pooled(scores: Mapping[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """Scores of several methods from 0, nothing bent, to 1, the worst image of the worst method.

    They hang on which methods are compared.

    Args:
        scores: `(n,)` of every method, no unit.

    Raises:
        InputError: no method, or a score that is negative or no number.
    """
    pooled = np.concatenate([np.ravel(v) for v in scores.values()]) if scores else np.empty(0)
    if not len(pooled) or not bool((np.isfinite(pooled) & (pooled >= 0)).all()):
        raise InputError("scores: expected numbers of at least 0, of at least one method")
    worst = float(pooled.max())
    return {name: np.asarray(v) / (worst or 1.0) for name, v in scores.items()}


def _check(settings: Registration) -> None:
    for name in ("grid", "rate", "steps", "window"):
        if getattr(settings, name) <= 0:
            raise InputError(f"{name}: expected a positive number, got {getattr(settings, name)}")
    if settings.window % 2 == 0:
        raise InputError(f"window: expected an odd number, got {settings.window}")


def _standardised(values: Tensor, inside: Tensor | None) -> Tensor:
    """Mean 0 and variance 1 over the pixels that count; an even image is 0."""
    centred = values - masked_mean(values, inside)[:, None, None]
    variance = masked_mean(centred.square(), inside)[:, None, None]
    return centred / torch.where(variance > 0, variance, 1.0).sqrt()


def _fitted(
    moving: Tensor, fixed: Tensor, inside: Tensor | None, lattice: Lattice, by: Registration
) -> Tensor:
    """Displacements of control points [pixels], by Adam, each image on its own."""
    control = lattice.at_rest(len(moving)).requires_grad_()
    adam = torch.optim.Adam([control], lr=by.rate)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(adam, by.steps)
    with torch.enable_grad():
        for _ in range(by.steps):
            difference = _warped(moving, lattice.displacement(control)) - fixed
            loss = masked_mean(difference.square(), inside)
            loss = loss + by.bending * lattice.bending_energy(control)
            adam.zero_grad()
            # A sum: the gradients of one image must not hang on how many are fitted at once.
            loss.sum().backward()
            adam.step()
            cosine.step()
    return control.detach()


def _warped(images: Tensor, displacement: Tensor) -> Tensor:
    """Images read at their pixels' displaced places, the edge repeated beyond it."""
    rows, columns = images.shape[1:]
    row = torch.arange(rows, device=images.device, dtype=images.dtype)[:, None]
    column = torch.arange(columns, device=images.device, dtype=images.dtype)[None, :]
    down = 2.0 * (row + displacement[:, 0]) / (rows - 1) - 1.0
    across = 2.0 * (column + displacement[:, 1]) / (columns - 1) - 1.0
    places = torch.stack((across, down), 3)
    read = functional.grid_sample(
        images[:, None], places, padding_mode="border", align_corners=True
    )
    return read[:, 0]


def _boxed(values: Tensor, window: int) -> Tensor:
    """Means over windows, those at the edge over what there is of them."""
    return functional.avg_pool2d(
        values[:, None], window, stride=1, padding=window // 2, count_include_pad=False
    )[:, 0]
