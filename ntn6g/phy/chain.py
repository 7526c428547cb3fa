"""One batch of blocks through one link: bits, code, grid, channel, noise, receiver, decoder."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol

import tensorflow as tf

from ntn6g.channel import ChannelRealization
from ntn6g.core import random
from ntn6g.core.errors import ScenarioError
from ntn6g.phy.air import Left, SamplePath, SubcarrierPath, SynchronisedPath
from ntn6g.phy.grid import SlotGrid
from ntn6g.phy.link_values import LinkValues, noise_variance_of
from ntn6g.phy.modulation import Modulation
from ntn6g.phy.on_board import OnBoard
from ntn6g.phy.outcome import LinkOutcome
from ntn6g.phy.receiver import Equalised, LeastSquaresEstimator, PhaseTracker
from ntn6g.phy.receivers import Detector, LmmseEstimator, OneTap
from ntn6g.phy.synchronisation import precompensate
from ntn6g.phy.waveforms import CpOfdm, Waveform


class Fading(Protocol):
    """Draws a realisation for each block of a batch."""

    def __call__(
        self,
        keys: tf.Tensor,
        *,
        times_s: tf.Tensor,
        delay_spread_s: tf.Tensor,
        doppler_hz: tf.Tensor,
        k_factor_db: tf.Tensor,
        elevation_rad: tf.Tensor,
        start_s: tf.Tensor | None = None,
    ) -> ChannelRealization:
        """Keys uint32 [B, 2], times [T] and per-block values [B] to a realisation; its path loss adds to the noise.

        ``start_s`` float32 [B], where given, is when each block's slot begins on the clock of its fading.
        """
        ...


class Code(Protocol):
    """A transport block's code."""

    block_bits: int

    def encode(self, bits: tf.Tensor) -> tf.Tensor:
        """Float32 bits [B, block_bits] to coded bits [B, coded_bits]."""
        ...

    def decode(self, llr: tf.Tensor) -> Any:
        """Float32 ratios [B, coded_bits] to an object with ``bits``, ``crc_ok`` and ``iterations``."""
        ...


@dataclass(frozen=True, kw_only=True)
class Reception:
    """How data is spread and found again: CP-OFDM, one tap and least squares where nothing is given.

    ``despread`` tells least squares to average pairs of DM-RS elements, see `LeastSquaresEstimator`.
    """

    waveform: Waveform | None = None
    detector: Detector | None = None
    estimator: LmmseEstimator | None = None
    despread: bool = False


_PLAIN = Reception()


