// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Foundation
import Index
import Logging
import Models
import Results
import Storage
import Web

/// The path on a folder: the same store, index, decisions and worker as in the daemon, in a temporary directory.
struct FolderRun {
    let packages: [ModelPackage]
    let output: String
    let objects: [ResultKind]
    let logger: Logger

    /// The worklist, and every final run with what the worklist does not show.
    func run(_ folder: String) throws -> (items: [WorklistItem], analyses: [FolderAnalysis]) {
        let files = try Self.files(in: folder)
        guard !files.isEmpty else { throw Failure("\(folder): no files") }
        try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
        let directory = NSTemporaryDirectory() + "/triaged-process-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let store = try InstanceStore(directory: directory)
        let index = try StudyIndex(path: StudyIndex.path(in: directory))

        var refused = 0
        for (done, file) in files.enumerated() {
            do { try admit(file, store, index) } catch {
                refused += 1
                logger.warning("\(file): skipped: \(error)")
            }
            progress("read \(done + 1) of \(files.count) files")
        }
        guard refused < files.count else {
            throw Failure("\(folder): none of \(files.count) files is DICOM that can be read")
        }
        let analyses = try analyse(store, index)
        let items = try WorklistSource(index: index).items()
        try index.close()
        return (items, analyses)
    }

    private func admit(_ path: String, _ store: InstanceStore, _ index: StudyIndex) throws {
        let file = try Part10File(path: path)
        let syntax = file.meta.transferSyntaxUID
        var scan = DataSetScan(transferSyntaxUID: syntax, inflater: Inflaters.inflater(for: syntax))
        let writer = store.writer(
            for: FileMetaInformation(
                sopClassUID: file.meta.sopClassUID, sopInstanceUID: file.meta.sopInstanceUID, transferSyntaxUID: syntax,
                sourceAETitle: nil))
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
        defer { buffer.deallocate() }
        do {
            while true {
                let count = try file.read(into: buffer)
                guard count > 0 else { break }
                let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
                try scan.consume(bytes)
                try writer.append(bytes, pixelDataOffset: scan.pixelDataOffset)
            }
            let header = try scan.finish()
            guard header.sopInstanceUID == file.meta.sopInstanceUID, header.sopClassUID == file.meta.sopClassUID else {
                throw Failure("file meta information and data set name different instances")
            }
            let stored = try writer.commit()
            if case .duplicate = try index.record(header, file: StoredFile(stored)) {
                try store.remove(stored.relativePath)
            }
        } catch {
            writer.abandon()
            throw error
        }
    }

    private func analyse(_ store: InstanceStore, _ index: StudyIndex) throws -> [FolderAnalysis] {
        var configuration = Configuration()
        configuration.allowDemonstration = true
        // A folder does not change while it is read: what is there is complete.
        configuration.quietPeriod = 0
        configuration.destinations = [
            .init(
                name: "folder", aeTitle: configuration.aeTitle, host: "", port: 0,
                template: ResultTemplate(objects: objects, negativeReport: true, notAnalysedReport: true))
        ]
        let completeness = CompletenessLoop(
            index: index, configuration: configuration, packages: packages, logger: logger, jobsQueued: {})
        let runnable = packages.filter { $0.hindrance == nil }
        let worker = Worker(
            number: 0, executable: try Node.executable(), threads: Machine.current.cores,
            environment: ProcessInfo.processInfo.environment, logger: logger)
        var analyses: [FolderAnalysis] = []
        let loop = AnalysisLoop(
            index: index, store: store,
            desk: try AnalysisDesk(index: index, store: store, packages: runnable, configuration: configuration),
            worker: worker, packages: runnable, configuration: configuration,
            equipment: Equipment(deviceSerialNumber: "folder", softwareVersions: Version.text), logger: logger,
            counters: Counters(), breathe: {}, analysed: { analyses.append(FolderAnalysis($0, $1)) }, jobEnded: {})
        defer { loop.stop() }
        do throws(WorkerError) { try worker.warm() } catch { throw Failure(error) }
        repeat {
            let next = try completeness.turn()
            progress("analysing")
            var pause = 0.0
            repeat { pause = try loop.turn() } while pause == 0
            // Something is waited for: another series, or a package that rests.
            if try !index.openSeries().isEmpty || !index.queue().isEmpty {
                Thread.sleep(forTimeInterval: min(pause, max(next, 0.01), 0.5))
            }
        } while try !index.openSeries().isEmpty || !index.queue().isEmpty
        for delivery in try index.dueDeliveries(to: "folder", limit: 100_000) {
            let target = "\(output)/\(delivery.modality)-\(delivery.sopInstanceUID).dcm"
            try? FileManager.default.removeItem(atPath: target)
            try FileManager.default.copyItem(atPath: try store.absolutePath(of: delivery.path), toPath: target)
        }
        progress(nil)
        return analyses
    }

    /// On a terminal only, on one line.
    private func progress(_ text: String?) {
        guard isatty(STDERR_FILENO) != 0 else { return }
        FileHandle.standardError.write(Data("\r\u{1B}[K\(text ?? "")".utf8))
    }

    private static func files(in folder: String) throws -> [String] {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: folder, isDirectory: &isDirectory), isDirectory.boolValue else {
            throw Failure("\(folder): no such folder")
        }
        return try FileManager.default.subpathsOfDirectory(atPath: folder).sorted().map { folder + "/" + $0 }.filter {
            var isDirectory: ObjCBool = false
            return FileManager.default.fileExists(atPath: $0, isDirectory: &isDirectory) && !isDirectory.boolValue
                && !$0.hasSuffix("/DICOMDIR")
        }
    }
}
