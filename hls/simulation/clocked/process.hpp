// A pipelined loop at II=1: each clock begins an iteration when its streams have their words, and
// the iteration's results leave the pipeline `depth` clocks later.
#ifndef TRIVIT_CLOCKED_PROCESS_HPP
#define TRIVIT_CLOCKED_PROCESS_HPP

#include <map>
#include <tuple>
#include <utility>

#include "channel.hpp"

namespace simulation {

// What a pipeline does while a word is missing at its begin: flp lets what is inside go on, stp
// stands still as a whole. Both stand still when there is no room for a result.
enum class Style { flp, stp };

// How long each clock of a process was spent, from its start to its last result.
struct Activity {
    uint64_t busy = 0;      // clocks in which an iteration began
    uint64_t draining = 0;  // after the last one
    std::map<const Channel*, uint64_t> starved;
    std::map<const Channel*, uint64_t> held;
};

class Pipeline {
public:
    Pipeline(const std::string& name, int depth, Style style, uint64_t start)
        : name(name), depth_(depth), style_(style), start_(start) {}
    virtual ~Pipeline() {}

    // As a function with ap_ctrl_none: called again when it has returned, to begin `entry` clocks
    // later.
    void restart(uint64_t entry) { entry_ = int64_t(entry); }

    // Returns whether anything moved.
    bool clock(uint64_t now) {
        if (entry_ >= 0 && !running_ && flight_.empty() && stage_ >= last_) {
            reset();
            running_ = waits_ = true;
            start_ = now + uint64_t(entry_);
        }
        if (now < start_ || (entry_ < 0 && done())) return false;
        bool moved = false;
        if (!flight_.empty() && flight_.front().due <= stage_) {
            for (Channel* channel : flight_.front().writes) {
                if (channel->writable(now)) continue;
                ++activity.held[channel];
                return false;
            }
            for (Channel* channel : flight_.front().writes)
                channel->commit(now);
            moved = !flight_.front().writes.empty();
            flight_.pop_front();
        }
        if (running_) {
            Iteration iteration;
            if (begin(iteration)) {
                ++activity.busy;
                waits_ = false;
                last_ = stage_ + uint64_t(depth_);
                for (Channel* channel : iteration.reads)
                    channel->pop(now);
                moved = moved || !iteration.reads.empty() || !iteration.writes.empty();
                if (!iteration.writes.empty())
                    flight_.push_back({stage_ + uint64_t(depth_), iteration.writes});
            } else if (style_ == Style::stp) {
                return moved;
            }
        } else {
            ++activity.draining;
        }
        ++stage_;
        return moved;
    }

    // It has ended, and was not needed again.
    bool done() const { return (!running_ || waits_) && flight_.empty(); }

    // The stream without which its next iteration does not begin; none if it need not wait.
    const Channel* waits_for() const { return missing_; }

    const std::string name;
    Activity activity;

protected:
    virtual bool run() = 0;  // an iteration; returns whether another one follows
    virtual void keep() = 0;
    virtual void restore() = 0;
    virtual void reset() = 0;  // to the state of a first call

private:
    struct Results {
        uint64_t due;
        std::vector<Channel*> writes;
    };

    bool begin(Iteration& iteration) {
        // Nothing has changed for an iteration that was undone until its word is there.
        if (missing_ && !missing_->readable(Channel::now())) {
            ++activity.starved[missing_];
            return false;
        }
        missing_ = nullptr;
        iteration.process = this;
        iteration.number = iterations_;
        keep();
        Iteration::current() = &iteration;
        try {
            running_ = run();
        } catch (const Stalled& stalled) {
            Iteration::current() = nullptr;
            restore();
            for (Channel* channel : iteration.writes)
                channel->undo_write();
            for (Deferred* memory : iteration.memories)
                memory->finish(false);
            ++activity.starved[stalled.channel];
            missing_ = stalled.channel;
            return false;
        } catch (...) {
            Iteration::current() = nullptr;
            throw;
        }
        Iteration::current() = nullptr;
        for (Deferred* memory : iteration.memories)
            memory->finish(true);
        ++iterations_;
        return true;
    }

    const int depth_;
    const Style style_;
    uint64_t start_;
    int64_t entry_ = -1;  // without a restart
    std::deque<Results> flight_;
    uint64_t stage_ = 0;  // clocks in which the pipeline moved
    uint64_t last_ = 0;   // stage in which the last iteration is through
    uint64_t iterations_ = 0;
    bool running_ = true;
    bool waits_ = false;          // called again, without an iteration yet
    Channel* missing_ = nullptr;  // the stream that the last try found empty
};

template <class Process, class... Streams>
class ProcessPipeline : public Pipeline {
public:
    ProcessPipeline(const std::string& name, int depth, Style style, uint64_t start,
                    const Process& process, const Streams&... streams)
        : Pipeline(name, depth, style, start),
          first_(process),
          process_(process),
          kept_(process),
          streams_(streams...) {}

protected:
    bool run() override { return call(std::index_sequence_for<Streams...>()); }
    void keep() override { kept_ = process_; }
    void restore() override { process_ = kept_; }
    void reset() override { process_ = first_; }

private:
    template <std::size_t... kPlaces>
    bool call(std::index_sequence<kPlaces...>) {
        return process_.iterate(std::get<kPlaces>(streams_)...);
    }

    const Process first_;
    Process process_;
    Process kept_;
    std::tuple<Streams...> streams_;
};

}  // namespace simulation

#endif
