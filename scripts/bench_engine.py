# SPDX-FileCopyrightText: The triaged authors
# SPDX-License-Identifier: Apache-2.0
"""The inference engine against its aims: overhead around the network, beside MONAI, and memory. Part of `make bench`.

A stand-in network of scripts/standins goes through the same pipeline in `triaged model bench` and in MONAI (with the same
OpenVINO, in a virtual environment that is made here and nowhere else), on the same synthetic CT. The two take turns. Bare
engine time is one request of OpenVINO run as often as there are windows, on the same graph, in 32-bit floats.
"""
import hashlib
import json
import pathlib
import resource
import statistics
import subprocess
import sys
import time

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent
VENV = ROOT / ".build-bench"
PINNED = ["monai==1.3.2", "numpy<2", "openvino==2026.4.1", "scipy", "onnx", "nibabel"]
# Published for the whole-body bundle on a CPU: monai model-zoo, models/wholeBody_ct_segmentation/docs/README.md.
PUBLISHED = "26 GB, published (MONAI model-zoo, CPU)"

MANIFEST = """\
schema: 1
name: {name}
version: "1"
title: stand-in
manufacturer: triaged
use: research
licence: {{spdx: Apache-2.0, file: LICENSE}}
card: CARD.md
intendedUse: benchmarks
network: {{file: network.onnx, sha256: {sha256}, precision: {precision}}}
claim: {{modality: [CT], bodyPartExamined: {{oneOf: [CHEST]}}}}
quality: {{unit: "[hnsf'U]"}}
preprocess: [{{orientation: RAS}}, {{spacing: {{mm: [1.5, 1.5, {slice}]}}}}, {{scaleRange: {{from: [-175, 250], to: [0, 1], clip: true}}}}]
inference: {{slidingWindow: {{roi: [96, 96, 96], overlap: 0.25, weighting: gaussian}}}}
decision: {{activation: softmax, rule: argmax, restore: {restore}}}
outputs:
{outputs}
budget: {{memory: 6000, time: 86400}}
"""


def package(folder, network, classes, restore, slice, precision="f32"):
    folder.mkdir(parents=True)
    content = network.read_bytes()
    (folder / "network.onnx").write_bytes(content)
    for name in ("LICENSE", "CARD.md"):
        (folder / name).write_text("A stand-in.\n")
    outputs = "\n".join(
        f'  - {{channel: {c}, label: class {c}, code: ["{c}", 99STANDIN, Class {c}], category: ["1", 99STANDIN, Structure], '
        f'type: ["{c}", 99STANDIN, Class {c}], priority: routine, confidence: mean}}' for c in range(1, classes))
    (folder / "manifest.yaml").write_text(MANIFEST.format(
        name=folder.name, sha256=hashlib.sha256(content).hexdigest(), precision=precision, restore=restore, slice=slice,
        outputs=outputs))
    return folder


def ours(binary, folder, size, spacing, runs):
    run = subprocess.run([binary, "model", "bench", folder, "--size", "x".join(map(str, size)), "--spacing",
                          "x".join(map(str, spacing)), "--runs", str(runs), "--json"], capture_output=True, text=True)
    if run.returncode != 0:
        raise RuntimeError(run.stderr.strip()[-400:])
    return json.loads(run.stdout)


def theirs(mode, folder, size, spacing, windows=0, restore="linear"):
    run = subprocess.run(
        [VENV / "bin/python", "-W", "ignore", __file__, mode, folder / "network.onnx", json.dumps(
            {"size": size, "spacing": spacing, "windows": windows, "restore": restore})], capture_output=True, text=True)
    if run.returncode != 0:
        raise RuntimeError(run.stderr.strip()[-400:])
    return json.loads(run.stdout.splitlines()[-1])


def make_venv():
    """With Debian's own torch: PyPI's brings gigabytes of CUDA."""
    if (VENV / "made").exists():
        return
    subprocess.run(["/usr/bin/python3", "-m", "venv", "--system-site-packages", "--clear", VENV], check=True)
    subprocess.run([VENV / "bin/pip", "install", "--quiet", "--disable-pip-version-check", *PINNED], check=True)
    subprocess.run([VENV / "bin/python", "-W", "ignore", "-c", "import torch, monai"], check=True)
    (VENV / "made").write_text("\n".join(PINNED) + "\n")


