"""The API's description: each noun's schemas, examples and operations, merged into one document.

A route takes its operation by name (`@app.get(path, **key.get)`); what can be seen from the route
itself (scope, parameters, usual errors) is not written down again: see `document`.
"""
