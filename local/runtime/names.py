"""What AWS would call our local things: one region, one account, and the ARNs built from them."""

REGION = "us-east-1"
ACCOUNT = "000000000000"
PARTITION = "aws"


def queue_arn(queue_name: str) -> str:
    return f"arn:{PARTITION}:sqs:{REGION}:{ACCOUNT}:{queue_name}"


def queue_url(sqs_endpoint: str, queue_name: str) -> str:
    return f"{sqs_endpoint.rstrip('/')}/{ACCOUNT}/{queue_name}"


def function_arn(function_name: str) -> str:
    return f"arn:{PARTITION}:lambda:{REGION}:{ACCOUNT}:function:{function_name}"


def rule_arn(schedule_name: str) -> str:
    return f"arn:{PARTITION}:events:{REGION}:{ACCOUNT}:rule/{schedule_name}"


def schedule_arn(schedule_name: str) -> str:
    return f"arn:{PARTITION}:scheduler:{REGION}:{ACCOUNT}:schedule/default/{schedule_name}"
