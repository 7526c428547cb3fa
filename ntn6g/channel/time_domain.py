"""A realization applied to samples: delays that drift, Doppler within a symbol, gains that change.

Samples are cut into overlapping segments. Within one, every path's gain is a polynomial of time, and so is the turn
that a drifting delay gives a frequency; each power of time is then a filter, applied as a product of spectra. Nothing
is assumed about the waveform but its bandwidth.
"""

import math

import numpy as np
import tensorflow as tf
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from ntn6g.channel.realization import ChannelRealization
from ntn6g.channel.response import once, phasor


def following_error(turn_hz: float, segment_s: float, degree: int) -> float:
    r"""Power of what a polynomial misses of a path that turns steadily, over the path's power.

    A turn by x rad over half a segment is read at the Chebyshev points. Interpolated between them it errs by about

    .. math:: \frac{x^{n+1}}{2^n (n+1)!} T_{n+1}(u), \qquad x = \pi f\,T_{seg},

    for a degree n (the remainder of Chebyshev interpolation); here the mean over the segment is computed, at any x.

    Parameters
    ----------
    turn_hz : float
        Frequency f of the turn.
    segment_s : float
        Duration of a segment.
    degree : int
        n.
    """
    nodes, place = chebyshev.chebpts1(degree + 1), np.linspace(-1.0, 1.0, 401)
    x = math.pi * turn_hz * segment_s
    weights = chebyshev.chebfit(nodes, np.stack([np.cos(x * nodes), np.sin(x * nodes)], 1), degree)
    followed = chebyshev.chebval(place, weights)
    return float(np.mean((followed[0] - np.cos(x * place)) ** 2 + (followed[1] - np.sin(x * place)) ** 2))


