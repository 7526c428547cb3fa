"""All pairs of a mega-constellation over a day: our chunks against numpy, and against SGP4's C++ arrays with numpy.

12,992 satellites (Guowang as filed) over one terminal, 8640 instants (24 h at 10 s): every chunk of pairs is reduced to
a table of rises and sets, the number of visible pairs and a sum of every field of `LinkGeometry`. Both sides do the
same work on the same satellites in turns. The numpy peer is given chunks that stay in its cache
(`orbit_j2_tuned_ratio`), and chunks as large as ours (`orbit_j2_ratio`).
"""

import math
import resource
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import tensorflow as tf
from sgp4.api import WGS72, Satrec, SatrecArray

from benchmarks import timing
from ntn6g.core.constants import EARTH_ROTATION_RAD_S, SPEED_OF_LIGHT_M_S
from ntn6g.orbit import (
    ElementSets,
    FixedTerminal,
    KeplerianOrbit,
    LinkGeometry,
    Times,
    constellations,
    greenwich_mean_sidereal_time,
    pair_geometry,
)
from ntn6g.orbit.platforms.element_set import Sgp4Satellite

EPOCH = datetime(2026, 4, 25, 12, tzinfo=UTC)
STEP_S, INSTANTS, MASK_RAD = 10.0, 8640, math.radians(10.0)
SITE = FixedTerminal(latitude_rad=math.radians(39.9), longitude_rad=math.radians(116.4), altitude_m=50.0)
GROUPS = 14  # of 928 satellites: both sides take them in turns
CACHED_PAIRS = 2 * INSTANTS  # per chunk of the tuned peer: its 40 arrays of 140 kB stay in the second-level cache
OUR_PAIRS = 2**18


def sums(geometry: LinkGeometry) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
    """What both sides keep of a chunk: a sum of every field per satellite, and who is visible when."""
    fields = {name: getattr(geometry, name) for name in LinkGeometry.__dataclass_fields__ if name != "visible"}
    return {name: tf.reduce_sum(field, -1) for name, field in fields.items()}, geometry.visible


class Table:
    """Rises and sets, number of visible pairs and field sums, chunk by chunk."""

    def __init__(self) -> None:
        self.crossings: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []  # satellite, instant, whether it rises
        self.events, self.visible = 0, 0
        self.sums = dict.fromkeys(LinkGeometry.__dataclass_fields__, 0.0)

    def add(self, visible: np.ndarray, fields: dict[str, np.ndarray]) -> None:
        """One chunk: visible [satellite, instant], sums of fields."""
        changed = np.flatnonzero(visible[:, 1:] != visible[:, :-1])
        satellite, instant = np.divmod(changed, visible.shape[1] - 1)
        self.crossings.append((satellite, instant, visible[satellite, instant + 1]))
        self.events += len(instant)
        self.visible += int(np.count_nonzero(visible))
        for name, values in fields.items():
            self.sums[name] += float(np.sum(values))


def ours(fleet: KeplerianOrbit | ElementSets, times: Times, terminals: int = 1) -> Table:
    """Our side: `pair_geometry` with a compiled reduction."""
    table = Table()
    for chunk in pair_geometry(fleet, [SITE] * terminals, times, mask_rad=MASK_RAD, reduce=sums):
        fields, visible = chunk.result
        table.add(visible.numpy().reshape(-1, visible.shape[-1]), {name: each.numpy() for name, each in fields.items()})
    return table


