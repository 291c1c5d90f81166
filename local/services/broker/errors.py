"""The errors SQS answers with, and their names in the JSON and the older query protocol."""

# The query protocol knows these errors by another name. botocore takes that name from the header
# x-amzn-query-error as `Error.Code`, and picks the modeled exception by the name in the body.
_PREFIX = "AWS.SimpleQueueService."
_QUERY_CODES = {
    "BatchEntryIdsNotDistinct": _PREFIX + "BatchEntryIdsNotDistinct",
    "BatchRequestTooLong": _PREFIX + "BatchRequestTooLong",
    "EmptyBatchRequest": _PREFIX + "EmptyBatchRequest",
    "InvalidBatchEntryId": _PREFIX + "InvalidBatchEntryId",
    "InvalidParameterValueException": "InvalidParameterValue",
    "MissingRequiredParameterException": "MissingParameter",
    "PurgeQueueInProgress": _PREFIX + "PurgeQueueInProgress",
    "QueueDoesNotExist": _PREFIX + "NonExistentQueue",
    "QueueNameExists": "QueueAlreadyExists",
    "TooManyEntriesInBatchRequest": _PREFIX + "TooManyEntriesInBatchRequest",
    "UnknownOperationException": "InvalidAction",
    "UnsupportedOperation": _PREFIX + "UnsupportedOperation",
}


class SqsError(Exception):
    """A refusal the client caused: `code` is the JSON protocol's name of it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def query_code(self) -> str:
        """The name older clients know, also used inside batch results."""
        return _QUERY_CODES.get(self.code, self.code)


def invalid(message: str) -> SqsError:
    return SqsError("InvalidParameterValueException", message)


def invalid_value(name: str, value: object, reason: str) -> SqsError:
    return invalid(f"Value {value} for parameter {name} is invalid. Reason: {reason}")


def missing(name: str) -> SqsError:
    return SqsError(
        "MissingRequiredParameterException", f"The request must contain the parameter {name}."
    )


def no_such_queue() -> SqsError:
    return SqsError("QueueDoesNotExist", "The specified queue does not exist.")


def no_such_resource(name: str) -> SqsError:
    return SqsError(
        "ResourceNotFoundException",
        f"The resource that you specified for the {name} parameter doesn't exist.",
    )


def malformed(message: str) -> SqsError:
    return SqsError("SerializationException", message)
