"""Networks and their blocks, which know nothing of ultrasound."""

from insonate.nets.class_discriminator import ClassDiscriminator
from insonate.nets.class_generator import ClassGenerator
from insonate.nets.class_resnet import ClassResNet
from insonate.nets.initialise import normal_weights, xavier_weights
from insonate.nets.patchgan import PatchGAN
from insonate.nets.projection import Projection
from insonate.nets.resnet import ResNet
from insonate.nets.segmenter import Segmenter
from insonate.nets.timed_unet import TimedUNet
from insonate.nets.unet import UNet

__all__ = [
    "ClassDiscriminator",
    "ClassGenerator",
    "ClassResNet",
    "PatchGAN",
    "Projection",
    "ResNet",
    "Segmenter",
    "TimedUNet",
    "UNet",
    "normal_weights",
    "xavier_weights",
]
