r"""Radar cross sections of 3GPP TR 38.901 V19.4.0, clause 7.9.2.1: UAV, human, vehicle, AGV.

A cross section is :math:`\sigma_M \sigma_D \sigma_S`: its mean, what the aspect makes of it, and a logarithmic-normal
factor of mean one. Targets with one scattering point; those split into five points are five of these at their places.
"""

import math
from collections.abc import Mapping
from importlib import resources
from typing import Any, NamedTuple

import numpy as np
import yaml
from numpy.typing import ArrayLike, NDArray


class Face(NamedTuple):
    """One row of a table of clause 7.9.2.1, degrees and dB; no azimuth where the pattern does not depend on it."""

    azimuth_center_deg: float | None
    azimuth_width_deg: float | None
    zenith_center_deg: float
    zenith_width_deg: float
    highest_dbsm: float
    span_db: float
    zenith_from_deg: float
    zenith_to_deg: float
    azimuth_from_deg: float
    azimuth_to_deg: float


class CrossSection(NamedTuple):
    """Class of sensing targets."""

    mean_dbsm: float
    """10 lg(sigma_M)."""
    sigma_db: float
    """Standard deviation of 10 lg(sigma_S)."""
    shape: tuple[float, float] | None = None
    """k1 and k2 of eq. 7.9.2-3; None for classes that do not depend on the aspect (RCS model 1)."""
    faces: tuple[Face, ...] = ()


def _read() -> dict[str, CrossSection]:
    text = resources.files("ntn6g").joinpath("services/sensing/scene/cross_sections.yaml").read_text(encoding="utf-8")
    return {
        name: CrossSection(
            row["mean_dbsm"],
            row["sigma_db"],
            (row["k"][0], row["k"][1]) if "k" in row else None,
            tuple(Face(*face) for face in row.get("faces", ())),
        )
        for name, row in yaml.safe_load(text).items()
    }


CROSS_SECTIONS: Mapping[str, CrossSection] = _read()
"""Classes by name; 'human' is RCS model 1, 'human-aspect' RCS model 2."""


def fluctuation_mean_db(sigma_db: ArrayLike) -> Any:
    """Mean of 10 lg(sigma_S) that makes the mean of sigma_S itself one, -ln(10)/20 sigma^2 (eq. 7.9.2-1)."""
    return -math.log(10.0) / 20.0 * np.square(sigma_db)


def cross_section_dbsm(
    kind: str, *, zenith_deg: ArrayLike = 90.0, azimuth_deg: ArrayLike = 0.0, bistatic_angle_rad: ArrayLike = 0.0
) -> NDArray[np.float64]:
    r"""Mean cross section over fluctuations, 10 lg(sigma_M sigma_D), of a target at an aspect.

    Without dependence on the aspect :math:`10\lg\sigma_M - 3\sin(\beta/2)` (eq. 7.9.2-2); otherwise, of the face that
    looks along the bisector,

    .. math:: \max\big(G_{max} - \min(-(\sigma^V + \sigma^H), \sigma_{max}) - k_1\sin(k_2\beta/2)
              + 5\lg\cos(\beta/2),\ G_{max} - \sigma_{max}\big)

    (eq. 7.9.2-3). Forward scattering is minus infinity in the model, and so no part of the maximum.

    Parameters
    ----------
    kind : str
        A key of `CROSS_SECTIONS`.
    zenith_deg, azimuth_deg : array
        Bisector of incident and scattered ray in the target's own coordinates, zenith 0 to 180; azimuth 0 is its
        front. They broadcast.
    bistatic_angle_rad : array
        0 (monostatic) to pi.

    Returns
    -------
    float64 [...]

    Raises
    ------
    ValueError
        For an unknown class or a zenith outside 0 to 180.
    """
    if kind not in CROSS_SECTIONS:
        raise ValueError(f"{kind!r} is none of {', '.join(CROSS_SECTIONS)}")
    given, half = CROSS_SECTIONS[kind], 0.5 * np.asarray(bistatic_angle_rad, np.float64)
    if given.shape is None:
        return np.asarray(given.mean_dbsm - 3.0 * np.sin(half))
    zenith, azimuth, half = np.broadcast_arrays(
        np.asarray(zenith_deg, np.float64), np.asarray(azimuth_deg, np.float64), half
    )
    if np.any((zenith < 0.0) | (zenith > 180.0)):
        raise ValueError("zenith outside 0 to 180 degrees")
    lost_db = -given.shape[0] * np.sin(given.shape[1] * half) + 5.0 * np.log10(np.maximum(np.cos(half), 1e-30))
    found = np.full(zenith.shape, np.nan)
    for face in given.faces:
        turned = (azimuth - face.azimuth_from_deg) % 360.0 + face.azimuth_from_deg  # into the face's own turn
        within = (zenith >= face.zenith_from_deg) & ((zenith < face.zenith_to_deg) | (face.zenith_to_deg == 180.0))
        within &= turned < face.azimuth_to_deg
        down = _down_db(zenith - face.zenith_center_deg, face.zenith_width_deg, face.span_db)
        if face.azimuth_center_deg is not None and face.azimuth_width_deg is not None:
            down = down + _down_db(turned - face.azimuth_center_deg, face.azimuth_width_deg, face.span_db)
        lit = face.highest_dbsm - np.minimum(down, face.span_db) + lost_db
        found = np.where(within, np.maximum(lit, face.highest_dbsm - face.span_db), found)
    return found


def _down_db(apart_deg: NDArray[np.float64], width_deg: float, span_db: float) -> NDArray[np.float64]:
    return np.minimum(12.0 * np.square(apart_deg / width_deg), span_db)
