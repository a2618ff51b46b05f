"""Simulated iSocket devices: honest state machines that share no code with the cloud.

Everything here is written from the public protocol alone, so that the cloud is tested against a second
reading of it. Start at `runner.run`; the device itself, without any network or clock, is `device.Device`.

clock       moments of simulated time, the only place that looks at a clock
models      what each model of socket has
wire        topics, encoder, decoder
settings    what the owner may set
battery, relay, alarms, commands    parts of a device
device      the device: events and time in, messages out
backlog     what the cloud has not yet confirmed
uplink      what may be sent next, and again
network     one MQTT connection on the asyncio loop
client      one device on one connection, reconnecting
memory      what a device remembers while the simulator is not running
scenarios   scripts; lies   what a liar says; director   who carries scripts out
fleet       many sockets in one process; runner   the way in
"""
