from __future__ import annotations

import contextlib
import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from sonorant.audio.spectrogram import SpectrogramConfig
from sonorant.errors import ImportingError
from sonorant.models import Purpose
from sonorant.models.vits.config import (
    VitsConfig,
    ljs_base,
    ljs_nosdp,
    piper_high,
    piper_medium,
    piper_x_low,
    vctk_base,
)
from sonorant.models.vits.model import Vits
from sonorant.nn.hifigan import HifiGanConfig
from sonorant.nn.text_encoder import TextEncoderConfig
from sonorant.voice.interchange.weights_layout import build
from sonorant.voice.interchange.weights_vits import (
    OFFICIAL_KEYS,
    config_from_official,
    from_official,
    load_official,
    read_official,
    to_official,
    unknown_keys,
)
from tests.nn.random_weights import normal, randomized

KEYS = Path(__file__).parents[2] / "fixtures" / "keys"
PUBLISHED = [
    ("vits_ljs_base", ljs_base(), 178, 1, 838, 36_321_072),
    ("vits_ljs_nosdp", ljs_nosdp(), 178, 1, 564, 35_349_761),
    ("vits_vctk_base", vctk_base(), 178, 109, 858, 39_700_208),
    ("piper_x_low", piper_x_low(), 256, 1, 673, 7_073_360),
    ("piper_medium", piper_medium(), 256, 1, 673, 23_663_792),
    ("piper_medium_904_speakers", piper_medium(), 256, 904, 693, 30_672_496),
    ("piper_high", piper_high(), 256, 1, 838, 36_336_048),
]


def small_cfg() -> VitsConfig:
    return VitsConfig(
        d_hidden=16,
        d_latent=8,
        d_speaker=5,
        text_encoder=TextEncoderConfig(d_filter=24, n_layers=2),
        decoder=HifiGanConfig(d_initial=32),
    )


@pytest.mark.parametrize(("name", "cfg", "n_symbols", "n_speakers", "n_keys", "n_parameters"), PUBLISHED)
def test_published_models_have_their_names_shapes_and_size(
    name: str, cfg: VitsConfig, n_symbols: int, n_speakers: int, n_keys: int, n_parameters: int
) -> None:
    with torch.device("meta"):
        state = Vits(cfg, n_symbols, n_speakers).state_dict()
    official = to_official(state)
    assert {key: list(value.shape) for key, value in official.items()} == json.loads(
        (KEYS / f"{name}.json").read_text()
    )
    assert len(official) == n_keys
    assert sum(math.prod(value.shape) for value in official.values()) == n_parameters


@pytest.mark.parametrize("name", ["vits_ljs_nosdp", "vits_vctk_base", "piper_medium"])
def test_an_official_state_comes_back_bit_for_bit(name: str) -> None:
    _, cfg, n_symbols, n_speakers, *_ = next(row for row in PUBLISHED if row[0] == name)
    shapes = json.loads((KEYS / f"{name}.json").read_text())
    official = {key: normal(*shape, seed=i) for i, (key, shape) in enumerate(shapes.items())}
    with torch.device("meta"):
        like = Vits(cfg, n_symbols, n_speakers).state_dict()
    back = to_official(from_official(official, like))
    assert back.keys() == official.keys()
    assert all(torch.equal(back[key], official[key]) for key in official)


def spoken(model: Vits) -> Tensor:
    tokens = torch.arange(6).unsqueeze(0)
    return model.synthesize(tokens, torch.tensor([6]), torch.tensor([1]), noise=torch.zeros).samples


