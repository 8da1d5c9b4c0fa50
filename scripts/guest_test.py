#!/usr/bin/env python3
"""Tests scripts/guest, and what only a real kernel can show of arm64 programs.

    scripts/guest_test.py BENCH_RUN COUNT_SELF [unittest's arguments]

BENCH_RUN and COUNT_SELF (harness/count_self_test.cpp) are built for arm64.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

GUEST = pathlib.Path(__file__).resolve().parent / "guest"
STRATEGIES = {"rwx", "memfd-dual", "sysv-shm", "file-dual", "mprotect-toggle", "indirect-cell"}
bench_run = ""
count_self = ""


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


class EveryStrategy(unittest.TestCase):
    """bench-run under the kernel's own rules; nobody tells it that the machine is emulated."""

    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as out:
            cls.ended = guest(f"--out={out}", "--env=PATCHBENCH_EMULATED=", "--", bench_run, "--strategy=all",
                              "--preset=quick", "--rounds=1", "--param", "sites=64", "kib=64", "--no-report",
                              "--quiet", "--out=run")
            results = pathlib.Path(out) / "run/results.json"
            cls.results = json.loads(results.read_text(encoding="utf-8")) if results.exists() else None

    def setUp(self):
        self.assertEqual(self.ended.returncode, 0, self.ended.stderr)

    def test_all_are_available(self):
        available = {strategy["id"] for strategy in self.results["strategies"] if strategy["status"] == "available"}
        self.assertLessEqual(STRATEGIES, available)

    def test_all_cells_are_right(self):
        cells = [cell for cell in self.results["cells"] if cell["strategy"] in STRATEGIES]
        workloads = {cell["workload"] for cell in self.results["cells"]}
        self.assertEqual(len(cells), len(STRATEGIES) * len(workloads))
        self.assertEqual({cell["status"] for cell in cells}, {"ok"})
        controls = {cell["status"] for cell in self.results["cells"] if cell["strategy"] not in STRATEGIES}
        self.assertEqual(controls, {"ok", "unsupported"})

    def test_the_emulator_is_noticed(self):
        self.assertEqual(self.results["context"]["virtualization"], "qemu")
        self.assertIs(self.results["context"]["emulated"], True)


class Counters(unittest.TestCase):
    """What perf_event offers there."""

    @staticmethod
    def counts(*options):
        ended = guest(*options, "--", count_self)
        return {name: int(value) for name, value in map(str.split, ended.stdout.splitlines())}

    def test_cycles_are_always_there(self):
        self.assertGreater(self.counts()["cycles"], 0)

    def test_instructions_repeat_within_one_percent(self):
        first, second = (self.counts("--icount")["instructions"] for _ in range(2))
        self.assertGreater(first, 1_000_000)
        self.assertAlmostEqual(second, first, delta=first / 100)

    def test_counts_per_send_and_per_patch_repeat(self):
        def counts():
            with tempfile.TemporaryDirectory() as out:
                ended = guest("--icount", f"--out={out}", "--", bench_run, "--strategy=rwx,memfd-dual",
                              "--workload=mic,relink", "--param", "sites=64", "--rounds=1", "--counters=simulated",
                              "--no-report", "--quiet", "--out=run")
                self.assertEqual(ended.returncode, 0, ended.stderr)
                text = (pathlib.Path(out) / "run/results.json").read_text(encoding="utf-8")
            return {(cell["id"], counter["per"]): counter["value"]
                    for cell in json.loads(text)["cells"] for counter in cell["counters"]
                    if counter["source"] == "simulated" and counter["status"] == "ok"}

        first, second = counts(), counts()
        self.assertLessEqual({("mic/memfd-dual/sites=64,order=linear,targets=64", "send"),
                              ("relink/memfd-dual/sites=64,batch=1", "patch")}, set(first))
        self.assertEqual(set(first), set(second))
        for key, value in first.items():
            self.assertAlmostEqual(second[key], value, delta=value / 100, msg=key)


if __name__ == "__main__":
    bench_run, count_self = sys.argv[1:3]
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
