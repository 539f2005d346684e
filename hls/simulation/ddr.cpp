#include "ddr.hpp"

#include <algorithm>
#include <stdexcept>

namespace simulation {

namespace {

const uint64_t kPage = 4096;

struct Burst {
    uint64_t address;  // in words
    int beats;
    std::vector<DdrWord> words;  // of a write
    uint64_t due;
};

}  // namespace

class DdrPort {
public:
    DdrPort(Ddr& ddr, const AxiPins& pins, int number)
        : ddr_(ddr), pins_(pins), number_(number), random_(ddr.timing.seed * 977 + number) {}

    void drive() {
        const uint64_t now = ddr_.cycle;
        const std::size_t open = std::size_t(ddr_.timing.open);
        pins_.arready.put(reads_.size() + read_data_.size() < open && !pause());
        pins_.awready.put(addresses_.size() + writes_.size() + responses_.size() < open &&
                          !pause());
        pins_.wready.put(!pause());
        offer(read_offered_, read_data_, now, pins_.rvalid);
        if (read_offered_) {
            const Burst& burst = read_data_.front();
            static const DdrWord nothing = {};
            const uint64_t address = burst.address + uint64_t(beat_);
            const Answer answer = ddr_.answer(address, false);
            pins_.rdata.put(answer == Answer::okay ? ddr_.word(address).data() : nothing.data());
            respond(pins_.rresp, answer);
            pins_.rlast.put(beat_ == burst.beats - 1);
        }
        offer(response_offered_, responses_, now, pins_.bvalid);
        if (response_offered_) respond(pins_.bresp, answer(responses_.front()));
    }

    bool transfer() {
        bool moved = false;
        if (pins_.arvalid.get() && pins_.arready.get()) {
            reads_.push_back(burst(pins_.araddr, pins_.arlen));
            moved = true;
        }
        if (pins_.awvalid.get() && pins_.awready.get()) {
            addresses_.push_back(burst(pins_.awaddr, pins_.awlen));
            moved = true;
        }
        if (pins_.wvalid.get() && pins_.wready.get()) {
            DdrWord word;
            pins_.wdata.get(word.data());
            words_.push_back(word);
            if (pins_.wlast.get()) {
                complete_.push_back(words_);
                words_.clear();
            }
            moved = true;
        }
        if (!addresses_.empty() && !complete_.empty()) {
            writes_.push_back(addresses_.front());
            writes_.back().words = complete_.front();
            addresses_.pop_front();
            complete_.pop_front();
            if (int(writes_.back().words.size()) != writes_.back().beats)
                fail("wlast does not agree with awlen");
        }
        if (read_offered_ && pins_.rready.get()) {
            read_offered_ = false;
            ++ddr_.read_words;
            if (ddr_.answer(read_data_.front().address + uint64_t(beat_), false) != Answer::okay)
                ++ddr_.refusals;
            if (++beat_ == read_data_.front().beats) {
                read_data_.pop_front();
                beat_ = 0;
            }
            moved = true;
        }
        if (response_offered_ && pins_.bready.get()) {
            response_offered_ = false;
            const Burst& burst = responses_.front();
            if (answer(burst) == Answer::okay)
                std::copy(burst.words.begin(), burst.words.end(), &ddr_.word(burst.address));
            else
                ++ddr_.refusals;
            ddr_.written_words += burst.words.size();
            responses_.pop_front();
            moved = true;
        }
        return moved;
    }

    // Begins the next burst, if one may begin now; returns how many words it has.
    int serve(double start) {
        const DdrTiming& timing = ddr_.timing;
        if (turned_at_ > ddr_.cycle || (reads_.empty() && writes_.empty())) return 0;
        const bool wants = writing_ ? !writes_.empty() : !reads_.empty();
        const bool other = writing_ ? !reads_.empty() : !writes_.empty();
        if (!wants || (other && run_ >= timing.burst_run)) {
            writing_ = !writing_;
            run_ = 0;
            turned_at_ = ddr_.cycle + uint64_t(timing.turn);
            if (timing.turn != 0) return 0;
        }
        std::deque<Burst>& from = writing_ ? writes_ : reads_;
        std::deque<Burst>& to = writing_ ? responses_ : read_data_;
        to.push_back(from.front());
        from.pop_front();
        to.back().due = uint64_t(start) + uint64_t(timing.latency);
        ++run_;
        return to.back().beats;
    }

