#!/bin/bash
# The example of the README, built as its reader would against an installed libshoal, shared and
# static, and run: shoal_library.sh SOURCE BUILD CC [SANITIZE]
set -eu
source=$1
build=$2
cc=$3
sanitize=${4:+-fsanitize=$4}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cmake --install "$build" --component libshoal --prefix "$folder/root" > "$folder/install.log"
cd "$folder"
export PKG_CONFIG_PATH=$folder/root/lib/pkgconfig LD_LIBRARY_PATH=$folder/root/lib
awk '/^```c$/ { on = 1; next } /^```$/ { on = 0 } on' "$source/README.md" > note.c
[ "$(wc -l < note.c)" -lt 60 ]

# Nothing but shoal_ is shown to strangers, and all that the header declares is there.
shown=$(grep -oE '^[a-z].*\bshoal_[a-z_]+\(' root/include/shoal.h | grep -v typedef | grep -oE 'shoal_[a-z_]+\(' | tr -d '(' | sort)
for library in libshoal.so libshoal.a; do
    flags=-g && [ $library = libshoal.a ] || flags=-D
    symbols=$(nm $flags --defined-only "root/lib/$library" | awk '$2 == "T" { print $3 }' | sort)
    [ "$symbols" = "$shown" ] || { echo "$library:" && diff <(echo "$shown") <(echo "$symbols"); exit 1; }
    others=$(nm $flags --defined-only "root/lib/$library" | awk 'NF == 3 && $2 != "T"')
    [ -z "$others" ] || { echo "$library also shows $others"; exit 1; }
done

warn='-Wall -Wextra -Wno-missing-field-initializers -Werror'
$cc $sanitize $warn -o note note.c $(pkg-config --cflags --libs shoal)
$cc $sanitize $warn -o note_static note.c $(pkg-config --cflags shoal) root/lib/libshoal.a \
    $(pkg-config --libs --static shoal | sed 's/-lshoal //')
for note in note note_static; do
    got=$(./$note $note.store)
    want='"state":{"counters":{"eaten":2},"fields":{"title":"Fish"},"sets":{"tags":["sea"]},"type":"note"}}'
    [[ $got == *"$want" ]] || { echo "$note: $got"; exit 1; }
done
ldd note | grep -q libshoal.so.0
if ldd note_static | grep libshoal; then exit 1; fi

# The header stands alone, also in C++ where there is a compiler for it.
echo '#include <shoal.h>' > alone.c
$cc -std=c11 -Wpedantic -Wstrict-prototypes $warn -fsyntax-only $(pkg-config --cflags shoal) alone.c
if command -v c++ > /dev/null; then
    c++ -Wall -Werror -fsyntax-only $(pkg-config --cflags shoal) -x c++ alone.c
fi

# The command line finds what the library made.
got=$(SHOAL_HOME=$folder/note.store "$build/client/shoal" find fish)
[[ $got == *'"type":"note"'* ]] || { echo "found: $got"; exit 1; }
