// The onnx dialect: generic nodes, printed with their operator's name first.
#include "mopt/Dialect/ONNX/IR/ONNX.h"

#include "mlir/IR/Builders.h"
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

// onnx.node "Op" [domain "d"] (%inputs) {attributes} ["name" {region}]*
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
