"""Compiled programs of a link adaptation study: passes, and policies that go through them."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from ntn6g.channel.loss.weather import RainSeries
from ntn6g.core import random
from ntn6g.core.constants import EARTH_RADIUS_M, SPEED_OF_LIGHT_M_S
from ntn6g.core.units import kmh_to_m_s
from ntn6g.scenario import Adaptation
from ntn6g.services.adaptation import (
    Blockage,
    LinkEnvironment,
    LinkValues,
    PassGeometry,
    Trace,
    TraceMaker,
    pass_geometry,
    rate_ladder,
)
from ntn6g.services.adaptation.fading import rays_for
from ntn6g.services.adaptation.policies import WINDOW, Policy, Tree

_WINDOW_SLOTS = 100  # over which the goodput of the 5th percentile is averaged
_WARM_UP_STEP = 500  # slots: points of a sweep over delays should have warm-ups, and so programs, in common


@dataclass(frozen=True)
class LinkStructure:
    """What shapes the programs; points that agree in it share them."""

    maker: TraceMaker
    mcs_table: int
    code_block_bits: int
    processes: int
    blind_processes: int
    busy_slots: int
    passes: int
    warm_up_slots: int

    @property
    def link(self) -> LinkEnvironment:
        """The link of these numbers."""
        ladder = rate_ladder(self.mcs_table, self.code_block_bits)
        return LinkEnvironment(self.maker, ladder, self.processes, self.blind_processes, self.busy_slots)


class PassFigures(NamedTuple):
    """What a policy got in each pass after the warm-up; [pass], or [window, pass]."""

    goodput: Any
    """Bits per data element of all slots."""
    bler: Any
    """Mean block error rate of the slots that were sent."""
    efficiency: Any
    """Mean bits per data element of the MCS that were sent."""
    utilisation: Any
    """Share of the slots that were sent."""
    windows: Any
    """Goodput of windows of 100 slots."""


def structure_of(asked: Adaptation) -> LinkStructure:
    """Structure of a point."""
    slot_s = 15e-3 / asked.subcarrier_khz
    blockage, rain = asked.blockage, asked.rain
    period_slots = max(1, round(1e-3 * asked.reports.period_ms / slot_s))
    warm_up_slots = _warm_up_slots(asked, period_slots)
    maker = TraceMaker(
        slots=warm_up_slots + asked.slots,
        slot_s=slot_s,
        period_slots=period_slots,
        step_db=asked.reports.step_db,
        lowest_db=asked.reports.lowest_db,
        highest_db=asked.reports.highest_db,
        spectrum=asked.spectrum,
        rays=rays_for(doppler_hz(asked) * slot_s * ((WINDOW + 1) * period_slots + starting_delay_slots(asked))),
        blockage=Blockage(**blockage.model_dump()) if blockage else None,
        rain=RainSeries(
            mean_log=math.log(rain.median_db), sigma_log=rain.sigma, rain_probability=rain.probability_percent / 100.0
        )
        if rain
        else None,
    )
    return LinkStructure(
        maker=maker,
        mcs_table=asked.mcs_table,
        code_block_bits=asked.code_block_bits,
        processes=asked.harq.processes,
        blind_processes=asked.harq.feedback_disabled,
        busy_slots=1 + asked.harq.processing_slots,
        passes=asked.passes,
        warm_up_slots=warm_up_slots,
    )


def _warm_up_slots(asked: Adaptation, period_slots: int) -> int:
    if asked.warm_up_slots is not None:
        return asked.warm_up_slots
    delay = int(starting_delay_slots(asked))
    return math.ceil(((WINDOW + 2) * period_slots + delay) / _WARM_UP_STEP) * _WARM_UP_STEP


def starting_delay_slots(asked: Adaptation) -> int:
    """Slots that feedback takes at the start of a pass."""
    geometry = geometry_of(asked)
    return int(geometry.delay_slots(geometry.start_range_m, 15e-3 / asked.subcarrier_khz))


def delay_change_slots(asked: Adaptation) -> float:
    """Most that the delay can change over a pass: no satellite comes or goes faster than at the horizon."""
    geometry, structure = geometry_of(asked), structure_of(asked)
    fastest_m_s = float(geometry.rate_rad_s) * EARTH_RADIUS_M
    return float(geometry.delay_per_range_s_m) * fastest_m_s * structure.maker.slots


def geometry_of(asked: Adaptation) -> PassGeometry:
    """Geometry of a point's passes."""
    slot_s = 15e-3 / asked.subcarrier_khz
    return pass_geometry(
        altitude_m=1e3 * asked.altitude_km,
        elevation_rad=math.radians(asked.elevation_deg),
        transparent=asked.payload == "transparent",
        round_trip_s=None if asked.round_trip_ms is None else 1e-3 * asked.round_trip_ms,
        processing_s=asked.harq.processing_slots * slot_s,
    )


