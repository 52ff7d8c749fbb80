// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

extension MRSeries {
    /// What is the same in all frames (PS3.3 A.36.2.4, C.8.13.5).
    func setShared(_ group: Item, _ image: MRImage) throws(DCMTKError) {
        try group.append(.frameAnatomySequence) { (item) throws(DCMTKError) in
            try item.set(.frameLaterality, "U")
            try item.append(.anatomicRegionSequence) { (region) throws(DCMTKError) in
                try setCode(region, "12738006", "SCT", "Brain")
            }
        }
        try group.append(.frameVOILUTSequence) { (item) throws(DCMTKError) in
            try item.set(.windowCenter, "500")
            try item.set(.windowWidth, "1000")
        }
        guard choices.form != .converted else {
            try group.append(.unassignedSharedConvertedAttributesSequence) { (item) throws(DCMTKError) in
                try item.set(.repetitionTime, decimal(sequence.times.repetition))
                try item.set(.scanningSequence, sequence.times.inversion == nil ? "SE" : "SE\\IR")
            }
            return
        }
        if sequence == .t1c {
            try group.append(.contrastBolusUsageSequence) { (item) throws(DCMTKError) in
                try item.set(.contrastBolusAgentNumber, 1)
                try item.set(.contrastBolusAgentAdministered, "YES")
                try item.set(.contrastBolusAgentDetected, "YES")
            }
        }
        try setTiming(group)
        try group.append(.mrFOVGeometrySequence) { (item) throws(DCMTKError) in
            try item.set(.inPlanePhaseEncodingDirection, "ROW")
            try item.set(.mrAcquisitionFrequencyEncodingSteps, choices.columns)
            try item.set(.mrAcquisitionPhaseEncodingStepsInPlane, choices.rows)
            try item.set(.percentSampling, "100")
            try item.set(.percentPhaseFieldOfView, "100")
        }
        try setModifiers(group)
        try group.append(.mrReceiveCoilSequence) { (item) throws(DCMTKError) in
            try item.set(.receiveCoilName, "HEAD")
            try item.setEmpty(.receiveCoilManufacturerName)
            try item.set(.receiveCoilType, "VOLUME")
            try item.set(.quadratureReceiveCoil, "YES")
        }
        try group.append(.mrTransmitCoilSequence) { (item) throws(DCMTKError) in
            try item.set(.transmitCoilName, "BODY")
            try item.setEmpty(.transmitCoilManufacturerName)
            try item.set(.transmitCoilType, "BODY")
        }
        try group.append(.mrAveragesSequence) { (item) throws(DCMTKError) in
            try item.set(.numberOfAverages, "1")
        }
    }

    private func setTiming(_ group: Item) throws(DCMTKError) {
        try group.append(.mrTimingAndRelatedParametersSequence) { (item) throws(DCMTKError) in
            try item.set(.repetitionTime, decimal(sequence.times.repetition))
            try item.set(.flipAngle, "90")
            try item.set(.echoTrainLength, "8")
            try item.set(.rfEchoTrainLength, 8)
            try item.set(.gradientEchoTrainLength, 0)
            try item.set(.gradientOutputType, "ELECTRIC_FIELD")
            try item.set(.gradientOutput, [0])
            try item.append(.specificAbsorptionRateSequence) { (rate) throws(DCMTKError) in
                try rate.set(.specificAbsorptionRateDefinition, "IEC_WHOLE_BODY")
                try rate.set(.specificAbsorptionRateValue, [0.1])
            }
            try item.append(.operatingModeSequence) { (mode) throws(DCMTKError) in
                try mode.set(.operatingModeType, "STATIC FIELD")
                try mode.set(.operatingMode, "IEC_NORMAL")
            }
        }
    }

    private func setModifiers(_ group: Item) throws(DCMTKError) {
        try group.append(.mrModifierSequence) { (item) throws(DCMTKError) in
            try item.set(.inversionRecovery, sequence.times.inversion == nil ? "NO" : "YES")
            if let inversion = sequence.times.inversion { try item.set(.inversionTimes, [inversion]) }
            try item.set(.flowCompensation, "NONE")
            try item.set(.spoiling, "NONE")
            try item.set(.t2Preparation, "NO")
            try item.set(.spectrallySelectedExcitation, "NONE")
            try item.set(.spatialPresaturation, "NONE")
            try item.set(.partialFourier, "NO")
            try item.set(.parallelAcquisition, "NO")
        }
        try group.append(.mrImagingModifierSequence) { (item) throws(DCMTKError) in
            try item.set(.magnetizationTransfer, "NONE")
            try item.set(.bloodSignalNulling, "NO")
            try item.set(.tagging, "NONE")
            try item.set(.transmitterFrequency, [123.2])
            try item.set(.pixelBandwidth, "200")
        }
    }
}