class TimeDomainChannel:
    """Applies realizations to blocks of samples.

    Parameters
    ----------
    samples : int
        Samples of a block.
    sample_rate_hz : float
        Of the complex baseband.
    bandwidth_hz : float
        Two-sided width that the signal occupies about the carrier, at most 0.9 of the sample rate. Between it and
        the sample rate the filters fall to zero.
    degree : int
        Of the polynomials in time; `following_error` says what they leave out.
    points : int
        Of the transforms, 256 or more; three quarters of them are the segment over which one polynomial holds.

    Raises
    ------
    ValueError
        For a bandwidth beyond 0.9 of the sample rate.
    """

    def __init__(
        self,
        samples: int,
        sample_rate_hz: float,
        bandwidth_hz: float,
        *,
        degree: int = 2,
        points: int = 1024,
    ) -> None:
        if bandwidth_hz > 0.9 * sample_rate_hz:
            raise ValueError(
                f"{bandwidth_hz / 1e6:g} MHz at {sample_rate_hz / 1e6:g} MHz leave no room for the filters; "
                "sample at 1.12 times the bandwidth or more"
            )
        self.samples, self.degree = samples, degree
        self._rate_hz, self._bandwidth_hz = sample_rate_hz, bandwidth_hz
        self._points, self._hop = points, 3 * points // 4
        self._tail = points // 16  # filters look this far ahead, and three times as far back
        self._look_back = points - self._hop - self._tail
        self._segments = -(-samples // self._hop)

    @property
    def max_delay_s(self) -> float:
        """Longest delay, bulk and excess together, that a segment's look back covers."""
        return (self._look_back - self._tail) / self._rate_hz

    @property
    def earliest_s(self) -> float:
        """Least delay, negative: how far the filters look ahead, with as much again for what rings."""
        return -0.5 * self._tail / self._rate_hz

    @property
    def segment_s(self) -> float:
        """How long one polynomial of time holds."""
        return (self._hop - 1) / self._rate_hz

    @property
    def times_s(self) -> NDArray[np.float64]:
        """Instants at which the realization must give its gains, [segments x (degree + 1)] from the first sample."""
        half = 0.5 * (self._hop - 1)
        within = half + half * self._nodes
        starts = self._hop * np.arange(self._segments)
        return np.asarray((starts[:, None] + within).reshape(-1) / self._rate_hz)

    @property
    def _nodes(self) -> NDArray[np.float64]:
        """Chebyshev points, where the interpolating polynomial is nearly the best one."""
        return np.asarray(chebyshev.chebpts1(self.degree + 1))

    def __call__(self, realization: ChannelRealization, samples: tf.Tensor) -> tf.Tensor:
        r"""What is received: complex64 [B, samples] to [B, samples].

        .. math:: y(t) = \sum_p g_p(t) e^{j 2\pi (f_D t + f_D' t^2 / 2)} x(t - D - D' t - \tau_p)

        with t from the first sample on. Before the first sample there is silence.

        Parameters
        ----------
        realization : ChannelRealization
            One antenna at each end, gains at `times_s`; the bulk delay is what timing has left, ``max_delay_s`` at
            most.
        samples : [B, samples], complex64
            What is sent.
        """
        spectra = tf.signal.fft(self._cut(samples))
        filters = self._filters(realization)
        place = (np.arange(self._hop) - 0.5 * (self._hop - 1)) / (0.5 * (self._hop - 1))
        total: tf.Tensor = 0.0
        for power, response in enumerate(filters):
            part = tf.signal.ifft(spectra * response)[..., self._look_back : self._look_back + self._hop]
            total += part * tf.constant(place**power, tf.complex64)
        received = tf.reshape(total, [samples.shape[0], -1])[:, : self.samples]
        return received * self._turn(realization)

    def _cut(self, samples: tf.Tensor) -> tf.Tensor:
        """Overlapping segments [B, segments, points]."""
        end = self._segments * self._hop + self._tail - self.samples
        padded = tf.pad(samples, [[0, 0], [self._look_back, end]])
        starts = [self._hop * s for s in range(self._segments)]
        return tf.stack([padded[:, start : start + self._points] for start in starts], 1)

    def _filters(self, realization: ChannelRealization) -> list[tf.Tensor]:
        """Responses [B, segments, points] that belong to each power of time."""
        bins = np.fft.fftfreq(self._points, 1.0 / self._rate_hz)
        frequencies = tf.constant(bins, tf.float32)
        rate = realization.bulk_delay_rate
        delay_s = tf.cast(realization.excess_delay_s, tf.float64) / (1.0 - rate)[:, None]
        cosine, sine = self._delays(tf.cast(delay_s, tf.float32), frequencies)
        coefficients = self._polynomials(realization.gain[:, 0, 0])
        # a drifting delay turns a frequency by exp(-j x u), u from -1 to 1 over the segment
        half_s = 0.5 * (self._hop - 1) / self._rate_hz
        drift = -2.0 * math.pi * tf.cast(rate * half_s, tf.float32)[:, None] * frequencies
        common = self._common(realization, frequencies)
        series = [tf.ones_like(drift)]
        for power in range(1, self.degree + 1):
            series.append(series[-1] * drift / power)
        sums = [_over_paths(coefficients[power], cosine, sine) for power in range(self.degree + 1)]
        filters = []
        for power in range(self.degree + 1):
            total: tf.Tensor = 0.0
            for earlier in range(power + 1):
                turned = tf.cast(series[power - earlier], tf.complex64) * (1j ** (power - earlier))
                total += sums[earlier] * turned[:, None, :]
            filters.append(total * common)
        return filters

    def _delays(self, delay_s: tf.Tensor, frequencies: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Phasors of the excess delays [B, path, points]."""
        like = delay_s[:, :, None]
        cosine, sine = phasor(-like * frequencies)
        return once(cosine, like), once(sine, like)

    def _polynomials(self, gain: tf.Tensor) -> list[tf.Tensor]:
        """Coefficients of each power of u, [B, path, segments], from gains [B, path, segments x nodes]."""
        count = self.degree + 1
        inverse = np.linalg.inv(np.vander(self._nodes, count, increasing=True))
        shaped = tf.reshape(gain, [gain.shape[0], gain.shape[1], self._segments, count])
        return [
            sum(shaped[..., node] * tf.constant(inverse[power, node], tf.complex64) for node in range(count))
            for power in range(count)
        ]

    def _common(self, realization: ChannelRealization, frequencies: tf.Tensor) -> tf.Tensor:
        """Bulk delay at the middle of each segment, and the fall beyond the signal's band: [B, segments, points]."""
        middle_s = (self._hop * np.arange(self._segments) + 0.5 * (self._hop - 1)) / self._rate_hz
        delay_s = realization.bulk_delay_s[:, None] + realization.bulk_delay_rate[:, None] * middle_s
        cosine, sine = phasor(-tf.cast(delay_s, tf.float32)[..., None] * frequencies)
        return tf.complex(cosine, sine) * tf.constant(self._taper(), tf.complex64)

    def _taper(self) -> NDArray[np.float64]:
        """One inside the band, a smooth fall to zero at half the sample rate."""
        frequency = np.abs(np.fft.fftfreq(self._points, 1.0 / self._rate_hz))
        inner, outer = 0.5 * self._bandwidth_hz, 0.5 * self._rate_hz
        share = np.clip((frequency - inner) / (outer - inner), 0.0, 1.0)
        return np.asarray(np.cos(0.5 * math.pi * np.sin(0.5 * math.pi * share) ** 2) ** 2)

    def _turn(self, realization: ChannelRealization) -> tf.Tensor:
        """Bulk Doppler of every sample, complex64 [B, samples]; cycles are reduced in double precision."""
        time_s = np.arange(self.samples) / self._rate_hz
        cycles = realization.bulk_doppler_hz[:, None] * time_s
        cycles += 0.5 * realization.bulk_doppler_rate_hz_s[:, None] * time_s**2
        cosine, sine = phasor(tf.cast(cycles - tf.round(cycles), tf.float32))
        return tf.complex(cosine, sine)


def _over_paths(coefficients: tf.Tensor, cosine: tf.Tensor, sine: tf.Tensor) -> tf.Tensor:
    """Sum of the paths' phasors [B, path, points] with weights [B, path, segments]: [B, segments, points]."""
    real, imaginary = 0.0, 0.0
    for path in range(coefficients.shape[1]):
        a, b = (part[:, path, :, None] for part in (tf.math.real(coefficients), tf.math.imag(coefficients)))
        c, d = cosine[:, path, None, :], sine[:, path, None, :]
        real, imaginary = real + (a * c - b * d), imaginary + (a * d + b * c)
    return tf.complex(real, imaginary)
