"""A receiver of syslog over TLS (RFC 5425) that reads frames strictly, and ends as many connections as it is
told to without a word, with the message read. Prints its port, then each message as a JSON string."""

import argparse
import json
import socket
import ssl

arguments = argparse.ArgumentParser()
arguments.add_argument("--certificate", required=True)
arguments.add_argument("--key", required=True)
arguments.add_argument("--rude", type=int, default=0)
arguments = arguments.parse_args()

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(arguments.certificate, arguments.key)
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)


def read_frame(stream):
    """MSG-LEN SP SYSLOG-MSG; MSG-LEN is digits that don't begin with 0. None at the end."""
    length = b""
    while (byte := stream.recv(1)) != b" ":
        if not byte and not length:
            return None
        assert byte.isdigit() and length + byte != b"0", (length, byte)
        length += byte
    message = b""
    while len(message) < int(length):
        some = stream.recv(int(length) - len(message))
        assert some, "a message is cut off"
        message += some
    return message


rude = arguments.rude
while True:
    connection, _ = listener.accept()
    try:
        stream = context.wrap_socket(connection, server_side=True, suppress_ragged_eofs=False)
        while (message := read_frame(stream)) is not None:
            print(json.dumps(message.decode()), flush=True)
            if rude:
                rude -= 1
                stream.shutdown(socket.SHUT_RDWR)
                break
        else:
            stream.unwrap()
    except OSError:
        pass
    connection.close()
