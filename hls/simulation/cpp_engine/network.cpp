#include "network.hpp"

#include <algorithm>

#include "../command.hpp"
#include "../../src/connections.cpp"
#include "../../src/engine.cpp"
#include "../../src/gelu.cpp"
#include "../../src/mover.cpp"
#include "../../src/normalise.cpp"
#include "../../src/select.cpp"
#include "../../src/sequencer.cpp"
#include "../../src/softmax.cpp"

namespace simulation {

namespace {

using namespace trivit::blocks;

typedef BankMemory<Word, trivit::kActivationDepth> Bank;

const int kEngineCommandDepth = 8;
const int kMoverDepth = 32;

}  // namespace

// Members before the others: the simulator must be there when streams are made.
Network::Network(const CommandLine& line, Ddr& ddr)
    : simulator(new Simulator(block_options(line))),
      jobs("jobs"),
      descriptors("descriptors"),
      program("program"),
      program_words("program_words"),
      program_end("program_end"),
      training("training") {
    const auto bus = [&](int number) {
        const std::string name =
            "gmem" + std::to_string(number) + "." + std::to_string(buses.size());
        const MemoryPort port(name, kAheadWords);
        buses.emplace_back(new MemoryBus(port, number));
        ddr.attach(buses.back()->pins());
        return port;
    };
    typedef hls::stream<Command, kCommandDepth> Commands;
    Commands row_writer("row_writer"), softmax_writer("softmax_writer"), norm_writer("norm_writer"),
        row_reader("row_reader"), load("load"), store("store"), gelu("gelu"), softmax("softmax"),
        normalise("normalise"), select("select"), connections("connections");
    hls::stream<Command, kEngineCommandDepth> engine("engine");
    hls::stream<Checked> checked("checked");
    hls::stream<Move> weights0("weights0"), weights1("weights1"), weights2("weights2"),
        weights3("weights3"), rows0("rows0"), rows1("rows1"), rows2("rows2"), rows3("rows3"),
        stores0("stores0"), stores1("stores1"), stores2("stores2"), stores3("stores3");
    typedef hls::stream<Word, kMoverDepth> MoverWords;
    MoverWords weight0("weight_words0"), weight1("weight_words1"), weight2("weight_words2"),
        weight3("weight_words3"), row0("row_words0"), row1("row_words1"), row2("row_words2"),
        row3("row_words3");
    MoverWords stored0("stored0"), stored1("stored1"), stored2("stored2"), stored3("stored3");
    hls::stream<LoadPlace> load_places("load_places");
    hls::stream<LoadWords> load_words("load_words");
    hls::stream<TileRow> gelu_rows("gelu_rows"), scores("softmax_scores");
    hls::stream<TileRow, kGeluDepth> gelu_results("gelu_results");
    hls::stream<OpenKeys> open("connections_open");
    hls::stream<WordPair> probabilities("softmax_results");
    hls::stream<Word> cls("softmax_cls"), lists("select_lists");
    hls::stream<LivePair> all("softmax_all");
    hls::stream<KeptWord, kKeptDepth> kept("select_kept");
    hls::stream<WordPair> norm_rows("normalise_rows"), norm_results("normalise_results");
    hls::stream<Vectors> vectors("normalise_vectors");
    const auto reports = [&](int unit, const char* name) {
        units.push_back({unit, hls::stream<Report>(name)});
        return units.back().reports;
    };
    hls::stream<Report> engine_reports = reports(kUnitEngine, "engine_reports"),
                        gelu_reports = reports(kUnitGelu, "gelu_reports"),
                        softmax_reports = reports(kUnitSoftmax, "softmax_reports"),
                        normalise_reports = reports(kUnitNormalise, "normalise_reports"),
                        select_reports = reports(kUnitSelect, "select_reports"),
                        row_reports = reports(kUnitRowWriter, "row_writer_reports"),
                        prob_reports = reports(kUnitSoftmaxWriter, "softmax_writer_reports"),
                        norm_reports = reports(kUnitNormWriter, "norm_writer_reports"),
                        load_reports = reports(kUnitLoad, "load_reports"),
                        store_reports = reports(kUnitStore, "store_reports"),
                        connection_reports = reports(kUnitConnections, "connections_reports");

    trivit_sequencer(jobs, descriptors, engine, gelu, softmax, normalise, select, row_writer,
                     softmax_writer, norm_writer, row_reader, load, store, connections, training,
                     weights0, weights1, weights2, weights3, rows0, rows1, rows2, rows3, stores0,
                     stores1, stores2, stores3, program_end);
    trivit_gelu(gelu, gelu_rows, gelu_results, gelu_reports);
    trivit_softmax(softmax, scores, open, probabilities, cls, all, softmax_reports);
    trivit_normalise(normalise, norm_rows, vectors, norm_results, normalise_reports);
    trivit_select(select, cls, lists, kept, select_reports);
    trivit_connections(connections, all, kept, open, connection_reports);
    trivit_guard(engine, checked);
    trivit_load(load, row0, row1, row2, row3, load_places, load_words, vectors);
    trivit_engine(checked, row_writer, softmax_writer, norm_writer, row_reader, store, load_places,
                  load_words, weight0, weight1, weight2, weight3, gelu_results, lists,
                  probabilities, norm_results, scores, gelu_rows, norm_rows, stored0, stored1,
                  stored2, stored3, engine_reports, row_reports, prob_reports, norm_reports,
                  load_reports, store_reports);
    const auto reader = [&](int number, hls::stream<Move>& moves, hls::stream<Word>& words) {
        MemoryPort port = bus(number);
        trivit_mover_read(moves, port, words);
    };
    reader(0, program, program_words);
    reader(1, weights0, weight0);
    reader(2, weights1, weight1);
    reader(3, weights2, weight2);
    reader(4, weights3, weight3);
    hls::stream<Finished> finished0("finished0"), finished1("finished1"), finished2("finished2"),
        finished3("finished3"), answers0("answers0"), answers1("answers1"), answers2("answers2"),
        answers3("answers3");
    hls::stream<Ask> asks0("asks0"), asks1("asks1"), asks2("asks2"), asks3("asks3");
    const auto gated = [&](int number, hls::stream<Move>& moves, hls::stream<Ask>& asks,
                           hls::stream<Finished>& answers, hls::stream<Word>& words) {
        hls::stream<Move> passed(("passed" + std::to_string(number - 1)).c_str());
        trivit_mover_gate(moves, asks, answers, passed);
        reader(number, passed, words);
    };
    gated(1, rows0, asks0, answers0, row0);
    gated(2, rows1, asks1, answers1, row1);
    gated(3, rows2, asks2, answers2, row2);
    gated(4, rows3, asks3, answers3, row3);
    const auto writer = [&](int number, hls::stream<Move>& moves, hls::stream<Word>& words,
                            hls::stream<Finished>& finished) {
        MemoryPort port = bus(number);
        trivit_mover_write(moves, words, port, finished);
        stores_.push_back({words, buses.back().get()});
    };
    writer(1, stores0, stored0, finished0);
    writer(2, stores1, stored1, finished1);
    writer(3, stores2, stored2, finished2);
    writer(4, stores3, stored3, finished3);
    trivit_mover_fences(finished0, finished1, finished2, finished3, asks0, asks1, asks2, asks3,
                        answers0, answers1, answers2, answers3);
}

Network::~Network() {}

void Network::drive() {
    for (const auto& bus : buses)
        bus->drive(Channel::now());
}

bool Network::transfer() {
    bool moved = false;
    for (const auto& bus : buses)
        moved = bus->transfer(Channel::now()) || moved;
    return moved;
}

bool Network::clock() { return simulator->clock(); }

void Network::feed_commands() {
    const uint64_t now = Channel::now();
    if (!program_words.channel()->readable(now)) return;
    if (has_half_) {
        if (!descriptors.channel()->writable(now)) return;
        WideWord command = half_;
        command.range(255, 128) = program_words.channel()->front();
        descriptors.channel()->push(command, now);
    }
    half_ = program_words.channel()->front();
    has_half_ = !has_half_;
    program_words.channel()->pop(now);
}

std::string Network::waits() const {
    std::string text;
    for (const auto& process : simulator->blocks()) {
        const Channel* missing = process->waits_for();
        if (missing && !process->done())
            text += process->name + " waits for " + missing->name + "\n";
    }
    for (const auto& channel : simulator->channels()) {
        if (channel->size() != 0)
            text += channel->name + " holds " + std::to_string(channel->size()) + " words\n";
    }
    return text;
}

DdrWord Network::bank_word(int bank, uint64_t address) const {
    const Word& word = Bank::all()[std::size_t(bank)].at(int(address));
    const uint64_t halves[2] = {word.range(63, 0).to_uint64(), word.range(127, 64).to_uint64()};
    DdrWord bytes;
    std::memcpy(bytes.data(), halves, sizeof halves);
    return bytes;
}

uint64_t Network::bank_words() const { return trivit::kActivationDepth; }

bool Network::stored() const {
    return std::all_of(stores_.begin(), stores_.end(), [](const Store& store) {
        return store.words.size() == 0 && store.words.channel()->taken == store.bus->words_written;
    });
}

}  // namespace simulation
