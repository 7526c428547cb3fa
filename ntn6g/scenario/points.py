"""The points of a scenario's sweep, each a scenario of its own, and a scenario with all of them validated."""

from collections.abc import Iterable, Mapping
from typing import Any

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario.fields import merge, nested, plain, without_nulls
from ntn6g.scenario.messages import Key, known_keys, place, show, unknown_key
from ntn6g.scenario.scenario import NOT_SWEPT, Scenario, check, validated


def from_mapping(raw: Mapping[str, Any]) -> Scenario:
    """A scenario from nested dictionaries, with every part and every value of its sweeps validated.

    Raises
    ------
    ScenarioError
        One line about the first mistake: key, value, limit, likely cause.
    """
    scenario = validated(without_nulls(raw))
    for name, part in scenario.parts_resolved().items():
        if name:
            with place(f"in part {name!r}"):
                _check_points(part)
        else:
            _check_points(part)
    return scenario


def _check_points(scenario: Scenario) -> None:
    if scenario.sweep is None:
        return check(scenario)
    if scenario.study == "bler_table":
        raise ScenarioError("a bler_table study finds its own points; take the sweep away", key="sweep")
    known = known_keys(Scenario, plain(scenario))
    for path in scenario.sweep.paths():
        _check_swept(path, known)
    base = _without_sweep(scenario, scenario.sweep.paths())
    for values in scenario.sweep.samples():
        try:
            _point(base, values)
        except ScenarioError as error:
            section = error.key.partition(".")[0]
            swept = [f"{path}={show(value)}" for path, value in values.items() if path.startswith(section)]
            if not swept:
                raise
            with place(f"at the sweep point {', '.join(swept)}"):
                raise
    return None


def _check_swept(path: str, known: Mapping[str, Key]) -> None:
    section = path.partition(".")[0]
    if path not in known:
        swept = {p: key for p, key in known.items() if key.leaf and key.steps[0] not in NOT_SWEPT}
        raise ScenarioError(unknown_key(path, swept), key="sweep")
    if section in NOT_SWEPT:
        raise ScenarioError(f"'{path}' cannot be swept; {section} is the same for every point", key="sweep")
    if not known[path].leaf:
        inside = [p for p, key in known.items() if p.startswith(f"{path}.") and key.leaf]
        advice = f"; sweep one of {', '.join(inside[:6])}" if inside else ""
        raise ScenarioError(f"'{path}' holds no single value{advice}", key="sweep")


def apply(scenario: Scenario, values: Mapping[str, Any]) -> Scenario:
    """One point of a sweep as a scenario without `sweep` and with the default `stop`.

    Parameters
    ----------
    scenario : Scenario
        Without parts: one of `Scenario.parts_resolved`.
    values : mapping
        Dotted path to value, as from `sweep_points`; choosing a moment of the pass replaces the one given.

    Raises
    ------
    ScenarioError
        If the point is not a complete scenario.
    """
    return _point(_without_sweep(scenario, values), values)


def _without_sweep(scenario: Scenario, paths: Iterable[str]) -> dict[str, Any]:
    """What every point starts from: swept sections as dictionaries, the others as they are."""
    swept = {path.partition(".")[0] for path in paths}
    sections = {field.alias or name: name for name, field in Scenario.model_fields.items()}
    kept = {
        key: getattr(scenario, name)
        for key, name in sections.items()
        if key not in swept and name not in ("sweep", "stop", "parts")
    }
    return kept | scenario.model_dump(by_alias=True, exclude_none=True, include=swept & sections.keys())


def _point(base: Mapping[str, Any], values: Mapping[str, Any]) -> Scenario:
    point = validated(merge(base, nested((tuple(path.split(".")), value) for path, value in values.items())))
    check(point)
    return point


def sweep_points(scenario: Scenario) -> list[dict[str, Any]]:
    """The points of a scenario without parts, swept key to value; the first key of a grid varies slowest.

    Without a sweep there is one point, which changes nothing. Whole numbers of a range are ``int``;
    the value in the key's own type is ``flatten(apply(scenario, point))[path]``.
    """
    return [{}] if scenario.sweep is None else scenario.sweep.rows()


def flatten(scenario: Scenario) -> dict[str, Any]:
    """Dotted path to value for every key, defaults included; instants as text, so that it can go to JSON."""
    dumped = scenario.model_dump(mode="json", by_alias=True, exclude_none=True)
    return dict(_leaves(dumped, ""))


def _leaves(tree: Mapping[str, Any], prefix: str) -> Iterable[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
