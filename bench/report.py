"""What bench/compare says of a result: on the terminal, as the README's tables, and the facts of host and versions."""
import json
import os
import platform
import time

from engines import ROOT
from figures import BESIDE, BOCHS, CYCLES, NATIVE, OURS, SANDBOXED, TCG, TRANSLATED, geometric_mean

TITLES = {NATIVE: "native", OURS: "ringdown", TCG: "TCG", BOCHS: "Bochs", BESIDE: "beside",
          TRANSLATED: "translated", SANDBOXED: "sandboxed"}
RATIOS = [(OURS, NATIVE), (TCG, NATIVE), (TCG, OURS), (BOCHS, OURS), (BESIDE, OURS), (TRANSLATED, OURS),
          (SANDBOXED, OURS)]
PAPER = os.path.join(ROOT, "bench", "nano", "paper.json")
PAPER_COLUMNS = {"native": "native", "software_vmm": "software VMM", "hardware_vmm": "hardware VMM"}
VERDICTS = {True: "pass", False: "FAIL", None: "not measured"}


def scale_of(value, unit):
    """(factor, name) of the unit that a value is best shown in."""
    if unit == CYCLES:
        return 1, "cycles"
    scales = [(1, "s"), (1e3, "ms"), (1e6, "µs")]
    return next((scale for scale in scales if value * scale[0] >= 1), (1e9, "ns"))


def number(value):
    """Three digits, and all of a whole number."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4f}" if value < 0.001 else f"{value:.3g}"


def shown(value, unit):
    if value is None:
        return "-"
    factor, name = scale_of(value, unit)
    return f"{number(value * factor)} {name}"


def shown_with_quartiles(spread, unit):
    if spread is None or spread.count == 1:
        return shown(spread and spread.median, unit)
    factor, name = scale_of(spread.median, unit)
    return f"{number(spread.median * factor)} ({number(spread.low * factor)}–{number(spread.high * factor)}) {name}"


def shown_ratio(ratio):
    return "-" if ratio is None else f"{ratio:.2f}"


def shown_spread(spread):
    """A ratio and the quartiles around it."""
    if spread is None:
        return "-"
    return f"{spread.median:.2f}" if spread.count == 1 else f"{spread.median:.2f} ({spread.low:.2f}–{spread.high:.2f})"


def ratios_of(result):
    engines = result.engines()
    return [(over, under) for over, under in RATIOS if over in engines and under in engines]


def ratio_title(over, under):
    return f"{TITLES[over]}/{TITLES[under]}"


def mean_ratio(result, rows, over, under):
    return geometric_mean([result.median_ratio(row, over, under) for row in rows])


def row_cells(result, row, show_ratio):
    unit = result.rows[row]["unit"]
    return [row, *(shown(result.median(row, engine), unit) for engine in result.engines()),
            *(show_ratio(result.ratio(row, over, under)) for over, under in ratios_of(result))]


def group_cells(result, group):
    """The geometric means of a group's ratios."""
    means = [mean_ratio(result, list(filter(result.is_of_guests, result.names(group))), over, under)
             for over, under in ratios_of(result)]
    means = [shown_ratio(mean) if mean else "" for mean in means]
    return ["geometric mean", *("" for _ in result.engines()), *means]


def header_cells(result):
    return ["", *(TITLES[engine] for engine in result.engines()), *(ratio_title(*pair) for pair in ratios_of(result))]


def has_means(result, group):
    return group != "boot" and len(result.names(group)) > 1 and any(group_cells(result, group)[1:])


def print_columns(lines):
    """The first column to the left, all others to the right."""
    widths = [max(len(line[n]) for line in lines) for n in range(len(lines[0]))]
    for line in lines:
        cells = [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:]))]
        print("  ".join(cells).rstrip())


def print_tables(result):
    lines = [header_cells(result)]
    for group in result.groups():
        lines.append([f"[{group}]", *[""] * (len(lines[0]) - 1)])
        lines += [row_cells(result, row, shown_spread) for row in result.names(group)]
        lines += [group_cells(result, group)] if has_means(result, group) else []
    print_columns(lines)
    print_counters(result)
    print_bars(result)
    print_moves(result)
    print(*(f"note: {note}" for note in result.notes), *(f"problem: {problem}" for problem in result.problems), sep="\n")


