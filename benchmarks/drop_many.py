"""Many photographs dropped on the page at once, in a real browser: do all end well, does the page stay quick?

    python -m benchmarks.drop_many [--pictures 200]

Starts the application as `make run` does, drops the files on the gallery with one drop event, and watches: until all
are uploaded, until all have their labels, the order after a reload, and the gaps between the page's frames.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, expect

from benchmarks.photographs import photographs
from imageanalysis.tests.application import Application
from imageanalysis.tests.browser import choose, chromium, register, visit

LIMIT_MS = 300_000
WATCH_FRAMES = """() => {
  window.frameGaps = [];
  let last = performance.now();
  const note = (now) => { window.frameGaps.push(now - last); last = now; requestAnimationFrame(note); };
  requestAnimationFrame(note);
}"""
# Files reach a page through a file input only; a DataTransfer with them makes the drop that a person would make.
DROP = """() => {
  const input = document.getElementById("benchmark-files");
  const transfer = new DataTransfer();
  for (const file of input.files) transfer.items.add(file);
  document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
}"""
ADD_INPUT = """() => {
  const input = document.createElement("input");
  Object.assign(input, { type: "file", multiple: true, id: "benchmark-files", hidden: true });
  document.body.append(input);
}"""


def drop(page: Page, folder: Path, names: list[str]) -> None:
    page.evaluate(ADD_INPUT)
    page.set_input_files("#benchmark-files", [str(folder / name) for name in names])
    page.evaluate(WATCH_FRAMES)
    page.evaluate(DROP)


def shown_names(page: Page, count: int) -> list[str]:
    """The file names of the gallery, page by page, newest first."""
    names: list[str] = []
    page.goto("/")
    while True:
        names += page.locator("#pictures .picture-name").all_inner_texts()
        following = page.locator("a[rel=next]")
        if len(names) >= count or not following.count():
            return names
        following.click()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=200)
    count = parser.parse_args().pictures
    with tempfile.TemporaryDirectory() as folder:
        names = [f"{n:03}.jpg" for n in range(count)]
        for name, content in zip(names, photographs(count), strict=True):
            Path(folder, name).write_bytes(content)
        with (
            Application(Path(folder), WORKER_CONCURRENCY="2") as application,
            chromium() as browser,
            visit(browser, application.url) as page,
        ):
            measure(page, Path(folder), names)


def measure(page: Page, folder: Path, names: list[str]) -> None:
    register(page, "collector")
    choose(page, folder / names[0])  # the worker has loaded its model
    expect(page.locator(".picture-state", has_text="Done")).to_have_count(1, timeout=LIMIT_MS)
    page.reload()
    began = time.perf_counter()
    drop(page, folder, names)
    expect(page.locator("[data-part=summary]")).to_have_text(f"{len(names)} of {len(names)} uploaded", timeout=LIMIT_MS)
    uploaded = time.perf_counter() - began
    expect(page.locator(".picture-state", has_text="Done")).to_have_count(len(names) + 1, timeout=LIMIT_MS)
    finished = time.perf_counter() - began
    gaps_ms = page.evaluate("window.frameGaps")
    in_order = shown_names(page, len(names) + 1)[:-1] == names[::-1]
    print(f"{len(names)} dropped: uploaded after {uploaded:.1f} s, all labels after {finished:.1f} s")
    print(f"order kept: {in_order}")
    p99, longest = statistics.quantiles(gaps_ms, n=100)[-1], max(gaps_ms)
    print(f"gap between frames: median {statistics.median(gaps_ms):.0f} ms, p99 {p99:.0f} ms, longest {longest:.0f} ms")


if __name__ == "__main__":
    main()
