"""TR 38.901 through Sionna: its tables as data, and its system-level models with their faults mended.

Imported explicitly. Links draw their fading themselves (`TappedDelayLine`, `ClusteredDelayLine`, `CellFading`), keyed
block by block, from the tables that Sionna ships. `cell_model` is Sionna's own model of a whole cell, with arrays at
both ends and departure angles; it draws from Sionna's generator.

Sionna 1.2.2 departs from the report in ten places, each with a test in ``tests/reference/test_channel_sionna.py``:

1. ``distance_3d`` hands out the distance on the ground, which enters path loss and phase (Tables 7.4.1-1, 7.5-29).
2. The zenith of arrival of the line of sight is counted from below (zenith of departure minus 180 degrees instead of
   180 degrees minus it), which turns the direct path round: its Doppler shift has the wrong sign.
3. The phase of the line of sight grows with the distance instead of falling (7.5-29).
4. The 16th ray offset is -0.1481 for -1.1481 (Table 7.5-3).
5. Clusters 25 dB below the strongest stay (step 6).
6. Rays are coupled over the whole cluster where it is split into sub-clusters (step 8).
7. Signs of cluster angles and the coupling are shared by all terminals of a site (steps 7 and 8).
8. The way inside a building is one uniform number, not the smaller of two (7.4.3.1).
9. Terminals indoors never see the site outdoors, so their path loss is always the one without sight (7.4.2).
10. The environment of high terminals in urban macro cells has any height up to the largest, not one of steps of 3 m
    (Table 7.4.1-1, note 1).
"""

import json
import math
from functools import cache
from importlib.resources import files
from typing import Any, ClassVar

import numpy as np
import sionna
import tensorflow as tf
from sionna.phy import SPEED_OF_LIGHT, config
from sionna.phy.channel.tr38901 import RMaScenario, SystemLevelChannel, UMaScenario, UMiScenario
from sionna.phy.channel.tr38901.channel_coefficients import ChannelCoefficientsGenerator
from sionna.phy.channel.tr38901.rays import RaysGenerator
from sionna.phy.utils import sample_bernoulli

from ntn6g.channel.fading.profile import Profile
from ntn6g.channel.fading.rays import LARGE_SCALE, DirectionalProfile
from ntn6g.core.errors import ScenarioError

_LETTERS = ("A", "B", "C", "D", "E")
_MODELS = {"uma": "UMa", "umi": "UMi", "rma": "RMa"}
_STATES = {"sight": "LoS", "blocked": "NLoS", "indoors": "O2I"}
_LOWEST_GHZ = {"uma": 6.0, "umi": 2.0, "rma": 0.0}  # Table 7.5-6, notes 6 and 7: below, the value there holds
_WEAKEST = 10.0**-2.5  # 7.5, step 6


@cache
def _table(name: str) -> Any:
    path = files(sionna) / "phy" / "channel" / "tr38901" / "models" / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))


def _checked(kind: str, letter: str) -> Any:
    if letter not in _LETTERS:
        raise ScenarioError(
            f"{letter!r} is not a {kind} profile of TR 38.901; there are {', '.join(_LETTERS)}",
            key="channel.fading.profile",
        )
    return _table(f"{kind}-{letter}")


def tdl_profile(letter: str) -> Profile:
    """TDL-A to -E of 3GPP TR 38.901 V16.1.0, Tables 7.7.2-1 to 7.7.2-5.

    Sionna uses the printed delays as they are; `Profile.taps` restores the wanted delay spread exactly, which
    moves the delays of D by 0.6 % and of the others by less than 0.03 %.

    Raises
    ------
    ScenarioError
        Another letter.
    """
    row = _checked("TDL", letter)
    return Profile(f"TDL-{letter}", tuple(row["delays"]), tuple(row["powers"]), bool(row["los"]))


def cdl_profile(letter: str) -> DirectionalProfile:
    """CDL-A to -E of 3GPP TR 38.901 V16.1.0, Tables 7.7.1-1 to 7.7.1-5; errors as `tdl_profile`.

    The report counts azimuths from the direction of departure, so that the site stands at 180 degrees; here it stands
    at 0.
    """
    row = _checked("CDL", letter)
    return DirectionalProfile(
        Profile(f"CDL-{letter}", tuple(row["delays"]), tuple(row["powers"]), bool(row["los"])),
        tuple(float(angle) + 180.0 for angle in row["aoa"]),
        tuple(float(angle) for angle in row["zoa"]),
        float(row["cASA"]),
        float(row["cZSA"]),
        float(row["xpr"]),
    )


def cell_columns(kind: str, carrier_hz: float) -> dict[str, dict[str, float]]:
    """Parameters of the ray model by state: with line of sight, without, and indoors.

    Parameters
    ----------
    kind : str
        ``uma``, ``umi`` or ``rma``.
    carrier_hz : float
        0.5 to 100 GHz; up to 30 GHz for ``rma``.

    Returns
    -------
    dict
        For each state of `ntn6g.channel.fading.cells.STATES` the numbers that `CellTables` takes.

    References
    ----------
    3GPP TR 38.901 V16.1.0, Table 7.5-6, Parts 1 and 2; scaling of angles: Tables 7.5-2 and 7.5-4.
    """
    return {state: _column(kind, state, carrier_hz) for state in _STATES}


