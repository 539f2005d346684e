generated/trivit_spec.sv
generated/trivit_commands.sv
generated/trivit_registers.sv
rtl/engine_types.sv
rtl/mover_types.sv
