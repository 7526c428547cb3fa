"""Power delay profiles, and how they follow a wanted K-factor and delay spread."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from ntn6g.channel.tables import read_table
from ntn6g.core.errors import ScenarioError
from ntn6g.core.units import db_to_linear, linear_to_db


@dataclass(frozen=True)
class Profile:
    """A tapped delay line as the standards print it.

    Attributes
    ----------
    name : str
        For example ``NTN-TDL-C``.
    delays : tuple of float
        Delays in any unit; only their ratios count. The first is the earliest.
    powers_db : tuple of float
        Powers; only their differences count.
    line_of_sight : bool
        True where the first tap is a line-of-sight component and the second, at the same delay, its Rayleigh
        part; the two form one path.
    """

    name: str
    delays: tuple[float, ...]
    powers_db: tuple[float, ...]
    line_of_sight: bool

    def __post_init__(self) -> None:
        if len(self.delays) != len(self.powers_db):
            raise ScenarioError(
                f"{self.name} has {len(self.delays)} delays and {len(self.powers_db)} powers",
                key="channel.fading.profile",
            )
        if self.line_of_sight and self.delays[:2] != self.delays[:1] * 2:
            raise ScenarioError(
                f"the line of sight of {self.name} needs a second tap, Rayleigh, at its own delay",
                key="channel.fading.profile",
            )
        if len(set(self.delays)) < 2:
            raise ScenarioError(
                f"all taps of {self.name} have one delay, which no delay spread can scale; use kind awgn",
                key="channel.fading.profile",
            )

    @property
    def paths(self) -> int:
        """Number of paths, the line of sight and the Rayleigh part at its delay counting as one."""
        return len(self.delays) - self.line_of_sight

    @property
    def scattered_power(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Shares of the paths in the scattered power, [path], sum one."""
        power = db_to_linear(np.array(self.powers_db[self.line_of_sight :]))
        return np.asarray(power / power.sum())

    @property
    def k_factor_db(self) -> float | None:
        """Power of the line of sight over that of all scattered taps; None without line of sight.

        TR 38.901 V16.1.0, 7.7.6 (K_model). Above the K-factor of the first path alone, which tables print.
        """
        if not self.line_of_sight:
            return None
        power = db_to_linear(np.array(self.powers_db))
        return float(linear_to_db(power[0] / power[1:].sum()))

    @property
    def rms_delay(self) -> float:
        """Root-mean-square delay of the profile as it is printed, in the unit of its delays."""
        power = db_to_linear(np.array(self.powers_db))
        delays = np.array(self.delays)
        mean = power @ delays / power.sum()
        return float(np.sqrt(power @ (delays - mean) ** 2 / power.sum()))

    def taps(self, delay_spread_s: Any, k_factor_db: Any = None) -> tuple[Any, Any, Any]:
        r"""Mean powers and delays for a wanted delay spread and K-factor.

        With scattered shares :math:`s_p`, table delays :math:`\tau_p` and K-factor K, the line of sight gets
        :math:`K/(K+1)`, path p scatters :math:`s_p/(K+1)`, and delays are then scaled so that the RMS delay
        spread including the line of sight is the wanted one.

        Parameters
        ----------
        delay_spread_s : [B]
            Wanted RMS delay spread; float32 tensor, or NumPy on the host.
        k_factor_db : [B], optional
            Wanted total K-factor, the table's own if None; ignored by profiles without line of sight.

        Returns
        -------
        line_of_sight_power, scattered_power : [B, path]
            Mean powers of the two parts of each path; together they sum to one.
        excess_delay_s : [B, path]
            Delays after the first path.

        References
        ----------
        3GPP TR 38.901 V16.1.0, 7.7.3 (delays), 7.7.6 (K-factor, with the delay spread restored afterwards).
        """
        if not tf.is_tensor(delay_spread_s):
            delay_spread_s = np.asarray(delay_spread_s, np.float64)
        share = self.scattered_power
        delays = np.array(self.delays[self.line_of_sight :]) - self.delays[0]
        mean, square = float(share @ delays), float(share @ delays**2)
        k_db = self.k_factor_db if k_factor_db is None else k_factor_db
        ratio = 0.0 if k_db is None or not self.line_of_sight else db_to_linear(k_db)
        scattered = 1.0 / (1.0 + ratio + 0.0 * delay_spread_s)  # [B], whatever the shape of K
        rms = (scattered * (square - scattered * mean**2)) ** 0.5
        return (
            (ratio * scattered)[..., None] * np.eye(1, self.paths)[0],
            scattered[..., None] * share,
            (delay_spread_s / rms)[..., None] * delays,
        )


def ntn_tdl_profile(letter: str) -> Profile:
    """NTN-TDL-A to -D of 3GPP TR 38.811 V15.1.0, Tables 6.9.2-1 to 6.9.2-4.

    Raises
    ------
    ScenarioError
        Another letter.
    """
    table = read_table("tr38811_tdl")
    name = f"NTN-TDL-{letter}"
    if name not in table:
        raise ScenarioError(
            f"{letter!r} is not an NTN-TDL profile; there are A, B (no line of sight), C, D (line of sight)",
            key="channel.fading.profile",
        )
    row = table[name]
    return Profile(name, tuple(row["delays"]), tuple(row["powers_db"]), row["line_of_sight"])


def conformance_profile(name: str) -> Profile:
    """NTN-TDLA100 or NTN-TDLC5 of the conformance tests of 3GPP TS 38.101-5 and TS 38.108; delays in nanoseconds.

    Raises
    ------
    ScenarioError
        Another name.
    """
    table = read_table("ntn_conformance")
    if name not in table:
        raise ScenarioError(
            f"{name!r} is not a conformance profile; there are {', '.join(table)}", key="channel.fading.profile"
        )
    row = table[name]
    return Profile(name, tuple(row["delays"]), tuple(row["powers_db"]), row["line_of_sight"])
