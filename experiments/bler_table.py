"""Condense run folders of the study bler_table into the table that ntn6g looks up.

    python experiments/bler_table.py SOURCE [SOURCE ...] [--out ntn6g/phy/abstraction/bler_awgn.csv]

A source is a run folder or an earlier table; the first that has a curve gives it, and a table that is there under --out
already is the last of them, so that runs add to the shipped one. A curve says with which decoder it was made. Only
complete curves are taken: every point has met its rule, the first loses nearly all blocks, the last is surely below the
lowest rate. A curve ends before its first point without enough errors. Prints which rows of the MCS tables are there
and which are missing. Expected with the shipped config run to its end: 192 curves, none missing.
"""

import argparse
import csv
import json
import sys
from collections import Counter, defaultdict
from itertools import pairwise, takewhile
from pathlib import Path

import yaml

PACKAGED = Path(__file__).parents[1] / "ntn6g" / "phy" / "abstraction" / "bler_awgn.csv"
CURVE = ("modulation_order", "code_block_bits", "coded_bits", "base_graph")
COLUMNS = (*CURVE, "esno_db", "blocks", "block_errors", "decoder")
SETTINGS = ("decoder", "block_errors", "lowest_bler", "step_db", "code_block_bits", "mcs_tables", "mcs")
ENDS = ("block_errors", "lowest_bler", "max_blocks")
HIGHEST = 0.9  # what the first point has to lose


def curves_of(folder: Path) -> dict[tuple[int, ...], list[dict[str, str]]]:
    """Complete curves of a run by `CURVE`, their points with enough errors by rising Es/N0."""
    asked = yaml.safe_load((folder / "scenario.yaml").read_text())["bler_table"]
    wanted, decoder = asked["block_errors"], {"decoder": asked["decoder"]["kind"]}
    found = defaultdict(list)
    with (folder / "results.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            found[tuple(int(row[name]) for name in CURVE)].append(row)
    complete = {}
    for curve, points in found.items():
        ordered = sorted(points, key=lambda row: float(row["esno_db"]))
        at_db = [float(row["esno_db"]) for row in ordered]
        steps = {round(right - left, 6) for left, right in pairwise(at_db)}
        ended = all(row["stopped_by"] in ENDS for row in ordered) and ordered[-1]["stopped_by"] == "lowest_bler"
        if ended and len(steps) == 1 and float(ordered[0]["bler"]) > HIGHEST:
            told = takewhile(lambda row: int(row["block_errors"]) >= wanted, ordered)
            complete[curve] = [row | decoder for row in told]
    return complete


def table_of(path: Path) -> tuple[dict[tuple[int, ...], list[dict[str, str]]], dict[str, object]]:
    """Curves of an earlier table, and what it tells of the runs behind them."""
    lines = path.read_text(encoding="utf-8").splitlines()
    told = json.loads(" ".join(line[1:] for line in lines if line.startswith("#")))
    found = defaultdict(list)
    for row in csv.DictReader(line for line in lines if not line.startswith("#")):
        found[tuple(int(row[name]) for name in CURVE)].append({"decoder": told["runs"][0]["decoder"]["kind"]} | row)
    return dict(found), told


def provenance_of(folders: list[Path], earlier: list[dict[str, object]]) -> dict[str, object]:
    """What the table has to tell of the runs behind it, those behind earlier tables first."""
    manifests = [json.loads((folder / "manifest.json").read_text()) for folder in folders]
    asked = [yaml.safe_load((folder / "scenario.yaml").read_text())["bler_table"] for folder in folders]
    runs = [run for told in earlier for run in told["runs"]]
    runs += [{name: each.get(name) for name in SETTINGS} for each in asked]
    first = [*earlier, *manifests][0]
    return {
        "source": "code blocks on white noise, perfect channel knowledge, exact demapper, study bler_table",
        "command": "ntn6g run bler_table --out DIR, then python experiments/bler_table.py DIR",
        "seed": sorted({*(manifest["seed"] for manifest in manifests), *(n for told in earlier for n in told["seed"])}),
        "runs": runs,
        "points": "at least block_errors errors each, down to lowest_bler of the run; nothing is simulated below",
        "versions": first["versions"],
        "device": first["device"],
        "started": min(told["started"] for told in [*earlier, *manifests]),
    }


def main() -> int:
    """Write the table and say what it holds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sources", nargs="+", type=Path, metavar="SOURCE")
    parser.add_argument("--out", type=Path, default=PACKAGED)
    asked = parser.parse_args()
    curves, folders, earlier = {}, [], []
    named = {source.resolve() for source in asked.sources}
    kept = [asked.out] if asked.out.exists() and asked.out.resolve() not in named else []
    for source in [*asked.sources, *kept]:
        if not source.is_file() and not (source / "results.csv").is_file():
            print(f"{source}: no results.csv; a run has one once it has ended or was stopped", file=sys.stderr)
            return 2
        if source.is_file():
            found, told = table_of(source)
            earlier.append(told)
        else:
            found = curves_of(source)
            folders.append(source)
        curves = found | curves  # the first source that has a curve gives it
    if not curves:
        print("no curve is complete yet; continue the run", file=sys.stderr)
        return 1
    told = provenance_of(folders, earlier) | {
        "curves": len(curves),
        "blocks": sum(int(row["blocks"]) for points in curves.values() for row in points),
    }
    with asked.out.open("w", newline="") as file:
        file.writelines(f"# {line}\n" for line in json.dumps(told, indent=1).splitlines())
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for curve in sorted(curves, key=lambda c: (c[1], c[0], -c[2])):
            for row in curves[curve]:
                point = [f"{float(row['esno_db']):g}", row["blocks"], row["block_errors"], row["decoder"]]
                writer.writerow([*curve, *point])
    report(asked.out)
    return 0


def report(path: Path) -> None:
    """Print how many curves there are of each size, and the rows of MCS tables that are missing."""
    from ntn6g.phy.abstraction import BlerTable

    table = BlerTable.read(path)
    print(f"{path}: {len(table.rows)} curves")
    orders = {row.block.modulation_order for row in table.rows}
    tables = [number for number, order in ((1, 2), (2, 8), (3, 2), (4, 10)) if order in orders]
    for bits, count in sorted(Counter(row.block.bits for row in table.rows).items()):
        gaps = {number: table.missing(number, bits) for number in tables}
        told = "; ".join(f"table {number} lacks MCS {gap}" for number, gap in gaps.items() if gap) or "complete"
        print(f"  K = {bits:5d}: {count:3d} curves, {told}")


if __name__ == "__main__":
    sys.exit(main())
