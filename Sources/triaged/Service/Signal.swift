// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Wakes a loop: raised from any thread, waited for by one. A raise before the wait is not lost.
///
/// Waits on CLOCK_MONOTONIC, which NSCondition does not: a step of the wall clock must not stretch a wait (decision 16).
final class Signal: Sendable {
    // Both live as long as the signal and are touched only through pthread calls, which synchronise; the flag only
    // while the mutex is held.
    private nonisolated(unsafe) let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private nonisolated(unsafe) let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private nonisolated(unsafe) let isRaised = UnsafeMutablePointer<Bool>.allocate(capacity: 1)

    init() {
        isRaised.initialize(to: false)
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
        isRaised.deallocate()
    }

    func raise() {
        pthread_mutex_lock(mutex)
        isRaised.pointee = true
        pthread_cond_signal(condition)
        pthread_mutex_unlock(mutex)
    }

    /// Returns when raised since the last wait, or after `seconds`.
    func wait(seconds: Double) {
        var until = timespec()
        clock_gettime(CLOCK_MONOTONIC, &until)
        let nanoseconds = Double(until.tv_nsec) + max(0, min(seconds, 86_400)) * 1e9
        until.tv_sec += Int(nanoseconds / 1e9)
        until.tv_nsec = Int(nanoseconds.truncatingRemainder(dividingBy: 1e9))
        pthread_mutex_lock(mutex)
        while !isRaised.pointee {
            if pthread_cond_timedwait(condition, mutex, &until) == ETIMEDOUT { break }
        }
        isRaised.pointee = false
        pthread_mutex_unlock(mutex)
    }
}
