"""Arguments and options that several verbs take."""

from typing import Annotated

import typer

__all__ = ["AsJson", "File", "Id", "Limit", "Model", "Text"]

File = Annotated[str, typer.Argument(metavar="FILE", help="A file, a folder, or a built-in corpus such as wikipedia.")]
Text = Annotated[str | None, typer.Option("--text", metavar="COL", help="Column that holds the text.")]
Id = Annotated[
    str | None, typer.Option("--id", metavar="COL", help="Column of the ids; else id or _id, or rows are numbered.")
]
Model = Annotated[str, typer.Option(help="bundled, a Hugging Face hub id, or a local folder.")]
Limit = Annotated[int | None, typer.Option(min=1, metavar="N", help="Read only the first N passages.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
