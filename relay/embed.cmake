# Writes a C file that holds the bytes of other files:
#     cmake -DOUT=page.c -DNAME=http_page -DIN=page.html -P embed.cmake
file(READ ${IN} hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "(................................................................................)"
  "\\1\n" bytes "${bytes}")
file(WRITE ${OUT} "#include <stddef.h>

extern const unsigned char ${NAME}_bytes[];
extern const size_t ${NAME}_len;

const unsigned char ${NAME}_bytes[] = {
${bytes}};
const size_t ${NAME}_len = sizeof ${NAME}_bytes;
")
