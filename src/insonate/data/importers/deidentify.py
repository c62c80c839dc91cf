"""What is kept of a DICOM file besides its pixels: a list of what may be, all else is dropped.

Whom it shows, its identifiers and its date are replaced by what a keyed hash makes of them. The
key is random, new for every import, and never written: within one import a patient stays one
patient and intervals between dates stay as they were; beyond it nothing can be traced back.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from insonate.data.importers.dicom_values import text

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

__all__ = ["KEPT", "Pseudonyms"]

#: What is kept, by keyword: the machine and its settings. Nothing of these is free text about a
#: patient; texts are cut at 64 characters all the same.
KEPT: Mapping[str, str] = {
    "Manufacturer": "maker",
    "ManufacturerModelName": "model",
    "TransducerType": "transducer",
    "DepthOfScanField": "depth_mm",
    "FrameTime": "frame_time_ms",
    "MechanicalIndex": "mechanical_index",
    "LossyImageCompression": "lossy",
}
#: Dates are moved back by up to so many days, by a whole number of weeks.
_WEEKS = 52 * 10


class Pseudonyms:
    """Names for patients, studies and files, the same within one import.

    Args:
        secret: key of the hash; random if not given.
    """

    def __init__(self, secret: bytes | None = None):
        self._secret = secret or secrets.token_bytes(32)

    def patient(self, dataset: Dataset) -> str:
        """Of the patient: by number and issuer, or else name and birth; or else of the study."""
        for kind, names in (
            ("id", ("PatientID", "IssuerOfPatientID")),
            ("name", ("PatientName", "PatientBirthDate")),
            ("study", ("StudyInstanceUID",)),
            ("instance", ("SOPInstanceUID",)),
        ):
            said = [text(dataset, name).casefold() for name in names]
            if said[0]:
                return "patient-" + self._hash(kind, *said).hex()[:16]
        return "patient-" + secrets.token_hex(8)

    def uid(self, dataset: Dataset, name: str) -> str:
        """In place of a unique identifier; empty if there is none."""
        said = text(dataset, name)
        return f"2.25.{int.from_bytes(self._hash('uid', said)[:16])}" if said else ""

    def date(self, dataset: Dataset, patient: str) -> str:
        """Of the study, moved back by the same number of weeks for all of a patient's studies."""
        said = text(dataset, "StudyDate").replace(".", "")
        try:
            date = datetime.datetime.strptime(said, "%Y%m%d").date()
            weeks = 1 + int.from_bytes(self._hash("date", patient)[:8]) % _WEEKS
            return (date - datetime.timedelta(weeks=weeks)).isoformat()
        except (ValueError, OverflowError):
            return ""

    def _hash(self, *parts: str) -> bytes:
        message = "\0".join(parts).encode("utf-8", "replace")
        return hmac.new(self._secret, message, hashlib.sha256).digest()


def kept(dataset: Dataset) -> dict[str, Any]:
    """What may be said of the machine and its settings, by our names."""
    said = {}
    for keyword, name in KEPT.items():
        found = text(dataset, keyword)
        if found:
            number = name.endswith(("_mm", "_ms", "index"))
            said[name] = _number(found) if number else found[:64]
    return said


def _number(said: str) -> float | None:
    try:
        return float(said)
    except ValueError:
        return None
