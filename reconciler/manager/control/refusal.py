"""Refusals, with the status codes and texts of the engine (the texts of swarmkit come through it as gRPC errors)."""

from __future__ import annotations


class Refused(Exception):  # noqa: N818 (an answer, not a failure)
    """A request that was understood and refused. ``status``: HTTP; ``str()``: the body's message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


_STATUS = {
    "InvalidArgument": 400,
    "FailedPrecondition": 400,
    "NotFound": 404,
    "AlreadyExists": 409,
    "Unknown": 500,
    "Unimplemented": 501,
}


def _grpc(code: str, text: str) -> Refused:
    return Refused(_STATUS[code], f"rpc error: code = {code} desc = {text}")


def invalid(text: str) -> Refused:
    return _grpc("InvalidArgument", text)


def failed_precondition(text: str) -> Refused:
    return _grpc("FailedPrecondition", text)


def already_exists(text: str) -> Refused:
    return _grpc("AlreadyExists", text)


def unknown(text: str) -> Refused:
    return _grpc("Unknown", text)


def unimplemented(text: str) -> Refused:
    return _grpc("Unimplemented", text)


def not_found(kind: str, name: str) -> Refused:
    return Refused(404, f"{kind} {name} not found")


def out_of_sequence() -> Refused:
    return unknown("update out of sequence")
