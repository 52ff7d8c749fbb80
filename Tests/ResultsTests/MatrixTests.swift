// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Results
import Support
import Testing

/// Objects of every kind, of every kind of source, by every judge that reads the kind. Nothing that a judge says is
/// dropped but what `JudgeObjection.known` names.
@Suite(.serialized) struct MatrixTests {
    enum Product: String, CaseIterable {
        case binary, labelMap, fractional, report, reportOnLabelMap, reportOnFractional, keyObjects, secondaryCapture,
            heatMap,
            presentationState
        /// The same bytes with the SOP Class UID of Segmentation Storage: all that judges of 2022 read of these two.
        case labelMapAsSegmentation, reportOnLabelMapAsSegmentation
    }

    /// No size is divisible by 8. Every property is in some row, and all of a row goes to every judge.
    static let sources: [SourceStudy.Options] = [
        of("CT, tilted, lossy", 33, 31, tilt: 15, lossy: "12.5"),
        of("CT, UTF-8 Japanese", 41, 37, (utf8, japaneseName)),
        of("Enhanced CT, lossy, Japanese", 33, 31, iso2022, lossy: "12.5") { $0.isMultiFrame = true },
        of("MR, oblique, Japanese", 35, 33, iso2022) { ($0.isMR, $0.orientation) = (true, .oblique) },
        of("CR, lossy", 41, 37, lossy: "10") { $0.isProjection = true },
        of("DX, Japanese", 37, 33, iso2022) { ($0.isProjection, $0.detector) = (true, "DX") },
        of("MG, lossy, UTF-8 Japanese", 33, 35, (utf8, japaneseName), lossy: "8.25") {
            ($0.isProjection, $0.detector) = (true, "MG")
        },
    ]

    /// dcentvfy and the readers of pixels and of groups have tests of their own below.
    static let judges: [(judge: Judge, reads: [Product])] = [
        (.dciodvfy, Product.allCases),
        // Of what is made here it knows Segmentations only.
        (.pixelMedInstance, [.binary, .labelMap, .labelMapAsSegmentation, .fractional]),
        (.pixelMedReport, [.report]),
        (.pixelMedSelection, [.keyObjects]),
        (
            .dsrdump,
            [.report, .reportOnLabelMap, .reportOnLabelMapAsSegmentation, .reportOnFractional, .keyObjects]
        ),
        (.dcmpschk, [.presentationState]),
    ]

    private static let utf8 = "ISO_IR 192"
    static let japaneseName = "Yamada^Tarou=山田^太郎=やまだ^たろう"
    private static let iso2022 = (JudgeTests.japanese.characterSet, JudgeTests.japanese.patientName)

    private static func of(
        _ name: String, _ columns: Int, _ rows: Int, _ text: (set: String, name: String) = ("", "Doe^Jane"),
        tilt: Double = 0, lossy: String? = nil, _ change: (inout SourceStudy.Options) -> Void = { _ in }
    ) -> SourceStudy.Options {
        var options = SourceStudy.Options(
            name: name, columns: columns, rows: rows, tilt: tilt, characterSet: text.set, patientName: text.name,
            lossyRatio: lossy)
        change(&options)
        if options.isProjection { options.slices = 1 }
        return options
    }

    /// All objects of one source.
    struct Objects {
        let study: SourceStudy
        let paths: [Product: String]

        init(_ options: SourceStudy.Options) throws {
            study = try SourceStudy(options)
            var paths: [Product: String] = [:]
            for form in SegmentationForm.allCases {
                let results = try study.everything(form)
                func path(_ kind: ResultKind) -> String? { results.first { $0.kind == kind }?.path }
                switch form {
                case .binary:
                    paths[.binary] = path(.segmentation)
                    paths[.report] = path(.measurementReport)
                    paths[.keyObjects] = path(.keyObjects)
                    paths[.secondaryCapture] = path(.secondaryCapture)
                    paths[.heatMap] = path(.heatMap)
                    paths[.presentationState] = path(.presentationState)
                case .labelMap:
                    paths[.labelMap] = path(.segmentation)
                    paths[.reportOnLabelMap] = path(.measurementReport)
                case .fractional:
                    paths[.fractional] = path(.segmentation)
                    paths[.reportOnFractional] = path(.measurementReport)
                }
            }
            for (of, product) in [
                (Product.labelMap, Product.labelMapAsSegmentation),
                (.reportOnLabelMap, .reportOnLabelMapAsSegmentation),
            ] { paths[product] = try paths[of].map(Self.asSegmentation) }
            self.paths = paths
        }

