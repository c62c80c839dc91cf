"""Weights without their run: in bf16, whole, with a card that they are checked by."""

import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("lightning_fabric")
pytest.importorskip("safetensors")
sys.path.insert(0, str(Path(__file__).parent))
from packing import CARD, SAID
from safetensors.torch import load_file
from translated import REGIONS, arrays, random_run

from insonate import looks
from insonate.errors import InputError
from insonate.recipe import load_run
from insonate.recipe.card import read_card, read_statement
from insonate.recipe.packed import WEIGHTS, pack
from insonate.translation import Translator

MOST = 8e6  # bytes, of all weights that ship


@pytest.fixture
def folder(tmp_path):
    pack(random_run(), tmp_path / "mine", SAID)
    return tmp_path / "mine"


def refused(folder, **way):
    with pytest.raises(InputError) as error:
        load_run(folder, **way)
    assert "\n" not in str(error.value)
    return str(error.value)


def change(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_weights_are_those_of_the_run_in_16_bits(folder):
    run = random_run()
    found = load_run(folder)
    before, after = (r.method.get_submodule("generator").state_dict() for r in (run, found))
    assert before.keys() == after.keys()
    for name, tensor in before.items():
        assert torch.equal(after[name], tensor.bfloat16().float()), name
    assert (found.regions, found.step, found.recipe) == (REGIONS, 70, run.recipe)


def test_the_file_holds_the_generator_alone_in_two_bytes_a_weight(folder):
    stored = load_file(folder / WEIGHTS)
    assert {name.split(".")[0] for name in stored} == {"generator"}
    assert {tensor.dtype for tensor in stored.values()} == {torch.bfloat16}
    count = sum(p.numel() for p in random_run().method.get_submodule("generator").parameters())
    header = 8 + int.from_bytes((folder / WEIGHTS).read_bytes()[:8], "little")
    assert (folder / WEIGHTS).stat().st_size == header + 2 * count
    assert sorted(path.name for path in folder.iterdir()) == ["card.json", "card.md", WEIGHTS]
    with pytest.raises(AttributeError):
        load_run(folder).method.get_submodule("discriminator")  # random weights serve nobody


def test_translates_nearly_as_the_run_does(folder):
    given = arrays()
    exact, packed = (Translator.load(run).frames(given) for run in (random_run(), folder))
    # 8 bits of every weight: half a unit in the last place is 2^-9 of it
    np.testing.assert_allclose(packed, exact, atol=0.02)
    assert np.abs(packed - exact).max() > 0
    np.testing.assert_array_equal(packed, Translator.load(folder).frames(given))


def test_what_it_says_of_itself(folder):
    about = Translator.load(folder).about
    assert (about.run, about.look, about.to, about.step) == ("mine", "enhanced", "", 70)
    card = read_card(folder)
    assert (card.look, card.source, card.to, card.regions) == ("enhanced", None, None, REGIONS)
    assert card.statement == SAID
    text = (folder / "card.md").read_text()
    data = ("noise (CC0). twelve frames", "SSIM: 0.1", "random weights", "outside, liver, kidney")
    for words in ("# mine", "not for diagnosis", card.sha256, "name: l2h", *data):
        assert words in text


def test_the_data_are_told_but_not_where_they_lay(tmp_path):
    real = {"data": "s3://bucket/real.zarr/", "manifest": "b2", "regions": [], "rows": 40}
    data = {"data": "/home/me/sim.zarr", "manifest": "a1", "regions": ["x"], "rows": 48}
    run = dataclasses.replace(random_run("M"), data=data | {"real": real}, commit="c0ffee")
    pack(run, tmp_path / "mine", SAID)
    found = load_run(tmp_path / "mine")
    assert (found.rows, found.commit) == (48, "c0ffee")
    assert found.data == {
        "data": "sim.zarr", "manifest": "a1", "rows": 48,
        "real": {"data": "real.zarr", "manifest": "b2", "rows": 40},
    }  # fmt: skip
    for name in ("card.json", "card.md"):
        text = (tmp_path / "mine" / name).read_text()
        assert "home" not in text
        assert "bucket" not in text


def test_other_weights_than_those_of_the_card(folder):
    path = folder / WEIGHTS
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    assert refused(folder).startswith(f"{path}: not the weights of the card; expected SHA-256 ")


def test_missing_files(folder, tmp_path):
    (folder / "card.json").rename(tmp_path / "card.json")
    assert refused(folder).endswith("no card.json; weights without their card are not used")
    (tmp_path / "card.json").rename(folder / "card.json")
    (folder / WEIGHTS).unlink()
    assert "weights.safetensors: cannot be read (No such file" in refused(folder)
    assert "not a run; expected a folder with a recipe.yaml, or with a card" in refused(tmp_path)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"format": 2}, "card.json: format: expected 1, got 2"),
        ({"licence": "CC0"}, "card.json: licence: unknown"),
        ({"look": "beautiful"}, "card.json: look: expected enhanced or realistic"),
        ({"recipe": {"method": {"name": "l2h", "width": 0}}}, "card.json: method.width: expected"),
        ({"statement": {"about": "", "licence": "x", "data": [], "limits": []}}, "about: empty"),
    ],
)
def test_damaged_cards(folder, values, words):
    change(folder / "card.json", **values)
    assert words in refused(folder)


def test_weights_of_another_network(folder):
    plain = json.loads((folder / "card.json").read_text())
    plain["recipe"]["method"]["width"] = 8
    change(folder / "card.json", recipe=plain["recipe"])
    assert "generator." in refused(folder)
    assert "expected the shape" in refused(folder)


def test_there_is_one_set_of_weights(folder):
    words = "packed weights of step 70 alone; expected the weights best"
    assert words in refused(folder, weights="raw")
    assert words in refused(folder, step=60)
    assert load_run(folder, step=70).step == 70


def test_pairs_have_no_domains(folder):
    assert "learns from pairs of images" in refused(folder, to="real")


def test_nothing_is_written_over(folder):
    before = (folder / WEIGHTS).read_bytes()
    with pytest.raises(InputError, match="holds something; expected a new or an empty folder"):
        pack(random_run(seed=1), folder, SAID)
    assert (folder / WEIGHTS).read_bytes() == before


def test_whole_or_not_there(tmp_path, monkeypatch):
    def fail(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(InputError, match=r"mine: cannot be written \(No space left"):
        pack(random_run("M"), tmp_path / "mine", SAID)
    assert not list(tmp_path.iterdir())


def test_statements_are_read(tmp_path):
    path = tmp_path / "card.yaml"
    path.write_text(CARD)
    assert read_statement(path) == SAID
    path.write_text(CARD.replace("licence: CC0\ndata", "data"))
    with pytest.raises(InputError, match=r"card.yaml: licence: missing"):
        read_statement(path)
    path.write_text(CARD.replace("name: noise", "name: ''"))
    with pytest.raises(InputError, match=r"card.yaml: data: expected a name and a licence"):
        read_statement(path)


def test_weights_that_ship_are_sound_and_small():
    folders = [folder for look in ("enhanced", "realistic") if (folder := looks.shipped(look))]
    for folder in folders:
        about = Translator.load(folder).about
        assert about.look == folder.name
        assert (folder / "card.md").read_text() == read_card(folder).markdown(folder.name)
    assert sum((folder / WEIGHTS).stat().st_size for folder in folders) <= MOST
