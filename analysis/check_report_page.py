#!/usr/bin/env python3
"""A report as a browser shows it: headless Chromium, driven through a pipe.

    check_report_page.py BENCH_REPORT RESULTS DIR [EMULATOR...]

Writes the report of RESULTS into DIR and looks at it: no error, no request, figures drawn, a click sorts, a filter
filters, a legend chooses, hover shows a value, points that overlap are all named, nothing is wider than the window, cards
sort, dark mode is dark, and the PDF has A4 pages with every row of every table and labels that can be read. Leaves screenshots and the PDF in DIR. Exit code 77 where Chromium is not installed: skipped.
"""

import base64
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

SKIPPED = 77
A4 = (595, 842)  # points


class Browser:
    """Chromium's debugging protocol: https://chromedevtools.github.io/devtools-protocol/."""

    def __init__(self, program, profile):
        to_browser, self.to = os.pipe()
        self.back, from_browser = os.pipe()
        # Chromium reads at descriptor 3 and writes at 4.
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", f'exec "$@" 3<&{to_browser} 4>&{from_browser}', "sh", program, "--headless=new",
             "--remote-debugging-pipe", "--disable-gpu", "--no-first-run", "--disable-background-networking",
             "--disable-dev-shm-usage", f"--user-data-dir={profile}", *(["--no-sandbox"] if os.getuid() == 0 else []),
             "about:blank"],
            pass_fds=(to_browser, from_browser), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.last, self.session, self.events, self.rest = 0, None, [], b""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        self.last += 1
        message = {"id": self.last, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.last:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def receive(self):
        while b"\0" not in self.rest:
            data = os.read(self.back, 1 << 20)
            if not data:
                raise RuntimeError("Chromium ended")
            self.rest += data
        message, _, self.rest = self.rest.partition(b"\0")
        return json.loads(message)

    def value(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait(self, expression, seconds=120):
        end = time.monotonic() + seconds
        while not self.value(expression):
            if time.monotonic() > end:
                raise RuntimeError(f"never came true: {expression}; {self.complaints()}")
            time.sleep(0.1)

    def complaints(self):
        """What the console says, each text once."""
        texts = []
        for event in self.events:
            what = event.get("params", {})
            if event.get("method") == "Runtime.exceptionThrown":
                details = what["exceptionDetails"]
                texts.append(details.get("exception", {}).get("description", details["text"]))
            elif event.get("method") == "Log.entryAdded":
                texts.append(what["entry"]["text"])
            elif event.get("method") == "Runtime.consoleAPICalled" and what["type"] in ("error", "warning", "assert"):
                texts.append(" ".join(str(one.get("value", one.get("description", ""))) for one in what["args"]))
        return list(dict.fromkeys(texts))

    def requests(self):
        asked = [e["params"]["request"]["url"] for e in self.events if e.get("method") == "Network.requestWillBeSent"]
        return [url for url in asked if not url.startswith("data:")]

    def window(self, width, height):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 500)
        time.sleep(1)  # figures are drawn anew in frames of their own

    def media(self, scheme):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def picture(self, file):
        size = self.value("[document.documentElement.clientWidth, document.documentElement.scrollHeight]")
        clip = {"x": 0, "y": 0, "width": size[0], "height": min(size[1], 16000), "scale": 1}
        data = self.call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)["data"]
        file.write_bytes(base64.b64decode(data))

    def mouse(self, kind, x, y):
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="none" if kind == "mouseMoved" else "left",
                  clickCount=0 if kind == "mouseMoved" else 1)

    def place(self, element):
        """The middle of an element in the window, once it is there."""
        return self.value(f"(() => {{ const e = {element}; e.scrollIntoView({{block: 'center'}});"
                          "const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()")

    def click(self, element):
        x, y = self.place(element)
        self.mouse("mousePressed", x, y)
        self.mouse("mouseReleased", x, y)

    def end(self):
        self.process.terminate()
        self.process.wait(timeout=20)


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