        static func asSegmentation(_ path: String) throws -> String {
            var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            let root = Data("1.2.840.10008.5.1.4.1.1.66.".utf8)
            while let range = bytes.range(of: root + Data("7".utf8)) { bytes[range.upperBound - 1] = UInt8(ascii: "4") }
            try bytes.write(to: URL(fileURLWithPath: path + ".as"))
            return path + ".as"
        }
    }

    /// Made once for all tests.
    private static let made: Result<[Objects], any Error> = {
        atexit { for object in (try? MatrixTests.made.get()) ?? [] { object.study.remove() } }
        return Result { try sources.map { try Objects($0) } }
    }()

    @Test("every source has every kind of object")
    func complete() throws {
        for object in try Self.made.get() {
            #expect(Set(object.paths.keys) == Set(Product.allCases), "\(object.study.options)")
        }
    }

    @Test(
        "a judge accepts every kind of object that it reads, of every kind of source [OBJ-3] [OBJ-4] [OBJ-5]",
        .enabled(if: Judge.areDue(.dciodvfy, .dcmpschk, .dsrdump, .pixelMedInstance)), arguments: judges)
    func accepted(_ judge: Judge, _ reads: [Product]) throws {
        let objects = try Self.made.get()
        let list = objects.flatMap { object in
            reads.compactMap { product in object.paths[product].map { (object.study.options, product, $0) } }
        }
        #expect(list.count == reads.count * objects.count)
        let known = JudgeObjection.known.filter { $0.judge == judge }
        var made: Set<String> = []
        for ((options, product, path), complaints) in zip(list, try judge.complaintsOfEach(list.map(\.2))) {
            let others = complaints.filter { complaint in
                let objection = known.first {
                    $0.isMade(complaint.replacing(path, with: "FILE"), of: product, options)
                }
                if let objection { made.insert(objection.text) }
                return objection == nil
            }
            #expect(others == [], "\(product) of \(options)")
        }
        // What is not said any more must not be allowed any more.
        #expect(made == Set(known.map(\.text)))
    }

    @Test(
        "dcentvfy finds that all objects of a source are of one patient and study [OBJ-3] [OBJ-4] [OBJ-5]",
        .enabled(if: Judge.areDue(.dcentvfy)))
    func entities() throws {
        let objects = try Self.made.get()
        // The same bytes under two names would be an instance twice.
        let standIns: Set<Product> = [.labelMapAsSegmentation, .reportOnLabelMapAsSegmentation]
        let labelMaps: Set<Product> = [.labelMap, .reportOnLabelMap]
        for object in objects {
            for others in [standIns, labelMaps] {
                let paths = object.paths.filter { !others.contains($0.key) }.values.sorted()
                #expect(try Judge.dcentvfy.complaints(object.study.files + paths) == [], "\(object.study.options)")
            }
        }
    }

    /// What a reader should find of the segments, from 1.
    private static func segments(_ study: SourceStudy, _ product: Product) -> [Judge.Voxels] {
        (product == .labelMap ? study.apart : study.masks).enumerated().map { index, mask in
            let values = SourceStudy.probabilities(mask)
            let places = mask.voxels.indices.filter { mask.voxels[$0] != 0 }
            return Judge.Voxels(
                places: places,
                values: places.map {
                    switch product {
                    case .labelMap: index + 1
                    case .fractional: max(1, Int(values[$0]))
                    default: 1
                    }
                })
        }
    }

    private static let forms: [Product] = [.binary, .labelMap, .fractional]

