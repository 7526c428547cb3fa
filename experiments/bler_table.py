"""Condense run folders of the study bler_table into the table that ntn6g looks up.

    python experiments/bler_table.py RUN [RUN ...] [--out ntn6g/phy/abstraction/bler_awgn.csv]

Only complete curves are taken: every point has met its rule, the first loses nearly all blocks, the last is surely
below the lowest rate. Points without enough errors are left out. Prints which rows of the MCS tables are there and
which are missing. Expected with the shipped config run to its end: 192 curves, none missing.
"""

import argparse
import csv
import json
import sys
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import yaml

PACKAGED = Path(__file__).parents[1] / "ntn6g" / "phy" / "abstraction" / "bler_awgn.csv"
CURVE = ("modulation_order", "code_block_bits", "coded_bits", "base_graph")
COLUMNS = (*CURVE, "esno_db", "blocks", "block_errors")
SETTINGS = ("decoder", "block_errors", "lowest_bler", "step_db", "code_block_bits", "mcs_tables", "mcs")
ENDS = ("block_errors", "lowest_bler", "max_blocks")
HIGHEST = 0.9  # what the first point has to lose


def curves_of(folder: Path) -> dict[tuple[int, ...], list[dict[str, str]]]:
    """Complete curves of a run by `CURVE`, their points with enough errors by rising Es/N0."""
    wanted = yaml.safe_load((folder / "scenario.yaml").read_text())["bler_table"]["block_errors"]
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
            complete[curve] = [row for row in ordered if int(row["block_errors"]) >= wanted]
    return complete


def provenance_of(folders: list[Path]) -> dict[str, object]:
    """What the table has to tell of the runs behind it."""
    manifests = [json.loads((folder / "manifest.json").read_text()) for folder in folders]
    first = manifests[0]
    asked = [yaml.safe_load((folder / "scenario.yaml").read_text())["bler_table"] for folder in folders]
    if any(each.get("decoder") != asked[0].get("decoder") for each in asked):
        raise SystemExit("the runs differ in their decoder")
    return {
        "source": "code blocks on white noise, perfect channel knowledge, exact demapper, study bler_table",
        "command": "ntn6g run bler_table --out DIR, then python experiments/bler_table.py DIR",
        "seed": sorted({manifest["seed"] for manifest in manifests}),
        "runs": [{name: each.get(name) for name in SETTINGS} for each in asked],
        "points": "at least block_errors errors each, down to lowest_bler of the run; nothing is simulated below",
        "versions": first["versions"],
        "device": first["device"],
        "started": min(manifest["started"] for manifest in manifests),
    }


def main() -> int:
    """Write the table and say what it holds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--out", type=Path, default=PACKAGED)
    asked = parser.parse_args()
    curves = {}
    for folder in asked.runs:
        curves = curves_of(folder) | curves  # the first run that has a curve gives it
    if not curves:
        print("no curve is complete yet; continue the run", file=sys.stderr)
        return 1
    told = provenance_of(asked.runs) | {
        "curves": len(curves),
        "blocks": sum(int(row["blocks"]) for points in curves.values() for row in points),
    }
    with asked.out.open("w", newline="") as file:
        file.writelines(f"# {line}\n" for line in json.dumps(told, indent=1).splitlines())
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for curve in sorted(curves, key=lambda c: (c[1], c[0], -c[2])):
            for row in curves[curve]:
                writer.writerow([*curve, f"{float(row['esno_db']):g}", row["blocks"], row["block_errors"]])
    report(asked.out)
    return 0


def report(path: Path) -> None:
    """Print how many curves there are of each size, and the rows of MCS tables 1 and 3 that are missing."""
    from ntn6g.phy.abstraction import BlerTable

    table = BlerTable.read(path)
    print(f"{path}: {len(table.rows)} curves")
    for bits, count in sorted(Counter(row.block.bits for row in table.rows).items()):
        gaps = {number: table.missing(number, bits) for number in (1, 3)}
        told = "; ".join(f"table {number} lacks MCS {gap}" for number, gap in gaps.items() if gap) or "complete"
        print(f"  K = {bits:5d}: {count:3d} curves, {told}")


if __name__ == "__main__":
    sys.exit(main())
