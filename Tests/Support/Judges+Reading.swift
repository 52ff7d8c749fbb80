// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What other readers find in a Segmentation and in a report.
extension Judge {
    /// One frame of a Segmentation as highdicom reads it.
    package struct Frame: Decodable, Sendable {
        /// 0 where the frame holds all segments.
        package var segment: Int
        package var source: String
        /// 0 where the source has a single frame.
        package var frame: Int
        /// Positions of the set pixels, row by row.
        package var pixels: [Int]
        /// What is stored there.
        package var values: [Int]
    }

    /// The frames of each Segmentation; one start of Python reads them all.
    package static func highdicomFrames(_ paths: [String]) throws -> [[Frame]] {
        try Judge.highdicom.python(
            """
            import sys, json, numpy as np, highdicom as hd
            def frames(path):
                s = hd.seg.segread(path)
                pixels = s.pixel_array.reshape(int(s.NumberOfFrames), -1)
                # Of a label map it looks for the segments in the frames, which have none.
                for number in s.segment_numbers if s.SegmentationType != "LABELMAP" else []:
                    hd.sr.ReferencedSegment.from_segmentation(s, segment_number=number)
                for f, group in enumerate(s.PerFrameFunctionalGroupsSequence):
                    source = group.DerivationImageSequence[0].SourceImageSequence[0]
                    marked = np.flatnonzero(pixels[f])
                    segment = group.get("SegmentIdentificationSequence")
                    yield {"segment": int(segment[0].ReferencedSegmentNumber) if segment else 0,
                           "source": source.ReferencedSOPInstanceUID,
                           "frame": int(source.get("ReferencedFrameNumber", 0) or 0),
                           "pixels": marked.tolist(), "values": pixels[f][marked].astype(int).tolist()}
            print(json.dumps([list(frames(path)) for path in sys.argv[1:]]))
            """, paths, as: [[Frame]].self)
    }

    /// A measurement group of a report as highdicom reads it.
    package struct Group: Decodable, Sendable {
        /// "volumetric", "planar" or "other"
        package var kind: String
        package var trackingUID: String
        package var trackingIdentifier: String
        package var finding: String
        package var segment: Int?
        package var values: [String]
    }

    package static func highdicomGroups(_ path: String) throws -> [Group] { try highdicomGroups(of: [path])[0] }

    /// Of each report; one start of Python reads them all.
    package static func highdicomGroups(of paths: [String]) throws -> [[Group]] {
        try Judge.highdicom.python(
            """
            import sys, json, highdicom as hd
            def groups(path):
                c = hd.sr.srread(path).content
                for kind, groups in (("volumetric", c.get_volumetric_roi_measurement_groups()),
                                     ("planar", c.get_planar_roi_measurement_groups()),
                                     ("other", c.get_image_measurement_groups())):
                    for g in groups:
                        segment = None
                        if kind == "volumetric" and g.referenced_segment is not None:
                            segment = int(g.referenced_segment.referenced_segment_numbers[0])
                        yield {"kind": kind, "trackingUID": g.tracking_uid, "trackingIdentifier": g.tracking_identifier,
                               "finding": g.finding_type.value, "segment": segment,
                               "values": [f"{m.name.value} {float(m.value):.6g} {m.unit.value}"
                                          for m in g.get_measurements()]}
            print(json.dumps([list(groups(path)) for path in sys.argv[1:]]))
            """, paths, as: [[Group]].self)
    }

    /// Where a grid lies, for readers that give positions in the patient.
    package struct Placement: Encodable, Sendable {
        package var origin: [Double]
        package var columnStep: [Double]
        package var rowStep: [Double]
        package var sliceStep: [Double]
        package var size: [Int]

        package init(
            origin: [Double], columnStep: [Double], rowStep: [Double], sliceStep: [Double], size: [Int]
        ) {
            self.origin = origin
            self.columnStep = columnStep
            self.rowStep = rowStep
            self.sliceStep = sliceStep
            self.size = size
        }
    }

