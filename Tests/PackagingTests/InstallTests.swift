// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@Suite("make install")
struct InstallTests {
    let root: TemporaryDirectory
    let repositoryDefault: String

    init() throws {
        root = try TemporaryDirectory()
        try root.write("#!/bin/sh\necho a program\n", to: "build/triaged", mode: 0o755)
        repositoryDefault = try String(contentsOf: repository.appending(path: "etc/triaged.yaml"), encoding: .utf8)
    }

    func make(_ target: String, prefix: String = "/usr/local") throws -> Command {
        try Command.run(
            "/usr/bin/make", target, "PREFIX=\(prefix)", "DESTDIR=\(root.url.path)/root",
            "BINARY=\(root.url.path)/build/triaged")
    }

    @Test("it puts binary, configuration, unit and user in place")
    func everythingInPlace() throws {
        let install = try make("install")
        #expect(install.status == 0, "\(install.output)")
        #expect(try root.read("root/usr/local/bin/triaged").contains("a program"))
        #expect(try root.read("root/etc/triaged/triaged.yaml") == repositoryDefault)
        #expect(root.holds("root/etc/triaged/models"))
        let unit = try root.read("root/usr/local/lib/systemd/system/triaged.service")
        #expect(unit.contains("\nExecStart=/usr/local/bin/triaged serve --config /etc/triaged/triaged.yaml\n"))
        #expect(try root.read("root/usr/local/lib/sysusers.d/triaged.conf").contains("u triaged "))
    }

    @Test("with another prefix the unit starts the binary that was installed there")
    func anotherPrefix() throws {
        let install = try make("install", prefix: "/usr")
        #expect(install.status == 0, "\(install.output)")
        #expect(root.holds("root/usr/bin/triaged"))
        let unit = try root.read("root/usr/lib/systemd/system/triaged.service")
        #expect(unit.contains("\nExecStart=/usr/bin/triaged serve "))
    }

    @Test("a configuration that an administrator changed stays, with the new default beside it")
    func changedConfigurationStays() throws {
        #expect(try make("install").status == 0)
        try root.write("dicom: {aeTitle: OURS}\n", to: "root/etc/triaged/triaged.yaml")
        let second = try make("install")
        #expect(second.status == 0, "\(second.output)")
        #expect(second.output.contains("triaged.yaml.new"))
        #expect(try root.read("root/etc/triaged/triaged.yaml") == "dicom: {aeTitle: OURS}\n")
        #expect(try root.read("root/etc/triaged/triaged.yaml.new") == repositoryDefault)
    }

    @Test("a second install over an unchanged configuration leaves no .new behind")
    func unchangedConfiguration() throws {
        #expect(try make("install").status == 0)
        #expect(try make("install").status == 0)
        #expect(!root.holds("root/etc/triaged/triaged.yaml.new"))
    }

    @Test("without a built binary it says what to run first, and installs nothing")
    func noBinary() throws {
        try FileManager.default.removeItem(at: root.url.appending(path: "build/triaged"))
        let install = try make("install")
        #expect(install.status != 0)
        #expect(install.output.contains("make build"))
        #expect(!root.holds("root"))
    }

    @Test("uninstall takes away what was installed, but not the configuration")
    func uninstall() throws {
        #expect(try make("install").status == 0)
        let uninstall = try make("uninstall")
        #expect(uninstall.status == 0, "\(uninstall.output)")
        #expect(!root.holds("root/usr/local/bin/triaged"))
        #expect(!root.holds("root/usr/local/lib/systemd/system/triaged.service"))
        #expect(!root.holds("root/usr/local/lib/sysusers.d/triaged.conf"))
        #expect(root.holds("root/etc/triaged/triaged.yaml"))
    }
}
