"""The ``blendgap`` command line: options in, a body from another module, an exit code out.

Bodies are loaded when their command runs (see :mod:`flows.late`).
"""

from __future__ import annotations

import typer

from flows.commands import experiments, networks, pictures, scenes
from flows.exits import with_exit_code

__all__ = ["app", "main"]

app = typer.Typer(
    name="blendgap",
    help="Render labelled pictures in Blender, train on them, and measure what they buy on real "
    "photographs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for command in (
    experiments.demo,
    scenes.scenes,
    scenes.preview,
    scenes.render,
    scenes.rerender,
    scenes.check,
    pictures.export,
    pictures.benchmark,
    pictures.compare,
    networks.train,
    networks.predict,
    networks.evaluate,
    experiments.experiment,
    experiments.ablate,
    experiments.report,
    experiments.serve,
    experiments.doctor,
):
    app.command()(with_exit_code(command))


def main() -> None:
    """The console script."""
    app()