def _column(kind: str, state: str, carrier_hz: float) -> dict[str, float]:
    row, sight = _table(f"{_MODELS[kind]}_{_STATES[state]}"), state == "sight"
    carrier_ghz = max(carrier_hz / 1e9, _LOWEST_GHZ[kind])

    def at_carrier(name: str) -> float:
        slope, shift, value = (row[f"{name}{letter}"] for letter in "abc")
        return float(value + slope * math.log10(shift + carrier_ghz)) if slope else float(value)

    found = {name: at_carrier(name) for name in ("muDS", "sigmaDS", "muASA", "sigmaASA", "muZSA", "sigmaZSA")}
    found |= {name: float(row[name]) for name in ("muK", "sigmaK", "rTau", "muXPR", "sigmaXPR", "cASA", "cZSA", "zeta")}
    least, value, slope = (row[f"cDS{letter}"] for letter in "abc")
    found["cDS"] = max(least, value - slope * math.log10(carrier_ghz))  # ns
    found["sigmaSF"] = float(row["sigmaSF1" if kind == "rma" and sight else "sigmaSF"])
    found |= {"clusters": float(row["numClusters"]), "line_of_sight": float(sight)}
    found |= {"azimuth_scaling": row["CPhiNLoS"], "zenith_scaling": row["CThetaNLoS"]}
    for first in LARGE_SCALE:
        for second in LARGE_SCALE:
            if f"corr{first}vs{second}" in row:
                found[f"{first}_{second}"] = float(row[f"corr{first}vs{second}"])
    return found


class _Mended:
    """What all scenarios need; stands before Sionna's class (faults 1, 2, 8 and 9)."""

    _los: tf.Tensor
    _los_zod: tf.Tensor
    _distance_3d: tf.Tensor
    _distance_2d_in: tf.Tensor

    @property
    def distance_3d(self) -> tf.Tensor:
        """Distance in space between each site and terminal, m."""
        return self._distance_3d

    def _compute_distance_2d_3d_and_angles(self) -> None:
        super()._compute_distance_2d_3d_and_angles()  # type: ignore[misc]
        self._los_zoa = 180.0 - self._los_zod

    def _sample_indoor_distance(self) -> None:
        super()._sample_indoor_distance()  # type: ignore[misc]
        once = self._distance_2d_in
        super()._sample_indoor_distance()  # type: ignore[misc]
        scenario: Any = self
        self._distance_2d_in = tf.minimum(once, self._distance_2d_in)
        self._distance_2d_out = scenario.distance_2d - self._distance_2d_in
        self._distance_3d_in = self._distance_2d_in / scenario.distance_2d * scenario.distance_3d
        self._distance_3d_out = scenario.distance_3d - self._distance_3d_in

    def _sample_los(self) -> None:
        scenario: Any = self
        shape = [scenario.batch_size, scenario.num_bs, scenario.num_ut]
        if scenario._requested_los is None:
            self._seen = sample_bernoulli(shape, scenario.los_probability, precision=scenario.precision)
        else:
            self._seen = tf.fill(shape, scenario._requested_los)
        self._los = self._seen & ~scenario._in_state[:, None]  # of the rays: indoors they have a column of their own

    def _compute_pathloss_basic(self) -> None:
        rays, self._los = self._los, self._seen
        super()._compute_pathloss_basic()  # type: ignore[misc]
        self._los = rays


class MendedUMa(_Mended, UMaScenario):
    """Urban macro cells; adds the heights of the environment (fault 10)."""

    def _compute_pathloss_basic(self) -> None:
        ground, distance = self.distance_2d, self.distance_3d
        site, terminal = self.h_bs[:, :, None], self.h_ut[:, None, :]
        carrier_ghz = self.carrier_frequency / 1e9
        tall = tf.where(terminal > 13.0, (tf.maximum(terminal - 13.0, 0.0) / 10.0) ** 1.5, 0.0)
        tall *= tf.where(ground > 18.0, 1.25 * (ground / 100.0) ** 3 * tf.exp(-ground / 150.0), 0.0)
        draws = config.tf_rng.uniform([2, *self._los.shape], dtype=self.rdtype)
        steps = tf.maximum(tf.floor((terminal - 13.5) / 3.0), 0.0) + 1.0
        raised = 12.0 + 3.0 * tf.floor(draws[1] * steps)
        ground_level = tf.where(draws[0] < 1.0 / (1.0 + tall), tf.ones_like(raised), raised)
        turn = 4.0 * (site - ground_level) * (terminal - ground_level) * self.carrier_frequency / SPEED_OF_LIGHT
        near = 28.0 + 22.0 * _log10(distance) + 20.0 * _log10(carrier_ghz)
        far = 28.0 + 40.0 * _log10(distance) + 20.0 * _log10(carrier_ghz)
        far -= 9.0 * _log10(turn**2 + (site - terminal) ** 2)
        seen = tf.where(ground <= turn, near, far)
        without = 13.54 + 39.08 * _log10(distance) + 20.0 * _log10(carrier_ghz) - 0.6 * (terminal - 1.5)
        self._pl_b = tf.where(self._seen, seen, tf.maximum(seen, without))


