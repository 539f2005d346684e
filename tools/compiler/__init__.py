"""Compiles an exported QONNX file to a program bundle for the accelerator."""

from trivit.tools.compiler.compiler import compile_model, compile_run

__all__ = ["compile_model", "compile_run"]
