"""What a command says when a package is not installed."""

import pytest

from insonate.cli import main
from insonate.cli.needs import need
from insonate.errors import InputError


def test_what_is_not_installed_is_named_with_the_extra_that_brings_it():
    need("json", "csv")
    with pytest.raises(InputError, match=r'no_such_package is not .*"insonate\[onnx\]"') as error:
        need("json", "no_such_package", extra="onnx")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "words",
    [
        ["train", "recipe.yaml"],
        ["translate", "run", "--data", "a", "--out", "b"],
        ["export-onnx", "run"],
        ["evaluate", "run"],
        ["compare", "run"],
    ],
)
def test_commands_say_it_before_they_import(words, monkeypatch, capsys):
    monkeypatch.setattr("insonate.cli.needs.find_spec", lambda name: None)
    assert main(words) == 2
    assert "torch is not installed: pip install" in capsys.readouterr().err
