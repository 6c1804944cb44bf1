// Machines as values: from a row, from and to the module's attribute.
#include "mopt/Target/TargetInfo.h"

#include "mopt/Target/TargetBackend.h"

using namespace mopt;

TargetInfo::TargetInfo(const TargetRow &row)
    : name(row.name), triple(row.triple), cpu(row.cpu), tune(row.tune),
      features(row.features), vectorBits(row.vectorBits),
      vectorRegisters(row.vectorRegisters), l1Bytes(row.l1Bytes),
      l2Bytes(row.l2Bytes), rank(row.rank) {}

TargetInfo::TargetInfo(TargetAttr attr)
    : name(attr.getName()), triple(attr.getTriple()), cpu(attr.getCpu()),
      tune(attr.getTune().empty() ? attr.getCpu() : attr.getTune()),
      features(attr.getFeatures()), vectorBits(attr.getVectorBits()),
      vectorRegisters(attr.getVectorRegisters()), l1Bytes(attr.getL1Bytes()),
      l2Bytes(attr.getL2Bytes()) {}

TargetAttr TargetInfo::toAttr(mlir::MLIRContext *context) const {
  return TargetAttr::get(context, name, triple, cpu, features, vectorBits,
                         vectorRegisters, l1Bytes, l2Bytes,
                         tune == cpu ? llvm::StringRef() : tune);
}

TargetBackend::~TargetBackend() = default;

llvm::Expected<DeviceCode>
TargetBackend::emitDeviceCode(mlir::Operation *, const TargetInfo &target,
                              bool) const {
  return llvm::createStringError("'%s' is no device", target.name.c_str());
}
