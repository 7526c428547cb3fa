"""Beam layouts of TR 38.821: hexagons in the uv plane of a satellite, their colours, and where they look."""

import math

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ntn6g.core import random
from ntn6g.orbit.beam import steered
from ntn6g.orbit.state import State
from ntn6g.orbit.trigonometry import atan2

BEAMS = tuple(1 + 3 * ring * (ring + 1) for ring in range(13))
"""Numbers of beams of whole rings: 1, 7, 19, 37, 61, 91, 127 and on."""
REUSE = (1, 3, 4)
"""Numbers of colours (frequencies, or frequencies and polarisations) that a hexagonal layout can share evenly."""


def hexagonal_beams(beams: int, spacing_uv: float, centre_uv: tuple[float, float] = (0.0, 0.0)) -> NDArray[np.float64]:
    """Centres of hexagonally packed beams in the uv plane, from the middle outwards: [beams, 2].

    Parameters
    ----------
    beams : int
        One of `BEAMS`.
    spacing_uv : float
        Between neighbours, see `adjacent_spacing_uv`.
    centre_uv : tuple of float
        Of the middle beam; (0, 0) looks at nadir.

    Raises
    ------
    ValueError
        When the beams do not fill whole rings, or one of them looks beyond 90 degrees from nadir.

    References
    ----------
    3GPP TR 38.821 V16.2.0, 6.1.1.1.
    """
    places = _lattice(beams)
    steps = np.array([[1.0, 0.0], [0.5, math.sqrt(0.75)]])
    uv = np.asarray(centre_uv) + spacing_uv * (places @ steps)
    if np.any(np.hypot(*uv.T) >= 1.0):
        raise ValueError(f"{beams} beams at a spacing of {spacing_uv:g} do not fit into the unit circle of u and v")
    return uv


def adjacent_spacing_uv(half_power_beamwidth_rad: float) -> float:
    r"""Spacing of neighbouring beams in u and v: :math:`\sqrt 3 \sin(\mathrm{HPBW} / 2)`, which overlaps at -3 dB."""
    return math.sqrt(3.0) * math.sin(0.5 * half_power_beamwidth_rad)


def colours(beams: int, reuse: int) -> NDArray[np.int64]:
    """Colour of each beam of `hexagonal_beams`: [beams], 0 to ``reuse`` - 1, never equal between neighbours.

    Raises
    ------
    ValueError
        For a reuse other than 1, 3 or 4.
    """
    along, across = _lattice(beams).T
    if reuse == 1:
        return np.zeros(beams, np.int64)
    if reuse == 3:
        return np.asarray((along - across) % 3, np.int64)
    if reuse == 4:
        return np.asarray(2 * (along % 2) + across % 2, np.int64)
    raise ValueError(f"a hexagonal layout is coloured with 1, 3 or 4 colours, not {reuse}")


def frequencies_and_polarisations(
    beams: int, reuse: int, polarisations: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Frequency and polarisation of each beam, [beams] twice: of four colours two frequencies, each used in both.

    Raises
    ------
    ValueError
        For polarisations that do not divide the reuse.

    References
    ----------
    3GPP TR 38.821 V16.2.0, Table 6.1.1.1-5, frequency reuse option 3.
    """
    if reuse % polarisations:
        raise ValueError(f"{reuse} colours are not frequencies in {polarisations} polarisations each")
    frequency, polarisation = np.divmod(colours(beams, reuse), polarisations)
    return frequency, polarisation


def _lattice(beams: int) -> NDArray[np.int64]:
    """Hexagonal lattice coordinates of whole rings, from the middle outwards."""
    if beams not in BEAMS:
        raise ValueError(f"{beams} beams do not fill whole rings; take one of {', '.join(map(str, BEAMS))}")
    rings = BEAMS.index(beams)
    found = [
        (max(abs(a), abs(b), abs(a + b)), a, b)
        for a in range(-rings, rings + 1)
        for b in range(-rings, rings + 1)
        if abs(a + b) <= rings
    ]
    found.sort(key=lambda place: (place[0], math.atan2(place[2] * math.sqrt(0.75), place[1] + 0.5 * place[2])))
    return np.array([place[1:] for place in found], np.int64)


def beam_directions(state: State, uv: tf.Tensor) -> tf.Tensor:
    """Where beams fixed to a satellite look: unit vectors [..., beam, 3] in ECEF.

    Parameters
    ----------
    state : State
        Fields [..., 3].
    uv : [beam, 2] or [..., beam, 2], float64
        u along the motion over the ground, v to its right, both the sine of the angle from nadir.
    """
    uv = tf.convert_to_tensor(uv, tf.float64)
    u, v = uv[..., 0], uv[..., 1]
    # the root's gradient at nadir, where the side has no meaning, would be infinite
    sine = tf.sqrt(u**2 + v**2 + 1e-30)
    off_nadir = atan2(sine, tf.sqrt(tf.maximum(1.0 - sine**2, 0.0)))
    every = State(
        position_ecef_m=state.position_ecef_m[..., None, :],
        velocity_ecef_m_s=state.velocity_ecef_m_s[..., None, :],
        acceleration_ecef_m_s2=state.acceleration_ecef_m_s2[..., None, :],
    )
    return steered(every, off_nadir, atan2(v, u + 1e-30))


def mispointed(keys: tf.Tensor, uv: tf.Tensor, sigma_rad: float) -> tf.Tensor:
    """Beam centres with a normal pointing error, the same for all beams of a satellite: float64 [B, beam, 2].

    Parameters
    ----------
    keys : [B, 2], uint32
        One key per satellite, from `ntn6g.core.random`.
    uv : [beam, 2], float64
        Centres.
    sigma_rad : float
        Standard deviation along each axis, near nadir an angle.
    """
    error = tf.cast(random.normal(random.stream(keys, "pointing"), (2,)), tf.float64)
    return tf.convert_to_tensor(uv, tf.float64) + sigma_rad * error[:, None, :]
