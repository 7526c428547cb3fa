"""From YAML to a scenario and back: shipped configs, overrides, and syntax errors on one line."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario.fields import merge, nested, plain
from ntn6g.scenario.files import with_files
from ntn6g.scenario.messages import unknown_key, unknown_name
from ntn6g.scenario.points import from_mapping
from ntn6g.scenario.scenario import Scenario, settable_keys

_INT, _FLOAT, _TIMESTAMP = (f"tag:yaml.org,2002:{name}" for name in ("int", "float", "timestamp"))
# As in YAML 1.2, 1e-3 is a number, 010 is ten, and 12:30 and instants are text; PyYAML follows YAML 1.1.
_NUMBERS = {
    _INT: re.compile(r"[-+]?[0-9][0-9_]*$"),
    _FLOAT: re.compile(
        r"(?:[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
    ),
}


class _Loader(yaml.SafeLoader):
    """Safe loader that refuses repeated keys and keys that are not text."""


class _Dumper(yaml.SafeDumper):
    """Safe dumper that quotes what the loader would read as a number, and never uses anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _other_resolvers(resolvers: Mapping[Any, Any]) -> dict[Any, Any]:
    return {
        first: [(tag, pattern) for tag, pattern in entries if tag not in (*_NUMBERS, _TIMESTAMP)]
        for first, entries in resolvers.items()
    }


for _class in (_Loader, _Dumper):
    _class.yaml_implicit_resolvers = _other_resolvers(_class.yaml_implicit_resolvers)
    for _tag, _pattern in _NUMBERS.items():
        _class.add_implicit_resolver(_tag, _pattern, list("-+.0123456789"))


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[str, Any]:
    seen: set[str] = set()
    for key_node, _ in node.value:
        key = key_node.value
        if key_node.tag not in ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"):
            raise yaml.constructor.ConstructorError(
                None, None, f"key {key!r} is not text; quote it", key_node.start_mark
            )
        if key in seen:
            raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is given twice", key_node.start_mark)
        seen.add(key)
    return loader.construct_mapping(node, deep=True)  # type: ignore[return-value]  # the keys are text


def _whole(loader: _Loader, node: yaml.ScalarNode) -> int:
    return int(node.value)


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor(_INT, _whole)
_Dumper.add_representer(
    datetime, lambda dumper, instant: dumper.represent_str(instant.isoformat().replace("+00:00", "Z"))
)


def _parse(text: str, source: str) -> Any:
    try:
        return yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        problem = " ".join(str(error.problem or error.context).split())
        raise ScenarioError(f"{source}: {where}{problem}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise ScenarioError(f"{source}: not readable as YAML: {' '.join(str(error).split())}") from None


def shipped_configs() -> dict[str, Path]:
    """Configs by name: from beside the package in a source tree, from inside it in a wheel."""
    package = Path(__file__).resolve().parents[1]
    beside = package.parent / "configs"
    in_source_tree = beside.is_dir() and (package.parent / "pyproject.toml").is_file()
    folder = beside if in_source_tree else package / "configs"
    return {path.stem: path for path in sorted(folder.rglob("*.yaml"))}


def _find(config: str | Path) -> Path:
    path = Path(config)
    if path.is_file():
        return path
    shipped = shipped_configs()
    if str(config) in shipped:
        return shipped[str(config)]
    raise ScenarioError(unknown_name(str(config), shipped, "is neither a file nor a shipped config"), key="config")


def _overrides(raw: Any, overrides: Sequence[str]) -> dict[str, Any]:
    known = settable_keys(raw)
    values = []
    for override in overrides:
        path, equals, text = override.partition("=")
        if not equals or not path.strip():
            raise ScenarioError(f"{override!r} is not of the form key.path=value", key="--set")
        if path.strip() not in known:
            raise ScenarioError(unknown_key(path.strip(), known), key="--set")
        values.append((known[path.strip()].steps, _parse(text, f"--set {' '.join(override.split())}")))
    return nested(values)


def load(config: str | Path, overrides: Sequence[str] = ()) -> Scenario:
    """A validated scenario from a file, or from a shipped config by its name.

    Parameters
    ----------
    config : str or Path
        A YAML file, or the name of one of `shipped_configs`.
    overrides : sequence of str
        ``key.path=value`` with the value in YAML, laid over the file before validation;
        a null takes a key away.

    Raises
    ------
    ScenarioError
        One line about the first mistake: of the file, its syntax, an override, a key or a value.
    """
    path = _find(config)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: not readable: {' '.join(str(error).split())}") from None
    raw = _parse(text, str(path))
    if not isinstance(raw, dict):
        found = "is empty" if raw is None else f"holds a {type(raw).__name__}"
        raise ScenarioError(f"{path}: {found}; a scenario is a mapping that starts with 'schema: 1'")
    return from_mapping(with_files(merge(raw, _overrides(raw, overrides)) if overrides else raw, path.parent))


def dump(scenario: Scenario) -> str:
    """The scenario as YAML, sections in order, defaults written out; `load` gives the same scenario back."""
    return yaml.dump(
        plain(scenario),
        Dumper=_Dumper,
        sort_keys=False,
        default_flow_style=None,
        width=1000,
        allow_unicode=True,
    )
