"""Link budget: radiated power, losses, noise, and the carrier-to-noise ratio they leave, term by term."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from ntn6g.core.constants import BOLTZMANN_DBW_K_HZ, REFERENCE_TEMPERATURE_K
from ntn6g.core.errors import ScenarioError
from ntn6g.core.units import db_to_linear, linear_to_db


def absorbed_temperature_k(antenna_temperature_k: Any, absorption_db: Any, *, near_ground: bool) -> Any:
    r"""Temperature of an antenna behind air that absorbs, and emits: :math:`T_a 10^{-A/10} + T_m (1 - 10^{-A/10})`.

    Parameters
    ----------
    antenna_temperature_k, absorption_db : [...]
        Of what lies behind the air, and along the path through it.
    near_ground : bool
        True takes the air of the ground, 288.15 K; False the mean of a path through the sky, 275 K.

    References
    ----------
    ITU-R P.618-13, 3 (mean radiating temperature of 275 K); ITU-R P.835-6, Annex 1, 1.1.1 (288.15 K).
    """
    passed = db_to_linear(-absorption_db)
    return antenna_temperature_k * passed + (288.15 if near_ground else 275.0) * (1.0 - passed)


def g_over_t_db_k(antenna_gain_dbi: float, noise_figure_db: float, antenna_temperature_k: Any) -> Any:
    r"""Figure of merit :math:`G/T = G - NF - 10 \log_{10}(T_0 + (T_a - T_0) 10^{-NF/10})`, T0 = 290 K.

    References
    ----------
    3GPP TR 38.821 V16.2.0, 6.1.3.1.
    """
    excess_k = (antenna_temperature_k - REFERENCE_TEMPERATURE_K) * db_to_linear(-noise_figure_db)
    merit_db_k = antenna_gain_dbi - noise_figure_db - linear_to_db(REFERENCE_TEMPERATURE_K + excess_k)
    return merit_db_k if np.ndim(merit_db_k) else float(merit_db_k)


@dataclass(frozen=True, kw_only=True)
class LinkBudget:
    """A link budget; ``cnr_db`` is by construction the sum of ``terms_db``.

    Attributes
    ----------
    eirp_dbw : [...]
        Radiated power in ``bandwidth_hz``.
    g_over_t_db_k : [...]
        Figure of merit of the receiver.
    bandwidth_hz : float
        Noise bandwidth.
    losses_db : mapping of str to [...]
        Losses by name, positive.
    """

    eirp_dbw: Any
    g_over_t_db_k: Any
    bandwidth_hz: float
    losses_db: Mapping[str, Any]

    @property
    def terms_db(self) -> dict[str, Any]:
        """Every term by name, signed as it enters the sum."""
        return {
            "eirp_dbw": self.eirp_dbw,
            "g_over_t_db_k": self.g_over_t_db_k,
            "boltzmann_dbw_k_hz": -BOLTZMANN_DBW_K_HZ,
            "bandwidth_dbhz": -linear_to_db(self.bandwidth_hz),
            **{f"{name}_db": -loss_db for name, loss_db in self.losses_db.items()},
        }

    @property
    def cnr_db(self) -> Any:
        """Carrier-to-noise ratio in ``bandwidth_hz``.

        With the occupied bandwidth (12 x resource blocks x subcarrier spacing) as ``bandwidth_hz`` this is
        Es/N0 per occupied resource element: power and noise divide by the same number of subcarriers.
        """
        return sum(self.terms_db.values())


def link_budget(
    *,
    g_over_t_db_k: Any,
    bandwidth_hz: float,
    losses_db: Mapping[str, Any],
    eirp_dbw: Any = None,
    eirp_density_dbw_mhz: Any = None,
) -> LinkBudget:
    r"""Budget :math:`CNR = EIRP + G/T - k - \sum losses - 10 \log_{10} B`.

    Parameters
    ----------
    g_over_t_db_k : [...]
        Figure of merit of the receiver, given or from `g_over_t_db_k`.
    bandwidth_hz : float
        Bandwidth over which power and noise are counted.
    losses_db : mapping
        From `path_loss_terms_db`, with any further loss by name.
    eirp_dbw, eirp_density_dbw_mhz : [...]
        Exactly one: total power, or power per megahertz, spread evenly over ``bandwidth_hz``.

    Returns
    -------
    LinkBudget
        Works on floats, NumPy arrays and tensors; differentiable in the losses.

    Raises
    ------
    ScenarioError
        Both or neither of the two powers given, or a bandwidth that is not positive.

    References
    ----------
    3GPP TR 38.821 V16.2.0, 6.1.3.1.
    """
    if (eirp_dbw is None) == (eirp_density_dbw_mhz is None):
        raise ScenarioError("give exactly one of eirp_dbw and eirp_density_dbw_mhz", key="power.budget")
    if not bandwidth_hz > 0.0:
        raise ScenarioError(f"a bandwidth of {bandwidth_hz:g} Hz is not positive", key="power.budget.bandwidth")
    if eirp_dbw is None:
        eirp_dbw = eirp_density_dbw_mhz + linear_to_db(bandwidth_hz / 1e6)
    return LinkBudget(
        eirp_dbw=eirp_dbw,
        g_over_t_db_k=g_over_t_db_k,
        bandwidth_hz=bandwidth_hz,
        losses_db=MappingProxyType(dict(losses_db)),
    )
