// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support

/// An origin server that answers as it is told to, one answer for each request; without any left it stores and finds. Python reads
/// the multipart body and the file in it, independently of the code under test.
final class ScriptedOrigin {
    struct Answer: Encodable {
        var status = 200
        /// `%UID%` stands for the SOP Instance UID of the file.
        var body = ""
        /// Closes the connection without an answer, once the request was read.
        var hangsUp = false
        /// Answers when it has read the head of the request, and only then the rest.
        var isEarly = false
        /// Seconds before it answers.
        var pause = 0.0
    }

    private struct Options: Encodable {
        var port: Int
        var certificate = ""
        var key = ""
        var token = ""
        var answers: [Answer]
    }

    let port = freePort()
    private let directory: TemporaryDirectory
    private let tool: Tool

    init(_ answers: [Answer] = [], tls: Certificates.Pair? = nil, token: String = "") throws {
        directory = try TemporaryDirectory()
        var options = Options(port: port, token: token, answers: answers)
        if let tls { (options.certificate, options.key) = (tls.certificate, tls.key) }
        let json = String(decoding: try JSONEncoder().encode(options), as: UTF8.self)
        tool = try Tool(
            "/usr/bin/python3", ["-u", "-c", Self.script, json, directory.path], log: directory.file("log"))
        guard eventually(within: 20, { tool.output.contains("listening") ? true : nil }) != nil else {
            throw ToolError("the origin server did not start: \(tool.output)")
        }
    }

    deinit { tool.signal(SIGTERM, within: 5) }

    /// Request lines, and what each brought along.
    var requests: [String] { tool.output.split(separator: "\n").map(String.init).filter { $0 != "listening" } }

    /// The files, in the order in which they came.
    var files: [Data] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
        return names.filter { $0.hasSuffix(".dcm") }.sorted().compactMap {
            FileManager.default.contents(atPath: directory.file($0))
        }
    }

    private static let script = """
        import http.server, json, os, ssl, sys, time
        o, where = json.loads(sys.argv[1]), sys.argv[2]
        answers, held, count = list(o['answers']), set(), [0]
        def uid(file):
            i = file.index(b'\\x08\\x00\\x18\\x00UI') + 8
            n = file[i - 2] | file[i - 1] << 8
            return file[i:i + n].rstrip(b'\\x00').decode()
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'
            def log_message(self, *a): pass
            def say(self, status, body=''):
                data = body.encode()
                self.send_response(status)
                self.send_header('Content-Type', 'application/dicom+json')
                self.send_header('Content-Length', str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            def allowed(self):
                if not o['token'] or self.headers.get('Authorization') == 'Bearer ' + o['token']: return True
                self.say(401)
                return False
            def do_POST(self):
                if answers and answers[0]['isEarly']:
                    answer = answers.pop(0)
                    self.say(answer['status'], answer['body'])
                    self.wfile.flush()
                    time.sleep(answer['pause'])
                    self.close_connection = True
                    try: self.rfile.read(int(self.headers['Content-Length']))
                    except OSError: pass
                    return
                body = self.rfile.read(int(self.headers['Content-Length']))
                kind = self.headers['Content-Type']
                boundary = kind.split('boundary="')[1].split('"')[0].encode()
                parts = body.split(b'--' + boundary)
                assert parts[0] == b'' and parts[-1] == b'--\\r\\n' and len(parts) == 3, parts[0]
                head, file = parts[1][2:-2].split(b'\\r\\n\\r\\n', 1)
                print('POST', self.path, kind.split(';')[1].strip(), head.decode(), flush=True)
                if not self.allowed(): return
                answer = answers.pop(0) if answers else {'status': 200, 'body': '', 'hangsUp': False, 'pause': 0}
                time.sleep(answer['pause'])
                if answer['hangsUp']:
                    self.close_connection = True
                    return
                open(os.path.join(where, '%03d.dcm' % count[0]), 'wb').write(file)
                count[0] += 1
                if answer['status'] in (200, 202): held.add(uid(file))
                self.say(answer['status'], answer['body'].replace('%UID%', uid(file)))
            def do_GET(self):
                print('GET', self.path, flush=True)
                if not self.allowed(): return
                if answers:
                    answer = answers.pop(0)
                    return self.say(answer['status'], answer['body'])
                asked = self.path.split('SOPInstanceUID=')[1]
                if asked in held: self.say(200, json.dumps([{'00080018': {'vr': 'UI', 'Value': [asked]}}]))
                else: self.say(204)
        server = http.server.ThreadingHTTPServer(('127.0.0.1', o['port']), Handler)
        if o['certificate']:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(o['certificate'], o['key'])
            server.socket = context.wrap_socket(server.socket, server_side=True)
        print('listening', flush=True)
        server.serve_forever()
        """
}
