"""The reference atmosphere: temperature, pressure and water vapour against height."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Segments of the mean annual global reference atmosphere up to 86 km, in geopotential height: base height km,
# temperature K and pressure hPa there, gradient K/km. ITU-R P.835-6, Annex 1, 1.1.1.
_SEGMENTS = (
    (0.0, 288.15, 1013.25, -6.5),
    (11.0, 216.65, 226.3226, 0.0),
    (20.0, 216.65, 54.74980, 1.0),
    (32.0, 228.65, 8.680422, 2.8),
    (47.0, 270.65, 1.109106, 0.0),
    (51.0, 270.65, 0.6694167, -2.8),
    (71.0, 214.65, 0.03956649, -2.0),
)
_HYDROSTATIC_K_KM = 34.1632
_EARTH_RADIUS_KM = 6356.766
_LOWEST_MIXING_RATIO = 2e-6  # ITU-R P.835-6, Annex 1, 1.2: floor of e/P
VAPOUR_HPA_M3_K_G = 1.0 / 216.7  # e = rho T / 216.7, ITU-R P.453-14, eq. (10)


@dataclass(frozen=True)
class Air:
    """Air at some heights: float64 arrays of one shape."""

    temperature_k: NDArray[np.float64]
    dry_pressure_hpa: NDArray[np.float64]
    vapour_density_g_m3: NDArray[np.float64]

    @property
    def vapour_pressure_hpa(self) -> NDArray[np.float64]:
        """Partial pressure of water vapour."""
        return self.vapour_density_g_m3 * self.temperature_k * VAPOUR_HPA_M3_K_G

    @property
    def refractive_index(self) -> NDArray[np.float64]:
        """Index n, ITU-R P.453-14, eq. (1) and (2)."""
        e, t = self.vapour_pressure_hpa, self.temperature_k
        return 1.0 + 1e-6 * (77.6 * self.dry_pressure_hpa / t + 72.0 * e / t + 3.75e5 * e / t**2)


def reference_air(height_km: ArrayLike, surface_vapour_g_m3: float = 7.5) -> Air:
    """Mean annual global reference atmosphere, 0 to 100 km.

    Parameters
    ----------
    height_km : [...]
        Height above sea level; clipped to 0 to 100 km.
    surface_vapour_g_m3 : float
        Water vapour density at sea level; it falls with a scale height of 2 km.

    References
    ----------
    ITU-R P.835-6 (12/2017), Annex 1, 1.1 and 1.2.
    """
    height = np.clip(np.asarray(height_km, np.float64), 0.0, 100.0)
    total_hpa, temperature_k = _pressure_hpa(height), _temperature_k(height)
    vapour = surface_vapour_g_m3 * np.exp(-height / 2.0)
    floor = _LOWEST_MIXING_RATIO * total_hpa / (temperature_k * VAPOUR_HPA_M3_K_G)
    dry_air = vapour / total_hpa < _LOWEST_MIXING_RATIO
    vapour = np.where(dry_air, np.minimum(floor, surface_vapour_g_m3), vapour)
    dry_hpa = total_hpa - vapour * temperature_k * VAPOUR_HPA_M3_K_G
    return Air(temperature_k, dry_hpa, vapour)


def _geopotential_km(height_km: NDArray[np.float64]) -> NDArray[np.float64]:
    return _EARTH_RADIUS_KM * height_km / (_EARTH_RADIUS_KM + height_km)


def _temperature_k(height_km: NDArray[np.float64]) -> NDArray[np.float64]:
    level = _geopotential_km(height_km)
    value = np.full_like(level, _SEGMENTS[0][1])
    for base, temperature, _, gradient in _SEGMENTS:
        value = np.where(level > base, temperature + gradient * (level - base), value)
    dome = np.sqrt(np.maximum(0.0, 1.0 - ((np.maximum(height_km, 91.0) - 91.0) / 19.9429) ** 2))
    above = np.where(height_km <= 91.0, 186.8673, 263.1905 - 76.3232 * dome)
    return np.where(height_km < 86.0, value, above)


def _pressure_hpa(height_km: NDArray[np.float64]) -> NDArray[np.float64]:
    level = _geopotential_km(height_km)
    value = np.full_like(level, _SEGMENTS[0][2])
    for base, temperature, pressure, gradient in _SEGMENTS:
        rise = np.maximum(level - base, 0.0)
        if gradient == 0.0:
            here = pressure * np.exp(-_HYDROSTATIC_K_KM * rise / temperature)
        else:
            warmth = np.maximum(temperature + gradient * rise, 1.0)  # the clip only touches heights far above
            here = pressure * (temperature / warmth) ** (_HYDROSTATIC_K_KM / gradient)
        value = np.where(level > base, here, value)
    h = height_km
    above = np.exp(95.571899 - 4.011801 * h + 6.424731e-2 * h**2 - 4.789660e-4 * h**3 + 1.340543e-6 * h**4)
    return np.where(height_km < 86.0, value, above)
