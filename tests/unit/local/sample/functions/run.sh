#!/bin/sh
# What the Lambda Web Adapter starts on AWS.
exec python -m uvicorn live:app --port "${AWS_LWA_PORT:-8080}"
