// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Testing

@testable import Web

/// A frozen list must never pass for a current one.
@Suite(.serialized, .enabled(if: Browser.isInstalled, "install chromium to see the page")) struct LiveTests {
    private static let isCovered = "document.getElementById('cover')?.hidden === false"
    private static let isLive = "document.getElementById('cover')?.hidden === true"

    /// Remembers in the page when the cover comes, on the page's own clock.
    private static let watch = """
        (() => { window.lostAt = performance.now(); const cover = document.getElementById('cover');
          new MutationObserver(() => { if (!cover.hidden && !window.coveredAt) window.coveredAt = performance.now(); })
            .observe(cover, { attributes: true }); })()
        """

    private func coveredAfter(_ browser: Browser) async throws -> Double {
        try await browser.wait(Self.isCovered)
        return Double(try await browser.evaluate("(window.coveredAt - window.lostAt) / 1000")) ?? .infinity
    }

    @Test("within ten seconds of losing the server the page covers itself, and it comes back by itself")
    func lost() async throws {
        let node = FixtureNode(Fixtures.mixed)
        let (ports, port) = AsyncStream<Int>.makeStream()
        let (stops, stop) = AsyncStream<Void>.makeStream()
        let server = Task {
            try await withServer(node) { bound in
                port.yield(bound)
                for await _ in stops { break }
            }
        }
        var iterator = ports.makeAsyncIterator()
        let bound = try #require(await iterator.next())
        try await Browser.with("http://127.0.0.1:\(bound)/") { browser in
            try await browser.wait(Self.isLive)
            try await browser.evaluate(Self.watch)
            stop.yield()
            try await server.value
            // The requirement itself: on the page's clock, from before the server went.
            #expect(try await coveredAfter(browser) < 10)
            #expect(
                try await browser.evaluate("document.getElementById('cover-title').textContent").wholeMatch(
                    of: /Not live since \d\d:\d\d:\d\d/) != nil)
            #expect(try await browser.evaluate("document.title").hasPrefix("NOT LIVE"))
            #expect(try await browser.evaluate("document.getElementById('app').inert") == "true")
            try await browser.screenshot("not-live")
            try await withServer(node, port: bound) { _ in
                try await browser.wait(Self.isLive)
                #expect(try await browser.evaluate("document.getElementById('app').inert") == "false")
                #expect(try await browser.evaluate("document.querySelectorAll('.study').length") == "9")
            }
        }
    }

    enum Trouble: CaseIterable { case stuck, broken }

    @Test("a server that hangs or cannot read its list is a lost server", arguments: Trouble.allCases)
    func troubled(trouble: Trouble) async throws {
        let node = FixtureNode(Fixtures.mixed)
        try await withServer(node) { port in
            try await Browser.with("http://127.0.0.1:\(port)/") { browser in
                try await browser.wait(Self.isLive)
                try await browser.evaluate(Self.watch)
                switch trouble {
                case .stuck: await node.setStuck(true)
                case .broken: await node.setBroken(true)
                }
                #expect(try await coveredAfter(browser) < 10)
                await node.setStuck(false)
                await node.setBroken(false)
                try await browser.wait(Self.isLive)
            }
        }
    }

    @Test("before the first list the page is covered")
    func before() async throws {
        let node = FixtureNode(Fixtures.mixed)
        await node.setBroken(true)
        try await withServer(node) { port in
            try await Browser.with("http://127.0.0.1:\(port)/") { browser in
                try await browser.wait("document.readyState === 'complete' && document.getElementById('cover')")
                #expect(try await browser.evaluate(Self.isCovered) == "true")
                #expect(
                    try await browser.evaluate("document.getElementById('cover').innerText").contains(
                        "No list has come yet"))
            }
        }
    }

    @Test("a step of the clock covers the page until the next answer, in either direction", arguments: [-3600, 3600])
    func clock(seconds: Int) async throws {
        let node = FixtureNode(Fixtures.mixed)
        try await withServer(node) { port in
            try await Browser.with("http://127.0.0.1:\(port)/") { browser in
                try await browser.wait(Self.isLive)
                try await browser.evaluate(Self.watch)
                try await browser.evaluate(
                    "(() => { const now = Date.now; Date.now = () => now() + \(seconds * 1000); })()")
                try await browser.wait("window.coveredAt")
                try await browser.wait(Self.isLive)
            }
        }
    }

    @Test("an open question is closed when the page is covered")
    func question() async throws {
        let node = FixtureNode(Fixtures.mixed)
        try await withServer(node) { port in
            try await Browser.with("http://127.0.0.1:\(port)/") { browser in
                try await browser.wait(Self.isLive)
                try await browser.press("j")
                try await browser.press("a")
                #expect(try await browser.evaluate("document.getElementById('acknowledge').open") == "true")
                await node.setBroken(true)
                try await browser.wait(Self.isCovered)
                #expect(try await browser.evaluate("document.querySelectorAll('dialog[open]').length") == "0")
                try await browser.press("a")
                #expect(try await browser.evaluate("document.querySelectorAll('dialog[open]').length") == "0")
            }
        }
    }
}
