"""Message passing between spread symbols and the elements that carry them."""

import tensorflow as tf

from ntn6g.phy.grid import SlotGrid
from ntn6g.phy.modulation import Modulation
from ntn6g.phy.receiver import Equalised
from ntn6g.phy.receivers.detectors import block_mean
from ntn6g.phy.waveforms import Waveform


class MessagePassing:
    r"""Orthogonal approximate message passing over the factor graph of elements and data symbols.

    Elements know the channel, symbols know the constellation; the unitary spreading lies between. In turn, the LMMSE of
    each element with a Gaussian prior of mean u and variance v,

    .. math:: \hat u = u + \frac{v h^*}{v|h|^2 + N_0}(y - h u), \qquad \hat v = \frac{v N_0}{v|h|^2 + N_0},

    and the mean and variance of each symbol given the constellation, hand each other what they have learnt without what
    they were told: :math:`1/\tau = 1/\bar v - 1/v`, with variances averaged over a block. The first turn is the LMMSE.

    Parameters
    ----------
    grid : SlotGrid
        The slot.
    waveform : Waveform
        Spread over more than one element.
    modulation : Modulation
        The constellation.
    iterations : int
        Turns.

    References
    ----------
    J. Ma and L. Ping, "Orthogonal AMP", IEEE Access 5, 2017; for OTFS Z. Yuan et al., IEEE Trans.
    Wireless Commun. 20(11), 2021, "Iterative detection for orthogonal time frequency space modulation with unitary
    approximate message passing".
    """

    def __init__(self, grid: SlotGrid, waveform: Waveform, modulation: Modulation, *, iterations: int = 6) -> None:
        self._grid, self._waveform, self._modulation, self._iterations = grid, waveform, modulation, iterations

    def __call__(self, received: tf.Tensor, known: tf.Tensor, noise_variance: tf.Tensor) -> Equalised:
        """As `Detector`."""
        data, channel, noise = (self._grid.data_of(each) for each in (received, known, noise_variance))
        power = tf.square(tf.math.real(channel)) + tf.square(tf.math.imag(channel))
        mean, variance = tf.zeros_like(data), tf.ones_like(noise)

        def turn(
            number: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor, symbols: tf.Tensor, left: tf.Tensor
        ) -> tuple[tf.Tensor, ...]:
            del symbols, left
            symbols, left = self._from_elements(data, channel, power, noise, mean, variance)
            return number + 1, *self._from_symbols(symbols, left), symbols, left

        state = (tf.constant(0), mean, variance, mean, variance)
        *_, symbols, left = tf.while_loop(lambda number, *_: number < self._iterations, turn, state)
        return Equalised(symbols=symbols, noise_variance=left)

    def _from_elements(
        self,
        data: tf.Tensor,
        channel: tf.Tensor,
        power: tf.Tensor,
        noise: tf.Tensor,
        mean: tf.Tensor,
        variance: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """What the elements tell the symbols: unbiased symbols and the variance left on them."""
        prior = self._waveform.spread(mean)
        share = variance / (variance * power + noise)
        posterior = prior + tf.cast(share, tf.complex64) * tf.math.conj(channel) * (data - channel * prior)
        after = tf.minimum(block_mean(share * noise, self._waveform), (1.0 - 1e-6) * variance)
        left = 1.0 / (1.0 / after - 1.0 / variance)
        weighted = self._waveform.despread(posterior) / tf.cast(after, tf.complex64)
        return tf.cast(left, tf.complex64) * (weighted - mean / tf.cast(variance, tf.complex64)), left

    def _from_symbols(self, symbols: tf.Tensor, left: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """What the symbols tell the elements: a mean and the variance of its error."""
        expected, spread = self._modulation.expect(symbols, left)
        after = tf.clip_by_value(block_mean(spread, self._waveform), 1e-6, (1.0 - 1e-6) * left)
        variance = 1.0 / (1.0 / after - 1.0 / left)
        weighted = expected / tf.cast(after, tf.complex64) - symbols / tf.cast(left, tf.complex64)
        return tf.cast(variance, tf.complex64) * weighted, variance
