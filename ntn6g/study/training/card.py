"""The model card beside the weights: what was trained, on what, how, and what came of it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ntn6g.scenario import Scenario, dump
from ntn6g.study import runfolder
from ntn6g.study.models import CARD, CARD_TEXT
from ntn6g.study.training.checkpoint import Progress, write_arrays
from ntn6g.study.training.learner import Learner


def write_model(
    folder: runfolder.RunFolder,
    scenario: Scenario,
    learner: Learner,
    trained: Sequence[Progress],
    *,
    versions: Mapping[str, str],
    command: str,
) -> dict[str, Any]:
    """Write the weights of every seed and the card about them; the card."""
    facts = learner.facts()
    seeds = {}
    for each in trained:
        file = f"seed-{each.seed}.npz"
        weights = learner.finished(each.best)
        write_arrays(folder.path / file, weights)
        seeds[str(each.seed)] = {
            "file": file,
            "sha256": hashlib.sha256((folder.path / file).read_bytes()).hexdigest(),
            "validation": each.best_score,
            "rounds": each.round_,
            "best_round": each.best_round,
            "figures": dict(learner.figures(weights)),
        }
    card = {
        "name": scenario.name,
        "model": learner.model,
        "command": command,
        "ntn6g": versions["ntn6g"],
        "commit": runfolder.source_commit(),
        "network": dict(facts["network"]),
        "data": dict(facts["data"]),
        "score": facts["score"],
        "weights": sum(value.size for value in trained[0].best.values()),
        "seeds": seeds,
        "scenario": dump(scenario),
    }
    folder.write_text(CARD, json.dumps(card, indent=2) + "\n")
    folder.write_text(CARD_TEXT, _text(card))
    return card


def _text(card: Mapping[str, Any]) -> str:
    best = max(card["seeds"], key=lambda seed: float(card["seeds"][seed]["validation"]))
    figures = list(card["seeds"][best]["figures"])
    lines = [
        f"# {card['name']}: {card['model']}",
        "",
        f"Made by `{card['command']}` with ntn6g {card['ntn6g']}"
        + (f" at commit {card['commit']}." if card["commit"] else "."),
        f"{card['weights']} weights. Seed {best} was best on the validation split.",
        "",
        "## Data",
        "",
        *(f"- {name}: {what}" for name, what in card["data"].items()),
        "",
        "## Seeds",
        "",
        "| seed | rounds, best | validation | " + " | ".join(figures) + " |",
        "|---" * (3 + len(figures)) + "|",
        *(
            f"| {seed} | {each['rounds']}, {each['best_round']} | {each['validation']:.4f} | "
            + " | ".join(f"{each['figures'][name]:.4f}" for name in figures)
            + " |"
            for seed, each in card["seeds"].items()
        ),
        "",
        f"`validation` is {card['score']}.",
        *_verdict(best, card["data"], card["seeds"][best]["figures"]),
        "",
        "## Network",
        "",
        *(f"- {name}: {value}" for name, value in card["network"].items()),
        "",
        "## Scenario",
        "",
        "```yaml",
        card["scenario"].rstrip(),
        "```",
        "",
    ]
    return "\n".join(lines)


def _verdict(seed: str, data: Mapping[str, Any], figures: Mapping[str, float]) -> list[str]:
    """What may be said of the best seed against what it had to beat, where that was measured."""
    if "gain_percent" not in figures:
        return []
    low, high = figures["gain_percent_low"], figures["gain_percent_high"]
    word = "gain" if low > 0.0 else "loss" if high < 0.0 else "inconclusive"
    gain = figures["gain_percent"]
    return [
        "",
        f"Seed {seed} against {data['rule']}: {word}, {gain:+.2f} % ({low:.2f} to {high:.2f}) on held-out sets.",
    ]
