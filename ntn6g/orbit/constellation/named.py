"""Constellations by name, from the table of published shells."""

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib import resources
from typing import Any

import yaml

from ntn6g.core.errors import ScenarioError
from ntn6g.orbit.constellation.walker import WalkerShell, walker_orbits
from ntn6g.orbit.network.fleet import ElementSets, Fleet
from ntn6g.orbit.platforms.element_set import ElementSet


@dataclass(frozen=True)
class NamedConstellation:
    """A constellation as published: shells as filed, or element sets as flown; with its source and its trust."""

    name: str
    what: str
    source: str
    confidence: str
    shells: tuple[WalkerShell, ...] = ()
    element_sets: tuple[tuple[str, str, str], ...] = ()

    @property
    def size(self) -> int:
        """Number of satellites when complete."""
        return sum(shell.satellites for shell in self.shells) + len(self.element_sets)

    def fleet(
        self, epoch: datetime | None = None, *, shells: Sequence[str] = (), deployed: float = 1.0, in_turn: bool = False
    ) -> Fleet:
        """Its satellites.

        Parameters
        ----------
        epoch : datetime, optional
            When the filed angles hold; needed for shells. Nothing is published about it: any instant is as good.
        shells : sequence of str
            Names of the shells taken; all when empty.
        deployed : float
            Share of the planes in orbit, 0 to 1; at least one plane is.
        in_turn : bool
            Shells are filled one after the other instead of in equal shares.

        Raises
        ------
        ScenarioError
            For a shell that is not there, or an epoch that is missing.
        """
        if self.element_sets:
            if shells or deployed != 1.0:
                raise ScenarioError(f"{self.name} is given by element sets, which have no shells", key="shells")
            return ElementSets([ElementSet(line1, line2, name) for name, line1, line2 in self.element_sets])
        known = {shell.name: shell for shell in self.shells}
        for name in shells:
            if name not in known:
                raise ScenarioError(f"{name!r} is no shell of {self.name}; known: {', '.join(known)}", key="shells")
        if len(set(shells)) < len(shells):
            raise ScenarioError(f"{', '.join(shells)} names a shell twice", key="shells")
        if epoch is None:
            raise ScenarioError(f"required key is missing; the shells of {self.name} need it", key="epoch")
        chosen = [known[name] for name in shells] if shells else list(self.shells)
        return walker_orbits(chosen, epoch, deployed=deployed, in_turn=in_turn)


@lru_cache(maxsize=1)
def constellations() -> Mapping[str, NamedConstellation]:
    """Every constellation by name."""
    text = resources.files("ntn6g.orbit.constellation").joinpath("constellations.yaml").read_text(encoding="utf-8")
    return {name: _entry(name, facts) for name, facts in yaml.safe_load(text).items()}


def constellation(name: str) -> NamedConstellation:
    """The constellation of a name.

    Raises
    ------
    ScenarioError
        If there is none: names the nearest and all.
    """
    known = constellations()
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        guess = f" did you mean {close[0]!r}?" if close else ""
        raise ScenarioError(f"{name!r} is no constellation;{guess} known: {', '.join(known)}", key="name")
    return known[name]


def _entry(name: str, facts: Mapping[str, Any]) -> NamedConstellation:
    return NamedConstellation(
        name,
        facts["what"],
        facts["source"],
        facts["confidence"],
        tuple(_shell(shell) for shell in facts.get("shells", ())),
        tuple((title, line1, line2) for title, line1, line2 in facts.get("element_sets", ())),
    )


def _shell(facts: Mapping[str, Any]) -> WalkerShell:
    pattern = facts.get("pattern", "delta")
    return WalkerShell(
        name=facts["name"],
        altitude_m=1e3 * facts["altitude_km"],
        inclination_rad=math.radians(facts["inclination_deg"]),
        satellites=facts["planes"] * facts["in_plane"],
        planes=facts["planes"],
        phasing=1.0 if pattern == "delta" else facts["planes"] / 2.0,
        pattern=pattern,
    )
