#!/usr/bin/env python3
"""Runs the commands that docs/results-format.md shows, and compares what they print with what is shown.

    scripts/check_examples.py             exits with 77 where jq or pandas is missing
    scripts/check_examples.py --write     puts what they print into the page
    scripts/check_examples.py --selftest  damages what is shown, and expects that to be noticed

An example is a block marked `bash` or `python`, and the block marked `text` behind it. Both run in the root of the tree;
Python is Debian's, which has Debian's python3-pandas.
"""
import difflib
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "results-format.md"
PYTHON = "/usr/bin/python3"
SKIPPED = 77
EXAMPLE = re.compile(r"^```(bash|python)\n(.*?)^```\n+```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^```(bash|python)$", re.MULTILINE)


def missing():
    if shutil.which("jq") is None:
        return "jq is not installed (Debian: jq)"
    found = subprocess.run([PYTHON, "-c", "import pandas"], capture_output=True)
    return "" if found.returncode == 0 else f"{PYTHON} has no pandas (Debian: python3-pandas)"


def output_of(language, text):
    command = ["bash", "-c", text] if language == "bash" else [PYTHON, "-c", text]
    done = subprocess.run(command, cwd=ROOT, text=True, timeout=120, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    said = "".join(line.rstrip() + "\n" for line in done.stdout.splitlines())
    return said if done.returncode == 0 else f"{said}ended with {done.returncode}\n"


def differences(page):
    found = list(EXAMPLE.finditer(page))
    if len(found) != len(COMMAND.findall(page)):
        yield "a command is shown without what it prints"
    for example in found:
        language, text, shown = example.groups()
        printed = output_of(language, text)
        if printed != shown:
            yield text + "".join(difflib.unified_diff(shown.splitlines(True), printed.splitlines(True), "shown", "printed"))


def written(page):
    return EXAMPLE.sub(lambda one: one[0][:one.start(3) - one.start()] + output_of(one[1], one[2]) + "```", page)


def selftest(page):
    last = list(EXAMPLE.finditer(page))[-1]
    damaged = page[:last.start(3)] + "something else\n" + page[last.end(3):]
    unshown = page + "\n```bash\ntrue\n```\n"
    found = [len(list(differences(one))) for one in (page, damaged, unshown)]
    print(f"differences in the page, with one output damaged, with one left out: {found}")
    return 0 if found == [0, 1, 1] else 1


def main():
    if why := missing():
        print(f"skipped: {why}")
        return SKIPPED
    page = PAGE.read_text(encoding="utf-8")
    match sys.argv[1:]:
        case ["--write"]:
            PAGE.write_text(written(page), encoding="utf-8")
            return 0
        case ["--selftest"]:
            return selftest(page)
        case []:
            found = list(differences(page))
            for one in found:
                print(one)
            return 1 if found else 0
    sys.exit(__doc__)


sys.exit(main())
