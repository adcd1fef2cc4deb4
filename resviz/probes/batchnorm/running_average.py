"""Running averages taken apart: what each batch brought, and what of the start is left.

After each training step r <- (1 - m) r + m b with the batch's b and momentum m, 0.1 in PyTorch
(moving averages: Ioffe and Szegedy 2015, section 3.1). So b follows from two neighbouring r, and
after k steps the start r_0 has the weight (1 - m)^k.
"""

import numpy as np
from jaxtyping import Float, Float64

from resviz.errors import ProbeError

MOMENTUM = 0.1  # of `nn.BatchNorm2d`, and of every network that resviz builds
STARTS = {"bn_mean": 0.0, "bn_variance": 1.0}  # what the averages are before the first step


def brought(
    running: Float[np.ndarray, "steps layers"], start: float, momentum: float = MOMENTUM
) -> Float64[np.ndarray, "steps layers"]:
    """Solve b = (r - (1 - m) r_before) / m for what each batch brought.

    Means over channels of the averages give means over channels of what the batches brought: all is
    linear.

    Args:
        running: the averages after each step from the first on; none may be missing.
        start: their value before the first step.
        momentum: the weight of the newest batch.

    Raises:
        ProbeError: the momentum remembers nothing, or everything.
    """
    if not 0 < momentum <= 1:
        raise ProbeError(
            "The momentum lies above 0 and is at most 1, got {momentum}.", momentum=momentum
        )
    after = np.asarray(running, np.float64)
    first = np.full((1, after.shape[1]), start)
    # What was stored before a step is what was stored after the one before.
    before = np.vstack([first, after[:-1]])
    return np.asarray((after - (1 - momentum) * before) / momentum)


def left_of_start(steps: int, momentum: float = MOMENTUM) -> float:
    """The weight of the starting value in the average after so many steps: (1 - m)^k."""
    return float((1 - momentum) ** steps)
