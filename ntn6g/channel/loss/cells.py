"""Terrestrial cells of TR 38.901: path loss, probability of line of sight, spread of shadow fading."""

import math
from dataclasses import dataclass

import tensorflow as tf

from ntn6g.core.constants import SPEED_OF_LIGHT_M_S
from ntn6g.core.errors import ScenarioError

KINDS = ("uma", "umi", "rma")
"""Urban macro cells, urban micro cells in street canyons, rural macro cells."""
_RANDOM_GROUND_M = 13.0  # from here up the urban macro model draws the height of the environment


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A terrestrial site and its surroundings.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    carrier_hz : float
        0.5 to 100 GHz; up to 30 GHz for ``rma``.
    site_m : float
        Height of the site's antenna; default 25, 10 and 35 m.
    terminal_m : float
        Height of the terminal, 1.5 to 22.5 m (1 to 10 m for ``rma``).
    building_m, street_m : float
        Mean height of buildings and width of streets, of ``rma`` only.

    Raises
    ------
    ScenarioError
        For a value outside what the report covers.

    References
    ----------
    3GPP TR 38.901 V17.0.0, Tables 7.4.1-1 and 7.4.2-1.
    """

    kind: str
    carrier_hz: float
    site_m: float | None = None
    terminal_m: float = 1.5
    building_m: float = 5.0
    street_m: float = 20.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ScenarioError(f"{self.kind!r} is no terrestrial cell; there are {', '.join(KINDS)}", key="cell.kind")
        highest_ghz = 30.0 if self.kind == "rma" else 100.0
        if not 0.5 <= self.carrier_hz / 1e9 <= highest_ghz:
            raise ScenarioError(
                f"{self.carrier_hz / 1e9:g} GHz lies outside the 0.5 to {highest_ghz:g} GHz of {self.kind}",
                key="cell.carrier_hz",
            )
        highest_m = 10.0 if self.kind == "rma" else 22.5
        lowest_m = 1.0 if self.kind == "rma" else 1.5
        if not lowest_m <= self.terminal_m <= highest_m:
            raise ScenarioError(
                f"{self.terminal_m:g} m lies outside the {lowest_m:g} to {highest_m:g} m of a terminal in {self.kind}",
                key="cell.terminal_m",
            )

    @property
    def antenna_m(self) -> float:
        """Height of the site's antenna."""
        return self.site_m or {"uma": 25.0, "umi": 10.0, "rma": 35.0}[self.kind]

    @property
    def breakpoint_m(self) -> float:
        """Ground distance at which the reflection from the ground begins to count, over an environment of one metre."""
        if self.kind == "rma":
            return 2.0 * math.pi * self.antenna_m * self.terminal_m * self.carrier_hz / SPEED_OF_LIGHT_M_S
        return float(self._urban_breakpoint_m(1.0))

    @property
    def environment_heights_m(self) -> tuple[float, ...]:
        """Heights of the environment, of which one, equally likely, replaces the first metre: note 1 of the table."""
        if self.kind != "uma" or self.terminal_m < _RANDOM_GROUND_M:
            return ()
        highest = self.terminal_m - 1.5
        return tuple(12.0 + 3.0 * step for step in range(int((highest - 12.0) // 3.0) + 1)) or (12.0,)

    def raised_probability(self, ground_m: tf.Tensor) -> tf.Tensor:
        """Probability that the environment of an urban macro cell is higher than a metre: C / (1 + C), float64."""
        excess = self._tall(tf.convert_to_tensor(ground_m, tf.float64))
        return excess / (1.0 + excess)

    def path_loss_db(
        self, ground_m: tf.Tensor, *, line_of_sight: bool, environment_m: tf.Tensor | float = 1.0
    ) -> tf.Tensor:
        """Mean path loss without shadowing, float64 [...].

        Parameters
        ----------
        ground_m : [...], float64
            Distance on the ground, 10 m to 5 km (10 km for ``rma``).
        environment_m : [...], float64
            Height above which urban antennas count, 1 m or one of `environment_heights_m`.
        """
        ground = tf.convert_to_tensor(ground_m, tf.float64)
        distance = self.distance_m(ground)
        if self.kind == "rma":
            sight = self._rural_sight(ground, distance)
        else:
            sight = self._urban_sight(ground, distance, environment_m)
        return sight if line_of_sight else tf.maximum(sight, self._without_sight(distance))

    def distance_m(self, ground_m: tf.Tensor) -> tf.Tensor:
        """Distance between the antennas, float64 [...]."""
        return tf.sqrt(tf.convert_to_tensor(ground_m, tf.float64) ** 2 + (self.antenna_m - self.terminal_m) ** 2)

    def sight_probability(self, ground_m: tf.Tensor) -> tf.Tensor:
        """Probability that the site is seen over a distance outdoors, float64 [...]."""
        ground = tf.maximum(tf.convert_to_tensor(ground_m, tf.float64), 0.0)
        if self.kind == "rma":
            return tf.minimum(tf.exp(-(ground - 10.0) / 1000.0), 1.0)
        near = 18.0 / tf.maximum(ground, 18.0)
        seen = near + tf.exp(-ground / (63.0 if self.kind == "uma" else 36.0)) * (1.0 - near)
        return tf.minimum(seen * (1.0 + self._tall(ground)), 1.0)

    def shadow_sigma_db(self, ground_m: tf.Tensor, *, line_of_sight: bool) -> tf.Tensor:
        """Standard deviation of the shadow fading, dB, float64 [...]."""
        ground = tf.convert_to_tensor(ground_m, tf.float64)
        if not line_of_sight:
            return tf.zeros_like(ground) + {"uma": 6.0, "umi": 7.82, "rma": 8.0}[self.kind]
        if self.kind == "rma":
            return tf.where(ground <= self.breakpoint_m, tf.constant(4.0, tf.float64), tf.constant(6.0, tf.float64))
        return tf.zeros_like(ground) + 4.0

    @property
    def _carrier_db(self) -> float:
        return 20.0 * math.log10(self.carrier_hz / 1e9)

    def _tall(self, ground: tf.Tensor) -> tf.Tensor:
        """C of Tables 7.4.1-1, note 1, and 7.4.2-1: what high terminals of urban macro cells see more."""
        if self.kind != "uma" or self.terminal_m <= _RANDOM_GROUND_M:
            return tf.zeros_like(ground)
        grows = 1.25 * (ground / 100.0) ** 3 * tf.exp(-ground / 150.0)
        grows = tf.where(ground <= 18.0, tf.zeros_like(ground), grows)
        return ((self.terminal_m - _RANDOM_GROUND_M) / 10.0) ** 1.5 * grows

    def _urban_breakpoint_m(self, environment_m: tf.Tensor | float) -> tf.Tensor | float:
        heights = (self.antenna_m - environment_m) * (self.terminal_m - environment_m)
        return 4.0 * heights * self.carrier_hz / SPEED_OF_LIGHT_M_S

    def _urban_sight(self, ground: tf.Tensor, distance: tf.Tensor, environment_m: tf.Tensor | float) -> tf.Tensor:
        start, slope, turn = (28.0, 22.0, 9.0) if self.kind == "uma" else (32.4, 21.0, 9.5)
        breakpoint_m = tf.convert_to_tensor(self._urban_breakpoint_m(environment_m), tf.float64)
        heights = breakpoint_m**2 + (self.antenna_m - self.terminal_m) ** 2
        near = start + slope * _log10(distance) + self._carrier_db
        far = start + 40.0 * _log10(distance) + self._carrier_db - turn * _log10(heights)
        return tf.where(ground <= breakpoint_m, near, far)

    def _rural_sight(self, ground: tf.Tensor, distance: tf.Tensor) -> tf.Tensor:
        roof = self.building_m**1.72

        def near(metres: tf.Tensor) -> tf.Tensor:
            free = 20.0 * _log10(40.0 * math.pi / 3.0 * self.carrier_hz / 1e9 * metres)
            clutter = min(0.03 * roof, 10.0) * _log10(metres) - min(0.044 * roof, 14.77)
            return free + clutter + 0.002 * math.log10(self.building_m) * metres

        turn = tf.constant(self.breakpoint_m, tf.float64)
        far = near(turn) + 40.0 * _log10(distance / turn)
        return tf.where(ground <= self.breakpoint_m, near(distance), far)

    def _without_sight(self, distance: tf.Tensor) -> tf.Tensor:
        if self.kind == "uma":
            return 13.54 + 39.08 * _log10(distance) + self._carrier_db - 0.6 * (self.terminal_m - 1.5)
        if self.kind == "umi":
            carrier = 1.065 * self._carrier_db  # 21.3 log10 of the carrier in GHz
            return 22.4 + 35.3 * _log10(distance) + carrier - 0.3 * (self.terminal_m - 1.5)
        site = math.log10(self.antenna_m)
        return (
            161.04
            - 7.1 * math.log10(self.street_m)
            + 7.5 * math.log10(self.building_m)
            - (24.37 - 3.7 * (self.building_m / self.antenna_m) ** 2) * site
            + (43.42 - 3.1 * site) * (_log10(distance) - 3.0)
            + self._carrier_db
            - (3.2 * math.log10(11.75 * self.terminal_m) ** 2 - 4.97)
        )


def _log10(value: tf.Tensor) -> tf.Tensor:
    return tf.math.log(value) * (1.0 / math.log(10.0))
