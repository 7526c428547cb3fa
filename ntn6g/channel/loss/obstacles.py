"""Buildings and trees in the way: statistical entry and clutter losses of ITU-R, by share of locations."""

import math
from typing import Any, Literal

import numpy as np

from ntn6g.core.errors import ScenarioError
from ntn6g.core.units import DEGREES_TO_RADIANS, db_to_linear, linear_to_db

Building = Literal["traditional", "thermally-efficient"]
# r s t u v w x y z of ITU-R P.2109-2, Table 1 (TR 38.811 V15.1.0, Table 6.6.3-1)
_ENTRY = {
    "traditional": (12.64, 3.72, 0.96, 9.6, 2.0, 9.1, -3.0, 4.5, -2.0),
    "thermally-efficient": (28.19, -3.00, 8.48, 13.5, 3.8, 27.8, -2.9, 9.4, -2.1),
}


def building_entry_loss_db(elevation_rad: Any, frequency_hz: float, probability: Any, building: Building) -> Any:
    r"""Loss into a building that is not exceeded with a probability.

    Two lognormal paths and a floor add as powers,
    :math:`L = 10 \log_{10}(10^{A/10} + 10^{B/10} + 10^{-0.3})`, A growing by 0.212 dB per degree of elevation.

    Parameters
    ----------
    elevation_rad : [...]
        Elevation at the facade.
    frequency_hz : float
        0.08 to 100 GHz.
    probability : [...]
        Inside (0, 1); uniform draws give random losses.
    building : str
        ``traditional`` or ``thermally-efficient``.

    Returns
    -------
    [...], float64 NumPy
        Decibels.

    Raises
    ------
    ScenarioError
        Frequency or probability outside the model, unknown building.

    References
    ----------
    ITU-R P.2109-2, Annex 1, 3; 3GPP TR 38.811 V15.1.0, 6.6.3.
    """
    f_ghz = _inside(frequency_hz, 0.08, 100.0, "P.2109")
    if building not in _ENTRY:
        raise ScenarioError(f"{building!r} is no kind of building; there are {', '.join(_ENTRY)}", key="channel.indoor")
    quantile = _quantile(_share(probability))
    r, s, t, u, v, w, x, y, z = _ENTRY[building]
    log_f = math.log10(f_ghz)
    level = r + s * log_f + t * log_f**2 + 0.212 * np.abs(np.asarray(elevation_rad)) / DEGREES_TO_RADIANS
    through = level + quantile * (u + v * log_f)
    around = w + x * log_f + quantile * (y + z * log_f)
    return linear_to_db(db_to_linear(through) + db_to_linear(around) + db_to_linear(-3.0))


def slant_clutter_loss_db(elevation_rad: Any, frequency_hz: float, probability: Any) -> Any:
    """Clutter loss towards a satellite that is not exceeded at a share of locations, urban and suburban.

    An alternative to the tables of TR 38.811 where no line of sight state is assumed.

    Parameters
    ----------
    elevation_rad : [...]
        0 to 90 degrees.
    frequency_hz : float
        0.5 to 67 GHz; the model was derived for 10 to 100 GHz.
    probability : [...]
        Inside (0, 1).

    Returns
    -------
    [...], float64 NumPy
        Decibels; slightly negative where the median is near zero, as the recommendation has it.

    References
    ----------
    ITU-R P.2108-1, Annex 1, 3.3.
    """
    f_ghz = _inside(frequency_hz, 0.5, 67.0, "P.2108, 3.3")
    share, elevation = _share(probability), np.asarray(elevation_rad, np.float64)
    rest = 1.0 - 2.0 * elevation / np.pi
    strength = -93.0 * f_ghz**0.175 * np.log1p(-share) / np.tan(0.05 * rest + elevation)
    return strength ** (0.5 * rest) - 1.0 - 0.6 * _quantile(1.0 - share)


