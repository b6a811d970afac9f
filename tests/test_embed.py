"""The contract of an embedder, the two runtimes' agreement, and models that are missing or damaged."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from word_embedder import WordEmbedder

from index import embed, export, models
from index.embed import Embedder, SentenceTransformerEmbedder, exported_embedder, open_embedder, open_for_building
from index.errors import IndexMismatchError, ModelError
from index.export import OnnxEmbedder, export_embedder, export_folder
from index.models import built_in_name, resolve_model, same_model

TEXTS = [
    "Kim received gifts from a regional governor.",
    "one",
    "",
    "Naïve café – “quoted” 日本語 👨‍👩‍👧 bul\u00adlet zero\u200bwidth \0 \r\n end",
    "a long text that is cut off at the end " * 60,
    "x" * 3_000,
]


@pytest.fixture(scope="module")
def transformer() -> SentenceTransformerEmbedder:
    return SentenceTransformerEmbedder()


@pytest.fixture(scope="module")
def cache(transformer: SentenceTransformerEmbedder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder, with a name that needs care, that holds the built-in model's export."""
    folder = tmp_path_factory.mktemp("cache") / "Zwischen speicher 日本"
    assert export_embedder(transformer, folder) == export_folder(folder, built_in_name())
    return folder


@pytest.fixture(scope="module")
def exported(cache: Path) -> OnnxEmbedder:
    return OnnxEmbedder(export_folder(cache, built_in_name()))


@pytest.fixture(params=["sentence-transformers", "exported", "words"])
def embedder(request: pytest.FixtureRequest) -> Embedder:
    if request.param == "words":
        return WordEmbedder()
    made: Embedder = request.getfixturevalue("transformer" if request.param == "sentence-transformers" else "exported")
    return made


# The contract


def test_rows_are_unit_vectors_in_the_order_of_the_texts(embedder: Embedder) -> None:
    vectors = embedder.embed_passages(TEXTS)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), embedder.dim)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    for row in (0, 3):
        alone = embedder.embed_passages([TEXTS[row]])[0]
        np.testing.assert_allclose(alone, vectors[row], atol=1e-5)


def test_no_texts_give_no_rows(embedder: Embedder) -> None:
    assert embedder.embed_passages([]).shape == (0, embedder.dim)


def test_a_query_is_one_row_nearest_to_its_own_words(embedder: Embedder) -> None:
    query = embedder.embed_query(TEXTS[0])
    assert query.shape == (embedder.dim,)
    assert query.dtype == np.float32
    assert int(np.argmax(embedder.embed_passages(TEXTS) @ query)) == 0


def test_tokens_are_counted_beyond_the_limit_and_without_marks(embedder: Embedder) -> None:
    assert embedder.count_tokens("") == 0
    assert embedder.count_tokens("one") == 1
    assert embedder.count_tokens("one " * 1_000) == 1_000
    assert embedder.max_tokens == 256


def test_the_name_ends_in_a_checksum(embedder: Embedder) -> None:
    assert models.has_checksum(embedder.name)


def test_many_threads_embed_at_once(embedder: Embedder) -> None:
    expected = embedder.embed_passages(TEXTS[:4])
    far: list[float] = []

    def work() -> None:
        for _ in range(3):
            found = np.stack([embedder.embed_query(text) for text in TEXTS[:4]])
            far.append(float(np.abs(found - expected).max()))
            embedder.count_tokens(TEXTS[4])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(far) == 12
    assert max(far) < 1e-4


# Two runtimes, one result


def test_both_runtimes_give_the_same_vectors(
    transformer: SentenceTransformerEmbedder, exported: OnnxEmbedder, article_text: str
) -> None:
    texts = [*TEXTS, *article_text.split("\n"), article_text]
    cosines = np.sum(transformer.embed_passages(texts) * exported.embed_passages(texts), axis=1)
    assert cosines.min() >= 0.9999
    for text in TEXTS:
        assert transformer.embed_query(text) @ exported.embed_query(text) >= 0.9999
        assert transformer.count_tokens(text) == exported.count_tokens(text)
    assert (transformer.name, transformer.dim) == (exported.name, exported.dim) == (built_in_name(), 384)


