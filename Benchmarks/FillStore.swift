// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DICOM
import Foundation
import Glibc
import Index
import Storage
import Synchronization

/// A store as years of work leave it: rows through the index as for received instances, and a file under each row's path.
/// The files are hard links of one instance, so that a million of them fit on any disk; their names, directories and rows
/// are all real.
@main
struct FillStore: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fillstore", abstract: "Makes a store with many instances, for measurements.")

    @Option(help: "The storage directory; must be empty or not there.")
    var store: String
    @Option(help: "How many instances.")
    var instances = 1_000_000
    @Option(help: "How many of them a series has; a study has two series.")
    var perSeries = 5

    /// ext4 allows 65,000 names for a file.
    private static let links = 60_000

    func run() throws {
        let years: Int64 = 3 * 365 * 86_400_000
        let now = Int64(Date().timeIntervalSince1970 * 1000)
        let perStudy = 2 * perSeries
        let capacity = InstanceStore.epochCapacity
        // Time goes by as the instances come: the last ones came a week ago.
        let count = Atomic<Int>(0)
        let total = instances
        // Makes the directories.
        _ = try InstanceStore(directory: store)
        let index = try StudyIndex(
            path: store + "/index.sqlite",
            clock: {
                let passed = Int64(count.load(ordering: .relaxed))
                let wall = now - years + (years - 7 * 86_400_000) * passed / Int64(max(1, total))
                return Moment(wall: wall, monotonic: (wall - now + years) * 1_000_000)
            }, boot: "before")
        let failures = Atomic<Int>(0)
        var original: (path: String, stored: Storage.StoredInstance)?
        for number in 0..<instances {
            let epoch = 1 + number / capacity
            let folder = "instances/\(Self.digits(epoch / 1000, 6))/\(Self.digits(epoch, 9))"
            if number % capacity == 0 {
                try FileManager.default.createDirectory(
                    atPath: store + "/" + folder, withIntermediateDirectories: true)
            }
            if number % Self.links == 0 { original = try makeOriginal(number / Self.links) }
            guard let original else { preconditionFailure("made above") }
            let path = "\(folder)/\(Self.digits(number % capacity, 4)).dcm"
            guard link(original.path, store + "/" + path) == 0 else {
                throw ValidationError("\(path): \(String(cString: strerror(errno)))")
            }
            let header = header(number, study: number / perStudy, series: number / perSeries)
            let file = StoredFile(
                path: path, epoch: Int64(epoch), size: original.stored.size,
                headerDigest: original.stored.headerDigest, pixelDigest: original.stored.pixelDigest)
            count.store(number, ordering: .relaxed)
            try index.recordBehind(epoch: file.epoch, association: 0, callingAETitle: AETitle("CT1")) {
                (header, file)
            } done: {
                if case .failure = $0 { failures.add(1, ordering: .relaxed) }
            }
            if number % 100_000 == 99_999 { FileHandle.standardError.write(Data("\(number + 1) instances\n".utf8)) }
        }
        try index.close()
        guard failures.load(ordering: .relaxed) == 0 else { throw ExitCode.failure }
        try FileManager.default.removeItem(atPath: store + "/original")
    }

    /// A small CR image, as the store writes it.
    private func makeOriginal(_ number: Int) throws -> (path: String, stored: Storage.StoredInstance) {
        let directory = "\(store)/original/\(number)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let writer = try InstanceStore(directory: directory).writer(
            for: FileMetaInformation(
                sopClassUID: Self.sopClass, sopInstanceUID: UID(literal: "2.25.1"), transferSyntaxUID: Self.syntax,
                sourceAETitle: AETitle("CT1")))
        try [UInt8](repeating: 0, count: 4_000).withUnsafeBytes { try writer.append($0, pixelDataOffset: 1_000) }
        let stored = try writer.commit()
        return (directory + "/" + stored.relativePath, stored)
    }

    private static let sopClass = UID(literal: "1.2.840.10008.5.1.4.1.1.1")
    private static let syntax = UID(literal: "1.2.840.10008.1.2.1")

    private func header(_ number: Int, study: Int, series: Int) -> InstanceHeader {
        func uid(_ text: String) -> UID { UID("1.3.6.1.4.1.5962.99.1." + text) ?? UID(literal: "1") }
        var header = InstanceHeader(
            sopClassUID: Self.sopClass, sopInstanceUID: uid("3.\(number)"), studyInstanceUID: uid("1.\(study)"),
            seriesInstanceUID: uid("2.\(series)"), transferSyntaxUID: Self.syntax)
        // Every second study is of a patient who was here before.
        let patient = study / 2
        header.patient = PatientIdentity(
            patientID: "P\(Self.digits(patient, 8))", issuerOfPatientID: "HOSPITAL",
            patientName: "Family\(patient % 5_000)^Given\(patient)", patientBirthDate: "19700101", patientSex: "O")
        header.accessionNumber = "A\(study)"
        header.studyID = "\(study)"
        header.studyDate = "2025\(Self.digits(1 + study % 12, 2))\(Self.digits(1 + study % 28, 2))"
        header.studyTime = "120000"
        header.studyDescription = "Thorax p.a. und seitlich"
        header.modality = "CR"
        header.manufacturer = "Synthetic"
        header.seriesNumber = 1 + series % 2
        header.seriesDescription = series % 2 == 0 ? "p.a." : "seitlich"
        header.bodyPartExamined = "CHEST"
        header.instanceNumber = 1 + number % perSeries
        header.imageType = ["ORIGINAL", "PRIMARY"]
        header.rows = 64
        header.columns = 64
        header.hasPixelData = true
        return header
    }

    private static func digits(_ number: Int, _ count: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, count - text.count)) + text
    }
}
