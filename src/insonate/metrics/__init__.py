"""Scores of images and of sets of images, and whether they differ by more than chance."""

from insonate.metrics.contrast import cnr, gcnr
from insonate.metrics.deformation import (
    Deformation,
    Registration,
    deformation,
    local_correlation,
    min_max_pooled,
)
from insonate.metrics.dice import dice
from insonate.metrics.distance_interval import distance_interval
from insonate.metrics.features import FeatureExtractor, RandomFeatures, TorchScriptFeatures
from insonate.metrics.flicker import flicker
from insonate.metrics.frechet import frechet_distance
from insonate.metrics.gray import quantize
from insonate.metrics.hallucination import Hallucination, hallucination, unexplained
from insonate.metrics.inception import InceptionFeatures, InceptionLayer
from insonate.metrics.kernel_distance import KernelDistance, kernel_distance, subset_size
from insonate.metrics.measures import (
    ContentSsim,
    Frechet,
    ImageMeasure,
    Kernel,
    MsSsim,
    PatchKl,
    Psnr,
    SetMeasure,
    Ssim,
    score_images,
)
from insonate.metrics.motion import displacement, warped
from insonate.metrics.patch_kl import EmptyBins, patch_kl
from insonate.metrics.psnr import psnr
from insonate.metrics.score import Made, Score, Summary, check_comparable, joined
from insonate.metrics.shadow_contrast import shadow_contrast
from insonate.metrics.significance import Interval, Wilcoxon, bootstrap_interval, holm, wilcoxon
from insonate.metrics.speckle import (
    GrainSize,
    Nakagami,
    envelope_of,
    grain_size,
    nakagami,
    speckle_snr,
)
from insonate.metrics.ssim import Border, content_ssim, ms_ssim, ssim, ssim_map

__all__ = [
    "Border",
    "ContentSsim",
    "Deformation",
    "EmptyBins",
    "FeatureExtractor",
    "Frechet",
    "GrainSize",
    "Hallucination",
    "ImageMeasure",
    "InceptionFeatures",
    "InceptionLayer",
    "Interval",
    "Kernel",
    "KernelDistance",
    "Made",
    "MsSsim",
    "Nakagami",
    "PatchKl",
    "Psnr",
    "RandomFeatures",
    "Registration",
    "Score",
    "SetMeasure",
    "Ssim",
    "Summary",
    "TorchScriptFeatures",
    "Wilcoxon",
    "bootstrap_interval",
    "check_comparable",
    "cnr",
    "content_ssim",
    "deformation",
    "dice",
    "displacement",
    "distance_interval",
    "envelope_of",
    "flicker",
    "frechet_distance",
    "gcnr",
    "grain_size",
    "hallucination",
    "holm",
    "joined",
    "kernel_distance",
    "local_correlation",
    "min_max_pooled",
    "ms_ssim",
    "nakagami",
    "patch_kl",
    "psnr",
    "quantize",
    "score_images",
    "shadow_contrast",
    "speckle_snr",
    "ssim",
    "ssim_map",
    "subset_size",
    "unexplained",
    "warped",
    "wilcoxon",
]
