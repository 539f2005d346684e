// Runs fuzzing cases on the kernel, each in a process of its own, its buffers between guards.
//
// Requests come on stdin, replies go to stdout, all of them 32-bit little-endian words followed by
// raw memory words (case.py says which). A case runs in a fork of this process, so that every case
// finds the same memories and a crash or a hang ends only the fork. With `keep` a case runs in this
// process itself: what it leaves in the kernel's memories is where later cases start.
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

extern "C" uint32_t trivit_emulator_run(const void* program, const void* params, const void* input,
                                        void* output, void* stats, uint32_t num_instructions,
                                        uint32_t num_images, uint32_t params_words,
                                        uint32_t input_words, uint32_t output_words);

namespace {

const size_t kWordBytes = 16;
const size_t kDescriptorBytes = 128;
const unsigned char kUntouched = 0xa5;  // case.py looks for it in outputs and stats
const unsigned kWallSeconds = 300;      // far above any case, also on a busy machine

struct Request {
    uint32_t keep;
    uint32_t cpu_seconds;
    uint32_t descriptors;  // that the program region holds
    uint32_t num_instructions;
    uint32_t num_images;
    uint32_t params_words;
    uint32_t input_words;
    uint32_t output_words;
};

struct Reply {
    uint32_t outcome;
    uint32_t detail;  // the kernel's status, or what waitpid says
};

const uint32_t kFinished = 0;
const uint32_t kDied = 1;
const uint32_t kGuardChanged = 2;

[[noreturn]] void fail(const char* what) {
    std::perror(what);
    std::exit(3);
}

// Returns false when stdin ended before the first byte.
bool receive(void* target, size_t bytes) {
    char* place = static_cast<char*>(target);
    for (size_t done = 0; done < bytes;) {
        const ssize_t count = read(STDIN_FILENO, place + done, bytes - done);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail("read");
        if (count == 0 && done == 0) return false;
        if (count == 0) fail("request ends early");
        done += size_t(count);
    }
    return true;
}

void send(const void* source, size_t bytes) {
    const char* place = static_cast<const char*>(source);
    for (size_t done = 0; done < bytes;) {
        const ssize_t count = write(STDOUT_FILENO, place + done, bytes - done);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail("write");
        done += size_t(count);
    }
}

// A buffer that ends at a page without access. The page before it has no access either; what lies
// between that page and the buffer is filled and, with the address sanitizer, poisoned.
class Region {
public:
    explicit Region(size_t bytes) : bytes_(bytes) {
        const size_t page = size_t(sysconf(_SC_PAGESIZE));
        const size_t inner = (bytes + page - 1) / page * page;
        mapped_ = inner + 2 * page;
        void* memory = mmap(nullptr, mapped_, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) fail("mmap");
        base_ = static_cast<unsigned char*>(memory);
        inner_ = base_ + page;
        inner_bytes_ = inner;
        protect(PROT_READ | PROT_WRITE);
        std::memset(inner_, kUntouched, inner);
        slack_ = inner - bytes;
        ASAN_POISON_MEMORY_REGION(inner_, slack_);
    }

    Region(const Region&) = delete;
    Region& operator=(const Region&) = delete;

    ~Region() {
        ASAN_UNPOISON_MEMORY_REGION(inner_, slack_);
        munmap(base_, mapped_);
    }

    unsigned char* data() { return inner_ + slack_; }
    size_t bytes() const { return bytes_; }
    void make_read_only() { protect(PROT_READ); }

    bool guard_is_intact() {
        ASAN_UNPOISON_MEMORY_REGION(inner_, slack_);
        for (size_t i = 0; i < slack_; ++i) {
            if (inner_[i] != kUntouched) return false;
        }
        return true;
    }

private:
    void protect(int access) {
        if (inner_bytes_ != 0 && mprotect(inner_, inner_bytes_, access) != 0) fail("mprotect");
    }

    size_t bytes_;
    size_t mapped_;
    size_t inner_bytes_;
    size_t slack_;
    unsigned char* base_;
    unsigned char* inner_;
};

void limit_time(uint32_t cpu_seconds) {
    const struct rlimit limit = {cpu_seconds, cpu_seconds + 1};
    if (setrlimit(RLIMIT_CPU, &limit) != 0) fail("setrlimit");
    alarm(kWallSeconds);
}

}  // namespace

int main() {
    Request request;
    while (receive(&request, sizeof(request))) {
        Region program(request.descriptors * kDescriptorBytes);
        Region params(request.params_words * kWordBytes);
        Region input(size_t(request.num_images) * request.input_words * kWordBytes);
        Region output(size_t(request.num_images) * request.output_words * kWordBytes);
        Region stats(request.descriptors * kWordBytes);
        Region status(sizeof(uint32_t));
        Region* const given[] = {&program, &params, &input};
        for (Region* region : given) {
            if (!receive(region->data(), region->bytes())) fail("request ends early");
            region->make_read_only();
        }
        const auto run = [&] {
            const uint32_t result = trivit_emulator_run(
                program.data(), params.data(), input.data(), output.data(), stats.data(),
                request.num_instructions, request.num_images, request.params_words,
                request.input_words, request.output_words);
            std::memcpy(status.data(), &result, sizeof(result));
        };
        Reply reply = {kFinished, 0};
        if (request.keep != 0) {
            run();
        } else {
            const pid_t child = fork();
            if (child < 0) fail("fork");
            if (child == 0) {
                limit_time(request.cpu_seconds);
                run();
                _exit(0);
            }
            int ended = 0;
            while (waitpid(child, &ended, 0) < 0) {
                if (errno != EINTR) fail("waitpid");
            }
            if (ended != 0) reply = {kDied, uint32_t(ended)};
        }
        if (reply.outcome == kFinished) std::memcpy(&reply.detail, status.data(), 4);
        Region* const all[] = {&program, &params, &input, &output, &stats};
        for (Region* region : all) {
            if (reply.outcome == kFinished && !region->guard_is_intact()) {
                reply = {kGuardChanged, 0};
            }
        }
        send(&reply, sizeof(reply));
        send(output.data(), output.bytes());
        send(stats.data(), stats.bytes());
    }
    return 0;
}
