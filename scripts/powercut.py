# SPDX-FileCopyrightText: The triaged authors
# SPDX-License-Identifier: Apache-2.0
"""A disk as POSIX promises it, and no better: what a power cut would have left of a directory.

The system calls of the processes that write below the directory are recorded by strace, with their data. A file's bytes
are certain once the file was synced after they were written; a name is certain once its directory was synced after it was
given or taken away, a rename being both. Everything else may or may not be there: `after_cut` drops all of it, keeps all of
it, or takes some of it by chance: writes of one file one by one, torn at a sector, names of one directory one by one.
"""

import codecs
import os
import pathlib
import re
import shutil
import time

CALLS = ("open,openat,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,rmdir,"
         "write,writev,pwrite64,pwritev,pwritev2,ftruncate,truncate,fallocate,copy_file_range,sendfile,fsync,fdatasync,"
         "sync_file_range,msync,sync,syncfs")
SECTOR = 512
LINE = re.compile(r"^(\d+) +(?:(\w+)\(|<\.\.\. (\w+) resumed>)")
PATH = re.compile(r'"((?:[^"\\]|\\.)*)"')
DESCRIPTOR = re.compile(r"(\d+)<([^>]*)>")


class NotModelled(Exception):
    """A call that this disk does not know how to record."""


def command(trace):
    """What to put in front of a command. -D leaves the program the caller's child."""
    return ["/usr/bin/strace", "-D", "-f", "--seccomp-bpf", "-yy", "-s", str(2 << 20), "-o", str(trace), "-e",
            f"trace={CALLS}", "-e", "signal=none"]


