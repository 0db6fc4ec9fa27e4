"""What went wrong in public implementations of VITS2, and the test that would see it here.

| reported in                   | what went wrong                                 | seen by                            |
|-------------------------------|-------------------------------------------------|------------------------------------|
| p0p4k/vits2_pytorch #84, #85  | no duration discriminator with speakers         | here, test_durations               |
| p0p4k #64, #73                | a shipped configuration lacks a setting         | here,                              |
|                               |                                                 | pipelines/                         |
|                               |                                                 | test_shipped_configurations        |
| p0p4k #73                     | memory runs out at 64 items a batch             | data/test_sampler,                 |
|                               |                                                 | training/test_loop                 |
| p0p4k #106                    | whose width the discriminator's width is        | here                               |
| p0p4k #22                     | which of the flows is the right one             | here, nn/test_transformer_flow     |
| p0p4k #5                      | an STFT that warns, then fails                  | audio/test_spectrogram: warnings   |
|                               |                                                 | are errors                         |
| p0p4k #35                     | a port that is written down is taken            | there is none: torchrun chooses    |
| p0p4k #65                     | a missing comma makes two kinds one             | here: every kind is told           |
| p0p4k #98                     | texts fail where espeak-ng is missing           | here, pipelines/                   |
|                               |                                                 | test_training_vits2 (characters)   |
| p0p4k #30, #68                | real and generated durations swapped            | losses/test_duration,              |
|                               |                                                 | test_durations,                    |
|                               |                                                 | nn/test_duration_discriminator     |
| p0p4k #59                     | a loss that grows with the batch                | here, losses/test_duration         |
| p0p4k #104, Bert-VITS2 #245   | durations against an adversary from the start   | here                               |
| p0p4k #6                      | blanks between symbols by default               | here                               |
| p0p4k #3                      | durations trained first, not last               | here                               |
| coqui-ai-TTS (idiap) #123     | a loss that is no number spoils the weights     | test_training                      |
| piper-plus #240               | the learning rate never changes                 | test_training                      |
| piper-plus #240               | noise of the alignment forgotten on resuming    | test_training                      |
| piper-plus #240               | noise of the alignment in evaluation            | test_training                      |
| piper-plus #240               | the duration discriminator judges padding       | nn/test_duration_discriminator,    |
|                               |                                                 | test_durations                     |
| piper-plus #240               | what a pass leaves behind reaches the next      | here                               |
| piper-plus #240               | a fixed sample rate of the mel                  | test_model                         |
| piper-plus #240               | an adversary asked for that is never there      | here                               |
| p0p4k, types of flow          | a kind that is unknown is silently another      | here                               |
| p0p4k, types of flow          | a flow that doubles, its determinant forgotten  | test_training,                     |
|                               |                                                 | nn/test_transformer_flow           |
| p0p4k, texts                  | symbols that are unknown silently skipped       | here                               |
| p0p4k, loaders                | a cache made with other settings is taken       | there is none: spectra are made in |
|                               |                                                 | the step                           |
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch

from sonorant.config import parse, plain, read_yaml
from sonorant.data.dataset import DataConfig, LoaderConfig
from sonorant.data.manifest import read_manifest, write_manifest
from sonorant.data.prepare import Corpus, read_corpus
from sonorant.errors import ConfigError, MissingExtraError
from sonorant.models.averages import Kept
from sonorant.models.given import Given
from sonorant.models.preparing import PREPARE
from sonorant.models.recipes import parse_recipe
from sonorant.models.vits.model import Vits
from sonorant.models.vits.recipe import VitsRecipe
from sonorant.models.vits2 import training
from sonorant.models.vits2.config import Vits2Config
from sonorant.models.vits2.durations import DurationNetwork, read
from sonorant.models.vits2.model import Vits2
from sonorant.models.vits2.recipe import DurationStage, Vits2Recipe
from sonorant.models.vits2.training import DURATIONS
from sonorant.nn.discriminators import Discriminators
from sonorant.nn.duration import DurationConfig, StochasticDurationConfig
from sonorant.nn.duration_discriminator import DurationDiscriminator, DurationDiscriminatorConfig
from sonorant.nn.noisy_duration import NoisyDurationPredictor
from sonorant.text import phonemize
from sonorant.text.standard import StandardText
from sonorant.training.devices import build_fabric
from sonorant.training.loop import RunConfig
from sonorant.training.optim import OptimizerConfig
from sonorant.training.schedule import Steps, value_at
from sonorant.training.stage import run_stages
from sonorant.training.step import Randomness
from tests.corpora import write_corpus
from tests.models.batches import examples, padded, whole
from tests.models.vits2.small import HOP, SMALL
from tests.models.vits2.test_training import DISCRIMINATORS, SETTINGS, vits2_table

if TYPE_CHECKING:
    from lightning_fabric import Fabric

CONFIGS = Path(__file__).parents[3] / "configs"
SHIPPED = sorted(CONFIGS.glob("vits*/*.yaml"))
SHORT = RunConfig(steps=2, log_every=1, evaluate_every=2, checkpoint_every=2)


def recipe_for(manifest: Path, model: Vits2Config = SMALL) -> Vits2Recipe:
    return Vits2Recipe(
        data=DataConfig(manifest=manifest, batch_s=4),
        text=StandardText(input="characters", blanks=False),
        run=SHORT,
        loader=LoaderConfig(workers=0),
        model=model,
        discriminators=DISCRIMINATORS,
        mel=SETTINGS.mel,
        spectral=SETTINGS.spectral,
        segment_frames=8,
        durations=DurationStage(
            run=SHORT, network=DurationDiscriminatorConfig(d_filter=8), discriminator=OptimizerConfig(learning_rate=0.1)
        ),
    )


NOTHING = Given(aligning_voice=lambda name: pytest.fail(f"asked for {name}"))


def prepare_durations(
    recipe: Vits2Recipe, folder: Path, monkeypatch: pytest.MonkeyPatch, start: Callable[[Vits2, Corpus], None]
) -> Fabric:
    """Prepare a recipe's corpus; the last stage can then be built, from what `start` makes of a fresh network."""
    fabric = build_fabric("fp32", accelerator="cpu")
    prepared, *_ = recipe.stages(fabric, folder, NOTHING)
    assert run_stages([prepared], folder, fabric, say=lambda line: None)

    def kept(folder: Path, step: int | None, *, best: bool) -> Kept:
        del step, best
        network = training.new_network(recipe, corpus := read_corpus(folder.parent / PREPARE), Randomness(recipe.seed))
        start(network, corpus)
        return Kept({folder.name: 0}, network.state_dict(), {})

    monkeypatch.setattr(training, "kept", kept)
    monkeypatch.setattr(training, "last_state", lambda folder: recipe.data.manifest)  # some file
    return fabric


