#!/usr/bin/env python3
"""What bench/compare makes of samples: statistics, ratios, bars, moves against an earlier run, the table and the page; and
what it says on bad input. No guest runs."""
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "bench"))
import bars  # noqa: E402  (found by the line above)
import bochs  # noqa: E402
import counters  # noqa: E402
import figures  # noqa: E402
import page  # noqa: E402
import report  # noqa: E402
import rows  # noqa: E402
from engines import Failure, Ran  # noqa: E402
from figures import CYCLES, NATIVE, OURS, SANDBOXED, SECONDS, TCG, TRANSLATED  # noqa: E402

COMPARE = os.path.join(ROOT, "bench", "compare")


def result_of(samples, group="compute", unit=SECONDS):
    """A result with the samples of {row: {engine: [values]}}."""
    result = figures.Result()
    for row, engines in samples.items():
        for engine, values in engines.items():
            for repetition, value in enumerate(values):
                result.add(row, group, unit, engine, repetition, value, "-")
    result.facts.update(time="2006-10-21T00:00:00Z", runs=5, batch=1, bars=[], groups={},
                        host={"processor": "P <6> & more", "processors": 2, "kernel": "6", "load": [0], "pinned": True},
                        versions={OURS: "ringdown"}, guest={"kernel": "686", "packages": ["p"]})
    return result


def full_result():
    result = result_of({"fib": {NATIVE: [1, 1.1, 1.2], OURS: [1.5, 1.6, 1.7], TCG: [9, 9, 9]}})
    others = [("fork", "process", SECONDS, {NATIVE: 1e-4, OURS: 3e-4, TCG: 9e-4}),
              ("fork_64m", "memory", SECONDS, {OURS: 1e-4, TCG: 3e-4}), ("in", "nano", CYCLES, {OURS: 200, TCG: 1000}),
              *((f"686_{stage}", "boot", SECONDS, {OURS: 1 + n, TCG: 2 + n}) for n, stage in enumerate(rows.BOOT_STAGES))]
    for row, group, unit, values in others:
        for engine, value in values.items():
            result.add(row, group, unit, engine, 0, value, "-")
    result.facts["paper"] = {"software VMM": {"in": 216}}
    result.facts["counters"] = {"fib": {"operations": 3, "host user seconds": 1.0, "host kernel seconds": 0.5,
                                        **dict.fromkeys(counters.SHOWN, 2.0)}}
    result.facts["bars"] = bars.judge(result, ["compute", "process", "nano"])
    result.facts["moves"] = report.moves_as_facts("old.json", [figures.Move("fib", SECONDS, 1, 2, 0.1)])
    return result


class Statistics(unittest.TestCase):
    def test_spread(self):
        self.assertEqual(figures.spread([5, 1, 4, 2, 3]), (2, 3, 4, 5))
        self.assertEqual(figures.spread([7]), (7, 7, 7, 1))
        self.assertIsNone(figures.spread([]))

    def test_geometric_mean(self):
        self.assertAlmostEqual(figures.geometric_mean([1, 4]), 2)
        self.assertIsNone(figures.geometric_mean([1, None]))
        self.assertIsNone(figures.geometric_mean([]))

    def test_a_ratio_is_that_of_the_same_repetition(self):
        result = result_of({"fib": {NATIVE: [1, 2, 10], OURS: [2, 4, 20]}})
        self.assertEqual(result.ratio("fib", OURS, NATIVE), (2, 2, 2, 3))

    def test_a_repetition_that_failed_has_no_ratio(self):
        result = figures.Result()
        result.add("fib", "compute", SECONDS, NATIVE, 0, 1.0)
        result.add("fib", "compute", SECONDS, NATIVE, 1, 2.0)
        result.add("fib", "compute", SECONDS, OURS, 1, 6.0)
        self.assertEqual(result.samples("fib", OURS), [None, 6.0])
        self.assertEqual(result.ratios("fib", OURS, NATIVE), [3.0])
        self.assertEqual(result.median("fib", OURS), 6.0)

    def test_another_checksum_is_a_problem_and_no_sample(self):
        result = figures.Result()
        result.add("fib", "compute", SECONDS, NATIVE, 0, 1.0, "0000abcd")
        result.add("fib", "compute", SECONDS, OURS, 0, 1.0, "0000abce")
        self.assertEqual(len(result.problems), 1)
        self.assertIn("0000abce", result.problems[0])
        self.assertIsNone(result.median("fib", OURS))

    def test_a_name_is_one_row(self):
        result = figures.Result()
        result.add("int80", "nano", CYCLES, OURS, 0, 250, "-")
        result.add("int80", "sandbox", SECONDS, OURS, 0, 1e-6, "-")
        self.assertEqual(result.samples("int80", OURS), [250])
        self.assertEqual(result.problems, ["two rows are named int80, of nano and of sandbox"])


