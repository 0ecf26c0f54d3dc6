"""Make the report of MovieLens 100K, measure it, and picture it for the documentation.

    python benchmarks/report_pictures.py docs/images

It trains the usual model on the usual split, writes the report to a temporary folder, prints what
that took beyond the training and how large the file is, and writes report-light.png,
report-dark.png and report-phone.png. It needs a Chromium and the `test` extra.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from PIL import Image

import penchant as pc
from penchant.model.provenance import Provenance, today, versions

MOST_BYTES = 250_000
SEED, TEST = 2021, 0.2
VIEWS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1200, "height": 1500}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1200, "height": 1500}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 360, "height": 1180}, "device_scale_factor": 2},
}
STARTS = {"dark": "#map"}
"""The section that a picture begins with; others begin at the top."""


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images")
    model = trained()
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "report.html"
        start, cpu = time.perf_counter(), time.process_time()
        pc.report(model, file, bundle="ml-100k.penchant")
        took = time.perf_counter() - start, time.process_time() - cpu
        print(f"report: {took[0]:.1f} s ({took[1]:.1f} s of CPU), {file.stat().st_size:,} bytes")
        take(file, folder)


def trained() -> Any:
    train, test = pc.split(pc.load("ml-100k"), test=TEST, seed=SEED)
    model = pc.MatrixFactorization(seed=SEED).fit(train, watch=test)
    scores = model.evaluate(test)
    model.note(Provenance("ml-100k", TEST, SEED, None, scores.n, scores.rmse, today(), versions()))
    return model


def take(file: Path, folder: Path) -> None:
    """Picture the file in each view."""
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for name, view in VIEWS.items():
            page = browser.new_context(**view).new_page()
            page.goto(file.as_uri())
            start = STARTS.get(name)
            if start is not None:
                page.evaluate(
                    f"document.querySelector('{start}').scrollIntoView({{behavior: 'instant'}})"
                )
            written = save(page.screenshot(), folder / f"report-{name}.png")
            print(f"report-{name}.png: {written:,} bytes")
        browser.close()


def save(raw: bytes, path: Path) -> int:
    """Write a picture with as many colours as the bytes allow; return its size."""
    picture = Image.open(io.BytesIO(raw)).convert("RGB")
    for colours in (256, 128, 64, 32):
        out = io.BytesIO()
        picture.quantize(colours, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
        if out.tell() <= MOST_BYTES:
            break
    path.write_bytes(out.getvalue())
    return out.tell()


if __name__ == "__main__":
    main()
