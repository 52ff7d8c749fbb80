// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Foundation
import Results
import Testing

/// Results of a run over several series of a study.
struct CompanionTests {
    private static let small = SourceStudy.Options(columns: 33, rows: 31)
    private static let other = UID(literal: "1.2.826.0.1.3680043.10.1338.7")

    /// Another series of the study, made of the files of the first.
    private func companion(_ study: SourceStudy, patientID: String = "P0001") throws -> CompanionSeries {
        let instances = try study.source.instances.enumerated().map { number, instance in
            let uid = try #require(UID("\(Self.other).\(number + 1)"))
            let path = "\(study.directory)/other-\(number + 1).dcm"
            let dataSet = try DataSet(contentsOf: instance.path)
            try dataSet.withItem { (item) throws(DCMTKError) in
                try item.set(Tag(0x0008, 0x0018), uid)
                try item.set(Tag(0x0020, 0x000E), Self.other)
                try item.set(Tag(0x0010, 0x0020), patientID)
            }
            try dataSet.write(to: path, transferSyntaxUID: UID(literal: "1.2.840.10008.1.2.1"))
            return SourceInstance(
                sopClassUID: instance.sopClassUID, sopInstanceUID: uid, path: path,
                digest: String(format: "%064d", 100 + number))
        }
        return CompanionSeries(seriesInstanceUID: Self.other, instances: instances)
    }

    @Test("the report lists the instances of every series that was read, in evidence and image library")
    func evidence() throws {
        let study = try SourceStudy(Self.small)
        defer { study.remove() }
        let masks = [study.mask(1, slices: 1..<4)]
        var request = study.request(masks: masks)
        let alone = try request.encode(masks: masks, into: study.output)
        request.source.companions = [try companion(study)]
        let results = try request.encode(masks: masks, into: study.output)
        #expect(Set(results.map(\.sopInstanceUID)).isDisjoint(with: alone.map(\.sopInstanceUID)))
        // Where the files lie is no part of their names.
        request.source.companions[0].instances[0].path = study.directory + "/./other-1.dcm"
        #expect(try request.encode(masks: masks, into: study.output) == results)

        let report = try #require(results.first { $0.kind == .measurementReport })
        var evidence: [UID: Int] = [:]
        var images: Set<UID> = []
        try DataSet(contentsOf: report.path).withItem { item in
            item.forEachChild(Tag(0x0040, 0xA375)) { item in
                item.forEachChild(Tag(0x0008, 0x1115)) { series in
                    if let uid = series.uid(Tag(0x0020, 0x000E)) {
                        evidence[uid] = series.childCount(Tag(0x0008, 0x1199))
                    }
                }
            }
            func walk(_ item: Item) {
                item.forEachChild(Tag(0x0040, 0xA730)) { content in
                    if let uid = content.child(Tag(0x0008, 0x1199))?.uid(Tag(0x0008, 0x1155)) { images.insert(uid) }
                    walk(content)
                }
            }
            walk(item)
        }
        #expect(evidence[study.source.seriesInstanceUID] == 6 && evidence[Self.other] == 6 && evidence.count == 3)
        #expect(images.isSuperset(of: request.source.companions[0].instances.map(\.sopInstanceUID)))
    }

    @Test("a series of another patient is refused")
    func otherPatient() throws {
        let study = try SourceStudy(Self.small)
        defer { study.remove() }
        let masks = [study.mask(1, slices: 1..<4)]
        var request = study.request(masks: masks)
        request.source.companions = [try companion(study, patientID: "P0002")]
        let path = request.source.companions[0].instances[0].path
        #expect(throws: ResultsError.mixedPatients(path: path, attribute: Tag(0x0010, 0x0020))) {
            try request.encode(masks: masks, into: study.output)
        }
    }

    @Test("a slice of the masks cannot be of another series")
    func otherSlices() throws {
        let study = try SourceStudy(Self.small)
        defer { study.remove() }
        let masks = [study.mask(1, slices: 1..<4)]
        var request = study.request(masks: masks)
        let other = try companion(study)
        request.source.companions = [other]
        request.source.frames[0].sopInstanceUID = other.instances[0].sopInstanceUID
        #expect(throws: ResultsError.self) { try request.encode(masks: masks, into: study.output) }
    }
}
