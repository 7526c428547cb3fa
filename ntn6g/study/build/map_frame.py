"""A map of some hundred kilometres about a place, in kilometres east and north of it."""

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ntn6g import orbit
from ntn6g.core.constants import EARTH_RADIUS_M, WGS84_FLATTENING
from ntn6g.core.units import METRES_PER_KILOMETRE

_AXES_SQUARED = (1.0 - WGS84_FLATTENING) ** 2  # of the ellipsoid, polar over equatorial


class MapFrame:
    """Azimuthal equidistant on the mean sphere: true in direction and distance from its centre, float64 [3] in ECEF."""

    def __init__(self, centre_ecef_m: NDArray[np.float64]) -> None:
        self._up = centre_ecef_m / np.linalg.norm(centre_ecef_m)
        east = np.cross([0.0, 0.0, 1.0], self._up)
        east = np.array([0.0, 1.0, 0.0]) if np.linalg.norm(east) < 1e-9 else east
        self._east = east / np.linalg.norm(east)
        self._north = np.cross(self._up, self._east)

    def east_north_km(self, place_ecef_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Coordinates [..., 2] of places [..., 3]."""
        axis = place_ecef_m / np.linalg.norm(place_ecef_m, axis=-1, keepdims=True)
        east, north, up = axis @ self._east, axis @ self._north, axis @ self._up
        level = np.hypot(east, north)
        scale = np.arctan2(level, up) / np.maximum(level, 1e-15) * EARTH_RADIUS_M / METRES_PER_KILOMETRE
        return np.stack([scale * east, scale * north], -1)

    def sites(self, east_km: NDArray[np.float64], north_km: NDArray[np.float64]) -> orbit.Site:
        """Terminals at rest on the ellipsoid at coordinates [place]: fields [place, 3]."""
        away = np.hypot(east_km, north_km) * METRES_PER_KILOMETRE / EARTH_RADIUS_M
        side = np.arctan2(north_km, east_km)
        level = np.cos(side)[:, None] * self._east + np.sin(side)[:, None] * self._north
        ray = np.cos(away)[:, None] * self._up + np.sin(away)[:, None] * level
        places = orbit.ground_points(tf.constant(2.0 * EARTH_RADIUS_M * ray), tf.constant(-ray)).position_ecef_m
        x, y, z = np.moveaxis(places.numpy(), -1, 0)
        # on the ellipsoid itself the geodetic latitude has a closed form
        latitude = np.arctan2(z / _AXES_SQUARED, np.hypot(x, y))
        fixed = orbit.FixedTerminal(
            latitude_rad=tf.constant(latitude), longitude_rad=tf.constant(np.arctan2(y, x)), altitude_m=0.0
        )
        axes, rest = fixed.east_north_up, tf.zeros_like(places)
        return orbit.Site(places, rest, rest, axes[:, 0], axes[:, 1], axes[:, 2], rest)
