"""What is said about bad input: the keys that exist, their nearest neighbours, and one line per mistake."""

import difflib
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from ntn6g.core.errors import ScenarioError

_UNITS = {
    "_km": "km", "_m": "m", "_kmh": "km/h", "_deg": "degrees", "_ghz": "GHz", "_khz": "kHz", "_hz": "Hz",
    "_db": "dB", "_dbi": "dBi", "_dbm": "dBm", "_dbk": "dB/K", "_ns": "ns", "_s": "s", "_k": "K",
    "_ppm": "ppm", "_days": "days", "_m_s": "m/s", "_hz_s": "Hz/s", "_m2_s3": "m^2/s^3", "_ms": "ms", "_mhz": "MHz",
    "_dbw": "dBW", "_dbsm": "dBsm",
}  # fmt: skip
_SMALLER_UNITS = {
    "_km": (("metres", 1e3),),
    "_khz": (("hertz", 1e3),),
    "_ghz": (("hertz", 1e9), ("kilohertz", 1e6), ("megahertz", 1e3)),
}
_LIMITS = {
    "greater_than_equal": ("ge", "is too small; the limit is"),
    "greater_than": ("gt", "is too small; it must be above"),
    "less_than_equal": ("le", "is too large; the limit is"),
    "less_than": ("lt", "is too large; it must be below"),
    "multiple_of": ("multiple_of", "is not a multiple of"),
}
_TYPES = {
    "float_type": "a number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "string_type": "text",
    "tuple_type": "a list",
    "dict_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
}
_LENGTHS = {"too_short": ("min_length", "at least"), "too_long": ("max_length", "at most")}


@dataclass(frozen=True)
class Key:
    """One key that a scenario may hold: its steps, whether it holds one value, the kinds it belongs to."""

    steps: tuple[str, ...]
    leaf: bool
    kinds: tuple[str, ...] = ()


def show(value: Any) -> str:
    """A value on one short line."""
    text = f"{value:.12g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def known_keys(model: type[BaseModel], raw: Any, steps: tuple[str, ...] = ()) -> dict[str, Key]:
    """Dotted path to `Key` for every key of a model; names of platforms and parts are read from ``raw``."""
    kind = model.model_fields.get("kind")
    kinds = tuple(str(tag) for tag in get_args(kind.annotation)) if kind is not None else ()
    found: dict[str, Key] = {}
    for name, field in model.model_fields.items():
        key = field.alias or name
        value = raw.get(key) if isinstance(raw, Mapping) else None
        models = tuple(_models(field.annotation))
        here = (*steps, key)
        _add(found, Key(here, leaf=not models and not _holds(field.annotation, dict, tuple), kinds=kinds))
        if _holds(field.annotation, dict):
            names = [str(name) for name in value] if isinstance(value, Mapping) else []
            for entry in names:
                _add(found, Key((*here, entry), leaf=False))
            children = [((*here, entry), value[entry]) for entry in names if isinstance(value, Mapping)]
        else:
            children = [(here, value)]
        for place, inside in children:
            for child in models:
                for known in known_keys(child, inside, place).values():
                    _add(found, known)
    return found


def _add(found: dict[str, Key], key: Key) -> None:
    path = ".".join(key.steps)
    before = found.get(path)
    kinds = key.kinds if before is None else tuple(dict.fromkeys((*before.kinds, *key.kinds)))
    found[path] = Key(key.steps, key.leaf, kinds)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def _holds(annotation: Any, *containers: type) -> bool:
    return get_origin(annotation) in containers or any(_holds(a, *containers) for a in get_args(annotation))


def nearest(path: str, known: Iterable[str]) -> str | None:
    """The known path that was most likely meant: a sibling, the same key elsewhere, or a similar path."""
    paths = list(known)
    parent, _, last = path.rpartition(".")
    siblings = {p.rpartition(".")[2]: p for p in paths if p.rpartition(".")[0] == parent}
    close = difflib.get_close_matches(last, siblings, n=1)
    if close:
        return siblings[close[0]]
    similar = difflib.get_close_matches(path, paths, n=1, cutoff=0.8)
    if similar:
        return similar[0]
    elsewhere = [
        p for p in paths if p.rpartition(".")[2] == last and p.split(".")[0] not in ("parts", "sweep")
    ]
    if elsewhere:
        return max(elsewhere, key=lambda p: difflib.SequenceMatcher(None, path, p).ratio())
    return next(iter(difflib.get_close_matches(path, paths, n=1)), None)


def unknown_key(path: str, known: Mapping[str, Key]) -> str:
    """The line about a key that does not exist, or not for the chosen kind."""
    if path in known and known[path].kinds:
        return f"unknown key '{path}' for this kind; it goes with {' or '.join(known[path].kinds)}"
    neighbour = nearest(path, known)
    if neighbour is not None:
        return f"unknown key '{path}'; did you mean '{neighbour}'?"
    parent = path.rpartition(".")[0]
    siblings = [p.rpartition(".")[2] for p in known if p.rpartition(".")[0] == parent]
    return f"unknown key '{path}'; the keys here are {', '.join(siblings)}"


