"""Files of element sets that a scenario names: their contents take the place of the name."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ntn6g.core.errors import ScenarioError


def with_files(raw: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """A scenario's mapping with the ``file`` of platforms of kind tle and omm read, beside the config or by its path.

    Raises
    ------
    ScenarioError
        For a file that is missing, not readable or of another format.
    """
    platforms = raw.get("platforms")
    if not isinstance(platforms, Mapping):
        return dict(raw)
    inlined = {name: _inlined(section, f"platforms.{name}.file", folder) for name, section in platforms.items()}
    return {**raw, "platforms": inlined}


def _inlined(section: Any, key: str, folder: Path) -> Any:
    if not isinstance(section, Mapping) or not isinstance(section.get("file"), str):
        return section
    readers = {"tle": ("lines", _lines), "omm": ("messages", _messages)}
    if section.get("kind") not in readers or readers[section["kind"]][0] in section:
        return section
    target, read = readers[section["kind"]]
    path = next((p for p in (folder / section["file"], Path(section["file"])) if p.is_file()), None)
    if path is None:
        raise ScenarioError(f"{section['file']!r} is no file, neither beside the config nor from here", key=key)
    try:
        contents = read(path)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise ScenarioError(f"{path} is not readable: {' '.join(str(error).split())}", key=key) from None
    return {**{name: value for name, value in section.items() if name != "file"}, target: contents}


def _lines(path: Path) -> list[str]:
    return [line.rstrip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _messages(path: Path) -> list[dict[str, Any]]:
    text = path.read_text(encoding="utf-8")
    if path.suffix.lower() == ".csv":
        return [dict(row) for row in csv.DictReader(text.splitlines())]
    found = json.loads(text)
    messages = found if isinstance(found, list) else [found]
    if not all(isinstance(message, dict) for message in messages):
        raise ValueError("it holds no list of messages with keywords")
    return [{name: value for name, value in message.items() if value is not None} for message in messages]
