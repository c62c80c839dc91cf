"""Frames as ultrasound DICOM, for archives and viewers that measure on the image."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import insonate
from insonate.data.files import medical, replacing
from insonate.data.record import TRANSLATED
from insonate.errors import InputError
from insonate.sim.frame import Frame

if TYPE_CHECKING:
    from pydicom.dataset import Dataset, FileMetaDataset

__all__ = ["DicomFile"]

LARGEST_PIXEL_DATA = 2**32 - 2  # bytes, of an uncompressed element
TRANSDUCERS = {"convex": "CURVED LINEAR", "linear": "LINEAR", "phased": "SECTOR_PHASED"}


class DicomFile:
    """One file: Ultrasound Image Storage, or Ultrasound Multi-frame Image Storage for a sweep.

    There is no patient, no date and no institution in it, and it says that it is derived and
    simulated. All identifiers follow from the content, so the same frames give the same
    bytes. `SequenceOfUltrasoundRegions` holds the pixel size [cm] and the pixel of the middle
    of the probe's face; poses have no place in these storage classes (use MHA for them).
    """

    def __init__(self, path: str | os.PathLike[str], rate: float = 20.0, look: str | None = None):
        """Take what `save` writes.

        Args:
            path: of the file.
            rate: frames per second [Hz].
            look: of the frames, instead of their simulated image.

        Raises:
            InputError: pydicom is not installed.
        """
        medical("pydicom")
        if not rate > 0:
            raise InputError(f"{path}: frame rate must be above 0 Hz, got {rate:g}")
        self.path, self.rate, self.look = Path(path), rate, look
        self._pixels = bytearray()
        self._identity: list[str] = []
        self._first: Frame | None = None

    def add(self, frame: Frame) -> None:
        """Append a frame.

        Raises:
            InputError: it has another size than the first, or the file would grow beyond
                what DICOM can hold.
        """
        self._first = self._first or frame
        if frame.bmode.shape != self._first.bmode.shape:
            raise InputError(
                f"{self.path}: frame {len(self._identity)} is {frame.bmode.shape}, "
                f"expected {self._first.bmode.shape}"
            )
        self._pixels += frame.image(self.look).tobytes()
        if len(self._pixels) > LARGEST_PIXEL_DATA:
            raise InputError(f"{self.path}: more than 4 GB of pixels, expected fewer frames")
        self._identity.append(f"{frame.seed} {frame.pose.tolist()}")

    def save(self) -> list[Path]:
        """Write the file.

        Raises:
            InputError: there are no frames, or the file cannot be written.
        """
        if self._first is None:
            raise InputError(f"{self.path}: no frames to write")
        dataset = self._dataset(self._first)
        with replacing(self.path) as path:
            dataset.save_as(path, enforce_file_format=True)
        return [self.path]

    def _dataset(self, frame: Frame) -> Dataset:
        uid, dataset = medical("pydicom.uid"), medical("pydicom.dataset").Dataset()
        many = len(self._identity) > 1
        kind = uid.UltrasoundMultiFrameImageStorage if many else uid.UltrasoundImageStorage
        digest = hashlib.sha256(self._pixels).hexdigest()
        content = [digest, *self._identity, repr(frame.probe)]
        study, series, instance = (
            uid.generate_uid(entropy_srcs=[level, *content])
            for level in ("study", "series", "instance")
        )
        dataset.file_meta = _meta(kind, instance)
        dataset.SOPClassUID, dataset.SOPInstanceUID = kind, instance
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, series
        _describe(dataset, frame)
        if self.look:
            dataset.DerivationDescription = TRANSLATED
        dataset.SequenceOfUltrasoundRegions = [_region(frame)]
        _image(dataset, frame)
        if many:
            dataset.NumberOfFrames = len(self._identity)
            dataset.FrameTime = round(1000.0 / self.rate, 6)  # ms
            dataset.FrameIncrementPointer = 0x00181063  # FrameTime
        padding = b"\0" * (len(self._pixels) % 2)
        dataset.add_new(0x7FE00010, "OB", bytes(self._pixels) + padding)
        return dataset


def _meta(kind: str, instance: str) -> FileMetaDataset:
    uid = medical("pydicom.uid")
    meta = medical("pydicom.dataset").FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = kind, instance
    meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    return meta


def _describe(dataset: Dataset, frame: Frame) -> None:
    """What the file is and what made it; required fields about a patient stay empty."""
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.ImageType = ["DERIVED", "PRIMARY", "SIMULATED", "0001"]  # 0001: 2-D imaging
    dataset.PatientName, dataset.PatientID = "Insonate^Simulated", "INSONATE-SIMULATED"
    for empty in ("PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID",
                  "AccessionNumber", "ReferringPhysicianName", "PatientOrientation"):  # fmt: skip
        setattr(dataset, empty, "")
    dataset.Modality, dataset.SeriesNumber, dataset.InstanceNumber = "US", 1, 1
    dataset.Manufacturer, dataset.ManufacturerModelName = "Insonate", frame.probe.name
    dataset.SoftwareVersions = insonate.__version__
    dataset.DerivationDescription = "Simulated by ray tracing; not an image of a patient"
    dataset.TransducerData = [frame.probe.name[:64]]
    dataset.TransducerType = TRANSDUCERS[frame.probe.kind]
    dataset.DepthOfScanField = round(frame.probe.depth)  # mm
    dataset.SyntheticData = "YES"


def _region(frame: Frame) -> Dataset:
    """Calibration of the image: cm per pixel, zero at the middle of the probe's face."""
    region = medical("pydicom.dataset").Dataset()
    rows, columns = frame.bmode.shape
    lateral, depth = frame.origin
    column, row = round(-lateral / frame.spacing), round(-depth / frame.spacing)
    region.RegionSpatialFormat = 1  # 2-D
    region.RegionDataType = 1  # tissue
    region.RegionFlags = 0  # high priority, may be rescaled
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 0, 0
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = columns - 1, rows - 1
    region.ReferencePixelX0, region.ReferencePixelY0 = column, row
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3  # cm
    region.ReferencePixelPhysicalValueX = (lateral + column * frame.spacing) / 10.0
    region.ReferencePixelPhysicalValueY = (depth + row * frame.spacing) / 10.0
    region.PhysicalDeltaX = region.PhysicalDeltaY = frame.spacing / 10.0
    region.TransducerFrequency = round(frame.probe.frequency * 1000.0)  # kHz
    return region


def _image(dataset: Dataset, frame: Frame) -> None:
    dataset.Rows, dataset.Columns = frame.bmode.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.PixelRepresentation, dataset.UltrasoundColorDataPresent = 0, 0
    dataset.PixelSpacing = [f"{frame.spacing:.10g}"] * 2
    dataset.WindowCenter, dataset.WindowWidth = 128, 256
    dataset.BurnedInAnnotation, dataset.LossyImageCompression = "NO", "00"
