"""One run of sentence-transformers' own trainer on the CPU, which leaves nothing behind but the model and losses."""

import os
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from workbench.embed.loading import describe

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["COLUMNS", "train"]

COLUMNS = ("anchor", "positive", "negative")


def train(
    model: "SentenceTransformer",
    rows: Sequence[tuple[str, ...]],
    scratch: Path,
    *,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    warmup: float,
    max_tokens: int | None,
    seed: int,
    progress: bool,
) -> pd.DataFrame:
    """Train a model in place with the loss of multiple negatives; returns ``step``, ``epoch``, ``loss``, ``seconds``.

    Anchors get the model's query prompt, positives and negatives its document prompt. The random states of Python,
    numpy and torch (that of a GPU aside), torch's threads and the environment are afterwards as they were.

    Parameters
    ----------
    rows
        Pairs or triples, all of one length.
    scratch
        An empty folder for whatever the trainer wants to write.
    """
    from datasets import Dataset, disable_progress_bars, enable_progress_bars
    from datasets.utils.logging import is_progress_bar_enabled
    from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments
    from sentence_transformers.base.sampler import BatchSamplers
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
    from transformers import PrinterCallback, ProgressCallback, TrainerCallback

    columns = COLUMNS[: len(rows[0])]
    card = describe(model)
    prompts = {name: card.query_prompt if name == "anchor" else card.document_prompt for name in columns}
    losses: list[tuple[int, float, float, float]] = []
    began = time.perf_counter()

    class Record(TrainerCallback):
        """Keeps the loss of every step and moves the bar."""

        def on_log(self, args: Any, state: Any, control: Any, **given: Any) -> None:
            logs: dict[str, float] = given["logs"]
            if "loss" in logs:
                losses.append((state.global_step, logs["epoch"], logs["loss"], time.perf_counter() - began))
                bar.set_postfix(loss=f"{logs['loss']:.3f}", refresh=False)
                bar.update()

    class Plain(SentenceTransformerTrainer):
        """Without the model card, for which it would encode examples."""

        def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
            return

    with _left_as_found(), _cut_at(model, max_tokens):
        bars = is_progress_bar_enabled()
        disable_progress_bars()
        try:
            arguments = SentenceTransformerTrainingArguments(
                output_dir=str(scratch),
                num_train_epochs=epochs,
                per_device_train_batch_size=batch_size,
                learning_rate=learning_rate,
                warmup_steps=warmup,
                seed=seed,
                batch_sampler=BatchSamplers.NO_DUPLICATES,  # a repeated text would be its own negative
                prompts={name: prompt for name, prompt in prompts.items() if prompt} or None,
                use_cpu=True,
                dataloader_pin_memory=False,
                save_strategy="no",
                logging_strategy="steps",
                logging_steps=1,
                logging_nan_inf_filter=False,  # a loss that is not finite must be seen
                report_to="none",
                disable_tqdm=True,
            )
            trainer = Plain(
                model=model,
                args=arguments,
                train_dataset=Dataset.from_dict(
                    {name: [row[place] for row in rows] for place, name in enumerate(columns)}
                ),
                loss=MultipleNegativesRankingLoss(model),
            )
            trainer.remove_callback(PrinterCallback)
            trainer.remove_callback(ProgressCallback)
            trainer.add_callback(Record())
            total = len(trainer.get_train_dataloader()) * epochs
            with tqdm(total=total, desc="fine-tuning", unit="step", disable=not progress) as bar:
                trainer.train()
        finally:
            if bars:
                enable_progress_bars()
    model.eval()
    return pd.DataFrame(losses, columns=["step", "epoch", "loss", "seconds"])


@contextmanager
def _cut_at(model: "SentenceTransformer", max_tokens: int | None) -> Iterator[None]:
    """A model that reads so many tokens of a text; afterwards it, and what its tokenizer saves, is as it was."""
    longest, tokenizer = model.max_seq_length, getattr(model.tokenizer, "backend_tokenizer", None)
    cut, padded = (tokenizer.truncation, tokenizer.padding) if tokenizer is not None else (None, None)
    if max_tokens is not None:
        model.max_seq_length = min(max_tokens, longest or max_tokens)
    try:
        yield
    finally:
        model.max_seq_length = longest
        if tokenizer is not None:
            tokenizer.enable_truncation(**cut) if cut else tokenizer.no_truncation()
            tokenizer.enable_padding(**padded) if padded else tokenizer.no_padding()


@contextmanager
def _left_as_found() -> Iterator[None]:
    """Random states, torch's threads and the environment, put back at the end."""
    import torch

    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002 (the trainer seeds it)
    threads, environment = torch.get_num_threads(), dict(os.environ)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        torch.set_rng_state(states[2])
        torch.set_num_threads(threads)
        for name in set(os.environ) - set(environment):
            del os.environ[name]
        os.environ.update(environment)
