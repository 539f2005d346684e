#include "trace.hpp"

#include <cstdio>

namespace simulation {

namespace {

const int kEngine = 1, kRowWriter = 6, kSoftmaxWriter = 7, kNormWriter = 8, kRowReader = 9,
          kLoad = 10, kStore = 11;
const char* const kUnitNames[kUnits] = {
    "sequencer",     "engine",           "gelu",          "softmax",
    "normalise",     "select",           "row_writer",    "softmax_writer",
    "norm_writer",   "row_reader",       "load",          "store",
    "move_weights",  "move_rows",        "move_store",    "connections",
    "gelu_backward", "softmax_backward", "cross_entropy", "normalise_backward",
    "update",        "adamw_constants",  "update_adamw"};
const char* const kStallNames[kStalls] = {"work",    "command", "source", "residual",
                                          "weights", "target",  "stream", "short"};

}  // namespace

Trace::Trace(const Probe& probe, const Network& network) : probe_(probe) { attach(network); }

void Trace::attach(const Network& network) {
    network_ = &network;
    gelu_results_ = network.stream("gelu_results");
    lists_ = network.stream("select_lists");
    probabilities_ = network.stream("softmax_results");
    normalised_ = network.stream("normalise_results");
    rows_ = network.stream("normalise_rows");
    taken_.assign(network.blocks().size(), 0);
    accounted_.clear();
    active_ = {};
    products_.resize(reported_);
    issuing_ = reported_;
}

// The data stream of a unit; of several, whether any has a word and any moves one.
Handshake Trace::data_of(int unit) const {
    const auto at = [](const RtlStream* stream) {
        return Handshake{stream->valid.get(), stream->ready.get()};
    };
    switch (unit) {
        case kRowWriter: {
            Handshake any = {false, false};
            for (const Handshake& input : {at(gelu_results_), probe_.direct_rows(), at(lists_)}) {
                any.valid = any.valid || input.valid;
                any.ready = any.ready || input.moves();
            }
            return any;
        }
        case kSoftmaxWriter:
            return at(probabilities_);
        case kNormWriter:
            return at(normalised_);
        case kRowReader:
            return at(rows_);
        case kLoad:
            return probe_.loaded_words();
        default:
            return probe_.stored_words();
    }
}

void Trace::sample_products(std::size_t job, uint64_t cycle) {
    if (products_.size() == issuing_) products_.push_back({job, -1, cycle, 0, {}});
    Product& product = products_.back();
    ++product.clocks[std::size_t(probe_.stall())];
    if (probe_.product_begins()) {
        product.from = cycle + 1;  // then the array has it
        product.job = job;
    }
    if (probe_.product_issued()) ++issuing_;
    if (probe_.report(kEngine).moves() && reported_ < products_.size()) {
        products_[reported_].tag = probe_.report_tag(kEngine);
        products_[reported_++].to = cycle;
    }
}

void Trace::sample_unit(std::size_t job, uint64_t cycle, int unit, int place) {
    std::deque<Span>& spans = active_[std::size_t(unit)];
    if (!spans.empty()) {
        const Handshake data = data_of(unit);
        Span& span = spans.front();
        ++(data.moves() ? span.worked : data.valid ? span.held : span.starved);
        if (unit == kRowReader && data.moves()) span.to = cycle;
    }
    if (probe_.report(unit).moves()) finish(unit, cycle, probe_.report_tag(unit));
    if (probe_.command(place).moves()) {
        if (unit == kRowReader && !spans.empty()) finish(unit, spans.front().to, spans.front().tag);
        spans.push_back({job, unit, probe_.command_tag(place), cycle, cycle, 0, 0, 0});
    }
}

void Trace::finish(int unit, uint64_t cycle, int tag) {
    std::deque<Span>& spans = active_[std::size_t(unit)];
    if (spans.empty()) return;
    spans.front().to = cycle;
    spans.front().tag = tag;
    spans_.push_back(spans.front());
    spans.pop_front();
}

void Trace::before(std::size_t job, uint64_t cycle) {
    sample_products(job, cycle);
    for (int unit = kRowWriter; unit <= kStore; ++unit)
        sample_unit(job, cycle, unit, unit - kRowWriter + 1);
    if (!probe_.any_report()) return;
    for (const Block& block : network_->blocks()) {
        if (!probe_.report(block.unit).moves() || probe_.report_ends(block.unit)) continue;
        const int tag = probe_.report_tag(block.unit);
        account(job, block, tag);
        finish(block.unit, cycle, tag);
    }
}

void Trace::after(std::size_t job, uint64_t cycle) {
    for (std::size_t b = 1; b < taken_.size(); ++b) {
        const Block& block = network_->blocks()[b];
        if (block.commands->taken == taken_[b]) continue;
        taken_[b] = block.commands->taken;
        active_[std::size_t(block.unit)].push_back({job, block.unit, -1, cycle, cycle, 0, 0, 0});
    }
}

// What the block's processes did since its last report.
void Trace::account(std::size_t job, const Block& block, int tag) {
    const auto& pipelines = network_->simulator().blocks();
    for (std::size_t i = block.first_process; i < block.first_process + block.processes; ++i) {
        const Pipeline& pipeline = *pipelines[i];
        const auto add = [&](const std::string& what, uint64_t clocks) {
            uint64_t& before = accounted_[pipeline.name + " " + what];
            if (clocks > before)
                processes_.push_back({job, block.unit, tag, pipeline.name, what, clocks - before});
            before = clocks;
        };
        add("work", pipeline.activity.busy);
        for (const auto& wait : pipeline.activity.starved)
            add("no word in " + wait.first->name, wait.second);
        for (const auto& wait : pipeline.activity.held)
            add("no room in " + wait.first->name, wait.second);
    }
}

std::string Trace::waits() const {
    std::string text;
    if (probe_.stall() != 0)
        text += std::string("array: ") + kStallNames[probe_.stall()] + " is missing\n";
    for (std::size_t unit = 0; unit < active_.size(); ++unit) {
        if (active_[unit].empty()) continue;
        const int tag = active_[unit].front().tag;  // of a block, its report tells
        text += std::string(kUnitNames[unit]) + " works" +
                (tag < 0 ? "" : " at instruction " + std::to_string(tag)) + "\n";
    }
    return text;
}

bool Trace::write(const std::string& path) const {
    std::FILE* file = std::fopen(path.c_str(), "w");
    if (!file) return false;
    for (const Product& product : products_) {
        if (product.tag < 0) continue;
        std::fprintf(file, "product,%zu,%d,%llu,%llu", product.job, product.tag,
                     (unsigned long long)product.from, (unsigned long long)product.to);
        for (int cause = 0; cause < kStalls; ++cause)
            std::fprintf(file, ",%s=%llu", kStallNames[cause],
                         (unsigned long long)product.clocks[std::size_t(cause)]);
        std::fprintf(file, "\n");
    }
    for (const Span& span : spans_) {
        std::fprintf(file, "command,%zu,%d,%llu,%llu,%s,work=%llu,no_word=%llu,no_room=%llu\n",
                     span.job, span.tag, (unsigned long long)span.from, (unsigned long long)span.to,
                     kUnitNames[span.unit], (unsigned long long)span.worked,
                     (unsigned long long)span.starved, (unsigned long long)span.held);
    }
    for (const Process& process : processes_) {
        std::fprintf(file, "process,%zu,%d,%s,%s,%s,%llu\n", process.job, process.tag,
                     kUnitNames[process.unit], process.name.c_str(), process.what.c_str(),
                     (unsigned long long)process.clocks);
    }
    return std::fclose(file) == 0;
}

}  // namespace simulation
