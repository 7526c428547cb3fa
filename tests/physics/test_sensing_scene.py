"""Bistatic geometry, radar equation, fixes from several paths, tracks: geometry and statistics decide."""

import math
from datetime import UTC, datetime

import numpy as np
import pytest
import tensorflow as tf
from scipy.linalg import solve_discrete_are
from scipy.stats import binomtest, chi2, kstest

from ntn6g.orbit import CircularOrbit, Times
from ntn6g.orbit.state import State
from ntn6g.services.sensing.scene import (
    PlaneTracker,
    RangeTracker,
    direct_power_dbw,
    echo_geometry,
    echo_power_dbw,
    error_ellipse,
    image_snr_db,
    locate,
    noise_power_dbw,
    path_lengths_m,
    position_covariance,
    seen_from_origin,
)

LIGHT_M_S = 299_792_458.0
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def state(position, velocity=(0.0, 0.0, 0.0), times=(0.0,)):
    """Uniform motion."""
    time = np.asarray(times, float)[:, None]
    moved = np.asarray(position, float) + time * np.asarray(velocity, float)
    speed = np.broadcast_to(np.asarray(velocity, float), moved.shape).copy()
    return State(*(tf.constant(x, tf.float64) for x in (moved, speed, np.zeros_like(moved))))


class TestGeometry:
    def test_transmitter_and_receiver_may_be_exchanged(self):
        ends = state((0, 0, 0), (10, 0, 5)), state((9e3, -2e3, 40.0), (0, -80, 0))
        target = state((3e3, 4e3, 900.0), (-120, 60, 1))

        one, other = echo_geometry(ends[0], target, ends[1]), echo_geometry(ends[1], target, ends[0])

        for name in ("excess_m", "path_rate_m_s", "bistatic_angle_rad", "baseline_m"):
            np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-12)

    def test_a_target_on_the_baseline_has_no_excess_and_no_resolution(self):
        found = echo_geometry(state((0, 0, 0)), state((4e3, 3e3, 0)), state((8e3, 6e3, 0)))

        assert float(found.excess_m[0]) == pytest.approx(0.0, abs=1e-9)
        assert float(found.bistatic_angle_rad[0]) == pytest.approx(math.pi)
        assert float(found.range_resolution_m(20e6)[0]) > 1e12

    def test_monostatic_echoes_have_twice_the_distance_and_twice_the_doppler_shift(self):
        radar, target = state((0, 0, 0)), state((3e3, 4e3, 0), (-30.0, -40.0, 0))  # 50 m/s, head on

        found = echo_geometry(radar, target, radar)

        assert float(found.excess_m[0]) == pytest.approx(10e3)
        assert float(found.doppler_hz(3e9)[0]) == pytest.approx(2 * 50.0 * 3e9 / LIGHT_M_S)
        assert float(found.bistatic_angle_rad[0]) == 0.0
        assert float(found.range_resolution_m(20e6)[0]) == pytest.approx(LIGHT_M_S / 40e6)

    def test_the_doppler_shift_is_the_rate_of_the_excess_under_a_satellite_that_moves(self):
        orbit = CircularOrbit(
            altitude_m=600e3, inclination_rad=1.2, raan_rad=0.3, argument_of_latitude_rad=0.5, epoch=EPOCH
        )
        times = Times(EPOCH, np.arange(-2, 3) * 0.05)
        centre = orbit.state(Times(EPOCH, [0.0])).position_ecef_m.numpy()[0]
        ground = centre * (6_371e3 / np.linalg.norm(centre))
        receiver = state(ground, times=times.offset_s)
        plane = state(ground * (6_381e3 / 6_371e3) + np.array([2e3, -5e3, 1e3]), (150.0, 180.0, -40.0), times.offset_s)

        found = echo_geometry(orbit.state(times), plane, receiver)

        excess = found.excess_m.numpy()
        five_point = (excess[0] - 8 * excess[1] + 8 * excess[3] - excess[4]) / (12 * 0.05)
        # differences of 600 km carry 1e-10 m, over 0.6 s; the satellite's own 7 km/s is in neither
        assert float(found.doppler_hz(2e9)[2]) == pytest.approx(-five_point * 2e9 / LIGHT_M_S, abs=1e-6)
        assert abs(float(found.path_rate_m_s[2])) < 8e3

    def test_the_angle_follows_the_law_of_cosines(self):
        found = echo_geometry(state((0, 0, 0)), state((1e3, 2e3, 500.0)), state((7e3, 1e3, 30.0)))
        t, r, base = (float(x[0]) for x in (found.transmit_range_m, found.receive_range_m, found.baseline_m))

        assert math.cos(float(found.bistatic_angle_rad[0])) == pytest.approx((t**2 + r**2 - base**2) / (2 * t * r))


