"""A transmitter's power between two directions: towards a target, and towards a user."""

import numpy as np


def split_gains(antennas: int, target_sine: float, user_sine: float, split: float) -> tuple[float, float]:
    r"""Power towards target and user over that of a beam which points there alone.

    Weights of unit norm in the direction of :math:`\sqrt{s}\,a(u_t) + \sqrt{1-s}\,e^{j\varphi} a(u_u)`, with conjugate
    beams :math:`a` of a line of antennas half a wavelength apart and the phase that makes both add up where they
    overlap (J. A. Zhang et al., "Multibeam for joint communication and radar sensing using steerable analog antenna
    arrays", IEEE Trans. Veh. Technol. 68(1), 2019).

    Parameters
    ----------
    antennas : int
        At least 1.
    target_sine, user_sine : float
        Sines of the directions from broadside.
    split : float
        Share of sensing s, 0 to 1.

    Returns
    -------
    (target, user) : float
        Linear, 0 to 1. At s = 1 the target's is 1 and the user's that of a sidelobe.
    """
    element = np.arange(antennas) - (antennas - 1) / 2
    target, user = (np.exp(1j * np.pi * element * sine) / np.sqrt(antennas) for sine in (target_sine, user_sine))
    overlap = np.vdot(user, target)
    phase = overlap / abs(overlap) if abs(overlap) > 1e-12 else 1.0
    weights = np.sqrt(split) * target + np.sqrt(1.0 - split) * phase * user
    weights /= np.linalg.norm(weights)
    return float(abs(np.vdot(target, weights)) ** 2), float(abs(np.vdot(user, weights)) ** 2)
