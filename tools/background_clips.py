"""What is heard and seen in the background clips that tools/background.py makes, and what they are labelled with.

A source is named as in demo/sources.py. src/seehear/background/SOURCES.md lists authors and licences. Labels are words
of seehear.vocabulary: all that is truly heard or seen, so that no instance of a class counts as a false alarm.
"""

from __future__ import annotations

from dataclasses import dataclass

from sources import BIRDS, CATEGORIES, ERASE, FARM, FAUNA, MUSIC, PEOPLE, VEHICLES, WATER, WEATHER, WORLD

SCRATCH = "scratch:Sounds/"
PLACES = "scratch:Backgrounds/"
ANIMALS = "scratch:Costumes/Animals/"
FANTASY = "scratch:Costumes/Fantasy/"
THINGS = "scratch:Costumes/Things/"
MONUMENTS = "gcompris:explore_monuments/resource/"
SEA = "gcompris:clickgame/resource/"
WORK = "0ad:audio/resource/"
TOWNS = "0ad:audio/ambient/building/amb_"
SONGS = "0ad:audio/music/"


@dataclass(frozen=True)
class Seen:
    """Photographs of one kind, up to ten. Fewer are repeated, each time as another part of them."""

    labels: str
    sources: list[str]


def each(before: str, names: str, after: str = "") -> list[str]:
    """One source for each of the names, which have spaces between."""
    return [f"{before}{name}{after}" for name in names.split()]


def number(numbers: str) -> list[str]:
    """Sounds of OpenSFX by their numbers."""
    return each("opensfx:", numbers)


