#include "network.hpp"

#include "../src/connections.cpp"
#include "../src/gelu.cpp"
#include "../src/normalise.cpp"
#include "../src/select.cpp"
#include "../src/sequencer.cpp"
#include "../src/softmax.cpp"
#include "Vaccelerator.h"
#include "command.hpp"
#include "connect.hpp"

namespace simulation {

using namespace trivit::blocks;

Network::Network(Vaccelerator& top, const CommandLine& line)
    : simulator_(new Simulator(block_options(line))) {
    hls::stream<JobWord> jobs("jobs");
    hls::stream<Command> descriptors("descriptors");
    hls::stream<Command, kCommandDepth> engine("engine"), row_writer("row_writer"),
        softmax_writer("softmax_writer"), norm_writer("norm_writer"), row_reader("row_reader"),
        load("load"), store("store");
    hls::stream<Command, kCommandDepth> gelu("gelu"), softmax("softmax"), normalise("normalise"),
        select("select"), connections("connections"), training("training");
    std::vector<hls::stream<Move>> weights = for_ports<Move>("weights"),
                                   rows = for_ports<Move>("rows"),
                                   stores = for_ports<Move>("stores");
    hls::stream<ap_uint<24>> program_end("program_end");
    hls::stream<TileRow> gelu_rows("gelu_rows"), gelu_results("gelu_results");
    hls::stream<TileRow> scores("softmax_scores");
    hls::stream<OpenKeys> open("connections_open");
    hls::stream<WordPair> probabilities("softmax_results");
    hls::stream<Word> cls("softmax_cls"), lists("select_lists");
    hls::stream<LivePair> all("softmax_all");
    hls::stream<KeptWord, kKeptDepth> kept("select_kept");
    hls::stream<WordPair> norm_rows("normalise_rows"), norm_results("normalise_results");
    hls::stream<Vectors> vectors("normalise_vectors");
    hls::stream<Report> gelu_reports("gelu_reports"), softmax_reports("softmax_reports"),
        normalise_reports("normalise_reports"), select_reports("select_reports"),
        connections_reports("connections_reports");

    const auto block = [&](int unit, const hls::stream<Command>& commands) {
        add_block(unit, commands.channel().get());
    };
    trivit_sequencer(jobs, descriptors, engine, gelu, softmax, normalise, select, row_writer,
                     softmax_writer, norm_writer, row_reader, load, store, connections, training,
                     weights[0], weights[1], weights[2], weights[3], rows[0], rows[1], rows[2],
                     rows[3], stores[0], stores[1], stores[2], stores[3], program_end);
    block(kUnitSequencer, descriptors);
    trivit_gelu(gelu, gelu_rows, gelu_results, gelu_reports);
    block(kUnitGelu, gelu);
    trivit_softmax(softmax, scores, open, probabilities, cls, all, softmax_reports);
    block(kUnitSoftmax, softmax);
    trivit_normalise(normalise, norm_rows, vectors, norm_results, normalise_reports);
    block(kUnitNormalise, normalise);
    trivit_select(select, cls, lists, kept, select_reports);
    block(kUnitSelect, select);
    trivit_connections(connections, all, kept, open, connections_reports);
    block(kUnitConnections, connections);

    FROM_RTL(jobs, jobs, 256);
    FROM_RTL(descriptors, descriptors, 256);
    INTO_RTL(program_end, program_end, 24);
    INTO_RTL_AT(engine, commands, 256, 0);
    INTO_RTL_AT(row_writer, commands, 256, 1);
    INTO_RTL_AT(softmax_writer, commands, 256, 2);
    INTO_RTL_AT(norm_writer, commands, 256, 3);
    INTO_RTL_AT(row_reader, commands, 256, 4);
    INTO_RTL_AT(load, commands, 256, 5);
    INTO_RTL_AT(store, commands, 256, 6);
    INTO_RTL(training, training, 256);
    for (std::size_t port = 0; port < 4; ++port) {
        INTO_RTL_AT(weights[port], weights, 128, int(port));
        INTO_RTL_AT(rows[port], rows, 128, int(port));
        INTO_RTL_AT(stores[port], stores, 128, int(port));
    }
    FROM_RTL(gelu_rows, gelu_rows, 512);
    INTO_RTL(gelu_results, gelu_results, 512);
    FROM_RTL(scores, softmax_scores, 512);
    INTO_RTL(probabilities, softmax_results, 256);
    FROM_RTL(norm_rows, normalise_rows, 256);
    FROM_RTL(vectors, normalise_vectors, 256);
    INTO_RTL(norm_results, normalise_results, 256);
    INTO_RTL(lists, select_lists, 128);
    INTO_RTL_AT(gelu_reports, reports, 64, 0);
    INTO_RTL_AT(softmax_reports, reports, 64, 1);
    INTO_RTL_AT(normalise_reports, reports, 64, 2);
    INTO_RTL_AT(select_reports, reports, 64, 3);
    INTO_RTL_AT(connections_reports, reports, 64, 4);
#ifdef TRIVIT_TRAINING
    connect_training(top);
#endif
}

// Its processes are those that the simulator has got since the block before.
void Network::add_block(int unit, const TypedChannel<ap_uint<256>>* commands) {
    const std::size_t before =
        blocks_.empty() ? 0 : blocks_.back().first_process + blocks_.back().processes;
    blocks_.push_back({unit, commands, before, simulator_->blocks().size() - before});
}

Network::~Network() {}

void Network::drive() {
    for (const auto& stream : streams_)
        stream->drive(Channel::now());
}

bool Network::transfer() {
    bool moved = false;
    for (const auto& stream : streams_)
        moved = stream->transfer(Channel::now()) || moved;
    return moved;
}

const RtlStream* Network::stream(const std::string& name) const {
    for (const auto& stream : streams_) {
        if (stream->name == name) return stream.get();
    }
    violated("no stream " + name);
}

std::string Network::waits() const {
    std::string text;
    for (const auto& process : simulator_->blocks()) {
        const Channel* missing = process->waits_for();
        if (missing && !process->done())
            text += process->name + " waits for " + missing->name + "\n";
    }
    for (const auto& channel : simulator_->channels()) {
        if (channel->size() != 0)
            text += channel->name + " holds " + std::to_string(channel->size()) + " words\n";
    }
    for (const auto& stream : streams_) {
        if (stream->valid.get() && !stream->ready.get()) text += stream->name + " is not taken\n";
    }
    return text;
}

}  // namespace simulation