def counter_lines(result):
    counters = result.facts["counters"]
    kinds = [kind for kind in next(iter(counters.values()), {}) if not kind.startswith(("host user", "host kernel"))]
    lines = [["per operation", *kinds]]
    lines += [[row, *(number(found[kind]) for kind in kinds)]
              for row, found in counters.items()]
    return lines


def print_counters(result):
    if result.facts["counters"]:
        print()
        print_columns(counter_lines(result))


def print_bars(result):
    print()
    for bar in result.facts["bars"]:
        print(f"{bar['bar']:58}{shown_ratio(bar['value']):>8}  {bar['limit']:8}{VERDICTS[bar['passed']]}")


def moves_as_facts(path, moves):
    """What of the moves a result keeps."""
    return {"baseline": os.path.basename(path),
            "rows": [{"row": move.row, "what": move.what, "before": move.before, "after": move.after,
                      "noise": min(move.noise, 1e9), "verdict": move.verdict} for move in moves]}


def moved_rows(result):
    return [move for move in result.facts["moves"]["rows"] if move["verdict"] != "same"]


def print_moves(result):
    if "moves" not in result.facts:
        return
    print(f"\nagainst {result.facts['moves']['baseline']}:", end="")
    print(" no row moved by more than the noise" if not moved_rows(result) else "")
    for move in moved_rows(result):
        print(f"{move['row']:20}{describe_move(move)}")


def describe_move(move):
    change = f"{(move['after'] / move['before'] - 1) * 100:+.1f} % (noise {move['noise'] * 100:.1f} %)"
    if move["what"] == "of native":
        return f"{move['verdict']}: {move['before']:.2f} → {move['after']:.2f} × native, {change}"
    return f"{move['verdict']}: {shown(move['before'], move['what'])} → {shown(move['after'], move['what'])}, {change}"


def print_markdown(result):
    facts = result.facts
    print(f"One run of `bench/compare`, {facts['runs']} repetitions, on {facts['host']['processors']} processors "
          f"({facts['host']['processor']}); medians, and ratios of single repetitions.\n")
    header = header_cells(result)
    print_markdown_lines([header, *(row_cells(result, row, lambda ratio: shown_ratio(ratio and ratio.median))
                                    for row in result.rows)])
    print()
    print_markdown_lines([["summary", "measured", "bar", ""],
                          *([bar["bar"], shown_ratio(bar["value"]), bar["limit"], VERDICTS[bar["passed"]]]
                            for bar in facts["bars"])])
    behind = [row for row in result.rows if (result.median_ratio(row, TCG, OURS) or 1) < 1]
    print(f"\nBehind TCG: {', '.join(behind) or 'none'}.")


def print_markdown_lines(lines):
    lines.insert(1, ["---"] * len(lines[0]))
    for cells in lines:
        print("|".join(["", *(f" {cell} " if cell else " " for cell in cells), ""]).replace(" --- ", "---"))


def processor():
    with open("/proc/cpuinfo") as file:
        return next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), "unknown")


def guest_packages(guests):
    with open(os.path.join(guests, "packages")) as file:
        return file.read().split()


def facts_of(options, monitors, processors):
    return {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "runs": options.runs, "batch": options.batch,
        "host": {"processor": processor(), "processors": len(processors.all), "kernel": platform.release(),
                 "load": os.getloadavg(), "pinned": len(processors.all) > 1},
        "versions": {monitor.name: monitor.version() for monitor in monitors},
        "guest": {"kernel": options.kernel, "packages": guest_packages(options.guests)},
    }


def paper_columns():
    """The columns of the paper: cycles by row, of those rows that its text gives; nothing if there are no nanobenchmarks."""
    if not os.path.exists(PAPER):
        return {}
    with open(PAPER) as file:
        entries = [entry for entry in json.load(file)["rows"].values() if entry["row"]]
    return {title: {entry["row"]: entry[column] for entry in entries if entry[column]}
            for column, title in PAPER_COLUMNS.items()}
