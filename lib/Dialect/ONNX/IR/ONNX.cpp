// The onnx dialect: generic nodes, printed with their operator's name first.
#include "mopt/Dialect/ONNX/IR/ONNX.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/OpImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mopt::onnx;

#include "mopt/Dialect/ONNX/IR/ONNXDialect.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "mopt/Dialect/ONNX/IR/ONNXTypes.cpp.inc"
#define GET_OP_CLASSES
#include "mopt/Dialect/ONNX/IR/ONNXOps.cpp.inc"

void ONNXDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "mopt/Dialect/ONNX/IR/ONNXTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "mopt/Dialect/ONNX/IR/ONNXOps.cpp.inc"
      >();
}

LogicalResult NodeOp::verify() {
  if (getRegionNames().size() != getNumRegions())
    return emitOpError("expected a name for each of its ")
           << getNumRegions() << " regions, found " << getRegionNames().size();
  for (auto [region, name] :
       llvm::zip_equal(getBodies(), getRegionNames().getValue())) {
    if (!region.hasOneBlock() || region.front().empty() ||
        !isa<YieldOp>(region.front().back()))
      return emitOpError("expected region ")
             << name << " to be one block that ends in 'onnx.yield'";
  }
  return success();
}

void NodeOp::build(OpBuilder &builder, OperationState &state,
                   TypeRange outputs, StringRef opType, ValueRange inputs,
                   ArrayRef<NamedAttribute> attributes) {
  build(builder, state, outputs, builder.getStringAttr(opType),
        builder.getStringAttr(""), builder.getDictionaryAttr(attributes),
        builder.getArrayAttr({}), /*opset=*/IntegerAttr(), inputs,
        /*bodiesCount=*/0);
}

int64_t NodeOp::getOpsetVersion() {
  if (std::optional<int64_t> own = getOpset())
    return *own;
  auto module = (*this)->getParentOfType<ModuleOp>();
  if (!module)
    return 0;
  auto opsets = module->getAttrOfType<DictionaryAttr>(kOpsetsAttr);
  auto version = opsets ? opsets.getAs<IntegerAttr>(
                              getDomain().empty() ? "ai.onnx" : getDomain())
                        : IntegerAttr();
  return version ? version.getInt() : 0;
}

// onnx.node "Op" [domain "d"] [opset n] (%inputs) {attributes} ["name" {region}]*
//     : functional-type
ParseResult NodeOp::parse(OpAsmParser &parser, OperationState &result) {
  Builder &b = parser.getBuilder();
  std::string opType, domain;
  if (parser.parseString(&opType))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("domain")) &&
      parser.parseString(&domain))
    return failure();
  result.addAttribute(getOpTypeAttrName(result.name), b.getStringAttr(opType));
  result.addAttribute(getDomainAttrName(result.name), b.getStringAttr(domain));

  int64_t opset;
  if (succeeded(parser.parseOptionalKeyword("opset"))) {
    if (parser.parseInteger(opset))
      return failure();
    result.addAttribute(getOpsetAttrName(result.name),
                        b.getI64IntegerAttr(opset));
  }

  SmallVector<OpAsmParser::UnresolvedOperand> operands;
  SMLoc loc = parser.getCurrentLocation();
  NamedAttrList attributes;
  if (parser.parseOperandList(operands, OpAsmParser::Delimiter::Paren) ||
      parser.parseOptionalAttrDict(attributes))
    return failure();
  result.addAttribute(getNodeAttributesAttrName(result.name),
                      attributes.getDictionary(b.getContext()));

  SmallVector<Attribute> names;
  std::string name;
  while (succeeded(parser.parseOptionalString(&name))) {
    names.push_back(b.getStringAttr(name));
    SmallVector<OpAsmParser::Argument> arguments;
    if (parser.parseArgumentList(arguments, OpAsmParser::Delimiter::Paren,
                                 /*allowType=*/true, /*allowAttrs=*/false) ||
        parser.parseRegion(*result.addRegion(), arguments))
      return failure();
  }
  result.addAttribute(getRegionNamesAttrName(result.name),
                      b.getArrayAttr(names));

  FunctionType type;
  if (parser.parseColonType(type) ||
      parser.resolveOperands(operands, type.getInputs(), loc, result.operands))
    return failure();
  result.addTypes(type.getResults());
  return success();
}

void NodeOp::print(OpAsmPrinter &p) {
  p << ' ' << getOpTypeAttr();
  if (!getDomain().empty())
    p << " domain " << getDomainAttr();
  if (std::optional<int64_t> opset = getOpset())
    p << " opset " << *opset;
  p << '(' << getInputs() << ')';
  p.printOptionalAttrDict(getNodeAttributes().getValue());
  for (auto [region, name] : llvm::zip_equal(getBodies(), getRegionNames())) {
    p << ' ' << name << '(';
    llvm::interleaveComma(region.getArguments(), p,
                          [&](BlockArgument arg) { p.printRegionArgument(arg); });
    p << ") ";
    p.printRegion(region, /*printEntryBlockArgs=*/false);
  }
  p << " : ";
  p.printFunctionalType(getOperation());
}
