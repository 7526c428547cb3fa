"""What an adaptation study says of its policies: intervals that hold, verdicts that follow, refusals in one line."""

import numpy as np
import pytest

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario import from_mapping
from ntn6g.study import engine
from ntn6g.study.build.adaptation import AdaptationStudy, _verdict
from ntn6g.study.resampling import mean_interval, paired_bootstrap

MINIMAL = {"schema": 1, "study": "adaptation", "name": "links"}


def asked(**adaptation):
    return from_mapping({**MINIMAL, "adaptation": adaptation})


class TestIntervals:
    def test_the_difference_of_equals_is_within_its_interval_as_often_as_it_says(self):
        chance, held, repeats = np.random.default_rng(11), 0, 300
        for repeat in range(repeats):
            common = chance.normal(size=64)  # what the passes have in common
            values = {name: common + chance.gamma(2.0, size=64) for name in ("one", "other")}
            low, high = paired_bootstrap(values, lambda means: means["one"] - means["other"], seed=repeat)
            held += low <= 0.0 <= high
        # 95 % of 300 with a standard error of 1.3 %, and 1 % less that the percentiles of 64 passes are known to lack
        assert 0.90 <= held / repeats <= 0.985

    def test_pairing_takes_out_what_passes_have_in_common(self):
        chance = np.random.default_rng(12)
        common = 10.0 * chance.normal(size=64)
        values = {"one": common + 1.0 + 0.1 * chance.normal(size=64), "other": common}
        low, high = paired_bootstrap(values, lambda means: means["one"] - means["other"], seed=1)

        # 0.1 / sqrt(64) is a standard error of 0.0125 on a difference of one, where each alone has one of 1.25
        assert low == pytest.approx(0.9755, abs=0.02)
        assert high == pytest.approx(1.0245, abs=0.02)

    def test_seeds_that_differ_widen_what_passes_alone_would_say(self):
        of_seed = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
        low, high = mean_interval(of_seed[:, None] + np.zeros(64), seed=3)

        # the mean of five draws from 0..4 has a standard deviation of sqrt(2/5)
        assert (low, high) == (pytest.approx(2.0 - 1.96 * 0.632, abs=0.2), pytest.approx(2.0 + 1.96 * 0.632, abs=0.2))


@pytest.mark.parametrize(
    ("policy", "gap", "gain", "verdict"),
    [
        ("informed", 8.0, (7.0, 9.0), "bound"),
        ("olla", 8.0, (0.0, 0.0), "baseline"),
        ("ridge", 8.0, (1.0, 2.0), "gain"),
        ("ridge", 8.0, (-1.0, 2.0), "inconclusive"),
        ("ridge", 1.9, (0.5, 1.0), "nothing to win"),
        ("ridge", 1.9, (-3.0, -1.0), "loss"),
    ],
)
def test_a_verdict_says_no_more_than_the_interval(policy, gap, gain, verdict):
    figures = {"gap_percent": gap, "gain_percent_low": gain[0], "gain_percent_high": gain[1]}

    assert _verdict(policy, "olla", figures) == verdict


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"slots": 99}, "adaptation.slots"),
        ({"policies": ["ila"]}, "did you mean 'illa'"),
        ({"policies": []}, "policies is empty"),
        ({"passes": 4_096, "slots": 100_000}, "terminal slots"),
        ({"harq": {"processes": 4, "feedback_disabled": 5}}, "feedback_disabled 5"),
        ({"reports": {"lowest_db": 30.0, "highest_db": 10.0}}, "exchanged?"),
        ({"elevation": 10}, "did you mean 'adaptation.elevation_deg'"),
    ],
)
def test_a_mistake_is_one_line(given, line):
    with pytest.raises(ScenarioError, match=line.replace("?", r"\?")) as error:
        asked(**given)

    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"mcs_table": 2}, "adaptation.code_block_bits"),  # not simulated beyond 64-QAM
        ({"altitude_km": 35_786, "slots": 500}, "fewer than two delays of 271"),
        ({"slots": 30_000}, "may change by 1.4 slots over a pass"),
    ],
)
def test_what_cannot_be_computed_is_refused_before_anything_is_written(given, line):
    from ntn6g.study.build import build

    with pytest.raises(ScenarioError, match=line):
        build(asked(**given))


def test_the_policies_of_a_point_go_to_one_worker_together(tmp_path):
    """Else each worker would draw the passes of every point, and tune every policy on them."""
    sweep = {"grid": {"adaptation.speed_kmh": [1.0, 3.0, 30.0]}}
    policies = ["olla", "ridge", "informed"]
    study = AdaptationStudy("", from_mapping({**MINIMAL, "adaptation": {"policies": policies}, "sweep": sweep}))
    batches = []

    class Step:
        compile_s, compile_count, run_s = 0.0, 0, 0.0

        def __call__(self, work):
            batches.append([(given.speed_kmh, policy) for (given, _, policy), _ in work])
            return [engine.Chunk({}, {"found": 0.0}) for _ in work]

    ledger = engine.Ledger(tmp_path / "ledger.sqlite")
    states = engine.resume(study.points, study.rule, ledger)
    size = study.rows("adaptation") // engine.BLOCKS_PER_CHUNK
    engine.run(states, Step, size, engine.InProcess(), ledger)
    ledger.close()

    assert batches == [[(speed, policy) for policy in policies] for speed in (1.0, 3.0, 30.0)]


@pytest.mark.parametrize(
    ("models", "line"),
    [
        (["nobody"], "adaptation.models: 'nobody' is neither a trained model"),
        (["olla"], "name one twice"),
    ],
)
def test_a_model_that_is_none_is_one_line(models, line):
    with pytest.raises(ScenarioError, match=line):
        AdaptationStudy("", asked(models=models, policies=["olla"]))
