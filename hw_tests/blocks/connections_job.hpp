// Choices of connections and what they leave to later attentions, for the connections block.
#ifndef TRIVIT_BLOCKS_CONNECTIONS_JOB_HPP
#define TRIVIT_BLOCKS_CONNECTIONS_JOB_HPP

#include "../csim/direct.hpp"
#include "clocked/timed.hpp"
#include "expected_report.hpp"
#include "trivit/blocks/connections.hpp"

namespace connections_job {

using namespace trivit::blocks;

typedef std::vector<std::vector<bool>> Mask;

struct Job {
    std::vector<Command> commands;
    std::vector<simulation::Timed<LivePair>> all;
    std::vector<KeptWord> kept;
    std::vector<OpenKeys> open;
    std::vector<Report> reports;
    Mask mask;  // of the last choice

    Command add(csim::Random& random, bool replay, uint32_t heads, uint32_t tokens) {
        const uint32_t tag = uint32_t(random.between(0, 2047));
        Command command = 0;
        TagField::put(command, tag);
        ConnectionsFields::Replay::put(command, replay);
        ConnectionsFields::Heads::put(command, heads);
        ConnectionsFields::Rows::put(command, tokens);
        ConnectionsFields::Keys::put(command, tokens);
        reports.push_back(expected::report(tag));
        return command;
    }

    void choose(csim::Random& random, uint32_t heads, uint32_t tokens, const direct::Scores& sums,
                const std::vector<uint32_t>& index, uint32_t keep) {
        Command command = add(random, false, heads, tokens);
        ConnectionsFields::Kept::put(command, index.size());
        ConnectionsFields::Keep::put(command, keep);
        commands.push_back(command);
        mask = direct::select_connections(sums, index, keep);
    }

    void replay(csim::Random& random, uint32_t heads) {
        const uint32_t tokens = uint32_t(mask.size());
        commands.push_back(add(random, true, heads, tokens));
        for (uint32_t head = 0; head < heads; ++head) {
            for (uint32_t first = 0; first < tokens; first += kRows) {
                for (uint32_t tile = 0; tile < tokens; tile += kColumns) {
                    for (uint32_t r = first; r < std::min(tokens, first + kRows); ++r) {
                        OpenKeys keys = 0;
                        for (uint32_t j = tile; j < std::min(tokens, tile + kColumns); ++j)
                            keys[int(j - tile)] = bool(mask[r][j]);
                        open.push_back(keys);
                    }
                }
            }
        }
    }

    // Words as softmax sends them; whether a key is open is the same in all heads.
    void measure(csim::Random& random, uint32_t heads, uint32_t tokens, uint32_t keep_tokens,
                 uint32_t keep, uint64_t cadence) {
        const int64_t top = random.one_in(2) ? random.between(0, 3) : 32767;
        const int closing = int(random.between(1, 4));  // 1: no key
        direct::Scores sums(tokens, std::vector<int64_t>(tokens, 0));
        for (std::vector<int64_t>& row : sums) {
            const bool none = closing > 1 && random.one_in(8);
            for (int64_t& sum : row)
                if (none || (closing > 1 && !random.one_in(closing))) sum = -1;
        }
        const bool largest = random.one_in(8);
        uint64_t step = 0;
        for (uint32_t head = 0; head < heads; ++head) {
            for (uint32_t first = 0; first < tokens; first += kRows) {
                const uint32_t last = std::min(tokens, first + kRows);
                uint64_t clock = cadence * step++;
                for (uint32_t tile = 0; tile < tokens; tile += kColumns) {
                    for (uint32_t r = first; r < last; r += 2) {
                        for (uint32_t k = tile; k < std::min(tokens, tile + kColumns); k += kLanes)
                            all.push_back({word(random, sums, r, k, largest ? -1 : top), clock++});
                    }
                }
            }
        }
        std::vector<int64_t> row(tokens);
        for (int64_t& x : row)
            x = random.between(0, 1 << 20);
        const csim::Row list = direct::select_tokens(row, keep_tokens)[0];
        const std::vector<uint32_t> index(list.begin(), list.begin() + 1 + keep_tokens);
        std::size_t next = 0;
        for (uint32_t first = 0; first < tokens; first += kLanes) {
            KeptWord bits = 0;
            for (; next < index.size() && index[next] < first + kLanes; ++next)
                bits[int(index[next] - first)] = 1;
            kept.push_back(bits);
        }
        choose(random, heads, tokens, sums, index, keep);
    }

    void end() {
        commands.push_back(Command(1));
        reports.push_back(end_report());
    }

private:
    LivePair word(csim::Random& random, direct::Scores& sums, uint32_t row, uint32_t key,
                  int64_t top) {
        LivePair result = 0;
        const uint32_t tokens = uint32_t(sums.size());
        for (uint32_t lane = 0; lane < 2 * uint32_t(kLanes); ++lane) {
            const uint32_t r = row + lane / kLanes;
            const uint32_t j = key + lane % kLanes;
            if (r >= tokens || j >= tokens || sums[r][j] < 0) continue;
            const int64_t p = top < 0 ? 32767 : random.between(0, top);
            sums[r][j] += p;
            result.range(int(16 * lane + 15), int(16 * lane)) = uint32_t(p);
            result[int(2 * 16 * kLanes + lane)] = 1;
        }
        return result;
    }
};

// Bits beyond the keys may be anything.
inline bool same_keys(const std::vector<OpenKeys>& got, const Job& job) {
    if (got.size() != job.open.size()) return false;
    std::size_t i = 0;
    for (const Command& command : job.commands) {
        if (!ConnectionsFields::Replay::of(command)) continue;
        const uint32_t tokens = uint32_t(ConnectionsFields::Keys::of(command));
        for (uint32_t head = 0; head < uint32_t(ConnectionsFields::Heads::of(command)); ++head) {
            for (uint32_t first = 0; first < tokens; first += kRows) {
                for (uint32_t tile = 0; tile < tokens; tile += kColumns) {
                    const uint32_t keys = std::min(uint32_t(kColumns), tokens - tile);
                    for (uint32_t r = first; r < std::min(tokens, first + kRows); ++r, ++i) {
                        const ap_uint<kColumns> both = got[i] ^ job.open[i];
                        if (ap_uint<2 * kColumns>(both) << (kColumns - int(keys)) << kColumns != 0)
                            return false;
                    }
                }
            }
        }
    }
    return true;
}

}  // namespace connections_job

#endif
