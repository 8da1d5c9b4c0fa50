#!/usr/bin/env python3
"""Holds README and docs/ to what they show: links lead somewhere, and commands work.

    scripts/check_docs.py [TREE]                 follows the links of every page that git knows
    scripts/check_docs.py --commands FOLDER      that, and runs the commands shown; FOLDER has the built programs
    scripts/check_docs.py --selftest             builds trees with one violation each and expects it to be reported

Rules:
 1. A relative link names a file of the tree, and its anchor a heading of that page. Addresses of other hosts are held to
    their syntax alone.
 2. A block marked `sh` in README.md, CONTRIBUTING.md or docs/ is run line by line in an empty directory with the tree's
    scripts and results; each line ends with 0. Behind <!-- not run: WHY --> it is only read.
 3. Every option in such a block stands in the help of its program, or in its script; every preset in CMakePresets.json.
 4. A page in docs/ has a question for its title, and README.md is no longer than MOST_BYTES.
"""

import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAMS = ("bench-run", "bench-report", "bench-compare", "bench-probe")
MOST_BYTES = 7 * 1024
SECONDS = 120  # for one command
MOST_OUTPUT = 2000  # characters of a failed command's output, its end

FENCE = re.compile(r"^```(\w*)$")
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+)\)", re.DOTALL)
INLINE_CODE = re.compile(r"`[^`\n]*`")
ADDRESS = re.compile(r"https?://[\w.-]+\.[a-z]{2,}(:\d+)?(/[^\s<>\"]*)?")
HEADING = re.compile(r"^#{1,6} (.+)$")
NOT_RUN = re.compile(r"^<!-- not run: \S.* -->$")
COMMENT = re.compile(r"(^|\s)#.*$")


class Page:
    """Its lines outside of code, and the blocks of code with what stands before them."""

    def __init__(self, text):
        self.prose, self.blocks, inside, before = [], [], None, ""
        for number, line in enumerate(text.splitlines(), 1):
            fence = FENCE.match(line)
            if inside is None and fence:
                inside = {"language": fence[1], "before": before, "line": number, "lines": []}
            elif inside is not None and line == "```":
                self.blocks.append(inside)
                inside = None
            elif inside is not None:
                inside["lines"].append(line)
            else:
                self.prose.append(line)
                before = line or before
        if inside is not None:
            self.blocks.append(inside | {"language": "never closed"})

    def anchors(self):
        found = set()
        for line in self.prose:
            if match := HEADING.match(line):
                found.add(re.sub(r"[^\w\- ]", "", match[1].lower()).replace(" ", "-"))
        return found

    def links(self):
        return LINK.findall(INLINE_CODE.sub("", "\n".join(self.prose)))


def pages_of(tree):
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"], cwd=tree,
                            capture_output=True, text=True)
    names = listed.stdout.split() if listed.returncode == 0 else []
    return sorted(tree / name for name in names if (tree / name).is_file()) or sorted(tree.rglob("*.md"))


def check_link(tree, path, link):
    if ":" in link.split("/")[0]:
        return None if ADDRESS.fullmatch(link) else "is no address"
    name, _, anchor = link.partition("#")
    target = (path.parent / name).resolve() if name else path
    if not target.is_relative_to(tree) or not target.exists():
        return "leads nowhere"
    if anchor and anchor not in Page(target.read_text(encoding="utf-8")).anchors():
        return f"names a heading that {target.relative_to(tree)} has not"
    return None


def check_links(tree):
    for path in pages_of(tree):
        for link in Page(path.read_text(encoding="utf-8")).links():
            if wrong := check_link(tree, path, link):
                yield f"{path.relative_to(tree)}: {link} {wrong}"


def check_shape(tree):
    readme = tree / "README.md"
    if readme.is_file() and readme.stat().st_size > MOST_BYTES:
        yield f"README.md: {readme.stat().st_size} bytes, and not at most {MOST_BYTES}; docs/ has room"
    for path in sorted(tree.glob("docs/*.md")):
        if not re.match(r"# .+\?\n", path.read_text(encoding="utf-8")):
            yield f"{path.relative_to(tree)}: its title is not the question that it answers"


def shown_blocks(tree):
    """(page, block) of everything that a reader may type."""
    for path in [tree / "README.md", tree / "CONTRIBUTING.md", *sorted(tree.glob("docs/*.md"))]:
        if path.is_file():
            for block in Page(path.read_text(encoding="utf-8")).blocks:
                if block["language"] == "never closed":
                    yield path, block | {"lines": []}
                elif block["language"] == "sh":
                    yield path, block


def commands_of(block):
    lines = "\n".join(block["lines"]).replace("\\\n", " ").splitlines()
    return [command for line in lines if (command := COMMENT.sub("", line).strip())]


def known_text(tree, helps, word):
    """Where the options of a program must stand; None where that is not ours to know."""
    name = pathlib.PurePosixPath(word).name
    if name in PROGRAMS:
        return helps.get(name)
    if word.startswith("scripts/"):
        script = tree / word
        text = script.read_text(encoding="utf-8") if script.is_file() else ""
        return text + helps.get("bench-run", "") if name == "run" else text
    return None