SEEN = {
    "wonders": Seen(
        "Structure,Geological formation",
        each(f"{MONUMENTS}wonders/", "chichenItza christTheRedeemer colosseum greatWallofChina machuPicchu", ".webp")
        + each(f"{MONUMENTS}wonders/", "petra tajMahal", ".webp")
        + each(f"{MONUMENTS}egypt/", "bentPyramid meidumPyramid redPyramid", ".webp"),
    ),
    "india": Seen(
        "Structure,Geological formation",
        each(f"{MONUMENTS}india/", "ajantaCave charminar gatewayofIndia goldenTemple greatStupa hawaMahal", ".webp")
        + each(f"{MONUMENTS}india/", "konarkSunTemple mysorePalace qutubMinar rangGhar", ".webp"),
    ),
    "france": Seen(
        "Structure",
        each(f"{MONUMENTS}france/", "arlesAmphitheater chateaudeChambord citedeCarcassonne eiffelTower", ".webp")
        + each(f"{MONUMENTS}france/", "montStMichel palaisdesPapes pontduGard reimsCathedral rocamadour", ".webp")
        + ["gcompris:details/resource/image/EgeskovSlotSpejling_background.webp"],
    ),
    "germany": Seen(
        "Structure",
        each(f"{MONUMENTS}germany/", "berlinCathedral brandenburgGate neuschwansteinCastle schwerinPalace", ".webp")
        + each(f"{MONUMENTS}germany/", "trierImperialBaths wormsCathedral", ".webp")
        + each(f"{MONUMENTS}usa/", "fortSumter georgeWashingtonBirthplace lincolnMemorial statueofLiberty", ".webp"),
    ),
    "west": Seen(
        "Structure,Geological formation",
        each(f"{MONUMENTS}usa/", "cabrillo canyondeChelly castillodeSanMarcos mountRushmore navajo", ".webp")
        + each(f"{PLACES}Nature/", "canyon grand-canyon hill", ".jpg")
        + each(f"{CATEGORIES}monuments/", "mountRushmore greatWall", ".webp"),
    ),
    "monuments": Seen(
        "Structure",
        each(f"{CATEGORIES}monuments/", "IndiaGate arcDeTriomphe bayterek brandenburgGate burj cathedral", ".webp")
        + each(f"{CATEGORIES}monuments/", "eiffelTower empireState greatPyramid jucheTower", ".webp"),
    ),
    "towers": Seen(
        "Structure",
        each(f"{CATEGORIES}monuments/", "kutubMinar leMusee leaningTowerOfPisa monument1 monument2 monument3", ".webp")
        + each(f"{CATEGORIES}monuments/", "operaHouse parthenon statueOfLiberty usCapitol", ".webp"),
    ),
    "hammers": Seen("Implement,Device", each(f"{CATEGORIES}tools/hammer", "1 2 3 4 5 6 7 8 9", ".webp")),
    "tools": Seen(
        "Implement,Device",
        each(f"{CATEGORIES}tools/", "cuttingTool nailCutter plier1 plier2 plier3 plier4 screwDriver1", ".webp")
        + each(f"{CATEGORIES}tools/", "screwDriver2 wrench wrench1", ".webp"),
    ),
    "scissors": Seen(
        "Implement,Device,Bottle",
        each(f"{CATEGORIES}tools/", "scissors1 scissors2 scissors3 scissors4 sickle sideCutter1 spray", ".webp")
        + each(f"{CATEGORIES}tools/", "tweezer tweezer1 screwDriver3", ".webp"),
    ),
    "measures": Seen(
        "Implement,Device,Equipment",
        each(f"{CATEGORIES}tools/measuringTape", "1 2 3 4 5 6", ".webp")
        + each(f"{CATEGORIES}tools/multimeter", "1 2 3", ".webp")
        + [f"{CATEGORIES}others/weighingMachine.webp"],
    ),
    "household": Seen(
        "Implement,Container,Furniture,Tableware,Equipment,Device,Cloth covering",
        each(f"{CATEGORIES}others/", "baseball bucket buffetset bulb chair cup pan pillow plate spoons", ".webp"),
    ),
    "desk": Seen(
        "Implement,Device,Equipment,Screen,Structure,Lamp,Food,Container,Scoreboard",
        each(f"{CATEGORIES}others/", "blackslate erasers knife pencil volleyball", ".webp")
        + each(THINGS, "fire-hydrant.gif scoreboard.gif lego.gif manhole.png lamp.gif"),
    ),
    "food": Seen(
        "Food,Container,Flower,Ball,Umbrella,Structure,Fruit,Wig",
        each(THINGS, "fruit_platter.gif fortune_cookie.gif cheesy-puffs.gif flower-vase.gif umbrella.gif")
        + each(THINGS, "tennisball.png palmtree.gif trampoline.gif marble-building.gif hair1.gif"),
    ),
    "energy": Seen(
        "Structure,Device,Geological formation",
        [
            *each(
                f"{CATEGORIES}renewable/", "solar1 solar2 solar3 solar4 solar5 solar6 solar7 solar8 geothermal", ".webp"
            ),
            f"{CATEGORIES}renewable/dam1.webp",
        ],
    ),
    "mills": Seen("", each(f"{CATEGORIES}renewable/windmill", "4 5 7 8 9 11 12 13 14 15", ".webp")),
    "rivers": Seen(
        "Structure,Geological formation",
        each(f"{CATEGORIES}renewable/dam", "2 3 4 5", ".webp")
        + each(f"{PLACES}Nature/", "wave lake water-and-rocks beach-malibu", ".jpg")
        + each(f"{PLACES}Outdoors/", "boardwalk city-with-water2", ".jpg"),
    ),
    "fish": Seen("Fish,Coral reef", each(f"{CATEGORIES}fishes/fish", "1 3 4 5 6 8 9 10 12 13", ".webp")),
    "shoals": Seen("Fish,Coral reef", each(f"{CATEGORIES}fishes/fish", "7 11 14 15 16 17 18 19 20 21", ".webp")),
    "reefs": Seen(
        "Fish,Coral reef,Whale",
        each(f"{CATEGORIES}fishes/fish", "22 23 25 27 28", ".webp")
        + each(f"{SEA}sea", "1 2 3 5", ".webp")
        + [f"{ERASE}dolphin.webp"],
    ),
    "birds": Seen(
        "Bird",
        [
            *each(ERASE, "heron kingfisher spoonbills swans northern_harrier toucan", ".webp"),
            f"{FARM}owl.webp",
            f"{WORLD}scarlet_macaw.webp",
            f"{ERASE}penguin.webp",
            f"{ANIMALS}bird-flying.gif",
        ],
    ),
    "poultry": Seen("Bird", [f"{FARM}chicken.webp", f"{FARM}duck.webp", f"{ERASE}gosling.webp"]),
    "herds": Seen(
        "Ungulate,Horse,Cattle",
        each(FARM, "cow horse pig sheep", ".webp")
        + each(ERASE, "alpaca calf goat horse", ".webp")
        + [f"{WORLD}bison.webp", f"{ANIMALS}cow1.gif"],
    ),
    "grazers": Seen(
        "Ungulate,Elephant,Kangaroo",
        each(ERASE, "camels nubian_ibex giraffe rhinoceros", ".webp")
        + each(WORLD, "giraffe moose kangaroo", ".webp")
        + each(ANIMALS, "buffalo1.gif elephant.gif"),
    ),
    "cats": Seen(
        "Cat,Big cat,Bear,Meerkat,Dog",
        each(ERASE, "kitten cheetah meerkats red_panda", ".webp")
        + each(WORLD, "jaguar panda polar_bear", ".webp")
        + [f"{FARM}cat.webp", f"{FARM}dog.webp"],
    ),
    "artists": Seen(
        "Clothing,Footwear",
        each(PEOPLE, "cassy-dancing-1 cassy-dancing-4 mako-screaming dan2 dan3 dan5 calvrett-jumping", ".gif")
        + each(PEOPLE, "anjuli-2 anjuli-4 marissa-crouching", ".gif"),
    ),
    "children drawn": Seen(
        "Clothing,Footwear",
        each(PEOPLE, "girl1-walking.gif girl3-running.gif girl4-sitting.gif boy1-walking.gif boy3.gif")
        + each(PEOPLE, "breakdancer-1.gif boy4-laughing.gif girl2-shouting.gif womanbun.png boycurly.png"),
    ),
    "monsters": Seen(
        "",
        [
            *each(FANTASY, "fantasy1-a fantasy10 fantasy12 fantasy2 fantasy4 dragon1-a ghost1 ghoul1-a troll1", ".png"),
            f"{FANTASY}unicorn1.png",
        ],
    ),
    "small animals drawn": Seen(
        "Animal",
        each(ANIMALS, "bee1.gif butterfly3.png cat3.png dinosaur1.png dog1-a.png elephant1-a.png fish1-a.gif")
        + each(ANIMALS, "fox1.png giraffe1-a.gif grasshopper1.gif"),
    ),
    "wild animals drawn": Seen(
        "Animal",
        each(ANIMALS, "lion1-a.png monkey1.png mouse1.png octopus1-a.png parrot1-b.png rabbit1.png shark1-a.png")
        + each(ANIMALS, "whale1.gif zebra1.png hippo1.png"),
    ),
    "towns": Seen(
        "Structure,Furniture",
        [
            *each(f"{PLACES}Outdoors/", "berkeley-mural.jpg mural-faro.jpg night-city.gif school1.gif school2.jpg"),
            f"{PLACES}Outdoors/train-tracks3.gif",
            f"{PLACES}Sports/basketball-court2.png",
            *each(f"{PLACES}Indoors/", "party-room.jpg room2.jpg bedroom2.gif"),
        ],
    ),
    "sights": Seen(
        "Structure",
        each(f"{CATEGORIES}monuments/", "christTheRedeemer colosseum tajMahal victoriaMemorial zimniPalace", ".webp")
        + each(f"{CATEGORIES}renewable/", "windmill windmill1 windmill2 windmill3", ".webp")
        + [f"{CATEGORIES}others/igloo.webp"],
    ),
    "apes": Seen(
        "Primate,Rodent,Koala,Hedgehog",
        each(ERASE, "gibbon gorilla long_nosed_monkey macaque squirrel pika flying_fox", ".webp")
        + each(WORLD, "lemur koala hedgehog", ".webp"),
    ),
    "small": Seen(
        "Insect,Reptile,Crab,Rodent,Flower",
        each(ERASE, "bee butterfly caterpillar chamaeleon crab", ".webp")
        + each(WORLD, "chameleon crocodile dragon", ".webp")
        + each(ANIMALS, "insect1-a.gif squirrel1.png"),
    ),
    "traffic": Seen(
        "Vehicle",
        each(VEHICLES, "airplane.gif bike.gif bus.gif car-blue.gif car-bug.gif car-cow.gif sail-boat.gif yacht.gif")
        + each(VEHICLES, "street-cleaner-mit.png tug-boat.gif"),
    ),
    "people": Seen(
        "Clothing,Footwear",
        each(PEOPLE, "amon1 anjuli-1 anna-1 breakdancer1 calvrett cassy-chillin chamak1 dan1 ed jodi1", ".gif"),
    ),
    "visitors": Seen(
        "Clothing,Footwear",
        [
            *each(
                PEOPLE, "anjuli-5 anna-3 breakdancer2 calvrett-thinking cassy-phone-1 dan4 jay jodi2 lee-fan", ".gif"
            ),
            f"{PEOPLE}mako-laughing.gif",
        ],
    ),
    "sportsmen": Seen(
        "Clothing,Footwear,Ballplayer",
        each(PEOPLE, "football-run football-stand referee1 referee2 breakdancer3 cassy-jumping-1 dan6", ".gif")
        + each(PEOPLE, "marissa nathan nina1", ".gif"),
    ),
    "dancers": Seen(
        "Clothing,Footwear",
        each(PEOPLE, "chamak2 ribbon-dancer thai-dancer thai-dancer2 paul1 sam mako-stop marissa-sitting", ".gif")
        + each(PEOPLE, "cassy-dancing-2 anjuli-3", ".gif"),
    ),
    "stages": Seen(
        "Musical instrument,Stage,Curtain,Clothing,Structure",
        each(MUSIC, "africa america australia ireland italy japan mexico middleeast orchestra", ".webp"),
    ),
    "drawings": Seen(
        "",
        each(FANTASY, "fairy.png gobo1.gif knight1.png monster1-a.png robot1.png robot3.gif snowman1.png witch1.png")
        + each(FANTASY, "sun.gif fantasy8.png"),
    ),
    "animals drawn": Seen(
        "Animal",
        each(ANIMALS, "bat1-a.png butterfly2.png cat1-a.gif crab1-a.png dog2-a.png duck1.png fish3.png frog1.gif")
        + each(ANIMALS, "horse1-a.png parrot1-a.png"),
    ),
    "people drawn": Seen(
        "Clothing,Footwear",
        each(PEOPLE, "ballerina-a.png boy2.gif boy4-walking-a.gif girl2-standing.gif girl5.gif prince1.png")
        + each(PEOPLE, "princess1.png roundman.png singer1.png womanwaving.png"),
    ),
    "rooms": Seen(
        "Structure,Furniture,Home appliance,Screen,Curtain,Clothing",
        [
            *each(f"{PLACES}Indoors/", "chalkboard clothing-store hall kitchen room1 room3 the-movies-inside", ".jpg"),
            f"{PLACES}Outdoors/hallway_outdoors.jpg",
            f"{PLACES}Indoors/bedroom1.gif",
            f"{THINGS}lamp.gif",
        ],
    ),
    "nature": Seen(
        "Geological formation,Flower,Structure",
        each(f"{PLACES}Nature/", "flower-bed.jpg flowers.gif forest.jpg garden-rock.jpg gravel-desert.jpg moon.jpg")
        + each(f"{PLACES}Nature/", "pathway.jpg tree.jpg woods.gif desert.gif"),
    ),
    "streets": Seen(
        "Structure",
        each(f"{PLACES}Outdoors/", "brick-wall-and-stairs brick-wall1 brick-wall2 building-at-mit", ".jpg")
        + each(f"{PLACES}Outdoors/", "building-fireproof castle driveway graffiti houses parking-ramp", ".jpg"),
    ),
    "country": Seen(
        "Structure,Hay",
        each(f"{PLACES}Outdoors/", "hay_field mansion route66 silos train-tracks1 train-tracks2 village", ".jpg")
        + each(f"{PLACES}Outdoors/", "wooden-house bench-with-view city-with-water", ".jpg"),
    ),
    "sports": Seen(
        "Structure,Ballplayer,Scoreboard,Equipment",
        each(f"{PLACES}Sports/", "baseball-field basketball-court1-a basketball-court1-b football-field", ".jpg")
        + each(f"{PLACES}Sports/", "playing-field tennis-backboard", ".jpg")
        + each(f"{PLACES}Outdoors/", "atom-playground pool the-movies all-sports-mural", ".jpg"),
    ),
}


