"""Where the sample application's template is, and the repository's own."""

from pathlib import Path

SAMPLE_TEMPLATE = Path(__file__).parent / "template.yaml"
PROJECT_TEMPLATE = Path(__file__).parents[4] / "infra" / "template.yaml"
