# SPDX-FileCopyrightText: The triaged authors
# SPDX-License-Identifier: Apache-2.0
"""The inference engine against its aims: overhead around the network, beside MONAI, and memory. Part of `make bench`.

A stand-in network of scripts/standins goes through the same pipeline in `triaged model bench` and in MONAI (in a virtual
environment that is made here and nowhere else), from the same DICOM files to labels on their grid. MONAI runs the network
once with the same OpenVINO and once with PyTorch, as its users do. All take turns. Bare engine time is one request of
OpenVINO run as often as there are windows, on the same graph, in the same precision. Loading and compiling the network is
in none of the times, and each program has run once before it is timed.
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
PINNED = ["monai==1.3.2", "numpy<2", "openvino==2026.4.1", "scipy", "onnx", "nibabel", "pydicom==3.0.1"]
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


def ours(binary, folder, volume, runs=1):
    """`volume`: the folder of a series, or (size, spacing) of a synthetic one."""
    choice = ["--series", volume] if isinstance(volume, pathlib.Path) else [
        "--size", "x".join(map(str, volume[0])), "--spacing", "x".join(map(str, volume[1]))]
    run = subprocess.run([binary, "model", "bench", folder, *choice, "--runs", str(runs), "--json"], capture_output=True,
                         text=True)
    if run.returncode != 0:
        raise RuntimeError(run.stderr.strip()[-400:])
    return json.loads(run.stdout)


def theirs(mode, folder, **options):
    run = subprocess.run([VENV / "bin/python", "-W", "ignore", __file__, mode, folder / "network.onnx", json.dumps(options)],
                         capture_output=True, text=True)
    if run.returncode != 0:
        raise RuntimeError(run.stderr.strip()[-400:])
    return json.loads(run.stdout.splitlines()[-1])


def make_venv():
    """With Debian's own torch: PyPI's brings gigabytes of CUDA."""
    made = VENV / "made"
    if made.exists() and made.read_text().split() == PINNED:
        return
    subprocess.run(["/usr/bin/python3", "-m", "venv", "--system-site-packages", VENV], check=True)
    subprocess.run([VENV / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PINNED], check=True)
    subprocess.run([VENV / "bin/python", "-W", "ignore", "-c", "import torch, monai"], check=True)
    made.write_text("\n".join(PINNED) + "\n")


def median(runs, key):
    return statistics.median(run[key] for run in runs)


def spread(values):
    return f"{min(values):.2f}–{max(values):.2f}"


def side_by_side(binary, work, networks, series, repeats):
    """Rows of one pipeline each; in every repeat, all take their turn, and ratios are those of one turn."""
    rows = []
    for restore in ("linear", "nearest"):
        folder = package(work / f"unet-{restore}", networks / "unet-96.onnx", 2, restore, 1.5)
        turns = []
        for _ in range(repeats):
            mine = ours(binary, folder, series)
            bare = theirs("bare", folder, windows=mine["windows"], precision="f32")["seconds"]
            openvino = theirs("monai", folder, series=str(series), restore=restore, engine="openvino")["seconds"]
            torch = theirs("monai", folder, series=str(series), restore=restore, engine="torch")["seconds"]
            turns.append({**mine, "bare": bare, "openvino": openvino, "torch": torch, "over": mine["total"] / bare,
                          "toOpenVINO": openvino / mine["total"], "toTorch": torch / mine["total"]})
        overs = [turn["over"] for turn in turns]
        rows.append(
            f"| {restore} | {turns[0]['windows']} | {median(turns, 'decoding'):.2f} | {median(turns, 'engine'):.2f} | "
            f"{median(turns, 'total'):.2f} | {median(turns, 'bare'):.2f} | {median(turns, 'over'):.2f} ({spread(overs)}) | "
            f"{median(turns, 'openvino'):.2f} | {median(turns, 'toOpenVINO'):.2f} "
            f"({spread([turn['toOpenVINO'] for turn in turns])}) | {median(turns, 'torch'):.2f} | "
            f"{median(turns, 'toTorch'):.2f} ({spread([turn['toTorch'] for turn in turns])}) |")
    return rows


def lower_precision(binary, work, networks, series, repeats):
    """The same package in bf16, by choice of its manifest: how much faster, and what changes."""
    plain = work / "unet-linear"
    half = package(work / "unet-bf16", networks / "unet-96.onnx", 2, "linear", 1.5, "bf16")
    turns = [tuple(ours(binary, folder, series) for folder in (plain, half)) for _ in range(repeats)]
    lines = ["| precision | windows | total, s | times as fast as f32 |", "|---|---|---|---|"]
    for place, name in enumerate(("f32", "bf16")):
        gains = [turn[0]["total"] / turn[place]["total"] for turn in turns]
        lines.append(f"| {name} | {turns[0][place]['windows']} | {median([t[place] for t in turns], 'total'):.2f} | "
                     f"{statistics.median(gains):.2f} ({spread(gains)}) |")
    effect = turns[-1][1]["effect"]
    lines += ["", "What bf16 changes against f32:", "", "| structure | mL in f32 | mL in bf16 | voxels that differ | confidence off by |",
              "|---|---|---|---|---|"]
    for each in effect["structures"]:
        volumes = " | ".join("–" if each.get(key) is None else f"{each[key]:.2f}" for key in ("volumeF32", "volume"))
        lines.append(f"| {each['label']} | {volumes} | {each.get('disagreement', 0):.5f} of its own | {each['scoreChange']:.5f} |")
    lines.append(f"| any | | | {effect['changedVoxels']:.6f} of all | {effect['greatestScoreChange']:.5f} |")
    return lines


def measure(binary, work, repeats, quick):
    make_venv()
    networks = work / "networks"
    subprocess.run([VENV / "bin/python", ROOT / "scripts/standins/networks.py", networks], check=True)
    slices = 60 if quick else 200
    series = work / "series"
    subprocess.run([binary, "phantom", "abdomen-ct", "--slices", str(slices), "--slice-spacing", "1.5", "--output", series],
                   check=True, stdout=subprocess.DEVNULL)
    lines = ["## Engine", "", "A 3-D U-Net stand-in (two classes, window 96³, overlap 0.25, Gaussian, f32), from the DICOM files "
             f"of an abdomen CT of 512×512×{slices} to labels on its grid, at 1.5 mm; medians of {repeats} turns, ratios within "
             "a turn with their range. Aims: total / bare ≤ 1.10, MONAI / triaged ≥ 1.5.", "",
             "| restored by | windows | decoding, s | engine, s | total, s | bare engine, s | total / bare | "
             "MONAI with OpenVINO, s | / triaged | MONAI with PyTorch, s | / triaged |",
             "|---|---|---|---|---|---|---|---|---|---|---|"]
    lines += side_by_side(binary, work, networks, series, repeats)
    lines += ["", *lower_precision(binary, work, networks, series, repeats)]
    if not quick:
        lines += ["", "| 105 classes on 287×287×397, f32 | peak resident | total, s |", "|---|---|---|"]
        for restore in ("nearest", "linear"):
            folder = package(work / f"wholebody-{restore}", networks / "wholebody.onnx", 105, restore, 1.5)
            body = ours(binary, folder, ([512, 512, 397], [0.84, 0.84, 1.5]), 0)
            lines.append(f"| triaged, restored by {restore} (stand-in of small width, masks of {body['findings']} classes made) | "
                         f"{body['peakMiB'] / 1024:.2f} GiB (aim < 6) | {body['total']:.0f} |")
        lines.append(f"| MONAI | {PUBLISHED} | 38 |")
    return lines


# --- In the virtual environment -------------------------------------------------------------------------------------

def interpreted(network):
    """The stand-in's graph as PyTorch carries it out."""
    import onnx
    import torch
    from onnx import numpy_helper
    from torch.nn import functional
    graph = onnx.load(network).graph
    weights = {each.name: torch.from_numpy(numpy_helper.to_array(each).copy()) for each in graph.initializer}

    def run(image):
        values = {**weights, graph.input[0].name: image}
        for node in graph.node:
            x = [values[name] for name in node.input]
            options = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
            if node.op_type == "Conv":
                y = functional.conv3d(*x, stride=options["strides"], padding=options["pads"][:3])
            elif node.op_type == "ConvTranspose":
                y = functional.conv_transpose3d(*x, stride=options["strides"])
            elif node.op_type == "InstanceNormalization":
                y = functional.instance_norm(x[0], weight=x[1], bias=x[2], eps=options["epsilon"])
            elif node.op_type == "LeakyRelu":
                y = functional.leaky_relu(x[0], options["alpha"])
            elif node.op_type == "Concat":
                y = torch.cat(x, options["axis"])
            elif node.op_type == "Identity":
                y = x[0]
            else:
                raise NotImplementedError(node.op_type)
            values[node.output[0]] = y
        return values[graph.output[0].name]

    return run


