"""The page that bench/compare writes: one HTML file with inline charts, for light and dark, that loads nothing."""
import html
import math

import report
from figures import BESIDE, BOCHS, CYCLES, NATIVE, OURS, SANDBOXED, TCG, TRANSLATED, spread
from rows import BOOT_STAGES

# Charts: all in the units of the SVG, which the browser scales as a whole.
WIDTH, LEFT, RIGHT, LINE, TOP, AXIS = 860, 190, 24, 24, 34, 30
PLOT = WIDTH - LEFT - RIGHT
SHAPES = {NATIVE: "bar", OURS: "circle", TCG: "square", BESIDE: "diamond", BOCHS: "square", TRANSLATED: "circle",
          SANDBOXED: "circle"}
# Columns of the paper are letters: the software VMM, the hardware VMM, and native.
LETTERS = {"software VMM": "S", "hardware VMM": "H", "native": "N"}

STYLE = """
:root { color-scheme: light dark; --page: #fbfbf9; --card: #ffffff; --ink: #1c2024; --soft: #5b636b; --grid: #e3e5e2;
  --native: #6b7280; --ringdown: #0f62c4; --tcg: #c2570c; --bochs: #a3742e; --beside: #7a3fb0;
  --translated: #7a5c00; --sandboxed: #8a2f6b; --paper: #3f8f5f; --kernel: #7fb0e8;
  --pass: #1a7f4b; --fail: #c0262d; }
@media (prefers-color-scheme: dark) { :root { --page: #14171a; --card: #1c2024; --ink: #e8eaec; --soft: #9aa3ab;
  --grid: #30363c; --native: #9ca3af; --ringdown: #5aa2f5; --tcg: #f0924c; --bochs: #cfae6a; --beside: #b98ae6;
  --translated: #d9b64a; --sandboxed: #e08cc4; --paper: #6cc394;
  --kernel: #2f5f96; --pass: #4cc38a; --fail: #f2686d; } }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 1040px; margin: 0 auto; padding: 32px 20px 64px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 8px; } h2 { font-size: 20px; margin: 40px 0 4px; }
p { margin: 0 0 12px; } .soft, figcaption { color: var(--soft); font-size: 14px; }
figure { margin: 12px 0 0; padding: 16px; background: var(--card); border: 1px solid var(--grid); border-radius: 8px; }
svg { display: block; width: 100%; height: auto; } svg text { font: 13px system-ui, sans-serif; fill: var(--ink); }
svg text.soft { fill: var(--soft); font-size: 12px; } svg .grid { stroke: var(--grid); } svg .one { stroke: var(--ink); }
.native { fill: var(--native); stroke: var(--native); } .ringdown { fill: var(--ringdown); stroke: var(--ringdown); }
.tcg { fill: var(--tcg); stroke: var(--tcg); } .bochs { fill: var(--bochs); stroke: var(--bochs); } .beside { fill: var(--beside); stroke: var(--beside); }
.translated { fill: var(--translated); stroke: var(--translated); } .sandboxed { fill: var(--sandboxed); stroke: var(--sandboxed); }
svg text.paper { fill: var(--paper); font-weight: 700; } .kernel { fill: var(--kernel); }
svg .span { stroke-width: 3; opacity: .45; } svg .between { stroke: var(--grid); stroke-width: 6; stroke-linecap: round; }
.tiles { display: flex; flex-wrap: wrap; gap: 12px; margin: 20px 0 0; }
.tile { flex: 1 1 160px; background: var(--card); border: 1px solid var(--grid); border-radius: 8px; padding: 12px 16px; }
.tile b { display: block; font-size: 26px; line-height: 1.25; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: 13px; width: 100%; }
th, td { padding: 4px 10px; text-align: right; border-bottom: 1px solid var(--grid); white-space: nowrap;
  font-variant-numeric: tabular-nums; }
th:first-child, td:first-child { text-align: left; } th { color: var(--soft); font-weight: 600; }
td.pass { color: var(--pass); } td.FAIL { color: var(--fail); font-weight: 700; }
tr.group td { padding-top: 14px; font-weight: 700; }
"""


