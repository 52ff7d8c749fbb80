// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// Which frames make the stack, where a series holds more than one image of a place: several stacks, times, echoes,
/// b-values. What the options name is taken. Without that: the magnitude of complex images; a stack at least twice as
/// large as every other, where stacks overlap or differ in orientation; the first temporal position. Each is noted.
/// All else that lies twice at one place and differs in a trait is refused with its positions.
struct StackChoice {
    var planes: [PlaneDescription]
    var notes: [String] = []

    init(_ planes: [PlaneDescription], _ choice: FrameChoice) throws(VolumeRefusal) {
        self.planes = planes
        try take(.stackID, choice.stackID.map { .text($0) })
        try take(.temporalPosition, choice.temporalPosition.map { .number(Double($0)) })
        try take(.echoTime, choice.echoTime.map { .number($0) })
        try take(.bValue, choice.bValue.map { .number($0) })
        try take(.component, choice.complexImageComponent.map { .text($0) })
        if values(of: .component).count > 1, values(of: .component).contains(.text("MAGNITUDE")) {
            keep(.component, .text("MAGNITUDE"))
        }
        try takeLargestStack()
        let times = values(of: .temporalPosition)
        if times.count > 1, !repeated().isEmpty { keep(.temporalPosition, times[0]) }
        try refuseAmbiguity()
    }

    private func values(of trait: Trait) -> [TraitValue] { Set(planes.compactMap { $0.traits[trait] }).sorted() }

    private mutating func keep(_ trait: Trait, _ value: TraitValue) {
        let all = values(of: trait)
        guard all.count > 1 else { return }
        let count = planes.count
        planes.removeAll { $0.traits[trait] != value }
        notes.append("\(trait.rawValue) \(value) of \(list(all)) is taken: \(planes.count) of \(count) images")
    }

    private mutating func take(_ trait: Trait, _ value: TraitValue?) throws(VolumeRefusal) {
        guard let value else { return }
        let kept = planes.filter { isSame($0.traits[trait], value) }
        guard !kept.isEmpty else {
            let all = values(of: trait)
            throw .noSuchFrame(
                "no image has \(trait.rawValue) \(value)"
                    + (all.isEmpty ? "" : "; there \(all.count == 1 ? "is" : "are") \(list(all))"))
        }
        planes = kept
    }

    /// Scanners state times to a fraction of what was asked: a tenth is the same.
    private func isSame(_ a: TraitValue?, _ b: TraitValue) -> Bool {
        if case .number(let x)? = a, case .number(let y) = b { return abs(x - y) <= 0.1 }
        return a == b
    }

    private mutating func takeLargestStack() throws(VolumeRefusal) {
        let stacks = values(of: .stackID)
        guard stacks.count > 1 else { return }
        let isOne = planes.allSatisfy { $0.isParallel(to: planes[0]) } && !isRepeatedAcrossStacks()
        guard !isOne else { return }
        let sizes = stacks.map { stack in planes.count { $0.traits[.stackID] == stack } }
        let order = stacks.indices.sorted { sizes[$0] > sizes[$1] }
        guard sizes[order[0]] >= 2 * sizes[order[1]] else {
            throw .ambiguousFrames(
                differing: ["StackID (\(list(stacks)))"],
                positions: order.map { index in
                    planes.first { $0.traits[.stackID] == stacks[index] }?.position ?? Vector3(0, 0, 0)
                })
        }
        keep(.stackID, stacks[order[0]])
    }

    private func isRepeatedAcrossStacks() -> Bool {
        repeated().contains { group in Set(group.map { planes[$0].traits[.stackID] }).count > 1 }
    }

    /// Indices of planes that lie where another lies, by place, along the normal of the first.
    private func repeated() -> [[Int]] {
        guard let first = planes.first else { return [] }
        let normal = first.rowCosines.cross(first.columnCosines)
        let places = planes.indices.filter { planes[$0].isParallel(to: first) }
            .map { (index: $0, along: planes[$0].position.dot(normal)) }.sorted { $0.along < $1.along }
        var groups: [[Int]] = []
        var current: [Int] = []
        var last = 0.0
        for place in places {
            if !current.isEmpty, place.along - last >= Tolerance.samePosition {
                if current.count > 1 { groups.append(current) }
                current = []
            }
            current.append(place.index)
            last = place.along
        }
        if current.count > 1 { groups.append(current) }
        return groups
    }

    private func refuseAmbiguity() throws(VolumeRefusal) {
        var differing: [Trait: Set<TraitValue>] = [:]
        var positions: [Vector3] = []
        for group in repeated() {
            var isAmbiguous = false
            for trait in Trait.allCases {
                let values = Set(group.map { planes[$0].traits[trait] })
                guard values.count > 1 else { continue }
                differing[trait, default: []].formUnion(values.compactMap { $0 })
                isAmbiguous = true
            }
            if isAmbiguous { positions.append(planes[group[0]].position) }
        }
        guard !positions.isEmpty else { return }
        throw .ambiguousFrames(
            differing: Trait.allCases.compactMap { trait in
                differing[trait].map { "\(trait.rawValue) (\(list($0.sorted())))" }
            }, positions: positions)
    }

    private func list(_ values: [TraitValue]) -> String {
        values.prefix(6).map(\.description).joined(separator: ", ") + (values.count > 6 ? " …" : "")
    }
}
