"""The last stage: durations against an adversary, on what the finished model says of its corpus (2.1, figure 1a).

Everything but the duration predictor is frozen by then, so what the predictor is given never changes: it is computed
once, kept in a file, and a step costs next to nothing.
B batch, C channels, L tokens.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from sonorant.audio.io import whole_file
from sonorant.data.batch import Totals
from sonorant.data.dataset import Share
from sonorant.data.sampler import BatchPlan, BatchSampler
from sonorant.errors import AudioError, TrainingError
from sonorant.losses.duration import duration_discriminator_loss, duration_generator_loss
from sonorant.nn.latent import ItemNoise
from sonorant.nn.mask import length_mask
from sonorant.nn.noisy_duration import NoisyDurationPredictor
from sonorant.seeds import seed_of
from sonorant.training.optim import Player

if TYPE_CHECKING:
    from lightning_fabric import Fabric

N_DRAWS = 8
_ALONE = Share()
_ITEMS_MEASURED_AT_ONCE = 32


# ---- what is known of the corpus -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CachedDurations:
    """What a frozen model says of each utterance, one after another. Utterance i has tokens offsets[i] to [i + 1]."""

    hidden: Tensor  # float16 [C, all tokens]
    durations: Tensor  # int32 [all tokens], in frames
    offsets: Tensor  # int64 [utterances + 1]
    speakers: Tensor  # int64 [utterances]

    def __len__(self) -> int:
        return len(self.speakers)

    @property
    def n_tokens(self) -> tuple[int, ...]:
        """Of each utterance."""
        return tuple(self.offsets.diff().tolist())

    def part(self, rows: Sequence[int], *, seeds: Sequence[int], totals: Totals) -> DurationPart:
        """Some utterances, padded with zeros to the longest. seeds: of each of them."""
        starts, ends = self.offsets[list(rows)].tolist(), self.offsets[[row + 1 for row in rows]].tolist()
        n_tokens = tuple(end - start for start, end in zip(starts, ends, strict=True))
        hidden = self.hidden.new_zeros(len(rows), len(self.hidden), max(n_tokens))
        durations = torch.zeros(len(rows), max(n_tokens), dtype=torch.int64)
        for item, (start, end) in enumerate(zip(starts, ends, strict=True)):
            hidden[item, :, : end - start] = self.hidden[:, start:end]
            durations[item, : end - start] = self.durations[start:end]
        return DurationPart(
            ids=tuple(f"utterance {row}" for row in rows),
            hidden=hidden,
            lengths=torch.tensor(n_tokens),
            durations=durations,
            speakers=self.speakers[list(rows)],
            seeds=tuple(seeds),
            n_tokens=n_tokens,
            totals=totals,
        )


def cache(utterances: Iterable[tuple[Tensor, Tensor, int]], path: Path) -> None:
    """Write what a model says of utterances: hidden [C, L], durations in frames [L], and the speaker, of each.

    Raises TrainingError when there is none, when a value is no number or too large, or the file cannot be written.
    """
    hiddens: list[Tensor] = []
    durations: list[Tensor] = []
    speakers: list[int] = []
    for hidden, duration, speaker in utterances:
        assert hidden.ndim == 2, hidden.shape
        assert duration.shape == hidden.shape[1:], (hidden.shape, duration.shape)
        half = hidden.detach().cpu().to(torch.float16)
        if not bool(torch.isfinite(half).all()):
            raise TrainingError(
                f"{path}: the text encoder's values of utterance {len(speakers)} are no numbers below 65,504; its "
                "weights are broken: begin from an earlier checkpoint"
            )
        hiddens.append(half)
        durations.append(duration.detach().cpu().to(torch.int32))
        speakers.append(speaker)
    if not speakers:
        raise TrainingError(f"{path}: there is no utterance to learn durations from; check the manifest")
    lengths = torch.tensor([0, *(len(duration) for duration in durations)])
    tensors = {
        "hidden": torch.cat(hiddens, dim=1),
        "durations": torch.cat(durations),
        "offsets": lengths.cumsum(0),
        "speakers": torch.tensor(speakers),
    }
    try:
        with whole_file(path) as part:
            save_file(tensors, part)
    except (OSError, AudioError, SafetensorError) as error:
        raise TrainingError(f"{path}: cannot be written ({error}); make room and resume") from None


def read(path: Path) -> CachedDurations:
    """What `cache` has written. Raises TrainingError when the file is missing or something else."""
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise TrainingError(f"{path}: cannot be read ({error}); delete it, it will be made again") from None
    names = {field.name for field in fields(CachedDurations)}
    if tensors.keys() != names:
        raise TrainingError(
            f"{path}: holds {', '.join(sorted(tensors)) or 'nothing'}, but should hold {', '.join(sorted(names))}; "
            "delete it, it will be made again"
        )
    return CachedDurations(**tensors)


# ---- batches ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DurationPart:
    """Some cached utterances, padded with zeros to the longest."""

    ids: tuple[str, ...]
    hidden: Tensor  # float16 [B, C, L]
    lengths: Tensor  # int64 [B]
    durations: Tensor  # int64 [B, L]
    speakers: Tensor  # int64 [B]
    seeds: tuple[int, ...]
    n_tokens: tuple[int, ...]  # lengths again, without a wait for the device
    totals: Totals

    def to(self, device: torch.device) -> DurationPart:
        """The same part on a device."""
        moved = {name: tensor.to(device, non_blocking=True) for name, tensor in self.tensors().items()}
        return replace(self, **moved)  # type: ignore[arg-type]

    def tensors(self) -> Mapping[str, Tensor]:
        """The tensors by name."""
        named = ((part.name, getattr(self, part.name)) for part in fields(self))
        return {name: value for name, value in named if isinstance(value, Tensor)}

    @property
    def mask(self) -> Tensor:
        """[B, 1, L]."""
        return length_mask(self.lengths, self.durations.shape[1])

    @property
    def log_durations(self) -> Tensor:
        """[B, 1, L], 0 at padding."""
        # As the predictors' own loss has it; a real token lasts a frame at least.
        return torch.log(self.durations.unsqueeze(1).float() + 1e-6) * self.mask


class DurationBatches:
    """Batches of cached utterances of like lengths, without end, the same from the same position on."""

    def __init__(self, cached: CachedDurations, *, items_per_batch: int, seed: int, share: Share = _ALONE) -> None:
        """items_per_batch: of one process."""
        self._cached = cached
        self._seed = seed
        self._share = share
        self._n_tokens = cached.n_tokens
        self._sampler = BatchSampler(
            self._n_tokens,
            batch_s=math.inf,
            batch_items=items_per_batch * share.world_size,
            seed=seed,
            at_least=share.world_size,
        )

    def start(
        self, position: Mapping[str, int] | None, parts: int
    ) -> Iterator[tuple[Sequence[DurationPart], Mapping[str, int]]]:
        """This process's parts of each batch from a position on, and the position after it."""
        for plan in self._sampler.start(position):
            yield self._load(plan, parts), plan.position

    def _load(self, plan: BatchPlan, parts: int) -> Sequence[DurationPart]:
        world = self._share.world_size
        offsets, frames = self._cached.offsets, self._cached.durations
        totals = Totals(
            items=len(plan.rows) / world,
            tokens=sum(self._n_tokens[row] for row in plan.rows) / world,
            frames=sum(int(frames[offsets[row] : offsets[row + 1]].sum()) for row in plan.rows) / world,
        )
        own = list(enumerate(plan.rows))[self._share.rank :: world]
        n_parts = min(parts, len(own))
        return [
            self._cached.part(
                [row for _, row in own[part::n_parts]],
                seeds=[seed_of(self._seed, *plan.seed, index) for index, _ in own[part::n_parts]],
                totals=totals,
            )
            for part in range(n_parts)
        ]


