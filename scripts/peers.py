# SPDX-FileCopyrightText: The triaged authors
# SPDX-License-Identifier: Apache-2.0
"""Starts, watches and ends the programs that `make demo` and `make bench` run: triaged, Orthanc, DCMTK's tools.

Everything listens on loopback, on ports of its own, and keeps its files in a directory that the caller removes.
"""

import ctypes
import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
BINARY = pathlib.Path(os.environ.get("BINARY") or REPOSITORY / ".build/release/triaged").absolute()
# By full path: pynetdicom installs programs of the same names.
STORESCU = "/usr/bin/storescu"
STORESCP = "/usr/bin/storescp"
ECHOSCU = "/usr/bin/echoscu"
DCMODIFY = "/usr/bin/dcmodify"
DCMDUMP = "/usr/bin/dcmdump"
ORTHANC = "/usr/sbin/Orthanc"
MODALITY, NODE, PACS = "CT1", "TRIAGED", "PACS"  # AE titles


class Failure(Exception):
    """Something that was to be seen was not; the message says what."""


def free_ports(count):
    """Ports that nothing listens on now; all are held until the last is known, so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def environment(no_delay=False):
    """Ours, without what would tie a child to our own terminal, make or service manager."""
    kept = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "NOTIFY_SOCKET", "TCP_NODELAY")}
    return kept | ({"TCP_NODELAY": "1"} if no_delay else {})


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


class Child:
    """A program in a session of its own: Ctrl-C reaches us alone, and `stop` reaches its workers too."""

    def __init__(self, name, arguments, log, no_delay=False):
        self.name, self.log = name, pathlib.Path(log)
        with open(self.log, "ab") as output:
            self.process = subprocess.Popen(
                [str(argument) for argument in arguments], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env=environment(no_delay), start_new_session=True, preexec_fn=_die_with_parent)

    def check(self):
        if self.process.poll() is not None:
            raise Failure(f"{self.name} ended by itself, with exit status {self.process.returncode}")

    def stop(self, limit=60):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(limit)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    def tail(self, lines=30):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def fetch(url, body=None, timeout=10):
    """The JSON that an HTTP server answers."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"} if data else {})
    # No proxy of the environment may come between us and loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=timeout) as response:
        text = response.read()
    try:
        return json.loads(text)
    except ValueError:
        return text.decode(errors="replace")


def wait_until(what, condition, limit, children=(), note=None, pause=0.05):
    """Polls until `condition` gives something true, which it returns. A child that ended ends the wait."""
    start = last_note = time.monotonic()
    while True:
        for child in children:
            child.check()
        try:
            result = condition()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            result = None
        if result:
            return result
        now = time.monotonic()
        if now - start > limit:
            raise Failure(f"after {limit:.0f} s still waiting for {what() if callable(what) else what}")
        if note and now - last_note > 5:
            last_note = now
            note(f"waiting for {what() if callable(what) else what}")
        time.sleep(pause)


def echo(port, called):
    arguments = [ECHOSCU, "-to", "5", "-aet", MODALITY, "-aec", called, "127.0.0.1", str(port)]
    return subprocess.run(arguments, capture_output=True, env=environment()).returncode == 0


class Orthanc:
    """Debian's Orthanc as a PACS, without plugins, with its files under `directory`."""

    called = PACS

    def __init__(self, directory, node_port, no_delay=True):
        directory = pathlib.Path(directory)
        directory.mkdir(parents=True)
        self.port, http = free_ports(2)
        self.url = f"http://127.0.0.1:{http}"
        configuration = {
            "Name": "PACS of the demonstration",
            "StorageDirectory": str(directory / "storage"),
            "IndexDirectory": str(directory / "index"),
            "Plugins": [],
            "HttpPort": http,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "DicomPort": self.port,
            "DicomAet": PACS,
            "DicomModalities": {"triaged": [NODE, "127.0.0.1", node_port], "ct1": [MODALITY, "127.0.0.1", 104]},
        }
        (directory / "orthanc.json").write_text(json.dumps(configuration, indent=4))
        self.child = Child("Orthanc", [ORTHANC, directory / "orthanc.json"], directory / "log", no_delay)

    def wait(self):
        wait_until("Orthanc", lambda: fetch(self.url + "/system") and echo(self.port, self.called), 60, [self.child])

    def version(self):
        return fetch(self.url + "/system")["Version"]

    def count(self):
        return fetch(self.url + "/statistics")["CountInstances"]

    def series(self, study, modality):
        """The series of a modality in a study, as Orthanc describes them."""
        query = {"StudyInstanceUID": study, "Modality": modality}
        return fetch(self.url + "/tools/find", {"Level": "Series", "Query": query, "Expand": True})

    def stop(self):
        self.child.stop()


