"""A program in another language reads a bundle and predicts the same."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[3] / "examples" / "read_bundle.mjs"


@pytest.fixture
def ask(tmp_path, saved):
    """Run the example on the sample bundle, with its one package beside it."""
    if not shutil.which("npm"):
        pytest.skip("needs node and npm")
    shutil.copy(EXAMPLE, tmp_path)
    subprocess.run(["npm", "install", "apache-arrow"], cwd=tmp_path, check=True, timeout=300)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["node", EXAMPLE.name, str(saved), *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


@pytest.mark.network
def test_javascript_predicts_the_same(ask, saved, sample):
    weights = sample.weights
    for user, item in ((7, "기생충"), (2**40, "63"), (999, "Amélie")):
        u, i = sample.users.rows([user])[0], sample.items.rows([item])[0]
        dot = weights["user_factors"][u] @ weights["item_factors"][i]
        wanted = sample.card["mean"] + weights["user_bias"][u] + weights["item_bias"][i] + dot
        assert float(ask(str(user), item).stdout) == pytest.approx(wanted, abs=1e-4)
    raw = (saved / "weights.safetensors").read_bytes()
    (saved / "weights.safetensors").write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    assert "weights.safetensors was changed" in ask("7", "63").stderr
