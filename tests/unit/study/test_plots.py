"""Figures from synthetic run folders: every kind, repeatable to the byte, honest about unseen errors."""

import json
import subprocess
import sys
from xml.etree import ElementTree

import matplotlib
import matplotlib.image
import numpy as np
import pandas as pd
import pytest
import yaml

from ntn6g.core.errors import ScenarioError
from ntn6g.study.intervals import clopper_pearson, clustered_ratio, throughput_interval
from ntn6g.study.plots import FIGURES, View, draw_run, figure_kind, overlay
from ntn6g.study.plots.style import house_style, looks
from ntn6g.study.plots.tables import read_run

BITS, BANDWIDTH_HZ = 9480, 36e6
PEAK_BPS = BITS / 125e-6
SENSING = {"sensing", "roc", "range-doppler", "trade-off", "multistatic", "tracks"}
WATERFALL_DB = {20: 6.0, 40: 4.4, 60: 3.1}
"""Eb/N0 at BLER 0.5 of the synthetic link, by elevation in degrees."""


def link_row(rng, ebno_db, threshold_db, **columns):
    """One point as a run writes it: blocks counted in chunks of 32 until 100 errors or 3200 blocks."""
    truth = 1 / (1 + np.exp(3.0 * (ebno_db - threshold_db)))
    blocks, errors = 0, 0
    while errors < 100 and blocks < 3200:
        blocks, errors = blocks + 32, errors + rng.binomial(32, truth)
    bursts = rng.binomial(BITS, 0.08, errors)
    esno_db = ebno_db + 10 * np.log10(2.1)
    row = columns | {"ebno_db": ebno_db, "esno_db": esno_db, "blocks": blocks, "block_errors": errors}
    row |= {"bits": blocks * BITS, "bit_errors": bursts.sum()}
    uncoded = 0.5 * np.exp(-(10 ** (ebno_db / 10)) / 2.5)
    row |= {"bler": errors / blocks, "ber": bursts.sum() / (blocks * BITS), "ber_uncoded": uncoded}
    row |= {"throughput_bps": PEAK_BPS * (1 - errors / blocks)}
    row["capacity_bps"] = BANDWIDTH_HZ * np.log2(1 + 10 ** (esno_db / 10))
    row["bler_low"], row["bler_high"] = map(float, clopper_pearson(errors, blocks))
    row["ber_low"], row["ber_high"] = map(
        float, clustered_ratio(bursts.sum(), np.sum(bursts**2), BITS, blocks)
    )
    row["throughput_bps_low"], row["throughput_bps_high"] = map(
        float, throughput_interval(errors, blocks, PEAK_BPS)
    )
    return row


def waterfall_rows(elevations=(20, 40, 60), shift_db=0.0):
    rng = np.random.default_rng(7)
    return [
        link_row(rng, e, WATERFALL_DB[el] + shift_db, **{"power.ebno_db": e, "at.elevation_deg": el})
        for el in elevations
        for e in np.arange(-2, 10.5, 1.0)
    ]


def uncoded_rows():
    from scipy.special import erfc

    rng, rows = np.random.default_rng(8), []
    for modulation, steepness in (("bpsk", 1.0), ("16qam", 0.4), ("64qam", 1 / 7)):
        for ebno_db in np.arange(0, 13, 1.0):
            theory = 0.5 * erfc(np.sqrt(steepness * 10 ** (ebno_db / 10)))
            errors = rng.binomial(2_000_000, theory)
            low, high = map(float, clopper_pearson(errors, 2_000_000))
            row = {"power.ebno_db": ebno_db, "link.modulation": modulation, "ber": errors / 2_000_000}
            rows.append(row | {"ber_low": low, "ber_high": high, "ber_theory": theory})
    return rows


def geometry(time_s):
    """A circular pass at 550 km over the zenith of a flat Earth: the right shapes, not an orbit."""
    along_km = 7.0 * time_s
    range_km = np.hypot(along_km, 550.0)
    return {
        "time_s": time_s,
        "elevation_deg": np.degrees(np.arctan2(550.0, np.abs(along_km) + 80.0)),
        "azimuth_deg": np.where(time_s < 0, 200.0, 20.0),
        "range_km": range_km,
        "delay_ms": range_km / 299.792458,
        "doppler_khz": -20e6 * 7.0 * along_km / range_km / 299792.458,
        "doppler_rate_khz_s": -20e6 * 49.0 * 550.0**2 / range_km**3 / 299792.458,
    }