def numpy_j2(orbit: KeplerianOrbit, offset_s: np.ndarray, pairs: int) -> Table:
    """The peer: the same circular J2-secular motion and geometry, written for whole arrays."""
    table, rates = Table(), orbit.rates()
    turn_rad, turn_rad_s = greenwich_mean_sidereal_time(EPOCH)
    columns = [np.asarray(each) for each in (
        orbit.semi_major_axis_m, orbit.inclination_rad, orbit.mean_anomaly_rad, orbit.raan_rad - turn_rad,
        rates.mean_anomaly_rad_s + rates.argument_of_perigee_rad_s, rates.raan_rad_s - turn_rad_s,
    )]  # fmt: skip
    each = max(1, pairs // len(offset_s))
    for first in range(0, orbit.size, each):
        a, i, u0, node0, u_rate, rate = (column[first : first + each, None] for column in columns)
        latitude, node = u0 + u_rate * offset_s, node0 + rate * offset_s
        cu, su, cn, sn = np.cos(latitude), np.sin(latitude), np.cos(node), np.sin(node)
        ci, si = np.cos(i), np.sin(i)
        along, across, up = a * cu, a * su * ci, a * su * si
        r = (along * cn - across * sn, along * sn + across * cn, up)
        dx, dy = -u_rate * a * su, u_rate * a * cu * ci
        plane = (dx * cn - dy * sn, dx * sn + dy * cn)
        v = (plane[0] - rate * r[1], plane[1] + rate * r[0], u_rate * a * cu * si)
        w = -(u_rate**2)
        acceleration = (
            w * r[0] - 2.0 * rate * plane[1] - rate**2 * r[0],
            w * r[1] + 2.0 * rate * plane[0] - rate**2 * r[1],
            w * up,
        )
        table.add(*numpy_geometry(r, v, acceleration))
    return table


def numpy_geometry(r, v, a) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Every field of `LinkGeometry` from Earth-fixed components [satellite, instant], summed; and who is visible."""
    site, axes = SITE.position_ecef_m.numpy(), SITE.east_north_up.numpy()
    d = [p - s for p, s in zip(r, site, strict=True)]
    east, north, up = (row[0] * d[0] + row[1] * d[1] + row[2] * d[2] for row in axes)
    distance = np.sqrt(d[0] ** 2 + d[1] ** 2 + d[2] ** 2)
    rate = (d[0] * v[0] + d[1] * v[1] + d[2] * v[2]) / distance
    bend = v[0] ** 2 + v[1] ** 2 + v[2] ** 2 + d[0] * a[0] + d[1] * a[1] + d[2] * a[2]
    spin = EARTH_ROTATION_RAD_S
    inertial = (v[0] - spin * r[1], v[1] + spin * r[0], v[2])
    pull = (a[0] - 2 * spin * v[1] - spin**2 * r[0], a[1] + 2 * spin * v[0] - spin**2 * r[1], a[2])
    tau = distance / SPEED_OF_LIGHT_M_S
    for _ in range(2):  # fixed point of the retarded distance, each step gains a factor v/c
        half = 0.5 * tau**2
        then = [p - tau * q + half * s for p, q, s in zip(d, inertial, pull, strict=True)]
        tau = np.sqrt(then[0] ** 2 + then[1] ** 2 + then[2] ** 2) / SPEED_OF_LIGHT_M_S
    elevation = np.arctan2(up, np.sqrt(east**2 + north**2))
    azimuth = np.arctan2(east, north) % (2.0 * np.pi)
    normal = (r[1] * d[2] - r[2] * d[1], r[2] * d[0] - r[0] * d[2], r[0] * d[1] - r[1] * d[0])
    beside = np.sqrt(normal[0] ** 2 + normal[1] ** 2 + normal[2] ** 2)
    fields = {
        "range_m": distance,
        "range_rate_m_s": rate,
        "range_acceleration_m_s2": (bend - rate**2) / distance,
        "light_time_s": tau,
        "elevation_rad": elevation,
        "azimuth_rad": azimuth,
        "off_nadir_rad": np.arctan2(beside, r[0] * d[0] + r[1] * d[1] + r[2] * d[2]),
    }
    return elevation >= MASK_RAD, {name: field.sum(-1) for name, field in fields.items()}


class Synthetic(Sgp4Satellite):
    """An element set made from a circular orbit by ``sgp4init``, without drag."""

    def __init__(self, number: int, orbit: KeplerianOrbit) -> None:
        self.name = f"synthetic {number}"
        satellite = Satrec()
        axis_m, tilt, node, anomaly = (
            float(each[number])
            for each in (orbit.semi_major_axis_m, orbit.inclination_rad, orbit.raan_rad, orbit.mean_anomaly_rad)
        )
        motion = math.sqrt(WGS72_MU_M3_S2 / axis_m**3) * 60.0
        days = (EPOCH - datetime(1949, 12, 31, tzinfo=UTC)).total_seconds() / 86_400.0
        satellite.sgp4init(WGS72, "i", number, days, 0.0, 0.0, 0.0, 1e-6, 0.0, tilt, anomaly, motion, node % math.tau)
        self._satrec = satellite

    @property
    def satrec(self) -> Satrec:
        """The propagator."""
        return self._satrec


WGS72_MU_M3_S2 = 3.986008e14


def numpy_sgp4(fleet: ElementSets, offset_s: np.ndarray, pairs: int) -> Table:
    """The peer: SGP4's C++ arrays, then the same geometry in numpy; acceleration from point-mass gravity."""
    table = Table()
    turn_rad, turn_rad_s = greenwich_mean_sidereal_time(EPOCH)
    angle = turn_rad + turn_rad_s * offset_s
    cosine, sine = np.cos(angle), np.sin(angle)
    days = 0.5 + offset_s / 86_400.0
    whole = np.full_like(days, EPOCH.toordinal() + 1_721_424.5)
    each = max(1, pairs // len(offset_s))
    for first in range(0, fleet.size, each):
        members = SatrecArray([member.satrec for member in fleet.members[first : first + each]])
        _, position, velocity = members.sgp4(whole, days)
        x, y, z = (1e3 * position[..., k] for k in range(3))
        vx, vy, vz = (1e3 * velocity[..., k] for k in range(3))
        r = (cosine * x + sine * y, cosine * y - sine * x, z)
        turned = (cosine * vx + sine * vy, cosine * vy - sine * vx)
        v = (turned[0] + turn_rad_s * r[1], turned[1] - turn_rad_s * r[0], vz)
        gravity = -WGS72_MU_M3_S2 / (x**2 + y**2 + z**2) ** 1.5
        a = (
            (gravity - turn_rad_s**2) * r[0] + 2.0 * turn_rad_s * turned[1],
            (gravity - turn_rad_s**2) * r[1] - 2.0 * turn_rad_s * turned[0],
            gravity * z,
        )
        table.add(*numpy_geometry(r, v, a))
    return table


def parts(fleet: KeplerianOrbit | ElementSets, groups: int) -> Iterator[KeplerianOrbit | ElementSets]:
    """The satellites in groups of equal size."""
    length = fleet.size // groups
    for first in range(0, groups * length, length):
        yield fleet.take(slice(first, first + length))


def agree(one: Table, other: Table, relative: float) -> None:
    """Stop where the two sides did not do the same work."""
    for name, value in one.sums.items():
        if not math.isclose(value, other.sums[name], rel_tol=relative, abs_tol=relative * one.sums["range_m"]):
            raise RuntimeError(f"{name}: {value!r} is not {other.sums[name]!r}")
    if abs(one.visible - other.visible) > 1e-4 * one.visible or abs(one.events - other.events) > 0.01 * one.events:
        raise RuntimeError(f"visible {one.visible} and {other.visible}, events {one.events} and {other.events}")


def in_groups(sides: dict[str, object], groups: list[object]) -> dict[str, float]:
    """Total wall time in s of every side over all groups, sides taking turns within each."""
    spent = dict.fromkeys(sides, 0.0)
    tables: dict[str, Table] = {}
    for group in groups:
        for name, side in sides.items():
            begun = time.perf_counter()
            tables[name] = side(group)  # type: ignore[operator]
            spent[name] += time.perf_counter() - begun
        for name in sides:
            agree(tables["ours"], tables[name], 1e-9 if "sgp4" not in name else 1e-4)
    return spent


def scaling(fleet: KeplerianOrbit) -> dict[str, list[float]]:
    """Pairs per second of processor time along each axis from 1e5 to 1e8 pairs; a busy machine changes wall time."""
    found: dict[str, list[float]] = {"satellites": [], "instants": [], "terminals": []}
    for power in range(5, 9):
        pairs = 10**power
        cases = {
            "satellites": (fleet.take(slice(0, min(12_992, pairs // 1000))), max(1000, pairs // 12_992), 1),
            "instants": (fleet.take(slice(0, 10)), pairs // 10, 1),
            "terminals": (fleet.take(slice(0, 100)), 100, pairs // 10_000),
        }
        for axis, (some, instants, terminals) in cases.items():
            times = Times(EPOCH, np.arange(instants) * STEP_S)
            call = lambda some=some, times=times, terminals=terminals: ours(some, times, terminals)  # noqa: E731
            call()
            best_s = min(timing.processor_s(call) for _ in range(3 if power < 8 else 1))
            found[axis].append(some.size * instants * terminals / best_s)
    return found


def peak_mib() -> float:
    """Largest resident memory of this process so far, of all benchmarks before too."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def run() -> dict[str, float]:
    """Ratios, rates, peak memory and how far from linear the cost grows."""
    fleet = constellations()["guowang-filed"].fleet(EPOCH)
    times = Times(EPOCH, np.arange(INSTANTS) * STEP_S)
    pairs = fleet.size * INSTANTS
    ours(fleet.take(slice(0, fleet.size // GROUPS)), times)  # compiles
    whole_s = timing.first_call_s(lambda: ours(fleet, times))
    peak = peak_mib()
    offset_s = np.asarray(times.offset_s)
    j2 = in_groups(
        {
            "ours": lambda part: ours(part, times),
            "numpy": lambda part: numpy_j2(part, offset_s, OUR_PAIRS),
            "tuned": lambda part: numpy_j2(part, offset_s, CACHED_PAIRS),
        },
        list(parts(fleet, GROUPS)),
    )
    sets = ElementSets([Synthetic(number, fleet) for number in range(fleet.size)])
    ours(sets.take(slice(0, sets.size // GROUPS)), times)  # compiles
    sgp4 = in_groups(
        {
            "ours": lambda part: ours(part, times),
            "sgp4 numpy": lambda part: numpy_sgp4(part, offset_s, CACHED_PAIRS),
        },
        list(parts(sets, GROUPS)),
    )
    rates = scaling(fleet)
    for axis, each in rates.items():
        written = ", ".join(f"{rate / 1e6:.1f}" for rate in each)
        timing.note(f"{axis}: {written} million pairs per processor second at 1e5 to 1e8")
    return {
        "orbit_j2_ratio": j2["numpy"] / j2["ours"],
        "orbit_j2_tuned_ratio": j2["tuned"] / j2["ours"],
        "orbit_sgp4_ratio": sgp4["sgp4 numpy"] / sgp4["ours"],
        "orbit_pairs_per_s": pairs / whole_s,
        "orbit_sgp4_pairs_per_s": sets.size * INSTANTS / sgp4["ours"],
        "orbit_peak_mib": peak,
        "orbit_linear_ratio": min(each[-1] / max(each[1:]) for each in rates.values()),
    }
