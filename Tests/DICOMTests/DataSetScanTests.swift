// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

@testable import DICOM

@Suite("The scan of a data set")
struct DataSetScanTests {
    @Test("gathers the header of a CT slice in each encoding", arguments: DataSetWriter.Encoding.allCases)
    func gathers(_ encoding: DataSetWriter.Encoding) throws {
        let header = try DataSetScan.read(DataSetWriter.slice(encoding), encoding.uid)
        var expected = InstanceHeader(
            sopClassUID: UID(literal: "1.2.840.10008.5.1.4.1.1.2"), sopInstanceUID: UID(literal: "1.2.3.4"),
            studyInstanceUID: UID(literal: "1.2.3"), seriesInstanceUID: UID(literal: "1.2.3.1"),
            transferSyntaxUID: encoding.uid)
        expected.patient = PatientIdentity(
            patientID: "P-1", issuerOfPatientID: "HOSPITAL", patientName: "Buc^Jérôme", patientBirthDate: "19700102",
            patientSex: "F")
        expected.specificCharacterSet = ["ISO_IR 100"]
        expected.accessionNumber = "A100"
        expected.studyID = "S1"
        expected.studyDate = "20261121"
        expected.studyTime = "101500"
        expected.studyDescription = "Head"
        expected.modality = "CT"
        expected.manufacturer = "Maker"
        expected.seriesNumber = 3
        expected.seriesDescription = "Axial 5 mm"
        expected.protocolName = "Routine"
        expected.bodyPartExamined = "HEAD"
        expected.convolutionKernel = "H30s\\3"
        expected.imageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        expected.instanceNumber = 17
        expected.acquisitionNumber = 1
        expected.rows = 4
        expected.columns = 4
        expected.sliceThickness = 5
        expected.spacingBetweenSlices = 5
        expected.pixelSpacing = [0.488281, 0.488281]
        expected.imagePositionPatient = [-125.5, -100, 10]
        expected.imageOrientationPatient = [1, 0, 0, 0, 1, 0]
        expected.gantryDetectorTilt = -12.5
        expected.frameOfReferenceUID = UID(literal: "1.2.3.9")
        expected.imagesInAcquisition = 30
        expected.burnedInAnnotation = "NO"
        expected.hasPixelData = true
        #expect(header == expected)
    }

    @Test("tells where Pixel Data begins", arguments: DataSetWriter.Encoding.allCases)
    func pixelDataOffset(_ encoding: DataSetWriter.Encoding) throws {
        let bytes = DataSetWriter.slice(encoding)
        let start = DataSetWriter.slice(encoding, pixels: false).count
        var scan = DataSetScan(transferSyntaxUID: encoding.uid)
        try scan.consume(Array(bytes[..<start]))
        #expect(scan.pixelDataOffset == nil)
        try scan.consume(Array(bytes[start...]))
        #expect(scan.pixelDataOffset == UInt64(start))
    }

    @Test("sees contrast in the agent and in its sequence")
    func contrast() throws {
        func hasContrast(_ body: (inout DataSetWriter) -> Void) throws -> Bool {
            try DataSetScan.read(DataSetWriter.instance(.explicit, body), DataSetWriter.Encoding.explicit.uid)
                .hasContrast
        }
        #expect(try !hasContrast { _ in })
        #expect(try !hasContrast { $0.element(0x0018_0010, "LO", "  ") })
        #expect(try hasContrast { $0.element(0x0018_0010, "LO", "IV") })
        for defined in [true, false] {
            #expect(try hasContrast { $0.sequence(0x0018_0012, defined: defined, [{ _ in }]) })
            #expect(try !hasContrast { $0.sequence(0x0018_0012, defined: defined, []) })
            #expect(
                try !hasContrast {
                    $0.sequence(0x0018_0012, defined: defined, [])
                    $0.sequence(0x0018_0026, defined: defined, [{ $0.element(0x0018_0010, "LO", "IV") }])
                })
        }
    }

    @Test("reads numbers as peers write them, and nothing that is none")
    func numbers() throws {
        func header(_ tag: UInt32, _ vr: String, _ value: String) throws -> InstanceHeader {
            try DataSetScan.read(
                DataSetWriter.instance(.explicit) { $0.element(tag, vr, value) }, DataSetWriter.Encoding.explicit.uid)
        }
        for (text, number) in [(" 17 ", 17), ("+5", 5), ("-3", -3), ("007", 7), ("1.000000", 1)] {
            #expect(try header(0x0020_0013, "IS", text).instanceNumber == number)
        }
        for text in ["", "x", "1.5", "9999999999999999999999", "0x10", "nan", "1 2"] {
            #expect(try header(0x0020_0013, "IS", text).instanceNumber == nil, "\(text)")
        }
        for (text, number) in [("1.5", 1.5), (" .5", 0.5), ("-1E-2 ", -0.01), ("5.", 5)] {
            #expect(try header(0x0018_0050, "DS", text).sliceThickness == number)
        }
        for text in ["", "nan", "inf", "0x1p4", "1,5", "1e999", "--1"] {
            #expect(try header(0x0018_0050, "DS", text).sliceThickness == nil, "\(text)")
        }
        #expect(try header(0x0020_0032, "DS", "1\\2").imagePositionPatient == nil)
        #expect(try header(0x0020_0032, "DS", "1\\2\\x").imagePositionPatient == nil)
        #expect(try header(0x0020_0032, "DS", "1\\2\\3\\4").imagePositionPatient == nil)
        #expect(try header(0x0028_0030, "DS", "0.5\\").pixelSpacing == nil)
    }

    @Test("lets no control character through")
    func controls() throws {
        let bytes = DataSetWriter.instance(.explicit) { w in
            w.element(0x0008_0060, "CS", Array("C\0T\n".utf8))
            w.element(0x0010_0020, "LO", Array("A\0B".utf8))
        }
        let header = try DataSetScan.read(bytes, DataSetWriter.Encoding.explicit.uid)
        #expect(header.modality == "C\u{FFFD}T\u{FFFD}")
        #expect(header.patient.patientID == "A\u{FFFD}00B")
        #expect(!header.isTextIntact)
    }

    @Test("knows every public sequence of the installed DCMTK")
    func sequenceTags() throws {
        guard let file = fopen("/usr/share/libdcmtk17/dicom.dic", "r") else { return }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 4096)
        var count = 0
        while fgets(&line, Int32(line.count), file) != nil {
            let fields = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self).split(
                separator: "\t")
            guard fields.count > 2, fields[1] == "SQ", fields[0].count == 11, fields[0].hasPrefix("("),
                let group = UInt32(fields[0].dropFirst().prefix(4), radix: 16),
                let element = UInt32(fields[0].dropFirst(6).prefix(4), radix: 16)
            else { continue }
            count += 1
            #expect(SequenceTags.contains(group << 16 | element), "\(fields[0])")
        }
        #expect(count > 1000)
        #expect(SequenceTags.contains(0x5012_2600))
        #expect(!SequenceTags.contains(0x0010_0020))
        #expect(SequenceTags.sorted == SequenceTags.sorted.sorted())
    }
}
