// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Glibc

/// What the files of the analysed instances say. Reading them checks that they are what the request says.
struct SourceFacts {
    /// The plane of one slice of the grid, decimal strings as the source has them.
    struct Plane {
        var position: String
        var orientation: String
        var pixelSpacing: String
        /// Nil where the source states none, or zero.
        var sliceThickness: String?
    }

    /// PS3.3 C.7.6.1.1.5: an image derived from a lossy one is lossy itself.
    struct LossyCompression: Equatable {
        /// Nil where it is stated nowhere and cannot be derived: nothing is invented.
        var ratio: String?
        var method: String?
    }

    /// What an image says of itself, for the image library.
    struct Image: Equatable {
        var modality: String
        var rows: Int
        var columns: Int
        /// mm between rows, then between columns; of the detector, where no other is stated. Nil where the frames say it.
        var spacing: [Double]?
        var view: Code?
        /// Of the image, or else of the series.
        var laterality: String?
        var imageLaterality: String?
        /// Of the rows, then of the columns.
        var orientation: [String]?

        init(_ item: Item) {
            modality = Text.short(item.string(Attribute.modality) ?? "")
            rows = item.integer(Attribute.rows) ?? 0
            columns = item.integer(Attribute.columns) ?? 0
            spacing = [Attribute.pixelSpacing, Attribute.imagerPixelSpacing].lazy
                .compactMap { item.numbers($0, count: 2) }.first { $0.allSatisfy { $0 > 0 } }
            view = item.child(Attribute.viewCodeSequence).flatMap(Text.code)
            imageLaterality = item.imageLaterality
            laterality = imageLaterality ?? item.string(Attribute.laterality).flatMap { $0.isEmpty ? nil : $0 }
            let words = item.strings(Attribute.patientOrientation)
            orientation = words.count == 2 && words.allSatisfy { Text.isPlain($0) } ? words : nil
        }
    }

    /// By SOP Instance UID, of every series that was read.
    private(set) var images: [UID: Image] = [:]
    /// By slice; empty where there is no frame of reference.
    private(set) var planes: [Plane] = []
    private(set) var lossyCompression: LossyCompression?
    private(set) var modality = ""

    /// What all images of the analysed series state; nil where they differ, or state none.
    private(set) var commonImageLaterality: String?

    /// Two instances that differ in one of these are of different patients or studies (decision 14). A name may be
    /// written in several ways.
    private static let identity: [Tag] = [
        Attribute.patientID, Attribute.issuerOfPatientID, Attribute.patientBirthDate, Attribute.patientSex,
        Attribute.studyInstanceUID, Attribute.seriesInstanceUID, Attribute.frameOfReferenceUID,
    ]

    init(_ source: SourceSeries) throws(ResultsError) {
        var slices: [UID: [(slice: Int, frame: Int?)]] = [:]
        for (slice, frame) in source.frames.enumerated() {
            slices[frame.sopInstanceUID, default: []].append((slice, frame.frameNumber))
        }
        var planeOfSlice = [Plane?](repeating: nil, count: source.frames.count)
        var identity: [Tag: [UInt8]] = [:]
        for (index, instance) in source.instances.enumerated() {
            let dataSet: DataSet
            do { dataSet = try DataSet(contentsOf: instance.path) } catch { throw ResultsError(error) }
            let syntax = dataSet.transferSyntaxUID
            try dataSet.withItem { (item) throws(ResultsError) in
                try Self.check(item, instance, source)
                for tag in Self.identity {
                    let bytes = item.bytes(tag) ?? []
                    if index == 0 {
                        identity[tag] = bytes
                    } else if identity[tag] != bytes {
                        throw .mixedPatients(path: instance.path, attribute: tag)
                    }
                }
                images[instance.sopInstanceUID] = Image(item)
                if index == 0 { modality = Text.short(item.string(Attribute.modality) ?? "") }
                if lossyCompression == nil { lossyCompression = Self.lossyCompression(item, syntax, instance.path) }
                guard source.frameOfReferenceUID != nil else { return }
                for (slice, frame) in slices[instance.sopInstanceUID] ?? [] {
                    planeOfSlice[slice] = try Self.plane(item, frame: frame, instance.path)
                }
            }
        }
        let lateralities = Set(images.values.map(\.imageLaterality))
        commonImageLaterality = lateralities.count == 1 ? lateralities.first.flatMap(\.self) : nil
        for series in source.companions {
            for instance in series.instances {
                images[instance.sopInstanceUID] = try Self.check(instance, of: series.seriesInstanceUID, identity)
            }
        }
        guard source.frameOfReferenceUID != nil else { return }
        for (slice, plane) in planeOfSlice.enumerated() {
            guard let plane else { throw .request("slice \(slice + 1) is of an instance that was not analysed") }
            planes.append(plane)
        }
    }

