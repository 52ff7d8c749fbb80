# SPDX-FileCopyrightText: The triaged authors
# SPDX-License-Identifier: Apache-2.0
"""What `make bench` measures with many instances stored, and with large ones arriving."""

import contextlib
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import threading
import time

import dimse
import peers
from peers import Failure

FILLSTORE = pathlib.Path(os.environ.get("FILLSTORE") or peers.BINARY.parent / "fillstore").absolute()
PER_SERIES = 5
LIMIT = 600  # seconds for the large instances


def fill(store, instances):
    """A store with so many instances, all settled, as years of work leave it; seconds that took."""
    start = time.monotonic()
    arguments = [FILLSTORE, "--store", store, "--instances", instances, "--per-series", PER_SERIES]
    run = subprocess.run([str(each) for each in arguments], capture_output=True, text=True, env=peers.environment())
    if run.returncode != 0:
        raise Failure(f"fillstore ended with {run.returncode}: {run.stderr.strip()[-400:]}")
    with contextlib.closing(sqlite3.connect(store / "index.sqlite")) as index:
        # As if each had been looked at when it came: no package claims any of them.
        index.execute("UPDATE series SET state = 'outOfScope', reason = 'no model package claims it'")
        index.commit()
        count, = index.execute("SELECT count(*) FROM instance").fetchone()
    if count != instances:
        raise Failure(f"the index of the large store has {count} of {instances} rows")
    return time.monotonic() - start


def patients(instances):
    """As fillstore numbers them: two studies a patient."""
    return max(1, instances // (2 * PER_SERIES) // 2)


def restart(triaged, study):
    """Kills the node while it receives, starts it again, and returns the seconds until it is ready."""
    client = peers.push(study, triaged.port, triaged.called, True)
    time.sleep(0.25)
    os.killpg(triaged.child.process.pid, signal.SIGKILL)
    triaged.child.process.wait()
    client.communicate(timeout=60)
    start = time.monotonic()
    triaged.start()
    peers.wait_until("readiness", triaged.is_ready, 300, [triaged.child], pause=0.01)
    return time.monotonic() - start


def find_times(triaged, instances, queries):
    """Seconds of each study-level C-FIND by Patient ID, on one association."""
    association = dimse.Association(
        triaged.port, peers.MODALITY, triaged.called, dimse.STUDY_ROOT_FIND, dimse.IMPLICIT)
    times = []
    for number in range(queries + 50):
        patient = f"P{random.randrange(patients(instances)):08}"
        start = time.perf_counter()
        statuses = association.find(patient)
        times.append(time.perf_counter() - start)
        if statuses[-1] != 0 or len(statuses) != 3:
            raise Failure(f"C-FIND of {patient} was answered with {[f'{status:04X}' for status in statuses]}")
    association.release()
    return times[50:]


def percentile(times, part):
    return sorted(times)[min(len(times) - 1, int(len(times) * part))]


def memory(triaged, associations, size):
    """The most memory, MB, that the node had resident while so many associations each sent so many bytes at once."""
    # With its heads within the PDU of 128 KiB that the node takes.
    block = os.urandom(131072 - 64)
    frames = size // (512 * 512 * 2)
    problems = []

    def send():
        try:
            association = dimse.Association(
                triaged.port, peers.MODALITY, triaged.called, dimse.MULTI_FRAME_WORD, dimse.EXPLICIT)
            instance = dimse.new_uid()
            head = dimse.image_head(
                dimse.MULTI_FRAME_WORD, instance, dimse.new_uid(), dimse.new_uid(), 512, 512, frames)
            status = association.store(dimse.MULTI_FRAME_WORD, instance, head, block, -(-size // len(block)))
            if status != 0:
                problems.append(f"a large instance was answered with {status:04X}")
            association.release()
        except (OSError, dimse.Refused) as error:
            problems.append(str(error))

    threads = [threading.Thread(target=send, daemon=True) for _ in range(associations)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
        if thread.is_alive():
            raise Failure(f"a large instance had not been stored after {LIMIT} s")
    if problems:
        raise Failure("; ".join(problems))
    with open(f"/proc/{triaged.child.process.pid}/status") as lines:
        peak = next(line for line in lines if line.startswith("VmHWM:"))
    return int(peak.split()[1]) / 1024