    /// For each Segmentation and segment, the positions (columns fastest) of its voxels on a grid, as dcmqi reads them.
    package static func dcmqiSegments(_ objects: [(path: String, grid: Placement)]) throws -> [[String: [Int]]] {
        let root = NSTemporaryDirectory() + "triaged-dcmqi-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: root) }
        var arguments: [String] = []
        for (index, object) in objects.enumerated() {
            let directory = "\(root)/\(index)"
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            let run = try Judge.dcmqi.run(
                ["--inputDICOM", object.path, "--outputDirectory", directory, "--outputType", "nrrd"])
            // It ends well whatever happens.
            guard run.status == 0, !run.output.contains("ERROR") else {
                throw Failure(description: "dcmqi failed: \(run.output.suffix(2000))")
            }
            arguments += [directory, String(decoding: try JSONEncoder().encode(object.grid), as: UTF8.self)]
        }
        return try Judge.highdicom.python(
            """
            import sys, json, glob, gzip, os, numpy as np
            kinds = {"short": "<i2", "int16": "<i2", "unsigned short": "<u2", "uint16": "<u2",
                     "unsigned char": "u1", "uint8": "u1"}
            vector = lambda s: np.array([float(x) for x in s.strip("()").split(",")])
            def segments(directory, grid):
                steps = np.array([grid["columnStep"], grid["rowStep"], grid["sliceStep"]]).T
                out = {}
                for path in glob.glob(directory + "/*.nrrd"):
                    head, data = open(path, "rb").read().split(b"\\n\\n", 1)
                    field = dict(l.split(": ", 1) for l in head.decode().splitlines() if ": " in l)
                    assert field["space"] == "left-posterior-superior", field["space"]
                    data = gzip.decompress(data) if field["encoding"] == "gzip" else data
                    sizes = [int(x) for x in field["sizes"].split()]
                    v = np.frombuffer(data, kinds[field["type"]]).reshape(sizes[::-1])
                    directions = np.array([vector(x) for x in field["space directions"].split()]).T
                    index = np.argwhere(v)[:, ::-1].T
                    points = vector(field["space origin"])[:, None] + directions @ index
                    found = np.linalg.solve(steps, points - np.array(grid["origin"])[:, None])
                    whole = np.rint(found).astype(int)
                    assert index.size == 0 or abs(found - whole).max() < 0.05, abs(found - whole).max()
                    for label in np.unique(v[v > 0]):
                        at = whole[:, v[tuple(index[::-1])] == label]
                        out[os.path.basename(path) + ":" + str(int(label))] = sorted(
                            int(x) for x in (at[2] * grid["size"][1] + at[1]) * grid["size"][0] + at[0])
                return out
            pairs = zip(sys.argv[1::2], sys.argv[2::2])
            print(json.dumps([segments(directory, json.loads(grid)) for directory, grid in pairs]))
            """, arguments, as: [[String: [Int]]].self)
    }

    /// The measurement groups that dcmqi finds in a report.
    package static func dcmqiGroupCount(_ path: String) throws -> Int {
        let output = NSTemporaryDirectory() + "triaged-dcmqi-" + UUID().uuidString + ".json"
        defer { try? FileManager.default.removeItem(atPath: output) }
        guard Judge.dcmqi.isInstalled, let environment = ProcessInfo.processInfo.environment["TRIAGED_JUDGES"] else {
            throw Failure(description: "the judge dcmqi is not installed")
        }
        let run = try Run(environment + "/bin/tid1500reader", ["--inputDICOM", path, "--outputMetadata", output])
        guard run.status == 0, let data = FileManager.default.contents(atPath: output) else {
            throw Failure(description: "tid1500reader failed: \(run.output.suffix(2000))")
        }
        struct Metadata: Decodable {
            struct Entry: Decodable {}
            var measurements: [Entry]
            enum CodingKeys: String, CodingKey { case measurements = "Measurements" }
        }
        return try JSONDecoder().decode(Metadata.self, from: data).measurements.count
    }

    /// Key objects, a picture and a presentation state as pydicom and highdicom read them.
    package struct Fallbacks: Decodable, Sendable {
        package var title: String
        package var selected: [String]
        /// 0 where the instance is meant as a whole.
        package var selectedFrames: [Int]
        package var pictureOf: String
        package var pictureFrame: Int
        /// Rows, columns, samples.
        package var shape: [Int]
        package var patient: String
        package var annotations: Int
        package var layers: [String]
        /// Of the first outline.
        package var firstPoints: [Double]
        package var texts: [String]
    }

    package static func fallbacks(keyObjects: String, picture: String, state: String) throws -> Fallbacks {
        try fallbacks(of: [(keyObjects, picture, state)])[0]
    }

    /// Of each triple; one start of Python reads them all.
    package static func fallbacks(
        of triples: [(keyObjects: String, picture: String, state: String)]
    ) throws -> [Fallbacks] {
        try Judge.highdicom.python(
            """
            import sys, json, pydicom, highdicom as hd
            def read(key_objects, picture, state):
                ko = hd.ko.KeyObjectSelectionDocument.from_dataset(pydicom.dcmread(key_objects))
                images = ko.content.get_references(value_type=hd.sr.ValueTypeValues.IMAGE)
                frames = lambda i: int(i.referenced_frame_numbers[0]) if i.referenced_frame_numbers else 0
                sc, pr = pydicom.dcmread(picture), pydicom.dcmread(state)
                source = sc.SourceImageSequence[0]
                name = pr.PatientName
                name.decode() if hasattr(name, "decode") else None
                annotations = pr.GraphicAnnotationSequence
                return {
                    "title": ko.ConceptNameCodeSequence[0].CodeValue,
                    "selected": [i.referenced_sop_instance_uid for i in images],
                    "selectedFrames": [frames(i) for i in images],
                    "pictureOf": source.ReferencedSOPInstanceUID,
                    "pictureFrame": int(source.get("ReferencedFrameNumber", 0) or 0),
                    "shape": list(sc.pixel_array.shape), "patient": str(name),
                    "annotations": len(annotations), "layers": sorted({a.GraphicLayer for a in annotations}),
                    "firstPoints": [float(x) for x in annotations[0].GraphicObjectSequence[0].GraphicData[:4]],
                    "texts": [t.UnformattedTextValue for a in annotations for t in a.TextObjectSequence]}
            paths = iter(sys.argv[1:])
            print(json.dumps([read(*triple) for triple in zip(paths, paths, paths)]))
            """, triples.flatMap { [$0.keyObjects, $0.picture, $0.state] }, as: [Fallbacks].self)
    }
}
