// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

/// Enhanced MR Image Storage (PS3.3 A.36) and what is converted to it (PS3.3 A.71): all planes in one instance.
extension MRSeries {
    private var isConverted: Bool { choices.form == .converted }

    func writeMultiFrame(
        _ images: [MRImage], _ frames: [[UInt8]], _ files: PhantomFiles
    ) throws(PhantomError) -> (files: [String], uids: [UID]) {
        guard frames.reduce(0, { $0 + $1.count }) < 0xFFFF_FFFE else { throw .impossible("Pixel Data would pass 4 GB") }
        let uid = uids.uid("instance\(number)")
        let path = try files.write(
            prefix, 1, header: header,
            sopClassUID: isConverted ? BrainMR.legacyConvertedEnhancedMRImageStorage : BrainMR.enhancedMRImageStorage,
            sopInstanceUID: uid, frames: frames
        ) { (item) throws(DCMTKError) in
            try setInstance(item, images)
            if !isConverted { try setPulseSequence(item) }
            try item.append(.sharedFunctionalGroupsSequence) { (group) throws(DCMTKError) in
                try setShared(group, images[0])
            }
            for image in images {
                try item.append(.perFrameFunctionalGroupsSequence) { (group) throws(DCMTKError) in
                    try setFrame(group, image)
                }
            }
        }
        return ([path], [uid])
    }

    private func imageType(_ component: String?) -> String {
        isConverted ? "ORIGINAL\\PRIMARY\\VOLUME\\NONE" : "ORIGINAL\\PRIMARY\\\(flavor)\\NONE"
    }

    /// Value 3 has terms of its own (PS3.3 C.8.13.1.1.1).
    private var flavor: String {
        switch sequence {
        case .t1, .t1c: "T1"
        case .t2: "T2"
        case .flair: "FLUID_ATTENUATED"
        }
    }

    private func component(_ image: MRImage?) -> String {
        if let image { return image.variant.component ?? "MAGNITUDE" }
        let all = Set(choices.repeats.map { $0.component ?? "MAGNITUDE" })
        return all.count == 1 ? all.first ?? "MAGNITUDE" : "MIXED"
    }

    private func setInstance(_ item: Item, _ images: [MRImage]) throws(DCMTKError) {
        let moment = choices.patient.studyDate + choices.patient.studyTime
        try item.set(.imageType, imageType(nil))
        try item.set(.instanceNumber, "1")
        try item.set(.numberOfFrames, "\(images.count)")
        try item.set(.acquisitionDateTime, moment)
        try item.set(.acquisitionNumber, "1")
        try item.set(.pixelPresentation, "MONOCHROME")
        try item.set(.volumetricProperties, "VOLUME")
        try item.set(.volumeBasedCalculationTechnique, "NONE")
        try item.set(.complexImageComponent, component(nil))
        try item.set(.acquisitionContrast, acquisitionContrast)
        try item.set(.presentationLUTShape, "IDENTITY")
        try item.setEmpty(.acquisitionContextSequence)
        if sequence == .t1c {
            if isConverted { try item.set(.contrastBolusAgent, "GADOLINIUM") } else { try setContrastAgent(item) }
        }
        let dimension = uids.uid("dimension\(number)")
        try item.append(.dimensionOrganizationSequence) { (organization) throws(DCMTKError) in
            try organization.set(.dimensionOrganizationUID, dimension)
        }
        var pointers = [(Tag.stackID, Tag.frameContentSequence), (.inStackPositionNumber, .frameContentSequence)]
        if temporalPositions > 1 { pointers.append((.temporalPositionIndex, .frameContentSequence)) }
        for (pointer, group) in pointers {
            try item.append(.dimensionIndexSequence) { (index) throws(DCMTKError) in
                try index.set(.dimensionIndexPointer, pointer)
                try index.set(.functionalGroupPointer, group)
                try index.set(.dimensionOrganizationUID, dimension)
            }
        }
    }

    private var acquisitionContrast: String {
        switch sequence {
        case .t1, .t1c: "T1"
        case .t2: "T2"
        case .flair: "FLUID_ATTENUATED"
        }
    }

    private func setContrastAgent(_ item: Item) throws(DCMTKError) {
        try item.append(.contrastBolusAgentSequence) { (agent) throws(DCMTKError) in
            try setCode(agent, "C-17800", "SRT", "Gadolinium")
            try agent.set(.contrastBolusAgentNumber, 1)
            try agent.append(.contrastBolusAdministrationRouteSequence) { (route) throws(DCMTKError) in
                try setCode(route, "47625008", "SCT", "Intravenous route")
            }
            try agent.append(.contrastBolusIngredientCodeSequence) { (ingredient) throws(DCMTKError) in
                try setCode(ingredient, "C-17800", "SRT", "Gadolinium")
            }
            try agent.setEmpty(.contrastBolusVolume)
            try agent.setEmpty(.contrastBolusIngredientConcentration)
        }
    }

