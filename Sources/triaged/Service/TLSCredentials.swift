// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import Foundation
import Glibc
import Logging
import Synchronization

/// The node's certificates for DICOM over TLS, read again when their files change: associations under way go on with what they
/// began with. Files that cannot be used leave the last good ones in use.
final class TLSCredentials: Sendable {
    /// Days before the end from which an operator is warned.
    static let warningDays = 30.0

    struct Status: Sendable {
        /// Negative where the certificate has expired.
        var daysLeft: Double
        /// Why the files as they are now are not in use; empty where they are.
        var failure: String
    }

    private struct State {
        var context: TLSContext
        var stamps: [Stamp?]
        var lookedAt: MonotonicTime
        var failure = ""
    }

    /// Tells whether a file is another one than before.
    private struct Stamp: Equatable {
        var inode: UInt64
        var size: Int
        var modified: [Int]

        init?(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            inode = UInt64(status.st_ino)
            size = Int(status.st_size)
            // The change time tells of permissions, and of files put back with an old modification time.
            modified = [
                status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec,
            ]
        }
    }

    private let configuration: Configuration.TLS
    private let logger: Logger
    private let state: Mutex<State>

    /// Throws what is wrong with the files.
    init(_ configuration: Configuration.TLS, logger: Logger) throws {
        self.configuration = configuration
        self.logger = logger
        let stamps = Self.stamps(configuration.files)
        let context = try Self.load(configuration)
        state = Mutex(State(context: context, stamps: stamps, lookedAt: .now))
        if let warning = Self.warning(context) {
            logger.warning("\(configuration.files.certificate): \(warning)")
        }
    }

    /// For a connection that begins now. Any thread; reads files where they changed, looking once a second at most.
    var current: TLSContext {
        state.withLock { state in
            if MonotonicTime.now - state.lookedAt >= 1 { refresh(&state, isForced: false) }
            return state.context
        }
    }

    var status: Status {
        let (context, failure) = state.withLock { state in
            if MonotonicTime.now - state.lookedAt >= 1 { refresh(&state, isForced: false) }
            return (state.context, state.failure)
        }
        return Status(daysLeft: Self.daysLeft(context), failure: failure)
    }

    /// At once, changed or not. Blocks.
    func reload() { state.withLock { refresh(&$0, isForced: true) } }

    private func refresh(_ state: inout State, isForced: Bool) {
        state.lookedAt = .now
        let stamps = Self.stamps(configuration.files)
        guard isForced || stamps != state.stamps else { return }
        state.stamps = stamps
        do {
            state.context = try Self.load(configuration)
            state.failure = ""
            logger.info("TLS certificates were read again")
            if let warning = Self.warning(state.context) {
                logger.warning("\(configuration.files.certificate): \(warning)")
            }
        } catch {
            state.failure = "\(error)"
            logger.error("\(error); the certificates read before stay in use")
        }
    }

    private static func stamps(_ files: TLSContext.Files) -> [Stamp?] {
        [files.certificate, files.key, files.trusted].map(Stamp.init)
    }

    /// Also refuses a key that everybody on this machine can read.
    static func load(_ configuration: Configuration.TLS) throws(Failure) -> TLSContext {
        var status = stat()
        let key = configuration.files.key
        if stat(key, &status) == 0, status.st_mode & 0o007 != 0 {
            let mode = String(status.st_mode & 0o777, radix: 8)
            throw Failure("\(key): everybody may use this key (mode \(mode)); chmod 640 it")
        }
        do throws(DCMTKError) {
            return try TLSContext(
                files: configuration.files, requiresCertificate: configuration.peerCertificates == .require)
        } catch {
            throw Failure(error.text)
        }
    }

    static func daysLeft(_ context: TLSContext) -> Double {
        (Double(context.validity.upperBound) - Date().timeIntervalSince1970) / 86_400
    }

    /// Whether the certificate's time is over, or soon will be.
    static func warning(_ context: TLSContext) -> String? {
        let days = daysLeft(context)
        if Date().timeIntervalSince1970 < Double(context.validity.lowerBound) { return "is not valid yet" }
        if days < 0 { return "has expired; peers refuse it" }
        return days < warningDays ? "expires in \(Int(days)) days" : nil
    }
}
