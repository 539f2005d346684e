"""Compiles an exported QONNX file to a program bundle for the accelerator."""

from trivit.tools.compiler.compiler import PROGRAM_FILE, compile_model, compile_models, compile_run

__all__ = ["PROGRAM_FILE", "compile_model", "compile_models", "compile_run"]
