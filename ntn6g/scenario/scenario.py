"""The whole scenario: its sections and parts, and the checks across sections."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import Field, ValidationError

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario.adaptation import Adaptation
from ntn6g.scenario.antennas import Antennas
from ntn6g.scenario.beams import Beams, check_beams
from ntn6g.scenario.bler_table import BlerTable
from ntn6g.scenario.channel import Channel, follows_elevation
from ntn6g.scenario.contacts import Contacts
from ntn6g.scenario.coverage import Coverage
from ntn6g.scenario.fields import Name, Section, merge, plain, without_nulls
from ntn6g.scenario.handover import Handover
from ntn6g.scenario.link import Link
from ntn6g.scenario.messages import Key, known_keys, place, translate, unknown_name
from ntn6g.scenario.multistatic import Multistatic
from ntn6g.scenario.payload import Payload
from ntn6g.scenario.platforms import At, Platform, Terminal
from ntn6g.scenario.power import End, Power, check_absorption_noise
from ntn6g.scenario.sensing import Sensing
from ntn6g.scenario.survey import Survey
from ntn6g.scenario.sweep import Engine, Stop, Sweep
from ntn6g.scenario.terrestrial import SubTerahertz, TerrestrialCell, check_place
from ntn6g.scenario.track import Track
from ntn6g.scenario.training import Training

StudyKind = Literal[
    "link",
    "pass",
    "coverage",
    "contacts",
    "beams",
    "bler_table",
    "channel",
    "sensing",
    "multistatic",
    "adaptation",
    "handover",
]
_REPLACED_BY_PARTS = ("power", "sweep", "stop")  # a part's own value replaces these wholly
NOT_SWEPT = ("bler_table", "schema", "study", "name", "description", "training", "sweep", "stop", "engine", "parts")
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "link": ("channel", "link", "power"),
    "pass": ("channel",),
    "coverage": ("platforms", "coverage"),
    "contacts": ("platforms", "terminals", "contacts"),
    "beams": ("platforms", "antennas", "channel", "beams"),
    "bler_table": ("bler_table",),
    "channel": ("channel",),
    "sensing": ("sensing",),
    "multistatic": ("multistatic",),
    "adaptation": ("adaptation",),
    "handover": ("handover",),
}  # sections without which a study cannot be


class Part(Section):
    """What one part changes; `power`, `sweep` and `stop` are replaced, the other keys merged."""

    study: StudyKind | None = None
    """Study kind of this part."""
    description: str | None = None
    """What this part shows."""
    at: dict[str, Any] | None = None
    """Keys of `at`; choosing one moment of the pass replaces the inherited one."""
    antennas: dict[str, Any] | None = None
    """Keys of `antennas`; an antenna or pointing of another `kind` replaces the inherited one."""
    channel: dict[str, Any] | None = None
    """Keys of `channel`; a mapping of another `kind` replaces the inherited one."""
    link: dict[str, Any] | None = None
    """Keys of `link`; a modulation replaces the inherited mcs and the other way round."""
    payload: dict[str, Any] | None = None
    """Keys of `payload`."""
    power: Power | None = None
    """Replaces the inherited `power`."""
    track: Track | None = None
    """Keys of `track`."""
    coverage: dict[str, Any] | None = None
    """Keys of `coverage`."""
    contacts: dict[str, Any] | None = None
    """Keys of `contacts`."""
    beams: dict[str, Any] | None = None
    """Keys of `beams`."""
    survey: dict[str, Any] | None = None
    """Keys of `survey`."""
    sensing: dict[str, Any] | None = None
    """Keys of `sensing`."""
    multistatic: dict[str, Any] | None = None
    """Keys of `multistatic`."""
    adaptation: dict[str, Any] | None = None
    """Keys of `adaptation`."""
    handover: dict[str, Any] | None = None
    """Keys of `handover`."""
    sweep: Sweep | None = None
    """Replaces the inherited `sweep`."""
    stop: Stop | None = None
    """Replaces the inherited `stop`."""


class Scenario(Section):
    """One experiment: what is simulated, at which points, until when."""

    schema_: Literal[1] = Field(alias="schema")
    """Version of this format: 1."""
    study: StudyKind | None = None
    """Study kind: link (error rates), pass (geometry over a pass), coverage (satellites in view over the Earth),
    contacts (satellites over ground stations), beams (C/I under a layout of beams), bler_table (code blocks on white
    noise), channel (losses and fading), sensing (targets found and measured), multistatic (one target, several paths),
    adaptation (policies of link adaptation compared) or handover (terminals that move through cells);
    required unless each part gives it."""
    name: Name
    """Name of the experiment: letters, digits, '-' and '_'."""
    description: str = ""
    """What the experiment shows, in a sentence."""
    seed: int = Field(default=1, ge=0, le=2**63 - 1)
    """Seed of every random stream, 0 to 2^63 - 1."""
    platforms: dict[Name, Platform] = Field(default_factory=dict)
    """Satellites by name."""
    terminals: dict[Name, Terminal] = Field(default_factory=dict)
    """Terminals by name."""
    at: At | None = None
    """The instant of the link."""
    antennas: Antennas | None = None
    """Antennas of both ends, from which a link budget takes its gains."""
    channel: Channel | None = None
    """What space does to the wave."""
    payload: Payload | None = None
    """What the payload does to a signal: feeder link, filter, amplifier; a regenerative one does nothing."""
    link: Link | None = None
    """The physical layer; required by a link study."""
    power: Power | None = None
    """How strong the signal is; required by a link study."""
    track: Track = Field(default_factory=Track)
    """The time axis of a pass study."""
    coverage: Coverage | None = None
    """Grid and instants of a coverage study; required by it."""
    contacts: Contacts | None = None
    """Satellites and window of a contact study; required by it."""
    beams: Beams | None = None
    """Layout, instant and map of a beams study; required by it."""
    bler_table: BlerTable | None = None
    """Code blocks of a bler_table study; required by it."""
    survey: Survey = Field(default_factory=Survey)
    """Place and axes of a channel study."""
    sensing: Sensing | None = None
    """Frame, targets and detector of a sensing study; required by it."""
    multistatic: Multistatic | None = None
    """Target and paths of a multistatic study; required by it."""
    adaptation: Adaptation | None = None
    """Link, reports and policies of an adaptation study; required by it."""
    handover: Handover | None = None
    """Terminals, layers and policies of a handover study; required by it."""
    training: Training | None = None
    """What `ntn6g train` learns on this setting; `ntn6g run` takes no notice of it."""
    sweep: Sweep | None = None
    """The points of the run; one point when absent."""
    stop: Stop = Field(default_factory=lambda: Stop(block_errors=100))
    """When a point of a link study has been simulated long enough."""
    engine: Engine = Field(default_factory=Engine)
    """How the work is cut."""
    parts: dict[Name, Part] = Field(default_factory=dict)
    """Variants by name, each overriding the keys above it, with its own rows and figures."""

    def parts_resolved(self) -> "dict[str, Scenario]":
        """Each part as a complete scenario without parts; or the scenario itself under ``""``."""
        if not self.parts:
            return {"": self}
        base = plain(self)
        overrides = base.pop("parts")
        resolved = {}
        for name, override in overrides.items():
            replaced = [key for key in _REPLACED_BY_PARTS if key in override]
            inherited = {key: value for key, value in base.items() if key not in replaced}
            with place(f"in part {name!r}"):
                resolved[name] = validated(without_nulls(merge(inherited, override)))
        return resolved

    def platform_name(self) -> str:
        """The platform of the link: the one that `at` names, or the only one."""
        return _chosen("platform", self.at.platform if self.at else None, self.platforms)

    def coverage_platform(self) -> str:
        """The constellation of a coverage study: the one that `coverage` names, or the only one."""
        given = self.coverage.platform if self.coverage else None
        return _chosen("platform", given, self.platforms, section="coverage")

    def contacts_platform(self) -> str:
        """The constellation of a contact study: the one that `contacts` names, or the only one."""
        given = self.contacts.platform if self.contacts else None
        return _chosen("platform", given, self.platforms, section="contacts")

    def beams_platform(self) -> str:
        """The satellite or constellation of a beams study: the one that `beams` names, or the only one."""
        given = self.beams.platform if self.beams else None
        return _chosen("platform", given, self.platforms, section="beams")

    def ends(self) -> tuple[End, End]:
        """The antennas that send and receive, each with its name; None where none is given."""
        given = self.antennas or Antennas()
        satellite: End = ("satellite", given.satellite) if given.satellite else None
        terminal: End = ("terminal", given.terminal) if given.terminal else None
        uplink = self.link is not None and self.link.direction == "uplink" and self.study != "beams"
        return (terminal, satellite) if uplink else (satellite, terminal)

    def terminal_name(self) -> str:
        """The terminal of the link: the one that `at` names, or the only one."""
        return _chosen("terminal", self.at.terminal if self.at else None, self.terminals)


def _chosen(key: str, given: str | None, among: Iterable[str], section: str = "at") -> str:
    names = list(among)
    if given is None and len(names) == 1:
        return names[0]
    if given is None:
        raise ScenarioError(
            f"required key is missing, since there are several; known: {', '.join(names)}", key=f"{section}.{key}"
        )
    if given not in names:
        raise ScenarioError(unknown_name(given, names), key=f"{section}.{key}")
    return given


def settable_keys(raw: Any) -> dict[str, Key]:
    """Every key that a scenario with the platforms and parts of ``raw`` may hold, by dotted path."""
    keys = _and_sweeps(known_keys(Scenario, raw))
    parts = raw.get("parts") if isinstance(raw, Mapping) else None
    for name, over in parts.items() if isinstance(parts, Mapping) else ():
        whole = {key: value for key, value in raw.items() if key != "parts"}
        part = merge(whole, over) if isinstance(over, Mapping) else whole  # it may name things that others do not
        for path, key in _and_sweeps(known_keys(Scenario, part)).items():
            if key.steps[0] in Part.model_fields:
                keys[f"parts.{name}.{path}"] = Key(("parts", str(name), *key.steps), key.leaf, key.kinds)
    return keys


def _and_sweeps(keys: dict[str, Key]) -> dict[str, Key]:
    swept = [path for path, key in keys.items() if key.leaf and key.steps[0] not in NOT_SWEPT]
    sweeps = {
        f"sweep.{form}.{path}": Key(("sweep", form, path), leaf=False) for form in ("grid", "zip") for path in swept
    }
    return keys | sweeps


def validated(raw: Mapping[str, Any]) -> Scenario:
    """The scenario of nested dictionaries, each section by itself; `check` looks across sections."""
    try:
        return Scenario.model_validate(raw)
    except ValidationError as error:
        raise translate(error, raw, settable_keys(raw)) from None


def check(scenario: Scenario) -> None:
    """Raise `ScenarioError` unless a single point is complete and its sections fit together."""
    if scenario.study is None:
        *others, last = _NEEDED
        raise ScenarioError(f"required key is missing; choose {', '.join(others)} or {last}", key="study")
    for key in _NEEDED[scenario.study]:
        if not getattr(scenario, key):
            raise ScenarioError(f"required key is missing; a {scenario.study} study needs it", key=key)
    _check_sections(scenario)
    if scenario.study == "multistatic" and scenario.multistatic is not None:
        scenario.multistatic.check({**scenario.platforms, **scenario.terminals})
    elif scenario.study == "handover" and scenario.handover is not None:
        scenario.handover.check(dict(scenario.platforms))
    elif scenario.study == "coverage":
        scenario.coverage_platform()
    elif scenario.study == "contacts":
        scenario.contacts_platform()
    elif scenario.study == "beams":
        scenario.beams_platform()
    elif scenario.study not in ("bler_table", "channel", "sensing", "multistatic", "adaptation", "handover"):
        _check_geometry(scenario)


def _check_sections(scenario: Scenario) -> None:
    """Each section by itself, and with those that it leans on."""
    link = scenario.link if scenario.study == "link" else None  # a pass reads its spacing at most
    sensing = scenario.sensing if scenario.study == "sensing" else None
    for section in (scenario.channel, link, sensing):
        if section is not None:
            section.check()
    if link is not None and scenario.channel is not None:
        link.check_domain(scenario.channel.domain)
    if scenario.antennas is not None:
        scenario.antennas.check(faraday=scenario.channel is not None and scenario.channel.losses.faraday)
        scenario.antennas.check_squint(scenario.study, link.estimator if link else None)
    if scenario.payload is not None and link is not None:
        most = max(link.layers, link.transmit_antennas or 1, link.receive_antennas or 1)
        scenario.payload.check(uplink=link.direction == "uplink", antennas=most)
    if scenario.power is not None:
        scenario.power.check(*scenario.ends())
    if scenario.study == "beams":
        drawn = scenario.channel is not None and scenario.channel.losses.shadow_fading == "draw"
        check_beams(scenario.antennas or Antennas(), scenario.power, draws_shadowing=drawn)
        counts = scenario.channel is not None and scenario.channel.losses.cross_polar
        if scenario.beams is not None:
            scenario.beams.check_polarisations(scenario.antennas or Antennas(), counts_rain=counts)
    if scenario.channel is not None:
        check_place(
            scenario.channel.fading, str(scenario.study), scenario.at is not None, scenario.antennas is not None
        )
        check_absorption_noise(scenario.channel.losses.absorption_noise, scenario.power)


def _check_geometry(scenario: Scenario) -> None:
    reason = _needs_geometry(scenario)
    if reason is None:
        return
    for key in ("platforms", "terminals", "at"):
        if not getattr(scenario, key):
            raise ScenarioError(f"required key is missing; {reason} needs it", key=key)
    if scenario.at is not None:
        scenario.at.check()
        if scenario.study == "pass" and scenario.at.pass_ is None:
            raise ScenarioError("required key is missing; a pass study needs it", key="at.pass")
    scenario.platform_name()
    scenario.terminal_name()


def _needs_geometry(scenario: Scenario) -> str | None:
    if scenario.study == "pass":
        return "a pass study"
    fading = scenario.channel.fading if scenario.channel is not None else None
    if isinstance(fading, TerrestrialCell | SubTerahertz):
        return None if fading.distance_m is not None else f"channel.fading {fading.kind} without distance_m"
    if scenario.channel is not None and follows_elevation(scenario.channel.fading):
        return f"channel.fading {scenario.channel.fading.kind}"
    if scenario.power is not None and scenario.power.budget is not None:
        return "power.budget"
    squints = scenario.antennas.squinting if scenario.antennas else None
    asking = {
        "payload.feeder": scenario.payload is not None and scenario.payload.feeder is not None,
        "link.compensation": scenario.link is not None and scenario.link.compensation is not None,
        f"antennas.{squints}.squint": squints is not None,
        "at": scenario.at is not None,
    }
    return next((key for key, asks in asking.items() if asks), None)


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a scenario file, for editors."""
    schema = Scenario.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "ntn6g scenario"}
