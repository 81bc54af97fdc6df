"""The temporary folder of simulated runs: see `harness.world.scratch`."""

from harness.world.scratch import scratch_folder

__all__ = ["scratch_folder"]