def requested(network, precision="f32"):
    import openvino
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(network), "CPU",
                                  {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision})
    return compiled.create_infer_request()


def bare(network, options):
    import numpy as np
    request = requested(network, options["precision"])
    window = np.random.default_rng(0).random((1, 1, 96, 96, 96)).astype(np.float32)
    request.infer([window])
    start = time.monotonic()
    for _ in range(options["windows"]):
        request.infer([window], share_inputs=True, share_outputs=True)
    return {"seconds": time.monotonic() - start}


def monai(network, options):
    import numpy as np
    import torch
    from monai.data import MetaTensor
    from monai.inferers import sliding_window_inference
    from monai.transforms import LoadImage, Orientation, ScaleIntensityRange, Spacing
    from monai.transforms.utils import convert_applied_interp_mode
    torch.set_num_threads(len(__import__("os").sched_getaffinity(0)))
    if options["engine"] == "torch":
        predictor = interpreted(network)
    else:
        request = requested(network)

        def predictor(patch):
            return torch.from_numpy(np.array(request.infer([patch.numpy()])[0]))

    def pipeline():
        start = time.monotonic()
        image = LoadImage(reader="PydicomReader", image_only=True, ensure_channel_first=True)(options["series"])
        orient, space = Orientation(axcodes="RAS"), Spacing(pixdim=(1.5, 1.5, 1.5), mode="bilinear")
        x = ScaleIntensityRange(-175, 250, 0, 1, clip=True)(space(orient(image)))
        logits = sliding_window_inference(x[None].as_tensor(), [96] * 3, 1, predictor, overlap=0.25, mode="gaussian")[0]
        probabilities = torch.softmax(logits, 0)
        operations = [o for o in x.applied_operations if o["class"] in ("Orientation", "Spacing", "SpatialResample")]
        if options["restore"] == "linear":
            back = MetaTensor(probabilities, affine=x.affine, applied_operations=operations)
            labels = orient.inverse(space.inverse(back)).argmax(0)
        else:
            labels = probabilities.argmax(0, keepdim=True).float()
            operations = convert_applied_interp_mode(operations, "nearest", None)
            back = MetaTensor(labels, affine=x.affine, applied_operations=operations)
            labels = orient.inverse(space.inverse(back))[0]
        return int((labels > 0).sum()), time.monotonic() - start

    with torch.no_grad():
        pipeline()
        marked, seconds = pipeline()
    return {"seconds": seconds, "marked": marked, "peakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10}


if __name__ == "__main__":
    print(json.dumps({"bare": bare, "monai": monai}[sys.argv[1]](sys.argv[2], json.loads(sys.argv[3]))))
