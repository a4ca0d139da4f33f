import subprocess
import sys


def _answer(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


def test_a_prepared_process_has_not_imported_torch_yet() -> None:
    assert (
        _answer(
            "import sys; from mlmodels.inference import runtime\n"
            "runtime.prepare_worker_process(1); print('torch' in sys.modules)"
        )
        == "False"
    )


def test_torch_imported_after_preparing_uses_the_threads_asked_for() -> None:
    assert (
        _answer(
            "from mlmodels.inference import runtime\n"
            "runtime.prepare_worker_process(1)\n"
            "import torch; print(torch.get_num_threads())"
        )
        == "1"
    )


def test_torch_imported_before_preparing_uses_the_threads_asked_for() -> None:
    assert (
        _answer(
            "import torch; from mlmodels.inference import runtime\n"
            "runtime.prepare_worker_process(1); print(torch.get_num_threads())"
        )
        == "1"
    )
