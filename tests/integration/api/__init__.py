"""What holds for every route: the document, conditional reads, a model of the whole API."""
