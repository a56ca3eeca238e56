# cmake -DOUT=file.c [-DFOLDER=node -DHEADER=gpu/migration_steps.h -DNOUN=migration] -P embed.cmake:
# every NNNN_name.sql of this folder, or of FOLDER in it, as bytes in one C file.
if(NOT DEFINED NOUN)
  set(FOLDER .)
  set(HEADER relay/schema_steps.h)
  set(NOUN schema)
endif()
file(GLOB steps ${CMAKE_CURRENT_LIST_DIR}/${FOLDER}/[0-9][0-9][0-9][0-9]_*.sql)
list(SORT steps)
set(arrays "")
set(table "")
set(expected 1)
foreach(step ${steps})
  get_filename_component(name ${step} NAME_WE)
  string(REGEX MATCH "^0*([0-9]+)_" unused ${name})
  set(number ${CMAKE_MATCH_1})
  if(NOT number EQUAL expected)
    message(FATAL_ERROR "sql/${name}.sql: expected number ${expected}")
  endif()
  math(EXPR expected "${expected} + 1")
  file(READ ${step} bytes HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
  string(APPEND arrays "static const unsigned char sql_${number}[] = {${bytes}0};\n")
  string(APPEND table "    {${number}, \"${name}\", (const char *)sql_${number}},\n")
endforeach()
file(WRITE ${OUT} "/* Made from sql/ at build. */
#include \"${HEADER}\"

${arrays}
const struct ${NOUN}_step ${NOUN}_steps[] = {
${table}};

const int ${NOUN}_step_count = (int)ARRAY_LEN(${NOUN}_steps);
")
