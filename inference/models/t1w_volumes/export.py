"""Makes bbox.onnx and mask.onnx from the weights in deepbet's wheel; needed only to make them again.

    python3.11 -m venv /tmp/export && cd /tmp/export
    bin/pip install torch onnx && bin/pip install --no-deps deepbet==1.0.2
    bin/python export.py FOLDER_FOR_THE_RESULT

Both networks take (1, 1, n, n, n) float32 and give two channels, of which the second is the probability of brain:
n is 128 for the one that finds the head's box and 256 for the one that finds the brain in it.
"""

import sys
import sysconfig
from pathlib import Path

import torch

NETWORKS = (("bbox_model.pt", "bbox.onnx", 128), ("model.pt", "mask.onnx", 256))


def main(target: Path) -> None:
    """Write both files into `target`."""
    weights = Path(sysconfig.get_path("purelib")) / "data" / "models"
    for source, name, size in NETWORKS:
        network = torch.jit.load(str(weights / source), map_location="cpu").eval()
        torch.onnx.export(
            network,
            (torch.zeros(1, 1, size, size, size),),
            str(target / name),
            input_names=["image"],
            output_names=["probability"],
            opset_version=17,
            dynamo=False,
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
