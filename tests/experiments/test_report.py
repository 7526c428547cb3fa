"""The report page of a run folder, in a real browser: opens offline, draws, sorts, and keeps text as text."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ntn6g.study.cli import main
from ntn6g.study.report.page import embedded

HOSTILE = "</script><script>window.hacked=1</script><img src=x onerror='window.hacked=1'>"
ROWS = """\
link.receiver,power.ebno_db,bler,bler_low,bler_high,blocks,stopped_by
{h},0,0.5,0.4,0.6,100,block_errors
{h},9,0.1,0.08,0.12,1000,max_blocks
{h},10,0,0,0.003,1000,max_blocks
lmmse,0,0.4,0.3,0.5,100,block_errors
lmmse,9,0.05,0.04,0.06,1000,block_errors
lmmse,10,0.01,0.008,0.012,1000,block_errors
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "results.csv").write_text(ROWS.format(h=HOSTILE))
    (tmp_path / "scenario.yaml").write_text(f'name: "{HOSTILE}"\n')
    (tmp_path / "timing.csv").write_text("power.ebno_db,chunks,run_s\n0,4,0.25\n")
    manifest = {"name": HOSTILE, "study": "link", "description": HOSTILE, "versions": {"ntn6g": "0.1.0"}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    return tmp_path


@pytest.fixture
def browser(tmp_path_factory: pytest.TempPathFactory):
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("no chromium with chromedriver on this machine")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    words = "headless=new no-sandbox disable-gpu no-first-run disable-background-networking disable-component-update"
    for word in (*words.split(), "disable-sync", f"user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(f"--{word}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield chrome
    chrome.quit()


def test_the_page_opens_offline_and_its_curves_and_tables_answer(folder: Path, browser) -> None:
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    assert main(["report", str(folder)]) == 0
    page = (folder / "report.html").as_uri()
    browser.get(page)
    wait = WebDriverWait(browser, 20)
    toggle = wait.until(lambda b: b.find_elements(By.CSS_SELECTOR, ".legendtoggle"))[0]

    assert browser.execute_script("return window.hacked === undefined && !document.querySelector('img')")
    assert browser.find_element(By.TAG_NAME, "h1").text == HOSTILE
    assert HOSTILE in browser.find_element(By.TAG_NAME, "pre").text
    assert HOSTILE[:20] in browser.find_element(By.CSS_SELECTOR, ".legendtext").text
    words = browser.find_element(By.CLASS_NAME, "warnings").text
    assert "2 of 6 points hit their cap" in words
    assert "upper limits and not zeros: 1 of bler" in words

    shown = "return document.getElementById('chart-0').data[0].visible"
    assert browser.execute_script(shown) in (None, True)
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", toggle)
    ActionChains(browser).move_to_element(toggle).click().perform()
    wait.until(lambda b: b.execute_script(shown) == "legendonly")

    heads = browser.find_elements(By.CSS_SELECTOR, "th button")
    next(h for h in heads if h.text.startswith("power.ebno_db")).click()
    order = "return [...document.querySelector('tbody').rows].map(r => Number(r.cells[1].dataset.value))"
    assert browser.execute_script(order) == [0, 0, 9, 9, 10, 10]  # as text, 10 would stand before 9

    errors = [e for e in browser.get_log("browser") if e["level"] == "SEVERE"]
    assert errors == []
    events = [json.loads(e["message"])["message"] for e in browser.get_log("performance")]
    sent = [e["params"] for e in events if e["method"] == "Network.requestWillBeSent"]
    asked = [each["request"]["url"] for each in sent if each["documentURL"] == page]  # not the browser's start page
    assert page in asked
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []


def test_json_in_a_script_element_cannot_end_it() -> None:
    text = embedded({"name": HOSTILE + "<!--&"})
    assert not set("<>&") & set(text)
    assert json.loads(text)["name"] == HOSTILE + "<!--&"


def test_without_plotly_one_line_says_so(folder: Path, monkeypatch, capsys) -> None:
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    assert main(["report", str(folder)]) == 2
    assert capsys.readouterr().err.strip().splitlines() == [
        "error: report: needs plotly, which is not installed: pip install 'ntn6g[report]'"
    ]
    assert not (folder / "report.html").exists()


def test_a_report_imports_no_tensorflow(folder: Path) -> None:
    words = f"import sys; from ntn6g.study.cli import main; assert main(['report', {str(folder)!r}]) == 0"
    code = f"{words}; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_a_folder_without_results_is_refused(tmp_path: Path, capsys) -> None:
    assert main(["report", str(tmp_path)]) == 2
    assert "holds no results.csv" in capsys.readouterr().err


def charts_of(folder: Path) -> list[dict]:
    """The chart descriptions inside the page."""
    assert main(["report", str(folder)]) == 0
    page = (folder / "report.html").read_text()
    return json.loads(page.partition('id="charts">')[2].partition("</script>")[0])


def traces_of(charts: list[dict], label: str) -> list[dict]:
    (chart,) = [c for c in charts if c["layout"]["yaxis"]["title"]["text"].startswith(label)]
    return chart["data"]


def test_curves_beyond_the_palette_differ_in_more_than_colour(tmp_path: Path) -> None:
    lines = ["link.mcs,at.elevation_deg,power.ebno_db,bler,bler_low,bler_high"]
    lines += [f"{m},{e},{db},0.{db},0.01,0.9" for m in (3, 7, 9) for e in (20, 40, 60) for db in (1, 2)]
    (tmp_path / "results.csv").write_text("\n".join(lines))

    traces = traces_of(charts_of(tmp_path), "BLER")

    assert [t["name"] for t in traces][:2] == ["MCS 3, 20 deg elevation", "MCS 3, 40 deg elevation"]
    looks = {(t["line"]["color"], t["line"]["dash"], t["marker"]["symbol"]) for t in traces}
    assert len(traces) == len(looks) == 9


def test_theory_stands_beside_what_was_measured(tmp_path: Path) -> None:
    head = "power.ebno_db,link.receiver,ber,ber_low,ber_high,ber_theory,throughput_bps,throughput_bps_low"
    rows = ["0,ls,0.1,0.09,0.11,0.08,5,4,6,9", "1,ls,0.05,0.04,0.06,0.04,6,5,7,11"]
    rows += [row.replace("ls", "lmmse") for row in rows]
    (tmp_path / "results.csv").write_text("\n".join([f"{head},throughput_bps_high,capacity_bps", *rows]))

    charts = charts_of(tmp_path)

    assert next((t["name"], t["y"]) for t in traces_of(charts, "BER")) == ("closed form, uncoded", [0.08, 0.04])
    assert next((t["name"], t["y"]) for t in traces_of(charts, "Throughput")) == ("Shannon bound", [9.0, 11.0])


def test_a_link_along_a_pass_is_drawn_over_time(tmp_path: Path) -> None:
    rows = ["0,-120,0.1,0.09,0.11", "0.5,0,0.2,0.19,0.21", "1,120,0.1,0.09,0.11"]
    (tmp_path / "results.csv").write_text("\n".join(["at.fraction,time_s,bler,bler_low,bler_high", *rows]))

    (trace,) = traces_of(charts_of(tmp_path), "BLER")

    assert trace["x"] == [-120.0, 0.0, 120.0]


def test_series_of_several_points_are_told_apart_and_maps_are_drawn(tmp_path: Path) -> None:
    (tmp_path / "series").mkdir()
    (tmp_path / "manifest.json").write_text('{"name": "two", "study": "pass"}')
    time_s = np.arange(3.0)
    for place, kilometres in enumerate((600, 1200)):
        axes = json.dumps({"platforms.sat.altitude_km": kilometres})
        cells = {"latitude_edge_deg": np.array([-90.0, 0, 90]), "longitude_edge_deg": np.array([-180.0, -60, 60, 180])}
        seen = place + np.arange(6.0).reshape(2, 3)
        file = tmp_path / "series" / f"pass.{place:04d}.npz"
        np.savez(file, time_s=time_s, elevation_deg=time_s * place, axes=axes, in_view_mean=seen, **cells)

    charts = charts_of(tmp_path)

    words = [t["name"] for t in traces_of(charts, "Elevation")]
    assert words == ["platforms.sat.altitude_km = 600", "platforms.sat.altitude_km = 1200"]
    maps = [c["data"][0] for c in charts if c["data"][0]["type"] == "heatmap"]
    assert [m["z"] for m in maps] == [[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]], [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]


def test_a_figure_stands_in_where_nothing_interactive_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "results.csv").write_text("platform,satellites\nleo,66\n")
    (tmp_path / "manifest.json").write_text('{"name": "one", "study": "coverage"}')
    (tmp_path / "coverage.png").write_bytes(b"\x89PNG not drawn here")

    assert charts_of(tmp_path) == []

    assert 'src="data:image/png;base64,' in (tmp_path / "report.html").read_text()


def test_a_long_table_says_what_it_leaves_out(tmp_path: Path) -> None:
    rows = [f"{place},0.5,0.4,0.6" for place in range(5000)]
    (tmp_path / "results.csv").write_text("\n".join(["power.ebno_db,bler,bler_low,bler_high", *rows]))

    assert main(["report", str(tmp_path)]) == 0

    page = (tmp_path / "report.html").read_text()
    assert "The first 2000 of 5000 rows" in page
    assert page.count("<tr>") == 2001


def test_what_went_wrong_stands_at_the_top(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    failure = {"part": "", "power.ebno_db": 3, "failure": "chunk 4 failed 3 times: <b>out</b>", "scenario": "schema: 1"}
    manifest |= {"complete": False, "points_done": 5, "points": 7, "failures": [failure]}
    (folder / "manifest.json").write_text(json.dumps(manifest))

    assert main(["report", str(folder)]) == 0

    page = (folder / "report.html").read_text()
    warnings = page.partition('<ul class="warnings">')[2].partition("</ul>")[0]
    assert "5 of 7 points are done" in warnings
    assert "power.ebno_db = 3: chunk 4 failed 3 times: &lt;b&gt;out&lt;/b&gt;" in warnings


def test_tags_in_a_name_are_shown_as_they_are(folder: Path) -> None:
    names = [trace["name"] for chart in charts_of(folder) for trace in chart["data"]]

    assert any("&lt;img" in name for name in names)  # plotly would read <b>, <a> and the like as formatting
    assert not any("<" in name for name in names)