def unknown_name(given: str, names: Iterable[str], what: str = "is unknown") -> str:
    """The line about a value that is not one of the names: the nearest one and all of them."""
    listed = list(names)
    close = difflib.get_close_matches(given, listed, n=1)
    guess = f" did you mean {close[0]!r}?" if close else ""
    return f"{show(given)} {what};{guess} known: {', '.join(listed) or 'none'}"


@contextmanager
def place(where: str) -> Iterator[None]:
    """Add to an error where it occurred, such as the part or the sweep point."""
    try:
        yield
    except ScenarioError as error:
        placed = ScenarioError(f"{error} ({where})")
        placed.key = error.key
        raise placed from None


def translate(error: ValidationError, raw: Any, known: Mapping[str, Key]) -> ScenarioError:
    """The first mistake of a validation as one line: key, value, limit, likely cause."""
    mistakes = error.errors(include_url=False)
    # a misspelt key is also a missing one, so the spelling is said first
    first = min(mistakes, key=lambda mistake: mistake["type"] == "missing")
    steps = _key_steps(first["loc"], raw, first["type"])
    path = ".".join(steps).replace(".[", "[")
    more = f" (and {len(mistakes) - 1} more)" if len(mistakes) > 1 else ""
    if first["type"] == "extra_forbidden":
        unknown = ScenarioError(unknown_key(path, known) + more)
        unknown.key = path
        return unknown
    if first["type"].startswith("union_tag") and first.get("ctx", {}).get("discriminator") == "'kind'":
        path = f"{path}.kind"
    return ScenarioError(_sentence(first, path, known) + more, key=path)


def _key_steps(location: tuple[int | str, ...], raw: Any, kind_of_error: str) -> list[str]:
    """The location as the user wrote it: pydantic also names the chosen kind and form, which are no keys."""
    steps: list[str] = []
    cursor, tag = raw, None
    for depth, step in enumerate(location):
        missing_itself = kind_of_error == "missing" and depth == len(location) - 1
        if tag is not None and step == tag:  # a layer of kind beams has a key of that name too
            tag = None
            continue
        if isinstance(cursor, list | tuple) and isinstance(step, int) and step < len(cursor):
            steps.append(f"[{step}]")
            cursor = cursor[step]
        elif isinstance(cursor, Mapping) and step in cursor:
            steps.append(str(step))
            cursor = cursor[step]
        elif missing_itself:
            steps.append(str(step))
        tag = cursor.get("kind") if isinstance(cursor, Mapping) else None
    return steps


def _sentence(mistake: Any, path: str, known: Mapping[str, Key]) -> str:
    kind, value, context = mistake["type"], mistake["input"], mistake.get("ctx", {})
    if kind == "missing":
        return "required key is missing"
    if kind == "value_error":
        return str(context["error"])
    if kind == "finite_number" or (isinstance(value, float) and not math.isfinite(value)):
        return f"{show(value)} is not finite"
    return (
        _limit_sentence(kind, value, path, context)
        or _choice_sentence(kind, value, path, context, known)
        or " ".join(str(mistake["msg"]).split())
    )


def _limit_sentence(kind: str, value: Any, path: str, context: Mapping[str, Any]) -> str | None:
    if kind in _LIMITS:
        name, words = _LIMITS[kind]
        return f"{show(value)} {words} {show(context[name])}{_unit(path)}{_scale_hint(path, value)}"
    if kind in _TYPES:
        return f"{show(value)} is not {_TYPES[kind]}"
    if kind in _LENGTHS:
        name, words = _LENGTHS[kind]
        return f"{context['actual_length']} entries; it needs {words} {context[name]}"
    return None


def _choice_sentence(
    kind: str, value: Any, path: str, context: Mapping[str, Any], known: Mapping[str, Key]
) -> str | None:
    if kind == "literal_error":
        listed = context["expected"].replace("'", "")
        choices = re.split(r", | or ", listed)
        close = difflib.get_close_matches(str(value), choices, n=1)
        guess = f"; did you mean {close[0]!r}?" if close and isinstance(value, str) else ""
        hint = _scale_hint(path, value)
        return f"{show(value)} is not allowed; choose {listed}{_unit(path)}{guess}{hint}"
    if kind == "union_tag_invalid":
        return unknown_name(context["tag"], [tag.strip(" '") for tag in context["expected_tags"].split(",")])
    if kind == "union_tag_not_found" and path in known:
        return f"required key is missing; known: {', '.join(known[path].kinds)}"
    if kind == "string_too_short":
        return f"{show(value)} is empty"
    return None


def _suffix(path: str, table: Mapping[str, Any]) -> Any:
    """The entry of the longest suffix that ends the key's name."""
    fitting = [suffix for suffix in table if path.endswith(suffix)]
    return table[max(fitting, key=len)] if fitting else None


def _unit(path: str) -> str:
    unit = _suffix(path, _UNITS)
    return f" {unit}" if unit else ""


def _scale_hint(path: str, value: Any) -> str:
    for unit, factor in _suffix(path, _SMALLER_UNITS) or ():
        if isinstance(value, int | float) and abs(value) / factor >= 0.1:
            return f"; was it given in {unit}?"
    return ""
