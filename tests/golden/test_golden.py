"""Did a picture change?"""

import numpy as np
import pytest

import golden


@pytest.mark.parametrize("name", sorted(golden.CASES))
def test_picture_is_as_kept(name, tmp_path):
    seen, kept = golden.render(name), golden.load(name)
    if wrong := golden.complaints(seen, kept):
        pytest.fail(f"{wrong}; see {golden.show(tmp_path, name, seen, kept)}")


def test_a_faint_bias_is_found():
    kept = golden.load("qa_fine")
    seen = kept | {"bmode": np.where(kept["bmode"] > 0, kept["bmode"] * 1.05, 0).astype(np.uint8)}
    assert golden.complaints(seen, kept)


def test_a_moved_label_is_found():
    kept = golden.load("qa_fine")
    assert golden.complaints(kept | {"labels": np.roll(kept["labels"], 1, axis=0)}, kept)


def test_pictures_are_small():
    assert all(path.stat().st_size < 60_000 for path in golden.FOLDER.glob("*.npz"))
