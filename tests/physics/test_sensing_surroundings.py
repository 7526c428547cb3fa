"""What is heard besides targets: clutter, direct path, the platform's own motion; waveforms and beams.

Laws of point scatterers and of unitary transforms decide. Statistical tests fix their seeds and have a false-alarm
probability of 1e-3 (Holm over their points).
"""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import binomtest, expon, kstest, norm

from ntn6g.phy import Modulation
from ntn6g.services.sensing import (
    Cfar,
    RangeDopplerMap,
    Scene,
    SensingFrame,
    SensingGrid,
    SensingTrial,
    Surroundings,
    Targets,
    TrialValues,
    clutter_response,
    crlb,
    log_normal_factor,
    split_gains,
    spread,
    strongest,
)
from ntn6g.services.sensing.frames.waveforms import despread

LIGHT_M_S = 299_792_458.0
GRID = SensingGrid(subcarriers=48, symbols=20, subcarrier_spacing_hz=60e3)
CARRIER_HZ = 28e9


def keys(count, seed):
    return tf.constant(np.random.default_rng(seed).integers(0, 2**32, (count, 2), np.uint32))


def around(frames, **given):
    names = [each.name for each in dataclasses.fields(Surroundings)]
    types = {name: tf.float32 if name in ("direct", "distortion", "clutter") else tf.float64 for name in names}
    return Surroundings(**{name: tf.fill([frames], tf.constant(given.get(name, 0.0), types[name])) for name in names})


def targets(frames, delay_cells, doppler_cells, snr):
    one = lambda x, t: tf.fill([frames, 1], tf.constant(x, t))  # noqa: E731
    return Targets(
        one(delay_cells * GRID.delay_cell_s, tf.float64),
        one(doppler_cells * GRID.doppler_cell_hz, tf.float64),
        one(0.0, tf.float64),
        one(snr, tf.float32),
    )


def test_clutter_has_the_energy_the_place_and_the_spectrum_asked_for(holm):
    frames, sigma_hz = 2048, 0.05 / GRID.period_s
    given = around(
        frames,
        clutter=100.0,
        clutter_from_s=6 * GRID.delay_cell_s,
        clutter_extent_s=6 * GRID.delay_cell_s,
        clutter_spread_hz=sigma_hz,
    )
    channel = clutter_response(GRID, given, keys(frames, 1), 64).numpy()

    energy = np.mean(np.abs(channel) ** 2, axis=(1, 2))
    lag = np.mean(channel[:, 1:] * channel[:, :-1].conj(), axis=(1, 2)).real
    # a Gaussian spectrum has a Gaussian correlation, exp(-(2 pi sigma T)^2 / 2); frames are independent: normal means
    expected = 100.0 * np.exp(-0.5 * (2 * np.pi * 0.05) ** 2)
    p_values = [
        2 * norm.sf(abs(x.mean() - mean) / (x.std() / np.sqrt(frames)))
        for x, mean in ((energy, 100.0), (lag, expected))  # 2 % at 90 % power
    ]
    # one element: complex normal, so that its power is exponential; 2048 find a deviation of 0.048
    p_values.append(kstest(np.abs(channel[:, 3, 7]) ** 2 / 100.0, expon.cdf).pvalue)
    assert not holm(p_values)
    power = RangeDopplerMap(grid=GRID)(tf.constant(channel)).numpy().mean(axis=(0, 1))
    assert power[5:14].sum() / power.sum() > 0.97  # the rest is sidelobes of a rectangle


def test_known_motion_of_the_platform_is_taken_out_whole():
    frames, echo = 8, targets(8, 7.3, 2.2, 3.0)
    still = SensingFrame(GRID, modulation="16qam")(keys(frames, 2), echo)
    moving = SensingFrame(GRID, modulation="16qam", scene=Scene(carrier_hz=CARRIER_HZ))

    found = moving(keys(frames, 2), echo, around=around(frames, platform_m_s=90.0, compensated_m_s=90.0))

    np.testing.assert_allclose(found, still, atol=1e-4)


