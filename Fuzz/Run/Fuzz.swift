// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import CLibFuzzer
import Glibc
import Harness

/// `FUZZ_TARGET=NAME fuzz [libFuzzer's options] [corpus directories]`. The name is no argument, for libFuzzer takes it for a
/// directory, and starts itself anew with the arguments it knows.
@main enum Fuzz {
    // Set before libFuzzer starts, and only read afterwards.
    nonisolated(unsafe) static var target = FuzzTarget.scan

    static func main() {
        guard let name = getenv("FUZZ_TARGET"), let target = FuzzTarget(rawValue: String(cString: name)) else {
            let names = FuzzTarget.allCases.map(\.rawValue).joined(separator: ", ")
            print("FUZZ_TARGET names none of \(names)")
            exit(2)
        }
        Fuzz.target = target
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> = CommandLine.unsafeArgv
        exit(
            LLVMFuzzerRunDriver(&count, &arguments) { bytes, count in
                let input = Array(UnsafeBufferPointer(start: bytes, count: count))
                if let violation = Fuzz.target.violation(of: input) {
                    print(violation)
                    abort()
                }
                return 0
            })
    }
}