# a satellite at 600 km with 34 dBW/MHz over 20 MHz at 2 GHz, isotropic receiver of noise figure 7 dB
LEO = {"eirp_dbw": 34.0 + 13.0, "receive_gain_dbi": 0.0, "carrier_hz": 2e9}
RECEIVER = {"bandwidth_hz": 20e6, "noise_figure_db": 7.0}


class TestBudget:
    def snr_db(self, dbsm, receive_range_m, integration_s, gain_dbi=0.0):
        echo = echo_power_dbw(**LEO | {"receive_gain_dbi": gain_dbi}, cross_section_dbsm=dbsm,
                              transmit_range_m=600e3, receive_range_m=receive_range_m)  # fmt: skip
        return image_snr_db(echo, **RECEIVER, integration_s=integration_s)

    @pytest.mark.parametrize(
        ("dbsm", "range_m", "integration_s", "gain_dbi", "expected_db"),
        [
            (0.0, 1e3, 1 / 20e6, 0.0, -54.0),  # 1 m^2 at 1 km, before integration
            (0.0, 1e3, 0.1, 0.0, 9.0),
            (0.0, 1e3, 1.0, 0.0, 19.0),
            (-20.0, 300.0, 0.1, 0.0, -0.6),
            (20.0, 10e3, 0.1, 0.0, 9.0),
            (40.0, 600e3, 0.1, 30.0, 23.0),  # monostatic, a ship
        ],
    )
    def test_echoes_of_a_satellites_signal(self, dbsm, range_m, integration_s, gain_dbi, expected_db):
        # expected values stand printed to the decibel
        assert self.snr_db(dbsm, range_m, integration_s, gain_dbi) == pytest.approx(expected_db, abs=0.6)

    def test_the_direct_path_is_71_db_above_the_echo(self):
        direct = direct_power_dbw(**LEO, baseline_m=600e3)
        echo = echo_power_dbw(**LEO, cross_section_dbsm=0.0, transmit_range_m=600e3, receive_range_m=1e3)

        assert direct + 30.0 == pytest.approx(-77.0, abs=0.6)  # dBm
        assert direct - noise_power_dbw(**RECEIVER) == pytest.approx(17.0, abs=0.6)
        # the ratio is 4 pi R^2 over the cross section, whatever the rest
        assert direct - echo == pytest.approx(10 * math.log10(4 * math.pi * 1e6), abs=1e-9)

    def test_a_residual_as_strong_as_the_noise_costs_3_db(self):
        noise = noise_power_dbw(**RECEIVER)

        clean = image_snr_db(-170.0, **RECEIVER, integration_s=0.1)
        spoilt = image_snr_db(-170.0, **RECEIVER, integration_s=0.1, residual_dbw=noise)

        assert clean - spoilt == pytest.approx(10 * math.log10(2))


