"""What a verb's error looks like in a terminal: words where somebody wrote them for a person, else a traceback."""

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

PROGRAM = """
    from pipelines import __main__ as door

    def verb() -> None:
        try:
            import nowhere_to_be_found
        except ImportError as error:
            {raising}

    door.app = verb
    door.main()
"""


@pytest.mark.parametrize(
    ("raising", "words"),
    [('raise ImportError("it needs that: pip install that") from error', True), ("raise", False)],
)
def test_a_library_that_is_missing_is_named_with_what_to_install(raising: str, words: bool) -> None:
    line = [sys.executable, "-c", dedent(PROGRAM).format(raising=raising)]
    said = subprocess.run(line, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert said.returncode == 1
    assert ("Traceback" not in said.stderr) is words, said.stderr
    assert ("ImportError: it needs that: pip install that\n" in said.stderr) is words
