"""Handover: 1000 terminals under 60 cells at steps of 40 ms, everything but the scenario's reading.

A terminal step is one step of one terminal: geometry, antennas, shadowing, interference, a noisy measurement of all 60
cells, filter, events, timers, served rate. `handover_mib` is the memory of the whole process at its highest.
`handover_terminals_ratio` and `handover_time_ratio` are what four times the terminals, or the blocks, cost over four
times the time of one: 1 is linear. Figures are of the processor, all threads together, where `_processor` says so.
"""

import resource
import time

from benchmarks import timing
from ntn6g.scenario import from_mapping
from ntn6g.services.handover import tensors_of
from ntn6g.study.build.handover.policies import rule_of
from ntn6g.study.build.handover.world import Stage, case_of

TERMINALS, BLOCKS = 1_000, 2


def stage_of(terminals: int) -> Stage:
    """Terminals under 60 cells: 19 moving beams of a satellite, 19 of a platform, 22 on the ground."""
    beams = {"kind": "beams", "platform": "train", "steering": "earth-moving", "reuse": 3, "min_elevation_deg": 0}
    scenario = from_mapping(
        {
            "schema": 1,
            "study": "handover",
            "name": "speed",
            "platforms": {
                "train": {
                    "kind": "circular",
                    "altitude_km": 600,
                    "inclination_deg": 53,
                    "argument_of_latitude_deg": 63,
                    "epoch": "2026-04-25T12:00:00Z",
                },
                "haps": {"kind": "haps", "latitude_deg": 45, "longitude_deg": 10},
            },
            "handover": {
                "duration_s": 20,
                "terminals": {"count": terminals, "motion": "vehicle", "latitude_deg": 45, "longitude_deg": 10},
                "layers": {
                    "moving": {**beams, "beams": 19},
                    "fixed": {**beams, "platform": "haps", "steering": "earth-fixed", "beams": 19, "spacing_km": 10},
                    "ground": {"kind": "cells", "sites": 19},
                    "line": {"kind": "cells", "layout": "line", "sites": 3, "spacing_km": 4},
                },
            },
        }
    )
    return Stage(case_of(scenario))


def run() -> dict[str, float]:
    """Terminal steps a second, memory, and whether cost is linear."""
    few, many = stage_of(TERMINALS // 4), stage_of(TERMINALS)
    cells = many.scene.cells
    assert cells == 60
    timing.note(f"{cells} cells, blocks of {many.block_steps} steps")
    spent = timing.in_turns(
        {
            "few": lambda: walk(few, BLOCKS),
            "many": lambda: walk(many, BLOCKS),
            "long": lambda: walk(few, 4 * BLOCKS),
        },
        rounds=2,
    )
    steps = BLOCKS * many.block_steps * TERMINALS
    begun = time.process_time()
    walk(many, BLOCKS)
    processor_s = time.process_time() - begun
    return {
        "terminal_steps_per_s": steps / min(spent["many"]),
        "terminal_steps_processor_per_s": steps / processor_s,
        "handover_terminals_ratio": 4.0 * min(spent["few"]) / min(spent["many"]),
        "handover_time_ratio": 4.0 * min(spent["few"]) / min(spent["long"]),
        "handover_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0,
    }


def walk(stage: Stage, blocks: int) -> float:
    """Bits served under A3 over some blocks, places and all."""
    rule = tensors_of(rule_of("a3", stage.asked.tuning), stage.step_s)
    carry = stage.simulation.start(stage.world)
    for number in range(blocks):
        first = number * stage.block_steps
        block = stage.block(first)
        carry, _ = stage.simulation.run(stage.world, rule, carry, block)
    return float(carry[1].counts.served_bits.numpy().sum())