def element(tag, content="", **attributes):
    """An element; content is markup, attributes are text ('class_' for class, '_' for '-')."""
    names = [name.rstrip("_").replace("_", "-") for name in attributes]
    given = "".join(f' {name}="{html.escape(str(value))}"' for name, value in zip(names, attributes.values()))
    return f"<{tag}{given}>{content}</{tag}>"


def text(x, y, content, **attributes):
    return element("text", html.escape(content), x=f"{x:.1f}", y=f"{y:.1f}", **attributes)


def line(x1, y1, x2, y2, class_):
    return element("line", x1=f"{x1:.1f}", y1=f"{y1:.1f}", x2=f"{x2:.1f}", y2=f"{y2:.1f}", class_=class_)


def rectangle(x, y, width, height, class_, title):
    return element("rect", element("title", html.escape(title)), x=f"{x:.1f}", y=f"{y:.1f}", width=f"{max(width, 0.5):.1f}",
                   height=f"{height:.1f}", class_=class_, stroke_width=0)


def mark(x, y, shape, class_, title):
    if shape in LETTERS.values():
        return element("text", element("title", html.escape(title)) + shape, x=f"{x:.1f}", y=f"{y + 4.5:.1f}", class_=class_,
                       text_anchor="middle")
    paths = {"circle": f"M{x - 6:.1f} {y:.1f}a6 6 0 1 0 12 0a6 6 0 1 0 -12 0z",
             "square": f"M{x - 5:.1f} {y - 5:.1f}h10v10h-10z",
             "diamond": f"M{x:.1f} {y - 7:.1f}l7 7l-7 7l-7 -7z",
             "bar": f"M{x - 1.5:.1f} {y - 7:.1f}h3v14h-3z"}
    return element("path", element("title", html.escape(title)), d=paths[shape], class_=class_)


def drawing(height, parts, label):
    return element("svg", "".join(parts), viewBox=f"0 0 {WIDTH} {height}", role="img", aria_label=label)


def legend(entries):
    """Entries are (shape, class, text), in one line above the plot."""
    parts, x = [], LEFT
    for shape, class_, what in entries:
        parts += [mark(x + 6, 12, shape, class_, what), text(x + 18, 16.5, what)]
        x += 34 + 7.2 * len(what)
    return parts


class LogScale:
    """From the largest 1, 2 or 5 times a power of ten that is not above the values to the smallest that is not below."""

    def __init__(self, values):
        steps = [factor * 10.0 ** power for power in range(-10, 13) for factor in (1, 2, 5)]
        self.low = max(step for step in steps if step <= min(values))
        self.high = min(step for step in steps if step >= max(max(values), self.low * 2))
        between = [step for step in steps if self.low <= step <= self.high]
        self.ticks = between if len(between) <= 10 else [step for step in between if round(math.log10(step), 6) % 1 == 0]

    def x(self, value):
        return LEFT + PLOT * math.log(value / self.low) / math.log(self.high / self.low)


def axis(scale, rows, tick_text, emphasized):
    bottom = TOP + LINE * rows
    parts = []
    for tick in scale.ticks:
        class_ = "one" if tick in emphasized else "grid"
        parts += [line(scale.x(tick), TOP, scale.x(tick), bottom, class_),
                  text(scale.x(tick), bottom + 18, tick_text(tick), text_anchor="middle", class_="soft")]
    return parts


