#!/bin/sh
# The main job on the clips beside this file, with the same commands that you would use for your own.
set -eu
cd "$(dirname "$0")/.."
out=demo/out

run() {
    echo
    echo "\$ $*"
    "$@"
}

echo "These clips are made of real photographs that a virtual camera moves over, and of real recordings mixed with others."
echo "They show that every step works here. They do not show how well seehear parses real video."

echo
echo "First, without any training: what pretrained networks hear and see in a video, in words that you choose."
run seehear parse demo/long.mp4 --classes "Speech,Music,Bird,Dog,Livestock,Vehicle,Water,Fish" \
    --out $out/untrained --dense-audio demo/long_audio.csv --dense-visual demo/long_visual.csv

echo
echo "Then with training, from 96 clips of which only the classes are known."
run seehear extract demo/clips --fps 2 --store $out/store \
    --networks yamnet,aisfx,efficientnet-lite0,open-nsfw
run seehear train --store $out/store --out $out/run \
    --collocation audio=yamnet+aisfx visual=efficientnet-lite0+open-nsfw \
    --labels demo/train.csv --val demo/val.csv \
    --dense-audio demo/eval_audio.csv --dense-visual demo/eval_visual.csv
run seehear evaluate $out/run --store $out/store --labels demo/test.csv --clips demo/clips --out $out/evaluation \
    --untrained --dense-audio demo/eval_audio.csv --dense-visual demo/eval_visual.csv
run seehear parse $out/run demo/clips/test_00*.mp4 --out $out/parsed \
    --dense-audio demo/eval_audio.csv --dense-visual demo/eval_visual.csv
run seehear parse $out/run demo/long.mp4 --out $out/parsed-long \
    --dense-audio demo/long_audio.csv --dense-visual demo/long_visual.csv

echo
echo "What training adds is in the scores above: the column 'untrained parse' is what the networks know by themselves."
echo "Model: $out/run    Scores: $out/evaluation/evaluation.html    Parsed clips: $out/parsed/index.html"
echo "Next, look at a video that was not used for training: open $out/parsed-long/long.html in a browser (or long.png),"
echo "or run: .venv/bin/seehear view $out"
