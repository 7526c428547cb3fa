"""How near must a target be to be found by the echo of a satellite's signal? Distances, and frames that check them.

    python experiments/leo_bistatic.py [--frames N]

A satellite at 600 km passes over a receiver on the ground; the echo of its 20 MHz at 2 GHz comes back from a target,
71 dB below the direct path when 1 m^2 stands 1 km away. What is left of that path after cancellation counts as noise.
Expect, at the culmination, with 0.1 s of coherent integration, one false alarm in a million cells and Swerling 1,
detection with 90 % up to

    cancelled    aircraft, 20 dBsm    ship, 40 dBsm    small UAV, -12.8 dBsm
         0 dB              0.30 km           3.0 km                   0.01 km
        20 dB              1.7  km          17   km                   0.04 km
        60 dB              2.1  km          21   km                   0.05 km

and simulated frames at the edge of detection agree with the closed form (0.90). The cross sections of aircraft and ship
are assumed; change them at the top. Integration for a second gives the tenfold SNR where a target stays coherent.
"""

import argparse
import math
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

ALTITUDE_M, INCLINATION_DEG = 600e3, 53.0
EIRP_DENSITY_DBW_MHZ, BANDWIDTH_HZ, CARRIER_HZ = 34.0, 20e6, 2e9  # TR 38.821 V16.2.0 table 6.1.1.1-1, set 1, S band
RECEIVE_GAIN_DBI, NOISE_FIGURE_DB = 0.0, 7.0
INTEGRATION_S, FALSE_ALARM = 0.1, 1e-6
TARGETS_DBSM = {"aircraft": 20.0, "ship": 40.0, "small UAV": -12.81}  # the UAV: TR 38.901 Release 19
CANCELLED_DB = (0.0, 20.0, 40.0, 60.0, 80.0)
WANTED = 0.9


def scene():
    """Geometry of the culmination: range of the satellite, and excess delay and Doppler of a target 5 km north."""
    import tensorflow as tf

    from ntn6g.orbit import CircularOrbit, Times
    from ntn6g.orbit.state import State
    from ntn6g.services.sensing.scene import echo_geometry

    epoch = datetime(2026, 1, 1, tzinfo=UTC)
    orbit = CircularOrbit(
        altitude_m=ALTITUDE_M,
        inclination_rad=math.radians(INCLINATION_DEG),
        raan_rad=0.0,
        argument_of_latitude_rad=math.radians(40.0),
        epoch=epoch,
    )
    satellite = orbit.state(Times(epoch, [0.0]))
    up = satellite.position_ecef_m.numpy()[0]
    up /= np.linalg.norm(up)
    north = np.array([0.0, 0.0, 1.0]) - up[2] * up
    north /= np.linalg.norm(north)

    def at(position, velocity):
        return State(*(tf.constant([x], tf.float64) for x in (position, velocity, np.zeros(3))))

    receiver = at(6_371e3 * up, np.zeros(3))
    target = at(6_371e3 * up + 5e3 * north + 3e3 * up, -200.0 * north)  # flies south, over the receiver
    return echo_geometry(satellite, target, receiver)


def image_snr_db(dbsm: float, receive_range_m: float, transmit_range_m: float, cancelled_db: float) -> float:
    """Signal-to-noise ratio of the echo's peak, with the rest of the direct path counted as noise."""
    from ntn6g.services.sensing import scene as budget

    power = {
        "eirp_dbw": EIRP_DENSITY_DBW_MHZ + 10.0 * math.log10(BANDWIDTH_HZ / 1e6),
        "receive_gain_dbi": RECEIVE_GAIN_DBI,
        "carrier_hz": CARRIER_HZ,
    }
    direct = budget.direct_power_dbw(**power, baseline_m=transmit_range_m)
    echo = budget.echo_power_dbw(
        **power, cross_section_dbsm=dbsm, transmit_range_m=transmit_range_m, receive_range_m=receive_range_m
    )
    return budget.image_snr_db(
        echo,
        bandwidth_hz=BANDWIDTH_HZ,
        noise_figure_db=NOISE_FIGURE_DB,
        integration_s=INTEGRATION_S,
        residual_dbw=direct - cancelled_db,
    )


def farthest_m(dbsm: float, transmit_range_m: float, cancelled_db: float) -> float:
    """Receive range up to which a target is found with the wanted probability."""
    from scipy.optimize import brentq

    from ntn6g.services.sensing import Cfar

    detector = Cfar(false_alarm=FALSE_ALARM)

    def missing(log_range: float) -> float:
        snr_db = image_snr_db(dbsm, 10.0**log_range, transmit_range_m, cancelled_db)
        return detector.detection_probability(10.0 ** (snr_db / 10.0)) - WANTED

    return 10.0 ** brentq(missing, -3.0, 9.0)


def simulated(image_snr: float, frames: int) -> tuple[int, float]:
    """Frames of a small grid with that image SNR in which the target was found, and the closed form."""
    import tensorflow as tf

    from ntn6g.services.sensing import Cfar, RangeDopplerMap, SensingFrame, SensingGrid, Targets

    grid = SensingGrid(subcarriers=64, symbols=8, subcarrier_spacing_hz=15e3)
    frame, rd_map, detector = SensingFrame(grid, swerling=1), RangeDopplerMap(grid=grid), Cfar(false_alarm=FALSE_ALARM)
    keys = tf.constant(np.random.default_rng(1).integers(0, 2**32, (frames, 2), np.uint32))
    columns = (20 * grid.delay_cell_s, grid.doppler_cell_hz, 0.0, image_snr / grid.energy.size)
    given = Targets(*(tf.fill([frames, 1], tf.constant(column, tf.float64)) for column in columns))
    found = tf.function(lambda k, t: detector(rd_map(frame(k, t))), jit_compile=True, autograph=False)(keys, given)
    return int(found.numpy()[:, grid.symbols - 1, 20].sum()), detector.detection_probability(image_snr)


def main() -> int:
    """Print the distances, and how simulated frames compare."""
    parser = argparse.ArgumentParser(description="Detection range of a receiver of a satellite's signal.")
    parser.add_argument("--frames", type=int, default=4096, help="simulated frames at the edge of detection")
    asked = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.path.insert(0, str(Path(__file__).parents[1]))
    geometry = scene()
    transmit_range_m = float(geometry.baseline_m[0])
    print(
        f"satellite at {transmit_range_m / 1e3:.0f} km; an aircraft 5.8 km away arrives "
        f"{1e6 * float(geometry.excess_delay_s[0]):.1f} us after the direct path, "
        f"{float(geometry.doppler_hz(CARRIER_HZ)[0]):.0f} Hz above it"
    )
    print(f"{'cancelled':>12s}" + "".join(f"{name:>14s}" for name in TARGETS_DBSM))
    for cancelled_db in CANCELLED_DB:
        ranges = [farthest_m(dbsm, transmit_range_m, cancelled_db) for dbsm in TARGETS_DBSM.values()]
        print(f"{cancelled_db:>9.0f} dB" + "".join(f"{each / 1e3:>11.2f} km" for each in ranges))
    edge_m = farthest_m(20.0, transmit_range_m, CANCELLED_DB[-1])
    snr = 10.0 ** (image_snr_db(20.0, edge_m, transmit_range_m, CANCELLED_DB[-1]) / 10.0)
    found, theory = simulated(snr, asked.frames)
    print(f"at {edge_m / 1e3:.1f} km: {found / asked.frames:.3f} of {asked.frames} frames, closed form {theory:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
