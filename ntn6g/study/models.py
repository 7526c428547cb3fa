"""Trained models as files: found by name, checked, read."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from ntn6g.core.errors import ScenarioError

CARD, CARD_TEXT = "card.json", "card.md"


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """What a training left: a card, and weights of every seed.

    Parameters
    ----------
    name : str
        As it was asked for.
    card : mapping
        Scenario, network, data, figures of every seed.
    weights : mapping
        By seed, arrays by name.
    digest : str
        SHA-256 over the card's network and all weights.
    """

    name: str
    card: Mapping[str, Any]
    weights: Mapping[int, Mapping[str, np.ndarray[Any, Any]]]
    digest: str

    @property
    def best_seed(self) -> int:
        """The seed whose validation was best."""
        return max(self.weights, key=lambda seed: float(self.card["seeds"][str(seed)]["validation"]))


def shipped_models() -> dict[str, Path]:
    """Folders of the models that come with the package, by name."""
    root = Path(str(resources.files("ntn6g"))) / "services"
    return {card.parent.name: card.parent for card in sorted(root.glob(f"*/models/*/{CARD}"))}


def find_model(name: str) -> Path:
    """Folder of a model: a name of `shipped_models`, or what `ntn6g train` wrote.

    Raises
    ------
    ScenarioError
        Neither.
    """
    shipped = shipped_models()
    if name in shipped:
        return shipped[name]
    if (Path(name) / CARD).is_file():
        return Path(name).resolve()
    known = ", ".join(shipped) or "none"
    raise ScenarioError(
        f"{name!r} is neither a trained model (known: {known}) nor a folder that 'ntn6g train' finished"
    )


def read_model(name: str) -> TrainedModel:
    """A trained model by name or folder.

    Raises
    ------
    ScenarioError
        Nothing of that name, or files that do not fit together.
    """
    return _read(name, find_model(name))


@cache
def _read(name: str, folder: Path) -> TrainedModel:
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        weights: dict[int, Mapping[str, np.ndarray[Any, Any]]] = {}
        digest = hashlib.sha256(json.dumps(card["network"], sort_keys=True).encode())
        for seed, entry in sorted(card["seeds"].items(), key=lambda item: int(item[0])):
            content = (folder / entry["file"]).read_bytes()
            if hashlib.sha256(content).hexdigest() != entry["sha256"]:
                raise ScenarioError(f"{folder / entry['file']} is not the file that its card speaks of", key=name)
            digest.update(entry["sha256"].encode())
            with np.load(folder / entry["file"], allow_pickle=False) as file:
                weights[int(seed)] = {each: file[each] for each in file.files}
    except (OSError, ValueError, KeyError) as error:
        raise ScenarioError(f"{folder} holds no whole model: {error}", key=name) from None
    return TrainedModel(name, card, weights, digest.hexdigest())
