"""Sockets of Indy nodes (ZeroMQ with CurveZMQ), for a test that knows what nodes answer.

The first line of standard input is a list of nodes with their keys, the first line of standard output their ports. From
then on each line is a message: out what a client has sent to a node, in what the node sends to it.
"""

import json
import sys

import zmq

context = zmq.Context()
poller = zmq.Poller()
sockets = []
ports = []
for node in json.loads(sys.stdin.readline()):
    socket = context.socket(zmq.ROUTER)
    socket.curve_server = True
    socket.curve_secretkey = node["secret"].encode()
    socket.curve_publickey = node["public"].encode()
    ports.append(socket.bind_to_random_port("tcp://127.0.0.1"))
    poller.register(socket, zmq.POLLIN)
    sockets.append(socket)
print(json.dumps(ports), flush=True)

poller.register(sys.stdin.fileno(), zmq.POLLIN)
while True:
    for source, _ in poller.poll():
        if source == sys.stdin.fileno():
            line = sys.stdin.buffer.raw.readline()
            if not line:
                sys.exit()
            message = json.loads(line)
            sockets[message["node"]].send_multipart([bytes.fromhex(message["peer"]), message["body"].encode()])
        else:
            peer, *parts = source.recv_multipart()
            message = {"node": sockets.index(source), "peer": peer.hex(), "body": b"".join(parts).decode()}
            print(json.dumps(message), flush=True)
