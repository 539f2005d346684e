// Simulates the whole accelerator: the RTL as Verilator compiles it, the HLS blocks as clocked
// processes, a DDR memory. README.md describes input and output.
#include <cstdio>
#include <memory>

#include "Vaccelerator.h"
#include "command.hpp"
#include "job_files.hpp"
#include "network.hpp"
#include "probe.hpp"
#include "trace.hpp"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

namespace simulation {

namespace {

const int kGmems = 5;

AxiPins axi_pins(Vaccelerator& top, int g) {
    return {Bytes(top.araddr, 40 * g, 40),
            Bytes(top.arlen, 8 * g, 8),
            Bytes(top.rdata, 128 * g, 128),
            Bytes(top.awaddr, 40 * g, 40),
            Bytes(top.awlen, 8 * g, 8),
            Bytes(top.wdata, 128 * g, 128),
            {Pin(top.rresp, 2 * g), Pin(top.rresp, 2 * g + 1)},
            {Pin(top.bresp, 2 * g), Pin(top.bresp, 2 * g + 1)},
            Pin(top.arvalid, g),
            Pin(top.arready, g),
            Pin(top.rlast, g),
            Pin(top.rvalid, g),
            Pin(top.rready, g),
            Pin(top.awvalid, g),
            Pin(top.awready, g),
            Pin(top.wlast, g),
            Pin(top.wvalid, g),
            Pin(top.wready, g),
            Pin(top.bvalid, g),
            Pin(top.bready, g)};
}

class Simulation {
public:
    Simulation(const CommandLine& line, const Input& input)
        : line_(line),
          input_(input),
          network_(new Network(top_, line)),
          ddr_(line.ddr, input.memory_words),
          probe_(top_),
          watches_(input),
          trace_(probe_, *network_),
          progress_(line.progress_seconds) {
        for (int g = 0; g < kGmems; ++g)
            ddr_.attach(axi_pins(top_, g));
        load_regions(line.folder, input, ddr_);
        open_wave();
        // Time begins when the accelerator takes a job.
        top_.reset = 1;
        for (int i = 0; i < 4 || (i < 100 && !top_.job_ready); ++i) {
            if (i == 4) top_.reset = 0;
            top_.eval();
            edge();
        }
        held_ = top_.blocks_resetn == 0;
    }

    // Returns whether all programs came to their end; with --go-on, also one with an error.
    bool run() {
        for (job_ = 0; job_ < input_.jobs.size(); ++job_) {
            start(input_.jobs[job_]);
            watches_.next_job();
            uint64_t idle = 0;
            bool done = false;
            while (!done) {
                idle = clock() ? 0 : idle + 1;
                done = top_.job_done;
                if (line_.go_on && idle > line_.patience && !top_.job_abort) {
                    std::fprintf(stderr, "%s%s", trace_.waits().c_str(), network_->waits().c_str());
                    top_.job_abort = 1;
                    idle = 0;
                }
                if (idle > line_.patience || cycles_ > line_.most_cycles) {
                    std::fprintf(stderr, "%s in cycle %llu of job %zu\n%s%s%s",
                                 idle > line_.patience ? "nothing moves" : "too many cycles",
                                 (unsigned long long)top_.job_cycle, job_, trace_.waits().c_str(),
                                 network_->waits().c_str(), ddr_.report().c_str());
                    return false;
                }
            }
            top_.job_abort = 0;
            if (top_.error != 0) {
                std::fprintf(stderr, "%s in cycle %llu of job %zu, instruction %d\n",
                             error().c_str(), (unsigned long long)top_.job_cycle, job_,
                             int(top_.error_tag));
                if (!line_.go_on) return false;
            }
            std::printf("job %zu: %llu cycles\n", job_, (unsigned long long)top_.job_cycle);
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
        if (!line_.trace.empty() && !trace_.write(line_.trace))
            throw InputError(line_.trace + ": cannot be written");
#if VM_TRACE
        if (wave_) wave_->close();
#endif
    }

private:
    void start(const Job& job) {
        top_.job_program = job.program;
        top_.job_commands = uint32_t(job.commands);
        top_.job_reports = uint32_t(job.reports);
        top_.job_params = job.params;
        top_.job_input = job.input;
        top_.job_output = job.output;
        top_.job_log = job.log;
        top_.job_valid = 1;
    }

    // What the top says went wrong.
    std::string error() const {
        const unsigned error = top_.error;
        if (error & 0xFF) return "engine error " + std::to_string(error & 0xFF);
        for (int g = 0; g < kGmems; ++g) {
            const char* names[] = {" read", " write"};
            for (int direction = 0; direction < 2; ++direction) {
                if (error >> (8 + 2 * g + direction) & 1)
                    return "gmem" + std::to_string(g) + names[direction] + " outside of the memory";
            }
        }
        if (error >> (8 + 2 * kGmems) & 1)
            return "the program makes other reports than the job says";
        return "given up";
    }

    // One clock. What moves is decided when the RTL's outputs have settled for the words and the
    // room that it sees.
    bool clock() {
        network_->drive();
        ddr_.drive();
        top_.eval();
        dump(2 * time_);
        const bool begins = top_.job_valid && top_.job_ready;
        trace_.before(job_, top_.job_cycle);
        sample_reports();
        bool moved = begins || probe_.stall() == 0;
        if (!held_) moved = network_->transfer() || moved;
        moved = ddr_.transfer() || moved;
        if (!held_) moved = network_->clock() || moved;
        trace_.after(job_, top_.job_cycle);
        edge();
        if (begins) top_.job_valid = 0;
        reset_blocks();
        progress_.clock(job_, input_.jobs.size(), ++cycles_);
        return moved;
    }

    // Blocks in reset take nothing and bring nothing, and begin again behind it.
    void reset_blocks() {
        const bool held = top_.blocks_resetn == 0;
        if (held && !held_) {
            network_.reset();
            network_.reset(new Network(top_, line_));
            trace_.attach(*network_);
        }
        held_ = held;
    }

    void sample_reports() {
        if (!probe_.any_report()) return;
        for (int unit = 0; unit < kUnits; ++unit) {
            if (probe_.report(unit).moves() && !probe_.report_ends(unit))
                watches_.reported(job_, unit, probe_);
        }
    }

    void edge() {
        top_.clk = 1;
        top_.eval();
        dump(2 * time_ + 1);
        top_.clk = 0;
        ++time_;
    }

#if VM_TRACE
    void open_wave() {
        if (line_.wave.empty()) return;
        Verilated::traceEverOn(true);
        wave_.reset(new VerilatedVcdC);
        top_.trace(wave_.get(), 99);
        wave_->open(line_.wave.c_str());
    }
    void dump(uint64_t time) {
        if (wave_ && cycles_ >= line_.wave_from && cycles_ < line_.wave_to) wave_->dump(time);
    }
    std::unique_ptr<VerilatedVcdC> wave_;
#else
    void open_wave() {
        if (!line_.wave.empty()) throw InputError("--wave: this build has no waveforms");
    }
    void dump(uint64_t) {}
#endif

    const CommandLine line_;
    const Input& input_;
    Vaccelerator top_;
    std::unique_ptr<Network> network_;
    Ddr ddr_;
    const Probe probe_;
    Watches watches_;
    Trace trace_;
    Progress progress_;
    std::size_t job_ = 0;
    uint64_t cycles_ = 0, time_ = 0;
    bool held_ = true;  // the blocks are in reset
};

}  // namespace

}  // namespace simulation

int main(int argc, char** argv) {
    return simulation::run_command<simulation::Simulation>(argc, argv);
}
