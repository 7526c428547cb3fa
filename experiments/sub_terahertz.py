"""What air and distance take from 100 to 300 GHz, along the ground and up to the sky.

    python experiments/sub_terahertz.py [--out sub_terahertz.png] [--vapour 7.5]

Left, absorption by oxygen and water vapour (ITU-R P.676, line by line, reference atmosphere): along the ground over
100 m, 1 km and 10 km, and through the whole sky at the zenith and at 10 degrees. Right, path loss of a street canyon,
with and without line of sight, absorption included; dashed above 150 GHz, where nothing was measured and the statistics
of 140 GHz are held. Expect 1 dB per kilometre at 142 GHz, 28 at 183.3 GHz, and 2 dB straight up at 142 GHz.
"""

import argparse
import math
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is imported

import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from ntn6g.channel.fading.subterahertz import MEASURED_HZ, SubTerahertzFading
from ntn6g.channel.loss import slant_absorption_db
from ntn6g.channel.loss.weather.absorption import ground_absorption_db
from ntn6g.study.plots.saving import save
from ntn6g.study.plots.style import PALETTE, house_style

GHZ = np.linspace(100.0, 300.0, 801)


def main() -> None:
    """Draw the figure and print some values."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("sub_terahertz.png"))
    parser.add_argument("--vapour", type=float, default=7.5, help="water vapour at sea level, g/m3")
    asked = parser.parse_args()
    with house_style():
        figure = Figure(figsize=(11, 4.2), layout="constrained")
        absorption, canyon = figure.subplots(1, 2)
        draw_absorption(absorption, asked.vapour)
        draw_canyon(canyon, asked.vapour)
        save(figure, asked.out)
    for ghz in (142.0, 183.31):
        along = float(ground_absorption_db(1e3, ghz * 1e9, surface_vapour_g_m3=asked.vapour))
        up = float(slant_absorption_db(math.pi / 2, ghz * 1e9, surface_vapour_g_m3=asked.vapour))
        print(f"{ghz:g} GHz: {along:.2f} dB/km along the ground, {up:.2f} dB straight up")
    print(asked.out)


def draw_absorption(axes, vapour: float) -> None:
    """Absorption against frequency over several paths."""
    for colour, metres in zip(PALETTE, (100.0, 1e3, 1e4), strict=False):
        loss_db = ground_absorption_db(metres, GHZ * 1e9, surface_vapour_g_m3=vapour)
        axes.plot(GHZ, loss_db, color=colour, label=f"{metres / 1e3:g} km along the ground")
    for style, degrees in (("--", 90.0), (":", 10.0)):
        elevation = tf.constant(math.radians(degrees), tf.float64)
        loss_db = slant_absorption_db(elevation, GHZ * 1e9, surface_vapour_g_m3=vapour)
        axes.plot(GHZ, loss_db, color="black", linestyle=style, label=f"through the sky at {degrees:g} deg")
    axes.set(title="Molecular absorption", xlabel="Frequency (GHz)", ylabel="Loss (dB)", yscale="log", ylim=(0.03, 3e4))
    axes.legend(loc="upper left", fontsize="small", ncols=2)


def draw_canyon(axes, vapour: float) -> None:
    """Path loss against frequency at several distances."""
    ghz = GHZ[::8]
    measured, beyond = ghz <= MEASURED_HZ / 1e9, ghz >= MEASURED_HZ / 1e9
    for colour, metres in zip(PALETTE, (10.0, 50.0, 200.0), strict=False):
        gas_db = ground_absorption_db(metres, ghz * 1e9, surface_vapour_g_m3=vapour).numpy()
        for sight, width in ((True, 2.0), (False, 1.0)):
            path_db = [float(SubTerahertzFading(f * 1e9).path_loss_db(metres, line_of_sight=sight)) for f in ghz]
            total_db = np.array(path_db) + gas_db
            name = f"{metres:g} m{'' if sight else ', no sight'}"
            axes.plot(ghz[measured], total_db[measured], color=colour, linewidth=width, label=name)
            axes.plot(ghz[beyond], total_db[beyond], color=colour, linewidth=width, linestyle="--")
    axes.axvline(MEASURED_HZ / 1e9, color="grey", linewidth=0.8)
    axes.text(152, 154, "extrapolated", va="top", fontsize="small", color="grey")
    axes.set(title="Street canyon with absorption", xlabel="Frequency (GHz)", ylabel="Path loss (dB)", ylim=(80, 155))
    axes.legend(loc="lower right", fontsize="small", ncols=3)


if __name__ == "__main__":
    main()
