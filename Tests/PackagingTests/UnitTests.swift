// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

@Suite("systemd/triaged.service")
struct UnitTests {
    /// The unit with its program replaced by one that is there: systemd-analyze complains where there is none.
    func unit(in directory: TemporaryDirectory) throws -> String {
        let text = try String(contentsOfFile: Daemon.repository + "/systemd/triaged.service", encoding: .utf8)
        let changed = text.replacing("ExecStart=/usr/local/bin/triaged ", with: "ExecStart=/usr/bin/true ")
        try #require(changed != text)
        try changed.write(toFile: directory.file("triaged.service"), atomically: true, encoding: .utf8)
        return directory.file("triaged.service")
    }

    @Test("systemd-analyze verify has nothing to say about it")
    func verify() throws {
        let directory = try TemporaryDirectory()
        let verify = try Tool.run("/usr/bin/systemd-analyze", ["verify", try unit(in: directory)])
        #expect(verify.status == 0)
        #expect(verify.output.isEmpty, "\(verify.output)")
    }

    @Test("systemd-analyze security rates its exposure below 2.5")
    func exposure() throws {
        let directory = try TemporaryDirectory()
        let security = try Tool.run(
            "/usr/bin/systemd-analyze", ["security", "--offline=yes", "--threshold=24", try unit(in: directory)])
        #expect(security.status == 0, "\(security.output.suffix(200))")
    }

    @Test("the system-call filter lets a worker do what it needs and refuses what it does not")
    func filter() throws {
        let script = """
            import os, socket, mmap
            os.setpriority(os.PRIO_PROCESS, 0, 5)
            os.sched_setaffinity(0, os.sched_getaffinity(0))
            open("/proc/self/oom_score_adj", "w").write("500")
            mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
            socket.socket(socket.AF_INET).close()
            for refused in (lambda: os.chown("/", -1, -1), lambda: os.chroot("/"), lambda: os.setuid(os.getuid()),
                            lambda: socket.socket(socket.AF_NETLINK)):
                try:
                    refused()
                except OSError as error:
                    print(error.strerror)
            """
        let filtered = try Tool.run(
            Daemon.repository + "/Tests/under-unit-filter", ["/usr/bin/python3", "-c", script])
        #expect(filtered.status == 0, "\(filtered.output)")
        #expect(filtered.output == String(repeating: "Operation not permitted\n", count: 4))
    }
}
