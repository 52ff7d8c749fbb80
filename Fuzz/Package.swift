// swift-tools-version: 6.2
// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

// The code that reads what peers send, once more, with libFuzzer and AddressSanitizer in it. A package of its own: nothing
// of it can reach the node's binary, and the normal build does not know of it. `make fuzz` builds and runs it.

import PackageDescription

/// Coverage for libFuzzer and red zones for AddressSanitizer; tests see internal names, so -enable-testing.
let instrumented: [SwiftSetting] = [
    .swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"),
    .unsafeFlags(["-sanitize=fuzzer,address", "-enable-testing"]),
]
let sanitizers = ["-fsanitize=fuzzer-no-link,address", "-fno-omit-frame-pointer", "-g"]

let package = Package(
    name: "fuzz",
    platforms: [.macOS(.v15)],
    targets: [
        .target(
            name: "CDCMTK", path: "Sources/CDCMTK",
            cxxSettings: [.unsafeFlags(sanitizers + ["-Wno-deprecated-declarations"])],
            linkerSettings: [
                "dcmtls", "dcmnet", "dcmsr", "dcmjpeg", "dcmjpls", "dcmimage", "dcmimgle", "dcmdata", "oflog", "ofstd",
                "z",
                "ssl", "crypto",
            ]
            .map { .linkedLibrary($0) } + [.linkedLibrary("stdc++")]),
        .target(name: "DICOM", path: "Sources/DICOM", swiftSettings: instrumented),
        .target(name: "DCMTK", dependencies: ["DICOM", "CDCMTK"], path: "Sources/DCMTK", swiftSettings: instrumented),
        .target(
            name: "Association", dependencies: ["DICOM", "DCMTK"], path: "Sources/Association",
            swiftSettings: instrumented),
        .target(
            name: "Harness", dependencies: ["Association", "DCMTK", "DICOM"], path: "Harness",
            swiftSettings: instrumented),
        .target(name: "CLibFuzzer", path: "CLibFuzzer"),
        .executableTarget(
            name: "fuzz", dependencies: ["CLibFuzzer", "Harness"], path: "Run",
            swiftSettings: [.swiftLanguageMode(.v6)],
            // libFuzzer's own `main` stays in its archive, since this executable has one.
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])]),
    ]
)
