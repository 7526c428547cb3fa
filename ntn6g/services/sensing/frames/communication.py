"""The other half of the trade: a transport block over the frame, its pilots for the channel, its data for the code."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from ntn6g.channel import Profile, TappedDelayLine, frequency_response
from ntn6g.core import random
from ntn6g.orbit.state import TensorRecord
from ntn6g.phy import BITS_PER_SYMBOL, Modulation
from ntn6g.phy.coding import TransportCode, transport_block_bits
from ntn6g.phy.receiver import linear_weights, lmmse_equalise
from ntn6g.phy.receivers import despread
from ntn6g.services.sensing.frames.frame import amplitudes
from ntn6g.services.sensing.frames.grid import SensingGrid
from ntn6g.services.sensing.frames.waveforms import DataRows


@dataclass(frozen=True, eq=False)
class LinkConditions(TensorRecord):
    """What the link meets in each frame, float32 [batch]."""

    snr: tf.Tensor
    """Received energy of the mean element over the noise density, linear, before fading."""
    delay_spread_s: tf.Tensor
    """RMS delay spread."""
    doppler_hz: tf.Tensor
    """Maximum Doppler shift of the terminal."""
    pilot_share: tf.Tensor
    """Share of the energy in pilots, 0 to 1; at either end every block is lost."""


class SharedLink:
    """Sends one transport block over a frame that is also used for sensing.

    The receiver divides the pilots, interpolates linearly over subcarriers and symbols, equalises with the error of
    that estimate added to the noise, despreads what the waveform has spread, and decodes. Pilots cost elements and
    energy: more of either makes a better channel estimate and a smaller or weaker block.

    Parameters
    ----------
    grid : SensingGrid
        Elements and their energies, with pilots and data apart (``pilot_share`` given).
    modulation : str
        Constellation of the data.
    code_rate : float
        Target rate of the block, above 0 to below 1.
    profile : Profile
        Tapped delay line of the link.
    waveform : str
        How the data are spread over the elements beside the pilots, one of `WAVEFORMS`; all but 'ofdm' need pilots in
        whole symbols.

    Raises
    ------
    ScenarioError
        A block that the code refuses.
    ValueError
        For a comb of pilots under a waveform that spreads.
    """

    def __init__(
        self, grid: SensingGrid, *, modulation: str, code_rate: float, profile: Profile, waveform: str = "ofdm"
    ) -> None:
        self.grid, order = grid, BITS_PER_SYMBOL[modulation]
        self._rows = DataRows(grid, waveform)
        elements = self._rows.index.size
        self.block_bits = transport_block_bits(resource_elements=elements, modulation_order=order, code_rate=code_rate)
        self._modulation = Modulation(modulation)
        self._code = TransportCode(
            block_bits=self.block_bits,
            coded_bits=elements * order,
            modulation_order=order,
            code_rate=code_rate,
        )
        self._fading = TappedDelayLine(profile)
        rows, columns = (np.arange(0, n, s) for n, s in (
            (grid.symbols, grid.symbol_step), (grid.subcarriers, grid.comb)))  # fmt: skip
        self._over_symbols, self._over_subcarriers = (
            linear_weights(known, count) for known, count in ((rows, grid.symbols), (columns, grid.subcarriers))
        )
        # variance of the estimate over that of the noise: independent pilots, so squared weights add
        gain = np.outer(np.square(self._over_symbols).sum(0), np.square(self._over_subcarriers).sum(0))
        self._estimate_noise = gain.astype(np.float32)

    def __call__(self, keys: tf.Tensor, conditions: LinkConditions) -> tf.Tensor:
        """Whether each block was lost: uint32 keys [batch, 2] to bool [batch].

        The streams 'link bits', 'link noise' and 'channel' are used.
        """
        grid = self.grid
        bits = random.bits(random.stream(keys, "link bits"), self.block_bits)
        symbols = self._modulation.map(self._code.encode(bits))
        # pilots of equal modulus: divided away at once, so that their phase does not matter
        amplitude = amplitudes(grid, conditions.pilot_share)
        sent = self._rows.laid(symbols, 1.0) * amplitude
        drawn = self._fading(
            keys,
            times_s=tf.constant(np.arange(grid.symbols) * grid.period_s, tf.float32),
            delay_spread_s=conditions.delay_spread_s,
            doppler_hz=conditions.doppler_hz,
        )
        offsets_hz = (np.arange(grid.subcarriers) - grid.subcarriers // 2) * grid.subcarrier_spacing_hz
        response = frequency_response(drawn, tf.constant(offsets_hz, tf.float32))
        variance = (1.0 / conditions.snr)[:, None, None]
        noise = random.complex_normal(random.stream(keys, "link noise"), (grid.symbols, grid.subcarriers))
        received = sent * response + tf.cast(tf.sqrt(variance), tf.complex64) * noise
        known = self._estimate(tf.math.divide_no_nan(received, amplitude))
        energy = tf.square(tf.math.real(amplitude))
        error = energy / tf.maximum(energy[:, :1, :1], 1e-9) * self._estimate_noise  # a pilot is at the first place
        equalised = lmmse_equalise(
            self._rows.data_of(received),
            self._rows.data_of(known * amplitude),
            self._rows.data_of(variance * (1.0 + error)),
        )
        data = despread(equalised, self._rows)
        decoded = self._code.decode(self._modulation.llr(data.symbols, data.noise_variance))
        return tf.reduce_any(decoded.bits != bits, axis=1)

    def _estimate(self, divided: tf.Tensor) -> tf.Tensor:
        pilots = divided[:, :: self.grid.symbol_step, :: self.grid.comb]
        over_subcarriers = tf.matmul(pilots, tf.constant(self._over_subcarriers, tf.complex64))
        return tf.matmul(tf.constant(self._over_symbols, tf.complex64), over_subcarriers, transpose_a=True)
