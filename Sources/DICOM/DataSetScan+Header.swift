// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

extension DataSetScan {
    /// Decodes what was gathered.
    func header() throws(ScanError) -> InstanceHeader {
        var header = InstanceHeader(
            sopClassUID: try requiredUID(.sopClassUID), sopInstanceUID: try requiredUID(.sopInstanceUID),
            studyInstanceUID: try requiredUID(.studyInstanceUID),
            seriesInstanceUID: try requiredUID(.seriesInstanceUID), transferSyntaxUID: transferSyntaxUID)
        var defects = harvest.defects

        header.specificCharacterSet = codes(.specificCharacterSet)
        let characterSet = SpecificCharacterSet(terms: header.specificCharacterSet)
        if !characterSet.isKnown { defects.insert(.characterSetUnknown) }
        var reader = TextReader(harvest: harvest, characterSet: characterSet)

        header.patient.patientID = reader.identifier(.patientID)
        header.patient.issuerOfPatientID = reader.identifier(.issuerOfPatientID)
        header.patient.patientName = reader.personName(.patientName)
        header.patient.patientBirthDate = code(.patientBirthDate)
        header.patient.patientSex = code(.patientSex)

        header.accessionNumber = reader.text(.accessionNumber)
        header.studyID = reader.text(.studyID)
        header.studyDate = code(.studyDate)
        header.studyTime = code(.studyTime)
        header.studyDescription = reader.text(.studyDescription)
        header.referringPhysicianName = reader.personName(.referringPhysicianName)
        header.seriesDate = code(.seriesDate)
        header.seriesTime = code(.seriesTime)
        header.requestAttributes = harvest.requests.map { request in
            RequestAttributes(
                scheduledProcedureStepID: reader.text(in: request.step),
                requestedProcedureID: reader.text(in: request.procedure))
        }
        header.contentDate = code(.contentDate)
        header.contentTime = code(.contentTime)
        header.modality = code(.modality)
        header.manufacturer = reader.text(.manufacturer)
        header.seriesNumber = integers(.seriesNumber).first
        header.seriesDescription = reader.text(.seriesDescription)
        header.protocolName = reader.text(.protocolName)
        header.bodyPartExamined = code(.bodyPartExamined)
        header.convolutionKernel = reader.text(.convolutionKernel)
        header.contrastBolusAgent = reader.text(.contrastBolusAgent)
        header.hasContrast = !header.contrastBolusAgent.isEmpty || harvest.hasContrastSequence
        header.imageType = codes(.imageType)
        header.instanceNumber = integers(.instanceNumber).first
        header.acquisitionNumber = integers(.acquisitionNumber).first
        header.numberOfFrames = integers(.numberOfFrames).first
        header.rows = harvest.unsignedShort(.rows)
        header.columns = harvest.unsignedShort(.columns)
        header.sliceThickness = decimals(.sliceThickness)?.first
        header.spacingBetweenSlices = decimals(.spacingBetweenSlices)?.first
        header.pixelSpacing = decimals(.pixelSpacing, count: 2)
        header.imagePositionPatient = decimals(.imagePositionPatient, count: 3)
        header.imageOrientationPatient = decimals(.imageOrientationPatient, count: 6)
        header.gantryDetectorTilt = decimals(.gantryDetectorTilt)?.first
        header.imagesInAcquisition = integers(.imagesInAcquisition).first
        header.burnedInAnnotation = code(.burnedInAnnotation)
        header.hasPixelData = pixels.offset != nil

        let frameOfReference = harvest.value(.frameOfReferenceUID)
        header.frameOfReferenceUID = UID(bytes: frameOfReference)
        if header.frameOfReferenceUID == nil, !frameOfReference.allSatisfy({ $0 == 0 || $0 == 0x20 }) {
            defects.insert(.malformedUID)
        }
        header.isTextIntact = reader.isIntact
        noteDefectsOfPixels(header, photometricInterpretation: code(.photometricInterpretation), in: &defects)
        header.defects = defects.words
        return header
    }

    private func requiredUID(_ slot: Slot) throws(ScanError) -> UID {
        let value = harvest.value(slot)
        if value.allSatisfy({ $0 == 0 || $0 == 0x20 }) { throw .missingUID(slot.tag) }
        guard let uid = UID(bytes: value) else { throw .malformedUID(slot.tag) }
        return uid
    }

    /// The values of an attribute whose VR has the default repertoire without controls (CS, DA, TM, DS, IS, UI); other
    /// bytes show as U+FFFD.
    private func codes(_ slot: Slot) -> [String] {
        let value = harvest.value(slot)
        if value.isEmpty { return [] }
        let values = value.split(separator: UInt8(ascii: "\\"), omittingEmptySubsequences: false).map {
            bytes -> String in
            let printable = DataSetScan.trimmed(bytes)
            if printable.allSatisfy({ (0x20...0x7E).contains($0) }) {
                return String(decoding: printable, as: UTF8.self)
            }
            return String(
                String.UnicodeScalarView(
                    printable.map { (0x20...0x7E).contains($0) ? UnicodeScalar($0) : "\u{FFFD}" }))
        }
        return values == [""] ? [] : values
    }

    private func code(_ slot: Slot) -> String { codes(slot).first ?? "" }

    /// Without padding (PS3.5 6.2): spaces on both sides, and the NULs that some peers pad with.
    static func trimmed(_ value: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var value = value
        while let last = value.last, last == 0x20 || last == 0 { value.removeLast() }
        while value.first == 0x20 { value.removeFirst() }
        return value
    }

    private func integers(_ slot: Slot) -> [Int] { codes(slot).prefix(1).compactMap(DataSetScan.integer) }

    /// IS; peers also send "1.000000".
    static func integer(_ text: String) -> Int? {
        if let number = Int(text) { return number }
        return decimal(text).flatMap { Int(exactly: $0) }
    }

    /// All values of a DS attribute, or nil where one does not parse or the number of values is another.
    private func decimals(_ slot: Slot, count: Int? = nil) -> [Double]? {
        let texts = codes(slot)
        let numbers = texts.compactMap(DataSetScan.decimal)
        guard !numbers.isEmpty, count.map({ $0 == numbers.count && $0 == texts.count }) ?? true else { return nil }
        return numbers
    }

    static func decimal(_ text: String) -> Double? {
        // Double would take "nan", "inf" and hexadecimal too.
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0) }),
            let number = Double(text), number.isFinite
        else { return nil }
        return number
    }
}