def along_pass_rows(receivers=("lmmse", "ls")):
    rng, rows = np.random.default_rng(9), []
    for receiver, threshold_db in zip(receivers, (3.0, 4.5), strict=False):
        for fraction in np.linspace(0, 1, 31):
            place = {k: float(v) for k, v in geometry(np.array(300.0 * (fraction - 0.5))).items()}
            ebno_db = 11.0 - 20 * np.log10(place["range_km"] / 550)
            axes = {"at.fraction": fraction, "link.receiver": receiver}
            rows.append(link_row(rng, ebno_db, threshold_db, **axes, **place))
    return rows


def write_run(folder, rows_by_part, name="leo-over-beijing", passes=()):
    """A run folder; with the single part '' a run without parts."""
    (folder / "series").mkdir(parents=True)
    tables = []
    for part, rows in rows_by_part.items():
        table = pd.DataFrame(rows)
        if part:
            table.insert(0, "part", part)
        tables.append(table)
    if tables:
        pd.concat(tables, ignore_index=True).to_csv(folder / "results.csv", index=False)
    parts = {p: {"study": "link", "description": ""} for p in rows_by_part if p}
    for part in passes:
        words = {
            "platform": "STARLINK-1007",
            "terminal": "Beijing",
            "culmination_utc": "2026-04-25T12:34:56.7Z",
        }
        np.savez(folder / "series" / f"{part}.npz", **geometry(np.linspace(-300, 300, 301)), **words)
        parts |= {part: {"study": "pass", "description": ""}} if rows_by_part else {}
    manifest = {"study": "link" if rows_by_part else "pass", "name": name, "seed": 1, "parts": parts}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    rows = {"waterfall": waterfall_rows(), "uncoded": uncoded_rows(), "over-pass": along_pass_rows()}
    folder = write_run(tmp_path_factory.mktemp("run") / "leo", rows, passes=["geometry"])
    draw_run(folder)
    return folder


def figure_of(folder, name=""):
    (part,) = [part for part in read_run(folder) if part.name == name]
    with house_style():
        return FIGURES[figure_kind(part)]([part])


def panel(figure, label):
    (axes,) = [axes for axes in figure.axes if axes.get_ylabel() == label]
    return axes