class LinkChain:
    """The composition: what enters is a key per block and its values, what leaves is a `LinkOutcome`.

    Parameters
    ----------
    grid : SlotGrid
        The slot.
    modulation : Modulation
        Constellation of the data elements.
    code : Code or None
        None sends as many uncoded bits as the grid holds.
    fading : Fading
        Generator of the small-scale channel.
    perfect_csi : bool
        True hands the receiver the channel on every element; False estimates it on the DM-RS, and its phase on the
        PT-RS where the grid has one.
    air : SubcarrierPath, SamplePath or SynchronisedPath
        How the channel acts: as factors on the slot's elements, or on its samples.
    payload : OnBoard, optional
        Filter and amplifier of the end that sends, between transmitter and channel; behind a feeder link noise of
        ``feeder_noise_variance`` goes through both, and through the channel, with the signal.
    reception : Reception
        How the data is spread over its elements, detected, and the channel estimated.
    """

    values_type: ClassVar[type[LinkValues]] = LinkValues

    def __init__(
        self,
        *,
        grid: SlotGrid,
        modulation: Modulation,
        code: Code | None,
        fading: Fading,
        perfect_csi: bool,
        air: SubcarrierPath | SamplePath | SynchronisedPath,
        reception: Reception = _PLAIN,
        payload: OnBoard | None = None,
    ) -> None:
        self.grid = grid
        self._waveform = reception.waveform or CpOfdm(grid)
        self._detect = reception.detector or OneTap(grid, self._waveform)
        self._covariance = reception.estimator
        self.modulation = modulation
        self.code = code
        self.fading = fading
        self._plain = isinstance(self._detect, OneTap) and isinstance(self._waveform, CpOfdm)
        self._plain &= reception.estimator is None and not isinstance(air, SynchronisedPath)
        known = perfect_csi or reception.estimator is not None
        self._estimate = None if known else LeastSquaresEstimator(grid, despread=reception.despread)
        self._track = PhaseTracker(grid) if len(grid.ptrs_symbols) else None
        self._air = air
        self._payload = payload
        self._feeder = payload is not None and payload.feeder

    @property
    def block_bits(self) -> int:
        """Transport-block bits of one block (all bits of the grid when uncoded)."""
        return self.code.block_bits if self.code else self.coded_bits

    @property
    def coded_bits(self) -> int:
        """Bits that the data elements carry."""
        return self.grid.data_elements * self.modulation.bits_per_symbol

    def __call__(self, keys: tf.Tensor, values: LinkValues) -> LinkOutcome:
        """Run one batch: keys uint32 [B, 2], values [B]."""
        bits = random.bits(random.stream(keys, "bits"), self.block_bits)
        coded = self.code.encode(bits) if self.code else bits
        equalised, sinr = self.transfer(keys, values, coded)
        return self._count(bits, coded, equalised, sinr)

    def transfer(
        self,
        keys: tf.Tensor,
        values: LinkValues,
        coded: tf.Tensor,
        *,
        noise_keys: tf.Tensor | None = None,
        start_s: tf.Tensor | None = None,
    ) -> tuple[Equalised, tf.Tensor]:
        """One slot through channel and receiver: coded bits [B, coded_bits] to equalised data and SINR [B].

        Parameters
        ----------
        noise_keys : uint32 [B, 2], optional
            Keys of the noise where a block is sent again; by default those of its first transmission.
        start_s : float32 [B], optional
            When the slot begins on the clock of the block's fading; 0 by default.
        """
        sent = self._waveform.spread(self.modulation.map(coded))
        drawn = self._draw(keys, values, start_s)
        noise_variance = noise_variance_of(keys, values, drawn.path_loss_db)
        noise_keys = random.stream(keys, "noise") if noise_keys is None else noise_keys
        received, channel, left = self._propagate(drawn, values, self.grid.fill(sent), (noise_keys, noise_variance))
        mean_variance, noise = noise_variance, noise_variance[:, None, None]
        if self._feeder:  # its noise arrives as the signal does, so a receiver that knows the channel knows it
            mean_variance += values.feeder_noise_variance * tf.reduce_mean(_power(channel), axis=[1, 2])
        known, error = self._channel_knowledge(received, channel, mean_variance, values)
        if self._feeder:
            noise += values.feeder_noise_variance[:, None, None] * _power(known)
        equalised = replace(self._detect(received, known, noise + error), left=left)
        return equalised, _sinr(self.grid.data_of(received), self.grid.data_of(known) * sent)

    def element_quality(self, keys: tf.Tensor, values: LinkValues) -> tuple[tf.Tensor, tf.Tensor]:
        r"""What each data element of a block is worth before any noise is drawn, float32 [B, coded symbols] twice.

        Of the channel h the linear estimator makes :math:`\bar h` without noise, to which the noise of the DM-RS adds
        an error of variance :math:`g N_0`. What it misses, :math:`h - \bar h`, is noise to the receiver:

        .. math:: \rho = |\bar h|^2 / (N_0 + |h - \bar h|^2), \quad g' = g N_0 / (N_0 + |h - \bar h|^2).

        Returned are :math:`\rho` and :math:`g'`, that is :math:`|h|^2 / N_0` and 0 where the channel is known. Draws
        are those of `transfer` at equal keys. `ntn6g.phy.abstraction.EstimatedChannel` makes one ratio of both, from
        which effective-SINR mappings foretell the block error rate.

        Raises
        ------
        ScenarioError
            A payload is on the way, whose noise and distortion are no part of this; or waveform, receiver, estimator or
            synchroniser are others than those of plain CP-OFDM.
        """
        if self._payload is not None:
            raise ScenarioError("a link through it has no element quality", key=self._payload.key)
        if not self._plain:
            raise ScenarioError("only CP-OFDM with one tap and least squares has an element quality", key="link")
        drawn = self._draw(keys, values, None)
        variance = noise_variance_of(keys, values, drawn.path_loss_db)
        silent = tf.zeros([keys.shape[0], self.grid.data_elements], tf.complex64)
        received, channel = self._heard(self._moving(drawn, values), self.grid.fill(silent), values)
        known, error = self._channel_knowledge(received, channel, variance, values)
        noise = variance[:, None, None] + _power(channel - known)
        return self.grid.data_of(_power(known) / noise), self.grid.data_of(error / noise)

    def _draw(self, keys: tf.Tensor, values: LinkValues, start_s: tf.Tensor | None) -> ChannelRealization:
        later = {} if start_s is None else {"start_s": start_s}
        if getattr(self.fading, "grounded", False):
            later["place_m"] = tf.stack([values.east_m, values.north_m], 1)
        return self.fading(
            keys,
            times_s=self._air.times_s.astype("float32"),
            delay_spread_s=values.delay_spread_s,
            doppler_hz=values.doppler_hz,
            k_factor_db=values.k_factor_db,
            elevation_rad=values.elevation_rad,
            **later,
        )

    def _propagate(
        self,
        drawn: ChannelRealization,
        values: LinkValues,
        grid_values: tf.Tensor,
        noise: tuple[tf.Tensor, tf.Tensor],
    ) -> tuple[tf.Tensor, tf.Tensor, Left | None]:
        """Received grid and the true channel of every element, both complex64 [B, 14, subcarriers]; what is left.

        ``noise`` holds its keys, uint32 [B, 2], and its variance, float32 [B].
        """
        noise_keys, variance = noise
        moving, left = self._moving(drawn, values), None
        level = tf.ones([], tf.complex64)
        if self._feeder:
            grid_values += _noise_like(grid_values, random.stream(noise_keys, "feeder"), values.feeder_noise_variance)
            level = tf.cast(tf.sqrt(1.0 + values.feeder_noise_variance), tf.complex64)[:, None, None]
        if self._payload is not None:  # its back-off counts all that it amplifies
            carried = self._payload(grid_values / level, values.amplifier_drive, values.amplifier_scale)
            grid_values = carried * level
        if isinstance(self._air, SynchronisedPath):  # which needs the noise where the samples are
            beam = self._beam(values)
            received, channel, left = self._air.hear(moving, grid_values * beam, noise_keys, variance)
            channel *= beam
        else:
            received, channel = self._heard(moving, grid_values, values)
        if self._payload is not None:
            channel *= self._payload.wanted(tf.complex(values.amplifier_gain_real, values.amplifier_gain_imag))
        if left is not None:
            return received, channel, left
        return received + _noise_like(received, noise_keys, variance), channel, None

    def _heard(self, moving: ChannelRealization, sent: tf.Tensor, values: LinkValues) -> tuple[tf.Tensor, tf.Tensor]:
        """What arrives without noise, and the true channel with the antennas' squint."""
        beam = self._beam(values)
        received, channel = self._air(moving, sent * beam)
        return received, channel * beam

    def _beam(self, values: LinkValues) -> tf.Tensor:
        """Factor on the subcarriers, complex64, which broadcasts against a grid; all paths have the line of sight's."""
        if values.squint.shape.rank == 1:
            return tf.ones([], tf.complex64)
        return tf.cast(values.squint, tf.complex64)[:, None]

    def _moving(self, drawn: ChannelRealization, values: LinkValues) -> ChannelRealization:
        """The drawn realization on its way, bulk terms compensated."""
        moving = drawn.with_bulk(
            delay_s=values.delay_s,
            range_rate_m_s=values.range_rate_m_s,
            range_acceleration_m_s2=values.range_acceleration_m_s2,
            carrier_hz=values.carrier_hz,
            path_loss_db=values.path_loss_db,
        )
        return precompensate(
            moving,
            residual_offset_hz=values.residual_offset_hz,
            residual_delay_s=values.residual_delay_s,
            residual_doppler_rate_hz_s=values.residual_doppler_rate_hz_s,
            residual_delay_rate=values.residual_delay_rate,
        )

    def _channel_knowledge(
        self, received: tf.Tensor, channel: tf.Tensor, noise_variance: tf.Tensor, values: LinkValues
    ) -> tuple[tf.Tensor, tf.Tensor]:
        if self._covariance is not None:
            known, error = self._covariance(
                received,
                noise_variance,
                delay_spread_s=values.delay_spread_s,
                k_factor_db=values.k_factor_db,
                late_s=values.residual_delay_s,
            )
        elif self._estimate is not None:
            known, error = self._estimate(received, noise_variance)
        else:
            return channel, tf.zeros(channel.shape, tf.float32)
        return known if self._track is None else self._track(received, known), error

    def _count(self, bits: tf.Tensor, coded: tf.Tensor, equalised: Equalised, sinr: tf.Tensor) -> LinkOutcome:
        batch = bits.shape[0]
        hard = self.modulation.decide(equalised.symbols)
        uncoded_errors = _differences(hard, coded)
        if self.code is None:
            decided, crc_ok = hard, tf.zeros([batch], tf.bool)
            iterations = tf.zeros([batch], tf.int32)
        else:
            decoded = self.code.decode(self.modulation.llr(equalised.symbols, equalised.noise_variance))
            decided, crc_ok, iterations = decoded.bits, decoded.crc_ok, decoded.iterations
        errors = _differences(decided, bits)
        return LinkOutcome(
            bits=tf.fill([batch], self.block_bits),
            bit_errors=errors,
            uncoded_bits=tf.fill([batch], self.coded_bits),
            uncoded_bit_errors=uncoded_errors,
            block_error=errors > 0,
            undetected_error=(errors > 0) & crc_ok,
            sinr=sinr,
            iterations=iterations,
            left=equalised.left,
        )


def _noise_like(grid: tf.Tensor, keys: tf.Tensor, variance: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.sqrt(variance), tf.complex64)[:, None, None] * random.complex_normal(keys, tuple(grid.shape[1:]))


def _differences(decided: tf.Tensor, sent: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.cast(decided != sent, tf.int32), axis=1)


def _power(values: tf.Tensor) -> tf.Tensor:
    return tf.square(tf.math.real(values)) + tf.square(tf.math.imag(values))


def _sinr(received: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
    rest = tf.reduce_sum(_power(received - wanted), axis=1)
    return tf.reduce_sum(_power(wanted), axis=1) / tf.maximum(rest, 1e-30)