def dots(rows, entries, tick_text, label, shown=()):
    """A row of the chart for each of (name, [(shape, class, spread, title)]), on a logarithmic scale; `shown` are
    values that the scale has in any case, with a line."""
    scale = LogScale([*shown, *(value for _, points in rows for _, _, spread, _ in points
                                for value in (spread.low, spread.high))])
    parts = legend(entries) + axis(scale, len(rows), tick_text, shown)
    for number, (name, points) in enumerate(rows):
        y = TOP + LINE * (number + 0.5)
        parts.append(text(LEFT - 12, y + 4.5, name, text_anchor="end"))
        places = [scale.x(spread.median) for _, _, spread, _ in points]
        parts.append(line(min(places), y, max(places), y, "between"))
        parts += [line(scale.x(spread.low), y, scale.x(spread.high), y, f"span {class_}")
                  for _, class_, spread, _ in points]
        parts += [mark(scale.x(spread.median), y, shape, class_, title) for shape, class_, spread, title in points]
    return drawing(TOP + LINE * len(rows) + AXIS, parts, label)


def plain_number(value):
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def times(value):
    return f"{plain_number(value)}×"


def figure(svg, caption):
    return element("figure", svg + element("figcaption", html.escape(caption)))


def ratio_points(result, row):
    for engine in result.engines():
        found = result.ratio(row, engine, NATIVE) if engine != NATIVE else None
        if found:
            title = f"{row}: {report.TITLES[engine]} {report.shown_spread(found)} × native"
            yield SHAPES[engine], engine, found, title


def ratio_chart(result, group):
    rows = [(row, points) for row in result.names(group) if (points := list(ratio_points(result, row)))]
    if not rows:
        return ""
    entries = [(SHAPES[engine], engine, report.TITLES[engine]) for engine in result.engines() if engine != NATIVE]
    rows.sort(key=lambda row: row[1][0][2].median)
    return figure(dots(rows, entries, times, f"{group}: ratio to native", shown=[1]),
                  "Time as a multiple of the bare host's, on a logarithmic scale: 1× is native speed, further left is "
                  "better. Mark: median; band: quartiles.")


def seconds_chart(result, group):
    """Of a group that the host does not run natively."""
    rows = [(row, [(SHAPES[engine], engine, found, f"{row}: {report.TITLES[engine]} {report.shown(found.median, 'seconds')}")
                   for engine in result.engines() if (found := result.spread(row, engine))]) for row in result.names(group)]
    entries = [(SHAPES[engine], engine, report.TITLES[engine]) for engine in result.engines() if engine != NATIVE]
    return figure(dots(rows, entries, lambda value: report.shown(value, "seconds"), f"{group}: time"),
                  "Time, on a logarithmic scale; further left is better. Mark: median; band: quartiles.")


def paper_points(result, row):
    for column, cycles in result.facts["paper"].items():
        if row in cycles:
            yield LETTERS[column], "paper", spread([cycles[row]]), f"{row}: {column}, as published: {cycles[row]:,} cycles"


def nano_chart(result):
    rows = []
    for row in result.names("nano"):
        points = [(SHAPES[engine], engine, found, f"{row}: {report.TITLES[engine]} {report.shown(found.median, CYCLES)}")
                  for engine in result.engines() if (found := result.spread(row, engine)) and found.low > 0]
        if points:
            rows.append((row, points + list(paper_points(result, row))))
    if not rows:
        return ""
    entries = [(SHAPES[engine], engine, report.TITLES[engine]) for engine in result.engines()]
    entries += [(LETTERS[column], "paper", f"{column}, 2006") for column in result.facts["paper"]]
    return figure(dots(rows, entries, plain_number, "nanobenchmarks: cycles for an operation"),
                  "Cycles for one operation, on a logarithmic scale; further left is better. A row without a native mark is "
                  "of an operation that ring 3 of the host may not execute. Letters: as published by Adams and Agesen in "
                  "2006, on a processor of that time.")


def boot_lines(result):
    """(kernel, engine, [the ends of its stages]) of every boot that was measured whole."""
    for kernel in dict.fromkeys(row.rpartition("_")[0] for row in result.names("boot")):
        for engine in result.engines():
            ends = [result.median(f"{kernel}_{stage}", engine) for stage in BOOT_STAGES]
            if None not in ends:
                yield kernel, engine, ends


