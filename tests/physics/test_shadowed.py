"""Flat and clustered fading against the published distributions, computed here by other means.

Statistical tests: false alarm 1e-3 per function, Holm over its points; the smallest error seen with 90 % power is in
each docstring.
"""

import math

import numpy as np
import pytest
import tensorflow as tf
from scipy import integrate, special, stats

from ntn6g.channel import conformance_profile
from ntn6g.channel.fading import SHADOWINGS, LooFading, RicianFading, ShadowedRician
from ntn6g.channel.fading.rays import ClusteredDelayLine, Elements, Ends, Scattering
from ntn6g.channel.fading.rays.rays import RAY_OFFSETS
from ntn6g.channel.tables import read_table
from ntn6g.core import random

COUNT = 20_000


def keys(word, count=COUNT):
    return tf.constant(np.stack([np.arange(count), np.full(count, word)], 1), tf.uint32)


def full(value, count=COUNT):
    return tf.fill([count], tf.constant(value, tf.float32))


def power_of(model, word, **more):
    drawn = model(keys(word), times_s=tf.constant([2e-3]), doppler_hz=full(40.0), **more)
    return np.abs(drawn.gain.numpy()[:, 0, 0, 0, 0].astype(complex)) ** 2, drawn


def rician_cdf(power, direct, scattered):
    """P(|a + n|^2 < power) for |a|^2 = direct and E|n|^2 = scattered: a noncentral chi-square of two degrees."""
    return stats.ncx2.cdf(2.0 * power / scattered, 2, 2.0 * direct / scattered)


def tabulated(density, top):
    """Distribution function on a grid from a density, by Simpson's rule."""
    grid = np.concatenate([np.linspace(0.0, top / 50, 2_000)[:-1], np.linspace(top / 50, top, 4_000)])
    below = integrate.cumulative_simpson(density(grid), x=grid, initial=0.0)
    assert below[-1] == pytest.approx(1.0, abs=2e-4)
    return lambda power: np.interp(power, grid, below)


def test_gamma_deviates_are_gamma_distributed(holm):
    """Kolmogorov-Smirnov, 200000 draws: sees distributions 0.0045 apart, such as a shape of 1.02 for 1."""
    p_values, count = [], 200_000
    for word, shape in enumerate((0.1, 0.739, 1.0, 2.5, 19.4, 500.0)):
        found = random.gamma(keys(word, count), full(shape, count)).numpy().astype(float)
        p_values.append(stats.kstest(found, stats.gamma(shape).cdf).pvalue)
    assert not holm(p_values)


def test_rician_power_is_noncentral_chi_square(holm):
    """Kolmogorov-Smirnov, 20000 draws: sees distributions 0.014 apart, such as 0.3 dB of K at 6 dB."""
    p_values = []
    for word, k_db in enumerate((-10.0, 0.0, 6.0, 20.0)):
        power, _ = power_of(RicianFading(), 10 + word, k_factor_db=full(k_db))
        k = 10.0 ** (k_db / 10.0)
        p_values.append(stats.kstest(power, lambda p, k=k: rician_cdf(p, k / (1 + k), 1 / (1 + k))).pvalue)
    assert not holm(p_values)


