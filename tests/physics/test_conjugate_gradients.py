"""Conjugate gradients against a direct solution, and how they end."""

import pytest
import torch

from imaging.physics.conjugate_gradients import RegularisedInverse, conjugate_gradients
from imaging.randomness import generator


def matrices(n: int, side: int) -> torch.Tensor:
    """Symmetric positive definite, (n, side, side), the later ones worse conditioned."""
    factors = torch.randn(n, side, side, generator=generator("matrices"), dtype=torch.float64)
    return factors @ factors.mT + torch.logspace(1, -2, n, dtype=torch.float64)[:, None, None] * torch.eye(
        side
    )


def images(n: int, side: int) -> torch.Tensor:
    return torch.randn(n, 1, 1, side, generator=generator("images"), dtype=torch.float64)


def test_is_the_direct_solution_for_each_matrix():
    m, r = matrices(4, 12), images(4, 12)
    u = conjugate_gradients(lambda u: u @ m[:, None], r, 1e-13, 500)
    expected = torch.linalg.solve(m, r[:, 0, 0])[:, None, None]
    torch.testing.assert_close(u, expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("tolerance", [1e-2, 1e-6])
def test_it_ends_when_the_residual_of_every_image_is_small(tolerance):
    m, r, steps = matrices(4, 30), images(4, 30), []
    u = conjugate_gradients(lambda u: steps.append(1) or u @ m[:, None], r, tolerance, 500)
    residual = (r - u @ m[:, None]).norm(dim=-1) / r.norm(dim=-1)
    assert residual.max() <= 1.001 * tolerance
    assert len(steps) < 200


def test_an_image_does_not_depend_on_how_long_others_take():
    m, r = matrices(4, 30), images(4, 30)
    together = conjugate_gradients(lambda u: u @ m[:, None], r, 1e-4, 500)
    for i in range(4):
        alone = conjugate_gradients(lambda u, i=i: u @ m[i], r[i : i + 1], 1e-4, 500)
        torch.testing.assert_close(together[i : i + 1], alone)


def test_zero_is_solved_by_zero_beside_others():
    r = images(2, 5) * torch.tensor([0.0, 1.0])[:, None, None, None]
    u = conjugate_gradients(lambda u: 2 * u, r, 1e-6, 50)
    assert torch.equal(u, r / 2)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_what_is_not_finite_is_not_hidden(value):
    r = images(2, 5)
    r[0, 0, 0, 0] = value
    u = conjugate_gradients(lambda u: 2 * u, r, 1e-6, 50)
    assert u[0].isnan().all()
    assert torch.equal(u[1], r[1] / 2)


def test_it_stops_after_its_iterations():
    m, r, steps = matrices(1, 30), images(1, 30), []
    conjugate_gradients(lambda u: steps.append(1) or u @ m[:, None], r, 1e-30, 7)
    assert len(steps) == 7


def test_a_preconditioner_saves_iterations_and_changes_no_solution():
    scale = torch.logspace(-2, 2, 40, dtype=torch.float64)
    r, counts, solutions = images(2, 40), [], []
    for precondition in (lambda r: r, lambda r: r / scale):
        steps = []

        def apply(u, steps=steps):
            steps.append(1)
            return scale * u + 1e-3 * u.mean(-1, keepdim=True)

        solutions.append(conjugate_gradients(apply, r, 1e-12, 500, precondition))
        counts.append(len(steps))
    torch.testing.assert_close(solutions[1], solutions[0], rtol=1e-6, atol=1e-6)
    assert counts[1] < counts[0] / 5


def test_a_second_derivative_is_refused():
    r = images(1, 4).requires_grad_()
    weight = torch.ones(1, 1, 1, 1, dtype=torch.float64)
    u = RegularisedInverse.apply(lambda u: 2 * u, lambda r, weight: r, r, weight, 1e-12, 50)
    (gradient,) = torch.autograd.grad(u.square().sum(), r, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()