# Photographs in which no class fills the frame: figures that were cut out of others stand before them.
MEADOWS = [
    *each(f"{PLACES}Nature/", "flower-bed forest garden-rock gravel-desert lake tree", ".jpg"),
    *each(f"{PLACES}Outdoors/", "brick-wall1 brick-wall2", ".jpg"),
    *each(f"{PLACES}Sports/", "playing-field tennis-backboard", ".jpg"),
]


def voices(names: str) -> list[str]:
    """The civilians of 0 A.D., who speak the languages named."""
    return each("0ad:audio/voice/", names, "/civ/civ_*male_*.ogg")


# Music is labelled with its instruments, so that it is background for other instruments.
# Name -> labels of what is heard, recordings, what is seen.
CLIPS: dict[str, tuple[str, list[str], str]] = {
    "speech-1": ("Speech", ["asterisk:e*_f_Allison/vm-*.g722", "asterisk:it_IT_m_Carlo/vm-*.g722"], "people"),
    "speech-2": ("Speech", ["asterisk:fr_CA_f_June/vm-*.g722", "asterisk:ru*/vm-*.g722"], "visitors"),
    "speech-3": ("Speech", voices("greek latin"), "sportsmen"),
    "speech-4": ("Speech", voices("napatan persian"), "dancers"),
    "crowd": (
        "Speech,Crowd,Applause,Cheering,Animal,Hubbub",
        [f"{SCRATCH}Human/PartyNoise.wav", *number("29"), *each(TOWNS, "trade_10 trade_12", ".ogg")],
        "stages",
    ),
    "laughter": (
        "Laughter,Speech",
        each(f"{SCRATCH}Human/", "Laugh-female.wav Laugh-male1.wav Laugh-male2.wav Laugh-male3.mp3"),
        "people drawn",
    ),
    "coughs": (
        "Cough,Sneeze,Throat clearing,Burping,Sniff,Chewing",
        each(f"{SCRATCH}Human/", "Cough-female.wav Cough-male.wav Sneeze-female.wav Sneeze-male.wav Slurp.mp3"),
        "hammers",
    ),
    "cries": (
        "Crying,Screaming,Shout,Babbling,Groan",
        each(f"{SCRATCH}Human/", "BabyCry.mp3 Scream-female.wav Scream-male1.wav Scream-male2.mp3"),
        "desk",
    ),
    "singing": (
        "Singing,Opera,Beatboxing,Speech",
        each(f"{SCRATCH}Vocals/", "Singer1.wav Singer2.wav Hey-yay-hey.mp3 Oooo-badada.mp3 Sing-me-a-song.mp3"),
        "artists",
    ),
    "steps": (
        "Walk,Hands,Clapping,Run",
        [*each(f"{SCRATCH}Human/", "Footsteps-1.wav Footsteps-2.mp3 FingerSnap.wav"), f"{WORK}farming/hoe_1*.ogg"],
        "people",
    ),
    "dogs": (
        "Dog,Canidae",
        ["ovos:dog.mp3", f"{SCRATCH}Animal/Dog1.wav", "0ad:audio/voice/global/civ_dog_*.ogg"],
        "children drawn",
    ),
    "wolves": ("Wolf,Howl", [f"{SCRATCH}Animal/WolfHowl.wav", "megaglest:winter/sounds/wolf.wav"], "streets"),
    "cats": ("Cat", ["ovos:cat.mp3", *each(f"{SCRATCH}Animal/", "Cat.mp3 Kitten.wav Meow.wav")], "cats"),
    "poultry": (
        "Chicken,Fowl,Duck,Goose",
        ["ovos:rooster.mp3", "ovos:duck.mp3", "megaglest:winter/sounds/chicken.wav", f"{SCRATCH}Animal/Goose.wav"],
        "poultry",
    ),
    "roosters": (
        "Chicken,Fowl,Goose",
        [f"{SCRATCH}Animal/Rooster.wav", "megaglest:autumn/sounds/rooster.ogg", f"{FAUNA}animal/flamingo_10.ogg"],
        "tools",
    ),
    "birds-1": ("Bird", each(BIRDS, "temperate_11 temperate_gen_01", ".ogg"), "birds"),
    "birds-2": (
        "Bird,Frog,Insect",
        [f"{BIRDS}tropical_10.ogg", "megaglest:mediterran/sounds/desertday.ogg", *number("66 72")],
        "nature",
    ),
    "birds-3": ("Bird", ["megaglest:autumn/sounds/sunny_day.ogg", "megaglest:spring/sounds/night.ogg"], "birds"),
    "owls": (
        "Bird,Owl,Crow,Pigeon",
        ["megaglest:autumn/sounds/owl.ogg", "ovos:owl.mp3", "sonicpi:misc_crow.flac", f"{SCRATCH}Animal/Owl.wav"],
        "france",
    ),
    "horses": (
        "Horse,Clip-clop",
        [*each(f"{SCRATCH}Animal/", "Horse.wav HorseGallop.wav"), "ovos:horse.mp3", *number("38")],
        "herds",
    ),
    "cattle": (
        "Cattle,Goat,Sheep",
        ["ovos:cow.mp3", f"{FAUNA}animal/cattle_0*.ogg", f"{FAUNA}death/goat_1*.ogg", f"{FAUNA}animal/sheep_1*.ogg"],
        "herds",
    ),
    "farm": ("Livestock,Animal", each(TOWNS, "farm_10 farm_11", ".ogg"), "animals drawn"),
    "pigs": ("Pig,Animal", ["ovos:pig.mp3", f"{FAUNA}animal/pig_1*.ogg", f"{FAUNA}animal/camel_10.ogg"], "grazers"),
    "beasts": (
        "Roar,Roaring cats,Animal",
        [f"{FAUNA}animal/lion_*.ogg", f"{FAUNA}animal/elephant_*.ogg", *number("67 68")],
        "apes",
    ),
    "frogs": ("Frog", ["ovos:frog.mp3", f"{SCRATCH}Effects/Rattle.wav"], "small"),
    "insects": (
        "Insect,Frog",
        [f"{SCRATCH}Animal/Cricket.wav", f"{SCRATCH}Animal/Crickets.wav", "megaglest:desert4/sounds/night.ogg"],
        "small animals drawn",
    ),
    "night": (
        "Insect,Frog,Bird,Animal",
        each("megaglest:", "dark_forest jungle autumn", "/sounds/night*.ogg"),
        "wild animals drawn",
    ),
    "port": ("Animal,Speech,Water,Boat", each(TOWNS, "port_10 port_21", ".ogg"), "traffic"),
    "rain": (
        "Rain,Water,Thunderstorm",
        ["megaglest:jungle/sounds/rain.ogg", "megaglest:autumn/sounds/rain.ogg"],
        "india",
    ),
    "thunder": ("Thunderstorm,Rain,Water", each(WEATHER, "thunder_10 thunder_11", ".ogg"), "wonders"),
    "wind-1": ("Wind,Rustle", each(WEATHER, "windstorm_11 windleaves_10", ".ogg"), "mills"),
    "wind-2": ("Wind", ["megaglest:winter/sounds/wind.ogg", *number("52"), f"{WEATHER}snowstorm_11.ogg"], "country"),
    "streams": ("Water,Liquid", each(WATER, "river_slow_21 river_fast_21", ".ogg"), "rivers"),
    "falls": ("Water,Liquid,Rain", [f"{WATER}waterfall_31.ogg", f"{WEATHER}rain_11.ogg"], "reefs"),
    "waves": ("Water,Wind,Rustle", each(WATER, "wave_21 waverocky_21 wavecrash_21", ".ogg"), "shoals"),
    "drops": (
        "Water,Liquid",
        each(f"{SCRATCH}Effects/", "Bubbles.wav Ripples.wav WaterRunning.mp3 Plunge.wav") + number("51"),
        "fish",
    ),
    "cars": (
        "Vehicle,Engine",
        [f"{SCRATCH}Effects/CarPassing.wav", *number("25 27 28"), "sonicpi:loop_3d_printer.flac"],
        "traffic",
    ),
    "trains": ("Vehicle,Engine,Whistle,Steam,Alarm,Bell", number("3 4 10 14 71"), "sports"),
    "aircraft": ("Vehicle,Engine", number("8 9 24 59"), "towers"),
    "horns": ("Vehicle,Alarm,Engine", [*number("6 7 35 26"), f"{SCRATCH}Effects/MotorcyclePassing.wav"], "germany"),
    "machines": (
        "Tool,Jackhammer,Chainsaw,Sawing,Engine,Power tool,Mechanisms",
        number("33 40 56 11"),
        "energy",
    ),
    "office": (
        "Typing,Mechanisms,Cash register,Beep,Alarm",
        [*each(f"{SCRATCH}Effects/", "SewingMachine.mp3 Typing.mp3"), *number("20 22")],
        "measures",
    ),
    "work": (
        "Tool,Wood,Hammer,Sawing,Door,Knock,Rub,Filing",
        each(
            WORK,
            "construction/con_saw_* lumbering/lumber_treeexpire_0* lumbering/lumber_tree_0* mining/mine_stone_0*",
            ".ogg",
        ),
        "tools",
    ),
    "metal": (
        "Glass,Tool,Hammer,Bell,Breaking,Cowbell",
        [f"{WORK}mining/mine_metal_0*.ogg", *number("39 2 48")],
        "scissors",
    ),
    "leaves": (
        "Crackle,Crumpling,Crunch,Rustle,Tearing,Wood,Crack",
        each(
            WORK,
            "foraging/leaves_* gathering/gather_meat_0* gathering/gather_fruit_0* gathering/gather_field_0*",
            ".ogg",
        ),
        "household",
    ),
    "crashes": (
        "Explosion,Thump,Crack,Breaking,Wood",
        number("15 17 18 54 55"),
        "west",
    ),
    "doors": (
        "Door,Wood,Thump,Squeak,Typing",
        [*each(f"{SCRATCH}Effects/", "DoorClose.mp3 DoorCreak.wav BalloonScratch.mp3"), "sonicpi:perc_door.flac"],
        "rooms",
    ),
    "bells": (
        "Bell,Gong,Percussion",
        [
            f"{SCRATCH}Effects/BellToll.wav",
            *each(f"{SCRATCH}Percussion/", "Gong.wav CymbalCrash.wav"),
            "sonicpi:perc_bell.flac",
        ],
        "monuments",
    ),
    "noise": (
        "Noise,Steam,Water,Hiss,Hum",
        [*each("sonicpi:", "vinyl_hiss ambi_sauna ambi_lunar_land", ".flac"), *number("12 13")],
        "drawings",
    ),
    "electronic": (
        "Sound effect,Electronic music,Keyboard (musical),Alarm,Beep,Boing,Whoosh",
        [*each(f"{SCRATCH}Electronic/", "AlienCreak1.wav ComputerBeeps2.wav SpaceRipple.wav Whoop.wav"), *number("43")],
        "monsters",
    ),
    "orchestra": (
        "Orchestra,Brass instrument,Wind instrument,Plucked string instrument,Bowed string instrument,Percussion",
        each(SONGS, "Calm_Before_the_Storm Cisalpine_Gaul", ".ogg"),
        "stages",
    ),
    "strings": (
        "Plucked string instrument,Harp,Bowed string instrument,Percussion",
        each(SONGS, "Eastern_Dreams As_Seasons_Change", ".ogg"),
        "food",
    ),
    "drums": (
        "Percussion",
        [f"{SONGS}Taiko_2.ogg", "sonicpi:loop_amen_full.flac", "sonicpi:loop_tabla.flac"],
        "monuments",
    ),
    "folk": (
        "Percussion,Rock music,Guitar,Bass guitar,Violin,Bowed string instrument,Keyboard (musical)",
        each(MUSIC, "africa america ireland", ".ogg"),
        "country",
    ),
    "didgeridoo": (
        "Didgeridoo,Brass instrument,Percussion",
        [*each(MUSIC, "australia japan", ".ogg"), f"{SCRATCH}Instruments/Trumpet1.wav"],
        "sights",
    ),
    "guitars": (
        "Guitar,Percussion,Wind instrument",
        [*each(f"{SCRATCH}Music Loops/", "GuitarChords1.mp3 Xylo1.mp3 Medieval2.mp3"), "sonicpi:guit_e_fifths.flac"],
        "dancers",
    ),
    "electronica": (
        "Electronic music,Synthesizer,Sampler,Percussion",
        ["opsound:reno_project-system.wav", f"{SCRATCH}Music Loops/Techno.mp3", "sonicpi:loop_garzul.flac"],
        "sportsmen",
    ),
    "lounge": (
        "Plucked string instrument,Keyboard (musical),Electronic music,Percussion",
        each("opsound:", "manolo_camp-morning_coffee macroform-the_simplicity", ".wav"),
        "towns",
    ),
    "drones": (
        "Choir,Singing,Singing bowl,Bell,Theremin,Ambient music,Keyboard (musical)",
        each("sonicpi:", "ambi_haunted_hum ambi_choir ambi_glass_hum ambi_drone", ".flac"),
        "mills",
    ),
}
