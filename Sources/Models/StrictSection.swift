// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Yams

/// Collects what is wrong while a YAML file is read, so that one run names every fault.
package final class StrictProblems {
    let file: String
    package private(set) var problems: [PackageError.Problem] = []

    package init(file: String) { self.file = file }

    func add(_ message: String, at node: Node?) {
        add(message, line: node?.mark?.line)
    }

    func add(_ message: String, line: Int?) {
        problems.append(.init(file: file, line: line, message: message))
    }

    func add(_ error: YamlError) {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            add("not YAML: \(problem)\(context.map { " \($0.text)" } ?? "")", line: mark.line)
        case .duplicatedKeysInMapping(let duplicates, let context):
            add("key given twice: \(duplicates.map { "\($0)" }.joined(separator: ", "))", line: context.mark.line)
        default: add("not YAML: \(error)".split(separator: "\n").joined(separator: " "), line: nil)
        }
    }
}

/// A YAML mapping with the keys that it may have. A getter that finds a fault notes it and gives a stand-in,
/// which nobody sees: a file with problems is never used. For manifests, and for the node's configuration.
package struct StrictSection {
    let node: Node
    let path: String
    let problems: StrictProblems
    private let values: [String: Node]

    /// The whole text of a file; nil, with the problem noted, where it is no YAML or has nothing in it.
    package init?(yaml text: String, keys: [String], problems: StrictProblems) {
        do {
            guard let root = try Yams.compose(yaml: text) else {
                problems.add("the file is empty", line: 1)
                return nil
            }
            self.init(root, path: "", keys: keys, problems: problems)
            if node.mapping == nil { return nil }
        } catch let error as YamlError {
            problems.add(error)
            return nil
        } catch {
            problems.add("not YAML: \(error)", line: nil)
            return nil
        }
    }

    init(_ node: Node, path: String, keys: [String], problems: StrictProblems) {
        self.node = node
        self.path = path
        self.problems = problems
        var values: [String: Node] = [:]
        if let mapping = node.mapping {
            for (key, value) in mapping {
                let name = key.string ?? ""
                if keys.contains(name) {
                    values[name] = value
                } else {
                    let place = path.isEmpty ? "" : " in `\(path)`"
                    let near = nearest(to: name, among: keys)
                    let advice = near.map { "did you mean `\($0)`?" } ?? "keys are \(keys.joined(separator: ", "))"
                    problems.add("unknown key `\(name)`\(place); \(advice)", at: key)
                }
            }
        } else {
            problems.add("\(path.isEmpty ? "the file" : "`\(path)`") must be a mapping of keys", at: node)
        }
        self.values = values
    }

    package func has(_ key: String) -> Bool { values[key] != nil }
    func value(_ key: String) -> Node? { values[key] }
    func name(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }
    package func fault(_ key: String, _ message: String) {
        problems.add("`\(name(key))` \(message)", at: values[key] ?? node)
    }

    private func required(_ key: String) -> Node? {
        if values[key] == nil, node.mapping != nil { problems.add("`\(name(key))` is missing", at: node) }
        return values[key]
    }

    package func section(_ key: String, keys: [String]) -> StrictSection? {
        values[key].map { StrictSection($0, path: name(key), keys: keys, problems: problems) }
    }
    func requiredSection(_ key: String, keys: [String]) -> StrictSection? {
        required(key).map { StrictSection($0, path: name(key), keys: keys, problems: problems) }
    }

    package func text(_ key: String) -> String? {
        guard let node = values[key] else { return nil }
        // `key:` with nothing behind it is null, not a text.
        guard case .scalar(let scalar) = node, !(scalar.style == .plain && ["", "~", "null"].contains(scalar.string)),
            !scalar.string.allSatisfy(\.isWhitespace)
        else {
            fault(key, "must be a text")
            return nil
        }
        return scalar.string
    }
    package func requiredText(_ key: String) -> String { required(key) == nil ? "" : text(key) ?? "" }

    package func number(_ key: String, _ range: ClosedRange<Double>) -> Double? {
        guard let node = values[key] else { return nil }
        guard let value = node.float, value.isFinite else {
            fault(key, "must be a number")
            return nil
        }
        return bounded(key, value, range)
    }
    package func requiredNumber(_ key: String, _ range: ClosedRange<Double>) -> Double {
        required(key) == nil ? range.lowerBound : number(key, range) ?? range.lowerBound
    }

    package func integer(_ key: String, _ range: ClosedRange<Int>) -> Int? {
        guard let node = values[key] else { return nil }
        guard let value = node.int else {
            fault(key, "must be a whole number")
            return nil
        }
        guard range.contains(value) else {
            fault(key, "is \(value), outside \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return value
    }
    package func requiredInteger(_ key: String, _ range: ClosedRange<Int>) -> Int {
        required(key) == nil ? range.lowerBound : integer(key, range) ?? range.lowerBound
    }

    package func boolean(_ key: String) -> Bool? {
        guard let node = values[key] else { return nil }
        if node.bool == nil { fault(key, "must be true or false") }
        return node.bool
    }

    package func choice<Choice: RawRepresentable & CaseIterable>(_ key: String, _: Choice.Type) -> Choice? {
        guard values[key] != nil, let word = text(key) else { return nil }
        if let choice = Choice.allCases.first(where: { "\($0.rawValue)" == word }) { return choice }
        let words = Choice.allCases.map { "\($0.rawValue)" }
        let near = nearest(to: word, among: words).map { "; did you mean `\($0)`?" } ?? ""
        fault(key, "is `\(word)`, and must be one of \(words.joined(separator: ", "))\(near)")
        return nil
    }
    package func requiredChoice<Choice: RawRepresentable & CaseIterable>(_ key: String, _ type: Choice.Type) -> Choice?
    {
        required(key) == nil ? nil : choice(key, type)
    }

    /// A list of these words, each once.
    package func choices<Choice: RawRepresentable & CaseIterable>(_ key: String, _: Choice.Type) -> [Choice]? {
        guard let words = texts(key) else { return nil }
        let known = Choice.allCases.map { "\($0.rawValue)" }
        return words.compactMap { word in
            if let choice = Choice.allCases.first(where: { "\($0.rawValue)" == word }) { return choice }
            let near = nearest(to: word, among: known).map { "; did you mean `\($0)`?" } ?? ""
            fault(key, "has `\(word)`, and may hold \(known.joined(separator: ", "))\(near)")
            return nil
        }
    }

    package func texts(_ key: String, mayBeEmpty: Bool = false) -> [String]? {
        guard let node = values[key] else { return nil }
        guard let items = node.sequence else {
            fault(key, "must be a list of texts, such as [A, B]")
            return nil
        }
        let texts = items.compactMap { $0.scalar?.string }.filter { !$0.isEmpty }
        if texts.count != items.count || texts.isEmpty && !mayBeEmpty {
            fault(key, "must be a list of at least one text")
        }
        return texts
    }

    /// A list of as many numbers as asked; `nil` in it stands for the word given as `word`.
    func numbers(_ key: String, count: Int, _ range: ClosedRange<Double>, word: String? = nil) -> [Double?]? {
        guard let node = values[key] else { return nil }
        guard let items = node.sequence, items.count == count else {
            fault(key, "must be a list of \(count) numbers")
            return nil
        }
        var result: [Double?] = []
        for item in items {
            if let word, item.string == word {
                result.append(nil)
            } else if let value = item.float, value.isFinite {
                result.append(bounded(key, value, range))
            } else {
                fault(key, "must be a list of \(count) numbers" + (word.map { ", or `\($0)` in place of one" } ?? ""))
                return nil
            }
        }
        return result
    }

    /// A list of numbers.
    func numbers(_ key: String, count: ClosedRange<Int>, _ range: ClosedRange<Double>) -> [Double]? {
        guard let node = values[key] else { return nil }
        guard let items = node.sequence, count.contains(items.count) else {
            fault(key, "must be a list of \(words(count)) numbers")
            return nil
        }
        return numbers(key, count: items.count, range)?.compactMap(\.self)
    }

    func integers(_ key: String, count: ClosedRange<Int>, _ range: ClosedRange<Int>) -> [Int]? {
        guard let node = values[key] else { return nil }
        let integers = node.sequence?.compactMap(\.int)
        guard let integers, integers.count == node.sequence?.count, count.contains(integers.count) else {
            fault(key, "must be a list of \(words(count)) whole numbers")
            return nil
        }
        guard let wrong = integers.first(where: { !range.contains($0) }) else { return integers }
        fault(key, "has \(wrong), outside \(range.lowerBound) to \(range.upperBound)")
        return nil
    }

    private func words(_ count: ClosedRange<Int>) -> String {
        count.count == 1 ? "\(count.lowerBound)" : "\(count.lowerBound) to \(count.upperBound)"
    }

    /// A mapping of any words to texts.
    package func words(_ key: String) -> [String: String] {
        guard let node = values[key] else { return [:] }
        var result: [String: String] = [:]
        for (name, value) in node.mapping ?? [:] {
            if let name = name.string, let value = value.scalar?.string, !value.isEmpty { result[name] = value }
        }
        if result.isEmpty || result.count != node.mapping?.count {
            fault(key, "must be a mapping of names, such as {image: input_image}")
        }
        return result
    }

    /// [lower, upper], lower below upper.
    func interval(_ key: String) -> ClosedRange<Double>? {
        guard let pair = numbers(key, count: 2, -1e9...1e9) else { return nil }
        guard let lower = pair[0], let upper = pair[1], lower < upper else {
            fault(key, "must be [lower, upper] with lower below upper")
            return nil
        }
        return lower...upper
    }

    /// {minimum, maximum}, at least one of them.
    func range(_ key: String, _ bounds: ClosedRange<Double>) -> Rules.Range? {
        guard let section = section(key, keys: ["minimum", "maximum"]) else { return nil }
        let range = Rules.Range(minimum: section.number("minimum", bounds), maximum: section.number("maximum", bounds))
        if let minimum = range.minimum, let maximum = range.maximum, minimum > maximum {
            fault(key, "has a minimum of \(minimum) above its maximum of \(maximum)")
        }
        if !section.has("minimum"), !section.has("maximum") { fault(key, "needs `minimum`, `maximum` or both") }
        return range
    }

    /// Every item of a list of mappings with these keys.
    package func sections(_ key: String, keys: [String]) -> [StrictSection] {
        guard let node = values[key] else { return [] }
        guard let items = node.sequence else {
            fault(key, "must be a list")
            return []
        }
        return items.enumerated().map { position, item in
            StrictSection(item, path: "\(name(key))[\(position)]", keys: keys, problems: problems)
        }
    }

    /// Every item of a list of one-key mappings, with that key: `- clip: [0, 1]`.
    func steps(_ key: String, keys: [String]) -> [(key: String, section: StrictSection)] {
        values[key].map { steps(key, in: $0, path: name(key), keys: keys) } ?? []
    }

    /// A list of such lists, which may be empty.
    func stepLists(_ key: String, keys: [String]) -> [[(key: String, section: StrictSection)]] {
        guard let node = values[key] else { return [] }
        guard let lists = node.sequence, lists.allSatisfy({ $0.sequence != nil }) else {
            fault(key, "must be a list with a list of steps for each channel")
            return []
        }
        return lists.enumerated().map { steps(key, in: $1, path: "\(name(key))[\($0)]", keys: keys) }
    }

    private func steps(_ key: String, in node: Node, path: String, keys: [String]) -> [(
        key: String, section: StrictSection
    )] {
        guard let items = node.sequence else {
            fault(key, "must be a list of steps")
            return []
        }
        return items.enumerated().compactMap { position, item in
            let section = StrictSection(item, path: "\(path)[\(position)]", keys: keys, problems: problems)
            guard let mapping = item.mapping else { return nil }
            guard mapping.count == 1, let step = mapping.first?.key.string else {
                problems.add("`\(section.path)` must hold exactly one step", at: item)
                return nil
            }
            return keys.contains(step) ? (step, section) : nil
        }
    }

    private func bounded(_ key: String, _ value: Double, _ range: ClosedRange<Double>) -> Double? {
        if range.contains(value) { return value }
        fault(key, "is \(value), outside \(range.lowerBound) to \(range.upperBound)")
        return nil
    }
}

/// The known word that a misspelt one stands for: at most two edits, or a third of its length, away.
func nearest(to word: String, among known: [String]) -> String? {
    let distances = known.map { (word: $0, distance: editDistance(word.lowercased(), $0.lowercased())) }
    guard let best = distances.min(by: { $0.distance < $1.distance }) else { return nil }
    return best.distance <= max(2, best.word.count / 3) && best.distance < min(word.count, best.word.count)
        ? best.word : nil
}

/// Levenshtein.
private func editDistance(_ a: String, _ b: String) -> Int {
    let a = Array(a)
    let b = Array(b)
    var row = Array(0...b.count)
    for i in a.indices {
        var diagonal = row[0]
        row[0] = i + 1
        for j in b.indices {
            let substituted = diagonal + (a[i] == b[j] ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(substituted, diagonal + 1, row[j] + 1)
        }
    }
    return row[b.count]
}
