"""What a simulation is made of: layers of cells, places along time, and everything that stays."""

from dataclasses import dataclass
from typing import NamedTuple

import tensorflow as tf

from ntn6g.services.handover.connection import Timing
from ntn6g.services.handover.observation import Service

PATTERN_ENTRIES = 4_096


@dataclass(frozen=True)
class Layer:
    """What shapes the program of a layer.

    Parameters
    ----------
    kind : str
        ``sky`` (satellites, high-altitude platforms) or ``ground`` (terrestrial sites).
    platforms, beams : int
        Transmitting places, and cells of each.
    carrier_hz : float
        Carrier.
    cell : str
        Of the ground: ``rma``, ``uma`` or ``umi``; of the sky: the environment of TR 38.811.
    terminal_m : float
        Height of terminals over the ground, for terrestrial path loss.
    blocked : bool
        Whether paths are blocked now and then.
    """

    kind: str
    platforms: int
    beams: int
    carrier_hz: float
    cell: str
    terminal_m: float = 1.5
    blocked: bool = False

    @property
    def cells(self) -> int:
        """Cells of the layer."""
        return self.platforms * self.beams


class LayerValues(NamedTuple):
    """Numbers of a layer, float32 unless told otherwise."""

    power: tf.Tensor
    """Power density at the peak of each cell's antenna, with the terminal's gain, mW per MHz: [cells]."""
    pattern: tf.Tensor
    """Amplitude of the antenna over chords 0 to 2 of the unit sphere, [`PATTERN_ENTRIES`]."""
    radius_km: tf.Tensor
    """Of a cell, scalar."""
    mask_rad: tf.Tensor
    """Lowest elevation, scalar."""
    shadow: tf.Tensor
    """1 with shadow fading, 0 without, scalar."""
    memory: tf.Tensor
    """Correlation of shadowing from step to step, scalar."""
    zenith_db: tf.Tensor
    """Loss of the air at the zenith, scalar."""
    round_trips: tf.Tensor
    """1 where the base station flies or stands at the cell or the feeder link is given, 2 with one as long as the path,
    scalar."""
    blocks: tf.Tensor
    """Chance that a clear path is blocked at a step, that a blocked one is cleared, and the loss in dB: [3]."""
    off: tf.Tensor
    """From when to when which cells are silent: [cells, 2], s."""


class Obstacle(NamedTuple):
    """Something that hides low paths for a time: a valley, a tunnel; float32 scalars."""

    from_s: tf.Tensor
    until_s: tf.Tensor
    below_rad: tf.Tensor
    loss_db: tf.Tensor


class LayerTrack(NamedTuple):
    """A layer along a block of steps, float64."""

    position_m: tf.Tensor
    """Platforms in ECEF, [steps, platform, 3]."""
    reference_m: tf.Tensor
    """What beams look at, which is a cell's reference location, [steps or 1, cell, 3]."""
    believed_m: tf.Tensor
    """The same by the ephemeris that network and terminal have, [steps or 1, cell, 3]."""
    visit_s: tf.Tensor
    """Predicted entrance into each cell and exit from it, float32 [2, cell, terminal]."""
    feeder_m: tf.Tensor
    """From each platform to its base station on the ground, 0 where there is none, [steps or 1, platform]."""
    fed: tf.Tensor
    """1 where a platform reaches the network, else 0: float32 [steps or 1, platform]."""


class TerminalTrack(NamedTuple):
    """Terminals along a block of steps, float64."""

    position_m: tf.Tensor
    """ECEF, [steps or 1, terminal, 3]."""
    up: tf.Tensor
    """Unit vectors, [steps or 1, terminal, 3]."""
    error_m: tf.Tensor
    """Believed less true position, [terminal, 3]."""


class World(NamedTuple):
    """What stays the same over a simulation."""

    keys: tf.Tensor
    """A key per terminal, for what is drawn at every step; uint32 [terminal, 2]."""
    values: tuple[LayerValues, ...]
    obstacles: tuple[Obstacle, ...]
    overlap: tf.Tensor
    """Float32 [server, transmitter], share of a transmitter's power inside the band of a server,
    zero on the diagonal."""
    noise: tf.Tensor
    """Noise density in the terminal, mW per MHz, float32 [cell]."""
    layer: tf.Tensor
    """Layer of each cell, int32 [cell]."""
    spot: tf.Tensor
    """Place on the Earth that a steered beam serves, below zero for all other cells: int32 [cell]."""
    allowed: tf.Tensor
    """Bool [cell, terminal]."""
    service: Service
    timing: Timing


class Block(NamedTuple):
    """A block of steps."""

    first: tf.Tensor
    """Number of its first step since the start, int32 scalar."""
    tracks: tuple[LayerTrack, ...]
    terminals: TerminalTrack
