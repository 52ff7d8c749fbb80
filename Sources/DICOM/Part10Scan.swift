// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// Scans a DICOM file as `DataSetScan` scans a data set: in pieces cut anywhere, once.
package struct Part10Scan: Sendable {
    /// What came first in the file; nil until its end was seen.
    package private(set) var fileHeader: Part10Header?
    private var scan: DataSetScan?
    private var prefix: [UInt8] = []
    private let limits: DataSetScan.Limits
    private let makeInflater: (@Sendable () -> any Inflater)?

    /// - Parameter makeInflater: for the deflated transfer syntaxes, which are refused without.
    package init(limits: DataSetScan.Limits = .init(), makeInflater: (@Sendable () -> any Inflater)? = nil) {
        self.limits = limits
        self.makeInflater = makeInflater
    }

    /// Offset, from the beginning of the file, of the top-level Pixel Data element.
    package var pixelDataOffset: UInt64? {
        guard let fileHeader, let offset = scan?.pixelDataOffset else { return nil }
        return offset + UInt64(fileHeader.dataSetOffset)
    }

    package mutating func consume(_ bytes: UnsafeRawBufferPointer) throws(ScanError) {
        if scan != nil {
            try scan!.consume(bytes)
            return
        }
        prefix.append(contentsOf: bytes)
        let prefix = prefix
        let header: Result<Part10Header?, ScanError> = prefix.withUnsafeBytes { bytes in
            do throws(ScanError) { return .success(try Part10Header(prefix: bytes)) } catch { return .failure(error) }
        }
        guard let header = try header.get() else { return }
        fileHeader = header
        self.prefix = []
        scan = DataSetScan(
            transferSyntaxUID: header.transferSyntaxUID, limits: limits,
            inflater: header.transferSyntaxUID.isDeflatedTransferSyntax ? makeInflater?() : nil)
        let result: Result<Void, ScanError> = prefix[header.dataSetOffset...].withUnsafeBytes { rest in
            do throws(ScanError) { return .success(try scan!.consume(rest)) } catch { return .failure(error) }
        }
        try result.get()
    }

    package mutating func finish() throws(ScanError) -> InstanceHeader {
        guard scan != nil else { throw prefix.count < 132 ? .notPart10 : .truncated(offset: UInt64(prefix.count)) }
        return try scan!.finish()
    }
}