    void reset() {
        for (std::deque<Burst>* queue : {&reads_, &read_data_, &addresses_, &writes_, &responses_})
            queue->clear();
        words_.clear();
        complete_.clear();
        beat_ = run_ = 0;
        read_offered_ = response_offered_ = writing_ = false;
        turned_at_ = 0;
        random_ = ddr_.timing.seed * 977 + uint64_t(number_);
        for (const Pin& pin :
             {pins_.arready, pins_.awready, pins_.wready, pins_.rvalid, pins_.bvalid})
            pin.put(false);
    }

    std::string report() const {
        if (reads_.empty() && read_data_.empty() && writes_.empty() && responses_.empty() &&
            addresses_.empty() && words_.empty())
            return "";
        return "gmem" + std::to_string(number_) + ": " +
               std::to_string(reads_.size() + read_data_.size()) + " reads and " +
               std::to_string(addresses_.size() + writes_.size() + responses_.size()) +
               " writes under way\n";
    }

private:
    [[noreturn]] void fail(const std::string& what) const {
        throw std::logic_error("gmem" + std::to_string(number_) + ": " + what);
    }

    Burst burst(const Bytes& address, const Bytes& length) const {
        const uint64_t first = address.number();
        const int beats = int(length.number()) + 1;
        if (first % kWordBytes != 0) fail("a burst does not begin with a word");
        if (first / kPage != (first + uint64_t(beats) * kWordBytes - 1) / kPage)
            fail("a burst crosses 4 KB");
        return {first / kWordBytes, beats, {}, 0};
    }

    void offer(bool& offered, const std::deque<Burst>& queue, uint64_t now, const Pin& valid) {
        if (!offered) offered = !queue.empty() && queue.front().due <= now && !pause();
        valid.put(offered);
    }

    void respond(const std::array<Pin, 2>& pins, Answer answer) const {
        pins[0].put(int(answer) & 1);
        pins[1].put(int(answer) >> 1);
    }

    // To a write burst: that to its first word which is refused.
    Answer answer(const Burst& burst) const {
        for (int beat = 0; beat < burst.beats; ++beat) {
            const Answer answer = ddr_.answer(burst.address + uint64_t(beat), true);
            if (answer != Answer::okay) return answer;
        }
        return Answer::okay;
    }

    bool pause() {
        if (ddr_.timing.pauses == 0) return false;
        random_ = random_ * 6364136223846793005ull + 1442695040888963407ull;
        return int(random_ >> 56) < ddr_.timing.pauses;
    }

    Ddr& ddr_;
    const AxiPins pins_;
    const int number_;
    uint64_t random_;
    std::deque<Burst> reads_, read_data_;  // asked for, on their way back
    std::deque<Burst> addresses_, writes_, responses_;
    std::vector<DdrWord> words_;
    std::deque<std::vector<DdrWord>> complete_;
    int beat_ = 0;
    bool read_offered_ = false, response_offered_ = false;
    bool writing_ = false;
    int run_ = 0;
    uint64_t turned_at_ = 0;
};

Ddr::~Ddr() {
    for (DdrPort* port : ports_)
        delete port;
}

void Ddr::attach(const AxiPins& pins) {
    ports_.push_back(new DdrPort(*this, pins, int(ports_.size())));
}

void Ddr::reset() {
    for (DdrPort* port : ports_)
        port->reset();
}

Answer Ddr::answer(uint64_t address, bool write) const {
    if (!inside(address)) return Answer::decode_error;
    for (const DdrBuffer& buffer : buffers) {
        if (address - buffer.first < buffer.words)
            return write ? buffer.to_writes : buffer.to_reads;
    }
    return buffers.empty() ? Answer::okay : Answer::decode_error;
}

void Ddr::drive() {
    for (DdrPort* port : ports_)
        port->drive();
}

bool Ddr::transfer() {
    bool moved = false;
    for (DdrPort* port : ports_)
        moved = port->transfer() || moved;
    serve();
    ++cycle;
    return moved;
}

// The ports take turns, a burst each.
void Ddr::serve() {
    if (timing.refresh_every && cycle % uint64_t(timing.refresh_every) == 0)
        free_at_ = std::max(free_at_, double(cycle)) + timing.refresh;
    std::size_t idle = 0;
    while (free_at_ <= double(cycle) && idle < ports_.size()) {
        const double start = std::max(free_at_, double(cycle));
        const int beats = ports_[next_]->serve(start);
        next_ = (next_ + 1) % ports_.size();
        idle = beats == 0 ? idle + 1 : 0;
        if (beats != 0) free_at_ = start + beats / timing.words_per_cycle;
    }
}

std::string Ddr::report() const {
    std::string text;
    for (const DdrPort* port : ports_)
        text += port->report();
    return text;
}

}  // namespace simulation