# ---- the game --------------------------------------------------------------------------------------------------------


class DurationNetwork(nn.Module):
    """The predictor with the model's speakers, who are no parameters here."""

    def __init__(self, predictor: NoisyDurationPredictor, speakers: Tensor | None = None) -> None:
        """speakers: [speakers, d_cond], of a model that has several."""
        super().__init__()
        self.predictor = predictor
        self.speakers: Tensor | None
        self.register_buffer("speakers", None if speakers is None else speakers.detach().clone())

    def forward(self, hidden: Tensor, mask: Tensor, noise: Tensor, speaker: Tensor) -> Tensor:
        """A draw of log-durations. hidden: [B, C, L]; noise: [B, d_noise, L]; speaker: int64 [B]. Returns [B, 1, L]."""
        with torch.autocast(hidden.device.type, enabled=False):
            return self.predictor.log_duration(hidden.float(), mask, noise.float(), self.embed(speaker))

    def embed(self, speaker: Tensor) -> Tensor | None:
        """Speakers, int64 [B], as what is conditioned on: [B, d_cond, 1]; None where nothing is."""
        return None if self.speakers is None else self.speakers[speaker].float().unsqueeze(2)


@dataclass(frozen=True)
class Drawn:
    """A draw of the durations of a part beside the real ones, and what both are judged by."""

    hidden: Tensor  # float32 [B, C, L]
    mask: Tensor  # [B, 1, L]
    speaker: Tensor | None  # [B, d_cond, 1]
    real: Tensor  # [B, 1, L], log-durations, as the next
    generated: Tensor  # [B, 1, L]