# ---- the duration discriminator --------------------------------------------------------------------------------------


@pytest.mark.parametrize("speakers", [("ann",), ("ann", "bob")], ids=["one speaker", "two speakers"])
def test_durations_have_their_adversary_with_one_speaker_and_with_several(
    speakers: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = recipe_for(write_corpus(tmp_path / "corpus", n=4, speakers=speakers, validation=1))
    fabric = prepare_durations(recipe, tmp_path, monkeypatch, lambda network, corpus: None)
    (tmp_path / DURATIONS).mkdir()
    built = training.build_durations(recipe, fabric, tmp_path, tmp_path / DURATIONS)

    predictor, judge = (player.network for player in built.step.players)
    assert isinstance(predictor, DurationNetwork)
    assert isinstance(judge, DurationDiscriminator)
    assert (predictor.speakers is None) == (judge.condition is None) == (len(speakers) == 1)
    # The discriminator's width is its own; those of the text encoder and of the predictor are others.
    assert judge.output.in_channels == 8
    assert predictor.predictor.output.in_channels == 12
    before = {name: value.clone() for name, value in judge.state_dict().items()}
    parts, _ = next(iter(built.batches.start(None, 1)))
    report = built.step(parts, 0)
    assert report["generator/duration_adversarial"] > 0
    assert not [name for name, value in judge.state_dict().items() if torch.equal(value, before[name])]


def test_the_duration_stage_is_the_last_and_is_there_unless_durations_are_no_game(tmp_path: Path) -> None:
    fabric = build_fabric("fp32", accelerator="cpu")

    def names(recipe: Vits2Recipe) -> list[str]:
        return [stage.name for stage in recipe.stages(fabric, tmp_path, NOTHING)]

    published = Vits2Recipe(data=DataConfig(manifest=tmp_path), run=SHORT)
    assert names(published) == ["prepare", "train", "durations"]
    assert published.durations is not None
    assert published.durations.run.steps == 30_000
    for duration in (StochasticDurationConfig(), DurationConfig()):
        plain_ = replace(published, model=replace(published.model, duration=duration), durations=None)
        assert plain_.durations is None
        assert names(plain_) == ["prepare", "train"]


@pytest.mark.parametrize("duration", [StochasticDurationConfig(), DurationConfig()])
def test_an_adversary_of_durations_that_have_none_is_refused(
    duration: StochasticDurationConfig | DurationConfig, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=f"durations is set, but model.duration.kind is {duration.kind}"):
        recipe_for(tmp_path, replace(SMALL, duration=duration))


def test_texts_have_no_blanks_between_symbols_by_default(tmp_path: Path) -> None:
    recipe = Vits2Recipe(data=DataConfig(manifest=tmp_path), run=SHORT)
    assert isinstance(recipe.text, StandardText)
    assert not recipe.text.blanks


def test_what_durations_are_learned_from_is_said_without_dropout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = replace(SMALL, text_encoder=replace(SMALL.text_encoder, dropout=0.5))
    recipe = recipe_for(write_corpus(tmp_path / "corpus", n=4, validation=1), model)
    networks: list[Vits2] = []

    def start(network: Vits2, corpus: Corpus) -> None:
        networks.append(network)
        torch.manual_seed(len(networks))  # chance is another each time

    fabric = prepare_durations(recipe, tmp_path, monkeypatch, start)
    found = []
    for folder in (tmp_path / "first", tmp_path / "second"):
        folder.mkdir()
        training.build_durations(recipe, fabric, tmp_path, folder)
        (of_train,) = folder.glob("train_*.safetensors")
        found.append(read(of_train))
    one, other = found
    assert torch.equal(one.hidden, other.hidden)
    assert torch.equal(one.durations, other.durations)

    network = networks[0].eval()
    for row, utterance in enumerate(read_corpus(tmp_path / PREPARE).of("train")):
        tokens = torch.tensor([utterance.tokens])
        with torch.no_grad():
            said = network.text_encoder(
                tokens, torch.ones(1, 1, tokens.shape[1]), network.embed(torch.tensor([utterance.speaker])), None
            )
        kept = one.hidden[:, one.offsets[row] : one.offsets[row + 1]].float()
        torch.testing.assert_close(kept, said.hidden[0], atol=2e-3, rtol=2e-3)


# ---- texts -----------------------------------------------------------------------------------------------------------


def test_a_symbol_that_is_unknown_is_told_and_its_utterance_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = write_corpus(tmp_path / "corpus", n=4, validation=1)
    first, *others = read_manifest(manifest)
    write_manifest(manifest, [replace(first, text="One \u2603 two."), *others])
    fabric = build_fabric("fp32", accelerator="cpu")
    prepared, *_ = recipe_for(manifest).stages(fabric, tmp_path, NOTHING)
    assert run_stages([prepared], tmp_path, fabric, say=lambda line: None)
    assert "left out 1: no symbol for \u2603" in capsys.readouterr().err
    assert first.id not in [utterance.id for utterance in read_corpus(tmp_path / PREPARE).utterances]


@pytest.mark.parametrize("missing", ["espeakng_loader", "phonemizer.backend.espeak.wrapper"])
def test_without_espeak_phonemes_are_refused_in_one_line(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phonemize, "_started_engine", phonemize._Engine)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingExtraError, match=r"espeak-ng.*sonorant\[espeak\]") as error:
        phonemize.Espeak(voice="en-us")
    assert "\n" not in str(error.value)


