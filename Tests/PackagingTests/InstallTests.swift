// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

@Suite("make install")
struct InstallTests {
    let directory: TemporaryDirectory
    let repositoryDefault: String

    init() throws {
        directory = try TemporaryDirectory()
        try "#!/bin/sh\necho a program\n".write(toFile: directory.file("triaged"), atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: directory.file("triaged"))
        repositoryDefault = try String(contentsOfFile: Daemon.repository + "/etc/triaged.yaml", encoding: .utf8)
    }

    func make(_ target: String, prefix: String = "/usr/local") throws -> Tool.Outcome {
        try Tool.run(
            "/usr/bin/make",
            [
                "-C", Daemon.repository, target, "PREFIX=\(prefix)", "DESTDIR=\(directory.file("root"))",
                "BINARY=\(directory.file("triaged"))",
            ], environment: ["MAKEFLAGS": "", "MAKELEVEL": ""])
    }

    func installed(_ path: String) -> String { directory.file("root/" + path) }
    func read(_ path: String) throws -> String { try String(contentsOfFile: installed(path), encoding: .utf8) }
    func isInstalled(_ path: String) -> Bool { FileManager.default.fileExists(atPath: installed(path)) }

    @Test("it puts binary, configuration, unit and user in place")
    func everythingInPlace() throws {
        let install = try make("install")
        #expect(install.status == 0, "\(install.output)")
        #expect(try read("usr/local/bin/triaged").contains("a program"))
        #expect(try read("etc/triaged/triaged.yaml") == repositoryDefault)
        #expect(isInstalled("etc/triaged/models"))
        let unit = try read("usr/local/lib/systemd/system/triaged.service")
        #expect(unit.contains("\nExecStart=/usr/local/bin/triaged serve --config /etc/triaged/triaged.yaml\n"))
        #expect(try read("usr/local/lib/sysusers.d/triaged.conf").contains("u triaged "))
    }

    @Test("with another prefix the unit starts the binary that was installed there")
    func anotherPrefix() throws {
        let install = try make("install", prefix: "/usr")
        #expect(install.status == 0, "\(install.output)")
        #expect(isInstalled("usr/bin/triaged"))
        let unit = try read("usr/lib/systemd/system/triaged.service")
        #expect(unit.contains("\nExecStart=/usr/bin/triaged serve "))
    }

    @Test("a configuration that an administrator changed stays, with the new default beside it")
    func changedConfigurationStays() throws {
        #expect(try make("install").status == 0)
        try "dicom: {aeTitle: OURS}\n".write(
            toFile: installed("etc/triaged/triaged.yaml"), atomically: true, encoding: .utf8)
        let second = try make("install")
        #expect(second.status == 0, "\(second.output)")
        #expect(second.output.contains("triaged.yaml.new"))
        #expect(try read("etc/triaged/triaged.yaml") == "dicom: {aeTitle: OURS}\n")
        #expect(try read("etc/triaged/triaged.yaml.new") == repositoryDefault)
    }

    @Test("a second install over an unchanged configuration leaves no .new behind")
    func unchangedConfiguration() throws {
        #expect(try make("install").status == 0)
        #expect(try make("install").status == 0)
        #expect(!isInstalled("etc/triaged/triaged.yaml.new"))
    }

    @Test("every model package arrives whole, and one that an administrator changed stays")
    func modelPackages() throws {
        #expect(try make("install").status == 0)
        let difference = try Tool.run(
            "/usr/bin/diff", ["-r", Daemon.repository + "/etc/models", installed("etc/triaged/models")])
        #expect(difference.status == 0, "\(difference.output)")

        let packages = try FileManager.default.contentsOfDirectory(atPath: installed("etc/triaged/models"))
        let manifest = "etc/triaged/models/\(try #require(packages.first))/manifest.yaml"
        try "changed\n".write(toFile: installed(manifest), atomically: true, encoding: .utf8)
        let second = try make("install")
        #expect(second.status == 0)
        #expect(second.output.contains("which differs from this version's"))
        #expect(try read(manifest) == "changed\n")
    }

    @Test("without a built binary it says what to run first, and installs nothing")
    func noBinary() throws {
        try FileManager.default.removeItem(at: URL(filePath: directory.file("triaged")))
        let install = try make("install")
        #expect(install.status != 0)
        #expect(install.output.contains("make build"))
        #expect(!isInstalled(""))
    }

    @Test("uninstall takes away what was installed, but not the configuration")
    func uninstall() throws {
        #expect(try make("install").status == 0)
        let uninstall = try make("uninstall")
        #expect(uninstall.status == 0, "\(uninstall.output)")
        #expect(!isInstalled("usr/local/bin/triaged"))
        #expect(!isInstalled("usr/local/lib/systemd/system/triaged.service"))
        #expect(!isInstalled("usr/local/lib/sysusers.d/triaged.conf"))
        #expect(isInstalled("etc/triaged/triaged.yaml"))
    }
}
