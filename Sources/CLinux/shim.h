// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/syscall.h>
#include <unistd.h>

// Swift's Glibc leaves out what needs _GNU_SOURCE, and variadic functions.

/// sync_file_range(2) with SYNC_FILE_RANGE_WRITE: begins to write and waits for nothing.
static inline int clinux_begin_write(int file, long long offset, long long count) {
    return (int)syscall(SYS_sync_file_range, file, offset, count, 2);
}