def check_words(tree, helps, command):
    """What is wrong with the options of one command, which may have another one behind `--` or `&&`."""
    presets = (tree / "CMakePresets.json").read_text() if (tree / "CMakePresets.json").is_file() else "{}"
    named = {one["name"] for kind in json.loads(presets).values() if isinstance(kind, list) for one in kind}
    words, known, program = shlex.split(command), None, ""
    for at, word in enumerate(words):
        if pathlib.PurePosixPath(word).name in PROGRAMS or word.startswith("scripts/"):
            known, program = known_text(tree, helps, word), word
            if known == "":
                yield f"{word} is not there"
        elif word in ("cmake", "ctest", "&&"):
            known = None
        elif word == "--preset" and at + 1 < len(words) and words[at + 1] not in named:
            yield f"there is no preset {words[at + 1]}"
        elif known and (option := re.match(r"--[a-z][a-z-]*", word)):
            if not re.search(re.escape(option[0]) + r"(?![\w-])", known):
                yield f"{program} has no option {option[0]}"


def environment(folder, programs):
    for name in ("scripts", "results", "strategies"):
        (folder / name).symlink_to(ROOT / name)
    return os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"}


def run_commands(block, programs):
    """(command, what it said) of each that fails. Those of one block may need what the ones before left."""
    with tempfile.TemporaryDirectory(prefix="patchbench-docs-") as name:
        variables = environment(pathlib.Path(name), programs)
        for command in commands_of(block):
            try:
                done = subprocess.run(["bash", "-c", command], cwd=name, env=variables, text=True, timeout=SECONDS,
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            except subprocess.TimeoutExpired:
                yield command, f"took more than {SECONDS} s"
                continue
            if done.returncode != 0:
                yield command, f"ended with {done.returncode}:\n{done.stdout[-MOST_OUTPUT:]}"


def check_commands(tree, programs):
    helps = {name: subprocess.run([programs / name, "--help"], check=True, capture_output=True, text=True).stdout
             for name in PROGRAMS} if programs else {}
    for path, block in shown_blocks(tree):
        place = f"{path.relative_to(tree)}:{block['line']}"
        if block["language"] != "sh":
            yield f"{place}: a block of code that is never closed"
        for command in commands_of(block):
            for wrong in check_words(tree, helps, command):
                yield f"{place}: {command}: {wrong}"
        if programs and not NOT_RUN.match(block["before"]):
            for command, wrong in run_commands(block, programs):
                yield f"{place}: {command}: {wrong}"


def violations(tree, programs=None):
    tree = tree.resolve()
    return [*check_links(tree), *check_shape(tree), *check_commands(tree, programs)]


# name: (files, what must be reported; None for a tree without a violation)
TREES = {
    "good tree": ({
        "README.md": "# A\n[b](docs/b.md#two-words-twice) [c](#a) `[x](gone)` [d](https://example.org/x)\n"
                     "```sh\nscripts/s --good  # --bad in a comment\n```\n",
        "scripts/s": "# --good\n", "docs/b.md": "# What?\n## Two words, twice\n```\n[x](gone)\n```\n"}, None),
    "a file that is not there": ({"README.md": "[a](b.md)\n"}, "leads nowhere"),
    "a link over two lines": ({"README.md": "[a\nb](c.md)\n"}, "leads nowhere"),
    "a picture": ({"README.md": "![a](b.svg)\n"}, "leads nowhere"),
    "outside of the tree": ({"README.md": "[a](../../etc)\n"}, "leads nowhere"),
    "an anchor": ({"README.md": "# A\n[a](#b)\n"}, "names a heading"),
    "an anchor of another page": ({"README.md": "[a](docs/b.md#c)\n", "docs/b.md": "# B?\n"}, "names a heading"),
    "an address": ({"README.md": "[a](https:/example.org)\n"}, "is no address"),
    "a script": ({"README.md": "```sh\nscripts/gone\n```\n"}, "is not there"),
    "an option": ({"README.md": "<!-- not run: long -->\n```sh\nscripts/s --bad\n```\n", "scripts/s": "# --badly\n"},
                  "has no option --bad"),
    "a preset": ({"README.md": "```sh\ncmake --preset b\n```\n",
                  "CMakePresets.json": '{"testPresets": [{"name": "a"}]}'}, "no preset b"),
    "a title": ({"docs/a.md": "# Statement\n"}, "not the question"),
    "a long README": ({"README.md": "a" * (MOST_BYTES + 1)}, "docs/ has room"),
    "an open block": ({"README.md": "```sh\nls\n"}, "never closed"),
}


def found_in(files):
    with tempfile.TemporaryDirectory() as folder:
        tree = pathlib.Path(folder)
        for name, text in files.items():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_text(text)
        return violations(tree)


def selftest():
    wrong = 0
    for name, (files, expected) in TREES.items():
        found = found_in(files)
        passed = not found if expected is None else len(found) == 1 and expected in found[0]
        wrong += not passed
        print(f"{'ok    ' if passed else 'FAILED'} {name}: {found}")
    failed = list(run_commands({"lines": ["true", "false", "exit 3"]}, ROOT))
    print(f"{'ok    ' if len(failed) == 2 else 'FAILED'} commands that fail: {failed}")
    return 1 if wrong or len(failed) != 2 else 0


def main():
    match sys.argv[1:]:
        case ["--selftest"]:
            return selftest()
        case ["--commands", folder]:
            found = violations(ROOT, pathlib.Path(folder).resolve())
        case [] | [_] if not sys.argv[-1].startswith("-"):
            found = violations(pathlib.Path(sys.argv[1]) if len(sys.argv) == 2 else ROOT)
        case _:
            sys.exit(__doc__)
    for line in found:
        print(line)
    print(f"docs: {len(found)} violation(s)")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
