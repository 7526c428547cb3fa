"""A frame from its transmitted symbols to the channel that a sensing receiver sees."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ntn6g.core import random
from ntn6g.phy import Modulation
from ntn6g.services.sensing.estimators.cancellation import remove_static
from ntn6g.services.sensing.frames.echo import SWERLING, Targets, echo_response, receive, swerling_gain
from ntn6g.services.sensing.frames.grid import SensingGrid
from ntn6g.services.sensing.frames.waveforms import WAVEFORMS, DataRows, spread
from ntn6g.services.sensing.maps.periodogram import ESTIMATORS, estimate_channel
from ntn6g.services.sensing.scene.surroundings import (
    Surroundings,
    clutter_response,
    direct_response,
    distortion_noise,
    motion,
)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What a frame's surroundings consist of; how strong each is comes with every frame."""

    direct: bool = False
    """Whether the direct path, or the own transmitter, is heard."""
    scatterers: int = 0
    """Of clutter; 0 is none."""
    carrier_hz: float | None = None
    """Given where the platform moves: its motion turns every element by its own frequency."""
    cancel: bool = False
    """Whether what stands still is projected away, before the platform's motion is taken out and after it."""

    @property
    def heard(self) -> bool:
        """Whether there is anything but targets and noise."""
        return self.direct or bool(self.scatterers) or self.carrier_hz is not None


