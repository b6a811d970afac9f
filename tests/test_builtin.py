"""Opening the shipped form of a reader, and every way in which its folder can be wrong."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tiny_readers

from index.errors import ModelError
from qa.errors import ReaderError
from qa.reading import builtin
from qa.reading.builtin import OnnxReader, open_reader


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_readers.save_onnx(tmp_path_factory.mktemp("reader") / "tiny")


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "reader")


def refused(folder: Path, *, match: str) -> None:
    with pytest.raises(ModelError, match=match) as raised:
        OnnxReader(folder)
    assert "install" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_reader_opens_from_any_folder(folder, tmp_path):
    moved = tmp_path / "чтение 読む" / "reader"
    shutil.copytree(folder, moved)
    reader = open_reader("small", moved, threads=1)
    assert reader.name == "tiny"
    assert reader.read("who", [tiny_readers.passage("Kim left on Sunday.")])[0].spans


def test_the_shipped_readers_are_looked_for_beside_the_code(folder, monkeypatch):
    monkeypatch.setattr(builtin, "MODELS", folder.parent)
    folder.rename(folder.parent / "careful")
    assert open_reader("careful").name == "tiny"
    with pytest.raises(ModelError, match=r"reader\.json is missing"):
        open_reader("small")


def test_reading_loads_neither_torch_nor_transformers(folder):
    code = (
        "import sys; from pathlib import Path; from index.types import Passage\n"
        "from qa.reading.builtin import open_reader\n"
        "assert 'onnxruntime' not in sys.modules\n"
        "reader = open_reader('small', Path(sys.argv[1]))\n"
        "reader.read('who', [Passage(id='p', document_id='d', text='Kim left.', start=0, end=9)])\n"
        "print(*sorted({'torch', 'transformers', 'sentence_transformers', 'faiss', 'gradio'} & set(sys.modules)))"
    )
    root = Path(builtin.__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], cwd=root, capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "reader.json"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    refused(folder, match=name.replace(".", r"\."))


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "empty"])
def test_a_changed_file_is_named(folder, name, damage):
    content = (folder / name).read_bytes()
    middle = len(content) // 2
    changed = {
        "cut": content[:middle],
        "flipped": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
        "empty": b"",
    }
    (folder / name).write_bytes(changed[damage])
    refused(folder, match=f"{name} is not the file")


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", "{}", "\x00", '{"name": "x"}', "[" * 100_000, '"' + "x" * 9], ids=range(9)
)
def test_a_description_that_is_none_is_refused(folder, content):
    (folder / "reader.json").write_text(content, encoding="utf-8")
    refused(folder, match=r"reader\.json")


def test_a_description_that_is_not_text_is_refused(folder):
    (folder / "reader.json").write_bytes(b"\xff\xfe\x00")
    refused(folder, match=r"reader\.json")


@pytest.mark.parametrize(
    "changes",
    [
        {"name": 3},
        {"max_tokens": "384"},
        {"max_tokens": True},
        {"max_tokens": 2},
        {"doc_stride": -1},
        {"checksums": []},
        {"checksums": {}},
        {"checksums": {"../reader.json": "0"}},
        {"checksums": {"model.onnx": 5, "tokenizer.json": "0"}},
    ],
    ids=str,
)
def test_a_description_with_a_wrong_field_is_refused(folder, changes):
    tiny_readers.describe(folder, **changes)
    refused(folder, match="is damaged")


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_file_of_the_wrong_kind_is_refused_even_with_the_right_checksum(folder, name):
    (folder / name).write_bytes(b"{}")
    tiny_readers.describe(folder)
    refused(folder, match=f"{name} cannot be")


def test_a_model_that_is_not_a_reader_is_refused(folder):
    onnx = pytest.importorskip("onnx")
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["pixels"], ["labels"])],
        "other",
        [value("pixels", onnx.TensorProto.FLOAT, [1])],
        [value("labels", onnx.TensorProto.FLOAT, [1])],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, folder / "model.onnx")
    tiny_readers.describe(folder)
    refused(folder, match="start_logits")


def test_a_folder_that_is_a_file_is_refused(folder):
    refused(folder / "model.onnx", match=r"reader\.json")


def test_a_window_that_the_model_cannot_take_is_an_error_in_one_sentence(folder):
    tiny_readers.describe(folder, max_tokens=400)  # the model has 80 positions
    reader = OnnxReader(folder)
    with pytest.raises(ReaderError, match="failed on a window of 400 tokens") as raised:
        reader.read("who", [tiny_readers.passage("who gave the vest " * 200)])
    assert "\n" not in str(raised.value)
