#!/usr/bin/env python3
"""No measurement is typed in the paper: a decimal, or a number with a unit of time, a percent sign or "times".

    scripts/check_paper.py [FILE...]   names every place; exit code 1 if there is one. Default: paper/*.tex
    scripts/check_paper.py --selftest  expects each kind to be found

Left out: comments, the bibliography, the preamble, dimensions and what looks a number up (\\pb, \\pbassert, and the
paper's own \\cost, \\mic, \\relink). The level of an interval, "95\\,percent", is no measurement.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LOOKED_UP = re.compile(r"\\(?:pb|pbassert|cost|mic|relink|cite|label|ref|pbset)(?:\{(?:[^{}]|\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\})*\})+")
SPACE = r"(?:\\,|~|\\ | )?"
MEASURED = re.compile(
    r"\d+\.\d+|\d[\d,]*" + SPACE +
    r"(?:(?:ns|us|ms|s|\\pbmicro|microseconds?|nanoseconds?|milliseconds?|seconds?|times|x)\b|\\?%|percent\b|\$\\times)")
LEVEL = re.compile(r"95\\,percent")


def text_of(source):
    """The body with everything else blanked out, line by line as it was."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match[0])

    body = re.sub(r"(?<!\\)%.*", blank, source)
    body = re.sub(r"\A.*?\\begin\{document\}", blank, body, flags=re.S)
    body = re.sub(r"\\begin\{thebibliography\}.*?\\end\{thebibliography\}", blank, body, flags=re.S)
    body = LOOKED_UP.sub(blank, body)
    return LEVEL.sub(blank, body)


def typed(source):
    """(line, what stands there)"""
    body = text_of(source)
    for match in MEASURED.finditer(body):
        yield body.count("\n", 0, match.start()) + 1, match[0]


def selftest():
    document = "\\documentclass{x} 1.5 ns\n\\begin{document}\n%s\n\\end{document}\n"
    found = ["A send costs 1.21 as much.", "It takes 5\\,ns.", "It takes 12 times as long.", "3\\% slower", "10~us",
             "12 microseconds", "7\\,\\pbmicro s", "$2.5$"]
    clean = ["\\pb{mic/rwx/sites=16}{send}{ratio} times", "\\cost{\\mic{rwx}{16384}}{send}", "% 3.5 ns, a comment",
             "at 16,384 sites, of 64 methods", "\\cite{deutsch84}", "at a level of 95\\,percent",
             "\\begin{thebibliography}{9}10.1145/800017.800542\\end{thebibliography}"]
    wrong = [text for text in found if not list(typed(document.replace("%s", text)))]
    wrong += [text for text in clean if list(typed(document.replace("%s", text)))]
    for text in wrong:
        print(f"selftest: wrong about {text}")
    return 1 if wrong else 0


def main():
    if sys.argv[1:] == ["--selftest"]:
        return selftest()
    files = [pathlib.Path(name) for name in sys.argv[1:]] or sorted((ROOT / "paper").glob("*.tex"))
    wrong = 0
    for file in files:
        for line, what in typed(file.read_text()):
            print(f"{file}:{line}: {what} is typed; look it up with \\pb")
            wrong += 1
    print(f"paper: {wrong} typed measurements")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
