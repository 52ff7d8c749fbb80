// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

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
}
