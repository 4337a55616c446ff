"""SecretFlow's spu, a peer of `benchmarks.psi`: both parties of one intersection over a live connection on loopback.

usage: python psi_spu.py --keys 1000000 [--protocol ECDH | RR22]

Needs an environment of its own with spu 0.9.5, which wants an older NumPy than the package. Prints one line of JSON:
`wall`, and the greater of the parties' `cpu` seconds and `megabytes`; each party's work is own and partner's list
together. Its parties meet and trust each other to follow the protocol, which ours by files need not; so it is a
measure of what a live connection saves, and no like for like.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import resource
import socket
import tempfile
import time
from pathlib import Path
from typing import Any


def free_ports() -> list[int]:
    """Two ports of loopback that nothing listens on."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    ports = [server.getsockname()[1] for server in held]
    for server in held:
        server.close()
    return ports


def party(rank: int, folder: str, ports: list[int], protocol: str, told: Any) -> None:
    """One side of the intersection; puts its figures into `told`."""
    from spu import libspu
    from spu import psi as peer

    links = libspu.link.Desc()
    for number, port in enumerate(ports):
        links.add_party(f"party-{number}", f"127.0.0.1:{port}")
    context = libspu.link.create_brpc(links, rank)
    start, before = time.perf_counter(), time.process_time()
    report = peer.psi_execute(
        peer.PsiExecuteConfig(
            protocol_conf=peer.PsiProtocolConfig(
                protocol=peer.parse_protocol(f"PROTOCOL_{protocol}"),
                broadcast_result=True,
                ecdh_params=peer.EcdhParams(curve=peer.EllipticCurveType.CURVE_25519),
            ),
            input_params=peer.InputParams(path=f"{folder}/{rank}.csv", selected_keys=["key"], keys_unique=True),
            output_params=peer.OutputParams(path=f"{folder}/{rank}-out.csv"),
        ),
        context,
    )
    wall, cpu = time.perf_counter() - start, time.process_time() - before
    told.put(
        {
            "wall": wall,
            "cpu": cpu,
            "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10,
            "matched": report.intersection_count,
        }
    )
    context.stop_link()


def main() -> None:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--keys", type=int, default=1_000_000)
    made.add_argument("--protocol", choices=("ECDH", "RR22"), default="ECDH")
    options = made.parse_args()
    methods = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        for rank in range(2):
            first = rank * options.keys // 2
            keys = (hashlib.sha256(str(n).encode()).hexdigest() for n in range(first, first + options.keys))
            Path(folder, f"{rank}.csv").write_text("key\n" + "\n".join(keys) + "\n")
        told, ports = methods.Queue(), free_ports()
        parties = [
            methods.Process(target=party, args=(rank, folder, ports, options.protocol, told)) for rank in range(2)
        ]
        for process in parties:
            process.start()
        figures = [told.get(timeout=3600) for _ in parties]
        for process in parties:
            process.join()
    assert {figure["matched"] for figure in figures} == {options.keys - options.keys // 2}
    print(json.dumps({name: max(figure[name] for figure in figures) for name in ("wall", "cpu", "megabytes")}))


if __name__ == "__main__":
    main()
