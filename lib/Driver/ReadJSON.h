//===- ReadJSON.h - JSON files that users name ------------------*- C++ -*-===//

#ifndef MOPT_DRIVER_READJSON_H
#define MOPT_DRIVER_READJSON_H

#include "llvm/Support/JSON.h"

namespace mopt {

/// "the calibration 'x.json' has another version".
llvm::Error refuseFile(llvm::StringRef kind, llvm::StringRef path,
                       const llvm::Twine &why);

/// Reads an object with "format": `format` and "version": 1. The error calls
/// the file a `kind`, "calibration".
llvm::Expected<llvm::json::Value>
readJSON(llvm::StringRef kind, llvm::StringRef path, llvm::StringRef format);
} // namespace mopt

#endif // MOPT_DRIVER_READJSON_H