class DurationGame:
    """The predictor against the discriminator, for the GAN step. The generator's network is a DurationNetwork."""

    terms: tuple[str, ...] = ("duration", "duration_adversarial")
    adversarial = frozenset({"duration_adversarial"})
    optional = adversarial

    def __init__(self, fabric: Fabric, generator: Player, discriminator: Player) -> None:
        assert isinstance(generator.network, DurationNetwork), type(generator.network)
        self._fabric = fabric
        self._generator = generator
        self._discriminator = discriminator
        self._network = generator.network

    def generate(self, batch: DurationPart, step: int) -> Drawn:
        hidden, mask = batch.hidden.float(), batch.mask
        noise = _noise(batch, batch.seeds, d=self._network.predictor.d_noise)
        generated: Tensor = self._generator(hidden, mask, noise, batch.speakers)
        return Drawn(hidden, mask, self._network.embed(batch.speakers), real=batch.log_durations, generated=generated)

    def judge(self, batch: DurationPart, out: Drawn) -> dict[str, Tensor]:
        # In one pass: where processes share gradients, each pass must have its own way back.
        scores = self._discriminator(
            out.hidden.repeat(2, 1, 1),
            out.mask.repeat(2, 1, 1),
            torch.cat([out.real, out.generated.detach()]),
            None if out.speaker is None else out.speaker.repeat(2, 1, 1),
        )
        real, generated = scores.chunk(2)
        loss = duration_discriminator_loss(real=real, generated=generated, mask=out.mask)
        return {"loss": loss.sum() / batch.totals.tokens}

    def judged(self, batch: DurationPart, out: Drawn, wanted: frozenset[str]) -> dict[str, Tensor]:
        terms = {}
        if "duration" in wanted:
            terms["duration"] = (out.generated.float() - out.real).pow(2).sum() / batch.totals.tokens
        if "duration_adversarial" in wanted:
            with self._fabric.autocast():
                scores = self._discriminator.network(out.hidden, out.mask, out.generated, out.speaker)
            loss = duration_generator_loss(generated=scores, mask=out.mask)
            terms["duration_adversarial"] = loss.sum() / batch.totals.tokens
        return terms


def _noise(part: DurationPart, seeds: Sequence[int], *, d: int) -> Tensor:
    noise = ItemNoise(seeds, n_tokens=part.n_tokens, n_frames=(), device=part.hidden.device)
    return noise.per_token(d, part.durations.shape[1])


# ---- how it does -----------------------------------------------------------------------------------------------------


@torch.no_grad()
def duration_statistics(
    network: nn.Module, cached: CachedDurations, *, rows: Sequence[int] | None = None, noise_scale: float = 1.0
) -> dict[str, float]:
    """What is to be seen of a DurationNetwork in evaluation mode on some utterances, all unless rows are named.

    crps: how far its draws are from the real durations as distributions, token by token, in log-durations (the
    continuous ranked probability score): lowest for draws that are both right and as diverse as speech.
    mse: of a draw's log-durations; lowest for draws that are all alike.
    diversity: a token's standard deviation over draws; near 0 when the predictor has learned not to hear the noise.
    log_mean, log_std and the same with _real: of log-durations over tokens.
    length: frames that would be spoken, in shares of the real ones; length_error: how far that is from 1.
    """
    assert isinstance(network, DurationNetwork), type(network)
    assert not network.training, "dropout would be measured"
    device = network.predictor.noise.weight.device
    chosen = range(len(cached)) if rows is None else rows
    of_real, of_draws = [], []
    for first in range(0, len(chosen), _ITEMS_MEASURED_AT_ONCE):
        some = chosen[first : first + _ITEMS_MEASURED_AT_ONCE]
        part = cached.part(some, seeds=[0] * len(some), totals=Totals(1, 1, 1)).to(device)
        is_real = part.mask[:, 0] > 0
        draws = []
        for draw in range(N_DRAWS):
            noise = _noise(part, [seed_of("durations", draw, row) for row in some], d=network.predictor.d_noise)
            drawn = network(part.hidden, part.mask, noise * noise_scale, part.speakers)
            draws.append(drawn[:, 0][is_real].cpu().double())
        of_real.append(part.log_durations[:, 0][is_real].cpu().double())
        of_draws.append(torch.stack(draws))
    real, drawn = torch.cat(of_real), torch.cat(of_draws, dim=1)  # [tokens], [draws, tokens]
    error = drawn - real
    apart = (drawn[:, None] - drawn[None]).abs().sum(dim=(0, 1)) / (N_DRAWS * (N_DRAWS - 1))
    length = float(torch.ceil(drawn.exp()).sum() / N_DRAWS / real.exp().round().sum())
    return {
        "crps": float((error.abs().mean(dim=0) - apart / 2).mean()),
        "mse": float(error.pow(2).mean()),
        "diversity": float(drawn.std(dim=0).mean()),
        "log_mean": float(drawn.mean()),
        "log_std": float(drawn.std(correction=0)),
        "log_mean_real": float(real.mean()),
        "log_std_real": float(real.std(correction=0)),
        "length": length,
        "length_error": abs(length - 1),
    }
