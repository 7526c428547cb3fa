"""What every section of a scenario is made of: frozen base model, value types, how overrides are laid on."""

import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, model_validator

_MOMENTS = {"elevation_deg", "fraction", "from_culmination_s"}
# In each section: a key gives way when an override names one of its rivals and not the key itself.
_RIVALS: dict[str, dict[str, set[str]]] = {
    "at": {
        "pass": {"utc"},
        "utc": {"pass", *_MOMENTS},
        "side": {"fraction", "from_culmination_s", "utc"},
        **{moment: {"utc", *_MOMENTS} - {moment} for moment in _MOMENTS},
    },
    "sensing": {
        "image_snr_db": {"snr_db", "budget"},
        "snr_db": {"image_snr_db", "budget"},
        "budget": {"image_snr_db", "snr_db"},
    },
    "communication": {"snr_db": {"frame_snr_db"}, "frame_snr_db": {"snr_db"}},
    "link": {
        "mcs": {"modulation"},
        "modulation": {"mcs"},
        "residual_offset_ppm": {"residual_offset_hz"},
        "residual_offset_hz": {"residual_offset_ppm"},
    },
    "harq": {
        "combining": {"redundancy_versions"},
        "redundancy_versions": {"combining"},
        "round_trip_ms": {"feeder_delay_ms"},
        "feeder_delay_ms": {"round_trip_ms"},
    },
}


# Sections whose kinds have the same keys: another kind keeps what was given, such as a detector its false-alarm rate.
_SAME_KEYS = {"detector"}


class Section(BaseModel):
    """A frozen mapping of known keys; the docstring below each field is its description in the JSON Schema.

    Types are strict: text is not a number and a number is not a truth value. A float without a fraction
    (``1e5``) counts as a whole number.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    @model_validator(mode="before")
    @classmethod
    def _whole_numbers(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {k: int(v) if isinstance(v, float) and v.is_integer() else v for k, v in given.items()}


_FIRST_YEAR, _LAST_YEAR = 1957, 2100  # of instants: from Sputnik on, within what the Sun's formula was checked for


def _as_utc(given: Any) -> Any:
    if isinstance(given, str):
        try:
            given = datetime.fromisoformat(given)
        except ValueError:
            raise ValueError(f"{given!r} is not an instant such as 2026-04-25T12:00:00Z") from None
    if isinstance(given, datetime):
        if given.tzinfo is None:
            raise ValueError(f"{given.isoformat()} has no time zone; append Z for UTC")
        try:
            moment = given.astimezone(UTC)
        except OverflowError:
            moment = datetime.max.replace(tzinfo=UTC)
        if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
            raise ValueError(f"{given.isoformat()} lies outside the years {_FIRST_YEAR} to {_LAST_YEAR}")
        return moment
    raise ValueError(f"{given!r} is not an instant such as 2026-04-25T12:00:00Z")


def _as_name(given: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", given):
        raise ValueError(f"{given!r} is not a name; use letters, digits, '-' and '_', such as 'urban-20ghz'")
    return given


def _as_scalar(given: Any) -> Any:
    if not isinstance(given, bool | int | float | str):
        raise ValueError(f"{given!r} is not a single number or text")
    if isinstance(given, float) and not math.isfinite(given):
        raise ValueError(f"{given} is not finite")
    return given


def at_most_one(section: Section, *keys: str) -> None:
    """Raise ``ValueError`` when several of the keys are given; a trailing underscore is no part of a key."""
    given = [key.rstrip("_") for key in keys if getattr(section, key) is not None]
    if len(given) > 1:
        listed = ", ".join(key.rstrip("_") for key in keys)
        raise ValueError(f"{' and '.join(given)} are given; give at most one of {listed}")


UtcTime = Annotated[datetime, BeforeValidator(_as_utc)]
Name = Annotated[str, AfterValidator(_as_name)]
Scalar = Annotated[bool | int | float | str, BeforeValidator(_as_scalar)]


def plain(section: Section) -> dict[str, Any]:
    """A section as nested dictionaries of its keys, defaults included, absent and empty ones left out."""
    dumped = section.model_dump(by_alias=True, exclude_none=True)
    return {key: value for key, value in dumped.items() if value not in ({}, "")}


def merge(base: Mapping[str, Any], over: Mapping[str, Any], section: str = "") -> dict[str, Any]:
    """``base`` with the keys of ``over`` laid on it, mapping by mapping; a null takes a key away."""
    if "kind" in over and over["kind"] != base.get("kind") and section not in _SAME_KEYS:
        return dict(over)
    rivals = _RIVALS.get(section, {})
    merged = {key: value for key, value in base.items() if not rivals.get(key, set()) & over.keys()}
    for key, value in over.items():
        below = base.get(key)
        both = isinstance(value, dict) and isinstance(below, dict)
        merged[key] = merge(below, value, key) if both else value  # type: ignore[arg-type]  # both are dicts
    return merged


def without_nulls(tree: Mapping[str, Any]) -> dict[str, Any]:
    """A null means that the key is not given; in parts it stays, to take away what the part would inherit."""
    return {
        key: without_nulls(value) if isinstance(value, dict) and key != "parts" else value
        for key, value in tree.items()
        if value is not None
    }


def nested(steps_to_value: Iterable[tuple[tuple[str, ...], Any]]) -> dict[str, Any]:
    """Values at their steps as one tree of dictionaries; a later value wins over an earlier one."""
    tree: dict[str, Any] = {}
    for steps, value in steps_to_value:
        branch = tree
        for step in steps[:-1]:
            if not isinstance(branch.get(step), dict):
                branch[step] = {}
            branch = branch[step]
        branch[steps[-1]] = value
    return tree
