"""What tells runs apart: the keys in which their scenarios differ, in words for a legend."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from ntn6g.study.plots.style import legend_text
from ntn6g.study.plots.tables import Part

_NOT_TOLD = ("schema", "study", "name", "description", "sweep", "stop", "engine", "parts")
MOST_KEYS = 3  # in a legend; runs that differ in more are told by their names


def tell_apart(folders: Sequence[Path], parts: Sequence[Part]) -> list[dict[str, str]]:
    """What to call each run on a figure, by config path: ``{"link.mcs": "MCS 14"}``.

    Keys that a run sweeps are told by its curves. Runs that differ in nothing, in more than three keys, or in keys
    that some of them lack, are told by their names, or by their folders where names are equal.

    Parameters
    ----------
    folders
        Run folders.
    parts
        The part drawn of each.
    """
    if len(folders) == 1:
        return [{}]
    scenarios = [_keys(folder, part) for folder, part in zip(folders, parts, strict=True)]
    swept = {axis for part in parts for axis in part.varying()}
    keys = [key for key in dict.fromkeys(k for each in scenarios for k in each) if key not in swept]
    differing = [k for k in keys if any(each.get(k) != scenarios[0].get(k) for each in scenarios)]
    told = [{k: legend_text(k, each[k]) for k in differing if k in each} for each in scenarios]
    clear = len({tuple(each.values()) for each in told}) == len(told) and all(told)
    if clear and len(differing) <= MOST_KEYS:
        return told
    names = [part.run for part in parts]
    return [
        {"run": name if names.count(name) == 1 else str(folder)} for name, folder in zip(names, folders, strict=True)
    ]


def _keys(folder: Path, part: Part) -> dict[str, Any]:
    """Keys of the scenario that a part was computed from, by dotted path; none where the folder holds none."""
    file = folder / "scenario.yaml"
    try:
        scenario = (yaml.safe_load(file.read_text()) if file.is_file() else None) or {}
    except (OSError, yaml.YAMLError):
        return {}
    if not isinstance(scenario, Mapping):
        return {}
    own = (scenario.get("parts") or {}).get(part.name) or {}
    return _flat(_over({k: v for k, v in scenario.items() if k not in _NOT_TOLD}, own))


def _over(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _over(merged[key], value) if both else value
    return merged


def _flat(entries: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in entries.items():
        if not above and key in _NOT_TOLD:
            continue
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{above}{key}.")
        else:
            flat[f"{above}{key}"] = value
    return flat
