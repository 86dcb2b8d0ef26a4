"""What a small volume of noise is divided into, as one number: `python -m tests.inference.divided` prints it."""

from __future__ import annotations

import hashlib

import numpy as np

from inference.models.t1w_volumes.tissue import tissues


def divided() -> str:
    """Return the SHA-256 over the classes of a volume whose three kinds of voxels overlap."""
    dice = np.random.default_rng(7)
    values = dice.normal(dice.integers(1, 4, (30, 30, 30)) * 50, 15).astype(np.float32)
    return hashlib.sha256(tissues(values, np.ones(values.shape, bool), (2.0, 2.0, 2.0)).tobytes()).hexdigest()


if __name__ == "__main__":
    print(divided())
