"""A small FaaS: runs the Lambda functions of a SAM template on this machine, whoever wrote them."""
