# SPDX-FileCopyrightText: The triaged authors
# SPDX-License-Identifier: Apache-2.0
"""The modalities of `make soak`, which believe only what they see, and questions to the node and to the PACS."""

import collections
import hashlib
import itertools
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import threading
import time

import peers
import soak_check

import pydicom
import pynetdicom
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE, evt
from pynetdicom.sop_class import (
    CTImageStorage, MRImageStorage, MultiFrameGrayscaleByteSecondaryCaptureImageStorage, StorageCommitmentPushModel,
    StorageCommitmentPushModelInstance, StudyRootQueryRetrieveInformationModelFind, Verification)

# The bytes of the files go out as they are.
pynetdicom._config.STORE_SEND_CHUNKED_DATASET = True


class Process:
    """Somebody else's child; told from a later process of the same number by the time of its start."""

    def __init__(self, pid):
        self.pid, self.start = pid, _stat(pid)[19]

    def lives(self):
        stat = _stat(self.pid)
        return stat is not None and stat[19] == self.start and stat[0] != "Z"

    def kill(self):
        if self.lives():
            try:
                os.kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


def _stat(pid):
    """The fields of /proc/PID/stat after the name."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None


def children(pid):
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and (stat := _stat(name)) and int(stat[1]) == pid:
            try:
                found.append(Process(int(name)))
            except TypeError:
                pass
    return found


class Templates:
    """Studies to copy: UIDs of one length are exchanged in the bytes, so that a copy costs nothing."""

    def __init__(self, directory, uid):
        self.directory, self.uid = directory / "studies", uid
        self.numbers = itertools.count(1)
        self.lock = threading.Lock()
        self.kinds = {kind: self.read(kind, directory / kind) for kind in ("bleed", "none")}
        slices = peers.files_of(directory / "none")
        self.kinds["other"] = self.others(slices)

    def mark(self, number):
        return self.uid(number, 999_999)

    def read(self, kind, directory):
        return [self.template(pydicom.dcmread(file), place) for place, file in enumerate(peers.files_of(directory))]

    def others(self, slices):
        """A series that nothing analyses: small MR slices, and multi-frame objects that do not fit into a buffer."""
        made = []
        for place, file in enumerate(slices[:6]):
            slice = pydicom.dcmread(file)
            slice.Modality = "MR"
            slice.SOPClassUID = slice.file_meta.MediaStorageSOPClassUID = MRImageStorage
            slice.Rows = slice.Columns = 64
            slice.PixelData = slice.PixelData[: 64 * 64 * 2]
            made.append(self.template(slice, place))
        for frames in (40, 150):
            slice = pydicom.dcmread(slices[0])
            slice.Modality = "MR"
            slice.SOPClassUID = slice.file_meta.MediaStorageSOPClassUID = \
                MultiFrameGrayscaleByteSecondaryCaptureImageStorage
            slice.NumberOfFrames = frames
            slice.BitsAllocated = slice.BitsStored = 8
            slice.HighBit = 7
            slice.PixelRepresentation = 0
            slice.PixelData = random.Random(frames).randbytes(slice.Rows * slice.Columns * frames)
            made.append(self.template(slice, len(made)))
        return made

    def template(self, slice, place):
        slice.StudyInstanceUID, slice.SeriesInstanceUID = self.mark(1), self.mark(2)
        slice.SOPInstanceUID = slice.file_meta.MediaStorageSOPInstanceUID = self.mark(3)
        path = self.directory / f"template-{place}"
        path.parent.mkdir(exist_ok=True)
        slice.save_as(path, enforce_file_format=True)
        content = path.read_bytes()
        path.unlink()
        assert content.count(self.mark(3).encode()) == 2 and len(self.mark(3)) == 44
        return content, str(slice.SOPClassUID)

    def study(self, kind, seed, ledger):
        """Files of a new study by SOP Instance UID."""
        with self.lock:
            first = next(self.numbers) * 1000
        study, series = self.uid(first, seed), self.uid(first + 1, seed)
        folder = self.directory / str(first)
        folder.mkdir()
        files, digests, classes = {}, {}, {}
        for place, (template, sop_class) in enumerate(self.kinds[kind]):
            uid = self.uid(first + 2 + place, seed)
            content = template.replace(self.mark(1).encode(), study.encode()) \
                .replace(self.mark(2).encode(), series.encode()).replace(self.mark(3).encode(), uid.encode())
            files[uid] = folder / f"{place}.dcm"
            files[uid].write_bytes(content)
            digests[uid] = hashlib.sha256(soak_check.data_set(files[uid])).hexdigest()
            classes[uid] = sop_class
        ledger.add_study(study, series, kind, digests, classes)
        return study, files


class Modality(threading.Thread):
    """Sends one study after the other, and each until it has seen every instance of it acknowledged."""

    def __init__(self, number, campaign):
        super().__init__(daemon=True)
        self.number, self.campaign, self.ledger = number, campaign, campaign.ledger
        self.random = random.Random(campaign.choices.seed * 100 + number)
        self.port = campaign.triaged.port
        self.should_end = self.has_given_up = False
        self.violations = []
        self.doing = "nothing"

    def run(self):
        try:
            while not self.should_end:
                self.send_study()
                time.sleep(self.random.uniform(0, 0.6))
        except Exception as error:
            self.violations.append(f"modality {self.number} broke off: {error!r}")

    def kind(self):
        """Analysis is slower than storing: no more heads than the node can look at meanwhile."""
        waiting = soak_check.Rest(self.campaign.triaged.store)
        try:
            waiting.is_reached()
        except sqlite3.DatabaseError:
            # A power cut takes the disk away at this moment.
            return "other"
        if waiting.open["series"] + waiting.open["jobs"] > 8:
            return "other"
        return self.random.choice(("bleed", "bleed", "none", "other"))

    def send_study(self):
        study, files = self.campaign.templates.study(self.kind(), self.campaign.choices.seed, self.ledger)
        missing = dict(files)
        while missing and not self.has_given_up:
            self.doing = f"{len(missing)} of {len(files)} instances of study {study} are not acknowledged"
            order = list(missing)
            if self.random.random() < 0.5:
                self.random.shuffle(order)
            seen = self.send({uid: missing[uid] for uid in order})
            missing = {uid: file for uid, file in missing.items() if uid not in seen}
            if missing:
                time.sleep(self.random.uniform(0.05, 0.4))
        if missing:
            return
        if self.random.random() < 0.1:
            self.send(files)  # a modality that has forgotten
        if self.random.random() < 0.3:
            self.campaign.commitments.ask(study, list(files))
        shutil.rmtree(next(iter(files.values())).parent)

    def send(self, files):
        """One association; gives the UIDs whose success was seen, each noted as it was."""
        raise NotImplementedError

    def refused(self, uid, status):
        self.violations.append(f"{uid} was refused: {status}")

    def give_up(self):
        self.has_given_up = True


class Storescu(Modality):
    process = None

    def send(self, files):
        by_path = {str(path): uid for uid, path in files.items()}
        arguments = [peers.STORESCU, "-v", "-to", "10", "-ta", "30", "-td", "60", "-aet", peers.MODALITY, "-aec",
                     peers.NODE, "127.0.0.1", str(self.port), *by_path]
        self.process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=peers.environment(no_delay=True), preexec_fn=peers._die_with_parent)
        seen, sending = set(), None
        for line in self.process.stdout:
            line = line.strip()
            if line.startswith("I: Sending file: "):
                sending = by_path[line.removeprefix("I: Sending file: ")]
                self.ledger.was_sent(sending)
            elif line.startswith("I: Received Store Response (") and sending:
                if line == "I: Received Store Response (Success)":
                    self.ledger.was_acknowledged(sending)
                    seen.add(sending)
                else:
                    self.refused(sending, line)
                sending = None
        self.process.wait()
        return seen

    def give_up(self):
        super().give_up()
        if self.process and self.process.poll() is None:
            self.process.kill()


class Pynetdicom(Modality):
    def send(self, files):
        entity = AE(peers.MODALITY)
        entity.acse_timeout, entity.dimse_timeout, entity.network_timeout = 10, 30, 30
        for sop_class in (CTImageStorage, MRImageStorage, MultiFrameGrayscaleByteSecondaryCaptureImageStorage):
            entity.add_requested_context(sop_class, ExplicitVRLittleEndian)
        association = entity.associate("127.0.0.1", self.port, ae_title=peers.NODE)
        seen = set()
        if not association.is_established:
            return seen
        for uid, path in files.items():
            if not association.is_established:
                break
            self.ledger.was_sent(uid)
            try:
                status = association.send_c_store(path).get("Status")
            except (RuntimeError, ValueError):
                break  # the association ended meanwhile
            if status == 0x0000:
                self.ledger.was_acknowledged(uid)
                seen.add(uid)
            elif status is not None:
                self.refused(uid, f"{status:04X}")
        if association.is_established:
            association.release()
        return seen


class Commitments:
    """Asks the node to commit to instances that it acknowledged, and hears its N-EVENT-REPORTs, there or later."""

    def __init__(self, ledger, node_port, own_port):
        self.ledger, self.node_port, self.own_port = ledger, node_port, own_port
        self.is_offered, self.server = False, None
        self.violations, self.open = [], {}
        self.lock = threading.Lock()
        self.numbers = itertools.count(1)

    def begin(self):
        association = self.associate([])
        if not association.is_established:
            raise peers.Failure("no association to ask for storage commitment")
        self.is_offered = is_accepted(association, StorageCommitmentPushModel)
        association.release()
        if not self.is_offered:
            print("storage commitment is not offered: that part is skipped", flush=True)
            return
        entity = AE(peers.MODALITY)
        # The node comes as the SCP of commitment, and we are its SCU.
        entity.add_supported_context(StorageCommitmentPushModel, scu_role=False, scp_role=True)
        entity.add_supported_context(Verification)
        self.server = entity.start_server(
            ("127.0.0.1", self.own_port), block=False, evt_handlers=[(evt.EVT_N_EVENT_REPORT, self.report)])

    def associate(self, handlers):
        entity = AE(peers.MODALITY)
        entity.acse_timeout, entity.dimse_timeout = 10, 30
        entity.add_requested_context(StorageCommitmentPushModel)
        entity.add_requested_context(Verification)
        return entity.associate("127.0.0.1", self.node_port, ae_title=peers.NODE, evt_handlers=handlers)

    def ask(self, study, uids):
        if not self.is_offered:
            return
        transaction = f"2.25.{int(study.removeprefix('2.25.')) * 1000 + next(self.numbers)}"
        action = pydicom.Dataset()
        action.TransactionUID = transaction
        action.ReferencedSOPSequence = [self.reference(uid) for uid in uids]
        association = self.associate([(evt.EVT_N_EVENT_REPORT, self.report)])
        if not association.is_established:
            return
        with self.lock:
            self.open[transaction] = set(uids)
        status, _ = association.send_n_action(
            action, 1, StorageCommitmentPushModel, StorageCommitmentPushModelInstance)
        code = status.get("Status")
        if code == 0x0000:
            self.ledger.commitment_requested(transaction, uids)
            deadline = time.monotonic() + random.uniform(0, 2)
            while self.is_open(transaction) and association.is_established and time.monotonic() < deadline:
                time.sleep(0.05)
        else:
            with self.lock:
                self.open.pop(transaction, None)
            if code is not None:
                self.violations.append(f"commitment was refused with {code:04X}")
        if association.is_established:
            association.release()

    def reference(self, uid):
        item = pydicom.Dataset()
        item.ReferencedSOPClassUID = self.ledger.classes[uid]
        item.ReferencedSOPInstanceUID = uid
        return item

    def is_open(self, transaction):
        with self.lock:
            return transaction in self.open

    def report(self, event):
        information = event.event_information
        transaction = str(information.TransactionUID)
        held = [str(item.ReferencedSOPInstanceUID) for item in information.get("ReferencedSOPSequence", [])]
        self.ledger.was_committed(transaction, held)
        with self.lock:
            asked = self.open.pop(transaction, None)
        for item in information.get("FailedSOPSequence", []):
            self.violations.append(
                f"{item.ReferencedSOPInstanceUID} was acknowledged, and commitment fails with {item.FailureReason:04X}")
        if asked is not None and not asked <= set(held) and not information.get("FailedSOPSequence"):
            self.violations.append(f"the report of {transaction} leaves instances out")
        return 0x0000, None

    def end(self, patience, child):
        if not self.is_offered:
            return
        try:
            peers.wait_until(
                lambda: f"{len(self.open)} reports of storage commitment", lambda: not self.open, patience, [child],
                pause=0.5)
        except peers.Failure as failure:
            self.violations.append(str(failure))

    def stop(self):
        if self.server:
            self.server.shutdown()


# MARK: Questions

def worklist_violations(triaged, ledger):
    """The worklist shows every study that is in scope, in an end."""
    items = {item["studyInstanceUID"]: item for item in triaged.worklist()}
    found = []
    for study, (_, kind, uids) in ledger.studies.items():
        item = items.get(study)
        if item is None:
            found.append(f"study {study} is not on the worklist")
        elif item["state"] not in soak_check.FINAL:
            found.append(f"study {study} is {item['state']} on the worklist")
        elif kind == "bleed" and item["state"] == "analysed" and item["priority"] != "critical":
            found.append(f"study {study} bleeds and is {item['priority']} on the worklist")
    return found


def is_accepted(association, abstract_syntax):
    return any(context.abstract_syntax == abstract_syntax for context in association.accepted_contexts)


def query_violations(triaged, ledger, chance, say, studies=20):
    """C-FIND lists every instance of some studies, where the node offers it. One that does not end with a success is asked
    again: its requestor knows that the list is not whole."""
    found = []
    asked_again = 0
    for study in chance.sample(sorted(ledger.studies), min(studies, len(ledger.studies))):
        series, _, uids = ledger.studies[study]
        query = pydicom.Dataset()
        query.QueryRetrieveLevel = "IMAGE"
        query.StudyInstanceUID, query.SeriesInstanceUID, query.SOPInstanceUID = study, series, ""
        for attempt in range(3):
            answers, end = find(triaged, query)
            if answers is None:
                say("C-FIND is not offered: that part is skipped")
                return []
            if end == 0x0000:
                break
            asked_again += 1
            say(f"C-FIND for {study} ended with {end}, after {sum(answers.values())} instances")
        if end != 0x0000:
            found.append(f"C-FIND ended three times with {end} for study {study}")
        elif answers != collections.Counter(uids):
            found.append(f"C-FIND lists {sum(answers.values())} of {len(uids)} instances of study {study}, and calls it a success")
    ledger.found["studies asked for"] = min(studies, len(ledger.studies))
    ledger.found["queries repeated"] = asked_again
    return found


def find(triaged, query):
    """SOP Instance UIDs with their number, None where C-FIND is not offered, and how it ended: a status, or words."""
    answers = collections.Counter()
    entity = AE(peers.MODALITY)
    entity.add_requested_context(StudyRootQueryRetrieveInformationModelFind)
    entity.add_requested_context(Verification)
    association = entity.associate("127.0.0.1", triaged.port, ae_title=peers.NODE)
    if not association.is_established:
        return answers, "no association"
    end = "no answer"
    try:
        if not is_accepted(association, StudyRootQueryRetrieveInformationModelFind):
            return None, ""
        for status, identifier in association.send_c_find(query, StudyRootQueryRetrieveInformationModelFind):
            end = status.get("Status", "no answer in time, or an abort")
            if end in (0xFF00, 0xFF01):
                answers[str(identifier.SOPInstanceUID)] += 1
        return answers, end
    finally:
        association.release()


def held_by(pacs):
    """How often the PACS has which SOP Instance UID."""
    held = collections.Counter()
    for instance in peers.fetch(pacs.url + "/instances?expand", timeout=60):
        held[instance["MainDicomTags"]["SOPInstanceUID"]] += 1
    return held