    /// Of the same patient, study and frame of reference, and what it is said to be.
    private static func check(
        _ instance: SourceInstance, of series: UID, _ identity: [Tag: [UInt8]]
    ) throws(ResultsError) -> Image {
        let dataSet: DataSet
        do { dataSet = try DataSet(contentsOf: instance.path) } catch { throw ResultsError(error) }
        return try dataSet.withItem { (item) throws(ResultsError) in
            let expected = [
                (Attribute.sopClassUID, instance.sopClassUID), (Attribute.sopInstanceUID, instance.sopInstanceUID),
                (Attribute.seriesInstanceUID, series),
            ]
            for (tag, uid) in expected where item.uid(tag) != uid {
                throw .source(path: instance.path, "\(tag) is not \(uid)")
            }
            for tag in Self.identity where tag != Attribute.seriesInstanceUID {
                guard item.bytes(tag) ?? [] == identity[tag] else {
                    throw .mixedPatients(path: instance.path, attribute: tag)
                }
            }
            return Image(item)
        }
    }

    private static func check(
        _ item: Item, _ instance: SourceInstance, _ source: SourceSeries
    ) throws(ResultsError) {
        let expected = [
            (Attribute.sopClassUID, instance.sopClassUID), (Attribute.sopInstanceUID, instance.sopInstanceUID),
            (Attribute.studyInstanceUID, source.studyInstanceUID),
            (Attribute.seriesInstanceUID, source.seriesInstanceUID),
        ]
        for (tag, uid) in expected where item.uid(tag) != uid {
            throw .source(path: instance.path, "\(tag) is not \(uid)")
        }
        guard item.uid(Attribute.frameOfReferenceUID) == source.frameOfReferenceUID else {
            throw .source(path: instance.path, "the Frame of Reference UID is another one")
        }
        // Radiographs of one series may differ in size, and a series that was not analysed in anything.
        guard source.frameOfReferenceUID != nil, !source.frames.isEmpty else { return }
        guard item.integer(Attribute.rows) == source.grid.rows, item.integer(Attribute.columns) == source.grid.columns
        else { throw .source(path: instance.path, "the matrix is not that of the masks") }
    }

    private static func plane(_ item: Item, frame: Int?, _ path: String) throws(ResultsError) -> Plane {
        func find(_ sequence: Tag, _ tag: Tag, count: Int) -> String? {
            var places = [item]
            if let frame {
                // Enhanced multi-frame: the frame's own functional groups, then the shared ones.
                places = [
                    item.child(Attribute.perFrameFunctionalGroupsSequence, frame - 1),
                    item.child(Attribute.sharedFunctionalGroupsSequence),
                ]
                .compactMap { $0?.child(sequence) }
            }
            for place in places {
                if let values = place.numbers(tag, count: count) {
                    return exact(place.strings(tag), values)
                }
            }
            return nil
        }
        guard let position = find(Attribute.planePositionSequence, Attribute.imagePositionPatient, count: 3),
            let orientation = find(Attribute.planeOrientationSequence, Attribute.imageOrientationPatient, count: 6),
            let spacing = find(Attribute.pixelMeasuresSequence, Attribute.pixelSpacing, count: 2)
        else { throw .source(path: path, "position, orientation or pixel spacing is missing") }
        let thickness = find(Attribute.pixelMeasuresSequence, Attribute.sliceThickness, count: 1)
        return Plane(
            position: position, orientation: orientation, pixelSpacing: spacing,
            sliceThickness: thickness.flatMap { Double($0) ?? 0 > 0 ? $0 : nil })
    }

