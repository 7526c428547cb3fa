"""A link of several layers between several antennas: precoding, propagation from each to each, joint equalisation."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ntn6g.channel import ChannelRealization, FlatChannel
from ntn6g.core import random
from ntn6g.core.errors import ScenarioError
from ntn6g.phy.chain import LinkChain
from ntn6g.phy.link_values import LinkValues, noise_variance_of
from ntn6g.phy.physical_channel.precoding import (
    codebook_matrix,
    eigenbeams,
    from_layers,
    gram_matrix,
    map_to_layers,
    type_one_matrix,
)
from ntn6g.phy.receiver import Equalised, LeastSquaresEstimator, lmmse_detect

Grids = list[list[tf.Tensor]]
"""Complex64 [B, 14, subcarriers] by receive antenna and by transmit antenna or layer."""


@dataclass(frozen=True, kw_only=True)
class Antennas:
    """Antennas at both ends and what is sent from them; names as in `ntn6g.scenario.Link`."""

    layers: int = 1
    transmit: int = 1
    receive: int = 1
    precoding: str = "none"
    tpmi: int = 0
    pmi: tuple[int, int, int] = (0, 0, 0)

    def __post_init__(self) -> None:
        if self.layers > min(self.transmit, self.receive):
            raise ScenarioError(
                f"{self.layers} layers are more than the ports of {self.transmit} transmit and {self.receive} receive "
                "antennas",
                key="link.layers",
            )
        if self.precoding == "none" and self.transmit != self.layers:
            raise ScenarioError(
                f"none, but {self.layers} layers need a precoding to leave {self.transmit} antennas: codebook, "
                "type1-single-panel or svd",
                key="link.precoding",
            )
        _ = self.matrix  # refuses here what no codebook holds

    @property
    def matrix(self) -> NDArray[np.complex64] | None:
        """Fixed precoding matrix [transmit, layers] of power one; None where it follows the channel."""
        if self.precoding == "svd":
            return None
        if self.precoding == "codebook":
            return codebook_matrix(ports=self.transmit, layers=self.layers, tpmi=self.tpmi)
        if self.precoding == "type1-single-panel":
            return type_one_matrix(ports=self.transmit, layers=self.layers, pmi=self.pmi)
        return np.asarray(np.eye(self.layers) / np.sqrt(self.layers), np.complex64)

    @property
    def label(self) -> str:
        """Receive by transmit antennas."""
        return f"{self.receive}x{self.transmit}"


SINGLE = Antennas()
"""One antenna at each end."""


class LayeredChain(LinkChain):
    """A `LinkChain` of several layers or antennas.

    Clusters and rays draw the antennas of both ends together. Else the antennas of an end are uncorrelated: every
    pair draws its own fading, as in the low correlation of conformance tests; on white noise antenna i hears
    antenna i alone. All layers together send the energy that a single one would, so that Es/N0 is that of a receive
    antenna. Without precoding layer i leaves antenna i; a codebook matrix is fixed; ``svd`` sends along the
    strongest directions of the true channel, averaged over the slot. DM-RS are precoded with their layers, so that
    the receiver knows the product of both. It estimates each layer at each antenna and equalises all layers
    jointly; with several layers pairs of DM-RS elements are averaged, as their cover codes ask.

    Parameters as `LinkChain`, and

    antennas : Antennas
        Numbers of layers and antennas, precoding.
    """

    def __init__(self, *, antennas: Antennas, perfect_csi: bool, despread: bool = False, **others: Any) -> None:
        super().__init__(perfect_csi=perfect_csi, **others)
        self.antennas = antennas
        self._layer_estimates = [
            LeastSquaresEstimator(self.grid, despread=despread or antennas.layers > 1, port=port)
            for port in (() if perfect_csi else self.grid.ports)
        ]

    @property
    def coded_bits(self) -> int:
        """Bits that the data elements of all layers carry."""
        return super().coded_bits * self.antennas.layers

    def transfer(
        self,
        keys: tf.Tensor,
        values: LinkValues,
        coded: tf.Tensor,
        *,
        noise_keys: tf.Tensor | None = None,
        start_s: tf.Tensor | None = None,
    ) -> tuple[Equalised, tf.Tensor]:
        """As `LinkChain.transfer`."""
        layers, grid = range(self.antennas.layers), self.grid
        sent = map_to_layers(self.modulation.map(coded), len(layers))
        noise_keys = random.stream(keys, "noise") if noise_keys is None else noise_keys
        drawn = self._pairs(keys, values, start_s)
        variance = noise_variance_of(keys, values, drawn[0][0].path_loss_db)
        received, channel = self._through(drawn, values, [grid.fill(sent[v], v) for v in layers])
        received = [
            signal + tf.cast(tf.sqrt(variance), tf.complex64)[:, None, None] * _noise(noise_keys, antenna, signal)
            for antenna, signal in enumerate(received)
        ]
        known, error = self._knowledge(received, channel, variance)
        detected = lmmse_detect(
            [grid.data_of(signal) for signal in received],
            [[grid.data_of(layer) for layer in row] for row in known],
            grid.data_of(variance[:, None, None] + error),
        )
        symbols = from_layers([each.symbols for each in detected])
        left = from_layers([each.noise_variance for each in detected])
        return Equalised(symbols=symbols, noise_variance=left), 1.0 / tf.reduce_mean(left, axis=1)

    def element_quality(self, keys: tf.Tensor, values: LinkValues) -> tuple[tf.Tensor, tf.Tensor]:
        """As `LinkChain.element_quality`, behind the joint equaliser, for known channels only.

        Raises
        ------
        ScenarioError
            The channel is estimated: what that costs behind a joint equaliser is not known in closed form.
        """
        if self._layer_estimates:
            raise ScenarioError(
                "estimated, but several antennas have an element quality for perfect knowledge only", key="link.csi"
            )
        layers, grid = range(self.antennas.layers), self.grid
        drawn = self._pairs(keys, values, None)
        variance = noise_variance_of(keys, values, drawn[0][0].path_loss_db)
        silent = tf.zeros([keys.shape[0], grid.data_elements], tf.complex64)
        received, channel = self._through(drawn, values, [grid.fill(silent, v) for v in layers])
        detected = lmmse_detect(
            [grid.data_of(signal) for signal in received],
            [[grid.data_of(layer) for layer in row] for row in channel],
            tf.tile(variance[:, None], [1, grid.data_elements]),
        )
        ratio = 1.0 / from_layers([each.noise_variance for each in detected])
        return ratio, tf.zeros_like(ratio)

    def _pairs(self, keys: tf.Tensor, values: LinkValues, start_s: tf.Tensor | None) -> list[list[ChannelRealization]]:
        """Realizations by receive and transmit antenna; the first pair draws as a single link does."""
        ports = range(self.antennas.receive), range(self.antennas.transmit)
        if hasattr(self.fading, "antennas"):  # it draws all pairs at once
            both = self._draw(keys, values, start_s)
            return [[replace(both, gain=both.gain[:, rx : rx + 1, tx : tx + 1]) for tx in ports[1]] for rx in ports[0]]

        def draw(rx: int, tx: int) -> ChannelRealization:
            if isinstance(self.fading, FlatChannel):
                drawn = self._draw(keys, values, start_s)
                return drawn if rx == tx else replace(drawn, gain=tf.zeros_like(drawn.gain))
            own = keys if rx == tx == 0 else random.stream(keys, f"antennas {rx} {tx}")
            return self._draw(own, values, start_s)

        return [[draw(rx, tx) for tx in ports[1]] for rx in ports[0]]

    def _through(
        self, drawn: list[list[ChannelRealization]], values: LinkValues, layers: list[tf.Tensor]
    ) -> tuple[list[tf.Tensor], Grids]:
        """What each receive antenna hears without noise, and the true channel of each layer at each."""
        moving = [[self._moving(pair, values) for pair in row] for row in drawn]
        ports = range(self.antennas.transmit)
        weights = self._weights(moving, layers[0], values)

        def weighted(port: int, layer: int, grid: tf.Tensor) -> tf.Tensor:
            return weights[:, port, layer, None, None] * grid

        sent = [tf.add_n([weighted(p, v, each) for v, each in enumerate(layers)]) for p in ports]
        heard = [[self._heard(pair, sent[p], values) for p, pair in enumerate(row)] for row in moving]
        received = [tf.add_n([signal for signal, _ in row]) for row in heard]
        channel = [[tf.add_n([weighted(p, v, row[p][1]) for p in ports]) for v in range(len(layers))] for row in heard]
        return received, channel

    def _weights(self, moving: list[list[ChannelRealization]], like: tf.Tensor, values: LinkValues) -> tf.Tensor:
        """Precoding matrices, complex64 [B, transmit antennas, layers]; ``like`` is a grid."""
        matrix = self.antennas.matrix
        if matrix is None:
            true = [[self._heard(pair, tf.zeros_like(like), values)[1] for pair in row] for row in moving]
            return eigenbeams(gram_matrix(true), self.antennas.layers)
        return tf.tile(tf.constant(matrix, tf.complex64)[None], [like.shape[0], 1, 1])

    def _knowledge(self, received: list[tf.Tensor], channel: Grids, variance: tf.Tensor) -> tuple[Grids, tf.Tensor]:
        """What the receiver knows of each layer at each antenna, and the error variance of all layers together."""
        if not self._layer_estimates:
            return channel, tf.zeros(channel[0][0].shape, tf.float32)
        found = [[estimate(signal, variance) for estimate in self._layer_estimates] for signal in received]
        known = [[layer for layer, _ in row] for row in found]
        if self._track is not None:
            turn = self._track.turn(received, [row[0] for row in known])
            known = [[layer * turn for layer in row] for row in known]
        return known, tf.add_n([error for _, error in found[0]])


def _noise(keys: tf.Tensor, antenna: int, like: tf.Tensor) -> tf.Tensor:
    own = keys if antenna == 0 else random.stream(keys, f"antenna {antenna}")
    return random.complex_normal(own, tuple(like.shape[1:]))
