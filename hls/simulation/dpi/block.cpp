#include "block.hpp"

namespace simulation {

namespace {

bool bit(BitsIn bits, int place) { return (*bits >> place & 1) != 0; }

}  // namespace

Options& block_settings() {
    static Options options = [] {
        Options made;
        made.restart = true;
        return made;
    }();
    return options;
}

Block::Block(const std::string& name, Build build) : name_(name), build_(build), pauses_(0, 0) {}

// Streams inside the block are those of `block_settings`; a port holds the word of a clock alone.
void Block::begin() {
    simulator_.reset(new Simulator(block_settings()));
    pauses_ = Pauses(block_settings().seed + name_.size(), block_settings().pauses);
    ports_ = build_();
    taken_.clear();
    given_.clear();
    std::size_t taken_words = 0, given_words = 0;
    for (const trivit::BlockPort& described : trivit::kBlockPorts) {
        if (name_ != described.block) continue;
        const auto found = ports_.find(described.name);
        if (found == ports_.end()) violated(name_ + " has no port " + described.name);
        Port& port = *found->second;
        if (port.bits() != described.bits)
            violated(name_ + "." + described.name + " has another width than hls/kernel.yaml says");
        port.channel().latency = 0;
        std::vector<Place>& side = described.taken ? taken_ : given_;
        std::size_t& words = described.taken ? taken_words : given_words;
        side.push_back({&port, words, int(side.size())});
        words += std::size_t(described.bits + 31) / 32;
        if (side.size() > 32) violated(name_ + " has more streams than a word has bits");
    }
    if (taken_.size() + given_.size() != ports_.size())
        violated(name_ + " has a port that hls/kernel.yaml does not have");
    Simulator::current() = nullptr;  // the block is built
    given_words_ = given_words;
    now_ = 0;
}

void Block::clock(bool running, BitsIn taken_valid, BitsIn taken_data, BitsOut taken_ready,
                  BitsIn given_ready, BitsOut given_valid, BitsOut given_data) {
    *taken_ready = *given_valid = 0;
    if (!running) simulator_.reset();
    if (!running) return;
    if (!simulator_) begin();
    Channel::now() = now_;
    for (const Place& place : taken_) {
        if (bit(taken_valid, place.bit)) place.port->put(taken_data + place.word);
    }
    for (const Place& place : given_)
        place.port->channel().depth = bit(given_ready, place.bit) && !pauses_.pause() ? 1 : 0;
    simulator_->clock();
    now_ = Channel::now();
    for (const Place& place : taken_) {
        if (bit(taken_valid, place.bit) && place.port->channel().size() == 0)
            *taken_ready |= uint32_t(1) << place.bit;
        place.port->clear();
    }
    std::memset(given_data, 0, given_words_ * sizeof *given_data);
    for (const Place& place : given_) {
        if (place.port->channel().size() == 0) continue;
        *given_valid |= uint32_t(1) << place.bit;
        place.port->get(given_data + place.word);
        place.port->clear();
    }
}

}  // namespace simulation