BARE = Scene()
"""Targets and noise alone."""


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
    waveform : str
        How data become elements, one of `WAVEFORMS`; all but 'ofdm' need pilots in whole symbols, or none apart.
    scene : Scene
        What is heard besides targets and noise.

    Raises
    ------
    ValueError
        For a case, an estimator or a waveform that does not exist, without an element that is known and has energy, or
        for surroundings with antennas.
    """

    def __init__(
        self,
        grid: SensingGrid,
        *,
        modulation: str = "qpsk",
        swerling: int = 0,
        estimator: str = "zf",
        antennas: int | None = None,
        waveform: str = "ofdm",
        scene: Scene = BARE,
    ) -> None:
        if swerling not in SWERLING:
            raise ValueError(f"swerling {swerling} is none of {', '.join(map(str, SWERLING))}")
        if estimator not in ESTIMATORS:
            raise ValueError(f"{estimator!r} is none of {', '.join(ESTIMATORS)}")
        if not (grid.sensed_energy > 0.0).any():
            raise ValueError("no element that the receiver knows has energy")
        if waveform not in WAVEFORMS:
            raise ValueError(f"{waveform!r} is none of {', '.join(WAVEFORMS)}")
        if antennas is not None and (scene.heard or scene.cancel):
            raise ValueError("surroundings reach one antenna only")
        self.grid, self.swerling, self.estimator, self.antennas = grid, swerling, estimator, antennas
        self.waveform, self.scene = waveform, scene
        self._rows = None if grid.pilot_share is None else DataRows(grid, waveform)
        self._data, self._pilots = Modulation(modulation), Modulation("qpsk")

    @cached_property
    def noise_factor(self) -> float:
        """Variance of errors over the bound, without pilots apart: E[1/|x|^2] where symbols are divided away."""
        return float(np.mean(1.0 / self._energies)) if self.estimator == "zf" else 1.0

    @cached_property
    def _energies(self) -> NDArray[np.float64]:
        """Energy of every point of the constellation, mean one."""
        order = self._data.bits_per_symbol
        labels = (np.arange(2**order)[:, None] >> np.arange(order)) & 1
        points = self._data.map(tf.constant(labels.reshape(1, -1), tf.float32)).numpy()
        return np.asarray(np.abs(points[0]) ** 2, np.float64)

    def floor(self, snr: float, pilot_share: float | None = None) -> float | None:
        r"""Mean power of a map away from targets and their sidelobes, over that of the noise before the estimate.

        Division leaves :math:`E[1/|x|^2]` of noise on an element of unit energy, the matched filter noise and
        :math:`(\kappa - 1) \mathrm{SNR}` of self-noise, with the kurtosis :math:`\kappa = E|x|^4`: both are white.

        Parameters
        ----------
        snr : float
            Of all echoes together on an element of unit energy, linear.
        pilot_share : float or None
            Replaces that of a grid which sets pilots apart.

        Returns
        -------
        float or None
            None where there is no closed form: other estimates and waveforms, surroundings, and matched elements of
            different energies, whose pattern has sidelobes of its own.
        """
        if self.estimator == "lmmse" or self.waveform != "ofdm" or self.scene.heard or self.scene.cancel:
            return None
        grid = self.grid if pilot_share is None else replace(self.grid, pilot_share=pilot_share)
        known = self.grid.sensed_energy > 0.0
        energy, pilots = grid.sensed_energy[known], grid.pilot_mask[known] & (grid.pilot_share is not None)
        if self.estimator == "zf":
            noise = np.where(pilots, 1.0, self.noise_factor)
            return float(np.mean(np.divide(noise, energy, out=np.zeros_like(energy), where=energy > 0.0)))
        if np.ptp(energy) > 1e-4 * energy.mean():
            return None
        self_noise = np.where(pilots, 0.0, np.mean(self._energies**2) - 1.0)
        return float(np.mean(energy + snr * energy**2 * self_noise))

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
        if self._rows is None:
            return spread(symbols[-1], self.waveform)  # no element is set apart
        mixed = symbols[0] if len(symbols) == 1 else self._rows.laid(self._rows.data_of(symbols[1]), symbols[0])
        return mixed * amplitudes(self.grid, pilot_share)

    def __call__(
        self,
        keys: tf.Tensor,
        targets: Targets,
        pilot_share: tf.Tensor | None = None,
        around: Surroundings | None = None,
    ) -> tf.Tensor:
        """Estimate of the channel, noise included.

        Parameters
        ----------
        keys : uint32 [batch, 2]
            Keys of the frames; streams 'bits', 'pilots', 'target', 'target phase' and 'noise' are used, and those of
            `Surroundings` where the scene has any.
        targets : Targets
            [batch, target].
        pilot_share : float32 [batch] or None
            As in `sent`.
        around : Surroundings or None
            Needed by a scene that hears any.

        Returns
        -------
        complex64 [batch, (antenna,) symbol, subcarrier]
        """
        sent = self.sent(keys, pilot_share)
        gain = swerling_gain(keys, self.swerling, targets.snr.shape[1], self.grid.symbols)
        response = echo_response(self.grid, targets, gain, antennas=self.antennas)
        energy = tf.reduce_sum(targets.snr, axis=1)
        if around is not None and self.scene.heard:
            response, more = self._heard(response, keys, around)
            energy += more
        received = receive(sent, response, keys)
        if around is not None and self.scene.direct:
            received += distortion_noise(around, keys, (self.grid.symbols, self.grid.subcarriers))
        known = self.grid.sensed_energy > 0.0
        mask = None if known.all() else known
        snr = energy if self.estimator == "lmmse" else None
        channel = estimate_channel(received, sent, self.estimator, snr=snr, known=mask)
        if not self.scene.cancel:
            return channel
        if around is not None and self.scene.direct and self.scene.carrier_hz is not None:
            there, back = (motion(self.grid, self.scene.carrier_hz, sign * around.compensated_m_s) for sign in (1, -1))
            channel = remove_static(channel * there, mask) * back
        return remove_static(channel, mask)

    def _heard(self, response: tf.Tensor, keys: tf.Tensor, around: Surroundings) -> tuple[tf.Tensor, tf.Tensor]:
        """Response with all that is heard, the platform's known motion taken out, and the energy that was added."""
        scene, energy = self.scene, tf.zeros_like(around.direct)
        if scene.scatterers:
            response += clutter_response(self.grid, around, keys, scene.scatterers)
            energy += around.clutter
        if scene.carrier_hz is not None:
            response *= motion(self.grid, scene.carrier_hz, around.platform_m_s - around.compensated_m_s)
        if scene.direct:
            direct = direct_response(self.grid, around, keys)
            if scene.carrier_hz is not None:  # the own transmitter travels along; taking motion out moves it
                direct *= motion(self.grid, scene.carrier_hz, -around.compensated_m_s)
            response += direct
            energy += around.direct
        return response, energy
