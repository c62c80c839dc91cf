"""What every tissue that ships must satisfy."""

import csv
import dataclasses
import math
import re
from importlib import resources

import pytest

from insonate.acoustics import load_tissues

TABLES = resources.files("insonate.acoustics").joinpath("tables")
TISSUES = load_tissues()
every_tissue = pytest.mark.parametrize("name", sorted(TISSUES))
#: Known by class: what the numbers of a row must be near, whoever edits the table.
FLUIDS = {
    "water_37C", "gel", "amniotic_fluid", "CSF", "fetal_stomach_fluid", "urine_bladder",
    "follicle_fluid",
}  # fmt: skip
BONES = {"fetal_skull", "fetal_long_bone_spine", "cortical_bone_adult", "trabecular_bone"}
OTHER = {"air_bowel_gas", "lung_air_adult", "iud_metal_needle", "cartilage_adult"}
OTHER |= {"tendon_ligament"}


def rows():
    text = TABLES.joinpath("tissues.csv").read_text("utf-8")
    return {row["name"]: row for row in csv.DictReader(text.splitlines())}


def test_the_table_holds_every_tissue_of_its_file_once():
    lines = TABLES.joinpath("tissues.csv").read_text("utf-8").splitlines()
    assert len(TISSUES) == len(rows()) == len(lines) - 1 >= 50


@every_tissue
def test_row_says_what_the_file_says(name):
    row, tissue = rows()[name], TISSUES[name]
    for field in dataclasses.fields(tissue):
        value = getattr(tissue, field.name)
        stated = row[field.name]
        assert value == (stated if isinstance(value, str) else float(stated))


@every_tissue
def test_numbers_are_finite_and_possible(name):
    tissue = TISSUES[name]
    numbers = [v for v in dataclasses.astuple(tissue) if not isinstance(v, str)]
    assert all(math.isfinite(v) for v in numbers)
    assert 300 < tissue.speed_of_sound < 7000
    assert 1 < tissue.density < 9000
    assert 0 <= tissue.occupancy <= 1
    assert 0.9 <= tissue.attenuation_power <= 2.0
    assert tissue.roughness > 0
    assert tissue.thickness >= 0
    assert tissue.modulation_scale > 0


@every_tissue
def test_impedance_is_speed_times_density(name):
    tissue = TISSUES[name]
    assert tissue.impedance == pytest.approx(tissue.speed * tissue.density * 1e-3)
    assert tissue.speed == pytest.approx(tissue.speed_of_sound / 1000)


@every_tissue
def test_source_is_given_and_its_letters_are_known(name):
    source = TISSUES[name].source
    assert source.strip()
    text = TABLES.joinpath("sources.csv").read_text("utf-8")
    letters = {row["letter"] for row in csv.DictReader(text.splitlines())}
    words = {"estimate", "memory", "textbook", "physics"}
    cited = set(re.findall(r"\b[A-K]\b", source))
    assert cited <= letters
    assert cited or any(word in source for word in words)


@every_tissue
def test_attenuation_follows_the_power_law(name):
    tissue = TISSUES[name]
    assert tissue.attenuation_at(1.0) == pytest.approx(tissue.attenuation)
    ratio = tissue.attenuation_at(8.0) / tissue.attenuation_at(4.0)
    assert ratio == pytest.approx(2.0**tissue.attenuation_power)


@every_tissue
def test_numbers_are_those_of_its_class(name):
    tissue = TISSUES[name]
    if name in FLUIDS:
        assert tissue.attenuation < 0.05
        assert tissue.echogenicity <= -45
    elif name in BONES:
        assert tissue.impedance > 2.5
        assert tissue.attenuation > 5
    elif name not in OTHER:
        assert 1430 <= tissue.speed_of_sound <= 1620
        assert 920 <= tissue.density <= 1130
        assert 0.1 <= tissue.attenuation <= 1.6


@pytest.mark.parametrize(
    ("name", "at_3_5", "at_8"),
    [("liver_adult", 1.86, 4.44), ("skin", 2.1, 4.8), ("uterus_myometrium", 2.35, 8.8),
     ("fetal_skull", 28.0, 64.0), ("blood", 0.683, 1.86), ("water_37C", 0.027, 0.141)],
)  # fmt: skip
def test_attenuation_that_the_specification_states(name, at_3_5, at_8):
    assert TISSUES[name].attenuation_at(3.5) == pytest.approx(at_3_5, rel=0.01)
    assert TISSUES[name].attenuation_at(8.0) == pytest.approx(at_8, rel=0.01)


def test_clinical_order_of_brightness():
    order = [
        "cortical_bone_adult", "kidney_sinus", "liver_adult", "kidney_cortex", "fetal_brain",
        "cartilage_adult", "blood", "urine_bladder",
    ]  # fmt: skip
    levels = [TISSUES[name].echogenicity for name in order]
    assert levels == sorted(levels, reverse=True)