def test_motion_left_in_shifts_and_smears_as_the_path_itself_says():
    # 1500 m/s for the 0.36 ms of a frame of 2.9 MHz: 50 cells of Doppler, which fold, and 0.005 cells of range; a frame
    # of 400 MHz walks 0.7 cells
    grid = SensingGrid(subcarriers=128, symbols=32, subcarrier_spacing_hz=3.2e6, symbol_period_s=20e-6)
    speed_m_s, delay_s = 300.0, 10 * grid.delay_cell_s
    scene = SensingFrame(grid, scene=Scene(carrier_hz=CARRIER_HZ))
    echo = Targets(*(tf.constant([[x]], t) for x, t in (
        (delay_s, tf.float64), (0.0, tf.float64), (0.0, tf.float64), (1e8, tf.float32))))  # fmt: skip

    channel = scene(keys(1, 3), echo, around=around(1, platform_m_s=speed_m_s))

    n, m = np.arange(128), np.arange(32)[:, None]
    path_s = delay_s - speed_m_s / LIGHT_M_S * m * grid.period_s
    exact = np.exp(-2j * np.pi * (CARRIER_HZ + n * 3.2e6) * (path_s - delay_s) - 2j * np.pi * n * 3.2e6 * delay_s)
    alike = np.abs(np.vdot(exact, channel[0].numpy())) ** 2 / np.vdot(exact, exact).real
    assert alike / np.sum(np.abs(channel[0].numpy()) ** 2) == pytest.approx(1.0, abs=1e-4)
    top = RangeDopplerMap(grid=grid, padding=4)(channel).numpy().max()
    ideal = RangeDopplerMap(grid=grid, padding=4)(tf.constant(exact[None], tf.complex64)).numpy().max()
    assert top / 1e8 == pytest.approx(ideal, rel=1e-3)


def test_a_wrong_velocity_of_the_platform_is_seen_in_every_target():
    error_m_s = 1.5 * GRID.doppler_cell_hz * LIGHT_M_S / CARRIER_HZ
    scene = SensingFrame(GRID, scene=Scene(carrier_hz=CARRIER_HZ))
    rd_map = RangeDopplerMap(grid=GRID, padding=2)

    channel = scene(
        keys(4, 4), targets(4, 7.3, 2.2, 1e4),
        around=around(4, platform_m_s=80.0, compensated_m_s=80.0 - error_m_s),
    )  # fmt: skip

    peak = strongest(rd_map, rd_map(channel), channel)
    np.testing.assert_allclose(peak.doppler_hz / GRID.doppler_cell_hz, 3.7, atol=5e-3)


def trial(scene, padding=1, **frame):
    return SensingTrial(
        SensingFrame(GRID, scene=scene, **frame),
        RangeDopplerMap(grid=GRID, padding=padding),
        Cfar(false_alarm=1e-3, training=6, guard=2, padding=padding),
        targets=1,
    )


def values(frames, echo, heard, false_alarm=1e-3):
    return TrialValues(
        sine=tf.zeros_like(echo.delay_s),
        delay_s=echo.delay_s,
        doppler_hz=echo.doppler_hz,
        snr=echo.snr,
        spread_cells=tf.zeros([frames], tf.float64),
        multiple=tf.fill([frames], tf.constant(Cfar(false_alarm=false_alarm, training=6).multiple, tf.float32)),
        pilot_share=tf.zeros([frames]),
        fluctuation_db=tf.zeros([frames, 1]),
        around=heard,
    )


def test_what_is_left_of_the_direct_path_stands_where_and_as_strong_as_it_should():
    frames, left = 64, 10.0 ** (20.0 / 10.0)
    echo = targets(frames, 20.0, 5.0, 0.0)

    _, power, _ = trial(Scene(direct=True)).picture(
        keys(frames, 5), values(frames, echo, around(frames, direct=left, direct_delay_s=3 * GRID.delay_cell_s))
    )

    # integrated over all elements; the noise in that cell moves its mean by less than 1e-3
    assert power.numpy()[:, 0, 3].mean() == pytest.approx(left * GRID.energy.size, rel=5e-3)


def test_distortion_is_noise_that_no_projection_removes():
    frames, left, share = 64, 1e4, 1e-3
    echo, heard = targets(frames, 20.0, 5.0, 0.0), around(64, direct=left, distortion=share)

    _, power, _ = trial(Scene(direct=True, cancel=True)).picture(keys(frames, 6), values(frames, echo, heard))

    # 61 000 exponentials of mean 1 + 10: 1.3 % are three standard errors; row 0 is empty
    assert power.numpy()[:, 1:].mean() == pytest.approx(1.0 + left * share, rel=0.013)


