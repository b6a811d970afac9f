"""The guard that keeps tests on this machine does so, also for libraries that swallow the error."""

from __future__ import annotations

import socket

import network_guard
import pytest


@pytest.mark.parametrize("host", [None, "", "localhost", "127.0.0.1", "127.9.8.7", "::1", b"localhost", "0.0.0.0"])
def test_this_machine_is_local(host):
    assert network_guard.is_local(host)


@pytest.mark.parametrize("host", ["192.0.2.1", "example.org", "2001:db8::1", b"example.org", "localhost.example.org"])
def test_other_machines_are_not(host):
    assert not network_guard.is_local(host)


def test_connections_and_look_ups_are_refused_and_remembered():
    before = len(network_guard.attempts)
    with socket.socket() as tcp, pytest.raises(network_guard.NetworkBlockedError):
        tcp.connect(("192.0.2.1", 80))
    with socket.socket() as tcp, pytest.raises(network_guard.NetworkBlockedError):
        tcp.connect_ex(("192.0.2.1", 80))
    with socket.socket(type=socket.SOCK_DGRAM) as udp, pytest.raises(network_guard.NetworkBlockedError):
        udp.sendto(b"", ("192.0.2.1", 53))
    with pytest.raises(network_guard.NetworkBlockedError):
        socket.getaddrinfo("example.org", 80)
    assert len(network_guard.attempts) == before + 4
    del network_guard.attempts[before:]


def test_loopback_still_works():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()
