// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Yams

extension Manifest {
    /// Which images of a series a package takes, and as what.
    package struct Images: Sendable, Equatable {
        /// Of instances with several frames that are no stack: ultrasound, secondary capture.
        package enum Frames: Sendable, Equatable {
            case all
            /// Number ⌈n / 2⌉ of n.
            case middle
            /// From 1.
            case numbers([Int])
        }
        package enum Colour: String, Sendable, CaseIterable { case luminance, rgb }
        package enum Values: String, Sendable, CaseIterable {
            /// After the modality's own transformation; MONOCHROME1 turned round.
            case stored
            /// Behind the VOI LUT or window, too: 0 (black) to 255 (white).
            case display
        }
        /// Of several images at one place: stacks, times, echoes, b-values. nil leaves it to the rules of the volume.
        package struct Stack: Sendable, Equatable {
            package var stackID: String?
            /// From 1.
            package var temporalPosition: Int?
            /// ms.
            package var echoTime: Double?
            /// s/mm².
            package var bValue: Double?
            package var component: Component?

            package enum Component: String, Sendable, CaseIterable { case magnitude, phase, real, imaginary }

            package init() {}
        }

        package var frames = Frames.all
        package var colour = Colour.luminance
        package var values = Values.stored
        package var stack = Stack()

        package init() {}
    }

    static func images(_ root: StrictSection) -> Images {
        var images = Images()
        guard let section = root.section("images", keys: ["frames", "colour", "values", "stack"]) else { return images }
        images.frames = frames(section)
        images.colour = section.choice("colour", Images.Colour.self) ?? .luminance
        images.values = section.choice("values", Images.Values.self) ?? .stored
        let keys = ["stackID", "temporalPosition", "echoTime", "bValue", "component"]
        if let stack = section.section("stack", keys: keys) {
            images.stack.stackID = stack.text("stackID")
            images.stack.temporalPosition = stack.integer("temporalPosition", 1...100_000)
            images.stack.echoTime = stack.number("echoTime", 0...100_000)
            images.stack.bValue = stack.number("bValue", 0...1_000_000)
            images.stack.component = stack.choice("component", Images.Stack.Component.self)
        }
        return images
    }

    private static func frames(_ section: StrictSection) -> Images.Frames {
        guard let node = section.value("frames") else { return .all }
        switch node.string {
        case "all": return .all
        case "middle": return .middle
        default: break
        }
        if node.sequence != nil, let numbers = section.integers("frames", count: 1...10_000, 1...1_000_000) {
            return .numbers(numbers)
        }
        section.fault("frames", "must be `all`, `middle` or a list of numbers from 1")
        return .all
    }
}
