"""Stands in for the Google provider where none is installed: tells Terraform the names and types of its resources.

Terraform then finds what is misspelt, missing or of a wrong type, and its mocked provider plans. Which values Google
would accept is not known here. Speaks tfplugin6 (Terraform's `docs/plugin-protocol`) over a socket; the few messages
that are needed are encoded by hand.
"""

import gzip
import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc

from tests.terraform.make_google_schema import SCHEMA

ADDRESS = "registry.terraform.io/hashicorp/google"
SERVICE = "tfplugin6.Provider"
EMPTY_ANSWERS = ("ValidateProviderConfig", "ValidateResourceConfig", "ValidateDataResourceConfig", "ConfigureProvider")
LIST = 2  # nesting mode of a block


def number(field, value):
    """A field of a protobuf message that is a whole number."""
    return varint(field << 3) + varint(value)


def chunk(field, value):
    """A field of a protobuf message that is bytes, a text or a message."""
    value = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(value)) + value


def varint(value):
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def attribute(name, kind, mode):
    """The message Schema.Attribute."""
    required, optional, computed = mode == "required", mode.startswith("optional"), mode.endswith("computed")
    return chunk(1, name) + chunk(2, json.dumps(kind)) + number(4, required) + number(5, optional) + number(6, computed)


def block(content):
    """The message Schema.Block."""
    attributes = b"".join(chunk(2, attribute(*each)) for each in content["attributes"])
    return attributes + b"".join(chunk(3, nested(*each)) for each in content["blocks"])


def nested(name, content, many, required):
    """The message Schema.NestedBlock."""
    most = 0 if many else 1
    return chunk(1, name) + chunk(2, block(content)) + number(3, LIST) + number(4, required) + number(5, most)


def schemas():
    """The message GetProviderSchema.Response."""
    content = json.loads(gzip.decompress(SCHEMA.read_bytes()))
    answer = chunk(1, chunk(2, block(content["provider"])))
    for field, kind in ((2, "resources"), (3, "data_sources")):
        for name, of in content[kind].items():
            answer += chunk(field, chunk(1, name) + chunk(2, chunk(2, block(of))))
    return answer


@contextmanager
def serving(folder):
    """Serve the schema on a socket in a folder; give the environment variable that leads Terraform there."""
    answers = {"GetProviderSchema": schemas(), **dict.fromkeys(EMPTY_ANSWERS, b"")}
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(lambda request, context, answer=answer: answer)
        for name, answer in answers.items()
    }
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, handlers)])
    socket = folder / "provider.sock"
    server.add_insecure_port(f"unix://{socket}")
    server.start()
    place = {"Network": "unix", "String": str(socket)}
    plugin = {"Protocol": "grpc", "ProtocolVersion": 6, "Pid": os.getpid(), "Test": True, "Addr": place}
    try:
        yield {"TF_REATTACH_PROVIDERS": json.dumps({ADDRESS: plugin})}
    finally:
        server.stop(grace=None)
