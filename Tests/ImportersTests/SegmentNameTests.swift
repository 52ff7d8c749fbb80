// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Testing

@testable import Importers

struct SegmentNameTests {
    @Test(
        "A structure's name becomes its SNOMED CT code, with its side apart, however upstream writes it",
        arguments: [
            ("spleen", "78961009", ""), ("Left Kideny", "64033007", "Left"), ("kidney_right", "64033007", "Right"),
            ("Portal and Splenic Veins", "110765007", ""), ("IVC", "64131007", ""), ("vertebrae_L5", "49668003", ""),
            ("rib_left_10", "77644006", "Left"), ("heart_atrium_left", "82471001", ""),
            ("lung_middle_lobe_right", "72481006", ""), ("Right-Inf-Lat-Vent", "53118009", "Right"),
            ("3rd-Ventricle", "49841001", ""), ("peripheral zone", "279706003", ""), ("lv_pool", "87878005", ""),
        ])
    func structure(name: String, code: String, side: String) {
        let segment = SegmentName(name)
        #expect(segment.code.value == code && segment.code.scheme == "SCT")
        #expect(segment.category == SegmentName.anatomicalStructure)
        #expect(segment.laterality?.meaning ?? "" == side)
    }

    @Test("A lesion is coded as such, with the organ as its site")
    func lesion() {
        let tumor = SegmentName("pancreatic tumor")
        #expect(tumor.code.value == "108369006" && tumor.site?.value == "15776009")
        #expect(tumor.category == SegmentName.abnormalStructure)
        let cyst = SegmentName("kidney_cyst_left")
        #expect(cyst.code.value == "367643001" && cyst.site?.value == "64033007")
        #expect(cyst.laterality == SegmentName.left)
    }

    @Test(
        "A name without a known code gets one of our own that DICOM has room for, the same in every package",
        arguments: ["pelvicalyceal system", "Left-ACgG--anterior-cingulate-gyrus", "Gewächs", "心", "Tumor core"])
    func own(name: String) {
        let code = SegmentName(name).code
        #expect(code.scheme == "99TRIAGED" && (1...16).contains(code.value.utf8.count))
        #expect(code == SegmentName(name).code && code.meaning == name)
    }

    @Test("Different names have different codes of our own")
    func distinct() {
        let names = (0..<500).map { "unheard-of structure \($0)" }
        #expect(Set(names.map { SegmentName($0).code.value }).count == names.count)
    }
}
