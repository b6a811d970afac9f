"""README is true: its commands exist, its help texts are the real ones, its Python runs, its links lead somewhere."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


SHELL = [line.partition("#")[0].strip() for block in blocks("sh") for line in block.splitlines()]


def test_the_two_commands_come_first_and_exist():
    assert [line.split()[1] for line in SHELL[:2]] == ["run", "test"]
    assert README.index("make run") < 1200, "on the first screen"
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert {line.split()[1] for line in SHELL if line.startswith("make ")} <= set(targets)


@pytest.mark.parametrize("shown", blocks("text"), ids=lambda shown: shown.splitlines()[0])
def test_help_texts_are_the_real_ones(spanwise, shown):
    command = re.match(r"Usage: spanwise ?([a-z-]*)", shown).group(1)
    done = spanwise(*command.split(), "--help", env={"COLUMNS": "80"})
    assert done.stdout.rstrip() == shown.rstrip()


def test_every_command_has_its_help_text():
    shown = "".join(blocks("text"))
    for command in re.findall(r"^  ([a-z][a-z-]*) {2}", blocks("text")[0], flags=re.MULTILINE):
        assert f"Usage: spanwise {command} " in shown


@pytest.mark.slow
def test_command_line_examples_run(spanwise, tmp_path):
    (tmp_path / "seeds").symlink_to(ROOT / "seeds")
    ran = 0
    for line in SHELL:
        if line.startswith("spanwise ") and not line.startswith("spanwise serve"):
            done = spanwise(*shlex.split(line)[1:], cwd=tmp_path)
            assert done.returncode == 0, (line, done.stderr)
            assert done.stdout
            ran += 1
    assert ran >= 4


@pytest.mark.slow
def test_the_python_examples_run_one_after_the_other(monkeypatch, capsys, tmp_path):
    (tmp_path / "seeds").symlink_to(ROOT / "seeds")
    monkeypatch.chdir(tmp_path)
    names = {}
    for example in blocks("python"):
        exec(compile(example, "README.md", "exec"), names)
        assert capsys.readouterr().out.strip()


def test_variables_named_are_those_that_are_read():
    from dataclasses import fields

    from qa.config import Settings

    named = set(re.findall(r"SPANWISE_[A-Z_]+", README))
    assert named == {f"SPANWISE_{field.name.upper()}" for field in fields(Settings)}


def test_links_and_files_named_are_there():
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / target).exists(), target
    for name in re.findall(r"`((?:qa|index|seeds|tests|docs)/[^`* ]*)`", README):
        assert (ROOT / name).exists(), name


def test_nothing_is_left_to_fill_in():
    assert "TODO" not in README
    assert "XXX" not in README


def test_the_changelog_knows_the_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {version}" in changelog or "## Unreleased" in changelog


def test_make_without_a_target_lists_what_there_is():
    done = subprocess.run(
        ["make", "--no-print-directory"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=True,
        env=dict(os.environ),
    )
    for target in ("run", "test", "check", "clean"):
        assert re.search(rf"^  {target} ", done.stdout, flags=re.MULTILINE)
