"""Antennas at both ends of the rays: the gain of every pair of elements, with the line of sight where there is one."""

import math
from dataclasses import dataclass

import tensorflow as tf

from ntn6g.channel.fading.rays.elements import ISOTROPIC, Elements, vertical
from ntn6g.channel.fading.rays.parameters import Direction
from ntn6g.channel.fading.rays.rays import Rays, sum_of_rays
from ntn6g.channel.response import once, phasor
from ntn6g.core import random

_UNROLLED = 8  # clusters; the 20 of a terrestrial cell would compile for minutes


@dataclass(frozen=True)
class Motion:
    """What all rays of a link share, float32 [B]; ``start_s`` may be None for 0."""

    elevation_rad: tf.Tensor
    doppler_hz: tf.Tensor
    heading_cycles: tf.Tensor
    start_s: tf.Tensor | None = None


@dataclass(frozen=True)
class Sight:
    """Line of sight: Ricean K-factor as a power ratio [B], and 1 at the path on which it arrives [path, B]."""

    ratio: tf.Tensor
    earliest: tf.Tensor


class Ends:
    """Antenna elements of terminal and satellite; parameters as `ntn6g.channel.fading.rays.RayChannel`."""

    def __init__(
        self,
        terminal: Elements = ISOTROPIC,
        satellite: Elements = ISOTROPIC,
        direction: Direction = "downlink",
        faraday_rad: float = 0.0,
    ) -> None:
        self._terminal, self._satellite = terminal, satellite
        self._direction = direction
        # the magnetic field turns a wave in one sense whichever way it goes, the transposed channel in the other
        self._faraday_rad = faraday_rad if direction == "downlink" else -faraday_rad

    @property
    def antennas(self) -> tuple[int, int]:
        """Receive and transmit elements."""
        sizes = len(self._terminal.slant_rad), len(self._satellite.slant_rad)
        return sizes if self._direction == "downlink" else sizes[::-1]

    @property
    def copolar(self) -> bool:
        """Whether only vertical polarisations meet, so that no cross-polarisation shows."""
        return vertical(self._terminal) and vertical(self._satellite) and self._faraday_rad == 0.0

    def gain(
        self,
        stream: tf.Tensor,
        rays: Rays,
        amplitude: tf.Tensor,
        motion: Motion,
        times_s: tf.Tensor,
        *,
        sight: Sight | None,
        split: int,
    ) -> tf.Tensor:
        """Gain of every pair of elements, path and time: complex64 [B, rx, tx, path, T].

        ``amplitude`` [N, B] is that of one ray of each cluster, the first ``split`` of which make three paths each.
        """
        if motion.start_s is not None:
            rays = rays.later(motion.start_s)
        ends = [(u, s) for u in range(len(self._terminal.slant_rad)) for s in range(len(self._satellite.slant_rad))]
        unrolled = len(ends) == 1 and amplitude.shape[0] <= _UNROLLED
        strength = self._heard(amplitude[:, None], rays, motion.elevation_rad)
        gains = []
        for u, s in ends:
            leaving = self._departing(s, rays)
            satellite = self._turned(s), leaving
            real, imaginary = sum_of_rays(
                rays, strength, times_s, (self._terminal, u), satellite, unrolled=unrolled, split=split
            )
            shift = self._satellite_phase(s, motion.elevation_rad)
            if sight is not None:
                direct = self._line_of_sight(stream, sight.ratio, motion, times_s, (u, s))
                if leaving is not None:
                    direct = _turn(direct, shift)  # rays have had theirs, each its own
                real, imaginary = (
                    part + sight.earliest[:, None, :] * each[None]
                    for part, each in zip((real, imaginary), direct, strict=True)
                )
            if leaving is None:
                real, imaginary = _turn((real, imaginary), shift)
            gains.append(tf.complex(real, imaginary))
        shape = (len(self._terminal.slant_rad), len(self._satellite.slant_rad))
        grid = tf.transpose(tf.stack(gains), [3, 0, 1, 2])  # [B, pair, path, T]
        grid = tf.reshape(grid, [grid.shape[0], *shape, grid.shape[2], grid.shape[3]])
        return grid if self._direction == "downlink" else tf.transpose(grid, [0, 2, 1, 3, 4])

    def _heard(self, amplitude: tf.Tensor, rays: Rays, elevation_rad: tf.Tensor) -> tf.Tensor:
        """Amplitude of every ray behind the terminal's pattern and beam: [N, 1, B] to [N, M, B], if it has them."""
        turn, terminal = 2.0 * math.pi, self._terminal
        if terminal.pattern is not None:
            amplitude *= terminal.amplitude(turn * rays.angles.zenith_cycles, turn * rays.angles.azimuth_cycles)
        if terminal.beam is None:
            return amplitude
        (x, y), z = (rays.zenith[1] * each for each in rays.azimuth), rays.zenith[0]
        off = (x - tf.cos(elevation_rad)) ** 2 + y**2 + (z - tf.sin(elevation_rad)) ** 2
        # twice the arc sine of half the chord: exact for small angles too; a root has no slope at 0
        angle_rad = 2.0 * tf.asin(0.5 * tf.sqrt(tf.clip_by_value(off, 1e-12, 4.0)))
        return once(amplitude * tf.sqrt(terminal.beam(angle_rad)), elevation_rad)

    def _turned(self, element: int) -> tuple[float, float]:
        """Field of a satellite element behind the ionosphere: eq. (6.8-1)."""
        along, across = self._satellite.polarisation(element)
        c, s = math.cos(self._faraday_rad), math.sin(self._faraday_rad)
        return c * along - s * across, s * along + c * across

    def _line_of_sight(
        self, stream: tf.Tensor, ratio: tf.Tensor, motion: Motion, times_s: tf.Tensor, pair: tuple[int, int]
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Line of sight of one pair of elements, real and imaginary part [T, B]: eq. (7.5-29)."""
        u, s = pair
        phase = random.uniform(random.stream(stream, "sight"), (1,))[:, 0]
        cosine, sine = tf.cos(motion.elevation_rad), tf.sin(motion.elevation_rad)
        shift_hz = motion.doppler_hz * cosine * phasor(motion.heading_cycles)[0]
        if motion.start_s is not None:
            phase += shift_hz * motion.start_s
            phase -= tf.floor(phase)
        cycles = phase + shift_hz * times_s[:, None]
        own = self._terminal.cycles(u, cosine, tf.zeros_like(cosine), sine)
        if own is not None:
            cycles += own
        zenith_rad = math.pi / 2.0 - motion.elevation_rad
        (a, b), (c, d) = self._terminal.polarisation(u), self._turned(s)
        strength = tf.sqrt(ratio / (1.0 + ratio)) * (a * c - b * d)
        strength *= self._terminal.amplitude(zenith_rad, tf.zeros_like(zenith_rad))
        real, imaginary = phasor(cycles)
        return once(strength * real, ratio), once(strength * imaginary, ratio)

    def _departing(self, element: int, rays: Rays) -> tf.Tensor | None:
        """Phase of a satellite element for every ray, cycles [N, M, B]; None where all leave in one direction."""
        if rays.angles.departure_cycles is None:
            return None
        azimuth, zenith = (phasor(each) for each in rays.angles.departure_cycles)
        # azimuths of departure count from the terminal's direction, which lies against the first axis
        return self._satellite.cycles(element, -zenith[1] * azimuth[0], -zenith[1] * azimuth[1], zenith[0])

    def _satellite_phase(self, element: int, elevation_rad: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor] | None:
        """Phase of a satellite element towards the terminal, zenith of departure 90 degrees plus elevation."""
        cosine, sine = tf.cos(elevation_rad), tf.sin(elevation_rad)
        cycles = self._satellite.cycles(element, -cosine, tf.zeros_like(cosine), -sine)
        return None if cycles is None else phasor(cycles)


def _turn(parts: tuple[tf.Tensor, tf.Tensor], by: tuple[tf.Tensor, tf.Tensor] | None) -> tuple[tf.Tensor, tf.Tensor]:
    """Product of complex numbers in parts; None for one."""
    if by is None:
        return parts
    return parts[0] * by[0] - parts[1] * by[1], parts[0] * by[1] + parts[1] * by[0]


def heading(stream: tf.Tensor, heading_rad: tf.Tensor | None) -> tf.Tensor:
    """Direction of motion in cycles, [B]: the given one, or uniform."""
    if heading_rad is None:
        return random.uniform(random.stream(stream, "heading"), (1,))[:, 0]
    return heading_rad / (2.0 * math.pi)
