# mopt_add_model(<name> MODEL <file>
#                [TARGETS <row>...]        rows of mopt-compile --list-targets; of several
#                                          loading takes the best that fits
#                [SHAPES <input:1x3>...]   fixes dimensions of an input
#                [DIMS <name=size>...]     fixes dimensions by their name
#                [QUANTIZE <mode>]
#                [OPTIONS <option>...]     any options of mopt-compile
#                [STATIC|SHARED])          STATIC is the default
#
# Compiles a model when it, a file it refers to, or the compiler has changed, to a
# library target <name>. What links the target can include <name.h>. The name is
# also that of the entry, mopt_model_<name>. Without TARGETS the code is for the
# machine that is being built for: this one, or the toolchain file's triple.
include_guard()
cmake_policy(PUSH)
cmake_policy(VERSION 3.20)

# The triple that a cross compiler was set up for.
function(_mopt_cross_triple result)
  foreach(variable CMAKE_C_COMPILER_TARGET CMAKE_CXX_COMPILER_TARGET CMAKE_LIBRARY_ARCHITECTURE)
    if(${variable})
      set(${result} ${${variable}} PARENT_SCOPE)
      return()
    endif()
  endforeach()
  string(TOLOWER "${CMAKE_SYSTEM_PROCESSOR}-unknown-${CMAKE_SYSTEM_NAME}-gnu" triple)
  set(${result} ${triple} PARENT_SCOPE)
endfunction()

function(mopt_add_model name)
  cmake_parse_arguments(ARG "STATIC;SHARED" "MODEL;QUANTIZE" "TARGETS;SHAPES;DIMS;OPTIONS" ${ARGN})
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "mopt_add_model(${name}): unknown argument '${ARG_UNPARSED_ARGUMENTS}'")
  endif()
  if(NOT name MATCHES "^[A-Za-z_][A-Za-z0-9_]*$")
    message(FATAL_ERROR "mopt_add_model(${name}): expected a C identifier as the name")
  endif()
  if(NOT ARG_MODEL)
    message(FATAL_ERROR "mopt_add_model(${name}): expected MODEL <file>")
  endif()
  if(ARG_STATIC AND ARG_SHARED)
    message(FATAL_ERROR "mopt_add_model(${name}): STATIC excludes SHARED")
  endif()

  set(options --entry=${name} ${ARG_OPTIONS})
  if(ARG_TARGETS)
    list(JOIN ARG_TARGETS "," targets)
    list(APPEND options --target=${targets})
  elseif(CMAKE_CROSSCOMPILING)
    _mopt_cross_triple(triple)
    list(APPEND options --triple=${triple})
  endif()
  foreach(shape IN LISTS ARG_SHAPES)
    list(APPEND options --shape=${shape})
  endforeach()
  foreach(dim IN LISTS ARG_DIMS)
    list(APPEND options --dim=${dim})
  endforeach()
  if(ARG_QUANTIZE)
    list(APPEND options --quantize=${ARG_QUANTIZE})
  endif()

  cmake_path(ABSOLUTE_PATH ARG_MODEL BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} OUTPUT_VARIABLE model)
  # A folder of its own: what comes along with the library must not meet another's.
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/${name}.mopt)
  file(MAKE_DIRECTORY ${folder})
  if(ARG_SHARED)
    set(kind SHARED)
    set(library ${folder}/lib${name}.so)
    list(APPEND options --header=${folder}/${name}.h)
  else()
    set(kind STATIC)
    set(library ${folder}/lib${name}.a)
  endif()
  get_target_property(compiler mopt::Compiler IMPORTED_LOCATION)
  add_custom_command(
    OUTPUT ${library} ${folder}/${name}.h
    COMMAND mopt::mopt-compile ${model} -o ${library} --depfile=${library}.d ${options}
    DEPENDS ${model} mopt::mopt-compile ${compiler}
    DEPFILE ${library}.d
    COMMENT "Compiling the model ${name}"
    VERBATIM)
  add_custom_target(${name}_library DEPENDS ${library} ${folder}/${name}.h)

  # Threads are in libc, the mathematics beside it.
  add_library(${name} ${kind} IMPORTED GLOBAL)
  add_dependencies(${name} ${name}_library)
  set_target_properties(${name} PROPERTIES
    IMPORTED_LOCATION ${library}
    INTERFACE_INCLUDE_DIRECTORIES ${folder}
    INTERFACE_LINK_LIBRARIES "mopt::Model;$<$<STREQUAL:${kind},STATIC>:m>")
  if(ARG_SHARED)
    # The file has no name inside: it is found by that of the file.
    set_property(TARGET ${name} PROPERTY IMPORTED_NO_SONAME TRUE)
  endif()
endfunction()
cmake_policy(POP)
