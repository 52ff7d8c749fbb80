// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// One page in a headless Chromium, driven through the DevTools protocol over its pipe (messages end with NUL).
final class Browser: Sendable {
    static let path = "/usr/bin/chromium"
    static var isInstalled: Bool { access(path, X_OK) == 0 }

    enum Failure: Error {
        case closed
        case protocolError(String)
        case script(String)
        case notSoon(String)
    }

    /// Answers that calls wait for, by id.
    private actor Calls {
        private var next = 0
        private var waiting: [Int: CheckedContinuation<Data, any Error>] = [:]
        private var isClosed = false

        func call(_ send: @Sendable (Int) -> Void) async throws -> Data {
            if isClosed { throw Failure.closed }
            next += 1
            let id = next
            return try await withCheckedThrowingContinuation { continuation in
                waiting[id] = continuation
                send(id)
            }
        }

        func receive(_ message: Data) {
            guard let object = try? JSONSerialization.jsonObject(with: message) as? [String: Any],
                let id = object["id"] as? Int
            else { return }
            waiting.removeValue(forKey: id)?.resume(returning: message)
        }

        func close() {
            isClosed = true
            for continuation in waiting.values { continuation.resume(throwing: Failure.closed) }
            waiting = [:]
        }
    }

    private let calls = Calls()
    private let input: FileHandle
    private let session: String

    /// Opens `url` in a window of `width` by `height`, hands the page to `body`, and ends the browser.
    static func with<Value: Sendable>(
        _ url: String, width: Int = 1920, height: Int = 1080, _ body: @Sendable (Browser) async throws -> Value
    ) async throws -> Value {
        let profile = FileManager.default.temporaryDirectory.appendingPathComponent(
            "triaged-browser-\(UUID().uuidString)")
        let process = Process()
        let (toBrowser, fromBrowser) = (Pipe(), Pipe())
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        let command =
            "exec \"$0\" --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --force-color-profile=srgb "
            + "--remote-debugging-pipe --user-data-dir=\"$1\" about:blank 3<&0 4>&1 </dev/null >/dev/null 2>&1"
        process.arguments = ["-c", command, path, profile.path]
        process.standardInput = toBrowser
        process.standardOutput = fromBrowser
        try process.run()
        defer {
            // Its helpers end with the pipe, and some write to the profile until they do.
            try? toBrowser.fileHandleForWriting.close()
            process.waitUntilExit()
            for _ in 0..<50 where FileManager.default.fileExists(atPath: profile.path) {
                try? FileManager.default.removeItem(at: profile)
                usleep(20_000)
            }
        }
        let browser = try await Browser(input: toBrowser.fileHandleForWriting, output: fromBrowser.fileHandleForReading)
        try await browser.send(
            "Emulation.setDeviceMetricsOverride",
            ["width": width, "height": height, "deviceScaleFactor": 1, "mobile": false])
        try await browser.send("Page.navigate", ["url": url])
        return try await body(browser)
    }

    private init(input: FileHandle, output: FileHandle) async throws {
        self.input = input
        let calls = calls
        Thread.detachNewThread {
            var pending = Data()
            var buffer = [UInt8](repeating: 0, count: 65536)
            while true {
                // Not availableData, which ends the process when a signal interrupts it.
                let count = read(output.fileDescriptor, &buffer, buffer.count)
                if count < 0, errno == EINTR { continue }
                if count <= 0 { break }
                pending.append(contentsOf: buffer[..<count])
                while let end = pending.firstIndex(of: 0) {
                    let message = Data(pending[..<end])
                    pending = Data(pending[pending.index(after: end)...])
                    Task { await calls.receive(message) }
                }
            }
            Task { await calls.close() }
        }
        let target = try await Self.call(calls, input, "Target.createTarget", ["url": "about:blank"], session: nil)
        let attached = try await Self.call(
            calls, input, "Target.attachToTarget", ["targetId": Self.string(target, "targetId"), "flatten": true],
            session: nil)
        session = Self.string(attached, "sessionId")
    }

    @discardableResult
    func send(_ method: String, _ parameters: [String: any Sendable] = [:]) async throws -> Data {
        try await Self.call(calls, input, method, parameters, session: session)
    }

    private static func call(
        _ calls: Calls, _ input: FileHandle, _ method: String, _ parameters: [String: any Sendable], session: String?
    ) async throws -> Data {
        let data = try await calls.call { id in
            var message: [String: Any] = ["id": id, "method": method, "params": parameters]
            if let session { message["sessionId"] = session }
            guard let data = try? JSONSerialization.data(withJSONObject: message) else {
                preconditionFailure("parameters are no JSON")
            }
            try? input.write(contentsOf: data + [0])
        }
        let object = try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
        if let error = object["error"] { throw Failure.protocolError("\(method): \(error)") }
        return try JSONSerialization.data(withJSONObject: object["result"] ?? [:])
    }

    private static func string(_ data: Data, _ key: String) -> String {
        ((try? JSONSerialization.jsonObject(with: data)) as? [String: Any])?[key] as? String ?? ""
    }

    /// The value of an expression as text; promises are waited for.
    @discardableResult
    func evaluate(_ expression: String) async throws -> String {
        let data = try await send(
            "Runtime.evaluate",
            [
                "expression": "(async () => String(await (\(expression))))()", "awaitPromise": true,
                "returnByValue": true,
            ])
        let object = try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
        if let details = object["exceptionDetails"] { throw Failure.script("\(details)") }
        return (object["result"] as? [String: Any])?["value"] as? String ?? ""
    }

    /// Waits until an expression is true; the limit is for a test that would hang, not for a machine that is slow.
    func wait(_ expression: String, seconds: Double = 30) async throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while try await evaluate("Boolean(\(expression))") != "true" {
            if ContinuousClock.now > deadline { throw Failure.notSoon(expression) }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Presses a key by its name, such as "j", "Enter" or "ArrowDown".
    func press(_ key: String) async throws {
        let codes = ["Enter": 13, "Escape": 27, "ArrowDown": 40, "ArrowUp": 38, "Home": 36, "End": 35]
        var down: [String: any Sendable] = ["type": "keyDown", "key": key, "windowsVirtualKeyCode": codes[key] ?? 0]
        if key.count == 1 { down["text"] = key } else if key == "Enter" { down["text"] = "\r" }
        try await send("Input.dispatchKeyEvent", down)
        try await send(
            "Input.dispatchKeyEvent", ["type": "keyUp", "key": key, "windowsVirtualKeyCode": codes[key] ?? 0])
    }

    func type(_ text: String) async throws { try await send("Input.insertText", ["text": text]) }

    func mouse(_ type: String, x: Double, y: Double) async throws {
        try await send("Input.dispatchMouseEvent", ["type": type, "x": x, "y": y, "button": "left", "clickCount": 1])
    }

    /// Kept only where the environment names a folder for it.
    func screenshot(_ name: String) async throws {
        guard let folder = ProcessInfo.processInfo.environment["TRIAGED_SCREENSHOTS"] else { return }
        let data = try await send("Page.captureScreenshot", ["format": "png"])
        guard let image = Data(base64Encoded: Self.string(data, "data")) else { return }
        try image.write(to: URL(fileURLWithPath: folder).appendingPathComponent("\(name).png"))
    }
}