# Of what scrolls in a box of its own the box counts.
TOO_WIDE = """[...document.body.querySelectorAll('*')].filter(e => !e.closest('.scroll > *') && !e.closest('svg *') &&
  e.getBoundingClientRect().width > 0 && e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .map(e => e.tagName + '.' + e.className + ' in ' + (e.closest('[id]') || e).id).slice(0, 5)"""


def opens(page):
    expect(page.value("document.querySelectorAll('figure .chart').length > 0"), "the report has no figure")
    empty = page.value("[...document.querySelectorAll('figure .chart')].filter(e => !e.querySelector('svg path')).length")
    expect(empty == 0, f"{empty} charts are empty")
    expect(len(page.requests()) == 1, f"requests: {page.requests()}")
    expect(not page.complaints(), f"the console says {page.complaints()}")


CASES = "document.querySelector('#chapter-every-case table[data-filters]')"


def column(page, number):
    return page.value(f"[...{CASES}.tBodies[0].rows].map(row => row.cells[{number}].textContent)")


def a_click_sorts(page):
    title = f"[...{CASES}.tHead.rows[0].cells].findIndex(cell => cell.textContent === 'median')"
    number = page.value(title)
    expect(number > 0, "no column 'median'")
    for sign in (1, -1):
        page.click(f"{CASES}.tHead.rows[0].cells[{number}]")
        values = [float(text.split()[0].replace(",", "")) for text in column(page, number) if text.strip()]
        expect(len(set(values)) > 3, "too few rows to see an order")
        expect(values == sorted(values, reverse=sign < 0), f"not sorted: {values[:8]}")


def a_filter_filters(page):
    select = f"{CASES}.parentElement.previousElementSibling.querySelector('label:not(.of-cards) select')"
    before = set(column(page, 0))
    value = page.value(f"{select}.options[1].value")
    choose = "(() => {{ const s = {0}; s.value = {1}; s.dispatchEvent(new Event('change')); }})()"
    page.value(choose.format(select, json.dumps(value)))
    expect(set(column(page, 0)) == {value}, f"{before} became {set(column(page, 0))}, asked for {value}")
    page.value(choose.format(select, '""'))


LINES = "document.querySelectorAll('#send-ratio .mark-line path').length"


def a_legend_chooses(page):
    page.wait(f"{LINES} > 2")
    button = "document.querySelector('#send-ratio .legend button')"
    panels = page.value("document.querySelectorAll('#send-ratio .chart').length")
    page.click(button)
    page.wait(f"{LINES} === {panels}", 10)
    page.click(button)
    page.wait(f"{LINES} > {panels}", 10)


def hover_shows(page):
    x, y = page.place("document.querySelector('#send-ratio .mark-symbol path[opacity=\"0\"], "
                      "#send-ratio .mark-symbol path[fill-opacity=\"0\"]') || "
                      "document.querySelectorAll('#send-ratio .chart .mark-symbol path')[1]")
    page.mouse("mouseMoved", x + 3, y + 3)
    page.mouse("mouseMoved", x, y)
    page.wait("document.querySelector('#vg-tooltip-element.visible') !== null", 10)
    text = page.value("document.querySelector('#vg-tooltip-element').innerText")
    for part in ("95 % interval", r"\bn\s+\d", " to "):
        expect(re.search(part, text), f"no {part!r} in the tooltip {text!r}")
    page.mouse("mouseMoved", 1, 1)


def a_legend_chooses_rows(page):
    """Of figures of bars and dots, too."""
    figure = page.value("[...document.querySelectorAll('figure')].find(f => f.querySelector('.legend') && "
                        "f.querySelector('.mark-rect'))?.id")
    expect(figure, "no figure of rows has a legend")
    rows = f"document.querySelector('#{figure} .chart').querySelectorAll('.mark-text.role-mark text').length"
    before = page.value(rows)
    expect(before > 1, "a figure of rows with one row")
    button = f"document.querySelector('#{figure} .legend button')"
    page.click(button)
    page.wait(f"{rows} < {before}", 10)
    page.click(button)
    page.wait(f"{rows} === {before}", 10)


