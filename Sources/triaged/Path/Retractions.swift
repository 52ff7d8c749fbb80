// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Index
import Logging
import Results
import Storage

/// Takes superseded objects back at one destination: one object for each later run, which goes there as any other does.
struct Retractions {
    let destination: String
    let equipment: Equipment
    let index: StudyIndex
    let store: InstanceStore
    let logger: Logger

    /// True where there is something new to send.
    func turn() throws -> Bool {
        let superseded = try index.superseded(at: destination)
        for group in superseded { try retract(group) }
        return !superseded.isEmpty
    }

    private func retract(_ group: Superseded) throws {
        guard let first = group.deliveries.first else { return }
        let at = Date(timeIntervalSince1970: Double(group.at) / 1000)
        let note = RejectionNote(
            studyInstanceUID: group.studyInstanceUID,
            rejected: group.deliveries.map {
                .init(
                    sopClassUID: $0.sopClassUID, sopInstanceUID: $0.sopInstanceUID,
                    seriesInstanceUID: $0.resultSeriesInstanceUID)
            }, equipment: equipment,
            time: ContentTime(
                secondsSince1970: group.at / 1000, microseconds: Int(group.at % 1000) * 1000,
                offsetMinutes: TimeZone.current.secondsFromGMT(for: at) / 60),
            destination: destination)
        // What a crash leaves there goes with the next start.
        let path = "\(store.directory)/incoming/\(note.sopInstanceUID).dcm"
        try note.write(to: path, source: try store.absolutePath(of: first.path))
        let kept = try store.keepResult(path, sopInstanceUID: note.sopInstanceUID)
        let isTaken = try index.retract(
            group,
            by: ResultFile(
                sopClassUID: RejectionNote.sopClassUID, sopInstanceUID: note.sopInstanceUID,
                seriesInstanceUID: note.seriesInstanceUID, transferSyntaxUID: RejectionNote.transferSyntaxUID,
                path: kept.relativePath, size: kept.size, digest: kept.digest, destinations: [destination],
                header: try? FileScan.admit(store.absolutePath(of: kept.relativePath))))
        guard isTaken else { return }
        logger.notice(
            "objects of an earlier run are taken back",
            metadata: ["objects": "\(group.deliveries.count)", "sopInstanceUID": "\(note.sopInstanceUID)"])
    }
}
