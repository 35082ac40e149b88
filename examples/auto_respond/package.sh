#!/bin/sh
# Writes build/respond.zip, the code of the function. `./package.sh -e ../..` or another argument of
# pip installs something else than the released package.
set -eu
cd "$(dirname "$0")"
rm -rf build
mkdir build
# For the function's Python and processor, whatever this machine has: orjson is compiled.
python3 -m pip install --quiet --target build/code \
    --platform manylinux2014_x86_64 --python-version 3.13 --only-binary=:all: \
    "${@:-flask-errwatch}"
cd build/code
find . -name __pycache__ -type d -prune -exec rm -rf {} +
python3 -m zipfile -c ../respond.zip ./*