class TestFusion:
    """A satellite's signal received at two places, and a radar on the ground; the target flies in a known plane."""

    ENDS = np.array([[-250e3, 100e3, 550e3], [-250e3, 100e3, 550e3], [0.0, 0.0, 20.0]])
    LISTENERS = np.array([[6e3, -1e3, 10.0], [-4e3, 5e3, 10.0], [0.0, 0.0, 20.0]])
    SIGMA_M = np.array([8.0, 8.0, 3.0])
    TARGET = np.array([2.5e3, 7e3, 900.0])
    PLANE = np.eye(3)[:2]

    def given(self, paths=slice(None)):
        return tuple(tf.constant(x[paths], tf.float64) for x in (self.ENDS, self.LISTENERS))

    def covariance(self, paths=slice(None), sigma=SIGMA_M):
        target = tf.constant(self.TARGET)
        return position_covariance(target, *self.given(paths), tf.constant(sigma[paths]), basis=tf.constant(self.PLANE))

    def test_95_percent_of_the_fixes_lie_in_the_ellipse(self):
        # 8192 fixes: 90 % power for a coverage of 0.94 or 0.96
        trials, rng = 8192, np.random.default_rng(9)
        exact = path_lengths_m(tf.constant(self.TARGET), *self.given()).numpy()
        measured = exact + self.SIGMA_M * rng.normal(size=(trials, 3))
        start = tf.constant(self.TARGET + np.array([800.0, -600.0, 0.0]) + np.zeros((trials, 3)))

        weights, plane = tf.constant(self.SIGMA_M), tf.constant(self.PLANE)
        found = locate(start, tf.constant(measured), *self.given(), weights, basis=plane)

        error = found.numpy() - self.TARGET
        np.testing.assert_array_equal(error[:, 2], 0.0)
        ellipse = error_ellipse(self.covariance())
        turn = float(ellipse.orientation_rad)
        along = np.cos(turn) * error[:, 0] + np.sin(turn) * error[:, 1]
        across = -np.sin(turn) * error[:, 0] + np.cos(turn) * error[:, 1]
        inside = (along / float(ellipse.semi_major_m)) ** 2 + (across / float(ellipse.semi_minor_m)) ** 2 <= 1.0
        assert binomtest(int(inside.sum()), trials, 0.95).pvalue > 1e-3
        assert np.std(along) > np.std(across)

    def test_another_path_never_makes_a_position_less_certain(self):
        fewer, all_of_them = self.covariance(slice(0, 2)).numpy(), self.covariance().numpy()

        assert np.linalg.eigvalsh(fewer - all_of_them).min() >= -1e-9

    def test_a_single_radar_ranges_to_half_the_error_of_its_path(self):
        # two radars at right angles: each knows its own direction, sigma of the two-way path over two
        ends = tf.constant([[0.0, -5e3, 0.0], [-5e3, 0.0, 0.0]], tf.float64)
        covariance = position_covariance(
            tf.zeros(3, tf.float64), ends, ends, tf.constant([4.0, 6.0], tf.float64), basis=tf.constant(self.PLANE)
        )

        np.testing.assert_allclose(covariance, [[9.0, 0.0], [0.0, 4.0]], atol=1e-9)
        ellipse = error_ellipse(covariance, scale=1.0)
        assert [float(ellipse.semi_major_m), float(ellipse.semi_minor_m)] == pytest.approx([3.0, 2.0])
        assert float(ellipse.orientation_rad) == pytest.approx(0.0, abs=1e-9)


class TestTracking:
    INTERVAL_S, DENSITY = 0.1, 4.0
    NOISE = np.diag([0.8**2, 0.5**2])

    def run(self, frames, tracks, seed):
        """Tracks of targets that move as the filter believes; distances [frame, track] and the last covariance."""
        rng, tracker = np.random.default_rng(seed), RangeTracker(interval_s=0.1, acceleration_density=4.0)
        truth = np.stack([rng.uniform(50, 100, tracks), rng.normal(0, 20, tracks)], axis=-1)
        noise = tf.constant(np.broadcast_to(self.NOISE, (tracks, 2, 2)).copy())
        root, q = np.linalg.cholesky(self.NOISE), np.linalg.cholesky(tracker.process_noise)
        track = tracker.start(tf.constant(truth + rng.normal(size=(tracks, 2)) @ root.T), noise)
        seen, distances = tf.fill([tracks], True), []
        for _ in range(frames):
            truth = truth @ tracker.transition.T + rng.normal(size=(tracks, 2)) @ q.T
            measured = tf.constant(truth + rng.normal(size=(tracks, 2)) @ root.T)
            track, distance = tracker.step(track, measured, noise, seen)
            distances.append(distance.numpy())
        return np.array(distances), track.covariance.numpy(), track.state.numpy() - truth

    def test_what_is_foretold_is_off_by_what_the_filter_says(self):
        # Kolmogorov-Smirnov over 4096 independent tracks: 90 % power for a deviation of 0.034; the gate drops 1 in 1000
        distances, _, _ = self.run(12, 4096, 5)

        assert kstest(distances[-1], chi2(2).cdf).pvalue > 1e-3

    def test_the_covariance_settles_at_the_solution_of_riccati_and_the_error_agrees(self):
        _, covariance, error = self.run(200, 512, 6)  # the range settles slowly
        tracker = RangeTracker(interval_s=0.1, acceleration_density=4.0)
        foretold = solve_discrete_are(tracker.transition.T, np.eye(2), tracker.process_noise, self.NOISE)
        settled = foretold - foretold @ np.linalg.solve(foretold + self.NOISE, foretold)

        np.testing.assert_allclose(covariance[np.argmin(covariance[:, 0, 0])], settled, rtol=1e-4)
        # 512 squared errors: chi-squared, 1e-3 on both sides
        low, high = chi2.ppf([5e-4, 1 - 5e-4], 512) / 512
        assert low < np.mean(error[:, 0] ** 2) / settled[0, 0] < high

    def test_a_frame_without_detection_or_with_one_far_away_is_bridged(self):
        tracker, noise = RangeTracker(interval_s=0.1, acceleration_density=4.0), tf.constant(self.NOISE)
        track = tracker.start(tf.constant([80.0, 20.0], tf.float64), noise)

        missed, _ = tracker.step(track, tf.constant([0.0, 0.0], tf.float64), noise, tf.constant(False))
        strayed, distance = tracker.step(track, tf.constant([300.0, 0.0], tf.float64), noise, tf.constant(True))

        np.testing.assert_allclose(missed.state, [78.0, 20.0])  # 20 m/s closer for 0.1 s
        np.testing.assert_allclose(strayed.state, missed.state)
        np.testing.assert_allclose(strayed.covariance, missed.covariance)
        assert float(distance) > tracker.gate
        assert float(missed.covariance[0, 0]) > float(track.covariance[0, 0])


