// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// PixelMed's validators take seconds to start and to warm up: one start of Java judges many files.
extension Judge {
    /// What PixelMed says where no side is stated, of a head, too.
    package static let missingLaterality = "Error: GeneralSeriesModule/Laterality/: : Missing conditional attribute"

    /// What the judge complains about in each of the files, in their order.
    package func complaintsOfEach(_ paths: [String]) throws -> [[String]] {
        switch self {
        case .pixelMedReport, .pixelMedSelection, .pixelMedInstance: try pixelMed(paths)
        default: try paths.map { try complaints([$0]) }
        }
    }

    private func pixelMed(_ paths: [String]) throws -> [[String]] {
        let program = NSTemporaryDirectory() + "triaged-pixelmed-" + UUID().uuidString + ".java"
        try Self.validation.write(toFile: program, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: program) }
        // For few files it is not worth while to compile well.
        let run = try run(
            (paths.count > 3 ? ["-XX:TieredStopAtLevel=4"] : [])
                + ["-cp", "/usr/share/java/*", program, self == .pixelMedInstance ? "instances" : "reports"] + paths)
        let parts = run.output.components(separatedBy: "\njudging a file\n").dropFirst()
        guard run.status == 0, parts.count == paths.count else {
            throw Failure(description: "PixelMed did not end: \(run.output.suffix(2000))")
        }
        return parts.map(complaints)
    }

    private func complaints(_ output: String) -> [String] {
        let errors = output.split(whereSeparator: \.isNewline).filter { $0.contains("Error") }.map(String.init)
        var needed = ["IOD validation complete"]
        if self != .pixelMedInstance {
            needed = [
                "Root Template Validation Complete",
                "Found Root Template \(self == .pixelMedReport ? "TID_1500" : "TID_2010")",
            ]
        }
        return errors + needed.filter { !output.contains($0) }.map { "missing: \($0)" }
    }

    private static let validation = """
        import com.pixelmed.dicom.AttributeList;
        import com.pixelmed.validate.DicomInstanceValidator;
        import com.pixelmed.validate.DicomSRValidator;

        public class Validation {
            public static void main(String[] arguments) throws Exception {
                boolean areReports = arguments[0].equals("reports");
                DicomSRValidator reports = areReports ? new DicomSRValidator() : null;
                DicomInstanceValidator instances = areReports ? null : new DicomInstanceValidator();
                for (int i = 1; i < arguments.length; ++i) {
                    System.out.print("\\njudging a file\\n");
                    try {
                        if (areReports) {
                            System.out.print(reports.validate(arguments[i]));
                        } else {
                            AttributeList list = new AttributeList();
                            list.read(arguments[i]);
                            System.out.print(instances.validate(list));
                        }
                    } catch (Exception exception) {
                        System.out.println("Error: " + exception);
                    }
                    System.out.flush();
                }
            }
        }
        """
}
