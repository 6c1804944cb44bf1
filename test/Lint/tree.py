"""The files of the tree, for the lint tests."""

import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("MOPT_BUILD", ROOT / "build"))


def files(*folders, suffixes=()):
    """Paths of the tracked and new files under `folders` (all: the whole tree)."""
    try:
        names = subprocess.run(
            ["git", "-c", f"safe.directory={ROOT}", "ls-files", "--cached", "--others",
             "--exclude-standard", "-z"],
            cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
        paths = [ROOT / name for name in names if name]
    except (OSError, subprocess.CalledProcessError):
        # A source archive: no repository, so everything but the build trees.
        paths = [path for path in ROOT.rglob("*")
                 if not path.relative_to(ROOT).parts[0].startswith(("build", ".git"))]
    return [path for path in sorted(set(paths))
            if path.is_file() and (not suffixes or path.suffix in suffixes)
            and (not folders or any(path.is_relative_to(ROOT / f) for f in folders))]


def name(path):
    return path.relative_to(ROOT).as_posix()


def text(path):
    """A file's text, or '' where it is not text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""