# ---- shipped configurations ------------------------------------------------------------------------------------------


def test_shipped_flows_are_of_the_kind_that_is_known_to_convert() -> None:
    recipes = [parse_recipe(read_yaml(path), source=str(path)) for path in SHIPPED]
    couplings = {recipe.model.flow.coupling.kind for recipe in recipes if isinstance(recipe, Vits2Recipe)}
    assert couplings == {Vits2Config().flow.coupling.kind} == {"hidden"}


def test_there_are_configurations_of_both_systems() -> None:
    assert {read_yaml(path)["system"] for path in SHIPPED} == {"vits", "vits2"}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_shipped_configuration_makes_its_networks(path: Path) -> None:
    recipe = parse_recipe(read_yaml(path), source=str(path))
    assert parse_recipe(plain(recipe), source="its file form") == recipe
    assert isinstance(recipe, VitsRecipe | Vits2Recipe)
    with torch.device("meta"):
        assert len(Discriminators(recipe.discriminators).each) > 0
        if isinstance(recipe, VitsRecipe):
            Vits(recipe.model, 200, 5)
            return
        network = Vits2(recipe.model, 200, 5, 3)
        assert network.text_encoder.language is not None
        is_noisy = isinstance(network.duration, NoisyDurationPredictor)
        assert (recipe.durations is not None) == is_noisy
        if recipe.durations is not None:
            DurationDiscriminator(recipe.durations.network, recipe.model.d_hidden, recipe.model.d_speaker)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_slices_of_a_shipped_configuration_are_long_enough_for_all_that_looks_at_them(path: Path) -> None:
    recipe = parse_recipe(read_yaml(path), source=str(path))
    assert isinstance(recipe, VitsRecipe | Vits2Recipe)
    schedule = recipe.segment_frames
    shortest = min(schedule.values) if isinstance(schedule, Steps) else value_at(schedule, 0)
    spectrogram, discriminators = recipe.model.spectrogram, recipe.discriminators
    n_samples = int(shortest) * spectrogram.hop
    windows = [spectrogram.n_fft]
    windows += [resolution.n_fft for resolution in discriminators.frames.resolutions] if discriminators.frames else []
    windows += [resolution.n_fft for resolution in recipe.spectral.resolutions] if hasattr(recipe, "spectral") else []
    assert n_samples > max(windows) // 2
    assert n_samples >= max(discriminators.periods, default=0)


