"""Settings: defaults, the environment, and one clear sentence for each bad value."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.config import Settings, default_cache_dir, read_keys, seed_article


def test_defaults_are_private_and_calibrated():
    settings = Settings()
    assert settings.host == "127.0.0.1"
    assert settings.threshold is None
    assert settings.embedder is None
    assert settings.reader is None


def test_settings_are_frozen():
    with pytest.raises(FrozenInstanceError):
        Settings().port = 1


def test_every_field_can_be_set_from_the_environment():
    environ = {
        "SPANWISE_DEPTH": "quick",
        "SPANWISE_THRESHOLD": "0.25",
        "SPANWISE_CALIBRATION": "/tmp/calibration.json",
        "SPANWISE_TOP_K": "3",
        "SPANWISE_CACHE_DIR": "/tmp/somewhere",
        "SPANWISE_EMBEDDER": "an/embedder",
        "SPANWISE_READER": "a/reader",
        "SPANWISE_HOST": "0.0.0.0",
        "SPANWISE_PORT": "8000",
        "SPANWISE_THREADS": "2",
        "SPANWISE_ORIGINS": "https://News.example/, http://localhost:8080",
        "SPANWISE_FRAMED_BY": "https://host.example:443/",
        "SPANWISE_API_KEYS": "a-key-of-some-length another-key-of-some-length",
        "SPANWISE_REQUIRE_KEY": "no",
        "SPANWISE_RATE": "5/second",
        "SPANWISE_ANSWERS_AT_ONCE": "2",
        "SPANWISE_WAITING_ROOM": "0",
        "SPANWISE_ROOT_PATH": "/ask/it",
        "SPANWISE_TRUSTED_PROXIES": "127.0.0.1,10.0.0.0/8",
        "SPANWISE_CORRECTIONS": "/tmp/elsewhere/questions.jsonl",
        "SPANWISE_CORRECTABLE": "uploads",
        "SPANWISE_EVALUATE_PAGE": "yes",
    }
    others = {"SPANWISE_RISK"}  # in the place of a threshold
    assert set(environ) | others == {f"SPANWISE_{field.name.upper()}" for field in fields(Settings)}
    settings = Settings.from_environment(environ)
    assert settings == Settings(
        depth="quick",
        threshold=0.25,
        calibration=Path("/tmp/calibration.json"),
        top_k=3,
        cache_dir=Path("/tmp/somewhere"),
        embedder="an/embedder",
        reader="a/reader",
        host="0.0.0.0",
        port=8000,
        threads=2,
        origins=("https://news.example", "http://localhost:8080"),
        framed_by=("https://host.example",),
        api_keys=("a-key-of-some-length", "another-key-of-some-length"),
        require_key=False,
        rate="5/second",
        answers_at_once=2,
        waiting_room=0,
        root_path="/ask/it",
        trusted_proxies=("127.0.0.1", "10.0.0.0/8"),
        corrections=Path("/tmp/elsewhere/questions.jsonl"),
        correctable="uploads",
        evaluate_page=True,
    )


def test_what_hosts_of_gradio_applications_set_counts_where_nothing_else_is_said():
    host = {
        "GRADIO_SERVER_NAME": "0.0.0.0",
        "GRADIO_SERVER_PORT": "7861",
        "GRADIO_ROOT_PATH": "https://host.example/a/",
    }
    settings = Settings.from_environment(host)
    assert (settings.host, settings.port, settings.root_path) == ("0.0.0.0", 7861, "/a")
    own = {"SPANWISE_HOST": "127.0.0.2", "SPANWISE_PORT": "1", "SPANWISE_ROOT_PATH": "/b"}
    settings = Settings.from_environment({**host, **own})
    assert (settings.host, settings.port, settings.root_path) == ("127.0.0.2", 1, "/b")
    with pytest.raises(ValueError, match="GRADIO_SERVER_PORT is 'any': a whole number is needed"):
        Settings.from_environment({"GRADIO_SERVER_PORT": "any"})


def test_zero_is_a_threshold_and_a_port_not_an_absence():
    settings = Settings.from_environment({"SPANWISE_THRESHOLD": "0", "SPANWISE_PORT": "0"})
    assert settings.threshold == 0.0
    assert settings.port == 0


def test_unset_and_empty_variables_leave_the_defaults():
    blank = {f"SPANWISE_{field.name.upper()}": " " for field in fields(Settings)}
    assert Settings.from_environment(blank) == Settings.from_environment({})


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SPANWISE_DEPTH", "deep"),
        ("SPANWISE_THRESHOLD", "often"),
        ("SPANWISE_THRESHOLD", "1.5"),
        ("SPANWISE_THRESHOLD", "-0.1"),
        ("SPANWISE_THRESHOLD", "nan"),
        ("SPANWISE_TOP_K", "0"),
        ("SPANWISE_TOP_K", "2.5"),
        ("SPANWISE_TOP_K", "1000000"),
        ("SPANWISE_PORT", "http"),
        ("SPANWISE_PORT", "65536"),
        ("SPANWISE_PORT", "-1"),
        ("SPANWISE_THREADS", "0"),
        ("SPANWISE_ORIGINS", "*"),
        ("SPANWISE_REQUIRE_KEY", "maybe"),
        ("SPANWISE_RATE", "0/minute"),
        ("SPANWISE_RATE", "often"),
        ("SPANWISE_ANSWERS_AT_ONCE", "0"),
        ("SPANWISE_WAITING_ROOM", "-1"),
        ("SPANWISE_ROOT_PATH", "ask"),
        ("SPANWISE_ROOT_PATH", "/ask/"),
        ("SPANWISE_ROOT_PATH", "/../ask"),
        ("SPANWISE_TRUSTED_PROXIES", "proxy.example"),
        ("SPANWISE_TRUSTED_PROXIES", "*"),
    ],
)
def test_a_bad_variable_is_named_with_its_value_and_the_remedy(variable, value):
    with pytest.raises(ValueError, match=variable) as raised:
        Settings.from_environment({variable: value})
    message = str(raised.value)
    assert value in message
    assert "needed" in message or "say" in message
    assert "\n" not in message


@pytest.mark.parametrize("bad", [{"host": " "}, {"embedder": ""}, {"reader": ""}])
def test_empty_words_are_refused(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        Settings(**bad)


@pytest.mark.parametrize(
    ("origin", "normal"),
    [
        ("https://news.example", "https://news.example"),
        ("HTTPS://News.Example:443/", "https://news.example"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://[::1]:80", "http://[::1]"),
        ("https://zürich.example", "https://xn--zrich-kva.example"),
    ],
)
def test_origins_are_kept_as_browsers_write_them(origin, normal):
    assert Settings(origins=(origin,)).origins == (normal,)


@pytest.mark.parametrize(
    "origin",
    ["*", "null", "", "news.example", "https://*.example", "https://a.example/path", "ftp://a.example", "https://",
     "https://me@a.example", "https://a.example;x", "https://a.example:port", "https://a.example b", "https://a'b"],
)  # fmt: skip
def test_what_is_no_origin_is_refused(origin):
    with pytest.raises(ValueError, match="origins"):
        Settings(origins=(origin,))


def test_a_key_is_never_shown():
    key = "very-secret-key-0123456789"
    assert key not in repr(Settings(api_keys=(key,)))
    with pytest.raises(ValueError, match="api_keys") as raised:
        Settings(api_keys=("too-short",))
    assert "too-short" not in str(raised.value)
    with pytest.raises(ValueError, match="SPANWISE_API_KEYS") as raised:
        Settings.from_environment({"SPANWISE_API_KEYS": "too-short"})
    assert "too-short" not in str(raised.value)


def test_a_key_is_needed_where_others_can_come_in():
    assert not Settings().key_needed
    assert not Settings(host="localhost").key_needed
    assert not Settings(host="::1").key_needed
    assert Settings(api_keys=("k" * 16,)).key_needed
    for host in ("0.0.0.0", "::", "10.0.0.5", "server.example"):
        assert Settings(host=host).key_needed
        assert not Settings(host=host, require_key=False).key_needed


def test_keys_are_read_from_a_file(tmp_path):
    file = tmp_path / "keys"
    file.write_text("# the newspaper's\n  " + "a" * 20 + "  \n\n" + "b" * 20 + "\n")
    assert read_keys(file) == ("a" * 20, "b" * 20)
    file.write_text("# nothing\n")
    with pytest.raises(ValueError, match="no API key"):
        read_keys(file)


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_threshold_is_a_probability_or_refused(value):
    if 0 <= value <= 1:
        assert Settings(threshold=value).threshold == value
    else:
        with pytest.raises(ValueError, match="threshold"):
            Settings(threshold=value)


def test_the_cache_folder_follows_xdg(tmp_path):
    assert default_cache_dir({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "spanwise"
    assert default_cache_dir({"XDG_CACHE_HOME": "relative"}) == Path.home() / ".cache" / "spanwise"
    assert default_cache_dir({}) == Path.home() / ".cache" / "spanwise"
    assert Settings.from_environment({"XDG_CACHE_HOME": str(tmp_path)}).cache_dir == tmp_path / "spanwise"


def test_the_seed_article_is_there(article_path):
    assert seed_article() == article_path


def test_an_index_folder_belongs_to_contents_names_and_embedder(tmp_path):
    settings = Settings(cache_dir=tmp_path / "cache")
    one, two = tmp_path / "one.txt", tmp_path / "two.txt"
    one.write_text("The ferry leaves at nine.")
    two.write_text("The ferry leaves at ten.")
    folder = settings.index_folder([one, two])
    assert folder.parent == tmp_path / "cache" / "indexes"
    assert settings.index_folder([str(one), two]) == folder
    assert settings.index_folder([two, one]) != folder
    assert settings.index_folder([one]) != folder
    assert Settings(cache_dir=tmp_path / "cache", embedder="another").index_folder([one, two]) != folder
    one.write_text("The ferry leaves at eight.")
    assert settings.index_folder([one, two]) != folder


def test_a_copy_elsewhere_under_the_same_name_shares_its_index(tmp_path):
    settings = Settings(cache_dir=tmp_path / "cache")
    copies = [tmp_path / "a" / "ferry.txt", tmp_path / "b" / "ferry.txt"]
    for copy in copies:
        copy.parent.mkdir()
        copy.write_text("The ferry leaves at nine.")
    assert settings.index_folder(copies[:1]) == settings.index_folder(copies[1:])


def test_unreadable_and_missing_files_are_left_for_the_loader_to_report(tmp_path):
    settings = Settings(cache_dir=tmp_path / "cache")
    assert settings.index_folder([tmp_path]).parent == settings.index_folder([tmp_path / "none"]).parent
    settings.index_folder(["/dev/zero"])  # has no end: must not be read


def test_a_risk_takes_the_place_of_a_threshold():
    assert Settings.from_environment({"SPANWISE_RISK": "0.05"}).risk == 0.05
    with pytest.raises(ValueError, match="risk and threshold are both given"):
        Settings(risk=0.05, threshold=0.5)


@pytest.mark.parametrize("risk", [0.0, 1.0, -0.1, 5.0])
def test_a_risk_that_is_no_share_is_refused(risk):
    with pytest.raises(ValueError, match=f"risk is {risk!r}: a share of wrong answers between 0 and 1"):
        Settings(risk=risk)
