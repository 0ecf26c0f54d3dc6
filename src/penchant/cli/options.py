"""Options and arguments that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from penchant.cli import source as given

Source = Annotated[
    given.Source,
    typer.Argument(
        parser=given.Source,
        help="A named set (ml-100k), the path of a file or folder of ratings, or a database's URL.",
        show_default=False,
    ),
]
Bundle = Annotated[
    str, typer.Argument(help="A saved recommender: the folder that fit made.", show_default=False)
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on standard output, nothing else.")
]
Interval = Annotated[
    float | None,
    typer.Option(help="Give intervals that hold a rating with this probability, such as 0.9."),
]
By = Annotated[
    str,
    typer.Option(
        help="Order by liking (picked and liked), rating, low (the low end of its interval) or "
        "choice (picked, liked or not)."
    ),
]
Liked = Annotated[
    float | None,
    typer.Option(help="The lowest rating that counts as liking; a quarter below the top if none."),
]
Number = Annotated[int, typer.Option("-n", help="How many to show.", min=1)]
Columns = Annotated[
    str | None,
    typer.Option(
        help="Which column is what, by name or by place from 0: user=0,item=1,rating=2,timestamp=3."
    ),
]
Separator = Annotated[
    str | None, typer.Option(help="What stands between two fields of the file; \\t is a tab.")
]
Header = Annotated[
    bool | None,
    typer.Option("--header/--no-header", help="Whether the file's first line names the columns."),
]
ScaleOption = Annotated[
    str | None, typer.Option("--scale", help="The lowest and highest rating allowed: 1,5.")
]
Duplicates = Annotated[
    str,
    typer.Option(help="Of a repeated pair of user and item keep the last, the mean, or error."),
]
Unrated = Annotated[
    str | None,
    typer.Option(
        help="What means 'no rating': a number, several with commas, empty; or nothing.",
    ),
]
Encoding = Annotated[
    str | None, typer.Option(help="How the file's letters are written: utf-8, cp949 …")
]
Query = Annotated[str | None, typer.Option(help="What to select from a database.")]
Users = Annotated[str | None, typer.Option(help="A file of side columns of users, by id.")]
Items = Annotated[
    str | None, typer.Option(help="A file of side columns of items, by id: title, genres …")
]
