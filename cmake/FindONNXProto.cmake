# Finds the onnx Python package: its onnx-ml.proto describes the file format,
# its operator schemas hold the bodies of composite operators.
#
#   MOPT_ONNX_PROTO   path of onnx-ml.proto
#   MOPT_ONNX_PYTHON  a Python that can 'import onnx' of the same package
#
# Both may be set by hand. Looked for in the build tree's own environment
# first, then in the Python on the path.
set(MOPT_ONNX_PYTHON "" CACHE FILEPATH "Python interpreter that has the onnx package")
set(MOPT_ONNX_PROTO "" CACHE FILEPATH "onnx-ml.proto of the onnx package")

find_package(Python3 COMPONENTS Interpreter)
set(candidates ${MOPT_ONNX_PYTHON})
if(NOT candidates)
  set(candidates ${CMAKE_BINARY_DIR}/venv/bin/python ${Python3_EXECUTABLE})
endif()
foreach(candidate IN LISTS candidates)
  if(EXISTS "${candidate}")
    # Of the package only the folder is wanted here; importing it takes a second.
    execute_process(
      COMMAND ${candidate} -c
        "import importlib.util as u; print(u.find_spec('onnx').submodule_search_locations[0])"
      OUTPUT_VARIABLE folder OUTPUT_STRIP_TRAILING_WHITESPACE
      ERROR_QUIET RESULT_VARIABLE status)
    if(status EQUAL 0 AND EXISTS "${folder}/onnx-ml.proto")
      set(MOPT_ONNX_PYTHON ${candidate} CACHE FILEPATH "" FORCE)
      if(NOT MOPT_ONNX_PROTO)
        set(MOPT_ONNX_PROTO ${folder}/onnx-ml.proto CACHE FILEPATH "" FORCE)
      endif()
      break()
    endif()
  endif()
endforeach()
if(NOT EXISTS "${MOPT_ONNX_PROTO}" OR NOT EXISTS "${MOPT_ONNX_PYTHON}")
  message(FATAL_ERROR
    "the 'onnx' Python package was not found; tried: ${candidates}. Install it "
    "(python/requirements-test.txt pins the version) into "
    "${CMAKE_BINARY_DIR}/venv, or set MOPT_ONNX_PYTHON to an interpreter that "
    "has it")
endif()
message(STATUS "Found onnx-ml.proto: ${MOPT_ONNX_PROTO}")
