"""Nothing of a patient comes through; what belongs together stays together."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insonate.data.importers.deidentify import KEPT, Pseudonyms, kept

pydicom = pytest.importorskip("pydicom")


def dataset(**values):
    made = pydicom.Dataset()
    for name, value in values.items():
        setattr(made, name, value)
    return made


def test_a_patient_keeps_one_pseudonym_in_one_import_and_none_beyond():
    first, second = Pseudonyms(), Pseudonyms()
    ann = dataset(PatientID="1234", PatientName="Doe^Ann", StudyInstanceUID="1.2.3")
    again = dataset(PatientID=" 1234 ", PatientName="DOE^ANN", StudyInstanceUID="1.2.4")
    other = dataset(PatientID="1235", PatientName="Doe^Ann", StudyInstanceUID="1.2.3")
    assert first.patient(ann) == first.patient(again)
    assert first.patient(ann) != first.patient(other)
    assert first.patient(ann) != second.patient(ann)
    assert "1234" not in first.patient(ann)


def test_without_a_number_it_is_the_name_and_without_a_name_the_study():
    names = Pseudonyms()
    by_name = dataset(PatientID="", PatientName="Doe^Ann", StudyInstanceUID="1")
    assert names.patient(by_name) == names.patient(dataset(PatientName="Doe^Ann"))
    study = dataset(PatientName="^^^^", StudyInstanceUID="1.2")
    assert names.patient(study) == names.patient(dataset(StudyInstanceUID="1.2"))
    assert names.patient(study) != names.patient(dataset(StudyInstanceUID="1.3"))
    nothing = dataset()
    assert names.patient(nothing) != names.patient(nothing)  # never one for all unknown


def test_identifiers_are_replaced_by_valid_ones():
    names = Pseudonyms(b"secret")
    uid = names.uid(dataset(StudyInstanceUID="1.2.840.1"), "StudyInstanceUID")
    assert pydicom.uid.UID(uid).is_valid
    assert uid.startswith("2.25.")
    assert "840" not in uid[:9]
    assert uid == names.uid(dataset(StudyInstanceUID="1.2.840.1"), "StudyInstanceUID")
    assert names.uid(dataset(), "StudyInstanceUID") == ""


@given(st.dates(datetime.date(1950, 1, 1), datetime.date(2030, 1, 1)), st.integers(0, 3000))
def test_dates_move_by_whole_weeks_and_keep_their_distance(date, later):
    names = Pseudonyms(b"secret")
    after = date + datetime.timedelta(days=later)

    def moved(day):
        text = names.date(dataset(StudyDate=day.strftime("%Y%m%d")), "patient-a")
        return datetime.date.fromisoformat(text)

    assert moved(date) < date
    assert (date - moved(date)).days % 7 == 0
    assert moved(after) - moved(date) == after - date


@pytest.mark.parametrize("date", ["", "yesterday", "20231399", "00010101"])
def test_a_date_that_is_none_is_dropped(date):
    made = dataset()
    made._dict[pydicom.tag.Tag("StudyDate")] = pydicom.DataElement(
        "StudyDate", "LO", date
    )  # as a file may have it
    assert Pseudonyms(b"secret").date(made, "patient-a") == ""


def test_only_the_machine_is_kept():
    made = dataset(
        Manufacturer="Maker", PatientName="Doe^Ann", PatientBirthDate="19800101",
        InstitutionName="Clinic", OperatorsName="Roe", StudyDescription="Ann Doe",
        MechanicalIndex=1.1, DeviceSerialNumber="77", StudyTime="101010",
    )  # fmt: skip
    assert kept(made) == {"maker": "Maker", "mechanical_index": 1.1}
    private = ("Patient", "Name", "Institution", "Physician", "UID", "Date", "Time", "Serial", "ID")
    named = [key for key in KEPT if key != "FrameTime" and key != "ManufacturerModelName"]
    assert not [key for key in named if any(word in key for word in private)]
