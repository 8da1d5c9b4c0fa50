#!/usr/bin/env python3
"""Do the recorders of traces write what a small program sends, and do the programs read that and refuse what is damaged?

    scripts/record_trace_test.py FOLDER    which has the built bench-probe and bench-run

A language that this machine lacks is left out, and named.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

SCRIPTS = pathlib.Path(__file__).resolve().parent

PYTHON = """
class Base:
    def name(self):
        return "base"
    @classmethod
    def made(cls):
        return cls()
    @staticmethod
    def nothing():
        return None
class Derived(Base):
    pass
def free(one):
    return one
def walk(things):
    for thing in things:
        thing.name()
things = [Base(), Derived.made(), Derived()]
walk(things)
walk(things)
free(things)
Base.nothing()
words = []
words.append(len(words))
"""
# (selector, classes in their order) of each site that is in the program itself.
PYTHON_SITES = [("name", ["Base", "Derived", "Derived", "Base", "Derived", "Derived"]), ("append", ["list"])]

RUBY = """
class Base
  def name_of = :base
  def self.made = new
end
class Derived < Base
end
things = [Base.new, Derived.made, Derived.new]
2.times do
  things.each do |thing|
    thing.name_of
  end
end
"""
RUBY_SITES = [("name_of", ["Base", "Derived", "Derived", "Base", "Derived", "Derived"])]


def read_trace(path):
    """{site's number: (selector, [class, ...])} and how many sends there are; as the format says, and nothing else."""
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "patchbench-trace 1" and lines[1].startswith("program "), lines[:2]
    classes, selectors, sites, last, sends = [], [], [], {}, 0
    for line in lines[2:-1]:
        word, _, rest = line.partition(" ")
        if word in ("class", "immediate"):
            classes.append(rest)
        elif word == "selector":
            selectors.append(rest)
        elif word == "site":
            sites.append((selectors[int(rest.split()[0])], []))
        elif not word.startswith("#"):
            for token in line.split(" "):
                site, colon, receiver = token.partition(":")
                last[site] = classes[int(receiver)] if colon else last[site]
                sites[int(site)][1].append(last[site])
                sends += 1
    assert lines[-1] == f"end {sends}", lines[-1]
    return sites, sends


def expect(holds, what, seen=""):
    print(("ok      " if holds else "FAILED  ") + what + ("" if holds else f"\n{seen}"), flush=True)
    return 0 if holds else 1


def run(*command, given=""):
    return subprocess.run([str(word) for word in command], input=given, capture_output=True, text=True)


def check_recorder(folder, probe, recorder, interpreter, program, expected, strip):
    script, trace = folder / f"small.{interpreter}", folder / f"{interpreter}.trace"
    script.write_text(program)
    done = run(SCRIPTS / recorder, f"--script={script}", trace)
    if done.returncode != 0:
        return expect(False, f"{recorder} records a small program", done.stderr)
    sites, sends = read_trace(trace)
    found = [(selector, [strip(one) for one in classes]) for selector, classes in sites]
    wrong = expect(all(one in found for one in expected), f"{recorder} finds its sites, selectors and classes", found)
    wrong += expect(not any(selector in ("made", "nothing", "free") for selector, _ in found),
                    f"{recorder} leaves out what is sent to no object", found)
    shown = run(probe, f"--trace={trace}", "--json")
    wrong += expect(shown.returncode == 0 and json.loads(shown.stdout)["sends"] == sends,
                    f"bench-probe reads what {recorder} wrote", shown.stderr)
    done = run(SCRIPTS / recorder, f"--script={script}", trace, "--sends=3")
    wrong += expect(done.returncode == 0 and read_trace(trace)[1] == 3, f"{recorder} ends after --sends", done.stderr)
    for words in (["no-such-program", trace], ["--script=no-such-script", trace], [f"--script={script}", "--sends=0", trace],
                  [f"--script={script}", folder / "none" / "x.trace"]):
        done = run(SCRIPTS / recorder, *words)
        wrong += expect(done.returncode == 1 and done.stderr.startswith(recorder) and "Traceback" not in done.stderr,
                        f"{recorder} refuses {words[0]} {words[-1].name}", done.stderr)
    return wrong


def check_programs(folder, programs):
    """bench-probe and bench-run with a file of a user's own."""
    good, damaged = folder / "good.trace", folder / "damaged.trace"
    text = "patchbench-trace 1\nclass A\nclass B\nselector s\nsite 0 here\n0:0 0 0:1\nend 3\n"
    good.write_text(text)
    damaged.write_text(text.replace("0:1", "0:2"))
    probe, bench_run, wrong = programs / "bench-probe", programs / "bench-run", 0
    for word, given in ((good, ""), ("-", text)):
        done = run(probe, f"--trace={word}", given=given)
        wrong += expect(done.returncode == 0 and "3 sends at 1 sites" in done.stdout and "s at here" in done.stdout,
                        f"bench-probe reads {'a pipe' if given else 'a file'}", done.stdout + done.stderr)
    done = run(probe, f"--trace={good}", "--json")
    seen = json.loads(done.stdout)
    wrong += expect([one["sites"] for one in seen["degrees"]] == [0, 1, 0] and
                    sum(window["relinks"] for window in seen["windows"]) == 1, "bench-probe --json counts", seen)
    message = f"{damaged}:6: class 2 was not declared before this line"
    for command in ([probe, f"--trace={damaged}"], [bench_run, "--workload=trace", "--param", f"trace={damaged}"]):
        done = run(*command)
        wrong += expect(done.returncode == 2 and message in done.stderr,
                        f"{command[0].name} refuses a damaged trace by its line", done.stderr)
    done = run(bench_run, "--workload=trace", "--strategy=memfd-dual", "--param", f"trace={good}", "--rounds=2",
               "--counters=none", "--no-report", f"--out={folder / 'run'}")
    wrong += expect(done.returncode == 0, "bench-run replays a file", done.stdout + done.stderr)
    if done.returncode == 0:
        cells = json.loads((folder / "run" / "results.json").read_text())["cells"]
        wrong += expect(any(cell["params"].get("trace") == str(good) and cell["status"] == "ok" for cell in cells),
                        "its results name the file", [cell["id"] for cell in cells])
    return wrong


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    wrong, programs = 0, pathlib.Path(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="patchbench-record-") as name:
        folder = pathlib.Path(name)
        wrong += check_programs(folder, programs)
        wrong += check_recorder(folder, programs / "bench-probe", "record-trace-python", "python3", PYTHON, PYTHON_SITES,
                                lambda one: one.rpartition(".")[2])
        if shutil.which("ruby"):
            wrong += check_recorder(folder, programs / "bench-probe", "record-trace-ruby", "ruby", RUBY, RUBY_SITES, lambda one: one)
        else:
            print("skipped: record-trace-ruby, which takes ruby")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
