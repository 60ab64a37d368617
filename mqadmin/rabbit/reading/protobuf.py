"""Protocol Buffers, read with the description of its message (`protoc --descriptor_set_out --include_imports`).

The library refuses what is nested more than a hundred times, and makes no more values than the bytes hold.
"""

from __future__ import annotations

from typing import Any

from mqadmin.rabbit.reading.decoders import tidy


class Message:
    """One kind of message out of a descriptor set. Raises ValueError for one that is none, or lacks the message."""

    def __init__(self, descriptors: bytes, name: str) -> None:
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
        from google.protobuf.message import DecodeError

        pool, found = descriptor_pool.DescriptorPool(), descriptor_pb2.FileDescriptorSet()
        try:
            found.ParseFromString(descriptors)
            for file in found.file:
                pool.Add(file)
            self._class = message_factory.GetMessageClass(pool.FindMessageTypeByName(name))
        except DecodeError:
            raise ValueError("it is no descriptor set: make it with protoc --descriptor_set_out") from None
        except KeyError:
            raise ValueError(f"it has no message {name[:200]}") from None
        except TypeError as error:
            raise ValueError(f"{str(error)[:200]} (make it with --include_imports)") from None

    def decode(self, content: bytes) -> Any:
        """Return the message as a table, its fields by the names that its description has. Raises ValueError.

        Bytes that no field describes are no fault to Protocol Buffers; they are counted under "(unknown fields)".
        """
        from google.protobuf import json_format, unknown_fields
        from google.protobuf.message import DecodeError

        message = self._class()
        try:
            message.ParseFromString(content)
            table = json_format.MessageToDict(message, preserving_proto_field_name=True)
            strange = len(unknown_fields.UnknownFieldSet(message))
        except (DecodeError, RecursionError, json_format.Error, TypeError, OverflowError) as error:
            raise ValueError(str(error)[:200] or type(error).__name__) from None
        if strange:
            if not table:
                raise ValueError("none of its fields is described: it is another message")
            table["(unknown fields)"] = strange
        return tidy(table)
