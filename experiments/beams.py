"""Where the beams of TR 38.821 look, and how much they disturb each other.

    python experiments/beams.py [--out beams.png] [--orbit leo-600] [--band s] [--parameters set-1]

19 beams of a satellite at its nadir layout: cuts of its antenna beside the envelopes of ITU-R S.1528, footprints at
-3 dB on the ground, and carrier over interference of a terminal served by its best beam, of these 19 alone (the config
beams_nineteen has the tiers around them, too, that TR 38.821 asks for). For LEO-600 in S band expect
a median C/I of 1.0 dB with one colour and 13.0 dB with three, and 5 % of the area below -2.4 dB and 11.0 dB.
"""

import argparse
import math
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is imported

import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from ntn6g.channel import antennas
from ntn6g.channel.interference import quality, same_colour
from ntn6g.orbit import State
from ntn6g.orbit.beam import beam_outline, ground_points, off_boresight_rad
from ntn6g.study.plots.saving import save
from ntn6g.study.plots.style import PALETTE, house_style

BEAMS, PIXELS, EARTH_M = 19, 161, 6378137.0


def satellite_at(altitude_km: float) -> State:
    """Above the equator, flying north."""
    return State(
        position_ecef_m=tf.constant([EARTH_M + 1e3 * altitude_km, 0.0, 0.0], tf.float64),
        velocity_ecef_m_s=tf.constant([0.0, 0.0, 7.5e3], tf.float64),
        acceleration_ecef_m_s2=tf.zeros([3], tf.float64),
    )


def repeated(state: State, *axes: int) -> State:
    """The same satellite with broadcast axes before its coordinates."""
    return State(*(tf.reshape(field, [*axes, 3]) for field in state.__tf_flatten__()[1]))


def carrier_over_interference(state, antenna, uv, reuse, pixels_uv):
    """C/I in dB at the ground points of pixels [P, 2], NaN beside the Earth and outside the layout."""
    places = ground_points(state.position_ecef_m, antennas.beam_directions(state, pixels_uv))
    aims = ground_points(state.position_ecef_m, antennas.beam_directions(state, uv)).position_ecef_m
    angle = off_boresight_rad(repeated(state, 1, 1), aims[None], places.position_ecef_m[:, None])
    received = 10.0 ** (antenna.gain_towards_dbi(angle) / 10.0)  # one range to all beams of a pixel
    serving = tf.argmax(received, -1)
    found = quality(received, serving, same_colour(antennas.colours(len(uv), reuse)), 1e-30)
    inside = tf.reduce_min(angle, -1) <= math.radians(0.5 * antenna.half_power_beamwidth_deg) * 1.155
    shown = tf.where(inside & places.on_earth, antennas.relative_db(found.c_over_i), math.nan)
    return shown.numpy(), places.position_ecef_m.numpy()


def main() -> None:
    """Draw the figure and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("beams.png"))
    parser.add_argument("--orbit", default="leo-600", choices=("geo", "leo-1200", "leo-600"))
    parser.add_argument("--band", default="s", choices=("s", "ka"))
    parser.add_argument("--parameters", default="set-1", choices=("set-1", "set-2"))
    asked = parser.parse_args()
    antenna = antennas.satellite_antenna(asked.parameters, asked.band, asked.orbit)
    state = satellite_at(antenna.altitude_km)
    spacing = antennas.adjacent_spacing_uv(math.radians(antenna.half_power_beamwidth_deg))
    uv = antennas.hexagonal_beams(BEAMS, spacing)
    span = 3.0 * spacing
    axis = np.linspace(-span, span, PIXELS)
    pixels = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    with house_style():
        figure = Figure(figsize=(12, 3.6), layout="constrained")
        cuts, ground, *maps = figure.subplots(1, 4)
        draw_cuts(cuts, antenna)
        draw_footprints(ground, state, antenna, uv)
        for panel, reuse in zip(maps, (1, 3), strict=True):
            ratio_db, places = carrier_over_interference(state, antenna, uv, reuse, pixels)
            middle, low = np.nanpercentile(ratio_db, [50, 5])
            print(f"reuse {reuse}: median C/I {middle:.1f} dB, 5 % of the area below {low:.1f} dB")
            east, north, shade = (
                each.reshape(PIXELS, PIXELS).T for each in (places[:, 1] / 1e3, places[:, 2] / 1e3, ratio_db)
            )
            drawn = panel.pcolormesh(east, north, shade, vmin=-5, vmax=25, rasterized=True)
            panel.set(title=f"C/I, {reuse} colour{'s' * (reuse > 1)}", xlabel="East (km)", aspect="equal")
            panel.grid(visible=False)
        figure.colorbar(drawn, ax=maps[-1], label="dB")
        save(figure, asked.out)
    print(asked.out)


def draw_cuts(axes, antenna) -> None:
    """Gain against the angle from boresight."""
    half_deg = 0.5 * antenna.half_power_beamwidth_deg
    angle_deg = np.linspace(0.0, min(90.0, 12 * half_deg), 1000)
    angle = tf.constant(np.radians(angle_deg))
    envelope = {"peak_dbi": antenna.gain_dbi, "half_beam_rad": math.radians(half_deg)}
    axes.plot(angle_deg, antenna.gain_towards_dbi(angle), color=PALETTE[0], label="TR 38.811 aperture")
    dashed = {"color": PALETTE[1], "linestyle": "--"}
    axes.plot(angle_deg, antennas.s1528_satellite_dbi(angle, **envelope), label="S.1528, 1.2", **dashed)
    dotted = {"color": PALETTE[2], "linestyle": ":"}
    axes.plot(angle_deg, antennas.s1528_low_orbit_dbi(angle, **envelope), label="S.1528, 1.3", **dotted)
    axes.set(title="Antenna", xlabel="Off boresight (deg)", ylabel="Gain (dBi)", ylim=(-30, antenna.gain_dbi + 22))
    axes.legend(loc="upper right")


def draw_footprints(axes, state, antenna, uv) -> None:
    """Outlines at -3 dB, coloured for a reuse of three."""
    aims = ground_points(state.position_ecef_m, antennas.beam_directions(state, uv)).position_ecef_m
    outline = beam_outline(repeated(state, 1), aims, math.radians(0.5 * antenna.half_power_beamwidth_deg), points=60)
    for edge, colour in zip(outline.position_ecef_m.numpy() / 1e3, antennas.colours(len(uv), 3), strict=True):
        axes.fill(edge[:, 1], edge[:, 2], facecolor=PALETTE[colour], edgecolor="black", alpha=0.45, linewidth=0.7)
    axes.set(title="Footprints at -3 dB", xlabel="East (km)", ylabel="North (km)", aspect="equal")


if __name__ == "__main__":
    main()