def legend_words(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def drawn(axes, label):
    """Points of every line or bar series whose label is ``label``, as an [n, 2] array; gaps left out."""
    lines = [c.lines[0] for c in axes.containers if c.get_label() == label]
    lines += [line for line in axes.lines if line.get_label() == label]
    points = np.concatenate([np.asarray(line.get_xydata()) for line in lines] or [np.empty((0, 2))])
    return points[np.isfinite(points).all(axis=1)]


@pytest.mark.parametrize("name", ["waterfall", "uncoded", "over-pass", "geometry"])
def test_every_part_of_a_run_is_drawn_as_png_and_svg(run, name):
    pixels = matplotlib.image.imread(run / f"{name}.png")
    assert pixels.shape[0] > 500
    assert pixels.shape[1] > 700
    assert pixels[..., :3].std() > 0.05  # not blank: black on white at 1 % ink gives 0.1
    assert ElementTree.parse(run / f"{name}.svg").getroot().tag.endswith("}svg")


def test_the_parts_cover_every_kind_of_figure(run):
    # the figures of these studies are drawn from runs of their own
    elsewhere = {"adaptation", "beams", "coverage", "contacts", "bler-table", "channel", "handover"} | SENSING
    assert {figure_kind(part) for part in read_run(run)} | elsewhere == set(FIGURES)


def test_drawing_again_gives_the_same_bytes_whatever_the_users_style(run):
    before = {path.name: path.read_bytes() for path in run.glob("*.*g")}

    with matplotlib.rc_context({"font.size": 20, "axes.facecolor": "black", "svg.hashsalt": None}):
        written = draw_run(run)

    assert {path.name for path in written} == set(before)
    assert all(path.read_bytes() == before[path.name] for path in written)


@pytest.mark.parametrize(
    ("name", "label", "column"),
    [("waterfall", "BLER", "bler"), ("waterfall", "BER", "ber"), ("over-pass", "BLER", "bler")],
)
def test_points_without_error_are_limits_at_their_upper_bound(run, name, label, column):
    rows = next(part.rows for part in read_run(run) if part.name == name)
    x = "power.ebno_db" if name == "waterfall" else "time_s"
    unseen, seen = rows[rows[column] == 0], rows[rows[column] > 0]
    assert len(unseen) >= 5

    axes = panel(figure_of(run, name), label)

    expected = unseen[[x, f"{column}_high"]].to_numpy()
    limits = drawn(axes, "_upper limit")
    assert sorted(map(tuple, limits)) == sorted(map(tuple, expected))
    assert sorted(map(tuple, drawn(axes, f"_{column}"))) == sorted(map(tuple, seen[[x, column]].to_numpy()))
    assert axes.get_ylim()[0] < expected[:, 1].min()
    assert axes.get_xlim()[0] <= expected[:, 0].min()
    assert axes.get_xlim()[1] >= expected[:, 0].max()


def test_no_line_crosses_points_without_error(run):
    axes = panel(figure_of(run, "over-pass"), "BLER")

    for line in (c.lines[0] for c in axes.containers if c.get_label() == "_bler"):
        x, y = line.get_data()
        assert np.isnan(y[np.abs(x) < 50]).all()  # near culmination nothing fails


def test_bars_end_at_the_interval_of_the_table(run):
    part = next(part for part in read_run(run) if part.name == "waterfall")
    row = part.rows[(part.rows["at.elevation_deg"] == 20) & (part.rows["power.ebno_db"] == 6)].iloc[0]
    axes = panel(figure_of(run, "waterfall"), "BLER")

    ends = [
        segment[:, 1]
        for container in axes.containers
        if container.get_label() == "_bler"
        for segment in container.lines[2][0].get_segments()
        if len(segment) and segment[0, 0] == 6.0 and segment[0, 1] < row["bler"] < segment[1, 1]
    ]
    assert ends[0] == pytest.approx([row["bler_low"], row["bler_high"]], rel=1e-12)


def test_axes_and_legend_speak_in_words_with_units(run):
    figure = figure_of(run, "waterfall")

    assert [axes.get_ylabel() for axes in figure.axes] == ["BLER", "BER", "Throughput (Mbit/s)"]
    assert {axes.get_xlabel() for axes in figure.axes} == {"Eb/N0 (dB)"}
    assert legend_words(figure)[:3] == ["20 deg elevation", "40 deg elevation", "60 deg elevation"]


def test_link_over_the_pass_is_drawn_against_time_with_elevation_on_the_right(run):
    figure = figure_of(run, "over-pass")

    labels = [axes.get_ylabel() for axes in figure.axes]
    assert labels == ["Es/N0 (dB)", "BLER", "Throughput (Mbit/s)", "Elevation (deg)"]
    assert panel(figure, "Throughput (Mbit/s)").get_xlabel() == "Time from culmination (s)"
    assert drawn(panel(figure, "Elevation (deg)"), "_elevation_deg")[:, 1].max() == pytest.approx(
        geometry(np.array(0.0))["elevation_deg"], rel=1e-9
    )


def test_pass_figure_stacks_five_series_and_names_who_and_when(run):
    figure = figure_of(run, "geometry")

    quantities = [axes.get_ylabel().partition("\n")[0] for axes in figure.axes]
    assert quantities == ["Elevation", "Slant range", "One-way delay", "Doppler", "Doppler rate"]
    assert all(drawn(axes, "_culmination")[:, 0].tolist() == [0.0, 0.0] for axes in figure.axes)
    title = figure.get_suptitle()
    assert all(word in title for word in ("STARLINK-1007", "Beijing", "2026-04-25 12:34:56 UTC"))


def test_uncoded_figure_lays_points_on_the_closed_form(run):
    rows = pd.DataFrame(uncoded_rows())

    (axes,) = figure_of(run, "uncoded").axes

    theory = drawn(axes, "_ber_theory")
    assert sorted(theory[:, 1]) == pytest.approx(sorted(rows["ber_theory"]), rel=1e-9)
    assert len(drawn(axes, "_ber")) + len(drawn(axes, "_upper limit")) == len(rows)


def test_shannon_bound_is_drawn_where_the_table_has_it(run):
    axes = panel(figure_of(run, "waterfall"), "Throughput (Mbit/s)")

    esno_db = np.arange(-2, 10.5, 1.0) + 10 * np.log10(2.1)
    expected_mbps = 36 * np.log2(1 + 10 ** (esno_db / 10))  # Shannon (1948), 36 MHz
    assert drawn(axes, "_capacity_bps")[:, 1] == pytest.approx(expected_mbps, rel=1e-9)


@pytest.mark.parametrize(
    ("kept", "panels"),
    [
        (["power.ebno_db", "bler"], ["BLER"]),
        (["power.ebno_db", "at.elevation_deg", "bler", "throughput_bps"], ["BLER", "Throughput (Mbit/s)"]),
        (["at.elevation_deg", "ber", "ber_low", "ber_high"], ["BER"]),
        (["bler", "bler_low", "bler_high"], ["BLER"]),
    ],
)
def test_missing_columns_leave_out_their_panels_only(tmp_path, kept, panels):
    rows = pd.DataFrame(waterfall_rows((20,)))[kept].to_dict("records")

    figure = figure_of(write_run(tmp_path / "run", {"": rows}))

    assert [axes.get_ylabel() for axes in figure.axes] == panels


def test_a_part_without_results_yet_gives_no_figure(tmp_path):
    rows = [{"power.ebno_db": 1.0, "bler": None}]

    assert draw_run(write_run(tmp_path / "run", {"": rows})) == []


def test_missing_series_leave_out_their_panels_only(tmp_path):
    folder = write_run(tmp_path / "run", {})
    np.savez(folder / "series" / "pass.npz", time_s=np.arange(3.0), elevation_deg=np.array([10, 20, 10.0]))

    assert [axes.get_ylabel() for axes in figure_of(folder).axes] == ["Elevation\n(deg)"]


def test_an_unknown_axis_keeps_its_config_path(tmp_path):
    rows = [row | {"link.new_knob": row.pop("at.elevation_deg")} for row in waterfall_rows((20, 60))]

    figure = figure_of(write_run(tmp_path / "run", {"": rows}))

    assert legend_words(figure)[:2] == ["link.new_knob = 20", "link.new_knob = 60"]


def test_a_grid_without_power_axis_is_drawn_over_its_first_number(tmp_path):
    rng = np.random.default_rng(3)
    rows = [
        link_row(rng, 5.0, 6 - e / 20, **{"link.receiver": r, "at.elevation_deg": e, "link.mcs": m})
        for r in ("lmmse", "ls")
        for e in (10, 30, 50)
        for m in (3, 7)
    ]

    figure = figure_of(write_run(tmp_path / "run", {"": rows}))

    assert figure.axes[0].get_xlabel() == "Elevation (deg)"
    assert legend_words(figure)[:2] == ["LMMSE receiver, MCS 3", "LMMSE receiver, MCS 7"]


@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
def test_overlay_writes_the_format_of_its_suffix_and_repeats_its_bytes(tmp_path, suffix):
    rows = pd.DataFrame(waterfall_rows((20,)))[["power.ebno_db", "bler", "bler_low", "bler_high"]]
    runs = [write_run(tmp_path / n, {"": rows.to_dict("records")}, name=n) for n in ("leo", "haps")]
    out = tmp_path / f"both.{suffix}"

    overlay(runs, out)

    magic = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}
    first = out.read_bytes()
    assert first.startswith(magic[suffix])
    overlay(runs, out)
    assert out.read_bytes() == first