    /// Enhanced MR Image and MR Pulse Sequence (PS3.3 C.8.13.1, C.8.13.4).
    private func setPulseSequence(_ item: Item) throws(DCMTKError) {
        try item.set(.contentQualification, "RESEARCH")
        try item.set(.acquisitionDuration, [60])
        try item.set(.resonantNucleus, "1H")
        try item.set(.kSpaceFiltering, "NONE")
        try item.set(.magneticFieldStrength, "3")
        try item.set(.applicableSafetyStandardAgency, "IEC")
        try item.set(.pulseSequenceName, "tse2d")
        try item.set(.mrAcquisitionType, "2D")
        try item.set(.echoPulseSequence, "SPIN")
        for tag in [
            Tag.multiplanarExcitation, .phaseContrast, .timeOfFlightContrast,
            .echoPlanarPulseSequence, .saturationRecovery,
        ] {
            try item.set(tag, "NO")
        }
        try item.set(.multipleSpinEcho, "YES")
        try item.set(.steadyStatePulseSequence, "NONE")
        try item.set(.spectrallySelectedSuppression, "NONE")
        try item.set(.oversamplingPhase, "NONE")
        try item.set(.geometryOfKSpaceTraversal, "RECTILINEAR")
        try item.set(.rectilinearPhaseEncodeReordering, "LINEAR")
        try item.set(.segmentedKSpaceTraversal, "PARTIAL")
        try item.set(.numberOfKSpaceTrajectories, 1)
    }

    private func setFrame(_ group: Item, _ image: MRImage) throws(DCMTKError) {
        let moment = choices.patient.studyDate + choices.patient.studyTime
        try group.append(.frameContentSequence) { (item) throws(DCMTKError) in
            try item.set(.frameReferenceDateTime, moment)
            try item.set(.frameAcquisitionDateTime, moment)
            try item.set(.frameAcquisitionDuration, [1000])
            try item.set(.frameAcquisitionNumber, 1)
            try item.set(.stackID, "\(image.stackNumber)")
            try item.set(.inStackPositionNumber, image.position)
            var indices = [Double(image.stackNumber), Double(image.position)]
            if temporalPositions > 1 {
                try item.set(.temporalPositionIndex, image.variant.temporalPosition ?? 1)
                indices.append(Double(image.variant.temporalPosition ?? 1))
            }
            try item.set(.dimensionIndexValues, indices)
        }
        try group.append(.planePositionSequence) { (item) throws(DCMTKError) in
            try item.set(.imagePositionPatient, decimals(image.plane.position))
        }
        try group.append(.planeOrientationSequence) { (item) throws(DCMTKError) in
            try item.set(.imageOrientationPatient, decimals(image.plane.rowCosines, image.plane.columnCosines))
        }
        try group.append(.pixelMeasuresSequence) { (item) throws(DCMTKError) in
            let spacing = decimal(image.stack.pixelSpacing)
            try item.set(.pixelSpacing, "\(spacing)\\\(spacing)")
            try item.set(.sliceThickness, decimal(image.stack.sliceSpacing))
            try item.set(.spacingBetweenSlices, decimal(image.stack.sliceSpacing))
        }
        try group.append(.pixelValueTransformationSequence) { (item) throws(DCMTKError) in
            try setRescale(item, image)
        }
        try group.append(.mrImageFrameTypeSequence) { (item) throws(DCMTKError) in
            try item.set(.frameType, imageType(image.variant.component))
            try item.set(.pixelPresentation, "MONOCHROME")
            try item.set(.volumetricProperties, "VOLUME")
            try item.set(.volumeBasedCalculationTechnique, "NONE")
            try item.set(.complexImageComponent, component(image))
            try item.set(.acquisitionContrast, acquisitionContrast)
        }
        let echo = image.variant.echoTime ?? sequence.times.echo
        guard !isConverted else {
            try group.append(.unassignedPerFrameConvertedAttributesSequence) { (item) throws(DCMTKError) in
                try item.set(.echoTime, decimal(echo))
                if let b = image.variant.bValue { try item.set(.diffusionBValue, [b]) }
            }
            return
        }
        try group.append(.mrEchoSequence) { (item) throws(DCMTKError) in try item.set(.effectiveEchoTime, [echo]) }
        if let b = image.variant.bValue {
            try group.append(.mrDiffusionSequence) { (item) throws(DCMTKError) in
                try item.set(.diffusionBValue, [b])
                try item.set(.diffusionDirectionality, b == 0 ? "NONE" : "ISOTROPIC")
            }
        }
    }
}
