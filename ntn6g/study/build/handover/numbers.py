"""Numbers of a case: durations, powers, patterns, and who disturbs whom."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from ntn6g.channel.antennas import colours
from ntn6g.core.units import db_to_linear, kmh_to_m_s
from ntn6g.scenario import BeamsLayer, CellsLayer, Handover
from ntn6g.services.handover import (
    NEVER_S,
    PATTERN_ENTRIES,
    Layer,
    LayerValues,
    Timing,
    aperture_pattern,
    filter_share,
)
from ntn6g.study.build.handover.places import Beams

_PLACES = 8  # platforms of a layer fill multiples of it


def timing_of(asked: Handover) -> Timing:
    """Durations of a case in seconds."""
    given, step_s = asked.procedure, 1e-3 * asked.step_ms
    numbers = {
        "step_s": step_s,
        "filter_share": filter_share(asked.measurement.filter_k, step_s),
        "error_db": asked.measurement.error_db,
        "use_sinr": float(asked.measurement.quantity == "sinr"),
        "prepare_s": 1e-3 * given.prepare_ms,
        "execute_s": 1e-3 * given.execute_ms,
        "access_round_trips": 0.5 if given.rach_less else given.access_round_trips,
        "access_s": 0.0 if given.rach_less else 1e-3 * given.access_ms,
        "switch_s": 0.0 if given.soft_switch else 1e-3 * given.execute_ms,
        "requests": float(given.uplink_grant == "requested"),
        "report_again_s": 1e-3 * given.report_again_ms,
        "in_sync_db": given.in_sync_db,
        "out_of_sync_db": given.out_of_sync_db,
        "n310_s": 1e-3 * given.n310 * given.indication_ms,
        "n311_s": 1e-3 * given.n311 * given.indication_ms,
        "t310_s": 1e-3 * given.t310_ms,
        "re_establish_s": 1e-3 * given.re_establish_ms,
    }
    return Timing(**{name: tf.constant(value, tf.float32) for name, value in numbers.items()})


def values_of(asked: Handover, layer: CellsLayer | BeamsLayer, shape: Layer, sky: Beams | None) -> LayerValues:
    """Numbers of a layer; what fills up its platforms is silent."""
    cells, platforms, step_s = shape.cells, shape.platforms, 1e-3 * asked.step_ms
    move = kmh_to_m_s(asked.terminals.speed) / layer.correlation_m
    blocks, pattern, round_trips, there = (0.0, 1.0, 0.0), np.ones(PATTERN_ENTRIES), 1.0, platforms
    if isinstance(layer, BeamsLayer):
        assert sky is not None  # built for every such layer
        level_dbm = layer.eirp_density_dbw_mhz + 30.0
        there = sky.fleet.size
        radius_m, mask_deg, zenith_db = sky.radius_m, layer.min_elevation_deg, layer.zenith_loss_db
        pattern = aperture_pattern(layer.aperture_m, 1e9 * layer.carrier_ghz)
        round_trips = 2.0 if layer.payload == "transparent" and sky.feeders is None else 1.0
        if layer.blockage is not None:
            each = layer.blockage
            rates = (-math.expm1(-step_s / each.clear_s), -math.expm1(-step_s / each.blocked_s))
            blocks = (*rates, each.loss_db)
    else:
        level_dbm = layer.power_dbm - 10.0 * math.log10(layer.bandwidth_mhz) + layer.gain_dbi
        radius_m, mask_deg, zenith_db = 1e3 * layer.spacing_km / math.sqrt(3.0), 0.0, 0.0
    off = np.full([platforms, 2], NEVER_S)
    if layer.outage is not None:
        off[: math.ceil(layer.outage.share * there)] = (layer.outage.from_s, layer.outage.until_s)
    power = np.full(cells, db_to_linear(level_dbm + layer.terminal_gain_dbi))
    power[there * cells // platforms :] = 0.0
    numbers = {
        "power": power,
        "pattern": pattern,
        "radius_km": 1e-3 * radius_m,
        "mask_rad": math.radians(mask_deg),
        "shadow": float(layer.shadowing),
        "memory": math.exp(-step_s * (move + 1.0 / layer.correlation_s)),
        "zenith_db": zenith_db,
        "round_trips": round_trips,
        "blocks": np.array(blocks),
        "off": np.repeat(off, cells // platforms, 0),
    }
    return LayerValues(**{key: tf.constant(value, tf.float32) for key, value in numbers.items()})


def colours_of(name: str, layer: CellsLayer | BeamsLayer, sky: Beams | None) -> Any:
    """Band and colour of each cell, its layer and its platform: text [cell, 3]."""
    if isinstance(layer, BeamsLayer):
        assert sky is not None  # as above
        of_beam, platforms = colours(sky.beams, layer.reuse), places_of(sky)
    else:
        whole = layer.layout == "hexagon"
        of_beam = colours(layer.sites, layer.reuse) if whole else np.arange(layer.sites) % layer.reuse
        platforms = 1
    band = layer.band or name
    return np.array([(f"{band}/{colour}", name, str(platform)) for platform in range(platforms) for colour in of_beam])


def overlap_of(layers: Mapping[str, CellsLayer | BeamsLayer], colour: Any, activity: Any) -> Any:
    """Share of every transmitter's power (second index) in the band of every server (first)."""
    shared = (colour[:, None, 0] == colour[None, :, 0]).astype(np.float64) * activity[None]
    for name, layer in layers.items():
        if isinstance(layer, BeamsLayer) and layer.other_platforms_db:
            mine = colour[:, 1] == name
            other = mine[:, None] & mine[None] & (colour[:, None, 2] != colour[None, :, 2])
            shared = np.where(other, shared * db_to_linear(-layer.other_platforms_db), shared)
    np.fill_diagonal(shared, 0.0)
    return shared


def places_of(sky: Beams) -> int:
    """Places for platforms in the program: several are filled up, so that scenarios of like size share it."""
    return sky.fleet.size if sky.fleet.size == 1 else math.ceil(sky.fleet.size / _PLACES) * _PLACES
