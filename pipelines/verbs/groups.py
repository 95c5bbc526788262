"""The verbs that each family of models has its own of: `train NAME`, `evaluate NAME`, `tune NAME`."""

import typer

train_app = typer.Typer(help="Fit a model, judge it, publish it as challenger.", no_args_is_help=True)
evaluate_app = typer.Typer(help="Judge what is published, or would be, on what happened since.", no_args_is_help=True)
tune_app = typer.Typer(help="Look for better hyper-parameters, on weeks before the judged ones.", no_args_is_help=True)
