// The engine in C++ as Vitis HLS compiles it, run as its C simulation runs it: guard, load and
// engine one after the other on streams without limit. Rows from the ports, one product, its rows
// to port 0 or spread over the ports, against sums written down here.
#include <cstdint>
#include <cstdio>
#include <vector>

#include "../../hls/src/engine.cpp"
#include "../../hls/src/mover.cpp"
#include "../blocks/expected_report.hpp"

using trivit::kParamPorts;

namespace {

struct Shape {
    int rows, depth_words, out_words;
    bool outer, residual, transposed;
};

uint64_t state = 88172645463325252ull;

int draw(int bound) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return int(state % uint64_t(2 * bound + 1)) - bound;
}

typedef std::vector<std::vector<int>> Matrix;

Matrix random_matrix(int rows, int columns) {
    const std::vector<int> zeros = std::vector<int>(std::size_t(columns));
    Matrix matrix = Matrix(std::size_t(rows), zeros);
    for (auto& row : matrix)
        for (int& value : row)
            value = draw(3000);
    return matrix;
}

Word word_of(const std::vector<int>& row, int word) {
    Word out = 0;
    for (int lane = 0; lane < kLanes; ++lane)
        out.range(16 * lane + 15, 16 * lane) = ap_int<16>(row[std::size_t(word * kLanes + lane)]);
    return out;
}

Command end_of(Unit unit) {
    Command command = 0;
    EndField::put(command, 1);
    UnitField::put(command, unit);
    return command;
}

// Rows of a tensor through the four ports.
void load_rows(const Matrix& matrix, int target, int slot, bool announced,
               hls::stream<Command>& commands, hls::stream<Word>* const (&ports)[kParamPorts]) {
    typedef trivit::blocks::LoadFields F;
    const int rows = int(matrix.size()), words = int(matrix[0].size()) / kLanes;
    Command command = 0;
    UnitField::put(command, kUnitLoad);
    F::Rows::put(command, uint64_t(rows));
    F::Words::put(command, uint64_t(words));
    F::Target::put(command, uint64_t(target));
    F::TargetStride::put(command, uint64_t(words));
    F::Slot::put(command, uint64_t(slot));
    F::Complete::put(command, 1);
    F::Announced::put(command, announced);
    commands.write(command);
    for (int row = 0; row < (rows + 3) / 4 * 4; ++row)
        for (int word = 0; word < words; ++word)
            ports[row % 4]->write(row < rows ? word_of(matrix[std::size_t(row)], word) : Word(0));
}

int rounded(int64_t sum, int shift, int& saturated) {
    const int64_t half = int64_t(1) << shift >> 1;
    int64_t value = (sum + half) >> shift;
    if (shift > 0 && (sum & ((int64_t(1) << shift) - 1)) == half && (value & 1)) --value;
    saturated += value > 32767 || value < -32768;
    return int(value > 32767 ? 32767 : value < -32768 ? -32768 : value);
}

