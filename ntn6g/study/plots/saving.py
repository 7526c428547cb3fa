"""Figures as files: the suffix chooses the format, and the same figure gives the same bytes."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from ntn6g.core.errors import ScenarioError
from ntn6g.study.plots.style import PNG_DPI

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "pdf", "svg")


def require_format(path: Path) -> None:
    """Refuse a file whose suffix names no figure format.

    Raises
    ------
    ScenarioError
        Naming the suffix and the known ones.
    """
    if path.suffix.lower().lstrip(".") not in FORMATS:
        raise ScenarioError(
            f"{path} ends neither in .png nor .pdf nor .svg: the suffix chooses the format", key="--out"
        )


def save(figure: "Figure", path: Path) -> Path:
    """Write a figure in the format of its suffix; the same figure gives the same bytes (no date in them)."""
    kind = path.suffix.lower().lstrip(".")
    undated = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, dpi=PNG_DPI, metadata=undated[kind])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(buffer.getvalue())
    except OSError as error:
        raise ScenarioError(f"{path} cannot be written: {error.strerror}", key="--out") from error
    return path