def test_cancellation_finds_what_the_direct_path_and_clutter_hide_and_declares_nothing_in_its_notch():
    frames = 64
    echo = targets(frames, 20.0, 5.5, 10.0 ** (18 / 10) / GRID.energy.size)  # between the nulls of what stands
    heard = around(
        frames, direct=1e4, clutter=1e3, clutter_from_s=2 * GRID.delay_cell_s, clutter_extent_s=30 * GRID.delay_cell_s
    )
    given = values(frames, echo, heard)
    before, after = (trial(Scene(direct=True, scatterers=64, cancel=c), padding=2) for c in (False, True))

    found = [int(np.sum(each(keys(frames, 7), given).found)) for each in (before, after)]
    _, _, declared = after.picture(keys(frames, 7), given)

    assert found[0] < 0.2 * frames
    assert found[1] > 0.95 * frames
    assert not declared.numpy()[:, 0].any()  # at rest
    outcome = after(keys(frames, 7), given)
    rate = np.sum(outcome.false_alarms) / np.sum(outcome.quiet_cells)
    assert rate == pytest.approx(1e-3, rel=0.35)  # 64 frames of a padded map, bursts of alarms: 90 % power for 1.6


def test_motion_is_taken_out_after_the_own_transmitter_and_before_the_ground():
    # the own transmitter travels along, the ground does not: both are at rest somewhere, neither in one frame alone
    frames, platform_m_s = 32, 4.0 * GRID.doppler_cell_hz * LIGHT_M_S / CARRIER_HZ
    echo = targets(frames, 20.0, 7.0, 10.0 ** (20 / 10) / GRID.energy.size)
    heard = around(
        frames, direct=1e5, clutter=1e4, clutter_extent_s=30 * GRID.delay_cell_s,
        platform_m_s=platform_m_s, compensated_m_s=platform_m_s,
    )  # fmt: skip
    asked = trial(Scene(direct=True, scatterers=32, carrier_hz=CARRIER_HZ, cancel=True))

    outcome = asked(keys(frames, 8), values(frames, echo, heard))

    assert int(np.sum(outcome.found)) > 0.9 * frames
    blind = asked.blind(values(frames, echo, heard)).numpy()
    assert np.flatnonzero(blind[0]).tolist() == [0, 4]  # rows count against the Doppler shift


def test_cross_sections_fluctuate_log_normally_with_mean_one():
    factor = log_normal_factor(keys(8192, 9), tf.fill([8192, 2], 3.74)).numpy().astype(float)

    decibels = 10 * np.log10(factor)
    # 16 384 draws find a shift of 0.1 dB and 3 % of the deviation with 90 % power
    assert kstest(decibels.ravel(), norm(-np.log(10) / 20 * 3.74**2, 3.74).cdf).pvalue > 1e-3
    assert abs(np.corrcoef(decibels.T)[0, 1]) < 0.05


WAVEFORMS = ("dft-s-ofdm", "otfs", "afdm")


@pytest.mark.parametrize("kind", WAVEFORMS)
def test_a_waveform_is_unitary_and_what_its_definition_says(kind):
    rng = np.random.default_rng(10)
    x = (rng.normal(size=(1, 6, 8)) + 1j * rng.normal(size=(1, 6, 8))).astype(np.complex64)

    found = spread(tf.constant(x), kind, chirp=3).numpy()[0]

    m, n = np.arange(6), np.arange(8)
    dft = np.exp(-2j * np.pi * np.outer(n, n) / 8) / np.sqrt(8)
    if kind == "dft-s-ofdm":
        expected = x[0] @ dft
    elif kind == "otfs":
        expected = np.exp(2j * np.pi * np.outer(m, m) / 6) / np.sqrt(6) @ x[0] @ dft
    else:
        chirped = np.exp(2j * np.pi * 3 / 16 * n**2) * (x[0] @ dft.conj())
        expected = chirped @ dft
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(despread(tf.constant(found[None]), kind, chirp=3)[0], x[0], atol=1e-5)
    assert np.sum(np.abs(found) ** 2) == pytest.approx(np.sum(np.abs(x) ** 2), rel=1e-5)


@pytest.mark.parametrize("kind", WAVEFORMS)
def test_pilots_in_whole_symbols_leave_a_spread_waveform_its_energy_and_keep_their_own(kind):
    # 5 of 20 symbols are pilots with a third of the energy
    grid = SensingGrid(subcarriers=48, symbols=20, subcarrier_spacing_hz=60e3, symbol_step=4, pilot_share=1 / 3)

    energy = np.abs(SensingFrame(grid, waveform=kind, estimator="matched").sent(keys(16, 14)).numpy()) ** 2

    np.testing.assert_allclose(energy[:, ::4], 20 / 5 / 3, rtol=1e-5)
    data = np.delete(energy, np.arange(0, 20, 4), axis=1)
    np.testing.assert_allclose(data.sum(axis=(1, 2)), 20 * 48 * 2 / 3, rtol=1e-5)  # QPSK through a unitary map
    assert np.std(data) / np.mean(data) == pytest.approx(1.0, abs=0.1)  # exponential: 11 520 elements