def test_the_exported_model_needs_no_torch(cache: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from index.embed import open_embedder\n"
        "open_embedder(cache_dir=Path(sys.argv[1])).embed_query('gifts')\n"
        "heavy = {'torch', 'transformers', 'sentence_transformers', 'faiss'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    root = str(Path(__file__).parent.parent)
    subprocess.run([sys.executable, "-c", program, str(cache)], check=True, cwd=root, timeout=60)


@pytest.fixture
def traced(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare a test the seconds of tracing: its export is a copy of the one that was traced in `cache`."""
    model = export_folder(cache, built_in_name()) / "model.onnx"
    monkeypatch.setattr(export, "_trace", lambda _, path: shutil.copy(model, path))


@pytest.fixture
def forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(*_: object) -> None:
        raise AssertionError("loaded the model itself")

    monkeypatch.setattr(embed, "_load", load)


@pytest.mark.usefixtures("forbidden")
@pytest.mark.parametrize("name", [None, "all-MiniLM-L6-v2", built_in_name()])
def test_an_export_is_used_wherever_there_is_one(cache: Path, name: str | None) -> None:
    assert isinstance(open_embedder(name, cache_dir=cache), OnnxEmbedder)
    assert isinstance(open_for_building(name, cache_dir=cache), OnnxEmbedder)


@pytest.mark.usefixtures("traced")
def test_the_first_build_embeds_with_sentence_transformers_and_exports(
    tmp_path: Path, transformer: SentenceTransformerEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embed, "SentenceTransformerEmbedder", lambda name=None: transformer)
    told: list[str] = []
    assert open_for_building(cache_dir=tmp_path, on_export=lambda: told.append("export")) is transformer
    assert told == ["export"]
    assert isinstance(open_embedder(cache_dir=tmp_path), OnnxEmbedder)


def test_a_model_that_cannot_be_exported_is_answered_by_sentence_transformers(
    tmp_path: Path, transformer: SentenceTransformerEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("an operator without a counterpart")

    monkeypatch.setattr(embed, "SentenceTransformerEmbedder", lambda name=None: transformer)
    monkeypatch.setattr(export, "_trace", fail)
    assert open_embedder(cache_dir=tmp_path) is transformer
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("traced")
def test_an_export_with_other_vectors_is_not_used(
    tmp_path: Path, transformer: SentenceTransformerEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "_SAME", 1.01)
    assert export_embedder(transformer, tmp_path) is None
    assert list(tmp_path.iterdir()) == []


# Missing and damaged


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "embedder.json"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "missing"])
def test_a_damaged_export_is_refused_and_then_made_again(tmp_path: Path, cache: Path, name: str, damage: str) -> None:
    folder = export_folder(tmp_path, built_in_name())
    shutil.copytree(export_folder(cache, built_in_name()), folder)
    path = folder / name
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        middle = len(content) // 2
        path.write_bytes(content[:middle] + (b"" if damage == "cut" else b"\xff" + content[middle + 1 :]))
    with pytest.raises(ModelError, match="exported model"):
        OnnxEmbedder(folder)
    assert exported_embedder(None, cache_dir=tmp_path) is None


@pytest.mark.usefixtures("traced")
def test_a_damaged_export_is_replaced(tmp_path: Path, transformer: SentenceTransformerEmbedder) -> None:
    folder = export_folder(tmp_path, built_in_name())
    folder.mkdir()
    (folder / "embedder.json").write_text("{}")
    assert export_embedder(transformer, tmp_path) == folder
    first = OnnxEmbedder(folder)
    assert export_embedder(transformer, tmp_path) == folder  # one that is good is kept
    assert first.name == OnnxEmbedder(folder).name
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_a_cache_that_cannot_be_written_says_so(tmp_path: Path, transformer: SentenceTransformerEmbedder) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ModelError, match="cannot be written"):
        export_embedder(transformer, tmp_path / "file")


@pytest.fixture
def copied_model(tmp_path: Path) -> Path:
    folder, _ = resolve_model(None)
    shutil.copytree(folder, tmp_path / "package" / "model")
    return tmp_path / "package" / "model"


@pytest.fixture
def installed(copied_model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The built-in model's package, in a place where it can be damaged."""
    spec = SimpleNamespace(submodule_search_locations=[str(copied_model.parent)])
    monkeypatch.setattr(models.importlib.util, "find_spec", lambda _: spec)
    return copied_model


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json", "1_Pooling/config.json"])
def test_a_damaged_built_in_model_is_refused(installed: Path, name: str) -> None:
    assert resolve_model(None) == (installed, built_in_name())
    content = (installed / name).read_bytes()
    (installed / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(ModelError, match=rf"damaged: {name}"):
        SentenceTransformerEmbedder()
    (installed / name).unlink()
    with pytest.raises(ModelError, match=rf"lacks {name}.*install"):
        SentenceTransformerEmbedder()


def test_a_built_in_model_that_is_not_installed_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(models.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ModelError, match="not installed: install"):
        open_embedder(cache_dir=tmp_path)


def test_a_model_by_folder_is_named_after_folder_and_content(copied_model: Path, tmp_path: Path) -> None:
    folder, name = resolve_model(copied_model)
    renamed = copied_model.rename(tmp_path / "another-name")
    other = resolve_model(str(renamed))[1]
    assert folder == copied_model
    assert (name.partition("@")[0], other.partition("@")[0]) == ("model", "another-name")
    assert same_model(name, other)
    settings = renamed / "config.json"
    settings.write_text(json.dumps({**json.loads(settings.read_text()), "layer_norm_eps": 1e-6}))
    assert not same_model(name, resolve_model(renamed)[1])


@pytest.mark.parametrize("name", ["no/such-model", "no-such-model", "../somewhere", "a b?", "/none/such"])
def test_a_model_that_is_nowhere_is_reported_without_asking_the_network(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match=r"not on this machine.*give the folder"):
        open_embedder(name, cache_dir=tmp_path)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"config\.json is missing"):
        SentenceTransformerEmbedder(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="cannot be loaded"):
        SentenceTransformerEmbedder(tmp_path)


def test_an_index_s_model_with_another_checksum_is_a_mismatch(tmp_path: Path) -> None:
    with pytest.raises(IndexMismatchError, match="the embedder"):
        open_embedder("all-MiniLM-L6-v2@0123456789abcdef", cache_dir=tmp_path)
