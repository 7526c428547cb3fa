"""Curves of a table of block error rates on white noise, one panel per code-block size."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ntn6g.study.plots.curves import one_title
from ntn6g.study.plots.style import MARKERS, PALETTE, add_legend, add_title, new_figure
from ntn6g.study.plots.tables import Part

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ORDERS = {2: "QPSK", 4: "16-QAM", 6: "64-QAM", 8: "256-QAM", 10: "1024-QAM"}


def bler_curves(parts: Sequence[Part]) -> "Figure":
    """Block error rate against Es/N0; a curve per code rate, coloured by modulation, dashed for every further run."""
    from matplotlib.lines import Line2D

    sizes = sorted({int(bits) for part in parts for bits in part.rows["code_block_bits"].unique()})
    columns = min(3, len(sizes))
    rows = -(-len(sizes) // columns)
    figure = new_figure(4.0 * columns + 1.5, 3.0 * rows + 1.2)
    looks: dict[int, dict[str, Any]] = {
        order: {"color": PALETTE[i], "marker": MARKERS[i], "markersize": 3} for i, order in enumerate(_ORDERS)
    }
    seen = set()
    for place, bits in enumerate(sizes):
        axes = figure.add_subplot(rows, columns, place + 1)
        for part, line in zip(parts, ("-", "--", ":", "-.") * len(parts), strict=False):
            of_size = part.rows[part.rows["code_block_bits"] == bits]
            for (order, _), curve in of_size.groupby(["modulation_order", "coded_bits"]):
                shown = curve[curve["block_errors"] > 0].sort_values("esno_db")
                axes.semilogy(shown["esno_db"], shown["bler"], linestyle=line, linewidth=0.9, **looks[int(order)])
                seen.add(int(order))
        axes.set_title(f"K = {bits}")
        axes.set_xlabel("Es/N0 (dB)")
        axes.set_ylabel("BLER")
    add_title(figure, *one_title(parts))
    add_legend(figure, [Line2D([], [], label=_ORDERS[order], **looks[order]) for order in sorted(seen)])
    return figure