def doppler_hz(asked: Adaptation) -> float:
    """Largest Doppler shift of the terminal's own motion."""
    return float(kmh_to_m_s(asked.speed_kmh)) * asked.carrier_ghz * 1e9 / SPEED_OF_LIGHT_M_S


def values_of(asked: Adaptation) -> LinkValues:
    """Values of a point, scalars."""
    numbers = (asked.mean_snr_db, doppler_hz(asked), asked.k_factor_db, asked.reports.error_db)
    return LinkValues(geometry_of(asked), *(tf.constant(each, tf.float64) for each in numbers))


class Programs:
    """Compiled functions of a structure, each traced once.

    Parameters
    ----------
    structure : LinkStructure
        What they are of.
    """

    def __init__(self, structure: LinkStructure) -> None:
        self.structure, self.link = structure, structure.link
        self._draw = tf.function(structure.maker.__call__, jit_compile=True, autograph=False)
        self._runs: dict[Policy, Any] = {}

    def draw(self, asked: Adaptation, seed: int, split: str, number: int = 0) -> Trace:
        """A set of passes of a split such as ``train`` or ``test``; the same fading whatever the point asks."""
        key = random.chunk_key(seed, f"adaptation|{split}", number)
        return self._draw(random.block_keys(tf.constant([key], tf.uint32), self.structure.passes), values_of(asked))

    def run(self, policy: Policy, parameters: Tree, trace: Trace) -> PassFigures:
        """Figures of a policy on passes, NumPy float64."""
        if policy not in self._runs:

            def figures(parameters: Tree, trace: Trace) -> PassFigures:
                return self._figures(policy, parameters, trace)

            self._runs[policy] = tf.function(figures, jit_compile=True, autograph=False)
        found = self._runs[policy](parameters, trace)
        return PassFigures(*(np.asarray(each.numpy(), np.float64) for each in found))

    def goodput(self, policy: Policy, parameters: Tree, trace: Trace) -> float:
        """Mean goodput over passes."""
        return float(self.run(policy, parameters, trace).goodput.mean())

    @property
    def traced(self) -> int:
        """Programs traced so far."""
        compiled = [self._draw, *self._runs.values()]
        return sum(int(each.experimental_get_tracing_count()) for each in compiled)

    def _figures(self, policy: Policy, parameters: Tree, trace: Trace) -> PassFigures:
        outcome = self.link.run(policy, parameters, trace)
        counted = slice(self.structure.warm_up_slots, None)
        sent = tf.cast(outcome.sent[counted], tf.float32)
        goodput = outcome.goodput[counted]
        efficiency = self.link.ladder.efficiency_of(outcome.mcs[counted])
        blocks = tf.maximum(tf.reduce_sum(sent, 0), 1.0)
        whole = goodput.shape[0] // _WINDOW_SLOTS * _WINDOW_SLOTS
        windows = tf.reshape(goodput[:whole], [-1, _WINDOW_SLOTS, goodput.shape[1]])
        return PassFigures(
            goodput=tf.reduce_mean(goodput, 0),
            bler=tf.reduce_sum(sent * outcome.bler[counted], 0) / blocks,
            efficiency=tf.reduce_sum(sent * efficiency, 0) / blocks,
            utilisation=tf.reduce_mean(sent, 0),
            windows=tf.reduce_mean(windows, 1),
        )


_PROGRAMS: list[Programs] = []


@lru_cache(maxsize=8)
def programs_of(structure: LinkStructure) -> Programs:
    """Programs of a structure, kept for later points."""
    _PROGRAMS.append(Programs(structure))
    return _PROGRAMS[-1]


def programs_traced() -> int:
    """Programs that this process has traced."""
    return sum(each.traced for each in _PROGRAMS)
