// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What pydicom, of which highdicom is made, says of text.
extension Judge {
    /// A text element of a file, and its values as pydicom decodes them.
    package struct TextElement: Decodable, Sendable {
        package var file: String
        /// Sequences on the way to it: group, element, index of the item.
        package var path: [[Int]]
        package var group: UInt16
        package var element: UInt16
        package var vr: String
        package var values: [String]
    }

    /// The folder of pydicom's own test files for character sets.
    package static func characterSetFiles() throws -> [String] {
        try Judge.highdicom.python(
            """
            import json, os, glob, pydicom
            root = os.path.join(os.path.dirname(pydicom.__file__), "data", "charset_files")
            print(json.dumps(sorted(glob.glob(root + "/*.dcm"))))
            """, [], as: [String].self)
    }

    package static func textElements(_ paths: [String]) throws -> [TextElement] {
        try Judge.highdicom.python(
            """
            import sys, json, pydicom, warnings
            warnings.simplefilter("ignore")
            out = []
            def walk(file, ds, path):
                for e in ds:
                    if e.VR == "SQ":
                        for i, item in enumerate(e.value):
                            walk(file, item, path + [[e.tag.group, e.tag.element, i]])
                    elif e.VR in ("LO", "SH", "UC", "ST", "LT", "UT", "PN") and e.value is not None:
                        values = e.value if isinstance(e.value, (list, pydicom.multival.MultiValue)) else [e.value]
                        out.append({"file": file, "path": path, "group": e.tag.group, "element": e.tag.element,
                                    "vr": e.VR, "values": [str(v) for v in values]})
            for file in sys.argv[1:]:
                ds = pydicom.dcmread(file, force=True)
                ds.decode()
                walk(file, ds, [])
            print(json.dumps(out))
            """, paths, as: [TextElement].self)
    }

    package struct EncodedText: Codable, Sendable {
        package var terms: [String]
        package var vr: String
        package var text: String
        package var bytes: [UInt8]

        package init(terms: [String], vr: String, text: String, bytes: [UInt8]) {
            self.terms = terms
            self.vr = vr
            self.text = text
            self.bytes = bytes
        }
    }

    /// `texts` as pydicom decodes their bytes, and the bytes into which it encodes their text.
    package static func reading(_ texts: [EncodedText]) throws -> [EncodedText] {
        try Judge.highdicom.python(
            """
            import sys, json, warnings
            from pydicom.charset import convert_encodings, decode_bytes, encode_string
            from pydicom.valuerep import PersonName, TEXT_VR_DELIMS
            warnings.simplefilter("ignore")
            out = []
            for t in json.loads(sys.argv[1]):
                sets = convert_encodings(t["terms"])
                raw = bytes(t["bytes"])
                if t["vr"] == "PN":
                    text = str(PersonName(raw, sets).decode(sets))
                    made = PersonName(t["text"], sets).encode(sets)
                else:
                    text = decode_bytes(raw, sets, TEXT_VR_DELIMS)
                    made = encode_string(t["text"], sets)
                out.append({"terms": t["terms"], "vr": t["vr"], "text": text, "bytes": list(made)})
            print(json.dumps(out))
            """, [String(decoding: try JSONEncoder().encode(texts), as: UTF8.self)], as: [EncodedText].self)
    }
}
