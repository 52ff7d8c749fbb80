// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What a reader finds that puts a Segmentation into the patient by itself.
extension Judge {
    /// One segment on a grid.
    package struct Voxels: Decodable, Sendable, Equatable {
        /// Positions of the voxels that are not zero, columns fastest, ascending.
        package var places: [Int]
        /// What is stored there.
        package var values: [Int]

        package init(places: [Int], values: [Int]) {
            self.places = places
            self.values = values
        }
    }

    /// For each Segmentation, of any form, its segments by number, as highdicom makes a volume of them.
    package static func highdicomVolumes(_ objects: [(path: String, grid: Placement)]) throws -> [[String: Voxels]] {
        let arguments = try objects.flatMap {
            [$0.path, String(decoding: try JSONEncoder().encode($0.grid), as: UTF8.self)]
        }
        return try Judge.highdicom.python(
            """
            import sys, json, numpy as np, highdicom as hd
            def segments(path, grid):
                s = hd.seg.segread(path)
                numbers = list(s.segment_numbers)
                volume = s.get_volume(segment_numbers=numbers, rescale_fractional=False)
                steps = np.array([grid["columnStep"], grid["rowStep"], grid["sliceStep"]]).T
                out = {}
                for channel, number in enumerate(numbers):
                    array = volume.array[..., channel]
                    index = np.argwhere(array)
                    points = (volume.affine @ np.c_[index, np.ones(len(index))].T)[:3]
                    found = np.linalg.solve(steps, points - np.array(grid["origin"])[:, None])
                    whole = np.rint(found).astype(int)
                    assert index.size == 0 or abs(found - whole).max() < 0.05, abs(found - whole).max()
                    places = (whole[2] * grid["size"][1] + whole[1]) * grid["size"][0] + whole[0]
                    order = np.argsort(places)
                    values = array[tuple(index.T)].astype(int)
                    out[str(number)] = {"places": places[order].tolist(), "values": values[order].tolist()}
                return out
            pairs = zip(sys.argv[1::2], sys.argv[2::2])
            print(json.dumps([segments(path, json.loads(grid)) for path, grid in pairs]))
            """, arguments, as: [[String: Voxels]].self)
    }
}
