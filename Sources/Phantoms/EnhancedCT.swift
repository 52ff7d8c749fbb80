// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

/// Enhanced CT Image Storage (PS3.3 A.38): all planes in one instance.
extension PhantomSeries {
    func writeMultiFrame(to directory: String, progress: (Int, Int) -> Void) throws(PhantomError) -> WrittenSeries {
        guard stored.bitsAllocated == 16 else { throw .impossible("a multi-frame object stores 12 or 16 bits") }
        guard let frameLength = stored.format(choices).byteCount,
            frameLength.multipliedReportingOverflow(by: layout.planes.count).partialValue < 0xFFFF_FFFE
        else { throw .impossible("Pixel Data would pass 4 GB") }
        let name = try encodedName()
        let sopInstanceUID = uids.uid("instance")
        let path = "\(directory)/CT00001.dcm"
        var written = WrittenSeries(files: [path], sopInstanceUIDs: [sopInstanceUID])
        var frames: [[UInt8]] = []
        try forEachFrame { (index, frame, bleedVoxels) throws(PhantomError) in
            frames.append(frame)
            written.bleedVoxels += bleedVoxels
            progress(index + 1, layout.planes.count)
        }
        do {
            let dataSet = DataSet()
            try dataSet.withItem { (item) throws(DCMTKError) in
                try setCommon(
                    item, sopClassUID: HeadCT.enhancedCTImageStorage, sopInstanceUID: sopInstanceUID, name: name)
                try setEnhanced(item)
                try encoder.set(frames, on: item)
            }
            try dataSet.write(to: path, transferSyntaxUID: choices.transferSyntax.uid)
        } catch {
            throw .file("\(error)")
        }
        return written
    }

    /// The third value has terms of its own here (PS3.3 C.8.16.1.3).
    private var enhancedImageType: String {
        let flavor = imageType[2] == "AXIAL" ? "VOLUME" : imageType[2]
        return [imageType[0], imageType[1], flavor, "NONE"].joined(separator: "\\")
    }

    private func setEnhanced(_ item: Item) throws(DCMTKError) {
        try item.set(.imageType, enhancedImageType)
        try item.set(.instanceNumber, "1")
        try item.set(.numberOfFrames, "\(layout.planes.count)")
        try item.set(.acquisitionDateTime, choices.studyDate + choices.studyTime)
        try item.set(.acquisitionDuration, [Double(layout.planes.count)])
        try item.set(.acquisitionNumber, "1")
        try item.set(.pixelPresentation, "MONOCHROME")
        try item.set(.volumetricProperties, "VOLUME")
        try item.set(.volumeBasedCalculationTechnique, "NONE")
        try item.set(.contentQualification, "RESEARCH")
        try item.set(.presentationLUTShape, "IDENTITY")
        try item.setEmpty(.acquisitionContextSequence)
        if hasContrast {
            try item.append(.contrastBolusAgentSequence) { (agent) throws(DCMTKError) in
                try setCode(agent, "C-B0322", "SRT", "Iohexol")
                try agent.set(.contrastBolusAgentNumber, 1)
                try agent.append(.contrastBolusAdministrationRouteSequence) { (route) throws(DCMTKError) in
                    try setCode(route, "47625008", "SCT", "Intravenous route")
                }
                try agent.append(.contrastBolusIngredientCodeSequence) { (ingredient) throws(DCMTKError) in
                    try setCode(ingredient, "44588005", "SCT", "Iodine")
                }
                try agent.setEmpty(.contrastBolusVolume)
                try agent.setEmpty(.contrastBolusIngredientConcentration)
            }
        }
        // Multi-frame Dimension (PS3.3 C.7.6.17): one dimension, the place in the stack.
        let dimension = uids.uid("dimension")
        try item.append(.dimensionOrganizationSequence) { (organization) throws(DCMTKError) in
            try organization.set(.dimensionOrganizationUID, dimension)
        }
        try item.append(.dimensionIndexSequence) { (index) throws(DCMTKError) in
            try index.set(.dimensionIndexPointer, Tag.inStackPositionNumber)
            try index.set(.functionalGroupPointer, Tag.frameContentSequence)
            try index.set(.dimensionOrganizationUID, dimension)
        }
        try item.append(.sharedFunctionalGroupsSequence) { (group) throws(DCMTKError) in
            try setSharedGroups(group)
            if choices.functionalGroups == .shared { try setPlaneGroups(group, plane: layout.planes[0]) }
        }
        for (index, plane) in layout.planes.enumerated() {
            try item.append(.perFrameFunctionalGroupsSequence) { (group) throws(DCMTKError) in
                if choices.functionalGroups == .perFrame { try setPlaneGroups(group, plane: plane) }
                try setFrameGroups(group, plane: plane, number: index + 1)
            }
        }
    }

    /// Pixel Measures, Plane Orientation and Pixel Value Transformation.
    private func setPlaneGroups(_ group: Item, plane: HeadLayout.Plane) throws(DCMTKError) {
        try group.append(.pixelMeasuresSequence) { (item) throws(DCMTKError) in
            try item.set(.pixelSpacing, "\(decimal(layout.pixelSpacing))\\\(decimal(layout.pixelSpacing))")
            try item.set(.sliceThickness, decimal(layout.sliceThickness))
            try item.set(.spacingBetweenSlices, decimal(layout.sliceSpacing))
        }
        // Orientations that differ cannot be shared.
        if choices.functionalGroups == .perFrame || !choices.defects.contains(.mixedOrientation) {
            try setOrientation(group, plane: plane)
        }
        guard !choices.defects.contains(.missingRescale) else { return }
        try group.append(.pixelValueTransformationSequence) { (item) throws(DCMTKError) in
            try item.set(.rescaleIntercept, decimal(stored.intercept))
            try item.set(.rescaleSlope, decimal(stored.slope))
            try item.set(.rescaleType, "HU")
        }
    }

