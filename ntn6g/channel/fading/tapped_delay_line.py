"""Rayleigh and Rician taps whose every row is drawn from its own key."""

import math

import tensorflow as tf

from ntn6g.channel.fading.profile import Profile
from ntn6g.channel.realization import ChannelRealization
from ntn6g.channel.response import phasor
from ntn6g.core import random


class TappedDelayLine:
    r"""Generator of a tapped delay line with the classical (Jakes) Doppler spectrum.

    Path p scatters, with power :math:`P_p` and N sinusoids,

    .. math::
        h_p(t) = \sqrt{P_p / N} \sum_{n=0}^{N-1} c_{pn} \exp(j 2 \pi f_D t \cos(\pi (n + u_{pn}) / N)),

    where :math:`c_{pn}` are circular complex normal and :math:`u_{pn}` uniform, so the arrival angles are
    stratified over the half circle that holds every Doppler shift once. Every sample is exactly complex
    Gaussian for any N, and the autocorrelation averages exactly to :math:`P_p J_0(2 \pi f_D \tau)`. What N
    limits is the scatter of the autocorrelation of single draws about its mean, which makes :math:`|h|^2` at
    two times more alike than in a Gaussian process: with the default of 16 by 1e-4 at
    :math:`f_D \tau = 0.16`, 4e-3 at one cycle and at most 1/16 at long lags (two to four times as much over
    the full circle). Doubling N doubles the time.

    The line of sight, where the profile has one, is :math:`\sqrt{P_0} \exp(j 2 \pi (r f_D t + \phi))` with a
    uniform phase. Normal deviates are drawn, then scaled: one key gives the same draw at any delay spread,
    K-factor and Doppler shift.

    Parameters
    ----------
    profile : Profile
        Delays and powers.
    sinusoids : int
        N above.
    los_doppler_ratio : float
        r above, the cosine of the angle between motion and line of sight: 0.7 (TR 38.901 V16.1.0, 7.7.2).

    References
    ----------
    R. H. Clarke, Bell Syst. Tech. J. 47(6), 1968 (spectrum); C. Xiao, Y. R. Zheng and N. C. Beaulieu, IEEE
    Trans. Wireless Commun. 5(12), 2006 (stratified random angles); 3GPP TR 38.811 V15.1.0, 6.9.2.
    """

    def __init__(self, profile: Profile, *, sinusoids: int = 16, los_doppler_ratio: float = 0.7) -> None:
        self.profile = profile
        self._sinusoids = sinusoids
        self._los_doppler_ratio = los_doppler_ratio

    def __call__(
        self,
        keys: tf.Tensor,
        *,
        times_s: tf.Tensor,
        delay_spread_s: tf.Tensor,
        doppler_hz: tf.Tensor,
        k_factor_db: tf.Tensor | None = None,
        elevation_rad: tf.Tensor | None = None,
        start_s: tf.Tensor | None = None,
    ) -> ChannelRealization:
        """Draw one realization per key.

        Parameters
        ----------
        keys : [B, 2], uint32
            Keys of the blocks; the stream ``channel`` of each is used.
        times_s : [T], float32
            Sampling times after the start of the block, shared by all rows. The phase keeps 1e-5 rad while
            Doppler shift times time stays below 20 cycles.
        delay_spread_s : [B], float32
            RMS delay spread, line of sight included.
        doppler_hz : [B], float32
            Maximum Doppler shift v f / c of the terminal's own motion (not the satellite's).
        k_factor_db : [B], float32, optional
            Total K-factor, the profile's own if None; ignored by profiles without line of sight.
        elevation_rad : optional
            Does not enter: delay spread and K-factor hold what the elevation does.
        start_s : [B], float32, optional
            When ``times_s`` begins on the clock of each row's fading, 0 if None: one key at two starts gives one
            process at two instants. Rounding turns all samples of a row alike, however late it starts.

        Returns
        -------
        ChannelRealization
            ``gain`` [B, 1, 1, path, T] of mean total power one; bulk terms zero.
        """
        stream = random.stream(keys, "channel")
        los_power, scattered_power, excess_delay_s = self.profile.taps(delay_spread_s, k_factor_db)
        shape = (self.profile.paths, self._sinusoids)
        scattered = scattered_process(stream, doppler_hz, times_s, start_s, shape)
        gain = _complex(tf.sqrt(scattered_power))[:, :, None] * scattered
        if self.profile.line_of_sight:
            turning = direct_process(stream, self._los_doppler_ratio * doppler_hz, times_s, start_s)
            line_of_sight = _complex(tf.sqrt(los_power[:, :1])) * turning
            gain = tf.concat([gain[:, :1] + line_of_sight[:, None], gain[:, 1:]], 1)
        return ChannelRealization.without_bulk(gain[:, None, None], tf.cast(excess_delay_s, tf.float32))


def direct_process(
    stream: tf.Tensor, shift_hz: tf.Tensor, times_s: tf.Tensor, start_s: tf.Tensor | None
) -> tf.Tensor:
    """Line of sight of unit amplitude and uniform phase that turns with a Doppler shift [B]: complex64 [B, T]."""
    phase = random.uniform(random.stream(stream, "phase"), (1,))
    if start_s is not None:
        phase += shift_hz[:, None] * start_s[:, None]
        phase -= tf.floor(phase)
    return tf.complex(*phasor(phase + shift_hz[:, None] * times_s))


def scattered_process(
    stream: tf.Tensor,
    doppler_hz: tf.Tensor,
    times_s: tf.Tensor,
    start_s: tf.Tensor | None,
    shape: tuple[int, int],
) -> tf.Tensor:
    """Rayleigh processes of unit power, see `TappedDelayLine`: complex64 [B, path, T].

    ``shape`` holds the number of paths and of sinusoids for each; other arguments as in `TappedDelayLine`.
    """
    weight = random.complex_normal(random.stream(stream, "amplitude"), shape)
    sector = tf.range(shape[1], dtype=tf.float32) + random.uniform(random.stream(stream, "angle"), shape)
    shift_hz = doppler_hz[:, None, None] * phasor(sector / (2.0 * shape[1]))[0]
    if start_s is not None:
        weight *= tf.complex(*phasor(shift_hz * start_s[:, None, None]))
    # As a matrix product the draws are computed once; a fused sum computes them again for every time.
    rotation = tf.complex(*phasor(shift_hz[..., None] * times_s))
    return tf.matmul(weight[:, :, None], rotation)[:, :, 0] / math.sqrt(shape[1])


def _complex(real: tf.Tensor) -> tf.Tensor:
    return tf.complex(real, tf.zeros_like(real))
