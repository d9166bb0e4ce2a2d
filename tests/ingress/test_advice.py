"""What is advised on files that cloudflared does not read."""

import pytest

from importing.other_files import advise_on_yaml, name_other_kind


@pytest.mark.parametrize("kind", ["ConfigMap", "Secret"])
def test_an_object_of_kubernetes_with_a_file_in_it_is_said_to_have_it_under_data(kind: str) -> None:
    said = name_other_kind({"apiVersion": "v1", "kind": kind, "metadata": {"name": "x"}})

    assert said == f"a Kubernetes {kind}: give what stands under `data`"


@pytest.mark.parametrize(("data", "told"), [(b"a: \xff\n", True), (b"a: \0\xff\n", False)])
def test_a_text_in_another_encoding_is_told_from_what_is_no_text(data: bytes, told: bool) -> None:
    assert (advise_on_yaml(data, 1) == "Save the file as UTF-8.") is told
