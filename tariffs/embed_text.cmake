# cmake -D INPUT=file -D OUTPUT=file.cc -D HEADER=its_header.h -D FUNCTION=name -P embed_text.cmake
# Writes a function of namespace farthing::tariffs that returns the text of the input file.
file(READ ${INPUT} text)
set(delimiter "farthing_text")
if(text MATCHES "\\)${delimiter}\"")
  message(FATAL_ERROR "${INPUT} holds the delimiter of its own literal")
endif()
file(WRITE ${OUTPUT} "// Generated from ${INPUT}; do not edit.
#include \"${HEADER}\"

namespace farthing::tariffs {

std::string_view ${FUNCTION}() {
  return R\"${delimiter}(${text})${delimiter}\";
}

}  // namespace farthing::tariffs
")