def every_figure_has_a_legend(page):
    without = page.value("[...document.querySelectorAll('figure')].filter(f => !f.querySelector('.legend button'))"
                         ".map(f => f.id)")
    expect(not without, f"figures without a legend: {without}")


OVERLAP = """(() => {
  const points = [...document.querySelectorAll('#send-ratio .chart:first-of-type .mark-symbol:last-of-type path')]
    .map(e => e.getBoundingClientRect()).map(r => [r.x + r.width / 2, r.y + r.height / 2]);
  return points.find(([x, y]) => points.filter(([a, b]) => Math.hypot(a - x, b - y) < 6).length > 1);
})()"""


def hover_names_all(page):
    page.place("document.querySelector('#send-ratio .chart')")
    place = page.value(OVERLAP)
    expect(place, "no points overlap in the reference")
    page.mouse("mouseMoved", place[0] + 2, place[1])
    page.mouse("mouseMoved", *place)
    page.wait("document.querySelector('#vg-tooltip-element.visible') !== null", 10)
    rows = page.value("[...document.querySelectorAll('#vg-tooltip-element tr td.key')].map(e => e.innerText)")
    names = page.value("[...document.querySelectorAll('#send-ratio .legend button')].map(e => e.dataset.id)")
    named = [row for row in rows if row.rstrip(":") in names]
    expect(len(named) > 1, f"of points that overlap the tooltip names {rows}")
    page.mouse("mouseMoved", 1, 1)


def cards_sort(page):
    page.window(390, 844)
    choice = f"{CASES}.parentElement.previousElementSibling.querySelector('label.of-cards select')"
    expect(page.value(f"{choice}.getBoundingClientRect().height > 0"), "cards cannot be sorted")
    page.value(f"(() => {{ const s = {choice}; s.value = [...s.options].find(o => o.text === 'median, descending').value;"
               "s.dispatchEvent(new Event('change')); })()")
    number = page.value(f"[...{CASES}.tHead.rows[0].cells].findIndex(cell => cell.textContent === 'median')")
    values = [float(text.split()[0].replace(",", "")) for text in column(page, number) if text.strip()]
    expect(len(set(values)) > 3 and values == sorted(values, reverse=True), f"cards not sorted: {values[:8]}")
    page.window(1400, 900)
    expect(page.value(f"{choice}.getBoundingClientRect().height") == 0, "the cards' choice shows beside heads")
    page.value(f"(() => {{ const s = {choice}; s.value = '-1 1'; s.dispatchEvent(new Event('change')); }})()")


def fits(page, directory):
    for width, height in ((1400, 900), (390, 844)):
        page.window(width, height)
        wide = page.value(TOO_WIDE)
        expect(not wide, f"wider than a window of {width} pixels: {wide}")
        expect(page.value("document.documentElement.scrollWidth") <= width, f"scrolls sideways at {width} pixels")
        page.picture(directory / f"page-{width}.png")
    page.window(1400, 900)


def is_dark(page, directory):
    def background():
        return max(map(int, re.findall(r"\d+", page.value("getComputedStyle(document.body).backgroundColor"))[:3]))
    expect(background() > 200, "light mode is dark")
    page.media("dark")
    expect(background() < 60, "dark mode is light")
    text = page.value("getComputedStyle(document.querySelector('.chart svg text')).fill")
    expect(min(map(int, re.findall(r"\d+", text)[:3])) > 150, f"text of figures is {text} in dark mode")
    page.picture(directory / "page-dark.png")
    page.media("light")


SMALLEST = """Math.min(...[...document.querySelectorAll('.chart svg')].filter(e => e.getBoundingClientRect().width)
  .map(e => 12 * e.getBoundingClientRect().width / e.viewBox.baseVal.width * 0.75))"""