@pytest.mark.parametrize("kind", WAVEFORMS)
def test_spreading_raises_the_pedestal_of_self_noise_as_its_kurtosis_says(kind):
    # a sum of K equal independent QPSK symbols: E|X|^4 = 2 - 1/K; OFDM of QPSK has none at all
    frames, snr = 128, 4.0
    channel = SensingFrame(GRID, waveform=kind, estimator="matched")(keys(frames, 11), targets(frames, 5.0, -3.0, snr))
    power = RangeDopplerMap(grid=GRID)(channel).numpy()

    pedestal = np.delete(power.mean(0).ravel(), 3 * 48 + 5).mean()
    assert np.unravel_index(power.mean(0).argmax(), power.shape[1:]) == (3, 5)
    terms = {"dft-s-ofdm": 48, "otfs": 48 * 20, "afdm": 48}[kind]
    # 123 000 nearly independent exponentials: 1.2 % are four standard errors
    assert pedestal == pytest.approx(1.0 + snr * (1.0 - 1.0 / terms), rel=0.012)


def test_no_waveform_beats_the_bound_of_the_elements(holm):
    # matched at low SNR of an element, where self-noise is small: 0.03 of the noise
    frames, snr = 1024, 10.0 ** (25 / 10) / GRID.energy.size
    bound, rd_map = crlb(GRID, snr), RangeDopplerMap(grid=GRID, padding=2)
    ratio = {}
    for seed, kind in enumerate(("ofdm", *WAVEFORMS)):
        echo = targets(frames, 7.37, 2.21, snr)
        channel = SensingFrame(GRID, waveform=kind, estimator="matched")(keys(frames, 20 + seed), echo)
        peak = strongest(rd_map, rd_map(channel), channel)
        ratio[kind] = np.sqrt(np.mean((peak.delay_s - echo.delay_s[:, 0]).numpy() ** 2)) / bound.delay_s[0]
    # 1024 squared errors: 0.9 to 1.15 holds the bound and its self-noise of up to sqrt(1.33)
    floor = 0.93
    assert all(each > floor for each in ratio.values()), ratio
    assert ratio["ofdm"] < 1.08
    self_noise = np.sqrt(1.0 + snr)
    assert all(each < 1.08 * self_noise for each in ratio.values()), ratio


def test_the_beam_is_split_between_directions_that_do_not_overlap_as_asked():
    # sines two thirds of a lobe's null apart, 2 k / A: the beams are orthogonal
    for split in (0.0, 0.25, 0.5, 1.0):
        target, user = split_gains(16, 0.5, 0.5 - 4 * 2 / 16, split)
        assert (target, user) == pytest.approx((split, 1.0 - split), abs=1e-12)


def test_beams_in_one_direction_serve_both_and_an_end_of_the_split_leaves_a_sidelobe():
    assert split_gains(16, 0.2, 0.2, 0.3) == pytest.approx((1.0, 1.0))
    whole, rest = split_gains(16, 0.5, -0.34, 1.0)
    # array factor of 16 half-wavelength elements
    x = np.pi * 0.84 / 2
    assert (whole, rest) == pytest.approx((1.0, (np.sin(16 * x) / (16 * np.sin(x))) ** 2))


def test_a_qpsk_grid_of_ofdm_has_equal_energies_and_a_spread_one_has_not():
    bits = tf.constant(np.random.default_rng(12).integers(0, 2, (1, 2 * 960)), tf.int32)
    x = tf.reshape(Modulation("qpsk").map(bits), [1, 20, 48])

    assert np.ptp(np.abs(spread(x, "ofdm"))) < 1e-6
    assert np.std(np.abs(spread(x, "otfs")) ** 2) == pytest.approx(1.0, abs=0.15)  # exponential


def test_detection_in_clutter_counts(holm):
    # spread ground: alarms rise where the notch is too narrow, and are as designed without it
    frames = 64
    echo = targets(frames, 20.0, 5.0, 0.0)
    calm, rough = (
        around(frames, clutter=1e3, clutter_extent_s=30 * GRID.delay_cell_s, clutter_spread_hz=s * GRID.doppler_cell_hz)
        for s in (0.0, 0.3)
    )
    asked = trial(Scene(scatterers=64, cancel=True))
    rates = []
    for heard in (calm, rough):
        outcome = asked(keys(frames, 13), values(frames, echo, heard))
        rates.append((int(np.sum(outcome.false_alarms)), int(np.sum(outcome.quiet_cells))))
    assert binomtest(rates[0][0], rates[0][1], 1e-3).pvalue > 1e-6  # bursts widen the law
    assert rates[1][0] / rates[1][1] > 1.5e-3
