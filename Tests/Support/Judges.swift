// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Other people's programs that say whether our objects are right. A test names the judges that it needs with
/// `.enabled(if: Judge.areDue(.dciodvfy, …))`: where one is absent the test is skipped and says so, unless
/// TRIAGED_JUDGES names the Python environment of the judges. `make test` sets it, and then absence is a failure.
package enum Judge: String, CaseIterable, Sendable {
    /// dicom3tools: modules and attributes of one object; entities across objects.
    case dciodvfy, dcentvfy
    /// pixelmed-apps: SR templates, and modules of one object. About 5 s for the first file, 2 s for another report.
    case pixelMedReport, pixelMedSelection, pixelMedInstance
    /// dcmtk
    case dsrdump, dcmpschk
    /// Python packages
    case dcmqi, highdicom, pynetdicom

    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// The Python environment of the judges, with highdicom and dcmqi.
    private static let environment = ProcessInfo.processInfo.environment["TRIAGED_JUDGES"]

    private var program: String? {
        switch self {
        case .dciodvfy, .dcentvfy, .dsrdump, .dcmpschk: "/usr/bin/" + rawValue
        case .pixelMedReport, .pixelMedSelection, .pixelMedInstance:
            FileManager.default.fileExists(atPath: "/usr/share/java/pixelmed.jar") ? "/usr/bin/java" : nil
        case .dcmqi: Self.environment.map { $0 + "/bin/segimage2itkimage" }
        case .highdicom, .pynetdicom: Self.environment.map { $0 + "/bin/python" }
        }
    }

    package var isInstalled: Bool { program.map { FileManager.default.isExecutableFile(atPath: $0) } ?? false }

    package static func areDue(_ judges: Judge...) -> Bool {
        if environment != nil { return true }
        let absent = judges.filter { !$0.isInstalled }
        if !absent.isEmpty {
            print("skipped without \(absent.map(\.rawValue).joined(separator: ", ")); set TRIAGED_JUDGES to require")
        }
        return absent.isEmpty
    }

    /// What the judge complains about in the files; nothing where it accepts them. Throws where it is not there.
    package func complaints(_ paths: String...) throws -> [String] { try complaints(paths) }

    package func complaints(_ paths: [String]) throws -> [String] {
        switch self {
        case .dciodvfy:
            // It reads one file. It asks for Laterality wherever there is no Body Part Examined.
            let missingLaterality =
                "Error - </Laterality(0020,0060)> - Missing attribute for Type 2C Conditional - Module=<GeneralSeries>"
            return try paths.flatMap { path in
                try run(["-new", path]).lines {
                    $0.hasPrefix("Error") && $0 != missingLaterality
                }
            }
        case .dcentvfy:
            return try run(paths).lines { $0.hasPrefix("Error") }
        case .dsrdump:
            let result = try run(["-q"] + paths)
            let errors = result.lines { $0.hasPrefix("E:") || $0.hasPrefix("F:") }
            return result.status == 0 ? errors : errors + ["exit status \(result.status)"]
        case .dcmpschk:
            let result = try run(paths)
            let errors = result.lines { $0.hasPrefix("E:") || $0.hasPrefix("F:") || $0.contains("Test failed") }
            return result.output.contains("Test passed") || !errors.isEmpty
                ? errors : errors + ["it did not end: \(result.output)"]
        case .pixelMedReport, .pixelMedSelection, .pixelMedInstance:
            return try complaintsOfEach(paths).flatMap { $0 }.filter { $0 != Self.missingLaterality }
        case .dcmqi, .highdicom, .pynetdicom:
            throw Failure(description: "\(rawValue) reads; see Judge.dcmqiSegments and the like")
        }
    }

    /// Runs the judge's main program.
    func run(_ arguments: [String]) throws -> Run {
        guard let program, isInstalled else {
            throw Failure(
                description: "the judge \(rawValue) is not installed (\(program ?? "TRIAGED_JUDGES is not set"))")
        }
        return try Run(program, arguments)
    }

    /// Runs a Python script in the environment of the judges and decodes the JSON that it prints last.
    package func python<Answer: Decodable>(_ script: String, _ arguments: [String], as type: Answer.Type) throws
        -> Answer
    {
        guard let environment = Self.environment,
            FileManager.default.isExecutableFile(atPath: environment + "/bin/python")
        else { throw Failure(description: "the judge \(rawValue) is not installed, or TRIAGED_JUDGES is not set") }
        let run = try Run(environment + "/bin/python", ["-c", script] + arguments)
        guard run.status == 0, let line = run.output.split(separator: "\n").last else {
            throw Failure(description: "\(rawValue) failed: \(run.output.suffix(2000))")
        }
        return try JSONDecoder().decode(Answer.self, from: Data(line.utf8))
    }
}

/// A program that ran to its end.
package struct Run {
    package let status: Int32
    /// Standard output and standard error.
    package let output: String

    package init(_ program: String, _ arguments: [String]) throws {
        let path = NSTemporaryDirectory() + "triaged-run-" + UUID().uuidString
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        defer { try? FileManager.default.removeItem(atPath: path) }
        guard let file = FileHandle(forWritingAtPath: path) else {
            throw Judge.Failure(description: "cannot write \(path)")
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        // Without these, XPath in JDK 17 stops with JAXP0801003 and PixelMed validates nothing.
        let java =
            ["TotalOpLimit", "ExprOpLimit", "ExprGrpLimit"].map { "-Djdk.xml.xpath\($0)=0" }
            + ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
        process.environment = ProcessInfo.processInfo.environment
            .merging(["JAVA_TOOL_OPTIONS": java.joined(separator: " "), "LC_ALL": "C.UTF-8"]) { $1 }
        process.standardOutput = file
        process.standardError = file
        process.standardInput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try file.close()
        status = process.terminationStatus
        output = String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
    }

    package func lines(_ isWanted: (Substring) -> Bool) -> [String] {
        output.split(whereSeparator: \.isNewline).filter(isWanted).map(String.init)
    }
}
