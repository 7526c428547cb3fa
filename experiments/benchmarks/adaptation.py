"""Link adaptation over a satellite delay: passes drawn, and OLLA driven through them, slot by slot.

Setting S of the study `adaptation`: LEO at 600 km near 10 degrees, 13 slots of delay, a report every 5 slots. A
terminal slot is one slot of one terminal: geometry, fading, report, feedback, choice, outcome. `terminal_slots_per_s`
counts the drawing of the traces too; `policy_slots_per_s` the policy's loop alone.
"""

import math

import tensorflow as tf

from benchmarks import timing
from ntn6g.core import random
from ntn6g.services.adaptation import LinkEnvironment, LinkValues, TraceMaker, pass_geometry, rate_ladder
from ntn6g.services.adaptation.policies import OuterLoop, OuterLoopSteps

PASSES, SLOTS, ROUNDS = 2_048, 500, 5


def run() -> dict[str, float]:
    """Terminal slots a second, with and without the drawing of traces."""
    ladder = rate_ladder(1, 100)
    maker = TraceMaker(slots=SLOTS, slot_s=1e-3, period_slots=5)
    environment, policy = LinkEnvironment(maker, ladder), OuterLoop(ladder)
    geometry = pass_geometry(altitude_m=600e3, elevation_rad=math.radians(10.0))
    values = LinkValues(geometry, *(tf.constant(each, tf.float64) for each in (8.0, 5.56, 10.0, 0.5)))
    steps = OuterLoopSteps(ladder.thresholds_db(0.1), *(tf.constant(each) for each in (0.05, 0.0, 0.1, 0.5, 0.0)))
    keys = random.block_keys(tf.constant([random.chunk_key(1, "benchmark", 0)], tf.uint32), PASSES)

    def goodput(trace: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(environment.run(policy, steps, trace).goodput)

    draw = tf.function(lambda: maker(keys, values), jit_compile=True, autograph=False)
    whole = tf.function(lambda: goodput(maker(keys, values)), jit_compile=True, autograph=False)
    alone = tf.function(goodput, jit_compile=True, autograph=False)
    trace = draw()
    spent = timing.in_turns({"whole": lambda: whole().numpy(), "alone": lambda: alone(trace).numpy()}, rounds=ROUNDS)
    slots = PASSES * SLOTS
    return {
        "terminal_slots_per_s": slots / min(spent["whole"]),
        "policy_slots_per_s": slots / min(spent["alone"]),
        "adaptation_slot_processor_ms": 1e3 * timing.processor_s(lambda: whole().numpy()) / SLOTS,
    }
