// swift-tools-version: 6.2
// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

let language: [SwiftSetting] = [
    .swiftLanguageMode(.v6), .treatAllWarnings(as: .error), .enableUpcomingFeature("ExistentialAny"),
]
let swift = language + [.enableUpcomingFeature("MemberImportVisibility")]

/// Debian's `pkg-config dcmtk` asks for a package that does not exist, so the libraries are named.
let dcmtkLibraries: [LinkerSetting] =
    [
        "dcmtls", "dcmnet", "dcmsr", "dcmjpeg", "ijg8", "ijg12", "ijg16", "dcmjpls", "dcmtkcharls", "dcmimage",
        "dcmimgle",
        "dcmdata", "oflog", "ofstd", "ssl", "crypto", "z",
    ].map { .linkedLibrary($0) } + [.linkedLibrary("stdc++")]

let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let grpc: [Target.Dependency] = [
    .product(name: "GRPCCore", package: "grpc-swift-2"),
    .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf"),
    .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
    .product(name: "SwiftProtobuf", package: "swift-protobuf"),
]
let http: [Target.Dependency] = [
    .product(name: "AsyncHTTPClient", package: "async-http-client"),
    .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
    .product(name: "NIOSSL", package: "swift-nio-ssl"),
]
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

func stage(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: swift)
}
func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, resources: resources, swiftSettings: swift)
}

let package = Package(
    name: "triaged",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "triaged", targets: ["triaged"])],
    dependencies: [
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.3"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.2"),
        .package(url: "https://github.com/grpc/grpc-swift-protobuf", from: "2.4.1"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    ],
    targets: [
        // The C libraries, each behind one door.
        .target(
            name: "CDCMTK", cxxSettings: [.unsafeFlags(["-Wno-deprecated-declarations"])],
            linkerSettings: dcmtkLibraries),
        .systemLibrary(name: "COpenVINO", pkgConfig: "openvino"),
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "COpenJPEG", pkgConfig: "libopenjp2", providers: [.apt(["libopenjp2-7-dev"])]),

        // The standard's words, and the values that cross stages.
        stage("DICOM", []),
        stage("DCMTK", ["DICOM", "CDCMTK"]),

        // The path of a study, in its order.
        stage("Association", ["DICOM", "DCMTK"]),
        stage("Storage", ["DICOM", "CLinux", crypto]),
        .target(
            name: "Migrations", path: "migrations",
            resources: [
                .embedInCode("v001_schema.sql"),
                .embedInCode("v002_search.sql"),
                .embedInCode("v003_query.sql"),
                .embedInCode("v004_commitment.sql"),
                .embedInCode("v005_procedure_step.sql"),
                .embedInCode("v006_retention.sql"),
                .embedInCode("v007_scale.sql"),
                .embedInCode("v008_scheduling.sql"),
                .embedInCode("v009_delivery.sql"),
            ], swiftSettings: swift),
        stage("Index", ["DICOM", "Migrations", grdb]),
        stage("Completeness", ["DICOM"]),
        stage("Models", ["DICOM", yams, crypto]),
        stage("Importers", ["DICOM", "Models", yams, crypto]),
        stage("Volume", ["DICOM", "DCMTK", "COpenJPEG"]),
        // The protocol of inference servers. The generated code wants a target of its own, and gRPC stays behind it.
        .target(
            name: "OpenInference", dependencies: grpc, exclude: ["Generated/open_inference.proto"], swiftSettings: swift
        ),
        stage("Inference", ["DICOM", "Models", "Volume", "COpenVINO", "OpenInference", crypto]),
        stage("Results", ["DICOM", "DCMTK", crypto]),
        stage("Delivery", ["DICOM"]),
        // What the node asks of DICOMweb servers; the HTTP client stays behind it.
        stage("DICOMweb", ["DICOM"] + http),
        stage("Triage", ["DICOM"]),
        stage("Web", ["DICOM", "Triage", hummingbird, lifecycle, logging], resources: [.embedInCode("Page")]),

        // Synthetic studies, for `triaged phantom` and for the tests.
        stage("Phantoms", ["DICOM", "DCMTK", "COpenJPEG"]),

        // The daemon and its subcommands; Path.swift walks a series down the list above.
        .executableTarget(
            name: "triaged",
            dependencies: [
                "DICOM", "DCMTK", "Association", "Storage", "Index", "Completeness", "Models", "Importers", "Volume",
                "Inference", "OpenInference", "Results", "Delivery", "DICOMweb", "Triage", "Web", "Phantoms", arguments,
                lifecycle,
                logging,
                crypto,
            ],
            // With gRPC in sight, Swift 6.3 takes Glibc's structs for CoreFoundation's, which nobody imports.
            swiftSettings: language),

        // A store of any size, for `make bench`.
        .executableTarget(
            name: "fillstore", dependencies: ["DICOM", "Index", "Storage", arguments], path: "Benchmarks",
            exclude: ["SegmentStudy"], swiftSettings: swift),
        // Results of a long series with many masks, likewise.
        .executableTarget(
            name: "segmentstudy", dependencies: ["DCMTK", "DICOM", "Results", arguments],
            path: "Benchmarks/SegmentStudy", swiftSettings: swift),

        // Scripted peers, judges and other people's programs, for the tests.
        .target(name: "Support", path: "Tests/Support", swiftSettings: swift),
        tests("DICOMTests", ["DICOM"]),
        tests("DCMTKTests", ["DCMTK", "DICOM", "Support"]),
        tests("AssociationTests", ["Association", "DICOM", "DCMTK", "Support"]),
        tests("FuzzTests", ["Association", "DICOM", "DCMTK"]),
        tests("StorageTests", ["DICOM", "Storage", crypto]),
        tests("IndexTests", ["DICOM", "Index", "Migrations", grdb]),
        tests("CompletenessTests", ["Completeness", "DICOM"]),
        tests("ModelsTests", ["DICOM", "Models"]),
        tests("ImportersTests", ["DICOM", "Importers", "Models"]),
        tests("PhantomsTests", ["DICOM", "DCMTK", "Phantoms"]),
        tests("VolumeTests", ["DICOM", "DCMTK", "Phantoms", "Volume"]),
        .testTarget(
            name: "OpenInferenceTests",
            dependencies: ["DICOM", "Models", "Volume", "Inference", "OpenInference", "Support", "triaged"] + grpc,
            exclude: ["Servers"], resources: [.copy("Networks")], swiftSettings: swift),
        tests("InferenceTests", ["DICOM", "Models", "Volume", "Inference", "Phantoms"], resources: [.copy("Goldens")]),
        tests("ResultsTests", ["DICOM", "DCMTK", "Results", "Support"]),
        tests("DeliveryTests", ["Delivery", "DICOM"]),
        tests("DICOMwebTests", ["DICOMweb", "DICOM", "Support"]),
        tests("TriageTests", ["Triage", "DICOM"]),
        tests("WebTests", ["Web", "DICOM", "Triage", lifecycle, logging]),
        tests("PackagingTests", ["Support"]),
        tests(
            "PathTests",
            [
                "Association", "DICOM", "Delivery", "DICOMweb", "Index", "Results", "Storage", "Support", "triaged",
                logging,
            ]),
        tests("ConformanceTests", ["Support", "triaged"]),
    ]
)
