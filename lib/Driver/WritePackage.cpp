// What comes along with an object or archive, in its folder: <entry>.h,
// mopt-c/Model.h and <entry>-config.cmake, so that the folder is all a build
// needs.
#include "Compilation.h"

#include "mopt/Target/WriteFile.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mopt;

static constexpr const char kModelHeader[] =
#include "ModelHeader.inc"
    ;

/// An archive is a library to CMake; an object goes into the program itself.
static std::string makeConfig(llvm::StringRef entry, llvm::StringRef file) {
  std::string text;
  llvm::raw_string_ostream os(text);
  bool isArchive = llvm::sys::path::extension(file) == ".a";
  os << "# " << entry << "-config.cmake: made by mopt-compile.\n"
     << "if(TARGET " << entry << ")\n  return()\nendif()\n"
     << "find_package(Threads REQUIRED)\n";
  if (isArchive)
    os << "add_library(" << entry << " STATIC IMPORTED)\n"
       << "set_target_properties(" << entry
       << " PROPERTIES\n  IMPORTED_LOCATION \"${CMAKE_CURRENT_LIST_DIR}/"
       << file << "\")\n";
  else
    os << "add_library(" << entry << " INTERFACE IMPORTED)\n"
       << "target_link_libraries(" << entry
       << " INTERFACE \"${CMAKE_CURRENT_LIST_DIR}/" << file << "\")\n";
  os << "target_include_directories(" << entry
     << " INTERFACE \"${CMAKE_CURRENT_LIST_DIR}\")\n"
     << "target_link_libraries(" << entry
     << " INTERFACE Threads::Threads ${CMAKE_DL_LIBS} m)\n";
  return text;
}

llvm::Error mopt::writePackage(const ModelInterface &interface,
                               llvm::StringRef libraryPath) {
  llvm::SmallString<128> folder(libraryPath);
  llvm::sys::path::remove_filename(folder);
  auto place = [&](const llvm::Twine &name) {
    llvm::SmallString<128> path(folder);
    llvm::sys::path::append(path, name);
    return path.str().str();
  };
  if (llvm::Error error =
          writeFile(place(interface.entry + ".h"), makeHeader(interface)))
    return error;
  if (std::error_code code =
          llvm::sys::fs::create_directories(place("mopt-c"), true,
                                            llvm::sys::fs::all_all))
    return llvm::createFileError(place("mopt-c"), code);
  if (llvm::Error error = writeFile(place("mopt-c/Model.h"), kModelHeader))
    return error;
  return writeFile(place(interface.entry + "-config.cmake"),
                   makeConfig(interface.entry,
                              llvm::sys::path::filename(libraryPath)));
}
