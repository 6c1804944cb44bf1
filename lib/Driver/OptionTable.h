//===- OptionTable.h - every option of mopt-compile -------------*- C++ -*-===//

#ifndef MOPT_DRIVER_OPTIONTABLE_H
#define MOPT_DRIVER_OPTIONTABLE_H

#include "mopt/Driver/CompileOptions.h"

namespace mopt {

struct OptionRow {
  llvm::StringLiteral group;
  /// Without dashes; one letter means one dash.
  llvm::StringLiteral name;
  /// What stands for the value in the help; empty for a switch.
  llvm::StringLiteral value;
  llvm::StringLiteral help;
  llvm::Error (*set)(CompileOptions &options, llvm::StringRef value);
};

llvm::ArrayRef<OptionRow> getOptionTable();

} // namespace mopt

#endif // MOPT_DRIVER_OPTIONTABLE_H
