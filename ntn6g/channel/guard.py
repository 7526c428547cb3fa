"""When a channel applied per subcarrier stops being true: inter-carrier interference and late taps."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ntn6g.core.errors import ScenarioError
from ntn6g.core.units import linear_to_db

LATE_DRAWS = 4_096  # of a channel whose delays are drawn: a mean share of -40 dB is known to about 1 dB
_WAY_OUT = "or set channel.domain: time, which sends samples"


def offset_ici(offset_hz: ArrayLike, subcarrier_hz: float) -> NDArray[np.float64]:
    r"""Interference-to-signal ratio of a frequency offset, :math:`(1 - sinc^2 \epsilon) / sinc^2 \epsilon`.

    Exact for a fully loaded, infinitely wide OFDM symbol of equal subcarrier powers (the shifted spectra sum
    to one by Parseval's theorem); :math:`\epsilon` is the offset over the subcarrier spacing.

    References
    ----------
    P. H. Moose, IEEE Trans. Commun. 42(10), 1994, which bounds it.
    """
    kept = np.sinc(np.asarray(offset_hz, np.float64) / subcarrier_hz) ** 2
    return (1.0 - kept) / np.maximum(kept, np.finfo(np.float64).tiny)


def doppler_spread_ici(doppler_hz: ArrayLike, subcarrier_hz: float) -> NDArray[np.float64]:
    r"""Interference-to-signal ratio of a Jakes spectrum, :math:`(\pi f_D T)^2 / 6`, T the inverse spacing.

    An upper bound, tight for small :math:`f_D T`. It also covers a Rician link whose line of sight is at
    0.7 of the maximum Doppler shift: that part alone gives :math:`0.98 (\pi f_D T)^2 / 6`.

    References
    ----------
    Y. Li and L. J. Cimini, IEEE Trans. Commun. 49(3), 2001, "Bounds on the interchannel interference of OFDM
    in time-varying impairments", with alpha_1 = 1/2 of the classical spectrum.
    """
    return (np.pi * np.asarray(doppler_hz, np.float64) / subcarrier_hz) ** 2 / 6.0


def predicted_ici_db(offset_hz: ArrayLike, doppler_hz: ArrayLike, subcarrier_hz: float) -> NDArray[np.float64]:
    """Inter-carrier interference relative to the signal: powers of offset and Doppler spread added."""
    ratio = offset_ici(offset_hz, subcarrier_hz) + doppler_spread_ici(doppler_hz, subcarrier_hz)
    return np.asarray(linear_to_db(np.maximum(ratio, np.finfo(np.float64).tiny)))


def check_frequency_domain(
    *,
    offset_hz: ArrayLike,
    doppler_hz: ArrayLike,
    subcarrier_hz: float,
    tap_power: ArrayLike,
    excess_delay_s: ArrayLike,
    cyclic_prefix_s: float,
    max_ici_db: float = -35.0,
    tap_floor_db: float = -40.0,
) -> None:
    """Refuse a link that a channel applied per subcarrier would misrepresent.

    Parameters
    ----------
    offset_hz : [...]
        Frequency offset left after compensation.
    doppler_hz : [...]
        Maximum Doppler shift of the terminal's own motion.
    subcarrier_hz : float
        Subcarrier spacing.
    tap_power, excess_delay_s : [..., path]
        Mean powers (linear, any scale) and delays, from ``Profile.taps``.
    cyclic_prefix_s : float
        Shortest cyclic prefix of the slot.
    max_ici_db, tap_floor_db : float
        Interference above which, and tap power relative to the total from which, the link is refused.

    Raises
    ------
    ScenarioError
        Key ``channel.guard.max_ici_db`` or ``channel.guard.tap_floor_db``, with the predicted value.
    """
    ici_db = float(np.max(predicted_ici_db(offset_hz, doppler_hz, subcarrier_hz)))
    if ici_db > max_ici_db:
        raise ScenarioError(
            f"predicted inter-carrier interference of {ici_db:.1f} dB exceeds {max_ici_db:g} dB "
            f"(residual offset {np.max(np.abs(offset_hz)):g} Hz, terminal Doppler "
            f"{np.max(np.abs(doppler_hz)):g} Hz at {subcarrier_hz / 1e3:g} kHz); "
            f"lower the offset or widen the subcarriers, {_WAY_OUT}",
            key="channel.guard.max_ici_db",
        )
    power = np.asarray(tap_power, np.float64)
    level_db = linear_to_db(power / power.sum(axis=-1, keepdims=True))
    late = (level_db > tap_floor_db) & (np.asarray(excess_delay_s) > cyclic_prefix_s)
    if late.any():
        worst = np.unravel_index(np.argmax(np.where(late, level_db, -np.inf)), late.shape)
        raise ScenarioError(
            f"a tap of {level_db[worst]:.1f} dB, above {tap_floor_db:g} dB, arrives "
            f"{np.asarray(excess_delay_s)[worst] * 1e9:.0f} ns late, beyond the cyclic prefix of "
            f"{cyclic_prefix_s * 1e9:.0f} ns; lower the delay spread or narrow the subcarriers, {_WAY_OUT}",
            key="channel.guard.tap_floor_db",
        )


def check_late_power(late_share: float, cyclic_prefix_s: float, tap_floor_db: float = -40.0) -> None:
    """Refuse a channel with random delays whose mean power beyond the cyclic prefix exceeds the floor.

    Parameters
    ----------
    late_share : float
        Mean over draws of the power that arrives later than ``cyclic_prefix_s`` after the first path, over the total.
    cyclic_prefix_s, tap_floor_db : float
        As in `check_frequency_domain`.

    Raises
    ------
    ScenarioError
        Key ``channel.guard.tap_floor_db``, with the share.
    """
    level_db = float(linear_to_db(max(late_share, np.finfo(np.float64).tiny)))
    if level_db > tap_floor_db:
        raise ScenarioError(
            f"{level_db:.1f} dB of the mean power, above {tap_floor_db:g} dB, arrives beyond the cyclic prefix of "
            f"{cyclic_prefix_s * 1e9:.0f} ns; narrow the subcarriers, raise this limit to bear the error, "
            f"or choose another elevation or environment, {_WAY_OUT}",
            key="channel.guard.tap_floor_db",
        )


def check_longest_delay(
    tap_power: ArrayLike, excess_delay_s: ArrayLike, late: float, longest_s: float, tap_floor_db: float
) -> None:
    """Refuse a link whose paths come later than the sample path can hold.

    Parameters
    ----------
    tap_power, excess_delay_s : [path]
        Mean powers (linear, any scale) and delays.
    late : float
        Mean share of power that drawn delays put beyond ``longest_s``.
    longest_s : float
        Longest delay.
    tap_floor_db : float
        Power relative to the total from which the link is refused.

    Raises
    ------
    ScenarioError
        Key ``channel.domain``.
    """
    power, delay_s = np.asarray(tap_power, np.float64), np.asarray(excess_delay_s, np.float64)
    share = float(np.sum(np.where(delay_s > longest_s, power, 0.0)) / np.sum(power)) + late
    if share > 10.0 ** (tap_floor_db / 10.0):
        raise ScenarioError(
            f"{float(linear_to_db(share)):.1f} dB of the power come later than the {longest_s * 1e9:.0f} ns that the "
            "samples of this bandwidth can hold; lower the delay spread or take fewer resource blocks",
            key="channel.domain",
        )