def roadside_tree_fade_db(elevation_rad: Any, frequency_hz: float, exceeded_percent: Any) -> Any:
    """Fade by roadside trees exceeded over a share of the distance travelled.

    Parameters
    ----------
    elevation_rad : [...]
        7 to 60 degrees; below 20 degrees the value there holds.
    frequency_hz : float
        0.8 to 20 GHz.
    exceeded_percent : [...]
        1 to 80 %.

    Returns
    -------
    [...], float64 NumPy
        Decibels.

    References
    ----------
    ITU-R P.681-11, Annex 1, 4.1.1.
    """
    f_ghz = _inside(frequency_hz, 0.8, 20.0, "P.681, 4.1.1")
    p = np.asarray(exceeded_percent, np.float64)
    angle = np.asarray(elevation_rad, np.float64) / DEGREES_TO_RADIANS
    _range(p, 1.0, 80.0, "a share of the distance", "%", "P.681, 4.1.1")
    _range(angle, 7.0, 60.0, "an elevation", "degrees", "P.681, 4.1.1")
    angle = np.maximum(angle, 20.0)
    slope, offset = 3.44 + 0.0975 * angle - 0.002 * angle**2, -0.443 * angle + 34.76
    near = offset - slope * np.log(np.minimum(p, 20.0))
    fade = near * math.exp(1.5 * (1.5**-0.5 - f_ghz**-0.5))
    return np.where(p > 20.0, fade * np.log(80.0 / p) / math.log(4.0), fade)


def tree_fade_duration_share(distance_m: Any) -> Any:
    r"""Share of fades by roadside trees deeper than 5 dB that last longer than a distance travelled.

    .. math::
        P = \tfrac12 \left(1 - \mathrm{erf} \frac{\ln d - \ln 0.22}{1.215 \sqrt 2}\right)

    Parameters
    ----------
    distance_m : [...]
        Positive; divide by the speed for a duration.

    Returns
    -------
    [...], float64 NumPy
        0 to 1.

    References
    ----------
    ITU-R P.681-11, Annex 1, 4.1.2.
    """
    from scipy.special import ndtr

    return ndtr(-np.log(np.asarray(distance_m, np.float64) / 0.22) / 1.215)


def tree_gap_share(distance_m: Any, shadowing: Literal["moderate", "extreme"]) -> Any:
    """Share of the gaps between fades by roadside trees deeper than 5 dB that last longer than a distance travelled.

    Parameters
    ----------
    distance_m : [...]
        Positive; at most 1 is returned where the power law exceeds it.
    shadowing : str
        ``moderate`` or ``extreme``.

    References
    ----------
    ITU-R P.681-11, Annex 1, 4.1.3.
    """
    level, slope = {"moderate": (0.2054, -0.58), "extreme": (0.1171, -0.8371)}[shadowing]
    return np.minimum(level * np.asarray(distance_m, np.float64) ** slope, 1.0)


def _inside(frequency_hz: float, low: float, high: float, source: str) -> float:
    f_ghz = float(frequency_hz) / 1e9
    if not low <= f_ghz <= high:
        raise ScenarioError(
            f"{f_ghz:g} GHz is outside the {low:g} to {high:g} GHz of ITU-R {source}", key="channel.carrier_ghz"
        )
    return f_ghz


def _share(probability: Any) -> Any:
    share = np.asarray(probability, np.float64)
    if not ((share > 0.0) & (share < 1.0)).all():
        raise ScenarioError("a probability must lie strictly between 0 and 1", key="channel")
    return share


def _quantile(probability: Any) -> Any:
    """Quantile of the standard normal distribution."""
    from scipy.special import ndtri

    return ndtri(probability)


def _range(value: Any, low: float, high: float, what: str, unit: str, source: str) -> None:
    if not ((value >= low - 1e-9) & (value <= high + 1e-9)).all():
        worst = float(np.atleast_1d(value)[np.argmax(np.abs(np.atleast_1d(value) - (low + high) / 2.0))])
        raise ScenarioError(
            f"{what} of {worst:g} {unit} is outside the {low:g} to {high:g} {unit} of ITU-R {source}",
            key="channel.losses.trees",
        )
