"""Foreign voices become voice folders that speak as their source does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sonorant import load_voice
from sonorant.errors import ImportingError
from sonorant.models.vits.model import Vits
from sonorant.text.standard import vits_symbols
from sonorant.voice import check
from sonorant.voice.interchange import import_voice
from sonorant.voice.interchange.weights_vits import to_official
from tests.tiny import CONFIG

WITHOUT_NOISE = {"noise_scale": 0.0, "noise_scale_duration": 0.0, "sentence_pause_s": 0.0, "paragraph_pause_s": 0.0}
OFFICIAL: dict[str, Any] = {
    "train": {"learning_rate": 2e-4, "segment_size": 8192},
    "data": {
        "text_cleaners": ["english_cleaners2"],
        "sampling_rate": 16000,
        "filter_length": 256,
        "hop_length": 64,
        "win_length": 256,
        "add_blank": True,
        "n_speakers": 2,
    },
    "model": {
        "inter_channels": 8,
        "hidden_channels": 16,
        "filter_channels": 16,
        "n_heads": 2,
        "n_layers": 2,
        "kernel_size": 3,
        "p_dropout": 0.1,
        "resblock": "2",
        "resblock_kernel_sizes": [3],
        "resblock_dilation_sizes": [[1, 3]],
        "upsample_rates": [8, 8],
        "upsample_initial_channel": 16,
        "upsample_kernel_sizes": [16, 16],
        "gin_channels": 4,
        "somebody_elses_key": 1,
    },
}


def random_official(folder: Path, *, n_symbols: int = 178, **data: object) -> Path:
    """An official checkpoint of a tiny random model and its configuration; the depths are the official ones."""
    from dataclasses import replace

    from sonorant.nn.flow import FlowConfig
    from sonorant.nn.posterior import PosteriorConfig

    folder.mkdir(exist_ok=True)
    torch.manual_seed(0)
    network = Vits(replace(CONFIG, posterior=PosteriorConfig(), flow=FlowConfig()), n_symbols, 2)
    torch.save({"model": to_official(network.state_dict()), "iteration": 3}, folder / "G_3.pth")
    said = {**OFFICIAL, "data": {**OFFICIAL["data"], **data}}
    (folder / "config.json").write_text(json.dumps(said))
    return folder / "G_3.pth"


def test_an_official_checkpoint_speaks(tmp_path: Path) -> None:
    import_voice(random_official(tmp_path / "source"), tmp_path / "voice", name="mine", licence="mit")
    voice = load_voice(tmp_path / "voice")
    assert (voice.name, voice.speakers, voice.languages) == ("mine", ("speaker 0", "speaker 1"), ("en-us",))
    assert voice.manifest.system == "vits"
    assert voice.manifest.frontend.layout.blank == "_"
    assert voice.manifest.symbols == vits_symbols()
    assert check.run(voice).passed
    assert len(voice.say("Hello there.", speaker="speaker 1", seed=0).samples) > 0
    card = (tmp_path / "voice" / "README.md").read_text()
    assert "somebody_elses_key" in card
    assert "license: mit" in card


def test_a_multi_speaker_voice_keeps_what_conversion_needs(tmp_path: Path) -> None:
    import_voice(random_official(tmp_path / "source"), tmp_path / "voice")
    names = load_voice(tmp_path / "voice").runtime._network.state_dict()  # type: ignore[attr-defined]
    assert any(name.startswith("posterior.") for name in names)


def test_symbols_that_do_not_fit_are_asked_for(tmp_path: Path) -> None:
    source = random_official(tmp_path / "source", n_symbols=30)
    with pytest.raises(ImportingError, match="embedding has 30 rows, but the symbols number 178; give the symbols"):
        import_voice(source, tmp_path / "voice")
    listed = tmp_path / "symbols.json"
    listed.write_text(json.dumps(list("_ abcdefghijklmnopqrstuvwxyz,.")))
    import_voice(source, tmp_path / "voice", symbols=listed)
    assert load_voice(tmp_path / "voice").manifest.symbols["z"] == 27


def test_a_language_that_is_not_said_is_asked_for(tmp_path: Path) -> None:
    source = random_official(tmp_path / "source", text_cleaners=["my_cleaners"])
    with pytest.raises(ImportingError, match="give --language"):
        import_voice(source, tmp_path / "voice")
    import_voice(source, tmp_path / "voice", language="it")
    assert load_voice(tmp_path / "voice").languages == ("it",)


@pytest.mark.parametrize("n_speakers", [1, 3])
def test_a_transformers_folder_says_what_transformers_says(tmp_path: Path, n_speakers: int) -> None:
    from transformers import VitsConfig, VitsModel

    torch.manual_seed(0)
    characters = "_ abcdefghijklmnopqrstuvwxyz'"
    cfg = VitsConfig(
        vocab_size=len(characters), hidden_size=16, num_hidden_layers=2, ffn_dim=16, flow_size=8, spectrogram_bins=129,
        prior_encoder_num_flows=2, prior_encoder_num_wavenet_layers=2, posterior_encoder_num_wavenet_layers=2,
        upsample_initial_channel=16, upsample_rates=[8, 8], upsample_kernel_sizes=[16, 16], resblock_kernel_sizes=[3],
        resblock_dilation_sizes=[[1, 3]], num_speakers=n_speakers, speaker_embedding_size=4 if n_speakers > 1 else 0,
        sampling_rate=16000, speaking_rate=0.8,
    )  # fmt: skip
    model = VitsModel(cfg).eval()
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    folder = tmp_path / "source"
    model.save_pretrained(folder)
    (folder / "vocab.json").write_text(json.dumps({c: i for i, c in enumerate(characters)}))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"language": "eng", "add_blank": True, "normalize": True, "phonemize": False, "is_uroman": False})
    )
    import_voice(folder, tmp_path / "voice")
    voice = load_voice(tmp_path / "voice")
    ours = voice.say("It's a test", speaker=voice.speakers[-1], seed=0, **WITHOUT_NOISE)

    ids = [0]
    for character in "it's a test":
        ids += [characters.index(character), 0]
    model.noise_scale = model.noise_scale_duration = 0.0
    with torch.no_grad():
        theirs = model(
            input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids)),
            speaker_id=n_speakers - 1 if n_speakers > 1 else None,
        ).waveform[0].numpy()  # fmt: skip
    assert ours.samples.shape == theirs.shape
    assert np.abs(ours.samples - theirs).max() <= 1e-4


def test_a_tokenizer_that_romanises_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "vits"}))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"is_uroman": True}))
    with pytest.raises(ImportingError, match="uroman"):
        import_voice(tmp_path, tmp_path / "voice")


def test_a_failed_import_leaves_nothing(tmp_path: Path) -> None:
    source = random_official(tmp_path / "source")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ImportingError):
        import_voice(source, tmp_path / "voice", symbols=tmp_path / "missing.json")
    assert sorted(tmp_path.rglob("*")) == before