def test_weight_norm_may_be_split_or_folded_on_either_side() -> None:
    model = randomized(Vits(small_cfg(), 10, 2), scale=0.02)
    split, folded = to_official(model.state_dict()), to_official(model.for_inference(Purpose.CONVERSION).state_dict())
    assert any(key.endswith("weight_g") for key in split)
    assert not any(key.endswith("weight_g") for key in folded)
    with torch.no_grad():
        expected = spoken(model)
        for state in (split, folded):
            lean = Vits(small_cfg(), 10, 2, Purpose.SPEAKING)
            lean.load_state_dict(from_official(state, lean.state_dict()))
            torch.testing.assert_close(spoken(lean), expected, atol=1e-5, rtol=0)
        full = Vits(small_cfg(), 10, 2).eval()
        training = {k: v for k, v in split.items() if k.startswith(("dp.post_", "dp.flows.1."))}
        full.load_state_dict(from_official(folded | training, full.state_dict()))
        torch.testing.assert_close(spoken(full), expected, atol=1e-5, rtol=0)


def test_what_does_not_fit_is_named() -> None:
    with torch.device("meta"):
        model = Vits(small_cfg(), 10, 2)
    like = model.state_dict()
    official = {name: torch.zeros(value.shape) for name, value in to_official(like).items()}
    less = {name: value for name, value in official.items() if not name.startswith("enc_q.")}
    with pytest.raises(ImportingError, match=r"G\.pth: lacks posterior\..* and \d+ more \(\d+ in all\)$"):
        from_official(less, like, source="G.pth")
    with pytest.raises(ImportingError, match=r"lacks speaker\.weight$"):
        from_official({k: v for k, v in official.items() if k != "emb_g.weight"}, like)
    with pytest.raises(ImportingError, match=r"enc_p\.spk_emb_linear\.weight have no place in a VITS model"):
        from_official(official | {"enc_p.spk_emb_linear.weight": torch.zeros(1)}, like)
    with pytest.raises(ImportingError, match=r"has decoder\.upsamplers\.7\.bias, which this model does not"):
        from_official(official | {"dec.ups.7.bias": torch.zeros(1)}, like)
    with pytest.raises(ImportingError, match=r"speaker\.weight has shape \[3, 5\], but the model needs \[2, 5\]"):
        from_official(official | {"emb_g.weight": torch.zeros(3, 5)}, like)


def official_json() -> dict[str, Any]:
    return {
        "train": {"learning_rate": 2e-4, "segment_size": 8192},
        "data": {
            "sampling_rate": 22050,
            "filter_length": 1024,
            "hop_length": 256,
            "win_length": 1024,
            "n_speakers": 0,
            "add_blank": True,
        },
        "model": {
            "inter_channels": 192,
            "hidden_channels": 192,
            "filter_channels": 768,
            "n_heads": 2,
            "n_layers": 6,
            "kernel_size": 3,
            "p_dropout": 0.1,
            "resblock": "1",
            "resblock_kernel_sizes": [3, 7, 11],
            "resblock_dilation_sizes": [[1, 3, 5], [1, 3, 5], [1, 3, 5]],
            "upsample_rates": [8, 8, 2, 2],
            "upsample_initial_channel": 512,
            "upsample_kernel_sizes": [16, 16, 4, 4],
            "n_layers_q": 3,
            "use_spectral_norm": False,
        },
    }


def test_official_configurations_are_the_presets() -> None:
    data = official_json()
    assert config_from_official(data) == (ljs_base(), 1)
    data["model"]["use_sdp"] = False
    assert config_from_official(data) == (ljs_nosdp(), 1)
    data["model"] |= {"use_sdp": True, "gin_channels": 256}
    data["data"]["n_speakers"] = 109
    assert config_from_official(data) == (vctk_base(), 109)
    assert unknown_keys(data, OFFICIAL_KEYS) == ()


