"""Keep vectors of evidence, by the embedder that CLAIM_EMBEDDER names."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from claims.retrieval import embedding


class Command(BaseCommand):
    help = (
        "Keep a vector of each document that has none, by the class that CLAIM_EMBEDDER names, in a table of pgvector "
        "that this command makes. Run it after each load of evidence."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("corpus", nargs="?", default="", help="only this one")
        parser.add_argument("--anew", action="store_true", help="forget all vectors first, as after a change of model")

    def handle(self, *args: Any, **options: Any) -> None:
        using = embedding.embedder()
        if using is None:
            raise CommandError("CLAIM_EMBEDDER names no class; claims work without one.")
        try:
            embedding.make_table(len(using.embed(["a"])[0]), anew=options["anew"])
        except embedding.NoVectors as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{embedding.embed_missing(using, options['corpus']):,} documents embedded")
