"""The figures of bench/compare: samples by row, engine and repetition, their statistics, and one run against another."""
import json
import math
import statistics
from typing import NamedTuple

NATIVE, OURS, TCG, BOCHS, BESIDE = "native", "ringdown", "tcg", "bochs", "beside"
# Ringdown with all user code translated, and with all of it run natively.
TRANSLATED, SANDBOXED = "translated", "sandboxed"
ENGINES = [NATIVE, OURS, BESIDE, TRANSLATED, SANDBOXED, TCG, BOCHS]
SECONDS, CYCLES = "seconds", "cycles"
FORMAT = "ringdown-compare-1"
# A row has moved if its medians differ by more than this many times what both runs spread.
NOISE = 1.5
# Below this a difference between two runs is of no interest, however little they spread.
SMALLEST_MOVE = 0.03
# Of fewer samples the quartiles say nothing about the noise.
FEWEST_SAMPLES = 3


class BadFile(Exception):
    """What was given as an earlier run is none."""


class Spread(NamedTuple):
    """A median and the quartiles around it."""
    low: float
    median: float
    high: float
    count: int


def spread(values):
    if not values:
        return None
    if len(values) == 1:
        return Spread(values[0], values[0], values[0], 1)
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(low, median, high, len(values))


def geometric_mean(values):
    return math.exp(statistics.fmean(map(math.log, values))) if values and None not in values else None


class Result:
    """One run of bench/compare: what its JSON file holds."""

    def __init__(self, facts=None):
        self.facts = facts or {"format": FORMAT, "rows": {}, "counters": {}, "paper": {}, "problems": [], "notes": []}
        self.rows = self.facts["rows"]
        self.problems, self.notes = self.facts["problems"], self.facts["notes"]

    def add(self, row, group, unit, engine, repetition, value, checksum=None):
        entry = self.rows.setdefault(row, {"group": group, "unit": unit, "checksum": checksum, "samples": {}})
        if group != entry["group"]:
            self.problem(f"two rows are named {row}, of {entry['group']} and of {group}")
            return
        if checksum != entry["checksum"]:
            self.problem(f"{row} on {engine}: checksum {checksum}, elsewhere {entry['checksum']}")
            return
        samples = entry["samples"].setdefault(engine, [])
        samples += [None] * (repetition + 1 - len(samples))
        samples[repetition] = value

    def problem(self, text):
        if text not in self.problems:
            self.problems.append(text)

    def note(self, text):
        if text not in self.notes:
            self.notes.append(text)

    def groups(self):
        return list(dict.fromkeys(entry["group"] for entry in self.rows.values()))

    def names(self, group):
        return [name for name, entry in self.rows.items() if entry["group"] == group]

    def all_names(self, group):
        """Also of the rows that were not chosen, as far as they are known before they run."""
        return list(dict.fromkeys(self.facts.get("groups", {}).get(group, []) + self.names(group)))

    def is_of_guests(self, row):
        """Whether it is not one that only the host has, to look at beside the others."""
        return set(self.rows.get(row, {}).get("samples", {})) != {NATIVE}

    def engines(self):
        return [engine for engine in ENGINES if any(engine in entry["samples"] for entry in self.rows.values())]

    def samples(self, row, engine):
        return self.rows.get(row, {}).get("samples", {}).get(engine, [])

    def spread(self, row, engine):
        return spread([value for value in self.samples(row, engine) if value is not None])

    def median(self, row, engine):
        found = self.spread(row, engine)
        return found.median if found else None

    def ratios(self, row, over, under):
        """Of each repetition: both ran one right after the other, so what slowed down one of them slowed down the other."""
        pairs = zip(self.samples(row, over), self.samples(row, under))
        return [a / b for a, b in pairs if a and b]

    def ratio(self, row, over, under):
        return spread(self.ratios(row, over, under))

    def median_ratio(self, row, over, under):
        found = self.ratio(row, over, under)
        return found.median if found else None

    def save(self, path):
        with open(path, "w") as file:
            json.dump(self.facts, file, indent=1, ensure_ascii=False)
            file.write("\n")


def load(path):
    try:
        with open(path) as file:
            facts = json.load(file)
    except (OSError, ValueError) as error:
        raise BadFile(f"{path}: {getattr(error, 'strerror', None) or 'not JSON'}") from None
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        raise BadFile(f"{path}: not a result of bench/compare")
    return Result(facts)


class Move(NamedTuple):
    """A row of ours in an earlier run and in this one."""
    row: str
    what: str
    before: float
    after: float
    noise: float

    @property
    def change(self):
        return self.after / self.before - 1

    @property
    def verdict(self):
        if abs(self.change) <= max(self.noise, SMALLEST_MOVE):
            return "same"
        return "slower" if self.change > 0 else "faster"


def relative_spread(values):
    return (values.high - values.low) / values.median if values.count >= FEWEST_SAMPLES else math.inf


def comparable(result, row, against_native):
    """What of a row is compared: its ratio to native, which the host's own speed leaves alone, or else its time."""
    return result.ratio(row, OURS, NATIVE) if against_native else result.spread(row, OURS)


def move(earlier, now, row):
    against_native = all(result.ratios(row, OURS, NATIVE) for result in (earlier, now))
    before, after = (comparable(result, row, against_native) for result in (earlier, now))
    if not before or not after:
        return None
    noise = NOISE * math.hypot(relative_spread(before), relative_spread(after))
    return Move(row, "of native" if against_native else now.rows[row]["unit"], before.median, after.median, noise)


def moves(earlier, now):
    return [found for row in now.rows if row in earlier.rows and (found := move(earlier, now, row))]
