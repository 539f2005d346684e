// Products and updates alone, which compile fast: for the forms that a processor may have.
#include "trivit/training/adamw.hpp"
#include "trivit/training/product.hpp"
#include "trivit/training/update.hpp"

extern "C" const char* trivit_form(void) { return trivit::Vectors::name(); }

// False for an op that is not among them.
extern "C" bool trivit_form_run(void* memory, const void* operation, const void* constants,
                                void* results) {
    using namespace trivit::training;
    static thread_local Scratch scratch;
    int16_t* arena = static_cast<int16_t*>(memory);
    const Descriptor& op = *static_cast<const Descriptor*>(operation);
    const Step& step = *static_cast<const Step*>(constants);
    Figures* figures = static_cast<Figures*>(results);
    switch (Opcode(op.opcode)) {
        case Opcode::product:
            product(arena, op, scratch, figures);
            return true;
        case Opcode::update_sgd:
            update_sgd(arena, op, step, figures);
            return true;
        case Opcode::update_adamw:
            update_adamw(arena, op, step, figures);
            return true;
        default:
            return false;
    }
}
