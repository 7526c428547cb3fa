"""The report page of a run folder, in a real browser: opens offline, draws, sorts, and keeps text as text."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

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
    assert "1 points of bler saw no error" in words

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
