// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Models
import Testing

@testable import Inference

@Suite struct PlaneTests {
    private let goldens = FlatGoldens.all

    @Test("A slice is resized as torch, MONAI, scikit-image and OpenCV do it", arguments: FlatGoldens.all.resizes)
    func resizing(_ golden: FlatGoldens.Resize) throws {
        let method = try #require(Manifest.Resize.Method(rawValue: golden.method))
        let isBytes = method == .bilinearBytes
        let image = Plane(
            channels: isBytes ? 3 : 1, height: 29, width: 41,
            values: try FlatGoldens.floats(isBytes ? goldens.bytes : goldens.image))
        let resized = image.resized(height: golden.height, width: golden.width, method)
        #expect(resized.height == golden.height && resized.width == golden.width)
        // Values reach 1000: float32 resolves 6e-5. torch sums sixteen products in single precision for bicubic.
        let limit: Float = isBytes ? 0 : method == .bicubic ? 1e-3 : 2e-4
        #expect(FlatGoldens.worst(resized.values, try FlatGoldens.floats(golden.output)) <= limit)
    }

    @Test func `windows, autocrop and standardisation are those of the second place of RSNA 2019`() throws {
        let golden = goldens.rsna
        let slice = Plane(height: golden.height, width: golden.width, values: try FlatGoldens.floats(golden.input))
        let stretched = slice.stretchedWindows(
            [(40, 80), (80, 200), (40, 380)].map { Manifest.IntensityWindow(center: $0.0, width: $0.1) })
        #expect(stretched.values == (try FlatGoldens.floats(golden.stretched)))
        let cropped = stretched.autocropped()
        #expect(cropped.height == golden.side && cropped.width == golden.side)
        #expect(cropped.values == (try FlatGoldens.floats(golden.cropped)))
        var normal = cropped.resized(height: 32, width: 32, .bilinearBytes)
        try normal.apply(
            .normalize(
                .init(
                    of: .all, channelWise: true, mean: [0.22363983, 0.18190407, 0.2523437].map { $0 * 255 },
                    deviation: [0.32451536, 0.2956294, 0.31335256].map { $0 * 255 }, minimumDeviation: 0)),
            stored: nil)
        #expect(FlatGoldens.worst(normal.values, try FlatGoldens.floats(golden.output)) < 1e-6)
    }

    @Test func `a projection is scaled, cropped and resized as torchxrayvision does it`() throws {
        let golden = goldens.projection
        let stored = Plane(height: golden.height, width: golden.width, values: try FlatGoldens.floats(golden.input))
        let scaled = stored.scaled(from: 0...4095, to: -1024...1024)
        #expect(FlatGoldens.worst(scaled.values, try FlatGoldens.floats(golden.scaled)) < 2e-4)
        let cropped = scaled.centreSquare()
        #expect(FlatGoldens.worst(cropped.values, try FlatGoldens.floats(golden.cropped)) < 2e-4)
        let resized = cropped.resized(height: 32, width: 32, .gaussianBilinear)
        #expect(FlatGoldens.worst(resized.values, try FlatGoldens.floats(golden.output)) < 3e-4)
        // MONOCHROME1 is 2^bits − 1 − x before anything else, which mirrors the range.
        let inverted = stored.map { 4095 - $0 }.scaled(from: 0...4095, to: -1024...1024)
        #expect(FlatGoldens.worst(inverted.values, try FlatGoldens.floats(golden.inverted)) < 2e-4)
    }

    @Test func `an image with nothing in it is not cropped`() {
        let plane = Plane(height: 3, width: 5, values: [Float](repeating: 0, count: 15))
        #expect(plane.autocropped() == plane)
    }

    @Test func `neighbours beyond the ends are the slices at the ends`() {
        let planes = (0..<3).map { Plane(height: 1, width: 2, values: [Float($0), Float(10 * $0)]) }
        #expect(neighbours(of: 0, offsets: [1, 0, -1], in: planes).values == [1, 10, 0, 0, 0, 0])
        #expect(neighbours(of: 2, offsets: [-1, 0, 1], in: planes).values == [1, 10, 2, 20, 2, 20])
    }

    @Test func `what a plane holds comes back to the pixels of its slice`() {
        let (height, width) = (20, 30)
        // A ramp: linear interpolation keeps it, so that each pixel must come back as it was.
        let ramp = (0..<height * width).map { Float($0 / width) + 100 * Float($0 % width) }
        let slice = Plane(height: height, width: width, values: ramp)
        let plane = slice.cropped(top: 2, left: 5, height: 16, width: 20).resized(height: 32, width: 10, .bilinear)
        let restored = plane.restored(channel: 0, height: height, width: width, outside: -1)
        for h in 0..<height {
            for w in 0..<width {
                let value = restored[h * width + w]
                if h < 2 || h >= 18 || w < 5 || w >= 25 {
                    #expect(value == -1)
                } else if h > 2, h < 17, w > 5, w < 24 {
                    #expect(abs(value - ramp[h * width + w]) < 1e-3)
                }
            }
        }
    }

    @Test func `each channel of a slice has the steps of its place`() throws {
        var plane = Plane(channels: 2, height: 1, width: 3, values: [-5, 1, 5, -4, 0, 4])
        let measured = Manifest.Normalization(of: .filled, minimumDeviation: 1e-8)
        try plane.apply(
            .perChannel([[.clip(0...2), .normalize(measured)], [.scaleMinMax(to: 0...1, channelWise: false)]]),
            stored: nil)
        // Every pixel has a value in some channel: 0, 1 and 2 around their mean.
        let step = Float(1.5).squareRoot()
        for (value, expected) in zip(plane.values, [-step, 0, step, 0, 0.5, 1]) {
            #expect(abs(value - expected) < 1e-6)
        }
        #expect(plane.channels == 2)
    }

    @Test func `the longer side fits and the rest is padded at right and bottom`() {
        let plane = Plane(height: 10, width: 20, values: [Float](repeating: 1, count: 200))
        let resized = plane.resized(longest: 16, .bilinear).paddedSquare(16)
        #expect(resized.height == 16 && resized.width == 16)
        #expect(resized.values[7 * 16 + 15] == 1 && resized.values[8 * 16] == 0)
        #expect(resized.rows == AxisMap(offset: 0.125, step: 1.25))
    }
}
