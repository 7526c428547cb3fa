"""The page itself: HTML around sections, tables that sort and charts; everything from outside is escaped."""

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from ntn6g.study.plots.tables import is_missing

MOST_ROWS = 2000  # of a table; a browser sorts them at once

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#222;margin:0 auto;max-width:1160px;padding:1rem}
h1{margin:.2rem 0}h2{border-bottom:1px solid #ccd;padding-bottom:.2rem;margin-top:2rem}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,460px),1fr));gap:1rem}
.chart{min-width:0;border:1px solid #e3e6ea;border-radius:4px}
.scroll{overflow:auto;max-height:28rem;border:1px solid #e3e6ea}
table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums}
td,th{padding:.2rem .6rem;text-align:right;white-space:nowrap;border-bottom:1px solid #eef}
thead th{position:sticky;top:0;background:#f4f6f9;padding:0}
th button{all:unset;cursor:pointer;padding:.3rem .6rem}th button:focus-visible{outline:2px solid #06c}
th[aria-sort=ascending] button::after{content:" \\25b2"}th[aria-sort=descending] button::after{content:" \\25bc"}
dl{display:grid;gap:.1rem 1rem;font-size:13px}
dl{grid-template-columns:minmax(6rem,20rem) minmax(0,1fr)}
dt{color:#567;overflow-wrap:anywhere}dd{margin:0;overflow-wrap:anywhere}
pre{overflow:auto;background:#f4f6f9;padding:.8rem;font-size:13px}
img{max-width:100%}
.warnings{background:#fff6e0;border-left:4px solid #d90;padding:.5rem 1rem .5rem 2rem;margin:0}
@media(max-width:600px){dl{grid-template-columns:1fr}dd{margin-bottom:.4rem}}
"""
SCRIPT = """
JSON.parse(document.getElementById("charts").textContent).forEach((chart, i) =>
  Plotly.newPlot("chart-" + i, chart.data, chart.layout, {responsive: true, displaylogo: false}));
document.querySelectorAll("th button").forEach(button => button.addEventListener("click", () => {
  const head = button.parentElement, body = head.closest("table").tBodies[0];
  const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
  head.parentElement.querySelectorAll("th").forEach(each => each.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
  const key = row => row.cells[head.cellIndex].dataset.value;
  [...body.rows].sort((a, b) => {
    const [x, y] = [key(a), key(b)];
    if (x === "" || y === "") return (x === "") - (y === "");
    const difference = Number(x) - Number(y);
    return sign * (Number.isNaN(difference) ? x.localeCompare(y) : difference);
  }).forEach(row => body.append(row));
}));
"""


def page(title: str, about: str, body: Iterable[str], charts: Sequence[Mapping[str, Any]], plotly_js: str) -> str:
    """The whole document."""
    return "\n".join(
        [
            '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">',
            f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>",
            f"<h1>{escape(title)}</h1><p>{escape(about)}</p>",
            *body,
            f'<script type="application/json" id="charts">{embedded(charts)}</script>',
            f"<script>{plotly_js}</script><script>{SCRIPT}</script></body></html>\n",
        ]
    )


def embedded(value: Any) -> str:
    """JSON that may stand inside a script element: no ``<``, ``>`` or ``&`` is left in it."""
    text = json.dumps(value, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def section(
    title: str, content: str = "", *, charts: Sequence[int] | range = (), preformatted: str = "", level: int = 2
) -> str:
    """A heading with what belongs below it; nothing where nothing does."""
    places = "".join(f'<div class="chart" id="chart-{i}"></div>' for i in charts)
    drawn = f'<div class="charts">{places}</div>' if places else ""
    text = f"<pre>{escape(preformatted)}</pre>" if preformatted else ""
    inside = content + drawn + text
    return f"<h{level}>{escape(title)}</h{level}>{inside}" if inside else ""


def pairs(entries: Mapping[str, str]) -> str:
    """Names and values; empty values are left out."""
    lines = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in entries.items() if v)
    return f"<dl>{lines}</dl>" if lines else ""


def warning_list(found: Sequence[str]) -> str:
    """Warnings as a list; nothing where there is none."""
    return f'<ul class="warnings">{"".join(f"<li>{escape(each)}</li>" for each in found)}</ul>' if found else ""


def image(png: bytes, words: str) -> str:
    """A picture inside the page; ``words`` for who cannot see it."""
    return f'<img alt="{escape(words)}" src="data:image/png;base64,{b64encode(png).decode()}">'


def table(rows: Any) -> str:
    """A pandas frame as a table whose heads sort it; of a long one the first rows, with a word on the rest."""
    heads = "".join(f'<th scope="col"><button>{escape(str(c))}</button></th>' for c in rows.columns)
    lines = []
    for row in rows.head(MOST_ROWS).itertuples(index=False):
        cells = "".join(_cell(value) for value in row)
        lines.append(f"<tr>{cells}</tr>")
    note = f"<p>The first {MOST_ROWS} of {len(rows)} rows; the file has all.</p>" if len(rows) > MOST_ROWS else ""
    body = f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
    return f'{note}<div class="scroll">{body}</div>'


def _cell(value: Any) -> str:
    if is_missing(value):
        return '<td data-value=""></td>'
    shown = f"{value:.6g}" if isinstance(value, float) else str(value)
    return f'<td data-value="{escape(str(value))}">{escape(shown)}</td>'
