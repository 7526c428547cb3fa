"""What there is to see of every cell at one step: the common ground of scenes, policies and bounds."""

from typing import NamedTuple

import tensorflow as tf


class Observation(NamedTuple):
    """Every cell as every terminal meets it now; float32 [cell, terminal], true unless told otherwise."""

    rsrp_db: tf.Tensor
    """Received power density, shadowing included, dBm per MHz."""
    sinr_db: tf.Tensor
    """Ratio to interference and noise if this cell served."""
    beyond_km: tf.Tensor
    """Distance to the cell's reference location less the cell's radius, as terminal and network believe it."""
    exit_s: tf.Tensor
    """Predicted time until the terminal leaves the cell; negative where it is not in it."""
    elevation_deg: tf.Tensor
    level_db: tf.Tensor
    """Received power density that geometry and antenna patterns predict, without shadowing."""
    round_trip_s: tf.Tensor
    """Radio round trip, over the feeder link too where the base station is on the ground."""


class Service(NamedTuple):
    """What a cell gives at a signal-to-noise ratio; tensors."""

    rate_per_hz: tf.Tensor
    """Table of delivered bit/s per Hz, float32 [entries], over `LOWEST_DB` up in steps of `STEP_DB`."""
    bandwidth_hz: tf.Tensor
    """That a terminal gets of each cell: its share after the cell's load, float32 [cell]."""


LOWEST_DB, STEP_DB, ENTRIES = -20.0, 0.05, 1_201
"""Grid of `Service.rate_per_hz`: -20 to 40 dB."""


def rate_bps(service: Service, sinr_db: tf.Tensor, bandwidth_hz: tf.Tensor) -> tf.Tensor:
    """Served rate at a ratio: float32, arguments of equal shapes or broadcast."""
    place = tf.clip_by_value(tf.round((sinr_db - LOWEST_DB) / STEP_DB), 0.0, float(ENTRIES - 1))
    rate = tf.gather(service.rate_per_hz, tf.cast(place, tf.int32)) * bandwidth_hz
    return tf.where(sinr_db < LOWEST_DB, 0.0, rate)


def of_cell(field: tf.Tensor, cell: tf.Tensor) -> tf.Tensor:
    """Each terminal's own cell: [cell, terminal] and int32 [terminal] to [terminal]."""
    cells, terminals = field.shape
    place = tf.clip_by_value(cell, 0, cells - 1) * terminals + tf.range(terminals)
    return tf.gather(tf.reshape(field, [-1]), place)
