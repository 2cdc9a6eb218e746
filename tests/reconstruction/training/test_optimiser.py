"""Our Adam, whose rows come and go, against torch's."""

import numpy as np
import pytest
import torch

from translight.reconstruction.training.optimiser import Adam

RATES = [0.1, 0.02, 0.0]


def _steps(parameter: torch.Tensor, gradients: list[torch.Tensor], optimiser: Adam) -> torch.Tensor:
    for gradient in gradients:
        parameter.grad = gradient.clone()
        optimiser.step("p", parameter, RATES)
        assert parameter.grad is None
    return parameter.detach()


def _gradients(rows: int, count: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(rows)
    return [torch.randn((rows, 3), generator=generator) * 10 ** (i % 3 - 4) for i in range(count)]


@pytest.mark.parametrize("rows", [1, 7, 5000])
def test_steps_are_those_of_torch(rows: int):
    gradients = _gradients(rows, 12)
    begun = torch.randn((rows, 3), generator=torch.Generator().manual_seed(1))
    found = _steps(begun.clone().requires_grad_(), gradients, Adam())
    columns = [begun[:, i].clone().requires_grad_() for i in range(3)]
    theirs = torch.optim.Adam(
        [{"params": [column], "lr": rate} for column, rate in zip(columns, RATES, strict=True)], eps=1e-15
    )
    for gradient in gradients:
        for i, column in enumerate(columns):
            column.grad = gradient[:, i].clone()
        theirs.step()
    np.testing.assert_allclose(found.numpy(), torch.stack([c.detach() for c in columns], dim=1).numpy(), atol=2e-5)
    np.testing.assert_array_equal(found[:, 2].numpy(), begun[:, 2].numpy())


def test_one_rate_is_every_elements():
    gradients = _gradients(7, 4)
    found = [torch.zeros((7, 3)).requires_grad_() for _ in range(2)]
    for parameter, rates in zip(found, ([0.1], [0.1] * 3), strict=True):
        optimiser = Adam()
        for gradient in gradients:
            parameter.grad = gradient.clone()
            optimiser.step("p", parameter, rates)
    assert found[0].detach().abs().min() > 0
    np.testing.assert_array_equal(found[0].detach().numpy(), found[1].detach().numpy())


def test_rows_move_with_their_past():
    rows = torch.tensor([3, 0])
    gradients = _gradients(5, 4)
    whole = torch.zeros((5, 3)).requires_grad_()
    expected = _steps(whole, gradients, Adam())[rows]
    optimiser = Adam()
    some = _steps(torch.zeros((5, 3)).requires_grad_(), gradients[:2], optimiser)
    optimiser.select(["p"], rows)
    found = _steps(some[rows].clone().requires_grad_(), [gradient[rows] for gradient in gradients[2:]], optimiser)
    np.testing.assert_array_equal(found.numpy(), expected.numpy())


def test_new_rows_have_no_past_and_old_ones_can_forget_theirs():
    optimiser = Adam()
    some = _steps(torch.zeros((2, 3)).requires_grad_(), _gradients(2, 2), optimiser)
    optimiser.extend(["p", "never seen"], 1)
    optimiser.forget(["p"], torch.tensor([0]))
    first, second = optimiser.moments["p"]
    assert first.shape == (3, 3)
    for moment in (first, second):
        assert not moment[[0, 2]].any()
        assert moment[1].all()
    assert len(some) == 2


def test_what_is_kept_of_it_is_all_of_it():
    optimiser = Adam()
    gradients = _gradients(4, 6)
    parameter = _steps(torch.zeros((4, 3)).requires_grad_(), gradients[:3], optimiser)
    again = Adam()
    again.restore(
        {"moments": {k: (a.clone(), b.clone()) for k, (a, b) in optimiser.moments.items()}, "steps": {"p": 3}}
    )
    expected = _steps(parameter.clone().requires_grad_(), gradients[3:], optimiser)
    found = _steps(parameter.clone().requires_grad_(), gradients[3:], again)
    np.testing.assert_array_equal(found.numpy(), expected.numpy())


def test_without_a_gradient_nothing_moves():
    optimiser = Adam()
    parameter = torch.ones((2, 3)).requires_grad_()
    optimiser.step("p", parameter, RATES)
    assert optimiser.moments == {}
    assert bool((parameter == 1).all())
