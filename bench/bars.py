"""What the figures of bench/compare have to be: the aims of the project, each judged by the run that measured it."""
from typing import Callable, NamedTuple

from figures import NATIVE, OURS, SANDBOXED, TCG, TRANSLATED, geometric_mean

LEAD_OF_PROCESSES = ["mmap_touch", "write_fault", "fork", "exec", "sh"]
LEAD_OF_SYSTEM_CALLS = ["pipe", "signal", "read", "stat", "open_close"]
FORKS_AMONG = ["fork_10", "fork_100", "fork_1000"]
TRANSLATION = "686_translation"
FORKS_BY_MEMORY = ["fork_64m", "fork_2048m"]


class Bar(NamedTuple):
    group: str
    text: str
    limit: float
    at_most: bool
    measure: Callable  # of a result; None for what was not measured

    def judge(self, result):
        value = self.measure(result)
        passed = None if value is None else (value <= self.limit if self.at_most else value >= self.limit)
        return {"group": self.group, "bar": self.text, "value": value,
                "limit": f"{'≤' if self.at_most else '≥'} {self.limit:g}", "passed": passed}


def most(values):
    return max(values) if values and None not in values else None


def least(values):
    return min(values) if values and None not in values else None


def of_row(row, over, under):
    return lambda result: result.median_ratio(row, over, under)


def microseconds(row, engine):
    def measure(result):
        median = result.median(row, engine)
        return None if median is None else 1e6 * median
    return measure


def of_group(group, over, under, combine):
    """Of all rows that the group has, even of a run that was asked for some of them only."""
    return lambda result: combine([result.median_ratio(row, over, under) for row in result.all_names(group)
                                   if result.is_of_guests(row)])


def above_better_policy(group):
    """The worst of the group's rows by what it takes with user code all translated, or all native: whichever is less."""
    def measure(result):
        def ratio(row):
            ratios = [result.median_ratio(row, OURS, policy) for policy in (TRANSLATED, SANDBOXED)]
            return max(ratios) if None not in ratios else None
        return most([ratio(row) for row in result.all_names(group) if result.is_of_guests(row)])
    return measure


def growth(rows):
    """The dearest of several rows of ours by the cheapest."""
    def measure(result):
        medians = [result.median(row, OURS) for row in rows]
        return max(medians) / min(medians) if None not in medians else None
    return measure


def above_paper(result):
    """The worst of our nanobenchmarks by what the paper published for its software VMM."""
    published = result.facts["paper"].get("software VMM", {})
    values = [result.median(row, OURS) for row in published]
    return most([value / published[row] if value is not None else None for row, value in zip(published, values)])


def least_lead(group):
    """Over TCG. A row that takes us no time at all has no ratio, and is behind nothing."""
    def measure(result):
        takes_time = [row for row in result.all_names(group) if result.is_of_guests(row) and result.median(row, OURS) != 0]
        return least([result.median_ratio(row, TCG, OURS) for row in takes_time])
    return measure


def of_a_guest_that_ticks(result):
    """Of a computing guest's time, what 250 timer interrupts a second take: to notice them, and all else."""
    tick, period = result.median("tick", OURS), result.median("host_4ms", NATIVE)
    return 100 * tick / period if tick is not None and period else None


def at_most(group, text, limit, measure):
    return Bar(group, text, limit, True, measure)


def at_least(group, text, limit, measure):
    return Bar(group, text, limit, False, measure)


