"""What the type checker makes of products that use the package."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


Errors = set[tuple[str, int, str]]


@pytest.fixture(scope="module")
def errors() -> Errors:
    """Run mypy as `make check` does; return file, line and code of each error."""
    files = map(str, sorted(HERE.glob("*/*.py")))
    command = [sys.executable, "-m", "mypy", "--hide-error-context", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr + done.stdout
    found = re.findall(r"^(\S+?):(\d+): error: .*\[([a-z-]+)\]$", done.stdout, re.MULTILINE)
    assert done.returncode == bool(found), done.stdout
    return {(Path(name).name, int(line), code) for name, line, code in found}


def of(file: Path, errors: Errors) -> Errors:
    """Return the errors of a file."""
    return {each for each in errors if each[0] == file.name}


def refusals(file: Path) -> Errors:
    """Return what a file says the type checker refuses."""
    lines = enumerate(file.read_text().splitlines(), 1)
    found = ((number, re.search(r"# refused: ([a-z-]+)$", line)) for number, line in lines)
    return {(file.name, number, match[1]) for number, match in found if match}


@pytest.mark.parametrize("file", sorted(HERE.glob("accepted/*.py")), ids=lambda file: file.stem)
def test_a_product_that_fits_its_account_type_is_accepted(file: Path, errors: Errors) -> None:
    assert set() == of(file, errors)


@pytest.mark.parametrize("file", sorted(HERE.glob("refused/*.py")), ids=lambda file: file.stem)
def test_a_product_that_does_not_fit_is_refused_at_each_line(file: Path, errors: Errors) -> None:
    expected = refusals(file)
    assert expected
    assert expected == of(file, errors)
