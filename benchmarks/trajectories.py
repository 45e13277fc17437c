"""Make the eight camera-shake psfs of `psf=trajectory`: python benchmarks/trajectories.py

Both coordinates are Gaussian processes in time with a Matérn covariance (3/2), as in Schuler et al. 2016,
"Learning to deblur", section 4. Networks are trained on `imaging.physics.random_psf`, whose paths are others,
so that these can test them. It writes `imaging/physics/trajectories.npy`, float32 (8, 27, 27), with zeros
around the smaller ones.
"""

from pathlib import Path

import numpy as np

EXTENTS = (9, 11, 13, 15, 17, 20, 23, 26)  # pixels, the larger one of height and width
SIDE, POINTS, SPAN = 27, 400, 0.4  # SPAN: of the covariance, as a fraction of the exposure
FILE = Path(__file__).parents[1] / "imaging" / "physics" / "trajectories.npy"


def trajectory(extent: float, random: np.random.Generator) -> np.ndarray:
    """A psf of about `extent` pixels, float32 (SIDE, SIDE)."""
    time = np.linspace(0, 1, POINTS)
    distance = np.sqrt(3) * np.abs(time[:, None] - time) / SPAN
    covariance = (1 + distance) * np.exp(-distance) + 1e-8 * np.eye(POINTS)
    path = np.linalg.cholesky(covariance) @ random.standard_normal((POINTS, 2))
    path *= (extent - 1) / np.ptp(path, axis=0).max()
    path -= np.clip(path.mean(0), path.max(0) - SIDE // 2, path.min(0) + SIDE // 2)
    near = np.clip(1 - np.abs(path[..., None] - (np.arange(SIDE) - SIDE // 2)), 0, None)
    psf = np.einsum("pi,pj->ij", near[:, 0], near[:, 1])
    return (psf / psf.sum()).astype(np.float32)


if __name__ == "__main__":
    random = np.random.default_rng(0)
    np.save(FILE, np.stack([trajectory(extent, random) for extent in EXTENTS]))
    print(f"wrote {FILE}")
