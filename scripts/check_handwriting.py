#!/usr/bin/env python3
"""One handwriting: what clang-format leaves open, and what it leaves behind.

    scripts/check_handwriting.py [FILE...]        reports every place; exit code 1 if there is one
    scripts/check_handwriting.py --fix [FILE...]  mends them; run clang-format afterwards
    scripts/check_handwriting.py --selftest       expects each kind to be found and mended

Without files: every C++ source that git knows.

Rules:
 1. A single statement that fits on the line of its if, for or while stands there, without braces.
 2. An algorithm over a whole container is that of std::ranges.
 3. Code is stored by store_code() (strategies/code_zone.hpp), never by memcpy().
 4. In the middle of a sentence a comment's line ends where the next word does not fit.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
WIDTH = 100

HEAD = re.compile(r"^(\s*)(?:if|for|while) (?:constexpr )?\(.*\) \{$")
# What may not become the body of a loop or condition: another one, and a declaration.
NOT_ALONE = re.compile(r"^(?:if|for|while|do|switch|else|using|const|auto|static_assert|asm|\[\[)\b")
ALGORITHMS = ("all_of any_of none_of for_each find find_if find_if_not count count_if copy copy_if transform fill "
              "reverse replace replace_if sort stable_sort nth_element is_sorted min_element max_element minmax_element "
              "shuffle unique_copy")
WHOLE = re.compile(r"std::(" + "|".join(ALGORITHMS.split()) + r")\(\s*((?:[\w.:]|->|\[\w+\])+?)\.begin\(\),\s*\2\.end\(\)")
STORE = re.compile(r"std::memcpy\((\w+(?:\.|->)writable\()")
COMMENT = re.compile(r"^(\s*)(///?) (\S.*)$")
OPEN_SENTENCE = re.compile(r"[\w,)\]`'\"-]$")


def braces(lines):
    """Yields (line, replacement of three lines)."""
    for i in range(len(lines) - 2):
        head, body, end = lines[i:i + 3]
        match = HEAD.match(head)
        if not match or end != match[1] + "}" or "//" in head + body or head.count("(") != head.count(")"):
            continue
        statement = body.strip()
        joined = f"{head[:-2]} {statement}"
        if statement.endswith(";") and not NOT_ALONE.match(statement) and len(joined) <= WIDTH:
            yield i, 3, [joined]


def ranges(lines):
    for i, line in enumerate(lines):
        mended = WHOLE.sub(r"std::ranges::\1(\2", line)
        if mended != line:
            yield i, 1, [mended]


def code_stores(lines):
    for i, line in enumerate(lines):
        mended = STORE.sub(r"store_code(\1", line)
        if mended != line:
            yield i, 1, [mended]


def comments(lines):
    for i in range(len(lines) - 1):
        this, following = COMMENT.match(lines[i]), COMMENT.match(lines[i + 1])
        if not this or not following or this.groups()[:2] != following.groups()[:2]:
            continue
        if not OPEN_SENTENCE.search(this[3]) or not re.match(r"[a-z]", following[3]):
            continue
        word, _, rest = following[3].partition(" ")
        if len(lines[i]) + 1 + len(word) <= WIDTH and not re.match(r"(?:NOLINT|clang-format)", this[3]):
            kept = [f"{following[1]}{following[2]} {rest}"] if rest else []
            yield i, 2, [f"{lines[i]} {word}"] + kept


RULES = (("braces around a statement that fits on the line", braces), ("a whole container by iterators", ranges),
         ("code stored by memcpy", code_stores), ("a comment broken before its line is full", comments))


def found(text):
    lines = text.split("\n")
    return [(place[0] + 1, what) for what, rule in RULES for place in rule(lines)]


def mended(text):
    lines = text.split("\n")
    for _, rule in RULES:
        while place := next(rule(lines), None):
            at, count, replacement = place
            lines[at:at + count] = replacement
    return "\n".join(lines)


EXAMPLES = (
    ("void f() {\n  if (a) {\n    return;\n  }\n}\n", "void f() {\n  if (a) return;\n}\n"),
    ("  return std::any_of(v.begin(), v.end(), is);\n", "  return std::ranges::any_of(v, is);\n"),
    ("  std::memcpy(zone_->writable(at).data(), f.data(), f.size());\n",
     "  store_code(zone_->writable(at).data(), f.data(), f.size());\n"),
    ("// one two\n// three.\n", "// one two three.\n"),
)
LEFT_ALONE = (
    "  if (a) {\n    const int b = 1;\n  }\n", "  if (a) {\n    b();\n  } else {\n    c();\n  }\n",
    "  std::any_of(v.begin() + 1, v.end(), is);\n", "// One.\n// two\n",
    "  std::memcpy(copy.writable_.address(), from, size);\n", "// a:\n// - one\n//   two\n", "  if (a) {\n    b();  // why\n  }\n",
)


def selftest():
    wrong = [before for before, after in EXAMPLES if len(found(before)) != 1 or mended(before) != after]
    wrong += [text for text in LEFT_ALONE if found(text) or mended(text) != text]
    for text in wrong:
        print(f"FAILED: {text!r}: {found(text)}, mended {mended(text)!r}")
    return 1 if wrong else 0


def main():
    arguments = sys.argv[1:]
    if arguments == ["--selftest"]:
        return selftest()
    fix = "--fix" in arguments
    files = [pathlib.Path(a) for a in arguments if a != "--fix"] or [ROOT / name for name in subprocess.run(
        ["git", "ls-files", "*.cpp", "*.hpp"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()]
    places = 0
    for path in files:
        text = path.read_text()
        if fix:
            path.write_text(mended(text))
            continue
        for line, what in found(text):
            print(f"{path}:{line}: {what}")
            places += 1
    return 1 if places else 0


if __name__ == "__main__":
    sys.exit(main())