    /// The strings as stored, so that positions compare equal, unless they are longer than a DS may be.
    private static func exact(_ strings: [String], _ values: [Double]) -> String {
        zip(strings, values).map { string, value in
            let trimmed = String(string.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
            return trimmed.utf8.count <= 16 ? trimmed : Text.decimal(value)
        }.joined(separator: "\\")
    }

    private static func lossyCompression(_ item: Item, _ syntax: UID?, _ path: String) -> LossyCompression? {
        let suffix = syntax.flatMap { $0.string.hasPrefix(jpegRoot) ? $0.string.dropFirst(jpegRoot.utf8.count) : nil }
        // Baseline and extended JPEG are lossy whatever the attribute says.
        guard item.string(Attribute.lossyImageCompression) == "01" || suffix == "50" || suffix == "51" else {
            return nil
        }
        func stated(_ tag: Tag) -> String? { item.string(tag).flatMap { $0.isEmpty ? nil : $0 } }
        let method: String? =
            switch suffix {
            case "50", "51": "ISO_10918_1"
            case "81": "ISO_14495_1"
            case "91": "ISO_15444_1"
            default: nil
            }
        return LossyCompression(
            ratio: stated(Attribute.lossyImageCompressionRatio) ?? (suffix == nil ? nil : ratio(item, path)),
            method: stated(Attribute.lossyImageCompressionMethod) ?? method)
    }

    private static let jpegRoot = "1.2.840.10008.1.2.4."

    private static func ratio(_ item: Item, _ path: String) -> String? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_size > 0, let rows = item.number(Attribute.rows),
            let columns = item.number(Attribute.columns), let bits = item.number(Attribute.bitsAllocated)
        else { return nil }
        let samples = item.number(Attribute.samplesPerPixel) ?? 1
        let frames = item.number(Attribute.numberOfFrames) ?? 1
        return Text.decimal(rows * columns * bits / 8 * samples * frames / Double(status.st_size), digits: 3)
    }
}

extension SourceFacts {
    /// Throws unless each slice of the grid lies where its source frame lies, to a quarter of the slice distance and half
    /// a pixel: a mask on the wrong slice, or turned over, would point the reader at the wrong place.
    func check(_ grid: Grid) throws(ResultsError) {
        let spacing = grid.spacing
        let column = grid.columnStep * (1 / spacing.column)
        let row = grid.rowStep * (1 / spacing.row)
        let normal = column.cross(row)
        let distance = grid.slices > 1 ? abs(grid.sliceStep.dot(normal)) : .infinity
        for (slice, plane) in planes.enumerated() {
            let position = plane.position.components
            let orientation = plane.orientation.components
            let pixel = plane.pixelSpacing.components
            let away =
                Vector3(position[0], position[1], position[2]) - grid.point(column: 0, row: 0, slice: Double(slice))
            let turned = max(
                (Vector3(orientation[0], orientation[1], orientation[2]) - column).length,
                (Vector3(orientation[3], orientation[4], orientation[5]) - row).length)
            // Pixel Spacing: between rows first, then between columns.
            let scaled = max(abs(pixel[0] / spacing.row - 1), abs(pixel[1] / spacing.column - 1))
            guard abs(away.dot(normal)) <= distance / 4, abs(away.dot(column)) <= spacing.column / 2,
                abs(away.dot(row)) <= spacing.row / 2, turned < 0.01, scaled < 0.01
            else { throw .request("slice \(slice + 1) of the grid does not lie where its source frame lies") }
        }
    }
}

extension String {
    /// Of a multi-valued decimal string that was read as numbers before.
    fileprivate var components: [Double] { split(separator: "\\").map { Double($0) ?? .nan } }
}

extension Item {
    /// One of the enumerated values (PS3.3 C.7.6.1); nil for anything else.
    var imageLaterality: String? {
        string(Attribute.imageLaterality).flatMap { ["R", "L", "U", "B"].contains($0) ? $0 : nil }
    }
}
