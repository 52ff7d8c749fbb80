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

    /// Takes the bytes that follow those of the last call.
    package mutating func consume(_ bytes: UnsafeRawBufferPointer) throws(Part10Error) {
        if scan != nil { return try forward(bytes) }
        prefix.append(contentsOf: bytes)
        let prefix = prefix
        let outcome: Result<Void, Part10Error> = prefix.withUnsafeBytes { bytes in
            do throws(Part10Error) {
                guard let header = try Part10Header(prefix: bytes) else { return .success(()) }
                begin(header)
                return .success(try forward(UnsafeRawBufferPointer(rebasing: bytes[header.dataSetOffset...])))
            } catch { return .failure(error) }
        }
        try outcome.get()
    }

    package mutating func finish() throws(Part10Error) -> InstanceHeader {
        guard scan != nil else { throw prefix.count < 132 ? .notPart10 : .truncated(offset: prefix.count) }
        do throws(ScanError) { return try scan!.finish() } catch { throw .dataSet(error) }
    }

    private mutating func begin(_ header: Part10Header) {
        fileHeader = header
        prefix = []
        scan = DataSetScan(
            transferSyntaxUID: header.transferSyntaxUID, limits: limits,
            inflater: header.transferSyntaxUID.isDeflatedTransferSyntax ? makeInflater?() : nil)
    }

    private mutating func forward(_ bytes: UnsafeRawBufferPointer) throws(Part10Error) {
        do throws(ScanError) { try scan!.consume(bytes) } catch { throw .dataSet(error) }
    }
}
