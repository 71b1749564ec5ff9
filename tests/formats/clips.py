"""Parsed clips to export: as parsing makes them, with any names, put together by loops."""

from hypothesis import strategies as st

from seehear.formats import REGISTRY, Clip
from seehear.formats.timecode import FrameRate
from seehear.parsing.clip import ParsedClip, ParsedEvent

ODD = [
    "Dog",
    "a\tb",
    "two\nlines",
    "carriage\rreturn",
    '"quoted", and more',
    "it's",
    "00:01.000 --> 00:02.000",
    "<b>bold</b> &amp; &lt;",
    "]]>",
    "heard: Dog",
    "NOTE",
    "\\alpha",
    " spaces ",
    "",
    "\x00",
    "\x01control",
    "line\u2028separator",
    "\ud800half",
    "\ufffe",
    "🐕 犬 Vögel",
    "كلب",
    "\u202eright to left",
    "{curly} %s %(x)s",
    "=1+1",
]
labels = st.sampled_from(ODD) | st.text(max_size=8)
plain = st.sampled_from(["Dog", "Cat", "Speech", "🐕 犬", "كلب", "A<b>&c;", "--> x", 'say "hi"', "it's"])
MODALITIES = [("audio", "visual"), ("audio", "visual"), ("visual",), ("audio", "touch"), ("audio", "visual", "touch")]
ONE = st.just("clip")
RATE = FrameRate.of(25)  # of the clips here, whose files don't exist


@st.composite
def parsed_clips(draw, of=plain, clip=ONE):
    """A clip of up to six segments and three classes: events are the longest runs, the joint ones where all are on."""
    modalities = draw(st.sampled_from(MODALITIES))
    classes = draw(st.lists(of, min_size=1, max_size=3, unique=True))
    segment = draw(st.sampled_from([1.0, 0.5, 0.96]))
    segments = draw(st.integers(1, 6))
    duration = round(segment * (segments - draw(st.sampled_from([0.0, 0.25, 0.5]))), 3)
    on = {
        (modality, label): draw(st.lists(st.booleans(), min_size=segments, max_size=segments))
        for modality in modalities
        for label in classes
    }
    names = modalities
    if len(modalities) > 1:
        names = (*modalities, "_".join(modalities))
        for label in classes:
            on[names[-1], label] = [all(on[modality, label][t] for modality in modalities) for t in range(segments)]
    confidence = st.integers(0, 10000).map(lambda n: n / 10000)
    events = []
    for (modality, label), active in on.items():
        for start in range(segments):
            if active[start] and (start == 0 or not active[start - 1]):
                stop = start
                while stop < segments and active[stop]:
                    stop += 1
                offset = min(stop * segment, duration)
                events.append(ParsedEvent(label, modality, start * segment, offset, draw(confidence)))
    name = draw(clip)
    return ParsedClip(name, f"clips/{name}.mp4", duration, segment, names, "global", tuple(events), {})


def clip_of(parsed, folder, true=False, rate=RATE):
    return Clip(parsed, tuple(sorted({event.label for event in parsed.events})), folder, true, rate)


def written(name, parsed, folder, true=False, rate=RATE):
    """The files that a format makes of a clip."""
    form = REGISTRY[name]
    files = []
    for file, content in form.join([form.encode(clip_of(parsed, folder, true, rate))]).items():
        files.append(folder / file)
        files[-1].write_bytes(content)
    return files


def event(label, modality, onset, offset, confidence=1.0):
    return ParsedEvent(label, modality, float(onset), float(offset), confidence)


def clip(*events, name="clip", modalities=("audio", "visual", "audio_visual"), truth=None, duration=10.0):
    return ParsedClip(name, f"clips/{name}.mp4", duration, 1.0, modalities, "global", events, {}, truth)


DOG = (event("Dog", "audio", 0, 5, 0.9312), event("Dog", "visual", 2, 3, 0.8), event("Dog", "audio_visual", 2, 3, 0.75))
