"""The three updates of ADMM for deconvolution with total variation, of the lesson `deconvolution`."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.fft import fft2, ifft2

from imaging.lessons.exercise import (
    Exercise,
    Input,
    Mistake,
    Outputs,
    exchanged,
    forgotten,
    left_out,
    negated,
    replaced,
)
from imaging.lessons.spectra import REAL, Size, difference_transfers, draw, transfer

CONJ: dict[str, Callable[[Tensor], Tensor]] = {"conj": torch.conj, "none": lambda t: t}

# The multiplier of ADMM in its other form is rho u.
UNSCALED = (
    Mistake("u divided by rho: it is the scaled dual", before=lambda a: {**a, "u": a["u"] / a["rho"]}),
    Mistake("u multiplied by rho: it is the scaled dual", before=lambda a: {**a, "u": a["u"] * a["rho"]}),
)

# update_x


def update_x(
    y: Tensor,
    z: Tensor,
    u: Tensor,
    H: Tensor,
    D: Tensor,
    rho: float,
    *,
    conj_h: str = "conj",
    conj_d: str = "conj",
    rho_above: Callable[[float], float] = lambda rho: rho,
    rho_below: Callable[[float], float] = lambda rho: rho,
    power_h: Callable[[Tensor], Tensor] = lambda H: H.abs() ** 2,
    power_d: Callable[[Tensor], Tensor] = lambda D: D.abs() ** 2,
    along: slice = slice(None),
    together: Callable[[Tensor], Tensor] = lambda t: t.sum(0),
    data: float = 1.0,
    prior: float = 1.0,
    final: str = "real",
    back: Callable[[Tensor], Tensor] = ifft2,
    spectrum_y: Callable[[Tensor], Tensor] = fft2,
    spectrum_z: Callable[[Tensor], Tensor] = fft2,
) -> Outputs:
    """The x that minimises 1/2 |A x - y|² + rho/2 |∇x - z + u|², by its normal equations."""
    split = together((CONJ[conj_d](D) * spectrum_z(z - u))[along])
    numerator = data * CONJ[conj_h](H) * spectrum_y(y) + rho_above(rho) * prior * split
    denominator = power_h(H) + rho_below(rho) * together(power_d(D)[along])
    return (REAL[final](back(numerator / denominator)),)


def admm_input(label: str, names: str, size: Size, rho: float, lam: float = 0.0) -> Input:
    """The arguments of an update: those that `names` lists."""

    def make() -> dict:
        grad_x, u = (draw(2, *size, key=name) - 0.5 for name in ("x", "u"))
        u[:, 0, 0], grad_x[:, 0, 0] = 0, 0  # where the length of ∇x + u is 0
        values = {"u": u, "grad_x": grad_x, "z": draw(2, *size, key="z") - 0.5, "lam": lam, "rho": rho}
        if "H" in names:
            values |= {
                "y": draw(*size, key="y"),
                "H": transfer((3, 2), size),
                "D": difference_transfers(size),
            }
        return {name: values[name] for name in names.split()}

    return Input(label, make)


def both_rhos(change: Callable[[float], float]) -> dict:
    return {"rho_above": change, "rho_below": change}


UPDATE_X = Exercise(
    "update_x",
    ("x",),
    update_x,
    tuple(
        admm_input(label, "y z u H D rho", size, rho)
        for label, size, rho in (
            ("4 x 6 pixels", (4, 6), 0.4),
            ("odd sides", (5, 7), 2.5),
            ("a whole number as rho", (6, 4), 3),
        )
    ),
    (
        Mistake("conj of H forgotten", {"conj_h": "none"}),
        Mistake("conj of D forgotten", {"conj_d": "none"}),
        negated("u"),
        left_out("u"),
        left_out("z"),
        Mistake("z - u of the wrong sign", {"prior": -1.0}),
        Mistake("rho forgotten in the numerator", {"rho_above": lambda rho: 1.0}),
        Mistake("rho forgotten in the denominator", {"rho_below": lambda rho: 1.0}),
        Mistake("rho forgotten", both_rhos(lambda rho: 1.0)),
        Mistake("rho upside down", both_rhos(lambda rho: 1 / rho)),
        Mistake("2 rho where rho belongs", both_rhos(lambda rho: 2 * rho)),
        Mistake("rho / 2 where rho belongs", both_rhos(lambda rho: rho / 2)),
        Mistake("rho squared", both_rhos(lambda rho: rho**2)),
        Mistake("2 rho in the numerator only", {"rho_above": lambda rho: 2 * rho}),
        Mistake("rho / 2 in the numerator only", {"rho_above": lambda rho: rho / 2}),
        Mistake("2 rho in the denominator only", {"rho_below": lambda rho: 2 * rho}),
        Mistake("rho / 2 in the denominator only", {"rho_below": lambda rho: rho / 2}),
        Mistake("data term forgotten in the numerator", {"data": 0.0}),
        Mistake("z - u forgotten in the numerator", {"prior": 0.0}),
        Mistake("only one of the two differences", {"along": slice(1)}),
        Mistake("only one of the two differences", {"along": slice(1, None)}),
        Mistake("not summed over the two differences", {"together": lambda t: t}),
        Mistake("mean of the two differences where their sum belongs", {"together": lambda t: t.mean(0)}),
        Mistake("first difference for both", before=replaced("D", lambda D: D[:1].expand(D.shape))),
        Mistake("the two differences exchanged", before=replaced("D", lambda D: D.flip(0))),
        forgotten("H"),
        forgotten("D"),
        Mistake("|H| where |H|² belongs", {"power_h": torch.abs}),
        Mistake("H² where |H|² belongs", {"power_h": lambda H: H**2}),
        Mistake("H where |H|² belongs", {"power_h": lambda H: H}),
        Mistake("|H|² forgotten in the denominator", {"power_h": lambda H: torch.zeros_like(H)}),
        Mistake("1 where |H|² belongs", {"power_h": lambda H: torch.ones_like(H)}),
        Mistake("|D| where |D|² belongs", {"power_d": torch.abs}),
        Mistake("D² where |D|² belongs", {"power_d": lambda D: D**2}),
        Mistake("|D|² forgotten in the denominator", {"power_d": lambda D: torch.ones_like(D[:1])}),
        Mistake("rho |D|² forgotten in the denominator", {"power_d": lambda D: torch.zeros_like(D)}),
        Mistake("|ΣD|² where Σ|D|² belongs", {"power_d": lambda D: D.sum(0)[None].abs() ** 2}),
        Mistake("real part not taken", {"final": "none"}),
        Mistake("magnitude where the real part belongs", {"final": "abs"}),
        Mistake("inverse transform forgotten", {"back": lambda t: t}),
        Mistake("transform where its inverse belongs", {"back": fft2}),
        Mistake("transform of y forgotten", {"spectrum_y": lambda y: y}),
        Mistake("transform of z - u forgotten", {"spectrum_z": lambda v: v}),
        Mistake("transform of z - u also from one difference to the other", {"spectrum_z": torch.fft.fftn}),
        exchanged("z", "u"),
        *UNSCALED,
    ),
    sizes=lambda a: {"the number of pixels": a["y"].numel(), "rho": a["rho"]},
)  # fmt: skip


# update_z

Threshold = Callable[[float, float], float]
Shrink = Callable[[Tensor, Tensor, float], Tensor]


def soft(v: Tensor, length: Tensor, t: float) -> Tensor:
    """v, shorter by t, or 0."""
    return v * (1 - t / length.clamp(min=1e-300)).clamp(min=0)


def update_z(
    grad_x: Tensor,
    u: Tensor,
    lam: float,
    rho: float,
    *,
    length: Callable[[Tensor], Tensor] = lambda v: v.norm(dim=0, keepdim=True),
    threshold: Threshold = lambda lam, rho: lam / rho,
    shrink: Shrink = soft,
    ridge: bool = False,
    final: Callable[[Tensor, Tensor], Tensor] = lambda z, u: z,
) -> Outputs:
    """The z that minimises lam Σ |z[:, i, j]| + rho/2 |∇x - z + u|²: v = ∇x + u, shorter by lam / rho."""
    v = grad_x + u
    if ridge:
        return (final(v * rho / (rho + lam), u),)
    return (final(shrink(v, length(v), threshold(lam, rho)), u),)


UPDATE_Z = Exercise(
    "update_z",
    ("z",),
    update_z,
    tuple(
        admm_input(label, "grad_x u lam rho", size, rho, lam)
        for label, size, lam, rho in (
            ("2 x 3 pixels", (2, 3), 0.2, 0.5),
            ("a small threshold", (4, 3), 0.3, 3.0),
            ("a threshold above all lengths", (3, 2), 4.0, 1.5),
        )
    ),
    (
        Mistake("each component on its own", {"length": torch.abs}),
        Mistake(
            "|z| is the sum of the magnitudes of the components",
            {"length": lambda v: v.abs().sum(0, keepdim=True)},
        ),
        Mistake("length of all of v, not of each pixel's", {"length": torch.norm}),
        Mistake("length along the wrong axis: rows", {"length": lambda v: v.norm(dim=1, keepdim=True)}),
        Mistake("length along the wrong axis: columns", {"length": lambda v: v.norm(dim=2, keepdim=True)}),
        Mistake("length of each difference's image", {"length": lambda v: v.norm(dim=(1, 2), keepdim=True)}),
        Mistake(
            "length squared: its root is forgotten", {"length": lambda v: v.square().sum(0, keepdim=True)}
        ),
        Mistake("threshold upside down", {"threshold": lambda lam, rho: rho / lam}),
        Mistake("threshold lam · rho", {"threshold": lambda lam, rho: lam * rho}),
        Mistake("threshold lam: rho forgotten", {"threshold": lambda lam, rho: lam}),
        Mistake("threshold 1 / rho: lam forgotten", {"threshold": lambda lam, rho: 1 / rho}),
        Mistake("threshold rho", {"threshold": lambda lam, rho: rho}),
        Mistake("threshold 2 lam / rho", {"threshold": lambda lam, rho: 2 * lam / rho}),
        Mistake("threshold lam / (2 rho)", {"threshold": lambda lam, rho: lam / rho / 2}),
        Mistake("no threshold", {"threshold": lambda lam, rho: 0.0}),
        Mistake("hard threshold: kept or 0, not shorter", {"shrink": lambda v, n, t: v * (n > t)}),
        Mistake(
            "max(…, 0) forgotten: short vectors are turned round",
            {"shrink": lambda v, n, t: v * (1 - t / n.clamp(min=1e-300))},
        ),
        Mistake("0 / 0 where ∇x + u is 0", {"shrink": lambda v, n, t: v * (n - t).clamp(min=0) / n}),
        Mistake(
            "length where the vector belongs: its direction is forgotten",
            {"shrink": lambda v, n, t: (n - t).clamp(min=0).expand(v.shape)},
        ),
        Mistake(
            "cut at the threshold where it must be shorter by it",
            {"shrink": lambda v, n, t: v - soft(v, n, t)},
        ),
        Mistake("threshold added", {"shrink": lambda v, n, t: v * (1 + t / n.clamp(min=1e-300))}),
        Mistake("threshold not divided by the length", {"shrink": lambda v, n, t: v * max(1 - t, 0)}),
        Mistake("threshold subtracted from the components", {"shrink": lambda v, n, t: (v - t).clamp(min=0)}),
        Mistake("v divided by its length only", {"shrink": lambda v, n, t: v / n.clamp(min=1e-300)}),
        Mistake("square of the length minimised, not the length: rho / (rho + lam)", {"ridge": True}),
        left_out("u"),
        negated("u"),
        left_out("grad_x"),
        negated("grad_x"),
        *UNSCALED,
        Mistake("u subtracted at the end", {"final": lambda z, u: z - u}),
        Mistake("u added at the end", {"final": lambda z, u: z + u}),
    ),
    sizes=lambda a: {"lam": a["lam"], "rho": a["rho"]},
)


# update_u


def update_u(
    u: Tensor, grad_x: Tensor, z: Tensor, *, residual: Callable[[Tensor], Tensor] = lambda r: r
) -> Outputs:
    """The new scaled dual, u + ∇x - z."""
    return (u + residual(grad_x - z),)


UPDATE_U = Exercise(
    "update_u",
    ("u",),
    update_u,
    tuple(
        admm_input(label, "u grad_x z", size, 1.0)
        for label, size in (("2 x 3 pixels", (2, 3)), ("5 x 4 pixels", (5, 4)))
    ),
    (
        Mistake("residual of the wrong sign", {"residual": lambda r: -r}),
        Mistake("residual forgotten", {"residual": torch.zeros_like}),
        left_out("u"),
        negated("u"),
        left_out("z"),
        negated("z"),
        left_out("grad_x"),
        negated("grad_x"),
        Mistake("magnitude of the residual", {"residual": torch.abs}),
        Mistake("square of the residual", {"residual": torch.square}),
        Mistake("sum of the residual over the two differences", {"residual": lambda r: r.sum(0)}),
        Mistake("mean of the residual", {"residual": torch.mean}),
        *(
            Mistake(f"residual times {factor}", {"residual": lambda r, factor=factor: factor * r})
            for factor in (0.5, 2, 0.1, 10, -0.5, -2)
        ),
    ),
)
