"""Search for a known signal over delays and Doppler shifts by a non-coherent correlator."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from ntn6g.core.errors import ScenarioError
from ntn6g.orbit.state import TensorRecord


@dataclass(frozen=True, eq=False)
class Acquired(TensorRecord):
    """What a search found, [B] each: whether the strongest cell passed the threshold, and which it was.

    ``statistic`` float32 is the cell's, in units of its mean without signal; ``hypothesis``, ``doppler_bin`` and
    ``delay_samples`` int32 say which reference, which of the Doppler shifts tried and how many samples late.
    """

    found: tf.Tensor
    statistic: tf.Tensor
    hypothesis: tf.Tensor
    doppler_bin: tf.Tensor
    delay_samples: tf.Tensor


def threshold_of(false_alarm: float, cells: int, *, repeats: int = 1) -> float:
    r"""Threshold at which noise alone passes in any of the cells with a given probability.

    Without signal the statistic of a cell is the sum of ``repeats`` exponential deviates of mean one, so that with
    independent cells :math:`(1 - Q(R, \gamma))^{cells} = 1 - P_{FA}`; for one repeat
    :math:`\gamma = -\ln(1 - (1 - P_{FA})^{1/cells})`. Cells nearer than an inverse bandwidth or an inverse duration
    are alike; the probability is then smaller than asked for.

    Raises
    ------
    ScenarioError
        A probability outside (0, 1).
    """
    if not 0.0 < false_alarm < 1.0:
        raise ScenarioError(f"{false_alarm:g} is no probability between 0 and 1", key="false_alarm")
    single = -np.expm1(np.log1p(-false_alarm) / cells)
    return float(stats.gamma.isf(single, repeats))


def mismatch_loss(error_hz: ArrayLike, duration_s: float) -> NDArray[np.float64]:
    r"""Share of the correlation's energy that a Doppler shift leaves, :math:`\mathrm{sinc}^2(\Delta f\,T)`."""
    return np.asarray(np.sinc(np.asarray(error_hz, np.float64) * duration_s) ** 2)


def detection_probability(snr: ArrayLike, threshold: float, *, repeats: int = 1) -> NDArray[np.float64]:
    r"""Probability that the signal's own cell passes on white noise.

    .. math:: P_D = Q_R\left(\sqrt{2 R\,\mathrm{SNR}}, \sqrt{2\gamma}\right)

    with the generalised Marcum function, of first order for one repeat.

    Parameters
    ----------
    snr : [...]
        Energy of the reference as received over the noise density, each repeat, `mismatch_loss` included.
    threshold : float
        Of `threshold_of`.
    repeats : int
        Non-coherent sums, each with the same energy and a phase of its own.

    References
    ----------
    J. I. Marcum, IRE Trans. Inf. Theory 6(2), 1960; M. A. Richards, "Fundamentals of Radar Signal Processing".
    """
    return np.asarray(stats.ncx2.sf(2.0 * threshold, 2 * repeats, 2.0 * repeats * np.asarray(snr, np.float64)))


class Acquisition:
    r"""Correlator over hypotheses, Doppler shifts and delays.

    .. math:: T = \sum_{r} \frac{|\sum_n y_r[n + d]\,s^*[n]\,e^{-j2\pi f n/f_s}|^2}{\sigma^2\sum_n |s[n]|^2}

    Parameters
    ----------
    references : complex [hypotheses, n]
        Signals looked for, such as a symbol with each of the three PSS.
    sample_rate_hz : float
        Samples per second.
    doppler_hz : sequence of float
        Shifts tried.
    delays : int
        Delays tried, 0 to ``delays - 1`` samples.
    false_alarm : float
        Probability that noise alone is taken for a signal in any cell of the search.
    repeats : int
        Occasions whose statistics are summed.
    """

    def __init__(
        self,
        references: ArrayLike,
        *,
        sample_rate_hz: float,
        doppler_hz: Sequence[float],
        delays: int,
        false_alarm: float,
        repeats: int = 1,
    ) -> None:
        signals = np.atleast_2d(np.asarray(references, np.complex128))
        self.doppler_hz, self.delays, self.repeats = np.asarray(doppler_hz, np.float64), delays, repeats
        self.samples = signals.shape[1] + delays - 1
        self.cells = signals.shape[0] * self.doppler_hz.size * delays
        self.threshold = threshold_of(false_alarm, self.cells, repeats=repeats)
        self._points = 1 << (self.samples - 1).bit_length()
        turn = np.exp(2j * np.pi * np.outer(self.doppler_hz, np.arange(signals.shape[1])) / sample_rate_hz)
        scaled = signals / np.sqrt(np.sum(np.abs(signals) ** 2, axis=1, keepdims=True))
        replicas = scaled[:, None, :] * turn[None]  # [hypotheses, Doppler, n]
        self._spectra = np.conj(np.fft.fft(replicas, self._points)).astype(np.complex64)

    def statistics(self, received: tf.Tensor, noise_variance: tf.Tensor) -> tf.Tensor:
        """Statistic of every cell: complex64 [B, repeats, samples] to float32 [B, hypotheses, Doppler, delays].

        ``noise_variance`` float32 [B] is that of a complex sample.
        """
        fill = self._points - received.shape[2]
        spectra = tf.signal.fft(tf.pad(received, [[0, 0], [0, 0], [0, fill]]))
        total: tf.Tensor = 0.0
        for repeat in range(self.repeats):
            matched = tf.signal.ifft(spectra[:, repeat, None, None, :] * self._spectra)[..., : self.delays]
            total += tf.square(tf.math.real(matched)) + tf.square(tf.math.imag(matched))
        return total / noise_variance[:, None, None, None]

    def __call__(self, received: tf.Tensor, noise_variance: tf.Tensor) -> Acquired:
        """Strongest cell of a search; arguments as in `statistics`."""
        found = self.statistics(received, noise_variance)
        flat = tf.reshape(found, [found.shape[0], -1])
        best, cell = tf.reduce_max(flat, axis=1), tf.argmax(flat, axis=1, output_type=tf.int32)
        per_hypothesis = self.doppler_hz.size * self.delays
        return Acquired(
            found=best > self.threshold,
            statistic=best,
            hypothesis=cell // per_hypothesis,
            doppler_bin=cell % per_hypothesis // self.delays,
            delay_samples=cell % self.delays,
        )