class Triaged:
    """`triaged serve` with its files under `directory`; sends results to `pacs_port` where that is given."""

    called = NODE

    def __init__(self, directory, port=None, pacs_port=None, models=REPOSITORY / "etc/models", quiet_period=3,
                 modality_port=104, archive=False, starts=True, store=None):
        directory = pathlib.Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        self.log = directory / "log"
        self.store = pathlib.Path(store or directory / "store")
        self.store.mkdir(exist_ok=True)
        (http,) = free_ports(1)
        self.port = port or free_ports(1)[0]
        self.url = f"http://127.0.0.1:{http}"
        pacs = f"{{name: pacs, aeTitle: {PACS}, host: 127.0.0.1, port: {pacs_port}, negativeReports: true}}"
        self.configuration = directory / "triaged.yaml"
        self.configuration.write_text(f"""\
dicom:
  aeTitle: {NODE}
  host: 127.0.0.1
  port: {self.port}
peers:
  - {{aeTitle: {MODALITY}, host: 127.0.0.1, port: {modality_port}}}
storage:
  directory: {json.dumps(str(self.store))}
  archive: {json.dumps(archive)}
models:
  directory: {json.dumps(str(models))}
  allowDemonstration: true
destinations: [{pacs if pacs_port else ""}]
completeness:
  quietPeriod: {quiet_period}
web:
  host: 127.0.0.1
  port: {http}
""")
        if starts:
            self.start()

    def start(self, wrapper=()):
        """Once more, on the same store, after `stop` or a kill. `wrapper` stands in front of the command."""
        self.child = Child("triaged", [*wrapper, BINARY, "serve", "--config", self.configuration], self.log)

    def is_ready(self):
        return bool(fetch(self.url + "/readyz"))

    def wait(self):
        wait_until("triaged", lambda: self.is_ready() and echo(self.port, self.called), 120, [self.child])

    def worklist(self):
        return fetch(self.url + "/api/worklist")["items"]

    def count(self):
        return count_part10(self.store)

    def stop(self):
        self.child.stop()


def count_part10(directory):
    """The DICOM files under a directory, by what they begin with, whatever they are called."""
    found = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                found += file.read(132)[128:] == b"DICM"
    return found


def phantom(output, finding, seed, slices=None, more=()):
    """A synthetic head CT, as `triaged phantom` makes it."""
    arguments = [BINARY, "phantom", "head-ct", "--output", output, "--finding", finding, "--seed", seed]
    if slices:
        arguments += ["--slices", slices, "--matrix", 512]
    arguments += more
    run = subprocess.run([str(argument) for argument in arguments], capture_output=True, text=True, env=environment())
    if run.returncode != 0:
        raise Failure(f"triaged phantom ended with {run.returncode}: {run.stderr.strip()}")


def attribute(file, keyword):
    """The value of an attribute in a DICOM file."""
    run = subprocess.run([DCMDUMP, "-s", "+P", keyword, str(file)], capture_output=True, text=True)
    if run.returncode != 0 or "[" not in run.stdout:
        raise Failure(f"dcmdump finds no {keyword} in {file}")
    return run.stdout.split("[", 1)[1].split("]", 1)[0]


def files_of(directory):
    return sorted(path for path in pathlib.Path(directory).rglob("*") if path.is_file())


def push(directory, port, called, no_delay=False):
    """Starts a stock storescu that sends a directory, as a modality would; the caller waits for it."""
    arguments = [STORESCU, "-aet", MODALITY, "-aec", called, "+sd", "+r", "127.0.0.1", str(port), str(directory)]
    return subprocess.Popen(
        arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env=environment(no_delay), preexec_fn=_die_with_parent)
