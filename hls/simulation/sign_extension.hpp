// Verilator's sign extension of numbers of up to 64 bits as two shifts, which g++ makes one
// instruction of; as Verilator writes it, five. The array extends 6,144 numbers a cycle. Included
// in the generated files alone, behind Verilator's own headers (--compiler-include).
#ifndef TRIVIT_SIMULATION_SIGN_EXTENSION_HPP
#define TRIVIT_SIMULATION_SIGN_EXTENSION_HPP

static inline IData trivit_extend_32(int bits, IData value) {
    return IData(int32_t(value << (32 - bits)) >> (32 - bits));
}

static inline QData trivit_extend_64(int bits, QData value) {
    return QData(int64_t(value << (64 - bits)) >> (64 - bits));
}

#define VL_EXTENDS_II(to, from, value) trivit_extend_32(from, value)
#define VL_EXTENDS_QI(to, from, value) trivit_extend_64(from, value)
#define VL_EXTENDS_QQ(to, from, value) trivit_extend_64(from, value)

#endif
