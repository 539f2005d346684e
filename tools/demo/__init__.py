"""The whole flow in one run: train, quantize, compile, run, compare with the oracle, draw."""

from trivit.tools.demo.flow import run_demo
from trivit.tools.demo.settings import DemoSettings, full_settings, quick_settings

__all__ = ["DemoSettings", "full_settings", "quick_settings", "run_demo"]