@pytest.fixture
def shown(monkeypatch):
    """The figures that `overlay` would have saved."""
    figures = []
    monkeypatch.setattr("ntn6g.study.plots.save", lambda figure, path: figures.append(figure))
    return figures


def test_overlay_labels_curves_by_run_name_where_scenarios_tell_nothing(run, tmp_path, shown):
    other = write_run(tmp_path / "haps", {"waterfall": waterfall_rows((20,), 1.0)}, name="haps")

    overlay([run, other], tmp_path / "both.png")

    assert legend_words(shown[0])[:4] == [
        *(f"leo-over-beijing, {e} deg elevation" for e in (20, 40, 60)),
        "haps, 20 deg elevation",
    ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"link": {"mcs": 10}}, ["MCS 14", "MCS 10"]),
        ({"link": {"mcs": 10}, "channel": {"carrier_ghz": 2}}, ["MCS 14, 20 GHz carrier", "MCS 10, 2 GHz carrier"]),
        ({"stop": {"max_blocks": 9}, "seed": 1, "description": "again"}, ["one", "two"]),  # nothing that tells
        ({"link": {"a": 1, "b": 2, "c": 3, "d": 4}}, ["one", "two"]),  # too much to tell
        ({"parts": {"main": {"link": {"mcs": 3}}}}, ["MCS 14", "MCS 3"]),  # the part's own value counts
        ({"power": {"ebno_db": 9}}, ["one", "two"]),  # swept: its value in the scenario is not used
    ],
)
def test_overlay_tells_runs_by_what_differs_between_their_scenarios(tmp_path, shown, changes, words):
    scenario = {"schema": 1, "name": "one", "seed": 1, "link": {"mcs": 14}, "channel": {"carrier_ghz": 20}}
    runs = [write_run(tmp_path / name, {"main": waterfall_rows((20,))}, name=name) for name in ("one", "two")]
    other = scenario | {k: {**scenario.get(k, {}), **v} if isinstance(v, dict) else v for k, v in changes.items()}
    for folder, held in zip(runs, (scenario, other), strict=True):
        (folder / "scenario.yaml").write_text(yaml.safe_dump(held, sort_keys=False))

    overlay(runs, tmp_path / "both.png")

    assert legend_words(shown[0])[:2] == words


