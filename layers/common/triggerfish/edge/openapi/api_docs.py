"""The description itself, as operations: the document, its page and what the page loads."""

from triggerfish.edge.openapi.operation import Answer, operation
from triggerfish.edge.openapi.schema import TEXT

TAG = "API documents"
ASSETS = ("init.js", "swagger-ui-bundle.js", "swagger-ui.css", "favicon.png")

document = operation(
    "getOpenApi",
    TAG,
    "Get this document",
    {200: Answer("OpenAPI 3.1.", {"type": "object"}, {"Its beginning": {"openapi": "3.1.0"}})},
)
page = operation(
    "getDocs",
    TAG,
    "Read this document in a browser",
    {200: Answer("A page.", TEXT, {"Its beginning": "<!doctype html>"}, media_type="text/html")},
)
asset = operation(
    "getDocsAsset",
    TAG,
    "Load a part of the page",
    {200: Answer("A script, a style or an icon.")},
)
