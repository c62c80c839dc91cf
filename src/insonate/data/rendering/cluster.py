"""Workers of many machines: tasks of Ray, begun again elsewhere when a machine is lost."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from types import ModuleType

from insonate.data.rendering.run import Task, render_task
from insonate.errors import InputError

__all__ = ["RayCluster"]

#: How often a task is begun again; how long a host is waited for [s].
RETRIES, PATIENCE = 8, 5.0


class RayCluster:
    """Renders tasks on a Ray cluster.

    Every machine needs insonate, and sees the dataset under the same name: a shared folder or
    a URL.

    Args:
        address: of the cluster, as `ray.init` takes it: "auto", "host:6379", "ray://host:10001",
            or "local" for one on this machine.
        device: "cpu", a core a task; or "cuda", a GPU a task.

    Raises:
        InputError: Ray is not installed, or no cluster answers.
    """

    def __init__(self, address: str, device: str = "cpu"):
        self.device = "cpu" if device == "cpu" else "cuda"
        self._ray = _ray()
        if self._ray.is_initialized():
            return
        _knock(address)
        try:
            self._ray.init(address=address, log_to_driver=False, configure_logging=False)
        except (ConnectionError, RuntimeError, ValueError) as error:
            first = (str(error).splitlines() or ["no answer"])[0]
            raise InputError(f"--ray {address}: no cluster there ({first})") from error

    def run(self, tasks: Sequence[Task]) -> None:
        """Render all tasks; one whose worker or machine is lost is begun again elsewhere.

        Raises:
            InputError: a frame cannot be rendered or written.
        """
        ray = self._ray
        resources = {"num_cpus": 1} if self.device == "cpu" else {"num_cpus": 1, "num_gpus": 1}
        remote = ray.remote(max_retries=RETRIES, **resources)(render_task)
        waiting = [remote.remote(task, self.device, 1) for task in tasks]
        try:
            while waiting:
                done, waiting = ray.wait(waiting, num_returns=1)
                ray.get(done)
        except ray.exceptions.RayTaskError as error:
            cause = error.cause
            raise (cause if isinstance(cause, InputError) else error) from error
        except ray.exceptions.RayError as error:
            raise InputError(f"cluster: {(str(error).splitlines() or ['failed'])[0]}") from error
        finally:
            for task in waiting:
                ray.cancel(task, force=True)


def _knock(address: str) -> None:
    """See that somebody listens at HOST:PORT; Ray itself would ask for minutes.

    Raises:
        InputError: nobody does.
    """
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not (colon and port.isdigit()):
        return
    try:
        socket.create_connection((host, int(port)), PATIENCE).close()
    except (OSError, OverflowError) as error:
        raise InputError(f"--ray {address}: no cluster there ({error})") from error


def _ray() -> ModuleType:
    try:
        import ray
    except ImportError as error:
        raise InputError(
            'ray is not installed; clusters need: pip install "insonate[cluster]"'
        ) from error
    return ray
