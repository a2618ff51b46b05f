"""Simulated iSocket devices: honest state machines that share no code with the cloud.

Everything here is written from the public protocol alone, so that the cloud is tested against a second
reading of it. Start at `runner.run`; the device itself, without any network or clock, is `device.Device`.
"""
