"""Adam for arrays whose rows come and go: every splat's moments move with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from translight.reconstruction.training.adam_kernel import step_rows

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-15


class Adam:
    """The moments of named parameters, whose first dimension is their rows; one learning rate a column.

    On the processor a step is one pass of a kernel, elsewhere torch's operations: the same numbers to rounding.
    """

    def __init__(self) -> None:
        self.moments: dict[str, tuple[Tensor, Tensor]] = {}
        self.steps: dict[str, int] = {}

    def step(self, name: str, parameter: Tensor, rates: Sequence[float]) -> None:
        """Move ``parameter`` by its ``grad``, which is forgotten; without one nothing moves.

        ``rates`` are those of a row's elements, or one for all.
        """
        gradient = parameter.grad
        if gradient is None or not len(parameter):
            return
        if name not in self.moments:
            self.moments[name] = (torch.zeros_like(parameter), torch.zeros_like(parameter))
        first, second = self.moments[name]
        t = self.steps[name] = self.steps.get(name, 0) + 1
        scaled = torch.tensor([rate / (1 - BETA1**t) for rate in rates], dtype=torch.float32)
        correction = (1 - BETA2**t) ** -0.5
        parameter.grad = None
        with torch.no_grad():
            if parameter.device.type == "cpu":
                p, g, m, v = (t.detach().reshape(-1).numpy() for t in (parameter, gradient.contiguous(), first, second))
                step_rows(p, g, m, v, scaled.numpy(), correction)
            else:
                first.lerp_(gradient, 1 - BETA1)
                second.mul_(BETA2).addcmul_(gradient, gradient, value=1 - BETA2)
                change = first / (second.sqrt() * correction + EPSILON)
                columns = parameter.shape[1:] if len(rates) > 1 else (1,) * (parameter.ndim - 1)
                rate = scaled.to(parameter.device).reshape(1, *columns)
                parameter.sub_(change * rate)

    def select(self, names: Sequence[str], rows: Tensor) -> None:
        """Keep only ``rows`` of these parameters' moments, in that order."""
        for name in names:
            if name in self.moments:
                first, second = self.moments[name]
                self.moments[name] = (first[rows].contiguous(), second[rows].contiguous())

    def extend(self, names: Sequence[str], count: int) -> None:
        """Add ``count`` rows without a past at the end of each."""
        for name in names:
            if name in self.moments:
                first, second = self.moments[name]
                room = first.new_zeros((count, *first.shape[1:]))
                self.moments[name] = (torch.cat([first, room]), torch.cat([second, room]))

    def forget(self, names: Sequence[str], rows: Tensor) -> None:
        """Rows that begin anew."""
        for name in names:
            if name in self.moments:
                for moment in self.moments[name]:
                    moment[rows] = 0

    def state(self) -> dict[str, object]:
        """What a checkpoint keeps."""
        return {"moments": dict(self.moments), "steps": dict(self.steps)}

    def restore(self, state: Mapping[str, object]) -> None:
        """Back to what ``state`` gave."""
        self.moments = {name: (first, second) for name, (first, second) in dict(state["moments"]).items()}  # type: ignore[call-overload]
        self.steps = dict(state["steps"])  # type: ignore[call-overload]
