// The module `_mopt`: what the Python package calls of Model.h. Everything that
// has to do with element types unknown to the buffer protocol is left to
// mopt/_model.py.
#include "Model.h"

#include <nanobind/stl/string.h>

namespace nb = nanobind;
using namespace mopt::python;

NB_MODULE(_mopt, module) {
  nb::class_<Model>(module, "Model")
      .def(nb::init<const std::string &, int, const std::string &, int, bool>(),
           nb::arg("path"), nb::arg("threads") = 0,
           nb::arg("weights_path") = "", nb::arg("device") = 0,
           nb::arg("fall_back") = false)
      .def("close", &Model::close)
      .def_prop_ro("name", &Model::name)
      .def_prop_ro("build_info_json", &Model::buildInfo)
      .def_prop_ro("target", &Model::target)
      .def("inputs", [](const Model &model) { return model.specs(true); })
      .def("outputs", [](const Model &model) { return model.specs(false); })
      .def("run", &Model::run, nb::arg("values"), nb::arg("normalize"))
      .def("run_into", &Model::runInto, nb::arg("values"), nb::arg("results"),
           nb::arg("stream") = 0);

  // Raised as (message, status) of the exception class that the package sets.
  module.attr("RunError") = nb::none();
  nb::register_exception_translator(
      [](const std::exception_ptr &pointer, void *) {
        try {
          std::rethrow_exception(pointer);
        } catch (const RunFailure &failure) {
          nb::object type = nb::module_::import_("_mopt").attr("RunError");
          nb::object error =
              type(nb::str(failure.what()), nb::str(failure.status.c_str()));
          PyErr_SetObject(type.ptr(), error.ptr());
        }
      });
}
