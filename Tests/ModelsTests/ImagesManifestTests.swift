// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Testing

@testable import Models

@Suite struct ImagesManifestTests {
    private func read(_ images: String) throws(PackageError) -> Manifest.Images {
        try Manifest.read(sample + "\nimages: \(images)\n", file: "m.yaml").images
    }

    @Test("Frames, colours, values and the stack arrive; what is left out is all, grey and stored")
    func arrives() throws {
        var images = try read("{frames: [3, 1], colour: rgb, values: display}")
        #expect(images.frames == .numbers([3, 1]) && images.colour == .rgb && images.values == .display)
        images = try read(
            "{frames: middle, stack: {stackID: \"2\", temporalPosition: 3, echoTime: 90.5, bValue: 0, component: phase}}"
        )
        #expect(images.frames == .middle && images.values == .stored && images.colour == .luminance)
        #expect(images.stack.stackID == "2" && images.stack.temporalPosition == 3 && images.stack.echoTime == 90.5)
        #expect(images.stack.bValue == 0 && images.stack.component == .phase)
        #expect(try read("{}") == Manifest.Images())
        #expect(try Manifest.read(sample, file: "m.yaml").images == Manifest.Images())
    }

    @Test(
        "What is no choice of images is told",
        arguments: [
            ("{frames: first}", "images.frames"), ("{frames: [0]}", "images.frames"), ("{frames: []}", "images.frames"),
            ("{colour: cmyk}", "images.colour"), ("{values: raw}", "images.values"), ("{color: rgb}", "color"),
            ("{stack: {component: modulus}}", "images.stack.component"), ("{stack: {time: 1}}", "time"),
        ])
    func faults(images: String, key: String) {
        let error = #expect(throws: PackageError.self) { try read(images) }
        #expect("\(error as Any)".contains(key), "\(error as Any)")
    }

    @Test("A promptable package takes grey images")
    func promptable() {
        let text = sample.replacing(
            "  slidingWindow: {roi: [96, 96, 64], overlap: 0.5, weighting: gaussian}",
            with: "  promptable: {family: sam}")
        for (colour, isFault) in [("rgb", true), ("luminance", false)] {
            let error = #expect(throws: PackageError.self) {
                try Manifest.read(text + "\nimages: {colour: \(colour)}\n", file: "m.yaml")
            }
            #expect("\(error as Any)".contains("`colour: rgb` is not for `promptable`") == isFault)
        }
    }
}