BARS = [
    at_most("compute", "compute against native, geometric mean", 1.15, of_group("compute", OURS, NATIVE, geometric_mean)),
    at_most("compute", "compute against native, geometric mean, at first", 1.4,
            of_group("compute", OURS, NATIVE, geometric_mean)),
    at_most("compute", "compute against native, worst", 1.6, of_group("compute", OURS, NATIVE, most)),
    at_most("compute", "compute against native, worst, at first", 3.0, of_group("compute", OURS, NATIVE, most)),
    *(bar for group, text in (("compute", "compute"), ("debian", "Debian's programs")) for bar in (
        at_most(group, f"{text} against native, geometric mean, run natively", 1.03, of_group(group, OURS, NATIVE, geometric_mean)),
        at_most(group, f"{text} against native, worst, run natively", 1.08, of_group(group, OURS, NATIVE, most)))),
    *(at_most(group, f"{group}: auto against the better of translated and native, worst", 1.05, above_better_policy(group))
      for group in ("compute", "process", "debian")),
    at_least("compute", "compute, TCG against ours, geometric mean", 8.0, of_group("compute", TCG, OURS, geometric_mean)),
    at_least("compute", "compute, TCG against ours, geometric mean, at first", 4.0,
             of_group("compute", TCG, OURS, geometric_mean)),
    at_least("compute", "compute, TCG against ours, least", 1.0, of_group("compute", TCG, OURS, least)),
    at_most("debian", "Debian's programs against native, geometric mean", 1.3,
            of_group("debian", OURS, NATIVE, geometric_mean)),
    at_least("debian", "Debian's programs, TCG against ours, geometric mean", 8.0,
             of_group("debian", TCG, OURS, geometric_mean)),
    at_least("debian", "Debian's programs, TCG against ours, least", 4.0, of_group("debian", TCG, OURS, least)),
    at_most("process", "getppid against native", 1.0, of_row("getppid", OURS, NATIVE)),
    at_least("process", "getppid, TCG against ours", 3.0, of_row("getppid", TCG, OURS)),
    at_least("process", "getppid, TCG against ours, at first", 1.0, of_row("getppid", TCG, OURS)),
    *(at_least("process", f"{row}, TCG against ours", 3.0, of_row(row, TCG, OURS))
      for row in LEAD_OF_SYSTEM_CALLS + LEAD_OF_PROCESSES),
    at_least("process", "fork, TCG against ours, at first", 1.5, of_row("fork", TCG, OURS)),
    at_least("process", "exec, TCG against ours, at first", 1.5, of_row("exec", TCG, OURS)),
    *(at_most("process", f"{row} against native", 6.0, of_row(row, OURS, NATIVE)) for row in LEAD_OF_PROCESSES),
    at_most("process", "fork among 10, 100, 1000 processes, dearest by cheapest", 1.5, growth(FORKS_AMONG)),
    at_most("sandbox", "INT 80h and back natively, one processor, µs", 12, microseconds("getppid_int80", SANDBOXED)),
    at_most("sandbox", "INT 80h and back natively, all processors, µs", 5, microseconds("getppid_int80_unpinned", SANDBOXED)),
    at_most("sandbox", "a hundred processes that compute, against native", 1.05, of_row("hundred", OURS, NATIVE)),
    at_most("memory", "fork with 64 MiB and 2 GiB, dearer by cheaper", 1.5, growth(FORKS_BY_MEMORY)),
    at_most("nano", "nanobenchmarks against the paper's software VMM, worst", 1.0, above_paper),
    at_least("nano", "nanobenchmarks, TCG against ours, least", 1.0, least_lead("nano")),
    at_most("nano", "polling for interrupts, and taking 250 a second, %", 2, of_a_guest_that_ticks),
    at_most("boot", "translation, cycles for a guest instruction", 1000, lambda result: result.median(TRANSLATION, OURS)),
    at_most("boot", "686 to the shell, against TCG", 0.33, of_row("686_shell", OURS, TCG)),
    at_most("boot", "686 to the shell, against TCG, at first", 0.5, of_row("686_shell", OURS, TCG)),
    at_most("boot", "686-pae to the shell, against TCG", 0.33, of_row("686-pae_shell", OURS, TCG)),
    at_most("pc", "SeaBIOS from reset to the boot sector, against TCG", 1.0, of_row("bios", OURS, TCG)),
    at_most("pc", "Debian from its disk to the login, against TCG", 0.4, of_row("disk_login", OURS, TCG)),
    at_most("pc", "a pass of memtest86+, against TCG", 0.5, of_row("memtest", OURS, TCG)),
    at_least("pc", "16-bit code in real mode, TCG against ours", 2.0, of_row("real_mode", TCG, OURS)),
    *(at_least("pc", f"{row}, TCG against ours", 1.0, of_row(row, TCG, OURS))
      for row in ["disk_read", "disk_write", "text_scroll", "mode_13h"]),
]


def judge(result, groups):
    return [bar.judge(result) for bar in BARS if bar.group in groups]