def measure(binary, work, repeats, quick):
    make_venv()
    networks = work / "networks"
    subprocess.run([VENV / "bin/python", ROOT / "scripts/standins/networks.py", networks], check=True)
    size, spacing = ([256, 256, 100], [0.8, 0.8, 1.5]) if quick else ([512, 512, 200], [0.8, 0.8, 1.5])
    lines = ["## Engine", "", "A 3-D U-Net stand-in (two classes, window 96³, overlap 0.25, Gaussian) over a CT of "
             f"{'×'.join(map(str, size))}, resampled to 1.5 mm; medians of {repeats}.", "",
             "| restored by | precision | windows | total, s | engine, s | bare engine, s | total / bare | MONAI + OpenVINO, s | MONAI / triaged |",
             "|---|---|---|---|---|---|---|---|---|"]
    for restore in ("linear", "nearest"):
        folder = package(work / f"unet-{restore}", networks / "unet-96.onnx", 2, restore, 1.5)
        runs, bare, monai = [], [], []
        for _ in range(repeats):
            runs.append(ours(binary, folder, size, spacing, 1))
            bare.append(theirs("bare", folder, size, spacing, runs[-1]["windows"])["seconds"])
            monai.append(theirs("monai", folder, size, spacing, restore=restore)["seconds"])
        total, engine = (statistics.median(r[key] for r in runs) for key in ("total", "engine"))
        plain, other = statistics.median(bare), statistics.median(monai)
        lines.append(f"| {restore} | f32 | {runs[0]['windows']} | {total:.2f} | {engine:.2f} | {plain:.2f} | "
                     f"{total / plain:.2f} (aim ≤ 1.10) | {other:.2f} | {other / total:.2f} (aim ≥ 1.5) |")
    folder = package(work / "unet-bf16", networks / "unet-96.onnx", 2, "linear", 1.5, "bf16")
    half = ours(binary, folder, size, spacing, 1)
    lines.append(f"| linear | bf16 | {half['windows']} | {half['total']:.2f} | {half['engine']:.2f} | | | | |")
    if not quick:
        folder = package(work / "wholebody", networks / "wholebody.onnx", 105, "nearest", 1.5)
        body = ours(binary, folder, [512, 512, 397], [0.84, 0.84, 1.5], 1)
        lines += ["", "| 105 classes on 287×287×397, f32 | peak resident | total, s |", "|---|---|---|",
                  f"| triaged (stand-in of small width, masks of all classes made) | {body['peakMiB'] / 1024:.2f} GiB (aim < 6) | {body['total']:.0f} |",
                  f"| MONAI | {PUBLISHED} | 38 |"]
    return lines


# --- In the virtual environment -------------------------------------------------------------------------------------

def synthetic(size):
    """A body of soft tissue in air, with noise."""
    import numpy as np
    x = (2 * (np.arange(size[0]) + 0.5) / size[0] - 1)[:, None, None]
    y = (2 * (np.arange(size[1]) + 0.5) / size[1] - 1)[None, :, None]
    noise = np.random.default_rng(1).integers(0, 32, size).astype(np.float32)
    return np.where(x * x / 0.8 + y * y / 0.6 < 1, 40 + noise, -1000).astype(np.float32)


def inside(mode, network, options):
    import numpy as np
    import openvino
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(network), "CPU",
                                  {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"})
    request = compiled.create_infer_request()
    window = np.random.default_rng(0).random((1, 1, 96, 96, 96)).astype(np.float32)
    request.infer([window])
    if mode == "bare":
        start = time.monotonic()
        for _ in range(options["windows"]):
            request.infer([window], share_inputs=True, share_outputs=True)
        return {"seconds": time.monotonic() - start}
    import torch
    from monai.data import MetaTensor
    from monai.inferers import sliding_window_inference
    from monai.transforms import Orientation, ScaleIntensityRange, Spacing
    from monai.transforms.utils import convert_applied_interp_mode
    torch.set_num_threads(len(__import__("os").sched_getaffinity(0)))
    values = synthetic(options["size"])
    spacing = options["spacing"]
    affine = torch.diag(torch.tensor([-spacing[0], -spacing[1], spacing[2], 1.0], dtype=torch.float64))

    def pipeline():
        start = time.monotonic()
        orient, space = Orientation(axcodes="RAS"), Spacing(pixdim=(1.5, 1.5, 1.5), mode="bilinear")
        x = ScaleIntensityRange(-175, 250, 0, 1, clip=True)(
            space(orient(MetaTensor(torch.from_numpy(values)[None], affine=affine))))

        def predictor(patch):
            return torch.from_numpy(np.array(request.infer([patch.numpy()])[0]))

        logits = sliding_window_inference(x[None].as_tensor(), [96] * 3, 1, predictor, overlap=0.25, mode="gaussian")[0]
        probabilities = torch.softmax(logits, 0)
        operations = [o for o in x.applied_operations if o["class"] != "ScaleIntensityRange"]
        if options["restore"] == "linear":
            back = MetaTensor(probabilities, affine=x.affine, applied_operations=operations)
            labels = orient.inverse(space.inverse(back)).argmax(0)
        else:
            labels = probabilities.argmax(0, keepdim=True).float()
            operations = convert_applied_interp_mode(operations, "nearest", None)
            back = MetaTensor(labels, affine=x.affine, applied_operations=operations)
            labels = orient.inverse(space.inverse(back))[0]
        return int((labels > 0).sum()), time.monotonic() - start

    pipeline()
    marked, seconds = pipeline()
    return {"seconds": seconds, "marked": marked, "peakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10}


if __name__ == "__main__":
    print(json.dumps(inside(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))))
