# SPDX-FileCopyrightText: The triaged authors
# SPDX-License-Identifier: Apache-2.0
"""What the modalities of `make soak` know, and whether a store that nobody writes to any more agrees with it."""

import collections
import hashlib
import os
import pathlib
import shutil
import sqlite3
import threading

FINAL = ("analysed", "notAnalysed", "outOfScope", "failed")
SETTLED = ("sent", "committed", "failed", "withdrawn")


class Ledger:
    """Instances by SOP Instance UID, and what any client saw of them. Each line is on its way before anything goes on."""

    def __init__(self, path):
        self.lock = threading.Lock()
        self.file = open(path, "a", buffering=1)
        self.digests = {}        # SOP Instance UID: SHA-256 of the data set
        self.classes = {}        # SOP Instance UID: SOP Class UID
        self.studies = {}        # Study Instance UID: (Series Instance UID, kind, SOP Instance UIDs)
        self.acknowledged = collections.Counter()
        self.sent = collections.Counter()
        self.commitment_requests = {}  # Transaction UID: SOP Instance UIDs
        self.committed = set()
        self.found = {}          # counts of the check

    def add_study(self, study, series, kind, digests, classes):
        with self.lock:
            self.studies[study] = (series, kind, list(digests))
            self.classes.update(classes)
            self.digests.update(digests)
            self.file.write(f"study {study} {series} {kind} {len(digests)}\n")

    def was_sent(self, uid):
        with self.lock:
            self.sent[uid] += 1

    def was_acknowledged(self, uid):
        with self.lock:
            self.acknowledged[uid] += 1
            self.file.write(f"acknowledged {uid}\n")

    def commitment_requested(self, transaction, uids):
        with self.lock:
            self.commitment_requests[transaction] = list(uids)
            self.file.write(f"commitment requested {transaction} {len(uids)}\n")

    def was_committed(self, transaction, uids):
        with self.lock:
            self.committed.update(uids)
            self.file.write(f"committed {transaction} {' '.join(uids)}\n")

    def counts(self):
        with self.lock:
            return {
                "instances": len(self.sent), "acknowledged": len(self.acknowledged),
                "resent": sum(count - 1 for count in self.sent.values()), "studies": len(self.studies),
                "committed": len(self.committed),
            }


def open_index(store):
    index = sqlite3.connect(f"file:{store}/index.sqlite?mode=ro", uri=True, timeout=10)
    index.row_factory = sqlite3.Row
    return index


class Rest:
    """Nothing is under way: every series has come to an end, and every delivery."""

    def __init__(self, store):
        self.store = store
        self.open = {}

    def is_reached(self):
        index = open_index(self.store)
        try:
            self.open = {
                "series": index.execute(
                    f"SELECT count(*) FROM series WHERE state NOT IN {FINAL}").fetchone()[0],
                "jobs": index.execute("SELECT count(*) FROM job WHERE state IN ('queued', 'running')").fetchone()[0],
                "copies": index.execute("SELECT count(*) FROM instance WHERE version = 'uncompared'").fetchone()[0],
                "deliveries": index.execute(
                    f"SELECT count(*) FROM delivery WHERE state NOT IN {SETTLED}").fetchone()[0],
            }
        finally:
            index.close()
        return not any(self.open.values())

    def words(self):
        return ", ".join(f"{count} {name}" for name, count in self.open.items() if count) or "the index"


def data_set(path):
    """What follows the File Meta Information, whose length its first element tells (PS3.10 7.1)."""
    data = pathlib.Path(path).read_bytes()
    if data[128:136] != b"DICM\x02\x00\x00\x00":
        raise ValueError("no Part 10 file")
    return data[144 + int.from_bytes(data[140:144], "little"):]


def violations(ledger, store, held, torn=frozenset()):
    """One line for each thing that is not as it must be. `held`: SOP Instance UIDs that the PACS has, each once per object.
    `torn`: files that a start found damaged, and said so; nobody was promised them (docs/decisions/01)."""
    store = pathlib.Path(store)
    index = open_index(store)
    try:
        found = []
        for verdict in index.execute("PRAGMA integrity_check(5)"):
            if verdict[0] != "ok":
                found.append(f"the index is damaged: {verdict[0]}")
        found += [f"a row of {row[0]} points at nothing" for row in index.execute("PRAGMA foreign_key_check")]
        found += instance_violations(ledger, store, index, torn)
        found += series_violations(ledger, index)
        found += result_violations(ledger, store, index, held)
        for name in ("incoming", "work"):
            found += [f"{name}/ holds {path.name}" for path in (store / name).rglob("*") if path.is_file()]
        return found
    finally:
        index.close()


