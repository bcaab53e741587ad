"""What the type checker makes of products that use the package."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def check(*files: Path) -> set[tuple[str, int, str]]:
    """Run mypy as `make check` does; return file, line and code of each error."""
    command = [sys.executable, "-m", "mypy", "--hide-error-context", *map(str, files)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr + done.stdout
    errors = re.findall(r"^(\S+?):(\d+): error: .*\[([a-z-]+)\]$", done.stdout, re.MULTILINE)
    assert done.returncode == bool(errors), done.stdout
    return {(Path(name).name, int(line), code) for name, line, code in errors}


def refusals(file: Path) -> set[tuple[str, int, str]]:
    """Return what a file says the type checker refuses."""
    lines = enumerate(file.read_text().splitlines(), 1)
    found = ((number, re.search(r"# refused: ([a-z-]+)$", line)) for number, line in lines)
    return {(file.name, number, match[1]) for number, match in found if match}


@pytest.mark.parametrize("file", sorted(HERE.glob("accepted/*.py")), ids=lambda file: file.stem)
def test_a_product_that_fits_its_account_type_is_accepted(file: Path) -> None:
    assert set() == check(file)


@pytest.mark.parametrize("file", sorted(HERE.glob("refused/*.py")), ids=lambda file: file.stem)
def test_a_product_that_does_not_fit_is_refused_at_each_line(file: Path) -> None:
    expected = refusals(file)
    assert expected
    assert expected == check(file)