    private func setOrientation(_ group: Item, plane: HeadLayout.Plane) throws(DCMTKError) {
        try group.append(.planeOrientationSequence) { (item) throws(DCMTKError) in
            try item.set(.imageOrientationPatient, decimals(plane.rowCosines, plane.columnCosines))
        }
    }

    private func setFrameGroups(_ group: Item, plane: HeadLayout.Plane, number: Int) throws(DCMTKError) {
        if choices.functionalGroups == .shared, choices.defects.contains(.mixedOrientation) {
            try setOrientation(group, plane: plane)
        }
        try group.append(.frameContentSequence) { (item) throws(DCMTKError) in
            let moment = choices.studyDate + choices.studyTime
            try item.set(.frameReferenceDateTime, moment)
            try item.set(.frameAcquisitionDateTime, moment)
            try item.set(.frameAcquisitionDuration, [1000])
            try item.set(.frameAcquisitionNumber, 1)
            try item.set(.stackID, "1")
            try item.set(.inStackPositionNumber, number)
            try item.set(.dimensionIndexValues, number)
        }
        try group.append(.planePositionSequence) { (item) throws(DCMTKError) in
            if plane.hasPosition { try item.set(.imagePositionPatient, decimals(plane.position)) }
        }
    }

    /// What an Enhanced CT must say of each frame and is the same in all (PS3.3 A.38.1.4, C.8.15.3).
    private func setSharedGroups(_ group: Item) throws(DCMTKError) {
        try group.append(.frameAnatomySequence) { (item) throws(DCMTKError) in
            try item.set(.frameLaterality, "U")
            try item.append(.anatomicRegionSequence) { (region) throws(DCMTKError) in
                try setCode(region, "69536005", "SCT", "Head")
            }
        }
        try group.append(.frameVOILUTSequence) { (item) throws(DCMTKError) in
            try item.set(.windowCenter, "40")
            try item.set(.windowWidth, "80")
        }
        if hasContrast {
            try group.append(.contrastBolusUsageSequence) { (item) throws(DCMTKError) in
                try item.set(.contrastBolusAgentNumber, 1)
                try item.set(.contrastBolusAgentAdministered, "YES")
                try item.set(.contrastBolusAgentDetected, "YES")
            }
        }
        try group.append(.irradiationEventIdentificationSequence) { (item) throws(DCMTKError) in
            try item.set(.irradiationEventUID, uids.uid("irradiation"))
        }
        try group.append(.ctImageFrameTypeSequence) { (item) throws(DCMTKError) in
            try item.set(.frameType, enhancedImageType)
            try item.set(.pixelPresentation, "MONOCHROME")
            try item.set(.volumetricProperties, "VOLUME")
            try item.set(.volumeBasedCalculationTechnique, "NONE")
        }
        try group.append(.ctAcquisitionTypeSequence) { (item) throws(DCMTKError) in
            try item.set(.acquisitionType, "SEQUENCED")
            try item.set(.constantVolumeFlag, "NO")
            try item.set(.fluoroscopyFlag, "NO")
        }
        try group.append(.ctAcquisitionDetailsSequence) { (item) throws(DCMTKError) in
            try item.set(.rotationDirection, "CW")
            try item.set(.revolutionTime, [1])
            try item.set(.singleCollimationWidth, [layout.sliceThickness])
            try item.set(.totalCollimationWidth, [layout.sliceThickness])
            try item.set(.tableHeight, "150")
            try item.set(.gantryDetectorTilt, decimal(choices.tilt))
            try item.set(.dataCollectionDiameter, "250")
        }
        try group.append(.ctTableDynamicsSequence) { (item) throws(DCMTKError) in
            try item.set(.tableSpeed, [0])
            try item.set(.tableFeedPerRotation, [0])
            try item.set(.spiralPitchFactor, [0])
        }
        try group.append(.ctPositionSequence) { (item) throws(DCMTKError) in
            try item.set(.dataCollectionCenterPatient, [0, 0, 0])
            try item.set(.reconstructionTargetCenterPatient, [0, 0, 0])
            try item.set(.tablePosition, [0])
        }
        try group.append(.ctGeometrySequence) { (item) throws(DCMTKError) in
            try item.set(.distanceSourceToDetector, "1085.6")
            try item.set(.distanceSourceToDataCollectionCenter, [595])
        }
        try group.append(.ctReconstructionSequence) { (item) throws(DCMTKError) in
            try item.set(.reconstructionAlgorithm, "FILTER_BACK_PROJ")
            try item.set(.convolutionKernel, "H31s")
            try item.set(.convolutionKernelGroup, "BRAIN")
            try item.set(.imageFilter, "STANDARD")
            try item.set(.reconstructionDiameter, "240")
            try item.set(.reconstructionAngle, [360])
            try item.set(
                .reconstructionPixelSpacing, "\(decimal(layout.pixelSpacing))\\\(decimal(layout.pixelSpacing))")
        }
        try group.append(.ctExposureSequence) { (item) throws(DCMTKError) in
            try item.set(.exposureTimeInms, [1000])
            try item.set(.xRayTubeCurrentInmA, [250])
            try item.set(.exposureInmAs, [250])
            try item.set(.exposureModulationType, "NONE")
        }
        try group.append(.ctXRayDetailsSequence) { (item) throws(DCMTKError) in
            try item.set(.kvp, "120")
            try item.set(.focalSpots, "1.2")
            try item.set(.filterType, "FLAT")
            try item.set(.filterMaterial, "ALUMINUM")
            try item.set(.calciumScoringMassFactorPatient, [1])
        }
    }
}
