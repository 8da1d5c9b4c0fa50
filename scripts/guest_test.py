#!/usr/bin/env python3
"""Tests scripts/guest, and what only a real kernel can show of arm64 programs.

    scripts/guest_test.py BENCH_RUN COUNT_SELF HARNESS_TEST [unittest's arguments]

BENCH_RUN, COUNT_SELF (harness/programs/count_self_test.cpp) and HARNESS_TEST, the suite, are built for arm64.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

GUEST = pathlib.Path(__file__).resolve().parent / "guest"
EMULATOR = GUEST.parent / "qemu-arm64"  # of programs, not of machines
bench_run = ""
count_self = ""
harness_test = ""


def guest(*arguments):
    return subprocess.run([GUEST, "arm64", *arguments], capture_output=True, text=True, check=False)


class ThePassage(unittest.TestCase):
    """Output, status and files arrive as they would from a program of this machine."""

    def test_streams_status_and_files(self):
        with tempfile.TemporaryDirectory() as out:
            script = "echo shown; echo wrong >&2; mkdir a; echo \"$2\" >a/kept; exit 7"
            ended = guest(f"--out={out}", "--", "sh", "-c", script, "sh", "", "two  words'")
            self.assertEqual(ended.stdout, "shown\n")
            self.assertEqual(ended.stderr, "wrong\n")
            self.assertEqual(ended.returncode, 7)
            self.assertEqual((pathlib.Path(out) / "a/kept").read_text(encoding="utf-8"), "two  words'\n")

    def test_the_time_limit(self):
        ended = guest("--timeout=3", "--", "sleep", "3600")
        self.assertEqual(ended.returncode, 124)
        self.assertIn("no end after 3 s", ended.stderr)

    def test_a_machine_that_fails(self):
        self.assertEqual(guest("--memory=8", "--", "true").returncode, 125)

    def test_a_program_that_cannot_run_there(self):
        ended = guest("--", sys.executable, "--version")
        self.assertEqual(ended.returncode, 2)
        self.assertIn("which is in none of", ended.stderr)


def counters_of(results, source):
    """(workload, strategy, name, scope, per, beside) of each counter of this source, those that no cell has included."""
    missing = results["context"].get("missing_counters", [])
    return {(cell["workload"], cell["strategy"], counter["name"], counter["scope"], counter["per"],
             counter.get("beside", "")): counter
            for cell in results["cells"]
            for counter in cell["counters"] + [one | {"per": per, "value": None} for per in cell.get("uncounted", [])
                                               for one in missing if per in one["per"]]
            if counter["source"] == source}


# What the emulated processor lacks, with a word of the reason.
LACKING = {"pkey-toggle": "protection keys"}


class EveryStrategy(unittest.TestCase):
    """bench-run under the kernel's own rules: the strategies of whole grids in all cases, all strategies in some, which
    are counted, and what is refused."""

    # The first does not know that the machine is emulated. The second has one processor, where that cannot be found out,
    # because beside a busy thread each mprotect waits for the turn of the other processor.
    SCRIPT = """
        run() { "$@" --preset=quick --rounds=1 --no-report; }
        run bench-run --strategy="$1" --param sites=64 kib=64 bytes=64 --counters=none --quiet --out=all || exit
        export PATCHBENCH_EMULATED=qemu-system
        run() { "$@" --strategy=all --preset=quick --rounds=1 --no-report; }
        run taskset 1 bench-run --workload=mic,relink --param sites=64 --out=counted \
          --counters=cycles:u,instructions:u,mprotect-calls,system-calls >counted.txt || exit
        echo 0 >/proc/sys/kernel/shmmni
        mount -o remount,noexec /tmp
        export PATCHBENCH_EXEC_DIR=/tmp
        run bench-run --workload=zone --param kib=64 --counters=none --quiet --out=refused
    """

    @classmethod
    def setUpClass(cls):
        cls.results = {}
        listed = json.loads(subprocess.run([EMULATOR, bench_run, "--list=json"], capture_output=True, check=True).stdout)
        cls.strategies = {one["id"]: one for one in listed["strategies"]
                          if one["role"] == "strategy" and one["id"] not in LACKING}
        cls.whole = {name: one for name, one in cls.strategies.items() if not one["small_grid"]}
        with tempfile.TemporaryDirectory() as out:
            cls.ended = guest(f"--out={out}", "--env=PATCHBENCH_EMULATED=", f"--with={bench_run}", "--",
                              "sh", "-c", cls.SCRIPT, "sh", ",".join(cls.whole))
            for run in pathlib.Path(out).glob("*/results.json"):
                cls.results[run.parent.name] = json.loads(run.read_text(encoding="utf-8"))
            table = pathlib.Path(out) / "counted.txt"
            cls.table = table.read_text(encoding="utf-8") if table.exists() else None

    def setUp(self):
        self.assertEqual(self.ended.returncode, 0, self.ended.stderr)

    def statuses(self, run):
        return {strategy["id"]: strategy["status"] for strategy in self.results[run]["strategies"]}

    def test_all_are_available(self):
        for run, strategies in ("all", self.whole), ("counted", self.strategies):
            available = {name for name, status in self.statuses(run).items() if status == "available"}
            self.assertLessEqual(set(strategies), available)

    def test_what_the_processor_lacks_is_said(self):
        reasons = {one["id"]: one.get("reason", "") for one in self.results["counted"]["strategies"]}
        for strategy, word in LACKING.items():
            self.assertIn(word, reasons[strategy])
            cells = {cell["status"] for cell in self.results["counted"]["cells"] if cell["strategy"] == strategy}
            self.assertEqual(cells, {"denied"})

    def test_all_cells_are_right(self):
        every_cell = self.results["all"]["cells"]
        cells = [cell for cell in every_cell if cell["strategy"] in self.whole]
        cases = {(cell["workload"], json.dumps(cell["params"], sort_keys=True)) for cell in every_cell}
        self.assertEqual(len(cells), len(self.whole) * len(cases))
        others = {(cell["workload"], cell["strategy"]): cell["status"] for cell in cells if cell["status"] != "ok"}
        self.assertEqual(others, {(workload, name): "unsupported" for name, one in self.whole.items()
                                  if not one["patches_code"] for workload in ("publish", "far-call", "install")})
        self.assertEqual({cell["status"] for cell in self.results["counted"]["cells"]
                          if cell["strategy"] in self.strategies}, {"ok"})
        controls = [cell for cell in every_cell if cell["strategy"] not in self.whole]
        refused = {name for name, status in self.statuses("all").items() if status == "denied"}
        self.assertEqual({cell["status"] for cell in controls if cell["strategy"] not in refused}, {"ok", "unsupported"})
        self.assertEqual({cell["status"] for cell in controls if cell["strategy"] in refused}, {"denied"})

    def test_the_emulator_is_noticed(self):
        context = self.results["all"]["context"]
        self.assertEqual(context["virtualization"], "qemu")
        self.assertIs(context["emulated"], True)

    def test_what_is_counted_is_said_to_be_emulated(self):
        self.assertIs(self.results["counted"]["context"]["emulated"], True)
        self.assertIn("EMULATED: times mean nothing", self.table)

    def test_a_send_takes_cycles(self):
        self.assertIn(self.results["counted"]["context"]["counting"]["read_path"], {"mrs", "read"})
        counters = counters_of(self.results["counted"], "hardware")
        for strategy in self.strategies:
            cycles = counters["mic", strategy, "cycles", "user", "send", ""]
            self.assertEqual(cycles["status"], "ok", f"{strategy}: {cycles}")
            self.assertGreater(cycles["value"], 0, strategy)

    def test_what_no_counter_counts_is_no_zero(self):
        counters = counters_of(self.results["counted"], "hardware")
        for strategy in self.strategies:
            instructions = counters["mic", strategy, "instructions", "user", "send", ""]
            self.assertEqual(instructions["status"], "unavailable", strategy)
            self.assertIsNone(instructions["value"])
            self.assertIn("no counter for the event", instructions["reason"])

    def test_a_patch_makes_two_calls_where_it_toggles_protection(self):
        counters = counters_of(self.results["counted"], "tracepoint")
        patches = {metric["id"]: metric["patches"] for metric in self.results["counted"]["metrics"]}
        for strategy, declared in self.strategies.items():
            per_patch = 2 if declared["toggles_protection"] else 0
            for workload, per in (("relink", "patch"), ("relink", "patch_execute"), ("relink", "miss"),
                                  ("relink", "execute"), ("mic", "send")):
                calls = per_patch if patches[per] else 0
                # What others call for a patch is in kernel_counts_test.
                names = ("mprotect-calls",) if declared["small_grid"] else ("mprotect-calls", "system-calls")
                for name in names:
                    counter = counters[workload, strategy, name, "both", per, ""]
                    self.assertEqual((counter["status"], counter["value"]), ("ok", calls),
                                     f"{name} per {per}, {strategy}: {counter}")

    def test_what_is_refused_has_its_reason_and_the_rest_goes_on(self):
        refused = {"sysv-shm": "kernel.shmmni", "file-dual": "noexec"}
        for strategy in self.results["refused"]["strategies"]:
            if strategy["id"] in refused:
                self.assertEqual(strategy["status"], "denied", strategy)
                self.assertIn(refused[strategy["id"]], strategy["reason"])
        cells = {cell["strategy"]: cell["status"] for cell in self.results["refused"]["cells"]}
        self.assertEqual({name: cells[name] for name in self.strategies},
                         {name: "denied" if name in refused else "ok" for name in self.strategies})


class Counters(unittest.TestCase):
    """What perf_event offers where one instruction takes one nanosecond, in two machines one after the other."""

    SCRIPT = """
        count_self >count_self.txt || exit
        harness_test "the processor's instruction*,what is counted of user code*" >harness_test.txt || exit
        bench-run --strategy=rwx,memfd-dual --workload=mic,relink --param sites=64 --rounds=1 --counters=simulated \
          --no-report --quiet --out=run
    """

    @classmethod
    def setUpClass(cls):
        cls.machines = [cls.boot(), cls.boot()]

    @classmethod
    def boot(cls):
        programs = [f"--with={program}" for program in (bench_run, count_self, harness_test)]
        with tempfile.TemporaryDirectory() as out:
            ended = guest("--icount", f"--out={out}", *programs, "--", "sh", "-c", cls.SCRIPT)
            files = {path.name: path.read_text(encoding="utf-8")
                     for path in pathlib.Path(out).rglob("*") if path.is_file()}
        return ended, files

    def setUp(self):
        for ended, files in self.machines:
            self.assertEqual(ended.returncode, 0, ended.stderr + files.get("harness_test.txt", ""))

    def assert_repeats(self, first, second, what):
        self.assertAlmostEqual(second, first, delta=first / 100, msg=what)

    def test_counts_of_a_loop_repeat_within_one_percent(self):
        first, second = ({name: int(value) for name, value in map(str.split, files["count_self.txt"].splitlines())}
                         for _, files in self.machines)
        self.assertGreater(first["cycles"], 1_000_000)
        self.assertGreater(first["instructions"], 1_000_000)
        self.assert_repeats(first["instructions"], second["instructions"], "instructions")

    def test_user_code_reads_the_counters_itself(self):
        for _, files in self.machines:
            self.assertNotIn("not tested", files["harness_test.txt"])
            self.assertIn("in 3 test cases", files["harness_test.txt"])

    def test_counts_per_send_and_per_patch_repeat(self):
        first, second = ({key: counter["value"] for key, counter in
                          counters_of(json.loads(files["results.json"]), "simulated").items()
                          if counter["status"] == "ok"} for _, files in self.machines)
        self.assertLessEqual({("mic", "memfd-dual", "instructions", "user", "send", ""),
                              ("relink", "memfd-dual", "instructions", "user", "patch", "")}, set(first))
        self.assertEqual(set(first), set(second))
        for key, value in first.items():
            self.assert_repeats(value, second[key], key)


if __name__ == "__main__":
    bench_run, count_self, harness_test = sys.argv[1:4]
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