class Moves(unittest.TestCase):
    def verdict(self, before, after):
        earlier, now = (result_of({"fib": {NATIVE: [1.0] * len(values), OURS: values}}) for values in (before, after))
        return figures.moves(earlier, now)[0].verdict

    def test_more_than_the_noise(self):
        steady = [1.00, 1.01, 1.00, 0.99, 1.00]
        self.assertEqual(self.verdict(steady, [1.1 * value for value in steady]), "slower")
        self.assertEqual(self.verdict(steady, [0.9 * value for value in steady]), "faster")

    def test_less_than_the_noise(self):
        noisy = [0.8, 0.9, 1.0, 1.1, 1.2]
        self.assertEqual(self.verdict(noisy, [1.1 * value for value in noisy]), "same")

    def test_too_small_to_matter(self):
        self.assertEqual(self.verdict([1.0] * 5, [1.01] * 5), "same")

    def test_few_repetitions_say_nothing(self):
        self.assertEqual(self.verdict([1.0], [2.0]), "same")
        self.assertEqual(self.verdict([1.0, 1.0], [2.0, 2.0]), "same")

    def test_a_slower_host_is_no_move(self):
        earlier = result_of({"fib": {NATIVE: [1.0] * 5, OURS: [1.5] * 5}})
        now = result_of({"fib": {NATIVE: [2.0] * 5, OURS: [3.0] * 5}})
        self.assertEqual(figures.moves(earlier, now)[0].verdict, "same")

    def test_without_native_the_time_counts(self):
        earlier, now = (result_of({"boot": {OURS: [seconds] * 5}}) for seconds in (2.0, 1.0))
        self.assertEqual(figures.moves(earlier, now)[0].verdict, "faster")


class Bars(unittest.TestCase):
    def judged(self, result, text):
        return next(bar for bar in bars.judge(result, ["boot", "compute", "nano"]) if bar["bar"] == text)

    def test_pass_fail_and_not_measured(self):
        worst = "compute against native, worst"
        self.assertIs(self.judged(result_of({"fib": {NATIVE: [1], OURS: [1.6]}}), worst)["passed"], True)
        self.assertIs(self.judged(result_of({"fib": {NATIVE: [1], OURS: [1.61]}}), worst)["passed"], False)
        self.assertIsNone(self.judged(result_of({"fib": {OURS: [1.6]}}), worst)["passed"])

    def test_some_rows_of_a_group_are_not_the_group(self):
        result = result_of({"fib": {NATIVE: [1], OURS: [1]}})
        result.facts["groups"] = {"compute": ["fib", "sort"]}
        self.assertIsNone(self.judged(result, "compute against native, worst")["passed"])

    def test_rows_of_the_host_alone_do_not_count(self):
        result = result_of({"rdtsc": {OURS: [25], TCG: [50]}, "host_int80": {NATIVE: [100]}}, "nano", CYCLES)
        self.assertEqual(self.judged(result, "nanobenchmarks, TCG against ours, least")["value"], 2)

    def test_a_row_that_takes_us_no_time_is_not_behind(self):
        least = "nanobenchmarks, TCG against ours, least"
        rows_of = {"clts": {OURS: [0, 0], TCG: [3, 3]}, "in": {OURS: [100, 100], TCG: [150, 150]}}
        self.assertEqual(self.judged(result_of(rows_of, "nano", CYCLES), least)["value"], 1.5)
        rows_of["in"][OURS] = [200, 200]
        self.assertIs(self.judged(result_of(rows_of, "nano", CYCLES), least)["passed"], False)
        rows_of["int80"] = {TCG: [100, 100]}
        self.assertIsNone(self.judged(result_of(rows_of, "nano", CYCLES), least)["passed"])

    def test_polling_is_judged_by_all_that_ticks_take(self):
        result = result_of({"tick": {OURS: [100], TCG: [300]}, "host_4ms": {NATIVE: [10000]}}, "nano", CYCLES)
        polling = "polling for interrupts, and taking 250 a second, %"
        self.assertEqual(self.judged(result, polling)["value"], 1)
        self.assertIsNone(self.judged(result_of({"tick": {OURS: [100]}}, "nano", CYCLES), polling)["passed"])

    def test_auto_is_judged_by_the_better_policy_of_each_row(self):
        bar = "compute: auto against the better of translated and native, worst"
        rows_of = {"fib": {OURS: [1.1], TRANSLATED: [2], SANDBOXED: [1]}, "sort": {OURS: [3], TRANSLATED: [2.5], SANDBOXED: [5]}}
        self.assertEqual(self.judged(result_of(rows_of), bar)["value"], 1.2)
        del rows_of["sort"][SANDBOXED]
        self.assertIsNone(self.judged(result_of(rows_of), bar)["passed"])

    def test_translation(self):
        result = result_of({"686_translation": {OURS: [700, 1001, 1200]}}, "boot", CYCLES)
        self.assertIs(self.judged(result, "translation, cycles for a guest instruction")["passed"], False)

    def test_the_paper(self):
        result = result_of({"in": {OURS: [300]}, "clts": {OURS: [10]}}, "nano", CYCLES)
        result.facts["paper"] = {"software VMM": {"in": 200, "clts": 20}}
        self.assertEqual(self.judged(result, "nanobenchmarks against the paper's software VMM, worst")["value"], 1.5)


