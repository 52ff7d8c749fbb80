// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Delivery
import Testing

@Suite struct CommitmentPolicyTests {
    let policy = CommitmentPolicy()
    let week = 7.0 * 86_400

    @Test("The wait doubles from a minute to an hour")
    func doubling() {
        #expect((1...9).map { policy.delay(attempts: $0, age: 0) } == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600])
        #expect(policy.delay(attempts: 1_000_000, age: week - 1) == 3600)
    }

    @Test("After a week it is given up, but not by the clock alone")
    func end() {
        #expect(policy.delay(attempts: 200, age: week - 1) != nil)
        #expect(policy.delay(attempts: 200, age: week) == nil)
        #expect(policy.delay(attempts: 23, age: 100 * week) != nil)
        #expect(policy.delay(attempts: 24, age: 100 * week) == nil)
        #expect(policy.delay(attempts: 200, age: -week) == 3600)
    }
}