def test_unknown_keys_are_reported() -> None:
    data = official_json()
    data["model"]["use_transformer_flows"] = True
    data["symbols"] = ["a"]
    assert unknown_keys(data, OFFICIAL_KEYS) == ("model.use_transformer_flows", "symbols")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("model"), "no section 'model'"),
        (lambda d: d["model"].pop("n_heads"), r"lacks model\.n_heads"),
        (lambda d: d["model"].update(n_heads="two"), r"text_encoder\.n_heads"),
        (lambda d: d["data"].update(hop_length=300), "upsamples by 256, but spectrogram.hop is 300"),
        (lambda d: d["data"].update(n_speakers=3), r"gin_channels is 0"),
        (lambda d: d["data"].update(n_speakers="3"), r"n_speakers must be a whole number"),
        (lambda d: d["model"].update(resblock="3"), "resblock"),
    ],
)
def test_wrong_configurations_are_refused_in_one_line(change: Any, message: str) -> None:
    data = official_json()
    change(data)
    with pytest.raises(ImportingError, match=message) as caught:
        config_from_official(data, source="config.json")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("config.json: ")


def save(path: Path, content: object) -> Path:
    torch.save(content, path)
    return path


def test_a_checkpoint_becomes_a_model(tmp_path: Path) -> None:
    data = official_json()
    data["data"] |= {"n_speakers": 2}
    data["model"] |= {"hidden_channels": 16, "inter_channels": 8, "filter_channels": 24, "n_layers": 2}
    data["model"] |= {"upsample_initial_channel": 32, "gin_channels": 5}
    model = randomized(Vits(small_cfg(), 10, 2), scale=0.02)
    path = save(tmp_path / "G_0.pth", {"model": to_official(model.state_dict()), "iteration": 3, "optimizer": {}})
    foreign = read_official(load_official(path), data)
    assert (foreign.system, foreign.cfg, foreign.n_symbols, foreign.n_speakers) == ("vits", small_cfg(), 10, 2)
    assert foreign.cfg.spectrogram == SpectrogramConfig()
    with torch.no_grad():
        again = build(foreign, Purpose.SPEAKING, source=str(path))
        torch.testing.assert_close(spoken(again), spoken(model), atol=1e-5, rtol=0)


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("harm",)


def test_what_is_no_checkpoint_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = save(tmp_path / "good.pth", {"model": {"enc_p.emb.weight": torch.zeros(3, 4)}}).read_bytes()
    discriminator = {"model": {"discriminators.0.convs.0.bias": torch.zeros(3)}}
    cases = {
        "missing": None,
        "empty": b"",
        "text": b"not a checkpoint",
        "cut": good[: len(good) // 2],
        "zip": b"PK\x03\x04" + bytes(100),
        "evil": save(tmp_path / "evil.pth", {"model": Evil()}).read_bytes(),
        "list": save(tmp_path / "list.pth", [1, 2]).read_bytes(),
        "no_model": save(tmp_path / "no_model.pth", {"model": {}}).read_bytes(),
        "numbers": save(tmp_path / "numbers.pth", {"model": {"a": 1}}).read_bytes(),
        "discriminator": save(tmp_path / "discriminator.pth", discriminator).read_bytes(),
    }
    for name, content in cases.items():
        path = tmp_path / f"{name}_case.pth"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ImportingError) as caught:
            load_official(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(ImportingError, match="cannot be read"):
        load_official(tmp_path)
    assert "harm" not in capsys.readouterr().out


def test_no_broken_byte_escapes_as_another_error(tmp_path: Path) -> None:
    good = save(tmp_path / "good.pth", {"model": {"enc_p.emb.weight": torch.zeros(3, 4)}}).read_bytes()
    path = tmp_path / "broken.pth"
    for position in range(0, len(good), 7):
        path.write_bytes(good[:position] + bytes([good[position] ^ 0xFF]) + good[position + 1 :])
        with contextlib.suppress(ImportingError):
            load_official(path)


@pytest.mark.parametrize(
    ("name", "file"),
    [("discriminators.0.convs.0.bias", "D"), ("pre_out_conv_1.weight", "DUR")],
)
def test_a_discriminator_is_called_by_its_name(tmp_path: Path, name: str, file: str) -> None:
    path = save(tmp_path / f"{file}_0.pth", {"model": {name: torch.zeros(3)}})
    with pytest.raises(ImportingError, match=rf"is a discriminator \({file}_\*\.pth\)"):
        load_official(path)