class MendedUMi(_Mended, UMiScenario):
    """Urban micro cells in street canyons."""


class MendedRMa(_Mended, RMaScenario):
    """Rural macro cells."""


class MendedRays(RaysGenerator):
    """Rays of clusters (faults 4 to 7)."""

    # rays of the three sub-clusters, Table 7.5-5
    _GROUPS: ClassVar[tuple[tuple[int, ...], ...]] = (
        (0, 1, 2, 3, 4, 5, 6, 7, 18, 19), (8, 9, 10, 11, 16, 17), (12, 13, 14, 15),
    )  # fmt: skip

    _ray_offsets: tf.Tensor

    def __init__(self, scenario: Any) -> None:
        super().__init__(scenario)
        offsets = self._ray_offsets.numpy()
        offsets[15] = -1.1481
        self._ray_offsets = tf.constant(offsets)

    def _cluster_powers(self, *given: Any) -> tuple[tf.Tensor, tf.Tensor]:
        powers, for_angles = super()._cluster_powers(*given)
        kept = tf.where(powers >= _WEAKEST * tf.reduce_max(powers, 3, keepdims=True), powers, 0.0)
        self._powers = kept / tf.reduce_sum(kept, 3, keepdims=True)
        return self._powers, for_angles

    def _azimuth_angles(self, *given: Any) -> tf.Tensor:
        return self._by_terminal(super()._azimuth_angles, given)

    def _zenith_angles(self, *given: Any) -> tf.Tensor:
        return self._by_terminal(super()._zenith_angles, given)

    def _by_terminal(self, draw: Any, given: Any) -> tf.Tensor:
        """Each terminal from a draw of its own, whose signs no other shares."""
        count = self._scenario.ut_loc.shape[1]
        if count == 1:
            return draw(*given)
        return tf.concat([draw(*given)[:, :, place : place + 1] for place in range(count)], 2)

    def _shuffle_angles(self, angles: tf.Tensor) -> tf.Tensor:
        draws = config.tf_rng.normal(tf.shape(angles), dtype=self.rdtype)
        group = np.zeros(20, np.float32)
        for number, members in enumerate(self._GROUPS):
            group[list(members)] = number
        rank = tf.argsort(tf.argsort(self._powers, axis=-1, direction="DESCENDING"), axis=-1)
        split = (rank < 2)[..., None]
        # a split cluster lists its groups one after another, each in random order, and puts them back in their places
        listed = tf.argsort(tf.where(split, draws + 1e3 * group, draws), axis=-1)
        places = np.argsort(np.concatenate(self._GROUPS))
        back = tf.where(split, tf.gather(listed, places, axis=-1), listed)
        return tf.gather(angles, back, batch_dims=4)


class MendedCoefficients(ChannelCoefficientsGenerator):
    """Coefficients of the paths (fault 3)."""

    def _step_11_los(self, topology: Any, t: tf.Tensor) -> tf.Tensor:
        direct = super()._step_11_los(topology, t)
        turn = -4.0 * math.pi * topology.distance_3d / self._lambda_0
        phase = tf.exp(tf.complex(tf.zeros_like(turn), turn))
        return direct * tf.reshape(phase, [*phase.shape, *[1] * (direct.shape.rank - 3)])


class CellModel(SystemLevelChannel):
    """Sionna's system-level model over a mended scenario; called as Sionna's `UMa`."""

    def __init__(self, scenario: Any, **given: Any) -> None:
        super().__init__(scenario, **given)
        self._ray_sampler = MendedRays(scenario)
        ends = scenario.bs_array, scenario.ut_array
        tx, rx = ends if scenario.direction == "downlink" else ends[::-1]
        self._cir_sampler = MendedCoefficients(
            scenario.carrier_frequency, tx, rx, subclustering=True, precision=self.precision
        )


def cell_model(kind: str, *, always_generate_lsp: bool = False, **given: Any) -> CellModel:
    """A mended UMa, UMi or RMa model.

    Parameters
    ----------
    kind : str
        ``uma``, ``umi`` or ``rma``.
    always_generate_lsp : bool
        As in Sionna.
    **given
        What Sionna's scenario of that kind takes: ``carrier_frequency``, ``ut_array``, ``bs_array``, ``direction``,
        ``o2i_model`` (not of rma) and so on.

    Raises
    ------
    ScenarioError
        Another kind.
    """
    scenarios = {"uma": MendedUMa, "umi": MendedUMi, "rma": MendedRMa}
    if kind not in scenarios:
        raise ScenarioError(f"{kind!r} is no terrestrial cell; there are {', '.join(scenarios)}", key="cell.kind")
    return CellModel(scenarios[kind](**given), always_generate_lsp=always_generate_lsp)


def _log10(value: tf.Tensor) -> tf.Tensor:
    return tf.math.log(value) / math.log(10.0)