class FakeShell:
    """Answers each command with the next of its lines."""

    def __init__(self, name, *lines, seconds=0.1):
        self.name, self.lines, self.seconds = name, list(lines), seconds

    def run(self, _):
        return Ran(self.lines.pop(0) + "\n", self.seconds)


class Turns(unittest.TestCase):
    def measure(self, *lines, quick=False, seconds=0.1):
        work = rows.Command("compute", "fib", None, "native", "guest")
        return work.measure(FakeShell(OURS, *lines, seconds=seconds), quick)

    def test_a_short_program_runs_three_times_and_the_least_counts(self):
        self.assertEqual(self.measure("fib 0a 3000", "fib 0a 1000", "fib 0a 2000"), [("fib", 1e-6, "0a")])

    def test_once_if_quick_or_long(self):
        self.assertEqual(self.measure("fib 0a 3000", quick=True), [("fib", 3e-6, "0a")])
        self.assertEqual(self.measure("fib 0a 2000000000", seconds=2.1), [("fib", 2.0, "0a")])

    def test_what_cannot_be(self):
        for lines, seconds in ((["Segmentation fault"], 0.1), (["fib 0a 0"], 0.1), (["fib 0a 2000000000"], 1.0),
                               (["fib 0a 1000000"], 5.0), (["fib 0a 3000", "fib 0b 3000", "fib 0a 3000"], 0.1)):
            with self.assertRaises(Failure, msg=f"{lines} in {seconds} s"):
                self.measure(*lines, seconds=seconds)

    def test_nanobenchmarks(self):
        found = rows.nano_figures("boot\r\nin - 12.5\r\nint80 - 300\r\n")
        self.assertEqual(found, [("in", 12.5, "-"), ("int80", 300.0, "-")])
        self.assertRaises(Failure, rows.nano_figures, "nothing")

    def test_cycles_of_translation(self):
        counted = {"translation_cycles": 5000, "instructions_translated": 10}
        self.assertEqual(rows.cycles_of_translation(counted), 500)
        self.assertRaises(Failure, rows.cycles_of_translation, {"instructions_translated": 10})

    def test_counters_are_per_operation_and_without_the_boot(self):
        empty = {name: 10 for names in counters.SHOWN.values() for name in names}
        counted = {**empty, "host_signals": 40, "callouts": 20}
        found = counters.per_operation(counted, empty, 10)
        self.assertEqual((found["host signals"], found["exits"], found["host system calls"]), (3, 4, 0))


class BochsMarks(unittest.TestCase):
    SECOND = 10.0

    def rows_of(self, *pieces):
        """Of pieces of the output, each with the time of its arrival."""
        marks = bochs.Marks()
        return [row for text, now in pieces for row in marks.read(text.encode(), now)], marks.ended

    def batch(self, start, without, with_operation):
        yield "B<", start
        yield ">", start + without
        yield "<", self.SECOND
        yield ">", self.SECOND + with_operation

    def test_the_median_of_the_batches_without_the_loop(self):
        pieces = [("Bochs <2.7>\n=====\n=start 0\n<", 0), ("><>", 1)]  # its banner, and runs before the first batch
        for with_operation in (3.0, 5.0, 9.0):
            pieces += self.batch(2.0, 1.0, with_operation)
        found, ended = self.rows_of(*pieces, ("=int", 20), ("80 16\n=end 0", 20), ("\n", 21))
        self.assertEqual(found, [("int80", 4.0 / 16)])
        self.assertTrue(ended)

    def test_what_is_too_short_has_no_figure(self):
        self.assertEqual(self.rows_of(*self.batch(2.0, 1.0, 1e-5), ("=pte_set 16\n", 20)), ([("pte_set", None)], False))


