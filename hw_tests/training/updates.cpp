// The update ops alone, which compile fast: for the forms that a processor may have.
#include "trivit/training/adamw.hpp"
#include "trivit/training/update.hpp"

extern "C" const char* trivit_form(void) { return trivit::Vectors::name(); }

extern "C" void trivit_update(void* arena, const void* operation, const void* step, void* figures) {
    using namespace trivit::training;
    const Descriptor& op = *static_cast<const Descriptor*>(operation);
    const auto update = Opcode(op.opcode) == Opcode::update_adamw ? update_adamw : update_sgd;
    update(static_cast<int16_t*>(arena), op, *static_cast<const Step*>(step),
           static_cast<Figures*>(figures));
}