    @Test(
        "highdicom reads every form of Segmentation of every source, value for value, on the right slice [OBJ-3]",
        .enabled(if: Judge.areDue(.highdicom)))
    func highdicom() throws {
        let objects = try Self.made.get()
        let list = objects.flatMap { object in
            Self.forms.compactMap { form in object.paths[form].map { (object.study, form, $0) } }
        }
        for ((study, form, _), frames) in zip(list, try Judge.highdicomFrames(list.map(\.2))) {
            var found = [[Int: Int]](repeating: [:], count: 3)
            for frame in frames {
                let slice = try #require(
                    study.source.frames.firstIndex {
                        $0.sopInstanceUID.string == frame.source && $0.frameNumber ?? 0 == frame.frame
                    })
                let base = slice * study.options.columns * study.options.rows
                for (pixel, value) in zip(frame.pixels, frame.values) {
                    found[frame.segment > 0 ? frame.segment : value][base + pixel] = value
                }
            }
            let read = found.dropFirst().map { voxels in
                let places = voxels.keys.sorted()
                return Judge.Voxels(places: places, values: places.compactMap { voxels[$0] })
            }
            #expect(read == Self.segments(study, form), "\(form) of \(study.options)")
        }
    }

    @Test(
        "dcmqi reads every form of Segmentation where it lies in the patient, and says which it cannot place",
        .enabled(if: Judge.areDue(.dcmqi, .highdicom)))
    func dcmqi() throws {
        let objects = try Self.made.get()
        let list = objects.flatMap { object in
            Self.forms.compactMap { form in object.paths[form].map { (object.study, form, $0) } }
        }
        let readable = list.filter { $0.0.options.tilt == 0 && !$0.0.options.isProjection }
        let read = try Judge.dcmqiSegments(readable.map { ($0.2, $0.0.placement) })
        for ((study, form, _), segments) in zip(readable, read) {
            // One file of a label map, else one of each segment. Its values are labels, unless they are fractions.
            var found: [String: [Int: Int]] = [:]
            for (name, places) in segments {
                let parts = name.split(separator: ":")
                let value = Int(parts[1]) ?? 0
                let file = form == .labelMap ? "\(value).nrrd" : String(parts[0])
                for place in places { found[file, default: [:]][place] = value }
            }
            for (index, segment) in Self.segments(study, form).enumerated() {
                let values = form == .fractional ? segment.values : segment.places.map { _ in index + 1 }
                let expected = Dictionary(uniqueKeysWithValues: zip(segment.places, values))
                #expect(found["\(index + 1).nrrd"] == expected, "\(form) of \(study.options)")
            }
            #expect(found.count == 2)
        }
        // It puts frames into one upright box, and wants every frame to have a place.
        for (study, form, path) in list where study.options.tilt != 0 || study.options.isProjection {
            let failure = try #require(throws: Judge.Failure.self) {
                try Judge.dcmqiSegments([(path, study.placement)])
            }
            let reason =
                study.options.isProjection ? "Plane Orientation (Patient) is missing" : "is outside image geometry"
            #expect(failure.description.contains(reason), "\(form) of \(study.options)")
        }
    }

    @Test(
        "highdicom and dcmqi find the groups of every report, on label maps too [OBJ-4]",
        .enabled(if: Judge.areDue(.dcmqi, .highdicom)))
    func groups() throws {
        let objects = try Self.made.get()
        let paths = objects.flatMap { [$0.paths[.report], $0.paths[.reportOnLabelMap], $0.paths[.reportOnFractional]] }
            .compactMap(\.self)
        #expect(paths.count == 3 * objects.count)
        for (path, groups) in zip(paths, try Judge.highdicomGroups(of: paths)) {
            #expect(groups.map(\.kind) == ["volumetric", "volumetric", "planar", "planar"])
            #expect(groups.compactMap(\.segment) == [1, 2])
            #expect(groups[0].trackingUID == groups[2].trackingUID && groups[1].trackingUID == groups[3].trackingUID)
            #expect(try Judge.dcmqiGroupCount(path) == 4)
        }
    }

    @Test(
        "pydicom and highdicom read key objects, pictures, heat maps and presentation states of every source [OBJ-5]",
        .enabled(if: Judge.areDue(.highdicom)))
    func fallbacks() throws {
        let objects = try Self.made.get()
        for product in [Product.secondaryCapture, .heatMap] {
            let read = try Judge.fallbacks(
                of: objects.map { object in
                    func path(_ product: Product) -> String { object.paths[product] ?? "" }
                    return (path(.keyObjects), path(product), path(.presentationState))
                })
            #expect(read.count == objects.count)
            for (object, read) in zip(objects, read) {
                let options = object.study.options
                let key = object.study.source.frames[min(3, options.slices - 1)]
                let pictured = product == .heatMap ? object.study.source.frames[0] : key
                #expect(read.selected.first == key.sopInstanceUID.string, "\(options)")
                #expect(read.selectedFrames.first == key.frameNumber ?? 0, "\(options)")
                #expect(read.pictureOf == pictured.sopInstanceUID.string, "\(product) of \(options)")
                #expect(read.pictureFrame == pictured.frameNumber ?? 0, "\(product) of \(options)")
                #expect(read.shape.count == 3 && read.shape.last == 3, "\(product) of \(options)")
                #expect(read.patient == (options.characterSet.isEmpty ? "Doe^Jane" : Self.japaneseName))
                #expect(read.layers == ["FINDING1", "FINDING2"], "\(options)")
            }
        }
    }
}
