"""Muon against the singular value decomposition, torch's AdamW and torch's own Muon for plain matrices."""

import copy

import pytest
import torch

from imaging.tasks import OPTIMIZERS
from imaging.tasks.muon import RMS, orthogonalise


def muon(parameters, **settings):
    return OPTIMIZERS.build({"name": "muon", **settings}, parameters=parameters)


def parameters(*shapes):
    torch.manual_seed(0)
    return [torch.randn(shape).requires_grad_() for shape in shapes]


def descend(optimizer, weights, steps=5):
    """Some steps down a quadratic whose gradient is not constant."""
    for _ in range(steps):
        optimizer.zero_grad()
        sum(((w - 1) ** 2 * torch.arange(1.0, w.numel() + 1).view(w.shape)).sum() for w in weights).backward()
        optimizer.step()


@pytest.mark.parametrize("shape", [(3, 16, 48), (2, 48, 16), (1, 16, 9), (1, 1, 9)], ids=str)
def test_singular_vectors_stay_and_singular_values_come_near_to_one(shape):
    torch.manual_seed(0)
    matrices = torch.randn(shape, dtype=torch.float64)
    u, _, vt = torch.linalg.svd(matrices, full_matrices=False)
    inner = u.mT @ orthogonalise(matrices) @ vt.mT  # diagonal, if the singular vectors are the same
    values = inner.diagonal(dim1=1, dim2=2)
    assert torch.allclose(inner, torch.diag_embed(values), atol=1e-10)
    assert values.min() > 0.6
    assert values.max() < 1.3


def test_a_step_ignores_the_size_of_the_gradient_and_has_the_size_that_adam_has():
    sizes = []
    for scale in (1e-3, 1.0, 1e3):
        (w,) = parameters((32, 8, 3, 3))
        w.grad, before = scale * torch.ones_like(w).normal_(), w.detach().clone()
        muon([w], lr=0.01).step()
        sizes.append((w - before).square().mean().sqrt().item())
    assert sizes == pytest.approx([RMS * 0.01] * 3, rel=0.2)


def test_vectors_are_left_to_adamw():
    ours, theirs = parameters((7,), (5,)), parameters((7,), (5,))
    descend(muon(ours, lr=0.01, weight_decay=0.1), ours)
    descend(torch.optim.AdamW(theirs, lr=0.01, weight_decay=0.1), theirs)
    for mine, other in zip(ours, theirs, strict=True):
        assert torch.allclose(mine, other, atol=1e-6)


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="torch has its own Muon from 2.9 on")
def test_plain_matrices_go_as_with_the_muon_of_torch():
    ours, theirs = parameters((6, 9), (9, 4)), parameters((6, 9), (9, 4))
    start = [w.detach().clone() for w in ours]
    descend(muon(ours, lr=0.01, weight_decay=0.1), ours)
    settings = {"momentum": 0.95, "weight_decay": 0.1, "adjust_lr_fn": "match_rms_adamw"}
    descend(torch.optim.Muon(theirs, lr=0.01, **settings), theirs)
    for before, mine, other in zip(start, ours, theirs, strict=True):
        assert (mine - other).norm() < 0.02 * (mine - before).norm()  # theirs multiplies in bfloat16


def test_a_convolution_goes_as_its_matrix_whatever_its_layout():
    (flat,) = parameters((6, 36))
    kernels = [flat.detach().view(6, 4, 3, 3).clone().requires_grad_() for _ in range(2)]
    kernels[1] = kernels[1].detach().contiguous(memory_format=torch.channels_last).requires_grad_()
    for w in (flat, *kernels):
        descend(muon([w], lr=0.01), [w])
    for kernel in kernels:
        assert torch.allclose(kernel.flatten(1), flat, atol=1e-6)


def test_matrices_of_one_shape_do_not_disturb_each_other():
    together, alone = parameters((4, 6), (4, 6), (5,)), parameters((4, 6), (4, 6), (5,))
    descend(muon(together), together)
    for w in alone:
        descend(muon([w]), [w])
    for one, other in zip(together, alone, strict=True):
        assert torch.allclose(one, other, atol=1e-6)


def test_what_has_no_gradient_stays():
    moved, kept = parameters((4, 6), (4, 6))
    before = kept.detach().clone()
    moved.grad = torch.ones_like(moved)
    muon([moved, kept], weight_decay=0.1).step()
    assert torch.equal(kept, before)


def test_goes_on_exactly_from_its_saved_state():
    weights = parameters((4, 3, 3, 3), (4,))
    optimizer = muon(weights)
    descend(optimizer, weights)
    copies = [w.detach().clone().requires_grad_() for w in weights]
    other = muon(copies)
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    descend(optimizer, weights)
    descend(other, copies)
    assert all(torch.equal(w, c) for w, c in zip(weights, copies, strict=True))


def test_parameters_without_a_gradient_do_not_count_the_steps_of_the_others():
    """AdamW's average is corrected for its short history: from the first gradient on, not the first step."""
    matrix, vector = parameters((4, 6), (5,))
    other = vector.detach().clone().requires_grad_()
    optimizer = muon([matrix, vector], lr=0.01, weight_decay=0.1)
    descend(optimizer, [matrix], steps=3)
    assert torch.equal(vector, other)
    descend(optimizer, [vector], steps=3)
    descend(torch.optim.AdamW([other], lr=0.01, weight_decay=0.1), [other], steps=3)
    assert torch.allclose(vector, other, atol=1e-6)
