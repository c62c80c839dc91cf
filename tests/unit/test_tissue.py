import pytest

from insonate.acoustics import Tissue, load_tissues
from insonate.errors import InputError


def test_unknown_tissue_suggests_the_nearest():
    with pytest.raises(InputError, match=r"unknown tissue 'liver'; did you mean 'liver_adult'\?"):
        load_tissues()["liver"]
    with pytest.raises(InputError, match="did you mean 'spleen'"):
        load_tissues()["splen"]


def test_override_keeps_the_other_fields():
    table = load_tissues().extended({"spleen": {"echogenicity": 3}})
    assert table["spleen"].echogenicity == 3
    assert table["spleen"].density == load_tissues()["spleen"].density
    assert load_tissues()["spleen"].echogenicity == 0  # the shipped table is untouched


def test_new_tissue_like_another():
    table = load_tissues().extended({"tumour": {"like": "liver_adult", "echogenicity": -8.0}})
    assert table["tumour"].name == "tumour"
    assert table["tumour"].attenuation == table["liver_adult"].attenuation
    assert len(table) == len(load_tissues()) + 1
    assert "tumour" in table
    assert "tumour" not in load_tissues()


def test_new_tissue_needs_its_acoustics():
    with pytest.raises(InputError, match="tissue 'tumour': new, and lacks attenuation, density"):
        load_tissues().extended({"tumour": {"speed_of_sound": 1550}})


def test_unknown_field_suggests_the_nearest():
    with pytest.raises(InputError, match="unknown field 'densty'; did you mean 'density'"):
        load_tissues().extended({"spleen": {"densty": 1000}})


@pytest.mark.parametrize("value", ["high", None, True, [1]])
def test_field_that_is_not_a_number(value):
    with pytest.raises(InputError, match="tissue 'spleen': density must be a number"):
        load_tissues().extended({"spleen": {"density": value}})


@pytest.mark.parametrize(
    ("field", "value"),
    [("speed_of_sound", 0.0), ("density", -1.0), ("attenuation", -0.1), ("occupancy", 1.1),
     ("density", float("nan")), ("kappa", float("inf")), ("thickness", -0.1)],
)  # fmt: skip
def test_impossible_material(field, value):
    values = {"speed_of_sound": 1540.0, "density": 1000.0, "attenuation": 0.5} | {field: value}
    with pytest.raises(InputError, match=f"tissue 'x': {field}"):
        Tissue("x", **values)
