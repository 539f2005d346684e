// Generated from hls/kernel.yaml by `python -m trivit.tools.kernel`; do not edit.
#ifndef TRIVIT_GENERATED_REGISTERS_HPP
#define TRIVIT_GENERATED_REGISTERS_HPP

namespace trivit {

// Byte offsets; those of 64 bits have their low word first.
enum Register {
    kRegisterControl = 0x00,
    kRegisterGier = 0x04,
    kRegisterIer = 0x08,
    kRegisterIsr = 0x0c,
    kRegisterStatus = 0x10,
    kRegisterFaults = 0x14,
    kRegisterVersion = 0x18,
    kRegisterGeometry = 0x1c,
    kRegisterClockKhz = 0x20,
    kRegisterBankWords = 0x24,
    kRegisterCycles = 0x28,
    kRegisterJobCycles = 0x30,
    kRegisterProgram = 0x40,
    kRegisterParams = 0x48,
    kRegisterInput = 0x50,
    kRegisterOutput = 0x58,
    kRegisterLog = 0x60,
    kRegisterCommands = 0x68,
    kRegisterReports = 0x6c,
};

// Lowest bits of the parts of a register.
enum RegisterField {
    kControlStart = 0,
    kControlDone = 1,
    kControlIdle = 2,
    kControlOverrun = 3,
    kControlAbort = 4,
    kControlInterrupt = 9,
    kGierEnable = 0,
    kIerDone = 0,
    kIerError = 1,
    kIsrDone = 0,
    kIsrError = 1,
    kStatusCode = 0,
    kStatusTag = 16,
    kGeometryTokens = 0,
    kGeometryOutputs = 8,
    kGeometryDepth = 16,
    kGeometryPorts = 24,
};

}  // namespace trivit

#endif
