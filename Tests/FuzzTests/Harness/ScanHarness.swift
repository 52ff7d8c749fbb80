// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

/// Byte 0 chooses the transfer syntax, byte 1 the sizes of the pieces; the rest is the data set.
enum ScanHarness {
    static let syntaxes = [
        "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.4.70",
        // Not in DCMTK's dictionary.
        "1.2.840.10008.1.2.4.201",
        "1.2.840.10008.1.2.1.99",
    ].compactMap { UID($0) }

    struct Reading: Equatable {
        var verdict: Result<InstanceHeader, ScanError>
        var pixelDataOffset: UInt64?
    }

    static func violation(of input: [UInt8]) -> String? {
        guard input.count > 2 else { return nil }
        // One more: what is no deflate stream becomes one of stored blocks, so that the scan behind the inflater is reached.
        let choice = Int(input[0]) % (syntaxes.count + 1)
        let syntax = syntaxes[min(choice, syntaxes.count - 1)]
        let body = Array(input[2...])
        let bytes = choice == syntaxes.count ? stored(body, size: 1 + Int(input[1]) * 7) : body
        var random = SeededGenerator(state: UInt64(input[1]))
        let longest = [1, 2, 7, 64, 4096][Int(input[1]) % 5]

        let whole = read(bytes, syntax) { bytes.count }
        let cut = read(bytes, syntax) { Int.random(in: 1...longest, using: &random) }
        if let words = difference(whole, cut, isDeflated: choice >= syntaxes.count - 1) {
            return "\(syntax): \(words)\nwhole: \(whole)\ncut: \(cut)"
        }
        if case .success(let header) = whole.verdict {
            if let offset = whole.pixelDataOffset, offset >= UInt64(bytes.count) { return "Pixel Data behind the end" }
            if choice < syntaxes.count - 1, header.hasPixelData != (whole.pixelDataOffset != nil) {
                return "Pixel Data without a place"
            }
            // A deflated data set is its content, deflated.
            if choice == syntaxes.count {
                let plain = read(body, syntaxes[1]) { body.count }
                guard case .success(var other) = plain.verdict else { return "accepted when deflated, else \(plain)" }
                other.transferSyntaxUID = syntax
                if other != header { return "deflated \(header), else \(other)" }
            }
        }
        return nil
    }

    static func read(_ bytes: [UInt8], _ syntax: UID, _ next: () -> Int) -> Reading {
        var scan = DataSetScan(
            transferSyntaxUID: syntax, limits: DataSetScan.Limits(maximumElements: 20_000),
            inflater: Inflaters.inflater(for: syntax))
        var failure: ScanError?
        var start = 0
        while start < bytes.count, failure == nil {
            let end = min(start + next(), bytes.count)
            failure = bytes[start..<end].withUnsafeBytes { piece in
                do throws(ScanError) {
                    try scan.consume(piece)
                    return nil
                } catch { return error }
            }
            start = end
        }
        let offset = scan.pixelDataOffset
        do throws(ScanError) {
            let header = try scan.finish()
            return Reading(verdict: .success(header), pixelDataOffset: offset)
        } catch {
            return Reading(verdict: .failure(failure ?? error), pixelDataOffset: offset)
        }
    }

    /// What inflates is found out in other portions when it comes in other pieces, so places in it may differ; the verdict
    /// may not.
    private static func difference(_ a: Reading, _ b: Reading, isDeflated: Bool) -> String? {
        switch (a.verdict, b.verdict) {
        case (.success(let one), .success(let other)):
            if one != other { return "the header differs" }
            return a.pixelDataOffset == b.pixelDataOffset ? nil : "the place of Pixel Data differs"
        case (.failure(let one), .failure(let other)):
            return one == other || isDeflated ? nil : "the reason differs"
        case (.success, .failure), (.failure, .success): return "the verdict differs"
        }
    }

    /// RFC 1951, stored blocks of at most `size` bytes.
    private static func stored(_ bytes: [UInt8], size: Int) -> [UInt8] {
        var out: [UInt8] = []
        var start = 0
        repeat {
            let end = min(start + size, bytes.count)
            let length = UInt16(end - start)
            out += [end == bytes.count ? 1 : 0, UInt8(length & 0xFF), UInt8(length >> 8)]
            out += [UInt8(~length & 0xFF), UInt8(~length >> 8)]
            out += bytes[start..<end]
            start = end
        } while start < bytes.count
        return out
    }
}
