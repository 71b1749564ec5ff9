"""Label tables of LLP's form, small, and the real ones where they are."""

from pathlib import Path

import pytest

LLP = Path(__file__).parents[3] / "shared" / "llp"
needs_llp = pytest.mark.skipif(not LLP.is_dir(), reason="LLP's label tables are not on this machine")

CLASSES = ("Cat", "Dog", "Speech")
WEAK, DENSE = "filename\tevent_labels\n", "filename\tonset\toffset\tevent_labels\n"
TRAIN = ("_a-b_c-d_e-_20_30", "-1234567890_101.8_111.8", "abcdefghijk_0_10", "lmnopqrstuv_5_15")  # ids with _ and -
VAL = ("Val-______0_0_10", "Val-______1_3_13")
TEST = ("Test_-_-_-0_30_40",)


def write_tables(folder: Path) -> Path:
    """A data set of seven clips as LLP lays it out; the labels of a clip go by its place."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, clips in (("train", TRAIN), ("val_pd", VAL), ("test_pd", TEST)):
        rows = [f"{clip}\t{CLASSES[n % 3]},{CLASSES[(n + 1) % 3]}\n" for n, clip in enumerate(clips)]
        (folder / f"AVVP_{name}.csv").write_text(WEAK + "".join(rows))
    heard = [f"{VAL[0]}\t0\t10\tCat\n", f"{VAL[0]}\t2\t5\tDog\n", f"{VAL[1]}\t0\t3\tDog\n", f"{TEST[0]}\t1\t4\tCat\n"]
    seen = [f"{VAL[0]}\t0\t10\tCat\n", f"{VAL[1]}\t4\t6\tSpeech\n", f"{TEST[0]}\t1\t9\tDog\n"]
    (folder / "AVVP_eval_audio.csv").write_text(DENSE + "".join(heard))
    (folder / "AVVP_eval_visual.csv").write_text(DENSE + "".join(seen))
    return folder
