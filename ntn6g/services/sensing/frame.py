"""A frame from its transmitted symbols to the channel that a sensing receiver sees."""

import numpy as np
import tensorflow as tf

from ntn6g.core import random
from ntn6g.phy import Modulation
from ntn6g.services.sensing.echo import SWERLING, Targets, echo_response, receive, swerling_gain
from ntn6g.services.sensing.grid import SensingGrid
from ntn6g.services.sensing.maps import ESTIMATORS, estimate_channel


def amplitudes(grid: SensingGrid, pilot_share: tf.Tensor | None = None) -> tf.Tensor:
    """Root of each element's energy, complex64 [symbol, subcarrier], or [batch, ...] for shares float32 [batch]."""
    if pilot_share is None:
        return tf.constant(np.sqrt(grid.energy), tf.complex64)
    pilots, elements = int(grid.pilot_mask.sum()), grid.pilot_mask.size
    share = tf.cast(pilot_share, tf.float32)[:, None, None]
    of_pilot, of_data = share * (elements / pilots), (1.0 - share) * (elements / max(elements - pilots, 1))
    return tf.cast(tf.sqrt(tf.where(tf.constant(grid.pilot_mask), of_pilot, of_data)), tf.complex64)


class SensingFrame:
    """Draws data, reflections and noise of frames, and estimates the channel from them.

    Parameters
    ----------
    grid : SensingGrid
        Elements and their energies.
    modulation : str
        Constellation of the data, a key of `ntn6g.phy.BITS_PER_SYMBOL`; pilots are QPSK symbols.
    swerling : int
        Fluctuation of the targets, 0 to 4.
    estimator : str
        'zf', 'matched' or 'lmmse'.
    antennas : int or None
        Receive antennas half a wavelength apart; None leaves their axis out.

    Raises
    ------
    ValueError
        For a case or an estimator that does not exist, or without an element that is known and has energy.
    """

    def __init__(
        self,
        grid: SensingGrid,
        *,
        modulation: str = "qpsk",
        swerling: int = 0,
        estimator: str = "zf",
        antennas: int | None = None,
    ) -> None:
        if swerling not in SWERLING:
            raise ValueError(f"swerling {swerling} is none of {', '.join(map(str, SWERLING))}")
        if estimator not in ESTIMATORS:
            raise ValueError(f"{estimator!r} is none of {', '.join(ESTIMATORS)}")
        if not (grid.sensed_energy > 0.0).any():
            raise ValueError("no element that the receiver knows has energy")
        self.grid, self.swerling, self.estimator, self.antennas = grid, swerling, estimator, antennas
        self._data, self._pilots = Modulation(modulation), Modulation("qpsk")

    def sent(self, keys: tf.Tensor, pilot_share: tf.Tensor | None = None) -> tf.Tensor:
        """Transmitted grid of mean energy one: uint32 keys [batch, 2] to complex64 [batch, symbol, subcarrier].

        ``pilot_share`` float32 [batch] replaces that of a grid which sets pilots apart.
        """
        shape = [keys.shape[0], self.grid.symbols, self.grid.subcarriers]
        mask, elements = self.grid.pilot_mask, self.grid.pilot_mask.size
        symbols = []
        for name, modulation, wanted in (
            ("pilots", self._pilots, mask.any()),
            ("bits", self._data, not mask.all() or self.grid.pilot_share is None),
        ):
            if wanted:
                bits = random.bits(random.stream(keys, name), elements * modulation.bits_per_symbol)
                symbols.append(tf.reshape(modulation.map(bits), shape))
        if self.grid.pilot_share is None:
            return symbols[-1]  # no element is set apart
        mixed = symbols[0] if len(symbols) == 1 else tf.where(tf.constant(mask), *symbols)
        return mixed * amplitudes(self.grid, pilot_share)

    def __call__(self, keys: tf.Tensor, targets: Targets, pilot_share: tf.Tensor | None = None) -> tf.Tensor:
        """Estimate of the channel, noise included.

        Parameters
        ----------
        keys : uint32 [batch, 2]
            Keys of the frames; streams 'bits', 'pilots', 'target', 'target phase' and 'noise' are used.
        targets : Targets
            [batch, target].
        pilot_share : float32 [batch] or None
            As in `sent`.

        Returns
        -------
        complex64 [batch, (antenna,) symbol, subcarrier]
        """
        sent = self.sent(keys, pilot_share)
        gain = swerling_gain(keys, self.swerling, targets.snr.shape[1], self.grid.symbols)
        response = echo_response(self.grid, targets, gain, antennas=self.antennas)
        known = self.grid.sensed_energy > 0.0
        return estimate_channel(
            receive(sent, response, keys),
            sent,
            self.estimator,
            snr=tf.reduce_sum(targets.snr, axis=1) if self.estimator == "lmmse" else None,
            known=None if known.all() else known,
        )
