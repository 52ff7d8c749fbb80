// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support

/// A script in place of the worker process (debug builds), for what the daemon does with jobs. It finds nothing in any series;
/// files beside it say how it gets there: `hold` keeps it from ending a job, `away-PACKAGE` takes the package's server away.
struct ScriptedWorker {
    let directory: TemporaryDirectory
    var environment: [String: String] { ["TRIAGED_WORKER": directory.file("worker")] }

    init() throws {
        directory = try TemporaryDirectory()
        let script = #"""
            #!/usr/bin/env python3
            import json, os, select, sys
            here = os.path.dirname(os.path.abspath(__file__))
            buffer = b""
            def line(timeout=None):
                global buffer
                while b"\n" not in buffer:
                    if timeout is not None and not select.select([0], [], [], timeout)[0]:
                        return None
                    chunk = os.read(0, 1 << 16)
                    if not chunk:
                        sys.exit(0)
                    buffer += chunk
                first, buffer = buffer.split(b"\n", 1)
                return json.loads(first)
            def say(number, body):
                os.write(1, (json.dumps({"id": number, "body": body}) + "\n").encode())
            def note(*words):
                with open(here + "/log", "a") as log:
                    log.write(" ".join(words) + "\n")
            def there(name):
                return os.path.exists(here + "/" + name)
            def analyse(number, job):
                package = os.path.basename(job["package"])
                channels = [job["seriesInstanceUID"]] + [c["seriesInstanceUID"] for c in job["companions"]]
                note("begun", package, *channels)
                while there("hold"):
                    request = line(0.05)
                    if request and request["job"].get("stop", {}).get("request") == number:
                        note("stopped", package, channels[0])
                        return {"stopped": {}}
                if there("away-" + package):
                    return {"unavailable": {"_0": "the inference server does not answer"}}
                note("ended", package, channels[0])
                return {"analysed": {"_0": {"findings": [], "results": [], "coverage": "", "coverageAccepted": False,
                    "notes": [], "scores": [], "explanations": [], "gates": [], "engineSeconds": 0.1, "totalSeconds": 0.1}}}
            say(0, {"ready": {}})
            while True:
                request = line()
                (kind, body), = request["job"].items()
                if kind == "stop":
                    continue
                outcome = analyse(request["id"], body["_0"]) if kind == "analyse" else {"warmed": {}}
                say(request["id"], {"outcome": {"_0": outcome}})
            """#
        try (script + "\n").write(toFile: directory.file("worker"), atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: directory.file("worker"))
    }

    func set(_ name: String, _ isThere: Bool = true) {
        if isThere {
            _ = FileManager.default.createFile(atPath: directory.file(name), contents: nil)
        } else {
            try? FileManager.default.removeItem(atPath: directory.file(name))
        }
    }

    /// What it did, in words: "begun PACKAGE SERIES…", "stopped PACKAGE SERIES", "ended PACKAGE SERIES".
    var log: [[String]] {
        let text = (try? String(contentsOfFile: directory.file("log"), encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    }

    func log(_ verb: String) -> [[String]] { log.filter { $0[0] == verb } }

    func awaits(_ verb: String, count: Int, within seconds: Double = 60) -> Bool {
        eventually(within: seconds) { log(verb).count >= count ? true : nil } == true
    }
}