def wait_for_end(trace, seconds=30):
    """Until no strace writes to the file any more."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for name in os.listdir("/proc"):
            try:
                if name.isdigit() and str(trace).encode() in pathlib.Path(f"/proc/{name}/cmdline").read_bytes() \
                        and os.readlink(f"/proc/{name}/exe").endswith("/strace"):
                    break
            except OSError:
                continue
        else:
            return
        time.sleep(0.02)
    raise TimeoutError(f"strace still writes {trace}")


class File:
    def __init__(self, source=None):
        self.source = source     # holds the certain bytes where they are not in memory
        self.certain = None if source else bytearray()
        self.size = source.stat().st_size if source else 0
        self.pending = []        # (line of its end, offset, bytes), or (line, length, None) for a truncation

    def apply(self, write):
        if self.certain is None:
            self.certain = bytearray(self.source.read_bytes())
        _, offset, data = write
        length = offset if data is None else max(len(self.certain), offset + len(data))
        del self.certain[length:]
        self.certain.extend(bytes(length - len(self.certain)))
        if data is not None:
            self.certain[offset:offset + len(data)] = data


class Directory:
    def __init__(self):
        self.certain = {}        # name: File or Directory
        self.now = {}
        self.pending = []        # (line of its end, name, File or Directory or None)

    def change(self, line, name, entry):
        self.pending.append((line, name, entry))
        if entry is None:
            self.now.pop(name, None)
        else:
            self.now[name] = entry

    def apply(self, change):
        _, name, entry = change
        if entry is None:
            self.certain.pop(name, None)
        else:
            self.certain[name] = entry


class Disk:
    def __init__(self, root, base):
        """`base`: a copy of `root` as it is now, which must stay as it is."""
        self.root = str(root)
        self.tree = self._read(pathlib.Path(base))
        self.open_calls = {}
        self.lines = 0           # of the traces so far
        self.dropped = 0

    def _read(self, path):
        directory = Directory()
        for each in path.iterdir():
            entry = self._read(each) if each.is_dir() else File(each)
            directory.certain[each.name] = directory.now[each.name] = entry
        return directory

    # MARK: The trace

    def replay(self, trace):
        """To be called once for each process, after its end and before another one begins."""
        with open(trace, encoding="latin-1") as lines:
            for number, line in enumerate(lines, self.lines):
                self.lines = number + 1
                match = LINE.match(line)
                if not match:
                    continue
                thread, began, resumed = match.groups()
                rest = line[match.end():].rstrip("\n")
                if began and rest.endswith("<unfinished ...>"):
                    self.open_calls[thread] = (began, number, rest.removesuffix("<unfinished ...>"))
                elif began:
                    self.call(began, number, number, rest)
                elif thread in self.open_calls:
                    name, start, head = self.open_calls.pop(thread)
                    self.call(name, start, number, head + rest)
        # Calls under way at the end may have done their work, but no sync of them is certain.
        for name, start, head in self.open_calls.values():
            if "sync" not in name and self.has_happened(name, head):
                self.call(name, start, self.lines, head + ") = ?")
        self.open_calls.clear()
        self.lines += 1

    def has_happened(self, name, arguments):
        """Whether the names that the call is about are as it would have left them."""
        if name in ("write", "pwrite64", "ftruncate"):
            return True
        paths = self.paths(arguments)
        if not paths:
            return False
        return os.path.lexists(paths[-1]) != (name in ("unlink", "unlinkat", "rmdir"))

    def call(self, name, began, ended, text):
        if self.root not in text:
            return
        # strace pads the result to a column.
        arguments, _, result = text.rpartition(" = ")
        arguments = arguments.rstrip().removesuffix(")")
        if result.startswith("-1"):
            return
        if name in ("fsync", "fdatasync"):
            return self.sync(began, arguments)
        if name in ("write", "pwrite64"):
            return self.write(name, ended, arguments, result)
        if name == "ftruncate":
            entry = self.find(DESCRIPTOR.match(arguments)[2])
            if isinstance(entry, File):
                entry.size = int(arguments.rpartition(", ")[2])
                entry.pending.append((ended, entry.size, None))
            return
        paths = self.paths(arguments)
        if name in ("open", "openat", "creat"):
            if "O_CREAT" in arguments or name == "creat":
                directory, leaf = self.place(paths[0])
                if directory and leaf not in directory.now:
                    directory.change(ended, leaf, File())
            if "O_TRUNC" in arguments and isinstance(entry := self.find(paths[0]), File):
                entry.size = 0
                entry.pending.append((ended, 0, None))
        elif name.startswith("mkdir"):
            directory, leaf = self.place(paths[0])
            directory.change(ended, leaf, Directory())
        elif name.startswith("rename"):
            entry = self.find(paths[0])
            directory, leaf = self.place(paths[1])
            if directory and entry:
                directory.change(ended, leaf, entry)
                source, old = self.place(paths[0])
                source.change(ended, old, None)
        elif name in ("link", "linkat"):
            directory, leaf = self.place(paths[1])
            directory.change(ended, leaf, self.find(paths[0]))
        elif name in ("unlink", "unlinkat", "rmdir"):
            directory, leaf = self.place(paths[0])
            if directory:
                directory.change(ended, leaf, None)
        elif name not in ("sync_file_range", "sync", "syncfs"):
            raise NotModelled(f"{name}({arguments[:200]}")

    def paths(self, arguments):
        """Absolute, in order: those relative to a descriptor of a directory are joined to it."""
        found, position = [], 0
        for match in PATH.finditer(arguments):
            path = match[1]
            if not path.startswith("/"):
                before = DESCRIPTOR.findall(arguments[position:match.start()])
                path = f"{before[-1][1]}/{path}" if before else f"/{path}"
            found.append(path)
            position = match.end()
        return found

    def place(self, path):
        parent, _, leaf = os.path.normpath(path).rpartition("/")
        directory = self.find(parent)
        return (directory if isinstance(directory, Directory) else None), leaf

    def find(self, path):
        path = os.path.normpath(path).removesuffix(" (deleted)")
        if path == self.root:
            return self.tree
        if not path.startswith(self.root + "/"):
            return None
        entry = self.tree
        for part in path[len(self.root) + 1:].split("/"):
            entry = entry.now.get(part) if isinstance(entry, Directory) else None
        return entry

    def write(self, name, ended, arguments, result):
        match = DESCRIPTOR.match(arguments)
        entry = self.find(match[2]) if match else None
        if not isinstance(entry, File):
            return  # a socket, a pipe, a file that has no name any more
        first, last = arguments.index('"'), arguments.rindex('"')
        if arguments[last:].startswith('"...'):
            raise NotModelled(f"more data than strace recorded: {match[2]}")
        data = codecs.escape_decode(arguments[first + 1:last].encode("latin-1"))[0]
        if result.split()[0].isdigit():
            data = data[:int(result.split()[0])]
        offset = int(arguments.rpartition(", ")[2]) if name == "pwrite64" else entry.size
        entry.size = max(entry.size, offset + len(data))
        entry.pending.append((ended, offset, data))

    def sync(self, began, arguments):
        """What had ended before the sync began is certain when it has ended."""
        entry = self.find(DESCRIPTOR.match(arguments)[2])
        if entry is None:
            return
        for each in entry.pending:
            if each[0] < began:
                entry.apply(each)
        entry.pending = [each for each in entry.pending if each[0] >= began]

    # MARK: The cut

    def after_cut(self, target, chance, keep):
        """Writes what is left to `target`. `keep`: the share of uncertain things that have come to disk after all."""
        self._leave(self.tree, pathlib.Path(target), chance, keep, {})

    def _leave(self, directory, path, chance, keep, seen):
        path.mkdir()
        self._draw(directory, chance, keep, seen)
        for name, entry in directory.certain.items():
            if name.endswith("-shm"):
                continue  # shared memory of processes that are gone
            if isinstance(entry, Directory):
                self._leave(entry, path / name, chance, keep, seen)
                continue
            self._draw(entry, chance, keep, seen)
            if entry.certain is None:
                shutil.copyfile(entry.source, path / name)
            else:
                (path / name).write_bytes(entry.certain)

    def _draw(self, entry, chance, keep, seen):
        if id(entry) in seen:
            return
        seen[id(entry)] = entry
        for each in entry.pending:
            if chance.random() >= keep:
                self.dropped += 1
                continue
            if isinstance(entry, File) and each[2] and keep < 1 and chance.random() < 0.3:
                each = (each[0], each[1], each[2][:chance.randrange(len(each[2])) // SECTOR * SECTOR])
            entry.apply(each)
        entry.pending = []