def test_a_chosen_colour_groups_curves_and_strokes_tell_the_rest(tmp_path, shown):
    rows = [r | {"link.mcs": m} for m in (3, 7) for r in waterfall_rows((20, 40))]
    folder = write_run(tmp_path / "run", {"": rows})

    overlay([folder], tmp_path / "out.png", View(hue="link.mcs"))

    lines = {h.get_text(): line for h, line in zip(*_legend(shown[0]), strict=True)}
    by_mcs = [[line for text, line in lines.items() if f"MCS {m}" in text] for m in (3, 7)]
    assert [len(same) for same in by_mcs] == [2, 2]
    for same in by_mcs:
        assert same[0].get_color() == same[1].get_color()
        assert same[0].get_linestyle() != same[1].get_linestyle()
    assert by_mcs[0][0].get_color() != by_mcs[1][0].get_color()


def _legend(figure):
    legend = figure.legends[0]
    named = [(t, h) for t, h in zip(legend.get_texts(), legend.legend_handles, strict=True) if "MCS" in t.get_text()]
    return [t for t, _ in named], [h for _, h in named]


def test_any_column_may_be_an_axis(run, tmp_path, shown):
    overlay([run], tmp_path / "out.png", View(x="esno_db", y=("bler",)))

    (axes,) = shown[0].axes
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_yscale()) == ("Es/N0 (dB)", "BLER", "log")
    rows = next(part.rows for part in read_run(run) if part.name == "waterfall")
    seen = rows[rows["bler"] > 0]
    assert sorted(map(tuple, drawn(axes, "_bler"))) == sorted(map(tuple, seen[["esno_db", "bler"]].to_numpy()))


