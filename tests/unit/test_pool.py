"""The pool of images: what it shows, what it keeps, and that it needs no state but its images."""

import pytest
import torch
from torch import nn

from insonate.data.batches import Chance
from insonate.methods.pool import exchanged, pool_of

SIZE = 4


def numbered(first, count=1):
    """Images of two channels that can be told apart, from 1."""
    return torch.arange(first, first + count, dtype=torch.float32).reshape(-1, 1, 1, 1).expand(
        -1, 2, 3, 3
    )  # fmt: skip


def numbers(images):
    return [int(image) for image in images[:, 0, 0, 0]]


def run(steps, count=1, size=SIZE, seed=0):
    """Numbers shown by step, and the pool."""
    pool, shown = torch.zeros(size, 2, 3, 3), []
    for step in range(steps):
        new = numbered(step * count + 1, count)
        shown.append(numbers(exchanged(pool, new, Chance(seed, step))))
    return shown, pool


@pytest.mark.parametrize("count", [1, 2])
def test_the_first_images_fill_the_pool_and_are_shown(count):
    shown, pool = run(SIZE // count, count)
    assert [number for step in shown for number in step] == [1, 2, 3, 4]
    assert numbers(pool) == [1, 2, 3, 4]


def test_what_is_not_shown_is_kept_and_nothing_is_lost_or_twice():
    """All images that ever came are those shown and those in the pool, the fillers twice."""
    shown, pool = run(40)
    after = [step[0] for step in shown[SIZE:]]
    assert sorted([*after, *numbers(pool)]) == list(range(1, 41))


def test_half_of_the_images_are_new_and_half_of_the_pool():
    """Zhu et al. 2017, section 4, as the official code has it: a coin for each image."""
    shown, _ = run(2000, size=SIZE)
    new = [step[0] == number + 1 for number, step in enumerate(shown)][SIZE:]
    assert sum(new) / len(new) == pytest.approx(0.5, abs=4 * 0.5 / len(new) ** 0.5)


def test_an_image_stays_as_long_as_chance_says():
    """Each step one of `SIZE` places is replaced with probability 1/2: 2 SIZE steps on average."""
    shown, _ = run(4000)
    waits = [number + 1 - step[0] for number, step in enumerate(shown[SIZE:], SIZE)]
    waits = [wait for wait in waits if wait]
    assert sum(waits) / len(waits) == pytest.approx(2 * SIZE, rel=0.15)


def test_an_empty_pool_shows_new_images():
    shown, _ = run(6, size=0)
    assert shown == [[1], [2], [3], [4], [5], [6]]


def test_both_channels_go_together():
    pool = torch.zeros(1, 2, 1, 1)
    for step in range(20):
        new = torch.tensor([step, -step], dtype=torch.float32).reshape(1, 2, 1, 1)
        out = exchanged(pool, new, Chance(0, step)).flatten().tolist()
        assert out[0] == -out[1]


def test_the_choice_follows_from_seed_and_step_however_ranks_share_a_batch():
    assert run(30)[0] == run(30)[0]
    assert run(30)[0] != run(30, seed=1)[0]
    pool = torch.full((SIZE, 2, 3, 3), 99.0)
    pool[:] = numbered(100, SIZE)
    whole = exchanged(pool.clone(), numbered(1, 6), Chance(0, 50))
    parts = [
        exchanged(pool.clone(), numbered(first + 1, 2), Chance(0, 50, first)) for first in (0, 2, 4)
    ]
    is_new = [number < 100 for number in numbers(whole)]
    assert [number < 100 for part in parts for number in numbers(part)] == is_new
    assert len(set(is_new)) == 2


def test_new_images_are_not_changed_and_no_gradient_goes_through():
    pool, new = torch.zeros(SIZE, 2, 3, 3), numbered(1).clone().requires_grad_()
    for step in range(20):
        assert not exchanged(pool, new, Chance(0, step)).requires_grad
    assert numbers(new) == [1]


def test_a_method_has_its_pool_as_a_buffer_that_is_made_once():
    method = nn.Module()
    pool = pool_of(method, "pool", SIZE, numbered(1))
    assert pool.shape == (SIZE, 2, 3, 3)
    assert not pool.any()
    pool += 1
    assert pool_of(method, "pool", SIZE, numbered(2)) is pool
    assert list(method.state_dict()) == ["pool"]
