"""What is done to a slot on its way: a filter on its subcarriers, an amplifier on its samples."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ntn6g.phy.grid import SlotGrid

_ROOM = 4  # samples over subcarriers: products of third and fifth order then do not fold into the band


class OnBoard:
    """Filter and amplifier between transmitter and channel: a payload's, or the amplifier of a terminal that sends.

    An amplifier without memory does to a cyclic prefix what it does to the part that the prefix repeats, so each
    symbol is amplified by itself, at four or more samples a subcarrier; what grows beside the band is left behind.

    Parameters
    ----------
    grid : SlotGrid
        The slot.
    response : [subcarriers], complex128, or None
        Of the filter; scaled here to unit mean power.
    curve : callable or None
        The amplifier, complex samples to complex samples.
    feeder : bool
        Whether noise of the link from the gateway arrives with the signal and is sent on with it.
    amplifier_first : bool
        Whether the amplifier comes before the filter, as on an uplink: the channel in between, which changes little
        within a symbol, might as well come behind both.

    Attributes
    ----------
    key : str
        What a scenario calls it: the terminal's amplifier where nothing else acts.
    """

    def __init__(
        self,
        grid: SlotGrid,
        *,
        response: NDArray[np.complex128] | None,
        curve: Callable[[tf.Tensor], tf.Tensor] | None,
        feeder: bool = False,
        amplifier_first: bool = False,
    ) -> None:
        self.feeder, self._amplifier_first = feeder, amplifier_first
        self.key = "link.amplifier" if amplifier_first and response is None else "payload"
        self._subcarriers, self._curve = grid.subcarriers, curve
        response = np.ones(grid.subcarriers, np.complex128) if response is None else response
        self._response = tf.constant(response / np.sqrt(np.mean(np.abs(response) ** 2)), tf.complex64)
        self._points = 1 << (_ROOM * grid.subcarriers - 1).bit_length()

    def __call__(self, sent: tf.Tensor, drive: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
        """The grid that leaves: complex64 [B, 14, subcarriers].

        Parameters
        ----------
        sent : [B, 14, subcarriers], complex64
            Of unit mean energy.
        drive, scale : [B], float32
            What samples of unit mean power are multiplied by in front of the amplifier's curve and behind it, see
            `ntn6g.channel.payload.Amplifier`; idle without an amplifier.
        """
        if self._curve is None:
            return sent * self._response
        if self._amplifier_first:
            return self._amplified(sent, drive, scale) * self._response
        return self._amplified(sent * self._response, drive, scale)

    def _amplified(self, values: tf.Tensor, drive: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
        assert self._curve is not None
        low = self._subcarriers // 2
        empty = tf.zeros([*values.shape[:-1], self._points - self._subcarriers], tf.complex64)
        bins = tf.concat([values[..., low:], empty, values[..., :low]], -1)
        unit = float(self._points) / float(np.sqrt(self._subcarriers))  # to samples of unit mean power
        samples = tf.signal.ifft(bins) * tf.cast(unit * drive, tf.complex64)[:, None, None]
        back = tf.signal.fft(self._curve(samples)) * tf.cast(scale / unit, tf.complex64)[:, None, None]
        return tf.concat([back[..., self._points - low :], back[..., : self._subcarriers - low]], -1)

    def wanted(self, gain: tf.Tensor) -> tf.Tensor:
        """Factor by which subcarriers arrive, distortion apart: complex64 [B, 1, subcarriers], from gains [B]."""
        return self._response if self._curve is None else gain[:, None, None] * self._response