class TestPlane:
    """Range, closing velocity and sine of a direction, 20 times a second, of targets some 60 m away."""

    INTERVAL_S, DENSITY, CROSSING_M_S = 0.05, 4.0, 8.0
    SPREAD = np.array([0.4, 0.5, 0.012])  # standard deviations

    def moved(self, rng, state, frames):
        """Paths of targets from states [..., 4] on, [frame, ..., 4]: exact discretisation of white acceleration."""
        t, path = self.INTERVAL_S, [state]
        root = np.linalg.cholesky(self.DENSITY * np.array([[t**3 / 3, t**2 / 2], [t**2 / 2, t]]))
        for _ in range(frames - 1):
            drawn = rng.normal(size=(*state.shape[:-1], 2, 2)) @ root.T  # [..., axis, (place, velocity)]
            state = state + np.concatenate([t * state[..., 2:] + drawn[..., 0], drawn[..., 1]], axis=-1)
            path.append(state)
        return np.stack(path)

    def measured(self, rng, path):
        place = seen_from_origin(tf.constant(path)).numpy()
        return tf.constant(place + self.SPREAD * rng.normal(size=place.shape))

    def tracker(self):
        return PlaneTracker(
            interval_s=self.INTERVAL_S, acceleration_density=self.DENSITY, crossing_m_s=self.CROSSING_M_S
        )

    def test_errors_and_innovations_of_a_true_filter_are_chi_squared(self, holm):
        rng, tracks, frames = np.random.default_rng(11), 512, 20
        across = self.CROSSING_M_S * rng.normal(size=tracks)
        state = np.stack([np.full(tracks, 20.0), np.full(tracks, 55.0), 0.0 * across, 0.0 * across], axis=-1)
        along = np.array([20.0, 55.0]) / np.hypot(20.0, 55.0)
        state[:, 2:] = -10.0 * along + across[:, None] * np.array([along[1], -along[0]])
        path, tracker = self.moved(rng, state, frames), self.tracker()
        given, noise = self.measured(rng, path), tf.constant(np.broadcast_to(np.diag(self.SPREAD**2), (tracks, 3, 3)))

        track, far = tracker.start(given[0], noise), []
        for frame in range(1, frames):
            track, distance = tracker.step(track, given[frame], noise, tf.fill([tracks], True))
            far.append(distance.numpy())

        # 512 states of four numbers, 512 x 19 innovations of three: 90 % power for 8 % of a mean
        off = path[-1] - track.state.numpy()
        nees = np.einsum("bi,bij,bj->b", off, np.linalg.inv(track.covariance.numpy()), off)
        two_sided = [2 * min(chi2.cdf(x.sum(), x.size * n), chi2.sf(x.sum(), x.size * n))
                     for x, n in ((nees, 4), (np.array(far), 3))]  # fmt: skip
        assert not holm(two_sided), (nees.mean(), np.mean(far))
        assert np.mean(np.array(far) > tracker.gate) < 0.004  # one in a thousand
        # velocity across the line of sight, which no frame measures, is known from the frames together
        assert np.sqrt(track.covariance.numpy()[:, 2, 2]).max() < 0.4 * self.CROSSING_M_S

    def test_an_error_of_the_angle_turns_the_velocity_of_a_target_that_comes_straight_on_too(self, holm):
        # an error of 0.7 degrees makes 0.4 m/s across out of 30 m/s: the prior's only doubt, kept by a steady target
        rng, tracks, frames, spread = np.random.default_rng(13), 512, 4, self.SPREAD
        along = np.array([20.0, 55.0]) / np.hypot(20.0, 55.0)
        state = np.tile(np.concatenate([60.0 * along, -30.0 * along]), (tracks, 1))
        tracker = PlaneTracker(interval_s=self.INTERVAL_S, acceleration_density=1e-4, crossing_m_s=0.0)
        noise = tf.constant(np.broadcast_to(np.diag(spread**2), (tracks, 3, 3)))

        track, total = None, []
        for _ in range(frames):
            place = seen_from_origin(tf.constant(state)).numpy()
            given = tf.constant(place + spread * rng.normal(size=place.shape))
            if track is None:
                track = tracker.start(given, noise)
            else:
                track, _ = tracker.step(track, given, noise, tf.fill([tracks], True))
            off = state - track.state.numpy()
            total.append(np.sum(off * np.linalg.solve(track.covariance.numpy(), off[..., None])[..., 0]))
            state[:, :2] += self.INTERVAL_S * state[:, 2:]

        # chi-squared with four degrees of freedom, and up to 3 % more by squares of the angle's error, which an
        # extended filter leaves out; a mean of 512 has a standard error of 3 %
        total = np.array(total)
        low, high = chi2.cdf(total, 4 * tracks), chi2.sf(total / 1.03, 4 * tracks)
        assert not holm(list(np.minimum(2.0 * np.minimum(low, high), 1.0))), total / tracks

    def test_crossing_targets_keep_their_tracks_whatever_the_order_of_what_is_measured(self):
        # 60 m away and 14 m apart, 12 m/s towards each other's side: they meet after 0.6 s, the film ends after 1.2 s
        rng, runs, frames = np.random.default_rng(12), 200, 25
        state = np.tile([[-7.0, 60.0, 12.0, 0.0], [7.0, 60.0, -12.0, 0.0]], (runs, 1, 1))
        path, tracker = self.moved(rng, state, frames), self.tracker()
        given, noise = self.measured(rng, path), tf.constant(np.broadcast_to(np.diag(self.SPREAD**2), (runs, 2, 3, 3)))
        swapped = rng.uniform(size=(frames, runs)) < 0.5
        shuffled = np.where(swapped[:, :, None, None], given.numpy()[:, :, ::-1], given.numpy())

        track, told = tracker.start(given[0], noise), []
        for frame in range(1, frames):
            track, order = tracker.step_several(track, tf.constant(shuffled[frame]), noise, tf.fill([runs, 2], True))
            told.append(order.numpy()[:, 0] == swapped[frame])

        off = np.linalg.norm(track.state.numpy()[..., :2] - path[-1][..., :2], axis=-1)
        kept = (off < 3.0).all(axis=1)  # at the end they are 14 m apart again
        assert kept.mean() > 0.97
        apart = np.abs(path[1:, :, 0, 0] - path[1:, :, 1, 0]) > 6.0
        assert np.mean(np.array(told)[apart]) > 0.99  # of targets eight deviations of the angle apart

    def test_a_track_without_its_measurement_goes_on_as_foretold(self):
        tracker, noise = self.tracker(), tf.constant(np.diag(self.SPREAD**2))
        first = tracker.start(tf.constant([60.0, 5.0, 0.3], tf.float64), noise)

        gone, _ = tracker.step(first, tf.constant([60.0, 5.0, 0.3], tf.float64), noise, tf.constant(False))
        far, distance = tracker.step(first, tf.constant([90.0, 5.0, 0.3], tf.float64), noise, tf.constant(True))

        np.testing.assert_allclose(gone.state, tracker.foretell(first).state)
        np.testing.assert_allclose(far.state, gone.state)  # beyond the gate
        assert distance > tracker.gate
        # began where it was measured: 60 m at a sine of 0.3, closing at 5 m/s
        np.testing.assert_allclose(seen_from_origin(first.state), [60.0, 5.0, 0.3], rtol=1e-12)
