"""The fleet's own decisions: what it does on machines that are not this one. Needs neither podman nor root."""

import datetime as dt
from pathlib import Path

import pytest

from tests.fleet import engine, images, manager
from tests.fleet.fixtures import require
from tests.fleet.host import Host

ALL_CAPABILITIES = (1 << 41) - 1


def test_a_missing_fleet_skips_at_home_and_fails_on_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no podman"):
        require("no podman")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no podman"):
        require("no podman")
    require(None)


def test_programs_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    reason = engine.available()
    assert reason is not None
    assert "podman" in reason
    assert "install-deps.sh" in reason


@pytest.mark.parametrize(
    ("bounding_set", "hybrid", "expected"),
    [
        (ALL_CAPABILITIES, False, []),
        (ALL_CAPABILITIES, True, ["runc"]),
        (ALL_CAPABILITIES & ~(1 << engine.CAP_SYS_RESOURCE), True, ["runc", "nofile"]),
    ],
)
def test_podman_is_left_alone_unless_the_machine_needs_it(
    monkeypatch: pytest.MonkeyPatch, bounding_set: int, hybrid: bool, expected: list[str]
) -> None:
    monkeypatch.delenv("CONTAINERS_CONF", raising=False)
    monkeypatch.setattr(engine, "bounding_set", lambda: bounding_set)
    monkeypatch.setattr(engine, "cgroups_are_hybrid", lambda: hybrid)
    monkeypatch.setattr("shutil.which", lambda program: f"/usr/sbin/{program}")
    text = engine.containers_conf() or ""
    assert [word for word in ("runc", "nofile") if word in text] == expected
    monkeypatch.setenv("CONTAINERS_CONF", "/etc/own.conf")
    assert engine.containers_conf() is None


def test_base_is_made_here_only_where_the_packages_are_of_the_suite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAMAN_FLEET_BASE", raising=False)
    monkeypatch.setattr("shutil.which", lambda program: f"/usr/bin/{program}")
    monkeypatch.setattr(images, "runs_suite", lambda: True)
    assert images.base_reference() is None
    assert images.image("base").startswith("localhost/laman-fleet-base:")
    monkeypatch.setattr(images, "runs_suite", lambda: False)
    assert images.base_reference() == images.PULLED_BASE == images.image("base")
    monkeypatch.setenv("LAMAN_FLEET_BASE", "registry.example/debian:12")
    assert images.image("base") == "registry.example/debian:12"


def test_an_https_mirror_is_trusted_inside_the_image_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.crt"
    bundle.write_text("certificates", encoding="ascii")
    monkeypatch.setattr(images, "CA_BUNDLE", bundle)
    monkeypatch.setattr(images, "apt_options", lambda: ['Acquire::http::Proxy "http://proxy.example:3128"'])
    for scheme, hooks in (("https", 2), ("http", 0)):
        source = f"deb {scheme}://mirror.example/linux bookworm main"
        monkeypatch.setattr(images, "apt_sources", lambda source=source: [source])
        argv = images.mmdebstrap_argv(tmp_path / "rootfs.tar")
        assert argv[-1] == source
        assert '--aptopt=Acquire::http::Proxy "http://proxy.example:3128"' in argv
        assert sum(word.startswith("--customize-hook=") for word in argv) == hooks


def test_any_change_of_an_input_changes_the_image_and_those_above(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(images, "IMAGES", tmp_path)
    for name in images.PARENTS:
        (tmp_path / name).mkdir()
        (tmp_path / name / "Containerfile").write_text(name, encoding="ascii")
    before = {name: images.image(name) for name in images.PARENTS}
    (tmp_path / "vps" / "Containerfile").chmod(0o755)
    assert images.image("vps") != before["vps"]
    assert images.image("shared") == before["shared"]
    (tmp_path / "common" / "Containerfile").write_text("changed", encoding="ascii")
    above = ["common", *(name for name, parent in images.PARENTS.items() if parent == "common")]
    assert {name for name in images.PARENTS if images.image(name) != before[name]} == set(above)


def test_a_fleet_whose_dates_are_no_longer_true_is_not_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manager, "podman", lambda *_: "running running")
    monkeypatch.setattr(Host, "answers", lambda _: True)
    now = dt.datetime.now(dt.UTC)
    host = {"name": "vps", "container": "c", "address": "192.0.2.1", "user": "laman", "facts": {}}
    for hours, whole in ((1, True), (13, False), (-2, False)):
        started = (now - dt.timedelta(hours=hours)).isoformat()
        state = {"images": {"vps": "a"}, "hosts": {"vps": host}, "started": started}
        assert manager.whole(state, {"vps": "a"}) is whole
        assert manager.whole(state, {"vps": "b"}) is False