BROKEN_NUMBERS = """[...document.querySelectorAll('td:not(:first-child)')].filter(e => /^[\\d.,]+$/.test(e.textContent) &&
  e.getBoundingClientRect().height > 0).filter(e => { const range = document.createRange(); range.selectNodeContents(e);
  return new Set([...range.getClientRects()].map(r => Math.round(r.top))).size > 1; })
  .map(e => e.textContent).slice(0, 5)"""


def shows_all_on_paper(page):
    rows = f"{CASES}.tBodies[0].rows.length"
    before = page.value(rows)
    page.value("dispatchEvent(new Event('beforeprint'))")
    expect(page.value("document.querySelectorAll('details:not([open])').length") == 0, "tables are folded on paper")
    expect(page.value(rows) > before, f"{before} rows of cases on paper, as on the screen")
    page.value("dispatchEvent(new Event('afterprint'))")
    expect(page.value(rows) == before, "the screen is another one after printing")
    expect(page.value("document.querySelectorAll('details[open]').length") == 0, "printing leaves tables open")
    page.call("Emulation.setEmulatedMedia", media="print")
    page.window(703, 1000)  # A4 without its margins; figures are drawn for the screen and scaled
    points = page.value(SMALLEST)
    expect(points > 6.5, f"labels of {points:.1f} points on paper")
    page.value("document.querySelectorAll('details').forEach(details => { details.open = true; })")
    for tables, width in (("not(.wide)", 703), ("is(.wide)", 1032)):  # the latter on pages that lie
        page.window(width, 1000)
        wide = page.value(f"[...document.querySelectorAll('.scroll:{tables} table')].map(t => [t.id, "
                          f"Math.round(t.getBoundingClientRect().width)]).filter(([, width]) => width > {width} + 2)")
        expect(not wide, f"tables wider than the page of {width} pixels: {wide}")
        broken = page.value(BROKEN_NUMBERS)
        expect(not broken, f"numbers broken into lines on paper: {broken}")
    page.value("document.querySelectorAll('details').forEach(details => { details.open = false; })")
    page.call("Emulation.setEmulatedMedia", media="")
    page.window(1400, 900)


def prints(page, directory):
    shows_all_on_paper(page)
    page.media("dark")  # paper is white all the same
    data = base64.b64decode(page.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)["data"])
    (directory / "page.pdf").write_bytes(data)
    boxes = re.findall(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)\s*\]", data)
    expect(len(boxes) > 2, f"a PDF of {len(boxes)} pages")
    for box in boxes:
        size = tuple(sorted(round(float(length)) for length in box))
        expect(abs(size[0] - A4[0]) <= 2 and abs(size[1] - A4[1]) <= 2, f"a page of {size} points")
    page.media("light")


def check(page, report, directory):
    page.window(1400, 900)
    page.call("Page.navigate", url=report.resolve().as_uri())
    page.wait("document.documentElement?.dataset.drawn === 'yes'")
    opens(page)
    a_click_sorts(page)
    a_filter_filters(page)
    a_legend_chooses(page)
    a_legend_chooses_rows(page)
    every_figure_has_a_legend(page)
    hover_shows(page)
    hover_names_all(page)
    cards_sort(page)
    fits(page, directory)
    is_dark(page, directory)
    prints(page, directory)
    expect(not page.complaints(), f"the console says {page.complaints()}")


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    program = shutil.which("chromium")
    if not program:
        print("skipped: chromium is not installed (Debian's package chromium)")
        sys.exit(SKIPPED)
    bench_report, results, directory = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    shutil.rmtree(directory, ignore_errors=True)
    subprocess.run([*sys.argv[4:], bench_report, results, f"--out={directory}"], check=True, stdout=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        page = Browser(program, profile)
        try:
            check(page, directory / "report.html", directory)
        finally:
            page.end()
    print("as a browser shows it: all well")


if __name__ == "__main__":
    main()