bool run(const Shape& shape) {
    const int source = 100, residual_at = 3000, target = 6000;
    const int tiles = (shape.out_words + kWordsPerTile - 1) / kWordsPerTile;
    const int depth = shape.depth_words * kLanes, outputs = tiles * kColumns;
    const int bias_shift = 7, residual_shift = 5, out_shift = 10;
    const int used_depth = shape.transposed ? depth - 3 : depth;  // rows of the last stored group
    const Matrix x = random_matrix(shape.rows, used_depth);
    const Matrix weight = random_matrix(outputs, depth), bias = random_matrix(1, outputs);
    const Matrix residual = random_matrix(shape.rows, shape.out_words * kLanes);

    hls::stream<Command> engine, rows, probs, norms, reader, store, load;
    hls::stream<Checked> checked;
    hls::stream<Word> port0, port1, port2, port3, w0, w1, w2, w3, lists, stored0, stored1, stored2,
        stored3;
    hls::stream<LoadPlace> places;
    hls::stream<LoadWords> words;
    hls::stream<Vectors> vectors;
    hls::stream<TileRow> gelu, scores, gelu_rows;
    hls::stream<WordPair> pairs, normalised, norm_rows;
    hls::stream<Report> reports, row_reports, prob_reports, norm_reports, load_reports,
        store_reports;
    hls::stream<Word>* const ports[kParamPorts] = {&port0, &port1, &port2, &port3};
    hls::stream<Word>* const weights[kParamPorts] = {&w0, &w1, &w2, &w3};

    Matrix operand = x;
    if (shape.transposed) {
        operand.assign(std::size_t(used_depth),
                       std::vector<int>(std::size_t((shape.rows + 7) / 8 * 8)));
        for (int row = 0; row < shape.rows; ++row)
            for (int k = 0; k < used_depth; ++k)
                operand[std::size_t(k)][std::size_t(row)] = x[std::size_t(row)][std::size_t(k)];
    }
    const bool spread = shape.outer;
    // The product begins without its residual, but for a single depth word.
    const bool announced = shape.depth_words > 1;
    load_rows(operand, source, 1, false, load, ports);
    load_rows(residual, residual_at, 2, announced, load, ports);
    load.write(end_of(kUnitLoad));
    for (int tile = 0; tile < tiles; ++tile) {
        for (int port = 0; port < kParamPorts; ++port) {
            const int first = tile * kColumns + port * kLanes;
            weights[port]->write(word_of(bias[0], first / kLanes));
            for (int word = 0; word < shape.depth_words; ++word)
                for (int output = first; output < first + kLanes; ++output)
                    weights[port]->write(word_of(weight[std::size_t(output)], word));
        }
    }
    typedef EngineFields F;
    Command c = 0;
    UnitField::put(c, kUnitEngine);
    TagField::put(c, 9);
    F::Transposed::put(c, shape.transposed);
    F::LastRows::put(c, shape.transposed ? 5 : 0);
    F::RowsOuter::put(c, shape.outer);
    F::HasBias::put(c, 1);
    F::HasResidual::put(c, shape.residual);
    F::ToBanks::put(c, 1);
    F::Fill::put(c, 1);
    F::Claim::put(c, 1);
    F::AnnounceStore::put(c, 1);
    F::AnnounceLoad::put(c, announced);
    F::SourceSlot::put(c, 1);
    F::ResidualSlot::put(c, 2);
    F::TargetSlot::put(c, 3);
    F::Source::put(c, source);
    F::SourceStride::put(c, operand[0].size() / kLanes);
    F::Residual::put(c, residual_at);
    F::Target::put(c, target);
    F::TargetStride::put(c, uint64_t(shape.out_words));
    F::Rows::put(c, uint64_t(shape.rows));
    F::DepthWords::put(c, uint64_t(shape.depth_words));
    F::OutWords::put(c, uint64_t(shape.out_words));
    F::BiasShift::put(c, bias_shift);
    F::ResidualShift::put(c, residual_shift);
    F::OutShift::put(c, out_shift);
    engine.write(c);
    engine.write(end_of(kUnitEngine));
    typedef trivit::blocks::StoreFields S;
    Command out = 0;
    UnitField::put(out, kUnitStore);
    TagField::put(out, 4);
    S::Rows::put(out, uint64_t(shape.rows));
    S::Words::put(out, uint64_t(shape.out_words));
    S::Source::put(out, target);
    S::SourceStride::put(out, uint64_t(shape.out_words));
    S::Slot::put(out, 3);
    S::Spread::put(out, spread);
    store.write(out);
    store.write(end_of(kUnitStore));
    rows.write(end_of(kUnitRowWriter));
    probs.write(end_of(kUnitSoftmaxWriter));
    norms.write(end_of(kUnitNormWriter));

    trivit_guard(engine, checked);
    trivit_load(load, port0, port1, port2, port3, places, words, vectors);
    trivit_engine(checked, rows, probs, norms, reader, store, places, words, w0, w1, w2, w3, gelu,
                  lists, pairs, normalised, scores, gelu_rows, norm_rows, stored0, stored1, stored2,
                  stored3, reports, row_reports, prob_reports, norm_reports, load_reports,
                  store_reports);

    int saturated = 0, largest = 0;
    hls::stream<Word>* const stored[kParamPorts] = {&stored0, &stored1, &stored2, &stored3};
    bool good = true;
    for (int port = 0; port < kParamPorts; ++port) {
        const int mine = spread ? (shape.rows + 3) / 4 : port == 0 ? shape.rows : 0;
        good = good && stored[port]->size() == std::size_t(mine * shape.out_words);
    }
    for (int row = 0; good && row < shape.rows; ++row) {
        for (int word = 0; word < shape.out_words; ++word) {
            const Word got = stored[spread ? row % 4 : 0]->read();
            for (int lane = 0; lane < kLanes; ++lane) {
                const std::size_t column = std::size_t(word * kLanes + lane);
                int64_t sum = int64_t(bias[0][column]) << bias_shift;
                if (shape.residual)
                    sum += int64_t(residual[std::size_t(row)][column]) << residual_shift;
                for (int k = 0; k < used_depth; ++k)
                    sum += int64_t(x[std::size_t(row)][std::size_t(k)]) *
                           weight[column][std::size_t(k)];
                const int wanted = rounded(sum, out_shift, saturated);
                largest = expected::larger(largest, wanted);
                good = good && int(lane16(got, lane)) == wanted;
            }
        }
    }
    const Report report = reports.read(), last = store_reports.read();
    good = good && report == expected::report(9, uint64_t(saturated), largest) &&
           last == expected::report(4);
    if (!good)
        std::printf("%d x %d words x %d words: wrong\n", shape.rows, shape.depth_words,
                    shape.out_words);
    return good && (saturated > 0 || shape.depth_words < 2);
}

}  // namespace

int main() {
    const Shape shapes[] = {
        {1, 1, 1, false, false, false},  {13, 3, 5, false, true, false},
        {13, 3, 5, true, true, false},   {24, 9, 12, true, false, false},
        {40, 12, 6, false, true, false}, {13, 4, 5, false, false, true},
    };
    for (const Shape& shape : shapes) {
        if (!run(shape)) return 1;
    }
    return 0;
}