def boot_chart(result):
    lines = list(boot_lines(result))
    if not lines:
        return ""
    longest = max(ends[-1] for _, _, ends in lines)
    step = max(1, math.ceil(longest / 8))
    scale = PLOT / (step * math.ceil(longest * 1.12 / step))
    bottom = TOP + LINE * len(lines)
    parts = [text(LEFT, 16.5, "to the kernel's first line | to init | to the shell", class_="soft")]
    for second in range(0, int(PLOT / scale) + 1, step):
        parts += [line(LEFT + second * scale, TOP, LEFT + second * scale, bottom, "grid"),
                  text(LEFT + second * scale, bottom + 18, f"{second} s", text_anchor="middle", class_="soft")]
    for number, (kernel, engine, ends) in enumerate(lines):
        y = TOP + LINE * number
        parts.append(text(LEFT - 12, y + 16.5, f"{kernel}, {report.TITLES[engine]}", text_anchor="end"))
        parts += boot_bar(y, engine, ends, scale)
    return figure(drawing(bottom + AXIS, parts, "boot: seconds from the start"),
                  "Seconds from the start of the monitor to what is seen on the console; medians.")


def boot_bar(y, engine, ends, scale):
    parts = []
    for start, end, stage, strength in zip([0, *ends], ends, BOOT_STAGES, (1, 0.75, 0.5)):
        bar = rectangle(LEFT + start * scale, y + 5, (end - start) * scale - 2, LINE - 10, engine, f"{stage}: {end:.2f} s")
        parts.append(element("g", bar, opacity=strength))
    return [*parts, text(LEFT + ends[-1] * scale + 6, y + 16.5, f"{ends[-1]:.2f} s", class_="soft")]


def spent_chart(result):
    """Where the host's time goes, as far as the scheduler knows."""
    times = {row: (found["host user seconds"], found["host kernel seconds"])
             for row, found in result.facts["counters"].items()}
    rows = [(row, user, kernel) for row, (user, kernel) in times.items() if user + kernel > 0]
    if not rows:
        return ""
    parts = [rectangle(LEFT, 6, 12, 12, "ringdown", "user mode"),
             text(LEFT + 18, 16.5, "guest's code, translator and monitor"),
             rectangle(LEFT + 280, 6, 12, 12, "kernel", "host's kernel"), text(LEFT + 298, 16.5, "the host's kernel")]
    for number, (row, user, kernel) in enumerate(rows):
        y, share = TOP + LINE * number, user / (user + kernel)
        parts += [text(LEFT - 12, y + 16.5, row, text_anchor="end"),
                  rectangle(LEFT, y + 4, PLOT * share - 1, LINE - 8, "ringdown", f"{row}: {share:.0%} in user mode"),
                  rectangle(LEFT + PLOT * share + 1, y + 4, PLOT * (1 - share) - 1, LINE - 8, "kernel",
                            f"{row}: {1 - share:.0%} in the host's kernel")]
    return figure(drawing(TOP + LINE * len(rows) + 8, parts, "share of the host's kernel"),
                  "Ringdown's processor time while the row runs, by the host's accounting.")


def table(lines, classes=None):
    """The first line is the header; a line with one cell is a heading. `classes` is the last cell's class, of a line."""
    head, *body = lines
    rows = [element("tr", "".join(element("th", html.escape(cell), scope="col") for cell in head))]
    for cells in body:
        if len(cells) == 1:
            rows.append(element("tr", element("td", html.escape(cells[0]), colspan=len(head)), class_="group"))
            continue
        last = {"class_": classes(cells)} if classes else {}
        rows.append(element("tr", "".join(element("td", html.escape(cell)) for cell in cells[:-1])
                            + element("td", html.escape(cells[-1]), **last)))
    return element("div", element("table", "".join(rows)), class_="scroll")


def figures_table(result):
    lines = [report.header_cells(result)]
    for group in result.groups():
        lines.append([group])
        lines += [[row, *(report.shown_with_quartiles(result.spread(row, engine), result.rows[row]["unit"])
                     for engine in result.engines()),
                   *(report.shown_spread(result.ratio(row, *pair)) for pair in report.ratios_of(result))]
                  for row in result.names(group)]
        lines += [report.group_cells(result, group)] if report.has_means(result, group) else []
    return table(lines)


