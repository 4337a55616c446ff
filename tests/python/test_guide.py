"""docs/guide.md, as a new user would follow it: each `sh` block in order, in an empty folder.

A block of text after it is what it prints, else it prints nothing. Blocks marked `sh network` need the package index
and are left out; this environment has what they install. To write the outputs anew from a real run:

    python tests/python/test_guide.py
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from report.export import public_marts

PACKAGE = Path(__file__).resolve().parents[2]
GUIDE = PACKAGE / "docs" / "guide.md"
FENCE = re.compile(r"^```(\w[\w ]*)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
FIELD = re.compile(r"(\*|\d+(-\d+)?)(/\d+)?(,\d+)*")


@dataclass(frozen=True)
class Block:
    """One fenced block: its info string, its text, and where the text begins and ends in the guide."""

    kind: str
    text: str
    start: int
    end: int
    fence_end: int


def blocks(guide: str) -> list[Block]:
    return [Block(m[1], m[2], m.start(2), m.end(2), m.end()) for m in FENCE.finditer(guide)]


def steps(guide: str) -> list[tuple[Block, Block | None]]:
    """Each block that is run, and the output that directly follows it."""
    every = blocks(guide)
    followers = [*every[1:], None]
    return [
        (block, after if after and after.kind == "text" and guide[block.fence_end :].startswith("```text") else None)
        for block, after in zip(every, followers, strict=True)
        if block.kind == "sh"
    ]


def play(guide: str, folder: Path) -> list[str]:
    """Run all steps in `folder`, which is empty, beside a link to this package; what each printed.

    A block goes on where the former ended: same working directory, same exported variables.
    Raises AssertionError with its output when a block fails.
    """
    (folder / "account_mapping").symlink_to(PACKAGE, target_is_directory=True)
    state = folder / ".state"
    state.write_text(f"cd {folder}\n")
    environment = {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        # no profile, setting or secret of whoever runs this
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }
    printed = []
    for block, _ in steps(guide):
        script = f". {state}\ntrap 'echo \"cd $PWD\" > {state}; export -p >> {state}' EXIT\nset -eu\n{block.text}"
        ended = subprocess.run(
            ["/bin/bash", "-c", script],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
        assert ended.returncode == 0, f"{block.text}\nended with {ended.returncode}:\n{ended.stdout}"
        printed.append("".join(f"{line.rstrip()}\n" for line in ended.stdout.splitlines()).replace(str(folder), "..."))
    return printed


def masked(output: str) -> str:
    """An output without times of day and durations."""
    return re.sub(r"\d\d:\d\d:\d\d|\b\d+\.\d+ ?s\b", "#", output)


def rewritten(guide: str, printed: list[str]) -> str:
    """The guide with outputs as printed."""
    for (block, output), text in reversed(list(zip(steps(guide), printed, strict=True))):
        if output:
            guide = guide[: output.start] + text + guide[output.end :]
        elif text:
            guide = f"{guide[: block.fence_end]}```text\n{text}```\n{guide[block.fence_end :]}"
    return guide


def test_the_guides_commands_print_what_the_guide_says(tmp_path):

    guide = GUIDE.read_text()
    printed = play(guide, tmp_path)
    assert len(printed) > 12
    for (block, output), text in zip(steps(guide), printed, strict=True):
        assert masked(text) == masked(output.text if output else ""), block.text
    # only the marts leave the file that BI reads
    published = {path.stem for path in (tmp_path / "partner_map/published").glob("*.parquet")}
    assert published == set(public_marts())


def test_an_output_that_differs_is_seen_and_is_rewritten():
    guide = "a\n```sh\necho 1\n```\n```text\n2\n```\nb\n```sh\necho 3\n```\n"
    (first, output), (second, none) = steps(guide)
    assert (first.text, output.text, second.text, none) == ("echo 1\n", "2\n", "echo 3\n", None)
    assert masked("at 10:11:12 in 0.07s: 5") == masked("at 23:59:59 in 12.34s: 5") != masked("at 10:11:12 in 0.07s: 6")
    written = rewritten(guide, ["1\n", "3\n"])
    assert [output.text for _, output in steps(written)] == ["1\n", "3\n"]


@pytest.mark.parametrize("kind", ["yaml", "python", "cron"])
def test_what_is_not_run_can_be_read(kind):
    found = [block.text for block in blocks(GUIDE.read_text()) if block.kind == kind]
    assert found
    for text in found:
        if kind == "yaml":
            assert isinstance(yaml.safe_load(text), dict)
        elif kind == "python":
            compile(ast.parse(text), "guide.md", "exec")
        else:
            jobs = [line for line in text.splitlines() if re.match(r"[\d*]", line)]
            assert jobs and all(FIELD.fullmatch(field) for job in jobs for field in job.split()[:5])


def test_the_workflow_of_the_guide_has_the_steps_of_its_first_section():
    """Both install alike, so that neither is forgotten when versions change."""
    guide = GUIDE.read_text()
    loaded = [yaml.safe_load(block.text) for block in blocks(guide) if block.kind == "yaml"]
    workflow = next(settings for settings in loaded if "jobs" in settings)
    commands = " ".join(step.get("run", "") for step in workflow["jobs"]["build"]["steps"])
    network = next(block.text for block in blocks(guide) if block.kind == "sh network")
    pins = re.findall(r'"(dbt-\w+[~=<>][^"]*)"', network)
    assert len(pins) == 2 and all(pin in commands for pin in pins)
    assert set(pins) <= set((PACKAGE / "requirements-dev.in").read_text().split())
    assert "./dbt_daily.sh" in commands


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        text = GUIDE.read_text()
        GUIDE.write_text(rewritten(text, play(text, Path(os.path.realpath(made)))))
