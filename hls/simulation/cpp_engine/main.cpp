// Simulates the whole accelerator with its engine in C++: every part is a clocked process of the
// source that Vitis HLS would compile. Command line and files are those of ../main.cpp.
#include <array>
#include <cstdio>

#include "../command.hpp"
#include "../job_files.hpp"
#include "network.hpp"

namespace simulation {

namespace {

class Simulation {
public:
    Simulation(const CommandLine& line, const Input& input)
        : line_(line),
          input_(input),
          ddr_(line.ddr, input.memory_words),
          network_(line, ddr_),
          watches_(input),
          progress_(line.progress_seconds) {
        if (!line.trace.empty()) throw InputError("--trace: not with the engine in C++");
        if (!line.wave.empty()) throw InputError("--wave: not with the engine in C++");
        load_regions(line.folder, input, ddr_);
    }

    // Returns whether all programs came to their end.
    bool run() {
        for (job_ = 0; job_ < input_.jobs.size(); ++job_) {
            start(input_.jobs[job_]);
            uint64_t idle = 0;
            while (!done()) {
                idle = clock() ? 0 : idle + 1;
                const std::string error = this->error();
                if (!error.empty()) {
                    std::fprintf(stderr, "%s in cycle %llu of job %zu\n", error.c_str(),
                                 (unsigned long long)job_cycle_, job_);
                    return false;
                }
                if (idle > line_.patience || cycles_ > line_.most_cycles) {
                    std::fprintf(stderr, "%s in cycle %llu of job %zu\n%s%s",
                                 idle > line_.patience ? "nothing moves" : "too many cycles",
                                 (unsigned long long)job_cycle_, job_, network_.waits().c_str(),
                                 ddr_.report().c_str());
                    return false;
                }
            }
            std::printf("job %zu: %llu cycles\n", job_, (unsigned long long)job_cycle_);
        }
        return true;
    }

    void save() {
        save_regions(line_.folder, input_, ddr_);
        watches_.write(line_.folder);
    }

    void finish() {
        progress_.print(job_, input_.jobs.size(), cycles_);
        std::fprintf(stderr, "DDR: %llu words read, %llu written\n",
                     (unsigned long long)ddr_.read_words, (unsigned long long)ddr_.written_words);
    }

private:
    void start(const Job& job) {
        job_cycle_ = 0;
        logged_ = 0;
        ended_ = false;
        watches_.next_job();
        const uint64_t now = Channel::now();
        WideWord words = 0;
        words.range(35, 0) = ap_uint<36>(job.params);
        words.range(71, 36) = ap_uint<36>(job.input);
        words.range(107, 72) = ap_uint<36>(job.output);
        network_.jobs.channel()->push(words, now);
        ap_uint<128> move = 0;
        move.range(35, 0) = ap_uint<36>(job.program);
        move.range(59, 36) = ap_uint<24>(2 * job.commands);
        network_.program.channel()->push(move, now);
    }

    bool done() const {
        return ended_ && logged_ == input_.jobs[job_].reports && network_.stored();
    }

    std::string error() const {
        if (engine_error_ != 0) return "engine error " + std::to_string(engine_error_);
        for (const auto& bus : network_.buses) {
            const std::string name = "gmem" + std::to_string(bus->number);
            if (bus->read_error) return name + " read outside of the memory";
            if (bus->write_error) return name + " write outside of the memory";
        }
        if (training_) return "the engine in C++ knows no training: use the engine rtl";
        if (mismatch_) return "the program makes other reports than the job says";
        return "";
    }

    bool clock() {
        network_.drive();
        ddr_.drive();
        // Both look at the same signals; the memory changes none of them.
        bool moved = ddr_.transfer();
        moved = network_.transfer() || moved;
        network_.feed_commands();
        moved = log() || moved;
        moved = end() || moved;
        moved = refuse_training() || moved;
        moved = network_.clock() || moved;
        ++job_cycle_;
        progress_.clock(job_, input_.jobs.size(), ++cycles_);
        return moved;
    }

    // The next report, of the units in turn; a report a clock, as the accelerator in SystemVerilog
    // logs them.
    bool log() {
        const uint64_t now = Channel::now();
        for (std::size_t i = 0; i < network_.units.size(); ++i) {
            turn_ = (turn_ + 1) % network_.units.size();
            Reporting& unit = network_.units[turn_];
            if (!unit.reports.channel()->readable(now)) continue;
            const ReportWord report = unit.reports.channel()->front();
            unit.reports.channel()->pop(now);
            if (report[63]) return true;
            watches_.reported(job_, unit.unit, network_);
            write_log(unit.unit, report);
            if (report[40]) engine_error_ = report.range(48, 41).to_int();
            return true;
        }
        return false;
    }

    void write_log(int unit, const ReportWord& report) {
        const uint64_t words[2] = {(job_cycle_ & ((uint64_t(1) << 40) - 1)) | uint64_t(unit) << 40 |
                                       report.range(62, 52).to_uint64() << 45 |
                                       uint64_t(report[40]) << 56,
                                   report.range(39, 0).to_uint64()};
        const uint64_t address = input_.jobs[job_].log + logged_++;
        if (address < ddr_.content.size())
            std::memcpy(ddr_.content[address].data(), words, sizeof words);
    }

    // An end command alone is nothing for units that are not here.
    bool refuse_training() {
        if (!network_.training.channel()->readable(Channel::now())) return false;
        training_ = training_ || !network_.training.channel()->front()[0];
        network_.training.channel()->pop(Channel::now());
        return true;
    }

    bool end() {
        const uint64_t now = Channel::now();
        if (!network_.program_end.channel()->readable(now)) return false;
        const uint64_t reports = network_.program_end.channel()->front().to_uint64();
        network_.program_end.channel()->pop(now);
        ended_ = true;
        mismatch_ = reports != input_.jobs[job_].reports;
        return true;
    }

    const CommandLine line_;
    const Input& input_;
    Ddr ddr_;
    Network network_;
    Watches watches_;
    Progress progress_;
    std::size_t job_ = 0, turn_ = 0;
    uint64_t cycles_ = 0, job_cycle_ = 0, logged_ = 0;
    int engine_error_ = 0;
    bool ended_ = false, mismatch_ = false, training_ = false;
};

}  // namespace

}  // namespace simulation

int main(int argc, char** argv) {
    return simulation::run_command<simulation::Simulation>(argc, argv);
}