def test_a_band_covers_the_interval_of_every_point(run, tmp_path, shown):
    overlay([run], tmp_path / "out.png")

    axes = panel(shown[0], "BLER")
    corners = {
        tuple(vertex)
        for band in axes.collections
        if band.get_label() == "_bler band"
        for path in band.get_paths()
        for vertex in path.vertices
    }
    rows = next(part.rows for part in read_run(run) if part.name == "waterfall")
    seen = rows[rows["bler"] > 0]
    for _, row in seen.iterrows():
        assert {(row["power.ebno_db"], row["bler_low"]), (row["power.ebno_db"], row["bler_high"])} <= corners
    assert "95 % interval" in legend_words(shown[0])


@pytest.mark.parametrize(
    ("view", "words"),
    [
        (View(x="power.ebno_dB"), "did you mean power.ebno_db?"),
        (View(y=("latency",)), "has no numbers in a column 'latency'"),
        (View(hue="link.mcs"), "they differ in at.elevation_deg"),
    ],
)
def test_columns_that_are_not_there_are_refused_in_one_line(run, tmp_path, view, words):
    with pytest.raises(ScenarioError) as caught:
        overlay([run], tmp_path / "out.png", view)

    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out.png").exists()


def test_more_curves_of_one_colour_than_strokes_are_refused(tmp_path):
    rows = [r | {"link.mcs": m} for m in range(6) for r in waterfall_rows((20, 40))]

    with pytest.raises(ScenarioError, match="--hue: 6 curves share"):
        overlay([write_run(tmp_path / "run", {"": rows})], tmp_path / "out.png", View(hue="at.elevation_deg"))


def test_curves_differ_in_more_than_colour():
    for count in (2, 7, 15):
        told = [{"a": f"a{i % 5}", "b": f"b{i // 5}"} for i in range(count)]
        found = [(look["marker"], str(look["linestyle"]), look.get("markerfacecolor")) for look in looks(told)]
        assert len(set(found)) == count


def test_bars_at_the_edge_of_a_decade_stay_inside(tmp_path):
    rows = [
        {"power.ebno_db": e, "bler": b, "bler_low": low, "bler_high": high}
        for e, b, low, high in ((0, 0.098, 0.05, 0.18), (1, 0.0105, 0.006, 0.02), (2, 0.0011, 0.0006, 0.002))
    ]

    (axes,) = figure_of(write_run(tmp_path / "run", {"": rows})).axes

    low, high = axes.get_ylim()
    assert high > 0.18
    assert low < 0.0006


@pytest.mark.parametrize("name", ["figure.jpg", "figure"])
def test_an_unknown_suffix_is_refused_in_one_line_and_nothing_is_written(run, tmp_path, name):
    with pytest.raises(ScenarioError, match="suffix") as caught:
        overlay([run], tmp_path / name)

    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_folders_without_results_are_refused_in_one_line(run, tmp_path):
    (tmp_path / "empty").mkdir()
    cut_short = write_run(tmp_path / "cut", {"": waterfall_rows((20,))})
    (cut_short / "manifest.json").write_text('{"study": "li')

    for folder, reason in (("empty", "results.csv"), ("nowhere", "results.csv"), ("cut", "cannot be read")):
        with pytest.raises(ScenarioError, match=reason) as caught:
            overlay([run, tmp_path / folder], tmp_path / "out.png")
        assert "\n" not in str(caught.value)
        assert str(tmp_path / folder) in str(caught.value)


def test_runs_over_different_axes_are_not_laid_over_each_other(tmp_path):
    power = write_run(tmp_path / "power", {"": waterfall_rows((20,))})
    passing = write_run(tmp_path / "passing", {}, passes=["pass"])

    with pytest.raises(ScenarioError, match="no figure in common"):
        overlay([power, passing], tmp_path / "out.png")


def test_redrawing_does_not_import_tensorflow(tmp_path):
    run = write_run(tmp_path / "run", {"uncoded": uncoded_rows()})
    program = (
        "import sys, pathlib; from ntn6g.study.plots import draw_run, overlay;"
        "heavy = {'tensorflow', 'sionna', 'matplotlib', 'pandas', 'scipy'} & set(sys.modules);"
        "assert not heavy, heavy;"
        "run, out = map(pathlib.Path, sys.argv[1:]); draw_run(run); overlay([run], out);"
        "assert not {'tensorflow', 'sionna'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(run), str(tmp_path / "again.png")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