# ---- settings that are none ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "known"),
    [
        ({"flow": {"coupling": {"kind": "pre_conv2"}}}, ["hidden", "plain", "input", "fft", "mono_inter", "mono_post"]),
        ({"flow": {"coupling": {"kind": ""}}}, ["hidden", "plain"]),
        ({"duration": {"kind": "sdp"}}, ["adversarial", "stochastic", "deterministic"]),
        ({"decoder": {"kind": "vocos"}}, ["hifigan", "istft"]),
        ({"flow": {"kind": "hidden"}}, []),
        ({"use_duration_discriminator": True}, []),
    ],
)
def test_an_unknown_kind_is_refused_in_one_line_with_those_there_are(
    model: Mapping[str, Any], known: list[str]
) -> None:
    with pytest.raises(ConfigError) as error:
        parse(Vits2Config, model, source="voice.json")
    message = str(error.value)
    assert message.startswith("voice.json: ")
    assert "\n" not in message
    assert all(repr(kind) in message for kind in known)


# ---- losses and batches ----------------------------------------------------------------------------------------------


def test_a_batch_of_twice_the_same_items_has_the_same_loss_and_gradient() -> None:
    table = vits2_table()
    items = examples(3, hop=HOP, n_languages=2)
    found = []
    for batch in (whole(items, hop=HOP), whole([*items, *items], hop=HOP)):
        network = table.generator.network
        network.zero_grad()
        out = table.game.generate(batch, 0)
        sum(table.game.judged(batch, out, frozenset(table.game.terms)).values()).backward()
        gradients = [p.grad.norm() for p in network.parameters() if p.grad is not None]
        found.append({**table.terms(batch), "gradient": float(torch.stack(gradients).norm())})
    assert found[1] == pytest.approx(found[0], rel=1e-3)


def test_nothing_is_kept_between_passes() -> None:
    """What one batch was does not reach the next, in whatever order they come."""
    table = vits2_table()
    first, second = (whole(examples(2, hop=HOP, first_frames=n, n_languages=2), hop=HOP) for n in (20, 31))
    before = table.terms(first)
    buffers = {name: value.clone() for name, value in table.generator.network.named_buffers()}
    attributes = {name: id(value) for name, value in vars(table.generator.network).items()}
    table.terms(second)
    table.terms(padded(first, hop=HOP))
    assert table.terms(first) == before
    assert all(torch.equal(value, buffers[name]) for name, value in table.generator.network.named_buffers())
    assert {name: id(value) for name, value in vars(table.generator.network).items()} == attributes
