// A function that can be left in the middle and entered again, on a stack of its own. The simulator
// and the kernel take turns on one thread, so a simulation is the same every time.
#ifndef TRIVIT_SIMULATION_COROUTINE_HPP
#define TRIVIT_SIMULATION_COROUTINE_HPP

#include <ucontext.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <utility>
#include <vector>

namespace simulation {

class Coroutine {
public:
    explicit Coroutine(std::size_t stack_bytes) : stack_(stack_bytes) {}
    Coroutine(const Coroutine&) = delete;
    Coroutine& operator=(const Coroutine&) = delete;

    // Begins `body` and runs it until its first yield or its end. What ran before is forgotten:
    // its destructors do not run, so a body must own no memory.
    void start(std::function<void()> body) {
        body_ = std::move(body);
        if (getcontext(&inside_) != 0) {
            std::perror("getcontext");
            std::abort();
        }
        inside_.uc_stack.ss_sp = stack_.data();
        inside_.uc_stack.ss_size = stack_.size();
        inside_.uc_link = &outside_;
        makecontext(&inside_, &Coroutine::enter, 0);
        running_ = true;
        resume();
    }

    // Enters the body again after its last yield; nothing happens when it has ended.
    void resume() {
        if (!running_) return;
        entering_ = this;
        swapcontext(&outside_, &inside_);
    }

    // Called from inside the body: back to whoever started or resumed it.
    void yield() { swapcontext(&inside_, &outside_); }

    void abandon() { running_ = false; }
    bool running() const { return running_; }

private:
    static void enter() {
        Coroutine* self = entering_;
        self->body_();
        self->running_ = false;  // uc_link leads back to resume()
    }

    static inline Coroutine* entering_ = nullptr;
    std::vector<char> stack_;
    std::function<void()> body_;
    ucontext_t inside_{};
    ucontext_t outside_{};
    bool running_ = false;
};

}  // namespace simulation

#endif
