"""Networks and their blocks, which know nothing of ultrasound."""

from insonate.nets.initialise import normal_weights
from insonate.nets.patchgan import PatchGAN
from insonate.nets.resnet import ResNet
from insonate.nets.timed_unet import TimedUNet
from insonate.nets.unet import UNet

__all__ = ["PatchGAN", "ResNet", "TimedUNet", "UNet", "normal_weights"]
