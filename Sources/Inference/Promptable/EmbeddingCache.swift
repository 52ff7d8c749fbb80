// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation

/// Embeddings of images that were encoded before, by `EncoderImage.key`: the least recently used go when the bound is
/// reached. With a directory, which packages and processes may share, they outlive the process within a bound of its own; a
/// file that is not whole is not used.
/// Belongs to one thread.
final class EmbeddingCache {
    private let capacity: Int
    private let directory: String?
    private let limit: Int
    private var held: [String: [Float]] = [:]
    /// The least recently used first.
    private var order: [String] = []
    private var bytes = 0

    /// - Parameters:
    ///   - capacity: bytes in memory.
    ///   - directory: made where it is missing; nil keeps nothing on disk.
    ///   - limit: bytes in the directory.
    init(capacity: Int, directory: String? = nil, limit: Int = 1 << 30) {
        self.capacity = capacity
        self.directory = directory
        self.limit = limit
    }

    var count: Int { held.count }

    func embedding(_ key: String) -> [Float]? {
        if let values = held[key] {
            order.removeAll { $0 == key }
            order.append(key)
            return values
        }
        guard let values = read(key) else { return nil }
        hold(values, key)
        return values
    }

    func store(_ values: [Float], for key: String) {
        guard values.count * 4 <= capacity else { return }
        hold(values, key)
        write(values, key)
    }

    private func hold(_ values: [Float], _ key: String) {
        if let old = held.removeValue(forKey: key) {
            bytes -= old.count * 4
            order.removeAll { $0 == key }
        }
        held[key] = values
        order.append(key)
        bytes += values.count * 4
        while bytes > capacity, let oldest = order.first {
            order.removeFirst()
            bytes -= (held.removeValue(forKey: oldest)?.count ?? 0) * 4
        }
    }

    // MARK: On disk: the digest of the values, then the values.

    private func path(_ key: String) -> String? { directory.map { "\($0)/\(key).embedding" } }

    private func read(_ key: String) -> [Float]? {
        guard let path = path(key), let data = FileManager.default.contents(atPath: path), data.count > 32,
            data.count % 4 == 0, Data(SHA256.hash(data: data[32...])) == data[..<32]
        else { return nil }
        // The time of the last use decides which goes first.
        try? FileManager.default.setAttributes([.modificationDate: Date()], ofItemAtPath: path)
        return data[32...].withUnsafeBytes { raw in
            (0..<raw.count / 4).map { raw.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self) }
        }
    }

    /// A full disk costs the saving of time, not the result: failures are not told.
    private func write(_ values: [Float], _ key: String) {
        guard let directory, let path = path(key) else { return }
        guard values.count * 4 + 32 <= limit else { return }
        try? FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
        let payload = values.withUnsafeBytes { Data($0) }
        try? (Data(SHA256.hash(data: payload)) + payload).write(to: URL(fileURLWithPath: path), options: .atomic)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        var files = names.filter { $0.hasSuffix(".embedding") }.compactMap {
            name -> (path: String, date: Date, size: Int)? in
            let attributes = try? FileManager.default.attributesOfItem(atPath: "\(directory)/\(name)")
            guard let date = attributes?[.modificationDate] as? Date, let size = attributes?[.size] as? Int else {
                return nil
            }
            return ("\(directory)/\(name)", date, size)
        }.sorted { $0.date > $1.date }
        var total = files.reduce(0) { $0 + $1.size }
        while total > limit, let oldest = files.popLast() {
            try? FileManager.default.removeItem(atPath: oldest.path)
            total -= oldest.size
        }
    }
}
