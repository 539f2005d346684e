#include "job_files.hpp"

namespace simulation {

void load_regions(const std::string& folder, const Input& input, Ddr& ddr) {
    for (const Region& region : input.loads) {
        std::ifstream file(folder + "/" + region.file, std::ios::binary);
        file.read(reinterpret_cast<char*>(&ddr.content[region.address]),
                  std::streamsize(region.words * kWordBytes));
        if (!file) throw InputError(region.file + ": shorter than job.txt says");
    }
}

void save_regions(const std::string& folder, const Input& input, const Ddr& ddr) {
    for (const Region& region : input.saves) {
        std::ofstream file(folder + "/" + region.file, std::ios::binary);
        file.write(reinterpret_cast<const char*>(&ddr.content[region.address]),
                   std::streamsize(region.words * kWordBytes));
        if (!file) throw InputError(region.file + ": cannot be written");
    }
}

void Watches::write(const std::string& folder) const {
    if (input_.watched.empty()) return;
    std::ofstream file(folder + "/" + input_.watched, std::ios::binary);
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
        const Watch& watch = input_.watches[i];
        if (tensors_[i].size() != watch.rows * watch.words)
            throw std::runtime_error("watch " + std::to_string(i) + ": its report never came");
        file.write(reinterpret_cast<const char*>(tensors_[i].data()),
                   std::streamsize(tensors_[i].size() * kWordBytes));
    }
    if (!file) throw InputError(input_.watched + ": cannot be written");
}

}  // namespace simulation
