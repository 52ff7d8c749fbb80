// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc
import Synchronization

/// An empty file whose name is on disk already: what is written to it needs one sync, of its data. Belongs to one writer.
final class Place {
    let epoch: Int64
    /// Relative to the store.
    let path: String
    let file: Descriptor

    init(epoch: Int64, path: String, file: consuming Descriptor) {
        self.epoch = epoch
        self.path = path
        self.file = file
    }
}

/// Makes places ahead of need, a batch under one directory sync, on a thread of its own.
final class Places: Sendable {
    // Sendable: a place is in `ready` or with its one writer.
    private struct State: @unchecked Sendable {
        var ready: ArraySlice<Place> = []
        var isFilling = false
        /// Places that are being written to; true where a note lies in `incoming`.
        var taken: [String: Bool] = [:]
        var latestEpoch: Int64
    }
    private struct Epochs: ~Copyable {
        var number: Int64
        /// The number of its next file; none of its files has this number or a greater one.
        var next: Int
    }

    private let directory: String
    private let capacity: Int
    private let batch: Int
    private let state: Mutex<State>
    private let epochs: Mutex<Epochs>
    private let queue = DispatchQueue(label: "storage.places")

    /// Goes on with a new epoch, so that no name of a file that has since been removed is used again. Removes unused places that an interrupted run left there.
    init(directory: String, capacity: Int, batch: Int = 64) throws(StorageError) {
        self.directory = directory
        self.capacity = capacity
        self.batch = min(batch, capacity)
        let numbers = try Self.epochNumbers(in: directory)
        let latest = numbers.last ?? 0
        // Places are made for two epochs at most at a time.
        for epoch in numbers.suffix(2) { try Self.removeEmpty(in: directory + "/" + Self.path(ofEpoch: epoch)) }
        epochs = Mutex(Epochs(number: latest, next: capacity))
        state = Mutex(State(latestEpoch: latest))
    }

    deinit {
        for place in state.withLock({ $0.ready }) { unlink(directory + "/" + place.path) }
    }

    func take() throws(StorageError) -> Place {
        while true {
            if let place = next() { return place }
            try fill()
        }
    }

    private func next() -> Place? {
        let (place, isLow, isLate) = state.withLock { state -> (Place?, Bool, Bool) in
            let place = state.ready.popFirst()
            let isLow = place != nil && state.ready.count < batch / 2 && !state.isFilling
            if isLow { state.isFilling = true }
            let isLate = place.map { $0.epoch < state.latestEpoch } ?? false
            if let place { state.taken[place.path] = isLate }
            return (place, isLow, isLate)
        }
        if isLow {
            queue.async { [weak self] in
                // A failure comes again where somebody waits for the place.
                try? self?.fill()
                self?.state.withLock { $0.isFilling = false }
            }
        }
        if let place, isLate { note(place.path) }
        return place
    }

    /// The writer has committed the place or removed its file.
    func leave(_ place: Place) {
        let isNoted = state.withLock { $0.taken.removeValue(forKey: place.path) } ?? false
        if isNoted { unlink(notePath(place.path)) }
    }

    /// Adds a batch to those that are ready.
    private func fill() throws(StorageError) {
        let result: Result<Void, StorageError> = epochs.withLock { epochs in
            // Another caller may have been faster.
            if state.withLock({ $0.ready.count >= batch / 2 && !$0.ready.isEmpty }) { return .success(()) }
            do throws(StorageError) {
                if epochs.next >= capacity {
                    try Self.makeEpoch(epochs.number + 1, in: directory)
                    epochs.number += 1
                    epochs.next = 0
                    noteOld(before: epochs.number)
                }
                let made = try make(epochs.next..<min(epochs.next + batch, capacity), epoch: epochs.number)
                epochs.next += made.count
                state.withLock { $0.ready += made }
                return .success(())
            } catch { return .failure(error) }
        }
        try result.get()
    }

    private func make(_ numbers: Range<Int>, epoch: Int64) throws(StorageError) -> [Place] {
        let folder = Self.path(ofEpoch: epoch)
        var made: [Place] = []
        do throws(StorageError) {
            for number in numbers {
                let path = "\(folder)/\(Self.digits(Int64(number), 4)).dcm"
                // Exclusive, so that no file is ever replaced.
                let file = try Descriptor(directory + "/" + path, O_WRONLY | O_CREAT | O_EXCL, shown: path)
                made.append(Place(epoch: epoch, path: path, file: file))
            }
            try Descriptor(directory + "/" + folder, O_RDONLY | O_DIRECTORY, shown: folder).syncEntries()
            return made
        } catch {
            for place in made { unlink(directory + "/" + place.path) }
            throw error
        }
    }

    // MARK: Notes

    /// A start looks only at the latest epochs. What is still being received for an earlier one gets a note, by which a
    /// start finds it if it stays unfinished.
    private func noteOld(before epoch: Int64) {
        let old = state.withLock { state in
            state.latestEpoch = epoch
            let old = state.taken.filter { !$0.value }.map(\.key)
            for path in old { state.taken[path] = true }
            return old
        }
        for path in old {
            note(path)
            // Its writer may have been done meanwhile, and found no note to remove.
            if state.withLock({ $0.taken[path] == nil }) { unlink(notePath(path)) }
        }
    }

    private func notePath(_ path: String) -> String {
        directory + "/incoming/" + path.replacing("/", with: "-")
    }

    private func note(_ path: String) { symlink("../" + path, notePath(path)) }

    // MARK: Epochs

    private static func digits(_ number: Int64, _ count: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, count - text.count)) + text
    }

    /// A thousand epochs share a directory.
    static func path(ofEpoch number: Int64) -> String {
        "instances/\(digits(number / 1000, 6))/\(digits(number, 9))"
    }

    private static func makeEpoch(_ number: Int64, in directory: String) throws(StorageError) {
        let path = directory + "/" + path(ofEpoch: number)
        try Files.makeDirectory(String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)]))
        try Files.makeDirectory(path)
    }

    static func epochNumbers(in directory: String) throws(StorageError) -> [Int64] {
        var numbers: [Int64] = []
        for group in try Files.names(in: directory + "/instances") where Int64(group) != nil {
            numbers += try Files.names(in: "\(directory)/instances/\(group)").compactMap { Int64($0) }
        }
        return numbers.sorted()
    }

    private static func removeEmpty(in folder: String) throws(StorageError) {
        for name in try Files.names(in: folder) {
            var status = stat()
            if lstat(folder + "/" + name, &status) == 0, status.st_size == 0 { unlink(folder + "/" + name) }
        }
    }
}
