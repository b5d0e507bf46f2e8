"""The data folder: who holds it, and what is in it."""

from pathlib import Path

import pytest

from campaigns_app.config import load_config
from campaigns_app.errors import CannotStart
from campaigns_app.operations.data_folder import DataFolder
from campaigns_app.operations.installation import complete_environ


def test_a_second_holder_is_refused_and_told_of_the_first(tmp_path: Path) -> None:
    with DataFolder(tmp_path), pytest.raises(CannotStart, match=r"in use by process \d+"):
        DataFolder(tmp_path).__enter__()


def test_a_folder_given_back_can_be_held_again(tmp_path: Path) -> None:
    with DataFolder(tmp_path):
        pass

    with DataFolder(tmp_path) as folder:
        assert folder.path == tmp_path


def test_a_path_that_is_a_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(CannotStart, match="Name another one with --data"):
        DataFolder(tmp_path / "file").__enter__()


@pytest.mark.parametrize("kind", ["secret_key", "encryption_key"])
def test_a_key_stays_the_same_and_is_the_owners(tmp_path: Path, kind: str) -> None:
    key = getattr(DataFolder(tmp_path), kind)()

    assert getattr(DataFolder(tmp_path), kind)() == key
    assert (tmp_path / kind.replace("_", "-")).stat().st_mode & 0o777 == 0o600


def test_the_encryption_key_is_one_that_the_application_takes(tmp_path: Path) -> None:
    environ = complete_environ({}, DataFolder(tmp_path), None, "http://127.0.0.1:8000")

    config = load_config(environ | {"REDIS_URL": "redis://queue"})

    assert config["ENCRYPTION_KEYS"] == (DataFolder(tmp_path).encryption_key(),)


def test_two_installations_have_different_secret_keys(tmp_path: Path) -> None:
    with DataFolder(tmp_path / "a") as one, DataFolder(tmp_path / "b") as other:
        assert one.secret_key() != other.secret_key()


def test_emptying_leaves_nothing_but_the_lock(tmp_path: Path) -> None:
    with DataFolder(tmp_path) as folder:
        folder.secret_key()
        (tmp_path / "valkey").mkdir()
        folder.empty()

    assert [path.name for path in tmp_path.iterdir()] == ["lock"]
