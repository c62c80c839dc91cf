"""Adam for every network: one update from one loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from insonate.errors import InputError
from insonate.training.ranks import Ranks
from insonate.training.settings import Schedule
from insonate.training.trainable import Trainable

__all__ = ["Optimisers"]


class Optimisers:
    """An optimiser for every network of a method.

    Args:
        method: with its networks on their device.
        ranks: over which gradients are averaged.
        schedule: of learning rates.
        clip: greatest norm of a network's gradient; None does not clip.
    """

    def __init__(
        self, method: Trainable, ranks: Ranks, schedule: Schedule, clip: float | None = None
    ):
        self.ranks, self.schedule, self.clip = ranks, schedule, clip
        self.networks = {name: method.get_submodule(name) for name in method.adam}
        self.settings = dict(method.adam)
        self._parameters = {name: _learned(network) for name, network in self.networks.items()}
        self._adam = {
            name: torch.optim.Adam(
                self._parameters[name],
                lr=each.lr,
                betas=each.betas,
                weight_decay=each.weight_decay,
                fused=True,
            )
            for name, each in self.settings.items()
        }

    def set_epoch(self, epoch: float) -> None:
        """Follow the schedule."""
        factor = self.schedule.factor(epoch)
        for name, adam in self._adam.items():
            for group in adam.param_groups:
                group["lr"] = self.settings[name].lr * factor

    def rates(self) -> dict[str, float]:
        """Learning rates by network."""
        return {name: adam.param_groups[0]["lr"] for name, adam in self._adam.items()}

    def update(self, names: Sequence[str], loss: Tensor) -> dict[str, Tensor]:
        """One step of networks down the gradient of a loss, which flows to no other network.

        Returns:
            The norms of their gradients before they were clipped, if they are.
        """
        parameters = [p for name in names for p in self._parameters[name]]
        for parameter in parameters:
            parameter.grad = None
        loss.backward(inputs=parameters)
        for parameter in parameters:  # what a loss does not reach, on this rank or on all
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        self.ranks.average_gradients(parameters)
        norms = {}
        for name in names:
            if self.clip is not None:
                norms[name] = nn.utils.clip_grad_norm_(self._parameters[name], self.clip)
            self._adam[name].step()
        for parameter in parameters:
            parameter.grad = None
        return norms

    def tensors(self) -> dict[str, Tensor]:
        """Moments and counts of steps by network, parameter and name."""
        found = {}
        for network, adam in self._adam.items():
            for name, parameter in self._named(network):
                for key, value in adam.state.get(parameter, {}).items():
                    found[f"{network}/{name}/{key}"] = value
        return found

    def load(self, tensors: Mapping[str, Tensor], where: str) -> None:
        """Go on from what `tensors` gave.

        Args:
            tensors: as stored.
            where: what errors begin with.

        Raises:
            InputError: moments are missing, or of another shape.
        """
        for network, adam in self._adam.items():
            for name, parameter in self._named(network):
                prefix = f"{network}/{name}/"
                state = {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}
                if state:
                    adam.state[parameter] = _state(state, parameter, f"{where}: {prefix}")
                else:
                    adam.state.pop(parameter, None)

    def _named(self, network: str) -> list[tuple[str, Tensor]]:
        named = self.networks[network].named_parameters()
        return [(name, parameter) for name, parameter in named if parameter.requires_grad]


def _learned(network: nn.Module) -> list[Tensor]:
    return [parameter for parameter in network.parameters() if parameter.requires_grad]


def _state(stored: Mapping[str, Tensor], parameter: Tensor, where: str) -> dict[str, Tensor]:
    """Adam's state of a parameter, in its memory layout."""
    if set(stored) != {"step", "exp_avg", "exp_avg_sq"}:
        raise InputError(f"{where}: expected step, exp_avg and exp_avg_sq")
    state = {"step": stored["step"].to(parameter.device)}
    for key in ("exp_avg", "exp_avg_sq"):
        if stored[key].shape != parameter.shape:
            raise InputError(f"{where}{key}: expected the shape {tuple(parameter.shape)}")
        state[key] = torch.empty_like(parameter, requires_grad=False).copy_(stored[key])
    return state
