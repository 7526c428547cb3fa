"""The record between channel and receiver: one draw of fading, relative to the line of sight.

Geometry is float64. Single precision begins here, after delay and phase have been made relative to the
line-of-sight path, whose own delay and Doppler shift travel beside the gain as the bulk terms.
"""

from dataclasses import dataclass, fields, replace
from typing import Any, Self

import tensorflow as tf

from ntn6g.core.constants import SPEED_OF_LIGHT_M_S


@dataclass(frozen=True, kw_only=True)
class ChannelRealization:
    """Gain and delay of every path of a batch of blocks; may cross the boundary of a ``tf.function``.

    The signal received at time t after the start of the block is, with bulk delay D and Doppler shift f_D,

        y(t) = sum_p gain_p(t) exp(j 2 pi (f_D t + f_D' t^2 / 2)) x(t - D - D' t - excess_delay_p).

    Attributes
    ----------
    gain : [B, rx, tx, path, time], complex64
        Path gains of mean total power one, holding the terminal's own fading but no bulk term.
    excess_delay_s : [B, path], float32
        Delay of each path after the first.
    bulk_delay_s, bulk_delay_rate : [B], float64
        Line-of-sight delay D at the start of the block and its rate D' (s/s, negative when closing).
    bulk_doppler_hz, bulk_doppler_rate_hz_s : [B], float64
        Line-of-sight Doppler shift f_D, positive when closing, and its change f_D' per second.
    path_loss_db : [B], float32
        Loss that ``gain`` leaves out.
    valid : [B], bool
        False where there is no link (satellite below the horizon); the other fields are then finite but idle.
    """

    gain: tf.Tensor
    excess_delay_s: tf.Tensor
    bulk_delay_s: tf.Tensor
    bulk_delay_rate: tf.Tensor
    bulk_doppler_hz: tf.Tensor
    bulk_doppler_rate_hz_s: tf.Tensor
    path_loss_db: tf.Tensor
    valid: tf.Tensor

    @classmethod
    def without_bulk(cls, gain: tf.Tensor, excess_delay_s: tf.Tensor) -> Self:
        """Realization of a link at rest: bulk terms and path loss zero, every row valid."""
        zero = tf.zeros([gain.shape[0]], tf.float64)
        return cls(
            gain=gain,
            excess_delay_s=excess_delay_s,
            bulk_delay_s=zero,
            bulk_delay_rate=zero,
            bulk_doppler_hz=zero,
            bulk_doppler_rate_hz_s=zero,
            path_loss_db=tf.cast(zero, tf.float32),
            valid=tf.ones([gain.shape[0]], tf.bool),
        )

    def with_loss(self, path_loss_db: tf.Tensor) -> Self:
        """The same draw with this path loss, [B]."""
        return replace(self, path_loss_db=path_loss_db)

    def with_bulk(
        self,
        *,
        delay_s: tf.Tensor,
        range_rate_m_s: tf.Tensor,
        range_acceleration_m_s2: tf.Tensor,
        carrier_hz: tf.Tensor | float,
        path_loss_db: tf.Tensor | None = None,
        valid: tf.Tensor | None = None,
    ) -> Self:
        r"""The same draw on a moving link: :math:`D' = \dot d / c` and :math:`f_D = -f_c \dot d / c`.

        Parameters
        ----------
        delay_s, range_rate_m_s, range_acceleration_m_s2 : [B], float64
            Light time, range rate (positive when receding) and range acceleration at the start of the block.
            They describe the whole line of sight; a terminal motion that is already in them must not be given
            to the fading generator as well.
        carrier_hz : float64 scalar or [B]
            Carrier frequency.
        path_loss_db : [B], optional
            Replaces the path loss.
        valid : [B], bool, optional
            Replaces the mask.

        References
        ----------
        3GPP TR 38.811 V15.1.0, 6.7.1 and 6.9.2: the satellite's Doppler shift is common to all taps.
        """
        rate = tf.convert_to_tensor(range_rate_m_s, tf.float64) / SPEED_OF_LIGHT_M_S
        change = tf.convert_to_tensor(range_acceleration_m_s2, tf.float64) / SPEED_OF_LIGHT_M_S
        carrier_hz = tf.convert_to_tensor(carrier_hz, tf.float64)
        return replace(
            self,
            bulk_delay_s=tf.convert_to_tensor(delay_s, tf.float64),
            bulk_delay_rate=rate,
            bulk_doppler_hz=-carrier_hz * rate,
            bulk_doppler_rate_hz_s=-carrier_hz * change,
            path_loss_db=self.path_loss_db if path_loss_db is None else tf.cast(path_loss_db, tf.float32),
            valid=self.valid if valid is None else valid,
        )

    def __tf_flatten__(self) -> tuple[tuple[()], tuple[Any, ...]]:
        return (), tuple(getattr(self, field.name) for field in fields(self))

    @classmethod
    def __tf_unflatten__(cls, metadata: tuple[()], components: tuple[Any, ...]) -> Self:
        return cls(**{field.name: value for field, value in zip(fields(cls), components, strict=True)})
