"""From a scenario to study objects; one file and one entry of `STUDIES` per study kind."""

from collections.abc import Callable
from typing import Any

from ntn6g.scenario import Scenario
from ntn6g.scenario.messages import place
from ntn6g.study.build.adaptation import AdaptationStudy
from ntn6g.study.build.beams import BeamStudy
from ntn6g.study.build.bler_table import BlerTableStudy
from ntn6g.study.build.contacts import ContactStudy
from ntn6g.study.build.coverage import CoverageStudy
from ntn6g.study.build.handover import HandoverStudy
from ntn6g.study.build.link import LinkStudy
from ntn6g.study.build.passes import PassStudy
from ntn6g.study.build.sensing import MultistaticStudy, SensingStudy
from ntn6g.study.build.survey import ChannelStudy

__all__ = ["STUDIES", "build"]

STUDIES: dict[str, Callable[[str, Scenario], Any]] = {
    "link": LinkStudy,
    "pass": PassStudy,
    "coverage": CoverageStudy,
    "contacts": ContactStudy,
    "beams": BeamStudy,
    "bler_table": BlerTableStudy,
    "channel": ChannelStudy,
    "sensing": SensingStudy,
    "multistatic": MultistaticStudy,
    "adaptation": AdaptationStudy,
    "handover": HandoverStudy,
}
"""Study kinds by the name a scenario gives them."""


def build(scenario: Scenario) -> list[Any]:
    """One study per part, in order.

    Raises
    ------
    ScenarioError
        For whatever geometry, code or the guard of the frequency-domain path refuses; nothing has run by then.
    """
    studies = []
    for part, each in scenario.parts_resolved().items():
        make = STUDIES[str(each.study)]
        if part:
            with place(f"in part {part!r}"):
                studies.append(make(part, each))
        else:
            studies.append(make(part, each))
    return studies
