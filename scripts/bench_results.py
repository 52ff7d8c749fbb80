# SPDX-FileCopyrightText: The triaged authors
# SPDX-License-Identifier: Apache-2.0
"""Segmentations of a long series with many segments: `segmentstudy` beside highdicom, on the same masks, in one run.

Both begin with the masks in memory and the names of the source files, and end with a Part 10 file. triaged also writes the
report, reads both back for its own audit, and syncs them; highdicom does none of that.
"""

import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys

import peers

PROGRAM = pathlib.Path(os.environ.get("SEGMENTSTUDY") or peers.BINARY.parent / "segmentstudy").absolute()
PYTHON = peers.REPOSITORY / ".build-judges" / "bin" / "python"

HIGHDICOM = '''
import json, pathlib, sys, time, numpy as np, pydicom, highdicom as hd
from pydicom.sr.codedict import codes
from highdicom.sr.coding import CodedConcept
root, slices, segments, size = pathlib.Path(sys.argv[1]), *map(int, sys.argv[2:5])
labels = np.fromfile(root / "labels.raw", np.uint8).reshape(slices, size, size)
algorithm = hd.AlgorithmIdentificationSequence(name="bench", version="1", family=codes.DCM.ArtificialIntelligence)
nodule = CodedConcept("27925004", "SCT", "Nodule")
abnormal = CodedConcept("49755003", "SCT", "Morphologically Abnormal Structure")
descriptions = [hd.seg.SegmentDescription(
    segment_number=n + 1, segment_label=f"Nodule {n + 1}", segmented_property_category=abnormal,
    segmented_property_type=nodule, algorithm_type="AUTOMATIC", algorithm_identification=algorithm,
    tracking_uid=hd.UID(), tracking_id=f"Nodule {n + 1}") for n in range(segments)]
start = time.monotonic()
sources = [pydicom.dcmread(root / "series" / f"{n}.dcm", stop_before_pixels=True) for n in range(slices)]
segmentation = hd.seg.Segmentation(
    source_images=sources, pixel_array=labels, segmentation_type="BINARY", segment_descriptions=descriptions,
    series_instance_uid=hd.UID(), series_number=1, sop_instance_uid=hd.UID(), instance_number=1, manufacturer="bench",
    manufacturer_model_name="bench", software_versions="1", device_serial_number="1", omit_empty_frames=True)
segmentation.save_as(root / "highdicom.dcm")
seconds = time.monotonic() - start
theirs = pydicom.dcmread(root / "highdicom.dcm")
def frames(dataset):
    pixels = np.unpackbits(np.frombuffer(dataset.PixelData, np.uint8), bitorder="little")
    pixels = pixels[:dataset.NumberOfFrames * size * size].reshape(-1, size * size)
    for group, frame in zip(dataset.PerFrameFunctionalGroupsSequence, pixels):
        source = group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        yield (group.SegmentIdentificationSequence[0].ReferencedSegmentNumber, source), frame
ours = dict(frames(pydicom.dcmread(sys.argv[5])))
same = all(np.array_equal(frame, ours.pop(key, None)) for key, frame in frames(theirs)) and not ours
print(json.dumps({"seconds": seconds, "frames": int(theirs.NumberOfFrames), "same": same}))
'''


def run(command):
    done = subprocess.run([str(each) for each in command], capture_output=True, text=True, timeout=900)
    if done.returncode != 0:
        raise peers.Failure(f"{pathlib.Path(str(command[0])).name} ended with {done.returncode}: {done.stderr[-400:]}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def measure(work, repeats, quick):
    """Medians: seconds of triaged and highdicom, the greatest memory beside the masks over the file's size, frames."""
    slices, segments, size = (100, 5, 128) if quick else (1000, 20, 512)
    mine, theirs, memory, frames = [], [], [], 0
    for _ in range(repeats):
        shutil.rmtree(work, ignore_errors=True)
        ours = run([PROGRAM, "--output", work, "--slices", slices, "--segments", segments, "--size", size])[0]
        other = run([PYTHON, "-c", HIGHDICOM, work, slices, segments, size, ours["path"]])[0]
        if not other["same"]:
            raise peers.Failure("the Segmentations of triaged and highdicom are not of the same voxels")
        mine.append(ours["seconds"])
        theirs.append(other["seconds"])
        memory.append(ours["peakBytes"] / ours["fileBytes"])
        frames = other["frames"]
        print(f"results: {mine[-1]:.3f} s, highdicom {theirs[-1]:.2f} s, memory {memory[-1]:.2f} times the file",
              file=sys.stderr, flush=True)
    shutil.rmtree(work, ignore_errors=True)
    return {"slices": slices, "segments": segments, "frames": frames, "seconds": statistics.median(mine),
            "highdicom": statistics.median(theirs), "memory": max(memory)}
