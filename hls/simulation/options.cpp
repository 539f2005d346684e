#include "options.hpp"

#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>

namespace simulation {

namespace {

double number(const std::string& option, const std::string& text) {
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != '\0' || value < 0)
        throw InputError(option + " " + text + ": give a number of at least 0");
    return value;
}

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv) {
    CommandLine line;
    std::map<std::string, std::function<void(double)>> numbers = {
        {"--latency", [&](double v) { line.ddr.latency = int(v); }},
        {"--bandwidth", [&](double v) { line.bandwidth_gb = v; }},
        {"--clock", [&](double v) { line.clock_mhz = v; }},
        {"--turn", [&](double v) { line.ddr.turn = int(v); }},
        {"--refresh", [&](double v) { line.ddr.refresh = int(v); }},
        {"--refresh-every", [&](double v) { line.ddr.refresh_every = int(v); }},
        {"--depth-factor", [&](double v) { line.depth_factor = int(v); }},
        {"--stream-latency", [&](double v) { line.stream_latency = int(v); }},
        {"--seed", [&](double v) { line.seed = uint64_t(v); }},
        {"--pauses", [&](double v) { line.pauses = int(v); }},
        {"--patience", [&](double v) { line.patience = uint64_t(v); }},
        {"--go-on", [&](double v) { line.go_on = v != 0; }},
        {"--most-cycles", [&](double v) { line.most_cycles = uint64_t(v); }},
        {"--progress", [&](double v) { line.progress_seconds = v; }},
        {"--wave-from", [&](double v) { line.wave_from = uint64_t(v); }},
        {"--wave-to", [&](double v) { line.wave_to = uint64_t(v); }},
    };
    std::map<std::string, std::string*> texts = {{"--trace", &line.trace}, {"--wave", &line.wave}};
    for (int i = 1; i < argc; ++i) {
        const std::string option = argv[i];
        const std::string value = i + 1 < argc ? argv[i + 1] : "";
        if (numbers.count(option)) {
            numbers[option](number(option, value));
            ++i;
        } else if (texts.count(option)) {
            *texts[option] = value;
            ++i;
        } else if (option.rfind("--", 0) == 0 || !line.folder.empty()) {
            throw InputError("unknown option " + option + ": see hls/simulation/README.md");
        } else {
            line.folder = option;
        }
    }
    if (line.folder.empty()) throw InputError("name the folder that holds job.txt");
    if (line.bandwidth_gb <= 0 || line.clock_mhz <= 0 || line.depth_factor < 1)
        throw InputError("--bandwidth, --clock and --depth-factor must be more than 0");
    if (line.pauses > 250) throw InputError("--pauses: give at most 250 of 256");
    line.ddr.words_per_cycle = line.bandwidth_gb * 1e9 / (line.clock_mhz * 1e6) / kWordBytes;
    line.ddr.pauses = line.pauses;
    line.ddr.seed = line.seed + 1;
    return line;
}

Input read_input(const std::string& folder) {
    const std::string path = folder + "/job.txt";
    std::ifstream file(path);
    if (!file) throw InputError(path + ": cannot be read");
    Input input;
    std::string text;
    for (int number = 1; std::getline(file, text); ++number) {
        std::istringstream line(text);
        std::string word;
        if (!(line >> word)) continue;
        if (word == "memory") {
            line >> input.memory_words;
        } else if (word == "load" || word == "save") {
            Region region;
            line >> region.address >> region.words >> region.file;
            (word == "load" ? input.loads : input.saves).push_back(region);
        } else if (word == "job") {
            Job job;
            line >> job.program >> job.commands >> job.reports >> job.params >> job.input >>
                job.output >> job.log;
            input.jobs.push_back(job);
        } else if (word == "watch") {
            Watch watch;
            line >> watch.job >> watch.unit >> watch.report >> watch.address >> watch.stride >>
                watch.rows >> watch.words;
            input.watches.push_back(watch);
        } else if (word == "watched") {
            line >> input.watched;
        } else {
            line.setstate(std::ios::failbit);
        }
        if (line.fail())
            throw InputError(path + ":" + std::to_string(number) + ": cannot read: " + text);
    }
    for (const auto* regions : {&input.loads, &input.saves}) {
        for (const Region& region : *regions) {
            if (region.address + region.words > input.memory_words)
                throw InputError(path + ": " + region.file + " lies outside of the memory");
        }
    }
    return input;
}

}  // namespace simulation
