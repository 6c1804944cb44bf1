"""Compiled libraries in the folder that MOPT_CACHE_DIR names, found again by content:
the model, the files with its weights, the options, the compiler and the machine.

A library lies in a folder of its own, `<key>/model.so`; `<key of all but the external
files>.json` lists those files. Folders appear by renaming, so any number of processes
may share a cache; nothing is ever deleted from it."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile

from . import _compile


def folder():
    """The cache's folder, or None where there is no cache."""
    return os.environ.get("MOPT_CACHE_DIR") or None


def _hash_file(digest, path):
    with open(path, "rb") as file:
        while chunk := file.read(1 << 22):
            digest.update(chunk)


def _add(digest, text):
    """Texts with their lengths, so that no two lists of them look alike."""
    data = text.encode()
    digest.update(b"%d:" % len(data) + data)


def _compiler_key():
    """What compiles, and which row `native` means here."""
    digest = hashlib.sha256()
    tool = os.path.realpath(_compile.tool("mopt-compile"))
    library = os.path.join(os.path.dirname(os.path.dirname(tool)), "lib", "libmopt-compiler.so")
    for path in (tool, library):
        if os.path.exists(path):
            _hash_file(digest, path)
    _add(digest, _compile.version())
    targets = subprocess.run([tool, "--list-targets"], check=True, capture_output=True, text=True)
    _add(digest, str(json.loads(targets.stdout).get("native")))
    return digest.hexdigest()


def _external_files(depfile, model):
    """The prerequisites of a rule in make's syntax, but for the model itself."""
    with open(depfile, encoding="utf-8") as file:
        text = file.read().strip()
    words, word, escaped = [], "", False
    for char in text:
        if escaped:
            word, escaped = word + char, False
        elif char == "\\":
            escaped = True
        elif char.isspace():
            words.append(word)
            word = ""
        else:
            word += char
    words.append(word)
    paths = [path.replace("$$", "$") for path in words[1:] if path]
    return [path for path in paths if path != model]


def _with_files(key, base, names):
    """The key that takes the external files' contents in; None if one is missing."""
    digest = hashlib.sha256(key.encode())
    for name in names:
        _add(digest, name)
        try:
            _hash_file(digest, os.path.join(base, name))
        except FileNotFoundError:
            return None
    return digest.hexdigest()


def compile(model, **options):
    """The path of a library for `model` (path, bytes or ModelProto), compiled with the
    options of `mopt.compile` unless the cache has it."""
    cache = folder()
    os.makedirs(cache, exist_ok=True)
    arguments = _compile.arguments_of(**options)
    with tempfile.TemporaryDirectory(prefix="tmp-", dir=cache) as work:
        path = _compile.model_path(model, work)
        base = os.path.dirname(os.path.abspath(path))
        digest = hashlib.sha256()
        # The entry is named after the file.
        for text in (_compiler_key(), os.path.basename(path), *arguments):
            _add(digest, text)
        _hash_file(digest, path)
        key = digest.hexdigest()
        record = os.path.join(cache, key + ".json")
        if os.path.exists(record):
            with open(record, encoding="utf-8") as file:
                full = _with_files(key, base, json.load(file))
            library = os.path.join(cache, str(full), "model.so")
            if os.path.exists(library):
                return library

        made = os.path.join(work, "made")
        os.mkdir(made)
        depfile = os.path.join(work, "depfile")
        _compile.invoke(path, os.path.join(made, "model.so"),
                        [*arguments, f"--depfile={depfile}"])
        names = [os.path.relpath(file, base) for file in _external_files(depfile, path)]
        full = _with_files(key, base, names)
        if full is None:
            raise FileNotFoundError(f"'{path}': its weights went away while it was compiled")
        part = os.path.join(work, "record")
        with open(part, "w", encoding="utf-8") as file:
            json.dump(names, file)
        os.replace(part, record)
        entry = os.path.join(cache, full)
        try:
            os.rename(made, entry)
        except OSError:
            # Another process was first; what it has is the same.
            if not os.path.exists(os.path.join(entry, "model.so")):
                shutil.rmtree(entry, ignore_errors=True)
                os.rename(made, entry)
        return os.path.join(entry, "model.so")