def instance_violations(ledger, store, index, torn):
    found = []
    rows = collections.defaultdict(list)
    for row in index.execute("SELECT sopInstanceUID, path, size, version FROM instance"):
        rows[row["sopInstanceUID"]].append(row)
    # Empty ones are places for instances to come.
    files = {str(path.relative_to(store)) for path in (store / "instances").rglob("*")
             if path.is_file() and path.stat().st_size > 0}
    verified = 0
    for uid in ledger.digests:
        known = rows.pop(uid, [])
        if uid not in ledger.acknowledged:
            if uid in ledger.committed:
                found.append(f"{uid} was committed to and never acknowledged")
            continue
        if not known:
            found.append(f"{uid} was acknowledged and is not indexed")
            continue
        if len(known) > 1:
            found.append(f"{uid} is kept {len(known)} times: {[row['version'] for row in known]}")
        path = known[0]["path"]
        promise = "committed to" if uid in ledger.committed else "acknowledged"
        try:
            content = data_set(store / path)
        except (OSError, ValueError) as error:
            found.append(f"{uid} was {promise} and cannot be read: {error}")
            continue
        if hashlib.sha256(content).hexdigest() != ledger.digests[uid]:
            found.append(f"{uid} was {promise} and has other bytes: {path}")
        elif (store / path).stat().st_size != known[0]["size"]:
            found.append(f"{uid} has another size than its row says")
        else:
            verified += 1
        files.discard(path)
        files -= {row["path"] for row in known[1:]}
    found += [f"{uid} is indexed and was never sent" for uid in rows]
    found += [f"{path} has no row" for path in sorted(files - torn)]
    ledger.found["verified on disk"] = verified
    return found


def series_violations(ledger, index):
    found = []
    states, reasons = collections.Counter(), collections.Counter()
    rows = {(row["studyInstanceUID"], row["seriesInstanceUID"]): row for row in index.execute(
        "SELECT study.studyInstanceUID, series.* FROM series JOIN study ON study.id = series.study")}
    for study, (series, kind, uids) in ledger.studies.items():
        row = rows.pop((study, series), None)
        sent = sum(uid in ledger.acknowledged for uid in uids)
        if row is None:
            if sent:
                found.append(f"series {series} is not indexed")
            continue
        states[row["state"]] += 1
        if row["state"] not in FINAL:
            found.append(f"series {series} is stuck: {row['state']}")
        if row["state"] in ("failed", "notAnalysed"):
            reasons[f"{row['state']}: {row['reason']}"] += 1
            if not row["reason"]:
                found.append(f"series {series} is {row['state']} without a reason")
        if row["instances"] != len(uids):
            found.append(f"series {series} counts {row['instances']} of {len(uids)} instances")
        expected = {"bleed": ("analysed", "failed"), "none": ("analysed", "failed")}.get(kind, ("outOfScope",))
        if row["state"] in FINAL and row["state"] not in expected:
            found.append(f"series {series} ({kind}) is {row['state']}: {row['reason']}")
    found += [f"series {series} was never sent" for _, series in rows]
    found += [f"job {row['id']} is {row['state']} for ever" for row in index.execute(
        "SELECT id, state FROM job WHERE state IN ('queued', 'running')")]
    found += [f"study {row[0]} is blocked: {row[1]}" for row in index.execute(
        "SELECT study.studyInstanceUID, notice.reason FROM notice JOIN study ON study.id = notice.study")]
    ledger.found |= {f"series {state}": count for state, count in sorted(states.items())}
    ledger.found |= dict(sorted(reasons.items()))
    return found


def result_violations(ledger, store, index, held):
    found = []
    kinds = {series: kind for series, kind, _ in ledger.studies.values()}
    current = collections.defaultdict(list)
    kept = set()
    for row in index.execute("""SELECT result.*, series.seriesInstanceUID AS source, series.revision AS now,
            job.revision, job.run, job.state FROM result JOIN job ON job.id = result.job
            JOIN series ON series.id = job.series"""):
        kept.add(row["path"])
        try:
            content = (store / row["path"]).read_bytes()
        except OSError as error:
            found.append(f"result {row['sopInstanceUID']} cannot be read: {error}")
            continue
        if hashlib.sha256(content).hexdigest() != row["digest"] or len(content) != row["size"]:
            found.append(f"result {row['sopInstanceUID']} has other bytes than its row says")
        if not row["isSuperseded"]:
            current[row["source"]].append(row)
    for row in index.execute("""SELECT series.seriesInstanceUID, count(*) AS runs FROM series JOIN job
            ON job.series = series.id AND job.revision = series.revision AND job.run = 'final' AND job.state = 'done'
            GROUP BY series.id"""):
        series, kind = row["seriesInstanceUID"], kinds.get(row["seriesInstanceUID"])
        objects = sorted(each["sopClassUID"].rsplit(".", 2)[-2:] for each in current.pop(series, []))
        expected = [["66", "4"], ["88", "34"]] if kind == "bleed" else [["88", "34"]]
        if row["runs"] != 1:
            found.append(f"series {series} has {row['runs']} final runs that went through")
        if objects != expected:
            found.append(f"series {series} ({kind}) has other results than one set of its final run: {objects}")
    found += [f"series {series} has results without a final run" for series in current]

    states = collections.Counter()
    may_hold = set()
    for row in index.execute("""SELECT delivery.*, result.sopInstanceUID, result.isSuperseded FROM delivery
            JOIN result ON result.id = delivery.result"""):
        states[row["state"]] += 1
        uid = row["sopInstanceUID"]
        if row["state"] in ("sent", "committed"):
            may_hold.add(uid)
            if held[uid] != 1:
                found.append(f"result {uid} is {row['state']}, and the PACS holds it {held[uid]} times")
        elif row["state"] == "withdrawn" and row["isSuperseded"]:
            pass
        elif row["state"] != "failed" or not (row["lastStatus"] or row["comment"]):
            found.append(f"the delivery of {uid} is {row['state']} and does not say why")
        if row["state"] == "failed" or row["responseUnseen"]:
            may_hold.add(uid)
    found += [f"the PACS holds {uid}, which the node does not count as delivered" for uid in held if uid not in may_hold]
    # A run that ended between the results' files and their rows leaves files that no row names; the same run names them.
    orphans = {str(path.relative_to(store)) for path in (store / "results").rglob("*.dcm")} - kept
    ledger.found |= {"results": len(kept), "results without a row": len(orphans)}
    ledger.found |= {f"deliveries {state}": count for state, count in sorted(states.items())}
    return found


