"""Starting from weights that are there: what is taken, what begins anew, and that an addition is not heard."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from sonorant.audio.spectrogram import MelConfig, SpectrogramConfig
from sonorant.config import plain
from sonorant.data.prepare import Tables
from sonorant.errors import SonorantError, TrainingError
from sonorant.models import Purpose
from sonorant.models.starting import STARTED_FROM, check_same_source, report_start, start_judges
from sonorant.models.vits.config import VitsConfig
from sonorant.models.vits.model import Vits
from sonorant.models.vits2.config import Vits2Config
from sonorant.models.vits2.model import Vits2
from sonorant.models.vits2.start import start_from
from sonorant.nn.discriminators import DiscriminatorConfig, Discriminators
from sonorant.nn.duration import DurationConfig, StochasticDurationConfig
from sonorant.nn.flow import FlowConfig
from sonorant.nn.hifigan import HifiGanConfig
from sonorant.nn.istft_head import IstftHeadConfig
from sonorant.nn.noisy_duration import NoisyDurationConfig
from sonorant.nn.posterior import PosteriorConfig
from sonorant.nn.transformer_flow import (
    CouplingConfig,
    HiddenTransformerConfig,
    MonoInterConfig,
    MonoPostConfig,
    PlainCouplingConfig,
)
from sonorant.nn.wavenet import WaveNetConfig
from sonorant.text.standard import standard_config
from sonorant.training.transfer import Judges, Source, Transferred
from tests.models.batches import recorded
from tests.models.vits2.small import HOP, SMALL
from tests.nn.random_weights import normal, randomized

SYMBOLS = {symbol: row for row, symbol in enumerate("_abcdefghi")}
DETERMINISTIC = DurationConfig(d_filter=12)
ADVERSARIAL = NoisyDurationConfig(d_filter=12)
STOCHASTIC = StochasticDurationConfig(n_layers=1, n_couplings=2)
HIFIGAN = HifiGanConfig(
    d_initial=16,
    upsample_rates=(8, 8),
    upsample_kernels=(16, 16),
    resblock="2",
    resblock_kernels=(3,),
    resblock_dilations=((1, 3),),
)
VITS = VitsConfig(
    spectrogram=SMALL.spectrogram,
    d_hidden=SMALL.d_hidden,
    d_latent=SMALL.d_latent,
    d_speaker=SMALL.d_speaker,
    text_encoder=replace(SMALL.text_encoder, speaker_layer=None),
    posterior=SMALL.posterior,
    flow=FlowConfig(n_couplings=2, wavenet=SMALL.flow.wavenet),
    duration=STOCHASTIC,
    decoder=HIFIGAN,
)


def with_coupling(coupling: CouplingConfig) -> Vits2Config:
    """The VITS above as a VITS2 with another flow, and a speaker in its text encoder."""
    return replace(
        SMALL,
        posterior_mel=None,
        flow=replace(SMALL.flow, coupling=coupling),
        duration=VITS.duration,
        decoder=VITS.decoder,
    )


AS_VITS2 = with_coupling(HiddenTransformerConfig())
CONFIGS = {
    kind: with_coupling(coupling)
    for kind, coupling in (
        ("plain", PlainCouplingConfig()),
        ("hidden", HiddenTransformerConfig()),
        ("mono_inter", MonoInterConfig()),
        ("mono_post", MonoPostConfig()),
    )
}
silent = pytest.mark.parametrize("kind", ["plain", "hidden", "mono_inter"])


def tables(
    speakers: Sequence[str] = ("ann", "bob"),
    languages: Sequence[str] = ("en-us",),
    symbols: dict[str, int] | None = None,
) -> Tables:
    return Tables(
        symbols=symbols or SYMBOLS,
        speakers=tuple(speakers),
        frontend=standard_config(languages),
        language_of_speaker=(0,) * len(speakers),
        corpora=(),
        licences=(),
        seconds=1.0,
    )


def vits(cfg: VitsConfig = VITS, *, n_speakers: int = 2) -> Vits:
    """Its every weight is at random, and it speaks clearly enough to be compared."""
    torch.manual_seed(0)
    return randomized(Vits(cfg, len(SYMBOLS), n_speakers), scale=0.1)


def vits2(cfg: Vits2Config, of: Tables, *, seed: int = 1) -> Vits2:
    """A fresh one for a corpus."""
    torch.manual_seed(seed)
    return Vits2(cfg, max(of.symbols.values()) + 1, len(of.speakers), len(of.frontend.languages)).eval()


def source(network: Vits | Vits2, of: Tables, *, purpose: Purpose = Purpose.TRAINING) -> Source:
    """What is said of a network's weights; as a voice's, if the purpose is not training."""
    held: nn.Module = network if purpose is Purpose.TRAINING else network.for_inference(purpose)
    return Source(
        name="old",
        weights=held.state_dict(),
        symbols=of.symbols,
        speakers=of.speakers,
        languages=tuple(language.code for language in of.frontend.languages),
        system="vits" if isinstance(network, Vits) else "vits2",
        model=plain(network.cfg),
    )


TOKENS = torch.tensor([[0, 3, 1, 4, 1, 5, 9, 2, 6]])


def spoken(network: Vits | Vits2, *, speaker: int | None = 0, language: int | None = None) -> Tensor:
    """What a network says, with the same noise."""
    d_noise = 2 if isinstance(network.cfg.duration, StochasticDurationConfig) else network.duration.d_noise
    noise = [normal(1, d_noise, 9)] if d_noise else []
    of = network.for_inference()
    with torch.no_grad():
        said = of.synthesize(
            TOKENS,
            torch.tensor([9]),
            None if speaker is None else torch.tensor([speaker]),
            None if language is None else torch.tensor([language]),
            noise=recorded(*noise, normal(1, SMALL.d_latent, 2000, seed=1)),
        )
    assert said.lengths.tolist()[0] >= 9 * HOP
    return said.samples


def assert_complete(outcome: Transferred, network: Vits2, of: Source) -> None:
    """Everything stands in the report, once."""
    named = [*outcome.taken, *outcome.in_part, *outcome.resized, *outcome.fresh]
    assert sorted(named) == sorted(network.state_dict())
    assert len(set(outcome.left_over)) == len(outcome.left_over)
    assert set(outcome.left_over) <= set(of.weights)
    found = [*outcome.taken, *outcome.in_part, *outcome.resized]
    if not any(".parametrizations." in name for name in of.weights):  # both halves come from one
        found = [re.sub(r"\.parametrizations\.weight\.original[01]$", ".weight", name) for name in found]
    assert len(set(found)) + len(outcome.left_over) == len(of.weights)


def without(of: Source, start: str) -> Source:
    """The source, less some of its weights."""
    left = {name: tensor for name, tensor in of.weights.items() if not name.startswith(start)}
    assert len(left) < len(of.weights)
    return replace(of, weights=left)


def among(names: Sequence[str], *starts: str) -> bool:
    """Whether there are names, and all begin in one of these ways."""
    return bool(names) and all(name.startswith(starts) for name in names)


# ---- a VITS becomes a VITS2 ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", CONFIGS)
def test_every_weight_of_a_vits_has_its_place(kind: str) -> None:
    old, new = vits(), vits2(CONFIGS[kind], tables())
    of = source(old, tables())
    outcome = start_from(of, new, tables())
    assert_complete(outcome, new, of)
    assert outcome.left_over == outcome.in_part == outcome.resized == ()
    state = new.state_dict()
    for name, tensor in old.state_dict().items():
        step = re.match(r"flow\.steps\.(\d+)\.", name)
        if step and kind.startswith("mono"):
            assert int(step[1]) % 2 == 0
            name = name.replace(step[0], f"flow.steps.{int(step[1]) // 2 * 3}.")
        assert torch.equal(state[name], tensor), name
        assert name in outcome.taken
    added = {
        "plain": (),
        "hidden": (*(f"flow.steps.{i}.transformer." for i in (0, 2)), *(f"flow.steps.{i}.gate" for i in (0, 2))),
        "mono_inter": ("flow.steps.2.", "flow.steps.5."),
        "mono_post": ("flow.steps.2.", "flow.steps.5."),
    }
    assert among(outcome.fresh, "text_encoder.speaker.", *added[kind])


@silent
@pytest.mark.parametrize("n_speakers", [1, 2])
def test_a_vits_speaks_as_before(kind: str, n_speakers: int) -> None:
    of = tables(("ann", "bob")[:n_speakers])
    old, new = vits(n_speakers=n_speakers), vits2(CONFIGS[kind], of)
    start_from(source(old, of), new, of)
    for speaker in range(n_speakers):
        expected = spoken(old, speaker=speaker)
        assert expected.abs().max() > 1e-3
        torch.testing.assert_close(spoken(new, speaker=speaker), expected, atol=1e-5, rtol=0)


def test_a_doubling_flow_is_heard() -> None:
    """So the law above does not hold by itself."""
    old, new = vits(n_speakers=1), vits2(CONFIGS["mono_post"], tables(("ann",)))
    start_from(source(old, tables(("ann",))), new, tables(("ann",)))
    assert (spoken(new)[:, :500] - spoken(old)[:, :500]).abs().max() > 1e-3


@silent
def test_a_voice_of_a_vits_speaks_as_before_and_lacks_its_posteriors(kind: str) -> None:
    old, new = vits(), vits2(CONFIGS[kind], tables())
    of = source(old, tables(), purpose=Purpose.SPEAKING)
    outcome = start_from(of, new, tables())
    assert_complete(outcome, new, of)
    assert outcome.left_over == ()
    for part in ("posterior.", "duration.posterior.", "duration.flow.first."):
        names = [name for name in new.state_dict() if name.startswith(part)]
        assert names
        assert set(names) <= set(outcome.fresh)
    torch.testing.assert_close(spoken(new, speaker=1), spoken(old, speaker=1), atol=1e-5, rtol=0)


# ---- symbols, languages, speakers ------------------------------------------------------------------------------------


def test_new_symbols_and_languages_leave_the_old_ones_as_they_were() -> None:
    """The rows are also in another order."""
    new_symbols = {"z": 11, "x": 10, **{symbol: 9 - row for symbol, row in SYMBOLS.items()}}
    of = tables(languages=("es", "en-us"), symbols=new_symbols)
    old, new = vits(), vits2(AS_VITS2, of)
    outcome = start_from(source(old, tables()), new, of)
    assert outcome.in_part == ("text_encoder.embedding.weight",)
    assert "text_encoder.language.weight" in outcome.fresh
    expected = spoken(old)
    new.text_encoder.embedding.weight.data = new.text_encoder.embedding.weight.data[
        [*(new_symbols[symbol] for symbol in SYMBOLS), 10, 11]
    ]
    for language in (0, 1):
        torch.testing.assert_close(spoken(new, language=language), expected, atol=1e-5, rtol=0)


def test_languages_keep_their_rows_by_their_codes() -> None:
    before, after = tables(languages=("en-us", "es")), tables(languages=("fr-fr", "es", "en-us"))
    old, new = randomized(vits2(AS_VITS2, before)), vits2(AS_VITS2, after)
    outcome = start_from(source(old, before), new, after)
    assert old.text_encoder.language is not None
    assert new.text_encoder.language is not None
    assert torch.equal(new.text_encoder.language.weight[[2, 1]], old.text_encoder.language.weight)
    assert not new.text_encoder.language.weight[0].any()
    assert outcome.in_part == ("text_encoder.language.weight",)


@pytest.mark.parametrize("duration", [STOCHASTIC, DETERMINISTIC], ids=["stochastic", "deterministic"])
def test_of_one_speaker_several_begin_all_as_that_one(duration: StochasticDurationConfig | DurationConfig) -> None:
    before, after = tables(("ann",)), tables(("bob", "cid", "ann"))
    old = vits(replace(VITS, duration=duration), n_speakers=1)
    new = vits2(replace(AS_VITS2, duration=duration), after)
    of = source(old, before)
    outcome = start_from(of, new, after)
    assert_complete(outcome, new, of)
    expected = spoken(old, speaker=None)
    for speaker in range(3):
        torch.testing.assert_close(spoken(new, speaker=speaker), expected, atol=1e-5, rtol=0)


def test_a_fresh_speaker_still_learns() -> None:
    """What begins without effect gets gradients."""
    after = tables(("ann", "bob"))
    new = vits2(AS_VITS2, after)
    start_from(source(vits(n_speakers=1), tables(("ann",))), new, after)
    new.decoder(normal(1, SMALL.d_latent, 5), new.embed(torch.tensor([1]))).square().sum().backward()
    assert new.decoder.condition is not None
    assert new.decoder.condition.weight.grad is not None
    assert new.decoder.condition.weight.grad.any()


def test_of_several_speakers_one_keeps_its_embedding() -> None:
    before, after = tables(("ann", "bob")), tables(("bob",))
    old, new = vits(), vits2(replace(AS_VITS2, keeps_single_speaker=True), after)
    outcome = start_from(source(old, before), new, after)
    assert outcome.in_part == ("speaker.weight",)
    torch.testing.assert_close(spoken(new), spoken(old, speaker=1), atol=1e-5, rtol=0)


def test_without_a_place_for_a_speaker_the_setting_is_named() -> None:
    new = vits2(AS_VITS2, tables(("bob",)))
    with pytest.raises(TrainingError, match=r"^old: .*2 .*set model\.keeps_single_speaker=true$"):
        start_from(source(vits(), tables()), new, tables(("bob",)))


def test_known_speakers_keep_their_rows_and_new_ones_begin_between_them() -> None:
    before, after = tables(("ann", "bob")), tables(("zoe", "bob", "ann", "eve"))
    old, new = vits(), vits2(AS_VITS2, after)
    outcome = start_from(source(old, before), new, after)
    assert old.speaker is not None
    assert new.speaker is not None
    assert torch.equal(new.speaker.weight[[2, 1]], old.speaker.weight)
    torch.testing.assert_close(new.speaker.weight[[0, 3]], old.speaker.weight.mean(dim=0).expand(2, -1))
    assert outcome.in_part == ("speaker.weight",)


# ---- parts of another make -------------------------------------------------------------------------------------------


def test_another_decoder_begins_anew_whole() -> None:
    """Even where a name and a shape are the same by chance."""
    decoder = IstftHeadConfig(d=16, d_filter=24, n_layers=2, n_fft=256, hop=HOP)
    new = vits2(replace(AS_VITS2, decoder=decoder), tables())
    before = {name: tensor.clone() for name, tensor in new.state_dict().items()}
    of = source(vits(), tables())
    outcome = start_from(of, new, tables())
    assert_complete(outcome, new, of)
    assert among(outcome.left_over, "decoder.")
    assert {name for name in outcome.fresh if name.startswith("decoder.")} == {
        name for name in before if name.startswith("decoder.")
    }
    assert torch.equal(new.state_dict()["decoder.input.weight"], before["decoder.input.weight"])


def test_a_wider_decoder_of_the_same_kind_begins_anew_where_it_does_not_fit() -> None:
    new = vits2(replace(AS_VITS2, decoder=replace(HIFIGAN, d_initial=32)), tables())
    of = source(vits(), tables(), purpose=Purpose.SPEAKING)
    outcome = start_from(of, new, tables())
    assert_complete(outcome, new, of)
    assert among(outcome.resized, "decoder.")
    halves = [name for name in outcome.resized if ".parametrizations." in name]
    assert halves
    assert all(re.sub(r"original\d$", f"original{half}", name) in halves for name in halves for half in (0, 1))


def test_durations_that_come_to_be_drawn_begin_as_those_that_were_not() -> None:
    new = vits2(replace(AS_VITS2, duration=ADVERSARIAL), tables())
    old = vits(replace(VITS, duration=DETERMINISTIC))
    outcome = start_from(source(old, tables()), new, tables())
    assert [name for name in outcome.fresh if name.startswith("duration.")] == ["duration.noise.weight"]
    with torch.no_grad():
        hidden, mask, cond = normal(1, SMALL.d_hidden, 6), torch.ones(1, 1, 6), normal(1, SMALL.d_speaker, 1)
        drawn = new.duration.log_duration(hidden, mask, normal(1, SMALL.d_hidden, 6), cond)
        assert torch.equal(drawn, old.duration.log_duration(hidden, mask, normal(1, 0, 6), cond))


def test_another_kind_of_durations_begins_anew_whole() -> None:
    new = vits2(replace(AS_VITS2, duration=ADVERSARIAL), tables())
    of = source(vits(), tables())
    outcome = start_from(of, new, tables())
    assert_complete(outcome, new, of)
    assert among(outcome.left_over, "duration.")
    assert not [name for name in outcome.taken if name.startswith("duration.")]


def test_a_posterior_that_sees_mel_bands_takes_all_but_its_input() -> None:
    new = vits2(replace(AS_VITS2, posterior_mel=MelConfig(n_mels=20)), tables())
    of = source(vits(), tables())
    outcome = start_from(of, new, tables())
    assert_complete(outcome, new, of)
    assert outcome.resized == ("posterior.input.weight",)
    assert "posterior.input.bias" in outcome.taken


def test_the_same_hop_at_another_rate_is_the_same_network() -> None:
    cfg = replace(AS_VITS2, spectrogram=SpectrogramConfig(sample_rate_hz=22_050, n_fft=256, hop=HOP, win=256))
    new, old = vits2(cfg, tables()), vits()
    outcome = start_from(source(old, tables()), new, tables())
    assert outcome.resized == outcome.left_over == ()
    torch.testing.assert_close(spoken(new), spoken(old), atol=1e-5, rtol=0)


def test_a_deeper_posterior_begins_anew_where_it_does_not_fit() -> None:
    new = vits2(replace(AS_VITS2, posterior=PosteriorConfig(wavenet=WaveNetConfig(n_layers=3))), tables())
    of = source(vits(), tables())
    outcome = start_from(of, new, tables())
    assert_complete(outcome, new, of)
    assert among(outcome.resized, "posterior.wavenet.")
    assert among([name for name in outcome.fresh if not name.startswith("flow.")], "posterior.", "text_encoder.speaker")
    assert "posterior.input.weight" in outcome.taken


# ---- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("of", "message"),
    [
        (
            replace(source(vits(), tables()), system="wavenet"),
            "old: is a 'wavenet' model, but a VITS2 starts from vits or vits2",
        ),
        (
            source(vits(replace(VITS, d_hidden=32)), tables()),
            "old: text_encoder.embedding.weight has shape (10, 32), but the model's has (10, 16); give the model the",
        ),
        (
            source(vits(replace(VITS, flow=replace(VITS.flow, n_couplings=3))), tables()),
            "old: has another model.flow.n_couplings: 3 -> 2; give the model the source's configuration",
        ),
        (
            source(vits(replace(VITS, flow=replace(VITS.flow, n_couplings=1))), tables()),
            "old: has another model.flow.n_couplings: 1 -> 2; give",
        ),
        (without(source(vits(), tables()), "flow.steps.0.output."), "old: lacks flow.steps.0.output."),
        (without(source(vits(), tables()), "posterior.wavenet."), "old: lacks posterior.wavenet."),
        (without(source(vits(), tables()), "decoder.output."), "old: lacks decoder.output."),
        (
            without(source(vits2(AS_VITS2, tables()), tables()), "flow.steps.0.transformer."),
            "old: lacks flow.steps.0.transformer.",
        ),
        (
            source(vits2(with_coupling(HiddenTransformerConfig(n_heads=1)), tables()), tables()),
            "old: has another model.flow.coupling.n_heads: 1 -> 2; give",
        ),
        (
            source(vits2(with_coupling(HiddenTransformerConfig(n_layers=2)), tables()), tables()),
            "old: has another model.flow.coupling.n_layers: 2 -> 1; give",
        ),
        (
            source(vits2(with_coupling(MonoInterConfig()), tables()), tables()),
            'old: has another model.flow.coupling.kind: "mono_inter" -> "hidden"; give',
        ),
        (
            source(
                vits2(replace(AS_VITS2, text_encoder=replace(AS_VITS2.text_encoder, speaker_layer=0)), tables()),
                tables(),
            ),
            "old: has another model.text_encoder.speaker_layer: 0 -> 1; give",
        ),
        (
            source(
                vits(replace(VITS, flow=replace(VITS.flow, wavenet=replace(VITS.flow.wavenet, dilation_rate=2)))),
                tables(),
            ),
            "old: has another model.flow.wavenet.dilation_rate: 2 -> 1; give",
        ),
    ],
)
def test_what_nothing_explains_is_refused_in_one_line_and_changes_nothing(of: Source, message: str) -> None:
    new = vits2(AS_VITS2, tables())
    before = {name: tensor.clone() for name, tensor in new.state_dict().items()}
    with pytest.raises(SonorantError) as refused:
        start_from(of, new, tables())
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)
    assert all(torch.equal(tensor, before[name]) for name, tensor in new.state_dict().items())


def test_a_voice_that_does_not_say_its_decoders_kind_has_the_first_there_was() -> None:
    """So that what it lacks is not explained by a difference that is none."""
    of = source(vits(), tables())
    unsaid = {**of.model, "decoder": {key: value for key, value in of.model["decoder"].items() if key != "kind"}}
    assert unsaid != of.model
    outcome = start_from(replace(of, model=unsaid), vits2(AS_VITS2, tables()), tables())
    assert outcome.left_over == ()
    with pytest.raises(TrainingError, match=r"lacks decoder\.output"):
        start_from(without(replace(of, model=unsaid), "decoder.output."), vits2(AS_VITS2, tables()), tables())


def test_the_report_is_written_as_it_is(tmp_path: Path) -> None:
    new = vits2(AS_VITS2, tables())
    of = source(vits(), tables(), purpose=Purpose.SPEAKING)
    learned = {name: tensor for name, tensor in new.state_dict().items() if name.startswith("posterior.input")}
    outcome = start_from(of, new, tables()).taught_later(learned)
    report_start(of, outcome, tmp_path / "train", judges="anew")
    report = json.loads((tmp_path / "train" / STARTED_FROM).read_text(encoding="utf-8"))
    assert report.pop("source") == of.name
    assert report.pop("discriminators") == "anew"
    assert report.pop("fingerprint") == of.fingerprint
    assert report["taught"] == list(learned)
    assert report == {
        "taught": list(outcome.taught),
        "taken": list(outcome.taken),
        "in_part": list(outcome.in_part),
        "resized": list(outcome.resized),
        "fresh": list(outcome.fresh),
        "left_over": list(outcome.left_over),
    }
    assert set().union(*map(set, report.values())) == set(new.state_dict())
    assert sum(map(len, report.values())) == len(new.state_dict())


def test_a_stage_knows_the_weights_it_started_from(tmp_path: Path) -> None:
    of = source(vits(), tables())
    outcome = start_from(of, vits2(AS_VITS2, tables()), tables())
    check_same_source(of, tmp_path)  # has not begun
    report_start(of, outcome, tmp_path)
    check_same_source(replace(of, weights={name: tensor.clone() for name, tensor in of.weights.items()}), tmp_path)
    name = next(iter(of.weights))
    changed = replace(of, weights={**of.weights, name: of.weights[name] + 1e-3})
    with pytest.raises(TrainingError, match=f"began with other weights than {of.name} has now"):
        check_same_source(changed, tmp_path)


def test_discriminators_are_taken_from_a_run_that_had_the_same() -> None:
    cfg = DiscriminatorConfig(periods=(2, 3), period_channels=(4, 8), scale=None)
    learned, judges = Discriminators(cfg), Discriminators(cfg)
    of = replace(source(vits(), tables()), judges=Judges(plain(cfg), learned.state_dict()))
    assert start_judges(of, judges, cfg) == "as they are"
    assert all(torch.equal(tensor, learned.state_dict()[name]) for name, tensor in judges.state_dict().items())


@pytest.mark.parametrize("periods", [(2, 5), (3, 2)], ids=["another period", "another order"])
def test_discriminators_of_another_make_begin_anew_though_their_weights_would_fit(periods: tuple[int, ...]) -> None:
    theirs, ours = (DiscriminatorConfig(periods=each, period_channels=(4, 8), scale=None) for each in ((2, 3), periods))
    judges = Discriminators(ours)
    before = {name: tensor.clone() for name, tensor in judges.state_dict().items()}
    of = replace(source(vits(), tables()), judges=Judges(plain(theirs), Discriminators(theirs).state_dict()))
    assert start_judges(of, judges, ours) == "anew, for the source's are of another make"
    assert start_judges(replace(of, judges=None), judges, ours) == "anew, for the source has none"
    assert all(torch.equal(tensor, before[name]) for name, tensor in judges.state_dict().items())
