"""From several run folders of one scenario to one."""

from collections.abc import Sequence
from pathlib import Path

from ntn6g.core.errors import ScenarioError
from ntn6g.study import device, engine, runfolder
from ntn6g.study.progress import Display
from ntn6g.study.run import Session, conclude


def join(folders: Sequence[Path], out: Path) -> None:
    """Join the ledgers of runs of one scenario, whatever ranges of points they computed, into a new run folder.

    Raises
    ------
    ScenarioError
        Folders of different scenarios, versions or numerics, or without a run.
    RunError
        Ledgers that disagree.
    """
    if out.resolve() in [folder.resolve() for folder in folders]:
        raise ScenarioError(f"{out} is one of the runs to join; choose another folder", key="--out")
    scenario, versions, numerics = runfolder.require_alike(folders)
    device.start()
    from ntn6g.study.build import build

    session = Session(scenario, build(scenario))
    folder = runfolder.RunFolder(out, scenario, versions=versions, numerics=numerics, fresh=False)
    with folder.locked():
        ledger = engine.Ledger(folder.ledger)
        try:
            for other in folders:
                ledger.take_from(other / runfolder.LEDGER)
            session.resume(ledger, (0, None))
            ledger.plan([state.seen() for state in session.all_states])
        finally:
            ledger.close()
    session.costs, session.ledger_s, wall_s = runfolder.joined_costs(folders)
    session.clock -= wall_s
    conclude(session, folder, versions=versions, numerics=numerics, workers=0, joined=folders)
    done = sum(state.stopped_by is not None for state in session.all_states)
    missing = len(session.all_states) - done
    more = f"; {missing} are missing, 'ntn6g run {out}/scenario.yaml --out {out}' computes them" if missing else ""
    Display(quiet=False).say(f"{out}: {done} points of {len(folders)} runs{more}")
