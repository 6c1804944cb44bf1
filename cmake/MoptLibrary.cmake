# Building blocks of the tree. Everything ends in one shared library,
# MoptCompiler, which the tools and plugins link.
#
# Debian's MLIR must be linked as the shared libraries MLIR and LLVM only: a
# static libMLIR*.a beside them duplicates type identities. The helpers of
# AddMLIR link the static ones, so they are not used.

# mopt_tablegen(<file.td> <out> <generator args>...): queues one generated file.
macro(mopt_tablegen td out)
  set(LLVM_TARGET_DEFINITIONS ${td})
  mlir_tablegen(${out} ${ARGN})
endmacro()

# mopt_target_table(<file.td> <out>): searchable tables of target rows. The file
# goes into the sources of the library that includes it.
function(mopt_target_table td out)
  cmake_path(ABSOLUTE_PATH td OUTPUT_VARIABLE td_path)
  get_filename_component(out_dir ${CMAKE_CURRENT_BINARY_DIR}/${out} DIRECTORY)
  file(MAKE_DIRECTORY ${out_dir})
  add_custom_command(
    OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${out}
    COMMAND ${LLVM_TOOLS_BINARY_DIR}/llvm-tblgen -gen-searchable-tables
            -I ${PROJECT_SOURCE_DIR}/include -I ${LLVM_INCLUDE_DIRS}
            ${td_path} -o ${CMAKE_CURRENT_BINARY_DIR}/${out}
            -d ${CMAKE_CURRENT_BINARY_DIR}/${out}.d
    DEPENDS ${td_path}
    DEPFILE ${CMAKE_CURRENT_BINARY_DIR}/${out}.d
    COMMENT "Building ${out}")
endfunction()

# mopt_add_library(<name> <sources>... [EXCEPTIONS] [DEPENDS <targets>...]
#                  [INCLUDES <dirs>...]):
# objects that become part of MoptCompiler. EXCEPTIONS is for code that calls
# libraries which throw; such code has no precompiled header either.
function(mopt_add_library name)
  cmake_parse_arguments(ARG "EXCEPTIONS" "" "DEPENDS;INCLUDES" ${ARGN})
  add_library(${name} OBJECT ${ARG_UNPARSED_ARGUMENTS})
  add_dependencies(${name} MoptIncGen ${ARG_DEPENDS})
  target_include_directories(${name} PRIVATE ${ARG_INCLUDES})
  if(NOT ARG_EXCEPTIONS)
    target_compile_options(${name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions>)
    if(MOPT_PRECOMPILE_HEADERS)
      target_precompile_headers(${name} REUSE_FROM MoptPrecompiled)
    endif()
  endif()
  set_property(GLOBAL APPEND PROPERTY MOPT_LIBRARIES ${name})
endfunction()

# mopt_add_tool(<name> <sources>...): a program on top of MoptCompiler.
function(mopt_add_tool name)
  add_executable(${name} ${ARGN})
  add_dependencies(${name} MoptIncGen)
  target_compile_options(${name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions>)
  target_link_libraries(${name} PRIVATE MoptCompiler MLIR LLVM)
  install(TARGETS ${name} RUNTIME)
endfunction()
