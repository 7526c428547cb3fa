"""How fast is it? Ratios against a named peer, measured in one run, both sides in turns.

    python experiments/speed.py [--only NAME ...] [--json]

Keys end in _ratio (the peer's time over ours for the same work, larger is better), _per_s, _ms or _mib. On two idle
CPU cores expect

    curve     curve_ratio 8 (compile included), curve_run_ratio 9, blocks_ratio 1.5 (at 6, 9 and 10 dB both need
              thousands of blocks: an oracle of our rule would reach no more)
    decoder   decoder_ratio 7 or more at Sionna's 1 % point, decoder_clear_ratio 12 or more 1 dB above it, small 4
    engine    engine_overhead_ms under 5 a point, ledger_open_ms under 2000 for a million chunks, workers_ratio 1.6
    link      link_ratio 3 or more at 10 % BLER, link_1pct_ratio 4 or more at 1 %
    orbit     orbit_j2_ratio 9 or more (6 against numpy in chunks that fit its cache), orbit_sgp4_ratio 4 or more,
              orbit_linear_ratio above 0.9
    channel   ray_realizations_per_s 37,000 (goal 55,500), tdl_realizations_per_s 75,000, ray_vs_sionna_uma_ratio 10 or
              more, uma_vs_sionna_uma_ratio 4 or more with as many clusters and rays on both sides, mixed_ratio about 1
    adaptation  terminal_slots_per_s 1,000,000 (goal), policy_slots_per_s more
    handover  terminal_steps_per_s 208,000 (goal), handover_mib under 4000, handover_terminals_ratio and
              handover_time_ratio about 1 (linear)
    sensing   maps_per_s 2000 (goal), maps_padded_per_s 100, maps_ratio 3, maps_transform_ratio 0.8 or more, linear
              ratios (targets, frames) of 1 or more
    time      time_ratio 5 or more

Ratios hold on a busy machine too, since both sides meet the same load; absolute rates do not.
"""

import argparse
import importlib
import json
import os
import sys
from pathlib import Path

from ntn6g.study import device

BENCHMARKS = {
    "adaptation": "benchmarks.adaptation",
    "channel": "benchmarks.channel",
    "curve": "benchmarks.curve",
    "decoder": "benchmarks.decoder",
    "engine": "benchmarks.engine",
    "handover": "benchmarks.handover",
    "link": "benchmarks.link",
    "orbit": "benchmarks.orbit",
    "sensing": "benchmarks.sensing",
    "time": "benchmarks.time_domain",
}
"""Benchmarks by name: modules with a function ``run() -> dict`` of figures."""


def main() -> int:
    """Run the benchmarks asked for, and print their figures as lines or as one JSON object."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append", choices=BENCHMARKS, metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--json", action="store_true", help="print one flat JSON object")
    asked = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.path.insert(0, str(Path(__file__).parent))
    device.keep_memory()  # as runs do, for both sides
    figures: dict[str, float] = {}
    for name in asked.only or BENCHMARKS:
        print(f"{name} ...", file=sys.stderr, flush=True)
        found = importlib.import_module(BENCHMARKS[name]).run()
        figures |= found
        if not asked.json:
            print("\n".join(f"{key:32s} {value:12.4g}" for key, value in found.items()), flush=True)
    if asked.json:
        print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