class Reports(unittest.TestCase):
    def printed(self, function, result):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            function(result)
        return out.getvalue()

    def test_units(self):
        for value, unit, expected in ((1.5, SECONDS, "1.5 s"), (0.0123, SECONDS, "12.3 ms"), (2e-7, SECONDS, "200 ns"),
                                      (12.5, CYCLES, "12.5 cycles"), (54321, CYCLES, "54,321 cycles"), (None, SECONDS, "-")):
            self.assertEqual(report.shown(value, unit), expected)

    def test_table(self):
        table = self.printed(report.print_tables, full_result())
        self.assertRegex(table, r"(?m)^fib +1\.1 s +1\.6 s +9 s +1\.45 \(1\.44–1\.48\)")
        self.assertIn("fib                 slower: 1 s → 2 s, +100.0 % (noise 10.0 %)", table)

    def test_markdown(self):
        text = self.printed(report.print_markdown, full_result())
        self.assertIn("| fib | 1.1 s | 1.6 s | 9 s | 1.45 | 8.18 | 5.62 |", text)

    def test_page_is_well_formed_and_has_every_row(self):
        text = page.page(full_result())
        tree = ElementTree.fromstring(text.partition("\n")[2])
        seen = "".join(tree.itertext())
        for row in ("fib", "fork", "fork_64m", "686, ringdown", "in", "P <6> & more"):
            self.assertIn(row, seen)
        self.assertEqual(len(list(tree.iter("svg"))), 6)
        for part in ("script", "link", "img"):
            self.assertEqual(list(tree.iter(part)), [], part)
        self.assertNotIn("NaN", text)

    def test_marks_lie_where_the_scale_says(self):
        scale = page.LogScale([0.9, 80])
        self.assertEqual((scale.low, scale.high), (0.5, 100))
        self.assertEqual((scale.x(0.5), scale.x(100)), (page.LEFT, page.LEFT + page.PLOT))
        self.assertAlmostEqual(scale.x(2) - scale.x(1), scale.x(100) - scale.x(50))

    def test_text_is_no_markup(self):
        self.assertEqual(page.element("g", page.text(1, 2, "a<b"), aria_label='"&'),
                         '<g aria-label="&quot;&amp;"><text x="1.0" y="2.0">a&lt;b</text></g>')

    def test_page_of_one_row(self):
        ElementTree.fromstring(page.page(result_of({"fib": {OURS: [1.0]}})).partition("\n")[2])


class CommandLine(unittest.TestCase):
    def run_compare(self, *arguments):
        return subprocess.run([COMPARE, *arguments], capture_output=True, text=True)

    def test_an_earlier_run_is_reported_again(self):
        with tempfile.TemporaryDirectory() as folder:
            before, html = os.path.join(folder, "before.json"), os.path.join(folder, "page.html")
            result_of({"fib": {NATIVE: [1] * 3, OURS: [2] * 3}}).save(before)
            done = self.run_compare("--from", before, "--baseline", before, "--html", html)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("no row moved by more than the noise", done.stdout)
            self.assertTrue(os.path.getsize(html))

    def test_a_missed_bar_or_a_problem_is_status_1(self):
        with tempfile.TemporaryDirectory() as folder:
            path, html = os.path.join(folder, "now.json"), os.path.join(folder, "page.html")
            for part, what in (("bars", {"bar": "b", "value": 2, "limit": "≤ 1", "passed": False}), ("problems", "broken")):
                result = result_of({"fib": {OURS: [1]}})
                result.facts[part].append(what)
                result.save(path)
                self.assertEqual(self.run_compare("--from", path, "--html", html).returncode, 1, part)

    def test_bad_command_lines(self):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as other:
            json.dump({"seconds": {}}, other)
            other.flush()
            for arguments, what in ((["--peers", "vmware"], "vmware"),
                                    (["--runs", "0"], "--runs"), (["--from", "/nonexistent"], "/nonexistent"),
                                    (["--from", other.name], "not a result"),
                                    (["--ringdown", "/nonexistent"], "/nonexistent")):
                done = self.run_compare(*arguments)
                self.assertEqual(done.returncode, 2, arguments)
                self.assertIn(what, done.stderr)
                self.assertNotIn("Traceback", done.stderr)


if __name__ == "__main__":
    unittest.main()
