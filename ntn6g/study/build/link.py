"""Study `link`: BLER, BER and throughput of a coded or uncoded link over any sweep."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ntn6g.core.constants import SPEED_OF_LIGHT_M_S
from ntn6g.core.units import db_to_linear, kmh_to_m_s, linear_to_db
from ntn6g.phy.closed_form import bit_error_rate
from ntn6g.phy.coding import LimitedBuffer
from ntn6g.phy.harq import HarqTiming
from ntn6g.phy.layered import SINGLE
from ntn6g.scenario import Channel, Conformance, Link, Power, Scenario, apply, flatten, sweep_points
from ntn6g.study.build import harq, payload, synchronised
from ntn6g.study.build.allocation import allocation_of, antennas_of
from ntn6g.study.build.antennas import link_gains
from ntn6g.study.build.cells import placed_in_cell
from ntn6g.study.build.compensation import NONE, residual_of
from ntn6g.study.build.domain import check_domain, time_degree
from ntn6g.study.build.fading import fading_facts, fading_structure, fading_values, sight_facts
from ntn6g.study.build.geometry import Instant, instants
from ntn6g.study.build.link_step import HarqStructure, LinkStructure, LinkWork, batch_rows, link_step, make_chain
from ntn6g.study.build.loss_terms import line_of_sight
from ntn6g.study.build.power import drawn_shadow_sigma_db, draws_shadowing, received_power
from ntn6g.study.engine import Recipe, StopRule, Tally
from ntn6g.study.intervals import clopper_pearson, clustered_ratio, throughput_interval


@dataclass(frozen=True)
class LinkPoint:
    """One point of a link sweep: what it varies, its structure, its values, and what a table says beside them."""

    axes: Mapping[str, Any]
    structure: LinkStructure
    values: Mapping[str, Any]
    facts: Mapping[str, Any]
    identity: str
    seed: int
    timing: HarqTiming | None = None

    @property
    def work(self) -> LinkWork:
        """What a step needs of it."""
        return LinkWork(self.structure.channel_key, dict(self.values), self.seed)


class LinkStudy:
    """A part of a scenario as points, one compiled step per structure, and rows.

    Parameters
    ----------
    part : str
        Its name, '' without parts.
    scenario : Scenario
        The part, complete and without parts.

    Raises
    ------
    ScenarioError
        A point that cannot be: no such pass, an elevation above its culmination, a channel that the guard refuses.
    """

    kind = "link"

    def __init__(self, part: str, scenario: Scenario) -> None:
        self.part, self.scenario = part, scenario
        self.rule = StopRule(**scenario.stop.model_dump())
        asked = [(values, apply(scenario, values)) for values in sweep_points(scenario)]
        points = [point for _, point in asked]
        where = [placed_in_cell(*each) for each in zip(points, instants(points), strict=True)]
        self.points = [_point(values, point, instant) for (values, point), instant in zip(asked, where, strict=True)]
        for (_, given), point in zip(asked, self.points, strict=True):
            check_domain(given, point.structure, point.values)
        for structure in self.structures:
            make_chain(structure)  # refuses here, before anything is written

    @property
    def structures(self) -> list[LinkStructure]:
        """Structures in order of appearance."""
        return list(dict.fromkeys(point.structure for point in self.points))

    def rows(self, structure: LinkStructure) -> int:
        """Blocks of a batch."""
        return self.scenario.engine.batch or batch_rows(structure)

    def recipe(self, structure: LinkStructure) -> Recipe:
        """How a worker builds the compiled step of a structure."""
        return partial(link_step, structure, rows=self.rows(structure))

    def row(self, point: LinkPoint, tally: Tally, stopped_by: str | None) -> dict[str, Any]:
        """Columns of the results table for one point."""
        found = _measured(point.structure, tally)
        found |= synchronised.columns(tally, point.structure.grid.subcarrier_spacing_hz)
        if point.timing is not None:
            structure = point.structure
            most = structure.harq.most if structure.harq else 1
            found |= harq.measured(point.timing, most, _peak_bps(structure), tally.counts)
            for end in ("", "_low", "_high"):
                found[f"spectral_efficiency{end}"] = found[f"throughput_bps{end}"] / structure.bandwidth_hz
        return {**point.facts, **found, "stopped_by": stopped_by or ""}

    def series(self) -> list[dict[str, Any]]:
        """No time series."""
        return []


def _point(values: Mapping[str, Any], asked: Scenario, instant: Instant | None) -> LinkPoint:
    link, air, power = asked.link, asked.channel, asked.power
    if link is None or air is None or power is None:
        raise ValueError("a link study without link, channel or power passed the checks of the scenario")
    carrier_hz = air.carrier_ghz * 1e9
    structure = _structure(link, air, power, asked)
    delay_spread_s, k_factor_db = fading_values(air, structure, instant.elevation_rad if instant else None)
    terminal = asked.terminals[asked.terminal_name()] if asked.terminals else None
    gains, uplink = None, link.direction == "uplink"
    if asked.antennas is not None and instant is not None and instant.state is not None and instant.site is not None:
        gains = link_gains(
            asked.antennas,
            carrier_hz,
            instant.state,
            instant.site,
            uplink=uplink,
            subcarriers_hz=structure.grid.frequencies_hz if structure.squint else None,
        ).first
    feeder = payload.feeder_at(asked.payload, instant)
    amplifier_values, amplifier_facts = payload.amplified(
        payload.amplifier_asked(link, asked.payload), structure.payload
    )
    received = received_power(
        power,
        air,
        structure,
        instant,
        count_cyclic_prefix=link.count_cyclic_prefix,
        terminal=terminal,
        gains=gains,
        feeder=feeder,
    )
    doppler_hz = kmh_to_m_s(terminal.speed_kmh if terminal else 0.0) * carrier_hz / SPEED_OF_LIGHT_M_S
    if isinstance(air.fading, Conformance):
        doppler_hz = air.fading.max_doppler_hz
    structure = replace(structure, time_degree=time_degree(structure, doppler_hz, air.guard.max_ici_db))
    offset_hz = link.residual_offset_hz
    if offset_hz is None:
        offset_hz = (link.residual_offset_ppm or 0.0) * 1e-6 * carrier_hz
    left = residual_of(asked, instant) if link.compensation and instant else NONE
    offset_hz += left.doppler_ratio * carrier_hz
    noises = {"noise_variance": float(db_to_linear(-received["esno_db"])), "feeder_noise_variance": 0.0}
    if feeder is not None:
        noises = feeder.noises(received["service_esno_db"], structure.bandwidth_hz, air, uplink=uplink)
    drawn = {
        **noises,
        "shadow_sigma_db": drawn_shadow_sigma_db(power, air, instant),
        "delay_spread_s": delay_spread_s,
        "k_factor_db": k_factor_db or 0.0,
        "elevation_rad": instant.elevation_rad if instant else 0.0,
        "doppler_hz": doppler_hz,
        "residual_offset_hz": offset_hz,
        "residual_delay_s": left.delay_s,
        "residual_doppler_rate_hz_s": left.doppler_ratio_rate * carrier_hz,
        "residual_delay_rate": left.delay_rate,
        "delay_s": (instant.light_time_s if instant else 0.0) + (feeder.delay_s if feeder else 0.0),
        "range_rate_m_s": instant.range_rate_m_s if instant else 0.0,
        "range_acceleration_m_s2": instant.range_acceleration_m_s2 if instant else 0.0,
        "carrier_hz": carrier_hz,
        "path_loss_db": received.get("path_loss_db", 0.0),
        **_ground(air),
        **amplifier_values,
        "squint": 1.0 if gains is None or gains.squint is None else tuple(gains.squint.tolist()),
    }
    timing = None
    if link.harq is not None:
        timing = harq.timing_of(
            link.harq, structure.grid.slot_duration_s, instant, feeder_s=feeder.delay_s if feeder else 0.0
        )
    if timing is not None:
        drawn |= {"interval_s": timing.interval_s, "blind_share": timing.blind_processes / timing.processes}
    flat = flatten(asked)
    facts = {
        **(instant.columns(carrier_hz) if instant else {}),
        **(left.columns(carrier_hz) if link.compensation else {}),
        **fading_facts(structure, delay_spread_s, k_factor_db),
        **sight_facts(air, structure, instant.elevation_rad if instant else None),
        **(gains.columns if gains else {}),
        **(gains.squint_columns if gains else {}),
        **(feeder.columns(instant, carrier_hz, uplink=uplink) if feeder and instant else {}),
        **amplifier_facts,
        **received,
    }
    return LinkPoint(
        axes={path: flat.get(path, given) for path, given in values.items()},
        structure=structure,
        values=drawn,
        facts={**facts, **_theory(structure, received["esno_db"], drawn), **(harq.facts(timing) if timing else {})},
        identity=_identity("link", asked.seed, structure, drawn),
        seed=asked.seed,
        timing=timing,
    )


def _ground(air: Channel) -> dict[str, float]:
    """Where the terminal stands on a ground, the origin where there is none."""
    place = getattr(air.fading, "ground", None)
    return {"east_m": place.east_m if place else 0.0, "north_m": place.north_m if place else 0.0}


def _identity(*physics: Any) -> str:
    """Hash of everything that decides a point's outcome, and nothing else."""
    text = json.dumps([asdict(each) if isinstance(each, LinkStructure) else each for each in physics], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _structure(link: Link, air: Channel, power: Power, asked: Scenario) -> LinkStructure:
    carried = asked.payload
    offset_given = any(
        each is not None for each in (link.residual_offset_hz, link.residual_offset_ppm, link.compensation)
    )
    resend, buffer = link.harq, link.limited_buffer
    return LinkStructure(
        resource_blocks=link.resource_blocks,
        subcarrier_spacing_hz=link.subcarrier_khz * 1e3,
        dmrs_additional_positions=link.dmrs_additional_positions if link.pilots else 0,
        dmrs_cdm_groups_without_data=link.dmrs_cdm_groups_without_data if link.pilots else 1,
        pilots=link.pilots,
        modulation=link.modulation,
        mcs=link.mcs,
        mcs_table=link.mcs_table,
        decoder=link.decoder.kind,
        decoder_iterations=link.decoder.iterations,
        perfect_csi=link.csi == "perfect",
        frequency_offset=offset_given,
        estimator=link.estimator,
        receiver=link.receiver,
        waveform=link.waveform,
        normalise=air.normalise,
        samples=air.domain == "time",
        synchroniser=link.synchroniser,
        **fading_structure(
            air,
            sight=line_of_sight(air),
            budget=power.budget is not None,
            shadowing=draws_shadowing(power, air),
            terminal=asked.antennas.terminal if asked.antennas else None,
        ),
        harq=None
        if resend is None
        else HarqStructure(
            versions=resend.versions, max_transmissions=resend.max_transmissions, repetitions=resend.repetitions
        ),
        limited_buffer=None if buffer is None else LimitedBuffer(**buffer.model_dump()),
        allocation=allocation_of(link),
        antennas=antennas_of(link, air.fading),
        payload=payload.structure_of(link, carried),
        squint=asked.antennas is not None and asked.antennas.squinting is not None,
        feeder_noise=carried is not None and carried.feeder is not None and link.direction == "downlink",
    )


def _theory(structure: LinkStructure, esno_db: float, values: Mapping[str, Any]) -> dict[str, float]:
    """Closed form of the bit error rate before decoding where it is exact, and the Shannon bound; of one layer only.

    Where beams squint every subcarrier has its own ratio; what a feeder link adds downwards squints with the signal.
    """
    esno = db_to_linear(esno_db)
    found: dict[str, float] = {}
    if structure.antennas != SINGLE:
        return found
    undistorted = structure.payload is None and not structure.frequency_offset and not structure.squint
    if structure.fading == "awgn" and structure.perfect_csi and undistorted:
        found["ber_theory"] = float(bit_error_rate(structure.modulation_name, esno))
    if structure.coding is not None:
        found["capacity_bps"] = structure.bandwidth_hz * math.log2(1.0 + esno)
        if structure.squint:
            gain = np.square(values["squint"])
            ratio = gain / (values["noise_variance"] + gain * values["feeder_noise_variance"])
            found["capacity_bps"] = structure.bandwidth_hz * float(np.mean(np.log2(1.0 + ratio)))
    return found


def _measured(structure: LinkStructure, tally: Tally) -> dict[str, Any]:
    counts, blocks = tally.counts, tally.blocks
    found: dict[str, Any] = {"blocks": blocks}
    if structure.coding is not None:
        found |= {"block_errors": counts["block_errors"], "bits": counts["bits"], "bit_errors": counts["bit_errors"]}
        found |= _with_limits("bler", counts["block_errors"] / blocks, clopper_pearson(counts["block_errors"], blocks))
        found |= _bit_rate("ber", counts, "bit_errors", counts["bits"], blocks)
        found |= _bit_rate("ber_uncoded", counts, "uncoded_bit_errors", counts["uncoded_bits"], blocks)
        found |= _throughput(structure, counts["block_errors"], blocks)
        found["undetected_errors"] = counts["undetected_errors"]
        found["iterations"] = counts["iterations"] / blocks
    else:
        found |= {"bits": counts["bits"], "bit_errors": counts["bit_errors"]}
        found |= _bit_rate("ber", counts, "bit_errors", counts["bits"], blocks)
    found["sinr_db"] = float(linear_to_db(tally.sums["sinr"] / blocks))
    return found


def _with_limits(name: str, value: float, limits: tuple[Any, Any]) -> dict[str, float]:
    return {name: value, f"{name}_low": float(limits[0]), f"{name}_high": float(limits[1])}


def _bit_rate(name: str, counts: Mapping[str, int], errors: str, bits: int, blocks: int) -> dict[str, float]:
    limits = clustered_ratio(counts[errors], counts[f"{errors}_squared"], bits // blocks, blocks)
    return _with_limits(name, counts[errors] / bits, limits)


def _throughput(structure: LinkStructure, block_errors: int, blocks: int) -> dict[str, float]:
    peak_bps = _peak_bps(structure)
    low, high = throughput_interval(block_errors, blocks, peak_bps)
    rate_bps, bandwidth_hz = peak_bps * (1.0 - block_errors / blocks), structure.bandwidth_hz
    return {
        **_with_limits("throughput_bps", rate_bps, (low, high)),
        **_with_limits("spectral_efficiency", rate_bps / bandwidth_hz, (low / bandwidth_hz, high / bandwidth_hz)),
    }


def _peak_bps(structure: LinkStructure) -> float:
    """Transport-block bits over the duration of a slot."""
    return structure.block_bits / structure.grid.slot_duration_s
