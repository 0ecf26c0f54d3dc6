"""The oldest bundles stay readable: one of each format, written by the version that had it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from penchant.storage import bundle
from penchant.storage.bundle.contents import FORMAT

GOLDEN = Path(__file__).parents[2] / "golden"


def test_format_1_is_read_in_full(sample, differ):
    made = bundle.read(GOLDEN / "v1.penchant")
    assert made.has_ratings
    assert made.has_posterior
    assert differ(made, sample) == []


@pytest.mark.parametrize("number", range(1, FORMAT + 1))
def test_each_format_has_its_golden_bundle(number):
    card = json.loads((GOLDEN / f"v{number}.penchant" / "card.json").read_bytes())
    assert card["format"] == number


def test_the_newest_format_is_written_as_it_was(tmp_path, sample):
    """Files other than the card, whose `written_by` changes, have names and types of old."""
    bundle.write(tmp_path / "new", sample)
    new, old = (
        json.loads((folder / "card.json").read_bytes())
        for folder in (tmp_path / "new", GOLDEN / f"v{FORMAT}.penchant")
    )
    assert list(new) == list(old)
    assert new["format"] == old["format"]
    assert new["files"].keys() == old["files"].keys()
    for name in ("weights.safetensors", "posterior.safetensors"):
        assert new["files"][name]["arrays"] == old["files"][name]["arrays"]