def link_or_copy(source, target):
    """For a copy of a store that is to be damaged: only the index is written in place."""
    if "index.sqlite" in str(source):
        return shutil.copy2(source, target)
    return os.link(source, target)


def damages():
    """Ways to damage a store: a name, what does it, and words of the line that must come of it."""

    def change(store, *statements):
        index = sqlite3.connect(store / "index.sqlite")
        for statement in statements:
            index.execute(statement)
        index.commit()
        index.close()

    def some(store, sql="SELECT path FROM instance ORDER BY id DESC LIMIT 1"):
        index = open_index(store)
        path = index.execute(sql).fetchone()[0]
        index.close()
        return store / path

    def flip(path):
        content = bytearray(path.read_bytes())
        content[-2] ^= 1
        replace(path, content)

    def cut(path):
        replace(path, path.read_bytes()[:-1])

    def replace(path, content):
        path.unlink()
        path.write_bytes(content)

    def double(store):
        path = some(store)
        copy = path.with_name(path.stem + "9.dcm")
        copy.write_bytes(path.read_bytes())
        index = open_index(store)
        columns = [row[1] for row in index.execute("PRAGMA table_info(instance)")]
        index.close()
        other = {"id": "(SELECT max(id) + 1 FROM instance)", "version": "'coerced'", "ordinal": "1",
                 "path": f"'{copy.relative_to(store)}'"}
        values = ", ".join(other.get(column, column) for column in columns)
        change(store, f"""INSERT INTO instance ({", ".join(columns)})
            SELECT {values} FROM instance WHERE id = (SELECT max(id) FROM instance)""")

    result = "SELECT path FROM result ORDER BY id DESC LIMIT 1"
    one = "(SELECT max(id) FROM instance)"
    return [
        ("a file is gone", lambda store: some(store).unlink(), "cannot be read"),
        ("a byte of a file is another", lambda store: flip(some(store)), "has other bytes"),
        ("the last byte of a file is gone", lambda store: cut(some(store)), "has other bytes"),
        ("a row is gone", lambda store: change(store, f"DELETE FROM instance WHERE id = {one}"), "is not indexed"),
        ("an instance is kept twice", double, "is kept 2 times"),
        ("a file nobody knows", lambda store: some(store).with_name("1.2.3.0.dcm").write_bytes(b"."), "has no row"),
        ("half a file in incoming", lambda store: (store / "incoming/7").write_bytes(b"."), "incoming/ holds"),
        ("a file of a worker", lambda store: (store / "work/7").write_bytes(b"."), "work/ holds"),
        ("a series waits for ever", lambda store: change(
            store, "UPDATE series SET state = 'waiting' WHERE id = (SELECT max(id) FROM series)"), "is stuck"),
        ("a job runs for ever", lambda store: change(
            store, "UPDATE job SET state = 'running' WHERE id = (SELECT max(id) FROM job)"), "for ever"),
        ("a failure without a reason", lambda store: change(
            store, "UPDATE series SET state = 'failed', reason = '' WHERE id = (SELECT max(id) FROM series)"),
         "without a reason"),
        ("a result is gone", lambda store: some(store, result).unlink(), "cannot be read"),
        ("a byte of a result is another", lambda store: flip(some(store, result)), "other bytes than its row"),
        ("a run without its results", lambda store: change(
            store, "DELETE FROM delivery", "DELETE FROM result"), "has other results than one set"),
        ("a delivery that did not arrive", lambda store: change(
            store, "UPDATE result SET sopInstanceUID = '1.2.3' WHERE id = (SELECT max(result) FROM delivery)"),
         "the PACS holds it 0 times"),
        ("a delivery that stands still", lambda store: change(
            store, "UPDATE delivery SET state = 'pending' WHERE id = (SELECT max(id) FROM delivery)"),
         "does not say why"),
    ]