def loo_cdf(mean_db, sigma_db, multipath_db):
    """TR 38.811 V15.1.0, eq. (6.7-8): Rician given a log-normal direct amplitude, by Gauss-Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    direct = 10.0 ** ((mean_db + sigma_db * nodes) / 10.0)
    scattered = 10.0 ** (multipath_db / 10.0)
    share = weights / weights.sum()
    return lambda power: sum(w * rician_cdf(power, d, scattered) for w, d in zip(share, direct, strict=True))


def test_loo_power_is_rician_over_a_log_normal_direct_amplitude(holm):
    """Kolmogorov-Smirnov, 20000 draws: sees distributions 0.014 apart, such as 0.15 dB of mean or deviation."""
    p_values = []
    for word, given in enumerate(((-1.0, 0.5, -20.0), (-5.0, 3.0, -12.0), (-15.0, 6.0, -18.0))):
        names = ("direct_mean_db", "direct_sigma_db", "multipath_db")
        power, drawn = power_of(LooFading(**dict(zip(names, given, strict=True)), absolute=True), 20 + word)
        loss = 10.0 ** (-drawn.path_loss_db.numpy().astype(float) / 10.0)
        p_values.append(stats.kstest(power * loss, loo_cdf(*given)).pvalue)
    assert not holm(p_values)


def abdi_density(b0, m, omega):
    """Abdi et al. 2003, eq. (3) for the envelope, here of the power."""

    def density(power):
        level = (2 * b0 * m / (2 * b0 * m + omega)) ** m / (2 * b0) * np.exp(-power / (2 * b0))
        return level * special.hyp1f1(m, 1.0, omega * power / (2 * b0 * (2 * b0 * m + omega)))

    return density


@pytest.mark.parametrize("shadowing", SHADOWINGS)
def test_shadowed_rician_power_has_the_published_density(shadowing):
    """Kolmogorov-Smirnov, 20000 draws at 1e-3: sees distributions 0.014 apart."""
    given = SHADOWINGS[shadowing]
    power, drawn = power_of(ShadowedRician(**given, absolute=True), 30)
    loss = 10.0 ** (-drawn.path_loss_db.numpy().astype(float) / 10.0)
    mean = given["omega"] + 2 * given["b0"]
    cdf = tabulated(abdi_density(**given), 14.0 * mean)
    assert stats.kstest(power * loss, cdf).pvalue > 1e-3


@pytest.mark.parametrize(
    "model",
    [
        LooFading(direct_mean_db=-5.0, direct_sigma_db=3.0, multipath_db=-12.0),
        ShadowedRician(**SHADOWINGS["average"]),
    ],
)
def test_gains_have_mean_power_one_and_no_loss_unless_a_budget_asks(model):
    """|z| < 3.3: 2 % of power."""
    power, drawn = power_of(model, 40)
    assert abs(power.mean() - 1.0) < 3.3 * power.std() / math.sqrt(COUNT)
    assert not drawn.path_loss_db.numpy().any()


def test_scattered_part_has_the_classical_correlation_and_the_line_of_sight_turns_at_its_ratio():
    """E[h(0)* h(t)] = K/(K+1) exp(j 2 pi r f t) + J0(2 pi f t)/(K+1): within 3.3 sigma of 20000 draws."""
    times = np.array([0.0, 5e-3, 2e-2])
    drawn = RicianFading(los_doppler_ratio=0.3)(
        keys(50), times_s=tf.constant(times, tf.float32), doppler_hz=full(40.0), k_factor_db=full(3.0)
    )
    gain, k = drawn.gain.numpy()[:, 0, 0, 0].astype(complex), 10**0.3
    product = np.conj(gain[:, :1]) * gain
    expected = k / (1 + k) * np.exp(2j * np.pi * 12.0 * times) + special.j0(2 * np.pi * 40.0 * times) / (1 + k)
    sigma = np.abs(product - product.mean(0)).std(0) / math.sqrt(COUNT)
    assert (np.abs(product.mean(0) - expected) < 3.3 * np.sqrt(2) * np.maximum(sigma, 1e-3)).all()


# --- clustered delay lines -------------------------------------------------------------------------------------------


def test_conformance_profiles_are_as_printed():
    for name, delays_ns, powers_db, rms_ns in (
        ("NTN-TDLA100", [0, 110, 285], [0, -4.7, -6.5], 100.38),
        ("NTN-TDLC5", [0, 0, 60], [-0.6, -8.9, -21.5], 5.01),
    ):
        profile = conformance_profile(name)
        assert list(profile.delays) == delays_ns
        assert list(profile.powers_db) == powers_db
        assert profile.rms_delay == pytest.approx(rms_ns, abs=0.005)  # printed to 0.01 ns
        los, scattered, delay_s = profile.taps(1e-9 * profile.rms_delay)
        assert delay_s * 1e9 == pytest.approx(sorted(set(delays_ns)), abs=1e-9)
        share = 10 ** (np.array(powers_db) / 10)
        assert (los + scattered)[-1] == pytest.approx(share[-1] / share.sum(), rel=1e-12)


@pytest.mark.parametrize("letter", "ABCD")
def test_spreads_of_the_model_are_those_of_its_rays(letter):
    """TR 38.901 V16.1.0, Annex A, over every ray of the printed table, the specular one apart."""
    row = read_table("tr38811_cdl")[f"NTN-CDL-{letter}"]
    line = read_table("tr38811_tdl")[f"NTN-TDL-{letter}"]
    printed = (row["aoa_deg"], row["zoa_deg"]), (row["casa_deg"], row["czsa_deg"])
    for spread, clusters, width in zip(ClusteredDelayLine(letter).spreads_deg(), *printed, strict=True):
        moment, total = 0.0, 0.0
        for n, (angle, power_db) in enumerate(zip(clusters, line["powers_db"], strict=True)):
            power = 10 ** (power_db / 10)
            specular = line["line_of_sight"] and n == 0
            for offset in [0.0] if specular else RAY_OFFSETS:
                weight = power if specular else power / len(RAY_OFFSETS)
                moment += weight * np.exp(1j * math.radians(angle + width * offset))
                total += weight
        assert spread == pytest.approx(math.degrees(math.sqrt(-2 * math.log(abs(moment) / total))), rel=1e-9)


def seen_from(zenith_deg, azimuth_deg, within_deg):
    """Power that arrives within some degrees of a direction, as a pattern."""

    def pattern(zenith_rad, azimuth_rad):
        azimuth = azimuth_rad / (2 * math.pi) - azimuth_deg / 360.0
        aside = tf.abs(azimuth - tf.round(azimuth)) * 360.0
        near = (tf.abs(zenith_rad - math.radians(zenith_deg)) < math.radians(within_deg)) & (aside < within_deg)
        return tf.cast(near, tf.float32)

    return Ends(Elements(pattern=pattern))


def cdl_power(letter, elevation_deg, ends, word=1, count=512, **more):
    line = ClusteredDelayLine(letter, ends=ends, **more)
    drawn = line(
        keys(word, count),
        times_s=tf.constant([0.0]),
        delay_spread_s=full(1e-7, count),
        doppler_hz=full(0.0, count),
        elevation_rad=full(math.radians(elevation_deg), count),
    )
    return np.abs(drawn.gain.numpy()[:, 0, 0, :, 0].astype(complex)) ** 2


@pytest.mark.parametrize("elevation_deg", [15, 50, 80])
def test_line_of_sight_of_cdl_stands_where_the_satellite_is(elevation_deg):
    share = 10 ** (np.array(read_table("tr38811_tdl")["NTN-TDL-D"]["powers_db"]) / 10)
    # the nearest ray of its cluster is 0.0447 x 11 degrees away, twice that where the spread is doubled
    for more in ({}, {"azimuth_spread_deg": 30.0, "zenith_spread_deg": 50.0}):
        power = cdl_power("D", elevation_deg, seen_from(90 - elevation_deg, 0.0, 0.1), **more)
        assert power.sum(1) == pytest.approx(share[0] / share.sum(), rel=1e-4)  # no ray but the specular one
    assert not power[:, 1:].any()


def test_clusters_of_cdl_lie_at_the_printed_angles_turn_with_the_elevation_and_scale_with_the_spread():
    """Cluster 2 of NTN-CDL-B, 144.9 degrees from the axis and 63.4 from the zenith; rays within 2.16 widths of it."""
    share = 10 ** (np.array(read_table("tr38811_tdl")["NTN-TDL-B"]["powers_db"]) / 10)
    share /= share.sum()

    def mean_share(elevation_deg, zenith_deg, azimuth_deg, within_deg, **more):
        power = cdl_power("B", elevation_deg, seen_from(zenith_deg, azimuth_deg, within_deg), count=4_000, **more)
        return power[:, 1].mean() / share[1]

    wide = 15 * 2.1551 + 0.1  # the azimuth's, more than the zenith's
    # 4000 draws of exponential power: 1.6 %; 4 sigma
    assert mean_share(50, 63.4, 144.9 + 180, wide) == pytest.approx(1.0, abs=0.065)
    assert mean_share(30, 83.4, 144.9 + 180, wide) == pytest.approx(1.0, abs=0.065)
    assert mean_share(50, 63.4 + 80, 144.9 + 180, 40.0) < 0.05
    # half the spreads: half as far from the mean direction, in half as wide a cone
    line = ClusteredDelayLine("B")
    half = {"azimuth_spread_deg": line.spreads_deg()[0] / 2, "zenith_spread_deg": line.spreads_deg()[1] / 2}
    row = read_table("tr38811_cdl")["NTN-CDL-B"]

    def centre(angles, width):
        rays = np.array(angles)[:, None] + width * RAY_OFFSETS
        return math.degrees(np.angle((share[:, None] * np.exp(1j * np.deg2rad(rays))).sum()))

    zenith, azimuth = centre(row["zoa_deg"], 7), centre(row["aoa_deg"], 15)
    aside = (144.9 - azimuth + 180) % 360 - 180
    there = (50, zenith + (63.4 - zenith) / 2, azimuth + aside / 2 + 180, wide / 2)
    assert mean_share(*there, **half) == pytest.approx(1.0, abs=0.065)


@pytest.mark.parametrize("letter", "ABCD")
def test_all_clusters_of_cdl_leave_the_satellite_where_the_tables_say(letter):
    """Tables 6.9.1-1 to -4: AOD 0 and ZOD 140 degrees throughout, at 50 degrees of elevation.

    An element a part of a wavelength off along x, y or z leads by that part of the direction: x counts towards the
    satellite, so against the printed axis, on which the terminal lies.
    """
    towards = np.array([-math.sin(math.radians(140.0)), 0.0, math.cos(math.radians(140.0))])
    places = ((0.0, 0.0, 0.0), (0.5, 0.0, 0.0), (0.0, 0.5, 0.0), (0.0, 0.0, 0.3))
    line, count = ClusteredDelayLine(letter, ends=Ends(satellite=Elements((0.0,) * 4, places))), 8
    drawn = line(
        keys(1, count),
        times_s=tf.constant([0.0]),
        delay_spread_s=full(1e-7, count),
        doppler_hz=full(0.0, count),
        elevation_rad=full(math.radians(50.0), count),
    )
    gain = drawn.gain.numpy()[:, 0, :, :, 0]  # [link, element, path]

    turns = gain[:, 1:] / gain[:, :1]
    expected = np.exp(2j * np.pi * np.array(places[1:]) @ towards)
    np.testing.assert_allclose(turns, np.broadcast_to(expected[None, :, None], turns.shape), atol=1e-4)


def test_cdl_has_the_delays_and_powers_of_the_delay_line(holm):
    """Mean power of every path, 4000 draws each: sees 7 %."""
    p_values = []
    for word, letter in enumerate("ABCD"):
        row = read_table("tr38811_tdl")[f"NTN-TDL-{letter}"]
        share = 10 ** (np.array(row["powers_db"]) / 10)
        share /= share.sum()
        if row["line_of_sight"]:
            share = np.concatenate([[share[0] + share[1]], share[2:]])
        power = cdl_power(letter, 30, None, word=60 + word, count=4_000, scattering=Scattering("rural", "Ka", True))
        z = (power.mean(0) - share) / (power.std(0) / math.sqrt(len(power)))
        p_values += list(2 * stats.norm.sf(np.abs(z)))
    assert not holm(p_values)


def test_cross_polar_power_of_cdl_is_the_printed_ratio():
    """XPR of 10 dB, horizontal over vertical element without line of sight: 4000 draws, 4 sigma of 2 %."""
    ends = Ends(Elements(slant_rad=(0.0, math.pi / 2)))
    line = ClusteredDelayLine("A", ends=ends)
    count = 4_000
    drawn = line(
        keys(70, count),
        times_s=tf.constant([0.0]),
        delay_spread_s=full(1e-7, count),
        doppler_hz=full(0.0, count),
        elevation_rad=full(0.9, count),
    )
    power = (np.abs(drawn.gain.numpy().astype(complex)) ** 2).sum((2, 3, 4)).mean(0)
    assert power[1] / power[0] == pytest.approx(0.1, rel=0.08)


@pytest.mark.parametrize("model", ["rician", "loo", "abdi", "cdl"])
def test_a_later_start_gives_the_same_process_at_later_times(model):
    made = {
        "rician": RicianFading(),
        "loo": LooFading(direct_mean_db=-5.0, direct_sigma_db=3.0, multipath_db=-8.0),
        "abdi": ShadowedRician(**SHADOWINGS["average"]),
        "cdl": ClusteredDelayLine("D", scattering=Scattering("urban", "S", True)),
    }[model]
    count = 16
    values = {
        "delay_spread_s": full(1e-7, count),
        "doppler_hz": full(300.0, count),
        "k_factor_db": full(5.0, count),
        "elevation_rad": full(0.7, count),
    }
    late = made(keys(3, count), times_s=tf.constant([0.0, 1e-4]), start_s=full(3e-3, count), **values).gain.numpy()
    direct = made(keys(3, count), times_s=tf.constant([3e-3, 3.1e-3]), **values).gain.numpy()
    np.testing.assert_allclose(late, direct, atol=2e-5)  # 1e-6 cycles of rounding each way
    early = made(keys(3, count), times_s=tf.constant([0.0, 1e-4]), **values).gain.numpy()
    assert np.abs(early - direct).max() > 0.1