def bars_table(result):
    lines = [["bar", "measured", "limit", "verdict"]]
    lines += [[bar["bar"], report.shown_ratio(bar["value"]), bar["limit"], report.VERDICTS[bar["passed"]]]
              for bar in result.facts["bars"]]
    return table(lines, lambda cells: cells[-1].replace(" ", "-"))


def tile(value, what):
    content = element("b", html.escape(value)) + element("span", html.escape(what), class_="soft")
    return element("div", content, class_="tile")


def tiles(result):
    parts = []
    if mean := report.mean_ratio(result, result.all_names("compute"), OURS, NATIVE):
        parts.append(tile(f"{mean:.2f}×", "native time for computing programs (geometric mean)"))
    for group, what in (("compute", "faster than TCG at computing"), ("debian", "faster than TCG at Debian's programs"),
                        ("process", "faster than TCG at system calls and processes")):
        if mean := report.mean_ratio(result, result.all_names(group), TCG, OURS):
            parts.append(tile(f"{mean:.1f}×", what))
    if boot := result.median("686_shell", OURS):
        parts.append(tile(f"{boot:.2f} s", "from the start to the shell of Debian's kernel"))
    return element("div", "".join(parts), class_="tiles") if parts else ""


def moves_section(result):
    if "moves" not in result.facts:
        return ""
    moved = report.moved_rows(result)
    items = "".join(element("li", html.escape(f"{move['row']}: {report.describe_move(move)}")) for move in moved)
    return section(f"Against {result.facts['moves']['baseline']}",
                   element("ul", items) if items else element("p", "No row moved by more than the noise."))


def section(title, content):
    return element("h2", html.escape(title)) + content if content else ""


def listed(lines):
    return element("ul", "".join(element("li", html.escape(entry)) for entry in lines)) if lines else ""


def conditions(result):
    facts, host = result.facts, result.facts["host"]
    versions = "; ".join(facts["versions"].values())
    return [f"{facts['runs']} repetitions; all engines run a row one right after another, "
            f"{'pinned to one processor' if host['pinned'] else 'not pinned, for there is only one processor'}.",
            f"Host: {host['processor']}, {host['processors']} processors, Linux {host['kernel']}; "
            f"load at the start {host['load'][0]:.2f}.",
            f"{versions}. Guest: {facts['guest']['kernel']} of {', '.join(facts['guest']['packages'])}."]


TITLES = {"compute": "Computing", "process": "System calls and processes", "debian": "Programs from Debian, unmodified",
          "sandbox": "User code natively", "memory": "Small and large guests", "pc": "From BIOS, disk and screen"}


def group_section(result, group):
    if group == "nano":
        return section("Nanobenchmarks", nano_chart(result))
    if group == "boot":
        return section("Boot", boot_chart(result))
    return section(TITLES[group], ratio_chart(result, group) or seconds_chart(result, group))


def page(result):
    counted = table(report.counter_lines(result)) if result.facts["counters"] else ""
    parts = [
        element("h1", "Ringdown beside native and TCG"),
        element("p", f"Measured {result.facts['time'][:10]} by <code>bench/compare</code>.", class_="soft"),
        tiles(result),
        *(group_section(result, group) for group in result.groups()),
        section("Where time goes", spent_chart(result)),
        section("Counters, per operation", counted),
        section("Bars", bars_table(result) if result.facts["bars"] else ""),
        moves_section(result),
        section("All figures", figures_table(result)),
        section("Problems", listed(result.problems)),
        section("Conditions", listed(conditions(result) + result.notes)),
    ]
    head = ('<meta charset="utf-8"/>' + element("title", "Ringdown beside native and TCG") + element("style", STYLE)
            + '<meta name="viewport" content="width=device-width, initial-scale=1"/>')
    body = element("body", element("main", "".join(parts)))
    return "<!DOCTYPE html>\n" + element("html", element("head", head) + body, lang="en") + "\n"
