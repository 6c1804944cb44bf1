"""What packs files for a machine without network that takes them in parts of limited size;
bench/remote/unpack puts the parts together there."""

import io
import lzma
import os
import re
import shutil
import subprocess
import sys
import tarfile

# Of the other machine's system: a second C library in a process would not do.
_SYSTEM = re.compile(r"^(libc|libm|ld-linux.*|linux-vdso)\.so")


def add_options(parser):
    parser.add_argument("out", help="folder for part-1, part-2 ...")
    parser.add_argument("--part-mib", type=int, default=60, help="largest part (default 60)")
    parser.add_argument("--preset", type=int, default=2, help="effort of xz, 0 to 9 (default 2)")


def libraries(program):
    """The shared libraries that a program loads, by the name it asks for."""
    text = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    found = dict(re.findall(r"^\s*(\S+) => (/\S+)", text, re.MULTILINE))
    return {name: path for name, path in found.items() if not _SYSTEM.match(name)}


class Parts:
    """A file that is written as part-1, part-2 ... of at most `limit` bytes."""

    def __init__(self, folder, limit):
        self.folder, self.limit = folder, limit
        self.sizes, self.file = [], None

    def write(self, data):
        view = memoryview(data)
        while view:
            if self.file is None or self.sizes[-1] == self.limit:
                self.close()
                self.sizes.append(0)
                self.file = open(os.path.join(self.folder, f"part-{len(self.sizes)}"), "wb")
            room = self.limit - self.sizes[-1]
            self.file.write(view[:room])
            self.sizes[-1] += len(view[:room])
            view = view[room:]
        return len(data)

    def close(self):
        if self.file:
            self.file.close()
            self.file = None


class Packer:
    def __init__(self, tar):
        self.tar = tar

    def add(self, path, name):
        self.tar.add(os.path.realpath(path), name, recursive=False, filter=self._anonymous)

    def add_text(self, text, name, mode=0o644):
        info = tarfile.TarInfo(name)
        info.mode = mode
        info.size = len(text.encode())
        self.tar.addfile(self._anonymous(info), io.BytesIO(text.encode()))

    def add_sources(self, folder, name):
        for base, _, files in sorted(os.walk(folder)):
            for file in sorted(files):
                path = os.path.join(base, file)
                if "__pycache__" not in path and file != "__init__.py":
                    self.add(path, os.path.join(name, os.path.relpath(path, folder)))

    @staticmethod
    def _anonymous(info):
        info.uid = info.gid = info.mtime = 0
        info.uname = info.gname = ""
        info.mode = 0o755 if info.mode & 0o100 else 0o644
        return info


def write(options, pack):
    """Makes the parts anew of what `pack` gives the `Packer`, and says how large they are."""
    shutil.rmtree(options.out, ignore_errors=True)
    os.makedirs(options.out)
    parts = Parts(options.out, options.part_mib << 20)
    with lzma.open(parts, "wb", preset=options.preset) as stream:
        with tarfile.open(fileobj=stream, mode="w|") as tar:
            pack(Packer(tar))
    parts.close()
    for number, size in enumerate(parts.sizes, 1):
        print(f"{os.path.join(options.out, f'part-{number}')}: {size / 2**20:.1f} MiB",
              file=sys.stderr)
